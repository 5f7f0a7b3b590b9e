"""Reductions: ties, empty slices, extremes, and every axis that NumPy takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical, slope

INF, NAN = np.inf, np.nan
EXTREMA = [(np.max, np.maximum), (np.min, np.minimum)]


def gradient_of(f, at, seed=None):
    x = tg.Tensor(np.array(at, float), requires_grad=True)
    with np.errstate(all="raise"):
        f(x).backward(seed)
    return x.grad


TIES = {
    "two of three": ([2.0, 5.0, 5.0], None, [0, 0.5, 0.5]),
    "all": ([3.0, 3.0, 3.0, 3.0], None, [0.25] * 4),
    "each row": ([[1.0, 1.0], [0.0, 4.0]], 1, [[0.5, 0.5], [0, 1]]),
    "each column": ([[1.0, 1.0], [1.0, 0.0]], 0, [[0.5, 1], [0.5, 0]]),
    "zeros of either sign": ([0.0, -0.0, -1.0], None, [0.5, 0.5, 0]),
    "infinities": ([INF, INF, 0.0], None, [0.5, 0.5, 0]),
}


@pytest.mark.parametrize(("at", "axis", "shares"), TIES.values(), ids=TIES)
def test_ties_share_the_gradient_evenly(at, axis, shares):
    for sign, f in ((1, np.max), (-1, np.min)):
        gradient = gradient_of(lambda x, f=f: f(x, axis=axis).sum(), sign * np.array(at))
        np.testing.assert_array_equal(gradient, shares)


@given(hnp.arrays(np.int8, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 2)), st.data())
def test_shares_of_any_ties_sum_to_the_gradient(x, data):
    axis = data.draw(hnp.valid_tuple_axes(x.ndim))
    for f in (np.max, np.min):
        t = tg.Tensor(x.astype(float), requires_grad=True)
        y = f(t, axis=axis)
        weights = np.arange(1.0, y.size + 1).reshape(y.shape)
        y.backward(weights)
        np.testing.assert_allclose(t.grad.sum(axis), weights, rtol=1e-14)
        attained = x == f(x, axis=axis, keepdims=True)
        assert np.all((t.grad != 0) == attained)


def test_ties_have_second_derivatives():
    x = tg.Tensor([2.0, 2.0, 1.0], requires_grad=True)
    slope = tg.gradients(np.max(x) ** 2, x, create_graph=True)
    np.testing.assert_array_equal(slope.data, [2, 2, 0])
    np.testing.assert_array_equal(tg.gradients(slope[0], x).data, [0.5, 0.5, 0])


def test_the_maximum_of_nan_is_nan_and_says_so_in_its_gradient():
    x = tg.Tensor([NAN, 1.0], requires_grad=True)
    y = np.max(x)
    y.backward()
    assert np.isnan(y.item())
    np.testing.assert_array_equal(x.grad, [0.5, 0.5])


@pytest.mark.parametrize("f", [np.max, np.min])
def test_an_empty_slice_is_numpys_error_with_the_operations_name(f):
    with pytest.raises(ValueError, match=r"\w+\(float64 \(0, 3\)(, axis=0)?\): zero-size array"):
        f(tg.Tensor(np.ones((0, 3))), axis=0)
    assert f(tg.Tensor(np.ones((0, 3))), axis=1).shape == (0,)


def test_sums_over_no_rows_are_zero_and_their_gradients_empty():
    for axis in (None, 0, 1):
        gradient = gradient_of(lambda x, axis=axis: x.sum(axis=axis).sum(), np.ones((0, 3)))
        assert gradient.shape == (0, 3)


def test_the_mean_over_no_elements_is_nan_with_numpys_warning():
    x = tg.Tensor(np.ones((0, 3)), requires_grad=True)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        y = x.mean()
    assert np.isnan(y.item())
    with np.errstate(all="raise"):
        y.backward()
    assert x.grad.shape == (0, 3)


LOGSUMEXP = {
    "large": ([1000.0, 1000.0], 1000 + np.log(2), [0.5, 0.5]),
    "small": ([-1000.0, -1000.0], -1000 + np.log(2), [0.5, 0.5]),
    "far apart": ([1e4, -1e4], 1e4, [1, 0]),
    "one zero probability": ([0.0, -INF], 0.0, [1, 0]),
    "one element": ([3.0], 3.0, [1]),
    "infinite": ([INF, 0.0], INF, [1, 0]),
    "twice infinite": ([INF, 0.0, INF, -INF], INF, [0.5, 0, 0.5, 0]),
    "nothing": ([], -INF, []),
    "minus infinity beside large": ([-INF, 1000.0, 1000.0], 1000 + np.log(2), [0, 0.5, 0.5]),
}


@pytest.mark.parametrize(("at", "value", "gradient"), LOGSUMEXP.values(), ids=LOGSUMEXP)
def test_logsumexp_at_extremes(at, value, gradient):
    with np.errstate(all="raise"):
        assert tg.logsumexp(tg.Tensor(at)).item() == value
        assert np.logaddexp.reduce(tg.Tensor(at)).item() == value
    np.testing.assert_allclose(gradient_of(tg.logsumexp, at), gradient, rtol=1e-12)


def test_logsumexp_of_zero_probabilities_only_is_minus_infinity_with_a_gradient_of_no_nan():
    at = [[-INF, -INF], [0.0, 0.0]]
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(tg.logsumexp(tg.Tensor(at), axis=1).data, [-INF, np.log(2)])
    gradient = gradient_of(lambda x: tg.logsumexp(x, axis=1).sum(), at)
    np.testing.assert_array_equal(gradient[1], [0.5, 0.5])
    assert np.all(np.isfinite(gradient))


def test_logsumexp_differentiates_twice_at_extremes():
    x = tg.Tensor([1000.0, 1000.0, -INF], requires_grad=True)
    with np.errstate(all="raise"):
        slope = tg.gradients(tg.logsumexp(x), x, create_graph=True)
        second = tg.gradients(slope[0], x)
    np.testing.assert_allclose(second.data, [0.25, -0.25, 0], rtol=1e-12)


REDUCTIONS = {f.__name__: f for f in (np.sum, np.mean, np.max, np.min, np.var, np.std, np.prod, np.ptp, np.median)}


@given(
    st.sampled_from(sorted(REDUCTIONS)), hnp.array_shapes(min_dims=0, max_dims=4, max_side=3), st.booleans(), st.data()
)
def test_any_axes_are_numpys_in_value_and_gradient(name, shape, keepdims, data):
    axes = st.none() | hnp.valid_tuple_axes(len(shape))
    if shape:
        axes |= st.integers(-len(shape), len(shape) - 1)
    axis, function = data.draw(axes), REDUCTIONS[name]
    x = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) * 0.5 + 0.25
    t = tg.Tensor(x, requires_grad=True)
    y = function(t, axis=axis, keepdims=keepdims)
    expected = np.asarray(function(x, axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(y.data, expected, rtol=1e-14, atol=1e-14, strict=True)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, y.shape)
    y.backward(weights)
    if name == "std" and np.any(expected == 0):
        return  # a slice of one element, to which differences are blind
    (slopes,) = numerical(lambda x: np.sum(function(x, axis=axis, keepdims=keepdims) * weights), [x])
    np.testing.assert_allclose(t.grad, slopes, rtol=1e-7, atol=1e-8 * max(1.0, np.abs(slopes).max(initial=0)))


@pytest.mark.parametrize(("function", "ufunc"), [(np.sum, np.add), (np.prod, np.multiply), *EXTREMA])
def test_the_reduce_method_of_a_ufunc_is_the_function_with_axis_0(function, ufunc):
    x = np.array([[3.0, 1.0], [2.0, 5.0]])
    t = tg.Tensor(x, requires_grad=True)
    for axis in (0, 1, -1, (0, 1), None):
        np.testing.assert_array_equal(ufunc.reduce(t, axis=axis).data, function(x, axis=axis))
        np.testing.assert_array_equal(ufunc.reduce(t, axis, keepdims=True).data, function(x, axis=axis, keepdims=True))
    np.testing.assert_array_equal(ufunc.reduce(t).data, function(x, axis=0))


FACTORS = {
    "no zero": [2.0, -3.0, 5.0, 0.5],
    "one zero": [2.0, 0.0, 5.0],
    "two zeros": [0.0, 2.0, 0.0, 5.0],
    "three zeros": [0.0, 0.0, 3.0, 0.0],
    "only zeros": [0.0, 0.0],
    "one element": [4.0],
    "a product that vanishes": [1e-200, 1e-150, 4.0],
    "a product that nearly vanishes": [1e-160, 1e-155, 3.0],
    "a tiny factor": [1e-200, 3.0],
}


def without(x, *positions):
    return np.prod(np.delete(x, positions))


@pytest.mark.parametrize("at", FACTORS.values(), ids=FACTORS)
def test_the_derivatives_of_a_product_are_products_of_the_others_whatever_is_zero(at):
    x = tg.Tensor(at, requires_grad=True)
    with np.errstate(under="ignore"):
        slope = tg.gradients(np.prod(x), x, create_graph=True)
        np.prod(x).backward()
        hessian = np.array([tg.gradients(slope[i], x).data for i in range(len(at))])
        first = [without(at, i) for i in range(len(at))]
        second = [[0 if i == j else without(at, i, j) for j in range(len(at))] for i in range(len(at))]
    np.testing.assert_allclose(x.grad, first, rtol=1e-14)
    np.testing.assert_allclose(slope.data, first, rtol=1e-14)
    np.testing.assert_allclose(hessian, second, rtol=1e-14)


def test_a_product_that_overflows_on_its_way_has_finite_derivatives_where_the_others_do_not():
    x = tg.Tensor([1e200, 1e150, 1e-300], requires_grad=True)
    with np.errstate(over="ignore"):
        np.prod(x).backward()
    np.testing.assert_allclose(x.grad, [1e-150, 1e-100, INF], rtol=1e-14)


def test_the_third_derivative_of_a_product_of_zeros_is_exact():
    x = tg.Tensor([0.0, 0.0, 0.0, 7.0], requires_grad=True)
    y = np.prod(x)
    for i in range(3):
        y = tg.gradients(y, x, create_graph=True)[i]
    assert y.item() == 7


@pytest.mark.parametrize("f", [np.max, np.min, np.nanmax, np.nanmin, np.ptp, np.median])
def test_an_infinite_gradient_reaches_the_elements_attained_and_no_other(f):
    gradient = gradient_of(f, [1.0, 2.0, 3.0], INF)
    assert not np.isnan(gradient).any()
    assert np.isinf(gradient).sum() == (2 if f is np.ptp else 1)


def test_the_maximum_of_nan_raises_no_floating_point_error():
    np.testing.assert_array_equal(
        gradient_of(lambda x: np.max(x, axis=1).sum(), [[NAN, 1], [2, 1]]), [[0.5] * 2, [1, 0]]
    )


def test_peak_to_peak_of_equal_elements_has_gradient_0():
    np.testing.assert_array_equal(gradient_of(np.ptp, [3.0, 3.0, 3.0]), [0, 0, 0])
    np.testing.assert_array_equal(gradient_of(np.ptp, [3.0, 1.0, 3.0]), [0.5, -1, 0.5])


@pytest.mark.parametrize("value", [0.0, 2.0, 0.1, 1 / 3, 1e10 / 7, -1e-300])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 49, 1000])
def test_the_standard_deviation_of_equal_elements_has_gradient_0(value, n):
    """Rounding puts their mean beside them by a little: the quotient of the two would be anything."""
    x = tg.Tensor(np.full(n, value), requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        slope = tg.gradients(np.std(x), x, create_graph=True)
        np.testing.assert_array_equal(slope.data, np.zeros(n))
        assert np.isfinite(tg.gradients(slope[0], x).data).all()


def test_the_standard_deviation_of_one_slice_of_equal_elements_leaves_the_others_alone():
    gradient = gradient_of(lambda x: np.std(x, axis=1).sum(), [[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(gradient, [[0, 0, 0], [-1 / 6**0.5, 0, 1 / 6**0.5]], atol=1e-15)


@pytest.mark.parametrize(("dtype", "least"), [(np.float16, 1e-4), (np.float32, 1e-30), (np.float64, 1e-200)])
def test_a_standard_deviation_that_is_too_small_for_its_square_has_gradient_0(dtype, least):
    x = tg.Tensor(np.array([[-least, least], [1, 3]], dtype), requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        y = np.std(x, axis=1)
        y.backward(np.ones(2))
    np.testing.assert_array_equal(y.data, [0, 1])
    np.testing.assert_array_equal(x.grad, [[0, 0], [-0.5, 0.5]])


@pytest.mark.parametrize("f", [np.var, np.std])
def test_without_degrees_of_freedom_a_spread_is_nan_with_numpys_warning(f):
    x = tg.Tensor([3.0], requires_grad=True)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        y = f(x, ddof=1)
    y.backward()
    assert np.isnan(y.item())
    assert np.isnan(x.grad).all()


def test_a_correction_is_a_ddof_by_another_name():
    x = np.array([1.0, 2.0, 4.0])
    for f in (np.var, np.std):
        np.testing.assert_array_equal(f(tg.Tensor(x), correction=1).data, f(tg.Tensor(x), ddof=1).data)
        with pytest.raises(ValueError, match=r"two names of one number; give one"):
            f(tg.Tensor(x), correction=1, ddof=1)


@pytest.mark.parametrize("f", [np.var, np.std])
def test_the_own_mean_given_as_a_tensor_gives_the_derivatives_of_the_spread(f):
    x = tg.Tensor([1.0, 2.0, 4.0], requires_grad=True)
    slopes = [
        tg.gradients(y, x, create_graph=True) for y in (f(x, ddof=1), f(x, ddof=1, mean=np.mean(x, keepdims=True)))
    ]
    np.testing.assert_allclose(slopes[1].data, slopes[0].data, rtol=1e-14)
    np.testing.assert_allclose(*[tg.gradients(slope[0], x).data for slope in slopes], rtol=1e-13)


def test_a_constant_mean_is_one_that_the_variance_is_taken_about():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    slope = tg.gradients(np.var(x, mean=np.array([0.0])), x, create_graph=True)
    np.testing.assert_array_equal(slope.data, [1, 2])
    np.testing.assert_array_equal(tg.gradients(slope[0], x).data, [1, 0])


WITHOUT_NAN = {
    np.nansum: np.sum, np.nanmean: np.mean, np.nanvar: np.var, np.nanstd: np.std, np.nanprod: np.prod,
    np.nanmax: np.max, np.nanmin: np.min,
}  # fmt: skip


@pytest.mark.parametrize(("f", "of_all"), WITHOUT_NAN.items(), ids=[f.__name__ for f in WITHOUT_NAN])
def test_a_function_that_passes_over_nan_has_the_derivatives_of_the_rest(f, of_all):
    x = np.array([[2.0, NAN, 3.5], [NAN, NAN, -1.0], [0.5, 4.0, 1.5]])
    t = tg.Tensor(x, requires_grad=True)
    with np.errstate(all="raise"):
        y = f(t, axis=1)
        slope = tg.gradients(np.tanh(y).sum(), t, create_graph=True)
        second = tg.gradients((slope * slope).sum(), t)
    np.testing.assert_allclose(y.data, f(x, axis=1), rtol=1e-14)
    for row, *found in zip(x, slope.data, second.data):
        number = ~np.isnan(row)
        rest = tg.Tensor(row[number], requires_grad=True)
        expected = tg.gradients(np.tanh(of_all(rest)), rest, create_graph=True)
        for g, e in zip(found, [expected, tg.gradients((expected * expected).sum(), rest)]):
            np.testing.assert_allclose(g[number], e.data, rtol=1e-12, atol=1e-15)
            np.testing.assert_array_equal(g[~number], 0)


def test_of_nothing_but_nan_the_largest_is_nan_with_numpys_warning():
    x = tg.Tensor([[NAN, NAN], [1.0, 2.0]], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="All-NaN slice"):
        y = np.nanmax(x, axis=1)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [NAN, 2])
    np.testing.assert_array_equal(x.grad, [[0.5, 0.5], [0, 1]])


@pytest.mark.parametrize("f", [np.sum, np.mean, np.var, np.std])
def test_a_mask_that_is_changed_afterwards_changes_no_gradient(f):
    mask, x = np.array([True, True, False, True]), tg.Tensor([1.0, 2.0, 7.0, 4.0], requires_grad=True)
    y = f(x, where=mask)
    mask[:] = True
    y.backward()
    rest = gradient_of(f, [1.0, 2.0, 4.0])
    np.testing.assert_allclose(x.grad, np.insert(rest, 2, 0), rtol=1e-14)


def test_a_mask_may_be_a_list_or_a_tensor_and_may_choose_nothing():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert np.sum(x, where=[True, False]).item() == np.sum(x, where=tg.Tensor([True, False])).item() == 1
    np.testing.assert_array_equal(gradient_of(lambda x: np.sum(x, where=False), [1.0, 2.0]), [0, 0])


def test_options_may_come_by_position_in_numpys_order():
    x = np.array([[1.0, 2.0, 4.0]])
    t = tg.Tensor(x)
    np.testing.assert_array_equal(np.var(t, 1, None, None, 1, True).data, np.var(x, 1, ddof=1, keepdims=True))
    np.testing.assert_array_equal(np.sum(t, 1, None, None, True).data, [[7]])
    np.testing.assert_array_equal(np.prod(t, 0, None, None, True).data, x)


REFUSED = [
    (lambda t: np.sum(t, initial=1.0), r"np\.sum on a Tensor does not take initial="),
    (lambda t: np.max(t, initial=1.0), r"np\.max on a Tensor does not take initial="),
    (lambda t: np.min(t, where=[True, False], initial=0.0), r"np\.min .* where=, initial="),
    (lambda t: np.prod(t, where=[True, False]), r"np\.prod .* where="),
    (lambda t: np.mean(t, dtype=np.float32), r"np\.mean .* dtype="),
    (lambda t: np.var(t, out=np.zeros(())), r"np\.var .* out="),
    (lambda t: np.nansum(t, initial=2.0), r"np\.nansum .* initial="),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m[4:9] for _, m in REFUSED])
def test_an_option_that_is_not_honoured_is_refused_by_name(call, message):
    with pytest.raises(TypeError, match=message):
        call(tg.Tensor([1.0, 2.0], requires_grad=True))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [2, -3, (0, 2)])
def test_an_axis_that_does_not_exist_is_an_error_with_the_operations_name(name, axis):
    with pytest.raises(np.exceptions.AxisError, match=r"\(float64 \(2, 3\).*out of bounds for array of dimension 2"):
        REDUCTIONS[name](tg.Tensor(np.ones((2, 3))), axis=axis)
    with pytest.raises(ValueError, match=r"\(float64 \(2, 3\).*(duplicate|repeated)"):
        REDUCTIONS[name](tg.Tensor(np.ones((2, 3))), axis=(0, -2))


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_integers_are_numpys(name):
    x = np.array([[3, 1, 2], [7, 7, 0]])
    y = REDUCTIONS[name](tg.Tensor(x), axis=1)
    np.testing.assert_allclose(y.data, REDUCTIONS[name](x, axis=1), rtol=1e-15)
    assert y.dtype == REDUCTIONS[name](x, axis=1).dtype


@pytest.mark.parametrize("f", [np.mean, np.var, np.std])
def test_a_mean_of_many_halves_is_summed_in_single_precision(f):
    x = tg.Tensor(np.arange(5000, dtype=np.float16) % 2 + 1, requires_grad=True)
    y = f(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.float16
    assert y.item() == pytest.approx(f(x.data.astype(float)), rel=1e-3)


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd])
def test_nan_that_is_left_out_does_not_leak_through_a_given_mean(f):
    with np.errstate(all="raise"):
        np.testing.assert_allclose(slope(lambda x: f(x, mean=np.array(1.0)), [2.0, 3.0, np.nan])[2], 0)


def test_the_mean_of_more_float16_than_float16_can_count():
    x = tg.Tensor(np.ones(70000, np.float16), requires_grad=True)
    np.mean(x).backward()
    np.testing.assert_allclose(x.grad[:2], 1 / 70000, rtol=2e-2)
