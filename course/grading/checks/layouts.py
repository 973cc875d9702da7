"""Sizes, strides and offsets for the sealed checks of module 2, drawn as a tensor could have come by them."""

from __future__ import annotations

import math

import numpy as np


def shape(rng: np.random.Generator, most_dims: int = 4, most: int = 24, least: int = 1) -> list[int]:
    """Sizes, `most` elements at most; 1 is frequent."""
    found: list[int] = []
    for _ in range(int(rng.integers(0, most_dims + 1))):
        size = int(rng.choice([1, 2, 3, 2, 3, 4, 1] + [0] * (least == 0)))
        found.append(size if size * math.prod(found) <= most else 1)
    return found


def row_major(sizes: list[int]) -> list[int]:
    """The strides of memory without gaps."""
    return [math.prod(max(size, 1) for size in sizes[place + 1:]) for place in range(len(sizes))]


def strides(rng: np.random.Generator, sizes: list[int], stretched: float = 0.0) -> list[int]:
    """Any order of the dimensions in memory, some gaps, and, with the probability `stretched`, a stride of 0.

    Along dimensions of size 1 the stride may be anything, as no step is ever taken there.
    """
    found, step = [0] * len(sizes), 1
    order = rng.permutation(len(sizes)) if rng.random() < 0.6 else np.arange(len(sizes))
    for dim in (int(each) for each in order[::-1]):
        if sizes[dim] == 1 and rng.random() < 0.5:
            found[dim] = int(rng.choice([0, 1, 7]))
        elif rng.random() >= stretched:
            if rng.random() < 0.25:
                step *= int(rng.integers(2, 4))
            found[dim] = step
            step *= max(sizes[dim], 1)
    return found


def room(sizes: list[int], steps: list[int], offset: int) -> int:
    """How many places of memory there have to be."""
    if 0 in sizes:
        return offset
    return offset + 1 + sum((size - 1) * step for size, step in zip(sizes, steps))


def regrouped(rng: np.random.Generator, sizes: list[int]) -> list[int]:
    """Other sizes for as many elements: neighbors made one, sizes divided, 1 put in and taken out."""
    found = list(sizes)
    for _ in range(int(rng.integers(1, 4))):
        kind, place = int(rng.integers(0, 4)), int(rng.integers(0, len(found) + 1))
        if kind == 0:
            found.insert(place, 1)
        elif kind == 1 and 1 in found:
            found.remove(1)
        elif kind == 2 and len(found) > 1:
            place = min(place, len(found) - 2)
            found[place:place + 2] = [found[place] * found[place + 1]]
        elif place < len(found) and found[place] > 3:
            parts = [part for part in (2, 3, 4) if found[place] % part == 0]
            if parts:
                part = int(rng.choice(parts))
                found[place:place + 1] = [part, found[place] // part]
    return found


def factors(rng: np.random.Generator, number: int) -> list[int]:
    """Sizes whose product is `number`, in any order, perhaps with a 1 among them."""
    found = [1] * int(rng.integers(0, 2))
    while number > 1:
        found.append(int(rng.choice([each for each in range(2, number + 1) if number % each == 0])))
        number //= found[-1]
    return [found[place] for place in rng.permutation(len(found))]


def stretched_from(rng: np.random.Generator, wanted: list[int]) -> list[int]:
    """A shape that can be broadcast to `wanted`."""
    front = int(rng.integers(0, len(wanted) + 1)) if rng.random() < 0.4 else 0
    return [1 if rng.random() < 0.35 else size for size in wanted[front:]]
