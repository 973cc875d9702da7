"""Train LeNet to read handwritten digits, on the device "cpu".

    python -m examples.lenet
    python -m examples.lenet --full
    python -m examples.lenet --resume

The digits that ship with the course take a quarter of a minute. `--full` takes all 60,000 images of MNIST, from the
folder that TEROX_DATA names or, once, from the network. Ctrl-C stops the training; what was reached is shown, drawn and
kept: `--resume` goes on from there, in the middle of an epoch, too, and comes to the same as a run without a stop.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from course import datasets
from examples import digits, program
from examples.digits import Data
from examples.mnist import has_full
from examples.program import Refused, Result

DEVICE = "cpu"
EPOCHS = 5
LR = 0.05
MOMENTUM = 0.9
BATCH = 64
FILE = "lenet.safetensors"
OFTEN = 20  # steps between two copies of the state, one of which Ctrl-C keeps

__all__ = ["Data", "Settings", "draw", "has_full", "load", "main", "train"]


@dataclass(frozen=True)
class Settings:
    """What decides how a run goes. A checkpoint holds it, too. images: how many to learn from; None: all."""

    epochs: int = EPOCHS
    lr: float = LR
    batch: int = BATCH
    seed: int = 0
    images: int | None = None
    full: bool = False


def load(*, count: int | None = None, full: bool = False, device: str = DEVICE) -> Data:
    """The digits that ship with the project, or all of MNIST where `full`, as (N, 1, 28, 28).

    count: only so many to learn from. All pixels are shifted and scaled alike, so that the mean of all that are learned
    from is 0, and their standard deviation 1: a kernel meets each pixel, and so all should be of one kind.
    """
    train, test = (datasets.load_digits(part, full=full) for part in ("train", "test"))
    images = train.images[:count]
    mean, deviation = np.float32(images.mean()), np.float32(max(images.std(), 1.0))
    inputs, test_inputs = (((each - mean) / deviation)[:, None] for each in (images, test.images))
    return Data("images of digits", digits._tensor(inputs, device), digits._tensor(train.labels[:count], device),
                digits._tensor(test_inputs, device), digits._tensor(test.labels, device), test.images, 28)


# ---- Training ----


class Run:
    """A training run that can be stopped between any two steps, and go on as if it had not been.

    The order of the images in an epoch follows from the seed and the number of the epoch, the learning rate from the
    number of the step. So a checkpoint needs, besides model and optimizer, only where it is.
    """

    def __init__(self, data: Data, settings: Settings, resume: Any = None, keep: Path | None = None) -> None:
        import terox
        from terox.nn import LeNet
        from terox.optim import SGD

        terox.manual_seed(settings.seed)
        self.data, self.settings, self.keep = data, settings, keep
        self.model = LeNet(device=data.inputs.device)
        self.optimizer = SGD(self.model.parameters(), lr=settings.lr, momentum=MOMENTUM)
        self.result = Result(self.model)
        self.seen, self.total = 0, 0.0  # images of this epoch, and the sum of their losses
        if resume is not None:
            self._restore(resume)
        self.copy_state()

    def _restore(self, checkpoint: Any) -> None:
        from terox.nn.checkpoints import CheckpointError

        try:
            checkpoint.restore(self.model, self.optimizer)
            notes = checkpoint.notes
            self.result.losses, self.result.accuracies = list(notes["losses"]), list(notes["accuracies"])
            self.seen, self.total = int(notes["seen"]), float(notes["total"])
        except (CheckpointError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"The training cannot go on from this checkpoint. {error}") from None

    def copy_state(self) -> None:
        """Note where the run is: what Ctrl-C keeps."""
        from terox.nn.checkpoints import Checkpoint

        if math.isfinite(self.total):
            done = len(self.result.accuracies)
            self.latest = Checkpoint.take(self.model, self.optimizer, {
                "program": "examples.lenet", "settings": asdict(self.settings), "seen": self.seen, "total": self.total,
                "losses": self.result.losses[:done], "accuracies": self.result.accuracies[:done]})

    def save(self) -> None:
        """Write what was noted last."""
        if self.keep is not None:
            try:
                self.keep.parent.mkdir(parents=True, exist_ok=True)
                self.latest.save(self.keep)
            except OSError as error:
                print(f"The checkpoint could not be written: {error}. Another folder: --out DIR")

    def batches(self, epoch: int) -> Iterator[tuple[Any, Any]]:
        """What is left of an epoch. The learning rate falls from step to step, along a line that ends at 0."""
        import terox

        count, size = len(self.data.inputs), self.settings.batch
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(count)
        steps = math.ceil(count / size)
        for start in range(self.seen, count, size):
            self.optimizer.lr = self.settings.lr * (1.0 - (epoch + start / size / steps) / self.settings.epochs)
            chosen = terox.tensor(order[start : start + size], device=self.data.inputs.device)
            yield self.data.inputs[chosen], self.data.labels[chosen]

    def one_epoch(self, epoch: int, on_step: program.Step) -> float:
        """What is left of an epoch; the mean loss of all of it."""
        from terox.nn import functional as F
        from terox.nn.lenet import train_epoch

        def step(size: int, loss: float, right: int) -> None:
            self.seen, self.total = self.seen + size, self.total + loss * size
            if self.seen // self.settings.batch % OFTEN == 0 or self.seen == len(self.data.inputs):
                self.copy_state()
            on_step(size, loss)

        if self.seen < len(self.data.inputs):
            train_epoch(self.model, F.cross_entropy, self.optimizer, self.batches(epoch), step)
        return self.total / self.seen

    def end_epoch(self, result: Result) -> None:
        """The next epoch begins."""
        self.seen, self.total = 0, 0.0
        self.copy_state()
        self.save()

    def go(self) -> Result:
        """All that is left."""
        from terox.tensors.training import evaluate

        data = self.data
        program.run(self.model, self.one_epoch, lambda: evaluate(self.model, data.test_inputs, data.test_labels),
                    title=data.name, epochs=self.settings.epochs, examples=len(data.inputs), unit="images",
                    result=self.result, begun=self.seen, on_epoch=self.end_epoch)
        if self.result.stopped:
            self.save()
        return self.result


def train(data: Data, settings: Settings | None = None, *, resume: Any = None, keep: Path | None = None) -> Result:
    """Train LeNet with the learner's training loop. Ends early, without an error, on Ctrl-C.

    resume: a Checkpoint to go on from. keep: the file for checkpoints, written after each epoch and on Ctrl-C.
    """
    return Run(data, settings or Settings(), resume, keep).go()


def draw(data: Data, result: Result, out: Path) -> list[Path]:
    """Write the pictures of a run (one epoch or more) to the folder `out`, and return their paths. Needs matplotlib."""
    from course import pictures

    weight = result.model.conv1.weight.detach().cpu().numpy()  # (6, 1, 5, 5)
    filters = pictures.image_rows({"conv1.weight": weight[:, 0]}, signed=True, size=1.1,
                                  title="What the first convolution of LeNet looks for")
    return [*digits.draw(data, result, out), filters.save(out / f"{data.name.replace(' ', '_')}_filters.png")]


# ---- The program ----


def checkpoint_at(path: Path) -> tuple[Any, Settings]:
    """A checkpoint, and the settings of its run. Raises Refused."""
    from terox.nn.checkpoints import Checkpoint, CheckpointError

    try:
        found = Checkpoint.read(path, "cpu")
        if found.notes.get("program") != "examples.lenet":
            raise Refused(f"{path} is a checkpoint of another program.")
        given = {each.name: found.notes["settings"][each.name] for each in fields(Settings)}
        return found, Settings(**given)
    except FileNotFoundError:
        raise Refused(f"There is no checkpoint {path}. A run writes one after each epoch, and when Ctrl-C stops "
                      "it.") from None
    except OSError as error:
        raise Refused(f"The checkpoint {path} cannot be read: {error}") from None
    except (CheckpointError, KeyError, TypeError) as error:
        raise Refused(f"{error}. Nothing was changed.") from None


def settings_of(options: argparse.Namespace, kept: Settings | None) -> Settings:
    """What the options say, and for the rest what the checkpoint says. Raises Refused where that cannot be."""
    given = {each.name: getattr(options, each.name) for each in fields(Settings) if getattr(options, each.name)
             is not None}
    if kept is None:
        return replace(Settings(), **given)
    for name in ("batch", "seed", "images", "full"):
        if name in given and given[name] != getattr(kept, name):
            raise Refused(f"The checkpoint is of a run with {name} = {getattr(kept, name)}, which cannot be changed on "
                          f"the way. Go on without --{name}, or begin anew without --resume.")
    return replace(kept, **given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: see `program.finish`."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.lenet", description="Train LeNet to read digits.",
        epilog=f"Otherwise: {EPOCHS} epochs, learning rate {LR} (it falls from step to "
               f"step), batches of {BATCH}, the 4,000 images that ship with the course.")
    program.add_options(parser, out="build/lenet", hidden=False)
    parser.add_argument("--batch", type=program.positive, metavar="N", help="images in a batch")
    parser.add_argument("--images", type=program.positive, metavar="N", help="how many to learn from")
    parser.add_argument("--full", action="store_const", const=True, help="all of MNIST: 60,000 images")
    parser.add_argument("--resume", type=Path, nargs="?", const=Path(), metavar="FILE",
                        help=f"go on from a checkpoint ({FILE} in the folder of the pictures)")
    parser.set_defaults(seed=None)
    options = parser.parse_args(arguments)
    keep = options.out / FILE if options.resume in (None, Path()) else options.resume
    lr = options.lr or LR

    def run() -> tuple[Data, Result]:
        nonlocal lr
        resume, kept = (None, None) if options.resume is None else checkpoint_at(keep)
        settings = settings_of(options, kept)
        lr = settings.lr
        data = load(count=settings.images, full=settings.full)
        result = train(data, settings, resume=resume, keep=keep)
        if result.stopped:
            file = "" if keep == Path(parser.get_default("out")) / FILE else f" {keep}"
            print(f"What was learned is kept. To go on: {parser.prog} --resume{file}")
        return data, result

    return program.finish(run, draw, options.out, lr=lr)


if __name__ == "__main__":
    sys.exit(main())
