"""The state of a compiled step: put back after errors, met again when it was replaced, used by several threads."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, by_numpy
from tests.threads import in_threads


def recorded(training, data):
    step = tg.compiled(training.step, state=training.state)
    for x, t in data[:3]:
        step(x, t)
    return step


def test_after_an_error_while_recording_all_is_as_before():
    training = Training(layers=[tg.nn.Dropout(0.5, rng=0), tg.nn.BatchNorm(3)])
    fail = [False]

    def step(x, t):
        loss = training.step(x, t)
        if fail[0]:
            raise RuntimeError("after the step")
        return loss

    compiled = tg.compiled(step, state=training.state)
    (x, t), *_ = batches(1)
    compiled(x, t)
    before, arrays = training.bits(), [p.data for p in training.model.parameters()]
    fail[0] = True
    with pytest.raises(RuntimeError, match="after the step"):
        compiled(x, t)
    assert training.bits() == before
    assert all(p.data is array for p, array in zip(training.model.parameters(), arrays))
    fail[0] = False
    compiled(x, t)
    compiled(x, t)
    assert compiled.explain().endswith("run 1 times")


def test_nothing_of_a_recording_is_left_in_the_state():
    training = Training(layers=[tg.nn.Dropout(0.5, rng=0)])
    recorded(training, batches(3))
    flat = training.optimizer.groups[0].flats[0]
    for p, (param, view, slot) in zip(training.model.parameters(), flat.slots):
        assert p is param
        assert type(p.data) is np.ndarray
        assert p.data is view is p._node.data
        assert type(slot) is np.ndarray
    assert type(training.optimizer.lr) is float
    assert type(training.optimizer.steps) is int
    assert isinstance(training.model[1].rng, np.random.Generator)


@pytest.mark.parametrize("replace", ["data", "load", "rng", "layers"])
def test_state_that_was_replaced_is_met_again(replace):
    data = batches(12)
    eager, replayed = (Training(layers=[tg.nn.Dropout(0.5, rng=0), np.tanh]) for _ in range(2))
    step = by_numpy(replayed.step, state=replayed.state)
    for i, (x, t) in enumerate(data):
        if i == 6:
            for training in (eager, replayed):
                first = training.model[0]
                if replace == "data":
                    first.weight.data = np.ones((2, 3))
                elif replace == "load":
                    training.model.load_state_dict(training.model.state_dict())
                elif replace == "rng":
                    training.model[1].rng = np.random.default_rng(9)
                else:
                    training.model.layers = training.model.layers[:1] + training.model.layers[3:]
        assert step(x, t).item() == eager.step(x, t).item()
    assert repr(replayed.model.state_dict()) == repr(eager.model.state_dict())


def test_a_model_that_took_the_place_of_another():
    model = tg.nn.Linear(2, 2, rng=0)
    step = tg.compiled(lambda x: model(x), state=(model,))
    x = np.ones((1, 2))
    step(x), step(x), step(x)
    old, model = model, tg.nn.Linear(2, 2, rng=1)
    with pytest.raises(tg.TracingError, match="which state does not hold"):
        step(x)
    model = old
    np.testing.assert_array_equal(step(x).data, old(x).data)


def test_arrays_that_are_neither_state_nor_argument_are_read_where_they_are():
    weights = np.ones(3)
    step = tg.compiled(lambda x: x.dot(weights) + (2 * weights.reshape(3, 1) * x.T).sum())
    for i in range(4):
        weights[:] = i
        x = np.full((2, 3), 2.0)
        np.testing.assert_array_equal(step(x), x.dot(weights) + (2 * weights.reshape(3, 1) * x.T).sum())
    weights = np.full(3, 9.0)  # another array by the same name
    np.testing.assert_array_equal(step(x), x.dot(weights) + (2 * weights.reshape(3, 1) * x.T).sum())


def test_a_number_that_the_function_closes_over():
    scale = 2.0
    step = tg.compiled(lambda x: x * scale)
    assert step(np.ones(1)) == 2
    assert step(np.ones(1)) == 2
    scale = 3.0
    assert step(np.ones(1)) == 3
    assert step.explain().count("a program of") == 2


def test_graphs_that_used_the_parameters_before_are_out_of_date():
    training = Training()
    data = batches(5)
    step = recorded(training, data)
    loss = tg.softmax_cross_entropy(training.model(data[0][0]), data[0][1])
    step(*data[3])
    with pytest.raises(tg.GraphError, match="was changed after it was used"):
        loss.backward()


def test_threads_take_turns(switching):
    training, twin = Training(), Training()
    x, t = batches(1)[0]
    step = by_numpy(training.step, state=training.state)
    assert in_threads(4, lambda _: [step(x, t) for _ in range(10)]) == []
    for _ in range(40):
        twin.step(x, t)
    assert training.bits() == twin.bits()


def test_a_guard_that_comes_late_is_found_out_in_time():
    class Total:
        value = None

    def run(total, x):
        total.value[:] += x
        y = tg.Tensor(total.value, requires_grad=True) ** tg.Tensor(np.array([2.0]), requires_grad=True)
        y.backward()
        return y

    ours, twin = Total(), Total()
    ours.value, twin.value = np.ones(1), np.ones(1)
    step = tg.compiled(lambda x: run(ours, x), state=ours)
    for x in (1.0, 1.0, 1.0, -4.0, 5.0, 1.0):  # where the base is 0, its logarithm is not taken
        assert step(np.array([x])).item() == run(twin, np.array([x])).item()
        assert ours.value == twin.value


@pytest.mark.parametrize("optimizer", [tg.MomentumSGD, tg.optim.Adam])
def test_parameters_that_are_frozen_and_thawed(optimizer):
    eager, replayed = Training(optimizer), Training(optimizer)
    step = by_numpy(replayed.step, state=replayed.state)
    for i, (x, t) in enumerate(batches(24)):
        for training in (eager, replayed):
            training.model[0].weight.requires_grad = not 6 <= i < 14
        assert step(x, t).item() == eager.step(x, t).item()
    assert repr(replayed.optimizer.state_dict()) == repr(eager.optimizer.state_dict())


def test_an_eager_step_that_counts_parameters_apart():
    eager, replayed = Training(tg.optim.Adam), Training(tg.optim.Adam)
    step = by_numpy(replayed.step, state=replayed.state)
    for i, (x, t) in enumerate(batches(16)):
        if i == 8:
            for training in (eager, replayed):
                training.model[0].weight.requires_grad = False
                training.step(x, t)
                training.model[0].weight.requires_grad = True
        assert step(x, t).item() == eager.step(x, t).item()


class Changing:
    """Numbers in a list, a dictionary, a set and attributes."""

    def __init__(self):
        self.scales, self.names, self.seen, self.shift = [1.0], {"a": 1.0}, set(), 2.0

    def step(self, x):
        return x * sum(self.scales) * sum(self.names.values()) + len(self.seen) + getattr(self, "shift", 0.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.scales.append(3.0),
        lambda s: s.scales.clear(),
        lambda s: s.names.update(b=2.0),
        lambda s: s.names.pop("a"),
        lambda s: s.seen.add(1),
        lambda s: delattr(s, "shift"),
    ],
)
def test_state_that_grew_or_shrank_is_met_again(change):
    state = Changing()
    step = by_numpy(state.step, state=state)
    for i in range(8):
        if i == 4:
            change(state)
        x = np.full(2, i + 1.0)
        np.testing.assert_array_equal(step(x), state.step(x))


def test_a_step_that_takes_from_a_list_is_refused():
    state = Changing()
    state.scales += [2.0, 3.0, 4.0]
    step = by_numpy(lambda x: x * state.scales.pop(), state=state)
    step(np.ones(2))
    with pytest.raises(tg.TracingError, match="scales"):
        step(np.ones(2))
    assert state.scales == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("name", ["lambda", "None", "weight-decay", "1", "größe"])
def test_attributes_that_are_called_anything(name, listed, native):
    ours = SimpleNamespace(**{name: 0.5})
    function = eval(f"lambda x: x * getattr(ours, {name!r})", {"ours": ours})
    step = tg.compiled(function, state=ours if listed else (), native=native)
    for value in (0.5, 0.5, 0.5, 2.0, 2.0, 3.0):
        setattr(ours, name, value)
        np.testing.assert_array_equal(step(np.ones(2)), [value, value])


@pytest.mark.parametrize(
    "function",
    [
        lambda h, x: np.concatenate([x] * h.n),
        lambda h, x: sum(x for _ in range(h.n)),
        lambda h, x: x * {1: 2.0, 3: 5.0}.get(h.n, 0.0),
        lambda h, x: x * (2 if h.n in {1, 2} else 3),
        lambda h, x: x * len(f"{'':{h.n}}"),
        lambda h, x: x[: h.n] ** h.n,
    ],
)
def test_an_int_that_changes_and_is_needed_as_a_plain_number(function):
    h = SimpleNamespace(n=1)
    step = by_numpy(lambda x: function(h, x), state=h)
    for i in range(16):
        h.n = i // 4 % 3 + 1
        x = np.arange(4.0) + i
        np.testing.assert_array_equal(step(x), function(h, x))
    assert "run eagerly" not in step.explain()


def test_what_began_as_something_else_is_met_again():
    h = SimpleNamespace(last=False, grad=np.ones(2))

    def step(x):
        known = h.last is not False
        some = h.grad is not None
        h.last, h.grad = x * 2, None
        return x + known + 2 * some

    compiled = by_numpy(step, state=h)
    for i in range(12):
        if i % 3 == 0:
            h.last = False
        h.grad = np.ones(2) if i % 4 < 2 else None
        known, some = h.last is not False, h.grad is not None
        np.testing.assert_array_equal(compiled(np.ones(2)), np.ones(2) + known + 2 * some)
