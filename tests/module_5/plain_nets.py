"""Layers and LeNet in NumPy, from their definitions."""

from __future__ import annotations

import itertools

import numpy as np


def linear(x, weight, bias=None):
    out = x @ weight.T
    return out if bias is None else out + bias


def conv2d(x, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Each kernel over each image: for each element of a kernel, a slice of the padded image."""
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    kernels, _, kh, kw = weight.shape
    oh, ow = ((size - d * (k - 1) - 1) // s + 1
              for size, k, s, d in zip(x.shape[2:], (kh, kw), stride, dilation))
    out = np.zeros((len(x), kernels, oh, ow))
    of_input, of_output = x.shape[1] // groups, kernels // groups
    for group, i, j in itertools.product(range(groups), range(kh), range(kw)):
        rows = slice(i * dilation[0], i * dilation[0] + (oh - 1) * stride[0] + 1, stride[0])
        columns = slice(j * dilation[1], j * dilation[1] + (ow - 1) * stride[1] + 1, stride[1])
        part = x[:, group * of_input : (group + 1) * of_input, rows, columns]
        mine = slice(group * of_output, (group + 1) * of_output)
        out[:, mine] += np.einsum("nchw,oc->nohw", part, weight[mine, :, i, j])
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def relu(x):
    return np.maximum(x, 0)


def quarters(x):
    """The four elements of each 2 x 2 window, in a new first dimension."""
    return np.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])


def max_pool(x):
    return quarters(x).max(0)


def mean_pool(x):
    return quarters(x).mean(0)


# Name and shape of LeNet's parameters, in order.
LENET = {
    "conv1.weight": (6, 1, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,),
    "fc1.weight": (120, 400), "fc1.bias": (120,), "fc2.weight": (84, 120), "fc2.bias": (84,),
    "fc3.weight": (10, 84), "fc3.bias": (10,)}


def lenet(state, x, skip="", pool=max_pool, act=relu, last=None):
    """The logits. state: name -> array. skip: names of layers behind which there is no relu."""

    def activated(name, value):
        return value if name in skip.split() else act(value)

    x = pool(activated("conv1", conv2d(x, state["conv1.weight"], state["conv1.bias"], padding=(2, 2))))
    x = pool(activated("conv2", conv2d(x, state["conv2.weight"], state["conv2.bias"])))
    x = x.reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = activated(name, linear(x, state[f"{name}.weight"], state[f"{name}.bias"]))
    x = linear(x, state["fc3.weight"], state["fc3.bias"])
    return x if last is None else last(x)


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
