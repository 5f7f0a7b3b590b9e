"""Each optimizer against its written-out recurrence, and the few numbers that can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tinygrad_np.optim import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    CorrectedMomentumSGD,
    Lion,
    MomentumSGD,
    NAdam,
    NesterovAG,
    RMSprop,
    adaptive,
)

# -- the recurrences, for one parameter and one number at a time ----------------------------------


def sgd(p, gs, lrs):
    for g, lr in zip(gs, lrs):
        p = p - lr * g
    return p


def momentum_sgd(p, gs, lrs, momentum=0.9, velocity=0.0):
    v = velocity
    for g, lr in zip(gs, lrs):
        v = momentum * v - lr * g
        p = p + v
    return p


def adam(p, gs, lrs, beta1=0.9, beta2=0.999, eps=1e-8):
    m = v = 0.0
    for t, (g, lr) in enumerate(zip(gs, lrs), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return p


def corrected_momentum_sgd(p, gs, lrs, momentum=0.9):
    v = 0.0
    for g, lr in zip(gs, lrs):
        v = momentum * v + g
        p = p - lr * v
    return p


def nesterov_ag(p, gs, lrs, momentum=0.9):
    v = 0.0
    for g, lr in zip(gs, lrs):
        v = momentum * v - lr * g
        p = p + momentum * v - lr * g
    return p


def lion(p, gs, lrs, beta1=0.9, beta2=0.99):
    m = 0.0
    for g, lr in zip(gs, lrs):
        c = beta1 * m + (1 - beta1) * g
        p = p - lr * ((c > 0) - (c < 0))
        m = beta2 * m + (1 - beta2) * g
    return p


def adagrad(p, gs, lrs, eps=1e-10):
    s = 0.0
    for g, lr in zip(gs, lrs):
        s = s + g**2
        p = p - lr * g / (math.sqrt(s) + eps)
    return p


def adadelta(p, gs, lrs, rho=0.9, eps=1e-6):
    s = u = 0.0
    for g, lr in zip(gs, lrs):
        s = rho * s + (1 - rho) * g**2
        d = g * math.sqrt(u + eps) / math.sqrt(s + eps)
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d
    return p


def rmsprop(p, gs, lrs, rho=0.99, eps=1e-8):
    s = 0.0
    for g, lr in zip(gs, lrs):
        s = rho * s + (1 - rho) * g**2
        p = p - lr * g / (math.sqrt(s) + eps)
    return p


def adamw(p, gs, lrs, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    m = v = 0.0
    for t, (g, lr) in enumerate(zip(gs, lrs), start=1):
        p = p - lr * weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return p


def amsgrad(p, gs, lrs, beta1=0.9, beta2=0.999, eps=1e-8):
    m = v = u = 0.0
    for t, (g, lr) in enumerate(zip(gs, lrs), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        u = max(u, v)
        p = p - lr * (m / (1 - beta1**t)) / (math.sqrt(u / (1 - beta2**t)) + eps)
    return p


def nadam(p, gs, lrs, beta1=0.9, beta2=0.999, eps=1e-8, warming=0.004):
    m, v, product = 0.0, 0.0, 1.0
    for t, (g, lr) in enumerate(zip(gs, lrs), start=1):
        now, after = (beta1 * (1 - 0.5 * 0.96 ** (i * warming)) for i in (t, t + 1))
        product = product * now
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        ahead = (1 - now) * g / (1 - product) + after * m / (1 - product * after)
        p = p - lr * ahead / (math.sqrt(v / (1 - beta2**t)) + eps)
    return p


def elementwise(recurrence, p, gs, lrs, **hyperparameters):
    """``recurrence`` on each element of the array ``p``, with the arrays ``gs`` as its gradients."""
    q = np.empty(p.shape)
    for index in np.ndindex(p.shape):
        q[index] = recurrence(float(p[index]), [float(g[index]) for g in gs], lrs, **hyperparameters)
    return q


RECURRENCES = {
    SGD: (sgd, {}),
    MomentumSGD: (momentum_sgd, {"momentum": 0.5}),
    CorrectedMomentumSGD: (corrected_momentum_sgd, {"momentum": 0.5}),
    NesterovAG: (nesterov_ag, {"momentum": 0.5}),
    Lion: (lion, {"beta1": 0.6, "beta2": 0.8}),
    AdaGrad: (adagrad, {"eps": 1e-3}),
    AdaDelta: (adadelta, {"rho": 0.7, "eps": 1e-3}),
    RMSprop: (rmsprop, {"rho": 0.7, "eps": 1e-3}),
    Adam: (adam, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3}),
    AdamW: (adamw, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.5}),
    AMSGrad: (amsgrad, {"beta1": 0.8, "beta2": 0.5, "eps": 1e-3}),
    NAdam: (nadam, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "warming": 0.1}),
}
METHODS = {f"{optimizer.__name__}": (optimizer, *rest) for optimizer, rest in RECURRENCES.items()}
METHODS |= {f"{optimizer.__name__} by default": (optimizer, f, {}) for optimizer, (f, _) in RECURRENCES.items()}
HYPERPARAMETERS = [
    (SGD, "lr"),
    (MomentumSGD, "lr"),
    (MomentumSGD, "momentum"),
    *((Adam, name) for name in ("lr", "beta1", "beta2", "eps")),
]
each_method = pytest.mark.parametrize(("optimizer", "recurrence", "hyperparameters"), METHODS.values(), ids=METHODS)
SHAPES = [(3,), (), (2, 3), (0,), (1, 1, 2)]


def parameters(rng, shapes=SHAPES, dtype=np.float64):
    return [tg.Tensor(rng.normal(size=shape), requires_grad=True, dtype=dtype) for shape in shapes]


def train(params, optimizer, gradients, lrs):
    """Step once for each list of gradients and each learning rate."""
    for gs, lr in zip(gradients, lrs):
        for p, g in zip(params, gs):
            p.grad = np.array(g, p.dtype)
        optimizer.lr = lr
        optimizer.step()


class TestRecurrence:
    @each_method
    def test_holds_for_parameters_of_any_shape_while_the_rate_changes(self, optimizer, recurrence, hyperparameters):
        rng, lrs = np.random.default_rng(0), [0.1] * 4 + [0.02] * 4
        params = parameters(rng)
        first = [p.data.copy() for p in params]
        gradients = [[rng.normal(size=shape) for shape in SHAPES] for _ in lrs]
        train(params, optimizer(params, lr=0.1, **hyperparameters), gradients, lrs)
        for i, p in enumerate(params):
            expected = elementwise(recurrence, first[i], [gs[i] for gs in gradients], lrs, **hyperparameters)
            np.testing.assert_allclose(p.data, expected, rtol=1e-12)

    @each_method
    def test_holds_for_gradients_of_a_real_loss(self, optimizer, recurrence, hyperparameters):
        p = tg.Tensor([3.0, -2.0], requires_grad=True)
        first, seen = p.data.copy(), []
        steps = optimizer([p], lr=0.1, **hyperparameters)
        for lr in [0.1, 0.1, 0.05, 0.05]:
            steps.groups[0]["lr"] = lr
            steps.zero_grad()
            (p**2 / 2).sum().backward()
            seen.append(p.grad.copy())
            np.testing.assert_array_equal(p.grad, p.data)
            steps.step()
        expected = elementwise(recurrence, first, seen, [0.1, 0.1, 0.05, 0.05], **hyperparameters)
        np.testing.assert_allclose(p.data, expected, rtol=1e-12)

    @settings(derandomize=True, deadline=None, max_examples=60)
    @given(data=st.data(), momentum=st.floats(0, 0.99), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
    def test_holds_for_any_gradients_and_hyperparameters(self, data, momentum, beta1, beta2):
        number = st.floats(-100, 100, allow_subnormal=False)
        gs = data.draw(st.lists(number, min_size=1, max_size=6))
        lrs = data.draw(st.lists(st.floats(0, 1), min_size=len(gs), max_size=len(gs)))
        first = data.draw(number)
        for optimizer, recurrence, hyperparameters in [
            (SGD, sgd, {}),
            (MomentumSGD, momentum_sgd, {"momentum": momentum}),
            (CorrectedMomentumSGD, corrected_momentum_sgd, {"momentum": momentum}),
            (NesterovAG, nesterov_ag, {"momentum": momentum}),
            (NAdam, nadam, {"beta1": beta1, "beta2": beta2}),
            (AMSGrad, amsgrad, {"beta1": beta1, "beta2": beta2}),
            (Adam, adam, {"beta1": beta1, "beta2": beta2}),
        ]:
            p = tg.Tensor(first, requires_grad=True)
            train([p], optimizer([p], **hyperparameters), [[g] for g in gs], lrs)
            assert math.isclose(p.item(), recurrence(first, gs, lrs, **hyperparameters), rel_tol=1e-9, abs_tol=1e-9)

    @each_method
    def test_a_rate_of_0_moves_nothing(self, optimizer, recurrence, hyperparameters):
        p = tg.Tensor([1.0, -2.0], requires_grad=True)
        train([p], optimizer([p], **hyperparameters), [[[3.0, 4.0]]] * 3, [0, 0, 0])
        np.testing.assert_array_equal(p.data, [1, -2])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @each_method
    def test_gradients_of_0_move_nothing(self, dtype, optimizer, recurrence, hyperparameters):
        p = tg.Tensor([1.0, -2.0], requires_grad=True, dtype=dtype)
        hyperparameters = {**hyperparameters, "weight_decay": 0.0}
        train([p], optimizer([p], **hyperparameters), [[[0.0, 0.0]]] * 3, [0.1] * 3)
        np.testing.assert_array_equal(p.data, [1, -2])


class TestByHand:
    def test_sgd(self):
        p = tg.Tensor([1.0, -2.0], requires_grad=True)
        train([p], SGD([p]), [[[2.0, 4.0]], [[-1.0, 0.0]]], [0.5, 0.25])
        np.testing.assert_array_equal(p.data, [1 - 1 + 0.25, -2 - 2])

    def test_momentum_sgd_with_a_first_velocity(self):
        p = tg.Tensor([1.0], requires_grad=True)
        optimizer = MomentumSGD([p], momentum=0.5, velocity=[[2.0]])
        train([p], optimizer, [[[1.0]], [[-1.0]]], [0.5, 0.25])  # v = 1 − 0.5, then 0.25 + 0.25
        np.testing.assert_array_equal(p.data, [1 + 0.5 + 0.5])

    def test_the_first_step_of_adam_is_the_rate_whatever_the_size_of_the_gradient(self):
        p = tg.Tensor([0.0, 0.0, 0.0], requires_grad=True)
        train([p], Adam([p]), [[[1e-3, -1.0, 1e3]]], [0.1])
        np.testing.assert_allclose(p.data, [-0.1, 0.1, -0.1], rtol=2e-5)

    def test_the_second_step_of_adam(self):
        p = tg.Tensor([0.0], requires_grad=True)
        train([p], Adam([p]), [[[1.0]], [[-1.0]]], [0.1, 0.1])  # m̂ = −0.01 / 0.19 and v̂ = 1
        np.testing.assert_allclose(p.data, [-0.1 + 0.1 / 19], rtol=1e-7)

    def test_default_hyperparameters_are_those_of_the_papers(self):
        p = [tg.Tensor([0.0], requires_grad=True)]
        neither = {"l2": 0, "weight_decay": 0}
        assert dict(SGD(p).groups[0]) == {"lr": 0.01, **neither}
        assert dict(MomentumSGD(p).groups[0]) == {"lr": 0.01, "momentum": 0.9, **neither}
        assert dict(Adam(p).groups[0]) == {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, **neither}


class TestFormOfMomentum:
    """v ← μ·v − η·g; p ← p + v keeps the rate of each gradient; v ← μ·v + g; p ← p − η·v applies today's to all."""

    @pytest.mark.parametrize(
        ("lrs", "here", "with_the_rate_outside"),
        [([1, 1], -2.5, -2.5), ([1, 0.5], -2.0, -1.75)],
        ids=["constant rate", "halved rate"],
    )
    def test_differs_from_the_other_once_the_rate_changes(self, lrs, here, with_the_rate_outside):
        p = tg.Tensor([0.0], requires_grad=True)
        train([p], MomentumSGD([p], momentum=0.5), [[[1.0]], [[1.0]]], lrs)
        other = v = 0.0
        for lr in lrs:
            v = 0.5 * v + 1.0
            other -= lr * v
        assert (p.data[0], other) == (here, with_the_rate_outside)


class TestGroups:
    def test_each_has_its_own_hyperparameters(self):
        rng, lrs = np.random.default_rng(1), [0.1] * 3
        weights, biases = parameters(rng, [(2, 3), (3, 2)]), parameters(rng, [(3,), (2,)])
        groups = [{"params": weights, "momentum": 0.5}, {"params": biases, "lr": 0.2}]
        optimizer = MomentumSGD(groups, lr=0.1, momentum=0.0)
        assert [(g["lr"], g["momentum"]) for g in optimizer.groups] == [(0.1, 0.5), (0.2, 0.0)]
        first = [p.data.copy() for p in weights + biases]
        gradients = [rng.normal(size=p.shape) for p in weights + biases]
        for _ in lrs:
            for p, g in zip(weights + biases, gradients):
                p.grad = g
            optimizer.step()
        for i, (lr, momentum) in enumerate([(0.1, 0.5), (0.1, 0.5), (0.2, 0.0), (0.2, 0.0)]):
            gs = [gradients[i]] * 3
            expected = elementwise(momentum_sgd, first[i], gs, [lr] * 3, momentum=momentum)
            np.testing.assert_allclose((weights + biases)[i].data, expected, rtol=1e-12)

    @pytest.mark.parametrize(("optimizer", "name"), HYPERPARAMETERS)
    def test_an_attribute_reads_the_first_ones_hyperparameter_and_sets_all(self, optimizer, name):
        a, b = parameters(np.random.default_rng(0), [(1,), (1,)])
        steps = optimizer([{"params": [a], name: 0.1}, {"params": [b], name: 0.2}])
        assert getattr(steps, name) == 0.1
        steps.groups[1][name] = 0.3
        assert [group[name] for group in steps.groups] == [0.1, 0.3]
        setattr(steps, name, 0.5)
        assert [group[name] for group in steps.groups] == [0.5, 0.5]
        assert getattr(steps, name) == 0.5

    def test_an_attribute_takes_effect_at_the_next_step(self):
        p = tg.Tensor([0.0], requires_grad=True)
        optimizer = MomentumSGD([p], lr=1.0, momentum=0.5)
        train([p], optimizer, [[[1.0]]], [1.0])
        optimizer.momentum = 0.25
        train([p], optimizer, [[[0.0]]], [1.0])
        assert p.data[0] == -1 - 0.25

    @pytest.mark.parametrize(("optimizer", "name"), HYPERPARAMETERS)
    def test_hyperparameters_are_listed_among_the_attributes(self, optimizer, name):
        assert {name, "step", "groups"} <= set(dir(optimizer(parameters(np.random.default_rng(0)))))

    def test_given_dictionaries_are_not_changed(self):
        group = {"params": parameters(np.random.default_rng(0)), "lr": 0.1}
        kept = dict(group)
        SGD([group]).lr = 0.5
        assert group == kept


class TestFirstVelocity:
    @pytest.mark.parametrize(
        "velocity", [[[1.0, 2.0], 3.0], (np.array([1, 2]), np.float32(3))], ids=["lists", "arrays"]
    )
    def test_is_taken_in_the_order_of_the_parameters(self, velocity):
        a, b = tg.Tensor([0.0, 0.0], requires_grad=True), tg.Tensor(0.0, requires_grad=True)
        train([a, b], MomentumSGD([a, b], momentum=0.5, velocity=velocity), [[[0.0, 0.0], 0.0]], [0.1])
        np.testing.assert_array_equal(a.data, [0.5, 1.0])
        np.testing.assert_array_equal(b.data, 1.5)

    def test_is_given_for_each_group_or_left_at_0(self):
        a, b = tg.Tensor([0.0], requires_grad=True), tg.Tensor([0.0], requires_grad=True)
        optimizer = MomentumSGD([{"params": [a], "velocity": [[4.0]]}, {"params": [b]}], momentum=0.5)
        train([a, b], optimizer, [[[0.0], [0.0]]], [0.1])
        assert (a.data[0], b.data[0]) == (2.0, 0.0)

    def test_is_copied_so_that_the_array_given_stays_as_it_is(self):
        p, velocity = tg.Tensor([0.0], requires_grad=True), np.array([1.0])
        train([p], MomentumSGD([p], velocity=[velocity]), [[[1.0]]] * 2, [0.1] * 2)
        np.testing.assert_array_equal(velocity, [1.0])


class TestDecay:
    """A penalty goes through the optimizer with the gradient; decoupled decay shrinks the weights before it."""

    @each_method
    def test_by_l2_adds_to_the_gradient(self, optimizer, recurrence, hyperparameters):
        rng, lrs, l2 = np.random.default_rng(3), [0.1, 0.1, 0.05, 0.05], 0.3
        plain, penalised = parameters(rng, [(2, 2), (3,)]), parameters(np.random.default_rng(3), [(2, 2), (3,)])
        one, other = optimizer(plain, **hyperparameters), optimizer(penalised, l2=l2, **hyperparameters)
        for lr in lrs:
            gradients = [rng.normal(size=p.shape) for p in plain]
            train(plain, one, [[g + l2 * p.data for g, p in zip(gradients, plain)]], [lr])
            train(penalised, other, [gradients], [lr])
        for p, q in zip(plain, penalised):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-12)

    @each_method
    def test_by_weight_decay_shrinks_the_parameters_by_the_rate_times_it(self, optimizer, recurrence, hyperparameters):
        rng, lrs = np.random.default_rng(4), [0.1, 0.1, 0.05]
        plain, decayed = parameters(rng, [(2, 2), (3,)]), parameters(np.random.default_rng(4), [(2, 2), (3,)])
        hyperparameters = {**hyperparameters, "weight_decay": 0.0}
        one, other = optimizer(plain, **hyperparameters), optimizer(decayed, **{**hyperparameters, "weight_decay": 0.5})
        for lr in lrs:
            gradients = [rng.normal(size=p.shape) for p in plain]
            for p in plain:
                p.data = p.data * (1 - lr * 0.5)
            train(plain, one, [gradients], [lr])
            train(decayed, other, [gradients], [lr])
        for p, q in zip(plain, decayed):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-12)

    def test_leaves_a_parameter_without_a_gradient_alone(self):
        p, q = tg.Tensor([1.0], requires_grad=True), tg.Tensor([1.0], requires_grad=True)
        optimizer = SGD([p, q], lr=0.5, l2=0.1, weight_decay=0.1)
        p.grad = np.zeros(1)
        optimizer.step()
        assert (p.data[0], q.data[0]) == (0.95 - 0.05, 1.0)


@pytest.mark.parametrize("t", [1, 10, 300, 5000])
def test_nadams_momentum_is_multiplied_out_as_far_as_it_shows(t):
    product, now, after = adaptive._nadam_momentum(t, 0.9, 0.004)
    numbers = 0.9 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, t + 2)))
    np.testing.assert_allclose([1 - product, now, after], [1 - np.prod(numbers[:-1]), *numbers[-2:]], rtol=1e-15)
    assert adaptive._nadam_recorded(t, 0.9, 0.004) == (product, now, after)  # as a compiled step has them


def test_nadams_momentum_is_not_multiplied_out_anew_at_each_step():
    adaptive._nadam_products.cache_clear()
    p = tg.Tensor([1.0], requires_grad=True)
    train([p], NAdam([p], beta1=0.91), [[[1.0]]] * 300, [0.1] * 300)
    assert adaptive._nadam_products.cache_info().misses == 9  # of 2, 4, 8 ... 512 factors
