"""The hand-derived network against numbers worked out by hand, and each place where the printed code slips."""

import math
from itertools import pairwise

import numpy as np
import pytest

from models import reference


def network(sizes, rng, velocities=None):
    """A network with weights and biases normally distributed, in the range where tanh is curved."""
    weights = [rng.normal(size=shape) for shape in pairwise(sizes)]
    return reference.Network(weights, [rng.normal(size=n) for n in sizes[1:]], velocities)


def batch(rng, n, features, classes):
    return rng.normal(size=(n, features)), reference.one_hot(rng.integers(classes, size=n), classes)


# -- by hand ---------------------------------------------------------------------------------------


def one_unit():
    """x = 0.5 through z = tanh(x) to u = (z, -z): with p = e^z / (e^z + e^-z) every number can be written down."""
    return reference.Network([[[1.0]], [[1.0, -1.0]]], [[0.0], [0.0, 0.0]], [[[0.25]], [[0.0, 0.5]]])


Z = 0.46211715726000973  # tanh 0.5
P = 0.7159040902975481  # 1 / (1 + e^(-2 Z))
X, T = np.array([[0.5]]), np.array([[1.0, 0.0]])


def test_forward_by_hand():
    z, u = one_unit().forward(X)
    np.testing.assert_allclose(z[1], [[Z]], rtol=1e-15)
    np.testing.assert_allclose(u, [[Z, -Z]], rtol=1e-15)
    np.testing.assert_allclose(reference.softmax(u), [[P, 1 - P]], rtol=1e-14)
    assert one_unit().predict(X).tolist() == [0]


def test_loss_by_hand():
    assert one_unit().loss(X, T) == pytest.approx(-math.log(P), rel=1e-14)
    assert one_unit().loss(X, T) == pytest.approx(0.33420907309227157, rel=1e-14)


def test_gradients_by_hand():
    w_grads, b_grads = one_unit().gradients(X, T)
    output_delta = [P - 1, 1 - P]
    hidden_delta = -2 * (1 - P) * (1 - Z**2)  # (output_delta · (1, -1)) (1 - z²)
    np.testing.assert_allclose(b_grads[1], output_delta, rtol=1e-14)
    np.testing.assert_allclose(w_grads[1], [[Z * output_delta[0], Z * output_delta[1]]], rtol=1e-14)
    np.testing.assert_allclose(b_grads[0], [hidden_delta], rtol=1e-14)
    np.testing.assert_allclose(w_grads[0], [[0.5 * hidden_delta]], rtol=1e-14)
    np.testing.assert_allclose(b_grads[0], [-0.44685316826077227], rtol=1e-14)


def test_update_by_hand():
    """η = 0.5, M = 0.1: W ← W − η·g + M·dW and dW ← −η·g + M·dW, but b ← b − η·g."""
    net = one_unit()
    w_grads, b_grads = [np.array([[2.0]]), np.array([[1.0, -1.0]])], [np.array([4.0]), np.array([0.0, 1.0])]
    for _ in range(2):
        net.update(w_grads, b_grads, lr=0.5, momentum=0.1)
    # dW of the first layer: 0.25, then −1 + 0.025 = −0.975, then −1 − 0.0975 = −1.0975.
    np.testing.assert_allclose(net.dW[0], [[-1.0975]], rtol=1e-15)
    np.testing.assert_allclose(net.W[0], [[1 - 0.975 - 1.0975]], rtol=1e-14)
    np.testing.assert_allclose(net.dW[1], [[-0.5 - 0.05, 0.5 + 0.055]], rtol=1e-14)
    np.testing.assert_allclose(net.b[0], [-4.0], rtol=1e-15)
    np.testing.assert_allclose(net.b[1], [0.0, -1.0], rtol=1e-15)


@pytest.mark.parametrize("sizes", [(2, 3), (2, 3, 3), (2, 5, 4, 3), (1, 1, 1, 1, 2)])
def test_gradients_are_the_slopes_of_the_loss(sizes):
    """Along a random direction d, (L(W + hd) − L(W − hd)) / 2h = g·d up to h²."""
    rng = np.random.default_rng(7)
    net, (x, t) = network(sizes, rng), batch(rng, 5, sizes[0], sizes[-1])
    w_grads, b_grads = net.gradients(x, t)
    for array, gradient in [*zip(net.W, w_grads), *zip(net.b, b_grads)]:
        direction, start, h = rng.normal(size=array.shape), array.copy(), 1e-5
        array[...] = start + h * direction
        above = net.loss(x, t)
        array[...] = start - h * direction
        slope = (above - net.loss(x, t)) / (2 * h)
        array[...] = start
        assert slope == pytest.approx(np.sum(gradient * direction), rel=1e-7, abs=1e-10)
        assert gradient.any()


# -- where the printed code slips --------------------------------------------------------------------


def test_a_bias_gradient_has_the_biases_shape():
    """Printed: np.zeros_like(self.W[i]), which is (in, out)."""
    rng = np.random.default_rng(0)
    net = network((2, 5, 4, 3), rng)
    w_grads, b_grads = net.gradients(*batch(rng, 6, 2, 3))
    assert [g.shape for g in b_grads] == [(5,), (4,), (3,)]
    assert [g.shape for g in w_grads] == [(2, 5), (5, 4), (4, 3)]


def printed_softmax(u):
    e = np.exp(u - np.max(u))
    with np.errstate(invalid="ignore"):
        return e / np.sum(e, axis=1, keepdims=True)


def test_softmax_of_a_row_far_below_the_batchs_maximum():
    """Printed: the whole batch's maximum is subtracted, and the lower row becomes 0/0."""
    u = np.array([[1000.0, 1000.0], [0.0, math.log(3)]])
    assert np.isnan(printed_softmax(u)[1]).all()
    np.testing.assert_allclose(reference.softmax(u), [[0.5, 0.5], [0.25, 0.75]], rtol=1e-15)


def test_loss_of_an_output_that_underflows():
    """Printed: log(0) = −inf; the loss of a confidently wrong row is as large as its distance."""
    u, t = np.array([[0.0, -1000.0]]), np.array([[0.0, 1.0]])
    assert printed_softmax(u)[0, 1] == 0
    assert reference.cross_entropy(u, t) == 1000.0
    assert reference.cross_entropy(np.array([[0.0, -1e300]]), np.array([[1.0, 0.0]])) == 0.0


def test_velocities_start_at_rest():
    """Printed: np.random.rand, so that the first step adds M·dW at random. Here it is −η·g alone."""
    rng = np.random.default_rng(1)
    net, (x, t) = network((2, 3, 3), rng), batch(rng, 4, 2, 3)
    before, (w_grads, _) = [w.copy() for w in net.W], net.gradients(x, t)
    net.train_epoch(x, t, batch_size=4, lr=0.5, momentum=0.1)
    for w, start, g in zip(net.W, before, w_grads):
        np.testing.assert_allclose(w - start, -0.5 * g, rtol=1e-12, atol=1e-15)


def test_an_epochs_error_weights_a_smaller_last_minibatch_by_its_rows():
    """Printed: the mean of the minibatches' errors. With η = 0 the right one is the loss of all rows."""
    rng = np.random.default_rng(2)
    net, (x, t) = network((2, 3, 3), rng), batch(rng, 5, 2, 3)
    printed = np.mean([net.loss(x[:4], t[:4]), net.loss(x[4:], t[4:])])
    error = net.train_epoch(x, t, batch_size=4, lr=0.0)
    assert error == pytest.approx(net.loss(x, t), rel=1e-14)
    assert abs(error - printed) > 0.01


def test_held_out_rows_are_judged_and_leave_the_network_alone():
    """Printed: calc_loss knows only the outputs of the last forward pass, those trained on."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    labels = np.where(rng.random(200) < 0.3, rng.integers(2, size=200), x[:, 0] > 0)  # a third at random
    t = reference.one_hot(labels, 2)
    net = network((2, 20, 2), rng)
    net.train(x[:20], t[:20], epochs=300, lr=0.1)
    before = [w.copy() for w in net.W]
    assert net.accuracy(x[:20], t[:20]) > net.accuracy(x[20:], t[20:])
    assert net.loss(x[:20], t[:20]) < 0.5 * net.loss(x[20:], t[20:])
    assert all(np.array_equal(w, b) for w, b in zip(net.W, before))


# -- training ----------------------------------------------------------------------------------------


def test_training_takes_minibatches_in_stored_order():
    rng = np.random.default_rng(4)
    x, t = batch(rng, 7, 2, 3)
    whole, stepwise = network((2, 3, 3), np.random.default_rng(5)), network((2, 3, 3), np.random.default_rng(5))
    error = whole.train_epoch(x, t, batch_size=3, lr=0.5, momentum=0.1)
    total = 0.0
    for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
        total += stepwise.loss(x[rows], t[rows]) * len(x[rows])
        stepwise.update(*stepwise.gradients(x[rows], t[rows]), lr=0.5, momentum=0.1)
    assert error == pytest.approx(total / 7, rel=1e-15)
    assert all(
        np.array_equal(a, b) for a, b in zip(whole.W + whole.b + whole.dW, stepwise.W + stepwise.b + stepwise.dW)
    )


def test_train_returns_every_epochs_error_and_learns():
    x = np.repeat([[-1.0, 0.0], [1.0, 0.0]], 4, axis=0)
    t = reference.one_hot(np.repeat([0, 1], 4), 2)
    net = network((2, 3, 2), np.random.default_rng(0))
    errors = net.train(x, t, epochs=50)
    assert errors.shape == (50,)
    assert errors[-1] < 0.05 < errors[0]
    assert net.accuracy(x, t) == 1


def test_arrays_given_are_copied():
    """Whoever gave them may change them in place, as an optimizer does."""
    given = [np.ones((2, 2))], [np.ones(2)], [np.ones((2, 2))]
    net = reference.Network(*given)
    for (array,) in given:
        array += 1
    for array in net.W + net.b + net.dW:
        assert (array == 1).all()


# -- what it refuses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "biases", "velocities", "message"),
    [
        ([], [], None, "a layer has"),
        ([np.ones((2, 3)), np.ones((2, 3))], [np.ones(3), np.ones(3)], None, r"\(2, 3\), \(2, 3\)"),
        ([np.ones((2, 3))], [np.ones(2)], None, r"\(2,\)"),
        ([np.ones((2, 3))], [], None, "a layer has"),
        ([np.ones(3)], [np.ones(())], None, r"\(3,\)"),
        ([np.ones((2, 3))], [np.ones(3)], [np.ones((3, 2))], "velocities"),
    ],
)
def test_shapes_that_make_no_network(weights, biases, velocities, message):
    with pytest.raises(ValueError, match=message):
        reference.Network(weights, biases, velocities)


@pytest.mark.parametrize("wrong", [3, -1, 0.5])
def test_labels_that_are_no_class(wrong):
    with pytest.raises(ValueError, match=rf"label {wrong} in row 1 .* 0 to 2"):
        reference.one_hot([0, wrong], 3)


def test_nothing_to_train_on():
    net = network((2, 3), np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 rows"):
        net.train_epoch(np.empty((0, 2)), np.empty((0, 3)))
    with pytest.raises(ValueError, match="2 rows and 1 labels"):
        net.train_epoch(np.ones((2, 2)), np.ones((1, 3)))
