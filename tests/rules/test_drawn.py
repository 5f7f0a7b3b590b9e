"""Every elementwise operation on shapes and values that hypothesis draws within the domain of its row of cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.cases import ROWS, mirrored
from tests.differences import numbers_like

ELEMENTWISE = [row for row in ROWS if row.operation.elementwise]


def drawn(data, row):
    """Arrays of shapes that broadcast, each within the range of sizes and the signs of the row's own values."""
    examples = row.variants[0].arrays
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=len(examples), max_dims=3, max_side=3)).input_shapes
    arrays = []
    for shape, example in zip(shapes, examples):
        least, most = float(np.abs(example).min()), float(np.abs(example).max())  # 0 is in few domains
        sizes = st.floats(least, most, allow_subnormal=False)
        values = sizes if example.min() >= 0 else st.one_of(sizes, sizes.map(np.negative))
        arrays.append(data.draw(hnp.arrays(np.float64, shape, elements=values)))
    return arrays


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
@given(data=st.data())
def test_value_shape_and_both_modes_on_drawn_arrays(row, data):
    arrays = drawn(data, row)
    options = row.variants[0].options
    f = lambda *xs: row.on(*xs, **options)
    with np.errstate(all="ignore"):
        value, pullback = tg.vjp(f, *arrays)
        expected = row.call(mirrored(row.operation), *arrays, **options)
        gradients = pullback(g := numbers_like(value, seed=7))
        tangents = [numbers_like(x, seed) for seed, x in enumerate(arrays)]
        pushed = tg.jvp(f, arrays, tangents)[1]
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-300)
    assert [gx.shape for gx in gradients] == [x.shape for x in arrays]
    back, forth = sum(np.sum(gx * t) for gx, t in zip(gradients, tangents)), np.sum(g * pushed)
    assert np.isclose(back, forth, rtol=1e-11, atol=1e-12, equal_nan=True) or not np.isfinite(back)
