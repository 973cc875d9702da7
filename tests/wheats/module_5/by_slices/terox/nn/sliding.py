"""A right solution with a padded copy that is written into, and with sums in place of a product."""


def output_size(size, kernel, stride=1, padding=0, dilation=1):
    free = size + 2 * padding - dilation * (kernel - 1) - 1
    return int(free // stride) + 1


def conv1d(input, weight, bias=None, stride=1, padding=0):
    n, c, length = input.shape
    o, _, kernel = weight.shape
    room = input.new_zeros((n, c, length + 2 * padding))
    room[:, :, padding : padding + length] = input
    count = output_size(length, kernel, stride, padding)
    out = input.new_zeros((n, o, count)) if bias is None else bias.reshape(1, o, 1).expand(n, o, count)
    for k in reversed(range(kernel)):
        part = room[:, :, k:][:, :, ::stride][:, :, :count]
        out = out + (weight[:, :, k].reshape(1, o, c, 1) * part.unsqueeze(1)).sum(2)
    return out
