"""What a wrong gradient looks like, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_np.checks.patterns import (
    NOT_FINITE,
    OF_PLACES,
    OF_SHAPES,
    OF_VALUES,
    TOLERANCE,
    Comparison,
    Pattern,
    largest,
    listed,
)


def diagnose(claimed: ArrayLike, numerical: ArrayLike, wrong: Any, x: ArrayLike, kinks: Any = False) -> list[str]:
    """The pattern by which the claimed gradient of one input differs from the numerical one, as sentences.

    ``numerical`` and the input ``x`` are of one shape, and so is ``wrong``, which is true where the two
    gradients disagree; it is None if ``claimed`` has another shape. An element at one of ``kinks``, where f has no
    derivative, is left out, right or wrong. Most patterns are an array e made from the numerical gradient n, such as
    nᵀ, and hold where

        max|claimed − c·e| ≤ 10⁻⁴·max|c·e|,    c = Σ claimed·e / Σ e²

    The most telling sentence comes first. There is none if no pattern holds, or only one that says
    nothing, as the transpose of a symmetric matrix.

    >>> import numpy as np
    >>> n = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> diagnose(3 * n, n, n > 0, n)[0]
    'the claimed gradient is 3.000 times the numerical one, everywhere: is the division by the batch (of 3 rows) ...
    >>> diagnose(n.T, n, n != n.T, n)
    ['the claimed gradient is the transpose of the numerical one: is a .T missing, or one too many?']
    """
    a, n, x = (np.asarray(array, np.float64) for array in (claimed, numerical, x))
    with np.errstate(all="ignore"):  # numbers that overflow agree with nothing
        if a.shape != n.shape:
            p = Comparison(a, n, x, None, None)
            return _all(NOT_FINITE, p) + _first(OF_SHAPES, p)
        wrong = np.asarray(wrong, bool)
        known = np.where(kinks, 0, n)
        p = Comparison(a, known, x, wrong, ~np.asarray(kinks) & (wrong | (np.abs(a - n) <= TOLERANCE * largest(known))))
        if not wrong.any():
            return []
        strange = _all(NOT_FINITE, p)
        patterns = OF_PLACES if strange or not p.counted.any() else (*OF_VALUES, *OF_PLACES)
        return strange + _first(patterns, p)


def across(names: Sequence[str], right: Sequence[bool]) -> list[str]:
    """What the inputs say together: all those before some layer wrong, and all after it right, as sentences.

    ``names`` go from the first layer to the last. The wrong ones have to be two at least, for one alone may
    well be its own fault, and whole layers: names that share their numbers, or what stands before the last
    dot, are of one layer, and if a bias is right then so is what arrived at its layer.

    >>> across(["W0", "b0", "W1", "b1"], [False, False, True, True])[0]
    'the gradients of W1 and b1 are right, those of W0 and b0, before them, wrong: the fault lies on the way back ...
    >>> across(["W0", "b0", "W1", "b1"], [False, True, False, True])
    []
    """
    count = list(right).count(False)
    before, after = list(names[:count]), list(names[count:])
    if count < 2 or not after or any(right[:count]) or {*map(_layer, before)} & {*map(_layer, after)}:
        return []
    one = len(after) == 1
    return [
        f"the {'gradient' if one else 'gradients'} of {listed(after)} {'is' if one else 'are'} right, those of "
        f"{listed(before)}, before {'it' if one else 'them'}, wrong: the fault lies on the way back from the later to "
        "the earlier ones; is a slope such as 1 − z² of tanh missing?"
    ]


def _layer(name: str) -> tuple[str, ...]:
    """What names of one layer have in common: "0" of W0, "hidden" of hidden.bias, else the name itself."""
    return tuple(re.findall(r"\d+", name)) or (name.rpartition(".")[0] or name,)


def _all(patterns: Sequence[Pattern], p: Comparison) -> list[str]:
    """The sentences of those that hold."""
    return [sentence for pattern in patterns if (sentence := pattern(p))]


def _first(patterns: Sequence[Pattern], p: Comparison) -> list[str]:
    """The sentence of the first one that holds, if any: the later ones would say the same in a longer way."""
    return next(([sentence] for pattern in patterns if (sentence := pattern(p))), [])
