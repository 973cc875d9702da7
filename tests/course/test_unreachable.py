"""Lines of a file that Python never comes to."""

from __future__ import annotations

import pytest

from course.runner.unreachable import unreachable


@pytest.mark.parametrize("text, dead", [
    ("def f():\n    return 1\n    raise E\n", {3}), ("def f():\n    if x:\n        return 1\n    raise E\n", set()),
    ("def f():\n    if x:\n        return 1\n    else:\n        raise F\n    raise E\n", {6}),
    ("def f():\n    while True:\n        g()\n    raise E\n", {4}),
    ("def f():\n    while True:\n        break\n    raise E\n", set()),
    ("def f():\n    with x:\n        return 1\n    raise E\n", set()),
    ("def f():\n    try:\n        return 1\n    except E:\n        return 2\n    raise E\n", {6}),
    ("def f():\n    try:\n        return 1\n    except E:\n        pass\n    raise E\n", set()),
    ("def f():\n    for x in y:\n        continue\n        raise E\n    raise E\n", {4}),
    ("def f():\n    raise E\n\ndef f():\n    return 1\n", {1, 2}),
    ("def f():\n    return 1\n\ndef f():\n    raise E\n", {1, 2}),
    ("class C:\n    def f(self):\n        raise E\n\n    @staticmethod\n    def f():\n        return 1\n", {2, 3}),
    ("class C:\n    @property\n    def f(s):\n        raise E\n\n    @f.setter\n    def f(s, x):\n        g()\n",
     set()),
    ("def f(:\n    return 1\n    raise E\n", set()), ("", set()),
    ("if a:\n    b\n" + "elif a:\n    b\n" * 2000, set())])
def test_lines_that_python_never_comes_to(text, dead):
    assert unreachable(text) == dead
