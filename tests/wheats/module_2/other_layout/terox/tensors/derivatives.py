"""A right solution built another way: named inner functions, work done before they run, and more saved than is needed."""

from __future__ import annotations

from collections.abc import Sequence

from terox.tensors.factories import ones_like
from terox.tensors.tensor import Tensor


def sum_to(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    if tuple(tensor.shape) == tuple(sizes):
        return tensor
    front = tensor.dim() - len(sizes)
    dims = [dim for dim in range(tensor.dim()) if dim < front or (sizes[dim - front] == 1 != tensor.shape[dim])]
    return tensor.sum(dims).reshape(tuple(sizes))


@derivative("mul(self, other)", "self", "other")
def mul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    def of_self(grad: Tensor) -> Tensor:
        return grad * other

    def of_other(grad: Tensor) -> Tensor:
        return grad * self

    return of_self, of_other


@derivative("div(self, other)", "self", "other")
def div(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    quotient = self / other

    def of_self(grad: Tensor) -> Tensor:
        return grad / other

    def of_other(grad: Tensor) -> Tensor:
        return -(quotient * grad) / other

    return of_self, of_other


@derivative("exp(self)", "self")
def exp(self: Tensor, result: Tensor) -> Formula:
    slope = self.exp()

    def of_self(grad: Tensor) -> Tensor:
        return slope * grad

    return of_self


@derivative("log(self)", "self")
def log(self: Tensor) -> Formula:
    slope = ones_like(self) / self
    return lambda grad: slope * grad


@derivative("relu(self)", "self")
def relu(self: Tensor, result: Tensor) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        return relu_back(self, grad)

    return of_self


@derivative("sum(self, dims, keepdim)", "self")
def sum(self_sizes: Sequence[int], dims: Sequence[int], keepdim: bool) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        if not keepdim:
            for dim in sorted(dims):
                grad = grad.unsqueeze(dim)
        return grad + grad.new_zeros(self_sizes)

    return of_self


@derivative("amax(self, dims, keepdim)", "self")
def amax(self: Tensor, result: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    result = unreduced(result, dims, keepdim)
    winners = (self == result).to(self.dtype)
    shares = winners / winners.sum(dims, keepdim=True)

    def of_self(grad: Tensor) -> Tensor:
        return unreduced(grad, dims, keepdim) * shares

    return of_self


@derivative("mm(self, other)", "self", "other")
@derivative("bmm(self, other)", "self", "other")
def matmul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    turned_self, turned_other = self.transpose(-1, -2), other.transpose(-2, -1)

    def of_self(grad: Tensor) -> Tensor:
        return grad.matmul(turned_other)

    def of_other(grad: Tensor) -> Tensor:
        return turned_self.matmul(grad)

    return of_self, of_other


@derivative("permute(self, dims)", "self")
def permute(dims: Sequence[int]) -> Formula:
    back = [0] * len(dims)
    for place, dim in enumerate(dims):
        back[dim] = place

    def of_self(grad: Tensor) -> Tensor:
        return grad.permute(*back)

    return of_self


@derivative("expand(self, shape)", "self")
def expand(self_sizes: Sequence[int], shape: Sequence[int]) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        return sum_to(grad, tuple(self_sizes))

    return of_self


@derivative("slice(self, dim, start, stop, step)", "self")
def slice(self_sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Formula:
    import builtins

    def of_self(grad: Tensor) -> Tensor:
        zeros = grad.new_zeros(self_sizes)
        zeros[(builtins.slice(None),) * dim + (builtins.slice(start, stop, step),)] = grad
        return zeros

    return of_self


@derivative("gather(self, dim, index)", "self")
def gather(self_sizes: Sequence[int], dim: int, index: Tensor) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        return grad.new_zeros(tuple(self_sizes)).scatter_add(dim, index, grad)

    return of_self
