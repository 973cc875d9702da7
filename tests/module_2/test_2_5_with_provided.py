"""Task 2.5: with the dispatcher, a device that brings one loop has operators, and their graph."""

from __future__ import annotations

import pytest
from made_up import Kernel, registered, tensor, trying

import terox
from course import check

pytestmark = pytest.mark.task("2.5")

# The text: what it computes, and the name of its node.
OPERATORS = {
    "x + y": (lambda x, y: x + y, "AddBackward0"),
    "x * y": (lambda x, y: x * y, "MulBackward0"),
    "y - x": (lambda x, y: y - x, "SubBackward0"),
    "y / x": (lambda x, y: y / x, "DivBackward0"),
    "-x": (lambda x, y: -x, "NegBackward0"),
}


def loop(fn, out, *ins):
    """The elementwise kernel of a device, for three numbers."""
    for place in range(3):
        out.storage.data[place] = fn(*(each.storage.data[place] for each in ins))


@pytest.mark.parametrize("text", OPERATORS)
def test_a_new_device_has_operators(text):
    """A new device that registers one basic kernel, elementwise, has all elementwise ops, with their nodes."""
    operator, name = OPERATORS[text]
    x, y = tensor("leaf"), tensor()
    call = f'{text} on a device that registered "elementwise" alone, where x requires grad'
    with registered(Kernel("elementwise", "red", loop)), trying(call):
        z = operator(x, y)
        with terox.no_grad():
            without = operator(x, y)
    check.equal(z.detach().numpy().tolist(), [operator(n, n) for n in (1.0, 2.0, 4.0)], call=call)
    check.that(z.grad_fn is not None, "The result has no grad_fn: this call has to be recorded.", call=call, got=None,
               expected=name)
    check.equal(z.grad_fn.name(), name, call=f"the name of grad_fn of {call}")
    check.that(not without.requires_grad, "The result must not have a grad_fn: recording is off.",
               call=f"{call}, under no_grad")


def test_its_own_kernel_for_an_op_wins():
    """Where a device registers its own kernel for an op, that one does it; the node is that of the op, as always."""
    own = Kernel("add", "red")
    call = 'x + y on a device that registered "elementwise" and "add", where x requires grad'
    with registered(Kernel("elementwise", "red", loop), own), trying(call):
        z = tensor("leaf") + tensor()
    check.that(bool(own.results) and z is own.results[0],
               "The device has a kernel of its own, which goes before the composite one.", call=call)
    check.equal(z.grad_fn and z.grad_fn.name(), "AddBackward0", call=f"the name of grad_fn of {call}")
