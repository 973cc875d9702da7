"""Programs of module 2: geometry, kernels in plain Python, views. All work on the device "python".

Run in the sandbox, on whatever `terox` there is. More stand in module_2_dispatch.py (2.5), module_2_gradients.py (2.6)
and module_2_training.py (2.7).
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from course.grading.programs.module_2_dispatch import calls, lookups
from course.grading.programs.module_2_gradients import expressions, formulas, recorded, through_graph, to_sizes
from course.grading.programs.module_2_training import epoch, layer, learned, loss
from course.grading.programs.told import said_by

__all__ = ["calls", "epoch", "expressions", "formulas", "geometry", "kernel", "layer", "learned", "lookups", "loss",
           "recorded", "through_graph", "to_sizes", "views_of_tensors", "whole_numbers"]


def geometry(module: str, function: str, cases: list[list[Any]], lists: bool) -> list[Any]:
    """What a function about sizes and strides gives for each row of arguments, or which RuntimeError it raises.

    lists: whether it gets lists, or tuples. The last value says whether the arguments are as they were.
    """
    fn = getattr(importlib.import_module(f"terox.tensors.{module}"), function)
    found = []
    same = True
    for case in cases:
        arguments = [list(each) if lists and isinstance(each, list) else tuple(each) if isinstance(each, list) else each
                     for each in case]
        before = [list(each) if isinstance(each, list) else each for each in arguments]
        found.append(said_by(lambda arguments=arguments: fn(*arguments), RuntimeError))  # type: ignore[misc]
        same = same and arguments == before
    return [*found, same]


# ---- Task 2.3 ----


def _impl(operand: dict[str, Any]) -> Any:
    """A TensorImpl on a copy of the operand's memory."""
    from terox.tensors import dtype as dtypes
    from terox.tensors.storage import Storage, TensorImpl

    memory = np.array(operand["memory"])
    dtype = getattr(dtypes, memory.dtype.name)
    return TensorImpl(Storage(memory, dtype, "python"), tuple(operand["sizes"]), tuple(operand["strides"]),
                      operand["offset"])


def kernel(name: str, out: dict[str, Any], ins: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    """One call of a kernel: the memory of `out` afterward, how often fn was called, and whether all else is as before.

    For elementwise, fn is the sum of its arguments, each times one of `factors`; for reduce, so_far plus the element
    times the only factor, beginning with `start`.
    """
    from terox.tensors import kernels
    from terox.tensors.other_kernels import exact

    target, sources = _impl(out), [_impl(each) for each in ins]
    storage, data = target.storage, target.storage.data
    called = [0]
    factors = options.get("factors", [])

    def each_element(*values: Any) -> Any:
        called[0] += 1
        total = options["start"]
        for factor, value in zip(factors, values, strict=True):
            total = total + factor * value
        return total

    def fold(so_far: Any, element: Any) -> Any:
        called[0] += 1
        return so_far + factors[0] * element

    if name == "elementwise":
        exact(kernels.elementwise, 1)(each_element, target, *sources)
    elif name == "reduce":
        exact(kernels.reduce, 1)(fold, target, sources[0], tuple(options["dims"]), options["start"])
    else:
        exact(kernels.matmul, 0)(target, *sources)
    same = all(np.array_equal(source.storage.array, each["memory"], equal_nan=each["memory"].dtype.kind == "f")
               for source, each in zip(sources, ins))
    kept = target.storage is storage and storage.data is data
    looks = [[list(each.sizes), list(each.strides), each.offset] for each in (target, *sources)]
    return {"memory": storage.array, "calls": called[0], "inputs as before": same, "memory of its own": kept,
            "looks": looks}


def whole_numbers(rows: list[list[int]], other: list[list[int]]) -> dict[str, Any]:
    """Sums and products of whole numbers that no float holds, by ops on tensors."""
    import terox
    from terox.tensors.device import set_default_device

    set_default_device("python")
    a, b = terox.tensor(rows), terox.tensor(other)
    return {"sum": a.sum(1).tolist(), "all": a.sum().tolist(), "product": (a @ b).tolist(),
            "each": (a * 3 + 1).tolist(), "largest": a.amax(0).tolist()}


# ---- Task 2.4 ----


def views_of_tensors(array: np.ndarray, steps: list[list[Any]]) -> list[Any]:
    """Views of views of a tensor: sizes and numbers after each step [op, *arguments]."""
    import terox
    from terox.tensors.device import set_default_device
    from terox.tensors.dispatcher import call

    set_default_device("python")
    view, rows = terox.tensor(array), []
    for op, *rest in steps:
        view = call(op, view, *[tuple(each) if isinstance(each, list) else each for each in rest])
        rows.append([list(view.shape), np.array(view.tolist(), dtype=np.float64)])
    return rows
