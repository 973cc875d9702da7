"""What all tests of module 5 share: they call kernels directly, whatever the learner's default device is."""

from __future__ import annotations

import pytest

from terox.tensors import device


@pytest.fixture(autouse=True)
def on_python():
    """A test that goes the whole way through the device "cuda" names it."""
    device.set_default_device("python")
