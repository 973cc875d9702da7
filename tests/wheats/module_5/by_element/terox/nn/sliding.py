"""A right solution that counts, and that stacks all slices for one product."""

from terox.tensors.factories import cat


def output_size(size, kernel, stride=1, padding=0, dilation=1):
    count, begin = 0, -padding
    while begin + dilation * (kernel - 1) < size + padding:
        count += 1
        begin += stride
    return count


def conv1d(input, weight, bias=None, stride=1, padding=0):
    n, c, length = input.shape
    o, _, kernel = weight.shape
    room = cat([input.new_zeros((n, c, padding)), input, input.new_zeros((n, c, padding + stride))], 2)
    count = output_size(length, kernel, stride, padding)
    columns = cat([room[:, :, k : k + stride * count : stride].unsqueeze(2) for k in range(kernel)], 2)
    out = weight.reshape(1, o, c * kernel) @ columns.reshape(n, c * kernel, count)
    if bias is not None:
        out += bias.reshape(1, -1, 1)
    return out
