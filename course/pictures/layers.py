"""Where to put the boxes of a directed graph without cycles, so that it reads from left to right.

After K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System Structures" (1981):
layers by the longest path, an order within each layer by barycenters, then heights that keep edges straight. An edge
that skips layers passes each of them at a place between the boxes, together with the others of the same source.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

PASS = 16.0  # height kept free for an edge that passes a layer
LANDING = 10.0  # the last bit of an edge is straight: an arrowhead stands there
SWEEPS = 12

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Centers of the boxes; routes: the points of each edge, which straight lines and curves join in turn."""

    centers: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def layered(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], *, gap_x: float = 52.0,
            gap_y: float = 18.0) -> Layout:
    """A layout of boxes with the given (width, height) and of the edges (source, target).

    Edges that enter the same box do so one below the other, in the order in which they are given. All coordinates are
    from 0 on. Raises ValueError for a cycle.
    """
    ranks = _ranks(len(sizes), edges)
    heights = [height for _, height in sizes]
    passes: dict[tuple[int, int], int] = {}  # (source, layer) -> the place where its edges pass that layer
    chains: list[list[int]] = []  # for each edge: source, the places in the layers between, target
    for source, target in edges:
        chain = [source]
        for rank in range(ranks[source] + 1, ranks[target]):
            if (source, rank) not in passes:
                passes[source, rank] = len(heights)
                ranks.append(rank)
                heights.append(PASS)
            chain.append(passes[source, rank])
        chains.append([*chain, target])
    ports = _ports(sizes, edges)
    # A dict, for its order, since edges that go together have links in common; two edges of one pair have not.
    links = list(dict.fromkeys((a, b, port if b == chain[-1] else 0.0)
                               for chain, port in zip(chains, ports) for a, b in zip(chain, chain[1:])))
    layers = _ordered(ranks, links, len(sizes), edges)
    y = _heights(layers, heights, links, gap_y)

    x, left = [], 0.0
    widths = [max([sizes[n][0] for n in layer if n < len(sizes)], default=0.0) for layer in layers]
    for width in widths:
        x.append(left + width / 2)
        left += width + gap_x
    routes = []
    for chain, port in zip(chains, ports):
        first, last = chain[0], chain[-1]
        # Straight to the border of the box's layer, then curves from layer to layer, with straight lines across them.
        route = [(x[ranks[first]] + sizes[first][0] / 2, y[first])]
        for place in chain:
            half, height = widths[ranks[place]] / 2, y[place] + (port if place == last else 0.0)
            route += [(x[ranks[place]] - half - LANDING, height)] if place != first else []
            route += [(x[ranks[place]] + half, height)] if place != last else []
        route.append((x[ranks[last]] - sizes[last][0] / 2, y[last] + port))
        routes.append(route)
    centers = [(x[ranks[n]], y[n]) for n in range(len(sizes))]
    return Layout(centers, routes, left - gap_x, max(y[n] + heights[n] / 2 for n in range(len(y))))


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: one more than its deepest source; boxes without a source stand next to their user."""
    targets: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in edges:
        targets[source].append(target)
        missing[target] += 1
    starts = [n for n in range(count) if missing[n] == 0]
    ranks, ready, done = [0] * count, list(starts), 0
    while ready:
        node = ready.pop()
        done += 1
        for target in targets[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    if done < count:
        raise ValueError("layered: the graph has a cycle")
    for node in starts:
        if targets[node]:
            ranks[node] = min(ranks[target] for target in targets[node]) - 1
    return ranks


def _ports(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> list[float]:
    """For each edge: how far below the middle of its target it arrives."""
    entering: dict[int, list[int]] = {}
    for number, (_, target) in enumerate(edges):
        entering.setdefault(target, []).append(number)
    ports = [0.0] * len(edges)
    for target, numbers in entering.items():
        step = min(16.0, sizes[target][1] / len(numbers))
        for place, number in enumerate(numbers):
            ports[number] = (place - (len(numbers) - 1) / 2) * step
    return ports


def _ordered(ranks: list[int], links: list[tuple[int, int, float]], boxes: int,
             edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The boxes and passing places of each layer, from top to bottom, with few crossings."""
    sources: list[list[tuple[int, float]]] = [[] for _ in ranks]
    targets: list[list[tuple[int, float]]] = [[] for _ in ranks]
    for a, b, port in links:
        targets[a].append((b, port / 1000.0))  # a port decides only between sources of the same target
        sources[b].append((a, 0.0))
    # Begin as one would write it down: from the results back, arguments in their order.
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    ends = [n for n in range(boxes) if not targets[n]]
    waiting, seen = ends[::-1], set()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            layers[ranks[node]].append(node)
            waiting.extend(source for source, _ in reversed(sources[node]))

    best, fewest = [list(layer) for layer in layers], _crossings(layers, links, ranks)
    for sweep in range(SWEEPS):
        backward = sweep % 2 == 0
        neighbors = targets if backward else sources
        order = range(len(layers) - 2, -1, -1) if backward else range(1, len(layers))
        place = {node: float(n) for layer in layers for n, node in enumerate(layer)}
        for number in order:
            layer = layers[number]
            keys = {n: _mean([place[m] + port for m, port in neighbors[n]], place[n]) for n in layer}
            layer.sort(key=keys.__getitem__)
            place.update((node, float(n)) for n, node in enumerate(layer))
        crossings = _crossings(layers, links, ranks)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _crossings(layers: list[list[int]], links: list[tuple[int, int, float]], ranks: list[int]) -> int:
    place = {node: n for layer in layers for n, node in enumerate(layer)}
    between: list[list[tuple[int, float]]] = [[] for _ in layers]  # heights of the two ends of each link
    for a, b, port in links:
        between[ranks[a]].append((place[a], place[b] + port / 1000.0))
    total = 0
    for each in between:
        seen: list[float] = []
        for _, end in sorted(each):
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _heights(layers: list[list[int]], heights: list[float], links: list[tuple[int, int, float]],
             gap: float) -> list[float]:
    """The middle of each box, such that edges are as straight as the order and the gaps allow."""
    sources: list[list[tuple[int, float]]] = [[] for _ in heights]
    targets: list[list[tuple[int, float]]] = [[] for _ in heights]
    for a, b, port in links:
        targets[a].append((b, port))
        sources[b].append((a, -port))
    y = [0.0] * len(heights)
    for layer in layers:
        top = 0.0
        for node in layer:
            y[node] = top + heights[node] / 2
            top += heights[node] + gap
        for node in layer:
            y[node] -= (top - gap) / 2
    for sweep in range(2 * SWEEPS):
        neighbors = sources if sweep % 2 == 0 else targets
        if sweep >= 2 * SWEEPS - 2:
            neighbors = [a + b for a, b in zip(sources, targets)]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([y[m] + port for m, port in neighbors[n]], y[n]) for n in layer]
            for node, value in zip(layer, _spread(wanted, [heights[n] for n in layer], gap)):
                y[node] = value
    top = min((y[n] - heights[n] / 2 for n in range(len(y))), default=0.0)
    return [value - top for value in y]


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _spread(wanted: list[float], heights: list[float], gap: float) -> list[float]:
    """The places nearest to `wanted`, by least squares, that keep the order and do not overlap.

    Without the gaps this asks for the nearest numbers that do not decrease: pool adjacent violators.
    """
    offsets, offset = [], 0.0
    for number, height in enumerate(heights):
        offset += (heights[number - 1] + height) / 2 + gap if number else 0.0
        offsets.append(offset)
    pools: list[tuple[float, int]] = []  # (sum, count)
    for value, shift in zip(wanted, offsets):
        pools.append((value - shift, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1] = (pools[-1][0] + total, pools[-1][1] + count)
    values = [total / count for total, count in pools for _ in range(count)]
    return [value + shift for value, shift in zip(values, offsets)]
