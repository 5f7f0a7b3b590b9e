"""NumPy's functions called on Tensors: recorded, run on the data, or refused by name. Never anything else."""

import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np import coverage, operations


@pytest.fixture
def t():
    return tg.Tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]], requires_grad=True)


DEPRECATED = {"row_stack", "in1d"}  # the second is gone from NumPy 2.4


def numpy_functions():
    """What of NumPy's main, linalg and fft namespaces is handed over to arrays of other kinds, by name."""
    for module in (np, np.linalg, np.fft):
        for name in sorted(set(module.__all__) - DEPRECATED):
            function = getattr(module, name)
            if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
                yield f"{module.__name__.replace('numpy', 'np')}.{name}", function


NUMPY_FUNCTIONS = dict(numpy_functions())
SETS = [set(operations.table), set(coverage.RUN_ON_DATA), set(coverage.REFUSED)]


@pytest.mark.parametrize("function", NUMPY_FUNCTIONS.values(), ids=NUMPY_FUNCTIONS)
def test_every_function_of_numpy_is_in_one_of_the_three_sets(function):
    assert [function in each for each in SETS].count(True) == 1


def test_nothing_is_in_two_sets():
    assert sum(map(len, SETS)) == len(set.union(*SETS))


RECORDED = {
    "array + tensor": lambda t: np.ones((2, 3)) + t,
    "NumPy scalar * tensor": lambda t: np.float64(2) * t,
    "list - tensor": lambda t: [1.0, 2.0, 3.0] - t,
    "tensor / tuple": lambda t: t / (1.0, 2.0, 3.0),
    "list / tensor": lambda t: [1.0, 2.0, 3.0] / t,
    "list * tensor": lambda t: [1.0, 2.0, 3.0] * t,
    "tensor ** list": lambda t: t ** [2.0, 2.0, 2.0],
    "list ** tensor": lambda t: [2.0, 1.0, 3.0] ** t,
    "list @ tensor": lambda t: [1.0, 2.0] @ t,
    "tensor @ list": lambda t: t @ [1.0, 2.0, 3.0],
    "nested list @ tensor": lambda t: [[1.0, 2.0]] @ t,
    "array @ tensor": lambda t: np.ones((4, 2)) @ t,
    "np.add(array, tensor)": lambda t: np.add(np.ones(3), t),
    "np.dot(list, tensor)": lambda t: np.dot([[1.0, 2.0]], t),
    "np.dot(tensor, list)": lambda t: np.dot(t, [1.0, 2.0, 3.0]),
    "np.maximum(list, tensor)": lambda t: np.maximum([1.5, 1.5, 1.5], t),
    "np.where with lists": lambda t: np.where([True, False, True], t, [7.0, 7.0, 7.0]),
    "np.concatenate with a list": lambda t: np.concatenate([t, [[1.0, 2.0, 3.0]]]),
    "np.sum(a=)": lambda t: np.sum(a=t, axis=0),
    "np.max(a=)": lambda t: np.max(a=t, axis=1, keepdims=True),
    "np.mean of all": lambda t: np.mean(t),
    "np.amin": lambda t: np.amin(t, 0),
    "np.reshape(shape=)": lambda t: np.reshape(t, shape=(3, 2)),
    "np.reshape, columns first": lambda t: np.reshape(t, (3, 2), order="F"),
    "np.transpose(axes=None)": lambda t: np.transpose(t, axes=None),
    "np.swapaxes by name": lambda t: np.swapaxes(t, axis1=0, axis2=1),
    "np.add.reduce, axis 0 by default": lambda t: np.add.reduce(t),
    "np.add.reduce, all by position": lambda t: np.add.reduce(t, 1, None, None, True),
    "np.maximum.reduce(axis=None)": lambda t: np.maximum.reduce(t, axis=None),
    "np.minimum.reduce": lambda t: np.minimum.reduce(t),
    "np.multiply.reduce": lambda t: np.multiply.reduce(t, axis=1),
    "np.add.accumulate, axis 0 by default": lambda t: np.add.accumulate(t),
    "np.multiply.outer": lambda t: np.multiply.outer(t, [1.0, 2.0]),
    "np.subtract.outer of an array": lambda t: np.subtract.outer(np.ones((2, 2)), t),
    "np.logaddexp.reduce": lambda t: np.logaddexp.reduce(t, axis=1),
    "np.remainder": lambda t: np.remainder(t, 0.7),
    "np.abs": lambda t: np.abs(t),
    "options at their defaults": lambda t: np.add(t, 1.0, out=None, where=True, casting="same_kind", dtype=None),
    "np.sum with defaults": lambda t: np.sum(t, axis=None, dtype=None, out=None),
}


@pytest.mark.parametrize("call", RECORDED.values(), ids=RECORDED)
def test_a_mixed_or_numpy_call_records_and_gives_numpys_value(t, call):
    y = call(t)
    assert isinstance(y, tg.Tensor)
    assert y.requires_grad
    np.testing.assert_allclose(y.data, np.asarray(call(t.data)), rtol=1e-14, strict=True)
    y.backward(np.ones(y.shape))
    assert t.grad.shape == t.shape
    assert np.any(t.grad != 0)


RUN_ON_DATA = {
    "np.equal": lambda t: np.equal(t, t),
    "np.greater": lambda t: np.greater(t, 0),
    "np.isnan": lambda t: np.isnan(t),
    "np.sign": lambda t: np.sign(t),
    "np.floor": lambda t: np.floor(t),
    "np.argmax": lambda t: np.argmax(t, axis=0),
    "np.argsort": lambda t: np.argsort(t, axis=-1),
    "np.nonzero": lambda t: np.nonzero(t > 0),
    "np.where of one": lambda t: np.where(t),
    "np.shape": lambda t: np.shape(t),
    "np.ndim": lambda t: np.ndim(t),
    "np.size": lambda t: np.size(t),
    "np.zeros_like": lambda t: np.zeros_like(t),
    "np.full_like": lambda t: np.full_like(t, 2),
    "np.result_type": lambda t: np.result_type(t, np.float32),
    "np.allclose": lambda t: np.allclose(t, t),
    "np.array_equal": lambda t: np.array_equal(t, [t, t]),
    "np.count_nonzero": lambda t: np.count_nonzero(t),
    "np.any": lambda t: np.any(t > 3),
    "np.array2string": lambda t: np.array2string(t),
}


@pytest.mark.parametrize("call", RUN_ON_DATA.values(), ids=RUN_ON_DATA)
def test_a_result_without_a_gradient_is_numpys_own(t, call):
    result, expected = call(t), call(t.data)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("function", sorted(coverage.RUN_ON_DATA, key=repr), ids=lambda f: f.__name__)
def test_no_function_run_on_data_has_a_slope(function):
    """Those of one float array that give floats are constant between their jumps."""
    x = np.array([0.3, 1.7, -2.4])
    try:
        here, there = function(x), function(x + 1e-6)
    except (TypeError, ValueError):
        return  # takes two arguments, as comparisons and floor_divide do, or a matrix
    if isinstance(here, np.ndarray) and here.dtype.kind == "f" and function is not np.empty_like:
        np.testing.assert_array_equal(here, there)


REFUSED = {
    "out=": (lambda t: np.add(t, 1, out=np.zeros((2, 3))), r"np\.add on a Tensor does not take out="),
    "out=tensor": (lambda t: np.add(np.ones((2, 3)), 1, out=t), r"np\.add on a Tensor does not take out="),
    "array += tensor": (lambda t: np.ones((2, 3)).__iadd__(t), r"np\.add on a Tensor does not take out="),
    "where=": (lambda t: np.exp(t, where=[True, False, True]), r"np\.exp on a Tensor does not take where="),
    "dtype=": (lambda t: np.sum(t, dtype=np.float32), r"np\.sum on a Tensor does not take dtype=.*axis.*t\.data"),
    "casting=": (lambda t: np.add(t, 1, casting="unsafe"), r"np\.add on a Tensor does not take casting="),
    "initial=": (lambda t: np.max(t, initial=0), r"np\.max on a Tensor does not take initial="),
    "subok=": (lambda t: np.exp(t, subok=False), r"np\.exp on a Tensor does not take subok="),
    "np.add.at(tensor)": (lambda t: np.add.at(t, 0, 1.0), r"np\.add\.at .*tg\.index_update"),
    "np.add.at(array, , tensor)": (lambda t: np.add.at(np.zeros(3), 0, t[0, 0]), r"np\.add\.at"),
    "np.add.reduceat": (lambda t: np.add.reduceat(t, [0, 1]), r"np\.add\.reduceat"),
    "np.fft.fft": (lambda t: np.fft.fft(t), r"np\.fft\.fft on a Tensor.*complex.*tg\.fft\.rfft"),
    "np.fft.irfft": (lambda t: np.fft.irfft(t), r"takes complex numbers.*tg\.fft\.irfft"),
    "np.linalg.eig": (lambda t: np.linalg.eig(t), r"complex.*np\.linalg\.eigh"),
    "np.unique": (lambda t: np.unique(t), r"np\.unique on a Tensor is not supported: .*t\.data"),
    "np.vectorize": (lambda t: np.vectorize(abs)(t), r"would lose the gradient"),
    "np.copyto": (lambda t: np.copyto(np.zeros((2, 3)), t), r"np\.copyto .*tg\.index_update"),
    "np.isnan(out=)": (lambda t: np.isnan(t, out=np.zeros((2, 3), bool)), r"np\.isnan"),
    "a ufunc without a rule": (lambda t: np.spacing(t), r"np\.spacing"),
    "a ufunc of two results": (lambda t: np.frexp(t), r"np\.frexp"),
    "np.asarray": (lambda t: np.asarray(t), r"np\.asarray\(t\) would lose the gradient.*t\.data"),
    "np.array": (lambda t: np.array(t, dtype=object), r"would lose the gradient"),
    "np.array of several": (lambda t: np.array([t, t]), r"would lose the gradient.*np\.concatenate"),
    "np.array of scalars": (lambda t: np.array([t[0, 0], t[1, 1]]), r"would lose the gradient"),
    "np.mean of a list": (lambda t: np.mean([t, t]), r"would lose the gradient"),
    "np.ascontiguousarray": (lambda t: np.ascontiguousarray(t), r"would lose the gradient"),
    "array[:] = tensor": (lambda t: np.zeros((2, 3)).__setitem__(..., t), r"would lose the gradient"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_gradient_could_follow_is_refused_by_name(t, call, message):
    with pytest.raises(TypeError, match=message):
        call(t)


def test_assigning_a_tensor_into_an_element_of_an_array_is_refused(t):
    array = np.zeros(3)
    with pytest.raises((TypeError, ValueError)) as refusal:
        array[0] = t[0, 0]
    reasons = [refusal.value, refusal.value.__cause__]
    assert any("would lose the gradient" in str(reason) for reason in reasons)
    np.testing.assert_array_equal(array, 0)


def test_a_refusal_tells_how_to_go_on(t, monkeypatch):
    monkeypatch.delitem(operations.table, np.arctanh)
    with pytest.raises(TypeError, match=r"t\.data; .*@tg\.operation"):
        np.arctanh(t)


def test_an_untracked_tensor_converts_like_an_array():
    t = tg.Tensor([1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(t), [1.0, 2.0], strict=True)
    np.testing.assert_array_equal(np.array([t, t]), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(np.asarray(t, np.float32), np.float32([1, 2]), strict=True)
    assert np.asarray(t) is t.data
    assert np.array(t) is not t.data
    with pytest.raises(ValueError, match="copy"):
        np.array(t, np.float32, copy=False)
    array = np.zeros(2)
    array[:] = t
    array[0] = t[1]
    np.testing.assert_array_equal(array, [2, 2])


@pytest.mark.parametrize("call", [lambda t: np.sin(t), lambda t: np.vstack([t, t]), lambda t: np.cumsum(t)])
def test_a_function_records_or_raises_but_never_gives_an_object_array(t, call):
    refused = ""
    try:
        y = call(t)
    except TypeError as refusal:
        refused = str(refusal)
    assert "t.data" in refused if refused else isinstance(y, tg.Tensor) and y.requires_grad


@pytest.mark.parametrize("function", NUMPY_FUNCTIONS.values(), ids=NUMPY_FUNCTIONS)
def test_every_function_of_numpy_records_runs_on_data_or_raises(t, function):
    """Called with one Tensor: never an object array, never a plain number with the gradient lost."""
    with np.errstate(all="ignore"):
        try:
            result = function(t)
        except (TypeError, ValueError, IndexError):
            return
    parts = result if isinstance(result, tuple) else (result,)
    tensors = [part for part in parts if isinstance(part, tg.Tensor)]
    assert all(tensor.requires_grad for tensor in tensors)
    if not tensors and isinstance(result, np.ndarray | np.generic | tuple):
        assert function in coverage.RUN_ON_DATA or function is np.where  # where(t) is nonzero(t)
