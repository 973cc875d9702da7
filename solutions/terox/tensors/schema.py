"""How derivatives are written down, and what is read out of them. Provided.

A derivative is written as in `derivatives.yaml`: a function whose parameters name what its formulas need (inputs of the
op, their sizes, options, the result), and that returns one formula for each differentiable input.

In PyTorch: `tools/autograd/derivatives.yaml`, and the generator of code that reads it.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RESULT = -1  # the place, among the arguments of an op, that stands for its result


class Derivative:
    """How one op is differentiated: the entry of `derivatives.yaml`.

    schema: "gather(self, dim, index)", the op and its arguments. inputs: the names of those that have a gradient.
    """

    def __init__(self, schema: str, inputs: Sequence[str], formulas: Callable[..., Any]) -> None:
        self.op, _, rest = schema.partition("(")
        names = [name.strip() for name in rest.rstrip(")").split(",")]
        self.schema = schema
        self.formulas = formulas
        self.inputs = [names.index(name) for name in inputs]
        self.of_list = "tensors" in inputs  # the one input is a list of tensors
        self.node_name = "".join(part.capitalize() for part in self.op.split("_")) + "Backward0"
        # For each parameter of `formulas`: a place among the arguments, and whether only the sizes are needed.
        self.needs: list[tuple[int, bool]] = []
        parameters = list(inspect.signature(formulas).parameters)
        for name in parameters:
            if name == "result":
                self.needs.append((RESULT, False))
            elif name in names:
                self.needs.append((names.index(name), False))
            elif name.endswith("_sizes") and name.removesuffix("_sizes") in names:
                self.needs.append((names.index(name.removesuffix("_sizes")), True))
            else:
                raise TypeError(f"the derivative of {schema} asks for {name!r}, which is neither an argument of "
                                f"{self.op}, nor `result`, nor the sizes of an argument (`self_sizes`)")
        used = _used_by_formulas(formulas, len(self.inputs))
        # For each parameter: the differentiable inputs whose formula uses it.
        self.used_by = [[number for number, names in enumerate(used) if name in names] if used
                        else list(range(len(self.inputs))) for name in parameters]
        self.kept = list(zip(self.needs, self.used_by))


def _used_by_formulas(function: Callable[..., Any], count: int) -> list[set[str]] | None:
    """The names that each formula uses, where the function does nothing but return them as lambdas; else None.

    With it, `x * 3` does not keep x: only the formula for the other factor, which is a number, uses it.
    """
    code = function.__code__
    node = _functions_in(code.co_filename).get((code.co_name, code.co_firstlineno))
    if node is None:
        return None
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return None
    value = body[0].value
    formulas = value.elts if isinstance(value, ast.Tuple) else [value]
    if len(formulas) != count or not all(isinstance(each, ast.Lambda) for each in formulas):
        return None
    return [{name.id for name in ast.walk(each) if isinstance(name, ast.Name)} for each in formulas]


@functools.lru_cache(maxsize=8)
def _functions_in(path: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """The functions of a file by name and first line, which is that of the first decorator where there is one."""
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # defined in a notebook or at the prompt
        return {}
    return {(node.name, min([node.lineno, *[each.lineno for each in node.decorator_list]])): node
            for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


_DERIVATIVES: dict[str, Derivative] = {}
_loaded = False


def derivative(schema: str, *inputs: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the function gives the formulas of the op `schema` for its differentiable `inputs`, in that order."""

    def add(formulas: Callable[..., Any]) -> Callable[..., Any]:
        entry = Derivative(schema, inputs, formulas)
        _DERIVATIVES[entry.op] = entry
        return formulas

    return add


def derivative_of(op: str) -> Derivative | None:
    """The derivative of `op`; None if it has none of its own."""
    if not _loaded:
        _load()
    return _DERIVATIVES.get(op)


def _load() -> None:
    global _loaded
    from terox.tensors import derivatives, network_ops, other_derivatives  # noqa: F401

    _loaded = True
