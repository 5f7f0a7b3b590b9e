"""Softmax and cross-entropy: extremes without warnings, known values, and the two forms of targets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import slope

INF = np.inf


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with np.errstate(all="raise"):
        yield


def leaf(value):
    return tg.Tensor(np.array(value, float), requires_grad=True)


SOFTMAX = {
    "far apart": ([1e4, -1e4], [1, 0], [0, -2e4]),
    "equal and large": ([1e4, 1e4], [0.5, 0.5], [-np.log(2)] * 2),
    "equal and small": ([-1e4, -1e4], [0.5, 0.5], [-np.log(2)] * 2),
    "a zero probability": ([0.0, -INF], [1, 0], [0, -INF]),
    "one class": ([5.0], [1], [0]),
    "very large": ([8e307, -8e307], [1, 0], None),
}


@pytest.mark.parametrize(("at", "probabilities", "logarithms"), SOFTMAX.values(), ids=SOFTMAX)
def test_softmax_and_its_logarithm_at_extremes(at, probabilities, logarithms):
    x = leaf(at)
    y = tg.softmax(x)
    np.testing.assert_array_equal(y.data, probabilities)
    y.backward(np.arange(1.0, len(at) + 1))
    assert np.all(np.isfinite(x.grad))
    if logarithms is not None:
        x.grad = None
        z = tg.log_softmax(x)
        np.testing.assert_array_equal(z.data, logarithms)
        z.backward(np.ones(len(at)))
        np.testing.assert_array_equal(x.grad, 1 - len(at) * np.array(probabilities))


@given(hnp.arrays(float, (3, 4), elements=st.floats(-1e6, 1e6)), st.sampled_from([0, 1, -1]))
def test_softmax_sums_to_one_and_its_gradient_to_zero(x, axis):
    t = leaf(x)
    y = tg.softmax(t, axis=axis)
    np.testing.assert_allclose(y.data.sum(axis), 1, rtol=1e-14)
    y.backward(np.arange(12.0).reshape(3, 4))
    np.testing.assert_allclose(t.grad.sum(axis), 0, atol=1e-12)


@given(hnp.arrays(float, (2, 3), elements=st.floats(-50, 50)), st.floats(-1e3, 1e3))
def test_a_number_added_to_all_logits_changes_nothing(x, shift):
    np.testing.assert_allclose(tg.softmax(x + shift), tg.softmax(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "large"), [(np.float16, 3e4), (np.float32, 1e8), (np.float64, 1e17)])
def test_cross_entropy_of_a_batch_does_not_depend_on_what_all_logits_have_in_common(dtype, large):
    x, labels = tg.Tensor(np.full((40, 4), large, dtype), requires_grad=True), np.zeros(40, int)
    loss = tg.softmax_cross_entropy(x, labels)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(4), rtol=np.finfo(dtype).eps * 8)
    np.testing.assert_allclose(x.grad, np.full((40, 4), [-0.75, 0.25, 0.25, 0.25]) / 40, rtol=np.finfo(dtype).eps * 8)


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    for n, classes in [(1, 2), (4, 3), (50, 7)]:
        loss = tg.softmax_cross_entropy(leaf(np.zeros((n, classes))), np.zeros(n, int))
        assert loss.shape == ()
        np.testing.assert_allclose(loss.item(), np.log(classes), rtol=1e-15)


@pytest.mark.parametrize("n", [4, 40])  # few rows and many take different ways
def test_its_gradient_is_softmax_minus_target_over_rows(n):
    rng = np.random.default_rng(n)
    x, labels = leaf(rng.normal(size=(n, 3))), rng.integers(0, 3, n)
    tg.softmax_cross_entropy(x, labels).backward()
    np.testing.assert_allclose(x.grad, (tg.softmax(x.data) - np.eye(3)[labels]) / n, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("n", [4, 40])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8])
def test_labels_and_one_hot_rows_are_the_same(n, kind):
    rng = np.random.default_rng(n)
    labels = rng.integers(0, 3, n).astype(kind)
    a = leaf(rng.normal(size=(n, 3)))
    b = leaf(a.data)
    losses = tg.softmax_cross_entropy(a, labels), tg.softmax_cross_entropy(b, np.eye(3)[labels])
    np.testing.assert_allclose(losses[0].item(), losses[1].item(), rtol=1e-14)
    for loss in losses:
        loss.backward()
    np.testing.assert_allclose(a.grad, b.grad, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("n", [2, 60])
@pytest.mark.parametrize("one_hot", [False, True])
def test_cross_entropy_at_extremes_is_finite(n, one_hot):
    """Certain and right costs nothing, certain and wrong its distance; the slope is that of the softmax."""
    rows = np.tile([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], (n // 2, 1))
    labels = np.tile([0, 1], n // 2)
    x = leaf(rows)
    loss = tg.softmax_cross_entropy(x, np.eye(3)[labels] if one_hot else labels)
    assert loss.item() == 1e4
    loss.backward()
    np.testing.assert_array_equal(x.grad * n, np.tile([[0, 0, 0], [1, -1, 0]], (n // 2, 1)))


@pytest.mark.parametrize("n", [1, 30])
def test_a_class_ruled_out_by_a_logit_of_minus_infinity(n):
    x = leaf([[0.0, 0.0, -INF]] * n)
    loss = tg.softmax_cross_entropy(x, np.zeros(n, int))
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(2), rtol=1e-15)
    np.testing.assert_allclose(x.grad * n, [[-0.5, 0.5, 0]] * n, rtol=1e-15)
    soft = tg.softmax_cross_entropy(leaf(x.data), np.array([[0.5, 0.5, 0.0]] * n))
    np.testing.assert_allclose(soft.item(), np.log(2), rtol=1e-15)


def test_a_batch_of_no_rows_has_loss_zero_and_no_nan_in_its_gradient():
    for targets in (np.zeros(0, int), np.zeros((0, 3))):
        x = leaf(np.zeros((0, 3)))
        loss = tg.softmax_cross_entropy(x, targets)
        loss.backward()
        assert loss.item() == 0
        assert x.grad.shape == (0, 3)


def test_a_float16_loss_of_more_rows_than_float16_can_count_is_their_mean():
    n = 70_000
    for targets in (np.zeros(n, int), np.full((n, 2), 0.5)):
        x = tg.Tensor(np.zeros((n, 2), np.float16), requires_grad=True)
        loss = tg.softmax_cross_entropy(x, targets)
        np.testing.assert_array_equal(loss.data, np.float16(np.log(2)), strict=True)
        loss.backward(np.float16(1000))
        wanted = (0.5 - np.eye(2)[targets] if targets.ndim == 1 else np.zeros((n, 2))) * (1000 / n)
        np.testing.assert_array_equal(x.grad, wanted.astype(np.float16), strict=True)


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_many_float16_numbers_is_summed_in_float32(axis):
    x = tg.Tensor(np.zeros((5000, 2) if axis == 0 else (2, 5000), np.float16), requires_grad=True)
    share, logarithm = np.float16(1 / 5000), np.log(np.float16(5000))
    np.testing.assert_array_equal(tg.softmax(x, axis).data, np.full(x.shape, share), strict=True)
    np.testing.assert_array_equal(tg.log_softmax(x, axis).data, np.full(x.shape, -logarithm), strict=True)
    y = tg.logsumexp(x, axis)
    np.testing.assert_array_equal(y.data, np.full(2, logarithm), strict=True)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(x.shape, share), strict=True)


def test_targets_may_be_lists_and_tensors():
    rows = [[1.0, 2.0], [0.5, 0.0]]
    expected = tg.softmax_cross_entropy(np.array(rows), np.array([1, 0]))
    for targets in (
        [1, 0],
        (1, 0),
        tg.Tensor([1, 0]),
        [[0.0, 1.0], [1.0, 0.0]],
        [[0, 1], [1, 0]],
        tg.Tensor([[0.0, 1], [1, 0]]),
    ):
        np.testing.assert_allclose(tg.softmax_cross_entropy(leaf(rows), targets).item(), expected, rtol=1e-15)


def test_soft_targets_that_require_a_gradient_have_one():
    logits, z = leaf([[1.0, 2.0, 0.0]]), leaf([[0.0, 1.0, 0.5]])
    targets = tg.softmax(z)
    loss = tg.softmax_cross_entropy(logits, targets)
    at_targets = tg.gradients(loss, targets)
    np.testing.assert_allclose(at_targets.data, -np.log(tg.softmax(logits.data)), rtol=1e-14)


def test_rows_of_narrow_targets_sum_to_one_within_their_precision():
    thirds = np.full((2, 3), 1 / 3, np.float16)
    loss = tg.softmax_cross_entropy(tg.Tensor(np.zeros((2, 3), np.float32), requires_grad=True), thirds)
    np.testing.assert_allclose(loss.item(), np.log(3), rtol=1e-3)


@pytest.mark.parametrize(
    "targets", [np.array([1, 0]), np.float32([[0, 1], [1, 0]]), np.array([[0, 1], [1, 0]]), [[0, 1], [1, 0]]]
)
def test_a_float32_network_has_a_float32_loss_whatever_the_targets(targets):
    logits = tg.Tensor(np.float32([[1, 2], [3, 0]]), requires_grad=True)
    loss = tg.softmax_cross_entropy(logits, targets)
    loss.backward()
    assert (loss.dtype, logits.grad.dtype) == (np.float32, np.float32)


def test_the_loss_is_that_of_its_parts():
    rng = np.random.default_rng(3)
    x = leaf(rng.normal(size=(5, 4)))
    labels = np.array([3, 0, 1, 1, 2])
    whole = tg.softmax_cross_entropy(x, labels)
    parts = -tg.log_softmax(x)[np.arange(5), labels].mean()
    np.testing.assert_allclose(whole.item(), parts.item(), rtol=1e-14)
    np.testing.assert_allclose(tg.gradients(whole, x).data, tg.gradients(parts, x).data, rtol=1e-13, atol=1e-16)


def test_second_derivatives_are_the_covariance_of_the_softmax():
    x = leaf([[0.2, -0.4, 1.0]])
    p = tg.softmax(x.data)[0]
    slope = tg.gradients(tg.softmax_cross_entropy(x, [1]), x, create_graph=True)
    hessian = [tg.gradients(slope[0, i], x).data[0] for i in range(3)]
    np.testing.assert_allclose(hessian, np.diag(p) - np.outer(p, p), rtol=1e-13, atol=1e-15)


EXTREMES = {
    "sigmoid": (tg.sigmoid, [-1000.0, -INF, INF, 1000.0], [0, 0, 1, 1], [0, 0, 0, 0]),
    "relu": (tg.relu, [-1e300, 1e300, -INF, INF], [0, 1e300, 0, INF], [0, 1, 0, 1]),
    "relu at 0": (tg.relu, [-1.0, 0.0, -0.0, 1.0], [0, 0, 0, 1], [0, 0, 0, 1]),
}


@pytest.mark.parametrize(("f", "at", "values", "expected"), EXTREMES.values(), ids=EXTREMES)
def test_at_an_extreme_value_and_gradient_are_the_limit_without_a_warning(f, at, values, expected):
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(f(tg.Tensor(at)).data, values)
    np.testing.assert_allclose(slope(f, at), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("at", [-745.0, -720.0, -40.0, 40.0, 720.0])
def test_sigmoid_is_exact_far_out(at):
    """Down to the smallest number there is; its gradient too, which is y·(1 − y)."""
    with np.errstate(all="ignore"):
        exact = np.exp(np.float64(at)) if at < -36 else 1.0
        np.testing.assert_allclose(tg.sigmoid(tg.Tensor(at)).item(), exact, rtol=1e-13, atol=5e-324)


@pytest.mark.parametrize("at", [-745.0, -710.0, 710.0])
@pytest.mark.parametrize(
    "f", [tg.sigmoid, np.tanh, lambda x: np.logaddexp(x, 0.0), lambda x: tg.softmax(x - [0.0, 1.0])]
)
def test_a_tiny_gradient_into_saturated_units_stays_finite(f, at):
    x = tg.Tensor([at, at], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        f(x).backward([1e-30, 1e-30])
    assert np.all(np.isfinite(x.grad))
