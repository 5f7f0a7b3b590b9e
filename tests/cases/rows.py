"""What a row of the table of cases is, and the arrays that rows are drawn from."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from hypothesis.strategies import SearchStrategy

from tinygrad_np import operations

rng = np.random.default_rng()
FLOATS = (np.float16, np.float32, np.float64, np.longdouble)
LAPACK = FLOATS[:3]  # longdouble is refused, for in float64 it would lose digits without a word


def begin(family):
    """Draw from random numbers of the family's own, so that a new row moves no other family's arrays."""
    rng.bit_generator.state = np.random.default_rng(list(family.encode())).bit_generator.state


class Variant(NamedTuple):
    """One way of calling an operation: the arrays to differentiate by, and the rest."""

    arrays: tuple[np.ndarray, ...]
    options: Mapping[str, Any] = MappingProxyType({})


class Row(NamedTuple):
    """An operation under test. ``call`` takes the operation, or the NumPy function it mirrors, then the arrays.

    ``dtypes`` are those that it takes; any other is refused. ``drawn`` is the strategy from which hypothesis draws more
    variants; elementwise operations need none of their own.
    """

    operation: operations.Operation
    variants: Sequence[Variant]
    formula: Callable[..., Any] | None = None
    call: Callable[..., Any] = lambda operation, *arrays, **options: operation(*arrays, **options)
    dtypes: Sequence[type] = FLOATS
    drawn: SearchStrategy[Variant] | None = None

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


def lean(draw=uniform):
    """A matrix, a scalar and no elements: enough where the rule does not depend on the shape."""
    return [Variant((draw(*shape),)) for shape in [(3, 4), (), (0, 3)]]


def lean_pairs(first=uniform, second=uniform):
    """Pairs that broadcast both, one or nothing: enough where the rule does not depend on the shapes."""
    pairs = [((3, 4), (3, 4)), ((3, 1), (1, 4)), ((), (3, 4)), ((0, 3), (3,))]
    return [Variant((first(*left), second(*right))) for left, right in pairs]


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


def over(option, values, *shape, draw=uniform):
    """One array of a shape, and each of the values of an option."""
    return [Variant((draw(*shape),), {option: value}) for value in values]


def of_shapes(*shapes, **options):
    """One variant for each tuple of shapes, an array a shape."""
    return [Variant(tuple(uniform(*s) for s in some), options) for some in shapes]
