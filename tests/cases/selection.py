"""Cases of the rules that select."""

import numpy as np

from tests.cases.rows import Row, Variant, apart, apart_too, binary, lean, lean_pairs, of_shapes, over, unary, uniform
from tinygrad_np.rules import selection

MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])
OTHER = np.array([[True, True, False, False], [True, False, True, False], [False] * 4])
CHOICES = [
    v for c in (MASK, MASK[0]) for v in of_shapes(*[((3, 4), s) for s in [(3, 4), (4,), (), (3, 1)]], condition=c)
]
CHOICES += of_shapes(((), (2, 1, 1)), condition=MASK) + of_shapes(((), ()), condition=True)
BOUNDS = [
    {"a_min": -0.65, "a_max": None},
    {"a_min": None, "a_max": 0.55},
    {"min": -0.65, "max": 0.55},
    {"min": -0.65},
    {},
]
NUMBERS = np.array([[2, 0, 1, 0], [0, 1, 2, 2], [1, 1, 0, 2]])
OUTSIDE = NUMBERS * 3 - 2
CORNERS = np.array([-1.2, -0.3, 0.1, 1.4])
BETWEEN = np.array([[-1.5, -1.0, 0.0], [0.9, 1.2, 1.7]])  # and beyond


def polygons(*options):
    return [Variant((BETWEEN, CORNERS, uniform(4)), each) for each in options]


ROWS = [
    Row(selection.maximum, binary(apart, apart_too)),
    Row(selection.minimum, binary(apart, apart_too)),
    Row(selection.fmax, lean_pairs(apart, apart_too)),
    Row(selection.fmin, lean_pairs(apart, apart_too)),
    Row(
        selection.clip,
        [Variant((apart(3, 4),), each) for each in BOUNDS]
        + [Variant((apart(3, 4), np.array([-0.65, -1.0, 0.0, 0.5]), np.array([[0.6], [0.55], [2.0]])))],
    ),
    Row(
        selection.where,
        CHOICES,
        call=lambda operation, x1, x2, condition: operation(condition, x1, x2),
    ),
    Row(
        selection.select,
        of_shapes(((3, 4), (4,)), ((), (3, 1)), condlist=[MASK, OTHER])
        + of_shapes(((3, 4), (4,), ()), condlist=[OTHER, MASK, True], default=2.0),
        call=lambda operation, *xs, condlist, **default: operation(condlist, xs, **default),
    ),
    Row(
        selection.choose,
        of_shapes(((3, 4), (4,), ()), a=NUMBERS)
        + of_shapes(((3, 4), (1,), ()), a=OUTSIDE, mode="wrap")
        + of_shapes(((3, 4), (1,), ()), a=OUTSIDE, mode="clip")
        + of_shapes(((), ()), a=np.array(1)),
        call=lambda operation, *xs, a, **mode: operation(a, xs, **mode),
    ),
    Row(
        selection.piecewise,
        over("condlist", ([MASK, OTHER], [OTHER, MASK]), 3, 4) + over("condlist", ([True, False], [False, True])),
        call=lambda operation, x, condlist: operation(x, condlist, [np.sin, lambda x: x * x, lambda x: 3 * x]),
    ),
    Row(selection.interp, polygons({}, {"left": -1.0, "right": 2.0}, {"period": 3.1}, {"period": 1.95})),
    Row(selection.nan_to_num, lean()),
    Row(
        selection.astype,
        unary(),
        formula=np.positive,
        call=lambda operation, x: operation(
            operation(x, np.longdouble), x.dtype
        ),  # back, to keep its dtype like others
    ),
]
