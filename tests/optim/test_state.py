"""The state of an optimizer: a run goes on from it bit by bit, by name, and what does not fit changes nothing."""

import copy
import json
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tinygrad_np import optim
from tinygrad_np.optim import SGD, Adam, GradientNoise, MomentumSGD, by_name, schedules
from tinygrad_np.trees import leaves_of

X = np.random.default_rng(0).normal(size=(5, 2))
each_optimizer = pytest.mark.parametrize("name", optim.OPTIMIZERS)


def network(seed=0):
    return tg.Sequential(tg.nn.Linear(2, 3, rng=seed), np.tanh, tg.nn.Linear(3, 1, rng=seed))


def train(model, optimizer, steps):
    for _ in range(steps):
        optimizer.step(lambda: np.sum((model(X) - 1) ** 2))


def give(model, other):
    """The parameters of ``other`` for ``model``."""
    for p, q in zip(model.parameters(), other.parameters()):
        p.data = q.data


def assert_alike(model, other):
    for p, q in zip(model.parameters(), other.parameters()):
        np.testing.assert_array_equal(p.data, q.data)


@each_optimizer
class TestRoundTrip:
    def test_goes_on_bit_by_bit(self, name):
        model, resumed = network(), network(seed=1)
        settings = {"lr": schedules.cosine(0.1, steps=8)}
        optimizer, fresh = by_name(name)(model, **settings), by_name(name)(resumed, **settings)
        train(model, optimizer, 3)
        train(resumed, fresh, 1)
        give(resumed, model)
        fresh.load_state_dict(optimizer.state_dict())
        assert fresh.steps == 3
        assert fresh.lr == optimizer.lr
        for m, o in ((model, optimizer), (resumed, fresh)):
            train(m, o, 3)
        assert_alike(model, resumed)

    def test_is_by_name_whatever_the_order(self, name):
        model, resumed = network(), network()
        optimizer = by_name(name)(model, lr=0.1)
        train(model, optimizer, 3)
        fresh = by_name(name)(list(resumed.named_parameters())[::-1], lr=0.5)
        give(resumed, model)
        fresh.load_state_dict(optimizer.state_dict())
        for m, o in ((model, optimizer), (resumed, fresh)):
            train(m, o, 2)
        for p, q in zip(model.parameters(), resumed.parameters()):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-9)

    def test_holds_plain_values_and_copies(self, name):
        model = network()
        optimizer = by_name(name)(model, lr=0.1)
        train(model, optimizer, 2)
        state = optimizer.state_dict()
        kept = copy.deepcopy(state)
        for path, value in leaves_of(state):
            assert type(value) in (np.ndarray, float, int, str, bool, type(None)), path
        train(model, optimizer, 1)
        for (path, value), (_, before) in zip(leaves_of(state), leaves_of(kept)):
            np.testing.assert_array_equal(value, before, err_msg=path)
        json.dumps({key: state[key] for key in ("optimizer", "step", "groups", "schedules", "hooks", "updates")})

    def test_of_another_network_lists_what_differs_and_changes_nothing(self, name):
        model, wider = (
            network(),
            tg.Sequential(tg.nn.Linear(2, 4, rng=0), np.tanh, tg.nn.Linear(4, 1, bias=False, rng=0)),
        )
        optimizer, other = by_name(name)(model, lr=0.1), by_name(name)(wider, lr=0.3)
        train(model, optimizer, 2)
        train(wider, other, 2)
        before = optimizer.state_dict()
        with pytest.raises(ValueError, match=r"2.bias is missing") as caught:
            optimizer.load_state_dict(other.state_dict())
        if optimizer.states:
            assert f"{optimizer.states[0]}.0.weight has shape (2, 4), expected (2, 3)" in str(caught.value)
        for (path, value), (_, expected) in zip(leaves_of(optimizer.state_dict()), leaves_of(before)):
            np.testing.assert_array_equal(value, expected, err_msg=path)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(data=st.data(), name=st.sampled_from([name for name in optim.OPTIMIZERS if name != "lbfgs"]))
def test_a_step_after_a_round_trip_is_bit_equal(data, name):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtypes = data.draw(st.lists(st.sampled_from([np.float32, np.float64]), min_size=1, max_size=3))
    given_gradients = data.draw(st.lists(st.sets(st.integers(0, len(dtypes) - 1)), max_size=4))
    first = [rng.normal(size=2).astype(dtype) for dtype in dtypes]
    params, others = ([tg.Tensor(a, requires_grad=True) for a in first] for _ in range(2))
    optimizer, other = (by_name(name)(ps, lr=0.1, l2=0.01, weight_decay=0.1) for ps in (params, others))
    for present in given_gradients:
        for i, p in enumerate(params):
            p.grad = rng.normal(size=2).astype(p.dtype) if i in present else None
        optimizer.step()
    for p, q in zip(params, others):
        q.data = p.data
    other.load_state_dict(optimizer.state_dict())
    for p, q in zip(params, others):
        p.grad = rng.normal(size=2).astype(p.dtype)
        q.grad = p.grad.copy()
    optimizer.step()
    other.step()
    for p, q in zip(params, others):
        np.testing.assert_array_equal(p.data, q.data)


def adam(**settings):
    return Adam([("a", tg.Tensor([1.0], requires_grad=True)), ("b", tg.Tensor(2.0, requires_grad=True))], **settings)


def changed(path, value):
    """The state of an Adam with another ``value`` at ``path``; without it if that is None."""
    state = adam().state_dict()
    *parents, last = path
    inner = state
    for key in parents:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return state


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([], TypeError, "must be a dictionary, got list"),
        ({}, ValueError, "optimizer is missing; step is missing"),
        (
            SGD([tg.Tensor([1.0], requires_grad=True)]).state_dict(),
            ValueError,
            "the state is of SGD, and the optimizer",
        ),
        (adam(groups={"a": {}}).state_dict(), ValueError, "groups.1 is unexpected"),
        (adam(lr=lambda step: 0.1).state_dict(), ValueError, "schedules.0.lr is unexpected"),
        (adam(hooks=[print]).state_dict(), ValueError, "hooks.0 is unexpected"),
        (changed(["step"], -1), ValueError, "step is -1, expected an integer of at least 0"),
        (changed(["step"], 1.5), ValueError, "step is 1.5, expected an integer"),
        (changed(["updates", "a"], True), ValueError, "updates.a is True, expected an integer"),
        (changed(["updates", "a"], None), ValueError, "updates.a is missing"),
        (
            changed(["groups", 0, "lr"], float("nan")),
            ValueError,
            "lr must be a finite .* got nan in group 0 of the state",
        ),
        (changed(["groups", 0, "lr"], "x"), TypeError, "lr must be a finite number of at least 0, got 'x'"),
        (changed(["groups", 0, "eps"], None), ValueError, "groups.0.eps is missing"),
        (changed(["groups", 0], 5), TypeError, "the state's groups.0 must be a dictionary, got int"),
        (changed(["groups"], 5), TypeError, "the state's groups must be a list"),
        (changed(["states"], 5), TypeError, "the state's states must be a dictionary"),
        (changed(["groups", 0, "params"], ["a"]), ValueError, "its group 0 has the parameters a, expected a, b"),
        (changed(["states", "m", "a"], np.zeros(2)), ValueError, r"states.m.a has shape \(2,\), expected \(1,\)"),
        (changed(["states", "m", "a"], [0.0]), ValueError, "states.m.a is no array but list"),
        (changed(["states", "v", "b"], None), ValueError, "states.v.b is missing"),
        (changed(["states", "v"], None), ValueError, "states.v is missing"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_what_is_wrong(state, error, message):
    optimizer = adam(lr=0.25)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert (optimizer.lr, optimizer.steps) == (0.25, 0)


def test_a_state_that_fails_halfway_is_taken_back():
    def made(rate):
        hooks = [GradientNoise(rng=1), GradientNoise(rng=2)]
        p = tg.Tensor([1.0], requires_grad=True)
        return MomentumSGD([p], lr=rate, hooks=hooks), p

    (optimizer, p), (other, _) = made(0.1), made(0.2)
    p.grad = np.ones(1)
    optimizer.step()
    before, state = optimizer.state_dict(), other.state_dict()
    state["hooks"]["1"]["rng"] = {}
    with pytest.raises(ValueError, match="the state is of None where the generator is PCG64"):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == repr(before)


def test_a_resumed_run_draws_the_same_noise_and_waits_on_the_same_plateau():
    def made():
        model = network()
        schedule = schedules.warm_up(schedules.plateau(0.1, factor=0.5, patience=1), steps=2)
        noise = GradientNoise(variance=0.1, rng=3)
        return model, SGD(model, lr=schedule, hooks=[noise])

    def run(model, optimizer, losses):
        for loss in losses:
            train(model, optimizer, 1)
            optimizer.observe(loss)

    losses = [3.0, 3.0, 2.0, 2.0, 2.0, 2.0]
    whole, optimizer = made()
    run(whole, optimizer, losses)
    model, half = made()
    run(model, half, losses[:3])
    resumed, fresh = made()
    give(resumed, model)
    fresh.load_state_dict(half.state_dict())
    run(resumed, fresh, losses[3:])
    assert_alike(whole, resumed)
    assert fresh.lr == optimizer.lr == 0.05


COPIERS = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": partial(lambda n, x: pickle.loads(pickle.dumps(x, n)), n) for n in (2, pickle.HIGHEST_PROTOCOL)},
}


@each_optimizer
@pytest.mark.parametrize("duplicate", COPIERS.values(), ids=COPIERS)
def test_a_copy_of_model_and_optimizer_goes_on_as_the_first(duplicate, name):
    p = tg.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = by_name(name)([p], lr=schedules.exponential(0.1, 0.5))

    def step(optimizer):
        (q,) = optimizer.groups[0].params
        optimizer.step(lambda: np.sum((q - 3) ** 4))
        return q.data.tolist()

    step(optimizer)
    twin = duplicate(optimizer)
    assert twin.steps == 1
    assert step(twin) == step(optimizer)
    assert step(twin) == step(optimizer)
