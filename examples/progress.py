"""How far a training run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """What a training run tells about itself: `step` after each batch, `epoch` after each pass over the data."""

    title: str
    epochs: int
    examples: int  # in one epoch
    unit: str = "examples"  # what they are called
    bar: Any = None
    task: Any = None
    began: float = field(default_factory=time.perf_counter)
    seen: int = 0
    loss: float = float("nan")  # smoothed over the last batches
    accuracy: float = float("nan")
    done_epochs: int = 0  # in this run and before

    def step(self, count: int, loss: float) -> None:
        """`count` examples were learned from, with this loss."""
        self.seen += count
        self.loss = loss if self.loss != self.loss else 0.9 * self.loss + 0.1 * loss
        if self.bar is not None:
            self.bar.update(self.task, advance=count, details=self._details())

    def epoch(self, loss: float, accuracy: float) -> None:
        """A pass over the data is done; `accuracy` from 0 to 1 on held-out data."""
        self.done_epochs += 1
        self.accuracy = accuracy
        if self.bar is not None:
            self.bar.update(self.task, details=self._details())
        elif self.done_epochs % max(1, self.epochs // 10) == 0 or self.done_epochs == self.epochs:
            print(f"{self.title}: epoch {self.done_epochs} of {self.epochs}, loss {loss:.4f}, "
                  f"accuracy {accuracy:.1%}, {self.speed():,.0f} {self.unit}/s", flush=True)

    def speed(self) -> float:
        """Examples per second so far."""
        return self.seen / max(1e-9, time.perf_counter() - self.began)

    def _details(self) -> str:
        accuracy = "" if self.accuracy != self.accuracy else f"  accuracy {self.accuracy:.1%}"
        return f"loss {self.loss:.4f}{accuracy}  {self.speed():,.0f} {self.unit}/s"


@contextmanager
def training(title: str, *, epochs: int, examples: int, unit: str = "examples",
             done: int = 0) -> Iterator[Progress]:
    """`with training("moons", epochs=20, examples=100) as progress:`, on standard output.

    done: how many examples were seen in earlier runs, from all epochs together.
    """
    progress = Progress(title, epochs, examples, unit, done_epochs=done // max(1, examples))
    if not sys.stdout.isatty():
        yield progress
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=12), TextColumn("{task.percentage:>3.0f} %"),
               TextColumn("{task.fields[details]}"), TimeRemainingColumn(compact=True))
    with Bar(*columns) as bar:
        progress.bar = bar
        progress.task = bar.add_task(title, total=epochs * examples, completed=done, details="")
        yield progress
