"""Parameters by name: models, pairs and positions; groups by patterns; optimizers by their own names."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tinygrad_np import optim
from tinygrad_np.optim import SGD, Adam, MomentumSGD, by_name


def leaf(*values):
    return tg.Tensor(values or [1.0, 2.0], requires_grad=True)


def network():
    return tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 1, rng=1))


NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


def names(optimizer):
    return [name for name, _ in optimizer.named_parameters()]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (lambda model: model, NAMES),
        (lambda model: model.named_parameters(), NAMES),
        (lambda model: list(model.named_parameters()), NAMES),
        (lambda model: model.parameters(), list("0123")),
        (lambda model: [{"params": model[0]}, {"params": model[2].parameters()}], ["weight", "bias", "2", "3"]),
        (lambda model: SGD(model), NAMES),
    ],
    ids=["model", "generator of pairs", "list of pairs", "tensors", "groups", "optimizer"],
)
def test_parameters_have_the_names_of_the_model_or_their_positions(params, expected):
    model = network()
    optimizer = SGD(params(model))
    assert names(optimizer) == expected
    assert [p for _, p in optimizer.named_parameters()] == model.parameters()


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (lambda: [("a", leaf()), leaf()], TypeError, "all Tensors or all .name, Tensor. pairs"),
        (lambda: [("a", leaf()), ("a", leaf())], ValueError, "two parameters are named 'a'; give"),
        (lambda: [{"params": network()[0]}, {"params": network()[2]}], ValueError, "two parameters are named 'weight'"),
        (lambda: [("a", 1.0)], TypeError, "params must be Tensors, got float"),
        (lambda: SimpleNamespace(named_parameters=lambda: [("a", 1.0)]), TypeError, "must be Tensors, got float"),
        (lambda: tg.nn.Linear, TypeError, "params must be a list of Tensors or of groups, got type; pass a model"),
        (lambda: tg.nn.Tanh(), ValueError, "empty parameter list"),
        (lambda: [("a", tg.Tensor([1.0]))], TypeError, "of shape .1,., a, is not a leaf that requires a gradient"),
    ],
)
def test_parameters_that_cannot_be_named_or_trained_are_refused(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params())


class TestPatterns:
    def test_make_groups_and_the_first_that_fits_counts(self):
        optimizer = Adam(network(), groups={"2.*": {"lr": 0.5}, "*.bias": {"l2": 0.25, "beta1": 0.5}}, lr=0.125)
        assert [(g["lr"], g["l2"], g["beta1"]) for g in optimizer.groups] == [
            (0.125, 0, 0.9),
            (0.5, 0, 0.9),
            (0.125, 0.25, 0.5),
        ]
        assert names(optimizer) == ["0.weight", "2.weight", "2.bias", "0.bias"]
        assert optimizer.lr == 0.125

    def test_that_leave_nothing_over_make_no_empty_group(self):
        assert len(SGD(network(), groups={"0.*": {}, "*": {"lr": 0.5}}).groups) == 2

    def test_may_give_first_states(self):
        p, q = leaf(0.0), leaf(0.0)
        optimizer = MomentumSGD([("p", p), ("q", q)], momentum=0.5, groups={"q": {"velocity": [[4.0]]}})
        p.grad, q.grad = np.zeros(1), np.zeros(1)
        optimizer.step()
        assert (p.data[0], q.data[0]) == (0, 2)

    @pytest.mark.parametrize(
        ("groups", "error", "message"),
        [
            ({"*.bais": {}}, ValueError, r"'\*.bais' fits no parameter; there are 0.weight, .*; did you mean .*bias"),
            ({"0.*": {}, "0.bias": {}}, ValueError, "'0.bias' fits only what an earlier pattern fits"),
            ({"*": {"lrr": 0.1}}, TypeError, "SGD does not take lrr in a group; it takes lr, .* mean lr"),
            ({"*": {"params": []}}, TypeError, "SGD does not take params in a group"),
            ({"*": {"lr": -1}}, ValueError, "lr must be a finite number of at least 0, got -1"),
            ({"*": 0.1}, TypeError, r"groups\['\*'\] must be a dictionary, as in"),
            ({0: {}}, TypeError, "a pattern must be a text .* got 0"),
            (["*"], TypeError, r"groups must be a dictionary, got \['\*'\]"),
        ],
    )
    def test_that_cannot_be_used_are_refused(self, groups, error, message):
        with pytest.raises(error, match=message):
            SGD(network(), groups=groups)

    def test_do_not_go_with_groups_that_are_made_already(self):
        with pytest.raises(TypeError, match="groups= is for one list of parameters"):
            SGD([{"params": network()}], groups={"*": {}})

    @settings(derandomize=True, deadline=None, max_examples=30)
    @given(
        name=st.sampled_from([name for name in optim.OPTIMIZERS if name != "lbfgs"]),
        members=st.lists(st.integers(0, 2), min_size=1, max_size=6),
        rates=st.lists(st.floats(0, 1), min_size=3, max_size=3),
        decay=st.sampled_from([{}, {"l2": 0.1}, {"weight_decay": 0.1}]),
    )
    def test_train_as_separate_optimizers_would(self, name, members, rates, decay):
        kind = by_name(name)
        rng = np.random.default_rng(len(members))
        shapes = [tuple(rng.integers(0, 3, size=rng.integers(0, 3))) for _ in members]
        together, apart = ([tg.Tensor(np.ones(s), requires_grad=True) for s in shapes] for _ in range(2))
        pairs = [(f"{group}.{i}", p) for i, (group, p) in enumerate(zip(members, together))]
        present = sorted(set(members))
        one = kind(pairs, groups={f"{g}.*": {"lr": rates[g]} for g in present}, **decay)
        many = [kind([p for p, m in zip(apart, members) if m == g], lr=rates[g], **decay) for g in present]
        for _ in range(3):
            for p, q in zip(together, apart):
                p.grad = rng.normal(size=p.shape)
                q.grad = p.grad.copy()
            for optimizer in (one, *many):
                optimizer.step()
        for p, q in zip(together, apart):
            np.testing.assert_array_equal(p.data, q.data)


class TestByName:
    @pytest.mark.parametrize("name", optim.OPTIMIZERS)
    def test_gives_every_optimizer_with_one_shape_of_constructor(self, name):
        optimizer = by_name(name)(network(), lr=0.125)
        assert optimizer.lr == 0.125
        assert type(optimizer).__name__ == optim.OPTIMIZERS[name]

    def test_leaves_none_out(self):
        classes = [x for x in map(partial(getattr, optim), optim.__all__) if isinstance(x, type)]
        names = {c.__name__ for c in classes if issubclass(c, optim.Optimizer)}
        assert set(optim.OPTIMIZERS.values()) == names - {"Optimizer"}

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("Adam", "adam"),
            ("momentun", "momentum"),
            ("LBFGS", "lbfgs"),
            ("rms_prop", "rmsprop"),
            ("nestrov", "nesterov"),
        ],
    )
    def test_names_the_nearest_of_one_that_does_not_exist(self, name, nearest):
        with pytest.raises(ValueError, match=f"no optimizer '{name}', did you mean '{nearest}'"):
            by_name(name)

    def test_of_no_text_is_refused(self):
        with pytest.raises(TypeError, match="name of the optimizer must be a string, got 3"):
            by_name(3)


def test_every_public_name_exists_and_is_documented():
    assert all((getattr(optim, name).__doc__ or "").strip() for name in optim.__all__)
    assert set(optim.__all__) <= set(dir(optim))
    with pytest.raises(AttributeError, match="no attribute 'Addam'"):
        _ = optim.Addam


@pytest.mark.parametrize("name", [name for name in optim.OPTIMIZERS if name != "lbfgs"])
def test_a_loss_can_be_given_to_the_step_of_any_optimizer(name):
    p, q = leaf(3.0, -2.0), leaf(3.0, -2.0)
    by_hand, by_closure = by_name(name)([p], lr=0.1), by_name(name)([q], lr=0.1)
    for _ in range(2):
        by_hand.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        by_hand.step()
        assert by_closure.step(lambda: (q * q).sum()).item() == loss.item()
        np.testing.assert_array_equal(p.data, q.data)


@pytest.mark.parametrize("name", ["sgd", "lbfgs"])
def test_a_loss_in_the_place_of_its_function_is_refused(name):
    p = leaf(1.0)
    with pytest.raises(TypeError, match=r"a function that computes the loss, got Tensor.*; after loss.backward\(\), "):
        by_name(name)([p]).step((p * p).sum())
    assert p.data[0] == 1


def test_a_closure_returns_the_loss_itself():
    p = leaf(1.0)
    with pytest.raises(TypeError, match=r"must return the loss as a Tensor, got None; step\(\) calls its backward"):
        SGD([p]).step(lambda: (p * p).sum().backward())
    assert p.data[0] == 1
