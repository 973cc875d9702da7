"""A right solution built another way: two shapes at a time, padded in front; recursion."""

from __future__ import annotations

from collections.abc import Sequence


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    if not shapes:
        return ()
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    result = padded[0]
    for shape in padded[1:]:
        both = list(zip(result, shape))
        for dim, (a, b) in enumerate(both):
            if a != b and 1 not in (a, b):
                raise mismatch(a, b, dim, shapes)
        result = tuple(b if a == 1 else a for a, b in both)
    return result


def broadcast_strides(sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    if not sizes:
        return tuple(0 for _ in shape)
    if not shape or (sizes[-1] != shape[-1] and sizes[-1] != 1):
        raise cannot_expand(sizes, shape)
    last = 0 if sizes[-1] != shape[-1] else strides[-1]
    try:
        return (*broadcast_strides(sizes[:-1], strides[:-1], shape[:-1]), last)
    except NotImplementedError:
        raise
    except RuntimeError:
        raise cannot_expand(sizes, shape) from None
