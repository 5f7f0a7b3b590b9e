"""A recording: the NumPy calls of one run of a step, noted as they are carried out.

The arrays of the step are played by stand-ins, which hold the array itself and the Value by which the program knows it.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_np.compiling.determinism import require_same_call
from tinygrad_np.compiling.errors import TracingError, library_asks, refused, where
from tinygrad_np.compiling.symbols import Symbol
from tinygrad_np.compiling.values import Call, Scalar, Value, cast, guard, has_shape, leaves, mapped
from tinygrad_np.operations import Operation
from tinygrad_np.tape import Leaf, Variable, tick

# What depends on shapes and dtypes alone, which a program is made for.
STRUCTURAL: set[Any] = {
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
    np.can_cast,
    np.iscomplexobj,
    np.isrealobj,
    np.common_type,
}
# Reductions by the name that programs have for them.
REDUCTIONS: dict[Any, Any] = {np.sum: np.add, np.prod: np.multiply, np.any: np.logical_or, np.all: np.logical_and}
REDUCTIONS |= {np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum, np.amin: np.minimum}
CONVERSIONS: set[Any] = {np.asarray, np.array, np.asanyarray, np.ascontiguousarray}
# Functions that write into the array of this name, which is their first argument.
WRITING: dict[Any, str] = {np.copyto: "dst", np.put: "a", np.putmask: "a", np.fill_diagonal: "a"}
WRITING |= {np.place: "arr", np.put_along_axis: "arr"}
# The result of any other function may depend on numbers in its shape, so the shape is guarded.
OF_FIXED_SHAPE: set[Any] = {
    *(np.dot, np.vdot, np.einsum, operator.pow, cast),
    *(np.reshape, np.transpose, np.broadcast_to, np.ndarray.view, np.copy),
    *(np.where, np.take, np.concatenate, np.stack, np.ravel_multi_index),
    *(np.zeros, np.ones, np.full, np.empty, np.zeros_like, np.ones_like, np.full_like, np.empty_like),
    *(np.argmax, np.argmin, np.count_nonzero, np.array_equal),
}


UNLISTED = (
    "the step uses {}, which state does not hold: list the model or the object that holds it, as in "
    "tg.compiled(step, state=(model, optimizer))"
)


class StandIn:
    """What plays an array: the ``array``, and the ``value`` by which the program knows it."""

    __slots__ = ("array", "recording", "value")

    def __init__(self, recording: Recording, array: Any, value: Value) -> None:
        self.recording, self.array, self.value = recording, array, value


class Recording:
    """The calls of one run of a step. ``kind`` is the class of the stand-ins for its arrays.

    ``before`` are the calls of an earlier run from the same state, of which these must be the same.
    """

    def __init__(self, kind: type[StandIn], before: Sequence[Call] | None = None) -> None:
        self.kind, self.before = kind, before
        self.calls: list[Call] = []
        self.values: dict[int, tuple[Value, Any]] = {}  # by id; the array is kept alive, so that its id is not reused
        self.roots: dict[int, tuple[Value, Any, Any]] = {}  # by the id of what owns the memory; and the first array
        self.writable: set[Value] = set()  # those whose memory is the state's, or was made by the step itself
        self.bound: set[Scalar] = set()  # numbers that the program is bound to
        self.thread: int | None = threading.get_ident()
        self.began = tick()  # leaves made before the recording have a smaller order

    def forget(self) -> None:
        """Let go of all arrays: a Symbol holds the recording, and may be a key in the cache of a function."""
        self.calls, self.before = [], None
        self.values.clear()
        self.roots.clear()
        self.writable.clear()
        self.bound.clear()

    # -- what comes in -----------------------------------------------------------------------------

    def live(self, array: Any, name: str = "", writable: bool = False) -> Any:
        """The stand-in for a live ``array``, which is read by reference at each step."""
        value = self._live_value(array, name) if isinstance(array, np.ndarray) else self._placed(array)
        if writable:
            self.writable.add(value.memory)
        return self.kind(self, array, value)

    def number(self, number: Any, name: str, reading: Callable[[], Any]) -> Any:
        """The stand-in for a ``number`` of NumPy's in the state: at each step the one that ``reading`` gives."""
        value = Value((), number.dtype, (), None, 0, np.array(number), name, reading, True)
        self.writable.add(value)
        return self.kind(self, number, value)

    def argument(self, array: Any, name: str) -> Any:
        """The stand-in for an argument of the step, which is another array at each call."""
        stand_in = self.live(array, name)
        stand_in.value.array, stand_in.value.name = None, name
        return stand_in

    def _live_value(self, array: Any, name: str = "") -> Value:
        """The Value of a live array: itself a root, or a view of what owns its memory."""
        if id(array) not in self.values:
            owner = _owner(array)
            if owner is not array and id(owner) not in self.roots:
                self._live_value(owner, name)
            value = self._placed(array)
            value.array, value.name = array, name
            self.values[id(array)] = value, array
        return self.values[id(array)][0]

    # -- what is done ------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], arguments: Any, keywords: Any, writes: Any = None) -> Any:
        """Call ``function`` with the arrays themselves, and note that."""
        self._check_thread()
        out = keywords.get("out")
        for written in (writes, *(out if isinstance(out, tuple) else [out])):
            if written is not None:
                self._check_writable(written)
        noted = self.noted(arguments), self.noted(keywords)
        given = {id(_plain(x)) for x in leaves((arguments, keywords))}
        result = function(*plain(arguments), **plain(keywords))
        call = Call(function, *noted)
        if isinstance(out, StandIn):
            call.writes = call.result = out.value
            self._note(call)
            return out
        if writes is None and isinstance(result, np.ndarray) and id(result) in given and id(result) in self.values:
            return self.kind(self, result, self.values[id(result)][0])  # nothing was done
        call.writes = None if writes is None else writes.value
        if result is None or writes is not None:
            self._note(call)
            return None
        return self._taken(result, call, _is_fixed(call))

    def ufunc(self, ufunc: Any, method: str, inputs: Any, keywords: Any) -> Any:
        """A call of a ufunc, or of a method of one, as ``__array_ufunc__`` receives it."""
        if any(isinstance(x, Variable) for x in inputs):
            return NotImplemented  # it is for the Tensor to say
        out = keywords.get("out")
        if isinstance(out, tuple) and len(out) == 1:
            keywords = {**keywords, "out": out[0]}
        if method == "at":
            return self.run(ufunc.at, inputs, {}, writes=inputs[0])
        if method == "reduce":
            inputs, keywords = _normalized_reduction(inputs, keywords)
        return self.run(ufunc if method == "__call__" else getattr(ufunc, method), tuple(inputs), keywords)

    def function(self, function: Callable[..., Any], arguments: Any, keywords: Any) -> Any:
        """A call of any other function of NumPy's, as ``__array_function__`` receives it."""
        if any(isinstance(x, Variable) for x in leaves((arguments, keywords))):
            return NotImplemented
        if function in STRUCTURAL:
            return function(*plain(arguments), **plain(keywords))
        if function in REDUCTIONS:
            keywords = {k: v for k, v in keywords.items() if v is not np._NoValue}
            if len(arguments) < 2:
                keywords.setdefault("axis", None)
            return self.ufunc(REDUCTIONS[function], "reduce", arguments or (keywords.pop("a"),), keywords)
        if function in CONVERSIONS:
            return self._converted(function, *arguments, **keywords)
        if function is np.astype:
            return arguments[0].astype(*arguments[1:], **keywords)
        if function is np.copyto and not keywords:
            return self.run(operator.setitem, (arguments[0], ..., arguments[1]), {}, writes=arguments[0])
        if function in WRITING:
            written = arguments[0] if arguments else keywords[WRITING[function]]
            return self.run(function, arguments, keywords, writes=written)
        return self.run(function, arguments, keywords)

    def is_around(self, value: Value) -> bool:
        """Whether ``value`` is a live array that is no part of the state."""
        return value.array is not None and value.memory not in self.writable

    def guard(self, asked: Any, answer: bool) -> None:
        """Note that the program holds only where ``asked`` is ``answer``."""
        self._check_thread()
        self._note(Call(guard, (self.noted(asked), answer)))

    def bind(self, scalar: Scalar, number: Any) -> None:
        """Note, once, that the program holds only where ``scalar`` is ``number``."""
        if scalar not in self.bound:
            self.bound.add(scalar)
            self._note(Call(guard, (Scalar(operator.eq, (scalar, number)), True)))

    def _converted(self, function: Any, x: Any, dtype: Any = None, **keywords: Any) -> Any:
        """np.asarray(x, dtype, like=a stand-in), and its likes."""
        if isinstance(x, (list, tuple)) and any(isinstance(item, StandIn) for item in leaves(x)):
            x = self.run(np.stack, (list(x),), {})
        elif not isinstance(x, StandIn):
            return self.live(np.asarray(plain(x), dtype))
        elif not isinstance(x.array, np.ndarray):  # a number as an array without axes
            x = self.run(np.reshape, (x, ()), {})
            x.array = np.asarray(x.array)
            self.values[id(x.array)] = x.value, x.array
            self.roots[id(x.array)] = x.value, x.array, x.array
        elif function is np.array and keywords.get("copy", True):
            x = self.run(np.copy, (x,), {})
        return x if dtype is None else x.astype(dtype, copy=False)

    def _note(self, call: Call) -> None:
        """Add a call to the program."""
        if self.before is not None:
            require_same_call(call, self.before, len(self.calls))
        self.calls.append(call)

    # -- how it is noted ---------------------------------------------------------------------------

    def noted(self, tree: Any) -> Any:
        """``tree`` as a Call holds it: Values and Scalars in the place of stand-ins, Symbols and arrays."""
        return mapped(self._noted, tree)

    def _noted(self, x: Any) -> Any:
        if isinstance(x, StandIn):
            if x.recording is not self:
                raise TracingError(f"an array that another compiled step computed is used here{where()}")
            return x.value
        if isinstance(x, Symbol):
            return x.scalar
        if isinstance(x, np.ndarray):
            if id(x) not in self.values:
                self._check_no_parameter(x)
            return self._live_value(x)
        return x

    def _taken(self, result: Any, call: Call, fixed: bool) -> Any:
        """What a call gave, as a stand-in, or as several. Shapes that are not ``fixed`` are guarded."""
        if isinstance(result, (tuple, list)):
            call.result = Value((), np.dtype(object), ())
            self._note(call)
            gets = [Call(operator.getitem, (call.result, i)) for i in range(len(result))]
            items = [self._taken(item, get, fixed) for item, get in zip(result, gets)]
            return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
        if isinstance(result, str) and not library_asks():
            raise refused("a text made of an array's numbers", "print and write outside the step")
        if not isinstance(result, (np.ndarray, np.generic, bool, int, float)):
            return result
        call.result = self._placed(result)
        self._note(call)
        if call.result.root is None:
            self.writable.add(call.result)
        if isinstance(result, np.ndarray):  # of truth values there are only two: they are known by no id
            self.values[id(result)] = call.result, result
        if isinstance(result, np.ndarray) and not fixed:
            checked = Value((), np.dtype(bool), ())
            self._note(Call(has_shape, (call.result, call.result.shape), result=checked))
            self._note(Call(guard, (checked, True)))
        return self.kind(self, result, call.result)

    def _placed(self, array: Any) -> Value:
        """A new Value for ``array``, as a view if its memory is known."""
        if not isinstance(array, np.ndarray):
            return Value((), np.asarray(array).dtype, ())
        value, owner = Value(array.shape, array.dtype, array.strides), _owner(array)
        if id(owner) in self.roots:
            value.root, first, _ = self.roots[id(owner)]
            value.offset = _address(array) - _address(first)
        else:
            self.roots[id(owner)] = value, array, owner
        return value

    def _check_writable(self, written: Any) -> None:
        """Refuse to write into what is neither state nor made by the step."""
        if isinstance(written, StandIn) and written.value.memory in self.writable:
            return
        if isinstance(written, StandIn):
            name = written.value.name or "an array"
            what = f"{name}, which is no part of its state and was not made by it"
            instead = "write y = ... for a new array"
        else:
            what = "an array that is no part of its state, or that it made by a plain NumPy call, as np.zeros(n) is"
            instead = "write p = p + x for p += x, and np.zeros_like(x), or np.zeros(n, like=x), for one to fill in"
        raise TracingError(f"a compiled step writes into {what}; list what holds it in state=, or {instead}{where()}")

    def _check_no_parameter(self, array: Any) -> None:
        """Refuse the array of a parameter that the state does not hold, as the operation that is being run has it."""
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code is not Operation.__call__.__code__:
            frame = frame.f_back
        for x in frame.f_locals.get("arguments", ()):
            if (
                isinstance(x, Variable)
                and x._array is array
                and isinstance(x._node, Leaf)
                and x._node.order > self.began
            ):
                raise TracingError(UNLISTED.format(f"a parameter of shape {array.shape}") + where())

    def _check_thread(self) -> None:
        if self.thread != threading.get_ident():
            what = "after that" if self.thread is None else "by another thread"
            raise TracingError(
                f"an array of a step that was being recorded is used {what}; return from the step what is used "
                f"outside, and let one thread use a model at a time{where()}"
            )


def plain(tree: Any) -> Any:
    """``tree`` with the arrays and numbers themselves in the place of stand-ins and Symbols."""
    return mapped(_plain, tree)


def _plain(x: Any) -> Any:
    return x.array if isinstance(x, StandIn) else x.number if isinstance(x, Symbol) else x


def _normalized_reduction(inputs: Any, keywords: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A reduction's array, and the rest by name: ``axis`` as a tuple or None, ``keepdims``, and what is not usual."""
    by_name = {"axis": 0} | dict(zip(("axis", "dtype", "out", "keepdims", "initial", "where"), inputs[1:])) | keywords
    axis = by_name.pop("axis")
    x, axis = inputs[0], axis if axis is None or isinstance(axis, tuple) else (operator.index(axis),)
    usual = {"dtype": None, "out": None, "keepdims": False, "initial": np._NoValue, "where": True}
    rest = {k: v for k, v in by_name.items() if v is not usual[k]}
    return (x,), {"axis": axis, "keepdims": bool(rest.pop("keepdims", False)), **rest}


def _is_fixed(call: Call) -> bool:
    """Whether the shape of what ``call`` gives depends on no numbers."""
    function, arguments = call.function, call.arguments
    if function is operator.getitem:
        index = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1],)
        return not any(isinstance(part, Value) and part.dtype == bool for part in index)
    if function is np.where and len(arguments) == 1:  # it gives indices
        return False
    return function in OF_FIXED_SHAPE or call.ufunc is not None or call.generator is not None


def _owner(array: Any) -> Any:
    """The array that owns the memory of ``array``."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
