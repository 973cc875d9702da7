"""What all tests of module 3 share: they run on the device of module 3, whatever the learner's default is."""

from __future__ import annotations

import pytest

from terox.tensors import device


@pytest.fixture(autouse=True)
def on_python():
    # The loops are called directly; tensors serve where a test needs the whole way through the device.
    device.set_default_device("python")
