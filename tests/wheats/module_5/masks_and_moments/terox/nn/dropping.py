"""A Function with a mask of factors, written by hand."""

from terox.autograd.function import Function
from terox.tensors.factories import rand, where, zeros_like


class Dropped(Function):
    @staticmethod
    def forward(ctx, input, factors):
        ctx.save_for_backward(factors)
        return input * factors

    @staticmethod
    def backward(ctx, grad):
        (factors,) = ctx.saved_tensors
        return grad * factors, None


def dropout(input, p, training):
    if not training or p == 0:
        return input
    nothing = zeros_like(input)
    if p == 1:
        return nothing
    random = rand(input.shape, dtype=input.dtype, device=input.device)
    return Dropped.apply(input, where(random < 1 - p, nothing + 1 / (1 - p), nothing))
