"""Sealed checks of tasks 5.5 to 5.7."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from course.grading.compare import difference
from course.grading.sealed import Call, sealed
from course.grading.wire import Value

FAR = 7.0  # standard deviations: a right solution is outside once in 4e11 draws


def _eps(dtype: str) -> float:
    return float(np.finfo(dtype).eps)


# ---- 5.5 ----


def _rounding(x: np.ndarray, count: int, grad: float = 1.0) -> float:
    """A few units of the largest number that is added."""
    return 64.0 * _eps(x.dtype.name) * (1.0 + float(np.abs(x).max()) + math.log(count)) * (1.0 + grad)


@sealed("5.5")
def log_softmaxes(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(24):
        shape = rng.integers(2 if number else 1, 5, rng.integers(1, 4)).tolist()
        dtype = ("float64", "float32")[number % 3 == 2]
        x = rng.uniform(-4, 4, shape).astype(dtype)
        if number % 2:
            x += 1000 * rng.choice([1, -1, 0], shape).astype(dtype)
        dim = int(rng.integers(-len(shape), len(shape)))
        if number < 3:
            x, dim = np.array([[1000.0, 999.0], [-1000.0, -1001.0], [0.0, 1000.0]], dtype), 1 - number % 2
        grad = rng.integers(-4, 5, x.shape).astype(dtype)
        yield Call("log_softmax", {"x": x, "dim": dim, "grad": grad,
                                   "layout": ("contiguous", "turned", "cut")[number % 3]},
                   f"log_softmax of {[*x.shape]} along {dim}, {dtype}, and its gradient", rtol=0.0,
                   atol=_rounding(x, x.shape[dim], float(np.abs(grad).sum())))


def _batch(rng: np.random.Generator, number: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    n, classes = int(rng.integers(1, 5)) if number % 5 else 3, int(rng.integers(2, 6))
    classes += classes == n
    logits = rng.uniform(-4, 4, (n, classes)).astype(dtype)
    if number % 3 == 2:
        logits += 1000 * rng.choice([1, -1, 0], (n, classes)).astype(dtype)
    return logits, rng.integers(0, classes, n)


@sealed("5.5")
def losses(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(20):
        dtype = ("float64", "float32")[number % 4 == 3]
        logits, targets = _batch(rng, number, dtype)
        if number == 2:
            logits, targets = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]]), np.array([0, 0])
        upstream = np.array(rng.choice([5.0, -2.0, 0.25, 3.0]), logits.dtype)
        yield Call("cross_entropy", {"logits": logits, "targets": targets, "upstream": upstream},
                   f"CrossEntropy of {[*logits.shape]}, {dtype}, and its gradient for {float(upstream)}", rtol=0.0,
                   atol=_rounding(logits, logits.shape[1], abs(float(upstream))))
    for number in range(4):
        logits, targets = _batch(rng, number + 3 * (number == 2))
        others = (targets + 1) % logits.shape[1]
        yield Call("cross_entropy_twice", {"logits": logits, "targets": targets, "others": others,
                                           "factor": float(rng.uniform(2, 4))}, "two losses of one view", rtol=0.0,
                   atol=8 * _rounding(logits, logits.shape[1]))
        logits = rng.uniform(-2, 2, logits.shape)
        yield Call("cross_entropy_second", {"logits": logits, "targets": targets, "factor": float(rng.uniform(2, 4))},
                   "second derivatives of CrossEntropy", rtol=1e-9, atol=1e-11)


# ---- 5.6 ----

SHAPES = [(2, 2), (4, 3), (2, 2, 2), (1, 2, 3), (2, 3, 4), (2, 2, 1, 3), (3, 2, 2, 2), (1, 3, 2, 2), (5, 3)]


@sealed("5.6")
def normalizations(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(24):
        shape = SHAPES[number % len(SHAPES)]
        channels = shape[1]
        x = rng.integers(-6, 7, shape) / 2 + rng.uniform(0, 1, shape)
        weight, bias = (rng.uniform(1, 9, channels) for _ in range(2))
        mean, var = rng.uniform(-4, 4, channels), rng.uniform(0.5, 4, channels)
        training = number % 4 != 3
        without = training and number % 6 == 5
        yield Call("batch_norm", {
            "x": x, "layout": ("contiguous", "turned", "cut")[number % 3], "running_mean": None if without else mean,
            "running_var": None if without else var, "weight": None if number % 5 in (2, 3) else weight,
            "bias": None if number % 5 in (2, 4) else bias - 4, "training": training,
            "momentum": float(rng.choice([0.1, 0.25, 0.75])), "eps": 0.25, "device": "cpu" if number % 8 == 6 else None,
            "grad": rng.integers(-4, 5, shape).astype(float)},
            f"batch_norm of {list(shape)}, training {training}", rtol=1e-8, atol=1e-8)
    yield Call("batch_norm_twice", {"first": rng.uniform(-3, 3, (4, 2)), "second": rng.uniform(0, 3, (3, 2)),
                                    "running_mean": np.zeros(2), "running_var": np.ones(2), "momentum": 0.3,
                                    "eps": 1e-5}, "batch_norm of two batches", rtol=1e-9, atol=1e-9)
    far = np.array([[3000.0, 0], [3001, 1], [3000, 3], [3001, 5]]) + rng.integers(0, 9)
    for device in (None, "cpu"):
        yield Call("batch_norm", {
            "x": far.astype("float32"), "layout": "contiguous", "running_mean": np.zeros(2, "float32"),
            "running_var": np.ones(2, "float32"), "weight": None, "bias": None, "training": True, "momentum": 0.1,
            "eps": 1e-5, "device": device, "grad": np.zeros((4, 2), "float32")},
            "batch_norm of large numbers that differ little, float32", rtol=1e-3, atol=1e-3)
    yield Call("batch_norm", {
        "x": np.full((3, 2), 3.0), "layout": "contiguous", "running_mean": None, "running_var": None,
        "weight": np.array([2.0, 3.0]), "bias": np.array([7.0, 8.0]), "training": True, "momentum": 0.1, "eps": 0.25,
        "device": None, "grad": np.ones((3, 2))}, "batch_norm of channels that are all the same", rtol=1e-9, atol=1e-9)


def _about(part: float, right: float, count: float, what: str) -> str:
    width = FAR * math.sqrt(max(right * (1 - right), 1e-12) / count)
    return "" if abs(part - right) <= width else f"{what}: {part:.4f}, expected about {right:.4f}"


def _fact(inputs: dict[str, Value]) -> list[str]:
    """Its device; whether it has a history; the input stays as it is."""
    return [f"{inputs['device'] or 'python'}, {inputs['grad'] is not None}, True"]


def _dropped(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """Each element is 0 or scaled, and so is its gradient."""
    x, p, training = inputs["x"], inputs["p"], inputs["training"]
    if got.keys() != {"outs", "grads", "facts"} or len(got["outs"]) != inputs["calls"]:
        return "the answer has another form"
    if got["facts"] != _fact(inputs):
        return f"device, history, the input afterwards: {got['facts']}, expected {_fact(inputs)}"
    rtol = 1e-6
    scale = 1.0 if not training or p in (0.0, 1.0) else 1 / (1 - p)
    for number, out in enumerate(got["outs"]):
        kept = out != 0 if type(out) is np.ndarray and training else np.ones(x.shape, bool)
        if training and p == 1.0:
            kept = np.zeros(x.shape, bool)
        reason = difference(out, np.where(kept, x * scale, 0).astype(x.dtype), rtol, 0.0)
        if not reason and inputs["grad"] is not None:
            reason = difference(got["grads"][number], np.where(kept, inputs["grad"] * scale, 0).astype(x.dtype),
                                rtol, 0.0)
            reason = reason and f"the gradient: {reason}"
        if reason:
            return reason
    return ""


def _by_chance(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """The part that is dropped, neighbors, and what two calls do; all by their statistics."""
    reason = _dropped(inputs, got, expected)
    if reason:
        return reason
    p, keeps = inputs["p"], [out != 0 for out in got["outs"]]
    alike = p * p + (1 - p) * (1 - p)
    reason = _about(float(np.mean([1 - keep.mean() for keep in keeps])), p, sum(keep.size for keep in keeps),
                    "the part of the elements that are dropped")
    for dim in range(keeps[0].ndim):
        moved = [np.moveaxis(keep, dim, 0) for keep in keeps]
        pairs = [(keep[0 : len(keep) // 2 * 2 : 2] == keep[1::2]) for keep in moved if len(keep) > 1]
        if pairs and not reason:
            reason = _about(float(np.mean(pairs)), alike, np.size(pairs), f"neighbors along dimension {dim} alike")
    if len(keeps) > 1 and not reason:
        both = [one == other for one, other in zip(keeps[::2], keeps[1::2])]
        reason = _about(float(np.mean(both)), alike, np.size(both), "elements that two calls do the same to")
    if len(keeps) >= 24 and not reason and len({int(keep.sum()) for keep in keeps}) == 1:
        reason = "each call drops equally many"
    return reason


def _never_zero(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (rng.permutation(math.prod(shape)) + 1.0).reshape(shape).astype(dtype) * rng.choice([1, -1])


@sealed("5.6")
def dropouts(rng: np.random.Generator) -> Iterator[Call]:
    def call(shape: tuple[int, ...], p: float, training: bool, calls: int, number: int = 0, chance: bool = False,
             device: str | None = None) -> Call:
        dtype = ("float64", "float32")[number % 2]
        x = np.ones(shape, dtype) if chance else _never_zero(rng, shape, dtype)
        return Call("dropout", {
            "x": x, "p": p, "training": training, "calls": calls, "device": device,
            "layout": ("contiguous", "cut", "turned")[number % 3],
            "grad": None if chance else _never_zero(rng, shape, dtype), "seed": int(rng.integers(0, 10**6))},
            f"dropout of {list(shape)}, p {p}, training {training}, {calls} times",
            compare=_by_chance if chance else _dropped)

    for number, shape in enumerate([(4,), (3, 4), (2, 3, 2), (1, 2, 3, 2), (6, 1)]):
        for p in (0.125, 0.2, 0.75, 0.9):
            yield call(shape, p, True, 6, number)
        yield call(shape, float(rng.choice([0.0, 0.2, 0.9, 1.0])), False, 1, number)
        for p in (0.0, 1.0):
            yield call(shape, p, True, 1, number)
    yield call((3, 4), 0.5, True, 2, device="cpu")
    for p in (0.1, 0.25, 0.6, 0.8):
        yield call((64, 48), p, True, 1, 1, chance=True, device="cpu")
    yield call((16, 16, 16), 0.3, True, 1, 1, chance=True, device="cpu")
    yield call((8, 8), 0.3, True, 24, 1, chance=True, device="cpu")


# ---- 5.7 ----


def _even(numbers: np.ndarray, bound: float) -> str:
    """Spread evenly from -bound to bound. There are at least 1,000."""
    largest = float(np.abs(numbers).max())
    if not bound * (1 - 30 / len(numbers)) <= largest <= bound * (1 + 1e-6):
        return f"the largest magnitude is {largest:.4f}, expected just below {bound:.4f}"
    if len(set(numbers.tolist())) < len(numbers):
        return "some numbers are equal"
    for quarter in range(4):
        begin = bound * (quarter / 2 - 1)
        part = float(((numbers >= begin) & (numbers < begin + bound / 2)).mean())
        reason = _about(part, 0.25, len(numbers), f"the part from {begin:.4f} to {begin + bound / 2:.4f}")
        if reason:
            return reason
    return ""


def _filled(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    reason = difference(got["facts"], expected["facts"], 0.0, 0.0, "returns None, is a leaf")
    bound = 1 / math.sqrt(math.prod(inputs["shape"][1:]))
    for name in ("weight", "bias"):
        if not reason and (got[name].shape, got[name].dtype) != (expected[name].shape, expected[name].dtype):
            reason = f"{name} has another shape or kind"
        if not reason and len(expected[name]):
            reason = _even(got[name], bound)
            reason = reason and f"{name}: {reason}"
    return reason


@sealed("5.7", beside=("5.3", "5.4", "5.5", "5.6"))
def first_numbers(rng: np.random.Generator) -> Iterator[Call]:
    for number, shape in enumerate([[40, 7, 3, 3], [50, 30], [12, 5, 7, 2], [25, 4, 11], [90, 20]]):
        yield Call("reset_parameters", {"shape": shape, "times": 1000 // shape[0] + 1, "with_bias": number != 3,
                                        "seed": int(rng.integers(0, 10**6))}, f"reset_parameters of {shape}",
                   compare=_filled)


def _new_layers(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    for key in expected:
        if key != "numbers":
            reason = difference(got[key], expected[key], 0.0, 0.0, key)
            if reason:
                return reason
    shape = expected["shapes"][0]
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    for each, right in zip(got["numbers"], expected["numbers"], strict=True):
        if each.shape != right.shape or each.dtype != right.dtype or not (
                0 < np.abs(each).max() <= bound * (1 + 1e-6)) or len(set(each.tolist())) < (
                len(each) if each.dtype == np.float64 else min(2, len(each))):
            return f"the first numbers are not drawn one by one from -{bound:.4f} to {bound:.4f}"
    half = len(got["numbers"]) // 2
    if any(np.array_equal(one, other) for one, other in zip(got["numbers"][:half], got["numbers"][half:])):
        return "two layers have the same first numbers"
    return ""


@sealed("5.7")
def layers(rng: np.random.Generator) -> Iterator[Call]:
    makers: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("Linear", [3, 2], {}), ("Conv2d", [3, 4, [5, 2]], {}), ("Conv2d", [6, 4, 3], {"groups": 2})]
    for kind, arguments, fixed in makers:
        for more in ({"dtype": "float64"}, {"device": "cpu"}, {}, {"bias": False}, {"bias": False, "dtype": "float64"}):
            yield Call("layer_made", {"kind": kind, "arguments": arguments, "options": {**fixed, **more},
                                      "seed": int(rng.integers(0, 10**6))}, f"{kind}{arguments}, {fixed}, {more}",
                       compare=_new_layers)
    for number, shape in enumerate([(4,), (2, 4), (1, 3, 4)]):
        bias = number != 1
        parameters = [rng.uniform(-2, 2, size) for size in ([3, 4], [3])][: 1 + bias]
        yield Call("layer_forward", {"kind": "Linear", "arguments": [4, 3],
                                     "options": {"bias": bias, "dtype": "float64"}, "parameters": parameters,
                                     "x": rng.uniform(-2, 2, shape), "grad": rng.uniform(-2, 2, (*shape[:-1], 3))},
                   f"Linear(4, 3, bias={bias}) of {list(shape)}", rtol=1e-9, atol=1e-9)
    settings: list[tuple[dict[str, Any], tuple[int, int]]] = [
        ({}, (3, 4)), ({"stride": [2, 1]}, (2, 4)), ({"padding": [1, 2]}, (5, 8)), ({"dilation": [1, 2]}, (3, 2)),
        ({"groups": 2}, (3, 4)), ({"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2}, (3, 6))]
    for number, (options, counts) in enumerate(settings):
        bias, channels = number != 2, 2 // options.get("groups", 1)
        parameters = [rng.uniform(-2, 2, size) for size in ([4, channels, 2, 3], [4])][: 1 + bias]
        yield Call("layer_forward", {"kind": "Conv2d", "arguments": [2, 4, [2, 3]],
                                     "options": {**options, "bias": bias, "dtype": "float64"},
                                     "parameters": parameters, "x": rng.uniform(-2, 2, (2, 2, 4, 6)),
                                     "grad": rng.uniform(-2, 2, (2, 4, *counts))},
                   f"Conv2d(2, 4, (2, 3)), {options}, bias {bias}", rtol=1e-9, atol=1e-9)


LENET = {
    "conv1.weight": (6, 1, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,),
    "fc1.weight": (120, 400), "fc1.bias": (120,), "fc2.weight": (84, 120), "fc2.bias": (84,),
    "fc3.weight": (10, 84), "fc3.bias": (10,)}


@sealed("5.7")
def networks(rng: np.random.Generator) -> Iterator[Call]:
    for device in (None, "cpu", "python"):
        yield Call("lenet_made", {"device": device}, f"LeNet({device or ''}): its parameters")
    for count in (1, 2):
        state = {name: rng.uniform(-1, 1, shape) * (0.5 if name.endswith("bias") else 2 / math.sqrt(
            math.prod(shape[1:]))) for name, shape in LENET.items()}
        yield Call("lenet", {"state": state, "x": rng.uniform(-1, 1, (count, 1, 28, 28)),
                             "grad": rng.uniform(-2, 2, (count, 10))}, f"LeNet: logits and gradients of {count} images",
                   rtol=1e-7, atol=1e-8)


def _epoch(inputs: dict[str, Value], got: Value, expected: Value) -> str:
    """Of the graphs of earlier batches, one may be there."""
    if type(got.get("alive")) is not int or got["alive"] > 1:
        return f"{got.get('alive')} graphs of earlier batches are still there"
    return difference({**got, "alive": 0}, {**expected, "alive": 0}, 1e-9, 1e-9)


@sealed("5.7")
def epochs(rng: np.random.Generator) -> Iterator[Call]:
    for number in range(8):
        sizes = rng.integers(1, 4, rng.integers(2, 6)).tolist() if number else [1] * 5
        weight = rng.uniform(-1, 1, (4, 3))
        batches: dict[str, Any] = {
            "weight": weight, "inputs": [rng.uniform(-1, 1, (size, 2, 2)) for size in sizes],
            "targets": [rng.integers(0, 3, size) for size in sizes], "lr": 0.3}
        yield Call("train_epoch", {**batches, "still": number == 3, "stale": number in (4, 5),
                                   "told": number % 2 == 0}, f"train_epoch, batches of {sizes}", compare=_epoch)
        if number < 2:
            yield Call("train_other", {**batches, "offset": 7.0}, f"train_epoch with another loss, batches of {sizes}",
                       rtol=1e-9, atol=1e-9)
