"""Calls as text, which people can read and Python can run: names for operands, one expression a call."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from keyword import iskeyword
from typing import Any

import numpy as np

from tinygrad_np.compiling.values import Call, Scalar, Value, cast, guard, has_shape

OPERATORS: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", operator.pow: "**"}
OPERATORS |= {np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">="}
OPERATORS |= {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.mod: "%"}
OPERATORS |= {operator.floordiv: "//", operator.eq: "==", operator.ne: "!=", operator.lt: "<", operator.le: "<="}
OPERATORS |= {operator.gt: ">", operator.ge: ">="}
MODULES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}
LITERALS = (bool, int, str, type(None), type(Ellipsis))


def is_name(text: str) -> bool:
    """Whether Python's source can say it as a name; attributes may be called anything by setattr()."""
    return text.isidentifier() and not iskeyword(text)


class Names:
    """A name for each Value and Scalar of a program, and for each object that its text cannot say otherwise."""

    def __init__(self, arguments: Iterable[Value]) -> None:
        self.given: dict[int, str] = {}
        self.taken: set[str] = {"np", "guard", "step", "bind"}
        self.bound: dict[str, Any] = {}  # what the text refers to
        for value in arguments:
            self.name(value, value.name or "x")

    def name(self, thing: Any, wanted: str) -> str:
        """The name of ``thing``: the one that it has, or one like ``wanted``."""
        if id(thing) not in self.given:
            base, i = wanted if is_name(wanted) else f"x_{wanted}", 1
            wanted = base
            while wanted in self.taken:
                i += 1
                wanted = f"{base}_{i}"
            self.taken.add(wanted)
            self.given[id(thing)] = wanted
        return self.given[id(thing)]

    def bind(self, thing: Any, wanted: str) -> str:
        """The name of an object from outside."""
        name = self.name(thing, wanted)
        self.bound[name] = thing
        return name

    def of(self, x: Any) -> str:
        """An argument of a call as text."""
        if isinstance(x, Value):
            return self.of_value(x)
        if isinstance(x, Scalar):
            return self.name(x, x.name or "s")
        if isinstance(x, LITERALS) or (type(x) is float and math.isfinite(x)):
            text = "..." if x is Ellipsis else repr(x)
            return f"({text})" if text.startswith("-") else text
        if isinstance(x, tuple) and type(x) is tuple:
            return f"({', '.join(map(self.of, x))}{',' if len(x) == 1 else ''})"
        if type(x) is list:
            return f"[{', '.join(map(self.of, x))}]"
        if isinstance(x, slice):
            return f"slice({self.of(x.start)}, {self.of(x.stop)}, {self.of(x.step)})"
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return f"np.{np.dtype(x).type.__name__}"
        return self.bind(x, "c")

    def of_value(self, value: Value) -> str:
        """The name of a Value: of a live array, the one by which it is bound."""
        if value.array is not None and value.reading is None:
            name = self.name(value, value.name or "c")
            self.bound[name] = value.array
            return name
        return self.name(value, value.name or "v")

    def function(self, function: Callable[..., Any]) -> str:
        """How the text calls a function."""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.function(owner)}.{function.__name__}"
        if isinstance(owner, np.random.Generator):
            return f"{self.bind(owner, 'rng')}.{function.__name__}"
        name = getattr(function, "__name__", "")
        for path, module in MODULES.items():
            if getattr(module, name, None) is function:
                return f"{path}.{name}"
        return self.bind(function, name.strip("_<>") or "f")

    def expression(self, call: Call) -> str:
        """The call as a line of Python, without the name of what it gives."""
        arguments = [self.of(x) for x in call.arguments]
        function, keywords = call.function, [f"{k}={self.of(v)}" for k, v in call.keywords.items()]
        if function is operator.getitem:
            return f"{arguments[0]}[{self.index(call.arguments[1])}]"
        if function is operator.setitem:
            return f"{arguments[0]}[{self.index(call.arguments[1])}] = {arguments[2]}"
        if function is guard:
            return f"guard({', '.join(arguments)})"
        if function is has_shape:
            return f"{arguments[0]}.shape == {arguments[1]}"
        if function is cast:
            return f"{arguments[0]}.astype({arguments[1]})"
        if function in OPERATORS and not keywords:
            return f"{arguments[0]} {OPERATORS[function]} {arguments[1]}"
        if function is np.reshape and call.arguments[1] == () and not _is_array(call.arguments[0]):
            return f"np.asarray({arguments[0]})"
        if function is np.transpose and call.arguments[1] == tuple(reversed(range(len(call.arguments[1])))):
            return f"{arguments[0]}.T"
        if function in (np.dot, np.reshape, np.transpose) and len(arguments) == 2 and _is_array(call.arguments[0]):
            return f"{arguments[0]}.{function.__name__}({', '.join([*arguments[1:], *keywords])})"
        return f"{self.function(function)}({', '.join([*arguments, *keywords])})"

    def index(self, index: Any) -> str:
        """What stands between the brackets."""
        parts = index if isinstance(index, tuple) and index else (index,)
        return ", ".join(map(self._part, parts)) + ("," if isinstance(index, tuple) and len(index) == 1 else "")

    def _part(self, part: Any) -> str:
        if not isinstance(part, slice):
            return self.of(part)
        ends = ["" if x is None else self.of(x) for x in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])

    def scalar(self, scalar: Scalar) -> str:
        """How a number is computed, or read."""
        arguments = [self.of(x) for x in scalar.arguments]
        if scalar.function in OPERATORS:
            return f"{arguments[0]} {OPERATORS[scalar.function]} {arguments[1]}"
        if scalar.function is operator.neg:
            return f"-{arguments[0]}"
        name = self.name(scalar, scalar.name or "s")
        return f"{self.bind(scalar.function, f'read_{name}')}({', '.join(arguments)})"


def _is_array(x: Any) -> bool:
    """Whether ``x`` is sure to have an array's methods."""
    return isinstance(x, Value) and bool(x.shape)
