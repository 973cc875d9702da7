"""Train a network of tensors to read handwritten digits on the device "cuda": on a GPU, or in the simulator of one.

    python -m examples.gpu
    python -m examples.gpu --hidden 256 128 --epochs 12
    python -m examples.gpu --images 200 --epochs 4

The same network and the same loop as in modules 2 and 3. On a GPU it reads digits of 28 x 28 pixels. The simulator runs
each GPU thread as a function of Python's, one after the other: there, 160 digits of 7 x 7 pixels and a tiny network are
what it can do in a minute, and what can be learned from so few is not much. Ctrl-C stops the training; what was
reached is shown and drawn all the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from examples import digits, program
from examples.digits import Data, draw
from examples.program import Result

DEVICE = "cuda"
MOMENTUM = 0.9

# On a GPU, and in the simulator: pixels each way, images to learn from (None: all) and to judge by, and how to learn.
ON_GPU = {"side": 28, "images": None, "judged": 1000, "epochs": 8, "lr": 0.05, "hidden": (128,), "batch": 64}
SIMULATED = {"side": 7, "images": 160, "judged": 80, "epochs": 6, "lr": 0.1, "hidden": (8,), "batch": 16}

__all__ = ["Data", "draw", "load", "main", "settings", "train"]


def simulated() -> bool:
    """Whether there is no GPU."""
    from terox.cuda.runtime import ON_GPU as found

    return not found


def settings() -> dict:
    """What this machine can do in a minute."""
    return SIMULATED if simulated() else ON_GPU


def load(*, count: int | None = None) -> Data:
    """The digits that ship with the project; see `digits.load`. Few of them, in the simulator."""
    chosen = settings()
    data = digits.load(count=count or chosen["images"], side=chosen["side"], device="python")
    few = slice(0, chosen["judged"])
    inputs, labels, test_inputs, test_labels = [
        tensor.to(DEVICE) for tensor in (data.inputs, data.labels, data.test_inputs[few], data.test_labels[few])]
    return Data("digits on the device cuda", inputs, labels, test_inputs, test_labels, data.images[few], data.side)


def train(data: Data, *, epochs: int | None = None, lr: float | None = None, hidden: Sequence[int] | None = None,
          batch: int | None = None, seed: int = 0) -> Result:
    """Train an MLP with the loop of module 2; see `digits.train`."""
    chosen = settings()
    return digits.train(data, epochs=epochs or chosen["epochs"], lr=lr or chosen["lr"],
                        hidden=hidden or chosen["hidden"], batch=batch or chosen["batch"], momentum=MOMENTUM, seed=seed)


def announced() -> str:
    """Where this will run, and how fast, in words."""
    from terox import cuda

    if not simulated():
        return f"Training on {cuda.get_device_name()}."
    return (f"There is no GPU here, or TEROX_CUDA says not to use it: training in the simulator ({SIMULATED['images']} "
            f"images of {SIMULATED['side']} x {SIMULATED['side']} pixels). It does in a second what a GPU does in "
            "microseconds.")


def summary() -> str:
    """What the run needed of the GPU."""
    from terox import cuda
    from terox.cuda.allocator import written

    moved = cuda.transfers()
    return (f"Memory: at most {written(cuda.max_memory_allocated())} in use, {written(cuda.max_memory_reserved())} "
            f"reserved. Transfers: {moved.to_device:,} to the device, {moved.to_host:,} back.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: see `program.finish`."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.gpu", description="Train a network to read digits on the device cuda.",
        epilog="Otherwise: on a GPU as examples.mnist, all 4,000 images that ship with the course; in the simulator "
               f"{SIMULATED['epochs']} epochs on {SIMULATED['images']} small images, one hidden layer of "
               f"{SIMULATED['hidden'][0]}, batches of {SIMULATED['batch']}.")
    program.add_options(parser, out="build/gpu")
    parser.add_argument("--batch", type=program.positive, metavar="N", help="images in a batch")
    parser.add_argument("--images", type=program.positive, metavar="N", help="how many to learn from")
    options = parser.parse_args(arguments)
    lr = options.lr or settings()["lr"]

    def run() -> tuple[Data, Result]:
        print(announced(), flush=True)
        data = load(count=options.images)
        result = train(data, epochs=options.epochs, lr=lr, hidden=options.hidden, batch=options.batch,
                       seed=options.seed)
        print(summary())
        return data, result

    return program.finish(run, draw, options.out, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
