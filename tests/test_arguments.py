"""Checks of arguments: whole numbers and numbers, NumPy's among them, and what the others are told."""

import numpy as np
import pytest

from tinygrad_np.arguments import number, size, whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_a_whole_number_is_an_int_whoever_made_it(value):
    assert (whole("n", value, 3), type(whole("n", value)), size("n", value)) == (3, int, 3)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float64(3), "3", None, [3], np.array([3, 4]), np.array(3.0)])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(TypeError, match=r"^n must be an integer of at least 0, got ") as caught:
        whole("n", value)
    assert repr(value) in str(caught.value)
    with pytest.raises(TypeError, match=r"^n must be a positive integer, got "):
        size("n", value)


@pytest.mark.parametrize(
    ("value", "least", "kind"),
    [(-1, 0, "an integer of at least 0"), (0, 1, "a positive integer"), (-3, -2, "least -2")],
)
def test_a_whole_number_below_the_least_is_refused(value, least, kind):
    with pytest.raises(ValueError, match=f"^n must be .*{kind.removeprefix('an ')}, got {value}$"):
        whole("n", value, least)


@pytest.mark.parametrize("value", [0.5, np.float16(0.5), np.float32(0.5), np.longdouble(0.5)])
def test_a_number_is_a_float_whoever_made_it(value):
    assert (number("x", value, 1.0), type(number("x", value, 1.0))) == (0.5, float)
    assert number("x", np.int64(2), 1.0) == 2


@pytest.mark.parametrize("value", [True, np.True_, "0.5", None, 1j, [0.5], np.array([0.5])])
def test_what_is_no_number_is_named_with_a_conversion(value):
    with pytest.raises(
        TypeError, match=r"x must be a finite number, got .*; give for example x=1.0, or float\(value\)$"
    ):
        number("x", value, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 10**400, np.float32("inf")])
def test_a_number_that_is_not_finite_is_refused_with_where_it_came_from(value):
    with pytest.raises(ValueError, match=r"^x must be a finite number, got .* at step 3; give for example x=1.0$"):
        number("x", value, 1.0, source=" at step 3")
