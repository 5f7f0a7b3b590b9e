"""Indexing: every kind of index that NumPy takes, and what picks elements by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tinygrad_np.rules import indexing

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


def leaf(*shape):
    """A leaf whose elements are all different."""
    return tg.Tensor(np.arange(1.0, np.prod(shape) + 1).reshape(shape), requires_grad=True)


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


NEVER_TWICE = [1, slice(1, 3), (slice(None), None), Ellipsis, np.int64(1), (1, slice(None, None, -1)), True, np.True_]
NEVER_TWICE += [np.array([True]), [True, False], (slice(None), np.array([True]))]


@pytest.mark.parametrize("index", NEVER_TWICE)
def test_slices_integers_and_masks_do_without_the_slow_scatter_that_adds_up(index):
    assert not indexing.may_repeat(index)


@pytest.mark.parametrize("index", [[1], np.array([1]), (0, [1]), np.array(1), ([True], [0, 0])])
def test_arrays_of_integers_may_take_an_element_twice(index):
    assert indexing.may_repeat(index)


def test_an_index_that_cannot_change_is_not_copied():
    for index in (1, slice(1, 2), Ellipsis, None, np.int64(1), True, (1, None, slice(None))):
        assert indexing.frozen(index) == index
    assert indexing.frozen(np.int64(1)).__class__ is np.int64  # as an array it would copy what it picks


@given(st.integers(1, 4), st.integers(0, 60), st.sampled_from([np.int64, np.int8, np.uint8]), st.data())
def test_many_rows_are_put_back_as_few_are(width, n, dtype, data):
    """From a hundred elements on the rows are numbered element by element; numbers of rows must not overflow."""
    low = 0 if dtype is np.uint8 else -100
    index = data.draw(hnp.arrays(dtype, (n,), elements=st.integers(low, 99)))
    check_index((100, width), index)
    check_index((100, width), (index, slice(None, None, -1)))
    check_index((width, 100), (slice(None), index))
    check_index((2, width, 100), (Ellipsis, index))
    check_index((2, 2, 100, width), (np.array([[False, False], [True, False]]), index))


@pytest.mark.parametrize("n", [3, 4097])
def test_float16_gradients_are_added_exactly(n):
    """In float16 itself 2048 + 1 is 2048."""
    x = tg.Tensor(np.ones(2, np.float16), requires_grad=True)
    x[np.zeros(n, int)].backward(np.ones(n))
    np.testing.assert_array_equal(x.grad, np.array([n, 0], np.float16), strict=True)


def test_long_doubles_are_added_as_such():
    x = tg.Tensor(np.ones(2, np.longdouble), requires_grad=True)
    tiny = np.finfo(np.longdouble).eps
    x[[0, 0]].backward(np.array([1, tiny], np.longdouble))
    assert x.grad[0] - 1 == tiny


def test_infinite_gradients_stay_where_they_belong():
    x = leaf(3)
    with np.errstate(all="raise"):
        x[[0, 1, 1]].backward([np.inf, 1.0, np.nan])
    np.testing.assert_array_equal(x.grad, [np.inf, np.nan, 0])


def test_a_tensor_of_integers_or_a_comparison_is_an_index():
    x = leaf(4)
    for y in (x[tg.Tensor([0, 2])], x[x > 2], np.take(x, tg.Tensor([0, 2])), x[tg.Tensor([0]), None]):
        assert y.requires_grad
    with pytest.raises(TypeError, match="would lose the gradient"):
        x[leaf(2)]


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
    y = indexing.put(np.array([1.0, 10.0, 100.0]), index=[0, 0, 2], shape=(3,))
    np.testing.assert_array_equal(y, [11, 0, 100])


UPDATES = {
    "one element": (1, 9.0, [1, 9, 3], [1, 0, 1], 20),
    "a slice with one value": (slice(1, None), 9.0, [1, 9, 9], [1, 0, 0], 320),
    "a mask": ([True, False, True], [8.0, 9.0], [8, 2, 9], [0, 1, 0], [1, 300]),
    "an array": ([2, 0], [8.0, 9.0], [9, 2, 8], [0, 1, 0], [300, 1]),
    "twice, and the later wins": ([1, 1], [8.0, 9.0], [1, 9, 3], [1, 0, 1], [0, 20]),
    "twice with one value": ([1, 1], 9.0, [1, 9, 3], [1, 0, 1], 20),
    "from the end and from the start": ([-1, 2], [8.0, 9.0], [1, 2, 9], [1, 1, 0], [0, 300]),
    "nothing": ([], 9.0, [1, 2, 3], [1, 1, 1], 0),
    "all": (Ellipsis, [7.0, 8.0, 9.0], [7, 8, 9], [0, 0, 0], [1, 20, 300]),
    "a leading axis too many": (slice(0, 2), [[8.0, 9.0]], [8, 9, 3], [0, 0, 1], [[1, 20]]),
}


@pytest.mark.parametrize(("index", "value", "y", "kept", "passed"), UPDATES.values(), ids=UPDATES)
def test_an_update_passes_the_gradient_to_whatever_is_in_the_result(index, value, y, kept, passed):
    x, value = leaf(3), tg.Tensor(value, requires_grad=True)
    found = tg.index_update(x, index, value)
    np.testing.assert_array_equal(found.data, y)
    np.testing.assert_array_equal(x.data, [1, 2, 3])
    found.backward([1.0, 20.0, 300.0])
    np.testing.assert_array_equal(x.grad, kept * np.array([1, 20, 300]))
    np.testing.assert_array_equal(value.grad, passed)


@given(SHAPES, st.data())
def test_an_update_at_any_index_is_numpys_assignment_through_second_order(shape, data):
    kinds = [hnp.basic_indices(shape), hnp.integer_array_indices(shape), hnp.arrays(bool, shape)]
    index = data.draw(st.one_of(kinds))
    x, numbers = leaf(*shape), np.zeros(shape, int)
    value = leaf(*x.data[index].shape) * 100.0
    expected = x.data.copy()
    expected[index] = value.data
    y = tg.index_update(x, index, value)
    np.testing.assert_array_equal(y.data, expected)
    numbers[index] = np.arange(1, value.size + 1).reshape(value.shape)  # which value won, and 0 where none did
    slopes = tg.gradients((y**3).sum(), [x, value], create_graph=True)
    seconds = tg.gradients(sum(slope.sum() for slope in slopes), [x, value])
    won = np.isin(np.arange(1, value.size + 1), numbers).reshape(value.shape)
    for order, (gx, gvalue) in enumerate([slopes, seconds]):
        np.testing.assert_allclose(gx.data, [3 * x.data**2, 6 * x.data][order] * (numbers == 0), rtol=1e-13)
        np.testing.assert_allclose(gvalue.data, [3 * value.data**2, 6 * value.data][order] * won, rtol=1e-13)


@given(hnp.array_shapes(max_dims=3, max_side=4), st.data())
def test_the_later_value_by_rows_wins_however_it_lies_in_memory(shape, data):
    """In NumPy itself another may: the order in which it writes follows the strides."""
    index = data.draw(hnp.arrays(int, shape, elements=st.integers(0, 2)))
    numbers = np.arange(1.0, index.size + 1).reshape(shape)
    expected = np.zeros(3)
    for i, number in zip(index.ravel(), numbers.ravel()):
        expected[i] = number
    for layout in (np.ascontiguousarray, np.asfortranarray, lambda x: np.flip(np.flip(x).copy())):
        value = tg.Tensor(layout(numbers), requires_grad=True)
        y = tg.index_update(np.zeros(3), layout(index), value)
        np.testing.assert_array_equal(y.data, expected)
        y.sum().backward()
        np.testing.assert_array_equal(value.grad, np.isin(numbers, expected))


def test_an_update_keeps_the_dtype_and_gives_each_gradient_its_own():
    x = tg.Tensor(np.ones(3, np.float32), requires_grad=True)
    value = tg.Tensor(2.0, requires_grad=True)
    y = tg.index_update(x, 0, value)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype, value.grad.dtype) == (np.float32, np.float32, np.float64)


def test_an_update_of_arrays_is_an_array_and_of_constants_a_constant():
    x = np.array([1, 2, 3])
    y = tg.index_update(x, [0], 9)
    np.testing.assert_array_equal(y, [9, 2, 3], strict=True)
    np.testing.assert_array_equal(x, [1, 2, 3])
    assert not tg.index_update(tg.Tensor([1.0, 2.0]), 0, 3.0).requires_grad
    assert tg.index_update(np.zeros(2), 0, leaf()).requires_grad


def test_an_update_lets_no_gradient_vanish_into_integers():
    with pytest.raises(TypeError, match=r"int64, through which no gradient passes"):
        tg.index_update(np.array([1, 2]), 0, leaf())


def test_an_updates_index_may_change_afterwards():
    x, index = leaf(3), np.array([0])
    y = tg.index_update(x, index, 5.0)
    index[0] = 2
    np.testing.assert_array_equal(tg.gradients((y * y).sum(), x, create_graph=True).data, [0, 4, 6])


def test_nan_that_was_overwritten_does_not_leak():
    x = tg.Tensor([np.nan, 2.0], requires_grad=True)
    (tg.index_update(x, 0, 1.0) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 4])


def test_known_gradients_of_what_picks_elements():
    x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    for y, value, gradient in [
        (np.take(x, [0, 0, -1]), [1, 1, 3], [3, 0, 3]),
        (np.take(x, 5, mode="clip"), 3, [0, 0, 1]),
        (np.take(x, [[3, -4]], mode="wrap"), [[1, 3]], [1, 0, 2]),
        (np.take(x, [True, False]), [2, 1], [2, 1, 0]),  # as in NumPy these are the numbers 1 and 0
        (np.compress([True, False, True], x), [1, 3], [1, 0, 2]),
        (np.extract([0, 1, 1], x), [2, 3], [0, 1, 2]),
        (np.take_along_axis(x, np.argsort(-x), 0), [3, 2, 1], [3, 2, 1]),
        (np.delete(x, [0, -1]), [2], [0, 1, 0]),
        (np.insert(x, 1, 9.0), [1, 9, 2, 3], [1, 3, 4]),
        (np.insert([7.0, 8.0], [0, 2], x[:2]), [1, 7, 8, 2], [1, 4, 0]),
        (np.resize(x, (2, 2)), [[1, 2], [3, 1]], [5, 2, 3]),
        (np.pad(x, (1, 2)), [0, 1, 2, 3, 0, 0], [2, 3, 4]),
        (np.pad(x, 1, constant_values=np.inf), [np.inf, 1, 2, 3, np.inf], [2, 3, 4]),
        (np.pad(x, (0, 2), "edge"), [1, 2, 3, 3, 3], [1, 2, 12]),
        (np.pad(x, (0, 2), "reflect"), [1, 2, 3, 2, 1], [6, 6, 3]),
        (np.pad(x, (0, 2), "symmetric", reflect_type="even"), [1, 2, 3, 3, 2], [1, 7, 7]),
        (np.pad(x, (0, 2), mode="wrap"), [1, 2, 3, 1, 2], [5, 7, 3]),
    ]:
        np.testing.assert_array_equal(y.data, value)
        weights = np.arange(1.0, y.size + 1).reshape(y.shape)
        np.testing.assert_array_equal(tg.gradients(y, x, output_gradients=weights).data, gradient)


def test_a_border_leaves_the_sign_of_a_zero():
    x = np.array([-0.0, 0.0])
    for options in ({}, {"constant_values": 5.0}, {"mode": "edge"}):
        y, expected = np.pad(tg.Tensor(x), 1, **options).data, np.pad(x, 1, **options)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))


def test_an_empty_array_is_resized_to_zeros():
    x = leaf(0)
    y = np.resize(x, (2, 2))
    np.testing.assert_array_equal(y.data, np.zeros((2, 2)))
    y.sum().backward()
    assert x.grad.shape == (0,)


@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), st.data())
def test_take_and_take_along_axis_are_numpys(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    mode = data.draw(st.sampled_from(["raise", "wrap", "clip"]))
    n, reach = shape[axis], 0 if mode == "raise" else 5
    picks = data.draw(
        hnp.arrays(int, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.integers(-n - reach, n - 1 + reach))
    )
    along = tuple(2 if i == axis % len(shape) else m for i, m in enumerate(shape))
    own = data.draw(hnp.arrays(int, along, elements=st.integers(-n, n - 1)))
    for call in (lambda x: np.take(x, picks, axis, mode=mode), lambda x: np.take_along_axis(x, own, axis)):
        t = leaf(*shape)
        y, expected = call(t), call(t.data)
        np.testing.assert_array_equal(y.data, expected)
        weights = np.random.default_rng(0).uniform(0.5, 1.5, y.shape)
        y.backward(weights)
        gradient = np.bincount(np.ravel(expected).astype(int) - 1, weights.ravel(), t.size)
        np.testing.assert_allclose(t.grad, gradient.reshape(shape), rtol=1e-13)


REFUSED = {
    "taken beyond": (lambda x: np.take(x, 3, 1), IndexError, r"take\(float64 \(2, 3\), 3, 1\): index 3 is out of"),
    "taken from nothing": (lambda x: np.take(x[:0], 0, 0, mode="clip"), IndexError, r"take\(.*from an empty"),
    "taken along no axis": (lambda x: np.take(x, 0, 2), np.exceptions.AxisError, r"take\(.*axis 2 is out of bounds"),
    "taken in no mode": (lambda x: np.take(x, 0, mode="x"), ValueError, r"take\(.*'clip', 'raise', or 'wrap'"),
    "taken into out": (lambda x: np.take(x, 0, out=np.ones(())), TypeError, r"take on a Tensor does not take out="),
    "taken at no integers": (lambda x: np.take_along_axis(x, np.ones((2, 1)), 1), IndexError, r"an integer array"),
    "a long condition": (lambda x: np.compress([0, 0, 1], x, 0), IndexError, r"compress\(.*out of bounds"),
    "a nested condition": (lambda x: np.compress([[1]], x), ValueError, r"compress\(.*1-d"),
    "deleted beyond": (lambda x: np.delete(x, 2, 0), IndexError, r"delete\(float64 \(2, 3\), 2, 0\): index 2 is out"),
    "inserted beyond": (lambda x: np.insert(x, 4, 0.0, 1), IndexError, r"insert\(.*index 4 is out of bounds"),
    "values that do not fit": (lambda x: np.insert(x, 0, np.ones(2), 0), ValueError, r"insert\(.*broadcast"),
    "a negative border": (lambda x: np.pad(x, -1), ValueError, r"pad\(float64 \(2, 3\), -1\).*negative"),
    "a border along no axis": (lambda x: np.pad(x, {2: 1}), np.exceptions.AxisError, r"pad\(.*out of bounds"),
    "half a border": (lambda x: np.pad(x, 1.5), TypeError, r"pad\(.*integral"),
    "a border of means": (lambda x: np.pad(x, 1, "mean"), ValueError, r"mode 'mean' .* not supported .*'edge'"),
    "a border of whatever": (lambda x: np.pad(x, 1, "empty"), ValueError, r"mode 'empty' .* not supported"),
    "an odd reflection": (lambda x: np.pad(x, 1, "reflect", reflect_type="odd"), ValueError, r"'reflect' with these"),
    "constants at an edge": (lambda x: np.pad(x, 1, "edge", constant_values=1), ValueError, r"'edge' with these"),
    "a tracked border": (lambda x: np.pad(x, 1, constant_values=x[0, 0]), TypeError, r"would lose the gradient"),
    "a negative size": (lambda x: np.resize(x, -1), ValueError, r"resize\(float64 \(2, 3\), -1\).*non-negative"),
    "updated beyond": (lambda x: tg.index_update(x, 2, 0.0), IndexError, r"index_update\(.*index 2 is out"),
    "an update that does not fit": (lambda x: tg.index_update(x, 0, [1.0, 2.0]), ValueError, r"or be broadcast to"),
    "put in place": (lambda x: np.put(x, 0, 1.0), TypeError, r"np\.put on a Tensor is not supported"),
    "put along an axis": (lambda x: np.put_along_axis(x, np.zeros((1, 3), int), 1.0, 0), TypeError, r"not supported"),
    "masked in place": (lambda x: np.putmask(x, x > 0, 1.0), TypeError, r"np\.putmask on a Tensor is not supported"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_numpys_error_with_the_operations_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(2, 3))
