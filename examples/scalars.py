"""Train a network of Scalars, on points in the plane or on real digits (zeros against ones).

    python -m examples.scalars --data moons
    python -m examples.scalars --data spiral --hidden 16 16 --epochs 80
    python -m examples.scalars --data digits --epochs 4 --hidden 8

Digits are averaged to 7 x 7 pixels first: 49 inputs, each a Scalar's worth of work. Accuracy is on data that the
network did not learn from. Ctrl-C stops the training; what was reached is shown and drawn all the same.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from course import datasets
from course.runner.events import TODO_MESSAGE
from examples.progress import training

TOYS = {"moons": datasets.moons, "circles": datasets.circles, "xor": datasets.xor, "spiral": datasets.spiral}
# Epochs, learning rate and hidden sizes that go well with each data set.
SETTINGS = {"moons": (20, 0.1, (8, 8)), "circles": (20, 0.1, (8, 8)), "xor": (20, 0.1, (8, 8)),
            "spiral": (80, 0.05, (16, 16)), "digits": (4, 0.1, (8,))}
BATCH = 10
MOMENTUM = 0.9


@dataclass
class Data:
    """Inputs and labels (0 or 1) to learn from, and others to judge by. `images`: (N, 7, 7), the digits to judge by."""

    name: str
    inputs: list[list[float]]
    labels: list[int]
    test_inputs: list[list[float]]
    test_labels: list[int]
    images: Any = None


@dataclass
class Result:
    """What a training run reached: a loss and a held-out accuracy for each epoch."""

    model: Any
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False  # by Ctrl-C

    @property
    def accuracy(self) -> float:
        """The last one; nan if no epoch was finished."""
        return self.accuracies[-1] if self.accuracies else float("nan")


def load(name: str, *, seed: int = 0, count: int | None = None) -> Data:
    """A data set by name: "moons", "circles", "xor", "spiral" or "digits". count: how many examples to learn from."""
    if name in TOYS:
        points, labels = TOYS[name](count or 200, seed=seed)
        test_points, test_labels = TOYS[name](200, seed=seed + 1)
        return Data(name, points.tolist(), labels.tolist(), test_points.tolist(), test_labels.tolist())
    train, test = (datasets.two_digits(datasets.load_digits(part), 0, 1) for part in ("train", "test"))
    images, test_images = (datasets.average_pool(each.images, 7) for each in (train, test))  # (N, 7, 7)
    return Data(name, images.reshape(-1, 49).tolist()[:count], train.labels.tolist()[:count],
                test_images.reshape(-1, 49).tolist(), test.labels.tolist(), test_images)


def train(data: Data, *, epochs: int, lr: float, hidden: Sequence[int], seed: int = 0) -> Result:
    """Train a ScalarMLP with the learner's training loop. Ends early, without an error, on Ctrl-C."""
    from terox.autograd.mlp import ScalarMLP
    from terox.autograd.training import evaluate, fit
    from terox.optim import SGD

    model = ScalarMLP([len(data.inputs[0]), *hidden, 1], seed=seed)
    optimizer = SGD(model.parameters(), lr=lr, momentum=MOMENTUM)
    result, began = Result(model), time.perf_counter()
    try:
        with training(data.name, epochs=epochs, examples=len(data.inputs)) as progress:
            for epoch in range(epochs):
                losses = fit(model, optimizer, data.inputs, data.labels, epochs=1, batch_size=BATCH,
                             seed=1000 * seed + epoch, on_step=progress.step)
                accuracy = evaluate(model, data.test_inputs, data.test_labels)
                result.losses += losses
                result.accuracies.append(accuracy)
                progress.epoch(losses[-1], accuracy)
    except KeyboardInterrupt:
        result.stopped = True
    result.seconds = time.perf_counter() - began
    return result


def draw(data: Data, result: Result, out: Path) -> list[Path]:
    """Write the pictures of a run to the folder `out`, and return their paths. Needs matplotlib."""
    from course import pictures
    from terox import no_grad

    if not result.losses:
        return []
    curve = pictures.learning_curve(result.losses, result.accuracies, title=f"Training on {data.name}")
    paths = [curve.save(out / f"{data.name}_curve.png")]
    with no_grad():
        if data.images is None:
            boundary = pictures.decision_boundary(lambda point: result.model(point).item(), data.test_inputs,
                                                  data.test_labels, title=f"{data.name}: held-out points")
            return [*paths, boundary.save(out / f"{data.name}_boundary.png")]
        said = [int(result.model(x).item() > 0.0) for x in data.test_inputs]
    # Mistakes first: they are what one learns from.
    order = sorted(range(len(said)), key=lambda n: said[n] == data.test_labels[n])[:24]
    grid = pictures.digit_grid(np.asarray(data.images)[order], [data.test_labels[n] for n in order],
                               [said[n] for n in order], title="Held-out digits, mistakes first")
    return [*paths, grid.save(out / f"{data.name}_predictions.png")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 something is missing (a task, a data file), 130 stopped by Ctrl-C."""
    options = _options(arguments)
    epochs, lr, hidden = SETTINGS[options.data]
    try:
        data = load(options.data, seed=options.seed)
        result = train(data, epochs=options.epochs or epochs, lr=options.lr or lr, hidden=options.hidden or hidden,
                       seed=options.seed)
    except NotImplementedError as error:
        todo = TODO_MESSAGE.match(str(error))
        if todo is None:
            raise
        print(f"This program needs task {todo[1]}: {todo[2]}. Where to go on: python -m course next")
        return 1
    except datasets.DatasetError as error:
        print(error)
        return 1
    if result.stopped:
        print(f"Stopped after {len(result.losses)} finished epochs.")
    if result.losses:
        print(f"{data.name}: {result.accuracy:.1%} of {len(data.test_labels)} held-out examples are right, "
              f"loss {result.losses[-1]:.4f}, {result.seconds:.1f} s.")
    try:
        for path in draw(data, result, options.out):
            print(f"Picture: {path}")
    except ImportError:
        print("Pictures need matplotlib, which is not installed here.")
    return 130 if result.stopped else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.scalars", description="Train a network of Scalars.")
    parser.add_argument("--data", choices=[*TOYS, "digits"], default="moons")
    parser.add_argument("--epochs", type=_positive, help="passes over the data")
    parser.add_argument("--lr", type=_above_zero, help="learning rate")
    parser.add_argument("--hidden", type=_positive, nargs="+", metavar="N", help="sizes of the hidden layers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/scalars"), metavar="DIR", help="where pictures go")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


if __name__ == "__main__":
    sys.exit(main())
