"""Cases of rearranging."""

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, over, uniform
from tinygrad_np.rules import rearranging

ROLLS = [
    (1, None),
    (-2, 0),
    (5, -1),
    ((1, -1), (0, 1)),
    ((1, 2), (0, 0)),
    (2, (0, 1)),
    ((1, 2), None),
    ([1, 3], [1, 0]),
]

ROWS = [
    Row(rearranging.flip, over("axis", [None, 0, -1, (0, 2), ()], 2, 3, 2) + of_shapes(((),), ((0, 2),))),
    Row(rearranging.fliplr, of_shapes(((2, 3),), ((2, 3, 2),))),
    Row(rearranging.flipud, of_shapes(((2, 3),), ((3,),))),
    Row(
        rearranging.rot90,
        over("k", [0, 1, 2, 3, -1, 6], 2, 3)
        + [Variant((uniform(2, 3, 2),), {"k": k, "axes": axes}) for k, axes in [(1, (1, 2)), (3, (-1, 0))]],
    ),
    Row(rearranging.roll, [Variant((uniform(3, 4),), {"shift": shift, "axis": axis}) for shift, axis in ROLLS]),
    Row(
        rearranging.tile,
        over("reps", [2, (2, 3), (2, 1, 3), 0, (), np.array([1, 2])], 2, 3) + over("reps", [3, (2, 2)]),
    ),
    Row(
        rearranging.repeat,
        [
            Variant((uniform(2, 3),), {"repeats": repeats, "axis": axis})
            for repeats, axis in [(2, None), (3, 0), (2, -1), (0, 1), ([2, 0, 3], 1), ([2], 0), (np.arange(6), None)]
        ]
        + over("repeats", [2]),
    ),
    Row(
        rearranging.repeat_each,
        [Variant((uniform(2, 3),), {"repeats": n, "axis": a}) for n, a in [(2, None), (3, 0), (2, -1), (0, 1), (1, 1)]]
        + over("repeats", [2]),
        formula=np.repeat,
    ),
]
