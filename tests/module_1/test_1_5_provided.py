"""Task 1.5: what is provided around the engine, and works once the engine does."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import terox
from course import check
from course.graphs import gradient_of
from terox.autograd import grad
from terox.autograd.function import Function
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.5")


def leaf(number):
    return Scalar(number, requires_grad=True)


def test_a_graph_runs_once_unless_it_is_retained():
    """A second backward through the same graph raises RuntimeError, unless the first had retain_graph=True."""
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    check.close(gradient_of(x, "x"), 12.0, call="x.grad after two passes through y = x * x with retain_graph=True")
    y.backward()
    check.raises(
        RuntimeError, y.backward, call="y.backward(), once more without retain_graph", mentions=("retain_graph",)
    )
    check.close(gradient_of(x, "x"), 18.0, call="x.grad, after the pass that failed")


def test_a_graph_that_saved_nothing_runs_again():
    """As in PyTorch, a graph of sums alone has nothing to free and can run any number of times."""
    x, y = leaf(3.0), leaf(4.0)
    z = x + y + x
    z.backward()
    z.backward()
    check.close(gradient_of(x, "x"), 4.0, call="x.grad after two passes through z = x + y + x")


def test_what_needs_no_gradient_cannot_run_backward():
    """backward and grad() raise RuntimeError where nothing requires grad."""
    x = Scalar(2.0) * 3.0
    check.raises(RuntimeError, x.backward, call="(Scalar(2.0) * 3.0).backward()", mentions=("does not require grad",))
    z = leaf(3.0) * 2.0
    check.raises(RuntimeError, lambda: grad(z, x), call="grad(z, x)", mentions=("does not require grad",))


def test_a_leaf_can_start_backward():
    """backward of a leaf itself adds the gradient that it was called with."""
    x = leaf(2.0)
    x.backward(5.0)
    x.backward(Scalar(3.0))
    check.close(gradient_of(x, "x"), 8.0, call="x.grad after x.backward(5.0) and x.backward(Scalar(3.0))")


def test_modes():
    """Nothing is recorded under no_grad, and again under enable_grad inside; the mode comes back after an
    error, too.
    """
    x = leaf(3.0)
    with terox.no_grad():
        silent = x * 2.0
        with terox.enable_grad():
            loud = x * 2.0
        check.that(not terox.is_grad_enabled(), "After enable_grad the mode of no_grad is back.")
    loud.backward()
    check.equal(
        (silent.requires_grad, loud.requires_grad), (False, True), call="requires_grad under no_grad and enable_grad"
    )
    with pytest.raises(KeyError), terox.no_grad():
        raise KeyError
    check.that(terox.is_grad_enabled(), "After an error inside of no_grad, recording is on again.")

    @terox.no_grad()
    def double(value):
        return value * 2.0

    check.that(not double(x).requires_grad, "no_grad works as a decorator, too.", call="double(x)")
    with terox.no_grad():
        y = leaf(1.0)
        with terox.enable_grad():
            z = y * 3.0
        z.backward()
    check.close(gradient_of(y, "y"), 3.0, call="y.grad after z.backward() under no_grad")


class Look(Function):
    """Its input. It remembers the mode and needs_input_grad during backward."""

    seen: list[object] = []

    @staticmethod
    def forward(ctx, x, y):
        return x

    @staticmethod
    def backward(ctx, upstream):
        Look.seen.append((terox.is_grad_enabled(), ctx.needs_input_grad))
        return upstream * 1.0, None


def test_backward_is_recorded_only_on_demand():
    """While backward runs, recording is off unless create_graph=True; ctx says which inputs need a gradient."""
    for create_graph in (False, True):
        Look.seen = []
        x = leaf(2.0)
        Look.apply(x, Scalar(1.0)).backward(create_graph=create_graph)
        check.equal(
            Look.seen, [(create_graph, (True, False))], call="(is_grad_enabled(), ctx.needs_input_grad) in a backward"
        )
        check.that(terox.is_grad_enabled(), "Recording stays off after backward.")


def test_the_mode_comes_back_after_an_error_in_backward():
    """If a backward raises an error, it comes out of y.backward(), and recording is on again."""

    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, upstream):
            raise KeyError("broken on purpose")

    class Short(Broken):
        @staticmethod
        def backward(ctx, upstream):
            return upstream, upstream

    x = leaf(2.0)
    (x * 1.0).backward()
    check.raises(KeyError, Broken.apply(x).backward, call="backward through a Function that raises")
    check.that(terox.is_grad_enabled(), "Recording stays off after an error in backward.")
    check.raises(
        RuntimeError,
        Short.apply(x).backward,
        call="backward through a Function that returns too many gradients",
        mentions=("Short.backward", "2 gradient"),
    )


def test_detach_cuts_the_graph():
    """detach() gives the same number without its history: no gradient goes through it."""
    x = leaf(3.0)
    y = x * x
    (y.detach() * x).backward()
    check.close(gradient_of(x, "x"), 9.0, call="x.grad after ((x * x).detach() * x).backward() for x = 3.0")
    check.that(
        y.detach().is_leaf and not y.detach().requires_grad, "A detached value has a history.", call="y.detach()"
    )


@given(a=st.floats(0.5, 3.0), b=st.floats(0.5, 3.0), upstream=st.floats(1.5, 4.0))
def test_grad_of_leaves_and_computed_values(a, b, upstream):
    """grad(outputs, inputs) returns the derivatives, for computed values as well, and leaves .grad alone."""
    x, y = leaf(a), leaf(b)
    product = x * y
    out = product * product + x
    call = f"grad(p * p + x, [x, y, p], {upstream!r}) for p = x * y, x = {a!r}, y = {b!r}"
    got = grad(out, [x, y, product], upstream)
    check.all_close(
        [float(each) for each in got],
        [upstream * (2 * a * b * b + 1), upstream * 2 * a * a * b, upstream * 2 * a * b],
        call=call,
        rtol=1e-9,
    )
    check.that(x.grad is None and y.grad is None, "grad() must not touch the grad of leaves.", call=call)
    check.that(
        not any(each.requires_grad for each in got),
        "Without create_graph the derivatives have no history.",
        call=call,
    )


def test_grad_of_several_outputs():
    """For several outputs, grad() gives the derivative of their sum, each times its own gradient."""
    x = leaf(3.0)
    got = grad([x * 2.0, x * 5.0], x, [10.0, 1.0])
    check.all_close([float(each) for each in got], [25.0], call="grad([x * 2.0, x * 5.0], x, [10.0, 1.0])")
    check.raises(RuntimeError, lambda: grad([x * 2.0], x, [1.0, 1.0]), call="grad with one output and two gradients")


def test_inputs_that_are_not_used():
    """grad() raises RuntimeError for an input on which the outputs do not depend, or returns None with
    allow_unused.
    """
    x, y = leaf(3.0), leaf(4.0)
    used, unused = grad(x * 2.0, [x, y], allow_unused=True)
    check.close(float(used), 2.0, call="grad(x * 2.0, [x, y], allow_unused=True)[0]")
    check.that(
        unused is None,
        "There is no derivative for y.",
        call="grad(x * 2.0, [x, y], allow_unused=True)[1]",
        got=unused,
    )
    check.raises(
        RuntimeError, lambda: grad(x * 2.0, [x, y]), call="grad(x * 2.0, [x, y])", mentions=("allow_unused",)
    )


def test_backward_for_some_inputs_only():
    """backward(inputs=[x]) adds to the grad of x and leaves the other leaves alone."""
    x, y = leaf(3.0), leaf(4.0)
    (x * y).backward(inputs=[x])
    check.close(gradient_of(x, "x"), 4.0, call="x.grad after (x * y).backward(inputs=[x])")
    check.that(y.grad is None, "y was not asked for.", call="y.grad", got=y.grad)
    check.raises(
        RuntimeError, lambda: (x * y).backward(inputs=[]), call="(x * y).backward(inputs=[])", mentions=("empty",)
    )


def test_hooks():
    """A hook sees the complete gradient of its value once, can replace it, and is gone after remove()."""
    x = leaf(3.0)
    y = x * 2.0
    seen = []
    handle = y.register_hook(lambda gradient: seen.append(float(gradient)))
    z = y * y + y
    z.backward(retain_graph=True)
    check.equal(
        seen,
        [13.0],
        call="what a hook on y saw for z = y * y + y at y = 6.0",
        note="A hook is called once, with the sum of all gradients that reach y.",
    )
    replace = y.register_hook(lambda gradient: gradient * 10.0)
    x.grad = None
    handle.remove()
    z.backward(retain_graph=True)
    check.close(gradient_of(x, "x"), 260.0, call="x.grad, where a hook on y = 2 * x returns ten times its gradient")
    check.equal(seen, [13.0], call="what the removed hook saw")
    replace.remove()
    x.grad = None
    on_leaf = x.register_hook(lambda gradient: -gradient)
    z.backward()
    check.close(gradient_of(x, "x"), -26.0, call="x.grad, where a hook on x turns the sign")
    on_leaf.remove()
    check.raises(RuntimeError, lambda: Scalar(1.0).register_hook(print), call="Scalar(1.0).register_hook(print)")


def test_retain_grad():
    """A computed value keeps its gradient only after retain_grad()."""
    x = leaf(3.0)
    y, z = x * 2.0, x * 4.0
    y.retain_grad()
    (y * y + z * 3.0).backward()
    check.close(gradient_of(y, "y"), 12.0, call="y.grad after y.retain_grad() and (y * y + z * 3.0).backward()")
    check.that(z.grad is None, "z is no leaf, and retain_grad was not called on it.", call="z.grad", got=z.grad)
    check.equal(
        (y.retains_grad, z.retains_grad, x.retains_grad), (True, False, False), call="retains_grad of y, z and x"
    )
    check.close(gradient_of(x, "x"), 36.0, call="x.grad")


def test_requires_grad_can_be_set_on_leaves_only():
    """requires_grad can be switched on a leaf; a computed value, or a leaf changed in place, is an error."""
    x = Scalar(3.0)
    x.requires_grad = True
    y = x * x
    y.backward()
    check.close(gradient_of(x, "x"), 6.0, call="x.grad after x.requires_grad = True and (x * x).backward()")
    check.raises(
        RuntimeError, lambda: setattr(y, "requires_grad", False), call="y.requires_grad = False", mentions=("leaf",)
    )
    check.raises(RuntimeError, lambda: x.copy_(1.0), call="x.copy_(1.0)", mentions=("in-place",))
    check.raises(RuntimeError, lambda: y.copy_(1.0), call="y.copy_(1.0)")
    x.requires_grad_(False)
    check.that(
        not (x * x).requires_grad, "x no longer requires grad, so x * x does not.", call="(x * x).requires_grad"
    )


def test_an_input_changed_in_place():
    """Where an input was changed after the operation, a first derivative is right, and a recorded one is an error."""
    x = leaf(3.0)
    y = x * x
    with terox.no_grad():
        x.copy_(5.0)
    y.backward(retain_graph=True)
    check.close(gradient_of(x, "x"), 6.0, call="x.grad for y = x * x at x = 3.0, after x.copy_(5.0)")
    check.raises(
        RuntimeError,
        lambda: y.backward(create_graph=True),
        call="y.backward(create_graph=True)",
        mentions=("in place",),
    )


class Companion:
    """Lives as long as the node that it is an attribute of."""

    def __init__(self, name):
        self.name = name


def watched(node):
    """A weak reference that dies with `node`."""
    node.companion = Companion(node.name())
    return weakref.ref(node.companion)


def test_graphs_are_freed_without_the_garbage_collector():
    """When the last name of a result is gone, so is its graph: no node and no value hold each other in a circle."""
    for create_graph in (False, True):
        gc.collect()
        gc.disable()
        try:
            x = leaf(0.5)
            parts = [x.exp(), x.sigmoid(), x.tanh(), x * x, x / 3.0, x**2, x.log(), x.relu()]
            refs = [watched(each.grad_fn) for each in parts]
            y = sum(parts)
            y.backward(create_graph=create_graph)
            x.grad = None
            del y, parts
            alive = [ref().name for ref in refs if ref() is not None]
        finally:
            gc.enable()
        check.that(
            not alive,
            "Some nodes are still there, although nobody can reach them: something holds them in a circle.",
            call=f"y.backward(create_graph={create_graph}); del y",
            got=alive,
        )
