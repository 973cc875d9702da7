"""A tensor of factors, 0 or 1 / (1 - p), without a comparison with p itself."""

from terox.tensors.factories import rand, where, zeros_like


def dropout(input, p, training):
    if not training or p == 0:
        return input
    nothing = zeros_like(input)
    if p == 1:
        return input * nothing
    random = rand(input.shape, dtype=input.dtype, device=input.device)
    return where(random < 1 - p, nothing + 1 / (1 - p), nothing) * input
