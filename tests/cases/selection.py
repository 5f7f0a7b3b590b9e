"""Cases of the rules that select."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.cases import domains
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


APART = domains.together(domains.on_grid(0.1), domains.on_grid(0.2))
LIMITS = [("a_min", "a_max"), ("min", "max")]


@st.composite
def bounded(draw):
    """Numbers, and bounds that are arrays, numbers or None, on which none of them lies."""
    low, high = domains.on_grid(0.2), domains.on_grid(0.3)
    if draw(st.booleans()):
        return draw(domains.together(domains.on_grid(0.1), low, high))
    options = dict(zip(draw(st.sampled_from(LIMITS)), [draw(st.none() | kind(())) for kind in (low, high)]))
    return draw(domains.one(domains.on_grid(0.1), **{name: st.just(bound) for name, bound in options.items()}))


def conditions(variant):
    """Masks that broadcast to the arrays together."""
    return domains.masks(np.broadcast_shapes(*[x.shape for x in variant.arrays]))


def numbers_of_choices(variant):
    """Numbers of arrays, and others, of a shape that broadcasts to the arrays together."""
    return conditions(variant).flatmap(lambda mask: hnp.arrays(np.int8, mask.shape, elements=st.integers(-4, 4)))


@st.composite
def chosen(draw, least, most, name, drawn_from, **options):
    """So many arrays that broadcast, and an option that is drawn for their shapes."""
    variant = draw(domains.together(*[domains.numbers] * draw(st.integers(least, most))))
    return draw(domains.variants(st.just(variant.arrays), **{name: drawn_from(variant)}, **options))


@st.composite
def polygon(draw):
    """Places between the corners of a polygon and beyond, on none of them; or a period of ten steps of the grid."""
    corners = np.sort(draw(st.sets(st.integers(0, 9), min_size=1).map(list)))
    period = draw(st.sampled_from([None, 3.0]))
    beyond = {} if period else {"left": st.none() | domains.floats(-2, 2), "right": st.none() | domains.floats(-2, 2)}
    arrays = st.tuples(
        domains.shapes().flatmap(domains.on_grid(0.2)),
        st.just(0.3 * corners + 0.1),
        domains.numbers(corners.shape),
    )
    return draw(domains.variants(arrays, period=st.just(period), **beyond))


ROWS = [
    Row(selection.maximum, binary(apart, apart_too), drawn=APART),
    Row(selection.minimum, binary(apart, apart_too), drawn=APART),
    Row(selection.fmax, lean_pairs(apart, apart_too), drawn=APART),
    Row(selection.fmin, lean_pairs(apart, apart_too), drawn=APART),
    Row(
        selection.clip,
        [Variant((apart(3, 4),), each) for each in BOUNDS]
        + [Variant((apart(3, 4), np.array([-0.65, -1.0, 0.0, 0.5]), np.array([[0.6], [0.55], [2.0]])))],
        drawn=bounded(),
    ),
    Row(
        selection.where,
        CHOICES,
        call=lambda operation, x1, x2, condition: operation(condition, x1, x2),
        drawn=chosen(2, 2, "condition", conditions),
    ),
    Row(
        selection.select,
        of_shapes(((3, 4), (4,)), ((), (3, 1)), condlist=[MASK, OTHER])
        + of_shapes(((3, 4), (4,), ()), condlist=[OTHER, MASK, True], default=2.0),
        call=lambda operation, *xs, condlist, **default: operation(condlist, xs, **default),
        drawn=chosen(
            1,
            3,
            "condlist",
            lambda v: st.tuples(*map(conditions, [v] * len(v.arrays))).map(list),
            default=domains.floats(-2, 2),
        ),
    ),
    Row(
        selection.choose,
        of_shapes(((3, 4), (4,), ()), a=NUMBERS)
        + of_shapes(((3, 4), (1,), ()), a=OUTSIDE, mode="wrap")
        + of_shapes(((3, 4), (1,), ()), a=OUTSIDE, mode="clip")
        + of_shapes(((), ()), a=np.array(1)),
        call=lambda operation, *xs, a, **mode: operation(a, xs, **mode),
        drawn=chosen(1, 3, "a", numbers_of_choices, mode=st.sampled_from(["wrap", "clip"])),
    ),
    Row(
        selection.piecewise,
        over("condlist", ([MASK, OTHER], [OTHER, MASK]), 3, 4) + over("condlist", ([True, False], [False, True])),
        call=lambda operation, x, condlist: operation(x, condlist, [np.sin, lambda x: x * x, lambda x: 3 * x]),
        drawn=domains.one().flatmap(
            lambda v: domains.variants(
                st.just(v.arrays), condlist=st.lists(hnp.arrays(bool, v.arrays[0].shape), min_size=2, max_size=3)
            )
        ),
    ),
    Row(
        selection.interp, polygons({}, {"left": -1.0, "right": 2.0}, {"period": 3.1}, {"period": 1.95}), drawn=polygon()
    ),
    Row(
        selection.nan_to_num,
        lean(),
        drawn=domains.one(
            domains.of(domains.floats(-2, 2) | st.sampled_from([np.nan, np.inf, -np.inf])),
            nan=domains.floats(-2, 2),
            posinf=domains.floats(-2, 2),
            neginf=domains.floats(-2, 2),
        ),
    ),
    Row(
        selection.astype,
        unary(),
        formula=np.positive,
        call=lambda operation, x: operation(
            operation(x, np.longdouble), x.dtype
        ),  # back, to keep its dtype like others
        drawn=domains.one(),
    ),
]
