"""The same training step in other libraries, each as its own documentation writes it. All of them are optional."""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from benchmarks.backpropagation import ETA, M
from benchmarks.contestants import Array, Contestant, Problem


class Peer(NamedTuple):
    """A library: what must be importable, what pip calls that, and how its contestant is made."""

    modules: Sequence[str]
    packages: str
    build: Callable[[Problem], Contestant]

    @property
    def installed(self) -> bool:
        """Whether it can be imported here."""
        return all(find_spec(module) is not None for module in self.modules)


def autograd(problem: Problem) -> Contestant:
    """HIPS autograd: value_and_grad of a loss written in its NumPy, and NumPy for the update."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    x, t = problem.x, np.eye(3)[problem.labels]
    parameters = [p.copy() for p in problem.weights]
    velocities = [np.zeros_like(p) for p in parameters]

    def loss_of(weights: Any) -> Any:
        w1, b1, w2, b2 = weights
        logits = anp.dot(anp.tanh(anp.dot(x, w1) + b1), w2) + b2
        log_p = logits - logsumexp(logits, axis=1, keepdims=True)
        return -anp.sum(t * log_p) / len(x)

    loss_and_gradients = value_and_grad(loss_of)

    def step() -> Any:
        loss, gradients = loss_and_gradients(parameters)
        for p, v, g in zip(parameters, velocities, gradients):
            v *= M
            v -= ETA * g
            p += v
        return loss

    return Contestant(step, lambda: parameters)


def mygrad(problem: Problem) -> Contestant:
    """MyGrad with its fused loss and, as its page on performance advises, without memory guarding."""
    import mygrad as mg
    from mygrad.nnet.losses import softmax_crossentropy

    x, labels = problem.x, problem.labels
    w1, b1, w2, b2 = parameters = [mg.tensor(p.copy()) for p in problem.weights]
    velocities = [np.zeros_like(p) for p in problem.weights]

    def step() -> Any:
        with mg.mem_guard_off:
            loss = softmax_crossentropy(mg.tanh(x @ w1 + b1) @ w2 + b2, labels)
            loss.backward()
        for p, v in zip(parameters, velocities):
            v *= M
            v -= ETA * p.grad
            p.data += v
        return loss

    return Contestant(step, lambda: [p.data for p in parameters])


def pytorch(problem: Problem) -> Contestant:
    """PyTorch eager. Its momentum is v ← M·v + g; p ← p − η·v, which is the same as long as η stays."""
    import torch

    torch.set_num_threads(1)
    x, labels = torch.from_numpy(problem.x), torch.from_numpy(problem.labels)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)).double()
    with torch.no_grad():
        for p, value in zip(model.parameters(), problem.weights, strict=True):
            p.copy_(torch.from_numpy(value.T))  # it keeps weights as (out, in)
    optimizer = torch.optim.SGD(model.parameters(), lr=ETA, momentum=M)
    cross_entropy = torch.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return Contestant(step, lambda: [p.detach().numpy().T for p in model.parameters()])


def jax(problem: Problem) -> Contestant:
    """JAX: the whole step compiled by jit and called step by step, each waited for."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, labels = jnp.asarray(problem.x), jnp.asarray(problem.labels)
    state = [[jnp.asarray(p) for p in problem.weights], [jnp.zeros_like(p) for p in problem.weights]]

    def loss_of(parameters: Any, x: Any, labels: Any) -> Any:
        w1, b1, w2, b2 = parameters
        log_p = jax.nn.log_softmax(jnp.tanh(x @ w1 + b1) @ w2 + b2)
        return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=1))

    @jax.jit
    def train(parameters: Any, velocities: Any, x: Any, labels: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, labels)
        velocities = [M * v - ETA * g for v, g in zip(velocities, gradients)]
        return [p + v for p, v in zip(parameters, velocities)], velocities, loss

    def step() -> Any:
        state[0], state[1], loss = train(state[0], state[1], x, labels)
        return loss.block_until_ready()

    def shown() -> Sequence[Array]:
        return [np.asarray(p) for p in state[0]]

    return Contestant(step, shown)


PEERS: dict[str, Peer] = {
    "JAX, jit step by step": Peer(["jax"], "jax", jax),
    "MyGrad": Peer(["mygrad"], "mygrad", mygrad),
    "PyTorch, eager": Peer(["torch"], "torch", pytorch),
    "HIPS autograd": Peer(["autograd", "scipy"], "autograd scipy", autograd),
}


def missing() -> list[str]:
    """A line that says how to add the libraries that are not installed; no line if all are."""
    absent = {name: peer.packages for name, peer in PEERS.items() if not peer.installed}
    if not absent:
        return []
    return [f"Not installed: {'; '.join(absent)}. To add: pip install {' '.join(absent.values())}"]
