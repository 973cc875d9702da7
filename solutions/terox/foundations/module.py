"""Module: the tree of layers that a network is.

A module owns parameters, buffers and other modules, simply because they were assigned to its attributes. From
that alone, `parameters()` finds what an optimizer has to change, `state_dict()` what a file has to hold, and
`train()` and `eval()` reach every layer.

In PyTorch: `torch/nn/modules/module.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from terox.foundations.hooks import HookDict, RemovableHandle
from terox.foundations.module_moving import MovingMixin
from terox.foundations.module_state import StateMixin
from terox.foundations.parameter import Parameter


class Module(StateMixin, MovingMixin):
    """Base class of all layers and networks. A subclass calls `super().__init__()` first and defines `forward`.

    Three dicts, each from attribute name to value, hold what was registered, in the order of registration:
    `_parameters`, `_buffers` and `_modules`. All other attributes stand in `__dict__`, as for any object.

    `training` is True until `eval()` is called.
    """

    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Module | None]

    def __init__(self) -> None:
        # Straight into __dict__: __setattr__ below is not in working order before these exist.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers=set(),
            _forward_pre_hooks=HookDict(),
            _forward_hooks=HookDict(),
        )

    # ---- Registration ----

    def __setattr__(self, name: str, value: Any) -> None:
        """`self.name = value`: a parameter goes to `_parameters`, a module to `_modules`, the rest where it belongs.

        - A Parameter or a Module is registered in its dict. The name then stands nowhere else: an older plain
          attribute, parameter, buffer or module of that name is removed (otherwise one shadows the other).
          If `Module.__init__` did not run yet, so that there are no dicts, raise AttributeError that says so.
        - For any other value: if `name` is a parameter or a module, only None may take its place (it is stored
          in the dict); raise TypeError that names the attribute otherwise. If `name` is a buffer, the value
          replaces it in `_buffers`. Else it is a plain attribute: `object.__setattr__(self, name, value)`.

        `isinstance(value, Parameter)` tells a parameter. Before `__init__`, use `self.__dict__.get(...)`.

        In PyTorch: `Module.__setattr__`.
        """
        # TODO 0.4: find the dict that the value belongs to; then clear the name everywhere else.
        # BEGIN SOLUTION
        own = self.__dict__
        if isinstance(value, (Parameter, Module)):
            home = "_parameters" if isinstance(value, Parameter) else "_modules"
            if home not in own:
                raise AttributeError(f"cannot assign {name!r} before Module.__init__() call")
            for registry in ("_parameters", "_modules", "_buffers"):
                if registry != home:
                    own[registry].pop(name, None)
            own.pop(name, None)
            own[home][name] = value
            return
        for registry in ("_parameters", "_modules", "_buffers"):
            if name in own.get(registry, ()):
                if value is not None and registry != "_buffers":
                    raise TypeError(f"cannot assign {type(value).__name__} as {name!r}, which stands in {registry}")
                own[registry][name] = value
                return
        object.__setattr__(self, name, value)
        # END SOLUTION

    def __getattr__(self, name: str) -> Any:
        # Python comes here only when normal lookup found nothing.
        for registry in ("_parameters", "_buffers", "_modules"):
            values = self.__dict__.get(registry)
            if values is not None and name in values:
                return values[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        """`del self.name`: removes a parameter, buffer or module from its dict, or a plain attribute.

        Raises AttributeError for a name that is none of them (`object.__delattr__` does).

        In PyTorch: `Module.__delattr__`.
        """
        # TODO 0.4: whichever dict holds the name gives it up.
        # BEGIN SOLUTION
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                self._non_persistent_buffers.discard(name)
                return
        object.__delattr__(self, name)
        # END SOLUTION

    def register_parameter(self, name: str, value: Any) -> None:
        """Register a Parameter, or None for one that this module could have but does not."""
        self._check_name(name, self._parameters)
        if value is not None and not isinstance(value, Parameter):
            raise TypeError(f"cannot assign {type(value).__name__} as parameter {name!r} (Parameter or None expected)")
        self._parameters[name] = value

    def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
        """Register a value that is state but no parameter, such as a running mean; saved if `persistent`."""
        self._check_name(name, self._buffers)
        self._buffers[name] = value
        if persistent:
            self._non_persistent_buffers.discard(name)
        else:
            self._non_persistent_buffers.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Register a submodule under a name that need not be an identifier (`"0"`, `"1"` in a Sequential)."""
        self._check_name(name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, name: str, registry: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name should be a string, not {type(name).__name__}")
        if name == "" or "." in name:
            raise KeyError(f"a name can't be empty or contain '.': {name!r}")
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute {name!r} already exists")

    # ---- Traversal ----

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each module once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module under the name `prefix`, then all modules below it, each once.

        Depth first: children come in the order of registration, each child followed by all that is below it,
        before the next child.

        A child's name is its parent's name, a dot, and the attribute: `"encoder.layer1"`. At the top, where the
        prefix is empty, there is no leading dot. `memo` holds the modules that were yielded already: a module
        that is reachable on two ways, or contains itself, comes once, under its first name.

        In PyTorch: `Module.named_modules`.
        """
        # TODO 0.4: yield yourself, then everything that each of your modules yields; hand the memo on.
        # BEGIN SOLUTION
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)
        # END SOLUTION

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """The parameters of this module and, if `recurse`, of all below it, with dotted names, each once.

        They come module by module, in the order of `named_modules`, and within a module in the order of registration.
        Slots that hold None are left out. A parameter that two modules share comes under its first name only:
        an optimizer must not step twice. Compare with `is` or by `id`: `==` of values means something else.

        In PyTorch: `Module.named_parameters`, `Module._named_members`.
        """
        # TODO 0.4: go over named_modules (or over yourself alone), and over each one's _parameters.
        # BEGIN SOLUTION
        modules = self.named_modules(prefix=prefix) if recurse else [(prefix, self)]
        seen: set[int] = set()
        for module_name, module in modules:
            for name, parameter in module._parameters.items():
                if parameter is not None and id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{module_name}.{name}" if module_name else name, parameter
        # END SOLUTION

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """The parameters, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """The buffers with their dotted names, each once."""
        seen: set[int] = set()
        for module_name, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, value in module._buffers.items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{module_name}.{name}" if module_name else name, value

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """The buffers, each once."""
        for _, value in self.named_buffers(recurse=recurse):
            yield value

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call `fn` on every module of the tree, children first, and return this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- Modes and gradients ----

    def train(self, mode: bool = True) -> Module:
        """Set `training` to `mode` here and in every module below, and return this module.

        Raises ValueError if `mode` is not a bool.

        In PyTorch: `Module.train`.
        """
        # TODO 0.4: yourself and all that children() gives, down to the leaves.
        # BEGIN SOLUTION
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self
        # END SOLUTION

    def eval(self) -> Module:
        """The same as `train(False)`."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: `None`, or zero with `set_to_none=False`."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach() * 0.0

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Let all parameters take part in differentiation, or none."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    # ---- Calling ----

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes. Every subclass defines its own."""
        raise NotImplementedError(f"Module [{type(self).__name__}] is missing the required \"forward\" function")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for pre_hook in list(self._forward_pre_hooks.values()):
            changed = pre_hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, args)` before each forward; what it returns, if not None, replaces the arguments."""
        return self._forward_pre_hooks.add(hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, args, output)` after each forward; what it returns, if not None, replaces the output."""
        return self._forward_hooks.add(hook)

    # ---- Printing ----

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed, e.g. `in_features=2`."""
        return ""

    def __repr__(self) -> str:
        own = self.extra_repr()
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not children:
            return f"{type(self).__name__}({own})"
        lines = own.splitlines() + children
        return "\n  ".join([f"{type(self).__name__}(", *lines]) + "\n)"
