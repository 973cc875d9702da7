"""Races of a kernel: threads of a block with no barrier between, and blocks, which nothing puts in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from course.trace.gpu_memory import KernelRecorder, Phase, Thread
from course.trace.program import calls_itself_again
from course.trace.recorder import READ, WRITE, Memory, Place, line_of, spot_of

_ATOMIC = 2
MOST_LOOKS = 12  # at conflicts of one pair of lines, to find the one that says best where a barrier is missing
Entry = tuple[Memory, Any, int, tuple[Hashable, Hashable], Any, int]


class Conflict(NamedTuple):
    """Two accesses to one element, of which the first one writes if only one does. Each is a number in the log."""

    place: int
    one: int
    other: int


def find_kernel_races(recorder: KernelRecorder) -> set[tuple[int, int]]:
    """Note all races. Returns the elements that take part: the id of the memory, and the flat element."""
    log, raced = recorder.log, set()
    several = max(recorder.grid) > 1
    for across in (False, True) if several else (False,):
        found = _conflicts(log, across)
        raced |= {(id(log[each.one][0]), each.place) for each in found}
        _Report(recorder, found, across).note()
    return raced


def _conflicts(log: list[Entry], across: bool) -> list[Conflict]:
    """Conflicts between threads of a block, or `across` blocks: for each element, those of different lines.

    For each element and kind of access it is enough to keep two threads (or blocks): if any two conflict, two of these
    do. So the first pass is short, and only elements with a conflict are looked at more closely.
    """
    suspects: dict[Any, tuple[list[Hashable], ...]] = {}
    for key, kind, who, _ in _cells(log, across):
        cell = suspects.get(key)
        if cell is None:
            cell = suspects[key] = ([], [], [])
        some = cell[kind]
        if not some or len(some) == 1 and some[0] != who:
            some.append(who)
    bad = {key for key, (reads, writes, atomics) in suspects.items()
           if len({*writes, *reads}) > 1 and writes or len({*writes, *atomics}) > 1 and writes
           or atomics and reads and len({*atomics, *reads}) > 1}
    if not bad:
        return []
    close: dict[Any, dict[Any, list[tuple[Hashable, int]]]] = {}
    for key, kind, who, number in _cells(log, across):
        if key in bad:
            place = (kind, line_of(*log[number][4:]))
            some_more = close.setdefault(key, {}).setdefault(place, [])
            if len(some_more) < 2 and who not in [each for each, _ in some_more]:
                some_more.append((who, number))
    found = []
    for (_, place, _), lines in close.items():
        touched = [(kind, who, number) for (kind, _), some_of_them in lines.items() for who, number in some_of_them]
        for one_kind, one, first in touched:
            for other_kind, other, second in touched:
                pair = (one_kind, other_kind)
                if one != other and one_kind and (first < second or not other_kind) and pair != (_ATOMIC, _ATOMIC):
                    found.append(Conflict(place, first, second))
    return found


def _cells(log: list[Entry], across: bool) -> Iterator[tuple[Any, int, Hashable, int]]:
    """For each element touched: its key (memory, element, time), the kind, who, and the number in the log."""
    for number, (memory, places, kind, (label, phase), _, _) in enumerate(log):
        space = memory.space  # type: ignore[attr-defined]
        if space == "local" or not isinstance(label, Thread) or across and space == "shared":
            continue
        atomic, when = phase.atomic, None if across else (phase.block, phase.barriers)  # type: ignore[attr-defined]
        who = label.block if across else label
        for place in (places,) if type(places) is int else places.ravel().tolist():
            yield (id(memory), place, when), _ATOMIC if atomic else kind, who, number


class _Report:
    """Puts conflicts into words: each pair of lines once, in the order of the program."""

    def __init__(self, recorder: KernelRecorder, conflicts: list[Conflict], across: bool) -> None:
        self.recorder, self.log, self.across = recorder, recorder.log, across
        chosen: dict[Any, tuple[Any, Conflict, str]] = {}
        looked = Counter[Any]()
        self._steps: dict[Any, dict[Hashable, dict[Place, list[int]]]] = {}
        for conflict in conflicts:
            lines = (self._line(conflict.one), self._line(conflict.other))
            key = (self.log[conflict.one][0].name, *sorted(lines))
            looked[key] += 1
            if looked[key] > MOST_LOOKS:
                continue
            rank, advice = ((), "") if across else self._order(conflict)
            if key not in chosen or rank < chosen[key][0]:
                chosen[key] = (rank, conflict, advice)
        self.chosen = sorted(chosen.values(), key=lambda each: each[0])

    def note(self) -> None:
        for _, conflict, advice in self.chosen:
            self._note(conflict, advice)

    def _line(self, number: int) -> Place:
        return line_of(*self.log[number][4:])

    def _order(self, conflict: Conflict) -> tuple[Any, str]:
        """Which of two lines a thread comes to first, for sorting, and where a barrier is missing, in words."""
        ahead, behind = self._line(conflict.one), self._line(conflict.other)
        if ahead == behind:
            turns = [self._turn(number) for number in (conflict.one, conflict.other)]
            both_write = self.log[conflict.one][2] == self.log[conflict.other][2] == WRITE
            if turns[0] == turns[1]:
                return (ahead.line, behind.line, 0), "" if both_write else (
                    f"In {ahead}, every thread has to read before any of them writes: read into a variable, then "
                    f"cuda.syncthreads(), then write.")
            return (ahead.line, behind.line, 1), (
                f"{ahead} stands in a loop, and one thread is still in one turn while another is in the next: put "
                f"cuda.syncthreads() between them, into the loop after {_short(ahead, ahead)}.")
        orders = Counter(self._program_order(conflict))
        if orders[True] < orders[False] or not orders and behind < ahead:
            ahead, behind = behind, ahead
        backward = ahead.file == behind.file and ahead.line > behind.line
        again = calls_itself_again(ahead, behind) if backward else None
        if again is not None:
            read = self.log[conflict.one if self._line(conflict.one) == ahead else conflict.other][2] == READ
            return (ahead.line, behind.line, 0), (
                f"{again} is called again, and the next call comes to {_short(behind, ahead)} while a thread is still "
                f"in {ahead}: " + ("in that line read into a variable, then cuda.syncthreads(), then return."
                                   if read else "put cuda.syncthreads() after it."))
        where = (f"put cuda.syncthreads() between them: after {ahead}, at the end of the loop's body, before its next "
                 f"turn comes to {_short(behind, ahead)}") if backward else \
            f"put cuda.syncthreads() between them: after {ahead}, before {_short(behind, ahead)}"
        return (ahead.line, behind.line, 0), where[0].upper() + where[1:] + "."

    def _program_order(self, conflict: Conflict) -> Iterator[bool]:
        """For each thread that does both in this phase: whether it comes to the line of `one` first."""
        one, other = self._line(conflict.one), self._line(conflict.other)
        phase = self.log[conflict.one][3][1]
        for lines in self._by_thread(phase).values():
            if one in lines and other in lines:
                yield lines[one][0] < lines[other][0]

    def _turn(self, number: int) -> int:
        """How often its thread had read, or written, at this place in the program before, since the last barrier."""
        kind_and_who, spot = self.log[number][2:4], spot_of(*self.log[number][4:])
        return sum(1 for entry in self.log[:number] if entry[2:4] == kind_and_who and spot_of(*entry[4:]) == spot)

    def _by_thread(self, phase: Any) -> dict[Hashable, dict[Place, list[int]]]:
        """For each thread, and each line: the numbers of its accesses in this phase."""
        key = phase[:2]
        if key not in self._steps:
            found: dict[Hashable, dict[Place, list[int]]] = {}
            for number, entry in enumerate(self.log):
                if isinstance(entry[3][1], Phase) and entry[3][1][:2] == key:
                    found.setdefault(entry[3][0], {}).setdefault(self._line(number), []).append(number)
            self._steps[key] = found
        return self._steps[key]

    def _note(self, conflict: Conflict, where: str) -> None:
        recorder, one, other = self.recorder, self.log[conflict.one], self.log[conflict.other]
        memory, both = one[0], other[2] == WRITE
        element = memory.element(conflict.place)
        labels = (one[3][0], other[3][0])
        lines = (self._line(conflict.one), self._line(conflict.other))
        who, other_who = (recorder.words(label) for label in labels)
        if both:
            what = f"{who} writes element {element} of {memory.name} ({lines[0]}), and {other_who} writes it, too " \
                   f"({lines[1]}): what remains depends on which comes last."
        else:
            what = f"{who} writes element {element} of {memory.name} ({lines[0]}), and {other_who} reads it " \
                   f"({lines[1]}): what is read depends on which comes first."
        recorder.note("race", memory, element, lines, f"race: {what} {self._advice(conflict, both, where)}", labels)

    def _advice(self, conflict: Conflict, both: bool, where: str) -> str:
        atomic = [self.log[number][3][1].atomic for number in (conflict.one, conflict.other)]  # type: ignore
        if any(atomic):
            return ("Only one of the two is an atomic operation. Let both be, or let a barrier stand between them."
                    if not self.across else
                    "Only one of the two is an atomic operation; blocks run in any order, so both have to be.")
        if self.across:
            return ("No barrier holds blocks together, and they run in any order. Let each block write to places of "
                    "its own" + (", or add with cuda.atomic.add." if both else ", and let the next launch read them."))
        if both:
            return ("Nothing stands between them. Let one thread alone write it, or each to a place of its own"
                    + (f"; if both have to: {where[0].lower()}{where[1:]}" if where else "."))
        return f"No barrier stands between them. {where} All threads of the block have to come to it."


def _short(place: Place, known: Place) -> str:
    """A place beside one that was named already: "line 3"."""
    return f"line {place.line}" if place.file == known.file else str(place)
