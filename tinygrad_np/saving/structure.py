"""A state as a file holds it: its arrays by dotted name, and all the rest as JSON, from which it is put together.

JSON has no place for some of what a state holds. That is written as an object with one key that starts with ``$``:

    {"$array": "0.weight"}              an array, by its name in the file
    {"$scalar": ["float32", "0000803f"]}  a NumPy scalar: its dtype and its bytes, little-endian
    {"$int": "0x1fffffffffffff0"}       an integer that other readers of JSON would round
    {"$float": "7ff0000000000000"}      a float that is not finite: its bits (NaNs differ in theirs)
    {"$tuple": [1, 2]}                  a tuple
    {"$dict": [["$key", 1]]}            a dictionary, one of whose keys starts with $
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = {np.dtype(bool).name} | {f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)}
DTYPES |= {"float16", "float32", "float64"}

DEPTH = 100  # of containers within each other: far more than a state has, far less than Python's stack holds
EXACT = 2**53  # integers up to here are floats as well, which is what other readers of JSON take them for

INSTEAD = {
    "Tensor": "give its .data",
    "Generator": "give tinygrad_np.states.of_generator(rng)",
    "set": "give sorted(...)",
    "bytes": "give np.frombuffer(..., np.uint8)",
    "complex": "give [z.real, z.imag]",
    "str_": "give str(...)",
}


class Taken:
    """A state taken apart: ``structure``, which JSON can hold, and ``arrays`` by name in the file.

    An array's name is the path that leads to it, joined by dots. Where that is taken, or is nothing that
    a file can hold, a number is put after it. Raises TypeError for what a state cannot hold.

    >>> taken = Taken({"step": 3, "velocity": {"0.weight": np.zeros(2)}})
    >>> taken.structure, list(taken.arrays)
    ({'step': 3, 'velocity': {'0.weight': {'$array': 'velocity.0.weight'}}}, ['velocity.0.weight'])
    """

    def __init__(self, state: Any) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.structure = self._written(state, ())

    def _written(self, value: Any, path: tuple[str, ...]) -> Any:
        if len(path) > DEPTH:
            raise TypeError(f"{_shown(path[:3])}... is nested deeper than {DEPTH}, or holds itself; flatten it")
        if not isinstance(value, type) and callable(getattr(value, "state_dict", None)):
            value = value.state_dict()
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -EXACT <= value <= EXACT else {"$int": hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}
        if kind is list:
            return self._items(value, path)
        if kind is tuple:
            return {"$tuple": self._items(value, path)}
        if kind is dict:
            return self._mapping(value, path)
        if isinstance(value, (np.ndarray, np.generic)):
            return self._numbers(value, path)
        raise TypeError(_refused(value, path, kind.__name__))

    def _items(self, values: Any, path: tuple[str, ...]) -> list[Any]:
        return [self._written(value, (*path, str(i))) for i, value in enumerate(values)]

    def _mapping(self, value: dict[Any, Any], path: tuple[str, ...]) -> Any:
        for key in value:
            if type(key) is not str:
                raise TypeError(
                    f"{_shown(path)} has a key {key!r} of type {type(key).__name__}; a state's keys are "
                    f"strings: write {str(key)!r}"
                )
        written = {key: self._written(item, (*path, key)) for key, item in value.items()}
        return {"$dict": list(map(list, written.items()))} if any(key.startswith("$") for key in value) else written

    def _numbers(self, value: NDArray[Any] | np.generic, path: tuple[str, ...]) -> Any:
        dtype = value.dtype
        if dtype.name not in DTYPES:
            raise TypeError(_refused(value, path, f"{type(value).__name__} of {dtype}"))
        if isinstance(value, np.generic):
            return {"$scalar": [dtype.name, np.asarray(value, dtype.newbyteorder("<")).tobytes().hex()]}
        if type(value) not in (np.ndarray, np.memmap):
            raise TypeError(_refused(value, path, type(value).__name__))
        name = self._free_name(path)
        # safetensors writes the memory of an array as it lies, whatever its strides say.
        self.arrays[name] = np.asarray(value, dtype.newbyteorder("="), order="C")
        return {"$array": name}

    def _free_name(self, path: tuple[str, ...]) -> str:
        wanted = "".join(c if c >= " " and not "\ud800" <= c <= "\udfff" else "?" for c in ".".join(path))
        usable = wanted == ".".join(path) and wanted not in ("", "__metadata__")
        name, number = (wanted, 1) if usable else (f"{wanted}#1", 1)
        while name in self.arrays:
            number += 1
            name = f"{wanted}#{number}"
        return name


def put_together(structure: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """The state of which :class:`Taken` has the ``structure`` and the ``arrays``; ValueError if they do not fit.

    >>> put_together({"velocity": [{"$array": "velocity.0"}]}, {"velocity.0": np.zeros(2)})
    {'velocity': [array([0., 0.])]}
    """
    remaining = dict(arrays)
    state = _read(structure, remaining)
    if remaining:
        raise ValueError(f"the state has no place for the arrays {', '.join(map(repr, remaining))}")
    return state


def _read(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_read(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: _read(item, arrays) for key, item in value.items()}
    tag, written = next(iter(value.items()))
    if len(value) > 1 or tag not in READERS:
        raise ValueError(f"{sorted(value)} are no keys of a state")
    try:
        return READERS[tag](written, arrays)
    except (TypeError, KeyError, struct.error) as error:
        raise ValueError(f"{tag} of {str(written)[:80]!r} is nothing that a state holds") from error


def _scalar(written: list[str]) -> np.generic:
    name, digits = written
    if name not in DTYPES:
        raise TypeError(name)
    scalar: np.generic
    (scalar,) = np.frombuffer(bytes.fromhex(digits), np.dtype(name).newbyteorder("<")).astype(name)
    return scalar


READERS: dict[str, Callable[[Any, dict[str, NDArray[Any]]], Any]] = {
    "$array": lambda written, arrays: arrays.pop(written),
    "$scalar": lambda written, arrays: _scalar(written),
    "$int": lambda written, arrays: int(written, 16),
    "$float": lambda written, arrays: struct.unpack(">d", bytes.fromhex(written))[0],
    "$tuple": lambda written, arrays: tuple(_read(list(written), arrays)),
    "$dict": lambda written, arrays: {str(key): _read(item, arrays) for key, item in written},
}


def _shown(path: tuple[str, ...]) -> str:
    return "state" + "".join(f"[{key!r}]" for key in path)


def _refused(value: Any, path: tuple[str, ...], what: str) -> str:
    """Why ``value`` cannot be saved, and what can."""
    instead = INSTEAD.get(type(value).__name__, "leave it out, or convert it")
    if isinstance(value, (np.ndarray, np.generic)):
        instead = f"arrays and NumPy scalars are saved as {', '.join(sorted(DTYPES))}: convert it with .astype"
        if isinstance(value, np.ma.MaskedArray):
            instead = "give its .data and its .mask"
    return (
        f"{_shown(path)} is {what}, which a checkpoint cannot hold; it holds arrays, numbers, strings, bools, None, "
        f"and lists, tuples and dictionaries of them: {instead}"
    )
