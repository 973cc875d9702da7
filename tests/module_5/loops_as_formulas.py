"""What comes of a slip in the loops of task 5.2: both loops as formulas, of which one or two are replaced.

A formula is what may stand in a learner's code, so a sentence can quote it. Arrays stand for whole loops. As the traced
loops do, `unfolded` and `folded` end where a place lies outside of the memory: what was written until then and the
place tell one slip from another.
"""

from __future__ import annotations

from functools import cache

import numpy as np

UNSET = -77.0  # what stands in the memory of a result before

INSIDE = "(0 <= down) & (down < height) & (0 <= across) & (across < width)"
DOWN, ACROSS = "y * stride_h - padding_h + i * dilation_h", "x * stride_w - padding_w + j * dilation_w"
# In the order in which they are computed. down, across: row and column of the plane.
UNFOLD = {"plane": "row // (kernel_h * kernel_w)", "i": "row // kernel_w % kernel_h", "j": "row % kernel_w",
          "down": DOWN, "across": ACROSS, "inside": INSIDE, "read": "(plane * height + down) * width + across",
          "write": "(row * out_h + y) * out_w + x", "outside": "0.0", "before": "0.0"}
FOLD = {"down": DOWN, "across": ACROSS, "inside": INSIDE, "write": "(plane * height + down) * width + across",
        "read": "(((plane * kernel_h + i) * kernel_w + j) * out_h + y) * out_w + x",
        "zeros_from": "plane * height * width", "zeros": "height * width"}


@cache
def _compiled(text):
    return compile(text, text, "eval")


def _computed(case, formulas, grid, exchanged=(), **names):
    """All numbers that the formulas name, of all rounds of the loops over `grid`, and the shape of these rounds.

    grid: name of a loop -> name of how often it runs. exchanged: two sizes that have changed places.
    """
    names |= dict(zip(("height", "width", "kernel_h", "kernel_w", "out_h", "out_w"), case.sizes))
    names |= {f"{name}_{way}": number for name, pair in zip(("stride", "padding", "dilation"), case.steps)
              for way, number in zip("hw", pair)}
    if exchanged:
        first, second = exchanged
        names[first], names[second] = names[second], names[first]
    shape = tuple([names[each] for each in grid.values()])
    names |= dict(zip(grid, np.meshgrid(*map(np.arange, shape), indexing="ij", sparse=True))) | {"np": np}
    for name, text in formulas.items():
        names[name] = eval(_compiled(text), {}, names)
    return names, shape


def _flat(names, wanted, shape):
    return [np.broadcast_to(names[name], shape).ravel() for name in wanted]


def _first(astray, places):
    """(how many come before the first that is astray, its place); (None, None) where there is none."""
    if not astray.any():
        return None, None
    number = int(astray.argmax())
    return number, int(places[number])


def unfolded(case, planes, changes=None):
    """(`out` as a slip in unfold_range leaves it, flat; the place outside of the memory at which it ended, or None).

    changes: name -> another formula, and "exchanged": two sizes.
    """
    changes = dict(changes or {})
    exchanged, rows = changes.pop("exchanged", ()), case.planes * case.kernel[0] * case.kernel[1]
    names, shape = _computed(case, UNFOLD | changes, {"row": "rows", "y": "out_h", "x": "out_w"}, exchanged, rows=rows)
    inside, read, write, outside = _flat(names, ("inside", "read", "write", "outside"), shape)
    out, a = np.full(int(np.prod(case.of_columns)), UNSET), planes.ravel()
    far = inside & ((read < 0) | (read >= a.size))
    stop, place = _first(far | (write < 0) | (write >= out.size), np.where(far, read, write))
    values = np.where(inside, a[np.where(inside & ~far, read, 0)] + names["before"], outside)[:stop]
    some = ~np.isnan(values)  # NaN: nothing is written
    out[write[:stop][some]] = values[some]
    return out, place


def folded(case, columns, changes=None, add=True):
    """The same for fold_range. add: whether what stands in an element is added to, and not replaced."""
    changes = dict(changes or {})
    exchanged = changes.pop("exchanged", ())
    out, a = np.full(int(np.prod(case.of_planes)), UNSET), columns.ravel()
    for plane in range(case.planes):
        grid = {"i": "kernel_h", "j": "kernel_w", "y": "out_h", "x": "out_w"}
        names, shape = _computed(case, FOLD | changes, grid, exchanged, plane=plane, planes=case.planes)
        begin, end = names["zeros_from"], names["zeros_from"] + names["zeros"]
        out[begin:end] = 0.0
        if end > out.size:
            return out, out.size
        inside, read, write = _flat(names, ("inside", "read", "write"), shape)
        read, write = read[inside], write[inside]
        far = (write < 0) | (write >= out.size)
        stop, place = _first(far | (read < 0) | (read >= a.size), np.where(far, write, read))
        if add:
            np.add.at(out, write[:stop], a[read[:stop]])
        else:
            out[write[:stop]] = a[read[:stop]]
        if place is not None:
            return out, place
    return out, None
