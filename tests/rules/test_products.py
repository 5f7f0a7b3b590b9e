"""Products over all the shapes that NumPy takes, by their known values, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical
from tinygrad_np.rules.products import matvec, vecmat

MATMUL = hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3, min_side=0)


@given(MATMUL, st.integers(0, 2**32 - 1))
def test_matmul_of_vectors_matrices_and_stacks(shapes, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=s) for s in shapes.input_shapes]
    tensors = [tg.Tensor(a, requires_grad=True) for a in arrays]
    y = tensors[0] @ tensors[1]
    np.testing.assert_array_equal(y.data, np.asarray(arrays[0] @ arrays[1]), strict=True)
    weights = rng.normal(size=y.shape)
    y.backward(weights)
    for t, expected in zip(tensors, numerical(lambda a, b: np.sum((a @ b) * weights), arrays)):
        assert t.grad.shape == t.shape
        np.testing.assert_allclose(t.grad, expected, rtol=1e-9, atol=1e-9)


DOTS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((4, 2, 3), (3, 2)),
    ((4, 2, 3), (3,)),
    ((), (2, 3)),
    ((0,), (0, 0)),
    ((2, 3, 0), (0, 0)),
]


@pytest.mark.parametrize(("left", "right"), DOTS)
def test_dot_is_linear_in_each_argument(left, right):
    """⟨dot(a, b), g⟩ = ⟨a, ∂a⟩ = ⟨b, ∂b⟩, and so is dot called as a method."""
    rng = np.random.default_rng(0)
    a, b = (tg.Tensor(rng.normal(size=s), requires_grad=True) for s in (left, right))
    y = a.dot(b)
    np.testing.assert_array_equal(y.data, np.dot(a.data, b.data))
    g = rng.normal(size=y.shape)
    y.backward(g)
    total = np.sum(y.data * g)
    np.testing.assert_allclose([np.sum(a.data * a.grad), np.sum(b.data * b.grad)], [total, total], rtol=1e-12)


def test_a_product_with_itself_transposed():
    x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (x @ x.T).sum().backward()
    np.testing.assert_array_equal(x.grad, [[8, 12], [8, 12]])


def test_a_known_quadratic_form_has_the_known_hessian():
    a = np.array([[2.0, 1.0], [0.0, 3.0]])
    x = tg.Tensor([1.0, -1.0], requires_grad=True)
    slope = tg.gradients(x @ a @ x, x, create_graph=True)
    np.testing.assert_array_equal(slope.data, (a + a.T) @ x.data)
    np.testing.assert_array_equal([tg.gradients(slope[i], x).data for i in range(2)], a + a.T)


def test_linear_is_a_product_and_a_bias_for_rows_in_any_number_of_axes():
    rng = np.random.default_rng(0)
    for shape in [(4,), (3, 4), (2, 3, 4), (0, 4)]:
        x, w, b = (tg.Tensor(rng.normal(size=s), requires_grad=True) for s in (shape, (4, 2), (2,)))
        y, other = tg.linear(x, w, b), x @ w + b
        np.testing.assert_allclose(y.data, other.data, rtol=1e-14)
        g = rng.normal(size=y.shape)
        for a, expected in zip(
            tg.gradients(y, [x, w, b], output_gradients=g), tg.gradients(other, [x, w, b], output_gradients=g)
        ):
            np.testing.assert_allclose(a.data, expected.data, rtol=1e-13, atol=1e-15)


def test_no_rows_give_the_weights_a_gradient_of_zero():
    w, b = tg.Tensor(np.ones((3, 2)), requires_grad=True), tg.Tensor(np.ones(2), requires_grad=True)
    tg.linear(np.ones((0, 3)), w, b).sum().backward()
    np.testing.assert_array_equal(w.grad, np.zeros((3, 2)))
    np.testing.assert_array_equal(b.grad, np.zeros(2))


E1, E2, E3 = np.eye(3)


def test_unit_vectors_have_the_known_cross_products():
    x1, x2 = (tg.Tensor(e, requires_grad=True) for e in (E1, E2))
    y = np.cross(x1, x2)
    np.testing.assert_array_equal(y.data, E3)
    y.backward(E3)
    np.testing.assert_array_equal([x1.grad, x2.grad], [E1, E2])  # e2 × e3 and e3 × e1


def test_the_cross_product_is_numpys_bit_for_bit():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 3))
    np.testing.assert_array_equal(np.cross(tg.Tensor(a), b).data, np.cross(a, b))


def test_a_kronecker_product_with_the_identity_repeats_the_block():
    x = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = np.kron(np.eye(2), x)
    np.testing.assert_array_equal(y.data, [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 1, 2], [0, 0, 3, 4]])
    y.backward(np.arange(16.0).reshape(4, 4))
    np.testing.assert_array_equal(x.grad, [[0 + 10, 1 + 11], [4 + 14, 5 + 15]])


@pytest.mark.parametrize(
    ("shapes", "inner"),
    [([(2, 50), (50, 2), (2, 50)], (2, 2)), ([(50, 2), (2, 50), (50, 3)], (2, 3)), ([(4, 9), (9, 3), (3,)], (9,))],
)
def test_multi_dot_multiplies_in_the_cheapest_order(shapes, inner):
    xs = [tg.Tensor(np.ones(shape), requires_grad=True) for shape in shapes]
    y = np.linalg.multi_dot(xs)
    assert inner in [node.shape for node in y._node.arguments]


CONSTANTS = {
    "np.dot of a matrix and a stack": lambda x: np.dot(x, [[[1, 2], [3, 4], [5, 6]]]),
    "np.vdot": lambda x: np.vdot([1, 2, 3, 4, 5, 6], x),
    "np.inner": lambda x: np.inner(x, [1, 2, 3]),
    "np.inner of a number": lambda x: np.inner(2, x),
    "np.outer": lambda x: np.outer([True, False], x),
    "np.tensordot": lambda x: np.tensordot(x, [1, 2], (0, 0)),
    "np.tensordot, lists of axes": lambda x: np.tensordot([[1, 2, 3], [4, 5, 6]], x, [[1, 0], [1, 0]]),
    "np.tensordot, arrays of axes": lambda x: np.tensordot(x, x, axes=(np.array([0]), np.array([-2]))),
    "np.kron": lambda x: np.kron([1, 2], x),
    "np.cross": lambda x: np.cross([1, 2, 3], x),
    "np.vecdot": lambda x: np.vecdot(x, [1, 2, 3]),
    "np.linalg.matmul": lambda x: np.linalg.matmul([[1, 2]], x),
    "np.linalg.outer": lambda x: np.linalg.outer(x[0], [1, 2]),
    "np.linalg.tensordot": lambda x: np.linalg.tensordot(x, [1, 2, 3], axes=1),
    "np.linalg.vecdot": lambda x: np.linalg.vecdot(x, [[1], [2]], axis=0),
    "np.linalg.cross": lambda x: np.linalg.cross(x, [1, 2, 3]),
    "np.linalg.multi_dot": lambda x: np.linalg.multi_dot([[1, 2], x, np.array([[1], [2], [3]])]),
}
if hasattr(np, "matvec"):  # NumPy 2.2
    CONSTANTS["np.matvec"] = lambda x: np.matvec(x, [1, 2, 3])
    CONSTANTS["np.vecmat"] = lambda x: np.vecmat([1, 2], x)


@pytest.mark.parametrize("call", CONSTANTS.values(), ids=CONSTANTS)
def test_lists_and_integers_beside_a_tensor(call):
    x = tg.Tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 4.0]], requires_grad=True)
    y = call(x)
    expected = np.asarray(call(x.data))
    np.testing.assert_allclose(y.data, expected, rtol=1e-14, strict=True)
    weights = np.random.default_rng(0).normal(size=y.shape)
    y.backward(weights)
    (slope,) = numerical(lambda a: np.sum(call(a) * weights), [x.data])
    np.testing.assert_allclose(x.grad, slope, rtol=1e-9, atol=1e-9)


def test_float16_is_summed_in_more_than_float16():
    """2048 + 1 is 2048 in float16."""
    ones = np.ones(4096, np.float16)
    x = tg.Tensor(ones, requires_grad=True)
    for y in (np.dot(x, ones), np.vdot(x, ones), np.vecdot(x, ones), np.tensordot(x, ones, 1), np.inner(x, ones)):
        assert (y.dtype, y.item()) == (np.float16, 4096)


def shaped(*shape):
    return tg.Tensor(np.ones(shape), requires_grad=True)


REFUSED = {
    "matmul of a number": (lambda: shaped() @ np.ones(2), r"^matmul\(float64 \(\), float64 \(2,\)\)"),
    "matmul of stacks": (lambda: shaped(2, 3, 4) @ np.ones((3, 3)), r"^matmul\(.*transpose one with \.T"),
    "dot of a stack": (lambda: np.dot(shaped(3), np.ones((2, 2, 2))), r"^dot\(.*\(0,\) and \(1,\) do not fit"),
    "tensordot": (lambda: np.tensordot(shaped(2, 3), np.ones((3, 2))), r"^tensordot\(.*do not fit.*as long in one"),
    "tensordot, repeated": (lambda: np.tensordot(shaped(2, 2), np.ones(2), ((0, 0), (0, 0))), "repeated axis"),
    "tensordot, unequal": (lambda: np.tensordot(shaped(2, 2), np.ones(2), ((0, 1), (0,))), "do not fit"),
    "tensordot, no such axis": (lambda: np.tensordot(shaped(2), np.ones(2), (1, 0)), "axis 1 is out of bounds"),
    "tensordot, too many": (lambda: np.tensordot(shaped(2), np.ones(2), 2), "out of bounds"),
    "inner": (lambda: np.inner(shaped(2, 3), np.ones(2)), r"^inner\(.*last axes must be equally long"),
    "vdot": (lambda: np.vdot(shaped(2, 3), np.ones(5)), r"^vdot\(.*as many elements"),
    "linalg.outer": (lambda: np.linalg.outer(shaped(2, 3), np.ones(5)), r"must be vectors; np\.outer flattens"),
    "vecdot": (lambda: np.vecdot(shaped(3), np.ones(2)), r"^vecdot\(float64 \(3,\), float64 \(2,\)\)"),
    "vecdot, no broadcasting": (lambda: np.vecdot(shaped(3), np.ones(1)), r"^vecdot\(float64 \(3,\), float64 \(1,\)\)"),
    "vecdot of a number": (lambda: np.vecdot(shaped(1), 2.0), r"shape \(\) has fewer than 1 axes"),
    "vecdot, no such axis": (lambda: np.vecdot(shaped(3), np.ones(3), axis=1), "axis 1 is out of bounds"),
    "matvec": (lambda: matvec(shaped(2, 3), np.ones(2)), r"^matvec\("),
    "matvec of a number": (lambda: matvec(shaped(2, 1), 1.0), r"shape \(\) has fewer than 1 axes"),
    "matvec of vectors": (lambda: matvec(shaped(2), np.ones(2)), r"shape \(2,\) has fewer than 2 axes"),
    "vecmat of vectors": (lambda: vecmat(shaped(2), np.ones(2)), r"shape \(2,\) has fewer than 2 axes"),
    "vecmat": (lambda: vecmat(shaped(3), np.ones((2, 3))), r"^vecmat\("),
    "cross": (lambda: np.cross(shaped(4), np.ones(4)), r"4 and 4 components\. .*must have two or three"),
    "cross of one": (lambda: np.cross(shaped(1), np.ones(3)), "1 and 3 components"),
    "cross of a number": (lambda: np.cross(shaped(3), 1.0), r"shape \(\) has fewer than 1 axes"),
    "cross, no such axis": (lambda: np.cross(shaped(3), np.ones(3), axis=1), "axis 1 is out of bounds"),
    "linalg.cross": (lambda: np.linalg.cross(shaped(2), np.ones(2)), "2 and 2 components; they must have three"),
    "multi_dot of one": (lambda: np.linalg.multi_dot([shaped(2, 2)]), "got 1 arrays for a product"),
    "multi_dot": (lambda: np.linalg.multi_dot([shaped(2, 3), np.ones((2, 3))]), r"^multi_dot\(\[float64 \(2, 3\)"),
    "multi_dot, a vector inside": (lambda: np.linalg.multi_dot([shaped(2, 3), np.ones(3), np.ones(3)]), "be matrices"),
    "multi_dot of a stack": (lambda: np.linalg.multi_dot([shaped(2, 2, 2), np.ones((2, 2))]), "np.matmul takes stacks"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_product_is_refused_with_its_shapes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_stacks_of_many_axes_by_dot_are_those_of_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 2, 4, 3))
    np.testing.assert_allclose(np.dot(tg.Tensor(a), b).data, np.dot(a, b), rtol=1e-13)
