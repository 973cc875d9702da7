"""Task 5.2: both loops, compiled."""

from __future__ import annotations

import numpy as np
import pytest
from loops_as_formulas import UNSET
from planes import Windows, compare

from terox.nn import unfolding
from terox.parallel import compiler

pytestmark = [pytest.mark.task("5.2"), pytest.mark.time_limit(60)]  # they are compiled first

CASE = Windows((5, 4), (3, 2), (2, 1), (1, 2), (1, 2), planes=2)


@pytest.mark.parametrize("name", ["unfold_range", "fold_range"])
def test_compiled(name):
    """Compiled, the loops of unfold and fold compute what their Python forms do, for any range of units."""
    loop = getattr(unfolding, name)
    shapes = (CASE.of_columns, CASE.of_planes) if name == "unfold_range" else (CASE.of_planes, CASE.of_columns)
    values = (np.arange(np.prod(shapes[1])) * 7 % 11 - 5).reshape(shapes[1])
    expected = CASE.unfold(values) if name == "unfold_range" else CASE.fold(values)
    kernel = compiler.kernel(loop, ("float32", "float32"))
    tables = np.array(CASE.sizes, np.int64), np.array(CASE.steps, np.int64)
    out, a = np.full(expected.size, UNSET, np.float32), values.astype(np.float32).ravel()
    units = 2 * 3 * 2 if name == "unfold_range" else 2
    for begin, end in [(units // 2, units), (0, units // 2)]:
        kernel.serial(begin, end, out, a, *tables)
    call = f"{name}, compiled, for {CASE!r}"
    compare(call, out, expected, tuple, lambda index, number: (
        f"At {list(index)} stands {number:g}; it has to be {expected[index]:g}. Its Python form may differ: compiled, "
        "a negative index counts from the end, and an index out of range is not noticed."))
