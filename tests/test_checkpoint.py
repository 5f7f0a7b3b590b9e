"""checkpointed: the same values and gradients to the last bit, less memory, and clear errors."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_np as tg


def network(depth, width=8):
    rng = np.random.default_rng(3)
    weights = [tg.Tensor(rng.normal(size=(width, width)) / width**0.5, requires_grad=True) for _ in range(depth)]
    shared = tg.Tensor(rng.normal(size=width), requires_grad=True)

    def block(w):
        """The shared parameter is used twice in each block, so that the order of additions shows."""
        return lambda x: np.tanh(np.tanh(x @ w + shared) @ w * shared)

    return [*weights, shared], [block(w) for w in weights]


X = np.random.default_rng(5).normal(size=(4, 8))


def run(parameters, blocks, x):
    for p in parameters:
        p.grad = None
    for block in blocks:
        x = block(x)
    loss = np.sum(x * x)
    loss.backward()
    return loss.item(), [p.grad for p in parameters]


def test_values_and_gradients_are_equal_to_the_last_bit():
    parameters, blocks = network(depth=6)
    value, expected = run(parameters, blocks, X)
    again, found = run(parameters, map(tg.checkpointed, blocks), X)
    assert again == value
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_parts_within_parts():
    parameters, blocks = network(depth=6)
    _, expected = run(parameters, blocks, X)

    def three(some):
        return tg.checkpointed(lambda x: tg.Sequential(*map(tg.checkpointed, some))(x))

    _, found = run(parameters, [three(blocks[:3]), three(blocks[3:])], X)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_the_memory_of_a_deep_network_is_that_of_one_part():
    def peak(wrap):
        weights = [tg.Tensor(np.eye(64) * 1.01, requires_grad=True) for _ in range(32)]
        part = lambda some: lambda x: tg.Sequential(*[lambda x, w=w: np.tanh(x @ w) for w in some])(x)
        parts = [wrap(part(weights[i : i + 8])) for i in range(0, 32, 8)]
        x = np.ones((512, 64))
        tracemalloc.start()
        run(weights, parts, x)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(tg.checkpointed) < 0.6 * peak(lambda f: f)


def test_a_module_and_a_closure_get_their_gradients():
    model, scale = tg.nn.Linear(8, 3, rng=0), tg.Tensor(2.0, requires_grad=True)
    y = scale * 3  # computed outside, used inside
    block = tg.checkpointed(lambda x: np.tanh(model(x)) * y)
    np.sum(block(X)).backward()
    found = [p.grad for p in [*model.parameters(), scale]]
    for p in [*model.parameters(), scale]:
        p.grad = None
    np.sum(np.tanh(model(X)) * (scale * 3)).backward()
    for f, p in zip(found, [*model.parameters(), scale]):
        np.testing.assert_array_equal(f, p.grad)


def test_higher_orders_and_transforms():
    f = lambda x: np.sum(np.sin(x) * np.exp(x))
    block, x = tg.checkpointed(f), np.array([0.3, -0.7])
    np.testing.assert_array_equal(tg.grad(block)(x), tg.grad(f)(x))
    np.testing.assert_allclose(tg.hessian(block)(x), tg.hessian(f)(x), rtol=1e-15)
    np.testing.assert_array_equal(tg.jvp(block, (x,), (x,))[1], tg.jvp(f, (x,), (x,))[1])
    np.testing.assert_allclose(tg.grad(tg.grad(lambda s: block(s * x)))(1.0), tg.grad(tg.grad(lambda s: f(s * x)))(1.0))


def test_nested_outputs_of_which_one_is_no_tensor_and_one_was_there_before():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    out = tg.checkpointed(lambda x: {"square": x * x, "more": [np.exp(x), x], "n": 2})(x)
    assert out["n"] == 2
    assert out["more"][1] is x
    (out["square"] + out["more"][0]).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * x.data + np.exp(x.data), rtol=1e-15)


def test_a_retained_graph_can_be_walked_twice_and_a_freed_one_not():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = tg.checkpointed(lambda x: np.sum(x**3))(x)
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad, 6 * x.data**2)
    with pytest.raises(tg.GraphError, match="freed by an earlier backward"):
        y.backward()


def test_a_function_is_run_once_forward_and_once_back():
    calls = []
    block = tg.checkpointed(lambda x: calls.append(1) or np.tanh(x))
    y = block(tg.Tensor([1.0], requires_grad=True))
    assert len(calls) == 1
    y.sum().backward()
    assert len(calls) == 2
    with tg.no_grad():
        assert not block(tg.Tensor([1.0], requires_grad=True)).requires_grad
    assert type(block(np.ones(1))) is np.ndarray


def test_random_numbers_that_differ_are_noticed():
    rng, x = np.random.default_rng(0), tg.Tensor(np.ones(9), requires_grad=True)
    y = tg.checkpointed(lambda x: x * rng.random(9))(x)
    with pytest.raises(tg.GraphError, match=r"gave another value.*random numbers"):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_numbers_are_noticed_however_small_the_values(dtype):
    rng, x = np.random.default_rng(0), tg.Tensor(np.full(9, 1e-6, dtype), requires_grad=True)
    y = tg.checkpointed(lambda x: x * (rng.random(9) < 0.5))(x)
    with pytest.raises(tg.GraphError, match="gave another value"):
        y.sum().backward()


@pytest.mark.parametrize("tracked", [True, False])
def test_a_parameter_frozen_since_is_noticed(tracked):
    w, x = tg.Tensor(2.0, requires_grad=True), tg.Tensor([1.0, 2.0], requires_grad=tracked)
    y = np.sum(tg.checkpointed(lambda x: x * w)(x))
    w.requires_grad = False
    with pytest.raises(tg.GraphError, match="a parameter was frozen or replaced since"):
        y.backward()


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"checkpointed takes a function or a module, got 3"):
        tg.checkpointed(3)


def test_a_parameter_changed_since_is_noticed():
    x = tg.Tensor([1.0], requires_grad=True)
    y = tg.checkpointed(lambda x: x * 1.0)(x)
    x.data = [1.0]
    with pytest.raises(tg.GraphError, match="was changed after it was used"):
        y.backward()


def test_a_function_that_records_more_when_run_again_is_noticed():
    calls = []

    def longer(x):
        for _ in calls:
            x = x * 1.0
        calls.extend([1] * 5)
        return x * 1.0

    y = tg.checkpointed(longer)(tg.Tensor([1.0], requires_grad=True))
    with pytest.raises(tg.GraphError, match="recorded another graph when it was run again"):
        y.backward()
