"""What happens to a network over time: frozen parameters, cleared gradients, empty batches, copies and pickles."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import Linear, ReLU, Sequential, Sigmoid, Tanh

X, LABELS = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([0, 2])


def network(*activation):
    return Sequential(Linear(2, 4, rng=0), *(activation or (np.tanh,)), Linear(4, 3, rng=1))


def backward(model, x=X, labels=LABELS):
    loss = tg.softmax_cross_entropy(model(x), labels)
    loss.backward()
    return loss.item()


def bits(model):
    return [parameter.data.tobytes() for parameter in model.parameters()]


class TestZeroGrad:
    def test_forgets_every_gradient(self):
        model = network()
        backward(model)
        assert all(p.grad is not None for p in model.parameters())
        model.zero_grad()
        assert all(p.grad is None for p in model.parameters())

    def test_without_it_gradients_add_up(self):
        model = network()
        backward(model)
        once = [p.grad.copy() for p in model.parameters()]
        backward(model)
        for p, g in zip(model.parameters(), once):
            np.testing.assert_array_equal(p.grad, 2 * g)

    def test_passes_over_frozen_parameters(self):
        model = network()
        model[0].weight.requires_grad = False
        backward(model)
        model.zero_grad()
        assert all(p.grad is None for p in model.parameters())


class TestFrozenParameter:
    def test_has_no_gradient_and_the_others_have_the_same_as_before(self):
        free, frozen = network(), network()
        frozen[0].weight.requires_grad = False
        assert backward(free) == backward(frozen)
        assert frozen[0].weight.grad is None
        for p, q in zip(free.parameters()[1:], frozen.parameters()[1:]):
            np.testing.assert_array_equal(p.grad, q.grad)

    def test_is_listed_still_so_that_names_do_not_move(self):
        model = network()
        model[0].weight.requires_grad = False
        assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]

    def test_stays_where_it_is_once_frozen_in_training(self):
        model = network()
        optimizer = tg.MomentumSGD(model.parameters(), lr=0.1)
        _steps(model, optimizer, 2)
        before = bits(model)
        model[0].weight.requires_grad = False
        _steps(model, optimizer, 2)
        assert [a == b for a, b in zip(before, bits(model))] == [True, False, False, False]

    def test_is_refused_by_an_optimizer_that_says_how_to_leave_it_out(self):
        model = network()
        model[0].weight.requires_grad = False
        with pytest.raises(TypeError, match=r"\[p for p in model.parameters\(\) if p.requires_grad\]"):
            tg.optim.SGD(model.parameters())
        tg.optim.SGD([p for p in model.parameters() if p.requires_grad])


@pytest.mark.parametrize("activation", [np.tanh, tg.relu, tg.sigmoid], ids=["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_no_rows_has_loss_0_and_gradients_0(activation, dtype):
    model = Sequential(Linear(2, 4, dtype=dtype, rng=0), activation, Linear(4, 3, dtype=dtype, rng=1))
    assert backward(model, np.empty((0, 2), dtype), np.empty(0, int)) == 0
    for p in model.parameters():
        np.testing.assert_array_equal(p.grad, np.zeros(p.shape, dtype))


def test_a_shared_weight_gets_the_sum_of_both_gradients():
    layer = Linear(2, 2, bias=False, rng=0)
    layer.weight.data = [[2, 0], [0, 3]]
    Sequential(layer, layer)(np.array([1.0, 1.0])).sum().backward()  # x W W, with x W = (2, 3)
    np.testing.assert_array_equal(layer.weight.grad, [[2 + 2, 3 + 2], [2 + 3, 3 + 3]])


def test_a_network_agrees_with_central_differences():
    model = network(Tanh(), Linear(4, 4, rng=2), Sigmoid(), Linear(4, 4, bias=False, rng=3), ReLU())
    named = dict(model.named_parameters())
    tg.check_gradients(lambda *_: tg.softmax_cross_entropy(model(X), LABELS), *named.values(), names=list(named))


COPIERS = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("duplicate", COPIERS.values(), ids=COPIERS)
class TestCopy:
    @pytest.mark.parametrize(
        "activation",
        [
            Tanh(),
            ReLU(),
            Sigmoid(),
            np.tanh,
            tg.relu,
            tg.sigmoid,
            tg.nn.ELU(2),
            tg.gelu,
            tg.nn.BatchNorm(4),
            tg.nn.Dropout(rng=0),
        ],
        ids=lambda layer: getattr(layer, "__name__", repr(layer)),
    )
    def test_has_the_same_bits_and_learns_alike(self, duplicate, activation):
        model = network(copy.deepcopy(activation))  # for that one is the next test's too
        twin = duplicate(model)
        assert bits(twin) == bits(model)
        assert backward(twin) == backward(model)
        for p, q in zip(model.parameters(), twin.parameters()):
            np.testing.assert_array_equal(p.grad, q.grad)

    def test_shares_no_memory(self, duplicate):
        model = network()
        twin = duplicate(model)
        twin[0].weight.data[...] = 0
        assert model[0].weight.data.all()

    def test_of_a_model_in_training_leaves_the_original_to_its_optimizer(self, duplicate):
        model = network()
        optimizer = tg.optim.SGD(model.parameters(), lr=0.1)
        backward(model)
        optimizer.step()
        twin = duplicate(model)
        trained = bits(twin)
        backward(model)
        optimizer.step()
        assert bits(twin) == trained != bits(model)

    def test_keeps_dtype_frozen_parameters_and_sharing(self, duplicate):
        layer = Linear(2, 2, dtype=np.float32, rng=0)
        layer.bias.requires_grad = False
        twin = duplicate(Sequential(layer, layer))
        assert twin[0] is twin[1]
        assert [p.dtype for p in twin.parameters()] == [np.float32, np.float32]
        assert [p.requires_grad for p in twin.parameters()] == [True, False]

    @pytest.mark.parametrize("optimizer", [tg.optim.SGD, tg.MomentumSGD, tg.optim.Adam])
    def test_of_model_and_optimizer_together_goes_on_training_alike(self, duplicate, optimizer):
        model = network()
        pair = model, optimizer(model.parameters(), lr=0.1)
        _steps(*pair, 2)
        twins = duplicate(pair)
        _steps(*pair, 2)
        _steps(*twins, 2)
        assert bits(twins[0]) == bits(model)


def _steps(model, optimizer, n):
    for _ in range(n):
        optimizer.zero_grad()
        backward(model)
        optimizer.step()
