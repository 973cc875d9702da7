"""Programs of tasks 5.5 to 5.7: losses, dropout, batch normalization, layers, LeNet, one epoch."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from course.grading.programs.tensors import array_of, gradient, leaf, on_python, seen_in

# ---- 5.5 ----


@on_python
def log_softmax(x, dim, layout, grad):
    import terox
    from terox.nn.losses import log_softmax as learned

    view, base = leaf(x, layout)
    out = learned(view, dim)
    out.backward(terox.tensor(grad))
    return {"out": array_of(out), "grad": gradient(base), "same": bool(np.array_equal(array_of(view), x))}


@on_python
def cross_entropy(logits, targets, upstream):
    """The loss; the gradient; whether the arguments are as before; and what a second backward raises."""
    import terox
    from terox.nn.losses import CrossEntropy

    input, target = leaf(logits)[0], terox.tensor(targets)
    grad = terox.tensor(upstream)
    loss = CrossEntropy.apply(input, target)
    loss.backward(grad)
    same = [bool(np.array_equal(array_of(each), array))
            for each, array in ((input, logits), (target, targets), (grad, upstream))]
    raised = ""
    try:
        loss.backward(grad)
    except Exception as error:
        raised = type(error).__name__ + (", second time" if "second time" in str(error) else "")
    return {"loss": array_of(loss), "grad": gradient(input), "same": same, "again": raised}


@on_python
def cross_entropy_twice(logits, targets, others, factor):
    """Views with gaps, in two losses."""
    import terox
    from terox.nn.losses import CrossEntropy

    input, base = leaf(logits, "cut")
    target = terox.tensor(np.stack([targets - 1, targets], axis=1))[:, 1]
    loss = CrossEntropy.apply(input, target) * factor - CrossEntropy.apply(input, terox.tensor(others))
    loss.backward()
    return [array_of(loss), gradient(base)]


@on_python
def cross_entropy_second(logits, targets, factor):
    """Second derivatives: of a gradient for the logits, and for the upstream gradient."""
    import terox
    from terox.nn.losses import CrossEntropy

    input, scale = leaf(logits)[0], leaf(np.array(factor))[0]
    loss = CrossEntropy.apply(input, terox.tensor(targets))
    (first,) = terox.autograd.grad(loss * scale, [input], create_graph=True)
    return [array_of(each) for each in terox.autograd.grad((first[0, 0] * 3 - first[-1, -1]), [input, scale])]


# ---- 5.6 ----


@on_python
def batch_norm(x, layout, running_mean, running_var, weight, bias, training, momentum, eps, grad, device):
    import terox
    from terox.nn.normalization import batch_norm as learned

    view, base = leaf(x, layout, device)
    parameters = [None if each is None else leaf(each, device=device)[0] for each in (weight, bias)]
    running = [None if each is None else terox.tensor(each, device=device) for each in (running_mean, running_var)]
    out = learned(view, *running, *parameters, training, momentum, eps)
    result = {"out": array_of(out), "device": str(out.device),
              "running": [None if each is None else array_of(each) for each in running],
              "history": [each is not None and each.requires_grad for each in running]}
    out.backward(terox.tensor(grad, device=device))
    same = [each is None or bool(np.array_equal(array_of(each), array))
            for each, array in zip((view, *parameters), (x, weight, bias))]
    return result | {"grads": [gradient(each) for each in (base, *parameters)], "same": same}


@on_python
def batch_norm_twice(first, second, running_mean, running_var, momentum, eps):
    """Two batches, one after the other."""
    import terox
    from terox.nn.normalization import batch_norm as learned

    running = [terox.tensor(each) for each in (running_mean, running_var)]
    outs = [array_of(learned(terox.tensor(each), *running, None, None, True, momentum, eps))
            for each in (first, second)]
    return outs + [array_of(each) for each in running]


@on_python
def dropout(x, p, training, calls, layout, device, grad, seed):
    """Several calls: results, gradients for the input, and what else there is to say."""
    import terox
    from terox.nn.dropping import dropout as learned

    terox.manual_seed(seed)
    outs, grads, facts = [], [], set()
    for _ in range(calls):
        view, base = leaf(x, layout, device)
        out = learned(view.detach() if grad is None else view, p, training)
        outs.append(array_of(out))
        facts.add(f"{out.device}, {out.requires_grad}, {bool(np.array_equal(array_of(view), x))}")
        if grad is not None:
            (out * 1).backward(terox.tensor(grad, device=device))
            grads.append(seen_in(layout, gradient(base)))
    return {"outs": outs, "grads": grads, "facts": sorted(facts)}


# ---- 5.7 ----


@on_python
def reset_parameters(shape, times, with_bias, seed):
    """All numbers that `times` calls have drawn, and whether what was filled is still a leaf."""
    import terox
    from terox.nn.layers import reset_parameters as learned

    terox.manual_seed(seed)
    weights, biases, facts = [], [], set()
    for _ in range(times):
        weight = terox.full(tuple(shape), 99.0, dtype=terox.float64, requires_grad=True)
        bias = terox.full(tuple(shape[:1]), 99.0, dtype=terox.float64, requires_grad=True) if with_bias else None
        returned = learned(weight, bias)
        for each in (weight, bias):
            facts.add(f"{returned is None}, " + ("" if each is None else f"{each.is_leaf}, {each.grad_fn is None}"))
        weights.append(array_of(weight).ravel())
        biases.append(np.zeros(0) if bias is None else array_of(bias).ravel())
    return {"weight": np.concatenate(weights), "bias": np.concatenate(biases), "facts": sorted(facts)}


def _layer(kind, arguments, options):
    import terox
    from terox.nn import layers

    given = dict(options)
    if "dtype" in given:
        given["dtype"] = getattr(terox, given["dtype"])
    return getattr(layers, kind)(*[tuple(each) if isinstance(each, list) else each for each in arguments],
                                 **{key: tuple(each) if isinstance(each, list) else each
                                    for key, each in given.items()})


@on_python
def layer_made(kind, arguments, options, seed):
    """What a new layer registers, and its first numbers."""
    import terox
    from terox.foundations.parameter import Parameter

    terox.manual_seed(seed)
    layers = [_layer(kind, arguments, options) for _ in range(2)]
    layer = layers[0]
    return {"names": [name for name, _ in layer.named_parameters()],
            "shapes": [list(value.shape) for _, value in layer.named_parameters()],
            "kinds": [f"{value.dtype}, {value.device}, {value.is_leaf}, {value.requires_grad}, "
                      f"{isinstance(value, Parameter)}" for value in layer.parameters()],
            "registered": sorted(layer._parameters), "state": list(layer.state_dict()),
            "numbers": [array_of(value).ravel() for each in layers for value in each.parameters()]}


@on_python
def layer_forward(kind, arguments, options, parameters, x, grad):
    """The output for given parameters, and all gradients."""
    import terox

    layer = _layer(kind, arguments, options)
    for value, array in zip(layer.parameters(), parameters, strict=True):
        with terox.no_grad():
            value.copy_(terox.tensor(array))
    input = leaf(x)[0]
    out = layer(input)
    out.backward(terox.tensor(grad))
    return {"out": array_of(out), "grads": [gradient(each) for each in (input, *layer.parameters())]}


@on_python
def lenet_made(device):
    from terox.nn.lenet import LeNet

    model = LeNet() if device is None else LeNet(device)
    return [[name, list(value.shape), str(value.device)] for name, value in model.named_parameters()]


@on_python
def lenet(state, x, grad):
    """Logits, and the gradients of all parameters. state: arrays by name."""
    import terox
    from terox.nn.lenet import LeNet

    model = LeNet("cpu")
    for name, value in model.named_parameters():
        value.data = terox.tensor(state[name], device="cpu")
    images = terox.tensor(x, device="cpu")
    out = model(images)
    out.backward(terox.tensor(grad, device="cpu"))
    grads = {name: gradient(value) for name, value in model.named_parameters()}
    model.eval()
    again = bool(np.array_equal(array_of(model(images)), array_of(out)))
    return {"out": array_of(out), "grads": grads, "again": again}


def _net(weight: np.ndarray, record: dict[str, Any]) -> Any:
    import terox
    from terox.foundations.module import Module
    from terox.foundations.parameter import Parameter

    class Mark:
        """Lives as long as the node that has it."""

    class Net(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter(terox.tensor(weight))
            self.marks = []

        def forward(self, x):
            record["seen"].append(array_of(x))
            record["modes"].append([self.training, terox.is_grad_enabled()])
            record["alive"].append(sum(mark() is not None for mark in self.marks))
            out = x.flatten(1) @ self.weight
            if out.grad_fn is not None:
                out.grad_fn.mark = Mark()
                self.marks.append(weakref.ref(out.grad_fn.mark))
            return out

    return Net()


@on_python
def train_epoch(weight, inputs, targets, lr, still, stale, told):
    """One epoch of `x @ weight`, watched. inputs, targets: an array for each batch. still: the optimizer does nothing.

    stale: gradients are there before. told: with on_step. `steps` are how many there were when a batch was asked for.
    """
    import terox
    from terox.nn.lenet import train_epoch as learned
    from terox.optim import SGD

    record: dict[str, Any] = {"seen": [], "modes": [], "alive": []}
    model = _net(weight, record)
    model.eval()
    steps: list[bool] = []

    class Watched(SGD):
        def step(self):
            steps.append(all(each.grad is not None for each in self.params))
            if not still:
                super().step()

    def loss_function(output, target):
        right = terox.eye(output.shape[1], dtype=output.dtype)[target]
        return ((output - right) ** 2).sum(1).mean()

    asked, calls = [], []

    def batches():
        for x, target in zip(inputs, targets):
            asked.append(len(steps))
            yield terox.tensor(x), terox.tensor(target)

    def on_step(size, loss, hits):
        calls.append([size, float(loss), int(hits), len(steps), isinstance(loss, float)])

    if stale:
        model.weight.grad = terox.full(weight.shape, 100.0, dtype=terox.float64)
    result = learned(model, loss_function, Watched(model.parameters(), lr=lr), batches(), *([on_step] if told else []))
    return {"result": list(result), "weight": array_of(model.weight), "steps": steps, "asked": asked, "told": calls,
            "seen": record["seen"], "modes": record["modes"], "alive": max(record["alive"])}


@on_python
def train_other(weight, inputs, targets, lr, offset):
    """Another loss function, which is told what it gets."""
    import terox
    from terox.nn.lenet import train_epoch as learned
    from terox.optim import SGD

    model, given = _net(weight, {"seen": [], "modes": [], "alive": []}), []

    def loss_function(output, target):
        given.append([list(output.shape), list(target.shape), str(target.dtype)])
        return (output * output).mean() + offset

    result = learned(model, loss_function, SGD(model.parameters(), lr=lr),
                     [(terox.tensor(x), terox.tensor(target)) for x, target in zip(inputs, targets)])
    return {"result": list(result), "weight": array_of(model.weight), "given": given}
