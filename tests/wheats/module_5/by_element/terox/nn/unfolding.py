"""A right solution that asks, for each element of the result, where it comes from."""


def unfold_range(begin, end, out, a, sizes, steps):
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for place in range(begin * out_h * out_w, end * out_h * out_w):
        x, rest = place % out_w, place // out_w
        y, row = rest % out_h, rest // out_h
        j, rest = row % kernel_w, row // kernel_w
        i, plane = rest % kernel_h, rest // kernel_h
        from_y = y * stride_h + i * dilation_h - padding_h
        from_x = x * stride_w + j * dilation_w - padding_w
        out[place] = 0
        if from_y < 0 or from_x < 0 or from_y >= height or from_x >= width:
            continue
        out[place] = a[plane * height * width + from_y * width + from_x]


def fold_range(begin, end, out, columns, sizes, steps):
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for place in range(begin * height * width, end * height * width):
        plane, rest = place // (height * width), place % (height * width)
        at_y, at_x = rest // width, rest % width
        total = 0.0
        for i in range(kernel_h - 1, -1, -1):
            from_y = at_y + padding_h - i * dilation_h
            if from_y < 0 or from_y % stride_h != 0 or from_y // stride_h >= out_h:
                continue
            for j in range(kernel_w - 1, -1, -1):
                from_x = at_x + padding_w - j * dilation_w
                if from_x >= 0 and from_x % stride_w == 0 and from_x // stride_w < out_w:
                    row = (plane * kernel_h + i) * kernel_w + j
                    total += columns[(row * out_h + from_y // stride_h) * out_w + from_x // stride_w]
        out[place] = total
