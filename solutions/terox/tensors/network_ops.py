"""Ops that networks are made of: linear, cross-entropy, and the backward of softmax; with their derivatives. Provided.

Each could be written with other ops, and here it is: good for every device, and for second derivatives. What makes it
an op is that a device may do all of it at once, as module 3 does (`terox/parallel/fused_ops.py`): one result in memory
and one node in the graph, where training.py's `linear` and `cross_entropy` have several.

In PyTorch: `torch/nn/functional.py`, `linear`, `cross_entropy`; `derivatives.yaml`, `linear`,
`_softmax_backward_data`, `_log_softmax_backward_data`.
"""

from __future__ import annotations

from collections.abc import Sequence

from terox.optim.sgd import sgd_step
from terox.tensors.derivatives import Formula
from terox.tensors.dispatcher import COMPOSITE, call, register
from terox.tensors.dtype import int64
from terox.tensors.factories import ones_like, zeros_like
from terox.tensors.schema import derivative
from terox.tensors.tensor import Tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`, as one op.

    Shapes: input (*, in), weight (out, in), bias (out) or None, result (*, out). Raises RuntimeError, which names the
    shapes, where they do not fit, and for different dtypes.

    In PyTorch: `torch.nn.functional.linear`.
    """
    for name, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if tensor.__class__ is not Tensor and (tensor is not None or name != "bias"):
            raise TypeError(f"linear(): argument '{name}' must be Tensor, not {type(tensor).__name__}")
    sizes, of_weight, dtype = input.impl.sizes, weight.impl.sizes, input.impl.storage.dtype
    if len(of_weight) != 2 or not sizes or sizes[-1] != of_weight[1]:
        raise RuntimeError(f"linear: mat1 and mat2 shapes cannot be multiplied: an input of shape {list(sizes)} was "
                           f"given for a weight of shape {list(of_weight)}; (*, in) and (out, in) were expected")
    if bias is not None and bias.impl.sizes != of_weight[:1]:
        raise RuntimeError(f"linear: a bias of shape {list(bias.impl.sizes)} was given for a weight of shape "
                           f"{list(of_weight)}; ({of_weight[0]},) was expected")
    for tensor in (weight, bias):
        if tensor is not None and tensor.impl.storage.dtype is not dtype:
            raise RuntimeError(f"linear: expected all tensors to have the same dtype, but got {dtype.name} and "
                               f"{tensor.dtype.name}")
    return call("linear", input, weight, bias)


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    """The mean of `-log(softmax(input)[target])` over the batch, as one op.

    Shapes: input (N, C), the logits of C classes for N examples; target (N,), int64, the right classes, from 0 to
    C - 1; result (). The mean of no examples is NaN. Raises ValueError for shapes that do not fit, RuntimeError for
    another dtype, IndexError for a class that does not exist.

    In PyTorch: `torch.nn.functional.cross_entropy`, without weights, ignored classes and probabilities as targets.
    """
    for name, tensor in (("input", input), ("target", target)):
        if tensor.__class__ is not Tensor:
            raise TypeError(f"cross_entropy(): argument '{name}' must be Tensor, not {type(tensor).__name__}")
    if len(input.impl.sizes) != 2 or target.impl.sizes != input.impl.sizes[:1]:
        raise ValueError(f"cross_entropy: an input of shape (N, C) and a target of shape (N,) were expected, not "
                         f"{list(input.impl.sizes)} and {list(target.impl.sizes)}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"cross_entropy: not implemented for {input.dtype.name} logits")
    if target.dtype is not int64:
        raise RuntimeError(f"cross_entropy: expected a target of dtype int64 but found {target.dtype.name}")
    return call("cross_entropy_loss", input, target)


# ---- The ops, made of others ----


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    out = input @ weight.mT
    return out if bias is None else out + bias


def _linear_back_weight(grad_output: Tensor, input: Tensor) -> Tensor:
    """The gradient for linear's weight. Both are matrices of N rows."""
    return grad_output.mT @ input


def _cross_entropy_loss(input: Tensor, target: Tensor) -> Tensor:
    check_classes(input, target)
    return -input.log_softmax(1).gather(1, target.unsqueeze(1)).mean()


def check_classes(input: Tensor, target: Tensor) -> None:
    """Raises IndexError if a class in `target` is not one of those that `input`, (N, C), has logits for."""
    wrong = target[(target < 0).logical_or(target >= input.impl.sizes[1])]
    if wrong.numel():
        raise IndexError(f"cross_entropy: Target {wrong[0].item()} is out of bounds; there are {input.impl.sizes[1]} "
                         "classes")


def _cross_entropy_loss_back(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """`(softmax(input) - onehot(target)) * grad_output / N`."""
    scale = (grad_output / max(input.impl.sizes[0], 1)).expand(input.impl.sizes)
    places = target.unsqueeze(1)
    right = scale.new_zeros(input.impl.sizes).scatter_add(1, places, scale.gather(1, places))
    return input.softmax(1) * scale - right


def _softmax_back(grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> Tensor:
    """The gradient for softmax's input, from that of its result `y`."""
    if not dims:  # the softmax of a single number is 1
        return zeros_like(grad_output)
    return y * (grad_output - (grad_output * y).sum(dims, keepdim=True))


def _log_softmax_back(grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> Tensor:
    """The gradient for log-softmax's input, from that of its result `y`."""
    if not dims:
        return zeros_like(grad_output)
    return grad_output - y.exp() * grad_output.sum(dims, keepdim=True)


for _op, _kernel in {"linear": _linear, "linear_back_weight": _linear_back_weight,
                     "cross_entropy_loss": _cross_entropy_loss, "cross_entropy_loss_back": _cross_entropy_loss_back,
                     "softmax_back": _softmax_back, "log_softmax_back": _log_softmax_back,
                     "sgd_step": sgd_step}.items():
    register(_op, COMPOSITE, _kernel)


# ---- Their derivatives ----


@derivative("linear(input, weight, bias)", "input", "weight", "bias")
def linear_(input: Tensor, weight: Tensor) -> tuple[Formula, Formula, Formula]:
    return (lambda grad: _like(grad, call("mm", _rows(grad), weight)),
            lambda grad: call("linear_back_weight", _rows(grad), _rows(input)),
            lambda grad: call("sum", _rows(grad), (0,), False))


def _rows(x: Tensor) -> Tensor:
    """All dimensions but the last as one: one product of matrices is faster than a batch of them."""
    return x if len(x.impl.sizes) == 2 else x.reshape((-1 if x.numel() else 0, x.impl.sizes[-1]))


def _like(x: Tensor, rows: Tensor) -> Tensor:
    """And back: the dimensions in front that `x` has."""
    return rows if len(x.impl.sizes) == 2 else rows.reshape((*x.impl.sizes[:-1], rows.impl.sizes[1]))


@derivative("linear_back_weight(grad_output, input)", "grad_output", "input")
def linear_back_weight(grad_output: Tensor, input: Tensor) -> tuple[Formula, Formula]:
    return lambda grad: call("mm", input, grad.mT), lambda grad: call("mm", grad_output, grad)


@derivative("cross_entropy_loss(input, target)", "input")
def cross_entropy_loss(input: Tensor, target: Tensor) -> Formula:
    # Logits are saved, and no probabilities: to compute these again costs as many calls of exp as to get them from
    # their logarithms, and they need no memory from forward to backward.
    return lambda grad: call("cross_entropy_loss_back", grad, input, target)


@derivative("cross_entropy_loss_back(grad_output, input, target)", "grad_output", "input")
def cross_entropy_loss_back(grad_output: Tensor, input: Tensor, target: Tensor) -> tuple[Formula, Formula]:
    return (lambda grad: (grad * call("cross_entropy_loss_back", ones_like(grad_output), input, target)).sum(),
            lambda grad: call("softmax_back", grad * (grad_output / max(input.impl.sizes[0], 1)), input.softmax(1),
                              (1,)))


@derivative("softmax(self, dims)", "self")
def softmax(result: Tensor, dims: Sequence[int]) -> Formula:
    return lambda grad: call("softmax_back", grad, result, dims)


@derivative("log_softmax(self, dims)", "self")
def log_softmax(result: Tensor, dims: Sequence[int]) -> Formula:
    return lambda grad: call("log_softmax_back", grad, result, dims)


@derivative("softmax_back(grad_output, y, dims)", "grad_output", "y")
def softmax_back(grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> tuple[Formula, Formula]:
    # The Jacobian of softmax is symmetric, so its transpose is the same op.
    return (lambda grad: call("softmax_back", grad, y, dims),
            lambda grad: _softmax_back_result(grad, grad_output, y, dims))


def _softmax_back_result(grad: Tensor, grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> Tensor:
    if not dims:
        return zeros_like(grad)
    return (grad * (grad_output - (grad_output * y).sum(dims, keepdim=True))
            - grad_output * (grad * y).sum(dims, keepdim=True))


@derivative("log_softmax_back(grad_output, y, dims)", "grad_output", "y")
def log_softmax_back(grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> tuple[Formula, Formula]:
    return (lambda grad: _log_softmax_back_grad(grad, y, dims),
            lambda grad: _log_softmax_back_result(grad, grad_output, y, dims))


def _log_softmax_back_grad(grad: Tensor, y: Tensor, dims: Sequence[int]) -> Tensor:
    return grad - (grad * y.exp()).sum(dims, keepdim=True) if dims else zeros_like(grad)


def _log_softmax_back_result(grad: Tensor, grad_output: Tensor, y: Tensor, dims: Sequence[int]) -> Tensor:
    return -grad * y.exp() * grad_output.sum(dims, keepdim=True) if dims else zeros_like(grad)
