"""Programs of task 2.5: made-up ops on made-up devices, so that no other op takes part.

Run in the sandbox, on whatever `terox` there is. What is registered here is gone afterward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from course.grading.programs.told import attempt, told


@contextmanager
def _tables_restored(recording: bool) -> Iterator[None]:
    from terox._grad_mode import state
    from terox.tensors import schema
    from terox.tensors.dispatcher import KERNELS

    schema.derivative_of("add")  # all entries that the course has are in the table now
    tables: list[Any] = [KERNELS, schema._DERIVATIVES]
    before, recording_before = [dict(table) for table in tables], state.enabled
    state.enabled = recording
    try:
        yield
    finally:
        state.enabled = recording_before
        for table, entries in zip(tables, before):
            table.clear()
            table.update(entries)


def lookups(steps: list[list[str]]) -> list[Any]:
    """Each step [what, op, place] registers a kernel, or looks for one: its number, or the error that was raised."""
    from terox.tensors.dispatcher import KERNELS, find_kernel, register

    rows, known = [], []  # type: tuple[list[Any], list[Any]]
    with _tables_restored(True):
        for what, op, place in steps:
            if what == "register":
                known.append(object())
                register(op, place, known[-1])
                continue
            before = dict(KERNELS)

            def number(op: str = op, place: str = place) -> int:
                found = find_kernel(op, place)
                return next((n for n, each in enumerate(known) if each is found), -1)

            rows.append([attempt(number, NotImplementedError, mentions=(op, place)), before == KERNELS])
    return rows


def _tensor(kind: str, device: str) -> Any:
    """Three numbers. kind: "leaf" requires grad; "computed" as well, and has a node; "plain" does not."""
    from terox.autograd.node import Node
    from terox.tensors import dtype
    from terox.tensors.storage import Storage, TensorImpl
    from terox.tensors.tensor import Tensor

    made = Tensor._of(TensorImpl(Storage(np.array([1.0, 2.0, 4.0]), dtype.float64, device), (3,), (1,)))
    if kind == "leaf":
        made.requires_grad_()
    if kind == "computed":
        node = Node()
        node.next_functions = ()
        made._edge = (node, 0)
    return made


class _Kernel:
    """A kernel that notes its calls. does: "tensor", "value" (no tensor), an error, or the name of an op to call."""

    def __init__(self, device: str, does: str) -> None:
        self.device, self.does = device, does
        self.calls: list[tuple[Any, ...]] = []
        self.recording: list[bool] = []
        self.results: list[Any] = []

    def forget(self) -> None:
        for noted in (self.calls, self.recording, self.results):
            noted.clear()  # type: ignore[attr-defined]

    def __call__(self, *args: Any) -> Any:
        from terox._grad_mode import is_grad_enabled
        from terox.tensors.dispatcher import call

        self.calls.append(args)
        self.recording.append(is_grad_enabled())
        errors = {"ValueError": ValueError, "RuntimeError": RuntimeError, "NotImplementedError": NotImplementedError}
        if self.does in errors:
            raise errors[self.does]("a kernel may fail")
        if self.does == "value":
            self.results.append((7, "seven"))
        elif self.does == "tensor":
            self.results.append(_tensor("plain", "red"))
        else:
            self.results.append(call(self.does, *args[:1]))
        return self.results[-1]


def _formulas(count: int) -> Any:
    """The function of a derivative; nobody runs its formulas."""
    return lambda: tuple([lambda grad: grad] * count)


def calls(kernels: list[list[str]], derivatives: list[list[str]], op: str, arguments: list[Any], recording: bool,
          times: int) -> dict[str, Any]:
    """What `call(op, *arguments)` does. kernels: [op, place, what it does]. Arguments: {"tensor": kind, "on": device},
    {"tuple": [...]}, lists, and any other value. The last of several calls is looked at.
    """
    from terox._grad_mode import is_grad_enabled
    from terox.tensors import schema
    from terox.tensors.dispatcher import call, register

    made: list[Any] = []
    with _tables_restored(recording):
        known = [_Kernel(place, does) for _, place, does in kernels]
        for each, (name, place, _) in zip(known, kernels):
            register(name, place, each)
        for text, *inputs in derivatives:
            schema.derivative(text, *inputs)(_formulas(len(inputs)))
        for _ in range(times):
            made.clear()
            for each in known:
                each.forget()
            values = [_made(each, made) for each in arguments]
            box: list[Any] = []
            outcome = attempt(lambda values=values, box=box: box.append(call(op, *values)),  # type: ignore[misc]
                              ValueError, NotImplementedError, RuntimeError, mentions=(op, "red", "blue", "may fail"))
        after = is_grad_enabled()
    result = box[0] if box else None
    first = next((each for each in known if each.calls), None)
    return {"outcome": outcome, "calls": [len(each.calls) for each in known], "recording": after == recording,
            "inside": [each.recording for each in known],
            "as they are": first is not None and len(first.calls[0]) == len(values)
            and all(one is other for one, other in zip(first.calls[0], values)),
            "result of": [any(result is one for one in each.results) for each in known],
            "no tensor": told(result) if isinstance(result, tuple) else None, "node": _node(result, made),
            "nodes inside": [[_node(one, made) for one in each.results] for each in known]}


def _made(value: Any, made: list[Any]) -> Any:
    """An argument; `made` gets its tensors, in order."""
    if isinstance(value, dict) and "tensor" in value:
        made.append(_tensor(value["tensor"], value["on"]))
        return made[-1]
    if isinstance(value, dict):
        return tuple(_made(each, made) for each in value["tuple"])
    if isinstance(value, list):
        return [_made(each, made) for each in value]
    return value


def _node(result: Any, made: list[Any]) -> Any:
    """The name of a result's node, and to which of the tensors that were made its edges lead; None without one."""
    node = getattr(result, "grad_fn", None)
    if node is None:
        return None
    edges = []
    for target, _ in node.next_functions:
        numbers = [n for n, each in enumerate(made) if each._edge is not None and each._edge[0] is target]
        edges.append("nowhere" if target is None else numbers[0] if numbers else target.name())
    return [node.name(), edges]
