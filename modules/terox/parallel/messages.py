"""The compiler's errors, in the words of someone who writes a loop. Provided.

A compiler sees a copy of the learner's function, and reports types. What a learner wants to know is: which line of my
file, what is wrong with it, what to do. `explain` makes the one from the other.

In PyTorch: `torch/_dynamo/exc.py`, `augment_exc_message`.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from terox.parallel.kinds import kind_of, kinds_apart, split
from terox.parallel.mistakes import CompileError, Place, mistake

# ---- The compiler's errors ----

_SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and_": "&", "or_": "|", "xor": "^",
    "lshift": "<<", "rshift": ">>", "contains": "in", "neg": "-", "invert": "~", "not_": "not", "is_": "is",
}


class _Report:
    """What can be read from the compiler's report."""

    def __init__(self, error: BaseException, source: Any, text: str) -> None:
        self.said, self.source = str(error), source
        found = re.search(r'File "[^"]*kernel_\w+\.py", line \d+', self.said)
        self.head = self.said[: found.start()] if found else self.said  # the innermost error comes first
        rest = self.said[found.start() :] if found else self.said
        numbers = re.findall(r'kernel_\w+\.py(?:", line |:| \()(\d+)', rest)
        places = [source.original(text, int(number)) for number in dict.fromkeys(numbers)]
        self.places = [place for place in places if place is not None]  # the innermost first
        self.calls = [(name, split(given)) for name, given in re.findall(r">>> (\w+)\((.*)\)\s*$", self.head, re.M)]
        self.own = [call for call in self.calls if call[0] in source.functions]
        foreign = [call for call in self.calls if call[0] not in source.functions]
        self.call = foreign[0] if foreign else self.own[-1] if self.own else None

    def function_at(self, place: Place) -> ast.FunctionDef | None:
        return next((tree for tree, path in self.source.originals.values()
                     if path == place.path and tree.name == place.function), None)

    def find(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, self.head)


def explain(error: BaseException, source: Any, text: str) -> CompileError:
    """The error to raise instead of one of the compiler's. text: the generated file; source: knows whence it is."""
    report = _Report(error, source, text)
    found, rule = _wrong_argument(report), None
    if found is None:
        place = report.places[0] if report.places else None
        for rule in _RULES:
            words = rule(report, place)
            if words is not None:
                found = words if isinstance(words, tuple) else (place, words)
                break
    assert found is not None
    where, words = found
    if where is None:  # at least which loop it is: it was copied last
        tree, path = list(source.originals.values())[-1]
        where, words = Place(path, tree.lineno, tree.name), f"In this loop, or in a function that it calls: {words}"
    return mistake(where, words, shows_uncompiled=rule is None or rule in _SHOW_UNCOMPILED)


def _wrong_argument(report: _Report) -> tuple[Place | None, str] | None:
    """A function for numbers that was given something else: the mistake is in the call."""
    for number, (name, given) in enumerate(report.own):
        function = report.source.functions[name]
        for parameter, kind in zip(inspect.signature(function).parameters.values(), given):
            words = kind_of(kind)
            if parameter.annotation in (float, int, "float", "int") and words.startswith((
                    "a 1-D", "a 2-D", "a tuple", "a list", "None", "text", "a function", "a slice")):
                caller = report.source.functions[report.own[number - 1][0]].__name__ if number else ""
                place = next((place for place in report.places if place.function == caller), None)
                return place, (f"{_called(report, place, name)} takes a number for `{parameter.name}`, but is "
                               "called with "
                               f"{words}.")
    return None


def _called(report: _Report, place: Place | None, name: str) -> str:
    """A function as the learner's line calls it."""
    name = report.source.functions[name].__name__ if name in report.source.functions else name
    tree = report.function_at(place) if place is not None else None
    if place is None or tree is None or re.search(rf"\b{name}\b", place.text()):
        return f"`{name}`"
    parameters = {arg.arg for arg in tree.args.args}
    used = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id in parameters and node.lineno <= place.line <= (node.end_lineno or place.line)]
    return f"`{used[0]}`, which is `{name}` here," if len(set(used)) == 1 else f"`{name}`"


# ---- Rules: each knows one mistake; the last knows all. ----


def _undefined(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"[Vv]ariable '([\w.]+)' (is not defined|referenced before)")
    return found and (f"`{found[1].split('.')[0]}` is used before it has a value. Give it one before this line "
                      "(before the "
                      "loop, if it is for all rounds).")


def _unknown_attribute(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Unknown attribute '(\w+)' of type (.*)")
    if not found:
        return None
    words = f"{kind_of(found[2])} has no `{found[1]}` that compiled code knows.".capitalize().replace("-d ", "-D ")
    words = words.replace(f"`{found[1].lower()}`", f"`{found[1]}`")
    if found[1] in ("length", "count", "size") and "array" in words:
        words += " For its length, write `len(...)`."
    if found[1] in ("append", "extend", "insert"):
        words += " An array does not grow: make it as long as it has to be with `np.empty`."
    return words


def _numpy(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Use of unsupported NumPy function 'numpy\.([\w.]+)'")
    return found and f"`np.{found[1]}` does not exist in compiled code. Write a loop that does it."


def _other_name(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Untyped global name '(\w+)'")
    return found and f"`{found[1]}` does not exist in compiled code. Write it as a loop, or with `range`."


def _binding(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Cannot bind 'args=\((.*)\) kws=\{(.*)\}' to signature '\((.*)\)' due to")
    callee = re.search(r"CUDADispatcher\(<function (\w+) at", report.said)
    if not found or not (callee or report.calls):
        return None
    name = callee[1] if callee else next((name for name, _ in reversed(report.calls)
                                          if name in report.source.functions), report.calls[-1][0])
    given, named, takes = split(found[1]), re.findall(r"'(\w+)':", found[2]), split(found[3])
    strange = [key for key in named if key not in [part.split("=")[0].strip() for part in takes]]
    head = f"{_called(report, place, name)} takes {_count(len(takes))} ({', '.join(part.strip() for part in takes)})"
    return (f"{head}, and none called `{strange[0]}`." if strange
            else f"{head}, but is called with {_count(len(given) + len(named)).split()[0]}.")


def _mismatch(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Signature mismatch: (\d+) argument types given, but function takes (\d+)")
    return found and f"A function that takes {_count(int(found[2]))} is called with {found[1]}."


def _count(n: int) -> str:
    return f"{n} argument{'' if n == 1 else 's'}"


def _keyword(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"got an unexpected keyword argument '(\w+)'")
    name = report.call[0] if report.call else "this function"
    return found and f"`{name}` does not take `{found[1]}` in compiled code. Do without it, or write a loop."


def _element(report: _Report, place: Place | None) -> str | None:
    if not report.call or report.call[0] != "setitem" or len(report.call[1]) != 3:
        return None
    target, index, value = map(kind_of, report.call[1])
    if target == "a tuple":
        return "An element of a tuple cannot be changed. Use an array (np.empty), or make another tuple."
    if not target.endswith("array"):
        return f"{target.capitalize()} has no elements that could be assigned to."
    if value == "None":
        return "None is assigned to an element. Does the function that is called here `return` its result?"
    if index == "a whole number" and target == "a 1-D array":
        advice = ""
        if value.endswith("array"):
            advice = " Take one of its elements. Or was an array passed to a function for numbers?"
        return f"An element is one number, but {value} is assigned to it.{advice}"
    return f"{value.capitalize()} cannot be assigned here: the index is {index}, of {target}.".replace("-d ", "-D ")


def _index(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Unsupported array index type (\S+)")
    if found:
        words = kind_of(found[1])
        return f"An index is {words} here, but has to be a whole number" + (" (`//` gives one, or int(...))." if
                                                                           words == "a float" else ".")
    found = report.find(r"cannot index array\(.*?, (\d)d.*?\) with (\d) indices")
    if found:
        return (f"A {found[1]}-D array is indexed with {found[2]} numbers. Storage is flat: compute the place from "
                "strides.")
    if report.call and report.call[0] in ("getitem", "static_getitem"):
        target, index = kind_of(report.call[1][0]), kind_of(report.call[1][1])
        if target in ("a whole number", "a float", "None", "a function", "a truth value"):
            return f"{target.capitalize()} is indexed with [], as if it were an array. Is it the right variable?"
        return f"{target.capitalize()} cannot be indexed with {index}.".replace("-d ", "-D ")
    return None


def _not_callable(report: _Report, place: Place | None) -> str | None:
    found = report.find(r"Invalid use of (.+?) with parameters")
    if not found:
        return None
    bound = re.match(r"BoundFunction\((\w+)\.(\w+) for", found[1])
    if bound and bound[1] == "list":
        return "A list in compiled code holds values of one kind only. Use one list, or better one array, for each."
    if bound:
        return f"`{bound[2]}` of {kind_of(bound[1])} cannot be called with these arguments."
    words = kind_of(found[1])
    if words in ("a function", "something else"):
        return None
    advice = " For an element, write []." if words.endswith(("array", "tuple", "list")) else " Is an operator missing?"
    return f"{words.capitalize()} is called as if it were a function.{advice}".replace("-d ", "-D ")


def _two_kinds(report: _Report, place: Place | None) -> tuple[Place | None, str] | str | None:
    found = report.find(r"Cannot unify (.*) and (.*) for '([^']+)', defined at")
    if not found:
        return None
    (first, *others), name = kinds_apart([found[1], found[2]]), found[3].split(".")[0]
    second = others[0] if others else first
    if name.startswith("$"):
        return place, (f"This expression is {first} in one case and {second} in the other. Make it the same kind in "
                       "both.")
    tree = report.function_at(place) if place is not None else None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
             and node.id == name] if tree is not None else []
    if place is not None and lines:
        place = Place(place.path, max(lines), place.function)
    return place, (f"`{name}` is {first} in one place and {second} in another. In compiled code, a variable keeps "
                   "one kind of "
                   "value: use another name for the other.")


def _two_returns(report: _Report, place: Place | None) -> tuple[Place | None, str] | str | None:
    found = report.find(r"Can't unify return type from the following types: (.*)")
    if not found:
        return None
    kinds = kinds_apart(split(found[1]))
    tree = report.function_at(place) if place is not None else None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)] if tree is not None else []
    if place is not None and lines:
        place = Place(place.path, max(lines), place.function)
    return place, (f"This function returns {' and elsewhere '.join(kinds)}. Compiled code needs the same kind "
                   "everywhere.")


def _operator(report: _Report, place: Place | None) -> str | None:
    if report.call is None:
        return None
    name, given = report.call[0], [kind_of(kind) for kind in report.call[1]]
    plain = name[1:] if name[:1] == "i" and name[1:] in _SIGNS else name
    if plain not in _SIGNS or not re.search(rf"built-in function {name}>", report.head):
        return None
    sign = _SIGNS[plain]
    if len(given) == 1:
        return f"`{sign}` cannot be applied to {given[0]}."
    return f"`{sign}` does not work between {given[0]} and {given[1]} in compiled code."


def _shape(report: _Report, place: Place | None) -> str | None:
    if report.call and report.call[0] in ("empty", "zeros", "ones", "full") and report.call[1]:
        words = kind_of(report.call[1][0])
        if words not in ("a whole number", "something else"):
            return (f"The shape of a new array has to be a number, or a tuple of numbers written out, as in "
                    f"`np.{report.call[0]}((rows, columns))`; here it is {words}.")
    return None


def _range(report: _Report, place: Place | None) -> str | None:
    if report.call and report.call[0] in ("range", "prange"):
        wrong = [words for words in map(kind_of, report.call[1]) if words != "a whole number"]
        return f"`{report.call[0]}` takes whole numbers, but is called with {wrong[0]}." if wrong else None
    return None


def _any_call(report: _Report, place: Place | None) -> str | None:
    if report.call is None or report.call[0] in ("setitem", "getitem", "static_getitem", "serial", "chunk"):
        return None
    given = " and ".join(map(kind_of, report.call[1])) or "no arguments"
    if report.call[0] == "tuple":
        return (f"`tuple` cannot be made from {given} in compiled code, which has to know how long a tuple is. Use "
                "the array "
                "itself, or an array made by np.empty.")
    return f"{_called(report, place, report.call[0])} cannot be called with {given} in compiled code."


def _text(report: _Report, place: Place | None) -> str | None:
    return "Compiled code cannot put text together like this." if report.find("f-string|format spec") else None


def _anything(report: _Report, place: Place | None) -> str:
    if report.find("opcode|bytecode|IR"):
        return "Compiled code cannot use this part of Python. Write it with plain `for`, `while`, `if` and assignments."
    return ("Compiled code cannot do this with values of these kinds. Look at each variable of the line: is it a "
            "number, an "
            "array, a tuple? Each must be of one kind.")


_RULES = (_undefined, _unknown_attribute, _numpy, _other_name, _binding, _mismatch, _keyword, _two_kinds, _two_returns,
          _not_callable, _element, _index, _shape, _range, _operator, _text, _any_call, _anything)
# Of these mistakes, Python has an error of its own, and the values can be looked at before it.
_SHOW_UNCOMPILED = (_unknown_attribute, _binding, _index, _range, _anything)
