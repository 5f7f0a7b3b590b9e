"""Live arrays whose headers change in place, between steps: shape, strides, dtype, memory, whether they are writable.

The array is the same object then, so no comparison of objects sees it.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches

BACKENDS = pytest.mark.parametrize("native", [None, False], ids=["native", "NumPy"])
IN_PLACE = pytest.mark.filterwarnings("ignore:Setting the (shape|dtype|strides):DeprecationWarning")


def reshaped(a):
    a.shape = (2, 1)


def of_another_kind(a):
    a.dtype = np.int64


def backwards(a):
    a.strides = (0,)


def shorter(a):
    a.resize(1, refcheck=False)


def elsewhere(a):
    """The memory is another, and of what was there before nobody knows."""
    a.resize(10_000, refcheck=False)
    a.resize(2, refcheck=False)
    a[:] = 5, 6


CHANGES = pytest.mark.parametrize("change", [reshaped, of_another_kind, backwards, shorter, elsewhere])


def settled(function, *arguments, **options):
    """The compiled function after calls that settle it."""
    step = tg.compiled(function, **options)
    for _ in range(4):
        step(*arguments)
    assert "run" in step.explain()
    return step


def assert_same(ours, expected):
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(ours, expected)


@IN_PLACE
@CHANGES
@BACKENDS
@pytest.mark.parametrize("state", [False, True], ids=["closed over", "state"])
def test_an_array_that_is_read(change, native, state):
    """Its length too, which is a constant of the program, and a view of it."""
    held = SimpleNamespace(a=np.array([1.0, 2.0]))

    def step(x):
        return x + held.a * len(held.a) + held.a[:1]

    x = np.array([1.0, 2.0])
    compiled = settled(step, x, native=native, state=held if state else ())
    change(held.a)
    for _ in range(4):
        assert_same(compiled(x), step(x))
    assert "run eagerly" in compiled.explain()


@IN_PLACE
@CHANGES
@BACKENDS
def test_an_array_that_is_written(change, native):
    ours, eager = (SimpleNamespace(a=np.array([1.0, 2.0])) for _ in range(2))

    def step(x, held=ours):
        held.a += x
        return held.a * 2

    x = np.array([1, 1])
    compiled = settled(step, x, native=native, state=ours)
    eager.a[:] = ours.a
    for held in (ours, eager):
        change(held.a)
    for _ in range(4):
        try:
            expected = step(x, eager)
        except ValueError:
            with pytest.raises(ValueError, match="broadcast"):
                compiled(x)
        else:
            assert_same(compiled(x), expected)
        assert_same(ours.a, eager.a)


@BACKENDS
def test_an_array_that_may_no_longer_be_written(native):
    held = SimpleNamespace(a=np.zeros(2))

    def step(x):
        held.a += x
        return x * 2

    compiled = settled(step, np.ones(2), native=native, state=held)
    held.a.flags.writeable = False
    for _ in range(3):
        with pytest.raises((ValueError, tg.TracingError), match=r"read-only|writes into a,"):
            compiled(np.ones(2))
    np.testing.assert_array_equal(held.a, 4)
    held.a.flags.writeable = True
    compiled(np.ones(2))
    np.testing.assert_array_equal(held.a, 5)


@BACKENDS
@pytest.mark.parametrize("other", [np.array([1.0, 2.0]), 2j, [1.0, 2.0], np.float32(2)])
def test_a_number_that_becomes_something_else(other, native):
    held = SimpleNamespace(rate=0.25)

    def step(x):
        return x * held.rate

    compiled = settled(step, np.ones(2), native=native, state=held)
    held.rate = other
    for _ in range(3):
        assert_same(compiled(np.ones(2)), step(np.ones(2)))


@IN_PLACE
def test_a_scan_sees_it_too():
    held = SimpleNamespace(a=np.array([1.0, 2.0]))

    def step(x):
        return np.sum(x + held.a)

    data = np.arange(12.0).reshape(6, 2)
    compiled = settled(step, data[:2], native=None)
    compiled.scan(data, batch_size=2)
    held.a.shape = (2, 1)
    want = [step(data[i : i + 2]) for i in (0, 2, 4)]
    np.testing.assert_allclose(compiled.scan(data, batch_size=2), want)
    np.testing.assert_allclose(compiled.scan(data, batch_size=2), want)


def test_a_parameter_that_may_no_longer_be_written():
    """The optimizer writes into the flat array behind it, eagerly and compiled: the flag of a view does not stop it."""
    (x, t), ours, twin = batches(1)[0], Training(), Training()
    compiled = settled(ours.step, x, t, state=ours.state)
    for _ in range(4):
        twin.step(x, t)
    for training in (ours, twin):
        training.model[0].weight.data.flags.writeable = False
    for _ in range(3):
        np.testing.assert_allclose(compiled(x, t).item(), twin.step(x, t).item(), rtol=1e-12)
        np.testing.assert_allclose(ours.model[0].weight.data, twin.model[0].weight.data, rtol=1e-12)
