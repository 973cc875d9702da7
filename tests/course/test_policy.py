"""What a task's file may not use: named where it is used, and nothing honest is named."""

from __future__ import annotations

import pytest

from course.manifest import ROOT, load
from course.policy import hits, without_main

MANIFEST = load()


def _honest():
    for task in MANIFEST.tasks.values():
        for file in task.files:
            for path in [ROOT / "solutions" / file, ROOT / "modules" / file,
                         *sorted((ROOT / "tests/wheats").glob(f"module_*/*/{file}"))]:
                if path.is_file():
                    yield task.id, path


def test_no_honest_solution_is_rejected():
    """Neither the reference nor the skeleton nor any wheat."""
    for task, path in _honest():
        assert hits(task, path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize("task, text", [
    # libraries, and what of NumPy is the task
    ("0.2", "import torch"), ("0.2", "from torch.nn import functional"), ("0.2", "import scipy.special as s"),
    ("2.1", "from numpy.lib.stride_tricks import as_strided"),
    ("2.1", "import numpy as np\nnp.empty((2, 3)).strides"),
    ("2.2", "import numpy as np\nnp.broadcast_shapes((1,), (2,))"), ("2.2", "from numpy import broadcast_to"),
    ("2.2", "import numpy\ngetattr(numpy, 'broadcast_shapes')"),
    ("2.2", "import numpy as np\nx = np\nx.broadcast_to"),
    ("2.2", "from numpy import *"), ("0.1", "import numpy as np\nnp._core.umath.exp"),
    ("3.4", "a @ b"), ("3.4", "import numpy as n\nn.dot"), ("3.4", "a.dot(b)"), ("3.4", "a.__matmul__(b)"),
    ("3.3", "import numpy as np\nnp.add.reduce(a)"), ("5.3", "from numpy.lib.stride_tricks import as_strided"),
    # what the course has
    ("5.1", "from terox.nn import functional as F\nF.conv1d(x, w)"),
    ("5.1", "from terox.nn.functional import conv1d"),
    ("5.3", "from terox.tensors.dispatcher import call\ncall('convolution', x)"), ("5.5", "x.log_softmax(1)"),
    ("5.5", "call('cross_entropy_loss', x, y)"), ("5.5", "op = 'cross_entropy_loss_back'"),
    ("5.5", "from terox.nn import functional as F\nF.log_softmax(x, 1)"), ("5.5", "network_ops.cross_entropy(x, y)"),
    ("2.2", "from terox.tensors import storage\nstorage.np.broadcast_shapes"), ("0.2", "print.__self__.exec('1')"),
    ("0.1", "from terox.parallel import cache_files"),
    ("4.4", "a._memory.values"), ("3.5", "getattr(a, '_recorder')"),
    ("4.4", "def f(self):\n    return self._memory"), ("4.4", "from operator import attrgetter\nattrgetter('_memory')"),
    ("4.4", "match a:\n    case object(_memory=m): m"), ("2.3", "import numpy as np\nnp.frompyfunc(fn, 1, 1)"),
    # what looks at, or changes, what is around
    ("0.2", "eval('1')"), ("0.2", "__import__('torch')"), ("0.2", "eval = eval\neval('1')"),
    ("0.2", "f = lambda eval: 0\neval('1')"), ("0.2", "import sys\nsys._getframe(1).f_locals"),
    ("0.2", "import sys\nsys.modules"),
    ("0.2", "from os import sys\nsys.modules"),
    ("0.2", "import os\nos.sys.modules"),
    ("0.2", "import typing\ntyping.sys.modules"), ("0.2", "import posix\nposix._exit(0)"),
    ("0.2", "import gc; gc.collect()"), ("0.2", "import os\nos._exit(0)"), ("0.2", "from os import _exit"),
    ("0.2", "import ctypes; ctypes.CDLL"), ("0.2", "().__class__.__base__.__subclasses__()"),
    ("0.2", "import course.check; course"), ("0.2", "import hypothesis; hypothesis.given"),
    ("0.2", "if __name__ == '__main__' or True:\n    import gc; gc.collect()")])
def test_what_is_not_allowed_is_named(task, text):
    found = hits(task, text)
    assert found and found[-1].line == text.count("\n") + 1


@pytest.mark.parametrize("task, text", [
    ("0.3", "import pytest, hypothesis\npytest, hypothesis"), ("0.3", "import unittest\nunittest.TestCase()"),
    ("2.1", "import numpy as np\nnp.broadcast_shapes((1,))"),
    ("2.3", "a @ b"),
    ("2.1", "import numpy as np\nnp.prod(x)"),
    ("0.4", "vars(self)"), ("1.5", "import sys\nsys.getrefcount(x)"), ("0.2", "import os, time, math, itertools"),
    ("0.2", "from . import torch"), ("0.2", "def f(:"), ("1.6", "import pdb"), ("0.2", "import traceback, pytest"),
    ("0.2", "def compile(fn):\n    return fn\n\ncompile(1)"),
    ("1.6", "def f(model):\n    eval = model.eval\n    eval()"),
    ("1.6", "def f(eval):\n    return eval()"),
    ("1.4", "if __name__ == '__main__':\n    import pytest\n    pytest.main()"),
    ("4.4", "class C:\n    def f(self):\n        return self._x"),
    ("5.5", "log_softmax(x, 1)"),
    ("5.5", "x.softmax(1)"),
    ("5.2", "x.log_softmax(1)"), ("3.2", "raise TypeError(kind.__name__)"), ("3.4", "raise ValueError('dot')"),
    ("4.4", "class C:\n    def __init__(self, x):\n        super().__init__()\n        self._x = x\n\n"
            "    def __eq__(self, other):\n        return self._x == other._x"),
    ("0.3", "from hypothesis import given\ngiven")])
def test_what_is_allowed_is_not(task, text):
    assert hits(task, text) == []


@pytest.mark.parametrize("head", ["if " + "+".join(["0"] * 600) + ": pass", "x = " + "-" * 2000 + "1",
                                  "globals()['__name__'] = '__main__'"])
def test_nothing_hides_the_rest(head):
    """No line of a file turns the reading of the others off."""
    assert hits("0.2", head + "\nimport gc; gc.collect()")


def test_what_is_for_trying_is_taken_away():
    """Also from what is run, so that it cannot be run by another `__name__`. The other lines keep their numbers."""
    text = "x = 1\nif __name__ == '__main__':\n    import gc\n    gc.collect()\ny = 2"
    assert without_main(text) == "x = 1\n\n\n\ny = 2"
    for kept in ("if __name__ == '__main__' or x:\n    pass", "if __name__ == '__main__':\n    pass\nelse:\n    pass",
                 "def f():\n    if __name__ == '__main__':\n        pass", "if x == '__main__':\n    pass"):
        assert without_main(kept) == kept


@pytest.mark.parametrize("text", ["\n".join([".".join(["a"] * 1000)] * 200),
                                  "\n".join(["def a(): 0"] * 4000 + ["eval"] * 4000)])
def test_reading_takes_time_in_proportion_to_the_text(text):
    """(It took minutes. No clock here: the runner's limit would end it.)"""
    hits("0.2", text)
