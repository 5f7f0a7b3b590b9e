"""States to be saved, drawn and compared bit by bit."""

import struct

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
DTYPES += [np.float16, np.float32, np.float64]

dtypes = st.sampled_from(DTYPES).map(np.dtype)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
awkward = arrays.map(lambda a: a.astype(a.dtype.newbyteorder(">"))) | arrays.map(lambda a: a.T) | arrays.map(np.flip)
scalars = dtypes.flatmap(hnp.from_dtype)
floats = st.floats() | st.sampled_from([-0.0, 5e-324, float("nan"), -float("nan"), float("inf"), -float("inf")])
integers = st.integers() | st.integers(-(2**130), 2**130)
# Keys with dots, keys that would be tags, and names that no file can hold.
keys = st.text(max_size=4) | st.sampled_from(["a", "b", "a.b", "0", "$", "$array", "$dict", "__metadata__", "\ud800"])
leaves = (
    arrays | awkward | scalars | floats | integers | st.text(st.characters(), max_size=5) | st.booleans() | st.none()
)
states = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


def bits(state):
    """A state as something that is equal only where every type and every bit is."""
    if isinstance(state, dict):
        return [(key, bits(value)) for key, value in state.items()]
    if isinstance(state, (list, tuple)):
        return type(state), [bits(value) for value in state]
    if isinstance(state, (np.ndarray, np.generic)):
        native = state.dtype.newbyteorder("=")
        return type(state), str(native), state.shape, np.asarray(state, native).tobytes()
    return type(state), struct.pack("<d", state) if isinstance(state, float) else state
