"""Nodes of the graph for ops on tensors, and what they remember. Provided.

What a derivative names is saved when the op runs; nothing else is, and only for formulas that will run.

In PyTorch: the generated `torch/csrc/autograd/generated/Functions.h`; `torch/csrc/autograd/saved_variable.h`;
`torch/csrc/autograd/input_metadata.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox.autograd.function import FREED
from terox.autograd.node import NO_EDGE, Edge, Node
from terox.tensors.schema import RESULT, Derivative
from terox.tensors.storage import TensorImpl


class SavedTensor:
    """A tensor that was saved for the backward pass: where its numbers are, its place in the graph, and its version.

    Not the tensor itself: an in-place op gives that a new history, and a result would hold the node that holds it.
    """

    __slots__ = ("kind", "impl", "edge", "version", "is_result")

    def __init__(self, tensor: Any, is_result: bool) -> None:
        self.kind = tensor.__class__
        self.impl: TensorImpl = tensor.impl
        self.edge: Edge | None = None if is_result else tensor._edge
        self.version = self.impl.storage.version
        self.is_result = is_result

    def unpack(self, node: Node, with_history: bool) -> Any:
        """The tensor. Raises RuntimeError if it was changed in place after it was saved."""
        changed = self.impl.storage.version
        if changed != self.version:
            raise RuntimeError(changed_message(self.impl, node.name() if self.is_result else _name(self.edge),
                                               changed, self.version))
        edge: Edge | None = None
        if with_history:
            edge = (node, 0) if self.is_result else self.edge
        return self.kind._of(self.impl, edge)


def _name(edge: Edge | None) -> str | None:
    return None if edge is None or edge[0] is None or not edge[0].next_functions else edge[0].name()


def changed_message(impl: TensorImpl, made_by: str | None, version: int, expected: int) -> str:
    """PyTorch's words for a saved tensor that was changed in place afterwards."""
    which = f", which is output 0 of {made_by}," if made_by else ""
    return ("one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{impl.dtype!r} {list(impl.sizes)}]{which} is at version {version}; expected version {expected} instead. "
            "Hint: the backward pass needs this tensor as it was; compute a new tensor instead of changing it.")


class OpNode(Node):
    """The node of one op on tensors."""

    __slots__ = ("derivative", "saved", "metadata")

    derivative: Derivative
    saved: list[Any] | None  # one value for each parameter of the derivative; None once freed
    metadata: list[tuple[tuple[int, ...], Any]]  # for each edge: sizes and dtype of the input

    def name(self) -> str:
        return self.derivative.node_name

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        if self.saved is None:
            raise RuntimeError(FREED)
        values, keeps_tensors = [], False
        for value in self.saved:
            if value.__class__ is SavedTensor:
                value, keeps_tensors = value.unpack(self, create_graph), True
            values.append(value)
        formulas = self.derivative.formulas(*values)
        if formulas.__class__ is not tuple:
            formulas = (formulas,)
        gradients = self._gradients(formulas, grads[0])
        if keeps_tensors and not retain_graph:
            self.saved = None  # what saved no tensor, such as a sum, can run again; so it is in PyTorch
        return gradients

    def _gradients(self, formulas: Any, grad: Any) -> tuple[Any, ...]:
        expected = len(self.derivative.inputs)
        if len(formulas) != expected or not all(map(callable, formulas)):
            raise TypeError(
                f"the derivative of {self.derivative.op} has to return {expected} formula(s), functions of grad, one "
                f"for each differentiable input of {self.derivative.schema}; it returned {formulas!r}"
            )
        if self.derivative.of_list:  # the one input is a list of tensors, its formula gives a list
            gradients = formulas[0](grad)
            return tuple([None if node is None else self._fitted(number, gradient, grad)
                          for number, ((node, _), gradient) in enumerate(zip(self.next_functions, gradients))])
        return tuple([None if edge is NO_EDGE else self._fitted(number, formula(grad), grad)
                      for number, (edge, formula) in enumerate(zip(self.next_functions, formulas))])

    def _fitted(self, number: int, gradient: Any, grad: Any) -> Any:
        if gradient.__class__ is not grad.__class__:
            hint = " Is a `return` missing?" if gradient is None else ""
            raise TypeError(f"the derivative of {self.derivative.op} has to give a Tensor for input {number}, not "
                            f"{type(gradient).__name__}.{hint}")
        sizes, dtype = self.metadata[number]
        if gradient.impl.sizes == sizes and gradient.impl.storage.dtype is dtype:
            return gradient
        return fitted(gradient, sizes, dtype, self.name(), number)


def fitted(gradient: Any, sizes: tuple[int, ...], dtype: Any, node: str, number: int) -> Any:
    """A gradient in the shape and dtype of its input: summed where the input was broadcast.

    Raises RuntimeError, naming `node` and the `number` of the input, where the shape does not follow from
    broadcasting. In PyTorch: `torch/csrc/autograd/engine.h`, `validate_outputs`.
    """
    shape = gradient.impl.sizes
    if shape != sizes:
        from terox.tensors.derivatives import sum_to

        front = len(shape) - len(sizes)
        if front < 0 or any(size != 1 and size != other for size, other in zip(sizes, shape[front:])):
            raise RuntimeError(f"Function {node} returned an invalid gradient at index {number} - got {list(shape)} "
                               f"but expected shape compatible with {list(sizes)}")
        gradient = sum_to(gradient, sizes)
    return gradient if gradient.impl.storage.dtype is dtype else gradient.to(dtype)


def record(derivative: Derivative, args: Sequence[Any], result: Any) -> None:
    """Put a node for the op that was just run behind its `result`, with edges to the inputs that have a history."""
    if not result.impl.storage.dtype.is_floating_point:
        return
    node = OpNode()
    node.derivative = derivative
    node.num_outputs = 1
    node.watches = None
    inputs = args[derivative.inputs[0]] if derivative.of_list else [args[place] for place in derivative.inputs]
    kind = result.__class__
    edges, metadata = [], []
    all_run = True  # all formulas: for what they use, nobody has to ask
    for value in inputs:
        edge = None
        if value.__class__ is kind:
            if value._view is not None:
                value._check_history()
            edge = value._edge
        if edge is None:
            edges.append(NO_EDGE)
            metadata.append(None)
            all_run = derivative.of_list
        else:
            edges.append(edge)
            metadata.append((value.impl.sizes, value.impl.storage.dtype))
    node.next_functions = tuple(edges)
    node.metadata = metadata
    node.saved = saved = []
    for (place, only_sizes), used_by in derivative.kept:
        value = result if place == RESULT else args[place]
        if not all_run and not any([metadata[number] for number in used_by]):
            value = None  # no formula that will run uses it
        elif value.__class__ is kind:
            value = value.impl.sizes if only_sizes else SavedTensor(value, place == RESULT)
        elif only_sizes:
            value = [each.impl.sizes for each in value] if isinstance(value, (list, tuple)) else ()
        saved.append(value)
    result._edge = (node, 0)
