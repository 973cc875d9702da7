"""What the tests of compiled loops share: a folder of their own for kernels, and modules made of a text."""

from __future__ import annotations

import importlib.util
import sys

import pytest


@pytest.fixture(scope="module", autouse=True)
def kernels_folder(tmp_path_factory):
    """Import it, and all kernels of a file are kept in a folder that is empty before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEROX_KERNELS", str(tmp_path_factory.mktemp("kernels")))
        yield


def load(path, text):
    """The module that this text is, written to this file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
