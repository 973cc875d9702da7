"""A right solution built another way: a heap that prefers what was found last, and inboxes that are summed when they are opened."""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import Any
from terox.autograd.graph_task import GraphRoot, GraphTask
from terox.autograd.node import Node


def compute_dependencies(root: Node) -> dict[Node, int]:
    counts: defaultdict[Node, int] = defaultdict(int)
    level = {root: None}
    while level:
        following: dict[Node, None] = {}
        for source in level:
            for edge in source.next_functions:
                if edge[0] is not None:
                    if edge[0] not in counts:
                        following[edge[0]] = None
                    counts[edge[0]] += 1
        level = following
    return dict(counts)


def execute(task: GraphTask) -> None:
    waiting_for = compute_dependencies(task.root)
    rank = {node: -place for place, node in enumerate(waiting_for, start=1)}
    inbox: defaultdict[Node, list[tuple[int, Any]]] = defaultdict(list)
    heap: list[tuple[int, int, Node]] = [(0, 0, task.root)]
    tie = 0
    while heap:
        _, _, node = heapq.heappop(heap)
        grads: list[Any] = [None for _ in range(node.num_outputs)]
        for number, gradient in reversed(inbox.pop(node, [])):
            grads[number] = gradient if grads[number] is None else grads[number] + gradient
        for (target, number), gradient in zip(node.next_functions, task.evaluate(node, grads)):
            if target is not None:
                if gradient is not None:
                    inbox[target].append((number, gradient))
                waiting_for[target] -= 1
                if waiting_for[target] == 0:
                    tie += 1
                    heapq.heappush(heap, (rank[target], tie, target))
