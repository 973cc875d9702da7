"""Train a network of tensors to read handwritten digits at their full size, 28 x 28, on the device "cpu".

    python -m examples.mnist
    python -m examples.mnist --full
    python -m examples.mnist --hidden 256 128 --epochs 12

The same network and the same loop as in module 2, with 16 times as many inputs. What has changed is who computes: the
learner's compiled kernels of module 3. `--full` takes all 60,000 images of MNIST, from the folder that TEROX_DATA names
or, once, from the network. Ctrl-C stops the training; what was reached is shown and drawn all the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from examples import digits, program
from examples.digits import Data, draw
from examples.program import Result

DEVICE = "cpu"
SIDE = 28
EPOCHS = 8
LR = 0.05
MOMENTUM = 0.9
BATCH = 64
HIDDEN = (128,)

__all__ = ["Data", "draw", "has_full", "load", "main", "train"]


def has_full() -> bool:
    """Whether all of MNIST is at hand: TEROX_DATA names its folder."""
    return bool(os.environ.get("TEROX_DATA"))


def load(*, count: int | None = None, full: bool = False) -> Data:
    """The digits that ship with the project, or all of MNIST; see `digits.load`."""
    data = digits.load(count=count, side=SIDE, device=DEVICE, full=full)
    data.name = "full-size digits"
    return data


def train(data: Data, *, epochs: int = EPOCHS, lr: float = LR, hidden: Sequence[int] = HIDDEN, batch: int = BATCH,
          seed: int = 0) -> Result:
    """Train an MLP with the loop of module 2; see `digits.train`."""
    return digits.train(data, epochs=epochs, lr=lr, hidden=hidden, batch=batch, momentum=MOMENTUM, seed=seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: see `program.finish`."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.mnist", description="Train a network to read digits at their full size.",
        epilog=f"Otherwise: {EPOCHS} epochs, learning rate {LR} (it falls from epoch to epoch), one hidden layer of "
               f"{HIDDEN[0]}, batches of {BATCH}, the 4,000 images that ship with the course.")
    program.add_options(parser, out="build/mnist")
    parser.add_argument("--batch", type=program.positive, default=BATCH, metavar="N", help="images in a batch")
    parser.add_argument("--images", type=program.positive, metavar="N", help="how many to learn from")
    parser.add_argument("--full", action="store_true", help="all of MNIST: 60,000 images")
    options = parser.parse_args(arguments)
    lr = options.lr or LR

    def run() -> tuple[Data, Result]:
        data = load(count=options.images, full=options.full)
        return data, train(data, epochs=options.epochs or EPOCHS, lr=lr, hidden=options.hidden or HIDDEN,
                           batch=options.batch, seed=options.seed)

    return program.finish(run, draw, options.out, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
