"""Sorting, medians and quantiles: ties, NaN, infinities, methods and errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import slope
from tinygrad_np.rules.sorting import PLACES, ROUNDED

INF, NAN = np.inf, np.nan


def test_sorting_carries_each_gradient_back_to_where_its_element_was():
    np.testing.assert_array_equal(slope(lambda x: np.sort(x) * [10, 20, 30], [3.0, 1.0, 2.0]), [30, 10, 20])
    rows = slope(lambda x: np.sort(x, axis=None) * [1, 2, 3, 4], [[3.0, 1.0], [0.0, 2.0]])
    np.testing.assert_array_equal(rows, [[4, 2], [1, 3]])


@pytest.mark.parametrize("options", [{}, {"kind": "stable"}, {"stable": True}])
def test_equal_elements_keep_their_order_however_many(options):
    seed = np.arange(100.0)
    np.testing.assert_array_equal(slope(lambda x: np.sort(x, **options) * seed, np.ones(100)), seed)


def test_nan_is_sorted_last_with_its_gradient():
    np.testing.assert_array_equal(slope(lambda x: np.sort(x) * [5, 7], [NAN, 1.0]), [7, 5])


@given(hnp.arrays(np.int8, st.integers(1, 30), elements=st.integers(0, 9)), st.data())
def test_a_partition_is_numpys_and_loses_no_gradient(x, data):
    kth = data.draw(st.integers(0, len(x) - 1))
    t = tg.Tensor(x.astype(float), requires_grad=True)
    y = np.partition(t, kth)
    seed = np.random.default_rng(0).permutation(len(x)).astype(float)
    y.backward(seed)
    np.testing.assert_array_equal(y.data[kth], np.sort(x)[kth])
    assert np.all(y.data[:kth] <= y.data[kth])
    assert np.all(y.data[kth:] >= y.data[kth])
    pairs = lambda values, gradients: sorted(zip(values.tolist(), gradients.tolist()))
    assert pairs(x.astype(float), t.grad) == pairs(y.data, seed)


MEDIANS = {
    "odd": ([3.0, 1.0, 2.0], 2, [0, 0, 1]),
    "even": ([3.0, 1.0, 2.0, 5.0], 2.5, [0.5, 0, 0.5, 0]),
    "all equal": ([2.0, 2.0, 2.0], 2, [1 / 3, 1 / 3, 1 / 3]),
    "the middle two equal": ([1.0, 2.0, 2.0, 3.0], 2, [0, 0.5, 0.5, 0]),
    "three of four equal": ([1.0, 2.0, 2.0, 2.0], 2, [0, 1 / 3, 1 / 3, 1 / 3]),
    "one of the middle two tied": ([1.0, 2.0, 3.0, 3.0], 2.5, [0, 0.5, 0.25, 0.25]),
    "infinite": ([INF, 1.0, INF], INF, [0.5, 0, 0.5]),
    "beside infinities": ([INF, 1.0, -INF], 1, [0, 1, 0]),
    "nan": ([1.0, NAN], NAN, [0.5, 0.5]),
    "a number": (3.0, 3, 1),
}


@pytest.mark.parametrize(("at", "value", "gradient"), MEDIANS.values(), ids=MEDIANS)
def test_the_median_shares_the_gradient_evenly_among_equal_elements(at, value, gradient):
    np.testing.assert_array_equal(np.median(tg.Tensor(at)).data, value)
    np.testing.assert_allclose(slope(np.median, at), gradient, rtol=1e-15)


def test_the_median_passes_over_nan_where_it_is_told_to():
    x = [[NAN, 1.0, 2.0], [4.0, 7.0, 5.0], [NAN, NAN, NAN]]
    np.testing.assert_array_equal(np.nanmedian(tg.Tensor(x), axis=1).data, [1.5, 5, NAN])
    expected = [[0, 0.5, 0.5], [0, 0, 1], [1 / 3] * 3]
    np.testing.assert_allclose(slope(lambda x: np.nanmedian(x, axis=1), x), expected)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 5).map(float)),
    st.sampled_from([*PLACES, *ROUNDED]),
    st.floats(0, 1),
    st.data(),
)
def test_quantiles_of_any_method_are_numpys_and_their_shares_sum_to_1(x, method, q, data):
    axis = data.draw(st.none() | hnp.valid_tuple_axes(x.ndim, min_size=1))
    t = tg.Tensor(x, requires_grad=True)
    y = np.quantile(t, q, axis=axis, method=method)
    np.testing.assert_allclose(y.data, np.quantile(x, q, axis=axis, method=method), rtol=1e-13, atol=1e-13)
    y.backward(np.ones(y.shape))
    np.testing.assert_allclose(t.grad.sum(axis), np.ones(y.shape), rtol=1e-13)


def test_several_quantiles_come_in_the_axes_of_q():
    x, q = np.random.default_rng(0).normal(size=(2, 5)), [[0.0, 0.3, 0.5], [0.55, 0.9, 1.0]]
    for options in ({"axis": 1}, {"axis": 1, "keepdims": True}, {}):
        y = np.quantile(tg.Tensor(x), q, **options)
        np.testing.assert_allclose(y.data, np.quantile(x, q, **options), rtol=1e-14, strict=True)
        percentile = np.percentile(tg.Tensor(x), np.multiply(q, 100), **options)
        np.testing.assert_allclose(percentile.data, y.data, rtol=1e-13)


def test_no_quantiles_give_a_gradient_of_zero():
    np.testing.assert_array_equal(slope(lambda x: np.quantile(x, []), [1.0, 3.0, 2.0]), [0, 0, 0])


def test_options_may_come_by_position_in_numpys_order():
    x = np.array([4.0, 1.0, 3.0, 2.0])
    y = np.quantile(tg.Tensor(x), 0.4, 0, None, False, "lower", True)
    np.testing.assert_array_equal(y.data, np.quantile(x, 0.4, 0, None, False, "lower", True), strict=True)


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.3), lambda x: np.percentile(x, 30, axis=0)])
def test_quantiles_of_integers_are_numpys(f):
    x = np.array([3, 1, 4, 1])
    y = f(tg.Tensor(x))
    np.testing.assert_allclose(y.data, f(x), rtol=1e-15)
    assert y.dtype == np.float64


x = tg.Tensor([3.0, 1.0, 2.0], requires_grad=True)
EMPTY = tg.Tensor(np.ones((0, 2)))
ERRORS = [
    (lambda: np.quantile(x, 1.5), ValueError, r"quantile\(float64 \(3,\), 1\.5\): quantiles lie in \[0, 1\]"),
    (lambda: np.percentile(x, -1), ValueError, r"percentile\(.*: .*percentiles in \[0, 100\]"),
    (lambda: np.quantile(x, NAN), ValueError, r"quantiles lie in"),
    (
        lambda: np.quantile(x, 0.5, method="inverted_cdf"),
        ValueError,
        r"'inverted_cdf' has no gradient here; take one of lin",
    ),
    (lambda: np.quantile(x, 0.5, weights=[1, 2, 3], method="inverted_cdf"), TypeError, r"does not take weights="),
    (lambda: np.quantile(x, x[0] / 9), TypeError, r"quantile\(.*would lose the gradient"),
    (lambda: np.median(EMPTY, axis=0), ValueError, r"median\(float64 \(0, 2\), axis=0\): an empty slice"),
    (
        lambda: np.median(x, axis=1),
        np.exceptions.AxisError,
        r"median\(float64 \(3,\), axis=1\): axis 1 is out of bounds",
    ),
    (lambda: np.sort(x, axis=1), np.exceptions.AxisError, r"sort\(float64 \(3,\), axis=1\)"),
    (lambda: np.sort(x[0]), np.exceptions.AxisError, r"sort\(float64 \(\)\)"),
    (lambda: np.sort(x, order="a"), TypeError, r"np\.sort on a Tensor does not take order="),
    (lambda: np.partition(x, 7), ValueError, r"partition\(float64 \(3,\), 7\): kth"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_an_error_says_what_came_and_what_was_expected(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_slices_beside_an_empty_axis_have_empty_medians():
    assert np.median(EMPTY, axis=1).shape == (0,)
    assert slope(lambda x: np.median(x, axis=1), np.ones((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("tied", [False, True])
def test_sort_of_many_elements_keeps_the_order_of_equal_ones(tied, axis):
    """Above a size the quickest order is tried first, which equal elements would not keep."""
    rng = np.random.default_rng(0)
    data = (
        rng.integers(20, size=(60, 50)).astype(float) if tied else rng.permutation(3000).astype(float).reshape(60, 50)
    )
    x = tg.Tensor(data, requires_grad=True)
    y = np.sort(x, axis=axis)
    g = rng.normal(size=y.shape)
    y.backward(g)
    flat, along = (data.ravel(), 0) if axis is None else (data, axis)
    expected = np.empty(flat.shape)
    np.put_along_axis(expected, np.argsort(flat, axis=along, stable=True), g, along)
    np.testing.assert_array_equal(y.data, np.sort(data, axis=axis))
    np.testing.assert_array_equal(x.grad, expected.reshape(data.shape))
