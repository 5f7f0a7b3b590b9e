"""Decompositions: which triangle is read, equal values, rank, and what has no gradient."""

import numpy as np
import pytest

import tinygrad_np as tg

LinAlgError = np.linalg.LinAlgError


def leaf(x, dtype=float):
    return tg.Tensor(np.array(x, dtype), requires_grad=True)


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def with_eigenvalues(*values):
    """A symmetric matrix of no particular form; two values that are equal come out equal up to rounding."""
    q = rotation(len(values))
    x = (q * np.array(values)) @ q.T
    return (x + x.T) / 2


# -- the triangle that is read -------------------------------------------------------------------------

ONE_TRIANGLE = {
    "cholesky": (lambda t: np.linalg.cholesky(t), np.tril),
    "cholesky, upper": (lambda t: np.linalg.cholesky(t, upper=True), np.triu),
    "eigvalsh": (lambda t: np.linalg.eigvalsh(t), np.tril),
    "eigvalsh, U": (lambda t: np.linalg.eigvalsh(t, "U"), np.triu),
    "eigh": (lambda t: np.linalg.eigh(t).eigenvectors ** 2, np.tril),
    "eigh, UPLO": (lambda t: np.linalg.eigh(t, UPLO="U")[1] ** 2, np.triu),
}


@pytest.mark.parametrize(("function", "triangle"), ONE_TRIANGLE.values(), ids=ONE_TRIANGLE)
def test_one_triangle_is_read_and_the_gradient_is_symmetric(function, triangle):
    x = with_eigenvalues(1.0, 2.0, 4.0)
    whole, half = leaf(x), leaf(triangle(x))
    for t in (whole, half):
        y = function(t)
        y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
    np.testing.assert_allclose(whole.grad, whole.grad.T, rtol=1e-13)
    np.testing.assert_allclose(half.grad, whole.grad, rtol=1e-12)


@pytest.mark.parametrize(("function", "triangle"), ONE_TRIANGLE.values(), ids=ONE_TRIANGLE)
def test_the_gradient_is_that_of_the_free_parameters_of_a_symmetric_matrix(function, triangle):
    """Each element off the diagonal stands in two places: its derivative is the sum of the gradient's two."""
    places = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
    parameters = with_eigenvalues(1.0, 2.0, 4.0)[np.tril_indices(3)]
    tg.check_gradients(lambda p: function(p[places]), parameters[[0, 1, 3, 2, 4, 5]])


def test_a_known_cholesky_decomposition():
    t = leaf([[4, 2], [2, 5]])
    y = np.linalg.cholesky(t)
    np.testing.assert_array_equal(y.data, [[2, 0], [1, 2]])
    y[1, 1].backward()  # √(x₁₁ − x₀₁² / x₀₀)
    np.testing.assert_allclose(t.grad, [[1 / 16, -1 / 8], [-1 / 8, 1 / 4]], rtol=1e-15)


def test_the_determinant_by_cholesky_has_the_inverse_for_its_gradient():
    x = with_eigenvalues(1.0, 1.0, 4.0)
    t = leaf(x)
    y = 2 * np.sum(np.log(np.linalg.cholesky(t)[[0, 1, 2], [0, 1, 2]]))
    slope = tg.gradients(y, t, create_graph=True)
    np.testing.assert_allclose(slope.data, np.linalg.inv(x), rtol=1e-13)
    direction = with_eigenvalues(1.0, -2.0, 0.5)
    second = tg.gradients(np.sum(slope * direction), t)
    np.testing.assert_allclose(second.data, -np.linalg.inv(x) @ direction @ np.linalg.inv(x), rtol=1e-12)


# -- equal eigenvalues and singular values -------------------------------------------------------------

REPEATED = [np.eye(3), np.zeros((3, 3)), np.diag([1.0, 1.0, 3.0]), with_eigenvalues(1.0, 1.0, 3.0)]


@pytest.mark.parametrize("x", REPEATED)
@pytest.mark.parametrize("eigenvalues", [np.linalg.eigvalsh, lambda t: np.linalg.eigh(t).eigenvalues])
def test_functions_of_equal_eigenvalues_have_the_right_gradient(x, eigenvalues):
    """Σ λ³ is the trace of x³, whose gradient is 3x²; and the largest one has a subgradient."""
    t = leaf(x)
    with np.errstate(all="raise"):
        np.sum(eigenvalues(t) ** 3).backward()
    np.testing.assert_allclose(t.grad, 3 * x @ x, atol=1e-13)
    t.grad = None
    np.max(eigenvalues(t)).backward()
    np.testing.assert_allclose(np.trace(t.grad), 1, rtol=1e-14)


@pytest.mark.parametrize("x", [np.eye(3), np.eye(2, 3), rotation(3)])
def test_functions_of_equal_singular_values_have_the_right_gradient(x):
    """Σ σ² is the sum of all squares."""
    for values in (np.linalg.svdvals, lambda t: np.linalg.svd(t, compute_uv=False)):
        t = leaf(x)
        np.sum(values(t) ** 2).backward()
        np.testing.assert_allclose(t.grad, 2 * x, atol=1e-14)
    np.sum(np.linalg.svd(t, full_matrices=False).S ** 2).backward()
    np.testing.assert_allclose(t.grad, 4 * x, atol=1e-14)


@pytest.mark.parametrize("x", [np.diag([0.0, 0.0, 2.0]), with_eigenvalues(0.0, 0.0, 2.0), np.diag([1.0, 1.0, 3.0])])
def test_a_single_eigenvalue_and_its_vector_are_differentiable_beside_equal_ones(x):
    """To first order in h: v → v + Σᵢ vᵢ (vᵢᵀ h v) / (λ − λᵢ); and λ to second order, Σᵢ 2 (vᵢᵀ h v)² / (λ − λᵢ)."""
    rng = np.random.default_rng(1)
    h, weights = rng.normal(size=(2, 3, 3))
    h = h + h.T
    w, v = np.linalg.eigh(x)
    moved = v[:, :2] @ (v[:, :2].T @ h @ v[:, 2]) / (w[2] - w[0])
    t = leaf(x)
    single = np.linalg.eigh(t).eigenvectors[:, 2:]
    np.sum(single @ single.T * weights).backward()
    expected = np.sum((np.outer(moved, v[:, 2]) + np.outer(v[:, 2], moved)) * weights)
    np.testing.assert_allclose(np.sum(t.grad * h), expected, rtol=1e-12)
    slope = tg.gradients(np.linalg.eigvalsh(t)[2], t, create_graph=True)
    second = tg.gradients(np.sum(slope * h), t)
    np.testing.assert_allclose(np.sum(second.data * h), 2 * moved @ moved * (w[2] - w[0]), rtol=1e-12)


def rebuilt_from_eigh(t):
    w, v = np.linalg.eigh(t)
    return (v * w) @ v.T


def rebuilt_from_svd(t):
    u, s, vh = np.linalg.svd(t)
    return (u * s) @ vh


def second_derivative(values):
    def of(t):
        return tg.gradients(np.sum(values(t) ** 3), t, create_graph=True)

    return of


UNDETERMINED = {
    "all of eigh": rebuilt_from_eigh,
    "all of svd": rebuilt_from_svd,
    "eigenvalues, twice": second_derivative(np.linalg.eigvalsh),
    "singular values, twice": second_derivative(np.linalg.svdvals),
    "a single vector, twice": lambda t: tg.gradients(np.linalg.eigh(t)[1][0, 2] ** 2, t, create_graph=True),
}


@pytest.mark.parametrize("x", [np.diag([1.0, 1.0, 3.0]), with_eigenvalues(1.0, 1.0, 3.0)], ids=["exact", "rounded"])
@pytest.mark.parametrize("function", UNDETERMINED.values(), ids=UNDETERMINED)
def test_a_gradient_through_vectors_of_equal_values_is_refused_and_never_silently_wrong(x, function):
    """What is rebuilt has the gradient g, but that cannot be found from the vectors and the slopes of the values."""
    weights = np.arange(9.0).reshape(3, 3)
    with pytest.raises(LinAlgError, match=r"two eigenvalues or singular values are equal.*eigvalsh"):
        np.sum(function(leaf(x)) * weights).backward()
    if function in (rebuilt_from_eigh, rebuilt_from_svd):
        with pytest.raises(LinAlgError, match="are equal"):
            tg.jvp(function, [x], [weights + weights.T])


@pytest.mark.parametrize("function", [rebuilt_from_eigh, rebuilt_from_svd])
def test_what_is_rebuilt_from_its_parts_has_the_gradient_of_the_identity(function):
    x, weights = with_eigenvalues(1.0, 1.01, 3.0), with_eigenvalues(2.0, -1.0, 0.5)
    t = leaf(x)
    y = function(t)
    np.testing.assert_allclose(y.data, x, rtol=1e-13)
    slope = tg.gradients(np.sum(y * weights), t, create_graph=True)
    np.testing.assert_allclose(slope.data, weights, rtol=1e-11)
    np.testing.assert_allclose(tg.gradients(np.sum(slope * x), t).data, np.zeros((3, 3)), atol=1e-9)


# -- shapes, rank, options -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 2), (2, 3)])
def test_svd_of_a_matrix_that_is_not_square_is_without_the_completing_vectors(shape):
    x = np.random.default_rng(0).normal(size=shape)
    t = leaf(x)
    for call in (lambda: np.linalg.svd(t), lambda: np.linalg.svd(t, True)):
        with pytest.raises(ValueError, match=r"svd\(float64 \(\d, \d\).*1 of the vectors.*pass full_matrices=False"):
            call()
    y = np.linalg.svd(t, full_matrices=False)
    assert type(y) is type(np.linalg.svd(x, full_matrices=False))
    assert [part.shape for part in y] == [part.shape for part in np.linalg.svd(x, full_matrices=False)]
    np.testing.assert_array_equal(np.linalg.svd(t, compute_uv=False).data, np.linalg.svdvals(x))


def test_svd_of_a_singular_matrix_has_the_gradient_of_its_larger_part():
    """The best approximation of rank 1 does not see the vectors of the singular value 0."""
    x = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    weights = np.arange(6.0).reshape(3, 2)

    def rank_one(t):
        u, s, vh = np.linalg.svd(t, full_matrices=False)
        return (u[:, :1] * s[:1]) @ vh[:1]

    tg.check_gradients(rank_one, x)
    t = leaf(x)
    np.sum(rank_one(t) * weights).backward()
    u, v = np.array([1.0, 2.0, 2.0]) / 3, np.array([3.0, 4.0]) / 5
    kept = np.outer(u, u) @ weights + weights @ np.outer(v, v) - np.outer(u, u) @ weights @ np.outer(v, v)
    np.testing.assert_allclose(t.grad, kept, rtol=1e-12)


QR_REFUSED = [("raw", (3, 3)), ("complete", (3, 2)), ("full", (3, 3))]


@pytest.mark.parametrize(("mode", "shape"), QR_REFUSED)
def test_modes_of_qr_that_have_no_gradient_are_refused(mode, shape):
    with pytest.raises(ValueError, match=rf"qr\(.*the mode '{mode}' has no gradient for a matrix 3 × \d"):
        np.linalg.qr(leaf(np.ones(shape)), mode)


def test_qr_gives_numpys_container_or_r_alone():
    x = np.random.default_rng(0).normal(size=(3, 2))
    y = np.linalg.qr(leaf(x))
    assert type(y) is type(np.linalg.qr(x))
    np.testing.assert_allclose(y.Q.data @ y.R.data, x, rtol=1e-14)
    np.testing.assert_array_equal(np.linalg.qr(leaf(x), mode="r").data, y.R.data)


def test_qr_of_dependent_columns_has_no_gradient():
    q, _ = np.linalg.qr(leaf([[1, 0], [0, 0]]))
    with pytest.raises(LinAlgError, match="Singular"):
        q.sum().backward()


MISTAKES = {
    "not positive definite": (lambda t: np.linalg.cholesky(-t), LinAlgError, r"cholesky\(float64 \(3, 3\).*definite"),
    "not square": (lambda t: np.linalg.cholesky(t[:2]), LinAlgError, r"cholesky\(float64 \(2, 3\).*square"),
    "eigh, not square": (lambda t: np.linalg.eigh(t[:2]), LinAlgError, r"eigenpairs\(float64 \(2, 3\).*square"),
    "a third triangle": (lambda t: np.linalg.eigvalsh(t, "X"), ValueError, r"eigvalsh\(.*UPLO"),
    "svd of a vector": (lambda t: np.linalg.svd(t[0]), ValueError, r"svd\(float64 \(3,\)"),
    "svd, hermitian": (lambda t: np.linalg.svd(t, hermitian=True), TypeError, "does not take hermitian="),
}


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_numpy_refuses_is_refused_with_its_exception_and_the_shapes(call, kind, message):
    with pytest.raises(kind, match=message):
        call(leaf(np.eye(3)))


def test_float16_is_computed_with_in_float32():
    x = np.diag([1.0, 2.0, 4.0]) + 0.125
    for function in (np.linalg.cholesky, np.linalg.eigvalsh, np.linalg.svdvals):
        half, double = leaf(x, np.float16), leaf(x)
        for t in (half, double):
            function(t).sum().backward()
        np.testing.assert_allclose(half.grad, double.grad, rtol=1e-3, atol=1e-6)
        assert half.grad.dtype == np.float16
