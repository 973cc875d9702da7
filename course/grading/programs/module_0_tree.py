"""Programs of task 0.4: modules that are built from a description, assigned to, walked over and switched.

Run in the sandbox, on whatever `terox` there is. A description has, for each module, its slots in their order:
{"parameters": [[name, number or None]], "children": [[name, number or None]]}. A number that occurs twice is one thing
in two places. Module 0 is the root.
"""

from __future__ import annotations

from typing import Any

from course.grading.programs.told import attempt


class Box:
    """The least that can be a parameter. Its == gives a Box, and nobody may ask whether a Box is true."""

    def __init__(self, number: float) -> None:
        self.number, self.requires_grad, self.grad, self._is_param = number, False, None, False

    def detach(self) -> Box:
        return Box(self.number)

    def copy_(self, other: Box) -> Box:
        self.number = other.number
        return self

    def __eq__(self, other: object) -> Box:  # type: ignore[override]
        return Box(1.0)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError("A Box was asked whether it is true.")


def _parameter() -> Any:
    from terox.foundations.parameter import Parameter

    return Parameter(Box(1.0))  # all equal: only `is` tells them apart


def _build(tree: list[dict[str, Any]]) -> tuple[list[Any], dict[int, int]]:
    """The modules, and the number of each module and parameter by its id; parameters count from 1000."""
    from terox.foundations.module import Module

    modules = [Module() for _ in tree]
    parameters: dict[int, Any] = {}
    for module, slots in zip(modules, tree):
        for name, number in slots["parameters"]:
            if number is None:
                module.register_parameter(name, None)
            else:
                setattr(module, name, parameters.setdefault(number, _parameter()))
        for name, number in slots["children"]:
            if number is None:
                module.register_module(name, None)
            else:
                setattr(module, name, modules[number])
    numbers = {id(parameter): 1000 + number for number, parameter in parameters.items()}
    return modules, numbers | {id(module): number for number, module in enumerate(modules)}


def names(tree: list[dict[str, Any]], prefix: str, seen: list[int]) -> dict[str, Any]:
    """The walks over a tree, each as [name, number]: twice, with a prefix, without recursion, with a memo."""
    modules, numbers = _build(tree)
    root = modules[0]

    def listed(found: Any) -> list[Any]:
        return [[name, numbers.get(id(value), -1)] for name, value in found]

    memo = {modules[number] for number in seen}
    return {
        "modules": listed(root.named_modules()), "again": listed(root.named_modules()),
        "prefixed": listed(root.named_modules(prefix=prefix)), "memo": listed(root.named_modules(memo)),
        "parameters": listed(root.named_parameters()), "parameters again": listed(root.named_parameters()),
        "parameters prefixed": listed(root.named_parameters(prefix)),
        "own": listed(root.named_parameters(recurse=False)),
        "own prefixed": listed(root.named_parameters(prefix, False)),
        "below": [listed(module.named_parameters()) for module in modules[1:3]]}


def modes(tree: list[dict[str, Any]], wanted: list[bool]) -> dict[str, Any]:
    """`training` everywhere, and whether the module came back, after each train(mode); and what is no mode."""
    modules, _ = _build(tree)
    root, rows = modules[0], []
    for mode in wanted:
        same = root.train(mode) is root
        rows.append([same, *[module.training for module in modules]])
    root.eval()
    rows.append([root.train() is root, *[module.training for module in modules]])
    refused = [attempt(lambda wrong=wrong: root.train(wrong), ValueError)  # type: ignore[misc]
               for wrong in (1, 0, None, "eval", 0.5)]
    return {"rows": rows, "refused": refused, "afterwards": [module.training for module in modules]}


def assignments(steps: list[list[str]]) -> list[Any]:
    """One module, to whose attributes each step [name, what] assigns, or from which it deletes one.

    After each: what was raised, where the name stands, and whether the value is there under its name.
    """
    from terox.foundations.module import Module

    module, rows = Module(), []
    for name, what in steps:
        value = {"parameter": _parameter, "module": Module, "none": lambda: None, "number": lambda: 0.0,
                 "text": lambda: "text", "box": lambda: Box(2.0), "list": lambda: [Module()]}.get(what, lambda: 2.5)()
        own = vars(module)
        registered = {"_parameters", "_buffers", "_modules"}
        if what == "delete":
            outcome = attempt(lambda name=name: delattr(module, name), AttributeError)  # type: ignore[misc]
        elif what == "buffer":
            taken = any(name in own[each] for each in registered) or name in own
            outcome = {"gave": None} if taken else attempt(lambda: module.register_buffer(name, value))  # noqa: B023
        else:
            outcome = attempt(lambda: setattr(module, name, value), TypeError, mentions=(name,))  # noqa: B023
        places = sorted(each for each in registered if name in own[each]) + ["plain"] * (name in own)
        held = [own[each][name] is value for each in sorted(registered) if name in own[each]] + (
            [own[name] is value] if name in own else [])
        found = bool(places) and getattr(module, name) is (own[places[0]] if places[0] != "plain" else own)[name]
        rows.append([outcome, places, held, found, sorted([key for each in registered for key in own[each]])])
    return rows


def before_init(what: str, name: str) -> dict[str, Any]:
    """What comes of an assignment before super().__init__(), and whether its message says so."""
    from terox.foundations.module import Module

    class Layer(Module):
        def __init__(self) -> None:
            setattr(self, name, {"parameter": _parameter, "module": Module}.get(what, lambda: 3)())
            super().__init__()
            self.later = _parameter()

    def kept() -> list[Any]:
        layer = Layer()
        return [vars(layer).get(name) == 3, sorted(layer._parameters), sorted(layer._modules)]

    return attempt(kept, AttributeError, mentions=("__init__",))


def setters(numbers: list[float]) -> list[Any]:
    """Assignments to a property of the class, and to an attribute of the same kind in another instance."""
    from terox.foundations.module import Module

    class Layer(Module):
        @property
        def rate(self) -> float:
            return self.stored

        @rate.setter
        def rate(self, value: float) -> None:
            self.stored = 2.0 * value

    one, other = Layer(), Layer()
    rows = []
    for number in numbers:
        one.rate = number
        rows.append([one.rate, "rate" in vars(one), "stored" in vars(one), "stored" in vars(other)])
    return rows
