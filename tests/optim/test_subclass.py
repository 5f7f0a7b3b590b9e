"""An optimizer of one's own: the states' names and one in-place update."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import Optimizer


class Nesterov(Optimizer):
    """v ← μ·v − η·g; p ← p + μ·v − η·g."""

    states = ("velocity",)

    def update(self, t, p, g, velocity, *, lr, momentum):
        velocity *= momentum
        velocity -= lr * g
        p += momentum * velocity - lr * g


class RMSprop(Optimizer):
    """s ← ρ·s + (1 − ρ)·g²; p ← p − η·g / (√s + ε), with a hyperparameter that no built-in optimizer has."""

    states = ("square",)

    def __init__(self, params, lr=0.01, decay=0.9, eps=1e-8):
        super().__init__(params, lr=lr, decay=decay, eps=eps)

    def update(self, t, p, g, square, *, lr, decay, eps):
        square *= decay
        square += (1 - decay) * g * g
        p -= lr * g / (np.sqrt(square) + eps)


def steps(optimizer, p, gradients):
    path = []
    for g in gradients:
        p.grad = np.array(g)
        optimizer.step()
        path.append(p.data.tolist())
    return path


def test_with_known_hyperparameters_needs_no_constructor():
    p = tg.Tensor([0.0], requires_grad=True)
    optimizer = Nesterov([p], lr=1.0, momentum=0.5)
    assert steps(optimizer, p, [[1.0], [1.0]]) == [[-1.5], [-3.25]]


def test_takes_groups_first_states_and_changes_of_rate():
    p = tg.Tensor([0.0], requires_grad=True)
    optimizer = Nesterov([{"params": [p], "velocity": [[2.0]], "momentum": 0.5}], lr=1.0, momentum=0.0)
    optimizer.lr = 0.5
    assert steps(optimizer, p, [[1.0]]) == [[-0.25]]  # v = 1 − 0.5; p = 0.25 − 0.5


def test_may_have_hyperparameters_of_its_own():
    p = tg.Tensor([0.0, 0.0], requires_grad=True)
    optimizer = RMSprop([p], lr=0.1, decay=0.75)
    path = steps(optimizer, p, [[2.0, -4.0]])
    np.testing.assert_allclose(path, [[-0.2, 0.2]], rtol=1e-7)  # √s = |g| / 2


def test_hyperparameters_of_its_own_are_attributes():
    p = tg.Tensor([0.0, 0.0], requires_grad=True)
    optimizer = RMSprop([p], lr=0.1, decay=0.5)
    assert optimizer.decay == 0.5
    optimizer.decay = 0.75
    assert optimizer.groups[0]["decay"] == 0.75
    np.testing.assert_allclose(steps(optimizer, p, [[2.0, -4.0]]), [[-0.2, 0.2]], rtol=1e-7)


class Counting(RMSprop):
    """RMSprop with attributes of its own, set before and after the rest is."""

    def __init__(self, params, **hyperparameters):
        self.name = "counting"
        super().__init__(params, **hyperparameters)
        self.calls, self.seen = 0, []

    def update(self, t, *arrays, **hyperparameters):
        self.calls += 1
        self.seen.append(t)
        self.last = hyperparameters["lr"]
        super().update(t, *arrays, **hyperparameters)


COPIERS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": partial(lambda n, x: pickle.loads(pickle.dumps(x, n)), n) for n in (2, pickle.HIGHEST_PROTOCOL)},
}


@pytest.mark.parametrize("duplicate", COPIERS.values(), ids=COPIERS)
def test_attributes_of_its_own_are_kept_and_copied(duplicate):
    p = tg.Tensor([0.0], requires_grad=True)
    optimizer = Counting([p], decay=0.5)
    steps(optimizer, p, [[1.0], [1.0]])
    twin = duplicate(optimizer)
    for o in (optimizer, twin):
        assert (o.name, o.calls, o.seen, o.last, o.decay) == ("counting", 2, [1, 2], 0.01, 0.5)


def test_with_empty_slots_is_as_strict_with_attributes_as_the_built_in_ones():
    class Strict(Optimizer):
        __slots__ = ()

    optimizer = Strict([tg.Tensor([0.0], requires_grad=True)], lr=0.1, decay=0.5)
    optimizer.decay = 0.25
    assert optimizer.groups[0]["decay"] == 0.25
    with pytest.raises(
        AttributeError,
        match=r"no attribute 'decoy'.*; the hyperparameters are lr, decay, l2, weight_decay; did you mean",
    ):
        optimizer.decoy = 0.25


@pytest.mark.parametrize("name", ["class", "two words", "lr=0, x", ""])
def test_a_hyperparameter_that_python_takes_for_no_name_is_refused(name):
    with pytest.raises(TypeError, match=f"Optimizer cannot have a hyperparameter '{name}', which Python"):
        Optimizer([tg.Tensor([0.0], requires_grad=True)], **{name: 0.5})


@pytest.mark.parametrize("name", ["step", "calls"])
def test_a_hyperparameter_named_like_an_attribute_is_refused(name):
    class Clashing(Optimizer):
        calls = 0

    with pytest.raises(TypeError, match=f"Clashing has an attribute '{name}', which would hide"):
        Clashing([tg.Tensor([0.0], requires_grad=True)], lr=0.1, **{name: 0.5})


def test_takes_what_its_update_names_and_nothing_else():
    p = [tg.Tensor([0.0], requires_grad=True)]
    with pytest.raises(TypeError, match=r"Nesterov does not take momentun; it takes lr, momentum, .* mean momentum"):
        Nesterov(p, lr=0.1, momentun=0.5)
    with pytest.raises(TypeError, match="Nesterov needs momentum: its update takes what its constructor"):
        Nesterov(p, lr=0.1)


def test_may_name_its_hyperparameters_without_a_star():
    class Plain(Optimizer):
        def update(self, t, p, g, lr, scale=2.0):
            p -= lr * scale * g

    p = tg.Tensor([0.0], requires_grad=True)
    assert steps(Plain([p], lr=0.5), p, [[1.0]]) == [[-1.0]]


def test_with_a_decay_of_its_own_is_told_to_rename_it():
    class Decaying(Optimizer):
        def update(self, t, p, g, *, lr, weight_decay):
            p -= lr * weight_decay * p

    with pytest.raises(TypeError, match=r"Decaying has an update with l2 or weight_decay, which step\(\) applies"):
        Decaying([tg.Tensor([0.0], requires_grad=True)], lr=0.1)


def test_may_work_in_scratch_and_multiply_by_constants():
    class Halving(Optimizer):
        scratch, constants = 2, ("lr",)

        def update(self, t, p, g, one, other, *, lr, power):
            assert lr.shape == ()
            assert lr.dtype == p.dtype
            assert type(power) is float
            np.multiply(g, lr, one)
            np.multiply(one, power, other)
            p -= other

    p, q = (tg.Tensor([0.0], requires_grad=True, dtype=dtype) for dtype in (np.float32, np.float64))
    optimizer = Halving([p, q], lr=0.5, power=2.0)
    optimizer.lr = 0.25
    for twin in (optimizer, copy.deepcopy(optimizer)):
        p, q = twin.groups[0].params
        q.grad = np.ones(1)
        p.grad = np.ones(1, np.float32)
        stood = p.data[0]
        twin.step()
        assert (p.data[0], q.data[0]) == (stood - 0.5, stood - 0.5)


def test_that_asks_for_a_hyperparameter_before_there_are_any_is_told_what_to_call():
    class Hasty(Optimizer):
        def __init__(self, params):
            self.half = self.lr / 2
            super().__init__(params, lr=0.1)

    with pytest.raises(AttributeError, match=r"Hasty has no groups yet; call super\(\).__init__\(params, ...\) first"):
        Hasty([tg.Tensor([0.0], requires_grad=True)])


@pytest.mark.parametrize("decay", ["0.9", True, None, float("nan")])
def test_hyperparameters_of_its_own_must_be_numbers(decay):
    p = tg.Tensor([0.0], requires_grad=True)
    with pytest.raises((TypeError, ValueError), match="decay"):
        RMSprop([p], decay=decay)


def test_without_an_update_says_what_to_define():
    class Forgotten(Optimizer):
        pass

    p = tg.Tensor([0.0], requires_grad=True)
    optimizer = Forgotten([p], lr=0.1)
    p.grad = np.ones(1)
    with pytest.raises(TypeError, match=r"Forgotten does not define update\(self, t, p, g"):
        optimizer.step()
