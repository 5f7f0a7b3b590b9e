"""Cases of the trigonometric rules."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, either_sign, lean, lean_pairs, over, unary, uniform
from tinygrad_np.rules import trigonometric


def within_one(*shape):
    return uniform(*shape, low=-0.9, high=0.9)


def above_one(*shape):
    return uniform(*shape, low=1.2, high=3.0)


def folded(*shape):
    """Angles in (−π, π) whose steps along the last axis are at most 1.9 in either direction around the circle."""
    return np.angle(np.exp(1j * np.cumsum(uniform(*shape, low=-1.9, high=1.9), axis=-1)))


NEAR_ZERO = np.array([0.0, -1e-9, 1e-5, 0.01, -0.1, 0.4, 1.0, 3.7])


def wound(variant):
    """Steps along the axis as angles in (−π, π)."""
    angles = np.cumsum(variant.arrays[0], variant.options["axis"])
    return Variant((np.angle(np.exp(1j * angles)),), variant.options)


ROWS = [
    Row(trigonometric.sin, lean()),
    Row(trigonometric.cos, lean()),
    Row(trigonometric.tan, lean(within_one)),
    Row(trigonometric.arcsin, lean(within_one)),
    Row(trigonometric.arccos, lean(within_one)),
    Row(trigonometric.arctan, lean()),
    Row(trigonometric.sinh, lean()),
    Row(trigonometric.cosh, lean()),
    Row(trigonometric.tanh, unary()),
    Row(trigonometric.arcsinh, lean()),
    Row(trigonometric.arccosh, lean(above_one)),
    Row(trigonometric.arctanh, lean(within_one)),
    Row(trigonometric.arctan2, lean_pairs(either_sign, either_sign)),
    Row(trigonometric.hypot, lean_pairs(either_sign, either_sign)),
    Row(trigonometric.deg2rad, lean()),
    Row(trigonometric.rad2deg, lean(), call=lambda operation, x: operation(x / 50)),  # no steep slope for differences
    Row(trigonometric.sinc, [*unary(), Variant((NEAR_ZERO,))], drawn=domains.one()),
    Row(
        trigonometric.unwrap,
        [
            *over("axis", (-1, 1), 3, 6, draw=folded),
            *over("discont", (3.5,), 6, draw=folded),
            Variant((folded(4, 5).T,), {"axis": 0}),
            Variant((np.array([0.2, 1.9, 0.3]),), {"period": 2.0}),
        ],
        drawn=domains.along(domains.of(domains.floats(-1.875, 1.875)), discont=st.sampled_from([None, 3.5])).map(wound),
    ),
]
