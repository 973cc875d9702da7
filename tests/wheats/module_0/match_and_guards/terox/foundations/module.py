"""A right solution built another way: match and guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from terox.foundations.parameter import Parameter


class Module(StateMixin):
    def __setattr__(self, name: str, value: Any) -> None:
        places = [self.__dict__.get(each) for each in ("_parameters", "_modules", "_buffers")]
        match value:
            case Parameter():
                home = places[0]
            case Module():
                home = places[1]
            case _:
                home = None
        if isinstance(value, (Parameter, Module)):
            if home is None:
                raise AttributeError(f"{name}: Module.__init__() has not run yet")
            for each in (*places, self.__dict__):
                if each is not home and name in each:
                    del each[name]
            home[name] = value
            return
        for place in places:
            if place is not None and name in place:
                match value:
                    case None:
                        place[name] = None
                    case _ if place is places[2]:
                        place[name] = value
                    case _:
                        raise TypeError(f"{name} takes a Parameter, a Module or None")
                return
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        seen = memo if memo is not None else set()
        found = []
        if self not in seen:
            seen.add(self)
            found.append((prefix, self))
            for name, child in self._modules.items():
                if child is None:
                    continue
                found.extend(child.named_modules(seen, name if prefix == "" else prefix + "." + name))
        return iter(found)

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        found = {}
        for where, module in list(self.named_modules(prefix=prefix))[: None if recurse else 1]:
            for name, each in module._parameters.items():
                if each is not None:
                    found.setdefault(id(each), (name if where == "" else where + "." + name, each))
        yield from found.values()

    def train(self, mode: bool = True) -> Module:
        if mode is not True and mode is not False:
            raise ValueError(f"train takes True or False, not {mode!r}")
        waiting, seen = [self], set()
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                object.__setattr__(module, "training", mode)
                waiting += list(module.children())
        return self
