"""What a picture of strides shows: storages, and tensors that look at them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course.pictures.cells import ALPHABETS, short

MAX_CELLS = 26  # of one storage: as many as there are letters
MAX_ELEMENTS = 36  # of one tensor


@dataclass
class Memory:
    """A storage: which one, what its cells hold ("" where that is not known), their letters, and their colors."""

    name: str
    values: list[str]
    letters: str
    colors: dict[int, int] = field(default_factory=dict)  # by place; rows of the first tensor that reads it


@dataclass
class Look:
    """A tensor: one way to look at a storage."""

    name: str
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    memory: Memory
    places: np.ndarray  # of the sizes: the place in the storage that each element reads

    def letter(self, place: int) -> str:
        """The letter of the cell at this place; "?" outside of the storage."""
        return self.memory.letters[place] if 0 <= place < len(self.memory.values) else "?"

    def value(self, place: int) -> str:
        """What the cell at this place holds."""
        return self.memory.values[place] if 0 <= place < len(self.memory.values) else ""


def looks_of(named: Mapping[str, Any], storage: Sequence[Any] | int | None) -> list[Look]:
    """The tensors of `draw_strides`, with the storages that they look at."""
    raw: list[tuple[str, tuple[int, ...], tuple[int, ...], int, np.ndarray, Any]] = []
    for name, given in named.items():
        sizes, strides, offset, held = _geometry(given)
        if len(sizes) != len(strides):
            raise ValueError(f"{name or 'the tensor'} has {len(sizes)} sizes but {len(strides)} strides: "
                             f"{sizes} and {strides}")
        if math.prod(sizes) > MAX_ELEMENTS:
            raise ValueError(f"{name or 'the tensor'} has {math.prod(sizes)} elements, too many to read in a picture; "
                             f"at most {MAX_ELEMENTS} are drawn")
        places = np.tensordot(np.array(strides, dtype=int), np.indices(sizes), 1) + offset
        raw.append((name, sizes, strides, offset, np.asarray(places, dtype=int).reshape(sizes), held))

    if storage is None:
        storage = max([int(places.max()) + 1 for *_, places, held in raw if held is None and places.size], default=0)
    memories: dict[int, Memory] = {}
    looks = []
    for name, sizes, strides, offset, places, held in raw:
        if id(held) not in memories:
            number = len(memories)
            if number == len(ALPHABETS):
                raise ValueError(f"{name} has one storage too many; at most {len(ALPHABETS)} are drawn in one picture")
            values = held.data.tolist() if held is not None else storage
            values = [""] * values if isinstance(values, int) else [short(value) for value in values]
            if len(values) > MAX_CELLS:
                raise ValueError(f"the storage has {len(values)} cells, too many to read in a picture; at most "
                                 f"{MAX_CELLS} are drawn")
            memories[id(held)] = Memory(("first", "second", "third")[number], values, ALPHABETS[number])
        memory = memories[id(held)]
        row = sizes[-1] if len(sizes) > 1 else 1
        for number, place in enumerate(places.ravel().tolist()):
            if 0 <= place < len(memory.values):
                memory.colors.setdefault(place, number // max(row, 1))
        looks.append(Look(name, sizes, strides, offset, memory, places))
    return looks


def _geometry(given: Any) -> tuple[tuple[int, ...], tuple[int, ...], int, Any]:
    """Sizes, strides, offset, and the storage if there is one."""
    if isinstance(given, (tuple, list)):
        sizes, strides, offset = [*given, 0][:3]
        return tuple(sizes), tuple(strides), int(offset), None
    impl = getattr(given, "impl", given)
    return tuple(impl.sizes), tuple(impl.strides), impl.offset, impl.storage
