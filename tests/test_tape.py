"""The walk: sums over uses, order, aliasing, freeing, and what it refuses."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import tape


@pytest.fixture
def x():
    return tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)


def scalar(value):
    return tg.Tensor(value, requires_grad=True)


def test_a_reused_interior_node_sums_the_gradients_of_its_uses():
    a = scalar(3.0)
    b = a + a
    (b + b).backward()
    assert a.grad == 4


def test_a_diamond():
    a = scalar(3.0)
    b, c = a * 2, a * a
    (b * c + b).backward()  # 2a³ + 2a
    assert a.grad == 6 * 9 + 2


def test_diamonds_on_diamonds_are_walked_once_each():
    """Doubling forty times has 2⁴⁰ paths; each node is visited once."""
    a = scalar(1.0)
    y = a
    for _ in range(40):
        y = y + y
    y.backward()
    assert a.grad == 2.0**40


def test_a_shared_subexpression_used_early_and_late():
    a = scalar(0.5)
    shared = np.tanh(a)
    y = shared
    for _ in range(5):
        y = y * shared
    y.backward()  # tanh⁶
    np.testing.assert_allclose(a.grad, 6 * np.tanh(0.5) ** 5 * (1 - np.tanh(0.5) ** 2), rtol=1e-15)


def test_both_arguments_the_same_tensor(x):
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4, 6])


def test_interior_nodes_keep_no_gradient_between_backwards():
    a = scalar(3.0)
    b = a * a
    b.backward(retain_graph=True)
    b.backward()
    assert a.grad == 12  # 6 + 6, where an interior gradient that stayed would make it 18


def test_leaves_accumulate_over_graphs(x):
    for _ in range(3):
        (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 6, 6])


def test_two_outputs_of_one_graph_add_up(x):
    y = x * x
    y.sum().backward(retain_graph=True)
    (y * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 12, 18])


def test_a_tensor_unused_in_the_loss_has_no_gradient(x):
    unused = scalar(1.0)
    _ = unused * 2
    x.sum().backward()
    assert unused.grad is None


def test_backward_of_a_leaf_is_the_gradient_itself():
    a = scalar(2.0)
    a.backward()
    assert a.grad == 1
    assert a.grad.shape == ()


def test_a_second_backward_over_a_freed_graph_names_the_remedy(x):
    y = np.tanh(x).sum()
    y.backward()
    with pytest.raises(tg.GraphError, match=r"freed.*retain_graph=True.*compute the output again"):
        y.backward()
    np.testing.assert_array_equal(x.grad, 1 - np.tanh(x.data) ** 2)


def test_a_new_output_over_a_freed_part_names_the_operation(x):
    middle = np.exp(x)
    middle.sum().backward()
    with pytest.raises(tg.GraphError, match="'exp'"):
        (middle * 2).sum().backward()


def test_a_retained_graph_can_be_walked_again(x):
    y = (x**3).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad, 9 * x.data**2)


@pytest.mark.parametrize(
    "combine", [lambda x: x + x, lambda x: x - (-x), lambda x: x + x.reshape(3), lambda x: x.T + x]
)
def test_one_gradient_handed_to_two_parents_is_not_shared(x, combine):
    """Two leaves and two passes: an accumulation in place would change the other's gradient too."""
    other = tg.Tensor([4.0, 5.0, 6.0], requires_grad=True)
    y = combine(x) + other
    y.sum().backward(retain_graph=True)
    assert not np.shares_memory(x.grad, other.grad)
    x.grad[...] = 100
    np.testing.assert_array_equal(other.grad, [1, 1, 1])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [102, 102, 102])
    np.testing.assert_array_equal(other.grad, [2, 2, 2])


def test_sums_two_leaves_get_arrays_of_their_own():
    a, b = (tg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    gradient = np.array([1.0, 1.0])
    (a + b).backward(gradient)
    for left, right in [(a.grad, b.grad), (a.grad, gradient), (b.grad, gradient)]:
        assert not np.shares_memory(left, right)


def test_a_leaf_does_not_keep_the_callers_array_as_its_gradient(x):
    gradient = np.ones(3)
    x.backward(gradient)
    gradient[...] = 100
    np.testing.assert_array_equal(x.grad, [1, 1, 1])
    slope = tg.gradients(x, x, output_gradients=gradient)
    assert not np.shares_memory(slope.data, gradient)


def test_an_accumulated_gradient_is_a_new_array_and_the_old_one_stays(x):
    x.sum().backward()
    first = x.grad
    x.sum().backward()
    np.testing.assert_array_equal(first, [1, 1, 1])


def test_a_leaf_assigned_between_forward_and_backward_is_refused(x):
    y = (x * x).sum()
    x.data = [9.0, 9.0, 9.0]
    with pytest.raises(tg.GraphError, match=r"'multiply', of shape \(3,\), was changed.*compute the output again"):
        y.backward()
    assert x.grad is None


def test_a_leaf_updated_by_an_optimizer_between_forward_and_backward_is_refused(x):
    optimizer = tg.optim.SGD([x], lr=0.1)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(tg.GraphError, match="was changed after it was used"):
        y.backward()
    (x * x).sum().backward()  # a graph made after the step is right


def test_a_leaf_assigned_before_its_use_is_fine(x):
    x.data = [1.0, 1.0, 1.0]
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


def test_an_assigned_constant_leaves_the_gradient_of_the_value_that_was_used(x):
    c = tg.Tensor([2.0, 2.0, 2.0])
    y = (x * c).sum()
    c.data = [7.0, 7.0, 7.0]
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


def test_no_leaf_changes_if_a_derivative_raises(x):
    def broken(g):
        raise ZeroDivisionError

    @tg.operation()
    def fails(x):
        return x * 1, (broken,)

    other = tg.Tensor([1.0, 1.0, 1.0], requires_grad=True)
    y = (other * 3 + fails(x)).sum()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert x.grad is None
    assert other.grad is None


@pytest.mark.parametrize("shape", [(2,), (4, 2), ()])
def test_a_rule_whose_gradient_cannot_fit_is_named(x, shape):
    @tg.operation()
    def mistaken(x):
        return x * 1, (lambda g: np.ones(shape),)

    with pytest.raises(tg.GraphError, match=r"the rule of 'mistaken' gave .* for an argument of shape \(3,\)"):
        mistaken(x).sum().backward()


UNBROADCAST = [
    ((3, 4), (4,)), ((3, 4), (1, 4)), ((3, 4), (3, 1)), ((3, 4), ()), ((3, 4), (1, 1)), ((2, 3, 4), (3, 1)),
    ((2, 3, 4), (4,)), ((2, 3, 4), (1, 3, 1)), ((3, 4), (3, 4)), ((), ()), ((0, 4), (4,)), ((0, 4), (1, 4)),
    ((1, 4), (1, 4)), ((1, 4), (4,)), ((4,), ()), ((4, 4), (4,)), ((1, 1, 3), (3,)), ((2, 1, 3), (2, 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("grown", "shape"), UNBROADCAST)
def test_unbroadcast_is_the_transpose_of_broadcasting(grown, shape):
    """⟨broadcast x, g⟩ = ⟨x, unbroadcast g⟩ for every x and g."""
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=shape), rng.normal(size=grown)
    back = tape.unbroadcast(g, shape, "test")
    assert np.shape(back) == shape
    np.testing.assert_allclose(np.sum(np.broadcast_to(x, grown) * g), np.sum(x * back), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("g", "shape"), [((3,), (3, 4)), ((2, 4), (3, 4)), ((3, 4), (2,)), ((), (1,))])
def test_unbroadcast_refuses_what_no_broadcast_made(g, shape):
    with pytest.raises(tg.GraphError, match="gave a gradient of shape"):
        tape.unbroadcast(np.ones(g), shape, "test")


@pytest.mark.parametrize(
    ("grown", "shape"), [((5000, 2, 3), (3,)), ((5000, 3), (1, 3)), ((5000, 3), (3,)), ((5000,), ())]
)
def test_float16_is_not_summed_in_float16(grown, shape):
    g = np.ones(grown, np.float16)
    gx = tape.unbroadcast(g, shape, "add")
    assert gx.dtype == np.float16
    np.testing.assert_array_equal(gx, np.full(shape, g.size // np.prod(shape, dtype=int), np.float16))


@pytest.mark.parametrize(
    "of", [lambda f, x: f(x), lambda f, x: (x * 1 + f(x * 1)) * 3, lambda f, x: (f(x * 1) + x) * 3], ids=range(3)
)
def test_a_derivative_that_writes_into_a_gradient_that_others_get_too_is_found_out(x, of):
    @tg.operation()
    def doubled(x):
        def gx(g):
            g *= 2
            return g

        return x * 2, (gx,)

    with pytest.raises(ValueError, match="read-only"):
        of(doubled, x).backward(np.ones(x.shape))


def test_after_a_backward_that_failed_the_next_says_so(x):
    @tg.operation()
    def broken(x):
        return x * 1, (lambda g: g @ np.ones((7, 7)),)

    loss = np.tanh(broken(x)).sum()
    with pytest.raises(ValueError, match="matmul"):
        loss.backward()
    with pytest.raises(tg.GraphError, match="which may have failed on its way"):
        loss.backward()


TINY = {
    "tanh": (np.tanh, [1e-300], 1.0),
    "tan": (np.tan, [1e-300], 1.0),
    "arctan2 far from the origin": (lambda x: np.arctan2(x, 1000.0), [5e-324], 1e-3),
    "hypot": (lambda x: np.hypot(x, 1000.0), [5e-324], 0.0),
    "a product": (lambda x: x * 1e-200 * 1e-200, [3.0], 0.0),
}


@pytest.mark.parametrize(("f", "at", "slope"), TINY.values(), ids=TINY)
def test_a_gradient_too_small_for_its_dtype_is_zero_even_where_underflow_is_an_error(f, at, slope):
    x = tg.Tensor(at, requires_grad=True)
    y = f(x)
    with np.errstate(all="raise"):
        y.backward([1.0])
    np.testing.assert_allclose(x.grad, slope, rtol=1e-12)


def test_another_floating_point_error_of_a_derivative_passes(x):
    y = np.log(x * 0.0 + 1e-320)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="overflow"):
        y.backward(np.ones(x.shape))
