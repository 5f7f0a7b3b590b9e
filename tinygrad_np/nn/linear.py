"""The fully connected layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinygrad_np.arguments import floating, size
from tinygrad_np.initializers import Initializer, as_generator, glorot_uniform, zeros
from tinygrad_np.nn.module import Module
from tinygrad_np.rules import network
from tinygrad_np.tensor import Tensor


class Linear(Module):
    """Fully connected layer, y = x W + b: x (batch, in_features), y (batch, out_features).

    ``weight`` has shape (in_features, out_features), ``bias`` (out_features,); they are drawn in
    this order from ``rng`` (a np.random.Generator, an int seed, or None for a fresh one), by
    ``weight_init`` (Glorot's uniform by default) and ``bias_init`` (zeros). ``dtype`` is a floating
    dtype. Raises TypeError or ValueError for sizes that are not positive integers, for other dtypes,
    for a ``bias`` that is not a bool and for initializers that are no functions or give other shapes.

    >>> import numpy as np, tinygrad_np as tg
    >>> layer = tg.nn.Linear(2, 3, rng=0)
    >>> layer(np.zeros((4, 2))).shape
    (4, 3)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: DTypeLike = np.float64,
        rng: np.random.Generator | int | None = None,
        weight_init: Initializer = glorot_uniform,
        bias_init: Initializer = zeros,
    ) -> None:
        rng = as_generator(rng)
        shape = (size("in_features", in_features), size("out_features", out_features))
        if not isinstance(bias, (bool, np.bool_)):
            raise TypeError(
                f"bias must be True or False, got {bias!r}; what follows the sizes is best given by name, as in "
                "bias_init=tg.initializers.zeros or rng=0"
            )
        dtype = floating(dtype)
        self.weight = _parameter("weight_init", weight_init, shape, rng, dtype)
        self.bias = _parameter("bias_init", bias_init, shape[1:], rng, dtype) if bias else None

    def __call__(self, x: Tensor | ArrayLike) -> Tensor:
        return network.linear(x, self.weight, self.bias)  # type: ignore[no-any-return]  # operations give Any

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}{bias}"


def _parameter(
    name: str, initializer: Initializer, shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike
) -> Tensor:
    """A leaf of ``shape`` with the values that ``initializer`` draws."""
    if not callable(initializer):
        raise TypeError(
            f"{name} must be a function of (shape, rng), got {initializer!r}; give one of tg.initializers, as in "
            f"{name}=tg.initializers.uniform(-1, 1), or a function of your own"
        )
    values = np.asarray(initializer(shape, rng))
    if values.shape != shape:
        raise ValueError(f"{name} gave an array of shape {values.shape} for a parameter of shape {shape}")
    return Tensor(values, requires_grad=True, dtype=dtype)
