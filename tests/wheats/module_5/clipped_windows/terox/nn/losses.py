"""A right solution built another way: the maximum keeps its history, and the logarithm of the sum is a name."""


def log_softmax(input, dim):
    top = input.amax(dim, keepdim=True)
    return input - (top + (input - top).exp().sum(dim, keepdim=True).log())
