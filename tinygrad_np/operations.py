"""The operation table: what an operation is, and which NumPy functions it mirrors.

A rule is a plain NumPy function: arrays in, ``(value, derivatives)`` out, one derivative for each
argument. ``@operation`` puts it into the table and makes it callable with arrays and Tensors alike:

>>> import numpy as np, tinygrad_np as tg
>>> @tg.operation()
... def cube(x):
...     return x**3, (lambda g: g * 3 * x**2,)
>>> x = tg.Tensor([1.0, 2.0], requires_grad=True)
>>> cube(x).sum().backward()
>>> x.grad
array([ 3., 12.])
>>> cube(np.array(2.0))
np.float64(8.0)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial, update_wrapper
from inspect import Parameter, signature
from types import MethodType
from typing import Any, Literal, TypeVar

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_np.recording import current_mode
from tinygrad_np.tape import Array, Derivatives, Node, Variable, tick

Result = tuple[Array, Derivatives]  # what a rule returns
Rule = Callable[..., Result]
Declared = TypeVar("Declared", bound="Operation")

KEYWORD_ONLY, VAR_POSITIONAL = Parameter.KEYWORD_ONLY, Parameter.VAR_POSITIONAL

new = object.__new__  # past the checks of Tensor's own
NO_KEYWORDS: Mapping[str, Any] = {}

UNDIFFERENTIABLE = (
    "{} has no derivative with respect to an argument that requires a gradient; pass that one as .detach() to "
    "treat it as a constant"
)
RESULT = (
    "the rule of {!r} must return (value, derivatives) with a tuple of derivatives, one for each argument, and gave "
    "{}; write `return y, (lambda g: ...,)`, with the comma"
)


class Operation:
    """A rule that can be called: arrays give an array, Tensors give a Tensor that remembers.

    Lists among the arguments are taken for arrays, so what is none, such as a list of axes, goes by name.
    ``hint`` is what an error says after NumPy's own words: what the operation expects. At least ``required``
    arguments must come, and at most ``positional`` without a name. ``elementwise`` operations mirror a ufunc.
    For forward mode: the value is ``linear`` in the arguments, or the Jacobian ``symmetric``, as ``operation`` says.
    """

    def __init__(
        self, rule: Rule, hint: str = "", linear: int | Literal["together"] = 0, symmetric: bool = False
    ) -> None:
        update_wrapper(self, rule)
        self.name: str = rule.__name__
        self.rule = rule
        self.hint = hint
        self.linear = linear
        self.symmetric = symmetric
        self.elementwise = False
        self.parameters = dict(signature(rule).parameters)
        kinds = [parameter.kind for parameter in self.parameters.values()]
        self.positional: float = math.inf if VAR_POSITIONAL in kinds else len(kinds) - kinds.count(KEYWORD_ONLY)
        self.required = [parameter.default for parameter in self.parameters.values()].count(Parameter.empty)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> str:
        """Pickled by name, like a function: models may hold operations as layers."""
        return self.rule.__qualname__

    def __get__(self, instance: Any, owner: type) -> Any:
        """Bind like a function, so that an operation can be a method of Tensor."""
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Run the rule on the arrays and, where an argument is tracked, put a node on the tape."""
        if keywords:
            for value in keywords.values():
                if isinstance(value, Variable):
                    arguments, keywords = self._positional(arguments, keywords)
                    break
        kept: list[Any]  # a node where there is one, else the value
        arrays, kept, kind, tracked, last = [], [], None, 0, 0
        for argument in arguments:
            if isinstance(argument, Variable):
                kind, node = argument.__class__, argument._node
                arrays.append(argument._array)
                if node is None:
                    kept.append(argument._array)
                else:
                    kept.append(node)
                    tracked += 1
                    last = len(kept)
            else:
                if argument.__class__ is not ndarray and isinstance(argument, (list, ndarray)):
                    argument = self._plain(argument)
                arrays.append(argument)
                kept.append(argument)
        try:
            value, derivatives = self.rule(*arrays, **keywords) if keywords else self.rule(*arrays)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise self._explained(error, arrays, keywords) from error
        if derivatives.__class__ is not tuple:
            raise TypeError(RESULT.format(self.name, type(derivatives).__name__))
        if kind is None:
            return value
        if value.__class__ is not ndarray:
            value = self._checked(value)
        output = new(kind)
        output._array = value
        output._node = None
        if tracked and ((mode := current_mode()) is None or not mode.unrecorded):
            if not tracked == last == len(derivatives):
                derivatives = self._wanted(derivatives, kept, tracked)
            if value.dtype.kind != "f":
                raise TypeError(
                    f"{self.call(arrays, keywords)} gives {value.dtype}, through which no gradient "
                    "passes; convert the other argument to floats, or use .detach() first"
                )
            output._node = node = new(Node)
            node.order = tick()
            node.operation = self
            node.arguments = tuple(kept)
            node.keywords = keywords or NO_KEYWORDS
            node.derivatives = derivatives
            node.shape = value.shape
            if mode is not None:
                for watch in mode.watchers:
                    watch(node, arrays, value)
        elif value.dtype.kind == "c":
            raise TypeError(
                f"{self.call(arrays, keywords)} gives {value.dtype}; Tensors are real, so call it on t.data"
            )
        return output

    def _wanted(self, derivatives: Derivatives, kept: list[Any], tracked: int) -> Derivatives:
        """Only those that lead to the ``tracked`` arguments: the others would keep arrays alive."""
        wanted: list[Any] = []
        for derivative, argument in zip(derivatives, kept):
            if isinstance(argument, Node) and derivative is not None:
                wanted.append(derivative)
                tracked -= 1
            else:
                wanted.append(None)
        if tracked:
            raise TypeError(UNDIFFERENTIABLE.format(self.name))
        return tuple(wanted)

    def _plain(self, values: Any) -> Any:
        """A list, or an array of a subclass of ndarray, as a plain array."""
        if hasattr(values, "filled"):
            raise TypeError(f"{self.name} takes no masked array, whose mask it would lose; give data.filled(value)")
        if isinstance(values, np.matrix):  # its product with * is another than that of arrays
            raise TypeError(
                f"{self.name} takes no np.matrix, to which * means another product; give np.asarray(matrix)"
            )
        try:
            return asarray(values)
        except ValueError as error:
            raise ValueError(f"{self.name}: a list that is no array, {error}; give rows of one length") from error

    def _checked(self, value: Any) -> Any:
        """A rule's value that is no plain array: a scalar as an array, one that cannot be recorded refused."""
        if isinstance(value, (generic, ndarray)):
            return asarray(value)  # a scalar, or a subclass whose manners would follow
        if isinstance(value, Variable):
            raise TypeError(
                f"the rule of {self.name!r} computed with a Tensor that it closes over, whose gradient would be lost; "
                "make that Tensor an argument of the rule"
            )
        if hasattr(value, "__array_function__"):
            return asarray(value, like=value)
        if not hasattr(value, "dtype"):
            raise TypeError(
                f"the rule of {self.name!r} gave the value {value!r}; give an array of x's dtype, as in "
                "np.asarray(value, x.dtype)"
            )
        return value

    def _positional(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Move arrays that came by name to their positions: only positions have derivatives."""
        bound = signature(self.rule).bind(*arguments, **keywords)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def call(self, arrays: Sequence[Any], keywords: Mapping[str, Any]) -> str:
        """The call as an error message shows it."""
        came = [*map(describe, arrays), *(f"{name}={describe(value)}" for name, value in keywords.items())]
        return f"{self.name}({', '.join(came)})"

    def _explained(self, error: Exception, arrays: list[Any], keywords: dict[str, Any]) -> Exception:
        """NumPy's exception again, with the operation's name and what it was given."""
        message = f"{self.call(arrays, keywords)}: {error}"
        if "unpack" in message and error.__traceback__ and error.__traceback__.tb_next is None:
            return TypeError(RESULT.format(self.name, "something else"))  # what the rule returned was not a pair
        fits = isinstance(error, ValueError) or (isinstance(error, AttributeError) and not self.elementwise)
        if self.hint and fits and "ingular" not in message:  # a singular matrix is of the right shape
            message = f"{message.rstrip('.')}. {self.hint}"
        if isinstance(error, AttributeError):  # the rule asked an argument for what only arrays have
            return TypeError(message)
        try:
            return type(error)(message)
        except TypeError:  # NumPy's own subclasses take other arguments
            return TypeError(message) if isinstance(error, TypeError) else ValueError(message)


class SequenceOperation(Operation):
    """An operation that takes its arrays in one sequence, as np.concatenate does."""

    def __call__(self, arrays: Any, *options: Any, **keywords: Any) -> Any:
        names = list(self.parameters)[1:]
        if len(options) > len(names):
            raise TypeError(f"{self.name} takes {names} after the arrays, got {len(options)} values")
        return super().__call__(*arrays, **dict(zip(names, options)), **keywords)


class Composition(Operation):
    """A function written with other operations: they record themselves, and it needs no rule of its own."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            return self.rule(*arguments, **keywords)
        except (ValueError, TypeError, IndexError, AttributeError, KeyError, ZeroDivisionError) as error:
            raise self._explained(error, list(arguments), keywords) from error


table: dict[Callable[..., Any], Operation] = {}  # by the NumPy function that each one mirrors


def operation(
    *numpy_functions: Callable[..., Any],
    hint: str = "",
    linear: int | Literal["together"] = 0,
    symmetric: bool = False,
    sequence: bool = False,
) -> Callable[[Rule], Operation]:
    """Declare the decorated rule as an operation that mirrors ``numpy_functions``.

    The rule receives arrays and returns ``(value, derivatives)``: one function ``g -> gx`` for each
    argument, or for the first few if the others are no arrays. It says nothing of Tensors and does not
    undo broadcasting: the backward walk sums each gradient to its argument's shape. It must not
    write into its arguments, nor a derivative into ``g``; a derivative returns a new array, or ``g`` or
    a view of it. For higher derivatives the same rule is run again, on Tensors: it then uses only
    operations (NumPy's functions count), and gives the same as before, so random numbers come to it
    as arguments.

    What makes forward mode quick: ``linear`` says that the value is linear in each of the first so many
    arguments by itself, arrays after them being added to it; or with "together" in all its arrays at
    once, as np.concatenate is. ``symmetric`` says that its Jacobian is its own transpose for each
    argument, once that is broadcast to the value's shape; where a ufunc is mirrored that need not be said.
    """

    def declare(rule: Rule) -> Operation:
        if not callable(rule):
            raise TypeError(f"got {describe(rule)} for a rule; declare it with parentheses, as @tg.operation()")
        kind = SequenceOperation if sequence else Operation
        return _listed(kind(rule, hint, linear, symmetric), numpy_functions)

    return declare


def composition(*numpy_functions: Callable[..., Any], hint: str = "") -> Callable[[Callable[..., Any]], Composition]:
    """Declare the decorated function, written with NumPy's functions, as what ``numpy_functions`` do on Tensors."""

    def declare(function: Callable[..., Any]) -> Composition:
        return _listed(Composition(function, hint), numpy_functions)

    return declare


def _listed(declared: Declared, numpy_functions: tuple[Callable[..., Any], ...]) -> Declared:
    """``declared``, which the table now has for ``numpy_functions``."""
    for function in numpy_functions:
        if not callable(function):
            raise TypeError(f"an operation mirrors functions, such as np.tanh, got {function!r}")
        if function in table:
            raise ValueError(f"{function} is already mirrored by {table[function]}")
        table[function] = declared
        declared.elementwise |= isinstance(function, np.ufunc) and function.signature is None
    declared.symmetric |= declared.elementwise  # the Jacobian is diagonal
    return declared


def unchanged(g: Array) -> Array:
    """The derivative of an argument that is only added: the gradient itself."""
    return g


# times(x) is the derivative g -> g·x. Bound like a method it is one small object where a lambda and what it closes over
# are three, and the garbage collector walks over all that a long graph is made of.
times = partial(MethodType, np.multiply)


def undefined(name: str) -> Callable[[Array], Array]:
    """The derivative of an argument of the operation ``name`` that has none."""

    def gx(g: Array) -> Array:
        raise TypeError(UNDIFFERENTIABLE.format(name))

    return gx


def describe(value: Any) -> str:
    """An argument as an error message shows it: dtype and shape, or the value itself if it has none."""
    if isinstance(value, Variable):
        value = value._array
    if isinstance(value, (ndarray, generic)):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (Variable, ndarray)) for item in value):
        return f"[{', '.join(map(describe, value))}]"
    return repr(value)
