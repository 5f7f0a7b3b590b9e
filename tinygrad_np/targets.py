"""Predictions, targets and weights: brought to one dtype once they are found to fit, for losses and metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.numerics import has_zero
from tinygrad_np.shapes import NO_NUMBERS
from tinygrad_np.tensor import Tensor

Values = Any  # an array or a Tensor


def paired(name: str, prediction: Values, target: Values, what: str = "a prediction") -> tuple[Values, Values]:
    """Both in the prediction's dtype, once the targets are found to be finite and of its very shape."""
    x, t = real(name, "prediction", prediction), real(name, "target", target)
    if x.shape != t.shape:
        raise ValueError(f"{name}: {what} of shape {x.shape} for a target of shape {t.shape}; {_advice(x, t)}")
    demand(name, t, np.isfinite(data_of(t)), "a finite number; leave out rows whose target is not known")
    return x, t if t.dtype == x.dtype else t.astype(x.dtype)


def _advice(x: Values, t: Values) -> str:
    """What to write where the shapes of prediction and target differ."""
    if x.shape == (*t.shape, 1):
        return "give target[:, None], or prediction[:, 0]"
    if t.shape == (*x.shape, 1):
        return "give target[:, 0], or prediction[:, None]"
    return "they must be equal, for nothing is broadcast"


def demand(name: str, target: Values, fits: Any, expected: str) -> None:
    """Raise ValueError for the first element of ``target`` that does not fit, with its row and what was expected."""
    if not has_zero(fits):
        return
    place = tuple(int(i) for i in np.unravel_index(np.argmin(fits), np.shape(fits)))
    where = f" at index {place}" if len(place) > 1 else "".join(f" in row {i}" for i in place)
    raise ValueError(f"{name}: the target{where} is {data_of(target)[place]:g}, but must be {expected}")


def row_weights(name: str, sample_weight: Values, elements: Values) -> Values:
    """One weight for each row of the losses ``elements``, in their dtype."""
    weight = real(name, "sample_weight", sample_weight)
    if not elements.ndim or weight.shape != elements.shape[:1]:
        raise ValueError(
            f"{name}: sample_weight of shape {weight.shape} for losses of shape {elements.shape}; give one number for "
            f"each row, of shape {elements.shape[:1]}"
        )
    return _counting(name, "sample_weight", "row", weight).astype(elements.dtype)


def class_weights(name: str, class_weight: Any, shape: tuple[int, ...]) -> Any:
    """One weight for each class, of which logits of ``shape`` have as many as columns."""
    weight = data_of(real(name, "class_weight", class_weight)).astype(np.float64)
    if len(shape) == 2 and weight.shape != shape[1:]:  # logits of another number of axes are for the rule to refuse
        raise ValueError(
            f"{name}: class_weight of shape {weight.shape} for logits of shape {shape}; give one number for each "
            f"class, of shape {shape[1:]}"
        )
    return _counting(name, "class_weight", "class", weight)


def _counting(name: str, what: str, of: str, weight: Values) -> Values:
    """``weight``, once its numbers are found to be finite and at least 0."""
    values = data_of(weight)
    fits = (values >= 0) & (values < np.inf)
    if has_zero(fits):
        i = int(np.argmin(fits))
        raise ValueError(f"{name}: the {what} of {of} {i} is {values[i]:g}; weights must be finite and at least 0")
    return weight


def real(name: str, what: str, x: Any) -> Values:
    """``x`` as an array or Tensor of floating numbers; integers and bools become float64."""
    x = array_of(name, what, x)
    if x.dtype.kind == "f":
        return x
    if x.dtype.kind not in "iub":
        raise TypeError(f"{name}: the {NO_NUMBERS.format(what, x.dtype)}")
    return x.astype(np.float64)


def array_of(name: str, what: str, x: Any) -> Values:
    """``x`` as an array, if it is no Tensor and speaks no protocol of arrays; a mask would be lost without a word."""
    if isinstance(x, Tensor):
        return x
    if hasattr(x, "filled"):
        raise TypeError(f"{name}: the {what} is a masked array; give {what}.filled(value), and masked rows weight 0")
    speaks = hasattr(x, "__array_function__") and not isinstance(x, np.ndarray)
    return x if speaks else np.asarray(x)


def data_of(x: Values) -> Any:
    """The plain array of a Tensor, or the array itself."""
    return x.data if isinstance(x, Tensor) else x
