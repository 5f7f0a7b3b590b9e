"""Programs that might keep a number, a length or an array from when they were recorded, on others than those."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import every_operation
from tests.compiling.test_operations import REFUSED

BOTH_WAYS = pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
ONES, GREAT = np.ones(2), np.full(2, 100.0)


def both_small(x, y):
    return np.where((np.sum(x) < 10) & (np.max(y) < 5), x, 0.0)


def either_great(x, y):
    return np.where(np.logical_or(np.sum(x) > 10, np.max(y) > 5), x, 0.0)


def as_small(x, y):
    return np.where((np.sum(x) < 10) == (np.max(y) < 5), x, 0.0)


def mean_where(x, y):
    rows = np.where(y > 5)[0]
    return np.sum(x * (y > 5)) / (1 + len(rows))


def mean_of_nonzero(x, y):
    return np.sum(x) / (1 + (y > 5).nonzero()[0].size)


def mean_of_unique(x, y):
    values, inverse = np.unique(y, return_inverse=True)
    return np.sum(x) / values.shape[0] + inverse


@BOTH_WAYS
@pytest.mark.parametrize("function", [both_small, either_great, as_small, mean_where, mean_of_nonzero, mean_of_unique])
@pytest.mark.parametrize("recorded", [(ONES, ONES), (GREAT, GREAT), (GREAT, ONES)], ids=["ones", "great", "mixed"])
def test_truth_values_and_lengths(function, recorded, native):
    step = tg.compiled(function, native=native)
    for _ in range(3):
        step(*recorded)
    for others in [(GREAT, ONES), (ONES, GREAT), (ONES, ONES), (GREAT, GREAT), (ONES, np.array([1.0, 9.0]))]:
        np.testing.assert_array_equal(step(*others), function(*others))


def repeated(step):
    """Call it until it is recorded."""
    for _ in range(3):
        step()


@pytest.mark.parametrize(**every_operation())
@np.errstate(all="ignore")  # for numbers may leave the domain
def test_an_operation_of_arrays_that_the_step_replaces(row, variant):
    names = [f"x{i}" for i in range(len(variant.arrays))]

    def step(held):
        arrays = [getattr(held, name) for name in names]
        result = row.on(*arrays, **variant.options)
        for i, (name, x) in enumerate(zip(names, arrays)):
            y = x * 0.96875
            setattr(held, name, y if i else np.reshape(y, np.shape(x)))  # the first by a view
        return result

    ours, twin = (SimpleNamespace(**dict(zip(names, map(np.array, variant.arrays)))) for _ in range(2))
    compiled = tg.compiled(lambda: step(ours), state=ours)
    if row.name in REFUSED:
        with pytest.raises(tg.TracingError, match=REFUSED[row.name]):
            repeated(compiled)
        return
    for _ in range(5):
        got, want = (x if isinstance(x, (tuple, list)) else [x] for x in (compiled(), step(twin)))
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-11, atol=1e-11)


KINDS = [
    (1, 1.0),
    (1, True),
    (1.0, np.float64(1.0)),
    (np.int64(3), 3),
    (0.0, -0.0),
    (-0.0, 0.0),
    (np.float64(0.0), -0.0),
]


@BOTH_WAYS
@pytest.mark.parametrize(("first", "second"), KINDS, ids=repr)
@pytest.mark.parametrize("holder", [list, dict, SimpleNamespace], ids=["list", "dict", "object"])
def test_equal_numbers_of_other_kinds(first, second, holder, native):
    box = {list: [None], dict: {"k": None}, SimpleNamespace: SimpleNamespace(k=None)}[holder]

    def put(k):
        if holder is list:
            box[0] = k
        elif holder is dict:
            box["k"] = k
        else:
            box.k = k

    def function(x):
        k = box[0] if holder is list else box["k"] if holder is dict else box.k
        return x * k, np.copysign(1.0 + x, k)

    step, x = tg.compiled(function, native=native), np.array([1, 2])
    for k in (first, first, first, second, first, second):
        put(k)
        for ours, expected in zip(step(x), function(x), strict=True):
            assert (ours.dtype, ours.tolist()) == (expected.dtype, expected.tolist())


def reset(held, x):
    y = x * held.scale
    held.scale = 1.0
    return y


def progress(held, x):
    held.scale = held.count / 4
    return x + held.scale


def chosen(held, x):
    y = x + held.array
    held.array = ZERO
    return y


def anew(held, x):
    y = x + held.array
    held.array = np.full(2, 3.0)
    return y


ZERO = np.zeros(2)


@BOTH_WAYS
@pytest.mark.parametrize("function", [reset, progress, chosen, anew])
def test_what_a_step_stores_though_it_is_there_already(function, native):
    ours, twin = (SimpleNamespace(scale=1.0, count=4, array=ZERO) for _ in range(2))
    step, x = tg.compiled(lambda x: function(ours, x), state=ours, native=native), np.ones(2)
    for i in range(9):
        if i in (4, 6):
            for held in (ours, twin):
                held.scale, held.count, held.array = 5.0, i, np.full(2, float(i))
        np.testing.assert_array_equal(step(x), function(twin, x))
        assert ours.scale == twin.scale
        np.testing.assert_array_equal(ours.array, twin.array)


@BOTH_WAYS
def test_writes_into_a_parameter_that_the_step_replaces(native):
    def learning():
        layer = tg.nn.Linear(2, 2, rng=0)

        def step(x):
            loss = (layer(x) ** 2).sum()
            layer.weight.grad = layer.bias.grad = None
            loss.backward()
            for p in layer.parameters():
                p.data = p.data - 0.1 * p.grad
            return loss

        return layer, step

    (layer, step), (twin, eager) = learning(), learning()
    compiled, x = tg.compiled(step, state=layer, native=native), np.array([[1.0, 2.0]])
    for i in range(9):
        for one in (layer, twin):
            np.clip(one.weight.data, -0.3, 0.3, out=one.weight.data)
            one.bias.data[0] = i
        np.testing.assert_allclose(compiled(x).item(), eager(x).item(), rtol=1e-12)
        np.testing.assert_allclose(layer.weight.data, twin.weight.data, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64])
def test_generators_of_every_kind(bits):
    ours, twin = (tg.nn.Dropout(0.5, rng=np.random.Generator(bits(1))) for _ in range(2))
    step = tg.compiled(lambda x: ours(x), state=ours)
    for _ in range(5):
        np.testing.assert_array_equal(step(np.ones(20)), twin(np.ones(20)))


def weight_of_a_trained_model(optimizer):
    """A weak reference to the weight of a model that compiled steps have trained."""
    model = tg.nn.Linear(2, 3, rng=0)
    trained = optimizer(model)

    @tg.compiled(state=(model, trained))
    def step(x):
        trained.zero_grad()
        loss = (model(x) ** 2).sum()
        loss.backward()
        trained.step()
        return loss

    for _ in range(3):
        step(np.ones((1, 2)))
    return weakref.ref(model.weight.data)


@pytest.mark.parametrize("optimizer", [tg.optim.Adam, tg.optim.RMSprop, tg.optim.NAdam])
def test_models_are_freed_with_their_steps(optimizer):
    weight = weight_of_a_trained_model(optimizer)
    gc.collect()
    assert weight() is None
