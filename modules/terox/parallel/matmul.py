"""The product of matrices on the device "cpu", in blocks that fit the caches. Task 3.4.

The product of two matrices with n rows and columns does n multiplications with every number that it reads. Whether
they are fast depends on where the number is when it is needed: main memory delivers a few numbers in the time of a
hundred multiplications, the nearest cache delivers one vector for each, and a register costs nothing. The plain three
loops walk through a whole matrix before they meet a number again, and by then the caches have lost it. So:

*Blocks.* The result is cut into blocks of at most ROWS x COLUMNS. One block is one unit of work; no other unit writes
to it, so any number of threads can share them. The sum over k is cut as well, into pieces of at most DEPTH: what one
piece needs of `a` and of `b` fits the second cache of a core, and is used in full before the next piece is read.

*Packing.* Both parts are first copied into scratch memory where they lie row by row. It costs one copy for each of
many multiplications, and in return the inner loop knows no strides, and does not care which operand was transposed.

*The register tile.* The micro-kernel multiplies two rows of `a` with four rows of `b` at a time. Each number that is
loaded serves more than once: one of `b` for two rows of the result, one of the result for four products. The eight
numbers of `a` stay in registers during the whole inner loop. With one row and one k at a time, most instructions would
be loads and stores.

The order of the products in each sum is given by the sizes alone, so the result is the same for any number of threads.

In PyTorch: `gemm` in `aten/src/ATen/native/CPUBlas.cpp` hands over to a BLAS library, such as MKL or OpenBLAS, which
works in this way, with a micro-kernel for each processor. Goto and van de Geijn, "Anatomy of High-Performance Matrix
Multiplication" (2008), has the reasons; Van Zee and van de Geijn, "BLIS" (2015), gave the micro-kernel its name.
"""

import numpy as np

from terox.parallel.places import place_of

# Chosen by measuring. In float32 a packed part of b takes 64 KiB, one of a 32 KiB, a block of the result 128 KiB.
ROWS = 128  # even, since the micro-kernel takes two rows
COLUMNS = 256
DEPTH = 64  # a multiple of 4, since the micro-kernel takes four k


def matmul_blocks(sizes):
    """How many units of work a product of `sizes` = (*batch, n, m, k) has: blocks of a result, times results. Provided.

    A result (n, m) has ceil(n / ROWS) x ceil(m / COLUMNS) blocks. `sizes` is any sequence of whole numbers.
    """
    last = len(sizes) - 3
    blocks = -(-sizes[last] // ROWS) * -(-sizes[last + 1] // COLUMNS)
    for d in range(last):
        blocks *= sizes[d]
    return blocks


def batch_places(number, sizes, strides):
    """Where the matrices of one product of the batch begin: three places, in out, a and b. Provided.

    The products are numbered from 0, the last dimension of the batch running fastest. `sizes` and `strides` are those
    of `matmul_range`. Without a batch, the only product is number 0, and begins at 0.
    """
    batch = sizes[:-3]
    return (place_of(number, batch, strides[0, :-3]), place_of(number, batch, strides[1, :-3]),
            place_of(number, batch, strides[2, :-3]))


def pack(panel, rows, columns, source, place, row_stride, column_stride):
    """`panel[i, j] = source[place + i * row_stride + j * column_stride]` for i < rows, j < columns. Provided.

    `panel` is a matrix at least that large; the rest of it stays as it is. `source` is flat. The inner loop goes along
    the smaller stride, so that what a cache line brings along is used at once.
    """
    if row_stride < column_stride:
        for j in range(columns):
            for i in range(rows):
                panel[i, j] = source[place + i * row_stride + j * column_stride]
    else:
        for i in range(rows):
            for j in range(columns):
                panel[i, j] = source[place + i * row_stride + j * column_stride]


def micro_kernel(tile, left, right, i, depth, columns):
    """Add to the rows i and i + 1 of `tile`: `tile[i, j] += sum over p < depth of left[i, p] * right[p, j]`.

    tile is (ROWS, COLUMNS), left (ROWS, DEPTH), right (DEPTH, COLUMNS), all packed; i + 1 < ROWS, j < `columns`, and
    `depth` is a multiple of 4. All else in `tile` stays as it is.

    Nearly all of the time is spent here. For each four p: put the eight numbers of `left` into variables, then go once
    through the columns, and in each add four products to each of the two rows. That inner loop, over j, is what the
    compiler turns into vector instructions: its steps do not depend on each other, and neighbors in memory stay
    neighbors in the vector. A loop over p inside it would be a sum, whose order the compiler may not change. Write the
    sum from the left, `tile[i, j] + a0 * x0 + ...`: each product and its addition become one instruction.

    In BLIS: the micro-kernel, `bli_gemm`.
    """
    # TODO 3.4: for p in steps of 4: eight variables; in a loop over j, both rows of tile.

    raise NotImplementedError("Task 3.4: micro_kernel")


def matmul_range(begin, end, out, a, b, sizes, strides):
    """Compute the blocks `begin` to `end` (without it) of `out[..., s, t] = sum over p of a[..., s, p] * b[..., p, t]`.

    sizes is (*batch, n, m, k), int64; strides is (3, len(sizes)), with the rows (..., s, t, 0) for out, (..., s, 0, t)
    for a and (..., 0, t, s) for b: the last three columns are the strides along n, m and k. They are in elements, not
    negative, in any order, and 0 where an operand was broadcast or lacks the dimension. out, a and b are flat, and each
    begins at its element of index 0. Of out, only the elements of these blocks are written.

    Blocks are numbered along m first, then along n, then product by product through the batch; `matmul_blocks` counts
    them. With `across` blocks in a row of blocks, number 0 covers the rows below ROWS and the columns below COLUMNS,
    number 1 the columns after those, number `across` the rows from ROWS on. At the edges a block is smaller.

    For each block: begin with a `tile` of zeros. For each piece of at most DEPTH of the sum, pack the part of `a` and
    of `b`, and let the micro-kernel add their product, two rows at a time. At the end copy the tile to `out`. For
    k = 0 there is no piece, and the result is 0. Use ROWS, COLUMNS and DEPTH by name: the tests set them small.

    Take scratch memory (np.empty, np.zeros) inside this function, once before the loop over the blocks: then each
    thread has its own. It has the dtype of `out`. Nothing may be read there that was never written:

    * Where the rows are odd, the micro-kernel takes one row of `left` and of the tile too many, which is not copied.
      What stands there does not matter, but begin with np.zeros, or clear that row too.
    * Where a piece is no multiple of 4 deep, fill it up with zeros in both packed parts, each time: other pieces have
      left numbers there. Zeros in one part alone would not do, since 0 times infinity is NaN.
    """
    # TODO 3.4: for each unit: which block it is and where it begins; pieces of the sum; pack; micro_kernel; copy out.

    raise NotImplementedError("Task 3.4: matmul_range")


# End of the file.
