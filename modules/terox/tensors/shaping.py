"""The methods of Tensor that look at it in another shape, pick parts of it, or multiply matrices. Provided.

Dimensions and ranges are checked here; the ops below get them counted from 0 on.

In PyTorch: `aten/src/ATen/native/TensorShape.cpp`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from terox.tensors.dispatcher import call
from terox.tensors.layout import view_strides

# What is asked again for each batch, is computed once.
known_view_strides = functools.lru_cache(4096)(view_strides)


def sizes_of(args: Sequence[Any], op: str) -> tuple[int, ...]:
    """`x.view(2, 3)` and `x.view((2, 3))`: the sizes, either way. Raises TypeError for what is no whole number."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    for size in args:
        if isinstance(size, (bool, np.bool_)) or not hasattr(size, "__index__"):
            raise TypeError(f"{op}(): sizes and dimensions must be ints, not {type(size).__name__}")
    return tuple([int(size) for size in args])


@functools.lru_cache(4096)
def inferred(sizes: tuple[int, ...], old: Sequence[int], op: str) -> tuple[int, ...]:
    """Sizes with the one -1 among them replaced by what is left. Raises RuntimeError if they do not fit `old`."""
    numel = math.prod(old)
    if sizes.count(-1) > 1:
        raise RuntimeError(f"{op}: only one dimension can be inferred; got {list(sizes)}")
    if any(size < -1 for size in sizes):
        raise RuntimeError(f"{op}: invalid shape dimension {min(sizes)} in {list(sizes)}")
    known = math.prod(size for size in sizes if size != -1)
    if -1 in sizes:
        if known == 0:
            raise RuntimeError(f"{op}: cannot reshape tensor of {numel} elements into shape {list(sizes)} because the "
                               f"unspecified dimension size -1 can be any value and is ambiguous")
        if numel % known == 0:
            return tuple(numel // known if size == -1 else size for size in sizes)
    if known != numel:
        raise RuntimeError(f"{op}: shape '{list(sizes)}' is invalid for an input of {numel} elements, of shape "
                           f"{list(old)}")
    return sizes


class Shaping:
    """Views, copies in another shape, parts, and products of matrices."""

    __slots__ = ()

    impl: Any
    shape: Any
    numel: Any
    _dim: Any
    dim: Any

    # ---- Other shapes ----

    def view(self, *shape: Any) -> Any:
        """The same memory in another shape; one size may be -1.

        Raises RuntimeError where no strides can do it; then `reshape` makes a copy.
        """
        return call("view", self, inferred(sizes_of(shape, "view"), self.impl.sizes, "view"))

    def reshape(self, *shape: Any) -> Any:
        """In another shape: a view where that is possible, else a copy."""
        sizes = inferred(sizes_of(shape, "reshape"), self.impl.sizes, "reshape")
        if known_view_strides(self.impl.sizes, self.impl.strides, sizes) is None:
            return call("view", call("clone", self), sizes)
        return call("view", self, sizes)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Dimensions from `start_dim` to `end_dim`, inclusive, made one."""
        first, last = self._dim(start_dim, "flatten"), self._dim(end_dim, "flatten")
        if first > last:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        sizes = self.impl.sizes
        if not sizes:
            return self.reshape(1)
        if first == last:
            return self
        return self.reshape(*sizes[:first], math.prod(sizes[first : last + 1]), *sizes[last + 1 :])

    def squeeze(self, dim: Any = None) -> Any:
        """Without the dimensions of size 1, or without `dim` (or those in a tuple) where it has size 1."""
        sizes = self.impl.sizes
        if dim is None:
            chosen = set(range(len(sizes)))
        else:
            chosen = {self._dim(each, "squeeze") for each in (dim if isinstance(dim, (tuple, list)) else (dim,))}
        return call("view", self, tuple(size for d, size in enumerate(sizes) if size != 1 or d not in chosen))

    def unsqueeze(self, dim: int) -> Any:
        """With a new dimension of size 1 at `dim`."""
        sizes = self.impl.sizes
        rank = len(sizes) + 1
        if not -rank <= dim < rank:
            raise IndexError(f"unsqueeze: Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], "
                             f"but got {dim}; the shape is {list(sizes)})")
        dim %= rank
        return call("view", self, (*sizes[:dim], 1, *sizes[dim:]))

    def permute(self, *dims: Any) -> Any:
        """Dimensions in another order."""
        dims = sizes_of(dims, "permute")
        rank = len(self.impl.sizes)
        if len(dims) != rank:
            raise RuntimeError(f"permute: the tensor of shape {list(self.impl.sizes)} has {rank} dimensions, but "
                               f"{len(dims)} were given: {list(dims)}")
        order = tuple(self._dim(dim, "permute") for dim in dims)
        if len(set(order)) != rank:
            raise RuntimeError(f"permute(): duplicate dims are not allowed; got {list(dims)}")
        return call("permute", self, order)

    def transpose(self, dim0: int, dim1: int) -> Any:
        """With two dimensions exchanged."""
        first, second = self._dim(dim0, "transpose"), self._dim(dim1, "transpose")
        order = list(range(len(self.impl.sizes)))
        if order:
            order[first], order[second] = order[second], order[first]
        return call("permute", self, tuple(order))

    def t(self) -> Any:
        """The transpose of a matrix; itself with less than two dimensions."""
        if len(self.impl.sizes) > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {len(self.impl.sizes)}D")
        return self.T

    @property
    def T(self) -> Any:
        """Dimensions in reverse order."""
        return call("permute", self, tuple(reversed(range(len(self.impl.sizes)))))

    @property
    def mT(self) -> Any:
        """The transpose of the last two dimensions."""
        if len(self.impl.sizes) < 2:
            raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got "
                               f"{len(self.impl.sizes)}-D tensor.")
        return self.transpose(-2, -1)

    def expand(self, *shape: Any) -> Any:
        """Stretched to `shape` without a copy; -1 keeps a size."""
        shape = sizes_of(shape, "expand")
        if len(shape) < len(self.impl.sizes):
            raise RuntimeError(f"expand: the number of sizes provided ({len(shape)}) must be greater or equal to the "
                               f"number of dimensions in the tensor ({len(self.impl.sizes)}); {list(self.impl.sizes)} "
                               f"cannot be expanded to {list(shape)}")
        if any(size < -1 for size in shape):
            raise RuntimeError(f"expand: invalid size in {list(shape)}")
        return call("expand", self, shape)

    def broadcast_to(self, *shape: Any) -> Any:
        """`expand`."""
        return self.expand(*shape)

    def expand_as(self, other: Any) -> Any:
        """Stretched to the shape of `other`."""
        return self.expand(other.shape)

    def view_as(self, other: Any) -> Any:
        """`self.view(other.shape)`."""
        return self.view(other.shape)

    # ---- Parts ----

    def select(self, dim: int, index: int) -> Any:
        """The part with one index along `dim`, without that dimension. Raises IndexError if there is no such index."""
        if not self.impl.sizes:
            raise IndexError("select() cannot be applied to a 0-dim tensor.")
        dim = self._dim(dim, "select")
        size = self.impl.sizes[dim]
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")
        return call("select", self, dim, int(index) % size)

    def narrow(self, dim: int, start: int, length: int) -> Any:
        """Indices `start` to `start + length - 1` along `dim`."""
        if not self.impl.sizes:
            raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
        dim = self._dim(dim, "narrow")
        size = self.impl.sizes[dim]
        if length < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
        if not -size <= start <= size:
            raise IndexError(f"narrow: start out of range (expected to be in range of [{-size}, {size}], but got "
                             f"{start})")
        start = start + size if start < 0 else start
        if start + length > size:
            raise RuntimeError(f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size}).")
        return call("slice", self, dim, start, start + length, 1)

    def unbind(self, dim: int = 0) -> tuple[Any, ...]:
        """All parts along `dim`."""
        if not self.impl.sizes:
            raise IndexError(f"unbind: Dimension specified as {dim} but tensor has no dimensions")
        dim = self._dim(dim, "unbind")
        return tuple(call("select", self, dim, index) for index in range(self.impl.sizes[dim]))

    def split(self, split_size: Any, dim: int = 0) -> tuple[Any, ...]:
        """Pieces of `split_size` along `dim`, the last one maybe smaller; or of the sizes in a list."""
        if not self.impl.sizes:
            raise RuntimeError("split expects at least a 1-dimensional tensor")
        dim = self._dim(dim, "split")
        size = self.impl.sizes[dim]
        if isinstance(split_size, (list, tuple)):
            if sum(split_size) != size:
                raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's "
                                   f"size at dimension {dim}), but got split_sizes={list(split_size)}")
            lengths = list(split_size)
        else:
            if split_size < 1 and size:
                raise RuntimeError(f"split expects split_size be positive, but got split_size={split_size}")
            lengths = [min(split_size, size - start) for start in range(0, size, split_size)] if size else [0]
        starts = [sum(lengths[:n]) for n in range(len(lengths))]
        return tuple(self.narrow(dim, start, length) for start, length in zip(starts, lengths))

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Any, ...]:
        """About `chunks` pieces of equal size along `dim`."""
        if not self.impl.sizes:
            raise RuntimeError("chunk expects at least a 1-dimensional tensor")
        if chunks < 1:
            raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
        dim = self._dim(dim, "chunk")
        return self.split(max(1, -(-self.impl.sizes[dim] // chunks)), dim)

    def gather(self, dim: int, index: Any) -> Any:
        """`out[i][j] = self[index[i][j]][j]` for `dim` 0, `self[i][index[i][j]]` for `dim` 1, and so on."""
        from terox.tensors.indexing import gather

        return gather(self, dim, index)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """A copy with `src[i][j]` added at `[index[i][j]][j]`, for `dim` 0, and so on; repeated places add up."""
        from terox.tensors.indexing import scatter_add

        return scatter_add(self, dim, index, src)

    def take(self, index: Any) -> Any:
        """The elements with these numbers, counted with the last dimension running fastest, in the shape of `index`."""
        from terox.tensors.indexing import take

        return take(self, index)

    def index_select(self, dim: int, index: Any) -> Any:
        """The parts along `dim` with the indices in a 1-D tensor, in its order."""
        from terox.tensors.indexing import index_select

        return index_select(self, dim, index)

    def nonzero(self) -> Any:
        """The indices of all elements that are not zero, one row each."""
        from terox.tensors.indexing import nonzero

        return nonzero(self)

    def __getitem__(self, index: Any) -> Any:
        from terox.tensors.indexing import getitem

        return getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        from terox.tensors.indexing import setitem

        setitem(self, index, value)

    # ---- Products of matrices ----

    def matmul(self, other: Any) -> Any:
        """`self @ other`: dot product, matrix times vector, matrix times matrix, or batches of them, broadcast."""
        from terox.tensors.linalg import matmul

        return matmul(self, other)

    def mm(self, mat2: Any) -> Any:
        """`self @ mat2` for two matrices."""
        from terox.tensors.linalg import mm

        return mm(self, mat2)

    def dot(self, other: Any) -> Any:
        """The sum of products of two vectors."""
        from terox.tensors.linalg import dot

        return dot(self, other)

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other) if hasattr(other, "impl") else NotImplemented
