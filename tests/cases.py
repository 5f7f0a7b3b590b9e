"""The table of cases: one row for each operation, and every test of all operations runs over it.

A row says how the operation is called, with which arrays and options, and what the value is: that of
the NumPy function it mirrors, or a formula written here without looking at the rule. The arrays are
drawn in the operation's domain, away from kinks, and in its active range, so that no derivative is
0 against 0. A new operation needs one row.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np import operations
from tinygrad_np.rules import elementwise, linalg, network, reductions, shape

rng = np.random.default_rng(20240229)


class Variant(NamedTuple):
    """One way of calling an operation: the arrays to differentiate by, and the rest."""

    arrays: tuple[np.ndarray, ...]
    options: Mapping[str, Any] = MappingProxyType({})


class Row(NamedTuple):
    """An operation under test. ``call`` takes the operation, or the NumPy function it mirrors, then the arrays."""

    operation: operations.Operation
    variants: Sequence[Variant]
    formula: Callable[..., Any] | None = None
    call: Callable[..., Any] = lambda operation, *arrays, **options: operation(*arrays, **options)

    @property
    def name(self):
        return self.operation.name

    def on(self, *arrays, **options):
        """The operation's value."""
        return self.call(self.operation, *arrays, **options)

    def expected(self, *arrays, **options):
        """The value by NumPy or by the formula."""
        function = self.formula or mirrored(self.operation)
        return self.call(function, *arrays, **options) if self.formula is None else function(*arrays, **options)


def mirrored(operation):
    """The NumPy function that an operation mirrors; no reduce method of a ufunc, whose default axis is another."""
    names = [f for f, declared in operations.table.items() if declared is operation and not hasattr(f, "__self__")]
    return names[0] if names else None


def uniform(*shape, low=-2.0, high=2.0):
    return np.asarray(rng.uniform(low, high, shape))


def apart(*shape, shift=0.0):
    """Numbers in random order that keep at least 0.1 from each other, from 0, and from those of another shift."""
    n = int(np.prod(shape))
    return (0.3 * (rng.permutation(n) - n // 2) + 0.1 + shift).reshape(shape)


def unary(draw=uniform, **options):
    return [Variant((draw(*shape, **options),)) for shape in [(3, 4), (), (5,), (2, 3, 2), (0, 3)]]


PAIRS = [((3, 4), (3, 4)), ((3, 4), (1, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((3, 4), ()), ((), (3, 4))]
PAIRS += [((2, 3, 4), (3, 1)), ((4,), (2, 1, 4)), ((), ()), ((0, 3), (3,)), ((1, 3), (0, 1))]


def binary(first=uniform, second=uniform):
    return [Variant((first(*left), second(*right))) for left, right in PAIRS]


def positive(*shape):
    return uniform(*shape, low=0.3, high=2.5)


def either_sign(*shape):
    return np.asarray(positive(*shape) * rng.choice([-1.0, 1.0], shape))


def apart_too(*shape):
    return apart(*shape, shift=0.1)


AXES = [None, 0, 1, -1, (0, 1), (0, -1), (-1, -2), ()]


def reduced(draw, axes=AXES):
    some = [Variant((draw(3, 4),), {"axis": axis, "keepdims": k}) for axis in axes for k in (False, True)]
    some += [Variant((draw(2, 3, 2),), {"axis": axis}) for axis in (1, (0, 2), None)]
    return [*some, Variant((draw(),)), Variant((draw(5),), {"axis": 0}), Variant((draw(0, 3),), {"axis": 1})]


MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])
PICK = np.array([True, False, True])

INDICES_2D: list[Any] = [
    1, -1, np.int64(2), slice(1, 3), slice(None, None, -1), slice(5, 9), (slice(None), 2), (1, 2), Ellipsis, None, (),
    (Ellipsis, None, 0), (slice(None, None, 2), slice(3, 0, -2)), [0, 0, 1], np.array([2, -1, 2, 2]), [],
    np.array([[0, 1], [2, 0]]), MASK, PICK, ([0, 1, 0], [1, 1, 1]), (slice(None), [0, 0]), (PICK, 1),
    (PICK, slice(1, 3)), (np.array([[0], [2]]), np.array([1, 1, 3])), (0, [1, 1]),
    ([2, 2], slice(None, None, -1)), True, (None, [1, 1]),
]  # fmt: skip
INDICES_3D: list[Any] = [
    (0, slice(None), [1, 1]), ([1, 0, 1], slice(None), [0, 0, 1]), (Ellipsis, [0, 0]), (slice(None), PICK),
    (1, Ellipsis, None, 0), (np.array([1, 1]), np.array([0, 2])), (slice(None), None, 1, [1, 0]), (None, Ellipsis, 1),
]  # fmt: skip

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
DOT += [((), (3,)), ((2, 3), ()), ((), ()), ((0, 4), (4, 2))]

LABELS = np.array([2, 0, 2, 1])


def softmax_formula(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def scatter(x, index, shape):
    """What put does, one element after another."""
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    y = np.zeros(shape, x.dtype)
    for place, value in zip(places.ravel(), x.ravel()):
        y.flat[place] += value
    return y


def cross_entropy_formula(logits, *z, targets=None):
    """The mean of −ln p at the labels, or weighted by the probabilities softmax(z)."""
    logarithms = np.log(softmax_formula(logits))
    if targets is None:
        return -(softmax_formula(*z) * logarithms).sum() / len(logits)
    return -logarithms[np.arange(len(targets)), targets].mean()


def cross_entropy(operation, logits, *z, **options):
    """With a second array, the targets are its softmax: probabilities stay probabilities however it is moved."""
    return operation(logits, *map(network.softmax, z), **options)


def over(option, values, *shape, draw=uniform):
    """One array of a shape, and each of the values of an option."""
    return [Variant((draw(*shape),), {option: value}) for value in values]


def of_shapes(*shapes, **options):
    """One variant for each tuple of shapes, an array a shape."""
    return [Variant(tuple(uniform(*s) for s in some), options) for some in shapes]


def parts_of(shape, indices):
    """What ``put`` takes: an array as large as each index picks, the index, and the shape of all."""
    options = [{"index": index, "shape": shape} for index in indices]
    return [Variant((uniform(*np.empty(shape)[o["index"]].shape),), o) for o in options]


POWERS = over("x2", (2, 3, -1, 2.0, 0, 1), 3, 2, draw=either_sign)  # by constants, of either sign
NUMERATORS = np.array([[2.3, -2.3], [7.1, -0.4]])
CHOICES = [
    v for c in (MASK, MASK[0]) for v in of_shapes(*[((3, 4), s) for s in [(3, 4), (4,), (), (3, 1)]], condition=c)
]
CHOICES += of_shapes(((), (2, 1, 1)), condition=MASK) + of_shapes(((), ()), condition=True)
JOINS = [Variant((uniform(3, 4), uniform(3, n)), {"axis": a}) for n, a in [(2, 1), (1, -1), (4, 0), (0, 1), (5, None)]]
JOINS += of_shapes(((3,),), ((1,), (2,), (3,)), ((2, 1), (3, 1)))
INDEXED = over("index", INDICES_2D, 3, 4) + over("index", INDICES_3D, 2, 3, 2)
BROADCASTS = [((3, 1), (3, 4)), ((4,), (2, 3, 4)), ((), (3,)), ((1, 3), (0, 3))]

ROWS = [
    Row(elementwise.add, binary()),
    Row(elementwise.subtract, binary()),
    Row(elementwise.multiply, binary()),
    Row(elementwise.divide, binary(second=either_sign)),
    Row(elementwise.remainder, [Variant((NUMERATORS, np.array(x2))) for x2 in (1.7, [1.5, -2.0])]),
    Row(elementwise.power, binary(positive) + POWERS, call=lambda operation, x1, x2: operation(x1, x2)),
    Row(elementwise.negative, unary()),
    Row(elementwise.absolute, unary(apart)),
    Row(elementwise.exp, unary()),
    Row(elementwise.log, unary(positive)),
    Row(elementwise.logaddexp, binary()),
    Row(elementwise.sqrt, unary(positive)),
    Row(elementwise.tanh, unary()),
    Row(elementwise.maximum, binary(apart, apart_too)),
    Row(elementwise.minimum, binary(apart, apart_too)),
    Row(
        elementwise.where,
        CHOICES,
        call=lambda operation, x1, x2, condition: operation(condition, x1, x2),
    ),
    Row(
        elementwise.astype,
        unary(),
        formula=np.positive,
        call=lambda operation, x: operation(
            operation(x, np.longdouble), x.dtype
        ),  # back, to keep its dtype like others
    ),
    Row(reductions.sum, reduced(uniform)),
    Row(reductions.mean, reduced(uniform)),
    Row(reductions.max, reduced(apart)),
    Row(reductions.min, reduced(apart)),
    Row(
        reductions.logsumexp,
        reduced(uniform),
        formula=lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis, keepdims=keepdims)),
    ),
    Row(
        shape.reshape,
        over("shape", [(4, 3), -1, (2, -1), (1, 12, 1), (3, 4)], 3, 4)
        + over("shape", [(1, 1)])
        + over("shape", [()], 1)
        + over("shape", [(3, 0)], 0, 3),
    ),
    Row(
        shape.transpose,
        of_shapes(((3, 4),), ((5,),), ((),), ((2, 3, 4),), ((0, 3),))
        + over("axes", [(1, 2, 0), (2, 0, 1), (-1, 0, -2), (0, 1, 2)], 2, 3, 4),
    ),
    Row(shape.swapaxes, [Variant((uniform(2, 3, 4),), {"axis1": a, "axis2": b}) for a, b in [(0, 1), (-1, 0), (1, 1)]]),
    Row(shape.broadcast_to, [Variant((uniform(*s),), {"shape": t}) for s, t in BROADCASTS]),
    Row(
        shape.concatenate,
        JOINS,
        call=lambda operation, *arrays, **options: operation(arrays, **options),
    ),
    Row(shape.getitem, INDEXED + over("index", [(), Ellipsis, None, True, False]), formula=lambda x, index: x[index]),
    Row(shape.put, parts_of((3, 4), INDICES_2D) + parts_of((2, 3, 2), INDICES_3D), formula=scatter),
    Row(linalg.matmul, of_shapes(*MATMUL)),
    Row(linalg.dot, of_shapes(*DOT)),
    Row(network.relu, unary(apart), formula=lambda x: np.where(x > 0, x, 0)),
    Row(network.sigmoid, unary(), formula=lambda x: 1 / (1 + np.exp(-x))),
    Row(network.softmax, over("axis", (-1, 0, 1), 3, 4) + over("axis", (-1,), 5), formula=softmax_formula),
    Row(
        network.log_softmax,
        over("axis", (-1, 0, 1), 3, 4) + over("axis", (1,), 2, 3, 2),
        formula=lambda x, axis=-1: np.log(softmax_formula(x, axis)),
    ),
    Row(
        network.linear,
        of_shapes(*[((*s, 4), (4, 2), (2,)) for s in [(3,), (), (2, 3), (0,)]], ((3, 4), (4, 2))),
        formula=lambda x, weight, bias=0: x @ weight + bias,
    ),
    Row(
        network.softmax_cross_entropy,
        over("targets", [LABELS], 4, 3)
        + over("targets", [np.arange(30) % 3], 30, 3)
        + of_shapes(((4, 3), (4, 3)), ((30, 3), (30, 3))),
        formula=cross_entropy_formula,
        call=cross_entropy,
    ),
]

CASES = {row.name: row for row in ROWS}


def describe(name, number, variant):
    """The id of a parametrised test: operation, number, shapes."""
    return f"{name}-{number}-" + ",".join("x".join(map(str, a.shape)) or "scalar" for a in variant.arrays)


def every_variant(keep=lambda variant: True):
    """Parameters ``row, variant`` of all cases, with their ids, as ``pytest.mark.parametrize`` takes them."""
    chosen = [(row, i, v) for row in ROWS for i, v in enumerate(row.variants) if keep(v)]
    return {
        "argnames": ("row", "variant"),
        "argvalues": [(row, v) for row, _, v in chosen],
        "ids": [describe(row.name, i, v) for row, i, v in chosen],
    }


def every_operation():
    """Parameters ``row, variant``: the first variant of each operation."""
    return {
        "argnames": ("row", "variant"),
        "argvalues": [(row, row.variants[0]) for row in ROWS],
        "ids": list(CASES),
    }
