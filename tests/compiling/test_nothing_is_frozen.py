"""Programs that might keep a number, a length or an array from when they were recorded, on others than those."""

import numpy as np
import pytest

import tinygrad_np as tg

BOTH_WAYS = pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
ONES, GREAT = np.ones(2), np.full(2, 100.0)


def both_small(x, y):
    return np.where((np.sum(x) < 10) & (np.max(y) < 5), x, 0.0)


def either_great(x, y):
    return np.where(np.logical_or(np.sum(x) > 10, np.max(y) > 5), x, 0.0)


def as_small(x, y):
    return np.where((np.sum(x) < 10) == (np.max(y) < 5), x, 0.0)


def mean_where(x, y):
    rows = np.where(y > 5)[0]
    return np.sum(x * (y > 5)) / (1 + len(rows))


def mean_of_nonzero(x, y):
    return np.sum(x) / (1 + (y > 5).nonzero()[0].size)


def mean_of_unique(x, y):
    values, inverse = np.unique(y, return_inverse=True)
    return np.sum(x) / values.shape[0] + inverse


@BOTH_WAYS
@pytest.mark.parametrize("function", [both_small, either_great, as_small, mean_where, mean_of_nonzero, mean_of_unique])
@pytest.mark.parametrize("recorded", [(ONES, ONES), (GREAT, GREAT), (GREAT, ONES)], ids=["ones", "great", "mixed"])
def test_truth_values_and_lengths(function, recorded, native):
    step = tg.compiled(function, native=native)
    for _ in range(3):
        step(*recorded)
    for others in [(GREAT, ONES), (ONES, GREAT), (ONES, ONES), (GREAT, GREAT), (ONES, np.array([1.0, 9.0]))]:
        np.testing.assert_array_equal(step(*others), function(*others))
