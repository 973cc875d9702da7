"""Reading PyTorch: where its layers and convolutions are. Task 5.R."""

from __future__ import annotations


def answers() -> dict[str, str]:
    """The answers to the questions of task 5.R, each the name of something in PyTorch's source."""
    # TODO 5.R: one name for each question; `make read MODULE=5` prints the places.
    raise NotImplementedError("Task 5.R: answers")
