"""Calls of the ops of task 2.6: `cases("gather")` is a strategy for `gradients.Case`.

All shapes and options that come into question are listed, small ones first, and one is drawn from the list: that is
several times as fast as to draw each size, and examples shrink to small ones all the same. `limit` is the largest size
of a dimension, `most` the largest number of dimensions.
"""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from gradients import Case, numbers
from hypothesis import strategies as st

SEEDS = st.integers(0, 999)  # of the numbers; with an odd one, memory has an offset and gaps


@functools.cache
def shapes(limit=3, most=3):
    """Shapes with few elements, small ones first; a few with none."""
    found = [shape for rank in range(most + 1) for shape in itertools.product(range(1, limit + 1), repeat=rank)
             if math.prod(shape) <= 12]
    empty = [shape for rank in (1, 2) if rank <= most for shape in itertools.product((0, 1, 2), repeat=rank)
             if shape.count(0) == 1]
    return sorted(found, key=_size) + empty


def _size(shape):
    return math.prod(shape), len(shape)


@functools.cache
def stretched_from(shape):
    """All shapes that can be broadcast to `shape`."""
    return list(dict.fromkeys(each for front in range(len(shape) + 1)
                              for each in itertools.product(*[dict.fromkeys((size, 1)) for size in shape[front:]])))


@functools.cache
def pairs(limit=3, most=3):
    """(one, other, what they are broadcast to)."""
    found = [(one, other, shape) for shape in shapes(limit, most) for one in stretched_from(shape)
             for other in stretched_from(shape) if np.broadcast_shapes(one, other) == shape]
    return sorted(found, key=lambda each: _size(each[0])[0] + _size(each[1])[0])


def _two_operands(op, limit, most):
    return [(dict(self=one, other=other), {}, out) for one, other, out in pairs(limit, most)]


def _one_operand(op, limit, most):
    return [(dict(self=shape), {}, shape) for shape in shapes(limit, most)]


def _reductions(op, limit, most):
    found = []
    for shape in shapes(limit, most):
        for count in range(min(1, len(shape)), len(shape) + 1):
            for dims in itertools.permutations(range(len(shape)), count):
                if op == "amax" and any(shape[dim] == 0 for dim in dims):
                    continue
                left = tuple(size for dim, size in enumerate(shape) if dim not in dims)
                kept = tuple(1 if dim in dims else size for dim, size in enumerate(shape))
                found += [(dict(self=shape), dict(dims=dims, keepdim=False), left),
                          (dict(self=shape), dict(dims=dims, keepdim=True), kept)]
    return found


def _products(op, limit, most):
    batches = [((), (), ())] if op == "mm" else [
        each for each in pairs(2, min(most, 2)) if each[2] and max(each[2]) > 0] + [((0,), (0,), (0,))]
    found = []
    for n, k, m in sorted(itertools.product(range(limit + 1), repeat=3), key=lambda each: (0 in each, sum(each))):
        if (n, k, m).count(0) < 2:
            found += [(dict(self=(*one, n, k), other=(*other, k, m)), {}, (*out, n, m)) for one, other, out in batches]
    return found


def _permutations(op, limit, most):
    found = [(dict(self=shape), dict(dims=dims), tuple(shape[dim] for dim in dims))
             for shape in [*shapes(limit, most), *itertools.product((1, 2), repeat=most + 1)]
             for dims in itertools.permutations(range(len(shape)))]
    return found


def _expansions(op, limit, most):
    return [(dict(self=one), dict(shape=shape), shape) for shape in shapes(limit, most)
            for one in stretched_from(shape)]


def _slices(op, limit, most):
    found = []
    for size in range(2 * limit):
        for start, stop, step in itertools.product(range(size + 1), range(size + 1), (1, 2, 3)):
            if start <= stop:
                count = -(-(stop - start) // step)
                for rest in [((), ()), ((2,), ()), ((), (2,)), ((1,), (2,))][: most + 1]:
                    options = dict(dim=len(rest[0]), start=start, stop=stop, step=step)
                    found.append((dict(self=(*rest[0], size, *rest[1])), options, (*rest[0], count, *rest[1])))
    return found


def _gathers(op, limit, most):
    found = []
    for shape in shapes(limit, most):
        for dim, size in enumerate(shape):
            if size:
                sizes = [range(limit + 2) if d == dim else range(min(each, 1), each + 1)
                         for d, each in enumerate(shape)]
                found += [(dict(self=shape), dict(dim=dim), wanted) for wanted in itertools.product(*sizes)]
    return sorted(found, key=lambda each: _size(each[0]["self"])[0] + _size(each[2])[0])


_KINDS = {"mul": _two_operands, "div": _two_operands, "exp": _one_operand, "log": _one_operand, "relu": _one_operand,
          "sum": _reductions, "amax": _reductions, "mm": _products, "bmm": _products, "permute": _permutations,
          "expand": _expansions, "slice": _slices, "gather": _gathers}


def _case(op, structure, seed):
    operands, options, result = structure
    *values, grad = numbers(seed, *operands.values(), result, positive=op == "log")
    if op == "exp":
        values = [values[0] / 2.0]
    if op == "gather":
        size = operands["self"][options["dim"]]
        options = {**options, "index": np.random.default_rng(seed).integers(0, size, result)}
    return Case(op, **dict(zip(operands, values)), **options, grad=grad, strided=seed % 2 == 1)


def _tied(case, seed):
    """The same call, with one number in all places, or with two."""
    case.arguments["self"] = np.asarray(np.floor(case.arguments["self"]) % (seed % 3 % 2 + 1) + 4.0)
    return case


@functools.cache
def structures(op, limit, most):
    """Shapes of operands, options, shape of the result."""
    return _KINDS[op](op, limit, most)


def cases(op, limit=3, most=3):
    """Calls of `op`."""
    return st.builds(functools.partial(_case, op),
                     st.deferred(lambda: st.sampled_from(structures(op, limit, most))), SEEDS)


def ties():
    """Calls of amax in which several elements are the largest."""
    return st.builds(lambda structure, seed: _tied(_case("amax", structure, seed), seed),
                     st.deferred(lambda: st.sampled_from(structures("amax", 3, 3))), SEEDS)
