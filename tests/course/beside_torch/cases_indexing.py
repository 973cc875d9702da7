"""The table's entries: `[]` with tensors, assignment, gather, cat, stack, factories."""

from __future__ import annotations

from typing import Any

from table import ALL, FLOATS, MIXED, ONE, Case, each

MATRIX = each((4, 3))
CUBE = each((3, 4, 2))

# ---- Reading with tensors of indices and masks: results are copies ----

_READ = {
    "a[t]": (lambda lib, a: a[lib.tensor([2, 0, 1])], each((3,), (4, 3), (3, 0))),
    "a[t], an index twice": (lambda lib, a: a[lib.tensor([1, 2, 1, 1])], each((3,), (4, 3))),
    "a[t], negative": (lambda lib, a: a[lib.tensor([-1, 0, -3])], each((3,), (4, 3))),
    "a[t] of a 0-d tensor": (lambda lib, a: a[lib.tensor(1)], each((3,), (4, 3))),
    "a[t] of a matrix": (lambda lib, a: a[lib.tensor([[0, 1], [2, 0]])], each((3,), (4, 3))),
    "a[t] of no indices": (lambda lib, a: a[lib.zeros(0, dtype=lib.int64)], each((3,), (4, 3))),
    "a[list]": (lambda lib, a: a[[2, 0]], each((3,), (4, 3))),
    "a[t, t]": (lambda lib, a: a[lib.tensor([0, 3, 3]), lib.tensor([2, 1, 1])], MATRIX),
    "a[t, t], broadcast": (lambda lib, a: a[lib.tensor([[0], [3]]), lib.tensor([2, 1, 1])], MATRIX),
    "a[t, 1]": (lambda lib, a: a[lib.tensor([0, 3, 3]), 1], MATRIX),
    "a[2, t]": (lambda lib, a: a[2, lib.tensor([0, 2])], MATRIX),
    "a[:, t]": (lambda lib, a: a[:, lib.tensor([2, 0, 0])], MATRIX + each((2, 3, 2))),
    "a[1:, t]": (lambda lib, a: a[1:, lib.tensor([2, 0])], MATRIX),
    "a[::2, t]": (lambda lib, a: a[::2, lib.tensor([[2], [0]])], MATRIX),
    "a[..., t]": (lambda lib, a: a[..., lib.tensor([1, 1, 0])], CUBE),
    "a[t, ..., 0]": (lambda lib, a: a[lib.tensor([1, 1, 0]), ..., 0], CUBE),
    "a[None, t]": (lambda lib, a: a[None, lib.tensor([1, 1, 0])], MATRIX),
    "a[t, None]": (lambda lib, a: a[lib.tensor([1, 1, 0]), None], MATRIX),
    "a[t, :, t]": (lambda lib, a: a[lib.tensor([2, 0]), :, lib.tensor([1, 0])], CUBE),
    "a[:, t, t]": (lambda lib, a: a[:, lib.tensor([3, 0]), lib.tensor([1, 0])], CUBE),
    "a[t, :, 1]": (lambda lib, a: a[lib.tensor([2, 0]), :, 1], CUBE),
    "a[0, :, t]": (lambda lib, a: a[0, :, lib.tensor([1, 1, 0])], CUBE),
    "a[mask]": (lambda lib, a: a[a.detach() > 0], ONE),
    "a[mask of rows]": (lambda lib, a: a[lib.tensor([True, False, True, True])], MATRIX + each((4,))),
    "a[:, mask]": (lambda lib, a: a[:, lib.tensor([True, False, True])], MATRIX),
    "a[mask, 1]": (lambda lib, a: a[lib.tensor([True, False, True, False]), 1], MATRIX),
    "a[mask, t]": (lambda lib, a: a[lib.tensor([True, False, True, False]), lib.tensor([2, 0])], MATRIX),
    "a[mask of two dims]": (lambda lib, a: a[(a.detach() > 0).any(-1)], CUBE),
    "a[nothing true]": (lambda lib, a: a[a.detach() > 100], each((3,), (4, 3))),
    "a[list of bools]": (lambda lib, a: a[[True, False, True, True]], MATRIX),
    "a[True]": (lambda lib, a: [a[True], a[False]], each((3,), (4, 3), ())),
    "a[0-d mask]": (lambda lib, a: a[lib.tensor(True)], each((3,), ())),
    "a[arange]": (lambda lib, a: a[lib.arange(2)], MATRIX),
    "a[int(t)]": (lambda lib, a: a[lib.tensor(2)] + a[lib.tensor(1).item()], MATRIX),
    "an index in a slice": (lambda lib, a: a[lib.tensor(1):lib.tensor(3)], MATRIX),
}

# ---- Writing: the expression changes a copy, so that the gradients of what remains and of what is put in count ----


def _put(write: Any) -> Any:
    def run(lib: Any, a: Any, *rest: Any) -> Any:
        b = a * 1
        write(lib, b, *rest)
        return b
    return run


def _set(index: Any) -> Any:
    """An assignment to `b[index]`; `index` is a function of the library and of b."""
    def write(lib: Any, b: Any, value: Any) -> None:
        b[index(lib, b)] = value
    return write


_WRITE = {
    "b[1] = v": (lambda lib, b: 1, (((4, 3), (3,)), ((4, 3), ()), ((4,), ()), ((4, 3), (1, 1, 3)))),
    "b[-1, 0] = v": (lambda lib, b: (-1, 0), (((4, 3), ()), ((4, 3), (1,)))),
    "b[1:3] = v": (lambda lib, b: slice(1, 3), (((4, 3), (2, 3)), ((4, 3), (3,)), ((4,), (1,)))),
    "b[::2, 1] = v": (lambda lib, b: (slice(None, None, 2), 1), (((4, 3), (2,)), ((4, 3), ()))),
    "b[..., 0] = v": (lambda lib, b: (..., 0), (((4, 3), (4,)), ((2, 2, 3), (2, 1)))),
    "b[:] = v": (lambda lib, b: slice(None), (((4, 3), (3,)), ((0,), (1,)))),
    "b[...] = v": (lambda lib, b: ..., (((4, 3), (4, 1)), ((), ()))),
    "b[None] = v": (lambda lib, b: None, (((4, 3), (1, 4, 3)), ((4, 3), (3,)))),
    "b[2:2] = v": (lambda lib, b: slice(2, 2), (((4, 3), (3,)), ((4, 3), ()))),
    "b[t] = v": (lambda lib, b: lib.tensor([3, 0]), (((4, 3), (2, 3)), ((4, 3), (3,)), ((4,), (2,)), ((4,), ()))),
    "b[t, t] = v": (lambda lib, b: (lib.tensor([3, 0]), lib.tensor([1, 2])), (((4, 3), (2,)), ((4, 3), ()))),
    "b[:, t] = v": (lambda lib, b: (slice(None), lib.tensor([2, 0])), (((4, 3), (4, 2)), ((4, 3), (2,)))),
    "b[t, 1] = v": (lambda lib, b: (lib.tensor([3, 0]), 1), (((4, 3), (2,)),)),
    "b[mask] = v": (lambda lib, b: b.detach() > 0, (((4, 3), ()), ((0, 3), ()))),
    "b[mask of rows] = v": (lambda lib, b: lib.tensor([True, False, True, False]), (((4, 3), (3,)), ((4, 3), (2, 3)))),
    "b[mask, 1] = v": (lambda lib, b: (lib.tensor([True, False, True, False]), 1), (((4, 3), (2,)), ((4, 3), ()))),
    "b[True] = v": (lambda lib, b: True, (((4, 3), (3,)), ((), ()))),
}


def _add_into(lib: Any, b: Any, v: Any) -> None:
    b[1:] += v


def _times_into(lib: Any, b: Any, v: Any) -> None:
    b[lib.tensor([2, 0])] *= v


def _numbers(lib: Any, b: Any) -> None:
    b[0] = 2
    b[1:, 0] = 0.5
    b[b > 1.5] = -1
    b[lib.tensor([1, 1])] = 3


def _indexing() -> list[Case]:
    cases = [Case(name, run, shapes, ALL) for name, (run, shapes) in _READ.items()]
    cases += [Case(name, _put(_set(index)), shapes) for name, (index, shapes) in _WRITE.items()]
    cases += [Case(f"{name}, mixed dtypes", _put(_set(index)), shapes[:1], MIXED, grad=False, may_raise=True,
                   layouts=("contiguous",)) for name, (index, shapes) in _WRITE.items()
              if name in ("b[1] = v", "b[t] = v", "b[mask] = v", "b[:, t] = v")]
    cases += [Case(f"{name}, through a view", _set(index), shapes[:1], grad=False, layouts=("permuted", "sliced"))
              for name, (index, shapes) in _WRITE.items()]
    return cases + [
        Case("b[1:] += v", _put(_add_into), (((4, 3), (3,)),)),
        Case("b[t] *= v", _put(_times_into), (((4, 3), (3,)),)),
        Case("numbers are assigned", _put(_numbers), MATRIX, FLOATS + ("int64",)),
        Case("a view is assigned within its own storage", lambda lib, a: a.__setitem__(slice(0, 2), a[2:]), MATRIX,
             grad=False, layouts=("contiguous", "permuted", "sliced")),
    ]


# ---- gather, cat, stack ----


def _joined() -> list[Case]:
    def columns(lib: Any) -> Any:
        return lib.tensor([[0, 2, 2], [1, 1, 1]])

    pairs = (((2, 3), (1, 3)), ((2, 3), (0, 3)), ((2, 3), (2, 3)))
    return [
        Case("gather(1)", lambda lib, a: a.gather(1, columns(lib)), MATRIX, ALL, node=True),
        Case("gather(-1) with one index each", lambda lib, a: a.gather(-1, lib.tensor([[0], [2], [1], [1]])), MATRIX),
        Case("gather(0)", lambda lib, a: a.gather(0, columns(lib)), each((3, 3), (4, 4))),
        Case("gather of a vector", lambda lib, a: a.gather(0, lib.tensor([2, 2, 0, 2, 1])), each((3,))),
        Case("gather in three dims", lambda lib, a: a.gather(1, lib.tensor([[[3, 0]], [[1, 1]]])), CUBE),
        Case("gather of no indices", lambda lib, a: a.gather(0, lib.zeros(0, 3, dtype=lib.int64)), MATRIX),
        Case("gather of a 0-d tensor", lambda lib, a: a.gather(0, lib.tensor(0)), each((), (3,))),
        Case("cat", lambda lib, a, b: lib.cat([a, b]), pairs + (((3,), (2,)), ((3,), (0,))), node=True),
        Case("cat(dim=1)", lambda lib, a, b: lib.cat((a, b, a), dim=1), (((2, 3), (2, 1)), ((2, 0), (2, 3)))),
        Case("cat(dim=-1)", lambda lib, a, b: lib.cat([a, b], dim=-1), (((2, 3), (2, 1)), ((3,), (2,)))),
        Case("cat of one", lambda lib, a: lib.cat([a]), each((3,), (2, 3))),
        Case("cat, mixed dtypes", lambda lib, a, b: lib.cat([a, b]), (((2, 3), (1, 3)),), MIXED, second=False),
        Case("stack", lambda lib, a, b: lib.stack([a, b]), (((2, 3), (2, 3)), ((), ()), ((0, 2), (0, 2)))),
        Case("stack(dim=1)", lambda lib, a, b: lib.stack((a, b, b), dim=1), (((2, 3), (2, 3)), ((3,), (3,)))),
        Case("stack(dim=-1)", lambda lib, a, b: lib.stack([a, b], dim=-1), (((2, 3), (2, 3)), ((), ()))),
        Case("stack, mixed dtypes", lambda lib, a, b: lib.stack([a, b]), (((3,), (3,)),), MIXED, second=False,
             may_raise=True),
        Case("rows apart and together", lambda lib, a: lib.stack([row * row.sum() for row in a]), MATRIX),
    ]


# ---- Factories: no inputs ----

_MADE = {
    "tensor of numbers": lambda lib: [lib.tensor(3), lib.tensor(2.5), lib.tensor(True)],
    "tensor of lists": lambda lib: [lib.tensor([1, 2]), lib.tensor([[1.0, 2], [3, 4]]), lib.tensor([True, False])],
    "tensor of mixed numbers": lambda lib: [lib.tensor([1, 2.5]), lib.tensor([True, 2]), lib.tensor([True, 0.5])],
    "tensor of nothing": lambda lib: [lib.tensor([]), lib.tensor([[], []]), lib.tensor([[[]]])],
    "tensor of tuples": lambda lib: [lib.tensor((1, 2)), lib.tensor(((1,), [2]))],
    "tensor with a dtype": lambda lib: [lib.tensor([1, 0, 2.7], dtype=dtype)
                                        for dtype in (lib.float64, lib.float32, lib.int64, lib.bool)],
    "tensor that requires grad": lambda lib: lib.tensor([1.0, 2.0], requires_grad=True) * 2,
    "tensor of NumPy": lambda lib: [lib.tensor(_array(kind)) for kind in ("float64", "float32", "int64", "bool")],
    "tensor of 0-d tensors": lambda lib: lib.tensor([lib.tensor(1.5), lib.tensor(2.0)]),
    "tensor of infinities": lambda lib: lib.tensor([float("inf"), -float("inf"), float("nan"), 1e300]),
    "zeros": lambda lib: [lib.zeros(2, 3), lib.zeros((2, 3)), lib.zeros(3), lib.zeros(0), lib.zeros(())],
    "zeros with a dtype": lambda lib: [lib.zeros(2, dtype=lib.int64), lib.zeros((1, 2), dtype=lib.bool)],
    "zeros of a shape": lambda lib: lib.zeros(lib.ones(2, 3).shape),
    "ones": lambda lib: [lib.ones(2, 3), lib.ones([3]), lib.ones(2, dtype=lib.float64), lib.ones(2, 0)],
    "ones that require grad": lambda lib: lib.ones(3, requires_grad=True).sum(),
    "full": lambda lib: [lib.full((2, 3), 1.5), lib.full((2,), 7), lib.full((2,), True), lib.full((), 2.5)],
    "full with a dtype": lambda lib: [lib.full((2,), 7, dtype=lib.float64), lib.full((2,), 1.5, dtype=lib.int64)],
    "arange(n)": lambda lib: [lib.arange(5), lib.arange(0), lib.arange(3.0), lib.arange(2.5)],
    "arange(start, end)": lambda lib: [lib.arange(2, 6), lib.arange(-1, 2), lib.arange(1.5, 4), lib.arange(3, 3)],
    "arange with a step": lambda lib: [lib.arange(0, 10, 3), lib.arange(5, 0, -2), lib.arange(0, 1, 0.25)],
    "arange with a dtype": lambda lib: [lib.arange(3, dtype=lib.float64), lib.arange(0, 1, 0.1, dtype=lib.float64)],
    "eye": lambda lib: [lib.eye(3), lib.eye(2, 3), lib.eye(3, 2), lib.eye(0), lib.eye(2, dtype=lib.int64)],
    "rand": lambda lib: (lambda a: [a.shape, a.dtype, (a >= 0).all(), (a < 1).all()])(lib.rand(5, 4)),
    "randn": lambda lib: (lambda a: [a.shape, a.dtype, (a > 0).any(), (a < 0).any()])(lib.randn(8, 4)),
    "randn with a dtype": lambda lib: [lib.randn(2, dtype=lib.float64).dtype, lib.randn((2, 1)).shape, lib.randn(0)],
    "randint": lambda lib: (lambda a: [a.shape, a.dtype, (a >= 0).all(), (a < 3).all()])(lib.randint(3, (5, 4))),
    "randint from low": lambda lib: (lambda a: [(a >= -2).all(), (a < 3).all(), a.dtype])(lib.randint(-2, 3, (9,))),
    "manual_seed": lambda lib: (lambda draw: (draw() == draw()).all())(
        lambda: (lib.manual_seed(5), lib.rand(3) + lib.randn(3) + lib.randint(9, (3,)))[1]),
    "random numbers go on": lambda lib: (lib.rand(8) == lib.rand(8)).any(),
}


def _array(dtype: str) -> Any:
    import numpy

    return numpy.arange(6).reshape(2, 3).T.astype(dtype)


CASES = [*_indexing(), *_joined(), *(Case(f"factory: {name}", run) for name, run in _MADE.items())]
