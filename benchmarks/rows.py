"""The operations whose overhead is measured: one line each, from the libraries' own functions, on the smallest arrays.

All that tinygrad_np shares with MyGrad or HIPS autograd is here, second names (np.add for +, np.amax) left out.
``xp`` is a library's namespace: NumPy for tinygrad_np, with the functions that are not in NumPy or have other names
elsewhere. Elements lie inside (0, 1) without ties, where everything here is smooth.
"""

from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

X = np.array([0.1, 0.7, 0.4, 0.9])
X1, X2 = X, np.array([0.8, 0.3, 0.6, 0.2])
ABOVE_ONE = X + 1
A, B = np.array([[2.0, 0.5], [0.25, 1.5]]), np.array([[0.3, 0.9], [0.7, 0.1]])
SYMMETRIC = np.array([[2.0, 0.5], [0.5, 1.0]])
DIAGONAL = np.diag([1.0, 2.0])  # autograd gives eigh's gradient for one triangle, ours for both
P1, P2 = X[:3], X2[:3]
MASK, OTHERS, LABELS = X > 0.5, X < 0.2, np.array([1, 0])

Function = Callable[..., Any]  # of xp and one array or more, each of which gets its gradient
Line = tuple[Any, ...]  # a function and its arrays


class Row(NamedTuple):
    """An operation as a user writes it, what it is called with, and which other libraries have it."""

    function: Function
    arrays: Sequence[NDArray[Any]]
    peers: frozenset[str]


def namespace(module: ModuleType, **others: Any) -> SimpleNamespace:
    """A library's functions under their names, and ``others`` that NumPy has elsewhere or has not."""
    return SimpleNamespace(**{**vars(module), **others})


# fmt: off
IN_ALL: dict[str, Line] = {
    "x1 + x2": (lambda xp, x1, x2: x1 + x2, X1, X2),
    "x1 - x2": (lambda xp, x1, x2: x1 - x2, X1, X2),
    "x1 * x2": (lambda xp, x1, x2: x1 * x2, X1, X2),
    "x1 / x2": (lambda xp, x1, x2: x1 / x2, X1, X2),
    "x1 ** x2": (lambda xp, x1, x2: x1**x2, X1, X2),
    "x ** 2": (lambda xp, x: x**2, X),
    "2 * x": (lambda xp, x: 2.0 * x, X),
    "1 - x": (lambda xp, x: 1.0 - x, X),
    "1 / x": (lambda xp, x: 1.0 / x, X),
    "-x": (lambda xp, x: -x, X),
    "a @ b": (lambda xp, a, b: a @ b, A, B),
    "x[1:3]": (lambda xp, x: x[1:3], X),
    "x[[0, 0, 2]]": (lambda xp, x: x[[0, 0, 2]], X),
    "x[mask]": (lambda xp, x: x[MASK], X),
    "multiply": (lambda xp, x1, x2: xp.multiply(x1, x2), X1, X2),
    "matmul": (lambda xp, a, b: xp.matmul(a, b), A, B),
    "absolute": (lambda xp, x: xp.absolute(x), X),
    "square": (lambda xp, x: xp.square(x), X),
    "sqrt": (lambda xp, x: xp.sqrt(x), X),
    "reciprocal": (lambda xp, x: xp.reciprocal(x), X),
    "exp": (lambda xp, x: xp.exp(x), X),
    "exp2": (lambda xp, x: xp.exp2(x), X),
    "expm1": (lambda xp, x: xp.expm1(x), X),
    "log": (lambda xp, x: xp.log(x), X),
    "log2": (lambda xp, x: xp.log2(x), X),
    "log10": (lambda xp, x: xp.log10(x), X),
    "log1p": (lambda xp, x: xp.log1p(x), X),
    "logaddexp": (lambda xp, x1, x2: xp.logaddexp(x1, x2), X1, X2),
    "logaddexp2": (lambda xp, x1, x2: xp.logaddexp2(x1, x2), X1, X2),
    "sin": (lambda xp, x: xp.sin(x), X),
    "cos": (lambda xp, x: xp.cos(x), X),
    "tan": (lambda xp, x: xp.tan(x), X),
    "arcsin": (lambda xp, x: xp.arcsin(x), X),
    "arccos": (lambda xp, x: xp.arccos(x), X),
    "arctan": (lambda xp, x: xp.arctan(x), X),
    "arctan2": (lambda xp, x1, x2: xp.arctan2(x1, x2), X1, X2),
    "sinh": (lambda xp, x: xp.sinh(x), X),
    "cosh": (lambda xp, x: xp.cosh(x), X),
    "tanh": (lambda xp, x: xp.tanh(x), X),
    "arcsinh": (lambda xp, x: xp.arcsinh(x), X),
    "arccosh": (lambda xp, x: xp.arccosh(x), ABOVE_ONE),
    "arctanh": (lambda xp, x: xp.arctanh(x), X),
    "sinc": (lambda xp, x: xp.sinc(x), X),
    "maximum": (lambda xp, x1, x2: xp.maximum(x1, x2), X1, X2),
    "minimum": (lambda xp, x1, x2: xp.minimum(x1, x2), X1, X2),
    "clip": (lambda xp, x: xp.clip(x, 0.2, 0.8), X),
    "where": (lambda xp, x1, x2: xp.where(MASK, x1, x2), X1, X2),
    "sum": (lambda xp, x: xp.sum(x), X),
    "sum, axis=0": (lambda xp, a: xp.sum(a, axis=0), A),
    "mean": (lambda xp, x: xp.mean(x), X),
    "mean, axis=0": (lambda xp, a: xp.mean(a, axis=0), A),
    "max": (lambda xp, x: xp.max(x), X),
    "max, axis=0": (lambda xp, a: xp.max(a, axis=0), A),
    "min": (lambda xp, x: xp.min(x), X),
    "prod": (lambda xp, x: xp.prod(x), X),
    "var": (lambda xp, x: xp.var(x), X),
    "std": (lambda xp, x: xp.std(x), X),
    "cumsum": (lambda xp, x: xp.cumsum(x), X),
    "reshape": (lambda xp, x: xp.reshape(x, (2, 2)), X),
    "ravel": (lambda xp, a: xp.ravel(a), A),
    "transpose": (lambda xp, a: xp.transpose(a), A),
    "swapaxes": (lambda xp, a: xp.swapaxes(a, 0, 1), A),
    "moveaxis": (lambda xp, a: xp.moveaxis(a, 0, 1), A),
    "expand_dims": (lambda xp, x: xp.expand_dims(x, 0), X),
    "squeeze": (lambda xp, x: xp.squeeze(x), X[None]),
    "broadcast_to": (lambda xp, x: xp.broadcast_to(x, (2, 4)), X[None]),
    "atleast_1d": (lambda xp, x: xp.atleast_1d(x), np.array(0.4)),
    "atleast_2d": (lambda xp, x: xp.atleast_2d(x), X),
    "atleast_3d": (lambda xp, x: xp.atleast_3d(x), X),
    "concatenate": (lambda xp, x1, x2: xp.concatenate([x1, x2]), X1, X2),
    "stack": (lambda xp, x1, x2: xp.stack([x1, x2]), X1, X2),
    "repeat": (lambda xp, x: xp.repeat(x, 2), X),
    "roll": (lambda xp, x: xp.roll(x, 1), X),
    "einsum ij,jk->ik": (lambda xp, a, b: xp.einsum("ij,jk->ik", a, b), A, B),
    "linalg.norm": (lambda xp, x: xp.linalg.norm(x), X),
    "relu": (lambda xp, x: xp.relu(x), X),
    "sigmoid": (lambda xp, x: xp.sigmoid(x), X),
}
IN_MYGRAD: dict[str, Line] = {
    "positive": (lambda xp, x: xp.positive(x), X),
    "cbrt": (lambda xp, x: xp.cbrt(x), X),
    "cumprod": (lambda xp, x: xp.cumprod(x), X),
    "multi_dot": (lambda xp, a1, a2, a3: xp.multi_dot([a1, a2, a3]), A, B, SYMMETRIC),
    "softmax": (lambda xp, a: xp.softmax(a), A),
    "log_softmax": (lambda xp, a: xp.log_softmax(a), A),
    "softmax_cross_entropy": (lambda xp, a: xp.softmax_cross_entropy(a, LABELS), A),
}
IN_AUTOGRAD: dict[str, Line] = {
    "hypot": (lambda xp, x1, x2: xp.hypot(x1, x2), X1, X2),
    "remainder": (lambda xp, x1, x2: xp.remainder(x1, x2), X1, X2),
    "fabs": (lambda xp, x: xp.fabs(x), X),
    "deg2rad": (lambda xp, x: xp.deg2rad(x), X),
    "rad2deg": (lambda xp, x: xp.rad2deg(x), X),
    "fmax": (lambda xp, x1, x2: xp.fmax(x1, x2), X1, X2),
    "fmin": (lambda xp, x1, x2: xp.fmin(x1, x2), X1, X2),
    "nan_to_num": (lambda xp, x: xp.nan_to_num(x), X),
    "logsumexp": (lambda xp, x: xp.logsumexp(x), X),
    "dot": (lambda xp, a, b: xp.dot(a, b), A, B),
    "inner": (lambda xp, x1, x2: xp.inner(x1, x2), X1, X2),
    "outer": (lambda xp, x1, x2: xp.outer(x1, x2), X1, X2),
    "tensordot": (lambda xp, a, b: xp.tensordot(a, b, 1), A, B),
    "kron": (lambda xp, a, b: xp.kron(a, b), A, B),
    "cross": (lambda xp, x1, x2: xp.cross(x1, x2), P1, P2),
    "convolve": (lambda xp, x1, x2: xp.convolve(x1, x2), X1, X2),
    "fft.fftshift": (lambda xp, x: xp.fft.fftshift(x), X),
    "diff": (lambda xp, x: xp.diff(x), X),
    "gradient": (lambda xp, x: xp.gradient(x), X),
    "sort": (lambda xp, x: xp.sort(x), X),
    "partition": (lambda xp, x: xp.partition(x, 2), X),
    "diag": (lambda xp, x: xp.diag(x), X),
    "diagonal": (lambda xp, a: xp.diagonal(a, axis1=-1, axis2=-2), A),
    "trace": (lambda xp, a: xp.trace(a), A),
    "tril": (lambda xp, a: xp.tril(a), A),
    "triu": (lambda xp, a: xp.triu(a), A),
    "tile": (lambda xp, x: xp.tile(x, 2), X),
    "pad": (lambda xp, x: xp.pad(x, 1, "constant"), X),
    "rot90": (lambda xp, a: xp.rot90(a), A),
    "fliplr": (lambda xp, a: xp.fliplr(a), A),
    "flipud": (lambda xp, a: xp.flipud(a), A),
    "rollaxis": (lambda xp, a: xp.rollaxis(a, 1), A),
    "append": (lambda xp, x1, x2: xp.append(x1, x2), X1, X2),
    "hstack": (lambda xp, x1, x2: xp.hstack([x1, x2]), X1, X2),
    "vstack": (lambda xp, x1, x2: xp.vstack([x1, x2]), X1, X2),
    "column_stack": (lambda xp, x1, x2: xp.column_stack([x1, x2]), X1, X2),
    "array_split": (lambda xp, x: xp.array_split(x, 2)[0], X),
    "split": (lambda xp, x: xp.split(x, 2)[0], X),
    "hsplit": (lambda xp, a: xp.hsplit(a, 2)[0], A),
    "vsplit": (lambda xp, a: xp.vsplit(a, 2)[0], A),
    "select": (lambda xp, x1, x2: xp.select([MASK, OTHERS], [x1, x2]), X1, X2),
    "linspace": (lambda xp, x1, x2: xp.linspace(x1, x2, 3), X1, X2),
    "linalg.inv": (lambda xp, a: xp.linalg.inv(a), A),
    "linalg.pinv": (lambda xp, a: xp.linalg.pinv(a), A),
    "linalg.det": (lambda xp, a: xp.linalg.det(a), A),
    "linalg.slogdet": (lambda xp, a: xp.linalg.slogdet(a)[1], A),
    "linalg.solve": (lambda xp, a, b: xp.linalg.solve(a, b), A, B),
    "linalg.cholesky": (lambda xp, a: xp.linalg.cholesky(a), SYMMETRIC),
    "linalg.eigh, values": (lambda xp, a: xp.linalg.eigh(a)[0], DIAGONAL),
    "linalg.svd, values": (lambda xp, a: xp.linalg.svd(a, full_matrices=False)[1], A),
}
# fmt: on

MYGRAD, AUTOGRAD = "MyGrad", "HIPS autograd"
GROUPS = (IN_ALL, {MYGRAD, AUTOGRAD}), (IN_MYGRAD, {MYGRAD}), (IN_AUTOGRAD, {AUTOGRAD})
ROWS: dict[str, Row] = {
    name: Row(function, arrays, frozenset(peers))
    for lines, peers in GROUPS
    for name, (function, *arrays) in lines.items()
}
