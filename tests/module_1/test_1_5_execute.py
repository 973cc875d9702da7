"""Task 1.5: the engine on graphs built by hand; no Function takes part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import check, graphs
from course.graphs import Careful, Step, total
from terox.autograd.accumulate import accumulate_grad
from terox.autograd.engine import execute
from terox.autograd.graph_task import GraphRoot, GraphTask
from terox.autograd.node import Node

pytestmark = pytest.mark.task("1.5")


def run(edges, gradients):
    """One backward pass from edges that lead to the outputs, with a gradient for each."""
    root = GraphRoot(edges, gradients)
    root.label = "root"
    execute(GraphTask(root, False, False))


def expected_gradients(edges, gradients, nodes):
    """By label: the gradients each node has to run with; and all that is sent, as (edge, gradient).

    One source at a time; `nodes` are in an order in which users come before what they use.
    """
    arrived = {node.label: [None] * node.num_outputs for node in nodes}
    sent = list(zip(edges, gradients))
    for node in nodes:
        for (target, number), gradient in sent:
            if target is node and gradient is not None:
                before = arrived[node.label][number]
                arrived[node.label][number] = gradient if before is None else before + gradient
        if any(gradient is not None for gradient in arrived[node.label]):
            sent += [
                (edge, None if factor is None else total(factor, arrived[node.label]))
                for edge, factor in zip(node.next_functions, node.factors)
            ]
    return arrived, sent


def compare(edges, gradients, nodes):
    top = Step("root", 0).lead_to(*edges)
    call = f"execute(task) for {graphs.described(top)}, with the gradients {list(gradients)} at the top"
    run(edges, gradients)
    expected, sent = expected_gradients(edges, gradients, nodes)
    for node in nodes:
        want = [] if all(each is None for each in expected[node.label]) else [expected[node.label]]
        check.that(
            node.calls or not want,
            f"Node {node.label} was never run, although a gradient leads there.",
            call=call,
            got="not run",
            expected=want,
        )
        note = f"Node {node.label} was run with other gradients than those that lead to it."
        parts = [gradient for (target, _), gradient in sent if target is node and gradient is not None]
        if len(parts) > 1 and node.calls and all(each is None or each in parts for each in node.calls[0]):
            note += " It got one of several: it has to wait for all of them, and they are added up."
        if node.num_outputs > 1:
            note += " The number in an edge says which output of the node the gradient belongs to."
        check.that(
            node.calls == want,
            note,
            call=call,
            got=node.calls[0] if node.calls else "not run",
            expected=want[0] if want else "not run",
        )


@given(nodes=graphs.graphs(most=6, outputs=2), data=st.data())
def test_every_node_runs_once_with_the_sum_of_its_gradients(nodes, data):
    """On any graph, each node runs exactly once, when the gradients of all its edges have arrived and were
    added up.
    """
    root, *below = nodes
    gradients = [data.draw(st.integers(-5, 5).filter(bool), label="gradient") for _ in root.next_functions]
    compare(root.next_functions, gradients, below)


def test_a_node_waits_for_the_longer_way():
    """One way to a node is short, the other long: the node waits for both, whichever arrives first."""
    for turned in (False, True):
        top, middle, end, leaf = Step("top"), Step("middle"), Step("end"), Step("leaf")
        end.lead_to((leaf, 0))
        edges = [(end, 0), (middle.lead_to((end, 0), factors=[[10]]), 0)]
        top.lead_to(*(edges[::-1] if turned else edges))
        compare([(top, 0)], [1], [top, middle, end, leaf])


def test_a_doubled_edge_adds():
    """Both edges of y * y bring a gradient to y: what y gets is their sum."""
    product, y = Step("product"), Step("y")
    compare([(product.lead_to((y, 0), (y, 0), factors=[[2], [5]]), 0)], [3], [product, y])


def test_outputs_of_a_node_are_kept_apart():
    """A node with two outputs gets one gradient for each, and None for an output that was not used."""
    for numbers in ([0], [1], [1, 0], [1, 1, 0]):
        pair, leaf = Step("pair", 2), Step("leaf")
        pair.lead_to((leaf, 0), factors=[[1, 10]])
        compare(
            [(pair, number) for number in numbers], [3 + 2 * place for place in range(len(numbers))], [pair, leaf]
        )


def test_a_gradient_of_none_counts_as_arrived():
    """A gradient may be None: it adds nothing, and the node it leads to does not have to wait for it any longer."""
    for factors in ([None, [2]], [[2], None], [None, None]):
        top, leaf, below = Step("top"), Step("leaf"), Step("below")
        compare(
            [(top.lead_to((leaf, 0), (leaf.lead_to((below, 0)), 0), factors=factors), 0)], [3], [top, leaf, below]
        )


def test_a_gradient_of_zero_is_a_gradient():
    """A gradient of 0.0 is not None: the nodes it leads to are run with it."""
    top, leaf = Step("top"), Step("leaf")
    top.lead_to((leaf, 0), (None, 0), factors=[[0], [1]])
    compare([(top, 0)], [3.0], [top, leaf])


def test_several_outputs_at_the_top():
    """backward may start at several values at once, also at one that lies below another, or twice at the same."""
    top, leaf = Step("top"), Step("leaf")
    compare([(leaf, 0), (top.lead_to((leaf, 0), factors=[[2]]), 0), (leaf, 0)], [5, 7, 11], [top, leaf])


def test_an_edge_to_nowhere():
    """Where an edge leads to None, the gradient is dropped."""
    top, leaf = Step("top"), Step("leaf")
    compare([(None, 0), (top.lead_to((None, 0), (leaf, 0)), 0)], [5, 7], [top, leaf])


class Mutable:
    """A gradient that `+=` changes in place, as it does a tensor. A number can be added, on either side: `sum` begins
    with 0.
    """

    def __init__(self, number):
        self.number = number

    def __add__(self, other):
        return Mutable(self.number + getattr(other, "number", other))

    __radd__ = __add__

    def __iadd__(self, other):
        self.number += getattr(other, "number", other)
        return self

    def __mul__(self, factor):
        return Mutable(self.number * factor)

    def __repr__(self):
        return f"gradient {self.number}"


def test_adding_makes_a_new_gradient():
    """One gradient may go to two nodes, as a sum's does; adding to it at one of them must not change it at the
    other.
    """
    call = "execute(task) where one gradient goes to a, to b, and once more to each"
    top, a, b = Step("top"), Step("a"), Step("b")
    top.lead_to((a, 0), (b, 0))
    run([(top, 0), (a, 0), (b, 0)], [Mutable(1), Mutable(10), Mutable(100)])
    for node, right in [(a, 11), (b, 101)]:
        got = node.calls[0][0].number if node.calls and node.calls[0][0] is not None else None
        check.that(
            got == right,
            f"Node {node.label} got a wrong sum: `+=` changes a gradient that another node holds as "
            "well. Write `a = a + b`, which makes a new one.",
            call=call,
            got=got,
            expected=right,
        )
    one, two, three = Mutable(1), Mutable(10), Mutable(100)
    top, a, b = Step("top"), Step("a"), Step("b")
    run([(a, 0), (a, 0), (b, 0)], [one, two, three])
    check.equal(
        [one.number, two.number, three.number],
        [1, 10, 100],
        call="the gradients that were handed in, afterwards",
        note="A gradient that was handed in was changed: write `a = a + b` instead of `a += b`.",
    )


def test_each_pass_starts_afresh():
    """Nothing of one backward pass is left over for the next one."""
    top, leaf = Step("top", allowed=3), Step("leaf", allowed=3)
    top.lead_to((leaf, 0), (leaf, 0))
    for _ in range(3):
        run([(top, 0)], [4])
    check.equal(
        leaf.calls,
        [[8], [8], [8]],
        call="the gradients of a leaf in three passes over the same graph",
        note="The passes did not give the same. Is something kept between calls?",
    )


@given(levels=st.integers(1, 60))
def test_the_work_grows_with_the_edges_and_not_with_the_ways(levels):
    """Many levels of y = y + y have 2 ** levels ways from top to bottom, but each node is run once."""
    limit = [60 * levels + 600]
    nodes = [Careful(f"y{number}", limit) for number in range(levels + 1)]
    for user, used in zip(nodes, nodes[1:]):
        user.lead_to((used, 0), (used, 0))
    run([(nodes[0], 0)], [1])
    got = nodes[-1].calls[0][0] if nodes[-1].calls else None
    check.equal(got, 2**levels, call=f"the gradient below {levels} levels of y = y + y")


def test_a_long_chain_is_walked_once():
    """The engine counts the edges once before it starts, and does not look the whole graph over again for each
    node.
    """
    limit = [9_000]
    nodes = [Careful(f"y{number}", limit) for number in range(300)]
    for user, used in zip(nodes, nodes[1:]):
        user.lead_to((used, 0))
    run([(nodes[0], 0)], [7])
    check.equal(nodes[-1].calls, [[7]], call="the gradient at the end of a chain of 300 nodes")


class Link(Node):
    """Passes its gradient on, and keeps it."""

    num_outputs = 1
    watches = None
    next_functions = ()
    grads = None

    def run(self, grads, retain_graph, create_graph):
        self.grads = grads
        return (grads[0],) if self.next_functions else ()


@pytest.mark.slow
def test_a_very_long_chain():
    """A chain of 100,000 nodes works: Python's stack is far too small for a function that calls itself for
    each node.
    """
    first = last = Link()
    for _ in range(100_000):
        node = Link()
        last.next_functions = ((node, 0),)
        last = node
    run([(first, 0)], [7])
    check.equal(last.grads, [7], call="the gradient at the end of a chain of 100,000 nodes")


class Leaf:
    """Something with a `grad`."""

    grad = None


@given(numbers=st.lists(st.integers(-9, 9), min_size=1, max_size=5))
def test_accumulate_grad_adds_up(numbers):
    """accumulate_grad takes the first gradient as it is and adds every later one to it."""
    leaf = Leaf()
    for number in numbers:
        accumulate_grad(leaf, float(number))
    check.that(leaf.grad is not None, "No gradient is there: leaf.grad is None.", call="accumulate_grad(leaf, 1.0)")
    right = sum(numbers)
    mistakes = {
        "Only the last gradient is there: add it to those before it.": numbers[-1],
        "Only the first gradient is there: add the later ones to it.": numbers[0],
    }
    check.close(
        leaf.grad,
        float(right),
        call=f"leaf.grad after accumulate_grad(leaf, g) for g in {numbers}",
        mistakes={text: wrong for text, wrong in mistakes.items() if wrong != right},
    )


def test_accumulate_grad_leaves_old_gradients_alone():
    """Whoever kept the old grad, or the gradient that came in, keeps an unchanged number."""
    leaf, first, second = Leaf(), Mutable(1), Mutable(10)
    accumulate_grad(leaf, first)
    kept = leaf.grad
    accumulate_grad(leaf, second)
    check.equal(
        getattr(leaf.grad, "number", None), 11, call="leaf.grad after accumulate_grad(leaf, 1) and (leaf, 10)"
    )
    check.equal(
        [getattr(kept, "number", None), first.number, second.number],
        [1, 1, 10],
        call="the old grad, and the two gradients that came in, afterwards",
        note="The old gradient was changed in place: make a new value with `+`.",
    )
    leaf.grad = None
    accumulate_grad(leaf, second)
    check.equal(
        getattr(leaf.grad, "number", None),
        10,
        call="leaf.grad after it was set to None and accumulate_grad(leaf, 10)",
    )
