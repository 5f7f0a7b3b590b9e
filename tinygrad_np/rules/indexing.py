"""Indexing: parts of x by slices, numbers and masks, x with a part replaced, and what picks elements by number."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_np.numerics import HALF, is_plain, speaking
from tinygrad_np.operations import Result, composition, operation
from tinygrad_np.shapes import along, as_array, normalize_axes
from tinygrad_np.tape import Array

Index = Any
Mode = Literal["raise", "wrap", "clip"]


@operation(linear=1)
def getitem(x: Array, index: Index) -> Result:
    """y = x[index];  ∂L/∂x = g at ``index`` and 0 elsewhere, added up where an element was taken twice."""
    shape = x.shape
    return x[index], (lambda g: _put(g, index, shape),)


@operation(linear=1)
def put(x: Array, index: Index, shape: tuple[int, ...]) -> Result:
    """y = zeros of ``shape`` with x added at ``index``;  ∂L/∂x = g[index]. The transpose of getitem."""
    return _put(x, index, shape), (lambda g: g[index],)


def _put(x: Array, index: Index, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with x added at ``index``; of a Tensor, which cannot be written into, the operation ``put``.

    np.add.at is quick where both arrays have one axis, and four times slower elsewhere, which matters
    from some hundred elements on. It adds float16 in float16, where 2048 + 1 is 2048.
    """
    if not is_plain(x):
        return put(x, index=index, shape=shape)
    if x.dtype == HALF:
        return _put(x.astype(np.float32), index, shape).astype(HALF)
    y = np.zeros(shape, x.dtype, like=speaking(x))
    if not may_repeat(index):
        y[index] = x
    elif x.size < 100:
        np.add.at(y, index, x)
    else:
        np.add.at(y.reshape(-1), _places(index, shape), x.reshape(-1))
    return y


def _places(index: Index, shape: tuple[int, ...]) -> Array:
    """What ``index`` picks, by place in the flattened array. Axes that it does not name are counted through."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) == 1 and not _is_mask(parts[0]):
        named, places = 1, np.asarray(parts[0], like=speaking(parts[0])).astype(np.intp)
    else:
        named = sum([np.ndim(part) if _is_mask(part) else 1 for part in parts])
        if any(part is Ellipsis for part in parts):
            named = len(shape)
        numbers = np.arange(prod(shape[:named]), like=_speaking_part(index))
        places = numbers.reshape(shape[:named])[index]
    rest = prod(shape[named:])
    return (places[..., None] * rest + np.arange(rest) if rest != 1 else places).reshape(-1)


def may_repeat(index: Index) -> bool:
    """Whether ``index`` may take an element twice: only arrays of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(hasattr(part, "__len__") and not _is_mask(part) for part in parts)


def _is_mask(part: Any) -> bool:
    """Whether a part of an index is a bool or an array or list of bools."""
    return (part if hasattr(part, "dtype") else np.asarray(part)).dtype == bool


def _speaking_part(index: Index) -> Any:
    """A part of an index that speaks NumPy's protocols, for an array that it can be an index of; or None."""
    parts = index if isinstance(index, tuple) else (index,)
    return next((part for part in parts if speaking(part) is not None), None)


def frozen(index: Index) -> Index:
    """``index`` with arrays of its own, for the caller may change his before the gradient is asked for."""
    return tuple(map(_frozen, index)) if isinstance(index, tuple) else _frozen(index)


def _frozen(part: Any) -> Any:
    """A part of an index as it is if it cannot change, else in a new array."""
    if not hasattr(part, "__len__") or isinstance(part, str):
        return part
    array = np.array(part, like=speaking(part))
    return array if array.size or hasattr(part, "dtype") else array.astype(np.intp)  # NumPy's view of empty lists


@composition(hint="x[index] has the shape that the value must have, or be broadcast to")
def index_update(x: Array, index: Index, value: Array) -> Array:
    """y = x with y[index] = value; x itself is unchanged.

    ∂L/∂x = g, and 0 at ``index``; ∂L/∂value = g[index], summed to the value's shape. The index is any
    that NumPy takes; where it names an element twice the later value counts, and the earlier one has
    gradient 0. The value is converted to x's dtype. Raises NumPy's IndexError and ValueError.

    >>> import numpy as np, tinygrad_np as tg
    >>> x, value = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True), tg.Tensor(9.0, requires_grad=True)
    >>> y = tg.index_update(x, slice(1, None), value)
    >>> y.data
    array([1., 9., 9.])
    >>> y.sum().backward()
    >>> x.grad, value.grad
    (array([1., 0., 0.]), array(2.))
    """
    x, value, index = as_array(x), as_array(value), frozen(index)
    if value.dtype != x.dtype:
        value = np.astype(value, x.dtype)
    like = _speaking_part(index)
    shape = np.empty(x.shape, bool, like=like)[index].shape
    if value.ndim > len(shape):  # NumPy drops leading axes of length 1
        value = value.reshape(value.shape[value.ndim - len(shape) :])
    if may_repeat(index):
        # Which value NumPy writes last depends on how they lie in memory. Here it is the last by rows.
        last = np.full(x.shape, -1, like=like)
        last[index] = np.arange(prod(shape)).reshape(shape)
        index = last >= 0
        value = np.broadcast_to(value, shape).reshape(-1)[last[index]]
    return overwrite(x, value, index=index)


@operation(linear="together")
def overwrite(x: Array, value: Array, index: Index) -> Result:
    """y = x with y[index] = value, an index that takes no element twice.

    ∂L/∂x = g, and 0 at ``index``;  ∂L/∂value = g[index].
    """
    if is_plain(x):
        y = np.array(x, like=speaking(x))
        y[index] = value
    else:  # as in put
        y = overwrite(x, value, index=index)
    return y, (lambda g: overwrite(g, 0, index=index), lambda g: getitem(g, index=index))


@composition(np.take)
def take(x: Array, indices: Any, axis: int | None = None, *, mode: Mode = "raise") -> Array:
    """The elements of x at ``indices`` along ``axis``, or of x flattened."""
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim)
    indices = np.take(np.arange(x.shape[axis]), _frozen(indices), mode=mode)
    return x[along(axis, indices)]


@composition(np.compress)
def compress(condition: Any, a: Array, axis: int | None = None) -> Array:
    """The parts of a along ``axis``, or the elements of a flattened, where the condition holds."""
    return _picked(lambda numbers: np.compress(as_array(condition), numbers, axis), a)


@composition(np.extract)
def extract(condition: Any, arr: Array) -> Array:
    """The elements of an array where the condition holds, in one axis."""
    return _picked(lambda numbers: np.extract(as_array(condition), numbers), arr)


@composition(np.take_along_axis)
def take_along_axis(x: Array, indices: Any, axis: int | None = -1) -> Array:
    """The elements of x at ``indices``, each within its own slice along ``axis``."""
    return _picked(lambda numbers: np.take_along_axis(numbers, _frozen(indices), axis), x)


@composition(np.delete)
def delete(x: Array, obj: Index, axis: int | None = None) -> Array:
    """x without the parts numbered ``obj`` along ``axis``, or without those elements of x flattened."""
    return _picked(lambda numbers: np.delete(numbers, _frozen(obj), axis), x)


@composition(np.insert)
def insert(x: Array, obj: Index, values: Array, axis: int | None = None) -> Array:
    """x with the values put in before the parts numbered ``obj`` along ``axis``, or before elements of x flattened."""
    x, values = as_array(x), as_array(values)
    values = values if values.dtype == x.dtype else np.astype(values, x.dtype)
    return _picked(lambda numbers, new: np.insert(numbers, _frozen(obj), new, axis), x, values)


@composition(np.resize)
def resize(x: Array, new_shape: int | tuple[int, ...]) -> Array:
    """The elements of x in another shape, from the start again when there are too few; zeros if there are none."""
    x = as_array(x)
    return _picked(lambda numbers: np.resize(numbers, new_shape), x if x.size else np.pad(np.ravel(x), (0, 1)))


@composition(np.pad)
def pad(
    x: Array, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0, reflect_type: str = "even"
) -> Array:
    """x with a border: of constants, or of its own elements by the mode edge, reflect, symmetric or wrap."""
    if mode != "constant":
        if mode not in ("edge", "reflect", "symmetric", "wrap") or reflect_type != "even" or np.any(constant_values):
            raise ValueError(
                f"mode {mode!r} with these options is not supported on a Tensor: use 'constant', which alone takes "
                "constant_values, or 'edge', 'reflect', 'symmetric' or 'wrap'"
            )
        return _picked(lambda numbers: np.pad(numbers, pad_width, mode), x)
    widths = _widths(pad_width, x.ndim)
    index = tuple([slice(before, before + n) for (before, _), n in zip(widths, x.shape)])
    y = put(x, index=index, shape=tuple([before + n + after for (before, after), n in zip(widths, x.shape)]))
    if not np.any(constant_values):
        return y
    # −0 added leaves every number as it is, −0 too.
    return y + np.pad(np.full(x.shape, -0.0, x.dtype), pad_width, constant_values=constant_values)


def _widths(pad_width: Any, ndim: int) -> Any:
    """How much ``np.pad`` puts before the first element and after the last along each axis, as pairs."""
    if isinstance(pad_width, dict):  # by axis, counted from either end
        by_axis = dict(zip(normalize_axes(tuple(pad_width), ndim), pad_width.values()))
        pad_width = [np.broadcast_to(by_axis.get(axis, 0), 2) for axis in range(ndim)]
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu":
        raise TypeError(f"the widths must be of integral type, got {given.dtype}")
    widths = np.empty((ndim, 2), int)
    widths[...] = given
    pairs = widths.tolist()
    if min(map(min, pairs), default=0) < 0:
        raise ValueError("a width must not be negative; x[1:-1] takes a border away")
    return pairs


def _picked(function: Callable[..., Any], *arrays: Array) -> Array:
    """``function(*arrays)`` for one that only picks elements: it is asked with their numbers in their places."""
    ends = np.cumsum([np.size(x) for x in arrays]).tolist()
    numbers = [np.arange(end - np.size(x), end).reshape(np.shape(x)) for x, end in zip(arrays, ends)]
    flat = np.ravel(arrays[0]) if len(arrays) == 1 else np.concatenate(arrays, None)
    return getitem(flat, index=function(*numbers))
