"""Cases of the products."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, of_shapes, uniform
from tinygrad_np.rules import products

MATMUL = [((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((3, 4), (2, 4, 2))]
MATMUL += [
    ((2, 3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((4,), (2, 4, 3)),
    ((2, 3, 4), (4,)),
    ((1, 3, 4), (2, 4, 1)),
]
MATMUL += [((0, 4), (4, 2)), ((3, 0), (0, 2))]
DOT = [((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 3, 4), (4,))]
DOT += [((), (3,)), ((2, 3), ()), ((), ()), ((0, 4), (4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (5, 4, 2))]
INNER = [((4,), (4,)), ((2, 4), (3, 4)), ((4,), (2, 3, 4)), ((), (3,)), ((0, 4), (2, 4))]
FLATTENED = [((4,), (3,)), ((2, 3), (2,)), ((), (3,)), ((0,), (2,))]
VECTORS = [((4,), (4,)), ((3, 4), (3, 4)), ((2, 1, 4), (3, 4)), ((0, 4), (4,))]
KRON = [((2, 2), (3, 2)), ((3,), (2, 2)), ((), (2, 3)), ((2,), (3,)), ((2, 0), (1, 2))]
CHAINS = [
    ((4,), (4, 2), (2, 3)),
    ((3, 2), (2, 5), (5, 1), (1, 4)),
    ((4,), (4, 2), (2,)),
    ((2, 3), (3, 2)),
    ((3,), (3,)),
]


def pairs_of_axes():
    """Contractions, by the number of axes and by lists of them, in any order and counted from the end."""
    shapes = {
        0: ((2,), (3,)),
        1: ((2, 3), (3, 4)),
        2: ((5, 2, 3), (2, 3)),
        (0, 1): ((2, 3), (4, 2)),
        (-1, -1): ((3,), (2, 3)),
    }
    shapes |= {((0, 2), (2, 0)): ((2, 3, 4), (4, 5, 2)), ((-1, 0, 1), (0, 2, -2)): ((2, 3, 4), (4, 3, 2))}
    shapes[1, 0] = ((3, 0), (0, 2))
    return [Variant((uniform(*left), uniform(*right)), {"axes": axes}) for axes, (left, right) in shapes.items()]


def cross_formula(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Of vectors with a third component of 0 where they have two, for which NumPy warns."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(x1, axisa, -1), np.moveaxis(x2, axisb, -1)
    planar = a.shape[-1] == b.shape[-1] == 2
    a, b = (np.concatenate([x, np.zeros((*x.shape[:-1], 3 - x.shape[-1]))], -1) for x in (a, b))
    y = np.cross(a, b)
    return y[..., 2] if planar else np.moveaxis(y, -1, axisc)


CROSS = of_shapes(((3,), (3,)), ((4, 3), (3,)), ((2,), (2,)), ((4, 2), (1, 3)))
CROSS += of_shapes(((3, 4), (5, 4, 3)), axisa=0, axisc=1) + of_shapes(((2, 4), (2, 4)), ((3, 4), (2, 4)), axis=0)
OF_THREE = of_shapes(((3,), (3,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)))


def one_sequence(operation, *arrays):
    return operation(arrays)


TWO = domains.many(st.tuples(domains.shapes(), domains.shapes()))
LENGTH = domains.lengths()


def with_signature(signature):
    return domains.together(domains.numbers, domains.numbers, signature=signature)


@st.composite
def dotted(draw):
    """Arrays with as many in the first one's last axis as in the second one's last but one, or a number."""
    left, right, n = draw(domains.shapes(max_dims=2)), draw(domains.shapes(max_dims=2)), draw(LENGTH)
    second = (*right[:-1], n, *right[-1:])
    return draw(domains.many(st.sampled_from([[(*left, n), second], [left, ()], [(), right]])))


@st.composite
def of_last_axes(draw):
    left, right, n = draw(domains.shapes(max_dims=2)), draw(domains.shapes(max_dims=2)), draw(LENGTH)
    return draw(domains.many(st.sampled_from([[(*left, n), (*right, n)], [left, ()], [(), right]])))


@st.composite
def contracted(draw):
    """Arrays, and how many axes they have in common, or which, in any order and counted from either end."""
    left, right, common = [draw(domains.shapes(max_dims=2)) for _ in range(3)]
    n = len(common)
    if draw(st.booleans()):
        return draw(domains.many(st.just([left + common, common + right]), axes=st.just(n)))
    axes = [draw(domains.several_axes(len(free) + n, min_size=n, max_size=n)) for free in (left, right)]
    shapes = [around(common, *places) for places in zip(axes, (left, right))]
    return draw(domains.many(st.just(shapes), axes=st.just(tuple(axes))))


def around(common, axes, free):
    """The shape that has the lengths ``common`` along ``axes``, and the ``free`` ones in order along the others."""
    ndim, rest = len(axes) + len(free), iter(free)
    lengths = dict(zip([axis % ndim for axis in axes], common))
    return tuple([lengths[i] if i in lengths else next(rest) for i in range(ndim)])


@st.composite
def along_an_axis(draw, signature):
    """Vectors along one axis of both arrays, counted from the end as the axes before it are broadcast."""
    x1, x2 = draw(with_signature(signature)).arrays
    axis = draw(st.integers(-min(x1.ndim, x2.ndim), -1))
    return Variant((np.moveaxis(x1, -1, axis), np.moveaxis(x2, -1, axis)), {"axis": axis})


@st.composite
def chains(draw):
    """Matrices that fit to each other in a row, the first and the last of them also vectors."""
    lengths = draw(st.lists(LENGTH, min_size=3, max_size=5))
    first, *inner, last = pairwise(lengths)
    some = st.tuples(st.sampled_from([first, first[1:]]), *map(st.just, inner), st.sampled_from([last, last[:1]]))
    return draw(domains.many(some))


@st.composite
def crossed(draw):
    """Vectors of two or three components, along axes of their own."""
    components = draw(st.sampled_from(["(3),(3)", "(2),(3)", "(3),(2)", "(2),(2)"]))
    x1, x2 = draw(with_signature(f"{components}->()")).arrays
    axes = {
        name: draw(domains.one_axis(max(x.ndim for x in xs)))
        for name, xs in {"axisa": [x1], "axisb": [x2], "axisc": [x1, x2]}.items()
    }
    return Variant((np.moveaxis(x1, -1, axes["axisa"]), np.moveaxis(x2, -1, axes["axisb"])), axes)


ROWS = [
    Row(products.matmul, of_shapes(*MATMUL), drawn=with_signature("(n?,k),(k,m?)->(n?,m?)")),
    Row(products.dot, of_shapes(*DOT), drawn=dotted()),
    Row(products.tensordot, pairs_of_axes(), drawn=contracted()),
    Row(products.inner, of_shapes(*INNER), drawn=of_last_axes()),
    Row(
        products.vdot,
        of_shapes(((4,), (4,)), ((2, 3), (3, 2)), ((), ()), ((2, 2), (4,))),
        drawn=domains.many(domains.shapes().flatmap(lambda s: st.sampled_from([[s, s], [s, (int(np.prod(s)),)]]))),
    ),
    Row(products.outer, of_shapes(*FLATTENED), drawn=TWO),
    Row(
        products.linalg_outer,
        of_shapes(((4,), (3,)), ((0,), (2,))),
        drawn=domains.many(st.tuples(*[domains.shapes(0, 1, 1)] * 2)),
    ),
    Row(
        products.vecdot,
        of_shapes(*VECTORS) + of_shapes(((3, 4), (3, 4)), ((3, 4), (3, 5, 4)), axis=0),
        drawn=along_an_axis("(n),(n)->()"),
    ),
    Row(
        products.matvec,
        of_shapes(((3, 4), (4,)), ((2, 3, 4), (4,)), ((3, 4), (2, 4)), ((3, 0), (0,))),
        formula=lambda x1, x2: np.einsum("...ij,...j->...i", x1, x2),
        drawn=with_signature("(m,n),(n)->(m)"),
    ),
    Row(
        products.vecmat,
        of_shapes(((4,), (4, 3)), ((4,), (2, 4, 3)), ((2, 4), (4, 3)), ((0,), (0, 3))),
        formula=lambda x1, x2: np.einsum("...i,...ij->...j", x1, x2),
        drawn=with_signature("(n),(n,m)->(m)"),
    ),
    Row(products.kron, of_shapes(*KRON), drawn=TWO),
    Row(products.multi_dot, of_shapes(*CHAINS), call=one_sequence, drawn=chains()),
    Row(products.vector_product, OF_THREE, formula=np.cross, drawn=with_signature("(3),(3)->(3)")),
    Row(products.cross, CROSS, formula=cross_formula, drawn=crossed()),
    Row(products.linalg_cross, OF_THREE + of_shapes(((3, 2), (3, 2)), axis=0), drawn=along_an_axis("(3),(3)->(3)")),
]
