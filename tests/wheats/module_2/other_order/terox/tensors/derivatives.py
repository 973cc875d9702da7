"""A right solution built another way: formulas that are equal in algebra, not in their steps."""

from __future__ import annotations

from collections.abc import Sequence

from terox.tensors.factories import full_like, stack, where
from terox.tensors.tensor import Tensor


def sum_to(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    front = tensor.dim() - len(sizes)
    repeats = 1
    for size in tensor.shape[:front]:
        repeats *= size
    tensor = tensor.reshape(repeats, *tensor.shape[front:]).sum(0) if front else tensor
    for dim in reversed(range(len(sizes))):
        if sizes[dim] != tensor.shape[dim]:
            tensor = tensor.sum(dim).unsqueeze(dim)
    return tensor


@derivative("mul(self, other)", "self", "other")
def mul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    return tuple([lambda grad, factor=factor: factor * grad for factor in (other, self)])


@derivative("div(self, other)", "self", "other")
def div(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    def inverse(grad: Tensor) -> Tensor:
        divisor = other.to(grad.dtype) if isinstance(other, Tensor) else full_like(grad, other)
        return divisor.reciprocal()

    return lambda grad: grad * inverse(grad), lambda grad: (0 - grad) * (self * inverse(grad) ** 2)


@derivative("exp(self)", "self")
def exp(result: Tensor) -> Formula:
    return lambda grad: grad.mul(result)


@derivative("log(self)", "self")
def log(self: Tensor) -> Formula:
    return lambda grad: grad * self.reciprocal()


@derivative("relu(self)", "self")
def relu(self: Tensor) -> Formula:
    return lambda grad: where(self <= 0, 0.0, grad)


@derivative("sum(self, dims, keepdim)", "self")
def sum(self_sizes: Sequence[int], dims: Sequence[int], keepdim: bool) -> Formula:
    return lambda grad: unreduced(grad, dims, keepdim) * grad.new_ones(self_sizes)


@derivative("amax(self, dims, keepdim)", "self")
def amax(self: Tensor, result: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        smaller = self != unreduced(result, dims, keepdim)
        equal = smaller.logical_not().to(grad.dtype).sum(dims, keepdim=True)
        return (unreduced(grad, dims, keepdim) / equal).expand(self.shape).masked_fill(smaller, 0.0)

    return of_self


@derivative("mm(self, other)", "self", "other")
@derivative("bmm(self, other)", "self", "other")
def matmul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    # Products of all pairs, (..., n, k, m), and their sums along m and along n.
    return (lambda grad: (grad.unsqueeze(-2) * other.unsqueeze(-3)).sum(-1),
            lambda grad: (self.unsqueeze(-1) * grad.unsqueeze(-2)).sum(-3))


@derivative("permute(self, dims)", "self")
def permute(dims: Sequence[int]) -> Formula:
    places = {dim: place for place, dim in enumerate(dims)}
    return lambda grad: grad.permute(tuple(places[dim] for dim in sorted(places)))


@derivative("expand(self, shape)", "self")
def expand(self_sizes: Sequence[int]) -> Formula:
    return lambda grad: sum_to(grad, tuple(self_sizes))


@derivative("slice(self, dim, start, stop, step)", "self")
def slice(self_sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        parts = list(grad.unbind(dim))
        nothing = grad.new_zeros([size for d, size in enumerate(self_sizes) if d != dim])
        rows = [parts[(n - start) // step] if start <= n < stop and (n - start) % step == 0 else nothing
                for n in range(self_sizes[dim])]
        return stack(rows, dim) if parts else grad.new_zeros(self_sizes) + grad.sum()

    return of_self


@derivative("gather(self, dim, index)", "self")
def gather(self_sizes: Sequence[int], dim: int, index: Tensor) -> Formula:
    def of_self(grad: Tensor) -> Tensor:
        if not self_sizes:
            return grad.sum()
        # For each place along dim: all gradients that came from there, added up.
        rows = [where(index == n, grad, 0.0).sum(dim) for n in range(self_sizes[dim])]
        if not rows:
            return grad.new_zeros(self_sizes) + grad.sum()
        gradient = stack(rows, dim)
        for d, size in enumerate(self_sizes):  # what lies beyond the index was never picked
            if gradient.shape[d] != size:
                sizes = (*gradient.shape[:d], size, *gradient.shape[d + 1 :])
                gradient = pad(gradient, sizes, d, 0, gradient.shape[d], 1)
        return gradient

    return of_self
