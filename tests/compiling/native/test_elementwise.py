"""Ufuncs, casts, choices and copies of arrays in every layout: one program a dtype and layout, all functions in it."""

import numpy as np
import pytest

from tests.compiling.native.writing import Writer, native
from tinygrad_np.compiling.native.functions import FUNCTIONS
from tinygrad_np.compiling.native.instructions import Opaque
from tinygrad_np.compiling.values import cast

FLOATS, WHOLE = (np.float64, np.float32), (np.int64, np.int32, np.uint8, np.bool_)
POSITIVE = {np.log, np.log2, np.log10, np.sqrt, np.power, np.float_power, np.reciprocal}
INSIDE = {np.arcsin, np.arccos, np.arctanh, np.log1p}  # functions of numbers between −1 and 1
LAYOUTS = {
    "contiguous": lambda a: a[:4, :5],
    "transposed": lambda a: a[:5, :4].T,
    "strided": lambda a: a[::2, ::3][:4, :5],
    "backwards": lambda a: a[3::-1, 4::-1],
    "broadcast": lambda a: np.broadcast_to(a[:1, :5], (4, 5)),
    "long": lambda a: a[:, :37],
    "empty": lambda a: a[:0, :5],
    "scalar": lambda a: a[0, 0:1].reshape(()),
}


def numbers(dtype, rng, shape=(9, 40)):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        x = rng.standard_normal(shape) * 3
        x.flat[::17] = 0
        return x.astype(dtype)
    return rng.integers(0, 2 if dtype.kind == "b" else 50, shape).astype(dtype)


def close(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    tolerance = 1e-12 if want.dtype == np.float64 else 2e-6
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=0)


def accepts(ufunc, dtype):
    """Whether NumPy has the function for the dtype, in dtypes that native code knows."""
    try:
        types = ufunc.resolve_dtypes((*[np.dtype(dtype)] * ufunc.nin, None))
    except TypeError:
        return False
    return all(t.char != "e" for t in types)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*FLOATS, *WHOLE])
def test_every_function_gives_what_numpy_gives(dtype, layout):
    rng = np.random.default_rng(0)
    w = Writer(numbers(dtype, rng), numbers(dtype, rng))
    x, y = w.arrays
    kept = []
    with np.errstate(all="ignore"):
        for ufunc in (f for f in FUNCTIONS if accepts(f, dtype)):
            a, b = LAYOUTS[layout](x), LAYOUTS[layout](y)
            if np.dtype(dtype).kind == "f" and ufunc in POSITIVE | INSIDE | {np.arccosh}:
                a = w(np.absolute, a)
                a = w(np.add, a, 1.5) if ufunc is np.arccosh else a
                a = w(np.minimum, a, 0.9) if ufunc in INSIDE else a
            kept.append(w(ufunc, *(a, b)[: ufunc.nin]))
        program = native(w, tuple(kept))
        left = [i for k in program.bound.kernels for i in k.instructions if isinstance(i, Opaque)]
        assert not left or dtype in WHOLE
        for got, want in zip(program(*w.arrays), kept):
            close(got, want)


def test_limits_of_the_functions_that_are_written_out_here():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, 1e300, -1e300, 5e-324, 710.0, -745.2])
    functions = [np.exp, np.expm1, np.log, np.log1p, np.tanh, np.sign, np.isnan, np.isinf, np.isfinite, np.signbit]
    functions += [np.reciprocal, np.sqrt, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp]
    for dtype in FLOATS:
        with np.errstate(all="ignore"):
            w = Writer(x.astype(dtype), x[::-1].astype(dtype))
            kept = [w(f, *w.arrays[: f.nin]) for f in functions]
        for got, want in zip(native(w, kept)(*w.arrays), kept):
            close(got, want)
            there = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(got[there]), np.signbit(want[there]))


@pytest.mark.parametrize("dtype", [*FLOATS, *WHOLE])
def test_casts_where_and_python_numbers(dtype):
    rng = np.random.default_rng(0)
    w = Writer(numbers(dtype, rng), numbers(dtype, rng), numbers(bool, rng))
    x, y, c = w.arrays
    kept = [w(np.where, c, x, y), w(np.where, c[:, ::2], x[:1, 20:], 0), w(np.multiply, x, 2), w(np.add, x, 0.5)]
    kept += [w(cast, x, d) for d in (*FLOATS, np.bool_)]
    if np.dtype(dtype).kind != "f":
        kept += [w(cast, x, d) for d in WHOLE]
    kept += [w(np.power, x, p) for p in (2, 1)] + [w(np.copy, x.T), w(np.concatenate, [x, y[:2]], axis=0)]
    kept += [w(np.reshape, x[:, 1:5].T, (6, 6)), w(np.zeros_like, x), w(np.full_like, x, 1)]
    program = native(w, kept)
    left = {i.call.function for k in program.bound.kernels for i in k.instructions if isinstance(i, Opaque)}
    assert left <= (set() if np.dtype(dtype).kind == "f" else {np.power})
    for got, want in zip(program(*w.arrays), kept):
        close(got, want)


def test_mixed_dtypes_follow_numpys_promotion():
    rng = np.random.default_rng(0)
    arrays = [numbers(d, rng) for d in (np.float32, np.int32, np.bool_, np.float64)]
    w = Writer(*arrays)
    kept = [w(np.add, a, b) for a in w.arrays for b in w.arrays] + [w(np.multiply, a, np.float64(2)) for a in w.arrays]
    for got, want in zip(native(w, kept)(*arrays), kept):
        close(got, want)


def test_stores_into_views_are_seen_by_what_reads_the_memory_otherwise():
    rng = np.random.default_rng(0)
    w = Writer(rng.standard_normal((6, 8)), live=[state := rng.standard_normal(48)])
    (x,) = w.arrays
    first = state.copy()
    whole = state.reshape(6, 8)
    w(np.multiply, whole[:, 1], 2.0, out=whole[:, 1])
    seen = w(np.add, whole, x)
    w(np.add, whole[2:5], x[:3], out=whole[2:5])
    w(np.subtract, state, 1.0, out=state)
    again = w(np.copy, whole.T)
    want, kept = state.copy(), (seen.copy(), again.copy())
    state[:] = first
    for got, expected in zip(native(w, (seen, again))(x), kept):
        close(got, expected)
    close(state, want)


def test_what_one_instruction_reads_and_a_later_one_overwrites():
    """Shifted by one element, the loops of both must not be one."""
    w = Writer(live=[state := np.arange(40.0)])
    first = state.copy()
    before = w(np.multiply, state[:-1], 2.0)
    w(np.add, state[1:], before, out=state[1:])
    after = w(np.multiply, state, 1.0)
    want = after.copy()
    state[:] = first
    close(native(w, after)(), want)
