"""Training and evaluation, what a Module lists of itself, and fresh states for what it draws from."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import BatchNorm, Dropout, Linear, Module, Residual, Sequential, Tanh


def network():
    return Sequential(Linear(2, 4, rng=0), Residual(Dropout(0.5, rng=1), BatchNorm(4)), np.tanh, Dropout(0.2, rng=2))


def masks(model):
    return [layer(np.ones(64)).tobytes() for _, layer in model.named_modules() if isinstance(layer, Dropout)]


class Holder(Module):
    """Modules in a list and in a dict, an array, and a constant."""

    def __init__(self):
        self.blocks = [Tanh(), {"inner": Linear(1, 1, rng=0)}]
        self.table = np.arange(3)
        self.note = "nothing of these"


class TestModes:
    def test_training_is_on_at_first_and_switched_everywhere_at_once(self):
        model = network()
        modes = lambda: {module.training for _, module in model.named_modules()}
        assert modes() == {True}
        assert model.eval() is model
        assert modes() == {False}
        assert model.train() is model
        assert modes() == {True}
        model.train(False)
        assert modes() == {False}

    def test_reaches_modules_in_containers(self):
        model = Holder().eval()
        assert not model.blocks[0].training
        assert not model.blocks[1]["inner"].training

    def test_of_a_part_leaves_the_rest(self):
        model = network()
        model[1].eval()
        assert (model.training, model[1].training, model[1][0].training, model[3].training) == (
            True,
            False,
            False,
            True,
        )

    def test_is_not_shared_between_models(self):
        network().eval()
        assert network().training
        assert Module.training is True

    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
    def test_is_copied_with_buffers_and_generators_of_its_own(self, duplicate):
        model = network()
        model(np.ones((3, 2)))
        twin = duplicate(model)
        assert masks(twin) == masks(model)
        assert duplicate(model.eval()).training is False
        twin.train()(np.ones((3, 2)))
        assert not np.array_equal(twin[1][1].running_mean, model[1][1].running_mean)

    @pytest.mark.parametrize("mode", [None, 0, 1, "train", "eval"])
    def test_a_mode_that_is_no_bool_is_refused(self, mode):
        with pytest.raises(TypeError, match=f"mode must be True or False, got {mode!r}"):
            network().train(mode)

    def test_a_bool_of_numpys_is_a_mode(self):
        assert network().train(np.False_).training is False


class TestListing:
    def test_named_modules_begin_with_the_model_itself(self):
        model = network()
        assert [name for name, _ in model.named_modules()] == ["", "0", "1", "1.0", "1.1", "3"]
        assert next(model.named_modules())[1] is model
        assert [name for name, _ in Holder().named_modules("net.")] == ["net", "net.blocks.0", "net.blocks.1.inner"]

    def test_a_module_that_is_held_twice_is_listed_once(self):
        layer = Linear(2, 2, rng=0)
        layer.owner = Sequential(layer, layer)
        assert [name for name, _ in layer.named_modules()] == ["", "owner"]

    def test_buffers_are_the_arrays(self):
        assert [name for name, _ in network().named_buffers()] == ["1.1.running_mean", "1.1.running_var"]
        assert [(name, b.tolist()) for name, b in Holder().named_buffers("net.")] == [("net.table", [0, 1, 2])]

    def test_generators_are_those_of_dropout(self):
        model = network()
        assert [name for name, _ in model.named_generators()] == ["1.0.rng", "3.rng"]
        assert dict(model.named_generators())["3.rng"] is model[3].rng


class TestReseed:
    def test_the_same_seed_gives_the_same_masks_whatever_was_drawn_before(self):
        first, second = network(), Sequential(*network()[:-1], Dropout(0.2))
        first(np.ones((3, 2)))
        first.reseed(5)
        second.reseed(np.random.default_rng(5))
        assert masks(first) == masks(second)

    def test_other_seeds_and_other_layers_have_other_masks(self):
        model = Sequential(*[Dropout(0.5, rng=0) for _ in range(3)])
        drawn = []
        for seed in (1, 2):
            model.reseed(seed)
            drawn += masks(model)
        assert len(set(drawn)) == 6

    @pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM])
    def test_every_kind_of_generator_keeps_its_kind(self, kind):
        model = Sequential(Dropout(0.5, rng=np.random.Generator(kind(0))))
        model.reseed(1)
        assert isinstance(model[0].rng.bit_generator, kind)
        once = masks(model)
        model.reseed(1)
        assert masks(model) == once

    def test_draws_nothing_where_nothing_is_to_be_seeded(self):
        rng = np.random.default_rng(0)
        Sequential(Linear(2, 2, rng=0), np.tanh).reseed(rng)
        assert rng.random() == np.random.default_rng(0).random()

    def test_what_is_no_seed_is_refused(self):
        with pytest.raises(TypeError, match=r"rng must be a np.random.Generator"):
            network().reseed("x")


def test_the_global_state_is_left_alone_by_training():
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002 - the global state, which must not matter
    model = network()
    model.reseed(0)
    tg.softmax_cross_entropy(model(np.ones((3, 2))), np.zeros(3, int)).backward()
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002 - the global state, which must not matter
