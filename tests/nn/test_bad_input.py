"""Networks given what they cannot use: refused at once, with what came and what to write instead."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.nn import Linear, Module, Sequential

NOT_A_SIZE = [
    (0, ValueError),
    (-1, ValueError),
    (2.5, TypeError),
    (2.0, TypeError),
    ("3", TypeError),
    (None, TypeError),
    ((2,), TypeError),
    (float("nan"), TypeError),
    (True, (TypeError, ValueError)),
    (np.True_, (TypeError, ValueError)),
]


@pytest.mark.parametrize(("value", "error"), NOT_A_SIZE, ids=lambda case: repr(case))
@pytest.mark.parametrize("name", ["in_features", "out_features"])
def test_a_size_that_is_no_positive_integer_is_named_with_its_value(name, value, error):
    sizes = {"in_features": 2, "out_features": 3, name: value}
    with pytest.raises(error) as caught:
        Linear(**sizes)
    assert f"{name} must be a positive integer, got {value!r}" in str(caught.value)


@pytest.mark.parametrize("size", [np.int64(3), np.uint8(3)])
def test_a_numpy_integer_is_a_size(size):
    assert Linear(size, size, rng=0).weight.shape == (3, 3)


@pytest.mark.parametrize(
    "bias", ["no", "False", None, 0, 1, np.zeros(3), np.random.default_rng(0)], ids=lambda value: type(value).__name__
)
def test_a_bias_that_is_neither_true_nor_false_is_refused_with_advice(bias):
    with pytest.raises(TypeError) as caught:
        Linear(2, 3, bias)
    assert str(caught.value) == (
        f"bias must be True or False, got {bias!r}; what follows the sizes is best given by name, as in "
        "bias_init=tg.initializers.zeros or rng=0"
    )


@pytest.mark.parametrize("bias", [True, False, np.True_, np.False_])
def test_a_bias_may_be_a_bool_of_numpys(bias):
    assert (Linear(2, 3, bias=bias).bias is not None) == bias


@pytest.mark.parametrize(
    "dtype", [int, bool, complex, str, object, np.int8, "float63", "", 0, 42, False, [], {}, np.zeros(3)], ids=repr
)
def test_a_dtype_that_is_not_floating_is_refused_with_advice(dtype):
    with pytest.raises(TypeError) as caught:
        Linear(2, 3, dtype=dtype)
    assert str(caught.value) == f"dtype must be a floating one, such as np.float32 or np.float64, got {dtype!r}"


def test_a_dtype_of_none_is_float64_as_in_numpy():
    assert Linear(2, 3, dtype=None).weight.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, "float64", float, np.longdouble])
def test_every_floating_dtype_is_taken(dtype):
    layer = Linear(2, 3, dtype=dtype, rng=0)
    assert [p.dtype for p in layer.parameters()] == [np.dtype(dtype)] * 2


@pytest.mark.parametrize(
    ("rng", "error"),
    [(-1, ValueError), ("x", TypeError), (1.5, TypeError), (True, TypeError), (np.random.RandomState(0), TypeError)],
    ids=["negative", "text", "fraction", "bool", "RandomState"],
)
def test_what_is_no_generator_and_no_seed_is_refused(rng, error):
    with pytest.raises(error, match=r"rng must be|seed must be") as caught:
        Linear(2, 3, rng=rng)
    assert repr(rng)[:20] in str(caught.value)


@pytest.mark.parametrize("layer", [3, None, "tanh", [np.tanh], tg.Tensor([1.0])], ids=repr)
def test_a_layer_that_cannot_be_called_is_named_by_its_position(layer):
    with pytest.raises(TypeError, match=r"layer 1 .*cannot be called"):
        Sequential(np.tanh, layer)


def test_a_class_in_the_place_of_a_layer_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"layer 1 is the class Tanh; make a layer of it, Tanh\(...\)"):
        Sequential(np.tanh, tg.nn.Tanh)


def test_layers_in_a_list_are_refused_with_advice():
    with pytest.raises(TypeError, match="give layers as separate arguments"):
        Sequential([Linear(1, 1), np.tanh])


def test_a_module_without_a_call_is_named_when_it_is_called():
    class Forgotten(Module):
        pass

    with pytest.raises(TypeError, match=r"Forgotten does not define __call__\(self, x\)"):
        Sequential(Forgotten())(tg.Tensor([1.0]))


@pytest.mark.parametrize(
    ("x", "shape"),
    [(np.ones((4, 3)), "(4, 3)"), (np.ones(3), "(3,)"), (np.ones((2, 4, 5)), "(2, 4, 5)"), (np.ones((0, 3)), "(0, 3)")],
    ids=["2-D", "1-D", "3-D", "no rows"],
)
def test_input_of_the_wrong_width_shows_the_shapes_and_what_linear_takes(x, shape):
    with pytest.raises(ValueError, match="linear takes") as caught:
        Linear(2, 3, rng=0)(x)
    assert shape in str(caught.value)
    assert "(2, 3)" in str(caught.value)


@pytest.mark.parametrize(
    "x", [5.0, np.float64(5.0), np.array(5.0), tg.Tensor(5.0)], ids=["float", "scalar", "0-d", "Tensor"]
)
def test_a_number_is_no_row_of_features(x):
    with pytest.raises(ValueError, match="linear takes"):
        Linear(2, 3, rng=0)(x)


@pytest.mark.parametrize("x", ["text", None, [["a", "b"]], object()], ids=["text", "None", "letters", "object"])
def test_input_that_is_no_numbers_is_refused(x):
    with pytest.raises((TypeError, ValueError)):
        Linear(2, 3, rng=0)(x)


def test_a_weight_of_the_wrong_shape_from_an_initializer_is_refused():
    with pytest.raises(ValueError, match=r"\(5, 5\)"):
        Linear(2, 3, rng=0, weight_init=lambda shape, rng: np.zeros((5, 5)))


@pytest.mark.parametrize("name", ["weight_init", "bias_init"])
@pytest.mark.parametrize("initializer", ["he_normal", None, 0.0, np.zeros((2, 3))], ids=repr)
def test_an_initializer_that_is_no_function_is_refused_with_advice(name, initializer):
    with pytest.raises(TypeError) as caught:
        Linear(2, 3, **{name: initializer})
    assert str(caught.value) == (
        f"{name} must be a function of (shape, rng), got {initializer!r}; give one of tg.initializers, as in "
        f"{name}=tg.initializers.uniform(-1, 1), or a function of your own"
    )


def test_an_initializer_that_was_not_made_yet_is_refused_with_advice():
    with pytest.raises(TypeError, match=r"uniform takes two numbers, .*; write uniform\(\) or uniform\(-1, 1\)"):
        Linear(2, 3, weight_init=tg.initializers.uniform)


@pytest.mark.parametrize(("make", "name"), [(tg.nn.LeakyReLU, "slope"), (tg.nn.ELU, "alpha")])
def test_an_option_that_is_no_finite_number_is_refused_with_advice(make, name):
    for value, error in [(np.nan, ValueError), (np.inf, ValueError), ("0.1", TypeError), (None, TypeError)]:
        with pytest.raises(error, match=f"{name} must be a finite number, got {value!r}; give for example {name}="):
            make(value)
    for value in (1, np.float32(0.5), np.int64(2)):
        assert getattr(make(value), name) == value


@pytest.mark.parametrize("axis", [None, 1.0, "last", (0, 1), True])
def test_an_axis_of_softmax_that_is_no_integer_is_refused(axis):
    with pytest.raises(TypeError, match=r"axis must be an integer, got .*; -1 is the last"):
        tg.nn.Softmax(axis)


def test_a_name_that_is_no_layer_is_named():
    with pytest.raises(AttributeError, match=r"tinygrad_np\.nn.*Dense"):
        tg.nn.Dense  # noqa: B018 - the attribute itself is what fails
