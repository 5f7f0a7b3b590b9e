"""Operations of neural networks that NumPy has no name for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_np.numerics import (
    HALF,
    SMALL,
    alike,
    exp_to_zero,
    in_single,
    is_plain,
    logaddexp_reduce_to_zero,
    logistic,
    masked,
    max_over,
    min_over,
    scalar,
    sum_over,
    times_to_zero,
    vanishing,
)
from tinygrad_np.operations import Result, operation, unchanged
from tinygrad_np.shapes import NO_NUMBERS, as_array, floating, rows
from tinygrad_np.tape import Array

ROWS_OF_LOGITS = "logits must have shape (n, classes); give one row as logits[None, :]"

divide_to_zero = vanishing(np.divide)


@operation(symmetric=True)
def relu(x: Array) -> Result:
    """Rectified linear unit, y = max(x, 0), for x of any shape.

    ∂L/∂x = g where x > 0, else 0 (at the kink x = 0 too). Nair & Hinton (2010), "Rectified linear
    units improve restricted Boltzmann machines".

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    >>> tg.relu(x).sum().backward()
    >>> x.grad
    array([0., 0., 1.])
    """
    x = as_array(x)
    zero = _zero(x.dtype)
    return np.maximum(x, zero), (lambda g: masked(g, x > zero),)


@operation(symmetric=True)
def sigmoid(x: Array) -> Result:
    """Logistic sigmoid, y = 1 / (1 + e⁻ˣ), for x of any shape.

    ∂L/∂x = g·y·(1 − y). Computed as e^(−ln(1 + e⁻ˣ)), which is exact to some 50 units in the last
    place from −700 to 700 and neither overflows nor warns beyond.

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> y = tg.sigmoid(x)
    >>> y.data
    array([0. , 0.5, 1. ])
    >>> y.sum().backward()
    >>> x.grad
    array([0.  , 0.25, 0.  ])
    """
    x = floating(x)
    y = logistic(x)
    return y, (lambda g: g * (y * (scalar(1, y.dtype) - y)),)


@operation(symmetric=True)
def softmax(x: Array, axis: int = -1) -> Result:
    """Softmax, yᵢ = e^(xᵢ) / Σⱼ e^(xⱼ) along ``axis``: positive, and 1 in sum.

    ∂L/∂x = y·(g − Σ g·y). The maximum of each slice is subtracted first, so nothing overflows.
    Raises NumPy's AxisError for an axis that does not exist, ValueError for a number, which has none.
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs".

    >>> import tinygrad_np as tg
    >>> tg.softmax(tg.Tensor([[0.0, 0.0], [1e4, -1e4]])).data
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = _with_axes(x)
    if x.dtype == HALF:
        return in_single(softmax.rule, x, axis)
    e = exp_to_zero(x - max_over(x, axis, keepdims=True))
    y = divide_to_zero(e, sum_over(e, axis, keepdims=True))
    return y, (lambda g: y * (g - sum_over(g * y, axis, keepdims=True)),)


@operation()
def log_softmax(x: Array, axis: int = -1) -> Result:
    """Logarithm of the softmax, yᵢ = xᵢ − ln Σⱼ e^(xⱼ) along ``axis``, exact where the softmax is 0.

    ∂L/∂x = g − eʸ·Σ g. An element of −inf gives −inf. Raises NumPy's AxisError for an axis that
    does not exist, ValueError for a number, which has none.

    >>> import tinygrad_np as tg
    >>> tg.log_softmax(tg.Tensor([1e4, -1e4])).data
    array([     0., -20000.])
    """
    x = _with_axes(x)
    if x.dtype == HALF:
        return in_single(log_softmax.rule, x, axis)
    shifted = x - max_over(x, axis, keepdims=True)
    y = shifted - np.log(sum_over(exp_to_zero(shifted), axis, keepdims=True))
    return y, (lambda g: g - exp_to_zero(y) * sum_over(g, axis, keepdims=True),)


@operation(linear=2, hint="linear takes real numbers: x (..., in), a weight (in, out) and a bias (out,)")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Result:
    """Affine map of the rows, y = x W + b: x (..., in), weight (in, out), bias (out,), y (..., out).

    ∂L/∂x = g Wᵀ, ∂L/∂W = xᵀ g, ∂L/∂b = Σ g over the rows. Raises ValueError where the shapes do
    not fit.

    >>> import numpy as np, tinygrad_np as tg
    >>> w = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = tg.linear(np.array([[1.0, 1.0]]), w, np.array([0.5, 0.5]))
    >>> y.data
    array([[4.5, 6.5]])
    """
    x = as_array(x)
    if not x.ndim or weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[1:]):
        raise ValueError("the shapes do not fit")
    if x.__class__ is not weight.__class__:
        x, weight = alike(x, weight)
    # The method dot takes two thirds of np.dot's time.
    y = x.dot(weight)
    if bias is not None:
        in_place = y.size > SMALL and is_plain(y) and y.dtype == bias.dtype  # saves memory that is not in the cache
        y = np.add(y, bias, y) if in_place else y + bias
    if x.ndim == 2:
        return y, (lambda g: g.dot(weight.T), lambda g: x.T.dot(g), unchanged)
    return y, (lambda g: g.dot(weight.T), lambda g: rows(x).T.dot(rows(g)), unchanged)


@operation()
def softmax_cross_entropy(logits: Array, targets: Array) -> Result:
    """Mean cross-entropy of the softmax of ``logits`` (n, classes) against ``targets``.

    ``targets`` holds either integer labels (n,) or probabilities (n, classes), each row summing to 1:

        L = −(1/n) Σᵣ Σᵢ tᵣᵢ ln softmax(xᵣ)ᵢ,    ∂L/∂x = (softmax(x) − t) / n

    with t the one-hot rows of the labels. It is computed from the logits, so that a class of
    probability 0 costs a finite loss. A batch of no rows has loss 0. Labels have no gradient;
    probabilities have ∂L/∂t = −ln softmax(x) / n. Raises ValueError for a label outside
    [0, classes), for rows that are not probabilities and for shapes that do not fit, TypeError for
    labels that are not integers and for what holds no real numbers. Bishop (2006), "Pattern
    recognition and machine learning", 4.3.4.

    >>> import numpy as np, tinygrad_np as tg
    >>> logits = tg.Tensor([[0.0, 0.0, 0.0], [1e4, 0.0, 0.0]], requires_grad=True)
    >>> loss = tg.softmax_cross_entropy(logits, np.array([2, 0]))
    >>> round(loss.item(), 6)
    0.549306
    >>> loss.backward()
    >>> logits.grad.round(4)
    array([[ 0.1667,  0.1667, -0.3333],
           [ 0.    ,  0.    ,  0.    ]])
    """
    targets = as_array(targets)
    if logits.__class__ is not np.ndarray or logits.dtype.kind != "f":
        logits = floating(logits, "logits")
    if logits.ndim != 2:
        raise ValueError(ROWS_OF_LOGITS)
    if logits.dtype == HALF:
        return in_single(softmax_cross_entropy.rule, logits, targets)
    n = len(logits) or 1
    log_p = _log_probabilities(logits)
    if targets.ndim == 1:
        picked, t = _one_hot(targets, log_p)
        loss = 0 - sum_over(picked, None) / n  # not just minus it, which would make a loss of 0 look like -0.0
        return loss, (lambda g: (exp_to_zero(log_p) - t) * (g / scalar(n, g.dtype)),)
    _check_probabilities(targets, logits.shape)
    if targets.dtype != logits.dtype:
        targets = targets.astype(logits.dtype)
    return sum_over(targets * _surprise(log_p, targets), None) / n, (
        lambda g: (exp_to_zero(log_p) * sum_over(targets, 1, keepdims=True) - targets) * (g / n),
        lambda g: log_p * (-g / n),
    )


@operation()
def softmax_cross_entropies(
    logits: Array, targets: Array, *, label_smoothing: float = 0.0, class_weight: Array | None = None
) -> Result:
    """Cross-entropy of each row of ``logits`` (n, classes) against ``targets``, as softmax_cross_entropy takes them.

        yᵣ = −Σᵢ wᵢ·sᵣᵢ·ln softmax(xᵣ)ᵢ,    s = (1 − ε)·t + ε / classes

    with ε the ``label_smoothing`` and w the ``class_weight`` (classes,), 1 without it; y has shape (n,).
    ∂L/∂xᵣᵢ = gᵣ·(softmax(xᵣ)ᵢ·Σⱼ wⱼ·sᵣⱼ − wᵢ·sᵣᵢ), ∂L/∂tᵣᵢ = −gᵣ·(1 − ε)·wᵢ·ln softmax(xᵣ)ᵢ.
    """
    targets = as_array(targets)
    logits = floating(logits, "logits")
    if logits.ndim != 2:
        raise ValueError(ROWS_OF_LOGITS)
    if logits.dtype == HALF:
        options = {"label_smoothing": label_smoothing, "class_weight": class_weight}
        return in_single(softmax_cross_entropies.rule, logits, targets, **options)
    log_p = _log_probabilities(logits)
    labels = targets.ndim == 1
    if labels:
        t = _one_hot(targets, log_p)[1]
    else:
        _check_probabilities(targets, logits.shape)
        t = targets.astype(logits.dtype)
    share = scalar(1 - label_smoothing, logits.dtype)  # of a target in what its class counts
    if label_smoothing:
        t = t * share + scalar(label_smoothing / (logits.shape[1] or 1), t.dtype)
    if class_weight is not None:
        class_weight = class_weight.astype(logits.dtype)
        t, share = t * class_weight, share * class_weight
    y = sum_over(t * _surprise(log_p, t), 1)
    gx = lambda g: times_to_zero(g[:, None], exp_to_zero(log_p) * sum_over(t, 1, keepdims=True) - t)
    if labels:
        return y, (gx,)
    return y, (gx, lambda g: -g[:, None] * (share * log_p))


def _surprise(log_p: Array, t: Array) -> Array:
    """−ln p, and 0 where t is 0: a class of probability 0 may have a logit of −inf."""
    return np.where(t == 0, 0, scalar(0, log_p.dtype) - log_p)  # minus it alone would make a loss of 0 look like -0.0


def _with_axes(x: Any) -> Array:
    """``x`` as floating numbers along at least one axis."""
    x = floating(x)
    if not x.ndim:
        raise ValueError(
            "a single number has no axis to sum over; give at least one row of numbers, of shape (classes,)"
        )
    return x


@lru_cache(maxsize=16)
def _zero(dtype: np.dtype[Any]) -> Array:
    """0 as an array of a dtype of real numbers, which NumPy would have to make of a plain 0 at each call."""
    if dtype.kind not in "fiub":
        raise TypeError(NO_NUMBERS.format("x", dtype))
    return np.zeros((), dtype)


def _log_probabilities(x: Array) -> Array:
    """ln softmax of each row of x.

    Of small arrays one ufunc call is the quickest. From some 64 elements on the formula wins, which also keeps the
    digits of logits that are large beside their differences.
    """
    if x.size <= 64:
        return x - logaddexp_reduce_to_zero(x, 1, None, None, True)
    shifted = x - max_over(x, 1, None, None, True)
    return shifted - np.log(sum_over(exp_to_zero(shifted), 1, None, None, True))


@lru_cache(maxsize=8)
def _row_numbers(n: int) -> Array:
    """0 … n − 1, the same at every step of a training run."""
    return np.arange(n)


def _one_hot(labels: Array, x: Array) -> tuple[Array, Array]:
    """The element of each row of ``x`` that its label names, and the labels as one-hot rows of x's dtype."""
    n, classes = x.shape
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels must be integers, got {labels.dtype}; convert whole numbers with labels.astype(int), and number "
            "anything else with np.unique(labels, return_inverse=True)[1]"
        )
    if len(labels) != n:
        raise ValueError(f"{len(labels)} labels for {n} rows of logits; give one label for each row")
    try:
        index = np.ravel_multi_index((_row_numbers(n), labels), x.shape)  # checks the labels on its way
    except ValueError:
        row = int(np.argmax((labels < 0) | (labels >= classes)))
        raise ValueError(
            f"label {labels[row]} in row {row} is outside [0, {classes}): the logits have {classes} classes; "
            "number the labels from 0, as np.unique(labels, return_inverse=True) does"
        ) from None
    one_hot = np.zeros(x.shape, x.dtype, like=labels)
    one_hot.ravel()[index] = 1
    return x.ravel()[index], one_hot


def _check_probabilities(targets: Any, shape: tuple[int, ...]) -> None:
    """Refuse targets that are not one row of probabilities for each row of logits."""
    if targets.shape != shape:
        raise ValueError(
            f"targets of shape {targets.shape} for logits of shape {shape}; give integer labels ({shape[0]},) or "
            f"probabilities {shape}"
        )
    if targets.dtype.kind not in "fiub":
        raise TypeError(NO_NUMBERS.format("probabilities", targets.dtype))
    tolerance = 1e-3 if targets.dtype.itemsize < 8 else 1e-6
    sums = sum_over(targets, 1)
    wrong = ~(abs(sums - 1) <= tolerance) | (min_over(targets, 1) < 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"targets must be probabilities, but row {row} is {targets[row]}, with sum {sums[row]:.6g}; "
            "divide each row by its sum, or give integer labels"
        )
