"""The film of a product in blocks: its steps are those of the loops, and the still picture shows the same."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import pictures
from course.pictures.blocking import CELL, GAP, STILLS

SVG = "{http://www.w3.org/2000/svg}"


def frames(picture):
    return [group for group in ElementTree.fromstring(picture.text).iter(f"{SVG}g") if group.get("class") == "frame"]


def places(frame, sizes):
    """For a, b and out: the slices of rows and columns that are filled."""
    side = sizes[2] * CELL + GAP
    found = []
    corners = ((0.0, side), (side, 0.0), (side, side))
    parts = [rect for rect in frame.iter(f"{SVG}rect") if rect.get("class") == "part"]
    for rect, (x, y) in zip(parts, corners, strict=True):
        left, top = round((float(rect.get("x")) - x) / CELL), round((float(rect.get("y")) - y) / CELL)
        wide, high = round(float(rect.get("width")) / CELL), round(float(rect.get("height")) / CELL)
        found.append((slice(top, top + high), slice(left, left + wide)))
    return found


def texts(picture):
    return ["".join(part.itertext()) for part in ElementTree.fromstring(picture.text).iter(f"{SVG}text")]


@given(st.tuples(*[st.integers(1, 7)] * 3), st.tuples(*[st.integers(2, 9)] * 3))
def test_the_steps_of_the_film_compute_the_product(sizes, blocks):
    """Done as the frames say, one after the other, the parts of `a` and `b` add up to `a @ b`."""
    n, m, k = sizes
    a, b, out = np.arange(n * k).reshape(n, k), np.arange(k * m).reshape(k, m) - 3, np.zeros((n, m), int)
    shown = frames(pictures.draw_blocking(sizes, blocks).moving)
    for frame in shown:
        of_a, of_b, of_out = places(frame, sizes)
        out[of_out] += a[of_a] @ b[of_b]
    np.testing.assert_array_equal(out, a @ b)
    assert len(shown) == -(-n // blocks[0]) * -(-m // blocks[1]) * -(-k // blocks[2])


def test_the_still_picture_has_the_first_frames_and_the_last():
    film = pictures.draw_blocking((8, 8, 8), (1, 1, 8), title="One after another")
    moving, still = frames(film.moving), frames(film.still)
    assert len(moving) == 64 and len(still) == STILLS
    chosen = [*moving[: STILLS - 1], moving[-1]]
    assert [places(frame, (8, 8, 8)) for frame in still] == [places(frame, (8, 8, 8)) for frame in chosen]
    assert "step 64 of 64" in texts(film.still)
    assert "64 steps, 1024 numbers in, 512 products: 0.5 for each number" in texts(film.still)
    assert film.alt.startswith("One after another. a is 8 x 8, b 8 x 8, out 8 x 8; ")
    assert "Step 2: row 0, columns 0 to 7 of a; rows 0 to 7, column 1 of b; row 0, column 1 of out." in film.alt
    assert film.alt.endswith("row 7, column 7 of out.")


def test_it_plays_a_few_times_and_rests_on_the_last_frame(tmp_path):
    film = pictures.draw_blocking((4, 4, 4), (2, 2, 2))
    assert [frame.get("visibility") for frame in frames(film.moving)] == ["hidden"] * 7 + ["visible"]
    assert "infinite" not in film.moving.text and "prefers-reduced-motion" in film.moving.text
    assert len(re.findall("@keyframes", film.moving.text)) == 8
    assert film._repr_html_().startswith('<img alt="Animation. A product in blocks. a is 4 x 4')
    assert film.save(tmp_path / "build" / "film.svg").read_text(encoding="utf-8") == film.moving.text


def test_a_single_step_does_not_move():
    film = pictures.draw_blocking((2, 3, 4), (8, 8, 8))
    assert "@keyframes" not in film.moving.text
    assert texts(film.still)[1] == "1 step, 20 numbers in, 24 products: 1.2 for each number"


@pytest.mark.parametrize(("sizes", "blocks", "words"), [
    ((0, 2, 2), (1, 1, 1), "not \\(0, 2, 2\\)"), ((2, 2, 17), (1, 1, 1), "sizes of 1 to 16"),
    ((2, 2, 2), (1, 0, 1), "\\(1, 0, 1\\)"), ((8, 8, 8), (1, 1, 4), "128 steps are too many")])
def test_what_cannot_be_drawn_is_refused(sizes, blocks, words):
    with pytest.raises(ValueError, match=words):
        pictures.draw_blocking(sizes, blocks)
