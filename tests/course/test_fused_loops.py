"""The loops of fused.py beside formulas of NumPy in float64; traced for races and bounds, in chunks cut anywhere.

For float32 they are compiled; for float64, their Python form runs, which takes less time than to compile it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from course.trace import trace_chunks
from terox._numba import JIT
from terox.parallel import compiler, fused

KINDS = ["float32", "float64"]
# sizes, and for up to three operands with a number in each place: strides. Dense, transposed, with gaps, broadcast.
LAYOUTS = {
    "one row": ((7,), (1,), (1,), (1,)),
    "dense": ((5, 19), (19, 1), (19, 1), (19, 1)),
    "transposed": ((4, 6), (1, 4), (6, 1), (1, 4)),
    "gaps": ((3, 2, 5), (11, 40, 2), (20, 10, 1), (5, 15, 1)),
    "broadcast": ((3, 4), (4, 1), (0, 1), (0, 0)),
    "all strided": ((3, 4), (8, 2), (1, 3), (9, 2)),
    "length 1": ((5, 1), (1, 1), (1, 1), (1, 1)),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS)
kinds = pytest.mark.parametrize("kind", KINDS)


def places(sizes, strides):
    """Where the elements lie, as an array of these sizes."""
    where = np.zeros((), np.int64)
    for size, stride in zip(sizes, strides):
        where = where[..., None] + np.arange(size) * stride
    return where


def memory(sizes, strides, kind, values=None):
    """Memory that is NaN but for the elements (0 for whole numbers), and their places."""
    where = places(sizes, strides)
    room = np.full(where.max() + 4, 0 if kind == "int64" else np.nan, kind)
    if values is not None:
        room[where] = values
    return room, where


def along_rows(strides):
    """The strides of an operand that has one number for each row."""
    return (*strides[:-1], 0)


def run(loop, count, cuts, arrays, sizes, strides, outs=1):
    """In chunks; nothing but the elements of the results may change."""
    before = [array.copy() for array in arrays]
    cuts = [0, *(cut for cut in cuts if cut < count), count]
    chunks = list(zip(cuts, cuts[1:]))
    if arrays[0].dtype == np.float64:
        trace_chunks(loop, count, chunks, *arrays, sizes=sizes, strides=strides, outs=outs, fresh=False)
    else:
        kernel = compiler.kernel(loop, tuple(str(array.dtype) for array in arrays))
        with np.errstate(all="ignore"):
            for begin, end in chunks:
                kernel.serial(begin, end, *arrays, np.array(sizes), np.array(strides).reshape(len(arrays), len(sizes)))
    for number, (array, old) in enumerate(zip(arrays, before)):
        untouched = np.ones(len(array), bool)
        if number < outs:
            untouched[places(sizes, strides[number])] = False
        np.testing.assert_array_equal(array[untouched], old[untouched])


def traced(loop, count, arrays, sizes, strides, outs=1):
    """No race and no access outside, whatever the chunks, in any order."""
    for grain, order in ((1, "reversed"), (2, "shuffled"), (100, "forward")):
        copies = [array.copy() for array in arrays]
        trace_chunks(loop, count, grain, *copies, sizes=sizes, strides=strides, outs=outs, order=order).check()


def shares(x):
    """Softmax along the last dimension, in float64."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def logs(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def close(got, exact, kind, scale=1.0):
    """A few roundings, each as large as the largest number that was added."""
    terms = 10 if JIT else 30  # without a compiler, sums are kept in the rows' own kind
    np.testing.assert_allclose(got, exact, rtol=terms * np.finfo(kind).eps, atol=terms * np.finfo(kind).eps * scale)


def numbers(layout, kind, seed=1, operand=1, low=-3, high=3):
    """An operand: memory, its strides, and its elements in float64, stretched as the strides say."""
    sizes, *strides = LAYOUTS[layout]
    values = np.random.default_rng(seed).uniform(low, high, sizes).astype(kind)
    room, where = memory(sizes, strides[operand], kind, values)
    return room, strides[operand], room[where].astype(np.float64)


def result(layout, kind):
    sizes, strides, *_ = LAYOUTS[layout]
    room, where = memory(sizes, strides, kind)
    return room, strides, where, sizes, math.prod(sizes[:-1])


@layouts
@kinds
def test_log_softmax(layout, kind):
    out, steps, where, sizes, count = result(layout, kind)
    a, of_a, x = numbers(layout, kind)
    run(fused.log_softmax_range, count, [1, 3], [out, a], sizes, [steps, of_a])
    close(out[where], logs(x), kind, 6.0)
    traced(fused.log_softmax_range, count, [out, a], sizes, [steps, of_a])


@layouts
@kinds
def test_log_softmax_backward(layout, kind):
    out, steps, where, sizes, count = result(layout, kind)
    grad, of_grad, g = numbers(layout, kind, 2, operand=2)
    y, of_y, logarithms = numbers(layout, kind, 3, low=-5, high=-0.1)
    run(fused.log_softmax_back_range, count, [2], [out, grad, y], sizes, [steps, of_grad, of_y])
    close(out[where], g - np.exp(logarithms) * g.sum(-1, keepdims=True), kind, np.abs(g).sum(-1).max())
    traced(fused.log_softmax_back_range, count, [out, grad, y], sizes, [steps, of_grad, of_y])


@layouts
@kinds
def test_logsumexp(layout, kind):
    sizes, steps, *_ = LAYOUTS[layout]
    steps = along_rows(steps)
    out, where = memory(sizes, steps, kind)
    a, of_a, x = numbers(layout, kind)
    count = math.prod(sizes[:-1])
    run(fused.logsumexp_range, count, [1, 3], [out, a], sizes, [steps, of_a])
    close(out[where[..., 0]], np.log(np.exp(x).sum(-1)), kind)
    traced(fused.logsumexp_range, count, [out, a], sizes, [steps, of_a])


def classes(sizes, seed=4):
    return np.random.default_rng(seed).integers(0, sizes[-1], sizes[:-1])


@layouts
@kinds
def test_cross_entropy(layout, kind):
    sizes, steps, *_ = LAYOUTS[layout]
    a, of_a, x = numbers(layout, kind)
    per_row, count = along_rows(steps), math.prod(sizes[:-1])
    target, at = memory(sizes, per_row, "int64", classes(sizes)[..., None])
    losses, _ = memory(sizes, per_row, kind)
    strides = [per_row, of_a, per_row]
    run(fused.cross_entropy_range, count, [2], [losses, a, target], sizes, strides)
    right = np.take_along_axis(logs(x), target[at[..., :1]], -1)[..., 0]
    close(losses[at[..., 0]], -right, kind, 6.0)
    traced(fused.cross_entropy_range, count, [losses, a, target], sizes, strides)


@layouts
@kinds
def test_cross_entropy_backward(layout, kind):
    out, steps, where, sizes, count = result(layout, kind)
    a, of_a, x = numbers(layout, kind)
    per_row = along_rows(steps)
    target, at = memory(sizes, per_row, "int64", classes(sizes)[..., None])
    grad, _ = memory(sizes, per_row, kind, np.random.default_rng(5).uniform(-2, 2, (*sizes[:-1], 1)))
    strides = [steps, per_row, of_a, per_row]
    run(fused.cross_entropy_back_range, count, [1], [out, grad, a, target], sizes, strides)
    hot = np.arange(sizes[-1]) == target[at]
    close(out[where], (shares(x) - hot) * grad[at].astype(np.float64), kind, 2.0)
    traced(fused.cross_entropy_back_range, count, [out, grad, a, target], sizes, strides)


def test_gradients_in_place():
    """The result may take the memory of an operand, whose numbers are used before."""
    sizes, dense, per_row = (3, 4), (4, 1), (1, 0)
    generator = np.random.default_rng(6)
    y, grad = generator.uniform(-5, -0.1, (2, 12)).astype(np.float32)
    target, alone = np.array([0, 3, 1]), np.zeros(12, np.float32)
    run(fused.cross_entropy_back_range, 3, [], [alone, grad, y, target], sizes, [dense, per_row, dense, per_row])
    copy = y.copy()
    kernel = compiler.kernel(fused.cross_entropy_back_range, ("float32", "float32", "float32", "int64"))
    kernel.serial(0, 3, copy, grad, copy, target, np.array(sizes), np.array([dense, per_row, dense, per_row]))
    np.testing.assert_array_equal(copy, alone)
    run(fused.log_softmax_back_range, 3, [], [alone, grad, y], sizes, [dense] * 3)
    kernel = compiler.kernel(fused.log_softmax_back_range, ("float32",) * 3)
    for which in range(2):
        given = [grad.copy(), y.copy()]
        kernel.serial(0, 3, given[which], *given, np.array(sizes), np.array([dense] * 3))
        np.testing.assert_array_equal(given[which], alone)


@kinds
def test_rows_that_are_not_finite(kind):
    """As in PyTorch: NaN goes through; logsumexp of +inf is inf, and of -inf everywhere -inf. Large ones are finite."""
    rows = np.array([[1, np.nan, 0], [np.inf, 0, 1], [-np.inf] * 3, [-np.inf, 0, 0], [900, -900, 900],
                     [-900, 900, -900]], kind)
    sizes, dense = rows.shape, (3, 1)
    sums, out = np.zeros(6, kind), np.zeros(18, kind)
    run(fused.logsumexp_range, 6, [], [sums, rows.ravel()], sizes, [(1, 0), dense])
    close(sums, np.array([np.nan, np.inf, -np.inf, math.log(2), 900 + math.log(2), 900]), kind)
    run(fused.log_softmax_range, 6, [], [out, rows.ravel()], sizes, [dense, dense])
    half = -math.log(2)
    close(out.reshape(6, 3), np.array([[np.nan] * 3, [np.nan] * 3, [np.nan] * 3, [-np.inf, half, half],
                                       [half, -1800 + half, half], [-1800, 0, -1800]]), kind)


@kinds
def test_a_class_that_does_not_exist(kind):
    """Its loss is NaN, and nothing is read there."""
    a = np.random.default_rng(7).uniform(-1, 1, 12).astype(kind)
    given, strides = [np.zeros(3, kind), a, np.array([4, -1, 2])], [(1, 0), (4, 1), (1, 0)]
    run(fused.cross_entropy_range, 3, [1], given, (3, 4), strides)
    np.testing.assert_array_equal(np.isnan(given[0]), [True, True, False])
    traced(fused.cross_entropy_range, 3, given, (3, 4), strides)


@pytest.mark.skipif(not JIT, reason="without a compiler, the sum is kept in float32")
def test_a_small_loss_keeps_its_digits():
    """Where one class is nearly certain: the maximum goes first, so that log(total) is not rounded away."""
    a = np.array([1000.0, 990.0], np.float32)
    out = np.zeros(2, np.float32)
    run(fused.log_softmax_range, 1, [], [out, a], (2,), [(1,), (1,)])
    # log(total) is rounded once to float32; `total` itself is 1.00005, in float64.
    np.testing.assert_allclose(out[0], -math.log1p(math.exp(-10)), rtol=1e-4)


# ---- SGD ----


def steps_of_sgd(param, velocity, grad, lr, momentum, weight_decay):
    """param and velocity after one step, by the formula."""
    change = grad + weight_decay * param
    velocity = momentum * velocity + change if momentum else velocity
    return param - lr * (velocity if momentum else change), velocity


@layouts
@kinds
@pytest.mark.parametrize("settings", [(0.1, 0.0, 0.0), (0.1, 0.9, 0.0), (0.05, 0.5, 0.01), (0.1, 0.0, 0.3)])
def test_sgd(layout, kind, settings):
    sizes, of_param, of_velocity, of_grad = LAYOUTS[layout]
    of_velocity = of_param if 0 in of_velocity else of_velocity  # a result: its elements lie apart
    generator = np.random.default_rng(8)
    param, at = memory(sizes, of_param, kind, generator.uniform(-1, 1, sizes))
    velocity, here = memory(sizes, of_velocity, kind, generator.uniform(-1, 1, sizes))
    grad, there = memory(sizes, of_grad, kind, generator.uniform(-1, 1, sizes))
    right = steps_of_sgd(*(room[where].astype(np.float64) for room, where in
                           ((param, at), (velocity, here), (grad, there))), *settings)
    strides = [of_param, of_velocity, of_grad, (0,) * len(sizes)]
    given, before = [param, velocity, grad, np.array(settings)], velocity.copy()
    count = math.prod(sizes)
    fresh = [array.copy() for array in given]
    run(fused.sgd_range, count, [1, 4, 8], given, sizes, strides, outs=2)
    close(param[at], right[0], kind)
    close(velocity[here], right[1], kind)
    if not settings[1]:
        np.testing.assert_array_equal(velocity, before)
    for grain, order in itertools.product((1, 3, 100), ("reversed", "shuffled")):
        trace_chunks(fused.sgd_range, count, grain, *[array.copy() for array in fresh], sizes=sizes, strides=strides,
                     outs=2 if settings[1] else 1, fresh=False, order=order).check()


def test_sgd_does_not_depend_on_the_chunks():
    generator = np.random.default_rng(9)
    first = [generator.uniform(-1, 1, 60).astype(np.float32) for _ in range(3)]
    settings = np.array([0.1, 0.9, 0.01])
    outcomes = []
    for cuts in ([], [1, 7, 13, 59], [30]):
        given = [array.copy() for array in first]
        run(fused.sgd_range, 60, cuts, [*given, settings], (3, 20), [(20, 1)] * 3 + [(0, 0)], outs=2)
        outcomes.append([array.tobytes() for array in given[:2]])
    assert outcomes[0] == outcomes[1] == outcomes[2]
