"""The table's entries: ops that networks are made of, which a device may do at once."""

from __future__ import annotations

from typing import Any

from table import Case, WrongCall, each

BATCHES = (((4, 3), (2, 3), (2,)), ((1, 1), (1, 1), (1,)), ((3,), (2, 3), (2,)), ((2, 4, 3), (5, 3), (5,)),
           ((0, 3), (2, 3), (2,)), ((2, 0), (3, 0), (3,)), ((2, 0, 3), (2, 3), (2,)))


def _functional(lib: Any) -> Any:
    if lib.__name__ == "torch":
        return lib.nn.functional
    from terox.tensors import network_ops

    return network_ops


def _classes(lib: Any, x: Any) -> Any:
    n, c = x.shape
    return lib.arange(n) * 7 % c


def _cross_entropy(lib: Any, x: Any) -> Any:
    return _functional(lib).cross_entropy(x, _classes(lib, x))


def _strided_classes(lib: Any, x: Any) -> Any:
    n, c = x.shape
    return _functional(lib).cross_entropy(x, (lib.arange(2 * n) * 3 % c)[1::2])


def _network(lib: Any, x: Any, w: Any, b: Any) -> Any:
    return _functional(lib).cross_entropy(_functional(lib).linear(x, w, b).relu() * 2, _classes(lib, x @ w.T))


CASES = [
    Case("functional.linear", lambda lib, x, w, b: _functional(lib).linear(x, w, b), BATCHES),
    Case("functional.linear without bias", lambda lib, x, w: _functional(lib).linear(x, w),
         tuple((x, w) for x, w, _ in BATCHES)),
    Case("functional.linear, used twice", lambda lib, x, w: _functional(lib).linear(_functional(lib).linear(x, w), w),
         (((3, 2), (2, 2)),)),
    Case("functional.cross_entropy", _cross_entropy, each((5, 4), (1, 1), (1, 3), (3, 40))),
    Case("functional.cross_entropy of no examples", _cross_entropy, each((0, 3)), second=False),
    Case("functional.cross_entropy, far apart", _cross_entropy, each((5, 4)), domain="large", second=False),
    Case("functional.cross_entropy, strided classes", _strided_classes, each((5, 4))),
    Case("functional.cross_entropy of a linear layer", _network, (((4, 3), (2, 3), (2,)),)),
    Case("softmax and log_softmax of a middle dimension", lambda lib, x: (x.softmax(1), x.log_softmax(-2)),
         each((2, 3, 4), (1, 5, 1), (2, 0, 3))),
    Case("softmax and log_softmax, far apart", lambda lib, x: (x.softmax(0), x.log_softmax(1)), each((4, 5)),
         domain="large", second=False),
    Case("logsumexp of one dimension", lambda lib, x: (x.logsumexp(1), x.logsumexp(0, keepdim=True)),
         each((2, 3, 4), (3, 1))),
]

WRONG_CALLS = [
    WrongCall("functional.linear with inner sizes that differ",
              lambda lib: _functional(lib).linear(lib.ones(2, 3), lib.ones(4, 5)), (2, 3), (4, 5)),
    WrongCall("functional.linear with another bias",
              lambda lib: _functional(lib).linear(lib.ones(2, 3), lib.ones(4, 3), lib.ones(3)), "bias", (4, 3)),
    WrongCall("functional.linear of two dtypes",
              lambda lib: _functional(lib).linear(lib.ones(2, 3), lib.ones(4, 3).double()), "float64"),
    WrongCall("functional.linear of a number", lambda lib: _functional(lib).linear(3.0, lib.ones(4, 3)), "input"),
    WrongCall("functional.cross_entropy with another batch size",
              lambda lib: _functional(lib).cross_entropy(lib.ones(2, 3), lib.zeros(3).long()), (2, 3)),
    WrongCall("functional.cross_entropy with a class too large",
              lambda lib: _functional(lib).cross_entropy(lib.ones(2, 3), lib.tensor([0, 3])), "3 is out of bounds"),
    WrongCall("functional.cross_entropy with a negative class",
              lambda lib: _functional(lib).cross_entropy(lib.ones(2, 3), lib.tensor([0, -1])), "-1 is out of bounds"),
    WrongCall("functional.cross_entropy with classes of float32",
              lambda lib: _functional(lib).cross_entropy(lib.ones(2, 3), lib.zeros(2)), "float32"),
    WrongCall("functional.cross_entropy of whole numbers",
              lambda lib: _functional(lib).cross_entropy(lib.ones(2, 3).long(), lib.zeros(2).long()), "int64"),
]
