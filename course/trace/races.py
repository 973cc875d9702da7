"""What is wrong with the accesses of a whole call: races, and elements that were not written, or not once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from course.trace.recorder import SERIAL, WRITE, Memory, Place, Recorder, line_of

Entry = tuple[Memory, Any, int, tuple[Hashable, Hashable], Any, int]


def find_races(recorder: Recorder, who: Callable[[Any, Any], Hashable] | None = None,
               when: Callable[[Any, Any], Hashable] | None = None) -> None:
    """Note every element that two labels touch in one phase, one of them at least writing.

    who, when: labels and phases other than the recorded ones, made from (label, phase). For a GPU, say: threads of one
    block between barriers, and then blocks, which no barrier orders, over the whole time.
    """
    logs: dict[int, tuple[list[Entry], list[Entry]]] = {}
    for entry in recorder.log:
        log = logs.get(id(entry[0]))
        if log is None:
            log = logs[id(entry[0])] = ([], [])
        log[entry[2]].append(entry)
    for reads, writes in logs.values():
        if not writes or len({entry[3] for entry in writes} | {entry[3] for entry in reads}) == 1:
            continue
        # The first writer is enough: of two others that conflict, one at least conflicts with the first.
        first: dict[Hashable, dict[int, Entry]] = {}
        for kind in (writes, reads):
            for entry in kind:
                label, phase = entry[3] if who is None else (who(*entry[3]), entry[3][1])
                phase = phase if when is None else when(*entry[3])
                table = first.setdefault(phase, {})
                places = entry[1]
                for place in (places,) if type(places) is int else places.ravel().tolist():
                    other = table.setdefault(place, entry) if kind is writes else table.get(place, entry)
                    if other is not entry and (other[3][0] if who is None else who(*other[3])) != label:
                        _note_race(recorder, other, entry, place)


def _note_race(recorder: Recorder, writer: Entry, other: Entry, place: int) -> None:
    memory, both = writer[0], other[2] == WRITE
    element = memory.element(place)
    labels = (writer[3][0], other[3][0])
    lines = (line_of(*writer[4:]), line_of(*other[4:]))
    if both:
        what = f"{_both(recorder, labels)} both write element {element} of {memory.name} ({_and(lines)}): what " \
               f"remains depends on which comes last."
    else:
        what = f"{recorder.words(labels[0])} writes element {element} of {memory.name} ({lines[0]}), and " \
               f"{recorder.words(labels[1])} reads it ({lines[1]}): what is read depends on which comes first."
    unit = recorder.words(labels[0]).partition(" ")[0]
    if memory.scratch:
        advice = f"{memory.name} is made outside of them ({memory.made}), so all share it. Make it inside, so that " \
                 f"each {unit} has one of its own."
    elif both:
        advice = f"Let each {unit} write to a place of its own."
    else:
        advice = f"Let no {unit} need what another one writes."
    recorder.note("race", memory, element, lines, f"race: {what} {advice}", labels)


def _both(recorder: Recorder, labels: tuple[Hashable, ...]) -> str:
    """ "iterations 0 and 1". """
    one, other = (recorder.words(label) for label in labels)
    first, _, rest = one.partition(" ")
    if other.startswith(first + " ") and rest and "," not in rest.partition("[")[0]:
        return f"{first}s {rest} and {other.partition(' ')[2]}"
    return f"{one} and {other}"


def _and(lines: tuple[Place, ...]) -> str:
    return f"{lines[0]} and {lines[1]}" if lines[0] != lines[1] else str(lines[0])


def find_unwritten(recorder: Recorder, memory: Memory, once: bool) -> None:
    """Note elements of a result that nobody wrote, that were written twice if `once`, and others that were written."""
    expected = np.zeros(memory.index.size, dtype=bool)
    expected[memory.index if memory.expected is None else memory.expected] = True
    inside, times = bytearray(expected), [0] * len(expected)
    for entry in recorder.log:
        if entry[0] is not memory or entry[2] != WRITE:
            continue
        places = entry[1]
        for place in (places,) if type(places) is int else places.ravel().tolist():
            times[place] += 1
            if not inside[place]:
                _note_outside(recorder, entry, place)
            elif once and times[place] == 2:
                _note_twice(recorder, entry, place)
    missing = np.flatnonzero(expected & (np.array(times, dtype=int) == 0))
    if len(missing):
        element, some = memory.element(int(missing[0])), int(expected.sum())
        which = f"element {element} of {memory.name} is never written" if len(missing) == 1 else (
            f"{len(missing)} of the {some} elements of {memory.name} are never written: {_some(memory, missing)}")
        recorder.note("never written", memory, element, (), (
            f"{which}. Every element of the result must be computed, the last ones too."), ())


def _note_outside(recorder: Recorder, entry: Entry, place: int) -> None:
    memory, label = entry[0], entry[3][0]
    element, line = memory.element(place), line_of(*entry[4:])
    recorder.note("outside", memory, element, (line,), (
        f"In {recorder.words(label)}, {line} writes place {element} in the memory of {memory.name}. None of its "
        f"elements lies there: what does belongs to another tensor. Sizes and strides say where the elements are."),
        (label,))


def _note_twice(recorder: Recorder, entry: Entry, place: int) -> None:
    memory, label = entry[0], entry[3][0]
    element, line = memory.element(place), line_of(*entry[4:])
    recorder.note("written twice", memory, element, (line,), (
        f"In {recorder.words(label)}, {line} writes element {element} of {memory.name} once more. Keep the value in a "
        f"local variable until it is complete, and write it once."), (label,))


def _some(memory: Memory, places: np.ndarray) -> str:
    shown = ", ".join(str(memory.element(place)) for place in places[:5].tolist())
    return shown + (", ..." if len(places) > 5 else "")


def labels_of(recorder: Recorder, memory: Memory, kind: int) -> list[list[Hashable]]:
    """For each flat element: who read (or wrote) it, each label once, in order."""
    found: list[dict[Hashable, None]] = [{} for _ in range(memory.index.size)]
    for entry in recorder.log:
        if entry[0] is memory and entry[2] == kind and entry[3][0] is not SERIAL:
            for place in np.atleast_1d(entry[1]).ravel().tolist():
                found[place][entry[3][0]] = None
    return [list(labels) for labels in found]
