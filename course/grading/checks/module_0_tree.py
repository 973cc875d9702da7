"""Sealed checks of task 0.4: the tree of modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.sealed import Call, sealed

NAMES = ["left", "right", "inner", "layer0", "layer1", "head", "body", "x", "w", "v", "bias", "weight"]
WHAT = ["parameter", "module", "none", "number", "text", "box", "list", "delete", "buffer", "plain"]


def _tree(rng: np.random.Generator, size: int, shared: bool, circles: bool = True) -> list[dict[str, Any]]:
    """A description of `size` modules. shared: with modules and parameters in several places, and empty slots."""
    tree: list[dict[str, Any]] = [{"parameters": [], "children": []} for _ in range(size)]
    free = [list(rng.permutation(NAMES)) for _ in range(size)]
    for number in range(1, size):
        # Rather below the last ones than below the root: deep trees show more.
        above = int(rng.integers(max(0, number - 3), number))
        tree[above]["children"].append([str(free[above].pop()), number])
    for number in range(size):
        for _ in range(int(rng.integers(0, 3))):
            which: int | None = 10 * number + int(rng.integers(0, 9))
            if shared and rng.random() < 0.5:
                which = [None, 7, 8][int(rng.integers(0, 3))]
            tree[number]["parameters"].append([str(free[number].pop()), which])
        if shared and rng.random() < 0.6:
            first = 0 if circles else number + 1
            others = [None, *range(first, size)]
            tree[number]["children"].append([str(free[number].pop()), others[int(rng.integers(0, len(others)))]])
    return tree


@sealed("0.4")
def walks(rng: np.random.Generator) -> Iterator[Call]:
    cases = [(4, False), (9, False), (3, True), (5, True), (7, True), (9, True), (2, True), (6, True)]
    for size, shared in cases:
        prefix = ".".join(str(each) for each in rng.choice(["net", "a", "model", "b2"], int(rng.integers(1, 3))))
        seen = sorted(int(each) for each in rng.choice(np.arange(size), int(rng.integers(0, size)), replace=False))
        yield Call("names", {"tree": _tree(rng, size, shared), "prefix": prefix, "seen": seen},
                   f"the names in a {'graph' if shared else 'tree'} of {size} modules")
    # What is easily missed: two slots with one parameter, a module that holds itself, slots that are empty.
    tree = [{"parameters": [["w", 1], ["v", None], ["u", 1]], "children": [["a", None], ["b", 1], ["c", 1], ["d", 2]]},
            {"parameters": [["w", 2], ["v", 1]], "children": [["self", 1], ["up", 0]]},
            {"parameters": [["w", 3]], "children": [["b", 1], ["none", None], ["e", 3]]},
            {"parameters": [["w", 3], ["x", 4]], "children": []}]
    yield Call("names", {"tree": tree, "prefix": str(rng.choice(["p", "q.r"])), "seen": [int(rng.integers(1, 4))]},
               "the names where modules and parameters are shared")


@sealed("0.4")
def modes(rng: np.random.Generator) -> Iterator[Call]:
    for size, shared in ((6, False), (5, True), (1, False)):
        wanted = [bool(each) for each in rng.integers(0, 2, 3)]
        yield Call("modes", {"tree": _tree(rng, size, shared, circles=False), "wanted": [*wanted, not wanted[-1]]},
                   f"train in {size} modules")


@sealed("0.4")
def attributes(rng: np.random.Generator) -> Iterator[Call]:
    for _ in range(12):
        names = [str(each) for each in rng.choice(NAMES, 3, replace=False)]
        steps = [[names[int(rng.integers(0, 3))], WHAT[int(rng.integers(0, len(WHAT)))]] for _ in range(25)]
        yield Call("assignments", {"steps": steps}, f"{len(steps)} assignments to three names")
    # Each kind after each other one, once.
    for old in ("parameter", "module", "buffer", "plain"):
        kinds = [str(each) for each in rng.permutation(WHAT)]
        steps = [step for n, new in enumerate(kinds) for step in ([f"x{n}", old], [f"x{n}", new], [f"x{n}", "delete"])]
        yield Call("assignments", {"steps": steps}, f"each kind of value where there is a {old}")


@sealed("0.4")
def early(rng: np.random.Generator) -> Iterator[Call]:
    for what in ("parameter", "module", "plain"):
        yield Call("before_init", {"what": what, "name": str(rng.choice(NAMES))},
                   f"a {what} value before super().__init__()")
    yield Call("setters", {"numbers": [float(each) for each in rng.integers(-9, 9, 4)]}, "a property of the class")
