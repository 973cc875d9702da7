"""Task 1.4: how many gradients each node has to wait for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import check, graphs
from course.graphs import Careful, Step
from terox.autograd.engine import compute_dependencies
from terox.autograd.node import Node
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.4")


def counted(root, call):
    """The result by the labels of the nodes, after a look at whether it is a dict of nodes."""
    counts = compute_dependencies(root)
    check.that(counts is not None, "It returned None. Is a `return` missing?", call=call)
    check.that(isinstance(counts, dict), "A dict from node to number was expected.", call=call, got=counts)
    check.that(
        None not in counts, "Where next_node is None there is no edge, and None is no node.", call=call, got=counts
    )
    check.that(
        all(isinstance(node, Node) for node in counts), "The keys of the result are nodes.", call=call, got=counts
    )
    check.that(
        root not in counts, "The root itself is not in the result: no edge leads into it.", call=call, got=counts
    )
    return {node.name(): count for node, count in counts.items()}


def compare(root, note=None):
    """The counts are those of the brute-force definition; known mistakes are named."""
    call = f"compute_dependencies(root) for {graphs.described(root) or 'a root without edges'}"
    got = counted(root, call)
    right = graphs.edges_into(root)
    below = graphs.reachable(root)
    users = {
        node.name(): sum(1 for source in [root, *below] if any(target is node for target, _ in source.next_functions))
        for node in below
    }
    paths = dict.fromkeys(right, 0)

    def walk(node):
        for target, _ in node.next_functions:
            if target is not None:
                paths[target.name()] += 1
                walk(target)

    walk(root)
    wrong = {
        "The nodes that use a node were counted, not the edges: in y * y two edges lead to y's node.": users,
        "The ways that lead to a node were counted, not the edges: visit each node once.": paths,
        "Each node got the count 1: an edge into a node that was seen already counts as well.": dict.fromkeys(
            right, 1
        ),
        "Each count is one too low: the edge on which a node is first seen counts as well.": {
            name: count - 1 for name, count in right.items()
        },
        "The edges that leave the root were not counted.": {
            name: count - sum(1 for target, _ in root.next_functions if target is not None and target.name() == name)
            for name, count in right.items()
        },
    }
    if all(target is not None for node in [root, *below] for target, _ in node.next_functions):
        wrong["Only nodes that the root leads to directly are in the result: go on from there."] = {
            node.name(): right[node.name()]
            for node in below
            if any(target is node for target, _ in root.next_functions)
        }
    check.equal(
        got, right, call=call, mistakes={text: counts for text, counts in wrong.items() if counts != right}, note=note
    )


def named(*labels):
    return [Step(label) for label in labels]


def test_a_diamond():
    """Two ways that part and meet again: the node where they meet waits for two gradients, what lies below it
    for one.
    """
    root, left, right, meet, below = named("root", "left", "right", "meet", "below")
    meet.lead_to((below, 0))
    compare(root.lead_to((left.lead_to((meet, 0)), 0), (right.lead_to((meet, 0)), 0)))


@given(nodes=graphs.graphs(most=6))
def test_every_edge_is_counted_once(nodes):
    """For each node below the root, the result is the number of edges into it, from the root and the nodes
    below it.
    """
    compare(nodes[0])


def test_a_doubled_edge_counts_twice():
    """For y * y, two edges lead from the product to y, and the count of y is 2."""
    root, product, y = named("root", "product", "y")
    compare(root.lead_to((product.lead_to((y, 0), (y, 0)), 0)))


def test_edges_that_lead_nowhere():
    """An input that needs no gradient has the edge (None, 0), which leads to no node and is not counted."""
    root, a, b = named("root", "a", "b")
    compare(root.lead_to((None, 0), (a.lead_to((None, 0), (b, 0), (None, 0)), 0)))
    compare(Step("root").lead_to((None, 0)))
    compare(Step("root"))


def test_several_outputs_of_a_node():
    """Edges to different outputs of one node all lead into that node."""
    root, a, pair = named("root", "a", "pair")
    pair.num_outputs = 2
    compare(root.lead_to((a.lead_to((pair, 1)), 0), (pair, 0), (pair, 1)))


def test_only_what_the_root_leads_to_counts():
    """An edge from a node that the root does not lead to is not counted, and from another root the counts are
    others.
    """
    first, second, a, b, shared = named("root", "root", "a", "b", "shared")
    a.lead_to((shared, 0))
    b.lead_to((shared, 0), (shared, 0))
    compare(first.lead_to((a, 0)))
    compare(second.lead_to((a, 0), (b, 0)))
    compare(
        first, note="The first call gave the right counts, and this one does not. Is something kept between calls?"
    )


@given(nodes=graphs.graphs(most=6))
def test_the_graph_stays_as_it_is(nodes):
    """Counting changes nothing: the edges are the same afterwards, and a second call gives the same counts."""
    root = nodes[0]
    before = [node.next_functions for node in nodes]
    first = counted(root, "compute_dependencies(root)")
    check.that(
        all(node.next_functions == edges for node, edges in zip(nodes, before)),
        "The edges of a node were changed.",
        call="compute_dependencies(root)",
    )
    check.equal(
        counted(root, "compute_dependencies(root)"),
        first,
        call="compute_dependencies(root), the second time",
        note="The second call gave other counts than the first. Is something kept between calls?",
    )


@given(levels=st.integers(1, 60))
def test_each_node_is_visited_once(levels):
    """Many levels of y = y + y have 2 ** levels ways from top to bottom, but only 2 edges a level: it has to
    stay quick.
    """
    limit = [20 * levels + 200]
    nodes = [Careful(f"y{number}", limit) for number in range(levels + 1)]
    for user, used in zip(nodes, nodes[1:]):
        user.next_functions = ((used, 0), (used, 0))
    got = counted(nodes[0], f"compute_dependencies(root) for {levels} levels of y = y + y")
    check.equal(
        got,
        {f"y{number}": 2 for number in range(1, levels + 1)},
        call=f"compute_dependencies(root) for {levels} levels of y = y + y",
    )


def test_nodes_are_looked_up_and_not_searched():
    """In a graph of many nodes, finding out whether a node was seen already takes no longer than in a small one."""
    limit = [9_000]
    root, *nodes = [Careful(f"y{number}", limit) for number in range(300)]
    root.next_functions = tuple((node, 0) for node in nodes)
    for user, used in zip(nodes, nodes[1:]):
        user.next_functions = ((used, 0),)
    got = counted(root, "compute_dependencies(root) for 300 nodes")
    check.equal(sorted(set(got.values())), [1, 2], call="the counts for a chain of nodes that the root all leads to")


@pytest.mark.slow
def test_a_long_chain():
    """A chain of 200,000 nodes works: Python's stack is far too small for a function that calls itself for
    each node.
    """
    root = Node()
    last = root
    for _ in range(200_000):
        node = Node()
        last.next_functions = ((node, 0),)
        last = node
    last.next_functions = ()
    counts = compute_dependencies(root)
    call = "compute_dependencies(root) for a chain of 200,000 nodes"
    check.that(counts is not None, "It returned None. Is a `return` missing?", call=call)
    check.equal(len(counts), 200_000, call=f"len({call})")
    check.equal(set(counts.values()), {1}, call=f"the counts of {call}")


def test_the_graph_of_an_expression():
    """The graph that Scalars leave behind: in -x - x, two edges lead to x, from the difference and from the
    negation.
    """
    x = Scalar(3.0, requires_grad=True)
    counts = compute_dependencies((-x - x).grad_fn)
    call = "compute_dependencies(y.grad_fn) for y = -x - x"
    check.that(isinstance(counts, dict), "A dict from node to number was expected.", call=call, got=counts)
    check.equal(
        {node.name(): count for node, count in counts.items()}, {"NegBackward0": 1, "AccumulateGrad": 2}, call=call
    )
