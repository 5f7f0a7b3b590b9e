"""Shape rules: every kind of index, joins, and arrangements, over shapes that hypothesis chooses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tinygrad_np.rules import shape as rules

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


def check_index(shape, index):
    """Value and gradient of x[index] by the element numbers that NumPy picks: each counts as often as it was taken."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    x = numbers + 0.5
    t = tg.Tensor(x, requires_grad=True)
    y = t[index]
    np.testing.assert_array_equal(y.data, np.asarray(x[index]), strict=True)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, y.shape)
    y.backward(weights, retain_graph=True)
    expected = np.bincount(np.ravel(numbers[index]), np.ravel(weights), numbers.size).reshape(shape)
    np.testing.assert_allclose(t.grad, expected, rtol=1e-14)
    curved = tg.gradients((y**3 * weights).sum(), t, create_graph=True)
    np.testing.assert_allclose(curved.data, 3 * expected * x**2, rtol=1e-13)
    second = tg.gradients(curved.sum(), t, create_graph=True)
    np.testing.assert_allclose(second.data, 6 * expected * x, rtol=1e-13)


@given(SHAPES, st.data())
def test_basic_indices(shape, data):
    check_index(shape, data.draw(hnp.basic_indices(shape, allow_newaxis=True)))


@given(SHAPES, st.data())
def test_arrays_of_integers_as_indices(shape, data):
    check_index(shape, data.draw(hnp.integer_array_indices(shape)))


@given(SHAPES, st.data())
def test_masks_of_all_or_of_the_first_axes(shape, data):
    axes = data.draw(st.integers(1, len(shape)))
    check_index(shape, data.draw(hnp.arrays(bool, shape[:axes])))


@given(SHAPES, st.data())
def test_any_mixture_of_slices_integers_arrays_masks_and_new_axes(shape, data):
    length = data.draw(st.integers(0, 3))
    parts = []
    for n in shape:
        part = st.sampled_from(
            [slice(None), slice(None, None, -1), slice(1, None), slice(0, 0), -1, 0, np.int64(0), None]
        )
        part |= st.lists(st.integers(-n, n - 1), min_size=length, max_size=length)
        parts.append(data.draw(part))
    if data.draw(st.booleans()):
        parts[data.draw(st.integers(0, len(parts) - 1)) :] = [Ellipsis]
    if data.draw(st.booleans()):
        parts = [data.draw(hnp.arrays(bool, shape[:1])), *parts[1:]]
    try:
        np.empty(shape)[tuple(parts)]
    except IndexError:  # lists and a mask of different lengths: an error in NumPy too
        with pytest.raises(IndexError):
            tg.Tensor(np.empty(shape))[tuple(parts)]
        return
    check_index(shape, tuple(parts))


def test_an_element_taken_twice_gets_both_gradients():
    x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 1]].backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [11, 100, 0])


@pytest.mark.parametrize(
    "index", [1, slice(1, 3), (slice(None), None), Ellipsis, np.int64(1), (1, slice(None, None, -1))]
)
def test_basic_indices_do_without_the_slow_scatter(index):
    assert rules.is_basic(index)


@pytest.mark.parametrize(
    "index", [[1], np.array([1]), True, np.True_, (0, [1]), np.array(1), (slice(None), np.array([True]))]
)
def test_other_indices_need_the_scatter_that_adds_up(index):
    assert not rules.is_basic(index)


@pytest.mark.parametrize("wrap", [lambda i: i, lambda i: (slice(None), i), list])
def test_an_index_changed_after_its_use_does_not_move_the_gradient(wrap):
    x = tg.Tensor(np.ones((3, 3)), requires_grad=True)
    index = np.array([0, 1])
    used = wrap(index)
    y = x[used].sum()
    expected = tg.gradients(y, x).data
    index[...] = 2
    if isinstance(used, list):
        used[0] = 2
    y.backward()
    np.testing.assert_array_equal(x.grad, expected)


def test_put_adds_up_what_lands_on_one_element():
    y = rules.put(np.array([1.0, 10.0, 100.0]), index=[0, 0, 2], shape=(3,))
    np.testing.assert_array_equal(y, [11, 0, 100])


@given(SHAPES, st.data())
def test_reshape_and_back(shape, data):
    size = int(np.prod(shape))
    first = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    target = data.draw(st.sampled_from([(first, size // first), (-1, first), (size,), -1, (1, size, 1)]))
    x = np.arange(float(size)).reshape(shape)
    t = tg.Tensor(x, requires_grad=True)
    y = t.reshape(target)
    np.testing.assert_array_equal(y.data, x.reshape(target))
    y.backward(x.reshape(target))
    np.testing.assert_array_equal(t.grad, x)


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


@pytest.mark.parametrize("axes", [(0,), (0, 0), (0, 2), (0, 1, 2)])
def test_axes_that_are_no_permutation_are_numpys_error(axes):
    with pytest.raises(ValueError, match=r"transpose\(float64 \(2, 3\), "):
        np.transpose(tg.Tensor(np.ones((2, 3))), axes)


@pytest.mark.parametrize("axis", [0, -1])
def test_a_scalar_has_no_axis_to_transpose(axis):
    with pytest.raises(ValueError, match=r"axes don't match|out of bounds"):
        tg.Tensor(1.0).transpose(axis)


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


def test_a_view_of_the_data_is_shared_as_in_numpy():
    x = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for y in (x[0], x.T, x.reshape(-1), x.swapaxes(0, 1), np.broadcast_to(x, (4, 2, 3))):
        assert np.shares_memory(y.data, x.data)
