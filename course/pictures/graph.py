"""The graph that differentiation walks, as a picture and as text.

Only what PyTorch shows too is read: `grad_fn`, `next_functions`, `name()`, `variable` of an AccumulateGrad node, and
for tensors the shapes that nodes remember (`metadata`; in PyTorch `_input_metadata`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, TextIO

from course.pictures.svg import Box, Svg, draw

MAX_NODES = 200
MAX_SENTENCES = 40


class GraphTooLarge(ValueError):
    """A graph of so many nodes cannot be read as a picture."""


def draw_graph(output: Any, names: Mapping[Any, Any] | None = None, *, title: str = "", down: bool = False,
               max_nodes: int = MAX_NODES) -> Svg:
    """The graph of the expression that computed `output`, inputs on the left, `output` on the right.

    A box with round corners is a leaf: its name, value and gradient (`grad`, as it is now). A square box is an
    operation. For values between leaves and output, a node knows neither name nor value; those that are given by
    `names` are shown, and their gradients if `retain_grad()` was called on them before `backward()`. Of a tensor with
    dimensions, the shape is shown instead of the value.

    names: `{"x": x, "y": y}`, or the other way round, `{x: "x"}` or `{id(x): "x"}`.
    title: of the picture; by default "The graph of" and the name of the output.
    down: from the top to the bottom of the page instead, which leaves a long graph large enough to be read.

    A picture leaves out plain numbers: no gradient goes there. Raises ValueError if nothing was recorded for
    `output`, GraphTooLarge for more than `max_nodes` nodes.
    """
    named = _by_identity(names)
    nodes, edges = _walk(_start(output), max_nodes)
    place = {id(node): number for number, node in enumerate(nodes)}
    known: dict[int, tuple[str, Any]] = {}  # node -> name and value of its output
    output_name = named.get(id(output), ("", None))[0]
    for name, value in [*named.values(), (output_name or "output", output)]:
        if value is not None and getattr(value, "requires_grad", False):
            known[place.get(id(value.gradient_edge()[0]), -1)] = (name, value)
    shapes = _shapes(output, nodes)

    boxes, sentences = [], []
    labels = _labels(nodes, known)
    for number, node in enumerate(nodes):
        leaf = node.name() == "AccumulateGrad"
        name, value = known.get(number, ("", None))
        if leaf:
            value = node.variable
            name = name or named.get(id(value), ("", None))[0]
        details = [_what(value)] if value is not None else [f"shape {shapes[number]}"] if number in shapes else []
        if value is not None and (leaf or value.grad is not None):
            details.append(f"grad {_short(value.grad)}")
        heading = (name or "leaf") if leaf else _operation(node)
        lines = [heading, *([name] if name and not leaf else []), *details]
        boxes.append(Box(tuple(lines), "leaf" if leaf else "operation", strong=number == 0))
        words = f"{labels[number]} is a leaf" if leaf else \
            f"{labels[number]} takes {_listed(_inputs(node, place, labels))}"
        sentences.append(" with ".join([words, *([_listed(details)] if details else [])]) + ".")
    sentences.reverse()  # from the leaves to the output
    if len(sentences) > MAX_SENTENCES:
        sentences[MAX_SENTENCES:] = [f"And {len(sentences) - MAX_SENTENCES} more nodes."]
    counts = f"{_count(len(nodes), 'node')}, {_count(len(edges), 'edge')}"
    ends = ("at the top", "at the bottom") if down else ("on the left", "on the right")
    summary = f"{counts}, inputs {ends[0]}, the output {ends[1]}."
    return draw(boxes, edges, down=down, title=title or f"The graph of {output_name or 'an expression'}",
                description=" ".join([summary, *sentences]))


def print_next_functions(output: Any, names: Mapping[Any, Any] | None = None, *, limit: int = 40,
                         indent: int = 4, file: TextIO | None = None, beside: str = "") -> None:
    """Print `output.grad_fn` and, indented below each node, its `next_functions`, as PyTorch names them.

    None stands for an input that gets no gradient. A node that is reached again is not unfolded again. At most
    `limit` lines are printed. names: as for `draw_graph`, shown beside the leaves. indent: how many blanks go before
    each level. beside: text that is printed in a second column, such as what PyTorch prints.
    """
    lines = list(_next_functions(output, names, limit, " " * indent))
    if beside:
        width = max(map(len, lines)) + 4
        rows = zip_longest(lines, beside.strip("\n").splitlines(), fillvalue="")
        lines = [f"{line:{width}}{other}".rstrip() for line, other in rows]
    print(*lines, sep="\n", file=sys.stdout if file is None else file)


def _next_functions(output: Any, names: Mapping[Any, Any] | None, limit: int, indent: str) -> Iterator[str]:
    named = _by_identity(names)
    waiting: list[tuple[Any, int]] = [(_start(output), 0)]
    seen: set[int] = set()
    printed = 0
    while waiting:
        node, depth = waiting.pop()
        if printed == limit:
            yield f"... and more: print_next_functions(output, limit={10 * limit})"
            return
        line = "None" if node is None else f"<{node.name()}>"
        if node is not None and node.name() == "AccumulateGrad":
            name = named.get(id(node.variable), ("", None))[0]
            line += f" of {name}" if name else ""
        elif id(node) in seen:
            line += " (again, see above)"
        elif node is not None:
            seen.add(id(node))
            waiting.extend((following, depth + 1) for following, _ in reversed(node.next_functions))
        yield indent * depth + line
        printed += 1


def _start(output: Any) -> Any:
    if not getattr(output, "requires_grad", False):
        raise ValueError("nothing was recorded for this value: it does not require grad, nor does anything it was "
                         "computed from (or it was computed under no_grad)")
    return output.gradient_edge()[0]


def _walk(root: Any, max_nodes: int) -> tuple[list[Any], list[tuple[int, int]]]:
    """The nodes, each before those that it leads to, and the edges (place of the input, place of its user)."""
    found, order, users = {id(root): root}, [root], {id(root): 0}
    for node in order:  # grows on the way
        for following, _ in node.next_functions:
            if following is None:
                continue
            users[id(following)] = users.get(id(following), 0) + 1
            if id(following) not in found:
                if len(order) == max_nodes:
                    raise GraphTooLarge(
                        f"the graph has more than {max_nodes} nodes, too many for a picture. Draw a smaller "
                        "expression, or read the first lines of print_next_functions(output).")
                found[id(following)] = following
                order.append(following)
    nodes, ready = [], [root]
    while ready:
        node = ready.pop()
        nodes.append(node)
        for following, _ in node.next_functions:
            if following is not None:
                users[id(following)] -= 1
                if users[id(following)] == 0:
                    ready.append(following)
    place = {id(node): number for number, node in enumerate(nodes)}
    edges = [(place[id(following)], number) for number, node in enumerate(nodes)
             for following, _ in node.next_functions if following is not None]
    return nodes, edges


def _shapes(output: Any, nodes: list[Any]) -> dict[int, tuple[int, ...]]:
    """The shape of the value behind each node, where there is one: that of a tensor."""
    place = {id(node): number for number, node in enumerate(nodes)}
    shapes = {0: tuple(output.shape)} if hasattr(output, "shape") else {}
    for node in nodes:  # a node of a tensor op remembers the shapes of its inputs
        for (following, _), metadata in zip(node.next_functions, getattr(node, "metadata", ())):
            if following is not None:
                shapes[place[id(following)]] = tuple(metadata[0])
    return shapes


def _by_identity(names: Mapping[Any, Any] | None) -> dict[int, tuple[str, Any]]:
    """From id to (name, value); the value is None where only its id was given."""
    found = {}
    for key, value in (names or {}).items():
        if isinstance(key, str):
            found[id(value)] = (key, value)
        elif isinstance(key, int):
            found[key] = (str(value), None)
        else:
            found[id(key)] = (str(value), key)
    return found


def _labels(nodes: list[Any], known: Mapping[int, tuple[str, Any]]) -> list[str]:
    """What the description calls each node: its name, or the operation with a number where there are several."""
    kinds = [known[n][0] if n in known else ("leaf" if node.name() == "AccumulateGrad" else _operation(node))
             for n, node in enumerate(nodes)]
    labels = [""] * len(nodes)
    seen: dict[str, int] = {}
    for number in reversed(range(len(nodes))):
        kind = kinds[number]
        seen[kind] = seen.get(kind, 0) + 1
        label = f"{kind} {seen[kind]}" if kinds.count(kind) > 1 else kind
        known_operation = number in known and nodes[number].name() != "AccumulateGrad"
        labels[number] = f"{label} ({_operation(nodes[number])})" if known_operation else label
    return labels


def _inputs(node: Any, place: Mapping[int, int], labels: list[str]) -> list[str]:
    return ["an input without gradient" if following is None else labels[place[id(following)]]
            for following, _ in node.next_functions]


def _operation(node: Any) -> str:
    return node.name().removesuffix("Backward0")


def _what(value: Any) -> str:
    shape = getattr(value, "shape", ())
    return f"shape {tuple(shape)}" if len(shape) else f"value {_short(value)}"


def _short(value: Any) -> str:
    if len(getattr(value, "shape", ())):
        return f"{tuple(value.shape)}"
    return "None" if value is None else f"{float(value) + 0.0:.4g}"  # + 0.0: nobody wants to read -0


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
