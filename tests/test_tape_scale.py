"""Long, wide and many graphs: depth, linear cost, and memory. Costs are counted, never timed."""

import gc
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import tape


@pytest.fixture
def no_collector():
    """Reference counting alone has to free everything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(n, x):
    y = x
    for _ in range(n):
        y = y * 1.0
    return y


def wide(n, x):
    """n nodes that all use x and all lead into one."""
    return np.concatenate([x * 1.0 for _ in range(n)]).sum()


def leaf(*values):
    return tg.Tensor(list(values), requires_grad=True)


def test_a_chain_of_100000_operations():
    x = leaf(2.0, 3.0)
    chain(100_000, x).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_a_chain_deeper_than_the_recursion_limit_differentiated_twice():
    x = leaf(1.5)
    y = chain(3 * sys.getrecursionlimit(), x * x)
    slope = tg.gradients(y.sum(), x, create_graph=True)
    np.testing.assert_array_equal(tg.gradients(slope.sum(), x).data, [2])


def test_100000_nodes_into_one():
    x = leaf(2.0)
    wide(100_000, x).backward()
    np.testing.assert_array_equal(x.grad, [100_000])


def test_a_graph_of_200000_nodes_dropped_without_backward(no_collector):
    x = leaf(1.0)
    y = chain(200_000, x)
    last = weakref.ref(y)
    del y
    assert last() is None
    (x * 2).sum().backward()
    assert x.grad == 2


@pytest.mark.parametrize("build", [chain, wide])
def test_the_walk_does_a_fixed_number_of_steps_for_each_node(build, monkeypatch):
    """Heap operations and comparisons of orders, counted: twice the nodes, twice of each (log n for the heap's)."""
    counts = {}

    def costs(n):
        calls = {"derivatives": 0, "pushes": 0, "pops": 0}
        monkeypatch.setattr(tape, "heappush", counted(calls, "pushes", push))
        monkeypatch.setattr(tape, "heappop", counted(calls, "pops", pop))
        x = leaf(1.0)

        @tg.operation()
        def link(x):
            def gx(g):
                calls["derivatives"] += 1
                return g

            return x * 1.0, (gx,)

        monkeypatch.setattr(tg.Tensor, "__mul__", lambda self, other: link(self))
        build(n, x).sum().backward()
        return calls

    push, pop = tape.heappush, tape.heappop
    for n in (50, 100, 200):
        counts[n] = costs(n)
        assert counts[n]["derivatives"] == n
    for name in ("pushes", "pops"):
        growth = [counts[200][name] - counts[100][name], counts[100][name] - counts[50][name]]
        assert growth == [100, 50]


def counted(calls, name, function):
    def count(*arguments):
        calls[name] += 1
        return function(*arguments)

    return count


def test_the_functional_gradient_calls_only_derivatives_that_lead_to_its_inputs():
    called = []

    @tg.operation()
    def spy(x, name):
        return x * 1.0, (lambda g: called.append(name) or g,)

    a, b = leaf(1.0), leaf(2.0)
    y = spy(spy(a, "inner a"), "a") * spy(b, "b")
    tg.gradients(y.sum(), b)
    assert called == ["b"]


def test_a_derivative_that_nobody_needs_is_neither_called_nor_kept():
    big = np.ones(10)
    held = weakref.ref(constant := tg.Tensor(big))
    x = leaf(1.0)
    y = x + constant
    del constant
    assert held() is None
    y.sum().backward()


@pytest.mark.parametrize("walked", [False, True])
def test_a_graph_is_freed_without_the_collector(no_collector, walked):
    x = leaf(1.0, 2.0)
    middle = np.tanh(x * x)
    y = tg.softmax(middle).sum()
    refs = [weakref.ref(t) for t in (middle, y)]
    if walked:
        y.backward()
    del middle, y
    assert [r() for r in refs] == [None, None]


def test_backward_frees_the_arrays_that_a_graph_saved_while_its_output_lives(no_collector):
    class Saved(np.ndarray):
        """An array that can be seen to die."""

    @tg.operation()
    def keeps(x):
        saved = np.ones(3).view(Saved)
        refs.append(weakref.ref(saved))
        return x * 1.0, (lambda g: g * np.asarray(saved),)

    refs = []
    y = keeps(leaf(1.0, 2.0, 3.0)).sum()
    assert refs[0]() is not None
    y.backward()
    assert refs[0]() is None


def test_backward_lets_go_of_the_nodes_behind_an_output_that_lives_on(no_collector):
    def nodes():
        return sum(isinstance(thing, tape.Node) for thing in gc.get_objects())

    before = nodes()
    y = chain(100, leaf(1.0))
    assert nodes() - before >= 100
    y.backward(np.ones(1))
    assert nodes() - before <= 1
    assert y.data == 1


def test_saved_arrays_die_one_after_another_during_the_walk(no_collector):
    """When the derivative of the first operation runs, what the last one saved is gone."""
    alive = []

    class Saved(np.ndarray):
        """An array that can be seen to die."""

    @tg.operation()
    def keeps(x):
        saved = np.ones(1).view(Saved)
        refs.append(weakref.ref(saved))

        def gx(g):
            alive.append(sum(ref() is not None for ref in refs))
            return g * np.asarray(saved)

        return x * 1.0, (gx,)

    refs = []
    y = leaf(1.0)
    for _ in range(4):
        y = keeps(y)
    y.backward(np.ones(1))
    assert alive == [4, 3, 2, 1] or alive == [4, 4, 3, 2]  # the node at hand may still hold its own


def test_a_node_of_four_elements_takes_less_than_700_bytes():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    factor = np.full(4, 1.001)
    tracemalloc.start()
    try:
        y = x
        for _ in range(2000):
            y = y * factor
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 2000 < 700
    assert y.requires_grad


def training_step(weight, data, labels):
    loss = tg.softmax_cross_entropy(np.tanh(data @ weight), labels)
    loss.backward()
    weight.data = weight.data - 0.1 * weight.grad
    weight.grad = None


def second_order_step(weight, data, labels):
    loss = tg.softmax_cross_entropy(np.tanh(data @ weight), labels)
    slope = tg.gradients(loss, weight, create_graph=True)
    (slope * slope).sum().backward()
    weight.grad = None


@pytest.mark.parametrize(("step", "times"), [(training_step, 1000), (second_order_step, 1000)])
def test_memory_is_flat_over_training_without_the_collector(no_collector, step, times):
    rng = np.random.default_rng(0)
    weight = tg.Tensor(rng.normal(size=(2, 3)), requires_grad=True)
    data, labels = rng.normal(size=(4, 2)), np.array([0, 1, 2, 0])
    for _ in range(200):  # until caches of Python and NumPy are filled
        step(weight, data, labels)
    gc.collect()
    before = len(gc.get_objects()), sys.getallocatedblocks()
    for _ in range(times):
        step(weight, data, labels)
    objects = len(gc.get_objects())
    assert gc.collect() == 0  # nothing waited for the collector, which here only empties Python's free lists
    assert objects - before[0] < 50
    assert sys.getallocatedblocks() - before[1] < times / 2  # one object left behind by each step would be more
