"""Types of the compiler, in words. Provided."""

from __future__ import annotations

import re

_KINDS = (
    (r"array\(.*?, (\d)d", "a {}-D array"), (r"Literal\[int\]|u?int\d+$", "a whole number"), (r"float\d+$", "a float"),
    (r"complex", "a complex number"), (r"bool|Literal\[bool\]", "a truth value"), (r"none$|None", "None"),
    (r"(Uni|Named|StarArg)?Tuple", "a tuple"), (r"(reflected )?list|List", "a list"), (r"(reflected )?set\(", "a set"),
    (r"unicode|Literal\[str\]|\[unichr", "text"), (r"(type\(CPU)?Dispatcher|Function|type\(CPU", "a function"),
    (r"slice", "a slice"), (r"range", "a range"), (r"(class|dtype)\(", "a kind of number"), (r"Module", "a module"),
    (r"Dim3", "three numbers (`.x` is the first)"), (r"Optional", "a value or None"), (r"Dict", "a dictionary"),
)


def kind_of(kind: str) -> str:
    """A type of the compiler in words."""
    kind = kind.strip().split("=", 1)[-1] if re.match(r"\s*\w+=", kind) else kind.strip()
    for pattern, words in _KINDS:
        found = re.match(pattern, kind)
        if found:
            return words.format(*found.groups())
    return "something else"


def kinds_apart(kinds: list[str]) -> list[str]:
    """Types in words, each once; arrays say what they hold where they differ in nothing else."""
    words = [kind_of(kind) for kind in kinds]
    held = [re.match(r".*?array\((\w+), ", kind) for kind in kinds]
    if len(set(words)) < len(set(kinds)):
        words = [f"{word} of {holds[1]}" if holds else word for word, holds in zip(words, held)]
    return list(dict.fromkeys(words))


def split(text: str) -> list[str]:
    """Split at the commas that are in no brackets."""
    parts, depth, part = [], 0, ""
    for sign in text:
        depth += (sign in "([{<") - (sign in ")]}>")
        if sign == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [*parts, part] if part.strip() else parts
