"""Where terox deviates from PyTorch on purpose, as far as the table sees it. docs/deviations.md has the whole list.

Each entry names a case or a wrong call, the aspect in which it deviates, and the reason. An entry that does not
deviate (any more), or deviates in another aspect, fails the tests.
"""

from __future__ import annotations

_VIEW = "a recorded in-place operation reaches one tensor, not the views beside it: terox refuses where torch rebuilds"
_WORDS = "a value of a type that cannot be used is a TypeError everywhere in terox, with a message that names the type"

# Name of a case or wrong call: (aspect, reason).
DEVIATIONS: dict[str, tuple[str, str]] = {
    "b[1:] += v": ("raises", _VIEW),
    "in place through a view of a computed value": ("raises", _VIEW),
    "a view whose base is changed afterward": ("raises", _VIEW),
    "writing to an expanded tensor": (
        "raises", "several elements lie in one place there: terox always refuses to write, torch only sometimes"),
    "a tensor is overwritten with a part of itself": (
        "raises", "terox computes the result before it writes it, so that overlapping memory does no harm"),
    "a result is multiplied by itself in place": (
        "raises", "an in-place op keeps what it needs of the numbers that it overwrites, where torch gives up"),
    "view of an op's result on a transposed matrix": (
        "raises", "results of ops are contiguous in terox; torch keeps the order of the input's strides"),
    "the gradient of //": ("raises", "it is zero, as of floor; torch has not implemented it"),
    "max() of NaN: gradient": ("gradients", "NaN everywhere, as of torch's own amax: max() and amax() are one op here"),
    "a tensor of strings": ("raises", _WORDS),
    "a tensor of None": ("raises", _WORDS),
    "Parameter of a number": ("raises", _WORDS),
}

_GPU = "torch, too, refuses it for tensors on a GPU; they are compared with tensors on the CPU"
_ZERO = "a GPU divides whole numbers by 0, in torch as well: nobody waits for it to ask"

# The same for the device "cuda" alone. torch computes on the CPU here: these are what differs between its own devices.
ON_CUDA: dict[str, tuple[str, str]] = {
    "numpy": ("raises", _GPU),
    "numpy's strides": ("raises", _GPU),
    "numpy shares memory": ("raises", _GPU),
    "numpy of what requires grad": ("raises", _GPU),
    "factory: from_numpy shares memory": ("plain value", "the GPU's memory is its own"),
    "repr": ("plain value", "it says device='cuda:0', as torch's on a GPU does"),
    "str": ("plain value", "it says device='cuda:0', as torch's on a GPU does"),
    "a % b, mixed dtypes": ("raises", _ZERO),
    "a // b, mixed dtypes": ("raises", _ZERO),
    "7 // a": ("raises", _ZERO),
    "7 % a": ("raises", _ZERO),
    "// of whole numbers by 0": ("raises", _ZERO),
    "nn.functional.cross_entropy, ignored -100": (
        "raises", "nobody waits for a GPU to ask whether there is something to ignore; any other index is ignored"),
}
