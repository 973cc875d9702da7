"""A right solution built another way: pytorch style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from terox.foundations.parameter import Parameter


class Module(StateMixin):
    def __setattr__(self, name: str, value: Any) -> None:
        def remove_from(*dicts):
            for each in dicts:
                if name in each:
                    del each[name]

        parameters, modules, buffers = (self.__dict__.get(each) for each in ("_parameters", "_modules", "_buffers"))
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            remove_from(self.__dict__, buffers, modules)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            remove_from(self.__dict__, parameters, buffers)
            modules[name] = value
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(f"cannot assign '{type(value)}' as parameter '{name}' (Parameter or None expected)")
            self.register_parameter(name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(f"cannot assign '{type(value)}' as child module '{name}' (Module or None expected)")
            modules[name] = value
        elif buffers is not None and name in buffers:
            buffers[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for each in ("_parameters", "_buffers", "_modules"):
            registry = self.__dict__[each]
            if name in registry:
                registry.pop(name)
                break
        else:
            super().__delattr__(name)

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        if memo is None:
            memo = set()
        if self not in memo:
            memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is None:
                    continue
                submodule_prefix = prefix + ("." if prefix else "") + name
                yield from module.named_modules(memo, submodule_prefix)

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        yield from self._named_members(lambda module: module._parameters.items(), prefix=prefix, recurse=recurse)

    def _named_members(self, get_members, prefix="", recurse=True):
        memo = set()
        for module_prefix, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for key, value in get_members(module):
                if value is None or value in memo:  # a set looks at the identity first
                    continue
                memo.add(value)
                yield module_prefix + ("." if module_prefix else "") + key, value

    def train(self, mode: bool = True) -> Module:
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self
