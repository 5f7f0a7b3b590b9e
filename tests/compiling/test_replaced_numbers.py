"""Numbers of the state that a step replaces by what NumPy computed: running averages, maxima, counters, losses."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches, by_numpy, runs

X = np.random.default_rng(0).normal(size=(24, 3))


def average(h, x):
    h.avg = 0.9 * h.avg + 0.1 * np.mean(x)
    return np.sum(x) * h.avg


def average_of_float32(h, x):
    return average(h, x.astype(np.float32))


def in_a_list(h, x):
    h.list[1] = 0.5 * h.list[1] + np.mean(x)
    return h.list[1] * 2


def in_a_dict(h, x):
    h.dict["avg"] = 0.5 * h.dict["avg"] + np.max(x)
    return np.sum(x)


def nested(h, x):
    h.inner.numbers[0]["a"] = np.sqrt(np.abs(h.inner.numbers[0]["a"]) + np.sum(x * x))
    return np.sum(x)


def maximum(h, x):
    h.best = np.maximum(h.best, np.sum(x))
    return h.best - np.sum(x)


def count(h, x):
    h.n = h.n + np.int64(1)
    return np.sum(x) / h.n


def count_in_place(h, x):
    h.n += np.int32(2)
    return np.sum(x) * h.n


def flag(h, x):
    h.seen = np.logical_or(h.seen, np.any(x > 1.5))
    return np.where(h.seen, np.sum(x), 0.0)


def two_that_are_the_same_at_first(h, x):
    h.avg, h.best = h.avg + np.sum(x), h.best - np.sum(x)
    return h.avg * h.best


def exchanged(h, x):
    h.avg, h.best = h.best, h.avg + np.mean(x)
    return h.best * np.sum(x)


def previous(h, x):
    h.last = h.avg
    h.avg = np.mean(x)
    return h.last + np.sum(x)


def of_a_python_number(h, x):
    h.avg = h.rate * 2.0
    h.rate = 0.5 * h.rate + np.mean(x)
    return h.avg + np.sum(x)


def power(h, x):
    h.avg = (h.avg**2 + np.mean(x)) % 3 // 0.25
    return h.avg * np.sum(x)


def by_a_function_of_numpys(h, x):
    h.avg = np.interp(h.avg, np.array([0.0, 1.0, 2.0]), x[0]) + np.mean(x)
    return np.sum(x) + h.avg


def an_array_without_axes(h, x):
    h.last = np.where(np.mean(x) > 0, np.mean(x), h.last)
    h.avg = h.avg + h.last
    return h.avg * np.float32(2)


STEPS = [
    average,
    average_of_float32,
    in_a_list,
    in_a_dict,
    nested,
    maximum,
    count,
    count_in_place,
    flag,
    two_that_are_the_same_at_first,
    exchanged,
    previous,
    of_a_python_number,
    power,
    by_a_function_of_numpys,
    an_array_without_axes,
]


def numbers():
    inner = SimpleNamespace(numbers=[{"a": 0.0}])
    return SimpleNamespace(
        avg=0.0, best=0.0, last=0.0, rate=0.25, n=0, seen=False, list=[3.0, 0.0], dict={"avg": 0.0}, inner=inner
    )


def described(thing):
    """All that an object holds, with its types."""
    if isinstance(thing, (list, dict, SimpleNamespace)):
        inner = vars(thing) if isinstance(thing, SimpleNamespace) else thing
        return [described(x) for x in (inner.values() if isinstance(inner, dict) else inner)]
    return type(thing), np.asarray(thing).dtype, np.asarray(thing).item()


def assert_same(ours, expected, tolerance):
    if isinstance(expected, list):
        for a, b in zip(ours, expected, strict=True):
            assert_same(a, b, tolerance)
        return
    assert ours[:2] == expected[:2]
    np.testing.assert_allclose(ours[2], expected[2], rtol=tolerance)


def reset(h, i):
    """What a user sets between two steps: Python's numbers where NumPy's are now, and the other way round."""
    if i in (7, 13):
        h.avg, h.best, h.last, h.rate, h.n, h.seen = 0.0, 0.0, 0.0, 0.25, 0, False
        h.list[1] = h.dict["avg"] = h.inner.numbers[0]["a"] = 0.0
    if i == 18:
        h.avg, h.best, h.n, h.seen = np.float64(1.5), np.float32(2.5), np.int32(4), np.bool_(False)
        h.list[1], h.dict["avg"], h.inner.numbers[0]["a"] = np.float64(-1), np.float32(1), np.float64(3)


def beside(function, native):
    """A state, its twin for eager steps, the compiled step of the first, and how far they may differ."""
    ours = numbers()
    step = tg.compiled(lambda x: function(ours, x), state=ours, native=native)
    return ours, numbers(), step, 0 if native is False else 1e-5 if "float32" in function.__name__ else 1e-12


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
@pytest.mark.parametrize("function", STEPS, ids=lambda f: f.__name__)
def test_numbers_are_read_at_each_step(function, native):
    ours, twin, step, tolerance = beside(function, native)
    for i in range(24):
        for h in (ours, twin):
            reset(h, i)
        got, expected = step(X[i : i + 1]), function(twin, X[i : i + 1])
        assert_same(described(got), described(expected), tolerance)
        assert_same(described(ours), described(twin), tolerance)
    assert len(runs(step)) <= 6  # where two numbers change kinds in turn


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
@pytest.mark.parametrize("function", STEPS, ids=lambda f: f.__name__)
def test_numbers_within_scans(function, native):
    ours, twin, step, tolerance = beside(function, native)
    for i in range(3):
        if i == 2:
            for h in (ours, twin):
                reset(h, 7)
        got = step.scan(X, batch_size=2, epochs=2)
        expected = [function(twin, X[k : k + 2]) for _ in range(2) for k in range(0, 24, 2)]
        np.testing.assert_allclose(got, expected, rtol=tolerance)
        assert_same(described(ours), described(twin), tolerance)


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_averages_of_losses_and_gradients_beside_training(dtype, native):
    def watched():
        training = Training(tg.optim.Adam, dtype)
        h = SimpleNamespace(loss=0.0, norm=0.0, best=np.inf, steps=0, latest=None)

        def step(x, t):
            loss = training.step(x, t)
            h.loss = 0.9 * h.loss + 0.1 * loss.data
            h.norm = 0.9 * h.norm + 0.1 * np.linalg.norm(training.model[0].weight.grad)
            h.best = np.minimum(h.best, loss.data)
            h.steps = h.steps + np.int64(1)
            h.latest = loss.data
            return loss

        return step, h, (*training.state, h)

    (eager, twin, _), (replayed, ours, state) = watched(), watched()
    step = tg.compiled(replayed, state=state, native=native)
    tolerance = 0 if native is False else 1e-4 if dtype == np.float32 else 1e-12
    for i, (x, t) in enumerate(batches(20, dtype=dtype)):
        if i == 10:
            ours.loss = twin.loss = 0.0
        np.testing.assert_allclose(step(x, t).data, eager(x, t).data, rtol=tolerance)
        for name, expected in vars(twin).items():
            got = getattr(ours, name)
            assert type(got) is type(expected)
            assert np.asarray(got).dtype == np.asarray(expected).dtype, name
            np.testing.assert_allclose(got, expected, rtol=tolerance)


def test_a_number_of_numpys_that_stays_is_structure():
    h = SimpleNamespace(n=np.int64(3), scale=np.float32(2))
    step = by_numpy(lambda x: sum(x[i] for i in range(h.n)) * h.scale if h.scale > 1 else x[0], state=h)
    for i in range(8):
        if i == 4:
            h.n, h.scale = np.int64(2), np.float32(0.5)
        np.testing.assert_array_equal(step(X[i : i + 4]), step.step(X[i : i + 4]))


@pytest.mark.parametrize("others", [(2.0, np.float64(2)), (2, 2.0), (np.float32(2), np.float64(2)), (1, True)])
def test_an_equal_number_of_another_kind_is_another_version(others):
    h = SimpleNamespace(scale=others[0])
    step = by_numpy(lambda x: x * h.scale, state=h)
    for i in range(10):
        h.scale = others[i // 3 % 2]
        for x in (X[0].astype(np.float32), np.arange(3)):
            assert step(x).dtype == step.step(x).dtype


def test_what_cannot_be_done_is_an_error_that_names_the_place():
    h = SimpleNamespace(pair=(0.0, 1), seen=[0.0])

    def step(x):
        h.pair = (h.pair[0] + np.mean(x), 1)

    for function, name in [(step, "pair"), (lambda x: h.seen.append(np.mean(x)), "seen")]:
        compiled = by_numpy(function, state=h)
        compiled(X)
        with pytest.raises(tg.TracingError, match=rf"changes simplenamespace.{name}"):
            compiled(X)


def test_a_tuple_of_numbers_is_read_anew():
    h = SimpleNamespace(pair=(1.0, 2.0))
    step = by_numpy(lambda x: x * h.pair[0] + h.pair[1], state=h)
    for i in range(9):
        h.pair = (np.float64(i), 2.0) if i % 3 == 2 else (float(i), 3.0)
        x = X[0].astype(np.float32)
        got, expected = step(x), step.step(x)
        assert (got.dtype, got.tobytes()) == (expected.dtype, expected.tobytes())


def test_a_decision_on_a_number_that_the_step_replaces_is_refused():
    h = SimpleNamespace(avg=0.0)

    def step(x):
        h.avg = h.avg + np.mean(x)
        return x if h.avg > 1 else -x

    compiled = by_numpy(step, state=h)
    compiled(X)
    with pytest.raises(tg.TracingError, match="a decision on"):
        compiled(X)


class Watched(tg.nn.Module):
    """A layer that keeps an average of what it saw."""

    def __init__(self):
        self.inner, self.average = tg.nn.Linear(2, 3, rng=0), 0.0

    def __call__(self, x):
        self.average = 0.9 * self.average + 0.1 * np.mean(x.data if isinstance(x, tg.Tensor) else x)
        return self.inner(x) * (1 + self.average)


@pytest.mark.parametrize("compiled", [True, "auto"])
def test_an_average_of_a_layer_in_a_trainer(compiled):
    x, t = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 3
    ours, twin = Watched(), Watched()
    for model, way in ((ours, compiled), (twin, False)):
        tg.Trainer(model, tg.softmax_cross_entropy, "adam", seed=0).fit(x, t, epochs=4, batch_size=4, compiled=way)
    np.testing.assert_allclose(ours.average, twin.average, rtol=1e-12)
    np.testing.assert_allclose(ours.inner.weight.data, twin.inner.weight.data, rtol=1e-12)


def new_attribute(h, x):
    h.average = getattr(h, "average", 0.0) * 0.5 + np.mean(x)
    return h.average


def none_at_first(h, x):
    h.best = np.max(x) if h.best is None else np.maximum(h.best, np.max(x))
    return h.best


def rounded(h, x):
    h.sum = round(h.sum, 2) + np.max(x)
    return h.sum


def of_complex_numbers(h, x):
    h.sum = 0.5 * h.sum + np.mean(x) * (1 + 2j)
    return np.abs(h.sum)


def by_a_function_of_no_native_code(h, x):
    h.sum = 0.1 * h.sum + np.linalg.norm(np.linalg.inv(np.eye(3) + h.sum * x.T @ x))
    return h.sum


def as_an_index(h, x):
    h.ring[h.at] = np.mean(x)
    h.at = (h.at + 1) % 4
    return np.sum(h.ring)


def arrays_in_turn(h, x):
    given = x - h.now + h.before
    h.before, h.now = h.now, x * 2
    return given


@pytest.mark.parametrize("native", [False, None], ids=["numpy", "native"])
@pytest.mark.parametrize(
    "function",
    [
        new_attribute,
        none_at_first,
        rounded,
        of_complex_numbers,
        by_a_function_of_no_native_code,
        as_an_index,
        arrays_in_turn,
    ],
    ids=lambda f: f.__name__,
)
def test_what_there_is_beside_floats(function, native):
    ours, twin = (
        SimpleNamespace(best=None, sum=0.0, ring=np.zeros(4), at=np.int64(0), now=np.ones((1, 3)), before=np.ones(3))
        for _ in range(2)
    )
    step = tg.compiled(lambda x: function(ours, x), state=ours, native=native)
    for i in range(24):
        got, expected = step(X[i : i + 1]), function(twin, X[i : i + 1])
        np.testing.assert_allclose(got, expected, rtol=0 if native is False else 1e-12)
    assert len(runs(step)) <= 2


def test_a_count_that_is_reset_within_a_step_is_right_and_ends_in_eager_steps():
    h = SimpleNamespace(n=0)

    def function(h, x, last):
        h.n = 0 if last else h.n + 1
        return x * h.n

    twin, step = SimpleNamespace(n=0), by_numpy(lambda x, last: function(h, x, last), state=h)
    with pytest.warns(RuntimeWarning, match="it runs eagerly from now on") as warned:
        results = [(step(X, i % 3 == 2), function(twin, X, i % 3 == 2)) for i in range(72)]
    assert len(warned) == 1
    for got, expected in results:
        np.testing.assert_array_equal(got, expected)
