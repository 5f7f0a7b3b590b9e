"""Every operation on plain arrays and on Tensors: values, dtypes, layouts, and what must never happen to arrays."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import ROWS, every_operation, every_variant, mirrored
from tests.differences import leaves, numbers_like

TOLERANCE = {np.float16: 2e-2, np.float32: 1e-5, np.float64: 0, np.longdouble: 1e-12}


def in_dtype(variant, dtype):
    return [x.astype(dtype) for x in variant.arrays]


def backward(row, tensors, options):
    """The output, after its gradient has been taken with numbers of no symmetry."""
    y = row.on(*tensors, **options)
    y.backward(numbers_like(y, seed=7))
    return y


@every_variant
def test_the_value_on_arrays_is_that_of_numpy_or_of_the_formula(row, variant):
    value = row.on(*variant.arrays, **variant.options)
    expected = row.expected(*variant.arrays, **variant.options)
    assert not isinstance(value, tg.Tensor)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14, strict=False)


@every_variant
def test_the_value_on_tensors_is_that_on_arrays(row, variant):
    expected = np.asarray(row.on(*variant.arrays, **variant.options))
    for tensors in (leaves(variant.arrays), [tg.Tensor(x) for x in variant.arrays]):
        y = row.on(*tensors, **variant.options)
        assert isinstance(y, tg.Tensor)
        assert isinstance(y.data, np.ndarray)
        np.testing.assert_array_equal(y.data, expected, strict=True)


@every_variant
def test_the_numpy_function_on_tensors_is_the_operation(row, variant):
    function = mirrored(row.operation)
    if function is None:
        assert row.formula is not None
        return
    ours, through_numpy = leaves(variant.arrays), leaves(variant.arrays)
    y = row.call(function, *through_numpy, **variant.options)
    y.backward(numbers_like(y, seed=7))
    np.testing.assert_array_equal(y.data, backward(row, ours, variant.options).data, strict=True)
    for a, b in zip(ours, through_numpy):
        np.testing.assert_array_equal(a.grad, b.grad, strict=True)


@every_variant
def test_the_dtype_is_kept_in_value_and_gradients(row, variant):
    for dtype in row.dtypes:
        tensors = leaves(in_dtype(variant, dtype))
        y = row.on(*tensors, **variant.options)
        ones = np.ones(y.shape)
        functional = tg.gradients(y, tensors, output_gradients=ones, create_graph=True)
        y.backward(ones)
        assert y.dtype == dtype
        assert [t.grad.dtype for t in tensors] == [dtype] * len(tensors)
        assert [g.dtype for g in functional] == [dtype] * len(tensors)


@pytest.mark.parametrize(("row", "dtype"), [(row, d) for row in ROWS for d in TOLERANCE if d not in row.dtypes])
def test_a_dtype_that_an_operation_does_not_take_is_refused(row, dtype):
    variant = row.variants[0]
    with pytest.raises(TypeError, match=np.dtype(dtype).name):
        row.on(*leaves(in_dtype(variant, dtype)), **variant.options)


@every_variant
def test_the_gradient_on_its_way_has_the_dtype_too(row, variant):
    """Casting it only where it arrives would hide that all in between was computed in a wider one."""
    arrived = []

    @tg.operation()
    def passing(x):
        return x * 1, (lambda g: arrived.append(g.dtype) or g,)

    for dtype in (np.float16, np.float32):
        y = row.on(*[passing(t) for t in leaves(in_dtype(variant, dtype))], **variant.options)
        y.backward(np.ones(y.shape))
        assert arrived == [dtype] * len(variant.arrays)
        arrived.clear()


@every_variant
def test_other_dtypes_agree_with_float64_to_their_precision(row, variant):
    for dtype in row.dtypes:
        tolerance = TOLERANCE[dtype]
        other = leaves(in_dtype(variant, dtype))
        wide = leaves([t.data.astype(np.float64) for t in other])
        y, expected = backward(row, other, variant.options), backward(row, wide, variant.options)
        np.testing.assert_allclose(y.data, expected.data, rtol=tolerance, atol=tolerance)
        for a, b in zip(other, wide):
            np.testing.assert_allclose(a.grad, b.grad, rtol=tolerance, atol=3 * tolerance)


@every_variant
def test_every_argument_that_requires_a_gradient_is_recorded_and_no_other(row, variant):
    for i in range(len(variant.arrays)):
        tensors = [tg.Tensor(x, requires_grad=i == j) for j, x in enumerate(variant.arrays)]
        y = backward(row, tensors, variant.options)
        assert y.requires_grad
        assert [t.grad is not None for t in tensors] == [i == j for j in range(len(tensors))]
        assert type(tensors[i].grad) is np.ndarray
        assert tensors[i].grad.shape == tensors[i].shape
    assert not row.on(*[tg.Tensor(x) for x in variant.arrays], **variant.options).requires_grad
    with tg.no_grad():
        assert not row.on(*leaves(variant.arrays), **variant.options).requires_grad


@pytest.mark.parametrize(**every_operation())
def test_plain_arrays_beside_tensors_give_the_gradient_of_all_tensors(row, variant):
    """One argument a Tensor and the others arrays: as if all were Tensors, in either order."""
    everything = leaves(variant.arrays)
    backward(row, everything, variant.options)
    for i, x in enumerate(variant.arrays):
        mixed = list(variant.arrays)
        mixed[i] = tg.Tensor(x, requires_grad=True)
        backward(row, mixed, variant.options)
        np.testing.assert_allclose(mixed[i].grad, everything[i].grad, rtol=1e-13, atol=1e-15)


LAYOUTS = {
    "every second of a larger array": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "negative strides": lambda x: np.flip(np.flip(x).copy()) if x.ndim else x,
    "columns first": lambda x: np.array(x, order="F"),
}


@every_variant
def test_any_memory_layout_gives_the_same_and_read_only_inputs_are_never_written(row, variant):
    expected = leaves(variant.arrays)
    y = backward(row, expected, variant.options)
    for layout in LAYOUTS.values():
        arrays = [layout(x) for x in variant.arrays]
        for x in arrays:
            x.flags.writeable = False
        tensors = [tg.Tensor(x, requires_grad=True) for x in arrays]
        again = backward(row, tensors, variant.options)
        np.testing.assert_allclose(again.data, y.data, rtol=1e-13, atol=1e-14)
        for x, t, e in zip(variant.arrays, tensors, expected):
            np.testing.assert_allclose(t.grad, e.grad, rtol=1e-13, atol=1e-14)
            np.testing.assert_array_equal(t.data, x)


@every_variant
def test_inputs_and_the_incoming_gradient_are_unchanged_and_a_second_call_is_equal(row, variant):
    tensors = leaves(variant.arrays)
    y = row.on(*tensors, **variant.options)
    gradient = numbers_like(y, seed=7)
    before = gradient.copy()
    y.backward(gradient, retain_graph=True)
    first = [t.grad for t in tensors]
    kept = [g.copy() for g in first]
    again = row.on(*tensors, **variant.options)
    for t in tensors:
        t.grad = None
    again.backward(gradient)
    np.testing.assert_array_equal(gradient, before)
    np.testing.assert_array_equal(again.data, y.data)
    for t, x, g, k in zip(tensors, variant.arrays, first, kept):
        np.testing.assert_array_equal(t.data, x)
        np.testing.assert_array_equal(g, k)
        np.testing.assert_array_equal(t.grad, k)


@every_variant
def test_a_gradient_shares_memory_with_nothing(row, variant):
    tensors = leaves(variant.arrays)
    y = row.on(*tensors, **variant.options)
    gradient = numbers_like(y, seed=7)
    y.backward(gradient)
    others = [gradient, y.data, *variant.arrays, *[t.data for t in tensors]]
    for i, t in enumerate(tensors):
        rest = [u.grad for j, u in enumerate(tensors) if i != j]
        assert t.grad.flags.writeable
        assert not any(np.shares_memory(t.grad, other) for other in others + rest)


@every_variant
def test_nothing_warns_even_where_the_user_made_every_warning_an_error(row, variant):
    """Value, gradient, and the gradient by running the rules again."""
    with np.errstate(all="raise"):
        tensors = leaves(variant.arrays)
        y = backward(row, tensors, variant.options)
        again = row.on(*tensors, **variant.options)
        gradient = numbers_like(y, seed=7)
        for t, g in zip(tensors, tg.gradients(again, tensors, output_gradients=gradient, create_graph=True)):
            np.testing.assert_allclose(g.data, t.grad, rtol=1e-12, atol=1e-14)
