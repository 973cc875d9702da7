"""Where kernels for the GPU run: TEROX_CUDA, and what a driver says; drivers are stand-ins here."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import warnings

import pytest

from course.manifest import ROOT
from terox import _cuda_choice as choice
from terox._cuda_choice import NoGPU, UnusableGPU


class Driver:
    """Stands in for libcuda: functions that write to their first argument and return a status."""

    def __init__(self, *, version=13000, status=0, count=1, capability=(9, 0), multiprocessors=132):
        self.version, self.status, self.count = version, status, count
        self.attributes = {16: multiprocessors, 75: capability[0], 76: capability[1]}
        self.calls = []

    def cuInit(self, flags):
        self.calls.append("cuInit")
        return self.status

    def cuDriverGetVersion(self, found):
        found._obj.value = self.version
        return 0

    def cuDeviceGetCount(self, found):
        assert "cuInit" in self.calls, "the driver was asked before it was started"
        found._obj.value = self.count
        return 0

    def cuDeviceGet(self, found, number):
        found._obj.value = 7
        return 0

    def cuDeviceGetName(self, buffer, length, device):
        assert device == 7 and length == ctypes.sizeof(buffer)
        buffer.value = b"NVIDIA Test"
        return 0

    def cuDeviceGetAttribute(self, found, attribute, device):
        found._obj.value = self.attributes[attribute]
        return 0


def no_driver():
    raise OSError("libcuda.so.1: cannot open shared object file")


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    for name in ("TEROX_CUDA", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def choose(driver=None, installed=True, major=13):
    return choice.choose(no_driver if driver is None else lambda: driver, lambda: installed, lambda: major)


def silently(*args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return choose(*args, **options)


# ---- What counts ----


def test_a_gpu_is_taken_if_there_is_one():
    kind, gpu = silently(Driver(count=2))
    assert kind == "gpu"
    assert gpu == choice.GPU("NVIDIA Test", 2, (9, 0), 132, 13000)


def test_without_a_driver_it_is_the_simulator():
    assert silently() == ("sim", None)


def test_without_a_device_it_is_the_simulator():
    assert silently(Driver(status=100)) == ("sim", None)
    assert silently(Driver(count=0)) == ("sim", None)


@pytest.mark.parametrize("name", ["sim", "numba", " SIM ", "Numba"])
def test_a_simulator_that_was_asked_for_asks_no_driver(monkeypatch, name):
    monkeypatch.setenv("TEROX_CUDA", name)

    def load():
        raise AssertionError("the driver was asked")

    assert choice.choose(load) == (name.strip().lower(), None)


@pytest.mark.parametrize("name", ["", "auto", "AUTO"])
def test_auto_is_the_default(monkeypatch, name):
    monkeypatch.setenv("TEROX_CUDA", name)
    assert silently(Driver())[0] == "gpu"


def test_anything_else_is_an_error(monkeypatch):
    monkeypatch.setenv("TEROX_CUDA", "cpu")
    with pytest.raises(RuntimeError, match="TEROX_CUDA is 'cpu', but has to be one of auto, gpu, sim, numba"):
        choose()


# ---- What is missing, in words ----


def test_gpu_without_a_driver(monkeypatch):
    monkeypatch.setenv("TEROX_CUDA", "gpu")
    with pytest.raises(NoGPU, match="Found no NVIDIA driver on your system.*TEROX_CUDA away, or set it to sim"):
        choose()


def test_gpu_without_a_device(monkeypatch):
    monkeypatch.setenv("TEROX_CUDA", "gpu")
    for driver in (Driver(status=100), Driver(count=0)):
        with pytest.raises(NoGPU, match="No CUDA GPUs are available"):
            choose(driver)
        with monkeypatch.context() as patch, pytest.raises(NoGPU, match="CUDA_VISIBLE_DEVICES is ''"):
            patch.setenv("CUDA_VISIBLE_DEVICES", "")
            choose(driver)


UNUSABLE = [
    ({"driver": Driver(version=11040)}, "too old .found version 11.4 of CUDA, needed is 13.0.* update your GPU's"),
    ({"driver": Driver(version=12080)}, "found version 12.8.*numba-cuda.cu12."),
    ({"driver": Driver(status=999)}, "could not be started .cuInit returned 999.*nvidia-smi"),
    ({"driver": Driver(capability=(6, 1))}, "NVIDIA Test, which is of CUDA capability 6.1.*7.5 and newer"),
    ({"driver": Driver(), "installed": False}, r"There is a GPU here \(NVIDIA Test\).*numba-cuda.*setup --layer gpu"),
]


@pytest.mark.parametrize(("given", "words"), UNUSABLE)
def test_a_gpu_that_cannot_be_used_is_an_error_for_gpu_and_a_warning_for_auto(monkeypatch, given, words):
    with pytest.warns(UserWarning, match=f"Kernels run in the simulator.*{words}.*TEROX_CUDA to sim"):
        assert choose(**given) == ("sim", None)
    monkeypatch.setenv("TEROX_CUDA", "gpu")
    with pytest.raises(UnusableGPU, match=words):
        choose(**given)


def test_a_compiler_for_cuda_12_takes_older_drivers_and_devices():
    assert silently(Driver(version=12020, capability=(6, 1)), major=12)[0] == "gpu"


def test_a_device_that_is_newer_than_the_course():
    assert silently(Driver(version=15010, capability=(14, 2)), major=15)[0] == "gpu"


def test_nothing_is_asked_of_an_old_driver_that_it_does_not_have():
    driver = Driver(version=9000, status=0)
    with pytest.warns(UserWarning):
        choose(driver)
    assert driver.calls in ([], ["cuInit"])


# ---- In a process of its own ----


def run(code, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TEROX_CUDA", "NUMBA_"))}
    paths = os.pathsep.join([str(ROOT / "solutions"), str(ROOT)])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          env={**known, "PYTHONPATH": paths, **environment})


def said(code, **environment):
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_nobody_pays_who_does_not_ask():
    code = """
import sys, terox
assert "numba" not in sys.modules and "ctypes" not in sys.modules
from terox import _numba
known = vars(_numba)
print("CUDA" in known, "cuda" in known, "numba.cuda" in sys.modules, "terox.cuda" in sys.modules)
import terox.parallel.kernels
print("CUDA" in known, "cuda" in known, "terox.cuda" in sys.modules)
"""
    assert said(code).split() == ["False"] * 7


def test_on_the_simulator():
    code = """
from terox._numba import CUDA, GPU, cuda
from terox.cuda import runtime, simulator
print(CUDA, GPU, type(cuda) is simulator.Simulator, cuda is __import__("terox._numba")._numba.cuda)
print(runtime.is_available(), runtime.device_count(), runtime.get_device_name(), runtime.get_device_capability())
print(runtime.BLOCK, runtime.TILE, runtime.MOST_BLOCKS > 1, runtime.described(), runtime.synchronize())
"""
    assert said(code, TEROX_CUDA="sim").splitlines() == [
        "sim None True True", "False 1 simulator (0, 0)", "8 4 True in the simulator None"]


def test_on_numbas_simulator():
    code = """
from terox._numba import CUDA, cuda
from terox.cuda import runtime
print(CUDA, cuda.__name__, runtime.get_device_name(), runtime.described(), runtime.BLOCK)
import numpy as np
@cuda.jit
def kernel(out):
    out[cuda.threadIdx.x] = cuda.threadIdx.x
out = np.zeros(3)
kernel[1, 3](out)
print(out.tolist())
"""
    assert said(code, TEROX_CUDA="numba").splitlines() == [
        "numba numba.cuda Numba's simulator in Numba's simulator 8", "[0.0, 1.0, 2.0]"]


def test_asking_whether_there_is_a_gpu_never_raises():
    code = "import terox.cuda as c; print(c.is_available(), c.device_count()); c.get_device_name()"
    result = run("from terox import _cuda_choice\n_cuda_choice.library = None\n"
                 "def no(load=None): raise _cuda_choice.NoGPU('Found no NVIDIA driver')\n"
                 "_cuda_choice.find = lambda load, major: no()\n" + code, TEROX_CUDA="gpu")
    assert result.stdout.split() == ["False", "0"]
    assert "NoGPU: Found no NVIDIA driver" in result.stderr.splitlines()[-1]
    assert said(code, TEROX_CUDA="sim").split() == ["False", "1"]


def test_a_wrong_choice_ends_in_its_words():
    result = run("from terox._numba import cuda", TEROX_CUDA="maybe")
    assert "TEROX_CUDA is 'maybe'" in result.stderr.splitlines()[-1]


def test_an_unknown_name_is_an_attribute_error():
    from terox import _numba

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = _numba.nothing
