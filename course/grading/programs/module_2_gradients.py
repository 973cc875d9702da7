"""Programs of task 2.6: formulas called by themselves, through the graph, and recorded.

Run in the sandbox, on whatever `terox` there is, on the device "python". Arguments of an op are [name, value] in the
op's order; arrays become tensors, and lists become tuples.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def _tensor(array: np.ndarray, strided: bool) -> Any:
    """A tensor of these numbers. strided: in memory with an offset and gaps, the first dimension running fastest."""
    from terox.tensors.device import set_default_device
    from terox.tensors.factories import from_array
    from terox.tensors.tensor import Tensor

    set_default_device("python")
    if not strided:
        return from_array(np.array(array, order="C"))
    strides: tuple[int, ...] = ()
    step = 2
    for size in array.shape:
        strides += (step,)
        step *= size + 1
    memory = np.full(3 + step, 1000).astype(array.dtype)
    view = np.lib.stride_tricks.as_strided(memory[3:], array.shape, [stride * memory.itemsize for stride in strides])
    view[...] = array
    return Tensor._of(from_array(memory).impl.look(array.shape, strides, 3))


def _arguments(arguments: list[list[Any]], strided: bool) -> list[Any]:
    return [_tensor(value, strided) if isinstance(value, np.ndarray) else tuple(value) if isinstance(value, list)
            else value for _, value in arguments]


def _array(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().numpy(), dtype=np.float64)


def _summed(array: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """`array`, a gradient, as the engine takes it: summed to `sizes` where it is larger, as broadcasting makes it."""
    out = np.zeros(sizes)
    front = array.ndim - len(sizes)
    if front < 0 or any(size not in (1, other) for size, other in zip(sizes, array.shape[front:])):
        raise ValueError(f"a gradient of shape {array.shape} for an input of shape {sizes}")
    numbers = np.broadcast_to(np.arange(out.size).reshape(sizes), array.shape)
    np.add.at(out.reshape(-1), numbers.ravel(), array.ravel())
    return out


def to_sizes(array: np.ndarray, sizes: list[int], strided: bool) -> dict[str, Any]:
    """sum_to of a tensor, whether its dtype stayed, and the gradient that comes back through it."""
    from terox.tensors.derivatives import sum_to

    tensor = _tensor(array, strided)
    result = sum_to(tensor, tuple(sizes))
    leaf = _tensor(array, strided).requires_grad_()
    recorded = sum_to(leaf, list(sizes))
    weights = np.arange(1, recorded.numel() + 1, dtype=array.dtype).reshape(tuple(recorded.shape))
    (recorded * _tensor(weights, False)).backward(_tensor(np.ones_like(weights), False))
    return {"result": _array(result), "dtype": result.dtype.name, "same": np.array_equal(_array(tensor), array),
            "gradient": _array(leaf.grad)}


def formulas(op: str, arguments: list[list[Any]], grad: np.ndarray, strided: bool) -> dict[str, Any]:
    """Each formula of an op, called by itself: its gradient, and whether it left all that it was given as it was."""
    from terox._grad_mode import no_grad
    from terox.tensors.dispatcher import call
    from terox.tensors.schema import derivative_of
    from terox.tensors.tensor import Tensor

    entry: Any = derivative_of(op)
    inputs = _arguments(arguments, strided)
    with no_grad():
        result = call(op, *inputs)
    values = [(result if place < 0 else inputs[place]) for place, _ in entry.needs]
    values = [value.impl.sizes if only else value for value, (_, only) in zip(values, entry.needs)]
    made = entry.formulas(*values)
    made = made if isinstance(made, tuple) else (made,)
    before = [_array(each) for each in (result, *inputs) if isinstance(each, Tensor)]
    found = []
    for place, formula in zip(entry.inputs, made, strict=True):
        for _ in range(2):  # a second call gives the same
            incoming = _tensor(grad, strided)
            gradient = formula(incoming)
            if not isinstance(gradient, Tensor):
                raise TypeError(f"a formula returned a {type(gradient).__name__}")
            found.append(_summed(_array(gradient), tuple(inputs[place].shape)))
            before += [grad]
            inputs.append(incoming)
    now = [_array(each) for each in (result, *inputs) if isinstance(each, Tensor)]
    same = all(np.array_equal(one, other, equal_nan=True) for one, other in zip(now, before, strict=True))
    return {"gradients": found, "as before": same}


def through_graph(op: str, arguments: list[list[Any]], grad: np.ndarray, strided: bool,
                  needed: list[str]) -> dict[str, Any]:
    """backward through a call of an op: the gradients of those inputs that are `needed`, and their dtypes."""
    from terox.tensors.dispatcher import call

    inputs = _arguments(arguments, strided)
    leaves = [value.requires_grad_() for (name, _), value in zip(arguments, inputs) if name in needed]
    result = call(op, *inputs)
    result.backward(_tensor(grad, strided).to(result.dtype))
    return {"gradients": [_array(leaf.grad) for leaf in leaves], "dtypes": [leaf.grad.dtype.name for leaf in leaves]}


def recorded(op: str, arguments: list[list[Any]], grad: np.ndarray, weights: list[np.ndarray], needed: list[str],
             strided: bool) -> dict[str, Any]:
    """Derivatives of derivatives: of the first gradients, weighted and added, for each input and for `grad`."""
    from terox.autograd import grad as differentiate
    from terox.tensors.dispatcher import call

    inputs = _arguments(arguments, strided)
    leaves = [value.requires_grad_() for (name, _), value in zip(arguments, inputs) if name in needed]
    incoming = _tensor(grad, False).requires_grad_()
    firsts = differentiate(call(op, *inputs), leaves, incoming, create_graph=True)
    wanted = [*leaves, incoming]
    seconds = differentiate(firsts, wanted, [_tensor(each, False) for each in weights], allow_unused=True)
    return {"first": [_array(each) for each in firsts], "recorded": [each.requires_grad for each in firsts],
            "second": [np.zeros(tuple(leaf.shape)) if each is None else _array(each)
                       for leaf, each in zip(wanted, seconds)]}


def expressions(array: np.ndarray, grad: np.ndarray, strided: bool) -> list[np.ndarray]:
    """Gradients of a square matrix through expressions in which it occurs more than once, or beside a number."""
    rows: list[Any] = [
        lambda x: x * 3, lambda x: 3 * x, lambda x: x / 4, lambda x: 4 / x, lambda x: 2.5 / (3 * x),
        lambda x: x * x, lambda x: x * x.T, lambda x: x / x.T, lambda x: x @ x, lambda x: x @ x.T,
        lambda x: x * x[0], lambda x: x * x.sum(1, keepdim=True), lambda x: x.exp() * x,
        lambda x: x / x.amax(0), lambda x: (x * x).log() * x.relu(), lambda x: x[:, 1:].sum(1) * x,
        lambda x: x.mean(0) * x + x.sum(), lambda x: x.log_softmax(1) * x, lambda x: (x.T[1] @ x) * x,
    ]
    found = []
    for expression in rows:
        leaf = _tensor(array, strided).requires_grad_()
        expression(leaf).backward(_tensor(grad, strided))
        found.append(_array(leaf.grad))
    return found
