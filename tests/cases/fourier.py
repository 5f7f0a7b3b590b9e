"""Cases of the Fourier transforms."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, over, uniform
from tinygrad_np.rules import fourier


def options(shape, *some):
    return [Variant((uniform(*shape),), o) for o in some]


def by_numpy(transform, real_input=False, real_output=False):
    """NumPy's transform of complex numbers, with pairs outside."""

    def formula(x, axis=-1, **options):
        y = transform(x if real_input else x[..., 0] + 1j * x[..., 1], axis=axis, **options)
        return y if real_output else np.stack([y.real, y.imag], axis=-1)

    return formula


NORMS = [{"norm": norm} for norm in (None, "backward", "ortho", "forward")]
ANY_LENGTH = [{"n": n} for n in (2, 3, 6, 7, 1)]
OF_PAIRS = options((5, 2), *NORMS, {"n": 3}, {"n": 8}) + options((2, 3, 2), {"axis": 0}, {"axis": -2, "n": 4})
OF_REALS = (
    options((5,), *NORMS[1:], *ANY_LENGTH) + options((2, 3), {"axis": 0}, {"axis": -2, "n": 3}) + options((1,), {})
)
TO_REALS = options((4, 2), *NORMS[1:], *ANY_LENGTH, {"n": 9}) + options((3, 2, 2), {"axis": 0}, {"axis": -2, "n": 5})
SHIFTS = over("axes", [None, 0, -1, (0, 1), (1, -3)], 2, 3, 4) + over("axes", [None], 5) + over("axes", [None], 0, 3)


@st.composite
def transformed(draw, pairs=False, least=1):
    """An array, one of its axes, which the axis of pairs is not, and the length of the transform along it."""
    shape, axis = draw(domains.shape_and_axis(least, max_dims=2))
    length, norm = draw(st.none() | st.integers(1, 6)), draw(st.sampled_from([None, "backward", "ortho", "forward"]))
    return Variant((draw(domains.numbers((*shape, 2) if pairs else shape)),), {"axis": axis, "n": length, "norm": norm})


SHIFTED = domains.reduced(keepdims=False, min_dims=1).map(lambda v: Variant(v.arrays, {"axes": v.options["axis"]}))


ROWS = [
    Row(fourier.fft, OF_PAIRS, formula=by_numpy(np.fft.fft), drawn=transformed(pairs=True)),
    Row(fourier.ifft, OF_PAIRS, formula=by_numpy(np.fft.ifft), drawn=transformed(pairs=True)),
    Row(fourier.rfft, OF_REALS, formula=by_numpy(np.fft.rfft, real_input=True), drawn=transformed()),
    Row(
        fourier.irfft,
        TO_REALS,
        formula=by_numpy(np.fft.irfft, real_output=True),
        drawn=transformed(pairs=True, least=2),
    ),
    Row(fourier.fftshift, SHIFTS, drawn=SHIFTED),
    Row(fourier.ifftshift, SHIFTS, drawn=SHIFTED),
]
