"""Convolution and its gradients as loops over tiles: the loops of fused_conv.py. Provided.

A tile is some of the windows of a batch: those of a few small images, or some rows of those of one large image. Its
columns are made in scratch memory that stays in the cache, and used at once. Two things make that fast: a plane is
copied with its padding first, so that nothing asks whether a place is outside; and rows are moved in pieces of 8, all
of which are read before any is written, which becomes one vector instruction.

In scratch memory, all matrices have rows `pitch` apart, of which the last PIECE or more belong to no window.

In PyTorch: `aten/src/ATen/native/im2col.h`, `ConvolutionMM2d.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox.nn.fused_products import add_dots, times_rows

PIECE = 8


def copy_row(target: Any, source: Any, n: int) -> None:
    """`target[:n] = source[:n]`, in whole pieces: up to 7 elements more are read and written."""
    for x in range(0, n, PIECE):
        a, b = source[x : x + PIECE], target[x : x + PIECE]
        a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = a0, a1, a2, a3, a4, a5, a6, a7


def unfold_tile(columns: Any, a: Any, plane: Any, image: int, images: int, channel: int, deep: int, top: int,
                bottom: int, pitch: int, sizes: Any, steps: Any) -> None:
    """The windows of rows `top` to `bottom` of `images` images, `deep` channels of each, as columns.

    columns: (deep * kernel_h * kernel_w, pitch), each row with image after image. plane: scratch, zeros at first.
    """
    channels, height, width, kernel_h, kernel_w, out_w = sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[7]
    stride_h, stride_w, padding_h, padding_w = steps[0, 0], steps[0, 1], steps[1, 0], steps[1, 1]
    dilation_h, dilation_w = steps[2, 0], steps[2, 1]
    wide, first = width + 2 * padding_w, top * stride_h
    high = (bottom - 1 - top) * stride_h + (kernel_h - 1) * dilation_h + 1
    for n in range(images):
        for c in range(deep):
            number = (image + n) * channels + channel + c
            for y in range(high):
                start, from_y = y * wide + padding_w, first + y - padding_h
                inside = plane[start : start + width]
                if 0 <= from_y < height:
                    source = a[(number * height + from_y) * width : (number * height + from_y + 1) * width]
                    for x in range(width):
                        inside[x] = source[x]
                else:
                    inside[:] = 0
            for i in range(kernel_h):
                for j in range(kernel_w):
                    start = i * dilation_h * wide + j * dilation_w
                    place = ((c * kernel_h + i) * kernel_w + j) * pitch + n * (bottom - top) * out_w
                    for _ in range(top, bottom):
                        if stride_w == 1:
                            copy_row(columns[place:], plane[start:], out_w)
                        else:
                            target, row = columns[place : place + out_w], plane[start:]
                            for x in range(out_w):
                                target[x] = row[x * stride_w]
                        place += out_w
                        start += stride_h * wide


def gather_rows(rows: Any, grad: Any, image: int, images: int, kernel: int, count: int, top: int, bottom: int,
                wide: int, pitch: int, sizes: Any) -> None:
    """What `grad`, (N, kernels, out_h, out_w), has for the windows of a tile: (count, pitch), each row with image after
    image, and of each, rows `top` to `bottom`, filled up with zeros to a width of `wide`. Zeros up to `pitch`."""
    out_h, out_w, kernels = sizes[6], sizes[7], sizes[8]
    for o in range(count):
        place = o * pitch
        for n in range(images):
            from_row = ((image + n) * kernels + kernel + o) * out_h
            for y in range(top, bottom):
                source, target = grad[(from_row + y) * out_w : (from_row + y + 1) * out_w], rows[place : place + wide]
                for x in range(out_w):
                    target[x] = source[x]
                for x in range(out_w, wide):
                    target[x] = 0
                place += wide
        rows[place : (o + 1) * pitch] = 0


def fold_plane(plane: Any, columns: Any, place: int, wide: int, pitch: int, sizes: Any, steps: Any) -> None:
    """Add to a plane with its padding what its columns hold; those begin at `place`.

    For a stride of 1, rows are `wide`, as those of the plane are, and what lies beyond out_w is 0. So where a kernel's
    element (i, j) goes differs from where (0, 0) goes by one number: all rows can be added as one.
    """
    kernel_h, kernel_w, out_h, out_w = sizes[4], sizes[5], sizes[6], sizes[7]
    stride_h, stride_w, dilation_h, dilation_w = steps[0, 0], steps[0, 1], steps[2, 0], steps[2, 1]
    flat, n = stride_h == 1 and stride_w == 1, out_h * wide
    across = wide if flat else sizes[3] + 2 * steps[1, 1]
    for i in range(kernel_h):
        j = 0
        while j < kernel_w:
            start = i * dilation_h * across + j * dilation_w
            if flat and j > 0 and j + 4 <= kernel_w:
                # Before element j's first number comes the end of another row: 0.
                begin, apart = place - j * dilation_w, pitch - dilation_w
                target = plane[i * dilation_h * across : i * dilation_h * across + n]
                a, b = columns[begin : begin + n], columns[begin + apart : begin + apart + n]
                c = columns[begin + 2 * apart : begin + 2 * apart + n]
                d = columns[begin + 3 * apart : begin + 3 * apart + n]
                for x in range(n):
                    target[x] = target[x] + a[x] + b[x] + c[x] + d[x]
                j, place = j + 4, place + 4 * pitch
            elif flat:
                target, source = plane[start : start + n - j * dilation_w], columns[place : place + n]
                for x in range(n - j * dilation_w):
                    target[x] += source[x]
                j, place = j + 1, place + pitch
            else:
                for y in range(out_h):
                    target, source = plane[start + y * stride_h * across :], columns[place + y * wide :]
                    for x in range(out_w):
                        target[x * stride_w] += source[x]
                j, place = j + 1, place + pitch


def forward_tiles(begin: int, end: int, out: Any, a: Any, weight: Any, bias: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the result, (N, kernels, out_h, out_w).

    sizes: N, channels, height, width, kernel_h, kernel_w, out_h, out_w, kernels, groups, images and rows of a tile.
    """
    count, channels, out_h, out_w, kernels, groups = sizes[0], sizes[1], sizes[6], sizes[7], sizes[8], sizes[9]
    most, high = sizes[10], sizes[11]
    deep, own, blocks = channels // groups, kernels // groups, (out_h + high - 1) // high
    k = deep * sizes[4] * sizes[5]
    pitch = whole(most * high * out_w + PIECE)
    columns, rows = np.empty(k * pitch, a.dtype), np.empty(4 * pitch, a.dtype)
    plane = np.zeros(padded(high, sizes, steps), a.dtype)
    for tile in range(begin, end):
        image, top = tile // blocks * most, tile % blocks * high
        images, bottom = min(most, count - image), min(top + high, out_h)
        length = (bottom - top) * out_w
        for group in range(groups):
            unfold_tile(columns, a, plane, image, images, group * deep, deep, top, bottom, pitch, sizes, steps)
            for first in range(group * own, (group + 1) * own, 4):
                several = min(4, (group + 1) * own - first)
                times_rows(rows, weight, first, several, columns, k, images * length, pitch)
                for o in range(several):
                    shift = bias[first + o]
                    for n in range(images):
                        place = (((image + n) * kernels + first + o) * out_h + top) * out_w
                        target = out[place : place + length]
                        source = rows[o * pitch + n * length : o * pitch + (n + 1) * length]
                        for x in range(length):
                            target[x] = source[x] + shift


def padded(high: int, sizes: Any, steps: Any) -> int:
    """How many elements the part of a plane has, with its padding, that `high` rows of windows need; and PIECE more."""
    rows = (high - 1) * steps[0, 0] + (sizes[4] - 1) * steps[2, 0] + 1
    return max(rows, sizes[2] + 2 * steps[1, 0]) * (sizes[3] + 2 * steps[1, 1]) + PIECE


def whole(n: int) -> int:
    """n or a little more, so that a loop of so many has no rest beside its vectors."""
    return (n + 31) // 32 * 32


def weight_tiles(begin: int, end: int, out: Any, a: Any, grad: Any, sizes: Any, steps: Any) -> None:
    """Parts `begin` to `end` of the gradient for the weight, each of several tiles: (parts, groups, k, kernels of a
    group), where k = channels of a group * kernel_h * kernel_w. sizes: as above, and tiles of a part."""
    count, channels, out_h, out_w, kernels, groups = sizes[0], sizes[1], sizes[6], sizes[7], sizes[8], sizes[9]
    most, high, several = sizes[10], sizes[11], sizes[12]
    deep, own, blocks = channels // groups, kernels // groups, (out_h + high - 1) // high
    k = deep * sizes[4] * sizes[5]
    pitch = whole(most * high * out_w + PIECE)
    columns, rows = np.empty(k * pitch, a.dtype), np.empty(own * pitch, a.dtype)
    plane = np.zeros(padded(high, sizes, steps), a.dtype)
    tiles = (count + most - 1) // most * blocks
    for part in range(begin, end):
        out[part * k * kernels : (part + 1) * k * kernels] = 0
        for tile in range(part * several, min((part + 1) * several, tiles)):
            image, top = tile // blocks * most, tile % blocks * high
            images, bottom = min(most, count - image), min(top + high, out_h)
            for group in range(groups):
                unfold_tile(columns, a, plane, image, images, group * deep, deep, top, bottom, pitch, sizes, steps)
                gather_rows(rows, grad, image, images, group * own, own, top, bottom, out_w, pitch, sizes)
                place = (part * groups + group) * k * own
                add_dots(out[place : place + k * own], columns, rows, k, own, images * (bottom - top) * out_w, pitch)


def input_tiles(begin: int, end: int, out: Any, grad: Any, turned: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the gradient for the input, (N, channels, height, width): a few images, and some
    channels of a group.

    turned: the weight, (groups, k, kernels of a group). sizes: as above, but channels of a tile in the place of rows.
    """
    count, channels, height, width, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3], sizes[6], sizes[7]
    kernels, groups, most, part = sizes[8], sizes[9], sizes[10], sizes[11]
    deep, own, taps = channels // groups, kernels // groups, sizes[4] * sizes[5]
    parts = (deep + part - 1) // part
    padding_h, padding_w = steps[1, 0], steps[1, 1]
    across = width + 2 * padding_w
    wide = across if steps[0, 0] == 1 and steps[0, 1] == 1 else out_w
    pitch = whole(most * out_h * wide + max(PIECE, across))
    columns, rows = np.empty((part * taps + 3) * pitch, grad.dtype), np.empty(own * pitch, grad.dtype)
    plane = np.zeros((height + 2 * padding_h) * across + PIECE, grad.dtype)
    for tile in range(begin, end):
        image, group, first = tile // (groups * parts) * most, tile // parts % groups, tile % parts * part
        images, several = min(most, count - image), min(part, deep - first)
        gather_rows(rows, grad, image, images, group * own, own, 0, out_h, wide, pitch, sizes)
        for row in range(0, several * taps, 4):
            times_rows(columns[row * pitch :], turned, (group * deep + first) * taps + row,
                       min(4, several * taps - row), rows, own, pitch, pitch)
        for n in range(images):
            for c in range(several):
                plane[:] = 0
                fold_plane(plane, columns, c * taps * pitch + n * out_h * wide, wide, pitch, sizes, steps)
                number = (image + n) * channels + group * deep + first + c
                for y in range(height):
                    target = out[(number * height + y) * width : (number * height + y + 1) * width]
                    start = (y + padding_h) * across + padding_w
                    source = plane[start : start + width]
                    for x in range(width):
                        target[x] = source[x]
