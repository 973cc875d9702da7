"""`make similarity DIR=submissions OUT=report`: which submissions of a class are alike, for somebody to look at.

Compared is what learners wrote, module by module: the bodies of their tasks' functions and their own helpers. The
library copydetect does it (winnowing, as MOSS does: Schleimer, Wilkerson and Aiken 2003), on tokens in which every name
is the same. What the skeleton has anywhere, which is all that is provided, does not count.

The reference takes part as one more submission. What the report cannot know stands in `docs/integrity.md`.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from course import edition
from course.grading import similarity_pages
from course.grading.similarity_pages import Pair
from course.manifest import ROOT, Manifest, Module, load
from course.markers import MarkerError, function_lines
from course.parallel import cores, in_parallel
from course.parsing import parse
from course.term import count

Texts = dict[str, str]  # file, relative to the source root -> its text
TOKENS = 25  # the shortest run of characters, names being one each, that counts as alike
SHORTEST = 200  # a submission with less of its own in a module, counted in the same way, is not compared
SHOWN = 0.5  # pairs below it are left out
REFERENCE = "(the reference)"


def run(folder: Path, out: Path, root: Path = ROOT, *, shown: float = SHOWN, only: int | None = None) -> int:
    """Compare all submissions in `folder`, and write `out`/index.html, similarity.csv and a page for each module.

    Returns an exit status: 0 done, whatever was found; 2 for a wrong call.
    """
    folder, out = Path(os.path.abspath(folder)), Path(os.path.abspath(out))
    missing = edition.needs_reference("make similarity", root)
    if missing or not folder.is_dir():
        print(missing or f"There is no folder {folder}.", file=sys.stderr)
        return 2
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "similarity.csv").is_file())):
        print(f"{out} is {'something else than a report' if out.is_dir() else 'no folder'}.", file=sys.stderr)
        return 2
    submissions, notes = read_class(folder, load(root))
    if len(submissions) < 2:
        print(f"{folder} holds {count(len(submissions), 'submission')}; two are needed.", file=sys.stderr)
        return 2
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("module_*.html"):  # of an earlier report
        old.unlink()
    try:
        pairs, more, pages = compare(submissions, root, shown=shown, only=only)
    except BrokenProcessPool:
        print("One of the processes that compare was ended from outside. Is memory short? Try one module at a time: "
              "MODULE=0.", file=sys.stderr)
        return 2
    for name, page in pages.items():
        (out / name).write_text(page, encoding="utf-8")
    similarity_pages.write_csv(out / "similarity.csv", pairs)
    index = similarity_pages.index(pairs, notes + more, len(submissions), shown)
    (out / "index.html").write_text(index, encoding="utf-8")
    for note in notes + more:
        print(f"Note: {note}")
    for pair in pairs[:15]:
        print(f"{pair.alike:5.0%}  module {pair.module}  {pair.one} and {pair.other}, {pair.size} characters")
    left = f" (15 of {len(pairs)} are shown)" if len(pairs) > 15 else ""
    print(f"{count(len(pairs), 'pair')} of {len(submissions)} submissions with at least {shown:.0%} alike{left}. "
          f"Alike is not copied: look at {out / 'index.html'}, and ask.")
    return 0


def read_class(folder: Path, manifest: Manifest) -> tuple[dict[str, Texts], list[str]]:
    """The learners' files of each submission in a folder, and notes on what could not be read."""
    from course.grading.collect import collect, submissions_in

    submissions: dict[str, Texts] = {}
    notes: list[str] = []
    jobs = [partial(collect, path, manifest, name) for name, path in submissions_in(folder).items()]
    with closing(in_parallel(jobs)) as results:
        collected = [submission for _, submission in sorted(results, key=itemgetter(0))]
    for submission in collected:
        submission.name += "~" * (submission.name == REFERENCE)
        if submission.files:
            submissions[submission.name] = submission.files
        notes += [f"{submission.name}: {note}" for note in submission.notes]
    return submissions, notes


def compare(submissions: dict[str, Texts], root: Path = ROOT, *, shown: float = SHOWN, only: int | None = None,
            ) -> tuple[list[Pair], list[str], dict[str, str]]:
    """For one module or all: pairs, the most alike first; notes; and a page for each module that has pairs, by name
    ("module_2.html").
    """
    manifest = load(root)
    reference = {file: (root / "solutions" / file).read_text(encoding="utf-8") for file in manifest.files}
    texts = {**submissions, REFERENCE: reference}
    modules = manifest.modules if only is None else (manifest.module(only),)
    compare_one = partial(_compare_module, texts=texts, root=root, shown=shown)
    pairs: list[Pair] = []
    notes: list[str] = []
    pages: dict[str, str] = {}
    with _processes(min(cores(), len(modules))) as run_all:
        for module, (found, said, page) in zip(modules, run_all(compare_one, modules)):
            print(f"Module {module.number}: {count(len(found), 'pair')}", file=sys.stderr, flush=True)
            pairs += found
            notes += said
            if page:
                pages[f"module_{module.number}.html"] = page
    return sorted(pairs, key=_order), notes, pages


@contextmanager
def _processes(number: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` that spreads over this many processes."""
    if number == 1:
        yield map
        return
    # Not forked: what the libraries' threads hold at that moment would stay locked. A Ctrl-C is for this process alone.
    with ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), signal.signal,
                             (signal.SIGINT, signal.SIG_IGN)) as executor:
        try:
            yield executor.map
        except BaseException:
            for process in multiprocessing.active_children():
                process.kill()
            raise


def _compare_module(module: Module, texts: dict[str, Texts], root: Path, shown: float,
                    ) -> tuple[list[Pair], list[str], str]:
    """The pairs of one module, notes, and the module's page ("" where there is no pair)."""
    manifest = load(root)
    own: Texts = {}
    notes: list[str] = []
    for name, files in texts.items():
        own[name], unparsed = own_code(files, module, manifest, root)
        notes += [f"{name}: {file} does not parse, and is not compared." for file in unparsed]
    found, page = _with_copydetect(module, own, root, shown)
    return found, notes, page


# ---- What a learner wrote ----


def own_code(files: Texts, module: Module, manifest: Manifest, root: Path = ROOT) -> tuple[str, list[str]]:
    """The bodies of a module's tasks, and what else the learner wrote beside the skeleton; and files without a parse.

    Without signatures, docstrings and comments, which everybody has alike. In the manifest's order, since the order of
    functions in a file says nothing.
    """
    parts: list[str] = []
    unparsed: list[str] = []
    for file in module.files:
        if file not in files:
            continue
        try:
            spans = function_lines(files[file], file)
            bodies = _bodies(parse(files[file]))
        except (MarkerError, ValueError, RecursionError, MemoryError):
            unparsed.append(file)
            continue
        given = set(function_lines((root / "modules" / file).read_text(encoding="utf-8"), file))
        mine = [name for task in module.tasks for name in task.functions
                if task.file_of(name) == file and not name.startswith("answers")]
        mine += sorted(name for name in spans if name not in given)
        # The comments are for whoever reads the pages; they are not compared.
        parts += [f"# {name}\n{body}" for name in mine if (body := bodies.get(name.split("::")[-1], ""))]
    return "\n".join(parts) + "\n", unparsed


def _bodies(tree: ast.Module) -> dict[str, str]:
    """Qualified name to the body of every function, laid out by Python; "" for a stub."""
    found: dict[str, str] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = child.body[1:] if ast.get_docstring(child) is not None else child.body
                stub = len(body) == 1 and "NotImplementedError" in ast.unparse(body[0])
                found[prefix + child.name] = "" if stub else "\n".join(ast.unparse(line) for line in body)
            elif isinstance(child, ast.ClassDef):
                visit(child, f"{prefix}{child.name}.")
            elif isinstance(child, (ast.If, ast.Try)):
                visit(child, prefix)

    visit(tree, "")
    return found


# ---- The library ----


def _with_copydetect(module: Module, own: Texts, root: Path, shown: float) -> tuple[list[Pair], str]:
    """The pairs of one module, and a page with both texts side by side ("" where there is no pair)."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # it draws, and there may be no screen
    from copydetect import CodeFingerprint, CopyDetector

    names: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="terox-alike-", ignore_cleanup_errors=True) as folder:
        mine, boilerplate = Path(folder) / "class", Path(folder) / "skeleton"
        mine.mkdir()
        boilerplate.mkdir()
        for number, file in enumerate(sorted((root / "modules" / module.package).rglob("*.py"))):
            # As learners' code is laid out here, so that blanks and quotes are the same.
            text = ast.unparse(parse(file.read_text(encoding="utf-8")))
            (boilerplate / f"{number}.py").write_text(text, encoding="utf-8")
        for number, (name, text) in enumerate(own.items()):
            path = mine / f"{number:04} {re.sub(r'[^A-Za-z0-9()._ -]', '_', name)[:60]}.py"
            path.write_text(text, encoding="utf-8")
            if len(CodeFingerprint(str(path), TOKENS, 1).filtered_code) >= SHORTEST:
                names[str(path)] = name
            else:
                path.unlink()
        if len(names) < 2:
            return [], ""
        # All fingerprints (a window of one): hashes differ from process to process, and what a wider window picks too.
        detector = CopyDetector(test_dirs=[str(mine)], ref_dirs=[str(mine)], boilerplate_dirs=[str(boilerplate)],
                                extensions=["py"], noise_t=TOKENS, guarantee_t=TOKENS, display_t=shown, silent=True,
                                autoopen=False)
        detector.test_files.sort()
        detector.ref_files.sort()
        detector.run()
        found = _pairs(module, names, detector, shown)
        shown_pairs = sorted(found, key=_order)[:similarity_pages.BESIDE]
        _keep(shown_pairs, names, detector)
        detector.conf.display_t = 0.0  # of those that are left, all
        texts_of = {}
        for _, _, one, other, text_of_one, text_of_other, _ in detector.get_copied_code_list() if found else ():
            texts_of[names[one], names[other]] = (text_of_one, text_of_other)
            texts_of[names[other], names[one]] = (text_of_other, text_of_one)
        beside = [(pair, *texts_of[pair.one, pair.other]) for pair in shown_pairs]
        return found, similarity_pages.page(module, beside) if found else ""


def _pairs(module: Module, names: dict[str, str], detector: Any, shown: float) -> list[Pair]:
    """Each pair once. copydetect's own list goes by the share of the first one only, so both are looked at here."""
    found: dict[frozenset[str], Pair] = {}
    similarity, overlap = detector.similarity_matrix, detector.token_overlap_matrix
    for x, one in enumerate(detector.test_files):
        for y, other in enumerate(detector.ref_files):
            # Above 1 where the library counts a run twice that the text has twice.
            share, back = (min(1.0, float(each)) for each in similarity[x, y])
            if one != other and max(share, back) >= shown:
                found.setdefault(frozenset((one, other)), Pair(max(share, back), module.number, names[one],
                                                               names[other], share, back, int(overlap[x, y])))
    return list(found.values())


def _keep(pairs: list[Pair], names: dict[str, str], detector: Any) -> None:
    """Let copydetect mark the texts of these only: a class has thousands of pairs."""
    kept = {frozenset((pair.one, pair.other)) for pair in pairs}
    for x, one in enumerate(detector.test_files):
        for y, other in enumerate(detector.ref_files):
            if frozenset((names[one], names[other])) not in kept:
                detector.similarity_matrix[x, y] = 0.0


def _order(pair: Pair) -> tuple[float, int, int, str]:
    return -pair.alike, -pair.size, pair.module, pair.one
