"""Functions at the edge of a dtype's range, silent where the limit is the answer; gradients in a leaf's own dtype."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import numerics


def test_an_exponential_too_small_is_zero_even_where_underflow_is_an_error():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(numerics.exp_to_zero(np.array([-1000.0, 0.0, -np.inf])), [0, 1, 0])
        with pytest.raises(FloatingPointError, match="underflow"):
            np.exp(np.array([-1000.0]))


def test_other_floating_point_errors_still_are_errors():
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match="overflow"):
            numerics.exp_to_zero(np.array([1000.0, -1000.0]))
        with pytest.raises(FloatingPointError, match="invalid"):
            numerics.log_of_zero(np.array([-1.0]))


def test_logaddexp_of_far_apart_numbers_is_the_larger():
    with np.errstate(all="raise"):
        assert numerics.logaddexp_to_zero(1000.0, -1000.0) == 1000.0
        x = np.array([[-1e4, 1e4], [0.0, 0.0]])
        np.testing.assert_array_equal(numerics.logaddexp_reduce_to_zero(x, 1), [1e4, np.log(2)])


def test_the_logarithm_of_zero_is_minus_infinity():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(numerics.log_of_zero(np.array([0.0, 1.0])), [-np.inf, 0])


def test_a_wrapped_function_leaves_the_users_errstate_as_it_was():
    with np.errstate(under="raise", divide="raise"):
        before = np.geterr()
        numerics.exp_to_zero(np.array([-1000.0]))
        numerics.log_of_zero(np.array([0.0]))
        assert np.geterr() == before


@pytest.mark.parametrize(("ours", "numpys"), [("sum_over", np.sum), ("max_over", np.max), ("min_over", np.min)])
def test_quick_reductions_are_numpys(ours, numpys):
    x = np.array([[3.0, -1.0], [2.0, 5.0]])
    for axis in (None, 0, 1):
        np.testing.assert_array_equal(getattr(numerics, ours)(x, axis), numpys(x, axis))


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(("dtype", "wider"), [(np.float32, np.float64), (np.float16, np.float32)])
def test_a_narrow_leaf_used_with_wider_data_has_a_narrow_gradient(dtype, wider, create_graph):
    """The data makes the gradient on its way wider; it is rounded once, where it arrives."""
    x, data = tg.Tensor([1.0, 3.0], requires_grad=True, dtype=dtype), np.array([0.1, 1 / 3], wider)
    y = (x * x * x * data).sum()
    slope = tg.gradients(y, x, create_graph=create_graph)
    np.testing.assert_array_equal(slope.data, (3 * x.data**2 * data).astype(dtype), strict=True)
    if create_graph:
        curvature = tg.gradients(slope.sum(), x)
        np.testing.assert_allclose(curvature.data, 6 * x.data * data.astype(dtype), rtol=4 * np.finfo(dtype).eps)
        assert curvature.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_scalar_has_the_dtype_and_cannot_be_written_into(dtype):
    half = numerics.scalar(0.5, np.dtype(dtype))
    np.testing.assert_array_equal(half, np.asarray(0.5, dtype), strict=True)
    with pytest.raises(ValueError, match="read-only"):
        half[...] = 1


@pytest.mark.parametrize("shape", [(2, 3), (2, 0), (2, numerics.SMALL)])
def test_a_small_array_is_repeated_like_a_large_one_infinities_too(shape):
    for g in (np.array([[1.5], [-np.inf]], np.float32), np.float64(np.nan), np.array(-0.0)):
        np.testing.assert_array_equal(numerics.repeated(g, shape), np.broadcast_to(g, shape), strict=True)
    x = tg.Tensor([[2.0], [3.0]], requires_grad=True)
    (numerics.repeated(x, shape) ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * shape[1] * x.data)


def test_elements_that_are_zero_are_found_in_arrays_tensors_and_numbers():
    for kind in (np.array, tg.Tensor):
        assert [numerics.has_zero(kind(x)) for x in ([1.0, -0.0], [np.nan, -1.0], [], 0.0)] == [
            True,
            False,
            False,
            True,
        ]
    assert [numerics.has_zero(x) for x in (0, 0.0, 1.5)] == [True, True, False]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_numbers_are_normal_to_the_ends_of_the_dtypes_range(dtype):
    limits = np.finfo(dtype)
    assert numerics.all_normal(np.array([limits.tiny, -limits.max, 1.0], dtype))
    for one in (0.0, limits.smallest_subnormal, np.inf, np.nan):
        assert not numerics.all_normal(np.array([1.0, one], dtype))
        assert not numerics.all_normal(dtype(one))
    assert numerics.all_normal(dtype(-limits.tiny))
    assert not numerics.all_normal(tg.Tensor([1.0]))


def test_equal_shares_in_one_slice_leave_the_whole_to_the_only_one_of_another():
    lost = np.array([[True, False, False], [True, True, False]])
    g = np.array([[3.0], [np.inf]], np.float32)
    np.testing.assert_array_equal(
        numerics.shared(g, lost, 1), np.array([[0, 1.5, 1.5], [0, 0, np.inf]], np.float32), strict=True
    )
    np.testing.assert_array_equal(numerics.shared(g[1:], lost[1:], 1), [[0, 0, np.inf]])


def test_what_is_made_is_of_the_kind_of_what_speaks_numpys_protocols():
    class Speaker:
        def __array_function__(self, function, types, arguments, keywords):
            return self

    speaker, x = Speaker(), np.ones(2)
    assert numerics.speaking(speaker) is speaker
    assert numerics.speaking(x) is x
    assert [numerics.speaking(other) for other in (np.float64(1), 1.0, [1.0], tg.Tensor(x))] == [None] * 4
    assert numerics.alike(x, speaker) == (speaker, speaker)
    assert numerics.alike(speaker, x) == (speaker, speaker)
    assert numerics.alike(x, 2.0)[1] == 2.0
    assert numerics.is_plain(speaker)
    assert not numerics.is_plain(tg.Tensor(x))
