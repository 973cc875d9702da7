"""The GPU's memory: what is in it cannot be seen from the host, traffic is counted, and it comes and goes."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

import terox
from terox import cuda
from terox.cuda import memory
from terox.cuda.memory import DeviceMemory
from terox.cuda.runtime import ON_GPU
from terox.tensors import device as devices

devices.check("cuda")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("count", [0, 1, 127, 129, 1000])
def test_numbers_go_there_and_come_back(count, dtype):
    array = np.arange(count).astype(dtype)
    there = DeviceMemory(count, dtype)
    there.from_host(array)
    assert len(there) == count and there.dtype == dtype
    back = there.to_host()
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(there.to_host(count // 2, count - count // 2), array[count // 2 :])


def test_it_shares_no_memory_with_the_host():
    array = np.arange(4.0)
    there = DeviceMemory(4, np.float64)
    there.from_host(array)
    array[:] = 9
    back = there.to_host()
    back[:] = 7
    assert there.to_host().tolist() == [0.0, 1.0, 2.0, 3.0]


def test_accidental_looks_from_the_host_are_errors():
    there = DeviceMemory(3, np.float32)
    for look in (lambda: there[0], lambda: np.asarray(there), lambda: np.add(there, 1), lambda: list(there),
                 lambda: memoryview(there), lambda: there.__setitem__(0, 1.0)):
        with pytest.raises((TypeError, AttributeError)):
            look()
    with pytest.raises(AttributeError):
        there.tolist()
    storage = terox.zeros(2, device="cuda").impl.storage
    with pytest.raises(TypeError):
        storage.data[0]


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((4, 1)), np.zeros(4, "float32")])
def test_only_an_array_that_fits_is_taken_over(array):
    with pytest.raises(ValueError, match="DeviceMemory\\(4, float64\\)"):
        DeviceMemory(4, np.float64).from_host(array)


def test_new_memory_holds_nothing_that_looks_right():
    for _ in range(3):  # memory that was used before, too
        fresh = DeviceMemory(5, np.float32)
        assert np.isnan(fresh.to_host()).all()
        fresh.fill(0)
        assert fresh.to_host().tolist() == [0.0] * 5


def test_transfers_are_counted():
    before = cuda.transfers()
    x = terox.tensor([1.0, 2.0, 3.0], device="cuda")
    assert cuda.transfers() == before._replace(to_device=before.to_device + 1,
                                               bytes_to_device=before.bytes_to_device + 12)
    y = (x * 2 + x.exp()).sum() / 3
    assert cuda.transfers().to_device == before.to_device + 1 and cuda.transfers().to_host == before.to_host
    y.item()
    x[1:].tolist()
    assert cuda.transfers().to_host == before.to_host + 2
    assert cuda.transfers().bytes_to_host == before.bytes_to_host + 12


@pytest.mark.parametrize("work", [
    lambda x, n: x + 1.5, lambda x, n: x * x - x / 3, lambda x, n: x.softmax(0), lambda x, n: x.log_softmax(0),
    lambda x, n: x.mean(), lambda x, n: x.var(0), lambda x, n: x.std(0), lambda x, n: x.max(1),
    lambda x, n: x.logsumexp(1),
    lambda x, n: x @ x.T, lambda x, n: x[n], lambda x, n: x[:, n], lambda x, n: x[n, 1:],
    lambda x, n: x.gather(0, n.unsqueeze(1)),
    lambda x, n: x.take(n), lambda x, n: x.index_select(1, n), lambda x, n: x.clone().fill_(2.0),
    lambda x, n: x.clone().__setitem__(n, 1.0), lambda x, n: x.clone().__setitem__(1, x[0]),
    lambda x, n: n // 2 + n % 2, lambda x, n: terox.zeros(3, device="cuda"),
    lambda x, n: terox.full((2,), 7, device="cuda"), lambda x, n: terox.arange(5, device="cuda"),
    lambda x, n: terox.ones_like(x), lambda x, n: terox.eye(3, device="cuda"),
    lambda x, n: x.masked_fill(x > 0, 0.0), lambda x, n: x.clamp(-1, 1), lambda x, n: terox.cat([x, x]),
    lambda x, n: x.argmax(1), lambda x, n: x.double().long().bool(), lambda x, n: x.to("cuda"),
    lambda x, n: (x.detach().requires_grad_() ** 2).sum().backward(),
    lambda x, n: x.detach().requires_grad_().std(0).sum().backward(),
    lambda x, n: x.detach().requires_grad_()[n].sum().backward(),
], ids=str)
def test_nothing_is_copied_where_pytorch_copies_nothing(work):
    x, numbers = terox.rand(3, 3, device="cuda"), terox.tensor([2, 0, -1], device="cuda")
    if "gather" in work.__code__.co_names:
        numbers = numbers.abs()
    before = cuda.transfers()
    work(x, numbers)
    assert cuda.transfers() == before


def test_memory_is_given_back_when_the_last_tensor_goes():
    gc.collect()
    before = cuda.memory_allocated()
    x = terox.zeros(1000, device="cuda")
    assert cuda.memory_allocated() == before + 4096
    view = x[10:]
    del x
    assert cuda.memory_allocated() == before + 4096
    del view
    assert cuda.memory_allocated() == before
    y = terox.zeros(300, device="cuda", requires_grad=True)
    (y * y).sum().backward()
    assert cuda.memory_allocated() == before + 2 * 1536
    del y
    assert cuda.memory_allocated() == before


def test_what_terox_cuda_says_about_memory():
    stats = cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == cuda.memory_allocated() <= cuda.max_memory_allocated()
    assert stats["reserved_bytes.all.current"] == cuda.memory_reserved() <= cuda.max_memory_reserved()
    free, total = cuda.mem_get_info()
    assert 0 < free <= total
    big = terox.zeros(3 * 2**20, device="cuda")  # 12 MiB
    assert cuda.max_memory_allocated() >= cuda.memory_allocated() >= 12 * 2**20
    reserved = cuda.memory_reserved()
    del big
    assert cuda.memory_reserved() == reserved
    cuda.empty_cache()
    assert cuda.memory_reserved() <= reserved - 12 * 2**20
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == cuda.memory_allocated()
    assert cuda.is_available() == ON_GPU and cuda.device_count() >= 1 and cuda.get_device_name()
    cuda.synchronize()


def test_out_of_memory_and_on():
    gc.collect()
    cuda.empty_cache()
    memory.allocator.limit = cuda.memory_reserved() + 24 * 2**20
    try:
        kept = terox.zeros(5 * 2**20, device="cuda")  # 20 MiB
        with pytest.raises(cuda.OutOfMemoryError, match="CUDA out of memory. Tried to allocate 20.00 MiB.") as caught:
            terox.zeros(5 * 2**20, device="cuda")
        assert isinstance(caught.value, RuntimeError) and "no_grad()" in str(caught.value)
        assert kept.device == "cuda"
        del kept
        assert terox.zeros(5 * 2**20, device="cuda").shape == (5 * 2**20,)
    finally:
        memory.allocator.limit = None
    with pytest.raises(ValueError, match="fraction"):
        cuda.set_per_process_memory_fraction(1.5)
    cuda.set_per_process_memory_fraction(0.5)
    assert memory.allocator.limit == cuda.mem_get_info()[1] // 2
    cuda.set_per_process_memory_fraction(1.0)
    assert memory.allocator.limit is None


def test_importing_terox_cuda_loads_nothing():
    code = ("import sys, terox, terox.cuda; dir(terox.cuda); terox.cuda; "
            "print([name for name in sys.modules if name.startswith(('numpy', 'numba', 'terox.tensors'))])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="nope"):
        cuda.nope  # noqa: B018


def test_a_process_ends_quietly_with_tensors_in_the_gpus_memory():
    code = "import terox; x = terox.ones(3, device='cuda'); terox.kept = x; print(x.sum().item())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("3.0", "")
