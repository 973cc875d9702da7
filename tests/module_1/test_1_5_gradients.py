"""Task 1.5: gradients of expressions, through Function, engine and accumulation together."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import terox
from course import check, oracle
from course.graphs import gradient_of
from course.oracle import Dual, chain
from terox.autograd.function import Function
from terox.autograd.scalar import Scalar

pytestmark = pytest.mark.task("1.5")


class Spy(Function):
    """Twice its input. It counts the runs of its backward, and keeps the gradients that it got."""

    seen: list[float] = []

    @staticmethod
    def forward(ctx, x):
        return 2.0 * x

    @staticmethod
    def backward(ctx, upstream):
        Spy.seen.append(upstream)
        if len(Spy.seen) > 1:
            raise check.CheckFailed(
                "y.backward()",
                "the node of one operation was run a second time",
                "one run",
                "A node was run again. Run it when the last of its gradients has arrived, and only then.",
            )
        return upstream * 2.0


class Apart(Function):
    """Two results: three times the input, and five times."""

    seen: list[object] = []

    @staticmethod
    def forward(ctx, x):
        return 3.0 * x, 5.0 * x

    @staticmethod
    def backward(ctx, of_first, of_second):
        Apart.seen.append((of_first, of_second))
        return (0.0 if of_first is None else 3.0 * of_first) + (0.0 if of_second is None else 5.0 * of_second)


class Gate(Function):
    """`x + y`, but only x gets a gradient."""

    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, upstream):
        return upstream, None


def logistic(x):
    y = oracle.sigmoid(x)
    return y, y * (1.0 - y)


# Each row: how it is written, on Scalars, and (value, derivative for each operand) on numbers.
STEPS = [
    ("{0} + {1}", lambda a, b: a + b, lambda a, b: (a + b, 1.0, 1.0)),
    ("{0} * {1}", lambda a, b: a * b, lambda a, b: (a * b, b, a)),
    ("{0} - {1}", lambda a, b: a - b, lambda a, b: (a - b, 1.0, -1.0)),
    ("{0} / {1}", lambda a, b: a / b, lambda a, b: (a / b, 1.0 / b, -a / b**2)),
    ("2 - {0}", lambda a: 2 - a, lambda a: (2.0 - a, -1.0)),
    ("2 / {0}", lambda a: 2 / a, lambda a: (2.0 / a, -2.0 / a**2)),
    ("{0} - 1.5", lambda a: a - 1.5, lambda a: (a - 1.5, 1.0)),
    ("{0} / 4", lambda a: a / 4, lambda a: (a / 4.0, 0.25)),
    ("3 * {0}", lambda a: 3 * a, lambda a: (3.0 * a, 3.0)),
    ("-{0}", lambda a: -a, lambda a: (-a, -1.0)),
    ("{0} ** 2", lambda a: a**2, lambda a: (a**2, 2.0 * a)),
    ("{0} ** -1", lambda a: a**-1, lambda a: (1.0 / a, -1.0 / a**2)),
    ("abs({0})", abs, lambda a: (abs(a), math.copysign(1.0, a))),
    ("{0}.exp()", lambda a: a.exp(), lambda a: (math.exp(a), math.exp(a))),
    ("{0}.log()", lambda a: a.log(), lambda a: (math.log(a), 1.0 / a)),
    ("{0}.relu()", lambda a: a.relu(), lambda a: (max(a, 0.0), 1.0 if a > 0.0 else 0.0)),
    ("{0}.sigmoid()", lambda a: a.sigmoid(), logistic),
    ("{0}.tanh()", lambda a: a.tanh(), lambda a: (math.tanh(a), 1.0 - math.tanh(a) ** 2)),
]
LEAVES = st.lists(st.one_of(st.floats(0.5, 2.0), st.floats(-2.0, -0.5)), min_size=1, max_size=3)
CHOICES = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10
)
UPSTREAM = st.one_of(st.floats(1.5, 4.0), st.floats(-4.0, -0.5))


def build(numbers, choices):
    """The same expression on Scalars and on dual numbers.

    Returns the leaves, the last value, its Dual, which leaves it uses, all steps as text, and its name.
    """
    leaves = [Scalar(number, requires_grad=True) for number in numbers]
    scalars, duals, uses = list(leaves), Dual.inputs(numbers), [{place} for place in range(len(numbers))]
    lines = [f"{name} = {number!r}" for name, number in zip("xyz", numbers)]
    names = list("xyz"[: len(numbers)])
    for kind, first, second in choices:
        text, on_scalars, on_numbers = STEPS[kind]
        picked = [first % len(duals), second % len(duals)][: on_numbers.__code__.co_argcount]
        values = [duals[place].value for place in picked]
        if (
            any(abs(value) < 0.25 for value in values)
            or (text == "{0}.log()" and values[0] < 0.0)
            or (text == "{0}.exp()" and values[0] > 5.0)
        ):
            continue  # close to a pole or a corner, rounding errors would grow
        value, *slopes = on_numbers(*values)
        if abs(value) > 20.0:
            continue
        names.append(f"v{len(names)}")
        lines.append(f"{names[-1]} = {text.format(*[names[place] for place in picked])}")
        scalars.append(on_scalars(*[scalars[place] for place in picked]))
        duals.append(chain(value, *[(duals[place], slope) for place, slope in zip(picked, slopes)]))
        uses.append(set().union(*[uses[place] for place in picked]))
    return leaves, scalars[-1], duals[-1], uses[-1], "; ".join(lines), names[-1]


@given(numbers=LEAVES, choices=CHOICES, upstream=UPSTREAM)
@example(numbers=[3.0], choices=[(1, 0, 0)], upstream=2.0)  # x * x
@example(numbers=[2.0], choices=[(4, 0, 0), (1, 0, 1)], upstream=2.0)  # x * (2 - x)
@example(numbers=[2.0, 0.5], choices=[(3, 0, 1), (5, 2, 0), (0, 2, 3)], upstream=-3.0)  # x / y + 2 / (x / y)
def test_any_expression(numbers, choices, upstream):
    """The gradient of each leaf is the derivative, summed over all ways on which the leaf was used."""
    leaves, out, dual, used, text, last = build(numbers, choices)
    if len(numbers) > 1 or out is not leaves[0]:
        out = out * 1.0 + 0.0  # so that something was computed in any case
    out.backward(upstream)
    for place, (leaf, name) in enumerate(zip(leaves, "xyz")):
        call = f"{name}.grad after {last}.backward({upstream!r}) for {text}"
        if place not in used:
            check.that(
                leaf.grad is None,
                "The result does not depend on it, so no gradient arrives.",
                call=call,
                got=leaf.grad,
            )
            continue
        right = dual.slopes[place]
        check.close(
            gradient_of(leaf, name, call),
            upstream * right,
            call=call,
            rtol=1e-7,
            atol=1e-7 * (1.0 + abs(upstream) * dual.sizes[place]),
            mistakes={"The gradient that backward was called with was ignored.": right} if right else None,
        )


@given(uses=st.integers(1, 6), upstream=st.integers(-5, 5).filter(bool))
def test_a_node_runs_once_with_all_its_gradients(uses, upstream):
    """However often a computed value is used, its node is run once, with the sum of the gradients of all uses."""
    Spy.seen = []
    x = Scalar(3.0, requires_grad=True)
    y = Spy.apply(x)
    total, early = y * 1.0, y
    for number in range(2, uses + 1):
        early = early + y  # the ways are of different lengths
        total = total + early * float(number)
    total.backward(float(upstream))
    expected = upstream * (1 + sum(number * number for number in range(2, uses + 1)))
    check.equal(Spy.seen, [float(expected)], call=f"the gradients that a node used in {uses} ways was run with")
    check.close(gradient_of(x, "x"), 2.0 * expected, call="x.grad")


def test_a_leaf_that_is_used_twice():
    """For y = x * x the derivative is 2 * x: both uses of x count."""
    x = Scalar(3.0, requires_grad=True)
    (x * x).backward()
    check.close(
        gradient_of(x, "x"),
        6.0,
        call="x.grad after (x * x).backward() for x = 3.0",
        mistakes={"Only one of the two uses of x was counted: gradients that meet are added, not replaced.": 3.0},
    )
    y = Scalar(3.0, requires_grad=True)
    (y + y + y).backward(2.0)
    check.close(
        gradient_of(y, "y"),
        6.0,
        call="y.grad after (y + y + y).backward(2.0)",
        mistakes={"Only one of the uses of y was counted: gradients that meet are added, not replaced.": 2.0},
    )


def test_gradients_of_two_passes_add_up():
    """Each call of backward adds to grad; setting it to None begins anew; the old grad object keeps its number."""
    x = Scalar(3.0, requires_grad=True)
    (x * 2.0).backward()
    first = x.grad
    check.close(gradient_of(x, "x"), 2.0, call="x.grad after (x * 2.0).backward()")
    (x * 5.0).backward()
    check.close(
        gradient_of(x, "x"),
        7.0,
        call="x.grad after (x * 2.0).backward() and (x * 5.0).backward()",
        mistakes={"The second pass replaced the gradient of the first one; it should be added.": 5.0},
    )
    check.close(first.item(), 2.0, call="the grad of the first pass, afterwards", note="It was changed in place.")
    check.that(not x.grad.requires_grad, "grad has a history, although the pass was not recorded.", call="x.grad")
    x.grad = None
    (x * 4.0).backward()
    check.close(gradient_of(x, "x"), 4.0, call="x.grad after x.grad = None and (x * 4.0).backward()")


def test_many_levels():
    """1,000 levels of y = y + y: the derivative is 2 ** 1000, and it takes no longer than 1,000 additions."""
    Spy.seen = []
    x = Scalar(1.0, requires_grad=True)
    y = Spy.apply(x)
    for _ in range(1_000):
        y = y + y
    y.backward()
    check.close(
        gradient_of(x, "x"), 2.0**1001, call="x.grad below 1,000 levels of y = y + y, and y = 2 * x at the bottom"
    )


def test_a_long_sum():
    """A sum of 20,000 terms in a row: the graph is as deep, and every term gets its gradient."""
    x = Scalar(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + x
    y.backward()
    check.close(gradient_of(x, "x"), 20_001.0, call="x.grad for the sum of 20,001 times x")


@given(upstream=st.integers(1, 9))
def test_functions_with_several_results(upstream):
    """A Function may return a tuple; its backward gets one gradient for each result, None for one that was not
    used.
    """
    for use, seen, right in [
        (lambda a, b: a * 1.0, (1, None), 3),
        (lambda a, b: b * 1.0, (None, 1), 5),
        (lambda a, b: a + b, (1, 1), 8),
        (lambda a, b: b + b, (None, 2), 10),
    ]:
        Apart.seen = []
        x = Scalar(2.0, requires_grad=True)
        use(*Apart.apply(x)).backward(float(upstream))
        want = tuple(None if each is None else float(upstream * each) for each in seen)
        check.equal(
            Apart.seen,
            [want],
            call="the gradients that a Function with two results was run with",
            note="The number in an edge says which result a gradient belongs to.",
        )
        check.close(gradient_of(x, "x"), float(upstream * right), call="x.grad below a Function with two results")


def test_none_from_backward():
    """Where backward returns None, nothing is added, and what lies below is not kept waiting."""
    x, y = Scalar(2.0, requires_grad=True), Scalar(3.0, requires_grad=True)
    z = y * 4.0
    (Gate.apply(x, z) + z * 10.0).backward()
    check.close(gradient_of(x, "x"), 1.0, call="x.grad")
    check.close(
        gradient_of(y, "y"),
        40.0,
        call="y.grad, where one of two ways to y brings None",
        note="A gradient of None adds nothing, but its edge counts as arrived.",
    )
    x, y = Scalar(2.0, requires_grad=True), Scalar(3.0, requires_grad=True)
    Gate.apply(x, y * 4.0).backward()
    check.that(y.grad is None, "No gradient was sent to y, so y.grad stays None.", call="y.grad", got=y.grad)


def test_a_gradient_of_zero_arrives():
    """A derivative of 0.0 is a derivative: grad is 0.0 then, and not None."""
    x = Scalar(-2.0, requires_grad=True)
    (x.relu() * 3.0).backward()
    check.close(gradient_of(x, "x"), 0.0, call="x.grad after (x.relu() * 3.0).backward() for x = -2.0")


def test_values_that_need_no_gradient():
    """Numbers, Scalars without requires_grad and leaves that nobody holds any more are passed by."""
    x, plain = Scalar(2.0, requires_grad=True), Scalar(5.0)
    (x * plain * 3.0 * Scalar(7.0, requires_grad=True)).backward()
    check.close(
        gradient_of(x, "x"), 105.0, call="x.grad after (x * plain * 3.0 * Scalar(7.0, requires_grad=True)).backward()"
    )
    check.that(
        plain.grad is None, "A Scalar that does not require grad gets none.", call="plain.grad", got=plain.grad
    )


def test_the_values_at_the_time_of_the_operation_count():
    """A parameter that is changed after the forward pass does not change that pass's gradients."""
    x = Scalar(3.0, requires_grad=True)
    y = x * x
    with terox.no_grad():
        x.copy_(100.0)
    y.backward()
    check.close(gradient_of(x, "x"), 6.0, call="x.grad for y = x * x at x = 3.0, after x.copy_(100.0)")
