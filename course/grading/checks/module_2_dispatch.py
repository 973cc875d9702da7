"""Sealed checks of task 2.5: made-up ops on made-up devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.sealed import Call, sealed

OPS, PLACES = ["mix", "stir", "shake"], ["red", "blue", "composite", "python"]
DERIVATIVES = {"mix": ["mix(a)", "a"], "stir": ["stir(a)", "a"], "shake": ["shake(a)", "a"]}


@sealed("2.5")
def lookups(rng: np.random.Generator) -> Iterator[Call]:
    for _ in range(6):
        steps = []
        for _ in range(24):
            op = str(rng.choice(OPS[:2]))
            steps.append(["register", op, str(rng.choice(PLACES))] if rng.random() < 0.35 else
                         ["find", op, str(rng.choice(PLACES[:2]))])
        yield Call("lookups", {"steps": steps}, "kernels that are registered and looked for in turn")
    steps = [["find", "mix", "red"], ["register", "mix", "composite"], ["find", "mix", "red"], ["find", "mix", "blue"],
             ["register", "mix", "red"], ["find", "mix", "red"], ["find", "mix", "blue"], ["register", "mix", "blue"],
             ["register", "mix", "composite"], ["find", "mix", "blue"], ["register", "mix", "red"],
             ["find", "mix", "red"], ["register", "stir", "blue"], ["register", "stir", "python"],
             ["find", "stir", "red"], ["register", "shake", "red"], ["find", "shake", "red"], ["find", "shake", "blue"]]
    yield Call("lookups", {"steps": steps}, "kernels of a device, of all devices, and of none")


def _tensor(kind: str, device: str = "red") -> dict[str, str]:
    return {"tensor": kind, "on": device}


def _kind(rng: np.random.Generator) -> str:
    return str(rng.choice(["plain", "leaf", "computed"]))


def _call(says: str, kernels: list[list[str]], arguments: list[Any], *, derivatives: list[list[str]] | None = None,
          op: str = "mix", recording: bool = True, times: int = 1) -> Call:
    return Call("calls", {"kernels": kernels, "derivatives": derivatives or [], "op": op, "arguments": arguments,
                          "recording": recording, "times": times}, says)


ALL = [["mix", "red", "tensor"], ["mix", "blue", "tensor"], ["mix", "composite", "tensor"], ["mix", "python", "tensor"]]


def _schema(arguments: list[Any]) -> list[str]:
    """A derivative for all arguments that are tensors or numbers, of an op called mix."""
    names = ["a", "b", "c", "d", "e"][: len(arguments)]
    able = [name for name, each in zip(names, arguments)
            if isinstance(each, (int, float)) and not isinstance(each, bool) or isinstance(each, dict)
            and "tensor" in each]
    return [f"mix({', '.join(names)})", *able]


@sealed("2.5")
def arguments(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(18):
        device = str(rng.choice(["red", "blue"]))
        others: list[Any] = [2.0, 3, None, "mean", True, {"tuple": [2, 3]}, [1, 2]]
        found: list[Any] = [_tensor(_kind(rng), device) for _ in range(int(rng.integers(1, 3)))]
        found += [others[int(place)] for place in rng.choice(len(others), int(rng.integers(0, 3)), replace=False)]
        found = [found[place] for place in rng.permutation(len(found))]
        kernels = [ALL[int(place)] for place in rng.permutation(4) if number % 3 or ALL[int(place)][1] != device]
        with_derivative = [_schema(found)] if number % 2 and len(_schema(found)) > 1 else []
        yield _call(f"a call with {len(found)} arguments", kernels, found, derivatives=with_derivative,
                    recording=bool(rng.random() < 0.8))
    for kind in ("plain", "leaf"):
        red, blue = _tensor(kind), _tensor(kind, "blue")
        for mixed in ([red, blue], [2.0, red, blue], [[red, blue], 0], [red, [red, blue]], [blue, blue, red],
                      [{"tuple": [blue, red]}]):
            yield _call("a call with tensors on two devices", ALL, mixed)
        elsewhere = [["mix", "blue", "tensor"], ["mix", "python", "tensor"]]
        yield _call("a call of an op that the device cannot do", elsewhere, [red])
        for error in ("ValueError", "RuntimeError", "NotImplementedError"):
            for known in ([], [DERIVATIVES["mix"]]):
                kernels = [["mix", "red", error], ["mix", "composite", "tensor"]]
                for recording in (True, False):
                    yield _call(f"a call whose kernel raises {error}", kernels, [red], derivatives=known,
                                recording=recording, times=2 if recording else 1)
    yield _call("a call whose kernel gives no tensor", [["mix", "composite", "value"]], [_tensor("leaf")])


@sealed("2.5")
def recording(rng: np.random.Generator) -> Iterator[Call]:
    for kinds in (["leaf"], ["plain"], ["computed"], ["plain", "leaf"], ["leaf", "plain"], ["plain", "plain"],
                  ["computed", "leaf"], ["plain", "plain", "computed"]):
        found: list[Any] = [_tensor(kind) for kind in kinds]
        for number in (None, 2.0):
            given = found if number is None else [number, *found]
            for place in ("red", "composite"):
                yield _call(f"a call of an op with a derivative on {' and '.join(kinds)}", [["mix", place, "tensor"]],
                            given, derivatives=[_schema(given)], recording=number is None or place == "red")
        yield _call(f"a call of an op without a derivative on {' and '.join(kinds)}", [["mix", "red", "tensor"]], found)
        for sequence in (found, {"tuple": found}):
            yield _call(f"a call on a list of {' and '.join(kinds)}", [["join", "composite", "tensor"]], [sequence, 0],
                        derivatives=[["join(tensors, dim)", "tensors"]], op="join", recording=True)
    parts = [["mix", "composite", "stir"], ["stir", "composite", "shake"], ["shake", "red", "tensor"]]
    for kind in ("leaf", "computed", "plain"):
        for names in (["mix"], ["mix", "stir", "shake"], ["stir", "shake"], ["shake"], ["stir"], []):
            for on in (True, False):
                yield _call(f"an op made of others, of which {' and '.join(names) or 'none'} have a derivative", parts,
                            [_tensor(kind)], derivatives=[DERIVATIVES[name] for name in names], recording=on,
                            times=int(rng.integers(1, 3)))
