"""The table's entries: how gradients are asked for, kept, changed, recorded and differentiated again.

Most of these run the backward pass themselves and return what it left behind.
"""

from __future__ import annotations

from typing import Any

from table import ROWS, Case, each, leaf, node_name


def _ones(lib: Any, a: Any) -> Any:
    return lib.ones(tuple(a.shape), dtype=a.dtype)


def _backward_twice(lib: Any, a: Any) -> Any:
    x = leaf(a)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    first = x.grad.clone()
    y.backward()
    return [first, x.grad]


def _two_graphs(lib: Any, a: Any) -> Any:
    x = leaf(a)
    (x * 2).sum().backward()
    (x * x).sum().backward()
    return [x.grad, x.grad.requires_grad, x.grad.is_leaf]


def _gradient_is_kept_apart(lib: Any, a: Any) -> Any:
    x, upstream = leaf(a), _ones(lib, a)
    (x + 0).backward(upstream)
    x.grad.mul_(5)
    return [upstream, x.grad]


def _grad_set_to_none(lib: Any, a: Any) -> Any:
    x = leaf(a)
    before = x.grad
    (x * 3).sum().backward()
    x.grad = None
    (x * 2).sum().backward()
    return [before, x.grad]


def _backward_of_inputs(lib: Any, a: Any) -> Any:
    x, z = leaf(a), leaf(a)
    (x * z).sum().backward(inputs=[x])
    return [x.grad, z.grad]


def _retain_grad(lib: Any, a: Any) -> Any:
    x = leaf(a)
    y = x * 3
    y.retain_grad()
    z = (y * y).sum()
    z.backward()
    return [x.grad, y.grad, y.retains_grad, x.retains_grad, y.is_leaf]


def _hook_on_a_result(lib: Any, a: Any) -> Any:
    x, seen = leaf(a), []
    y = x * 2
    y.register_hook(seen.append)
    y.register_hook(lambda grad: grad * 10)
    (y * y).sum().backward()
    return [seen, x.grad]


def _hook_on_a_leaf(lib: Any, a: Any) -> Any:
    x, seen = leaf(a), []
    x.register_hook(lambda grad: grad + 1)
    handle = x.register_hook(lambda grad: seen.append(1))
    (x * x + x).sum().backward()
    handle.remove()
    x.sum().backward()
    return [len(seen), x.grad]


def _hook_and_retain(lib: Any, a: Any) -> Any:
    x = leaf(a)
    y = x.exp()
    y.retain_grad()
    y.register_hook(lambda grad: grad * 2)
    y.sum().backward()
    return [y.grad, x.grad]


def _no_grad(lib: Any, a: Any) -> Any:
    x = leaf(a)
    with lib.no_grad():
        y = x * 2
        x.mul_(2)
        x += 1
        with lib.enable_grad():
            z = x * 3
        made = lib.zeros(2, requires_grad=True)
    return [x, y.requires_grad, z.requires_grad, x.requires_grad, made.requires_grad, lib.is_grad_enabled(), z]


def _set_grad_enabled(lib: Any, a: Any) -> Any:
    x = leaf(a)
    with lib.set_grad_enabled(False):
        y = x.exp()
    return [y.requires_grad, x.exp().requires_grad]


def _views_under_no_grad(lib: Any, a: Any) -> Any:
    x = leaf(a)
    with lib.no_grad():
        row = x[0]
        row += 5
        x[1] = 7.0
        x.T[0] = 2
    return x


def _requires_grad_later(lib: Any, a: Any) -> Any:
    x = a.detach().clone()
    y = x * 2
    x.requires_grad_()
    z = x * y
    x.requires_grad = False
    w = x * 2
    return [y.requires_grad, z.requires_grad, w.requires_grad, x.requires_grad]


def _grad_of_computed(lib: Any, a: Any) -> Any:
    y = a * 2
    z = (y * y * a).sum()
    return list(lib.autograd.grad(z, [y, a], retain_graph=True)) + [lib.autograd.grad(z, a)[0]]


def _allow_unused(lib: Any, a: Any) -> Any:
    x, z = leaf(a), leaf(a)
    return list(lib.autograd.grad((x * 2).sum(), [x, z], allow_unused=True))


def _third_derivative(lib: Any, a: Any) -> Any:
    y = (a ** 4 + a.exp()).sum()
    for _ in range(3):
        (g,) = lib.autograd.grad(y, a, create_graph=True)
        y = (g * g).sum()
    return y


def _gradient_penalty(lib: Any, a: Any, b: Any) -> Any:
    score = (a @ b).tanh().sum()
    (g,) = lib.autograd.grad(score, a, create_graph=True)
    return ((g * g).sum(-1) ** 0.5 - 1).pow(2).mean()


def _backward_with_graph(lib: Any, a: Any) -> Any:
    x = leaf(a)
    (x ** 3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    (first ** 2).sum().backward()
    return [first, x.grad]


def _several_outputs(lib: Any, a: Any) -> Any:
    x = leaf(a)
    lib.autograd.backward([x.sum(), (x * x).sum()])
    lib.autograd.backward([x * 2, x * 3], [_ones(lib, a), _ones(lib, a) * 2])
    return x.grad


def _graph(lib: Any, a: Any) -> Any:
    """The names of all nodes from a result down to the leaves, in the order of next_functions."""
    x = leaf(a)
    y = ((x * 2 + x.exp()).sum(0) / 3).relu()
    names, waiting = [], [y.grad_fn]
    while waiting:
        node = waiting.pop()
        names.append(node and f"{node_name(node)} {[number for _, number in node.next_functions]}")
        waiting += [following for following, _ in node.next_functions] if node else []
    return [names, y.grad_fn.name(), x.grad_fn, y.detach().grad_fn]


CASES = [
    Case("backward twice, the graph retained", _backward_twice, ROWS, grad=False),
    Case("gradients of two graphs add up", _two_graphs, ROWS, grad=False),
    Case("a gradient is nobody else's memory", _gradient_is_kept_apart, ROWS, grad=False),
    Case("grad set to None", _grad_set_to_none, ROWS, grad=False),
    Case("backward(inputs=...)", _backward_of_inputs, ROWS, grad=False),
    Case("retain_grad", _retain_grad, ROWS, grad=False),
    Case("hooks on a result", _hook_on_a_result, ROWS, grad=False),
    Case("hooks on a leaf, one removed", _hook_on_a_leaf, ROWS, grad=False),
    Case("retain_grad sees what a hook returned", _hook_and_retain, ROWS, grad=False),
    Case("no_grad and enable_grad", _no_grad, ROWS, grad=False),
    Case("set_grad_enabled", _set_grad_enabled, ROWS, grad=False),
    Case("views of a leaf are changed under no_grad", _views_under_no_grad, each((3, 2)), grad=False),
    Case("requires_grad set later", _requires_grad_later, ROWS, grad=False),
    Case("grad() of computed values", _grad_of_computed, ROWS, second=False),
    Case("grad(allow_unused=True)", _allow_unused, ROWS, grad=False),
    Case("the third derivative", _third_derivative, each((3,), ()), ("float64",)),
    Case("a penalty on a gradient", _gradient_penalty, (((2, 3), (3, 2)),), ("float64",)),
    Case("backward(create_graph=True)", _backward_with_graph, ROWS, grad=False),
    Case("backward of several outputs", _several_outputs, ROWS, grad=False),
    Case("the nodes of a graph", _graph, each((2, 3)), grad=False),
]
