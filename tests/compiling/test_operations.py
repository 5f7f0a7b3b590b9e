"""Every operation of the table in a compiled function: what it gives eagerly, or an error that says why not.

As NumPy source it gives the same bits, as native code the same numbers to 1e-12 of the largest.
"""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import every_operation, every_variant
from tests.differences import numbers_like

# np.full_like of a plain array asks nobody whether its number speaks NumPy's protocols.
REFUSED = {"full_like": "writes into an array"}

OTHERWISE = {"sinc"}  # how many elements are near 0 is the shape of an array, so other numbers may run eagerly


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


def gradients(row, variant):
    """A function that gives the value of an operation and the gradients of its arguments."""

    def function(*arrays):
        tensors = [tg.Tensor(x, requires_grad=True) for x in arrays]
        y = row.on(*tensors, **variant.options)
        y.backward(numbers_like(y, seed=7))
        return [y, *[t.grad for t in tensors]]

    return function


@every_variant
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
