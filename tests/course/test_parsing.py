"""Threads can parse at the same time. (Python's own parser, called by several, fails now and then up to 3.12.)"""

from __future__ import annotations

import gc
import sys
import threading
import time

import pytest

from course.parsing import parse

TEXT = "class A:\n  def f(self):\n    if x:\n      y = [[[[[[a + (b * (c - (d,))) for a in b]]]]]]\n" * 60


class Collected:
    """Goes away while some thread's tree is made, and lets another thread run there."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0)


def test_threads_do_not_harm_each_other():
    errors: list[Exception] = []

    def work() -> None:
        for _ in range(15):
            for _ in range(5):
                Collected()
            try:
                parse(TEXT)
            except Exception as error:  # noqa: BLE001
                errors.append(error)

    before = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(20)
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
    assert errors == []


def test_what_python_raises_comes_through():
    with pytest.raises(SyntaxError) as caught:
        parse("def f(:\n", "my_file.py")
    assert caught.value.filename == "my_file.py"
    assert parse("x = 1\n").body
