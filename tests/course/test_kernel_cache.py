"""What was compiled is found by the next process, and nothing stale ever is. Counted by the cache's own statistics."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from terox.parallel import cache_files, compiler

ROOT = Path(__file__).resolve().parents[2]

FIRST = '''
from second import twice
SCALE = 3.0

def times(x):
    return SCALE * twice(x)

def loop(fn, begin, end, out, a, sizes, strides):
    for i in range(begin, end):
        out[i] = fn(a[i])
'''
SECOND = '''
def twice(x):
    return x + x
'''
PROGRAM = '''
import sys
import numpy as np
import first
from terox.parallel import compiler

kernel = compiler.kernel(first.loop, ("float64", "float64"), fn=first.times)
out, a = np.zeros(8), np.arange(8.0)
operands = out, a, np.array([8]), np.array([[1], [1]])
kernel.serial(0, 8, *operands)
print("result", *out)
if sys.argv[1:]:
    out[:] = 0
    kernel.parallel(8, 2, *operands)
    print("result", *out)
print("statistics", *compiler.statistics().values())
'''


class Programs:
    """Runs PROGRAM in new processes, on the files of a folder."""

    def __init__(self, folder, kernels):
        self.folder, self.kernels = folder, kernels
        self.write(FIRST, SECOND)

    def write(self, first, second):
        for name, text in (("first", first), ("second", second)):
            (self.folder / f"{name}.py").write_text(text, encoding="utf-8")

    def start(self, *arguments, **variables):
        paths = [self.folder, ROOT / "solutions", ROOT]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "TEROX_KERNELS": str(self.kernels),
                       "PYTHONDONTWRITEBYTECODE": "1", **variables}
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process):
        out, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
        results = [line for line in out.splitlines() if line.startswith("result")]
        statistics = out.split("statistics ")[1]
        assert len(set(results)) == 1
        hits, misses = statistics.split("\n")[0].split()
        return float(results[0].split()[2]), (int(hits), int(misses))

    def run(self, *arguments, **variables):
        return self.finish(self.start(*arguments, **variables))

    def sources(self):
        return sorted(self.kernels.glob("kernel_*.py"))

    def compiled(self):
        """What Numba has written, and when: a kernel that is compiled again is written again."""
        return {path: path.stat().st_mtime_ns for path in (self.kernels / "__pycache__").glob("*.nb?")}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(tmp_path_factory.mktemp("programs"), tmp_path_factory.mktemp("kernels"))


def test_two_processes_at_once_and_all_later_ones_find_it(programs):
    together = [programs.start("parallel"), programs.start("parallel")]
    for process in together:
        result, (hits, misses) = programs.finish(process)
        assert result == 6.0 and hits + misses == 3  # the loop, its form for threads, parallel_for
    assert len(programs.sources()) == 2  # the kernel and the driver
    before = programs.compiled()
    assert programs.run("parallel") == (6.0, (3, 0))
    assert before and programs.compiled() == before


class Here:
    """The same in this process: modules first and second, edited and imported again."""

    def __init__(self, folder):
        self.folder = folder
        self.write(FIRST, SECOND)

    def write(self, first, second):
        for name, text in (("second", second), ("first", first)):
            (self.folder / f"{name}.py").write_text(text, encoding="utf-8")
            if name in sys.modules:
                importlib.reload(sys.modules[name])
            else:
                importlib.import_module(name)

    def run(self, again=False):
        """The result, and how often machine code was found, and not. again: as a new process would."""
        first, before = sys.modules["first"], compiler.statistics()
        if again:
            compiler._kernels.clear()
        kernel = compiler.kernel(first.loop, ("float64", "float64"), fn=first.times)
        out, a = np.zeros(8), np.arange(8.0)
        kernel.serial(0, 8, out, a, np.array([8]), np.array([[1], [1]]))
        return out[1], *[number - before[name] for name, number in compiler.statistics().items()]


@pytest.fixture
def here(programs, tmp_path, monkeypatch):
    monkeypatch.setenv("TEROX_KERNELS", str(programs.kernels))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Here(tmp_path)
    del sys.modules["first"], sys.modules["second"]


@pytest.mark.parametrize("change", ["constant", "function", "function of another file", "loop"])
def test_what_was_edited_is_compiled_anew(here, programs, change):
    assert here.run() == (6.0, 1, 0)  # as the processes above left it
    assert here.run() == (6.0, 0, 0)
    first, second = FIRST, SECOND
    expected, old = 6.0, len(programs.sources())
    if change == "constant":
        first, expected = FIRST.replace("3.0", "5.0"), 10.0
    elif change == "function":
        first, expected = FIRST.replace("SCALE *", "1.0 + SCALE *"), 7.0
    elif change == "function of another file":
        second, expected = SECOND.replace("x + x", "x + x + x"), 9.0
    else:
        first, expected = FIRST.replace("fn(a[i])", "fn(a[i]) + i"), 7.0
    here.write(first, second)
    assert here.run() == (expected, 0, 1)
    assert len(programs.sources()) == old + 1
    here.write(FIRST, SECOND)
    assert here.run() == (6.0, 1, 0)


def test_a_constant_that_is_set_from_outside(here, monkeypatch):
    assert here.run()[0] == 6.0
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["first"], "SCALE", 7.0)
        assert here.run()[0] == 14.0
    assert here.run()[0] == 6.0


def test_code_that_was_replaced_in_place(here):
    """As IPython's autoreload does it: the function stays, its code is another."""
    twice = sys.modules["second"].twice
    assert here.run()[0] == 6.0
    path = here.folder / "second.py"
    path.write_text(SECOND.replace("x + x", "x * 4.0"), encoding="utf-8")
    namespace = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    twice.__code__ = namespace["twice"].__code__
    assert here.run()[0] == 12.0


def test_comments_and_lines_elsewhere_change_nothing(here):
    here.write('"""Text."""\n\n' + FIRST.replace("def times(x):", "def times(x: float) -> float:\n    # why\n"), SECOND)
    assert here.run() == (6.0, 1, 0)


def test_files_cut_short_are_made_again(here, programs):
    for suffix, kept in (("py", 100), ("nbi", 30), ("nbc", 200), ("nbi", 0), ("nbc", 0)):
        assert here.run(again=True)[0] == 6.0
        for path in programs.kernels.rglob(f"*.{suffix}"):
            path.write_bytes(path.read_bytes()[:kept])
        result, hits, misses = here.run(again=True)
        assert result == 6.0 and (misses == 1 or suffix == "py")
        assert here.run(again=True) == (6.0, 1, 0)


def test_a_todo_stays_a_todo_after_it_was_compiled(here):
    assert here.run()[0] == 6.0
    here.write(FIRST, SECOND.replace("return x + x", 'raise NotImplementedError("Task 0.1: twice")'))
    with pytest.raises(NotImplementedError, match="^Task 0.1: twice$"):
        here.run()


def test_an_edited_file_that_was_not_imported_again(here):
    (here.folder / "second.py").write_text("LIMIT = 1\n" + SECOND.replace("x + x", "x + LIMIT"), encoding="utf-8")
    compiler._kernels.clear()
    with pytest.raises(compiler.CompileError, match=r"second.py:\d+: in twice: .* start Python again, or reload"):
        here.run()


def test_a_folder_that_cannot_be_written(here, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TEROX_KERNELS", str(tmp_path / "file" / "kernels"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert here.run(again=True) == (6.0, 0, 1)
    assert list(tmp_path.glob("terox-kernels-*/kernel_*.py"))


def test_versions_and_flags_are_part_of_the_text():
    import numba

    from terox import _numba
    from terox.parallel.sources import Source

    text = Source().text("nothing", _numba.VERSIONS)
    assert f"Numba {numba.__version__}" in text and "contract" in text and "terox/_numba.py" in text


def test_no_folder_at_all(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError

    monkeypatch.setattr(cache_files, "_write", refuse)
    with pytest.raises(OSError, match="TEROX_KERNELS"):
        cache_files.load("")


def test_pruning_removes_what_was_used_longest_ago(tmp_path, monkeypatch):
    monkeypatch.setenv("TEROX_KERNELS", str(tmp_path))
    monkeypatch.setattr(cache_files, "KEPT_FILES", 3)
    monkeypatch.setattr(cache_files, "_pruned", set())
    (tmp_path / "__pycache__").mkdir()
    now = time.time()
    for number in range(8):
        # Used in the order 0, 1, ...; number 7 is the oldest source of all, but was used a moment ago.
        for path in (tmp_path / f"kernel_{number}.py", tmp_path / f"kernel_{number}.used"):
            path.write_text("")
            age = 9000 if number == 7 and path.suffix == ".py" else 0 if number == 7 else 8000 - number
            os.utime(path, (now - age, now - age))
        for suffix in ("serial-9.py311.nbi", "serial-9.py311.1.nbc", "cpython-311.pyc"):
            (tmp_path / "__pycache__" / f"kernel_{number}.{suffix}").write_text("")
    (tmp_path / "old.tmp").write_text("")
    os.utime(tmp_path / "old.tmp", (now - 9000, now - 9000))
    module = cache_files.load("x = 1\n")
    assert module.x == 1
    new = {Path(module.__file__).stem}
    assert {path.stem for path in tmp_path.glob("kernel_*.py")} - new == {"kernel_5", "kernel_6", "kernel_7"}
    compiled = {path.name.split(".")[0] for path in (tmp_path / "__pycache__").iterdir()}
    assert compiled - new == {"kernel_5", "kernel_6", "kernel_7"}
    assert not list(tmp_path.glob("*.tmp"))
    assert Path(module.__file__).exists() and Path(module.__file__).with_suffix(".used").exists()


def test_pruning_leaves_what_was_just_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TEROX_KERNELS", str(tmp_path))
    monkeypatch.setattr(cache_files, "KEPT_FILES", 0)
    paths = []
    for number in range(3):
        monkeypatch.setattr(cache_files, "_pruned", set())
        paths.append(Path(cache_files.load(f"x = {number}\n").__file__))
    assert all(path.exists() for path in paths)


def test_the_text_is_shown_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("TEROX_KERNELS", str(tmp_path))
    assert Path(cache_files.load(textwrap.dedent("x = 'ä'\n")).__file__).read_text(encoding="utf-8") == "x = 'ä'\n"
