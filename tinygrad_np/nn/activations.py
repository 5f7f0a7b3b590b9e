"""Activations as layers, elementwise but for Softmax; the operations themselves are functions of ``tg``."""

from __future__ import annotations

import operator
from typing import Any

from tinygrad_np.arguments import number
from tinygrad_np.nn.module import Module
from tinygrad_np.rules import activations, network, trigonometric


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


class Softplus(Module):
    """Smooth rectifier, elementwise: y = ln(1 + eˣ); see :func:`tinygrad_np.softplus`.

    >>> import tinygrad_np as tg
    >>> tg.nn.Softplus()(tg.Tensor([0.0, 1000.0])).data.round(4)
    array([6.931e-01, 1.000e+03])
    """

    __call__ = staticmethod(activations.softplus)


class SiLU(Module):
    """Sigmoid-weighted linear unit, elementwise: y = x / (1 + e⁻ˣ); see :func:`tinygrad_np.silu`.

    >>> import tinygrad_np as tg
    >>> tg.nn.SiLU()(tg.Tensor([0.0, 1.0])).data.round(4)
    array([0.    , 0.7311])
    """

    __call__ = staticmethod(activations.silu)


class GELU(Module):
    """Gaussian error linear unit in its tanh form, elementwise; see :func:`tinygrad_np.gelu`.

    >>> import tinygrad_np as tg
    >>> tg.nn.GELU()(tg.Tensor([0.0, 1.0])).data.round(4)
    array([0.    , 0.8412])
    """

    __call__ = staticmethod(activations.gelu)


class LeakyReLU(Module):
    """Leaky ReLU, elementwise: y = x where x > 0, else slope·x; see :func:`tinygrad_np.leaky_relu`.

    Raises TypeError or ValueError for a slope that is no finite number.

    >>> import tinygrad_np as tg
    >>> tg.nn.LeakyReLU(0.1)(tg.Tensor([-1.0, 2.0])).data
    array([-0.1,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = number("slope", slope, 0.01)

    def __call__(self, x: Any) -> Any:
        return activations.leaky_relu(x, self.slope)

    def extra_repr(self) -> str:
        return f"{self.slope:g}"


class ELU(Module):
    """Exponential linear unit, elementwise: y = x where x > 0, else alpha·(eˣ − 1); see :func:`tinygrad_np.elu`.

    Raises TypeError or ValueError for an alpha that is no finite number.

    >>> import tinygrad_np as tg
    >>> tg.nn.ELU()(tg.Tensor([-1000.0, 2.0])).data
    array([-1.,  2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("alpha", alpha, 1.0)

    def __call__(self, x: Any) -> Any:
        return activations.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"{self.alpha:g}"


class Softmax(Module):
    """Softmax along ``axis``, the last by default: positive, and 1 in sum; see :func:`tinygrad_np.softmax`.

    For training, give the numbers before it to :func:`tinygrad_np.softmax_cross_entropy`, which holds a softmax.
    Raises TypeError for an axis that is no integer.

    >>> import tinygrad_np as tg
    >>> tg.nn.Softmax()(tg.Tensor([[0.0, 0.0], [1e4, -1e4]])).data
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    def __init__(self, axis: int = -1) -> None:
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise TypeError(f"axis must be an integer, got {axis!r}; -1 is the last")
        self.axis = operator.index(axis)

    def __call__(self, x: Any) -> Any:
        return network.softmax(x, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"
