"""Gathers and stores by arrays of indices, with their bounds; guards; draws; calls left to NumPy."""

import operator

import numpy as np
import pytest

from tests.compiling.native.test_elementwise import close
from tests.compiling.native.writing import Writer, native
from tinygrad_np.compiling.native import CheckError, Native, NotNativeError
from tinygrad_np.compiling.native.instructions import Opaque
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Call, GuardError, Scalar, Value, guard


def opaque(program):
    return [i for k in program.bound.kernels for i in k.instructions if isinstance(i, Opaque)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("whole", [np.int64, np.int32, np.uint8])
def test_rows_and_elements_by_index(dtype, whole):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (5, 7, 3)).astype(dtype)
    rows, columns = rng.integers(0, 5, 20).astype(whole), rng.integers(0, 7, (20,)).astype(whole)
    w = Writer(x, rows, columns)
    a, i, j = w.arrays
    kept = [w(operator.getitem, a, i), w(operator.getitem, a, (i, j)), w(operator.getitem, a[:, 0, 0], i)]
    kept += [w(operator.getitem, a.T, (i[:3] * 0, j[:3])), w(np.take, a, i, axis=0)]
    kept += [w(operator.getitem, a[..., 0], (i[:, None], j[None])), w(operator.getitem, a, i[:0])]
    kept.append(w(np.ravel_multi_index, (i, j), (5, 7)))
    program = native(w, kept)
    assert not opaque(program)
    for got, want in zip(program(x, rows, columns), kept):
        close(got, want)


def test_indices_below_zero_count_from_the_end_and_bounds_are_checked():
    x, index = np.arange(12.0).reshape(4, 3), np.array([-1, 0, -4, 3])
    w = Writer(x, index)
    a, i = w.arrays
    want = w(operator.getitem, a, i)
    program = native(w, want)
    close(program(x, index), want)
    for wrong in (4, -5, 2**40):
        with pytest.raises(CheckError, match=r"an index into an array of shape \(4, 3\) is out of range"):
            program(x, np.array([0, 1, 2, wrong]))


@pytest.mark.parametrize("n", [1, 3, 8, 21])
def test_one_hot_stores_and_labels_out_of_range_write_nothing(n):
    labels = np.random.default_rng(0).integers(0, 3, n)
    w = Writer(labels, live=[state := np.zeros((n, 3))])
    (t,) = w.arrays
    index = w(np.ravel_multi_index, (np.arange(n), t), (n, 3))
    w(operator.setitem, state.reshape(-1), index, 1)
    want = state.copy()
    state[:] = 0
    program = native(w, ())
    program(labels)
    close(state, want)
    state[:] = 7
    for wrong in (3, -1):
        labels[-1] = wrong
        with pytest.raises(CheckError, match="an index is outside an array of shape"):
            program(labels)
        assert (state[-1] == 7).all()


def test_stores_by_index_the_last_of_equal_ones_counts():
    x, index = np.arange(24.0).reshape(8, 3), np.array([2, 2, 0, 5, 5, 5, 1, 0])
    w = Writer(x, index, live=[state := np.zeros((6, 3))])
    a, i = w.arrays
    w(operator.setitem, state, i, a)
    w(operator.setitem, state[:, 1], slice(1, 3), 9.0)
    want = state.copy()
    state[:] = 0
    program = native(w, ())
    assert not opaque(program)
    program(x, index)
    close(state, want)


def test_a_guard_stops_the_step_before_anything_is_written():
    x = np.array([1.0, 2.0])
    w = Writer(x, live=[state := np.zeros(2)])
    (a,) = w.arrays
    count = w(np.count_nonzero, a)
    w(guard, w(np.equal, count, 2), True)
    w(np.add, state, a, out=state)
    program = native(w, ())
    assert not opaque(program)
    state[:] = 0
    program(x)
    close(state, x)
    with pytest.raises(GuardError, match="an answer that was True when the step was recorded is False"):
        program(np.array([1.0, 0.0]))
    close(state, x)


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.SFC64, np.random.Philox])
def test_draws_are_the_generators_own_bit_for_bit(bits):
    draws = [((3, 5), np.float64), ((7,), np.float32), ((4,), np.float64), ((2,), np.float32)]
    rng, twin = np.random.Generator(bits(5)), np.random.Generator(bits(5))
    w = Writer()
    first = [w(rng.random, shape, dtype) for shape, dtype in draws]
    program = native(w, first)
    assert not opaque(program)
    for got in (first, program(), program()):
        for array, (shape, dtype) in zip(got, draws):
            close(array, twin.random(shape, dtype))
    close(rng.random(3), twin.random(3))


def test_labels_are_checked_before_anything_is_drawn_or_written():
    rng = np.random.default_rng(0)
    w = Writer(np.arange(4), live=[state := np.zeros((4, 3))])
    (t,) = w.arrays
    w(np.add, state, w(rng.random, (4, 3), np.float64), out=state)
    flat = w(np.ravel_multi_index, (np.arange(4), t), (4, 4))
    program = native(w, w(operator.getitem, w(np.multiply, np.ones((4, 4)), 2.0).reshape(-1), flat))
    state[:] = 0
    before = rng.bit_generator.state
    with pytest.raises(CheckError):
        program(np.array([0, 1, 2, 4]))
    assert rng.bit_generator.state == before
    assert not state.any()
    close(program(np.arange(4)), np.full(4, 2.0))


def test_what_native_code_cannot_do_numpy_does_between():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6))
    w = Writer(x, live=[state := np.zeros((4, 6))])
    (a,) = w.arrays
    y = w(np.multiply, a, 2.0)
    z = w(np.sort, y, axis=1)
    w(np.add, z, w(np.tanh, a), out=state)
    spectrum = w(np.cumsum, z, axis=0)
    out = w(np.subtract, spectrum, 1.0)
    want, first = out.copy(), state.copy()
    program = native(w, (out, w.arrays[0]))
    assert len(opaque(program)) == 2
    state[:] = 0
    close(program(x)[0], want)
    close(state, first)
    assert not program.scans


def test_python_numbers_are_read_at_each_step():
    settings = {"rate": 0.5, "power": 3}
    rate = Scalar(lambda: settings["rate"])
    w = Writer(np.ones(3))
    (a,) = w.arrays
    scale = Scalar(operator.sub, (1, Scalar(operator.pow, (rate, Scalar(lambda: settings["power"])))))
    strange = Scalar(lambda value: {0.5: 1.0, 0.25: 2.0}[value], (rate,))
    kept = [w(np.multiply, a, scale), w(np.add, a, strange)]
    program = native(w, kept)
    for settings["rate"] in (0.5, 0.25):
        first, second = program(np.ones(3))
        close(first, np.full(3, 1 - settings["rate"] ** 3))
        close(second, np.full(3, 2.0 if settings["rate"] == 0.5 else 3.0))


def test_what_looks_like_a_basic_index_or_a_default_but_is_none():
    x = np.arange(24.0).reshape(2, 3, 4)
    w = Writer(x)
    (a,) = w.arrays
    kept = [w(operator.getitem, a, True), w(operator.getitem, a, np.False_), w(np.reshape, a, (4, 6), "F")]
    kept += [w(np.concatenate, [a, a], 1), w(np.concatenate, [a, a], None), w(np.concatenate, [a, a], axis=-1)]
    empty = w(np.multiply, a[:0], 2.0)
    kept += [w(np.add.reduce, empty, axis=None, keepdims=False), w(np.copy, a[..., 1:2])]
    for got, want in zip(native(w, kept)(x), kept):
        close(got, want)


def test_a_view_that_moves_with_numbers_is_refused():
    start = Scalar(lambda: 1)
    x = Value((4,), np.dtype(float), (8,))
    part = Value((3,), np.dtype(float), (8,), x, 8)
    call = Call(operator.getitem, (x, slice(start, None)), {}, part)
    with pytest.raises(NotNativeError, match="moves with numbers"):
        Native(Program([x], [call], part))


def test_a_call_that_gives_several_arrays():
    x = np.arange(4.0).reshape(2, 2) + np.eye(2)
    value, pair = Value((2, 2), np.dtype(float), (16, 8)), Value((), np.dtype(object), ())
    parts = [Value((), np.dtype(float), ()) for _ in range(2)]
    calls = [Call(np.linalg.slogdet, (value,), {}, pair)]
    calls += [Call(operator.getitem, (pair, i), {}, part) for i, part in enumerate(parts)]
    double = Value((), np.dtype(float), ())
    calls.append(Call(np.multiply, (parts[1], 2.0), {}, double))
    program = Native(Program([value], calls, (*parts, double)))
    sign, logarithm = np.linalg.slogdet(x)
    assert program(x) == (sign, logarithm, 2 * logarithm)
