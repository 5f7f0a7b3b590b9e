"""Bad input to the engine: a specific exception that says what came, what was expected and what to write instead."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import tinygrad_np as tg


def leaf(value):
    return tg.Tensor(value, requires_grad=True)


NOT_NUMBERS = {
    "a string": ("hello", r"<U5"),
    "strings": (["1", "2"], r"<U1"),
    "bytes": (b"1", r"S1"),
    "None": (None, "object"),
    "objects": ([1, None], "object"),
    "complex": (1 + 2j, "complex128"),
    "complex array": (np.ones(2, np.complex64), r"complex64.*\.real and \.imag"),
    "dates": (np.array(["2024-01-01"], "datetime64[D]"), "datetime64"),
    "a dictionary": ({"a": 1}, "object"),
    "ragged rows": ([[1.0, 2.0], [3.0]], r"regular shape.*inhomogeneous"),
    "records": (np.zeros(2, [("a", float)]), r"\('a'"),
}


@pytest.mark.parametrize(("data", "came"), NOT_NUMBERS.values(), ids=NOT_NUMBERS)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_data_that_are_not_real_numbers(data, came, requires_grad):
    with pytest.raises(TypeError, match=f"a Tensor takes (real )?numbers.*{came}"):
        tg.Tensor(data, requires_grad=requires_grad)


@pytest.mark.parametrize("data", [["1.5", "2"], "1.5", [None, 1.0], [1 + 2j], np.ones(2, complex)])
def test_a_dtype_does_not_make_numbers_of_what_is_none(data):
    with pytest.raises(TypeError, match="a Tensor takes"):
        tg.Tensor(data, dtype=np.float64)


def test_a_masked_array_would_lose_its_mask():
    with pytest.raises(TypeError, match=r"masked array.*data\.filled\(value\)"):
        tg.Tensor(np.ma.array([1.0, 2.0], mask=[True, False]))


def test_the_hint_on_shapes_is_not_given_for_another_mistake():
    with pytest.raises(TypeError) as caught:
        leaf([1.0]) + "a"
    assert "Shapes fit" not in str(caught.value)


def test_a_tensor_of_a_tensor():
    with pytest.raises(TypeError, match=r"t\.detach\(\)"):
        tg.Tensor(leaf(1.0))


def test_a_tensor_of_a_list_of_tracked_tensors_would_lose_gradients():
    with pytest.raises(TypeError, match="would lose the gradient"):
        tg.Tensor([leaf(1.0), leaf(2.0)])


@pytest.mark.parametrize("data", [1, [1, 2], True, np.uint8(3), np.zeros(2, bool), range(3)])
def test_integers_that_require_a_gradient(data):
    with pytest.raises(TypeError, match=r"(int|uint|bool)\w* data cannot have a gradient; .*dtype=np\.float64"):
        tg.Tensor(data, requires_grad=True)
    constant = tg.Tensor(data)
    with pytest.raises(TypeError, match="cannot have a gradient"):
        constant.requires_grad = True
    assert not constant.requires_grad


def test_a_dtype_of_integers_that_requires_a_gradient():
    with pytest.raises(TypeError, match="int64 data cannot have a gradient"):
        tg.Tensor([1.0, 2.0], requires_grad=True, dtype=int)


def test_a_tracked_value_becomes_no_integer():
    with pytest.raises(TypeError, match=r"int64.*\.detach\(\)"):
        leaf([1.0]).astype(int)


NO_REAL_NUMBERS = {
    "complex number": lambda x: x * 1j,
    "complex array": lambda x: np.ones(2, complex) + x,
    "power of a complex": lambda x: x**1j,
    "Fraction": lambda x: x * Fraction(1, 2),
    "Decimal": lambda x: x * Decimal("0.5"),
    "objects": lambda x: x + np.array([1, 2], object),
    "time": lambda x: x * np.timedelta64(1, "s"),
    "string": lambda x: x + "a",
    "string in where": lambda x: np.where([True, False], x, "a"),
    "strings joined": lambda x: np.concatenate([x, ["a", "b"]]),
    "objects joined": lambda x: np.concatenate([x, [None]]),
    "None": lambda x: np.maximum(x, None),
}


@pytest.mark.parametrize("call", NO_REAL_NUMBERS.values(), ids=NO_REAL_NUMBERS)
def test_a_tracked_value_does_not_become_complex_an_object_or_text(call):
    with pytest.raises(TypeError, match=r"\w+\(.*float64"):
        call(leaf([1.0, 2.0]))


def test_an_untracked_value_becomes_an_integer_as_in_numpy():
    y = tg.Tensor([1.7, -1.7]).astype(np.int64)
    np.testing.assert_array_equal(y.data, np.array([1, -1]), strict=True)


def test_backward_of_something_that_is_not_scalar():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) needs a gradient of that shape; or reduce it .*t\.sum\(\)"):
        (leaf(np.ones((2, 3))) * 2).backward()


def test_backward_of_an_empty_tensor():
    with pytest.raises(ValueError, match=r"shape \(0,\) needs a gradient"):
        (leaf(np.ones(0)) * 2).backward()


@pytest.mark.parametrize("gradient", [1.0, [1.0], np.ones((2, 1)), np.ones((1, 2)), []])
def test_backward_with_a_gradient_of_another_shape(gradient):
    with pytest.raises(ValueError, match=r"got a gradient of shape \(.*\) for a Tensor of shape \(2,\)"):
        (leaf([1.0, 2.0]) * 2).backward(gradient)


@pytest.mark.parametrize("gradient", ["ab", ["a", "b"], [1j, 2j], [None, None]])
def test_backward_with_a_gradient_that_is_no_numbers(gradient):
    x = leaf([1.0, 2.0])
    with pytest.raises((TypeError, ValueError)):
        (x * 2).backward(gradient)
    assert x.grad is None


def test_backward_of_a_constant():
    for constant in (tg.Tensor(1.0), tg.Tensor(1.0) * 2, leaf(1.0).detach()):
        with pytest.raises(tg.GraphError, match=r"requires a gradient; set requires_grad=True on a leaf"):
            constant.backward()


def test_assigning_into_a_tensor():
    for target in (leaf([1.0, 2.0]), tg.Tensor([1.0, 2.0])):
        with pytest.raises(TypeError, match=r"cannot be assigned into.*tg\.index_update.*np\.where"):
            target[0] = 5.0
        np.testing.assert_array_equal(target.data, [1, 2])


def test_data_of_another_shape():
    x = leaf([1.0, 2.0])
    for value in (1.0, [1.0], [[1.0, 2.0]], np.ones(3)):
        with pytest.raises(ValueError, match=r"data of shape \(.*\) for a Tensor of shape \(2,\)"):
            x.data = value
    np.testing.assert_array_equal(x.data, [1, 2])


def test_data_of_a_computed_tensor():
    y = leaf([1.0, 2.0]) * 2
    with pytest.raises(tg.GraphError, match=r"multiply.*only a leaf's data can be set"):
        y.data = [1.0, 2.0]


@pytest.mark.parametrize("value", [["a", "b"], [None, None], [[1.0], [2.0, 3.0]]])
def test_data_that_are_not_numbers(value):
    x = leaf([1.0, 2.0])
    with pytest.raises((TypeError, ValueError)):
        x.data = value
    np.testing.assert_array_equal(x.data, [1, 2])


@pytest.mark.parametrize("gradient", [np.ones(3), np.ones((2, 1)), 1.0, np.float32([1, 1]), [1, 1]])
def test_a_gradient_of_another_shape_or_dtype(gradient):
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match=r"a gradient of \w+ \(.*\) for a Tensor of float64 \(2,\)"):
        x.grad = gradient
    assert x.grad is None


def test_a_gradient_where_there_is_none():
    for tensor in (tg.Tensor([1.0]), leaf([1.0]) * 2):
        with pytest.raises(tg.GraphError, match=r"only a leaf that requires a gradient has one.*requires_grad=True"):
            tensor.grad = np.ones(1)


def test_switching_the_gradient_of_a_computed_tensor():
    y = leaf([1.0]) * 2
    for wanted in (True, False):
        with pytest.raises(tg.GraphError, match=r"t\.detach\(\)"):
            y.requires_grad = wanted


def test_attributes_that_a_tensor_does_not_have():
    x = leaf([1.0])
    with pytest.raises(AttributeError):
        x.gradient = np.ones(1)
    with pytest.raises(AttributeError):
        x.shape = (1, 1)


def test_a_subclass():
    with pytest.raises(TypeError, match=r"Tensor is final; .*tg\.nn\.Module"):
        type("Parameter", (tg.Tensor,), {})


CONDITION = {
    "all tracked": lambda x: np.where(x, x, x),
    "condition tracked": lambda x: np.where(x, 1.0, 2.0),
}


@pytest.mark.parametrize("call", CONDITION.values(), ids=CONDITION)
def test_a_condition_that_requires_a_gradient(call):
    x = leaf([1.0, 0.0])
    with pytest.raises(TypeError, match=r"no derivative .*\.detach\(\)"):
        call(x).sum().backward()
    assert x.grad is None


def test_a_graph_error_is_a_value_error():
    assert issubclass(tg.GraphError, ValueError)


LOGITS = np.zeros((3, 4))

CROSS_ENTROPY = {
    "label too large": (LOGITS, [0, 4, 1], ValueError, r"label 4 in row 1 is outside \[0, 4\).*4 classes.*np\.unique"),
    "label negative": (LOGITS, [0, 1, -1], ValueError, r"label -1 in row 2 is outside \[0, 4\)"),
    "labels of floats": (LOGITS, [0.0, 1.0, 2.0], TypeError, r"labels must be integers, got float64.*astype\(int\)"),
    "fractional labels": (LOGITS, [0.5, 1.0, 2.0], TypeError, "labels must be integers"),
    "labels of bools": (LOGITS, [True, False, True], TypeError, "labels must be integers, got bool"),
    "labels of strings": (LOGITS, ["a", "b", "c"], TypeError, r"labels must be integers, got <U1; .*np\.unique\("),
    "labels of objects": (LOGITS, np.array([0, "b", None], object), TypeError, "labels must be integers, got object"),
    "complex labels": (LOGITS, [1j, 0, 0], TypeError, "labels must be integers, got complex128"),
    "no targets": (
        LOGITS,
        None,
        ValueError,
        r"targets of shape \(\) for logits of shape \(3, 4\); give integer labels",
    ),
    "rows of strings": (
        LOGITS,
        [["a"] * 4] * 3,
        TypeError,
        r"probabilities must be real numbers, got <U1 .*np\.asarray",
    ),
    "rows of objects": (LOGITS, [[None] * 4] * 3, TypeError, "probabilities must be real numbers, got object"),
    "complex rows": (LOGITS, np.ones((3, 4), complex), TypeError, "probabilities must be real numbers, got complex128"),
    "too few labels": (LOGITS, [0, 1], ValueError, "2 labels for 3 rows of logits"),
    "labels as a column": (
        LOGITS,
        [[0], [1], [2]],
        ValueError,
        r"targets of shape \(3, 1\) for logits of shape \(3, 4\)",
    ),
    "one label": (LOGITS, 1, ValueError, r"targets of shape \(\)"),
    "rows that do not sum to 1": (LOGITS, np.full((3, 4), 0.3), ValueError, r"row 0 is .*sum 1\.2.*divide each row"),
    "a negative probability": (LOGITS, [[1, 0, 0, 0], [2, -1, 0, 0], [1, 0, 0, 0]], ValueError, "row 1 is"),
    "a probability of NaN": (LOGITS, [[np.nan, 0, 0, 1]] * 3, ValueError, "row 0 is .*sum nan"),
    "logits of one axis": (np.zeros(4), [0], ValueError, r"logits must have shape \(n, classes\).*logits\[None, :\]"),
    "logits of no classes": (np.zeros((2, 0)), [0, 0], ValueError, r"label 0 in row 0 is outside \[0, 0\)"),
}


NO_LOGITS = {
    "a number": (5.0, ValueError, r"logits must have shape \(n, classes\)"),
    "a string": ("x", TypeError, "logits must be real numbers, got <U1"),
    "None": (None, TypeError, "logits must be real numbers, got object"),
    "rows of strings": ([["a", "b"]], TypeError, "logits must be real numbers, got <U1"),
    "ragged rows": (((1.0,), (2.0, 3.0)), ValueError, "inhomogeneous"),
}


@pytest.mark.parametrize(("logits", "kind", "message"), NO_LOGITS.values(), ids=NO_LOGITS)
def test_logits_of_the_cross_entropy(logits, kind, message):
    with pytest.raises(kind, match=rf"softmax_cross_entropy\(.*{message}"):
        tg.softmax_cross_entropy(logits, [0])


@pytest.mark.parametrize(("logits", "targets", "kind", "message"), CROSS_ENTROPY.values(), ids=CROSS_ENTROPY)
def test_targets_of_the_cross_entropy(logits, targets, kind, message):
    message = rf"softmax_cross_entropy\(float64 \(.*{message}"
    with pytest.raises(kind, match=message):
        tg.softmax_cross_entropy(leaf(logits), targets)
    with pytest.raises(kind, match=message):
        tg.softmax_cross_entropy(logits, np.asarray(targets))


UNITS = [tg.relu, tg.sigmoid, tg.softmax, tg.log_softmax]


@pytest.mark.parametrize("function", UNITS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    ("x", "came"),
    [("x", "<U1"), (None, "object"), ([None], "object"), (1j, "complex128"), (["a", "b"], "<U1"), ({}, "object")],
    ids=str,
)
def test_units_of_what_is_no_real_numbers(function, x, came):
    message = rf"{function.name}\(.*\): x must be real numbers, got {came} data; .*np\.asarray\(data, dtype=float\)"
    with pytest.raises(TypeError, match=message):
        function(x)


@pytest.mark.parametrize("function", UNITS, ids=lambda f: f.name)
def test_units_of_ragged_rows(function):
    with pytest.raises(ValueError, match=rf"{function.name}\(.*inhomogeneous"):
        function(((1.0,), (2.0, 3.0)))


@pytest.mark.parametrize("function", [tg.softmax, tg.log_softmax])
@pytest.mark.parametrize("x", [5.0, leaf(5.0), np.array(5.0)], ids=["number", "Tensor", "array"])
def test_the_softmax_of_a_single_number(function, x):
    with pytest.raises(ValueError, match=rf"{function.name}\(.*a single number has no axis.*shape \(classes,\)"):
        function(x)


LINEAR = {
    "weight of one axis": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones(2)),
    "weight transposed": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((4, 2))),
    "weight of three axes": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((1, 2, 4))),
    "bias too long": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((2, 4)), np.ones(5)),
    "bias of two axes": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((2, 4)), np.ones((6, 1, 4))),
    "x a number": lambda: tg.linear(leaf(1.0), np.ones((2, 4))),
    "x a string": lambda: tg.linear("x", np.ones((2, 4))),
    "no x": lambda: tg.linear(None, leaf(np.ones((2, 4)))),
    "weight a number": lambda: tg.linear(leaf(np.ones((3, 2))), 3.0),
    "no weight": lambda: tg.linear(leaf(np.ones((3, 2))), None),
    "weight of strings": lambda: tg.linear(leaf(np.ones((3, 2))), [["a"], ["b"]]),
    "bias a number": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((2, 4)), 1.0),
    "bias a string": lambda: tg.linear(leaf(np.ones((3, 2))), np.ones((2, 4)), "b"),
}


@pytest.mark.parametrize("call", LINEAR.values(), ids=LINEAR)
def test_shapes_of_a_linear_map(call):
    expected = r"linear\(.*takes real numbers: x .* weight \(in, out\) and a bias \(out,\)"
    with pytest.raises((ValueError, TypeError), match=expected):
        call()


@pytest.mark.parametrize("kind", [list, tuple])
def test_public_functions_take_lists_and_tuples_like_numpys_own(kind):
    array = np.array([[1.0, 2.0], [3.0, 0.0]])
    rows, numbers = kind(map(kind, array.tolist())), kind([1.0, 2.0])
    for function in (tg.relu, tg.sigmoid, tg.softmax, tg.log_softmax, tg.logsumexp):
        np.testing.assert_array_equal(function(rows), function(array))
    assert tg.softmax_cross_entropy(rows, kind([0, 1])) == tg.softmax_cross_entropy(array, [0, 1])
    np.testing.assert_array_equal(tg.linear(rows, array, np.array(numbers)), array @ array + [1, 2])
