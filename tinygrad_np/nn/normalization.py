"""Layers that give numbers a mean of 0 and a variance of 1: over a batch, or over the features of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_np.arguments import floating, number, size
from tinygrad_np.nn.module import Module
from tinygrad_np.numerics import HALF, square_to_zero, sum_over
from tinygrad_np.rules.normalization import standardize
from tinygrad_np.shapes import as_array
from tinygrad_np.tensor import Tensor


class _Normalization(Module):
    """A weight of ones and a bias of zeros for each feature, the last axis of what comes in."""

    def __init__(self, features: int, eps: float, dtype: DTypeLike) -> None:
        shape, dtype = (size("features", features),), floating(dtype)
        self.eps = number("eps", eps, 1e-5, lambda eps: 0 < eps < np.inf, "a finite number above 0")
        self.weight = Tensor(np.ones(shape, dtype), requires_grad=True)
        self.bias = Tensor(np.zeros(shape, dtype), requires_grad=True)

    def _checked(self, x: Any) -> Any:
        """``x`` as an array or Tensor whose last axis holds the features."""
        x = as_array(x)
        if x.shape[-1:] != self.weight.shape:
            features, name = self.weight.size, type(self).__name__
            raise ValueError(
                f"{name}({features}) takes x of shape (..., {features}), the features last, got {x.shape}; "
                f"make the layer for as many features as come in"
            )
        return x

    def extra_repr(self) -> str:
        return str(self.weight.size)


class BatchNorm(_Normalization):
    """Batch normalisation of each feature: y = (x − mean) / √(variance + eps)·weight + bias.

    x has shape (batch, features), or (batch, ..., features): the features are last, as for Linear, and all axes
    before count as rows. In training mean and variance (Σ (x − mean)² / n) are those of the batch; gradients flow
    through them. After ``eval()`` they are ``running_mean`` and ``running_var``, which training moves by

        running ← (1 − momentum)·running + momentum·batch

    with the unbiased variance of the batch (Σ (x − mean)² / (n − 1)): PyTorch's conventions, whose momentum is 1 minus
    that of other libraries. A batch of no rows gives no rows and moves nothing. Weight and bias have ``dtype``, and so
    have the statistics, but at least float32, for float16 ends at 65,504. Raises ValueError for other features, and for
    a batch of one row in training, which has no variance; TypeError or ValueError for sizes and numbers out of range.
    Ioffe & Szegedy (2015), "Batch normalization: accelerating deep network training by reducing internal covariate
    shift".

    >>> import numpy as np, tinygrad_np as tg
    >>> layer = tg.nn.BatchNorm(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(4)
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_var
    (array([0.2]), array([1.1]))
    >>> layer.eval()(np.array([[0.2]])).data
    array([[0.]])
    """

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1, dtype: DTypeLike = np.float64) -> None:
        super().__init__(features, eps, dtype)
        self.momentum = number("momentum", momentum, 0.1, lambda m: 0 <= m <= 1, "a number in [0, 1]")
        wide = np.result_type(self.weight.dtype, np.float32)
        self.running_mean = np.zeros(self.weight.shape, wide)
        self.running_var = np.ones(self.weight.shape, wide)

    def __call__(self, x: Any) -> Any:
        x = self._checked(x)
        if not self.training:  # astype copies, for a graph may keep the mean beyond the next step
            deviation = np.sqrt(self.running_var + self.eps).astype(self.weight.dtype)
            return (x - self.running_mean.astype(self.weight.dtype)) * (self.weight / deviation) + self.bias
        rows = x.size // self.weight.size
        if rows == 1:
            raise ValueError(
                f"BatchNorm in training needs more than one row, got x of shape {x.shape}; give larger batches, leave "
                "out a last batch of one row, or call model.eval() first where nothing is trained"
            )
        axes = tuple(range(x.ndim - 1))
        y = standardize(x, self.weight, self.bias, axes, self.eps)
        if rows:
            self._follow(x.data if isinstance(x, Tensor) else x, axes, rows)
        return y

    def _follow(self, x: NDArray[Any], axes: tuple[int, ...], rows: int) -> None:
        """Move the running statistics, in place, towards those of a batch."""
        if x.dtype == HALF:  # whose squares would soon overflow
            x = x.astype(np.float32)
        mean = sum_over(x, axes) / rows
        variance = sum_over(square_to_zero(x - mean), axes) / (rows - 1)
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (variance - self.running_var)


class LayerNorm(_Normalization):
    """Layer normalisation of each row: y = (x − mean) / √(variance + eps)·weight + bias, over the last axis.

    x has shape (..., features), y the same; mean and variance (Σ (x − mean)² / features) are those of the row itself,
    in training and after. Weight and bias, one number for each feature, have ``dtype``. Raises ValueError for other
    features; TypeError or ValueError for sizes and numbers out of range. Ba, Kiros & Hinton (2016), "Layer
    normalization".

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.nn.LayerNorm(3)(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])).data.round(4)
    array([[-1.2247,  0.    ,  1.2247],
           [-1.2247,  0.    ,  1.2247]])
    """

    def __init__(self, features: int, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(features, eps, dtype)

    def __call__(self, x: Any) -> Any:
        return standardize(self._checked(x), self.weight, self.bias, -1, self.eps)
