"""Convolution with a stride of 1 and its gradients, without columns: more loops of fused_conv.py. Provided.

Lay the rows of a plane, with its padding, one behind the other. Then the windows' elements (i, j) also lie one behind
the other: where a window's first element is at x, this one is at x + i * dilation_h * across + j * dilation_w, for rows
`across` apart. So what unfold copies for each element of the kernel is here the same plane, begun elsewhere, and a
product needs nothing but to be told where. The price: at the end of each row are windows that reach into the next one,
computed for nothing and left out when rows are copied. For LeNet's 28 x 28 numbers that is one in eight.

sizes: N, channels, height, width, kernel_h, kernel_w, out_h, out_w, kernels, groups, rows of windows in a tile (for the
gradient for the input: channels), tiles of a part, images that are worked on together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.nn.fused_loops import PIECE, gather_rows, pad_plane, whole
from terox.nn.fused_products import add_dots, add_rows, scratch

BLOCK = 1024  # numbers of a row that are worked on at a time: a few such rows fit the first cache


def starts(deep: int, area: int, across: int, sizes: Any, steps: Any) -> Any:
    """Where the first window's element (i, j) of each channel lies, for planes `area` apart."""
    kernel_h, kernel_w = sizes[4], sizes[5]
    at = np.empty(deep * kernel_h * kernel_w, np.int64)
    for c in range(deep):
        for i in range(kernel_h):
            for j in range(kernel_w):
                at[(c * kernel_h + i) * kernel_w + j] = c * area + i * steps[2, 0] * across + j * steps[2, 1]
    return at


def pad_planes(planes: Any, a: Any, image: int, channel: int, deep: int, top: int, bottom: int, area: int, sizes: Any,
               steps: Any) -> None:
    """What windows `top` to `bottom`, counted in rows, see of `deep` channels of an image, with padding."""
    high = bottom - top + (sizes[4] - 1) * steps[2, 0]
    for c in range(deep):
        pad_plane(planes, c * area, a, image * sizes[1] + channel + c, top, high, sizes, steps)


def flat_forward(begin: int, end: int, out: Any, a: Any, weight: Any, bias: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the result, (N, kernels, out_h, out_w): some rows of an image."""
    channels, out_h, out_w, kernels, groups, high = sizes[1], sizes[6], sizes[7], sizes[8], sizes[9], sizes[10]
    deep, own, blocks, across = channels // groups, kernels // groups, (out_h + high - 1) // high, _across(sizes, steps)
    k, area, pitch = deep * sizes[4] * sizes[5], _area(high, sizes, steps), whole(high * across)
    planes, rows = scratch(deep * area + PIECE, a), scratch(4 * pitch, a)
    planes[:] = 0
    at = starts(deep, area, across, sizes, steps)
    for tile in range(begin, end):
        image, top = tile // blocks, tile % blocks * high
        bottom = min(top + high, out_h)
        n = (bottom - top - 1) * across + out_w
        for group in range(groups):
            pad_planes(planes, a, image, group * deep, deep, top, bottom, area, sizes, steps)
            for first in range(group * own, (group + 1) * own, 4):
                several = min(4, (group + 1) * own - first)
                for o in range(several):
                    rows[o * pitch : o * pitch + n] = bias[first + o]
                add_rows(rows, 0, weight, first, several, planes, at, k, n, pitch)
                for o in range(several):
                    place = ((image * kernels + first + o) * out_h + top) * out_w
                    _take_rows(out, place, rows, o * pitch, bottom - top, out_w, across)


def flat_weight(begin: int, end: int, out: Any, a: Any, grad: Any, sizes: Any, steps: Any) -> None:
    """Parts `begin` to `end` of the gradient for the weight, each of several tiles: (parts, groups, k, kernels of a
    group), where k = channels of a group * kernel_h * kernel_w.

    The windows that do not count have a gradient of 0, which times an infinity is NaN.
    """
    count, channels, out_h, out_w, kernels, groups = sizes[0], sizes[1], sizes[6], sizes[7], sizes[8], sizes[9]
    high, several, together, across = sizes[10], sizes[11], sizes[12], _across(sizes, steps)
    deep, own, blocks = channels // groups, kernels // groups, (out_h + high - 1) // high
    k, area, apart = deep * sizes[4] * sizes[5], _area(high, sizes, steps), whole(high * across)
    pitch = together * apart
    planes, rows = scratch(together * deep * area + PIECE, a), scratch(own * pitch, a)
    planes[:] = 0
    at = starts(deep, area, across, sizes, steps)
    for part in range(begin, end):
        out[part * k * kernels : (part + 1) * k * kernels] = 0
        tile, behind = part * several, min((part + 1) * several, count * blocks)
        while tile < behind:
            image, top = tile // blocks, tile % blocks * high
            images, bottom = min(together, behind - tile), min(top + high, out_h)
            for group in range(groups):
                for n in range(images):
                    pad_planes(planes[n * deep * area :], a, image + n, group * deep, deep, top, bottom, area, sizes,
                               steps)
                gather_rows(rows, grad, image, images, group * own, own, top, bottom, across, apart, pitch, sizes)
                add_dots(out, (part * groups + group) * k * own, planes, at, rows, k, own,
                         (bottom - top - 1) * across + out_w, pitch, images, deep * area, apart)
            tile += images


def flat_input(begin: int, end: int, out: Any, grad: Any, turned: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the gradient for the input, (N, channels, height, width): some channels of an image.

    Each row of the gradient, times a number of the weight, is added to a plane from where that number's window
    elements begin. turned: the weight, (groups, kernel_h * kernel_w, channels of a group, kernels of a group). Windows
    that do not count have a gradient of 0, which times an infinity is NaN.
    """
    channels, height, width, out_h, out_w = sizes[1], sizes[2], sizes[3], sizes[6], sizes[7]
    kernels, groups, part, across = sizes[8], sizes[9], sizes[10], _across(sizes, steps)
    deep, own, taps = channels // groups, kernels // groups, sizes[4] * sizes[5]
    parts, n = (deep + part - 1) // part, (out_h - 1) * across + out_w
    area, pitch = _area(out_h, sizes, steps), whole(out_h * across)
    planes, rows = scratch((part + 3) * area, grad), scratch(own * pitch, grad)
    shift, at = starts(1, 0, across, sizes, steps), np.arange(own) * pitch
    for tile in range(begin, end):
        image, group, first = tile // (groups * parts), tile // parts % groups, tile % parts * part
        several = min(part, deep - first)
        gather_rows(rows, grad, image, 1, group * own, own, 0, out_h, across, pitch, pitch, sizes)
        planes[:] = 0
        for x in range(0, n, BLOCK):
            for c in range(0, several, 4):
                for tap in range(taps):
                    add_rows(planes, c * area + shift[tap] + x, turned, (group * taps + tap) * deep + first + c,
                             min(4, several - c), rows[x:], at, own, min(BLOCK, n - x), area)
        for c in range(several):
            place = (image * channels + group * deep + first + c) * height * width
            _take_rows(out, place, planes, c * area + steps[1, 0] * across + steps[1, 1], height, width, across)


def _take_rows(out: Any, place: int, rows: Any, start: int, count: int, width: int, across: int) -> None:
    """`count` rows, `across` apart, one behind the other."""
    for y in range(count):
        target = out[place + y * width : place + (y + 1) * width]
        source = rows[start + y * across : start + y * across + width]
        for x in range(width):
            target[x] = source[x]


def _across(sizes: Any, steps: Any) -> int:
    """The width of a plane with its padding."""
    return sizes[3] + 2 * steps[1, 1]


def _area(high: int, sizes: Any, steps: Any) -> int:
    """What `high` rows of windows see of a plane: elements, in whole vectors."""
    return whole((high + (sizes[4] - 1) * steps[2, 0]) * _across(sizes, steps))
