"""Task 0.4: what assigning to an attribute of a Module, and deleting one, does."""

from __future__ import annotations

import pytest
from boxes import Box, parameter
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.foundations.module import Module

pytestmark = pytest.mark.task("0.4")

REGISTRIES = ("_parameters", "_buffers", "_modules")
PLACES = {"parameter": "_parameters", "buffer": "_buffers", "module": "_modules", "plain": "__dict__"}


def new(kind):
    return {"parameter": parameter, "buffer": lambda: Box(2.0), "module": Module, "plain": lambda: 3.0}[kind]()


def put(module, name, kind):
    """Make `name` what `kind` says, from nothing; returns the value."""
    value = new(kind)
    if kind == "buffer":
        module.register_buffer(name, value)
    else:
        setattr(module, name, value)
    return value


def places(module, name):
    """Where a name stands."""
    own = vars(module)
    return [registry for registry in REGISTRIES if name in own[registry]] + (["__dict__"] if name in own else [])


def stands_only(module, name, place, value, call):
    """`name` stands in `place`, with this very value, nowhere else, and `module.name` finds it."""
    found = places(module, name)
    for other in found:
        if other != place:
            what = "a plain attribute, in __dict__" if other == "__dict__" else f"registered in {other}"
            check.that(False, f"The name {name!r} is still {what}. A name has one place: the old one has to be "
                       "cleared, or one value hides the other.", call=call, got=found, expected=[place])
    check.that(found == [place], f"The name {name!r} does not stand in {place}.", call=call, got=found,
               expected=[place])
    held = vars(module)[name] if place == "__dict__" else vars(module)[place][name]
    check.that(held is value, f"{place} holds another value than the one that was assigned.", call=call, got=held,
               expected=value)
    if value is None and place == "__dict__":
        return
    check.that(getattr(module, name) is value, f"module.{name} finds another value.", call=call,
               got=getattr(module, name), expected=value)


# ---- New names ----


@pytest.mark.parametrize("kind", ["parameter", "module", "plain"])
def test_assigning_registers(kind):
    """A Parameter goes to _parameters, a Module to _modules, and everything else is a plain attribute."""
    module = Module()
    value = put(module, "x", kind)
    stands_only(module, "x", PLACES[kind], value, f"module.x = {value!r}")
    for registry in REGISTRIES:
        check.equal(list(getattr(module, registry)), ["x"] if registry == PLACES[kind] else [],
                    call=f"list(module.{registry}), after module.x = {value!r}")


def test_other_values_are_plain():
    """What is no Parameter and no Module is not registered: None, lists, classes, and values without the mark."""
    module = Module()
    for value in (None, 1.0, "text", [Module()], {"a": parameter()}, Module, Box(1.0)):
        module.x = value
        stands_only(module, "x", "__dict__", value, f"module.x = {value!r}")


@given(st.lists(st.tuples(st.sampled_from("zyxwvutsrq"), st.sampled_from(["parameter", "module", "plain"])),
                min_size=1, max_size=8, unique_by=lambda entry: entry[0]))
@example([("z", "parameter"), ("a", "parameter"), ("m", "parameter")])
def test_registration_keeps_the_order(entries):
    """_parameters and _modules hold what was assigned in the order of assignment."""
    module = Module()
    for name, kind in entries:
        put(module, name, kind)
    for kind in ("parameter", "module"):
        check.equal(list(getattr(module, PLACES[kind])), [name for name, other in entries if other == kind],
                    call=f"list(module.{PLACES[kind]}), after assigning " + ", ".join(map(": ".join, entries)))


def test_subclasses_register():
    """A subclass registers in its own __init__, and two instances have nothing in common."""
    class Layer(Module):
        def __init__(self):
            super().__init__()
            self.size = 3
            self.weight = parameter()

    one, other = Layer(), Layer()
    stands_only(one, "weight", "_parameters", one.weight, "Layer()")
    stands_only(one, "size", "__dict__", 3, "Layer()")
    check.that(one.weight is not other.weight, "Two instances share a parameter: a dict must not belong to the class.",
               call="Layer().weight is Layer().weight", got=True, expected=False)


# ---- Names that stand somewhere already ----


@pytest.mark.parametrize("kind", ["parameter", "module"])
@pytest.mark.parametrize("old", ["plain", "parameter", "buffer", "module"])
def test_a_name_has_one_place(old, kind):
    """A Parameter or a Module that is assigned takes its name away from wherever else it stood."""
    module = Module()
    before = put(module, "x", old)
    value = new(kind)
    module.x = value
    stands_only(module, "x", PLACES[kind], value, f"module.x = {value!r}, where x was {before!r} in {PLACES[old]}")


@pytest.mark.parametrize("old", ["parameter", "module"])
def test_none_empties_a_slot(old):
    """None in the place of a parameter or module keeps the slot, empty; a Parameter or Module can fill it again."""
    module = Module()
    before = put(module, "x", old)
    module.x = None
    stands_only(module, "x", PLACES[old], None, f"module.x = None, where x was {before!r}")
    again = new(old)
    module.x = again
    stands_only(module, "x", PLACES[old], again, f"module.x = {again!r}, where x was an empty slot")


@pytest.mark.parametrize("old", ["parameter", "module"])
@pytest.mark.parametrize("empty", [False, True], ids=["filled", "empty"])
def test_other_values_are_refused(old, empty):
    """Any other value in the place of a parameter or module raises TypeError that names it; nothing changes."""
    module = Module()
    before = put(module, "weight_of_x", old)
    if empty:
        module.weight_of_x = before = None
    note = f"The name stands in {PLACES[old]}. A value that slips in would silently not be trained."
    for value in (1.5, 0.0, "text", [], Box(1.0)):
        call = f"module.weight_of_x = {value!r}, where it was {before!r} in {PLACES[old]}"
        check.raises(TypeError, lambda value=value: setattr(module, "weight_of_x", value), call=call,
                     mentions=("weight_of_x",), note=note)
        stands_only(module, "weight_of_x", PLACES[old], before, call + " raised TypeError")


def test_buffers_are_replaced():
    """Any other value in the place of a buffer replaces it, and stays a buffer."""
    module = Module()
    module.plain = 0.0
    before = put(module, "x", "buffer")
    for value in (Box(5.0), 4.0, None):
        module.x = value
        stands_only(module, "x", "_buffers", value, f"module.x = {value!r}, where x was the buffer {before!r}")


# ---- Before Module.__init__ ----


@pytest.mark.parametrize("kind", ["parameter", "module"])
def test_too_early(kind):
    """A Parameter or Module that is assigned before super().__init__() raises AttributeError that says so."""
    class Layer(Module):
        def __init__(self):
            self.size = 3
            self.x = new(kind)
            super().__init__()

    note = "The dicts do not exist yet. The message has to say that Module.__init__() was not called."
    check.raises(AttributeError, Layer, call=f"self.x = {new(kind)!r}, before super().__init__()",
                 mentions=("__init__",), note=note)


def test_plain_values_may_come_early():
    """A plain value may be assigned before super().__init__(), and is still there afterwards."""
    class Layer(Module):
        def __init__(self):
            self.size = 3
            super().__init__()
            self.weight = parameter()

    layer = Layer()
    stands_only(layer, "size", "__dict__", 3, "self.size = 3, before super().__init__()")
    stands_only(layer, "weight", "_parameters", layer.weight, "self.weight = Parameter, after it")


def test_properties_still_work():
    """Assigning to a property of the class calls its setter, as for any object."""
    class Layer(Module):
        @property
        def rate(self):
            return self.stored

        @rate.setter
        def rate(self, value):
            self.stored = 2.0 * value

    layer = Layer()
    layer.rate = 4.0
    note = "A plain attribute is set by object.__setattr__(self, name, value), which knows of properties."
    check.equal(vars(layer).get("stored", "the setter was not called"), 8.0,
                call="layer.rate = 4.0, with a setter that doubles", note=note)


# ---- del ----


@pytest.mark.parametrize("kind", ["parameter", "buffer", "module", "plain"])
def test_deleting(kind):
    """del module.x removes the name from wherever it stands, and nothing else."""
    module = Module()
    module.other = parameter()
    value = put(module, "x", kind)
    call = f"del module.x, where x was {value!r} in {PLACES[kind]}"
    del module.x
    check.equal(places(module, "x"), [], call=call, note=f"The name still stands in {PLACES[kind]}.")
    check.that(not hasattr(module, "x"), "module.x still finds a value.", call=call)
    check.equal(places(module, "other"), ["_parameters"], call=call, note="Another parameter is gone, too.")


def test_deleting_an_empty_slot():
    """del removes a slot that holds None, too."""
    module = Module()
    for kind in ("parameter", "module"):
        put(module, "x", kind)
        module.x = None
        del module.x
        check.equal(places(module, "x"), [], call=f"del module.x, where x was an empty slot in {PLACES[kind]}")


def test_deleting_what_is_not_there():
    """del of a name that is not there raises AttributeError."""
    module = Module()
    module.x = parameter()
    del module.x
    for name in ("x", "never"):
        check.raises(AttributeError, lambda name=name: delattr(module, name), call=f"del module.{name}",
                     note="As for any object: object.__delattr__ raises it.")


# ---- Any sequence ----


def test_all_the_way_round():
    """A name can be an attribute, a parameter, a module, a buffer and an attribute again, one after the other."""
    module = Module()
    for kind in ("plain", "parameter", "module"):
        value = put(module, "x", kind)
        stands_only(module, "x", PLACES[kind], value, f"module.x = {value!r}")
    del module.x
    stands_only(module, "x", "_buffers", put(module, "x", "buffer"), "del module.x, then register_buffer('x', ...)")
    module.x = value = parameter()
    stands_only(module, "x", "_parameters", value, f"module.x = {value!r}, where x was a buffer")
    del module.x
    stands_only(module, "x", "__dict__", put(module, "x", "plain"), "del module.x, then module.x = 3.0")


STEPS = st.tuples(st.sampled_from("xy"), st.sampled_from(["parameter", "module", "plain", "None", "buffer", "del"]))


@given(st.lists(STEPS, max_size=12))
def test_any_sequence_of_assignments(steps):
    """After any sequence of assignments and deletions, each name stands in the one place where it belongs."""
    module, model, script = Module(), {}, []
    module.first = 0.0
    for name, kind in steps:
        place = model.get(name, (None, None))[0]
        if kind == "buffer" and place not in (None, "_buffers") or kind == "del" and place is None:
            continue
        words = {"del": f"del {name}", "None": f"{name} = None", "plain": f"{name} = 3.0"}
        script.append(words.get(kind, f"{name} = a {kind}"))
        call = "; ".join(script)
        if kind == "del":
            delattr(module, name)
            del model[name]
        elif kind in ("parameter", "module", "buffer"):
            model[name] = (PLACES[kind], put(module, name, kind))
        elif kind == "plain" and place in ("_parameters", "_modules"):
            check.raises(TypeError, lambda name=name: setattr(module, name, 3.0), call=call, mentions=(name,))
        else:
            value = None if kind == "None" else 3.0
            setattr(module, name, value)
            model[name] = (place or "__dict__", value)
        for known in "xy":
            if known in model:
                stands_only(module, known, *model[known], call)
            else:
                check.equal(places(module, known), [], call=call, note=f"The name {known!r} was deleted.")
