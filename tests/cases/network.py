"""Cases of the network rules."""

import numpy as np
from hypothesis import strategies as st

from tests.cases import domains
from tests.cases.rows import Row, Variant, apart, of_shapes, over, unary
from tinygrad_np.rules import network

LABELS = np.array([2, 0, 2, 1])


def softmax_formula(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def cross_entropy_formula(logits, *z, targets=None):
    """The mean of −ln p at the labels, or weighted by the probabilities softmax(z)."""
    logarithms = np.log(softmax_formula(logits))
    if targets is None:
        return -(softmax_formula(*z) * logarithms).sum() / len(logits)
    return -logarithms[np.arange(len(targets)), targets].mean()


def cross_entropies_formula(logits, *z, targets=None, label_smoothing=0.0, class_weight=1.0):
    """−Σ w·s·ln p of each row, s the targets between themselves and equal shares."""
    classes = logits.shape[1]
    t = np.eye(classes)[targets] if targets is not None else softmax_formula(*z)
    smooth = (1 - label_smoothing) * t + label_smoothing / classes
    return -(class_weight * smooth * np.log(softmax_formula(logits))).sum(1)


def cross_entropy(operation, logits, *z, **options):
    """With a second array, the targets are its softmax: probabilities stay probabilities however it is moved."""
    return operation(logits, *map(network.softmax, z), **options)


@st.composite
def affine(draw):
    rows, (n, m) = draw(domains.shapes(max_dims=2)), draw(domains.shapes(0, 2, 2))
    return draw(domains.many(st.sampled_from([[(*rows, n), (n, m)], [(*rows, n), (n, m), (m,)]])))


@st.composite
def classified(draw):
    """Logits with labels, or with the logits of probabilities."""
    shape = n, classes = draw(domains.shapes(1, 2, 2))
    labels = st.lists(st.integers(0, classes - 1), min_size=n, max_size=n).map(np.array)
    return draw(domains.many(st.just([shape]), targets=labels) | domains.many(st.just([shape] * 2)))


@st.composite
def classified_with_options(draw):
    """The same with smoothing, with weights of the classes, with both or none."""
    arrays, options = draw(classified())
    chosen = {"label_smoothing": draw(st.sampled_from([0.0, 0.25]))}
    if draw(st.booleans()):
        chosen["class_weight"] = draw(domains.positive(arrays[0].shape[1:]))
    return Variant(arrays, options | chosen)


ROWS = [
    Row(network.relu, unary(apart), formula=lambda x: np.where(x > 0, x, 0), drawn=domains.one(domains.distinct)),
    Row(network.sigmoid, unary(), formula=lambda x: 1 / (1 + np.exp(-x)), drawn=domains.one()),
    Row(
        network.softmax,
        over("axis", (-1, 0, 1), 3, 4) + over("axis", (-1,), 5),
        formula=softmax_formula,
        drawn=domains.along(least=1),
    ),
    Row(
        network.log_softmax,
        over("axis", (-1, 0, 1), 3, 4) + over("axis", (1,), 2, 3, 2),
        formula=lambda x, axis=-1: np.log(softmax_formula(x, axis)),
        drawn=domains.along(least=1),
    ),
    Row(
        network.linear,
        of_shapes(*[((*s, 4), (4, 2), (2,)) for s in [(3,), (), (2, 3), (0,)]], ((3, 4), (4, 2))),
        formula=lambda x, weight, bias=0: x @ weight + bias,
        drawn=affine(),
    ),
    Row(
        network.softmax_cross_entropy,
        over("targets", [LABELS], 4, 3)
        + over("targets", [np.arange(30) % 3], 30, 3)
        + of_shapes(((4, 3), (4, 3)), ((30, 3), (30, 3))),
        formula=cross_entropy_formula,
        call=cross_entropy,
        drawn=classified(),
    ),
    Row(
        network.softmax_cross_entropies,
        over("targets", [LABELS], 4, 3)
        + over("targets", [np.arange(30) % 3], 30, 3)
        + of_shapes(((4, 3), (4, 3)), class_weight=np.array([0.5, 2.0, 1.0]), label_smoothing=0.1),
        formula=cross_entropies_formula,
        call=cross_entropy,
        drawn=classified_with_options(),
    ),
]
