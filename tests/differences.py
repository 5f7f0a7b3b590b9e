"""Derivatives by differences, written without the library's own checker, for the tests to hold against it."""

import numpy as np

import tinygrad_np as tg

STEP = 1e-3


def slope_along(f, arrays, direction, step=STEP):
    """The derivative of a scalar ``f(*arrays)`` along ``direction``, from five points: exact to O(step⁴)."""

    def at(distance):
        return f(*[x + distance * step * d for x, d in zip(arrays, direction)])

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def numerical(f, arrays):
    """∂f/∂array of a scalar function for each of ``arrays``, element by element."""
    slopes = []
    for i, x in enumerate(arrays):
        slope = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            direction = [np.zeros(a.shape) for a in arrays]
            direction[i][index] = 1
            slope[index] = slope_along(f, arrays, direction)
        slopes.append(slope)
    return slopes


def numbers_like(value, seed):
    """Numbers of the value's shape, none of them near 0, that make a scalar of it in which each element counts."""
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 1.5, np.shape(value)))


def derivative(f, order):
    """A scalar made of the ``order``-th derivatives of ``f``, as a function of Tensors that can be differentiated."""
    if order == 0:
        return lambda *tensors: np.sum((y := f(*tensors)) * numbers_like(y, seed=0))
    inner = derivative(f, order - 1)

    def scalar(*tensors):
        slopes = tg.gradients(inner(*tensors), tensors, create_graph=True)
        total = tg.Tensor(0.0)
        for seed, slope in enumerate(slopes, start=1):
            total = total + np.sum(slope * numbers_like(slope, seed))
        return total

    return scalar


def leaves(arrays):
    """A leaf that requires a gradient for each array; each has an array of its own."""
    return [tg.Tensor(np.array(x), requires_grad=True) for x in arrays]


def slope(f, at):
    """The gradient of Σ f at numbers, and no warning on the way even where the user made all of them errors."""
    x = tg.Tensor(np.array(at, float), requires_grad=True)
    with np.errstate(all="raise"):
        f(x).sum().backward()
    return x.grad


def value_of(f):
    """A function of Tensors as a function from arrays to a number."""
    return lambda *arrays: f(*leaves(arrays)).item()
