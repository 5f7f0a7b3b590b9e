"""Many points in one call, for functions that take a leading axis of points and give one of values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_np.checks.slopes import Array
from tinygrad_np.checks.subject import Subject
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import mapped

ELEMENTS = 2**18  # in a stack, so that it stays in the processor's cache


class Stack:
    """The terms of a subject at many values of its i-th input at once, if its function allows it.

    It does if a stack of values gives the stack of their results, which is tried on a few points: operations
    that work element by element, matrix products and most of np.linalg do; a sum over all axes does not.
    """

    def __init__(self, subject: Subject, i: int) -> None:
        self.subject, self.i = subject, i
        self.rows = max(1, ELEMENTS // max(subject.point[i].size, subject.weights.size, 1))
        self.allowed = subject.own and subject.point[i].size > 4 and self._is_allowed()

    def terms(self, points: Array) -> Array:
        """The terms at each of the points (k, …), as (k, …)."""
        self.subject.calls += 1
        value = self._value(points)
        data = np.asarray(value.data if isinstance(value, Tensor) else value, np.float64)
        if data.shape != (len(points), *self.subject.weights.shape):
            raise ValueError(f"a stack of {len(points)} points gave the shape {data.shape}")
        terms: Array = data * self.subject.weights
        return terms

    def _value(self, points: Array) -> Any:
        """What f returns with the points in the place of the i-th input."""
        places = iter(range(len(self.subject.names)))

        def argument(leaf: Any) -> Any:
            if next(places) != self.i:
                return leaf
            return Tensor(points) if isinstance(leaf, Tensor) else points

        return self.subject.f(*[mapped(argument, given) for given in self.subject.arguments])

    def _is_allowed(self) -> bool:
        x = self.subject.point[self.i]
        k = 1 + max(3, *x.shape, *self.subject.weights.shape)  # as many as f has no axis of, nor an index for
        some = x + 1e-3 * np.random.default_rng(0).uniform(-1, 1, (k, *x.shape))
        try:
            together = self.terms(some)
        except Exception:  # whatever it raises, a function that takes no stack is asked one point at a time
            return False
        finally:
            self.subject.restore()
        zeros = [np.zeros_like(other) for other in self.subject.point]
        for point, terms in zip(some[:3], together):
            zeros[self.i] = point - x
            alone = self.subject.line(zeros)(1.0)[1]
            if not np.allclose(terms, alone, rtol=1e-12, atol=1e-14):
                return False
        return True
