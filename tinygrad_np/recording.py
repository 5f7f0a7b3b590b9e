"""Whether operations are recorded and watched, and ``no_grad`` to switch recording off for a while."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

Watcher = Callable[[Any, Sequence[Any], Any], None]
F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """How many ``no_grad`` blocks the current thread or task is in, and who is told of each call that is recorded.

    A watcher is called with the node, the arrays that the rule was given, and the value.
    """

    unrecorded: int = 0
    watchers: tuple[Watcher, ...] = ()


# None in the usual mode, in which everything is recorded and nothing watched, because that is quicker to ask for.
mode: ContextVar[Mode | None] = ContextVar("mode", default=None)
current_mode = mode.get


def current_watchers() -> tuple[Watcher, ...]:
    """Who is told of the calls that the current thread or task records."""
    return (current_mode() or Mode()).watchers


def is_recording() -> bool:
    """Whether the current thread or task records operations: it is in no ``no_grad`` block."""
    return (current_mode() or Mode()).unrecorded == 0


class Block(ABC):
    """A context, or a decorator, that changes the mode while it lasts, and holds nothing, so that one may be shared.

    It holds for the current thread or async task only, nests, and ends with the block however the
    block ends. A decorated generator or coroutine is in the block whenever its own body runs. A
    ``with`` block inside an undecorated generator stays in force for the caller while the generator
    is suspended (Python has one context for both): decorate the generator instead.
    """

    @staticmethod
    @abstractmethod
    def entered(before: Mode) -> Mode:
        """The mode within the block."""

    @staticmethod
    @abstractmethod
    def left(within: Mode) -> Mode:
        """The mode after the block."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """Make a block; or, as a decorator without parentheses, the decorated function."""
        if function is not None and not callable(function):
            raise TypeError(f"{cls.__name__} takes no argument, or as a decorator a function; got {function!r}")
        block = super().__new__(cls)
        return block if function is None else block(function)

    def __enter__(self) -> None:
        _set(self.entered(current_mode() or Mode()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(self.left(current_mode() or Mode()))

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

    @staticmethod
    def entered(before: Mode) -> Mode:
        return before._replace(unrecorded=before.unrecorded + 1)

    @staticmethod
    def left(within: Mode) -> Mode:
        return within._replace(unrecorded=max(within.unrecorded - 1, 0))


@contextmanager
def recorded(watchers: tuple[Watcher, ...] | None = None) -> Iterator[None]:
    """A context in which operations are recorded, even within ``no_grad``, and ``watchers``, if given, are told."""
    before = current_mode() or Mode()
    _set(Mode(0, before.watchers if watchers is None else watchers))
    try:
        yield
    finally:
        _set(before)


def _set(wanted: Mode) -> None:
    mode.set(wanted if any(wanted) else None)


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
