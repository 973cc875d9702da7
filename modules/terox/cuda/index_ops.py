"""Indices on the device "cuda": which numbers the chosen elements have, found out by the GPU. Provided.

`terox/tensors/element_numbers.py` computes that with NumPy, where Python can look at indices. Here they stay where they
are: a batch of a training step is picked without a round trip. An index out of range is noted by the kernel; see
checks.py.

In PyTorch: `aten/src/ATen/native/cuda/IndexKernel.cu`, `index_kernel`; `ScatterGatherKernel.cu`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from terox.cuda import checks, loops
from terox.cuda.kernels import begins, new
from terox.cuda.launching import over_elements
from terox.cuda.packing import pack, padded
from terox.tensors.dtype import bool as bool_
from terox.tensors.dtype import dtype as DType
from terox.tensors.dtype import float64, int64
from terox.tensors.element_numbers import joint_shape
from terox.tensors.iterator import converted
from terox.tensors.layout import contiguous_strides
from terox.tensors.storage import TensorImpl
from terox.tensors.table import register
from terox.tensors.tensor import Tensor


def _counted(sizes: tuple[int, ...], steps: tuple[int, ...]) -> TensorImpl:
    """A tensor of whole numbers: how far an element is from the first one, with these steps."""
    out = new(sizes, int64)
    if out.numel:
        of_sizes, (strides,) = padded(sizes or (1,), [steps or (0,)])
        over_elements(loops.numbers_kernel, ("int64",), out.numel, begins(out), out.numel, of_sizes, strides)
    return out


def _add(out: TensorImpl, index: TensorImpl, size: int, least: int, step: int,
         meaning: Callable[[int], Exception]) -> None:
    """`out += step * index`. `index` has the sizes of `out`; each is from `least`, 0 or -size, to size - 1."""
    if 0 in out.sizes:
        return
    note, number = checks.note(meaning)
    over_elements(loops.add_index_kernel, ("int64",) * 3, out.numel, begins(out), begins(index), note, number,
                  out.numel, size, least, step, *pack(out.sizes, out.strides, index.strides))
    checks.started()


def index_numbers(view: Tensor, chosen: Sequence[Tensor | None]) -> Tensor:
    """See `terox.tensors.element_numbers.index_numbers`."""
    places = [dim for dim, each in enumerate(chosen) if each is not None]
    tensors = [each if each.device == "cuda" else each.to("cuda") for each in chosen if each is not None]
    shape, before, after = joint_shape(view, places, tensors)
    sizes, steps = view.impl.sizes, contiguous_strides(view.impl.sizes)
    out = _counted((*[sizes[d] for d in before], *shape, *[sizes[d] for d in after]),
                   (*[steps[d] for d in before], *(0,) * len(shape), *[steps[d] for d in after]))
    for dim, tensor in zip(places, tensors):
        impl = tensor.impl
        column = impl.look(impl.sizes + (1,) * len(after), impl.strides + (0,) * len(after), impl.offset)
        _add(out, column.expand(out.sizes), sizes[dim], -sizes[dim], steps[dim], _out_of_bounds(dim, sizes[dim]))
    return Tensor._of(out)


def _out_of_bounds(dim: int, size: int) -> Callable[[int], Exception]:
    return lambda found: IndexError(f"index {found} is out of bounds for dimension {dim} with size {size}")


def take_numbers(index: Tensor, numel: int) -> Tensor:
    """See `terox.tensors.element_numbers.take_numbers`."""
    out = _counted(index.impl.sizes, (0,) * len(index.impl.sizes))
    _add(out, index.impl, numel, -numel, 1, lambda found: IndexError(
        f"take(): out of range: tried to access index {found} on a tensor of {numel} elements."))
    return Tensor._of(out)


def element_numbers(op: str, sizes: Sequence[int], dim: int, index: Tensor) -> Tensor:
    """See `terox.tensors.element_numbers.element_numbers`."""
    steps, shape = contiguous_strides(sizes), index.impl.sizes
    size = (tuple(sizes) or (1,))[dim]
    out = _counted(shape, tuple([0 if d == dim or not steps else steps[d] for d in range(len(shape))]))
    _add(out, index.impl, size, 0, steps[dim] if steps else 1, lambda found: RuntimeError(
        f"{op}(): index {found} is out of bounds for dimension {dim} with size {size}"))
    return Tensor._of(out)


def arange(start: float, step: float, count: int, dtype: DType) -> Tensor:
    """`start`, `start + step`, ...: `count` numbers. For whole numbers from floats, they are cut at the end."""
    exact = dtype if dtype.is_floating_point or isinstance(start, int) and isinstance(step, int) else float64
    out = new((count,), int64 if exact is bool_ else exact)
    if count:
        over_elements(loops.range_kernel, (out.dtype.name,), count, begins(out), count, start, step)
    result = Tensor._of(out)
    return result if out.dtype is dtype else converted(result, dtype)


register("arange", "cuda", arange)
register("index_numbers", "cuda", index_numbers)
register("take_numbers", "cuda", take_numbers)
register("element_numbers", "cuda", element_numbers)
