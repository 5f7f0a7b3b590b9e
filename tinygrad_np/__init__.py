"""tinygrad_np: reverse-mode automatic differentiation over NumPy, small enough to read in one sitting.

>>> import numpy as np, tinygrad_np as tg
>>> x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> loss = np.sum(np.tanh(x) ** 2)
>>> loss.backward()
>>> x.grad.round(4)
array([0.6397, 0.1362, 0.0196])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_np import fft, initializers, nn, optim
from tinygrad_np.anomaly import AnomalyError, detect_anomaly
from tinygrad_np.checkpoint import checkpointed
from tinygrad_np.gradients import gradients
from tinygrad_np.nn import Sequential
from tinygrad_np.operations import Operation, operation
from tinygrad_np.optim import MomentumSGD
from tinygrad_np.recording import is_recording, no_grad
from tinygrad_np.rules.activations import elu, gelu, leaky_relu, silu, softplus
from tinygrad_np.rules.indexing import index_update
from tinygrad_np.rules.network import linear, log_softmax, relu, sigmoid, softmax, softmax_cross_entropy
from tinygrad_np.rules.normalization import standardize
from tinygrad_np.rules.reductions import logsumexp
from tinygrad_np.tape import GraphError
from tinygrad_np.tensor import Tensor
from tinygrad_np.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_np.views import graph_summary, to_dot, to_mermaid

if TYPE_CHECKING:
    import tinygrad_np.data as data
    from tinygrad_np import checks, losses, metrics
    from tinygrad_np.checks import GradientError, check_gradients, check_graph, numerical_gradient
    from tinygrad_np.compiling import TracingError, compiled
    from tinygrad_np.saving import CheckpointError, load, save
    from tinygrad_np.training import Checkpoints, DivergenceError, EarlyStopping, History, Trainer

__version__ = "0.1.0"

__all__ = [
    "AnomalyError",
    "CheckpointError",
    "Checkpoints",
    "DivergenceError",
    "EarlyStopping",
    "GradientError",
    "GraphError",
    "History",
    "MomentumSGD",
    "Operation",
    "Sequential",
    "Tensor",
    "TracingError",
    "Trainer",
    "check_gradients",
    "check_graph",
    "checkpointed",
    "checks",
    "compiled",
    "data",
    "detect_anomaly",
    "elu",
    "fft",
    "gelu",
    "grad",
    "gradients",
    "graph_summary",
    "hessian",
    "hvp",
    "index_update",
    "initializers",
    "is_recording",
    "jacobian",
    "jvp",
    "leaky_relu",
    "linear",
    "load",
    "log_softmax",
    "logsumexp",
    "losses",
    "metrics",
    "nn",
    "no_grad",
    "numerical_gradient",
    "operation",
    "optim",
    "relu",
    "save",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "standardize",
    "to_dot",
    "to_mermaid",
    "value_and_grad",
    "vjp",
]

# What training does not need is imported when it is first asked for, and where it is.
LATER = dict.fromkeys(("GradientError", "check_gradients", "check_graph", "numerical_gradient"), "checks")
LATER |= dict.fromkeys(("TracingError", "compiled"), "compiling")
LATER |= dict.fromkeys(("CheckpointError", "load", "save"), "saving")
LATER |= dict.fromkeys(("Checkpoints", "DivergenceError", "EarlyStopping", "History", "Trainer"), "training")
MODULES_LATER = {"data", "losses", "metrics", *LATER.values()}


def __getattr__(name: str) -> Any:
    """A name of the modules that are imported later, or such a module itself."""
    if name in LATER:
        return getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    if name in MODULES_LATER:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
