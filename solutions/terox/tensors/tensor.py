"""Tensor: numbers in a grid, with a place in the graph. Provided.

What it computes goes through the dispatcher (`call`); its methods only sort out their arguments. They stand in six
files beside this one: inspecting.py, converting.py, arithmetic.py, in_place.py, shaping.py, reducing.py.

In PyTorch: `torch/_tensor.py`; `aten/src/ATen/core/TensorBase.h`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from terox._grad_mode import state
from terox.autograd.node import Edge, Node
from terox.autograd.variable import Variable
from terox.tensors import dtype as dtypes
from terox.tensors.arithmetic import Arithmetic
from terox.tensors.converting import Converting
from terox.tensors.dispatcher import call, find_kernel
from terox.tensors.function import TensorFunctionNode
from terox.tensors.in_place import InPlace
from terox.tensors.inspecting import Inspecting
from terox.tensors.node import changed_message
from terox.tensors.reducing import Reducing
from terox.tensors.shaping import Shaping
from terox.tensors.storage import TensorImpl

_new = object.__new__


class Tensor(Inspecting, Converting, Arithmetic, InPlace, Shaping, Reducing, Variable):
    """An n-dimensional tensor. Make one with `terox.tensor`, `terox.zeros`, ...; `Tensor(data)` makes float32."""

    __slots__ = ("impl",)

    impl: TensorImpl

    _is_scalar = False
    _function_node = TensorFunctionNode
    # From iterator.py, which is made of tensors: memory for a result, and a gradient that nobody else holds.
    _empty: Callable[..., Tensor]
    _owned: Callable[..., Tensor]
    _grad: Tensor | None = None
    # How often this tensor got a new history after views of it were taken: a list of one number, which they share; and,
    # for a view, that list with the number of then. (In PyTorch: `torch/csrc/autograd/variable.h`, `ViewInfo`.)
    _changes: list[int] | None = None
    _view: tuple[list[int], int] | None = None

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
        if node is None or not raw.dtype.is_floating_point:
            return raw if raw._edge is None else cls._of(raw.impl)
        out = cls._of(raw.impl, (node, output_nr))
        if raw._view is not None:
            out._view = raw._view
        return out

    # ---- What a Variable has to know ----

    @property
    def data(self) -> Self:
        """The same numbers in the same memory, without history."""
        return self._of(self.impl)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._edge is not None and not value.dtype.is_floating_point:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point dtype")
        self.impl = value.impl

    def _holds(self, raw: Any) -> bool:
        if raw.__class__ is not Tensor:
            return False
        mine, other = self.impl, raw.impl
        return mine is other or (mine.storage is other.storage and mine.offset == other.offset
                                 and mine.sizes == other.sizes and mine.strides == other.strides)

    def _own_grad(self, gradient: Any, alone: bool = False) -> Any:
        return call("clone", gradient) if gradient._edge is not None else self._owned(gradient, alone)

    def _raw_grad(self, gradient: Any) -> Any:
        if gradient is None:
            if self.numel() != 1:
                raise RuntimeError(f"grad can be implicitly created only for scalar outputs; this one has the shape "
                                   f"{list(self.shape)}: pass a gradient of that shape")
            ones = self._empty(self.impl.sizes, self.impl.storage.dtype, self.impl.storage.device)
            ones.impl.storage.array.fill(1)
            return ones
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient.impl.sizes != self.impl.sizes:
            raise RuntimeError(f"Mismatch in shape: grad_output has a shape of {list(gradient.shape)} and output has a "
                               f"shape of {list(self.shape)}.")
        return gradient.data.to(self.dtype)

    def _kernel(self, op: str) -> Callable[..., Any]:
        return find_kernel(op, self.impl.storage.device)

    def _alias(self) -> Self:
        """This tensor without history, for a Function's `forward`: a view, since `forward` may return it."""
        if state.enabled:
            self._check_history()
        out = self._of(self.impl)
        out._view = self._shared()
        return out

    def _numbers(self) -> list[float]:
        return self._host().reshape(-1).tolist()

    def _like(self, numbers: Sequence[float]) -> Self:
        from terox.tensors.factories import from_array

        array = np.array(numbers, dtype=self.dtype.numpy).reshape(self.impl.sizes)
        return from_array(array, self.device)

    @property
    def grad(self) -> Any:
        """The gradients that have arrived at this leaf, summed; None before the first."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type "
                                f"{type(value).__name__}")
            if value.impl.sizes != self.impl.sizes or value.dtype is not self.dtype:
                raise RuntimeError(f"attempting to assign a gradient of {list(value.shape)} {value.dtype.name} to a "
                                   f"tensor of {list(self.shape)} {self.dtype.name}: shape and dtype have to be equal")
            if value.device != self.device:
                raise RuntimeError(f"assigned grad has data located on a different device, {value.device}, than the "
                                   f"tensor, {self.device}")
        self._grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded, so that a gradient can reach it."""
        return self._edge is not None or (self._view is not None and self._is_stale())

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self._check_history()
        before = self._edge
        Variable.requires_grad.fset(self, value)
        if self._edge is not before:
            self._leave_views()

    def gradient_edge(self) -> Edge:
        """Where a gradient of this tensor goes. Raises RuntimeError for a view whose history is out of date."""
        self._check_history()
        return super().gradient_edge()

    def _shared(self) -> tuple[list[int], int]:
        """`_view` of a view that is now made of this tensor."""
        if self._view is not None:
            return self._view
        if self._changes is None:
            self._changes = [0]
        return self._changes, self._changes[0]

    def _leave_views(self) -> None:
        """This tensor has got a new history, in which views that were taken before have no part."""
        if self._changes is not None:
            self._changes[0] += 1

    def _is_stale(self) -> bool:
        return self._view is not None and self._view[0][0] != self._view[1]

    def _check_history(self) -> None:
        if self._is_stale():
            raise RuntimeError("this tensor is a view, and a recorded in-place operation changed the tensor that it is "
                               "a view of: its history is out of date. Take the view anew, after that operation.")

    def _check_in_place(self) -> None:
        if state.enabled:
            self._check_history()
        super()._check_in_place()

    @property
    def _version(self) -> int:
        """How often the numbers were changed in place, by this tensor or another that shares them."""
        return self.impl.storage.version

    def _check_version(self, expected: int) -> None:
        if self._version != expected:
            raise RuntimeError(changed_message(self.impl, None, self._version, expected))

    # `==` compares element by element, so dicts and sets tell tensors apart by identity, as PyTorch's do.
    __hash__ = object.__hash__

    # ---- Copies ----

    def detach(self) -> Self:
        """The same numbers in the same memory, without history."""
        return self._of(self.impl)

    def clone(self) -> Tensor:
        """A copy in memory of its own. Gradients pass through it."""
        return call("clone", self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user support the deepcopy protocol; take "
                               "x.detach() first")
        if id(self.impl.storage) not in memo:  # copies of tensors that share memory share theirs
            memo[id(self.impl.storage)] = call("clone", self._of(self.impl.whole())).impl.storage
        out = self._of(self.impl.look(self.impl.sizes, self.impl.strides, self.impl.offset))
        out.impl.storage = memo[id(self.impl.storage)]
        out.requires_grad = self.requires_grad
        out._is_param = self._is_param
        out.grad = copy.deepcopy(self.grad, memo)
        memo[id(self)] = out
        return out

    def __reduce__(self) -> Any:
        from terox.tensors.factories import tensor

        return tensor, (self._host().copy(), self.dtype, self.device, self.requires_grad)

    def contiguous(self) -> Tensor:
        """This tensor, if its elements lie one after the other, else a copy in which they do."""
        return self if self.is_contiguous() else call("clone", self)

    def _dim(self, dim: int, op: str) -> int:
        """A dimension counted from 0 on. Raises IndexError, as PyTorch, if it does not exist."""
        rank = max(len(self.impl.sizes), 1)
        if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
            raise TypeError(f"{op}(): a dimension must be an int, not {type(dim).__name__}")
        if not -rank <= dim < rank:
            raise IndexError(f"{op}: Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
                             f"{dim}; the shape is {list(self.impl.sizes)})")
        return dim % rank
