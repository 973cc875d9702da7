"""Making tensors: dtypes, memory that is shared or not, random numbers, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from on_python import on_python  # noqa: F401

import terox
from terox.tensors.storage import TensorImpl

# ---- tensor ----


@pytest.mark.parametrize("data, dtype, shape", [
    (1, terox.int64, ()), (1.5, terox.float32, ()), (True, terox.bool, ()), ([1, 2], terox.int64, (2,)),
    ([1, 2.5], terox.float32, (2,)), ([[True], [False]], terox.bool, (2, 1)), ([], terox.float32, (0,)),
    ([[], []], terox.float32, (2, 0)), ((1.0, 2.0), terox.float32, (2,)), ([(1, 2), [3, 4]], terox.int64, (2, 2)),
    ([True, 2], terox.int64, (2,)), ([True, 2.5], terox.float32, (2,)), (np.float64(2), terox.float64, ()),
    (np.float32(2), terox.float32, ()), (np.int64(2), terox.int64, ()), (np.bool_(True), terox.bool, ()),
    (np.zeros((2, 0), np.float32), terox.float32, (2, 0)), (np.arange(3, dtype=np.int64), terox.int64, (3,)),
    (np.arange(3, dtype=np.int32), terox.int64, (3,)), (float("nan"), terox.float32, ()),
])
def test_the_dtype_and_shape_follow_from_the_data(data, dtype, shape):
    x = terox.tensor(data)
    assert (x.dtype, x.shape, x.device, x.requires_grad, x.is_contiguous()) == (dtype, shape, "python", False, True)
    np.testing.assert_array_equal(x.numpy(), np.array(data, dtype=dtype.numpy))


def test_tensors_inside_of_lists_are_numbers():
    parts = [terox.tensor(1.5), terox.tensor(2.5, requires_grad=True) * 2]
    x = terox.tensor(parts)
    assert x.tolist() == [1.5, 5.0] and not x.requires_grad
    assert terox.tensor([[terox.tensor(1), 2]]).tolist() == [[1, 2]]


@pytest.mark.parametrize("data, kind", [
    ([[1, 2], [3]], ValueError), ([[1], 2], (TypeError, ValueError)), ("a", TypeError), (["a"], TypeError),
    (None, (TypeError, RuntimeError)), ([None], (TypeError, RuntimeError)), ({1, 2}, TypeError), (object(), TypeError),
    (1j, TypeError), (np.array(["a"]), TypeError), (np.array([1j]), TypeError), (np.array([None]), TypeError),
    (2**63, (ValueError, RuntimeError)), ([[[1], [2]], [[3], [4, 5]]], ValueError), ({"a": 1}, TypeError),
])
def test_data_that_is_no_grid_of_numbers(data, kind):
    with pytest.raises(kind):
        terox.tensor(data)


@pytest.mark.parametrize("dtype", ["float32", None.__class__, str, np.int32, np.complex128, 5, "int"])
def test_what_is_no_dtype(dtype):
    for make in (lambda: terox.tensor([1], dtype=dtype), lambda: terox.zeros(2, dtype=dtype),
                 lambda: terox.arange(3, dtype=dtype),
                 lambda: terox.zeros(2).to(dtype) if not isinstance(dtype, str) else terox.full((2,), 0, dtype=dtype)):
        with pytest.raises((TypeError, RuntimeError)):
            make()


def test_tensor_always_copies():
    for source in (np.ones(2), [1.0, 1.0], terox.ones(2), terox.ones(2, 2)[0], terox.ones(2, requires_grad=True)):
        x = terox.tensor(source)
        x[0] = 5
        assert np.asarray(source.detach() if isinstance(source, terox.Tensor) else source).tolist() == [1.0, 1.0]
        assert x.is_leaf and not x.requires_grad and x.storage_offset() == 0


def test_requires_grad():
    x = terox.tensor([1.0], requires_grad=True)
    assert x.requires_grad and x.is_leaf
    for make in (terox.zeros, terox.ones, terox.rand, terox.randn, terox.empty):
        assert make(2, requires_grad=True).requires_grad
    for make in (lambda: terox.tensor([1], requires_grad=True), lambda: terox.arange(3, requires_grad=True),
                 lambda: terox.zeros(2, dtype=terox.bool, requires_grad=True)):
        with pytest.raises(RuntimeError, match="floating point"):
            make()


# ---- from_numpy and numpy ----


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.bool_])
def test_from_numpy_shares_memory_both_ways(kind):
    array = np.zeros((2, 3), dtype=kind)
    x = terox.from_numpy(array)
    array[0, 1] = 1
    x[1] = 1
    assert x.tolist() == array.tolist() == [[0, 1, 0], [1, 1, 1]]
    assert x.numpy().__array_interface__["data"] == array.__array_interface__["data"]
    x.numpy()[0, 0] = 1
    assert array[0, 0] == 1


def test_from_numpy_of_arrays_without_dimensions_or_elements():
    array = np.array(1.5)
    x = terox.from_numpy(array)
    x.add_(1)
    assert array == 2.5 and x.shape == ()
    assert terox.from_numpy(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("make",
                         [lambda a: a.T, lambda a: a[::2], lambda a: a[:, ::-1],
                          lambda a: np.broadcast_to(a, (2, 4, 4))])
def test_from_numpy_of_an_array_that_is_not_contiguous_is_a_copy(make):
    array = np.arange(16.0).reshape(4, 4)
    part = make(array)
    x = terox.from_numpy(part)
    assert x.tolist() == part.tolist() and x.is_contiguous()
    before = array.tolist()
    x.zero_()
    assert array.tolist() == before


def test_an_array_that_may_not_be_written_is_copied():
    array = np.ones(2)
    array.flags.writeable = False
    x = terox.from_numpy(array)
    x.zero_()
    assert array.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("wrong",
                         [[1.0], 1.0, terox.ones, None, np.float64(1), np.zeros(2, np.int32), np.zeros(2, complex),
                                   np.array(["a"]), np.zeros(2, ">f8"), np.zeros(2, np.float16)])
def test_from_numpy_refuses(wrong):
    with pytest.raises(TypeError):
        terox.from_numpy(wrong)


def test_numpy_of_views_shares_memory():
    x = terox.arange(24).view(2, 3, 4)
    for view in (x, x[1], x[:, 1:, ::2], x.permute(2, 0, 1), x[0, 0, 0], x.expand(5, 2, 3, 4), x[:, 3:], x[1:, :0]):
        array = view.numpy()
        assert array.shape == view.shape and array.tolist() == view.tolist()
        assert not array.size or np.shares_memory(array, x.numpy())
    x.T[3, 2, 1] = -1
    assert x.numpy()[1, 2, 3] == -1
    assert np.asarray(x).dtype == np.int64 and np.array(x, dtype=np.float32).dtype == np.float32


def test_numpy_of_strides_that_lead_out_of_memory():
    """Strides that are wrong raise an error. Nobody reads memory that belongs to others."""
    storage = terox.zeros(4).impl.storage
    for sizes, strides, offset in (((3, 3), (3, 1), 0), ((2, 2), (2, 1), 1), ((), (), 4)):
        with pytest.raises((ValueError, TypeError)):
            TensorImpl(storage, sizes, strides, offset).numpy()


def test_memory_outlives_its_array():
    x = terox.from_numpy(np.arange(1000.0))[990:]
    assert x.tolist() == list(range(990, 1000))


# ---- Filled ----


def test_fills_and_their_dtypes():
    assert terox.zeros(2).dtype is terox.float32 and terox.ones(2, dtype=terox.int64).tolist() == [1, 1]
    assert terox.zeros(()).shape == () and terox.zeros(2, 0).shape == (2, 0) and terox.zeros((2, 3)).shape == (2, 3)
    assert terox.zeros([2, 3]).shape == (2, 3) and terox.zeros(terox.ones(2, 3).shape).shape == (2, 3)
    for fill, dtype in ((1, terox.int64), (1.0, terox.float32), (True, terox.bool), (np.float64(1), terox.float32)):
        assert terox.full((2,), fill).dtype is dtype
    like = terox.tensor([1, 2])
    assert terox.zeros_like(like).dtype is terox.int64
    assert terox.ones_like(like, dtype=terox.float64).dtype is terox.float64
    assert terox.full_like(like, 7.0).tolist() == [7, 7]
    terox.set_default_dtype(terox.float64)
    made = [terox.zeros(2), terox.tensor(1.0), terox.rand(1), terox.linspace(0, 1, 2), terox.eye(2), terox.arange(2.0)]
    assert {tensor.dtype for tensor in made} == {terox.float64}


def test_every_tensor_has_memory_of_its_own():
    for make in (lambda: terox.zeros(2), lambda: terox.full((2,), 0), lambda: terox.arange(2), lambda: terox.eye(2),
                 lambda: terox.zeros_like(terox.zeros(2)), lambda: terox.linspace(0, 1, 2)):
        x, y = make(), make()
        x.fill_(9)
        assert 9 not in y.numpy() and x._version == 1 and y._version == 0


@pytest.mark.parametrize("args",
                         [(5,), (2, 5), (2, 9, 3), (5, 2, -1), (0,), (3, 3), (0, 1, 0.25), (1.5, 4.0),
                          (0.0, -1.0, -0.3),
                                  (-3, 0), (0, 10, 4)])
def test_arange_is_numpys(args):
    wanted = np.arange(*args)
    got = terox.arange(*args)
    assert got.shape == wanted.shape and got.dtype is (terox.int64 if wanted.dtype.kind == "i" else terox.float32)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6, atol=1e-6)


def test_linspace_and_eye():
    for args in ((0, 1, 5), (1.0, -1.0, 4), (2, 3, 1), (0, 1, 0)):
        np.testing.assert_allclose(terox.linspace(*args).numpy(), np.linspace(*args), rtol=1e-6)
    for args in ((3,), (2, 4), (4, 2), (0,), (0, 3)):
        np.testing.assert_array_equal(terox.eye(*args).numpy(), np.eye(*args))


REFUSED = """
terox.zeros(-1)
terox.ones(2, -3)
terox.rand(-2)
terox.full((-1,), 0)
terox.zeros(1.5)
terox.zeros('a')
terox.zeros((2, 'a'))
terox.zeros(None)
terox.zeros(True)
terox.full((2,), 'a')
terox.full((2,), None)
terox.full((2,), [1, 2])
terox.arange(0, 3, 0)
terox.arange(3, 0)
terox.arange(0, 3, -1)
terox.arange('a')
terox.arange(float('nan'))
terox.arange(0, float('inf'))
terox.linspace(0, 1, -1)
terox.linspace(0, 1, 1.5)
terox.eye(-1)
terox.eye(2, -1)
terox.eye(1.5)
terox.randint(0, (2,))
terox.randint(5, 5, (2,))
terox.randint(5, 2, (2,))
terox.rand(2, dtype=terox.int64)
terox.randn(2, dtype=terox.bool)
terox.randperm(-1)
terox.zeros_like([1])
terox.ones_like(1.0)
terox.full_like(terox.zeros(2), 'a')
terox.manual_seed('a')
terox.manual_seed(None)
terox.cat([])
terox.cat(terox.ones(2))
terox.cat([terox.ones(2), 1.0])
terox.cat([terox.ones(2, 3), terox.ones(3, 2)])
terox.cat([terox.ones(2), terox.ones(2, 2)])
terox.cat([terox.tensor(1.0), terox.tensor(2.0)])
terox.cat([terox.ones(2)], 1)
terox.cat([terox.ones(2)], dim='a')
terox.stack([])
terox.stack([terox.ones(2), terox.ones(3)])
terox.stack([terox.ones(2)], 2)
terox.stack([1.0])
terox.where([True], terox.ones(1), 0.0)
terox.where(terox.ones(2), terox.ones(2), 0.0)
terox.where(terox.ones(2).bool(), terox.ones(3), 0.0)
terox.where(terox.ones(2).bool(), 'a', 0.0)
terox.exp(1.0)
terox.sum([1.0])
terox.maximum(terox.ones(2), 1.0)
terox.zeros(2, device='nope')
terox.tensor([1], device=3)
terox.ones(2).to('nope')
terox.set_default_device('nope')
terox.set_default_device(1)
terox.set_default_dtype(terox.int64)
terox.set_default_dtype('float32')
terox.broadcast_shapes((2,), (3,))
terox.Tensor('a')
terox.tensor([1.0]).to(5)
terox.tensor([1.0]).new_zeros(-1)
""".strip().splitlines()


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call):
    """A clear error, which says more than its class, and nothing has changed."""
    with pytest.raises((TypeError, ValueError, RuntimeError, IndexError)) as raised:
        eval(call)
    assert not isinstance(raised.value, NotImplementedError) or "not implemented for" in str(raised.value)
    assert len(str(raised.value)) > 10
    assert terox.get_default_device() == "python" and terox.get_default_dtype() is terox.float32
    assert terox.zeros(1).tolist() == [0.0]


# ---- Random ----


def test_the_same_seed_gives_the_same_numbers():
    runs = []
    for seed in (5, 5, 6, -1, 2**70):
        terox.manual_seed(seed)
        runs.append([terox.rand(2, 3).tolist(), terox.randn(4).tolist(), terox.randint(10, (5,)).tolist(),
                     terox.randperm(6).tolist()])
    assert runs[0] == runs[1] != runs[2] and len({str(run) for run in runs}) == 4


def test_random_tensors_are_distributed_as_they_say():
    terox.manual_seed(0)
    x, y = terox.rand(4000), terox.randn(4000, dtype=terox.float64)
    assert 0 <= x.min().item() and x.max().item() < 1 and abs(x.mean().item() - 0.5) < 0.03
    assert abs(y.mean().item()) < 0.1 and abs(y.std().item() - 1) < 0.1 and y.dtype is terox.float64
    assert sorted(set(terox.randint(-2, 3, (500,)).tolist())) == [-2, -1, 0, 1, 2]
    assert sorted(terox.randperm(50).tolist()) == list(range(50)) and terox.randperm(0).shape == (0,)
    assert terox.rand(()).shape == () and terox.rand(0, 2).shape == (0, 2)
