"""Threads and processes: the exact sum, or a clear error, and never a wrong number."""

import multiprocessing

import numpy as np
import pytest

import tinygrad_np as tg
from tests.threads import in_threads


def test_threads_with_leaves_of_their_own_do_not_disturb_each_other(switching):
    leaves = [tg.Tensor(np.full(3, float(i + 1)), requires_grad=True) for i in range(4)]

    def work(i):
        for _ in range(50):
            np.tanh(leaves[i] * 0.1).sum().backward()

    assert in_threads(4, work) == []
    for t in leaves:
        np.testing.assert_allclose(t.grad, 50 * 0.1 * (1 - np.tanh(0.1 * t.data) ** 2), rtol=1e-12)


def test_backward_in_many_threads_into_one_leaf_gives_the_exact_sum(switching):
    """So many elements that NumPy lets other threads run while it adds: without a lock some of the sum is lost."""
    leaf = tg.Tensor(np.ones(500_000), requires_grad=True)

    def work(i):
        for _ in range(20):
            (leaf * 2.0).sum().backward()

    assert in_threads(4, work) == []
    np.testing.assert_array_equal(leaf.grad, np.full(500_000, 4 * 20 * 2.0))


def test_two_threads_may_walk_one_retained_graph(switching):
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x**3).sum()
    found = [None] * 4

    def work(i):
        for _ in range(50):
            found[i] = tg.gradients(y, x).data

    assert in_threads(4, work) == []
    for g in found:
        np.testing.assert_array_equal(g, 3 * x.data**2)


def test_many_threads_that_free_one_graph_give_its_gradient_once_or_an_error(switching):
    """Whoever comes too late is told that the graph is freed; nobody adds a part of the gradient."""
    for _ in range(20):
        x = tg.Tensor([1.0, 2.0], requires_grad=True)
        y = x
        for _ in range(20):
            y = y + x
        y = y.sum()
        errors = in_threads(3, lambda i, y=y: y.backward())
        assert all(isinstance(error, tg.GraphError) and "freed" in str(error) for error in errors)
        np.testing.assert_array_equal(x.grad, np.full(2, 21.0) * (3 - len(errors)))


def child(x, queue):
    (x * x).sum().backward()
    with tg.no_grad():
        recorded = (x * 2).requires_grad
    queue.put((x.grad.tolist(), recorded))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # a progress bar may leave a thread
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_after_a_fork_both_processes_are_right():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x**3).sum()  # recorded before the fork, walked after it
    process = context.Process(target=child, args=(x, queue))
    process.start()
    y.backward()
    assert queue.get(timeout=30) == ([2.0, 4.0], False)
    process.join(30)
    assert process.exitcode == 0
    np.testing.assert_array_equal(x.grad, 3 * x.data**2)
