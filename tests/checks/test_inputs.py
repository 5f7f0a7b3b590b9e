"""Inputs of every kind: taken apart by name, moved, and as they were afterwards, whatever the function does."""

from functools import wraps

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.test_outcomes import failed
from tinygrad_np.checks import Outcome


def leaf(data, dtype=np.float64):
    return tg.Tensor(np.array(data, dtype), requires_grad=True)


def squares(*tensors):
    return sum(np.sum(x**2) for x in tensors)


class TestTensorsOfTheUser:
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_that_are_given_other_data_are_named_and_get_back_their_own_arrays(self, dtype):
        def f(x, y):
            y.data = y.data + 1
            return squares(x, y)

        x, y = leaf([1.0, 2.0], dtype), leaf([3.0, 4.0], dtype)
        array = y.data
        report = failed(f, x, y)
        assert report.outcome is Outcome.CHANGES_INPUTS
        assert "f writes into its input y; let it write into a copy" in str(report)
        assert y.data is array
        assert y.data.tolist() == [3, 4]
        squares(x, y).backward()
        assert y.grad.tolist() == [6, 8]

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_that_are_written_into_only_later_are_named_and_put_back(self, mode):
        calls = []

        def f(x):
            calls.append(x)
            if len(calls) > 4:
                x.data[1] += 1
            return squares(x)

        x = leaf([1.0, 2.0])
        report = failed(f, x, mode=mode)
        assert report.outcome is Outcome.CHANGES_INPUTS
        assert "f writes into its input x" in str(report)
        assert x.data.tolist() == [1, 2]

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_that_are_given_the_same_numbers_anew_are_checked(self, mode):
        def f(x):
            x.data = np.clip(x.data, -5, 5)
            return squares(x)

        x = leaf([1.0, 2.0])
        array = x.data
        assert tg.check_gradients(f, x, mode=mode).right
        assert x.data is array

    def test_that_share_numbers_are_refused(self):
        array = np.arange(6.0)
        a, b, c = [tg.Tensor(part, requires_grad=True) for part in (array[:3], array[2:5], array[5:])]
        with pytest.raises(ValueError, match="b shares numbers with a, so that neither moves alone; give one of them"):
            tg.check_gradients(lambda a, b: squares(a, b), a, b)
        assert tg.check_gradients(lambda a, c: squares(a, c), a, c).right
        even, odd = [tg.Tensor(array[i::2], requires_grad=True) for i in (0, 1)]
        assert tg.check_gradients(lambda even, odd: squares(even, odd), even, odd).right

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_that_may_not_be_written_into_are_lent_a_copy(self, mode):
        x = leaf([1.0, 2.0])
        x.data.flags.writeable = False
        array = x.data
        assert tg.check_gradients(lambda x: squares(x), x, mode=mode).right
        np.testing.assert_allclose(tg.numerical_gradient(squares, x)[0], [2, 4])
        assert x.data is array


class TestModels:
    def test_in_lists_and_dicts_are_checked_by_path_and_name(self):
        models = {"a": tg.nn.Linear(2, 2, rng=0), "b": [tg.nn.Linear(2, 1, rng=1)]}
        f = lambda models, x: np.sum(models["b"][0](np.tanh(models["a"](x))))
        report = tg.check_gradients(f, models, np.ones((1, 2)))
        assert report.names == (
            *("models['a'].weight", "models['a'].bias", "models['b'][0].weight", "models['b'][0].bias"),
            "x",
        )

    def test_in_a_list_get_back_their_running_statistics(self):
        model = tg.nn.BatchNorm(3)
        x = np.random.default_rng(0).normal(size=(5, 3))
        assert tg.check_gradients(lambda models: np.sum(models[0](x) ** 3), [model]).names[0] == "models[0].weight"
        np.testing.assert_array_equal(model.running_mean, np.zeros(3))

    def test_in_a_list_are_advised_to_eval_where_they_draw(self):
        models = [tg.Sequential(tg.nn.Linear(2, 8, rng=0), tg.nn.Dropout(0.5, rng=1))]
        report = failed(lambda models: np.sum(models[0](np.ones((4, 2)))), models)
        assert report.outcome is Outcome.NOT_DETERMINISTIC
        assert "call model.eval() first" in str(report)

    def test_say_what_is_frozen_in_them(self):
        model = tg.Sequential(tg.nn.Linear(2, 2, rng=0), np.tanh, tg.nn.Linear(2, 2, rng=1))
        model[0].weight.requires_grad = model[2].bias.requires_grad = False
        report = tg.check_gradients(lambda model: np.sum(model(np.ones((1, 2)))), model)
        assert report.names == ("0.bias", "2.weight")
        assert "0.weight and 2.bias are left out, for they are frozen: their requires_grad is False" in str(report)

    def test_that_are_all_frozen_leave_nothing_to_check(self):
        model = tg.nn.Linear(2, 2, rng=0)
        for parameter in model.parameters():
            parameter.requires_grad = False
        with pytest.raises(ValueError, match="no inputs to differentiate by"):
            tg.check_gradients(lambda model: np.sum(model(np.ones((1, 2)))), model)


class TestBadInput:
    @pytest.mark.parametrize(
        ("names", "words"),
        [
            ([1, 2], r"names must be a list of strings, one for each input, got \[1, 2\]"),
            ("ab", "names must be a list of strings, one for each input, got 'ab'"),
            (["a", "a"], r"names must differ, got \['a', 'a'\]"),
            (3, "names must be a list of strings, one for each input, got 3"),
        ],
    )
    def test_of_names(self, names, words):
        with pytest.raises((TypeError, ValueError), match=words):
            tg.check_gradients(lambda x, y: np.sum(x * y), [1.0], [2.0], names=names)

    def test_of_a_masked_array_would_lose_its_mask(self):
        x = np.ma.masked_array([1.0, 2.0], [False, True])
        with pytest.raises(TypeError, match=r"x is a masked array, whose mask would be lost; give x\.compressed"):
            tg.check_gradients(lambda x: np.sum(x * x), x)

    @pytest.mark.parametrize("check", [tg.check_gradients, tg.numerical_gradient])
    @pytest.mark.parametrize("step", [1e-30, 1e-16, 2e-16])
    def test_of_a_step_that_moves_nothing(self, check, step):
        words = f"step={step:.3g} is too small to move x, whose next number after 1000.0 is 1.14e-13 away"
        with pytest.raises(ValueError, match=words):
            check(lambda x, y: np.sum(x * y), [1000.0, 0.0], [0.0, 0.0], step=step)
        assert check(lambda x: 2 * x, 0.0, step=1e-30)

    @pytest.mark.parametrize("x", [np.sin, "abc", None, object()], ids=["a function", "a string", "None", "an object"])
    def test_of_what_is_no_array_is_named(self, x):
        with pytest.raises(TypeError, match=r"y is .*, which has no gradient; give floating numbers"):
            tg.check_gradients(lambda x, y: x * 2, 1.0, x)

    def test_of_a_gradient_without_its_name_says_how_to_give_it(self):
        with pytest.raises(TypeError, match="it takes x, and a gradient is given by its name, gradient="):
            tg.check_gradients(lambda x: np.sum(x**2), np.ones(3), lambda x: 2 * x)

    def test_of_more_inputs_than_the_function_takes(self):
        with pytest.raises(TypeError, match=r"f cannot be called with 2 inputs: too many positional .*; it takes x"):
            tg.check_gradients(lambda x: x * 2, 1.0, 2.0)
        with pytest.raises(TypeError, match=r"f cannot be called with 1 input: missing a required argument: 'y'"):
            tg.check_gradients(lambda x, y: x * y, 1.0)

    def test_is_not_what_a_decorator_gives_another_argument_for(self):
        scaled = lambda x, factor: x * factor
        f = wraps(scaled)(lambda x: scaled(x, 2.0))
        assert tg.check_gradients(f, 1.0).right
