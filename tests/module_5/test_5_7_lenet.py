"""Task 5.7: LeNet, against the same network in NumPy."""

from __future__ import annotations

import re

import numpy as np
import plain_nets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_checks import gradient_of, numbers_of, run, tensor_close, tensor_of
from plain_nets import LENET

from course import check
from course.check import CheckFailed, Whole
from terox.nn.lenet import LeNet
from terox.tensors.factories import manual_seed

pytestmark = pytest.mark.task("5.7")


def test_parameters():
    """LeNet has five layers, conv1, conv2, fc1, fc2 and fc3, in this order, with the sizes of the table."""
    model = run(LeNet, call="LeNet()")
    got = {name: tuple(value.shape) for name, value in model.named_parameters()}
    if list(got) != list(LENET):
        same = sorted(got) == sorted(LENET)
        raise CheckFailed("LeNet(): names of its parameters", str(list(got)), str(list(LENET)),
                          "The order is that in which the layers are assigned to attributes." if same else
                          "Five attributes: conv1, conv2, fc1, fc2, fc3.")
    for name, shape in LENET.items():
        check.equal(got[name], shape, call=f"LeNet().{name}: its shape")
    check.equal(sum(value.numel() for value in model.parameters()), 61706, call="LeNet(): the number of its parameters")


@pytest.mark.parametrize("device", ["python", "cpu"])
def test_device(device):
    """All layers are made on the device that is asked for."""
    model = run(LeNet, device=device, call=f"LeNet(device={device!r})")
    for name, value in model.named_parameters():
        check.equal(value.device, device, call=f"LeNet(device={device!r}).{name}.device",
                    note="Hand device on to every layer.")
    check.equal(run(LeNet, device, call=f"LeNet({device!r})").conv1.weight.device, device,
                call=f"LeNet({device!r}).conv1.weight.device")


def example(seed, count):
    """A model with biases that matter, its numbers, and images."""
    manual_seed(seed)
    random = np.random.default_rng(seed)
    model = run(LeNet, call="LeNet()")
    state = {name: random.uniform(-1, 1, shape) * (0.5 if name.endswith("bias") else 2 / np.sqrt(np.prod(shape[1:])))
             for name, shape in LENET.items()}
    own = dict(model.named_parameters())
    check.equal({name: tuple(value.shape) for name, value in own.items()} == LENET, True,
                call="LeNet(): its parameters are those of the table")
    for name, value in own.items():
        value.data = tensor_of(state[name])
    return model, state, random.uniform(-1, 1, (count, 1, 28, 28))


def mistakes(state, x):
    def of(**options):
        return lambda: plain_nets.lenet(state, x, **options)

    slips = {f"There is a relu behind {name}, too.": of(skip=name) for name in ("conv1", "conv2", "fc1", "fc2")}
    return {text.replace("There is a relu", "A relu is missing").replace(", too", ""): wrong
            for text, wrong in slips.items()} | {
        "There is no relu behind fc3: logits may be negative.": of(last=plain_nets.relu),
        "LeNet gives logits, not probabilities: no softmax. The loss does that.": of(last=plain_nets.softmax),
        "LeNet gives logits: no log_softmax. The loss does that.": of(last=lambda x: np.log(plain_nets.softmax(x))),
        "This is the mean of each window; max-pooling takes the largest.": of(pool=plain_nets.mean_pool),
        "This is sigmoid where relu belongs.": of(act=lambda x: 1 / (1 + np.exp(-x))),
        "This is tanh, as in 1998; here it is relu.": of(act=np.tanh),
        "All relus are missing.": of(skip="conv1 conv2 fc1 fc2"),
        "The images of the batch were made one row, too: flatten(1) keeps a row for each image.":
            lambda: plain_nets.lenet(state, x).reshape(-1),
    }


@settings(max_examples=5)
@given(seed=st.integers(0, 1000), count=st.integers(1, 2))
def test_logits(seed, count):
    """Images (N, 1, 28, 28) give logits (N, 10), by the table."""
    model, state, x = example(seed, count)
    call = Whole(f"LeNet()(images), with {count} image{'s' * (count > 1)} of random numbers")
    got = run(model, tensor_of(x), call=call, note=cause)
    tensor_close(got, plain_nets.lenet(state, x), call=call, mistakes=mistakes(state, x),
                 note="By the table: convolution, relu, pool; the same; a row for each image; three linear layers, a "
                      "relu behind the first and the second.")


def cause(error):
    shapes = re.search(r"cannot be multiplied.*?\[([\d, ]+)\]", str(error))
    if shapes is None or "400" not in str(error):
        return None
    *before, last = map(int, shapes[1].split(", "))
    if len(before) > 1:
        return "Between conv2 and fc1, each image becomes a row of 400 numbers: x.flatten(1)."
    if not before:
        return "The images of the batch were made one row, too: flatten(1) keeps a row for each image."
    return (f"fc1 gets {last} numbers for each image, and takes 400 = 16 * 5 * 5: conv1 with padding=2 leaves 28 x 28, "
            "the first pool 14 x 14, conv2 10 x 10, the second pool 5 x 5. F.max_pool2d(x, 2) has a stride of 2.")


def test_gradients():
    """A gradient arrives at each of the ten parameters, of the layer that computes with it."""
    model, state, x = example(3, 1)
    weights = np.arange(1.0, 11.0)
    out = run(model, tensor_of(x), call="LeNet()(image)", note=cause)
    check.that(out is not None and out.requires_grad, "The logits have no history.", call="LeNet()(image)")
    out.backward(tensor_of(weights.reshape(1, 10)))
    call = "LeNet()(image).backward(1, 2, ..., 10)"
    for name, value in model.named_parameters():
        found = numbers_of(gradient_of(value, name, call)).ravel().tolist()
        for place in (0, value.numel() // 2, value.numel() - 1):
            moved, both = {**state}, []
            for step in (1e-6, -1e-6):
                moved[name] = state[name].copy()
                moved[name].reshape(-1)[place] += step
                both.append(float(plain_nets.lenet(moved, x)[0] @ weights))
            check.close(found[place], (both[0] - both[1]) / 2e-6, rtol=1e-3, atol=1e-3,
                        call=f"{call}: the gradient for element {place} of {name}",
                        note="The right-hand number is the central difference of the network in NumPy.")


def test_eval_and_train_are_alike():
    """LeNet has no layer that does otherwise in evaluation, and forward changes nothing."""
    model, state, x = example(4, 1)
    first = numbers_of(run(model, tensor_of(x), call="LeNet()(image)"))
    model.eval()
    tensor_close(run(model, tensor_of(x), call="LeNet().eval()(image)"), first, call="LeNet().eval()(image)")
    for name, value in model.named_parameters():
        tensor_close(value, state[name], call=f"{name} after two calls of the model")
