"""Pictures of tensors: every element at the cell that it reads, and words that say the same."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import pictures
from course.pictures.cells import short

SVG = "{http://www.w3.org/2000/svg}"


def groups(picture, kind):
    """The texts of the groups of one kind, in their order; "framed" is added for those with a thick frame."""
    root = ElementTree.fromstring(picture.text)
    found = []
    for group in root.iter(f"{SVG}g"):
        classes = group.get("class", "").split()
        if kind in classes:
            found.append(["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
                         + [word for word in ("strong", "hatched", "stretched", "missing", "wrong") if word in classes])
    return found


def reads(picture):
    root = ElementTree.fromstring(picture.text)
    return [path for path in root.iter(f"{SVG}path") if path.get("class") == "read"]


# ---- Strides ----


def test_a_transposed_view_reads_the_same_cells_in_another_order():
    picture = pictures.draw_strides({"x": ((2, 3), (3, 1), 0), "x.T": ((3, 2), (1, 3), 0)}, range(10, 16))
    storage = [[letter, str(10 + n)] for n, letter in enumerate("ABCDEF")]
    across = [storage[n] for n in (0, 3, 1, 4, 2, 5)]
    assert groups(picture, "cell") == storage * 2
    assert groups(picture, "element") == groups(picture, "entry") == storage + across
    assert len(reads(picture)) == 12
    assert "x.T:  sizes (3, 2)  strides (1, 3)  offset 0: reads, row by row, A D; B E; C F." in picture.alt
    assert "holding 10, 11, 12, 13, 14, 15" in picture.alt


geometries = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=3)


@given(geometries, st.integers(0, 1))
def test_every_element_has_the_letter_of_its_cell(dims, offset):
    sizes, strides = tuple(size for size, _ in dims), tuple(stride for _, stride in dims)
    memory = np.arange(26)
    view = np.lib.stride_tricks.as_strided(memory[offset:], sizes, [8 * stride for stride in strides])
    letters = [[chr(ord("A") + place)] for place in view.ravel().tolist()]
    picture = pictures.draw_strides({"v": (sizes, strides, offset)}, 26)
    assert groups(picture, "element") == letters
    assert groups(picture, "entry") == letters
    assert len(reads(picture)) == len(letters)


def test_what_lies_outside_of_the_storage_is_drawn_all_the_same():
    picture = pictures.draw_strides({"wrong": ((2, 2), (3, 2), -1)}, 4)
    assert groups(picture, "element") == [["?"], ["B"], ["C"], ["?"]]
    assert "? is outside of it" in picture.alt
    assert len(reads(picture)) == 2


def test_changed_cells_are_framed_with_the_elements_that_read_them():
    picture = pictures.draw_strides({"a": ((3,), (1,), 0), "b": ((2, 2), (0, 1), 1)}, [7, 8, 9], changed=[1])
    assert groups(picture, "cell") == [["A", "7"], ["B", "8", "strong"], ["C", "9"]] * 2
    assert groups(picture, "element").count(["B", "8", "strong"]) == 3
    assert "Framed: B." in picture.alt


def test_a_storage_of_its_own_has_letters_of_its_own():
    from terox.tensors.dtype import float32
    from terox.tensors.storage import Storage, TensorImpl

    one, two, three, four = (Storage(np.array(numbers, dtype=np.float32), float32, "python")
                             for numbers in ([1, 2], [3], [4], [5]))
    looks = {"a": TensorImpl(one, (2,), (1,)), "b": TensorImpl(two, (1,), (1,)), "c": TensorImpl(one, (1,), (1,), 1),
             "d": TensorImpl(three, (1,), (1,))}
    picture = pictures.draw_strides(looks)
    assert groups(picture, "element") == [["A", "1"], ["B", "2"], ["a", "3"], ["B", "2"], ["\u03b1", "4"]]
    assert "Second storage of 1 cell, holding 3." in picture.alt
    assert "row by row, a in the second storage" in picture.alt and "B in the first storage" in picture.alt
    with pytest.raises(ValueError, match="one storage too many"):
        pictures.draw_strides({**looks, "e": TensorImpl(four, (1,), (1,))})


@pytest.mark.parametrize("geometry, storage, words", [
    (((2, 3), (1,), 0), 6, "2 sizes but 1 strides"),
    (((7, 7), (7, 1), 0), 49, "49 elements, too many"),
    (((2,), (1,), 0), 49, "49 cells, too many"),
])
def test_what_cannot_be_drawn_is_refused_in_words(geometry, storage, words):
    with pytest.raises(ValueError, match=words):
        pictures.draw_strides({"x": geometry}, storage)


def test_one_tensor_alone_with_a_title():
    picture = pictures.draw_strides(((2,), (2,)), title="Every <second>")
    assert groups(picture, "cell") == [["A"], ["B"], ["C"]]
    assert picture.alt.startswith("Every <second>. Storage of 3 cells, A to C.")
    assert picture.text == pictures.draw_strides(((2,), (2,)), title="Every <second>").text
    assert 'alt="Every &lt;second&gt;.' in picture._repr_html_()


def test_values_fit_in_a_cell():
    for value in (0.0, -0.0, 1 / 3, -1 / 3, -1234, 12345, 1e-9, 1e300, float("nan"), float("-inf"), 123456, False):
        assert len(short(value)) <= 5
    assert [short(value) for value in (-0.0, 0.25, -1 / 3, 1e-9)] == ["0", "0.25", "-0.33", "1e-9"]


# ---- Broadcasting ----


def test_stretched_and_missing_dimensions_are_marked():
    picture = pictures.draw_broadcast((3, 1), (4,))
    assert groups(picture, "size") == [["3"], ["1 to 4", "stretched"], ["(1) to 3", "stretched", "missing"], ["4"],
                                       ["3"], ["4"]]
    elements = groups(picture, "element")
    assert elements[:5] == [["A"], ["A", "hatched"], ["A", "hatched"], ["A", "hatched"], ["B"]]
    assert elements[12:17] == [["a"], ["b"], ["c"], ["d"], ["a", "hatched"]]
    assert elements[24:] == [[upper + lower] for upper in "ABC" for lower in "abcd"]
    assert "The result has shape (3, 4)." in picture.alt


def test_sizes_that_do_not_agree_are_framed_and_give_no_result():
    picture = pictures.draw_broadcast((4, 2), (3,), names=("x", "bias"))
    assert [size for size in groups(picture, "size") if "wrong" in size] == [["2", "wrong"], ["3", "wrong"]]
    assert groups(picture, "element") == []
    assert "x has shape (4, 2). bias has shape (3,)." in picture.alt
    assert "At dimension 1, 2 and 3 do not agree: an error." in picture.alt
    assert "The result" not in picture.alt


shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(shapes, shapes)
def test_the_result_is_that_of_numpy(a, b):
    try:
        words = f"The result has shape {np.broadcast_shapes(a, b)}."
    except ValueError:
        words = "do not agree: an error."
    picture = pictures.draw_broadcast(a, b)
    assert words in picture.alt
    ElementTree.fromstring(picture.text)


def test_elements_that_are_not_stretched_are_all_there():
    elements = groups(pictures.draw_broadcast((2, 1, 3), (2, 2, 3)), "element")
    assert sum("hatched" in element for element in elements) == 6  # half of a's
    elements = groups(pictures.draw_broadcast((), (2,)), "element")
    assert elements == [["A"], ["A", "hatched"], ["a"], ["b"], ["Aa"], ["Ab"]]


# ---- Graphs of tensors ----


def boxes(picture):
    return sorted(groups(picture, "node"))


def small_loss():
    import terox

    x = terox.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True, device="python")
    bias = terox.tensor([1.0, 1.0, 1.0], requires_grad=True, device="python")
    y = x + bias
    return x, bias, y, (y * 2.0).sum()


def test_a_graph_of_tensors_shows_shapes():
    x, bias, y, loss = small_loss()
    bias.sum().backward()
    picture = pictures.draw_graph(loss, {"x": x, "bias": bias, "y": y, "loss": loss})
    assert boxes(picture) == sorted([
        ["x", "shape (2, 3)", "grad None"], ["bias", "shape (3,)", "grad (3,)"], ["Add", "y", "shape (2, 3)"],
        ["Mul", "shape (2, 3)"], ["Sum", "loss", "value 54"]])
    assert "bias is a leaf with shape (3,) and grad (3,)" in picture.alt


def test_a_graph_can_go_down_the_page():
    x, _, _, loss = small_loss()
    across, down = pictures.draw_graph(loss, {"x": x}), pictures.draw_graph(loss, {"x": x}, down=True)
    assert boxes(across) == boxes(down)
    assert "inputs at the top, the output at the bottom" in down.alt
    root = ElementTree.fromstring(down.text)
    assert float(root.get("height")) > float(root.get("width"))
    edges = [path.get("d").split() for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    assert len(edges) == 4
    for numbers in edges:  # "M x y L x y ... x y"
        assert float(numbers[2]) < float(numbers[-1])


def test_next_functions_beside_another_text():
    import io

    x, bias, _, loss = small_loss()
    file = io.StringIO()
    pictures.print_next_functions(loss, {"x": x}, file=file, beside="<SumBackward0>\n    <MulBackward0>\n")
    lines = file.getvalue().splitlines()
    assert lines[0].split() == ["<SumBackward0>"] * 2 and lines[1].split() == ["<MulBackward0>"] * 2
    assert lines[1].index("<") == 4 and lines[1].rindex("<") == lines[0].rindex("<") + 4
    assert [line.strip() for line in lines[2:]] == [
        "<AddBackward0>", "<AccumulateGrad> of x", "<AccumulateGrad>", "None"]
