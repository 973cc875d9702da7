"""The engine: runs the graph backward, each node once, when all gradients that it gets have arrived.

In PyTorch: `torch/csrc/autograd/engine.cpp`, `Engine::compute_dependencies`, `Engine::evaluate_function`;
`torch/autograd/__init__.py`, `backward` and `grad`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terox._grad_mode import state
from terox.autograd.graph_task import GraphRoot, GraphTask
from terox.autograd.node import Node
from terox.autograd.variable import Variable


def compute_dependencies(root: Node) -> dict[Node, int]:
    """For every node that can be reached from `root`: how many edges lead into it, from `root` and those nodes.

    So many gradients a node has to wait for. Edges count, not nodes: in `y * y` two edges lead to y's node.
    `node.next_functions` gives the edges `(next_node, input_nr)` that lead out of a node; where next_node is None
    there is none. `root` itself is not in the result. A graph may have a million nodes in a row and 2**1000 paths:
    no recursion, and each node is visited once.

    In PyTorch: `Engine::compute_dependencies`.
    """
    # TODO 1.4: walk the graph with a list of nodes to visit; count each edge; visit a node when you first see it.

    raise NotImplementedError("Task 1.4: compute_dependencies")


def execute(task: GraphTask) -> None:
    """Run the backward pass from `task.root`, on which no gradient has to wait.

    A node is ready when as many gradients have arrived as `compute_dependencies` counted for it. The gradients
    that arrive at the same output of a node are added up; `input_nr` of an edge says which output it is, and
    `node.num_outputs` how many there are. `task.evaluate(node, grads)` runs a node: `grads` is a list with the
    summed gradient of each of its outputs (None where none arrived; for the root, an empty list), and the result
    is one gradient for each edge in `node.next_functions`, in order. A gradient may be None: it adds nothing, but
    its edge counts as arrived. Gradients are numbers, or Scalars when the pass is itself recorded: use `+`, not
    `+=`.

    In PyTorch: `Engine::evaluate_function`, `ReadyQueue`, `InputBuffer::add`.
    """
    # TODO 1.5: a list of ready nodes, and for the others what has arrived so far. Ready again means: count is zero.

    raise NotImplementedError("Task 1.5: execute")


# ---- Provided: the two ways to start the engine. ----


def backward(outputs: Variable | Sequence[Variable], grad_outputs: Any = None, *, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: Sequence[Variable] | None = None) -> None:
    """Add the derivatives of `outputs` to the `grad` of every leaf they depend on (or only of `inputs`).

    See `Variable.backward`. In PyTorch: `torch.autograd.backward`.
    """
    task = _start(outputs, grad_outputs, retain_graph, create_graph)
    if inputs is not None:
        inputs = _as_list(inputs)
        if not inputs:
            raise RuntimeError("'inputs' argument to backward cannot be empty.")
        task.restrict(inputs)
    _run(task)


def grad(outputs: Variable | Sequence[Variable], inputs: Variable | Sequence[Variable], grad_outputs: Any = None, *,
         retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: bool = False) -> tuple[Variable | None, ...]:
    """The derivatives of the sum of `outputs` with respect to each of `inputs`, which may be leaves or computed values.

    The `grad` of leaves stays as it is. Raises RuntimeError if an input does not require grad, or if none of the
    outputs depends on it (with `allow_unused=True` its derivative is None).

    In PyTorch: `torch.autograd.grad`.
    """
    inputs = _as_list(inputs)
    for variable in inputs:
        if not variable.requires_grad:
            raise RuntimeError("One of the differentiated variables does not require grad")
    task = _start(outputs, grad_outputs, retain_graph, create_graph)
    task.capture(inputs)
    _run(task)
    results = []
    for variable, gradient in zip(inputs, task.captured):
        if gradient is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated variables appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        results.append(gradient if create_graph or gradient is None else variable._wrap(gradient, None))
    return tuple(results)


def _start(outputs: Any, grad_outputs: Any, retain_graph: bool | None, create_graph: bool) -> GraphTask:
    outputs = _as_list(outputs)
    grad_outputs = [None] * len(outputs) if grad_outputs is None else _as_list(grad_outputs)
    if len(grad_outputs) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} outputs and {len(grad_outputs)} gradients")
    edges, gradients = [], []
    for number, (output, gradient) in enumerate(zip(outputs, grad_outputs)):
        if not output.requires_grad:
            raise RuntimeError(f"element {number} of variables does not require grad and does not have a grad_fn")
        edges.append(output.gradient_edge())
        raw = output._raw_grad(gradient)
        if create_graph:
            raw = gradient if isinstance(gradient, Variable) else output._wrap(raw, None)
        gradients.append(raw)
    return GraphTask(GraphRoot(edges, gradients), create_graph if retain_graph is None else retain_graph, create_graph)


def _run(task: GraphTask) -> None:
    before, state.enabled = state.enabled, task.create_graph
    try:
        execute(task)
    finally:
        state.enabled = before


def _as_list(values: Any) -> list[Any]:
    return [values] if isinstance(values, Variable) or not isinstance(values, (list, tuple)) else list(values)
