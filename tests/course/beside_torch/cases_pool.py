"""The table's entries: pooling, with every option of torch.nn.functional's."""

from __future__ import annotations

from typing import Any

from table import Case, WrongCall, each

SMALL = each((2, 3, 4, 5), (1, 5, 4), (2, 1, 6, 6))
ONE_PLANE = each((1, 1, 5, 7), (2, 5, 6))
LINES = each((2, 3, 7), (2, 8))
FLAT = ("contiguous", "permuted", "sliced")


def _f(lib: Any) -> Any:
    return lib.nn.functional


def _case(name: str, run: Any, shapes: Any, **options: Any) -> Case:
    return Case(f"functional.{name}", run, shapes, **({"layouts": FLAT} | options))


CASES = [
    _case("max_pool2d", lambda lib, x: _f(lib).max_pool2d(x, 2), SMALL),
    _case("max_pool2d, stride", lambda lib, x: _f(lib).max_pool2d(x, (3, 2), (1, 2)), SMALL),
    _case("max_pool2d, padding", lambda lib, x: _f(lib).max_pool2d(x, 3, 2, 1), SMALL),
    _case("max_pool2d, padding of one direction", lambda lib, x: _f(lib).max_pool2d(x, 2, 1, (0, 1)), SMALL),
    _case("max_pool2d, dilation", lambda lib, x: _f(lib).max_pool2d(x, 2, 1, dilation=(1, 2)), SMALL),
    _case("max_pool2d, ceil_mode", lambda lib, x: _f(lib).max_pool2d(x, 2, ceil_mode=True), ONE_PLANE),
    _case("max_pool2d, ceil_mode, padding", lambda lib, x: _f(lib).max_pool2d(x, 3, 3, 1, ceil_mode=True), ONE_PLANE),
    _case("max_pool2d, ceil_mode, wide stride", lambda lib, x: _f(lib).max_pool2d(x, 2, 4, 1, ceil_mode=True),
          ONE_PLANE),
    _case("max_pool2d, return_indices", lambda lib, x: _f(lib).max_pool2d(x, 2, 1, 1, return_indices=True), SMALL),
    _case("max_pool2d, ties", lambda lib, x: _f(lib).max_pool2d(x, 3, 1, 1, return_indices=True), SMALL, domain="ties"),
    _case("max_pool2d, not finite", lambda lib, x: _f(lib).max_pool2d(x, 2, 1, return_indices=True), SMALL,
          domain="special", second=False),
    _case("max_pool2d of whole numbers", lambda lib, x: _f(lib).max_pool2d(x, 2), SMALL, dtypes=("int64",)),
    _case("max_pool2d of no images", lambda lib, x: _f(lib).max_pool2d(x, 2), each((0, 2, 4, 4))),
    _case("max_pool2d, one number in a tuple", lambda lib, x: _f(lib).max_pool2d(x, (2,), stride=(1,)), SMALL),
    _case("max_pool2d twice", lambda lib, x: _f(lib).max_pool2d(_f(lib).max_pool2d(x, 2, 1) * x[..., 1:, 1:], 2),
          each((2, 1, 5, 5))),
    _case("max_pool1d", lambda lib, x: _f(lib).max_pool1d(x, 2), LINES),
    _case("max_pool1d, stride, padding, dilation", lambda lib, x: _f(lib).max_pool1d(x, 3, 2, 1, 2), LINES),
    _case("max_pool1d, ceil_mode", lambda lib, x: _f(lib).max_pool1d(x, 3, ceil_mode=True), LINES),
    _case("max_pool1d, return_indices", lambda lib, x: _f(lib).max_pool1d(x, 2, 1, return_indices=True), LINES),
    _case("max_pool1d, one number in a tuple", lambda lib, x: _f(lib).max_pool1d(x, (2,), (1,), (1,)), LINES),
    _case("avg_pool2d", lambda lib, x: _f(lib).avg_pool2d(x, 2), SMALL),
    _case("avg_pool2d, stride", lambda lib, x: _f(lib).avg_pool2d(x, (3, 2), (1, 2)), SMALL),
    _case("avg_pool2d, padding", lambda lib, x: _f(lib).avg_pool2d(x, 3, 2, 1), SMALL),
    _case("avg_pool2d, padding not counted",
          lambda lib, x: _f(lib).avg_pool2d(x, (3, 2), 2, (1, 0), count_include_pad=False), SMALL),
    _case("avg_pool2d, divisor_override", lambda lib, x: _f(lib).avg_pool2d(x, 2, 1, 1, divisor_override=3), SMALL),
    _case("avg_pool2d, ceil_mode", lambda lib, x: _f(lib).avg_pool2d(x, 2, ceil_mode=True), ONE_PLANE),
    _case("avg_pool2d, ceil_mode, padding", lambda lib, x: _f(lib).avg_pool2d(x, 3, 3, 1, ceil_mode=True), ONE_PLANE),
    _case("avg_pool2d, ceil_mode, padding not counted",
          lambda lib, x: _f(lib).avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), ONE_PLANE),
    _case("avg_pool2d, ceil_mode, divisor_override",
          lambda lib, x: _f(lib).avg_pool2d(x, 2, 4, 1, ceil_mode=True, divisor_override=2), ONE_PLANE),
    _case("avg_pool2d of no images", lambda lib, x: _f(lib).avg_pool2d(x, 2), each((0, 2, 4, 4))),
    _case("avg_pool1d", lambda lib, x: _f(lib).avg_pool1d(x, 2), LINES),
    _case("avg_pool1d, stride, padding", lambda lib, x: _f(lib).avg_pool1d(x, 3, 2, 1), LINES),
    _case("avg_pool1d, ceil_mode, padding not counted",
          lambda lib, x: _f(lib).avg_pool1d(x, 3, 2, 1, True, False), LINES),
    _case("adaptive_avg_pool2d to one", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, 1), SMALL),
    _case("adaptive_avg_pool2d", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, (2, 3)), SMALL),
    _case("adaptive_avg_pool2d of more than there is", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, 8), ONE_PLANE),
    _case("adaptive_avg_pool2d to None", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, (None, 2)), SMALL),
    _case("adaptive_avg_pool2d to nothing", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, (0, 2)), SMALL, grad=False),
    _case("adaptive_avg_pool2d, infinite", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, (3, 2)), SMALL,
          domain="infinite", grad=False),
    _case("adaptive_avg_pool2d of no images", lambda lib, x: _f(lib).adaptive_avg_pool2d(x, 2), each((0, 2, 4, 4)),
          second=False),
    _case("adaptive_avg_pool1d",
          lambda lib, x: (_f(lib).adaptive_avg_pool1d(x, 3), _f(lib).adaptive_avg_pool1d(x, (1,))), LINES),
]


def _wrong(name: str, run: Any, *says: Any) -> WrongCall:
    return WrongCall(f"functional.{name}", run, *says)


WRONG_CALLS = [
    _wrong("max_pool2d of no tensor", lambda lib: _f(lib).max_pool2d([[1.0]], 1), "max_pool2d", "list"),
    _wrong("max_pool2d of a matrix", lambda lib: _f(lib).max_pool2d(lib.zeros(4, 4), 2), "max_pool2d", (4, 4)),
    _wrong("max_pool2d of five dims", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 1, 1, 4, 4), 2), (1, 1, 1, 4, 4)),
    _wrong("max_pool2d of no channels", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 0, 4, 4), 2), (1, 0, 4, 4)),
    _wrong("max_pool2d of an empty plane", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 1, 0, 4), 2), (1, 1, 0, 4)),
    _wrong("max_pool2d of bools", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4) > 0, 2), "bool"),
    _wrong("max_pool2d, window too large", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 3, 5), 4), (3, 5), (4, 4)),
    _wrong("max_pool2d, dilated window too large", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 3, 5), 2, dilation=3),
           "dilation", (3, 3)),
    _wrong("max_pool2d, padding too large", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 2, padding=2),
           "at most half", "2"),
    _wrong("max_pool2d, padding too large with dilation",
           lambda lib: _f(lib).max_pool2d(lib.zeros(1, 9, 9), 3, dilation=3, padding=2), "half"),
    _wrong("max_pool2d, negative padding", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 2, padding=-1),
           "padding"),
    _wrong("max_pool2d, stride of 0", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 2, 0), "stride"),
    _wrong("max_pool2d, dilation of 0", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 2, dilation=0), "dilation"),
    _wrong("max_pool2d, kernel of 0", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 0, 1), "kernel_size"),
    _wrong("max_pool2d, kernel of a float", lambda lib: _f(lib).max_pool2d(lib.zeros(1, 4, 4), 2.0), "kernel_size"),
    _wrong("max_pool1d of a vector", lambda lib: _f(lib).max_pool1d(lib.zeros(4), 2), "max_pool1d", (4,)),
    _wrong("max_pool1d of four dims", lambda lib: _f(lib).max_pool1d(lib.zeros(1, 1, 1, 4), 2), (1, 1, 1, 4)),
    _wrong("max_pool1d, two numbers", lambda lib: _f(lib).max_pool1d(lib.zeros(1, 4), (2, 2)), "kernel_size"),
    _wrong("max_pool1d, window too large", lambda lib: _f(lib).max_pool1d(lib.zeros(1, 4), 5), "5", "4"),
    _wrong("max_pool1d, stride of 0", lambda lib: _f(lib).max_pool1d(lib.zeros(1, 4), 2, 0), "stride"),
    _wrong("max_pool1d, padding too large", lambda lib: _f(lib).max_pool1d(lib.zeros(1, 4), 2, padding=2), "half"),
    _wrong("avg_pool2d of no tensor", lambda lib: _f(lib).avg_pool2d([[1.0]], 1), "avg_pool2d", "list"),
    _wrong("avg_pool2d of five dims", lambda lib: _f(lib).avg_pool2d(lib.zeros(1, 1, 1, 4, 4), 2), (1, 1, 1, 4, 4)),
    _wrong("avg_pool2d, window too large", lambda lib: _f(lib).avg_pool2d(lib.zeros(1, 3, 5), 4), (3, 5), (4, 4)),
    _wrong("avg_pool2d, padding too large", lambda lib: _f(lib).avg_pool2d(lib.zeros(1, 4, 4), 2, padding=2), "half"),
    _wrong("avg_pool2d, stride of 0", lambda lib: _f(lib).avg_pool2d(lib.zeros(1, 4, 4), 2, 0), "stride"),
    _wrong("avg_pool2d, divisor of 0", lambda lib: _f(lib).avg_pool2d(lib.zeros(1, 4, 4), 2, divisor_override=0),
           "divisor"),
    _wrong("avg_pool1d of a vector", lambda lib: _f(lib).avg_pool1d(lib.zeros(4), 2), "avg_pool1d", (4,)),
    _wrong("avg_pool1d, two numbers", lambda lib: _f(lib).avg_pool1d(lib.zeros(1, 4), (2, 2)), "kernel_size"),
    _wrong("adaptive_avg_pool2d of a matrix", lambda lib: _f(lib).adaptive_avg_pool2d(lib.zeros(4, 4), 2), (4, 4)),
    _wrong("adaptive_avg_pool2d of an empty plane", lambda lib: _f(lib).adaptive_avg_pool2d(lib.zeros(1, 1, 0, 4), 2),
           (1, 1, 0, 4)),
    _wrong("adaptive_avg_pool2d to a negative size", lambda lib: _f(lib).adaptive_avg_pool2d(lib.zeros(1, 4, 4), -1),
           "output_size"),
    _wrong("adaptive_avg_pool2d to three sizes", lambda lib: _f(lib).adaptive_avg_pool2d(lib.zeros(1, 4, 4), (1, 2, 3)),
           "output_size"),
    _wrong("adaptive_avg_pool2d of whole numbers", lambda lib: _f(lib).adaptive_avg_pool2d(
        lib.zeros(1, 4, 4, dtype=lib.int64), 2), "int64"),
    _wrong("adaptive_avg_pool1d of a vector", lambda lib: _f(lib).adaptive_avg_pool1d(lib.zeros(4), 2), (4,)),
    _wrong("adaptive_avg_pool1d to two sizes", lambda lib: _f(lib).adaptive_avg_pool1d(lib.zeros(1, 4), (2, 2)),
           "output_size"),
]
