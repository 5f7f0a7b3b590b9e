"""Products: matmul and dot over all the shapes that NumPy takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_np as tg
from tests.differences import numerical

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


def test_a_scalar_has_no_matrix_product():
    with pytest.raises(ValueError, match=r"matmul\(float64 \(\), float64 \(2,\)\)"):
        tg.Tensor(1.0, requires_grad=True) @ np.ones(2)


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
