"""Whether operations are recorded, and ``no_grad`` to switch that off for a while."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# How many no_grad blocks the current thread or task is in. The blocks themselves hold nothing, so one may be shared.
no_grad_depth: ContextVar[int] = ContextVar("no_grad_depth", default=0)
unrecorded = no_grad_depth.get  # what the engine asks at each operation: 0 means that it is recorded


def is_recording() -> bool:
    """Whether the current thread or task records operations: it is in no ``no_grad`` block."""
    return unrecorded() == 0


class no_grad:  # noqa: N801 - reads as a statement, like the contexts of NumPy and PyTorch
    """A context, or a decorator, in which nothing is recorded.

    It holds for the current thread or async task only, nests, and ends with the block however the
    block ends. A decorated generator or coroutine is unrecorded whenever its own body runs. A
    ``with`` block inside an undecorated generator stays in force for the caller while the generator
    is suspended (Python has one context for both): decorate the generator instead.

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor(3.0, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """Make a block; or, as a decorator without parentheses, the decorated function."""
        block = super().__new__(cls)
        return block if function is None else block(function)

    def __enter__(self) -> None:
        no_grad_depth.set(no_grad_depth.get() + 1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        no_grad_depth.set(max(no_grad_depth.get() - 1, 0))

    def __call__(self, function: F) -> F:
        """Decorate ``function``: each call runs in a ``no_grad`` of its own."""
        if inspect.isasyncgenfunction(function):
            raise TypeError("no_grad cannot decorate an asynchronous generator; use a with block between its yields")
        wrapper: Any
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def wrapper(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
                return _drive(function(*arguments, **keywords))

        elif inspect.iscoroutinefunction(function):

            @wraps(function)
            async def wrapper(*arguments: Any, **keywords: Any) -> Any:
                with no_grad():
                    return await function(*arguments, **keywords)

        else:

            @wraps(function)
            def wrapper(*arguments: Any, **keywords: Any) -> Any:
                with no_grad():
                    return function(*arguments, **keywords)

        return wrapper  # type: ignore[no-any-return]  # functools.wraps keeps the signature


def _drive(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """``generator``, each of its steps in a ``no_grad``; what is sent, thrown and returned passes through."""
    resume: Callable[..., Any] = generator.send
    sent: Any = None
    while True:
        try:
            with no_grad():
                item = resume(sent)
        except StopIteration as stop:
            return stop.value
        try:
            resume, sent = generator.send, (yield item)
        except GeneratorExit:
            with no_grad():
                generator.close()
            raise
        except BaseException as error:
            resume, sent = generator.throw, error
