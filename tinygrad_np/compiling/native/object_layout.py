"""What native code knows of Python's objects: where arrays keep what they are, and how functions begin."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Offsets in bytes, as in the C headers of NumPy (PyArrayObject_fields), behind the head that every object has.
HEAD = object.__basicsize__
TYPE, DATA, AXES, SHAPE, STRIDES, DTYPE = HEAD - 8, HEAD, HEAD + 8, HEAD + 16, HEAD + 24, HEAD + 40
FLAGS, WRITEABLE = HEAD + 48, 0x400
FASTCALL = 0x80  # a function of self, an array of arguments, and their number
NAME = ctypes.create_string_buffer(b"native")
DEFINITION = 4  # words: name, start, flags and documentation, as in Python's PyMethodDef


@lru_cache(maxsize=1)
def are_known() -> bool:
    """Whether objects lie in memory as they are thought to: what is read there is what Python and NumPy say."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        return False
    array = np.zeros((2, 3), np.float32)
    start, word = id(array), ctypes.c_uint64.from_address
    seen = [word(start + at).value for at in (TYPE, DATA, DTYPE)]
    if seen != [id(np.ndarray), array.__array_interface__["data"][0], id(array.dtype)]:
        return False
    axes = ctypes.c_int32.from_address(start + AXES).value
    lengths = [word(word(start + at).value + 8 * i).value for at in (SHAPE, STRIDES) for i in range(2)]
    one_behind_the_other = word(start + STRIDES).value == word(start + SHAPE).value + 16
    flags = []
    for array.flags.writeable in (True, False):
        flags.append(word(start + FLAGS).value & WRITEABLE)
    return axes == 2 and lengths == [2, 3, 12, 4] and one_behind_the_other and flags == [WRITEABLE, 0]


def function_at(start: int, of: NDArray[np.uint64], definition: NDArray[np.uint64]) -> Callable[..., int]:
    """The native code at ``start`` as a function of Python's, whose self is ``of``, a table.

    Its ``definition`` is written into words of the table, for it must live as long as the function.
    """
    definition[:] = ctypes.addressof(NAME), start, FASTCALL, 0
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    place: int = definition.__array_interface__["data"][0]
    function: Callable[..., int] = make(place, of, None)
    return function


def python_function(name: str) -> int:
    """Where a function of Python's C API is."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
