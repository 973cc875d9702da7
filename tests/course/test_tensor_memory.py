"""A training step leaves no garbage for Python's collector, and no graph is too deep: nothing recurses."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager

import pytest
from on_python import Cube, leaf, on_python  # noqa: F401

import terox
from terox.autograd import grad
from terox.nn import Module, Parameter
from terox.tensors import dispatcher
from terox.tensors.mlp import MLP
from terox.tensors.training import cross_entropy


@contextmanager
def without_collector():
    """Python's collector of cycles does not run, and everything that it could collect is gone before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ---- A step, ten thousand times ----


class Tiny(Module):
    def __init__(self):
        super().__init__()
        self.weight = Parameter(terox.tensor([0.5], dtype=terox.float64))

    def forward(self, x):
        return self.weight * x


class Step:
    """A training step with a view, an in-place op and a hook; every tenth has a second derivative and more."""

    def __init__(self):
        self.model = Tiny()
        self.optimizer = terox.optim.SGD(self.model.parameters(), lr=0.01)
        self.x = terox.tensor([1.5], dtype=terox.float64)
        self.seen = self.taken = 0

    def hook(self, gradient):
        self.seen += 1

    def __call__(self):
        self.optimizer.zero_grad()
        self.taken += 1
        y = self.model(self.x)
        y.register_hook(self.hook)
        y += self.x
        loss = y[0]
        if self.taken % 10 == 0:
            y.retain_grad()
            (slope,) = grad((Cube.apply(y) * y).sum(), [self.model.weight], create_graph=True)
            loss = loss + slope.exp().log()
        loss.backward()
        self.optimizer.step()


def test_ten_thousand_training_steps_leave_nothing_behind():
    """With the collector off, Python holds as much memory after 10,000 steps as before; there is nothing to collect."""
    step = Step()
    for _ in range(20):
        step()
    with without_collector():
        before = sys.getallocatedblocks()
        for _ in range(10_000):
            step()
        garbage = gc.collect()  # also empties Python's lists of memory to be used again
        grown = sys.getallocatedblocks() - before
    assert step.seen == 10_020 + 1_002  # every tenth step goes backward twice
    assert garbage == 0
    assert grown < 500, f"{grown} blocks more than before 10,000 steps"


# ---- Each of its parts, once, so that a failure says which ----


def mlp():
    terox.manual_seed(0)
    model = MLP([2, 3, 2])
    optimizer = terox.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = cross_entropy(model(terox.rand(2, 2)), terox.tensor([0, 1]))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def in_place():
    y = leaf(1.0, 2.0) * 1
    y += 1
    y.mul_(y)
    y.exp_()
    y[0] = 3.0
    y[[1]] = y[:1]
    y.sum().backward()


def a_view_of_what_is_changed():
    y = leaf(1.0, 2.0) * 1
    view = y[:1]
    y += 1
    with pytest.raises(RuntimeError):
        view.sum()
    y.sum().backward()


def hooks():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda gradient: gradient * 2)
    x.register_hook(lambda gradient: None)
    y.retain_grad()
    y.sum().backward()
    y.register_hook(print).remove()


def a_second_derivative():
    x = leaf(1.0, 2.0)
    y = (x.exp() * x.tanh() / x).log().softmax(0)
    (g,) = grad(y.prod(), [x], create_graph=True)
    g.sum().backward()


def a_recorded_backward():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad


def never_differentiated():
    x = leaf(1.0, 2.0)
    return [x.exp(), x.sigmoid(), x.sqrt(), x.amax(), x.softmax(0), (x @ x), x[[0, 0]], Cube.apply(x)]


def failed_backward():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = (y * y).sum()
    y += 1
    with pytest.raises(RuntimeError):
        z.backward()


def retained():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()


def a_function_of_ones_own():
    x = leaf(1.0, 2.0)
    (g,) = grad(Cube.apply(x).sum(), [x], create_graph=True)
    g.sum().backward()


def indexing():
    x = leaf(*range(6)).reshape(2, 3)
    y = x[0] + x[:, [0, 1, 2]][1] + x[x > 2].sum() + x.T[..., None].squeeze(-1)[:, 0] + terox.cat([x[0], x[1]])[::2]
    y.gather(0, terox.tensor([1, 1, 0])).sum().backward()


def state():
    model = MLP([2, 2])
    model.load_state_dict(MLP([2, 2]).state_dict())


PARTS = [mlp, in_place, a_view_of_what_is_changed, hooks, a_second_derivative, a_recorded_backward,
         never_differentiated, failed_backward, retained, a_function_of_ones_own, indexing, state]


@pytest.mark.parametrize("part", PARTS, ids=[part.__name__ for part in PARTS])
def test_nothing_is_left_for_the_collector(part):
    part()  # what is imported and cached at first use
    with without_collector():
        part()
        garbage = gc.collect()
    assert garbage == 0


def test_a_recorded_backward_through_a_function_of_ones_own_is_freed_with_its_gradient():
    """The gradient holds its graph, and the node of a Function its arguments: a cycle, as in PyTorch, until `grad` is
    set to None (which is what `zero_grad` does)."""
    def run():
        x = leaf(1.0, 2.0)
        Cube.apply(x).sum().backward(create_graph=True)
        x.grad = None

    run()
    with without_collector():
        run()
        garbage = gc.collect()
    assert garbage == 0


# ---- Depth ----


@contextmanager
def counted():
    """Counts how many ops are run, in a list of one number."""
    found = [0]
    kernels = dict(dispatcher.KERNELS)

    def watched(kernel):
        def run(*args):
            found[0] += 1
            return kernel(*args)

        return run

    for key, kernel in kernels.items():
        dispatcher.KERNELS[key] = watched(kernel)
    try:
        yield found
    finally:
        dispatcher.KERNELS.clear()
        dispatcher.KERNELS.update(kernels)


def test_a_chain_of_20_000_ops():
    """Forward, backward and the freeing of the graph need none of Python's stack, and a number of ops for each node
    that does not grow."""
    counts = []
    for length in (2_000, 20_000):
        x = leaf(1.0)
        with counted() as found:
            y = x
            for number in range(length):
                y = (-y, y + 1.0, y * 1.0, y.view(1))[number % 4]
            y.backward()
            counts.append(found[0])
        assert abs(x.grad.item()) == 1.0
        del y
    assert counts[1] < 10.5 * counts[0]


def test_a_chain_of_10_000_in_place_ops():
    y = leaf(1.0) * 1
    for _ in range(2_500):
        y += 1
        y.neg_()
        y *= 1.0
        y[0] = y[0] * 1.0
    y.backward()
    del y


@pytest.mark.parametrize("make", [lambda y: y.exp() * 0, lambda y: y * y, lambda y: y / 2, lambda y: y[:], lambda y: -y,
                                  lambda y: Cube.apply(y), lambda y: terox.cat([y, y])[:1]],
                         ids=["saved result", "saved input", "a number", "view", "nothing saved", "Function", "list"])
def test_a_deep_graph_that_was_never_differentiated_is_freed(make):
    """Freeing it, node by node, does not overflow the interpreter's stack."""
    y = terox.zeros(1, requires_grad=True)
    for _ in range(20_000):
        y = make(y)
    del y


def test_a_deep_graph_of_recorded_gradients_is_freed():
    x = leaf(0.5)
    y = x
    for _ in range(3_000):
        y = y * 1.0 + x * 0.001
    y.backward(create_graph=True)
    del y
    x.grad = None
    del x


def test_a_deep_graph_that_hangs_on_an_error_is_freed():
    y = leaf(1.0) * 1
    first, z = y, y * y
    for _ in range(20_000):
        z = -z
    first += 1
    with pytest.raises(RuntimeError):
        z.backward()
    del z


@pytest.mark.parametrize("levels", [60, 1_000])
def test_doubling_takes_as_many_ops_as_there_are_nodes(levels):
    """`y = y + y`, 60 times: 2 ** 60 paths, 60 nodes, and each is run once."""
    x = leaf(1.0)
    with counted() as found:
        y = x
        for _ in range(levels):
            y = y + y
        forward = found[0]
        y.backward()
    assert x.grad.item() == 2.0**levels
    assert found[0] - forward <= 6 * forward


def test_doubling_with_a_recorded_backward():
    x = leaf(1.0)
    y = x * x
    with counted() as found:
        for _ in range(60):
            y = y + y
        y.backward(create_graph=True)
        assert x.grad.item() == 2.0**61
        x.grad.backward(inputs=[x])
    assert x.grad.item() == 2.0**62
    assert found[0] < 60 * 20


def test_a_wide_graph():
    """A leaf that 5,000 nodes use: its gradient is complete when the last of them has run."""
    x = leaf(1.0, 2.0)
    parts = [x * number for number in range(5_000)]
    y = parts[0]
    for part in parts[1:]:
        y = y + part
    y.sum().backward()
    assert x.grad.tolist() == [sum(range(5_000))] * 2


def test_views_of_views():
    """A view of a view of a view holds its storage, and not the views between."""
    x = terox.zeros(2, 1)
    view = x
    for _ in range(10_000):
        view = view.T
    view[0] = 7.0
    assert x.tolist() == [[7.0], [0.0]]
    del view
