"""GraphTask: what one backward pass was asked for, and what it does at each node. Provided.

In PyTorch: `torch/csrc/autograd/graph_task.h`, `GraphTask`; `torch/csrc/autograd/functions/basic_ops.h`, `GraphRoot`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox.autograd.node import Edge, Node
from terox.autograd.variable import Variable


class GraphRoot(Node):
    """The node before the first: its edges lead to the outputs that `backward` was called on."""

    __slots__ = ("gradients",)

    def __init__(self, edges: Sequence[Edge], gradients: Sequence[Any]) -> None:
        self.next_functions = tuple(edges)
        self.num_outputs = 0
        self.watches = None
        self.gradients = tuple(gradients)

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        return self.gradients


class GraphTask:
    """One backward pass.

    retain_graph: saved values are kept afterwards.
    create_graph: gradients are Variables and every step is recorded; otherwise they are raw values.
    captured: for each of `inputs`, the gradient that arrived there (`grad()` returns these).
    """

    def __init__(self, root: GraphRoot, retain_graph: bool, create_graph: bool) -> None:
        self.root = root
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.captured: list[Any] = []
        self._wanted: dict[Node, list[tuple[int, int]]] = {}  # node -> (its output number, place in `captured`)
        self._needed: set[Node] | None = None  # None: every node is run

    def capture(self, inputs: Sequence[Variable]) -> None:
        """Keep the gradients of `inputs`, run only what leads there, and leave the `grad` of leaves alone."""
        self.captured = [None] * len(inputs)
        for place, variable in enumerate(inputs):
            node, number = variable.gradient_edge()
            self._wanted.setdefault(node, []).append((number, place))
        self._needed = _nodes_above(self.root, set(self._wanted))

    def restrict(self, inputs: Sequence[Variable]) -> None:
        """Run only what leads to the leaves `inputs`, and add to their `grad` alone."""
        ends = {variable.gradient_edge()[0] for variable in inputs}
        self._needed = _nodes_above(self.root, ends) | ends

    def evaluate(self, node: Node, grads: list[Any]) -> tuple[Any, ...]:
        """Run one node whose gradients are complete, with all that belongs to it (hooks, retained gradients, freeing).

        Returns one gradient (or None) for each edge of `node.next_functions`.
        """
        if node.watches is not None:
            self._tell_watches(node, grads)
        if self._needed is not None:
            for number, place in self._wanted.get(node, ()):
                self.captured[place] = grads[number]
            if node not in self._needed:
                return (None,) * len(node.next_functions)
        if grads and grads[0] is None and all(grad is None for grad in grads):
            return (None,) * len(node.next_functions)  # nothing that was asked for depends on it
        return node.run(grads, self.retain_graph, self.create_graph)

    def _tell_watches(self, node: Node, grads: list[Any]) -> None:
        for number, watch in node.watches.items():
            if grads[number] is None:
                continue
            for hook in list(watch.hooks.values()):
                shown = grads[number] if self.create_graph else watch.kind._wrap(grads[number], None)
                changed = hook(shown)
                if changed is not None:
                    raw = shown._raw_grad(changed)  # also checks it
                    recorded = changed if isinstance(changed, Variable) else watch.kind._wrap(raw, None)
                    grads[number] = recorded if self.create_graph else raw
            variable = watch.retained() if watch.retained is not None else None
            if variable is not None:
                gradient = variable._own_grad(grads[number])
                variable.grad = gradient if variable.grad is None else variable.grad + gradient


def _nodes_above(root: Node, ends: set[Node]) -> set[Node]:
    """The nodes from which one of `ends` can be reached, without `ends` that lead to no other. Not recursive."""
    users: dict[Node, list[Node]] = {}
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        for following, _ in node.next_functions:
            if following is None:
                continue
            users.setdefault(following, []).append(node)
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    above: set[Node] = set()
    waiting = [node for node in ends if node in seen]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in above:
                above.add(user)
                waiting.append(user)
    return above
