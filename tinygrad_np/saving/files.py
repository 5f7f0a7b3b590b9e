"""A state to a file, and back."""

from __future__ import annotations

import os
from typing import Any

from tinygrad_np.saving.atomic import replace
from tinygrad_np.saving.container import packed, unpacked
from tinygrad_np.saving.errors import CheckpointError


def save(path: str | os.PathLike[str], state: Any) -> None:
    """Save a ``state``, or the state of anything with a ``state_dict()``, as one safetensors file.

    A state is made of dictionaries with strings for keys, lists and tuples; of arrays and NumPy scalars of
    bool, integers and float16, float32 or float64; of ints of any size, floats, strings, bools and None.
    Within it, too, what has a ``state_dict()`` gives that. :func:`load` gives it back to the last bit;
    arrays come back in C order and in the machine's byte order. An array's name in the file is the path
    to it joined by dots, the name that ``state_dict`` has.

    The file is replaced as a whole: a full disk, Ctrl-C or a loss of power leaves the earlier one. Its
    permissions are kept; a symbolic link stays, and what it leads to is replaced. While it is written,
    the state is in memory once more. Raises CheckpointError if the file cannot be written, TypeError for
    what a checkpoint cannot hold (longdouble, complex, objects), ValueError if all but the arrays takes
    more than 40 MB, ImportError without safetensors. The format: https://huggingface.co/docs/safetensors

    >>> import numpy as np, tempfile, tinygrad_np as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(f"{folder}/last.safetensors", {"step": 3, "velocity": {"0.weight": np.ones(2)}})
    ...     tg.load(f"{folder}/last.safetensors")
    {'step': 3, 'velocity': {'0.weight': array([1., 1.])}}
    """
    name = _checked("save", path)
    data = packed(state)
    try:
        replace(name, data)
    except (OSError, ValueError) as error:  # ValueError: a path that no system has
        raise CheckpointError(
            f"cannot save {name!r} ({len(data):,} bytes): {error}; what was there before is as it was"
        ) from error


def load(path: str | os.PathLike[str]) -> Any:
    """The state that :func:`save` wrote to ``path``.

    Nothing in a file is executed or unpickled, and names in it are names, never paths. What a header says
    is checked against the file's size before anything is allocated: arrays take no more than the file
    does (JSON, of which there are 100 MB at most, takes up to some twenty times its length). A digest of
    everything in it is verified: it finds damage, but proves nothing about who wrote the file. Raises
    CheckpointError for a file that is missing (with FileNotFoundError as its ``__cause__``), truncated,
    changed, of another kind, of a later format or made to attack; ImportError without safetensors.

    >>> import tinygrad_np as tg
    >>> tg.load("no_such.safetensors")
    Traceback (most recent call last):
        ...
    tinygrad_np.saving.errors.CheckpointError: cannot load 'no_such.safetensors': ...No such file...
    """
    name = _checked("load", path)
    try:
        return unpacked(name)
    except CheckpointError as error:
        raise CheckpointError(f"cannot load {name!r}: {error}") from error.__cause__
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot load {name!r}: {error}; give a file that tg.save wrote") from error


def _checked(function: str, path: Any) -> str:
    """``path`` as a string; TypeError for what is none, such as a state where the path belongs."""
    if not isinstance(path, (str, os.PathLike)):
        signature = "tg.save(path, state)" if function == "save" else "tg.load(path)"
        raise TypeError(f"{signature} takes the path of a file, a string or a Path, got {type(path).__name__}")
    return os.fsdecode(path)
