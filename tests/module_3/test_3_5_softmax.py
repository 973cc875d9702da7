"""Task 3.5: softmax of one row, and its gradient."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from softmax_oracle import (
    GUARD,
    KIND,
    backward_tolerance,
    by_definition,
    forward_tolerance,
    gradient_by_definition,
    short,
)

from course import check
from course.trace import trace
from terox.parallel import vector_math
from terox.parallel.softmax import softmax_back_row, softmax_row

pytestmark = pytest.mark.task("3.5")

NUMBER = st.floats(-4, 4, width=32)
OFFSET = st.sampled_from([0.0, 0.0, 1000.0, -1000.0, 30000.0])


# ---- Forward ----


def one_memory(name):
    return (f"Here, target and {name} are the same memory: what is written to target[i] is then in {name}[i], too. Do "
            f"not read {name}[i] after that.")


def slips(x):
    """The results that known mistakes give."""
    with np.errstate(all="ignore"):
        powers, raw, low = np.exp(x - x.max()), np.exp(x), np.exp(x - x.min())
        found = {
            "Each has still to be divided by the sum of all.": powers,
            "Each has to be divided by the sum, and was multiplied by it.": powers * powers.sum(),
            "Each has to be divided by the sum, not by how many there are.": powers / len(x),
            "The sum is one of the numbers themselves. It has to be that of their exps.": powers / x.sum(),
            "The first number is missing in the sum.": powers / powers[1:].sum(),
            "The last number is missing in the sum.": powers / powers[:-1].sum(),
            "The first number is in the sum twice.": powers / (powers.sum() + powers[0]),
            "The minimum was subtracted, so that exp overflows. It has to be the maximum.": low / low.sum(),
            "This is the logarithm of softmax.": x - x.max() - np.log(powers.sum()),
        }
        if not np.isfinite(raw).all():
            found["exp overflows: the maximum of the row has to be subtracted first."] = raw / raw.sum()
        else:
            found["exp is 0 for all of them: what is subtracted has to be the row's own maximum, not a larger number "
                  "such as 0."] = raw / raw.sum()
        found["The maximum was subtracted in one of the two places only, not in both."] = raw / powers.sum()
        return {text: wrong.tolist() for text, wrong in found.items()}


@given(row=st.lists(NUMBER, min_size=1, max_size=12), offset=OFFSET, kind=KIND)
@example(row=[0.5, 1.0, -1.5], offset=0.0, kind="float64")
@example(row=[2.0], offset=0.0, kind="float64")
@example(row=[0.0, 0.0], offset=0.0, kind="float32")
@example(row=[0.5, 1.0, -1.5], offset=1000.0, kind="float64")
@example(row=[0.5, 1.0, -1.5], offset=-1000.0, kind="float32")
@example(row=[2000.0, -2000.0, 1999.0], offset=0.0, kind="float64")
@example(row=[-2000.0, 1.0, 2000.0], offset=0.0, kind="float32")
@example(row=[-0.5, -1.0, -0.25], offset=0.0, kind="float32")
def test_softmax_row(row, offset, kind):
    """target[i] = exp(source[i] - top) / total, also where exp alone would overflow, or give 0 for all."""
    source = np.array(row, kind) + np.array(offset, kind)
    target = np.full(len(row), GUARD, kind)
    trace(softmax_row, target, source.copy(), out="target").check()
    row = source.tolist()
    rtol, atol = forward_tolerance(row, kind, len(row))
    check.all_close(target.tolist(), by_definition(row), call=f"softmax_row(target, {short(kind, source)})", rtol=rtol,
                    atol=atol, mistakes=slips(source.astype(np.float64)))


SPECIAL = st.sampled_from([math.nan, math.inf, -math.inf])


@given(row=st.lists(st.one_of(NUMBER, SPECIAL), min_size=1, max_size=6), kind=KIND)
@example(row=[1.0, -math.inf], kind="float64")
@example(row=[-math.inf, 1.0, 2.0], kind="float32")
@example(row=[1.0, math.nan, 2.0], kind="float64")
@example(row=[math.nan, 1.0], kind="float32")
@example(row=[1.0, math.nan], kind="float32")
@example(row=[math.inf, 1.0], kind="float64")
@example(row=[1.0, math.inf, math.inf], kind="float32")
@example(row=[-math.inf, -math.inf], kind="float64")
@example(row=[math.nan, math.inf, -math.inf], kind="float64")
def test_softmax_row_not_finite(row, kind):
    """-inf gives 0; NaN, +inf, or -inf everywhere make the whole row NaN."""
    source = np.array(row, kind)
    target = np.full(len(row), GUARD, kind)
    trace(softmax_row, target, source.copy(), out="target").check()
    finite = [x for x in row if math.isfinite(x)] or [0.0]
    rtol, atol = forward_tolerance(finite, kind, len(row))
    expected = by_definition(source.tolist())
    note = "NaN has to go through: all of the row is NaN." if math.isnan(expected[0]) else \
        "exp(-inf) is 0, and the others are what they are without it."
    check.all_close(target.tolist(), expected, call=f"softmax_row(target, {row})", rtol=rtol, atol=atol, note=note)


@given(row=st.lists(NUMBER, min_size=1, max_size=8), kind=KIND)
@example(row=[0.5, 1.0, -1.5], kind="float64")
@example(row=[-900.0, -1000.0, -901.0], kind="float64")
@example(row=[-901.0, 900.0, 899.0], kind="float32")
def test_softmax_row_in_place(row, kind):
    """target may be the same memory as source."""
    source = np.array(row, kind)
    memory = source.copy()
    trace(softmax_row, memory, memory, out=("target",)).check()
    rtol, atol = forward_tolerance(source.tolist(), kind, len(row))
    check.all_close(memory.tolist(), by_definition(source.tolist()), rtol=rtol, atol=atol, note=one_memory("source"),
                    call=f"softmax_row(a, a) for a = {short(kind, row)}")


def passes(made, name):
    """How often most elements of an array are come back to, after others."""
    memory, last, found = made.memories[name], None, Counter()
    for access in made.accesses:
        if access.memory is memory:
            if access.element != last:
                found[access.element] += 1
            last = access.element
    return sorted(found.values())[len(found) // 2] if found else 0


@given(n=st.integers(4, 9), seed=st.integers(0, 99))
def test_passes(n, seed):
    """No array is gone over more than twice: forward, source for the maximum and for exp, and target for exp and for
    the factor; backward, grad and y for the sum and for the result.
    """
    x, other = np.random.default_rng(seed).uniform(-2, 2, (2, n))
    y = np.exp(x) / np.exp(x).sum()
    hints = {"source": "Keep what exp gives in `target`, instead of computing it again.",
             "target": "Difference, exp and sum belong into one loop.",
             "grad": "One loop for the sum, one for the result.", "y": "One loop for the sum, one for the result."}
    for function, names, operands in ((softmax_row, ("target", "source"), (x,)),
                                      (softmax_back_row, ("target", "grad", "y"), (other, y))):
        made = trace(function, np.full(n, GUARD), *operands)
        for name, parameter in zip(names, made.memories):
            count = passes(made, parameter)
            check.that(count <= 2, f"All of `{name}` is gone over {count} times, and twice is enough. {hints[name]}",
                       call=f"{function.__name__}({', '.join(names)})", got=f"{count} passes", expected="2 at most")


def test_exp_of_this_course(monkeypatch):
    """exp is the one of vector_math.py, which a compiler can do for many numbers at once."""
    calls = []

    def counted(x):
        result = math.exp(x)
        calls.append(x)
        return result

    monkeypatch.setattr(vector_math, "exp_float64", counted)
    trace(softmax_row, np.full(5, GUARD), np.linspace(-1.0, 1.0, 5))
    check.that(calls, "exp of vector_math.py was not called. Any other is a call of the C library for each number, and "
               "the loop stays one of single numbers, several times slower.", call="softmax_row(target, source)")


# ---- Backward ----


def back_slips(g, y):
    total = (g * y).sum()
    found = {
        "The sign is wrong: y * (grad - total), not y * (total - grad).": y * (total - g),
        "The total has to be subtracted, and was added.": y * (g + total),
        "The total is the sum of grad * y, not of grad alone.": y * (g - g.sum()),
        "The total is the sum of grad * y, not of y alone.": y * (g - y.sum()),
        "grad and y have changed places.": g * (y - total),
        "The difference still has to be multiplied by y.": g - total,
        "The total was subtracted from grad * y. It has to be multiplied by y as well: y * (grad - total).":
            g * y - total,
        "This is grad * y alone. Every y depends on every x, through the sum: grad - total.": g * y,
        "Each result depends on its own x only here: y * (1 - y) is the derivative of sigmoid.": g * y * (1 - y),
        "The first product is missing in the total.": y * (g - (g * y)[1:].sum()),
        "The last product is missing in the total.": y * (g - (g * y)[:-1].sum()),
        "The total was divided by how many there are. It is the sum.": y * (g - total / len(y)),
    }
    return {text: wrong.tolist() for text, wrong in found.items()}


class Gradient(NamedTuple):
    grad: list
    y: list

    def __repr__(self):
        return f"grad={self.grad}, y={self.y}"


@st.composite
def gradients(draw):
    """A gradient for y, and y: probabilities."""
    x = draw(st.lists(NUMBER, min_size=1, max_size=10))
    grad = draw(st.lists(NUMBER, min_size=len(x), max_size=len(x)))
    return Gradient(grad, by_definition(x))


@given(case=gradients(), kind=KIND)
@example(case=Gradient([1.0, -2.0, 3.5], [0.25, 0.625, 0.125]), kind="float64")
@example(case=Gradient([1.5, 1.5], [0.25, 0.75]), kind="float32")
@example(case=Gradient([3.0], [1.0]), kind="float64")
def test_softmax_back_row(case, kind):
    """target[i] = y[i] * (grad[i] - total), where total is the sum of grad * y over the row."""
    grad, y = (np.array(part, kind) for part in case)
    target = np.full(len(y), GUARD, kind)
    trace(softmax_back_row, target, grad.copy(), y.copy(), out="target").check()
    check.all_close(target.tolist(), gradient_by_definition(grad.tolist(), y.tolist()),
                    call=f"softmax_back_row(target, grad={short(kind, grad)}, y={short(kind, y)})", rtol=0.0,
                    atol=backward_tolerance(grad.tolist(), y.tolist(), kind, len(y)),
                    mistakes=back_slips(grad.astype(np.float64), y.astype(np.float64)))


@given(case=gradients(), kind=KIND, same=st.sampled_from(["grad", "y"]))
@example(case=Gradient([1.0, -2.0, 3.5], [0.25, 0.625, 0.125]), kind="float64", same="grad")
@example(case=Gradient([1.0, -2.0, 3.5], [0.25, 0.625, 0.125]), kind="float64", same="y")
def test_softmax_back_row_in_place(case, kind, same):
    """target may be the same memory as grad, or as y."""
    grad, y = (np.array(part, kind) for part in case)
    before = grad.tolist(), y.tolist()
    target = grad if same == "grad" else y
    trace(softmax_back_row, target, grad, y, out=("target",)).check()
    check.all_close(target.tolist(), gradient_by_definition(*before), call=f"softmax_back_row({same}, grad, y) for "
                    f"grad = {short(kind, before[0])}, y = {short(kind, before[1])}", rtol=0.0,
                    atol=backward_tolerance(*before, kind, len(y)), note=one_memory(same))
