"""Random directions, every element, stacks of points, the complex step, the Taylor test, the second order."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.rules import double, rule
from tests.checks.test_outcomes import failed
from tinygrad_np.checks import Outcome


def counted(f):
    """``f``, and how often it was called."""
    calls = []
    return lambda *xs: (calls.append(1), f(*xs))[1], calls


def network(rows=32):
    """The 64-128-10 network as a function of its model, as users write it."""
    rng = np.random.default_rng(0)
    model = tg.Sequential(tg.nn.Linear(64, 128, rng=0), np.tanh, tg.nn.Linear(128, 10, rng=1))
    x, labels = rng.normal(size=(rows, 64)), rng.integers(10, size=rows)
    return model, lambda model: tg.softmax_cross_entropy(model(x), labels)


class TestFast:
    def test_takes_fewer_than_30_evaluations_of_a_network(self):
        model, loss = network()
        f, calls = counted(loss)
        report = tg.check_gradients(f, model)
        assert report.names == ("0.weight", "0.bias", "2.weight", "2.bias")
        assert len(report.directions) == 4
        assert len(calls) == report.evaluations == 16  # one more of each of two small biases, and one of what is faint

    def test_few_large_slopes_of_an_input_do_not_hide_the_others(self):
        x = np.linspace(-1, 1, 100)
        x[50] = 1e8
        f = lambda x: np.sum(np.tanh(x)) + x[50]
        derivative = lambda x: 1 - np.tanh(x) ** 2 + (np.arange(100) == 50)
        assert tg.check_gradients(f, x, gradient=derivative, mode="fast").right
        report = failed(f, x, gradient=lambda x: derivative(x) * np.where(x == 1e8, 1, 2), mode="fast")
        assert "wrong in 99 of 100 elements" in str(report)

    @pytest.mark.parametrize("place", [(0, 0), (63, 127)])
    def test_sees_one_wrong_element_of_9610(self, place):
        model, _ = network()
        slip = np.ones((64, 128))
        slip[place] = 1.1
        same = rule(lambda w: w * 1, lambda g, w: g * slip)
        x = np.random.default_rng(0).normal(size=(32, 64))
        weight, hidden = model[0].weight, model[2]
        f = lambda *_: np.sum(hidden(np.tanh(x @ same(weight))) ** 2)
        with pytest.raises(tg.GradientError) as caught:
            tg.check_gradients(f, weight, mode="fast", names=["weight"])
        assert f"the gradient of weight is wrong in 1 of 8192 elements; worst at index {place}" in str(caught.value)

    @pytest.mark.parametrize("slope", [np.inf, -np.inf, np.nan, 1e160])
    def test_an_element_too_large_hides_no_other_and_is_wrong_itself(self, slope):
        for mode in ("fast", "auto"):
            report = failed(double(lambda g, x: g * np.where(x == 7, slope, 2)), np.arange(100.0), mode=mode)
            assert report.outcome is Outcome.WRONG
            assert "wrong in 1 of 100 elements; worst at index (7,)" in str(report)

    def test_is_what_auto_does_above_64_elements(self):
        few, many = [tg.check_gradients(lambda x: np.sum(np.sin(x)), np.ones(n)) for n in (64, 65)]
        assert (len(few.directions), len(many.directions)) == (0, 4)
        assert (few.elements[0].value.size, many.elements) == (64, ())

    def test_looks_at_every_element_once_a_direction_disagrees(self):
        slope = np.full(200, 2.0)
        slope[17] = 2.5
        report = failed(double(lambda g, x: g * slope), np.ones(200))
        assert "worst at index (17,)" in str(report)
        assert "along a random direction the slopes differ; so every element was looked at" in str(report)

    @pytest.mark.parametrize("factor", [-1, 0, 1.001])
    def test_sees_a_wrong_input_beside_a_much_larger_one(self, factor):
        f = lambda a, b: 1e6 * np.sum(a**2) + np.sum(np.sin(b))
        g = lambda a, b: (2e6 * a, factor * np.cos(b))
        report = failed(f, np.ones(3), np.ones(3), gradient=g, mode="fast")
        assert report.outcome is Outcome.WRONG
        assert [checked.name for checked in report.elements if checked.wrongs] == ["b"]

    def test_takes_more_directions_if_asked(self):
        assert len(tg.check_gradients(np.sin, np.ones(100), directions=7).directions) == 7


class TestFull:
    def test_looks_at_every_element_of_every_input(self):
        report = tg.check_gradients(lambda x, y: np.sum(np.sin(x) * y), np.ones(100), np.ones(100), mode="full")
        np.testing.assert_allclose(report.elements[0].numerical, np.full(100, np.cos(1)), rtol=1e-8)
        np.testing.assert_allclose(report.elements[1].numerical, np.full(100, np.sin(1)), rtol=1e-8)
        assert report.evaluations == 2 + 2 * 200 + 2  # and one try with a stack for each input

    @pytest.mark.parametrize(
        ("f", "shapes"),
        [
            (np.tanh, [(4, 5)]),
            (lambda x, y: x @ y, [(4, 5), (5, 3)]),
            (lambda x: np.linalg.inv(x + 9 * np.eye(5)), [(5, 5)]),
            (lambda x: np.sum(np.exp(x), axis=-1), [(4, 5)]),
        ],
        ids=["tanh", "product", "inverse", "sum over the last axis"],
    )
    def test_evaluates_stacks_of_points_where_the_function_takes_them(self, f, shapes):
        arrays = [np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(shapes)]
        report = tg.check_gradients(f, *arrays, mode="full")
        assert report.evaluations < 2 + 6 * len(shapes)
        for i, x in enumerate(arrays):
            one_by_one = tg.numerical_gradient(
                lambda *xs: np.sum(f(*xs) * np.random.default_rng(0).uniform(0.5, 1.5, np.shape(f(*xs)))), *arrays
            )[i]
            np.testing.assert_allclose(report.elements[i].numerical, one_by_one, rtol=1e-7, atol=1e-9)
            assert report.elements[i].numerical.shape == x.shape

    @pytest.mark.parametrize("f", [lambda x: x / np.sum(x), lambda x: x - x.mean(), lambda x: x[::-1]])
    def test_takes_no_stacks_for_right_where_points_would_mix(self, f):
        tg.check_gradients(f, np.arange(1.0, 10.0), mode="full")

    def test_looks_at_points_alone_once_a_stack_of_them_fails(self):
        """It takes the few points that are tried, and not the rest."""

        def f(x):
            if x.ndim > 1 and len(x) > 300:
                raise MemoryError("too many")
            return np.sin(x)

        report = tg.check_gradients(f, np.ones(200), mode="full")
        assert report.right
        assert report.evaluations > 2 * 200

    @pytest.mark.parametrize(("n", "most"), [(1300, 1300), (1200, 2**16), (200, 2**16)])
    def test_makes_no_stack_that_is_large_or_of_what_is_large_itself(self, n, most):
        seen = []
        tg.check_gradients(lambda x: (seen.append(x.size), np.sin(x))[1], np.ones(n), mode="full")
        assert n <= max(seen) <= most

    def test_finds_an_error_in_a_stack_too(self):
        slip = np.ones((4, 5))
        slip[3, 2] = 1.001
        report = failed(double(lambda g, x: 2 * g * slip), np.ones((4, 5)), mode="full")
        assert "wrong in 1 of 20 elements; worst at index (3, 2)" in str(report)


class TestComplexStep:
    def test_is_exact_where_differences_are_not(self):
        f = lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)  # the example of Squire and Trapp
        (found,) = tg.check_gradients(f, 1.5, method="complex").elements
        assert found.numerical == pytest.approx(4.053427893898621, rel=4e-16)  # their value

    def test_sees_an_error_that_differences_cannot(self):
        slightly_off = rule(lambda x: np.exp(x), lambda g, x: g * np.exp(x) * (1 + 1e-12))
        tg.check_gradients(slightly_off, 1.0, rtol=1e-14, atol=0)
        assert failed(slightly_off, 1.0, rtol=1e-14, atol=0, method="complex").outcome is Outcome.WRONG

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_of_hand_derived_gradients(self, mode):
        f, options = (lambda x: np.sum(x**3)), {"method": "complex", "mode": mode}
        tg.check_gradients(f, [1.0, 2.0], gradient=lambda x: 3 * x**2, **options)
        assert failed(f, [1.0, 2.0], gradient=lambda x: 3 * x, **options).outcome is Outcome.WRONG

    @pytest.mark.parametrize("f", [np.abs, lambda x: x * np.abs(x), lambda x: np.sum(x.real)])
    def test_of_what_is_not_analytic_is_refused(self, f):
        with pytest.raises(ValueError, match="not analytic"):
            tg.check_gradients(f, [1.0, -2.0], method="complex")

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_of_what_is_not_analytic_is_refused_even_where_the_gradient_loses_it_too(self, mode):
        share = lambda x: np.sum(x / np.abs(x).max() * np.arange(3))
        lost = lambda x: np.arange(3) / np.abs(x).max()
        with pytest.raises(ValueError, match="not analytic"):
            tg.check_gradients(share, [1.0, 2.0, 3.0], gradient=lost, method="complex", mode=mode)

    def test_through_a_tensor_of_the_users_is_refused(self):
        with pytest.raises(ValueError, match="cannot pass through a model or a Tensor of yours"):
            tg.check_gradients(np.sin, tg.Tensor(1.0, requires_grad=True), method="complex")


class TestTaylor:
    @pytest.mark.parametrize("f", [np.sin, lambda x: 3 * x, lambda x: x**3, lambda x: np.sum(np.exp(x) * x)])
    def test_passes_right_gradients_without_a_tolerance(self, f):
        report = tg.check_gradients(f, np.linspace(-1, 1, 7), method="taylor", rtol=0, atol=0)
        assert min(report.directions) > 1.9

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (np.abs, [0.01]),
            (tg.relu, [0.003, -0.02, 0.05, 1.0]),
            (np.log, [0.05, 0.1]),
            (np.sqrt, [0.01, 0.5]),
            (np.log, [1e-6]),
        ],
        ids=["abs", "relu", "log", "sqrt", "log near 0"],
    )
    def test_steps_that_meet_a_kink_or_an_end_of_f_do_not_count(self, f, x):
        assert tg.check_gradients(f, x, method="taylor").right

    @pytest.mark.parametrize(
        ("f", "derivative", "x"),
        [
            (np.var, lambda x: x / 2 - x.mean() / 2, [2001.0, 2003.0, 2004.0, 2010.0]),
            (lambda x: np.sum(x * x - 2), lambda x: 2 * x, [np.sqrt(2)]),
            (lambda x: float(np.sum(np.tanh(x.astype(np.float32)))), lambda x: 1 - np.tanh(x) ** 2, [0.3, -1.2, 0.7]),
            (lambda x: np.sum(np.sin(1e7 * x)), lambda x: 1e7 * np.cos(1e7 * x), [0.3]),
            (lambda x: np.sum(1 / x), lambda x: -1 / x**2, [1e-9]),
        ],
        ids=["variance of years", "at a zero", "float32 inside", "periodic", "steep"],
    )
    def test_passes_right_gradients_of_what_rounds_on_its_way_or_is_steep(self, f, derivative, x):
        assert tg.check_gradients(f, x, gradient=derivative, method="taylor").right
        assert failed(f, x, gradient=lambda x: 1.1 * derivative(x), method="taylor").outcome is Outcome.WRONG

    def test_does_not_blame_a_gradient_where_its_steps_are_all_too_long(self):
        f, options = (lambda x: np.sum(1 / x)), {"method": "taylor"}
        report = failed(f, [1e-15], gradient=lambda x: -1 / x**2, **options)
        assert report.outcome is Outcome.UNRESOLVED
        assert "f is too steep here for the steps of a Taylor test" in str(report)
        assert failed(f, [1e-15], gradient=lambda x: -2 / x**2, **options).outcome is Outcome.WRONG

    @pytest.mark.parametrize("scale", [1e-30, 1e30])
    def test_tells_right_from_wrong_at_any_scale_of_f(self, scale):
        f, derivative = lambda x: scale * np.sum(np.exp(x)), lambda x: scale * np.exp(x)
        assert tg.check_gradients(f, [0.3, 0.4], gradient=derivative, method="taylor").right
        report = failed(f, [0.3, 0.4], gradient=lambda x: 2 * derivative(x), method="taylor")
        assert report.outcome is Outcome.WRONG
        assert "2.000 times the numerical one" in str(report)

    @pytest.mark.parametrize("factor", [2.001, 2.00001, -2, 0])
    def test_fails_wrong_ones_whose_remainder_is_of_first_order(self, factor):
        wrong = double(lambda g, x: factor * g)
        report = failed(lambda x: wrong(x) ** 2, [1.0, 2.0], method="taylor")
        assert report.outcome is Outcome.WRONG
        assert "the Taylor remainder falls with the step's power 1." in str(report)

    @pytest.mark.parametrize("mode", ["auto", "full"])
    def test_sees_an_error_that_the_tolerance_allows(self, mode):
        slightly_off = double(lambda g, x: 2 * (1 + 1e-7) * g)
        tg.check_gradients(slightly_off, [1.0, 2.0])
        report = failed(slightly_off, [1.0, 2.0], method="taylor", mode=mode)
        assert str(report).count("Taylor") == 1
        assert str(report).startswith(
            "the gradient is wrong, if only slightly: the Taylor remainder falls with the step's"
        )

    def test_looks_at_every_element_as_well_in_full_mode(self):
        report = tg.check_gradients(np.sin, [1.0, 2.0], method="taylor", mode="full")
        np.testing.assert_allclose(report.elements[0].numerical.shape, (2,))
        wrong = rule(np.sin, lambda g, x: g * np.cos(x) * [1, 2])
        assert "in 1 of 2 elements; worst at index (1,)" in str(failed(wrong, [1.0, 2.0], method="taylor", mode="full"))


class TestSecondOrder:
    def test_checks_the_derivative_of_the_gradient(self):
        report = tg.check_gradients(lambda x, y: np.sum(np.sin(x) * y), [1.0, 2.0], [3.0, 4.0], order=2)
        assert report.order == 2

    def test_finds_a_rule_that_is_right_only_once(self):
        @tg.operation()
        def cube(x):
            slope = (
                3 * (x.data if isinstance(x, tg.Tensor) else x) ** 2
            )  # from the data: a constant to a second derivative
            return x**3, (lambda g: g * slope,)

        tg.check_gradients(cube, [1.0, 2.0])
        report = failed(cube, [1.0, 2.0], order=2)
        assert (report.outcome, report.order) == (Outcome.WRONG, 2)
        assert "order 2" in str(report)

    def test_of_a_model(self):
        model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 2, rng=1))
        x, labels = np.array([[0.5, -1.0], [2.0, 0.0]]), np.array([0, 1])
        tg.check_gradients(lambda model: tg.softmax_cross_entropy(model(x), labels), model, order=2)

    def test_of_a_linear_function_is_zero_and_not_unused(self):
        assert tg.check_gradients(lambda x: 3 * x, [1.0, 2.0], order=2)

    def test_needs_tensors(self):
        with pytest.raises(ValueError, match="order=2 needs an f of Tensors"):
            tg.check_gradients(np.sum, [1.0], gradient=np.ones_like, order=2)


class TestDeterminism:
    @pytest.mark.parametrize("seed", range(20))
    def test_of_draws_that_seldom_matter_is_looked_at_again_before_anything_is_blamed(self, seed):
        model = tg.Sequential(tg.nn.Linear(4, 8, rng=0), tg.nn.Dropout(0.05, rng=seed), tg.nn.Linear(8, 2, rng=1))
        x = np.random.default_rng(1).normal(size=(3, 4))
        loss = lambda model: np.sum(np.tanh(model(x)))
        report = failed(loss, model)
        assert report.outcome is Outcome.NOT_DETERMINISTIC
        assert "; call model.eval() first if it is Dropout that draws, or else draw its random numbers" in str(report)
        model.eval()
        assert tg.check_gradients(loss, model).right

    def test_of_a_function_without_a_model_is_advised_otherwise(self):
        calls = iter(range(1000))
        report = failed(lambda x: x * (1 + (next(calls) > 4)), [1.0, 2.0])
        assert report.outcome is Outcome.NOT_DETERMINISTIC
        assert "at the same point; draw its random numbers outside of it" in str(report)
