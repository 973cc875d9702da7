"""Programs of task 2.7: a layer, the loss, an epoch. Run in the sandbox, on the device "python"."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from course.grading.programs.told import kinds_of


def _terox() -> Any:
    import terox
    from terox.tensors.device import set_default_device

    set_default_device("python")
    return terox


def _made(array: np.ndarray, turned: bool = False, grad: bool = False) -> Any:
    """A tensor of these numbers; turned: the transpose of another tensor, in the case of a matrix."""
    terox = _terox()
    if turned and array.ndim == 2:
        made = terox.tensor(np.ascontiguousarray(array.T)).T
        return made.detach().requires_grad_() if grad else made
    return terox.tensor(array, requires_grad=grad)


def layer(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, grad: np.ndarray,
          turned: bool) -> dict[str, Any]:
    """linear, and the gradients of all its arguments."""
    from terox.tensors.training import linear

    _terox()
    arrays = [input, weight] + ([] if bias is None else [bias])
    plain = [_made(array, turned) for array in arrays]
    out = linear(*plain)
    leaves = [_made(array, turned, True) for array in arrays]
    again = linear(*leaves, *([None] if bias is None else []))
    again.backward(_made(grad))
    return {"out": out.numpy().copy(), "gradients": [leaf.grad.numpy().copy() for leaf in leaves],
            "as before": [np.array_equal(tensor.numpy(), array) for tensor, array in zip(plain, arrays)],
            "recorded": [out.requires_grad, again.requires_grad], "shape": list(again.shape)}


def loss(logits: np.ndarray, targets: np.ndarray, upstream: float, turned: bool) -> dict[str, Any]:
    """cross_entropy, and the gradient of the logits."""
    from terox.tensors.training import cross_entropy

    terox = _terox()
    target = terox.tensor(np.stack([targets, targets - 1], axis=1))[:, 0] if turned else terox.tensor(targets)
    plain, leaf = _made(logits, turned), _made(logits, turned, True)
    value, recorded = cross_entropy(plain, target), cross_entropy(leaf, target)
    recorded.backward(terox.tensor(upstream, dtype=recorded.dtype))
    return {"loss": value.numpy().copy(), "dtype": value.dtype.name, "gradient": leaf.grad.numpy().copy(),
            "as before": [np.array_equal(plain.numpy(), logits), np.array_equal(target.numpy(), targets)]}


def _net(weight: np.ndarray, bias: np.ndarray) -> Any:
    """x @ weight + bias, which notes what it is given, in which mode, and how many graphs of before are still alive."""
    terox = _terox()
    from terox.foundations.module import Module
    from terox.foundations.parameter import Parameter

    class Mark:
        pass

    class Net(Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = Parameter(terox.tensor(weight)), Parameter(terox.tensor(bias))
            self.seen: list[Any] = []
            self.modes: list[Any] = []
            self.alive: list[int] = []
            self.marks: list[Any] = []

        def forward(self, x: Any) -> Any:
            self.seen.append(np.array(x.tolist(), dtype=np.float64))
            self.modes.append([self.training, terox.is_grad_enabled()])
            self.alive.append(sum(mark() is not None for mark in self.marks))
            out = x.flatten(1) @ self.weight + self.bias
            if out.grad_fn is not None:
                out.grad_fn.mark = Mark()
                self.marks.append(weakref.ref(out.grad_fn.mark))
            return out if self.training else out * 0.5

    return Net()


def epoch(images: np.ndarray, labels: np.ndarray, order: np.ndarray, batch_size: int, weight: np.ndarray,
          bias: np.ndarray, options: dict[str, Any]) -> dict[str, Any]:
    """train_epoch, once: what it returned and told, what the model got, and the parameters afterward.

    options: lr, momentum; stale: what stands in `grad` before; told: whether there is an on_step; still: the
    optimizer's step does nothing.
    """
    terox = _terox()
    from terox.optim import SGD
    from terox.tensors.training import train_epoch

    steps: list[bool] = []

    class Watched(SGD):
        def step(self) -> None:
            steps.append(all(parameter.grad is not None for parameter in self.params))
            if not options["still"]:
                super().step()

    model = _net(weight, bias).eval()
    optimizer = Watched(model.parameters(), lr=options["lr"], momentum=options["momentum"])
    if options["stale"] is not None:
        for parameter in model.parameters():
            parameter.grad = terox.full(tuple(parameter.shape), options["stale"], dtype=parameter.dtype)
    told: list[tuple[Any, ...]] = []
    at: list[int] = []

    def on_step(*args: Any) -> None:
        told.append(args)
        at.append(len(steps))

    result = train_epoch(model, optimizer, terox.tensor(images), terox.tensor(labels), batch_size, terox.tensor(order),
                         *([on_step] if options["told"] else []))
    return {"loss": float(result), "types": [kinds_of([result]), *[[type(count).__name__, *kinds_of([value])]
                                                                  for count, value in told]],
            "told": [[int(count), float(value)] for count, value in told], "at": at, "steps": steps,
            "seen": model.seen, "modes": model.modes, "few graphs": max(model.alive, default=0) <= 1,
            "parameters": [parameter.detach().numpy().copy() for parameter in model.parameters()]}


def learned(sizes: list[int], seed: int, images: np.ndarray, labels: np.ndarray, order: np.ndarray, lr: float,
            epochs: int) -> dict[str, Any]:
    """Epochs of training a network whose layers are the learner's: the losses, and the logits at the end."""
    terox = _terox()
    from terox.optim import SGD
    from terox.tensors.mlp import MLP
    from terox.tensors.training import evaluate, train_epoch

    terox.manual_seed(seed)
    model = MLP(sizes)
    optimizer = SGD(model.parameters(), lr=lr)
    data = terox.tensor(images), terox.tensor(labels)
    losses = [float(train_epoch(model, optimizer, *data, 4, terox.tensor(order))) for _ in range(epochs)]
    with terox.no_grad():
        return {"losses": np.array(losses), "logits": model(data[0]).numpy().copy(),
                "accuracy": float(evaluate(model, *data))}
