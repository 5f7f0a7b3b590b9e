"""What a derivative closes over is found wherever Python keeps it."""

from functools import partial
from types import MethodType

import numpy as np
import pytest

from tinygrad_np.saved import saved_arrays

A, B = np.array([1.0, 2.0]), np.array([3.0])


def nested(x, y):
    inner = lambda g: g * x
    return lambda g: inner(g) + y


def by_default(g, x=A):
    return g * x


PLACES = {
    "a closure": ((lambda x: lambda g: g * x)(A), [A]),
    "a closure in a closure": (nested(A, B), [A, B]),
    "a default": (by_default, [A]),
    "a bound argument": (MethodType(np.multiply, A), [A]),
    "a partial call": (partial(np.multiply, A), [A]),
    "a keyword of a partial call": (partial(np.sum, initial=A), [A]),
    "containers": ((lambda x: lambda g: g + x[0][1]["b"])([(None, {"b": B})]), [B]),
    "twice the same": ((lambda x, y: lambda g: g * x * y)(A, A), [A]),
    "nothing": (np.negative, []),
}


@pytest.mark.parametrize(("derivative", "expected"), PLACES.values(), ids=PLACES)
def test_arrays_are_found(derivative, expected):
    found = saved_arrays([derivative, None])
    assert {id(a) for a in found} == {id(a) for a in expected}
    assert len(found) == len(expected)


def test_a_function_that_refers_to_itself_ends():
    def gx(g, depth=2):
        return gx(g, depth - 1) * A if depth else g

    def rule(x):
        def again(g):
            return again(g) * x

        return again

    assert saved_arrays([gx]) == []
    assert [a is B for a in saved_arrays([rule(B)])] == [True]
