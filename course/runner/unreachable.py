"""Lines of a file that Python never comes to: a stub that stands there is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from course.parsing import parse

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def unreachable(text: str) -> set[int]:
    """Numbers of the lines behind the end of their block (a `return`, a `raise`, ...), and of functions and methods
    that are defined once more below. None for a text that does not parse.
    """
    try:
        return set(_dead(parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _dead(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for block in _blocks(tree):
        for place, statement in enumerate(block):
            if _ends(statement):
                for dead in block[place + 1:]:
                    found.update(range(dead.lineno, (dead.end_lineno or dead.lineno) + 1))
                break
        last = {each.name: each for each in block if isinstance(each, _FUNCTIONS) and _is_new(each)}
        for each in block:
            if isinstance(each, _FUNCTIONS) and each.lineno < last.get(each.name, each).lineno:
                found.update(range(each.lineno, (each.end_lineno or each.lineno) + 1))
    return found


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def _is_new(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it takes the place of an earlier one of its name. A property's setter does not."""
    return all(isinstance(each, ast.Name) and each.id in ("staticmethod", "classmethod", "property")
               for each in function.decorator_list)


def _ends(statement: ast.stmt) -> bool:
    """Whether nothing behind it in its block is run, whatever happens."""
    if isinstance(statement, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return True
    if isinstance(statement, ast.If):
        return _block_ends(statement.body) and _block_ends(statement.orelse)
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return False  # it may swallow an exception
    if isinstance(statement, ast.Try):
        return _block_ends(statement.finalbody) or (
            _block_ends(statement.orelse or statement.body) and all(_block_ends(each.body)
                                                                    for each in statement.handlers))
    if isinstance(statement, ast.While):
        return (isinstance(statement.test, ast.Constant) and bool(statement.test.value)
                and not any(isinstance(node, ast.Break) for node in ast.walk(statement)))
    return False


def _block_ends(block: Sequence[ast.stmt]) -> bool:
    return any(map(_ends, block))
