"""Task 2.5: when a call leaves a node in the graph, and which one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import Arguments, Kernel, called, registered, tensor, trying

import terox
from course import check
from terox._grad_mode import is_grad_enabled
from terox.tensors.dispatcher import COMPOSITE, call

pytestmark = pytest.mark.task("2.5")

KINDS = st.sampled_from(["plain", "leaf", "computed"])
JOIN = ("join(tensors, dim)", "tensors")
MIX = ("mix(a)", "a")


def check_plain(result, text, why):
    check.that(result is not None, "It returned None. Is a `return` missing?", call=text)
    check.that(not result.requires_grad, f"The result must not have a grad_fn: {why}.", call=text,
               got=result.grad_fn and result.grad_fn.name(), expected=None)


def check_node(result, name, inputs, text):
    """The result has a node of this name, whose edges lead where the gradients of `inputs` go."""
    check.that(result is not None, "It returned None. Is a `return` missing?", call=text)
    node = result.grad_fn
    check.that(node is not None, "The result has no grad_fn: this call has to be recorded.", call=text, got=None,
               expected=name)
    check.equal(node.name(), name, call=f"the name of grad_fn of the result of {text}")
    edges = [getattr(each, "_edge", None) or (None, 0) for each in inputs]
    check.that(list(node.next_functions) == edges,
               "The node's edges lead to the inputs: one for each input that can have a gradient, in their order, and "
               "None where an input requires none.", call=text,
               got=[None if node is None else node.name() for node, _ in node.next_functions],
               expected=[None if node is None else node.name() for node, _ in edges])


@st.composite
def inputs(draw):
    """Arguments that are tensors and numbers, at least one tensor."""
    spec = draw(st.lists(st.one_of(KINDS, st.sampled_from([2.0, 3])), min_size=1, max_size=3))
    return Arguments(spec if any(isinstance(each, str) for each in spec) else [*spec, draw(KINDS)])


@given(args=inputs(), recording=st.booleans(), differentiable=st.booleans())
@example(args=Arguments(["leaf"]), recording=True, differentiable=True)
@example(args=Arguments(["leaf"]), recording=False, differentiable=True)
@example(args=Arguments(["leaf"]), recording=True, differentiable=False)
@example(args=Arguments(["plain"]), recording=True, differentiable=True)
@example(args=Arguments(["plain", "leaf"]), recording=True, differentiable=True)
@example(args=Arguments(["leaf", "plain"]), recording=True, differentiable=True)
@example(args=Arguments([2.0, "leaf"]), recording=True, differentiable=True)
@example(args=Arguments(["computed", "computed"]), recording=True, differentiable=True)
def test_when_a_call_is_recorded(args, recording, differentiable):
    """A result has a node exactly where recording is on, a tensor requires grad, and the op has a derivative."""
    names = ["a", "b", "c", "d"][: len(args.values)]
    derivatives = [(f"mix({', '.join(names)})", *names)] if differentiable else []
    text = args.call("mix") + ("" if recording else ", under no_grad")
    with registered(Kernel("mix", COMPOSITE), derivatives=derivatives, recording=recording):
        result = called(text, "mix", *args.values)
    wanting = any(kind != "plain" for _, kind, _ in args.tensors)
    if recording and differentiable and wanting:
        check_node(result, "MixBackward0", args.values, text)
    else:
        check_plain(result, text, "recording is off" if not recording else
                    "the op has no derivative, and its kernel made the result without other ops" if not differentiable
                    else "no input requires grad")


@given(recording=st.booleans(), kind=KINDS, differentiable=st.booleans(), fails=st.booleans())
@example(recording=True, kind="leaf", differentiable=True, fails=False)
@example(recording=True, kind="leaf", differentiable=True, fails=True)
@example(recording=False, kind="leaf", differentiable=True, fails=False)
@example(recording=True, kind="leaf", differentiable=False, fails=False)
def test_recording_is_as_it_was(recording, kind, differentiable, fails):
    """After a call, recording is on or off as it was before, also after an error of the kernel."""
    def does(*args):
        if fails:
            raise ValueError("a kernel may fail")
        return tensor()

    text = (f'call("mix", x), where x is {kind}, recording is {"on" if recording else "off"}'
            + (", and the kernel raises an error" if fails else ""))
    with registered(Kernel("mix", COMPOSITE, does), derivatives=[MIX] * differentiable, recording=recording):
        with trying(text, "ValueError" if fails else None):
            if fails:
                check.raises(ValueError, lambda: call("mix", tensor(kind)), call=text)
            else:
                call("mix", tensor(kind))
        check.equal(is_grad_enabled(), recording, call=f"is_grad_enabled() after {text}")


@given(kinds=st.lists(KINDS, min_size=1, max_size=3), as_tuple=st.booleans(), recording=st.booleans())
@example(kinds=["leaf", "plain"], as_tuple=False, recording=True)
@example(kinds=["plain", "computed"], as_tuple=False, recording=True)
def test_tensors_in_a_list(kinds, as_tuple, recording):
    """Tensors in a list, as cat takes them, count as others do: if one of them requires grad, the call is recorded."""
    args = Arguments([tuple(kinds) if as_tuple else kinds, 0])
    text = args.call("join") + ("" if recording else ", under no_grad")
    with registered(Kernel("join", COMPOSITE), derivatives=[JOIN], recording=recording):
        result = called(text, "join", *args.values)
    if recording and any(kind != "plain" for kind in kinds):
        check_node(result, "JoinBackward0", args.values[0], text)
    else:
        check_plain(result, text, "no tensor in the list requires grad" if recording else "recording is off")


@pytest.mark.parametrize("device", ["red", COMPOSITE])
def test_a_kernel_of_any_kind_is_recorded(device):
    """Autograd stands above the kernels: the node is the same for a device's own kernel and for a composite one."""
    args = Arguments(["leaf"])
    text = f"{args.call('mix')}, whose kernel is " + ("composite" if device == COMPOSITE else "the device's own")
    with registered(Kernel("mix", device), derivatives=[MIX]):
        check_node(called(text, "mix", *args.values), "MixBackward0", args.values, text)


def parts(seen):
    """The kernel of an op that is made of two others; `seen` gets their results."""

    def kernel(x, *rest):
        first = call("stir", x)
        second = call("shake", first)
        seen.extend([first, second])
        return second

    return kernel


def test_an_op_with_a_derivative_leaves_one_node():
    """A composite op with a derivative leaves one node, which leads to its input; the ops inside it leave none."""
    seen = []
    kernels = [Kernel("mix", COMPOSITE, parts(seen)), Kernel("stir", COMPOSITE), Kernel("shake", COMPOSITE)]
    args = Arguments(["leaf"])
    text = f"{args.call('mix')}, whose kernel calls two other ops"
    with registered(*kernels, derivatives=[MIX, ("stir(a)", "a"), ("shake(a)", "a")]):
        result = called(text, "mix", *args.values)
        check_node(result, "MixBackward0", args.values, text)
        check.that(not seen[0].requires_grad, "An op inside the kernel left a node of its own. mix has a derivative, "
                   "so what its kernel does is not recorded.", call=text, got=f"{seen[0].grad_fn} inside")
        check.that(not any(kernels[0].recording), "Recording was on inside the kernel, although mix has a derivative "
                   "for all of it.", call=text)


def test_an_op_without_a_derivative_is_recorded_by_its_parts():
    """A composite op without a derivative leaves the nodes of the ops that it is made of."""
    seen = []
    kernels = [Kernel("mix", COMPOSITE, parts(seen)), Kernel("stir", COMPOSITE), Kernel("shake", COMPOSITE)]
    args = Arguments(["leaf"])
    text = f"{args.call('mix')}. mix has no derivative, and calls stir and shake, which have one"
    with registered(*kernels, derivatives=[("stir(a)", "a"), ("shake(a)", "a")]):
        result = called(text, "mix", *args.values)
    check.that(result is not None, "It returned None. Is a `return` missing?", call=text)
    check.that(result.requires_grad, "The result has no grad_fn: the ops inside the kernel were not recorded.",
               call=text, got=None, expected="ShakeBackward0")
    check_node(result, "ShakeBackward0", [seen[0]], text)
    check_node(seen[0], "StirBackward0", args.values, 'call("stir", x), inside')


def test_ops_within_ops():
    """Only the outermost op with a derivative leaves a node, however deep the others are inside it."""
    inner = []

    def outer(x):
        inner.append(call("mix", x))
        return call("shake", inner[-1])

    kernels = [Kernel("outer", COMPOSITE, outer), Kernel("mix", COMPOSITE, lambda x: call("stir", x)),
               Kernel("stir", COMPOSITE), Kernel("shake", COMPOSITE)]
    args = Arguments(["computed"])
    derivatives = [("outer(a)", "a"), ("stir(a)", "a"), ("shake(a)", "a")]
    with registered(*kernels, derivatives=derivatives):
        result, after = (called(args.call(op), op, *args.values) for op in ("outer", "mix"))
    check_node(result, "OuterBackward0", args.values, args.call("outer"))
    check.that(not inner[0].requires_grad, "An op inside left a node of its own.", call=args.call("outer"))
    check_node(after, "StirBackward0", args.values, f"{args.call('mix')}, afterwards")


def test_a_chain_of_calls():
    """The node of a second call leads to the node of the first: that is the graph."""
    x, plain = tensor("leaf"), tensor()
    with registered(Kernel("mix", COMPOSITE), Kernel("stir", "red"), derivatives=[MIX, ("stir(a, b)", "a", "b")]):
        y = called('y = call("mix", x)', "mix", x)
        z = called('z = call("stir", p, y)', "stir", plain, y)
    check_node(y, "MixBackward0", [x], 'y = call("mix", x)')
    check_node(z, "StirBackward0", [plain, y], 'call("stir", p, y), where p does not require grad')


def test_recording_inside_a_kernel():
    """Recording is off inside the kernel of a recorded op, and as it was inside that of an op without a derivative."""
    kernels = [Kernel("mix", COMPOSITE), Kernel("stir", COMPOSITE)]
    for recording in (True, False):
        with registered(*kernels, derivatives=[MIX], recording=recording):
            for op in ("mix", "stir"):
                called(f'call("{op}", x), where x requires grad', op, tensor("leaf"))
        now = "on" if recording else "off"
        check.equal(kernels[0].recording[-1], False, call=f"is_grad_enabled() inside the kernel of an op with a "
                    f"derivative, where recording is {now} outside")
        check.equal(kernels[1].recording[-1], recording, call=f"is_grad_enabled() inside the kernel of an op without a "
                    f"derivative, where recording is {now} outside")


def test_modes_within_modes():
    """enable_grad inside no_grad records again, and no_grad inside that does not."""
    x = tensor("leaf")
    with registered(Kernel("mix", COMPOSITE), derivatives=[MIX]), trying('call("mix", x)'), terox.no_grad():
        check_plain(call("mix", x), 'call("mix", x) under no_grad', "recording is off")
        with terox.enable_grad():
            check_node(call("mix", x), "MixBackward0", [x], 'call("mix", x) under enable_grad')
            with terox.no_grad():
                check_plain(call("mix", x), 'call("mix", x) under no_grad', "recording is off")
        check_plain(call("mix", x), 'call("mix", x) under no_grad', "recording is off")
