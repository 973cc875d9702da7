"""What "cpu" does for convolution and pooling beside the learner's functions, and that it gives the same."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest

import terox
from terox.nn import functional as F
from terox.nn import fused_conv
from terox.parallel import handover, threads

KINDS = {np.float32: float(np.finfo(np.float32).eps), np.float64: float(np.finfo(np.float64).eps)}


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    before = terox.get_default_device()
    terox.set_default_device("cpu")
    monkeypatch.setattr(threads, "_wanted", None)
    yield
    terox.set_default_device(before)


@pytest.fixture(params=[1 << 18, 600, 20], ids=["whole images", "some images, some parts", "parts"])
def cache(request, monkeypatch):
    """Small caches: images are cut into rows and channels."""
    monkeypatch.setattr(fused_conv, "CACHE", request.param)
    monkeypatch.setattr(fused_conv, "WINDOWS", min(request.param, 1024))
    fused_conv.plan.cache_clear()
    yield request.param
    fused_conv.plan.cache_clear()


def own():
    return handover.disabled()


def _all(arrays, upstream, options, with_bias=True):
    """Result and gradients of conv2d as arrays."""
    tensors = [terox.tensor(each).requires_grad_() for each in arrays[: 3 if with_bias else 2]]
    out = F.conv2d(*tensors, **options)
    out.backward(terox.tensor(upstream[: out.numel()].reshape(tuple(out.shape))))
    return [each.detach().numpy() for each in (out, *[tensor.grad for tensor in tensors])]


def _case(seed):
    """Sizes, options and numbers of one convolution."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 1, 2, 3]))
    channels, kernels = (groups * int(rng.integers(1, 4)) for _ in range(2))
    kernel = [int(rng.integers(1, 6)) for _ in range(2)]
    stride = (1, 1) if rng.random() < 0.5 else tuple(int(n) for n in rng.integers(1, 4, 2))
    padding, dilation = (tuple(int(n) for n in rng.integers(low, high, 2)) for low, high in ((0, 4), (1, 4)))
    plane = [(k - 1) * d + 1 + int(rng.integers(0, 19)) for k, d in zip(kernel, dilation)]
    dtype = (np.float32, np.float64)[seed % 2]
    shapes = ((int(rng.integers(1, 7)), channels, *plane), (kernels, channels // groups, *kernel), (kernels,),
              (200_000,))
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


@pytest.mark.parametrize("seed", range(24))
def test_convolution_and_its_gradients_are_those_of_the_composite(seed, cache):
    (*arrays, upstream), options = _case(seed)
    eps = KINDS[arrays[0].dtype.type]
    got = _all(arrays, upstream, options)
    with own():
        want = _all([each.astype(np.float64) for each in arrays], upstream.astype(np.float64), options)
        sums = _all([np.abs(each).astype(np.float64) for each in arrays], np.abs(upstream).astype(np.float64), options)
    # A sum of n products, in any order, is off by at most n times eps times the sum of their absolute values.
    counts = np.prod(arrays[1].shape[1:]) + 1, np.prod(arrays[1].shape), np.prod(got[0].shape), np.prod(got[0].shape)
    for each, exact, size, n in zip(got, want, sums, counts):
        assert each.dtype == arrays[0].dtype and each.shape == exact.shape
        assert (np.abs(each - exact) <= 2 * n * eps * size).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_number_of_threads_changes_nothing(seed, cache):
    (*arrays, upstream), options = _case(seed)
    results = []
    for n in (1, 2, 4):
        terox.set_num_threads(n)
        results.append(_all(arrays, upstream, options))
    for one, two, four in zip(*results):
        assert (one == two).all() and (one == four).all()


def test_views_that_are_not_contiguous(cache):
    (x, w, b, upstream), _ = _case(1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 7, 3, 4))
    w = rng.standard_normal((3, 5, 2, 3, 2))
    results = []
    for context in (contextlib.nullcontext(), own()):
        with context:
            tensors = [terox.tensor(each).requires_grad_() for each in (x, w)]
            image, kernel = tensors[0].permute(3, 2, 0, 1)[1:], tensors[1].permute(1, 0, 2, 4, 3)[:, :, 1]
            out = F.conv2d(image, kernel, padding=1)
            turned = out.transpose(1, 3)
            turned.backward(terox.tensor(upstream[: out.numel()].reshape(tuple(turned.shape))))
            results.append([each.detach().numpy() for each in (out, tensors[0].grad, tensors[1].grad)])
    for got, want in zip(*results):
        assert np.allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n, plane", [(0, (5, 5)), (2, (3, 3))])
def test_sizes_of_zero_and_a_single_window(n, plane):
    x = terox.ones((n, 2, *plane)).requires_grad_()
    w = terox.ones((4, 2, 3, 3)).requires_grad_()
    b = terox.zeros(4).requires_grad_()
    out = F.conv2d(x, w, b)
    assert tuple(out.shape) == (n, 4, plane[0] - 2, plane[1] - 2)
    out.sum().backward()
    assert tuple(x.grad.shape) == tuple(x.shape)
    assert (w.grad.numpy() == out.numel() // 4).all() and (b.grad.numpy() == out.numel() // 4).all()


@pytest.mark.parametrize("padding, stride", [(0, 1), (1, 1), (1, 2)])
@pytest.mark.parametrize("plane", [(5, 6), (13, 12)], ids=["columns", "no columns"])
@pytest.mark.parametrize("weight, number", [(np.inf, np.nan), (1.0, np.inf), (np.inf, 1.0), (1.0, 1.0)])
def test_infinities_stay_where_they_belong(padding, stride, plane, weight, number):
    x, w = np.ones((1, 1, *plane), np.float32), np.ones((1, 1, 3, 3), np.float32)
    w[0, 0, 1, 2], x[0, 0, 4, 0] = weight, number
    upstream, options = np.ones(1000, np.float32), {"padding": padding, "stride": stride}
    got = _all([x, w], upstream, options, with_bias=False)
    with own():
        want = _all([x, w], upstream, options, with_bias=False)
    for each, right in zip(got, want):
        assert np.array_equal(each, right, equal_nan=True)


def test_columns_are_made_for_small_planes_and_for_a_stride():
    def flat(plane, kernel=3, stride=(1, 1), dilation=(1, 1)):
        return fused_conv.plan((2, 3, *plane), (4, 3, kernel, kernel), stride, (0, 0), dilation, 1).flat

    assert flat((12, 12)) and not flat((12, 12), stride=(2, 1)) and not flat((5, 5))
    # Two of three windows would be computed for nothing.
    assert not flat((100, 12), kernel=5, dilation=(2, 2))


@pytest.mark.parametrize("stride", [1, 2])
def test_second_derivatives(stride):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 2, 5, 6), (2, 1, 3, 2), (2,)))
    results = []
    for context in (contextlib.nullcontext(), own()):
        with context:
            tensors = [terox.tensor(each).requires_grad_() for each in (x, w, b)]
            out = F.conv2d(*tensors, stride=stride, padding=1, groups=2)
            first = terox.autograd.grad((out * out * out).sum(), tensors, create_graph=True)
            sum([(each * each).sum() for each in first]).backward()
            results.append([tensor.grad.numpy() for tensor in tensors])
    for got, want in zip(*results):
        assert np.allclose(got, want, rtol=1e-9, atol=1e-9)


def test_no_gradient_for_an_input_that_wants_none(monkeypatch):
    from terox.tensors.table import KERNELS

    asked = []
    for op in ("convolution_input", "convolution_weight"):
        def spy(*args, op=op, kernel=KERNELS[op, "cpu"]):
            asked.append(op)
            return kernel(*args)

        monkeypatch.setitem(KERNELS, (op, "cpu"), spy)
    w = terox.ones((1, 1, 2, 2)).requires_grad_()
    F.conv2d(terox.ones((1, 1, 3, 3)), w).sum().backward()
    assert asked == ["convolution_weight"]


@pytest.mark.parametrize("height, width", [(2, 3), (4, 4), (7, 9), (28, 28), (5, 33)])
@pytest.mark.parametrize("special", [False, True])
def test_max_pooling_by_twos_is_that_of_the_loop(height, width, special):
    rng = np.random.default_rng(height)
    for dtype, n in itertools.product(KINDS, (1, 100)):
        x = rng.integers(-2, 3, (n, 2, height, width)).astype(dtype)  # many ties
        if special:
            x[rng.random(x.shape) < 0.2] = np.nan
            x[rng.random(x.shape) < 0.4] = -np.inf
        results = []
        for context in (contextlib.nullcontext(), own()):
            with context:
                tensor = terox.tensor(x).requires_grad_()
                out, indices = F.max_pool2d(tensor, 2, return_indices=True)
                out.backward(terox.tensor(np.arange(1, out.numel() + 1).reshape(tuple(out.shape)).astype(dtype)))
                results.append((out.detach().numpy(), indices.numpy(), tensor.grad.numpy()))
        for got, want in zip(*results):
            assert got.dtype == want.dtype and np.array_equal(got, want, equal_nan=True)


def test_products_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(handover, "ALONE", 10)
    monkeypatch.setattr(handover, "SMALL", 50)
    for n, k, m in ((3, 4, 7), (20, 10, 1), (5, 20, 6)):
        a, b = rng.standard_normal((n, k)), rng.standard_normal((m, k)).T
        out = np.full((n, m), np.nan)
        handover.product(a, b, out)
        assert np.allclose(out, a @ b, rtol=1e-13, atol=1e-13)
