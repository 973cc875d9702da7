"""What the training programs have in common: their options, what a run reached, and how they end.

A program brings its data, its model, one pass over the data, and its pictures: see scalars.py, digits.py and lenet.py.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.datasets import DatasetError
from course.runner.events import TODO_MESSAGE
from course.term import count
from examples.progress import training

Step = Callable[[int, float], None]  # gets the number of examples in a batch, and their mean loss


class Refused(Exception):
    """What the program was given cannot be used, a checkpoint, say. The message says why, and what to do."""


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

    @property
    def failed(self) -> bool:
        """Whether the loss has left all bounds: infinite, or no number at all."""
        return bool(self.losses) and not math.isfinite(self.losses[-1])


def run(model: Any, one_epoch: Callable[[int, Step], float], accuracy: Callable[[], float], *, title: str, epochs: int,
        examples: int, unit: str = "examples", result: Result | None = None, begun: int = 0,
        on_epoch: Callable[[Result], None] | None = None) -> Result:
    """Call `one_epoch(number, on_step)`, which gives a mean loss, and `accuracy()`, `epochs` times, in turn.

    examples: how many there are in an epoch; unit: what they are called. Ends early, without an error, on Ctrl-C, and
    where the loss is not a finite number any more.

    result: what an earlier run has reached; its epochs are not run again. begun: how many examples of the next epoch
    were seen in it. on_epoch: called after each epoch that ended well.
    """
    result, began = result or Result(model), time.perf_counter()
    done = len(result.losses)
    try:
        with training(title, epochs=epochs, examples=examples, unit=unit, done=done * examples + begun) as progress:
            for epoch in range(done, epochs):
                loss = one_epoch(epoch, progress.step)
                right = accuracy()
                result.losses.append(loss)
                result.accuracies.append(right)
                progress.epoch(loss, right)
                if result.failed:
                    break
                if on_epoch is not None:
                    on_epoch(result)
    except KeyboardInterrupt:
        result.stopped = True
    result.seconds = time.perf_counter() - began
    return result


def finish(train: Callable[[], tuple[Any, Result]], draw: Callable[[Any, Result, Path], list[Path]], out: Path,
           *, lr: float) -> int:
    """Run `train()`, say what it reached, and draw it into the folder `out`. `lr` is the learning rate that it used.

    Exit status: 0 done; 1 something is missing (a task, a data file), or the loss has left all bounds; 130 stopped by
    Ctrl-C.
    """
    try:
        data, result = train()
        _report(data, result)
        if result.failed:
            print(f"The loss is not a finite number any more: the steps are too large. Try --lr {lr / 10:g}.")
            return 1
        if result.losses:
            _draw(draw, data, result, out)
    except NotImplementedError as error:
        todo = TODO_MESSAGE.match(str(error))
        if todo is None:
            raise
        print(f"This program needs task {todo[1]}: {todo[2]}. Where to go on: python -m course next")
        return 1
    except (DatasetError, Refused) as error:
        print(error)
        return 1
    except KeyboardInterrupt:  # while data are read, or pictures drawn
        print("Stopped.")
        return 130
    return 130 if result.stopped else 0


def _report(data: Any, result: Result) -> None:
    if result.stopped:
        print(f"Stopped after {count(len(result.losses), 'finished epoch')}.")
    if result.losses:
        print(f"{data.name}: {result.accuracy:.1%} of {len(data.test_labels):,} held-out examples are right, "
              f"training loss {result.losses[-1]:.4f}, {result.seconds:.1f} s.")


def _draw(draw: Callable[[Any, Result, Path], list[Path]], data: Any, result: Result, out: Path) -> None:
    try:
        for path in draw(data, result, out):
            print(f"Picture: {path}")
    except ImportError as error:
        if "matplotlib" not in str(error) and "PIL" not in str(error):
            raise
        print("Pictures need matplotlib, which is not installed here.")
    except OSError as error:
        print(f"The pictures could not be written: {error}. Another folder: --out DIR")


# ---- Options ----


def add_options(parser: argparse.ArgumentParser, out: str, *, hidden: bool = True) -> None:
    """The options that all programs have. out: where pictures go by default. hidden: whether sizes can be chosen."""
    parser.add_argument("--epochs", type=positive, metavar="N", help="passes over the data")
    parser.add_argument("--lr", type=above_zero, metavar="RATE", help="learning rate")
    if hidden:
        parser.add_argument("--hidden", type=positive, nargs="+", metavar="N", help="sizes of the hidden layers")
    parser.add_argument("--seed", type=not_negative, default=0, metavar="N",
                        help="decides about weights and orders (0)")
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help="where pictures go")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def above_zero(text: str) -> float:
    """A finite number above 0."""
    number = float(text)
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def not_negative(text: str) -> int:
    """A whole number from 0 on."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number
