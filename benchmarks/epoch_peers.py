"""The same epochs as in ``epochs``, in JAX and PyTorch, as their documentation writes them. Both are optional."""

import os
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.epochs import Task, stepping
from benchmarks.training import Contestant

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class InJAX(NamedTuple):
    """The functions of a task in JAX: a step and an epoch are (state, x, t) to (state, loss or losses)."""

    state: Any  # the parameters, and what the optimizer keeps
    step: Callable[[Any, Any, Any], Any]
    epoch: Callable[[Any, Any, Any], Any]


def in_jax(task: Task) -> InJAX:
    """The step from value_and_grad, and the epoch by lax.scan, neither of them compiled yet."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    activation = getattr(jax.nn, task.activation)

    def loss_of(parameters: Any, x: Any, t: Any) -> Any:
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2]):
            x = activation(x @ w + b)
        log_p = jax.nn.log_softmax(x @ parameters[-2] + parameters[-1])
        return -jnp.mean(jnp.take_along_axis(log_p, t[:, None], axis=1))

    def momentum(parameters: Any, velocities: Any, gradients: Any) -> Any:
        velocities = [task.momentum * v - task.lr * g for v, g in zip(velocities, gradients)]
        return [p + v for p, v in zip(parameters, velocities)], velocities

    def adam(parameters: Any, kept: Any, gradients: Any) -> Any:
        m, v, t = kept
        t = t + 1
        m = [BETA1 * m + (1 - BETA1) * g for m, g in zip(m, gradients)]
        v = [BETA2 * v + (1 - BETA2) * g * g for v, g in zip(v, gradients)]
        rate, root = task.lr / (1 - BETA1**t), jnp.sqrt(1 - BETA2**t)
        return [p - rate * m / (jnp.sqrt(v) / root + EPSILON) for p, m, v in zip(parameters, m, v)], (m, v, t)

    update = adam if task.optimizer == "adam" else momentum

    def step(state: Any, x: Any, t: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(state[0], x, t)
        return update(state[0], state[1], gradients), loss

    def epoch(state: Any, x: Any, t: Any) -> Any:
        return jax.lax.scan(lambda state, minibatch: step(state, *minibatch), state, (x, t))

    parameters = [jnp.asarray(w) for w in task.weights()]
    zeros = [jnp.zeros_like(p) for p in parameters]
    return InJAX((parameters, (zeros, zeros, jnp.zeros((), zeros[0].dtype)) if update is adam else zeros), step, epoch)


def jax_scan(task: Task) -> Contestant:
    """Whole epochs by lax.scan, also over the epochs, in one call of a compiled function."""
    state, _, epoch = in_jax(task)
    import jax
    import jax.numpy as jnp

    X = jnp.asarray(task.X.reshape(task.steps, task.batch_size, -1))
    y = jnp.asarray(task.y.reshape(task.steps, task.batch_size))

    @partial(jax.jit, static_argnums=0)
    def train(count: int, state: Any, X: Any, y: Any) -> Any:
        return jax.lax.scan(lambda state, _: epoch(state, X, y), state, None, length=count)

    def epochs(count: int) -> Any:
        nonlocal state
        state, losses = train(count, state, X, y)
        return losses.block_until_ready()

    return Contestant(epochs, lambda: [np.asarray(p) for p in state[0]])


def jax_steps(task: Task) -> Contestant:
    """The step compiled by jit and called from a loop, which waits at the end of an epoch."""
    state, step, _ = in_jax(task)
    import jax
    import jax.numpy as jnp

    compiled = jax.jit(step)
    minibatches = [(jnp.asarray(x), jnp.asarray(t)) for x, t in task.minibatches(task.X, task.y)]

    def epochs(count: int) -> Any:
        nonlocal state
        for _ in range(count):
            for x, t in minibatches:
                state, loss = compiled(state, x, t)
            loss.block_until_ready()
        return loss

    return Contestant(epochs, lambda: [np.asarray(p) for p in state[0]])


def pytorch(task: Task) -> Contestant:
    """PyTorch eager. Its momentum is v ← M·v + g; p ← p − η·v, which is the same as long as η stays."""
    import torch

    torch.set_num_threads(1)
    activation = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[task.activation]
    X, y = torch.from_numpy(task.X), torch.from_numpy(task.y)
    layers = [layer for pair in pairwise(task.sizes) for layer in (torch.nn.Linear(*pair), activation())]
    model = torch.nn.Sequential(*layers[:-1]).to(X.dtype)
    with torch.no_grad():
        for p, value in zip(model.parameters(), task.weights(), strict=True):
            p.copy_(torch.from_numpy(value.T))  # it keeps weights as (out, in)
    cross_entropy = torch.nn.functional.cross_entropy
    if task.optimizer == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=task.lr)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=task.lr, momentum=task.momentum)

    def step(x: Any, t: Any) -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return stepping(step, task.minibatches(X, y), lambda: [p.detach().numpy().T for p in model.parameters()])
