"""Task 0.3: the specimens, run in the grader's process for properties that are in the sandbox.

Whoever had the specimens there could tell the right ones from the faulty ones by looking at them, and would need no
property. So the sandbox only learns what each makes of its arguments. To know which are faulty it has to judge them,
and that is the task.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from course.grading.programs.remote import ITEMS, packed, unpacked
from course.grading.wire import Value
from course.specimens.collection import Collection, Specimen

NAMES = {"property_clip": "clip", "property_median": "median", "property_running_max": "running_max",
         "property_run_lengths": "run_lengths"}


def specimens_of(name: str) -> Collection:
    """The specimens that the property `name` is judged by."""
    return importlib.import_module(f"course.specimens.{NAMES[name]}").SPECIMENS


def served(specimens: Sequence[Specimen]) -> Callable[[Value], Value]:
    """What answers `remote.call`: the function of that number is that specimen's.

    It raises TypeError, LookupError or ValueError for what is no such call.
    """
    def answer(asked: Value) -> Value:
        number, arguments = asked["number"], [unpacked(each) for each in asked["arguments"]]
        if type(number) is not int or not 0 <= number < len(specimens) or sum(map(_items, arguments)) > ITEMS:
            raise ValueError
        before = copy.deepcopy(arguments)
        result: Any = None
        raised: list[str] = []
        try:
            result = specimens[number].run(*arguments)
        except Exception as error:  # noqa: BLE001 - its fault, or what it promises
            kind = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
            raised = [kind.__name__, str(error)[:200]]
        same = next((place for place, each in enumerate(arguments) if isinstance(each, list) and each is result), -1)
        return {"result": packed(result) if same < 0 else None, "raised": raised, "same": same,
                "after": [packed(new) if isinstance(new, list) and _differ(new, old) else None
                          for new, old in zip(arguments, before)]}

    return answer


def _items(value: Any) -> int:
    if isinstance(value, str):
        return 1 + len(value)
    return 1 + sum(map(_items, value)) if isinstance(value, (list, tuple)) else 1


def _differ(one: list[Any], other: list[Any]) -> bool:
    return repr(one) != repr(other)  # NaN is as NaN, and 1 is not 1.0
