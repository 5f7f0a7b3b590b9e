"""Losses given what they cannot use: the message names the loss, the row, what came and what to write instead."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import losses

FOUR = np.zeros(4)
COLUMN = FOUR[:, None]
LOGITS = np.zeros((4, 3))
LABELS = np.array([0, 1, 2, 1])
ELEMENTWISE = [
    losses.binary_cross_entropy,
    losses.squared_error,
    losses.absolute_error,
    losses.huber,
    losses.hinge,
    losses.poisson,
]
every_elementwise_loss = pytest.mark.parametrize("loss", ELEMENTWISE, ids=lambda loss: loss.__name__)

SHAPES = [
    (COLUMN, FOUR, r"\(4, 1\) for a target of shape \(4,\); give target\[:, None\], or prediction\[:, 0\]"),
    (FOUR, COLUMN, r"\(4,\) for a target of shape \(4, 1\); give target\[:, 0\], or prediction\[:, None\]"),
    (FOUR, FOUR[:3], r"\(4,\) for a target of shape \(3,\); they must be equal"),
    (LOGITS, FOUR, r"\(4, 3\) for a target of shape \(4,\); they must be equal"),
    (FOUR, 0.0, r"\(4,\) for a target of shape \(\); they must be equal"),
]


@every_elementwise_loss
@pytest.mark.parametrize(("prediction", "target", "message"), SHAPES)
def test_nothing_is_broadcast_without_a_word(loss, prediction, target, message):
    for given in (prediction, tg.Tensor(prediction)):
        with pytest.raises(ValueError, match=f"^{loss.__name__}: a prediction of shape {message}"):
            loss(given, target)


TARGETS = [
    ([0, 1, np.nan, 1], ValueError, "the target in row 2 is nan, but must be a finite number"),
    ([0, -np.inf, 0, 1], ValueError, "the target in row 1 is -inf, but must be a finite number"),
    (["a", "b", "c", "d"], TypeError, "the target must be real numbers, got <U1 data; convert it first"),
    ([None] * 4, TypeError, "the target must be real numbers, got object"),
    ([1j] * 4, TypeError, "the target must be real numbers, got complex128"),
    (np.array([0, 1, 2, 3], "M8[D]"), TypeError, r"the target must be real numbers, got datetime64\[D\]"),
    (np.ma.masked_array(FOUR, mask=LABELS == 1), TypeError, r"the target is a masked array; give target\.filled"),
]


@every_elementwise_loss
@pytest.mark.parametrize(("target", "kind", "message"), TARGETS)
def test_targets_that_are_missing_or_no_numbers(loss, target, kind, message):
    with pytest.raises(kind, match=f"^{loss.__name__}: {message}"):
        loss(tg.Tensor(FOUR), target)


@every_elementwise_loss
@pytest.mark.parametrize("prediction", [["a"] * 4, [1j] * 4, None])
def test_predictions_that_are_no_numbers(loss, prediction):
    with pytest.raises(TypeError, match=f"^{loss.__name__}: the prediction must be real numbers, got"):
        loss(prediction, FOUR)


OUT_OF_RANGE = {
    "binary, 2": (
        losses.binary_cross_entropy,
        [0, 1, 1, 2],
        "in row 3 is 2, but must be 0, 1 or a probability between",
    ),
    "binary, signs": (losses.binary_cross_entropy, [1, -1, 1, 1], r"in row 1 is -1.*give \(target \+ 1\) / 2"),
    "binary, above 1": (losses.binary_cross_entropy, [1, 1.5, 0, 0], "in row 1 is 1.5"),
    "hinge, signs": (losses.hinge, [1, 1, -1, 1], r"in row 2 is -1, but must be 0 or 1.*give \(target \+ 1\) / 2"),
    "hinge, a probability": (losses.hinge, [1, 0.5, 1, 1], "in row 1 is 0.5, but must be 0 or 1"),
    "poisson": (losses.poisson, [3, 2, 0, -1], "in row 3 is -1, but must be a count of at least 0"),
}


@pytest.mark.parametrize(("loss", "target", "message"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_targets_out_of_range(loss, target, message):
    with pytest.raises(ValueError, match=f"^{loss.__name__}: the target {message}"):
        loss(tg.Tensor(FOUR), target)


def test_of_several_outputs_the_row_and_the_column_are_named():
    with pytest.raises(ValueError, match=r"the target at index \(2, 1\) is nan"):
        losses.huber(LOGITS, np.where(np.arange(12).reshape(4, 3) == 7, np.nan, 0))


WEIGHTS = [
    ([1, 2, 3], ValueError, r"sample_weight of shape \(3,\) for losses of shape \(4,\); give one number for each row"),
    (2.0, ValueError, r"sample_weight of shape \(\) for losses of shape \(4,\)"),
    (COLUMN, ValueError, r"sample_weight of shape \(4, 1\) for losses of shape \(4,\)"),
    ([1, 2, -0.5, 1], ValueError, "the sample_weight of row 2 is -0.5; weights must be finite and at least 0"),
    ([1, np.nan, 1, 1], ValueError, "the sample_weight of row 1 is nan"),
    ([np.inf, 1, 1, 1], ValueError, "the sample_weight of row 0 is inf"),
    (["a"] * 4, TypeError, "the sample_weight must be real numbers, got <U1"),
]


@pytest.mark.parametrize(("weight", "kind", "message"), WEIGHTS)
def test_weights_of_the_rows(weight, kind, message):
    for loss in (
        *(partial(loss, FOUR, FOUR) for loss in ELEMENTWISE),
        partial(losses.softmax_cross_entropy, LOGITS, LABELS),
    ):
        with pytest.raises(kind, match=f"^{loss.func.__name__}: {message}"):
            loss(sample_weight=weight)


def test_a_single_number_has_no_rows_to_weigh():
    assert losses.squared_error(1.0, 3.0) == 4
    with pytest.raises(ValueError, match=r"sample_weight of shape \(1,\) for losses of shape \(\)"):
        losses.squared_error(1.0, 3.0, sample_weight=[1])


@pytest.mark.parametrize("reduction", ["avg", "Mean", "", None, np.mean, True])
def test_a_reduction_that_does_not_exist(reduction):
    for loss in (partial(losses.huber, FOUR, FOUR), partial(losses.softmax_cross_entropy, LOGITS, LABELS)):
        with pytest.raises((ValueError, TypeError), match=r"reduction .*[.?] Choose from: mean, sum, none"):
            loss(reduction=reduction)


OPTIONS = {
    "delta 0": (losses.huber, {"delta": 0}, ValueError, "delta must be a number above 0 and finite, got 0"),
    "delta negative": (losses.huber, {"delta": -1.0}, ValueError, "delta .* got -1.0"),
    "delta NaN": (losses.huber, {"delta": np.nan}, ValueError, "delta .* got nan"),
    "delta infinite": (losses.huber, {"delta": np.inf}, ValueError, "delta .* got inf"),
    "delta a string": (losses.huber, {"delta": "1"}, TypeError, "delta .* got '1'"),
    "smoothing 1": (
        losses.softmax_cross_entropy,
        {"label_smoothing": 1},
        ValueError,
        "of at least 0 and less than 1, got 1",
    ),
    "smoothing negative": (losses.softmax_cross_entropy, {"label_smoothing": -0.1}, ValueError, "got -0.1"),
    "smoothing True": (losses.softmax_cross_entropy, {"label_smoothing": True}, TypeError, "got True"),
    "smoothing None": (losses.softmax_cross_entropy, {"label_smoothing": None}, TypeError, "got None"),
    "too few classes": (
        losses.softmax_cross_entropy,
        {"class_weight": [1, 2]},
        ValueError,
        r"class_weight of shape \(2,\) for logits of shape \(4, 3\); give one number for each class, of shape \(3,\)",
    ),
    "a negative class": (
        losses.softmax_cross_entropy,
        {"class_weight": [1, 2, -1]},
        ValueError,
        "the class_weight of class 2 is -1; weights must be finite and at least 0",
    ),
    "classes by label": (
        losses.softmax_cross_entropy,
        {"class_weight": {0: 1, 1: 2, 2: 1}},
        TypeError,
        "the class_weight must be real numbers, got object",
    ),
}


@pytest.mark.parametrize(("loss", "options", "kind", "message"), OPTIONS.values(), ids=OPTIONS)
def test_options(loss, options, kind, message):
    given = (LOGITS, LABELS) if loss is losses.softmax_cross_entropy else (FOUR, FOUR)
    with pytest.raises(kind, match=message):
        loss(*given, **options)


@pytest.mark.parametrize("options", [{}, {"reduction": "none"}, {"class_weight": [1, 2, 1]}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize(
    ("logits", "target", "kind", "message"),
    [
        (LOGITS, [0, 1, 3, 0], ValueError, r"label 3 in row 2 is outside \[0, 3\)"),
        (LOGITS, [0, 1, 2, -1], ValueError, r"label -1 in row 3 is outside \[0, 3\)"),
        (LOGITS, [0.0, 1.0, 2.0, 0.0], TypeError, "labels must be integers, got float64"),
        (LOGITS, [0, 1], ValueError, "2 labels for 4 rows of logits"),
        (LOGITS, LABELS[:, None], ValueError, r"targets of shape \(4, 1\) for logits of shape \(4, 3\)"),
        (LOGITS, np.ones((4, 3)), ValueError, "row 0 is .* with sum 3"),
        (np.zeros(3), [0], ValueError, r"logits must have shape \(n, classes\)"),
        ([["a", "b", "c"]], [0], TypeError, "logits must be real numbers, got <U1"),
    ],
)
def test_the_cross_entropy_refuses_with_any_option_what_it_refuses_without(logits, target, kind, message, options):
    with pytest.raises(kind, match=f"^softmax_cross_entrop(y|ies)\\(.*{message}"):
        losses.softmax_cross_entropy(logits, target, **options)


@pytest.mark.parametrize("prediction", [np.zeros((4, 3)), FOUR, np.zeros((4, 0)), np.zeros((4, 2, 2)), COLUMN])
def test_a_prediction_without_a_variance_for_each_mean(prediction):
    message = (
        r"^gaussian_nll: the prediction must hold k means and k logarithms .* got \(.*np\.concatenate\(\[mean, log_"
    )
    with pytest.raises(ValueError, match=message):
        losses.gaussian_nll(prediction, COLUMN)


def test_targets_of_the_gaussian_are_as_many_as_the_means():
    with pytest.raises(ValueError, match=r"^gaussian_nll: means of shape \(4, 1\) for a target of shape \(4,\)"):
        losses.gaussian_nll(np.zeros((4, 2)), FOUR)


@pytest.mark.parametrize(("name", "suggested"), [("hubert", "huber"), ("squared-error", "squared_error")])
def test_a_loss_that_does_not_exist_has_the_nearest_suggested(name, suggested):
    with pytest.raises(ValueError, match=f"there is no loss '{name}', did you mean '{suggested}'"):
        losses.by_name(name)
