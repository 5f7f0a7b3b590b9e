"""Dropout: which numbers it leaves out, when it draws, and that masks come again from a saved state."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import Dropout, Linear, Sequential


def replayed(layer, state=None):
    """The layer as a function that draws the same mask each time."""
    state = state or layer.state_dict()

    def f(x):
        layer.load_state_dict(state)
        return layer(x)

    return f


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_part_p_is_0_and_the_others_are_larger_by_1_over_1_minus_p(p, dtype):
    y = Dropout(p, rng=0)(np.ones(40_000, dtype))
    assert y.dtype == dtype
    assert set(np.unique(y)) == {dtype(0), dtype(1) / dtype(1 - p)}
    assert np.mean(y == 0) == pytest.approx(p, abs=0.0125)  # 5σ
    assert y.astype(float).mean() == pytest.approx(1, abs=0.05)


def test_the_mask_is_made_of_the_generators_own_numbers():
    drawn = np.random.default_rng(3).random((2, 4))
    np.testing.assert_array_equal(Dropout(0.25, rng=3)(np.full((2, 4), 3.0)), np.where(drawn >= 0.25, 4.0, 0.0))


def test_the_gradient_passes_through_the_same_mask():
    x = tg.Tensor(np.full(100, 2.0), requires_grad=True)
    y = Dropout(0.5, rng=0)(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, 2 * x.grad)
    assert set(x.grad) == {0, 2}


def test_gradients_agree_with_differences_and_derivatives_of_them_keep_the_mask():
    f = replayed(Dropout(0.5, rng=0))
    x = np.random.default_rng(0).normal(size=(3, 4))
    tg.check_gradients(lambda x: np.tanh(f(x)), x)
    layer = Dropout(0.5, rng=0)
    t = tg.Tensor(x, requires_grad=True)
    first = tg.gradients(np.sum(layer(t) ** 3), t, create_graph=True)
    second = tg.gradients(np.sum(first), t)
    mask = np.where(np.random.default_rng(0).random((3, 4)) >= 0.5, 2.0, 0.0)
    np.testing.assert_allclose(second.data, 6 * mask**3 * x, rtol=1e-14)


def test_each_call_draws_anew():
    layer, x = Dropout(0.5, rng=0), np.ones(50)
    assert not np.array_equal(layer(x), layer(x))


@pytest.mark.parametrize(("p", "mode"), [(0.5, False), (0.0, True)], ids=["evaluation", "p = 0"])
def test_x_itself_comes_out_and_nothing_is_drawn(p, mode):
    layer = Dropout(p, rng=0).train(mode)
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert layer(x) is x
    assert layer.rng.random() == np.random.default_rng(0).random()


def test_float32_is_kept_through_a_network():
    model = Sequential(
        Linear(4, 4, rng=0, dtype=np.float32), Dropout(0.5, rng=0), Linear(4, 2, rng=1, dtype=np.float32)
    )
    y = model(np.ones((3, 4), np.float32))
    y.sum().backward()
    assert {y.dtype, *[p.grad.dtype for p in model.parameters()]} == {np.dtype(np.float32)}


@pytest.mark.parametrize("x", [[1, 1, 1], (1.0, 1.0, 1.0), np.ones(3, int), tg.Tensor([1, 1, 1])])
def test_lists_and_integers_are_taken(x):
    y = Dropout(0.5, rng=0)(x)
    np.testing.assert_array_equal(y.data if isinstance(y, tg.Tensor) else y, [2.0, 0.0, 0.0], strict=True)


@pytest.mark.parametrize("shape", [(0, 3), (0,), ()])
def test_any_shape_is_taken(shape):
    assert Dropout(0.5, rng=0)(np.ones(shape)).shape == shape


def test_a_generator_may_be_shared_and_is_then_drawn_from_in_turn():
    rng = np.random.default_rng(0)
    first, second = Dropout(0.5, rng=rng), Dropout(0.5, rng=rng)
    assert [name for name, _ in Sequential(first, second).named_generators()] == ["0.rng"]
    reference = np.random.default_rng(0).random((2, 8)) >= 0.5
    np.testing.assert_array_equal([first(np.ones(8)) > 0, second(np.ones(8)) > 0], reference)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
@pytest.mark.parametrize("seed", [1, None])
def test_a_loaded_state_goes_on_with_the_same_masks_to_the_bit(kind, seed):
    def model(seed):
        return Sequential(Dropout(0.5, rng=np.random.Generator(kind(seed))), np.tanh, Dropout(0.2, rng=seed))

    first, second = model(seed), model(7)
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    first(x)
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        assert first(x).tobytes() == second(x).tobytes()


def test_a_state_is_a_copy_and_not_moved_by_drawing():
    layer = Dropout(0.5, rng=0)
    state = layer.state_dict()
    once = layer(np.ones(20))
    layer.load_state_dict(state)
    np.testing.assert_array_equal(layer(np.ones(20)), once)


@pytest.mark.parametrize(("p", "error"), [(1, ValueError), (1.0, ValueError), (-0.1, ValueError), (np.nan, ValueError)])
def test_a_p_out_of_range_is_refused_with_advice(p, error):
    with pytest.raises(error, match=rf"p must be a number in \[0, 1\), got {p}; give for example p=0.5"):
        Dropout(p)


@pytest.mark.parametrize("p", ["0.5", None, True, 1j, [0.5]])
def test_a_p_that_is_no_number_is_refused_with_advice(p):
    with pytest.raises(TypeError, match=r"p must be a number in \[0, 1\), got .*; give for example p=0.5"):
        Dropout(p)


@pytest.mark.parametrize("x", ["text", None, [1j], [["a"]]])
def test_what_is_no_real_number_is_refused(x):
    with pytest.raises(TypeError, match=r"x must be real numbers, got .* data"):
        Dropout(0.5)(x)


def test_what_is_no_generator_is_refused():
    with pytest.raises(TypeError, match=r"rng must be a np.random.Generator"):
        Dropout(0.5, rng="x")


def test_a_checkpointed_dropout_is_refused_when_it_runs_again():
    """The second run would draw another mask: an error, never a wrong gradient."""
    block = tg.checkpointed(Sequential(Dropout(0.5, rng=0), np.tanh))
    with pytest.raises(tg.GraphError, match="another"):
        block(tg.Tensor(np.ones(20), requires_grad=True)).sum().backward()
