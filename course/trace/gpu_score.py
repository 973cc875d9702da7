"""Counting what the threads of a kernel do: as GPU Puzzles' table does, and as the warps of a GPU see it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course.trace.gpu_memory import KernelMemory, Thread
from course.trace.recorder import SERIAL, WRITE, Memory, Place, Recorder, line_of, spot_of
from terox.cuda.simulator import Dim3

if TYPE_CHECKING:
    from course.trace.gpu import KernelTrace

SEGMENT = 32  # elements; for float32 the 128 bytes that a warp gets in one piece


class Counts(NamedTuple):
    """Reads and writes of global memory, and of shared memory."""

    global_reads: int
    global_writes: int
    shared_reads: int
    shared_writes: int


class Score(Counts):
    """The most that any one thread does, each number for itself. total: of all threads together."""

    total: Counts


def score_of(recorder: Recorder) -> Score:
    """The score of everything that was recorded. An atomic operation is a read and a write."""
    found: tuple[Counter[Hashable], ...] = tuple(Counter() for _ in range(4))
    column = {"global": 0, "shared": 2}
    for memory, places, kind, (label, _), *_ in recorder.log:
        if isinstance(memory, KernelMemory) and memory.space in column and label is not SERIAL:
            found[column[memory.space] + kind][label] += 1 if type(places) is int else places.size
    score = Score(*(max(each.values(), default=0) for each in found))
    score.total = Counts(*(sum(each.values()) for each in found))
    return score


def count_accesses(recorder: Recorder, memories: Sequence[Memory]) -> tuple[np.ndarray, np.ndarray]:
    """Reads and writes of each element, added up over memories of the same shape."""
    wanted, found = {id(memory) for memory in memories}, (Counter[int](), Counter[int]())
    for memory, places, kind, *_ in recorder.log:
        if id(memory) in wanted:
            found[kind].update((places,) if type(places) is int else places.ravel().tolist())
    shape, size = memories[0].shape, memories[0].index.size
    reads, writes = (np.array([count[n] for n in range(size)], dtype=np.int64).reshape(shape) for count in found)
    return reads, writes


class WarpAccess(NamedTuple):
    """What the threads of one warp touch together, when they come to one place in the kernel.

    threads: numbers in their block, counted with x running fastest, of those that take part; elements: the flat element
    of each. segments: how many pieces of 32 elements, each beginning at a multiple of 32, hold them all.
    """

    block: Dim3
    warp: int
    line: Place
    write: bool
    threads: tuple[int, ...]
    elements: tuple[int, ...]
    segments: int


def warps_of(recorder: Recorder, memories: Sequence[Memory], block: Dim3, warp: int) -> list[WarpAccess]:
    """The accesses of all warps, in order. Of a loop, the turns since the last barrier are counted for each thread."""
    wanted, lines = {id(memory) for memory in memories}, dict[Any, Place]()
    times: Counter[Any] = Counter()
    found: defaultdict[Any, list[tuple[int, int]]] = defaultdict(list)
    for memory, places, kind, (label, phase), code, offset in recorder.log:
        if id(memory) not in wanted or not isinstance(label, Thread):
            continue
        thread = (label.thread.z * block.y + label.thread.y) * block.x + label.thread.x
        spot = spot_of(code, offset)
        for place in (places,) if type(places) is int else places.ravel().tolist():
            mine = (label, phase, spot, kind)
            turn = (label.block, thread // warp, phase, spot, kind, times[mine])
            lines.setdefault(turn, line_of(code, offset))
            found[turn].append((thread, place))
            times[mine] += 1
    made = []
    for turn, pairs in found.items():
        where, number, _, _, kind, _ = turn
        threads, elements = zip(*sorted(pairs))
        made.append(WarpAccess(where, number, lines[turn], kind == WRITE, threads, elements,
                               len({element // SEGMENT for element in elements})))
    return made


class ScoreTable:
    """Scores of several kernels, one a line: text, HTML in a notebook, a rich table in a terminal."""

    COLUMNS = ("global reads", "global writes", "shared reads", "shared writes")

    def __init__(self, scores: Mapping[str, Score], title: str) -> None:
        self.scores, self.title = dict(scores), title

    def __str__(self) -> str:
        wide = max(map(len, [*self.scores, ""]))
        rows = [self.title, " " * wide + "".join(f"  {name:>13}" for name in self.COLUMNS)]
        rows += [f"{name:<{wide}}" + "".join(f"  {number:>13}" for number in score)
                 for name, score in self.scores.items()]
        return "\n".join(rows)

    __repr__ = __str__

    def __rich__(self) -> Any:
        from rich.table import Table

        table = Table("", title=self.title)
        for name in self.COLUMNS:
            table.add_column(name, justify="right")
        for name, score in self.scores.items():
            table.add_row(name, *map(str, score))
        return table

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in ("kernel", *self.COLUMNS))
        rows = "".join(f'<tr><th scope="row">{escape(name)}</th>' + "".join(f"<td>{number}</td>" for number in score)
                       + "</tr>" for name, score in self.scores.items())
        return f"<table><caption>{escape(self.title)}</caption><tr>{head}</tr>{rows}</table>"


def compare_scores(traces: Mapping[str, KernelTrace], *, total: bool = False) -> ScoreTable:
    """The scores of several kernels side by side: the most of any one thread, or with `total` of all together."""
    scores: dict[str, Any] = {name: made.score().total if total else made.score() for name, made in traces.items()}
    return ScoreTable(scores, "All threads together" if total else "The most that any one thread does")
