"""Task 2.5: from an op and a device to the kernel."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from looks import asked
from made_up import Kernel, registered

from course import check
from terox.tensors.dispatcher import COMPOSITE, KERNELS, find_kernel, register

pytestmark = pytest.mark.task("2.5")

ENTRIES = st.tuples(st.sampled_from(["mix", "stir"]), st.sampled_from(["red", "blue", COMPOSITE]))


def check_found(op, device):
    """find_kernel gives what a look at every entry of the table gives."""
    own = [kernel for (name, place), kernel in KERNELS.items() if name == op and place == device]
    for_all = [kernel for (name, place), kernel in KERNELS.items() if name == op and place == COMPOSITE]
    known = [f'("{name}", "{place}")' for name, place in KERNELS if name in ("mix", "stir")]
    call = (f'find_kernel("{op}", "{device}"), where {", ".join(known) or "nothing"} '
            f'{"are" if len(known) > 1 else "is"} registered')
    if not own and not for_all:
        note = "There is neither a kernel of the device nor a composite one. Raise what no_kernel makes."
        with asked(call, "NotImplementedError", lambda error: note):
            error = check.raises(NotImplementedError, lambda: find_kernel(op, device), call=call, note=note)
        for name in (op, device):
            if name not in str(error):
                raise check.CheckFailed(
                    call, f'NotImplementedError; the message of your error was "{error}"',
                    f'NotImplementedError whose message names "{op}" and "{device}"',
                    f'The message has to name op and device, and does not name "{name}". Raise what no_kernel makes.')
        return
    with asked(call, repr((own or for_all)[0]), lambda error: "There is a kernel, and it was not found."
               if isinstance(error, (LookupError, NotImplementedError)) else None):
        got = find_kernel(op, device)
    mistakes = {"The kernel of another device was taken.": [
        kernel for (name, place), kernel in KERNELS.items() if name == op and place not in (device, COMPOSITE)]}
    if own and for_all:
        mistakes["The device has a kernel of its own, which goes before the composite one."] = for_all
    expected = (own or for_all)[0]
    note = next((text for text, wrong in mistakes.items() if any(got is each for each in wrong)), None)
    if note is None and isinstance(got, NotImplementedError):
        note = "The error was returned, although there is a kernel."
    if note is None and isinstance(got, Kernel) and (got.op, got.device) == (expected.op, expected.device):
        note = "That kernel was registered before, and another one since: is something kept between calls?"
    if note is None and not isinstance(got, Kernel):
        note = "It returned None. Is a `return` missing?" if got is None else (
            "The kernel itself is to be returned, as it was registered: not a wrapper, and not what it returns.")
    check.that(got is expected, note or "That is the kernel of another op.", call=call, got=got, expected=expected)


@given(entries=st.lists(ENTRIES, unique=True, max_size=4), op=st.sampled_from(["mix", "stir"]),
       device=st.sampled_from(["red", "blue"]))
@example(entries=[("mix", "red"), ("mix", COMPOSITE)], op="mix", device="red")
@example(entries=[("mix", COMPOSITE), ("mix", "red")], op="mix", device="red")
@example(entries=[("mix", COMPOSITE)], op="mix", device="red")
@example(entries=[("mix", "red")], op="mix", device="red")
@example(entries=[("mix", "blue"), ("mix", COMPOSITE)], op="mix", device="red")
@example(entries=[("mix", "blue")], op="mix", device="red")
@example(entries=[("stir", "red"), ("stir", COMPOSITE)], op="mix", device="red")
@example(entries=[], op="mix", device="red")
def test_the_kernel_for_a_device(entries, op, device):
    """find_kernel gives the device's own kernel for the op; where there is none, the composite one; or an error."""
    with registered(*(Kernel(*entry) for entry in entries)):
        before = dict(KERNELS)
        check_found(op, device)
        check.that(KERNELS == before, "Looking for a kernel changes nothing in the table.",
                   call=f'find_kernel("{op}", "{device}")')


def test_no_kernel_of_another_device():
    """A device without a kernel, its own or composite, does not get that of another device, be it "python"."""
    with registered(Kernel("mix", "python")):
        check_found("mix", "red")


@given(entries=st.lists(ENTRIES, min_size=1, max_size=5))
@example(entries=[("mix", COMPOSITE), ("mix", "red")])
@example(entries=[("mix", "red"), ("mix", "red")])
@example(entries=[("mix", COMPOSITE), ("mix", COMPOSITE)])
def test_what_is_registered_counts_at_once(entries):
    """A kernel that is registered later is found from then on, also where the same was looked for before."""
    with registered():
        for entry in entries:
            register(*entry, Kernel(*entry))
            for op in ("mix", "stir"):
                check_found(op, "red")
