"""The pictures of threads, warps and tiles: every cell says who touches it, and words say the same."""

from __future__ import annotations

import operator
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from gpu_kernels import NUMBER, changed, few_examples, multiplied
from hypothesis import given
from hypothesis import strategies as st

from course import pictures
from course.pictures.svg import ADVANCE
from course.pictures.tiling import CELL, GAP
from course.trace.gpu import trace_kernel
from terox._numba import cuda
from terox.cuda import puzzles

SVG = "{http://www.w3.org/2000/svg}"


def zeros(*sizes):
    return np.zeros(sizes, NUMBER)


def groups(picture, kind):
    return [group for group in ElementTree.fromstring(picture.text).iter(f"{SVG}g")
            if kind in group.get("class", "").split()]


def cells(picture):
    """What is written in each cell, with "!" in a thick frame."""
    return ["".join("".join(part.itertext()) for part in group.iter(f"{SVG}text"))
            + "!" * ("strong" in group.get("class")) for group in groups(picture, "cell")]


def texts(picture):
    return ["".join(part.itertext()) for part in ElementTree.fromstring(picture.text).iter(f"{SVG}text")]


def fits(picture):
    """Nothing that stands at the left or in the middle of the page reaches beyond its right edge."""
    root = ElementTree.fromstring(picture.text)
    width = float(root.get("width"))
    for part in root.iter(f"{SVG}text"):
        if part.get("text-anchor") == "start":
            long = 0.95 * ADVANCE * float(part.get("font-size")) * len(part.text)
            assert float(part.get("x")) + long < width, part.text


# ---- Threads ----


@few_examples
@given(st.integers(1, 20), st.integers(0, 5))
def test_each_cell_has_the_number_of_its_thread(count, more):
    made = trace_kernel(puzzles.guarded, 1, count + more, zeros(count), zeros(count))
    picture = pictures.draw_threads(made)
    assert cells(picture) == [str(i) for i in range(count)] * 2
    assert "in each cell: its thread" in texts(picture) and not groups(picture, "strong")
    fits(picture)


def test_threads_in_two_dimensions_and_blocks_have_names_of_their_own():
    picture = pictures.draw_threads(trace_kernel(puzzles.transposed, 1, (3, 4), zeros(3, 2), zeros(2, 3)), "out")
    assert cells(picture) == ["0,0", "0,1", "1,0", "1,1", "2,0", "2,1"]
    made = trace_kernel(puzzles.blocks, 2, 4, zeros(6), zeros(6))
    assert cells(pictures.draw_threads(made, "out")) == ["0:0", "0:1", "0:2", "0:3", "1:0", "1:1"]
    one = pictures.draw_threads(made, "out", block=1)
    assert cells(one) == ["", "", "", "", "0", "1"] and "dashed: not touched" in texts(one)[-1]
    outer = pictures.draw_threads(trace_kernel(puzzles.outer, 1, (3, 2), zeros(2, 3), zeros(2, 1), zeros(1, 3)),
                                  ["a", "b"])
    assert cells(outer) == ["(3)"] * 2 + ["(2)"] * 3 and "(n): by n threads" in texts(outer)[-1]


def test_what_lies_between_two_barriers_has_a_line_of_its_own():
    picture = pictures.draw_threads(trace_kernel(puzzles.reversed_blocks, 1, 8, zeros(8), zeros(8)))
    forward = [str(i) for i in range(8)]
    assert cells(picture) == forward + forward + forward[::-1] + forward
    assert [text for text in texts(picture) if "barrier" in text] == ["before the barrier", "after the barrier"]
    assert picture.alt.count("barrier") == 2 and "kept, 8 cells, read by: 0 by thread 7; 1 by thread 6;" in picture.alt
    several = pictures.draw_threads(trace_kernel(puzzles.reversed_blocks, 2, 8, zeros(16), zeros(16)))
    assert {"kept of block 0", "kept of block 1"} <= set(texts(several))
    fits(several)


def test_a_race_has_a_thick_frame():
    kernel = changed(puzzles.pooled, "cuda.syncthreads()")
    picture = pictures.draw_threads(trace_kernel(kernel, 1, 8, zeros(4), zeros(4)), ["kept", "out"])
    nobody = [""] * 4
    assert cells(picture) == ["0-2!", "1-3!", "2-3!", "3", *nobody, "0", "1", "2", "3", "0!", "1!", "2!", "3", *nobody]
    assert "A race: 0 to 2." in picture.alt and "thick frame: a race" in texts(picture)[-1]


def test_what_cannot_be_drawn_as_threads_is_said():
    made = trace_kernel(puzzles.guarded, 1, 300, zeros(300), zeros(300))
    with pytest.raises(ValueError, match="a has 300 cells, too many"):
        pictures.draw_threads(made)
    with pytest.raises(KeyError, match="no array is called 'b'; there are out, a"):
        pictures.draw_threads(made, "b")
    product = multiplied(n=2, m=2, k=12, tile=2)[0]
    with pytest.raises(ValueError, match="has 12 barriers, too many"):
        pictures.draw_threads(product)
    small = pictures.draw_threads(multiplied(n=2, m=3, k=2, tile=3)[0], "out", sizes={"out": (2, 3)})
    assert cells(small) == ["0,0", "1,0", "2,0", "0,1", "1,1", "2,1"]


# ---- Warps ----


@pytest.mark.parametrize("step", [0, 1, 2, 3, 32])
def test_every_piece_of_memory_that_a_warp_needs_is_a_line(step):
    def kernel(out, a, step):
        out[cuda.grid(1)] = a[cuda.grid(1) * step]

    access = trace_kernel(kernel, 1, 64, zeros(64), np.zeros(64 * 32, NUMBER), step).warps("a")[1]
    picture = pictures.draw_warps({"here": access}, title="Reads")
    elements = [step * i for i in range(32, 64)]
    pieces = sorted({element // 32 for element in elements})
    shown = groups(picture, "piece")
    assert len(shown) == min(len(pieces), 6)
    for group, piece in zip(shown, pieces):
        used = [rect.get("class") == "used" for rect in group.iter(f"{SVG}rect")]
        assert used == [32 * piece + place in elements for place in range(32)]
        numbers = [int(text.text) for text in group.iter(f"{SVG}text") if text.text.isdigit()]
        assert numbers == ([] if step == 0 else [i for i in range(32) if elements[i] // 32 == piece])
    assert f"{len(pieces)} piece" in picture.alt and f"{32 * len(pieces)} elements moved" in picture.alt
    fits(picture)
    with pytest.raises(ValueError, match="no access"):
        pictures.draw_warps([])


# ---- Folding ----


@few_examples
@given(st.integers(0, 4).flatmap(lambda n: st.lists(st.integers(-9, 9), min_size=2 ** n, max_size=2 ** n)),
       st.sampled_from([operator.add, max]))
def test_the_last_row_of_a_fold_begins_with_the_result(values, combine):
    picture = pictures.draw_folding(values, combine)
    rows = [[text.text for text in group.iter(f"{SVG}text")] for group in groups(picture, "row")]
    live = [sum(rect.get("class") == "live" for rect in group.iter(f"{SVG}rect")) for group in groups(picture, "row")]
    assert live == [len(values) >> step for step in range(len(values).bit_length())]
    assert rows[0] == list(map(str, values))
    assert rows[-1][0] == str(sum(values) if combine is operator.add else max(values))
    assert picture.text.count('class="edge"') == 2 * (len(values) - 1)
    assert picture.text.count('class="barrier"') == len(rows)
    fits(picture)


@pytest.mark.parametrize("count", [0, 3, 32])
def test_a_fold_of_another_number_of_values_is_refused(count):
    with pytest.raises(ValueError, match="1, 2, 4, 8 or 16 values"):
        pictures.draw_folding([1] * count)


# ---- Tiles ----


@few_examples
@given(st.tuples(*[st.integers(1, 7)] * 3), st.integers(1, 4))
def test_the_tiles_that_the_frames_load_make_up_the_product(sizes, tile):
    """All blocks together, done as their frames say, compute `a @ b`."""
    n, m, k = sizes
    a, b, out = np.arange(n * k).reshape(n, k), np.arange(k * m).reshape(k, m) - 3, np.zeros((n, m), int)
    side = k * CELL + GAP
    corners = ((0.0, side), (side, 0.0), (side, side))
    for row in range(-(-n // tile)):
        for column in range(-(-m // tile)):
            film = pictures.draw_tiling(sizes, tile, block=(row, column), thread=(0, 0))
            frames = groups(film.moving, "frame")
            assert len(frames) == 2 * -(-k // tile)
            for frame in frames[::2]:
                found = []
                parts = [rect for rect in frame.iter(f"{SVG}rect") if rect.get("class") in ("part", "result")]
                for rect, (x, y) in zip(parts, corners, strict=True):
                    left, top = round((float(rect.get("x")) - x) / CELL), round((float(rect.get("y")) - y) / CELL)
                    wide, high = (round(float(rect.get(each)) / CELL) for each in ("width", "height"))
                    found.append((slice(top, top + high), slice(left, left + wide)))
                out[found[2]] += a[found[0]] @ b[found[1]]
    np.testing.assert_array_equal(out, a @ b)


def test_the_film_of_tiles_rests_and_its_still_picture_says_the_same():
    film = pictures.draw_tiling((7, 6, 8), 3, block=(1, 1), thread=(1, 2))
    assert [frame.get("visibility") for frame in groups(film.moving, "frame")] == ["hidden"] * 5 + ["visible"]
    assert len(groups(film.still, "frame")) == 6 and "infinite" not in film.moving.text
    assert len(re.findall("@keyframes", film.moving.text)) == 6 and "prefers-reduced-motion" in film.moving.text
    assert "at most 6 numbers from global memory, without tiles 16" in film.alt
    assert "Piece 3: rows 3 to 5, columns 6 to 7 of a and rows 6 to 7, columns 3 to 5 of b are loaded." in film.alt
    missing = [len([group for group in frame.iter(f"{SVG}g") if group.get("class") == "missing"])
               for frame in groups(film.still, "frame")]
    assert missing == [0, 0, 0, 0, 6, 6]
    fits(film.still)
    fits(film.moving)
    assert len(groups(pictures.draw_tiling((9, 9, 9), 1).still, "frame")) == 6


@pytest.mark.parametrize(("sizes", "tile", "block", "words"), [
    ((0, 2, 2), 2, (0, 0), "sizes of 1 to 12"), ((2, 2, 13), 2, (0, 0), "sizes of 1 to 12"),
    ((2, 2, 2), 6, (0, 0), "tiles of 1 to 5"), ((4, 4, 4), 2, (2, 0), r"no block \(2, 0\) of 2 x 2 blocks")])
def test_tiles_that_cannot_be_drawn_are_refused(sizes, tile, block, words):
    with pytest.raises(ValueError, match=words):
        pictures.draw_tiling(sizes, tile, block=block)
