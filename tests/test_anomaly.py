"""detect_anomaly: who made NaN or infinity, and which saved array was changed."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.recording import current_mode


@pytest.fixture
def x():
    return tg.Tensor([4.0, 0.0, -1.0], requires_grad=True)


@pytest.fixture(autouse=True)
def without_warnings():
    with np.errstate(all="ignore"):
        yield


@tg.operation()
def cliff(x):
    """A value that is finite and a slope that is not."""
    return x * 2, (lambda g: g / (x - x),)


FORWARD = {
    "NaN": (lambda x: np.log(x[2:]), r"log\(float64 \(1,\)\) gave nan in 1 of 1 elements, first at index \(0,\)"),
    "infinity": (
        lambda x: 1 / x[:2],
        r"divide\(1, float64 \(2,\)\) gave inf in 1 of 2 elements, first at index \(1,\)",
    ),
    "a number": (lambda x: np.log(x[1]), r"log\(float64 \(\)\) gave -inf; called at"),
    "overflow": (lambda x: np.exp(x * 1e3), r"exp\(float64 \(3,\)\) gave inf in 1 of 3"),
    "an option": (lambda x: np.sum(x * [1e308, 1, 1] * 4, axis=0, keepdims=True), "gave inf in 1 of 3"),
}


@pytest.mark.parametrize(("f", "message"), FORWARD.values(), ids=FORWARD)
def test_the_operation_whose_value_is_not_finite_is_named(f, message, x):
    f(x)
    with tg.detect_anomaly(), pytest.raises(tg.AnomalyError, match=message):
        f(x)
    assert current_mode() is None


def test_the_users_line_is_named(x):
    with (
        pytest.raises(tg.AnomalyError, match=r"called at .*test_anomaly\.py:\d+: np\.exp\(np\.log\(x\)\)  # here$"),
        tg.detect_anomaly(),
    ):
        np.exp(np.log(x))  # here


def test_the_line_is_that_of_the_call_of_a_model():
    model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), np.log)
    with pytest.raises(tg.AnomalyError, match=r"model\(np\.ones\(\(1, 2\)\)\)$"), tg.detect_anomaly():
        model(np.ones((1, 2)))


def test_nan_that_comes_in_is_not_blamed_on_the_operation():
    data = np.array([[1.0, np.nan]])
    with (
        pytest.raises(
            tg.AnomalyError, match=r"argument 0 of linear.* is nan in 1 of 2 elements, first at index \(0, 1\) already"
        ),
        tg.detect_anomaly(),
    ):
        tg.nn.Linear(2, 3)(data)


def test_infinity_that_comes_in_is_the_users_own(x):
    with tg.detect_anomaly():
        masked = np.where([True, False, True], x, -np.inf)
        y = tg.softmax(masked)
        y[0].backward()
    assert np.isfinite(x.grad).all()


def test_a_gradient_that_is_not_finite_names_operation_argument_and_line(x):
    with tg.detect_anomaly():
        loss = np.sum(cliff(x))
    with pytest.raises(
        tg.AnomalyError,
        match=r"the gradient of argument 0 of cliff\(float64 \(3,\)\) is inf in 3 of 3 .*called at .*np.sum\(cliff",
    ):
        loss.backward()
    assert x.grad is None


def test_the_slope_of_a_second_derivative_is_watched_too(x):
    with tg.detect_anomaly(), pytest.raises(tg.AnomalyError, match="divide"):
        tg.gradients(cliff(x), x, create_graph=True, output_gradients=np.ones(3))


CHANGES = {
    "the data of a leaf": lambda x, b, y: x.data.__setitem__(0, 9.0),
    "an array": lambda x, b, y: b.__setitem__(0, 9.0),
    "a value": lambda x, b, y: y.data.__setitem__(0, 9.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_saved_array_that_was_written_into_is_found(change, x):
    batch = np.array([1.0, 2.0, 3.0])

    def loss():
        y = np.tanh(x)
        return y, np.sum(y * batch * x)

    with tg.detect_anomaly():
        y, z = loss()
    change(x, batch, y)
    with pytest.raises(
        tg.GraphError, match=r"an array that (multiply|tanh)\(.* was written into .*called at .*test_anomaly"
    ):
        z.backward()


def test_an_array_that_no_derivative_needs_may_change(x):
    batch = np.array([1.0, 2.0, 3.0])
    with tg.detect_anomaly():
        z = np.sum(x + batch)
    batch[:] = 0
    z.backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 1])


def test_gradients_are_what_they_are_without_it(x):
    def f(x):
        return np.sum(np.tanh(x) * x / (1 + x * x))

    f(x).backward()
    expected, x.grad = x.grad, None
    with tg.detect_anomaly():
        f(x).backward()
    np.testing.assert_array_equal(x.grad, expected)


def test_it_is_a_decorator_nests_and_leaves_no_grad_alone(x):
    @tg.detect_anomaly()
    def step():
        return np.log(x)

    with pytest.raises(tg.AnomalyError):
        step()
    assert not np.isfinite(np.log(x).data).all()
    with tg.detect_anomaly():
        with tg.detect_anomaly(), tg.no_grad():
            assert not np.log(x).requires_grad
        with pytest.raises(tg.AnomalyError):
            np.log(x)


def test_a_changed_array_is_found_also_where_the_rules_are_run_again(x):
    batch = np.array([1e-12, 2e-12, 3e-12])
    with tg.detect_anomaly():
        loss = np.sum(x * batch)
    batch[:] = 1e-12
    with pytest.raises(tg.GraphError, match=r"an array that multiply\(.* was written into"):
        tg.gradients(loss, x, create_graph=True)


def test_a_derivative_that_writes_into_its_gradient_is_named(x):
    @tg.operation()
    def doubled(x):
        def gx(g):
            g *= 2
            return g

        return x * 2, (gx,)

    with tg.detect_anomaly():
        loss = (np.sin(x) * doubled(x) * 2.0).sum()
    with pytest.raises(tg.GraphError, match=r"the derivative of argument 0 of doubled\(.* wrote into the gradient"):
        loss.backward()
