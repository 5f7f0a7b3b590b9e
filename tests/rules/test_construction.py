"""Ranges and grids beyond their rows: dtypes, bases, extremes, bad input."""

import numpy as np
import pytest

import tinygrad_np as tg


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    "f", [lambda a: np.linspace(0.0, a, 3), lambda a: np.linspace(a, 5, 4), lambda a: np.logspace(0, a, 3)]
)
def test_python_numbers_beside_a_tensor_are_weak(f, dtype):
    t = tg.Tensor(np.array([1, 2], dtype), requires_grad=True)
    assert f(t).dtype == dtype


def test_an_array_of_bases_broadcasts_with_the_ends():
    base = np.array([2.0, 3.0])
    for start, axis in ((0.0, 0), (np.array([0.0, 1.0]), -1)):
        y = np.logspace(start, 2.0, 4, base=tg.Tensor(base, requires_grad=True), axis=axis)
        np.testing.assert_allclose(y.data, np.logspace(start, 2.0, 4, base=base, axis=axis), rtol=1e-14)


def test_a_ratio_beyond_the_range_of_the_dtype():
    t = tg.Tensor(1e-200, requires_grad=True)
    with np.errstate(all="raise"):
        y = np.geomspace(t, 1e200, 5)
        y[1:4].sum().backward()
    np.testing.assert_allclose(y.data, [1e-200, 1e-100, 1, 1e100, 1e200], rtol=1e-13)
    assert np.isfinite(t.grad)


@pytest.mark.parametrize(("start", "stop"), [(-1.0, 1.0), (0.0, 1.0)])
def test_no_constant_ratio_passes_through_zero(start, stop):
    with pytest.raises(ValueError, match=r"geomspace.*no constant ratio.*same sign"):
        np.geomspace(tg.Tensor(start), stop)


def test_a_grid_has_two_kinds_of_indexing():
    with pytest.raises(ValueError, match=r"meshgrid.*indexing must be 'xy' or 'ij', got 'ji'"):
        np.meshgrid(tg.Tensor([1.0]), [2.0], indexing="ji")


def test_full_like_keeps_the_gradient_of_its_value():
    x, c = tg.Tensor([1.0, 2.0, 3.0]), tg.Tensor(2.0, requires_grad=True)
    np.sum(np.full_like(x, c) * x).backward()
    assert c.grad == 6
    assert type(np.full_like(x, 7.0)) is np.ndarray
