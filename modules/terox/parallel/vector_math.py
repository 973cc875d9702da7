"""`exp` as a polynomial, for many numbers at once. Provided.

`math.exp` calls a function of the C library, once for each number, and a loop around a call stays a loop of single
numbers. What follows is made of products, sums and bits only. Inside a compiled loop, the compiler does it for 8 or 16
neighbors at a time.

1. *Range reduction* (Cody and Waite, 1980): `x = n * log(2) + r` with a whole number n and `|r| <= log(2) / 2`, so that
   `exp(x) = 2**n * exp(r)`. n * log(2) is taken away in two parts. The first has so few bits that its product with n is
   exact; the second is what it lacks. With one rounded log(2), all digits of r would be lost for a large x.
2. n is rounded by adding a number so large (1.5 * 2**23 for float32) that it leaves no room for digits after the point.
   n then stands in the last bits of the sum.
3. `exp(r)` is a polynomial, or the quotient of two, with the coefficients of Cephes (Moshier, 1984-1992).
4. `2**n` is put together from bits: a float's exponent is stored as n + 127 (float32) or n + 1023 (float64), to the
   left of its 23 or 52 other bits. n is cut in two halves, so that neither factor overflows where the result does not,
   and so that results below the smallest normal number come out right, too.

The error is at most 1.1 units in the last place for float32 and 1.7 for float64 (measured over 6 million numbers each).
exp(inf) is inf, exp(-inf) is 0 and exp(NaN) is NaN; overflow gives inf, underflow 0.

In PyTorch: `aten/src/ATen/cpu/vec/vec512/vec512_float.h`, `exp_u20`, which softmax uses; `exp` itself is SLEEF's
`Sleef_expf16_u10`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import bits, by_type, from_bits

BITS_32 = 0x4B400000  # the bits of the float32 number 1.5 * 2**23
BITS_64 = 0x4338000000000000  # the bits of the float64 number 1.5 * 2**52


def exp(x: Any) -> Any:
    """`e**x` for a float32 or float64 number, in the same kind; which of the two is decided when compiling."""
    return by_type(x, exp_float32, exp_float64)(x)


def exp_float32(x: Any) -> Any:
    """`e**x` for a float32 number. Each constant is made a float32, else all would be computed in 64 bits."""
    # Beyond these limits the result is 0 or inf anyway. Written such that NaN goes through.
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    x = np.float32(89.0) if x > np.float32(89.0) else x
    shifted = x * np.float32(1.44269504088896341) + np.float32(12582912.0)
    n = shifted - np.float32(12582912.0)
    r = x - n * np.float32(0.693359375)
    r = r - n * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * (r * r) + r + np.float32(1.0)
    whole = np.int32(bits(shifted) - BITS_32)
    half = np.int32(whole >> 1)
    return p * from_bits(np.int32((half + 127) << 23)) * from_bits(np.int32((whole - half + 127) << 23))


def exp_float64(x: Any) -> Any:
    """`e**x` for a float64 number."""
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = x - n * 6.93145751953125e-1
    r = r - n * 1.42860682030941723212e-6
    square = r * r
    p = (1.26177193074810590878e-4 * square + 3.02994407707441961300e-2) * square + 9.99999999999999999910e-1
    q = 3.00198505138664455042e-6 * square + 2.52448340349684104192e-3
    q = (q * square + 2.27265548208155028766e-1) * square + 2.0
    p = 1.0 + 2.0 * (r * p / (q - r * p))
    whole = bits(shifted) - BITS_64
    half = whole >> 1
    return p * from_bits((half + 1023) << 52) * from_bits((whole - half + 1023) << 52)
