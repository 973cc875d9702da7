"""A program that has the device "cuda" launch nearly every kernel that it has, at small sizes.

    python cuda_program.py run          what comes out, by name
    python cuda_program.py compile      the PTX of every kernel that it launched, or the error
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import terox
from terox.cuda.compiler import Kernel
from terox.nn import Conv2d, Linear
from terox.nn import functional as F
from terox.optim import SGD
from terox.tensors import network_ops
from terox.tensors.mlp import MLP
from terox.tensors.training import cross_entropy


def program() -> dict[str, Any]:
    """Runs, and returns numbers by name."""
    found: dict[str, Any] = {}

    def keep(name: str, tensor: Any) -> None:
        found[name] = tensor.cpu().numpy().astype(float).ravel().tolist()

    rng = np.random.default_rng(3)
    for dtype in (np.float32, np.float64, np.int64, np.bool_):
        name = dtype.__name__
        plain = rng.integers(0, 2, (3, 4)).astype(bool) if dtype is np.bool_ else \
            (rng.integers(-4, 5, (3, 4)) if dtype is np.int64 else rng.normal(size=(3, 4))).astype(dtype)
        x = terox.from_numpy(plain).to("cuda")
        for other in (terox.float32, terox.float64, terox.int64, terox.bool):
            keep(f"{name} to {other.name}", x.to(other))
        keep(f"{name} transposed", x.T.reshape((12,)))
        keep(f"{name} sum", x.sum())
        keep(f"{name} sum of columns", x.sum(0))
        keep(f"{name} any", x.any(1))
        keep(f"{name} all", x.all())
        keep(f"{name} picked", x[terox.tensor([2, 0, -1], device="cuda")])
        keep(f"{name} masked", x.masked_fill(x > 0, 1))
        keep(f"{name} gathered", x.gather(1, terox.tensor([[0], [3], [1]], device="cuda")))
        keep(f"{name} joined", terox.cat([x, x], 1))
        keep(f"{name} full", terox.full((5,), 1, dtype=getattr(terox, name.strip("_")), device="cuda"))
        y = x.clone()
        y[terox.tensor([1, 1], device="cuda")] = x[0]
        y[0, 1:3] = x[2, :2]
        keep(f"{name} assigned", y)
        if dtype is not np.bool_:
            keep(f"{name} argmax", x.argmax(1))
            keep(f"{name} argmin", x.argmin())
            keep(f"{name} max", x.max(0)[0])
            keep(f"{name} product", x @ x.T)
    x = terox.from_numpy(rng.normal(size=(4, 5)).astype(np.float32)).to("cuda").requires_grad_()
    for name, result in (("softmax", x.softmax(1)), ("log_softmax", x.log_softmax(0)), ("sigmoid", x.sigmoid()),
                         ("picked", x[terox.tensor([1, 1, 3], device="cuda")])):
        x.grad = None
        (result * result).sum().backward()
        keep(f"{name} forward", result.detach())
        keep(f"{name} backward", x.grad)
    keep("arange", terox.arange(0, 7, 2, device="cuda"))
    keep("arange of floats", terox.arange(0.0, 1.0, 0.25, device="cuda"))
    images, labels = rng.normal(size=(6, 5)).astype(np.float32), rng.integers(0, 3, 6)
    for name, linear, loss_of in (("fused", network_ops.linear, network_ops.cross_entropy),
                                  ("composed", None, cross_entropy)):
        terox.manual_seed(1)
        model = MLP([5, 8, 3], linear=linear) if linear else MLP([5, 8, 3])
        model.to("cuda")
        optimizer = SGD(list(model.parameters()), lr=0.1, momentum=0.9, weight_decay=0.01)
        for _ in range(2):
            optimizer.zero_grad()
            loss = loss_of(model(terox.from_numpy(images).to("cuda")), terox.from_numpy(labels).to("cuda"))
            loss.backward()
            optimizer.step()
        keep(f"{name} loss", loss.detach())
        for number, parameter in enumerate(model.parameters()):
            keep(f"{name} parameter {number}", parameter.detach())
    convolve(keep, rng)
    return found


def convolve(keep: Callable[[str, Any], None], rng: np.random.Generator) -> None:
    """A step of a small conv net, and windows of all kinds."""
    images = terox.from_numpy(rng.normal(size=(2, 2, 5, 4)).astype(np.float32)).to("cuda")
    conv, fc = Conv2d(2, 4, 3, padding=1, groups=2, device="cuda"), Linear(16, 3, device="cuda")
    optimizer = SGD([*conv.parameters(), *fc.parameters()], lr=0.1)
    for parameter in optimizer.params:
        with terox.no_grad():
            parameter.copy_(terox.from_numpy(rng.normal(size=tuple(parameter.shape)).astype(np.float32)).to("cuda"))
    hidden = F.max_pool2d(conv(images).relu(), 2)  # (2, 4, 2, 2)
    loss = F.cross_entropy(fc(hidden.flatten(1)), terox.tensor([0, 2], device="cuda"))
    loss.backward()
    optimizer.step()
    keep("conv net loss", loss.detach())
    for number, parameter in enumerate(optimizer.params):
        keep(f"conv net parameter {number}", parameter.detach())
    columns = F.unfold(images, (2, 3), dilation=(1, 2), padding=1, stride=2)
    keep("columns", columns)
    keep("folded", F.fold(columns, (5, 4), (2, 3), dilation=(1, 2), padding=1, stride=2))


def compile_all() -> dict[str, str]:
    """The PTX of every kernel that was launched, for the kinds of arguments that it was launched with."""
    from numba import typeof

    launched: dict[tuple[Kernel, Any], None] = {}
    launch = Kernel.launch

    def recorded(self: Kernel, grid: Any, block: Any, *args: Any) -> None:
        launch(self, grid, block, *args)
        launched[self, tuple(typeof(arg.at(0) if hasattr(arg, "at") else arg) for arg in args)] = None

    Kernel.launch = recorded  # type: ignore[method-assign]
    try:
        program()
    finally:
        Kernel.launch = launch  # type: ignore[method-assign]
    found = {}
    for kernel, kinds in launched:
        name = f"{kernel} with {', '.join(map(str, kinds))}"
        try:
            found[name] = kernel.ptx(*kinds)
        except Exception as error:  # noqa: BLE001
            found[name] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    json.dump({"compile": compile_all, "run": program}[sys.argv[1]](), sys.stdout)
