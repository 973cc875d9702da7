"""Graphs for the tests of module 1: bare nodes that need no Function, and a context that needs no graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from course import check
from terox.autograd.node import Node
from terox.autograd.scalar import Scalar

NAMES = "abcdefghijklmnopqrstuvwxyz"


class Step(Node):
    """A node by hand. `factors[e][k]`: what edge e passes on of the gradient of output k (None for a list: nothing).

    It counts how often it ran, and remembers with what. It can be called at most `allowed` times.
    """

    def __init__(self, label: str, num_outputs: int = 1, allowed: int = 1) -> None:
        self.label, self.num_outputs, self.watches, self.allowed = label, num_outputs, None, allowed
        self.next_functions = ()
        self.factors: tuple[Any, ...] = ()
        self.calls: list[list[Any]] = []

    def lead_to(self, *edges: tuple[Node | None, int], factors: Sequence[Any] | None = None) -> Step:
        """Set the edges that lead out of this node; every factor is 1 unless given."""
        self.next_functions = tuple(edges)
        self.factors = tuple([[1] * self.num_outputs for _ in edges] if factors is None else factors)
        return self

    def name(self) -> str:
        return self.label

    def run(self, grads: list[Any], retain_graph: bool, create_graph: bool) -> tuple[Any, ...]:
        self.calls.append(list(grads))
        if len(self.calls) > self.allowed:
            raise check.CheckFailed("execute(task)", f"node {self.label} was run {len(self.calls)} times", "once",
                                    "A node was run again. Run it when the last of its gradients has arrived, "
                                    "and only then.")
        return tuple(None if factor is None else total(factor, grads) for factor in self.factors)


def total(factor: Sequence[int], grads: Sequence[Any]) -> Any:
    """What one edge passes on: the factors times those gradients that are there."""
    found: Any = None
    for number, gradient in zip(factor, grads):
        if gradient is not None:
            part = gradient if number == 1 else gradient * number
            found = part if found is None else found + part
    return found


class Careful(Step):
    """A node that notices when it is looked at, or compared with others, far too often.

    `limit` is shared by all nodes of a graph: a list whose only element counts down.
    """

    _edges: tuple[Any, ...] = ()

    def __init__(self, label: str, limit: list[int]) -> None:
        self.limit = limit
        super().__init__(label)

    @property  # type: ignore[override]
    def next_functions(self) -> tuple[Any, ...]:
        self._count(
            "Edges were read far more often than there are edges: each node is to be visited once, when you "
            "first see it, however many ways lead there."
        )
        return self._edges

    @next_functions.setter
    def next_functions(self, edges: tuple[Any, ...]) -> None:
        self._edges = edges

    def __eq__(self, other: object) -> bool:
        self._count("Nodes were compared with each other again and again: looking a node up in a list takes longer "
                    "the longer the list is. A dict or a set finds it at once.")
        return self is other

    __hash__ = object.__hash__

    def _count(self, problem: str) -> None:
        self.limit[0] -= 1
        if self.limit[0] < 0:
            raise check.CheckFailed(None, "far more steps than there are edges", "a few steps for each edge", problem)


def reachable(root: Node) -> list[Node]:
    """The nodes that `root` leads to, without it: the brute-force way, for small graphs."""
    found: list[Node] = []
    grew = True
    while grew:
        grew = False
        for source in [root, *found]:
            for target, _ in source.next_functions:
                if target is not None and not any(target is each for each in found):
                    found.append(target)
                    grew = True
    return found


def edges_into(root: Node) -> dict[str, int]:
    """By label of each node that can be reached: how many edges lead into it, counted one node at a time."""
    below = reachable(root)
    return {node.name(): sum(1 for source in [root, *below] for target, _ in source.next_functions if target is node)
            for node in below}


def described(root: Node) -> str:
    """All edges in words: `root -> a, a; a -> b`."""
    def one(edge: tuple[Any, int]) -> str:
        target, number = edge
        if target is None:
            return "None"
        return target.name() if target.num_outputs == 1 else f"{target.name()}[{number}]"

    return "; ".join(f"{node.name()} -> {', '.join(one(edge) for edge in node.next_functions)}"
                     for node in [root, *sorted(reachable(root), key=lambda node: node.name())] if node.next_functions)


@st.composite
def graphs(draw: Callable[..., Any], most: int = 7, outputs: int = 1) -> list[Step]:
    """Nodes without cycles, the first being the root (called "root", without outputs) from which the others hang.

    Some edges are doubled, some lead nowhere, and some nodes cannot be reached from the root.
    """
    count = draw(st.integers(1, most))
    root = Step("root", 0)
    nodes = [root] + [Step(NAMES[n], draw(st.integers(1, outputs))) for n in range(count)]
    for place, node in enumerate(nodes):
        targets = nodes[place + 1:]
        edges = []
        for _ in range(draw(st.integers(1 if place == 0 else 0, 4))):
            target = draw(st.sampled_from([*targets, *targets, None]))
            edges.append((target, 0 if target is None else draw(st.integers(0, target.num_outputs - 1))))
        numbers = st.lists(st.integers(-3, 3).filter(bool), min_size=node.num_outputs, max_size=node.num_outputs)
        factors = [draw(st.one_of(numbers, numbers, numbers, st.none())) for _ in edges] if outputs > 1 else None
        node.lead_to(*edges, factors=factors)
    return nodes


class Context:
    """A `ctx` for calls of `forward` and `backward` without a graph.

    In between, `as_scalars` does what the engine does when a backward pass is recorded: from then on
    `saved_tensors` gives Scalars, except for plain numbers among the arguments.
    """

    def __init__(self) -> None:
        self.kept: tuple[Any, ...] = ()
        self.needs_input_grad = (True, True)

    def save_for_backward(self, *values: Any) -> None:
        self.kept = values

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return self.kept

    def as_scalars(self, *plain: Any) -> None:
        self.kept = tuple(value if any(value is number for number in plain) else Scalar(value, requires_grad=True)
                          for value in self.kept)


def gradient_of(variable: Any, name: str, call: str | None = None) -> float:
    """`variable.grad` as a float, after a look at whether it is there and a Scalar."""
    check.that(variable.grad is not None, f"No gradient arrived: {name}.grad is None.", call=call)
    check.that(isinstance(variable.grad, Scalar), f"{name}.grad should be a Scalar, as {name} is.", call=call,
               got=variable.grad)
    return variable.grad.item()
