"""Cases of arrays made from others."""

import numpy as np

import tinygrad_np as tg
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


ROWS = [
    Row(construction.copy, of_shapes(((3, 4),), ((),))),
    Row(
        construction.full_like,
        [Variant((uniform(*s),)) for s in [(), (3,), (2, 1)]] + [Variant((uniform(),), {"shape": (2, 0)})],
        formula=lambda x, shape=(2, 3): np.full(shape, x),
        call=lambda function, x, **options: function(tg.Tensor(np.zeros((2, 3), x.dtype)), x, **options),
    ),
    Row(construction.linspace, ranges(uniform)),
    Row(construction.logspace, [*ranges(uniform), Variant((uniform(2), uniform(2)), {"num": 3, "base": 2.5})]),
    Row(construction.geomspace, ranges(positive)),
    Row(
        construction.meshgrid,
        [
            Variant((uniform(3), uniform(4))),
            Variant((uniform(3), uniform(4)), {"indexing": "ij"}),
            Variant((uniform(3), uniform(2), uniform(4)), {"sparse": True}),
            Variant((uniform(3),)),
        ],
        call=packed,
    ),
    Row(
        construction.vander,
        [Variant((either_sign(3),)), Variant((either_sign(4),), {"N": 3, "increasing": True}), Variant((uniform(0),))],
    ),
]
