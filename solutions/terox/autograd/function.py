"""Function: an operation that can be differentiated, as a pair of `forward` and `backward`. Provided.

`Function.apply` runs `forward` on raw values and, where a gradient may be asked for, leaves a node behind that
remembers what `backward` will need.

In PyTorch: `torch/autograd/function.py`, `Function`; `torch/csrc/autograd/python_function.h`; for what a node
keeps, `torch/csrc/autograd/saved_variable.h`.
"""

from __future__ import annotations

from typing import Any

from terox._grad_mode import state
from terox.autograd.node import NO_EDGE, Node
from terox.autograd.variable import Variable

FREED = (
    "Trying to backward through the graph a second time (or directly access saved values after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved values after calling backward."
)


class FunctionNode(Node):
    """The node of one call of a Function. It is also the `ctx` that `forward` and `backward` get.

    Attributes of your own can be set on it in `forward` and read in `backward`.
    """

    __slots__ = ("function", "_saved", "_inputs", "_output")

    function: type[Function]
    _saved: tuple[Any, ...] | None  # None once freed
    _inputs: tuple[Any, ...] | None  # the arguments of apply
    _output: Any  # the raw result of forward
    _recorded = False  # True, in the instance's dict, while its backward is itself recorded

    def name(self) -> str:
        return f"{self.function.__name__}Backward0"

    def save_for_backward(self, *values: Any) -> None:
        """Keep `values` (inputs or the output of `forward`) for `backward`, where `saved_tensors` gives them back."""
        self._saved = values

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept. Raises RuntimeError after it was freed."""
        if self._saved is None:
            raise RuntimeError(FREED)
        if self._recorded:
            return tuple([self._with_history(value) for value in self._saved])
        return self._saved

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each argument of `apply`, whether a gradient has to reach it."""
        return tuple(node is not None for node, _ in self.next_functions)

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        if create_graph:
            self._recorded = True
            try:
                result = self.function.backward(self, *grads)
            finally:
                del self._recorded
            self._check_recorded(result if result.__class__ is tuple else (result,))
        else:
            result = self.function.backward(self, *grads)
        if result.__class__ is not tuple:
            result = (result,)
        while len(result) > len(self.next_functions) and result[-1] is None:
            result = result[:-1]
        if len(result) != len(self.next_functions):
            raise RuntimeError(
                f"{self.function.__name__}.backward returned {len(result)} gradient(s); "
                f"its forward has {len(self.next_functions)} input(s), and each needs one (or None)"
            )
        if not retain_graph:
            if self._saved:
                self._saved = None  # what saved nothing, such as a sum, can run again; so it is in PyTorch
            self._inputs = self._output = None
        return result

    def _check_recorded(self, result: tuple[Any, ...]) -> None:
        for number, gradient in enumerate(result):
            if gradient is not None and not isinstance(gradient, Variable):
                raise TypeError(
                    f"{self.function.__name__}.backward returned {gradient!r}, a plain {type(gradient).__name__}, for "
                    f"input {number}. While the backward pass is itself recorded (create_graph=True), gradients have "
                    "to stay what they are, Scalars or Tensors: compute each from the gradient that came in."
                )

    def _with_history(self, value: Any) -> Any:
        """The Variable whose raw value was saved, so that `backward` can itself be differentiated.

        A saved output is kept raw and gets its history only now: a node that held its own output, which holds the
        node, would be a cycle that only the garbage collector can free.
        """
        owners = [each for each in self._inputs or () if isinstance(each, Variable) and each._holds(value)]
        if owners:
            return owners[0]
        if any(each is value for each in self._inputs or ()):
            return value  # a plain number
        for number, output in enumerate(self._output if self._output.__class__ is tuple else (self._output,)):
            if value is output:
                kind = next(type(each) for each in self._inputs or () if isinstance(each, Variable))
                return kind._wrap(value, self, number)
        if value is None:
            return None
        raise RuntimeError(
            f"{self.function.__name__}: a saved value is neither an input nor the output of forward, or an input was "
            "changed in place afterwards: its gradient cannot itself be differentiated. Constants belong on ctx, "
            "as attributes."
        )


class Function:
    """Base class of all differentiable operations.

        class Square(Function):
            @staticmethod
            def forward(ctx, x):            # raw values in, raw value out
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, grad):        # gradient of the output in, of each input out
                (x,) = ctx.saved_tensors
                return grad * 2.0 * x

        y = Square.apply(x)

    `forward` gets raw values: floats, for Scalars. So does `backward`, except when the backward pass is itself
    recorded (`create_graph=True`): then it gets Scalars, and everything it does is recorded. Write it so that it
    works for both.
    """

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        """The raw result (or a tuple of them) for raw arguments."""
        raise TypeError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradient of each argument of `forward`, given those of its results; None where there is none.

        The gradient of a result that was not used is None for Scalars, and zeros for Tensors.
        """
        raise TypeError("You must implement the backward function for your custom autograd.Function.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run `forward`, and record the call if one of the arguments requires grad and recording is on."""
        kind = recorded = None
        values, edges = [], []
        for arg in args:
            edge = None
            if isinstance(arg, Variable):
                kind = arg
                edge = arg._edge
                arg = arg.data
            values.append(arg)
            if edge is None:
                edges.append(NO_EDGE)
            else:
                edges.append(edge)
                recorded = True
        if kind is None:
            raise TypeError(f"{cls.__name__}.apply needs at least one Scalar or Tensor among its arguments")
        node = kind._function_node()
        node.function = cls
        node.num_outputs = 1
        node.watches = None
        node._saved = ()
        node.next_functions = tuple(edges)
        output = cls.forward(node, *values) if kind._is_scalar else node.forward(args)
        if recorded and state.enabled:
            node._inputs = args
            node._output = output
        else:
            node = None
        if output.__class__ is not tuple:
            return kind._wrap(output, node)
        if node is not None:
            node.num_outputs = len(output)
        return tuple([kind._wrap(each, node, number) for number, each in enumerate(output)])


Variable._function_node = FunctionNode
