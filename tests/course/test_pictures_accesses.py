"""The picture of accesses: every cell names the iterations that touch it, and words say the same."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import pictures
from course.trace import trace, trace_chunks

SVG = "{http://www.w3.org/2000/svg}"
prange = range


def cells(picture):
    """The number in each cell, "" for none; with "!" in a thick frame; and the number of its stripes."""
    found = []
    for group in ElementTree.fromstring(picture.text).iter(f"{SVG}g"):
        classes = group.get("class", "").split()
        if "cell" in classes:
            text = "".join("".join(part.itertext()) for part in group.iter(f"{SVG}text"))
            found.append((text + "!" * ("strong" in classes), len(list(group.iter(f"{SVG}rect"))) - 1
                          - ("strong" in classes)))
    return found


def texts(picture):
    return ["".join(part.itertext()) for part in ElementTree.fromstring(picture.text).iter(f"{SVG}text")]


def blocks(out, a, size, more):
    for block in prange((len(out) + size - 1) // size):
        for i in range(block * size, min((block + 1) * size + more, len(out))):
            out[i] = a[i] + a[0]


@given(st.integers(1, 40), st.integers(1, 9))
def test_each_cell_has_the_number_of_the_iteration_that_writes_it(count, size):
    made = trace(blocks, np.zeros(count), np.ones(count), size, 0, out="out")
    picture = pictures.draw_accesses(made, "out")
    assert cells(picture) == [(str(i // size), 1) for i in range(count)]
    assert "thick frame: a race" not in texts(picture) and "dashed: not touched" not in texts(picture)
    numbers = [text for text in texts(picture) if text.startswith("iteration ")]
    assert numbers == [f"iteration {n}" for n in range(-(-count // size))][:24]


def test_a_race_is_framed_and_reads_by_many_are_not():
    made = trace(blocks, np.zeros(6), np.ones(6), 2, 1, out="out")
    picture = pictures.draw_accesses(made, title="One too many")
    reads, writes = cells(picture)[:6], cells(picture)[6:]
    assert reads == [("0-2", 3), ("0", 1), ("0,1", 2), ("1", 1), ("1,2", 2), ("2", 1)]
    assert writes == [("0", 1), ("0", 1), ("0,1!", 2), ("1", 1), ("1,2!", 2), ("2", 1)]
    assert "thick frame: a race" in texts(picture)
    assert picture.alt.startswith("One too many. a, 6 cells, read: 0 by iteration 0 and iteration 1 and iteration 2; ")
    assert "out, 6 cells, written: 0 to 1 by iteration 0; 2 by iteration 0 and iteration 1;" in picture.alt
    assert picture.alt.endswith("A race: 2, 4.")


def test_two_loops_that_touch_one_element_are_no_race():
    def kernel(out):
        for i in prange(2):
            out[i] = 0.0
        for i in prange(2):
            out[1 - i] += 1.0

    picture = pictures.draw_accesses(trace(kernel, np.zeros(2), out="out"))
    assert [text for text, _ in cells(picture)] == ["0,1", "0,1"]
    assert "thick frame: a race" not in texts(picture)


def test_matrices_and_cells_that_nobody_touches():
    def loop(begin, end, out, a, sizes, strides):
        for row in range(begin, end):
            for column in range(sizes[1]):
                out[row * strides[0, 0] + column * strides[0, 1]] = a[row]

    made = trace_chunks(loop, 3, 2, np.zeros(12), np.ones(3), sizes=(3, 2), strides=[[4, 2], [1, 0]])
    picture = pictures.draw_accesses(made, "out", sizes=(3, 4))
    assert [text for text, _ in cells(picture)] == ["0", "", "0", ""] * 2 + ["1", "", "1", ""]
    assert {"0: chunk [0, 2)", "1: chunk [2, 3)", "dashed: not touched"} <= set(texts(picture))
    assert ("out, 12 cells, 3 rows and 4 columns, written: 0 to 6 in steps of 2 by chunk [0, 2); "
            "8, 10 by chunk [2, 3).") in picture.alt
    assert "Not touched: 1 to 11 in steps of 2." in picture.alt
    only = pictures.draw_accesses(made, {"out": "write"}, sizes={"out": (3, 2)}, strides={"out": (4, 2)})
    assert [text for text, _ in cells(only)] == ["0"] * 4 + ["1"] * 2
    assert pictures.draw_accesses(made, ["a"]).alt.endswith("a, 3 cells, read: 0 to 1 by chunk [0, 2); 2 by chunk "
                                                            "[2, 3).")


def test_some_iterations_alone():
    made = trace(blocks, np.zeros(6), np.ones(6), 2, 0, out="out")
    picture = pictures.draw_accesses(made, "out", iterations=[1])
    assert [text for text, _ in cells(picture)] == ["", "", "1", "1", "", ""]
    assert "iteration 0" not in texts(picture)


def test_what_cannot_be_drawn_is_said():
    made = trace(blocks, np.zeros(600), np.ones(600), 600, 0)
    with pytest.raises(ValueError, match="a has 600 cells, too many"):
        pictures.draw_accesses(made)
    with pytest.raises(KeyError, match="no array is called 'b'; there are out, a"):
        pictures.draw_accesses(made, "b")
    with pytest.raises(ValueError, match="'read' or 'write'"):
        pictures.draw_accesses(made, {"a": "both"})
    with pytest.raises(ValueError, match="fewer than sizes"):
        pictures.draw_accesses(made, "a", sizes=(2, 2), strides=(600, 1))
    with pytest.raises(ValueError, match="at most 2"):
        pictures.draw_accesses(made, "a", sizes=(1, 2, 2))


def test_nothing_at_all_can_be_drawn():
    picture = pictures.draw_accesses(trace(blocks, np.zeros(0), np.ones(0), 1, 0))
    assert cells(picture) == [] and picture.alt.endswith("out, 0 cells, read: none. a, 0 cells, read: none.")
