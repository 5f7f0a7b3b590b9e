"""Numerical gradients: right on known derivatives."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg


class TestNumericalGradient:
    @pytest.mark.parametrize(
        ("f", "x", "derivative"),
        [
            (lambda x: x * x, 3.0, 6.0),
            (lambda x: x**3, 1000.0, 3e6),
            (lambda x: 1 / x, 0.5, -4.0),
            (np.exp, 0.0, 1.0),
            (np.exp, 1.0, math.e),
            (np.log, 2.0, 0.5),
            (np.sin, 0.0, 1.0),
            (np.cos, math.pi / 6, -0.5),
            (np.tanh, 0.0, 1.0),
            (np.sqrt, 4.0, 0.25),
            (lambda x: 7.0, 1.0, 0.0),
        ],
    )
    def test_of_a_known_function_is_its_derivative(self, f, x, derivative):
        (slope,) = tg.numerical_gradient(f, x)
        assert (slope.shape, slope.dtype) == ((), np.float64)
        assert slope == pytest.approx(derivative, rel=1e-9, abs=1e-9)

    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(shape=st.lists(st.integers(0, 3), max_size=3).map(tuple), seed=st.integers(0, 99))
    def test_of_a_quadratic_form_has_the_shape_of_its_input(self, shape, seed):
        rng = np.random.default_rng(seed)
        a, b, x = rng.normal(size=(3, *shape))
        (slope,) = tg.numerical_gradient(lambda t: np.sum(a * t**2 + b * t), x)
        assert slope.shape == shape
        np.testing.assert_allclose(slope, 2 * a * x + b, atol=1e-8)

    def test_comes_for_each_of_several_inputs(self):
        gx, gy, gz = tg.numerical_gradient(lambda x, y, z: np.sum(x * y) * z, [1.0, 2.0], np.array([3.0, 4.0]), 2.0)
        np.testing.assert_allclose(gx, [6, 8], rtol=1e-9)
        np.testing.assert_allclose(gy, [2, 4], rtol=1e-9)
        np.testing.assert_allclose(gz, 11, rtol=1e-9)

    @pytest.mark.parametrize(
        "result", [float, lambda y: y, lambda y: np.array([[y]]), tg.Tensor, lambda y: np.float32(y)], ids=range(5)
    )
    def test_takes_one_number_in_any_form(self, result):
        (slope,) = tg.numerical_gradient(lambda x: result(x), 4.0, step=0.5)
        assert slope == 1

    def test_arrays_reach_the_function_as_float64_copies(self):
        x, seen = np.array([1.0, 2.0], np.float32), []
        (slope,) = tg.numerical_gradient(lambda t: (seen.append(t.dtype), np.sum(t * t))[1], x)
        assert set(seen) == {np.dtype(np.float64)}
        np.testing.assert_allclose(slope, [2, 4], rtol=1e-9)
        np.testing.assert_array_equal(x, np.array([1, 2], np.float32))

    def test_a_models_parameters_are_nudged_in_place_and_put_back(self):
        layer = tg.nn.Linear(2, 3, rng=0)
        before = [p.data.copy() for p in layer.parameters()]
        gw, gb = tg.numerical_gradient(lambda *_: layer(np.array([[1.0, 10.0]])).sum(), layer.weight, layer.bias)
        np.testing.assert_allclose(gw, [[1, 1, 1], [10, 10, 10]], rtol=1e-9)
        np.testing.assert_allclose(gb, [1, 1, 1], rtol=1e-9)
        for p, data in zip(layer.parameters(), before):
            np.testing.assert_array_equal(p.data, data)

    def test_divides_by_the_step_that_rounding_left(self):
        p = tg.Tensor([1.0, 1000.0], requires_grad=True, dtype=np.float32)
        (slope,) = tg.numerical_gradient(lambda t: float(t.data[0]) + float(t.data[1]), p)
        np.testing.assert_allclose(slope, [1, 1], rtol=1e-7)

    @pytest.mark.parametrize("call", [1, 2, 5, 6])
    def test_data_is_put_back_when_the_function_raises(self, call):
        p, calls = tg.Tensor([0.1, 0.2, 0.3], requires_grad=True), []

        def fragile(t):
            calls.append(1)
            if len(calls) == call:
                raise RuntimeError("broken")
            return t.data.sum()

        with pytest.raises(RuntimeError, match="broken"):
            tg.numerical_gradient(fragile, p)
        assert p.data.tolist() == [0.1, 0.2, 0.3]

    def test_of_a_result_that_is_no_number_shows_its_shape(self):
        with pytest.raises(ValueError, match=r"must return one number, got shape \(2,\)"):
            tg.numerical_gradient(lambda x: x, [1.0, 2.0])

    @pytest.mark.parametrize(
        "x", [1, [1, 2], np.array([True]), np.array([1j]), "text", tg.Tensor([1, 2])], ids=lambda x: str(x)[:20]
    )
    def test_of_what_is_not_floating_is_refused(self, x):
        with pytest.raises(TypeError, match="has no gradient"):
            tg.numerical_gradient(lambda t: np.sum(t * t), x)
