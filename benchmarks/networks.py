"""A deep network of tanh layers in several libraries, its forward and its backward pass apart from each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg

Array = NDArray[Any]


@dataclass(frozen=True)
class Network:
    """Layers h ← tanh(h W + b), all of one width, and L = Σ h; its gradients of the parameters, or of the batch."""

    x: Array
    weights: Sequence[Array]
    biases: Sequence[Array]
    of_parameters: bool

    @classmethod
    def random(cls, layers: int, width: int, batch: int, of_parameters: bool) -> "Network":
        """Weights that keep the activations away from 0 and ±1."""
        rng = np.random.default_rng(0)
        weights = [rng.normal(size=(width, width)) / np.sqrt(width) for _ in range(layers)]
        return cls(rng.normal(size=(batch, width)), weights, [np.zeros(width) for _ in weights], of_parameters)

    @property
    def parameters(self) -> list[Array]:
        """Weights, then biases."""
        return [*self.weights, *self.biases]

    @property
    def wanted(self) -> list[Array]:
        """The arrays whose gradients are asked for."""
        return self.parameters if self.of_parameters else [self.x]


class Passes(NamedTuple):
    """``forward`` gives what holds the graph, ``backward`` takes that and gives the gradients."""

    forward: Callable[[], Any]
    backward: Callable[[Any], Sequence[Any]]


def eager(
    network: Network,
    leaf: Callable[[Array], Any],
    constant: Callable[[Array], Any],
    layer: Callable[[Any, Any, Any], Any],
    total: Callable[[Any], Any],
) -> Passes:
    """The passes of a library that records as it computes and leaves the gradients at the leaves."""
    parameter, data = (leaf, constant) if network.of_parameters else (constant, leaf)
    x, n = data(network.x), len(network.weights)
    parameters = [parameter(p) for p in network.parameters]
    wanted = parameters if network.of_parameters else [x]

    def forward() -> Any:
        h = x
        for w, b in zip(parameters[:n], parameters[n:], strict=True):
            h = layer(h, w, b)
        return total(h)

    def backward(loss: Any) -> Sequence[Any]:
        loss.backward()
        return [leaf.grad for leaf in wanted]

    return Passes(forward, backward)


def ours(network: Network) -> Passes:
    """tinygrad_np."""
    return eager(
        network,
        leaf=lambda array: tg.Tensor(array, requires_grad=True),
        constant=tg.Tensor,
        layer=lambda h, w, b: np.tanh(tg.linear(h, w, b)),
        total=np.sum,
    )


def mygrad(network: Network) -> Passes:
    """MyGrad, without memory guarding."""
    import mygrad as mg

    mg.turn_memory_guarding_off()
    return eager(
        network,
        leaf=lambda array: mg.tensor(array, copy=False),
        constant=lambda array: mg.tensor(array, constant=True, copy=False),
        layer=lambda h, w, b: mg.tanh(h @ w + b),
        total=mg.sum,
    )


def pytorch(network: Network) -> Passes:
    """PyTorch eager."""
    import torch

    torch.set_num_threads(1)
    return eager(
        network,
        leaf=lambda array: torch.from_numpy(array).requires_grad_(),
        constant=torch.from_numpy,
        layer=lambda h, w, b: torch.tanh(torch.addmm(b, h, w)),
        total=torch.sum,
    )


def autograd(network: Network) -> Passes:
    """HIPS autograd: the two halves of its grad."""
    import autograd.numpy as anp
    from autograd import make_vjp

    n = len(network.weights)

    def loss_of(wanted: Any) -> Any:
        h, parameters = (network.x, wanted) if network.of_parameters else (wanted[0], network.parameters)
        for i in range(n):
            h = anp.tanh(anp.dot(h, parameters[i]) + parameters[n + i])
        return anp.sum(h)

    return Passes(lambda: make_vjp(loss_of)(network.wanted)[0], lambda vjp: vjp(1.0))


class Library(NamedTuple):
    """What must be importable, how its passes are made, and whether tracemalloc sees its arrays."""

    module: str
    build: Callable[[Network], Passes]
    traced: bool = True


OURS = "tinygrad_np"
LIBRARIES: dict[str, Library] = {
    OURS: Library("tinygrad_np", ours),
    "MyGrad": Library("mygrad", mygrad),
    "HIPS autograd": Library("autograd", autograd),
    "PyTorch, eager": Library("torch", pytorch, traced=False),
}
