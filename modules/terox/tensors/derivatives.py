"""How ops on tensors are differentiated: the learner's part. Task 2.6.

An entry names an op with its arguments, and those inputs that have a gradient. The function below it gets what its
parameters name: inputs and options by their names, `result` for the result of the op, `self_sizes` for the sizes of
`self`. It returns one *formula* for each of the inputs (several in a tuple): a function from the gradient of the
result, `grad`, to the gradient of that input. Only what a function names is kept for the backward pass, and a formula
only runs where its gradient is needed. It computes a new tensor, or a view; `grad` and what was kept stay as they are.

    @derivative("neg(self)", "self")
    def neg():
        return lambda grad: -grad

Three things need no thought here, because they are done for all ops alike, in node.py. A gradient that is larger than
its input, because the input was broadcast, is summed up with your `sum_to`. A gradient of another dtype is converted.
And the backward pass can itself be recorded, as long as formulas are made of ops on tensors.

The functions are named after their ops. So in this file `sum` and `slice` are not Python's own.

In PyTorch: `tools/autograd/derivatives.yaml`, whose entries look much the same;
`torch/csrc/autograd/FunctionsManual.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from terox.tensors.functions import pad, relu_back, unreduced
from terox.tensors.schema import derivative
from terox.tensors.tensor import Tensor

Formula = Callable[[Tensor], Tensor]


def sum_to(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    """`tensor`, summed up so that it has `sizes`: what a gradient needs after its input was broadcast.

    Where broadcasting repeated an element, the gradients of all repetitions are added. So dimensions in front that
    `sizes` does not have are summed and dropped, and dimensions of which `sizes` says 1 are summed and kept. `tensor`
    is of a shape to which `sizes` can be broadcast. Has it `sizes` already, there is nothing to be done.

    In PyTorch: `aten/src/ATen/ExpandUtils.h`, `sum_to`.
    """
    # TODO 2.6: broadcasting backward: which dimensions did it add, which did it stretch? `tensor.sum(dims, keepdim)`.

    raise NotImplementedError("Task 2.6: sum_to")


# ---- Provided: three worked examples. ----


@derivative("add(self, other)", "self", "other")
def add() -> tuple[Formula, Formula]:
    """`self + other`: the gradient goes to both."""
    return lambda grad: grad, lambda grad: grad


@derivative("tanh(self)", "self")
def tanh(result: Tensor) -> Formula:
    """The derivative of tanh is `1 - tanh(x)**2`: the result is all that has to be kept."""
    return lambda grad: grad * (1 - result * result)


@derivative("logsumexp(self, dims, keepdim)", "self")
def logsumexp(self: Tensor, result: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    """`log(sum(exp(self)))` along `dims`; the derivative is softmax, `exp(self - result)`.

    Options keep their form: `dims` is a tuple of dimensions from 0 on, `keepdim` a bool. Unless it is true, `grad` and
    `result` do not have the dimensions `dims` any more. `unreduced`, provided, gives them back, with size 1, so that
    they can be broadcast against `self`.
    """
    softmax = (self - unreduced(result, dims, keepdim)).exp()
    return lambda grad: unreduced(grad, dims, keepdim) * softmax


# ---- The learner's part ----


@derivative("mul(self, other)", "self", "other")
def mul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    """`self * other`: two formulas, for `self` and for `other`.

    Shapes may differ; sum_to will see to it. One of the two may be a number, as in `x * 3`; its formula never runs.
    """
    # TODO 2.6: the product rule.

    raise NotImplementedError("Task 2.6: mul")


@derivative("div(self, other)", "self", "other")
def div(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    """`self / other`, where again one of the two may be a number."""
    # TODO 2.6: the derivatives of the quotient for either one. Shapes need no thought.

    raise NotImplementedError("Task 2.6: div")


@derivative("exp(self)", "self")
def exp(result: Tensor) -> Formula:
    """e to the power of `self`."""
    # TODO 2.6: what its parameter is called says what the formula needs.

    raise NotImplementedError("Task 2.6: exp")


@derivative("log(self)", "self")
def log(self: Tensor) -> Formula:
    """The natural logarithm."""
    # TODO 2.6: as in module 1.

    raise NotImplementedError("Task 2.6: log")


@derivative("relu(self)", "self")
def relu(result: Tensor) -> Formula:
    """The positive part. `relu_back(x, grad)`, module 0's operator mapped over tensors, is `grad` where x is positive.

    0.0 elsewhere, even where `grad` is infinite. It may get the input of relu or the result: their signs agree.
    """
    # TODO 2.6: relu_back is imported above.

    raise NotImplementedError("Task 2.6: relu")


@derivative("sum(self, dims, keepdim)", "self")
def sum(self_sizes: Sequence[int], dims: Sequence[int], keepdim: bool) -> Formula:
    """The sum along `dims`: every element of `self` that was added gets the gradient of its sum.

    `grad` has the dimensions `dims` only if `keepdim` is true; `unreduced(grad, dims, keepdim)` puts them back, with
    size 1. The formula needs no copy: a view will do.
    """
    # TODO 2.6: put the dimensions back, then stretch them.

    raise NotImplementedError("Task 2.6: sum")


@derivative("amax(self, dims, keepdim)", "self")
def amax(self: Tensor, result: Tensor, dims: Sequence[int], keepdim: bool) -> Formula:
    """The largest along `dims`. The gradient goes to the largest element; where several are equal, each gets its share.

    For [3., 5., 5.] the gradient 1 becomes [0., 0.5, 0.5].
    """
    # TODO 2.6: a mask of the largest elements, and how many there are along `dims`.

    raise NotImplementedError("Task 2.6: amax")


@derivative("mm(self, other)", "self", "other")
@derivative("bmm(self, other)", "self", "other")
def matmul(self: Tensor, other: Tensor) -> tuple[Formula, Formula]:
    """`self @ other`, for matrices (mm) and for batches of them (bmm).

    With shapes (n, k) and (k, m), the gradient that comes in is (n, m). `x.mT` is the transpose of the last two
    dimensions.
    """
    # TODO 2.6: the shapes leave only one possibility for each; the index form of the sum proves it.

    raise NotImplementedError("Task 2.6: matmul")


@derivative("permute(self, dims)", "self")
def permute(dims: Sequence[int]) -> Formula:
    """Dimension `n` of the result is dimension `dims[n]` of `self`. The gradient goes back to where it came from."""
    # TODO 2.6: the inverse of a permutation: where in `dims` does each dimension stand?

    raise NotImplementedError("Task 2.6: permute")


@derivative("expand(self, shape)", "self")
def expand(self_sizes: Sequence[int]) -> Formula:
    """`self`, stretched. You have written what undoes it."""
    # TODO 2.6: one call.

    raise NotImplementedError("Task 2.6: expand")


@derivative("slice(self, dim, start, stop, step)", "self")
def slice(self_sizes: Sequence[int], dim: int, start: int, stop: int, step: int) -> Formula:
    """Every `step`th index from `start` to below `stop` along `dim`. Elements that were left out get the gradient 0.

    `pad(grad, sizes, dim, start, stop, step)`, provided, is a tensor of zeros of `sizes`, with `grad` in those places.
    """
    # TODO 2.6: zeros in the shape of the input, with the gradient where it came from.

    raise NotImplementedError("Task 2.6: slice")


@derivative("gather(self, dim, index)", "self")
def gather(self_sizes: Sequence[int], dim: int, index: Tensor) -> Formula:
    """Elements of `self`, picked along `dim` by `index`. One that was picked twice gets both gradients.

    `grad.new_zeros(sizes)` makes zeros of the same dtype and device. `zeros.scatter_add(dim, index, grad)` is a copy of
    zeros with each element of `grad` added at the place that gather took it from.
    """
    # TODO 2.6: picking, the other way round, adds.

    raise NotImplementedError("Task 2.6: gather")


# End of the file.
