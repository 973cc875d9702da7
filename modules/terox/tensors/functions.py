"""Functions that derivatives are written with. Provided. All are made of ops, so that they can be differentiated too.

In PyTorch: `torch/csrc/autograd/FunctionsManual.cpp` (`restore_reduced_dims`, `slice_backward`).
"""

from __future__ import annotations

from collections.abc import Sequence

from terox.tensors.dispatcher import call
from terox.tensors.tensor import Tensor


def relu_back(x: Tensor, grad: Tensor) -> Tensor:
    """`grad` where `x` is positive (or NaN), else 0: module 0's `relu_back`, element by element."""
    return call("relu_back", x, grad)


def unreduced(tensor: Tensor, dims: Sequence[int], keepdim: bool) -> Tensor:
    """The result of a reduction with the dimensions `dims` back in their places, with size 1."""
    if not keepdim:
        for dim in sorted(dims):
            tensor = tensor.unsqueeze(dim)
    return tensor


def pad(grad: Tensor, sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Tensor:
    """Zeros of `sizes`, with `grad` in the places that `start:stop:step` names along `dim`.

    Raises RuntimeError where `grad` has not the sizes of these places, or where they lie outside of `sizes`.
    """
    places = range(start, stop, step)
    room = (*sizes[:dim], len(places), *sizes[dim + 1 :])
    if grad.impl.sizes != room:
        raise RuntimeError(f"pad: a gradient of shape {list(grad.impl.sizes)} was given for {start}:{stop}:{step} "
                           f"along dimension {dim} of {list(sizes)}, which has the shape {list(room)}")
    if places and not 0 <= places[0] <= places[-1] < sizes[dim]:
        raise RuntimeError(f"pad: {start}:{stop}:{step} along dimension {dim} lies outside of {list(sizes)}, the sizes "
                           "of the tensor that was sliced")
    return call("pad_slice", grad, tuple(sizes), dim, start, stop, step)


