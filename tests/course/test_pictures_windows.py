"""Pictures of windows: sums, columns, letters and colors are right; what is too large is refused."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course import pictures
from course.pictures import windows
from course.pictures.cells import LINES

SVG = "{http://www.w3.org/2000/svg}"


def parts(picture, tag, kind=None):
    return [part for part in ElementTree.fromstring(picture.text).iter(f"{SVG}{tag}")
            if kind is None or part.get("class") == kind]


def frames(picture):
    return parts(picture, "g", "frame")


def texts(root):
    return ["".join(part.itertext()) for part in root.iter(f"{SVG}text")]


def digits(*shape):
    return st.lists(st.integers(-4, 9), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
        lambda values: np.array(values).reshape(shape))


@st.composite
def slides(draw):
    plane = draw(digits(draw(st.integers(1, 5)), draw(st.integers(1, 5))))
    kernel = draw(digits(draw(st.integers(1, 3)), draw(st.integers(1, 3))))
    stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, 1))
    assume(all(size + 2 * padding >= side for size, side in zip(plane.shape, kernel.shape)))
    return plane, kernel, stride, padding


@given(slides())
def test_each_step_shows_the_next_sum_of_products(slide):
    """The film has a frame for each window; its caption says the sum, and its frame stands where the window is."""
    plane, kernel, stride, padding = slide
    wide = np.zeros([size + 2 * padding for size in plane.shape], int)
    wide[padding: padding + plane.shape[0], padding: padding + plane.shape[1]] = plane
    expected = []
    for top in range(0, wide.shape[0] - kernel.shape[0] + 1, stride):
        for left in range(0, wide.shape[1] - kernel.shape[1] + 1, stride):
            total = sum(int(wide[top + i, left + j]) * int(kernel[i, j])
                        for i in range(kernel.shape[0]) for j in range(kernel.shape[1]))
            expected.append((top, left, total))
    film = pictures.draw_sliding(plane, kernel, stride=stride, padding=padding)
    shown = []
    for frame in frames(film.moving):
        (window,) = [rect for rect in frame.iter(f"{SVG}rect") if rect.get("class") == "window"]
        (caption,) = [text for text in texts(frame) if text.startswith("window ")]
        shown.append((round((float(window.get("y")) - windows.TOP) / windows.CELL),
                      round(float(window.get("x")) / windows.CELL), int(caption.split("= ")[1])))
        assert float(window.get("width")) == kernel.shape[1] * windows.CELL
        assert float(window.get("height")) == kernel.shape[0] * windows.CELL
    assert shown == expected


def test_padding_is_hatched_and_the_result_fills_up():
    film = pictures.draw_sliding([[1, 2], [3, 4]], [[1, 1], [1, 1]], padding=1)
    for number, frame in enumerate(frames(film.moving)):
        kinds = [rect.get("class") for rect in frame.iter(f"{SVG}rect")]
        assert kinds.count("outside") == 16 - 4
        assert kinds.count("waiting") == 9 - (number + 1)
    assert texts(frames(film.moving)[-1]).count("10") == 1  # 1 + 2 + 3 + 4, once: in the middle of the result


def test_the_still_picture_has_the_first_window_and_the_last():
    film = pictures.draw_sliding(np.ones((6, 6)), np.ones((3, 3)), title="Ones")
    captions = [text for text in texts(ElementTree.fromstring(film.still.text)) if text.startswith("window ")]
    assert captions[0].startswith("window 1 of 16") and captions[-1].startswith("window 16 of 16")
    assert len(captions) == windows.STILLS
    assert "4 x 4 windows" in film.alt and film.alt.startswith("Ones")


def test_what_is_negative_is_not_told_by_a_shade_of_gray():
    grays = [windows._shade(share / 10) for share in range(11)]
    assert all(color[1:3] == color[3:5] == color[5:7] for color in grays)
    assert sorted(grays, reverse=True) == grays  # the larger, the darker
    assert all(windows._shade(-share / 10)[1:3] != windows._shade(-share / 10)[5:7] for share in range(1, 11))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1))
def test_columns_hold_the_letters_of_their_windows(height, width, rows, columns, stride, padding):
    counts = [(size + 2 * padding - side) // stride + 1 for size, side in ((height, rows), (width, columns))]
    assume(min(counts) >= 1 and counts[0] * counts[1] <= windows.MAX_COLUMNS)
    letters = np.full((height + 2 * padding, width + 2 * padding), "", object)
    letters[padding: padding + height, padding: padding + width] = np.array(
        list("ABCDEFGHIJKLMNOPQRSTUVWXY"[: height * width]), object).reshape(height, width)
    expected = []  # row by row
    for i in range(rows):
        for j in range(columns):
            expected += [letters[y * stride + i, x * stride + j] for y in range(counts[0]) for x in range(counts[1])]
    picture = pictures.draw_unfold((height, width), (rows, columns), stride=stride, padding=padding)
    shown = [text for text in texts(ElementTree.fromstring(picture.text)) if re.fullmatch("[A-Z]", text)]
    assert shown == [letter for letter in [*letters.ravel(), *expected] if letter]
    assert len(parts(picture, "rect", "outside")) == [*letters.ravel(), *expected].count("")


def test_one_letter_has_one_color_and_frames_differ_in_their_dashes():
    picture = pictures.draw_unfold((4, 4), (2, 2))
    colors = {}
    elements = parts(picture, "rect", "element")
    letters = [text for text in texts(ElementTree.fromstring(picture.text)) if re.fullmatch("[A-Z]", text)]
    for rect, letter in zip(elements, letters, strict=True):
        colors.setdefault(letter, set()).add(rect.get("fill"))
    assert all(len(each) == 1 for each in colors.values())
    assert [rect.get("stroke-dasharray") for rect in parts(picture, "rect", "window")] == [None, "7 3"]
    assert [rect.get("stroke") for rect in parts(picture, "rect", "column")] == [LINES[1], LINES[5]]
    assert "stands in 4" in picture.alt


@pytest.mark.parametrize(("call", "says"), [
    (lambda: pictures.draw_sliding(np.ones((13, 3)), np.ones((2, 2))), "13 x 3, padding included, is too large"),
    (lambda: pictures.draw_sliding(np.ones((2, 2)), np.ones((3, 3))), "no window of 3 x 3 fits into 2 x 2"),
    (lambda: pictures.draw_sliding(np.ones((12, 12)), np.ones((1, 1))), "144 windows are too many"),
    (lambda: pictures.draw_unfold((6, 6), (5, 5)), "more elements than there are letters"),
    (lambda: pictures.draw_unfold((5, 5), (1, 1)), "25 windows of 1 elements are too many"),
])
def test_what_nobody_could_read_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# ---- Rows of images ----


def test_rows_of_images_say_what_they_show():
    rows = {"first": np.arange(12.0).reshape(3, 2, 2), "second": -np.ones((2, 4, 5))}
    picture = pictures.image_rows(rows, title="Maps", signed=True)
    assert picture.alt == "Maps. first: 3 of 2 x 2, from 0 to 11; second: 2 of 4 x 5, from -1 to -1."
    assert picture.png().startswith(b"\x89PNG")
    images = [axes.images[0] for axes in picture.figure.axes if axes.images and axes.get_title(loc="left")]
    assert [image.get_clim() for image in images] == [(-11.0, 11.0), (-1.0, 1.0)]
    dark = pictures.image_rows({"first": rows["first"]}, title="Maps")
    assert dark.figure.axes[0].images[0].get_clim() == (0.0, 11.0)


def test_one_image_for_each_name():
    picture = pictures.image_row({"a": np.eye(3), "b": -np.eye(2)}, title="Two", signed=True)
    assert picture.alt == "Two. a: 3 x 3, from 0 to 1; b: 2 x 2, from -1 to -0."
    titled = [axes.get_title() for axes in picture.figure.axes if axes.get_title()]
    assert titled == ["a", "b"] and picture.png().startswith(b"\x89PNG")


def test_many_images_go_on_in_the_next_line():
    axes = pictures.image_rows({"x": np.ones((10, 2, 2))}, title="Ten").figure.axes
    assert sum(bool(each.images) for each in axes) == 10
    assert len({round(each.get_subplotspec().rowspan.start) for each in axes}) == 2


@pytest.mark.parametrize("shape", [(2, 2), (65, 2, 2), (0, 2, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="an array \\(N, H, W\\)"):
        pictures.image_rows({"x": np.zeros(shape)}, title="Maps")
    with pytest.raises(ValueError, match="an image \\(H, W\\)"):
        pictures.image_row({"x": np.zeros((1, *shape))}, title="Maps")
