"""Every kernel of modules 4 and 5, for every operator and kind of number, without a GPU: NVIDIA's compiler makes PTX of
it, and Numba's own simulator gives the same results as ours.

The compiler is the layer gpu. Without it the first part is skipped; where TEROX_REQUIRE_NVVM=1 it fails instead.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from course.manifest import ROOT

pytestmark = pytest.mark.slow

# libdevice takes the remainder of large arguments in 64 bits; PyTorch's kernels do the same.
WIDE = ("sin", "cos")

AS_ON_A_GPU = """
import runpy, sys
from terox import _numba
from terox._cuda_choice import GPU
_numba.CUDA, _numba.GPU = "gpu", GPU("none", 1, (7, 5), 100, 13000)
sys.argv[1:] = ["compile"]
runpy.run_path({path!r}, run_name="__main__")
"""


def child(arguments, folder, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TEROX_", "NUMBA_"))}
    paths = os.pathsep.join([str(ROOT / "solutions"), str(ROOT)])
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT,
                            env={**known, "PYTHONPATH": paths, "TEROX_KERNELS": str(folder), **environment})
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


CASES, PROGRAM = (str(ROOT / "tests" / "course" / name) for name in ("cuda_cases.py", "cuda_program.py"))


@pytest.fixture(scope="module")
def compiler():
    if importlib.util.find_spec("numba_cuda") is None or importlib.util.find_spec("nvidia") is None:
        problem = "NVIDIA's compiler is not installed (python -m course setup --layer gpu)"
        if os.environ.get("TEROX_REQUIRE_NVVM") == "1":
            pytest.fail(f"{problem}, and TEROX_REQUIRE_NVVM=1")
        pytest.skip(problem)


@pytest.fixture(scope="module")
def ptx(compiler, tmp_path_factory):
    return child(["-c", AS_ON_A_GPU.format(path=CASES)], tmp_path_factory.mktemp("kernels"))


def test_every_kernel_compiles(ptx):
    wrong = {name: text for name, text in ptx.items() if ".visible .entry" not in text}
    assert not wrong, "\n".join(f"{name}: {text[:500]}" for name, text in wrong.items())
    assert len(ptx) > 200


def test_every_kernel_that_the_device_launches_compiles(compiler, tmp_path):
    found = child([PROGRAM, "compile"], tmp_path, TEROX_CUDA="sim")
    wrong = {name: text for name, text in found.items() if ".visible .entry" not in text}
    assert not wrong, "\n".join(f"{name}: {text[:500]}" for name, text in wrong.items())
    assert len(found) > 60
    wide = {name for name, text in found.items() if ".f64" in text and not re.search("float64|int64|bool", name)}
    assert not wide


def test_kernels_of_float32_compute_in_32_bits(ptx):
    narrow = re.compile(r" of (float32|bool)(, float32)+, \d-D|matmul_kernel of float32|softmax of float32|"
                        r"folded in float32, float32|^puzzle|^windows: .* of float32")
    found = {name: re.findall(r"^.*\.f64.*$", text, re.M)[:3] for name, text in ptx.items()
             if narrow.search(name) and not name.startswith(WIDE)}
    assert len(found) > 70
    assert not any(found.values()), {name: lines for name, lines in found.items() if lines}


def test_kernels_that_share_memory_have_barriers_for_all_threads(ptx):
    for name, text in ptx.items():
        waits = re.search(r"folded|^matmul_kernel|softmax|reversed_blocks|pooled|running_sum", name) is not None
        assert ("bar.sync" in text or "barrier.sync" in text) == waits, name
        assert (".shared" in text) == waits, name


def test_a_product_of_float32_multiplies_and_adds_in_one_instruction(ptx):
    assert "fma.rn.f32" in next(text for name, text in ptx.items() if name.startswith("matmul_kernel of float32"))


def test_on_numbas_simulator_every_kernel_gives_the_same(tmp_path):
    ours = child([CASES, "run"], tmp_path, TEROX_CUDA="sim")
    numbas = child([CASES, "run"], tmp_path, TEROX_CUDA="numba")
    assert list(ours) == list(numbas) and len(ours) > 200
    impossible = [name for name, values in numbas.items() if values is None]
    assert all(re.match(r"(sigmoid|isclose) of .*bool", name) for name in impossible), impossible
    for name, values in ours.items():
        if name in impossible:
            continue
        limit = 1e-5 if "float32" in name else 1e-12
        np.testing.assert_allclose(values, numbas[name], rtol=limit, atol=limit, err_msg=name)
        assert np.isfinite(values).any(), f"{name} gives nothing to compare"


def test_on_numbas_simulator_the_device_gives_the_same(tmp_path):
    ours = child([PROGRAM, "run"], tmp_path, TEROX_CUDA="sim")
    numbas = child([PROGRAM, "run"], tmp_path, TEROX_CUDA="numba")
    assert list(ours) == list(numbas) and len(ours) > 70
    for name, values in ours.items():
        np.testing.assert_allclose(values, numbas[name], rtol=1e-4, atol=1e-5, err_msg=name)


MISTAKES = '''
import numpy as np
from terox._numba import cuda
from terox.cuda.elementwise import offset

def whole_array(fn, out, a, count):
    out[0] = fn(a)

def fraction(fn, out, a, count):
    i = cuda.grid(1) / 2
    out[i] = a[i]

def too_many(fn, out, a, count):
    if count:
        out[0] = fn(a[0], a[0])

def too_few(fn, out, a, count):
    out[offset(count, (3,))] = 0

def no_length(fn, out, a, count):
    n = count + 1
    out[0] = cuda.shared.array(n, np.float32)[0]

def whole_index(fn, out, a, count):
    out[cuda.threadIdx] = a[0]
'''

EXPLAINED = """
import json, sys, traceback
import mistakes
from numba import types
from terox.cuda import compiler
from terox.tensors import operators
found = {}
for name, loop in vars(mistakes).items():
    if getattr(loop, "__module__", "") == "mistakes":
        try:
            compiler.kernel(loop, ("float32", "float32"), fn=operators.abs).ptx(
                types.float32[::1], types.float32[::1], types.int64)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            found[name] = type(error).__name__, str(error), last.line
json.dump(found, sys.stdout)
"""


def test_what_the_compiler_refuses_is_told_in_the_learners_line(compiler, tmp_path):
    (tmp_path / "mistakes.py").write_text(MISTAKES, encoding="utf-8")
    found = child(["-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + EXPLAINED], tmp_path / "kernels",
                  TEROX_CUDA="sim")
    for name, words, line in [
            ("whole_array", "`fn`, which is `abs` here, takes a number for `x`, but is called with a 1-D array",
             "out[0] = fn(a)"),
            ("fraction", "An index is a float here", "out[i] = a[i]"),
            ("too_many", "takes 1 argument (x), but is called with 2", "out[0] = fn(a[0], a[0])"),
            ("too_few", "takes 3 arguments (number, sizes, strides), but is called with 2",
             "out[offset(count, (3,))] = 0"),
            ("no_length", "", "out[0] = cuda.shared.array(n, np.float32)[0]"),
            ("whole_index", "", "out[cuda.threadIdx] = a[0]")]:
        kind, said, where = found[name]
        assert (kind, where) == ("CompileError", line), (name, found[name])
        assert words in said and "NUMBA_DISABLE_JIT" not in said, said
        # The way to see it as plain Python, where plain Python shows it too.
        assert said.endswith("TEROX_CUDA=sim and start Python again.") == bool(words), said
