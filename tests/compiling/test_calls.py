"""How compiled steps are called: by name, nested, as a decorator, over whole epochs; and what they say."""

import copy
import re
import warnings
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, by_numpy, runs
from tinygrad_np import optim
from tinygrad_np.compiling import CompiledStep

X = np.arange(3.0)
Pair = namedtuple("Pair", "a b")


class Rows(list):
    """A list of one's own kind."""


def test_nested_arguments_and_results_keep_their_structure():
    @tg.compiled
    def step(pair, *, scale, by="rows", times=2):
        a, b = pair
        return {"sum": a * scale + b, "parts": [a, (b, times)], "name": by}

    for scale in (1.0, 2.0, 3.0):
        out = step((np.ones(2), tg.Tensor(np.ones(2))), scale=scale)
        np.testing.assert_array_equal(out["sum"].data, [scale + 1] * 2)
        assert out["name"] == "rows"
        assert isinstance(out["parts"][1][0], tg.Tensor)
        assert out["parts"][1][1] == 2
    assert runs(step) == [2]


def test_other_shapes_dtypes_and_numbers_are_other_versions():
    step = tg.compiled(lambda x, n: x * n)
    for x in (np.ones(2), np.ones(3), np.ones(3, np.float32)):
        for n in (2, 3):
            for _ in range(2):
                assert step(x, n).dtype == x.dtype
    assert step.explain().count("a program of") == 6


def test_explain_shows_calls_as_they_are_written():
    def step(x, *, scale=1.0, **rest):
        return x

    x, ours = np.ones((2, 3)), SimpleNamespace(w=1)
    step = tg.compiled(step, state=ours)
    step(x, scale=2.0, mode="sum", pair=(x[0], [3, None]))
    step(Batch(x, [1]), y=Mode.TEST)
    step({"a": x, "b": Pair(x[0], np.float32(1))})
    step(tg.Tensor(x), scale=True)
    assert step.explain().splitlines() == [
        f"step({call}): seen once; the next such call records it"
        for call in (
            "x: float64[2, 3], scale: float, mode: 'sum', pair: (float64[3], [3, None])",
            "x: Batch(x=float64[2, 3], more=[1], made=1), y: <Mode.TEST: 3.0>",
            "x: {'a': float64[2, 3], 'b': Pair(float64[3], float32[])}",
            "x: Tensor float64[2, 3], scale: True",
        )
    ]


def test_what_is_recorded_beforehand_is_found():
    step = CompiledStep(lambda d, pair: d["x"] + pair[0], (), rehearsed=True)
    arguments = {"x": np.ones(3)}, (np.ones(3), 1.0)
    step.prepare(*arguments)
    step(*arguments)
    assert re.fullmatch(
        r"<lambda>\(d: {'x': float64\[3\]}, pair: \(float64\[3\], float\)\): a program of 1 calls, .* run 1 times",
        step.explain(),
    )


@dataclass
class Batch:
    """A dataclass that is made anew by no __init__."""

    x: np.ndarray
    more: object = None
    made: int = field(default=0, init=False)

    def __post_init__(self):
        self.made += 1

    def doubled(self):
        return self.x * 2


@dataclass(frozen=True)
class Fixed:
    x: np.ndarray
    name: str = "fixed"


CONTAINERS = {
    "a dataclass": (lambda x: Batch(x, {"t": x + 1}), lambda b: Batch(b.doubled() + b.more["t"], b.made)),
    "a named tuple": (lambda x: Pair(x, x + 1), lambda p: Pair(p.a * p.b, p.b)),
    "an ordered dict": (lambda x: OrderedDict(a=x, b=x + 1), lambda d: OrderedDict(reversed(d.items()))),
    "a default dict": (lambda x: defaultdict(float, a=x), lambda d: defaultdict(d.default_factory, a=d["a"] * 2)),
    "a list of its own": (lambda x: Rows([x, x + 1]), lambda rows: Rows(reversed(rows))),
    "a dict in a tuple": (lambda x: ({"a": x}, [x]), lambda pair: [pair[0]["a"] - pair[1][0], pair]),
}


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize(("given", "function"), CONTAINERS.values(), ids=CONTAINERS)
def test_containers_of_arrays(given, function, native):
    step = tg.compiled(function, native=native)
    for n in range(4):
        ours, eager = step(given(np.arange(3.0) + n)), function(given(np.arange(3.0) + n))
        assert repr(ours) == repr(eager)
        assert type(ours) is type(eager)
    assert runs(step) == [3]


FACTOR = 2.0


class Scaled(NamedTuple):
    x: np.ndarray

    def scaled(self):
        return self.x * FACTOR


class Stretched(dict):
    factor = 2.0

    def scaled(self):
        return self["x"] * self.factor


@pytest.mark.parametrize("made", [Scaled, lambda x: Stretched(x=x), lambda x: [Stretched(x=x)][0]])
def test_methods_of_tuples_and_dicts_that_are_arguments(made, monkeypatch):
    step = tg.compiled(lambda given: given.scaled(), native=False)
    for factor in (2.0, 2.0, 2.0, 3.0, 3.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        monkeypatch.setattr(Stretched, "factor", factor)
        np.testing.assert_array_equal(step(made(X)), X * factor)
    other = Stretched(x=X)
    other.factor = 5.0
    with pytest.raises(TypeError, match=r"takes a Stretched for what is in it, and .* its attribute factor changes"):
        step(other)


@dataclass(frozen=True)
class Frozen:
    scale: float


class Mode(Enum):
    TRAIN = 2.0
    TEST = 3.0


class Config:
    scale, offsets = 1.0, ()

    def __call__(self, x):
        return x * self.scale


@pytest.mark.parametrize("native", [None, False])
def test_an_object_as_an_argument_is_followed(native):
    def step(x, c):
        return c(x) + len(c.offsets)

    ours, theirs = Config(), Config()
    fast = tg.compiled(step, native=native)
    for scale, offsets in [(1.0, ()), (1.0, ()), (3.0, ()), (3.0, ()), (3.0, (1,)), (3.0, (1,)), (1.0, ())]:
        ours.scale, ours.offsets = scale, offsets
        for given in (ours, theirs):
            np.testing.assert_array_equal(fast(X, given), step(X, given))


def test_what_an_argument_holds_is_state_if_the_step_changes_it():
    def step(x, c):
        c.scale += 1.0
        return x * c.scale

    ours = Config()
    ours.scale = 1.0
    with pytest.raises(tg.TracingError, match=r"scale from 1\.0 to 2\.0, outside its state"):
        tg.compiled(step)(X, ours)
    model = tg.nn.Linear(3, 2, rng=0)
    with pytest.raises(tg.TracingError, match="which state does not hold"):
        tg.compiled(lambda x, m: m(x))(X[None], model)
    listed = tg.compiled(lambda x, m: m(x), state=model)
    for _ in range(4):
        np.testing.assert_allclose(listed(X[None], model).data, model(X[None]).data, rtol=1e-14)
        model.weight.data = model.weight.data * 2
    listed = tg.compiled(step, state=ours)
    for n in range(5):
        np.testing.assert_array_equal(listed(X, ours), X * (n + 2.0))


@pytest.mark.parametrize("options", [[Mode.TRAIN, Mode.TEST], [Frozen(2.0), Frozen(3.0)]], ids=["enum", "dataclass"])
def test_values_are_known_by_what_they_are(options):
    step = tg.compiled(lambda x, option: x * (option.scale if isinstance(option, Frozen) else option.value))
    for option in options * 3:
        np.testing.assert_array_equal(step(X, copy.copy(option)), X * (2.0 if option == options[0] else 3.0))
    assert step.explain().count("a program of") == 2


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (np.random.default_rng(0), "takes no Generator as an argument, .* list what holds it in state="),
        (iter([1.0]), "takes no list_iterator as an argument, .* give what it yields"),
        ((x for x in X), "takes no generator as an argument"),
        ({1, 2}, r"takes arrays, numbers and nested lists of them, got \{1, 2\}"),
        ([{1, 2}], "takes arrays, numbers and nested lists"),
        (Fixed(X), r"nested lists of them \(of a frozen dataclass, its fields\), got Fixed"),
    ],
)
def test_what_is_no_argument(argument, message):
    with pytest.raises(TypeError, match=message):
        tg.compiled(lambda x, a: x)(X, argument)


@pytest.mark.parametrize(
    ("argument", "change", "what"),
    [
        ([X], lambda given, x: given.append(x), "a list or a dictionary"),
        (Batch(X), lambda given, x: setattr(given, "x", x), "given_x"),
        ({"a": X}, lambda given, x: given.pop("a"), "a list or a dictionary"),
        (defaultdict(float, a=X), lambda given, x: given["b"] + x, "a list or a dictionary"),
        ({"a": X}, lambda given, x: given.update(a=x), "given_a"),
    ],
)
def test_an_argument_that_the_step_changes(argument, change, what):
    def step(given, x):
        change(given, x)
        return x * 2

    with pytest.raises(tg.TracingError, match=f"the step changes {what} that it was given"):
        tg.compiled(step)(argument, X)


def test_many_versions_warn():
    step = tg.compiled(lambda x: x * 2)
    for n in range(1, 9):
        step(np.ones(n))
    with pytest.warns(RuntimeWarning, match="9 versions of a compiled step"):
        step(np.ones(9))


def warnings_of(step, calls):
    """What ``step`` warns of, each with the number of the call."""
    found = []
    for i, (call, expected) in enumerate(calls):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            np.testing.assert_array_equal(step(*call), expected)
        found += [(i, str(warning.message)) for warning in caught]
    return found


def test_a_state_that_is_another_at_each_step_is_recorded_no_more_than_16_times():
    h = SimpleNamespace(n=0)

    def calls():
        for h.n in range(30):
            yield (np.ones(1),), 1 if h.n % 2 else h.n

    step = by_numpy(lambda x: x if h.n % 2 else x * h.n, state=h)
    (first, _), (at, text) = warnings_of(step, calls())
    assert (first, at) == (9, 17)
    assert text.startswith("16 versions of a compiled step were recorded, or begun, for arguments of one kind")
    assert "it runs eagerly from now on" in text
    assert len(runs(step)) == 16
    assert step.explain().endswith("run eagerly 13 times, past 16 versions")
    h.n = 3  # which is known
    assert step(np.ones(1)) == 1
    assert "run 1 times" in step.explain()
    for h.n in [3] * 100 + [40]:  # once a program has run a hundred times, there may be one more
        step(np.ones(1))
    assert len(runs(step)) == 17


def test_arguments_that_are_others_at_each_step_are_recorded_no_more_than_64_times():
    step = by_numpy(lambda x: x * 2)
    first, second = warnings_of(step, [((np.ones(n),), np.full(n, 2)) for n in range(1, 80)])
    assert (first[0], second[0]) == (8, 64)
    assert second[1].startswith("a compiled step met 64 kinds of arguments, or")
    assert len(runs(step)) == 64
    assert step.explain().endswith("others: run eagerly 15 times, past 64 kinds or versions")


def test_numbers_that_are_others_at_each_step_are_forgotten():
    h = SimpleNamespace(sum=0.0)

    def function(x, i):
        h.sum = h.sum + i
        return x * h.sum

    step = by_numpy(function, state=h)
    ((at, _),) = warnings_of(step, [((np.ones(1), i), i * (i + 1) / 2) for i in range(100)])
    assert at == len(step._moving) == 64


def test_there_is_no_program_before_it_is_recorded():
    step = tg.compiled(lambda x: x)
    assert step.explain() == "nothing is recorded yet"
    with pytest.raises(RuntimeError, match="call it twice"):
        step.program  # noqa: B018 - it is the reading that raises


def test_within_no_grad_it_is_another_version():
    training = Training()
    step = tg.compiled(training.model, state=training.model)
    x, _ = batches(1)[0]
    for _ in range(3):
        with tg.no_grad():
            inside = step(x)
        np.testing.assert_array_equal(inside.data, step(x).data)


def test_who_watches_operations_sees_them():
    step = tg.compiled(lambda x: tg.Tensor(x, requires_grad=True) * np.inf)
    step(np.ones(1))
    with tg.detect_anomaly(), pytest.raises(tg.AnomalyError), np.errstate(invalid="ignore"):
        step(np.zeros(1))


def test_a_scan_of_nothing_gives_no_losses():
    training = Training()
    assert (
        tg.compiled(training.step, state=training.state).scan(np.ones((0, 2)), np.ones(0, int), batch_size=4).size == 0
    )
    assert training.bits() == Training().bits()


@pytest.mark.parametrize("order", [None, np.arange(10)[::-1], np.stack([np.arange(10), np.arange(10)[::-1]])])
def test_scan_is_a_loop_over_minibatches(order):
    data = batches(1, rows=10)[0]
    ours, twin = Training(), Training()
    losses = by_numpy(ours.step, state=ours.state).scan(*data, batch_size=4, epochs=2, order=order)
    orders = np.broadcast_to(np.arange(10) if order is None else order, (2, 10))
    expected = [twin.step(*[a[rows[i : i + 4]] for a in data]).item() for rows in orders for i in (0, 4, 8)]
    np.testing.assert_array_equal(losses, expected)
    assert ours.bits() == twin.bits()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ((np.ones(3), np.ones(4)), {"batch_size": 2}, "equal numbers of rows"),
        ((np.ones(3),), {"batch_size": 0}, "batch_size must be a positive integer, got 0"),
        ((np.ones(3),), {"batch_size": 2, "epochs": 1.5}, "epochs must be a positive integer, got 1.5"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1]}, "order must hold row numbers"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1, -1]}, "numbers of the 3 rows, got -1 to 1"),
        ((np.ones(3),), {"batch_size": 2, "order": [0, 1, 3]}, "numbers of the 3 rows, got 0 to 3"),
        ((np.ones(3), np.ones(())), {"batch_size": 2}, "equal numbers of rows"),
        ((np.ones((3, 2)),), {"batch_size": 3}, r"one number, got float64 of shape \(3, 2\)"),
        ((np.array([None]),), {"batch_size": 1}, r"one number, got object"),
    ],
)
def test_scan_refuses(arrays, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tg.compiled(lambda x, *_: x).scan(*arrays, **options)


NO_LOSS = {
    "None": lambda loss: None,
    "a tuple of 2": lambda loss: (loss, 1),
    "a dict of 1": lambda loss: {"loss": loss},
    "a list of 0": lambda loss: [],
    "float64 of shape (2,)": lambda loss: np.repeat(loss.data, 2),
}


@pytest.mark.parametrize("known", [0, 1, 4])
@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize(("what", "made"), NO_LOSS.items(), ids=NO_LOSS)
def test_a_scan_of_a_step_that_gives_no_loss_changes_nothing(what, made, native, known):
    ours, (x, t) = Training(optim.Adam, layers=[tg.nn.Dropout(0.2, rng=3)]), batches(1, rows=8)[0]
    step = tg.compiled(lambda x, t: made(ours.step(x, t)), state=ours.state, native=native)
    for _ in range(known):
        step(x[:4], t[:4])
    before = ours.bits()
    with pytest.raises(ValueError, match="returns its loss, one number, got " + re.escape(what)):
        step.scan(x, t, batch_size=4, epochs=2)
    assert ours.bits() == before


@pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
def test_a_compiled_step_within_another_has_a_graph_from_the_first_call_on(native):
    training, twin = Training(), Training()
    predict = tg.compiled(lambda x: training.model(x), state=training.model, native=native)

    def step(x, t):
        training.optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(predict(x), t)
        loss.backward()
        training.optimizer.step()
        return loss

    compiled = tg.compiled(step, state=training.state, native=native)
    for x, t in batches(6):
        predict(x)  # which is known, so that a program could run it
        np.testing.assert_allclose(compiled(x, t).item(), twin.step(x, t).item(), rtol=1e-12)
