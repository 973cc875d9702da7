"""What the node of a user's Function has to know besides, where its values are Tensors. Provided.

Memory can be changed after it was saved, so versions are noted. Gradients have shapes, so those of inputs and outputs
are noted too.

In PyTorch: `torch/csrc/autograd/python_function.cpp`.
"""

from __future__ import annotations

from typing import Any

from terox._grad_mode import no_grad
from terox.autograd.function import FunctionNode
from terox.autograd.node import NO_EDGE
from terox.autograd.variable import Variable
from terox.tensors.node import fitted


class TensorFunctionNode(FunctionNode):
    """The node, and `ctx`, of one call of a Function on Tensors.

    versions: of what was saved. inputs, outputs: sizes, dtype and device of each (None for what is no tensor).
    """

    __slots__ = ("versions", "inputs", "outputs")

    def forward(self, args: tuple[Any, ...]) -> Any:
        """Run the Function's `forward` on tensors without history, with recording off."""
        values = [arg._alias() if isinstance(arg, Variable) else arg for arg in args]
        with no_grad():
            output = self.function.forward(self, *values)
        for number, value in enumerate(self._saved or ()):
            if value is not None and not isinstance(value, Variable):
                raise TypeError(f"save_for_backward can only save variables, but argument {number} is of type "
                                f"{type(value).__name__}. Constants belong on ctx, as attributes.")
        self.versions = [None if value is None else value._version for value in self._saved or ()]
        self.inputs = [_likeness(arg) for arg in args]
        self.outputs = [_likeness(each) for each in (output if output.__class__ is tuple else (output,))]
        return output

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept. Raises RuntimeError after it was freed, or if it was changed in place."""
        for value, version in zip(self._saved or (), self.versions):
            if value is not None:
                value._check_version(version)
        return super().saved_tensors

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        # Outputs that were not used get zeros, as in PyTorch. (Scalars, which have no shape to think of, get None.)
        grads = [_zeros(*like) if grad is None else grad for like, grad in zip(self.outputs, grads)]
        result = super().run(grads, retain_graph, create_graph)
        return tuple([None if gradient is None or edge is NO_EDGE else self._checked(gradient, like, number)
                      for number, (like, edge, gradient) in enumerate(zip(self.inputs, self.next_functions, result))])

    def _checked(self, gradient: Any, like: Any, number: int) -> Any:
        if not hasattr(gradient, "impl"):
            raise RuntimeError(f"{self.name()}: a Tensor was expected as gradient of input {number}, not "
                               f"{type(gradient).__name__}")
        return fitted(gradient, like[0], like[1], self.name(), number)


def _likeness(value: Any) -> Any:
    return (value.impl.sizes, value.dtype, value.device) if hasattr(value, "impl") else None


def _zeros(sizes: tuple[int, ...], dtype: Any, device: str) -> Any:
    from terox.tensors.factories import zeros

    return zeros(sizes, dtype=dtype, device=device)
