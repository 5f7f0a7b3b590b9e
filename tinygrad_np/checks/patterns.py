"""The patterns by which a wrong gradient differs from the numerical one, each a function that says it in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, permutations, starmap, takewhile
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np.checks.slopes import Array

# A pattern holds where it explains every number to this part of the largest one. Central differences are right to
# 10⁻⁶ of it or better where f is smooth, which leaves room for an f that is not very; chance rarely comes so close.
TOLERANCE = 1e-4
LARGEST_FACTOR = 1e6  # beyond it, or below its inverse, one of the two gradients is 0 but for rounding
WHOLE = 0.01  # a factor in the thousands is within TOLERANCE of a whole number by chance, and has to be this close
DISORDER = 100 * TOLERANCE  # of the largest number: what has moved by less may as well be noise
MOST_LISTED = 6  # rows, factors or names in a sentence
MOST_AXES = 4  # in any order, which are 24; of more axes, only the reverse order


class Comparison(NamedTuple):
    """The two gradients of one input, in float64. The masks are None where their shapes differ."""

    claimed: Array
    numerical: Array
    x: Array
    wrong: Any
    counted: Any  # all elements but those that disagree and yet are not wrong: f has no derivative there


Pattern = Callable[[Comparison], str | None]


# -- Numbers that are none, and shapes ---------------------------------------------------------------------


def _claimed_not_finite(p: Comparison) -> str | None:
    """k of n elements are NaN or infinite."""
    where = _not_finite(p.claimed)
    return f"the claimed gradient is {where}: is something divided by 0 there, or log taken of 0?" if where else None


def _numerical_not_finite(p: Comparison) -> str | None:
    """The same of the numerical one, which is then no judge of the other."""
    where = _not_finite(p.numerical)
    return f"the numerical gradient is {where}: is f finite near the input?" if where else None


def _not_finite(array: Array) -> str:
    """How many elements are NaN and infinite, or nothing."""
    counts = {"NaN": np.count_nonzero(np.isnan(array)), "infinite": np.count_nonzero(np.isinf(array))}
    parts = [f"{kind} in {k}" for kind, k in counts.items() if k]
    return f"{' and '.join(parts)} of {array.size} elements" if parts else ""


def _reshaped(p: Comparison) -> str | None:
    """The right numbers, in the right order, in another shape."""
    if p.claimed.size != p.numerical.size or (c := _ratio(p.claimed.ravel(), p.numerical.ravel())) is None:
        return None
    kept = np.squeeze(p.claimed).shape == np.squeeze(p.numerical).shape
    reason = "is an axis of length 1 kept or lost, as by keepdims?" if kept else "is a reshape missing?"
    return f"{_subject(p)} is {_times(c)}the numerical one but for its shape: {reason}"


def _not_summed(p: Comparison) -> str | None:
    """Σ claimed over some axes = c·numerical."""
    for axes, total in _sums(p.claimed, p.numerical.shape):
        if (c := _ratio(total, p.numerical)) is not None:
            return (
                f"{_subject(p)} is {_times(c)}the numerical one when summed over {_axes(axes)}: is the sum over "
                f"{_batch(axes)} missing?"
            )
    return None


def _summed(p: Comparison) -> str | None:
    """claimed = c·Σ numerical over some axes; c = 1 / their length for a mean."""
    for axes, total in _sums(p.numerical, p.claimed.shape):
        if (c := _ratio(p.claimed, total)) is not None:
            return (
                f"{_subject(p)} is {_times(c)}the sum of the numerical one over {_axes(axes)}: is it summed where it "
                "should not be?"
            )
    return None


def _shape_of_the_transpose(p: Comparison) -> str | None:
    """Shape (n, m) where (m, n) is right, whatever the numbers."""
    if p.claimed.ndim != 2 or p.claimed.shape != p.numerical.shape[::-1]:
        return None
    return f"{_subject(p)} has the shape of the transpose, and other numbers: are the factors of a product swapped?"


def _shape_not_summed(p: Comparison) -> str | None:
    """The shape has axes too many, whatever the numbers."""
    for axes, _ in _sums(p.claimed, p.numerical.shape):
        return f"{_subject(p)} has too many numbers: is the sum over {_batch(axes)} missing?"
    return None


def _shape_summed(p: Comparison) -> str | None:
    """The shape lacks axes, whatever the numbers."""
    for axes, _ in _sums(p.numerical, p.claimed.shape):
        return f"{_subject(p)} has too few numbers: is it summed over {_axes(axes)} where it should not be?"
    return None


def _sums(array: Array, shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Array]]:
    """The sums of ``array`` over one or more axes that are of ``shape``."""
    for k in range(1, min(array.ndim, MOST_AXES) + 1):
        for axes in combinations(range(array.ndim), k):
            for keepdims in (False, True):
                total = np.asarray(array.sum(axes, keepdims=keepdims))
                if total.shape == shape and total.size < array.size:
                    yield axes, total


# -- Values, all of which one formula explains -------------------------------------------------------------


def _unused(p: Comparison) -> str | None:
    """numerical = 0, to the bit."""
    if np.any(p.numerical[p.counted]):
        return None
    return "the numerical gradient is 0, the claimed one is not: does f compute with this input, or with a copy of it?"


def _zero(p: Comparison) -> str | None:
    """claimed = 0."""
    if np.any(p.claimed[p.counted]):
        return None
    return (
        f"the claimed gradient is 0{_everywhere(p)}: is it detached from the result, taken through .data, or computed "
        "within tg.no_grad()?"
    )


def _factor(p: Comparison) -> str | None:
    """claimed = c·numerical. Of one number this is no more than their ratio."""
    one = np.count_nonzero(p.counted) == 1
    a, n = p.claimed[p.counted], p.numerical[p.counted]
    c = float(a[0] / n[0]) if one else _ratio(a, n)
    if c is None or _is_one(c) or not 1 / LARGEST_FACTOR < abs(c) < LARGEST_FACTOR:
        return None
    return f"the claimed gradient is {_times(c)}the numerical one{_everywhere(p)}{'' if one else _reason(c)}"


def _reason(c: float) -> str:
    """What a factor usually comes from."""
    if abs(c + 1) <= TOLERANCE:
        return ": its sign is opposite; is a minus missing, or a difference taken the other way round?"
    if c > 1 and (k := _whole(c)):
        halved = ", or the ½ that goes with x²" if k == 2 else ""
        return f": is the division by the batch (of {k} rows) missing{halved}?"
    if 0 < c < 1 and (k := _whole(1 / c)):
        halved = ", or is the 2 of x² missing" if k == 2 else ""
        return f": is it divided by the batch (of {k} rows) once too often{halved}?"
    return ""


def _whole(c: float) -> int | None:
    """The whole number from 2 on that a factor is."""
    k = round(c)
    return k if k >= 2 and abs(c - k) <= min(TOLERANCE * c, WHOLE) else None


def _transposed(p: Comparison) -> str | None:
    """claimed = c·numericalᵀ, or with more axes in another order."""
    n = p.numerical
    orders = list(permutations(range(n.ndim))) if n.ndim <= MOST_AXES else [tuple(range(n.ndim))[::-1]]
    for order in orders[n.ndim <= MOST_AXES :]:  # the first of all orders is the one that they are in
        if (c := _moved(p, n.transpose(order))) is not None:
            what, reason = (
                ("transpose of the numerical one", "is a .T missing, or one too many?")
                if n.ndim == 2
                else (f"numerical one with its axes in the order {order}", "is a transpose wrong?")
            )
            return f"{_subject(p)} is {_times(c)}the {what}: {reason}"
    return None


def _symmetrized(p: Comparison) -> str | None:
    """claimed = (numerical + numericalᵀ) / 2, as of NumPy's functions that read one triangle of a symmetric matrix."""
    n = p.numerical
    if n.ndim < 2 or n.shape[-1] != n.shape[-2] or (c := _moved(p, (n + np.swapaxes(n, -1, -2)) / 2)) is None:
        return None
    return (
        f"{_subject(p)} is {_times(c)}the symmetric part of the numerical one: does f read one triangle of a symmetric "
        "matrix, as np.linalg.cholesky does? Then check f((a + a.T) / 2)"
    )


def _reversed(p: Comparison) -> str | None:
    """claimed = c·numerical[::-1] along an axis."""
    for axis in range(p.numerical.ndim):
        if (c := _moved(p, np.flip(p.numerical, axis))) is not None:
            return (
                f"the claimed gradient is {_times(c)}the numerical one reversed along axis {axis}: is a [::-1] missing?"
            )
    return None


def _rolled(p: Comparison) -> str | None:
    """claimed[i] = c·numerical[i ∓ 1] along an axis."""
    for axis in range(p.numerical.ndim):
        for step, way in ((1, "forward"), (-1, "back")):
            if (c := _moved(p, np.roll(p.numerical, step, axis))) is not None:
                return (
                    f"the claimed gradient is {_times(c)}the numerical one moved {way} by one along axis {axis}: is an "
                    "index off by one?"
                )
    return None


def _moved(p: Comparison, moved: Array) -> float | None:
    """c with claimed = c·``moved``, which is the numerical one in another order, unless that looks like the old one."""
    if moved.shape != p.claimed.shape:
        return None
    if p.counted is None:
        return _ratio(p.claimed, moved)
    looks_moved = _ratio(moved, p.numerical) is None
    return _ratio(p.claimed[p.counted], moved[p.counted]) if looks_moved else None


def _permuted(p: Comparison) -> str | None:
    """sort(claimed) = sort(numerical), most of which are different numbers and have moved to the naked eye."""
    a, n = np.sort(p.claimed, axis=None), np.sort(p.numerical, axis=None)
    scale = largest(n)
    various = np.unique(np.round(n / scale, 8)).size > n.size / 2
    if not (various and largest(p.claimed - p.numerical) > DISORDER * scale):
        return None
    c = _ratio(a, n)
    if c is None or not _is_one(c):
        return None
    return "the claimed gradient has the numbers of the numerical one in another order: is an index or a reshape wrong?"


def _shifted(p: Comparison) -> str | None:
    """claimed − numerical = c."""
    c = _ratio((p.claimed - p.numerical)[p.counted], np.ones(np.count_nonzero(p.counted)))
    if c is None or np.count_nonzero(p.counted) < 2:
        return None
    return (
        f"the claimed gradient is the numerical one plus {_number(c)}, everywhere: is a term of the loss on one side "
        "only?"
    )


def _decayed(p: Comparison) -> str | None:
    """claimed − numerical = c·x."""
    c = _ratio((p.claimed - p.numerical)[p.counted], p.x[p.counted])
    if c is None or np.count_nonzero(p.wrong & p.counted) < 2:
        return None
    return (
        f"the claimed gradient differs from the numerical one by {_number(c)} times the input: is a weight decay term "
        "on one side only?"
    )


def _factors(p: Comparison) -> str | None:
    """claimed[i] = cᵢ·numerical[i] along an axis: a factor for each row, or for each column."""
    for axis, length in enumerate(p.claimed.shape):
        lines = zip(*(np.moveaxis(array, axis, 0) for array in (p.claimed, p.numerical, p.wrong, p.counted)))
        factors = list(takewhile(lambda c: c is not None, starmap(_factor_of_line, lines)))
        off = {i: c for i, c in enumerate(factors) if c is not None and not _is_one(c)}
        if off and len(factors) == length:
            return _factors_in_words(p.claimed.ndim, axis, off, length)
    return None


def _factor_of_line(claimed: Array, numerical: Array, wrong: Array, counted: Array) -> float | None:
    """1 for a line that is right, 0 for one that is left out; of one number that is not 0, a factor says nothing."""
    if not wrong.any():
        return 1.0
    a, n = claimed[counted], numerical[counted]
    if np.count_nonzero(np.abs(n) > TOLERANCE * largest(n)) < 2:
        return None
    return _ratio(a, n) if np.any(a) else 0.0


def _factors_in_words(ndim: int, axis: int, off: Mapping[int, float], length: int) -> str:
    """Which lines are ``off`` by which factor; the others, of ``length`` in all, are right."""
    first, *others = off.values()
    if all(abs(c - first) <= TOLERANCE * abs(first) for c in others):
        right = ", all others are right" if len(off) < length else ""
        return f"{_lines(ndim, axis, list(off))} {'are' if others else 'is'} off by a factor of {_number(first)}{right}"
    each = listed([f"{i} by {_number(c)}" for i, c in off.items()])
    name, where = _kind(ndim, axis)
    return f"{name}s{where} are each off by a factor of their own: {each}"


# -- Places: where all the wrong elements are --------------------------------------------------------------


def _one_element(p: Comparison) -> str | None:
    """One wrong element among others."""
    if np.count_nonzero(p.wrong) != 1 or p.wrong.size == 1:
        return None
    index = tuple(int(i) for i in np.argwhere(p.wrong)[0])
    return f"only the element at index {index} is wrong"


def _whole_lines(p: Comparison) -> str | None:
    """All of some rows, or columns, and nothing else; a 0 that is right does not count."""
    for axis, length in enumerate(p.wrong.shape):
        rest = tuple(i for i in range(p.wrong.ndim) if i != axis)
        some = p.wrong.any(rest)
        whole = np.all(p.wrong | (p.numerical == 0), rest)
        if p.wrong.size == length or some.all() or np.any(some & ~whole):
            continue
        wrong, right = np.flatnonzero(some).tolist(), np.flatnonzero(~some).tolist()
        if len(right) == 1 < len(wrong):
            return f"only {_lines(p.wrong.ndim, axis, right)} is right, all others are wrong"
        return f"only {_lines(p.wrong.ndim, axis, wrong)} {'is' if len(wrong) == 1 else 'are'} wrong"
    return None


# -- Numbers and words -------------------------------------------------------------------------------------


def _ratio(actual: Array, expected: Array) -> float | None:
    """c with actual ≈ c·expected, by least squares, or None; of a single number, c = 1 or None."""
    scale, unit = largest(actual), largest(expected)
    if not (0 < scale < np.inf and 0 < unit < np.inf):  # NaN is not
        return None
    a, e = actual / scale, expected / unit
    c = float(np.vdot(a, e) / np.vdot(e, e))
    if not largest(a - c * e) <= TOLERANCE * abs(c):
        return None
    c *= scale / unit
    return c if e.size > 1 or _is_one(c) else None


def _is_one(c: float) -> bool:
    """Whether a factor is none."""
    return abs(c - 1) <= TOLERANCE


def largest(array: Array) -> float:
    """max|array|; 0 of nothing."""
    return float(np.max(np.abs(array), initial=0.0))


def _number(c: float) -> str:
    """``c`` with three digits after the point if that is all of it, else six in all: 4.000, 0.250, 0.333333."""
    return f"{c:.3f}" if c and abs(c - round(c, 3)) <= TOLERANCE * abs(c) else f"{c:.6g}"


def _times(c: float) -> str:
    """The words for a factor in front of what it multiplies; none for 1."""
    return "" if _is_one(c) else f"{_number(c)} times "


def _everywhere(p: Comparison) -> str:
    """That the pattern holds of every element, where there are several."""
    return ", everywhere" if np.count_nonzero(p.counted) > 1 else ""


def _subject(p: Comparison) -> str:
    """The claimed gradient, with its shape if that is wrong."""
    if p.claimed.shape == p.numerical.shape:
        return "the claimed gradient"
    return f"the claimed gradient, of shape {p.claimed.shape} where the input has {p.numerical.shape},"


def _axes(axes: Sequence[int]) -> str:
    """An axis or axes."""
    return f"{'axis' if len(axes) == 1 else 'axes'} {listed(axes)}"


def _batch(axes: Sequence[int]) -> str:
    """What is summed over: the first axis is the batch."""
    return "the batch" if tuple(axes) == (0,) else _axes(axes)


def _kind(ndim: int, axis: int) -> tuple[str, str]:
    """What the lines along an axis are called: rows and columns of a matrix, slices of an array of more axes."""
    return (("row", "column")[axis], "") if ndim == 2 else ("slice", f" of axis {axis}")


def _lines(ndim: int, axis: int, indices: Sequence[int]) -> str:
    """Some of them by number."""
    name, where = _kind(ndim, axis)
    return f"{name}{'s' if len(indices) > 1 else ''} {listed(indices)}{where}"


def listed(things: Sequence[object]) -> str:
    """a, b and c; of many the first few."""
    if len(things) > MOST_LISTED:
        return f"{', '.join(map(str, things[:MOST_LISTED]))} and {len(things) - MOST_LISTED} more"
    *most, last = map(str, things)
    return f"{', '.join(most)} and {last}" if most else last


NOT_FINITE: tuple[Pattern, ...] = (_claimed_not_finite, _numerical_not_finite)
OF_SHAPES: tuple[Pattern, ...] = (
    _transposed,
    _reshaped,
    _not_summed,
    _summed,
    _shape_of_the_transpose,
    _shape_not_summed,
    _shape_summed,
)
OF_VALUES: tuple[Pattern, ...] = (
    _unused,
    _zero,
    _factor,
    _transposed,
    _symmetrized,
    _reversed,
    _rolled,
    _permuted,
    _shifted,
    _decayed,
    _factors,
)
OF_PLACES: tuple[Pattern, ...] = (_one_element, _whole_lines)
