"""Programs written call by call: each call runs at once, and is noted."""

import operator

import numpy as np

from tinygrad_np.compiling.native import Native
from tinygrad_np.compiling.program import Program
from tinygrad_np.compiling.values import Call, Scalar, Value


def start(array):
    return array.__array_interface__["data"][0]


class Writer:
    """Notes calls of NumPy. Arrays stand for Values: arguments, live arrays and results are told by their memory."""

    def __init__(self, *arguments, live=()):
        self.calls, self.roots, self.values = [], {}, {}
        self.arrays = [np.array(a) for a in arguments]
        self.live = list(live)
        self.arguments = [self._root(a, None) for a in self.arrays]
        for array in self.live:
            self._root(array, array)

    def _root(self, array, live):
        value = Value(array.shape, array.dtype, array.strides, array=live)
        self.roots[id(array)] = array, value
        self.values[id(array)] = array, value
        return value

    def value(self, array, live=True):
        """The Value of an array that is a root or a view of one."""
        if id(array) in self.values:
            return self.values[id(array)][1]
        owner = array
        while owner is not None and id(owner) not in self.roots:
            owner = owner.base
        if owner is None:
            return self._root(array, array if live else None)
        root = self.roots[id(owner)][1]
        offset = start(array) - start(owner)
        value = Value(array.shape, array.dtype, array.strides, root, offset)
        self.values[id(array)] = array, value
        return value

    def filled(self, tree):
        if isinstance(tree, np.ndarray):
            return self.value(tree)
        if isinstance(tree, (tuple, list)):
            return type(tree)(map(self.filled, tree))
        return tree

    def __call__(self, function, *arguments, **keywords):
        """Call a function, and note it; Scalars are read."""
        numbers = [reading(a) for a in arguments]
        result = function(*numbers, **keywords)
        noted = dict(keywords)
        writes = None
        if "out" in keywords:
            writes = self.value(keywords["out"])
        if function is operator.setitem:
            writes = self.value(arguments[0])
        elif result is not None:
            result = keywords.get("out", np.asarray(result))
        inputs = self.filled(tuple(arguments))
        value = None if result is None else self.value(result, live=False)
        self.calls.append(Call(function, inputs, self.filled_keywords(noted), value, writes))
        return result

    def filled_keywords(self, keywords):
        return {name: self.filled(v) for name, v in keywords.items()}

    def program(self, outputs, updates=()):
        return Program(self.arguments, self.calls, self.filled(outputs), updates)


def reading(tree):
    """A Scalar's number now."""
    if isinstance(tree, Scalar):
        return tree.function(*map(reading, tree.arguments))
    return tree


def native(writer, outputs, updates=()):
    """Native code of what was written."""
    return Native(writer.program(outputs, updates))
