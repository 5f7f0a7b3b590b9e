"""Cases of Einstein summation."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
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

OPTIMIZE = [False, True, "greedy", "optimal"]


@st.composite
def sums(draw, implicit=False):
    """Terms of the letters a, b and c, also twice in a term, and shapes in which an index may have length 1 as well.

    With ``implicit`` also what only np.einsum takes: '...', no output, numbers for letters, and an order of products.
    """
    lengths = dict(zip("abc", draw(st.tuples(*[domains.lengths()] * 3))))
    terms = draw(st.lists(st.text("abc", max_size=3), min_size=1, max_size=3))
    sizes = [{c: draw(st.sampled_from([n, 1])) for c, n in lengths.items()} for _ in terms]
    shapes = [tuple([size[c] for c in term]) for size, term in zip(sizes, terms)]
    output = draw(
        st.permutations(sorted(set("".join(terms)))).flatmap(lambda s: st.integers(0, 3).map(lambda n: s[:n]))
    )
    if implicit and draw(st.booleans()):
        dotted = draw(st.lists(st.booleans(), min_size=len(terms), max_size=len(terms)))
        terms = [["...", *term] if dots else term for dots, term in zip(dotted, terms)]
        shapes = [(*draw(domains.within((2, 3))), *shape) if dots else shape for dots, shape in zip(dotted, shapes)]
        output = ["...", *output]
    arrays = draw(st.tuples(*map(domains.numbers, shapes)))
    if not implicit:
        return Variant(arrays, {"subscripts": f"{','.join(terms)}->{''.join(output)}"})
    options = {"optimize": draw(st.sampled_from(OPTIMIZE))}
    output = draw(st.none() | st.just(output))
    if draw(st.booleans()):
        numbers = {c: i for i, c in enumerate("abc")} | {"...": ...}
        terms, output = [[numbers[c] for c in term] for term in terms], output and [numbers[c] for c in output]
        return Variant(arrays, {"terms": terms, "result": output, **options})
    arrow = "" if output is None else f"->{''.join(output)}"
    return Variant(arrays, {"subscripts": ",".join(map("".join, terms)) + arrow, **options})


ROWS = [
    Row(
        einsum.einsum, [written(*w) for w in AS_WRITTEN] + INTERLEAVED + OPTIMIZED, call=call, drawn=sums(implicit=True)
    ),
    Row(
        einsum.sum_of_products,
        [v for subscripts, shapes in SUMS.items() for v in of_shapes(*shapes, subscripts=subscripts)],
        formula=lambda *xs, subscripts: np.einsum(subscripts, *xs),
        drawn=sums(),
    ),
]
