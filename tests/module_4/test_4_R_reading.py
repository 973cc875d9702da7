"""Task 4.R: what the learner found in PyTorch's kernels for the GPU and its allocator."""

from __future__ import annotations

import pytest

from course import reading
from terox.cuda.reading import answers

pytestmark = pytest.mark.task("4.R")


@pytest.mark.parametrize("question", reading.questions(4), ids=lambda question: question.key)
def test_the_answer_is_the_name_in_pytorch(question):
    """The answer to each question is the name that PyTorch's own source has at that place."""
    reading.check_answer(question, answers)
