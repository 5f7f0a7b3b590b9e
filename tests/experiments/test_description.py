"""A setting is known again by its text, in another process too, and another one is not taken for it."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.experiments.description import described

BIG = np.arange(3_000_000.0).reshape(3, -1)


def adding(n):
    def add(x, y=1):
        """Some text."""
        return x + y + n

    return add


def recursive(depth):
    def inner(n):
        return inner(n - depth)

    return inner


def changed(array, i, value):
    other = array.copy()
    other.flat[i] = value
    return other


class Point:
    def __init__(self, x):
        self.x, self.itself = x, self


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


class Stubborn:
    def __getstate__(self):
        raise TypeError("no copies")


@pytest.mark.parametrize(
    ("value", "same", "others"),
    [
        (
            np.arange(6.0),
            np.arange(12.0)[::2] / 2,
            [np.arange(6), np.arange(6.0).reshape(2, 3), changed(np.arange(6.0), 5, 6)],
        ),
        (BIG, np.asfortranarray(BIG), [changed(BIG, -1, 0), BIG.astype("f4")]),
        (np.array(3.0), np.array(3.0), [np.array(4.0), np.array([3.0]), 3.0]),
        (np.array([None, "a"]), np.array([None, "a"]), [np.array([None, "b"])]),
        (adding(1), adding(1), [adding(2), recursive(1)]),
        (recursive(1), recursive(1), [recursive(2)]),
        (lambda x: x + 1, eval("lambda x:  x + 1"), [lambda x: x + 2, lambda y: y + 1, lambda x, k=1: x + 1]),
        (partial(tg.optim.SGD, lr=0.1), partial(tg.optim.SGD, lr=0.1), [partial(tg.optim.SGD, lr=0.2), tg.optim.SGD]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [{"a": 1}, {"a": "1", "b": 2}]),
        ({1, "a"}, {"a", 1}, [{1}, ["a", 1]]),
        (Point(1), Point(1), [Point(2), Slotted(1)]),
        (Slotted(1), Slotted(1), [Slotted(2)]),
        (Stubborn(), Stubborn(), [None]),
        (Point(1).__init__, Point(1).__init__, [Point(2).__init__]),
        (tg.relu, tg.relu, [tg.sigmoid, np.tanh]),
        (tg.initializers.uniform(0, 1), tg.initializers.uniform(0, 1), [tg.initializers.uniform(0, 2)]),
        (tg.optim.schedules.cosine(0.1, 10), tg.optim.schedules.cosine(0.1, 10), [tg.optim.schedules.cosine(0.1, 11)]),
        (np.random.default_rng(1), np.random.default_rng(1), [np.random.default_rng(2)]),
        (np.float32(0.1), np.float32(0.1), [0.1, np.float64(0.1)]),
        (tg.Tensor([1.0]), tg.Tensor([1.0]), [tg.Tensor([2.0])]),
    ],
)
def test_equal_settings_have_the_same_text_and_others_another(value, same, others):
    assert described(value) == described(same)
    assert " at 0x" not in described(value)
    assert described(value) not in [described(other) for other in others]


def test_what_a_function_says_of_itself_does_not_matter():
    one, other = adding(1), adding(1)
    scope = {}
    exec("def add(x, y=1):\n    'Other text.'\n    return x + y + n".replace("+ n", "+ 1"), scope)
    plain = scope["add"]
    scope = {}
    exec("\n\n\ndef add(x, y=1):\n    return x + y + 1", scope)
    assert described(plain) == described(scope["add"])
    assert described(one) == described(other)


def test_another_process_has_the_same_text():
    program = (
        "import numpy as np, tinygrad_np as tg; from functools import partial;"
        "from tinygrad_np.experiments.description import described;"
        "f = lambda x, names=frozenset('abcdef'): x in {'a', 'b', 'c', 'd'} and names;"
        "print(described([f, partial(tg.optim.Adam, lr=0.1), np.arange(9), {'x': set('abcdef')}]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(texts) == 1
