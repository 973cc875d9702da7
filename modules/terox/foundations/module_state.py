"""`state_dict` and `load_state_dict`: what of a module a file has to hold, and back. Provided.

In PyTorch: `torch/nn/modules/module.py`, `Module.state_dict`, `Module.load_state_dict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from terox._grad_mode import no_grad


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` could not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class StateMixin:
    """The saving and loading half of `Module`."""

    def _named_state(self) -> Iterator[tuple[str, Any]]:
        """Every parameter and persistent buffer under every name it has, shared ones under each of them."""
        yield from _walk(self, "", [])

    def state_dict(self) -> dict[str, Any]:
        """A dict from dotted name to value: all parameters and persistent buffers, without their history."""
        return {name: _detached(value) for name, value in self._named_state()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the values of `state_dict` into this module's parameters and buffers.

        Raises RuntimeError, naming every key, if `strict` and the keys are not exactly this module's, and, strict or
        not, if a value has another shape than this module's. Nothing is copied then. Raises TypeError if `state_dict`
        is not a mapping.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict).__name__}.")
        own = dict(self._named_state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict and (missing or unexpected):
            problems = [f"Missing key(s) in state_dict: {', '.join(map(repr, missing))}."] if missing else []
            if unexpected:
                problems.append(f"Unexpected key(s) in state_dict: {', '.join(map(repr, unexpected))}.")
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}: " + " ".join(problems))
        problems = []
        for name, value in own.items():
            new, old = getattr(state_dict.get(name), "shape", None), getattr(value, "shape", None)
            if new is not None and old is not None and tuple(new) != tuple(old):
                problems.append(f"size mismatch for {name}: copying a param with shape {list(new)} from checkpoint, "
                                f"the shape in current model is {list(old)}.")
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}: " + " ".join(problems))
        with no_grad():
            for name, value in own.items():
                if name in state_dict:
                    _copy_into(self, name, value, state_dict[name])
        return IncompatibleKeys(missing, unexpected)


def _walk(module: Any, prefix: str, above: list[Any]) -> Iterator[tuple[str, Any]]:
    if any(module is each for each in above):
        return  # a module that contains itself
    for name, value in module._parameters.items():
        if value is not None:
            yield prefix + name, value
    for name, value in module._buffers.items():
        if value is not None and name not in module._non_persistent_buffers:
            yield prefix + name, value
    for name, child in module._modules.items():
        if child is not None:
            yield from _walk(child, f"{prefix}{name}.", [*above, module])


def _detached(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value


def _copy_into(root: Any, name: str, old: Any, new: Any) -> None:
    if hasattr(old, "copy_"):
        old.copy_(new)
        return
    *path, last = name.split(".")  # a plain number as a buffer cannot be written in place
    for step in path:
        root = root._modules[step]
    root._buffers[last] = new
