"""Reductions over any axes, and products, of arrays in every layout."""

import itertools

import numpy as np
import pytest

from tests.compiling.native.test_elementwise import close, numbers
from tests.compiling.native.writing import Writer, native
from tinygrad_np.compiling.native import blas, engine
from tinygrad_np.compiling.native.instructions import Opaque, Product

SHAPES = [(4, 3), (3, 40), (40, 3), (2, 3, 4), (5, 1, 17), (33, 18), (7,), (1000,), (0, 3), (3, 0), (1, 1)]
REDUCTIONS = [np.add, np.multiply, np.logical_or, np.logical_and, np.maximum, np.minimum, np.logaddexp]


def axes_of(shape):
    yield None
    for n in range(1, len(shape) + 1):
        yield from itertools.combinations(range(len(shape)), n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.bool_])
def test_reductions_over_any_axes(dtype):
    rng = np.random.default_rng(0)
    arrays = [numbers(dtype, rng, s) for s in SHAPES]
    w = Writer(*arrays)
    kept = []
    for x in w.arrays:
        for axis, ufunc, keepdims in itertools.product(axes_of(x.shape), REDUCTIONS, (True, False)):
            if x.size == 0 and ufunc in (np.maximum, np.minimum, np.logaddexp):
                continue
            if np.dtype(dtype).kind != "f" and ufunc is np.logaddexp:
                continue
            if ufunc is not np.add and (x.ndim == 3 or keepdims or x.size > 200):
                continue
            kept.append(w(ufunc.reduce, x, axis=axis, keepdims=keepdims))
            if x.ndim == 2 and ufunc is np.add:
                kept.append(w(ufunc.reduce, x.T, axis=axis, keepdims=keepdims))
    program = native(w, kept)
    for got, want in zip(program(*arrays), kept):
        assert got.dtype == want.dtype
        tolerance = 1e-12 if want.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    assert all(not isinstance(i, Opaque) for k in program.bound.kernels for i in k.instructions)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_logarithm_of_sums_of_exponentials_at_infinities(dtype):
    x = np.array([[1.0, 2.0], [np.inf, 0.0], [-np.inf, -np.inf], [1e4, -1e4], [np.nan, 0.0]], dtype)
    w = Writer(x)
    with np.errstate(all="ignore"):
        want = w(np.logaddexp.reduce, *w.arrays, axis=(1,), keepdims=True)
    close(native(w, want)(x), want)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_matrices_and_vectors_in_every_layout(dtype):
    rng = np.random.default_rng(0)
    kept, arrays = [], []
    sizes = [(4, 2, 3), (1, 1, 1), (7, 5, 9), (33, 17, 40), (6, 0, 4), (0, 3, 2), (2, 3, 0), (13, 70, 70)]
    for n, k, m in sizes:
        arrays += [numbers(dtype, rng, s) for s in ((n, k), (k, m), (k, n), (m, k))]
    w = Writer(*arrays)
    for a, b, at, bt in itertools.batched(w.arrays, 4) if hasattr(itertools, "batched") else fours(w.arrays):
        kept += [w(np.dot, x, y) for x in (a, at.T) for y in (b, bt.T)]
        kept += [w(np.matmul, a, b)]
        if a.shape[0] and b.shape[1]:
            kept += [w(np.dot, a[0], b), w(np.dot, a, b[:, 0]), w(np.dot, a[0], b[:, 0]), w(np.dot, a[::2], b)]
    program = native(w, kept)
    for got, want in zip(program(*arrays), kept):
        assert got.dtype == want.dtype
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * 30)
    assert all(not isinstance(i, Opaque) for k in program.bound.kernels for i in k.instructions)


def fours(arrays):
    return [arrays[i : i + 4] for i in range(0, len(arrays), 4)]


def test_products_of_more_axes_and_of_mixed_dtypes():
    rng = np.random.default_rng(0)
    arrays = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5)), rng.integers(0, 9, (5, 3))
    w = Writer(*arrays, arrays[1].astype(np.float32))
    x, weight, whole, single = w.arrays
    kept = [
        w(np.dot, x, weight),
        w(np.dot, weight, whole),
        w(np.dot, x.transpose(2, 0, 1), x[0, :, 0]),
        w(np.dot, x[0], single),
    ]
    program = native(w, kept)
    assert all(not isinstance(i, Opaque) for k in program.bound.kernels for i in k.instructions)
    for got, want in zip(program(*w.arrays), kept):
        close(got, want)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_products_go_to_blas(dtype):
    pytest.importorskip("scipy")
    rng = np.random.default_rng(0)
    a, b = numbers(dtype, rng, (128, 100)), numbers(dtype, rng, (100, 110))
    c, d = numbers(dtype, rng, (100, 128)), numbers(dtype, rng, (110, 100))
    w = Writer(a, b, c, d)
    a1, b1, c1, d1 = w.arrays
    kept = [w(np.dot, x, y) for x in (a1, c1.T) for y in (b1, d1.T)]
    program = native(w, kept)
    assert "dgemm" in program.bound.layout.slots or "sgemm" in program.bound.layout.slots
    products = [i for kernel in program.bound.kernels for i in kernel.instructions if isinstance(i, Product)]
    assert {i.right.memory for i in products} <= set(w.arguments)  # where they are, without a copy
    for got, want in zip(program(a, b, c, d), kept):
        tolerance = 1e-11 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * 30)


def test_without_scipy_large_products_are_native_too(monkeypatch):
    monkeypatch.setattr(blas, "blas", lambda name: 0)
    a, b = np.random.default_rng(0).standard_normal((2, 110, 110))
    w = Writer(a, b)
    want = w(np.dot, *w.arrays)
    program = native(w, want)
    assert "dgemm" not in program.bound.layout.slots
    np.testing.assert_allclose(program(a, b), want, rtol=1e-11, atol=1e-11)


def test_machines_with_shorter_vectors_get_the_same_numbers(monkeypatch):
    here = engine.machine()
    x, y = np.random.default_rng(0).standard_normal((2, 9, 9))
    for width in (16, 32):
        monkeypatch.setattr(here, "vector_bytes", width)
        w = Writer(x, y)
        a, b = w.arrays
        kept = [w(np.dot, a, b.T), w(np.add.reduce, w(np.tanh, a), axis=(0,)), w(np.add.reduce, a, axis=(1,))]
        for got, want in zip(native(w, kept)(x, y), kept):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_reductions_of_a_part_that_start_with_a_number(dtype):
    rng = np.random.default_rng(0)
    x, where = (rng.normal(size=(3, 5)) * 4).astype(dtype), rng.random((3, 5)) > 0.5
    w = Writer(x, where)
    x, where = w.arrays
    kept = []
    for ufunc in (np.maximum, np.minimum, np.add, np.multiply):
        kept.append(w(ufunc.reduce, x, axis=(1,), keepdims=True, initial=2, where=where))
        kept.append(w(ufunc.reduce, x, axis=None, keepdims=False, initial=-3, where=where[:, :1]))
    program = native(w, kept)
    assert not [i for k in program.bound.kernels for i in k.instructions if isinstance(i, Opaque)]
    for got, want in zip(program(x, where), kept):
        np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_whether_all_numbers_are_near_others():
    nan, inf = np.nan, np.inf
    pairs = [(1.0, 1.0), (1.0, 1.0 + 1e-9), (1.0, 1.1), (inf, inf), (-inf, inf), (1.0, inf), (nan, nan), (0.0, 1e-9)]
    w = Writer(*[np.array([pair]) for pair in pairs])
    kept = [w(np.allclose, a[:, 0], a[:, 1], 1e-5, 1e-8, same) for a in w.arrays for same in (False, True)]
    program = native(w, kept)
    assert not [i for k in program.bound.kernels for i in k.instructions if isinstance(i, Opaque)]
    assert [bool(got) for got in program(*w.arrays)] == [bool(want) for want in kept]
