"""Whether operations are recorded and watched, and ``no_grad`` to switch recording off for a while."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """How many blocks of each kind the current thread or task is in. The blocks hold nothing, so one may be shared."""

    unrecorded: int = 0
    watched: int = 0


# None in the usual mode, in which everything is recorded and nothing watched, because that is quicker to ask for.
mode: ContextVar[Mode | None] = ContextVar("mode", default=None)
current_mode = mode.get


def is_recording() -> bool:
    """Whether the current thread or task records operations: it is in no ``no_grad`` block."""
    return (current_mode() or Mode()).unrecorded == 0


class Block:
    """A context, or a decorator, that counts itself in one field of the mode while it lasts.

    It holds for the current thread or async task only, nests, and ends with the block however the
    block ends. A decorated generator or coroutine is in the block whenever its own body runs. A
    ``with`` block inside an undecorated generator stays in force for the caller while the generator
    is suspended (Python has one context for both): decorate the generator instead.
    """

    field: ClassVar[str]

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """Make a block; or, as a decorator without parentheses, the decorated function."""
        block = super().__new__(cls)
        return block if function is None else block(function)

    def __enter__(self) -> None:
        self._count(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count(-1)

    def _count(self, change: int) -> None:
        before = current_mode() or Mode()
        after = before._replace(**{self.field: max(getattr(before, self.field) + change, 0)})
        mode.set(after if any(after) else None)

    def __call__(self, function: F) -> F:
        """Decorate ``function``: each call runs in a block of its own."""
        if inspect.isasyncgenfunction(function):
            name = type(self).__name__
            raise TypeError(f"{name} cannot decorate an asynchronous generator; use a with block between its yields")
        wrapper: Any
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def wrapper(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
                return _drive(self, function(*arguments, **keywords))

        elif inspect.iscoroutinefunction(function):

            @wraps(function)
            async def wrapper(*arguments: Any, **keywords: Any) -> Any:
                with self:
                    return await function(*arguments, **keywords)

        else:

            @wraps(function)
            def wrapper(*arguments: Any, **keywords: Any) -> Any:
                with self:
                    return function(*arguments, **keywords)

        return wrapper  # type: ignore[no-any-return]  # functools.wraps keeps the signature


class no_grad(Block):  # noqa: N801 - reads as a statement, like the contexts of NumPy and PyTorch
    """A context, or a decorator, in which nothing is recorded.

    It holds for the current thread or async task only, nests, and ends with the block however the
    block ends. A decorated generator or coroutine is unrecorded whenever its own body runs.

    >>> import tinygrad_np as tg
    >>> x = tg.Tensor(3.0, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    field = "unrecorded"


@contextmanager
def recorded() -> Iterator[None]:
    """A context in which operations are recorded even within ``no_grad``: a transform differentiates all the same."""
    before = current_mode()
    mode.set(before and (before._replace(unrecorded=0) if before.watched else None))
    try:
        yield
    finally:
        mode.set(before)


def _drive(block: Block, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """``generator``, each of its steps in the block; what is sent, thrown and returned passes through."""
    resume: Callable[..., Any] = generator.send
    sent: Any = None
    while True:
        try:
            with block:
                item = resume(sent)
        except StopIteration as stop:
            return stop.value
        try:
            resume, sent = generator.send, (yield item)
        except GeneratorExit:
            with block:
                generator.close()
            raise
        except BaseException as error:
            resume, sent = generator.throw, error
