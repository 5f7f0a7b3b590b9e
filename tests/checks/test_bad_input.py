"""Checks that cannot be made say why."""

import numpy as np
import pytest

import tinygrad_np as tg

CHECKS = [tg.check_gradients, tg.numerical_gradient]


class TestBadInput:
    @pytest.mark.parametrize("check", CHECKS)
    def test_of_nothing_to_differentiate_by_is_refused(self, check):
        with pytest.raises(ValueError, match=r"no inputs .*\(f, x1, x2\) or \(f, model\)"):
            check(lambda: tg.Tensor(1.0))
        with pytest.raises(ValueError, match="no inputs"):
            check(lambda *_: tg.Tensor(1.0), *tg.Sequential(np.tanh).parameters())

    @pytest.mark.parametrize("x", [1, [1, 2], np.array([True]), np.array([1j]), "text"], ids=lambda x: str(x)[:20])
    def test_that_is_not_floating_is_refused(self, x):
        with pytest.raises(TypeError, match="has no gradient; give floating numbers"):
            tg.check_gradients(lambda t: t * t, x)

    @pytest.mark.parametrize(
        "x",
        [
            tg.Tensor([1.0]),
            tg.Tensor([1.0], requires_grad=True) * 2,
        ],
        ids=["constant", "computed"],
    )
    def test_that_is_a_tensor_but_no_leaf_is_named(self, x):
        with pytest.raises(ValueError, match="slope must be an array or a leaf that requires a gradient"):
            tg.check_gradients(lambda t: t * t, x, names=["slope"])

    @pytest.mark.parametrize("names", [[], ["a"], ["a", "b", "c"]], ids=len)
    def test_of_names_is_counted(self, names):
        with pytest.raises(ValueError, match=f"{len(names)} names for 2 inputs"):
            tg.check_gradients(lambda x, y: x * y, 1.0, 2.0, names=names)

    @pytest.mark.parametrize(
        "result", [lambda t: t.data, lambda t: 1.0, lambda t: None], ids=["array", "number", "None"]
    )
    def test_of_a_function_that_gives_no_tensor_is_said(self, result):
        with pytest.raises(TypeError, match="where a Tensor was expected"):
            tg.check_gradients(result, [1.0, 2.0])

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("mode", "quick", "there is no mode 'quick'. Choose from: auto, fast, full"),
            ("mode", "Full", "there is no mode 'Full', did you mean 'full'?"),
            ("mode", [], r"the name of the mode must be a string, got \[\]"),
            ("method", "forward", "there is no method 'forward'. Choose from: central, complex, taylor"),
            ("order", 0, "order must be a positive integer, got 0"),
            ("order", True, "order must be a positive integer, got True"),
            ("order", 1.5, "order must be a positive integer, got 1.5"),
            ("directions", 0, "directions must be a positive integer, got 0"),
            ("directions", True, "directions must be a positive integer, got True"),
            ("rtol", -1.0, "rtol must be a finite number, 0 or above, got -1.0"),
            ("rtol", float("inf"), "rtol must be a finite number, 0 or above, got inf"),
            ("rtol", "a", "rtol must be a finite number, 0 or above, got 'a'"),
            ("atol", float("nan"), "atol must be a finite number, 0 or above, got nan"),
            ("atol", None, "atol must be a finite number, 0 or above, got None"),
            ("step", 0.0, "step must be a finite number above 0, got 0.0"),
            ("step", "x", "step must be a finite number above 0, got 'x'"),
            ("seed", -1, "seed must be an integer of at least 0, got -1"),
            ("seed", "x", "seed must be an integer of at least 0, got 'x'"),
            ("dodge", 3, "dodge must be True or False, got 3"),
            ("allow_unused", "x", "allow_unused must be True or False, got 'x'"),
        ],
    )
    def test_of_options_is_named_with_its_value(self, option, value, words):
        with pytest.raises((TypeError, ValueError), match=words):
            tg.check_gradients(lambda x: x * x, 1.0, **{option: value})

    @pytest.mark.parametrize(("option", "value"), [("seed", -1), ("rtol", "a"), ("atol", -1.0)])
    def test_of_options_of_a_graph_is_named_too(self, option, value):
        with pytest.raises((TypeError, ValueError), match=f"{option} must be .*, got {value!r}"):
            tg.check_graph(lambda: pytest.fail("was called"), **{option: value})

    def test_of_a_step_of_numerical_gradient_is_named_too(self):
        with pytest.raises(ValueError, match="step must be a finite number above 0, got 0"):
            tg.numerical_gradient(np.sum, 1.0, step=0)

    def test_of_a_method_that_has_no_second_order_is_said(self):
        with pytest.raises(ValueError, match="through which no gradient is recorded, as order=2 needs; use method='ce"):
            tg.check_gradients(lambda x: np.sum(np.sin(x)), 1.0, method="complex", order=2)

    @pytest.mark.parametrize("f", [None, 3.0, tg.Tensor(1.0)], ids=["None", "a number", "a Tensor"])
    def test_of_what_is_no_function_is_said(self, f):
        with pytest.raises(TypeError, match="for the function to check; give a function of the inputs"):
            tg.check_gradients(f, 1.0)

    def test_a_shape_that_changes_from_call_to_call_is_said(self):
        shapes = iter([(2,), (3,)])
        with pytest.raises(ValueError, match=r"f returned shape \(3,\) after \(2,\); its shape must not change"):
            tg.check_gradients(lambda x: x * np.ones(next(shapes)), 1.0)
