"""What the tests of `conv1d` share: arguments as arrays, and what comes of mistakes."""

from __future__ import annotations

import numpy as np
from convolutions import convolve, count_windows, gradients, numbers
from hypothesis import strategies as st


class Sliding:
    """Arguments of conv1d, as arrays, and a gradient that comes in, 1, 10, 100, ... if none is given."""

    def __init__(self, x, weight, bias=None, stride=1, padding=0, grad=None):
        self.x, self.weight = np.array(x), np.array(weight)
        self.bias = None if bias is None else np.array(bias)
        self.stride, self.padding = stride, padding
        self.grad = np.array(grad) if grad is not None else self._upstream()

    @property
    def count(self):
        return count_windows(self.x.shape[2], self.weight.shape[2], self.stride, self.padding)

    def _upstream(self):
        shape = len(self.x), len(self.weight), self.count
        return (np.arange(float(np.prod(shape))) * 7 % 5 - 1).reshape(shape)

    def steps(self):
        return self.stride, self.padding

    def right(self, **changes):
        """`changes`: other arguments."""
        given = {"x": self.x, "weight": self.weight, "bias": self.bias, "stride": self.stride, "padding": self.padding}
        x, weight, bias, stride, padding = (given | changes).values()
        out = convolve(x, weight, (stride,), (padding,), (1,))
        return out if bias is None else out + bias.reshape(-1, 1)

    def gradients(self):
        """Of x and weight, and of the bias where there is one."""
        found = gradients(self.x, self.weight, self.grad, (self.stride,), (self.padding,), (1,))
        return found if self.bias is None else (*found, self.grad.sum((0, 2)))

    def mistakes(self):
        """Sentence -> a function that gives what comes of it."""
        x, weight, padding, stride = self.x, self.weight, self.padding, self.stride
        plain = 0.0 if self.bias is None else self.bias.reshape(-1, 1)

        def only(dims, side):
            room = np.pad(x, [(0, 0), (0, 0), side])
            return self.right(x=room, padding=0)

        wrong = {
            "The kernel was turned around. weight[..., 0] belongs to the first element of a window.":
                lambda: self.right(weight=weight[:, :, ::-1]),
            "The padding was left out.": lambda: self.right(padding=0),
            "Zeros were put in front of the input only; they stand on both sides.": lambda: only(2, (padding, 0)),
            "Zeros were put behind the input only; they stand on both sides.": lambda: only(2, (0, padding)),
            "All zeros were put in front of the input; `padding` of them stand on each side.":
                lambda: only(2, (2 * padding, 0)),
            "All zeros were put behind the input; `padding` of them stand on each side.":
                lambda: only(2, (0, 2 * padding)),
            "Half of the padding stands on either side; it has to be `padding` on each.":
                lambda: only(2, (padding // 2, padding - padding // 2)),
            "Ones were put around the input; outside of it stand zeros.":
                lambda: self.right(x=np.pad(x, [(0, 0), (0, 0), (padding, padding)], constant_values=1.0), padding=0),
            "The input's own ends were repeated; outside of it stand zeros.":
                lambda: self.right(x=np.pad(x, [(0, 0), (0, 0), (padding, padding)], "edge"), padding=0),
            "The stride was not used: window number x begins at x * stride.": lambda: self.right(stride=1),
            "The windows begin side by side, and so there are too many: the slice for k goes in steps of the stride.":
                lambda: self.right(stride=1)[:, :, : stride * (self.count - 1) + 1],
            "There are as many windows as there should be, but they begin side by side: the slice for k goes in steps "
            "of the stride.": lambda: self.right(stride=1)[:, :, : self.count],
            "Windows begin `stride` apart, and so do the elements in a window here: those are neighbors.":
                lambda: convolve(x, weight, (stride,), (padding,), (stride,)) + plain,
            "A window's elements are `stride` apart here, and the windows 1; it has to be the other way round.":
                lambda: convolve(x, weight, (1,), (padding,), (stride,))[:, :, : self.count] + plain,
            "Kernels and channels of the weight were exchanged: it is (O, C, K).":
                lambda: self.right(weight=weight.transpose(1, 0, 2)),
            "Only the last k is in the result. The parts of all k are added up.":
                lambda: self._part(weight.shape[2] - 1),
            "Only the first k is in the result. The parts of all k are added up.": lambda: self._part(0),
            "The part of the first k was added twice.": lambda: self.right() + self._part(0) - plain,
            "The last k was left out.": lambda: self.right() - self._part(weight.shape[2] - 1) + plain,
            "Only channel 0 is in the result. All channels go into one sum.":
                lambda: self.right(x=x[:, :1], weight=weight[:, :1]),
            "The channels were averaged; they are added.": lambda: self.right(bias=None) / x.shape[1] + plain,
            "The last window is missing.": lambda: self.right()[:, :, :-1],
            "The result is turned over: it is (N, O, L_out), so the product is weight[:, :, k] @ slice.":
                lambda: self.right().transpose(0, 2, 1),
            "The loop goes over as many k as there are channels: weight is (O, C, K), and K is its last size.":
                lambda: self.right(weight=weight[:, :, : weight.shape[1]]),
        }
        if self.bias is not None:
            wrong |= {
                "The bias was left out.": lambda: self.right(bias=None),
                "The bias was added once for each k; it belongs to the whole sum.":
                    lambda: self.right() + plain * (weight.shape[2] - 1),
                "The bias was added along the length. Each of the O rows has its own: give the bias another dimension.":
                    lambda: self.right(bias=None) + self.bias,
                "The bias was subtracted.": lambda: self.right() - 2 * plain,
            }
        return wrong

    def _part(self, k):
        one = np.zeros(self.weight.shape)
        one[:, :, k] = self.weight[:, :, k]
        return self.right(weight=one)

    def sum_at(self, place):
        """What the number at [n, o, x] is made of, as text."""
        n, o, x = place
        room = np.pad(self.x, [(0, 0), (0, 0), (self.padding,) * 2])[n]
        begin, kernel = x * self.stride, self.weight.shape[2]
        terms = [f"{self.weight[o, c, k]:g} * {room[c, begin + k]:g}" for c in range(len(room)) for k in range(kernel)]
        terms += [] if self.bias is None else [f"the bias {self.bias[o]:g}"]
        return " + ".join(terms[:8]) + (" + ..." if len(terms) > 8 else "")

    def hint(self, error):
        """Words for errors that a learner's code often makes."""
        text = str(error)
        if "NoneType" in text and self.bias is None:
            return "bias may be None: then the sum alone is the result."
        if "Boolean value of Tensor" in text:
            return "To ask whether there is a bias, write `bias is not None`; `if bias` asks for its number."
        if "dtype" in text or "device" in text:
            return "new_zeros of a tensor gives zeros of the same dtype, on the same device."
        if "matmul" in text:
            return (f"The product for one k is (O, C) @ (N, C, L_out): here ({self.weight.shape[0]}, "
                    f"{self.weight.shape[1]}) @ ({len(self.x)}, {self.x.shape[1]}, {self.count}).")
        if text.startswith("cat"):
            return "Zeros are put beside the elements of a row, along the last dimension."
        if "broadcast" in text or "match" in text or "add" in text:
            sides = "There are zeros on both sides. " if self.padding else ""
            return (f"{sides}For every k, the slice of the padded input has to have {self.count} elements: it begins "
                    "at k, goes in steps of the stride, and ends behind element k + stride * (L_out - 1).")
        return None

    def call(self):
        options = "".join([f", stride={self.stride}" if self.stride != 1 else "",
                           f", padding={self.padding}" if self.padding else ""])
        bias = "" if self.bias is None else ", bias"
        return f"conv1d(input, weight{bias}{options}) for {self!r}"

    def __repr__(self):
        named = {"input": self.x, "weight": self.weight, "bias": self.bias}
        return ", ".join(f"{name} {array.tolist()}" for name, array in named.items() if array is not None)


@st.composite
def slidings(draw):
    """Arguments for which at least one window fits."""
    n, channels, out_channels = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel, stride, padding = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    length = draw(st.integers(max(1, kernel - 2 * padding), 8))
    bias = draw(numbers(out_channels)) if draw(st.booleans()) else None
    return Sliding(draw(numbers(n, channels, length)), draw(numbers(out_channels, channels, kernel)), bias, stride,
                   padding)


FLIP = Sliding([[[1.0, 2.0, 3.0, 4.0]]], [[[10.0, 1.0]]])
PAIR = Sliding([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], [[[1.0, 10.0], [100.0, 1000.0]], [[2.0, 0.0], [0.0, 3.0]]],
               [5.0, 7.0])
STEPS = Sliding([[[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, -1.0, 2.0, 6.0]],
                 [[2.0, 3.0, -4.0, 5.0, 0.0], [7.0, 1.0, 1.0, 2.0, 3.0]]],
                [[[1.0, 2.0, -3.0], [4.0, 0.0, 1.0]], [[0.0, 1.0, 5.0], [2.0, -1.0, 3.0]],
                 [[1.0, 1.0, 2.0], [3.0, 3.0, -2.0]]], [10.0, 20.0, 30.0], stride=2, padding=1)
