"""How a tensor prints, character for character as in PyTorch.

All numbers of a tensor are written in one style and one width, so that columns line up. The numbers choose the style:
`1.` where all are whole, `0.5000` as a rule, `1.0000e-05` where they are very small, very large or far apart. Of more
than 1000 numbers only the edges are shown. What is not obvious from the numbers follows: `dtype=`, `grad_fn=`.

In PyTorch: `torch/_tensor_str.py`, `_Formatter`, `_tensor_str_with_formatter`, `_str_intern`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from terox.tensors import dtype as dtypes
from terox.tensors.device import full_name

# PyTorch's defaults (`torch.set_printoptions`).
PRECISION = 4  # digits after the point
THRESHOLD = 1000  # more elements than this are shortened
EDGE_ITEMS = 3  # what is kept of a long dimension, at each end
LINE_WIDTH = 80

# Devices that are not worth saying: those that compute where Python does.
HOST_DEVICES = ("python", "cpu")

GAP = None  # stands for what was left out of a long dimension


def tensor_repr(tensor: Any) -> str:
    """The text of `repr(tensor)`.

    tensor: anything with `dtype`, `shape`, `device`, `requires_grad`, `grad_fn` and `tolist()`.
    """
    prefix = "tensor("
    text = _add_suffixes(prefix + _numbers(tensor, len(prefix)), _suffixes(tensor), len(prefix))
    # A parameter is a tensor that carries a mark; there is no class of parameters.
    return "Parameter containing:\n" + text if getattr(tensor, "_is_param", False) is True else text


# ---- The numbers ----


def _numbers(tensor: Any, indent: int) -> str:
    """All numbers of `tensor` in brackets; its first bracket stands in column `indent`."""
    count = math.prod(tensor.shape)
    if count == 0:
        return "[]"
    nested = tensor.tolist()
    if count > THRESHOLD:
        nested = _edges(nested)
    width, write = _style(list(_flat(nested)), tensor.dtype)
    if not tensor.shape:
        return write(nested)
    return _brackets(nested, len(tensor.shape), indent, width, write)


def _edges(nested: Any) -> Any:
    """`nested` with a GAP in the middle of each long list."""
    if not isinstance(nested, list):
        return nested
    if len(nested) <= 2 * EDGE_ITEMS:
        return [_edges(each) for each in nested]
    first, last = nested[:EDGE_ITEMS], nested[-EDGE_ITEMS:]
    return [*map(_edges, first), GAP, *map(_edges, last)]


def _flat(nested: Any) -> Iterator[Any]:
    """The numbers of nested lists, in order."""
    if isinstance(nested, list):
        for each in nested:
            yield from _flat(each)
    elif nested is not GAP:
        yield nested


def _style(numbers: list[Any], dtype: dtypes.dtype) -> tuple[int, Callable[[Any], str]]:
    """The common width of `numbers` and the function that writes one of them, padded to it.

    0, inf and nan have no say in the style or the width, so they may stick out. (So it is in PyTorch.)
    """
    write: Callable[[Any], str] = str
    if dtype.is_floating_point:
        numbers = [each for each in numbers if each != 0 and math.isfinite(each)]
        write = _float_style(numbers)
    width = max((len(write(each)) for each in numbers), default=1)
    return width, lambda number: write(number).rjust(width)


def _float_style(numbers: list[float]) -> Callable[[float], str]:
    """How to write floating-point numbers of which `numbers` are those that are neither 0 nor inf nor nan."""
    smallest = min(map(abs, numbers), default=1.0)
    largest = max(map(abs, numbers), default=1.0)
    if largest / smallest > 1000.0 or largest > 1e8 or smallest < 1e-4:
        return lambda number: f"{number:.{PRECISION}e}"
    if all(each == math.ceil(each) for each in numbers):
        return lambda number: f"{number:.0f}." if math.isfinite(number) else str(number)
    return lambda number: f"{number:.{PRECISION}f}"


def _brackets(nested: list[Any], dims: int, indent: int, width: int, write: Callable[[Any], str]) -> str:
    """`nested`, of `dims` dimensions, with its first bracket in column `indent`."""
    new_line = "\n" + " " * (indent + 1)
    if dims > 1:
        parts = ["..." if each is GAP else _brackets(each, dims - 1, indent + 1, width, write) for each in nested]
        # The more dimensions end together, the more room is left: matrices are set apart by an empty line.
        return "[" + ("," + "\n" * (dims - 2) + new_line).join(parts) + "]"
    parts = [" ..." if each is GAP else write(each) for each in nested]
    per_line = max(1, (LINE_WIDTH - indent) // (width + len(", ")))
    lines = [", ".join(parts[start:start + per_line]) for start in range(0, len(parts), per_line)]
    return "[" + ("," + new_line).join(lines) + "]"


# ---- What else there is to say ----


def _suffixes(tensor: Any) -> list[str]:
    """What follows the numbers."""
    suffixes = []
    if str(tensor.device) not in HOST_DEVICES:
        suffixes.append(f"device='{full_name(str(tensor.device))}'")

    # `[]` alone would be read as a tensor of the default dtype and the shape (0,).
    empty = 0 in tensor.shape
    if empty and len(tensor.shape) != 1:
        suffixes.append(f"size={tuple(tensor.shape)}")
    default = dtypes.get_default_dtype()
    obvious = (default,) if empty else (default, dtypes.int64, dtypes.bool)
    if tensor.dtype not in obvious:
        suffixes.append(f"dtype={tensor.dtype}")

    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _add_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """`text` with `suffixes` and the closing parenthesis; a suffix that does not fit starts a new line."""
    # Two more than there are, as in PyTorch: room for what closes the line.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(", ") + len(suffix) > LINE_WIDTH:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(", ") + len(suffix)
    return text + ")"
