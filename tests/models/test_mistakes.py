"""Each classic mistake in the hand-derived backpropagation is caught, and called by its name."""

import numpy as np
import pytest

import tinygrad_np as tg
from models import article, checking, mistakes, reference
from tests.models.test_article import LABELS, ROWS

BATCH = ROWS[:4], LABELS[:4]
MISSING_DIVISION = (
    "the claimed gradient is 4.000 times the numerical one, everywhere: is the division by the batch (of 4 rows) "
    "missing?"
)
OPPOSITE = "the claimed gradient is -1.000 times the numerical one, everywhere: its sign is opposite"
EARLIER = (
    "the gradients of 2.weight and 2.bias are right, those of 0.weight and 0.bias, before them, wrong: the fault lies "
    "on the way back from the later to the earlier ones; is a slope such as 1 − z² of tanh missing?"
)
SQUARE = "the claimed gradient is the transpose of the numerical one: is a .T missing, or one too many?"
OBLONG = (
    "the claimed gradient, of shape (3, 2) where the input has (2, 3), is the transpose of the numerical one: is a .T "
    "missing, or one too many?"
)

# What the report says of each mistake and how often, and which parameters have wrong gradients.
EVERY = ["0.weight", "0.bias", "2.weight", "2.bias"]
SAID = {
    "division": ({MISSING_DIVISION: 1}, EVERY),
    "slope": ({EARLIER: 1}, ["0.weight", "0.bias"]),
    "transpose": ({SQUARE: 1, OBLONG: 1}, ["0.weight", "2.weight"]),
    "sign": ({OPPOSITE: 1}, EVERY),
}


def test_every_mistake_has_its_sentence():
    assert set(SAID) == set(mistakes.MISTAKES)


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SAID)
def test_the_diagnosis_names_the_mistake_and_no_other(name, seed, mode):
    with pytest.raises(tg.GradientError) as caught:
        checking.check(article.three_classes(seed), *BATCH, mistakes.MISTAKES[name], mode)
    sentences, wrong = SAID[name]
    said = {s: str(caught.value).count(s) for s in (MISSING_DIVISION, OPPOSITE, EARLIER, SQUARE, OBLONG)}
    assert said == dict.fromkeys(said, 0) | sentences, str(caught.value)
    found = caught.value.report.elements
    assert [checked.name for checked in found if checked.wrong("hand-derived").any()] == wrong
    assert not any(checked.wrong("analytic").any() for checked in found), "autodiff has made none"


def test_the_diagnosis_says_how_many_rows_there_are():
    with pytest.raises(tg.GradientError, match=r"is the division by the batch \(of 10 rows\) missing\?"):
        checking.check(article.three_classes(0), ROWS, LABELS, mistakes.ForgottenDivision)


def test_each_gradient_beside_the_right_one():
    """What makes each a mistake of that kind, in numbers and without the checker."""
    model = article.three_classes(0)
    x, t = BATCH[0], reference.one_hot(BATCH[1], 3)
    right = article.hand_derived(model)
    w_grads, b_grads = right.gradients(x, t)
    found = {
        name: article.hand_derived(model, network=mistake).gradients(x, t)
        for name, mistake in mistakes.MISTAKES.items()
    }
    for name, factor in (("division", 4), ("sign", -1)):
        for g, expected in zip([*found[name][0], *found[name][1]], w_grads + b_grads):
            np.testing.assert_allclose(g, factor * expected, rtol=1e-13)
    for g, expected in zip(found["transpose"][0], w_grads):
        np.testing.assert_allclose(g, expected.T, rtol=1e-13)
    np.testing.assert_array_equal(found["transpose"][1], b_grads)
    np.testing.assert_array_equal(found["slope"][0][1], w_grads[1])
    np.testing.assert_array_equal(found["slope"][1][1], b_grads[1])
    delta = (reference.softmax(right.forward(x)[1]) - t) / 4 @ right.W[1].T
    np.testing.assert_allclose(found["slope"][0][0], x.T @ delta, rtol=1e-13)
    np.testing.assert_allclose(found["slope"][1][0], delta.sum(axis=0), rtol=1e-13)


def test_training_tells_only_the_transposed_one():
    """Of a square layer not even that; the check is what tells."""
    x, t = BATCH[0], reference.one_hot(BATCH[1], 3)
    for name, mistake in mistakes.MISTAKES.items():
        network = article.hand_derived(article.three_classes(0), network=mistake)
        if name == "transpose":
            with pytest.raises(ValueError, match="broadcast"):
                network.train(x, t, epochs=3)
        else:
            assert np.isfinite(network.train(x, t, epochs=3)).all()
    square = article.hand_derived(article.classifier((3, 3), 0), network=mistakes.TransposedWeightGradient)
    assert np.isfinite(square.train(t, t, epochs=3)).all()


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("division", "delta = softmax(u) - t", "delta = (softmax(u) - t) / len(t)"),
        ("slope", "delta = np.dot(next_delta, w.T)", "delta = np.dot(next_delta, w.T) * dtanh(z)"),
        ("transpose", "w_grad = np.dot(delta.T, z)", "w_grad = np.dot(z.T, delta)"),
        ("sign", "delta = (t - softmax(u)) / len(t)", "delta = (softmax(u) - t) / len(t)"),
    ],
)
def test_the_line_that_is_wrong_and_the_right_one(name, wrong, right):
    assert mistakes.lines(mistakes.MISTAKES[name]) == (wrong, right)
