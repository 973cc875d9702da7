"""What is judged once more, and beside what else of the submission: its parts may be made for each other.

A forward that saves its output is right, and so is the backward that expects an output; over the reference's forward,
which saves its input, it is not.
"""

from __future__ import annotations

from course.grading.collect import Submission
from course.grading.results import FAILED, PASSED, TaskGrade
from course.manifest import Manifest, Task

Found = dict[str, TaskGrade]


def what_passed(found: Found, submission: Submission, manifest: Manifest) -> list[tuple[Task, list[Task]]]:
    """What failed, each with the tasks of its module that passed; with helpers in other files, too."""
    again = []
    for task in _failed(found, manifest):
        passed = _of_module(task, found, PASSED, manifest)
        elsewhere = set(manifest.module(task.module).files) - set(task.files)
        again += [(task, passed)] if passed or elsewhere & set(submission.files) else []
    return again


def what_it_needs(found: Found, submission: Submission, manifest: Manifest) -> list[tuple[Task, list[Task]]]:
    """What still failed, each also with what it builds on though that has failed: it may have saved what it should,
    and be wrong in something else.
    """
    again = []
    for task in _failed(found, manifest):
        needed = manifest.requirements(task.id)
        wrong = [each for each in _of_module(task, found, FAILED, manifest) if each.id in needed]
        again += [(task, [*_of_module(task, found, PASSED, manifest), *wrong])] if wrong else []
    return again


def _failed(found: Found, manifest: Manifest) -> list[Task]:
    return [manifest.task(name) for name, result in found.items()
            if not name.endswith(".R") and FAILED in (result.public, result.sealed)]


def _of_module(task: Task, found: Found, status: str, manifest: Manifest) -> list[Task]:
    """The other tasks of its module with this status."""
    return [each for each in manifest.module(task.module).tasks
            if each != task and not each.id.endswith(".R") and each.id in found and found[each.id].status == status]
