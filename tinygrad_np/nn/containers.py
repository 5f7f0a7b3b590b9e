"""Layers made of layers, and Flatten, which stands between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from tinygrad_np.nn.module import Module
from tinygrad_np.rules import shape as shape_rules
from tinygrad_np.shapes import as_array

Layer = Callable[[Any], Any]


class Sequential(Module):
    """Layers applied one after another: Modules, or any functions of one Tensor.

    Parameters are named by position, as in ``0.weight``. A slice is a Sequential of the same layers.
    Raises TypeError for a layer that cannot be called.

    >>> import numpy as np, tinygrad_np as tg
    >>> model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 3, rng=1))
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> model(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(self, *layers: Layer) -> None:
        for i, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(f"layer {i} is {layer!r}, which cannot be called; give layers as separate arguments")
            if isinstance(layer, type):
                raise TypeError(f"layer {i} is the class {layer.__name__}; make a layer of it, {layer.__name__}(...)")
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(*self.layers[index])
        if not hasattr(index, "__index__"):
            raise TypeError(f"a layer is found by its number or a slice, got {index!r}")
        count = len(self.layers)
        if not -count <= index < count:
            raise IndexError(f"there is no layer {index} among the {count}, which go from 0 to {count - 1}")
        return self.layers[index]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def _children(self) -> Iterator[tuple[str, Any]]:
        yield from ((str(i), layer) for i, layer in enumerate(self.layers))
        yield from ((name, value) for name, value in vars(self).items() if name != "layers")


class Residual(Sequential):
    """A shortcut around layers: y = x + layers(x), of x's shape.

    Raises ValueError where the layers give another shape. He, Zhang, Ren & Sun (2016), "Deep residual
    learning for image recognition".

    >>> import numpy as np, tinygrad_np as tg
    >>> block = tg.nn.Residual(tg.nn.Linear(2, 2, rng=0, weight_init=tg.initializers.zeros), np.tanh)
    >>> block(np.array([[1.0, 2.0]])).data
    array([[1., 2.]])
    """

    def __call__(self, x: Any) -> Any:
        x = as_array(x)
        y = as_array(super().__call__(x))
        if y.shape != x.shape:
            raise ValueError(
                f"the layers of a Residual made {y.shape} of {x.shape}; the two are added, so let the last layer "
                "give as many features as come in"
            )
        return x + y


class Flatten(Module):
    """All axes but the first made one: x (batch, ...) to y (batch, features).

    Raises ValueError for fewer than two axes.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.nn.Flatten()(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    def __call__(self, x: Any) -> Any:
        x = as_array(x)
        if x.ndim < 2:
            raise ValueError(f"Flatten takes x of shape (batch, ...), got {x.shape}; give one example as x[None]")
        return shape_rules.reshape(x, (x.shape[0], prod(x.shape[1:])))
