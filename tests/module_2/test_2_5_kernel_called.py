"""Task 2.5: `call` runs the right kernel, once, with the arguments as they are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import Arguments, Kernel, arguments, called, registered, tensor, trying

from course import check
from terox.tensors.dispatcher import COMPOSITE, call

pytestmark = pytest.mark.task("2.5")


def check_called(kernel, args, result, call_text):
    """The kernel was called once, with the very arguments, and its result came back."""
    note = f"It was called {len(kernel.calls)} times."
    check.that(len(kernel.calls) == 1, f"{kernel!r} is to be called, once.", call=call_text, note=note)
    got = kernel.calls[0]
    words = [args.text(value) for value in got]
    wanted = [args.text(value) for value in args.values]
    check.that(len(got) == len(args.values) and all(a is b for a, b in zip(got, args.values)),
               "The kernel gets the arguments of the op, all of them, in their order and as they are.",
               call=call_text, got=f"kernel({', '.join(words)})", expected=f"kernel({', '.join(wanted)})")
    check.that(result is kernel.results[0], "It returned None. Is a `return` missing?" if result is None else
               "What the kernel returns is the result.", call=call_text)


@given(args=arguments())
@example(args=Arguments(["plain"]))
@example(args=Arguments([2.0, "plain"]))
@example(args=Arguments([["plain", "plain"], 0]))
@example(args=Arguments(["leaf", (2, 3), None, "mean"]))
def test_the_kernel_gets_the_arguments(args):
    """The kernel is called once, with the arguments as they are; what it returns is the result."""
    kernel = Kernel("mix", COMPOSITE)
    with registered(kernel):
        result = called(args.call("mix"), "mix", *args.values)
    check_called(kernel, args, result, args.call("mix"))


@given(kinds=st.lists(st.sampled_from(["plain", "leaf", "computed"]), min_size=1, max_size=3))
@example(kinds=["leaf"])
@example(kinds=["plain", "plain"])
def test_the_kernel_of_a_differentiable_op_gets_the_arguments(kinds):
    """The kernel of an op with a derivative, too, is called once, with the arguments as they are, recorded or not."""
    args = Arguments([*kinds, 2.0])
    names = ["a", "b", "c", "d"][: len(kinds)]
    kernel = Kernel("mix", COMPOSITE)
    with registered(kernel, derivatives=[(f"mix({', '.join(names)}, n)", *names)]):
        result = called(args.call("mix"), "mix", *args.values)
    check_called(kernel, args, result, args.call("mix"))


@pytest.mark.parametrize("value", [7, None, (1, 2), "word"], ids=str)
def test_a_result_that_is_no_tensor(value):
    """The kernel of an op without a derivative may return anything: call returns it as it is."""
    kernel, text = Kernel("mix", COMPOSITE, lambda *args: value), f'call("mix", x), whose kernel returns {value!r}'
    with registered(kernel):
        got = called(text, "mix", tensor("leaf"))
    check.equal(got, value, call=text)


@given(device=st.sampled_from(["red", "blue"]), spec=st.sampled_from([
    ["plain"], ["plain", "plain"], [2.0, "plain"], [None, (2, 3), "leaf"], [["plain", "plain"], 0], [("plain",)],
]))
def test_the_device_is_that_of_the_tensors(device, spec):
    """The kernel is that of the device on which the tensors are, wherever among the arguments they stand."""
    args = Arguments(spec, device)
    kernels = {place: Kernel("mix", place) for place in ("red", "blue", COMPOSITE)}
    with registered(*kernels.values()):
        result = called(args.call("mix"), "mix", *args.values)
    for place, kernel in kernels.items():
        check.that(place == device or not kernel.calls, f"The tensors are on {device!r}, and the kernel of {place!r} "
                   "was called.", call=args.call("mix"))
    check_called(kernels[device], args, result, args.call("mix"))


def test_the_composite_kernel_for_a_device_without_one():
    """On a device that has no kernel of its own for the op, the composite kernel does it."""
    args = Arguments(["plain", 2.0], "blue")
    kernel = Kernel("mix", COMPOSITE)
    with registered(Kernel("mix", "red"), kernel):
        result = called(args.call("mix"), "mix", *args.values)
    check_called(kernel, args, result, args.call("mix"))


@pytest.mark.parametrize("place", ["two arguments", "a number first", "in a list", "one in a list", "three"])
@pytest.mark.parametrize("kind", ["plain", "leaf"])
def test_different_devices(place, kind):
    """Tensors on different devices are an error that names the op and both devices, and no kernel is called."""
    red, blue = tensor(kind, "red"), tensor(kind, "blue")
    args = {"two arguments": (red, blue), "a number first": (2.0, red, blue), "in a list": ([red, blue], 0),
            "one in a list": (red, [red, blue]), "three": (blue, blue, red)}[place]
    kernels = [Kernel("mix", device) for device in ("red", "blue", COMPOSITE)]
    text = {"two arguments": "r, b", "a number first": "2.0, r, b", "in a list": "[r, b], 0",
            "one in a list": "r, [r, b]", "three": "b, b, r"}[place]
    words = f'call("mix", {text}), where r is a tensor on "red" and b one on "blue"'
    with registered(*kernels), trying(words, "RuntimeError"):
        check.raises(RuntimeError, lambda: call("mix", *args), mentions=("mix", "red", "blue"), call=words)
    check.that(not any(kernel.calls for kernel in kernels), "A kernel was called before the error.",
               call=f'call("mix", {text})')


def test_no_kernel():
    """An op that the device cannot do is a NotImplementedError, which names the op and the device."""
    text = 'call("mix", x), where x is on "red", and "mix" is registered on "blue" alone'
    with registered(Kernel("mix", "blue")), trying(text, "NotImplementedError"):
        for kind in ("plain", "leaf"):
            check.raises(NotImplementedError, lambda kind=kind: call("mix", tensor(kind)), mentions=("mix", "red"),
                         call=text)


def test_an_error_of_the_kernel():
    """An error of the kernel comes through as it is, and the kernel is not called again, nor another one."""
    class Broken(Exception):
        pass

    for error in (Broken("no"), NotImplementedError("not for these numbers"), RuntimeError("shapes")):
        def fail(*args, error=error):
            raise error

        for kind in ("plain", "leaf"):
            own, other = Kernel("mix", "red", fail), Kernel("mix", COMPOSITE)
            text = f'call("mix", x), whose kernel raises {error!r}'
            with registered(own, other, derivatives=[("mix(a)", "a")]), trying(text, repr(error)):
                got = check.raises(type(error), lambda kind=kind: call("mix", tensor(kind)), call=text,
                                   note="The kernel's error has to come through.")
            check.that(got is error, "The kernel's own error has to come through.", call=text, got=got)
            check.that(len(own.calls) == 1 and not other.calls, "After an error, no kernel is called any more.",
                       call=text)
