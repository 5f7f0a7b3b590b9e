"""Rules that select: ties, branches not taken, NaN, and casts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import leaves, slope

INF, NAN = np.inf, np.nan


KINKS = {
    "max(x, 0) at 0": (lambda x: np.maximum(x, 0.0), [-1.0, 0.0, 1.0], [0, 0.5, 1]),
    "min(x, 0) at 0": (lambda x: np.minimum(x, 0.0), [-1.0, 0.0, 1.0], [1, 0.5, 0]),
    "max(x, x)": (lambda x: np.maximum(x, x), [-1.0, 0.0, 1.0], [1, 1, 1]),
    "min(x, x)": (lambda x: np.minimum(x, x), [-1.0, 0.0, 1.0], [1, 1, 1]),
    "fmax(x, NaN)": (lambda x: np.fmax(x, [NAN, 0.0, 0.0]), [-1.0, 0.0, NAN], [1, 0.5, 0]),
    "fmin(NaN, x)": (lambda x: np.fmin([NAN, 0.0, 0.0], x), [-1.0, 0.0, NAN], [1, 0.5, 0]),
    "clip at its bounds": (lambda x: np.clip(x, 0, 1), [-1.0, 0.0, 0.5, 1.0, INF], [0, 0.5, 1, 0.5, 0]),
    "clip from below": (lambda x: np.clip(x, 0, None), [-INF, 0.0, 2.0], [0, 0.5, 1]),
    "clip by name": (lambda x: np.clip(x, max=1.0), [-1.0, 1.0, 2.0], [1, 0.5, 0]),
    "clip, bounds crossed": (lambda x: np.clip(x, 2, 1), [0.0, 1.5, 3.0], [0, 0, 0]),
    "clip of nothing": (lambda x: np.clip(x, None, None), [-1.0, INF], [1, 1]),
    "a lower bound": (lambda x: np.clip([0.0, 1.0, 2.0], x, None), [1.0, 1.0, 1.0], [1, 0.5, 0]),
    "an upper bound": (lambda x: np.clip([0.0, 1.0, 2.0], None, x), [1.0, 1.0, 1.0], [0, 0.5, 1]),
    "numbers for NaN": (np.nan_to_num, [NAN, INF, -3.0], [0, 0, 1]),
    "the first that holds": (lambda x: np.select([x > 0, x > -2], [x * 3, x * 5], 7), [1.0, -1.0, -3.0], [3, 5, 0]),
    "the last that holds": (
        lambda x: np.piecewise(x, [x > -2, x > 0], [abs, np.square]),
        [3.0, -1.0, -3.0],
        [6, -1, 0],
    ),
    "all else": (lambda x: np.piecewise(x, x > 0, [np.sqrt, lambda x: -x]), [4.0, -1.0, 0.0], [0.25, -1, -1]),
    "a constant piece": (lambda x: np.piecewise(x, [x > 0], [2.0]), [1.0, -1.0], [0, 0]),
    "a root of what has one": (lambda x: np.piecewise(x, [x > 0, x < 0], [np.log, 0]), [2.0, -1.0, 0.0], [0.5, 0, 0]),
    "interp": (lambda x: np.interp(x, [0, 1, 3], [5, 7, 3]), [-INF, -1.0, 0.5, 2.0, 4.0, INF], [0, 0, 2, -2, 0, 0]),
    "interp at its corners": (lambda x: np.interp(x, [0, 1, 3], [5, 7, 3]), [0.0, 1.0, 3.0], [2, -2, 0]),
    "interp of one point": (lambda x: np.interp(x, [1], [5], -1, 2), [0.0, 1.0, 2.0], [0, 0, 0]),
    "interp's heights": (lambda y: np.interp([-1.0, 0.25, 2.5], [0, 1, 3], y), [5.0, 7.0, 3.0], [1.75, 0.5, 0.75]),
    "interp's places": (lambda x: np.interp([0.5, 2.0], x, [5.0, 7.0, 3.0]), [0.0, 1.0, 3.0], [-1, 0, 1]),
    "interp's end": (lambda x: np.interp(tg.Tensor([-1.0, 0.5, 4.0]), [0, 1], [5, 7], right=x.sum()), [9.0], [1]),
}


@pytest.mark.parametrize(("f", "at", "expected"), KINKS.values(), ids=KINKS)
def test_at_a_kink_the_gradient_is_finite_and_known(f, at, expected):
    np.testing.assert_allclose(slope(f, at), expected, rtol=1e-15)


WHERE = {
    "√ of a negative": (lambda x: np.sqrt(x), [-1.0, 4.0], [0, 0.25]),
    "ln 0": (lambda x: np.log(x), [0.0, 2.0], [0, 0.5]),
    "1 / 0": (lambda x: 1 / x, [0.0, 2.0], [0, -0.25]),
    "ln of a negative": (lambda x: np.log(x), [-3.0, 2.0], [0, 0.5]),
    "NaN itself": (lambda x: x * 3, [NAN, 1.0], [0, 3]),
    "infinity": (lambda x: np.exp(x), [1e4, 0.0], [0, 1]),
}


@pytest.mark.parametrize(("f", "at", "expected"), WHERE.values(), ids=WHERE)
def test_the_branch_of_where_that_is_not_taken_gives_its_argument_exactly_nothing(f, at, expected):
    """The gradient that reaches the branch is exactly 0 where the branch is not taken, whatever stands there."""
    x = tg.Tensor(at, requires_grad=True)
    with np.errstate(all="ignore"):
        branch = f(x)
        y = np.where([False, True], branch, 7.0)
        np.testing.assert_array_equal(y.data[0], 7)
        reaching = tg.gradients(y.sum(), branch)
    np.testing.assert_array_equal(reaching.data, [0, 1])


def test_a_safe_argument_within_where_keeps_nan_out_of_the_gradient():
    x = tg.Tensor([-1.0, 0.0, 4.0], requires_grad=True)
    ok = x > 0
    with np.errstate(all="raise"):
        np.where(ok, np.log(np.where(ok, x, 1.0)), 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0.25])


def test_nan_in_an_argument_of_where_that_is_not_taken_does_not_leak():
    x, bad = tg.Tensor([1.0, 2.0], requires_grad=True), tg.Tensor([NAN, INF], requires_grad=True)
    np.where([True, True], x * 2, bad).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
    np.testing.assert_array_equal(bad.grad, [0, 0])


def test_where_stops_a_gradient_of_nan_or_infinity_on_its_way_to_the_branch_not_taken():
    a, b = (tg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    np.where([True, False], a, b).backward([NAN, INF])
    np.testing.assert_array_equal(a.grad, [NAN, 0])
    np.testing.assert_array_equal(b.grad, [0, INF])


def test_where_broadcasts_its_condition_and_both_branches():
    a, b = tg.Tensor([[1.0], [2.0]], requires_grad=True), tg.Tensor(5.0, requires_grad=True)
    y = np.where([True, False, True], a, b)
    np.testing.assert_array_equal(y.data, [[1, 5, 1], [2, 5, 2]])
    y.sum().backward()
    np.testing.assert_array_equal(a.grad, [[2], [2]])
    assert b.grad == 2


def test_nan_is_not_lost_by_a_maximum():
    """The value is NaN, and so the gradient does not look as if all were well."""
    x = tg.Tensor([NAN, 2.0], requires_grad=True)
    y = np.maximum(x, 1.0)
    y.sum().backward()
    assert np.isnan(y.data[0])
    assert x.grad[0] != 0
    assert x.grad[1] == 1


def test_a_cast_goes_to_another_float_and_its_gradient_back():
    x = tg.Tensor(np.float32([1, 2]), requires_grad=True)
    before = x * 1
    y = before.astype(np.float64)
    assert (y.dtype, np.astype(x, np.float16).dtype) == (np.float64, np.float16)
    slope = y._node.derivatives[0](np.ones(2))
    assert slope.dtype == np.float32  # what goes on from here is narrow again
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad, np.float32([2, 4]), strict=True)


THREE_SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3, min_side=0)


@given(THREE_SHAPES, st.integers(0, 2**32 - 1))
def test_where_of_any_shapes_that_broadcast(shapes, seed):
    rng = np.random.default_rng(seed)
    condition, *arrays = [rng.normal(size=s) for s in shapes.input_shapes]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = np.where(condition > 0, *tensors)
    y.backward(np.ones(y.shape))
    taken = np.broadcast_to(condition > 0, y.shape)
    np.testing.assert_array_equal(y.data, np.where(condition > 0, *arrays))
    for t, mask in zip(tensors, (taken, ~taken)):
        assert t.grad.sum() == mask.sum()
        assert t.grad.shape == t.shape


def test_values_where_nothing_is_selected_or_nothing_is_there():
    x = tg.Tensor([NAN, INF, -INF, 1.0], requires_grad=True)
    np.testing.assert_array_equal(np.nan_to_num(x, True, 7.0, 8.0, -9.0).data, [7, 8, -9, 1])
    np.testing.assert_array_equal(np.interp(x, [0, 2], [5, 9]).data, [NAN, 9, 5, 7])
    np.testing.assert_array_equal(np.interp(tg.Tensor([0.5, 1.0, 1.5]), [1], [5], -1, 2).data, [-1, 5, 2])
    np.testing.assert_array_equal(np.piecewise(x, [x > 2], [3.0]).data, [0, 3, 0, 0])
    np.testing.assert_array_equal(np.piecewise(x[:0], [np.ones(0, bool)], [np.sqrt]).data, [])
    np.testing.assert_array_equal(np.select([x > 0], [x]).data, [0, INF, 0, 1])
    np.testing.assert_array_equal(np.fmax(x, [NAN, 0, 0, 0]).data, [NAN, INF, 0, 1])


def test_a_function_of_a_piece_sees_that_piece_alone():
    x = tg.Tensor([[-1.0, 4.0], [9.0, -2.0]], requires_grad=True)
    seen = []

    def root(piece, factor):
        seen.append(piece.data)
        return factor * np.sqrt(piece)

    factor = tg.Tensor(3.0, requires_grad=True)
    with np.errstate(all="raise"):
        y = np.piecewise(x, [x > 0, x > 100], [root, root], factor)
        y.sum().backward()
    np.testing.assert_array_equal(y.data, [[0, 6], [9, 0]])
    np.testing.assert_array_equal(seen, [[4, 9]])
    np.testing.assert_array_equal(x.grad, [[0, 0.75], [0.5, 0]])
    assert factor.grad == 5


def test_choices_may_be_the_rows_of_one_tensor():
    choices = tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = np.choose([1, 0, 1], choices)
    np.testing.assert_array_equal(y.data, [4, 2, 6])
    y.sum().backward()
    np.testing.assert_array_equal(choices.grad, [[0, 1, 0], [1, 0, 1]])
    np.testing.assert_array_equal(np.choose(tg.Tensor([True, False, False]), choices).data, [4, 2, 3])


def test_what_is_clipped_and_its_bounds_share_the_gradient():
    tensors = leaves([[0.0, 1.0, 5.0], [1.0, 1.0, 1.0], [2.0, 1.0, 2.0]])
    np.clip(*tensors).backward([1.0, 1.0, 1.0])
    np.testing.assert_array_equal([t.grad for t in tensors], [[0, 0.25, 0], [1, 0.25, 0], [0, 0.5, 1]])


def leaf():
    return tg.Tensor([1.0, 2.0], requires_grad=True)


MISTAKES = {
    "bounds twice": (lambda: np.clip(leaf(), 0, 1, min=0), ValueError, "clip.*a_min and a_max and as min and max too"),
    "bounds that do not fit": (lambda: np.clip(leaf(), [0, 0, 0], 1), ValueError, r"maximum\(.*\(2,\).*\(3,\)"),
    "too few choices": (lambda: np.select([[True]], [leaf(), leaf()]), ValueError, "1 conditions for 2 choices"),
    "a condition of numbers": (lambda: np.select([[1, 0]], [leaf()]), TypeError, "select.*must be bools, got int64"),
    "a choice that is not there": (
        lambda: np.choose([0, 2], [leaf(), 3]),
        ValueError,
        r"outside \[0, 2\), there being 2",
    ),
    "a number below 0": (lambda: np.choose([0, -1], [leaf(), 3]), ValueError, r"choose.*outside \[0, 2\)"),
    "half a choice": (lambda: np.choose([0.5, 1.0], [leaf(), 3]), TypeError, "must be integers, got float64"),
    "a mode": (lambda: np.choose([0, 1], [leaf(), 3], mode="x"), ValueError, '"raise", "wrap" or "clip", got \'x\''),
    "a function too many": (
        lambda: np.piecewise(leaf(), [[True, False]], [1, 2, 3]),
        ValueError,
        r"conditions of shape \(1, 2\) and 3 functions for x of shape \(2,\)",
    ),
    "a condition of another shape": (lambda: np.piecewise(leaf(), [[True] * 3], [1]), ValueError, r"shape \(1, 3\)"),
    "points without heights": (lambda: np.interp(leaf(), [0, 1, 2], [0, 1]), ValueError, "interp.*of one length"),
    "no points": (lambda: np.interp(leaf(), [], []), ValueError, "interp.*not 0"),
    "a period of 0": (lambda: np.interp(leaf(), [0, 1], [0, 1], period=0), ValueError, "the period must not be 0"),
    "writing into what is given": (lambda: np.nan_to_num(leaf(), copy=False), TypeError, "does not take copy="),
}


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_numpys_error_and_says_what_to_write(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_interpolation_at_a_point_does_not_see_its_neighbour():
    y = np.interp(tg.Tensor([0.0, 0.5, 1.0, 2.0]), [0.0, 1.0, 2.0], [0.0, 5.0, np.inf])
    np.testing.assert_array_equal(y.data, [0, 2.5, 5, np.inf])


def test_a_condition_that_wants_a_gradient_is_named():
    t = tg.Tensor([1.0, 0.0], requires_grad=True)
    with pytest.raises(TypeError, match="where has no derivative with respect to an argument"):
        np.where(t, t, 0.0).sum().backward()
