"""Einstein summation: np.einsum of any operands, and its derivatives, which are einsums again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, compress
from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any, NamedTuple

import numpy as np

from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import as_array
from tinygrad_np.tape import Array, Derivative

NUMBERED = ascii_uppercase + ascii_lowercase  # what the index numbers 0 … 51 stand for
ELLIPSIS = "..."

# From so many multiplications on, a product of two goes by BLAS: below, NumPy takes longer to prepare for it.
BY_BLAS = 2**15

Shape = tuple[int, ...]


@composition(np.einsum, hint="Give a term of letters, one for each axis, for each operand: 'ij,jk->ik'")
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """Sum of products over the indices that the result lacks, as np.einsum writes it.

    With ``optimize``, three operands or more are multiplied in pairs, in the order that
    np.einsum_path finds, and the gradient goes back over the same pairs.
    """
    subscripts, arrays = _lettered(operands)
    xs = [as_array(x) for x in arrays]
    subscripts = _explicit(subscripts, tuple([x.ndim for x in xs]))
    if optimize is False:
        return sum_of_products(*xs, subscripts=subscripts)
    if isinstance(optimize, list):
        optimize = tuple([tuple(part) if isinstance(part, list) else part for part in optimize])  # hashable
    for step, positions in _path(subscripts, tuple([x.shape for x in xs]), optimize):
        xs.append(sum_of_products(*[xs.pop(i) for i in positions], subscripts=step))
    return xs[0]


@operation(linear=sys.maxsize)  # in every operand
def sum_of_products(*xs: Array, subscripts: str) -> Result:
    """y = Σ x1·x2·…, as in 'ij,jk->ik';  ∂L/∂xᵢ = Σ g·(the others), over the indices that xᵢ lacks.

    An axis of length 1 is repeated to fit its index. Where an operand has an index twice, the gradient
    stands on the diagonal; an index that nothing else has gets the same gradient all along.
    """
    shapes = tuple([x.shape for x in xs])
    by_blas, transposed = _plan(subscripts, shapes)

    def derivative(i: int) -> Derivative:
        others, shape, (backward, room, diagonal) = xs[:i] + xs[i + 1 :], shapes[i], transposed[i]

        def gx(g: Array) -> Array:
            gx = np.einsum(backward, g, *others, optimize=by_blas)
            if room is not None:
                gx = gx[room]
            if diagonal:
                gx = np.where(_on_diagonal(diagonal, shape), gx, 0)
            return gx if gx.shape == shape else np.broadcast_to(gx, shape)

        return gx

    return np.einsum(subscripts, *xs, optimize=by_blas), tuple([derivative(i) for i in range(len(xs))])


def _lettered(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The subscripts as a string, and the arrays: NumPy also takes x1, [0, 1], x2, [1, 2], [0, 2]."""
    if operands and isinstance(operands[0], str):
        return operands[0], operands[1:]
    terms = ["".join(map(_letter, term)) for term in operands[1::2]]
    subscripts = ",".join(terms)
    if len(operands) % 2:
        subscripts += "->" + "".join(map(_letter, operands[-1]))
    return subscripts, operands[: 2 * len(terms) : 2]


def _letter(index: Any) -> str:
    if index is Ellipsis:
        return ELLIPSIS
    if not 0 <= index < len(NUMBERED):
        raise ValueError(f"index {index} is outside [0, {len(NUMBERED)})")
    return NUMBERED[index]


@lru_cache(maxsize=256)
def _explicit(subscripts: str, ndims: Shape) -> str:
    """The subscripts with a letter for each axis and an output. What makes no sense is left for NumPy to refuse."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    named = inputs.replace(ELLIPSIS, "").replace(",", "")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        return subscripts
    widths = [ndim + len(ELLIPSIS) - len(term) if ELLIPSIS in term else 0 for term, ndim in zip(terms, ndims)]
    width = max(widths, default=0)
    fresh = "".join([c for c in ascii_letters if c not in subscripts])[:width]
    terms = [term.replace(ELLIPSIS, fresh[width - n :]) for term, n in zip(terms, widths)]
    if not arrow:
        output = ELLIPSIS + "".join([c for c in sorted(set(named)) if named.count(c) == 1])
    elif fresh and ELLIPSIS not in output:
        raise ValueError(f"the result of {subscripts!r} lacks the axes that '...' stands for; write them there too")
    return f"{','.join(terms)}->{output.replace(ELLIPSIS, fresh)}"


def _terms(subscripts: str) -> tuple[tuple[str, ...], str]:
    """'ij,jk->ik' as ('ij', 'jk') and 'ik'."""
    inputs, _, output = subscripts.partition("->")
    return tuple(inputs.split(",")), output


@lru_cache(maxsize=256)
def _path(subscripts: str, shapes: tuple[Shape, ...], optimize: Any) -> list[tuple[str, list[int]]]:
    """The steps of a product of many: what each multiplies, and the positions that it takes from the list of operands.

    Positions run from the last, so that each can be popped; the product goes to the end of the list.
    """
    if isinstance(optimize, tuple):
        optimize = list(optimize)
    path, _ = np.einsum_path(subscripts, *[np.broadcast_to(0.0, shape) for shape in shapes], optimize=optimize)
    inputs, output = _terms(subscripts)
    terms = list(inputs)
    steps = []
    for step in path[1:]:
        positions = sorted(step, reverse=True)
        taken = ",".join([terms.pop(i) for i in positions])
        needed = set(output).union(*terms)
        terms.append("".join([c for c in dict.fromkeys(taken) if c in needed]) if terms else output)
        steps.append((f"{taken}->{terms[-1]}", positions))
    return steps


class _Transposed(NamedTuple):
    """How the gradient of one operand follows from g and the other operands.

    ``room`` is the index that makes room for the axes that the sum of their products does not have, if
    there are any; ``diagonal`` holds the operand's own letters if some of them come twice.
    """

    subscripts: str
    room: tuple[Any, ...] | None
    diagonal: str


@lru_cache(maxsize=256)
def _plan(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[bool, list[_Transposed]]:
    """Whether BLAS is worth its while for a sum of products, and the gradient of each operand."""
    terms, output = _terms(subscripts)
    if tuple(map(len, terms)) != tuple(map(len, shapes)):
        return False, []  # for NumPy to refuse
    lengths: dict[str, int] = {}
    for letter, n in zip("".join(terms), chain(*shapes)):
        lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
    transposed = []
    for i, (own, shape) in enumerate(zip(terms, shapes)):
        others = terms[:i] + terms[i + 1 :]
        elsewhere = set(output).union(*others)
        present = [
            c in elsewhere and n == lengths[c] and own.index(c) == axis for axis, (c, n) in enumerate(zip(own, shape))
        ]
        backward = f"{','.join((output, *others))}->{''.join(compress(own, present))}"
        room = None if all(present) else tuple([slice(None) if here else None for here in present])
        transposed.append(_Transposed(backward, room, own if len(set(own)) < len(own) else ""))
    return len(terms) == 2 and prod(lengths.values()) > BY_BLAS, transposed


def _on_diagonal(term: str, shape: Shape) -> Any:
    """Where axes that have the same letter have the same position."""
    mask: Any = True
    for axis, letter in enumerate(term):
        first = term.index(letter)
        if first != axis:
            mask = mask & np.equal(_positions(first, shape), _positions(axis, shape))
    return mask


def _positions(axis: int, shape: Shape) -> Any:
    """0 … n − 1 along ``axis``, with length 1 along the other axes."""
    return np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
