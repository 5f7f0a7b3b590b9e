"""Functions that the usual step does not suit: their right gradients pass, and their wrong ones are wrong."""

import math

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.test_outcomes import failed
from tinygrad_np.checks import Outcome
from tinygrad_np.checks.closer import examined
from tinygrad_np.checks.noise import Noise
from tinygrad_np.checks.slopes import STEP, Kind

HILBERT = 1 / (np.arange(8)[:, None] + np.arange(8) + 1)


def steep(width):
    """Σ tanh(x / width), a smooth step, and its gradient."""
    return lambda x: np.sum(np.tanh(x / width)), lambda x: (1 - np.tanh(x / width) ** 2) / width


SMOOTH = {
    "tanh of width 1e-5": (*steep(1e-5), [1e-5]),
    "tanh of width 1e-6": (*steep(1e-6), [1e-6, 0.0]),
    "tanh of width 1e-7": (*steep(1e-7), [1e-7]),
    "exp(1e8 x)": (lambda x: np.sum(np.exp(1e8 * x)), lambda x: 1e8 * np.exp(1e8 * x), [1e-9]),
    "exp(300 x)": (lambda x: np.sum(np.exp(300 * x)), lambda x: 300 * np.exp(300 * x), [0.0, 1.0]),
    "exp(700 x)": (lambda x: np.sum(np.exp(700 * x)), lambda x: 700 * np.exp(700 * x), [1.0]),
    "1/x near 0": (lambda x: np.sum(1 / x), lambda x: -1 / x**2, [1e-9]),
    "1/x at tiny x": (lambda x: np.sum(1 / x), lambda x: -1 / x**2, [-2e-30]),
    "log at tiny x": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, [1e-12]),
    "log at 1": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, [1.0]),
    "x² − 2 at √2": (lambda x: np.sum(x * x - 2), lambda x: 2 * x, [np.sqrt(2)]),
    "sin(1e7 x)": (lambda x: np.sum(np.sin(1e7 * x)), lambda x: 1e7 * np.cos(1e7 * x), [0.3, -1.7]),
    "sin of steps in step": (lambda x: np.sum(np.sin(16238.1 * x)), lambda x: 16238.1 * np.cos(16238.1 * x), [1e-7]),
    "sin at 3.5e9": (lambda x: np.sum(np.sin(x)), np.cos, [3.5e9]),
    "variance of years": (np.var, lambda x: 2 * (x - x.mean()) / 4, [2001.0, 2003.0, 2004.0, 2010.0]),
    "an ill-conditioned solve": (
        lambda b: np.linalg.solve(HILBERT, b) @ np.arange(8),
        lambda b: np.linalg.solve(HILBERT.T, np.arange(8)),
        np.arange(1.0, 9.0),
    ),
}
NOISY = {  # which no step resolves to the fifth digit
    "float32 inside": (
        lambda x: float(np.sum(np.tanh(x.astype(np.float32)))),
        lambda x: 1 - np.tanh(x) ** 2,
        [0.3, -1.2, 0.7],
    ),
    "float32 beside a constant": (
        lambda x: float(np.sum(np.sin(x.astype(np.float32)) + np.float32(3))),
        np.cos,
        [0.3, 2.0],
    ),
}


def outcome(f, derivative, x, factor, mode):
    try:
        return tg.check_gradients(f, np.array(x), gradient=lambda x: factor * derivative(x), mode=mode).outcome
    except tg.GradientError as error:
        return error.report.outcome


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("name", SMOOTH)
def test_of_a_smooth_function_is_told_right_from_wrong_by_a_step_that_suits_it(name, mode):
    f, derivative, x = SMOOTH[name]
    assert outcome(f, derivative, x, 1, mode) is Outcome.RIGHT
    for factor in (1.00001, 0.999, 1.1, 2, 0.5, 0, -1):
        assert outcome(f, derivative, x, factor, mode) is Outcome.WRONG, factor


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("name", NOISY)
def test_of_a_function_that_rounds_on_its_way_is_told_by_what_that_leaves(name, mode):
    f, derivative, x = NOISY[name]
    assert outcome(f, derivative, x, 1, mode) is Outcome.RIGHT
    for factor in (1.01, 0.99, 2, -1):
        assert outcome(f, derivative, x, factor, mode) is Outcome.WRONG, factor


def test_of_a_model_with_float32_inside_is_told_in_the_same_way():
    single = tg.operation()(
        lambda x: (np.tanh(x.astype(np.float32)).astype(float), (lambda g: g * (1 - np.tanh(x) ** 2),))
    )
    assert tg.check_gradients(lambda x: np.sum(single(x) ** 2), np.linspace(0.2, 1.5, 5)).right


UNRESOLVED = {
    "almost infinite": (np.exp, 709.78),
    "periodic within every step": (lambda x: np.sum(np.sin(1e17 * x)), 0.3),
    "as good as random": (lambda x: float(hash(float(np.sum(x))) % 1000), 0.3),
}


@pytest.mark.parametrize("mode", ["fast", "full"])
@pytest.mark.parametrize("factor", [1.0, 0.9])
@pytest.mark.parametrize("name", UNRESOLVED)
def test_what_no_step_resolves_is_called_that_and_never_wrong(name, factor, mode):
    f, x = UNRESOLVED[name]
    report = failed(f, x, gradient=lambda x: factor * np.exp(np.minimum(x, 709.78)), mode=mode)
    assert report.outcome is Outcome.UNRESOLVED
    assert str(report).startswith("no step gives a steady slope of ")
    assert "f is too steep, too noisy or too periodic here; give step= or rescale" in str(report)
    assert report.elements[0].unresolved.all()


def test_a_wrong_element_is_wrong_beside_one_that_is_not_resolved():
    f = lambda x: np.sin(1e17 * x[0]) + x[1] ** 2
    report = failed(f, [0.3, 1.0], gradient=lambda x: np.array([1.0, 2.002 * x[1]]))
    assert report.outcome is Outcome.WRONG
    assert report.elements[0].wrong("hand-derived").tolist() == [False, True]


def line_of(f):
    return lambda t: (t, np.asarray(f(t), float))


class TestNoise:
    @pytest.mark.parametrize("size", [1e-12, 1e-7, 1e-3])
    def test_is_found_at_its_size_whatever_the_function_is_besides(self, size):
        rng = np.random.default_rng(0)
        for smooth in (np.sin, lambda t: 0 * t, lambda t: np.exp(100 * t)):
            line = line_of(lambda t, f=smooth: f(t) + size * rng.normal())
            assert size < Noise(line, line(0.0)[1]).at(0.0) < 30 * size

    def test_of_steps_is_about_their_size(self):
        for step in (1e-7, 3e-5):
            line = line_of(lambda t, step=step: np.round(np.sin(t + 0.3) / step) * step)
            assert step < Noise(line, line(0.0)[1]).at(0.0) < 10 * step

    @pytest.mark.parametrize("f", [np.abs, np.sign, lambda t: np.maximum(t, 0), lambda t: 3.0])
    def test_of_kinks_jumps_and_constants_there_is_none(self, f):
        assert Noise(line_of(f), np.asarray(f(0.0))).at(0.0) < 1e-20


@pytest.mark.parametrize("jump", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("slope", [0.0, 1.0, 1e3])
@pytest.mark.parametrize("bend", [0.0, 10.0])
def test_a_kink_is_one_however_small_beside_the_slope(jump, slope, bend):
    line = line_of(lambda t: slope * t + jump * np.maximum(t, 0) + bend * np.sin(t) ** 2)
    found = examined(line, line(0.0)[1], STEP)
    assert found.kind is Kind.KINK
    rounding = 1e-9 * (slope + jump)
    assert found.lowest - rounding <= slope < slope + jump <= found.highest + rounding
    assert found.highest - found.lowest < 1.5 * jump + 0.001 * bend


@pytest.mark.parametrize("f", [lambda t: np.abs(t) ** 1.5, lambda t: t * np.abs(t), lambda t: t**4, lambda t: 0 * t])
def test_a_slope_of_0_is_resolved_too(f):
    line = line_of(f)
    found = examined(line, line(0.0)[1], STEP)
    assert found.kind in (Kind.SIMPLE, Kind.STEADY)
    assert abs(found.value) <= 1e-8 + found.uncertainty


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_slopes_of_nearly_0_at_a_minimum_do_not_contradict_one_another(mode):
    assert tg.check_gradients(lambda x: np.var(x, ddof=1), -np.ones((2, 2)), output_gradient=0.9, mode=mode).right


def test_f_may_raise_further_away_than_the_usual_step_goes():
    """At 1e-5 to a side math.log is defined, at the longer steps of a closer look it is not."""
    f = lambda x: math.log(float(x) - 1 + 1e-5)
    assert tg.check_gradients(f, 1.0, gradient=lambda x: 1 / (x - 1 + 1e-5)).right
    assert failed(f, 1.0, gradient=lambda x: 1.001 / (x - 1 + 1e-5)).outcome is Outcome.WRONG
