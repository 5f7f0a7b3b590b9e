"""Hooks: clipping, noise and freezing, by hand and in the step."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tinygrad_np.optim import (
    SGD,
    Adam,
    Freezing,
    GradientNoise,
    clip_by_global_norm,
    clip_by_value,
    global_norm,
)


def leaves(*gradients, dtype=np.float64):
    """A parameter of 0 for each gradient, which it has."""
    params = []
    for g in gradients:
        p = tg.Tensor(np.zeros_like(g, dtype), requires_grad=True)
        p.grad = None if g is None else np.array(g, dtype)
        params.append(p)
    return params


class TestClippingByGlobalNorm:
    def test_shortens_all_gradients_together_and_returns_the_norm_they_had(self):
        params = leaves([3.0, 0.0], [[4.0]], 12.0)
        assert clip_by_global_norm(params, max_norm=6.5) == 13
        np.testing.assert_array_equal(params[0].grad, [1.5, 0])
        np.testing.assert_array_equal(params[1].grad, [[2]])
        np.testing.assert_array_equal(params[2].grad, 6)

    def test_leaves_shorter_ones_as_they_are(self):
        params = leaves([3.0, 4.0])
        assert clip_by_global_norm(params, max_norm=5.0) == 5
        np.testing.assert_array_equal(params[0].grad, [3.0, 4.0])

    def test_of_zeros_or_of_none_is_no_division_of_0_by_0(self):
        params = leaves([0.0, 0.0], np.zeros(0))
        params[1].grad = None
        with np.errstate(all="raise"):
            assert clip_by_global_norm(params, max_norm=1.0) == 0.0
            assert clip_by_global_norm(leaves(np.zeros((0, 2))), max_norm=1.0) == 0.0
        np.testing.assert_array_equal(params[0].grad, [0, 0])

    @pytest.mark.parametrize(
        ("values", "dtype", "norm"),
        [
            ([3e200, 4e200], np.float64, 5e200),
            ([3e-200, 4e-200], np.float64, 5e-200),
            ([5e-324], np.float64, 5e-324),
            ([3e30, 4e30], np.float32, 5e30),
            ([300.0, 400.0], np.float16, 500.0),
        ],
    )
    def test_neither_overflows_nor_vanishes(self, values, dtype, norm):
        params = leaves(values, dtype=dtype)
        with np.errstate(over="raise", invalid="raise"):
            assert math.isclose(clip_by_global_norm(params, max_norm=1e-3), norm, rel_tol=1e-6)
        assert params[0].grad.dtype == dtype
        assert math.isclose(global_norm(params), min(norm, 1e-3), rel_tol=2e-2 if dtype is np.float16 else 1e-6)

    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(
        gradients=st.lists(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), max_size=4), min_size=1, max_size=4),
        limit=st.floats(1e-3, 1e3),
    )
    def test_gives_a_norm_within_the_limit_in_the_same_direction(self, gradients, limit):
        params = leaves(*gradients)
        before = np.concatenate([p.grad for p in params])
        norm = clip_by_global_norm(params, max_norm=limit)
        after = np.concatenate([p.grad for p in params])
        assert math.isclose(norm, math.hypot(*before), rel_tol=1e-12)
        assert math.hypot(*after) <= limit * (1 + 1e-12)
        # Shortened numbers that become subnormal keep fewer digits.
        np.testing.assert_allclose(after * max(norm, limit), before * limit, rtol=1e-9, atol=1e-297)

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_of_what_is_not_finite_is_refused_by_name(self, value):
        p, q = leaves([1.0, value], [1.0])
        with pytest.raises(ValueError, match="the gradient of weight holds NaN or infinity"):
            clip_by_global_norm([("bias", q), ("weight", p)], max_norm=1.0)
        np.testing.assert_array_equal(q.grad, [1.0])
        assert math.isnan(global_norm([q, p])) if math.isnan(value) else global_norm([p, q]) == math.inf

    def test_leaves_a_gradient_array_that_two_parameters_share_to_each(self):
        p, q = leaves([3.0], [3.0])
        q.grad = p.grad
        clip_by_global_norm([p, q], max_norm=math.sqrt(18) / 2)
        np.testing.assert_allclose([p.grad, q.grad], [[1.5], [1.5]])

    @pytest.mark.parametrize(
        ("limit", "error"), [(0, ValueError), (-1, ValueError), (math.nan, ValueError), ("1", TypeError)]
    )
    def test_to_no_positive_number_is_refused(self, limit, error):
        with pytest.raises(error, match="max_norm must be"):
            clip_by_global_norm(leaves([1.0]), limit)
        with pytest.raises(error, match="limit must be"):
            clip_by_value(leaves([1.0]), limit)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_by_value_bounds_each_element(dtype):
    params = [*leaves([-3.0, 0.5], 2.0, dtype=dtype), tg.Tensor([1.0], requires_grad=True)]
    clip_by_value(params, 1)
    np.testing.assert_array_equal(params[0].grad, [-1, 0.5])
    np.testing.assert_array_equal(params[1].grad, 1)
    assert {p.grad.dtype for p in params[:2]} == {np.dtype(dtype)}
    assert params[2].grad is None


def test_a_model_or_an_optimizer_can_be_clipped():
    model = tg.nn.Linear(1, 1, rng=0)
    (model([[1.0]]) * 3.0 - model([[1.0]])).sum().backward()
    assert global_norm(model) == global_norm(SGD(model)) == math.sqrt(8)


class TestInAStep:
    def test_hooks_run_in_order_on_the_list_of_parameters_before_the_update(self):
        p, q = tg.Tensor([0.0], requires_grad=True), tg.Tensor([0.0], requires_grad=True)
        seen = []
        optimizer = SGD([{"params": [p]}, {"params": [q]}], lr=1.0, hooks=[partial(clip_by_value, limit=1.0)])
        optimizer.hooks.append(lambda params: seen.append([(t is p, t.grad[0]) for t in params]))
        optimizer.step(lambda: (3 * p - 0.5 * q).sum())
        assert seen == [[(True, 1.0), (False, -0.5)]]
        assert (p.data[0], q.data[0]) == (-1, 0.5)

    @pytest.mark.parametrize(
        ("hooks", "message"),
        [
            (clip_by_value, "hooks must be a list of functions, got <function clip_by_value"),
            ("clip", "hooks must be a list of functions, got 'clip'"),
            ([1.0], "each hook must be a function of the list of parameters, got 1.0"),
            ([GradientNoise], "each hook must be a function .*, got <class"),
        ],
    )
    def test_hooks_that_are_none_are_refused(self, hooks, message):
        with pytest.raises(TypeError, match=message):
            SGD(leaves([1.0]), hooks=hooks)

    def test_a_hook_that_fails_moves_nothing(self):
        (p,) = leaves([math.nan])
        optimizer = SGD([p], hooks=[partial(clip_by_global_norm, max_norm=1.0)])
        with pytest.raises(ValueError, match="NaN or infinity"):
            optimizer.step()
        assert (p.data[0], optimizer.steps) == (0, 0)


class TestGradientNoise:
    def test_has_the_variance_of_the_paper_in_each_call(self):
        n = 20_000
        (p,) = leaves(np.zeros(n))
        noise = GradientNoise(variance=0.3, decay=0.55, rng=0)
        for t in range(3):
            p.grad = np.zeros(n)
            noise([p])
            assert math.isclose(p.grad.var(), 0.3 / (1 + t) ** 0.55, rel_tol=0.05)
            assert abs(p.grad.mean()) < 0.02

    def test_comes_from_its_own_generator_and_keeps_the_dtype(self):
        drawn = []
        for rng in (7, np.random.default_rng(7)):
            p, q = leaves([0.0, 0.0], 0.0, dtype=np.float32)
            p.grad = None
            GradientNoise(rng=rng)([p, q])
            assert p.grad is None
            assert q.grad.dtype == np.float32
            drawn.append(q.grad)
        assert drawn[0] == drawn[1] != 0

    @pytest.mark.parametrize("settings", [{"variance": -1}, {"decay": math.nan}, {"rng": -1}])
    def test_with_what_it_cannot_use_is_refused(self, settings):
        with pytest.raises(ValueError, match=r"must be|non-negative"):
            GradientNoise(**settings)

    @pytest.mark.parametrize("calls", [-1, 0.5, True])
    def test_goes_on_from_a_whole_number_of_calls_alone(self, calls):
        noise = GradientNoise(rng=0)
        with pytest.raises((TypeError, ValueError), match="calls must be an integer"):
            noise.load_state_dict({**noise.state_dict(), "calls": calls})

    def test_is_shown_with_its_numbers(self):
        assert repr(GradientNoise(rng=0)) == "GradientNoise(variance=0.01, decay=0.55)"


class TestFreezing:
    def test_keeps_parameters_until_a_step_momentum_and_counts_too(self):
        p, q = tg.Tensor([0.0], requires_grad=True), tg.Tensor([0.0], requires_grad=True)
        named = [("0.weight", p), ("1.weight", q)]
        optimizer = Adam(named, lr=0.5, hooks=[Freezing(named, "0.*", until=2)])
        moved = []
        for _ in range(3):
            optimizer.step(lambda: (p + q).sum())
            moved.append(p.data[0])
        assert moved[:2] == [0, 0]
        assert math.isclose(moved[2], -0.5, rel_tol=1e-6)  # its first step
        assert optimizer.state_dict()["updates"] == {"0.weight": 1, "1.weight": 3}

    def test_goes_on_from_its_state(self):
        (p,) = leaves([1.0])
        hooks = [Freezing([p], "*", until=2) for _ in range(2)]
        hooks[0]([p])
        hooks[1].load_state_dict(hooks[0].state_dict())
        p.grad = np.ones(1)
        hooks[1]([p])
        assert p.grad is None
        p.grad = np.ones(1)
        hooks[1]([p])
        assert p.grad is not None

    @pytest.mark.parametrize(
        ("pattern", "until", "error", "message"),
        [
            (
                "wieght",
                1,
                ValueError,
                "the pattern 'wieght' fits no parameter; there are weight, bias; did you mean weight",
            ),
            (0, 1, TypeError, "a pattern must be a text"),
            ("*", -1, ValueError, "until must be an integer of at least 0"),
            ("*", 1.5, TypeError, "until must be an integer of at least 0"),
        ],
    )
    def test_of_what_is_not_there_is_refused(self, pattern, until, error, message):
        with pytest.raises(error, match=message):
            Freezing(tg.nn.Linear(1, 1, rng=0), pattern, until)
