"""Every operation of the table in a compiled function: what it gives eagerly, or an error that says why not.

As NumPy source it gives the same bits, as native code the same numbers to 1e-12 of the largest.
"""

import copy
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import every_operation
from tests.differences import numbers_like
from tinygrad_np.compiling.native.instructions import Opaque
from tinygrad_np.compiling.native.lowering import Lowering

# np.full_like of a plain array asks nobody whether its number speaks NumPy's protocols.
REFUSED = {"full_like": "writes into an array"}

OTHERWISE = {"sinc"}  # how many elements are near 0 is the shape of an array, so other numbers may run eagerly


# Operations of which NumPy may run a part, or all, beside native code: no other may join them unseen.
LEFT_TO_NUMPY = """
    append array_split astype atleast_1d atleast_2d atleast_3d broadcast_arrays cholesky cofactors compress cond
    convolve corrcoef correlate cross cumprod cumsum cumulative_prod cumulative_sum deg2rad delete det diff
    differences divmod dsplit ediff1d eigenpairs eigh eigvalsh einsum extract fft float_power fmod geomspace
    heaviside hsplit ifft insert interp inv irfft ldexp least_squares linalg_cross logaddexp2 lstsq matrix_norm
    matrix_power median modf nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanquantile nanstd
    nanvar norm order_statistics orthogonal_triangular partition percentile piecewise pinv power qr quantile rad2deg
    remainder reorder repeat repeat_each resize rfft sign_and_logarithm sinc singular_triplets slogdet solve sort
    split sum_of_products svd svdvals take_along_axis tensorinv tensorsolve unstack unwrap vander vector_product
    vsplit
"""


def left_to_numpy(program):
    """The calls that NumPy runs beside native code of ``program``."""
    return [i.call for i in Lowering(program).instructions if isinstance(i, Opaque)]


def flat(outputs):
    """All results as arrays."""
    items = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(x.data if isinstance(x, tg.Tensor) else x) for x in items]


def assert_same_bits(ours, expected):
    assert type(ours) is type(expected)
    for a, b in zip(flat(ours), flat(expected), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def assert_close(ours, expected, size):
    """The same numbers to 1e-12 of themselves, or of the largest that came in where they nearly cancel."""
    assert type(ours) is type(expected)
    for a, b in zip(flat(ours), flat(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * size)


def check(function, name, arrays, native=False):
    """The recording, and a run of the program on other numbers, which are as good as those of the table."""
    step = tg.compiled(function, native=native)
    try:
        assert_same_bits(step(*arrays), function(*arrays))
    except tg.TracingError as error:
        assert name in REFUSED
        with pytest.raises(tg.TracingError, match=REFUSED[name]):
            raise error
        return
    others = [np.array(x * 1.0625) for x in arrays]
    if native is False:
        assert_same_bits(step(*others), function(*others))
    else:
        assert_close(step(*others), function(*others), max(np.abs(x).max(initial=0) for x in others))
    assert step.explain().endswith("run 1 times") or name in OTHERWISE, step.explain()
    if native is None:
        assert name in LEFT_TO_NUMPY.split() or not left_to_numpy(step.program)


def gradients(row, variant):
    """A function that gives the value of an operation and the gradients of its arguments."""

    def function(*arrays):
        tensors = [tg.Tensor(x, requires_grad=True) for x in arrays]
        y = row.on(*tensors, **variant.options)
        y.backward(numbers_like(y, seed=7))
        return [y, *[t.grad for t in tensors]]

    return function


@pytest.mark.parametrize(**every_operation())
def test_value_and_gradient(row, variant):
    check(gradients(row, variant), row.name, variant.arrays)


@pytest.mark.parametrize(**every_operation())
def test_value_and_gradient_by_native_code(row, variant):
    check(gradients(row, variant), row.name, variant.arrays, native=None)


@pytest.mark.parametrize(**every_operation())
def test_the_value_alone(row, variant):
    check(lambda *arrays: row.on(*arrays, **variant.options), row.name, variant.arrays)


@pytest.mark.parametrize(**every_operation())
def test_a_gradient_of_gradients(row, variant):
    def twice(*arrays):
        tensors = [tg.Tensor(x, requires_grad=True) for x in arrays]
        y = row.on(*tensors, **variant.options)
        slopes = tg.gradients(y, tensors, create_graph=True, output_gradients=numbers_like(y, seed=7))
        total = sum((g * numbers_like(g, seed=8)).sum() for g in slopes)
        return tg.gradients(total, tensors) if total.requires_grad else total

    check(twice, row.name, variant.arrays)


def made(change):
    """A function that changes a copy of its argument in place."""

    def function(x):
        y = x.copy()
        out = change(y, x)
        return y if out is None else out

    return function


METHODS = {
    "fill": lambda y, x: y.fill(x[1, 0]),
    "sort": lambda y, x: y.sort(),
    "sort down": lambda y, x: y.sort(axis=0),
    "partition": lambda y, x: y.partition(1),
    "put": lambda y, x: y.put([0, 3], x[0]),
    "np.put": lambda y, x: np.put(y, [0, 3], x[0]),
    "np.place": lambda y, x: np.place(y, x > 0, x[0]),
    "np.putmask": lambda y, x: np.putmask(y, x > 0, x * 2),
    "np.fill_diagonal": lambda y, x: np.fill_diagonal(y, x[0, 0]),
    "np.put_along_axis": lambda y, x: np.put_along_axis(y, np.array([[1], [0]]), x[:, :1], 1),
    "np.copyto": lambda y, x: np.copyto(y, x * 2),
    "np.copyto where": lambda y, x: np.copyto(y, x * 2, where=x > 0),
    "by name": lambda y, x: np.put(a=y, ind=[0], v=x[0, 1]),
    "writeable": lambda y, x: setattr(y.flags, "writeable", False),
    "nbytes": lambda y, x: x * (x.nbytes + x.itemsize),
    "divmod": lambda y, x: divmod(x, 2)[1] + divmod(7.0, x)[0],
    "shifted": lambda y, x: (x.astype(int) << 2) + (64 >> abs(x.astype(int))),
    "rounded": lambda y, x: x * round(x[0, 1], 1),
    "copied": lambda y, x: copy.copy(x) + copy.deepcopy(x),
}


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("change", METHODS.values(), ids=METHODS)
def test_methods_of_arrays(change, native):
    function, rng = made(change), np.random.default_rng(0)
    step = tg.compiled(function, native=native)
    for _ in range(5):
        x = rng.normal(size=(2, 3)) * 3
        np.testing.assert_array_equal(step(x), function(x))
    assert step.explain().endswith("run 4 times")


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("name", [n for n in METHODS if n.startswith(("np.", "sort", "fill", "put"))])
def test_methods_that_change_the_state(name, native):
    ours, theirs, rng = SimpleNamespace(w=np.ones((2, 3))), SimpleNamespace(w=np.ones((2, 3))), np.random.default_rng(0)

    def step(held, x):
        held.w[...] = held.w * 0.5 + x
        METHODS[name](held.w, x)
        return np.sum(held.w)

    fast = tg.compiled(lambda x: step(ours, x), state=ours, native=native)
    for _ in range(6):
        x = rng.normal(size=(2, 3))
        np.testing.assert_allclose(fast(x), step(theirs, x), rtol=1e-13)
        np.testing.assert_allclose(ours.w, theirs.w, rtol=1e-13)


class Pair(NamedTuple):
    a: object
    b: object


@pytest.mark.parametrize("native", [False, None])
@pytest.mark.parametrize("together", [np.concatenate, np.stack])
def test_arrays_in_a_named_tuple(together, native):
    step = tg.compiled(lambda x: together(Pair(x, 2 * x)), native=native)
    for x in np.arange(6.0).reshape(3, 2):
        ours, expected = step(x), together(Pair(x, 2 * x))
        assert_same_bits(ours, expected)
    assert step.explain().endswith("run 2 times"), step.explain()
