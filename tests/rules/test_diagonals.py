"""Diagonals and triangles: literal values, every diagonal of every shape, and NumPy's errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg


def leaf(*shape):
    """A leaf whose elements are all different."""
    return tg.Tensor(np.arange(1.0, np.prod(shape) + 1).reshape(shape), requires_grad=True)


@given(hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4), st.integers(-5, 5), st.data())
def test_every_diagonal_of_any_shape_through_second_order(shape, offset, data):
    axis1, axis2 = data.draw(hnp.valid_tuple_axes(len(shape), min_size=2, max_size=2))
    t = leaf(*shape)
    y, numbers = np.diagonal(t, offset, axis1, axis2), np.arange(t.size).reshape(shape)
    np.testing.assert_array_equal(y.data, np.diagonal(t.data, offset, axis1, axis2))
    np.testing.assert_array_equal(np.trace(t, offset, axis1, axis2).data, np.trace(t.data, offset, axis1, axis2))
    on_it = np.isin(numbers, np.diagonal(numbers, offset, axis1, axis2))
    slope = tg.gradients((y**3).sum(), t, create_graph=True)
    np.testing.assert_allclose(slope.data, np.where(on_it, 3 * t.data**2, 0), rtol=1e-13)
    np.testing.assert_allclose(tg.gradients(slope.sum(), t).data, np.where(on_it, 6 * t.data, 0), rtol=1e-13)


@given(st.integers(0, 4), st.integers(-3, 3))
def test_a_matrix_made_of_a_diagonal_gives_it_back(n, k):
    t = leaf(n)
    y = np.diag(t, k)
    np.testing.assert_array_equal(y.data, np.diag(t.data, k), strict=True)
    np.testing.assert_array_equal(np.diag(y, k).data, t.data)
    y.backward(np.arange(float(y.size)).reshape(y.shape))
    np.testing.assert_array_equal(t.grad, np.diag(np.arange(float(y.size)).reshape(y.shape), k))


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (2, 3, 2), (40, 30)])
@pytest.mark.parametrize("triangle", [np.tril, np.triu])
def test_triangles_of_small_and_large_matrices_are_numpys(triangle, shape):
    for k in (-2, 0, 1):
        t = leaf(*shape)
        y = triangle(t, k)
        np.testing.assert_array_equal(y.data, triangle(t.data, k), strict=True)
        y.backward(np.full(y.shape, np.inf))
        expected = triangle(np.full(y.shape, np.inf), k)
        np.testing.assert_array_equal(t.grad, expected.sum(0) if len(shape) == 1 else expected)


def test_known_gradients():
    x = leaf(2, 3)
    g = np.arange(1.0, 7.0).reshape(2, 3)
    for y, seed, expected in [
        (np.trace(x), 5.0, [[5, 0, 0], [0, 5, 0]]),
        (np.trace(x, offset=2), 5.0, [[0, 0, 5], [0, 0, 0]]),
        (np.trace(x, -1), 5.0, [[0, 0, 0], [5, 0, 0]]),
        (np.diag(x, 1), [5.0, 7.0], [[0, 5, 0], [0, 0, 7]]),
        (np.tril(x), g, [[1, 0, 0], [4, 5, 0]]),
        (np.triu(x, 1), g, [[0, 2, 3], [0, 0, 6]]),
    ]:
        np.testing.assert_array_equal(tg.gradients(y, x, output_gradients=seed).data, expected)


def test_the_functions_of_linalg_take_the_last_two_axes():
    x = leaf(2, 3, 4)
    for ours, expected in [
        (np.linalg.diagonal(x, offset=1), np.diagonal(x.data, 1, 1, 2)),
        (np.linalg.trace(x), np.trace(x.data, 0, 1, 2)),
        (np.linalg.matrix_transpose(x), x.data.swapaxes(1, 2)),
    ]:
        assert ours.requires_grad
        np.testing.assert_array_equal(ours.data, expected)


def test_a_vector_is_each_row_of_its_triangle():
    x = leaf(3)
    y = np.tril(x)
    np.testing.assert_array_equal(y.data, np.tril(x.data))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 2, 1])


def test_what_a_triangle_leaves_out_does_not_leak():
    x = tg.Tensor([[1.0, np.inf], [np.nan, 2.0]], requires_grad=True)
    diagonal = np.triu(np.tril(x))
    np.testing.assert_array_equal(diagonal.data, [[1, 0], [0, 2]])
    diagonal.backward([[3.0, np.nan], [np.inf, 4.0]])
    np.testing.assert_array_equal(x.grad, [[3, 0], [0, 4]])


REFUSED = {
    "a vector's diagonal": (lambda x: np.diagonal(x[0]), ValueError, r"diagonal\(float64 \(3,\).*two dimensions"),
    "one axis twice": (lambda x: np.diagonal(x, 0, 1, 1), ValueError, r"diagonal\(.*cannot be the same"),
    "an axis too far": (lambda x: np.diagonal(x, 0, 0, 2), np.exceptions.AxisError, r"diagonal\(.*axis 2 is out of"),
    "a vector's trace": (lambda x: np.trace(x[0]), ValueError, r"trace\(float64 \(3,\)\)"),
    "a trace in a dtype": (lambda x: np.trace(x, dtype=np.float32), TypeError, r"trace .* does not take dtype="),
    "a stack's diag": (lambda x: np.diag(x[None]), ValueError, r"diag\(.*got 3 axes; np\.diagonal takes any"),
    "a scalar's diag": (lambda x: np.diag(x[0, 0]), ValueError, r"diag\(.*got 0 axes"),
    "written in place": (lambda x: np.fill_diagonal(x, 0.0), TypeError, r"np\.fill_diagonal on a Tensor is not"),
}


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_numpys_error_with_the_operations_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(2, 3))
