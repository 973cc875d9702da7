"""The table's entries: reductions, softmax, ties, matmul in all ranks."""

from __future__ import annotations

from table import ALL, FLOATS, NUMBERS, ONE, Case, each

FILLED = each((), (3,), (2, 3), (2, 1, 3))  # shapes with elements
MATRICES = each((2, 3), (1, 3), (3, 1))
CUBES = each((2, 3, 4), (2, 1, 3))

# ---- Over dimensions: name: (expression, shapes, dtypes) ----

_SUMS = {
    "sum()": (lambda lib, a: a.sum(), ONE, ALL),
    "sum(0)": (lambda lib, a: a.sum(0), ONE, ALL),
    "sum(-1, keepdim)": (lambda lib, a: a.sum(-1, keepdim=True), ONE, ALL),
    "sum(dim=1)": (lambda lib, a: a.sum(dim=1), each((2, 3), (2, 0, 3), (2, 3, 0)), ALL),
    "sum((0, 2))": (lambda lib, a: a.sum((0, 2)), CUBES + each((2, 0, 3)), ALL),
    "sum((-1, 0), keepdim)": (lambda lib, a: a.sum((-1, 0), keepdim=True), CUBES + each((2, 3)), FLOATS),
    "sum of a list of dims": (lambda lib, a: a.sum(dim=[0, 1]), CUBES + each((2, 3)), FLOATS),
    "sum over no dims": (lambda lib, a: a.sum(()), FILLED, FLOATS),
    "sum with a dtype": (lambda lib, a: [a.sum(dtype=lib.float64), a.sum(0, dtype=lib.float64)], ONE, ALL),
    "mean()": (lambda lib, a: a.mean(), FILLED, FLOATS),
    "mean(0)": (lambda lib, a: a.mean(0), FILLED, FLOATS),
    "mean(-1, keepdim)": (lambda lib, a: a.mean(-1, keepdim=True), FILLED, FLOATS),
    "mean((0, -1))": (lambda lib, a: a.mean((0, -1)), CUBES + each((2, 3)), FLOATS),
    "mean with a dtype": (lambda lib, a: a.mean(dtype=lib.float32), FILLED, ("int64", "bool")),
    "var()": (lambda lib, a: a.var(), each((3,), (2, 3), (2, 1, 3)), FLOATS),
    "var(0)": (lambda lib, a: a.var(0), each((3,), (2, 3), (4, 0)), FLOATS),
    "var(-1, unbiased=False)": (lambda lib, a: a.var(-1, unbiased=False), ONE, FLOATS),
    "var(unbiased=False)": (lambda lib, a: a.var(unbiased=False), FILLED, FLOATS),
    "var(correction=0)": (lambda lib, a: a.var(correction=0), FILLED, FLOATS),
    "var(1, correction=2, keepdim)": (lambda lib, a: a.var(1, correction=2, keepdim=True), each((2, 3), (3, 4)),
                                      FLOATS),
    "var((0, 2))": (lambda lib, a: a.var((0, 2)), CUBES, FLOATS),
    "std()": (lambda lib, a: a.std(), each((3,), (2, 3), (2, 1, 3)), FLOATS),
    "std(0, keepdim)": (lambda lib, a: a.std(0, keepdim=True), each((3,), (4, 3)), FLOATS),
    "std(-1, correction=0)": (lambda lib, a: a.std(-1, correction=0), each((3,), (2, 3), (2, 1, 3)), FLOATS),
}
_LARGEST = {
    "max()": (lambda lib, a: a.max(), FILLED, ALL),
    "min()": (lambda lib, a: a.min(), FILLED, ALL),
    "max(0)": (lambda lib, a: a.max(0), FILLED + each((2, 0)), ALL),
    "max(-1, keepdim)": (lambda lib, a: a.max(-1, keepdim=True), FILLED + each((2, 0, 3)), ALL),
    "min(dim=1)": (lambda lib, a: a.min(dim=1), MATRICES + CUBES, ALL),
    "min(0, keepdim)": (lambda lib, a: a.min(0, keepdim=True), FILLED, FLOATS),
    "max: values and indices by name": (lambda lib, a: [a.max(0).values, a.max(0).indices], FILLED, NUMBERS),
    "argmax()": (lambda lib, a: a.argmax(), FILLED, NUMBERS),
    "argmax(0)": (lambda lib, a: a.argmax(0), FILLED + each((2, 0)), NUMBERS),
    "argmax(-1, keepdim)": (lambda lib, a: a.argmax(-1, keepdim=True), FILLED, NUMBERS),
    "argmax(dim=None, keepdim)": (lambda lib, a: a.argmax(keepdim=True), each((2, 3)), FLOATS),
    "all()": (lambda lib, a: a.all(), ONE, ALL),
    "any()": (lambda lib, a: a.any(), ONE, ALL),
    "all(0)": (lambda lib, a: a.all(0), ONE, ALL),
    "any(-1, keepdim)": (lambda lib, a: a.any(-1, keepdim=True), ONE, ALL),
    "any(dim=1)": (lambda lib, a: (a > 0).any(dim=1), MATRICES, NUMBERS),
}
_SOFT = {
    "softmax(-1)": (lambda lib, a: a.softmax(-1), ONE, FLOATS),
    "softmax(0)": (lambda lib, a: a.softmax(0), ONE, FLOATS),
    "softmax(dim=1)": (lambda lib, a: a.softmax(dim=1), MATRICES + CUBES, FLOATS),
    "log_softmax(-1)": (lambda lib, a: a.log_softmax(-1), ONE, FLOATS),
    "log_softmax(0)": (lambda lib, a: a.log_softmax(dim=0), ONE, FLOATS),
    "logsumexp(-1)": (lambda lib, a: a.logsumexp(-1), ONE, FLOATS),
    "logsumexp(0, keepdim)": (lambda lib, a: a.logsumexp(0, keepdim=True), ONE, FLOATS),
    "logsumexp((0, 1))": (lambda lib, a: a.logsumexp((0, 1)), MATRICES + CUBES, FLOATS),
}


def _reductions() -> list[Case]:
    cases = []
    for table in (_SUMS, _LARGEST, _SOFT):
        cases += [Case(name, run, shapes, dtypes, node=not name.startswith(("max", "min", "var", "std")))
                  for name, (run, shapes, dtypes) in table.items()]
    wide = each((3, 4))
    return cases + [
        Case("softmax of large numbers", lambda lib, a: [a.softmax(-1), a.log_softmax(0), a.logsumexp(1)], wide,
             domain="large"),
        Case("softmax of infinities", lambda lib, a: [a.softmax(-1), a.log_softmax(-1), a.logsumexp(-1)], wide,
             domain="infinite", second=False),
        Case("logsumexp of minus infinity", lambda lib, a: (a - float("inf")).logsumexp(-1), wide, second=False),
        Case("softmax of NaN", lambda lib, a: [a.softmax(-1), a.log_softmax(-1), a.logsumexp(-1)], wide,
             domain="special", second=False),
        Case("mean of nothing", lambda lib, a: [a.mean(), a.mean(0), a.mean(-1, keepdim=True)], each((0,), (2, 0, 3)),
             second=False),
        Case("var and std of one number", lambda lib, a: [a.var(), a.var(correction=0), a.std(correction=0)],
             each((), (1,), (1, 1)), second=False),
        Case("std of equal numbers", lambda lib, a: (a * 0 + 1.5).std(0), wide, second=False),
        Case("sums with infinities and NaN", lambda lib, a: [a.sum(0), a.mean(1), a.detach().var(0)], wide,
             domain="special", second=False),
        Case("max() with ties shares the gradient", lambda lib, a: a.max(), wide, domain="ties"),
        Case("min() with ties shares the gradient", lambda lib, a: a.min(), wide, domain="ties"),
        Case("max(0) with ties takes one", lambda lib, a: a.max(0).values, wide, domain="ties"),
        Case("min(-1) with ties takes one", lambda lib, a: a.min(-1).values, wide, domain="ties"),
        Case("ties go to the first index", lambda lib, a: [a.argmax(), a.argmax(0), a.max(1).indices, a.min(0).indices],
             wide, ("float64", "int64"), "ties"),
        Case("max(dim), min(dim) and argmax of NaN", lambda lib, a: [a.max(0), a.min(1), a.argmax(0), a.argmax()],
             wide, domain="special", second=False),
        Case("max() and min() of NaN", lambda lib, a: [a.detach().max(), a.detach().min()], wide, domain="special"),
        Case("max() of NaN: gradient", lambda lib, a: a.max(), wide, domain="special", second=False),
        Case("all and any of NaN and zeros", lambda lib, a: [a.all(0), a.any(1)], wide, domain="special"),
        Case("max(dim) twice differentiated", lambda lib, a: a.max(1).values ** 2, wide),
        Case("a reduction of a reduction", lambda lib, a: a.sum(0).mean() + a.max(1).values.sum(), wide),
        Case("normalized rows", lambda lib, a: (a - a.mean(-1, keepdim=True)) / a.std(-1, keepdim=True), wide),
        Case("a mean of squares", lambda lib, a, b: ((a - b) ** 2).mean(), (((2, 3), (3,)), ((2, 3), (2, 3)))),
        Case("log-likelihood", lambda lib, a: -a.log_softmax(-1).gather(1, lib.tensor([[0], [3], [3]])).mean(), wide),
        Case("a sum in float32 of many", lambda lib: lib.full((1000,), 0.1).sum()),
    ]


# ---- matmul ----

_RANKS = {
    "two vectors": (((3,), (3,)), ((0,), (0,)), ((1,), (1,))),
    "matrix and vector": (((2, 3), (3,)), ((2, 0), (0,)), ((0, 3), (3,)), ((1, 1), (1,))),
    "vector and matrix": (((3,), (3, 2)), ((0,), (0, 2)), ((3,), (3, 0))),
    "two matrices": (((2, 3), (3, 4)), ((1, 3), (3, 1)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 1), (1, 3))),
    "batch and batch": (((2, 2, 3), (2, 3, 2)), ((0, 2, 3), (0, 3, 2)), ((2, 2, 0), (2, 0, 3))),
    "batch and matrix": (((2, 2, 3), (3, 4)), ((2, 1, 2, 3), (3, 2))),
    "matrix and batch": (((2, 3), (2, 3, 2)), ((1, 2), (3, 2, 1))),
    "batch and vector": (((2, 2, 3), (3,)), ((2, 0, 3), (3,))),
    "vector and batch": (((3,), (2, 3, 2)), ((3,), (2, 1, 3, 2))),
    "broadcast batches": (((2, 1, 2, 3), (2, 3, 2)), ((1, 2, 3), (2, 3, 2)), ((2, 1, 1, 2), (1, 3, 2, 1))),
}


def _matmul() -> list[Case]:
    cases = [Case(f"@ of {name}", lambda lib, a, b: a @ b, shapes) for name, shapes in _RANKS.items()]
    pair = (((2, 3), (3, 2)),)
    return cases + [
        Case("matmul", lambda lib, a, b: a.matmul(b), pair),
        Case("@ of whole numbers", lambda lib, a, b: a @ b, pair + (((3,), (3,)), ((2, 0), (0, 2))), ("int64",)),
        Case("@ of wide whole numbers", lambda lib: lib.tensor([[2**53 + 1, 1]]) @ lib.tensor([[1], [2]])),
        Case("@ with infinities", lambda lib, a, b: a @ b, (((3, 2), (2, 3)),), domain="special", second=False),
        Case("a @ a.T", lambda lib, a: a @ a.T, MATRICES),
        Case("a chain of matmuls", lambda lib, a, b: ((a @ b).tanh() @ b.T).relu() @ b, pair),
        Case("a linear layer", lambda lib, x, w, b: x @ w.T + b, (((4, 3), (2, 3), (2,)), ((0, 3), (2, 3), (2,)))),
        Case("attention", lambda lib, q, k, v: (q @ k.transpose(-2, -1) / 2).softmax(-1) @ v,
             (((2, 2, 3), (2, 4, 3), (2, 4, 2)),)),
        Case("a perceptron", lambda lib, x, w, v: ((x @ w).relu() @ v).log_softmax(-1).sum(),
             (((2, 3), (3, 4), (4, 2)),)),
    ]


CASES = [*_reductions(), *_matmul()]
