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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course import datasets
from examples import program
from examples.program import Result

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

    def one_epoch(number: int, on_step: program.Step) -> float:
        return fit(model, optimizer, data.inputs, data.labels, epochs=1, batch_size=BATCH, seed=1000 * seed + number,
                   on_step=on_step)[0]

    return program.run(model, one_epoch, lambda: evaluate(model, data.test_inputs, data.test_labels), title=data.name,
                       epochs=epochs, examples=len(data.inputs))


def draw(data: Data, result: Result, out: Path) -> list[Path]:
    """Write the pictures of a run (one epoch or more) to the folder `out`, and return their paths. Needs matplotlib."""
    from course import pictures
    from terox import no_grad

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
    """Exit status: see `program.finish`."""
    parser = argparse.ArgumentParser(prog="python -m examples.scalars", description="Train a network of Scalars.")
    parser.add_argument("--data", choices=[*TOYS, "digits"], default="moons")
    program.add_options(parser, out="build/scalars")
    options = parser.parse_args(arguments)
    epochs, lr, hidden = SETTINGS[options.data]
    lr = options.lr or lr

    def run() -> tuple[Data, Result]:
        data = load(options.data, seed=options.seed)
        return data, train(data, epochs=options.epochs or epochs, lr=lr, hidden=options.hidden or hidden,
                           seed=options.seed)

    return program.finish(run, draw, options.out, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
