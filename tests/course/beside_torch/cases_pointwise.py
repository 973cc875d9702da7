"""The table's entries: operations on each element, promotion, ties, infinities, in-place operations."""

from __future__ import annotations

from typing import Any

from table import ALL, FEW_PAIRS, FLOATS, MIXED, ONE, PAIRS, Case, each

SMALL = each((), (2, 3), (0,))
WIDE = (((4, 3), (4, 1)),)
THREE = (((2, 3), (3,), (2, 1)), ((3,), (), (2, 3)), ((), (), ()), ((0, 3), (1, 3), ()))

# ---- Arithmetic: gradients in all shapes, and every pair of dtypes ----

_BINARY = {
    "a + b": (lambda lib, a, b: a + b, "any"),
    "a - b": (lambda lib, a, b: a - b, "any"),
    "a * b": (lambda lib, a, b: a * b, "any"),
    "a / b": (lambda lib, a, b: a / b, ("any", "nonzero")),
    "a ** b": (lambda lib, a, b: a ** b, "positive"),
    "a % b": (lambda lib, a, b: a % b, "halves"),
    "maximum": (lambda lib, a, b: lib.maximum(a, b), "any"),
    "minimum": (lambda lib, a, b: lib.minimum(a, b), "any"),
}
_WITHOUT_GRADIENT = {
    "a // b": (lambda lib, a, b: a // b, "halves"),
    "a < b": (lambda lib, a, b: a < b, "ties"),
    "a <= b": (lambda lib, a, b: a <= b, "ties"),
    "a > b": (lambda lib, a, b: a > b, "ties"),
    "a >= b": (lambda lib, a, b: a >= b, "ties"),
    "a == b": (lambda lib, a, b: a == b, "ties"),
    "a != b": (lambda lib, a, b: a != b, "ties"),
}
_BITS = {
    "a & b": (lambda lib, a, b: a & b, "any"),
    "a | b": (lambda lib, a, b: a | b, "any"),
    "a ^ b": (lambda lib, a, b: a ^ b, "any"),
}

# ---- The same with Python numbers, from either side, in every dtype ----

_WITH_NUMBERS = {
    "a + 2": lambda lib, a: a + 2,
    "a + 2.5": lambda lib, a: a + 2.5,
    "a + True": lambda lib, a: a + True,
    "2 + a": lambda lib, a: 2 + a,
    "a - 1": lambda lib, a: a - 1,
    "1 - a": lambda lib, a: 1 - a,
    "2.5 - a": lambda lib, a: 2.5 - a,
    "3 * a": lambda lib, a: 3 * a,
    "a * 0.1": lambda lib, a: a * 0.1,
    "a / 2": lambda lib, a: a / 2,
    "2 / a": lambda lib, a: 2 / a,
    "a / 0": lambda lib, a: a / 0,
    "a // 2": lambda lib, a: a.detach() // 2,
    "a // -2.5": lambda lib, a: a.detach() // -2.5,
    "7 // a": lambda lib, a: 7 // a.detach(),
    "a % 3": lambda lib, a: a % 3,
    "a % -3": lambda lib, a: a % -3,
    "7 % a": lambda lib, a: 7 % a.detach(),
    "a < 1": lambda lib, a: a < 1,
    "1.0 <= a": lambda lib, a: 1.0 <= a,
    "a > 0.5": lambda lib, a: a > 0.5,
    "2 >= a": lambda lib, a: 2 >= a,
    "a == 1": lambda lib, a: a == 1,
    "1 != a": lambda lib, a: 1 != a,
    "a == None": lambda lib, a: a == None,  # noqa: E711
    "a & 1": lambda lib, a: a & 1,
    "a & True": lambda lib, a: a & True,
    "2 | a": lambda lib, a: 2 | a,
    "a ^ True": lambda lib, a: a ^ True,
    "a ** 2": lambda lib, a: a ** 2,
    "a ** 3.0": lambda lib, a: a ** 3.0,
    "a ** 0": lambda lib, a: a ** 0,
    "a ** 1": lambda lib, a: a ** 1,
    "a ** -1": lambda lib, a: a ** -1,
    "a ** 0.5": lambda lib, a: a ** 0.5,
    "a ** -2.0": lambda lib, a: a ** -2.0,
    "2 ** a": lambda lib, a: 2 ** a,
    "0.5 ** a": lambda lib, a: 0.5 ** a,
    "-a": lambda lib, a: -a,
    "+a": lambda lib, a: +a,
    "~a": lambda lib, a: ~a,
    "abs(a)": lambda lib, a: abs(a),
}

# ---- Functions of one input ----

_UNARY = {
    "exp": (lambda lib, a: a.exp(), "any"),
    "log": (lambda lib, a: a.log(), "positive"),
    "relu": (lambda lib, a: a.relu(), "any"),
    "sigmoid": (lambda lib, a: a.sigmoid(), "any"),
    "tanh": (lambda lib, a: a.tanh(), "any"),
    "sqrt": (lambda lib, a: a.sqrt(), "positive"),
    "rsqrt": (lambda lib, a: a.rsqrt(), "positive"),
    "sin": (lambda lib, a: a.sin(), "any"),
    "cos": (lambda lib, a: a.cos(), "any"),
    "abs": (lambda lib, a: a.abs(), "nonzero"),
    "neg": (lambda lib, a: a.neg(), "any"),
}


def _pointwise() -> list[Case]:
    cases = []
    for name, (run, domain) in {**_BINARY, **_WITHOUT_GRADIENT}.items():
        grad = name in _BINARY
        cases.append(Case(name, run, PAIRS, domain=domain, grad=grad, node=grad))
        cases.append(Case(f"{name}, mixed dtypes", run, FEW_PAIRS, MIXED, "positive" if name != "a - b" else domain,
                          grad=grad, second=False, may_raise=True, layouts=("contiguous",)))
    for name, (run, domain) in _BITS.items():
        cases.append(Case(name, run, FEW_PAIRS, MIXED, domain, grad=False, may_raise=True, layouts=("contiguous",)))
    for name, run in _WITH_NUMBERS.items():
        cases.append(Case(name, run, SMALL, ALL, "nonzero" if "a **" not in name else "positive", may_raise=True,
                          node=name not in ("1 - a", "2.5 - a", "2 / a"), layouts=("contiguous", "sliced")))
    for name, (run, domain) in _UNARY.items():
        cases.append(Case(name, run, ONE, FLOATS, domain, node=True))
        cases.append(Case(f"{name} of whole numbers and bools", run, SMALL, ("int64", "bool"), may_raise=True))
        cases.append(Case(f"{name} of infinities, NaN and zeros", run, each((4, 3)), FLOATS, "special", second=False))
    return cases


# ---- Corners ----

_GRID = [-7, -3, -2, -1, 0, 1, 2, 3, 7]


def _grid(lib: Any, dtype: Any) -> tuple[Any, Any]:
    """All pairs of numbers from -7 to 7, the second not 0."""
    divisors = [each for each in _GRID if each]
    return lib.tensor(_GRID, dtype=dtype).unsqueeze(1), lib.tensor(divisors, dtype=dtype)


def _compounds() -> list[Case]:
    return [
        Case("integers: // of all signs", lambda lib: (lambda a, b: a // b)(*_grid(lib, lib.int64))),
        Case("integers: % of all signs", lambda lib: (lambda a, b: a % b)(*_grid(lib, lib.int64))),
        Case("integers: / of all signs", lambda lib: (lambda a, b: a / b)(*_grid(lib, lib.int64))),
        Case("integers: ** of all signs", lambda lib: _grid(lib, lib.int64)[0] ** lib.tensor([0, 1, 2, 3, 5])),
        Case("integers: ** with negative exponents", lambda lib: lib.tensor([2, -3, 1, -1, -1]) ** lib.tensor(
            [-1, -2, -3, -2, -3])),
        Case("integers: a wide product", lambda lib: lib.tensor([3037000499, -3037000499]) ** 2),
        Case("integers: abs and neg of wide ones", lambda lib: [abs(lib.tensor([-2**62])), -lib.tensor([2**62])]),
        Case("integers: 2 ** 53 + 1 stays exact", lambda lib: lib.tensor([2**53 + 1]) + lib.tensor([2**53 + 3])),
        Case("integers: a comparison at 2 ** 53", lambda lib: lib.tensor([2**53 + 1]) > lib.tensor([2**53])),
        Case("integers: overflow wraps around", lambda lib: lib.tensor([2**63 - 1, -2**63]) + lib.tensor([1, -1])),
        Case("floats: // of all signs", lambda lib: (lambda a, b: a // b)(*_grid(lib, lib.float64))),
        Case("floats: % of all signs", lambda lib: (lambda a, b: a % b)(*_grid(lib, lib.float32))),
        Case("// of infinities and zeros", lambda lib, a, b: a // b, WIDE, FLOATS, "special", grad=False),
        Case("% of infinities and zeros", lambda lib, a, b: a % b, WIDE, FLOATS, "special", grad=False),
        Case("/ of infinities and zeros", lambda lib, a, b: a / b, WIDE, FLOATS, "special",
             second=False),
        Case("+ - * of infinities and NaN", lambda lib, a, b: [a + b, a - b, a * b], WIDE, FLOATS,
             "special", second=False),
        Case("** of infinities and zeros", lambda lib, a, b: a ** b, WIDE, FLOATS, "special",
             second=False),
        Case("** with negative bases", lambda lib, a, b: a ** b, WIDE, FLOATS, "halves", second=False),
        Case("** at base 0", lambda lib, a: [a ** 0, a ** 1, a ** 2, a ** 0.5, a ** -1], each((3,)), FLOATS, "ties",
             second=False),
        Case("0 ** a", lambda lib, a: 0.0 ** a, each((4,)), FLOATS, "ties", second=False),
        Case("the gradient by the exponent at base 0", lambda lib, a: lib.tensor([0.0, 0.0, 2.0], dtype=a.dtype) ** a,
             each((4, 3)), FLOATS, "ties", second=False),
        Case("comparisons with NaN", lambda lib, a, b: [a < b, a <= b, a > b, a >= b, a == b, a != b],
             WIDE, FLOATS, "special", grad=False),
        Case("maximum and minimum with ties", lambda lib, a, b: [lib.maximum(a, b), lib.minimum(a, b)],
             (((4, 3), (3,)), ((3,), (3,))), FLOATS, "ties"),
        Case("maximum and minimum with NaN", lambda lib, a, b: [lib.maximum(a, b), lib.minimum(a, b)],
             WIDE, FLOATS, "special", second=False),
        Case("relu at 0 and NaN", lambda lib, a: a.relu(), each((4, 4)), FLOATS, "special"),
        Case("abs at 0", lambda lib, a: a.abs(), each((4, 3)), FLOATS, "ties"),
        Case("sqrt and rsqrt at 0", lambda lib, a: [a.sqrt(), a.rsqrt()], each((4, 3)), FLOATS, "ties", second=False),
        Case("log at 0 and below", lambda lib, a: a.log(), each((4, 3)), FLOATS, "ties", second=False),
        Case("exp, sigmoid, tanh of large numbers", lambda lib, a: [a.exp(), a.sigmoid(), a.tanh()], each((4, 3)),
             FLOATS, "large", second=False),
        Case("an operand twice", lambda lib, a: a * a + a / (a * a), ONE, domain="positive", node=True),
        Case("a diamond", lambda lib, a: (lambda b: b * b.exp() + b)(a.tanh()), ONE),
        Case("three operands, broadcast", lambda lib, a, b, c: a * b - c / a, THREE, domain="positive"),
        Case("rsqrt of a sum of squares", lambda lib, a, b: (a * a + b ** 2).rsqrt(), PAIRS, domain="positive"),
        Case("an operand that is not used", lambda lib, a, b: a * 2, PAIRS),
        Case("a result that does not depend on its input", lambda lib, a: [a * 1, a > 0, a.detach() + 1], ONE),
        Case("gradients of one operand only", lambda lib, a, b: a.detach() * b + a.detach() / b, PAIRS,
             domain="nonzero"),
        Case("mixed dtypes with a tensor from factories", lambda lib, a: lib.arange(3) * a, each((3,), (2, 1)), ALL),
    ]


def _chosen() -> list[Case]:
    return [
        Case("clamp", lambda lib, a: a.clamp(-0.5, 1.0), ONE, domain="any", node=True),
        Case("clamp, at its ends", lambda lib, a: a.clamp(-1.0, 0.5), each((4, 3)), FLOATS, "ties"),
        Case("clamp, one end", lambda lib, a: [a.clamp(min=0.0), a.clamp(max=0.5)], each((4, 3)), FLOATS, "ties"),
        Case("clamp of NaN", lambda lib, a: a.clamp(-1.0, 1.0), each((4, 3)), FLOATS, "special", second=False),
        Case("clamp with min above max", lambda lib, a: a.clamp(1, -1), ONE),
        Case("clamp of whole numbers", lambda lib, a: [a.clamp(-1, 2), a.clamp(min=0)], ONE, ("int64",)),
        Case("clamp of whole numbers between floats", lambda lib, a: a.clamp(-1.5, 2.5), ONE, ("int64",)),
        Case("clamp between tensors", lambda lib, a, b, c: a.clamp(b, c),
             (((2, 3), (3,), (2, 1)), ((2, 3), (), (1, 3)), ((0, 3), (3,), ())), domain=("any", "unit", "positive")),
        Case("clamp between tensors, ties", lambda lib, a, b: a.clamp(min=b), (((4, 3), (3,)),), FLOATS, "ties"),
        Case("where", lambda lib, a, b: lib.where(a.detach() > 0, a, b), PAIRS, node=True),
        Case("where, three shapes", lambda lib, a, b, c: lib.where(a.detach() > 0, b, c), THREE),
        Case("where, mixed dtypes", lambda lib, a, b: lib.where(a.detach() > 0, a, b), FEW_PAIRS, MIXED,
             second=False, layouts=("contiguous",)),
        Case("where with numbers", lambda lib, a: [lib.where(a > 0, a, 0.0), lib.where(a > 0, 1, a)], ONE, ALL),
        Case("where keeps NaN out of the values", lambda lib, a: lib.where(a > 0, a.log(), a), ONE, domain="ties",
             second=False),
        Case("masked_fill", lambda lib, a, b: a.masked_fill(b.detach() > 0, 2.5), (((2, 3), (3,)), ((2, 3), (2, 1)),
             ((3,), (3,)), ((), ()), ((2, 0), (1, 1)))),
        Case("masked_fill of whole numbers", lambda lib, a: a.masked_fill(a > 0, 7), ONE, ("int64", "bool")),
        Case("masked_fill with a 0-d tensor", lambda lib, a, b: a.masked_fill(a.detach() > 0, b), (((2, 3), ()),)),
        Case("relu, twice differentiated through a product", lambda lib, a: a.relu() * a, ONE),
    ]


# ---- In place ----


def _then(change: Any) -> Any:
    """An expression that changes a copy of its first input and returns it with what was computed before."""
    def run(lib: Any, a: Any, *rest: Any) -> Any:
        b = a * 1
        same = change(lib, b, *rest)
        return [b, same is b]
    return run


def _plus(lib: Any, b: Any, c: Any) -> Any:
    b += c
    return b


def _minus(lib: Any, b: Any, c: Any) -> Any:
    b -= c
    return b


def _times(lib: Any, b: Any, c: Any) -> Any:
    b *= c
    return b


def _over(lib: Any, b: Any, c: Any) -> Any:
    b /= c
    return b


def _to_the(lib: Any, b: Any) -> Any:
    b **= 2
    return b


INTO = (((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), ()), ((), ()), ((0, 3), (1,)))
_COPIED = ("copy_", "zero_", "fill_", "masked_fill_")  # composed of others: other nodes than torch's
_IN_PLACE = {
    "+=": (_plus, INTO), "-=": (_minus, INTO), "*=": (_times, INTO), "/=": (_over, INTO), "**=": (_to_the, ONE),
    "add_": (lambda lib, b, c: b.add_(c), INTO),
    "sub_": (lambda lib, b, c: b.sub_(c), INTO),
    "mul_": (lambda lib, b, c: b.mul_(c), INTO),
    "div_": (lambda lib, b, c: b.div_(c), INTO),
    "copy_": (lambda lib, b, c: b.copy_(c), INTO),
    "neg_": (lambda lib, b: b.neg_(), ONE),
    "exp_": (lambda lib, b: b.exp_(), ONE),
    "relu_": (lambda lib, b: b.relu_(), ONE),
    "sigmoid_": (lambda lib, b: b.sigmoid_(), ONE),
    "tanh_": (lambda lib, b: b.tanh_(), ONE),
    "sqrt_": (lambda lib, b: b.sqrt_(), ONE),
    "clamp_": (lambda lib, b: b.clamp_(0.5, 1.5), ONE),
    "zero_": (lambda lib, b: b.zero_(), ONE),
    "fill_": (lambda lib, b: b.fill_(3), ONE),
    "masked_fill_": (lambda lib, b: b.masked_fill_(b.detach() > 1, 0.5), ONE),
}


def _in_place() -> list[Case]:
    cases = [Case(f"{name} of a computed value", _then(change), shapes, domain="positive", node=name not in _COPIED)
             for name, (change, shapes) in _IN_PLACE.items()]
    cases += [Case(f"{name} through a view, without gradients", change, shapes, ("float64", "float32"), "positive",
                   grad=False, layouts=("contiguous", "permuted", "sliced")) for name, (change, shapes) in
              _IN_PLACE.items()]
    cases += [Case(f"{name}, mixed dtypes", change, (((2, 3), (3,)), ((3,), ())), MIXED, "positive", grad=False,
                   may_raise=True, layouts=("contiguous",))
              for name, (change, shapes) in _IN_PLACE.items() if name in ("+=", "*=", "/=", "copy_")]
    return cases


CASES = [*_pointwise(), *_compounds(), *_chosen(), *_in_place()]

