"""Judges a learner's property: does it accept every correct specimen and reject every faulty one?

A property *rejects* an implementation when it fails an assertion, or lets an exception out that the
implementation raised. An error of the property's own code (a wrong name, a strategy that does not exist, a
complaint of Hypothesis) is no verdict, and the message says so. One case lies between: a property that has
accepted all correct specimens may trip over what a faulty one returned, as by taking the third element of a
list that is too short. In any test suite that is a test that fails, so it counts as a rejection.

Verdicts do not depend on luck or on settings: unless a seed is asked for, Hypothesis draws the same examples each
time (`derandomize`); it keeps no database, and has no deadline.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, core, errors, settings

from course.check import CheckFailed, shown
from course.specimens.collection import Collection, Specimen

Property = Callable[[Callable[..., Any]], Any]

ACCEPTED, REJECTED = "accepted", "rejected"
# What code raises when it is handed a value it did not expect. A wrong name or import is never one of these.
TRIPS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
FAILED = (AssertionError, pytest.fail.Exception)
EXAMPLES_OF_CORRECT, EXAMPLES_OF_FAULTY = 50, 200  # most faults show early; a rare one gets time
FEW_CALLS = 20


@dataclass
class Record:
    """What an implementation saw while a property judged it."""

    calls: int = 0
    last_call: str = ""
    last_result: str = ""
    last_arguments: dict[str, Any] = field(default_factory=dict)
    raised: list[BaseException] = field(default_factory=list)
    wrong_call: str | None = None


def judge(prop: Property, specimens: Collection) -> None:
    """Raises CheckFailed, in words, unless `prop` accepts each correct specimen and rejects each faulty one.

    A stub's NotImplementedError comes through untouched.
    """
    for specimen in specimens.correct_ones:
        _must_accept(prop, specimen, specimens)
    slipped, asserted = [], False
    for specimen in specimens.faulty_ones:
        verdict, record, error = _verdict(prop, specimen, specimens, shrink=False)
        if error is not None and verdict != REJECTED:
            raise _own_error(prop, error, record, specimens)
        if verdict == ACCEPTED:
            slipped.append((specimen, record))
        asserted = asserted or isinstance(error, FAILED)
    if slipped and not asserted:
        raise CheckFailed(
            _call(prop), "no assertion failed for any of the faulty implementations", "it rejects each of them",
            "The property accepts everything. Does it assert anything about the result? And can its assertions "
            "fail, or does a `try` catch what they raise?")
    if slipped:
        raise _slipped(prop, slipped, specimens)


def _must_accept(prop: Property, specimen: Specimen, specimens: Collection) -> None:
    verdict, record, error = _verdict(prop, specimen, specimens, shrink=True, trips=False)
    if verdict == REJECTED and error is not None:
        raise _wrongly_rejected(prop, specimen, record, error, specimens)
    if error is not None:
        raise _own_error(prop, error, record, specimens)
    if record.calls == 0:
        raise CheckFailed(
            _call(prop), f"it never called {specimens.name}", "a verdict on the implementation that it is given",
            "The property tries nothing, so it accepts everything. With `@given`, the inner function runs only when "
            "you call it: does the property end with a line like `holds()`?")


def _verdict(prop: Property, specimen: Specimen, specimens: Collection, shrink: bool,
             trips: bool = True) -> tuple[str | None, Record, BaseException | None]:
    """(ACCEPTED or REJECTED, or None for an error of the property itself; what was called; the exception)."""
    impl, record = _observed(specimen, specimens)
    try:
        with _fixed_settings(shrink):
            prop(impl)
    except (KeyboardInterrupt, GeneratorExit, MemoryError, RecursionError):
        raise  # the runner has words for these
    except BaseException as error:  # noqa: B036 - pytest's own outcomes (fail, skip) are no Exceptions
        cause = _first_of_group(error, record)
        if isinstance(cause, NotImplementedError) and str(cause).startswith("Task "):
            raise cause from None
        if record.wrong_call is not None or isinstance(cause, errors.HypothesisException):
            return None, record, cause
        rejected = (isinstance(cause, FAILED)
                    or any(cause is one for one in record.raised) or (trips and isinstance(cause, TRIPS)))
        return (REJECTED if rejected else None), record, cause
    return ACCEPTED, record, None


def _observed(specimen: Specimen, specimens: Collection) -> tuple[Callable[..., Any], Record]:
    """The specimen under its public name, and the record of its calls."""
    record, signature = Record(), specimens.signature

    def impl(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            record.wrong_call = f"{specimens.name}{signature} was called with wrong arguments: {error}"
            raise TypeError(record.wrong_call) from None
        record.calls += 1
        # The text and the copies are taken first: a faulty specimen may change its arguments.
        record.last_call = f"{specimens.name}({', '.join(shown(value) for value in bound.arguments.values())})"
        record.last_arguments = {name: list(value) if type(value) is list else value
                                 for name, value in bound.arguments.items()}
        try:
            result = specimen.run(*args, **kwargs)
        except Exception as error:
            record.raised.append(error)
            record.last_result = f"{type(error).__name__}: {error}"
            raise
        record.last_result = shown(result)
        return result

    impl.__name__ = impl.__qualname__ = specimens.name
    impl.__signature__ = signature  # type: ignore[attr-defined]
    return impl, record


@contextmanager
def _fixed_settings(shrink: bool) -> Iterator[None]:
    """Hypothesis' defaults while a property runs. What a learner writes in `@settings(...)` still wins."""
    before = settings.get_current_profile_name()
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else [])]
    seeded = getattr(core, "global_force_seed", None) is not None  # pytest's --hypothesis-seed
    settings.register_profile(
        "terox-judge", max_examples=EXAMPLES_OF_CORRECT if shrink else EXAMPLES_OF_FAULTY, derandomize=not seeded,
        database=None, deadline=None, phases=phases, report_multiple_bugs=False, print_blob=False,
        suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("terox-judge")
    try:
        yield
    finally:
        settings.load_profile(before)


def _first_of_group(error: BaseException, record: Record) -> BaseException:
    """Hypothesis may report several failures as a group: the one that is a rejection, else the first."""
    if not isinstance(error, BaseExceptionGroup) or isinstance(error, errors.HypothesisException):
        return error
    parts = [_first_of_group(part, record) for part in error.exceptions]
    return next((part for part in parts if isinstance(part, FAILED) or part in record.raised), parts[0])


def _wrongly_rejected(prop: Property, specimen: Specimen, record: Record, error: BaseException,
                      specimens: Collection) -> CheckFailed:
    expected = "the property accepts a correct implementation"
    if record.calls == 0:
        return CheckFailed(_call(prop), f"it failed before it called {specimens.name}{_where(prop, error)}",
                           expected, "Your property rejects a correct implementation that it never looked at.")
    notes = [f"Your property rejects a correct implementation of {specimens.name}."]
    outside = _outside(specimens, record)
    if outside is not None:
        notes.append(f"It goes beyond the specification. {outside}")
    else:
        notes.append(f"The specification: {specimens.specification}.")
        notes.append(specimen.allowed or "")
    if any(error is one for one in record.raised):
        got = f"{record.last_call} raised {record.last_result}, and the property let it out"
    else:
        got = f"{record.last_call} gave {record.last_result}, and the property failed{_where(prop, error)}"
        notes.append(f"Your assertion said: {str(error).splitlines()[0][:200]}" if str(error) else "")
    failure = CheckFailed(_call(prop), got, expected, " ".join(filter(None, notes)))
    for note in getattr(error, "__notes__", ()):
        if note.startswith(("Failing", "Falsifying")):  # newer and older releases of Hypothesis
            failure.add_note(note)
    return failure


def _slipped(prop: Property, slipped: list[tuple[Specimen, Record]], specimens: Collection) -> CheckFailed:
    specimen, record = slipped[0]
    others = {0: "", 1: " One more fault did as well."}.get(len(slipped) - 1, f" {len(slipped) - 1} more did as well.")
    notes = [f"A fault slipped through: {specimen.fault}.{others}"]
    swallowed = [one for one in record.raised if not isinstance(one, specimens.promised)]
    if swallowed:
        notes.append(f"The implementation raised {type(swallowed[0]).__name__} on the way, and the property did not "
                     "let it out: is there a `try` around the call?")
    elif record.calls < FEW_CALLS:
        times = "once" if record.calls == 1 else f"{record.calls} times"
        notes.append(f"The implementation was called only {times}: do your examples, or an `assume`, leave out too "
                     "much?")
    else:
        notes.append("Is there a sentence of the specification that you do not assert, or an input that your "
                     "examples do not contain?")
    return CheckFailed(_call(prop), "it accepted a faulty implementation", "it rejects every faulty implementation",
                       " ".join(notes))


def _own_error(prop: Property, error: BaseException, record: Record, specimens: Collection) -> CheckFailed:
    if record.wrong_call is not None:
        note = f"The property has to call {specimens.name} as its specification does. {record.wrong_call}."
    else:
        note = _in_words(error)
    name = type(error).__name__
    first = str(error).splitlines()[0] if str(error) else ""
    got = (f"{name}: {first}" if first else name) + _where(prop, error)
    return CheckFailed(_call(prop), got, "a verdict: the property returns, or an assertion fails", note)


def _in_words(error: BaseException) -> str:
    own = "This is an error of the property itself, and no verdict on the implementation."
    if isinstance(error, errors.UnsatisfiedAssumption):
        return f"{own} `assume` works only inside of a function under `@given`."
    if isinstance(error, errors.FailedHealthCheck) and "filter" in str(error):
        return (f"{own} `assume` or `filter` throws nearly all examples away. Build what you need instead: to have "
                "two numbers in order, draw two and sort them.")
    if isinstance(error, errors.FailedHealthCheck):
        return f"{own} Hypothesis finds the examples unhealthy (see above): make them smaller or simpler."
    if isinstance(error, errors.Unsatisfiable):
        return f"{own} No example at all passed the `assume` or `filter`."
    if isinstance(error, errors.Flaky):
        return (f"{own} It gave two verdicts for one input. Does it use random numbers of its own, or keep something "
                "from one example to the next?")
    if isinstance(error, errors.InvalidArgument):
        return f"{own} A strategy or `@given` got arguments that do not fit; Hypothesis' sentence says which."
    if isinstance(error, errors.HypothesisException):
        return f"{own} Hypothesis' sentence says what is wrong."
    if isinstance(error, (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)):
        return f"{own} It may not skip or end the test."
    if isinstance(error, TypeError) and "required positional argument" in str(error):
        return f"{own} Is `@given(...)` missing above the inner function, or does it draw too few values?"
    if isinstance(error, (NameError, ImportError)):
        return f"{own} Is a name misspelled, or not imported?"
    return f"{own} It rejects an implementation by a failed `assert`, and by nothing else of its own."


def _outside(specimens: Collection, record: Record) -> str | None:
    try:
        return specimens.outside(**record.last_arguments)
    except Exception:  # arguments so odd that not even the comparison works
        return "The arguments were of a kind that the specification does not name."


def _where(prop: Property, error: BaseException) -> str:
    """The deepest line of the property's own file in the traceback, as ` in line 12: assert a == b`."""
    code = getattr(prop, "__code__", None)
    if code is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == code.co_filename]
    if not lines or lines[-1] is None:
        return ""
    text = linecache.getline(code.co_filename, lines[-1]).strip()
    return f", in line {lines[-1]}: {text}" if text else f", in line {lines[-1]}"


def _call(prop: Property) -> str:
    return f"{getattr(prop, '__name__', 'property')}(impl)"
