"""Task 0.4: the walks over a tree of modules, and what `train` does to it.

Hypothesis draws a description of a tree (or of something that is no tree: shared modules, modules that contain
themselves). The modules are built from it; what they should give is found without them, from the description: all
ways that lead from the root to a module are listed, in order, and the first one gives the name.
"""

from __future__ import annotations

import pytest
from boxes import parameter
from hypothesis import example, given
from hypothesis import strategies as st

from course import check
from terox.foundations.module import Module

pytestmark = pytest.mark.task("0.4")

CHILDREN = ("left", "mid", "right")
WEIGHTS = ("w", "v")


@st.composite
def descriptions(draw, circles=True, sharing=True):
    """For each module, its slots: (parameters, children), each a dict from name to a number, or None for an empty slot.

    Module 0 is the root. A number that occurs twice is a parameter, or a module, that is shared.
    """
    size = draw(st.integers(1, 6))
    tree = [({}, {}) for _ in range(size)]
    for index in range(1, size):  # every module can be reached from the root
        free = [(above, name) for above in range(index) for name in CHILDREN if name not in tree[above][1]]
        above, name = draw(st.sampled_from(free))
        tree[above][1][name] = index
    fresh = 100
    for index, (weights, children) in enumerate(tree):
        for name in draw(st.lists(st.sampled_from(WEIGHTS), unique=True)):
            fresh += 1
            weights[name] = draw(st.sampled_from([fresh, fresh, None, *([0, 1] if sharing else [])]))
        if sharing and draw(st.booleans()):
            others = range(size) if circles else range(index + 1, size)
            children.setdefault(draw(st.sampled_from(CHILDREN)), draw(st.sampled_from([None, *others])))
    return tree


def build(tree):
    """(modules, parameters by number) of a description."""
    modules = [Module() for _ in tree]
    numbers = {number for weights, _ in tree for number in weights.values() if number is not None}
    parameters = {number: parameter() for number in sorted(numbers)}  # all equal: only `is` tells them apart
    for module, (weights, children) in zip(modules, tree):
        for name, number in weights.items():
            if number is None:
                module.register_parameter(name, None)
            else:
                setattr(module, name, parameters[number])
        for name, number in children.items():
            if number is None:
                module.register_module(name, None)
            else:
                setattr(module, name, modules[number])
    return modules, parameters


def ways(tree, here=0, path=(), passed=()):
    """Every way from a module downwards that meets no module twice: (path of names, module), in order."""
    yield path, here
    for name, child in tree[here][1].items():
        if child is not None and child not in (*passed, here):
            yield from ways(tree, child, (*path, name), (*passed, here))


def first_names(tree, prefix=""):
    """[(name, module)], each module under the first of its names."""
    found = {}
    for path, module in ways(tree):
        found.setdefault(module, ".".join([*([prefix] if prefix else []), *path]))
    return [(name, module) for module, name in found.items()]


def parameter_names(tree, modules):
    """[(name, parameter)] of some [(name, module)], each parameter under the first of its names."""
    found = {}
    for prefix, module in modules:
        for name, number in tree[module][0].items():
            if number is not None:
                found.setdefault(number, f"{prefix}.{name}" if prefix else name)
    return [(name, number) for number, name in found.items()]


def code(tree, call):
    """The call, after the code that builds the tree."""
    rows = []
    for index, (weights, children) in enumerate(tree):
        owner = f"m{index}"
        rows += [f"{owner}.{name} = {'None (an empty slot)' if number is None else f'p{number}'}" for name,
                 number in weights.items()]
        rows += [f"{owner}.{name} = {'None (an empty slot)' if number is None else f'm{number}'}" for name,
                 number in children.items()]
    return "; ".join([*rows, f"m0.{call}"])


def compare(got, expected, values, call, letter):
    """`got`, an iterable of (name, object), is what `expected` says, with objects as numbers."""
    check.that(got is not None, "It returned None.", call=call, got=got)
    got = list(got)
    check.that(all(isinstance(entry, tuple) and len(entry) == 2 for entry in got), "Pairs (name, value) were expected.",
               call=call, got=got)
    number = {id(value): f"{letter}{index}" for index, value in values}
    found = [(name, number.get(id(value)) or check.shown(value)) for name, value in got]
    wanted = [(name, f"{letter}{index}") for name, index in expected]
    check.equal(found, wanted, call=call, note=diagnosis(found, wanted, letter))


def diagnosis(found, wanted, letter):
    """What is wrong with the names, in words; None if nothing in particular."""
    what = "parameter" if letter == "p" else "module"
    names, objects = [name for name, _ in found], [value for _, value in found]
    twice = sorted({value for value in objects if objects.count(value) > 1})
    missing = [value for _, value in wanted if value not in objects]
    extra = [value for value in objects if value not in [value for _, value in wanted]]
    if any(value == "None" for value in objects):
        return "An empty slot holds None, and is left out."
    if any(name.startswith(".") for name in names):
        return "A name begins with a dot: where the prefix is empty, there is none."
    if twice:
        times = objects.count(twice[0])
        return f"{twice[0]} comes {times} times. A shared {what} comes once, under the first of its names."
    if len(found) == 1 and len(missing) >= 1 and letter == "m" and not extra:
        return ("Only the module itself came. A generator function does nothing when it is merely called: "
                "what it yields has to be yielded on.")
    if missing and not extra:
        return f"{missing[0]} is missing. Two {what}s are different ones, even if they are equal."
    if extra:
        return f"{extra[0]} does not belong here."
    if sorted(names) == sorted(name for name, _ in wanted):
        return ("The names are right, and their order is not: a module first, then its children in the order of "
                "registration, each child followed by all that is below it, before the next child.")
    return (f"The {what}s are right, and some names are not: parent's name, dot, attribute, and the prefix before all. "
            f"Where several ways lead to a {what}, it has the name of the first one, depth first: each child is "
            "followed by all that is below it, before the next child.")


SHARED = [({"w": 0}, {"left": 1, "right": 2}), ({"w": 0, "v": 101}, {"left": 3}), ({}, {"mid": 3}), ({"w": 102}, {})]
CIRCLE = [({"w": 101}, {"left": 1}), ({"w": 102}, {"left": 0, "mid": 1})]
DEEP = [({}, {"left": 1}), ({}, {"mid": 2}), ({}, {"right": 3}), ({"w": 101}, {})]
EMPTY = [({"w": None, "v": 101}, {"left": None, "right": 1}), ({"w": None}, {"mid": None})]


# ---- named_modules ----


@given(descriptions(circles=False, sharing=False))
@example(DEEP)
def test_named_modules(tree):
    """named_modules gives the module itself under "", then all below it with dotted names, depth first: each child
    followed by all that is below it, before the next child.
    """
    modules, _ = build(tree)
    got = modules[0].named_modules()
    compare(got, first_names(tree), [*enumerate(modules)], code(tree, "named_modules()"), "m")


@given(descriptions())
@example(SHARED)
@example(EMPTY)
@example(CIRCLE)
def test_named_modules_once(tree):
    """named_modules gives each module once, under its first name, also where it is shared or contains itself."""
    modules, _ = build(tree)
    values, call = [*enumerate(modules)], code(tree, "named_modules()")
    compare(modules[0].named_modules(), first_names(tree), values, call, "m")
    compare(modules[0].named_modules(), first_names(tree), values, call + ", for the second time", "m")


@given(descriptions(), st.sampled_from(["net", "a.b"]))
@example(DEEP, "net")
def test_named_modules_prefix(tree, prefix):
    """named_modules(prefix=...) puts the prefix before all names; the module itself has it alone as its name."""
    modules, _ = build(tree)
    got = modules[0].named_modules(prefix=prefix)
    compare(got, first_names(tree, prefix), [*enumerate(modules)], code(tree, f"named_modules(prefix={prefix!r})"), "m")


def test_named_modules_memo():
    """named_modules(memo) leaves out the modules that are in the memo, and everything below them."""
    tree = [({}, {"left": 1, "right": 2}), ({}, {"mid": 3}), ({}, {}), ({}, {})]
    modules, _ = build(tree)
    got = modules[0].named_modules({modules[1]})
    compare(got, [("", 0), ("right", 2)], [*enumerate(modules)], code(tree, "named_modules({m1})"), "m")
    compare(modules[0].named_modules(set(modules)), [], [*enumerate(modules)],
            code(tree, "named_modules({m0, m1, m2, m3})"), "m")


def test_named_modules_deep():
    """named_modules reaches the bottom of a deep tree."""
    top = module = Module()
    for _ in range(50):
        module.next = Module()
        module = module.next
    got = [name for name, _ in top.named_modules()]
    check.equal(got, [".".join(["next"] * depth) for depth in range(51)],
                call="50 modules, each the `next` of the one before")


# ---- named_parameters ----


@given(descriptions(circles=False, sharing=False))
@example(DEEP)
def test_named_parameters(tree):
    """named_parameters gives the parameters of the module and of all below it, with dotted names, in the order of
    named_modules.
    """
    modules, parameters = build(tree)
    got = modules[0].named_parameters()
    compare(got, parameter_names(tree, first_names(tree)), parameters.items(), code(tree, "named_parameters()"), "p")


@given(descriptions())
@example(SHARED)
@example(EMPTY)
@example(CIRCLE)
def test_named_parameters_once(tree):
    """named_parameters gives each parameter once, under its first name, and leaves out empty slots."""
    modules, parameters = build(tree)
    expected, call = parameter_names(tree, first_names(tree)), code(tree, "named_parameters()")
    compare(modules[0].named_parameters(), expected, parameters.items(), call, "p")
    compare(modules[0].named_parameters(), expected, parameters.items(), call + ", for the second time", "p")


@given(descriptions())
@example(SHARED)
@example([({"w": 5, "v": 5}, {})])
def test_named_parameters_of_one_module(tree):
    """named_parameters(recurse=False) gives the module's own parameters only."""
    modules, parameters = build(tree)
    got = modules[0].named_parameters(recurse=False)
    compare(got, parameter_names(tree, [("", 0)]), parameters.items(), code(tree, "named_parameters(recurse=False)"),
            "p")


@given(descriptions(), st.sampled_from(["net", "a.b"]), st.booleans())
@example(SHARED, "net", True)
@example(SHARED, "net", False)
def test_named_parameters_prefix(tree, prefix, recurse):
    """named_parameters(prefix=...) puts the prefix and a dot before all names."""
    modules, parameters = build(tree)
    got = modules[0].named_parameters(prefix, recurse)
    expected = parameter_names(tree, first_names(tree, prefix) if recurse else [(prefix, 0)])
    compare(got, expected, parameters.items(), code(tree, f"named_parameters({prefix!r}, {recurse})"), "p")


def test_changes_are_seen():
    """named_modules and named_parameters give what is registered now: nothing is remembered from an earlier walk."""
    module = Module()
    module.left = Module()
    module.left.w = parameter()
    names = [[name for name, _ in module.named_parameters()]]
    module.left.v = parameter()
    module.left = Module()
    module.left.u = parameter()
    names.append([name for name, _ in module.named_parameters()])
    del module.left
    names.append([name for name, _ in module.named_parameters()])
    check.equal(names, [["left.w"], ["left.u"], []],
                call="named_parameters() of a module whose `left` is replaced, then deleted")


# ---- train ----


@given(descriptions(circles=False), st.lists(st.booleans(), min_size=1, max_size=3))
@example(DEEP, [False])
@example(SHARED, [False, True])
def test_train(tree, modes):
    """train(mode) sets `training` in the module and in all below it, down to the leaves, and returns the module."""
    modules, _ = build(tree)
    for mode in modes:
        call = code(tree, f"train({mode})")
        result = modules[0].train(mode)
        check.equal([module.training for module in modules], [mode] * len(modules), call=call,
                    note=f"These are the values of `training` in m0 to m{len(modules) - 1}.")
        check.that(result is modules[0], "train has to return the module, so that model = Net().train() works.",
                   call=call,
                   got=result, expected=modules[0])


def test_train_and_eval():
    """A new module is in training mode; train() without an argument means True, and eval() means False."""
    module = Module()
    module.left = Module()
    module.left.right = None
    got = [module.training]
    for change in (module.eval, module.train, module.eval, lambda: module.left.train()):
        change()
        got.append((module.training, module.left.training))
    check.equal(got, [True, (False, False), (True, True), (False, False), (False, True)],
                call="training of a module and its child: after eval(), train(), eval(), and train() of the child")


@pytest.mark.parametrize("mode", [1, 0, None, "eval", 1.0])
def test_train_takes_a_bool(mode):
    """train raises ValueError for a mode that is not a bool, and changes nothing."""
    module = Module()
    module.left = Module()
    note = "model.train(0) or model.train('eval') is a slip that should not go through silently."
    check.raises(ValueError, lambda: module.train(mode), call=f"module.train({mode!r})", note=note)
    check.equal([module.training, module.left.training], [True, True],
                call=f"module.train({mode!r}) raised ValueError; training now")
