"""Averages and covariances: weights, shapes, constants and errors."""

import numpy as np
import pytest

import tinygrad_np as tg


def test_the_weights_of_an_average_have_a_gradient():
    w = tg.Tensor([1.0, 3.0], requires_grad=True)
    y = np.average(np.array([2.0, 6.0]), weights=w)
    y.backward()
    assert y.item() == 5
    np.testing.assert_allclose(w.grad, [-3 / 4, 1 / 4], rtol=1e-15)  # (x − y) / Σ w


def test_an_average_returns_the_sum_of_the_weights_if_asked_to():
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    for options in (
        {},
        {"axis": 0},
        {"axis": 0, "weights": [1.0, 3.0]},
        {"axis": (1, 0), "weights": x.T, "keepdims": True},
    ):
        ours, numpys = np.average(tg.Tensor(x), returned=True, **options), np.average(x, returned=True, **options)
        assert type(ours) is type(numpys) is tuple
        for a, b in zip(ours, numpys):
            np.testing.assert_allclose(getattr(a, "data", a), b, rtol=1e-15)
            assert np.shape(a) == np.shape(b)


X = np.array([[1.0, 4.0, 2.0, 0.5], [3.0, 1.0, 1.0, 7.0]])
COVARIANCES = [
    {}, {"bias": True}, {"ddof": 0}, {"ddof": 2}, {"rowvar": False}, {"y": X[::-1] ** 2}, {"fweights": [1, 0, 2, 1]},
    {"aweights": [0.5, 1.0, 2.0, 1.5]}, {"fweights": [1, 0, 2, 1], "aweights": [0.5, 1.0, 2.0, 1.5], "ddof": 0},
]  # fmt: skip


@pytest.mark.parametrize("options", COVARIANCES, ids=str)
def test_covariances_are_numpys(options):
    np.testing.assert_allclose(np.cov(tg.Tensor(X), **options).data, np.cov(X, **options), rtol=1e-13, strict=True)
    np.testing.assert_allclose(
        np.cov(tg.Tensor(X[0]), **options | {"y": X[1]}).data, np.cov(X[0], **options | {"y": X[1]})
    )


def test_the_covariance_of_one_variable_is_a_number():
    assert np.cov(tg.Tensor([1.0, 2.0, 4.0])).shape == ()
    assert np.corrcoef(tg.Tensor([1.0, 2.0, 4.0])).item() == 1


def test_a_correlation_with_itself_has_gradient_0():
    x = tg.Tensor(X, requires_grad=True)
    c = np.corrcoef(x)
    np.testing.assert_allclose(c.data, np.corrcoef(X), rtol=1e-14)
    np.testing.assert_allclose(tg.gradients(c[0, 0] + c[1, 1], x).data, 0, atol=1e-15)


def test_a_correlation_is_within_one_and_has_the_curvature_of_a_maximum_where_it_is_one():
    """Of v + t·w with v, where w is orthogonal to v and to 1, the correlation is 1 / √(1 + t²·w²/v²)."""
    v = np.array([-1.3, -0.6, 0.0])  # of it and 3v rounding makes more than 1
    x = np.array([v, 3 * v, -7 * v])
    np.testing.assert_array_equal(np.corrcoef(tg.Tensor(x)).data, np.corrcoef(x))
    w, d = np.cross(np.ones(3), v), v - np.mean(v)
    curvature = tg.hessian(lambda t: np.corrcoef(v + t * w, 3 * v)[0, 1])(0.0)
    np.testing.assert_allclose(curvature, -(w @ w) / (d @ d), rtol=1e-12)


def test_without_degrees_of_freedom_a_covariance_is_numpys_with_its_warnings():
    with np.errstate(all="ignore"):
        for ddof in (4, 6):
            with pytest.warns(RuntimeWarning, match="Degrees of freedom <= 0"):
                expected = np.cov(X, ddof=ddof)
            with pytest.warns(RuntimeWarning, match="Degrees of freedom <= 0"):
                np.testing.assert_array_equal(np.cov(tg.Tensor(X), ddof=ddof).data, expected)


x = tg.Tensor(X, requires_grad=True)
ERRORS = [
    (lambda: np.average(x, weights=[1, 2]), TypeError, r"weights of shape \(2,\) for \(2, 4\): give axis="),
    (lambda: np.average(x, axis=1, weights=[1, 2]), ValueError, r"\(2,\) do not run along axis 1 of \(2, 4\)"),
    (lambda: np.average(x, axis=0, weights=[1, -1]), ZeroDivisionError, r"the weights sum to zero"),
    (lambda: np.average(x, axis=2), np.exceptions.AxisError, r"average\(float64 \(2, 4\), axis=2\)"),
    (lambda: np.cov(x, fweights=[1, 2]), ValueError, r"one for each of the 4 observations"),
    (lambda: np.cov(x, aweights=[1, 1, 1, -1]), ValueError, r"weights are non-negative"),
    (lambda: np.cov(x, fweights=[0.5] * 4), TypeError, r"fweights are counts"),
    (lambda: np.cov(x[None]), ValueError, r"np\.cov takes one or two axes, got shape \(1, 2, 4\)"),
    (lambda: np.cov(x, X[:, :2]), ValueError, r"cov\(float64 \(2, 4\), float64 \(2, 2\)\)"),
    (lambda: np.cov(x, dtype=np.float32), TypeError, r"np\.cov on a Tensor does not take dtype="),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_an_error_says_what_came_and_what_was_expected(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
