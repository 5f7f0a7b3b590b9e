"""Many points in one call, for functions that take a leading axis of points and give one of values."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from tinygrad_np.checks.slopes import Array
from tinygrad_np.checks.subject import Subject
from tinygrad_np.tensor import Tensor
from tinygrad_np.trees import mapped

ELEMENTS = 2**16  # in a stack at most: half a megabyte, so that it stays in the processor's cache
LARGEST = 2500  # elements of a point and its value together; computing what is larger takes longer than calling f
FEWEST = 5  # points that are tried together, or one more, as often as f has an axis of that length
COMPARED = 3  # of them, each with f of that point alone


class Stack:
    """The terms of a subject at many values of its i-th input at once, if its function allows it.

    It does if a stack of values gives the stack of their results, which is tried on a few points: operations
    that work element by element, matrix products and most of np.linalg do; a sum over all axes does not.
    """

    def __init__(self, subject: Subject, i: int) -> None:
        self.subject, self.i = subject, i
        sizes = subject.point[i].size, np.size(subject.weights)
        self.rows = ELEMENTS // max(*sizes, 1)
        self.allowed = subject.own and sizes[0] > 4 and sum(sizes) <= LARGEST and self._is_allowed()

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
        lengths = {*x.shape, *self.subject.weights.shape}
        k = next(k for k in count(FEWEST) if k not in lengths)  # lest f takes the points for something else
        some = x + 1e-3 * np.random.default_rng(0).uniform(-1, 1, (k, *x.shape))
        try:
            together = self.terms(some)
        except Exception:  # whatever it raises, a function that takes no stack is asked one point at a time
            return False
        finally:
            self.subject.restore()
        zeros = [np.zeros_like(other) for other in self.subject.point]
        for point, terms in zip(some[:COMPARED], together):
            zeros[self.i] = point - x
            alone = self.subject.line(zeros)(1.0)[1]
            if not np.allclose(terms, alone, rtol=1e-12, atol=1e-14):
                return False
        return True
