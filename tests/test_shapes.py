"""Arithmetic on shapes: literal results, and agreement with what NumPy's reductions do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_np import shapes

KNOWN = [
    ((2, 3, 4), None, (1, 1, 1), ()),
    ((2, 3, 4), 0, (1, 3, 4), (3, 4)),
    ((2, 3, 4), -1, (2, 3, 1), (2, 3)),
    ((2, 3, 4), (0, -1), (1, 3, 1), (3,)),
    ((2, 3, 4), (), (2, 3, 4), (2, 3, 4)),
    ((0, 3), 0, (1, 3), (3,)),
    ((), None, (), ()),
    ((), (), (), ()),
]


@pytest.mark.parametrize(("shape", "axis", "kept", "remaining"), KNOWN)
def test_reduced_and_remaining_shapes(shape, axis, kept, remaining):
    assert shapes.reduced_shape(shape, axis) == kept
    assert shapes.remaining_shape(shape, axis) == remaining


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, max_side=3))
def test_shapes_are_those_of_numpys_sum(data, shape):
    axes = data.draw(hnp.valid_tuple_axes(len(shape)))
    x = np.zeros(shape)
    assert shapes.reduced_shape(shape, axes) == np.sum(x, axes, keepdims=True).shape
    assert shapes.remaining_shape(shape, axes) == np.sum(x, axes).shape


@pytest.mark.parametrize("axis", [2, -3, (0, 2)])
def test_an_axis_that_does_not_exist_is_numpys_axis_error(axis):
    for function in (shapes.reduced_shape, shapes.remaining_shape):
        with pytest.raises(np.exceptions.AxisError, match="out of bounds for array of dimension 2"):
            function((2, 3), axis)


def test_an_axis_given_twice_is_an_error():
    with pytest.raises(ValueError, match="repeated axis"):
        shapes.reduced_shape((2, 3), (0, -2))


def test_rows_keep_a_matrix_and_flatten_a_stack():
    matrix, stack, vector = np.zeros((3, 4)), np.arange(24.0).reshape(2, 3, 4), np.arange(4.0)
    assert shapes.rows(matrix) is matrix
    np.testing.assert_array_equal(shapes.rows(stack), stack.reshape(6, 4))
    assert shapes.rows(vector).shape == (1, 4)


@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
def test_reduced_axes_put_first_are_the_slices_of_a_reduction_and_go_back(data, shape):
    axes = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    x = np.random.default_rng(0).normal(size=shape)
    slices = shapes.reduced_first(x, axes)
    np.testing.assert_allclose(slices.sum(0), np.sum(x, axes), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(shapes.unreduced(slices, shape, axes), x)


def test_a_part_of_one_axis_is_all_of_the_others():
    x = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(x[shapes.along(1, slice(1, None))], x[:, 1:])
    np.testing.assert_array_equal(x[shapes.along(2, slice(None, None, -1))], x[:, :, ::-1])


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_the_order_after_a_move_is_numpys_moveaxis_and_its_inverse_undoes_it(data, shape):
    source = data.draw(st.integers(-len(shape), len(shape) - 1) | hnp.valid_tuple_axes(len(shape), min_size=0))
    n = len(source) if isinstance(source, tuple) else 1
    places = data.draw(hnp.valid_tuple_axes(len(shape), min_size=n, max_size=n))
    x, destination = np.arange(np.prod(shape)).reshape(shape), places if isinstance(source, tuple) else places[0]
    order = shapes.order_after_move(source, destination, x.ndim)
    np.testing.assert_array_equal(x.transpose(order), np.moveaxis(x, source, destination), strict=True)
    np.testing.assert_array_equal(x.transpose(order).transpose(shapes.inverse_order(order)), x, strict=True)


@pytest.mark.parametrize("axis", [0, -1, 1, True, np.int64(1), (1, -2), [1]])
def test_axes_are_counted_from_the_front_as_numpy_counts_them(axis):
    assert shapes.normalize_axes(axis, 2) == np.lib.array_utils.normalize_axis_tuple(axis, 2)


def test_two_parts_exchanged_are_a_roll():
    x = np.arange(24).reshape(2, 3, 4)
    for axis, n in enumerate(x.shape):
        for cut in range(n + 1):
            np.testing.assert_array_equal(shapes.exchanged(x, cut, axis), np.roll(x, -cut, axis))
