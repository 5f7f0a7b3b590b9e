"""Optimizers given what they cannot use: refused when constructed or assigned to, with what came and what to give."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import SGD, Adam, AdamW, MomentumSGD, NAdam, RMSprop

NAN, INF = float("nan"), float("inf")
OUT_OF_RANGE = {
    "lr": [NAN, INF, -INF, -0.1, np.float32(-1), -1, 10**400],
    "momentum": [NAN, INF, -0.1, 1.0, 1.5, 1],
    "beta1": [NAN, -0.1, 1.0, 2],
    "beta2": [NAN, -0.1, 1.0, 2],
    "eps": [NAN, INF, 0.0, 0, -1e-8],
    "rho": [NAN, -0.1, 1.0, 2],
    "warming": [NAN, INF, -1],
    "l2": [NAN, INF, -1e-4],
    "weight_decay": [NAN, INF, -1e-4],
}
NOT_A_NUMBER = ["0.1", True, np.True_, None, [0.1], 1j, np.array([0.1])]
IN_RANGE = {
    "lr": [0, 0.5, 10, np.float32(0.5), np.int64(1)],
    "momentum": [0, 0.999],
    "beta1": [0.0, 0.999],
    "beta2": [0.0, 0.9999],
    "eps": [1e-300, 1],
    "rho": [0.0, 0.999],
    "warming": [0, 1.0],
    "l2": [0, 10],
    "weight_decay": [0, 10],
}
TAKES = {"lr": SGD, "momentum": MomentumSGD, "beta1": Adam, "beta2": Adam, "eps": Adam, "rho": RMSprop}
TAKES |= {"warming": NAdam, "l2": SGD, "weight_decay": AdamW}


def leaf(*values):
    return tg.Tensor(values or [1.0, 2.0], requires_grad=True)


def cases(table):
    return [
        pytest.param(name, value, id=f"{name}={str(value)[:8]}") for name, values in table.items() for value in values
    ]


class TestHyperparameter:
    @pytest.mark.parametrize(("name", "value"), cases(OUT_OF_RANGE))
    def test_out_of_range_is_named_with_its_value(self, name, value):
        with pytest.raises(ValueError, match=f"^{name} must be ") as caught:
            TAKES[name]([leaf()], **{name: value})
        assert repr(value)[:20] in str(caught.value)
        advised = str(caught.value).rpartition(f"; give for example {name}=")[2]
        assert TAKES[name]([leaf()], **{name: float(advised)}).groups[0][name] == float(advised)

    @pytest.mark.parametrize(("name", "value"), cases(dict.fromkeys(TAKES, NOT_A_NUMBER)))
    def test_that_is_no_number_is_named_with_its_value_and_a_conversion(self, name, value):
        with pytest.raises(
            TypeError, match=rf"^{name} must be .*; give for example {name}=\S+, or float\(value\)$"
        ) as caught:
            TAKES[name]([leaf()], **{name: value})
        assert repr(value) in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("lr", "0.1", "a finite number of at least 0, got '0.1'; give for example lr=0.1, or float(value)"),
            ("lr", NAN, "a finite number of at least 0, got nan; give for example lr=0.1"),
            ("momentum", 1.0, "a number in [0, 1), got 1.0; give for example momentum=0.9"),
            ("beta2", 2, "a number in [0, 1), got 2; give for example beta2=0.999"),
            ("eps", 0, "a finite number above 0, got 0; give for example eps=1e-08"),
        ],
    )
    def test_is_refused_in_one_sentence(self, name, value, message):
        with pytest.raises((TypeError, ValueError)) as caught:
            TAKES[name]([leaf()], **{name: value})
        assert str(caught.value) == f"{name} must be {message}"

    @pytest.mark.parametrize(("name", "value"), cases(IN_RANGE))
    def test_in_range_is_taken_as_a_float(self, name, value):
        group = TAKES[name]([leaf()], **{name: value}).groups[0]
        assert group[name] == value
        assert type(group[name]) is float

    @pytest.mark.parametrize(
        ("value", "error"), [(NAN, ValueError), (-1, ValueError), ("0.1", TypeError), (True, TypeError)]
    )
    @pytest.mark.parametrize("where", ["group", "optimizer.lr", "groups[0]", "update"])
    def test_is_checked_wherever_it_is_set_and_the_old_value_stays(self, where, value, error):
        optimizer = SGD([leaf()], lr=0.5)
        with pytest.raises(error, match=r"^lr must be"):
            set_rate(optimizer, where, value)
        assert optimizer.lr == 0.5

    def test_unknown_to_the_group_cannot_be_set(self):
        with pytest.raises(KeyError, match="no hyperparameter 'learning_rate'; there are lr, momentum"):
            MomentumSGD([leaf()]).groups[0]["learning_rate"] = 0.1
        with pytest.raises(AttributeError, match="lr"):
            SGD([leaf()]).groups[0].lr = 0.1

    def test_cannot_be_removed(self):
        group = SGD([leaf()], lr=0.5).groups[0]
        with pytest.raises(TypeError, match="not removed"):
            del group["lr"]
        assert group["lr"] == 0.5

    @pytest.mark.parametrize("optimizer", [SGD, MomentumSGD, Adam])
    @pytest.mark.parametrize("key", ["dampening", "learning_rate", "nesterov"])
    def test_unknown_in_a_group_or_as_an_argument_is_named(self, optimizer, key):
        with pytest.raises(TypeError, match=key):
            optimizer([{"params": [leaf()], key: 0.1}])
        with pytest.raises(TypeError, match=key):
            optimizer([leaf()], **{key: 0.1})

    def test_of_another_optimizer_in_a_group_is_named(self):
        with pytest.raises(
            TypeError, match=r"SGD does not take momentum, velocity in a group; it takes params, lr, l2, weight_decay$"
        ):
            SGD([{"params": [leaf()], "velocity": [[1.0, 1.0]], "momentum": 0.5}])

    @pytest.mark.parametrize(
        ("optimizer", "keys", "advice"),
        [
            (SGD, ["wd"], "params, lr, l2, weight_decay"),
            (SGD, ["learning_rate"], "params, lr, l2, weight_decay"),
            (MomentumSGD, ["momentun"], "params, lr, momentum, l2, weight_decay, velocity; did you mean momentum?"),
            (
                MomentumSGD,
                ["velocities", "mom"],
                "params, lr, momentum, l2, weight_decay, velocity; did you mean velocity?",
            ),
            (
                Adam,
                ["betas", "epsilon"],
                "params, lr, beta1, beta2, eps, l2, weight_decay, m, v; did you mean beta1 or beta2 or eps?",
            ),
            (SGD, [0, "wd"], "params, lr, l2, weight_decay"),
        ],
    )
    def test_unknown_in_a_group_is_answered_with_what_is_taken_and_the_nearest(self, optimizer, keys, advice):
        with pytest.raises(TypeError) as caught:
            optimizer([{"params": [leaf()], **dict.fromkeys(keys, 0.1)}])
        named = ", ".join(sorted(map(str, keys)))
        assert str(caught.value) == f"{optimizer.__name__} does not take {named} in a group; it takes {advice}"

    def test_unknown_in_a_group_is_named_before_the_parameters_that_are_missed(self):
        with pytest.raises(TypeError, match=r"does not take parameters in a group; .* did you mean params\?"):
            SGD([{"parameters": [leaf()]}])


class TestAttribute:
    @pytest.mark.parametrize(
        ("optimizer", "name", "advice"),
        [
            (SGD, "learning_rate", "lr, l2, weight_decay"),
            (SGD, "momentum", "lr, l2, weight_decay"),
            (MomentumSGD, "momentun", "lr, momentum, l2, weight_decay; did you mean momentum?"),
            (Adam, "betas", "lr, beta1, beta2, eps, l2, weight_decay; did you mean beta1 or beta2?"),
            (Adam, "_lr", "lr, beta1, beta2, eps, l2, weight_decay; did you mean lr?"),
        ],
    )
    def test_that_is_none_is_refused_with_those_that_there_are(self, optimizer, name, advice):
        steps = optimizer([leaf()])
        for use in (lambda: setattr(steps, name, 0.1), lambda: getattr(steps, name)):
            with pytest.raises(AttributeError, match=f"no attribute '{name}'") as caught:
                use()
            assert str(caught.value).endswith(f"; the hyperparameters are {advice}")

    def test_that_is_a_hyperparameter_is_checked_and_the_old_value_stays(self):
        steps = MomentumSGD([{"params": [leaf()], "momentum": 0.1}, {"params": [leaf()], "momentum": 0.2}])
        with pytest.raises(ValueError, match=r"^momentum must be a number in \[0, 1\), got 1.5"):
            steps.momentum = 1.5
        assert [group["momentum"] for group in steps.groups] == [0.1, 0.2]


def set_rate(optimizer, where, value):
    if where == "group":
        SGD([{"params": [leaf()], "lr": value}])
    elif where == "optimizer.lr":
        optimizer.lr = value
    elif where == "groups[0]":
        optimizer.groups[0]["lr"] = value
    else:
        optimizer.groups[0].update(lr=value)


@pytest.mark.parametrize("optimizer", [SGD, MomentumSGD, Adam])
class TestParams:
    @pytest.mark.parametrize(
        "params",
        [[], (), iter(()), [{"params": []}], [{}], {}],
        ids=["list", "tuple", "generator", "group", "no key", "dict"],
    )
    def test_that_are_empty_are_refused(self, optimizer, params):
        with pytest.raises(ValueError, match="empty parameter list"):
            optimizer(params)

    def test_in_a_set_have_no_order_and_are_refused(self, optimizer):
        with pytest.raises(TypeError, match="params must be a list of Tensors or of groups, got set"):
            optimizer({leaf()})

    def test_with_one_empty_group_are_refused(self, optimizer):
        with pytest.raises(ValueError, match="empty parameter list"):
            optimizer([{"params": [leaf()]}, {"params": []}])

    @pytest.mark.parametrize("wrap", [lambda p: p, lambda p: [{"params": p}]], ids=["list", "group"])
    def test_of_a_single_tensor_are_refused_with_advice(self, optimizer, wrap):
        with pytest.raises(TypeError, match=r"write \[parameter\]"):
            optimizer(wrap(leaf()))

    @pytest.mark.parametrize(
        ("item", "name"),
        [(np.ones(2), "ndarray"), (1.0, "float"), ("weight", "str"), (None, "NoneType"), ((leaf(), leaf()), "tuple")],
        ids=["array", "float", "text", "None", "pair"],
    )
    def test_that_are_no_tensors_are_named_by_their_type(self, optimizer, item, name):
        with pytest.raises(TypeError, match=f"params must be Tensors, got {name}"):
            optimizer([leaf(), item])

    @pytest.mark.parametrize("params", [None, 5, "weight", {"params": [leaf()]}], ids=["None", "int", "text", "dict"])
    def test_that_are_no_list_are_refused(self, optimizer, params):
        with pytest.raises(TypeError, match="params must be"):
            optimizer(params)

    @pytest.mark.parametrize(
        "mixed",
        [lambda: [{"params": [leaf()]}, leaf()], lambda: [leaf(), {"params": [leaf()]}]],
        ids=["group first", "Tensor first"],
    )
    def test_that_mix_groups_and_tensors_are_refused(self, optimizer, mixed):
        with pytest.raises(TypeError, match="params must be"):
            optimizer(mixed())

    @pytest.mark.parametrize(
        "parameter",
        [lambda: leaf() * 2, lambda: tg.Tensor([1.0]), lambda: tg.Tensor([1])],
        ids=["computed", "constant", "int"],
    )
    def test_that_are_no_leaves_with_a_gradient_are_refused(self, optimizer, parameter):
        with pytest.raises(TypeError, match="requires a gradient"):
            optimizer([leaf(), parameter()])

    def test_that_list_a_parameter_twice_are_refused(self, optimizer):
        p, q = leaf(1.0), leaf(2.0)
        with pytest.raises(ValueError, match="twice"):
            optimizer([p, q, p])
        with pytest.raises(ValueError, match="twice"):
            optimizer([{"params": [p]}, {"params": [q, p]}])

    def test_refused_keep_their_data(self, optimizer):
        p = leaf()
        data = p.data
        with pytest.raises(TypeError):
            optimizer([p, None])
        with pytest.raises(ValueError, match="lr"):
            optimizer([p], lr=NAN)
        assert p.data is data


class TestVelocity:
    @pytest.mark.parametrize(
        "velocity",
        [[], [[1.0, 2.0]], [[1.0, 2.0], [3.0], [4.0]], [[1.0], [3.0]], [[[1.0, 2.0]], [3.0]], [1.0, 2.0], [None, None]],
        ids=["none", "too few", "too many", "shorter", "2-D", "numbers", "Nones"],
    )
    def test_of_other_shapes_than_the_parameters_shows_both(self, velocity):
        with pytest.raises(ValueError, match=r"velocity has shapes .* for parameters of shapes \[\(2,\), \(1,\)\]"):
            MomentumSGD([leaf(1.0, 2.0), leaf(3.0)], velocity=velocity)

    @pytest.mark.parametrize("velocity", [[[1.0]], [[1.0], [2.0]]], ids=["one", "two"])
    def test_for_the_parameters_of_all_groups_at_once_is_refused(self, velocity):
        with pytest.raises(ValueError, match="velocity is given for 2 groups at once; give each group its own"):
            MomentumSGD([{"params": [leaf(1.0)]}, {"params": [leaf(2.0)]}], velocity=velocity)

    @pytest.mark.parametrize("value", [NAN, float("inf")])
    def test_that_is_not_finite_is_refused(self, value):
        with pytest.raises(ValueError, match="velocity holds NaN or infinity"):
            MomentumSGD([leaf(1.0)], velocity=[[value]])

    @pytest.mark.parametrize(
        "velocity", [0.5, "ab", [["a", "b"]], [[1j, 2j]]], ids=["number", "text", "letters", "complex"]
    )
    def test_that_is_no_list_of_real_arrays_is_refused(self, velocity):
        with pytest.raises((TypeError, ValueError), match="velocity"):
            MomentumSGD([leaf(1.0, 2.0)], velocity=velocity)


class TestRepr:
    @pytest.mark.parametrize(
        ("optimizer", "text"),
        [
            (lambda p: SGD(p, lr=0.1), "SGD(2 parameters: lr=0.1)"),
            (lambda p: MomentumSGD(p, lr=0.5), "MomentumSGD(2 parameters: lr=0.5, momentum=0.9)"),
            (Adam, "Adam(2 parameters: lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)"),
            (
                lambda p: SGD([{"params": p[:1], "lr": 1}, {"params": p[1:]}]),
                "SGD(1 parameter: lr=1; 1 parameter: lr=0.01)",
            ),
        ],
        ids=["SGD", "MomentumSGD", "Adam", "groups"],
    )
    def test_shows_groups_and_hyperparameters_in_the_order_of_the_signature(self, optimizer, text):
        assert repr(optimizer([leaf(), leaf()])) == text
