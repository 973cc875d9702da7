"""What all tests of module 2 share: they run on the device of module 2, whatever other devices there are."""

from __future__ import annotations

import pytest

from terox.tensors import device


@pytest.fixture(autouse=True)
def on_python():
    device.set_default_device("python")
