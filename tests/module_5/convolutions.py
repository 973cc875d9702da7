"""Convolution by its definition, for any number of dimensions, and its gradients: the oracle of tasks 5.1 and 5.3.

It loops over positions of the window, and adds up what stands under it. All numbers are small and whole, so that every
order of adding gives the same.
"""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

WHOLE = st.integers(-4, 4).map(float)


def numbers(*shape):
    """float64 arrays of small whole numbers: sums of their products are exact."""
    return arrays(np.float64, shape, elements=WHOLE)


def count_windows(size, kernel, stride, padding, dilation=1):
    """How many windows there are, by trying every place where one could begin."""
    begins = range(0, size + 2 * padding, stride)
    return sum(begin + dilation * (kernel - 1) < size + 2 * padding for begin in begins)


def padded(x, padding):
    return np.pad(x, [(0, 0), (0, 0), *((each, each) for each in padding)])


def under(kernel, stride, dilation, counts):
    """(position of a window; slices of what it takes of the padded input)."""
    for position in itertools.product(*map(range, counts)):
        begins = [place * step for place, step in zip(position, stride)]
        yield position, tuple([slice(begin, begin + d * (k - 1) + 1, d) for begin, k, d in
                               zip(begins, kernel, dilation)])


def convolve(x, weight, stride, padding, dilation):
    """x (N, C, *sizes), weight (O, C, *kernel); stride, padding and dilation are tuples."""
    kernel, x = weight.shape[2:], padded(x, padding)
    counts = [count_windows(*each) for each in zip(x.shape[2:], kernel, stride, [0] * len(kernel), dilation)]
    out = np.zeros((len(x), len(weight), *counts))
    for position, window in under(kernel, stride, dilation, counts):
        out[(..., *position)] = np.tensordot(x[(..., *window)], weight, axes=(range(1, x.ndim), range(1, x.ndim)))
    return out


def gradients(x, weight, grad, stride, padding, dilation):
    """Those of x and weight, for the gradient `grad` of the result."""
    kernel, room, of_weight = weight.shape[2:], padded(x, padding), np.zeros(weight.shape)
    of_room = np.zeros(room.shape)
    for position, window in under(kernel, stride, dilation, grad.shape[2:]):
        here = grad[(..., *position)]  # (N, O)
        of_room[(..., *window)] += np.tensordot(here, weight, axes=(1, 0))
        of_weight += np.tensordot(here, room[(..., *window)], axes=(0, 0))
    inside = tuple([slice(each, each + size) for each, size in zip(padding, x.shape[2:])])
    return of_room[(..., *inside)], of_weight


def if_possible(wrong):
    """Sentence -> number, for those of sentence -> function that work with the shapes at hand."""
    found = {}
    for sentence, compute in wrong.items():
        try:
            found[sentence] = compute()
        except (ValueError, IndexError, ZeroDivisionError):
            pass
    return found
