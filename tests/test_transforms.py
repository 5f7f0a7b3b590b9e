"""grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: values, structures, nesting, closures, bad input."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import tinygrad_np as tg

A = np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 2.0]])
X = np.array([0.3, -1.2, 0.8])


def wave(x):
    return np.sum(np.sin(A @ x) * np.exp(-(x[1:] ** 2)))


class TestGrad:
    def test_of_a_plain_numpy_function_is_a_plain_array(self):
        g = tg.grad(wave)(X)
        assert type(g) is np.ndarray
        np.testing.assert_allclose(
            g, autograd.grad(lambda x: anp.sum(anp.sin(anp.dot(A, x)) * anp.exp(-(x[1:] ** 2))))(X), rtol=1e-14
        )

    def test_of_a_number_is_a_number(self):
        g = tg.grad(lambda x: x**3)(2.0)
        assert type(g) is np.float64
        assert g == 12

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_keeps_the_dtype(self, dtype):
        value, g = tg.value_and_grad(lambda x: np.sum(x * np.tanh(x)))(X.astype(dtype))
        assert value.dtype == g.dtype == dtype

    @pytest.mark.parametrize(
        ("argnums", "expected"),
        [(0, 12.0), (1, 4.0), (-1, 0.0), ((0, 2), (12.0, 0.0)), ([1], (4.0,)), ((2, 0), (0.0, 12.0)), ((), ())],
    )
    def test_chooses_arguments(self, argnums, expected):
        assert tg.grad(lambda x, y, z: x**2 * y + 0 * z, argnums)(2.0, 3.0, 5.0) == expected

    def test_nested_arguments_come_back_nested(self):
        params = {"layers": [(np.ones((2, 3)), np.zeros(2))], "scale": 2.0}

        def f(p, x):
            w, b = p["layers"][0]
            return np.sum(w @ x + b) * p["scale"]

        g = tg.grad(f)(params, X)
        assert list(g) == ["layers", "scale"]
        np.testing.assert_allclose(g["layers"][0][0], [2 * X, 2 * X])
        np.testing.assert_array_equal(g["layers"][0][1], [2, 2])
        np.testing.assert_allclose(g["scale"], 2 * X.sum())

    def test_keywords_reach_the_function(self):
        assert tg.grad(lambda x, *, power: x**power)(2.0, power=3) == 12

    def test_an_argument_that_is_not_used_has_gradient_zero(self):
        np.testing.assert_array_equal(tg.grad(lambda x, y: np.sum(x), 1)(X, A), np.zeros_like(A))
        assert tg.grad(lambda x: 3.0)(1.0) == 0

    def test_the_function_keeps_name_and_documentation(self):
        def named(x):
            """Documented."""
            return x

        for transform in (tg.grad, tg.value_and_grad, tg.jacobian, tg.hessian):
            assert (transform(named).__name__, transform(named).__doc__) == ("named", "Documented.")
        assert tg.grad(np.sin)(0.0) == 1
        assert tg.grad(partial(np.power, 3.0))(2.0) == pytest.approx(9 * np.log(3))

    def test_the_users_arrays_are_not_changed_and_results_are_writeable(self):
        x = X.copy()
        g = tg.grad(lambda x: np.sum(x))(x)
        g[0] = 5
        np.testing.assert_array_equal(x, X)


class TestNesting:
    def test_derivatives_of_every_order_of_a_number(self):
        f, values = np.sin, []
        for _ in range(6):
            values.append(f(0.7))
            f = tg.grad(f)
        s, c = np.sin(0.7), np.cos(0.7)
        np.testing.assert_allclose(values, [s, c, -s, -c, s, c], rtol=1e-14)

    def test_an_inner_function_that_closes_over_the_outer_variable(self):
        """∂/∂x x·(∂/∂y (x·y)) = 2x: the perturbation of x is not taken for that of y."""
        assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(1.0))(3.0) == 6

    def test_an_inner_derivative_at_the_outer_variable_itself(self):
        """∂/∂y (x·y) at y = x is x, though y and x are one Tensor."""
        assert tg.grad(lambda x: tg.grad(lambda y: x * y)(x))(3.0) == 1
        assert tg.grad(lambda x: tg.jvp(lambda y: x * y, (x,), (1.0,))[1])(3.0) == 1
        assert tg.jvp(lambda x: tg.grad(lambda y: x * y)(x), (3.0,), (1.0,))[1] == 1
        assert tg.jvp(lambda x: tg.jvp(lambda y: x * y, (x,), (1.0,))[1], (3.0,), (1.0,))[1] == 1

    @pytest.mark.parametrize("outer", ["reverse", "forward"])
    @pytest.mark.parametrize("inner", ["reverse", "forward"])
    def test_forward_and_reverse_in_every_order_give_the_hessian(self, outer, inner):
        def columns(f):
            return lambda x: np.stack([tg.jvp(f, (x,), (e,))[1] for e in np.eye(3)], axis=-1)

        modes = {"reverse": tg.jacobian, "forward": columns}
        expected = autograd.hessian(lambda x: anp.sum(anp.sin(anp.dot(A, x)) * anp.exp(-(x[1:] ** 2))))(X)
        np.testing.assert_allclose(modes[outer](modes[inner](wave))(X), expected, rtol=1e-12, atol=1e-13)

    def test_third_derivatives_in_mixed_modes(self):
        third = tg.jacobian(tg.hessian(wave))(X)
        direction = np.array([1.0, -2.0, 0.5])
        along = tg.jvp(lambda x: tg.hvp(wave, (x,), (direction,))[0], (X,), (direction,))[1]
        np.testing.assert_allclose(along, third @ direction @ direction, rtol=1e-12)
        np.testing.assert_allclose(third, np.transpose(third, (2, 0, 1)), atol=1e-13)

    def test_the_gradient_of_a_gradients_norm(self):
        f = lambda x: np.sum(tg.grad(wave)(x) ** 2)
        g, h = tg.grad(wave)(X), tg.hessian(wave)(X)
        np.testing.assert_allclose(tg.grad(f)(X), 2 * h @ g, rtol=1e-13)


class TestTensorsThatTakePart:
    def test_a_tracked_argument_gives_tensors_that_can_be_differentiated_further(self):
        x = tg.Tensor(X, requires_grad=True)
        value, g = tg.value_and_grad(wave)(x)
        assert isinstance(value, tg.Tensor)
        np.testing.assert_allclose(tg.gradients((g * g).sum(), x).data, 2 * tg.hessian(wave)(X) @ g.data, rtol=1e-13)

    def test_parameters_in_the_closure_get_gradients_of_a_penalty(self):
        w = tg.Tensor([2.0, 3.0], requires_grad=True)
        slope = tg.grad(lambda x: np.sum(w * x**2))(np.array([1.0, 2.0]))
        np.sum(slope).backward()
        np.testing.assert_array_equal(w.grad, [2, 4])

    def test_within_no_grad_all_is_plain(self):
        x = tg.Tensor(X, requires_grad=True)
        with tg.no_grad():
            value, g = tg.value_and_grad(wave)(x)
            assert not tg.is_recording()
        assert type(g) is np.ndarray
        np.testing.assert_array_equal(g, tg.grad(wave)(X))
        assert type(value) is np.float64

    def test_no_grad_within_the_function_makes_a_constant(self):
        def f(x):
            with tg.no_grad():
                c = x * 10
            return x * c

        assert tg.grad(f)(2.0) == 20

    def test_leaves_keep_no_gradient(self):
        x = tg.Tensor(X, requires_grad=True)
        tg.grad(wave)(x)
        assert x.grad is None

    def test_a_users_own_rule_is_differentiated_by_all(self):
        @tg.operation()
        def cube(x):
            return x**3, (lambda g: g * 3 * x**2,)

        assert tg.grad(tg.grad(cube))(2.0) == 12
        assert tg.jvp(cube, (2.0,), (1.0,)) == (8, 12)


class TestVjpAndJvp:
    def test_vjp_gives_the_value_and_a_pullback_for_many_calls(self):
        value, pullback = tg.vjp(lambda a, x: a @ x, A, X)
        np.testing.assert_array_equal(value, A @ X)
        for g in (np.array([1.0, 0.0]), np.array([0.5, 2.0])):
            ga, gx = pullback(g)
            np.testing.assert_allclose(ga, np.outer(g, X))
            np.testing.assert_allclose(gx, g @ A)

    def test_nested_values_take_nested_gradients(self):
        value, pullback = tg.vjp(lambda x: {"sum": np.sum(x), "parts": [x[0], 2 * x[1:]]}, X)
        assert list(value) == ["sum", "parts"]
        (g,) = pullback({"sum": 1.0, "parts": [10.0, np.array([100.0, 0.0])]})
        np.testing.assert_array_equal(g, [11, 201, 1])

    def test_a_pullback_of_a_tracked_gradient_is_differentiable(self):
        g = tg.Tensor([1.0, 2.0], requires_grad=True)
        _, pullback = tg.vjp(lambda x: A @ x, X)
        (gx,) = pullback(g)
        gx.sum().backward()
        np.testing.assert_allclose(g.grad, A.sum(1))

    def test_jvp_of_several_arguments(self):
        a, x = np.ones_like(A), np.array([1.0, 0.0, -1.0])
        value, tangent = tg.jvp(lambda a, x: np.tanh(a @ x), (A, X), (a, x))
        np.testing.assert_allclose(value, np.tanh(A @ X))
        np.testing.assert_allclose(tangent, (1 - np.tanh(A @ X) ** 2) * (a @ X + A @ x), rtol=1e-13)

    def test_jvp_of_nested_arguments_and_values(self):
        value, tangent = tg.jvp(lambda p: [p["x"] * p["y"], p["x"]], ({"x": 2.0, "y": 3.0},), ({"x": 1.0, "y": 10.0},))
        assert value == [6, 2]
        assert tangent == [23, 1]

    def test_jvp_of_what_depends_on_nothing_is_zero(self):
        _, tangent = tg.jvp(lambda x: [np.ones(2), x.shape[0], np.sum(x)], (X,), (np.ones(3),))
        np.testing.assert_array_equal(tangent[0], [0, 0])
        assert tangent[1:] == [0, 3]

    def test_jvp_runs_the_function_once(self):
        calls = []
        tg.jvp(lambda x: calls.append(1) or np.tanh(x), (X,), (X,))
        assert calls == [1]

    def test_jvp_runs_a_rule_once_where_nothing_else_is_tracked(self):
        """As the derivatives that it gave serve for tangents too: a decomposition is not computed twice."""
        calls = []

        @tg.operation()
        def inverse(x):
            calls.append(1)
            y = np.linalg.inv(x)
            return y, (lambda g: -y.T @ g @ y.T,)

        m, v = A[:, :2], A[:, 1:]
        _, tangent = tg.jvp(inverse, (m,), (v,))
        np.testing.assert_allclose(tangent, -np.linalg.inv(m) @ v @ np.linalg.inv(m), rtol=1e-13)
        assert calls == [1]

    def test_jvp_of_a_users_rule_that_calls_a_method_of_an_array_with_the_gradient(self):
        @tg.operation()
        def product(x1, x2):
            return x1.dot(x2), (lambda g: g.dot(x2.T), lambda g: x1.T.dot(g))

        _, tangent = tg.jvp(product, (A, A.T), (A + 1, A.T - 1))
        np.testing.assert_allclose(tangent, (A + 1) @ A.T + A @ (A.T - 1), rtol=1e-14)

    @pytest.mark.parametrize(
        ("f", "expected"),
        [
            (lambda x: np.concatenate([A[0], x, [1.0], 2 * x]), np.r_[0, 0, 0, X, 0, 2 * X]),
            (lambda x: np.stack([A[0], x], axis=1), np.stack([np.zeros(3), X], axis=1)),
            (lambda x: tg.index_update(A[0], slice(1, None), x[:2]), np.r_[0, X[:2]]),
            (lambda x: tg.index_update(x, 0, 5.0), np.r_[0, X[1:]]),
            (lambda x: np.linspace(0, x, 3), np.stack([0 * X, X / 2, X])),
            (lambda x: np.where(A[1] > 0, x, 1.0), np.r_[X[0], 0, X[2]]),
        ],
        ids=["concatenate", "stack", "overwrite by", "overwrite", "linspace", "where"],
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_jvp_of_an_operation_of_what_moves_and_what_does_not(self, f, expected, dtype):
        """Linear in all its arrays together: those that do not move have the tangent 0."""
        x = X.astype(dtype)
        value, tangent = tg.jvp(f, (x,), (x,))
        assert tangent.dtype == value.dtype
        np.testing.assert_allclose(tangent, expected, rtol=1e-6)
        w = tg.Tensor(np.ones((), dtype), requires_grad=True)  # and where tangents are recorded
        np.sum(tg.jvp(lambda x: f(x * w), (x,), (x,))[1]).backward()
        np.testing.assert_allclose(w.grad, np.sum(expected), rtol=1e-6)

    def test_hvp_is_the_hessian_times_the_tangents(self):
        v = np.array([1.0, -1.0, 2.0])
        (found,) = tg.hvp(wave, (X,), (v,))
        np.testing.assert_allclose(found, tg.hessian(wave)(X) @ v, rtol=1e-13)
        one, two = tg.hvp(lambda x, y: np.sum(x * x * y), (X, X + 1), (v, 2 * v))
        np.testing.assert_allclose(one, 2 * (X + 1) * v + 2 * X * 2 * v, rtol=1e-14)
        np.testing.assert_allclose(two, 2 * X * v, rtol=1e-14)


class TestJacobianAndHessian:
    @pytest.mark.parametrize(
        ("shape", "to"),
        [((3,), (5,)), ((5,), (3,)), ((2, 2), (3,)), ((), (4,)), ((4,), ()), ((0,), (2,)), ((2,), (0,))],
    )
    def test_shapes_and_values_by_rows_and_by_columns(self, shape, to):
        rng = np.random.default_rng(0)
        m, x = rng.normal(size=(*to, *shape)), rng.normal(size=shape)
        n = len(shape)
        f = lambda x: np.sum(m * x**2, axis=tuple(range(len(to), len(to) + n))) if n else m * x**2
        found = tg.jacobian(f)(x)
        assert found.shape == to + shape
        np.testing.assert_allclose(found, 2 * m * x, rtol=1e-14)

    def test_several_arguments_and_nested_values(self):
        found = tg.jacobian(lambda x, y: {"a": x * y, "b": np.sum(x)}, (0, 1))(X, 2.0)
        np.testing.assert_array_equal(found["a"][0], 2 * np.eye(3))
        np.testing.assert_array_equal(found["a"][1], X)
        np.testing.assert_array_equal(found["b"][0], [1, 1, 1])
        assert found["b"][1] == 0

    def test_the_hessian_of_a_nested_argument(self):
        found = tg.hessian(lambda p: p["x"] ** 2 * p["y"])({"x": 3.0, "y": 5.0})
        assert found == {"x": {"x": 10, "y": 6}, "y": {"x": 6, "y": 0}}

    def test_the_hessian_of_a_networks_loss_by_its_own_parameters(self):
        model = tg.Sequential(tg.nn.Linear(2, 3, rng=0), tg.nn.Tanh(), tg.nn.Linear(3, 2, rng=1))
        x, labels = np.random.default_rng(2).normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
        first = tg.gradients(tg.softmax_cross_entropy(model(x), labels), model.parameters(), create_graph=True)
        flat = np.concatenate([g.reshape(-1) for g in first])
        rows = [np.concatenate([h.data.ravel() for h in tg.gradients(g, model.parameters())]) for g in flat]

        def loss(vector):
            w1, b1, w2, b2 = (
                vector[i:j].reshape(p.shape)
                for (i, j), p in zip([(0, 6), (6, 9), (9, 15), (15, 17)], model.parameters())
            )
            return tg.softmax_cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, labels)

        vector = np.concatenate([p.data.ravel() for p in model.parameters()])
        np.testing.assert_allclose(tg.hessian(loss)(vector), rows, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(rows, np.transpose(rows), atol=1e-15)


BAD = {
    "an integer": (lambda: tg.grad(lambda x: x * x)(3), TypeError, "argument 0 is int64, .* as in 3.0"),
    "integers within": (lambda: tg.grad(lambda p: p["n"][0])({"n": [1]}), TypeError, r"argument 0\['n'\]\[0\] is"),
    "text": (lambda: tg.grad(lambda x: x)("a"), TypeError, "argument 0 is <U1"),
    "no function": (lambda: tg.grad(3.0)(1.0), TypeError, "takes a function .* got 3.0"),
    "a vector": (lambda: tg.grad(np.sin)(X), ValueError, r"one number, got shape \(3,\); sum it, or use tg.jacobian"),
    "several values": (lambda: tg.grad(lambda x: (x, x))(1.0), TypeError, "one number, got tuple"),
    "no return": (lambda: tg.grad(lambda x: None)(1.0), TypeError, "gave None; does it end with return"),
    "text back": (lambda: tg.grad(lambda x: "a")(1.0), TypeError, "real numbers"),
    "no such argument": (lambda: tg.grad(np.sin, 1)(1.0), ValueError, "argument 1 .* but 1 came by position"),
    "by keyword": (lambda: tg.grad(lambda x: x)(x=1.0), ValueError, "give it by position"),
    "one twice": (lambda: tg.grad(lambda x: x, (0, -1))(1.0), ValueError, "names an argument twice"),
    "a name": (lambda: tg.grad(lambda x: x, "x")(1.0), TypeError, "argnums must be an integer"),
    "true": (lambda: tg.grad(lambda x: x, True)(1.0), TypeError, "argnums must be an integer"),
    "another shape": (lambda: tg.vjp(np.sin, X)[1](np.ones(2)), ValueError, r"the gradient has shape \(2,\), exp"),
    "another structure": (lambda: tg.vjp(np.sin, X)[1]([X]), ValueError, "nested otherwise"),
    "no tuple": (lambda: tg.jvp(np.sin, X, X), TypeError, r"primals must be a tuple .* write \(primal,\)"),
    "too few": (lambda: tg.jvp(np.sin, (X,), ()), ValueError, "0 tangents for 1 primals"),
    "a tangent's shape": (lambda: tg.hvp(wave, (X,), (A,)), ValueError, r"tangents\[0\] has shape \(2, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_told_what_came_and_what_to_write(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_what_runs_in_another_thread_is_followed_backward_and_refused_forward():
    def f(x):
        with ThreadPoolExecutor(2) as pool:
            a, b = pool.map(lambda i: np.sin(x) * i, [1.0, 2.0])
        return np.sum(a * b)

    np.testing.assert_allclose(tg.grad(f)(X), 4 * np.sin(X) * np.cos(X), rtol=1e-14)
    for forward in (tg.jvp, tg.hvp):
        with pytest.raises(tg.GraphError, match=r"another thread or task.*use tg\.vjp or tg\.grad"):
            forward(f, (X,), (X,))


SLOPES = {  # of a·b² by b at b = 2, which is 4a
    "grad": lambda f: tg.grad(f)(2.0),
    "jvp": lambda f: tg.jvp(f, (2.0,), (1.0,))[1],
    "vjp": lambda f: tg.vjp(f, 2.0)[1](1.0)[0],
    "jacobian": lambda f: tg.jacobian(f)(2.0),
}


@pytest.mark.parametrize("inner", SLOPES.values(), ids=SLOPES)
def test_a_transform_at_a_constant_leaves_those_around_it_their_plain_results(inner):
    def f(a):
        return a * inner(lambda b: a * b * b)

    value, slope = tg.value_and_grad(f)(3.0)
    moved = tg.jvp(f, (3.0,), (1.0,))
    curvatures = [tg.hessian(f)(3.0), tg.jacobian(tg.grad(f))(3.0), tg.hvp(f, (3.0,), (1.0,))[0]]
    found = [value, slope, *moved, *curvatures]
    assert [type(x) for x in found] == [np.float64] * 7
    np.testing.assert_allclose(found, [36, 24, 36, 24, 8, 8, 8], rtol=1e-15)


@pytest.mark.parametrize("inner", SLOPES.values(), ids=SLOPES)
def test_within_the_function_its_argument_is_no_constant(inner):
    """By c, then by b, of c³·b² at b = 2, in the midst of a function of c."""
    slope = tg.grad(lambda c: inner(lambda b: tg.grad(lambda d: d**3 * b * b)(c)))(3.0)
    assert type(slope) is np.float64
    assert slope == pytest.approx(6 * 3 * 4)


def test_results_share_no_memory_with_the_arguments():
    for value in (
        tg.vjp(lambda x: x, X)[0],
        tg.jvp(lambda x: x.reshape(-1), (X,), (X,))[0],
        tg.jvp(lambda x: x, (X,), (X,))[1],
    ):
        assert not np.shares_memory(value, X)
        assert value.flags.writeable


@pytest.mark.parametrize("n", [2, 5])
def test_a_jacobian_of_integers_is_zero_by_rows_and_by_columns(n):
    np.testing.assert_array_equal(tg.jacobian(lambda x: np.arange(n))(X), np.zeros((n, 3)))


@pytest.mark.parametrize("n", [2, 5])
def test_a_jacobian_has_the_arguments_dtype_by_rows_and_by_columns(n):
    x = X.astype(np.float32)
    assert tg.jacobian(lambda x: np.ones((n, 3)) @ x)(x).dtype == np.float32


def test_a_jacobian_with_respect_to_nothing_is_empty():
    assert tg.jacobian(lambda x: np.ones(2))([]) == []
    assert tg.jacobian(lambda x: x, ())(X) == ()


@pytest.mark.parametrize("bad", [X * 1j, ["a", "b", "c"]])
def test_tangents_and_gradients_must_be_real_numbers(bad):
    with pytest.raises(TypeError, match="real numbers"):
        tg.jvp(np.sin, (X,), (np.array(bad),))
    with pytest.raises(TypeError, match="real numbers"):
        tg.vjp(np.sin, X)[1](np.array(bad))


def test_an_untracked_tensor_as_tangent_counts_as_its_array():
    _, tangent = tg.jvp(np.sin, (X.astype(np.float32),), (tg.Tensor(X),))
    assert type(tangent) is np.ndarray
    assert tangent.dtype == np.float32
