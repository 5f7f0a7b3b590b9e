"""How a model shows itself: in one line, as a tree with parameter counts, and as a table with shapes."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import nn
from tinygrad_np.nn import Dropout, Linear, Module, Residual, Sequential, Sigmoid


class Net(Module):
    """A parameter of its own, layers in containers, one that is never called, and itself."""

    def __init__(self):
        self.scale = tg.Tensor(np.ones(3), requires_grad=True)
        self.blocks = [Linear(3, 3, rng=0), {"inner": nn.Tanh()}]
        self.activation = np.tanh
        self.unused = Linear(1, 1, rng=0)
        self.itself = self

    def __call__(self, x):
        return self.activation(self.blocks[1]["inner"](self.blocks[0](x))) * self.scale


LINES = {
    "Linear(2, 3)": Linear(2, 3),
    "Linear(2, 3, bias=False)": Linear(2, 3, bias=False),
    "Tanh()": nn.Tanh(),
    "ReLU()": nn.ReLU(),
    "LeakyReLU(0.01)": nn.LeakyReLU(),
    "ELU(0.5)": nn.ELU(0.5),
    "GELU()": nn.GELU(),
    "SiLU()": nn.SiLU(),
    "Softplus()": nn.Softplus(),
    "Sigmoid()": nn.Sigmoid(),
    "Softmax(axis=1)": nn.Softmax(1),
    "Dropout(0.25)": Dropout(0.25),
    "BatchNorm(4)": nn.BatchNorm(4),
    "LayerNorm(4)": nn.LayerNorm(4),
    "Flatten()": nn.Flatten(),
    "Sequential()": Sequential(),
    "Module()": Module(),
}


@pytest.mark.parametrize(("line", "layer"), LINES.items(), ids=LINES)
def test_a_layer_alone_is_one_line(line, layer):
    assert repr(layer) == line


def test_a_model_is_a_line_a_layer_with_how_many_parameters_it_has():
    inner = Residual(Linear(1000, 1000), Dropout(0.5))
    assert repr(Sequential(Linear(2, 1000), np.tanh, tg.relu, inner, Sequential(Sigmoid(), Linear(1000, 1)))) == (
        "Sequential(\n"
        "  (0): Linear(2, 1000)  # 3,000 parameters\n"
        "  (1): tanh\n"
        "  (2): relu\n"
        "  (3): Residual(\n"
        "    (0): Linear(1000, 1000)  # 1,001,000 parameters\n"
        "    (1): Dropout(0.5)\n"
        "  )  # 1,001,000 parameters\n"
        "  (4): Sequential(\n"
        "    (0): Sigmoid()\n"
        "    (1): Linear(1000, 1)  # 1,001 parameters\n"
        "  )  # 1,001 parameters\n"
        ")  # 1,005,001 parameters"
    )


def test_what_is_held_twice_is_counted_once_and_what_holds_itself_ends():
    layer = Linear(2, 2)
    assert repr(Sequential(layer, np.tanh, layer)).split("\n")[3:] == [
        "  (2): Linear(2, 2)  # the same as before",
        ")  # 6 parameters",
    ]
    assert repr(Net()) == (
        "Net(\n"
        "  (blocks.0): Linear(3, 3)  # 12 parameters\n"
        "  (blocks.1.inner): Tanh()\n"
        "  (activation): tanh\n"
        "  (unused): Linear(1, 1)  # 2 parameters\n"
        "  (itself): Net()  # the same as before\n"
        ")  # 17 parameters"
    )


def test_a_weight_that_two_layers_share_is_counted_with_the_first():
    first, second = Linear(2, 2, bias=False), Linear(2, 2, bias=False)
    second.weight = first.weight
    assert repr(Sequential(first, second)).split("\n")[1:] == [
        "  (0): Linear(2, 2, bias=False)  # 4 parameters",
        "  (1): Linear(2, 2, bias=False)",
        ")  # 4 parameters",
    ]


def test_the_total_is_that_of_the_parameters():
    for model in (Net(), Sequential(Net(), Net())):
        total = sum(p.size for p in model.parameters())
        assert repr(model).endswith(f")  # {total} parameters")
        assert model.summary((4, 3)).split()[-1] == str(total)


def test_options_of_a_subclass_stand_in_its_text():
    class Scaled(Sequential):
        def extra_repr(self):
            return "scale=2"

    assert repr(Scaled()) == "Scaled(scale=2)"
    assert repr(Scaled(np.tanh)) == "Scaled(scale=2,\n  (0): tanh\n)  # 0 parameters"


def test_a_text_of_its_own_is_kept():
    @dataclass
    class Point(Module):
        x: int

    class Two(Module):
        def __repr__(self):
            return "two\nlines"

    assert repr(Sequential(Point(3), Two())).split("\n")[1:4] == [
        f"  (0): {Point(3)!r}",
        "  (1): two",
        "  lines",
    ]


@pytest.mark.parametrize(("function", "text"), [(lambda x: x, "<lambda>"), (partial(np.add, 1), "functools.partial")])
def test_any_function_is_shown(function, text):
    assert f"(0): {text}" in repr(Sequential(function))


def test_a_container_that_holds_itself_ends():
    model = Module()
    model.held = [Linear(1, 1)]
    model.held.append(model.held)
    assert repr(model).split("\n")[1:] == ["  (held.0): Linear(1, 1)  # 2 parameters", ")  # 2 parameters"]


class TestSummary:
    def test_has_name_layer_output_shape_and_parameters(self):
        model = Sequential(
            nn.Flatten(), Linear(6, 8), np.tanh, Residual(nn.LayerNorm(8), Dropout(0.1)), lambda x: x[:, 0]
        )
        assert model.summary((5, 2, 3)).split("\n") == [
            "name   layer         output shape  parameters",
            "0      Flatten()     (5, 6)                 0",
            "1      Linear(6, 8)  (5, 8)                56",
            "2      tanh          (5, 8)                 0",
            "3      Residual      (5, 8)                  ",
            "3.0    LayerNorm(8)  (5, 8)                16",
            "3.1    Dropout(0.1)  (5, 8)                 0",
            "4      <lambda>      (5,)                   0",
            "total                                      72",
        ]

    def test_reaches_the_layers_of_any_module(self):
        assert [line.split() for line in Net().summary((5, 3)).split("\n")[1:]] == [
            ["Net", "(5,", "3)", "3"],
            ["blocks.0", "Linear(3,", "3)", "(5,", "3)", "12"],
            ["blocks.1.inner", "Tanh()", "(5,", "3)", "0"],
            ["activation", "tanh", "(5,", "3)", "0"],
            ["unused", "Linear(1,", "1)", "not", "called", "2"],
            ["itself", "Net()", "(5,", "3)", "as", "before"],
            ["total", "17"],
        ]

    def test_of_one_layer_is_one_line(self):
        assert Linear(2, 3).summary((2,)).split("\n")[1].split() == ["Linear(2,", "3)", "(3,)", "9"]

    def test_a_function_that_comes_twice_has_a_shape_each_time(self):
        lines = Sequential(np.tanh, Linear(2, 3), np.tanh).summary((1, 2)).split("\n")
        assert lines[1].split() == ["0", "tanh", "(1,", "2)", "0"]
        assert lines[3].split() == ["2", "tanh", "(1,", "3)", "0"]

    def test_changes_nothing(self):
        model = Sequential(Linear(2, 4, rng=0), nn.BatchNorm(4), Dropout(0.5, rng=0), np.log)
        model[1].eval()
        state = {name: str(value) for name, value in model.state_dict().items()}
        classes, layers = [type(layer) for layer in model], model.layers
        with np.errstate(all="raise"):
            model.summary((1, 2))  # one row, which training would refuse
        assert {name: str(value) for name, value in model.state_dict().items()} == state
        assert [type(layer) for layer in model] == classes
        assert model.layers is layers
        assert [module.training for _, module in model.named_modules()] == [True, True, False, True]
        assert [p.grad for p in model.parameters()] == [None] * 4

    def test_takes_a_model_that_keeps_what_it_computed_and_functions_in_a_dictionary(self):
        class Keeping(Module):
            def __init__(self):
                self.layer, self.functions = Linear(2, 2, rng=0), {"last": np.tanh}

            def __call__(self, x):
                self.kept = self.functions["last"](self.layer(x))
                return self.kept

        model = Keeping()
        model(np.ones((1, 2)))
        kept = model.kept
        assert [line.split()[0] for line in model.summary((3, 2)).split("\n")] == [
            "name",
            "layer",
            "functions.last",
            "total",
        ]
        assert model.kept is kept

    def test_copies_no_parameter(self):
        layer = Linear(2, 2, rng=0)
        seen = []
        Sequential(layer, lambda x: seen.append(layer.weight) or x).summary((1, 2))
        assert seen == [layer.weight]

    def test_runs_in_the_dtype_of_the_parameters(self):
        seen = []
        Sequential(lambda x: seen.append(x.dtype) or x, Linear(2, 2, dtype=np.float32)).summary((1, 2))
        assert seen == [np.float32]

    def test_of_another_width_is_the_layers_own_error(self):
        with pytest.raises(ValueError, match="linear takes"):
            Sequential(Linear(2, 3)).summary((5, 3))

    def test_a_negative_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"input_shape must hold no negative lengths, got \(-1, 2\)"):
            Linear(2, 3).summary((-1, 2))

    @pytest.mark.parametrize("shape", [2, None, "(5, 2)", (5, None), (5.0, 2), np.zeros((2, 2))], ids=repr)
    def test_a_shape_that_is_none_is_refused_with_advice(self, shape):
        with pytest.raises(TypeError, match=r"input_shape must be a tuple of integers, such as \(32, 2\)"):
            Linear(2, 3).summary(shape)
