"""Rows of arrays that belong together: counted, checked, and taken out of memory maps without reading the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.trees import leaves_of, rebuilt

Array = NDArray[Any]

CHUNK = 1 << 20  # bytes that are gone over at a time: they fit into a cache, and hide what a call costs


def arrays_of(what: str, data: Any) -> dict[str, Array]:
    """The arrays in ``data`` by what leads to them, memory maps as plain arrays over the same memory.

    Raises TypeError for what is no array and ValueError for an array without rows to count, or for none at all.

    >>> list(arrays_of("data", (np.zeros((3, 2)), {"y": np.zeros(3)})))
    ['data[0]', "data[1]['y']"]
    """
    found = {what + path: leaf for path, leaf in leaves_of(data)}
    for name, leaf in found.items():
        if type(leaf) not in (np.ndarray, np.memmap):
            raise TypeError(f"{name} is {type(leaf).__name__}, no array; {_instead(what, leaf)}")
        if leaf.ndim == 0:
            raise ValueError(f"{name} is a single value, of shape (); rows are counted along the first axis")
    if not found:
        raise ValueError(f"{what} holds no arrays: {data!r}")
    return {name: np.asarray(leaf) for name, leaf in found.items()}


def count_rows(arrays: dict[str, Array]) -> int:
    """How many rows all of the ``arrays`` have; ValueError, with all of them listed, if they differ or have none."""
    lengths = {name: len(array) for name, array in arrays.items()}
    rows = set(lengths.values())
    if len(rows) > 1:
        listing = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"rows belong together, but {listing}; give arrays whose first axes are equally long")
    if rows == {0}:
        raise ValueError(f"there are no rows in {', '.join(lengths)}; give at least one")
    return rows.pop()


def taker(array: Array) -> Callable[[Array], Array]:
    """A function that copies the rows with some indices out of ``array``, and reads no others.

    ``take`` is quicker than indexing, but of an array that is not contiguous it would make a copy first.
    """
    if array.flags.c_contiguous and array.flags.aligned:
        return partial(array.take, axis=0)
    return array.__getitem__


def assembler(data: Any) -> Callable[[list[Array]], Any]:
    """A function that makes of a list of arrays what ``data`` is made of its own; the usual cases are quick ones."""
    if isinstance(data, np.ndarray):
        return itemgetter(0)
    if type(data) is tuple and all(isinstance(item, np.ndarray) for item in data):
        return tuple
    return partial(rebuilt, data)


def chunks_of(array: Array) -> Iterator[tuple[int, Array]]:
    """Views of some rows after each other, and the number of the first: for arrays larger than memory.

    >>> [(first, len(chunk)) for first, chunk in chunks_of(np.zeros((2**17 + 1, 1)))]
    [(0, 131072), (131072, 1)]
    """
    rows = max(1, CHUNK // max(1, array.nbytes // max(1, len(array))))
    for first in range(0, len(array), rows):
        yield first, array[first : first + rows]


def _instead(what: str, leaf: Any) -> str:
    """What to give where ``leaf`` was given."""
    if isinstance(leaf, np.ma.MaskedArray):
        return "its mask would be lost: fill it with .filled(...)"
    if hasattr(leaf, "requires_grad"):
        return "give its .data"
    if hasattr(leaf, "__next__"):
        return "a pass over it could not be repeated: give np.array(list(...))"
    return f"write np.asarray({what})"
