"""A right solution with one product for each example, and everything transposed."""

from terox.tensors.factories import cat, stack


def conv2d(input, weight, stride, padding, dilation):
    o, c, kh, kw = weight.shape
    windows = unfold(input, (kh, kw), dilation, padding, stride).transpose(1, 2)
    out = windows @ weight.reshape(o, c * kh * kw).T
    height = output_size(input.shape[2], kh, stride[0], padding[0], dilation[0])
    width = output_size(input.shape[3], kw, stride[1], padding[1], dilation[1])
    return out.reshape(len(input), height, width, o).permute(0, 3, 1, 2)


def conv2d_input(input_size, weight, grad_output, stride, padding, dilation):
    n, c, h, w = input_size
    o, _, kh, kw = weight.shape
    matrix = weight.permute(1, 2, 3, 0).reshape(c * kh * kw, o)
    found = [fold((matrix @ each.reshape(o, -1)).unsqueeze(0), (h, w), (kh, kw), dilation, padding, stride)
             for each in grad_output]
    return cat(found, 0)


def conv2d_weight(input, weight_size, grad_output, stride, padding, dilation):
    o, c, kh, kw = weight_size
    columns = unfold(input, (kh, kw), dilation, padding, stride)
    each = [(columns[n] @ grad_output[n].reshape(o, -1).T).T for n in range(len(input))]
    return stack(each).sum(0).view(o, c * kh * kw).reshape(o, c, kh, kw)
