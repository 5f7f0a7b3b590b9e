"""tg.gradients: chosen inputs, several outputs, higher orders, and what it leaves alone."""

import numpy as np
import pytest

import tinygrad_np as tg


def leaf(value, dtype=np.float64):
    return tg.Tensor(value, requires_grad=True, dtype=dtype)


@pytest.fixture
def x():
    return leaf([1.0, 2.0, 3.0])


def test_one_input_gives_a_tensor_and_a_sequence_a_tuple(x):
    y = (x * x).sum()
    one, several, none = tg.gradients(y, x), tg.gradients(y, [x]), tg.gradients(y, [])
    assert isinstance(one, tg.Tensor)
    assert (type(several), type(none), len(several), len(none)) == (tuple, tuple, 1, 0)
    np.testing.assert_array_equal(one.data, [2, 4, 6])
    np.testing.assert_array_equal(several[0].data, one.data)


def test_neither_grad_nor_the_graph_changes(x):
    x.grad = np.full(3, 7.0)
    y = (x**3).sum()
    for _ in range(2):
        tg.gradients(y, x)
        tg.gradients(y, x, create_graph=True)
    np.testing.assert_array_equal(x.grad, [7, 7, 7])
    y.backward()
    np.testing.assert_array_equal(x.grad, 7 + 3 * x.data**2)


def test_without_create_graph_the_result_is_a_constant(x):
    assert not tg.gradients((x**3).sum(), x).requires_grad
    assert tg.gradients((x**3).sum(), x, create_graph=True).requires_grad


def test_an_interior_input():
    a = leaf(3.0)
    b = a * a
    c = b * b * a  # b²a
    at_b, at_a, at_c = tg.gradients(c, [b, a, c])
    assert (at_b.item(), at_a.item(), at_c.item()) == (2 * 9 * 3, 5 * 3**4, 1)


def test_an_input_behind_another_input_gets_its_whole_gradient():
    a = leaf(2.0)
    chain = [a]
    for _ in range(4):
        chain.append(chain[-1] * 3)
    assert [g.item() for g in tg.gradients(chain[-1], chain)] == [81, 27, 9, 3, 1]


def test_the_same_input_twice_and_an_output_as_input(x):
    y = x.sum()
    first, second, itself = tg.gradients(y, [x, x, y])
    np.testing.assert_array_equal(first.data, second.data)
    assert not np.shares_memory(first.data, second.data)
    assert itself.item() == 1
    assert tg.gradients(leaf(1.0), a := leaf(2.0)).item() == 0
    assert tg.gradients(a, a).item() == 1


def test_an_input_that_is_not_used_has_gradient_zero_of_its_shape_and_dtype(x):
    unused = leaf(np.ones((2, 3)), np.float32)
    for create_graph in (False, True):
        g = tg.gradients((x * 2).sum(), unused, create_graph=create_graph)
        np.testing.assert_array_equal(g.data, np.zeros((2, 3), np.float32), strict=True)


def test_a_constant_output_has_gradient_zero(x):
    np.testing.assert_array_equal(tg.gradients(tg.Tensor(2.0) * 3, x).data, np.zeros(3))


def test_several_outputs_are_summed(x):
    outputs = [(x * x).sum(), x[0] * 5, x.mean()]
    expected = 2 * x.data + [5, 0, 0] + np.full(3, 1 / 3)
    np.testing.assert_allclose(tg.gradients(outputs, x).data, expected, rtol=1e-15)
    np.testing.assert_allclose(tg.gradients(outputs, x, create_graph=True).data, expected, rtol=1e-15)


def test_the_same_output_twice_counts_twice(x):
    y = x.sum()
    np.testing.assert_array_equal(tg.gradients([y, y], x).data, [2, 2, 2])


def test_output_gradients_weigh_outputs_that_are_not_scalars(x):
    y, z = x * x, x[1:]
    np.testing.assert_array_equal(tg.gradients(y, x, output_gradients=[1.0, 0.0, 2.0]).data, [2, 0, 12])
    np.testing.assert_array_equal(tg.gradients(y, x, output_gradients=tg.Tensor([1.0, 0.0, 2.0])).data, [2, 0, 12])
    both = tg.gradients([y, z, x.sum()], x, output_gradients=[np.ones(3), np.array([10.0, 20.0]), None])
    np.testing.assert_array_equal(both.data, 2 * x.data + [0, 10, 20] + 1)


def test_output_gradients_are_differentiated_too(x):
    """∂/∂v of vᵀ J is Jᵀ: the transpose trick of forward mode."""
    v = leaf([1.0, 1.0, 1.0])
    pulled = tg.gradients(x * x, x, create_graph=True, output_gradients=v)
    direction = np.array([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(tg.gradients(pulled, v, output_gradients=direction).data, 2 * x.data * direction)


@pytest.mark.parametrize("gradient", [1.0, np.ones((3, 3)), tg.Tensor(1.0), tg.Tensor(np.ones((1, 3)))])
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_output_gradient_of_another_shape_is_refused(x, gradient, create_graph):
    with pytest.raises(ValueError, match=r"gradient of shape \(.*\) for a Tensor of shape \(3,\)"):
        tg.gradients(x * x, x, create_graph=create_graph, output_gradients=gradient)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_gradients_of_every_order_keep_the_dtype(dtype):
    a = leaf([0.5, 1.0], dtype)
    first = tg.gradients((np.exp(a) * a / 3).sum(), a, create_graph=True)
    second = tg.gradients(first.sum(), a, create_graph=True)
    assert (first.dtype, second.dtype, tg.gradients(second.sum(), a).dtype) == (dtype,) * 3


def test_an_interior_input_of_another_dtype_than_the_output():
    a = leaf([0.5, 1.0], np.float32)
    wide = a.astype(np.float64) * 2
    y = (wide * wide).sum()
    at_wide, at_a = tg.gradients(y, [wide, a], create_graph=True)
    assert (at_wide.dtype, at_a.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(at_a.data, 8 * a.data)


# -- higher orders ---------------------------------------------------------------------------------


def orders(f, at, n):
    """f and its first n derivatives at a number."""
    a = leaf(at)
    values = [f(a)]
    for _ in range(n):
        values.append(tg.gradients(values[-1], a, create_graph=True))
    return [v.item() for v in values]


E = float(np.e)
KNOWN = {
    "exp": (np.exp, 1.0, [E] * 6),
    "x⁴": (lambda a: a**4, 2.0, [16, 32, 48, 48, 24, 0]),
    "x·x·x": (lambda a: a * a * a, 2.0, [8, 12, 12, 6, 0, 0]),
    "1/x": (lambda a: 1 / a, 2.0, [1 / 2, -1 / 4, 2 / 8, -6 / 16, 24 / 32, -120 / 64]),
    "ln": (np.log, 2.0, [np.log(2), 1 / 2, -1 / 4, 2 / 8, -6 / 16, 24 / 32]),
    "√x": (np.sqrt, 4.0, [2, 1 / 4, -1 / 32, 3 / 256, -15 / 2048, 105 / 16384]),
    "tanh": (np.tanh, 0.0, [0, 1, 0, -2, 0, 16]),
    "sigmoid": (tg.sigmoid, 0.0, [1 / 2, 1 / 4, 0, -1 / 8, 0, 1 / 4]),
    "2ˣ": (lambda a: 2.0**a, 0.0, [np.log(2) ** n for n in range(6)]),
    "|x|": (abs, -2.0, [2, -1, 0, 0, 0, 0]),
    "relu": (tg.relu, 2.0, [2, 1, 0, 0, 0, 0]),
    "ln(1 + eˣ)": (lambda a: np.logaddexp(a, 0.0), 0.0, [np.log(2), 1 / 2, 1 / 4, 0, -1 / 8, 0]),
}


@pytest.mark.parametrize(("f", "at", "values"), KNOWN.values(), ids=KNOWN)
def test_derivatives_through_fifth_order(f, at, values):
    np.testing.assert_allclose(orders(f, at, 5), values, rtol=1e-12, atol=1e-13)


def test_mixed_partial_derivatives_agree_in_either_order():
    a, b = leaf(0.7), leaf(1.3)
    y = np.exp(a * b) / (a + b**2)
    by_a, by_b = tg.gradients(y, [a, b], create_graph=True)
    np.testing.assert_allclose(tg.gradients(by_a, b).item(), tg.gradients(by_b, a).item(), rtol=1e-13)


def test_a_hessian_is_known_and_symmetric(x):
    """Of L = Σ x² + x₁x₂x₃: 2 on the diagonal, the third one off it."""
    y = (x * x).sum() + x[0] * x[1] * x[2]
    slope = tg.gradients(y, x, create_graph=True)
    hessian = [tg.gradients(slope[i], x).data for i in range(3)]
    np.testing.assert_array_equal(hessian, [[2, 3, 2], [3, 2, 1], [2, 1, 2]])


def test_a_gradient_penalty_reaches_the_leaves_by_backward(x):
    slope = tg.gradients((x**3).sum(), x, create_graph=True)
    (slope**2).sum().backward()  # ∂ Σ 9x⁴ = 36x³
    np.testing.assert_array_equal(x.grad, 36 * x.data**3)


def test_a_derivative_that_holds_the_first_gradient_and_the_value(x):
    """L = y · Σ ∂y/∂x with y = Σ x²: ∂L/∂xᵢ = 2xᵢ · 2Σx + y · 2."""
    y = (x * x).sum()
    (y * tg.gradients(y, x, create_graph=True).sum()).backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data * 12 + 28)


def test_create_graph_within_no_grad_records_nothing(x):
    y = (x**3).sum()
    with tg.no_grad():
        slope = tg.gradients(y, x, create_graph=True)
    assert not slope.requires_grad
    np.testing.assert_array_equal(slope.data, 3 * x.data**2)


def test_a_constant_array_in_a_rule_is_no_obstacle_to_second_order(x):
    y = np.where([True, False, True], x, np.zeros(3)) @ np.ones((3, 2)) @ np.array([1.0, 2.0])
    slope = tg.gradients((y**2).sum(), x, create_graph=True)
    np.testing.assert_array_equal(tg.gradients(slope[0], x).data, [18, 0, 18])


def test_second_and_third_order_through_an_index(x):
    for index in (slice(1, None), [1, 1, 2], np.array([False, True, True]), 1):
        count = np.zeros(3)
        np.add.at(count, index, 1.0)
        y = (x[index] ** 4).sum()
        first = tg.gradients(y, x, create_graph=True)
        second = tg.gradients(first.sum(), x, create_graph=True)
        third = tg.gradients(second.sum(), x)
        np.testing.assert_array_equal(first.data, 4 * count * x.data**3)
        np.testing.assert_array_equal(second.data, 12 * count * x.data**2)
        np.testing.assert_array_equal(third.data, 24 * count * x.data)


# -- what it refuses -------------------------------------------------------------------------------


def test_an_input_that_requires_no_gradient_is_named_by_its_position(x):
    with pytest.raises(tg.GraphError, match=r"input 1 does not require a gradient; .*requires_grad=True"):
        tg.gradients(x.sum(), [x, tg.Tensor(1.0)])


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_output_that_is_not_scalar_needs_its_gradient(x, create_graph):
    with pytest.raises(ValueError, match=r"shape \(3,\) needs a gradient of that shape.*sum"):
        tg.gradients(x * 2, x, create_graph=create_graph)


def test_as_many_output_gradients_as_outputs(x):
    with pytest.raises(ValueError, match="1 output gradients for 2 outputs; give one each"):
        tg.gradients([x.sum(), x.sum()], x, output_gradients=[1.0])


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_freed_graph_is_refused_with_the_remedy(x, create_graph):
    y = np.tanh(x).sum()
    y.backward()
    with pytest.raises(tg.GraphError, match="retain_graph=True"):
        tg.gradients(y, x, create_graph=create_graph)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_leaf_changed_after_its_use_is_refused(x, create_graph):
    y = np.tanh(x).sum()
    x.data = x.data * 2
    with pytest.raises(tg.GraphError, match=r"'tanh', of shape \(3,\), was changed"):
        tg.gradients(y, x, create_graph=create_graph)


@pytest.mark.parametrize("bad", [np.array(1.0), 2.0, None])
def test_outputs_and_inputs_that_are_no_tensors_are_refused(x, bad):
    with pytest.raises(TypeError, match="Tensor"):
        tg.gradients(bad, x)
    with pytest.raises(TypeError, match="Tensor"):
        tg.gradients(x.sum(), bad)
    with pytest.raises(TypeError, match="Tensor"):
        tg.gradients([x.sum(), bad], [x])
    with pytest.raises(TypeError, match="Tensor"):
        tg.gradients(x.sum(), [x, bad])


def test_differentiable_results_share_no_memory_and_may_be_written(x):
    y = leaf([1.0, 1.0, 1.0])
    first, second = tg.gradients((x + y).sum(), [x, y], create_graph=True)
    assert not np.shares_memory(first.data, second.data)
    first.data[0] = 5.0
    np.testing.assert_array_equal(second.data, [1, 1, 1])


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_graph_freed_behind_an_input_is_not_needed(x, create_graph):
    b = x * x
    (b * 3).sum().backward()
    np.testing.assert_array_equal(tg.gradients((b * b).sum(), b, create_graph=create_graph).data, [2, 8, 18])


def test_the_mixed_second_derivative_of_a_power_at_exponent_0_is_the_same_in_either_order():
    a, b = leaf(2.0), leaf(0.0)
    by_base, by_exponent = tg.gradients(a**b, [a, b], create_graph=True)
    assert tg.gradients(by_base, b).item() == 0.5  # ∂²(aᵇ)/∂a∂b = aᵇ⁻¹(1 + b ln a)
    assert tg.gradients(by_exponent, a).item() == 0.5


def test_a_changed_index_does_not_move_a_differentiable_gradient_either():
    x, index = leaf([0.0, 1.0, 2.0, 3.0]), np.array([0, 1])
    y = (x[index] ** 2).sum()
    index[:] = [2, 3]
    np.testing.assert_array_equal(tg.gradients(y, x, create_graph=True).data, [0, 2, 0, 0])


def test_the_cross_entropy_of_targets_that_sum_only_nearly_to_1_has_its_own_gradient():
    targets = np.array([[0.2, 0.3, 0.5 + 9e-7]])
    tg.check_gradients(lambda x: tg.softmax_cross_entropy(x, targets), [[0.5, -1.0, 2.0]], rtol=1e-9, atol=1e-9)


def test_assigned_data_is_a_copy_of_ones_own():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y.data = x.data
    x.data[0] = 9.0
    np.testing.assert_array_equal(y.data, [1, 2])


def test_labels_changed_since_the_forward_pass_are_noticed_when_the_rules_are_run_again():
    logits, labels = leaf([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]]), np.array([0, 2])
    loss = tg.softmax_cross_entropy(logits, labels)
    right = tg.gradients(loss, logits, create_graph=True).data
    labels[:] = [1, 1]
    np.testing.assert_array_equal(tg.gradients(loss, logits).data, right)
    with pytest.raises(tg.GraphError, match="another value: an array that it used was written into"):
        tg.gradients(loss, logits, create_graph=True)


def test_a_rule_that_draws_random_numbers_is_noticed_when_it_is_run_again(x):
    rng = np.random.default_rng(0)

    @tg.operation()
    def dropout(x):
        mask = rng.random(x.shape) < 0.5
        return x * mask, (lambda g: g * mask,)

    noisy = tg.operation()(lambda x: ((scale := rng.random()) * x, (lambda g: g * scale,)))
    for output in (dropout(leaf(np.ones(50))), noisy(x)):
        with pytest.raises(tg.GraphError, match="a rule draws random numbers"):
            tg.gradients(output.sum(), x, create_graph=True)


def test_a_value_that_is_nan_or_infinite_comes_out_again_as_it_was():
    x = leaf([-1.0, 0.0, 4.0])
    with np.errstate(all="ignore"):
        y = np.log(x)
        np.testing.assert_array_equal(
            tg.gradients(y, x, create_graph=True, output_gradients=[1.0, 1.0, 1.0]).data, [-1, np.inf, 0.25]
        )


def test_a_recorded_gradient_keeps_its_own_copy_of_the_output_gradient(x):
    g = np.ones(x.shape)
    slope = tg.gradients(x**3, x, create_graph=True, output_gradients=g)
    g[...] = 100
    np.testing.assert_allclose(tg.gradients(slope.sum(), x).data, 6 * x.data, rtol=1e-15)


def test_the_second_run_of_the_rules_warns_of_nothing_again():
    x = tg.Tensor(1000.0, requires_grad=True)
    with np.errstate(over="ignore"):
        y = np.exp(x)
    with np.errstate(all="raise"):
        assert tg.gradients(y, x, create_graph=True).item() == np.inf


@pytest.mark.parametrize("f", [tg.softplus, tg.sigmoid, tg.silu, tg.gelu, tg.elu, np.expm1])
def test_third_derivatives_vanish_far_out_where_underflow_is_an_error(f):
    third = tg.grad(tg.grad(tg.grad(f)))
    with np.errstate(all="raise"):
        assert third(-1e4) == 0
