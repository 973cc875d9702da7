"""Tensors in files, and all that a training run needs to go on, in one. Provided.

    save_file({"weight": w}, "w.safetensors");  load_file("w.safetensors")["weight"]
    save_checkpoint("run.safetensors", model, optimizer, {"epoch": 3})
    notes = load_checkpoint("run.safetensors", model, optimizer)

The format is safetensors: a table of names, dtypes and shapes, then the numbers. A file can hold nothing that would be
run when it is read, as a pickle can. It is written beside its place and renamed, so that the old one stays until the
new one is whole.

In PyTorch: `torch/serialization.py`, `save` and `load`, whose files are pickles; `safetensors.torch`.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from terox.tensors import dtype as dtypes
from terox.tensors.factories import from_array
from terox.tensors.tensor import Tensor

PathLike = str | os.PathLike[str]

FORMAT = "terox checkpoint 1"


class CheckpointError(RuntimeError):
    """A file that is damaged, of another kind, or not for this model. Nothing was changed."""


# ---- Tensors ----


def save_file(tensors: Mapping[str, Tensor], path: PathLike, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors with their names, and texts with theirs; where the writing fails, an old file stays as it is.

    tensors: of any dtype, shape, layout and device. Raises TypeError for what is no tensor or no text, OSError where
    the file cannot be written.
    """
    arrays = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or tensor.__class__ is not Tensor:
            raise TypeError(f"save_file(): a tensor for each name is expected, but {name!r} is a "
                            f"{type(tensor).__name__}")
        # The library takes an array's address and its number of bytes: there must be no gaps.
        arrays[name] = np.array(tensor.detach()._host(), order="C")
    for key, text in (metadata or {}).items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise TypeError(f"save_file(): metadata are texts with names, but {key!r} is a {type(text).__name__}")
    _replace(Path(os.path.realpath(path)), safetensors.numpy.save(arrays, dict(metadata) if metadata else None))


def load_file(path: PathLike, device: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file, by name, on `device` (the default device, unless given).

    Raises CheckpointError for a file that is cut off, damaged or of another kind, or holds a dtype that Terox does not
    have; OSError where it cannot be read.
    """
    return _read(path, device)[0]


def _read(path: PathLike, device: str | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the texts of a file."""
    data = Path(path).read_bytes()
    try:
        arrays = safetensors.numpy.load(data)
        # The table comes first, after its length. It was looked at by the library, so it is as it should be.
        length, = struct.unpack("<Q", data[:8])
        texts = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no whole safetensors file: {error}") from None
    except KeyError as error:
        raise CheckpointError(f"{path} holds numbers of the dtype {error.args[0]}, which Terox does not have") from None
    for name, array in arrays.items():
        if array.dtype not in [each.numpy for each in dtypes.ALL]:
            raise CheckpointError(f"{path}: {name!r} has the dtype {array.dtype}, which Terox does not have")
    return {name: from_array(np.array(array), device) for name, array in arrays.items()}, texts


def _replace(path: Path, data: bytes) -> None:
    """Make `data` the content of a file: all of it or, after an error or Ctrl-C, nothing."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # on the disk, before its name says that it is
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


# ---- Training runs ----


@dataclass
class Checkpoint:
    """The state of a training run: `state_dict()` of the model and of the optimizer, and notes, which JSON can hold."""

    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def take(model: Any, optimizer: Any = None, notes: Mapping[str, Any] | None = None) -> Checkpoint:
        """A copy of the state as it is now, whatever happens to model and optimizer."""
        state = None if optimizer is None else optimizer.state_dict()
        if state is not None:
            state["state"] = {number: {name: value.clone() for name, value in of_one.items()}
                              for number, of_one in state["state"].items()}
        return Checkpoint({name: value.clone() for name, value in model.state_dict().items()}, state,
                          dict(notes or {}))

    def save(self, path: PathLike) -> None:
        """Write it; see `save_file`."""
        tensors = {f"model.{name}": value for name, value in self.model.items()}
        texts = {"format": FORMAT, "notes": json.dumps(self.notes)}
        if self.optimizer is not None:
            for number, of_one in self.optimizer["state"].items():
                tensors |= {f"optimizer.{number}.{name}": value for name, value in of_one.items()}
            texts["optimizer"] = json.dumps(self.optimizer["param_groups"])
        save_file(tensors, path, texts)

    @staticmethod
    def read(path: PathLike, device: str | None = None) -> Checkpoint:
        """Read what `save` wrote. Raises CheckpointError, OSError."""
        tensors, texts = _read(path, device)
        if texts.get("format") != FORMAT:
            raise CheckpointError(f"{path} is a safetensors file, but no checkpoint of a training run")
        model, state = {}, {}
        try:
            notes, groups = json.loads(texts["notes"]), json.loads(texts.get("optimizer", "null"))
            for name, value in tensors.items():
                of, rest = name.split(".", 1)
                if of == "model":
                    model[rest] = value
                else:
                    number, key = rest.split(".", 1)
                    state.setdefault(int(number), {})[key] = value
            if not isinstance(notes, dict) or (groups is None) != (not state and "optimizer" not in texts):
                raise ValueError("notes or optimizer")
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"{path} is a damaged checkpoint: {error}") from None
        return Checkpoint(model, None if groups is None else {"state": state, "param_groups": groups}, notes)

    def restore(self, model: Any, optimizer: Any = None) -> None:
        """Give model and optimizer this state. Raises CheckpointError where it is not theirs; nothing is changed then.
        """
        own = model.state_dict()
        missing, unexpected = [n for n in own if n not in self.model], sorted(n for n in self.model if n not in own)
        if missing or unexpected:
            raise CheckpointError(f"This is no checkpoint of a {type(model).__name__}: "
                                  f"missing: {', '.join(missing) or 'nothing'}; "
                                  f"unexpected: {', '.join(unexpected) or 'nothing'}")
        for name, value in own.items():
            _compare(name, self.model[name], value)
        if optimizer is not None:
            if self.optimizer is None:
                raise CheckpointError("This checkpoint holds a model, but no optimizer")
            try:
                optimizer.load_state_dict(self.optimizer)  # checks before it changes anything
            except (ValueError, TypeError, KeyError) as error:
                raise CheckpointError(f"This is no checkpoint of this optimizer: {error}") from None
        model.load_state_dict(self.model)


def _compare(name: str, value: Tensor, own: Tensor) -> None:
    if value.shape != own.shape or value.dtype is not own.dtype:
        raise CheckpointError(f"{name!r} has the shape {list(value.shape)} and the dtype {value.dtype.name} in the "
                              f"checkpoint, but {list(own.shape)} and {own.dtype.name} in the model")


def save_checkpoint(path: PathLike, model: Any, optimizer: Any = None, notes: Mapping[str, Any] | None = None) -> None:
    """Write the state of a training run to a file, and with it `notes`, a dict that JSON can hold: the epoch, say."""
    Checkpoint.take(model, optimizer, notes).save(path)


def load_checkpoint(path: PathLike, model: Any, optimizer: Any = None) -> dict[str, Any]:
    """Give model and optimizer the state that a file holds, and return its notes.

    Raises CheckpointError for a file that is cut off, damaged, of another kind, or of another model or optimizer;
    OSError where it cannot be read. Nothing is changed then.
    """
    found = Checkpoint.read(path)
    found.restore(model, optimizer)
    return found.notes
