"""Python that is written out for one program: what reads and sets its numbers, without a call where none is needed.

A loop over closures would take longer than the native step.
"""

from __future__ import annotations

import inspect
import linecache
import operator
import re
from collections.abc import Callable
from itertools import count
from typing import Any

from tinygrad_np.compiling.places import Access
from tinygrad_np.compiling.text import OPERATORS, is_name
from tinygrad_np.compiling.values import Scalar

number = count(1).__next__


class Script:
    """Functions as text, what they name, and the variables that they share."""

    def __init__(self) -> None:
        self.functions: dict[str, list[str]] = {}
        self.bound: dict[str, Any] = {}
        self.names: dict[int, str] = {}  # of what is bound, by id
        self.variables: dict[str, Any] = {}

    def begin(self, signature: str) -> None:
        """Begin another function, such as ``run(arguments)``."""
        self.lines: list[str] = []
        self.functions[signature] = self.lines
        self.known: dict[Scalar, str] = {}

    def add(self, line: str) -> None:
        """Add a line to the function."""
        self.lines.append(line)

    def named(self, thing: Any) -> str:
        """The name of an object."""
        if id(thing) not in self.names:
            said = thing.__name__ if isinstance(thing, type) or inspect.isroutine(thing) else type(thing).__name__
            name = self.names[id(thing)] = f"{re.sub(r'[^a-z0-9]+', '_', said.lower()).strip('_')}_{len(self.names)}"
            self.bound[name] = thing
        return self.names[id(thing)]

    def place(self, access: Access) -> str:
        """What an Access reads or sets."""
        container, key = access.args[:2]
        if access.func in (operator.getitem, operator.setitem):
            return f"{self.named(container)}[{repr(key) if type(key) in (str, int) else self.named(key)}]"
        if is_name(key) and hasattr(container, key):
            return f"{self.named(container)}.{key}"
        return f"getattr({self.named(container)}, {key!r}, None)"

    def reading(self, read: Callable[[], Any] | None) -> str:
        """What ``read()`` gives."""
        return self.place(read) if isinstance(read, Access) else f"{self.named(read)}()"

    def set(self, setter: Callable[[Any], None], text: str) -> None:
        """Add ``setter(text)``."""
        if isinstance(setter, Access):
            own: Any = type(setter.args[0]).__setattr__
            plain = setter.func is operator.setitem or own is object.__setattr__
            place = self.place(setter)
            if plain and not place.startswith("getattr"):
                self.add(f"{place} = {text}")
                return
        self.add(f"{self.named(setter)}({text})")

    def scalar(self, x: Any) -> str:
        """A number, computed as Python would, in a line of its own."""
        if not isinstance(x, Scalar):
            return self.named(x)
        if x not in self.known:
            arguments = [self.scalar(a) for a in x.arguments]
            if x.function in OPERATORS and len(arguments) == 2:
                text = f"{arguments[0]} {OPERATORS[x.function]} {arguments[1]}"
            else:
                text = f"{self.named(x.function)}({', '.join(arguments)})" if arguments else self.reading(x.function)
            self.known[x] = f"s{len(self.known)}"
            self.add(f"{self.known[x]} = {text}")
        return self.known[x]

    def compiled(self) -> list[Callable[..., Any]]:
        """The functions; tracebacks show their lines."""
        text = [f"def bind({', '.join([*self.bound, *self.variables])}):"]
        for signature, lines in self.functions.items():
            text.append(f" def {signature}:")
            text += [f"  nonlocal {', '.join(self.variables)}"] * bool(self.variables)
            text += [f"  {line}" for line in lines or ["pass"]]
        text.append(f" return {', '.join(signature.split('(')[0] for signature in self.functions)},")
        space: dict[str, Any] = {}
        filename = f"<native step {number()}>"
        linecache.cache[filename] = len(text), None, [f"{line}\n" for line in text], filename
        exec(compile("\n".join(text), filename, "exec"), space)
        return list(space["bind"](*self.bound.values(), *self.variables.values()))
