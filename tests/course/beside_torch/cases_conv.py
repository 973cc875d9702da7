"""The table's entries: convolution, `unfold` and `fold`, with all options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from table import Case, WrongCall, each

# input, weight, bias
IMAGES = (((2, 2, 4, 5), (3, 2, 3, 2), (3,)), ((1, 1, 3, 3), (1, 1, 3, 3), (1,)), ((2, 5, 4), (1, 2, 2, 3), (1,)))
SIGNALS = (((2, 2, 6), (3, 2, 3), (3,)), ((1, 1, 3), (1, 1, 3), (1,)), ((2, 5), (1, 2, 2), (1,)))
WIDE = (((1, 2, 5, 6), (2, 2, 2, 3), (2,)), ((2, 5, 5), (1, 2, 3, 2), (1,)))


def _f(lib: Any) -> Any:
    return lib.nn.functional


def conv(name: str, shapes: Any, dims: int = 2, bias: bool = True, second: bool = True, **options: Any) -> Case:
    """An entry for conv1d or conv2d with these options."""
    def run(lib: Any, *tensors: Any) -> Any:
        return getattr(_f(lib), f"conv{dims}d")(*tensors, **options)

    given = shapes if bias else tuple(each[:2] for each in shapes)
    return Case(f"functional.conv{dims}d{', ' * bool(name)}{name}", run, given, second=second)


def columns(name: str, function: Callable[[Any, Any], Any], *shapes: tuple[int, ...]) -> Case:
    return Case(f"functional.{name}", lambda lib, x: function(_f(lib), x), each(*shapes))


def _same_input_and_weight(lib: Any, x: Any) -> Any:
    return _f(lib).conv2d(x, x, padding=1)


def _shared_weight(lib: Any, x: Any, w: Any) -> Any:
    return _f(lib).conv2d(_f(lib).conv2d(x, w, padding=1).relu(), w, stride=2)


def _keywords(lib: Any, x: Any, w: Any, b: Any) -> Any:
    return _f(lib).conv2d(input=x, weight=w, bias=b, stride=1, padding=(1, 0), dilation=1, groups=1)


def _by_hand(lib: Any, x: Any, w: Any) -> Any:
    return (w.reshape(w.shape[0], -1) @ _f(lib).unfold(x, (2, 3))).reshape(2, 3, 3, 2)


CASES = [
    conv("", IMAGES),
    conv("without bias", IMAGES, bias=False),
    conv("a bias of None", (((1, 2, 3, 3), (2, 2, 2, 2)),), bias=False, stride=1),
    conv("stride", IMAGES, stride=2),
    conv("stride, a pair", WIDE, stride=(2, 1)),
    conv("stride, a list", WIDE, stride=[1, 3]),
    conv("stride, a list of one", WIDE, stride=[2]),
    conv("stride larger than the kernel", WIDE, stride=(3, 4)),
    conv("stride that leaves a rest", (((1, 1, 6, 6), (1, 1, 3, 3), (1,)),), stride=2),
    conv("padding", IMAGES, padding=1),
    conv("padding, a pair", IMAGES, padding=(0, 2)),
    conv("padding larger than the kernel", (((1, 1, 2, 3), (2, 1, 1, 2), (2,)),), padding=(2, 3)),
    conv("only padding fits the kernel", (((1, 1, 1, 1), (1, 1, 3, 3), (1,)),), padding=1),
    conv("padding, valid", IMAGES, padding="valid"),
    conv("padding, same", IMAGES, padding="same"),
    conv("padding, same, with dilation", IMAGES, padding="same", dilation=(2, 1)),
    conv("dilation", WIDE, dilation=2),
    conv("dilation, a pair", WIDE, dilation=(1, 2)),
    conv("stride, padding and dilation", WIDE, stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
    conv("groups", (((2, 4, 3, 3), (4, 2, 2, 2), (4,)), ((4, 3, 4), (2, 2, 3, 1), (2,))), groups=2),
    conv("depthwise", (((1, 3, 4, 4), (3, 1, 3, 3), (3,)),), groups=3, padding=1),
    conv("depthwise, two kernels for each channel", (((2, 2, 3, 3), (4, 1, 2, 2), (4,)),), groups=2, stride=2,
         padding=1),
    conv("groups and dilation", (((1, 4, 5, 4), (2, 2, 2, 2), (2,)),), groups=2, dilation=(2, 1), bias=False),
    conv("a kernel of one", (((2, 3, 2, 2), (4, 3, 1, 1), (4,)),)),
    conv("a batch of none", (((0, 2, 3, 3), (3, 2, 2, 2), (3,)),), second=False),
    Case("functional.conv2d, keywords", _keywords, IMAGES),
    Case("functional.conv2d, input and weight the same", _same_input_and_weight, each((2, 2, 3, 3))),
    Case("functional.conv2d, a weight in two places", _shared_weight, (((1, 2, 4, 4), (2, 2, 2, 2)),)),
    Case("functional.conv2d beside unfold", _by_hand, (((2, 2, 4, 4), (3, 2, 2, 3)),)),
    conv("", SIGNALS, dims=1),
    conv("without bias", SIGNALS, dims=1, bias=False),
    conv("stride", SIGNALS, dims=1, stride=2),
    conv("stride, a tuple of one", SIGNALS, dims=1, stride=(2,), padding=(1,), dilation=(1,)),
    conv("padding", SIGNALS, dims=1, padding=2),
    conv("padding, valid", SIGNALS, dims=1, padding="valid"),
    conv("padding, same", SIGNALS, dims=1, padding="same"),
    conv("dilation", (((2, 2, 7), (3, 2, 3), (3,)),), dims=1, dilation=3),
    conv("stride, padding and dilation", (((2, 2, 7), (3, 2, 2), (3,)),), dims=1, stride=3, padding=2, dilation=2),
    conv("groups", (((2, 4, 5), (6, 2, 3), (6,)), ((4, 5), (2, 2, 2), (2,))), dims=1, groups=2),
    conv("a batch of none", (((0, 2, 3), (3, 2, 2), (3,)),), dims=1, second=False),
    columns("unfold", lambda f, x: f.unfold(x, 2), (2, 2, 3, 4), (1, 3, 3), (1, 1, 2, 2)),
    columns("unfold, all options", lambda f, x: f.unfold(x, (3, 2), (1, 2), (1, 0), (2, 1)), (2, 2, 4, 5), (1, 3, 3)),
    columns("unfold, keywords", lambda f, x: f.unfold(x, kernel_size=2, dilation=1, padding=1, stride=2), (1, 2, 3, 3)),
    columns("unfold, lists", lambda f, x: f.unfold(x, [2, 1], stride=[1, 2]), (1, 2, 3, 3)),
    columns("unfold of a batch of none", lambda f, x: f.unfold(x, 2), (0, 2, 3, 3)),
    columns("fold", lambda f, x: f.fold(x, (3, 3), 2), (2, 8, 4), (4, 4)),
    columns("fold, all options", lambda f, x: f.fold(x, (4, 5), (3, 2), (1, 2), (1, 0), (2, 1)), (2, 12, 6), (6, 6)),
    columns("fold, keywords", lambda f, x: f.fold(x, output_size=3, kernel_size=2, dilation=1, padding=1, stride=2),
            (1, 4, 4)),
    columns("fold, with elements in no window", lambda f, x: f.fold(x, (1, 5), (1, 1), stride=(1, 2)), (1, 2, 3)),
    columns("fold of what was unfolded", lambda f, x: f.fold(f.unfold(x, 3, padding=1), (3, 4), 3, padding=1),
            (2, 1, 3, 4)),
]


def wrong(name: str, function: Callable[[Any, Any], Any], *says: Any) -> WrongCall:
    """A call that is refused: a function of functional and the library."""
    return WrongCall(f"functional.{name}", lambda lib: function(_f(lib), lib), *says)


WRONG_CALLS = [
    wrong("conv2d with other channels", lambda f, lib: f.conv2d(lib.ones(1, 2, 4, 4), lib.ones(3, 1, 2, 2)), "conv2d",
          (1, 2, 4, 4), (3, 1, 2, 2)),
    wrong("conv2d of a matrix", lambda f, lib: f.conv2d(lib.ones(4, 4), lib.ones(3, 1, 2, 2)), "conv2d", (4, 4)),
    wrong("conv2d of five dimensions", lambda f, lib: f.conv2d(lib.ones(1, 1, 1, 4, 4), lib.ones(1, 1, 2, 2)),
          "conv2d", (1, 1, 1, 4, 4)),
    wrong("conv2d with a weight of three dimensions", lambda f, lib: f.conv2d(lib.ones(1, 1, 4, 4), lib.ones(1, 2, 2)),
          "conv2d", (1, 2, 2)),
    wrong("conv2d with a kernel too large", lambda f, lib: f.conv2d(lib.ones(1, 1, 2, 4), lib.ones(1, 1, 3, 2)),
          "conv2d", (3, 2), (2, 4)),
    wrong("conv2d with a dilation too large", lambda f, lib: f.conv2d(lib.ones(1, 1, 4, 4), lib.ones(1, 1, 2, 2),
                                                                      dilation=4), "conv2d", (4, 4)),
    wrong("conv2d with another bias", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(2, 1, 2, 2), lib.ones(3)),
          "bias", (2, 1, 2, 2), (3,)),
    wrong("conv2d with a bias of two dimensions", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(2, 1, 2, 2),
                                                                          lib.ones(2, 1)), "bias", (2, 1)),
    wrong("conv2d with a stride of 0", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), stride=0),
          "stride"),
    wrong("conv2d with a negative stride", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                                   stride=(1, -1)), "stride", "-1"),
    wrong("conv2d with a negative padding", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                                    padding=-1), "padding"),
    wrong("conv2d with a dilation of 0", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                                 dilation=0), "dilation"),
    wrong("conv2d with three strides", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                               stride=(1, 1, 1)), "stride"),
    wrong("conv2d with a stride of 1.5", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                                 stride=1.5), "stride"),
    wrong("conv2d with an unknown padding", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2),
                                                                    padding="full"), "padding", "same", "valid"),
    wrong("conv2d with padding same and a stride", lambda f, lib: f.conv2d(
        lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), stride=2, padding="same"), "same", "stride"),
    wrong("conv2d with groups that do not divide", lambda f, lib: f.conv2d(lib.ones(1, 4, 3, 3), lib.ones(3, 2, 2, 2),
                                                                           groups=2), "groups=2", (3, 2, 2, 2)),
    wrong("conv2d with groups for other channels", lambda f, lib: f.conv2d(lib.ones(1, 4, 3, 3), lib.ones(2, 4, 2, 2),
                                                                           groups=2), "groups=2", (1, 4, 3, 3)),
    wrong("conv2d with groups of 0", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), groups=0),
          "groups"),
    wrong("conv2d with groups of 1.0", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), groups=1.0),
          "groups"),
    wrong("conv2d of two dtypes", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2).double()),
          "float32", "float64"),
    wrong("conv2d with a bias of another dtype", lambda f, lib: f.conv2d(
        lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), lib.ones(1).double()), "float32", "float64"),
    wrong("conv2d of a number", lambda f, lib: f.conv2d(3.0, lib.ones(1, 1, 2, 2)), "input"),
    wrong("conv2d with a list for a weight", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), [[[[1.0]]]]), "weight"),
    wrong("conv2d with a number for a bias", lambda f, lib: f.conv2d(lib.ones(1, 1, 3, 3), lib.ones(1, 1, 2, 2), 1.0),
          "bias"),
    wrong("conv1d with other channels", lambda f, lib: f.conv1d(lib.ones(1, 2, 4), lib.ones(3, 1, 2)), "conv1d",
          (1, 2, 4), (3, 1, 2)),
    wrong("conv1d of images", lambda f, lib: f.conv1d(lib.ones(1, 1, 4, 4), lib.ones(1, 1, 2)), "conv1d",
          (1, 1, 4, 4)),
    wrong("conv1d with a kernel too large", lambda f, lib: f.conv1d(lib.ones(1, 1, 2), lib.ones(1, 1, 3)), "conv1d"),
    wrong("conv1d with two strides", lambda f, lib: f.conv1d(lib.ones(1, 1, 4), lib.ones(1, 1, 2), stride=(1, 2)),
          "stride"),
    wrong("unfold of five dimensions", lambda f, lib: f.unfold(lib.ones(1, 1, 1, 4, 4), 2), "unfold", (1, 1, 1, 4, 4)),
    wrong("unfold of no channels", lambda f, lib: f.unfold(lib.ones(1, 0, 4, 4), 2), "unfold", (1, 0, 4, 4)),
    wrong("unfold with three sizes", lambda f, lib: f.unfold(lib.ones(1, 1, 4, 4), (2, 2, 2)), "unfold", "kernel_size"),
    wrong("unfold with one size in a list", lambda f, lib: f.unfold(lib.ones(1, 1, 4, 4), [2]), "unfold",
          "kernel_size"),
    wrong("unfold of a list", lambda f, lib: f.unfold([1.0], 2)),
    wrong("unfold with a kernel too large", lambda f, lib: f.unfold(lib.ones(1, 1, 2, 2), 3), "unfold"),
    wrong("unfold with a stride of 0", lambda f, lib: f.unfold(lib.ones(1, 1, 2, 2), 1, stride=0), "stride"),
    wrong("unfold with a kernel of 0", lambda f, lib: f.unfold(lib.ones(1, 1, 2, 2), 0), "kernel"),
    wrong("fold with another number of windows", lambda f, lib: f.fold(lib.ones(1, 4, 5), (3, 3), 2), "fold",
          (1, 4, 5)),
    wrong("fold with rows that the kernel does not divide", lambda f, lib: f.fold(lib.ones(1, 5, 4), (3, 3), 2), "fold",
          (1, 5, 4)),
    wrong("fold of four dimensions", lambda f, lib: f.fold(lib.ones(1, 1, 4, 4), (3, 3), 2), "fold", (1, 1, 4, 4)),
]
