"""Metrics against scikit-learn, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

import tinygrad_np as tg
from tinygrad_np import metrics

numbers = st.floats(-100, 100, width=16)
REGRESSIONS = {
    metrics.mean_squared_error: sk.mean_squared_error,
    metrics.mean_absolute_error: sk.mean_absolute_error,
    metrics.r2: sk.r2_score,
}


@pytest.mark.parametrize("metric", REGRESSIONS, ids=lambda metric: metric.__name__)
@given(st.sampled_from([(2,), (5,), (4, 1), (5, 3)]), st.data())
def test_regressions_are_those_of_scikit_learn(metric, shape, data):
    """Constant targets included, for which r2 is 1 or 0."""
    x, t = (data.draw(hnp.arrays(float, shape, elements=numbers)) for _ in range(2))
    found = metric(x, t)
    assert type(found) is float
    np.testing.assert_allclose(found, REGRESSIONS[metric](t, x), rtol=1e-12, atol=1e-12)
    assert metric(tg.Tensor(x, requires_grad=True), tg.Tensor(t)) == found


@given(hnp.arrays(float, (6, 3), elements=numbers, unique=True), hnp.arrays(int, 6, elements=st.integers(0, 2)))
def test_accuracy_is_that_of_scikit_learn(logits, labels):
    expected = sk.accuracy_score(labels, logits.argmax(1))
    for prediction in (logits, tg.Tensor(logits), logits.tolist()):
        for target in (labels, tg.Tensor(labels), labels.astype(np.uint8), np.eye(3)[labels]):
            found = metrics.accuracy(prediction, target)
            assert (type(found), found) == (float, expected)


@given(hnp.arrays(np.float32, 6, elements=st.floats(-9, 9, width=16)), hnp.arrays(bool, 6))
def test_accuracy_of_binary_logits_is_that_of_their_sign(logits, target):
    expected = sk.accuracy_score(target, logits > 0)
    for t in (target, target.astype(int), target.astype(float)):
        assert metrics.accuracy(logits, t) == expected
        assert metrics.accuracy(logits[:, None], t[:, None]) == expected


LABELS = {
    "integers": ([1, 2, 3, 4], [1, 2, 0, 0], 0.5),
    "bools": ([True, False], [True, True], 0.5),
    "strings": (["a", "b", "c", "d"], ["a", "x", "c", "d"], 0.75),
    "objects": (np.array(["a", 1], object), ["a", "b"], 0.5),
    "integers beside bools": ([1, 0, 1, 1], [True, False, True, False], 0.75),
    "integer logits": ([[3, 1], [5, 9], [0, 1]], [0, 1, 0], 2 / 3),
    "outputs of several labels": ([[1, 0], [0, 1]], [[1, 1], [0, 1]], 0.75),
}


@pytest.mark.parametrize(("prediction", "target", "expected"), LABELS.values(), ids=LABELS)
def test_accuracy_of_labels(prediction, target, expected):
    assert metrics.accuracy(prediction, target) == expected


@pytest.mark.parametrize(
    ("prediction", "target"), [([[np.nan, 1.0], [0.0, 1.0]], [0, 1]), ([np.nan, 1.0], [0, 1]), ([0.0, np.nan], [0, 0])]
)
def test_a_prediction_of_nan_is_wrong(prediction, target):
    assert metrics.accuracy(prediction, target) == 0.5


def test_a_mean_of_narrow_numbers_is_computed_in_float64():
    x = np.full(70_000, 0.1, np.float32)
    assert metrics.mean_absolute_error(x, np.full(70_000, 0.2)) == pytest.approx(
        0.2 - float(np.float32(0.1)), rel=1e-12
    )
    assert metrics.mean_squared_error(np.full(4, 300, np.float16), np.zeros(4)) == 90_000


REFUSED = {
    "a column beside numbers": (
        metrics.accuracy,
        (np.zeros((2, 1)), [0, 1]),
        ValueError,
        r"prediction of shape \(2, 1\) for a target of shape \(2,\); give target\[:, None\]",
    ),
    "a label out of range": (
        metrics.accuracy,
        (np.zeros((2, 2)), [0, 2]),
        ValueError,
        r"target in row 1 is 2, but must be in \[0, 2\)",
    ),
    "a negative label": (metrics.accuracy, (np.zeros((2, 2)), [-1, 1]), ValueError, "target in row 0 is -1"),
    "labels of floats": (metrics.accuracy, (np.zeros((2, 2)), [0.0, 1.0]), TypeError, "labels must be integers"),
    "too few labels": (metrics.accuracy, (np.zeros((3, 2)), [0, 1]), ValueError, r"shape \(3, 2\) for .* \(2,\)"),
    "signs": (metrics.accuracy, (np.zeros(2), [-1, 1]), ValueError, "row 0 is -1, but must be 0 or 1 .* for logits"),
    "numbers beside strings": (metrics.accuracy, ([1, 2], ["a", "b"]), TypeError, "none of them equal; give one kind"),
    "labels that do not fit": (metrics.accuracy, ([1, 2], [1, 2, 3]), ValueError, r"\(2,\) for a target of .*\(3,\)"),
    "no rows to judge": (metrics.accuracy, (np.zeros((0, 2)), np.zeros(0, int)), ValueError, "there are no rows"),
    "no rows to average": (metrics.mean_squared_error, ([], []), ValueError, "there are no rows"),
    "one number": (metrics.r2, (1.0, 2.0), ValueError, "there are no rows"),
    "a column for r2": (metrics.r2, (np.zeros((2, 1)), np.zeros(2)), ValueError, r"^r2: .*give target\[:, None\]"),
    "a target of NaN": (metrics.mean_absolute_error, ([1.0], [np.nan]), ValueError, "target in row 0 is nan"),
    "a masked target": (metrics.accuracy, ([1], np.ma.masked_array([1], mask=[1])), TypeError, "masked array"),
}


@pytest.mark.parametrize(("metric", "given_values", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_metric_refuses(metric, given_values, kind, message):
    with pytest.raises(kind, match=message):
        metric(*given_values)


def test_metrics_are_found_by_name():
    names = set(metrics.__all__) - {"by_name"}
    assert all(metrics.by_name(name) is getattr(metrics, name) for name in names)
    with pytest.raises(ValueError, match="there is no metric 'acuracy', did you mean 'accuracy'"):
        metrics.by_name("acuracy")
