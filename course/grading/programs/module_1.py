"""Programs of module 1: central differences, Functions, graphs of nodes, the training loop.

Run in the sandbox, on whatever `terox` there is. Those of tasks 1.4 and 1.5 stand in module_1_graphs.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.grading.programs.module_1_graphs import accumulated, chain, counts, expression, passes
from course.grading.programs.told import kinds_of, told

__all__ = ["accumulated", "backwards", "chain", "counts", "evaluated", "expression", "forwards", "network", "passes",
           "seconds", "slope", "trained"]

# ---- Task 1.1 ----


def slope(powers: list[list[float]], mixed: float, values: list[float], options: dict[str, Any]) -> dict[str, Any]:
    """The central difference of a polynomial: `powers[i][k] * v_i**(k + 1)`, all added, and `mixed` times all v_i."""
    from terox.autograd.numeric import central_difference

    calls: list[tuple[Any, ...]] = []

    def f(*vs: float) -> float:
        calls.append(vs)
        product = mixed
        total = 0.0
        for v, factors in zip(vs, powers, strict=True):
            product *= v
            total += sum(factor * v ** (k + 1) for k, factor in enumerate(factors))
        return total + product

    result = told(central_difference(f, *values, **options))
    arg = options.get("arg", 0)
    still = all(v == value for vs in calls for place, (v, value) in enumerate(zip(vs, values)) if place != arg)
    return {"slope": result, "others stay": still, "types": kinds_of(v for vs in calls for v in vs)}


# ---- Tasks 1.2 and 1.3 ----


class Context:
    """The least that forward and backward need as their ctx."""

    needs_input_grad = (True, True)

    def __init__(self) -> None:
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *values: Any) -> None:
        self.saved_tensors = values


def forwards(name: str, rows: list[list[float]], usual: int) -> dict[str, Any]:
    """`forward` for each row of arguments: results, their types, and, for the last `usual` rows, in which no
    two numbers are one object, whether what was saved will do.
    """
    from terox.autograd import functions

    function = getattr(functions, name)
    results, saved = [], []
    for row in rows:
        ctx = Context()
        result = function.forward(ctx, *row)
        results.append(result)
        saved.append(_enough(name, ctx.saved_tensors, row, result))
    numbers = np.array([float(result) for result in results])
    return {"numbers": numbers, "types": kinds_of(results), "saved": saved[-usual:]}


def _enough(name: str, kept: tuple[Any, ...], row: Sequence[float], result: Any) -> list[bool]:
    """Whether only inputs and the output were saved, themselves, and as many as the derivative depends on."""
    own = [*row, result]
    found = [value for value in kept if any(value is each for each in own)]
    needed = {"Mul": 2, "Div": 2, "Exp": 1, "Log": 1, "Sigmoid": 1}.get(name, 0)
    enough = len({id(value) for value in found}) >= min(needed, len({id(each) for each in own}))
    if name == "Pow":
        enough = any(value is row[0] for value in kept)
    return [len(found) == len(kept), enough]


def backwards(name: str, rows: list[list[float]], upstream: list[float]) -> list[Any]:
    """`backward` with plain numbers after `forward`, twice: for each row the gradients of all arguments."""
    from terox.autograd import functions

    function, found = getattr(functions, name), []
    for row, grad in zip(rows, upstream):
        ctx = Context()
        function.forward(ctx, *row)
        for _ in range(2):
            result = function.backward(ctx, grad)
            found.append([told(each) for each in (result if isinstance(result, tuple) else (result,))])
    return found


def seconds(name: str, rows: list[list[float]], upstream: list[float], weights: list[float]) -> list[Any]:
    """The first derivatives of a recorded call, and the derivatives of their weighted sum: for each argument, and for
    the gradient that came in. Where nothing depends on something, its derivative is 0.
    """
    from terox.autograd import functions, grad
    from terox.autograd.scalar import Scalar

    function, found = getattr(functions, name), []
    for row, number in zip(rows, upstream):
        plain = row[1:] if name == "Pow" else []
        inputs = [Scalar(value, requires_grad=True) for value in row[: len(row) - len(plain)]]
        incoming = Scalar(number, requires_grad=True)
        firsts = grad(function.apply(*inputs, *plain), inputs, incoming, create_graph=True)
        total = sum((first * weight for first, weight in zip(firsts, weights)), Scalar(0.0))
        again = grad(total, [*inputs, incoming], allow_unused=True)
        found.append([[first.item() for first in firsts], [0.0 if each is None else each.item() for each in again],
                      [first.requires_grad for first in firsts]])
    return found


# ---- Task 1.6 ----


def _line(w: float, b: float) -> Any:
    """A model of one weight and one bias, which notes in which mode it is called; in eval mode, it doubles its bias."""
    import terox
    from terox.autograd.scalar import Scalar
    from terox.foundations.module import Module
    from terox.foundations.parameter import Parameter

    class Line(Module):
        def __init__(self) -> None:
            super().__init__()
            self.w, self.b, self.part = Parameter(Scalar(w)), Parameter(Scalar(b)), Module()
            self.seen: list[list[bool]] = []

        def forward(self, xs: Any) -> Any:
            self.seen.append([self.training, self.part.training, terox.is_grad_enabled()])
            return self.w * xs[0] + (self.b if self.training else self.b * 2.0)

    return Line()


def trained(w: float, b: float, batches: list[list[list[float]]], lr: float, momentum: float,
            stale: float | None) -> dict[str, Any]:
    """Steps of training with the squared error: after each the loss and the parameters."""
    from terox.autograd.scalar import Scalar
    from terox.autograd.training import train_step
    from terox.optim import SGD

    steps: list[bool] = []

    class Watched(SGD):
        def step(self) -> None:
            steps.append(all(parameter.grad is not None for parameter in self.params))
            super().step()

    model = _line(w, b)
    optimizer = Watched(model.parameters(), lr=lr, momentum=momentum)
    if stale is not None:
        model.w.grad, model.b.grad = Scalar(stale), Scalar(-stale)
    rows, losses = [], []
    for batch in batches:
        model.eval()
        losses.append(train_step(model, optimizer, [[x] for x, _ in batch], [target for _, target in batch],
                                 loss_fn=lambda out, target: (out - target) * (out - target)))
        rows.append([float(losses[-1]), model.w.item(), model.b.item()])
    return {"rows": np.array(rows), "types": kinds_of(losses), "steps": steps, "seen": model.seen}


def network(sizes: list[int], seed: int, inputs: list[list[float]], targets: list[int], lr: float,
            steps: int) -> dict[str, Any]:
    """Steps of training a small network with the loss that is taken unless another is given."""
    from terox.autograd.mlp import ScalarMLP
    from terox.autograd.training import evaluate, train_step
    from terox.optim import SGD

    model = ScalarMLP(sizes, seed)
    optimizer = SGD(model.parameters(), lr=lr)
    losses = [float(train_step(model, optimizer, inputs, targets)) for _ in range(steps)]
    return {"losses": np.array(losses), "accuracy": float(evaluate(model, inputs, targets)),
            "parameters": np.array([parameter.item() for parameter in model.parameters()])}


def evaluated(logits: list[float], targets: list[int], bias: float, training: bool) -> dict[str, Any]:
    """The accuracy, and what evaluate left behind."""
    import terox
    from terox.autograd.training import evaluate

    model = _line(1.0, bias).train(training)
    result = evaluate(model, [[x] for x in logits], targets)
    return {"accuracy": told(result), "seen": model.seen, "modes": [model.training, model.part.training],
            "recording": terox.is_grad_enabled(), "gradients": [model.w.grad is None, model.b.grad is None],
            "parameters": [model.w.item(), model.b.item()]}
