"""The parts of the test runner that need no child process: overlays, source texts, dumps, rows."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from course.check import CheckFailed, Whole
from course.manifest import Manifest, Module, Task
from course.runner import overlay
from course.runner.describe import Describer
from course.runner.dumps import dump_frames, dump_reason
from course.runner.explain import Explainer
from course.runner.outcome import UsageError
from course.runner.rows import WIDTH, example_rows, row
from course.runner.source import PathMap, Sources
from terox.cuda.simulator import Dim3


def task(task_id: str, file: str = "terox/one/a.py", **functions: int) -> Task:
    return Task(task_id, f"Part {task_id}", 1, file, {name.replace("__", "."): 10 for name in functions} or {"f": 10},
                (), {}, ())


def manifest(*groups: tuple[str, list[Task]]) -> Manifest:
    return Manifest("", tuple(Module(number, name, name, 1, "", "", "", "", "", tuple(tasks))
                              for number, (name, tasks) in enumerate(groups)))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


COURSE = manifest(("one", [task("0.1"), task("0.2"), task("0.R")]),
                  ("two", [task(name, "terox/two/b.py") for name in ("1.1", "1.2", "1.R")]))


@pytest.mark.parametrize(("text", "expected"), [
    ("0", "0.1 0.2 0.R"), ("0-1", "0.1 0.2 0.R 1.1 1.2 1.R"), ("0.2", "0.2"), ("0.2-0.R", "0.2 0.R"),
    ("0.2-1.1", "0.2 0.R 1.1"), (" 1.r , 0.1 ", "0.1 1.R"), ("0,0.1", "0.1 0.2 0.R"), ("0.R-1", "0.R 1.1 1.2 1.R"),
])
def test_parse_reference(text, expected):
    assert overlay.parse_reference(text, COURSE) == expected.split()


@pytest.mark.parametrize("text", ["", ",", "2", "0.3", "a", "0-", "0-1-2", "1-0", "0.1.2", "-1"])
def test_parse_reference_refuses(text):
    with pytest.raises(UsageError, match="REFERENCE"):
        overlay.parse_reference(text, COURSE)


LEARNER = '''\
    """Doc."""
    from __future__ import annotations


    def helper():
        return 1


    class C:
      @staticmethod
      def f(x):
        return helper()

      def g(self):
        return "learner"


    def f(x):
        """Two lines
        of text."""
        raise NotImplementedError("Task 0.1: f")
'''
REFERENCE = '''\
    """Doc."""
    from __future__ import annotations

    import functools
    import math
    import unused


    class C:
        @staticmethod
        @functools.cache
        def f(x):
            if x:
                return 2
            return 3

        def g(self):
            return "reference"

        def h(self):
            return "h"


    class D:
        def f(self):
            return "D"


    def f(x):
        return math.fabs(x)


    def new():
        return "new"
'''


def spliced(tmp_path: Path, *names: str) -> tuple[dict, list]:
    learner, reference = write(tmp_path / "learner.py", LEARNER), write(tmp_path / "reference.py", REFERENCE)
    lines = overlay.splice(learner, reference, list(names))
    for text, origin, number in lines:
        assert origin.read_text().splitlines()[number - 1].strip() == text.strip()
    space: dict = {}
    exec("\n".join(text for text, _, _ in lines), space)
    return space, lines


def test_splice_function_and_its_imports(tmp_path):
    space, lines = spliced(tmp_path, "f")
    assert space["f"](-2) == 2.0
    assert space["C"].f(0) == 1
    assert "import math" in [text for text, _, _ in lines] and "import unused" not in [text for text, _, _ in lines]


def test_splice_method_with_decorators_at_another_depth(tmp_path):
    space, _ = spliced(tmp_path, "C.f")
    assert (space["C"].f(0), space["C"].f(1), space["C"]().g()) == (3, 2, "learner")
    with pytest.raises(NotImplementedError):
        space["f"](1)


def test_splice_what_the_learner_removed(tmp_path):
    space, _ = spliced(tmp_path, "D.f", "new")
    assert (space["D"]().f(), space["new"]()) == ("D", "new")


def test_splice_a_method_the_learner_removed_keeps_the_class(tmp_path):
    text = "class C:\n    def g(self):\n        return 'learner'\n\n\nafter = C().g()\n"
    learner, reference = write(tmp_path / "learner.py", text), write(tmp_path / "reference.py", REFERENCE)
    lines = overlay.splice(learner, reference, ["C.h"])
    space: dict = {}
    exec("\n".join(text for text, _, _ in lines), space)
    assert (space["C"]().g(), space["C"]().h()) == ("learner", "h")


@pytest.fixture
def roots(tmp_path) -> tuple[Path, Path]:
    for root, word in (("modules", "learner"), ("solutions", "reference")):
        for file in ("one/a.py", "two/b.py"):
            write(tmp_path / root / "terox" / file, f"top = 1\n\ndef f():\n    return {word!r}\n")
    return tmp_path / "modules", tmp_path / "solutions"


def test_build_keeps_track_of_lines(roots, tmp_path):
    modules, solutions = roots
    write(modules / "terox/one/a.py", "# one\n# two\n# three\ndef f():\n    return 'learner'\n# last\n")
    paths = overlay.build(["0.1", "1.1", "1.2", "1.R"], COURSE, modules, solutions, tmp_path / "over", tmp_path)
    over = tmp_path / "over/terox/one/a.py"
    assert over.read_text() == "# one\n# two\n# three\ndef f():\n    return 'reference'\n# last\n"
    assert paths.where(over, 1) == ("modules/terox/one/a.py", 1)
    assert paths.where(over, 5) == ("solutions/terox/one/a.py", 4)
    assert paths.where(over, 6) == ("modules/terox/one/a.py", 6)
    assert paths.where(tmp_path / "over/terox/two/b.py", 3) == ("solutions/terox/two/b.py", 3)
    assert paths.where(tmp_path / "elsewhere.py", 3) == ("elsewhere.py", 3)
    assert modules.joinpath("terox/one/a.py").read_text().endswith("# last\n")


def test_a_task_in_two_files(roots, tmp_path):
    modules, solutions = roots
    for root, word in ((modules, "Task 0.1: other"), (solutions, "reference")):
        write(root / "terox/one/other.py", f'def other():\n    raise NotImplementedError("{word}")\n')
    course = manifest(("one", [task("0.1", f=1, other=1), task("0.2", f=1)]))
    found = Sources(modules, course, PathMap(modules, tmp_path))
    assert found.files_of(course.task("0.1")) == ["terox/one/a.py", "terox/one/other.py"]
    assert found.stubs("0.1") == [("other", "terox/one/other.py", 2)]
    assert found.task_at("terox/one/other.py", 2) == "0.1"
    overlay.build(["0.1"], course, modules, solutions, tmp_path / "over", tmp_path)
    assert "reference" in (tmp_path / "over/terox/one/other.py").read_text()


def test_build_leaves_a_file_that_does_not_parse(roots, tmp_path):
    modules, solutions = roots
    write(modules / "terox/one/a.py", "def f(:\n")
    paths = overlay.build(["0.1"], COURSE, modules, solutions, tmp_path / "over", tmp_path)
    assert (tmp_path / "over/terox/one/a.py").read_text() == "def f(:\n"
    assert paths.where("terox/one/a.py", 1) == ("modules/terox/one/a.py", 1)


def test_build_takes_a_missing_file_whole(roots, tmp_path):
    modules, solutions = roots
    (modules / "terox/one/a.py").unlink()
    overlay.build(["0.1"], COURSE, modules, solutions, tmp_path / "over", tmp_path)
    assert "reference" in (tmp_path / "over/terox/one/a.py").read_text()


def sources(tmp_path: Path, text: str) -> Sources:
    course = manifest(("one", [task("0.1", f=1, C__g=1), task("0.2", C__h=1)]))
    write(tmp_path / "terox/one/a.py", text)
    return Sources(tmp_path, course, PathMap(tmp_path, tmp_path))


def test_sources_work_on_a_broken_file(tmp_path):
    found = sources(tmp_path, '''\
        def f(x):
            raise NotImplementedError("Task 0.1: f")

        class C:
            def g(self):
                def inner():
                    raise NotImplementedError('Task 0.1: C.g')

            async def h(self):
                # raise NotImplementedError("Task 0.2: C.h")
                return (
        ''')
    file = "terox/one/a.py"
    assert [name for _, name in found.heads(file)] == ["f", "C.g", "C.g.inner", "C.h"]
    assert found.stubs("0.1") == [("f", file, 2), ("C.g", file, 7)]
    assert found.stubs("0.2") == []
    assert [found.task_at(file, line) for line in (1, 7, 11)] == ["0.1", "0.1", "0.2"]
    assert found.task_at("terox/none.py", 1) is None
    assert found.place("root of C.g(f(1))", "0.1") == (file, 5, "C.g")
    assert found.place("thing.h()", "0.2") == (file, 9, "C.h")
    assert found.place("h, in words", "0.2") is None and found.place("sin(x)", "0.2") is None
    problem = found.problem(file)
    assert problem is not None and problem.line == 11 and "SyntaxError" in problem.message
    block = Explainer(found).syntax(problem, "0.2")
    assert block[0] == "0.2 failed: Python cannot read terox/one/a.py"
    assert block[2].index("(") == block[3].index("^")


@pytest.mark.parametrize(("source", "words"), [
    (b"x = 1\ny = '\0'\n", "null bytes"), (b"def f():\nreturn 1\n", "IndentationError"),
    (b"def f():\n\tx = 1\n        y = 2\n", "TabError"), (b"# coding: latin-9000\n", "unknown encoding"),
    (b"x = '\xff'\n", "UTF-8"), (b"return 1\n", "outside function"), (b"x = " + b"(" * 300 + b"\n", ""),
])
def test_unreadable_files(tmp_path, source, words):
    found = sources(tmp_path, "")
    (tmp_path / "terox/one/a.py").write_bytes(source)
    problem = found.problem("terox/one/a.py")
    assert problem is not None and words in problem.message
    assert len(Explainer(found).syntax(problem, "0.1")) >= 3
    assert found.problem("terox/one/gone.py") is not None
    (tmp_path / "terox/one/a.py").write_bytes(b"")
    assert found.problem("terox/one/a.py") is None and found.problems() == {}


def test_example_rows():
    new = ["Failing test case: test_f(\n    x=0,\n    text='a # b',\n    data=data(...),\n)",
           "Draw 1 (the y): [1, 2]", "Draw 2: 5  # or any other generated value", "Something else."]
    assert [line.strip() for line in example_rows(new, "")] == [
        "Input:       x = 0", "text = 'a # b'", "the y = [1, 2]", "5"]
    old = ["Falsifying example: test_f(\n    x=-1000.0,  # or any other generated value\n)"]
    assert example_rows(old, "")[0].split() == ["Input:", "x", "=", "-1000.0"]
    assert example_rows(old, "sigmoid(-1000.0)") == []
    assert example_rows(["Failing test case: f(count=1_000, block=8)".replace(", ", ",\n")], "f(1000, 8)") == []
    assert example_rows(["Falsifying explicit example: test_f(self=<t>, x=3)"], "") != []


def test_an_input_that_says_itself_what_it_is_has_no_name():
    notes = ["Failing test case: test_f(\n    case=n=3, places=[0],\n    work=reduce(add, 0.0),\n    kind='f',\n)"]
    assert [line.strip() for line in example_rows(notes, "")] == [
        "Input:       n=3, places=[0]", "reduce(add, 0.0)", "kind = 'f'"]
    assert example_rows(notes, "f(n=3, places=[0], reduce(add, 0.0), 'f')") == []


@pytest.mark.parametrize("code, noted", [
    ("range(6 / 2)", True), ("x[2 / 2]", True), ("tuple(x)[2 / 2]", True), ("x[: 4 / 2]", True),
    ("np.zeros(3)[2 / 2]", True), ("np.ones(3)[: np.ones(1)[0]]", True), ("range('3')", False), ("[1][5]", False),
    ("1.0 + 'a'", False),
])
def test_a_float_for_a_whole_number_is_explained(code, noted, tmp_path):
    with pytest.raises((TypeError, IndexError)) as raised:
        eval(code, {"np": np, "x": [1, 2]})
    described = Describer(str(tmp_path), str(tmp_path))(raised.value)
    lines = Explainer(sources(tmp_path, ""))._error(described)
    assert ("`//` gives a whole number" in " ".join(" ".join(lines).split())) == noted


def test_a_call_that_says_all_of_the_input_has_no_row_for_it(tmp_path):
    for call, shown in (("kernel, 3 threads", True), (Whole("kernel, 3 threads"), False)):
        error = CheckFailed(call, "1", "2")
        error.add_note("Failing test case: test_f(\n    width=4,\n)")
        described = Describer(str(tmp_path), str(tmp_path))(error)
        lines = " ".join(Explainer(sources(tmp_path, ""))._check(described))
        assert "kernel, 3 threads" in lines and ("Input:" in lines) == shown


def test_the_three_numbers_of_a_thread_are_explained(tmp_path):
    with pytest.raises(TypeError) as raised:
        Dim3(1, 0, 0) < 3  # noqa: B015
    described = Describer(str(tmp_path), str(tmp_path))(raised.value)
    assert "take .x of them" in " ".join(Explainer(sources(tmp_path, ""))._error(described))


def test_row():
    assert row("Got", "a\nb c") == ["  Got:         a", "               b c"]
    assert max(map(len, row("Got", "x" * 300))) <= WIDTH
    path = "modules/" + "long_" * 20 + ".py:3"
    assert path in "\n".join(row("Where", path))


DUMP = '''\
Fatal Python error: Segmentation fault

Thread 0x00007f1 (most recent call first):
  File "/lib/threading.py", line 9 in wait

Current thread 0x00007f2 [python] (most recent call first):
  File "/lib/ctypes.py", line 5 in string_at
  File "/code/caf\\xe9/terox/a.py", line 7 in f
  File "/tests/t.py", line 3 in test_f

Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python", at _Py_DumpStack+0x3c [0x6]

Extension modules: numpy (total: 1)
'''


def test_dumps():
    frames = dump_frames(DUMP, lambda file: file if "/code/" in file else None)
    assert frames[-2:] == [["/code/caf\xe9/terox/a.py", 7, "f"], ["/lib/ctypes.py", 5, "string_at"]]
    assert dump_reason(DUMP) == "Segmentation fault"
    assert dump_frames("", lambda file: None) == [] and dump_reason("") is None


def test_a_limit_is_longer_on_a_busy_machine(monkeypatch):
    from course.runner import plugin

    monkeypatch.setattr(plugin.os, "cpu_count", lambda: 4)
    for load, expected in ((0.0, 10.0), (4.0, 10.0), (6.0, 15.0), (1000.0, 10.0 * plugin.MOST_BUSY)):
        monkeypatch.setattr(plugin.os, "getloadavg", lambda load=load: (load, 0.0, 0.0), raising=False)
        assert plugin.on_a_busy_machine(10.0) == expected

    def not_here():
        raise OSError

    monkeypatch.setattr(plugin.os, "getloadavg", not_here, raising=False)
    assert plugin.on_a_busy_machine(10.0) == 10.0


def test_a_stub_that_is_left_over_is_none(tmp_path):
    found = sources(tmp_path, '''\
        def f(x):
            return x
            raise NotImplementedError("Task 0.1: f")

        class C:
            def g(self):
                raise NotImplementedError("Task 0.1: C.g")
        ''')
    assert found.stubs("0.1") == [("C.g", "terox/one/a.py", 7)]
