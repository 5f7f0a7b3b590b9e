"""Labels as rows of zeros and a one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def one_hot(labels: ArrayLike, classes: int | None = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Integer ``labels`` (...) as rows (..., classes) of ``dtype``: 1 at the label, 0 elsewhere.

    ``classes`` is one more than the largest label if it is not given: give it where a class may be absent,
    as in a batch. Raises TypeError for labels that are not integers, ValueError for one outside
    [0, classes), with its row, and for ``classes`` that is no positive integer.

    >>> one_hot([0, 2], classes=3, dtype=int)
    array([[1, 0, 0],
           [0, 0, 1]])
    """
    indices = np.asarray(labels)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got {indices.dtype}{_example(indices)}")
    if classes is None:
        if not indices.size:
            raise ValueError("there are no labels to count the classes by; give classes=")
        classes = int(indices.max()) + 1 if indices.max() >= 0 else 1
    if isinstance(classes, bool) or not isinstance(classes, (int, np.integer)) or classes < 1:
        raise ValueError(f"classes must be a positive integer, one more than the largest label, got {classes!r}")
    outside = (indices < 0) | (indices >= classes)
    if outside.any():
        place = np.unravel_index(np.argmax(outside), indices.shape)
        row = f" in row {place[0]}" if place else ""
        raise ValueError(
            f"label {indices[place]}{row} is outside [0, {classes}) for {classes} classes; number the labels from 0, "
            "as np.unique(labels, return_inverse=True) does"
        )
    rows = np.zeros((indices.size, classes), dtype)
    rows[np.arange(indices.size), indices.ravel()] = 1
    return rows.reshape(*indices.shape, classes)


def _example(labels: NDArray[Any]) -> str:
    """What to write instead of ``labels``, with the first that is no whole number if there is one."""
    if labels.dtype.kind == "f" and not (whole := labels == np.floor(labels)).all():
        place = np.unravel_index(np.argmin(whole), labels.shape)
        return f": label {labels[place]} in row {place[0] if place else 0} is no whole number"
    return (
        "; convert whole numbers with labels.astype(int), and number anything else with "
        "np.unique(labels, return_inverse=True)[1]"
    )
