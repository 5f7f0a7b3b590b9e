"""Networks: layers, and Sequential that applies them one after another.

A layer is anything that can be called with a Tensor: a Module here, or any function. A Module's
parameters are the Tensors among its attributes and those of the Modules it holds, in the order in
which they were set. What is met twice, a shared parameter or a Module that holds its parent, counts
where it is met first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinygrad_np.initializers import Initializer, as_generator, glorot_uniform, zeros
from tinygrad_np.rules import network, trigonometric
from tinygrad_np.tensor import Tensor

Layer = Callable[[Any], Any]


class Module:
    """Base of layers and networks: subclass it, set Tensors and Modules as attributes, define ``__call__``.

    >>> import numpy as np, tinygrad_np as tg
    >>> class Scale(tg.nn.Module):
    ...     def __init__(self):
    ...         self.factor = tg.Tensor(2.0, requires_grad=True)
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in tg.nn.Sequential(tg.nn.Linear(2, 1), Scale()).named_parameters()]
    ['0.weight', '0.bias', '1.factor']
    """

    def __call__(self, x: Any) -> Any:
        """The output for the input ``x``."""
        raise TypeError(f"{type(self).__name__} does not define __call__(self, x)")

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Pairs of a dotted name and a parameter, in declaration order, each parameter once."""
        met = {id(self): self}
        for name, value in self._children():
            yield from _parameters_in(value, prefix + name, met)

    def parameters(self) -> list[Tensor]:
        """The parameters in declaration order, each once: what an optimizer takes."""
        return [parameter for _, parameter in self.named_parameters()]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def _children(self) -> Iterator[tuple[str, Any]]:
        """Names and values of what this Module holds."""
        yield from vars(self).items()


def _parameters_in(value: Any, name: str, met: dict[int, Any]) -> Iterator[tuple[str, Tensor]]:
    """The parameters in ``value``, which may be a Tensor, a Module, or a list, tuple or dict of such.

    What was ``met`` before is passed over, for Modules may hold each other. They are told apart by
    id, as two that are equal are still two, and held meanwhile, lest an id be given to another.
    """
    if id(value) in met:
        return
    met[id(value)] = value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Module):
        items = value._children()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    for key, item in items:
        yield from _parameters_in(item, f"{name}.{key}", met)


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
        shape = (_size("in_features", in_features), _size("out_features", out_features))
        if not isinstance(bias, (bool, np.bool_)):
            raise TypeError(
                f"bias must be True or False, got {bias!r}; what follows the sizes is best given by name, as in "
                "bias_init=tg.initializers.zeros or rng=0"
            )
        dtype = _floating(dtype)
        self.weight = _parameter("weight_init", weight_init, shape, rng, dtype)
        self.bias = _parameter("bias_init", bias_init, shape[1:], rng, dtype) if bias else None

    def __call__(self, x: Tensor | ArrayLike) -> Tensor:
        return network.linear(x, self.weight, self.bias)  # type: ignore[no-any-return]  # operations give Any

    def __repr__(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"Linear({self.weight.shape[0]}, {self.weight.shape[1]}{bias})"


class Tanh(Module):
    """Hyperbolic tangent, elementwise: y = tanh x, in (−1, 1).

    >>> import tinygrad_np as tg
    >>> tg.nn.Tanh()(tg.Tensor([0.0, 1000.0])).data
    array([0., 1.])
    """

    __call__ = staticmethod(trigonometric.tanh)


class ReLU(Module):
    """Rectified linear unit, elementwise: y = max(x, 0); see :func:`tinygrad_np.relu`.

    >>> import tinygrad_np as tg
    >>> tg.nn.ReLU()(tg.Tensor([-1.0, 2.0])).data
    array([0., 2.])
    """

    __call__ = staticmethod(network.relu)


class Sigmoid(Module):
    """Logistic sigmoid, elementwise: y = 1 / (1 + e⁻ˣ), in (0, 1); see :func:`tinygrad_np.sigmoid`.

    >>> import tinygrad_np as tg
    >>> tg.nn.Sigmoid()(tg.Tensor([0.0])).data
    array([0.5])
    """

    __call__ = staticmethod(network.sigmoid)


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
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(getattr(layer, '__name__', repr(layer)) for layer in self.layers)})"

    def _children(self) -> Iterator[tuple[str, Any]]:
        yield from ((str(i), layer) for i, layer in enumerate(self.layers))
        yield from ((name, value) for name, value in vars(self).items() if name != "layers")


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


def _size(name: str, value: Any) -> int:
    """``value`` as a positive int, or an error that names the argument."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a positive integer, got {value!r}")
    size = operator.index(value)
    if size < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return size


def _floating(dtype: Any) -> np.dtype[Any]:
    """``dtype`` as a NumPy dtype, or an error that says which ones there are."""
    with suppress(TypeError, ValueError):  # NumPy's, for what is no dtype at all
        converted: np.dtype[Any] = np.dtype(dtype)
        if converted.kind == "f":
            return converted
    raise TypeError(f"dtype must be a floating one, such as np.float32 or np.float64, got {dtype!r}")
