"""Joining and splitting: who gets which part of the gradient, mixtures with constants, and NumPy's errors."""

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


@given(st.integers(1, 4), SHAPES, st.data())
def test_concatenate_gives_each_its_part(n, shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1) | st.none())
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    shapes = [
        shape if axis is None else tuple(k if i == axis % len(shape) else m for i, m in enumerate(shape))
        for k in lengths
    ]
    arrays = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(shapes)]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = np.concatenate(tensors, axis=axis)
    np.testing.assert_array_equal(y.data, np.concatenate(arrays, axis=axis))
    y.backward(y.data)
    for t, a in zip(tensors, arrays):
        np.testing.assert_array_equal(t.grad, a)


def test_concatenate_takes_the_same_tensor_twice_and_constants_between():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    np.concatenate((x, np.ones(1), x), 0).backward([1.0, 2.0, 9.0, 10.0, 20.0])
    np.testing.assert_array_equal(x.grad, [11, 22])


def test_concatenate_takes_a_matrix_for_its_rows():
    x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = np.concatenate(x)
    np.testing.assert_array_equal(y.data, [1, 2, 3, 4])
    y.backward([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [[1, 2], [3, 4]])


@given(st.integers(1, 4), SHAPES, st.data())
def test_stack_gives_each_its_part(n, shape, data):
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    arrays = [np.random.default_rng(i).normal(size=shape) for i in range(n)]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = np.stack(tensors, axis)
    np.testing.assert_array_equal(y.data, np.stack(arrays, axis))
    y.backward(y.data)
    for t, a in zip(tensors, arrays):
        np.testing.assert_array_equal(t.grad, a)


def test_the_rows_of_a_tensor_are_a_sequence_of_arrays():
    for join in (np.stack, np.vstack, np.hstack, np.dstack, np.column_stack):
        x = leaf(2, 3)
        y = join(x)
        np.testing.assert_array_equal(y.data, join(x.data))
        y.backward(y.data)
        np.testing.assert_array_equal(x.grad, x.data)


def test_constants_and_lists_stand_beside_tensors():
    x = leaf(2)
    joined = [np.vstack([[5.0, 6.0], x]), np.hstack([7.0, x, [8.0]]), np.append(x, 9.0), np.append([9.0], x)]
    values = [[[5, 6], [0, 1]], [7, 0, 1, 8], [0, 1, 9], [9, 0, 1]]
    for y, value in zip(joined, values):
        np.testing.assert_array_equal(y.data, value)
        np.testing.assert_array_equal(tg.gradients(y.sum(), x).data, [1, 1])


def test_row_stack_is_vstack_with_numpys_warning_that_its_name_is_old():
    x = leaf(2)
    with pytest.warns(DeprecationWarning, match="vstack"):
        y = np.row_stack([x, x])  # noqa: NPY201 - the old name, as long as NumPy has it
    y.backward([[1.0, 2.0], [10.0, 20.0]])
    np.testing.assert_array_equal(x.grad, [11, 22])


BLOCKS = {
    "one array": lambda a, b: a,
    "one list": lambda a, b: [a, a],
    "rows": lambda a, b: [[a, b], [b, a]],
    "a row of one": lambda a, b: [[a], [a]],
    "three deep": lambda a, b: [[[a, b]], [[a, b]]],
    "beside constants": lambda a, b: [[a, b], [np.zeros((1, 3)), 0.0]],
    "more axes than lists": lambda a, b: [np.zeros((1, 2, 4)), a],
    "vectors": lambda a, b: [a[0], 0.0, b[:, 0]],
}


@pytest.mark.parametrize("nested", BLOCKS.values(), ids=BLOCKS)
def test_blocks_are_arranged_as_numpy_does(nested):
    a, b = (tg.Tensor(x, requires_grad=True) for x in ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0], [8.0]]))
    y, expected = np.block(nested(a, b)), np.block(nested(a.data, b.data))
    np.testing.assert_array_equal(y.data, expected)
    weights = np.arange(1.0, y.size + 1).reshape(y.shape)
    found = tg.gradients(y, [a, b], output_gradients=weights)
    sums = np.bincount(expected.astype(int).ravel(), weights.ravel(), 9)  # by the number that stands there
    np.testing.assert_array_equal(np.concatenate([g.data.ravel() for g in found]), sums[1:])


@given(st.integers(0, 7), st.integers(-3, 2), st.data())
def test_parts_are_cut_where_numpy_cuts_them(n, axis, data):
    shape = tuple(n if i == axis % 3 else 2 for i in range(3))
    cuts = data.draw(st.integers(1, 9) | st.lists(st.integers(-9, 9), max_size=4))
    t = leaf(*shape)
    parts, expected = np.array_split(t, cuts, axis), np.array_split(t.data, cuts, axis)
    assert type(parts) is type(expected) is list
    for part, e in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.data, e)
    again = np.concatenate([(part * i).reshape(-1) for i, part in enumerate(parts)])
    again.sum().backward()
    numbers = np.arange(t.size).reshape(shape)
    expected_gradient = np.zeros(t.size)
    for i, part in enumerate(np.array_split(numbers, cuts, axis)):
        np.add.at(expected_gradient, part.ravel(), i)
    np.testing.assert_array_equal(t.grad, expected_gradient.reshape(shape))


def test_the_parts_that_are_not_used_have_gradient_zero():
    x = leaf(6)
    _, middle, _ = np.split(x, 3)
    middle.backward([5.0, 7.0])
    np.testing.assert_array_equal(x.grad, [0, 0, 5, 7, 0, 0])


def test_unstack_gives_a_tuple_and_is_undone_by_stack():
    x = leaf(2, 3, 4)
    for axis in (0, 1, -1):
        parts = np.unstack(x, axis=axis)
        assert type(parts) is tuple
        assert len(parts) == x.shape[axis]
        np.testing.assert_array_equal(np.stack(parts, axis).data, x.data)


REFUSED = {
    "rows of two lengths": (lambda x: np.vstack([x, [1.0]]), ValueError, r"vstack\(.*concatenate\(.*must be equal"),
    "shapes that differ": (lambda x: np.stack([x, [1.0]]), ValueError, r"stack\(float64 \(2, 3\), float64 \(1,\)\)"),
    "a new axis too far": (lambda x: np.stack([x, x], 3), np.exceptions.AxisError, r"stack\(.*axis 3 is out of"),
    "an axis too far": (lambda x: np.concatenate([x, x], 2), np.exceptions.AxisError, r"concatenate\(.*axis 2"),
    "a dtype": (lambda x: np.hstack([x], dtype=float), TypeError, r"hstack on a Tensor does not take dtype="),
    "an output": (lambda x: np.concatenate([x], out=np.ones((2, 3))), TypeError, r"concatenate .* does not take out="),
    "depths that differ": (lambda x: np.block([[x], x]), ValueError, r"block\(.*lists nested \[0, 1\] deep"),
    "an empty list": (lambda x: np.block([[x], []]), ValueError, r"got one with an empty list"),
    "a tuple": (lambda x: np.block([x, (1, 2)]), TypeError, r"block\(.*by lists, got a tuple; write list"),
    "unequal parts": (lambda x: np.split(x, 2, 1), ValueError, r"length 3 does not divide into 2 .*np\.array_split"),
    "no parts": (lambda x: np.split(x, 0), ValueError, r"split\(.*sections must be 1 or more, got 0"),
    "cut along no axis": (lambda x: np.split(x, 1, 2), np.exceptions.AxisError, r"split\(.*axis 2 is out of bounds"),
    "rows of a vector": (lambda x: np.vsplit(x[0], 1), ValueError, r"vsplit\(.*two axes or more; np\.split"),
    "depth of a matrix": (lambda x: np.dsplit(x, 1), ValueError, r"dsplit\(.*axis 2.*three axes or more"),
    "columns of a scalar": (lambda x: np.hsplit(x[0, 0], 1), ValueError, r"hsplit\(.*axis 0 is out of bounds"),
    "a scalar's parts": (lambda x: np.unstack(x[0, 0]), ValueError, r"unstack\(float64 \(\)\).*out of bounds"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_numpys_error_with_the_operations_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(2, 3))
