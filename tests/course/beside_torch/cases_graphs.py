"""The table's entries: version counters, in-place operations on recorded values, Functions of one's own, training."""

from __future__ import annotations

import copy
from typing import Any

from table import ONE, ROWS, Case, each, leaf


def _versions(lib: Any, a: Any) -> Any:
    x = a.detach().contiguous().clone()
    counts = [x._version]
    x.mul_(2)
    counts.append(x._version)
    x[0] = 1
    x.detach().add_(1)
    x.T.zero_()
    counts += [x._version, x.clone()._version, x.view(-1)._version]
    return counts


def _changed_but_not_needed(lib: Any, a: Any) -> Any:
    y = a * 2  # keeps nothing that is changed below
    z = y + 1
    y.mul_(3)
    return [y, z]


def _result_changed(lib: Any, a: Any) -> Any:
    results = [a ** 2, a + 1, a * 3, a.sin(), a.log(), a.relu() * 1, a.sum(0), a.clamp(0.5, 1.5), a.abs(), a.T.clone()]
    return [result.mul_(2) for result in results]


def _changed_twice(lib: Any, a: Any) -> Any:
    y = a * 1
    y.mul_(a)
    y += a
    y.exp_()
    return y


def _set_to_zero(lib: Any, a: Any) -> Any:
    y = a * 2
    y.zero_()
    return y + a


def _leaf_into_zeros(lib: Any, a: Any) -> Any:
    y = lib.zeros(4, 3, dtype=a.dtype)
    y[1] = a
    y[2:] = y[2:] + a * 2
    return [y, y.requires_grad, y.is_leaf]


def _view_sees_base(lib: Any, a: Any) -> Any:
    y = a.detach().contiguous().clone()
    row, flat = y[1], y.view(-1)
    y.mul_(2)
    row[0] = 9
    flat[-1] = 8
    return [y, row, flat]


def _square(lib: Any) -> Any:
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    return Square


def _scaled(lib: Any) -> Any:
    class Scaled(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, factor: float) -> Any:
            ctx.save_for_backward(x, y)
            ctx.factor = factor
            return x * y * factor, x + y

        @staticmethod
        def backward(ctx: Any, grad: Any, other: Any) -> Any:
            x, y = ctx.saved_tensors
            needed = ctx.needs_input_grad
            return (grad * y * ctx.factor + other if needed[0] else None,
                    grad * x * ctx.factor + other if needed[1] else None, None)

    return Scaled


def _saved_output(lib: Any) -> Any:
    class Exp(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (y,) = ctx.saved_tensors
            return grad * y

    return Exp


def _sgd(lib: Any, a: Any) -> Any:
    w = lib.nn.Parameter(a.detach().clone())
    optimizer = lib.optim.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        (w * w * 0.5 + w).sum().backward()
        optimizer.step()
    return [w, w.requires_grad, w.is_leaf, isinstance(w, lib.nn.Parameter), isinstance(a, lib.nn.Parameter)]


def _gradcheck(lib: Any, a: Any, b: Any) -> Any:
    return lib.autograd.gradcheck(lambda x, y: (x @ y).softmax(-1), (leaf(a), leaf(b)))


def _deepcopy(lib: Any, a: Any) -> Any:
    x = leaf(a)
    (x * x).sum().backward()
    copied = copy.deepcopy([x, x])
    same = copied[0] is copied[1]
    with lib.no_grad():
        copied[0].zero_()
    return [x, copied[0], same, copied[0].requires_grad, copied[0].grad, copied[0].grad is x.grad]


# ---- What torch allows and terox need not: in-place operations through views of a recorded value ----


def _into_a_view(lib: Any, a: Any) -> Any:
    y = a * 1
    y[0].mul_(3)
    return y


def _view_of_a_changed_base(lib: Any, a: Any) -> Any:
    y = a * 1
    row = y[0]
    y.mul_(2)
    return row * 2


CASES = [
    Case("detach in the middle", lambda lib, a: a * (a * 2).detach(), ONE),
    Case("a condition on values", lambda lib, a: a * 2 if a.sum() > 0 else a * 3, each((3,), ())),
    Case("a loop", lambda lib, a: [x := a, [x := (x * a).sin() for _ in range(3)]][1], each((3,), ())),
    Case("version counters", _versions, each((2, 3)), grad=False),
    Case("a value is changed that nobody saved", _changed_but_not_needed, ONE),
    Case("results are changed that their own derivatives do not need", _result_changed, each((2, 3)),
         domain="positive"),
    Case("in place, several times", _changed_twice, ONE),
    Case("in place, set to zero", _set_to_zero, ONE),
    Case("a leaf is written into zeros", _leaf_into_zeros, each((3,))),
    Case("views see what is written through others", _view_sees_base, each((2, 3)), grad=False),
    Case("a Function of one's own", lambda lib, a: _square(lib).apply(a) * 3, ONE),
    Case("a Function of two tensors and a number", lambda lib, a, b: _scaled(lib).apply(a, b, 2.5),
         (((2, 3), (2, 3)), ((3,), (3,)), ((), ()))),
    Case("a Function, one input without gradient", lambda lib, a, b: _scaled(lib).apply(a.detach(), b, 2.5),
         (((2, 3), (2, 3)),)),
    Case("a Function that saves its output", lambda lib, a: _saved_output(lib).apply(a) + a, ONE),
    Case("Parameter and SGD", _sgd, ROWS, grad=False),
    Case("deepcopy of a leaf", _deepcopy, ROWS, grad=False),
    Case("gradcheck", _gradcheck, (((2, 3), (3, 2)),), ("float64",), grad=False),
    Case("in place through a view of a computed value", _into_a_view, each((2, 3)), ("float64",)),
    Case("a view whose base is changed afterward", _view_of_a_changed_base, each((2, 3)), ("float64",)),
]
