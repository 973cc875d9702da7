"""NUMBA_DISABLE_JIT=1: everything is plain Python, and gives what it gives compiled."""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernel_modules import kernels_folder, load  # noqa: F401

from terox import _numba
from terox.parallel import compiler

ROOT = Path(__file__).resolve().parents[2]


SAMPLE = """
import json
import numpy as np
import terox
from terox.parallel import handover, vector_math
from terox import _numba

assert not _numba.JIT
results = {"python": {}, "cpu": {}, "intrinsics": {}}
for device in ("python", "cpu"):
    terox.set_default_device(device)
    for kind in (terox.float32, terox.float64):
        with handover.disabled(), np.errstate(all="ignore"):
            x = terox.tensor([[0.5, -1.0, 2.0], [float("inf"), 0.0, -3.0]], dtype=kind)
            y = terox.tensor([[1.0], [-2.0]], dtype=kind)
            for name, value in {
                "add": x + y, "mul": x * y, "exp": x.exp(), "sigmoid": x.sigmoid(), "relu": x.relu(), "lt": x < y,
                "sum": x[0].sum(), "rows": x.sum(1), "columns": x.sum(0), "max": x.amax(1), "matmul": x[:1].T @ y[:1],
                "softmax": x.softmax(1), "log_softmax": x.log_softmax(1), "logsumexp": x.logsumexp(1), "T": x.T + y.T,
                "where": terox.where(x > 0, x, y), "long": terox.ones(40000, dtype=kind).sum(),
            }.items():
                results[device][f"{name} {kind}"] = value.tolist()
for kind in (np.float32, np.float64):
    with np.errstate(all="ignore"):
        numbers = [kind(number) for number in (-0.0, 1.0, -87.5, 88.0, float("nan"), float("-inf"), 1e-30)]
        results["intrinsics"][kind.__name__] = [
            [float(_numba.from_bits(_numba.bits(number))) for number in numbers],
            [float(_numba.maximum(number, other)) for number in numbers for other in numbers],
            [float(_numba.add_any_order(number, other)) for number in numbers for other in numbers],
            [float(vector_math.exp(number)) for number in numbers]]
    v, w, out = (np.arange(40, dtype=kind) / 8 for _ in range(3))
    vector = _numba.add_product(_numba.load(v, 3), _numba.load(w, 1), _numba.spread(kind(2)))
    _numba.store(out, 5, vector)
    results["intrinsics"]["vectors of " + kind.__name__] = [*out.tolist(), float(_numba.total(vector))]
print(json.dumps(results))
"""

INTRINSICS = """
from terox._numba import (add_any_order, add_product, bits, from_bits, load, maximum, span, spread, store,
                          total)
from terox.parallel.vector_math import exp

def loop(begin, end, out, a, sizes, strides):
    n = sizes[0]
    for i in range(begin, end):
        out[i] = from_bits(bits(a[i]))
        out[n + i] = exp(a[i])
        for j in range(n):
            out[2 * n + i * n + j] = maximum(a[i], a[j])
            out[2 * n + n * n + i * n + j] = add_any_order(a[i], a[j])


def vectors(begin, end, out, a, w, sizes, strides):
    vector = add_product(load(a, 3), load(w, 1), spread(a.dtype.type(2)))
    store(span(out, 2, 38), 3, vector)
    out[40] = total(vector)
"""


@functools.cache
def uncompiled():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1",
                   "PYTHONPATH": os.pathsep.join([str(ROOT / "solutions"), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", SAMPLE], env=environment, text=True, capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def close(one, other, kind):
    np.testing.assert_allclose(np.array(one, float), np.array(other, float), rtol=64 * np.finfo(kind).eps)


def test_all_of_it_runs_uncompiled():
    """Ops of each kind, compared with the loops of module 2."""
    results = uncompiled()
    for name, expected in results["python"].items():
        close(results["cpu"][name], expected, np.float32 if "float32" in name else np.float64)


def test_python_forms_of_what_one_instruction_does(tmp_path):
    plain = uncompiled()["intrinsics"]
    module = load(tmp_path / "intrinsics.py", INTRINSICS)
    for kind in (np.float32, np.float64):
        a = np.array([-0.0, 1.0, -87.5, 88.0, math.nan, -math.inf, 1e-30], kind)
        n = len(a)
        out = np.zeros(2 * n + 2 * n * n, kind)
        kernel = compiler.kernel(module.loop, (kind.__name__,) * 2)
        kernel.serial(0, n, out, a, np.array([n]), np.array([[1], [1]]))
        same, largest, sums, powers = (np.array(part) for part in plain[kind.__name__])
        for got, expected in ((out[:n], same), (out[2 * n : 2 * n + n * n], largest), (out[2 * n + n * n :], sums)):
            np.testing.assert_array_equal(got, expected.astype(kind))
            np.testing.assert_array_equal(np.signbit(got[expected == 0]), np.signbit(expected[expected == 0]))
        close(out[n : 2 * n], powers, kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_python_forms_of_vectors(tmp_path, kind):
    """Small eighths: every sum and product is exact."""
    module = load(tmp_path / f"vectors_{kind.__name__}.py", INTRINSICS)
    v, w = (np.arange(40, dtype=kind) / 8 for _ in range(2))
    out = np.append(v, kind(0))
    lanes = np.arange(_numba.VECTOR // v.itemsize)
    compiler.kernel(module.vectors, (kind.__name__,) * 3).serial(0, 1, out, v, w, np.array([1]), np.array([[1], [1]]))
    expected = np.append(v, kind(0))
    expected[5 + lanes] = v[3 + lanes] + 2 * w[1 + lanes]
    expected[40] = expected[5 + lanes].sum()
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(out, np.array(uncompiled()["intrinsics"]["vectors of " + kind.__name__]))
