"""Saved and loaded states: everything or nothing, by name, seen by graphs and by optimizers."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import BatchNorm, Dropout, Linear, Module, Sequential

X, LABELS = np.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -0.2]]), np.array([0, 2, 1])


def network(seed=0, dtype=np.float64):
    return Sequential(
        Linear(2, 4, rng=seed, dtype=dtype),
        BatchNorm(4, dtype=dtype),
        np.tanh,
        Dropout(0.3, rng=seed),
        Sequential(Linear(4, 3, rng=seed + 1, dtype=dtype)),
    )


def trained(model, optimizer, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        tg.softmax_cross_entropy(model(X), LABELS).backward()
        optimizer.step()
    return model


def bits(model):
    """All that a model is made of, to compare."""
    state = model.state_dict()
    return {name: value.tobytes() if isinstance(value, np.ndarray) else str(value) for name, value in state.items()}


class TestStateDict:
    def test_holds_parameters_buffers_and_generators_by_name_in_order(self):
        state = network().state_dict()
        assert list(state) == [
            "0.weight",
            "0.bias",
            "1.weight",
            "1.bias",
            "1.running_mean",
            "1.running_var",
            "3.rng",
            "4.0.weight",
            "4.0.bias",
        ]
        assert state["0.weight"].shape == (2, 4)
        assert state["3.rng"]["bit_generator"] == "PCG64"

    def test_holds_copies(self):
        model = network()
        state = model.state_dict()
        before = bits(model)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value[...] = 7
        assert bits(model) == before

    def test_holds_what_is_shared_once_and_frozen_parameters_too(self):
        layer = Linear(2, 2, rng=0)
        layer.weight.requires_grad = False
        assert list(Sequential(layer, np.tanh, layer).state_dict()) == ["0.weight", "0.bias"]

    def test_holds_arrays_in_containers_and_nothing_that_was_computed(self):
        model = Module()
        model.tables = {"a": np.arange(3), "b": [np.zeros(2)]}
        model.last = Linear(2, 2)(X)
        assert list(model.state_dict()) == ["tables.a", "tables.b.0"]
        assert model.parameters() == []

    def test_of_nothing_is_empty(self):
        assert tg.nn.Tanh().state_dict() == {}
        tg.nn.Tanh().load_state_dict({})

    def test_two_things_of_one_name_are_refused(self):
        model = Module()
        model.parts = {"1": np.zeros(2), 1: np.ones(2)}
        with pytest.raises(ValueError, match=r"two things in the model are named parts\.1; rename a key"):
            model.state_dict()

    def test_can_be_pickled(self):
        state = network().state_dict()
        model = network(5)
        model.load_state_dict(pickle.loads(pickle.dumps(state)))
        assert bits(model) == bits(network())


class TestLoading:
    def test_makes_another_model_the_same_and_both_go_on_alike(self):
        first, second = network(0), network(10)
        trained(first, tg.optim.SGD(first.parameters(), lr=0.1))
        second.load_state_dict(first.state_dict())
        assert bits(second) == bits(first)
        for model in (first, second):
            trained(model, tg.optim.SGD(model.parameters(), lr=0.1))
        assert bits(second) == bits(first)

    def test_keeps_the_dtype_and_the_identity_of_what_is_loaded_into(self):
        model = network(3, np.float32)
        parameters, buffers = model.parameters(), dict(model.named_buffers())
        model.load_state_dict(network().state_dict())
        assert all(p is q for p, q in zip(model.parameters(), parameters))
        assert all(b is buffers[name] for name, b in model.named_buffers())
        assert {a.dtype for a in [*[p.data for p in parameters], *buffers.values()]} == {np.dtype(np.float32)}
        np.testing.assert_array_equal(model[0].weight.data, network()[0].weight.data.astype(np.float32))

    def test_shares_no_memory_with_the_state(self):
        model, state = network(1), network().state_dict()
        model.load_state_dict(state)
        state["0.weight"][...] = 7
        assert bits(model) == bits(network())

    def test_makes_graphs_out_of_date(self):
        model = network()
        loss = tg.softmax_cross_entropy(model(X), LABELS)
        model.load_state_dict(network(1).state_dict())
        with pytest.raises(tg.GraphError, match="changed"):
            loss.backward()

    @pytest.mark.parametrize("make", [tg.optim.SGD, tg.MomentumSGD, tg.optim.Adam])
    def test_an_optimizer_goes_on_from_the_loaded_parameters(self, make):
        """It keeps the parameters as views of one array, and takes the loaded numbers over."""
        model = network()
        optimizer = make(model.parameters(), lr=0.1)
        trained(model, optimizer)
        state, twin_optimizer = model.state_dict(), copy.deepcopy((model, optimizer))
        trained(model, optimizer, 5)
        model.load_state_dict(state)
        assert {name: str(v) for name, v in model.state_dict().items()} == {name: str(v) for name, v in state.items()}
        before = bits(model)
        trained(model, optimizer, 1)
        assert bits(model) != before
        if make is tg.optim.SGD:  # which has no state of its own
            assert bits(model) == bits(trained(*twin_optimizer, 1))

    def test_a_frozen_parameter_is_loaded_and_stays_frozen(self):
        model = network()
        model[0].weight.requires_grad = False
        model.load_state_dict(network(1).state_dict())
        assert not model[0].weight.requires_grad
        assert bits(model) == bits(network(1))


def without(name):
    return lambda state: state.pop(name)


def put(name, value):
    return lambda state: state.update({name: value})


FAULTS = {
    "missing": (without("0.bias"), "0.bias is missing"),
    "unexpected": (put("9.weight", np.zeros(2)), "9.weight is unexpected"),
    "misshapen": (put("4.0.bias", np.zeros(4)), r"4.0.bias has shape \(4,\), expected \(3,\)"),
    "no array": (put("4.0.bias", [1.0, 2.0, 3.0]), "4.0.bias is no array but list"),
    "integers": (put("4.0.bias", np.zeros(3, int)), "4.0.bias is int64, expected float64"),
    "text": (put("4.0.bias", np.array(["a", "b", "c"])), "4.0.bias is <U1, expected float64"),
    "a buffer": (put("1.running_var", np.ones(5)), r"1.running_var has shape \(5,\)"),
    "no generator": (put("3.rng", np.zeros(2)), "3.rng: the state is of None where the generator is PCG64"),
    "another generator": (put("3.rng", {"bit_generator": "MT19937"}), "3.rng: the state is of 'MT19937'"),
    "half a generator": (put("3.rng", {"bit_generator": "PCG64"}), "3.rng: this is no state of a PCG64 generator"),
}


@pytest.mark.parametrize(("spoil", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_state_changes_nothing_and_is_explained(spoil, message):
    model, state = network(), network(1).state_dict()
    spoil(state)
    before = bits(model)
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state)
    assert bits(model) == before


def test_a_state_beyond_a_narrow_dtype_changes_nothing():
    model, wide = Linear(2, 3, rng=0, dtype=np.float16), Linear(2, 3, rng=1)
    wide.bias.data = [1.0, 1e6, 2.0]
    before = bits(model)
    with pytest.raises(ValueError, match=r"bias has the number 1e\+06, which is too large for float16"):
        model.load_state_dict(wide.state_dict())
    assert bits(model) == before


def test_all_faults_are_listed_at_once():
    with pytest.raises(ValueError, match="does not fit Sequential") as caught:
        network().load_state_dict(Sequential(Linear(2, 5, rng=0), np.tanh, Linear(5, 3, rng=0)).state_dict())
    message = str(caught.value)
    for fault in ["1.weight is missing", "3.rng is missing", "2.bias is unexpected", "0.weight has shape (2, 5)"]:
        assert fault in message


@pytest.mark.parametrize("state", [None, [], "state.npz", 3, np.zeros(2)], ids=lambda state: type(state).__name__)
def test_what_is_no_dictionary_is_refused_with_advice(state):
    with pytest.raises(TypeError, match=r"the state of Linear must be a dictionary, got .*; give state_dict\(\)'s"):
        Linear(2, 2).load_state_dict(state)


def test_a_read_only_array_is_refused_before_anything_changes():
    model = Module()
    model.layer, model.table = Linear(2, 2, rng=0), np.arange(3.0)
    state = {name: value + 1 for name, value in model.state_dict().items()}
    model.table.flags.writeable = False
    before = bits(model)
    with pytest.raises(ValueError, match="table is a read-only array"):
        model.load_state_dict(state)
    assert bits(model) == before
