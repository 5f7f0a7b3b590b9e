"""Losses: what a prediction costs beside its target, one function for each, all called alike.

``loss(prediction, target, *, reduction="mean", sample_weight=None)``. The first axis of both counts the rows.

``reduction``      "none" gives a loss for each element, or for each row where a row is one decision; "sum" their sum;
                   "mean" their mean over all rows and outputs, weighted where there are weights: Σ w·l / Σ w.
``sample_weight``  one number of at least 0 for each row, (n,). A row of weight 2 counts like one listed twice, a row
                   of weight 0 like none; "none" and "sum" give w·l and Σ w·l. Where nothing counts, because there
                   are no rows or all weights are 0, the loss is 0 and so is its gradient.

The prediction decides the dtype: targets and weights are converted to it. Shapes must be equal, for a column (n, 1)
beside n numbers (n,) would broadcast to n² differences. A target that is missing, out of range or of a wrong kind is
an error that names its row. From arrays comes an array, from Tensors a Tensor. A loss warns of overflow, as NumPy
does, only where its value is too large for the dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_np.arguments import number
from tinygrad_np.names import nearest
from tinygrad_np.numerics import alike
from tinygrad_np.rules import losses, network, reductions
from tinygrad_np.targets import Values, array_of, class_weights, data_of, demand, paired, real, row_weights

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "by_name",
    "gaussian_nll",
    "hinge",
    "huber",
    "poisson",
    "softmax_cross_entropy",
    "squared_error",
]

Loss = Callable[..., Any]

OF_SIGNS = "for labels -1 and 1 give (target + 1) / 2"


def softmax_cross_entropy(
    prediction: Values,
    target: Values,
    *,
    reduction: str = "mean",
    sample_weight: Values | None = None,
    label_smoothing: float = 0.0,
    class_weight: Any = None,
) -> Any:
    """Cross-entropy −Σᵢ tᵢ·ln softmax(x)ᵢ of logits x (n, classes), one loss for each row.

    ``target`` holds integer labels (n,) or probabilities (n, classes). ``label_smoothing`` ε in [0, 1) puts
    (1 − ε)·t + ε / classes for t. ``class_weight`` w (classes,) multiplies the terms of the sum; the mean is then
    that of rows of weight Σᵢ wᵢ·tᵢ, which is w[label] for labels, with t as it was before smoothing.

    Without options this is :func:`tinygrad_np.softmax_cross_entropy`, whose errors it has. Szegedy et al. (2016),
    "Rethinking the inception architecture for computer vision", 7, for the smoothing.

    >>> import numpy as np, tinygrad_np as tg
    >>> logits, labels = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0, 0])
    >>> tg.losses.softmax_cross_entropy(logits, labels, reduction="none").round(4)
    array([0.1269, 1.3133])
    >>> float(tg.losses.softmax_cross_entropy(logits, labels, sample_weight=[3, 1]).round(4))
    0.4235
    """
    smoothing = number(
        "label_smoothing", label_smoothing, 0.1, lambda e: 0 <= e < 1, "a number of at least 0 and less than 1"
    )
    if reduction == "mean" and sample_weight is None and class_weight is None and not smoothing:
        return network.softmax_cross_entropy(prediction, target)
    name = "softmax_cross_entropy"
    prediction, target = array_of(name, "prediction", prediction), array_of(name, "target", target)
    if class_weight is not None:
        class_weight = class_weights(name, class_weight, prediction.shape)
        if reduction == "mean":  # which knows no unit of the weights, where the logits' dtype may not hold them
            class_weight = class_weight / (class_weight.max(initial=0) or 1)
    rows = network.softmax_cross_entropies(prediction, target, label_smoothing=smoothing, class_weight=class_weight)
    share = None
    if class_weight is not None:
        if target.ndim == 1:
            weights, labels = alike(class_weight, data_of(target))
            share = weights[labels]
        else:
            share = target @ class_weight
    return _reduced(name, rows, reduction, sample_weight, share)


def binary_cross_entropy(
    prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None
) -> Any:
    """Cross-entropy −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) of logits x; no sigmoid goes before it.

    ∂L/∂x = g·(σ(x) − t). ``target`` holds 0 and 1, bools, or probabilities between, in the shape of ``prediction``.
    Value and slope keep their digits however far out the logit is. Bishop (2006), "Pattern recognition and machine
    learning", 4.3.2.

    >>> import numpy as np, tinygrad_np as tg
    >>> logits = tg.Tensor([0.0, 1e4, -1e4], requires_grad=True)
    >>> loss = tg.losses.binary_cross_entropy(logits, np.array([0, 1, 1]), reduction="sum")
    >>> loss.backward()
    >>> round(loss.item(), 4), logits.grad
    (10000.6931, array([ 0.5,  0. , -1. ]))
    """
    x, t = paired("binary_cross_entropy", prediction, target)
    values = data_of(t)
    demand("binary_cross_entropy", t, (values >= 0) & (values <= 1), f"0, 1 or a probability between; {OF_SIGNS}")
    return _reduced("binary_cross_entropy", losses.binary_cross_entropy(x, t), reduction, sample_weight)


def squared_error(
    prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None
) -> Any:
    """Squared error (x − t)², without a factor ½;  ∂L/∂x = 2·g·(x − t).

    >>> import numpy as np, tinygrad_np as tg
    >>> float(tg.losses.squared_error(np.array([1.0, 2.0]), np.array([0, 5])))
    5.0
    """
    x, t = paired("squared_error", prediction, target)
    return _reduced("squared_error", losses.squared_error(x, t), reduction, sample_weight)


def absolute_error(
    prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None
) -> Any:
    """Absolute error |x − t|;  ∂L/∂x = g·sign(x − t), which is 0 at the kink x = t.

    >>> import numpy as np, tinygrad_np as tg
    >>> float(tg.losses.absolute_error(np.array([1.0, 2.0]), np.array([0, 5])))
    2.0
    """
    x, t = paired("absolute_error", prediction, target)
    return _reduced("absolute_error", np.absolute(x - t), reduction, sample_weight)


def huber(
    prediction: Values,
    target: Values,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Values | None = None,
) -> Any:
    """Huber's loss of d = x − t: d²/2 where |d| ≤ δ, else δ·(|d| − δ/2);  ∂L/∂x = g·d clipped to ±δ.

    δ = ``delta`` is where an error begins to count as an outlier, in the units of the target. Huber (1964), "Robust
    estimation of a location parameter".

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.losses.huber(np.array([0.5, 3.0]), np.zeros(2), reduction="none")
    array([0.125, 2.5  ])
    """
    delta = number("delta", delta, 1.0, lambda d: 0 < d < math.inf, "a number above 0 and finite")
    x, t = paired("huber", prediction, target)
    return _reduced("huber", losses.huber(x, t, delta=delta), reduction, sample_weight)


def hinge(prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None) -> Any:
    """Hinge loss max(0, 1 − s·x) of scores x, with s = 1 for target 1 and s = −1 for target 0.

    ∂L/∂x = −g·s where s·x < 1, else 0. ``target`` holds 0 and 1, or bools: those of binary_cross_entropy, so that
    the loss is swapped by one word. Targets have no gradient. Rosasco et al. (2004), "Are loss functions all the
    same?".

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.losses.hinge(np.array([2.0, 0.5, 0.5]), np.array([1, 1, 0]), reduction="none")
    array([0. , 0.5, 1.5])
    """
    x, t = paired("hinge", prediction, target)
    t = data_of(t)
    demand("hinge", t, (t == 0) | (t == 1), f"0 or 1; {OF_SIGNS}")
    return _reduced("hinge", network.relu(1 - (t + t - 1) * x), reduction, sample_weight)


def poisson(prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None) -> Any:
    """Negative log-likelihood eˣ − t·x of counts t ≥ 0 with log-rate x, without the constant ln t!.

    ∂L/∂x = g·(eˣ − t). Counts need not be whole, for they may be averages. McCullagh & Nelder (1989), "Generalized
    linear models", 6.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.losses.poisson(np.log([2.0, 3.0]), np.array([2, 0]), reduction="none").round(4)
    array([0.6137, 3.    ])
    """
    x, t = paired("poisson", prediction, target)
    demand("poisson", t, data_of(t) >= 0, "a count of at least 0")
    return _reduced("poisson", losses.poisson(x, t), reduction, sample_weight)


def gaussian_nll(
    prediction: Values, target: Values, *, reduction: str = "mean", sample_weight: Values | None = None
) -> Any:
    """Negative log-likelihood (s + (t − mean)²·e⁻ˢ) / 2 of a normal target, without the constant ln(2π) / 2.

    ``prediction`` (n, 2·k) holds the k means of each row and then the k logarithms s of the variances, ``target``
    (n, k). ∂L/∂mean = −g·(t − mean)·e⁻ˢ, ∂L/∂s = g·(1 − (t − mean)²·e⁻ˢ) / 2. Below s = −1400 (−175 in float32) 1/σ
    is too large for the dtype. Nix & Weigend (1994), "Estimating the mean and variance of the target probability
    distribution".

    >>> import numpy as np, tinygrad_np as tg
    >>> prediction = np.array([[1.0, 0.0], [1.0, np.log(4.0)]])
    >>> tg.losses.gaussian_nll(prediction, np.array([[3], [3]]), reduction="none").round(4)
    array([[2.    ],
           [1.1931]])
    """
    x = real("gaussian_nll", "prediction", prediction)
    k = x.shape[-1] // 2 if x.ndim == 2 else 0
    if not k or x.shape[1] % 2:
        raise ValueError(
            f"gaussian_nll: the prediction must hold k means and k logarithms of variances in each row, (n, 2·k), got "
            f"{x.shape}; give two outputs for each target, or join them by np.concatenate([mean, log_variance], 1)"
        )
    mean, t = paired("gaussian_nll", x[:, :k], target, "means")
    return _reduced("gaussian_nll", losses.gaussian_nll(mean, x[:, k:], t), reduction, sample_weight)


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        softmax_cross_entropy,
        binary_cross_entropy,
        squared_error,
        absolute_error,
        huber,
        hinge,
        poisson,
        gaussian_nll,
    )
}


def by_name(name: str) -> Loss:
    """The loss called ``name``; ValueError for one that does not exist, with the nearest that does.

    >>> by_name("huber") is huber
    True
    >>> by_name("squared_eror")
    Traceback (most recent call last):
        ...
    ValueError: there is no loss 'squared_eror', did you mean 'squared_error'? Choose from: softmax_cross_entropy, ...
    """
    return nearest("loss", name, LOSSES)


def _reduced(
    name: str, elements: Values, reduction: str, sample_weight: Values | None, share: Values | None = None
) -> Any:
    """The losses of all ``elements`` as ``reduction`` says; ``share`` is what each row counts in the mean besides."""
    reduce = nearest("reduction", reduction, REDUCTIONS)
    if sample_weight is None and share is None:
        return reduce(elements, None)
    dtype = elements.dtype
    elements = elements.astype(np.result_type(dtype, np.float64))  # in which many weighted rows can be summed
    counts = share
    if sample_weight is not None:
        weight = row_weights(name, sample_weight, elements)
        elements = elements * weight.reshape((-1,) + (1,) * (elements.ndim - 1))
        counts = weight if share is None else weight * share
    return reduce(elements, counts).astype(dtype)


def _mean(elements: Values, counts: Values | None) -> Any:
    """Σ elements / Σ counts, a count for each row, or 1 without them; 0 where nothing counts."""
    if counts is None:
        return reductions.mean(elements) if elements.size else reductions.sum(elements)
    total = reductions.sum(counts) * (elements.size // (len(elements) or 1))
    return reductions.sum(elements) / (total if data_of(total) else 1)


REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "mean": _mean,
    "sum": lambda elements, counts: reductions.sum(elements),
    "none": lambda elements, counts: elements,
}
