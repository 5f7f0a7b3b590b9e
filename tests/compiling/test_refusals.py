"""What would keep the value that it had while recorded: an error that says what and where, and nothing has changed."""

import random
import re
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches
from tinygrad_np import optim

X = np.array([[1.0, 2.0], [3.0, 4.0]])


def decided(x):
    if x.sum() > 0:  # here
        return x
    return -x


def decided_on_a_tensor(x):
    return x if tg.Tensor(x).sum() > 0 else -x  # here


def as_float(x):
    return float(tg.Tensor(x).sum()) * x  # here


def as_int(x):
    return x * int(x[0, 0])  # here


def an_item(x):
    return x * tg.Tensor(x).sum().item()  # here


def listed(x):
    return np.array(tg.Tensor(x).tolist())  # here


def plain(x):
    return np.asarray(x) * 2  # here


def numpy_of_a_tensor(x):
    return np.sin(tg.Tensor(x).numpy())  # here


def into_a_plain_array(x):
    y = np.zeros((2, 2))
    y[0] = x[0]  # here
    return y


def index_of_a_plain_array(x):
    return np.arange(9.0)[x[0].astype(int)]  # here


def counted_to(x):
    return sum(x[0] for _ in range(x.sum()))  # here


def contained(x):
    return x if 2.0 in x else -x  # here


def argument_changed(x):
    x += 1  # here
    return x


def in_a_text(x):
    return x * len(f"{x.sum():.3f}")  # here


def printed(x):
    print(tg.Tensor(x))  # here
    return x


OUTSIDE = np.zeros((2, 2))


def outside_changed(x):
    np.add(OUTSIDE, x, out=OUTSIDE)  # here
    return x


STEPS = [decided, decided_on_a_tensor, as_float, as_int, an_item, listed, plain, numpy_of_a_tensor, into_a_plain_array]
STEPS += [index_of_a_plain_array, counted_to, contained, argument_changed, outside_changed, in_a_text, printed]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_the_error_shows_the_line(step):
    with pytest.raises(tg.TracingError, match=re.escape("test_refusals.py, line ")) as caught:
        tg.compiled(step)(X)
    assert "# here" in str(caught.value)


def test_a_generator_outside_the_state():
    rng = np.random.default_rng(0)
    with pytest.raises(tg.TracingError, match="draws from a Generator that is no part of its state"):
        tg.compiled(lambda x: x * rng.random(x.shape))(X)


def test_the_global_generators():
    state = np.random.get_state()  # noqa: NPY002 - the global one is meant
    try:
        with pytest.raises(tg.TracingError, match="NumPy's global generator"):
            tg.compiled(lambda x: x * np.random.random(x.shape))(X)  # noqa: NPY002 - the global one is meant
        with pytest.raises(tg.TracingError, match="Python's global generator"):
            tg.compiled(lambda x: x * random.random())(X)
    finally:
        np.random.set_state(state)  # noqa: NPY002 - the global one is meant


def drawing(where):
    """A step that draws from a Generator which is held by ``where`` it is, and the Generator."""
    rng = np.random.default_rng(0)
    held = SimpleNamespace(inner=SimpleNamespace(rng=rng), listed=[rng])

    def noise(x):
        return x * rng.random(x.shape)

    steps = {
        "a list": lambda x: x * held.listed[0].random(x.shape),
        "an object in an object": lambda x: x * held.inner.rng.random(x.shape),
        "a default": lambda x, rng=rng: x * rng.random(x.shape),
        "a partial": partial(lambda rng, x: x * rng.random(x.shape), rng),
        "a layer": tg.Sequential(tg.relu, noise).__call__,
        "a derivative": tg.grad(lambda x: np.sum(noise(x))),
        "nothing, drawn from no seed": lambda x: x * np.random.default_rng().random(x.shape),
        "an unseeded Dropout": lambda x: tg.nn.Dropout(0.5)(np.repeat(x, 50, 0)),
        "the old kind of generator": partial(lambda old, x: x * old.rand(2, 2), np.random.RandomState(0)),
        "the clock": lambda x: x * time.perf_counter(),
    }
    return steps[where] if where else list(steps)


@pytest.mark.parametrize("where", drawing(None))
def test_draws_from_what_the_state_does_not_hold(where):
    with pytest.raises(tg.TracingError, match=r"a Generator that is no part|was another one when it was run"):
        tg.compiled(drawing(where))(X)


def test_a_generator_in_a_layer_of_the_state_that_is_a_function():
    rng = np.random.default_rng(0)
    model = tg.Sequential(tg.nn.Linear(2, 2), lambda x: x * rng.random(x.shape))
    step = tg.compiled(lambda x: model(x), state=model)
    step(X)
    before = rng.bit_generator.state
    with pytest.raises(tg.TracingError, match="draws from a Generator that is no part of its state"):
        step(X)
    assert rng.bit_generator.state == before


def test_what_draws_the_same_each_time_is_a_constant():
    step = tg.compiled(lambda x: x * np.random.default_rng(3).random(x.shape))
    for x in (X, X + 1, X + 2):
        np.testing.assert_array_equal(step(x), x * np.random.default_rng(3).random(x.shape))


HIDDEN = {
    "a layer of the model": lambda model: tg.Sequential(np.tanh, lambda x: model(x)).__call__,
    "a partial": lambda model: partial(lambda inner, x: inner(x), model),
    "a derivative": lambda model: tg.grad(lambda x: np.sum(model(x))),
    "a checkpoint": tg.checkpointed,
    "an object": lambda model: partial(lambda box, x: box.model(x), SimpleNamespace(model=model)),
    "its own method": lambda model: model.__call__,
    "a step that is the model": lambda model: model,
}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_parameters_hidden_in(hide):
    with pytest.raises(tg.TracingError, match="which state does not hold"):
        tg.compiled(hide(tg.nn.Linear(2, 2, rng=0)))(X)


def test_a_method_whose_object_is_the_state():
    class Counting:
        def __init__(self):
            self.count = 0

        def step(self, x):
            self.count += 1
            return x * self.count

    ours = Counting()
    step = tg.compiled(ours.step, state=ours)
    for n in range(1, 6):
        np.testing.assert_array_equal(step(X), X * n)
    assert ours.count == 5
    assert step.explain().count("\n") == 0
    with pytest.raises(tg.TracingError, match=r"the step changes self\.count from 0 to 1"):
        tg.compiled(Counting().step)(X)


def test_a_number_that_a_layer_closes_over_is_read_anew():
    scale = 2.0
    model = tg.Sequential(np.tanh, lambda x: x * scale)
    step = tg.compiled(lambda x: model(x), state=model)
    for scale in (2.0, 2.0, 2.0, 3.0, 3.0, 3.0):
        np.testing.assert_array_equal(step(X), np.tanh(X) * scale)


def test_a_generator_of_the_state_draws_anew():
    class Noise:
        rng = None

    ours, twin = Noise(), np.random.default_rng(3)
    ours.rng = np.random.default_rng(3)
    step = tg.compiled(lambda x: x + ours.rng.normal(size=x.shape), state=ours)
    for _ in range(4):
        np.testing.assert_array_equal(step(X), X + twin.normal(size=X.shape))


def test_parameters_that_the_state_does_not_hold():
    training = Training()
    x, t = batches(1)[0]
    step = tg.compiled(training.step, state={"nothing": None})
    step(x, t)
    with pytest.raises(tg.TracingError, match="list in state what holds the arrays"):
        step(x, t)
    with pytest.raises(tg.TracingError, match="which state does not hold"):
        tg.compiled(lambda x: training.model(x))(x)
    assert all(type(p.grad) is np.ndarray for p in training.model.parameters())


def test_counting_outside_the_state():
    count = 0

    def step(x):
        nonlocal count
        count += 1
        return x

    with pytest.raises(tg.TracingError, match="the step changes count from 0 to 1"):
        tg.compiled(step)(X)


def test_keeping_what_was_computed():
    kept = []
    with pytest.raises(tg.TracingError, match="puts what it computed into kept"):
        tg.compiled(lambda x: kept.append(x * 2))(X)


def test_an_array_of_a_recording_that_is_over():
    box = SimpleNamespace()
    with pytest.raises(tg.TracingError, match="puts what it computed into box"):
        tg.compiled(lambda x: setattr(box, "y", x * 2))(X)
    with pytest.raises(tg.TracingError, match="is used after that"):
        box.y + 1


def test_state_that_grows():
    class Memory:
        def __init__(self):
            self.losses = []

    memory = Memory()
    step = tg.compiled(lambda x: memory.losses.append(x.sum()), state=memory)
    step(X)
    with pytest.raises(tg.TracingError, match=r"memory\.losses"):
        step(X)
    assert len(memory.losses) == 1


def test_optimizers_that_decide_on_numbers():
    training = Training()
    optimizer = optim.LBFGS(training.model.parameters())
    x, t = batches(1)[0]
    step = tg.compiled(
        lambda x, t: optimizer.step(lambda: tg.softmax_cross_entropy(training.model(x), t)),
        state=(training.model, optimizer),
    )
    step(x, t)
    before = repr(training.model.state_dict())
    with pytest.raises(tg.TracingError, match=r"LBFGS\.\w+ goes by numbers .*cannot be compiled.*\.py, line"):
        step(x, t)
    assert repr(training.model.state_dict()) == before


@pytest.mark.parametrize("text", [str, repr, "{}".format, "{:.1f}".format])
def test_a_text_of_a_number_of_the_state(text):
    ours = SimpleNamespace(scale=2.0)
    step = tg.compiled(lambda x: x * len(text(ours.scale)), state=ours)
    step(X)
    with pytest.raises(tg.TracingError, match=r"a text made of a number of the state .*test_refusals\.py, line"):
        step(X)


def test_a_rounded_number_of_the_state():
    ours = SimpleNamespace(scale=2.0)
    step = tg.compiled(lambda x: x * round(ours.scale) + round(ours.scale, 1), state=ours)
    for ours.scale in (1.24, 1.24, 1.24, 3.26, 4.55):
        np.testing.assert_array_equal(step(X), X * round(ours.scale) + round(ours.scale, 1))


@pytest.mark.parametrize(("state", "message"), [(X, "state holds objects"), (None, "got NoneType"), (3, "got int")])
def test_what_is_no_state(state, message):
    with pytest.raises(TypeError, match=message):
        tg.compiled(lambda x: x, state=state)


def test_what_is_no_step():
    with pytest.raises(TypeError, match="compiled takes a function, got 3"):
        tg.compiled(3)


def test_what_is_no_argument():
    with pytest.raises(TypeError, match="takes arrays, numbers and nested lists"):
        tg.compiled(lambda x: x)({1, 2})


def by_class(x):
    return x * 2 if isinstance(x, np.ndarray) else x * 3


def by_type_of_a_number(x, a=2.0):
    return x * (5 if type(a) is float else 7)


def by_attribute(x):
    return x * 2 if hasattr(x, "ctypes") else x * 3


class Keeping:
    """A state that another number is put into when the array is one."""

    value = 0.0

    def step(self, x):
        self.value = self.value + (1.0 if isinstance(x, np.ndarray) else 2.0)
        return x


@pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
@pytest.mark.parametrize("ask", [by_class, by_type_of_a_number, by_attribute, Keeping().step])
def test_what_a_stand_in_answers_otherwise_shows_in_the_numbers(ask, native):
    state = [ask.__self__] if hasattr(ask, "__self__") else []
    for thing in state:
        thing.value = 0.0
    arguments = (X, 2.0) if ask is by_type_of_a_number else (X,)
    step = tg.compiled(ask, state=state, native=native)
    if state:  # else the first call is recorded
        step(*arguments)
    with pytest.raises(tg.TracingError, match=r"gave another .* than eagerly .*isinstance\(x, np.ndarray\)"):
        step(*arguments)
    assert [thing.value for thing in state] == [1.0] * len(state)  # of the first call, which was eager
