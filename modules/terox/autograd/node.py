"""Node: one step of the graph that differentiation walks backward.

A node knows how to turn the gradient of its outputs into the gradients of its inputs, and, for each input, which
node comes next. The graph is nothing but nodes that point at nodes.

In PyTorch: `torch/csrc/autograd/node.h`, `Node`; `torch/csrc/autograd/edge.h`, `Edge`.
"""

from __future__ import annotations

import weakref
from typing import Any

from terox.foundations.hooks import HookDict

# (node, input_nr): the gradient goes to `node`, as that of its output number `input_nr`. (None, 0) goes nowhere:
# the input was a plain number, or does not require a gradient.
Edge = tuple["Node | None", int]
NO_EDGE: Edge = (None, 0)


class Node:
    """Base of `FunctionNode` (a recorded operation), `AccumulateGrad` (a leaf) and `GraphRoot` (where one starts).

    next_functions: one edge for each input of the operation, in their order.
    num_outputs: how many gradients a call takes.
    """

    # Slots, and no __init__ to call: a graph has one of these for each operation.
    __slots__ = ("next_functions", "num_outputs", "watches", "__dict__")

    next_functions: tuple[Edge, ...]
    num_outputs: int
    watches: dict[int, Watch] | None  # for outputs that have hooks or keep their gradient, by output number

    def name(self) -> str:
        """The name that PyTorch would print, e.g. `MulBackward0`."""
        return type(self).__name__

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        """The gradients of the inputs, one for each edge of `next_functions` (None where there is none).

        grads: the gradients of the outputs, summed over all uses; None for an output that was not used.
        """
        raise TypeError(f"{type(self).__name__} does not define run")

    def watch(self, variable: Any) -> Watch:
        """The entry of `watches` for one of this node's outputs; made if there is none."""
        if self.watches is None:
            self.watches = {}
        return self.watches.setdefault(variable.output_nr, Watch(type(variable)))

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class Watch:
    """What happens when the gradient of one output is complete: its hooks run, and `grad` is filled if retained.

    It does not hold the output, which holds the node: hooks outlive a value that nobody refers to any more.
    """

    __slots__ = ("kind", "hooks", "retained")

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.hooks = HookDict()
        self.retained: weakref.ref[Any] | None = None
