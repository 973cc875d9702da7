"""What all tests of module 5 share: small tensors, whatever the learner's default device is."""

from __future__ import annotations

import pytest

from terox.tensors import device


@pytest.fixture(autouse=True)
def on_python():
    """A test that is about another device names it."""
    device.set_default_device("python")
