"""Times in place of rates, and closed forms in place of sums."""


def elementwise_cost(out, *ins, flop=1, itemsize=4):
    moved = 0
    for shape in (out, *ins):
        moved += numel(shape)  # noqa: F821
    positive(itemsize=itemsize, flop=flop)  # noqa: F821
    return Cost(flop * numel(out), moved * itemsize)  # noqa: F821


def attainable(intensity, bandwidth, peak):
    positive(intensity=intensity, bandwidth=bandwidth, peak=peak)  # noqa: F821
    seconds = max(1.0 / peak, 1.0 / (intensity * bandwidth))
    return 1.0 / seconds
