"""The formulas that judge module 1 agree with derivatives found by trying."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course import oracle

NUMBERS = st.floats(-3.0, 3.0)


@pytest.mark.parametrize("name", oracle.OPERATIONS)
@given(data=st.data())
def test_the_derivatives_are_those_of_the_values(name, data):
    operation = oracle.OPERATIONS[name]
    values = [data.draw(NUMBERS) for _ in range(operation.arity)]
    assume(operation.usual(*values) and min(map(abs, values)) > 0.3)
    for arg, expected in enumerate(operation.derivatives(*values)):
        assert math.isclose(oracle.derivative(operation.value, values, arg), expected, rel_tol=1e-6, abs_tol=1e-8)


@given(x=st.floats(0.5, 3.0), n=st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, -0.5, 2.5]))
def test_the_power_rule(x, n):
    assert math.isclose(oracle.derivative(lambda v: oracle.power(v, n), [x]), oracle.power_derivative(x, n),
                        rel_tol=1e-6, abs_tol=1e-8)


@given(logit=st.floats(-30.0, 30.0), target=st.sampled_from([0.0, 1.0, 0.25]))
def test_the_loss_is_the_cross_entropy(logit, target):
    p, q = oracle.sigmoid(logit), oracle.sigmoid(-logit)
    assert math.isclose(oracle.bce_with_logits(logit, target), -target * math.log(p) - (1.0 - target) * math.log(q),
                        rel_tol=1e-9, abs_tol=1e-12)


@given(x=NUMBERS, y=NUMBERS)
def test_dual_numbers_give_the_product_rule(x, y):
    a, b = oracle.Dual.inputs([x, y])
    product = oracle.chain(x * y, (a, y), (b, x))
    assert product.slopes == (y, x) and product.sizes == (abs(y), abs(x))
