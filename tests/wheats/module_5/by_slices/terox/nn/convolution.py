"""A right solution that puts the batch into the columns, so that there is one product in all."""


def conv2d(input, weight, stride, padding, dilation):
    sizes = weight.shape
    columns = unfold(input, sizes[2:], dilation, padding, stride)
    flat = columns.permute(1, 0, 2).flatten(1)
    out = (weight.flatten(1) @ flat).reshape(sizes[0], input.shape[0], columns.shape[2]).transpose(0, 1)
    count = output_size(input.shape[2], sizes[2], stride[0], padding[0], dilation[0])
    return out.reshape(input.shape[0], sizes[0], count, columns.shape[2] // count)


def conv2d_input(input_size, weight, grad_output, stride, padding, dilation):
    columns = weight.flatten(1).transpose(0, 1).unsqueeze(0) @ grad_output.flatten(start_dim=2)
    return fold(columns, tuple(input_size[-2:]), tuple(weight.shape[-2:]), dilation, padding, stride)


def conv2d_weight(input, weight_size, grad_output, stride, padding, dilation):
    columns = unfold(input, tuple(weight_size[-2:]), dilation, padding, stride)
    flat = columns.permute(1, 0, 2).flatten(1)
    return (grad_output.flatten(2).transpose(0, 1).flatten(1) @ flat.T).reshape(weight_size)
