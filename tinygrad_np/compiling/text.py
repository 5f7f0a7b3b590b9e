"""Programs as text: names for what they compute with, and one expression for each call."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from keyword import iskeyword
from typing import Any

import numpy as np

from tinygrad_np.compiling.program import Call, Program, Scalar, Value, cast, guard, has_shape, operands_in

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

    def __init__(self, program: Program) -> None:
        self.given: dict[int, str] = {}
        self.taken: set[str] = {"np", "guard", "step", "bind"}
        self.bound: dict[str, Any] = {}  # what the text refers to
        self.program = program
        for value in program.arguments:
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


def scalars_in(program: Program) -> list[Scalar]:
    """The numbers of a program, each after those that it is computed from."""
    found: dict[int, Scalar] = {}

    def visit(scalar: Scalar) -> None:
        if id(scalar) not in found:
            for x in operands_in(scalar.arguments):
                visit(x)
            found[id(scalar)] = scalar

    updates = [thing for _, thing in program.updates]
    for call in program.calls:
        for x in call.operands():
            if isinstance(x, Scalar):
                visit(x)
    for x in operands_in((program.outputs, updates)):
        if isinstance(x, Scalar):
            visit(x)
    return list(found.values())


def printed(program: Program) -> str:
    """The program for people: one line a call, with the shape and dtype of what it gives."""
    names = Names(program)
    lines = [f"{names.of(v)}: {_kind(v)}  (argument)" for v in program.arguments]
    body = [f"{names.of(s)} = {names.scalar(s)}" for s in scalars_in(program)]
    for call in program.calls:
        text = names.expression(call)
        if call.result is None or call.writes is call.result:
            body.append(text)
        else:
            body.append(f"{names.of(call.result)}: {_kind(call.result)} = {text}")
    live = [v for v in names_of_live(program) if id(v) in names.given]
    lines += [f"{names.of(v)}: {_kind(v)}  (by reference)" for v in live]
    body += [f"{getattr(put, 'name', '...')} = {names.of(x)}" for put, x in program.updates]
    return "\n".join([*lines, *body, f"return {names.of(program.outputs)}"])


def names_of_live(program: Program) -> list[Value]:
    """The live arrays among the operands, each once."""
    trees = [list(call.operands()) for call in program.calls]
    found = operands_in((trees, program.outputs, [x for _, x in program.updates]))
    return list(dict.fromkeys(x for x in found if isinstance(x, Value) and x.array is not None))


def _kind(value: Value) -> str:
    return f"{value.dtype}{list(value.shape)}"
