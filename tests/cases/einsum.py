"""Cases of Einstein summation."""

from typing import Any

import numpy as np

from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import einsum

SUMS: dict[str, list[Any]] = {
    "ij,jk->ik": [((2, 3), (3, 4)), ((2, 1), (3, 4)), ((0, 3), (3, 4))],  # an axis of 1 is repeated
    "ij,ij->ij": [((3, 1), (3, 4)), ((1, 4), (3, 1))],
    "ij,ij->j": [((3, 4), (1, 4))],
    "ij,ik->k": [((2, 3), (2, 4))],  # sums over what only one has
    "i,j->": [((2,), (3,))],
    "ij->ji": [((2, 3),)],
    "ii->i": [((3, 3),)],
    "ii->": [((3, 3),), ((0, 0),)],
    "iij,jik->k": [((2, 2, 3), (3, 2, 4))],
    "iiji->j": [((2, 2, 3, 2),)],
    "iji,j->i": [((2, 3, 2), (1,))],
    ",i->i": [((), (3,))],
    "ij,jk,kl->il": [((2, 3), (3, 2), (2, 4))],
}
AS_WRITTEN: list[Any] = [
    ("ij,jk", (2, 3), (3, 4)), ("ji", (2, 3)), ("ii", (3, 3)), ("b i, b j", (2, 3), (2, 2)),
    ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)), ("i...,...", (2, 3), (4, 1)), ("...i->...", (3,)),
    ("a...,...b", (2, 3), (3, 4)),
]  # fmt: skip
CHAIN = ("ij,jk,kl,lm->im", (2, 3), (3, 2), (2, 4), (4, 2))
OPTIONS: list[Any] = [
    True,
    "optimal",
    ("greedy", 100),
    ["einsum_path", (1, 2), (0, 2), (0, 1)],
    ["einsum_path", (0, 1, 2, 3)],
]


def written(subscripts, *shapes, **options):
    return Variant(tuple(uniform(*s) for s in shapes), {"subscripts": subscripts, **options})


def numbered(*shapes, terms, result=None):
    """The interleaved form."""
    return Variant(tuple(uniform(*s) for s in shapes), {"terms": terms, "result": result})


INTERLEAVED = [
    numbered((2, 3), (3, 4), terms=([0, 1], [1, 2]), result=[0, 2]),
    numbered((2, 3), (3, 4), terms=([30, 1], [1, 2])),
    numbered((2, 3, 4), (3, 4), terms=([..., 5], [..., 5]), result=[...]),
]


def call(operation, *xs, subscripts=None, terms=(), result=None, **options):
    if subscripts is not None:
        return operation(subscripts, *xs, **options)
    interleaved = [part for pair in zip(xs, terms) for part in pair]
    return operation(*interleaved, *([] if result is None else [result]), **options)


OPTIMIZED = [written(*CHAIN, optimize=o) for o in OPTIONS]
OPTIMIZED += [
    written("ij,jk->ik", (2, 3), (3, 4), optimize=True),
    written("bij,bjk,b->ik", (2, 3, 2), (2, 2, 3), (1,), optimize=True),
    written("ii,...i,i->...", (2, 2), (3, 2), (2,), optimize="greedy"),
]

ROWS = [
    Row(einsum.einsum, [written(*w) for w in AS_WRITTEN] + INTERLEAVED + OPTIMIZED, call=call),
    Row(
        einsum.sum_of_products,
        [v for subscripts, shapes in SUMS.items() for v in of_shapes(*shapes, subscripts=subscripts)],
        formula=lambda *xs, subscripts: np.einsum(subscripts, *xs),
    ),
]
