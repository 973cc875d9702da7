"""Programs of tasks 1.4 and 1.5: graphs of bare nodes, and of Scalars, built from drawn descriptions.

Run in the sandbox, on whatever `terox` there is. A graph is a list with one entry for each node; node 0 is the root.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course.grading.programs.told import told


def _node_class(budget: list[int]) -> Any:
    """Nodes that notice when, all together, they are looked at or compared more often than `budget` says."""
    from terox.autograd.node import Node

    class Limited(Node):
        edges: tuple[Any, ...] = ()

        def __init__(self, label: int, outputs: int = 1) -> None:
            self.label, self.num_outputs, self.watches = label, outputs, None
            self.factors: list[Any] = []
            self.calls: list[list[Any]] = []

        @property
        def next_functions(self) -> tuple[Any, ...]:  # type: ignore[override]
            self.spend()
            return self.edges

        def spend(self) -> None:
            budget[0] -= 1
            if budget[0] < 0:
                raise RuntimeError("far more steps than there are edges")

        def __eq__(self, other: object) -> bool:
            self.spend()
            return self is other

        __hash__ = object.__hash__

        def name(self) -> str:
            return f"Node{self.label}"

        def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
            self.calls.append([each.copy() if isinstance(each, np.ndarray) else each for each in grads])
            if len(self.calls) > 1:
                raise RuntimeError("a node was run again")
            return tuple(None if factors is None else _total(factors, grads) for factors in self.factors)

    return Limited


def _total(factors: list[float], grads: list[Any]) -> Any:
    """What an edge passes on; a factor of 1 passes on the very gradient."""
    found: Any = None
    for factor, gradient in zip(factors, grads, strict=True):
        if gradient is not None:
            part = gradient if factor == 1 else gradient * factor
            found = part if found is None else found + part
    return found


def counts(graph: list[list[list[int]]], roots: list[int], budget: int) -> list[Any]:
    """The dependencies from each of `roots`, for the edges [target, output] of each node; target -1 leads nowhere."""
    from terox.autograd.engine import compute_dependencies

    left = [budget]
    kind = _node_class(left)
    nodes = [kind(number, 2) for number in range(len(graph))]
    for node, edges in zip(nodes, graph):
        node.edges = tuple((None if target < 0 else nodes[target], output) for target, output in edges)
    numbers = {id(node): number for number, node in enumerate(nodes)}
    rows = []
    for root in roots:
        left[0] = budget
        found = compute_dependencies(nodes[root])
        left[0] = 10**9
        # As two arrays, since a graph may have many nodes; -1 is what is no node of the graph.
        pairs = sorted((numbers.get(id(node), -1), told(count)) for node, count in found.items())
        rows.append([isinstance(found, dict), np.array([number for number, _ in pairs], dtype=np.int64),
                     np.array([count for _, count in pairs]).astype(np.int64),
                     all(type(count) is int for _, count in pairs)])
    unchanged = [[[numbers.get(id(target), -1), output] for target, output in node.edges] for node in nodes] == graph
    return [*rows, unchanged]


def passes(outputs: list[int], graph: list[list[list[Any]]], gradients: list[Any], budget: int) -> dict[str, Any]:
    """One backward pass. Edges are [target, output, factors], with one factor for each output of the node that they
    leave, or None; the root's edges are [target, output]. Returns with what each node ran, and the root's gradients.
    """
    from terox.autograd.engine import execute
    from terox.autograd.graph_task import GraphRoot, GraphTask

    left = [budget]
    kind = _node_class(left)
    nodes = [kind(number, count) for number, count in enumerate(outputs)]
    for node, edges in zip(nodes[1:], graph[1:]):
        node.edges = tuple((None if edge[0] < 0 else nodes[edge[0]], edge[1]) for edge in edges)
        node.factors = [edge[2] for edge in edges]
    first = [(None if target < 0 else nodes[target], output) for target, output in graph[0]]
    execute(GraphTask(GraphRoot(first, gradients), False, False))
    return {"ran": [node.calls for node in nodes], "gradients": list(gradients)}


def accumulated(gradients: list[np.ndarray]) -> list[Any]:
    """What `grad` is after each gradient, and each of its values at the end: nobody changed the earlier ones."""
    from terox.autograd.accumulate import accumulate_grad

    class Leaf:
        grad: Any = None

    leaf, kept, rows = Leaf(), [], []
    for gradient in gradients:
        accumulate_grad(leaf, gradient)
        kept.append(leaf.grad)
        rows.append(leaf.grad.copy())
    return [rows, kept, gradients]


def expression(leaves: list[float], steps: list[list[Any]], outputs: list[int], upstream: list[float],
               needed: list[bool]) -> dict[str, Any]:
    """A graph of Scalars: each step [op, place, place] makes a value from two before it. Two backward passes, and the
    derivatives with `grad`, for values on the way, too.
    """
    from terox.autograd import backward, grad
    from terox.autograd.scalar import Scalar

    starts = [Scalar(number, requires_grad=wanted) for number, wanted in zip(leaves, needed)]
    values: list[Any] = list(starts)
    for op, one, other in steps:
        values.append(_step(op, values[one], values[other]))
    ends = [values[place] for place in outputs]
    found = grad(ends, [value for value in values if value.requires_grad], upstream, retain_graph=True,
                 allow_unused=True)
    backward(ends, upstream, retain_graph=True)
    kept = [start.grad for start in starts]
    once = [None if each is None else each.item() for each in kept]
    backward(ends, upstream)
    return {"values": np.array([value.item() for value in values]),
            "grad": [None if each is None else each.item() for each in found], "once": once,
            "twice": [None if start.grad is None else start.grad.item() for start in starts],
            "kept": [None if each is None else each.item() for each in kept]}


def _step(op: str, x: Any, y: Any) -> Any:
    if op in ("tanh", "sigmoid", "relu"):
        return getattr(x, op)()
    if op == "neg":
        return -x
    return {"add": x.__add__, "sub": x.__sub__, "mul": x.__mul__}[op](y)


def chain(length: int, numbers: list[float]) -> dict[str, Any]:
    """A long chain in which one leaf is used at every step: y = y * w + x, `length` times."""
    from terox.autograd.scalar import Scalar

    w, x = (Scalar(number, requires_grad=True) for number in numbers)
    y = x
    for _ in range(length):
        y = y * w + x
    y.backward()
    return {"value": y.item(), "gradients": [w.grad.item(), x.grad.item()]}
