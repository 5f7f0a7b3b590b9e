"""Numbers that are none, found before they spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.data.rows import arrays_of, chunks_of


def require_finite(name: str, data: Any) -> None:
    """Raise ValueError where ``data`` called ``name`` holds NaN or infinity, with the first row that does.

    It is gone over in pieces, so that memory maps may be larger than memory. Integers, and whatever else
    is no floating number, are finite.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.data.require_finite("X", np.array([[1.0, 2.0], [3.0, np.nan]]))
    Traceback (most recent call last):
        ...
    ValueError: X[1, 1] is nan, in row 1: leave out such rows, or fill them in
    """
    for path, array in arrays_of(name, data).items():
        if array.dtype.kind not in "fc":
            continue
        for first, chunk in chunks_of(array):
            finite = np.isfinite(chunk)
            if not finite.all():
                index = np.unravel_index(np.argmin(finite), chunk.shape)
                place = [int(i) for i in (first + index[0], *index[1:])]
                raise ValueError(
                    f"{path}{place} is {chunk[index]}, in row {place[0]}: leave out such rows, or fill them in"
                )
