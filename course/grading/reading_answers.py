"""The answers to a reading task, N.R, read from the file as text: no code of the submission runs."""

from __future__ import annotations

import ast
from pathlib import Path

from course import reading
from course.check import CheckFailed
from course.parsing import parse
from course.runner.rows import row


def judge(module: int, text: str, tests: Path) -> str:
    """"" where every answer is right, else what is wrong with the first one that is not."""
    answers = find(text)
    if isinstance(answers, str):
        return answers
    for question in reading.questions(module, tests):
        try:
            reading.check_answer(question, lambda: answers)
        except CheckFailed as error:
            lines = [f"{module}.R failed: question {question.key}"]
            for label, said in (("Got", error.got), ("Expected", error.expected), ("Note", error.note)):
                lines += row(label, said) if said else []
            return "\n".join(lines)
    return ""


def find(text: str) -> dict[str, str | None] | str:
    """The answers that the file's `answers()` returns, where it is a dict of texts as it stands there; else why not."""
    tree = parse(text)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "answers":
            returns = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            if not returns:
                return "answers() returns nothing yet."
            value = returns[-1].value
            if len(returns) > 1 or not isinstance(value, ast.Dict):
                return "answers() has to end with `return {...}`, a dict written out: nothing of the file is run."
            found: dict[str, str | None] = {}
            for key, entry in zip(value.keys, value.values):
                if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                    return "answers(): each key has to be a letter, written as a string."
                if not isinstance(entry, ast.Constant) or not isinstance(entry.value, str | None):
                    return f"answers(): the answer to {key.value[:20]!r} has to be a name, written as a string."
                found[key.value] = entry.value
            return found
    return "The file has no function answers()."
