"""Task 2.4: the learner's four views under the methods and the `[]` of Tensor. A view has no memory of its own.

The dispatcher is a later task: in its place, `call` here runs the op's composite kernel, and nothing else.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from layouts import Layout, layouts
from looks import check_view

from course import check
from terox.tensors import device, dispatcher, dtype
from terox.tensors.storage import Storage, TensorImpl
from terox.tensors.tensor import Tensor

pytestmark = pytest.mark.task("2.4")

VIEWS = {
    "x.T": (lambda x: x.T, lambda a: a.T),
    "x.transpose(0, 1)": (lambda x: x.transpose(0, 1), lambda a: a.swapaxes(0, 1)),
    "x.mT": (lambda x: x.mT, lambda a: a.swapaxes(-1, -2)),
    "x.permute(2, 0, 1)": (lambda x: x.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "x.expand(2, -1, -1, -1)": (lambda x: x.expand(2, -1, -1, -1), lambda a: np.broadcast_to(a, (2, *a.shape))),
    "x[:1].expand(3, -1, -1)": (lambda x: x[:1].expand(3, -1, -1), lambda a: np.broadcast_to(a[:1], (3, *a.shape[1:]))),
    "x[1]": (lambda x: x[1], lambda a: a[1]),
    "x[-1, 0]": (lambda x: x[-1, 0], lambda a: a[-1, 0]),
    "x[0, 1, 1]": (lambda x: x[0, 1, 1], lambda a: a[0, 1, 1]),
    "x[..., 1]": (lambda x: x[..., 1], lambda a: a[..., 1]),
    "x[1:, ::2]": (lambda x: x[1:, ::2], lambda a: a[1:, ::2]),
    "x[:, 1:3][1]": (lambda x: x[:, 1:3][1], lambda a: a[:, 1:3][1]),
    "x[1:][:, 1].T": (lambda x: x[1:][:, 1].T, lambda a: a[1:][:, 1].T),
    "x.narrow(1, 1, 2)": (lambda x: x.narrow(1, 1, 2), lambda a: a[:, 1:3]),
    "x.select(2, 1)": (lambda x: x.select(2, 1), lambda a: a[:, :, 1]),
    "x.unbind(1)[2]": (lambda x: x.unbind(1)[2], lambda a: a[:, 2]),
    "x.split(2, dim=1)[1]": (lambda x: x.split(2, dim=1)[1], lambda a: a[:, 2:4]),
    "x[1:1]": (lambda x: x[1:1], lambda a: a[1:1]),
    "x[1:0, 2:]": (lambda x: x[1:0, 2:], lambda a: a[1:0, 2:]),
}


@contextmanager
def no_dispatcher():
    """Wherever `call` stands, something simpler, which needs nothing of task 2.5."""

    def straight(op, *args):
        return dispatcher.KERNELS[op, dispatcher.COMPOSITE](*args)

    homes = [each for name, each in sys.modules.items()
             if name.startswith("terox.tensors.") and getattr(each, "call", None) is CALL]
    for home in homes:
        home.call = straight
    try:
        yield
    finally:
        for home in homes:
            home.call = CALL


CALL = dispatcher.call


def tensor_of(layout):
    """A tensor with this layout, in whose storage each number says where it lies."""
    storage = Storage(np.arange(layout.room(), dtype=np.float64), dtype.float64, device.check("python"))
    return Tensor._of(TensorImpl(storage, *layout))


def cubes():
    """Layouts of three dimensions, of which the second has at least three indices and the others two."""
    return st.builds(
        lambda order, gap, offset: Layout((2, 4, 3), tuple(gap * [(12, 3, 1), (1, 6, 2), (4, 1, 8)][order][d]
                                                            for d in range(3)), offset),
        st.integers(0, 2), st.integers(1, 2), st.integers(0, 3))


@pytest.mark.parametrize("text", VIEWS)
@given(layout=cubes())
@example(layout=Layout((2, 4, 3), (12, 3, 1)))
def test_views_of_tensors(text, layout):
    """A view of a tensor reads what NumPy's view reads, from the very storage of the tensor: nothing is copied."""
    view, in_numpy = VIEWS[text]
    x = tensor_of(layout)
    with no_dispatcher():
        y = view(x)
    call = f"{text} for x with sizes {layout.sizes}, strides {layout.strides} and offset {layout.offset}"
    impl = y.impl
    check_view((impl.sizes, impl.strides, impl.offset), in_numpy(layout.array()), call)
    check.that(impl.storage is x.impl.storage, "A view has the storage of its tensor.", call=call)


@given(layout=layouts(max_dims=3, sizes=st.integers(1, 3)))
def test_writing_through_a_view(layout):
    """What is written through a view is seen in its tensor, and the other way round: it is the same memory."""
    if not layout.sizes:
        layout = Layout((1,), (1,), layout.offset)
    x = tensor_of(layout)
    before = layout.array()
    with no_dispatcher():
        last = x.T[-1]
    call = f"x.T[-1] for x with sizes {layout.sizes}, strides {layout.strides} and offset {layout.offset}"
    check_view((last.impl.sizes, last.impl.strides, last.impl.offset), before.T[-1], call)
    last.numpy()[...] = -1.0
    changed = np.isin(before, before.T[-1])
    check.equal(x.tolist(), np.where(changed, -1.0, before).tolist(), call=f"x after writing -1 to y = {call}")
    x.numpy()[...] = 7.0
    check.equal(last.tolist(), np.full(last.impl.sizes, 7.0).tolist(), call=f"y = {call}, after writing 7 to all of x")
    check.equal(last.data_ptr() - x.data_ptr(), 8 * int(before.T[-1].flat[0] - layout.offset),
                call=f"how many bytes behind x the view {call} begins")


def test_new_dimensions_of_size_1():
    """x[None], x[:, None] and unsqueeze, with the view rule of task 2.1, keep what your views gave."""
    x = tensor_of(Layout((3, 4), (8, 2), 1))
    places = Layout((3, 4), (8, 2), 1).array()
    with no_dispatcher():
        cases = {
            "x[None]": (x[None], places[None]),
            "x[:, None, 1:]": (x[:, None, 1:], places[:, None, 1:]),
            "x[1:, 2].unsqueeze(1)": (x[1:, 2].unsqueeze(1), places[1:, 2][:, None]),
            "x[1:2, ::2].squeeze(0)": (x[1:2, ::2].squeeze(0), places[1, ::2]),
        }
    for text, (y, expected) in cases.items():
        check_view((y.impl.sizes, y.impl.strides, y.impl.offset), expected,
                   f"{text} for x with sizes (3, 4), strides (8, 2) and offset 1")
