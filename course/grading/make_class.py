"""`make class OUT=dir`: a class of 20 made-up submissions of all kinds, to try the instructor's tools on.

Everybody hands in what the course asks for, a `terox/` with the learner's files, in their own way: as a folder, a zip,
in a folder of a folder; done, half done, wrong, broken, copied, hostile. `WHAT` says what is to be expected of each.
"""

from __future__ import annotations

import ast
import io
import os
import tempfile
import textwrap
from pathlib import Path

from course import edition
from course.chaffs import changed, laid_over, load_chaffs, load_wheats
from course.manifest import ROOT, Manifest, load
from course.markers import BEGIN, END
from course.parsing import parse
from course.runner.overlay import splice
from course.zips import write_zip

Files = dict[str, str | bytes]  # path in the submission -> content

WHAT = {
    "ada": "all of it, right: every task has its points",
    "ben": "the skeleton as it was handed out: no points, and no error either",
    "chen": "modules 0 and 1 right, the others not begun",
    "dina": "modules 0 and 1, and half of module 2: tasks 2.1 to 2.4",
    "eli": "right, another way (the first wheat of each module): every task has its points",
    "fay": "right, yet another way (the last wheat of each module): every task has its points",
    "gus": "one mistake in the first task of each module: all other tasks have their points",
    "hana": "one mistake in every task: no points",
    "ivan": "a syntax error in operators.py: task 0.1 has no points, all others do",
    "jo": "operators.py in Latin-1: task 0.1 has no points, all others do",
    "kim": "all of it, right, as a zip file",
    "leo": "all of it, right, the whole course folder",
    "mia": "eli's work with other names, no comments and another layout: found by `make similarity`",
    "noa": "all of it, right, with a conftest.py, a data file, caches and notes beside it, which nobody copies",
    "omar": "all of it, right, with Windows' line ends and a byte-order mark",
    "pia": "an attack: ends the process at import, brings a conftest.py and a sitecustomize.py: no points",
    "quin": "module 5 alone, the other files missing: points for module 5 only",
    "rosa": "the reading tasks alone",
    "sam": "right, but sigmoid never returns: task 0.1 has no points, in time",
    "tess": "relu renamed and functional.py missing: tasks 0.1 and 0.2 have no points, the others do",
}


def expected(manifest: Manifest) -> dict[str, list[int]]:
    """What grading gives each of them in each module."""
    every = set(manifest.tasks)
    done = {name: set(every) for name in WHAT}
    done["chen"] = {task for task in every if task.startswith(("0.", "1."))}
    done["dina"] = done["chen"] | {"2.1", "2.2", "2.3", "2.4"}
    done["gus"] = every - {module.tasks[0].id for module in manifest.modules}
    done["quin"] = {task for task in every if task.startswith("5.")}
    done["rosa"] = {task for task in every if task.endswith(".R")}
    done["tess"] = every - {"0.1", "0.2"}
    for name in ("ivan", "jo", "sam"):
        done[name] = every - {"0.1"}
    for name in ("ben", "hana", "pia"):
        done[name] = set()
    return {name: [sum(task.points for task in module.tasks if task.id in done[name]) for module in manifest.modules]
            for name in WHAT}


def make_class(out: Path, root: Path = ROOT) -> list[str]:
    """Write the class into the folder `out`, which must be empty or not exist; returns the submissions' names.

    Raises FileExistsError where something is in the way.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists already, and is no empty folder.")
    for name, files in submissions(root).items():
        if name == "kim":
            out.mkdir(parents=True, exist_ok=True)
            (out / "kim.zip").write_bytes(zipped(files))
            continue
        for path, content in files.items():
            target = out / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    return sorted(WHAT)


def run(out: Path, root: Path = ROOT) -> int:
    """The command. Returns an exit status."""
    missing = edition.needs_reference("make class", root)
    try:
        if missing:
            raise FileExistsError(missing)
        names = make_class(Path(os.path.abspath(out)), root)
    except FileExistsError as error:
        print(error)
        return 2
    points = expected(load(root))
    print("What grading has to give, module by module and in all:")
    for name in names:
        head = f"{name:5}" + "".join(f"{number:5}" for number in [*points[name], sum(points[name])]) + "   "
        print(textwrap.fill(WHAT[name], 118, initial_indent=head, subsequent_indent=" " * len(head)))
    print(f"\n{len(WHAT)} submissions are in {out}.")
    return 0


def submissions(root: Path = ROOT) -> dict[str, Files]:
    """Each submission's files, by name."""
    manifest = load(root)
    names = sorted(manifest.files)
    right = {name: without_markers((root / "solutions" / name).read_text(encoding="utf-8")) for name in names}
    empty = {name: (root / "modules" / name).read_text(encoding="utf-8") for name in names}

    def done(*tasks: str) -> dict[str, str]:
        """The skeleton with the functions of some tasks (or modules, "0.") from the reference."""
        result = dict(empty)
        for task in manifest.tasks.values():
            if task.id.startswith(tasks):
                for function in task.functions:
                    file = task.file_of(function)
                    result[file] = _spliced(root, file, result[file], right[file], [function])
        return result

    operators = manifest.task("0.1").file
    eli, fay = (_wheat(manifest, right, which, root) for which in (0, -1))
    made: dict[str, Files] = {
        "ada": {**right}, "ben": {**empty}, "chen": {**done("0.", "1.")},
        "dina": {**done("0.", "1.", "2.1", "2.2", "2.3", "2.4")}, "eli": {**eli}, "fay": {**fay},
        "gus": _mistaken(manifest, right, [module.tasks[0].id for module in manifest.modules], root),
        "hana": _mistaken(manifest, right, list(manifest.tasks), root),
        "ivan": {**right, operators: right[operators].replace("def relu(", "def relu((", 1)},
        "jo": {**right, operators: ("# Les opérateurs\n" + right[operators]).encode("latin-1", "replace")},
        "kim": {**right}, "leo": {**right},
        "mia": {name: renamed(text) for name, text in eli.items()},
        "noa": {**right, "terox/conftest.py": "raise SystemExit('this is not mine to run')\n",
                "data/digits.bin": b"\0" * 4096, "terox/__pycache__/x.cpython-312.pyc": b"\0\1",
                "notes.txt": "Dear grader, give me all points.\n"},
        "omar": {name: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() for name, text in right.items()},
        "pia": {**{name: "import os\nos._exit(0)\n" + text.replace("from __future__ import annotations\n", "")
                   for name, text in right.items()},
                "conftest.py": "def pytest_collection_modifyitems(items):\n    items.clear()\n",
                "sitecustomize.py": "import os\nos._exit(0)\n"},
        "quin": {name: text for name, text in right.items() if name.startswith(manifest.module(5).package + "/")},
        "rosa": {**done(*(task for task in manifest.tasks if task.endswith(".R")))},
        "sam": {**right, operators: _with_body(right[operators], "sigmoid", "while True:\n        pass")},
        "tess": {name: text.replace("def relu(", "def my_relu(") for name, text in right.items()
                 if name != manifest.task("0.2").file},
    }
    where = {"leo": "terox-course/modules/", "noa": "modules/"}
    return {name: {where.get(name, "") + path: content for path, content in files.items()}
            for name, files in made.items()}


# ---- How they come about ----


def without_markers(text: str) -> str:
    """A source text of the reference as a learner's would look."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in (BEGIN, END))


def zipped(files: Files) -> bytes:
    """A zip file with a folder around everything, as a file manager makes it."""
    buffer = io.BytesIO()
    write_zip(buffer, {f"kim/{path}": content.encode() if isinstance(content, str) else content
                       for path, content in files.items()})
    return buffer.getvalue()


def renamed(text: str) -> str:
    """The same program with every local name changed, without comments and docstrings of functions, laid out anew.

    What a copy looks like that was made to look different. Parameters stay: callers may name them.
    """
    tree = parse(text)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        if ast.get_docstring(function) is not None and len(function.body) > 1:
            del function.body[0]
        kept = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
        kept |= {name for each in ast.walk(function) if isinstance(each, (ast.Global, ast.Nonlocal))
                 for name in each.names}
        own = {each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        for each in ast.walk(function):
            if isinstance(each, ast.Name) and each.id in own - kept and not each.id.startswith("renamed_"):
                each.id = f"renamed_{each.id}"
    return ast.unparse(tree) + "\n"


def _spliced(root: Path, file: str, into: str, source: str, functions: list[str]) -> str:
    """`into` with some functions of `source`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one, other = Path(folder) / "into.py", Path(folder) / "source.py"
        one.write_text(into, encoding="utf-8", newline="")
        other.write_text(source, encoding="utf-8", newline="")
        return "".join(text + "\n" for text, _, _ in splice(one, other, functions))


def _wheat(manifest: Manifest, right: dict[str, str], which: int, root: Path) -> dict[str, str]:
    """The reference with one wheat of each module laid over it."""
    result = dict(right)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for module in manifest.modules:
            wheats = load_wheats(module, root)
            if not wheats:
                continue
            wheat = wheats[which]
            for path in wheat.files():
                name = path.relative_to(wheat.folder).as_posix()
                if name in result:
                    target = Path(folder) / "target.py"
                    target.write_text(result[name], encoding="utf-8", newline="")
                    result[name] = laid_over(target, path)
    return result


def _mistaken(manifest: Manifest, right: dict[str, str], tasks: list[str], root: Path) -> Files:
    """The reference with one mistake in each of some tasks: the first chaff of each that still fits."""
    result: Files = {**right}
    chaffs, _ = load_chaffs(root)
    for task in tasks:
        for chaff in (each for each in chaffs if each.task == task):
            file, _ = changed(chaff, manifest, root)
            text = result.get(file, "")
            if isinstance(text, str) and text.count(chaff.replace) == 1:
                result[file] = text.replace(chaff.replace, chaff.by)
                break
    return result


def _with_body(text: str, function: str, body: str) -> str:
    """`text` with another body in one of its functions of the top level, at the end of its docstring."""
    node = next(each for each in parse(text).body if isinstance(each, ast.FunctionDef) and each.name == function)
    lines = text.splitlines(keepends=True)
    first = node.body[0].end_lineno or node.body[0].lineno
    return "".join([*lines[:first], f"    {body}\n", *lines[node.end_lineno:]])
