"""The three columns: autodiff, hand-derived and numerical gradients of the article's networks, side by side."""

import re

import numpy as np
import pytest

import tinygrad_np as tg
from models import article, checking, mistakes
from tests.models.test_article import LABELS, ROWS

SIZES = [(2, 3, 3), (2, 3, 2), (2, 5, 4, 3), (2, 3)]
ROW = re.compile(r"^(\d\.\w+) +\((\d),(?: (\d))?\) +(-?\d\.\d{12}) +(-?\d\.\d{12}) +(-?\d\.\d{12})$", re.MULTILINE)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", SIZES)
def test_the_three_columns_agree_to_1e_8(sizes, seed):
    model = article.classifier(sizes, seed)
    report = checking.check(model, ROWS, LABELS % sizes[-1])
    assert report
    parameters = dict(model.named_parameters())
    assert [checked.name for checked in report.elements] == list(parameters)
    for checked in report.elements:
        analytic, by_hand = checked.claimed["analytic"], checked.claimed["hand-derived"]
        assert analytic.shape == by_hand.shape == checked.numerical.shape == parameters[checked.name].shape
        assert np.abs(checked.numerical).max() > 1e-6, "a gradient that vanishes would agree with anything"
        np.testing.assert_allclose(analytic, checked.numerical, rtol=0, atol=1e-8)
        np.testing.assert_allclose(by_hand, checked.numerical, rtol=0, atol=1e-8)
        np.testing.assert_allclose(by_hand, analytic, rtol=0, atol=1e-14)


def test_directions_are_enough_in_fast_mode():
    report = checking.check(article.three_classes(0), ROWS, LABELS, mode="fast")
    assert report
    assert (len(report.directions), len(report.elements)) == (4, 0)
    with pytest.raises(ValueError, match="no elements; check with mode='full'"):
        checking.three_columns(report)


def test_the_model_and_its_gradients_are_left_alone():
    model = article.three_classes(0)
    before = [p.data.copy() for p in model.parameters()]
    checking.check(model, ROWS, LABELS)
    assert all(np.array_equal(p.data, data) for p, data in zip(model.parameters(), before))
    assert all(p.grad is None for p in model.parameters())


def test_the_table_has_every_number_in_its_place():
    model = article.three_classes(0)
    table = checking.three_columns(checking.check(model, ROWS[:4], LABELS[:4]))
    lines = table.splitlines()
    assert lines[0].split() == ["parameter", "index", "autodiff", "hand-derived", "numerical"]
    rows = ROW.findall(table)
    assert len(rows) == 21
    assert all(len(line) == len(lines[0]) for line in lines[:22])
    slopes = tg.gradients(tg.softmax_cross_entropy(model(ROWS[:4]), LABELS[:4]), list(model.parameters()))
    expected = {
        (name, *map(str, index)): g.data[index]
        for (name, _), g in zip(model.named_parameters(), slopes)
        for index in np.ndindex(g.shape)
    }
    for name, i, j, *columns in rows:
        place = (name, i, j) if j else (name, i)
        np.testing.assert_allclose([float(c) for c in columns], expected[place], rtol=0, atol=1e-8)
    differences = [float(line.split()[-1]) for line in lines[-3:]]
    assert [line.rsplit(maxsplit=1)[0] for line in lines[-3:]] == [
        "largest difference of autodiff and hand-derived",
        "largest difference of autodiff and numerical",
        "largest difference of hand-derived and numerical",
    ]
    assert differences[0] < 1e-14
    assert all(1e-14 < difference < 1e-8 for difference in differences[1:])


@pytest.mark.parametrize("mistake", [mistakes.WrongSign, mistakes.TransposedWeightGradient])
def test_the_table_of_a_wrong_gradient(mistake):
    """The largest difference is that of the worst number; a gradient of another shape has no numbers to show."""
    with pytest.raises(tg.GradientError) as caught:
        checking.check(article.three_classes(0), ROWS, LABELS, mistake)
    report = caught.value.report
    table = checking.three_columns(report)
    columns = [line.split()[-3:] for line in table.splitlines()[1:22]]
    difference = float(table.splitlines()[-1].split()[-1])
    if mistake is mistakes.WrongSign:
        assert all(float(by_hand) == -float(autodiff) for autodiff, by_hand, _ in columns)
        largest = max(np.abs(checked.numerical).max() for checked in report.elements)
        assert difference == pytest.approx(2 * largest, rel=0.05)
    else:
        assert [by_hand == "nan" for _, by_hand, _ in columns] == [True] * 6 + [False] * 15
        assert np.isnan(difference)
