"""Cases of the convolutions."""

from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import convolution

# Either the longer, of odd and of even length: their middles lie differently.
LENGTHS = {
    "full": [(5, 3), (2, 6), (1, 4)],
    "same": [(6, 3), (7, 4), (4, 7), (3, 6), (4, 4)],
    "valid": [(6, 3), (4, 7), (4, 4)],
}
SEQUENCES = [Variant((uniform(n1), uniform(n2)), {"mode": mode}) for mode, ns in LENGTHS.items() for n1, n2 in ns]

CONVOLVED = domains.many(
    st.lists(st.tuples(st.integers(1, 6)), min_size=2, max_size=2), mode=st.sampled_from(["full", "same", "valid"])
)


ROWS = [
    Row(convolution.convolve, SEQUENCES + of_shapes(((), (3,))), drawn=CONVOLVED),
    Row(convolution.correlate, SEQUENCES + of_shapes(((5,), (2,))), drawn=CONVOLVED),
    Row(
        convolution.polyval,
        of_shapes(((4,), (3, 2)), ((3,), ()), ((1,), (2,)), ((2,), (0, 3))),
        drawn=domains.many(st.tuples(domains.shapes(0, 1, 1), domains.shapes())),
    ),
]
