"""A product with the Hessian of the 2-3-3 network's loss: eager, compiled, and in JAX."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import tinygrad_np as tg
from benchmarks.epochs import Task
from benchmarks.tables import Table, micro, spread, verdict
from benchmarks.timing import interleaved, ratio, summary
from benchmarks.training import Array

GOAL = 30.0
EAGER, COMPILED, JAX = "tinygrad_np, eager", "tinygrad_np, compiled", "JAX, jit"
Product = Callable[[], Sequence[Any]]


def product(x: Array, labels: Array, parameters: Sequence[Array], vectors: Sequence[Array]) -> tuple[Any, ...]:
    """H·v for the loss of a minibatch, by all parameters."""

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return tg.softmax_cross_entropy(tg.linear(np.tanh(tg.linear(x, w1, b1)), w2, b2), labels)

    return tg.hvp(loss, parameters, vectors)


def in_jax(x: Array, labels: Array, parameters: Sequence[Array], vectors: Sequence[Array]) -> Product:
    """The same, forward over reverse, compiled by jit."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def product(x: Any, labels: Any, parameters: Any, vectors: Any) -> Any:
        def loss(parameters: Any) -> Any:
            w1, b1, w2, b2 = parameters
            log_p = jax.nn.log_softmax(jnp.tanh(x @ w1 + b1) @ w2 + b2)
            return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=1))

        return jax.jvp(jax.grad(loss), (parameters,), (vectors,))[1]

    arguments = jax.tree.map(jnp.asarray, (x, labels, list(parameters), list(vectors)))
    return lambda: jax.block_until_ready(product(*arguments))


def contestants(peers: bool) -> dict[str, Product]:
    """All of them on the same minibatch, parameters and vectors."""
    task = Task.article()
    rng = np.random.default_rng(2)
    (x, labels), weights = task.minibatches(task.X, task.y)[0], task.weights()
    vectors = [rng.normal(size=w.shape) for w in weights]
    arguments = x, labels, weights, vectors
    found: dict[str, Product] = {
        COMPILED: partial(tg.compiled(product), *arguments),
        EAGER: partial(product, *arguments),
    }
    return found | ({JAX: in_jax(*arguments)} if peers and find_spec("jax") else {})


def assert_agreement(products: dict[str, Product]) -> None:
    """ValueError where one gives other numbers than eager, in any of its first calls."""
    expected = products[EAGER]()
    for name, call in products.items():
        for _ in range(4):
            for h, other in zip(expected, call(), strict=True):
                if not np.allclose(h, other, rtol=1e-10, atol=1e-12):
                    raise ValueError(f"{name} has the product\n{other}\nwhere {EAGER} has\n{h}")


def table(quick: bool, peers: bool) -> Table:
    """Check that all agree, then time them."""
    products = contestants(peers)
    assert_agreement(products)
    rounds, steps = (1, 2) if quick else (30, 50)
    seconds = interleaved(products, rounds, steps)
    result = Table(
        "Hessian-vector product of the 2-3-3 loss, float64, batch of 4",
        ["", "µs a call", "times ours", "half of the rounds", "goal", "verdict"],
    )
    for name, measured in seconds.items():
        slower = ratio(measured, seconds[COMPILED])
        goal = [f"≥ {GOAL:g}", verdict(GOAL, slower.median)] if name == EAGER else ["", ""]
        result.rows.append([name, micro(summary(measured).median), f"{slower.median:.2f}", spread(slower), *goal])
    result.notes.append(f"Medians of {rounds} interleaved rounds of {steps} calls.")
    return result
