"""Task 5.R: what the learner found in PyTorch's layers, and on the way of `a @ b`."""

from __future__ import annotations

import pytest

from course import reading
from terox.nn.reading import answers

pytestmark = pytest.mark.task("5.R")


@pytest.mark.parametrize("question", reading.questions(5), ids=lambda question: question.key)
def test_the_answer_is_the_name_in_pytorch(question):
    """The answer to each question is the name that PyTorch's own source has at that place."""
    reading.check_answer(question, answers)
