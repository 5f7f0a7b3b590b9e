"""Module: what layers and networks share.

A Module's parameters are the Tensors among its attributes and those of the Modules it holds, in the order in which
they were set, but for Tensors that were computed. What is met twice, a shared parameter or a Module that holds its
parent, counts where it is met first. Arrays among the attributes are its buffers, such as running means; the
Generators are those it draws from. All of them are its state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinygrad_np import states
from tinygrad_np.initializers import as_generator
from tinygrad_np.tensor import Tensor


class Module:
    """Base of layers and networks: subclass it, set Tensors and Modules as attributes, define ``__call__``.

    ``training`` is True until ``eval()``: layers such as Dropout do one thing in training and another after it.

    >>> import numpy as np, tinygrad_np as tg
    >>> class Scale(tg.nn.Module):
    ...     def __init__(self):
    ...         self.factor = tg.Tensor(2.0, requires_grad=True)
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> model = tg.nn.Sequential(tg.nn.Linear(2, 1), Scale())
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '1.factor']
    >>> model
    Sequential(
      (0): Linear(2, 1)  # 3 parameters
      (1): Scale()  # 1 parameter
    )  # 4 parameters
    """

    training = True

    def __call__(self, x: Any) -> Any:
        """The output for the input ``x``."""
        raise TypeError(f"{type(self).__name__} does not define __call__(self, x)")

    # -- what it holds -----------------------------------------------------------------------------

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Pairs of a dotted name and a parameter, in declaration order, each parameter once."""
        return ((name, value) for name, value in self._held(prefix) if isinstance(value, Tensor) and value.is_leaf)

    def parameters(self) -> list[Tensor]:
        """The parameters in declaration order, each once: what an optimizer takes."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Pairs of a dotted name and a Module: this one, by the name "", and all that it holds, each once."""
        yield prefix.removesuffix("."), self
        yield from ((name, value) for name, value in self._held(prefix) if isinstance(value, Module))

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
        """Pairs of a dotted name and an array that is no parameter, such as a running mean."""
        return ((name, value) for name, value in self._held(prefix) if isinstance(value, np.ndarray))

    def named_generators(self, prefix: str = "") -> Iterator[tuple[str, np.random.Generator]]:
        """Pairs of a dotted name and a Generator that a layer draws from, each Generator once."""
        return ((name, value) for name, value in self._held(prefix) if isinstance(value, np.random.Generator))

    def _held(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Pairs of a dotted name and anything that is held at any depth."""
        met = {id(self): self}
        for name, value in self._children():
            yield from _within(value, prefix + name, met)

    def _children(self) -> Iterator[tuple[str, Any]]:
        """Names and values of what this Module holds."""
        yield from vars(self).items()

    # -- training ----------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` of this Module and all that it holds; gives the Module itself."""
        if not isinstance(mode, (bool, np.bool_)):
            raise TypeError(f"mode must be True or False, got {mode!r}; train() and eval() are usual")
        for _, module in list(self.named_modules()):  # listed first, for setting an attribute may add one
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """End training: Dropout drops nothing and BatchNorm goes by its running statistics, until ``train()``."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def reseed(self, rng: np.random.Generator | int | None) -> None:
        """Give every Generator of the model a fresh state that is drawn from ``rng``, one after another.

        >>> import numpy as np, tinygrad_np as tg
        >>> layers = [tg.nn.Dropout(0.5), tg.nn.Dropout(0.5)]  # each from a seed that nobody knows
        >>> for layer in layers:
        ...     layer.reseed(7)
        >>> x = np.ones(8)
        >>> bool((layers[0](x) == layers[1](x)).all())
        True
        """
        rng = as_generator(rng)
        for _, generator in self.named_generators():
            bits = generator.bit_generator
            bits.state = type(bits)(rng.integers(2**32, size=4, dtype=np.uint32)).state

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of parameters and buffers, and the states of Generators, by dotted name.

        What is shared appears once, under its first name. Raises ValueError for two of the same name.
        """
        return {name: _state(value) for name, value in self._stateful().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state`` that ``state_dict()`` of a model like this one gave; dtypes stay.

        The whole state is checked first: if it is refused, nothing has changed. Graphs that were recorded before
        are out of date. Raises ValueError that lists what is missing, unexpected or of another shape, TypeError
        for what is no dictionary.

        >>> import tinygrad_np as tg
        >>> tg.nn.Linear(2, 3).load_state_dict(tg.nn.Linear(2, 1, bias=False).state_dict())
        Traceback (most recent call last):
            ...
        ValueError: the state does not fit Linear: bias is missing; weight has shape (2, 1), expected (2, 3)
        """
        held = self._stateful()
        expected = {name: value.data if isinstance(value, Tensor) else value for name, value in held.items()}
        states.check(type(self).__name__, expected, state)
        for name, value in held.items():
            _check_writable(name, value, state[name])
        for name, value in held.items():
            if isinstance(value, Tensor):
                value.data = state[name]
            elif isinstance(value, np.ndarray):
                value[...] = state[name]
            else:
                states.restore_generator(value, state[name])

    def _stateful(self) -> dict[str, Any]:
        """What has a state, by name: leaves, arrays and Generators."""
        found: dict[str, Any] = {}
        for name, value in self._held():
            if isinstance(value, (np.ndarray, np.random.Generator)) or (isinstance(value, Tensor) and value.is_leaf):
                if name in found:
                    raise ValueError(f"two things in the model are named {name}; rename a key of their dictionary")
                found[name] = value
        return found

    # -- text --------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses in the text of this Module: its options. A subclass says its own."""
        return ""

    def __repr__(self) -> str:
        from tinygrad_np.nn.description import described  # like the table's, needed by few programs

        return described(self, Module.__repr__)

    def summary(self, input_shape: tuple[int, ...]) -> str:
        """A table of the layers: name, layer, shape of its output for an input of ``input_shape``, parameters.

        ``input_shape`` is that of what the model is called with, batch and all. A copy of the model is run on zeros,
        in evaluation: no running statistics, Generators or gradients change.

        >>> import numpy as np, tinygrad_np as tg
        >>> print(tg.Sequential(tg.nn.Linear(2, 8), np.tanh, tg.nn.Linear(8, 3)).summary((5, 2)))
        name   layer         output shape  parameters
        0      Linear(2, 8)  (5, 8)                24
        1      tanh          (5, 8)                 0
        2      Linear(8, 3)  (5, 3)                27
        total                                      51
        """
        from tinygrad_np.nn.summary import table

        return table(self, input_shape)


def _within(value: Any, name: str, met: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    """``value`` and what is in it, where it is a Module, or a list, tuple or dict.

    What was ``met`` before is passed over, for Modules may hold each other. They are told apart by
    id, as two that are equal are still two, and held meanwhile, lest an id be given to another.
    """
    if id(value) in met:
        return
    met[id(value)] = value
    yield name, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Module):
        items = value._children()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    for key, item in items:
        yield from _within(item, f"{name}.{key}", met)


def _state(value: Any) -> Any:
    """A copy of an array or of a leaf's data; a Generator's state."""
    if isinstance(value, (Tensor, np.ndarray)):
        return (value.data if isinstance(value, Tensor) else value).copy()
    return states.of_generator(value)


def _check_writable(name: str, value: Any, state: Any) -> None:
    """Refuse what would fail halfway: a buffer that is read-only, and a state that is no Generator's."""
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        raise ValueError(f"{name} is a read-only array; load into a model whose arrays can be written")
    if not isinstance(value, (Tensor, np.ndarray)):
        twin = np.random.Generator(type(value.bit_generator)())
        try:
            states.restore_generator(twin, state)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
