"""Variable: what a value needs so that the engine can differentiate through it.

`Scalar` is one kind of Variable, module 2's `Tensor` the other. All that is not arithmetic stands here, once.

In PyTorch: `torch/csrc/autograd/variable.h`, `AutogradMeta` (Variable was once a class of its own).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Self

from terox._grad_mode import state
from terox.autograd.accumulate import AccumulateGrad
from terox.autograd.node import NO_EDGE, Edge, Node
from terox.foundations.hooks import RemovableHandle


class Variable:
    """A value with a history.

    data: the raw value, without history: a float for a Scalar; for a Tensor, a Tensor that shares its memory.
    grad: for a leaf that requires grad, the gradients of all backward passes so far, summed; else None.
    """

    # _edge is where a gradient of this value goes, None if it does not require grad. What only few values have (a
    # gradient, hooks, a mark) is a class attribute here, and goes to the instance's dict where it is set.
    __slots__ = ("_edge", "__dict__", "__weakref__")

    data: Any
    _edge: Edge | None

    grad: Any = None
    _is_param = False
    _is_scalar = True
    _function_node: type  # the class of nodes that Functions of such values leave

    @classmethod
    def _wrap(cls, raw: Any, node: Node | None, output_nr: int = 0) -> Self:
        """A new Variable around a raw value: the result number `output_nr` of `node`, or without history."""
        raise NotImplementedError

    def _raw_grad(self, gradient: Any) -> Any:
        """Check a gradient that a caller hands in for this value, and return its raw form."""
        raise NotImplementedError

    def _holds(self, raw: Any) -> bool:
        """Whether `raw` is this value's raw value, and unchanged."""
        return self.data is raw

    def _own_grad(self, gradient: Any, alone: bool = False) -> Any:
        """`gradient`, raw unless the pass is recorded, as one that only `grad` holds. alone: so it is already."""
        return gradient if isinstance(gradient, Variable) else self._wrap(gradient, None)

    def _numbers(self) -> list[float]:
        """The value as a list of numbers, for `gradcheck`."""
        raise NotImplementedError

    def _like(self, numbers: Sequence[float]) -> Self:
        """A value of the same shape without history, made of `numbers`."""
        raise NotImplementedError

    # ---- Where the value stands in the graph ----

    @property
    def grad_fn(self) -> Node | None:
        """The node that computed this value; None for a leaf, that is, a value that no recorded operation computed."""
        if self._edge is None or isinstance(self._edge[0], AccumulateGrad):
            return None
        return self._edge[0]

    @property
    def output_nr(self) -> int:
        """Which result of `grad_fn` this is."""
        return 0 if self._edge is None else self._edge[1]

    @property
    def is_leaf(self) -> bool:
        """True if no recorded operation computed this value."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this value are recorded, so that a gradient can reach it."""
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.grad_fn is None:
            if bool(value) != self.requires_grad:
                self._edge = (AccumulateGrad(self), 0) if value else None
        elif not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. "
                "To use a computed value without its history, take x.detach()."
            )

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` in place and return this value."""
        self.requires_grad = requires_grad
        return self

    def gradient_edge(self) -> Edge:
        """Where a gradient of this value goes: to the node that computed it, or to a leaf's AccumulateGrad.

        In PyTorch: `torch/csrc/autograd/variable.h`, `gradient_edge`; `torch/autograd/graph.py`, `get_gradient_edge`.
        """
        return NO_EDGE if self._edge is None else self._edge

    def detach(self) -> Self:
        """The same value without its history."""
        return self._wrap(self.data, None)

    # ---- Differentiation ----

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Sequence[Variable] | None = None) -> None:
        """Add the derivative of this value with respect to every leaf below it to the leaf's `grad`.

        gradient: the derivative of whatever comes after this value with respect to it (default 1.0).
        retain_graph: keep what was saved for the backward pass, so that it can run again (default `create_graph`).
        create_graph: record the backward pass itself, so that gradients can be differentiated again.
        inputs: only these leaves receive their gradient.

        Raises RuntimeError if this value does not require grad, or its graph was freed by an earlier pass.

        In PyTorch: `torch.Tensor.backward`.
        """
        from terox.autograd.engine import backward

        backward(self, gradient, retain_graph=retain_graph, create_graph=create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call `hook(grad)` when the gradient of this value is complete; what it returns, if not None, replaces it.

        Raises RuntimeError if this value does not require grad.
        """
        if self._edge is None:
            raise RuntimeError("cannot register a hook on a variable that doesn't require gradient")
        return self._edge[0].watch(self).hooks.add(hook)

    @property
    def retains_grad(self) -> bool:
        """True if this value is no leaf and `retain_grad()` was called."""
        return self.grad_fn is not None and self.grad_fn.watch(self).retained is not None

    def retain_grad(self) -> None:
        """Let `grad` be filled although this value is no leaf.

        Raises RuntimeError if this value does not require grad.
        """
        if self._edge is None:
            raise RuntimeError("can't retain_grad on a variable that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn.watch(self).retained = weakref.ref(self)

    def _check_in_place(self) -> None:
        if self.requires_grad and self.is_leaf and state.enabled:
            raise RuntimeError(
                "a leaf variable that requires grad is being used in an in-place operation; "
                "change it under `with terox.no_grad():`"
            )
