"""Sealed checks of module 5, tasks 5.1 to 5.4. Those of 5.5 to 5.7 stand in module_5_layers.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.checks import module_5_layers  # noqa: F401  (its checks register themselves)
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

LAYOUTS = ("contiguous", "turned", "cut")
UNSET = -77.0


def _whole(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> np.ndarray:
    """Small whole numbers: sums of their products are exact."""
    return rng.integers(-4, 5, shape).astype(dtype)


def _count(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows there are, by trying every place where one could begin."""
    return sum(begin + dilation * (kernel - 1) < size + 2 * padding for begin in range(0, size + 2 * padding, stride))


# ---- 5.1 ----


def _as_many(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """Where no window fits, any number that is not positive is right."""
    right = type(got) is int and (got == expected or got <= 0 and expected <= 0)
    return "" if right else f"{got!r} windows, expected {expected}"


@sealed("5.1")
def counts(rng: np.random.Generator) -> Iterator[Call]:
    cases = [[5, 3, 1, 0, 1], [5, 3, 1, 1, 1], [5, 3, 2, 0, 1], [6, 3, 2, 0, 1], [7, 3, 1, 0, 2], [1, 1, 4, 0, 1],
             [28, 5, 1, 2, 1], [9, 3, 2, 2, 3], [3, 3, 2, 0, 1], [2, 3, 1, 0, 1], [5, 3]]
    for _ in range(25):
        cases.append([int(rng.integers(low, high)) for low, high in ((1, 13), (1, 6), (1, 5), (0, 4), (1, 4))])
    for arguments in cases:
        yield Call("output_size", {"arguments": arguments}, f"output_size{tuple(arguments)}", compare=_as_many)


def _conv1d(rng: np.random.Generator, layouts: list[str], device: str | None, dtype: str, bias: bool, padding: int,
            stride: int) -> Call:
    n, c, o, kernel = (int(each) for each in rng.integers((1, 2, 2, 1), (3, 4, 4, 5)))
    o += o == c
    length = max(kernel - 2 * padding, 1) + int(rng.integers(1, 6))
    arrays = [_whole(rng, n, c, length, dtype=dtype), _whole(rng, o, c, kernel, dtype=dtype),
              _whole(rng, o, dtype=dtype) if bias else None]
    grad = _whole(rng, n, o, _count(length, kernel, stride, padding), dtype=dtype)
    return Call("conv1d", {"arrays": arrays, "layouts": [*layouts, "contiguous"], "device": device, "stride": stride,
                           "padding": padding, "grad": grad},
                f"conv1d and its gradients, {dtype}, input {[n, c, length]}, weight {[o, c, kernel]}, stride {stride}, "
                f"padding {padding}, bias {bias}, {layouts}, device {device}", rtol=1e-9, atol=1e-9)


@sealed("5.1")
def convolutions(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(18):
        yield _conv1d(rng, [LAYOUTS[number % 3], LAYOUTS[number // 3 % 3]], "cpu" if number % 9 == 8 else None,
                      "float32" if number % 5 == 3 else "float64", number % 3 != 1, number % 3, 1 + number // 2 % 3)
    few = [2, 2, 2, 6]
    for what in range(4):
        many = [size * 3 if number == what else size for number, size in enumerate(few)]
        yield Call("conv1d_operations", {"sizes": [few, many], "stride": 2, "padding": 1},
                   f"how many operations conv1d takes for {few} and for {many}",
                   compare=lambda inputs, got, expected: "" if type(got) is list and len(got) == 2 and
                   0 < got[1] <= got[0] else f"{got}: more for larger ones")


# ---- 5.2 ----


class _Windows:
    """Windows over planes of one size. At least one fits in either direction."""

    def __init__(self, rng: np.random.Generator, planes: int = 1, plain: bool = False) -> None:
        each = []
        for _ in range(2):
            kernel, stride, padding, dilation = (int(n) for n in rng.integers((1, 1, 0, 1), (4, 4, 3, 3)))
            if plain:
                stride = padding = dilation = 1
            reach = dilation * (kernel - 1) + 1
            size = max(1, reach - 2 * padding) + int(rng.integers(0, 4))
            each.append((size, kernel, stride, padding, dilation))
        self.planes = planes
        self.plane, self.kernel, self.stride, self.padding, self.dilation = ([*pair] for pair in zip(*each))
        self.counts = [_count(*one) for one in each]
        self.geometry = {"sizes": [*self.plane, *self.kernel, *self.counts],
                         "steps": [self.stride, self.padding, self.dilation]}

    def __str__(self) -> str:
        return (f"{self.planes} planes of {self.plane}, kernel {self.kernel}, stride {self.stride}, padding "
                f"{self.padding}, dilation {self.dilation}")


def _ranges(rng: np.random.Generator, units: int, number: int) -> list[list[int]]:
    if number % 3 == 0:
        return [[unit, unit + 1] for unit in range(units)]
    cut = int(rng.integers(0, units + 1))
    return [each for each in ([0, cut], [cut, units]) if each[0] < each[1]]


@sealed("5.2")
def columns(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(26):
        case = _Windows(rng, planes=1 + number % 3, plain=number % 6 == 5)
        of_planes = case.planes * math.prod(case.plane)
        kernel = math.prod(case.kernel)
        of_columns = case.planes * kernel * math.prod(case.counts)
        for name, sizes, units in (("unfold_range", (of_columns, of_planes), case.planes * kernel),
                                   ("fold_range", (of_planes, of_columns), case.planes)):
            numbers = rng.permutation(sizes[1]) + 1.0
            for whole in (True, False):
                chunks = _ranges(rng, units, number)
                if not whole:
                    begin = int(rng.integers(0, units))
                    chunks = [[begin, int(rng.integers(begin, units + 1))]]
                yield Call("windows", {"name": name, "chunks": chunks, "out": np.full(sizes[0], UNSET), "a": numbers,
                                       **case.geometry, "whole": whole},
                           f"{name}, {'all units' if whole else f'units {chunks[0]}'}, {case}", rtol=0.0, atol=0.0)


@sealed("5.2")
def z_compiled(rng: np.random.Generator) -> Iterator[Call]:
    geometry: dict[str, Any] = {"sizes": [5, 4, 3, 2, 3, 6], "steps": [[2, 1], [1, 2], [1, 2]]}
    for name, out, a, units in (("unfold_range", 216, 40, 12), ("fold_range", 40, 216, 2)):
        yield Call("windows_compiled", {"name": name, "chunks": [[units // 2, units], [0, units // 2]],
                                        "out": np.full(out, UNSET, "float32"), "a": _whole(rng, a, dtype="float32"),
                                        **geometry}, f"{name}, compiled", rtol=0.0, atol=0.0)


# ---- 5.3 ----


@sealed("5.3")
def images(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(16):
        case = _Windows(rng, plain=number % 4 == 3)
        n, c, o = (int(each) for each in rng.integers((1, 1, 2), (4, 4, 5)))
        o += o == c
        dtype, device = "float32" if number % 5 == 2 else "float64", "cpu" if number % 7 == 3 else None
        x, weight = _whole(rng, n, c, *case.plane, dtype=dtype), _whole(rng, o, c, *case.kernel, dtype=dtype)
        grad = _whole(rng, n, o, *case.counts, dtype=dtype)
        layouts = [LAYOUTS[number % 3], LAYOUTS[number // 3 % 3]]
        steps = {"stride": case.stride, "padding": case.padding, "dilation": case.dilation}
        says = f"input {[*x.shape]}, weight {[*weight.shape]}, {steps}, {dtype}, {layouts}, device {device}"
        for name, first, second in (("conv2d", x, [weight]), ("conv2d_input", [*x.shape], [weight, grad]),
                                    ("conv2d_weight", x, [[*weight.shape], grad])):
            yield Call("conv2d", {"name": name, "first": first, "second": second, "layouts": layouts,
                                  "device": device, **steps}, f"{name}, {says}", rtol=1e-9, atol=1e-9)
        if number % 4 == 0:
            yield Call("conv2d_backward", {"x": x, "weight": weight, "layouts": layouts, **steps, "grad": grad},
                       f"conv2d with backward, {says}", rtol=1e-9, atol=1e-9)


# ---- 5.4 ----


class _Pools(_Windows):
    """All windows have an element inside of the plane: padding is at most half of the kernel."""

    def __init__(self, rng: np.random.Generator, planes: int) -> None:
        each = []
        for _ in range(2):
            kernel, stride, dilation = (int(n) for n in rng.integers((1, 1, 1), (4, 4, 3)))
            padding = int(rng.integers(0, kernel // 2 + 1))
            least = max(dilation * (kernel - 1) + 1 - 2 * padding, dilation)
            each.append((least + int(rng.integers(0, 4)), kernel, stride, padding, dilation))
        self.planes = planes
        self.plane, self.kernel, self.stride, self.padding, self.dilation = ([*pair] for pair in zip(*each))
        self.counts = [_count(*one) for one in each]
        self.geometry = {"sizes": [*self.plane, *self.kernel, *self.counts],
                         "steps": [self.stride, self.padding, self.dilation]}


def _indices(rng: np.random.Generator, case: _Pools) -> np.ndarray:
    """A place in its plane for each result; some twice."""
    return rng.integers(0, math.prod(case.plane), case.planes * math.prod(case.counts))


def _values(rng: np.random.Generator, case: _Pools, number: int) -> np.ndarray:
    """Many equal ones; all negative; one NaN in each plane (of several in a window, any may be the one); -inf."""
    size = math.prod(case.plane)
    a = rng.integers(-4, 5, (case.planes, size)).astype(float)
    if number % 4 == 1:
        a -= 9
    if number % 4 == 2:
        a[np.arange(case.planes), rng.integers(0, size, case.planes)] = math.nan
    if number % 4 == 3:
        a[rng.random(a.shape) < 0.8] = -math.inf
    return a.ravel()


@sealed("5.4")
def pools(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(28):
        case = _Pools(rng, 1 + number % 3)
        if number in (13, 14, 22):  # as with ceil_mode: the last windows reach beyond the plane
            case.plane, case.kernel, case.stride, case.padding, case.dilation = [3, 5], [2, 2], [2, 2], [0, 0], [1, 1]
            case.counts = [2, 3]
            case.geometry = {"sizes": [3, 5, 2, 2, 2, 3], "steps": [[2, 2], [0, 0], [1, 1]]}
        results, rows = case.planes * math.prod(case.counts), case.planes * case.counts[0]
        out, indices, a = np.full(results, UNSET), np.full(results, -7), _values(rng, case, number)
        yield Call("max_pool", {"chunks": _ranges(rng, rows, number), "out": out, "indices": indices, "a": a,
                                **case.geometry}, f"max_pool_range, {case}", rtol=0.0, atol=0.0)
        begin = int(rng.integers(0, rows))
        end = int(rng.integers(begin, rows + 1))
        yield Call("max_pool_part", {"begin": begin, "end": end, "out": out, "indices": indices, "a": a,
                                     **case.geometry}, f"max_pool_range({begin}, {end}), {case}", rtol=0.0, atol=0.0)


@sealed("5.4")
def pools_back(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(20):
        case = _Pools(rng, 1 + number % 3)
        results, size = case.planes * math.prod(case.counts), case.planes * math.prod(case.plane)
        for whole in (True, False):
            chunks = _ranges(rng, case.planes, number)
            if not whole:
                begin = int(rng.integers(0, case.planes))
                chunks = [[begin, int(rng.integers(begin, case.planes + 1))]]
            yield Call("max_pool_back", {
                "chunks": chunks, "grad_input": np.full(size, UNSET), "grad": _whole(rng, results) + 0.5,
                "indices": _indices(rng, case), **case.geometry, "whole": whole},
                f"max_pool_back_range, planes {chunks}, {case}", rtol=0.0, atol=0.0)


