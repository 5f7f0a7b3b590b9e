"""Rearranging: literal values, counts, turns that undo each other, and NumPy's errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


def leaf(*shape):
    """A leaf whose elements are all different."""
    return tg.Tensor(np.arange(1.0, np.prod(shape) + 1).reshape(shape), requires_grad=True)


def check(call, shape):
    """Value and gradient of a function that picks elements: each element has the gradient of all that it went to."""
    t = leaf(*shape)
    y, expected = call(t), call(t.data)
    np.testing.assert_array_equal(y.data, expected)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, expected.shape)
    y.backward(weights)
    gradient = np.bincount(expected.astype(int).ravel() - 1, weights.ravel(), t.size)
    np.testing.assert_allclose(t.grad, gradient.reshape(shape), rtol=1e-13)


@given(SHAPES, st.data())
def test_roll_by_any_shifts_along_any_axes(shape, data):
    axis = data.draw(st.none() | st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=3))
    shift = data.draw(
        st.integers(-5, 5) if axis is None else st.lists(st.integers(-5, 5), min_size=len(axis), max_size=len(axis))
    )
    check(lambda x: np.roll(x, shift, axis), shape)
    check(lambda x: np.roll(x, tuple(np.atleast_1d(shift)), axis and tuple(axis)), shape)


@given(SHAPES, st.data())
def test_flip_along_any_axes(shape, data):
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape), min_size=0))
    check(lambda x: np.flip(x, axis), shape)


@given(hnp.array_shapes(min_dims=2, max_dims=4, max_side=3), st.integers(-5, 5), st.data())
def test_quarter_turns_in_any_plane(shape, k, data):
    axes = data.draw(hnp.valid_tuple_axes(len(shape), min_size=2, max_size=2))
    check(lambda x: np.rot90(x, k, axes), shape)


@given(SHAPES, st.data())
def test_repeat_by_one_count_and_by_counts(shape, data):
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    n = int(np.prod(shape)) if axis is None else shape[axis]
    repeats = data.draw(st.integers(0, 3) | st.lists(st.integers(0, 3), min_size=n, max_size=n))
    check(lambda x: np.repeat(x, repeats, axis), shape)


@given(SHAPES, st.data())
def test_tile_any_number_of_times(shape, data):
    reps = data.draw(st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=4).map(tuple))
    check(lambda x: np.tile(x, reps), shape)


def test_known_gradients():
    x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    for y, g, expected in [
        (np.repeat(x, [2, 0, 1]), [1.0, 10.0, 100.0], [11, 0, 100]),
        (np.repeat(x, 0), [], [0, 0, 0]),
        (np.roll(x, 1), [1.0, 2.0, 3.0], [2, 3, 1]),
        (np.roll(x, np.uint8(1)), [1.0, 2.0, 3.0], [2, 3, 1]),
        (np.tile(x, 2), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0], [11, 22, 33]),
        (np.flipud(x), [1.0, 2.0, 3.0], [3, 2, 1]),
    ]:
        np.testing.assert_array_equal(tg.gradients(y, x, output_gradients=g).data, expected)


@pytest.mark.parametrize(
    "many", [lambda x: np.tile(x, 4097), lambda x: np.repeat(x, 4097), lambda x: np.repeat(x, [4097])]
)
def test_thousands_of_float16_gradients_are_added_exactly(many):
    """In float16 itself 2048 + 1 is 2048."""
    x = tg.Tensor(np.ones(1, np.float16), requires_grad=True)
    many(x).backward(np.ones(4097))
    np.testing.assert_array_equal(x.grad, np.array([4096], np.float16), strict=True)


REFUSED = {
    "an axis too far": (lambda x: np.flip(x, 2), np.exceptions.AxisError, r"flip\(float64 \(2, 3\), 2\): axis 2"),
    "an axis twice": (lambda x: np.flip(x, (0, 0)), ValueError, r"flip\(.*repeated axis"),
    "rows of a vector": (lambda x: np.fliplr(x[0]), ValueError, r"fliplr\(.*two axes or more"),
    "a turn in no plane": (lambda x: np.rot90(x, 1, (0, 0)), ValueError, r"rot90\(.*Axes must be different"),
    "a vector turned": (lambda x: np.rot90(x[0]), ValueError, r"rot90\(float64 \(3,\)\)"),
    "rolled along no axis": (lambda x: np.roll(x, 1, 2), np.exceptions.AxisError, r"roll\(.*axis 2 is out of"),
    "shifts that do not fit": (lambda x: np.roll(x, (1, 2, 3), (0, 1)), ValueError, r"roll\(.*"),
    "negative repeats": (lambda x: np.repeat(x, -1), ValueError, r"repeat\(float64 \(2, 3\), -1\)"),
    "counts that do not fit": (lambda x: np.repeat(x, [1, 2], 1), ValueError, r"repeat\(.*broadcast"),
    "repeats of no axis": (lambda x: np.repeat(x, 2, 2), np.exceptions.AxisError, r"repeat\(.*axis 2 is out of"),
    "half a repeat": (lambda x: np.repeat(x, 1.5), TypeError, r"repeat\(float64 \(2, 3\), 1\.5\)"),
    "a negative tile": (lambda x: np.tile(x, -1), ValueError, r"tile\(float64 \(2, 3\), -1\)"),
    "half a tile": (lambda x: np.tile(x, 1.5), TypeError, r"tile\(float64 \(2, 3\), 1\.5\)"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_numpys_error_with_the_operations_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(2, 3))
