"""Task 5.7: the layers Linear and Conv2d: their parameters, and what they compute."""

from __future__ import annotations

import itertools
import math

import numpy as np
import plain_nets
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layer_checks import gradient_of, numbers_of, run, tensor_close, tensor_of

import terox
from course import check
from course.check import CheckFailed, Whole
from terox.foundations.parameter import Parameter
from terox.nn.layers import Conv2d, Linear

pytestmark = pytest.mark.task("5.7")

MAKERS = {"Linear(3, 2)": (lambda **options: Linear(3, 2, **options), (2, 3)),
          "Conv2d(3, 4, (5, 2))": (lambda **options: Conv2d(3, 4, (5, 2), **options), (4, 3, 5, 2)),
          "Conv2d(6, 4, 3, groups=2)": (lambda **options: Conv2d(6, 4, 3, groups=2, **options), (4, 3, 3, 3))}
PARAMETERS = pytest.mark.parametrize("name", MAKERS)


def cause(error):
    text = str(error)
    if "has no attribute 'bias'" in text:
        return 'Without a bias: register_parameter("bias", None).'
    return "A Tensor is made a parameter by Parameter(...)." if "Parameter or None expected" in text else None


def made(name, **options):
    call = name if not options else name[:-1] + "".join(f", {key}={value!r}" for key, value in options.items()) + ")"
    return run(MAKERS[name][0], call=call, note=cause, **options), MAKERS[name][1], call


@PARAMETERS
def test_parameters(name):
    """A layer registers `weight` and `bias`, in this order, with PyTorch's shapes."""
    layer, shape, call = made(name)
    got = {key: tuple(value.shape) for key, value in layer.named_parameters()}
    expected = {"weight": shape, "bias": shape[:1]}
    note = None
    if not got:
        note = "Nothing is registered: a Tensor is made a parameter by Parameter(...)."
    elif list(got) == ["bias", "weight"]:
        note = "First the weight, then the bias."
    elif list(got) == ["bias"]:
        note = "The weight is not registered: a Tensor is made a parameter by Parameter(...)."
    elif list(got) == ["weight"] and isinstance(layer.bias, terox.Tensor):
        note = "The bias is not registered: a Tensor is made a parameter by Parameter(...)."
    elif list(got) == ["weight"]:
        note = "There is no bias; bias is True unless something else is said."
    elif got.get("weight") == shape[1::-1] + shape[2:]:
        note = "The first dimension of the weight is that of the outputs: one row, or one kernel, for each."
    elif "groups" in name and got.get("weight", ())[1:2] == (6,):
        note = "With groups, a kernel sees in_channels / groups channels."
    elif "Conv" in name and got.get("weight") == shape[:2] + shape[:1:-1]:
        note = "kernel_size is (height, width), in this order."
    if list(got.items()) != list(expected.items()):
        raise CheckFailed(f"{call}: name and shape of its parameters", str(got), str(expected), note)
    for key, value in layer.named_parameters():
        check.that(isinstance(value, Parameter) and value.requires_grad and value.is_leaf,
                   f"{key} has to be a Parameter, a leaf that requires grad.", call=call)


@PARAMETERS
def test_first_numbers(name):
    """A new layer has numbers from -1 / sqrt(fan_in) to 1 / sqrt(fan_in), others than the layer before it."""
    # float64: among float32 numbers, of which there are 2 ** 24, two may be equal by chance.
    layers = [made(name, dtype=terox.float64)[0] for _ in range(2)]
    _, shape, call = made(name)
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    for key in ("weight", "bias"):
        first, second = (numbers_of(getattr(layer, key)).ravel() for layer in layers)
        largest = float(np.abs(np.concatenate([first, second])).max())
        check.that(0 < largest <= bound * (1 + 1e-6), "A new layer's parameters are those of reset_parameters.",
                   call=f"{call}: the largest magnitude of its {key}", got=largest, expected=bound)
        check.that(len({*first, *second}) == 2 * len(first), "The numbers have to be drawn, each on its own.",
                   call=f"two of {call}: their {key}", got=[first.tolist(), second.tolist()])


@PARAMETERS
def test_without_bias(name):
    """With bias=False, `bias` is None, registered all the same, and no parameter."""
    layer, shape, call = made(name, bias=False)
    check.equal([key for key, _ in layer.named_parameters()], ["weight"], call=f"{call}: names of its parameters",
                note="bias=False says that there is no bias: ask for it before one is made.")
    check.that("bias" in layer._parameters and layer.bias is None,
               'register_parameter("bias", None) says that the layer could have a bias, but does not.',
               call=f"{call}: bias")
    check.equal(list(layer.state_dict()), ["weight"], call=f"{call}.state_dict(): names")
    check.that(float(np.abs(numbers_of(layer.weight)).max()) <= 1 / math.sqrt(math.prod(shape[1:])) * (1 + 1e-6),
               "Also without a bias, the weight's first numbers are those of reset_parameters.", call=call)


@PARAMETERS
def test_where_the_parameters_are(name):
    """device and dtype say where the parameters are, and of which kind."""
    for options in ({"dtype": terox.float64}, {"device": "cpu"}, {}):
        layer, _, call = made(name, **options)
        for key, value in layer.named_parameters():
            check.equal(value.dtype, options.get("dtype", terox.float32), call=f"{call}.{key}.dtype",
                        note="Make it with empty(*sizes, **kind).")
            check.equal(value.device, options.get("device", "python"), call=f"{call}.{key}.device",
                        note="Make it with empty(*sizes, **kind).")


def fill(layer):
    """Numbers that differ: 1, -2, 3, ... as float64."""
    for value in layer.parameters():
        count = value.numel()
        numbers = (np.arange(count) % 7 + 1.0) * np.where(np.arange(count) % 2, -1, 1)
        with terox.no_grad():
            value.copy_(tensor_of(numbers.reshape(value.shape)))
    return [numbers_of(value) for value in layer.parameters()]


@given(shape=st.sampled_from([(4,), (2, 4), (1, 3, 4)]), bias=st.booleans())
@example(shape=(2, 4), bias=True)
def test_linear_forward(shape, bias):
    """Linear gives input @ weight.T + bias."""
    layer, call = Linear(4, 3, bias=bias, dtype=terox.float64), f"Linear(4, 3, bias={bias})"
    parameters = fill(layer)
    x = np.arange(math.prod(shape), dtype=float).reshape(shape) - 2
    call = f"{call} with {', '.join(str(each.tolist()) for each in parameters)}, called with {x.tolist()}"
    leaf = tensor_of(x, requires_grad=True)
    got = run(layer, leaf, call=call)
    tensor_close(got, plain_nets.linear(x, *parameters), call=call, mistakes={
        "The bias is missing.": plain_nets.linear(x, parameters[0])})
    got.sum().backward()
    tensor_close(gradient_of(leaf, "input", call), np.broadcast_to(parameters[0].sum(0), shape),
                 call=f"{call}: the gradient of the sum for the input")
    for key, value in layer.named_parameters():
        gradient_of(value, key, call)


ORDER = "F.conv2d takes input, weight, bias, stride, padding, dilation, groups, in this order."


def handed_on(error):
    """Words for an error of F.conv2d."""
    words = str(error)
    if "should be at least" in words or "must be an int" in words:
        return f"A setting stands in another one's place. {ORDER}"
    return f"Are all settings of the layer handed on? {ORDER}" if "group" in words or "channels" in words else None


SETTINGS = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}


@given(used=st.sets(st.sampled_from(sorted(SETTINGS))), bias=st.booleans())
@example(used={"stride"}, bias=True)
@example(used={"padding"}, bias=True)
@example(used={"dilation"}, bias=True)
@example(used={"groups"}, bias=True)
@example(used=set(SETTINGS), bias=False)
def test_conv2d_forward(used, bias):
    """Conv2d slides its kernels over the images, with its stride, padding, dilation and groups."""
    settings = {name: SETTINGS[name] for name in sorted(used)}
    text = "".join(f", {name}={value}" for name, value in settings.items())
    call = Whole(f"Conv2d(2, 4, (2, 3){text}, bias={bias}) with weights 1, -2, 3, ..., called with images of shape "
                 "[2, 2, 4, 6]")
    layer = Conv2d(2, 4, (2, 3), bias=bias, dtype=terox.float64, **settings)
    parameters = fill(layer)
    x = ((np.arange(96) * 5 % 11) - 3.0).reshape(2, 2, 4, 6)
    got = run(layer, tensor_of(x), call=call, note=handed_on)
    check.that(got is not None, "It returned None. Is a `return` missing?", call=call)

    def with_others(**changed):
        """What comes out with other settings; an empty array where that cannot be."""
        try:
            return plain_nets.conv2d(x, *parameters, **settings | changed)
        except (ValueError, IndexError, ZeroDivisionError):
            return np.zeros(0)

    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    mistakes = {f"The layer's {name} has no effect: hand it on. {ORDER}":
                lambda name=name: with_others(**{name: plain[name]}) for name in settings}
    full = plain | settings
    mistakes |= {f"{one} and {other} have changed places. {ORDER}": lambda one=one, other=other: with_others(
        **{one: full[other], other: full[one]}) for one, other in itertools.combinations(("stride", "padding",
                                                                                          "dilation"), 2)}
    mistakes[f"No setting of the layer has an effect: hand all of them on. {ORDER}"] = lambda: with_others(**plain)
    if bias:
        mistakes["The bias is missing."] = plain_nets.conv2d(x, parameters[0], **settings)
    tensor_close(got, plain_nets.conv2d(x, *parameters, **settings), call=call, mistakes=mistakes)


def test_settings_of_their_own():
    """Two layers with the same sizes have parameters of their own, and each is called with its own."""
    for first, second, x in ((Linear(2, 2), Linear(2, 2), np.eye(2)),
                             (Conv2d(1, 1, 2), Conv2d(1, 1, 2), np.eye(3).reshape(1, 1, 3, 3))):
        x = tensor_of(x.astype(np.float32))
        outs = [numbers_of(run(layer, x, call=f"{layer!r}(x)")) for layer in (first, second)]
        check.that(not np.allclose(*outs), "Two new layers give the same: they share their parameters.",
                   call=f"two of {first!r}")


def test_a_network_moves_its_layers():
    """state_dict and load_state_dict carry a layer's numbers over; the same results follow."""
    x = tensor_of(np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3))
    one, other = Conv2d(2, 3, 2), Conv2d(2, 3, 2)
    other.load_state_dict(one.state_dict())
    tensor_close(run(other, x, call="other(x)"), numbers_of(run(one, x, call="one(x)")), rtol=1e-6, atol=1e-6,
                 call="other.load_state_dict(one.state_dict()); other(x), for two of Conv2d(2, 3, 2)")
