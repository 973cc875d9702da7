"""Terox's tensors beside PyTorch's: the same expressions on the same numbers, the same calls refused.

The table stands in `cases_*.py` and `wrong_*.py`.
"""

from __future__ import annotations

import re

import cases_autograd
import cases_graphs
import cases_indexing
import cases_layers
import cases_methods
import cases_network
import cases_pointwise
import cases_reductions
import cases_views
import pytest
import wrong_calls
import wrong_uses
from compare import differences, refusal
from deviations import DEVIATIONS, ON_CUDA

import terox
from course import manifest

DEVICES = ("python", "cpu", "cuda")
CASES = [case for part in (cases_pointwise, cases_views, cases_reductions, cases_indexing,
                           cases_methods, cases_network, cases_autograd, cases_graphs, cases_layers)
         for case in part.CASES]
WRONG_CALLS = [call for part in (wrong_calls, wrong_uses, cases_network, cases_layers) for call in part.WRONG_CALLS]
DEVIATIONS_PAGE = manifest.ROOT / "docs" / "deviations.md"

# What design.md promises of tensors: each name occurs in the table.
PROMISED = """
    tensor zeros ones full arange eye rand randn randint cat stack where maximum minimum manual_seed
    shape size dim numel dtype stride storage_offset is_contiguous contiguous view reshape permute transpose T expand
    squeeze unsqueeze flatten detach clone item numpy tolist to backward grad grad_fn is_leaf requires_grad_ retain_grad
    register_hook sum mean max min argmax var std all any exp log relu sigmoid tanh sqrt rsqrt sin cos pow abs clamp
    matmul softmax log_softmax logsumexp masked_fill gather no_grad enable_grad gradcheck
    """.split()


@pytest.fixture(params=DEVICES)
def device(request):
    """A device of terox, made the default one."""
    before = terox.get_default_device()
    terox.set_default_device(request.param)
    yield request.param
    terox.set_default_device(before)


def known_on(device):
    """The deviations that a device has."""
    return DEVIATIONS | ON_CUDA if device == "cuda" else DEVIATIONS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_expression_gives_what_torch_gives(case, device, torch):
    """Values, dtype, shape, gradients and second derivatives; of views, strides and shared storage."""
    found = differences(case, torch, terox, device)
    known = known_on(device)
    if case.name in known:
        aspect, _ = known[case.name]
        assert found, "this deviation does not deviate any more: remove it from DEVIATIONS and docs/deviations.md"
        found = [each for each in found if each.aspect != aspect]
    lines = [str(each) for each in found]
    more = f"\n... and {len(lines) - 5} more" if len(lines) > 5 else ""
    assert not found, f"{case.name}: terox differs from torch\n" + "\n".join(lines[:5]) + more


@pytest.mark.parametrize("call", WRONG_CALLS, ids=lambda call: call.name)
def test_a_wrong_call_is_refused_as_in_torch(call, device, torch):
    """The same type of exception, or a subclass, and a message that says what was wrong."""
    found = refusal(call, torch, terox)
    known = known_on(device)
    if call.name in known:
        assert found, "this deviation does not deviate any more: remove it from DEVIATIONS and docs/deviations.md"
        assert found[0] == known[call.name][0], found[1]
        return
    assert not found, f"{call.name}: {found[1]}"


def test_the_table_is_large_enough_and_has_no_name_twice():
    names = [entry.name for entry in [*CASES, *WRONG_CALLS]]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    assert len({case.run for case in CASES}) >= 150
    assert len(WRONG_CALLS) >= 60


def test_everything_that_is_promised_of_tensors_occurs_in_the_table():
    folder = manifest.ROOT / "tests" / "course" / "beside_torch"
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    missing = [name for name in PROMISED if not re.search(rf"\.{name}\b", text)]
    assert not missing


def test_every_deviation_is_an_entry_of_the_table_and_of_the_page():
    names = {entry.name for entry in [*CASES, *WRONG_CALLS]}
    everything = DEVIATIONS | ON_CUDA
    assert set(everything) <= names, set(everything) - names
    assert not set(DEVIATIONS) & set(ON_CUDA)
    page = DEVIATIONS_PAGE.read_text(encoding="utf-8")
    missing = [name for name in everything if f"`{name}`" not in page]
    assert not missing, f"not in {DEVIATIONS_PAGE.name}: {missing}"
