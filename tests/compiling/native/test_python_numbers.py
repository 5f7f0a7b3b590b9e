"""Every function of two numbers of an array and a Python number: as NumPy promotes, compares and refuses them."""

import math

import numpy as np
import pytest

from tests.compiling.native.test_elementwise import close
from tests.compiling.native.writing import Writer, native
from tinygrad_np.compiling.native.functions import FUNCTIONS
from tinygrad_np.compiling.program import Scalar

NUMBERS = (0.5, -1, 2, 256, True, math.nan, math.inf, 2**40, 2**64 - 1, np.int64(-1), np.float32(1e30))
SLOW = {np.power, np.float_power, np.logaddexp, np.hypot, np.arctan2}  # to compile
BINARY = [f for f in FUNCTIONS if f.nin == 2]
DTYPES = "?BblLfd"


def array(dtype):
    """Numbers of ``dtype``, with the largest and the least."""
    dtype = np.dtype(dtype)
    if dtype.kind in "bf":
        return np.array([0, 0.5, 1, 2, 3, 256, -0.0, -0.5, -3]).astype(dtype)
    return np.array([0, 1, 2, 3, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)


def accepted(function, *arguments):
    """Whether NumPy computes it: an int may be out of range, and a dtype have no such function."""
    try:
        function(*arguments)
    except (TypeError, OverflowError, ValueError):
        return False
    return True


@pytest.mark.parametrize("played", [False, True], ids=["constants", "read"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_beside_arrays(dtype, played):
    """Constants of the program, and numbers that are read at each step."""
    w = Writer(array(dtype))
    (x,) = w.arrays
    kept = []
    with np.errstate(all="ignore"):
        for number in NUMBERS:
            if played and type(number) not in (int, float):  # no other is ever read at each step
                continue
            given = Scalar(lambda number=number: number) if played else number
            functions = [f for f in BINARY if f not in SLOW or number in (2, 256) or number != number]
            kept += [w(f, x, given) for f in functions if accepted(f, x, number)]
            kept += [w(f, given, x) for f in functions if accepted(f, number, x)]
            if not played:
                kept.append(w(np.where, number, x, w(np.zeros_like, x)))
            if accepted(np.where, x > 0, x, number):
                kept.append(w(np.where, w(np.greater, x, 0), x, given))
        for got, want in zip(native(w, kept)(x), kept, strict=True):
            close(got, want)


@pytest.mark.parametrize("number", [0.5, 0.0, math.nan, 2])
def test_truth_of_numbers_in_arrays_without_axes(number):
    w = Writer(array("d"), np.array(number))
    kept = [w(f, *w.arrays) for f in (np.logical_and, np.logical_or, np.logical_xor)]
    kept.append(w(np.where, w.arrays[1], w.arrays[0], 7.0))
    for got, want in zip(native(w, kept)(*w.arrays), kept, strict=True):
        close(got, want)
