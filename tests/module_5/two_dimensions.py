"""What the tests of task 5.3 share: arguments of `conv2d` and its gradients as arrays, and what comes of mistakes."""

from __future__ import annotations

import numpy as np
from convolutions import convolve, count_windows, gradients, numbers
from hypothesis import strategies as st

from course.check import shown

ONE = (1, 1)


class Images:
    """Arguments of conv2d, as arrays, and a gradient of the result."""

    def __init__(self, x, weight, stride=ONE, padding=(0, 0), dilation=ONE, grad=None):
        self.x, self.weight = np.array(x), np.array(weight)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.grad = self._upstream() if grad is None else np.array(grad)

    @property
    def counts(self):
        return tuple([count_windows(*each) for each in zip(self.x.shape[2:], self.weight.shape[2:], *self.steps)])

    @property
    def steps(self):
        return self.stride, self.padding, self.dilation

    def _upstream(self):
        shape = len(self.x), len(self.weight), *self.counts
        return (np.arange(float(np.prod(shape))) * 7 % 5 - 1).reshape(shape)

    def sum_at(self, place):
        """What the number of the result at [n, o, y, x] is made of, as text."""
        n, o, y, x = place
        terms = []
        for c, i, j in np.ndindex(*self.weight.shape[1:]):
            row, column = (place * step - padding + element * dilation for place, element, step, padding, dilation in
                           zip((y, x), (i, j), *self.steps))
            if 0 <= row < self.x.shape[2] and 0 <= column < self.x.shape[3]:
                terms.append(f"{self.weight[o, c, i, j]:g} * {self.x[n, c, row, column]:g}")
        return " + ".join(terms[:6]) + (" + ..." if len(terms) > 6 else "") if terms else "nothing, as all is outside"

    def right(self):
        return convolve(self.x, self.weight, *self.steps)

    def of_input(self, weight=None, grad=None, **steps):
        return self._gradients(weight, grad, None, steps)[0]

    def of_weight(self, grad=None, x=None, **steps):
        return self._gradients(None, grad, x, steps)[1]

    def _gradients(self, weight, grad, x, steps):
        named = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation} | steps
        given = (self.x if x is None else x, self.weight if weight is None else weight,
                 self.grad if grad is None else grad)
        return gradients(*given, *named.values())

    def turned(self):
        """Sentence -> steps that were given in another order."""
        stride, padding, dilation = self.steps
        return {
            "Stride and dilation were exchanged. The order in unfold and fold is dilation, padding, stride.":
                (dilation, padding, stride),
            "Stride and padding were exchanged. The order in unfold and fold is dilation, padding, stride.":
                (padding, stride, dilation),
            "Dilation and padding were exchanged. The order in unfold and fold is dilation, padding, stride.":
                (stride, dilation, padding),
            "Vertical and horizontal were exchanged in stride, padding and dilation.":
                (stride[::-1], padding[::-1], dilation[::-1]),
            "The stride was not used.": (ONE, padding, dilation),
            "The padding was not used.": (stride, (0, 0), dilation),
            "The dilation was not used.": (stride, padding, ONE),
        }

    def mistakes(self):
        """Sentence -> a function that gives what comes of it, for conv2d."""
        x, w = self.x, self.weight
        right = self.right()
        o, c, kh, kw = w.shape
        wrong = {sentence: lambda steps=steps: convolve(x, w, *steps) for sentence, steps in self.turned().items()}
        return wrong | {
            "Height and width of the result were exchanged.":
                lambda: right.reshape(*right.shape[:2], *self.counts[::-1]),
            "Height and width of the result were exchanged, and its elements with them.":
                lambda: right.transpose(0, 1, 3, 2),
            "Examples and kernels were exchanged in the result: it is (N, O, OH, OW).":
                lambda: right.transpose(1, 0, 2, 3),
            "The result was reshaped with O and N exchanged: it is (N, O, OH, OW).":
                lambda: right.reshape(o, len(x), *self.counts),
            "The kernel was turned around.": lambda: convolve(x, w[:, :, ::-1, ::-1], *self.steps),
            "The kernel was transposed: KH and KW were exchanged.":
                lambda: convolve(x, w.transpose(0, 1, 3, 2), *self.steps),
            "The weight was reshaped so that a row no longer holds one kernel. A row is a kernel's C * KH * KW numbers "
            "in their order.": lambda: convolve(x, w.reshape(c * kh * kw, o).T.reshape(w.shape), *self.steps),
            "Kernels and channels of the weight were exchanged: it is (O, C, KH, KW).":
                lambda: convolve(x, w.transpose(1, 0, 2, 3).reshape(w.shape), *self.steps),
            "The result has the columns as they are, (N, O, OH * OW): it has to be (N, O, OH, OW).":
                lambda: right.reshape(*right.shape[:2], -1),
        }

    def input_mistakes(self):
        """The same, for conv2d_input."""
        w, right = self.weight, self.of_input()
        o, c, kh, kw = w.shape
        wrong = {sentence: lambda steps=steps: self.of_input(**dict(zip(("stride", "padding", "dilation"), steps)))
                 for sentence, steps in self.turned().items()}
        return wrong | {
            "grad_output was not multiplied in: this is the gradient for a grad_output of ones.":
                lambda: self.of_input(grad=np.ones(self.grad.shape)),
            "The weight was reshaped where it has to be transposed: reshaping keeps the order of the numbers.":
                lambda: self.of_input(weight=w.reshape(c * kh * kw, o).T.reshape(w.shape)),
            "The kernel was turned around. fold puts every product back to where its factor came from; nothing is "
            "turned.": lambda: self.of_input(weight=w[:, :, ::-1, ::-1]),
            "Height and width were exchanged: (H, W) are the last two numbers of input_size.":
                lambda: right.transpose(0, 1, 3, 2),
            "Kernels and channels of the weight were exchanged: it is (O, C, KH, KW).":
                lambda: self.of_input(weight=w.transpose(1, 0, 2, 3).reshape(w.shape)),
            "It was divided by the number of examples. Each example has its own gradient.": lambda: right / len(self.x),
        }

    def weight_mistakes(self):
        """The same, for conv2d_weight."""
        right, shape = self.of_weight(), self.weight.shape
        each = [self.of_weight(grad=self.grad[n : n + 1], x=self.x[n : n + 1]) for n in range(len(self.x))]
        o, c, kh, kw = shape
        wrong = {sentence: lambda steps=steps: self.of_weight(**dict(zip(("stride", "padding", "dilation"), steps)))
                 for sentence, steps in self.turned().items()}
        return wrong | {
            "grad_output was not multiplied in: this is the gradient for a grad_output of ones.":
                lambda: self.of_weight(grad=np.ones(self.grad.shape)),
            "The products of the examples were not added up: the weight is one for all of them, and so is its "
            "gradient.": lambda: np.stack(each),
            "The products of the examples were not added up, and each is a matrix still.":
                lambda: np.stack(each).reshape(len(each), o, -1),
            "The mean over the examples was taken; the gradient is their sum.": lambda: right / len(each),
            "The sum went over the kernels, dimension 1, and not over the examples, dimension 0.":
                lambda: np.stack(each).sum(1).reshape(shape),
            "Only the first example is in the gradient.": lambda: each[0],
            "Only the last example is in the gradient.": lambda: each[-1],
            "Rows and columns were exchanged before the result got its shape: it is (O, C * KH * KW) first.":
                lambda: right.reshape(o, -1).T.reshape(shape),
            "The gradient is a matrix still, (O, C * KH * KW). It has the shape of the weight.":
                lambda: right.reshape(o, -1),
            "The kernel was turned around.": lambda: right[:, :, ::-1, ::-1],
            "Kernel height and kernel width were exchanged.": lambda: right.transpose(0, 1, 3, 2),
        }

    def hint(self, error):
        """Words for errors that a learner's code often makes."""
        text = str(error)
        n, c, kh, kw = len(self.x), *self.weight.shape[1:]
        o, count = len(self.weight), self.counts[0] * self.counts[1]
        if "matmul" in text or "@" in text:
            return (f"Here columns are ({n}, {c * kh * kw}, {count}), the weight as a matrix is ({o}, {c * kh * kw}), "
                    f"and grad_output, flattened with flatten(2), is ({n}, {o}, {count}).")
        if "values to unpack (expected 3" in text:
            return (f"fold takes columns of three dimensions, (N, C * KH * KW, OH * OW), here ({n}, {c * kh * kw}, "
                    f"{count}). grad_output.flatten(2) is ({n}, {o}, {count}): N and O stay, only OH and OW become one "
                    "dimension.")
        if text.startswith("view:"):
            return "A view needs numbers that lie side by side in memory; reshape makes a copy where they do not."
        if text.startswith("reshape"):
            return (f"There are {self.counts[0]} windows below each other and {self.counts[1]} side by side, with the "
                    f"vertical and the horizontal numbers of kernel, {self.options()}.")
        if "do not fit" in text:
            return (f"fold has to get the numbers that unfold got for the result: {self.options()}, in the order "
                    f"dilation, padding, stride; and the plane {list(self.x.shape[2:])}.")
        if "does not fit" in text:
            return "Is the order of the arguments right? It is kernel, dilation, padding, stride, as in PyTorch."
        return None

    def weight_hint(self, error):
        """The same for conv2d_weight."""
        if str(error).startswith("reshape"):
            n, o, size = len(self.x), len(self.weight), self.weight[0].size
            return (f"The products are (N, O, C * KH * KW), here ({n}, {o}, {size}). Their sum over the examples, "
                    f"dimension 0, is ({o}, {size}); that gets the shape of the weight.")
        return self.hint(error)

    def options(self):
        return f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}"

    def call(self):
        return f"conv2d(input, weight, {self.options()}) for {self!r}"

    def input_call(self):
        return (f"conv2d_input({self.x.shape}, weight, grad_output, {self.options()}) for weight "
                f"{_short(self.weight)}, grad_output {_short(self.grad)}")

    def weight_call(self):
        return (f"conv2d_weight(input, {self.weight.shape}, grad_output, {self.options()}) for input "
                f"{_short(self.x)}, grad_output {_short(self.grad)}")

    def __repr__(self):
        return f"input {_short(self.x)}, weight {_short(self.weight)}"


def _short(array):
    """The numbers of a small array; of a large one also the shape, and where it begins."""
    return str(array.tolist()) if array.size <= 24 else f"of shape {list(array.shape)}, {shown(array.tolist(), 60)}"


@st.composite
def images(draw):
    """Arguments for which at least one window fits, in directions that differ, mostly; and any gradient."""
    kernels, sizes, strides, paddings, dilations = [], [], [], [], []
    for _ in range(2):
        kernel, dilation, padding = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(0, 2))
        least = max(1, dilation * (kernel - 1) + 1 - 2 * padding)
        kernels.append(kernel)
        sizes.append(draw(st.integers(least, max(least, 4))))
        strides.append(draw(st.integers(1, 3)))
        paddings.append(padding)
        dilations.append(dilation)
    n, channels, out_channels = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    made = Images(draw(numbers(n, channels, *sizes)), draw(numbers(out_channels, channels, *kernels)), tuple(strides),
                  tuple(paddings), tuple(dilations))
    made.grad = draw(numbers(*made.grad.shape))
    return made


def counted(*shape, start=1.0):
    """1, 2, 3, ... in this shape."""
    return np.arange(start, start + np.prod(shape)).reshape(shape)


EXAMPLES = [
    Images(counted(1, 1, 2, 3), [[[[1.0, 10.0]]]]),
    Images(counted(1, 1, 3, 3), [[[[1.0, 10.0], [100.0, 1000.0]]]]),
    Images(counted(1, 1, 2, 3), [[[[2.0]]], [[[3.0]]]]),
    Images(counted(1, 2, 2, 2), [[[[1.0]], [[10.0]]], [[[3.0]], [[5.0]]], [[[1.0]], [[2.0]]]]),
    Images(counted(2, 1, 1, 3), [[[[1.0, 10.0]]], [[[2.0, 5.0]]]]),
    Images(counted(1, 1, 2, 2), [[[[1.0, 10.0]]]], padding=(0, 1)),
    Images(counted(1, 1, 4, 3), [[[[1.0], [10.0]]]], stride=(2, 1)),
    Images(counted(1, 1, 1, 4), [[[[1.0, 10.0]]]], stride=(1, 2)),
    Images(counted(1, 1, 1, 6), [[[[1.0, 10.0]]]], stride=(1, 3)),
    Images(counted(1, 1, 4, 3), [[[[1.0, 3.0], [10.0, -2.0]]]], dilation=(3, 1)),
    Images(counted(2, 2, 4, 5), counted(3, 2, 3, 2, start=-7.0), (2, 1), (1, 2), (1, 2)),
    Images(counted(1, 1, 1, 1), counted(1, 1, 3, 3), padding=(1, 1)),
    Images(counted(1, 1, 6, 5), counted(1, 1, 2, 1), stride=(3, 2)),
]
ALL = EXAMPLES[10]
