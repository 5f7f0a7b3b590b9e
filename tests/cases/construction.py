"""Cases of arrays made from others."""

import numpy as np
from hypothesis import strategies as st

import tinygrad_np as tg
from tests.cases import domains
from tests.cases.rows import Row, Variant, either_sign, of_shapes, positive, uniform
from tinygrad_np.rules import construction


def ranges(draw):
    return [
        Variant((draw(), draw()), {"num": 5}),
        Variant((draw(3), draw(3)), {"num": 4, "endpoint": False}),
        Variant((draw(3), draw()), {"num": 4, "axis": -1}),
        Variant((draw(2, 1), draw(3)), {"num": 1, "axis": 1}),
        Variant((draw(2), draw(2)), {"num": 0}),
    ]


def packed(function, *arrays, **options):
    """The grids one after another in one array."""
    return np.concatenate([np.reshape(grid, (-1,)) for grid in function(*arrays, **options)])


def ranges_drawn(kind, **options):
    """Ends that broadcast, and how many numbers lie between them along which axis of the result."""

    def between(variant):
        ndim = np.broadcast(*variant.arrays).ndim + 1
        return st.integers(-ndim, ndim - 1).map(lambda axis: Variant(variant.arrays, variant.options | {"axis": axis}))

    return domains.together(kind, kind, num=st.integers(0, 4), endpoint=st.booleans(), **options).flatmap(between)


ROWS = [
    Row(construction.copy, of_shapes(((3, 4),), ((),)), drawn=domains.one()),
    Row(
        construction.full_like,
        [Variant((uniform(*s),)) for s in [(), (3,), (2, 1)]] + [Variant((uniform(),), {"shape": (2, 0)})],
        formula=lambda x, shape=(2, 3): np.full(shape, x),
        call=lambda function, x, **options: function(tg.Tensor(np.zeros((2, 3), x.dtype)), x, **options),
        drawn=domains.broadcastable(),
    ),
    Row(construction.linspace, ranges(uniform), drawn=ranges_drawn(domains.numbers)),
    Row(
        construction.logspace,
        [*ranges(uniform), Variant((uniform(2), uniform(2)), {"num": 3, "base": 2.5})],
        drawn=ranges_drawn(domains.numbers, base=st.sampled_from([10.0, 2.5])),
    ),
    Row(construction.geomspace, ranges(positive), drawn=ranges_drawn(domains.positive)),
    Row(
        construction.meshgrid,
        [
            Variant((uniform(3), uniform(4))),
            Variant((uniform(3), uniform(4)), {"indexing": "ij"}),
            Variant((uniform(3), uniform(2), uniform(4)), {"sparse": True}),
            Variant((uniform(3),)),
        ],
        call=packed,
        drawn=domains.many(
            st.lists(domains.shapes(max_dims=1, min_dims=1), min_size=1, max_size=3),
            indexing=st.sampled_from(["xy", "ij"]),
            sparse=st.booleans(),
        ),
    ),
    Row(
        construction.vander,
        [Variant((either_sign(3),)), Variant((either_sign(4),), {"N": 3, "increasing": True}), Variant((uniform(0),))],
        drawn=domains.one(
            domains.numbers, domains.shapes(0, 1, 1), N=st.none() | st.integers(0, 4), increasing=st.booleans()
        ),
    ),
]
