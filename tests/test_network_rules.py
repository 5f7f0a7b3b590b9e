"""Operations of networks at the edges: gradients that are not finite, integers, and arguments that are no numbers."""

import numpy as np
import pytest

import tinygrad_np as tg

INF, NAN = np.inf, np.nan


def leaf(value, dtype=np.float64):
    return tg.Tensor(np.array(value, dtype), requires_grad=True)


SELECTIONS = {
    "relu": (tg.relu, [-1.0, 0.0, 2.0], [0, 0, 1]),
    "maximum, first": (lambda x: np.maximum(x, 0.5), [-1.0, 0.5, 2.0], [0, 0.5, 1]),
    "maximum, second": (lambda x: np.maximum(np.array([0.5, 0.5, 0.5]), x), [-1.0, 0.5, 2.0], [0, 0.5, 1]),
    "minimum, first": (lambda x: np.minimum(x, 0.5), [-1.0, 0.5, 2.0], [1, 0.5, 0]),
    "minimum, second": (lambda x: np.minimum(np.array([0.5, 0.5, 0.5]), x), [-1.0, 0.5, 2.0], [1, 0.5, 0]),
}


@pytest.mark.parametrize(("f", "at", "shares"), SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("g", [INF, -INF, NAN, 3.0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_not_selected_has_gradient_zero_though_an_infinite_one_arrives(f, at, shares, g, dtype):
    """0·∞ would be NaN. The gradient is the same when the rule is run again on Tensors, and keeps its dtype."""
    x, seed = leaf(at, dtype), np.full(3, g, dtype)
    expected = np.array([g * share if share else 0 for share in shares], dtype)
    with np.errstate(all="raise"):
        y = f(x)
        again = tg.gradients(y, x, create_graph=True, output_gradients=leaf(seed, dtype))
        y.backward(seed)
    np.testing.assert_array_equal(x.grad, expected, strict=True)
    np.testing.assert_array_equal(again.data, expected, strict=True)


@pytest.mark.parametrize(("f", "at", "shares"), SELECTIONS.values(), ids=SELECTIONS)
def test_a_selection_is_linear_in_the_gradient_that_arrives(f, at, shares):
    """∂/∂g of g·share is the share: what the rule does with a g that is a Tensor is recorded."""
    x, g = leaf(at), leaf([5.0, 7.0, 9.0])
    pulled = tg.gradients(f(x), x, create_graph=True, output_gradients=g)
    np.testing.assert_array_equal(tg.gradients(pulled, g, output_gradients=np.ones(3)).data, shares)


def test_the_logarithm_of_a_unit_that_is_off_sends_it_no_nan():
    x = leaf([-1.0, 2.0])
    with np.errstate(divide="ignore"):
        np.log(tg.relu(x)).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0.5])


NARROW = [np.int8([[100, -100, 1]]), np.uint8([[1, 3, 255]]), np.array([[True, False, True]])]


@pytest.mark.parametrize("x", NARROW, ids=lambda x: str(x.dtype))
@pytest.mark.parametrize("f", [tg.sigmoid, tg.softmax, tg.log_softmax], ids=lambda f: f.name)
def test_integers_are_taken_for_the_numbers_they_are(f, x):
    """Not negated or subtracted in a dtype where 1 − 3 is 254, nor rounded to float16 by np.exp."""
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(f(x), f(x.astype(float)), strict=True)
        np.testing.assert_array_equal(f(tg.Tensor(x)).data, f(x.astype(float)), strict=True)


@pytest.mark.parametrize("x", NARROW, ids=lambda x: str(x.dtype))
@pytest.mark.parametrize("rows", [1, 40])  # few logits and many take different ways
def test_the_cross_entropy_of_integers_is_that_of_the_numbers_they_are(x, rows):
    x, labels = np.repeat(x, rows, 0), np.ones(rows, int)
    with np.errstate(all="raise"):
        assert tg.softmax_cross_entropy(x, labels) == tg.softmax_cross_entropy(x.astype(float), labels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("size", [10, 5000])
def test_the_gradient_of_relu_keeps_every_bit_and_is_0_elsewhere(dtype, size):
    x = tg.Tensor(np.tile([-1.0, 0.0, 1.0, 2.0, np.inf], size // 5).astype(dtype), requires_grad=True)
    g = np.tile([np.inf, np.nan, -0.0, np.nan, -np.inf], size // 5).astype(dtype)
    tg.relu(x).backward(g)
    np.testing.assert_array_equal(x.grad, np.where(x.data > 0, g, dtype(0)), strict=True)
    assert (np.signbit(x.grad) == np.signbit(np.where(x.data > 0, g, dtype(0)))).all()


@pytest.mark.parametrize("x", NARROW, ids=lambda x: str(x.dtype))
def test_the_relu_of_integers_are_integers_as_in_numpy(x):
    np.testing.assert_array_equal(tg.relu(x), np.where(x > 0, x, 0).astype(x.dtype), strict=True)


@pytest.mark.parametrize("apart", [600.0, 708.5, 720.0, 740.0, 745.0, 1e4])
def test_a_probability_too_small_for_the_dtype_is_no_error_even_where_underflow_is_one(apart):
    with np.errstate(all="raise"):
        small = tg.softmax([0.0, 0.0, -apart])[2]
    np.testing.assert_allclose(small, np.exp(np.float64(-apart)) / 2, rtol=1e-15, atol=5e-324)
