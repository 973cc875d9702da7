"""Sealed checks of tasks 1.4 and 1.5: dependency counts, and the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.sealed import Call, sealed

Edges = list[list[Any]]


def _graph(rng: np.random.Generator, size: int, most: int) -> list[Edges]:
    """Nodes in an order in which users come first. Some edges are doubled, some lead nowhere, some nodes hang free."""
    graph: list[Edges] = []
    for number in range(size):
        edges: Edges = []
        for _ in range(int(rng.integers(1 if number == 0 else 0, most + 1))):
            last = number == size - 1 or rng.random() < 0.2
            target = -1 if last else int(rng.integers(number + 1, min(size, number + 6)))
            edges += [[target, 0 if target < 0 else int(rng.integers(0, 2))]] * (2 if rng.random() < 0.2 else 1)
        graph.append(edges)
    graph[0].insert(int(rng.integers(0, 2)), [1 if size > 1 else -1, 0])
    return graph


def _budget(graph: list[Edges]) -> int:
    """Far more looks at nodes than a walk needs that visits each once, and far fewer than one that does not."""
    return 30 * (len(graph) + sum(map(len, graph))) + 300


def _counts(graph: list[Edges], roots: list[int], says: str) -> Call:
    return Call("counts", {"graph": graph, "roots": roots, "budget": _budget(graph)}, says)


@sealed("1.4")
def dependencies(rng: np.random.Generator) -> Iterator[Call]:
    for size, most in ((2, 2), (6, 3), (8, 4), (12, 3), (30, 4), (60, 3)):
        graph = _graph(rng, size, most)
        yield _counts(graph, [0, int(rng.integers(1, size)), 0], f"the counts of a graph of {size} nodes, from 2 roots")
    yield _counts([[[-1, 0]], [[0, 0]]], [0, 1], "the counts of a root that leads nowhere")
    numbers = [int(each) for each in rng.permutation(3000)]
    chain: list[Edges] = [[] for _ in numbers]
    for place, (one, other) in enumerate(zip(numbers, numbers[1:])):
        chain[one] = [[other, 0]] * (1 + place % 2)
    yield _counts(chain, [numbers[0], numbers[100]], "the counts of a chain of 3000 nodes")
    levels = int(rng.integers(55, 70))
    yield _counts([[[number + 1, 0], [number + 1, 1]] for number in range(levels)] + [[]], [0, 0],
                  f"the counts where each of {levels} nodes uses the next one twice")
    fan: list[Edges] = [[[number, 0] for number in range(1, 900)]] + [[[n + 1, 0]] for n in range(1, 899)] + [[]]
    yield _counts(fan, [0], "the counts of a root that leads to all of 899 nodes")


def _with_factors(rng: np.random.Generator, graph: list[Edges], outputs: list[int]) -> list[Edges]:
    """The edges with what they pass on: a factor for each output of their node, or None for nothing."""
    found: list[Edges] = []
    for number, edges in enumerate(graph):
        row: Edges = []
        for target, output in edges:
            edge = [target, min(output, outputs[target] - 1) if target >= 0 else 0]
            if number:
                factors = [float(each) for each in rng.choice([-2.0, 0.0, 1.0, 1.0, 2.0, 3.0], outputs[number])]
                edge.append(None if rng.random() < 0.2 else factors)
            row.append(edge)
        found.append(row)
    return found


@sealed("1.5")
def passes(rng: np.random.Generator) -> Iterator[Call]:
    for size, most, arrays in ((5, 3, False), (7, 3, True), (8, 4, False), (10, 3, True), (14, 3, False),
                               (14, 3, True), (25, 3, True)):
        graph = _graph(rng, size, most)
        outputs = [int(each) for each in rng.integers(1, 4, size)]
        graph = _with_factors(rng, graph, outputs)
        count = len(graph[0])
        gradients = [np.array(pair, dtype=float) if arrays else float(pair[0])
                     for pair in rng.integers(-3, 4, (count, 2)).tolist()]
        yield _passes(graph, outputs, gradients, f"a backward pass through {size} nodes "
                      + ("with arrays for gradients" if arrays else "with numbers for gradients"))
    yield from _known_passes(rng)


def _known_passes(rng: np.random.Generator) -> Iterator[Call]:
    """Graphs on which what is easily missed comes up for certain."""
    first, second = (float(each) for each in rng.integers(2, 9, 2))
    one = [1.0]
    # A diamond in which an array passes on as it is on both sides, and is added to.
    graph: list[Edges] = [[[1, 0], [4, 0]], [[2, 0, one], [3, 0, one], [4, 0, one]], [[4, 0, one], [5, 0, one]],
                          [[4, 0, one], [5, 0, one]], [[5, 0, one]], []]
    arrays = [np.array([first, second]), np.array([second, 1.0])]
    yield _passes(graph, [1] * 6, arrays, "a backward pass in which gradients are shared")
    # Two nodes of two outputs wait at the same time; one gradient is None, one is 0.
    graph = [[[1, 0], [2, 0]], [[3, 0, one], [4, 1, one], [3, 1, None]], [[4, 0, [0.0]], [3, 1, one], [4, 1, one]],
             [[5, 0, [1.0, 2.0]]], [[5, 0, [3.0, 1.0]]], []]
    yield _passes(graph, [1, 1, 1, 2, 2, 1], [first, second], "a backward pass through nodes with two outputs")
    # Nothing but None arrives: the node does not run, and what waits for it goes on.
    graph = [[[1, 0], [2, 0]], [[3, 0, None], [4, 0, one]], [[3, 0, None]], [[4, 0, one], [5, 0, one]], [[5, 0, one]],
             []]
    yield _passes(graph, [1] * 6, [first, 0.0], "a backward pass in which gradients are None")
    length = 3000
    chain: list[Edges] = [[[1, 0]]] + [[[n + 1, 0, one]] + ([[n + 1, 0, [0.0]]] if n % 2 else [])
                                       for n in range(1, length)] + [[]]
    yield _passes(chain, [1] * len(chain), [first], f"a backward pass along a chain of {length} nodes")


def _passes(graph: list[Edges], outputs: list[int], gradients: list[Any], says: str) -> Call:
    return Call("passes", {"outputs": outputs, "graph": graph, "gradients": gradients, "budget": 2 * _budget(graph)},
                says)


@sealed("1.5")
def leaves(rng: np.random.Generator) -> Iterator[Call]:
    for count in (2, 4):
        yield Call("accumulated", {"gradients": [rng.normal(0.0, 2.0, 3) for _ in range(count)]},
                   f"{count} gradients that arrive at a leaf")
    for size in (4, 8, 15, 40):
        numbers = [float(each) for each in rng.uniform(-1.5, 1.5, 4)]
        needed = [True, True, True, bool(rng.integers(0, 2))]
        steps: list[list[Any]] = [["mul", 0, 0], ["add", 1, 4]]  # one that is used twice by one step, and again
        for number in range(size):
            op = str(rng.choice(["add", "sub", "mul", "tanh", "sigmoid", "relu", "neg", "mul", "tanh"]))
            last = len(numbers) + len(steps)
            steps.append([op, last - 1 if number % 2 else int(rng.integers(0, last)), int(rng.integers(0, last))])
            steps.append(["tanh", last, last])  # keeps the numbers small
        places = len(numbers) + len(steps)
        outputs = [places - 1, *(int(each) for each in rng.integers(6, places, 2))]
        steps.append(["add", 0, 1])
        outputs.append(places)
        yield Call("expression", {"leaves": numbers, "steps": _used(steps, numbers, needed), "outputs": outputs,
                                  "upstream": [float(each) for each in rng.uniform(1.5, 4.0, len(outputs))],
                                  "needed": needed}, f"the gradients of an expression of {len(steps)} steps")
    yield Call("chain", {"length": 3000, "numbers": [float(rng.uniform(0.9, 0.99)), float(rng.uniform(0.5, 2.0))]},
               "the gradients of a chain of 6000 steps")


def _used(steps: list[list[Any]], numbers: list[float], needed: list[bool]) -> list[list[Any]]:
    """The steps, with a leaf that requires grad in the place of a value that does not: outputs have to require it."""
    wanted = list(needed)
    found = []
    for op, one, other in steps:
        one = one if wanted[one] else 0
        wanted.append(True)
        found.append([op, one, other])
    return found
