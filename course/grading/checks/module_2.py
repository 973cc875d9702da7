"""Sealed checks of module 2: geometry (2.1, 2.2, 2.4). Kernels: module_2_kernels.py; the dispatcher:
module_2_dispatch.py; derivatives: module_2_gradients.py; training: module_2_training.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from course.grading.checks import (  # noqa: F401 - their checks register
    module_2_dispatch,
    module_2_gradients,
    module_2_kernels,
    module_2_training,
)
from course.grading.checks.layouts import factors, regrouped, row_major, shape, stretched_from, strides
from course.grading.compare import difference
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

Compare = Callable[[list[Any], Value, Value], str]  # arguments of one case, what came, what is right


def _calls(rng: np.random.Generator, module: str, function: str, cases: list[list[Any]],
           compare: Compare) -> Iterator[Call]:
    """All cases with tuples, and some with lists, which have to stay as they are."""
    some = [cases[place] for place in rng.permutation(len(cases))[:5]]
    for rows, lists in ((cases, False), (some, True)):
        yield Call("geometry", {"module": module, "function": function, "cases": rows, "lists": lists},
                   f"{function} for {len(rows)} kinds of arguments", compare=_each(compare))


def _each(compare: Compare) -> Callable[[dict[str, Value], Value, Value], str]:
    def all_of_them(inputs: dict[str, Value], got: Value, expected: Value) -> str:
        if not isinstance(got, list) or len(got) != len(expected):
            return "there is no result for each of them"
        if got[-1] is not True:
            return "an argument was changed"
        for case, one, right in zip(inputs["cases"], got, expected[:-1]):
            reason = compare(case, one, right)
            if reason:
                return f"for {', '.join(map(str, case))}: {reason}"
        return ""
    return all_of_them


def _exact(case: list[Any], got: Value, right: Value) -> str:
    return difference(got, right, 0.0, 0.0)


def _free(got: Value, right: Value, free: list[bool]) -> str:
    """Two tuples agree, but where any number will do."""
    if isinstance(got, dict) and isinstance(right, dict) and isinstance(got.get("gave"), dict):
        one, other = got["gave"].get("tuple"), (right.get("gave") or {}).get("tuple")
        if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) == len(free):
            filled = [mine if any_will_do and type(mine) is int else theirs
                      for mine, theirs, any_will_do in zip(one, other, free)]
            return difference(one, filled, 0.0, 0.0)
    return difference(got, right, 0.0, 0.0)


# ---- Task 2.1 ----


def _layouts(rng: np.random.Generator, count: int, stretched: float = 0.15) -> list[tuple[list[int], list[int]]]:
    found = []
    for _ in range(count):
        sizes = shape(rng)
        found.append((sizes, strides(rng, sizes, stretched)))
    return found


@sealed("2.1")
def layouts(rng: np.random.Generator) -> Iterator[Call]:
    shapes = [shape(rng, least=0) for _ in range(12)] + [[], [3], [2, 0, 4], [0, 3], [2, 3, 4], [1, 2], [3, 1, 2]]
    yield from _calls(rng, "layout", "contiguous_strides", [[sizes] for sizes in shapes], _exact)
    cases: list[list[Any]] = []
    for sizes, steps in [*_layouts(rng, 15), ([], []), ([2, 3], [1, 2])]:
        index = [int(rng.integers(0, size)) for size in sizes]
        cases += [[index, steps, int(rng.integers(1, 9))], [index, steps]]
    yield from _calls(rng, "layout", "position", cases, _exact)
    cases = []
    for sizes in [shape(rng) for _ in range(15)] + [[], [1], [2, 3], [4, 3, 2]]:
        numbers = rng.integers(0, int(np.prod(sizes, dtype=int)), 3)
        cases += [[int(number), sizes] for number in numbers]
    yield from _calls(rng, "layout", "index_at", cases, _exact)


@sealed("2.1")
def contiguous(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[list[Any]] = [[sizes, steps] for sizes, steps in _layouts(rng, 30)]
    for _ in range(12):
        sizes = shape(rng)
        cases.append([sizes, row_major(sizes)])
        steps = [7 if size == 1 else step for size, step in zip(sizes, row_major(sizes))]
        cases.append([sizes, steps])
    cases += [[[2, 3], [4, 1]], [[2, 3], [6, 2]], [[2, 2, 3], [12, 3, 1]], [[2, 3], [0, 1]], [[2, 0], [5, 3]],
              [[3, 0, 2], [0, 1, 9]], [[2, 1, 2], [2, 0, 1]], [[2, 1], [1, 7]], [[], []], [[2], [2]], [[3, 2], [1, 3]],
              [[2, 1, 2], [4, 2, 1]], [[2, 2], [1, 2]], [[1, 3], [3, 2]]]
    yield from _calls(rng, "layout", "is_contiguous", cases, _truth)


def _truth(case: list[Any], got: Value, right: Value) -> str:
    if isinstance(got, dict) and type(got.get("gave")) is int:
        got = {"gave": bool(got["gave"])}
    return difference(got, right, 0.0, 0.0)


@sealed("2.1")
def views_of_layouts(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[list[Any]] = []
    for sizes, steps in [*_layouts(rng, 60, 0.3), *_layouts(rng, 25, 0.0)]:
        cases.append([sizes, steps, regrouped(rng, sizes)])
    for _ in range(10):  # one chunk of any number of dimensions, divided in any way
        sizes = [int(each) for each in rng.choice([2, 3, 4], int(rng.integers(2, 5)))]
        steps = [step * 2 for step in row_major(sizes)]
        cases += [[sizes, steps, factors(rng, math.prod(sizes))], [sizes, steps, [math.prod(sizes)]]]
    for _ in range(15):  # two chunks, which no new dimension may reach across
        one, other = (int(each) for each in rng.choice([2, 3, 4, 6], 2))
        cases.append([[one, other], [other + 1, 1], factors(rng, one * other)])
    cases += [[[4, 3], [3, 1], [2, 2, 3]], [[3, 4], [1, 3], [3, 2, 2]], [[3, 4], [1, 3], [12]], [[2, 3], [0, 0], [6]],
              [[2, 3], [3, 1], [2, 3]], [[2, 3], [3, 1], [3, 2]], [[2, 3], [1, 2], [6]], [[], [], [1, 1]],
              [[1, 1], [5, 9], []], [[1], [4], [1, 1]], [[4, 3], [0, 1], [2, 2, 3]], [[2, 3], [0, 1], [6]],
              [[2, 3], [1, 0], [6]],
              [[2, 1, 3], [3, 7, 1], [6]], [[6, 2], [4, 2], [12]], [[6, 2], [4, 2], [3, 2, 2]], [[6, 2], [5, 2], [12]],
              [[2, 2, 2], [8, 2, 1], [2, 4]], [[2, 2, 2], [8, 2, 1], [8]], [[2, 2, 2], [8, 4, 1], [4, 2]],
              [[2, 2, 3], [3, 6, 1], [4, 3]], [[6], [2], [2, 3]], [[6], [2], [3, 1, 2]],
              [[4, 6], [6, 1], [8, 3]], [[4, 6], [7, 1], [8, 3]], [[4, 6], [7, 1], [2, 2, 2, 3]]]
    for sizes, new in (([2, 0], [0, 2]), ([0, 3], [0, 3]), ([3, 0, 2], [0]), ([0], [2, 0, 5]), ([4, 0], [2, 2, 0])):
        cases.append([sizes, [int(each) for each in rng.integers(1, 9, len(sizes))], new])
    yield from _calls(rng, "layout", "view_strides", cases,
                      lambda case, got, right: _free(got, right, [size == 1 for size in case[2]]))


# ---- Task 2.2 ----


@sealed("2.2")
def broadcast_shapes(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[list[Any]] = [[], [[2, 3]], [[1], [1], [3]], [[2, 1], [0]], [[0], [1]], [[4, 1], [3]], [[], [2]],
                              [[], []], [[3], [1], [3, 1, 1]], [[2, 1], [1, 3], [4, 1, 1]]]
    for count in (1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 5) * 3:
        wanted = shape(rng, 4, 100, int(rng.integers(0, 2)))
        cases.append([stretched_from(rng, wanted) for _ in range(count)])
    yield from _calls(rng, "broadcasting", "broadcast_shapes", cases, _exact)
    bad: list[list[Any]] = [[[2], [1], [3]], [[0], [2]], [[2], [0], [1]], [[3, 1], [1, 2], [2, 1]], [[4], [2]],
                            [[2], [4]]]
    for _ in range(24):
        wanted = shape(rng, 3, 100)
        several = [stretched_from(rng, wanted) for _ in range(int(rng.integers(0, 3)))]
        one, other = (int(each) for each in rng.choice([0, 2, 3, 4, 5, 6], 2, replace=False))
        front = [1] * int(rng.integers(0, 2))
        rank = int(rng.integers(0, 3))
        behind = shape(rng, 2, 50)[:rank]
        several += [[*front, one, *behind], [other, *[1 if rng.random() < 0.5 else size for size in behind]]]
        bad.append([several[place] for place in rng.permutation(len(several))])
    bad = [case for case in bad if _disagree(case)]
    yield from _calls(rng, "broadcasting", "broadcast_shapes", bad, _names_what_disagrees)


def _disagree(shapes: list[list[int]]) -> dict[int, set[int]]:
    """For each dimension of the result, the sizes that do not agree."""
    rank = max(map(len, shapes), default=0)
    columns = zip(*[[1] * (rank - len(each)) + each for each in shapes])
    return {dim: set(sizes) - {1} for dim, sizes in enumerate(columns) if len(set(sizes) - {1}) > 1}


def _names_what_disagrees(case: list[Any], got: Value, right: Value) -> str:
    reason = _names_shapes(case, got)
    if reason:
        return reason
    said = _brackets(got["said"])
    for each in case:
        said = said.replace(str(each), "", 1)
    numbers = {int(found) for found in re.findall(r"\d+", said)}
    if not any(dim in numbers and len(sizes & numbers) > 1 for dim, sizes in _disagree(case).items()):
        return "the message does not name two sizes that disagree and the dimension"
    found = re.search(r"tensor a \((\d+)\).*tensor b \((\d+)\)", got["said"])
    if found and len(case) == 2:
        rank = max(map(len, case))
        pairs = list(zip(*[[1] * (rank - len(each)) + each for each in case]))
        if all(pairs[dim] != tuple(map(int, found.groups())) for dim in _disagree(case)):
            return "the sizes have changed places: a is the one of the first shape"
    return ""


def _brackets(said: str) -> str:
    return re.sub(r",?\)", "]", re.sub(r"tensor [ab] \((\d+)\)", r" \1 ", said).replace("(", "["))


def _names_shapes(shapes: list[list[int]], got: Value) -> str:
    if not isinstance(got, dict) or got.get("raised") != "RuntimeError" or type(got.get("said")) is not str:
        return "RuntimeError was expected"
    said = _brackets(got["said"])
    if any(said.count(str(each)) < shapes.count(each) for each in shapes):
        return "the message does not name all shapes"
    return ""


@sealed("2.2")
def broadcast_strides(rng: np.random.Generator) -> Iterator[Call]:
    cases: list[list[Any]] = [[[3], [1], [2, 3]], [[2, 1], [1, 1], [2, 3]], [[], [], [2, 3]], [[], [], []],
                              [[1], [1], [0]], [[0], [1], [2, 0]], [[3], [2], [3, 3]], [[2, 3], [1, 2], [2, 3]]]
    for sizes, steps in _layouts(rng, 40):
        wanted = [int(rng.choice([1, 2, 3, 0])) if size == 1 else size for size in sizes]
        cases.append([sizes, steps, [*shape(rng, 2, 6), *wanted]])
    yield from _calls(rng, "broadcasting", "broadcast_strides", cases, _same_steps)
    bad: list[list[Any]] = [[[2], [1], [3]], [[3], [1], [1]], [[2], [1], [4]], [[0], [1], [1]], [[2], [1], [2, 3]],
                            [[2, 3], [3, 1], [3]], [[1], [1], []], [[2, 3], [3, 1], [1, 3]], [[2], [1], [0]],
                            [[1, 2], [2, 1], [2]]]
    for sizes, steps in _layouts(rng, 20):
        fixed = [place for place, size in enumerate(sizes) if size != 1]
        if fixed:
            other = list(sizes)
            other[int(rng.choice(fixed))] += int(rng.integers(1, 5))
            bad.append([sizes, steps, [*shape(rng, 1), *other]])
    yield from _calls(rng, "broadcasting", "broadcast_strides", bad,
                      lambda case, got, right: _names_shapes([case[0], case[2]], got))


def _same_steps(case: list[Any], got: Value, right: Value) -> str:
    return _free(got, right, [size == 1 or 0 in case[2] for size in case[2]])


# ---- Task 2.4 ----


@sealed("2.4", beside=("2.5",))
def views(rng: np.random.Generator) -> Iterator[Call]:
    permuted: list[Any] = []
    expanded: list[Any] = []
    sliced: list[Any] = []
    selected: list[Any] = []
    refused: list[Any] = []
    for number in range(60):
        sizes = shape(rng, least=int(number % 6 > 0))
        look = [sizes, strides(rng, sizes, 0.1), int(rng.integers(1, 9))]
        permuted.append([*look, [int(each) for each in rng.permutation(len(sizes))]])
        wanted = [int(rng.choice([1, 2, 3, 0])) if size == 1 and rng.random() < 0.7 else size for size in sizes]
        asked = [-1 if size == old and rng.random() < 0.4 else size for size, old in zip(wanted, sizes)]
        expanded.append([*look, [*shape(rng, 2, 6), *asked]])
        refused.append([*look, [-1, *sizes]])
        fixed = [place for place, size in enumerate(sizes) if size != 1]
        if fixed:
            other = list(sizes)
            other[int(rng.choice(fixed))] += int(rng.integers(1, 4))
            refused += [[*look, other], [*look, sizes[1:]]]
        if sizes:
            dim = int(rng.integers(0, len(sizes)))
            start, stop = (int(each) for each in rng.integers(0, sizes[dim] + 1, 2))
            sliced += [[*look, dim, start, stop, int(rng.integers(1, 4))],
                       [*look, dim, min(start, stop), sizes[dim], int(rng.integers(1, 4))]]
            if sizes[dim]:
                selected.append([*look, dim, int(rng.integers(0, sizes[dim]))])
    permuted += [[[], [], 3, []], [[2, 3, 4], [12, 4, 1], 1, [2, 0, 1]]]
    selected += [[[2, 2, 3], [6, 3, 1], 2, 1, 1], [[2, 3, 2], [6, 0, 0], 1, 2, 1], [[4], [2], 5, 0, 3]]
    sliced += [[[7], [2], 3, 0, 1, 7, 3], [[5, 5], [5, 1], 2, 1, 0, 5, 2]]
    for function, cases in (("permute", permuted), ("expand", expanded), ("slice", sliced), ("select", selected)):
        yield from _calls(rng, "views", function, cases, _same_places)
    yield from _calls(rng, "views", "expand", refused, lambda case, got, right: _names_shapes([case[0], case[3]], got))


def _same_places(case: list[Any], got: Value, right: Value) -> str:
    """The same sizes, and each element in the same place: strides along which no step is taken may be any."""
    try:
        parts: list[Any] = [each if isinstance(each, int) else each["tuple"] for each in got["gave"]["tuple"]]
        wanted: list[Any] = [each if isinstance(each, int) else each["tuple"] for each in right["gave"]["tuple"]]
        sizes, steps, offset = parts
    except (KeyError, TypeError, ValueError):
        return "sizes, strides and an offset were expected"
    if sizes != wanted[0] or len(steps) != len(sizes) or not all(type(each) is int for each in [*steps, offset]):
        return f"sizes {sizes}, expected {wanted[0]}"
    if 0 in sizes:
        return ""
    moving = [(one, other) for size, one, other in zip(sizes, steps, wanted[1]) if size != 1]
    if offset != wanted[2] or any(one != other for one, other in moving):
        return f"strides {steps} and offset {offset}, expected {wanted[1]} and {wanted[2]}"
    return ""


@sealed("2.4")
def views_of_views(rng: np.random.Generator) -> Iterator[Call]:
    for _ in range(4):
        array = rng.integers(-50, 50, (3, 4, 5)).astype(np.float64)
        dims, steps = [3, 4, 5], []  # type: tuple[list[int], list[list[Any]]]
        for _ in range(5):
            kind = str(rng.choice(["permute", "slice", "slice", "expand", "select"]))
            dim = int(rng.integers(0, max(len(dims), 1)))
            if kind == "permute":
                order = [int(each) for each in rng.permutation(len(dims))]
                steps.append(["permute", order])
                dims = [dims[each] for each in order]
            elif kind == "slice" and dims:
                start, step = int(rng.integers(0, dims[dim])), int(rng.integers(1, 3))
                steps.append(["slice", dim, start, dims[dim], step])
                dims[dim] = len(range(start, dims[dim], step))
            elif kind == "expand":
                dims = [2, *(int(rng.integers(1, 4)) if size == 1 else size for size in dims)]
                steps.append(["expand", list(dims)])
            elif len(dims) > 1:
                steps.append(["select", dim, int(rng.integers(0, dims[dim]))])
                del dims[dim]
        yield Call("views_of_tensors", {"array": array, "steps": steps}, f"{len(steps)} views of views")
