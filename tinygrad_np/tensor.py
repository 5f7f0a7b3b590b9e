"""Tensor: a NumPy array that remembers where it came from, and behaves like an array otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_np import protocols
from tinygrad_np.numerics import scalar, speaking
from tinygrad_np.rules import (
    arithmetic,
    construction,
    cumulative,
    diagonals,
    indexing,
    products,
    rearranging,
    reductions,
    selection,
)
from tinygrad_np.rules import shape as shape_rules
from tinygrad_np.tape import GraphError, Leaf, Variable, tick, walk

# Two threads may add to one leaf. Forking waits until nobody does, lest the child find the lock taken.
_accumulating = Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_accumulating.acquire, after_in_parent=_accumulating.release, after_in_child=_accumulating.release
    )

Operator = Callable[["Tensor", Any], "Tensor"]
IF_MEANT = "if that is meant"


def _binary(operation: Callable[..., Any]) -> tuple[Operator, Operator]:
    """``self ∘ other`` and ``other ∘ self``, the two methods of a binary operator."""

    def forward(self: Tensor, other: Any) -> Any:
        return operation(self, other)

    def reflected(self: Tensor, other: Any) -> Any:
        return operation(other, self)

    return forward, reflected


def _on_data(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operator or method that no gradient passes through, such as a comparison: it gives a plain array."""

    def method(self: Tensor, *arguments: Any, **keywords: Any) -> Any:
        return function(self._array, *protocols.plain(arguments), **keywords)

    return method


def _refused(name: str, instead: str) -> Callable[..., NoReturn]:
    """A method of ndarray's that writes into the array."""

    def method(self: Tensor, *arguments: Any, **keywords: Any) -> NoReturn:
        raise TypeError(f"t.{name}() would write into a Tensor, which a graph may use; write t = {instead}")

    return method


class Tensor(Variable):
    """An array of any shape whose history is recorded, so that gradients can flow back to it.

    ``data`` is anything that ``np.asarray`` takes as real numbers; an ndarray is shared, not copied.
    With ``requires_grad=True`` the Tensor is a leaf: ``backward()`` adds ∂L/∂data to its ``grad``.
    That takes a floating dtype (float16, float32, float64, longdouble), which values, gradients and
    optimizer state all keep. Every operator, method and NumPy function that the operation table
    lists is recorded; comparisons give plain arrays.

    Raises TypeError for strings, objects and complex numbers, and for integers or bools that
    should have a gradient.

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = np.sum(x**2) / 2
    >>> loss
    Tensor(7., shape=(), dtype=float64, operation=divide)
    >>> loss.backward()
    >>> x.grad
    array([1., 2., 3.])
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, requires_grad: bool = False, dtype: DTypeLike | None = None) -> None:
        if isinstance(data, Tensor):
            raise TypeError("got a Tensor already; use t.detach() for a constant with its data")
        self._array = _real_array(data, dtype)
        self._node = None
        if requires_grad is not False:
            self.requires_grad = requires_grad

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Tensor is final; write a function of Tensors or a tg.nn.Module that holds some")

    # -- what it holds -----------------------------------------------------------------------------

    @property
    def data(self) -> NDArray[Any]:
        """The array. Assigning one of the same shape gives the leaf a copy of it, in the leaf's dtype."""
        return self._array

    @data.setter
    def data(self, value: ArrayLike) -> None:
        array = _real_array(value, self._array.dtype).copy()
        if array.shape != self._array.shape:
            raise ValueError(f"data of shape {array.shape} for a Tensor of shape {self.shape}; reshape it first")
        if self._node is not None and not isinstance(self._node, Leaf):
            raise GraphError(f"{self._node.operation.name} computed this Tensor; only a leaf's data can be set")
        self._array = array
        if self._node is not None:
            self._node.data, self._node.order = array, tick()

    @property
    def grad(self) -> NDArray[Any] | None:
        """∂L/∂data summed over the backward() calls so far, of the leaf's shape and dtype; None if there is none."""
        return self._node.grad if isinstance(self._node, Leaf) else None

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if not isinstance(self._node, Leaf):
            if value is None:  # which is what its gradient is already
                return
            raise GraphError("only a leaf that requires a gradient has one; make it with requires_grad=True")
        if value is not None:
            value = np.asarray(value, like=speaking(value))
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ValueError(
                    f"a gradient of {value.dtype} {value.shape} for a Tensor of {self.dtype} {self.shape}; "
                    "they must be the same"
                )
        self._node.grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow back to it or through it.

        Setting False on a leaf freezes it and drops its grad; graphs that used it are then out of date.
        """
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not isinstance(wanted, (bool, np.bool_)):
            raise TypeError(f"requires_grad must be True or False, got {wanted!r}")
        if self._node is not None and not isinstance(self._node, Leaf):
            raise GraphError("the Tensor was computed by an operation; use t.detach() for a constant")
        if not wanted:
            if self._node is not None:
                self._node.order = tick()  # graphs that used it are out of date: its gradient has nowhere to go
                self._array = self._array.copy()  # and no step of an optimizer moves the constant that it now is
            self._node = None
        elif self._node is None:
            if self._array.dtype.kind != "f":
                raise TypeError(
                    f"{self._array.dtype} data cannot have a gradient; give it a floating dtype, as in "
                    "tg.Tensor(data, requires_grad=True, dtype=np.float64)"
                )
            self._node = Leaf(self._array)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not computed from something that requires a gradient."""
        return self._node is None or isinstance(self._node, Leaf)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._array.dtype

    def numpy(self) -> NDArray[Any]:
        """The array itself, not a copy; the gradient does not follow it."""
        return np.asarray(self._array)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._array.tolist()

    def item(self) -> float:
        """The one element as a Python number. Raises ValueError if there are more or fewer."""
        return self._array.item()  # type: ignore[no-any-return]  # so do arrays of any dtype

    def detach(self) -> Tensor:
        """The same values as a constant: gradients stop here.

        A leaf's are copied, for an optimizer changes them in place; a computed Tensor's array is shared.
        """
        return Tensor(self._array.copy() if isinstance(self._node, Leaf) else self._array)

    # -- gradients ---------------------------------------------------------------------------------

    def backward(self, gradient: ArrayLike | None = None, retain_graph: bool = False) -> None:
        """Add the gradient of this Tensor to ``grad`` of every leaf that it was computed from.

        ``gradient`` is ∂L/∂self, of this Tensor's shape; without it this Tensor is the loss L, and
        must have one element. The graph is freed on the way unless ``retain_graph``. If a derivative
        raises, no leaf's gradient changes.

        Raises GraphError if nothing here requires a gradient, if the graph was freed by an earlier
        backward(), or if a leaf was changed (by an optimizer, say) since it was used; ValueError for
        a missing gradient or one of another shape.
        """
        if self._node is None:
            raise GraphError(
                "nothing that this Tensor was computed from requires a gradient; set requires_grad=True on a leaf"
            )
        gradients = walk({self._node: self.seed(gradient)}, release=not retain_graph)
        leaf: Any  # what the walk leaves over are leaves
        with _accumulating:
            for leaf, g in gradients.items():
                if g.base is not None or g.dtype is not leaf.data.dtype or g.ndim == 0:
                    g = np.array(
                        g, leaf.data.dtype, like=leaf.data
                    )  # an array of the leaf's own, not a view or a scalar
                leaf.grad = g if leaf.grad is None else leaf.grad + g

    def seed(self, gradient: ArrayLike | None) -> Any:
        """∂L/∂self, where backward() starts: ``gradient`` as a read-only view, or 1 if this is the loss."""
        data, seed = self._array, gradient
        if seed is None:
            if data.size != 1:
                raise ValueError(
                    f"backward() of a Tensor of shape {self.shape} needs a gradient of that shape; "
                    "or reduce it first, as in t.sum().backward()"
                )
            if not data.ndim:
                one = scalar(1, data.dtype)
                return one if data.__class__ is np.ndarray else np.asarray(one, like=data)
            seed = np.ones(data.shape, data.dtype, like=data)
        elif not (seed.__class__ is data.__class__ and seed.dtype is data.dtype):
            seed = np.asarray(seed._array if isinstance(seed, Tensor) else _real_array(seed), data.dtype, like=data)
        if seed.shape != data.shape:
            raise ValueError(f"backward() got a gradient of shape {seed.shape} for a Tensor of shape {self.shape}")
        seed = seed.view()  # which no leaf takes for its own; read-only, lest a derivative write into it unseen
        seed.setflags(False)  # type: ignore[call-arg]  # by name, write=False, it takes twice as long
        return seed

    # -- operators ---------------------------------------------------------------------------------

    __add__, __radd__ = _binary(arithmetic.add)
    __sub__, __rsub__ = _binary(arithmetic.subtract)
    __mul__, __rmul__ = _binary(arithmetic.multiply)
    __truediv__, __rtruediv__ = _binary(arithmetic.divide)
    __mod__, __rmod__ = _binary(arithmetic.remainder)
    __divmod__, __rdivmod__ = _binary(arithmetic.divmod)
    __pow__, __rpow__ = _binary(arithmetic.power)
    __matmul__, __rmatmul__ = _binary(products.matmul)
    __neg__ = arithmetic.negative
    __abs__ = arithmetic.absolute

    def __pos__(self) -> Self:
        return self

    # No gradient passes through these: they give plain arrays.
    __floordiv__ = _on_data(np.floor_divide)
    __rfloordiv__ = _on_data(lambda x1, x2: np.floor_divide(x2, x1))
    __lt__ = _on_data(np.less)
    __le__ = _on_data(np.less_equal)
    __gt__ = _on_data(np.greater)
    __ge__ = _on_data(np.greater_equal)
    __eq__ = _on_data(np.equal)  # elementwise, as in NumPy
    __ne__ = _on_data(np.not_equal)
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Tensor:
        return indexing.getitem(self, indexing.frozen(index))  # type: ignore[no-any-return]  # operations give Any

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "a Tensor cannot be assigned into: what was computed from it would change behind its back. Write "
            "t = tg.index_update(t, index, value), or t = np.where(mask, value, t)"
        )

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return value in self._array

    def __bool__(self) -> bool:
        return bool(self._array)

    def __float__(self) -> float:
        self._refuse_conversion("float(t)", f"t.item() {IF_MEANT}")
        return float(self._array)

    def __int__(self) -> int:
        self._refuse_conversion("int(t)", f"int(t.item()) {IF_MEANT}")
        return int(self._array)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        self._refuse_conversion("np.asarray(t)", f"t.data {IF_MEANT}, np.stack or np.concatenate to join Tensors")
        return np.array(self._array, dtype, copy=copy)

    def _refuse_conversion(self, what: str, instead: str) -> None:
        """A tracked value must not lose its gradient without a word."""
        if self._node is not None:
            raise TypeError(
                f"{what} would lose the gradient of a Tensor that requires one; write {instead}. To put it into an "
                "array, write array = tg.index_update(array, index, t) for array[index] = t"
            )

    # -- NumPy's methods ---------------------------------------------------------------------------

    sum, mean, prod, var, std = reductions.sum, reductions.mean, reductions.prod, reductions.var, reductions.std
    max, min = reductions.max, reductions.min
    cumsum, cumprod = cumulative.cumsum, cumulative.cumprod
    clip, choose = selection.clip, selection.choose
    dot, conj, conjugate, copy = products.dot, arithmetic.positive, arithmetic.positive, construction.copy
    swapaxes, squeeze, ravel, flatten = shape_rules.swapaxes, shape_rules.squeeze, shape_rules.ravel, shape_rules.ravel
    diagonal, trace = diagonals.diagonal, diagonals.trace
    take, repeat = indexing.take, rearranging.repeat

    argmax, argmin, argsort = _on_data(np.argmax), _on_data(np.argmin), _on_data(np.argsort)
    argpartition, searchsorted = _on_data(np.argpartition), _on_data(np.searchsorted)
    __round__ = round = _on_data(np.round)
    all, any, nonzero = _on_data(np.all), _on_data(np.any), _on_data(np.nonzero)

    sort, partition = _refused("sort", "np.sort(t)"), _refused("partition", "np.partition(t, kth)")
    put, fill = _refused("put", "tg.index_update(t, index, value)"), _refused("fill", "np.full_like(t, value)")
    resize = _refused("resize", "np.resize(t, shape)")

    @property
    def T(self) -> Tensor:
        """The Tensor with its axes reversed."""
        return shape_rules.transpose(self)  # type: ignore[no-any-return]  # operations give Any

    @property
    def mT(self) -> Tensor:
        """Each matrix of a stack transposed: the last two axes exchanged."""
        return shape_rules.matrix_transpose(self)  # type: ignore[no-any-return]  # operations give Any

    @property
    def real(self) -> Tensor:
        """The Tensor itself: its numbers are real."""
        return self

    @property
    def imag(self) -> NDArray[Any]:
        """Zeros, as a plain array."""
        return self._array.imag

    def reshape(self, *shape: Any, order: Any = "C") -> Tensor:
        """The elements in another shape, given as one tuple or as several integers."""
        return shape_rules.reshape(self, shape[0] if len(shape) == 1 else shape, order)  # type: ignore[no-any-return]  # operations give Any

    def transpose(self, *axes: Any) -> Tensor:
        """The Tensor with its axes permuted (reversed without ``axes``)."""
        if not axes or (len(axes) == 1 and axes[0] is None):
            return self.T
        return shape_rules.transpose(self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)  # type: ignore[no-any-return]  # operations give Any

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """The parts along ``axis`` (elements of the flattened Tensor without it) where the condition holds."""
        return indexing.compress(condition, self, axis)  # type: ignore[no-any-return]  # operations give Any

    def astype(self, dtype: DTypeLike) -> Tensor:
        """The elements in another dtype; a floating one if a gradient is to follow."""
        if self._node is not None and np.dtype(dtype).kind != "f":
            raise TypeError(f"no gradient passes through {np.dtype(dtype)}; use t.detach().astype(...) for a constant")
        return selection.astype(self, dtype)  # type: ignore[no-any-return]  # operations give Any

    # -- NumPy's protocols, text, copies -----------------------------------------------------------

    __array_ufunc__, __array_function__ = protocols.array_ufunc, protocols.array_function

    def __repr__(self) -> str:
        text = np.array2string(self._array, separator=", ", prefix="Tensor(")
        text += f", shape={self.shape}, dtype={self._array.dtype}"
        if isinstance(self._node, Leaf):
            text += ", requires_grad=True"
        elif self._node is not None:
            text += f", operation={self._node.operation.name}"
        return f"Tensor({text})"

    def __format__(self, form: str) -> str:
        return format(self._array.item() if self._array.size == 1 else self._array, form) if form else str(self)

    def __reduce__(self) -> Any:
        """Copies and pickles hold the data and whether it is a leaf; a graph cannot be copied."""
        if not self.is_leaf:
            raise GraphError("a computed Tensor cannot be copied or pickled with its graph; use t.detach() or t.data")
        return Tensor, (self._array, self.requires_grad)


def _real_array(data: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """``data`` as an array of real numbers, or a TypeError that says why it is none."""
    if hasattr(data, "filled"):
        raise TypeError("a Tensor takes no masked array, whose mask it would lose; give data.filled(value)")
    try:
        array = np.asarray(data, like=speaking(data))
    except ValueError as error:
        raise TypeError(f"a Tensor takes numbers in a regular shape: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"a Tensor takes real numbers, got {array.dtype} data; convert it first, as in "
            "np.asarray(data, dtype=float), or take .real and .imag of complex numbers"
        )
    wanted = np.dtype(dtype or array.dtype).newbyteorder("=")
    if wanted.kind not in "fiub":
        raise TypeError(f"a Tensor takes real numbers, not dtype {wanted}; use np.float64 or another real one")
    if wanted.kind != "f" and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise TypeError(f"{wanted} has no NaN and no infinity; replace them first, as np.nan_to_num(data) does")
    return array.astype(wanted, copy=False)
