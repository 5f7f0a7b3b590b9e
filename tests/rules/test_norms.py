"""Norms: every order, kinks and ties, zeros, and what NumPy refuses."""

import numpy as np
import pytest

import tinygrad_np as tg


def leaf(x, dtype=float):
    return tg.Tensor(np.array(x, dtype), requires_grad=True)


INF = np.inf
PLANE = [[3.0, -3.0], [-1.0, 5.0]]  # sums of sizes are 6 and 6 in the rows, 4 and 8 in the columns
SPREAD = [[0.0, 2.0, 0.0], [-1.0, 0.0, 0.0]]  # singular values are 2 and 1

KNOWN = {
    "length": ([3.0, -4.0], {}, 5, [0.6, -0.8]),
    "sum of sizes, one 0": ([3.0, -4.0, 0.0], {"ord": 1}, 7, [1, -1, 0]),
    "largest": ([3.0, -4.0], {"ord": INF}, 4, [0, -1]),
    "largest, a tie": ([4.0, -4.0, 1.0], {"ord": INF}, 4, [0.5, -0.5, 0]),
    "smallest, a tie": ([2.0, -2.0, 4.0], {"ord": -INF}, 2, [0.5, -0.5, 0]),
    "p = 3, one 0": ([1.0, -2.0, 0.0], {"ord": 3}, 9 ** (1 / 3), [9 ** (-2 / 3), -4 * 9 ** (-2 / 3), 0]),
    "p = 1/2, one 0": ([1.0, 4.0, 0.0], {"ord": 0.5}, 9, [3, 1.5, 0]),
    "p = -1": ([2.0, -2.0], {"ord": -1}, 1, [0.25, -0.25]),
    "p = -1, one 0": ([2.0, 0.0], {"ord": -1}, 0, [0, 0]),
    "all of three axes": ([[[3.0]], [[4.0]]], {}, 5, [[[0.6]], [[0.8]]]),
    "no axes": (-2.0, {}, 2, -1),
    "Frobenius": ([[3.0, 0.0], [0.0, 4.0]], {"ord": "fro"}, 5, [[0.6, 0], [0, 0.8]]),
    "column": (PLANE, {"ord": 1}, 8, [[0, -1], [0, 1]]),
    "smallest column": (PLANE, {"ord": -1}, 4, [[1, 0], [-1, 0]]),
    "rows, a tie": (PLANE, {"ord": INF}, 6, [[0.5, -0.5], [-0.5, 0.5]]),
    "smallest row, a tie": (PLANE, {"ord": -INF}, 6, [[0.5, -0.5], [-0.5, 0.5]]),
    "spectral": (SPREAD, {"ord": 2}, 2, [[0, 1, 0], [0, 0, 0]]),
    "smallest singular value": (SPREAD, {"ord": -2}, 1, [[0, 0, 0], [-1, 0, 0]]),
    "nuclear": (SPREAD, {"ord": "nuc"}, 3, [[0, 1, 0], [-1, 0, 0]]),
    "spectral, a tie": ([[0.0, 3.0], [3.0, 0.0]], {"ord": 2}, 3, [[0, 0.5], [0.5, 0]]),
    "nuclear, a tie": ([[0.0, 3.0], [3.0, 0.0]], {"ord": "nuc"}, 6, [[0, 1], [1, 0]]),
    "nuclear of rank 1": ([[2.0, 0.0], [0.0, 0.0]], {"ord": "nuc"}, 2, [[1, 0], [0, 0]]),
    "one infinity": ([1.0, -INF, 0.0], {}, INF, [0, -1, 0]),
    "two infinities": ([INF, 2.0, -INF], {}, INF, [0.5**0.5, 0, -(0.5**0.5)]),
    "an infinite row": ([[3.0, 4.0], [INF, 1.0]], {"axis": 1}, [5, INF], [[0.6, 0.8], [1, 0]]),
    "p = 3, two infinities": ([INF, 2.0, -INF], {"ord": 3}, INF, [0.25 ** (1 / 3), 0, -(0.25 ** (1 / 3))]),
    "p = 4, one infinity": ([1.0, -INF], {"ord": 4}, INF, [0, -1]),
    "p = -1, infinities": ([INF, -INF], {"ord": -1}, INF, [0.25, -0.25]),
}


@pytest.mark.parametrize(("x", "options", "value", "slope"), KNOWN.values(), ids=KNOWN)
def test_a_known_norm_has_its_known_gradient(x, options, value, slope):
    t = leaf(x)
    with np.errstate(all="raise"):
        y = np.linalg.norm(t, **options)
        y.backward(np.ones(y.shape))
    np.testing.assert_allclose(y.data, value, rtol=1e-15)
    np.testing.assert_allclose(t.grad, slope, rtol=1e-14, atol=1e-16)


VECTOR_ORDERS = [None, 1, 2, 3, 2.5, 0.5, -1, INF, -INF]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF]


@pytest.mark.parametrize(
    ("shape", "order"), [((3,), o) for o in VECTOR_ORDERS] + [((2, 3), o) for o in MATRIX_ORDERS], ids=str
)
def test_the_gradient_at_zero_is_zero_and_so_is_the_second(shape, order):
    t = leaf(np.zeros(shape))
    with np.errstate(all="raise"):
        y = np.linalg.norm(t, order)
        slope = tg.gradients(y, t, create_graph=True)
    assert y.item() == 0
    np.testing.assert_array_equal(slope.data, np.zeros(shape))
    if order not in (2, -2, "nuc") or len(shape) == 1:
        np.testing.assert_array_equal(tg.gradients(slope.sum(), t).data, np.zeros(shape))


@pytest.mark.parametrize("order", [*MATRIX_ORDERS, "f"])
@pytest.mark.parametrize("axis", [(0, 1), (1, 0), (-1, 0), (2, -2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrices_in_any_two_axes(order, axis, keepdims):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    expected = np.linalg.norm(x, order, axis, keepdims)
    np.testing.assert_allclose(np.linalg.norm(leaf(x), order, axis, keepdims).data, expected, rtol=1e-14, strict=True)


@pytest.mark.parametrize("order", [*VECTOR_ORDERS, -2, 0])
def test_norms_of_vectors_along_one_axis_or_of_all_along_many(order):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    t = leaf(x)
    for axis in (0, -1):
        expected = np.linalg.norm(x, order, axis, True)
        np.testing.assert_allclose(plain(np.linalg.norm(t, order, axis, True)), expected, rtol=1e-14, strict=True)
    for axis in (None, 1, (0, 2), (-1, 0, 1)):
        options = {"axis": axis, "ord": 2 if order is None else order}
        for keepdims in (False, True):
            y = np.linalg.vector_norm(t, keepdims=keepdims, **options)
            expected = np.linalg.vector_norm(x, keepdims=keepdims, **options)
            np.testing.assert_allclose(plain(y), expected, rtol=1e-14)
            assert y.shape == np.shape(expected)


def plain(y):
    return y.data if isinstance(y, tg.Tensor) else y


def test_the_count_of_those_that_are_not_zero_is_a_plain_array():
    t = leaf([[0.0, 2.0], [3.0, -1.0]])
    y = np.linalg.norm(t, 0, axis=1)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, [1.0, 2.0], strict=True)


def test_even_powers_have_all_derivatives_at_zero():
    """Along (1, t) the fourth power of the norm of order 4 is 1 + t⁴, so that the norm is 1 + t⁴/4 at first."""
    t = leaf(0.0)
    y = np.linalg.norm(np.concatenate([np.ones(1), np.reshape(t, (1,))]), 4)
    slopes = []
    for _ in range(4):
        y = tg.gradients(y, t, create_graph=True)
        slopes.append(y.item())
    np.testing.assert_allclose(slopes, [0, 0, 0, 6], atol=1e-15)


def test_the_curvature_of_the_length_is_that_of_a_sphere():
    x = np.array([2.0, -1.0, 2.0])
    t = leaf(x)
    slope = tg.gradients(np.linalg.norm(t), t, create_graph=True)
    rows = [tg.gradients(slope[i], t).data for i in range(3)]
    np.testing.assert_allclose(rows, (np.eye(3) - np.outer(x, x) / 9) / 3, rtol=1e-14)


EMPTY = [((0,), None), ((0,), 1), ((0,), INF), ((0,), 3), ((0, 3), "fro"), ((0, 3), 1), ((0, 3), 2), ((0, 3), "nuc")]


@pytest.mark.parametrize(("shape", "order"), EMPTY, ids=str)
def test_the_norm_of_nothing_is_zero(shape, order):
    t = leaf(np.zeros(shape))
    y = np.linalg.norm(t, order)
    assert y.item() == np.linalg.norm(t.data, order) == 0
    y.backward()
    assert t.grad.shape == shape


CONDITIONS = [
    (None, [[4, 0], [0, 2]], 2),
    (2, [[4, 0], [0, 2]], 2),
    (-2, [[4, 0], [0, 2]], 0.5),
    (1, [[4, 0], [0, 2]], 2),
]
CONDITIONS += [(None, [[1, 0], [0, 0]], INF), (2, [[0, 0], [0, 0]], INF)]
CONDITIONS += [(p, [[1, 2], [2, 4]], INF) for p in (1, -1, INF, -INF, "fro")]


@pytest.mark.parametrize(("p", "x", "expected"), CONDITIONS)
def test_condition_numbers_are_numpys_and_infinite_ones_have_gradient_zero(p, x, expected):
    t = leaf(x)
    with np.errstate(all="raise"):
        y = np.linalg.cond(t, p)
        y.backward()
    np.testing.assert_allclose([y.item(), np.linalg.cond(t.data, p)], expected)
    assert np.any(t.grad != 0) == np.isfinite(expected)


def test_the_condition_number_of_nan_is_nan():
    with np.errstate(all="raise"):
        assert np.isnan(np.linalg.cond(leaf([[np.nan, 1], [1, 2]]), 1).item())


@pytest.mark.parametrize("p", [None, 1, "fro"])
def test_a_singular_matrix_in_a_stack_leaves_the_condition_of_the_others_as_it_is(p):
    t = leaf([[[1, 2], [2, 4]], [[4, 1], [0, 2]]])
    if p is None:  # the least singular value, rounded, need not be 0
        t = leaf([[[1, 0], [0, 0]], [[4, 1], [0, 2]]])
    with np.errstate(all="raise"):
        y = np.linalg.cond(t, p)
        y.backward(np.ones(2))
    np.testing.assert_allclose(y.data, np.linalg.cond(t.data, p))
    alone = leaf(t.data[1])
    np.linalg.cond(alone, p).backward()
    np.testing.assert_allclose(t.grad, [np.zeros((2, 2)), alone.grad], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("order", [None, 1, 3, INF])
def test_norms_that_need_no_singular_values_take_every_floating_dtype(dtype, order):
    t = leaf([1, -2, 2], dtype)
    y = np.linalg.norm(t, order)
    y.backward()
    assert y.dtype == t.grad.dtype == dtype
    np.testing.assert_allclose(y.data, np.linalg.norm(t.data.astype(float), order), rtol=1e-3)


def test_integers_have_norms_in_float64():
    t = tg.Tensor([3, 4])
    for y in (np.linalg.norm(t), np.linalg.norm(t, 3), np.linalg.vector_norm(t)):
        assert y.dtype == np.float64
    assert np.linalg.norm(t).item() == 5


MISTAKES = {
    "three axes": (lambda t: np.linalg.norm(t, 2), ValueError, r"norm\(.*3 axes are those of no vector.*axis="),
    "three given": (lambda t: np.linalg.norm(t, axis=(0, 1, 2)), ValueError, "3 axes"),
    "an axis too far": (lambda t: np.linalg.norm(t, axis=3), np.exceptions.AxisError, r"norm\(.*axis 3 is out of"),
    "an axis twice": (lambda t: np.linalg.norm(t, axis=(0, -3)), ValueError, "repeated axis"),
    "an axis by name": (lambda t: np.linalg.norm(t, axis="rows"), TypeError, r"norm\("),
    "Frobenius of a vector": (lambda t: np.linalg.norm(t, "fro", axis=0), ValueError, "a vector has no norm 'fro'"),
    "nuclear of a vector": (lambda t: np.linalg.norm(t[0, 0], "nuc"), ValueError, "a vector has no norm 'nuc'"),
    "order 3 of a matrix": (lambda t: np.linalg.norm(t[0], 3), ValueError, "a matrix has no norm 3"),
    "order 0 of a matrix": (lambda t: np.linalg.matrix_norm(t, ord=0), ValueError, "a matrix has no norm 0"),
    "a name of no norm": (lambda t: np.linalg.norm(t[0], "max"), ValueError, "a matrix has no norm 'max'"),
    "matrix_norm of a vector": (lambda t: np.linalg.matrix_norm(t[0, 0]), ValueError, r"matrix_norm\(float64 \(4,\)"),
    "condition of another shape": (lambda t: np.linalg.cond(t, 1), np.linalg.LinAlgError, "square"),
}


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_numpy_refuses_is_refused_with_its_exception(call, kind, message):
    t = leaf(np.ones((2, 3, 4)))
    with pytest.raises(kind, match=message):
        call(t)
