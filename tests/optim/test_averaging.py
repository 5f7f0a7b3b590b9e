"""The moving average of weights: its recurrence, the swap, the state."""

import math

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import SGD, MomentumSGD, MovingAverage


def leaf(*values, dtype=np.float64):
    return tg.Tensor(values, requires_grad=True, dtype=dtype)


def test_follows_its_recurrence():
    p = leaf(1.0, 2.0)
    average, expected = MovingAverage([p], decay=0.75), np.array([1.0, 2.0])
    for t in range(4):
        p.data = np.array([t, 1.0])
        average.update()
        expected = 0.75 * expected + 0.25 * p.data
    with average.swapped():
        np.testing.assert_allclose(p.data, expected, rtol=1e-15)


def test_with_a_decay_that_grows_is_the_plain_mean():
    p = leaf(4.0)
    average = MovingAverage([p], decay=lambda t: (t + 1) / (t + 2))
    for value in (1.0, 4.0, 7.0):
        p.data = [value]
        average.update()
    with average.swapped():
        np.testing.assert_allclose(p.data, [(4 + 1 + 4 + 7) / 4], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_swap_keeps_the_dtype(dtype):
    p = leaf(1.0, dtype=dtype)
    average = MovingAverage([p])
    average.update()
    with average.swapped():
        assert p.dtype == dtype


@pytest.mark.parametrize(("dtype", "value", "decay"), [(np.float16, 1.2, 0.999), (np.float32, 1.0001, 0.9999)])
def test_small_steps_of_a_narrow_dtype_are_not_rounded_away(dtype, value, decay):
    p = leaf(1.0, dtype=dtype)
    average = MovingAverage([p], decay)
    p.data = [value]
    for _ in range(10_000):
        average.update()
    expected = p.data[0] + (1 - p.data[0].astype(float)) * decay**10_000
    assert average.averages["0"][0] == pytest.approx(expected, rel=1e-9)


class TestSwap:
    def test_does_not_disturb_training(self):
        ends = []
        for swaps in (False, True):
            p, q = leaf(3.0, -1.0), leaf(2.0)
            optimizer = MomentumSGD([p, q], lr=0.1)
            average = MovingAverage(optimizer, decay=0.5)
            for _ in range(4):
                optimizer.step(lambda p=p, q=q: np.sum(p * p) + np.sum(q**3))
                average.update()
                if swaps:
                    with average.swapped():
                        assert not np.array_equal(p.data, average)
            ends.append([p.data.tolist(), q.data.tolist()])
        assert ends[0] == ends[1]

    def test_comes_back_after_an_exception(self):
        p = leaf(1.0)
        average = MovingAverage([p])
        p.data = [2.0]
        with pytest.raises(KeyError), average.swapped():
            {}[p.data[0]]
        assert p.data[0] == 2
        with average.swapped():
            assert p.data[0] == 1

    def test_is_not_changed_by_a_step_inside(self):
        p = leaf(1.0)
        optimizer, average = SGD([p], lr=1.0), MovingAverage([p])
        with average.swapped():
            optimizer.step(lambda: p.sum())
            assert p.data[0] == 0
        assert (p.data[0], average.averages["0"][0]) == (1, 1)

    def test_inside_itself_and_an_update_there_are_refused(self):
        average = MovingAverage([leaf(1.0)])
        with average.swapped():
            with pytest.raises(RuntimeError, match="swapped in already"), average.swapped():
                pass
            with pytest.raises(RuntimeError, match="leave swapped"):
                average.update()
        average.update()

    def test_makes_older_graphs_out_of_date(self):
        p = leaf(1.0)
        average = MovingAverage([p])
        loss = (p * p).sum()
        with average.swapped(), pytest.raises(tg.GraphError, match="changed after it was used"):
            loss.backward()

    def test_reaches_frozen_parameters(self):
        p = leaf(1.0)
        average = MovingAverage([p])
        p.requires_grad = False
        p.data = [3.0]
        with average.swapped():
            assert p.data[0] == 1
        assert p.data[0] == 3


class TestState:
    def test_goes_on(self):
        p = leaf(1.0)
        average, other = MovingAverage([p], decay=0.5), MovingAverage([p], decay=0.5)
        p.data = [3.0]
        average.update()
        other.load_state_dict(average.state_dict())
        average.update()
        other.update()
        assert (other.updates, other.averages["0"][0]) == (2, average.averages["0"][0]) == (2, 2.5)

    @pytest.mark.parametrize(
        ("state", "message"),
        [
            ({}, "updates is missing; averages is missing"),
            ({"updates": 1, "averages": {}}, "0 is missing"),
            ({"updates": 1, "averages": {"0": np.zeros(3)}}, r"0 has shape \(3,\), expected \(1,\)"),
            ({"updates": -1, "averages": {"0": np.zeros(1)}}, "updates must be an integer of at least 0, got -1"),
        ],
    )
    def test_that_does_not_fit_changes_nothing(self, state, message):
        average = MovingAverage([leaf(1.0)])
        with pytest.raises(ValueError, match=message):
            average.load_state_dict(state)
        assert (average.updates, average.averages["0"][0]) == (0, 1)


@pytest.mark.parametrize(
    ("decay", "error"),
    [
        (1.0, ValueError),
        (-0.1, ValueError),
        (math.nan, ValueError),
        ("0.9", TypeError),
        (True, TypeError),
        (lambda t: 2, ValueError),
    ],
)
def test_a_decay_that_is_none_is_refused(decay, error):
    with pytest.raises(error, match="decay must be a number in"):
        MovingAverage([leaf(1.0)], decay)


def test_is_shown_with_its_numbers():
    assert repr(MovingAverage([leaf(1.0)], 0.5)) == "MovingAverage(1 parameter: decay=0.5, updates=0)"


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "empty parameter list"),
        ([np.ones(2)], TypeError, "params must be Tensors, got ndarray"),
        ([("a", leaf(1.0)), ("a", leaf(2.0))], ValueError, "two parameters are named 'a'"),
        ([leaf(1.0)] * 2, ValueError, "listed twice"),
    ],
)
def test_of_what_are_no_parameters_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        MovingAverage(params)
