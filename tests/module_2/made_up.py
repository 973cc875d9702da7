"""Made-up ops, devices and derivatives for the tests of task 2.5, so that they need no other task.

Devices are called "red" and "blue", ops "mix", "stir" and the like. Whatever is registered here is gone afterwards.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
from hypothesis import strategies as st
from looks import asked

from terox._grad_mode import is_grad_enabled, state
from terox.autograd.node import Node
from terox.tensors import dispatcher, dtype, schema
from terox.tensors.dispatcher import KERNELS, register
from terox.tensors.storage import Storage, TensorImpl
from terox.tensors.tensor import Tensor


class Kernel:
    """Does nothing but remember with what it was called, and whether recording was on. `does` computes the result."""

    def __init__(self, op, device, does=None):
        self.op, self.device, self.does = op, device, does
        self.calls, self.recording, self.results = [], [], []

    def __call__(self, *args):
        self.calls.append(args)
        self.recording.append(is_grad_enabled())
        self.results.append(tensor(device="red") if self.does is None else self.does(*args))
        return self.results[-1]

    def __repr__(self):
        return f"<the kernel that was registered for {self.op!r} on {self.device!r}>"


@contextmanager
def registered(*kernels, derivatives=(), recording=True):
    """With these Kernels in the table, with derivatives for some ops, and with recording on or off.

    derivatives: for each op its schema and the names of its differentiable inputs, ("mix(a, b)", "a", "b").
    """
    schema.derivative_of("add")  # all entries that the course has are in the table now
    kernels_before, derivatives_before, recording_before = dict(KERNELS), dict(schema._DERIVATIVES), state.enabled
    for kernel in kernels:
        register(kernel.op, kernel.device, kernel)
    for text, *inputs in derivatives:
        schema.derivative(text, *inputs)(_formulas(len(inputs)))
    state.enabled = recording
    try:
        yield
    finally:
        state.enabled = recording_before
        for table, before in ((KERNELS, kernels_before), (schema._DERIVATIVES, derivatives_before)):
            table.clear()
            table.update(before)


def _formulas(count):
    """The function of a derivative. The tests of task 2.5 run none of its formulas."""
    return lambda: tuple([lambda grad: grad] * count)


# ---- Calls ----


def called(text, op, *args):
    """`call(op, *args)`. An error is reported with the call, `text`, and where it is a known one, with its cause."""
    with trying(text):
        return dispatcher.call(op, *args)


def trying(text, expected=None):
    """A context: an error that comes out of the learner's code is reported with the call, and in words."""
    return asked(text, expected, _cause)


def _cause(error):
    """Words for an error that a learner's `call` often makes. The traceback ends at the line in `call`."""
    before = last = error.__traceback__
    while last.tb_next is not None:
        before, last = last, last.tb_next
    function, message = last.tb_frame.f_code.co_name, str(error)
    no_list = ("An argument may be no tensor, or a list of tensors. tensors_in(args) lists the tensors, also those in "
               "a list.")
    if function == "common_device" and not isinstance(error, RuntimeError):
        before.tb_next = None
        return no_list
    if function == "record" and "'NoneType'" in message:
        return ("derivative_of(op) is None: the op has no derivative of its own. That is one of the three reasons to "
                "return just what the kernel returns.")
    if function == "record" and isinstance(error, IndexError):
        return "record gets the arguments of the op, all of them, and not the tensors alone."
    if isinstance(error, AttributeError) and message.endswith(("attribute 'device'", "attribute 'requires_grad'")):
        return no_list
    return None


# ---- Arguments ----


def tensor(kind="plain", device="red"):
    """A tensor of three numbers.

    kind: "leaf", one that requires grad; "computed", one that requires grad and has a node; "plain", neither.
    """
    made = Tensor._of(TensorImpl(Storage(np.array([1.0, 2.0, 4.0]), dtype.float64, device), (3,), (1,)))
    if kind == "leaf":
        made.requires_grad_()
    if kind == "computed":
        node = Node()
        node.next_functions = ()
        made._edge = (node, 0)
    return made


WORDS = {"leaf": "requires grad", "computed": "requires grad (it was computed)", "plain": "does not require grad"}
TENSORS = st.sampled_from(["plain", "leaf", "computed"])
OTHERS = st.sampled_from([2.0, 3, None, "mean", True, (2, 3), ()])


class Arguments:
    """The arguments of a call. `spec`: for each a kind of tensor, a list or tuple of kinds, or any other value.

    tensors: [(its name, its kind, the tensor)], in order. values: what to call with.
    """

    def __init__(self, spec, device="red"):
        self.spec, self.device, self.tensors = spec, device, []
        self.values = [self._value(each) for each in spec]

    def _value(self, each):
        if isinstance(each, str) and each in WORDS:
            made = tensor(each, self.device)
            self.tensors.append(("abcdefgh"[len(self.tensors)], each, made))
            return made
        if isinstance(each, (list, tuple)) and each and all(isinstance(one, str) for one in each):
            return type(each)(self._value(one) for one in each)
        return each

    def __repr__(self):
        return f"({', '.join(map(self.text, self.values))}), where {self._where()}"

    def text(self, value):
        """`value` as it would be written in a call."""
        for name, _, made in self.tensors:
            if made is value:
                return name
        if isinstance(value, (list, tuple)) and any(isinstance(each, Tensor) for each in value):
            inside = ", ".join(map(self.text, value))
            return f"[{inside}]" if isinstance(value, list) else f"({inside},)"
        return repr(value)

    def call(self, op):
        """The call in words."""
        return f'call({", ".join([repr(op), *map(self.text, self.values)])}), where {self._where()}'.replace("'", '"')

    def _where(self):
        return ", ".join(f"{name} {WORDS[kind]}" for name, kind, _ in self.tensors)


def arguments(most=4):
    """Tensors among other values, and in lists; at least one."""
    lists = st.lists(TENSORS, min_size=1, max_size=2)
    entry = st.one_of(TENSORS, OTHERS, lists, lists.map(tuple))
    return st.lists(entry, min_size=1, max_size=most).map(Arguments).filter(lambda made: made.tensors)
