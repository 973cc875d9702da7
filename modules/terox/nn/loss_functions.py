"""Losses, with all that PyTorch's functions have: weights, ignored classes, reductions, probabilities. Provided.

    softmax, log_softmax             with PyTorch's implicit `dim`, and a dtype
    cross_entropy, nll_loss          classes as numbers (N, ...) or, for cross_entropy, as probabilities
    mse_loss, binary_cross_entropy_with_logits

The plain case of `cross_entropy` is one op where the device has it, and the learner's `CrossEntropy` elsewhere.

In PyTorch: `torch/nn/functional.py`; `aten/src/ATen/native/LossNLL.cpp`, `Loss.cpp`.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from terox.nn import losses
from terox.tensors import network_ops
from terox.tensors.dtype import int64
from terox.tensors.tensor import Tensor

REDUCTIONS = ("mean", "sum", "none")


def _tensors(op: str, **named: Any) -> None:
    for name, value in named.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(value).__name__}")


def _check_reduction(op: str, reduction: Any) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"{op}: {reduction} is not a valid value for reduction, which is one of 'mean', 'sum', 'none'")


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


# ---- Softmax ----


def softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
    """`exp(input) / sum of exp(input) along dim`; of the input as `dtype`, if one is given.

    Without `dim`, dimension 0 for input of 0, 1 or 3 dimensions and 1 for others, with a warning.

    In PyTorch: `torch.nn.functional.softmax`.
    """
    _tensors("softmax", input=input)
    return (input if dtype is None else input.to(dtype)).softmax(_implicit("softmax", input, dim))


def log_softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, as one op. `dim` and `dtype` as there.

    In PyTorch: `torch.nn.functional.log_softmax`.
    """
    _tensors("log_softmax", input=input)
    return (input if dtype is None else input.to(dtype)).log_softmax(_implicit("log_softmax", input, dim))


def _implicit(op: str, input: Tensor, dim: int | None) -> int:
    if dim is not None:
        return dim
    warnings.warn(f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an "
                  "argument.", stacklevel=3)
    return 0 if input.dim() in (0, 1, 3) else 1


# ---- Classes ----


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100,
                  reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """How far the softmax of the logits is from the right classes.

    Shapes: input (N, C), (N, C, d1, ...) or (C,), the logits of C classes; target the same without C, int64, or, of the
    same shape as input and of floating point, a probability for each class. weight (C,): of each class. Result (), or
    the shape of target (without C) for reduction "none". "mean" divides by the sum of the weights of all targets; by
    the number of them for probabilities.

    ignore_index: targets that count for nothing. label_smoothing: the part of each target that all classes share.

    Raises ValueError or RuntimeError for shapes, RuntimeError for dtypes that do not fit, IndexError for a class that
    does not exist.

    In PyTorch: `torch.nn.functional.cross_entropy`.
    """
    _tensors("cross_entropy", input=input, target=target, **({} if weight is None else {"weight": weight}))
    _check_reduction("cross_entropy", reduction)
    sizes, of_target = input.impl.sizes, target.impl.sizes
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"cross_entropy: not implemented for {input.dtype.name} logits")
    if sizes == of_target:
        return _with_chances(input, target, weight, ignore_index, reduction, label_smoothing)
    _check_classes_given("cross_entropy", input, target, weight)
    if weight is None and not label_smoothing and reduction == "mean" and len(sizes) == 2 and ignore_index < 0:
        if not _some_ignored(target, ignore_index):
            return _plain(input, target)
    dim = _class_dim(input)
    chances = input.log_softmax(dim)
    loss = nll_loss(chances, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    share = label_smoothing / sizes[dim]
    return (1.0 - label_smoothing) * loss + share * _smooth(chances, target, weight, ignore_index, reduction)


def _class_dim(input: Tensor) -> int:
    return 0 if input.dim() == 1 else 1


def _some_ignored(target: Tensor, ignore_index: int) -> bool:
    """Whether there may be a target to ignore. A GPU is not asked, so there only who names another index than the
    usual one has it ignored; the usual one is a class that does not exist.
    """
    if target.is_cuda:
        return ignore_index != -100
    return bool((target.detach().numpy() == ignore_index).any())


def _plain(input: Tensor, target: Tensor) -> Tensor:
    """The mean over a batch (N, C): the device's op, or the learner's Function where there is none."""
    if target.numel() == 0:
        return network_ops.cross_entropy(input, target)
    if input.device != "python":
        from terox.parallel import handover

        if handover.state.enabled:
            return network_ops.cross_entropy(input, target)
    network_ops.check_classes(input, target)
    return losses.CrossEntropy.apply(input, target)


def _check_classes_given(op: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Shapes and dtypes, for classes that are given as numbers."""
    sizes, of_target = input.impl.sizes, target.impl.sizes
    if not sizes:
        raise ValueError(f"{op}: Expected an input of 1 or more dimensions, but got one without")
    expected = (sizes[0], *sizes[2:]) if len(sizes) > 1 else ()
    if of_target != expected:
        said = f"{op}: for an input of shape {list(sizes)}, a target of shape {list(expected)} was expected, but got " \
               f"{list(of_target)}"
        if not expected or not of_target or of_target[0] != expected[0]:
            raise ValueError(said)
        raise RuntimeError(said)
    if target.dtype is not int64:
        raise RuntimeError(f"{op}: expected a target of dtype int64 but found {target.dtype.name}")
    _check_weight(op, input, weight)


def _check_weight(op: str, input: Tensor, weight: Tensor | None) -> None:
    if weight is None:
        return
    classes = input.impl.sizes[_class_dim(input)]
    if weight.impl.sizes != (classes,):
        raise RuntimeError(f"{op}: weight tensor should be defined either for all {classes} classes or no classes but "
                           f"got weight tensor of shape: {list(weight.impl.sizes)}")
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"{op}: expected a weight of dtype {input.dtype.name} but found {weight.dtype.name}")
    if weight.requires_grad:
        raise RuntimeError(f"{op} is not differentiable with respect to argument 'weight'. This input cannot have "
                           "requires_grad True.")


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100,
             reduction: str = "mean") -> Tensor:
    """`-weight[target] * input` at the right class, where input holds logarithms of probabilities.

    Shapes, options and errors: as in `cross_entropy` with classes as numbers.

    In PyTorch: `torch.nn.functional.nll_loss`.
    """
    _tensors("nll_loss", input=input, target=target, **({} if weight is None else {"weight": weight}))
    _check_reduction("nll_loss", reduction)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"nll_loss: not implemented for {input.dtype.name}")
    _check_classes_given("nll_loss", input, target, weight)
    dim = _class_dim(input)
    ignored = target == ignore_index
    safe = target.masked_fill(ignored, 0)
    _check_classes_exist(input.impl.sizes[dim], target, safe)
    loss = -input.gather(dim, safe.unsqueeze(dim)).squeeze(dim)
    counts = (input.detach().new_ones(target.impl.sizes) if weight is None else weight[safe]).masked_fill(ignored, 0.0)
    loss = (loss if weight is None else loss * counts).masked_fill(ignored, 0.0)
    return loss.sum() / counts.sum() if reduction == "mean" else _reduced(loss, reduction)


def _check_classes_exist(classes: int, target: Tensor, safe: Tensor) -> None:
    wrong = safe[(safe < 0).logical_or(safe >= classes)]
    if wrong.numel():
        raise IndexError(f"Target {wrong[0].item()} is out of bounds; there are {classes} classes")


def _smooth(chances: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """What all classes share: the sum over them of minus the logarithms of their probabilities."""
    dim = _class_dim(chances)
    ignored = target == ignore_index
    loss = -_weighted(chances, weight, dim).sum(dim).masked_fill(ignored, 0.0)
    if reduction != "mean":
        return _reduced(loss, reduction)
    if weight is None:
        return loss.sum() / ignored.logical_not().sum()
    return loss.sum() / weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0.0).sum()


def _weighted(chances: Tensor, weight: Tensor | None, dim: int) -> Tensor:
    if weight is None:
        return chances
    return chances * weight.reshape((-1, *(1,) * (chances.dim() - dim - 1)))


def _with_chances(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str,
                  label_smoothing: float) -> Tensor:
    """Cross-entropy for a probability for each class."""
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"cross_entropy: Expected floating point type for target with class probabilities, got "
                           f"{target.dtype.name}")
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for floating point target")
    if not input.impl.sizes:
        raise ValueError("cross_entropy: Expected an input of 1 or more dimensions, but got one without")
    _check_weight("cross_entropy", input, weight)
    dim = _class_dim(input)
    classes = input.impl.sizes[dim]
    if label_smoothing:
        target = target * (1.0 - label_smoothing) + label_smoothing / max(classes, 1)
    loss = -(_weighted(input.log_softmax(dim), weight, dim) * target).sum(dim)
    if reduction == "mean":
        count = math.prod(loss.impl.sizes)
        return loss.sum() / count if count else loss.sum() * math.nan
    return _reduced(loss, reduction)


# ---- Numbers ----


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """`(input - target) ** 2`; with weights, the mean is that of the weights, too.

    Shapes: input and target the same (others are broadcast, with a warning), weight that of input.

    In PyTorch: `torch.nn.functional.mse_loss`.
    """
    _tensors("mse_loss", input=input, target=target, **({} if weight is None else {"weight": weight}))
    _check_reduction("mse_loss", reduction)
    if input.impl.sizes != target.impl.sizes:
        warnings.warn(f"Using a target size ({list(target.impl.sizes)}) that is different to the input size "
                      f"({list(input.impl.sizes)}). This will likely lead to incorrect results due to broadcasting. "
                      "Please ensure they have the same size.", stacklevel=2)
    if weight is not None and weight.impl.sizes != input.impl.sizes:
        raise ValueError(f"mse_loss: Weights and input must have the same size, but got {list(weight.impl.sizes)} and "
                         f"{list(input.impl.sizes)}")
    if not (input.dtype.is_floating_point or target.dtype.is_floating_point):
        raise NotImplementedError(f"mse_loss: not implemented for {input.dtype.name}")
    error = input - target
    loss = error * error
    if weight is None:
        return _reduced(loss, reduction)
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else _reduced(loss, reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, *,
                                     reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:
    """`-(pos_weight * target * log(sigmoid(input)) + (1 - target) * log(1 - sigmoid(input))) * weight`.

    Shapes: input and target the same; weight and pos_weight can be broadcast to it. No number is too large. Raises
    ValueError for different shapes.

    In PyTorch: `torch.nn.functional.binary_cross_entropy_with_logits`.
    """
    op = "binary_cross_entropy_with_logits"
    factors = {"weight": weight, "pos_weight": pos_weight}
    _tensors(op, input=input, target=target, **{name: each for name, each in factors.items() if each is not None})
    _check_reduction(op, reduction)
    if weight is not None and weight.requires_grad:
        raise RuntimeError(f"{op} is not differentiable with respect to argument 'weight'. This input cannot have "
                           "requires_grad True.")
    if input.impl.sizes != target.impl.sizes:
        raise ValueError(f"{op}: Target size ({list(target.impl.sizes)}) must be the same as input size "
                         f"({list(input.impl.sizes)})")
    for name, each in (("input", input), ("target", target)):
        if not each.dtype.is_floating_point:
            raise RuntimeError(f"{op}: {name} has to be of floating point, and is {each.dtype.name}")
    # log(1 + exp(-input)), with the larger of the two exponents taken out; what is taken out needs no history.
    top = (-input).relu().detach()
    softplus = top + ((-top).exp() + (-input - top).exp()).log()
    if pos_weight is not None:
        softplus = ((pos_weight - 1.0) * target + 1.0) * softplus
    loss = (1.0 - target) * input + softplus
    return _reduced(loss if weight is None else loss * weight, reduction)
