"""What the tests of tensors share: the device of module 2, whatever others there are, three short words, a Function."""

from __future__ import annotations

import pytest

import terox
from terox.autograd import grad
from terox.autograd.function import Function


@pytest.fixture(autouse=True)
def on_python():
    """Import it, and all tests of a file make their tensors on "python"; afterwards defaults are as they were."""
    before = terox.get_default_device(), terox.get_default_dtype()
    terox.set_default_device("python")
    terox.manual_seed(0)
    yield
    terox.set_default_device(before[0])
    terox.set_default_dtype(before[1])


def leaf(*numbers):
    """A vector that requires grad, in float64."""
    return terox.tensor(numbers, dtype=terox.float64, requires_grad=True)


def plain(*numbers):
    """A vector in float64."""
    return terox.tensor(numbers, dtype=terox.float64)


def gradients(output, *inputs):
    """The derivatives of the sum of `output`, as lists."""
    return [gradient.tolist() for gradient in grad(output.sum(), inputs)]


class Cube(Function):
    """Saves its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x * x
