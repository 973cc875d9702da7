"""Programs of module 0: operators, map, zip and reduce, properties. Those of task 0.4 stand in module_0_tree.py.

Run in the sandbox, on whatever `terox` there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course.grading.programs import remote
from course.grading.programs.module_0_tree import assignments, before_init, modes, names, setters
from course.grading.programs.told import attempt, kinds_of, told

__all__ = ["assignments", "before_init", "built", "lengths", "mapped", "modes", "names", "operator", "reduced",
           "setters", "verdicts", "zipped"]

# ---- Task 0.1 ----


def operator(name: str, rows: np.ndarray) -> dict[str, Any]:
    """An operator for each row of arguments: its results, and of what types they are."""
    from terox.foundations import operators

    results = [getattr(operators, name)(*row) for row in rows.tolist()]
    return {"numbers": np.array([float(result) for result in results]),
            "types": kinds_of(results)}


# ---- Task 0.2 ----


class Noted:
    """A function that notes its calls: `factors` times its arguments, plus 1. It can tell their order."""

    def __init__(self, factors: list[float]) -> None:
        self.factors, self.calls = factors, []  # type: tuple[list[float], list[list[float]]]

    def __call__(self, *values: float) -> float:
        self.calls.append([float(value) for value in values])
        return sum(factor * value for factor, value in zip(self.factors, values, strict=True)) + 1.0


KINDS: dict[str, Callable[[list[float]], Any]] = {
    "list": list, "tuple": tuple, "iterator": lambda values: iter(tuple(values)),
    "generator": lambda values: (value for value in values)}


def mapped(lists: list[list[float]], factors: list[float], other: list[float], kind: str) -> dict[str, Any]:
    """One function that map returned, called for each of several lists, and another one between its calls."""
    from terox.foundations import functional

    fn, between = Noted(factors), Noted(other)
    first, second = functional.map(fn), functional.map(between)
    results, noted, before = [], [], [list(values) for values in lists]
    for values in lists:
        given = values if kind == "list" else KINDS[kind](values)
        result = first(given)
        noted.append(len(fn.calls))  # what is lazy has called nothing yet
        results.append([told(result), told(second(list(values))), result is given])
    return {"results": results, "noted": noted, "calls": fn.calls, "unchanged": lists == before}


def zipped(pairs: list[list[list[float]]], factors: list[float], kind: str) -> dict[str, Any]:
    """One function that zip_with returned, called for each of several pairs of lists."""
    from terox.foundations import functional

    fn = Noted(factors)
    apply, results, noted = functional.zip_with(fn), [], []
    before = [[list(one), list(other)] for one, other in pairs]
    for one, other in pairs:
        results.append(told(apply(*[each if kind == "list" else KINDS[kind](each) for each in (one, other)])))
        noted.append(len(fn.calls))
    return {"results": results, "noted": noted, "calls": fn.calls, "unchanged": pairs == before}


def lengths(name: str, one: list[float], other: list[float], kind: str) -> dict[str, Any]:
    """What zip_with(add) or dot makes of lists that are not equally long, and whether the error names both lengths."""
    from terox.foundations import functional, operators

    apply = functional.dot if name == "dot" else functional.zip_with(operators.add)
    texts = (str(len(one)), str(len(other)))
    return attempt(lambda: apply(KINDS[kind](one), KINDS[kind](other)), ValueError, mentions=texts)


def reduced(lists: list[list[float]], factors: list[float], start: float, kind: str) -> dict[str, Any]:
    """One function that reduce returned, called for each of several lists."""
    from terox.foundations import functional

    fn = Noted(factors)
    apply, before = functional.reduce(fn, start), [list(values) for values in lists]
    results = [told(apply(values if kind == "list" else KINDS[kind](values))) for values in lists]
    return {"results": results, "calls": fn.calls, "unchanged": lists == before}


def built(lists: list[list[float]], kind: str) -> dict[str, Any]:
    """sum of each list, and dot of each with its reverse."""
    from terox.foundations import functional

    make = KINDS[kind]
    return {"sum": [told(functional.sum(make(values))) for values in lists],
            "dot": [told(functional.dot(make(values), make(values[::-1]))) for values in lists]}


# ---- Task 0.3 ----


def verdicts(name: str, implementations: int, arguments: list[str]) -> list[str]:
    """What the property `name` says of so many implementations, which the grader has: nothing here tells what they are.

    "accepted", "rejected" (a failed assertion, or an error that the implementation raised), "tripped" (an error of the
    property's own that code runs into when it gets a value that it did not expect), "never called", or the type of any
    other error: that is no verdict.
    """
    from terox.foundations import properties

    return [_verdict(getattr(properties, name), number, arguments) for number in range(implementations)]


def _verdict(prop: Callable[[Any], Any], number: int, arguments: list[str]) -> str:
    from hypothesis import HealthCheck, Phase, errors, settings

    raised: list[BaseException] = []
    calls = [0]

    def impl(*args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) != len(arguments) or not set(kwargs) <= set(arguments):
            raise errors.InvalidArgument("called with other arguments than the specification names")
        calls[0] += 1
        given = [*args, *(kwargs[name] for name in arguments if name in kwargs)]
        try:
            return remote.call(number, given)
        except Exception as error:
            raised.append(error)
            raise

    settings.register_profile("terox-sealed", max_examples=200, derandomize=True, database=None, deadline=None,
                              phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False, print_blob=False,
                              suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("terox-sealed")
    try:
        prop(impl)
    except (KeyboardInterrupt, GeneratorExit, MemoryError, RecursionError):
        raise
    except BaseException as error:  # noqa: B036 - pytest's own outcomes are no Exceptions
        return _word_for(_first_of_group(error, raised), raised)
    return "accepted" if calls[0] else "never called"


def _first_of_group(error: BaseException, raised: list[BaseException]) -> BaseException:
    from hypothesis import errors

    if not isinstance(error, BaseExceptionGroup) or isinstance(error, errors.HypothesisException):
        return error
    parts = [_first_of_group(part, raised) for part in error.exceptions]
    return next((part for part in parts if isinstance(part, AssertionError) or part in raised), parts[0])


def _word_for(error: BaseException, raised: list[BaseException]) -> str:
    from hypothesis import errors

    if isinstance(error, NotImplementedError) and str(error).startswith("Task "):
        raise error
    if isinstance(error, errors.HypothesisException):
        return type(error).__name__
    if isinstance(error, AssertionError) or type(error).__name__ == "Failed" or any(error is one for one in raised):
        return "rejected"
    if isinstance(error, (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)):
        return "tripped"
    return type(error).__name__
