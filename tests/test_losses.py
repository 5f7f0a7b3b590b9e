"""Every loss against formulas written out, scikit-learn and its own weights; and what it refuses."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

import tinygrad_np as tg
from tinygrad_np import losses

REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
rng = np.random.default_rng(5)
LABELS = np.array([2, 0, 1, 1, 2])
BINARY = np.array([1, 0, 0, 1, 1])
ROWS = np.abs(rng.normal(size=(5, 3)))
ROWS /= ROWS.sum(1, keepdims=True)
CLASS_WEIGHT = np.array([0.5, 2.0, 1.0])


def log_softmax(x):
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d < delta, 0.5 * d**2, delta * (d - 0.5 * delta))


# A loss, a prediction, a target, and the losses of the elements by the formula as PyTorch's documentation has it.
CASES = {
    "labels": (losses.softmax_cross_entropy, (5, 3), LABELS, lambda x, t: -log_softmax(x)[np.arange(5), t]),
    "probabilities": (losses.softmax_cross_entropy, (5, 3), ROWS, lambda x, t: -(t * log_softmax(x)).sum(1)),
    "smoothed labels": (
        partial(losses.softmax_cross_entropy, label_smoothing=0.1),
        (5, 3),
        LABELS,
        lambda x, t: -((0.9 * np.eye(3)[t] + 0.1 / 3) * log_softmax(x)).sum(1),
    ),
    "binary": (
        losses.binary_cross_entropy,
        (5,),
        BINARY,
        lambda x, t: -(t * np.log(sigmoid(x)) + (1 - t) * np.log(1 - sigmoid(x))),
    ),
    "binary outputs": (
        losses.binary_cross_entropy,
        (5, 3),
        ROWS,
        lambda x, t: -(t * np.log(sigmoid(x)) + (1 - t) * np.log(1 - sigmoid(x))),
    ),
    "squared": (losses.squared_error, (5, 2), rng.normal(size=(5, 2)), lambda x, t: (x - t) ** 2),
    "absolute": (losses.absolute_error, (5, 2), rng.normal(size=(5, 2)), lambda x, t: np.abs(x - t)),
    "huber": (losses.huber, (5,), rng.normal(size=5), huber),
    "huber of 0.3": (partial(losses.huber, delta=0.3), (5,), rng.normal(size=5), partial(huber, delta=0.3)),
    "hinge": (losses.hinge, (5,), BINARY, lambda x, t: np.maximum(0, 1 - np.where(t == 1, 1, -1) * x)),
    "poisson": (losses.poisson, (5, 2), rng.integers(0, 9, (5, 2)), lambda x, t: np.exp(x) - t * x),
    "gaussian": (
        losses.gaussian_nll,
        (5, 4),
        rng.normal(size=(5, 2)),
        lambda x, t: 0.5 * (np.log(np.exp(x[:, 2:])) + (x[:, :2] - t) ** 2 / np.exp(x[:, 2:])),
    ),
}
INPUTS = {
    name: (loss, rng.normal(size=shape), target, formula) for name, (loss, shape, target, formula) in CASES.items()
}
every_case = pytest.mark.parametrize(("loss", "x", "target", "formula"), INPUTS.values(), ids=INPUTS)


def test_every_loss_has_a_case_and_a_name():
    names = set(losses.__all__) - {"by_name"}
    assert {getattr(case[0], "func", case[0]).__name__ for case in CASES.values()} == names == set(losses.LOSSES)
    assert all(losses.by_name(name) is getattr(losses, name) for name in names)


def column(weight, like):
    return weight.reshape((-1,) + (1,) * (like.ndim - 1))


@every_case
def test_values_with_each_reduction_and_with_weights(loss, x, target, formula):
    elements, weight = formula(x, target), rng.uniform(0.5, 3, 5)
    weighted = elements * column(weight, elements)
    repeated = np.broadcast_to(column(weight, elements), elements.shape)
    expected = {"mean": weighted.sum() / repeated.sum(), "sum": weighted.sum(), "none": weighted}
    for reduction, reduce in REDUCTIONS.items():
        close = partial(np.testing.assert_allclose, rtol=1e-13)
        close(loss(x, target, reduction=reduction), reduce(elements))
        close(loss(tg.Tensor(x), target, reduction=reduction).data, reduce(elements))
        close(loss(x, target, reduction=reduction, sample_weight=weight), expected[reduction])
    np.testing.assert_array_equal(loss(x, target), loss(x, target, reduction="mean"))


@every_case
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2, 0, 1, 3])], ids=["", "weighted"])
def test_gradients_by_differences(loss, x, target, formula, reduction, weight):
    tg.check_gradients(lambda x: loss(x, target, reduction=reduction, sample_weight=weight), x, seed=1)


@every_case
def test_second_derivatives_by_differences(loss, x, target, formula):
    def slope(x):
        cost = loss(x, target, sample_weight=[1, 2, 3, 4, 5])
        return tg.gradients(cost * cost, x, create_graph=True)  # the square, for some losses have no curvature

    tg.check_gradients(slope, x, seed=1)


@every_case
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_prediction_decides_the_dtype_of_value_and_gradient(loss, x, target, formula, dtype, reduction):
    for options in ({}, {"sample_weight": np.arange(5)}):
        t = tg.Tensor(x.astype(dtype), requires_grad=True)
        cost = loss(t, target, reduction=reduction, **options)
        cost.sum().backward()
        assert (cost.dtype, t.grad.dtype) == (dtype, dtype)


REGRESSIONS = [losses.squared_error, losses.absolute_error, losses.huber]


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, list, tg.Tensor])
@pytest.mark.parametrize("loss", [*REGRESSIONS, losses.binary_cross_entropy, losses.hinge, losses.poisson])
def test_targets_of_any_kind_are_the_numbers_they_are(loss, kind):
    x = np.linspace(-2, 2, 5)
    target = BINARY.astype(kind) if isinstance(kind, type) and issubclass(kind, (bool, np.generic)) else kind(BINARY)
    np.testing.assert_array_equal(loss(x, target), loss(x, BINARY.astype(float)))


@pytest.mark.parametrize("loss", [*REGRESSIONS, losses.binary_cross_entropy, losses.poisson])
def test_a_target_that_is_a_tensor_has_a_gradient(loss):
    tg.check_gradients(loss, np.linspace(-2, 2, 5), np.array([0.3, 0.4, 0.45, 0.8, 0.9]), seed=1)


def test_a_weight_that_is_a_tensor_has_a_gradient():
    weigh = lambda w: losses.squared_error(np.linspace(-2, 2, 5), BINARY, sample_weight=w)
    tg.check_gradients(weigh, np.linspace(1, 2, 5), seed=1)


@given(hnp.arrays(int, 5, elements=st.integers(0, 3)), st.sampled_from(list(INPUTS)))
def test_a_row_of_weight_k_counts_like_one_listed_k_times(counts, name):
    """With the gradient, which is that of all copies together; a row of weight 0 is absent, and so may be all."""
    loss, x, target, _ = INPUTS[name]
    for reduction in ("mean", "sum"):
        a = tg.Tensor(x, requires_grad=True)
        b = tg.Tensor(x, requires_grad=True)
        weighted = loss(a, target, reduction=reduction, sample_weight=counts)
        index = np.repeat(np.arange(5), counts)
        listed = loss(b[index], target[index], reduction=reduction)
        weighted.backward()
        listed.backward()
        np.testing.assert_allclose(weighted.data, listed.data, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-12, atol=1e-14)


@given(hnp.arrays(float, 5, elements=st.floats(0.125, 8)), st.sampled_from([0.25, 2.0, 64.0]))
def test_the_unit_of_the_weights_does_not_matter_to_a_mean(weight, unit):
    loss = partial(losses.squared_error, np.linspace(-2, 2, 5), BINARY)
    np.testing.assert_allclose(loss(sample_weight=weight * unit), loss(sample_weight=weight), rtol=1e-14)


@every_case
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_of_no_rows_the_loss_is_zero(loss, x, target, formula, reduction):
    t = tg.Tensor(x[:0], requires_grad=True)
    for options in ({}, {"sample_weight": np.zeros(0)}):
        with np.errstate(all="raise"):
            cost = loss(t, target[:0], reduction=reduction, **options)
            cost.backward()
        assert cost.item() == 0
    assert t.grad.shape == x[:0].shape
    assert loss(t, target[:0], reduction="none").shape[0] == 0


def test_class_weights_are_those_of_pytorch():
    """Σ w[y]·l / Σ w[y]; with smoothing each term of a row has its own weight, and the row in the mean w[y] still."""
    x = INPUTS["labels"][1]
    log_p, w = log_softmax(x), CLASS_WEIGHT
    weigh = partial(losses.softmax_cross_entropy, x, class_weight=w)
    plain = -w[LABELS] * log_p[np.arange(5), LABELS]
    np.testing.assert_allclose(weigh(LABELS), plain.sum() / w[LABELS].sum(), rtol=1e-14)
    np.testing.assert_allclose(weigh(LABELS, reduction="none"), plain, rtol=1e-14)
    smooth = -((0.8 * np.eye(3)[LABELS] + 0.2 / 3) * w * log_p).sum(1)
    np.testing.assert_allclose(weigh(LABELS, label_smoothing=0.2), smooth.sum() / w[LABELS].sum(), rtol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, [1, 0, 2, 3, 1]])
def test_labels_and_one_hot_rows_are_the_same(smoothing, reduction, weight):
    loss = partial(
        losses.softmax_cross_entropy,
        INPUTS["labels"][1],
        reduction=reduction,
        sample_weight=weight,
        label_smoothing=smoothing,
        class_weight=CLASS_WEIGHT,
    )
    for one_hot in (np.eye(3)[LABELS], np.eye(3, dtype=int)[LABELS], tg.Tensor(np.eye(3)[LABELS])):
        found = loss(one_hot)
        np.testing.assert_allclose(getattr(found, "data", found), loss(LABELS), rtol=1e-14)


def test_a_class_weight_counts_like_the_weight_of_its_rows():
    x = INPUTS["labels"][1]
    by_class = losses.softmax_cross_entropy(x, LABELS, class_weight=CLASS_WEIGHT, sample_weight=[1, 2, 1, 3, 1])
    by_row = losses.softmax_cross_entropy(x, LABELS, sample_weight=CLASS_WEIGHT[LABELS] * [1, 2, 1, 3, 1])
    np.testing.assert_allclose(by_class, by_row, rtol=1e-14)


def test_gradients_with_class_weights_in_logits_and_probabilities():
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1, "sample_weight": [1, 2, 3, 4, 5]}
    loss = partial(losses.softmax_cross_entropy, **options)
    tg.check_gradients(lambda x: loss(x, LABELS), INPUTS["labels"][1], seed=1)
    tg.check_gradients(lambda x, z: loss(x, tg.softmax(z)), INPUTS["labels"][1], np.log(ROWS), seed=1)


def test_without_options_the_cross_entropy_is_the_operation():
    x = tg.Tensor(INPUTS["labels"][1], requires_grad=True)
    losses.softmax_cross_entropy(x, LABELS).backward()
    again = tg.Tensor(x.data, requires_grad=True)
    tg.softmax_cross_entropy(again, LABELS).backward()
    np.testing.assert_array_equal(x.grad, again.grad)


@pytest.mark.parametrize("weight", [None, np.array([1.0, 2, 0.5, 3, 1])])
def test_scikit_learn_agrees(weight):
    close = partial(np.testing.assert_allclose, rtol=1e-13)
    x, many = np.linspace(-2, 3, 5), INPUTS["labels"][1]
    weigh = {"sample_weight": weight}
    close(losses.softmax_cross_entropy(many, LABELS, **weigh), sk.log_loss(LABELS, tg.softmax(many), **weigh))
    close(losses.binary_cross_entropy(x, BINARY, **weigh), sk.log_loss(BINARY, sigmoid(x), **weigh))
    close(losses.squared_error(x, BINARY, **weigh), sk.mean_squared_error(BINARY, x, **weigh))
    close(losses.absolute_error(x, BINARY, **weigh), sk.mean_absolute_error(BINARY, x, **weigh))
    close(losses.hinge(x, BINARY, **weigh), sk.hinge_loss(2 * BINARY - 1, x, **weigh))
    counts = np.array([1, 4, 2, 9, 3])  # the deviance is twice what is lost beside the best prediction, ln t
    lost = losses.poisson(x, counts, **weigh) - losses.poisson(np.log(counts), counts, **weigh)
    close(2 * lost, sk.mean_poisson_deviance(counts, np.exp(x), **weigh))


def test_minimizing_finds_what_each_loss_estimates():
    """The mean, the median, the rate and the variance: a check of meaning, and not of formulas."""
    target = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    slope = lambda loss, x: tg.grad(lambda x: loss(x, target))(x)
    np.testing.assert_allclose(slope(losses.squared_error, np.full(5, 4.0)).sum(), 0, atol=1e-15)
    np.testing.assert_allclose(slope(losses.absolute_error, np.full(5, 3.0)).sum(), 0, atol=1e-15)
    np.testing.assert_allclose(slope(losses.poisson, np.full(5, np.log(4))).sum(), 0, atol=1e-15)
    best = np.tile([4.0, np.log(target.var())], (5, 1))
    gradient = tg.grad(lambda x: losses.gaussian_nll(x, target[:, None]))(best)
    np.testing.assert_allclose(gradient.sum(0), 0, atol=1e-15)


def test_hinge_at_its_kink_and_beyond():
    x = tg.Tensor([1.0, 3.0, -1.0, 0.5], requires_grad=True)
    losses.hinge(x, [1, 1, 0, 0], reduction="sum").backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0, 1])


EXTREME = {
    "binary": (losses.binary_cross_entropy, [1e4, -1e4, 1e4, -1e4], [1, 0, 0, 1], [0, 0, 1e4, 1e4]),
    "absolute": (losses.absolute_error, [1e300, -1e300, 1e-300, 0], [0, 0, 0, 0], [1e300, 1e300, 1e-300, 0]),
    "squared": (losses.squared_error, [1e150, -1e-300, 0, 1], [0, 0, 0, 1], [1e300, 0, 0, 0]),
    "huber": (losses.huber, [1e300, -1e300, 1e-300, 0], [0, 0, 0, 0], [1e300, 1e300, 0, 0]),
    "hinge": (losses.hinge, [1e4, -1e4, 1e300, -1e300], [1, 0, 0, 1], [0, 0, 1e300, 1e300]),
    "poisson": (losses.poisson, [-1e4, -740, 0, 600], [2, 0, 0, 0], [2e4, 0, 1, np.exp(600)]),
}


@pytest.mark.parametrize(("loss", "x", "target", "expected"), EXTREME.values(), ids=EXTREME)
def test_far_out_the_loss_is_the_limit_without_a_warning(loss, x, target, expected):
    x = tg.Tensor(x, requires_grad=True)
    with np.errstate(all="raise"):
        cost = loss(x, target, reduction="none")
        loss(x, target, sample_weight=[1, 2, 3, 4]).backward()
    np.testing.assert_allclose(cost.data, expected, rtol=1e-15, atol=1e-300)
    assert np.all(np.isfinite(x.grad))


def test_a_prediction_of_nan_gives_nan_for_the_training_to_find():
    for name, loss in losses.LOSSES.items():
        shape, target = ((1, 2), [0]) if "softmax" in name else ((1, 2), [[0]]) if "gauss" in name else ((1,), [0])
        with np.errstate(invalid="ignore"):
            assert np.isnan(loss(np.full(shape, np.nan), target)), name


def test_losses_and_metrics_are_imported_when_they_are_first_asked_for():
    program = "import sys, tinygrad_np as tg; print('tinygrad_np.losses' in sys.modules, tg.losses.huber([3.0], [1.0]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1.5"]
    assert tg.metrics.accuracy([1], [1]) == 1


@pytest.mark.parametrize("weights", [[1e-5, 2e-7, 3e-8], [200.0] * 600, [1e-8] * 4000, [3e4, 1.0, 2.0]], ids=len)
def test_weights_are_summed_where_a_narrow_dtype_could_not(weights):
    """float16 ends at 65504, and 1e-8 is 0 in it."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(2, len(weights)))
    for dtype in (np.float16, np.float32):
        p = tg.Tensor(x.astype(dtype), requires_grad=True)
        loss = tg.losses.squared_error(p, t, sample_weight=weights)
        loss.backward()
        expected = np.average((x - t) ** 2, weights=weights)
        slope = 2 * (x - t) * np.array(weights) / np.sum(weights)
        assert loss.dtype == p.grad.dtype == dtype
        np.testing.assert_allclose(loss.item(), expected, rtol=5e-3)
        np.testing.assert_allclose(p.grad, slope, rtol=2e-2, atol=1e-4)


def test_class_weights_are_summed_where_a_narrow_dtype_could_not():
    logits, labels = np.zeros((600, 3), np.float16), np.zeros(600, int)
    loss = tg.losses.softmax_cross_entropy(logits, labels, class_weight=[300, 1, 1])
    np.testing.assert_allclose(float(loss), np.log(3), rtol=1e-3)


@pytest.mark.parametrize("unit", [1e-46, 1e-9, 1e5, 1e39, 1e300])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_unit_of_class_weights_does_not_matter_to_a_mean(dtype, unit):
    ends = []
    for weights in (CLASS_WEIGHT, CLASS_WEIGHT * unit):
        logits = tg.Tensor(np.linspace(-1, 2, 15).reshape(5, 3), requires_grad=True, dtype=dtype)
        loss = losses.softmax_cross_entropy(logits, LABELS, class_weight=weights)
        loss.backward()
        ends.append([loss.item(), *logits.grad.ravel()])
    np.testing.assert_allclose(*ends, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
