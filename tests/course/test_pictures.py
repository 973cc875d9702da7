"""Pictures: well formed, complete, the same each time, with words for those who do not see them."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree

import pytest

import terox
from course import pictures
from course.pictures.layers import layered
from terox import Scalar

SVG = "{http://www.w3.org/2000/svg}"


def parse(picture):
    root = ElementTree.fromstring(picture.text)
    boxes = [["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
             for group in root.iter(f"{SVG}g") if "node" in group.get("class", "")]
    edges = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    return root, boxes, edges


def expression():
    x, y = Scalar(2.0, requires_grad=True), Scalar(-3.0, requires_grad=True)
    p = x * y
    q = p + x
    out = q * q
    p.retain_grad()
    q.retain_grad()
    return x, y, p, q, out


# ---- Graphs ----


def test_a_graph_has_a_box_for_each_node_and_a_line_for_each_edge():
    x, y, p, q, out = expression()
    out.backward()
    _, boxes, edges = parse(pictures.draw_graph(out, {"x": x, "y": y, "p": p, "q": q, "out": out}))
    assert sorted(boxes) == sorted([
        ["x", "value 2", "grad 16"], ["y", "value -3", "grad -16"], ["Mul", "p", "value -6", "grad -8"],
        ["Add", "q", "value -4", "grad -8"], ["Mul", "out", "value 16"]])
    assert len(edges) == 6  # two of them from q to out


def test_the_words_in_a_picture_say_what_it_shows():
    x, y, p, q, out = expression()
    picture = pictures.draw_graph(out, {"x": x, "y": y, "out": out})
    root, _, _ = parse(picture)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert title.text == "The graph of out"
    assert "x is a leaf with value 2 and grad None" in description.text
    assert "5 nodes, 6 edges" in description.text
    assert 'alt="The graph of out.' in picture._repr_html_()
    assert picture._repr_svg_() == picture.text


def test_a_plain_number_is_an_input_without_gradient():
    x = Scalar(2.0, requires_grad=True)
    _, boxes, edges = parse(picture := pictures.draw_graph(x * 3.0))
    assert len(boxes) == 2 and len(edges) == 1
    assert "takes leaf and an input without gradient" in picture.alt


@pytest.mark.parametrize("names", [lambda x: {"<x & y>": x}, lambda x: {x: "<x & y>"}, lambda x: {id(x): "<x & y>"}])
def test_names_may_be_given_in_three_ways_and_may_hold_any_text(names):
    x = Scalar(2.0, requires_grad=True)
    _, boxes, _ = parse(pictures.draw_graph(x.exp(), names(x)))
    assert ["<x & y>", "value 2", "grad None"] in boxes


def test_the_same_graph_gives_the_same_text():
    texts = []
    for _ in range(2):
        x, y, p, q, out = expression()
        texts.append(pictures.draw_graph(out, {"x": x}).text)
    assert texts[0] == texts[1]


def test_drawing_changes_nothing():
    x, y, p, q, out = expression()
    pictures.draw_graph(out)
    assert x.grad is None
    out.backward()
    assert x.grad.item() == 16.0


def test_a_leaf_alone_and_a_leaf_that_nobody_holds():
    _, boxes, edges = parse(pictures.draw_graph(Scalar(1.0, requires_grad=True)))
    assert len(boxes) == 1 and not edges
    out = Scalar(1.0, requires_grad=True) * 2.0
    out.backward()  # frees what the node held, and the leaf with it
    _, boxes, _ = parse(pictures.draw_graph(out))
    assert ["leaf"] in boxes


def test_a_large_graph_is_refused_in_words():
    x = Scalar(1.0, requires_grad=True)
    out = x
    for _ in range(20_000):
        out = out + 1.0
    with pytest.raises(pictures.GraphTooLarge, match="more than 200 nodes"):
        pictures.draw_graph(out)


def test_the_largest_graph_that_is_drawn():
    out = x = Scalar(1.0, requires_grad=True)
    for _ in range(199):
        out = out + x
    _, boxes, edges = parse(pictures.draw_graph(out))
    assert len(boxes) == 200 and len(edges) == 398


def test_what_was_not_recorded_cannot_be_drawn():
    with pytest.raises(ValueError, match="nothing was recorded"):
        pictures.draw_graph(Scalar(1.0) * 2.0)
    with terox.no_grad(), pytest.raises(ValueError, match="nothing was recorded"):
        pictures.print_next_functions(Scalar(1.0, requires_grad=True) * 2.0)


def test_next_functions_are_printed_as_pytorch_names_them():
    x = Scalar(2.0, requires_grad=True)
    square = x * x
    out = (square + 1.0) * square
    file = io.StringIO()
    pictures.print_next_functions(out, {"x": x}, file=file)
    assert file.getvalue().splitlines() == [
        "<MulBackward0>",
        "    <AddBackward0>",
        "        <MulBackward0>",
        "            <AccumulateGrad> of x",
        "            <AccumulateGrad> of x",
        "        None",
        "    <MulBackward0> (again, see above)"]


def test_printing_stops():
    out = Scalar(1.0, requires_grad=True)
    for _ in range(10_000):
        out = out.exp()
    file = io.StringIO()
    pictures.print_next_functions(out, limit=5, file=file)
    lines = file.getvalue().splitlines()
    assert len(lines) == 6 and lines[-1].startswith("... and more")


# ---- Layout ----


def test_boxes_do_not_overlap_and_edges_go_to_the_right():
    edges = [(0, 2), (1, 2), (0, 3), (2, 3), (2, 3), (3, 4), (1, 4), (0, 4)]
    sizes = [(80.0, 60.0), (120.0, 40.0), (60.0, 30.0), (90.0, 70.0), (50.0, 30.0)]
    layout = layered(sizes, edges)
    for n, (x, y) in enumerate(layout.centers):
        assert sizes[n][0] / 2 <= x <= layout.width and sizes[n][1] / 2 <= y <= layout.height
        for m, (other_x, other_y) in enumerate(layout.centers[:n]):
            apart_x = abs(x - other_x) - (sizes[n][0] + sizes[m][0]) / 2
            apart_y = abs(y - other_y) - (sizes[n][1] + sizes[m][1]) / 2
            assert apart_x > 0 or apart_y > 0, (n, m)
    for route in layout.routes:
        assert all(a[0] <= b[0] for a, b in zip(route, route[1:]))
    assert len({tuple(route) for route in layout.routes}) == len(edges)  # not even two edges of one pair are the same
    assert layered([(10.0, 10.0)], []).routes == []


def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        layered([(10.0, 10.0)] * 2, [(0, 1), (1, 0)])


# ---- Modules ----


def test_a_tree_of_modules_shows_a_shared_parameter_once():
    from terox.autograd.mlp import ScalarMLP

    model = ScalarMLP([1, 2, 1])
    _, boxes, edges = parse(pictures.draw_modules(model))
    assert len(boxes) == 1 + 2 + 3 + 7 and len(edges) == 12
    first, second = model.layer0.children()
    second.bias = first.bias
    _, boxes, edges = parse(pictures.draw_modules(model))
    assert len(boxes) == 12 and len(edges) == 12
    _, boxes, _ = parse(pictures.draw_modules(model, parameters=False))
    assert len(boxes) == 6 and ["ScalarMLP", "train"] in boxes
    with pytest.raises(pictures.GraphTooLarge):
        pictures.draw_modules(ScalarMLP([50, 4, 1]))


# ---- Plots ----


@pytest.fixture(scope="module")
def plots():
    return every_plot()


def every_plot():
    import numpy as np

    points = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return {
        "curve": pictures.learning_curve([1.0, 0.5], [0.5, 0.9]),
        "loss": pictures.learning_curve([1.0]),
        "boundary": pictures.decision_boundary(lambda p: p[0] - 0.5, points, [0, 1, 1], steps=5),
        "one side": pictures.decision_boundary(lambda p: 1000.0, points, [0, 1, 1], steps=5),
        "digits": pictures.digit_grid(np.zeros((3, 7, 7)), [0, 1, 1], [0, 1, 0], columns=2),
        "functions": pictures.functions({"inverse": lambda x: 1.0 / x if x else float("inf")}, -1.0, 1.0, steps=5),
        "lines": pictures.lines({"error": [1.0, 0.0, 0.1]}, [1.0, 0.1, 0.01], title="Error", xlabel="x", ylabel="y",
                                log=True),
        "histogram": pictures.histogram({"a": [1.0, 2.0], "b": [2.0]}, title="Two", xlabel="x"),
    }


def test_every_plot_carries_its_words_into_the_file(plots, tmp_path):
    for name, picture in plots.items():
        path = picture.save(tmp_path / "new" / f"{name}.png")
        assert len(picture.alt) > 20
        assert pictures.alt_text(path) == picture.alt
        assert 'alt="' in picture._repr_html_()


def test_the_same_plot_gives_the_same_file(plots):
    again = every_plot()
    for name in ("loss", "boundary"):
        assert plots[name].png() == again[name].png(), name


def test_words_say_what_was_reached(plots):
    assert "2 of the 3 points on the right side" in plots["boundary"].alt
    assert "wrong on 1 of them" in plots["digits"].alt
    assert "from 50.0% to 90.0%" in plots["curve"].alt


def test_an_animation_ends_and_has_a_still_form(tmp_path):
    from PIL import Image

    film = pictures.descent(lambda x: x * x, [1.0, 0.5, 0.25], [2.0, 1.0, 0.5])
    with Image.open(film.save(tmp_path / "film.gif")) as image:
        assert image.n_frames == 3
        assert image.info["loop"] > 0  # 0 would be forever
    assert pictures.alt_text(film.still.save(tmp_path / "still.png")) == film.alt
    assert "to x = 0.25" in film.alt
