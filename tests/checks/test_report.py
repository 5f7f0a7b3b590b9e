"""What a failed check says."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import double


class TestMessage:
    def test_names_input_index_both_values_errors_and_how_many(self):
        one_off = double(lambda g, x: g * np.where(x == 4, 2.001, 2))
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda x: np.sum(one_off(x)), [[1.0, 2.0], [4.0, 8.0]], names=["slope"])
        assert str(caught.value) == (
            "the gradient of slope is wrong in 1 of 4 elements; worst at index (1, 0): analytic 2.001, numerical 2 "
            "(absolute error 0.001, relative 0.0005)\n"
            "   index  analytic  numerical\n"
            "  (1, 0)     2.001          2\n"
            "··\n"
            "×·\n"
            "· right   × wrong   ^ not differentiable\n"
            "only the element at index (1, 0) is wrong\n"
            "(step 6.06e-06, seed 0, 114 evaluations)"
        )

    def test_shows_the_worst_of_several_elements_and_inputs(self):
        crooked = double(lambda g, x: g * np.array([2.0, 2.25, 2.5]))
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda a, b: np.sum(2 * crooked(a) + crooked(b)), [1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
        first, *_ = str(caught.value).splitlines()
        assert first == (
            "the gradient of a is wrong in 2 of 3 elements; worst at index (2,): analytic 5, numerical 4 "
            "(absolute error 1, relative 0.25)"
        )

    def test_puts_nan_before_any_number(self):
        crooked = double(lambda g, x: g * np.array([100.0, np.nan]))
        with pytest.raises(tg.GradientError, match=r"2 of 2 elements; worst at index \(1,\): analytic nan"):
            tg.check_gradients(lambda x: np.sum(crooked(x)), [1.0, 2.0])

    def test_puts_an_input_with_nan_before_one_that_is_far_off(self):
        crooked, broken = double(lambda g, x: 100 * g), double(lambda g, x: np.nan * g)
        with pytest.raises(tg.GradientError, match=r"the gradient of b is wrong"):
            tg.check_gradients(lambda a, b: crooked(a) + broken(b), 1.0, 1.0)

    def test_of_a_number_has_the_empty_index(self):
        with pytest.raises(tg.GradientError, match=r"input 0 is wrong in 1 of 1 elements; worst at index \(\)"):
            tg.check_gradients(double(lambda g, x: 3 * g), 1.0)

    def test_says_once_what_all_inputs_have_in_common(self):
        twice = double(lambda g, x: 4 * g)
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda a, b: np.sum(twice(a) * twice(b)) ** 2, [1.0, 2.0, 3.0], [4.0, 5.0, 7.0])
        text = str(caught.value)
        assert text.count("the claimed gradient is 2.000 times the numerical one, everywhere") == 1
        assert "in all 2, the claimed gradient is 2.000 times" in text


class TestOrder:
    """A check of second derivatives says so."""

    def test_of_a_wrong_derivative_is_named(self):
        @tg.operation()
        def cube(x):  # whose derivative takes x for a constant
            return x**3, (lambda g: g * 3 * np.square(getattr(x, "data", x)),)

        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(cube, [1.0, 2.0], order=2)
        first, second, *_ = str(caught.value).splitlines()
        assert first == "of the second derivatives, which are the gradient of all first ones (these are right):"
        assert second.startswith("the gradient of x is wrong in 2 of 2 elements")

    def test_of_right_ones_is_named(self):
        assert str(tg.check_gradients(np.sin, 1.0, order=2)).startswith(
            "right: the derivatives of order 2 by x agree in every element\n(order 2, "
        )
        assert "right: the derivatives of order 3 by x agree along 4 random directions" in str(
            tg.check_gradients(np.sin, 1.0, order=3, mode="fast")
        )


class TestPlot:
    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_of_what_was_not_looked_at_says_how_to_look(self, mode):
        report = tg.check_gradients(lambda x: np.sum(x * x), np.ones(3), mode="fast")
        if mode == "full":
            with pytest.raises(tg.GradientError) as caught:
                tg.check_gradients(lambda x: np.sum(x * np.nan), np.ones(3), mode="full")
            report = caught.value.report
        with pytest.raises(ValueError, match="no element was looked at by itself, so") as caught:
            report.plot()
        assert ("check with mode='full'" in str(caught.value)) is (mode == "fast")
