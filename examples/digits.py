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


@dataclass
class Data:
    """What to learn from, and what to judge by. Inputs are Tensors (N, 49) float32, labels (N,) int64.

    images: (N, 28, 28) uint8, the digits to judge by, as they were written.
    """

    name: str
    inputs: Any
    labels: Any
    test_inputs: Any
    test_labels: Any
    images: np.ndarray


def load(*, count: int | None = None) -> Data:
    """The digits that ship with the project; `count`: only so many to learn from, and a fair sample of them.

    Each pixel is shifted and scaled so that its mean over the images to learn from is 0, and its standard deviation 1:
    otherwise all inputs are positive, most are near 0, and learning takes several times as long (LeCun et al.,
    "Efficient BackProp", 1998, section 4.3). A pixel that is hardly ever inked is scaled less.
    """
    train, test = (datasets.load_digits(part) for part in ("train", "test"))
    pixels, test_pixels = (datasets.average_pool(each.images, SIDE).reshape(-1, SIDE * SIDE) for each in (train, test))
    pixels = pixels[:count]  # (N, 49)
    mean, deviation = pixels.mean(axis=0), np.maximum(pixels.std(axis=0), 0.1)  # (49,)
    return Data("ten digits", _tensor((pixels - mean) / deviation), _tensor(train.labels[:count]),
                _tensor((test_pixels - mean) / deviation), _tensor(test.labels), test.images)


def _tensor(array: np.ndarray) -> Any:
    import terox

    if array.dtype.kind == "f":
        return terox.tensor(array, dtype=terox.float32, device=DEVICE)
    return terox.tensor(array.astype(np.int64), device=DEVICE)


def train(data: Data, *, epochs: int = EPOCHS, lr: float = LR, hidden: Sequence[int] = HIDDEN, batch: int = BATCH,
          seed: int = 0) -> Result:
    """Train an MLP with the learner's training loop. Ends early, without an error, on Ctrl-C.

    The learning rate falls from epoch to epoch, along a line that would reach 0 after the last one: large steps get
    far, and small ones at the end let the noise of the batches settle.
    """
    import terox
    from terox.optim import SGD
    from terox.tensors.mlp import MLP
    from terox.tensors.training import evaluate, fit

    terox.manual_seed(seed)
    model = MLP([data.inputs.shape[1], *hidden, 10], device=DEVICE)
    optimizer = SGD(model.parameters(), lr=lr, momentum=MOMENTUM)

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
        chances = result.model(data.test_inputs).softmax(1).numpy()  # (N, 10)
    labels, said = data.test_labels.numpy(), chances.argmax(axis=1)  # (N,)
    wrong = said != labels
    # Mistakes first, the surest of them in front; where there are few, what was hardest among the rest.
    sure = chances.max(axis=1)
    order = np.lexsort((np.where(wrong, -sure, sure), ~wrong))[:SHOWN]
    title = (f"{wrong.sum()} of {len(labels):,} are read wrongly; the surest mistakes first\n"
             "Left: as written. Right: as the network sees it")
    drawn = {
        "curve": pictures.learning_curve(result.losses, result.accuracies, title=f"Training on {data.name}"),
        "mistakes": pictures.digit_grid(beside(data.images[order]), labels[order].tolist(), said[order].tolist(),
                                        columns=4, title=title),
        "confusion": pictures.confusion_matrix(labels, said,
                                               title=f"What the network says to {len(labels):,} held-out digits"),
    }
    return [picture.save(out / f"ten_digits_{name}.png") for name, picture in drawn.items()]


def beside(images: np.ndarray) -> np.ndarray:
    """Each image beside its averaged form, equally large: (N, 28, 28) uint8 to (N, 28, 58) from 0 to 1."""
    small = datasets.average_pool(images, SIDE)  # (N, 7, 7)
    block = images.shape[-1] // SIDE
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
