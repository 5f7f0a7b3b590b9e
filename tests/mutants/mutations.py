"""What is done to a derivative so that it is wrong, and an operation one of whose derivatives it is done to."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

Derivative = Callable[[Any], Any]  # from the gradient of the output to that of one argument
Mutation = Callable[[Derivative, Any], Any]  # of a derivative and the gradient that arrives, the altered result


def of_result(alter: Callable[[Any], Any]) -> Mutation:
    """The mutation that alters what the derivative gives."""
    return lambda derivative, g: alter(derivative(g))


def changed(array: Any, value: Any, at: Any = -1) -> Any:
    """A copy with one element, the last unless it is said which, replaced: ``value(element)``."""
    copy = np.array(array)
    copy.flat[at] = value(copy.flat[at])
    return copy


def dropped_term(derivative: Derivative, g: Any) -> Any:
    """The sum over the outputs without its last term; of one output, all but the last element of the gradient."""
    last_is_0 = lambda array: changed(array, lambda _: 0)
    return derivative(last_is_0(g)) if np.size(g) > 1 else last_is_0(derivative(g))


def rolled(gx: Any, of_long: int) -> Any:
    """The result moved by one along the first (0) or last (−1) axis of more than one element."""
    long = [axis for axis, n in enumerate(gx.shape) if n > 1]
    return np.roll(gx, 1, long[of_long]) if long else gx


MUTATIONS: dict[str, Mutation] = {
    "× 2": of_result(lambda gx: gx * 2),
    "× 1.001": of_result(lambda gx: gx * 1.001),
    "sign": of_result(lambda gx: -gx),
    "plus 0.001": of_result(lambda gx: gx + 0.001),
    "dropped term": dropped_term,
    "transposed": of_result(lambda gx: np.reshape(gx.T, gx.shape)),
    "off by one, first axis": of_result(lambda gx: rolled(gx, 0)),
    "off by one, last axis": of_result(lambda gx: rolled(gx, -1)),
    "off by one in g": lambda derivative, g: derivative(np.roll(g, 1)),
    "zero": of_result(np.zeros_like),
    "NaN": of_result(lambda gx: gx * np.nan),
    "NaN in one element": of_result(lambda gx: changed(gx, lambda _: np.nan)),
    "infinite in one element": of_result(lambda gx: changed(gx, lambda _: np.inf)),
    "1e200 in one element": of_result(lambda gx: changed(gx, lambda _: 1e200)),
    "× 1.001 in one element": of_result(lambda gx: changed(gx, lambda element: element * 1.001, np.argmax(np.abs(gx)))),
    "float32": of_result(lambda gx: gx.astype(np.float32)),
    "an axis too many": of_result(lambda gx: gx[..., np.newaxis]),
    "a row too few": of_result(lambda gx: gx[:-1]),
    "transposed shape": of_result(np.transpose),
}


def mutated(operation: Any, mutation: Mutation, which: int) -> Any:
    """The operation again, its derivative by argument number ``which`` altered."""

    @wraps(operation.rule)
    def rule(*arrays: Any, **keywords: Any) -> Any:
        value, derivatives = operation.rule(*arrays, **keywords)
        found = list(derivatives)
        if which < len(found) and found[which] is not None:
            found[which] = lambda g, derivative=found[which]: mutation(derivative, g)
        return value, tuple(found)

    return type(operation)(rule, operation.hint)


def differentiated(operation: Any, differentiate: Callable[[Any], Any]) -> list[int]:
    """By which of its arguments the operation is differentiated where ``differentiate`` is called with it."""
    met: set[int] = set()

    @wraps(operation.rule)
    def rule(*arrays: Any, **keywords: Any) -> Any:
        value, derivatives = operation.rule(*arrays, **keywords)
        watched = [lambda g, i=i, d=d: met.add(i) or d(g) for i, d in enumerate(derivatives)]
        return value, tuple([None if d is None else w for d, w in zip(derivatives, watched)])

    differentiate(type(operation)(rule, operation.hint))
    return sorted(met)
