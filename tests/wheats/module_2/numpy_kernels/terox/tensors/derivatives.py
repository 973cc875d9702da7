"""A right solution built another way: the same formulas in other words; inputs are saved where the results would do."""

from __future__ import annotations

from collections.abc import Sequence

from terox.tensors.factories import where, zeros
from terox.tensors.tensor import Tensor


def sum_to(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    while tensor.dim() > len(sizes):
        tensor = tensor.sum(0)
    for dim, size in enumerate(sizes):
        if size == 1 and tensor.shape[dim] != 1:
            tensor = tensor.sum(dim, keepdim=True)
    return tensor


@derivative("mul(self, other)", "self", "other")
def mul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    return (lambda grad: other * grad), (lambda grad: self * grad)


@derivative("div(self, other)", "self", "other")
def div(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    return lambda grad: grad / other, lambda grad: -(grad / other) * (self / other)


@derivative("exp(self)", "self")
def exp(self: Tensor) -> Formula:
    return lambda grad: self.exp() * grad


@derivative("log(self)", "self")
def log(self: Tensor) -> Formula:
    return lambda grad: grad * (1 / self)


@derivative("relu(self)", "self")
def relu(self: Tensor) -> Formula:
    return lambda grad: relu_back(self, grad)


@derivative("sum(self, dims, keepdim)", "self")
def sum(self_sizes: Sequence[int], dims: Sequence[int], keepdim: bool) -> Formula:
    sizes = [1 if dim in dims else size for dim, size in enumerate(self_sizes)]
    return lambda grad: grad.reshape(sizes).expand(self_sizes)


@derivative("amax(self, dims, keepdim)", "self")
def amax(self: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    largest = self == self.amax(dims, keepdim=True)
    share = 1 / largest.sum(dims, keepdim=True).to(self.dtype)
    return lambda grad: where(largest, unreduced(grad, dims, keepdim) * share, 0.0)


@derivative("mm(self, other)", "self", "other")
@derivative("bmm(self, other)", "self", "other")
def matmul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    return lambda grad: (other @ grad.mT).mT, lambda grad: (grad.mT @ self).mT


@derivative("permute(self, dims)", "self")
def permute(dims: Sequence[int]) -> Formula:
    back = sorted(range(len(dims)), key=dims.__getitem__)
    return lambda grad: grad.permute(back)


@derivative("expand(self, shape)", "self")
def expand() -> Formula:
    return lambda grad: grad  # every gradient is summed to the shape of its input


@derivative("slice(self, dim, start, stop, step)", "self")
def slice(self_sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Formula:
    def back(grad: Tensor) -> Tensor:
        return pad(grad, self_sizes, dim, start, stop, step)

    return back


@derivative("gather(self, dim, index)", "self")
def gather(self_sizes: Sequence[int], dim: int, index: Tensor) -> Formula:
    return lambda grad: zeros(self_sizes, dtype=grad.dtype, device=grad.device).scatter_add(dim, index, grad)
