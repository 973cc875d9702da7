"""Task 3.6: what a kernel needs, what a machine gives, and the roof that follows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from course import check
from terox.parallel.roofline import (
    Cost,
    attainable,
    bound_by,
    elementwise_cost,
    fraction_of_roof,
    intensity,
    matmul_cost,
    ridge_point,
    softmax_cost,
)

pytestmark = pytest.mark.task("3.6")

SIZE = st.integers(1, 5)
SHAPE = st.lists(SIZE, max_size=3).map(tuple)
ITEMSIZE = st.sampled_from([4, 8, 2, 1])
# Powers of two: their products and quotients are exact, whatever the order.
EXACT = st.integers(-12, 12).map(lambda power: 2.0**power)
POSITIVE = st.floats(1e-3, 1e4)
COST = st.builds(Cost, flop=st.integers(1, 10**12), bytes=st.integers(1, 10**12))
NOT_POSITIVE = st.sampled_from([0, -1, -4])
RTOL = 1e-14  # four roundings, of 1.2e-16 each, and some to spare


# ---- Counting: the loops, run with nothing in them but a counter. ----


def numbers(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def touched(out, *ins):
    """Which numbers of memory a kernel touches that goes through all indices of `out`: of `out` and of each operand."""
    found = set()
    for index in itertools.product(*map(range, out)):
        found.add(("out", index))
        for which, shape in enumerate(ins):
            behind = index[len(index) - len(shape) :]
            found.add((which, tuple(i if size > 1 else 0 for i, size in zip(behind, shape))))
    return found


def compare(call, got, flop, moved, flop_mistakes, moved_mistakes):
    """A Cost with these FLOP and bytes."""
    check.that(isinstance(got, Cost), "It returned None. Is a `return` missing?" if got is None
               else "It has to return a Cost.", call=call, got=got, expected=Cost(flop, moved))
    for name, mine, right, mistakes in (("flop", got.flop, flop, flop_mistakes),
                                        ("bytes", got.bytes, moved, moved_mistakes)):
        check.close(mine, right, rtol=0.0, atol=0.0, call=f"{call}.{name}",
                    mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right})


@st.composite
def operands(draw):
    """The shape of a result, and shapes that broadcast to it."""
    out = draw(SHAPE)
    ins = []
    for _ in range(draw(st.integers(0, 3))):
        kept = out[draw(st.integers(0, len(out))) :] if draw(st.booleans()) else out
        ins.append(tuple(1 if draw(st.booleans()) else size for size in kept))
    return out, *ins


@given(shapes=operands(), flop=st.integers(1, 4), itemsize=ITEMSIZE)
@example(shapes=((2, 3), (2, 3)), flop=1, itemsize=4)
@example(shapes=((2, 3), (2, 3), (3,)), flop=1, itemsize=4)
@example(shapes=((2, 3), (2, 1), (3,)), flop=2, itemsize=8)
@example(shapes=((4,),), flop=1, itemsize=4)
@example(shapes=((3,), ()), flop=3, itemsize=4)
@example(shapes=((), (), ()), flop=1, itemsize=4)
def test_elementwise(shapes, flop, itemsize):
    """fn is called once for each number of the result; the result is written once, and each operand is read once, with
    as many numbers as it has before it is broadcast.
    """
    out, *ins = shapes
    call = f"elementwise_cost({', '.join(map(str, shapes))}, flop={flop}, itemsize={itemsize})"
    got = elementwise_cost(*shapes, flop=flop, itemsize=itemsize)
    calls = sum(1 for _ in itertools.product(*map(range, out)))
    moved = len(touched(*shapes))
    read = sum(numbers(shape) for shape in ins)
    compare(call, got, calls * flop, moved * itemsize, {
        "That is how often fn is called. Each call does `flop` FLOP.": calls,
        "That is `flop` alone; fn is called once for each number of the result.": flop,
        "fn is called once for each number of the result, not of the operands.": read * flop,
        "fn is called once for each number of the result, however many operands it has.": calls * flop * len(ins),
    }, {
        "An operand that is broadcast is read again from a cache: count the numbers that it has before.":
            calls * (1 + len(ins)) * itemsize,
        "The result is written to memory as well.": read * itemsize,
        "The operands are read from memory as well.": calls * itemsize,
        "That is how many numbers are moved. Each has `itemsize` bytes.": moved,
        "The result is written once, and not read.": (moved + calls) * itemsize,
        "Those would be bytes of 4-byte numbers. Each number has `itemsize` bytes.": moved * 4,
        "Those are bits. A number has `itemsize` bytes.": moved * itemsize * 8,
        "What fn computes is in registers: `flop` has nothing to do with the bytes.": moved * itemsize * flop,
    })


def test_elementwise_by_default():
    """Unless told otherwise, fn does one FLOP, and a number has 4 bytes."""
    for shapes in (((2, 3), (2, 3)), ((2, 3), (2, 3), (3,)), ((4,),)):
        compare(f"elementwise_cost({', '.join(map(str, shapes))})", elementwise_cost(*shapes), numbers(shapes[0]),
                4 * len(touched(*shapes)), {}, {})


@given(n=SIZE, m=SIZE, k=SIZE, itemsize=ITEMSIZE)
@example(n=2, m=3, k=4, itemsize=4)
@example(n=1, m=1, k=1, itemsize=4)
@example(n=1, m=5, k=2, itemsize=8)
def test_matmul(n, m, k, itemsize):
    """In the innermost loop there are a product and a sum; each of the three matrices is moved once."""
    call = f"matmul_cost({n}, {m}, {k}, itemsize={itemsize})"
    got = matmul_cost(n, m, k, itemsize=itemsize)
    flop, found = 0, set()
    for i, j in itertools.product(range(n), range(m)):
        for inner in range(k):
            flop += 1  # the product
            flop += 1  # and the sum
            found |= {("a", i, inner), ("b", inner, j)}
        found.add(("out", i, j))
    moved = len(found)
    compare(call, got, flop, moved * itemsize, {
        "Those are the products alone. Each is added to something.": n * m * k,
        "A sum that begins with 0 has as many additions as it has numbers.": n * m * (2 * k - 1),
        "There is a sum of k products for each of the n * m results.": 2 * n * m,
        "The innermost loop runs n * m * k times.": 2 * (n * k + k * m),
    }, {
        "Caches hold what is needed again. Each number is moved once, not once for each product.":
            (2 * n * m * k + n * m) * itemsize,
        "The result is written to memory as well.": (n * k + k * m) * itemsize,
        "That is how many numbers are moved. Each has `itemsize` bytes.": moved,
        "The result is written once, and not read: its sums are in registers.": (moved + n * m) * itemsize,
        "Those would be bytes of 4-byte numbers. Each number has `itemsize` bytes.": moved * 4,
        "The first matrix has n * k numbers, the second one k * m, the result n * m.":
            (n * m + m * k + n * m) * itemsize,
    })


def steps(rows, columns):
    """The five kernels of a softmax: the shapes of the result and of the operands."""
    matrix = (rows, columns)
    column = (rows, 1)
    return [(column, matrix), (matrix, matrix, column), (matrix, matrix), (column, matrix), (matrix, matrix, column)]


def moved_by(out, *ins):
    """How many numbers one of them moves. A fold goes through the indices of its operand."""
    whole = max((out, *ins), key=numbers)
    return len(touched(whole, out, *ins)) - numbers(whole)


@given(rows=SIZE, columns=SIZE, itemsize=ITEMSIZE)
@example(rows=2, columns=3, itemsize=4)
@example(rows=1, columns=4, itemsize=4)
@example(rows=3, columns=1, itemsize=8)
def test_softmax_of_five_kernels(rows, columns, itemsize):
    """Not fused, each of the five kernels reads its operands from memory and writes its result there."""
    call = f"softmax_cost({rows}, {columns}, fused=False, itemsize={itemsize})"
    got = softmax_cost(rows, columns, False, itemsize=itemsize)
    n = rows * columns
    each = [moved_by(*shapes) for shapes in steps(rows, columns)]
    compare(call, got, 5 * n, sum(each) * itemsize, {
        "Each of the five kernels does one FLOP for each number of the matrix.": n,
        "Maximum and sum do one FLOP for each number that they fold.": 3 * n + 2 * rows,
        "Four kernels are counted. There are five, each with one FLOP for each number of the matrix.": 4 * n,
    }, {
        "Those are the bytes of the fused kernel.": 2 * n * itemsize,
        "Maxima and sums are read and written as well: `rows` numbers each time.": 8 * n * itemsize,
        "Maximum and sum have one number for each row, not one for each number of the matrix.": 12 * n * itemsize,
        "A stretched operand is read once, with `rows` numbers.": (10 * n + 2 * rows) * itemsize,
        "Each of the five reads and writes; of maximum and sum, the result has `rows` numbers.": 10 * n * itemsize,
        "The difference and the quotient have a second operand, of `rows` numbers.": (8 * n + 2 * rows) * itemsize,
        "That is how many numbers are moved. Each has `itemsize` bytes.": sum(each),
        "Those would be bytes of 4-byte numbers. Each number has `itemsize` bytes.": sum(each) * 4,
        "The maximum and what it is subtracted from are missing.": (sum(each) - each[0] - each[1]) * itemsize,
        "One kernel that makes (rows, 1) of the matrix is missing: there are a maximum and a sum.":
            (sum(each) - each[0]) * itemsize,
        "exp is a kernel too.": (sum(each) - each[2]) * itemsize,
        "The difference or the quotient is missing.": (sum(each) - each[1]) * itemsize,
    })


@given(rows=SIZE, columns=SIZE, itemsize=ITEMSIZE)
@example(rows=2, columns=3, itemsize=4)
@example(rows=1, columns=1, itemsize=8)
def test_softmax_in_one_kernel(rows, columns, itemsize):
    """Fused, a softmax does the same operations, but reads its operand once and writes its result once."""
    call = f"softmax_cost({rows}, {columns}, fused=True, itemsize={itemsize})"
    got = softmax_cost(rows, columns, True, itemsize=itemsize)
    n, moved = rows * columns, len(touched((rows, columns), (rows, columns)))
    parts = sum(moved_by(*shapes) for shapes in steps(rows, columns))
    compare(call, got, 5 * n, moved * itemsize, {
        "Fusing saves bytes, not operations: all five are still done for each number.": n,
        "Fusing saves bytes, not operations. There are five for each number of the matrix.": 4 * n,
    }, {
        "Those are the bytes of five kernels. Fused, nothing between them is in memory.": parts * itemsize,
        "The result is written to memory as well, or the operand is not read.": n * itemsize,
        "x is read once, be it needed twice: the row is in a cache by then.": 3 * n * itemsize,
        "Maxima and sums of a fused kernel are in registers, not in memory.": (moved + 2 * rows) * itemsize,
        "That is how many numbers are moved. Each has `itemsize` bytes.": moved,
        "Those would be bytes of 4-byte numbers. Each number has `itemsize` bytes.": moved * 4,
    })


@given(bad=NOT_POSITIVE, place=st.integers(0, 2))
def test_sizes_that_cannot_be(bad, place):
    """A size, `flop` or `itemsize` below 1 raises ValueError, in every function that gets one."""
    sizes = [2, 3, 4]
    sizes[place] = bad
    refused(elementwise_cost, sizes, sizes)
    refused(elementwise_cost, (4, 3), (bad,))
    refused(elementwise_cost, (3,), (3,), flop=bad)
    refused(elementwise_cost, (3,), (3,), itemsize=bad)
    refused(matmul_cost, *sizes)
    refused(matmul_cost, 2, 3, 4, itemsize=bad)
    for fused in (True, False):
        refused(softmax_cost, *((bad, 3) if place else (2, bad)), fused)
        refused(softmax_cost, 2, 3, fused, itemsize=bad)


def refused(function, *args, **options):
    """The call raises ValueError."""
    texts = [*map(repr, args), *[f"{name}={value}" for name, value in options.items()]]
    check.raises(ValueError, lambda: function(*args, **options), call=f"{function.__name__}({', '.join(texts)})",
                 note="A number that has to be above 0 is not.")


# ---- The roof: memory and arithmetic work at the same time, and the slower one decides. ----


def least_seconds(cost, bandwidth, peak):
    """How long the memory is busy, and how long the arithmetic."""
    return cost.bytes / (bandwidth * 1e9), cost.flop / (peak * 1e9)


@given(cost=COST)
@example(cost=Cost(6, 60))
@example(cost=Cost(48, 4))
def test_intensity(cost):
    """The intensity is FLOP for each byte."""
    check.close(intensity(cost), cost.flop / cost.bytes, rtol=RTOL, atol=0.0, call=f"intensity({cost})", mistakes={
        "Those are bytes for each FLOP. It is the other way round.": cost.bytes / cost.flop,
        "A quotient of whole numbers has to keep its fraction: `/`, not `//`.": float(cost.flop // cost.bytes),
    } if cost.flop != cost.bytes else {})


@given(cost=COST, bandwidth=POSITIVE, peak=POSITIVE)
@example(cost=Cost(1, 8), bandwidth=16.0, peak=1024.0)
@example(cost=Cost(32, 1), bandwidth=16.0, peak=64.0)
@example(cost=Cost(4, 1), bandwidth=16.0, peak=64.0)
def test_attainable(cost, bandwidth, peak):
    """A kernel cannot be done before memory has moved its bytes, nor before arithmetic has done its FLOP."""
    x = cost.flop / cost.bytes
    got = attainable(x, bandwidth, peak)
    slowest = max(least_seconds(cost, bandwidth, peak))
    right = cost.flop / slowest / 1e9
    mistakes = {
        "That is what memory allows. It is more than the arithmetic can do.": x * bandwidth,
        "That is the peak. At this intensity memory allows less: GB/s times FLOP/byte are GFLOP/s, with no factor "
        "of 1e9.": peak,
        "Bandwidth and intensity are multiplied: GB/s times FLOP/byte are GFLOP/s.": min(peak, bandwidth / x),
        "Below the ridge the roof does not know the peak: it is a slanted line.": x * peak,
    }
    check.close(got, right, rtol=RTOL, atol=0.0, call=f"attainable({x}, {bandwidth}, {peak})",
                mistakes={text: wrong for text, wrong in mistakes.items() if abs(wrong - right) > 1e-9 * right})


@given(bandwidth=EXACT, peak=EXACT)
@example(bandwidth=16.0, peak=64.0)
@example(bandwidth=64.0, peak=16.0)
def test_ridge_point(bandwidth, peak):
    """At the ridge point, memory brings in just what the arithmetic can do."""
    got = ridge_point(bandwidth, peak)
    call = f"ridge_point({bandwidth}, {peak})"
    mistakes = {"Upside down: FLOP/byte is GFLOP/s divided by GB/s.": bandwidth / peak,
                "GFLOP/s are divided by GB/s, not multiplied.": bandwidth * peak}
    right = next(x for x in (2.0**power for power in range(-30, 31)) if x * bandwidth >= peak)
    check.close(got, right, rtol=RTOL, atol=0.0, call=call,
                mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right})
    check.close(attainable(got, bandwidth, peak), peak, rtol=RTOL, atol=0.0, call=f"attainable({call}, ...)")
    lower = attainable(got / 2.0, bandwidth, peak)
    check.that(lower < peak, "Below the ridge point, the peak is out of reach.", got=lower, expected=f"below {peak}",
               call=f"attainable({call} / 2.0, {bandwidth}, {peak})")


@given(cost=COST, bandwidth=POSITIVE, peak=POSITIVE)
@example(cost=Cost(1, 8), bandwidth=16.0, peak=64.0)
@example(cost=Cost(32, 1), bandwidth=16.0, peak=64.0)
@example(cost=Cost(1, 8), bandwidth=64.0, peak=2.0)
@example(cost=Cost(1, 8), bandwidth=0.5, peak=0.125)
def test_bound_by(cost, bandwidth, peak):
    """A kernel waits for what is busy longer: memory with its bytes, or arithmetic with its FLOP."""
    memory, arithmetic = least_seconds(cost, bandwidth, peak)
    assume(abs(memory - arithmetic) > 1e-9 * memory)
    right = "memory" if memory > arithmetic else "compute"
    check.equal(bound_by(cost, bandwidth, peak), right, call=f"bound_by({cost}, {bandwidth}, {peak})",
                note=f"The bytes take {memory:.3g} s, the FLOP {arithmetic:.3g} s; the longer one decides.")


@given(bandwidth=EXACT, power=st.integers(-6, 6))
def test_bound_by_at_the_ridge(bandwidth, power):
    """A kernel right at the ridge point can reach the peak: it is bound by arithmetic."""
    cost = Cost(flop=64 * 2 ** max(power, 0), bytes=64 * 2 ** max(-power, 0))
    peak = bandwidth * 2.0**power
    check.equal(bound_by(cost, bandwidth, peak), "compute", call=f"bound_by({cost}, {bandwidth}, {peak})",
                note="Its intensity is that of the ridge point, and not below it.")


@given(cost=COST, seconds=st.floats(1e-6, 10.0), bandwidth=POSITIVE, peak=POSITIVE)
@example(cost=Cost(10**9, 8 * 10**9), seconds=1.0, bandwidth=16.0, peak=64.0)
@example(cost=Cost(32 * 10**9, 10**9), seconds=1.0, bandwidth=16.0, peak=64.0)
def test_fraction_of_roof(cost, seconds, bandwidth, peak):
    """The fraction is how long the kernel has to take at least, divided by how long it took."""
    got = fraction_of_roof(cost, seconds, bandwidth, peak)
    times = least_seconds(cost, bandwidth, peak)
    right = max(times) / seconds
    reached = 1e-9 * cost.flop / seconds
    x = cost.flop / cost.bytes
    mistakes = {
        "That is the share of the peak. The roof over a kernel of low intensity is lower than that.":
            times[1] / seconds,
        "That is the share of the bandwidth. For a kernel of high intensity, the roof is the peak.": times[0] / seconds,
        "Upside down: what was reached is divided by what can be reached.": 1.0 / right,
        "One of the two is in FLOP/s and the other in GFLOP/s, which is 1e9 as much.": right * 1e9,
        "A fraction was expected, not percent: 1.0 is on the roof.": right * 100.0,
        "Those are the GFLOP/s that it reached, not yet a fraction of what it can reach.": reached,
        "GFLOP/s are FLOP divided by seconds, not multiplied.": right * seconds * seconds,
        "1 GFLOP is 1e9 FLOP, not 2**30.": right * 1e9 / 2**30,
        "Bandwidth and peak have changed places.": reached / min(bandwidth, x * peak),
        "Those are GB/s in place of GFLOP/s, divided by what is attainable.": right / x,
        "It may be above 1.0, when the operands come from a cache. Nothing is cut off.": min(1.0, right),
    }
    check.close(got, right, rtol=RTOL, atol=0.0, call=f"fraction_of_roof({cost}, {seconds}, {bandwidth}, {peak})",
                mistakes={text: wrong for text, wrong in mistakes.items() if abs(wrong - right) > 1e-9 * right})


@given(bad=st.sampled_from([0, 0.0, -1.0, -1e-9]))
def test_no_time_and_no_machine(bad):
    """A time, bandwidth, peak or intensity that is not above 0 raises ValueError."""
    cost = Cost(4, 8)
    for values in ((bad, 2.0, 3.0), (1.0, bad, 3.0), (1.0, 2.0, bad), (bad, bad, 3.0), (100.0, bad, 3.0)):
        refused(attainable, *values)
        refused(fraction_of_roof, cost, *values)
    for pair in ((bad, 3.0), (2.0, bad)):
        refused(ridge_point, *pair)
        refused(bound_by, cost, *pair)
