"""Pictures for the notebooks, the examples and the demo.

    graph.py    the graph of a Scalar expression, as SVG; `next_functions` as text
    tree.py     the tree of a Module, as SVG
    strides.py  which cell of memory each element of a tensor reads, as SVG
    broadcast.py  two shapes stretched to one, as SVG
    blocking.py  a product of matrices block by block, as SVG, animated
    accesses.py  which iteration of a kernel touches which memory, as SVG
    threads.py  which thread of a kernel for the GPU reads and writes what, from barrier to barrier, as SVG
    warps.py    what a warp touches at a time, in pieces of memory, as SVG
    folding.py  how a block folds its values in shared memory, as SVG
    tiling.py   a product of matrices in tiles of shared memory, as SVG, animated
    windows.py  a kernel that slides over a plane, windows as columns, as SVG, animated
    maps.py     feature maps and filters as rows of small images (matplotlib)
    plots.py    curves, decision boundaries, digits, gradient descent (matplotlib, imported when first needed)
    confusion.py  what is taken for what (matplotlib)
    roofline.py  how fast kernels are beside what the machine allows (matplotlib)
    svg.py, layers.py, cells.py, looks.py   what the SVG pictures are made of

Every picture has alternative text: `<title>` and `<desc>` in an SVG, the entry "Description" in a PNG, `alt=` where a
notebook shows it. Colors are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which the color-blind can
tell apart, and no meaning hangs on color alone.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module that defines it; imported on first use, so that the SVG pictures need no matplotlib.
_NAMES = {
    "GraphTooLarge": "graph",
    "draw_graph": "graph",
    "print_next_functions": "graph",
    "draw_modules": "tree",
    "draw_accesses": "accesses",
    "draw_blocking": "blocking",
    "draw_broadcast": "broadcast",
    "draw_folding": "folding",
    "draw_roofline": "roofline",
    "draw_sliding": "windows",
    "draw_strides": "strides",
    "draw_threads": "threads",
    "draw_tiling": "tiling",
    "draw_unfold": "windows",
    "draw_warps": "warps",
    "Svg": "svg",
    "Animation": "plots",
    "Picture": "plots",
    "alt_text": "plots",
    "confusion_matrix": "confusion",
    "decision_boundary": "plots",
    "descent": "plots",
    "digit_grid": "plots",
    "functions": "plots",
    "histogram": "plots",
    "image_row": "maps",
    "image_rows": "maps",
    "learning_curve": "plots",
    "lines": "plots",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'course.pictures' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"course.pictures.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES])
