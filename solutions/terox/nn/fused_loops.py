"""Convolution and its gradients as loops over tiles: the loops of fused_conv.py. Provided.

A tile is some of the windows of a batch: those of a few small images, or some rows of those of one large image. Its
columns are made in scratch memory that stays in the cache, and used at once. Two things make that fast: a plane is
copied with its padding first, so that nothing asks whether a place is outside; and rows are moved in whole vectors.

In scratch memory, all matrices have rows `pitch` apart, of which the last PIECE or more belong to no window.

In PyTorch: `aten/src/ATen/native/im2col.h`, `ConvolutionMM2d.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terox._numba import VECTOR, load, store
from terox.nn.fused_products import add_dots, add_rows, scratch

PIECE = 16  # numbers that a vector has at most: so many more may be read and written than are there


def copy_row(target: Any, to: int, source: Any, start: int, n: int) -> None:
    """`target[to : to + n] = source[start : start + n]`, in whole vectors."""
    for x in range(0, n, VECTOR // source.itemsize):
        store(target, to + x, load(source, start + x))


def pad_plane(plane: Any, begin: int, a: Any, number: int, first: int, high: int, sizes: Any, steps: Any) -> None:
    """Rows `first` to `first + high` of a plane of `a` with its padding, at `begin`. What is left and right of the
    plane's own numbers is there already: zeros."""
    height, width, padding_h, padding_w = sizes[2], sizes[3], steps[1, 0], steps[1, 1]
    for y in range(high):
        start, from_y = begin + y * (width + 2 * padding_w) + padding_w, first + y - padding_h
        inside = plane[start : start + width]
        if 0 <= from_y < height:
            source = a[(number * height + from_y) * width : (number * height + from_y + 1) * width]
            for x in range(width):
                inside[x] = source[x]
        else:
            inside[:] = 0


def unfold_tile(columns: Any, a: Any, plane: Any, image: int, images: int, channel: int, deep: int, top: int,
                bottom: int, pitch: int, sizes: Any, steps: Any) -> None:
    """The windows of rows `top` to `bottom` of `images` images, `deep` channels of each, as columns.

    columns: (deep * kernel_h * kernel_w, pitch), each row with image after image. plane: scratch, zeros at first.
    """
    channels, width, kernel_h, kernel_w, out_w = sizes[1], sizes[3], sizes[4], sizes[5], sizes[7]
    stride_h, stride_w, dilation_h, dilation_w = steps[0, 0], steps[0, 1], steps[2, 0], steps[2, 1]
    wide, first = width + 2 * steps[1, 1], top * stride_h
    high = (bottom - 1 - top) * stride_h + (kernel_h - 1) * dilation_h + 1
    for n in range(images):
        for c in range(deep):
            number = (image + n) * channels + channel + c
            pad_plane(plane, 0, a, number, first, high, sizes, steps)
            for i in range(kernel_h):
                for j in range(kernel_w):
                    start = i * dilation_h * wide + j * dilation_w
                    place = ((c * kernel_h + i) * kernel_w + j) * pitch + n * (bottom - top) * out_w
                    for _ in range(top, bottom):
                        if stride_w == 1:
                            copy_row(columns, place, plane, start, out_w)
                        else:
                            target, row = columns[place : place + out_w], plane[start:]
                            for x in range(out_w):
                                target[x] = row[x * stride_w]
                        place += out_w
                        start += stride_h * wide


def gather_rows(rows: Any, grad: Any, image: int, images: int, kernel: int, count: int, top: int, bottom: int,
                wide: int, apart: int, pitch: int, sizes: Any) -> None:
    """What `grad`, (N, kernels, out_h, out_w), has for the windows of a tile: (count, pitch), each row with an image
    every `apart`, and of each, rows `top` to `bottom`, filled up to a width of `wide`. All else becomes 0."""
    out_h, out_w, kernels = sizes[6], sizes[7], sizes[8]
    for o in range(count):
        for n in range(images):
            place = o * pitch + n * apart
            from_row = ((image + n) * kernels + kernel + o) * out_h
            for y in range(top, bottom):
                source, target = grad[(from_row + y) * out_w : (from_row + y + 1) * out_w], rows[place : place + wide]
                for x in range(out_w):
                    target[x] = source[x]
                for x in range(out_w, wide):
                    target[x] = 0
                place += wide
            rows[place : o * pitch + (n + 1) * apart] = 0
        rows[o * pitch + images * apart : (o + 1) * pitch] = 0


def fold_plane(plane: Any, columns: Any, place: int, pitch: int, sizes: Any, steps: Any) -> None:
    """Add to a plane with its padding what its columns hold; those begin at `place`."""
    kernel_h, kernel_w, out_h, out_w = sizes[4], sizes[5], sizes[6], sizes[7]
    stride_h, stride_w, dilation_h, dilation_w = steps[0, 0], steps[0, 1], steps[2, 0], steps[2, 1]
    across = sizes[3] + 2 * steps[1, 1]
    for i in range(kernel_h):
        for j in range(kernel_w):
            for y in range(out_h):
                start, begin = (i * dilation_h + y * stride_h) * across + j * dilation_w, place + y * out_w
                target, source = plane[start:], columns[begin : begin + out_w]
                for x in range(out_w):
                    target[x * stride_w] += source[x]
            place += pitch


def forward_tiles(begin: int, end: int, out: Any, a: Any, weight: Any, bias: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the result, (N, kernels, out_h, out_w).

    sizes: N, channels, height, width, kernel_h, kernel_w, out_h, out_w, kernels, groups, rows of a tile, tiles of
    a part, images of a tile.
    """
    count, channels, out_h, out_w, kernels, groups = sizes[0], sizes[1], sizes[6], sizes[7], sizes[8], sizes[9]
    high, most = sizes[10], sizes[12]
    deep, own, blocks = channels // groups, kernels // groups, (out_h + high - 1) // high
    k = deep * sizes[4] * sizes[5]
    pitch = whole(most * high * out_w + PIECE)
    columns, rows = scratch(k * pitch, a), scratch(4 * pitch, a)
    plane, at = np.zeros(padded(high, sizes, steps), a.dtype), np.arange(k) * pitch
    for tile in range(begin, end):
        image, top = tile // blocks * most, tile % blocks * high
        images, bottom = min(most, count - image), min(top + high, out_h)
        length = (bottom - top) * out_w
        for group in range(groups):
            unfold_tile(columns, a, plane, image, images, group * deep, deep, top, bottom, pitch, sizes, steps)
            for first in range(group * own, (group + 1) * own, 4):
                several = min(4, (group + 1) * own - first)
                for o in range(several):
                    rows[o * pitch : o * pitch + images * length] = bias[first + o]
                add_rows(rows, 0, weight, first, several, columns, at, k, images * length, pitch)
                for o in range(several):
                    for n in range(images):
                        place = (((image + n) * kernels + first + o) * out_h + top) * out_w
                        target = out[place : place + length]
                        source = rows[o * pitch + n * length : o * pitch + (n + 1) * length]
                        for x in range(length):
                            target[x] = source[x]


def padded(high: int, sizes: Any, steps: Any) -> int:
    """How many elements the part of a plane has, with its padding, that `high` rows of windows need; and PIECE more."""
    rows = (high - 1) * steps[0, 0] + (sizes[4] - 1) * steps[2, 0] + 1
    return max(rows, sizes[2] + 2 * steps[1, 0]) * (sizes[3] + 2 * steps[1, 1]) + PIECE


def whole(n: int) -> int:
    """n or a little more, so that a loop of so many has no rest beside its vectors."""
    return (n + 31) // 32 * 32


def weight_tiles(begin: int, end: int, out: Any, a: Any, grad: Any, sizes: Any, steps: Any) -> None:
    """Parts `begin` to `end` of the gradient for the weight, each of several tiles: (parts, groups, k, kernels of a
    group), where k = channels of a group * kernel_h * kernel_w. sizes: as above."""
    count, channels, out_h, out_w, kernels, groups = sizes[0], sizes[1], sizes[6], sizes[7], sizes[8], sizes[9]
    high, several, most = sizes[10], sizes[11], sizes[12]
    deep, own, blocks = channels // groups, kernels // groups, (out_h + high - 1) // high
    k = deep * sizes[4] * sizes[5]
    pitch = whole(most * high * out_w + PIECE)
    columns, rows = scratch(k * pitch, a), scratch(own * pitch, a)
    columns[:] = 0  # what follows the last window is multiplied by 0
    plane, at = np.zeros(padded(high, sizes, steps), a.dtype), np.arange(k) * pitch
    tiles = (count + most - 1) // most * blocks
    for part in range(begin, end):
        out[part * k * kernels : (part + 1) * k * kernels] = 0
        for tile in range(part * several, min((part + 1) * several, tiles)):
            image, top = tile // blocks * most, tile % blocks * high
            images, bottom = min(most, count - image), min(top + high, out_h)
            length = (bottom - top) * out_w
            for group in range(groups):
                unfold_tile(columns, a, plane, image, images, group * deep, deep, top, bottom, pitch, sizes, steps)
                gather_rows(rows, grad, image, images, group * own, own, top, bottom, out_w, length, pitch,
                            sizes)
                place = (part * groups + group) * k * own
                add_dots(out, place, columns, at, rows, k, own, images * length, pitch, 1, 0, 0)


def input_tiles(begin: int, end: int, out: Any, grad: Any, turned: Any, sizes: Any, steps: Any) -> None:
    """Tiles `begin` to `end` of the gradient for the input, (N, channels, height, width): a few images, and some
    channels of a group.

    turned: the weight, (groups, k, kernels of a group). sizes: the first ten, then channels and images of a tile.
    """
    count, channels, height, width, out_h, out_w = sizes[0], sizes[1], sizes[2], sizes[3], sizes[6], sizes[7]
    kernels, groups, part, most = sizes[8], sizes[9], sizes[10], sizes[11]
    deep, own, taps = channels // groups, kernels // groups, sizes[4] * sizes[5]
    parts = (deep + part - 1) // part
    padding_h, padding_w = steps[1, 0], steps[1, 1]
    across = width + 2 * padding_w
    pitch = whole(most * out_h * out_w + PIECE)
    columns, rows = scratch((part * taps + 3) * pitch, grad), scratch(own * pitch, grad)
    plane, at = np.zeros((height + 2 * padding_h) * across + PIECE, grad.dtype), np.arange(own) * pitch
    for tile in range(begin, end):
        image, group, first = tile // (groups * parts) * most, tile // parts % groups, tile % parts * part
        images, several = min(most, count - image), min(part, deep - first)
        gather_rows(rows, grad, image, images, group * own, own, 0, out_h, out_w, out_h * out_w, pitch, sizes)
        for row in range(0, several * taps, 4):
            four = min(4, several * taps - row)
            columns[row * pitch : (row + four) * pitch] = 0
            add_rows(columns, row * pitch, turned, (group * deep + first) * taps + row, four, rows, at, own, pitch,
                     pitch)
        for n in range(images):
            for c in range(several):
                plane[:] = 0
                fold_plane(plane, columns, c * taps * pitch + n * out_h * out_w, pitch, sizes, steps)
                number = (image + n) * channels + group * deep + first + c
                for y in range(height):
                    target = out[(number * height + y) * width : (number * height + y + 1) * width]
                    start = (y + padding_h) * across + padding_w
                    source = plane[start : start + width]
                    for x in range(width):
                        target[x] = source[x]
