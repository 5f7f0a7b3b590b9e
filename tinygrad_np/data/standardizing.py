"""Features brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np import states
from tinygrad_np.data.finite import require_finite
from tinygrad_np.data.rows import arrays_of, chunks_of, count_rows

Array = NDArray[Any]


class Standardizer:
    """z = (x − mean) / std of each feature, over rows: fit on the training rows, call on any, ``inverse`` back.

    x has shape (rows, ...), ``mean`` and ``std`` (...), in float64 and x's units; std is that of the rows
    themselves, √(Σ (x − mean)² / n). A constant feature has std 0, and z = x − mean. z has x's dtype if
    that is floating, else float64. Rows are gone over in pieces, so that memory maps may be larger than
    memory, and ``update`` adds rows that come later.

    Raises TypeError for what holds no real numbers; ValueError for NaN and infinity, with the row, for
    numbers whose squares overflow, for other features than were fitted, and before ``fit``.

    The pieces' means and sums of squares are merged as by Chan, Golub & LeVeque (1983), "Algorithms for
    computing the sample variance: analysis and recommendations", The American Statistician 37; each piece
    is shifted by its first row, which makes constants exact.

    >>> import numpy as np, tinygrad_np as tg
    >>> X = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> standardize = tg.data.Standardizer().fit(X)
    >>> standardize(X), standardize.inverse(standardize(X))
    (array([[-1.,  0.],
           [ 1.,  0.]]), array([[1., 5.],
           [3., 5.]]))
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.count = 0
        self.mean: Any = None
        self._squares: Any = None  # Σ (x − mean)²
        self._scale: Any = None

    def fit(self, x: Array) -> Standardizer:
        """Forget earlier rows, and go over those of ``x``; gives itself."""
        return self._over(x, 0, None, None)

    def update(self, x: Array) -> Standardizer:
        """Go over the rows of ``x`` as well; gives itself."""
        return self._over(x, self.count, self.mean, self._squares)

    @property
    def std(self) -> Array:
        """The standard deviation of each feature."""
        self._fitted()
        std: Array = np.sqrt(self._squares / self.count)
        return std

    def __call__(self, x: Array) -> Array:
        """``x`` standardized."""
        x = self._checked(x)
        z: Array = ((x - self.mean) / self._scale).astype(_floating(x), copy=False)
        return z

    def inverse(self, z: Array) -> Array:
        """What ``z`` was before it was standardized."""
        z = self._checked(z)
        x: Array = (z * self._scale + self.mean).astype(_floating(z), copy=False)
        return x

    def state_dict(self) -> dict[str, Any]:
        """The number of rows, and each feature's mean and sum of squared deviations (None before ``fit``)."""
        if not self.count:
            return {"count": 0, "mean": None, "squares": None}
        return {"count": self.count, "mean": self.mean.copy(), "squares": self._squares.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` of ``state_dict``; ValueError, and nothing changed, if it is none."""
        states.check("the standardizer", Standardizer().state_dict(), state)
        count, mean, squares = state["count"], state["mean"], state["squares"]
        if count == 0 and mean is None and squares is None:
            self._forget()
            return
        states.check("the standardizer", self.state_dict(), state)
        if not (
            type(count) is int
            and count > 0
            and _sound(mean)
            and _sound(squares)
            and mean.shape == squares.shape
            and (squares >= 0).all()
        ):
            raise ValueError(
                f"this is no state of a standardizer: {dict(state)!r}; it has a positive count, and finite arrays "
                "mean and squares of one shape"
            )
        self._set(count, mean.copy(), squares.copy())

    def __repr__(self) -> str:
        return f"Standardizer({f'{self.count} rows of shape {self.mean.shape}' if self.count else 'not fitted'})"

    def _over(self, x: Array, count: int, mean: Any, squares: Any) -> Standardizer:
        x = _real(x)
        count_rows({"x": x})
        if mean is not None:
            self._check_features(x)
        require_finite("x", x)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for _, chunk in chunks_of(x):
                count, mean, squares = _merged((count, mean, squares), _moments(chunk))
        if not np.isfinite(squares).all():
            feature = [int(i) for i in np.argwhere(~np.isfinite(squares))[0]]
            raise ValueError(f"feature {feature} of x is so large that its square overflows; divide it by some power")
        self._set(count, mean, squares)
        return self

    def _set(self, count: int, mean: Any, squares: Any) -> None:
        self.count, self.mean, self._squares = count, np.asarray(mean), np.asarray(squares)
        self._scale = np.where(self.std > 0, self.std, 1.0)  # a constant is not divided

    def _checked(self, x: Array) -> Array:
        self._fitted()
        x = _real(x)
        self._check_features(x)
        return x

    def _check_features(self, x: Array) -> None:
        if x.shape[1:] != self.mean.shape:
            raise ValueError(f"x has shape {x.shape}, but was fitted with rows of shape {self.mean.shape}")

    def _fitted(self) -> None:
        if not self.count:
            raise ValueError("the standardizer is not fitted; call fit(x) with the training rows first")


def _moments(chunk: Array) -> tuple[int, Any, Any]:
    """How many rows, their mean, and the sum of squared deviations from it."""
    origin = chunk[0].astype(np.float64)
    shifted = chunk - origin
    mean = shifted.mean(0, dtype=np.float64)
    return len(chunk), origin + mean, np.square(shifted - mean).sum(0, dtype=np.float64)


def _merged(first: tuple[int, Any, Any], second: tuple[int, Any, Any]) -> tuple[int, Any, Any]:
    """The moments of the rows of both."""
    (m, mean, squares), (n, other_mean, other_squares) = first, second
    if not m:
        return second
    delta = other_mean - mean
    return m + n, mean + delta * (n / (m + n)), squares + other_squares + delta * delta * (m * (n / (m + n)))


def _real(x: Any) -> Array:
    """``x`` as one array of real numbers."""
    if isinstance(x, (list, tuple, dict)):
        raise TypeError(f"x must be one array, got {type(x).__name__}; standardize each array on its own")
    (array,) = arrays_of("x", x).values()
    if array.dtype.kind not in "fiub":
        raise TypeError(f"x must hold real numbers, got {array.dtype}")
    return array


def _floating(x: Array) -> Any:
    return x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)


def _sound(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == np.float64 and bool(np.isfinite(array).all())
