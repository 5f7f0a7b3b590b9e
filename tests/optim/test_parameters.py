"""Optimizers and their parameters: missing gradients, replaced data, two optimizers, dtypes, graphs gone stale."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import optim
from tinygrad_np.optim import SGD, Adam, MomentumSGD

OPTIMIZERS = [optim.by_name(name) for name in optim.OPTIMIZERS if name != "lbfgs"]
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


def leaf(*values, dtype=np.float64):
    return tg.Tensor(values, requires_grad=True, dtype=dtype)


def step(optimizer, *pairs):
    """One step with the gradients of ``pairs`` (parameter, gradient), and None for all the others."""
    optimizer.zero_grad()
    for parameter, gradient in pairs:
        parameter.grad = np.full(parameter.shape, gradient, parameter.dtype)
    optimizer.step()


class TestMissingGradient:
    @each_optimizer
    def test_moves_nothing_at_all(self, optimizer):
        p = leaf(1.0, 2.0)
        step(optimizer([p], lr=0.1))
        np.testing.assert_array_equal(p.data, [1, 2])

    def test_leaves_the_velocity_alone_until_the_parameter_rejoins(self):
        p, q = leaf(0.0), leaf(0.0)
        optimizer = MomentumSGD([p, q], lr=1.0, momentum=0.5)
        step(optimizer, (p, 1), (q, 1))  # both: v = −1
        step(optimizer, (p, 1))  # p: v = −1.5
        step(optimizer, (p, 0), (q, 0))  # p: v = −0.75, q: v = −0.5
        assert (p.data[0], q.data[0]) == (-1 - 1.5 - 0.75, -1 - 0.5)

    @each_optimizer
    def test_gives_the_parameter_the_path_that_it_would_have_had_without_the_gap(self, optimizer):
        alone, gappy, steady = leaf(1.0, 2.0), leaf(1.0, 2.0), leaf(5.0)
        one, both = optimizer([alone], lr=0.1), optimizer([steady, gappy], lr=0.1)
        for t, g in enumerate([1.0, -3.0, 0.5, 2.0, 1.0, -1.0]):
            if t % 2:
                step(both, (steady, 1))
            step(both, (steady, 1), (gappy, g))
            step(one, (alone, g))
        np.testing.assert_allclose(gappy.data, alone.data, rtol=1e-14)

    def test_leaves_adams_bias_correction_to_the_parameters_own_count(self):
        p, q = leaf(0.0), leaf(0.0)
        optimizer = Adam([p, q], lr=0.1)
        for _ in range(5):
            step(optimizer, (p, 1))
        step(optimizer, (q, 4))  # its first step: the rate, whatever the gradient
        np.testing.assert_allclose(q.data, [-0.1], rtol=1e-7)
        np.testing.assert_allclose(p.data, [-0.5], rtol=1e-7)


@each_optimizer
class TestFrozenParameter:
    """Freezing drops the leaf, and the parameter gets another when it is thawed."""

    @pytest.mark.parametrize("steps_while_frozen", [0, 1, 3])
    def test_goes_on_from_where_it_stood_as_if_it_had_not_been_frozen(self, optimizer, steps_while_frozen):
        alone, frozen, steady = leaf(1.0, 2.0), leaf(1.0, 2.0), leaf(5.0)
        one, both = optimizer([alone], lr=0.1), optimizer([steady, frozen], lr=0.1)
        for g in (1.0, -3.0, 0.5):
            step(both, (steady, 1), (frozen, g))
            step(one, (alone, g))
            frozen.requires_grad = False
            stood = frozen.data.copy()
            for _ in range(steps_while_frozen):
                step(both, (steady, 1))
            np.testing.assert_array_equal(frozen.data, stood)
            frozen.requires_grad = True
        np.testing.assert_allclose(frozen.data, alone.data, rtol=1e-14)

    def test_starts_again_from_the_data_that_it_was_given_meanwhile(self, optimizer):
        p, q, other = leaf(1.0), leaf(1.0), leaf(7.0)
        both, one = optimizer([p, q], lr=0.1), optimizer([other], lr=0.1)
        p.requires_grad = False
        p.data = [7.0]
        step(both, (q, 1))
        p.requires_grad = True
        step(both, (p, 2), (q, 1))
        step(one, (other, 2))
        np.testing.assert_array_equal(p.data, other.data)

    def test_trains_on_a_real_loss_as_if_it_had_not_been_frozen_while_older_graphs_live(self, optimizer):
        ends, graphs = [], []
        for freezes in (False, True):
            p = leaf(3.0, -2.0)
            steps = optimizer([p], lr=0.1)
            for _ in range(3):
                graphs.append((p * p).sum())
                if freezes:
                    p.requires_grad = False
                    p.requires_grad = True
                steps.zero_grad()
                (p * p).sum().backward()
                steps.step()
            ends.append(p.data)
        np.testing.assert_array_equal(*ends)

    @pytest.mark.parametrize("recorded", ["before it is frozen", "after it is thawed"])
    def test_makes_graphs_with_either_leaf_out_of_date_once_a_step_moves_it(self, optimizer, recorded):
        p, q = leaf(2.0), leaf(3.0)
        steps = optimizer([p, q], lr=0.1)
        graphs = {"before it is frozen": (p * q).sum()}
        p.requires_grad = False
        p.requires_grad = True
        graphs["after it is thawed"] = (p * q).sum()
        step(steps, (p, 1))
        with pytest.raises(tg.GraphError, match="changed after it was used"):
            graphs[recorded].backward()
        assert q.grad is None


def test_a_frozen_parameter_of_a_model_is_left_out_and_the_others_keep_their_names():
    model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Linear(3, 1, rng=1))
    model[0].weight.requires_grad = False
    assert [name for name, _ in Adam(model).named_parameters()] == ["0.bias", "1.weight", "1.bias"]


class TestReplacedData:
    @each_optimizer
    @pytest.mark.parametrize("with_neighbour", [True, False])
    def test_is_where_the_next_step_starts(self, optimizer, with_neighbour):
        p, q, r = leaf(1.0, 2.0), leaf(3.0), leaf(1.0, 2.0)
        both, other = optimizer([q, p], lr=0.1), optimizer([r], lr=0.1)
        step(both, (p, 1), (q, 1))
        step(other, (r, 1))
        p.data, r.data = np.array([10.0, 20.0]), np.array([10.0, 20.0])
        step(both, (p, 2), *[(q, 1)] * with_neighbour)
        step(other, (r, 2))
        np.testing.assert_array_equal(p.data, r.data)
        assert (np.abs(p.data - [10, 20]) < 1).all()

    def test_during_a_missing_gradient_is_kept(self):
        p, q = leaf(1.0), leaf(1.0)
        optimizer = SGD([p, q], lr=1.0)
        p.data = np.array([10.0])
        step(optimizer, (q, 1))
        assert p.data[0] == 10
        step(optimizer, (p, 1), (q, 1))
        assert (p.data[0], q.data[0]) == (9, -1)

    def test_is_seen_by_the_forward_pass_at_once(self):
        p = leaf(1.0)
        SGD([p], lr=1.0)
        p.data = [5.0]
        assert (p * 2).data[0] == 10

    def test_may_be_swapped_between_two_parameters(self):
        p, q = leaf(1.0), leaf(2.0)
        optimizer = SGD([p, q], lr=0.5)
        p.data, q.data = q.data, p.data
        step(optimizer, (p, 1), (q, 1))
        assert (p.data[0], q.data[0]) == (1.5, 0.5)

    def test_in_place_counts_as_well(self):
        p = leaf(1.0, 2.0)
        optimizer = SGD([p], lr=1.0)
        p.data[...] = 7
        p.data *= 2
        step(optimizer, (p, 1))
        np.testing.assert_array_equal(p.data, [13, 13])

    def test_is_not_written_into_by_the_step(self):
        given, replacement = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        p = tg.Tensor(given, requires_grad=True)
        optimizer = SGD([p], lr=1.0)
        step(optimizer, (p, 1))
        p.data = replacement
        step(optimizer, (p, 1))
        np.testing.assert_array_equal(given, [1, 2])
        np.testing.assert_array_equal(replacement, [3, 4])


class TestTwoOptimizers:
    def test_may_share_a_parameter_and_each_keeps_its_own_state(self):
        p = leaf(0.0)
        fast, slow = MomentumSGD([p], lr=1.0, momentum=0.5), MomentumSGD([p], lr=0.125, momentum=0.5)
        for optimizer in (fast, slow, fast, slow):
            step(optimizer, (p, 1))
        assert p.data[0] == -(1 + 1.5) * 1.125

    def test_a_parameter_made_in_place_of_an_earlier_one_inherits_no_velocity(self):
        for _ in range(50):  # often at the address of the one before
            p = leaf(0.0)
            optimizer = MomentumSGD([p], lr=1.0, momentum=0.5)
            step(optimizer, (p, 1))
            step(optimizer, (p, 0))
            assert p.data[0] == -1.5

    def test_a_list_changed_by_its_owner_afterwards_does_not_matter(self):
        p, stranger = leaf(0.0), leaf(0.0)
        params = [p]
        optimizer = MomentumSGD(params, lr=1.0, momentum=0.5)
        params[0] = stranger
        step(optimizer, (p, 1), (stranger, 1))
        assert (p.data[0], stranger.data[0]) == (-1, 0)


class Witness(Adam):
    """Adam, noting what the rule is given."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.seen = []

    def update(self, t, p, g, *states, **hyperparameters):
        self.seen.append((t, {array.dtype for array in (p, g, *states)}))
        super().update(t, p, g, *states, **hyperparameters)


class TestDtype:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_is_the_parameters_own_for_gradient_and_state_but_float32_for_float16(self, dtype):
        p = leaf(1.0, 2.0, dtype=dtype)
        optimizer = Witness([p], lr=np.float64(0.1))
        for _ in range(2):
            step(optimizer, (p, 1))
        assert p.dtype == dtype
        dtypes = {np.dtype(dtype), np.result_type(dtype, np.float32)}
        assert optimizer.seen == [(1, dtypes), (2, dtypes)]

    @each_optimizer
    @pytest.mark.parametrize("gradients", [[300.0] + [1.0] * 9, [1e-3] * 10, [1e-4] * 10], ids=["300", "1e-3", "1e-4"])
    def test_of_float16_takes_the_path_of_float32(self, optimizer, gradients):
        ends = []
        for dtype in (np.float16, np.float32):
            p = leaf(0.0, dtype=dtype)
            taking = optimizer([p], lr=0.25)
            for g in np.array(gradients, np.float16):
                p.grad = np.array([g], dtype)
                taking.step()
            ends.append(p.data[0])
        assert ends[0] == pytest.approx(ends[1], rel=1e-2)

    def test_may_differ_between_parameters_of_one_list(self):
        dtypes = [np.float32, np.float64, np.float32]
        params = [leaf(float(i), dtype=dtype) for i, dtype in enumerate(dtypes)]
        optimizer = MomentumSGD(params, lr=0.25, momentum=0.5, velocity=[[1.0], [2.0], [3.0]])
        step(optimizer, *((p, 1) for p in params))
        assert [p.dtype for p in params] == dtypes
        assert [p.data[0] for p in params] == [0.25, 1.75, 3.25]  # p + 0.5·v − 0.25

    def test_of_a_first_velocity_is_brought_to_that_of_the_parameter(self):
        p = leaf(1.0, dtype=np.float32)
        optimizer = MomentumSGD([p], velocity=[np.array([1.0])])
        step(optimizer, (p, 1))
        assert p.dtype == np.float32

    def test_in_foreign_byte_order_becomes_native(self):
        p = leaf(1.0, 2.0, dtype=">f8")
        step(SGD([p], lr=1.0), (p, 1))
        assert p.dtype == np.dtype(np.float64)
        np.testing.assert_array_equal(p.data, [0, 1])


class TestGraph:
    @each_optimizer
    def test_recorded_before_a_step_is_refused_afterwards(self, optimizer):
        p = leaf(1.0, 2.0)
        stale = (p * p).sum()
        step(optimizer([p], lr=0.1), (p, 1))
        with pytest.raises(tg.GraphError, match="changed after it was used"):
            stale.backward()

    def test_of_a_parameter_that_the_step_left_alone_is_still_good(self):
        p, q = leaf(1.0), leaf(3.0)
        loss = (q * q).sum()
        step(SGD([p, q], lr=0.1), (p, 1))
        loss.backward()
        assert q.grad[0] == 6


class TestGradient:
    @each_optimizer
    def test_is_left_as_it_was_by_a_step(self, optimizer):
        p = leaf(1.0, 2.0)
        step(optimizer([p], lr=0.1), (p, 3))
        np.testing.assert_array_equal(p.grad, [3, 3])

    def test_is_forgotten_by_zero_grad_in_every_group(self):
        p, q = leaf(1.0), leaf(2.0)
        optimizer = SGD([{"params": [p]}, {"params": [q]}])
        p.grad, q.grad = np.ones(1), np.ones(1)
        optimizer.zero_grad()
        assert p.grad is None
        assert q.grad is None

    def test_zero_grad_passes_over_a_frozen_parameter(self):
        p = leaf(1.0)
        optimizer = SGD([p])
        p.requires_grad = False
        optimizer.zero_grad()

    @pytest.mark.parametrize(
        "gradient",
        [np.ones(3), np.ones((1, 2)), np.ones(()), np.ones(2, np.float32), np.ones(2, int), [1, 2]],
        ids=["longer", "2-D", "0-d", "float32", "int", "list of ints"],
    )
    def test_of_another_shape_or_dtype_is_refused_when_it_is_assigned(self, gradient):
        p = leaf(1.0, 2.0)
        with pytest.raises(ValueError, match=r"float64 \(2,\)"):
            p.grad = gradient
        assert p.grad is None


@each_optimizer
def test_a_generator_of_parameters_is_taken(optimizer):
    params = [leaf(1.0), leaf(2.0)]
    steps = optimizer((p for p in params), lr=0.1)
    step(steps, *((p, 1) for p in params))
    assert params[0].data[0] < 1
    assert params[1].data[0] < 2


@each_optimizer
def test_construction_keeps_every_value(optimizer):
    params = [leaf(1.0, 2.0), tg.Tensor([[3.0], [4.0]], requires_grad=True), tg.Tensor(5.0, requires_grad=True)]
    optimizer(params)
    assert [p.data.tolist() for p in params] == [[1.0, 2.0], [[3.0], [4.0]], 5.0]
