"""What a set of specimens is made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Implementation = Callable[..., Any]


@dataclass(frozen=True)
class Specimen:
    """One implementation. `fault` says what is wrong with it, and is None for a correct one."""

    run: Implementation
    fault: str | None = None
    allowed: str | None = None  # for a correct one that may surprise: what the specification allows


@dataclass
class Collection:
    """All specimens of one function, and what its specification says.

    `outside(**arguments)` returns None for arguments that the specification covers, else a sentence that says
    why it does not. `promised` are the exceptions that the specification asks for.
    """

    name: str
    specification: str
    outside: Callable[..., str | None]
    promised: tuple[type[Exception], ...] = ()
    correct_ones: list[Specimen] = field(default_factory=list)
    faulty_ones: list[Specimen] = field(default_factory=list)

    def correct(self, allowed: str | None = None) -> Callable[[Implementation], Implementation]:
        """Decorator: this function keeps to the specification."""

        def add(run: Implementation) -> Implementation:
            self.correct_ones.append(Specimen(run, allowed=allowed))
            return run

        return add

    def faulty(self, fault: str) -> Callable[[Implementation], Implementation]:
        """Decorator: this function has one fault, of which `fault` says the kind and not the code."""

        def add(run: Implementation) -> Implementation:
            self.faulty_ones.append(Specimen(run, fault=fault))
            return run

        return add

    @property
    def signature(self) -> inspect.Signature:
        """Names and order of the parameters, the same in all specimens."""
        return inspect.signature(self.correct_ones[0].run)


def not_a_list(values: object, kinds: tuple[type, ...]) -> str | None:
    """Why `values` is no list of numbers of these kinds (and without NaN), or None where it is one."""
    if not isinstance(values, list):
        return f"The argument has to be a list there; it was a {type(values).__name__}."
    for value in values:
        if not isinstance(value, kinds):
            return f"The list held a value of type {type(value).__name__}."
        if value != value:
            return "The list held a NaN, and the specification has none."
    return None
