"""AccumulateGrad: the node at which a leaf's gradient arrives.

In PyTorch: `torch/csrc/autograd/functions/accumulate_grad.h`.
"""

from __future__ import annotations

import weakref
from sys import getrefcount
from typing import Any

from terox.autograd.node import Node


class AccumulateGrad(Node):
    """The end of the graph: each leaf that requires grad has one.

    The leaf holds its node, and the node knows the leaf only weakly: two that hold each other would be a cycle,
    which only the garbage collector can free. (In PyTorch it is the other way round, for the same reason.)
    """

    __slots__ = ("_variable",)

    def __init__(self, variable: Any) -> None:
        self.next_functions = ()
        self.num_outputs = 1
        self.watches = None
        self._variable = weakref.ref(variable)

    @property
    def variable(self) -> Any:
        """The leaf; None if nobody holds it any more."""
        return self._variable()

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        variable = self._variable()
        if variable is not None:
            # Two references: the list, and the question. (A hook's, or the engine's for another leaf, makes three.)
            alone = getrefcount(grads[0]) == 2
            accumulate_grad(variable, variable._own_grad(grads[0], alone))
        return ()


def accumulate_grad(variable: Any, gradient: Any) -> None:
    """Add `gradient` to `variable.grad`.

    `variable.grad` is None before the first gradient arrives, and afterwards the sum of all that arrived since it
    was last set to None: also those of earlier calls of `backward()`. Make a new value for the sum; whoever kept
    the old `grad` keeps an unchanged number.

    In PyTorch: `AccumulateGrad::accumulateGrad`.
    """
    # TODO 1.5: the first gradient is taken as it is, every later one is added.

    raise NotImplementedError("Task 1.5: accumulate_grad")


# End of the file.
