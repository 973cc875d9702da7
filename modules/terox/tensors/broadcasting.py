"""Broadcasting: operands of different shapes, stretched to one. Task 2.2.

In PyTorch: `aten/src/ATen/ExpandUtils.h`.
"""

from __future__ import annotations

from collections.abc import Sequence


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape of the result of an operation on operands of these shapes.

    Shapes are aligned at their last dimension. Along each dimension, sizes have to be equal, or 1 (which is
    stretched to the other size, be it 0), or missing (which counts as 1). No shapes at all give `()`.

    (2, 3) and (3,) give (2, 3); (4, 1) and (3,) give (4, 3); (2, 1) and (0,) give (2, 0).

    Raises RuntimeError, naming both sizes, the dimension of the result, and all shapes, if sizes do not agree:
    "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 1 (shapes [4, 2] and
    [3])". `mismatch(a, b, dim, shapes)`, provided, makes that error.

    In PyTorch: `torch.broadcast_shapes`; `aten/src/ATen/ExpandUtils.h`, `infer_size`.
    """
    # TODO 2.2: keep a result so far, aligned at the end; a 1 in it gives way to any other size.

    raise NotImplementedError("Task 2.2: broadcast_shapes")


def broadcast_strides(sizes: Sequence[int], strides: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Strides with which a tensor of `sizes` and `strides` can be looked at as one of `shape`, without a copy.

    A dimension that is stretched, or new at the front, gets the stride 0: a step along it stays where it is. All
    others keep their stride.

    (3,) with strides (1,) as shape (2, 3) has strides (0, 1); (2, 1) with strides (1, 1) as (2, 3) has (1, 0).

    Raises RuntimeError, naming both shapes, if `shape` has fewer dimensions, or another size where `sizes` has not 1.
    `cannot_expand(sizes, shape)`, provided, makes that error.

    In PyTorch: `torch.Tensor.expand`; `aten/src/ATen/ExpandUtils.h`, `inferExpandGeometry`.
    """
    # TODO 2.2: as many zeros as there are new dimensions, then one decision for each old dimension.

    raise NotImplementedError("Task 2.2: broadcast_strides")


# ---- Provided: the errors. ----


def mismatch(a: int, b: int, dim: int, shapes: Sequence[Sequence[int]]) -> RuntimeError:
    """The error for sizes `a` and `b` that do not agree at dimension `dim` of the result."""
    listed = " and ".join(str(list(shape)) for shape in shapes)
    return RuntimeError(f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton "
                        f"dimension {dim} (shapes {listed})")


def cannot_expand(sizes: Sequence[int], shape: Sequence[int]) -> RuntimeError:
    """The error for a tensor of `sizes` that cannot be stretched to `shape`."""
    return RuntimeError(
        f"expand: a tensor of shape {list(sizes)} cannot be expanded to {list(shape)}; shapes are aligned at their "
        "last dimension, only a size of 1 can be stretched, and new dimensions can only come in front"
    )
