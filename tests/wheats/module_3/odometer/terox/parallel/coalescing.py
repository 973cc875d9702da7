"""Dimensions are sorted by hand, and merged from the right."""


def reorder(sizes, strides):
    order = []
    for d in range(len(sizes)):
        at = len(order)
        while at > 0 and _before(d, order[at - 1], strides):
            at -= 1
        order.insert(at, d)
    return tuple([sizes[d] for d in order]), [tuple([operand[d] for d in order]) for operand in strides]


def _before(d, other, strides):
    for operand in strides:
        if operand[d] != operand[other]:
            return operand[d] > operand[other]
    return False


def coalesce(sizes, strides):
    dims = [(size, *steps) for size, *steps in zip(sizes, *strides) if size > 1]
    d = len(dims) - 2
    while d >= 0:
        left, right = dims[d], dims[d + 1]
        if all(step == right[0] * other for step, other in zip(left[1:], right[1:])):
            dims[d : d + 2] = [(left[0] * right[0], *right[1:])]
        d -= 1
    if not dims:
        dims = [(1,) + (0,) * len(strides)]
    columns = list(zip(*dims))
    return columns[0], columns[1:]
