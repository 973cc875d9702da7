"""Task 3.4: the compiled loop, with blocks of their real sizes."""

from __future__ import annotations

import numpy as np
import pytest
from products import Product, judge

from terox import _numba
from terox.parallel import compiler, matmul

pytestmark = pytest.mark.task("3.4")

BLOCKS = (matmul.ROWS, matmul.COLUMNS, matmul.DEPTH) if _numba.JIT else (4, 6, 8)
R, C, D = BLOCKS


@pytest.mark.time_limit(60)  # it is compiled first
@pytest.mark.parametrize("case", [
    Product(3, 5, 2, blocks=BLOCKS, dtype="float32"),
    Product(R + 3, C + 5, D + 1, blocks=BLOCKS, dtype="float32"),
    Product(2 * R - 1, 3, 2 * D, blocks=BLOCKS, dtype="float32", a=(1, 2 * R - 1)),
    Product(5, 2 * C, 3 * D + 3, blocks=BLOCKS, dtype="float32", b=(1, 3 * D + 3), out=(1, 7)),
    Product(R + 1, 7, 5, batch=(2, 3), blocks=BLOCKS, dtype="float32", a=(0, 5 * R + 5, 5, 1), b=(36, 0, 7, 1)),
    Product(9, 4, 0, blocks=BLOCKS, dtype="float32"),
], ids=Product.name)
def test_compiled(case):
    """Compiled, the loop computes what its Python form does, for any range of units."""
    memories = case.memories(spare=8, values=lambda number, at: at * (5, 7, 11)[number] % 13 - 6)
    for memory in memories[1:]:
        memory[np.isnan(memory)] = 1e9
    kernel = compiler.kernel(matmul.matmul_range, ("float32",) * 3)
    with case.small_blocks(), np.errstate(all="ignore"):
        for begin, end in [(case.count // 2, case.count), (0, case.count // 2)]:
            if begin < end:
                kernel.serial(begin, end, *memories, case.sizes, case.strides)
    judge(case, memories, np.matmul(*case.operands(memories)))
