"""How close is close enough."""

import re

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import double, rule

EPS = 2.0**-52  # of float64


class TestTolerance:
    @pytest.mark.parametrize(("options", "passes"), [({}, False), ({"rtol": 1e-3}, True), ({"atol": 1e-2}, True)])
    def test_can_be_widened(self, options, passes):
        slightly_off = double(lambda g, x: 2.0001 * g)
        if passes:
            tg.check_gradients(slightly_off, 1.0, **options)
        else:
            with pytest.raises(tg.GradientError):
                tg.check_gradients(slightly_off, 1.0, **options)

    @pytest.mark.parametrize("at", [[1.0, 1.0], [-0.3, 2.0], [7.0, 1000.0], [1e3, 0.0]])
    def test_a_right_gradient_that_drowns_in_the_rounding_of_the_value_passes(self, at):
        tg.check_gradients(lambda x: x[0] * 1e6 + x[1] * 1e-3, at)
        tg.check_gradients(lambda x: x * [1e6, 1e-3], at)
        tg.check_gradients(lambda x: np.sum(np.tanh(x / 9) * 1e-3 + 1e7), at)

    @pytest.mark.parametrize("offset", [0.0, 1.0, 1e3, -1e6])
    def test_an_error_of_a_thousandth_is_found_beside_a_large_value(self, offset):
        for factor, passes in ((2.002, False), (2.0, True)):
            scaled = double(lambda g, x, factor=factor: factor * g)
            if passes:
                tg.check_gradients(lambda x, f=scaled: f(x) + offset, [0.7, -1.3])
            else:
                with pytest.raises(tg.GradientError, match="wrong in 2 of 2 elements"):
                    tg.check_gradients(lambda x, f=scaled: f(x) + offset, [0.7, -1.3])

    def test_a_small_gradient_beside_a_large_one_is_found_if_it_is_twice_too_large(self):
        twice = double(lambda g, x: 4 * g)
        with pytest.raises(tg.GradientError, match=r"worst at index \(1,\)"):
            tg.check_gradients(lambda x: x[0] * 1e6 + twice(x[1]) * 0.5e-3, [1.0, 1.0])

    @pytest.mark.parametrize(
        ("x", "step", "h"), [(0.5, None, EPS ** (1 / 3)), (8.0, None, 8 * EPS ** (1 / 3)), (8.0, 0.25, 2.0)]
    )
    def test_the_allowance_for_rounding_is_four_epsilon_of_the_value_over_the_step(self, x, step, h):
        allowance = 4 * EPS * 3e9 / h
        for excess, passes in ((0.999, True), (1.001, False)):
            flat = rule(lambda x: x * 0 - 3e9, lambda g, x, d=excess * allowance: g * d)
            if passes:
                tg.check_gradients(flat, x, step=step, atol=0)
            else:
                with pytest.raises(tg.GradientError):
                    tg.check_gradients(flat, x, step=step, atol=0)

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_slopes_by_large_numbers_are_small_and_held_to_as_little(self, mode):
        f, slope = lambda x: np.sum((x / 1e9) ** 2), lambda x: 2 * x / 1e18
        assert tg.check_gradients(f, [1e9, 3e9], gradient=slope, mode=mode).notes == []
        with pytest.raises(tg.GradientError, match=r"1\.001 times"):
            tg.check_gradients(f, [1e9, 3e9], gradient=lambda x: 1.001 * slope(x), mode=mode)

    @pytest.mark.parametrize("step", [0, -1e-6, float("nan"), float("inf")])
    def test_step_must_be_positive_and_finite(self, step):
        with pytest.raises(ValueError, match="step must be a finite number above 0"):
            tg.numerical_gradient(lambda x: x, 1.0, step=step)

    def test_step_sets_how_far_the_data_is_nudged(self):
        with pytest.raises(tg.GradientError, match=r"numerical 3\.25"):  # x³ at 1: 3 + h²
            tg.check_gradients(lambda x: x**3, 1.0, step=0.5)


class TestWhatIsNotSeen:
    """A gradient below the tolerance, or not far above it, may pass whatever it is, and that is said."""

    @pytest.mark.parametrize("mode", ["fast", "full"])
    @pytest.mark.parametrize("factor", [1, 2, -1])
    @pytest.mark.parametrize(
        ("f", "slope"),
        [(lambda x: 1e-9 * np.sum(np.sin(x)), 1e-9), (lambda x: 1e10 + np.sum(np.sin(x)), 1)],
        ids=["below atol", "beside a huge value"],
    )
    def test_is_noted(self, f, slope, factor, mode):
        report = tg.check_gradients(f, np.ones(3), gradient=lambda x: factor * slope * np.cos(x), mode=mode)
        assert re.search(r"the slopes of x are some \S+ beside a tolerance of \S+, so nothing is shown", str(report))

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_is_noted_where_it_is_a_part_of_the_slope(self, mode):
        for scale, notes in ((1e-7, ["little"]), (1e-5, [])):
            found = tg.check_gradients(lambda x, s=scale: s * np.sum(x), [0.5, 2.0], mode=mode, rtol=0.1).notes
            assert [note.split(", so ")[1].split()[0] for note in found] == notes

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_is_noted_of_one_input_among_others(self, mode):
        notes = tg.check_gradients(
            lambda x, y: np.sum(x * x) + 1e-9 * np.sum(y * y), np.ones(3), np.ones(2), mode=mode
        ).notes
        assert [note[:19] for note in notes] == ["the slopes of y are"]

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_is_noted_of_a_saturated_unit(self, mode):
        (note,) = tg.check_gradients(lambda x: np.tanh(x), [50.0, 60.0], mode=mode).notes
        assert "choose another point" in note

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_is_nothing_where_a_slope_stands_out_or_zeros_were_expected(self, mode):
        assert tg.check_gradients(lambda x: np.sin(x), [1.0, np.pi / 2], mode=mode).notes == []
        assert tg.check_gradients(lambda x, y: x * 2, [1.0], [1.0], mode=mode, allow_unused=True).notes == []
        assert tg.check_gradients(lambda x: x * 2, [1.0], mode=mode, order=2).notes == []
