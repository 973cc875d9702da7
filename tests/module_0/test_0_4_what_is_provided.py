"""Task 0.4: what is provided around the learner's part of Module works with it.

Nothing here has to be written by the learner. If one of these fails while the other tests of task 0.4 pass, the
likely cause is that names stand in the wrong dict, or in two.
"""

from __future__ import annotations

import copy
from functools import partial

import pytest
from boxes import Box, parameter

from course import check
from terox.foundations.module import Module
from terox.foundations.parameter import Parameter

pytestmark = pytest.mark.task("0.4")


class Linear(Module):
    def __init__(self, value=1.0):
        super().__init__()
        self.weight = parameter(value)

    def forward(self, x):
        return self.weight.value * x

    def extra_repr(self):
        return f"value={self.weight.value}"


class Net(Module):
    def __init__(self, first=2.0, second=3.0):
        super().__init__()
        self.first = Linear(first)
        self.second = Linear(second)
        self.bias = parameter(10.0)
        self.register_buffer("count", Box(0.0))
        self.register_buffer("scratch", Box(7.0), persistent=False)

    def forward(self, x):
        return self.second(self.first(x)) + self.bias.value


NAMES = ["bias", "count", "first.weight", "second.weight"]


# ---- Parameter ----


def test_parameters_are_marked():
    """Parameter(value) detaches the value, marks it, and is found by the module that it is assigned to."""
    module, value = Module(), Box(4.0)
    module.x = Parameter(value)
    check.that(isinstance(module.x, Parameter), "isinstance(module.x, Parameter) is False.",
               call="module.x = Parameter(Box(4.0))")
    check.that(module.x is not value and not isinstance(value, Parameter), "The original value was marked, too.",
               call="module.x = Parameter(value)")
    check.equal((module.x.value, module.x.requires_grad), (4.0, True), call="module.x = Parameter(Box(4.0))")
    module.y = Parameter(value, requires_grad=False)
    check.equal([name for name, _ in module.named_parameters()], ["x", "y"], call="named_parameters()")
    check.equal(module.y.requires_grad, False, call="Parameter(value, requires_grad=False)")


def test_numbers_are_no_parameters():
    """Parameter(3.0) raises TypeError: a number cannot hold a gradient."""
    module = Module()
    module.x = 3.0
    for value in (module.x, 3, "text", None, [Box(1.0)]):
        check.raises(TypeError, lambda value=value: Parameter(value), call=f"Parameter({value!r})",
                     mentions=("parameter",))


# ---- register_* ----


def test_registering_by_method():
    """register_parameter, register_buffer and add_module do what assigning does, for any name."""
    module = Module()
    module.w = parameter()
    module.register_parameter("p", parameter(5.0))
    module.register_parameter("none", None)
    module.register_buffer("b", Box(6.0))
    module.add_module("0", Linear())
    module.register_module("1", None)
    check.equal([name for name, _ in module.named_parameters()], ["w", "p", "0.weight"], call="named_parameters()")
    check.equal([name for name, _ in module.named_buffers()], ["b"], call="named_buffers()")
    check.equal([name for name, _ in module.named_children()], ["0"], call="named_children()")


def test_registering_refuses():
    """Names that are taken, empty or dotted, and values of the wrong kind, are refused."""
    module = Module()
    module.taken = 1.0
    for register, value in ((module.register_parameter, parameter()), (module.register_buffer, Box(1.0)),
                            (module.add_module, Module())):
        for name, error in (("taken", KeyError), ("", KeyError), ("a.b", KeyError), (3, TypeError)):
            check.raises(error, partial(register, name, value), call=f"{register.__name__}({name!r}, ...)")
    check.raises(TypeError, lambda: module.register_parameter("x", Box(1.0)), call="register_parameter('x', Box(1.0))",
                 mentions=("x",))
    check.raises(TypeError, lambda: module.add_module("x", 3.0), call="add_module('x', 3.0)")


def test_an_absent_attribute():
    """An attribute that stands nowhere raises AttributeError that names it."""
    module = Module()
    module.x = parameter()
    check.raises(AttributeError, lambda: module.missing, call="module.missing", mentions=("missing", "Module"))


# ---- Walks ----


def test_children_and_modules():
    """children() gives the direct submodules and modules() all, each once; apply() visits children first."""
    net = Net()
    net.again = net.first
    net.none = Linear()
    net.none = None
    visited = []
    check.that(net.apply(visited.append) is net, "apply has to return the module.", call="net.apply(f)")
    check.that([*net.children()] == [net.first, net.second], "children() gives others.", call="list(net.children())",
               got=[*net.children()])
    check.that([*net.modules()] == [net, net.first, net.second], "modules() gives others.", call="list(net.modules())",
               got=[*net.modules()])
    check.that(visited == [net.first, net.second, net], "apply() visits others, or in another order.",
               call="net.apply(f)", got=visited)


def test_parameters_and_buffers():
    """parameters() and buffers() are the named walks without names."""
    net = Net()
    check.equal([p.value for p in net.parameters()], [10.0, 2.0, 3.0], call="[p.value for p in net.parameters()]")
    check.equal([p.value for p in net.parameters(recurse=False)], [10.0], call="net.parameters(recurse=False)")
    check.equal([b.value for b in net.buffers()], [0.0, 7.0], call="[b.value for b in net.buffers()]")
    check.equal([name for name, _ in net.named_buffers("net")], ["net.count", "net.scratch"],
                call="net.named_buffers('net')")


def test_zero_grad_and_requires_grad():
    """zero_grad() and requires_grad_() reach every parameter."""
    net = Net()
    for p in net.parameters():
        p.grad = Box(5.0)
    net.zero_grad(set_to_none=False)
    check.equal([p.grad.value for p in net.parameters()], [0.0] * 3, call="net.zero_grad(set_to_none=False)")
    net.zero_grad()
    check.that(all(p.grad is None for p in net.parameters()), "A gradient is left.", call="net.zero_grad()")
    check.that(net.requires_grad_(False) is net, "requires_grad_ has to return the module.",
               call="net.requires_grad_(False)")
    check.equal([p.requires_grad for p in net.parameters()], [False] * 3, call="net.requires_grad_(False)")


# ---- state_dict ----


def test_state_dict():
    """state_dict() has every parameter and persistent buffer under its dotted name, without history."""
    net = Net()
    state = net.state_dict()
    check.equal(sorted(state), NAMES, call="sorted(net.state_dict())")
    check.equal({name: value.value for name, value in state.items()},
                {"bias": 10.0, "count": 0.0, "first.weight": 2.0, "second.weight": 3.0}, call="net.state_dict()")
    check.that(not any(isinstance(value, Parameter) for value in state.values()), "The values are not detached.",
               call="net.state_dict()")


def test_state_dict_of_shared_values():
    """state_dict() has a shared parameter under each of its names, and leaves out empty slots."""
    net = Net()
    net.second.weight = net.first.weight
    net.bias = None
    check.equal(sorted(net.state_dict()), NAMES[1:], call="sorted(net.state_dict())")


def test_load_state_dict():
    """load_state_dict() copies values into the parameters that are there; optimizers keep hold of them."""
    net, other = Net(), Net(5.0, 6.0)
    before = dict(net.named_parameters())
    other.count = Box(9.0)
    result = net.load_state_dict(other.state_dict())
    check.equal(tuple(result), ([], []), call="net.load_state_dict(...)")
    check.equal({name: value.value for name, value in net.state_dict().items()},
                {"bias": 10.0, "count": 9.0, "first.weight": 5.0, "second.weight": 6.0},
                call="net.load_state_dict(...)")
    check.that(all(value is before[name] for name, value in net.named_parameters()), "A parameter was replaced.",
               call="net.load_state_dict(...)")


def test_load_state_dict_is_strict():
    """load_state_dict() names every missing and unexpected key, and copies nothing; strict=False takes what fits."""
    net, state = Net(), Net(5.0, 6.0).state_dict()
    state["extra"] = state.pop("first.weight")
    check.raises(RuntimeError, lambda: net.load_state_dict(state), call="net.load_state_dict(...)",
                 mentions=("first.weight", "extra", "Net"))
    check.equal(net.second.weight.value, 3.0, call="net.second.weight after the error")
    result = net.load_state_dict(state, strict=False)
    check.equal(tuple(result), (["first.weight"], ["extra"]), call="net.load_state_dict(..., strict=False)")
    check.equal((net.first.weight.value, net.second.weight.value), (2.0, 6.0),
                call="net.load_state_dict(..., strict=False)")
    check.raises(TypeError, lambda: net.load_state_dict([1, 2]), call="net.load_state_dict([1, 2])")


def test_numbers_as_buffers():
    """A buffer may be a plain number; it is saved and loaded as well."""
    module, other = Module(), Module()
    for each, value in ((module, 1.0), (other, 2.0)):
        each.child = Module()
        each.child.register_buffer("steps", value)
    check.equal(module.state_dict(), {"child.steps": 1.0}, call="module.state_dict()")
    module.load_state_dict(other.state_dict())
    check.equal(module.child.steps, 2.0, call="module.child.steps after load_state_dict")
    module.child.steps += 1.0
    check.equal(module.state_dict(), {"child.steps": 3.0}, call="module.state_dict() after module.child.steps += 1.0")


# ---- Calling and hooks ----


def test_calling():
    """Calling a module calls forward; one without forward raises NotImplementedError that names the class."""
    net = Net()
    check.equal(net(1.0), 16.0, call="net(1.0)")
    empty = Module()
    empty.x = 1.0
    check.raises(NotImplementedError, lambda: empty(1.0), call="Module()(1.0)", mentions=("Module", "forward"))


def test_hooks():
    """Hooks see, and may replace, what goes in and what comes out; their handles take them away again."""
    net, seen = Net(), []
    before = net.first.register_forward_pre_hook(lambda module, args: (args[0] + 1.0,))
    after = net.first.register_forward_hook(lambda module, args,
                                            output: seen.append((module is net.first, args, output)))
    check.equal(net(1.0), 22.0, call="net(1.0), with a hook that adds 1 to the argument of net.first")
    check.equal(seen, [(True, (2.0,), 4.0)], call="what the forward hook saw")
    before.remove()
    before.remove()
    with net.register_forward_hook(lambda module, args, output: -output):
        check.equal(net(1.0), -16.0, call="net(1.0), with a hook that negates the output")
    after.remove()
    check.equal((net(1.0), len(seen)), (16.0, 2), call="net(1.0), after all hooks were removed")


# ---- Printing and copying ----


def test_repr():
    """repr shows the tree, one line for each module, with extra_repr between the parentheses."""
    net = Net()
    net.second.deep = Module()
    check.equal(repr(net),
                "Net(\n  (first): Linear(value=2.0)\n  (second): Linear(\n    value=3.0\n    (deep): Module()\n  )\n)",
                call="repr(net)")


def test_deep_copies():
    """A deep copy is a tree of its own, with the names of the original."""
    net = Net()
    other = copy.deepcopy(net)
    other.first.weight.value = 50.0
    other.extra = parameter()
    check.equal([name for name, _ in net.named_parameters()], ["bias", "first.weight", "second.weight"],
                call="net, after its copy was changed")
    check.equal(net.first.weight.value, 2.0, call="net.first.weight, after that of its copy was changed")
    check.equal([name for name, _ in other.named_parameters()], ["bias", "extra", "first.weight", "second.weight"],
                call="the copy of net")
