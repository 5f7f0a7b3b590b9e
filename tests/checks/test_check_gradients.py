"""The gradient check: silent on right gradients, and loud on every kind of wrong rule."""

import math

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import double, rule


class TestPasses:
    @pytest.mark.parametrize(
        ("f", "inputs"),
        [
            (lambda x: np.tanh(x) * x, [[0.5, -2.0]]),
            (lambda x, y: x @ y, [np.ones((2, 3)), np.eye(3)]),
            (lambda x: x * 3, [2.0]),
            (lambda x: x, [[1.0, 2.0]]),
            (lambda x: np.sum(x * x), [np.zeros((0, 3))]),
            (lambda x: (x * x).reshape(1, 1), [[2.0]]),
            (double(lambda g, x: 2 * g), [[1.0, 2.0]]),
            (lambda x: x * 1e6, [[1.0]]),
            (lambda x: x * 1e-6, [[1.0]]),
        ],
        ids=[
            *["matrix of outputs", "two inputs", "number", "itself", "no elements", "(1, 1)", "own rule", "steep"],
            "flat",
        ],
    )
    def test_right_gradients_of_any_shape(self, f, inputs):
        tg.check_gradients(f, *inputs)

    def test_float32_inputs_which_are_upcast(self):
        seen = []
        tg.check_gradients(lambda x: (seen.append(x.dtype), np.tanh(x))[1], np.array([0.3, 0.7], np.float32))
        assert set(seen) == {np.dtype(np.float64)}

    def test_a_model_in_place(self):
        model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 2, rng=1))
        before = [p.data.copy() for p in model.parameters()]
        tg.check_gradients(lambda *_: model(np.array([[0.5, -1.0], [2.0, 0.0]])), *model.parameters())
        for p, data in zip(model.parameters(), before):
            np.testing.assert_array_equal(p.data, data)
            assert p.grad is None

    def test_and_changes_neither_inputs_nor_gradients(self):
        x, p = np.array([1.0, 2.0]), tg.Tensor([3.0, 4.0], requires_grad=True)
        p.grad = np.array([5.0, 6.0])
        tg.check_gradients(lambda a, b: a * b, x, p)
        assert (x.tolist(), p.data.tolist(), p.grad.tolist()) == ([1, 2], [3, 4], [5, 6])


class TestFails:
    @pytest.mark.parametrize(
        "f",
        [
            double(lambda g, x: 2.001 * g),
            double(lambda g, x: 2.00001 * g),
            double(lambda g, x: -2 * g),
            double(lambda g, x: 0 * g),
            double(lambda g, x: 2 * g * np.nan),
            double(lambda g, x: 2 * g * np.inf),
            double(lambda g, x: 2 * g[::-1]),
            double(lambda g, x: 2 * np.ones_like(g)),
            double(lambda g, x: 2 * np.concatenate([g, g])),
            double(lambda g, x: 2 * g[:, None]),
            double(lambda g, x: 2 * np.sum(g)),
            double(lambda g, x: (2 * g).astype(np.float32)),
        ],
        ids=[
            *["2.001 for 2", "2.00001 for 2", "wrong sign", "nothing", "NaN", "infinity", "elements in reverse"],
            *["incoming gradient forgotten", "longer", "a column", "summed to a number", "float32"],
        ],
    )
    def test_on_a_wrong_rule(self, f):
        with pytest.raises(tg.GradientError):
            tg.check_gradients(f, [1.0, 2.0])

    @pytest.mark.parametrize(
        ("slope", "words"),
        [
            (1.0, "f ends or jumps here"),
            (math.inf, "analytic inf, numerical -inf to inf"),
            (-1e9, "f ends or jumps here"),
        ],
    )
    def test_on_a_step_to_infinity(self, slope, words):
        """The quotient is infinite then, and so would be a tolerance relative to it."""
        cliff = rule(lambda x: np.where(x > 1, np.inf, x), lambda g, x: g * slope)
        with pytest.raises(tg.GradientError, match=words):
            tg.check_gradients(cliff, 1.0)

    def test_on_a_result_of_nan(self):
        with pytest.raises(tg.GradientError, match="f is nan in 1 of 1 elements"):
            tg.check_gradients(rule(lambda x: x * np.nan, lambda g, x: g), [1.0])

    def test_on_a_value_that_loses_its_gradient(self):
        with pytest.raises(tg.GradientError, match="analytic 0, numerical 4"):
            tg.check_gradients(lambda x: x * 0 + tg.Tensor(x.data**2), [2.0])

    def test_on_an_argument_without_a_derivative(self):
        forgetful = rule(lambda x1, x2: x1 * x2, lambda g, x1, x2: g * x2)
        with pytest.raises(TypeError, match="has no derivative with respect to an argument"):
            tg.check_gradients(forgetful, [1.0, 2.0], [3.0, 4.0])
        with pytest.raises(TypeError, match="has no derivative with respect to an argument"):
            tg.check_gradients(lambda x2: forgetful(np.ones(2), x2), [3.0, 4.0])

    def test_on_a_wrong_parameter_of_a_model_which_is_named(self):
        crooked = double(lambda g, x: 2.1 * g)
        layer = tg.nn.Linear(2, 2, rng=0)
        with pytest.raises(tg.GradientError, match="the gradient of bias is wrong in 2 of 2 elements"):
            tg.check_gradients(
                lambda *_: layer(np.zeros((1, 2))) + crooked(layer.bias), *layer.parameters(), names=["weight", "bias"]
            )

    def test_as_an_assertion(self):
        assert issubclass(tg.GradientError, AssertionError)


def test_a_function_that_takes_gradients_itself_is_checked_too():
    def penalty(x):
        slope = tg.gradients(np.sum(x**3), x, create_graph=True)
        return np.sum(slope**2)

    tg.check_gradients(penalty, [1.0, 2.0])
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_allclose(tg.numerical_gradient(penalty, x)[0], [36, 288], rtol=1e-8)
