"""Arrays around a step, in whatever a step can name: read where they are at each step, and never written into."""

import itertools
import operator
import weakref
from collections import ChainMap, UserDict, deque, namedtuple
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from functools import partial, partialmethod, singledispatch, wraps
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pytest

import tinygrad_np as tg

Pair = namedtuple("Pair", "w n")


class Scale(NamedTuple):
    w: object

    def __call__(self, x, compute):
        return compute(x, self.w)

    def applied(self, x, compute):
        return compute(x, self.w)


@dataclass(frozen=True)
class Frozen:
    w: object


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    w: object


@dataclass
class Nested:
    pair: tuple = ()
    more: dict = field(default_factory=dict)


class Callable:
    shared = None

    def __init__(self, w):
        self.w, self.pair = w, (w, 1)

    def __call__(self, x, compute):
        return compute(x, self.w)

    def of_a_pair(self, x, compute):
        return compute(x, self.pair[0])

    @property
    def half(self):
        return self.w

    @staticmethod
    def static(x, compute, w):
        return compute(x, w)

    def __getitem__(self, key):
        return self.pair[key]


class Extended(tuple):
    """With an attribute beside its items."""

    def applied(self, x, compute):
        return compute(x, self.w * self[0][0])


class Child(Callable):
    def __call__(self, x, compute):
        return super().__call__(x, compute)


class ByName(Callable):
    """Whose attribute no code names."""

    def __init__(self, w):
        setattr(self, "hid" + "den", w)

    def __call__(self, x, compute):
        return compute(x, getattr(self, "".join(("hid", "den"))))


class Doubling(dict):
    """A dict with manners of its own."""

    def __getitem__(self, key):
        return 2 * super().__getitem__(key)

    def __setitem__(self, key, value):
        raise RuntimeError("it is frozen")


class Copied:
    """Whose property hides what it keeps by the same name."""

    def __init__(self, w):
        vars(self)["w"] = w

    @property
    def w(self):
        return vars(self)["w"].copy()


class Described:
    """What keeps an attribute of other objects."""

    def __init__(self):
        self.kept = WeakKeyDictionary()

    def __get__(self, thing, kind=None):
        return self if thing is None else self.kept[thing]

    def __set__(self, thing, value):
        if not isinstance(value, np.ndarray):
            raise ValueError("w is an array")
        self.kept[thing] = value


class ByDescriptor:
    w = Described()

    def __init__(self, w):
        self.w = w


def of_a_metaclass(w):
    class Kind(type):
        pair = (w,)

    class Config(metaclass=Kind):
        pass

    return lambda x, c: c(x, Config.pair[0])


def of_a_layer(w):
    class Layer(tg.nn.Module):
        pair = (w, 1)

        def __call__(self, x, c):
            return self.computed(x, c)

        def computed(self, x, c):
            return c(x, self.pair[0])

    return Layer()


def of_one_function_of_several(w):
    @singledispatch
    def step(x, c, w=w):
        return c(x, w)

    return lambda x, c: step(x, c)


def yielding(w):
    while True:
        yield w


def of_a_method_of_a_tuple(w):
    class Around(NamedTuple):
        n: int

        def applied(self, x, compute, pair=(w, 1)):
            return compute(x, pair[0])

    thing = Around(1)
    return lambda x, c: thing.applied(x, c)


def extended(w):
    thing = Extended(((np.ones(1),), 1))
    thing.w = w
    return lambda x, c: thing.applied(x, c)


def with_partialmethod(w):
    class Partial:
        def scaled(self, w, x, compute):
            return compute(x, w)

        method = partialmethod(scaled, w)

    return Partial()


def decorated(w):
    def by(factor):
        def decorator(function):
            @wraps(function)
            def inner(x, compute):
                return compute(x, factor[0])

            return inner

        return decorator

    @by((w,))
    def step(x, compute):
        raise AssertionError

    return step


def closure_of_a_closure(w):
    def outer():
        pair = w, 1

        def inner(x, compute):
            return compute(x, pair[0])

        return inner

    inner = outer()
    return lambda x, compute: inner(x, compute)


def with_attribute(w):
    def step(x, compute):
        return compute(x, step.by[0])

    step.by = (w,)
    return step


def of_a_module(w, name):
    module = ModuleType("settings")
    module.w, module.pair = w, (w, 2)
    return {"w": lambda x, c: c(x, module.w), "pair": lambda x, c: c(x, module.pair[0])}[name]


def of_a_class(w):
    class Config:
        weights = (w, 1)

    return lambda x, c: c(x, Config.weights[0])


def of_an_enum(w):
    class Kind(Enum):
        FIRST = w

    return lambda x, c: c(x, Kind.FIRST.value)


def in_thing(thing, get):
    """A step that takes the array out of a thing that it closes over."""
    return lambda x, compute: compute(x, get(thing))


def first(thing):
    return thing[0]


def w_of(thing):
    return thing.w


def by_default(w, kind):
    def positional(x, compute, w=w):
        return compute(x, w)

    def in_a_tuple(x, compute, pair=(w, 1)):
        return compute(x, pair[0])

    def keyword(x, compute, *, w=w):
        return compute(x, w)

    def pair_by_keyword(x, compute, *, pair=(w, 1)):
        return compute(x, pair[0])

    return locals()[kind]


def taking(w, x, compute, *, more=None):
    return compute(x, w if more is None else more)


LISTED: list = []
TABLED: dict = {}


def of_globals(w):
    LISTED[:] = [(w,)]
    TABLED.update(a=[(w, 1)])
    return lambda x, compute: compute(x, 0.5 * LISTED[0][0] + 0.5 * TABLED["a"][0][0])


def referred(thing):
    """A weak reference to a thing, and what keeps it."""
    return weakref.ref(thing), [thing]


def in_context(w):
    variable = ContextVar("pair")
    variable.set((w, 1))
    return variable


# The ways to an array: what makes, of an array, a step of (x, compute) that computes with it.
WAYS = {
    "a variable": lambda w: lambda x, c: c(x, w),
    "a tuple": lambda w: in_thing((w, 1), first),
    "a tuple in a tuple": lambda w: in_thing(((w, 1), 1), lambda t: t[0][0]),
    "a tuple in a list": lambda w: in_thing([(w,)], lambda t: t[0][0]),
    "a tuple in a dict": lambda w: in_thing({"a": (w,)}, lambda t: t["a"][0]),
    "a list in a tuple": lambda w: in_thing(([w],), lambda t: t[0][0]),
    "a dict in a tuple": lambda w: in_thing(({"a": w},), lambda t: t[0]["a"]),
    "a list in a queue in a tuple": lambda w: in_thing((deque([[w]]),), lambda t: t[0][0][0]),
    "a loop over a tuple": lambda w: in_thing((w, np.zeros(2)), sum),
    "globals": of_globals,
    "a default": lambda w: by_default(w, "positional"),
    "a default that is a tuple": lambda w: by_default(w, "in_a_tuple"),
    "a default by name": lambda w: by_default(w, "keyword"),
    "a tuple by name": lambda w: by_default(w, "pair_by_keyword"),
    "a default of a lambda": lambda w: lambda x, c, w=w: c(x, w),
    "a default of a function that is called": lambda w: partial(lambda f, x, c: f(x, c), by_default(w, "positional")),
    "a partial": lambda w: partial(taking, w),
    "a partial by name": lambda w: partial(taking, None, more=w),
    "a partial of a partial": lambda w: partial(partial(taking, w), more=None),
    "a partial of a tuple": lambda w: partial(lambda t, x, c: c(x, t[0]), (w, 1)),
    "a partial of a method": lambda w: partial(Callable.static, w=w),
    "a partial of a method of a tuple": lambda w: partial(Scale(w).applied),
    "a partial in a tuple": lambda w: (lambda fs: lambda x, c: fs[0](x, c))((partial(taking, w),)),
    "a partial that is called": lambda w: (lambda f: lambda x, c: f(x, c))(partial(taking, w)),
    "a method made of a partial": lambda w: (lambda ours: lambda x, c: ours.method(x, c))(with_partialmethod(w)),
    "a named tuple": lambda w: in_thing(Pair(w, 1), w_of),
    "a callable named tuple": lambda w: Scale(w),
    "a method of a named tuple": lambda w: Scale(w).applied,
    "what a method of a named tuple reads": of_a_method_of_a_tuple,
    "an attribute of a tuple": extended,
    "a queue": lambda w: in_thing(deque([1.0, w]), lambda q: q[-1]),
    "a tuple in a queue": lambda w: in_thing(deque([(w,)]), lambda q: q[0][0]),
    "a frozen dataclass": lambda w: in_thing(Frozen(w), w_of),
    "a tuple in a frozen dataclass": lambda w: in_thing(Frozen((w,)), lambda o: o.w[0]),
    "a frozen dataclass with slots": lambda w: in_thing(FrozenSlots(w), w_of),
    "a dataclass": lambda w: in_thing(Nested((w,)), lambda o: o.pair[0]),
    "a dict of a dataclass": lambda w: in_thing(Nested(more={"a": (w,)}), lambda o: o.more["a"][0]),
    "an object in a tuple": lambda w: in_thing((SimpleNamespace(w=w),), lambda t: t[0].w),
    "a tuple of an object of an object": lambda w: in_thing(
        SimpleNamespace(inner=SimpleNamespace(pair=(w,))), lambda o: o.inner.pair[0]
    ),
    "objects in a set": lambda w: in_thing({Callable(w)}, lambda s: next(iter(s)).w),
    "objects in a frozen set": lambda w: in_thing(frozenset([Callable(w)]), lambda s: next(iter(s)).w),
    "a class": of_a_class,
    "an enumeration": of_an_enum,
    "a module": lambda w: of_a_module(w, "w"),
    "a tuple of a module": lambda w: of_a_module(w, "pair"),
    "a closure of a closure": closure_of_a_closure,
    "a decorator": decorated,
    "an attribute of the function": with_attribute,
    "a callable object": lambda w: Callable(w),
    "a method": lambda w: Callable(w).of_a_pair,
    "a method of the class above": lambda w: Child(w),
    "a property": lambda w: in_thing(Callable(w), lambda o: o.half),
    "an item of an object": lambda w: in_thing(Callable(w), first),
    "an attribute that no code names": lambda w: ByName(w),
    "a Tensor": lambda w: in_thing(tg.Tensor(w), lambda t: t.data),
    "a Tensor in a tuple": lambda w: in_thing((tg.Tensor(w),), lambda t: t[0].data),
    "a Tensor in a partial": lambda w: partial(lambda t, x, c: c(x, t.data), tg.Tensor(w)),
    "a Tensor in a queue": lambda w: in_thing(deque([tg.Tensor(w)]), lambda t: t[0].data),
    "a Tensor of a default": lambda w: (lambda tensor: lambda x, c, t=tensor: c(x, t.data))(tg.Tensor(w)),
    "a Tensor of an object in a tuple": lambda w: in_thing((SimpleNamespace(w=tg.Tensor(w)),), lambda t: t[0].w.data),
    "a view of a dict": lambda w: in_thing(MappingProxyType({"a": w}), lambda m: m["a"]),
    "a UserDict": lambda w: in_thing(UserDict(a=w), lambda m: m["a"]),
    "a ChainMap": lambda w: in_thing(ChainMap({}, {"a": (w,)}), lambda m: m["a"][0]),
    "a method of an array": lambda w: in_thing(w.view, lambda view: view()),
    "a method that no stand-in has": lambda w: in_thing(w.byteswap, lambda swap: swap().byteswap()),
    "a method of a dict": lambda w: in_thing({"a": w}.get, lambda get: get("a")),
    "a weak reference to an object": lambda w: in_thing(referred(Callable(w)), lambda r: r[0]().w),
    "a weak reference": lambda w: in_thing(referred(w), lambda r: r[0]()),
    "a dict of the user's": lambda w: in_thing(Doubling(a=w), lambda d: d["a"]),
    "behind a property": lambda w: in_thing(Copied(w), w_of),
    "behind a descriptor": lambda w: in_thing(ByDescriptor(w), w_of),
    "a metaclass": of_a_metaclass,
    "a class of layers": of_a_layer,
    "a function by the type of its argument": of_one_function_of_several,
    "a compiled step": lambda w: (lambda inner: lambda x, c: inner(x, c))(tg.compiled(lambda x, c, w=w: c(x, w))),
    "a generator": lambda w: in_thing(yielding(w), next),
    "what repeats it": lambda w: in_thing(itertools.repeat(w), next),
    "a context variable": lambda w: in_thing(in_context(w), lambda v: v.get()[0]),
    "a getter": lambda w: (lambda o, get: lambda x, c: c(x, get(o)))(Frozen(w), operator.attrgetter("w")),
    "a scalar": lambda w: (lambda t: lambda x, c: c(x, t[0] * np.ones(2)))((w[:1].reshape(()),)),
}
COMPUTATIONS = {
    "a function": lambda x, w: x + np.sin(w),
    "an item": lambda x, w: x * w[0],
    "a sum": lambda x, w: x * w.sum(),
    "a choice": lambda x, w: np.where(w > 2, x, -x),
    "all alone": lambda x, w: np.cos(w),
}


def together(x, w):
    return sum(compute(x, w) for compute in COMPUTATIONS.values())


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("way", WAYS)
def test_an_array_is_read_where_it_is(way, native):
    for compute in COMPUTATIONS.values() if native is False else [together]:
        w, x = np.ones(2), np.array([1.0, 2.0])
        step = WAYS[way](w)
        compiled = tg.compiled(step, native=native)
        for n in (1, 1, 5, 5, 1):
            w[:] = n
            expected = step(x, compute)
            np.testing.assert_allclose(compiled(x, compute), expected, rtol=1e-14)
            assert type(expected) is np.ndarray  # nothing of a recording was left


COPIES = {"an attribute of a tuple", "a method that no stand-in has"} | {
    "a loop over a tuple",
    "globals",
    "a scalar",
    "a dict of the user's",
    "behind a property",
}


@pytest.mark.parametrize("way", [way for way in WAYS if way not in COPIES])
def test_an_array_is_not_written_into(way):
    def write(x, w):
        w += 1
        return x * w

    w = np.ones(2)
    step = WAYS[way](w)
    writing = tg.compiled(step, native=False)
    with pytest.raises(tg.TracingError, match=r"writes into .* no part of its state|state does not hold"):
        writing(np.ones(2), write)
    np.testing.assert_array_equal(step(np.ones(2), np.multiply), w)  # nothing of a recording was left


@pytest.mark.parametrize("native", [None, False])
def test_an_argument_that_is_an_object_or_a_function(native):
    w, x = np.ones(2), np.array([1.0, 2.0])
    steps = [
        (lambda x, thing: x + np.sin(thing.pair[0]), Callable(w)),
        (lambda x, function: function(x), lambda x, w=w: x + np.sin(w)),
    ]
    for step, thing in steps:
        compiled = tg.compiled(step, native=native)
        for w[:] in (1, 1, 5, 5, 1):
            np.testing.assert_allclose(compiled(x, thing), step(x, thing), rtol=1e-15)


def test_a_number_of_an_argument_that_is_an_object():
    thing, x = Callable(2.0), np.ones(2)
    step = tg.compiled(lambda x, thing: x * thing.w)
    for thing.w in (2.0, 2.0, 3.0, 3.0, 4.0):
        np.testing.assert_array_equal(step(x, thing), x * thing.w)


HELD = {
    "a queue": (lambda w: deque([w]), first),
    "a tuple in a queue": (lambda w: deque([(w,)]), lambda held: held[0][0]),
    "a dict in a tuple": (lambda w: ({"a": (w,)},), lambda held: held[0]["a"][0]),
    "a partial": (lambda w: partial(np.add, w), lambda held: held(0.0)),
    "a method of a named tuple": (lambda w: Scale(w).applied, lambda held: held(0.0, lambda x, w: w * 1)),
}


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("what", HELD)
def test_what_an_object_of_the_state_holds(what, native):
    make, get = HELD[what]
    w, x = np.ones(2), np.array([1.0, 2.0])
    ours = SimpleNamespace(held=make(w))
    step = tg.compiled(lambda x: x + np.sin(get(ours.held)), state=ours, native=native)
    for w[:] in (1, 1, 1, 5, 5, 1):
        np.testing.assert_allclose(step(x), x + np.sin(w), rtol=1e-15)


def test_a_queue_of_the_state_that_changes():
    ours = SimpleNamespace(queue=deque([np.ones(2)]))
    step = tg.compiled(lambda x: ours.queue.append(x * 2), state=ours)
    step(np.ones(2))
    with pytest.raises(tg.TracingError, match=r"the step changes simplenamespace\.queue"):
        step(np.ones(2))
    assert len(ours.queue) == 2


def replacing(what):
    """A step of x, and what puts another array where it takes one."""
    a = np.ones(2)
    queue, listed, table, box = deque([a]), [(a,)], {"a": (a, 1)}, SimpleNamespace(pair=(a,), n=Nested((a,)))
    pair = a, 1
    by_partial = partial(np.add, a)
    proxy = MappingProxyType(table)

    def of_a_pair(x):
        return x + np.sin(pair[0])

    def put_pair(w):
        nonlocal pair
        pair = w, 1

    def of_a_partial(x):
        return by_partial(x)

    def put_partial(w):
        nonlocal by_partial
        by_partial = partial(np.add, w)

    def default(x, w=a):
        return x + np.sin(w)

    def keyword(x, *, pair=(a, 1)):
        return x + np.sin(pair[0])

    ways = {
        "a tuple": (of_a_pair, put_pair),
        "a partial": (of_a_partial, put_partial),
        "a default": (default, lambda w: setattr(default, "__defaults__", (w,))),
        "a default by name": (keyword, lambda w: keyword.__kwdefaults__.update(pair=(w, 1))),
        "a queue": (lambda x: x + np.sin(queue[0]), lambda w: operator.setitem(queue, 0, w)),
        "a list": (lambda x: x + np.sin(listed[0][0]), lambda w: operator.setitem(listed, 0, (w,))),
        "a dict": (lambda x: x + np.sin(table["a"][0]), lambda w: table.update(a=(w, 1))),
        "a view of a dict": (lambda x: x + np.sin(proxy["a"][0]), lambda w: table.update(a=(w, 1))),
        "an object": (lambda x: x + np.sin(box.pair[0]), lambda w: setattr(box, "pair", (w,))),
        "an object of an object": (lambda x: x + np.sin(box.n.pair[0]), lambda w: setattr(box, "n", Nested((w,)))),
    }
    return ways[what] if what else list(ways)


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("what", replacing(None))
def test_another_array_is_met(what, native):
    step, put = replacing(what)
    compiled, x = tg.compiled(step, native=native), np.array([1.0, 2.0])
    for n in (1.0, 1.0, 2.0, 2.0, 3.0):
        w = np.full(2, n)
        put(w)
        for w[:] in (n, n + 0.5, n):
            np.testing.assert_allclose(compiled(x), step(x), rtol=1e-15)


def test_an_array_that_no_code_names_may_change_or_be_replaced():
    ours, x = ByName(np.ones(2)), np.array([1.0, 2.0])
    ours.scale, ours.unread = 2.0, np.ones(2)
    compiled = tg.compiled(lambda x: ours(x, np.multiply) * ours.scale)
    for ours.unread in (np.ones(2), np.ones(2), None, np.ones(3), 1.0):
        np.testing.assert_array_equal(compiled(x), x * 2)
    assert compiled.explain().count("a program of") == 1
    for n in (2.0, 3.0):
        setattr(ours, "hid" + "den", np.full(2, n))
        np.testing.assert_array_equal(compiled(x), x * 2 * n)


def test_an_object_that_says_that_it_has_any_attribute():
    class Any:
        def __getattr__(self, name):
            return Any()

    anything = Any()
    step = tg.compiled(lambda x: x if anything else -x)
    assert [step(np.ones(1)).item() for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("native", [None, False])
def test_a_number_that_is_in_two_places_may_be_replaced_in_one(native):
    n, x = np.array(2.0), np.ones(2)
    box = SimpleNamespace(n=n, same=n)
    pair = n, 1

    def step(x):
        return x * pair[0] + 10 * n + 100 * box.n + 1000 * box.same

    compiled = tg.compiled(step, native=native)
    for k in (2.0, 2.0, 3.0, 4.0):
        n = np.array(k)
        assert compiled(x).tolist() == step(x).tolist()
        box.n = np.array(k)
        assert compiled(x).tolist() == step(x).tolist()


def rebinding(what):
    """A step that puts another array where one was."""
    a = np.ones(2)
    queue, listed, box, table = deque([a, 1]), [a], SimpleNamespace(pair=(a,)), {"a": (a,)}
    pair = a, 1

    def rebound(x):
        nonlocal pair
        pair = pair[0], 2
        return x

    def gone(x):
        nonlocal pair
        del pair
        return x

    ways = {
        "a tuple": rebound,
        "no tuple any more": gone,
        "a queue": lambda x: (queue.rotate(), x)[1],
        "less of a queue": lambda x: (queue.popleft(), x)[1],
        "less of a list": lambda x: (listed.clear(), x)[1],
        "less of a dict": lambda x: (table.pop("a"), x)[1],
        "an attribute": lambda x: (setattr(box, "pair", (a, a)), x)[1],
        "no attribute": lambda x: (delattr(box, "pair"), x)[1],
    }
    return (ways[what], lambda: (pair, *queue, *listed, box.pair, table["a"])) if what else list(ways)


@pytest.mark.parametrize("what", rebinding(None))
def test_what_holds_an_array_is_put_back(what):
    step, held = rebinding(what)
    before = held()
    with pytest.raises(tg.TracingError, match=r"which state does not hold|the step changes"):
        tg.compiled(step)(np.ones(2))
    assert all(map(operator.is_, held(), before))
    assert len(held()) == len(before)


KINDS = {
    "complex": (np.array([1 + 2j, 2 - 1j]), np.abs),
    "bool": (np.array([True, False]), np.logical_not),
    "float32": (np.array([1, 2], np.float32), np.sqrt),
    "text": (np.array(["a", "bcd"]), np.strings.str_len),
    "objects": (np.array([1, 2.5], dtype=object), lambda w: w[0]),
    "dates": (np.array(["2020-01-01", "2021-05-05"], dtype="M8[D]"), lambda w: w.astype(int)),
    "a matrix that is masked": (np.ma.array([1.0, 2.0], mask=[False, True]), lambda w: w.filled(7)),
    "NaN": (np.array([np.nan, 1.0]), np.isnan),
    "what may not be written": (np.broadcast_to(np.array([1.0]), 2), np.sin),
}


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_any_kind(kind, native):
    w, compute = KINDS[kind]
    pair = w, 1
    base = w if w.flags.writeable else w.base
    first, second = base.copy(), base[::-1] * 3 if kind == "what may not be written" else base[::-1].copy()
    step, x = tg.compiled(lambda x: x + compute(pair[0]), native=native), np.array([1.0, 2.0])
    for base[...] in (first, first, first, second, second, first):
        np.testing.assert_array_equal(step(x), x + compute(w))


def test_what_cannot_be_followed_is_an_error():
    held = np.array([np.ones(2), None], dtype=object)
    with pytest.raises(tg.TracingError, match="the step can read held, ndarray of object"):
        tg.compiled(lambda x: x * held[0])(np.ones(2))


def test_a_variable_without_a_value_yet():
    def make():
        def step(x, later=False):
            return x * value[0] if later else x

        compiled = tg.compiled(step)
        assert compiled(np.ones(2)).tolist() == [1, 1]
        value = (np.full(2, 3.0),)
        return compiled

    assert make()(np.ones(2), later=True).tolist() == [3, 3]


def test_the_weight_of_a_loss_of_a_trainer():
    rng, w = np.random.default_rng(0), np.ones(2)
    X = rng.normal(size=(8, 3))

    def grow(*arguments, **keywords):
        w[0] += 0.5

    def last_loss(compiled):
        w[:] = 1
        model = tg.nn.Linear(3, 2, rng=0)
        trainer = tg.Trainer(model, lambda p, t, w=(w, 1): np.mean((p - t) ** 2) * w[0].sum(), "sgd")
        return trainer.fit(X, X[:, :2], epochs=6, compiled=compiled, callbacks=[grow])["loss"][-1]

    assert last_loss("auto") == pytest.approx(last_loss(False), rel=1e-12)
