"""Tensor: numbers in a grid, with a place in the graph. Provided.

What it computes goes through the dispatcher (`call`); its methods only sort out their arguments. They stand in three
files beside this one: arithmetic.py, shaping.py, reducing.py.

In PyTorch: `torch/_tensor.py`; `aten/src/ATen/core/TensorBase.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from terox._grad_mode import no_grad, state
from terox.autograd.node import Edge, Node
from terox.autograd.variable import Variable
from terox.tensors import dtype as dtypes
from terox.tensors.arithmetic import Arithmetic
from terox.tensors.dispatcher import call, find_kernel
from terox.tensors.dtype import dtype as DType
from terox.tensors.layout import is_contiguous
from terox.tensors.reducing import Reducing
from terox.tensors.shaping import Shaping
from terox.tensors.storage import TensorImpl

_new = object.__new__


class Size(tuple):
    """The shape of a tensor: a tuple of its sizes. In PyTorch: `torch.Size`."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"terox.Size({list(self)})"


class Tensor(Arithmetic, Shaping, Reducing, Variable):
    """An n-dimensional tensor. Make one with `terox.tensor`, `terox.zeros` and the like; `Tensor(data)` makes float32."""

    __slots__ = ("impl",)

    impl: TensorImpl

    _has_version = True
    _rebased: int | None = None  # for a view: how often its storage had got a new history when the view was made

    def __init__(self, data: Any = ()) -> None:
        from terox.tensors.factories import tensor

        self.impl = tensor(data, dtype=dtypes.get_default_dtype()).impl
        self._edge = None

    @classmethod
    def _of(cls, impl: TensorImpl, edge: Edge | None = None) -> Self:
        """The tensor of an impl, with a place in the graph or none."""
        out = _new(cls)
        out.impl = impl
        out._edge = edge
        return out

    @classmethod
    def _wrap(cls, raw: Any, node: Node | None, output_nr: int = 0) -> Self:
        if raw.__class__ is not cls:
            where = "" if node is None else f"{node.name().removesuffix('Backward0')}: "
            hint = " Is a `return` missing?" if raw is None else ""
            raise TypeError(f"{where}a Tensor was expected, not {type(raw).__name__}.{hint}")
        if node is None:
            return raw if raw._edge is None else cls._of(raw.impl)
        return cls._of(raw.impl, (node, output_nr))

    # ---- What a Variable has to know ----

    @property
    def data(self) -> Self:
        """The same numbers in the same memory, without history."""
        return self._of(self.impl)

    @data.setter
    def data(self, value: Tensor) -> None:
        self.impl = value.impl

    def _holds(self, raw: Any) -> bool:
        if raw.__class__ is not Tensor:
            return False
        mine, other = self.impl, raw.impl
        return mine is other or (mine.storage is other.storage and mine.offset == other.offset
                                 and mine.sizes == other.sizes and mine.strides == other.strides)

    def _own_grad(self, gradient: Any) -> Any:
        with no_grad():
            return call("clone", gradient)

    def _raw_grad(self, gradient: Any) -> Any:
        if gradient is None:
            if self.numel() != 1:
                raise RuntimeError(f"grad can be implicitly created only for scalar outputs; this one has the shape "
                                   f"{list(self.shape)}: pass a gradient of that shape")
            return self._like([1.0])
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient.impl.sizes != self.impl.sizes:
            raise RuntimeError(f"Mismatch in shape: grad_output has a shape of {list(gradient.shape)} and output has a "
                               f"shape of {list(self.shape)}.")
        return gradient.data.to(self.dtype)

    def _numbers(self) -> list[float]:
        return self.numpy().reshape(-1).tolist() if self._edge is None else self.detach()._numbers()

    def _like(self, numbers: Sequence[float]) -> Self:
        from terox.tensors.factories import from_array

        array = np.array(numbers, dtype=self.dtype.numpy).reshape(self.impl.sizes)
        return from_array(array, self.device)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that a gradient can reach it."""
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        Variable.requires_grad.fset(self, value)

    def gradient_edge(self) -> Edge:
        """Where a gradient of this tensor goes. Raises RuntimeError for a view whose history is out of date."""
        self._check_history()
        return super().gradient_edge()

    def _check_history(self) -> None:
        if self._rebased is not None and self._rebased != self.impl.storage.rebased and state.enabled:
            raise RuntimeError("this tensor is a view, and a recorded in-place operation changed the memory that it "
                               "shares: its history is out of date. Take the view anew, after the in-place operation.")

    @property
    def _version(self) -> int:
        """How often the numbers were changed in place, by this tensor or another that shares them."""
        return self.impl.storage.version

    def _check_version(self, expected: int) -> None:
        from terox.tensors.node import changed_message

        if self._version != expected:
            raise RuntimeError(changed_message(self.impl, None, self._version, expected))

    # ---- What it is ----

    @property
    def shape(self) -> Size:
        """The sizes."""
        return Size(self.impl.sizes)

    def size(self, dim: int | None = None) -> Any:
        """All sizes, or the one of `dim`."""
        return self.shape if dim is None else self.impl.sizes[self._dim(dim, "size")]

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.impl.sizes)

    ndim = property(dim)

    def numel(self) -> int:
        """The number of elements."""
        return self.impl.numel

    @property
    def dtype(self) -> DType:
        """What kind of numbers it holds."""
        return self.impl.storage.dtype

    @property
    def device(self) -> str:
        """Where the numbers are."""
        return self.impl.storage.device

    def stride(self, dim: int | None = None) -> Any:
        """How many elements further in memory one step along each dimension (or along `dim`) goes."""
        return self.impl.strides if dim is None else self.impl.strides[self._dim(dim, "stride")]

    def storage_offset(self) -> int:
        """Where in the storage the first element lies."""
        return self.impl.offset

    def data_ptr(self) -> int:
        """The address of the first element: equal for two tensors that begin at the same place in memory."""
        return self.impl.storage.array.ctypes.data + self.impl.offset * self.dtype.itemsize

    def is_contiguous(self) -> bool:
        """Whether the elements lie one after the other, the last dimension running fastest."""
        return is_contiguous(self.impl.sizes, self.impl.strides)

    def is_floating_point(self) -> bool:
        """Whether the dtype is float32 or float64."""
        return self.dtype.is_floating_point

    # ---- Out of the tensor ----

    def numpy(self) -> np.ndarray:
        """A NumPy array on the same memory. Raises RuntimeError if this tensor requires grad: take `x.detach()`."""
        if self._edge is not None:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        impl = self.impl
        array = impl.storage.array
        return np.lib.stride_tricks.as_strided(array[impl.offset :] if impl.numel else array[:0], impl.sizes,
                                               [stride * array.itemsize for stride in impl.strides])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return np.array(array, dtype=dtype) if copy or (dtype is not None and dtype != array.dtype) else array

    def tolist(self) -> Any:
        """Nested lists of Python numbers; for a tensor without dimensions, a number."""
        return self.detach().numpy().tolist()

    def item(self) -> Any:
        """The one element as a Python number. Raises RuntimeError if there are more, or none."""
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        impl = self.impl
        return impl.storage.array[impl.offset].item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            what = "no values" if self.numel() == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self.item())

    def __len__(self) -> int:
        if not self.impl.sizes:
            raise TypeError("len() of a 0-d tensor")
        return self.impl.sizes[0]

    def __iter__(self) -> Any:
        if not self.impl.sizes:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        from terox.tensors.printing import tensor_repr

        return tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.dim() == 0 and spec else format(repr(self), spec)

    # `==` compares element by element, so dicts and sets tell tensors apart by identity, as PyTorch's do.
    __hash__ = object.__hash__

    # ---- Copies ----

    def detach(self) -> Self:
        """The same numbers in the same memory, without history."""
        return self._of(self.impl)

    def clone(self) -> Tensor:
        """A copy in memory of its own. Gradients pass through it."""
        return call("clone", self)

    def contiguous(self) -> Tensor:
        """This tensor, if its elements lie one after the other, else a copy in which they do."""
        return self if self.is_contiguous() else call("clone", self)

    def to(self, *args: Any, dtype: Any = None, device: str | None = None) -> Tensor:
        """`x.to(terox.float64)`, `x.to("cpu")`, `x.to(other)`: this tensor, if it is so already, else a converted copy."""
        from terox.tensors import device as devices

        for arg in args:
            if isinstance(arg, str):
                device = arg
            elif isinstance(arg, Tensor):
                dtype, device = arg.dtype, arg.device
            else:
                dtype = arg
        out = self
        if device is not None and devices.check(device) != self.device:
            out = call("_to_device", out, device)
        if dtype is not None and dtypes.as_dtype(dtype, "to") is not self.dtype:
            out = call("_to_copy", out, dtypes.as_dtype(dtype, "to"))
        return out

    def new_zeros(self, *size: Any) -> Tensor:
        """Zeros of another size, with the dtype and device of this tensor."""
        from terox.tensors.factories import zeros

        return zeros(*size, dtype=self.dtype, device=self.device)

    def new_ones(self, *size: Any) -> Tensor:
        """Ones of another size, with the dtype and device of this tensor."""
        from terox.tensors.factories import ones

        return ones(*size, dtype=self.dtype, device=self.device)

    def type_as(self, other: Tensor) -> Tensor:
        """`x.to(other.dtype)`."""
        return self.to(other.dtype)

    def float(self) -> Tensor:
        """As float32."""
        return self.to(dtypes.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(dtypes.float64)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(dtypes.int64)

    def bool(self) -> Tensor:
        """As bool: whether each element differs from zero."""
        return self.to(dtypes.bool)

    # ---- In place ----

    def _in_place(self, op: str, *args: Any) -> Self:
        """Run `op` on this tensor and `args`, and write the result into this tensor's memory, with its history."""
        self._check_in_place()
        result = call(op, self, *args)
        name = f"{op}_"
        if result.impl.sizes != self.impl.sizes:
            raise RuntimeError(f"{name}: output with shape {list(self.shape)} doesn't match the broadcast shape "
                               f"{list(result.shape)}")
        if not dtypes.can_cast(result.dtype, self.dtype):
            raise RuntimeError(f"{name}: result type {result.dtype.name} can't be cast to the desired output type "
                               f"{self.dtype.name}")
        self._check_writable(name)
        if (result._edge is not None or self._edge is not None) and state.enabled:
            if self._rebased is not None:
                raise RuntimeError(f"{name}: writing in place through a view, where a gradient is needed, is not "
                                   "supported; change the whole tensor, or compute a new one")
            edge = result.to(self.dtype)._edge
            if result._edge is not None:
                self._keep_old(result._edge[0])
            self.impl.storage.rebased += 1
            self._write(result)
            self._edge = edge
        else:
            self._write(result)
        return self

    def _keep_old(self, node: Any) -> None:
        """Let `node`, which saved this tensor, keep a copy of what is now to be overwritten."""
        for saved in node.saved:
            if getattr(saved, "impl", None) is not None and saved.impl.storage is self.impl.storage:
                saved.impl = call("clone", self._of(saved.impl)).impl
                saved.version = 0

    def _write(self, source: Tensor) -> None:
        find_kernel("copy", self.device)(self.impl, source.impl)
        self.impl.storage.version += 1

    def _check_writable(self, op: str) -> None:
        if any(stride == 0 and size > 1 for size, stride in zip(self.impl.sizes, self.impl.strides)):
            raise RuntimeError(f"{op}: unsupported operation: more than one element of the written-to tensor refers to "
                               "a single memory location. Please clone() the tensor before performing the operation.")

    def copy_(self, source: Any) -> Self:
        """Take over the numbers of `source`, broadcast and converted. A leaf that requires grad: only under `no_grad`."""
        if isinstance(source, Tensor) and source.dtype is not self.dtype:
            source = source.to(self.dtype)
        return self._in_place("copy_from", source)

    def fill_(self, value: Any) -> Self:
        """Make every element `value`, a number or a tensor without dimensions."""
        if isinstance(value, Tensor) and value.dim():
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.dim()} "
                               "dimensions.")
        return self.copy_(value)

    def zero_(self) -> Self:
        """Make every element zero."""
        return self.copy_(0)

    def _dim(self, dim: int, op: str) -> int:
        """A dimension counted from 0 on. Raises IndexError, as PyTorch, if it does not exist."""
        rank = max(len(self.impl.sizes), 1)
        if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
            raise TypeError(f"{op}(): a dimension must be an int, not {type(dim).__name__}")
        if not -rank <= dim < rank:
            raise IndexError(f"{op}: Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
                             f"{dim}; the shape is {list(self.impl.sizes)})")
        return dim % rank


