"""Every derivative of every operation against differences, through third order."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import every_operation, every_variant
from tests.differences import derivative, leaves, numbers_like, numerical, slope_along, value_of


def function(row, variant):
    return lambda *arrays: row.on(*arrays, **variant.options)


@every_variant
def test_first_derivatives_element_by_element(row, variant):
    f = derivative(function(row, variant), order=0)
    tensors = leaves(variant.arrays)
    f(*tensors).backward()
    for t, expected in zip(tensors, numerical(value_of(f), variant.arrays)):
        np.testing.assert_allclose(t.grad, expected, rtol=1e-8, atol=1e-9)


@every_variant
def test_the_functional_gradient_is_that_of_backward(row, variant):
    """With and without create_graph, which runs the rules again."""
    f = derivative(function(row, variant), order=0)
    tensors = leaves(variant.arrays)
    f(*tensors).backward()
    for create_graph in (False, True):
        found = tg.gradients(f(*tensors), tensors, create_graph=create_graph)
        for t, g in zip(tensors, found):
            np.testing.assert_allclose(g.data, t.grad, rtol=1e-13, atol=1e-15)


def assert_slope_is_right(f, order, arrays):
    """The gradient of the ``order``-th derivative, along random directions."""
    f = derivative(f, order)
    tensors = leaves(arrays)
    found = tg.gradients(f(*tensors), tensors)
    for seed in range(2):
        spread = sum(x.size for x in arrays) ** 0.5 or 1.0  # a direction of length about 1
        direction = [(numbers_like(x, 10 * seed + i) - seed) / spread for i, x in enumerate(arrays)]
        expected = slope_along(value_of(f), arrays, direction)
        analytic = sum(np.sum(g.data * d) for g, d in zip(found, direction))
        np.testing.assert_allclose(analytic, expected, rtol=1e-7, atol=1e-8)


@every_variant
def test_second_derivatives(row, variant):
    assert_slope_is_right(function(row, variant), 1, variant.arrays)


@pytest.mark.parametrize(**every_operation())
def test_third_derivatives(row, variant):
    assert_slope_is_right(function(row, variant), 2, variant.arrays)


@pytest.mark.parametrize(**every_operation())
def test_derivatives_through_a_curved_function_of_the_output(row, variant):
    """tanh of the output and of the inputs, so that linear operations have second and third derivatives too."""

    def curved(*arrays):
        return np.tanh(row.on(*[x + 0.05 * x**3 for x in arrays], **variant.options))

    for order in (1, 2):
        assert_slope_is_right(curved, order, variant.arrays)


@every_variant
def test_forward_mode_is_the_transpose_of_reverse_mode(row, variant):
    """⟨g, J ẋ⟩ = ⟨Jᵀ g, ẋ⟩ for all ẋ and g: in the plain mode, and in the one that records."""
    tangents = [numbers_like(x, seed) - 1 for seed, x in enumerate(variant.arrays)]
    tensors = leaves(variant.arrays)
    value, pullback = tg.vjp(function(row, variant), *variant.arrays)
    g = numbers_like(value, seed=7) - 1
    expected = sum(np.sum(gx * t) for gx, t in zip(pullback(g), tangents))
    for primals in (variant.arrays, tensors):
        again, tangent = tg.jvp(function(row, variant), primals, tangents)
        np.testing.assert_array_equal(np.asarray(again.data if primals is tensors else again), value)
        pushed = np.sum(g * (tangent.data if isinstance(tangent, tg.Tensor) else tangent))
        np.testing.assert_allclose(pushed, expected, rtol=1e-11, atol=1e-13)
