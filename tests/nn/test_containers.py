"""Residual and Flatten; Sequential's own tests are those of networks."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import Flatten, Linear, Residual, Sequential, Tanh


class TestResidual:
    def test_adds_what_comes_in_to_what_the_layers_make_of_it(self):
        x = np.array([[1.0, -2.0]])
        np.testing.assert_array_equal(Residual(lambda x: 10 * x, lambda x: x + 1)(x), [[12, -21]])
        np.testing.assert_array_equal(Residual()(x), 2 * x)

    def test_gradients_of_both_ways_add_up(self):
        x = np.random.default_rng(0).normal(size=(4, 3))
        tg.check_gradients(lambda m, x: m(x), Residual(Linear(3, 3, rng=0), Tanh()), x)
        t = tg.Tensor(x, requires_grad=True)
        Residual(Linear(3, 3, rng=0, weight_init=tg.initializers.zeros))(t).sum().backward()
        np.testing.assert_array_equal(t.grad, np.ones((4, 3)))

    def test_names_indexes_and_slices_as_a_sequential(self):
        model = Sequential(Linear(2, 3, rng=0), Residual(Linear(3, 3, rng=1), np.tanh))
        assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.0.weight", "1.0.bias"]
        assert model[1][1] is np.tanh
        assert type(model[1][:1]) is Sequential

    def test_takes_a_list_and_no_rows(self):
        block = Residual(Linear(2, 2, rng=0, weight_init=tg.initializers.zeros))
        np.testing.assert_array_equal(block([[1.0, 2.0]]).data, [[1, 2]])
        assert block(np.zeros((0, 2))).shape == (0, 2)

    @pytest.mark.parametrize("features", [1, 4])
    def test_layers_that_make_another_shape_are_refused_though_it_would_broadcast(self, features):
        with pytest.raises(ValueError, match=rf"made \(5, {features}\) of \(5, 3\)"):
            Residual(Linear(3, features, rng=0))(np.ones((5, 3)))

    def test_layers_that_give_nothing_are_refused(self):
        with pytest.raises(ValueError, match=r"made \(\) of \(3,\)"):
            Residual(lambda x: None)(np.ones(3))


class TestFlatten:
    @pytest.mark.parametrize(
        ("shape", "expected"),
        [((5, 2, 3), (5, 6)), ((5, 2), (5, 2)), ((0, 2, 3), (0, 6)), ((5, 0, 3), (5, 0)), ((1, 2, 1, 2), (1, 4))],
    )
    def test_keeps_the_first_axis(self, shape, expected):
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        t = tg.Tensor(x, requires_grad=True)
        y = Flatten()(t)
        y.backward(np.ones(expected))
        np.testing.assert_array_equal(y.data, x.reshape(expected), strict=True)
        assert (t.grad.shape, t.grad.dtype) == (shape, np.float32)
        assert type(Flatten()(x)) is np.ndarray

    @pytest.mark.parametrize("x", [5.0, np.ones(3), [1.0, 2.0]], ids=np.shape)
    def test_one_example_is_refused_with_advice(self, x):
        with pytest.raises(
            ValueError, match=r"Flatten takes x of shape \(batch, ...\), got \(.*give one example as x\[None\]"
        ):
            Flatten()(x)


def test_a_network_of_all_kinds_of_layers_agrees_with_differences():
    model = Sequential(
        Flatten(),
        Linear(6, 4, rng=0),
        tg.nn.BatchNorm(4),
        tg.nn.GELU(),
        Residual(tg.nn.LayerNorm(4), Linear(4, 4, rng=1), tg.nn.SiLU()),
        tg.nn.ELU(),
        Sequential(tg.nn.Softplus(), Linear(4, 3, rng=2), tg.nn.Sigmoid()),
        tg.nn.Softmax(),
    )
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    report = tg.check_gradients(lambda m, x: m(x) ** 2, model, x)
    assert report.outcome.name == "RIGHT"
