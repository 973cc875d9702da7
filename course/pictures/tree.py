"""The tree of a Module as a picture."""

from __future__ import annotations

from typing import Any

from course.pictures.graph import MAX_NODES, GraphTooLarge
from course.pictures.svg import Box, Svg, draw


def draw_modules(module: Any, *, title: str = "", parameters: bool = True, max_nodes: int = MAX_NODES) -> Svg:
    """A module on the left, and to the right of it, level by level, what was registered in it.

    A box with round corners is a parameter, a square one a module: the name in its parent, the class or value, and
    whether it is in training mode. A module or parameter that stands in two places is one box that two lines lead to.
    parameters: False leaves them out. Raises GraphTooLarge for more than `max_nodes` boxes.
    """
    boxes = [_module_box("", module)]
    edges: list[tuple[int, int]] = []
    places = {id(module): 0}
    sentences = []
    waiting = [module]
    for parent in waiting:  # grows on the way
        here = places[id(parent)]
        # Straight from the registries: the picture has to work before the learner's traversal does.
        children = [(name, child, True) for name, child in vars(parent).get("_modules", {}).items()]
        if parameters:
            children += [(name, value, False) for name, value in vars(parent).get("_parameters", {}).items()]
        for name, child, is_module in children:
            if child is None:
                continue
            if id(child) not in places:
                if len(boxes) == max_nodes:
                    raise GraphTooLarge(f"the tree has more than {max_nodes} modules and parameters, too many for a "
                                        "picture. Draw a smaller one, or leave parameters out: parameters=False.")
                places[id(child)] = len(boxes)
                boxes.append(_module_box(name, child) if is_module else _parameter_box(name, child))
                waiting += [child] if is_module else []
            if places[id(child)] != here:
                edges.append((here, places[id(child)]))
        names = [name for name, child, _ in children if child is not None]
        if names:
            sentences.append(f"{boxes[here].lines[0]} holds {', '.join(names)}.")
    kind = type(module).__name__
    summary = f"{len(boxes)} boxes, {kind} on the left, what it holds on the right."
    return draw(boxes, edges, title=title or f"The modules of {kind}", arrows=False,
                description=" ".join([summary, *sentences[:40]]))


def _module_box(name: str, module: Any) -> Box:
    kind = type(module).__name__
    mode = "train" if vars(module).get("training") else "eval"
    return Box((name, kind, mode) if name else (kind, mode), strong=not name)


def _parameter_box(name: str, value: Any) -> Box:
    try:
        return Box((name, f"{float(value):.4g}"), "leaf")
    except (TypeError, ValueError):
        return Box((name, type(value).__name__), "leaf")
