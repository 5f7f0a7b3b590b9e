"""no_grad: as a context and a decorator, nested, past exceptions, in threads, generators and async tasks."""

import asyncio
import contextvars
import pickle
import threading
from contextlib import suppress

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.recording import is_recording


@pytest.fixture
def x():
    return tg.Tensor([1.0, 2.0], requires_grad=True)


def test_recording_is_on_by_default(x):
    assert is_recording()
    assert (x * 2).requires_grad


def test_nothing_is_recorded_within_the_block(x):
    with tg.no_grad():
        y = np.tanh(x) * x
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, np.tanh(x.data) * x.data)
    assert (x * 2).requires_grad


def test_leaves_made_within_the_block_still_require_a_gradient():
    with tg.no_grad():
        leaf = tg.Tensor(1.0, requires_grad=True)
    (leaf * 3).backward()
    assert leaf.grad == 3


def test_a_graph_recorded_before_can_be_walked_within_the_block(x):
    y = (x * x).sum()
    with tg.no_grad():
        y.backward()
        slope = tg.gradients((tg.Tensor(2.0) * 1), [])
    np.testing.assert_array_equal(x.grad, [2, 4])
    assert slope == ()


def test_blocks_nest_also_one_and_the_same():
    once = tg.no_grad()
    with once:
        with once:
            assert not is_recording()
        assert not is_recording()
        with tg.no_grad():
            assert not is_recording()
        assert not is_recording()
    assert is_recording()


def test_an_exception_ends_the_block_and_passes():
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert is_recording()


def test_a_decorated_function_is_unrecorded_and_keeps_its_name(x):
    @tg.no_grad()
    def predict(x, factor=2):
        """Twice x."""
        return x * factor

    assert not predict(x, factor=3).requires_grad
    assert (predict.__name__, predict.__doc__) == ("predict", "Twice x.")
    assert is_recording()


def test_a_decorated_function_may_call_itself_and_may_raise():
    @tg.no_grad()
    def countdown(n):
        assert not is_recording()
        if n == 0:
            raise ZeroDivisionError
        countdown(n - 1)

    with pytest.raises(ZeroDivisionError):
        countdown(3)
    assert is_recording()


def test_a_decorated_method_gets_its_instance(x):
    class Model:
        @tg.no_grad()
        def predict(self, x):
            return self, (x * 2).requires_grad

    model = Model()
    assert model.predict(x) == (model, False)


def test_another_thread_keeps_recording_and_back():
    inside, outside = threading.Event(), threading.Event()
    seen = {}

    def other():
        inside.wait(10)
        seen["in the thread"] = is_recording()
        with tg.no_grad():
            outside.set()
            seen["in its own block"] = is_recording()

    thread = threading.Thread(target=other)
    thread.start()
    with tg.no_grad():
        inside.set()
        assert outside.wait(10)
    assert is_recording()
    thread.join()
    assert seen == {"in the thread": True, "in its own block": False}


def test_one_block_shared_by_two_threads_leaves_each_as_it_was():
    shared, entered, leave = tg.no_grad(), threading.Event(), threading.Event()
    seen = []

    def other():
        with tg.no_grad(), shared:  # this thread was unrecorded before it entered the shared block
            entered.set()
            leave.wait(10)
        seen.append(is_recording())

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(10)
    with shared:
        leave.set()
        thread.join()
        assert not is_recording()
    assert is_recording()
    assert seen == [True]


def numbers():
    """A generator that reports what it sees, and is sent to, thrown at and closed."""
    try:
        received = yield is_recording()
        with suppress(ValueError):
            yield received, is_recording()
        yield "caught", is_recording()
    finally:
        seen_at_the_end.append(is_recording())
    return "done"


seen_at_the_end = []


@pytest.fixture
def generator():
    seen_at_the_end.clear()
    return tg.no_grad()(numbers)()


def test_a_decorated_generator_is_unrecorded_while_its_body_runs_and_only_then(generator):
    assert next(generator) is False
    assert is_recording()
    assert generator.send("hello") == ("hello", False)
    assert is_recording()
    assert generator.throw(ValueError()) == ("caught", False)
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done"
    assert seen_at_the_end == [False]
    assert is_recording()


def test_closing_a_decorated_generator_runs_its_end_unrecorded(generator):
    next(generator)
    generator.close()
    assert seen_at_the_end == [False]
    assert is_recording()


def test_an_uncaught_exception_thrown_into_a_decorated_generator_passes(generator):
    next(generator)
    with pytest.raises(OSError, match="disk"):
        generator.throw(OSError("disk"))
    assert seen_at_the_end == [False]
    assert is_recording()


def test_a_suspended_decorated_generator_leaves_its_caller_recording(x):
    @tg.no_grad()
    def batches():
        for i in range(3):
            assert not is_recording()
            yield x * i

    for y in batches():
        assert not y.requires_grad
        assert (x * 2).requires_grad


def test_a_decorated_coroutine_is_unrecorded_across_its_awaits():
    @tg.no_grad()
    async def evaluate():
        before = is_recording()
        await asyncio.sleep(0)
        return before, is_recording()

    async def main():
        return await asyncio.gather(evaluate(), observe(), evaluate())

    async def observe():
        seen = [is_recording()]
        await asyncio.sleep(0)
        return [*seen, is_recording()]

    assert asyncio.run(main()) == [(False, False), [True, True], (False, False)]


def test_a_block_in_one_task_does_not_touch_another():
    async def unrecorded():
        with tg.no_grad():
            await asyncio.sleep(0)
            return is_recording()

    async def recorded():
        await asyncio.sleep(0)
        return is_recording()

    async def main():
        return await asyncio.gather(unrecorded(), recorded())

    assert asyncio.run(main()) == [False, True]


def test_a_block_that_ends_in_another_context_than_it_began_leaves_that_one_recording(x):
    """A suspended generator may be finalised anywhere: by another thread, or by the loop of async tasks."""

    def batches():
        with tg.no_grad():
            yield

    suspended = batches()
    contextvars.copy_context().run(next, suspended)
    assert is_recording()
    suspended.close()
    assert is_recording()
    assert (x * 2).requires_grad
    with tg.no_grad():
        assert not is_recording()
    assert is_recording()


def test_decorating_an_asynchronous_generator_is_refused_with_advice():
    async def stream():
        yield 1

    with pytest.raises(TypeError, match="asynchronous generator; use a with block"):
        tg.no_grad()(stream)


def test_a_leaf_pickled_within_the_block_still_requires_a_gradient(x):
    with tg.no_grad():
        copied = pickle.loads(pickle.dumps(x))
    assert copied.requires_grad


def test_the_decorator_works_without_parentheses_too(x):
    @tg.no_grad
    def double(x):
        """Twice as much."""
        return 2 * x

    assert not double(x).requires_grad
    assert (double.__name__, double.__doc__) == ("double", "Twice as much.")
    assert is_recording()
