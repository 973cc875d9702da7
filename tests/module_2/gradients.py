"""What the tests of task 2.6 share: calls of ops as data, and how a gradient is held against what it should be."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
from derivative_oracles import ORACLES, with_others

from course import check
from course.runner.events import todo_task
from terox.tensors import derivatives
from terox.tensors.factories import from_array
from terox.tensors.schema import derivative_of
from terox.tensors.tensor import Tensor

EPS = 2.0**-52
RETURN = " Is a `return` missing?"
RETURNED = {type(None): RETURN, list: " It returned a list: leave out the brackets."}


# ---- Numbers and tensors ----


def numbers(seed: int, *shapes: tuple[int, ...], positive: bool = False) -> list[np.ndarray]:
    """Arrays of multiples of 1/2 from 1.5 on, all different: none is near 0, and none is 1."""
    rng = np.random.default_rng(seed)
    counts = [math.prod(shape) for shape in shapes]
    pool = rng.permutation(np.arange(sum(counts)) + 3.0) / 2.0
    if not positive:
        pool *= rng.choice([-1.0, 1.0], size=len(pool))
    ends = np.cumsum([0, *counts])
    return [pool[start:end].reshape(shape) for start, end, shape in zip(ends, ends[1:], shapes)]


def tensor_of(array: np.ndarray, strided: bool = False) -> Tensor:
    """A tensor with these numbers. strided: in memory with an offset and gaps, the first dimension running fastest."""
    if not strided:
        return from_array(np.array(array, order="C"))
    strides, step = (), 2
    for size in array.shape:
        strides += (step,)
        step *= size + 1
    memory = np.full(3 + step, 1000).astype(array.dtype)
    view = np.lib.stride_tricks.as_strided(memory[3:], array.shape, [stride * memory.itemsize for stride in strides])
    view[...] = array
    return Tensor._of(from_array(memory).impl.look(array.shape, strides, 3))


def array_of(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.detach().numpy(), dtype=np.float64)


def reducible(shape: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    """Whether `sizes` can be broadcast to `shape`."""
    front = len(shape) - len(sizes)
    return front >= 0 and all(size in (1, other) for size, other in zip(sizes, shape[front:]))


def summed(array: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """`array` summed to `sizes`: broadcasting with every element's number says which elements come together."""
    if array.shape == sizes:
        return array
    out = np.zeros(math.prod(sizes))
    np.add.at(out, np.broadcast_to(np.arange(out.size).reshape(sizes), array.shape).ravel(), array.ravel())
    return out.reshape(sizes)


def text(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return check.shown(value)
    return check.shown(value.tolist()) if value.size or value.ndim == 1 else f"(no elements, shape {list(value.shape)})"


# ---- Comparing ----


def near(got: np.ndarray, right: np.ndarray, tolerance: Any) -> bool:
    """Whether two arrays of one shape agree; NaN agrees with NaN, an infinity with itself alone."""
    with np.errstate(invalid="ignore"):
        return bool(np.all((got == right) | (np.abs(got - right) <= tolerance) | (np.isnan(got) & np.isnan(right))))


def compare(got: np.ndarray, terms: np.ndarray, sizes: tuple[int, ...], call: str, what: str,
            mistakes: dict[str, Callable[[], np.ndarray]] | None = None, eps: float = EPS) -> None:
    """`got` is the gradient `terms` of an input of `sizes`, summed where the input was broadcast.

    A formula rounds a few times for each term, and their sum once for each: 64 units of what is added in size.
    """
    right = summed(terms, sizes)
    finite = np.where(np.isfinite(terms), np.abs(terms), 0.0)
    tolerance = 64.0 * eps * summed(finite, sizes)
    fits = reducible(got.shape, sizes)
    if fits and near(summed(got, sizes), right, tolerance):
        return
    note = None if fits else (f"The gradient of {what} has to have its shape, {list(sizes)}, or one to which that is "
                              f"broadcast; this one has {list(got.shape)}.")
    shown = [text(np.asarray(each + 0.0)) for each in (summed(got, sizes) if fits else got, right)]  # 0.0 for -0.0
    raise check.CheckFailed(call, *shown, recognized(got, sizes, mistakes or {}) or note)


def recognized(got: np.ndarray, sizes: tuple[int, ...], mistakes: dict[str, Callable[[], np.ndarray]]) -> str | None:
    """The sentence of the first mistake that gives these numbers."""
    for sentence, make in mistakes.items():
        with np.errstate(all="ignore"):
            try:
                wrong = np.asarray(make(), dtype=np.float64)
            except (ValueError, IndexError):  # the mistake is not possible with these shapes
                continue
            one = got
            if wrong.shape != got.shape and reducible(wrong.shape, sizes) and reducible(got.shape, sizes):
                one, wrong = summed(got, sizes), summed(wrong, sizes)
            if one.shape == wrong.shape and near(one, wrong, 1e-9 * np.abs(wrong)):
                return sentence
    return None


# ---- Running what the learner wrote ----


def run(function: Callable[..., Any], *args: Any, call: str) -> Any:
    """`function(*args)`. An error inside is reported with the `call`, and at the learner's line in derivatives.py."""
    try:
        return function(*args)
    except Exception as error:
        if todo_task(error) is not None:
            raise
        last, place = None, error.__traceback__
        while place is not None:
            last = place if place.tb_frame.f_code.co_filename == derivatives.__file__ else last
            place = place.tb_next
        if last is not None:
            last.tb_next = None
        if isinstance(error, (RecursionError, OSError, check.CheckFailed)) or type(error).__name__ == "Debugger":
            raise  # for these the course has words of its own
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise check.CheckFailed(call, said, None, slip(error, last)).with_traceback(error.__traceback__) from None


def slip(error: Exception, place: TracebackType | None) -> str | None:
    """A known slip behind an error, in words. place: the learner's line, None where the error is not in their code."""
    words = str(error)
    if place is None:
        few = isinstance(error, TypeError) and re.search(r"missing \d+ required|but 1 was given", words)
        return ("A formula is called with `grad` alone, and what was returned wants something else: return "
                "`lambda grad: ...`.") if few else None
    code = place.tb_frame.f_code
    if isinstance(error, NameError) and error.name == "grad" and code.co_name != "<lambda>":
        return "`grad` comes later: return `lambda grad: ...`."
    if isinstance(error, (TypeError, AttributeError)) and calls_own_names(place.tb_lineno):
        return "In this file `sum` and `slice` are the derivatives of these ops, not Python's functions."
    if code.co_qualname.split(".")[0] == "sum_to" and (isinstance(error, IndexError) or "multiple times" in words):
        return ("Shapes are aligned at the last dimension: `sizes[n]` belongs to dimension n of the tensor only after "
                "those that were put in front, `tensor.dim() - len(sizes)` of them.")
    reducing = code.co_qualname.split(".")[0] in ("sum", "amax")
    if reducing and isinstance(error, RuntimeError) and re.search("size of tensor|cannot be expanded", words):
        return ("A sum or maximum without keepdim has lost the dimensions `dims`, and so has `grad`: `unreduced` puts "
                "them back, with size 1, so that the shape fits that of self.")
    return None


def calls_own_names(line: int) -> bool:
    """Whether the function around this line of derivatives.py calls the file's `sum` or `slice`."""
    for function in ast.parse(inspect.getsource(derivatives)).body:
        if isinstance(function, ast.FunctionDef) and function.lineno <= line <= (function.end_lineno or 0):
            names = {node.func.id for node in ast.walk(ast.Module(function.body, []))
                     if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
            return any(getattr(getattr(derivatives, name, None), "__module__", None) == derivatives.__name__
                       for name in names & {"sum", "slice"})
    return False


class Case:
    """A call of an op and the gradient that comes in: `Case("mul", self=[2.0], other=[3.0], grad=[10.0])`.

    Arguments stand in the op's order; lists and arrays are tensors of float64 (`index`: int64). strided: whether all
    tensors lie in memory with an offset and with gaps.
    """

    def __init__(self, op: str, /, *, grad: Any, strided: bool = False, **arguments: Any) -> None:
        self.op, self.oracle = op, ORACLES[op]
        self.arguments = {name: np.array(value, dtype=np.int64 if name == "index" else np.float64)
                          if isinstance(value, (list, np.ndarray, np.generic)) else value
                          for name, value in arguments.items()}
        self.grad = np.array(grad, dtype=np.float64)
        self.strided = strided

    def __repr__(self) -> str:
        parts = [f"{name} of shape {list(value.shape)}" if isinstance(value, np.ndarray) else f"{name}={value!r}"
                 for name, value in self.arguments.items()]
        layout = ", whose memory has gaps" if self.strided else ""
        return f"{self.function}({', '.join(parts)}){layout}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would else print the call that made the case

    @property
    def function(self) -> str:
        return self.oracle.function or self.op

    def call(self, what: str) -> str:
        """The call in words, with all numbers."""
        lines = [f"{name} = {text(value)}" for name, value in [*self.arguments.items(), ("grad", self.grad)]
                 if isinstance(value, np.ndarray)]
        return "\n".join([f"{self!r}: {what}", *lines])

    def tensors(self) -> list[Any]:
        """The arguments, arrays as tensors."""
        return [tensor_of(value, self.strided) if isinstance(value, np.ndarray) else value
                for value in self.arguments.values()]

    def result(self) -> np.ndarray:
        """What the op gives."""
        return self.oracle.result(**self.arguments)

    def terms(self, name: str, grad: np.ndarray | None = None) -> np.ndarray:
        """The right gradient of an input, not yet summed where it was broadcast."""
        return self.oracle.gradients[name](self.grad if grad is None else grad, **self.arguments)

    def check(self) -> None:
        """The formulas of the op, called with `grad`, give the right gradients, and change nothing in place."""
        entry: Any = derivative_of(self.op)
        names, inputs = list(self.arguments), self.tensors()
        result = tensor_of(self.result(), self.strided)
        values = []
        for place, only_sizes in entry.needs:
            value = result if place < 0 else inputs[place]
            values.append(value.impl.sizes if only_sizes else value)
        formulas = run(entry.formulas, *values, call=self.call("its formulas"))
        formulas = (formulas,) if callable(formulas) else formulas
        expected = len(self.oracle.gradients)
        check.that(isinstance(formulas, tuple) and len(formulas) == expected and all(map(callable, formulas)),
                   ("It has to return one formula, a function of grad." if expected == 1 else
                    f"It has to return {expected} formulas, functions of grad, one for each of "
                    f"{' and '.join(self.oracle.gradients)}, in a tuple.") + RETURNED.get(type(formulas), ""),
                   call=repr(self), got=formulas)
        for name, formula in zip(self.oracle.gradients, formulas):
            grad = tensor_of(self.grad, self.strided)
            call = self.call(f"the formula for `{name}`")
            got = run(formula, grad, call=call)
            check.that(isinstance(got, Tensor), f"A formula returns a Tensor, and not {type(got).__name__}."
                       + (RETURN if got is None else ""), call=call)
            compare(array_of(got), self.terms(name), self.arguments[name].shape, call, f"`{name}`", self.mistakes(name))
            after = [(each, array_of(tensor), self.arguments[each]) for each, tensor in zip(names, inputs)
                     if isinstance(tensor, Tensor)]
            after += [("result", array_of(result), self.result()), ("grad", array_of(grad), self.grad)]
            for what, now, before in after:
                if not np.array_equal(now, before, equal_nan=True):
                    raise check.CheckFailed(
                        call, f"{what}, afterwards: {text(now)}", f"{what}, afterwards: {text(before)}",
                        f"The formula changed `{what}` in place, which others hold as well: compute a new tensor.")

    def mistakes(self, name: str) -> dict[str, Callable[[], np.ndarray]]:
        """Known mistakes: the sentence, and what gives the wrong gradient."""
        return {sentence: lambda wrong=wrong: wrong(self.grad, **self.arguments)
                for sentence, wrong in with_others(self.oracle, name, self.arguments).items()}
