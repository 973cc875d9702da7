"""A right solution built another way: iterators."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from terox.foundations.parameter import Parameter


class Module(StateMixin):
    def __setattr__(self, name: str, value: Any) -> None:
        def others(home):
            return (d for d in (self.__dict__, self._parameters, self._modules, self._buffers) if d is not home)

        if isinstance(value, Parameter) or isinstance(value, Module):
            if "_modules" not in self.__dict__:
                raise AttributeError("call super().__init__() before " + name)
            home = self._parameters if isinstance(value, Parameter) else self._modules
            for each in others(home):
                each.pop(name, None)
            home[name] = value
        elif "_modules" in self.__dict__ and name in itertools.chain(self._parameters, self._modules):
            if value is not None:
                raise TypeError(f"{name!r} is registered; del it first")
            (self._parameters if name in self._parameters else self._modules)[name] = None
        elif name in self.__dict__.get("_buffers", {}):
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        home = next((d for d in (self._parameters, self._buffers, self._modules) if name in d), None)
        if home is None:
            return object.__delattr__(self, name)
        home.pop(name)

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        memo = set() if memo is None else memo
        stack = [(prefix, self)]
        while stack:
            where, module = stack.pop()
            if module is None or module in memo:
                continue
            memo.add(module)
            yield where, module
            stack.extend((".".join(filter(None, (where, name))), child) for name, child in reversed(module._modules.items()))

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        modules = itertools.islice(self.named_modules(prefix=prefix), None if recurse else 1)
        pairs = ((".".join(filter(None, (where, name))), p) for where, m in modules for name, p in m._parameters.items())
        seen = []
        for name, p in pairs:
            if p is not None and not any(p is other for other in seen):
                seen.append(p)
                yield name, p

    def train(self, mode: bool = True) -> Module:
        if type(mode) is not bool:
            raise ValueError(mode)
        self.apply(lambda module: module.__dict__.update(training=mode))
        return self
