"""Differences by seed: literal values from the literature, and what cannot be told is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_np.experiments.statistics import Difference, holm, mean_and_spread, paired

# Hours of sleep gained by ten patients with two drugs: Student (1908), and R's data set sleep, of which t.test(...,
# paired = TRUE) says p = 0.002833, interval 0.7001142 to 2.4598858.
DEXTRO = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
LAEVO = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def by_seed(values):
    return dict(enumerate(values))


def test_students_own_example():
    found = paired(by_seed(LAEVO), by_seed(DEXTRO))
    assert found.pairs == 10
    assert [found.mean, found.low, found.high, found.p] == pytest.approx(
        [1.58, 0.7001142, 2.4598858, 0.00283289], abs=1e-7
    )


def test_only_seeds_that_both_have_are_paired_by_seed_and_not_by_place():
    values = {3: 5.0, 1: 2.0, 2: 3.5, 7: 100.0}
    others = {1: 1.0, 2: 2.0, 3: 3.0, 9: -100.0}
    assert paired(values, others) == paired({1: 2.0, 2: 3.5, 3: 5.0}, {1: 1.0, 2: 2.0, 3: 3.0})
    assert paired(values, {9: 1.0}) == Difference(0)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_seeds_have_no_p(count):
    found = paired(by_seed(LAEVO[:count]), by_seed(DEXTRO[:count]))
    assert (found.low, found.high, found.p) == (None, None, None)


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_a_difference_that_is_the_same_for_every_seed_has_no_p_and_no_warning(shift):
    found = paired({seed: value + shift for seed, value in enumerate(LAEVO)}, by_seed(LAEVO))
    assert found.mean == pytest.approx(shift)
    assert found.p is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_has_no_p_and_no_warning(value):
    found = paired({0: value, 1: 1.0, 2: 2.0}, {0: 0.0, 1: 0.0, 2: np.inf})
    assert found.p is None
    assert mean_and_spread([value, 1.0]) == pytest.approx((value, np.nan), nan_ok=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.4, 0.6, 0.9], [1.0, 1.0, 1.0]),
        ([0.02, None, 0.01], [0.02, None, 0.02]),
        ([], []),
    ],
)
def test_holms_correction(values, expected):
    assert [found.p for found in holm([Difference(5, p=p) for p in values])] == expected


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0.001, 0.5))
def test_holm_rejects_as_his_procedure_does(values, level):
    corrected = [found.p for found in holm([Difference(5, p=p) for p in values])]
    rejected = set()
    for rank, i in enumerate(sorted(range(len(values)), key=lambda i: values[i])):  # until one is not
        if values[i] * (len(values) - rank) > level:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(corrected) if p <= level} == rejected
    assert all(p <= q <= 1 for p, q in zip(values, corrected))


@pytest.mark.parametrize("exponent", [-900, 900])
def test_nothing_depends_on_the_unit_even_where_its_square_overflows(exponent):
    x, y = {0: 1.0, 1: 2.0, 2: 4.0}, {0: 0.5, 1: 1.0, 2: 2.5}
    there = paired(*({seed: np.ldexp(v, exponent) for seed, v in of.items()} for of in (x, y)))
    here = paired(x, y)
    assert there.p == here.p
    assert [np.ldexp(v, -exponent) for v in (there.mean, there.low, there.high)] == [here.mean, here.low, here.high]
    spread = mean_and_spread([np.ldexp(v, exponent) for v in x.values()])[1]
    assert np.ldexp(spread, -exponent) == mean_and_spread(list(x.values()))[1]


def test_the_standard_deviation_is_that_of_a_sample():
    assert mean_and_spread([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) == (5.0, pytest.approx((32 / 7) ** 0.5))
