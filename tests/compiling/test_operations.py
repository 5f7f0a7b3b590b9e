"""Every operation of the table in a compiled function: the same bits as eagerly, or an error that says why not."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import every_operation, every_variant
from tests.compiling.steps import by_numpy
from tests.differences import numbers_like

# np.full_like of a plain array asks nobody whether its number speaks NumPy's protocols.
REFUSED = {"full_like": "writes into an array"}

OTHERWISE = {"sinc"}  # how many elements are near 0 is the shape of an array, so other numbers may run eagerly


def flat(outputs):
    """All results as arrays."""
    items = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(x.data if isinstance(x, tg.Tensor) else x) for x in items]


def assert_same_bits(ours, expected):
    for a, b in zip(flat(ours), flat(expected), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def check(function, name, arrays):
    """The recording, and a run of the program on other numbers, which are as good as those of the table."""
    step = by_numpy(function)
    try:
        assert_same_bits(step(*arrays), function(*arrays))
    except tg.TracingError as error:
        assert name in REFUSED
        with pytest.raises(tg.TracingError, match=REFUSED[name]):
            raise error
        return
    others = [np.array(x * 1.0625) for x in arrays]
    assert_same_bits(step(*others), function(*others))
    assert step.explain().endswith("run 1 times") or name in OTHERWISE, step.explain()


@pytest.mark.parametrize(**every_variant())
def test_value_and_gradient(row, variant):
    def gradients(*arrays):
        tensors = [tg.Tensor(x, requires_grad=True) for x in arrays]
        y = row.on(*tensors, **variant.options)
        y.backward(numbers_like(y, seed=7))
        return [y, *[t.grad for t in tensors]]

    check(gradients, row.name, variant.arrays)


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
