"""Symbols stand in for Python numbers of the state, such as a learning rate, which are read anew at each step."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from tinygrad_np.compiling.errors import library_asks, refused, unsupported
from tinygrad_np.compiling.values import Scalar
from tinygrad_np.tape import Variable

NUMBERS = (bool, int, float)
COMPUTED = "compute with operators, + - * / **, or NumPy's functions, instead of float(), math functions or np.array()"
DECIDED = "write np.where(condition, a, b), or decide outside the step; an argument may be an int, which is known"


def _binary(function: Callable[..., Any], ufunc: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``self ∘ other`` and ``other ∘ self``: of numbers by the operator, of arrays by the ufunc."""

    def applied(x1: Any, x2: Any, other: Any) -> Any:
        if isinstance(other, (Variable, list, tuple, str)):
            return NotImplemented
        return derived(function, x1, x2) if _is_number(other) else ufunc(x1, x2)

    return lambda self, other: applied(self, other, other), lambda self, other: applied(other, self, other)


class Symbol:
    """A number while a step is recorded: what it is now, and how it is computed. It passes through operators.

    ``moving`` says that it changes at every step, like the step count. Where a line of the library needs a plain
    number, one that does not move gives what it is, and the program holds for that number only.
    """

    __slots__ = ("moving", "number", "readings", "recording", "scalar")

    def __init__(
        self, recording: Any, number: Any, scalar: Scalar, moving: bool = False, readings: tuple[Symbol, ...] = ()
    ) -> None:
        self.recording, self.number, self.scalar, self.moving = recording, number, scalar, moving
        self.readings = readings or (self,)  # what it is computed from

    def __bool__(self) -> bool:
        if not library_asks():
            raise refused(f"a decision on {self._name}", DECIDED)
        answer = bool(self.number)
        self.recording.guard(self.scalar, answer)
        return answer

    def frozen(self) -> Any:
        """The plain number, to which the program is then bound."""
        if self.moving or not library_asks():
            raise refused(f"a plain number made of {self._name}", COMPUTED)
        for symbol in self.readings:
            self.recording.bind(symbol.scalar, symbol.number)
        return self.number

    def __float__(self) -> float:
        return float(self.frozen())

    def __int__(self) -> int:
        return int(self.frozen())

    def __index__(self) -> int:
        return operator.index(self.frozen())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.frozen(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if ufunc.types == ["O" * ufunc.nin + "->" + "O" * ufunc.nout] and all(map(_is_number, inputs)):
            whole = derived(ufunc, *inputs)  # a function of plain numbers, by np.frompyfunc
            return tuple([derived(operator.getitem, whole, i) for i in range(ufunc.nout)]) if ufunc.nout > 1 else whole
        return self.recording.ufunc(ufunc, method, inputs, keywords)

    def __array_function__(self, function: Any, types: Any, arguments: Any, keywords: Any) -> Any:
        return self.recording.function(function, arguments, keywords)

    __add__, __radd__ = _binary(operator.add, np.add)
    __sub__, __rsub__ = _binary(operator.sub, np.subtract)
    __mul__, __rmul__ = _binary(operator.mul, np.multiply)
    __truediv__, __rtruediv__ = _binary(operator.truediv, np.divide)
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv, np.floor_divide)
    __mod__, __rmod__ = _binary(operator.mod, np.remainder)
    __pow__, __rpow__ = _binary(operator.pow, np.power)
    __lt__, __gt__ = _binary(operator.lt, np.less)[0], _binary(operator.gt, np.greater)[0]
    __le__, __ge__ = _binary(operator.le, np.less_equal)[0], _binary(operator.ge, np.greater_equal)[0]
    __eq__, __ne__ = _binary(operator.eq, np.equal)[0], _binary(operator.ne, np.not_equal)[0]

    def __hash__(self) -> int:
        if not library_asks():
            raise refused("looking for a number of the state in a set or a dictionary", "decide outside the step")
        return object.__hash__(self)

    __and__, __rand__ = _binary(operator.and_, np.bitwise_and)
    __or__, __ror__ = _binary(operator.or_, np.bitwise_or)
    __xor__, __rxor__ = _binary(operator.xor, np.bitwise_xor)
    __lshift__, __rlshift__ = _binary(operator.lshift, np.left_shift)
    __rshift__, __rrshift__ = _binary(operator.rshift, np.right_shift)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    @property
    def real(self) -> Symbol:
        return self

    @property
    def imag(self) -> Any:
        return type(self.number)(0)

    def conjugate(self) -> Symbol:
        return self

    def __trunc__(self) -> Symbol:
        return derived(math.trunc, self)

    def __floor__(self) -> Symbol:
        return derived(math.floor, self)

    def __ceil__(self) -> Symbol:
        return derived(math.ceil, self)

    def __neg__(self) -> Symbol:
        return derived(operator.neg, self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return derived(operator.abs, self)

    def __round__(self, digits: int | None = None) -> Symbol:
        return derived(round, self, digits)

    def __format__(self, form: str) -> str:
        if not library_asks():  # the library formats an error message
            raise refused(f"a text made of {self._name}", "make it outside the step")
        return format(self.number, form)

    def __repr__(self) -> str:
        return format(self)

    def __reduce__(self) -> NoReturn:
        raise refused(f"a pickle of {self._name}", "make it outside the step")

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: Any) -> Symbol:
        return self

    def __getattr__(self, name: str) -> NoReturn:
        """What numbers have and Symbols have not."""
        kind = type(self.number).__name__
        if hasattr(self.number, name) and name[:2] != "__":
            raise unsupported(f"{kind}.{name}, of {self._name},", COMPUTED)
        raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    @property
    def _name(self) -> str:
        """As messages call it: by the argument or the place in the state that it is, or is computed from."""
        names = sorted({reading.scalar.name for reading in self.readings} - {""})
        return f"the number {' and '.join(names)}" if names else "a number of the state"


def derived(function: Callable[..., Any], *operands: Any) -> Symbol:
    """The Symbol of ``function`` of numbers, some of which are Symbols."""
    symbols = [x for x in operands if isinstance(x, Symbol)]
    number = function(*[x.number if isinstance(x, Symbol) else x for x in operands])
    scalar = Scalar(function, tuple([x.scalar if isinstance(x, Symbol) else x for x in operands]))
    readings = tuple({id(reading): reading for x in symbols for reading in x.readings}.values())
    return Symbol(symbols[0].recording, number, scalar, any(x.moving for x in symbols), readings)


def _is_number(x: Any) -> bool:
    return isinstance(x, Symbol) or type(x) in NUMBERS
