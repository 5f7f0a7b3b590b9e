"""Recorders stand in for arrays while a step is recorded, and Draws for the Generators of its state.

A Recorder speaks NumPy's protocols (NEP 13 and NEP 18) and has the methods of arrays. It is not a subclass
of ndarray: NumPy would read its memory without asking.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from tinygrad_np.compiling.errors import library_asks, library_looks, refused, unsupported, where
from tinygrad_np.compiling.recording import Recording, StandIn
from tinygrad_np.compiling.values import cast
from tinygrad_np.tape import Variable

OUTSIDE = "compute with NumPy's functions in the step, and return from it what is needed outside"
FILLED = "for an array to be filled in, write np.zeros_like(x), or np.zeros(n, like=x); for np.array([a, b]), np.stack"
LAYOUT = "go by shape and dtype, which a program is made for; arrays in another layout are run by the same one"
INSTEAD = {
    "flat": "write x.reshape(-1)",
    "base": "compare memory outside the step",
    "resize": "write np.resize(x, shape)",
    "byteswap": "swap bytes outside the step",
    "strides": LAYOUT,
}
POWERS = {2: np.square, 1: np.positive, 0.5: np.sqrt, -1: np.reciprocal}  # as the operator ** of arrays computes them
Method = Callable[..., Any]


def _operators(ufunc: Any) -> tuple[Method, Method, Method]:
    """``self ∘ other``, ``other ∘ self`` and ``self ∘= other``."""

    def forward(self: Recorder, other: Any) -> Any:
        return NotImplemented if isinstance(other, Variable) else ufunc(self, other)

    def reflected(self: Recorder, other: Any) -> Any:
        return ufunc(other, self)

    def in_place(self: Recorder, other: Any) -> Any:
        if not isinstance(self.array, np.ndarray):
            return ufunc(self, other)  # of a number, it is a new one
        return self.recording.ufunc(ufunc, "__call__", (self, other), {"out": self})

    return forward, reflected, in_place


def _compared(ufunc: Any) -> Method:
    return _operators(ufunc)[0]


def _method(function: Any) -> Method:
    """A method of arrays by the function of NumPy's that does the same."""

    def method(self: Recorder, *arguments: Any, **keywords: Any) -> Any:
        return function(self, *arguments, **keywords)

    return method


def _refused(what: str, *advice: str) -> Callable[..., NoReturn]:
    """A method that gives plain numbers."""

    def method(self: Recorder, *arguments: Any, **keywords: Any) -> NoReturn:
        raise refused(what, "; ".join([OUTSIDE, *advice]))

    return method


class Recorder(StandIn):
    """An array of a step that is being recorded."""

    __slots__ = ()

    # -- what it is --------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def size(self) -> int:
        return int(np.size(self.array))

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def base(self) -> Any:
        """What owns the memory, if that is another array, for a line of the library."""
        return self._known_to_library("base")

    @property
    def strides(self) -> Any:
        return self._known_to_library("strides")

    def _known_to_library(self, name: str) -> Any:
        if not library_looks():
            raise unsupported(f"array.{name}", INSTEAD[name])
        return getattr(self.array, name)

    @property
    def flags(self) -> Flags:
        return Flags(self)

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Any:
        return self.recording.run(np.real, (self,), {})

    @property
    def imag(self) -> Any:
        return self.recording.run(np.imag, (self,), {})

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"{self.dtype} {self.shape}"  # as messages show an array

    def __getattr__(self, name: str) -> Any:
        """What arrays have and Recorders have not. Names with underscores NumPy asks for, and goes on without."""
        if hasattr(np.ndarray, name) and name[:2] != "__":
            raise unsupported(f"array.{name}", INSTEAD.get(name, OUTSIDE))
        why = f" within a compiled step: {OUTSIDE}{where()}" if hasattr(np.ndarray, name) else ""
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}{why}")

    # -- NumPy's protocols, operators ----------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return self.recording.ufunc(ufunc, method, inputs, keywords)

    def __array_function__(self, function: Any, types: Any, arguments: Any, keywords: Any) -> Any:
        return self.recording.function(function, arguments, keywords)

    __add__, __radd__, __iadd__ = _operators(np.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract)
    __mul__, __rmul__, __imul__ = _operators(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__, __imod__ = _operators(np.remainder)
    __matmul__, __rmatmul__ = _operators(np.matmul)[:2]
    __and__, __rand__, __iand__ = _operators(np.bitwise_and)
    __or__, __ror__, __ior__ = _operators(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = _operators(np.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _operators(np.left_shift)
    __rshift__, __rrshift__, __irshift__ = _operators(np.right_shift)
    __divmod__, __rdivmod__ = _operators(np.divmod)[:2]
    __lt__, __le__, __gt__, __ge__ = map(_compared, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = map(_compared, (np.equal, np.not_equal))
    __hash__ = object.__hash__

    def __pow__(self, other: Any) -> Any:
        if isinstance(other, Variable):
            return NotImplemented
        if not isinstance(self.array, np.ndarray):
            return self.recording.run(operator.pow, (self, other), {})
        if self.dtype.kind == "f" and type(other) in (int, float):
            return POWERS[other](self) if other in POWERS else np.power(self, other)
        return self.recording.run(operator.pow, (self, other), {})

    def __rpow__(self, other: Any) -> Any:
        return np.power(other, self)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __pos__(self) -> Any:
        return np.positive(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            raise refused("round(array) to an int", "write np.round(array), or round(array, 0)")
        return np.round(self, digits)

    def __getitem__(self, index: Any) -> Any:
        return self.recording.run(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recording.run(operator.setitem, (self, index, value), {}, writes=self)

    def __delitem__(self, index: Any) -> NoReturn:
        raise ValueError("cannot delete array elements")

    def __copy__(self) -> Any:
        return self.copy("K")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy("K")

    # -- NumPy's methods -----------------------------------------------------------------------------

    dot, sum, prod, mean, var, std = map(_method, (np.dot, np.sum, np.prod, np.mean, np.var, np.std))
    max, min, any, all = map(_method, (np.max, np.min, np.any, np.all))
    argmax, argmin, argsort, cumsum, cumprod = map(_method, (np.argmax, np.argmin, np.argsort, np.cumsum, np.cumprod))
    clip, take, repeat, diagonal, trace = map(_method, (np.clip, np.take, np.repeat, np.diagonal, np.trace))
    round, nonzero, searchsorted, choose = map(_method, (np.round, np.nonzero, np.searchsorted, np.choose))
    conj, conjugate, argpartition = map(_method, (np.conjugate, np.conjugate, np.argpartition))

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        shape = shape[0] if len(shape) == 1 else shape
        return self.recording.run(np.reshape, (self, shape), {} if order == "C" else {"order": order})

    def ravel(self, order: Any = "C") -> Any:
        return self.reshape(-1, order=order)

    def flatten(self, order: Any = "C") -> Any:
        return self.recording.run(np.copy, (self.ravel(order),), {})

    def squeeze(self, axis: Any = None) -> Any:
        return self.reshape(np.squeeze(self.array, axis).shape)

    def transpose(self, *axes: Any) -> Any:
        if not axes or axes == (None,):
            axes = (tuple(reversed(range(self.ndim))),)
        return self.recording.run(np.transpose, (self, axes[0] if len(axes) == 1 else axes), {})

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        axes = list(range(self.ndim))
        axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
        return self.transpose(tuple(axes))

    def copy(self, order: Any = "C") -> Any:
        return self.recording.run(np.copy, (self,), {"order": order})

    def astype(self, dtype: Any, copy: bool = True, **options: Any) -> Any:
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        return self.recording.run(cast, (self, np.dtype(dtype)), {})

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, **options: Any) -> None:
        self[...] = np.sort(self, axis, **options)

    def partition(self, kth: Any, axis: int = -1, **options: Any) -> None:
        self[...] = np.partition(self, kth, axis, **options)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        self.recording.function(np.put, (self, indices, values, mode), {})

    def compress(self, condition: Any, axis: Any = None) -> Any:
        return self.recording.function(np.compress, (condition, self, axis), {})

    def view(self, *dtype: Any) -> Any:
        return self.recording.run(np.ndarray.view, (self, *dtype), {})

    def setflags(self, *flags: Any, **named: Any) -> None:
        """Nothing: who writes where is checked of every array of the step."""

    # -- what would freeze a value -------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The numbers, if a rule asks for those of an array around the step, such as how often to repeat a row."""
        if not (library_asks() and self.recording.is_around(self.value)):
            raise refused(
                "a plain array made of one of the step, as by tensor.numpy() or np.asarray, as an index of a plain "
                "array, or in one",
                f"{OUTSIDE}; list in state what holds the arrays that it changes; {FILLED}",
            )
        self.recording.guard(np.array_equal(self, self.array.copy()), True)
        return np.array(self.array, dtype)

    def __bool__(self) -> bool:
        if not library_asks():
            raise refused(
                "a decision on the numbers of an array, as by if, and, not, assert",
                "write np.where(condition, a, b), or decide outside the step",
            )
        answer = bool(self.array)
        self.recording.guard(self, answer)
        return answer

    def __int__(self) -> int:
        """The number, for a rule that needs it, such as a rank; the program then holds for that number."""
        if not library_asks():
            raise refused("int(array)", OUTSIDE)
        number = int(self.array)
        self.recording.guard(np.equal(self, number), True)
        return number

    def __format__(self, form: str) -> str:
        if not library_asks():  # the library formats an error message
            raise refused("a text made of an array's numbers", "print and write outside the step")
        return format(self.array, form)

    def __str__(self) -> str:
        return format(self)

    __float__ = _refused("a number made of an array's, as by float(), math.sin() or in a plain array", FILLED)
    __complex__ = _refused("complex(array)")
    item, tolist, tobytes = _refused("array.item()"), _refused("array.tolist()"), _refused("array.tobytes()")
    __index__ = _refused("an index made of an array's number")
    __contains__ = _refused("looking for a number in an array")
    __reduce__ = _refused("a copy or pickle of an array")


class Flags:
    """The flags of a recorded array, which may be made writeable, as a diagonal is that a rule fills in."""

    __slots__ = ("recorder",)

    def __init__(self, recorder: Recorder) -> None:
        object.__setattr__(self, "recorder", recorder)

    def __getattr__(self, name: str) -> Any:
        if name != "writeable" and not library_looks():
            raise unsupported(f"array.flags.{name}", LAYOUT)
        return getattr(self.recorder.array.flags, name)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name.lower())

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "writeable":
            raise unsupported(f"array.flags.{name} = ...", LAYOUT)
        self.recorder.recording.run(np.ndarray.setflags, (self.recorder, value), {})


class Draws:
    """A Generator of the state: what it draws is drawn anew at each step."""

    __slots__ = ("generator", "recording")

    def __init__(self, recording: Recording, generator: np.random.Generator) -> None:
        self.recording, self.generator = recording, generator

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.generator, name)
        if not callable(method) or name in ("spawn", "bit_generator"):
            raise refused(f"the Generator's {name}", "use it outside the step")

        def draw(*arguments: Any, **keywords: Any) -> Any:
            if name == "shuffle":
                return self.recording.run(method, arguments, keywords, writes=arguments[0])
            drawn = self.recording.run(method, arguments, keywords)
            if isinstance(drawn, StandIn) and isinstance(drawn.array, (int, float)):
                raise refused("a single number that is drawn", f"draw an array of no axes, as in rng.{name}(size=())")
            return drawn

        return draw
