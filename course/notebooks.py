"""Notebooks: what makes them kind to an unfinished tree, and how they are run and checked without a browser.

In a notebook, the first cell is `from course.notebooks import setup; setup()`. From then on a cell that needs a TODO
ends in one line that names the task, later cells that miss what it would have made say so, and Run All goes on.

    python -m course.notebooks                      run every notebook on solutions/
    python -m course.notebooks --code modules       on another root
    python -m course.notebooks --strip              remove outputs, so that they can be stored
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.edition import has_reference
from course.manifest import ROOT
from course.parsing import parse
from course.runner.events import TODO_MESSAGE

FOLDER = ROOT / "notebooks"
TIMEOUT = 120  # seconds for one cell
NEEDS = "This cell needs task "
MISSES = "An earlier cell stopped at task "


# ---- In the notebook ----


def setup() -> None:
    """Prepare a notebook: say which `terox` is used, reload it on edits, and soften what a TODO stops."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        print("setup() does its work in a Jupyter notebook: `make notebooks` opens them.")
        return
    # Hypothesis would put its memory beside the notebook.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".hypothesis"))
    shell.run_line_magic("load_ext", "autoreload")
    shell.run_line_magic("autoreload", "2")
    old = getattr(shell, "_terox_stops", None)
    if old is not None:  # the first cell was run again
        old.remove()
    shell._terox_stops = Stops(shell)
    print(which_terox())


def which_terox() -> str:
    """One line that says where `terox` is imported from."""
    import terox

    root = Path(terox.__file__).resolve().parent.parent
    name = root.relative_to(ROOT).as_posix() if root.is_relative_to(ROOT) else str(root)
    whose = {"modules": " (your work)", "solutions": " (the reference)"}.get(name, "")
    return f"terox is imported from {name}/{whose}."


class Stops:
    """Turns two kinds of errors of a cell into one line: a TODO, and a name that a stopped cell would have made.

    Any other error keeps its traceback, a mistyped name too.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.missing: dict[str, str] = {}  # name that a stopped cell would have made -> task that stopped it
        self.softened: BaseException | None = None
        self.cell = ""
        shell.set_custom_exc((NotImplementedError, NameError), self.on_error)
        shell.events.register("pre_run_cell", self.before)
        shell.events.register("post_run_cell", self.after)

    def remove(self) -> None:
        self.shell.set_custom_exc((), None)
        self.shell.events.unregister("pre_run_cell", self.before)
        self.shell.events.unregister("post_run_cell", self.after)

    def before(self, info: Any) -> None:
        self.softened, self.cell = None, info.raw_cell or ""

    def on_error(self, shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None) -> None:
        todo = TODO_MESSAGE.match(str(error)) if isinstance(error, NotImplementedError) else None
        if todo:
            task, name = todo.groups()
            message = f"{NEEDS}{task}: {name}. Do it, save the file, and run the cell again."
        elif isinstance(error, NameError) and error.name in self.missing and self._in_cell(trace):
            task = self.missing[error.name]
            message = f"{MISSES}{task}, so there is no `{error.name}` yet."
        else:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return
        print(message)
        self.softened = error
        for made in _names_made(self.cell):
            if made not in shell.user_ns:
                self.missing[made] = task

    def after(self, result: Any) -> None:
        # For Jupyter the cell then ended well, and Run All goes on with the next one.
        if self.softened is not None and result.error_in_exec is self.softened:
            result.error_in_exec = None
        self.softened = None

    def _in_cell(self, trace: Any) -> bool:
        while trace.tb_next is not None:
            trace = trace.tb_next
        return trace.tb_frame.f_globals is self.shell.user_ns


def _names_made(cell: str) -> set[str]:
    """The names that a cell assigns, imports or defines at its top level."""
    try:
        tree = parse(cell)
    except SyntaxError:  # magics; what they make is not known
        return set()
    made: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.add(node.id)
        elif isinstance(node, ast.alias):
            made.add(node.asname or node.name.split(".")[0])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return made


# ---- Without a browser ----


@dataclass
class Run:
    """What came of running a notebook."""

    path: Path
    errors: list[str] = field(default_factory=list)  # "cell 7 (id): NameError: ..."
    stops: list[str] = field(default_factory=list)  # the lines of cells that need a task, or miss what one would make
    seconds: float = 0.0


def run(path: Path | str, root: Path | str) -> Run:
    """Run a notebook in a fresh kernel of this Python, with `terox` from `root`. Outputs are not stored."""
    import nbformat
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    class ThisPython(KernelSpecManager):
        """Whatever kernels are installed: the one to use is this very Python."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python", language="python")

    outcome, began = Run(Path(path)), time.perf_counter()

    def failed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        content = execute_reply["content"]
        outcome.errors.append(f"cell {cell_index} ({cell.id}): {content.get('ename')}: {content.get('evalue')}")

    notebook = nbformat.read(str(path), as_version=4)
    paths = [str(Path(root).resolve()), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # A settings folder of its own: nobody's start-up files and history take part, and nothing is left behind.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": folder,
                       "HYPOTHESIS_STORAGE_DIRECTORY": folder}
        said = Path(folder) / "kernel.txt"
        manager = AsyncKernelManager(kernel_spec_manager=ThisPython())
        client = NotebookClient(notebook, km=manager, timeout=TIMEOUT, allow_errors=True, on_cell_error=failed,
                                resources={"metadata": {"path": str(Path(path).resolve().parent)}})
        with said.open("w") as log:
            try:
                client.execute(env=environment, stderr=log)
            except CellTimeoutError:
                outcome.errors.append(f"a cell took longer than {TIMEOUT} seconds")
            except (DeadKernelError, RuntimeError) as error:
                last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                outcome.errors.append("; ".join([f"the kernel died: {error}", *last]))
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                outcome.stops += [line for line in output.text.splitlines() if line.startswith((NEEDS, MISSES))]
    outcome.seconds = time.perf_counter() - began
    return outcome


def run_notebook(path: Path | str, root: Path | str, *, unfinished: bool = False) -> list[str]:
    """Run a notebook with `terox` from `root`; what is wrong, one line each, or an empty list."""
    return problems(run(path, root), unfinished=unfinished)


def problems(outcome: Run, *, unfinished: bool = False) -> list[str]:
    """What is wrong with a run. On a finished root no cell may stop; on an `unfinished` one at least one must."""
    found = list(outcome.errors)
    if unfinished and not any(line.startswith(NEEDS) for line in outcome.stops):
        found.append(f"no cell says {NEEDS!r}, although the code is unfinished")
    if not unfinished:
        found += outcome.stops
    return [f"{outcome.path.name}: {problem}" for problem in found]


def notebooks() -> list[Path]:
    """All notebooks of the course, in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute_all(root: Path | str, *, unfinished: bool = False) -> list[str]:
    """`run_notebook` for every notebook, with a line for each as it goes. Returns all problems."""
    every = []
    for path in notebooks():
        outcome = run(path, root)
        found = problems(outcome, unfinished=unfinished)
        print(f"{path.name}: {'ok' if not found else 'failed'}, {outcome.seconds:.0f} s", flush=True)
        every += found
    return every


def check_stored(path: Path | str) -> list[str]:
    """What is wrong with a notebook as it is stored: outputs, counts, missing ids, another kernel, no setup()."""
    import nbformat

    path = Path(path)
    notebook = nbformat.read(str(path), as_version=nbformat.NO_CONVERT)
    found = []
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        found.append("is older than nbformat 4.5, so its cells have no ids")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("does not name the kernel python3")
    for number, cell in enumerate(notebook.cells):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            found.append(f"cell {number} is stored with its output")
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        found.append("has cells without an id of their own")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if not code or "setup()" not in code[0]:
        found.append("does not call setup() in its first cell of code")
    return [f"{path.name} {problem}. `python -m course.notebooks --strip` removes outputs." if "output" in problem
            else f"{path.name} {problem}." for problem in found]


def strip(path: Path | str) -> bool:
    """Remove outputs, counts and what editors add. Returns whether the file changed."""
    import nbformat

    path = Path(path)
    notebook = nbformat.read(str(path), as_version=4)
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.clear()
    notebook.metadata.update(kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
                             language_info={"name": "python"})
    text = nbformat.writes(notebook, version=4) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course.notebooks", description="Run all notebooks.")
    parser.add_argument("--code", type=Path, default=ROOT / ("solutions" if has_reference(ROOT) else "modules"),
                        help="folder that holds the terox to use")
    parser.add_argument("--unfinished", action="store_true", help="expect cells that need a task")
    parser.add_argument("--strip", action="store_true", help="remove outputs from the stored notebooks")
    options = parser.parse_args(arguments)
    if options.strip:
        for path in notebooks():
            print(f"{path.name}: {'stripped' if strip(path) else 'has no outputs'}")
        return 0
    if not (options.code / "terox").is_dir():
        parser.error(f"{options.code} holds no terox/")
    found = [problem for path in notebooks() for problem in check_stored(path)]
    found += execute_all(options.code, unfinished=options.unfinished)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
