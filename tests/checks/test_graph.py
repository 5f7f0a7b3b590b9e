"""check_graph: the first wrong operation of a recorded graph, by name, shapes and line."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import ROWS
from tests.checks.rules import rule
from tests.differences import leaves

crooked = rule(lambda x: x**3, lambda g, x: g * 2 * x**2)


def loss_of(x):
    y = np.tanh(x)
    z = crooked(y)  # the wrong one
    return np.sum(z * y)


@pytest.fixture
def x():
    return tg.Tensor([[1.0, 2.0], [0.5, -1.0]], requires_grad=True)


class TestNames:
    def test_the_first_wrong_operation_with_shapes_line_and_rule(self, x):
        with pytest.raises(tg.GradientError) as caught:
            tg.check_graph(lambda: loss_of(x))
        text = str(caught.value)
        assert "operation 2 of 4, wrong(float64 (2, 2)), called at " in text
        assert "test_graph.py" in text
        assert "z = crooked(y)  # the wrong one, is the first that is wrong: its rule, at " in text
        assert "rules.py:" in text
        assert "the claimed gradient is 0.666667 times the numerical one, everywhere" in text

    def test_the_line_of_a_live_graph_that_detect_anomaly_noted(self, x):
        with tg.detect_anomaly():
            loss = loss_of(x)
        with pytest.raises(tg.GradientError, match="z = crooked"):
            tg.check_graph(loss)

    def test_how_to_get_the_line_of_a_graph_recorded_without_it(self, x):
        with pytest.raises(tg.GradientError, match=r"within tg\.detect_anomaly\(\), or give check_graph a function"):
            tg.check_graph(loss_of(x))

    def test_the_wrong_argument(self, x):
        product = rule(lambda a, b: a * b, lambda g, a, b: g * b, lambda g, a, b: g * b)
        with pytest.raises(tg.GradientError, match="the gradient of argument 1 is wrong in 4 of 4 elements"):
            tg.check_graph(np.sum(product(np.exp(x), x)))

    def test_an_operation_whose_saved_array_was_written_into(self, x):
        y = np.exp(x)
        loss = np.sum(y * y)
        y.data[0, 0] = 9
        with pytest.raises(tg.GradientError, match=r"operation 1 of 3, exp\(.*or an array that it saved and that was"):
            tg.check_graph(loss)

    @pytest.mark.parametrize(
        "derivative",
        [
            lambda g, x: 0 * g,
            lambda g, x: g * np.nan,
            lambda g, x: (g * 3 * x**2).astype(np.float32),
            lambda g, x: np.concatenate([g, g]),
            lambda g, x: g * 3 * x**2 * 1.001,
        ],
        ids=["zero", "nan", "float32", "shape", "1.001"],
    )
    def test_every_kind_of_wrong_derivative(self, x, derivative):
        with pytest.raises(tg.GradientError, match=r"operation 1 of 2, wrong\("):
            tg.check_graph(np.sum(rule(lambda x: x**3, derivative)(x)))


class TestPasses:
    @pytest.mark.parametrize(
        "row", [row for row in ROWS if type(row.operation).__name__ != "Composition"], ids=lambda row: row.name
    )
    def test_every_operation(self, row):
        variant = row.variants[0]
        y = row.on(*leaves(variant.arrays), **variant.options)
        report = tg.check_graph(np.sum(y * y))
        assert report.operations >= 3

    @pytest.mark.parametrize("dtype", [np.float32, np.float16])
    def test_lower_dtypes(self, dtype):
        x = tg.Tensor(np.array([1, 2, 3], dtype), requires_grad=True)
        assert tg.check_graph(np.sum(np.exp(x) * np.sin(x) / x)).unsaid == ()

    def test_a_network_and_leaves_its_graph_alive(self):
        model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.tanh, tg.nn.Linear(3, 2, rng=1))
        loss = tg.softmax_cross_entropy(model(np.ones((4, 2))), np.array([0, 1, 1, 0]))
        assert str(tg.check_graph(loss)) == "right: 4 of 4 operations"
        loss.backward()

    def test_kinks_and_values_that_are_not_finite_are_listed(self):
        x = tg.Tensor([0.0, 1.0], requires_grad=True)
        with np.errstate(divide="ignore"):
            report = tg.check_graph(lambda: np.sum(tg.relu(x) + 1 / (1 + np.exp(np.log(x)))))
        assert report.operations == 7
        first, second, third = report.unsaid
        assert "relu(float64 (2,))" in first
        assert "not differentiable" in first
        assert "log(float64 (2,))" in second
        assert "f is -inf in 1 of 2 elements" in second
        assert "exp(float64 (2,))" in third
        assert str(report).startswith("right: 4 of 7 operations\n")


class TestBadInput:
    def test_without_a_graph(self):
        with pytest.raises(tg.GraphError, match="no graph to check"):
            tg.check_graph(tg.Tensor(1.0) * 2)

    def test_freed(self, x):
        loss = np.sum(x * x)
        loss.backward()
        with pytest.raises(tg.GraphError, match="freed"):
            tg.check_graph(loss)

    @pytest.mark.parametrize("result", [1.0, None, np.ones(2)], ids=str)
    def test_of_a_function_that_gives_no_tensor(self, result):
        with pytest.raises(TypeError, match="where a Tensor was expected"):
            tg.check_graph(lambda: result)

    def test_that_is_neither(self):
        with pytest.raises(TypeError, match="a Tensor, or a function"):
            tg.check_graph(3.0)
