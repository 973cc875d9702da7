"""What a program says around a line: the function, the loop, the `if` that it stands in."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from course.trace.recorder import Place

_LOOPS = (ast.For, ast.While)
_LEAVES = {ast.Return: "return", ast.Break: "break", ast.Continue: "continue"}


def calls_itself_again(before: Place, after: Place) -> str | None:
    """The function in which both lines stand, if no loop of it holds both: it must have been called twice, then.

    None also where that is not known.
    """
    function = _innermost(before, (ast.FunctionDef,))
    if function is None or before.file != after.file or _innermost(after, (ast.FunctionDef,)) is not function:
        return None
    loops = [node for node in ast.walk(function) if isinstance(node, _LOOPS)]
    together = any(_holds(loop, before.line) and _holds(loop, after.line) for loop in loops)
    return None if together else function.name


def parted_by(chains: Sequence[Sequence[Place]]) -> str:
    """Where threads that should all come to a barrier take different ways, in words; "" where that is not seen.

    chains: for each barrier at which some of them wait, its place, the place of the call that led there, and so on.
    """
    for chain in chains:
        for place in chain:
            found = _innermost(place, (ast.If,), inside=True)
            if found is not None:
                return f"Look at the `if` in {Place(place.file, found.lineno)}, which not all threads enter."
    for chain in chains:
        for place in chain:
            for node in _left_before(place):
                return (f"Look at the `{_LEAVES[type(node)]}` in {Place(place.file, node.lineno)}, to which only some "
                        "threads come.")
    for chain in chains:
        for place in chain:
            found = _innermost(place, _LOOPS, inside=True)
            if found is not None:
                return (f"Look at the loop in {Place(place.file, found.lineno)}, which not all threads go through "
                        "equally often.")
    return ""


def _left_before(place: Place) -> Iterator[Any]:
    """What leaves the function, or a loop that the place stands in, under an `if` before the place."""
    function = _innermost(place, (ast.FunctionDef,))
    if function is None:
        return
    for condition in ast.walk(function):
        if not isinstance(condition, ast.If):
            continue
        for node in ast.walk(condition):
            if type(node) in _LEAVES and node.lineno < place.line and (  # type: ignore[attr-defined]
                    isinstance(node, ast.Return) or any(
                        isinstance(loop, _LOOPS) and _holds(loop, place.line) and
                        _holds(loop, node.lineno) for loop in ast.walk(function))):  # type: ignore[attr-defined]
                yield node


def _innermost(place: Place, kinds: tuple[type, ...], inside: bool = False) -> Any:
    """The smallest statement of these kinds, of the same function, around a line. inside: not in its first line."""
    tree = _parsed("".join(linecache.getlines(place.file)))
    if tree is None:
        return None
    found = [node for node in ast.walk(tree) if isinstance(node, kinds) and _holds(node, place.line, inside)]
    if inside:
        function = _innermost(place, (ast.FunctionDef,))
        found = [node for node in found if function is None or _holds(function, node.lineno)]  # type: ignore
    return max(found, key=lambda node: node.lineno, default=None)  # type: ignore[attr-defined]


def _holds(node: Any, line: int, inside: bool = False) -> bool:
    if not inside:
        return bool(node.lineno <= line <= node.end_lineno)
    return any(part.lineno <= line <= part.end_lineno for part in [*node.body, *node.orelse])


@lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None
