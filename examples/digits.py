"""Train a network of tensors to read handwritten digits, all ten of them.

    python -m examples.digits
    python -m examples.digits --hidden 64 32 --epochs 8
    python -m examples.digits --images 500 --epochs 10

The images are averaged to 7 x 7 pixels first: module 2 computes in plain Python loops, and 49 inputs are what those can
do in half a minute. Accuracy is on images that the network did not learn from. Ctrl-C stops the training; what was
reached is shown and drawn all the same.
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

DEVICE = "python"
EPOCHS = 5
LR = 0.2
MOMENTUM = 0.9
BATCH = 40
HIDDEN = (48,)
SIDE = 7  # pixels, after averaging
SHOWN = 24  # images in the picture of mistakes
PART = 500  # images that are judged at a time


@dataclass
class Data:
    """What to learn from, and what to judge by. Inputs are Tensors (N, side * side) float32, labels (N,) int64.

    images: (N, 28, 28) uint8, the digits to judge by, as they were written. side: how many pixels the network sees,
    each way.
    """

    name: str
    inputs: Any
    labels: Any
    test_inputs: Any
    test_labels: Any
    images: np.ndarray
    side: int = SIDE


def load(*, count: int | None = None, side: int = SIDE, device: str = DEVICE, full: bool = False) -> Data:
    """The digits that ship with the project, or all of MNIST where `full`; averaged to `side` x `side` pixels.

    count: only so many to learn from, and a fair sample of them.

    Each pixel is shifted and scaled so that its mean over the images to learn from is 0, and its standard deviation 1:
    otherwise all inputs are positive, most are near 0, and learning takes several times as long (LeCun et al.,
    "Efficient BackProp", 1998, section 4.3). A pixel that is hardly ever inked is scaled less.
    """
    train, test = (datasets.load_digits(part, full=full) for part in ("train", "test"))
    pixels, test_pixels = (_pixels(each.images, side) for each in (train, test))
    pixels = pixels[:count]  # (N, side * side)
    mean, deviation = pixels.mean(axis=0), np.maximum(pixels.std(axis=0), 0.1)  # (side * side,)
    return Data("ten digits", _tensor((pixels - mean) / deviation, device), _tensor(train.labels[:count], device),
                _tensor((test_pixels - mean) / deviation, device), _tensor(test.labels, device), test.images, side)


def _pixels(images: np.ndarray, side: int) -> np.ndarray:
    """(N, 28, 28) uint8 to (N, side * side) from 0 to 1."""
    pixels = images / np.float32(255) if side == images.shape[-1] else datasets.average_pool(images, side)
    return pixels.reshape(-1, side * side)


def _tensor(array: np.ndarray, device: str) -> Any:
    import terox

    if array.dtype.kind == "f":
        return terox.tensor(array, dtype=terox.float32, device=device)
    return terox.tensor(array.astype(np.int64), device=device)


def train(data: Data, *, epochs: int = EPOCHS, lr: float = LR, hidden: Sequence[int] = HIDDEN, batch: int = BATCH,
          momentum: float = MOMENTUM, seed: int = 0) -> Result:
    """Train an MLP with the learner's training loop. Ends early, without an error, on Ctrl-C.

    The learning rate falls from epoch to epoch, along a line that would reach 0 after the last one: large steps get
    far, and small ones at the end let the noise of the batches settle.
    """
    import terox
    from terox.optim import SGD
    from terox.tensors.mlp import MLP
    from terox.tensors.training import evaluate, fit

    terox.manual_seed(seed)
    model = MLP([data.inputs.shape[1], *hidden, 10], device=data.inputs.device)
    optimizer = SGD(model.parameters(), lr=lr, momentum=momentum)

    def one_epoch(number: int, on_step: program.Step) -> float:
        optimizer.lr = lr * (1.0 - number / epochs)
        return fit(model, optimizer, data.inputs, data.labels, epochs=1, batch_size=batch, on_step=on_step)[0]

    return program.run(model, one_epoch, lambda: evaluate(model, data.test_inputs, data.test_labels), title=data.name,
                       epochs=epochs, examples=len(data.inputs), unit="images")


def draw(data: Data, result: Result, out: Path) -> list[Path]:
    """Write the pictures of a run (one epoch or more) to the folder `out`, and return their paths. Needs matplotlib."""
    from course import pictures
    from terox import no_grad

    with no_grad():
        parts = [result.model(data.test_inputs[start : start + PART]).softmax(1).cpu().numpy()
                 for start in range(0, len(data.test_inputs), PART)]
    chances = np.concatenate(parts)  # (N, 10)
    labels, said = data.test_labels.cpu().numpy(), chances.argmax(axis=1)  # (N,)
    wrong = said != labels
    # Mistakes first, the surest of them in front; where there are few, what was hardest among the rest.
    sure = chances.max(axis=1)
    order = np.lexsort((np.where(wrong, -sure, sure), ~wrong))[:SHOWN]
    title = f"{wrong.sum()} of {len(labels):,} are read wrongly;\nthe surest mistakes first"
    shown = data.images[order]
    if data.side != shown.shape[-1]:
        title += "\nLeft: as written. Right: as the network sees it"
        shown = beside(shown, data.side)
    drawn = {
        "curve": pictures.learning_curve(result.losses, result.accuracies, title=f"Training on {data.name}"),
        "mistakes": pictures.digit_grid(shown, labels[order].tolist(), said[order].tolist(),
                                        columns=4, title=title),
        "confusion": pictures.confusion_matrix(labels, said,
                                               title=f"What the network says to {len(labels):,} held-out digits"),
    }
    stem = data.name.replace(" ", "_")
    return [picture.save(out / f"{stem}_{name}.png") for name, picture in drawn.items()]


def beside(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Each image beside its averaged form, equally large: (N, 28, 28) uint8 to (N, 28, 58) from 0 to 1."""
    small = datasets.average_pool(images, side)  # (N, side, side)
    block = images.shape[-1] // side
    large = small.repeat(block, axis=1).repeat(block, axis=2)  # (N, 28, 28)
    return np.concatenate([images / 255.0, np.zeros((*images.shape[:2], 2)), large], axis=2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: see `program.finish`."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.digits", description="Train a network of tensors to read digits.",
        epilog=f"Otherwise: {EPOCHS} epochs, learning rate {LR} (it falls from epoch to epoch), one hidden layer of "
               f"{HIDDEN[0]}, batches of {BATCH}, all 4,000 images.")
    program.add_options(parser, out="build/digits")
    parser.add_argument("--batch", type=program.positive, default=BATCH, metavar="N", help="images in a batch")
    parser.add_argument("--images", type=program.positive, metavar="N", help="how many to learn from")
    options = parser.parse_args(arguments)
    lr = options.lr or LR

    def run() -> tuple[Data, Result]:
        data = load(count=options.images)
        return data, train(data, epochs=options.epochs or EPOCHS, lr=lr, hidden=options.hidden or HIDDEN,
                           batch=options.batch, seed=options.seed)

    return program.finish(run, draw, options.out, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
