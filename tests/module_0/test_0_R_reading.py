"""Task 0.R: what the learner found in `torch/nn/modules/module.py` and `torch/nn/parameter.py`."""

from __future__ import annotations

import pytest

from course import reading
from terox.foundations.reading import answers

pytestmark = pytest.mark.task("0.R")


@pytest.mark.parametrize("question", reading.questions(0), ids=lambda question: question.key)
def test_the_answer_is_the_name_in_pytorch(question):
    """The answer to each question is the name that PyTorch's own source has at that place."""
    reading.check_answer(question, answers)
