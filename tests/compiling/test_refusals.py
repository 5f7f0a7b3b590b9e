"""What would keep the value that it had while recorded: an error that says what and where, and nothing has changed."""

import copy
import math
import random
import re
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, runs
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


def into_an_element(x):
    y = np.zeros(2)
    y[0] = x[0, 0]  # here
    return y


def added_to_a_plain_array(x):
    y = np.zeros((2, 2))
    y += x  # here
    return y


def out_of_a_plain_array(x):
    y = np.zeros((2, 2))
    return np.add(x, 1, out=y)  # here


def put_into_an_argument(x):
    np.put(x, [0], 5.0)  # here
    return x


def shape_set(x):
    x.shape = (4,)  # here
    return x


def memory(x):
    return memoryview(x)  # here


def of_flags(x):
    return x if x.flags["C_CONTIGUOUS"] else -x  # here


STEPS += [into_an_element, added_to_a_plain_array, out_of_a_plain_array, put_into_an_argument, shape_set, memory]
STEPS += [of_flags]
UNSUPPORTED = ["flat", "base", "strides", "ctypes", "data", "tofile", "tobytes", "dumps", "byteswap", "resize"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_the_error_shows_the_line(step):
    with pytest.raises(tg.TracingError, match=re.escape("test_refusals.py, line ")) as caught:
        tg.compiled(step)(X)
    assert "# here" in str(caught.value)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_else_arrays_have(name):
    def step(x):
        got = getattr(x, name)  # here
        return got(0) if callable(got) else got

    with pytest.raises(tg.TracingError, match=rf"array\.{name}.* in a compiled step.*: \w+ .* \(.*test_refusals"):
        tg.compiled(step)(X)


def test_what_arrays_have_not():
    with pytest.raises(AttributeError, match=r"^'numpy\.ndarray' object has no attribute 'shpae'$"):
        tg.compiled(lambda x: x.shpae)(X)
    with pytest.raises(AttributeError, match=r"'__array_interface__' within a compiled step: compute .*test_refusals"):
        tg.compiled(lambda x: x.__array_interface__)(X)


def test_an_array_that_the_step_made_itself_is_filled_in():
    def step(x):
        y = np.zeros(3, like=x)
        y[0] = x[0, 0]
        z = np.zeros_like(x)
        z += x
        return y, z

    for x in (X, X + 1):
        for ours, eager in zip(tg.compiled(step)(x), step(x)):
            np.testing.assert_array_equal(ours, eager)


def test_an_error_of_the_steps_own_stays_what_it_is():
    def step(x):
        try:
            raise KeyError("ours")
        except KeyError as error:
            raise RuntimeError("theirs") from error

    with pytest.raises(RuntimeError, match="theirs"):
        tg.compiled(step)(X)


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
    assert runs(step) == [3]
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
    with pytest.raises(
        tg.TracingError, match=r"LBFGS\.\w+ branches on computed numbers.*cannot be compiled.*\.py, line"
    ):
        step(x, t)
    assert repr(training.model.state_dict()) == before


@pytest.mark.parametrize("text", [str, repr, "{}".format, "{:.1f}".format])
def test_a_text_of_a_number_of_the_state(text):
    ours = SimpleNamespace(scale=2.0)
    step = tg.compiled(lambda x: x * len(text(ours.scale)), state=ours)
    step(X)
    with pytest.raises(tg.TracingError, match=r"a text made of the number scale .*test_refusals\.py, line"):
        step(X)


OF_NUMBERS = {
    "math.sin": (lambda a: math.sin(a), "a plain number made of the number a in .*: compute with operators"),
    "float": (lambda a: float(a + 1.0), "a plain number made of the number a in .*"),
    "an index": (lambda a: [1, 2, 3][int(a)], "a plain number made of the number a"),
    "in an array": (lambda a: np.array([a, 1.0])[0], "a plain number made of the number a"),
    "in a plain array": (lambda a: np.zeros(2).__setitem__(0, a), "a plain number made of the number a"),
    "if": (lambda a: 1.0 if a > 2 else 3.0, r"a decision on the number a in .*: write np\.where"),
    "is_integer": (lambda a: a.is_integer(), r"float\.is_integer, of the number a, cannot be used in a compiled step"),
    "a pair": (lambda a: a.as_integer_ratio()[0], r"float\.as_integer_ratio"),
}


@pytest.mark.parametrize(("function", "message"), OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_numbers_that_are_arguments(function, message):
    with pytest.raises(tg.TracingError, match=f"{message}.* .*test_refusals.py, line "):
        tg.compiled(lambda x, a: x * function(a))(X, 3.0)


def test_a_number_has_no_more_attributes_than_others():
    with pytest.raises(AttributeError, match=r"^'float' object has no attribute 'item'$"):
        tg.compiled(lambda x, a: a.item())(X, 2.0)


NUMBERS = {
    "parts": lambda n, a: a.real + a.imag + a.conjugate() + n.real,
    "whole": lambda n, a: math.floor(a) + 10 * math.ceil(a) + 100 * math.trunc(a),
    "divmod": lambda n, a: divmod(a, 2)[1] + divmod(7, n + 1)[0],
    "bits": lambda n, a: (n & 3) + (n | 8) * (n ^ 1) + (n << 2) + (1 << n) + (n >> 1),
    "copies": lambda n, a: copy.copy(a) + copy.deepcopy(n),
    "chosen": lambda n, a: np.where(a > 2, n, 1.0),
    "functions": lambda n, a: np.sin(a) * np.hypot(n, a),
}


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("function", NUMBERS.values(), ids=NUMBERS)
def test_what_numbers_can_do(function, native):
    ours = SimpleNamespace(n=0)

    def step(x, a):
        ours.n += 1
        return x * function(ours.n, a)

    fast = tg.compiled(step, state=ours, native=native)
    for n, a in enumerate([1.25, 2.5, 3.75, 1.0, 7.5], 1):
        np.testing.assert_allclose(fast(X, a), X * function(n, a), rtol=1e-14)
    assert fast.explain().endswith("run 3 times")


def test_a_rounded_number_of_the_state():
    ours = SimpleNamespace(scale=2.0)
    step = tg.compiled(lambda x: x * round(ours.scale) + round(ours.scale, 1), state=ours)
    for ours.scale in (1.24, 1.24, 1.24, 3.26, 4.55):
        np.testing.assert_array_equal(step(X), X * round(ours.scale) + round(ours.scale, 1))


LISTED = "write the objects in a tuple or a list"
USED = "list the objects that it uses"
INSIDE = "put it into an object, a list or a dict that the step takes it from"
NO_STATE = [(X, "got ndarray; " + INSIDE), (None, "got NoneType"), (3, "got int; " + INSIDE), (1j, "got complex")]
NO_STATE += [(b"1", "got bytes"), ("model", "got str"), (np.random.default_rng(0), "got Generator; " + INSIDE)]
NO_STATE += [(range(3), "got range; " + LISTED), ((x for x in [1]), "got generator; " + LISTED)]
NO_STATE += [({1}, "got set; " + LISTED), ({}.values(), "got dict_values; " + LISTED)]
NO_STATE += [(tg.nn.Linear, "got the class Linear; give the object itself"), (np.tanh, "got ufunc; " + USED)]
NO_STATE += [
    (decided, "got function; " + USED),
    (np.random, "got module"),
    ([].append, "got builtin_function_or_method"),
]
NO_STATE += [(tg.compiled(decided), "got CompiledStep; " + USED), ([{}, X], "got ndarray")]


@pytest.mark.parametrize(("state", "message"), NO_STATE, ids=[message.split("; ")[0] for _, message in NO_STATE])
def test_what_is_no_state(state, message):
    with pytest.raises(TypeError, match="state holds objects, .*" + re.escape(message)):
        tg.compiled(lambda x: x, state=state)
    with pytest.raises(TypeError, match="state holds objects"):
        tg.compiled(state=state)


def test_state_may_be_listed_twice():
    ours = SimpleNamespace(scale=2.0)
    step = tg.compiled(lambda x: x * ours.scale, state=(ours, {"ours": ours}, ours))
    for ours.scale in (2.0, 2.0, 2.0, 3.0):
        np.testing.assert_array_equal(step(X), X * ours.scale)


def yielding(x):
    yield x


async def waiting(x):
    return x


async def yielding_later(x):
    yield x


class Yielding:
    def __call__(self, x):
        yield x


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (3, "compiled takes a function, got 3"),
        (None, "compiled takes a function, got None"),
        (yielding, "a generator function, as <function yielding .* cannot be compiled, .* return what it computes"),
        (partial(yielding), "a generator function"),
        (Yielding(), "a generator function"),
        (Yielding().__call__, "a generator function"),
        (waiting, "an async function, as <function waiting"),
        (yielding_later, "an async function"),
    ],
)
def test_what_is_no_step(step, message):
    with pytest.raises(TypeError, match=message):
        tg.compiled(step)


def test_the_state_is_given_by_name():
    model = tg.nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"takes one step, got 2 things; write tg\.compiled\(step, state=model\)"):
        tg.compiled(decided, model)


@pytest.mark.parametrize("native", ["no", "auto", 1, 0, np.True_])
def test_what_native_may_be(native):
    with pytest.raises(TypeError, match=f"native must be True, .* False, .* or None, .* got {native!r}"):
        tg.compiled(decided, native=native)


class Result:
    def __init__(self, loss, parts=()):
        self.loss, self.parts = loss, parts


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda x: (row for row in x), "a step that returns a generator cannot be compiled"),
        (lambda x: {"rows": map(np.sum, x)}, "a step that returns a map cannot be compiled"),
        (lambda x: Result(x * 2), r"got Result, whose result\.loss the step computed; return that"),
        (lambda x: [Result(1, [{"a": x * 2}])], r"got Result, whose result\.parts\.0\.a the step computed"),
        (lambda x: SimpleNamespace(loss=tg.Tensor(x) * 2), r"whose simplenamespace\.loss"),
    ],
)
def test_what_is_no_result(step, message):
    with pytest.raises(tg.TracingError, match=message):
        tg.compiled(step)(X)


def test_an_object_that_was_there_before_is_a_result():
    ours = Result(1.0)
    step = tg.compiled(lambda x: (x * 2, ours, tg.relu))
    for _ in range(3):
        assert step(X)[1:] == (ours, tg.relu)


def by_class(x):
    return x * 2 if isinstance(x, np.ndarray) else x * 3


def by_type_of_a_number(x, a=2.0):
    return x * (5 if type(a) is float else 7)


def by_attribute(x):
    return x * 2 if hasattr(x, "__array_interface__") else x * 3


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
