"""What all comparisons with PyTorch share: the torch that the course names, or a word about why there is none."""

from __future__ import annotations

import os

import pytest

from course import manifest, torch_source


@pytest.fixture(scope="session")
def torch():
    """PyTorch, on one thread. Without it tests are skipped, and say so; where TEROX_REQUIRE_TORCH=1 they fail."""
    release, found = manifest.load().torch, torch_source.find_torch()
    if found is None or found.version != release:
        problem = f"not compared with PyTorch {release}: " + (
            "torch is not installed" if found is None else f"torch {found.version} is installed")
        if os.environ.get("TEROX_REQUIRE_TORCH") == "1":
            pytest.fail(f"{problem}, and TEROX_REQUIRE_TORCH=1")
        pytest.skip(problem)
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
