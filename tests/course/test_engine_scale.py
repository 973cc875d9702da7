"""The engine at full size. That its time for each node stays the same is measured by `make bench`, not here."""

from __future__ import annotations

from terox.autograd.scalar import Scalar


def test_a_chain_of_a_million_nodes():
    """Forward, backward and the freeing of the graph, none of which may need Python's stack."""
    x = Scalar(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = -y
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_a_thousand_levels_of_doubling_with_a_recorded_backward():
    """2 ** 1000 ways, and a backward pass that leaves a graph of its own."""
    x = Scalar(1.0, requires_grad=True)
    y = x * x
    for _ in range(1_000):
        y = y + y
    y.backward(create_graph=True)
    assert x.grad.item() == 2.0**1001
    x.grad.backward(inputs=[x])
    assert x.grad.item() == 2.0**1001 + 2.0**1001
