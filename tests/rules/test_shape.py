"""Shape rules: reshaping, and axes that are moved, added and dropped, over shapes that hypothesis chooses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


def leaf(*shape):
    """A leaf whose elements are all different."""
    return tg.Tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)


@given(SHAPES, st.sampled_from("CF"), st.data())
def test_reshape_and_back(shape, order, data):
    size = int(np.prod(shape))
    first = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    target = data.draw(st.sampled_from([(first, size // first), (-1, first), (size,), -1, (1, size, 1)]))
    t = leaf(*shape)
    y = np.reshape(t, target, order)
    np.testing.assert_array_equal(y.data, t.data.reshape(target, order=order))
    y.backward(y.data)
    np.testing.assert_array_equal(t.grad, t.data)


@given(SHAPES, st.data())
def test_transpose_by_any_permutation_counted_from_either_end(shape, data):
    n = len(shape)
    axes = tuple(a - n * data.draw(st.booleans()) for a in data.draw(st.permutations(range(n))))
    x = np.random.default_rng(0).normal(size=shape)
    t = tg.Tensor(x, requires_grad=True)
    y = t.transpose(axes)
    np.testing.assert_array_equal(y.data, x.transpose(axes))
    y.backward(y.data)
    np.testing.assert_array_equal(t.grad, x)


@given(SHAPES, st.data())
def test_axes_move_to_where_numpy_moves_them_and_the_gradient_moves_back(shape, data):
    n = len(shape)
    axis = st.integers(-n, n - 1)
    a, b, start = data.draw(axis), data.draw(axis), data.draw(st.integers(-n, n))
    for move in (lambda x: np.moveaxis(x, a, b), lambda x: np.rollaxis(x, a, start), lambda x: np.swapaxes(x, a, b)):
        t = leaf(*shape)
        y = move(t)
        np.testing.assert_array_equal(y.data, move(t.data))
        y.backward(y.data)
        np.testing.assert_array_equal(t.grad, t.data)


def test_what_is_a_view_in_numpy_shares_the_data():
    x = leaf(2, 3)
    views = [x[0], x.T, x.reshape(-1), x.swapaxes(0, 1), np.broadcast_to(x, (4, 2, 3)), np.ravel(x)]
    views += [np.moveaxis(x, 0, 1), np.squeeze(x[None]), np.expand_dims(x, 1), np.atleast_3d(x), np.diagonal(x)]
    views += [np.flip(x, 0), np.rot90(x), *np.split(x, 2), *np.broadcast_arrays(x, np.ones(3))[:1]]
    for y in views:
        assert np.shares_memory(y.data, x.data)


def test_several_arrays_come_back_in_the_container_that_numpy_gives():
    x, constant = leaf(3), np.ones((2, 1))
    for function in (np.broadcast_arrays, np.atleast_1d, np.atleast_2d, np.atleast_3d):
        ours, numpys = function(x, constant), function(x.data, constant)
        assert type(ours) is type(numpys) is tuple
        assert isinstance(ours[0], tg.Tensor)
        assert type(ours[1]) is np.ndarray  # a constant array stays one
        for a, b in zip(ours, numpys):
            np.testing.assert_array_equal(np.asarray(getattr(a, "data", a)), b)


def test_what_has_axes_enough_is_given_back_as_it_is():
    x = leaf(2, 3)
    assert np.atleast_2d(x) is x
    assert np.atleast_1d(x) is x


def test_a_broadcast_argument_gets_the_sum():
    x, y = leaf(3), leaf(2, 1)
    a, b = np.broadcast_arrays(x, y)
    (a * 2 + b * 10).backward([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(x.grad, [10, 14, 18])
    np.testing.assert_array_equal(y.grad, [[60], [150]])


REFUSED = {
    "elements that do not fit": (lambda x: np.reshape(x, (4, 4)), ValueError, r"reshape\(float64 \(2, 3\), \(4, 4\)\)"),
    "an order by memory": (lambda x: np.reshape(x, -1, "A"), ValueError, r"order 'A' depends on .*'C' \(by rows\)"),
    "ravel by memory": (lambda x: np.ravel(x, "K"), ValueError, r"ravel\(.*order 'K' depends on"),
    "a copy asked for": (lambda x: np.reshape(x, -1, copy=True), TypeError, r"reshape on a Tensor does not take copy="),
    "one axis too few": (lambda x: np.transpose(x, (0,)), ValueError, r"transpose\(float64 \(2, 3\), \(0,\)\)"),
    "an axis twice": (lambda x: np.transpose(x, (0, 0)), ValueError, r"transpose\(float64 \(2, 3\), "),
    "an axis too far": (lambda x: np.transpose(x, (0, 2)), ValueError, r"transpose\(float64 \(2, 3\), "),
    "an axis too many": (lambda x: np.transpose(x, (0, 1, 2)), ValueError, r"transpose\(float64 \(2, 3\), "),
    "no matrix": (lambda x: np.matrix_transpose(x[0]), ValueError, r"matrix_transpose\(float64 \(3,\)\).*a matrix"),
    "moved from nowhere": (lambda x: np.moveaxis(x, 2, 0), np.exceptions.AxisError, r"moveaxis\(.*axis 2 is out of"),
    "moved twice": (lambda x: np.moveaxis(x, (0, 0), (0, 1)), ValueError, r"moveaxis\(.*repeated axis"),
    "moved to fewer": (lambda x: np.moveaxis(x, (0, 1), 0), ValueError, r"moveaxis\(.*same number"),
    "rolled to nowhere": (lambda x: np.rollaxis(x, 0, 3), np.exceptions.AxisError, r"start must lie between -2 and 2"),
    "rolled before all": (lambda x: np.rollaxis(x, 0, -3), np.exceptions.AxisError, r"between -2 and 2, got -3"),
    "a long axis dropped": (lambda x: np.squeeze(x, 0), ValueError, r"squeeze\(float64 \(2, 3\), 0\): cannot select"),
    "an axis added twice": (lambda x: np.expand_dims(x, (0, 0)), ValueError, r"expand_dims\(.*repeated axis"),
    "an axis added too far": (lambda x: np.expand_dims(x, 3), np.exceptions.AxisError, r"axis 3 is out of bounds"),
    "no common shape": (lambda x: np.broadcast_arrays(x, np.ones(2)), ValueError, r"broadcast_arrays\(.*mismatch"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_numpys_error_with_the_operations_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(2, 3))


@pytest.mark.parametrize("axis", [0, -1])
def test_a_scalar_has_no_axis_to_transpose(axis):
    with pytest.raises(ValueError, match=r"axes don't match|out of bounds"):
        tg.Tensor(1.0).transpose(axis)
