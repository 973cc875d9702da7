"""Further scalar operators that tensors need, in the same subset of Python as module 0's. Provided.

In PyTorch: `aten/src/ATen/native/cpu/UnaryOpsKernel.cpp`, `BinaryOpsKernel.cpp`.
"""

from __future__ import annotations

import math

from terox.foundations.operators import inv

# ---- Arithmetic ----


def abs(x: float) -> float:
    """The magnitude of `x`."""
    return math.fabs(x)


def abs_int(x: int) -> int:
    """The magnitude of a whole number."""
    return -x if x < 0 else x


def sign(x: float) -> float:
    """1, 0 or -1; 0 for NaN, as in PyTorch."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0


def min(x: float, y: float) -> float:
    """The smaller of `x` and `y`; NaN if either of them is NaN."""
    if x != x or x < y:
        return x
    return y


def remainder(x: float, y: float) -> float:
    """`x - y * floor(x / y)`, with the sign of `y`, as Python's `%`; NaN where `y` is zero."""
    if y == 0.0 or math.isinf(x):
        return math.nan
    return x % y


def floor_divide(x: float, y: float) -> float:
    """`floor(x / y)`, exact where `x / y` would be rounded up to a whole number; IEEE results where `y` is zero."""
    if y == 0.0:
        return x * inv(y)
    if math.isinf(x) or x != x or y != y:
        return math.nan
    rest = math.copysign(math.fabs(x) % math.fabs(y), x)  # with the sign of x
    quotient = (x - rest) / y
    if rest != 0.0 and (y < 0.0) != (rest < 0.0):
        quotient = quotient - 1.0
    whole = floor(quotient)
    return whole + 1.0 if quotient - whole > 0.5 else whole  # the quotient is a whole number up to rounding


def remainder_int(x: int, y: int) -> int:
    """The remainder of whole numbers, with the sign of `y`. `y` is not zero."""
    return x % y


def floor_divide_int(x: int, y: int) -> int:
    """The quotient of whole numbers, rounded down. `y` is not zero."""
    return x // y


def pow_int(x: int, y: int) -> int:
    """`x` to the power of `y`, by squaring; rounded toward zero where `y` is negative."""
    if y < 0:
        if x == -1:
            return 1 if y % 2 == 0 else -1
        return 1 if x == 1 else 0
    result = 1
    while y > 0:
        if y % 2 == 1:
            result = result * x
        x = x * x
        y = y // 2
    return result


# ---- Functions ----


def sqrt(x: float) -> float:
    """The square root; NaN for negative numbers."""
    return math.sqrt(x) if x >= 0.0 else math.nan


def rsqrt(x: float) -> float:
    """`1 / sqrt(x)`."""
    return inv(sqrt(x))


def sin(x: float) -> float:
    """The sine; NaN for infinities."""
    return math.nan if math.isinf(x) else math.sin(x)


def cos(x: float) -> float:
    """The cosine; NaN for infinities."""
    return math.nan if math.isinf(x) else math.cos(x)


def erf(x: float) -> float:
    """The error function: twice the probability that a normally distributed number lies between 0 and x * sqrt(2)."""
    return math.erf(x)


def floor(x: float) -> float:
    """The largest whole number that is not above `x`."""
    if x != x or math.fabs(x) >= 4503599627370496.0:  # 2**52: it has no fraction, and compiled, int64 may be too small
        return x
    return math.copysign(math.floor(x), x)


def ceil(x: float) -> float:
    """The smallest whole number that is not below `x`."""
    if x != x or math.fabs(x) >= 4503599627370496.0:
        return x
    return math.copysign(math.ceil(x), x)


def clamp(x: float, low: float, high: float) -> float:
    """`x` between `low` and `high`; `high` wins where the two contradict each other; NaN stays NaN."""
    if x != x or low != low or high != high:
        return x + low + high
    if x < low:
        x = low
    return high if x > high else x


# ---- Comparisons and logic: 1.0 or 0.0 ----


def ne(x: float, y: float) -> float:
    """1.0 if `x` differs from `y`."""
    return 0.0 if x == y else 1.0


def le(x: float, y: float) -> float:
    """1.0 if `x` is at most `y`."""
    return 1.0 if x <= y else 0.0


def gt(x: float, y: float) -> float:
    """1.0 if `x` is larger than `y`."""
    return 1.0 if x > y else 0.0


def ge(x: float, y: float) -> float:
    """1.0 if `x` is at least `y`."""
    return 1.0 if x >= y else 0.0


def logical_and(x: float, y: float) -> float:
    """1.0 if neither is zero."""
    return 1.0 if x != 0.0 and y != 0.0 else 0.0


def logical_or(x: float, y: float) -> float:
    """1.0 unless both are zero."""
    return 1.0 if x != 0.0 or y != 0.0 else 0.0


def logical_xor(x: float, y: float) -> float:
    """1.0 if one of them is zero and the other is not."""
    return 1.0 if (x != 0.0) != (y != 0.0) else 0.0


def logical_not(x: float) -> float:
    """1.0 for zero."""
    return 1.0 if x == 0.0 else 0.0


def bitwise_and(x: int, y: int) -> int:
    """Bits that both have."""
    return x & y


def bitwise_or(x: int, y: int) -> int:
    """Bits that one of them has."""
    return x | y


def bitwise_xor(x: int, y: int) -> int:
    """Bits that exactly one of them has."""
    return x ^ y


def bitwise_not(x: int) -> int:
    """All bits turned around: `-x - 1`."""
    return ~x


def isnan(x: float) -> float:
    """1.0 for NaN."""
    return 1.0 if x != x else 0.0


def isinf(x: float) -> float:
    """1.0 for an infinity."""
    return 1.0 if math.isinf(x) else 0.0


def isfinite(x: float) -> float:
    """1.0 for a number that is neither infinite nor NaN."""
    return 1.0 if math.isfinite(x) else 0.0


def where(condition: float, x: float, y: float) -> float:
    """`x` where the condition is not zero, else `y`."""
    return x if condition != 0.0 else y


def relu_int(x: int) -> int:
    """The positive part of a whole number."""
    return x if x > 0 else 0


def clamp_int(x: int, low: int, high: int) -> int:
    """A whole number between `low` and `high`."""
    if x < low:
        x = low
    return high if x > high else x


