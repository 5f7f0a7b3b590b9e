"""The functions written out here, against the same ones in more digits: at most 2 units in the last place."""

import numpy as np
import pytest

from tests.compiling.native.writing import Writer, native

FUNCTIONS = [np.exp, np.expm1, np.log, np.log1p, np.tanh]
WIDE = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant


def arguments(dtype):
    """Near 0, around 1, up to where the exponential overflows, and of every size."""
    rng, n = np.random.default_rng(0), 20000
    parts = [rng.uniform(-1, 1, n), rng.uniform(-5, 5, n), rng.uniform(-760, 760, n), rng.uniform(-104, 89, n)]
    limits = np.finfo(dtype)
    exponents = rng.uniform(limits.minexp - 20, limits.maxexp - 1, n)
    parts += [rng.choice([-1, 1], n) * 2.0**exponents, 1 + rng.uniform(-1, 1, n) * 2.0 ** rng.uniform(-30, 0, n)]
    ends = [0.0, limits.tiny, -limits.tiny, limits.smallest_subnormal, limits.max, -limits.max, 0.625, -1, np.inf]
    return np.concatenate([*parts, ends]).astype(dtype)


def ulps(got, exact):
    """How far ``got`` is from the exact numbers, in units of the last place."""
    want = exact.astype(got.dtype)
    unit = np.spacing(np.maximum(np.abs(want), np.finfo(got.dtype).tiny)).astype(np.longdouble)
    far = np.abs(got.astype(np.longdouble) - exact) / unit
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0, np.where(np.isfinite(want), far, np.inf))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_at_most_two_units_in_the_last_place(dtype):
    if dtype == np.float64 and not WIDE:
        pytest.skip("this machine has no wider floats to compare with")
    x = arguments(dtype)
    with np.errstate(all="ignore"):
        w = Writer(x)
        program = native(w, [w(f, *w.arrays) for f in FUNCTIONS])
        wide = x.astype(np.longdouble if dtype == np.float64 else np.float64)
        for function, got in zip(FUNCTIONS, program(x)):
            far = ulps(got, function(wide))
            assert far.max() <= 2, (function, x[far.argmax()], far.max())
