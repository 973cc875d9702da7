"""Implementations for task 0.3: correct ones, written in different ways, and faulty ones, with one fault each.

The properties that a learner writes are judged by them (`course/judge.py`): a good property accepts every
correct specimen and rejects every faulty one.

If you are that learner: open these files after you pass. A property that was written against known faults
finds those and no others.
"""

from __future__ import annotations

from course.specimens.collection import Collection, Specimen

__all__ = ["Collection", "Specimen"]
