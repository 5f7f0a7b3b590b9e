"""BatchNorm and LayerNorm: known values, running statistics, small and empty batches, and the two modes."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import BatchNorm, LayerNorm, Linear, Sequential

X = np.array([[1.0, 2.0], [3.0, 6.0]])  # means 2 and 4, variances 1 and 4, unbiased 2 and 8
NEXT = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 2.0]])  # means 1 and 2, unbiased variances 3 and 4


def statistics(layer):
    return [layer.running_mean.copy(), layer.running_var.copy()]


class TestBatchNorm:
    def test_in_training_uses_mean_and_biased_variance_of_the_batch(self):
        layer = BatchNorm(2, eps=1.0)
        layer.weight.data, layer.bias.data = [1, 2], [0, 10]
        y = layer(X)
        np.testing.assert_allclose(y.data, [[-1 / 2**0.5, 10 - 4 / 5**0.5], [1 / 2**0.5, 10 + 4 / 5**0.5]], rtol=1e-15)

    def test_running_statistics_follow_pytorchs_convention(self):
        """running ← 0.9·running + 0.1·batch, from 0 and 1, with the unbiased variance."""
        layer = BatchNorm(2)
        layer(X)
        np.testing.assert_allclose(statistics(layer), [[0.2, 0.4], [1.1, 1.7]], rtol=1e-15)
        layer(NEXT)
        np.testing.assert_allclose(statistics(layer), [[0.28, 0.56], [1.29, 1.93]], rtol=1e-14)

    def test_a_momentum_of_1_keeps_the_last_batch_and_0_none(self):
        last, first = BatchNorm(2, momentum=1), BatchNorm(2, momentum=0)
        for layer in (last, first):
            layer(NEXT)
            layer(X)
        np.testing.assert_allclose(statistics(last), [[2, 4], [2, 8]], rtol=1e-15)
        np.testing.assert_array_equal(statistics(first), [[0, 0], [1, 1]])

    def test_in_evaluation_uses_the_running_statistics_and_leaves_them(self):
        layer = BatchNorm(2, eps=0.5)
        layer.weight.data, layer.bias.data = [1, 2], [0, 10]
        layer.running_mean[...], layer.running_var[...] = [1, 2], [3.5, 15.5]
        y = layer.eval()(X)
        np.testing.assert_allclose(y.data, [[0, 10], [1, 12]], atol=1e-15)
        np.testing.assert_array_equal(statistics(layer), [[1, 2], [3.5, 15.5]])

    def test_in_evaluation_a_row_is_treated_the_same_alone_and_in_any_batch(self):
        layer = BatchNorm(2)
        layer(X)
        layer.eval()
        together = layer(NEXT).data
        for i, row in enumerate(NEXT):
            np.testing.assert_array_equal(layer(NEXT[i : i + 1]).data[0], together[i])
            np.testing.assert_array_equal(layer(row).data, together[i])

    def test_all_axes_before_the_features_are_rows(self):
        x = np.random.default_rng(0).normal(size=(2, 5, 3))
        deep, flat = BatchNorm(3), BatchNorm(3)
        np.testing.assert_allclose(deep(x).data.reshape(10, 3), flat(x.reshape(10, 3)).data, rtol=1e-13)
        np.testing.assert_allclose(statistics(deep), statistics(flat), rtol=1e-13)

    @pytest.mark.parametrize("shape", [(1, 2), (2,), (1, 1, 2)])
    def test_one_row_in_training_is_refused_with_advice_and_changes_nothing(self, shape):
        layer = BatchNorm(2)
        with pytest.raises(ValueError, match=r"needs more than one row, got x of shape \(.*\); give larger batches"):
            layer(np.ones(shape))
        np.testing.assert_array_equal(statistics(layer), [[0, 0], [1, 1]])
        assert layer.eval()(np.ones(shape)).shape == shape

    @pytest.mark.parametrize("shape", [(0, 2), (0, 3, 2), (3, 0, 2)])
    @pytest.mark.parametrize("mode", [True, False])
    def test_no_rows_give_no_rows_and_no_nan(self, shape, mode):
        layer = BatchNorm(2).train(mode)
        x = tg.Tensor(np.zeros(shape), requires_grad=True)
        with np.errstate(all="raise"):
            y = layer(x)
            y.sum().backward()
        assert y.shape == x.grad.shape == shape
        np.testing.assert_array_equal([layer.weight.grad, layer.bias.grad], np.zeros((2, 2)))
        np.testing.assert_array_equal(statistics(layer), [[0, 0], [1, 1]])

    def test_a_failed_call_leaves_the_statistics(self):
        layer = BatchNorm(2)
        with pytest.raises(ValueError, match=r"BatchNorm\(2\) takes x of shape \(..., 2\).*got \(4, 3\)"):
            layer(np.ones((4, 3)))
        np.testing.assert_array_equal(statistics(layer), [[0, 0], [1, 1]])

    def test_a_graph_from_evaluation_keeps_the_statistics_that_it_was_computed_with(self):
        """Training moves them in place; the gradient, by running the rules again too, is that of the value."""
        layer = BatchNorm(2).eval()
        t = tg.Tensor(X, requires_grad=True)
        y = layer(t)
        layer.train()(NEXT + 100)
        gradient = tg.gradients(y, layer.weight, output_gradients=np.ones((2, 2)), create_graph=True)
        np.testing.assert_allclose(gradient.data, (X / np.sqrt(1 + 1e-5)).sum(0), rtol=1e-14)

    def test_constant_features_are_no_trouble(self):
        layer = BatchNorm(1)
        with np.errstate(all="raise"):
            y = layer(np.full((4, 1), 3.0))
            y.sum().backward()
        np.testing.assert_array_equal(y.data, np.zeros((4, 1)))


class TestLayerNorm:
    def test_normalises_each_row_by_its_own_mean_and_biased_variance(self):
        layer = LayerNorm(3, eps=1 / 3)
        layer.weight.data, layer.bias.data = [1, 2, 3], [0, 0, 1]
        y = layer(np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]]))
        np.testing.assert_allclose(y.data, [[-2 / 5**0.5, -2 / 5**0.5, 1 + 9 / 5**0.5], [0, 0, 1]], rtol=1e-15)

    def test_is_the_same_in_training_and_in_evaluation_and_for_a_row_alone(self):
        layer = LayerNorm(2)
        y = layer(NEXT).data
        np.testing.assert_array_equal(layer.eval()(NEXT).data, y)
        np.testing.assert_array_equal(layer(NEXT[1]).data, y[1])

    @pytest.mark.parametrize("shape", [(0, 2), (3, 0, 2)])
    def test_no_rows_give_no_rows(self, shape):
        y = LayerNorm(2)(np.zeros(shape))
        y.sum().backward()
        assert y.shape == shape


LAYERS = [BatchNorm, LayerNorm]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("mode", [True, False])
class TestBoth:
    def test_gradients_agree_with_differences(self, make, mode):
        rng = np.random.default_rng(0)
        layer = make(3, eps=0.1).train(mode)
        layer.weight.data, layer.bias.data = rng.normal(size=3), rng.normal(size=3)
        for shape in [(4, 3), (2, 3, 3)]:
            tg.check_gradients(lambda layer, x: np.tanh(layer(x)), layer, rng.normal(size=shape))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_the_dtype_is_kept_in_values_gradients_and_statistics(self, make, mode, dtype):
        layer = make(2, dtype=dtype).train(mode)
        x = tg.Tensor(X.astype(dtype), requires_grad=True)
        for _ in range(2):
            y = layer(x)
            y.backward(np.ones((2, 2)))
        assert {a.dtype for a in [y.data, x.grad, *[p.grad for p in layer.parameters()]]} == {np.dtype(dtype)}
        wide = np.result_type(dtype, np.float32)  # in which a variance is not soon infinite
        assert {b.dtype for _, b in layer.named_buffers()} <= {wide}

    def test_statistics_keep_their_dtype_though_x_has_another(self, make, mode):
        layer = make(2, dtype=np.float32).train(mode)
        layer(X)
        assert {b.dtype for _, b in layer.named_buffers()} <= {np.dtype(np.float32)}
        layer(X.astype(int).tolist())

    def test_trains(self, make, mode):
        rng = np.random.default_rng(0)
        x = 100 + 10 * rng.normal(size=(40, 2))
        labels = (x[:, 0] > x[:, 1]).astype(int)
        model = Sequential(make(2) if make is BatchNorm else Linear(2, 8, rng=0), make(2 if make is BatchNorm else 8))
        model = Sequential(*model, Linear(2 if make is BatchNorm else 8, 2, rng=1))
        optimizer = tg.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(100):
            optimizer.zero_grad()
            loss = tg.softmax_cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
        predicted = model.train(mode)(x).data.argmax(1)
        assert np.mean(predicted == labels) > 0.9


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"features": 0}, ValueError, "features must be a positive integer, got 0"),
        ({"features": 2.0}, TypeError, "features must be a positive integer, got 2.0"),
        ({"features": (2, 3)}, TypeError, r"features must be a positive integer, got \(2, 3\)"),
        ({"eps": 0}, ValueError, "eps must be a finite number above 0, got 0; give for example eps=1e-05"),
        ({"eps": np.nan}, ValueError, "eps must be a finite number above 0, got nan"),
        ({"eps": "small"}, TypeError, "eps must be a finite number above 0, got 'small'"),
        ({"dtype": int}, TypeError, "dtype must be a floating one"),
    ],
    ids=str,
)
def test_what_they_cannot_be_made_with_is_named(make, options, error, message):
    with pytest.raises(error, match=message):
        make(**{"features": 2, **options})


@pytest.mark.parametrize(
    ("momentum", "error"), [(1.1, ValueError), (-0.1, ValueError), (None, TypeError), (True, TypeError)]
)
def test_a_momentum_out_of_range_is_refused(momentum, error):
    with pytest.raises(error, match=rf"momentum must be a number in \[0, 1\], got {momentum}"):
        BatchNorm(2, momentum=momentum)


@pytest.mark.parametrize("x", [np.ones((4, 3)), np.ones((2, 4)), 5.0, tg.Tensor(5.0), np.ones((2, 1))], ids=np.shape)
@pytest.mark.parametrize("make", LAYERS)
def test_other_features_are_shown_with_what_is_taken(make, x):
    with pytest.raises(
        ValueError, match=rf"{make.__name__}\(2\) takes x of shape \(..., 2\), the features last, got \("
    ):
        make(2)(x)
