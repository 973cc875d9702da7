"""The table's wrong calls, second part: dtypes and values, gradients, values that were changed in place.

The words after a call have to occur in terox's message.
"""

from __future__ import annotations

from typing import Any

from table import WrongCall

_VALUES = [
    WrongCall("bool - bool", lambda lib: lib.tensor(True) - lib.tensor(True), "sub", "bool"),
    WrongCall("- of bools", lambda lib: -lib.tensor([True]), "neg", "bool"),
    WrongCall("~ of floats", lambda lib: ~lib.ones(2), "float32"),
    WrongCall("& of floats", lambda lib: lib.ones(2) & lib.ones(2), "float32"),
    WrongCall("whole numbers to a negative power", lambda lib: lib.tensor([2]) ** -1, "power"),
    WrongCall("// of whole numbers by 0", lambda lib: lib.tensor([2]) // lib.tensor([0]), "zero"),
    WrongCall("% of whole numbers by 0", lambda lib: lib.tensor([2]) % 0, "zero"),
    WrongCall("mean of whole numbers", lambda lib: lib.tensor([1, 2]).mean(), "mean", "int64"),
    WrongCall("var of whole numbers", lambda lib: lib.tensor([1, 2]).var(), "var", "float"),
    WrongCall("softmax of whole numbers", lambda lib: lib.tensor([1, 2]).softmax(0), "softmax"),
    WrongCall("argmax of bools", lambda lib: lib.tensor([True]).argmax(), "argmax", "bool"),
    WrongCall("abs of bools", lambda lib: lib.tensor([True]).abs(), "abs", "bool"),
    WrongCall("masked_fill with a mask of floats", lambda lib: lib.zeros(2).masked_fill(lib.ones(2), 1.0), "mask",
              "bool"),
    WrongCall("where with a condition of floats", lambda lib: lib.where(lib.ones(2), lib.ones(2), lib.zeros(2)),
              "where", "bool"),
    WrongCall("prod over two dims", lambda lib: lib.ones(2, 3).prod((0, 1))),
    WrongCall("logical_and with a number", lambda lib: lib.ones(2).logical_and(1), "logical_and"),
    WrongCall("a fill with several numbers", lambda lib: lib.ones(2).fill_(lib.ones(2)), "fill_"),
    WrongCall("masked_fill with several numbers", lambda lib: lib.ones(2).masked_fill(lib.ones(2) > 0, lib.ones(2)),
              "masked_fill"),
    WrongCall("linspace of a negative number of steps", lambda lib: lib.linspace(0, 1, -1), "step"),
    WrongCall("rand of whole numbers", lambda lib: lib.rand(2, dtype=lib.int64), "rand"),
    WrongCall("a tensor of a number too large", lambda lib: lib.tensor([2**63]), "overflow"),
    WrongCall("a shape of strings", lambda lib: lib.zeros("a"), "zeros"),
    WrongCall("view as a string", lambda lib: lib.zeros(2).view("a")),
    WrongCall("from_numpy of a list", lambda lib: lib.from_numpy([1.0]), "ndarray"),
    WrongCall("to a string that is no device", lambda lib: lib.zeros(2).to("abacus"), "abacus"),
    WrongCall("clamp without ends", lambda lib: lib.ones(2).clamp(), "clamp"),
    WrongCall("floats added in place to whole numbers", lambda lib: lib.tensor([1]).add_(0.5), "float32", "int64"),
    WrongCall("/= of whole numbers", lambda lib: lib.tensor([1]).div_(2), "float32", "int64"),
    WrongCall("whole numbers added in place to bools", lambda lib: lib.tensor([True]).add_(1), "int64", "bool"),
    WrongCall("exp_ of whole numbers", lambda lib: lib.tensor([1]).exp_(), "exp", "int64"),
    WrongCall("a string added", lambda lib: lib.ones(2) + "a", "str"),
    WrongCall("None added", lambda lib: lib.ones(2) + None, "None"),
    WrongCall("a list added", lambda lib: lib.ones(2) + [1, 2], "list"),
    WrongCall("a tensor subtracted from a string", lambda lib: "a" - lib.ones(2), "str"),
    WrongCall("an order asked of a string", lambda lib: lib.ones(2) < "a", "str"),
    WrongCall("a tensor of strings", lambda lib: lib.tensor(["a"]), "str"),
    WrongCall("a tensor of None", lambda lib: lib.tensor([None]), "None"),
    WrongCall("a tensor of lists of different lengths", lambda lib: lib.tensor([[1, 2], [3]]), "2", "1"),
    WrongCall("a tensor of numbers and lists", lambda lib: lib.tensor([1, [2]])),
    WrongCall("a dtype by name", lambda lib: lib.zeros(2, dtype="float32"), "dtype"),
    WrongCall("zeros of floats", lambda lib: lib.zeros(2.5), "zeros"),
    WrongCall("full without a value", lambda lib: lib.full((2,))),
    WrongCall("arange that never arrives", lambda lib: lib.arange(0, 3, -1), "arange"),
    WrongCall("arange with step 0", lambda lib: lib.arange(0, 3, 0), "arange", "step"),
    WrongCall("eye of a negative size", lambda lib: lib.eye(-1), "eye", "-1"),
    WrongCall("randint of an empty range", lambda lib: lib.randint(3, 3, (2,)), "randint", "3"),
    WrongCall("cat of a tensor and a number", lambda lib: lib.cat([lib.ones(2), 1.0]), "cat"),
    WrongCall("cat of one tensor, not in a list", lambda lib: lib.cat(lib.ones(2)), "cat"),
    WrongCall("maximum with a number", lambda lib: lib.maximum(lib.ones(2), 1.0), "maximum"),
    WrongCall("item of several", lambda lib: lib.ones(2).item(), "2"),
    WrongCall("item of none", lambda lib: lib.zeros(0).item(), "0"),
    WrongCall("float of several", lambda lib: float(lib.ones(2))),
    WrongCall("bool of several", lambda lib: bool(lib.ones(2)), "ambiguous"),
    WrongCall("bool of none", lambda lib: bool(lib.zeros(0))),
    WrongCall("a float tensor as an index of Python", lambda lib: [1, 2][lib.tensor(1.0)], "integer"),
    WrongCall("an unknown argument", lambda lib: lib.ones(2).sum(axes=0), "axes"),
    WrongCall("a device that does not exist", lambda lib: lib.zeros(2, device="abacus"), "abacus"),
    WrongCall("transpose with one dim", lambda lib: lib.zeros(2, 3).transpose(0)),
]


def _needs_input(change: Any, run: Any) -> Any:
    """A value that `run` saves for its derivative is changed before the backward pass."""
    def call(lib: Any) -> None:
        x = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = x * 1
        z = run(lib, y)
        change(lib, y, z)
        z.sum().backward()
    return call


def _through(view: Any) -> Any:
    """Written through a view or an alias of the saved value."""
    def change(lib: Any, y: Any, z: Any) -> None:
        with lib.no_grad():
            view(y).zero_()
    return change


def _freed(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


def _freed_in_part(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    y = x.exp()
    y.sum().backward()
    (y * 2).sum().backward()


def _leaf_in_a_view(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    x[0] = 5.0


def _two_inputs(lib: Any) -> None:
    x, z = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    lib.autograd.grad((x * 2).sum(), [x, z])


def _grad_of_another_shape(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    x.grad = lib.ones(2)


def _own_function_forgets_a_gradient(lib: Any) -> None:
    class Pair(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x + y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    x = lib.ones(2, requires_grad=True)
    Pair.apply(x, x).sum().backward()


def _own_function_returns_another_shape(lib: Any) -> None:
    class Total(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return lib.ones(3, 3)

    Total.apply(lib.ones(2, requires_grad=True)).sum().backward()


_CHANGED = "modified by an inplace operation"
_GRADIENTS = [
    WrongCall("backward of several numbers", lambda lib: lib.ones(2, requires_grad=True).exp().backward(), "scalar"),
    WrongCall("backward without anything to differentiate", lambda lib: lib.ones(2).sum().backward(),
              "does not require grad"),
    WrongCall("backward twice", _freed, "second time"),
    WrongCall("backward through what was freed", _freed_in_part, "second time"),
    WrongCall("grad of what was not used", _two_inputs, "not have been used"),
    WrongCall("grad of a tensor that does not require grad", lambda lib: lib.autograd.grad(
        lib.ones(2, requires_grad=True).sum(), lib.ones(2)), "require grad"),
    WrongCall("whole numbers that require grad", lambda lib: lib.tensor([1, 2], requires_grad=True), "float"),
    WrongCall("whole numbers asked to require grad", lambda lib: lib.tensor([1, 2]).requires_grad_(), "float"),
    WrongCall("bools made to require grad", lambda lib: lib.zeros(2, dtype=lib.bool, requires_grad=True), "float"),
    WrongCall("a leaf is added to in place", lambda lib: lib.ones(2, requires_grad=True).add_(1), "leaf", "in-place"),
    WrongCall("a leaf is assigned to", _leaf_in_a_view, "leaf", "in-place"),
    WrongCall("a leaf's view is changed in place", lambda lib: lib.ones(2, requires_grad=True)[0].zero_(), "view"),
    WrongCall("a leaf's transpose is changed in place",
              lambda lib: lib.ones(2, 2, requires_grad=True).T.mul_(2), "view"),
    WrongCall("numpy of what requires grad", lambda lib: lib.ones(2, requires_grad=True).numpy(), "detach"),
    WrongCall("a result stops requiring grad", lambda lib: lib.ones(2, requires_grad=True).exp().requires_grad_(False),
              "detach"),
    WrongCall("retain_grad of a constant", lambda lib: lib.ones(2).retain_grad(), "requires_grad=False"),
    WrongCall("a hook on a constant", lambda lib: lib.ones(2).register_hook(print), "gradient"),
    WrongCall("grad set to another shape", _grad_of_another_shape, (2,), (3,)),
    WrongCall("grad set to a number", lambda lib: setattr(lib.ones(2), "grad", 1.0), "grad"),
    WrongCall("a Function forgets a gradient", _own_function_forgets_a_gradient, "Pair", "2", "1"),
    WrongCall("a Function's gradient has another shape", _own_function_returns_another_shape, "Total", (3, 3), (2,)),
    WrongCall("Parameter of a number", lambda lib: lib.nn.Parameter(1.0)),
    WrongCall("deepcopy of a result", lambda lib: __import__("copy").deepcopy(lib.ones(2, requires_grad=True) * 2)),
    WrongCall("a tensor is overwritten with a part of itself", lambda lib: (lambda a: a.copy_(a[0]))(lib.ones(2, 3))),
    WrongCall("a result is multiplied by itself in place", lambda lib: (lambda a: a.mul_(a))(
        lib.ones(2, requires_grad=True) * 1).sum().backward()),
    WrongCall("the gradient of //", lambda lib: (lib.ones(2, requires_grad=True) // 2).sum().backward()),
    WrongCall("an expanded tensor is changed in place", lambda lib: lib.zeros(1).expand(3).add_(1), "add_"),
    WrongCall("an assignment of a tensor to an expanded one",
              lambda lib: lib.zeros(1).expand(3).__setitem__(slice(0, 2), lib.ones(2))),
    WrongCall("a saved input is changed", _needs_input(lambda lib, y, z: y.add_(1), lambda lib, y: y.log()), _CHANGED),
    WrongCall("a saved output is changed", _needs_input(lambda lib, y, z: z.add_(1), lambda lib, y: y.exp()), _CHANGED),
    WrongCall("a factor is changed", _needs_input(lambda lib, y, z: y.mul_(2), lambda lib, y: y * y), _CHANGED),
    WrongCall("a saved value is assigned to", _needs_input(
        lambda lib, y, z: y.__setitem__(0, 1.0), lambda lib, y: y.sin()), _CHANGED),
    WrongCall("a saved value is changed through detach", _needs_input(
        _through(lambda y: y.detach()), lambda lib, y: y ** 2), _CHANGED),
    WrongCall("a saved value is changed through a view", _needs_input(
        _through(lambda y: y.detach()[1:]), lambda lib, y: y.cos()), _CHANGED),
    WrongCall("a saved matrix is changed through its transpose", _needs_input(
        _through(lambda y: y.detach().view(1, 3).T), lambda lib, y: y.view(1, 3) @ y), _CHANGED),
    WrongCall("a saved softmax is changed", _needs_input(
        lambda lib, y, z: z.mul_(2), lambda lib, y: y.softmax(0)), _CHANGED),
]

WRONG_CALLS = [*_VALUES, *_GRADIENTS]
