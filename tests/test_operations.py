"""How an operation is declared, found, called and explained."""

import importlib
import pickle
import pkgutil
from inspect import signature

import numpy as np
import pytest

import tinygrad_np as tg
from tests.cases import CASES, ROWS
from tinygrad_np import operations, rules
from tinygrad_np.operations import Operation


def declared():
    """Every operation of the rules' modules, with the module that declares it."""
    for module in pkgutil.walk_packages(rules.__path__, "tinygrad_np.rules."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Operation) and value.__module__ == module.name:
                yield name, value


OPERATIONS = dict(declared())
RULES = [name for name, operation in OPERATIONS.items() if not isinstance(operation, operations.Composition)]


def test_every_operation_has_a_row_in_the_table_of_cases_and_every_row_an_operation():
    assert set(CASES) == set(OPERATIONS)
    assert len(CASES) == len(ROWS)
    assert all(CASES[name].operation is operation for name, operation in OPERATIONS.items())


def test_no_two_modules_declare_an_operation_of_one_name():
    names = [name for name, _ in declared()]
    assert sorted(names) == sorted(set(names))


def test_every_numpy_function_leads_to_a_declared_operation():
    assert set(operations.table.values()) <= set(OPERATIONS.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_called_as_it_is_named_and_says_its_derivative(name):
    operation = OPERATIONS[name]
    assert operation.name == operation.__name__ == name
    assert repr(operation) == f"<operation {name}>"
    assert "∂L/∂" in operation.__doc__ if name in RULES else operation.__doc__


@pytest.mark.parametrize("name", RULES)
def test_a_rule_returns_a_value_and_no_more_derivatives_than_arguments(name):
    row = CASES[name]
    seen = []

    def spy(*arrays, **options):
        value, derivatives = row.operation.rule(*arrays, **options)
        seen.append((len(arrays), len(derivatives), all(map(callable, derivatives))))
        return value

    if row.call(spy_of(row.operation, spy), *row.variants[0].arrays, **row.variants[0].options) is not None:
        arguments, derivatives, all_callable = seen[0]
        assert 1 <= derivatives <= max(arguments, len(signature(row.operation.rule).parameters))
        assert all_callable


def spy_of(operation, spy):
    """What stands in for an operation: a sequence operation takes its arrays in one argument."""
    if isinstance(operation, operations.SequenceOperation):
        return lambda arrays, **options: spy(*arrays, **options)
    return spy


@pytest.fixture
def cube():
    @tg.operation(hint="cube takes one array")
    def cube(x):
        """y = x³."""
        return x**3, (lambda g: g * 3 * x**2,)

    return cube


def test_a_declared_rule_works_on_arrays_tensors_and_numbers(cube):
    x = tg.Tensor([1.0, -2.0], requires_grad=True)
    y = cube(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [1, -8])
    np.testing.assert_array_equal(x.grad, [3, 12])
    np.testing.assert_array_equal(cube(np.array([2.0])), [8])
    assert cube(3.0) == 27
    assert not cube(tg.Tensor(2.0)).requires_grad


def test_a_declared_rule_has_derivatives_of_every_order(cube):
    x = tg.Tensor(2.0, requires_grad=True)
    orders = [cube(x)]
    for _ in range(4):
        orders.append(tg.gradients(orders[-1], x, create_graph=True))
    assert [t.item() for t in orders] == [8, 12, 12, 6, 0]


def test_a_declared_operation_keeps_the_rules_documentation(cube):
    assert (cube.__name__, cube.__doc__, cube.__module__) == ("cube", "y = x³.", __name__)
    assert str(signature(cube)) == "(x)"


def test_an_operation_binds_as_a_method(cube):
    class Holder(float):
        third_power = cube

    assert Holder(2.0).third_power() == 8
    assert Holder.third_power is cube


def test_a_numpy_function_is_mirrored_once_only():
    with pytest.raises(ValueError, match=r"np\.exp|ufunc 'exp'.*already mirrored by <operation exp>"):
        tg.operation(np.exp)(lambda x: (x, (lambda g: g,)))
    assert operations.table[np.exp] is OPERATIONS["exp"]


def test_a_composition_is_differentiated_through_the_operations_it_is_made_of():
    @operations.composition(hint="cubed takes one array")
    def cubed(x, factor=1.0):
        """y = factor·x³."""
        return np.multiply(x, x) * (x * factor)

    x = tg.Tensor([1.0, -2.0], requires_grad=True)
    y = cubed(x, factor=2.0)
    np.testing.assert_array_equal(y.data, cubed(x.data, 2.0))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 24])
    with pytest.raises(ValueError, match=r"^cubed\(float64 \(2,\), float64 \(3,\)\): .*\. cubed takes one array"):
        cubed(x, np.ones(3))


def test_a_rule_for_a_numpy_function_makes_it_record(monkeypatch):
    monkeypatch.delitem(operations.table, np.cbrt)
    x = tg.Tensor([8.0, 27.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.cbrt on a Tensor is not supported"):
        np.cbrt(x)

    @tg.operation(np.cbrt)
    def cbrt(x):
        y = np.cbrt(x)
        return y, (lambda g: g / (3 * y * y),)

    np.cbrt(x).sum().backward()
    np.testing.assert_allclose(x.grad, [1 / 12, 1 / 27], rtol=1e-15)


@pytest.fixture
def scaled():
    @tg.operation()
    def scaled(x, weight, power=1):
        """y = x · weightᵖ; the power has no derivative."""
        return x * weight**power, (lambda g: g * weight**power, lambda g: g * x * power * weight ** (power - 1))

    return scaled


def test_tensors_given_by_name_are_differentiated_too(scaled):
    x, weight = (tg.Tensor(v, requires_grad=True) for v in (2.0, 3.0))
    scaled(power=2, weight=weight, x=x).backward()
    assert (x.grad, weight.grad) == (9, 12)


def test_options_reach_the_rule_by_position_and_by_name(scaled):
    weight = tg.Tensor(3.0, requires_grad=True)
    for y in (scaled(2.0, weight, 2), scaled(2.0, weight, power=2), scaled(2.0, power=2, weight=weight)):
        y.backward()
    assert weight.grad == 3 * 12
    slope = tg.gradients(scaled(2.0, weight, power=3), weight, create_graph=True)
    assert tg.gradients(slope, weight).item() == 2 * 3 * 2 * 3


def test_a_gradient_for_an_argument_without_derivative_is_refused_by_name(scaled):
    power = tg.Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"scaled has no derivative .*\.detach\(\)"):
        scaled(2.0, 3.0, power)
    assert scaled(2.0, 3.0, power.detach()).item() == 18


def test_it_is_refused_also_where_as_many_arguments_are_tracked_as_have_derivatives(scaled):
    weight, power = tg.Tensor(3.0, requires_grad=True), tg.Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match="scaled has no derivative"):
        scaled(2.0, weight, power)


def test_a_float_result_of_a_rule_becomes_an_array_of_no_axes():
    y = OPERATIONS["dot"](tg.Tensor([1.0, 2.0]), np.array([3.0, 4.0]))
    assert type(y.data) is np.ndarray
    assert (y.data.shape, y.item()) == ((), 11)


def test_only_derivatives_that_lead_to_tracked_arguments_are_kept():
    x = tg.Tensor(2.0, requires_grad=True)
    assert [d is None for d in (x * 3.0)._node.derivatives] == [False, True]
    assert [d is None for d in (3.0 * x)._node.derivatives] == [True, False]
    assert [d is None for d in (x * x)._node.derivatives] == [False, False]


SHAPES_THAT_DO_NOT_FIT = [
    (
        lambda x: x + np.ones(3),
        ValueError,
        r"add\(float64 \(2,\), float64 \(3,\)\): .*broadcast.*x\[:, None\] or reshape",
    ),
    (lambda x: np.ones(3) * x, ValueError, r"multiply\(float64 \(3,\), float64 \(2,\)\): .*broadcast"),
    (
        lambda x: x @ np.ones((3, 2)),
        ValueError,
        r"matmul\(float64 \(2,\), float64 \(3, 2\)\): .*transpose one with \.T",
    ),
    (lambda x: np.dot(x, np.ones(3)), ValueError, r"dot\(float64 \(2,\), float64 \(3,\)\): .*not aligned"),
    (lambda x: np.dot(x, np.ones((2, 3, 2))), ValueError, r"dot\(float64 \(2,\), float64 \(2, 3, 2\)\): "),
    (lambda x: x.reshape(3, 3), ValueError, r"reshape\(float64 \(2,\), \(3, 3\), 'C'\): .*as many elements"),
    (lambda x: np.concatenate([x, np.ones((2, 2))]), ValueError, r"concatenate\(float64 \(2,\), float64 \(2, 2\)\)"),
    (lambda x: np.broadcast_to(x, (3,)), ValueError, r"broadcast_to\(float64 \(2,\), \(3,\)\)"),
    (lambda x: np.where([True] * 3, x, 0.0), ValueError, r"where\(.*broadcast"),
    (
        lambda x: tg.linear(np.ones((4, 3)), x),
        ValueError,
        r"linear\(float64 \(4, 3\), float64 \(2,\)\).*weight \(in, out\)",
    ),
    (lambda x: x.sum(axis=1), np.exceptions.AxisError, r"sum\(float64 \(2,\), axis=1\): .*axis 1 is out of bounds"),
    (lambda x: tg.softmax(x, axis=1), np.exceptions.AxisError, r"softmax\(.*axis 1 is out of bounds"),
    (lambda x: np.transpose(x, (0, 1)), ValueError, r"transpose\(float64 \(2,\), \(0, 1\)\)"),
    (lambda x: np.swapaxes(x, 0, 1), np.exceptions.AxisError, r"swapaxes\(float64 \(2,\), 0, 1\)"),
    (lambda x: x[5], IndexError, r"getitem\(float64 \(2,\), 5\): index 5 is out of bounds"),
    (lambda x: x[[True, False, True]], IndexError, r"getitem\(.*boolean"),
    (lambda x: x["a"], IndexError, r"getitem\(float64 \(2,\), 'a'\)"),
    (lambda x: x + "a", TypeError, r"add\(float64 \(2,\), 'a'\)"),
    (lambda x: x * None, TypeError, r"multiply\(float64 \(2,\), None\)"),
]


@pytest.mark.parametrize(
    ("call", "kind", "message"), SHAPES_THAT_DO_NOT_FIT, ids=[m[:12] for _, _, m in SHAPES_THAT_DO_NOT_FIT]
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_an_error_names_the_operation_what_came_and_what_to_write(call, kind, message, requires_grad):
    with pytest.raises(kind, match=message):
        call(tg.Tensor([1.0, 2.0], requires_grad=requires_grad))


def test_plain_arrays_get_the_same_error():
    with pytest.raises(ValueError, match=r"^add\(float64 \(2,\), float64 \(3,\)\): operands could not be broadcast"):
        OPERATIONS["add"](np.ones(2), np.ones(3))


w = tg.Tensor(2.0, requires_grad=True)
MISTAKES = {
    "no comma": (lambda x: (x**2, (lambda g: 2 * g * x)), r"must return \(value, derivatives\).*with the comma"),
    "a list": (lambda x: (x**2, [lambda g: 2 * g * x]), "must return .* and gave list"),
    "only a value": (lambda x: x**2, "must return .* with the comma"),
    "only a number": (lambda x: 1.0, "must return .* with the comma"),
    "three values": (lambda x: (x, x, x), "must return .* with the comma"),
    "a Python number": (lambda x: (1.0, (lambda g: g,)), "gave the value 1.0; give an array of x's dtype"),
    "a Tensor": (lambda x: (x * w, (lambda g: g * w,)), "a Tensor that it closes over"),
}


@pytest.mark.parametrize(("rule", "message"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("n", [2, 3])
def test_a_mistaken_rule_is_told_what_to_return(rule, message, n):
    mistaken = tg.operation()(rule)
    with pytest.raises(TypeError, match=message):
        mistaken(tg.Tensor(np.ones(n), requires_grad=True))


@pytest.mark.parametrize("given", [2.0, None, [1.0]])
def test_a_derivative_that_gives_no_array_is_named(given):
    flat = tg.operation()(lambda x: (x * 2, (lambda g: given,)))
    with pytest.raises(TypeError, match=r"a derivative of '<lambda>' gave .* which is no array"):
        flat(tg.Tensor([1.0], requires_grad=True)).backward()


def test_a_rule_of_what_is_no_operation_is_told_to_mirror_it():
    constant = tg.operation()(lambda x: (np.asarray(x.tolist()) * 2, (lambda g: g * 2,)))
    x = tg.Tensor([1.0], requires_grad=True)
    constant(x).backward()
    assert x.grad == 2
    with pytest.raises(TypeError, match=r"gave a plain array when it was run on Tensors.*Mirror that"):
        tg.gradients(constant(x), x, create_graph=True)


@pytest.mark.parametrize("what", [None, "tanh"])
def test_an_operation_mirrors_functions_only(what):
    with pytest.raises(TypeError, match=r"an operation mirrors functions, such as np\.tanh, got"):
        tg.operation(what)(lambda x: (x, (lambda g: g,)))


def test_a_masked_array_or_a_matrix_is_refused_and_another_subclass_is_an_array():
    x = tg.Tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(TypeError, match=r"multiply takes no masked array.*data\.filled\(value\)"):
        x * np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    with pytest.raises(TypeError, match="would lose the gradient"):
        np.ma.array([[1.0, 2.0]], mask=[[False, True]]) * x
    with pytest.raises(TypeError, match=r"multiply takes no np\.matrix.*np\.asarray\(matrix\)"):
        x * np.ones((2, 1)).view(np.matrix)

    class Own(np.ndarray):
        pass

    assert type((x * np.ones(2).view(Own)).data) is np.ndarray


def test_a_declaration_without_parentheses_is_told_so():
    @tg.operation
    def cube(x):
        return x**3, (lambda g: g * 3 * x**2,)

    with pytest.raises(TypeError, match=r"with parentheses, as @tg.operation\(\)"):
        cube(np.ones(2))


def test_a_ragged_list_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^add: a list that is no array, .*inhomogeneous.*; give rows of one length"):
        OPERATIONS["add"](tg.Tensor([1.0]), [[1.0, 2.0], [3.0]])


def test_too_many_options_after_a_sequence_are_refused():
    with pytest.raises(TypeError, match=r"concatenate takes \['axis'\] after the arrays, got 2 values"):
        OPERATIONS["concatenate"]([np.ones(2)], 0, 1)


def test_operations_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(tg.relu)) is tg.relu
