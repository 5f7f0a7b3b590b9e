"""Cases of diagonals and triangles."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import diagonals


def of_a_stack(*places):
    """An array of three axes, and which diagonal of it."""
    return [Variant((uniform(2, 3, 4),), {"offset": o, "axis1": a, "axis2": b}) for o, a, b in places]


def spread(x, shape, offset=0, axis1=0, axis2=1):
    """What put_diagonal does, one element after another."""
    y = np.zeros(shape, x.dtype)
    places = np.diagonal(np.arange(y.size).reshape(shape), offset, axis1, axis2)
    for place, value in zip(places.ravel(), x.ravel()):
        y.flat[place] = value
    return y


DIAGONALS = over("offset", [0, 2, -1, 5], 3, 4) + of_a_stack((0, 0, 1), (1, 2, 0), (-1, -1, -2))
SPREAD = [((3,), {"shape": (3, 4)}), ((2,), {"shape": (3, 4), "offset": 2}), ((2,), {"shape": (3, 2), "offset": -1})]
SPREAD += [((3, 1), {"shape": (2, 3, 4), "offset": 1, "axis1": 2, "axis2": 0}), ((0,), {"shape": (0, 3)})]
TRIANGLES = over("k", [0, 1, -1, 9], 3, 4) + of_shapes(((2, 3, 3),), ((3,),), ((0, 2),))

ANY_OFFSET = st.sampled_from([0, 1, -1, 2, -2, 4])  # and one beyond most shapes


@st.composite
def places_of_a_diagonal(draw):
    """A shape, and which diagonal of it."""
    shape = draw(domains.shapes(0, 2))
    axis1, axis2 = draw(domains.several_axes(len(shape), min_size=2, max_size=2))
    return shape, {"offset": draw(ANY_OFFSET), "axis1": axis1, "axis2": axis2}


@st.composite
def taken(draw):
    shape, place = draw(places_of_a_diagonal())
    return Variant((draw(domains.numbers(shape)),), place)


@st.composite
def put_back(draw):
    shape, place = draw(places_of_a_diagonal())
    return Variant((draw(domains.numbers(np.empty(shape).diagonal(**place).shape)),), {"shape": shape, **place})


ROWS = [
    Row(diagonals.diagonal, DIAGONALS, drawn=taken()),
    Row(
        diagonals.put_diagonal,
        [Variant((uniform(*shape),), options) for shape, options in SPREAD],
        formula=spread,
        drawn=put_back(),
    ),
    Row(
        diagonals.diag,
        over("k", [0, 1, -2], 3) + over("k", [0, 1, -1, 9], 3, 4) + of_shapes(((0,),), ((3, 0),)),
        drawn=domains.one(domains.numbers, domains.shapes(0, 1, 2), k=ANY_OFFSET),
    ),
    Row(diagonals.diagflat, over("k", [0, -1], 2, 2) + of_shapes(((),)), drawn=domains.one(k=ANY_OFFSET)),
    Row(diagonals.trace, DIAGONALS, drawn=taken()),
    Row(
        diagonals.matrix_diagonal,
        over("offset", [0, -1], 2, 3, 4),
        drawn=domains.one(domains.numbers, domains.matrix_shapes(), offset=ANY_OFFSET),
    ),
    Row(
        diagonals.matrix_trace,
        over("offset", [0, -1], 2, 3, 4),
        drawn=domains.one(domains.numbers, domains.matrix_shapes(), offset=ANY_OFFSET),
    ),
    Row(diagonals.tril, TRIANGLES, drawn=domains.one(domains.numbers, domains.shapes(0, 1), k=ANY_OFFSET)),
    Row(diagonals.triu, TRIANGLES, drawn=domains.one(domains.numbers, domains.shapes(0, 1), k=ANY_OFFSET)),
]
