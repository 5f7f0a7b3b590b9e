"""NumPy's functions in three sets: differentiable, run on the data, refused.

The first set is the operation table. The second gives results that carry no gradient, so the functions
run on the plain arrays: each is constant between its jumps, or says something about shapes, dtypes or
positions, or writes a file. The third has a reason for each, and what to write instead. Every function
of NumPy's main, linalg and fft namespaces that can be called on a Tensor is in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy import fft, linalg

Function = Callable[..., Any]

# fmt: off
RUN_ON_DATA: frozenset[Any] = frozenset({
    # comparisons and tests
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.array_equal, np.array_equiv,
    np.allclose, np.isclose, np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.all, np.any, np.isin,
    np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.isnat, np.signbit, np.isreal, np.iscomplex,
    np.isrealobj, np.iscomplexobj,
    # constant between their jumps
    np.sign, np.floor, np.ceil, np.rint, np.round, np.around, np.fix, np.trunc, np.floor_divide, np.imag, np.angle,
    # integers and their bits
    np.gcd, np.lcm, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert, np.left_shift,
    np.right_shift, np.packbits, np.unpackbits,
    # positions and counts
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.unravel_index,
    np.ravel_multi_index, np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, linalg.matrix_rank,
    # shapes, dtypes, new arrays in another's likeness, text, files
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.may_share_memory,
    np.shares_memory, np.zeros_like, np.ones_like, np.empty_like, np.einsum_path, np.array_repr,
    np.array_str, np.array2string, np.save, np.savez, np.savez_compressed, np.savetxt,
})

_WRITES = "it writes into an array, which a recorded graph may use; use tg.index_update(x, index, value) or np.where"
_COMPLEX = "its result is complex and Tensors are real; use {}"
_SETS = "how many elements come out depends on the values; find the positions on t.data, and index t with them"
_COUNTS = "counts have no gradient, and the edges would lose theirs; call it on t.data"
_CALLBACK = "it calls a function for each part, on plain arrays; write it with axis=, or stack the parts yourself"
_POLYNOMIALS = "it works on lists of coefficients; use np.polyval, np.convolve or np.linalg.lstsq"
_DATES = "dates are not real numbers; call it on an array"
_BITS = "it takes numbers apart by their bits; call it on t.data"

REFUSED: Mapping[Any, str] = {
    **dict.fromkeys((np.copyto, np.put, np.put_along_axis, np.putmask, np.place, np.fill_diagonal), _WRITES),
    **dict.fromkeys((fft.fft, fft.fft2, fft.fftn, fft.rfft, fft.rfft2, fft.rfftn, fft.ihfft),
                    _COMPLEX.format("tg.fft.rfft or tg.fft.fft, which give real and imaginary parts")),
    **dict.fromkeys((fft.ifft, fft.ifft2, fft.ifftn, fft.irfft, fft.irfft2, fft.irfftn, fft.hfft),
                    "it takes complex numbers and Tensors are real; use tg.fft.irfft or tg.fft.ifft, which take parts"),
    **dict.fromkeys((linalg.eig, linalg.eigvals),
                    _COMPLEX.format("np.linalg.eigh or np.linalg.eigvalsh if the matrix is symmetric")),
    **dict.fromkeys((np.roots, np.sort_complex), _COMPLEX.format("t.data if no gradient is needed")),
    **dict.fromkeys((np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.union1d,
                     np.intersect1d, np.setdiff1d, np.setxor1d, np.trim_zeros), _SETS),
    **dict.fromkeys((np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges), _COUNTS),
    **dict.fromkeys((np.apply_along_axis, np.apply_over_axes), _CALLBACK),
    **dict.fromkeys((np.poly, np.polyadd, np.polysub, np.polymul, np.polydiv, np.polyder, np.polyint, np.polyfit),
                    _POLYNOMIALS),
    **dict.fromkeys((np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string), _DATES),
    **dict.fromkeys((np.frexp, np.nextafter, np.spacing), _BITS),
    np.bincount: "its weights would lose their gradient; use np.where(x == np.arange(n)[:, None], w, 0).sum(1)",
    np.ix_: "it makes indices, which have no gradient; call it on t.data, or use np.meshgrid(indexing='ij')",
    np.i0: "its slope, the Bessel function I1, is none of NumPy's; declare a rule with @tg.operation and scipy.special",
}
# fmt: on
