"""What all tests of module 3 share: they call loops directly, whatever the learner's default device is."""

from __future__ import annotations

import pytest

from terox.tensors import device


@pytest.fixture(autouse=True)
def on_python():
    """A test that goes the whole way through the device "cpu" names it."""
    device.set_default_device("python")
