"""Which of its ways `cross_entropy` goes, and what pooling refuses that PyTorch does not."""

from __future__ import annotations

import numpy as np
import pytest

import terox
from terox.nn import functional as F
from terox.parallel import handover

LOGITS = [[2.0, 1.0, -1.0], [0.0, 3.0, 1.0]]


def loss_of(device, targets=(0, 2), **options):
    input = terox.tensor(LOGITS, device=device, requires_grad=True)
    loss = F.cross_entropy(input, terox.tensor(list(targets), device=device), **options)
    loss.backward()
    return loss, input.grad.tolist()


def test_the_learners_function_runs_where_the_device_has_no_op_of_its_own():
    names, results = [], []
    for device in ("python", "cpu", "cuda"):
        loss, gradient = loss_of(device)
        names.append(loss.grad_fn.name())
        results.append(gradient)
    with handover.disabled():
        loss, gradient = loss_of("cpu")
    names.append(loss.grad_fn.name())
    results.append(gradient)
    assert [name.startswith("CrossEntropyBackward") for name in names] == [True, False, False, True], names
    np.testing.assert_allclose(results, [results[0]] * 4, rtol=1e-6)


@pytest.mark.parametrize("device", ["python", "cpu"])
def test_an_ignored_class_counts_for_nothing(device):
    loss, gradient = loss_of(device, (0, -100))
    assert gradient[1] == [0.0, 0.0, 0.0]
    alone = F.cross_entropy(terox.tensor(LOGITS[:1], device=device), terox.tensor([0], device=device))
    assert loss.item() == pytest.approx(alone.item(), rel=1e-6)


def test_a_window_without_an_element_is_refused():
    with pytest.raises(RuntimeError, match="no element"):
        F.max_pool2d(terox.zeros(1, 1, 2), (1, 2), dilation=(1, 3), padding=(0, 1))
