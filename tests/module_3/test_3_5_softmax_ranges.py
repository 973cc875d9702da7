"""Task 3.5: ranges of rows, which lie anywhere; and all of it compiled."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from operands import places, room, shapes, strides_for, table
from softmax_oracle import GUARD, KIND, backward_tolerance, by_definition, gradient_by_definition

from course import check
from course.trace import trace_chunks
from terox._numba import JIT
from terox.parallel import compiler
from terox.parallel.mistakes import CompileError
from terox.parallel.softmax import softmax_back_range, softmax_range

pytestmark = pytest.mark.task("3.5")

LONG = 2**20 + 3 if JIT else 101  # a row whose sum 32 bits cannot hold


# ---- Ranges of rows ----


class Rows(NamedTuple):
    """Rows of a result and of what it is made of, `grain` of them at a time."""

    sizes: tuple
    strides: list
    grain: int

    def __repr__(self):
        chunks = "all at once" if self.grain >= math.prod(self.sizes[:-1]) else "a row at a time" if self.grain == 1 \
            else f"{self.grain} rows at a time"
        return f"sizes={list(self.sizes)}, strides={list(map(list, self.strides))}, {chunks}"


@st.composite
def ranges(draw, operands, same=False):
    """Rows of a result, whose elements all lie apart, and of what it is made of."""
    sizes = draw(shapes(max_dims=3, most=30))
    strides = [draw(strides_for(sizes, stretched=False))]
    while len(strides) < operands:
        often = same or draw(st.sampled_from([True, False, False]))
        strides.append(strides[0] if often else draw(strides_for(sizes)))
    return Rows(sizes, strides, draw(st.sampled_from([1, 2, 3, 100])))


def memory_of(sizes, strides, kind, seed, low, high):
    """The memory of an operand: different numbers, also where it has no elements."""
    numbers = np.linspace(low, high, room(sizes, strides) + 2)
    return np.random.default_rng(seed).permutation(numbers).astype(kind)


def rows(memory, sizes, strides, n=None):
    """What lies where sizes and strides say, row by row; None where there is nothing."""
    found = places(sizes, strides)
    n = sizes[-1] if n is None else n
    if max(found) >= len(memory):
        return None
    return [memory[found[i : i + n]].tolist() for i in range(0, len(found), n)]


def wrong_rows(memory, sizes, right, others):
    """What an operand's rows are, if its strides are mistaken: a text for each."""
    dense = [math.prod(sizes[d + 1 :]) for d in range(len(sizes) - 1)]
    own = "Each operand has strides of its own."
    readings = {}
    if right[-1] == 0:
        readings["A stride of 0 was overlooked: all numbers of a row of `{0}` are the same one in memory here."] = \
            (*right[:-1], 1)
    readings["The rows of `{0}` were looked for one behind the other, without gaps. Its strides say where they begin: "
             "see row_start."] = (*dense, right[-1])
    for name, other in others.items():
        readings |= {
            f"The rows of `{{0}}` were looked for where those of `{name}` lie. {own}": other,
            f"The rows of `{{0}}` were looked for where those of `{name}` begin. {own}": (*other[:-1], right[-1]),
            f"Along the rows of `{{0}}`, steps were as long as those of `{name}`. {own}": (*right[:-1], other[-1]),
        }
    readings["Rows of `{0}` were taken for neighbors. The last stride says how long a step along them is: see "
             "read_row."] = (*right[:-1], 1)
    if len(sizes) == 2 and sizes[0] == sizes[1]:
        readings["Columns of `{0}` were taken for its rows. Rows lie along the last dimension."] = right[::-1]
    return {text: found for text, strides in readings.items() if strides != right
            and (found := rows(memory, sizes, strides)) is not None}


def flat(found):
    return [x for row in found for x in row]


def softmax_rows(found):
    return flat(map(by_definition, found))


def written(out, sizes, strides, guards):
    """The elements of a result, and that nothing else has changed."""
    where = places(sizes, strides)
    others = sorted(set(range(len(out))) - set(where))
    check.equal(out[others].tolist(), [guards] * len(others), call="the memory between and behind the elements of out",
                note="It belongs to others, and was written.")
    return out[where].tolist()


RANGE_EXAMPLES = [
    ((3,), [(1,)] * 3, 1), ((3,), [(2,), (3,), (1,)], 1), ((2, 3), [(3, 1)] * 3, 1), ((5, 2), [(2, 1)] * 3, 2),
    ((2, 3), [(3, 1), (4, 1), (5, 1)], 1), ((3, 2), [(2, 1), (1, 3), (2, 1)], 2), ((3, 2), [(1, 3), (2, 1), (2, 1)], 1),
    ((3, 2), [(1, 3), (1, 3), (1, 3)], 100), ((2, 2, 3), [(6, 3, 1), (3, 6, 1), (1, 2, 4)], 3),
    ((2, 2, 3), [(3, 6, 1), (6, 3, 1), (6, 3, 1)], 1), ((2, 3, 2), [(12, 4, 2), (0, 2, 1), (6, 2, 1)], 2),
    ((2, 3), [(3, 1), (0, 1), (3, 1)], 1), ((2, 3), [(3, 1), (3, 0), (3, 1)], 1), ((2, 3), [(3, 1), (0, 0), (3, 1)], 1),
    ((3, 1), [(1, 1), (1, 0), (1, 7)], 2), ((2, 2), [(1, 2), (2, 1), (1, 2)], 1), ((3, 2), [(2, 1), (1, 3), (1, 3)], 1),
    ((1, 3), [(3, 1), (3, 2), (3, 2)], 1), ((3, 3), [(3, 1), (3, 1), (1, 3)], 2), ((3, 3), [(3, 1), (1, 3), (3, 1)], 2),
    ((4, 2), [(2, 1), (4, 2), (5, 2)], 3),
]


def examples(operands):
    def decorate(test):
        for sizes, strides, grain in reversed(RANGE_EXAMPLES):
            test = example(case=Rows(sizes, strides[:operands], grain), seed=1, kind="float64")(test)
        return test
    return decorate


@given(case=ranges(2), seed=st.integers(0, 99), kind=KIND)
@examples(2)
def test_softmax_range(case, seed, kind):
    """Rows of any strides, cut into chunks at any place: each chunk writes its own rows, all of them, nothing else."""
    sizes, strides, grain = case
    a = memory_of(sizes, strides[1], kind, seed, -2.0, 2.0)
    out = np.full(room(sizes, strides[0]) + 2, GUARD, kind)
    count = math.prod(sizes[:-1])
    trace_chunks(softmax_range, count, grain, out, a.copy(), sizes=sizes, strides=strides).check()
    wrong = wrong_rows(a, sizes, strides[1], {"out": strides[0]})
    check.all_close(written(out, sizes, strides[0], GUARD), softmax_rows(rows(a, sizes, strides[1])),
                    call=range_call("softmax_range", case), rtol=float(np.finfo(kind).eps) * (12 + sizes[-1]), atol=0.0,
                    mistakes={text.format("a"): softmax_rows(found) for text, found in wrong.items()})


def range_call(name, case):
    return f"{name}(begin, end, ..., sizes, strides) with {case}"


@given(case=ranges(2, same=True), seed=st.integers(0, 99), kind=KIND)
@example(case=Rows((2, 3), [(3, 1)] * 2, 1), seed=1, kind="float64")
@example(case=Rows((3, 2), [(1, 3)] * 2, 2), seed=1, kind="float64")
def test_softmax_range_in_place(case, seed, kind):
    """out may be the same memory as a."""
    sizes, strides, grain = case
    before = memory_of(sizes, strides[1], kind, seed, -2.0, 2.0)
    a = before.copy()
    trace_chunks(softmax_range, math.prod(sizes[:-1]), grain, a, a, sizes=sizes, strides=strides).check()
    check.all_close(a[places(sizes, strides[0])].tolist(), softmax_rows(rows(before, sizes, strides[1])),
                    call=f"{range_call('softmax_range', case)}, in place", atol=0.0,
                    rtol=float(np.finfo(kind).eps) * (12 + sizes[-1]))


def back_rows(grads, ys):
    return flat(gradient_by_definition(g, y) for g, y in zip(grads, ys))


@given(case=ranges(3), seed=st.integers(0, 99), kind=KIND)
@examples(3)
def test_softmax_back_range(case, seed, kind):
    """The gradient, row by row, with any strides for each of the three operands; grad may have strides of 0."""
    sizes, strides, grain = case
    grad = memory_of(sizes, strides[1], kind, seed, -1.0, 2.0)
    y = memory_of(sizes, strides[2], kind, seed + 1, 0.1, 0.9)
    out = np.full(room(sizes, strides[0]) + 2, GUARD, kind)
    trace_chunks(softmax_back_range, math.prod(sizes[:-1]), grain, out, grad.copy(), y.copy(), sizes=sizes,
                 strides=strides).check()
    grads, ys = rows(grad, sizes, strides[1]), rows(y, sizes, strides[2])
    mistakes = {text.format("grad"): back_rows(found, ys) for text, found in
                wrong_rows(grad, sizes, strides[1], {"y": strides[2], "out": strides[0]}).items()}
    mistakes |= {text.format("y"): back_rows(grads, found) for text, found in
                 wrong_rows(y, sizes, strides[2], {"grad": strides[1], "out": strides[0]}).items()}
    for name, other, found in (("grad", "y", back_rows(grads, grads)), ("y", "grad", back_rows(ys, ys))):
        mistakes[f"The rows of {name} were taken for those of {other} as well. If both are copied to scratch memory, "
                 "each needs its own."] = found
    mistakes["grad and y have changed places."] = back_rows(ys, grads)
    check.all_close(written(out, sizes, strides[0], GUARD), back_rows(grads, ys),
                    call=range_call("softmax_back_range", case), rtol=0.0, mistakes=mistakes,
                    atol=max(backward_tolerance(g, p, kind, sizes[-1]) for g, p in zip(grads, ys)))


@given(case=ranges(3, same=True), seed=st.integers(0, 99), same=st.sampled_from(["grad", "y"]))
@example(case=Rows((2, 3), [(3, 1)] * 3, 1), seed=1, same="grad")
@example(case=Rows((2, 3), [(3, 1)] * 3, 1), seed=1, same="y")
@example(case=Rows((3, 2), [(1, 3)] * 3, 2), seed=1, same="y")
@example(case=Rows((3, 2), [(1, 3)] * 3, 2), seed=1, same="grad")
def test_softmax_back_range_in_place(case, seed, same):
    """out may be the same memory as grad, or as y."""
    sizes, strides, grain = case
    grad = memory_of(sizes, strides[1], "float64", seed, -1.0, 2.0)
    y = memory_of(sizes, strides[2], "float64", seed + 1, 0.1, 0.9)
    grads, ys = rows(grad, sizes, strides[1]), rows(y, sizes, strides[2])
    out = grad if same == "grad" else y
    trace_chunks(softmax_back_range, math.prod(sizes[:-1]), grain, out, grad, y, sizes=sizes, strides=strides).check()
    check.all_close(out[places(sizes, strides[0])].tolist(), back_rows(grads, ys), rtol=0.0,
                    call=f"{range_call('softmax_back_range', case)}, out being {same}",
                    atol=max(backward_tolerance(g, p, "float64", sizes[-1]) for g, p in zip(grads, ys)))


# ---- Compiled. For float32 only: what a second kind would show is not worth the seconds that it takes to compile. ----

# sizes, strides, and where the rows are cut
COMPILED = [
    ((7, 33), [(33, 1)] * 3, (0, 3, 4, 7)), ((5, 17), [(17, 1), (1, 5), (20, 1)], (0, 2, 5)),
    ((5, 17), [(1, 5), (17, 1), (1, 5)], (0, 5)), ((3, 2, 8), [(16, 8, 1), (8, 24, 1), (0, 8, 1)], (0, 1, 6)),
    ((4, 64), [(130, 2), (0, 0), (64, 1)], (0, 1, 4)), ((6, 1), [(1, 1), (1, 0), (1, 1)], (0, 6)),
    ((9,), [(1,)] * 3, (0, 1)),
]


def run_compiled(loop, sizes, strides, cuts, *operands):
    """The memory of the result, filled by the machine code of a loop."""
    kernel = compiler.kernel(loop, ("float32",) * (1 + len(operands)))
    out = np.full(room(sizes, strides[0]) + 2, GUARD, "float32")
    for begin, end in zip(cuts, cuts[1:]):
        try:
            kernel.serial(begin, end, out, *operands, *table(sizes, strides))
        except CompileError as error:
            if "in read_row" not in str(error):
                raise
            raise check.CheckFailed(f"{loop.__name__}, compiled for float32", note=(
                "read_row gives a slice of an operand, or scratch memory. Compiled code needs both to be arrays of the "
                "same dtype: np.empty(n, a.dtype). Without a dtype, it is float64.")) from None
    return out


def in_32_bits(n):
    """Machine code adds up in 64 bits: no roundings that count. Python, without a compiler, keeps to float32."""
    return 0 if JIT else n


@pytest.mark.time_limit(60)  # the compiler gives no sign of life
@pytest.mark.parametrize("case", COMPILED, ids=lambda case: "x".join(map(str, case[0])))
def test_compiled(case):
    """Compiled for float32, both loops give the same as in Python."""
    sizes, strides, cuts = case
    eps, terms = float(np.finfo("float32").eps), in_32_bits(sizes[-1])
    a = memory_of(sizes, strides[1], "float32", 1, -3.0, 3.0)
    out = run_compiled(softmax_range, sizes, strides[:2], cuts, a)
    check.all_close(written(out, sizes, strides[0], GUARD), softmax_rows(rows(a, sizes, strides[1])),
                    call=f"softmax_range, compiled, sizes={list(sizes)}, strides={strides[:2]}", atol=0.0,
                    rtol=eps * (14 + terms))
    grad = memory_of(sizes, strides[1], "float32", 2, -1.0, 2.0)
    y = memory_of(sizes, strides[2], "float32", 3, 0.1, 0.9)
    grads, ys = rows(grad, sizes, strides[1]), rows(y, sizes, strides[2])
    out = run_compiled(softmax_back_range, sizes, strides, cuts, grad, y)
    check.all_close(written(out, sizes, strides[0], GUARD), back_rows(grads, ys),
                    call=f"softmax_back_range, compiled, sizes={list(sizes)}, strides={strides}", rtol=0.0,
                    atol=max(backward_tolerance(g, p, "float32", terms) for g, p in zip(grads, ys)))


ADD_UP = ("The error is many times that of float32. A sum of so many terms has to be added up in 64 bits: it begins as "
          "`total = 0.0`, and is converted once, at the end.")


@pytest.mark.time_limit(60)
def test_long_row():
    """A row of a million float32 numbers is as accurate as a short one."""
    a = np.full(LONG, -0.3, "float32")
    a[5] = 0.0
    case = (LONG,), [(1,), (1,)], (0, 1)
    power = math.exp(float(a[0]))
    eps, n = float(np.finfo("float32").eps), in_32_bits(LONG)
    got = run_compiled(softmax_range, *case, a)
    expected = power / (1.0 + (LONG - 1) * power)
    check.close(float(got[0]), expected, rtol=eps * (9 + n), atol=0.0, note=ADD_UP, call=(
        f"the first result of softmax_range, compiled, for a row of {LONG} numbers: one 0, all others -0.3"))
    grad, y = np.full(LONG, 0.7, "float32"), np.full(LONG, 1.0 / LONG, "float32")
    got = run_compiled(softmax_back_range, (LONG,), [(1,)] * 3, (0, 1), grad, y)
    at, g = float(y[0]), float(grad[0])
    check.close(float(got[0]), at * (g - LONG * g * at), rtol=0.0, atol=eps * (6 + n) * 2 * g * at, note=ADD_UP, call=(
        f"the first result of softmax_back_range, compiled, for {LONG} numbers: grad is 0.7, y is 1 / {LONG}"))
