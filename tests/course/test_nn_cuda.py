"""Conv nets on the device "cuda": windows as on the device "python", no races, and a training step without a copy."""

from __future__ import annotations

import numpy as np
import pytest

import terox
from course.trace.gpu import trace_kernel
from terox import cuda, nn
from terox.nn import functional as F
from terox.nn import window_kernels, window_ops
from terox.nn.layers import Conv2d, Linear
from terox.nn.windows import windows
from terox.optim import SGD

# Sizes of a plane, of a window; stride, padding, dilation: each vertical and horizontal.
WINDOWS = [((4, 5), (2, 2), (2, 2), (0, 0), (1, 1)), ((4, 5), (3, 2), (1, 1), (1, 0), (1, 1)),
           ((5, 4), (3, 2), (2, 1), (1, 1), (1, 2)), ((6, 7), (2, 3), (1, 2), (0, 1), (3, 2)),
           ((3, 7), (1, 2), (3, 3), (0, 1), (1, 1)), ((2, 3), (2, 3), (1, 1), (0, 0), (1, 1)),
           ((7, 6), (2, 2), (1, 3), (1, 1), (4, 1)), ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1))]
DTYPES = ["float32", "float64", "int64"]


def numbers(shape, dtype="float64", seed=0):
    """Few different ones, so that maxima occur twice."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype) / (1 if dtype == "int64" else np.dtype(
        dtype).type(8))


def on(device, array):
    """In memory, the numbers lie in another order than in the tensor, and not at the beginning."""
    padded = np.concatenate([array[:1], array])
    return terox.tensor(padded.swapaxes(-1, -2).copy(), device=device).mT[1:]


def both(function, *arrays):
    """What `function` gives on "python" and on "cuda", as NumPy arrays."""
    found = []
    for device in ("python", "cuda"):
        out = function(*[on(device, array) for array in arrays])
        out = out if isinstance(out, (tuple, list)) else (out,)
        assert all(each.device == device and each.is_contiguous() for each in out)
        found.append([each.cpu().numpy() for each in out])
    return found


def same(function, *arrays):
    expected, got = both(function, *arrays)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.dtype == theirs.dtype and mine.shape == theirs.shape
        np.testing.assert_array_equal(mine, theirs)  # eighths: all sums are exact, in any order


# ---- Windows ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", WINDOWS, ids=str)
def test_unfold_and_fold(case, dtype):
    plane, kernel, stride, padding, dilation = case
    arguments = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    images = numbers((2, 3, *plane), dtype)
    same(lambda x: F.unfold(x, **arguments), images)
    columns = F.unfold(terox.tensor(images, device="python"), **arguments).shape
    same(lambda x: F.fold(x, plane, **arguments), numbers(columns, dtype, 1))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", WINDOWS, ids=str)
def test_max_pool(case, dtype, ceil_mode):
    plane, kernel, stride, padding, dilation = case
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    arguments = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation,
                 "ceil_mode": ceil_mode, "return_indices": True}
    same(lambda x: F.max_pool2d(x, **arguments), numbers((2, 3, *plane), dtype))


@pytest.mark.parametrize("numbers_", [[np.nan, 1, np.nan, 2], [-np.inf] * 4, [1, np.nan, np.inf, 0], [0.0, -0.0, 0, 0]],
                         ids=str)
def test_max_pool_of_what_is_not_finite(numbers_):
    same(lambda x: F.max_pool2d(x, 2, return_indices=True), np.array(numbers_).reshape(1, 1, 2, 2))


def test_whole_numbers_are_exact():
    images = np.array([[[[2**53, 2**53 + 1], [-(2**62), 2**53 - 1]]]])
    assert F.max_pool2d(terox.tensor(images, device="cuda"), 2).item() == 2**53 + 1


def test_no_images_give_no_images():
    x = terox.zeros(0, 3, 4, 4, device="cuda")
    assert F.max_pool2d(x, 2).shape == (0, 3, 2, 2)
    assert F.unfold(x, 2).shape == (0, 12, 9)
    assert F.fold(F.unfold(x, 2), 4, 2).shape == (0, 3, 4, 4)


# ---- Gradients ----


def gradients(function):
    """Result and gradients of `function`, for an upstream gradient: what is given first."""

    def run(*tensors):
        grad, *inputs = tensors
        inputs = [each.detach().requires_grad_() for each in inputs]
        out = function(*inputs)
        out.backward(grad)
        return [out.detach().contiguous(), *[each.grad.contiguous() for each in inputs]]
    return run


@pytest.mark.parametrize("case", WINDOWS, ids=str)
def test_gradients_of_windows(case):
    plane, kernel, stride, padding, dilation = case
    images = numbers((2, 2, *plane))
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    for function in (lambda x: F.unfold(x, kernel, **arguments),
                     lambda x: F.max_pool2d(x, kernel, stride, tuple(min(p, k // 2) for p, k in zip(padding, kernel)),
                                            dilation)):
        upstream = numbers(function(terox.tensor(images, device="python")).shape, seed=2)
        same(gradients(function), upstream, images)
    columns = F.unfold(terox.tensor(images, device="python"), kernel, **arguments).shape
    same(gradients(lambda x: F.fold(x, plane, kernel, **arguments)), images, numbers(columns, seed=3))


@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_and_its_gradients(groups):
    images, weight, bias = numbers((2, 4, 5, 4)), numbers((6, 4 // groups, 3, 2), seed=1), numbers((2, 6), seed=2)

    def convolution(x, w, b):
        return F.conv2d(x, w, b[0], stride=(2, 1), padding=(1, 0), groups=groups)

    upstream = numbers((2, 6, 3, 3), seed=4)
    same(gradients(convolution), upstream, images, weight, bias)


def test_conv1d():
    signal, weight = numbers((2, 3, 7)), numbers((4, 3, 3), seed=1)
    same(lambda x, w: F.conv1d(x, w, padding=1, stride=2).contiguous(), signal, weight)


def test_a_second_derivative():
    def second(x):
        x = x.detach().requires_grad_()
        grad, = terox.autograd.grad([(F.max_pool2d(x, 2, 1) ** 3).sum()], [x], create_graph=True)
        (grad * grad).sum().backward()
        return x.grad.contiguous()

    same(second, numbers((1, 2, 3, 3)))


# ---- The kernels themselves ----


@pytest.mark.parametrize("threads", [(1, 3), (2, 4), (9, 8)], ids=str)
@pytest.mark.parametrize("case", [WINDOWS[2], WINDOWS[6]], ids=str)
def test_no_two_threads_share_an_element(case, threads):
    """Each element of a result is written once, whatever the grid, and nothing is read beside what is there."""
    of = windows("a test", *case)
    plane, columns, maxima = 2 * of.plane[0] * of.plane[1], 2 * np.prod(of.kernel + of.counts), 2 * np.prod(of.counts)
    some, indices = np.ones(plane, np.float32), np.zeros(maxima, np.int64)
    for loop, count, others in [
            (window_kernels.im2col_kernel, columns, [some]),
            (window_kernels.col2im_kernel, plane, [np.ones(columns, np.float32)]),
            (window_kernels.max_pool_kernel, maxima, [indices, some]),
            (window_kernels.max_pool_back_kernel, plane, [np.ones(maxima, np.float32), indices])]:
        filled = ("out", "indices") if loop is window_kernels.max_pool_kernel else ("out",)
        made = trace_kernel(loop, *threads, np.float32, np.zeros(count, np.float32), *others, int(count), of.sizes,
                            of.steps, out=filled)
        made.check()
        assert all((made.counts(name)[1] == 1).all() for name in filled)


def test_a_place_reads_only_the_windows_that_it_may_be_in():
    of = windows("a test", (6, 6), (2, 2), (2, 2), (0, 0), (1, 1))
    made = trace_kernel(window_kernels.col2im_kernel, 2, 4, np.float32, np.zeros(36, np.float32),
                        np.ones(36, np.float32), 36, of.sizes, of.steps)
    assert (made.counts("columns")[0] == 1).all()
    made = trace_kernel(window_kernels.max_pool_back_kernel, 2, 4, np.float32, np.zeros(36, np.float32),
                        np.ones(9, np.float32), np.zeros(9, np.int64), 36, of.sizes, of.steps)
    assert (made.counts("indices")[0] == 4).all()


# ---- A network ----


class Small(nn.Module):
    """LeNet in small: images (N, 1, 8, 8) to logits (N, 3)."""

    def __init__(self, device):
        super().__init__()
        self.conv1, self.conv2 = Conv2d(1, 2, 3, padding=1, device=device), Conv2d(2, 3, 2, device=device)
        self.fc = Linear(3, 3, device=device)

    def forward(self, input):
        x = F.max_pool2d(self.conv1(input).relu(), 2)  # (N, 2, 4, 4)
        x = F.max_pool2d(self.conv2(x).relu(), 3)  # (N, 3, 1, 1)
        return self.fc(x.flatten(1))


def steps(device):
    """Parameters and losses of two steps; and whether something was copied in them."""
    images, labels = on(device, numbers((6, 1, 8, 8))), terox.tensor([0, 1, 2, 2, 1, 0], device=device)
    terox.manual_seed(1)
    model = Small("python").to(terox.float64).to(device)
    optimizer = SGD(model.parameters(), lr=0.2, momentum=0.9)
    order, losses, before = terox.arange(6, device=device), [], cuda.transfers()
    for start in (0, 3):
        batch = order[start : start + 3]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss)
    copied = cuda.transfers() != before
    return [parameter.tolist() for parameter in model.parameters()], [loss.item() for loss in losses], copied


def test_a_step_agrees_with_python_and_copies_nothing():
    expected, losses, _ = steps("python")
    got, own_losses, copied = steps("cuda")
    assert not copied, "something went from the device to the host, or back, within the steps"
    assert own_losses == pytest.approx(losses, rel=1e-12)
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


def test_the_device_has_its_kernels_when_windows_are_first_used():
    window_ops.ready(terox.zeros(1, device="cuda"))
    assert {"im2col", "col2im", "max_pool2d", "max_pool2d_back"} <= {
        op for op, device in terox.tensors.table.KERNELS if device == "cuda"}
