"""A right solution built another way: the nodes are sorted first, users before what they use, and then run in that order."""

from __future__ import annotations

from typing import Any
from terox.autograd.graph_task import GraphRoot, GraphTask
from terox.autograd.node import Node


def compute_dependencies(root: Node) -> dict[Node, int]:
    nodes, place = [root], 0
    seen = {id(root)}
    while place < len(nodes):
        for target, _ in nodes[place].next_functions:
            if target is not None and id(target) not in seen:
                seen.add(id(target))
                nodes.append(target)
        place += 1
    result = dict.fromkeys(nodes[1:], 0)
    for source in nodes:
        for target, _ in source.next_functions:
            if target is not None:
                result[target] += 1
    return result


def execute(task: GraphTask) -> None:
    finished: list[Node] = []
    entered = {task.root}
    stack = [(task.root, iter(task.root.next_functions))]
    while stack:
        node, edges = stack[-1]
        for target, _ in edges:
            if target is not None and target not in entered:
                entered.add(target)
                stack.append((target, iter(target.next_functions)))
                break
        else:
            finished.append(node)
            stack.pop()
    sums: dict[tuple[Node, int], Any] = {}
    for node in reversed(finished):
        grads = [sums.pop((node, number), None) for number in range(node.num_outputs)]
        for edge, gradient in zip(node.next_functions, task.evaluate(node, grads)):
            if edge[0] is not None and gradient is not None:
                sums[edge] = sums[edge] + gradient if edge in sums else gradient
