"""What the arrays and options of an operation are drawn from: strategies for shapes, for values, and for both together.

A kind of values is a function from a shape to a strategy for arrays of that shape. Strategies that are asked for again
and again are kept, for to make one takes longer than to draw from it.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.array_utils import normalize_axis_tuple

from tests.cases.rows import Variant


def floats(least, most):
    """Numbers of float16: few enough that some come twice, and none of them so small that its square is 0."""
    return st.floats(least, most, width=16, allow_subnormal=False)


def of(elements):
    """The kind of arrays of these elements."""
    return cache(lambda shape: hnp.arrays(np.float64, shape, elements=elements))


def either_sign(sizes):
    return st.one_of(sizes, sizes.map(np.negative))


numbers = of(floats(-2.0, 2.0))
positive = of(floats(0.25, 2.5))
nonzero = of(either_sign(floats(0.25, 2.5)))
booleans = cache(lambda shape: hnp.arrays(bool, shape))
or_nan = of(floats(-2.0, 2.0) | st.just(np.nan))


small = of(either_sign(floats(0.0625, 0.25)))  # and 0 nowhere, for sizes have a kink there


@cache
def on_grid(offset):
    """The kind of multiples of 0.3 plus an offset, which keep apart from those with another offset."""
    return of(st.integers(-9, 9).map(lambda k: 0.3 * k + offset))


@cache
def unique(shape):
    return hnp.arrays(np.int8, shape, elements=st.integers(0, 40), unique=True)


@cache
def distinct(shape):
    """Numbers that keep at least 0.1 from each other and from 0: no tie, no kink."""
    return unique(shape).map(lambda k: np.asarray(0.3 * (k - 20.0) + 0.1))


@cache
def of_distinct_sizes(shape):
    return unique(shape).map(lambda k: np.asarray(np.where(k % 2, 1, -1) * (0.4 + 0.1 * k)))


def near(diagonal):
    """The kind of matrices (…, m, n) that differ little from a diagonal one, given its n elements."""
    return cache(lambda shape: small(shape).map(lambda x: x + np.eye(*shape[-2:]) * diagonal(np.arange(shape[-1]))))


regular = near(lambda i: 2)  # eigenvalues and singular values near 2: well conditioned
powered = near(lambda i: 1)  # near 1, where their powers stay
separated = near(lambda i: 1 + 2 * i)  # near 1, 3, 5; symmetric they are positive definite


@cache
def lengths(least=0):
    """Lengths up to 3, rarely 0: of several axes each may leave nothing to be tested."""
    return st.sampled_from([n for n in (2, 3, 1, 2, 3, 1, 2, 3, 0) if n >= least])


@cache
def shapes(least=0, min_dims=0, max_dims=3):
    dims = [n for n in (2, 1, 3, 2, 3, 1, 0) if min_dims <= n <= max_dims]
    return st.sampled_from(dims).flatmap(lambda n: st.tuples(*[lengths(least)] * n))


@cache
def matrix_shapes(least=0):
    """(…, m, n), with one axis before these or none."""
    return st.tuples(shapes(max_dims=1), shapes(least, 2, 2)).map(lambda parts: parts[0] + parts[1])


@cache
def square_shapes(least=0):
    return st.tuples(shapes(max_dims=1), lengths(least)).map(lambda parts: (*parts[0], parts[1], parts[1]))


@cache
def some_axes(ndim):
    """None, one axis counted from either end, or a tuple of any number of them."""
    return st.one_of(st.none(), several_axes(ndim), *([one_axis(ndim)] if ndim else []))


@cache
def one_axis(ndim):
    return st.integers(-ndim, ndim - 1)


@cache
def several_axes(ndim, **sizes):
    """A tuple of different axes, some counted from the end."""
    if not ndim:
        return st.just(())
    return st.lists(one_axis(ndim), unique_by=lambda axis: axis % ndim, **sizes).map(tuple)


def resized(shape, axis, n):
    """The shape with another length along one axis."""
    return tuple(n if i == axis % len(shape) else side for i, side in enumerate(shape))


@cache
def shape_and_axis(least=0, min_dims=1, max_dims=3):
    """A shape and one of its axes, of at least some length, counted from either end."""

    def with_axis(shape):
        axes = range(-len(shape), len(shape))
        return st.sampled_from([(resized(shape, axis, max(least, shape[axis])), axis) for axis in axes])

    return shapes(0, min_dims, max_dims).flatmap(cache(with_axis))


@cache
def within(shape):
    """A shape that broadcasts to the given one."""
    ends = st.sampled_from([shape, shape, *[shape[start:] for start in range(1, len(shape) + 1)]])
    return ends.flatmap(lambda end: st.tuples(*[st.sampled_from([n, n, 1]) for n in end]))


@st.composite
def masks(draw, shape, axes=None):
    """Masks that broadcast to a shape; with ``axes``, those that hold the first element of each slice along them."""
    mask = draw(booleans(draw(within(shape))))
    if axes is not None:
        missing = len(shape) - mask.ndim
        mask[tuple([slice(1 if i + missing in axes else None) for i in range(mask.ndim)])] = True
    return mask


def variants(arrays, /, **options):
    """Arrays, and options that do not depend on their shapes."""
    return st.builds(Variant, arrays, st.fixed_dictionaries(options))


def one(kind=numbers, some_shapes=None, /, **options):
    """One array, of any shape unless it is said which."""
    return variants(st.tuples((shapes() if some_shapes is None else some_shapes).flatmap(kind)), **options)


def many(some_shapes, kind=numbers, /, **options):
    """Arrays of drawn shapes, all of one kind."""
    return variants(some_shapes.flatmap(lambda some: st.tuples(*map(kind, some))), **options)


@st.composite
def broadcastable(draw):
    """An array and a ``shape`` that it broadcasts to."""
    shape = draw(shapes())
    return Variant((draw(within(shape).flatmap(numbers)),), {"shape": shape})


@st.composite
def along(draw, kind=numbers, /, least=0, min_dims=1, **options):
    """An array and one of its axes, along which there is a least number of elements."""
    shape, axis = draw(shape_and_axis(least, min_dims))
    return Variant((draw(kind(shape)),), {"axis": axis} | {name: draw(values) for name, values in options.items()})


def length(variant):
    """How many elements lie along the axis of a variant, or in all, without one."""
    axis = variant.options["axis"]
    return variant.arrays[0].size if axis is None else variant.arrays[0].shape[axis]


def along_or_flat(kind=numbers, /, **options):
    """An array and one of its axes, or None."""
    return along(kind, **options) | one(kind, axis=st.none(), **options)


@st.composite
def reduced(draw, kind=numbers, least=0, masked=False, holes=False, keepdims=True, min_dims=0, **options):
    """An array and what an operation takes that reduces it: ``axis``, ``keepdims``, and ``where`` if it is masked.

    Along the reduced axes there is a least number of elements. With holes, some but the first of each slice are NaN.
    """
    shape = draw(shapes(0, min_dims))
    axis = draw(some_axes(len(shape)))
    axes = normalize_axis_tuple(range(len(shape)) if axis is None else axis, len(shape))
    for i in axes:
        shape = resized(shape, i, max(shape[i], least))
    x = draw(kind(shape))
    if holes:
        x = np.asarray(np.where(draw(masks(shape, axes)), x, np.nan))
    chosen = {"axis": axis} | {name: draw(values) for name, values in options.items()}
    if keepdims:
        chosen["keepdims"] = draw(st.booleans())
    if masked and draw(st.booleans()):
        chosen["where"] = draw(masks(shape, axes))
    return Variant((x,), chosen)


def together(*kinds, signature=None, **options):
    """Arrays whose shapes broadcast, or match a signature such as '(n),(n)->()' with axes before those."""
    if signature is None:
        found = shapes().flatmap(lambda shape: st.tuples(*[within(shape)] * len(kinds)))
    else:
        signed = hnp.mutually_broadcastable_shapes(signature=signature, min_side=0, max_side=3, max_dims=2)
        found = signed.map(lambda found: found.input_shapes)
    return variants(found.flatmap(lambda some: st.tuples(*[kind(s) for kind, s in zip(kinds, some)])), **options)


def like(variant):
    """The domain of an elementwise operation: shapes that broadcast, and numbers in the range of an example's."""
    kinds = []
    for example in variant.arrays:
        sizes = st.floats(float(np.abs(example).min()), float(np.abs(example).max()), allow_subnormal=False)
        kinds.append(of(sizes if example.min() >= 0 else either_sign(sizes)))  # 0 is in few domains
    return together(*kinds, **{name: st.just(value) for name, value in variant.options.items()})


def domain(row):
    """What variants of a row are drawn from: its own, or that of every elementwise operation."""
    return like(row.variants[0]) if row.drawn is None and row.operation.elementwise else row.drawn
