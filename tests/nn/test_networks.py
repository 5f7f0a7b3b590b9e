"""Layers and networks: what they compute, in which order they list their parameters, how they are copied."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_np as tg
from tinygrad_np.nn import (
    ELU,
    GELU,
    LeakyReLU,
    Linear,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)

ACTIVATIONS = [Tanh(), ReLU(), LeakyReLU(), ELU(), GELU(), SiLU(), Softplus(), Sigmoid(), Softmax()]


def names(model):
    return [name for name, _ in model.named_parameters()]


def bits(model):
    return [parameter.data.tobytes() for parameter in model.parameters()]


def parameter(*shape):
    return tg.Tensor(np.ones(shape), requires_grad=True)


def small_network(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Sequential(Linear(2, 4, rng=rng, dtype=dtype), np.tanh, Linear(4, 3, rng=rng, dtype=dtype))


class Branches(Module):
    """Tensors and Modules as attributes, in a list and in a tuple, declared in no alphabetical order."""

    def __init__(self):
        self.scale = parameter()
        self.blocks = [Linear(2, 2, rng=0), Tanh(), Sequential(Linear(2, 1, bias=False, rng=1))]
        self.offset = parameter(1)
        self.extra = (parameter(3), parameter(4))
        self.note = "no parameter"

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x * self.scale + self.offset


class TestParameters:
    def test_come_in_declaration_order_with_dotted_names(self):
        assert names(Branches()) == [
            "scale",
            "blocks.0.weight",
            "blocks.0.bias",
            "blocks.2.0.weight",
            "offset",
            "extra.0",
            "extra.1",
        ]

    def test_are_the_tensors_of_named_parameters_in_the_same_order(self):
        model = Branches()
        named = [tensor for _, tensor in model.named_parameters()]
        assert len(model.parameters()) == len(named) == 7
        assert all(a is b for a, b in zip(model.parameters(), named))

    def test_of_a_linear_layer_are_the_weight_and_then_the_bias(self):
        layer = Linear(2, 3, rng=0)
        assert [(name, p.shape) for name, p in layer.named_parameters()] == [("weight", (2, 3)), ("bias", (3,))]

    def test_without_a_bias_are_the_weight_alone(self):
        layer = Linear(2, 3, bias=False, rng=0)
        assert names(layer) == ["weight"]
        assert layer.bias is None

    def test_a_prefix_goes_before_every_name(self):
        assert [n for n, _ in Linear(1, 1, rng=0).named_parameters("net.")] == ["net.weight", "net.bias"]

    def test_of_nested_sequentials_are_named_by_the_path_of_positions(self):
        model = Sequential(Sequential(Linear(1, 2, rng=0), Tanh()), Sequential(ReLU(), Sequential(Linear(2, 1, rng=0))))
        assert names(model) == ["0.0.weight", "0.0.bias", "1.1.0.weight", "1.1.0.bias"]

    def test_shared_by_two_layers_are_listed_once_under_the_first_name(self):
        first, second = Linear(2, 2, rng=0), Linear(2, 2, rng=1)
        second.weight = first.weight
        assert names(Sequential(first, second)) == ["0.weight", "0.bias", "1.bias"]

    def test_of_a_layer_used_twice_are_listed_once(self):
        layer = Linear(2, 2, rng=0)
        assert names(Sequential(layer, np.tanh, layer)) == ["0.weight", "0.bias"]

    def test_equal_in_value_but_distinct_are_both_listed(self):
        assert len(Sequential(Linear(2, 2, rng=0), Linear(2, 2, rng=0)).parameters()) == 4

    def test_a_model_of_functions_has_none(self):
        assert Sequential(np.tanh, tg.relu).parameters() == []

    @pytest.mark.parametrize(
        "held",
        [lambda layer: [[layer]], lambda layer: {"first": layer}, lambda layer: [{"first": (layer,)}]],
        ids=["list of lists", "dict", "tuple in a dict in a list"],
    )
    def test_inside_deeper_containers_are_not_lost(self, held):
        model, layer = Module(), Linear(1, 1, rng=0)
        model.held = held(layer)
        assert [p is q for p, q in zip(model.parameters(), layer.parameters())] == [True, True]

    def test_of_a_subclass_of_sequential_include_its_own_attributes(self):
        class Scaled(Sequential):
            def __init__(self, *layers):
                super().__init__(*layers)
                self.scale = parameter()

        assert names(Scaled(Linear(1, 1, rng=0))) == ["0.weight", "0.bias", "scale"]


class TestCycle:
    """A Module, or a container, that is met again on the way down is not entered again."""

    def test_a_module_that_holds_itself(self):
        layer = Linear(1, 1, rng=0)
        layer.twin = layer
        assert names(layer) == ["weight", "bias"]

    def test_children_that_hold_their_parent(self):
        parent = Module()
        parent.first, parent.scale, parent.second = Linear(1, 1, rng=0), parameter(), Linear(1, 1, rng=1)
        parent.first.parent = parent.second.parent = parent
        assert names(parent) == ["first.weight", "first.bias", "scale", "second.weight", "second.bias"]
        assert names(parent.second) == [
            "weight",
            "bias",
            "parent.first.weight",
            "parent.first.bias",
            "parent.scale",
        ]

    def test_a_ring_of_modules_through_containers(self):
        first, second = Linear(1, 1, bias=False, rng=0), Linear(1, 1, bias=False, rng=1)
        first.next, second.next = {"layers": (second,)}, [first]
        assert names(Sequential(second, first)) == ["0.weight", "0.next.0.weight"]

    @pytest.mark.parametrize("container", [[], {}], ids=["list", "dict"])
    def test_a_container_that_holds_itself(self, container):
        model = Module()
        model.held, model.scale = container, parameter()
        if isinstance(container, list):
            container.append(container)
        else:
            container["again"] = container
        assert names(model) == ["scale"]

    def test_modules_that_are_equal_but_not_the_same_are_all_entered(self):
        @dataclass
        class Scale(Module):  # == compares the fields, and there is no hash
            factor: tg.Tensor

        factor = parameter()
        first, second = Scale(factor), Scale(factor)
        second.offset = parameter()
        assert first == second
        assert names(Sequential(first, second)) == ["0.factor", "1.offset"]

    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
    def test_is_copied_and_cleared_of_gradients(self, duplicate):
        layer = Linear(1, 1, rng=0)
        layer.parent = Sequential(layer)
        twin = duplicate(layer)
        assert twin.parent[0] is twin
        twin(np.ones((1, 1))).sum().backward()
        twin.zero_grad()
        assert [p.grad for p in twin.parameters()] == [None, None]


class TestLinear:
    def test_computes_x_times_weight_plus_bias(self):
        layer = Linear(2, 3, rng=0)
        layer.weight.data, layer.bias.data = [[1, 2, 3], [4, 5, 6]], [0.5, 0, -0.5]
        np.testing.assert_array_equal(layer(np.array([[1.0, 10.0]])).data, [[41.5, 52.0, 62.5]])

    @pytest.mark.parametrize(
        ("x", "shape"),
        [
            (np.ones(2), (3,)),
            (np.ones((5, 2)), (5, 3)),
            (np.ones((4, 5, 2)), (4, 5, 3)),
            (np.ones((0, 2)), (0, 3)),
            (np.ones((4, 0, 2)), (4, 0, 3)),
            ([[1.0, 2.0], [3.0, 4.0]], (2, 3)),
            ([1, 2], (3,)),
            (np.array([[1, 2]]), (1, 3)),
        ],
        ids=["1-D", "2-D", "3-D", "no rows", "3-D without rows", "list of lists", "list", "integers"],
    )
    @pytest.mark.parametrize("bias", [True, False])
    def test_takes_any_number_of_leading_axes(self, x, shape, bias):
        layer = Linear(2, 3, bias=bias, rng=0)
        y = layer(x)
        assert (y.shape, y.dtype) == (shape, np.float64)
        y.backward(np.ones(shape))
        assert [(p.grad.shape, p.grad.dtype) for p in layer.parameters()] == [
            (p.shape, p.dtype) for p in layer.parameters()
        ]

    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(
        lead=st.lists(st.integers(0, 3), max_size=3),
        sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)),
        seed=st.integers(0, 99),
    )
    def test_gradients_are_the_matrix_products_over_all_rows(self, lead, sizes, seed):
        rng = np.random.default_rng(seed)
        layer = Linear(*sizes, rng=rng)
        x = tg.Tensor(rng.normal(size=(*lead, sizes[0])), requires_grad=True)
        g = rng.normal(size=(*lead, sizes[1]))
        layer(x).backward(g)
        np.testing.assert_allclose(x.grad, g @ layer.weight.data.T, atol=1e-13)
        np.testing.assert_allclose(
            layer.weight.grad, x.data.reshape(-1, sizes[0]).T @ g.reshape(-1, sizes[1]), atol=1e-13
        )
        np.testing.assert_allclose(layer.bias.grad, g.reshape(-1, sizes[1]).sum(0), atol=1e-13)

    def test_starts_with_glorot_weights_and_a_bias_of_zeros(self):
        layer = Linear(100, 50, rng=0)
        limit = np.sqrt(6 / 150)
        assert 0.95 * limit < np.abs(layer.weight.data).max() <= limit
        np.testing.assert_array_equal(layer.bias.data, np.zeros(50))

    def test_initializers_draw_the_weight_first_and_then_the_bias(self):
        uniform = tg.initializers.uniform()
        layer = Linear(2, 3, rng=0, weight_init=uniform, bias_init=uniform)
        drawn = np.random.default_rng(0).uniform(size=9)
        np.testing.assert_array_equal(layer.weight.data, drawn[:6].reshape(2, 3))
        np.testing.assert_array_equal(layer.bias.data, drawn[6:])


class TestSequential:
    def test_applies_its_layers_from_left_to_right(self):
        model = Sequential(lambda x: x + 1, lambda x: x * 10)
        assert model(2) == 30

    def test_without_layers_is_the_identity(self):
        x = tg.Tensor([1.0])
        assert Sequential()(x) is x

    def test_functions_are_layers_and_gradients_pass_through_them(self):
        x = tg.Tensor([-1.0, 0.5], requires_grad=True)
        Sequential(np.tanh, tg.relu, lambda t: 3 * t)(x).sum().backward()
        np.testing.assert_allclose(x.grad, [0, 3 * (1 - np.tanh(0.5) ** 2)], rtol=1e-15)

    def test_index_slice_iteration_and_length_are_those_of_its_layers(self):
        first, last = Linear(1, 2, rng=0), Linear(2, 1, rng=0)
        model = Sequential(first, np.tanh, last)
        assert len(model) == 3
        assert (model[0], model[1], model[-1]) == (first, np.tanh, last)
        assert list(model) == [first, np.tanh, last]
        assert isinstance(model[1:], Sequential)
        assert list(model[1:]) == [np.tanh, last]
        assert list(model[::-1]) == [last, np.tanh, first]

    def test_index_out_of_range_raises(self):
        with pytest.raises(IndexError, match=r"there is no layer 2 among the 2, which go from 0 to 1"):
            Sequential(np.tanh, np.exp)[2]

    def test_index_by_a_name_is_refused(self):
        with pytest.raises(TypeError, match=r"a layer is found by its number or a slice, got '0'"):
            Sequential(np.tanh)["0"]


@pytest.mark.parametrize(
    ("layer", "y", "gx"),
    [
        (Tanh(), [-np.tanh(0.5), 0, np.tanh(2)], [1 - np.tanh(0.5) ** 2, 1, 1 - np.tanh(2) ** 2]),
        (ReLU(), [0, 0, 2], [0, 0, 1]),
        (Sigmoid(), [0.3775406687981454, 0.5, 0.8807970779778823], [0.2350037122015945, 0.25, 0.1049935854035065]),
        (LeakyReLU(), [-0.005, 0, 2], [0.01, 0.01, 1]),
        (LeakyReLU(-2), [1, 0, 2], [-2, -2, 1]),
        (ELU(), [np.exp(-0.5) - 1, 0, 2], [np.exp(-0.5), 1, 1]),
        (ELU(3), [3 * np.exp(-0.5) - 3, 0, 2], [3 * np.exp(-0.5), 3, 1]),
        (Softplus(), np.log(1 + np.exp([-0.5, 0, 2])), [0.3775406687981454, 0.5, 0.8807970779778823]),
        (SiLU(), [-0.1887703343990727, 0, 1.7615941559557646], [0.26003881270, 0.5, 1.09078424878]),
        (GELU(), [-0.15428599018, 0, 1.95459769409], [0.13263, 0.5, 1.08609]),
    ],
    ids=repr,
)
class TestActivation:
    def test_value_and_derivative_at_known_points(self, layer, y, gx):
        x = tg.Tensor([-0.5, 0.0, 2.0], requires_grad=True)
        out = layer(x)
        out.sum().backward()
        loose = 1e-5 if isinstance(layer, GELU) else 1e-10 if isinstance(layer, SiLU) else 1e-14
        np.testing.assert_allclose(out.data, y, rtol=min(loose, 1e-10))
        np.testing.assert_allclose(x.grad, gx, rtol=loose)

    def test_of_a_list_is_that_of_an_array(self, layer, y, gx):
        np.testing.assert_array_equal(layer([-0.5, 0.0, 2.0]), layer(np.array([-0.5, 0.0, 2.0])))

    def test_has_no_parameters_and_shows_its_name(self, layer, y, gx):
        assert layer.parameters() == []
        assert repr(layer).startswith(f"{type(layer).__name__}(")


def test_softmax_is_that_along_its_axis():
    x = np.array([[0.0, np.log(3)], [0.0, 0.0]])
    np.testing.assert_allclose(Softmax()(x), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(Softmax(0)(x), [[0.5, 0.75], [0.5, 0.25]], rtol=1e-15)


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
def test_an_activation_in_a_network_agrees_with_differences_and_is_silent_at_extremes(layer):
    x = np.random.default_rng(0).normal(size=(3, 4))
    tg.check_gradients(lambda m, x: m(x) ** 2, Sequential(Linear(4, 4, rng=0), layer), x)
    far = tg.Tensor(np.array([[-1000.0, 1000.0]]), requires_grad=True)
    with np.errstate(all="raise"):
        y = layer(far)
        y.sum().backward()
    assert np.isfinite(y.data).all()
    assert np.isfinite(far.grad).all()


class TestRandomness:
    def test_same_seed_gives_the_same_bits(self):
        assert (
            bits(Linear(3, 4, rng=7)) == bits(Linear(3, 4, rng=7)) == bits(Linear(3, 4, rng=np.random.default_rng(7)))
        )

    def test_other_seeds_and_no_seed_give_other_bits(self):
        drawn = {bits(Linear(3, 4, rng=rng))[0] for rng in (0, 1, None, None)}
        assert len(drawn) == 4

    def test_a_generator_is_advanced_so_that_two_layers_differ(self):
        rng = np.random.default_rng(0)
        first, second = Linear(2, 2, rng=rng), Linear(2, 2, rng=rng)
        assert bits(first) != bits(second)
        reference = np.random.default_rng(0)
        reference.uniform(size=8)
        assert rng.random() == reference.random()

    def test_numpys_global_state_is_neither_read_nor_written(self):
        drawn = []
        state = np.random.get_state()  # noqa: NPY002 - the global state that must not matter
        for _ in range(2):
            np.random.seed(0)  # noqa: NPY002 - the global state, which must not matter
            drawn.append(bits(Linear(3, 4)))
            assert np.random.random() == 0.5488135039273248  # noqa: NPY002 - its first number after seed 0
        np.random.set_state(state)  # noqa: NPY002 - the global state, which must not matter
        assert drawn[0] != drawn[1]


class TestFloat32:
    @pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
    @pytest.mark.parametrize("targets", [np.array([0, 1, 2]), np.eye(3, dtype=np.float32)], ids=["labels", "rows"])
    def test_is_kept_through_values_loss_and_gradients(self, activation, targets):
        model = Sequential(Linear(2, 4, dtype=np.float32, rng=0), activation, Linear(4, 3, dtype=np.float32, rng=1))
        hidden = model[:2](np.ones((3, 2), np.float32))
        loss = tg.softmax_cross_entropy(model[2](hidden), targets)
        loss.backward()
        assert {t.dtype for t in (hidden, loss, *model.parameters())} == {np.dtype(np.float32)}
        assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}

    def test_gradients_stay_float32_for_float64_input(self):
        layer = Linear(2, 1, dtype="float32", rng=0)
        layer(np.ones((3, 2))).sum().backward()
        assert [p.grad.dtype for p in layer.parameters()] == [np.float32, np.float32]
