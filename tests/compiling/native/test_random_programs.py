"""Straight-line programs at random, with stores into views of one flat array, against NumPy."""

import operator

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compiling.native.writing import Writer, native

UNARY = [np.tanh, np.exp, np.negative, np.absolute, np.square]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum]
REDUCTIONS = [np.add, np.maximum, np.logaddexp]


def bounded(w, x):
    """Numbers that stay near 1 however long the program is."""
    return w(np.minimum, w(np.maximum, x, -2.0), 2.0)


def view_of(draw, x):
    """A part of ``x``, or all of it, perhaps transposed."""
    for axis in range(x.ndim):
        kind = draw(st.sampled_from(["all", "all", "part", "reversed", "every other"]))
        n = x.shape[axis]
        start = draw(st.integers(0, max(0, n - 1))) if kind == "part" else 0
        index = {"part": slice(start, None), "reversed": slice(None, None, -1), "every other": slice(None, None, 2)}
        x = x[(slice(None),) * axis + (index.get(kind, slice(None)),)]
    return x.T if draw(st.booleans()) else x


def fitting(draw, pool, x):
    """An operand of the pool that broadcasts to the shape of ``x``."""
    fit = [p for p in pool if p.ndim <= x.ndim and all(a in (1, b) for a, b in zip(p.shape[::-1], x.shape[::-1]))]
    return draw(st.sampled_from(fit)) if fit else x


def add_call(draw, w, pool, state):
    x = view_of(draw, draw(st.sampled_from(pool)))
    kind = draw(st.sampled_from(["unary", "binary", "reduce", "dot", "store", "update", "where"]))
    if kind == "unary":
        return bounded(w, w(draw(st.sampled_from(UNARY)), x))
    if kind == "binary":
        return bounded(w, w(draw(st.sampled_from(BINARY)), x, fitting(draw, pool, x)))
    if kind == "where":
        return w(np.where, w(np.less, x, 0.5), x, fitting(draw, pool, x))
    if kind == "reduce" and x.ndim and x.size:
        axis = draw(st.sampled_from([None, *[(a,) for a in range(x.ndim)]]))
        function = draw(st.sampled_from(REDUCTIONS)).reduce
        return bounded(w, w(function, x, axis=axis, keepdims=draw(st.booleans())))
    if kind == "dot" and x.ndim == 2:
        others = [p for p in pool if p.ndim == 2 and p.shape[0] == x.shape[1]]
        return bounded(w, w(np.dot, x, draw(st.sampled_from(others)))) if others else None
    target = view_of(draw, state.reshape(6, 8) if draw(st.booleans()) else state)
    value = fitting(draw, [p for p in pool if not np.shares_memory(p, state)], target)
    if kind == "store" and value is not target:
        w(operator.setitem, target, ..., value)
    elif kind == "update":
        w(np.multiply, target, draw(st.floats(-1, 1)), out=target)
    return None


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from([np.float64, np.float32]))
def test_native_code_gives_what_numpy_gives(data, dtype):
    rng = np.random.default_rng(0)
    state = rng.uniform(-1, 1, 48).astype(dtype)
    before = state.copy()
    arguments = [rng.uniform(-1, 1, s).astype(dtype) for s in [(6, 8), (8, 6), (1, 8), (6, 1), (8,), (17,), ()]]
    w = Writer(*arguments, live=[state])
    pool = [*w.arrays, state, state.reshape(6, 8)]
    for _ in range(data.draw(st.integers(1, 12))):
        made = add_call(data.draw, w, pool, state)
        if made is not None:
            pool.append(made)
    made = pool[len(arguments) + 2 :]
    want = [m.copy() for m in made]
    after = state.copy()
    state[:] = before
    program = native(w, made)
    tolerance = 1e-11 if dtype == np.float64 else 1e-4
    for got, expected in zip(program(*arguments), want):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(state, after, rtol=tolerance, atol=tolerance)
