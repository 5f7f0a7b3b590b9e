"""An independent oracle: random expressions whose gradients and Hessians HIPS autograd finds too."""

import autograd
import autograd.numpy as anp
import autograd.scipy.special as asp
import numpy as np
import pytest

import tinygrad_np as tg

N = 4  # expressions are of N × N matrices
PROGRAMS = 120

UNARY = {
    "tanh": lambda xp, a: xp.tanh(a),
    "exp": lambda xp, a: xp.exp(xp.tanh(a)),
    "log": lambda xp, a: xp.log(1.5 + a * a),
    "sqrt": lambda xp, a: xp.sqrt(a * a + 0.5),
    "sigmoid": lambda xp, a: tg.sigmoid(a) if xp is np else 1 / (1 + anp.exp(-a)),
    "square": lambda xp, a: a**2 / (2 + xp.abs(a)),
    "power": lambda xp, a: (a * a + 1) ** 1.5 / 3,
    "reciprocal": lambda xp, a: 1.0 / (1.5 + xp.tanh(a)),
    "softmax": lambda xp, a: tg.softmax(a) if xp is np else anp.exp(a) / anp.sum(anp.exp(a), -1, keepdims=True),
    "log_softmax": lambda xp, a: tg.log_softmax(a, 0) if xp is np else a - asp.logsumexp(a, 0, keepdims=True),
    "logsumexp": lambda xp, a: (
        a - (tg.logsumexp(a, 1, keepdims=True) if xp is np else asp.logsumexp(a, 1, keepdims=True))
    ),
    "transpose": lambda xp, a: xp.transpose(a) * 0.9,
    "reshape": lambda xp, a: xp.reshape(xp.reshape(a, (2, -1)), (N, N)),
    "reverse": lambda xp, a: a[::-1, ::-1],
    "gather": lambda xp, a: a[np.array([0, 0, 2, 1])] * 0.8,
    "center": lambda xp, a: a - xp.mean(a, axis=0),
    "sum": lambda xp, a: xp.sum(a, axis=1, keepdims=True) * 0.3 + a,
    "max": lambda xp, a: a - xp.max(a, axis=0) * 0.5,
    "min": lambda xp, a: a + xp.min(a, axis=1, keepdims=True) * 0.5,
    "swap halves": lambda xp, a: xp.concatenate([a[:, 2:], a[:, :2]], axis=1),
    "where": lambda xp, a: xp.where(np.eye(N) > 0, xp.tanh(a), a * 0.5),
    "negative": lambda xp, a: -a,
    "sin": lambda xp, a: xp.sin(a) + xp.cos(0.5 * a),
    "arctan": lambda xp, a: xp.arctan(a) + xp.arcsinh(a * 0.3),
    "cosh": lambda xp, a: xp.cosh(xp.sin(a)) - xp.sinh(xp.cos(a)),
    "tan": lambda xp, a: xp.tan(0.5 * xp.tanh(a)),
    "log1p": lambda xp, a: xp.log1p(a * a) - xp.expm1(-a * a),
    "exp2": lambda xp, a: xp.exp2(xp.sin(a)) + xp.log2(1.5 + a * a) + xp.log10(2 + a * a),
    "arcsin": lambda xp, a: xp.arcsin(0.7 * xp.sin(a)) - xp.arccos(0.5 * xp.tanh(a)) + xp.arctanh(0.5 * xp.sin(a)),
    "clip": lambda xp, a: xp.clip(a, -0.9, 1.1) + 0.1 * a,
    "cumsum": lambda xp, a: xp.cumsum(a, axis=1) * 0.4,
    "prod": lambda xp, a: a + xp.prod(0.7 * a, axis=0) * 0.5,
    "var": lambda xp, a: a / xp.std(a + np.arange(N), axis=0, keepdims=True) + xp.var(a, axis=1, ddof=1),
    "sort": lambda xp, a: xp.reshape(xp.sort(xp.ravel(a)), (N, N)) - 0.5 * a,
    "diff": lambda xp, a: xp.concatenate([xp.diff(a, axis=0), a[:1]], axis=0),
    "roll": lambda xp, a: xp.roll(a, 1, axis=0) - 0.3 * xp.flipud(a) + xp.rot90(a, 3) * 0.2,
    "pad": lambda xp, a: xp.pad(a, ((1, 0), (0, 2)), "constant")[:N, 1 : N + 1],
    "tile": lambda xp, a: xp.tile(a, (1, 2))[:, 2 : N + 2] + xp.repeat(a, 2, axis=0)[1 : N + 1],
    "triangles": lambda xp, a: xp.tril(a) - xp.triu(a, 1) * 0.5 + xp.diag(a[0]),
    "trace": lambda xp, a: a * 0.5 + xp.trace(a) * 0.1 + xp.diag(a)[:, None] * 0.2,
    "moved": lambda xp, a: xp.squeeze(xp.moveaxis(xp.expand_dims(a, 0), 0, 2), 2),
    "stacked": lambda xp, a: xp.hstack([a[:, 1:], a[:, :1]]) - 0.5 * xp.vstack([a[1:], a[:1]]),
    "split": lambda xp, a: xp.concatenate(xp.split(a, 2, axis=1)[::-1], axis=1),
    "inv": lambda xp, a: xp.linalg.inv(xp.tanh(a) + 6 * np.eye(N)),
    "logdet": lambda xp, a: a * xp.linalg.slogdet(xp.dot(a, a.T) * 0.1 + np.eye(N))[1] * 0.3,
    "det": lambda xp, a: xp.tanh(a) + 0.1 * xp.linalg.det(xp.tanh(a) + 2 * np.eye(N)) / 2**N,
    "cholesky": lambda xp, a: xp.linalg.cholesky(xp.dot(a, a.T) * 0.1 + np.eye(N)),
    "norm": lambda xp, a: a / (1 + xp.linalg.norm(a)) * 2,
    "eigenvalues": lambda xp, a: a + xp.linalg.eigh(np.diag([1.0, 2.0, 4.0, 8.0]) + 0.05 * xp.sin(a + a.T))[0] * 0.1,
}
BINARY = {
    "add": lambda xp, a, b: a + b,
    "subtract": lambda xp, a, b: a - b * 0.7,
    "multiply": lambda xp, a, b: a * xp.tanh(b),
    "divide": lambda xp, a, b: a / (1.5 + b * b),
    "matmul": lambda xp, a, b: xp.matmul(a, b) * 0.3,
    "dot": lambda xp, a, b: xp.dot(a, b[:, 0])[:, None] * 0.3 + a,
    "outer": lambda xp, a, b: a[:, :1] * b[1:2, :],
    "maximum": lambda xp, a, b: xp.maximum(a, b),
    "minimum": lambda xp, a, b: xp.minimum(a, b) * 1.1,
    "logaddexp": lambda xp, a, b: xp.logaddexp(a, b) * 0.5,
    "arctan2": lambda xp, a, b: xp.arctan2(a, 1.5 + b * b),
    "einsum": lambda xp, a, b: xp.einsum("ij,kj->ik", a, b) * 0.3 + xp.einsum("ij,jk,lk->li", a, b, a) * 0.1,
    "tensordot": lambda xp, a, b: xp.tensordot(a, b, axes=([0], [1])) * 0.3,
    "inner": lambda xp, a, b: xp.inner(a, b) * 0.2 + xp.outer(a[0], b[:, 1]) * 0.2,
    "kron": lambda xp, a, b: xp.kron(a[:2, :2], b[2:, 2:]) * 0.5,
    "solve": lambda xp, a, b: xp.linalg.solve(xp.tanh(a) + 6 * np.eye(N), b),
}


def random_program(rng, steps):
    """A list of (function, positions of its arguments among the values so far)."""
    program = []
    for _ in range(steps):
        binary = rng.random() < 0.45
        name = rng.choice(list(BINARY if binary else UNARY))
        program.append((name, [int(i) for i in rng.integers(0, len(program) + 1, 1 + binary)]))
    return program


def run(program, xp, x):
    """The program's scalar on a flat ``x``, with ``xp`` as NumPy."""
    values = [xp.reshape(x, (N, N))]
    for name, positions in program:
        function = UNARY.get(name) or BINARY[name]
        values.append(function(xp, *[values[i] for i in positions]))
    return xp.mean(values[-1] * values[-1]) + xp.sum(values[len(values) // 2]) * 0.1


def assert_close(ours, theirs):
    """Equal to 1e-12 of the largest element."""
    scale = max(1.0, np.abs(theirs).max())
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_values_gradients_and_hessians_agree(seed):
    rng = np.random.default_rng(seed)
    program, x = random_program(rng, steps=int(rng.integers(3, 9))), rng.normal(size=N * N)
    t = tg.Tensor(x, requires_grad=True)
    y = run(program, np, t)
    assert_close(y.data, run(program, anp, x))
    slope = tg.gradients(y, t, create_graph=True)
    y.backward(retain_graph=True)
    expected = autograd.grad(lambda v: run(program, anp, v))(x)
    assert_close(slope.data, expected)
    assert_close(t.grad, expected)
    rows = [tg.gradients(slope[i], t).data for i in range(0, N * N, 3)]
    assert_close(np.array(rows), autograd.hessian(lambda v: run(program, anp, v))(x)[::3])


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_every_building_block_is_used_by_some_program(name):
    """So that no line of the table above is dead."""
    programs = [random_program(rng := np.random.default_rng(seed), int(rng.integers(3, 9))) for seed in range(PROGRAMS)]
    assert any(name == step for program in programs for step, _ in program)


def test_a_third_derivative_of_a_network_agrees():
    rng = np.random.default_rng(1)
    w, x = rng.normal(size=(3, 3)), rng.normal(size=3)

    def loss(xp, v):
        return xp.sum(xp.tanh(xp.dot(w, xp.tanh(xp.dot(w, v)))) ** 2)

    def directional(f):
        return lambda v: anp.sum(autograd.grad(f)(v) * np.arange(1.0, 4.0))

    t = tg.Tensor(x, requires_grad=True)
    y = loss(np, t)
    theirs = lambda v: loss(anp, v)
    for _ in range(2):
        y = (tg.gradients(y, t, create_graph=True) * np.arange(1.0, 4.0)).sum()
        theirs = directional(theirs)
    assert_close(tg.gradients(y, t).data, autograd.grad(theirs)(x))
