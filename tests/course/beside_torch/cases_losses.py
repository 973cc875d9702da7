"""The table's entries: softmax and losses, with every option of torch.nn.functional's."""

from __future__ import annotations

from typing import Any

from table import Case, WrongCall, each

LOGITS = each((4, 3), (1, 5), (6, 2))
MANY = each((2, 3, 4), (2, 2, 3, 2))
TWO = tuple((shape, shape) for shape in ((3,), (2, 3), (2, 1, 3)))
FLAT = ("contiguous", "permuted", "sliced")
REDUCTIONS = ("mean", "sum", "none")


def _f(lib: Any) -> Any:
    return lib.nn.functional


def _classes(lib: Any, x: Any, ignored: int | None = None) -> Any:
    """Classes for logits (N, C, ...), or (C,); one of them is `ignored`, where that is given."""
    sizes = [x.shape[0], *x.shape[2:]] if x.dim() > 1 else []
    classes = x.shape[1] if x.dim() > 1 else x.shape[0]
    count = 1
    for size in sizes:
        count *= size
    numbers = [n * 7 % classes for n in range(count)]
    if ignored is not None:
        numbers[-1] = ignored
    return lib.tensor(numbers, dtype=lib.int64).reshape(sizes)


def _weights(lib: Any, x: Any) -> Any:
    classes = x.shape[1] if x.dim() > 1 else x.shape[0]
    return lib.tensor([0.5 + n * 3 % 4 for n in range(classes)], dtype=x.dtype)


def _loss(function: str, ignored: int | None = None, weighted: bool = False, **options: Any) -> Any:
    def run(lib: Any, x: Any) -> Any:
        x = x.log_softmax(min(1, x.dim() - 1)) if function == "nll_loss" else x
        extra = {"weight": _weights(lib, x)} if weighted else {}
        return getattr(_f(lib), function)(x, _classes(lib, x, ignored), **extra, **options)

    return run


def _chances(**options: Any) -> Any:
    weighted = options.pop("weighted", False)

    def run(lib: Any, x: Any, t: Any) -> Any:
        extra = {"weight": _weights(lib, x)} if weighted else {}
        return _f(lib).cross_entropy(x, t.softmax(min(1, x.dim() - 1)), **extra, **options)

    return run


def _named(function: str, options: dict[str, Any]) -> str:
    return ", ".join([f"functional.{function}", *(f"{name} {value}" for name, value in options.items())])


def _case(name: str, run: Any, shapes: Any, **options: Any) -> Case:
    return Case(f"nn.functional.{name}", run, shapes, **({"layouts": FLAT} | options))


_OF_CLASSES: list[dict[str, Any]] = [
    {}, {"weighted": True}, {"ignored": -100}, {"ignored": 1, "ignore_index": 1}, {"ignored": -1, "ignore_index": -1},
    {"ignored": -100, "weighted": True}, {"ignored": -100, "reduction": "none"}, {"ignored": -100, "reduction": "sum"},
    {"reduction": "sum"}, {"reduction": "none"}, {"reduction": "none", "weighted": True},
    {"reduction": "sum", "weighted": True}]
_SMOOTHED: list[dict[str, Any]] = [
    {"label_smoothing": 0.1}, {"label_smoothing": 1.0}, {"label_smoothing": 0.2, "weighted": True},
    {"label_smoothing": 0.3, "ignored": -100}, {"label_smoothing": 0.3, "ignored": 1, "ignore_index": 1,
                                                "weighted": True},
    *({"label_smoothing": 0.1, "reduction": reduction, "weighted": True, "ignored": -100} for reduction in
      ("sum", "none"))]
_OF_CHANCES: list[dict[str, Any]] = [
    {}, {"weighted": True}, {"label_smoothing": 0.1}, {"reduction": "sum"}, {"reduction": "none"},
    {"reduction": "none", "weighted": True, "label_smoothing": 0.2}]
_PAIRS: list[dict[str, Any]] = [{"reduction": reduction} for reduction in REDUCTIONS]
CASES = [
    *[_case(_named(name, options).removeprefix("functional."), _loss(name, **options), LOGITS)
      for name, several in (("cross_entropy", [*_OF_CLASSES, *_SMOOTHED]), ("nll_loss", _OF_CLASSES))
      for options in several],
    *[_case(_named(f"{name} of more dims", options).removeprefix("functional."), _loss(name, **options), MANY)
      for name in ("cross_entropy", "nll_loss") for options in ({}, {"weighted": True, "ignored": -100},
                                                                {"reduction": "none"})],
    _case("cross_entropy of more dims, smoothed", _loss("cross_entropy", label_smoothing=0.1, weighted=True), MANY),
    *[_case(_named(f"{name} without a batch", options).removeprefix("functional."), _loss(name, **options), each((4,)))
      for name in ("cross_entropy", "nll_loss") for options in ({}, {"weighted": True}, {"reduction": "none"})],
    *[_case(_named("cross_entropy of chances", options).removeprefix("functional."), _chances(**options),
            (((4, 3), (4, 3)), ((2, 3, 2), (2, 3, 2)), ((3,), (3,)))) for options in _OF_CHANCES],
    _case("cross_entropy, far apart", _loss("cross_entropy", reduction="none"), LOGITS, domain="large", second=False),
    _case("cross_entropy of no examples", _loss("cross_entropy", reduction="sum"), each((0, 3)), second=False),
    _case("cross_entropy with all ignored", lambda lib, x: _f(lib).cross_entropy(x, _classes(lib, x) * 0 + 2,
                                                                                 ignore_index=2), each((2, 3)),
          second=False),
    *[_case(_named("mse_loss", options).removeprefix("functional."),
            lambda lib, x, t, options=options: _f(lib).mse_loss(x, t, **options), TWO) for options in _PAIRS],
    *[_case(_named("mse_loss, weight", options).removeprefix("functional."),
            lambda lib, x, t, w, options=options: _f(lib).mse_loss(x, t, weight=w, **options),
            (((2, 3), (2, 3), (2, 3)),), domain="positive") for options in _PAIRS],
    _case("mse_loss, broadcast", lambda lib, x, t: _f(lib).mse_loss(x, t), (((2, 3), (3,)), ((3,), (2, 1)))),
    _case("mse_loss used twice", lambda lib, x: _f(lib).mse_loss(x, x * x), each((2, 3))),
    *[_case(_named("binary_cross_entropy_with_logits", options).removeprefix("functional."),
            lambda lib, x, t, options=options: _f(lib).binary_cross_entropy_with_logits(x, t, **options), TWO)
      for options in _PAIRS],
    _case("binary_cross_entropy_with_logits, weight",
          lambda lib, x, t, w: _f(lib).binary_cross_entropy_with_logits(x, t, w.detach()), (((2, 3), (2, 3), (3,)),)),
    _case("binary_cross_entropy_with_logits, pos_weight",
          lambda lib, x, t, w: _f(lib).binary_cross_entropy_with_logits(x, t, pos_weight=w.detach(), reduction="none"),
          (((2, 3), (2, 3), (3,)),), domain="positive"),
    _case("binary_cross_entropy_with_logits, both weights",
          lambda lib, x, t: _f(lib).binary_cross_entropy_with_logits(
              x, t, lib.tensor([1.0, 2.0, 0.5], dtype=x.dtype), pos_weight=lib.tensor([[3.0]], dtype=x.dtype)),
          (((2, 3), (2, 3)),)),
    _case("binary_cross_entropy_with_logits, far apart",
          lambda lib, x, t: _f(lib).binary_cross_entropy_with_logits(x, t, reduction="none"), TWO,
          domain=("large", "unit"), second=False),
    _case("binary_cross_entropy_with_logits of 0",
          lambda lib, x, t: _f(lib).binary_cross_entropy_with_logits(x * 0, t, reduction="none"), TWO),
    _case("softmax", lambda lib, x: (_f(lib).softmax(x, 1), _f(lib).softmax(x, dim=-2)), each((2, 3), (2, 3, 2))),
    _case("log_softmax", lambda lib, x: (_f(lib).log_softmax(x, 0), _f(lib).log_softmax(x, dim=-1)),
          each((2, 3), (2, 3, 2))),
    _case("softmax without dim", lambda lib, x: _f(lib).softmax(x), each((), (3,), (2, 3), (2, 2, 3), (1, 2, 3, 2))),
    _case("log_softmax without dim", lambda lib, x: _f(lib).log_softmax(x), each((3,), (2, 3), (2, 2, 3))),
    _case("softmax, dtype", lambda lib, x: _f(lib).softmax(x, 1, dtype=lib.float64), each((2, 3)),
          dtypes=("float64", "float32", "int64")),
    _case("log_softmax, dtype", lambda lib, x: _f(lib).log_softmax(x, 0, dtype=lib.float32), each((2, 3)),
          dtypes=("float32", "int64"), second=False),
]


def _long(lib: Any, *numbers: int) -> Any:
    return lib.tensor(list(numbers))


def _wrong(name: str, run: Any, *says: Any) -> WrongCall:
    return WrongCall(f"nn.functional.{name}", run, *says)


def _each_loss(name: str) -> list[WrongCall]:
    """What cross_entropy and nll_loss both refuse."""
    def call(lib: Any, *args: Any, **options: Any) -> Any:
        return getattr(_f(lib), name)(*args, **options)

    return [
        _wrong(f"{name} of no tensor", lambda lib: call(lib, [[1.0]], _long(lib, 0)), name, "list"),
        _wrong(f"{name} of another batch", lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1, 2)), (2, 3), (3,)),
        _wrong(f"{name} of classes with two dims", lambda lib: call(lib, lib.zeros(2, 3), lib.tensor([[0], [1]])),
               (2, 3), (2, 1)),
        _wrong(f"{name} of more dims, other sizes",
               lambda lib: call(lib, lib.zeros(2, 3, 4), lib.zeros(2, 5, dtype=lib.int64)), (2, 4), (2, 5)),
        _wrong(f"{name} of a class that is too large", lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 3)), "3"),
        _wrong(f"{name} of a negative class", lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, -1)), "-1"),
        _wrong(f"{name} of a class that is too large, weighted",
               lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 3), lib.ones(3)), "3"),
        _wrong(f"{name} of float classes", lambda lib: call(lib, lib.zeros(2, 3), lib.zeros(2)), "float32"),
        _wrong(f"{name} with too few weights", lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1), lib.ones(2)),
               "weight", "3", (2,)),
        _wrong(f"{name} with a matrix of weights",
               lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1), lib.ones(3, 1)), "weight", (3, 1)),
        _wrong(f"{name} with weights of another dtype",
               lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1), lib.ones(3, dtype=lib.float64)), "float"),
        _wrong(f"{name} with weights that require grad",
               lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1), lib.ones(3).requires_grad_()), "weight"),
        _wrong(f"{name}, unknown reduction",
               lambda lib: call(lib, lib.zeros(2, 3), _long(lib, 0, 1), reduction="max"), "max", "reduction"),
        _wrong(f"{name} of whole numbers",
               lambda lib: call(lib, lib.zeros(2, 3, dtype=lib.int64), _long(lib, 0, 1)), "int64"),
    ]


WRONG_CALLS = [
    *_each_loss("cross_entropy"),
    *_each_loss("nll_loss"),
    _wrong("cross_entropy, label_smoothing above 1",
           lambda lib: _f(lib).cross_entropy(lib.zeros(2, 3), _long(lib, 0, 1), label_smoothing=1.5), "1.5"),
    _wrong("cross_entropy of whole chances",
           lambda lib: _f(lib).cross_entropy(lib.zeros(2, 3), lib.zeros(2, 3, dtype=lib.int64)), "int64"),
    _wrong("cross_entropy of chances, ignore_index",
           lambda lib: _f(lib).cross_entropy(lib.zeros(2, 3), lib.ones(2, 3), ignore_index=1), "ignore_index"),
    _wrong("cross_entropy of too many chances", lambda lib: _f(lib).cross_entropy(lib.zeros(2, 3), lib.ones(2, 4)),
           (2, 3), (2, 4)),
    _wrong("mse_loss that does not broadcast", lambda lib: _f(lib).mse_loss(lib.zeros(2, 3), lib.zeros(4)), (2, 3),
           (4,)),
    _wrong("mse_loss, unknown reduction", lambda lib: _f(lib).mse_loss(lib.zeros(2), lib.zeros(2), reduction="x"),
           "reduction"),
    _wrong("mse_loss of whole numbers",
           lambda lib: _f(lib).mse_loss(lib.zeros(2, dtype=lib.int64), lib.zeros(2, dtype=lib.int64)), "int64"),
    _wrong("mse_loss with other weights",
           lambda lib: _f(lib).mse_loss(lib.zeros(2), lib.zeros(2), weight=lib.ones(3)), (2,), (3,)),
    _wrong("binary_cross_entropy_with_logits of other sizes",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2, 3), lib.zeros(3)), (2, 3), (3,)),
    _wrong("binary_cross_entropy_with_logits, unknown reduction",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2), lib.zeros(2), reduction="x"),
           "reduction"),
    _wrong("binary_cross_entropy_with_logits of whole targets",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2), _long(lib, 0, 1)), "target", "int64"),
    _wrong("binary_cross_entropy_with_logits with other weights",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2, 3), lib.zeros(2, 3), lib.ones(4)), (4,)),
    _wrong("binary_cross_entropy_with_logits with weights that require grad",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2), lib.zeros(2),
                                                                lib.ones(2).requires_grad_()), "weight"),
    _wrong("binary_cross_entropy_with_logits with other pos_weights",
           lambda lib: _f(lib).binary_cross_entropy_with_logits(lib.zeros(2, 3), lib.zeros(2, 3),
                                                                pos_weight=lib.ones(2)), (2,)),
    _wrong("softmax of a dim that is not there", lambda lib: _f(lib).softmax(lib.zeros(2, 3), 2), "2"),
    _wrong("log_softmax of a dim that is not there", lambda lib: _f(lib).log_softmax(lib.zeros(2, 3), -3), "-3"),
    _wrong("softmax of whole numbers", lambda lib: _f(lib).softmax(lib.zeros(2, 3, dtype=lib.int64), 1)),
]
