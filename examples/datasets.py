"""The examples' data: points in the plane, handwritten digits and patients, some to train on and some held out."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import (  # type: ignore[import-untyped]  # it ships no types
    load_diabetes,
    load_digits,
    make_classification,
    make_moons,
)

import tinygrad_np as tg

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

TRAINING_ROWS = 300  # the article's number of samples
HELD_OUT_ROWS = 1000  # enough for an accuracy to within one or two percent
BRIGHTEST = 16  # pixel of a digit
ROUNDING = 1e-14  # numbers that differ by less than this share of their size differ by rounding


@dataclass(frozen=True)
class Samples:
    """Points x (n, 2) with labels (n,), which count the names in ``classes`` from 0."""

    x: Array
    labels: Labels
    classes: tuple[str, ...]
    features: tuple[str, str] = ("x1", "x2")
    label: str = "class"

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.intp] | slice) -> Self:
        """Only these rows."""
        return replace(self, x=self.x[rows], labels=self.labels[rows])


@dataclass(frozen=True)
class Scaling:
    """The map x ↦ (x − mean) / deviation of each feature, from the data's units to the network's."""

    mean: Array
    deviation: Array

    def __call__(self, x: Array) -> Array:
        return (x - self.mean) / self.deviation

    @classmethod
    def none(cls) -> Self:
        """The map that changes nothing."""
        return cls(np.zeros(2), np.ones(2))

    @classmethod
    def standardizing(cls, x: Array) -> Self:
        """The map that gives each feature of x (n, 2) mean 0 and standard deviation 1; a constant one becomes 0.

        Constant is also what differs by rounding alone. Its size then stands for its deviation, so that half
        a deviation more is another number, however large it is.
        """
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        size = np.abs(mean)
        return cls(mean, np.where(deviation <= ROUNDING * size, np.maximum(size, 1.0), deviation))


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows held out, both drawn from one source, and how a network sees their features."""

    training: Samples
    held_out: Samples
    scaling: Scaling

    @property
    def inputs(self) -> Array:
        """The training rows' features as a network takes them."""
        return self.scaling(self.training.x)

    @property
    def held_out_inputs(self) -> Array:
        """The held-out rows' features as a network takes them."""
        return self.scaling(self.held_out.x)


def three_classes(seed: int) -> Split:
    """The article's data, drawn once and split: both parts come from the same three clusters."""
    x, labels = make_classification(
        n_samples=TRAINING_ROWS + HELD_OUT_ROWS,
        n_features=2,
        n_redundant=0,
        n_informative=2,
        n_clusters_per_class=1,
        n_classes=3,
        random_state=seed,
    )
    return _first_rows(Samples(x, labels, ("0", "1", "2")))


def two_moons(seed: int, noise: float) -> Split:
    """Two interleaved half circles; ``noise`` is the standard deviation added to each coordinate."""
    x, labels = make_moons(n_samples=TRAINING_ROWS + HELD_OUT_ROWS, noise=noise, random_state=seed)
    return _first_rows(Samples(x, labels, ("0", "1")))


def hold_out(samples: Samples, rng: np.random.Generator) -> Split:
    """A fifth of each class's rows, at least one, held out, and the others to train on, both in random order.

    A file may be sorted by class; minibatches in stored order would then see one class at a time. Its
    units may be anything; the network's first weights suit features near 1, so they are standardized.
    """
    order = rng.permutation(len(samples))
    held_out = np.zeros(len(samples), bool)
    for label in range(len(samples.classes)):
        rows = order[samples.labels[order] == label]
        held_out[rows[: max(1, len(rows) // 5)]] = True
    training = samples.take(order[~held_out[order]])
    return Split(training, samples.take(order[held_out[order]]), Scaling.standardizing(training.x))


@dataclass(frozen=True)
class Rows:
    """Inputs x (n, features) and targets y, (n,) labels or (n, 1) numbers."""

    x: NDArray[Any]
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Parts:
    """Rows to train on, rows to choose by (when to stop, which settings), and rows that nothing was chosen by."""

    training: Rows
    validation: Rows
    held_out: Rows


def digits() -> Rows:
    """The 1797 handwritten digits that come with scikit-learn: 8 × 8 pixels from 0 to 16, and labels from 0 to 9."""
    x, y = load_digits(return_X_y=True)
    return Rows(x.astype(np.float32), y)


def split_digits(seed: int) -> Parts:
    """The digits in three parts, each with its share of each digit; pixels in units of the brightest to train on."""
    parts = _three_parts(digits(), 0.1, 0.2, seed, stratify=True)
    brightest = parts.training.x.max()
    return Parts(*[Rows(part.x / brightest, part.y) for part in (parts.training, parts.validation, parts.held_out)])


def split_diabetes(seed: int) -> tuple[Parts, tg.data.Standardizer]:
    """The 442 patients that come with scikit-learn, in three parts, and what turns targets back into their units.

    x are ten measurements, y is how far the disease went in a year; both standardized by the rows to train on.
    """
    x, y = load_diabetes(return_X_y=True)
    parts = _three_parts(Rows(x, y[:, None]), 0.2, 0.2, seed)
    inputs, targets = (tg.data.Standardizer().fit(part) for part in (parts.training.x, parts.training.y))
    drawn = (parts.training, parts.validation, parts.held_out)
    return Parts(*[Rows(inputs(part.x), targets(part.y)) for part in drawn]), targets


def _three_parts(rows: Rows, validation: float, held_out: float, seed: int, stratify: bool = False) -> Parts:
    """Rows drawn by ``seed``: shares of all for ``validation`` and ``held_out``, and the rest to train on."""
    rng = np.random.default_rng(seed)
    (x, y), unseen = tg.data.split((rows.x, rows.y), held_out, rng, rows.y if stratify else None)
    seen, chosen_by = tg.data.split((x, y), validation / (1 - held_out), rng, y if stratify else None)
    return Parts(Rows(*seen), Rows(*chosen_by), Rows(*unseen))


def _first_rows(samples: Samples) -> Split:
    """The first rows to train on, the rest held out: scikit-learn has shuffled them."""
    training, held_out = samples.take(slice(TRAINING_ROWS)), samples.take(slice(TRAINING_ROWS, None))
    return Split(training, held_out, Scaling.none())
