"""Trigonometric rules at the ends of their domains, and near points where a formula would lose its digits."""

from math import factorial, fsum, pi

import numpy as np
import pytest

import tinygrad_np as tg
from tests.differences import leaves, slope
from tinygrad_np import operations

INF, NAN = np.inf, np.nan
ULP = 2.0**-50  # some units in the last place of 1

SLOPES = {
    "tanh": (np.tanh, [-1000.0, -INF, INF, 1000.0], [0, 0, 0, 0]),
    "arcsin at ±1": (np.arcsin, [-1.0, 0.0, 1.0], [0, 1, 0]),
    "arcsin near 1": (np.arcsin, [1 - ULP], [2**24.5 * (1 + ULP / 4)]),
    "arccos at ±1": (np.arccos, [-1.0, 0.0, 1.0], [0, -1, 0]),
    "arccos near -1": (np.arccos, [-1 + ULP], [-(2**24.5) * (1 + ULP / 4)]),
    "arccosh at 1": (np.arccosh, [1.0, INF, 1e200], [0, 0, 1e-200]),
    "arccosh near 1": (np.arccosh, [1 + ULP], [2**24.5 * (1 - ULP / 4)]),
    "arctanh near 1": (np.arctanh, [0.0, 1 - ULP], [1, 2.0**49 * (1 + ULP / 2)]),
    "arctan": (np.arctan, [-INF, -1000.0, 0.0, 1e100, INF], [0, 1 / 1000001, 1, 1e-200, 0]),
    "arcsinh": (np.arcsinh, [-INF, -1e200, 0.0], [0, 1e-200, 1]),
    "tan": (np.tan, [0.0, pi / 4], [1, 2]),
    "sinh": (np.sinh, [-700.0, 0.0], [np.cosh(700), 1]),
    "cosh": (np.cosh, [-700.0, 0.0], [-np.sinh(700), 0]),
    "degrees": (np.deg2rad, [1000.0, -INF, NAN], [pi / 180] * 3),
}


@pytest.mark.parametrize(("f", "at", "expected"), SLOPES.values(), ids=SLOPES)
def test_a_slope_is_known_at_the_ends_and_near_them(f, at, expected):
    np.testing.assert_allclose(slope(f, at), expected, rtol=4e-16)


def test_a_slope_smaller_than_the_smallest_number_does_not_overflow_on_its_way():
    x = tg.Tensor([1e200, -1e300], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        np.arctan(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0])


HALF = np.sqrt(0.5)
POINTS = [  # x1, x2, the gradient of hypot, the gradient of arctan2
    (3.0, 4.0, [0.6, 0.8], [4 / 25, -3 / 25]),
    (0.0, 0.0, [0, 0], [0, 0]),
    (-0.0, -0.0, [0, 0], [0, 0]),
    (0.0, -2.0, [0, -1], [-0.5, 0]),
    (1e-20, -1.0, [1e-20, -1], [-1, -1e-20]),
    (3e-300, 4e-300, [0.6, 0.8], [0.16e300, -0.12e300]),
    (5e-324, 0.0, [1, 0], None),
    (1e300, 1e300, [HALF, HALF], [5e-301, -5e-301]),
    (-INF, 1.0, [-1, 0], [0, 0]),
    (1.0, -INF, [0, -1], [0, 0]),
    (INF, -INF, [HALF, -HALF], [0, 0]),
]


@pytest.mark.parametrize(("x1", "x2", "of_length", "of_angle"), POINTS)
@pytest.mark.parametrize("alone", [True, False])
def test_length_and_angle_of_a_point(x1, x2, of_length, of_angle, alone):
    """An infinite point or the origin, alone or beside another."""
    for f, expected, other in (np.hypot, of_length, [0.6, 0.8]), (np.arctan2, of_angle, [0.16, -0.12]):
        if expected is not None:
            tensors = leaves([x1, x2] if alone else [[x1, 3.0], [x2, 4.0]])
            with np.errstate(all="raise"):
                f(*tensors).sum().backward()
            first = tg.gradients(f(*tensors).sum(), tensors, create_graph=True)
            for t, again, own, beside in zip(tensors, first, expected, other):
                np.testing.assert_allclose(t.grad, own if alone else [own, beside], rtol=1e-15)
                np.testing.assert_allclose(again.data, t.grad, rtol=1e-15)


SINGULAR = {
    "arcsin at 1": (np.arcsin, [1.0]),
    "arccos at -1": (np.arccos, [-1.0]),
    "arccosh at 1": (np.arccosh, [1.0]),
    "arctan at -∞": (np.arctan, [-INF]),
    "hypot at the origin": (np.hypot, [0.0, 0.0]),
    "arctan2 at the origin": (np.arctan2, [0.0, 0.0]),
    "hypot at infinity": (np.hypot, [INF, 1.0]),
    "arctan2 at infinity": (np.arctan2, [INF, 1.0]),
}


@pytest.mark.parametrize(("f", "at"), SINGULAR.values(), ids=SINGULAR)
def test_where_a_slope_is_defined_to_be_a_number_it_is_constant(f, at):
    tensors = leaves(at)
    with np.errstate(all="raise"):
        first = tg.gradients(f(*tensors), tensors, create_graph=True)
        second = tg.gradients(sum(first), tensors)
    assert [s.item() for s in second] == [0] * len(at)


def sinc_series(x, order):
    """The derivative of Σ (−1)ᵏ (πx)²ᵏ / (2k + 1)!, term by term."""
    powers = range(order + order % 2, 60, 2)
    return fsum((-1) ** (n // 2) * pi**n * x ** (n - order) / factorial(n - order) / (n + 1) for n in powers)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
def test_sinc_is_exact_at_0_and_near_it_to_any_order(order):
    at = np.array([0.0, 1e-300, -1e-12, 1e-8, 1e-5, -1e-3, 0.03, 0.2, -0.5, 0.9, 1.3])
    x = tg.Tensor(at, requires_grad=True)
    y = np.sinc(x)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(order):
            y = tg.gradients(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.data, [sinc_series(v, order) for v in at.tolist()], rtol=2e-13, atol=0)


@pytest.mark.parametrize("m", [1, 2, 7, 40, -3])
def test_derivatives_of_sinc_at_whole_numbers(m):
    x = tg.Tensor(float(m), requires_grad=True)
    first = tg.gradients(np.sinc(x), x, create_graph=True)
    second = tg.gradients(first, x, create_graph=True)
    third = tg.gradients(second, x)
    sign = (-1) ** m
    expected = [sign / m, -2 * sign / m**2, sign * (6 / m**2 - pi**2) / m]
    np.testing.assert_allclose([first.item(), second.item(), third.item()], expected, rtol=1e-12)


def test_sinc_takes_numbers_and_integers_as_numpy_does():
    sinc = operations.table[np.sinc]
    assert sinc(0.5) == np.sinc(0.5)
    np.testing.assert_array_equal(np.sinc(tg.Tensor([0, 1])).data, np.sinc([0, 1]))


def test_unwrap_adds_periods_and_passes_every_gradient():
    x = tg.Tensor([0.0, 3.0, -3.0, 0.1, 2.0], requires_grad=True)
    y = np.unwrap(x)
    np.testing.assert_allclose(y.data, [0, 3, 2 * pi - 3, 2 * pi + 0.1, 2 * pi + 2], rtol=1e-15)
    y.backward([1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(x.grad, [1, 2, 3, 4, 5])


ALIASES = [("asin", "arcsin"), ("acos", "arccos"), ("atan", "arctan"), ("asinh", "arcsinh"), ("acosh", "arccosh")]
ALIASES += [("atanh", "arctanh"), ("atan2", "arctan2"), ("radians", "deg2rad"), ("degrees", "rad2deg")]


@pytest.mark.parametrize(("new", "old"), ALIASES)
def test_a_function_of_two_names_is_one_operation(new, old):
    assert operations.table[getattr(np, new)] is operations.table[getattr(np, old)]
