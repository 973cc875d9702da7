"""Local variables that one iteration of a prange assigns and a later one, or the code after the loop, reads.

Compiled, the iterations run at the same time and each has such a variable of its own, so what is read is not what was
assigned before. Not so for sums and other reductions (`total += x`), which Numba puts together.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

_FOLDS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


@cache
def carried(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names that may be carried over. It errs on the side of suspicion: running in another order decides."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
    found: dict[str, None] = {}
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For) and _is_prange(loop.iter):
            events = [event for statement in loop.body for event in _events(statement)]
            stored = {name for name, does in events if does != "load"}
            own = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
            found.update(dict.fromkeys(sorted(stored & _read_first(events) - own)))
            after = [event for part in ast.walk(tree) if isinstance(part, ast.FunctionDef) for body in part.body
                     if body.lineno > (loop.end_lineno or 0) for event in _events(body)]
            found.update(dict.fromkeys(sorted(stored & _read_first(after))))
    return tuple(found)


def _is_prange(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "prange"


def _read_first(events: list[tuple[str, str]]) -> set[str]:
    """Names that are read before they are certainly assigned."""
    read: set[str] = set()
    assigned: set[str] = set()
    for name, does in events:
        if does == "load" and name not in assigned:
            read.add(name)
        elif does == "store":
            assigned.add(name)
    return read


def _events(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(name, "load" or "store" or, under a condition, "may store") in the order of evaluation; reductions left out."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, _FOLDS):
        yield from _events(node.value)
    elif isinstance(node, ast.Assign):
        if not _is_fold(node):
            yield from _events(node.value)
            for target in node.targets:
                yield from _events(target)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        if node.value is not None:
            yield from _events(node.value)
        if isinstance(node, ast.AugAssign):
            yield from ((name.id, "load") for name in ast.walk(node.target) if isinstance(name, ast.Name))
        yield from _events(node.target)
    elif isinstance(node, ast.For):
        yield from _events(node.iter)
        yield from _events(node.target)
        for part in node.body + node.orelse:
            yield from _events(part)
    elif isinstance(node, (ast.If, ast.While)):
        yield from _events(node.test)
        branches = [[event for part in body for event in _events(part)] for body in (node.body, node.orelse)]
        sure = [{name for name, does in branch if does == "store"} for branch in branches]
        both = sure[0] & sure[1] if isinstance(node, ast.If) else set()
        for branch in branches:
            yield from _in_branch(branch)
        yield from ((name, "store") for name in sorted(both))
        yield from ((name, "may store") for name in sorted((sure[0] | sure[1]) - both))
    elif isinstance(node, ast.Name):
        yield node.id, "load" if isinstance(node.ctx, ast.Load) else "store"
    else:
        for child in ast.iter_child_nodes(node):
            yield from _events(child)


def _in_branch(events: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What a branch reads that was not assigned in the branch itself."""
    assigned: set[str] = set()
    for name, does in events:
        if does == "store":
            assigned.add(name)
        elif name not in assigned:
            yield name, does


def _is_fold(node: ast.Assign) -> bool:
    """`total = total + x`, `largest = max(largest, x)`."""
    if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return False
    name, value = node.targets[0].id, node.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, _FOLDS):
        parts: list[ast.expr] = [value.left, value.right]
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("max", "min"):
        parts = value.args
    else:
        return False
    return any(isinstance(part, ast.Name) and part.id == name for part in parts)


def differ(one: np.ndarray, two: np.ndarray) -> tuple[int, ...] | None:
    """The first index where two results are different by more than rounding in another order can explain."""
    if one.dtype.kind not in "fiub" or one.shape != two.shape:
        return None
    if one.dtype.kind == "f":
        with np.errstate(all="ignore"):
            same = np.isclose(one, two, rtol=1e-3, atol=0.0, equal_nan=True)
    else:
        same = one == two
    wrong = np.argwhere(~np.asarray(same))
    return tuple(int(part) for part in wrong[0]) if len(wrong) else None
