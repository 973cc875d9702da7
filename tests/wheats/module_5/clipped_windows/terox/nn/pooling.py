"""A right solution built another way: loops that stop at the plane's edges, and no question inside; backward with
`while`.
"""


def max_pool_range(begin, end, out, indices, a, sizes, steps):
    height, width, kernel_h, kernel_w, out_h, out_w = sizes_of(sizes)
    stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w = steps_of(steps)
    for row in range(begin, end):
        plane, y = row // out_h, row % out_h
        top = y * stride_h - padding_h
        bottom = min(top + (kernel_h - 1) * dilation_h + 1, height)
        while top < 0:
            top += dilation_h
        for x in range(out_w):
            left = x * stride_w - padding_w
            right = min(left + (kernel_w - 1) * dilation_w + 1, width)
            while left < 0:
                left += dilation_w
            where = top * width + left
            best = a[plane * height * width + where]
            for from_y in range(top, bottom, dilation_h):
                for from_x in range(left, right, dilation_w):
                    value = a[(plane * height + from_y) * width + from_x]
                    if not math.isnan(best) and (value > best or math.isnan(value)):
                        best = value
                        where = from_y * width + from_x
            out[row * out_w + x] = best
            indices[row * out_w + x] = where


def max_pool_back_range(begin, end, grad_input, grad, indices, sizes, steps):
    plane, results = sizes[0] * sizes[1], sizes[4] * sizes[5]
    grad_input[begin * plane : end * plane] = 0
    place = begin * results
    while place < end * results:
        to = place // results * plane + indices[place]
        grad_input[to] = grad_input[to] + grad[place]
        place += 1
