"""Task 5.4: both loops, compiled, and as an op with a gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pooled import UNTOUCHED, Pooling

import terox
from course.check import CheckFailed, shown
from terox.nn import functional as F
from terox.nn.pooling import max_pool_back_range, max_pool_range
from terox.parallel import compiler

pytestmark = [pytest.mark.task("5.4"), pytest.mark.time_limit(60)]  # it is compiled first

SPREAD = np.arange(60.0).reshape(3, 4, 5) * 17 % 31 - 20
CASES = [
    Pooling(SPREAD, (2, 2)),
    Pooling(SPREAD, (3, 3), (2, 1), (1, 1)),
    Pooling(SPREAD, (2, 3), (1, 1), (0, 1), (2, 1)),
    Pooling(np.where(SPREAD % 9 == 5, math.nan, SPREAD), (1, 2), (1, 2)),
    Pooling(np.where(SPREAD > -18, -math.inf, SPREAD), (2, 2), (1, 1)),
]


def same(got, right, call, note):
    if not np.array_equal(got, right, equal_nan=True):
        raise CheckFailed(call, shown(np.asarray(got).tolist()), shown(right.tolist()), note)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case.kernel)))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled(case, dtype):
    """Compiled, both loops compute what their Python form does, for any range of units."""
    out, indices = np.full(case.out_shape, UNTOUCHED, dtype), np.full(case.out_shape, -7)
    rows, planes = case.out_shape[0] * case.out_shape[1], case.out_shape[0]
    geometry = np.array(case.sizes), np.array(case.steps)
    kernel = compiler.kernel(max_pool_range, (dtype, "int64", dtype))
    for begin, end in (rows // 2, rows), (0, rows // 2):
        kernel.serial(begin, end, out.reshape(-1), indices.reshape(-1), case.planes.astype(dtype).ravel(), *geometry)
    right, places = case.right()
    note = "The loop gives something else when it is compiled than as plain Python, or for a part of the rows."
    same(out, right.astype(dtype), f"max_pool_range, compiled for {dtype}; {case!r}", note)
    same(indices, places, f"max_pool_range, compiled for {dtype}; {case!r}; indices", note)

    grad = (np.arange(out.size) % 5 - 1.0).reshape(case.out_shape).astype(dtype)
    back, wanted = np.full(case.planes.shape, UNTOUCHED, dtype), np.zeros(case.planes.shape).reshape(planes, -1)
    kernel = compiler.kernel(max_pool_back_range, (dtype, dtype, "int64"))
    for begin, end in (1, planes), (0, 1):
        kernel.serial(begin, end, back.reshape(-1), grad.ravel(), places.ravel(), *geometry)
    for p, *place in np.ndindex(grad.shape):
        wanted[p, places[(p, *place)]] += grad[(p, *place)]
    same(back, wanted.reshape(back.shape).astype(dtype), f"max_pool_back_range, compiled for {dtype}; {case!r}", note)


@pytest.mark.parametrize("device", ["python", "cpu"])
def test_gradient(device):
    """As an op: a view with gaps, used twice, gets the gradient of both uses, and numeric derivatives agree."""
    base = terox.tensor((np.arange(2 * 2 * 5 * 9.0) * 37 % 181 / 8).reshape(2, 2, 5, 9), device=device,
                        requires_grad=True)

    def f(base):
        x = base[:, :, :, 1::2]
        return F.max_pool2d(x, 2, padding=(1, 0)) * 3 + F.max_pool2d(x * x, (2, 2), (2, 2), (1, 0))

    terox.autograd.gradcheck(f, [base])
    grad = np.arange(2 * 2 * 3 * 2.0).reshape(2, 2, 3, 2) - 5
    f(base).backward(terox.tensor(grad, device=device))
    x = base.detach().numpy()[:, :, :, 1::2]
    right = np.zeros(base.shape)
    for n, c, oy, ox in np.ndindex(grad.shape):
        window = [(y, column) for y in (2 * oy - 1, 2 * oy) for column in (2 * ox, 2 * ox + 1) if 0 <= y < 5]
        y, column = max(window, key=lambda at: x[(n, c, *at)])
        right[n, c, y, 1 + 2 * column] += grad[n, c, oy, ox] * 3
        right[n, c, y, 1 + 2 * column] += grad[n, c, oy, ox] * 2 * x[n, c, y, column]
    same(base.grad.numpy(), right, f"max_pool2d(x, 2, padding=(1, 0)) * 3 + max_pool2d(x * x, ...) on {device}, for a "
         "view x with gaps; the gradient", "The gradient of an op made of both loops is wrong.")
