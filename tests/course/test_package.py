"""The package as a whole: lazy, cheap to import, no import against the order of the modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from course.manifest import ROOT, load

SOLUTIONS = ROOT / "solutions"
# Provided packages and how far up in the order they stand: they may import what comes below.
PROVIDED = {"optim": 1}


def imported_by(path: Path) -> set[str]:
    """The subpackages of terox that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("terox.")}
    return found


@pytest.mark.parametrize("module", load().modules, ids=lambda module: module.name)
def test_a_module_imports_only_modules_with_a_smaller_number(module):
    order = {each.name: each.number for each in load().modules} | PROVIDED
    for path in (SOLUTIONS / module.package).glob("*.py"):
        above = [name for name in imported_by(path) if order.get(name, -1) > module.number]
        assert not above, f"{path.name} imports {above}"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_terox_imports_nothing_else():
    heavy = ("numpy", "numba", "terox.autograd", "terox.foundations", "matplotlib", "rich")
    assert run(f"import terox, sys; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_the_face_gives_pytorchs_names():
    out = run("import terox; print(terox.Scalar.__name__, terox.no_grad.__name__, terox.nn.Module.__name__, "
              "terox.optim.SGD.__name__, terox.autograd.Function.__name__, 'Scalar' in dir(terox))")
    assert out == "Scalar no_grad Module SGD Function True"


def test_an_unknown_name_is_an_attribute_error():
    out = run("import terox\ntry: terox.tensr\nexcept AttributeError as error: print(error)")
    assert out == "module 'terox' has no attribute 'tensr'"


def test_a_broken_later_module_does_not_break_an_earlier_one(tmp_path):
    import os
    import shutil

    shutil.copytree(SOLUTIONS / "terox", tmp_path / "terox", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "terox/autograd/scalar.py").write_text("this is no Python", encoding="utf-8")
    code = "import terox; from terox.foundations import operators; print(operators.relu(-1.0))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert result.stdout.strip() == "0.0", result.stderr


def test_no_file_names_a_machine_or_a_registry():
    """What is committed speaks of the project alone."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = tracked.stdout.splitlines() if tracked.returncode == 0 else []
    forbidden = ["/" + "root/", "/" + "home/", "pypi" + ".org", "pythonhosted" + ".org", "registry." + "npmjs"]
    for name in names:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".ipynb", ".json", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [each for each in forbidden if each in text], name
