"""In JAX: a step by value_and_grad, epochs by lax.scan, all of it one compiled function."""

import jax
import jax.numpy as jnp

from benchmarks.backpropagation import ETA, M
from benchmarks.programs.clusters import BATCH_SIZE, EPOCHS, labels, weights, x

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def loss_of(parameters, x, t):
    """The mean cross-entropy of a minibatch."""
    w1, b1, w2, b2 = parameters
    log_p = jax.nn.log_softmax(jnp.tanh(x @ w1 + b1) @ w2 + b2)
    return -jnp.mean(jnp.take_along_axis(log_p, t[:, None], axis=1))


def step(state, minibatch):
    """Parameters and velocities after a step, and its loss."""
    parameters, velocities = state
    loss, gradients = jax.value_and_grad(loss_of)(parameters, *minibatch)
    velocities = [M * v - ETA * g for v, g in zip(velocities, gradients)]
    return ([p + v for p, v in zip(parameters, velocities)], velocities), loss


@jax.jit
def train(parameters, x, t):
    """The losses of all minibatches, (epochs, minibatches)."""
    minibatches = x.reshape(-1, BATCH_SIZE, 2), t.reshape(-1, BATCH_SIZE)
    state = parameters, [jnp.zeros_like(p) for p in parameters]
    return jax.lax.scan(lambda state, _: jax.lax.scan(step, state, minibatches), state, None, length=EPOCHS)


print(train(weights, x, labels)[1][-1].mean())
