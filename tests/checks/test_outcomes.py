"""Each way that a check can end, by its own name and with its own words."""

import pickle
import re

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import double, rule
from tinygrad_np.checks import Outcome


def failed(*arguments, **options):
    """The report of a check that must fail."""
    with pytest.raises(tg.GradientError) as caught:
        tg.check_gradients(*arguments, **options)
    assert str(caught.value) == str(caught.value.report)
    return caught.value.report


def randomly():
    rng = np.random.default_rng(0)
    return lambda x: x * rng.normal()


def writing(x):
    x.data[...] += 1
    return x * 2


def writing_plain(x):
    x += 1
    return np.sum(x)


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize(
    ("f", "inputs", "outcome", "words"),
    [
        (randomly(), [1.0], Outcome.NOT_DETERMINISTIC, "f gave .* and then .* at the same point; draw its random"),
        (writing, [[1.0, 2.0]], Outcome.CHANGES_INPUTS, "f writes into its input x; let it write into a copy"),
        (
            lambda x: x * np.nan,
            [[1.0, 2.0]],
            Outcome.NOT_FINITE,
            "f is nan in 2 of 2 elements; check the gradient where",
        ),
        (lambda x: x * np.inf, [1.0], Outcome.NOT_FINITE, "f is inf; check the gradient where all is finite"),
        (np.exp, [[np.nan, 0.0]], Outcome.NOT_FINITE, r"^(x|input 0) is nan in 1 of 2 elements"),
        (np.exp, [[-np.inf, 0.0]], Outcome.NOT_FINITE, "is -inf in 1 of 2 elements; check the gradient where"),
        (lambda x, y: x * 2, [1.0, [2.0]], Outcome.UNUSED, "f does not depend on y, where nothing is checked then"),
        (lambda x: tg.Tensor(3.0), [1.0], Outcome.UNUSED, "f does not depend on x"),
        (tg.relu, [[0.0, 1.0]], Outcome.KINK, "f is not differentiable by .* in 1 of 2 elements"),
        (double(lambda g, x: 2.001 * g), [1.0], Outcome.WRONG, "wrong in 1 of 1"),
    ],
    ids=lambda value: value.name if isinstance(value, Outcome) else None,
)
def test_an_outcome_has_a_name_and_says_what_to_do(f, inputs, outcome, words, mode):
    report = failed(f, *inputs, mode=mode)
    assert report.outcome is outcome
    assert not report.right
    assert re.search(words, str(report))


def test_a_right_gradient_has_a_report_too():
    report = tg.check_gradients(lambda x, y: np.sum(x * y), [1.0, 2.0], [3.0, 4.0])
    assert report.right
    assert (report.outcome, report.names, report.shapes) == (Outcome.RIGHT, ("x", "y"), ((2,), (2,)))
    assert report.evaluations == 2 + 2 * 4  # twice at the point, and two for each element
    np.testing.assert_allclose(report.elements[0].numerical, [3, 4], rtol=1e-9)
    assert str(report) == "right: the gradient of x, y agrees in every element\n(step 6.06e-06, seed 0, 10 evaluations)"


def test_inputs_are_put_back_whatever_the_function_writes():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    failed(writing, x)
    assert x.data.tolist() == [1, 2]
    assert failed(writing_plain, [1.0], gradient=lambda x: np.ones(1)).outcome is Outcome.CHANGES_INPUTS


class TestUnused:
    def test_inputs_may_be_allowed(self):
        report = tg.check_gradients(lambda x, unused: x * x, [1.0, 2.0], [3.0], allow_unused=True)
        assert report.outcome is Outcome.RIGHT

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_inputs_of_a_hand_derived_gradient(self, mode):
        gradient = lambda x, y: (np.cos(x), np.zeros(2))
        report = failed(lambda x, y: np.sum(np.sin(x)), [1.0, 2.0], [3.0, 4.0], gradient=gradient, mode=mode)
        assert report.outcome is Outcome.UNUSED
        assert "f does not depend on y" in str(report)
        tg.check_gradients(lambda x, y: np.sum(np.sin(x)), 1.0, [3.0, 4.0], gradient=gradient, allow_unused=True)

    @pytest.mark.parametrize("mode", ["fast", "full"])
    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (lambda x: np.sum(x**2), np.zeros(2)),
            (lambda x: np.sum(np.maximum(x, 0)), np.array([-5.0, -6.0])),
            (lambda x: np.sum(np.floor(x)), np.array([0.5])),
            (lambda x: np.sum(np.exp(-1 / x**2)), np.array([0.01])),
            (lambda x: 1.0 if abs(x[0]) < 0.1 else np.linalg.cholesky(x), np.array([0.01])),
            (np.sum, np.zeros(0)),
        ],
        ids=["x² at 0", "relu where it is 0", "floor", "flat beyond rounding", "raises far away", "no elements"],
    )
    def test_inputs_are_not_whose_slope_is_0_where_f_is_checked(self, f, x, mode):
        assert tg.check_gradients(f, x, gradient=lambda x: 0 * x, mode=mode).outcome is Outcome.RIGHT

    def test_inputs_that_the_graph_does_not_lead_to_are_if_f_is_the_same_wherever_they_go(self):
        assert failed(lambda x, y: x * 2, 1.0, 0.0).outcome is Outcome.UNUSED
        report = tg.check_gradients(lambda x, y: x * 2 + y.data**2, 1.0, 0.0)  # right by luck, and not unused
        assert report.outcome is Outcome.RIGHT

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_inputs_whose_gradient_was_lost_are_wrong_and_not_unused(self, mode):
        report = failed(lambda x, y: x * 2 + np.sin(y.data), [1.0], [2.0], mode=mode)
        assert report.outcome is Outcome.WRONG
        assert [checked.name for checked in report.elements if checked.wrongs] == ["y"]
        assert "is it detached from the result, taken through .data" in str(report)


@pytest.mark.parametrize("seed", range(8))
def test_a_dodge_goes_where_f_is_finite(seed):
    report = tg.check_gradients(lambda x: np.sum(np.sqrt(x) + np.log1p(x)), [0.0, 1.0, 0.0], dodge=True, seed=seed)
    assert report.right
    assert str(report).count("moved 2 elements of x away from a kink") == 1


def test_a_dodge_that_finds_no_such_place_says_what_there_is():
    lonely = lambda x: np.sum(np.where(np.abs(x) < 1e-4, np.abs(x), np.nan))
    assert failed(lonely, [0.0], dodge=True, gradient=np.sign).outcome is Outcome.KINK


def test_the_seed_decides_directions_and_weights_and_is_shown():
    one, same, other = [tg.check_gradients(np.tanh, np.ones(100), seed=seed) for seed in (7, 7, 8)]
    assert one.directions == same.directions != other.directions
    assert "seed 7" in str(one)


def test_errors_can_be_pickled_as_pytest_xdist_does():
    with pytest.raises(tg.GradientError) as caught:
        tg.check_gradients(double(lambda g, x: 3 * g), [1.0])
    copied = pickle.loads(pickle.dumps(caught.value))
    assert str(copied) == str(caught.value)
    assert copied.report.outcome is Outcome.WRONG


def test_a_gradient_of_a_shape_that_does_not_fit_has_a_report_too():
    report = failed(rule(np.sin, lambda g, x: np.ones(3)), [1.0, 2.0])
    assert report.outcome is Outcome.WRONG
    assert "the gradient cannot be computed: " in str(report)
