"""Kinks are called kinks, never bugs; and a bug beside a kink is still a bug."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import rule
from tests.checks.test_outcomes import failed
from tinygrad_np.checks import Outcome

KINKED = {
    "relu": (tg.relu, [0.0, 1.0, -1.0]),
    "abs": (np.abs, [0.0, 1.0, -1.0]),
    "max": (lambda x: np.max(x), [1.0, 1.0, 0.5]),
    "maximum": (lambda x: np.maximum(x, 0.5), [0.5, 1.0]),
    "clip": (lambda x: np.clip(x, 0, 1), [0.0, 0.5, 1.0]),
    "median": (lambda x: np.median(x), [1.0, 1.0, 1.0, 4.0]),
    "norm": (lambda x: np.sqrt(np.sum(x**2)), [0.0, 0.0]),
}


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("distance", [0.0, 1e-9, -1e-7, 1e-6, 5e-6])
@pytest.mark.parametrize("name", KINKED)
def test_a_kink_within_the_step_is_no_bug(name, distance, mode):
    f, x = KINKED[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        try:
            outcome = tg.check_gradients(f, np.array(x) + distance * np.arange(1, len(x) + 1), mode=mode).outcome
        except tg.GradientError as error:
            outcome = error.report.outcome
    assert outcome is Outcome.KINK or (distance and outcome is Outcome.RIGHT)


@pytest.mark.parametrize("name", KINKED)
def test_a_kink_far_from_the_step_is_none(name):
    f, x = KINKED[name]
    tg.check_gradients(f, np.array(x) + 1e-3 * np.arange(1, len(x) + 1))


ENDS = {
    "sqrt": (np.sqrt, 0.0),
    "arccos": (np.arccos, 1.0),
    "arcsin": (np.arcsin, -1.0),
    "arccosh": (np.arccosh, 1.0),
    "power": (lambda x: x**1.5, 0.0),
    "cbrt": (np.cbrt, 0.0),
    "cbrt beside": (lambda x: np.cbrt(x - 1), 1.0),
}


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("name", ENDS)
def test_where_f_ends_or_is_vertical_it_has_a_kink(name, mode):
    f, x = ENDS[name]
    report = failed(f, [x, x + 0.3 * (1 if x <= 0 or name == "arccosh" else -1)], mode=mode)
    assert report.outcome is Outcome.KINK
    assert report.elements[0].kinks.tolist() == [True, False]
    assert f"  at index (0,), {x:g}: f ends or jumps here, or its tangent is vertical, analytic" in str(report)


@pytest.mark.parametrize("f", [lambda x: np.tanh(1e5 * x), lambda x: np.sqrt(x + 1e-7)])
def test_what_is_only_steep_is_no_kink_and_its_wrong_gradient_is_wrong(f):
    assert tg.check_gradients(f, [0.0]).right
    with np.errstate(all="ignore"):
        halved = rule(
            lambda x: f(x), lambda g, x: g * tg.numerical_gradient(lambda y: np.sum(f(y)), x, step=1e-12)[0] / 2
        )
        assert failed(lambda x: np.sum(halved(x)), [0.0]).outcome is Outcome.WRONG


def test_the_slopes_on_both_sides_are_shown():
    report = failed(lambda x: np.sum(np.abs(x)), [3.0, 0.0])
    assert "  at index (1,), 0: slopes from -1 to 1, analytic 0" in str(report)
    assert report.elements[0].kinks.tolist() == [False, True]
    assert str(failed(np.max, [1.0, 1.0])).count("slopes from 0 to 1, analytic 0.5") == 2  # and not from -10⁻¹²


def test_a_gradient_between_the_slopes_is_a_subgradient_and_one_outside_is_wrong():
    def relu_with(slope_at_0):
        return rule(lambda x: np.maximum(x, 0), lambda g, x: g * np.where(x == 0, slope_at_0, x > 0))

    for slope in (0.0, 0.5, 1.0):
        assert failed(lambda x, s=slope: np.sum(relu_with(s)(x)), [0.0, 1.0]).outcome is Outcome.KINK
    for slope in (-0.1, 1.1):
        report = failed(lambda x, s=slope: np.sum(relu_with(s)(x)), [0.0, 1.0])
        assert report.outcome is Outcome.WRONG
        assert f"worst at index (0,): analytic {slope}, numerical 0 to 1 (absolute error 0.1, rel" in str(report)
        assert str(report).splitlines()[2].split() == ["(0,)", str(slope), "0", "to", "1"]


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_a_bug_beside_a_kink_is_found(mode):
    leaky = rule(lambda x: np.maximum(x, 0), lambda g, x: g * np.where(x > 1.5, 1.001, x > 0))
    report = failed(lambda x: np.sum(leaky(x)), [0.0, 1.0, 2.0], mode=mode)
    assert report.outcome is Outcome.WRONG
    assert "wrong in 1 of 3 elements; worst at index (2,)" in str(report)
    assert report.elements[0].kinks.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("f", "doubled"),
    [(np.sqrt, lambda x: 1 / np.sqrt(np.fmax(x, 1e-9))), (np.abs, lambda x: 2 * np.sign(x + 1))],
    ids=["ends", "bends"],
)
def test_what_a_wrong_gradient_looks_like_is_said_beside_kinks_too(f, doubled):
    report = failed(lambda x: np.sum(f(x)), [2.0, 0.0, 3.0, 4.0], gradient=doubled)
    assert "\nthe claimed gradient is 2.000 times the numerical one, everywhere" in str(report)


class TestDodge:
    @pytest.mark.parametrize("name", KINKED)
    def test_moves_the_sample_away_and_says_so(self, name):
        f, x = KINKED[name]
        given = np.array(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            report = tg.check_gradients(f, given, dodge=True)
        assert report.outcome is Outcome.RIGHT
        assert any("away from a kink" in note for note in report.notes)
        assert given.tolist() == x

    def test_finds_a_bug_where_it_has_moved_to(self):
        leaky = rule(lambda x: np.maximum(x, 0), lambda g, x: g * np.where(x > 0, 1.001, 0))
        for seed in range(3):  # to whichever side
            report = failed(lambda x: np.sum(leaky(x)), np.zeros(8), dodge=True, seed=seed)
            assert report.outcome is Outcome.WRONG

    def test_puts_a_model_back(self):
        layer = tg.nn.Linear(1, 1, rng=0)
        layer.weight.data[...] = 0
        tg.check_gradients(lambda layer: np.sum(np.abs(layer.weight) + layer.bias), layer, dodge=True)
        assert layer.weight.data.tolist() == [[0]]


@pytest.mark.parametrize(("f", "x"), [(np.log, 1e-9), (lambda x: 1 / x, 1e-7), (lambda x: np.exp(-1e4 * x), 0.0)])
def test_a_step_that_is_too_long_for_the_function_is_shortened(f, x):
    assert tg.check_gradients(f, x).outcome is Outcome.RIGHT


@pytest.mark.parametrize("x", [0.0, 1e-4, -3.0])
@pytest.mark.parametrize("f", [lambda x: x**2, lambda x: x**3, lambda x: np.exp(100 * x), lambda x: np.sin(300 * x)])
def test_a_bend_is_no_kink(f, x):
    assert tg.check_gradients(f, x).outcome is Outcome.RIGHT
