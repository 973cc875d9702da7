"""The table's entries: layers, activations, dropout and normalization, as modules and as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from table import Case, WrongCall, each

IMAGES = each((2, 3, 4, 4))
ROWS = each((4, 3), (2, 3))


def _numbers(lib: Any, *shape: int, dtype: Any) -> Any:
    """The same numbers in both libraries: multiples of 1/8 from -1 to 1."""
    count = 1
    for size in shape:
        count *= size
    return ((lib.arange(count) * 7 % 17 - 8).to(dtype) / 8).reshape(shape)


def filled(lib: Any, module: Any, dtype: Any) -> Any:
    """The module in a dtype, with numbers that are the same in both libraries."""
    module = module.to(dtype)
    with lib.no_grad():
        for number, value in enumerate([*module.parameters(), *module.buffers()]):
            if value.dtype != lib.int64:
                new = _numbers(lib, *value.shape, dtype=dtype) + 0.125 * number
                value.copy_(new if number < 2 else new.abs() + 0.5)
    return module


def _module(make: Callable[[Any], Any], training: bool = True, calls: int = 1) -> Callable[[Any, Any], Any]:
    """What a module gives, what its state is afterwards, and the gradients that its parameters get."""

    def run(lib: Any, x: Any) -> Any:
        module = filled(lib, make(lib.nn), x.dtype).train(training)
        for _ in range(calls):
            out = module(x)
        weights = _numbers(lib, *out.shape, dtype=out.dtype)
        parameters = list(module.parameters())
        loss = (out * weights).sum()
        gradients = lib.autograd.grad([loss], parameters, retain_graph=True) if parameters else []
        return [out, *gradients, *module.buffers(), list(module.state_dict()), repr(module)]

    return run


LAYERS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "Linear": (lambda nn: nn.Linear(3, 2), each((4, 3), (3,), (2, 2, 3))),
    "Linear without bias": (lambda nn: nn.Linear(3, 2, bias=False), ROWS),
    "Conv2d": (lambda nn: nn.Conv2d(3, 2, (3, 2)), IMAGES),
    "Conv2d with all settings": (lambda nn: nn.Conv2d(4, 2, (3, 2), (2, 1), (1, 2), (1, 2), 2, False),
                                 each((1, 4, 5, 4))),
    "Conv1d": (lambda nn: nn.Conv1d(3, 2, 2), each((2, 3, 5))),
    "Conv1d with all settings": (lambda nn: nn.Conv1d(4, 2, 3, 2, 1, 2, 2, False), each((2, 4, 9))),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(3), each((4, 3), (2, 3, 4))),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(3), each((2, 3, 2, 2), (3, 3, 1, 2))),
    "BatchNorm2d, eps and momentum": (lambda nn: nn.BatchNorm2d(3, 0.5, 0.75), IMAGES),
    "BatchNorm1d without parameters": (lambda nn: nn.BatchNorm1d(3, affine=False), ROWS),
    "BatchNorm1d without bias": (lambda nn: nn.BatchNorm1d(3, bias=False), ROWS),
    "BatchNorm1d without running statistics": (lambda nn: nn.BatchNorm1d(3, track_running_stats=False), ROWS),
    "BatchNorm1d, mean of all batches": (lambda nn: nn.BatchNorm1d(3, momentum=None), ROWS),
    "LayerNorm": (lambda nn: nn.LayerNorm(3), each((4, 3), (3,), (2, 1, 3))),
    "LayerNorm of two dimensions": (lambda nn: nn.LayerNorm([2, 3], eps=0.25), each((4, 2, 3))),
    "LayerNorm without bias": (lambda nn: nn.LayerNorm(3, bias=False), ROWS),
    "LayerNorm without parameters": (lambda nn: nn.LayerNorm(3, elementwise_affine=False), ROWS),
    "Sequential": (lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), ROWS),
    "Sequential of names": (lambda nn: nn.Sequential(_named(first=nn.Linear(3, 4), last=nn.Sigmoid())), ROWS),
    "a part of a Sequential": (lambda nn: nn.Sequential(nn.Linear(3, 3), nn.SiLU(), nn.Linear(3, 2))[:2], ROWS),
    "a net of blocks": (lambda nn: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)),
        IMAGES),
}
PLAIN: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "ReLU": (lambda nn: nn.ReLU(), ROWS),
    "LeakyReLU": (lambda nn: nn.LeakyReLU(), ROWS),
    "LeakyReLU with a slope": (lambda nn: nn.LeakyReLU(0.25), ROWS),
    "GELU": (lambda nn: nn.GELU(), ROWS),
    "GELU by tanh": (lambda nn: nn.GELU(approximate="tanh"), ROWS),
    "SiLU": (lambda nn: nn.SiLU(), ROWS),
    "Sigmoid": (lambda nn: nn.Sigmoid(), ROWS),
    "Tanh": (lambda nn: nn.Tanh(), ROWS),
    "Flatten": (lambda nn: nn.Flatten(), IMAGES),
    "Flatten of some dimensions": (lambda nn: nn.Flatten(0, 2), IMAGES),
    "Identity": (lambda nn: nn.Identity(3, unused=4), ROWS),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), IMAGES),
    "MaxPool2d with all settings": (lambda nn: nn.MaxPool2d((3, 2), 2, 1, 1, ceil_mode=True), IMAGES),
    "Dropout of nothing": (lambda nn: nn.Sequential(nn.Dropout(0.0), nn.Tanh()), ROWS),
    "Dropout of everything": (lambda nn: nn.Dropout(1.0), ROWS),
}
# Modules that stand on functions of loss_functions.py and pool_functions.py.
POOLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "Softmax": (lambda nn: nn.Softmax(1), ROWS),
    "LogSoftmax": (lambda nn: nn.LogSoftmax(dim=0), ROWS),
    "MaxPool1d": (lambda nn: nn.MaxPool1d(2, 1), each((2, 3, 5))),
    "AvgPool1d": (lambda nn: nn.AvgPool1d(2, padding=1), each((2, 3, 5))),
    "AvgPool2d": (lambda nn: nn.AvgPool2d(2), IMAGES),
    "AvgPool2d with all settings": (lambda nn: nn.AvgPool2d((3, 2), 2, 1, True, False), IMAGES),
    "AvgPool2d with a divisor": (lambda nn: nn.AvgPool2d(2, divisor_override=3), IMAGES),
    "AdaptiveAvgPool1d": (lambda nn: nn.AdaptiveAvgPool1d(3), each((2, 3, 5))),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d((3, 1)), IMAGES),
}


def _named(**modules: Any) -> Any:
    from collections import OrderedDict

    return OrderedDict(modules)


def _losses(lib: Any, x: Any) -> Any:
    nn, target, other = lib.nn, lib.tensor([2, 0, 1, 2]), _numbers(lib, 4, 3, dtype=x.dtype)
    weight = lib.tensor([0.5, 1.0, 2.0], dtype=x.dtype)
    return [nn.CrossEntropyLoss()(x, target), nn.CrossEntropyLoss(weight, ignore_index=0, reduction="sum")(x, target),
            nn.CrossEntropyLoss(label_smoothing=0.25)(x, target), nn.NLLLoss()(x, target),
            nn.NLLLoss(weight, reduction="none")(x, target), nn.MSELoss()(x, other),
            nn.MSELoss(reduction="sum")(x, other),
            nn.BCEWithLogitsLoss()(x, other.abs()), nn.BCEWithLogitsLoss(pos_weight=weight)(x, other.abs()),
            repr(nn.CrossEntropyLoss()), list(nn.CrossEntropyLoss(weight).state_dict())]


def _f(lib: Any) -> Any:
    return lib.nn.functional


def _batch_norm(**options: Any) -> Callable[..., Any]:
    def run(lib: Any, x: Any, w: Any, b: Any) -> Any:
        mean, var = _numbers(lib, 3, dtype=x.dtype), _numbers(lib, 3, dtype=x.dtype).abs() + 1
        return [_f(lib).batch_norm(x, mean, var, w, b, **options), mean, var]
    return run


# Not "expanded": where all rows are equal, the gradient through the variance is 0, up to rounding.
DIFFERENT = ("contiguous", "permuted", "sliced", "mixed")
NORMS = tuple((shape, (3,), (3,)) for shape in ((4, 3), (2, 3, 4), (2, 3, 2, 2)))


def _list(lib: Any, x: Any) -> Any:
    """What a ModuleList can do, by the names and shapes of its parameters."""
    linear = lib.nn.Linear
    modules = lib.nn.ModuleList([linear(1, 2), linear(2, 3)])
    modules.append(linear(3, 4)).extend([linear(4, 5), linear(5, 6)])
    modules.insert(1, linear(7, 7))
    modules[0] = linear(8, 8)
    del modules[2]
    return [[f"{name} {tuple(value.shape)}" for name, value in modules.named_parameters()], len(modules),
            modules[-1].out_features, len(modules[1:3]), [each.in_features for each in modules], x.sum()]


def _in_place(lib: Any, x: Any) -> Any:
    y = x * 1
    out = _f(lib).relu(y, inplace=True)
    z = x * 2
    lib.nn.LeakyReLU(0.5, inplace=True)(z)
    silu = x * 3
    _f(lib).silu(silu, inplace=True)
    return out, y, z, silu


def _state(lib: Any, x: Any) -> Any:
    """What a new layer has: names, shapes, dtypes."""
    modules = [lib.nn.Linear(2, 3), lib.nn.Conv2d(2, 4, 3, bias=False), lib.nn.Conv1d(2, 4, 3), lib.nn.BatchNorm2d(3),
               lib.nn.LayerNorm((2, 3)), lib.nn.BatchNorm1d(2, affine=False)]
    return [[(name, tuple(value.shape), str(value.dtype).rpartition(".")[2])
             for name, value in module.state_dict().items()] for module in modules]


def _init(lib: Any, x: Any) -> Any:
    init, t = lib.nn.init, lib.zeros(2, 3, 4)
    gains = [init.calculate_gain(name) for name in "linear conv2d sigmoid tanh relu leaky_relu selu".split()]
    return [*gains, init.calculate_gain("leaky_relu", 0.5), *init._calculate_fan_in_and_fan_out(t), init.ones_(t).sum(),
            init.constant_(t, 2.5).clone(), init.zeros_(t)]


CASES = [
    *[Case(f"nn.{name}", _module(make), shapes, second=False, layouts=DIFFERENT)
      for name, (make, shapes) in LAYERS.items()],
    *[Case(f"nn.{name}, twice, in training", _module(make, calls=2), shapes, second=False, layouts=DIFFERENT)
      for name, (make, shapes) in LAYERS.items() if "Norm" in name],
    *[Case(f"nn.{name}, in evaluation", _module(make, training=False), shapes, second=False, layouts=DIFFERENT)
      for name, (make, shapes) in LAYERS.items() if "Norm" in name or "blocks" in name],
    *[Case(f"nn.{name}", _module(make), shapes) for name, (make, shapes) in PLAIN.items()],
    *[Case(f"nn.{name}", _module(make), shapes) for name, (make, shapes) in POOLS.items()],
    Case("nn losses", _losses, each((4, 3))),
    Case("nn.ModuleList", _list, each((2,))),
    Case("nn: state of new layers", _state, each((1,))),
    Case("nn.init", _init, each((1,))),
    Case("functional activations", lambda lib, x: [
        _f(lib).relu(x), _f(lib).leaky_relu(x, 0.1), _f(lib).gelu(x), _f(lib).silu(x), _f(lib).sigmoid(x),
        _f(lib).tanh(x), _f(lib).gelu(x, approximate="tanh")], each((2, 3), ())),
    Case("functional activations at special numbers", lambda lib, x: [_f(lib).leaky_relu(x), _f(lib).relu(x)],
         each((6, 6)), domain="special", second=False),
    Case("functional activations in place", _in_place, each((2, 3))),
    Case("erf", lambda lib, x: (x.erf(), lib.erf(x)), each((2, 3), ())),
    Case("erf of special numbers", lambda lib, x: x.erf(), each((4, 4)), domain="special", second=False),
    Case("functional.dropout in evaluation", lambda lib, x: _f(lib).dropout(x, 0.5, False) * 1, each((2, 3))),
    Case("functional.batch_norm in training", _batch_norm(training=True), NORMS, layouts=DIFFERENT),
    Case("functional.batch_norm in evaluation", _batch_norm(), NORMS),
    Case("functional.batch_norm, momentum and eps", _batch_norm(training=True, momentum=0.75, eps=0.5), NORMS[:1],
         layouts=DIFFERENT),
    Case("functional.batch_norm without anything", lambda lib, x: _f(lib).batch_norm(x, None, None, training=True),
         each((4, 3), (1, 3, 2)), layouts=DIFFERENT),
    Case("functional.layer_norm", lambda lib, x, w, b: _f(lib).layer_norm(x, [3], w, b, 0.5),
         (((4, 3), (3,), (3,)), ((2, 2, 3), (3,), (3,)))),
    Case("functional.layer_norm without anything", lambda lib, x: _f(lib).layer_norm(x, (2, 3)), each((4, 2, 3))),
]

WRONG_CALLS = [
    WrongCall("functional.dropout with p above 1", lambda lib: _f(lib).dropout(lib.ones(2), 1.5), "between 0 and 1",
              "1.5"),
    WrongCall("functional.dropout with a negative p", lambda lib: _f(lib).dropout(lib.ones(2), -0.5), "-0.5"),
    WrongCall("functional.dropout of a number", lambda lib: _f(lib).dropout(2.0), "input"),
    WrongCall("functional.dropout of whole numbers", lambda lib: _f(lib).dropout(lib.ones(2).long()), "int64"),
    WrongCall("Dropout with p above 1", lambda lib: lib.nn.Dropout(2), "2"),
    WrongCall("functional.batch_norm of one number a channel",
              lambda lib: _f(lib).batch_norm(lib.ones(1, 3), None, None, training=True), "more than 1 value", (1, 3)),
    WrongCall("functional.batch_norm in evaluation without running statistics",
              lambda lib: _f(lib).batch_norm(lib.ones(2, 3), None, None), "running_mean"),
    WrongCall("functional.batch_norm with another running mean",
              lambda lib: _f(lib).batch_norm(lib.ones(2, 3), lib.ones(2), lib.ones(3)), "running_mean", "3"),
    WrongCall("functional.batch_norm with another weight",
              lambda lib: _f(lib).batch_norm(lib.ones(2, 3), None, None, lib.ones(4), training=True), "weight", "3"),
    WrongCall("functional.batch_norm with another bias",
              lambda lib: _f(lib).batch_norm(lib.ones(2, 3), None, None, None, lib.ones(1), training=True), "bias"),
    WrongCall("BatchNorm2d of rows", lambda lib: lib.nn.BatchNorm2d(3)(lib.ones(2, 3)), "4D", "2D"),
    WrongCall("BatchNorm1d of images", lambda lib: lib.nn.BatchNorm1d(3)(lib.ones(2, 3, 4, 4)), "2D or 3D"),
    WrongCall("BatchNorm1d of other channels", lambda lib: lib.nn.BatchNorm1d(3)(lib.ones(2, 4)), "running_mean"),
    WrongCall("functional.layer_norm of another shape", lambda lib: _f(lib).layer_norm(lib.ones(2, 3), [4]), "4",
              (2, 3)),
    WrongCall("functional.layer_norm of no shape", lambda lib: _f(lib).layer_norm(lib.ones(2, 3), []), "1-dimensional"),
    WrongCall("functional.layer_norm with another weight",
              lambda lib: _f(lib).layer_norm(lib.ones(2, 3), [3], lib.ones(2)), "weight", (2,)),
    WrongCall("functional.layer_norm of a number as shape", lambda lib: _f(lib).layer_norm(lib.ones(2, 3), 3), "int"),
    WrongCall("functional.leaky_relu of whole numbers", lambda lib: _f(lib).leaky_relu(lib.ones(2).long()),
              "leaky_relu"),
    WrongCall("functional.gelu of whole numbers", lambda lib: _f(lib).gelu(lib.ones(2).long()), "gelu"),
    WrongCall("functional.gelu with an unknown approximation",
              lambda lib: _f(lib).gelu(lib.ones(2), approximate="erf"), "none or tanh"),
    WrongCall("functional.silu of whole numbers", lambda lib: _f(lib).silu(lib.ones(2).long()), "silu"),
    WrongCall("Linear of other inputs", lambda lib: lib.nn.Linear(3, 2)(lib.ones(2, 4)), (2, 4)),
    WrongCall("Conv2d of other channels", lambda lib: lib.nn.Conv2d(3, 2, 2)(lib.ones(1, 2, 4, 4)), "channels"),
    WrongCall("Conv2d with groups that do not divide", lambda lib: lib.nn.Conv2d(3, 2, 2, groups=2), "in_channels"),
    WrongCall("Conv1d with groups that do not divide", lambda lib: lib.nn.Conv1d(4, 3, 2, groups=2), "out_channels"),
    WrongCall("Sequential of a function", lambda lib: lib.nn.Sequential(abs), "Module"),
    WrongCall("Sequential: no such place", lambda lib: lib.nn.Sequential(lib.nn.ReLU())[1], "1"),
    WrongCall("ModuleList: no such place", lambda lib: lib.nn.ModuleList([lib.nn.ReLU()])[-2], "-2"),
    WrongCall("ModuleList called", lambda lib: lib.nn.ModuleList([lib.nn.ReLU()])(lib.ones(1)), "forward"),
    WrongCall("ModuleList of numbers", lambda lib: lib.nn.ModuleList([1, 2]), "Module"),
    WrongCall("state_dict with a missing name",
              lambda lib: lib.nn.Linear(2, 2).load_state_dict({"weight": lib.ones(2, 2)}), "bias"),
    WrongCall("state_dict with another shape",
              lambda lib: lib.nn.Linear(2, 2).load_state_dict({"weight": lib.ones(1, 2), "bias": lib.ones(2)}),
              "size mismatch", "weight", (1, 2), (2, 2)),
    WrongCall("nn.init.xavier_uniform_ of a vector", lambda lib: lib.nn.init.xavier_uniform_(lib.ones(3)),
              "2 dimensions"),
    WrongCall("nn.init.kaiming_normal_ with an unknown mode",
              lambda lib: lib.nn.init.kaiming_normal_(lib.ones(3, 3), mode="fan"), "fan_in"),
    WrongCall("nn.init.calculate_gain of an unknown function", lambda lib: lib.nn.init.calculate_gain("sine"), "sine"),
    WrongCall("nn.init.calculate_gain with no slope", lambda lib: lib.nn.init.calculate_gain("leaky_relu", "a"),
              "slope"),
    WrongCall("nn.init.normal_ with a negative std", lambda lib: lib.nn.init.normal_(lib.ones(3), 0, -1), "-1"),
]
