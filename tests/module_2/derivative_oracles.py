"""What the gradients of the ops of task 2.6 are, by NumPy: formulas from mathematics, and what known mistakes give.

A gradient stands here before it is summed over the dimensions in which its input was broadcast. Arguments have the
names that the ops give them (`derivatives.py`); `grad` is the gradient that comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Gradient = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Oracle:
    """One op. gradients, mistakes: for each input that has a gradient. function: the name of its derivative."""

    result: Callable[..., np.ndarray]
    gradients: dict[str, Gradient]
    mistakes: dict[str, dict[str, Gradient]] = field(default_factory=dict)
    function: str = ""


def kept(reduced: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    """The result of a reduction, with its dimensions `dims` in their places."""
    return reduced if keepdim else np.expand_dims(reduced, dims)


def copies(select: Callable[[np.ndarray], np.ndarray], grad: np.ndarray, self: np.ndarray) -> np.ndarray:
    """The gradient of an op whose every element is a copy of one of `self`: of which one, its numbers tell."""
    numbers = select(np.arange(self.size).reshape(self.shape))
    out = np.zeros(self.size)
    np.add.at(out, numbers.ravel(), grad.ravel())
    return out.reshape(self.shape)


def turned(array: np.ndarray) -> np.ndarray:
    return np.swapaxes(array, -1, -2)


def count(self: np.ndarray, dims: tuple[int, ...]) -> int:
    return int(np.prod([self.shape[dim] for dim in dims]))


def picked(dim: int, index: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """gather, from its definition."""

    def pick(array: np.ndarray) -> np.ndarray:
        out = np.zeros(index.shape, dtype=array.dtype)
        for place in np.ndindex(index.shape):
            out[place] = array[(*place[:dim], index[place], *place[dim + 1 :])]
        return out

    return pick


def sliced(dim: int, start: int, stop: int, step: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: array[(*[slice(None)] * dim, slice(start, stop, step))]


def put(grad: np.ndarray, self: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    """The last gradient of those that arrive at one element."""
    out = np.zeros(self.size)
    out[picked(dim, index)(np.arange(self.size).reshape(self.shape)).ravel()] = grad.ravel()
    return out.reshape(self.shape)


def placed(grad: np.ndarray, self: np.ndarray, dim: int, where: slice) -> np.ndarray:
    out = np.zeros(self.shape)
    out[(*[slice(None)] * dim, where)] = grad
    return out


def largest(grad: np.ndarray, self: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    """amax: the gradient of each maximum, in equal shares to those that have reached it."""
    mask = self == self.max(axis=dims, keepdims=True)
    return np.where(mask, kept(grad, dims, keepdim) / mask.sum(axis=dims, keepdims=True), 0.0)


def whole(grad: np.ndarray, self: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    return np.where(self == self.max(axis=dims, keepdims=True), kept(grad, dims, keepdim), 0.0)


def first(grad: np.ndarray, self: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    out, seen = whole(grad, self, dims, keepdim), set()
    for place in np.ndindex(self.shape):
        row = tuple(i for dim, i in enumerate(place) if dim not in dims)
        if self[place] == self.max(axis=dims, keepdims=True)[tuple(0 if d in dims else i for d, i in enumerate(place))]:
            out[place] = out[place] if row not in seen else 0.0
            seen.add(row)
    return out


def shares(self: np.ndarray, largest: np.ndarray, grad: np.ndarray, dims: tuple[int, ...],
           compared: Callable[..., np.ndarray] = np.equal, keepdims: bool = True) -> np.ndarray:
    """As a wrong formula computes amax's gradient."""
    mask = compared(self, largest)
    return mask * (grad / mask.sum(axis=dims, keepdims=keepdims))


def stretch_back(grad: np.ndarray, self: np.ndarray) -> np.ndarray:
    return copies(lambda numbers: np.broadcast_to(numbers, grad.shape), grad, self)


_MATMUL = Oracle(
    result=lambda self, other: self @ other,
    # out[i, j] is the sum over k of self[i, k] * other[k, j]
    gradients={"self": lambda grad, self, other: np.einsum("...ij,...kj->...ik", grad, other),
               "other": lambda grad, self, other: np.einsum("...ij,...ik->...kj", grad, self)},
    mistakes={
        "self": {
            "That is grad @ other: other was not transposed.": lambda grad, self, other: grad @ other,
            "That is other.mT @ grad: the factors are in the wrong order.":
                lambda grad, self, other: turned(other) @ grad,
            "That is other @ grad: the factors are in the wrong order, and other was not transposed.":
                lambda grad, self, other: other @ grad,
            "That is grad * other: a product of matrices is not elementwise.": lambda grad, self, other: grad * other,
            "All dimensions of other were reversed: only the last two are those of its matrices, see `mT`.":
                lambda grad, self, other: grad @ other.T,
            "The first two dimensions of other were exchanged: the last two are those of its matrices, see `mT`.":
                lambda grad, self, other: grad @ np.swapaxes(other, 0, 1),
            "That is the transpose of the gradient.": lambda grad, self, other: turned(grad @ turned(other)),
        },
        "other": {
            "That is self @ grad: self was not transposed.": lambda grad, self, other: self @ grad,
            "That is grad @ self.mT: the factors are in the wrong order.":
                lambda grad, self, other: grad @ turned(self),
            "That is grad @ self: the factors are in the wrong order, and self was not transposed.":
                lambda grad, self, other: grad @ self,
            "That is grad * self: a product of matrices is not elementwise.": lambda grad, self, other: grad * self,
            "All dimensions of self were reversed: only the last two are those of its matrices, see `mT`.":
                lambda grad, self, other: self.T @ grad,
            "The first two dimensions of self were exchanged: the last two are those of its matrices, see `mT`.":
                lambda grad, self, other: np.swapaxes(self, 0, 1) @ grad,
            "That is the transpose of the gradient.": lambda grad, self, other: turned(turned(self) @ grad),
        },
    },
    function="matmul",
)

ORACLES: dict[str, Oracle] = {
    "mul": Oracle(
        lambda self, other: self * other,
        {"self": lambda grad, self, other: grad * other, "other": lambda grad, self, other: grad * self},
        {name: {"That is grad * self * other: the derivative of a product is the other factor alone.":
                lambda grad, self, other: grad * self * other} for name in ("self", "other")},
    ),
    "div": Oracle(
        lambda self, other: self / other,
        {"self": lambda grad, self, other: grad / other,
         "other": lambda grad, self, other: -grad * self / (other * other)},
        {"self": {"That is grad * other: divide by other.": lambda grad, self, other: grad * other,
                  "That is grad * self / other: the derivative of the numerator is 1 / other.":
                      lambda grad, self, other: grad * self / other},
         "other": {"That is -grad * self / other: the denominator has to be squared.":
                       lambda grad, self, other: -grad * self / other,
                   "That is grad * self / other: the denominator has to be squared, and the sign is wrong.":
                       lambda grad, self, other: grad * self / other,
                   "That is -grad / other**2: the numerator, self, is missing.":
                       lambda grad, self, other: -grad / (other * other),
                   "That is -grad * self: `/ other * other` divides and multiplies again. Parentheses are missing.":
                       lambda grad, self, other: -grad * self,
                   "That is -grad * self * other: divide by other, twice.":
                       lambda grad, self, other: -grad * self * other,
                   "That is grad * self: the formula of a product.": lambda grad, self, other: grad * self}},
    ),
    "exp": Oracle(
        lambda self: np.exp(self),
        {"self": lambda grad, self: grad * np.exp(self)},
        {"self": {"That is grad * exp(exp(x)): the result is exp(x) already.":
                      lambda grad, self: grad * np.exp(np.exp(self)),
                  "That is grad * x: exp is its own derivative.": lambda grad, self: grad * self,
                  "That is grad / exp(x).": lambda grad, self: grad / np.exp(self)}},
    ),
    "log": Oracle(
        lambda self: np.log(self),
        {"self": lambda grad, self: grad / self},
        {"self": {"That is grad * x: divide by x.": lambda grad, self: grad * self,
                  "That is x / grad: the quotient is upside down.": lambda grad, self: self / grad,
                  "That is grad / log(x): divide by the input, not by the result.":
                      lambda grad, self: grad / np.log(self)}},
    ),
    "relu": Oracle(
        lambda self: np.maximum(self, 0.0),
        {"self": lambda grad, self: np.where(self > 0.0, grad, 0.0)},
        {"self": {"The gradient passed where x is 0. There, PyTorch's choice and ours is 0.":
                      lambda grad, self: np.where(self >= 0.0, grad, 0.0),
                  "0 times an infinite gradient is NaN: choose between the gradient and 0, do not multiply.":
                      lambda grad, self: (self > 0.0) * grad,
                  "That is relu(x) * grad: relu's derivative is 1 or 0.":
                      lambda grad, self: np.maximum(self, 0.0) * grad,
                  "The gradient that comes in was ignored: relu_back(x, grad) takes `grad` from its second argument.":
                      lambda grad, self: np.maximum(self, 0.0),
                  "relu_back got the gradient twice: first comes what tells where x is positive, then `grad`.":
                      lambda grad, self: np.maximum(grad, 0.0),
                  "The two arguments of relu_back are in the wrong order: x comes first.":
                      lambda grad, self: np.where(grad > 0.0, np.maximum(self, 0.0), 0.0),
                  "The gradient passed where x is negative as well.": lambda grad, self: grad,
                  "It passed where x is negative, and not where x is positive.":
                      lambda grad, self: np.where(self > 0.0, 0.0, grad)}},
    ),
    "sum": Oracle(
        lambda self, dims, keepdim: self.sum(axis=dims, keepdims=keepdim),
        {"self": lambda grad, self, dims, keepdim: np.broadcast_to(kept(grad, dims, keepdim), self.shape)},
        {"self": {"The gradient was stretched along a wrong dimension: put the summed ones back first, with size 1.":
                      lambda grad, self, dims, keepdim: np.broadcast_to(grad, self.shape),
                  "The summed dimensions were put back at the end, and not in their places.":
                      lambda grad, self, dims, keepdim: np.broadcast_to(
                          grad.reshape(grad.shape + (1,) * len(dims)), self.shape),
                  "That is the gradient divided by the number of elements: the derivative of a mean.":
                      lambda grad, self, dims, keepdim: np.broadcast_to(
                          kept(grad, dims, keepdim) / count(self, dims), self.shape),
                  "That is the gradient times x: the derivative of a sum is 1.":
                      lambda grad, self, dims, keepdim: kept(grad, dims, keepdim) * self,
                  "The dimensions are back, with size 1, but not stretched to the sizes of self.":
                      lambda grad, self, dims, keepdim: kept(grad, dims, keepdim)}},
    ),
    "amax": Oracle(
        lambda self, dims, keepdim: self.max(axis=dims, keepdims=keepdim),
        {"self": largest},
        {"self": {"Where several elements are the largest, each got the whole gradient: divide by how many there are.":
                      whole,
                  "Where several elements are the largest, the first one got the whole gradient: each gets its share.":
                      first,
                  "Equal elements were counted in the whole tensor: count them along `dims`.":
                      lambda grad, self, dims, keepdim: whole(grad, self, dims, keepdim)
                      / (self == self.max(axis=dims, keepdims=True)).sum(),
                  "The dimensions `dims` of the gradient were not put back.":
                      lambda grad, self, dims, keepdim: shares(self, self.max(axis=dims, keepdims=True), grad, dims),
                  "The dimensions `dims` of the result were not put back, before it was compared with self.":
                      lambda grad, self, dims, keepdim:
                          shares(self, self.max(axis=dims), kept(grad, dims, keepdim), dims),
                  "The dimensions `dims` of the result were not put back, and shares are missing.":
                      lambda grad, self, dims, keepdim:
                          np.where(self == self.max(axis=dims), kept(grad, dims, keepdim), 0.0),
                  "Equal elements were counted along `dims` without keeping these dimensions.":
                      lambda grad, self, dims, keepdim: shares(
                          self, self.max(axis=dims, keepdims=True), kept(grad, dims, keepdim), dims, keepdims=False),
                  "The gradient went to all elements but the largest.":
                      lambda grad, self, dims, keepdim: shares(
                          self, self.max(axis=dims, keepdims=True), kept(grad, dims, keepdim), dims, np.not_equal),
                  "Every element got the gradient: only the largest have one.":
                      lambda grad, self, dims, keepdim: np.broadcast_to(kept(grad, dims, keepdim), self.shape),
                  "Every element got a share: only the largest have one.":
                      lambda grad, self, dims, keepdim: np.broadcast_to(
                          kept(grad, dims, keepdim) / count(self, dims), self.shape),
                  "That is multiplied by the maximum: the derivative is the share alone.":
                      lambda grad, self, dims, keepdim: largest(grad, self, dims, keepdim) * self}},
    ),
    "mm": _MATMUL,
    "bmm": _MATMUL,
    "permute": Oracle(
        lambda self, dims: self.transpose(dims),
        {"self": lambda grad, self, dims: copies(lambda numbers: numbers.transpose(dims), grad, self)},
        {"self": {"The permutation was applied again, instead of its inverse.":
                      lambda grad, self, dims: grad.transpose(dims),
                  "The gradient was not permuted: its dimensions are still in the order of the result.":
                      lambda grad, self, dims: grad,
                  "The dimensions were reversed: that undoes the permutation of two dimensions only.":
                      lambda grad, self, dims: grad.transpose(dims[::-1])}},
    ),
    "expand": Oracle(
        lambda self, shape: np.broadcast_to(self, shape),
        {"self": lambda grad, self, shape: stretch_back(grad, self)},
        {"self": {"That is the mean over the repetitions: their gradients are added.":
                      lambda grad, self, shape: stretch_back(grad, self) * self.size / grad.size,
                  "Everything was summed: only repetitions are.": lambda grad, self, shape: grad.sum()}},
    ),
    "slice": Oracle(
        lambda self, dim, start, stop, step: sliced(dim, start, stop, step)(self),
        {"self": lambda grad, self, dim, start, stop, step: copies(sliced(dim, start, stop, step), grad, self)},
        {"self": {"The gradient was put to the beginning: the slice begins at `start`.":
                      lambda grad, self, dim, start, stop, step:
                          placed(grad, self, dim, slice(0, step * grad.shape[dim], step)),
                  "The step was left out: between the elements of the slice others were skipped.":
                      lambda grad, self, dim, start, stop, step:
                          placed(grad, self, dim, slice(start, start + grad.shape[dim])),
                  "Elements that the slice leaves out have the gradient 0.":
                      lambda grad, self, dim, start, stop, step: np.broadcast_to(grad, self.shape)}},
    ),
    "gather": Oracle(
        lambda self, dim, index: picked(dim, index)(self),
        {"self": lambda grad, self, dim, index: copies(picked(dim, index), grad, self)},
        {"self": {"An element that was picked more than once got only one of its gradients: they are added.": put,
                  "Nothing but zeros: scatter_add returns a new tensor, and the one it was called on stays as it is.":
                      lambda grad, self, dim, index: np.zeros(self.shape),
                  "The gradient was gathered again: it has to go back to where the elements came from.":
                      lambda grad, self, dim, index: picked(dim, index)(grad)}},
    ),
}


def with_others(oracle: Oracle, name: str, values: dict[str, Any]) -> dict[str, Gradient]:
    """The mistakes of one input, and those that every op can have."""
    own = oracle.gradients[name]
    found: dict[str, Gradient] = {
        "The gradient that comes in was ignored: that is the derivative alone. Multiply by `grad`.":
            lambda grad, **rest: own(np.ones_like(grad), **rest),
        **oracle.mistakes.get(name, {}),
        "The sign is wrong.": lambda grad, **rest: -own(grad, **rest),
        "The gradient that comes in was multiplied twice.": lambda grad, **rest: own(grad * grad, **rest),
    }
    for other, gradient in oracle.gradients.items():
        if other != name and values[other].shape == values[name].shape:
            found[f"That is the gradient of `{other}`: is the order of the formulas right?"] = gradient
    return found
