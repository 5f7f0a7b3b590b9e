"""Networks: layers, and Sequential that applies them one after another.

A layer is anything that can be called with a Tensor: a Module here, or any function.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_np.nn.containers import Flatten, Layer, Residual, Sequential
from tinygrad_np.nn.linear import Linear
from tinygrad_np.nn.module import Module

if TYPE_CHECKING:
    from tinygrad_np.nn.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
    from tinygrad_np.nn.dropout import Dropout
    from tinygrad_np.nn.normalization import BatchNorm, LayerNorm

__all__ = [
    "ELU",
    "GELU",
    "BatchNorm",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Module",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]

# What not every model has is imported when it is first asked for, and where it is.
LATER = dict.fromkeys(
    ("ELU", "GELU", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh"), "activations"
)
LATER |= {"Dropout": "dropout", "BatchNorm": "normalization", "LayerNorm": "normalization"}


def __getattr__(name: str) -> Any:
    """A layer of the modules that are imported later."""
    if name in LATER:
        return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
