"""What stands between a kernel and the device: binding, checking, launching. On the simulator, and on stand-ins."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import traceback

import numpy as np
import pytest

from course.manifest import ROOT
from terox import _numba
from terox.cuda import compiler, elementwise, reduce
from terox.cuda.compiler import CompileError
from terox.foundations import operators

HEAD = """
import numpy as np
from terox._numba import cuda

SCALE = 0.5

"""
F32 = ("float32", "float32")


@pytest.fixture(autouse=True)
def simulated(monkeypatch, tmp_path):
    """Terox's simulator, whatever this machine has."""
    if _numba.CUDA != "sim":
        pytest.skip("TEROX_CUDA, or a GPU, has another way to run kernels")
    monkeypatch.setenv("TEROX_KERNELS", str(tmp_path / "kernels"))


@pytest.fixture
def load(tmp_path):
    """Write a module, and import it."""
    def write(text, name="kernels_of_a_test"):
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD + text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return write


def line_of(error):
    return traceback.extract_tb(error.__traceback__)[-1].line


# ---- Binding ----


def test_a_kernel_runs_with_its_function_bound():
    a, out = np.arange(6, dtype=np.float32), np.zeros(6, np.float32)
    kernel = compiler.kernel(elementwise.map_kernel, F32, fn=operators.neg)
    kernel.launch(2, 2, out, a, 6, (2, 3), ((3, 1), (1, 2)))
    assert out.tolist() == [0, -2, -4, -1, -3, -5]
    assert str(kernel) == "map_kernel(fn=neg) for float32, float32"


def test_numbers_are_bound_in_the_kind_that_the_kernel_computes_with(load):
    module = load("def k(start, kind, out):\n    out[0] = start\n")
    for kind in (np.float32, np.float64, np.int64):
        out = [None]
        compiler.kernel(module.k, (kind.__name__,), start=2, kind=kind).launch(1, 1, out)
        assert type(out[0]) is kind and out[0] == 2


def test_one_kernel_for_each_loop_dtypes_and_bound_parameters():
    def made(dtypes=F32, fn=operators.add, start=0.0, kind=np.float32):
        return compiler.kernel(reduce.reduce_kernel, dtypes, fn=fn, start=start, kind=kind)

    assert made() is made()
    others = [made(), made(dtypes=("float64", "float32")), made(fn=operators.max), made(start=1.0),
              made(kind=np.float64)]
    assert len(set(map(id, others))) == len(others)


def test_memory_says_where_it_is():
    class Memory:
        def __init__(self, count):
            self.inside = np.zeros(count, np.float32)

        def at(self, offset):
            return self.inside[offset:]

    out = Memory(3)
    compiler.kernel(elementwise.map_kernel, F32, fn=operators.id).launch(
        1, 3, out, np.ones(3, np.float32), 3, (3,), ((1,), (1,)))
    assert out.inside.tolist() == [1, 1, 1]


def test_out_of_an_array_of_bool_come_pythons_truth_values():
    out = np.zeros(2, np.float32)
    compiler.kernel(elementwise.map_kernel, ("float32", "bool"), fn=operators.neg).launch(
        1, 2, out, np.array([True, False]), 2, (2,), ((1,), (1,)))
    assert out.tolist() == [-1, 0]


# ---- The generated file ----


def test_the_file_writes_bound_parameters_out():
    text = compiler.kernel(reduce.reduce_kernel, F32, fn=operators.max, start=0.0, kind=np.float32).text
    last = text[text.index("@entry"):]
    assert last.startswith("@entry\ndef kernel(out, a, length, parts, kept, kept_strides, folded, folded_strides):\n"
                           "    reduce_reduce_kernel(operators_max, start_")
    assert ", np.float32, out, a, length" in last
    assert "def operators_max(x, y):" in text and "def elementwise_offset(" in text and "cuda.syncthreads()" in text


def test_floats_are_of_32_bits_where_float32_is_the_only_kind(load):
    body = "def f(x):\n    return x * SCALE + 0.25 if x < np.inf else -np.nan\n" \
           "def k(fn, out, a):\n    out[0] = fn(a[0])\n"
    fn, k = (getattr(load(body), name) for name in ("f", "k"))
    narrow, wide, mixed = (compiler.kernel(k, dtypes, fn=fn).text for dtypes in
                           (F32, ("float64", "float64"), ("float32", "float64")))
    assert "= np.float32(0.5)" in narrow and "+ np.float32(0.25)" in narrow and "np.inf" not in narrow
    for text in (wide, mixed):
        assert "= 0.5" in text and "+ 0.25" in text and "np.float32" not in text


# ---- What is to do, and what cannot be ----


def test_what_is_to_do_anywhere_below_is_raised_before_anything_runs(load):
    module = load("""
def helper(x):
    # TODO
    raise NotImplementedError("Task 4.2: helper")

def k(fn, out, a):
    out[0] = 7
    if a[0] > 100:
        out[0] = helper(a[0])
""")
    out = np.zeros(1, np.float32)
    with pytest.raises(NotImplementedError, match="^Task 4.2: helper$"):
        compiler.kernel(module.k, F32, fn=operators.id).launch(1, 1, out, out.copy())
    assert out.tolist() == [0]
    with pytest.raises(NotImplementedError, match="^Task 4.2: helper$"):
        compiler.kernel(elementwise.map_kernel, F32, fn=module.helper).launch(
            1, 1, out, out.copy(), 1, (1,), ((1,), (1,)))


REFUSED = [
    ("i = cuda.treadIdx.x", "`cuda` has no `treadIdx`; did you mean `cuda.threadIdx`?"),
    ("x = cuda.shared.aray(8, np.float32)", "`cuda.shared` has no `aray`; did you mean `cuda.shared.array`?"),
    ("cuda.syncthreads", "`cuda.syncthreads` stands here without being called: write `cuda.syncthreads..`"),
    ("x = np.zeros(3)", "cannot make an array with `np.zeros`. Memory of the block is cuda.shared.array"),
    ("x = [1, 2]", "cannot use a list"),
    ("x = cuda.shared.array(8)", "takes two things"),
    ("x = cuda.shared.array(count, np.float32)", "has to be known before the kernel runs.*not `count`"),
    ("x = cuda.shared.array((2, len(a)), np.float32)", "not `len.a.`"),
    ("x = cuda.local.array(cuda.blockDim.x, np.float32)", "not `cuda.blockDim.x`"),
    ("x = missing(a[0])", "The name `missing` is not defined"),
    ("x = [i for i in range(3)]", "cannot use a list"),
    ("x = {}", "dictionaries"),
    ("print(f'{count}')", "f-string"),
    ("out[count / 2] = 1", "`count / 2` is a float"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED)
def test_what_no_gpu_can_do_is_refused_in_its_line(load, line, words):
    module = load(f"def k(fn, out, a, count):\n    out[0] = 7\n    {line}\n")
    out = np.zeros(1, np.float32)
    with pytest.raises(CompileError, match=words) as caught:
        compiler.kernel(module.k, F32, fn=operators.id).launch(1, 1, out, out.copy(), 1)
    assert line_of(caught.value) == line
    assert "NUMBA_DISABLE_JIT" not in str(caught.value)
    assert out.tolist() == [0], "nothing may run before it is refused"


def test_what_is_right_is_not_refused(load):
    module = load("""
WIDTH = 4

def inner(x):
    return x + 1

def k(fn, out, a, count):
    mine, ours = cuda.local.array(2, np.float32), cuda.shared.array((WIDTH, 2 * WIDTH), np.float32)
    t = cuda.threadIdx
    ours[t.x, 0] = a[t.x]
    cuda.syncthreads()
    x, y = cuda.grid(2)
    mine[0] = inner(ours[t.x, 0])
    cuda.atomic.add(out, 0, mine[0])
    if count > 100:
        print("more", count)
""")
    out = np.zeros(1, np.float32)
    compiler.kernel(module.k, F32, fn=operators.id).launch(1, 4, out, np.ones(4, np.float32), 1)
    assert out.tolist() == [8]


def test_a_call_with_too_few_arguments_is_told_at_the_kernel():
    kernel = compiler.kernel(elementwise.map_kernel, F32, fn=operators.id)
    with pytest.raises(CompileError, match=r"`map_kernel` has 6 parameters \(fn, out, a, count, sizes, strides\), but "
                                           "is called with 3"):
        kernel.launch(1, 1, np.zeros(1), np.zeros(1))


def test_an_error_while_it_runs_names_line_and_thread(load):
    module = load("def k(fn, out, a):\n    i = cuda.threadIdx.x\n    out[i] = a[i + 1]\n")
    with pytest.raises(IndexError) as caught:
        compiler.kernel(module.k, F32, fn=operators.id).launch(1, 3, np.zeros(3, np.float32), np.zeros(3, np.float32))
    assert line_of(caught.value) == "out[i] = a[i + 1]"
    assert caught.value.__notes__ == ["In thread 2 of block 0."]


# ---- Changes ----


def test_a_changed_callee_is_never_stale(load, monkeypatch):
    module = load("def helper(x):\n    return x + 1\n\ndef other(x):\n    return x + 2\n\n"
                  "def k(fn, out, a):\n    out[0] = fn(helper(a[0])) * SCALE\n")
    out, a = np.zeros(1, np.float32), np.zeros(1, np.float32)

    def run():
        kernel = compiler.kernel(module.k, F32, fn=operators.id)
        kernel.launch(1, 1, out, a)
        return kernel, kernel.text, out.tolist()

    first, text, result = run()
    assert result == [0.5] and run()[0] is first and not first.changed()
    monkeypatch.setattr(module, "helper", module.other)
    assert first.changed()
    second, other, result = run()
    assert result == [1] and second is not first and other != text
    monkeypatch.setattr(module, "SCALE", 4.0)
    assert second.changed() and run()[2] == [8]


# ---- On a GPU, as far as that can be seen without one ----


class Stub:
    """Stands in for numba.cuda: `jit` gives something that notes how it is launched."""

    def __init__(self):
        self.launched, self.device, self.cached = [], [], []

    def jit(self, function=None, *, device=False, cache=False):
        if function is None:
            return lambda function: self.jit(function, device=device, cache=cache)
        (self.device if device else self.cached if cache else []).append(function.__name__)
        return function if device else self

    def __getitem__(self, configuration):
        return lambda *args: self.launched.append((configuration, args))


def test_on_a_gpu_the_generated_file_is_launched(monkeypatch):
    stub = Stub()
    monkeypatch.setattr(_numba, "CUDA", "gpu")
    monkeypatch.setitem(vars(_numba), "numba_cuda", stub)
    kernel = compiler.Kernel(elementwise.map_kernel, F32, {"fn": operators.neg})
    out, a = np.zeros(3, np.float32), np.ones(3, np.float32)
    kernel.launch((2, 1), 4, out, a, 3, (3,), ((1,), (1,)))
    kernel.launch(1, 4, out, a, 3, (3,), ((1,), (1,)))
    (configuration, args), (second, _) = stub.launched
    assert (configuration, second) == (((2, 1), 4), (1, 4))
    assert args[0] is out and args[1] is a and args[2:] == (3, (3,), ((1,), (1,)))
    assert stub.cached == ["kernel"]
    assert stub.device == ["operators_neg", "elementwise_offset", "elementwise_map_kernel"]
    assert kernel.path.is_file() and "def kernel(out, a, count, sizes, strides):" in kernel.path.read_text()


def child(code, folder, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TEROX_", "NUMBA_"))}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder,
                            env={**known, "PYTHONPATH": os.pathsep.join([str(ROOT / "solutions"), str(folder)]),
                                 "TEROX_KERNELS": str(folder / "kernels"), **environment})
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_on_numbas_simulator_mistakes_are_told_in_their_line(load, tmp_path):
    load("""
def todo(x):
    raise NotImplementedError("Task 4.1: todo")

def unfinished(fn, out, a):
    out[0] = todo(a[0])

def refused(fn, out, a):
    out[0] = np.zeros(3)[0]

def out_of_range(fn, out, a):
    i = 5
    out[0] = a[i]
""")
    found = child("""
import json, sys, traceback
import numpy as np
import kernels_of_a_test as module
from terox.cuda import compiler
from terox.foundations import operators
found = {}
for name in ("unfinished", "refused", "out_of_range"):
    try:
        compiler.kernel(getattr(module, name), ("float32",) * 2, fn=operators.id).launch(
            1, 1, np.zeros(1, np.float32), np.zeros(1, np.float32))
    except Exception as error:
        found[name] = type(error).__name__, str(error), traceback.extract_tb(error.__traceback__)[-1].line
json.dump(found, sys.stdout)
""", tmp_path, TEROX_CUDA="numba")
    assert found["unfinished"][:2] == ["NotImplementedError", "Task 4.1: todo"]
    assert found["refused"][0] == "CompileError" and found["refused"][2] == "out[0] = np.zeros(3)[0]"
    refused = found["refused"][1]
    assert "cannot make an array with `np.zeros`" in refused and "NUMBA_DISABLE_JIT" not in refused
    assert found["out_of_range"][0] == "IndexError" and found["out_of_range"][2] == "out[0] = a[i]"
