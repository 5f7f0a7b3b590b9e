"""Metrics: how good predictions are, as one number that a person reads; each takes what its loss takes.

``metric(prediction, target)`` with arrays or Tensors gives a float, computed in float64 at least and never recorded.
Every row counts once, whatever its weight in the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_np.names import nearest
from tinygrad_np.targets import Values, array_of, data_of, demand, paired, real

__all__ = ["accuracy", "by_name", "mean_absolute_error", "mean_squared_error", "r2"]

Metric = Callable[[Any, Any], float]


def accuracy(prediction: Values, target: Values) -> float:
    """The share of predictions that are right, from 0 to 1.

    What is predicted follows from the shapes:

    * ``prediction`` (n, classes), logits or probabilities: the class of the largest, against labels (n,) or rows of
      probabilities (n, classes);
    * floats in the shape of ``target``, (n,) or (n, 1): logits of the class 1, which they predict above 0, against 0
      and 1 or bools; give ``p - 0.5`` for probabilities p;
    * integers, bools or strings in the shape of ``target``: labels, which are right where they are equal.

    A prediction of NaN is wrong. Raises ValueError for no rows, shapes that do not fit and labels out of range.

    >>> import numpy as np
    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    >>> accuracy(np.array([-3.0, 0.5]), np.array([False, True])), accuracy(["cat", "dog"], ["cat", "cow"])
    (1.0, 0.5)
    """
    x, t = data_of(array_of("accuracy", "prediction", prediction)), data_of(array_of("accuracy", "target", target))
    floats = x.dtype.kind == "f"
    if x.ndim == 2 and x.shape[1] != 1 and (floats or (x.dtype.kind in "iu" and t.ndim == 1)):
        right = (_classes(x, t) == x.argmax(1)) & ~np.isnan(x).any(1)
    elif floats:
        x, t = paired("accuracy", x, t)
        demand("accuracy", t, (t == 0) | (t == 1), "0 or 1 beside floats of its own shape, which are taken for logits")
        right = ((x > 0) == t) & ~np.isnan(x)
    else:
        right = _equal(x, t)
    if not right.size:
        raise ValueError("accuracy: there are no rows; the share of none is not defined")
    return float(np.mean(right))


def _classes(x: Any, t: Any) -> Any:
    """The class that each target names, where the predictions are rows of a score for each class."""
    if t.shape == x.shape:
        return t.argmax(1)
    if t.shape != x.shape[:1]:
        raise ValueError(
            f"accuracy: a prediction of shape {x.shape} for a target of shape {t.shape}; give labels {x.shape[:1]} or "
            f"probabilities {x.shape}"
        )
    if t.dtype.kind not in "iub":
        raise TypeError(f"accuracy: labels must be integers, got {t.dtype}; convert whole numbers with t.astype(int)")
    demand("accuracy", t, (t >= 0) & (t < x.shape[1]), f"in [0, {x.shape[1]}), as there are {x.shape[1]} classes")
    return t


def _equal(x: Any, t: Any) -> Any:
    """Where labels are equal."""
    if x.shape != t.shape:
        raise ValueError(f"accuracy: labels of shape {x.shape} for a target of shape {t.shape}; give one for each")
    if (x.dtype.kind in "US") != (t.dtype.kind in "US") and "O" not in (x.dtype.kind, t.dtype.kind):
        raise TypeError(f"accuracy: labels of {x.dtype} for a target of {t.dtype}, none of them equal; give one kind")
    return np.asarray(x == t)


def mean_squared_error(prediction: Values, target: Values) -> float:
    """Mean of (x − t)² over all rows and outputs, in the target's units squared.

    >>> mean_squared_error([1.0, 2.0], [0.0, 5.0])
    5.0
    """
    x, t = _wide("mean_squared_error", prediction, target)
    return float(np.mean((x - t) ** 2))


def mean_absolute_error(prediction: Values, target: Values) -> float:
    """Mean of |x − t| over all rows and outputs, in the target's units.

    >>> mean_absolute_error([1.0, 2.0], [0.0, 5.0])
    2.0
    """
    x, t = _wide("mean_absolute_error", prediction, target)
    return float(np.mean(np.abs(x - t)))


def r2(prediction: Values, target: Values) -> float:
    """Coefficient of determination 1 − Σ(x − t)² / Σ(t − mean t)², averaged over the outputs.

    1 is perfect, 0 as good as the mean of the targets, and there is no least. An output whose targets are all equal
    counts 1 where it is met exactly and 0 where not.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """
    x, t = _wide("r2", prediction, target)
    left, whole = ((x - t) ** 2).sum(0), ((t - t.mean(0)) ** 2).sum(0)
    constant = whole == 0
    return float(np.mean(np.where(constant, left == 0, 1 - left / np.where(constant, 1, whole))))


def _wide(name: str, prediction: Values, target: Values) -> tuple[Any, Any]:
    """Prediction and target in float64 or wider."""
    x = data_of(real(name, "prediction", prediction))
    x, t = paired(name, x.astype(np.result_type(x, np.float64)), target)
    if not (x.ndim and x.size):
        raise ValueError(f"{name}: there are no rows; the mean of none is not defined")
    return x, data_of(t)


METRICS: dict[str, Metric] = {
    metric.__name__: metric for metric in (accuracy, mean_squared_error, mean_absolute_error, r2)
}


def by_name(name: str) -> Metric:
    """The metric called ``name``; ValueError for one that does not exist, with the nearest that does.

    >>> by_name("r2") is r2
    True
    >>> by_name("accurracy")
    Traceback (most recent call last):
        ...
    ValueError: there is no metric 'accurracy', did you mean 'accuracy'? Choose from: accuracy, mean_squared_error, ...
    """
    return nearest("metric", name, METRICS)
