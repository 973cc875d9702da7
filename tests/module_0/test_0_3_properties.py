"""Task 0.3: the learner's properties, judged by specimens."""

from __future__ import annotations

import pytest

from course.judge import judge
from course.specimens import clip, median, run_lengths, running_max
from terox.foundations import properties

pytestmark = pytest.mark.task("0.3")


def test_property_clip():
    """property_clip accepts every correct implementation of clip and rejects every faulty one."""
    judge(properties.property_clip, clip.SPECIMENS)


def test_property_median():
    """property_median accepts every correct implementation of median and rejects every faulty one."""
    judge(properties.property_median, median.SPECIMENS)


def test_property_running_max():
    """property_running_max accepts every correct implementation of running_max and rejects every faulty one."""
    judge(properties.property_running_max, running_max.SPECIMENS)


def test_property_run_lengths():
    """property_run_lengths accepts every correct implementation of run_lengths and rejects every faulty one."""
    judge(properties.property_run_lengths, run_lengths.SPECIMENS)
