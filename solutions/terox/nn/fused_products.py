"""Products of small matrices inside of a compiled loop, where BLAS cannot be called. Provided.

All matrices are flat, row by row, and `pitch` is how far it is from one row to the next. As in the learner's
micro-kernel (terox/parallel/matmul.py), several rows and several products at a time make each number that is loaded
serve more than once. With rows of about 1000 numbers, a core does 100 billion operations in a second where BLAS does
140.

In PyTorch: oneDNN makes machine code for each convolution, in `mkldnn/Conv.cpp`.
"""

from __future__ import annotations

from typing import Any

from terox._numba import add_any_order


def times_rows(out: Any, a: Any, start: int, rows: int, b: Any, k: int, n: int, pitch: int) -> None:
    """`out[i, x] = sum over p < k of a[start + i, p] * b[p, x]` for i < rows <= 4 and x < n.

    a: rows of k, without gaps. out and b: rows `pitch` apart.
    """
    zero = out.dtype.type(0)
    for i in range(rows):
        line = out[i * pitch : i * pitch + n]
        for x in range(n):
            line[x] = zero
    r0, r1 = out[:n], out[pitch : pitch + n]
    r2, r3 = out[2 * pitch : 2 * pitch + n], out[3 * pitch : 3 * pitch + n]
    w0, w1 = a[start * k : (start + 1) * k], a[(start + 1) * k : (start + 2) * k]
    w2, w3 = a[(start + 2) * k : (start + 3) * k], a[(start + 3) * k : (start + 4) * k]
    p = 0
    while p + 4 <= k:
        b0, b1 = b[p * pitch : p * pitch + n], b[(p + 1) * pitch : (p + 1) * pitch + n]
        b2, b3 = b[(p + 2) * pitch : (p + 2) * pitch + n], b[(p + 3) * pitch : (p + 3) * pitch + n]
        if rows == 4:
            four_rows(r0, r1, r2, r3, w0[p : p + 4], w1[p : p + 4], w2[p : p + 4], w3[p : p + 4], b0, b1, b2, b3)
        elif rows == 1:
            one_row(r0, w0[p : p + 4], b0, b1, b2, b3)
        else:
            two_rows(r0, r1, w0[p : p + 4], w1[p : p + 4], b0, b1, b2, b3)
            if rows == 3:
                one_row(r2, w2[p : p + 4], b0, b1, b2, b3)
        p += 4
    while p < k:
        row = b[p * pitch : p * pitch + n]
        for i in range(rows):
            line, factor = out[i * pitch : i * pitch + n], a[(start + i) * k + p]
            for x in range(n):
                line[x] = line[x] + factor * row[x]
        p += 1


def four_rows(r0: Any, r1: Any, r2: Any, r3: Any, w: Any, v: Any, u: Any, t: Any, b0: Any, b1: Any, b2: Any,
              b3: Any) -> None:
    """To each of four rows, add four products."""
    w0, w1, w2, w3, v0, v1, v2, v3 = w[0], w[1], w[2], w[3], v[0], v[1], v[2], v[3]
    u0, u1, u2, u3, t0, t1, t2, t3 = u[0], u[1], u[2], u[3], t[0], t[1], t[2], t[3]
    for x in range(len(r0)):
        x0, x1, x2, x3 = b0[x], b1[x], b2[x], b3[x]
        r0[x] = r0[x] + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
        r1[x] = r1[x] + v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3
        r2[x] = r2[x] + u0 * x0 + u1 * x1 + u2 * x2 + u3 * x3
        r3[x] = r3[x] + t0 * x0 + t1 * x1 + t2 * x2 + t3 * x3


def two_rows(r0: Any, r1: Any, w: Any, v: Any, b0: Any, b1: Any, b2: Any, b3: Any) -> None:
    """To each of two rows, add four products."""
    w0, w1, w2, w3, v0, v1, v2, v3 = w[0], w[1], w[2], w[3], v[0], v[1], v[2], v[3]
    for x in range(len(r0)):
        x0, x1, x2, x3 = b0[x], b1[x], b2[x], b3[x]
        r0[x] = r0[x] + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
        r1[x] = r1[x] + v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3


def one_row(r0: Any, w: Any, b0: Any, b1: Any, b2: Any, b3: Any) -> None:
    """To a row, add four products."""
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for x in range(len(r0)):
        r0[x] = r0[x] + w0 * b0[x] + w1 * b1[x] + w2 * b2[x] + w3 * b3[x]


def add_dots(out: Any, a: Any, b: Any, rows: int, columns: int, n: int, pitch: int) -> None:
    """`out[i, j] += sum over x < n of a[i, x] * b[j, x]` for i < rows and j < columns. out: without gaps."""
    i = 0
    while i < rows:
        a0, two = a[i * pitch : i * pitch + n], i + 2 <= rows
        a1 = a[(i + 1) * pitch : (i + 1) * pitch + n] if two else a0
        j = 0
        while j < columns:
            b0 = b[j * pitch : j * pitch + n]
            if j + 4 <= columns:
                b1, b2 = b[(j + 1) * pitch : (j + 1) * pitch + n], b[(j + 2) * pitch : (j + 2) * pitch + n]
                b3 = b[(j + 3) * pitch : (j + 3) * pitch + n]
                s0, s1, s2, s3, t0, t1, t2, t3 = eight_dots(a0, a1, b0, b1, b2, b3)
                add_four_numbers(out[i * columns + j : i * columns + j + 4], s0, s1, s2, s3)
                if two:
                    add_four_numbers(out[(i + 1) * columns + j : (i + 1) * columns + j + 4], t0, t1, t2, t3)
                j += 4
            else:
                s0, t0 = two_dots(a0, a1, b0)
                out[i * columns + j] += s0
                if two:
                    out[(i + 1) * columns + j] += t0
                j += 1
        i += 2


def add_four_numbers(out: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    """`out += (a, b, c, d)`."""
    out[0] += a
    out[1] += b
    out[2] += c
    out[3] += d


def eight_dots(a0: Any, a1: Any, b0: Any, b1: Any, b2: Any, b3: Any) -> Any:
    """The sums of products of each of two rows with each of four."""
    s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = a0.dtype.type(0)
    for x in range(len(a0)):
        u, v = a0[x], a1[x]
        s0, t0 = add_any_order(s0, u * b0[x]), add_any_order(t0, v * b0[x])
        s1, t1 = add_any_order(s1, u * b1[x]), add_any_order(t1, v * b1[x])
        s2, t2 = add_any_order(s2, u * b2[x]), add_any_order(t2, v * b2[x])
        s3, t3 = add_any_order(s3, u * b3[x]), add_any_order(t3, v * b3[x])
    return s0, s1, s2, s3, t0, t1, t2, t3


def two_dots(a0: Any, a1: Any, b0: Any) -> Any:
    """The sums of products of each of two rows with a third."""
    s = t = a0.dtype.type(0)
    for x in range(len(a0)):
        s, t = add_any_order(s, a0[x] * b0[x]), add_any_order(t, a1[x] * b0[x])
    return s, t
