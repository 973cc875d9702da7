"""Products of small matrices inside of a compiled loop, where BLAS cannot be called. Provided.

All matrices are flat, row by row, and `pitch` is how far it is from one row to the next; where rows may overlap, `at`
says where each begins. As in the learner's micro-kernel (terox/parallel/matmul.py), several rows and several vectors at
a time make each number that is loaded serve more than once. Here the vectors are written down: what the compiler makes
of a plain loop keeps sums in memory, and is no good for rows of 100 numbers. A row is worked on in whole vectors, so up
to one vector less one number behind its end is read, and written.

In PyTorch: `aten/src/ATen/cpu/vec/vec_base.h`; oneDNN makes machine code for each convolution, in `mkldnn/Conv.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import VECTOR, add_product, load, spread, store, total


def add_rows(out: Any, first: int, a: Any, start: int, rows: int, b: Any, at: Any, k: int, n: int, pitch: int) -> None:
    """`out[i, x] += sum over p < k of a[start + i, p] * b[at[p] + x]` for i < rows <= 4 and x < n.

    a: rows of k, without gaps. out: rows `pitch` apart, of which row 0 begins at `first`. at: where each row of b
    begins.
    """
    lanes, last = VECTOR // out.itemsize, rows - 1
    # With fewer than four rows, the last one is computed several times, and written once.
    o1, o2, o3 = first + min(1, last) * pitch, first + min(2, last) * pitch, first + min(3, last) * pitch
    a0 = start * k
    a1, a2, a3 = a0 + min(1, last) * k, a0 + min(2, last) * k, a0 + min(3, last) * k
    x = 0
    while x + 2 * lanes < n:
        y, z = x + lanes, x + 2 * lanes
        s0, t0, u0 = load(out, first + x), load(out, first + y), load(out, first + z)
        s1, t1, u1 = load(out, o1 + x), load(out, o1 + y), load(out, o1 + z)
        s2, t2, u2 = load(out, o2 + x), load(out, o2 + y), load(out, o2 + z)
        s3, t3, u3 = load(out, o3 + x), load(out, o3 + y), load(out, o3 + z)
        for p in range(k):
            b0, b1, b2 = load(b, at[p] + x), load(b, at[p] + y), load(b, at[p] + z)
            w = spread(a[a0 + p])
            s0, t0, u0 = add_product(s0, w, b0), add_product(t0, w, b1), add_product(u0, w, b2)
            w = spread(a[a1 + p])
            s1, t1, u1 = add_product(s1, w, b0), add_product(t1, w, b1), add_product(u1, w, b2)
            w = spread(a[a2 + p])
            s2, t2, u2 = add_product(s2, w, b0), add_product(t2, w, b1), add_product(u2, w, b2)
            w = spread(a[a3 + p])
            s3, t3, u3 = add_product(s3, w, b0), add_product(t3, w, b1), add_product(u3, w, b2)
        store_three(out, first + x, lanes, s0, t0, u0)
        store_three(out, o1 + x, lanes, s1, t1, u1)
        store_three(out, o2 + x, lanes, s2, t2, u2)
        store_three(out, o3 + x, lanes, s3, t3, u3)
        x += 3 * lanes
    while x < n:
        s0, s1, s2, s3 = load(out, first + x), load(out, o1 + x), load(out, o2 + x), load(out, o3 + x)
        for p in range(k):
            b0 = load(b, at[p] + x)
            s0, s1 = add_product(s0, spread(a[a0 + p]), b0), add_product(s1, spread(a[a1 + p]), b0)
            s2, s3 = add_product(s2, spread(a[a2 + p]), b0), add_product(s3, spread(a[a3 + p]), b0)
        store(out, first + x, s0)
        store(out, o1 + x, s1)
        store(out, o2 + x, s2)
        store(out, o3 + x, s3)
        x += lanes


def store_three(out: Any, place: int, lanes: int, s: Any, t: Any, u: Any) -> None:
    """Three vectors, one behind the other."""
    store(out, place, s)
    store(out, place + lanes, t)
    store(out, place + 2 * lanes, u)


def add_dots(out: Any, first: int, a: Any, at: Any, b: Any, rows: int, columns: int, n: int, pitch: int, times: int,
             a_step: int, b_step: int) -> None:
    """`out[first + i * columns + j] += sum over x < n of a[at[i] + x] * b[j * pitch + x]`, for i < rows, j < columns.

    And that `times` times, with a and b begun `a_step` and `b_step` further each time: sums stay in vectors all the
    while, since to take a vector's sum is slow. b: zeros behind each n. What a has there must be finite.
    """
    lanes = VECTOR // a.itemsize
    for i in range(0, rows, 3):
        a0, a1, a2 = at[i], at[min(i + 1, rows - 1)], at[min(i + 2, rows - 1)]
        for j in range(0, columns, 4):
            last = columns - 1 - j
            b0 = j * pitch
            b1, b2, b3 = b0 + min(1, last) * pitch, b0 + min(2, last) * pitch, b0 + min(3, last) * pitch
            s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = u0 = u1 = u2 = u3 = spread(a.dtype.type(0))
            for k in range(times):
                ahead, further = k * a_step, k * b_step
                for x in range(0, n, lanes):
                    p, q, r = load(a, a0 + ahead + x), load(a, a1 + ahead + x), load(a, a2 + ahead + x)
                    v = load(b, b0 + further + x)
                    s0, t0, u0 = add_product(s0, p, v), add_product(t0, q, v), add_product(u0, r, v)
                    v = load(b, b1 + further + x)
                    s1, t1, u1 = add_product(s1, p, v), add_product(t1, q, v), add_product(u1, r, v)
                    v = load(b, b2 + further + x)
                    s2, t2, u2 = add_product(s2, p, v), add_product(t2, q, v), add_product(u2, r, v)
                    v = load(b, b3 + further + x)
                    s3, t3, u3 = add_product(s3, p, v), add_product(t3, q, v), add_product(u3, r, v)
            place = first + i * columns + j
            add_totals(out, place, last, s0, s1, s2, s3)
            if i + 1 < rows:
                add_totals(out, place + columns, last, t0, t1, t2, t3)
            if i + 2 < rows:
                add_totals(out, place + 2 * columns, last, u0, u1, u2, u3)


def add_totals(out: Any, place: int, last: int, s0: Any, s1: Any, s2: Any, s3: Any) -> None:
    """To up to four numbers, add the sums of vectors."""
    out[place] += total(s0)
    if last > 0:
        out[place + 1] += total(s1)
    if last > 1:
        out[place + 2] += total(s2)
    if last > 2:
        out[place + 3] += total(s3)


def scratch(n: int, like: Any) -> Any:
    """Memory for `n` numbers, begun where a vector can be read at once."""
    found = np.empty(n + VECTOR // like.itemsize, like.dtype)
    skipped = -found.ctypes.data % VECTOR // like.itemsize
    return found[skipped : skipped + n]
