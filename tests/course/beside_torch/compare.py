"""Runs an entry of the table with torch and with terox, and says where they differ.

A later device runs the same table: `differences(case, torch, terox, device="cpu")`.
"""

from __future__ import annotations

import itertools
import math
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from table import Case, Variant, WrongCall, base_shape, lie, node_name, numbers, variants, view_of

# Machine epsilons allowed on each result, times the size of the largest one. The longest sums have 24 terms, and the
# derivative of a derivative goes through about ten operations.
TOLERANCE = 100

# ---- Running an entry in one library ----


@dataclass
class Outcome:
    """What a library made of a variant: facts in order, as (aspect, where, value)."""

    facts: list[tuple[str, str, Any]]
    raised: Exception | None = None

    def add(self, aspect: str, where: str, value: Any) -> None:
        self.facts.append((aspect, where, value))

    def add_tensor(self, aspect: str, where: str, tensor: Any) -> None:
        """Values, dtype and shape of a tensor (or None, for a gradient that is not there)."""
        if tensor is None:
            self.add(aspect, where, None)
        else:
            if getattr(tensor, "_is_zerotensor", bool)():  # in torch, a tensor of zeros may have no memory
                tensor = tensor.new_zeros(tensor.shape)
            self.add(aspect, f"{where}, dtype and shape", (dtype_name(tensor.dtype), tuple(tensor.shape)))
            self.add(aspect, where, numpy.array(tensor.detach().tolist(), dtype=dtype_name(tensor.dtype)).ravel())

    def add_layout(self, where: str, tensor: Any) -> None:
        """Strides, where they matter: a dimension of size 1 or less is never stepped along."""
        strides = [stride if size > 1 else None for size, stride in zip(tensor.shape, tensor.stride())]
        self.add("strides", f"{where}.stride()", strides if tensor.numel() else [])
        self.add("strides", f"{where}.storage_offset()", tensor.storage_offset())
        self.add("strides", f"{where}.is_contiguous()", tensor.is_contiguous())


def dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def is_tensor(lib: Any, value: Any) -> bool:
    return isinstance(value, lib.Tensor)


def flatten(lib: Any, value: Any, where: str = "result") -> Iterator[tuple[str, Any]]:
    """The tensors and plain values in nested tuples and lists, each with its place."""
    if isinstance(value, (tuple, list)):
        yield f"{where}, length", len(value)
        for number, item in enumerate(value):
            yield from flatten(lib, item, f"{where}[{number}]")
    elif is_tensor(lib, value) or value is None or isinstance(value, (bool, int, float, str)):
        yield where, value
    else:
        yield where, dtype_name(value)


def random_like(random: numpy.random.Generator, lib: Any, tensor: Any, device: Any, requires_grad: bool) -> Any:
    """A random gradient for a result: not 1, and another one for each element."""
    values = numbers(random, tuple(tensor.shape), dtype_name(tensor.dtype), "nonzero")
    return make(lib, values, device, requires_grad)


def make(lib: Any, values: numpy.ndarray, device: Any, requires_grad: bool) -> Any:
    """A leaf of the library with these values."""
    dtype = getattr(lib, values.dtype.name)
    flat = lib.tensor(values.ravel().tolist(), dtype=dtype, device=device)
    leaf = flat.reshape(values.shape).clone()  # no view: torch would take the history of its views from `flat`
    return leaf.requires_grad_() if requires_grad else leaf


def run(case: Case, variant: Variant, lib: Any, device: Any = None) -> Outcome:
    """Everything that is compared, for one library."""
    random = numpy.random.default_rng(zlib.crc32(f"{case.name} {variant}".encode()))
    outcome = Outcome([])
    bases, views = [], []
    for number, (shape, dtype) in enumerate(zip(variant.shapes, variant.dtypes)):
        domain = case.domain if isinstance(case.domain, str) else case.domain[number]
        layout = lie(variant.layout, number)
        values = numbers(random, base_shape(shape, layout), dtype, domain)
        bases.append(make(lib, values, device, case.grad and dtype.startswith("float")))
        views.append(view_of(bases[-1], shape, layout))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = case.run(lib, *views)
            found = list(flatten(lib, result))
            for where, value in found:
                _look_at(outcome, lib, where, value, case)
            for number, base in enumerate(bases):
                outcome.add_tensor("inputs afterward", f"input {number} afterward", base)
            if case.view:
                _write_through(outcome, lib, bases, found)
            else:
                outputs = [value for _, value in found if is_tensor(lib, value) and value.requires_grad]
                _differentiate(outcome, lib, bases, outputs, random, variant, device)
    except Exception as error:
        if type(error).__name__ == "CheckFailed":
            raise
        outcome.raised = error
    return outcome


def _look_at(outcome: Outcome, lib: Any, where: str, value: Any, case: Case) -> None:
    if not is_tensor(lib, value):
        outcome.add("plain value", where, value)
        return
    outcome.add_tensor("values", where, value)
    outcome.add("requires_grad", f"{where}.requires_grad", value.requires_grad)
    outcome.add("requires_grad", f"{where}.is_leaf", value.is_leaf)
    if case.view:
        outcome.add_layout(where, value)
    if case.node and value.requires_grad:
        outcome.add("grad_fn", f"{where}.grad_fn.name()", value.grad_fn and node_name(value.grad_fn))


def _write_through(outcome: Outcome, lib: Any, bases: list[Any], found: list[tuple[str, Any]]) -> None:
    """What a write in the inputs changes in the results tells whether they share storage."""
    for base in bases:
        raw = base.detach()
        raw.copy_(raw == 0)
    for where, value in found:
        if is_tensor(lib, value):
            outcome.add_tensor("shared storage", f"{where}, after its base was overwritten", value)


def _differentiate(outcome: Outcome, lib: Any, bases: list[Any], outputs: list[Any], random: numpy.random.Generator,
                   variant: Variant, device: Any) -> None:
    upstream = [random_like(random, lib, output, device, variant.second) for output in outputs]
    leaves = [base for base in bases if base.requires_grad]
    if not outputs or not leaves:
        return
    if not variant.second:
        lib.autograd.backward(outputs, upstream)
        for number, base in enumerate(bases):
            outcome.add_tensor("gradients", f"gradient of input {number}", base.grad)
        return
    first = lib.autograd.grad(outputs, leaves, upstream, create_graph=True, allow_unused=True)
    for number, gradient in enumerate(first):
        outcome.add_tensor("gradients", f"gradient of input {number}", gradient)
    weights = [None if gradient is None else random_like(random, lib, gradient, device, False) for gradient in first]
    again = [(gradient, weight) for gradient, weight in zip(first, weights)
             if gradient is not None and gradient.requires_grad]
    if again:
        lib.autograd.backward(*zip(*again))
    for number, leaf in enumerate([*leaves, *upstream]):
        kind = f"input {number}" if number < len(leaves) else f"upstream gradient {number - len(leaves)}"
        # Whether a derivative that is zero everywhere is recorded differs, and does not matter.
        outcome.add_tensor("second derivatives", f"second derivative by {kind}",
                           leaf.detach() * 0 if leaf.grad is None else leaf.grad)


# ---- Comparing ----


@dataclass(frozen=True)
class Difference:
    """Where terox differs from torch: which variant, which aspect, and what both say."""

    variant: Variant
    aspect: str
    text: str

    def __str__(self) -> str:
        return f"[{self.variant}] {self.text}"


def differences(case: Case, torch: Any, terox: Any, device: Any = None) -> list[Difference]:
    """All that terox, on `device`, does differently from torch."""
    found: list[Difference] = []
    for variant in variants(case):
        theirs, mine = run(case, variant, torch), run(case, variant, terox, device)
        found += [Difference(variant, aspect, text) for aspect, text in compare(case, variant, theirs, mine)]
    return found


def compare(case: Case, variant: Variant, theirs: Outcome, mine: Outcome) -> list[tuple[str, str]]:
    """Where two outcomes differ, as (aspect, sentence)."""
    if theirs.raised is not None and not case.may_raise:
        return [("entry", f"torch itself raises {_told(theirs.raised)}: the entry is wrong")]
    if theirs.raised is not None and mine.raised is not None and fits(theirs.raised, mine.raised):
        return []
    if theirs.raised is not None or mine.raised is not None:
        return [("raises", f"torch: {_told(theirs.raised)}; terox: {_told(mine.raised)}")]
    narrow = any(dtype != "float64" for dtype in variant.dtypes)  # then some step is done in float32
    epsilon = TOLERANCE * float(numpy.finfo(numpy.float32 if narrow else numpy.float64).eps)
    found = []
    for (aspect, where, expected), (_, place, value) in itertools.zip_longest(
            theirs.facts, mine.facts, fillvalue=("missing", "", None)):
        if where != place:
            return [*found, ("values", f"torch has {where or 'nothing more'}, terox has {place or 'nothing more'}")]
        if not same(expected, value, epsilon):
            found.append((aspect, f"{where}: torch {_told(expected)}, terox {_told(value)}"))
    return found


def same(expected: Any, value: Any, epsilon: float) -> bool:
    """Equal; for floats, within `epsilon` times the largest of the numbers."""
    if not isinstance(expected, numpy.ndarray) or not isinstance(value, numpy.ndarray):
        if isinstance(expected, float) and isinstance(value, float):
            return math.isclose(expected, value, rel_tol=1e-6) or expected != expected and value != value
        if isinstance(expected, str):
            expected = expected.replace("torch.", "terox.")
        return type(expected) is type(value) and expected == value
    if expected.dtype.kind != "f" or value.dtype != expected.dtype or value.shape != expected.shape:
        return bool(numpy.array_equal(expected, value))
    finite = numpy.abs(expected[numpy.isfinite(expected)])
    if expected.dtype == numpy.float32:
        epsilon = TOLERANCE * float(numpy.finfo(numpy.float32).eps)
    scale = max(1.0, float(finite.max()) if finite.size else 1.0)
    with numpy.errstate(all="ignore"):
        return bool(numpy.allclose(value, expected, rtol=epsilon, atol=epsilon * scale, equal_nan=True))


def fits(theirs: Exception, mine: Exception) -> bool:
    """terox raised torch's type or a subclass; NotImplementedError, which is a RuntimeError, counts as one."""
    expected = RuntimeError if isinstance(theirs, NotImplementedError) else type(theirs)
    return isinstance(mine, expected) and not str(mine).startswith("Task ")


def refusal(call: WrongCall, torch: Any, terox: Any) -> tuple[str, str] | None:
    """None if terox refuses a wrong call as torch does; else the aspect that differs, and a sentence."""
    theirs, mine = _raised(call, torch), _raised(call, terox)
    if theirs is None:
        return "entry", "torch itself does not raise: the entry is wrong"
    if mine is None:
        return "raises", f"torch raises {_told(theirs)}; terox does not"
    if not fits(theirs, mine):
        return "raises", f"torch raises {_told(theirs)}; terox {_told(mine)}"
    message = str(mine).replace("[", "(").replace("]", ")").replace(",)", ")").lower()
    for word in call.says:
        piece = word.lower() if isinstance(word, str) else str(word).replace(",)", ")")
        if piece not in message:
            return "message", f"terox's message does not contain {piece!r}: {_told(mine)} (torch: {_told(theirs)})"
    return None


def _raised(call: WrongCall, lib: Any) -> Exception | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call.run(lib)
    except Exception as error:
        return error
    return None


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Exception):
        lines = str(value).strip().splitlines() or [""]
        return f"{type(value).__name__}: {lines[0][:300]}"
    return repr(value.tolist()) if isinstance(value, numpy.ndarray) else repr(value)
