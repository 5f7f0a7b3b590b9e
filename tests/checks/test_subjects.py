"""What can be checked: functions of Tensors and of arrays, containers, models, gradients derived by hand."""

import math

import numpy as np
import pytest

import tinygrad_np as tg
from tests.checks.test_outcomes import failed
from tinygrad_np.checks import Outcome


class TestHandDerived:
    def test_gradients_of_a_function_of_arrays(self):
        f = lambda x, y: np.sum(x**2 * y)
        report = tg.check_gradients(f, [1.0, 2.0], [3.0, 4.0], gradient=lambda x, y: (2 * x * y, x**2))
        assert [list(checked.claimed) for checked in report.elements] == [["hand-derived"], ["hand-derived"]]

    def test_functions_get_plain_float64_arrays(self):
        seen = set()
        tg.check_gradients(
            lambda x: (seen.add((type(x), x.dtype)), float(x @ x))[1],
            np.ones(3, np.float32),
            gradient=lambda x: (seen.add((type(x), x.dtype)), 2 * x)[1],
        )
        assert seen == {(np.ndarray, np.dtype(np.float64))}

    def test_gradients_stand_beside_autodiffs_where_the_function_takes_tensors(self):
        x = tg.Tensor([1.0, 2.0], requires_grad=True)
        report = tg.check_gradients(lambda x: np.sum(x**3), x, gradient=lambda x: 3 * x.data**2)
        assert list(report.elements[0].claimed) == ["analytic", "hand-derived"]
        report = failed(lambda x: np.sum(x**3), x, gradient=lambda x: 3 * x.data)
        assert list(report.elements[0].wrongs) == ["hand-derived"]
        assert "  index  analytic  hand-derived  numerical" in str(report)
        assert "   (1,)        12             6         12" in str(report)

    @pytest.mark.parametrize(
        "gradient",
        [
            lambda x, y: [y, x],
            lambda x, y: (y.tolist(), x.tolist()),
            lambda x, y: {"y": x, "x": y},
            lambda x, y: (tg.Tensor(y), x),
        ],
        ids=["list", "of lists", "by name", "with a Tensor"],
    )
    def test_gradients_come_in_any_container(self, gradient):
        tg.check_gradients(lambda x, y: np.sum(x * y), np.array([1.0, 2.0]), np.array([3.0, 4.0]), gradient=gradient)

    @pytest.mark.parametrize("result", [2.0, 2, [2.0], np.array([2]), tg.Tensor([2.0])], ids=str)
    def test_gradients_of_one_input_need_no_container(self, result):
        shape = np.shape(result.data if isinstance(result, tg.Tensor) else result)
        tg.check_gradients(lambda x: np.sum(2 * x), np.ones(shape), gradient=lambda x: result)

    @pytest.mark.parametrize("gradient", [lambda x, y: x, lambda x, y: (x, y, x), lambda x, y: {"x": x}])
    def test_gradients_are_counted(self, gradient):
        with pytest.raises(ValueError, match=r"gradient gave \d arrays for the 2 inputs x, y; return one for each"):
            tg.check_gradients(lambda x, y: np.sum(x * y), np.ones(2), np.ones(2), gradient=gradient)

    def test_gradient_of_another_shape_is_wrong(self):
        w, x = np.arange(6.0).reshape(3, 2), np.ones(3)
        report = failed(lambda w: np.sum((x @ w) ** 2), w, gradient=lambda w: 2 * np.outer(x @ w, x))
        assert report.outcome is Outcome.WRONG
        assert "the hand-derived gradient of w has shape (2, 3) where the input has (3, 2)" in str(report)
        assert "transpose" in str(report)

    def test_gradient_of_another_dtype_is_wrong(self):
        report = failed(lambda x: np.sum(x), [1.0, 2.0], gradient=lambda x: np.ones(2, np.float32))
        assert "the hand-derived gradient of x is float32 where the input is float64" in str(report)

    def test_gradient_of_several_numbers_needs_to_be_told_which(self):
        with pytest.raises(ValueError, match=r"must return one number, got shape \(2,\).*output_gradient=w"):
            tg.check_gradients(np.sin, [1.0, 2.0], gradient=np.cos)
        w = np.array([2.0, 3.0])
        tg.check_gradients(np.sin, [1.0, 2.0], gradient=lambda x: w * np.cos(x), output_gradient=w)
        with pytest.raises(ValueError, match=r"output_gradient of shape \(3,\) for an f of shape \(2,\)"):
            tg.check_gradients(np.sin, [1.0, 2.0], output_gradient=np.ones(3))

    @pytest.mark.parametrize(
        ("result", "words"),
        [
            (None, "gradient returned None; is a return missing"),
            ((None, 1.0), "gradient returned None for x; where f does not depend on it, return np.zeros_like"),
            ([1.0, None], "gradient returned None for y; where"),
            ({"x": 1.0, "y": "b"}, "gradient returned 'b' for y; return an array of numbers"),
            ((np.sin, 1.0), "gradient returned <ufunc 'sin'> for x; return an array of numbers"),
            ((1.0, [[1.0], [2.0, 3.0]]), r"gradient returned \[\[1.0\], \[2.0, 3.0\]\] for y; return an array"),
        ],
    )
    def test_that_are_no_arrays_are_named(self, result, words):
        with pytest.raises(TypeError, match=words):
            tg.check_gradients(lambda x, y: x * y, 1.0, 2.0, gradient=lambda x, y: result)

    @pytest.mark.parametrize(
        ("result", "words"), [(None, "None; is a return missing"), ("text", "'text' for x; return an")]
    )
    def test_that_are_no_array_are_named(self, result, words):
        with pytest.raises(TypeError, match=f"gradient returned {words}"):
            tg.check_gradients(lambda x: x * x, 1.0, gradient=lambda x: result)

    @pytest.mark.parametrize("gradient", [np.ones(3), 2.0, (np.sin, np.cos)], ids=["array", "number", "tuple"])
    def test_that_are_no_function_are_refused(self, gradient):
        with pytest.raises(TypeError, match="gradient must be a function of the inputs that returns their gradients"):
            tg.check_gradients(lambda x: np.sum(x), np.ones(3), gradient=gradient)


class TestOutputGradient:
    @pytest.mark.parametrize("w", ["a", None.__class__, [1j, 2], np.array(["a", "b"])], ids=str)
    def test_that_is_no_array_of_real_numbers_is_refused(self, w):
        with pytest.raises(TypeError, match="output_gradient must be an array of real numbers of f's shape, got "):
            tg.check_gradients(np.sin, [1.0, 2.0], output_gradient=w)

    @pytest.mark.parametrize("w", [[np.nan, 1], [np.inf, 1]], ids=str)
    def test_that_is_not_finite_is_refused(self, w):
        with pytest.raises(ValueError, match="output_gradient must be finite"):
            tg.check_gradients(np.sin, [1.0, 2.0], output_gradient=w)

    def test_of_0_checks_nothing(self):
        with pytest.raises(ValueError, match="output_gradient is 0 everywhere, and so is the gradient then"):
            tg.check_gradients(np.sin, [1.0, 2.0], output_gradient=np.zeros(2))


class TestNoGrad:
    def test_around_the_check_is_named(self):
        with (
            tg.no_grad(),
            pytest.raises(ValueError, match=r"within tg\.no_grad\(\) nothing is recorded; check"),
        ):
            tg.check_gradients(lambda x: x * x, 2.0)
        with tg.no_grad():
            tg.check_gradients(lambda x: x * x, 2.0, gradient=lambda x: 2 * x)
            tg.numerical_gradient(lambda x: x * x, 2.0)

    def test_within_the_function_is_thought_of(self):
        assert "computed within tg.no_grad()" in str(failed(tg.no_grad()(lambda x: x * x), 2.0))


class TestNothing:
    @pytest.mark.parametrize(
        ("f", "x", "words"),
        [
            (lambda x: np.sum(x * x), np.zeros((0, 3)), "nothing was checked of x, which has no elements"),
            (lambda x: x[:0], np.ones(3), "nothing was checked, for f gives no elements"),
        ],
    )
    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_to_check_is_said(self, f, x, words, mode):
        report = tg.check_gradients(f, x, mode=mode)
        assert report.right
        assert words in str(report)

    def test_of_one_input_is_said_beside_others(self):
        text = str(tg.check_gradients(lambda x, y: np.sum(x) * np.sum(y), np.zeros(0), 1.0))
        assert "nothing was checked of x, which has no elements" in text


class TestPlaces:
    """f raises beside the point where it was given."""

    @pytest.mark.parametrize("mode", ["fast", "full"])
    def test_where_the_function_raises_are_told(self, mode):
        with pytest.raises(ValueError, match=r"math domain error|nonnegative input") as caught:
            tg.check_gradients(lambda x: math.sqrt(x), 0.0, gradient=lambda x: 1.0, mode=mode)
        (note,) = caught.value.__notes__
        assert note == (
            "f raised this beside the inputs that were given, where check_gradients takes its differences; give inputs "
            "around which f is defined, or a smaller step="
        )

    def test_at_the_inputs_themselves_need_no_word(self):
        with pytest.raises(ZeroDivisionError) as caught:
            tg.check_gradients(lambda x: 1 / 0, 1.0)
        assert not hasattr(caught.value, "__notes__")


class TestContainers:
    def test_of_arrays_are_named_by_path(self):
        p = {"w": np.ones((2, 2)), "layers": [np.ones(2), (3.0,)]}
        f = lambda p: np.sum(p["w"] @ p["layers"][0]) * p["layers"][1][0]
        assert tg.check_gradients(f, p).names == ("p['w']", "p['layers'][0]", "p['layers'][1][0]")

    def test_of_parameters(self):
        layer = tg.nn.Linear(2, 3, rng=0)
        report = tg.check_gradients(lambda params: np.sum(np.ones((1, 2)) @ params[0] + params[1]), layer.parameters())
        assert report.names == ("params[0]", "params[1]")

    def test_of_numbers_are_arrays(self):
        assert tg.check_gradients(lambda x: np.sum(x**2), [[1.0, 2.0], [3.0, 4.0]]).shapes == ((2, 2),)


class TestModels:
    def model(self, dtype=np.float64):
        return tg.Sequential(tg.nn.Linear(2, 3, rng=0, dtype=dtype), np.tanh, tg.nn.Linear(3, 2, rng=1, dtype=dtype))

    def test_are_checked_by_the_names_of_their_parameters(self):
        loss = lambda model: tg.softmax_cross_entropy(model(np.ones((3, 2))), np.array([0, 1, 1]))
        assert tg.check_gradients(loss, self.model()).names == ("0.weight", "0.bias", "2.weight", "2.bias")

    def test_beside_other_inputs_have_their_own_name_before(self):
        f = lambda model, x: np.sum(model(x) ** 2)
        names = ("model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias", "x")
        assert tg.check_gradients(f, self.model(), np.ones((1, 2))).names == names

    def test_of_float32_are_lent_float64_and_get_back_their_own_arrays(self):
        model, seen = self.model(np.float32), set()
        before = [p.data for p in model.parameters()]

        def loss(model):
            seen.update(p.dtype for p in model.parameters())
            return np.sum(model(np.ones((3, 2))) ** 2)

        tg.check_gradients(loss, model)
        assert seen == {np.dtype(np.float64)}
        assert all(p.data is data and p.dtype == np.float32 for p, data in zip(model.parameters(), before))
        with pytest.raises(RuntimeError, match="broken"):
            tg.check_gradients(lambda model: 1 / 0 if (_ for _ in ()).throw(RuntimeError("broken")) else 0, model)
        assert all(p.data is data for p, data in zip(model.parameters(), before))

    def test_given_twice_are_refused(self):
        model = self.model()
        with pytest.raises(ValueError, match="is the same Tensor as"):
            tg.check_gradients(lambda a, b: np.sum(a(np.ones((1, 2)))), model, model)


class TestGradientsByName:
    def test_a_dictionary_goes_by_its_keys_in_any_order(self):
        def f(d):
            return np.sum(d["w"]) + 2 * np.sum(d["b"])

        def gradient(d):
            return {"b": 2 * np.ones(3), "w": np.ones(3)}

        assert tg.check_gradients(f, {"w": np.ones(3), "b": np.ones(3)}, gradient=gradient).right

    @pytest.mark.parametrize("container", [list, tuple])
    def test_dictionaries_in_lists_go_by_their_keys_too(self, container):
        layers = container([{"w": np.ones(2), "b": np.ones(2)}, {"w": np.ones(2), "b": np.ones(2)}])
        slopes = [{"b": 2 * np.ones(2), "w": np.ones(2)}, {"b": 4 * np.ones(2), "w": 3 * np.ones(2)}]
        f = lambda one, two: sum(np.sum(k * a) for k, a in zip((1, 2, 3, 4), (*one.values(), *two.values())))
        assert tg.check_gradients(lambda layers: f(*layers), layers, gradient=lambda layers: container(slopes)).right
        assert tg.check_gradients(f, *layers, gradient=lambda one, two: container(slopes)).right
        with pytest.raises(ValueError, match=r"by these names, not one\['B'\], one\['w'\]"):
            tg.check_gradients(f, *layers, gradient=lambda one, two: [{"B": 1.0, "w": 1.0}, slopes[1]])
        with pytest.raises(ValueError, match=r"gradient gave 5 arrays for the 4 inputs .*, part 2$"):
            tg.check_gradients(f, *layers, gradient=lambda one, two: [*slopes, np.ones(2)])

    @pytest.mark.parametrize("keys", [("B", "w"), ("b",), ("b", "w", "c")])
    def test_other_keys_are_refused_by_name(self, keys):
        given = {"w": np.ones(3), "b": np.ones(3)}
        with pytest.raises(ValueError, match=r"for the 2 inputs d\['w'\], d\['b'\]; return one"):
            tg.check_gradients(
                lambda d: np.sum(d["w"]) + np.sum(d["b"]), given, gradient=lambda d: {key: np.ones(3) for key in keys}
            )

    def test_a_misspelt_name_of_an_input_is_not_taken_for_another(self):
        with pytest.raises(ValueError, match="gradient gave"):
            tg.check_gradients(
                lambda x, y: np.sum(x * y), [1.0], [2.0], gradient=lambda x, y: {"x": np.array(y), "z": np.array(x)}
            )


def test_a_gradient_that_writes_into_its_input_is_named_and_the_input_put_back():
    def gradient(x):
        x *= 2
        return x

    report = failed(lambda x: np.sum(x**2), [1.0, 2.0], gradient=gradient)
    assert report.outcome is Outcome.CHANGES_INPUTS
    assert "gradient writes into its input x; let it write into a copy" in str(report)


def test_a_models_running_statistics_are_put_back_and_its_frozen_parameters_left_out():
    model = tg.Sequential(tg.nn.Linear(3, 3, rng=0), tg.nn.BatchNorm(3))
    model[0].bias.requires_grad = False
    before = model.state_dict()
    x = np.random.default_rng(0).normal(size=(5, 3))
    report = tg.check_gradients(lambda model: np.sum(model(x) ** 3), model)
    assert report.names == ("0.weight", "1.weight", "1.bias")
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
