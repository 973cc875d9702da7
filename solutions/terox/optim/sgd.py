"""Stochastic gradient descent with momentum.

In PyTorch: `torch/optim/sgd.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from terox._grad_mode import no_grad


class SGD:
    """`p <- p - lr * v` with `v <- momentum * v + grad + weight_decay * p`, for every `p` that has a gradient.

    As in PyTorch, and unlike Sutskever et al. (2013), the learning rate multiplies the velocity.

    Raises ValueError for no parameters, a computed value or a negative setting, TypeError for what cannot hold a
    gradient.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0.0,
                 weight_decay: float = 0.0) -> None:
        if hasattr(params, "copy_"):
            raise TypeError("params argument given to the optimizer should be an iterable of parameters, but got one "
                            f"{type(params).__name__}")
        self.params = list(params)
        if not self.params:
            raise ValueError("optimizer got an empty parameter list")
        for parameter in self.params:
            if not hasattr(parameter, "grad") or not hasattr(parameter, "copy_"):
                raise TypeError(
                    f"SGD can only optimize Scalars and Tensors, but one of the params is {type(parameter).__name__}"
                )
            if not parameter.is_leaf:
                raise ValueError("can't optimize a non-leaf value: it is computed anew in each step")
        for name, value in (("learning rate", lr), ("momentum value", momentum), ("weight_decay value", weight_decay)):
            if value < 0.0:
                raise ValueError(f"Invalid {name}: {value}")
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self._velocity: dict[int, Any] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients: set them to None, or to zero."""
        for parameter in self.params:
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach() * 0.0

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        with no_grad():
            for number, parameter in enumerate(self.params):
                gradient = parameter.grad
                if gradient is not None:
                    self._velocity[number] = kernel_for(parameter)(
                        parameter, gradient, self._velocity.get(number), self.lr, self.momentum, self.weight_decay)

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer needs to go on, in the form of PyTorch's: the velocities of the parameters that have one,
        by number, and the settings. The velocities are the optimizer's own: a copy is up to the caller.

        In PyTorch: `torch/optim/optimizer.py`, `Optimizer.state_dict`.
        """
        return {"state": {number: {"momentum_buffer": velocity} for number, velocity in self._velocity.items()
                          if velocity is not None},
                "param_groups": [{"lr": self.lr, "momentum": self.momentum, "weight_decay": self.weight_decay,
                                  "params": list(range(len(self.params)))}]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, copied to where the parameters are; settings, too.

        Raises ValueError for a state of other parameters. Nothing is changed then.

        In PyTorch: `torch/optim/optimizer.py`, `Optimizer.load_state_dict`.
        """
        (group,), state = state_dict["param_groups"], state_dict["state"]
        if list(group["params"]) != list(range(len(self.params))):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                             f"group: {len(group['params'])} parameters instead of {len(self.params)}")
        settings = [float(group[name]) for name in ("lr", "momentum", "weight_decay")]
        velocity = {}
        with no_grad():
            for number, parameter in enumerate(self.params):
                found = state.get(number, {}).get("momentum_buffer")
                if found is None:
                    continue
                if getattr(found, "shape", ()) != getattr(parameter, "shape", ()):
                    raise ValueError(f"loaded state dict has a momentum buffer of shape {list(found.shape)} for "
                                     f"parameter {number}, whose shape is {list(parameter.shape)}")
                velocity[number] = (parameter.detach() * 0.0).copy_(found)
        if any([number not in velocity for number in state]):
            raise ValueError(f"loaded state dict has a state for parameters that are not there: {sorted(state)}")
        self._velocity = velocity
        self.lr, self.momentum, self.weight_decay = settings


def sgd_step(parameter: Any, gradient: Any, velocity: Any, lr: float, momentum: float, weight_decay: float) -> Any:
    """One step for one parameter, in place, made of its own operations; for Scalars, and for Tensors of any device.

    velocity: None before the first step. Returns the new one; without momentum, None.
    """
    change = gradient
    if weight_decay:
        change = change + parameter * weight_decay
    if momentum:
        # Times 1.0: a value of its own, which nobody changes by changing the gradient.
        velocity = change = change * 1.0 if velocity is None else velocity * momentum + change
    parameter.copy_(parameter - change * lr)
    return velocity


def kernel_for(parameter: Any) -> Callable[..., Any]:
    """Who does a step for this parameter: `sgd_step`, or, for a Tensor, what its device has for that op.

    In PyTorch: `torch/optim/sgd.py`, `_single_tensor_sgd` and `_fused_sgd`.
    """
    return parameter._kernel("sgd_step") if hasattr(parameter, "impl") else sgd_step
