"""What code can read besides its arguments: the variables, items and attributes that it can reach by name.

A program keeps the numbers that the step read. So everything that the step can read must be found, to be compared
before each run.
"""

from __future__ import annotations

import dis
import gc
import itertools
import operator
import sys
import sysconfig
import weakref
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from enum import Enum
from functools import partial, partialmethod
from inspect import getgeneratorlocals
from types import CodeType, FunctionType, GeneratorType, MappingProxyType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from tinygrad_np.compiling.errors import LIBRARY, NUMPY
from tinygrad_np.compiling.holding import HOLDERS, arrays_in
from tinygrad_np.compiling.places import Place
from tinygrad_np.data.standardizing import Standardizer
from tinygrad_np.nn.module import Module

CONTAINERS = (list, dict, set, deque)
ITSELF = (bool, int, float, complex, str, bytes, type(None), np.ndarray, np.generic)  # with nothing in it to be read
INSTALLED = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
# What holds things that are not seen from Python, and cannot be changed.
HIDING: tuple[Any, ...] = (weakref.ref, ContextVar, type(iter([])), type(iter(())), operator.methodcaller)
HIDING += (GeneratorType, itertools.cycle, itertools.repeat, itertools.chain, map, zip, enumerate)
# Whose attributes are read by code that is not seen.
OPEN = {Module, Standardizer, Enum, UserDict, UserList, ChainMap, WeakKeyDictionary, WeakValueDictionary, partialmethod}
MAKING = ("__init__", "__new__", "__post_init__", "__init_subclass__")


class Captures:
    """The ``places`` that functions can read, the ``containers`` whose items they can, and the ``objects`` gone into.

    ``slots`` are all places where arrays are, or tuples and the like that may hold some. Where arrays are ``hidden``,
    nothing else can be put in their place.

    Only attributes whose ``names`` occur in that code count; an object, a class or a module may have many others. What
    is among the ``known``, by id, is searched only for its code, and the code of installed packages only for functions
    that their functions hold.
    """

    def __init__(self, functions: Iterable[Any], known: set[int]) -> None:
        functions, names = list(functions), None
        self.known, self.names = known, set[str]()
        home = getattr(getattr(functions[0], "__code__", None), "co_filename", "")
        self.others = (LIBRARY, NUMPY, *[path for path in INSTALLED if not home.startswith(path)])
        while names != self.names:  # until a pass reaches no new code
            names = set(self.names)
            self.met: dict[int, Any] = {}
            self.places: dict[tuple[int, Any], Place] = {}
            self.containers: list[tuple[str, Any]] = []
            self.objects: list[tuple[str, Any]] = []
            self.classes: set[int] = set()  # that were gone into, by id
            self.slots: list[Place] = []
            self.hidden: list[tuple[str, Any]] = []
            for function in functions:
                self._enter(function, "self")

    def may_read(self, place: Place) -> bool:
        """Whether the code can name ``place``: anything but an attribute of the user's that is in no code of theirs."""
        thing = place.container
        return place.is_item or place.key in self.names or not self.knows_code_of(thing)

    def knows_code_of(self, thing: Any) -> bool:
        """Whether ``thing`` is an object of the user's, and all code that its classes have was looked at."""
        return is_users(thing) and not _is_open(thing) and all(map(self._is_looked_at, type(thing).__mro__))

    def _is_looked_at(self, kind: type) -> bool:
        file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
        return kind.__module__.split(".")[0] in sys.stdlib_module_names or not file.startswith(self.others)

    def _enter(self, thing: Any, name: str) -> None:
        """Go into ``thing``, once."""
        if isinstance(thing, ITSELF) or id(thing) in self.met:
            return
        self.met[id(thing)] = thing
        if isinstance(thing, FunctionType):
            self._function(thing)
        elif isinstance(thing, (*CONTAINERS, tuple, frozenset)):
            self._container(thing, name)
            if type(thing).__module__ != "builtins":
                self._attributes(thing, name)
        else:
            if isinstance(thing, partial):
                self.slots += [Place(thing, key, False, name) for key in ("func", "args")]
            for part in _parts(thing):
                self._enter(part, name)
            if isinstance(thing, HIDING):
                self.hidden += [(name, x) for part in _parts(thing) for x in arrays_in(part)]
            self._attributes(thing, name)

    def _container(self, thing: Any, name: str) -> None:
        """The items of a list, a dictionary, a set, a tuple."""
        changes = isinstance(thing, CONTAINERS) and id(thing) not in self.known
        if changes:
            self.containers.append((name, thing))
        keeps = isinstance(thing, (set, frozenset))
        for key, item in _items(thing):
            if isinstance(item, HOLDERS):
                if keeps:
                    self.hidden += [(name, x) for x in arrays_in(item)]
                elif changes:
                    self.slots.append(Place(thing, key, True, f"{name}[{key!r}]"))
            if not isinstance(item, ITSELF):  # as most are in long lists
                self._enter(item, f"{name}[{key!r}]")

    def _function(self, function: FunctionType) -> None:
        """The variables of enclosing functions, globals and defaults."""
        code = function.__code__
        cells = zip(code.co_freevars, function.__closure__ or ())
        found = [Place(cell, "cell_contents", False, name) for name, cell in cells if _is_filled(cell)]
        own = not code.co_filename.startswith(self.others)
        if own:
            self.names |= _names(code)
            named = [name for name in dict.fromkeys(_globals(code)) if name in function.__globals__]
            found += [Place(function.__globals__, name, True, name) for name in named]
            defaults = [key for key in ("__defaults__", "__kwdefaults__") if getattr(function, key)]
            found += [Place(function, key, False, key) for key in defaults]
        self.slots += found
        if hasattr(function, "__wrapped__"):
            self._enter(function.__wrapped__, function.__name__)
        for place in found:
            if own and not isinstance(place.get(), ModuleType):
                self.places[place.identity] = place
            if own or callable(place.get()):
                self._enter(place.get(), place.name)
        if own:
            self._attributes(function, function.__name__)

    def _attributes(self, thing: Any, name: str) -> None:
        """The attributes that are named, of an object itself and of its class."""
        kinds = [*(thing.__mro__ if isinstance(thing, type) else [thing]), *type(thing).__mro__]
        for holder in kinds:
            if holder is not thing and id(holder) in self.classes:
                continue
            if isinstance(holder, type):
                self.classes.add(id(holder))
            if not is_users(holder):
                continue
            if holder is thing and hasattr(holder, "__dict__") and id(holder) not in self.known:
                self.objects.append((name, holder))
            is_open = _is_open(holder)
            for key in _held(holder):
                value, place = _kept(holder, key, f"{name}.{key}")
                named = is_open or key in self.names
                if place is not None and id(holder) not in self.known:
                    if named or isinstance(value, np.ndarray):
                        self.slots.append(place)
                    if named:
                        self.places[place.identity] = place
                called = isinstance(value, FunctionType) and key[:2] == "__" and key not in MAKING  # as by an operator
                if named or called:
                    self._enter(value, f"{name}.{key}")


def _parts(thing: Any) -> Iterator[Any]:
    """What a callable is made of, or what Python shows of a thing in no other way."""
    if isinstance(thing, partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif isinstance(thing, weakref.ref):
        yield thing()
    elif isinstance(thing, ContextVar):
        yield thing.get(None)
    elif isinstance(thing, MappingProxyType):
        yield from [inner for inner in gc.get_referents(thing) if "__module__" not in inner]  # as in that of a class
    elif isinstance(thing, GeneratorType):
        yield from getgeneratorlocals(thing).values()
    elif isinstance(thing, HIDING):
        yield from [part for part in gc.get_referents(thing) if isinstance(part, (*HOLDERS, *HIDING, list, dict))]
    elif isinstance(thing, property):
        yield thing.fget
    elif isinstance(thing, (MethodType, staticmethod, classmethod)):
        yield thing.__func__
    if hasattr(type(thing), "__self__"):  # for an object may say that it has any attribute
        yield thing.__self__
    if "__wrapped__" in getattr(thing, "__dict__", ()):
        yield thing.__wrapped__


def _is_filled(cell: Any) -> bool:
    """Whether the variable of an enclosing function has a value yet."""
    try:
        cell.cell_contents  # noqa: B018 - it is only asked for
    except ValueError:
        return False
    return True


def _items(container: Any) -> Iterable[tuple[Any, Any]]:
    return container.items() if isinstance(container, dict) else enumerate(container)


def _is_open(thing: Any) -> bool:
    return not OPEN.isdisjoint(type(thing).__mro__)  # as isinstance says, which is slow to ask of abstract classes


def is_users(thing: Any) -> bool:
    """Whether its attributes may be read by the user's code, which may change them between two steps."""
    if _is_open(thing):
        return True
    defined = thing if isinstance(thing, (type, FunctionType)) else type(thing)
    home = thing.__name__ if isinstance(thing, ModuleType) else defined.__module__ or "builtins"
    first = home.split(".")[0]
    if first in ("tinygrad_np", "numpy", "builtins"):
        return False
    return first not in sys.stdlib_module_names or not isinstance(thing, (ModuleType, type))


def _kept(holder: Any, key: str, name: str) -> tuple[Any, Place | None]:
    """What ``holder`` itself keeps by the name ``key``; and where, if that is where it can be replaced."""
    place, own = Place(holder, key, False, name), getattr(holder, "__dict__", {})
    value = own[key] if key in own else place.get()
    if value is place.get():
        return value, place
    return value, Place(own, key, True, name) if isinstance(own, dict) and key in own else None  # behind a property


def _held(holder: Any) -> list[str]:
    """The names of the attributes that ``holder`` has itself."""
    slots = [getattr(kind, "__slots__", ()) for kind in type(holder).__mro__]
    known = [key for keys in slots for key in ((keys,) if isinstance(keys, str) else keys) if hasattr(holder, key)]
    return [*getattr(holder, "__dict__", ()), *known]


def _code(code: CodeType) -> Iterator[CodeType]:
    """``code``, and that of the functions that it makes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)


def _globals(code: CodeType) -> Iterator[str]:
    """The globals that are named."""
    for part in _code(code):
        yield from (i.argval for i in dis.get_instructions(part) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))


def _names(code: CodeType) -> set[str]:
    """All that may be the name of an attribute."""
    return {name for part in _code(code) for name in (*part.co_names, *part.co_consts) if isinstance(name, str)}
