"""The geometry of module 2 beside PyTorch's, on thousands of layouts: what is contiguous, which views are possible."""

from __future__ import annotations

import math
import random

from terox.tensors.broadcasting import broadcast_shapes, broadcast_strides
from terox.tensors.layout import contiguous_strides, is_contiguous, view_strides

TRIES = 5_000


def refused(call):
    """What `call()` returns; None for a RuntimeError."""
    try:
        return call()
    except RuntimeError:
        return None


def a_layout(rng):
    """Sizes and strides: dimensions in any order, gaps, stride 0, dimensions of size 1 with any stride, sizes of 0."""
    sizes = rng.choices([1, 2, 3, 4, 6, 0], [6, 9, 4, 2, 2, 1], k=rng.choice([0, 1, 2, 2, 3, 3, 4, 5]))
    order = list(range(len(sizes)))
    if rng.random() < 0.6:
        rng.shuffle(order)
    strides, step = [0] * len(sizes), 1
    for d in reversed(order):
        kind = rng.choices(["plain", "gap", "other"], [6, 1, 1])[0]
        if kind == "gap":
            step *= rng.choice([2, 3])
        if kind == "other":
            strides[d] = rng.choice([0, 1, 7]) if sizes[d] == 1 else 0
        else:
            strides[d] = step
            step *= max(sizes[d], 1)
    return tuple(sizes), tuple(strides)


def other_sizes(rng, sizes):
    """Other sizes for as many elements."""
    new = list(sizes)
    for _ in range(rng.randrange(5)):
        d = rng.randrange(len(new)) if new else 0
        edit = rng.choice(["merge", "divide", "insert", "remove"])
        if edit == "merge" and d + 1 < len(new):
            new[d : d + 2] = [new[d] * new[d + 1]]
        elif edit == "divide" and new:
            factor = rng.choice([n for n in range(1, new[d] + 1) if new[d] % n == 0] or [3])
            new[d : d + 1] = [factor, new[d] // factor]
        elif edit == "insert":
            new.insert(d, 1)
        elif edit == "remove" and 1 in new:
            new.remove(1)
    if rng.random() < 0.1:
        rng.shuffle(new)
    return tuple(new)


def test_views(torch):
    rng, memory, legal = random.Random(0), torch.zeros(200_000), {True: 0, False: 0}
    for _ in range(TRIES):
        sizes, strides = a_layout(rng)
        new_sizes = other_sizes(rng, sizes)
        tensor = torch.as_strided(memory, sizes, strides)
        assert is_contiguous(sizes, strides) == tensor.is_contiguous(), (sizes, strides)
        assert contiguous_strides(sizes) == torch.empty(sizes, device="meta").stride(), sizes
        got, right = view_strides(sizes, strides, new_sizes), refused(lambda t=tensor, n=new_sizes: t.view(n).stride())
        legal[right is not None] += 1
        if right is not None and got is not None and math.prod(sizes):
            # Along a dimension of size 1, no step is ever taken.
            got, right = ([stride for stride, size in zip(each, new_sizes) if size != 1] for each in (got, right))
        assert got == right, (sizes, strides, new_sizes)
    assert min(legal.values()) > TRIES // 20


def test_broadcasting(torch):
    rng, memory, agree = random.Random(0), torch.zeros(200_000), {True: 0, False: 0}
    for _ in range(TRIES):
        shapes = [rng.choices([1, 2, 3, 0], [4, 8, 1, 1], k=rng.randrange(4)) for _ in range(rng.choice([1, 2, 2, 3]))]
        right = refused(lambda s=shapes: tuple(torch.broadcast_shapes(*s)))
        assert refused(lambda s=shapes: broadcast_shapes(*s)) == right, shapes
        agree[right is not None] += 1
        sizes, strides = a_layout(rng)
        wanted = [rng.choice([1, 2, 3, 0]) if size == 1 or rng.random() < 0.1 else size for size in sizes]
        shape = (*rng.choices([1, 2, 3], k=rng.randrange(3)), *wanted)[rng.random() < 0.05 :]
        tensor = torch.as_strided(memory, sizes, strides)
        right = refused(lambda t=tensor, s=shape: t.expand(s).stride())
        got = refused(lambda x=sizes, y=strides, s=shape: broadcast_strides(x, y, s))
        assert (got is None) == (right is None), (sizes, shape)
        if right is not None and got is not None:
            new = len(shape) - len(sizes)
            assert got[new:] == right[new:], (sizes, strides, shape)
            assert all(a == b for a, b, size in zip(got, right, shape) if size != 1), (sizes, strides, shape)
    assert min(agree.values()) > TRIES // 20
