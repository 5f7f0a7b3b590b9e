"""Numerical gradients and the gradient check: right on known derivatives, and loud on every kind of wrong rule."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg

EPS = 2.0**-52  # of float64
CHECKS = [tg.check_gradients, tg.numerical_gradient]


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
        assert slope.tolist() == [1, 1]

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


def rule(value, *derivatives):
    """An operation with y = value(x, ...), and these derivatives, right or wrong."""

    def wrong(*xs):
        return value(*xs), tuple([lambda g, d=d: d(g, *xs) for d in derivatives])

    return tg.operation()(wrong)


def double(derivative):
    return rule(lambda x: 2 * x, derivative)


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

    def test_an_input_that_the_result_does_not_depend_on(self):
        tg.check_gradients(lambda x, unused: x * x, [1.0, 2.0], [3.0])

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

    @pytest.mark.parametrize("slope", [1.0, math.inf])
    def test_on_a_step_to_infinity(self, slope):
        """The quotient is infinite then, and so would be a tolerance relative to it."""
        cliff = rule(lambda x: np.where(x > 1, np.inf, x), lambda g, x: g * slope)
        with pytest.raises(tg.GradientError, match="numerical inf"):
            tg.check_gradients(cliff, 1.0)

    def test_on_a_result_of_nan(self):
        with pytest.raises(tg.GradientError, match="numerical nan"):
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


class TestMessage:
    def test_names_input_index_both_values_errors_and_how_many(self):
        one_off = double(lambda g, x: g * np.where(x == 4, 2.001, 2))
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda x: np.sum(one_off(x)), [[1.0, 2.0], [4.0, 8.0]], names=["slope"])
        assert str(caught.value) == (
            "the gradient of slope is wrong in 1 of 4 elements; worst at index (1, 0): analytic 2.001, numerical 2 "
            "(absolute error 0.001, relative 0.0005)"
        )

    def test_shows_the_worst_of_several_elements_and_inputs(self):
        crooked = double(lambda g, x: g * np.array([2.0, 2.25, 2.5]))
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(lambda a, b: np.sum(2 * crooked(a) + crooked(b)), [1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
        assert str(caught.value) == (
            "the gradient of input 0 is wrong in 2 of 3 elements; worst at index (2,): analytic 5, numerical 4 "
            "(absolute error 1, relative 0.25)"
        )

    def test_puts_nan_before_any_number(self):
        crooked = double(lambda g, x: g * np.array([100.0, np.nan]))
        with pytest.raises(tg.GradientError, match=r"2 of 2 elements; worst at index \(1,\): analytic nan"):
            tg.check_gradients(lambda x: np.sum(crooked(x)), [1.0, 2.0])

    def test_puts_an_input_with_nan_before_one_that_is_far_off(self):
        crooked, broken = double(lambda g, x: 100 * g), double(lambda g, x: np.nan * g)
        with pytest.raises(tg.GradientError, match=r"the gradient of input 1 is wrong"):
            tg.check_gradients(lambda a, b: crooked(a) + broken(b), 1.0, 1.0)

    def test_of_a_number_has_the_empty_index(self):
        with pytest.raises(tg.GradientError, match=r"input 0 is wrong in 1 of 1 elements; worst at index \(\)"):
            tg.check_gradients(double(lambda g, x: 3 * g), 1.0)


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

    @pytest.mark.parametrize("step", [0, -1e-6, float("nan"), float("inf")])
    def test_step_must_be_positive_and_finite(self, step):
        with pytest.raises(ValueError, match="step must be a finite number above 0"):
            tg.numerical_gradient(lambda x: x, 1.0, step=step)

    def test_step_sets_how_far_the_data_is_nudged(self):
        with pytest.raises(tg.GradientError, match=r"numerical 3\.25"):  # x³ at 1: 3 + h²
            tg.check_gradients(lambda x: x**3, 1.0, step=0.5)


class TestBadInput:
    @pytest.mark.parametrize("check", CHECKS)
    def test_of_nothing_to_differentiate_by_is_refused(self, check):
        with pytest.raises(ValueError, match=r"no inputs .*\(f, x1, x2\) or \(loss, \*model\.parameters\(\)\)"):
            check(lambda: tg.Tensor(1.0))
        with pytest.raises(ValueError, match="no inputs"):
            check(lambda *_: tg.Tensor(1.0), *tg.Sequential(np.tanh).parameters())

    @pytest.mark.parametrize("check", CHECKS)
    @pytest.mark.parametrize("kind", [list, tuple])
    def test_of_parameters_without_their_star_says_so(self, check, kind):
        layer = tg.nn.Linear(2, 3, rng=0)
        with pytest.raises(TypeError, match=rf"input 1 is a {kind.__name__} of 2 Tensors; .*\*model\.parameters\(\)"):
            check(lambda *_: layer(np.ones((1, 2))).sum(), 1.0, kind(layer.parameters()))

    def test_of_parameters_without_their_star_says_so_before_it_counts_names(self):
        layer = tg.nn.Linear(2, 3, rng=0)
        with pytest.raises(TypeError, match=r"\*model\.parameters\(\)"):
            tg.check_gradients(lambda *_: layer(np.ones((1, 2))), layer.parameters(), names=["weight", "bias"])

    @pytest.mark.parametrize("x", [1, [1, 2], np.array([True]), np.array([1j]), "text"], ids=lambda x: str(x)[:20])
    def test_that_is_not_floating_is_refused(self, x):
        with pytest.raises(TypeError, match="has no gradient; give floating numbers"):
            tg.check_gradients(lambda t: t * t, x)

    @pytest.mark.parametrize(
        "x",
        [
            tg.Tensor([1.0]),
            tg.Tensor([1]),
            tg.Tensor([1.0], requires_grad=True, dtype=np.float32),
            tg.Tensor([1.0], requires_grad=True) * 2,
        ],
        ids=["constant", "integers", "float32", "computed"],
    )
    def test_that_is_a_tensor_but_no_float64_leaf_is_named(self, x):
        with pytest.raises(ValueError, match="slope must be a float64 leaf that requires a gradient"):
            tg.check_gradients(lambda t: t * t, x, names=["slope"])

    @pytest.mark.parametrize("names", [[], ["a"], ["a", "b", "c"]], ids=len)
    def test_of_names_is_counted(self, names):
        with pytest.raises(ValueError, match=f"{len(names)} names for 2 inputs"):
            tg.check_gradients(lambda x, y: x * y, 1.0, 2.0, names=names)

    @pytest.mark.parametrize(
        "result", [lambda t: t.data, lambda t: 1.0, lambda t: None], ids=["array", "number", "None"]
    )
    def test_of_a_function_that_gives_no_tensor_is_said(self, result):
        with pytest.raises(TypeError, match="where a Tensor was expected"):
            tg.check_gradients(result, [1.0, 2.0])


def test_a_function_that_takes_gradients_itself_is_checked_too():
    def penalty(x):
        slope = tg.gradients(np.sum(x**3), x, create_graph=True)
        return np.sum(slope**2)

    tg.check_gradients(penalty, [1.0, 2.0])
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_allclose(tg.numerical_gradient(penalty, x)[0], [36, 288], rtol=1e-8)
