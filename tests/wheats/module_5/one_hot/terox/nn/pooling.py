"""A right solution built another way: the first element inside is looked for first; of several NaN the first."""


def max_pool_range(begin, end, out, indices, a, sizes, steps):
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for place in range(begin * out_w, end * out_w):
        plane = place // (out_h * out_w)
        y, x = place // out_w % out_h, place % out_w
        best, where = 0.0, -1
        for number in range(kernel_h * kernel_w):
            from_y = y * stride_h - padding_h + number // kernel_w * dilation_h
            from_x = x * stride_w - padding_w + number % kernel_w * dilation_w
            if from_y < 0 or from_y >= height or from_x < 0 or from_x >= width:
                continue
            value = a[plane * height * width + from_y * width + from_x]
            if where == -1 or value > best or (value != value and best == best):
                best = value
                where = from_y * width + from_x
        out[place] = best
        indices[place] = where
