"""The article's gradients in three columns: by autodiff, derived by hand, and by central differences."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

import tinygrad_np as tg
from models import article, reference
from tinygrad_np.checks import GradientReport

Array = NDArray[np.float64]

COLUMNS = {"analytic": "autodiff", "hand-derived": "hand-derived", "numerical": "numerical"}  # by a report's names


def check(
    model: tg.nn.Module,
    x: Array,
    labels: NDArray[np.intp],
    network: type[reference.Network] = reference.Network,
    mode: str = "full",
) -> GradientReport:
    """Hold the gradients of the mean cross-entropy by autodiff, and by hand as ``network`` has them, against numbers.

    x is (n, features) and ``labels`` (n,) are integers. ``model`` is one of `article`'s; ``network`` starts from
    copies of its parameters. In ``mode="full"`` every element is looked at, and the report has all three numbers
    of it. Raises GradientError where either gradient is wrong.

    >>> model = article.three_classes(rng=0)
    >>> print(check(model, np.array([[0.5, -1.0], [1.5, 0.0]]), np.array([2, 1])))
    right: the gradient of 0.weight, 0.bias, 2.weight, 2.bias agrees in every element
    ...
    """

    def gradient(model: tg.nn.Module) -> dict[str, Array]:
        by_hand = article.hand_derived(model, network=network)
        w_grads, b_grads = by_hand.gradients(x, reference.one_hot(labels, len(by_hand.b[-1])))
        weights_first = sorted(dict(model.named_parameters()), key=lambda name: name.endswith("bias"))
        return dict(zip(weights_first, w_grads + b_grads))

    loss = lambda model: tg.softmax_cross_entropy(model(x), labels)
    return tg.check_gradients(loss, model, gradient=gradient, mode=mode)


def three_columns(report: GradientReport) -> str:
    """The three gradients of every element side by side, and under them the largest difference of each two.

    ``report`` is one that `check` gives in full mode; one of an error will do too, but a gradient of another
    shape than its parameter's is NaN here. Raises ValueError if no element was looked at.
    """
    if not report.elements:
        raise ValueError("the report has no elements; check with mode='full', which looks at every one")
    rows = [_row("parameter", "index", COLUMNS.values())]
    differences = dict.fromkeys(combinations(COLUMNS, 2), 0.0)
    for checked in report.elements:
        gradients = {**checked.claimed, "numerical": checked.numerical}
        shape = checked.value.shape
        gradients = {name: g if g.shape == shape else np.full(shape, np.nan) for name, g in gradients.items()}
        for index in np.ndindex(shape):
            rows.append(_row(checked.name, str(index), [f"{gradients[name][index]:.12f}" for name in COLUMNS]))
        for one, other in differences:
            largest = np.max(np.abs(gradients[one] - gradients[other]))
            differences[one, other] = float(np.maximum(differences[one, other], largest))  # NaN if either is
    under = [
        f"{f'largest difference of {COLUMNS[one]} and {COLUMNS[other]}':52}{difference:.1e}"
        for (one, other), difference in differences.items()
    ]
    return "\n".join([*rows, "", *under])


def _row(name: str, index: str, cells: Iterable[str]) -> str:
    """A line of the table."""
    return f"{name:10}{index:>8}" + "".join(f"{cell:>18}" for cell in cells)
