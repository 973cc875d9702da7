"""The table's entries: methods and factories that go beyond what the course's other parts need."""

from __future__ import annotations

from table import ALL, FLOATS, NUMBERS, ONE, PAIRS, Case, each

MATRICES = each((4, 3), (1, 3))
CUBE = each((2, 3, 4))
FEW = (((2, 3), (3,)), ((), (3,)), ((2, 0), (1,)))

_TWO = {
    "a.add(b)": lambda lib, a, b: a.add(b),
    "a.add(b, alpha=2)": lambda lib, a, b: a.add(b, alpha=2),
    "a.sub(b, alpha=0.5)": lambda lib, a, b: a.sub(b, alpha=0.5),
    "a.mul(b)": lambda lib, a, b: a.mul(b),
    "a.div(b)": lambda lib, a, b: a.div(b),
    "a.remainder(b)": lambda lib, a, b: a.remainder(b),
    "a.pow(b)": lambda lib, a, b: a.pow(b),
    "a.maximum(b)": lambda lib, a, b: a.maximum(b),
    "a.minimum(b)": lambda lib, a, b: a.minimum(b),
    "a.max(b)": lambda lib, a, b: [a.max(b), a.min(b)],
    "a.where(mask, b)": lambda lib, a, b: a.where(a.detach() > 1, b),
    "named comparisons": lambda lib, a, b: [a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(b), a.ge(b)],
    "a.floor_divide(b)": lambda lib, a, b: a.detach().floor_divide(b.detach()),
    "logical operations": lambda lib, a, b: [a.logical_and(b), a.logical_or(b), a.logical_xor(b), a.logical_not()],
    "expand_as": lambda lib, a, b: b.expand_as(a + b),
}
_ONE = {
    "sign": (lambda lib, a: a.sign(), ONE, ALL),
    "square": (lambda lib, a: a.square(), ONE, NUMBERS),
    "reciprocal": (lambda lib, a: a.reciprocal(), ONE, FLOATS),
    "floor and ceil": (lambda lib, a: [a.floor(), a.ceil()], ONE, NUMBERS),
    "isnan, isinf, isfinite": (lambda lib, a: [(a / 0).isnan(), (a / 0).isinf(), a.isfinite()], ONE, NUMBERS),
    "t": (lambda lib, a: a.t(), each((2, 3), (3,), ()), FLOATS),
    "mT": (lambda lib, a: a.mT, MATRICES + CUBE, FLOATS),
    "broadcast_to": (lambda lib, a: a.broadcast_to((2, 4, 3)), each((4, 3), (3,), ()), FLOATS),
    "view_as": (lambda lib, a: a.contiguous().view_as(lib.zeros(3, 2)), each((6,), (2, 3)), FLOATS),
    "select": (lambda lib, a: [a.select(0, -1), a.select(-1, 1)], MATRICES + CUBE, ALL),
    "narrow": (lambda lib, a: [a.narrow(0, 1, 2), a.narrow(-1, -2, 1), a.narrow(1, 1, 0)], each((4, 3)), ALL),
    "unbind": (lambda lib, a: [a.unbind(), a.unbind(-1)], MATRICES + each((0, 3)), ALL),
    "split": (lambda lib, a: [a.split(3), a.split([1, 2], dim=1), a.split(2, -1)], MATRICES, ALL),
    "chunk": (lambda lib, a: [a.chunk(2), a.chunk(3, dim=1), a.chunk(9)], each((4, 3), (5, 3)), ALL),
    "index_select": (lambda lib, a: [a.index_select(1, lib.tensor([2, 0, 0])), a.index_select(0, lib.tensor([0]))],
                     MATRICES, ALL),
    "take": (lambda lib, a: a.take(lib.tensor([[0, 2], [2, -1]])), MATRICES + each((3,)), ALL),
    "nonzero": (lambda lib, a: a.nonzero(), ONE, ALL),
    "where(mask)": (lambda lib, a: lib.where(a > 0), ONE, ALL),
    "prod": (lambda lib, a: [a.prod(), a.prod(0), a.prod(-1, keepdim=True)], ONE, ALL),
    "amax and amin": (lambda lib, a: [a.amax(), a.amin(0), a.amax((0, -1), keepdim=True)], MATRICES + CUBE, FLOATS),
    "argmin": (lambda lib, a: [a.argmin(), a.argmin(-1, keepdim=True)], MATRICES + CUBE, NUMBERS),
    "float, double, long, bool": (lambda lib, a: [a.float(), a.double() * 1, a.long(), a.bool()], ONE, ALL),
    "type_as": (lambda lib, a: lib.ones(2).type_as(a), ONE, ALL),
    "is_floating_point": (lambda lib, a: a.is_floating_point(), each((3,)), ALL),
    "zeros_like, ones_like, full_like": (lambda lib, a: [lib.zeros_like(a), lib.ones_like(a), lib.full_like(a, 3)], ONE,
                                         ALL),
}
_FLOATS_IN_PLACE = {
    "abs_": lambda lib, a: (a * 2).abs_(),
    "log_": lambda lib, a: (a * 2).log_(),
    "pow_": lambda lib, a: (a * 2).pow_(3),
    "add_ with alpha": lambda lib, a: (a * 2).add_(a, alpha=3),
    "sub_ with alpha": lambda lib, a: (a * 2).sub_(1, alpha=2.5),
    "//= and %=": lambda lib, a: [(a.detach() * 2).__ifloordiv__(2), (a * 2).__imod__(2)],
}


# Functions of the library itself, where the other entries use methods.
_FUNCTIONS = {
    "of one tensor": lambda lib, a: [lib.exp(a), lib.log(a), lib.sigmoid(a), lib.tanh(a), lib.sqrt(a), lib.rsqrt(a),
                                     lib.sin(a), lib.cos(a), lib.abs(a), lib.relu(a)],
    "of two tensors": lambda lib, a: [lib.add(a, a), lib.sub(a, 2), lib.mul(a, a), lib.div(a, 3), lib.pow(a, 2),
                                      lib.maximum(a, a * a), lib.matmul(a, a.T)],
    "reductions": lambda lib, a: [lib.sum(a), lib.sum(a, 0), lib.mean(a, dim=1, keepdim=True), lib.max(a),
                                  lib.min(a, 1), lib.var(a, 0), lib.std(a), lib.prod(a, 1), lib.amax(a, 0),
                                  lib.amin(a, (0, 1))],
    "without gradients": lambda lib, a: [lib.argmax(a, 1), lib.all(a), lib.any(a > 1, 0), lib.isnan(a), lib.isinf(a),
                                         lib.isfinite(a), lib.logical_not(a), lib.argmin(a)],
    "softmax and others": lambda lib, a: [lib.softmax(a, -1), lib.log_softmax(a, 0), lib.logsumexp(a, 1),
                                          lib.clamp(a, 0.5, 1), lib.gather(a, 1, lib.tensor([[0], [2]]))],
    "shapes": lambda lib, a: [lib.permute(a, (1, 0)), lib.transpose(a, 0, 1), lib.reshape(a, (3, 2)), lib.flatten(a),
                              lib.squeeze(a), lib.unsqueeze(a, 0), lib.broadcast_to(a, (2, 2, 3))],
    "comparisons of all elements": lambda lib, a: [lib.allclose(a, a + 1e-9), lib.allclose(a, a + 1), lib.equal(a, a),
                                                   lib.equal(a, a[0])],
    "of shapes and dtypes": lambda lib, a: [lib.broadcast_shapes((2, 1), (3,)), lib.can_cast(lib.float32, lib.int64)],
}


def _cases() -> list[Case]:
    cases = [Case(name, run, FEW, domain="positive", node="." not in name) for name, run in _TWO.items()]
    cases += [Case(f"method {name}", run, shapes, dtypes, may_raise=name in ("sign", "t"))
              for name, (run, shapes, dtypes) in _ONE.items()]
    cases += [Case(name, run, ONE, domain="positive", node=True) for name, run in _FLOATS_IN_PLACE.items()]
    cases += [Case(f"functions: {name}", run, each((2, 3)), domain="positive") for name, run in _FUNCTIONS.items()]
    index = [[0, 2, 1], [2, 2, 0]]
    return cases + [
        Case("prod with zeros", lambda lib, a: [a.prod(), a.prod(0), a.prod(1)], each((3, 4), (2, 2)), domain="ties"),
        Case("amax and amin with ties", lambda lib, a: [a.amax(), a.amin(0), a.amax(1)], each((3, 4)), domain="ties"),
        Case("scatter_add", lambda lib, a, b: a.scatter_add(1, lib.tensor(index), b), (((2, 3), (2, 3)),)),
        Case("scatter_add into rows", lambda lib, a, b: a.scatter_add(0, lib.tensor(index), b), (((3, 3), (2, 3)),)),
        Case("dot", lambda lib, a, b: a.dot(b), (((3,), (3,)), ((0,), (0,)))),
        Case("mm", lambda lib, a, b: a.mm(b), (((2, 3), (3, 2)), ((2, 0), (0, 2)))),
        Case("where with a number in first place", lambda lib, a, b: lib.where(a.detach() > 0, 2.5, b), PAIRS[:4]),
        Case("bits in place", lambda lib, a, b: [a.clone().__iand__(b), a.clone().__ior__(b), a.clone().__ixor__(b)],
             (((2, 3), (3,)),), ("int64", "bool")),
        Case("factory: linspace", lambda lib: [lib.linspace(0, 1, 5), lib.linspace(-1, 1, 1), lib.linspace(3, 0, 4)]),
        Case("factory: zeros_like with a dtype", lambda lib, a: lib.zeros_like(a, dtype=lib.int64), each((2, 3))),
        Case("factory: randperm", lambda lib: (lambda p: [p.dtype, sorted(p.tolist())])(lib.randperm(6))),
        Case("factory: empty", lambda lib: [lib.empty(2, 3).shape, lib.empty((0,)).dtype]),
        Case("factory: from_numpy shares memory", lambda lib: (lambda n: [lib.from_numpy(n).mul_(2), n.tolist()])(
            __import__("numpy").arange(6.0).reshape(2, 3))),
        Case("promote_types and result_type", lambda lib: [
            lib.promote_types(lib.int64, lib.float32), lib.result_type(lib.ones(2), 2.5), lib.result_type(
                lib.tensor([1]), 2.5), lib.result_type(lib.ones(2), lib.tensor(1.0, dtype=lib.float64))]),
        Case("default dtype", lambda lib: lib.get_default_dtype()),
    ]


CASES = _cases()
