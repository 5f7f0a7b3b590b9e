"""Transforms: from a function of arrays to its gradient, Jacobian, Hessian, or a product with one of them.

A function is written with NumPy's functions and operators, and takes and returns arrays or nested
lists, tuples and dicts of arrays. So do the transforms. What they return is plain arrays, except
where a Tensor that requires a gradient takes part, as an argument or in the function's closure: then
it is Tensors, to be differentiated further. So transforms nest to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_np.protocols import plain
from tinygrad_np.shapes import as_array
from tinygrad_np.tensor import Tensor
from tinygrad_np.traced import Run
from tinygrad_np.trees import leaves_of, rebuilt

Argnums = int | Sequence[int]
Function = Callable[..., Any]


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The function that computes ∂f/∂argument of a scalar ``f``, by reverse mode.

    It takes what f takes, and gives an array of the shape and dtype of the argument numbered
    ``argnums``, or the same lists, tuples and dicts of arrays; a tuple for several numbers. Arguments
    must be floating numbers. Raises TypeError for others and for an f that does not give a number
    made of arrays, ValueError for a value with several elements and for an argument that is not there.

    >>> import numpy as np, tinygrad_np as tg
    >>> slope = tg.grad(lambda x: np.sum(np.sin(x) * x))
    >>> slope(np.array([0.0, np.pi]))
    array([ 0.        , -3.14159265])
    >>> tg.grad(tg.grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    >>> tg.grad(lambda p, x: (p["w"] * x + p["b"]) ** 2)({"w": 2.0, "b": 1.0}, 3.0)
    {'w': np.float64(42.0), 'b': np.float64(14.0)}
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*arguments: Any, **keywords: Any) -> Any:
        return both(*arguments, **keywords)[1]

    return gradient


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """The function that computes the pair of f's value and what ``tg.grad(f, argnums)`` gives, in one run.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    _check_callable(f)

    @wraps(f)
    def both(*arguments: Any, **keywords: Any) -> tuple[Any, Any]:
        run = Run(f, arguments, keywords, _chosen(arguments, argnums))
        output = run.scalar()
        found = run.pulled_back([None])
        return run.result(output), _structured(arguments, argnums, found)

    return both


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """f's value at ``primals``, and the function g -> gᵀJ that pulls a gradient of the value back to each primal.

    g has the structure and shapes of the value; what comes back is a tuple with one entry for each
    primal, structured like it. J is never formed, and the pullback may be called any number of times.

    >>> import numpy as np, tinygrad_np as tg
    >>> value, pullback = tg.vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    _check_callable(f)
    run = Run(f, primals, {}, range(len(primals)))

    def pullback(g: Any) -> tuple[Any, ...]:
        given = _matching(g, run.value, "the gradient")
        return tuple(rebuilt(list(primals), run.pulled_back(given)))

    return rebuilt(run.value, map(run.result, run.outputs)), pullback


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """f's value at ``primals``, and J·``tangents``, its derivative along them, by forward mode in one run of f.

    ``primals`` and ``tangents`` are tuples with one entry for each argument, of the same structure and
    shapes. Each operation carries the tangents on as soon as it has been computed. What f computes in
    other threads is refused, for tangents do not follow there.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.jvp(lambda x: np.sum(x**2), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    (np.float64(5.0), np.float64(2.0))
    """
    _check_callable(f)
    _check_sequences(primals, tangents)
    given = _matching(list(tangents), list(primals), "tangents")
    run = Run(f, primals, {}, range(len(primals)), given)
    return rebuilt(run.value, map(run.result, run.outputs)), rebuilt(run.value, run.pushed_forward())


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """H·``tangents`` for the Hessian H of a scalar f: the derivative of its gradient along them, forward over reverse.

    A tuple with one entry for each of ``primals``. H is never formed. Pearlmutter (1994), "Fast exact
    multiplication by the Hessian".

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.hvp(lambda x: x[0] ** 2 * x[1], (np.array([3.0, 5.0]),), (np.array([1.0, 0.0]),))
    (array([10.,  6.]),)
    """
    _check_sequences(primals, tangents)
    numbers = tuple(range(len(primals)))
    product: tuple[Any, ...] = jvp(grad(f, numbers), primals, tangents)[1]
    return product


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that computes all ∂fᵢ/∂xⱼ: an array of shape f(x).shape + x.shape.

    Where value or argument are nested, so is the result: the value's structure, with the argument's in
    place of each leaf. Each row is a gradient, or each column a derivative along a unit vector,
    whichever are fewer.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x**2)(np.array([1.0, 10.0]))
    array([[ 2., 40.],
           [ 6., 80.]])
    """
    _check_callable(f)

    @wraps(f)
    def matrix(*arguments: Any, **keywords: Any) -> Any:
        run = Run(f, arguments, keywords, _chosen(arguments, argnums))
        rows = [_structured(arguments, argnums, row) for row in run.jacobian()]
        return rebuilt(run.value, rows)

    return matrix


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that computes all ∂²f/∂xᵢ∂xⱼ of a scalar ``f``: an array of shape x.shape + x.shape.

    It is the Jacobian of the gradient, nested like both where the argument is nested.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def _check_callable(f: Any) -> None:
    """Refuse what is no function, such as the value of one."""
    if not callable(f):
        raise TypeError(f"a transform takes a function and its arguments separately, got {f!r}; write tg.grad(f)(x)")


def _chosen(arguments: Sequence[Any], argnums: Argnums) -> list[int]:
    """The numbers of the chosen arguments, counted from 0, each of which is there."""
    numbers: list[Any] = list(argnums) if isinstance(argnums, (list, tuple)) else [argnums]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise TypeError(f"argnums must be an integer or several, got {argnums!r}")
        if not -len(arguments) <= number < len(arguments):
            raise ValueError(
                f"argument {number} is to be differentiated, but {len(arguments)} came by position; give it by "
                "position, or choose another with argnums"
            )
    chosen = [int(number) % len(arguments) for number in numbers]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"argnums {argnums!r} names an argument twice; name it once")
    return chosen


def _structured(arguments: Sequence[Any], argnums: Argnums, leaves: Sequence[Any]) -> Any:
    """``leaves`` in the structure of the chosen argument, or in a tuple of structures if several are chosen."""
    structures = rebuilt([arguments[i] for i in _chosen(arguments, argnums)], leaves)
    return tuple(structures) if isinstance(argnums, (list, tuple)) else structures[0]


def _matching(given: Any, like: Any, what: str) -> list[Any]:
    """The leaves of ``given``, nested like ``like`` and of its shapes: Tensors, or arrays of its dtype."""
    paths, expected = dict(leaves_of(given)), dict(leaves_of(like))
    if list(paths) != list(expected):
        raise ValueError(f"{what} is nested otherwise: it has {list(paths)}, expected are {list(expected)}")
    found = []
    for path, value in paths.items():
        wanted = as_array(plain(expected[path]))
        tensor = value if isinstance(value, Tensor) else Tensor(value)
        if tensor.shape != wanted.shape:
            raise ValueError(f"{what}{path} has shape {tensor.shape}, expected is {wanted.shape}")
        found.append(tensor if tensor.requires_grad else tensor.data.astype(wanted.dtype, copy=False))
    return found


def _check_sequences(primals: Any, tangents: Any) -> None:
    """Refuse arguments that did not come as tuples: one array would be taken for several arguments."""
    for name, value in ("primals", primals), ("tangents", tangents):
        if not isinstance(value, (list, tuple)):
            raise TypeError(
                f"{name} must be a tuple with one entry for each argument of the function, got {type(value).__name__}; "
                f"write ({name[:-1]},)"
            )
    if len(primals) != len(tangents):
        raise ValueError(f"{len(tangents)} tangents for {len(primals)} primals; give one each")
