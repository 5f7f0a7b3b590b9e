"""L-BFGS and its line search: known minima, the conditions, the direction against the matrix it stands for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

import tinygrad_np as tg
from tinygrad_np.optim import LBFGS, SGD
from tinygrad_np.optim.wolfe import Point, search


def rosenbrock(p):
    return np.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


def run(p, loss, steps, **settings):
    """The losses at the start of each step, and how often the loss was computed."""
    calls, losses = [], []
    optimizer = LBFGS([p], **settings)

    def closure():
        calls.append(1)
        return loss(p)

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
    return losses, len(calls)


class TestMinimum:
    @pytest.mark.parametrize("start", [[-1.2, 1.0], [2.0, -1.0], [0.0, 0.0], [-1.2, 1.0, -1.2, 1.0, 0.5]])
    def test_of_rosenbrocks_valley_is_found_to_1e_8_as_by_scipy(self, start):
        p = tg.Tensor(start, requires_grad=True)
        losses, calls = run(p, rosenbrock, 70)
        np.testing.assert_allclose(p.data, 1, atol=1e-8)
        assert losses == sorted(losses, reverse=True)
        assert calls < 4 * 70
        scipys = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
        np.testing.assert_allclose(p.data, scipys.x, atol=1e-7)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_of_a_quadratic_is_found_in_a_few_steps(self, dtype):
        rng = np.random.default_rng(0)
        a = rng.normal(size=(6, 6))
        a, b = (a @ a.T + np.eye(6)).astype(dtype), rng.normal(size=6).astype(dtype)
        p = tg.Tensor(np.zeros(6), requires_grad=True, dtype=dtype)
        run(p, lambda p: p @ a @ p / 2 - b @ p, 30)
        np.testing.assert_allclose(p.data, np.linalg.solve(a, b), rtol=100 * np.finfo(dtype).eps ** 0.5)
        assert p.dtype == dtype

    def test_of_a_network_with_a_penalty_is_that_of_scipy(self):
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(20, 2)), rng.integers(0, 2, size=20)
        model = tg.nn.Linear(2, 2, rng=0)
        optimizer = LBFGS(model, l2=0.1)
        for _ in range(40):
            optimizer.step(lambda: tg.softmax_cross_entropy(model(x), y))

        def objective(v):
            w, b = v[:4].reshape(2, 2), v[4:]
            logits = x @ w + b
            return np.mean(np.logaddexp(*logits.T) - logits[np.arange(20), y]) + 0.05 * v @ v

        scipys = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-8})
        ours = np.concatenate([p.data for p in model.parameters()], axis=None)
        assert objective(ours) <= scipys.fun + 1e-12
        np.testing.assert_allclose(ours, scipys.x, atol=1e-5)

    def test_is_stayed_at(self):
        p = tg.Tensor([0.0, 0.0], requires_grad=True)
        losses, calls = run(p, lambda p: np.sum(p**2), 3)
        assert (p.data.tolist(), losses, calls) == ([0, 0], [0, 0, 0], 3)

    def test_that_rounding_hides_is_stayed_near(self):
        p = tg.Tensor([3.0], requires_grad=True)
        losses, _ = run(p, lambda p: np.sum((p - 1) ** 2) + 1e6, 10)
        assert abs(p.data[0] - 1) < 1e-4
        assert losses[-1] <= losses[0]


@settings(derandomize=True, deadline=None, max_examples=20)
@given(n=st.integers(2, 5), pairs=st.integers(1, 4), seed=st.integers(0, 99))
def test_the_direction_is_that_of_the_matrix_written_out(n, pairs, seed):
    rng = np.random.default_rng(seed)
    optimizer = LBFGS([tg.Tensor(np.zeros(n), requires_grad=True)])
    h = None
    for _ in range(pairs):
        s = rng.normal(size=n)
        y = s + 0.3 * rng.normal(size=n) * (0.1 + np.abs(s))
        if s @ y <= 0.05 * (y @ y):
            continue
        optimizer._remember(s, y)
    if optimizer._pairs:
        s, y = optimizer._pairs[-1]
        h = s @ y / (y @ y) * np.eye(n)
        for s, y in optimizer._pairs:
            v = np.eye(n) - np.outer(y, s) / (s @ y)
            h = v.T @ h @ v + np.outer(s, s) / (s @ y)
        g = rng.normal(size=n)
        np.testing.assert_allclose(optimizer._scaled(g), h @ g, rtol=1e-8, atol=1e-8)


LINES = {
    "parabola": (lambda a: (a - 3) ** 2, lambda a: 2 * (a - 3)),
    "far": (lambda a: (a - 1e6) ** 2, lambda a: 2 * (a - 1e6)),
    "near": (lambda a: (a - 1e-6) ** 2, lambda a: 2 * (a - 1e-6)),
    "quartic": (lambda a: (a - 2) ** 4, lambda a: 4 * (a - 2) ** 3),
    "wavy": (lambda a: a**2 / 10 - math.sin(5 * a), lambda a: a / 5 - 5 * math.cos(5 * a)),
    "wall": (
        lambda a: -math.log(1 - a) - 3 * a if a < 1 else math.inf,
        lambda a: 1 / (1 - a) - 3 if a < 1 else math.nan,
    ),
    "flat far away": (lambda a: -a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),
}


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("c2", [0.1, 0.9])
@pytest.mark.parametrize(("f", "slope"), LINES.values(), ids=LINES)
def test_a_search_ends_where_both_conditions_hold(f, slope, c2, first):
    start = Point(0.0, f(0.0), slope(0.0))
    end = search(lambda a: Point(a, f(a), slope(a)), start, first, 1e-4, c2)
    assert end.step > 0
    assert end.value <= start.value + 1e-4 * end.step * start.slope
    assert abs(end.slope) <= c2 * abs(start.slope)


def test_a_search_without_a_way_down_stays():
    start = Point(0.0, 1.0, -1.0)  # which the function does not keep
    assert search(lambda a: Point(a, 2.0, 0.0), start, 1.0, 1e-4, 0.9) == start


class TestStep:
    def test_leaves_a_parameter_without_a_gradient_alone(self):
        p, q = tg.Tensor([3.0], requires_grad=True), tg.Tensor([5.0], requires_grad=True)
        optimizer = LBFGS([p, q], l2=0.1)
        for _ in range(3):
            optimizer.step(lambda: np.sum((p - 1) ** 4) + np.sum((q - 2) ** 4))
        stood = q.data.copy()
        for _ in range(3):
            optimizer.step(lambda: np.sum((p - 1) ** 4))
        np.testing.assert_array_equal(q.data, stood)
        assert p.data[0] != 3

    def test_at_a_rate_of_0_moves_nothing(self):
        p = tg.Tensor([3.0], requires_grad=True)
        optimizer = LBFGS([p], lr=lambda step: 0.0 if step == 0 else 1.0)
        optimizer.step(lambda: np.sum(p**2))
        assert p.data[0] == 3
        optimizer.step(lambda: np.sum(p**2))
        assert p.data[0] < 3

    def test_starts_from_data_that_was_replaced(self):
        p = tg.Tensor([3.0], requires_grad=True)
        optimizer = LBFGS([p])
        p.data = [7.0]
        assert optimizer.step(lambda: np.sum(p**2)).item() == 49
        assert abs(p.data[0]) < 7

    def test_that_fails_puts_the_parameters_back(self):
        p, calls = tg.Tensor([3.0, 1.0], requires_grad=True), []

        def closure():
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return np.sum(p**4)

        optimizer = LBFGS([p])
        with pytest.raises(KeyboardInterrupt):
            optimizer.step(closure)
        assert (p.data.tolist(), optimizer.steps) == ([3, 1], 0)

    def test_goes_on_after_the_loss_became_another(self):
        p = tg.Tensor([3.0, -1.0], requires_grad=True)
        optimizer = LBFGS([p])
        for i in range(20):
            optimizer.step(lambda i=i: np.sum((p - i % 2) ** 2) + np.sum(p**4))
        assert np.isfinite(p.data).all()
        for _ in range(20):
            optimizer.step(lambda: np.sum((p - 2) ** 2))
        np.testing.assert_allclose(p.data, 2, atol=1e-8)

    def test_of_parameters_of_two_dtypes_keeps_both(self):
        p = tg.Tensor([3.0], requires_grad=True, dtype=np.float32)
        q = tg.Tensor([3.0], requires_grad=True)
        optimizer = LBFGS([p, q])
        for _ in range(10):
            optimizer.step(lambda: np.sum((p - 1) ** 2) + np.sum((q - 2) ** 2))
        assert (p.dtype, q.dtype) == (np.float32, np.float64)
        np.testing.assert_allclose([p.data[0], q.data[0]], [1, 2], atol=1e-5)

    @pytest.mark.parametrize(
        ("act", "error", "message"),
        [
            (lambda o, p: o.step(), TypeError, r"call step\(closure\)"),
            (lambda o, p: o.step(lambda: p.sum() * math.nan), ValueError, "the loss is nan where the step starts"),
            (lambda o, p: o.step(lambda: 1.0), TypeError, "must return the loss as a Tensor, got 1.0"),
            (
                lambda o, p: (o.hooks.append(print), o.step(lambda: p.sum())),
                ValueError,
                "neither hooks nor weight_decay",
            ),
            (lambda o, p: (setattr(o, "weight_decay", 1.0), o.step(lambda: p.sum())), ValueError, "neither hooks nor"),
        ],
    )
    def test_that_cannot_be_taken_is_refused(self, act, error, message):
        p = tg.Tensor([1.0], requires_grad=True)
        with pytest.raises(error, match=message):
            act(LBFGS([p]), p)
        assert p.data[0] == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"history": 0}, ValueError, "history must be a positive integer, got 0"),
        ({"history": 2.5}, TypeError, "history must be a positive integer, got 2.5"),
        ({"history": True}, TypeError, "history must be a positive integer"),
        ({"c1": 0.0}, ValueError, r"c1 must be a number in \(0, 0.5\), got 0.0"),
        ({"c2": 1.0}, ValueError, r"c2 must be a number in \(0, 1\), got 1.0"),
        ({"c1": 0.4, "c2": 0.3}, ValueError, "c1 must be below c2, got c1=0.4, c2=0.3"),
        ({"weight_decay": 0.1}, ValueError, "LBFGS takes neither hooks nor weight_decay.*; give l2"),
        ({"hooks": [print]}, ValueError, "LBFGS takes neither hooks nor weight_decay"),
        ({"momentum": 0.9}, TypeError, "LBFGS does not take momentum; it takes lr, c1, c2"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        LBFGS([tg.Tensor([1.0], requires_grad=True)], **settings)


def test_groups_are_refused():
    p, q = (tg.Tensor([1.0], requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="takes one group, got 2"):
        LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="takes one group, got 2"):
        LBFGS([p, q], groups={"0": {"l2": 0.1}})


class TestState:
    def trained(self):
        p = tg.Tensor([-1.2, 1.0], requires_grad=True)
        optimizer = LBFGS([("p", p)], history=3)
        for _ in range(5):
            optimizer.step(lambda: rosenbrock(p))
        return p, optimizer

    def test_holds_the_pairs_by_name(self):
        _, optimizer = self.trained()
        pairs = optimizer.state_dict()["pairs"]
        assert list(pairs) == ["0", "1", "2"]
        assert {name: a.shape for name, a in pairs["0"]["s"].items()} == {"p": (2,)}

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            ({"0": {"s": {"p": np.zeros(2)}}}, "y is missing"),
            (
                {"0": {"s": {"p": np.zeros(2)}, "y": {"p": np.zeros(3)}}},
                r"y of pair 0 .* p has shape \(3,\), expected \(2,\)",
            ),
            ({"0": {"s": {"q": np.zeros(2)}, "y": {"p": np.zeros(2)}}}, "p is missing; q is unexpected"),
            (5, "pairs must be a dictionary, got int"),
        ],
    )
    def test_that_does_not_fit_changes_nothing(self, pairs, message):
        _, optimizer = self.trained()
        before = repr(optimizer.state_dict())
        with pytest.raises((TypeError, ValueError), match=message):
            optimizer.load_state_dict({**optimizer.state_dict(), "pairs": pairs})
        assert repr(optimizer.state_dict()) == before

    def test_of_another_optimizer_is_refused(self):
        p, optimizer = self.trained()
        with pytest.raises(ValueError, match="pairs is missing"):
            optimizer.load_state_dict(SGD([("p", p)]).state_dict())
