"""Slips in the loops of task 5.2: (a sentence, the formulas of loops_as_formulas.py that it changes). The first one
that gives what a learner's loop has given is what is said, so those that change more than one thing come last.
"""

from __future__ import annotations

from loops_as_formulas import ACROSS, DOWN

WHERE = "An element of a plane is at (plane * height + row) * width + column."
OF_A_ROW = ("Row number `row` belongs to plane row // (kernel_h * kernel_w), i = row // kernel_w % kernel_h, j = row % "
            "kernel_w.")


def same(sentence, name, *formulas):
    """One sentence for several ways to be wrong in one place."""
    return [(sentence, {name: formula}) for formula in formulas]


# ---- Stride, padding, dilation ----


def _one_way(name, way, other, outer, inner):
    """Slips in one direction: `name` is "down" or "across"."""
    right = {what: f"{what}_{way}" for what in ("stride", "padding", "dilation")}
    stride, padding, dilation = right.values()

    def formula(**changed):
        return "{outer} * {stride} - {padding} + {inner} * {dilation}".format(
            outer=outer, inner=inner, **right | changed)

    def slip(sentence, text):
        return f"{sentence} It has to be {formula()}.", {name: text}

    return [
        slip(f"{stride} was not used.", formula(stride="1")),
        slip(f"{padding} was not used: the first window begins {padding} before the plane.", formula(padding="0")),
        slip(f"{padding} was added: the first window begins before the plane, not inside.",
             formula(padding=f"(-{padding})")),
        slip(f"{dilation} was not used: the elements of a window are {dilation} apart.", formula(dilation="1")),
        *[slip(f"{what}_{other} was taken where {what}_{way} belongs.", formula(**{what: f"{what}_{other}"}))
          for what in right],
        slip(f"{stride} and {dilation} have changed places.", formula(stride=dilation, dilation=stride)),
        slip(f"kernel_{way} was taken where {stride} belongs.", formula(stride=f"kernel_{way}")),
        slip(f"{inner} * {dilation} was multiplied by {stride}, too.",
             f"({outer} + {inner} * {dilation}) * {stride} - {padding}"),
        slip(f"{padding} was multiplied by {stride}, too.", f"({outer} - {padding}) * {stride} + {inner} * {dilation}"),
    ]


def _both(**pairs):
    """Formulas of both directions, with other pairs in place of stride, padding or dilation."""
    both = {}
    for number, (name, way, outer, inner) in enumerate((("down", "h", "y", "i"), ("across", "w", "x", "j"))):
        stride, padding, dilation = (pairs[what][number] if what in pairs else f"{what}_{way}"
                                     for what in ("stride", "padding", "dilation"))
        both[name] = f"{outer} * {stride} - {padding} + {inner} * {dilation}"
    return both


TURNED = {what: (f"{what}_w", f"{what}_h") for what in ("stride", "padding", "dilation")}
STEPS = [
    ("The stride was not used: window y begins at y * stride_h - padding_h, and so for x.", _both(stride="11")),
    ("The dilation was not used: a window's elements are `dilation` apart.", _both(dilation="11")),
    ("The padding was not used: the first window begins `padding` before the plane.", _both(padding="00")),
    ("The padding has the wrong sign: the first window begins before the plane, not inside.",
     _both(padding=("(-padding_h)", "(-padding_w)"))),
    ("Stride and dilation were taken for each other: the stride goes with y and x, the dilation with i and j.",
     _both(stride=("dilation_h", "dilation_w"), dilation=("stride_h", "stride_w"))),
    *[(f"The two numbers of the {what} were taken for each other: vertical first, then horizontal.",
       _both(**{what: turned})) for what, turned in TURNED.items()],
    ("Vertical and horizontal were taken for each other, in stride, padding and dilation.", _both(**TURNED)),
    *_one_way("down", "h", "w", "y", "i"), *_one_way("across", "w", "h", "x", "j"),
    ("i and j were taken for each other: i goes with y, j with x.",
     {"down": DOWN.replace("i *", "j *"), "across": ACROSS.replace("j *", "i *")}),
    ("y and x were taken for each other: y goes with i, x with j.",
     {"down": DOWN.replace("y *", "x *"), "across": ACROSS.replace("x *", "y *")}),
]

# ---- Inside or outside ----

_ABOVE, _BELOW, _LEFT, _RIGHT = "(0 <= down)", "(down < height)", "(0 <= across)", "(across < width)"


def _asked(sentence, *questions):
    return sentence, {"inside": " & ".join(questions)}


# Where a loop ends at a place outside, several of these may explain it: those about one direction are true then.
GUARDS = [
    _asked("Row 0 lies inside; here it was left out.", "(0 < down)", _BELOW, _LEFT, _RIGHT),
    _asked("Column 0 lies inside; here it was left out.", _ABOVE, _BELOW, "(0 < across)", _RIGHT),
    _asked("The last row, height - 1, lies inside; here it was left out.", _ABOVE, "(down < height - 1)", _LEFT,
           _RIGHT),
    _asked("The last column, width - 1, lies inside; here it was left out.", _ABOVE, _BELOW, _LEFT,
           "(across < width - 1)"),
    _asked("Row `height` counts as inside here. The last one is height - 1.", _ABOVE, "(down <= height)", _LEFT,
           _RIGHT),
    _asked("Column `width` counts as inside here. The last one is width - 1.", _ABOVE, _BELOW, _LEFT,
           "(across <= width)"),
    _asked("Above the plane is outside, too: a row is at least 0.", _BELOW, _LEFT, _RIGHT),
    _asked("Below the plane is outside, too: a row is less than `height`.", _ABOVE, _LEFT, _RIGHT),
    _asked("Left of the plane is outside, too: a column is at least 0.", _ABOVE, _BELOW, _RIGHT),
    _asked("Right of the plane is outside, too: a column is less than `width`.", _ABOVE, _BELOW, _LEFT),
    _asked("What lies outside was touched: nothing asks whether row and column are inside.", "(down == down)",
           "(across == across)"),
    ("An element outside of the plane was replaced by the nearest one of its edge; outside stand zeros.",
     {"inside": "(down == down) & (across == across)", "down": f"np.clip({DOWN}, 0, height - 1)",
      "across": f"np.clip({ACROSS}, 0, width - 1)"}),
    _asked("Above and below the plane is outside; left and right of it is, too. There the next row's or the previous "
           "row's elements were taken.", _ABOVE, _BELOW, "(across == across)"),
    _asked("Left and right of the plane is outside; above and below it is, too.", _LEFT, _RIGHT, "(down == down)"),
    _asked("It was asked whether the place lies in the memory of the plane. But left of a row's first element stands "
           "the last one of the row before: ask for y and for x.", "(0 <= down * width + across)",
           "(down * width + across < height * width)"),
    _asked("Row 0 and column 0 lie inside; here they were left out.", "(0 < down)", _BELOW, "(0 < across)", _RIGHT),
    _asked("The last row and the last column lie inside; here they were left out.", _ABOVE, "(down < height - 1)",
           _LEFT, "(across < width - 1)"),
    _asked("Row `height` and column `width` count as inside here. The last ones are height - 1 and width - 1.", _ABOVE,
           "(down <= height)", _LEFT, "(across <= width)"),
    _asked("Above the plane and left of it is outside; below it and right of it is, too.", _ABOVE, _LEFT),
    _asked("Below the plane and right of it is outside; above it and left of it is, too.", _BELOW, _RIGHT),
    _asked("Row and column both have to be inside; here one of them was enough.",
           f"({_ABOVE} & {_BELOW} | {_LEFT} & {_RIGHT})"),
    _asked("height and width have changed places: a row is less than `height`, a column less than `width`.", _ABOVE,
           "(down < width)", _LEFT, "(across < height)"),
]

# ---- Sizes ----

EXCHANGED = [(f"{first} and {second} have changed places: sizes_of gives {first} first.",
              {"exchanged": (first, second)})
             for first, second in (("height", "width"), ("kernel_h", "kernel_w"), ("out_h", "out_w"))]

# ---- Where an element stands in a plane ----


def places(name):
    """name: "read" for unfold, "write" for fold."""
    return [
        *same(f"A row of a plane has `width` elements, not `height`. {WHERE}", name,
              "(plane * height + down) * height + across", "plane * height * width + down * height + across"),
        *same(f"A row of a plane has `width` elements, not `out_w`. {WHERE}", name,
              "(plane * height + down) * out_w + across", "plane * height * width + down * out_w + across"),
        *same(f"The row was not multiplied by `width`. {WHERE}", name, "plane * height * width + down + across"),
        *same(f"Row and column have changed places. {WHERE}", name, "(plane * height + across) * width + down",
              "(plane * width + across) * height + down"),
        *same(f"All planes were taken for plane 0. {WHERE}", name, "down * width + across"),
        *same(f"A plane has height * width elements. {WHERE}", name, "plane * height + down * width + across",
              "plane * width + down * width + across", "plane + down * width + across",
              "plane * out_h * out_w + down * width + across"),
    ]


# ---- unfold alone ----

_REST = "y * out_w + x"
_COUNTED = "np.cumsum(inside.reshape(row.size, -1), axis=1).reshape(inside.shape) - inside"
UNFOLD_SLIPS = [
    *same("Every row got the elements of plane 0. Which plane a row has follows from its number.", "plane", "0"),
    *same(f"A plane has kernel_h * kernel_w rows. {OF_A_ROW}", "plane", "row // kernel_w", "row // kernel_h", "row",
          "row // kernel_h * kernel_w", "row // (out_h * out_w)", "row // (height * width)",
          "row % (kernel_h * kernel_w)"),
    *[(f"i and j were taken for each other. {OF_A_ROW}", changes) for changes in (
        {"i": "row % kernel_h", "j": "row // kernel_h % kernel_w"},
        {"i": "row % kernel_w", "j": "row // kernel_w % kernel_h"},
        {"i": "row % kernel_h", "j": "row // kernel_w % kernel_h"})],
    *same(f"i counts on from plane to plane here. {OF_A_ROW}", "i", "row // kernel_w"),
    *same(f"i is wrong. {OF_A_ROW}", "i", "row // kernel_h % kernel_h", "row // kernel_h % kernel_w",
          "row // kernel_w % kernel_w", "row % kernel_h", "row // kernel_h"),
    *same(f"j is wrong. {OF_A_ROW}", "j", "row % kernel_h", "row // kernel_h % kernel_w", "row // kernel_w % kernel_w",
          "row", "row // kernel_h"),
    *STEPS, *GUARDS, *places("read"),
    ("The place is moved on only where something was read: each y and x has one, also outside.",
     {"write": f"row * out_h * out_w + {_COUNTED}"}),
    ("The place is moved on only where something was read: each y and x has one, also outside.",
     {"write": f"row * out_h * out_w + {_COUNTED}", "outside": "np.nan"}),
    *same("A row begins at place row * out_h * out_w, and y and x are at y * out_w + x in it.", "write",
          f"row * out_w + {_REST}", f"row * out_h + {_REST}", f"row + {_REST}", "row * out_h * out_w + y * out_h + x",
          "row * out_h * out_w + y + x"),
    *same("All rows were written to the place of the first one. A row begins at row * out_h * out_w.", "write",
          f"{_REST} + 0 * row"),
    *same("The rows of a plane were written to the place of those of plane 0: a row begins at row * out_h * out_w, "
          "counted through all planes.", "write", f"row % (kernel_h * kernel_w) * out_h * out_w + {_REST}"),
    *same("x runs along a row of the result fastest, and y is the outer loop.", "write",
          "row * out_h * out_w + x * out_h + y"),
    *same("Outside of the plane stands something else than 0.", "outside", "1.0", "-1.0", "np.inf", "-np.inf"),
    *same("Nothing is written where a window reaches outside: what was in the memory before is still there. It has to "
          "be 0.", "outside", "np.nan"),
    ("It was added to what was in the memory before: write with =, not with +=.", {"before": "-77.0"}),
    *EXCHANGED,
]

# ---- fold alone ----

_IN_PLANE = "((i * kernel_w + j) * out_h + y) * out_w + x"
_COLUMNS = "The columns of a plane begin at plane * kernel_h * kernel_w * out_h * out_w."
_BEGIN = "plane * kernel_h * kernel_w * out_h * out_w"
FOLD_SLIPS = [
    *same("The planes were not set to 0 before: what was in the memory was added.", "zeros", "0"),
    *same("Not all of a plane was set to 0 before. It has height * width elements: range(first, first + height * "
          "width).", "zeros", "height * width - 1", "width", "height", "out_h * out_w"),
    ("All of `out` was set to 0 for each plane, and with it the planes before: set height * width elements to 0, the "
     "plane's own.", {"zeros_from": "0", "zeros": "planes * height * width"}),
    *same("Plane 0 was set to 0 each time. A plane begins at plane * height * width.", "zeros_from", "0"),
    *same("i and j were taken for each other: in the columns j runs faster.", "read",
          "(((plane * kernel_w + j) * kernel_h + i) * out_h + y) * out_w + x"),
    *same("y and x were taken for each other: in the columns x runs fastest.", "read",
          "(((plane * kernel_h + i) * kernel_w + j) * out_w + x) * out_h + y"),
    *STEPS, *GUARDS, *places("write"),
    *[(f"A plane has height * width elements: it begins at plane * height * width, also where it is set to 0. {WHERE}",
       {"zeros_from": begin, "write": f"{begin} + down * width + across"})
      for begin in ("plane * height", "plane * width", "plane", "plane * out_h * out_w")],
    *same(f"Every plane got the columns of plane 0. {_COLUMNS}", "read", _IN_PLANE),
    *same(_COLUMNS, "read", f"plane * out_h * out_w + {_IN_PLANE}", f"plane * kernel_h * kernel_w + {_IN_PLANE}",
          f"plane * height * width + {_IN_PLANE}", f"plane + {_IN_PLANE}"),
    *same("The place in the columns is moved on only where it is inside: each i, j, y and x has one, also outside.",
          "read", f"{_BEGIN} + np.cumsum(inside).reshape(inside.shape) - inside"),
    *same("The place in the columns is moved on once for each y: each i, j, y and x has one of its own.",
          "read", f"{_BEGIN} + (i * kernel_w + j) * out_h + y + 0 * x"),
    *EXCHANGED,
]
