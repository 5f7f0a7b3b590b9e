"""Tables and figures, of studies with known numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

import tinygrad_np as tg
from tests.experiments.test_statistics import DEXTRO, LAEVO
from tinygrad_np.experiments.figures import COLOURS
from tinygrad_np.experiments.outcomes import Outcome


def outcome(label, seed, values, diverged=None, **choices):
    rows = [{"epoch": i + 1, "loss": value, "seconds": 0.5} for i, value in enumerate(values)]
    reason = None if diverged is None else "the loss is inf"
    return Outcome({"optimizer": label} | choices, seed, rows, reason, diverged)


def study(columns=("loss",), target=None, **values):
    """A study whose runs have one epoch with these losses, by optimizer and in the order of seeds; None diverged."""
    runs = [
        outcome(label, seed, [] if value is None else [value], diverged=1 if value is None else None)
        for label, losses in values.items()
        for seed, value in enumerate(losses)
    ]
    return tg.experiments.Study(runs, columns, target)


def test_a_table_sets_each_variant_beside_the_best():
    table = study(laevo=LAEVO, dextro=DEXTRO).table()
    assert str(table).splitlines()[:4] == [
        "final loss (lower is better)",
        "optimizer  mean   s.d.   n  diverged  difference [95 %]         p",
        "laevo      2.33  2.002  10         0  +1.58 [+0.7, +2.46]  0.0028",
        "dextro     0.75  1.789  10         0  best",
    ]
    assert "Student" in table.notes[0]
    assert "Holm's correction (1979) for 1 comparison;" in table.notes[0]
    best = table.rows[1]
    assert (best["best"], best["finished"], best["difference"], best["p_value"]) == (True, 10, None, None)
    assert table.rows[0]["p_value"] == pytest.approx(0.00283289)


def test_higher_may_be_better():
    runs = [outcome("a", 0, [0.5]), outcome("b", 0, [0.75])]
    renamed = [
        Outcome(r.choices, r.seed, [row | {"accuracy": row["loss"], "odd": row["loss"]} for row in r.rows])
        for r in runs
    ]
    found = tg.experiments.Study(renamed, ["loss", "accuracy", "odd"])
    assert [row["best"] for row in found.table("accuracy").rows] == [False, True]
    assert [row["best"] for row in found.table("odd", mode="min").rows] == [True, False]
    with pytest.raises(ValueError, match="whether a high odd is better is not known"):
        found.table("odd")


def test_the_best_is_one_of_those_that_diverged_least_often():
    table = study(lucky=[0.1, None, None], sound=[0.3, 0.2, 0.4], gone=[None] * 3).table()
    assert [(row["best"], row["finished"], row["diverged"]) for row in table.rows] == [
        (False, 1, 2),
        (True, 3, 0),
        (False, 0, 3),
    ]
    assert table.rows[0]["pairs"] == 1
    assert table.rows[2] | {"mean": None, "sd": None, "difference": None} == table.rows[2]


@pytest.mark.parametrize("count", [1, 2])
def test_few_seeds_conclude_nothing(count):
    text = str(study(a=LAEVO[:count], b=DEXTRO[:count]).table())
    assert f"Nothing can be concluded from {count} seed{'s' * (count > 1)}: give at least 3, better 10." in text
    assert "Student" not in text
    assert "nan" not in text.lower()


def test_equal_variants_have_no_p():
    assert "There is no p where the difference is the same for every seed." in str(study(a=LAEVO, b=LAEVO).table())


def test_one_variant_and_none_that_finished():
    assert "There is nothing to compare it with." in str(study(a=LAEVO).table())
    table = study(a=[None, None], b=[None, None]).table()
    assert [row["diverged"] for row in table.rows] == [2, 2]
    assert not table.notes


def test_choices_that_do_not_vary_are_left_out():
    runs = [outcome(label, 0, [0.5], width=8, p=p) for label in ("a", "b") for p in (0, 0.5)]
    rows = tg.experiments.Study(runs, ["loss"]).table().rows
    assert [list(row)[:3] for row in rows] == [["optimizer", "p", "mean"]] * 4


def test_a_study_without_runs_says_so():
    found = tg.experiments.Study([], ["loss"])
    assert (found.rows, found.curves, found.seeds, found.choices) == ([], [], [], [])
    for compare in (found.table, found.plot):
        with pytest.raises(ValueError, match="no run has ended yet"):
            compare()


def image(figure):
    figure.draw_without_rendering()
    return figure


def legend(figure):
    (found,) = figure.legends
    return found.get_title().get_text(), [text.get_text() for text in found.get_texts()]


def curved(**diverged):
    runs = [
        outcome(label, seed, [1.0 + seed, 0.5 + seed, 0.25 + 0.1 * seed]) for label in ("a", "b") for seed in range(3)
    ]
    return [
        r if diverged.get(r.choices["optimizer"]) != r.seed else Outcome(r.choices, r.seed, r.rows[:2], "inf", 3)
        for r in runs
    ]


def test_the_legend_says_what_the_band_is_and_of_how_many_runs():
    figure = image(tg.experiments.Study(curved(), ["loss"]).plot())
    assert legend(figure) == ("mean ± 1 s.d., n = 3", ["a", "b"])
    line, *_ = figure.axes[0].get_lines()
    np.testing.assert_allclose(line.get_ydata(), [2.0, 1.5, 0.35])
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((0.25, 3.0))
    assert to_hex(line.get_color()) == COLOURS[0].lower()


def test_runs_that_diverged_are_no_part_of_the_band_and_are_shown():
    figure = image(tg.experiments.Study(curved(b=1), ["loss"]).plot())
    assert legend(figure) == ("mean ± 1 s.d.", ["a, n = 3", "b, n = 2"])
    crossed = [line for line in figure.axes[0].get_lines() if line.get_marker() == "x"]
    assert [list(line.get_ydata()) for line in crossed] == [[2.0, 1.5]]
    assert [text.get_text() for text in figure.axes[1].texts] == ["", "†1"]


def test_one_seed_has_no_band():
    figure = image(study(a=[0.5], b=[0.25]).plot())
    assert legend(figure) == ("mean, n = 1", ["a", "b"])
    assert not figure.axes[0].collections


def test_the_time_to_a_target_is_that_of_those_which_got_there():
    figure = image(tg.experiments.Study(curved(b=1), ["loss"], target=0.4).plot())
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["epochs to a loss of 0.4", "seconds to a loss of 0.4"]
    assert [text.get_text() for text in figure.axes[2].texts] == ["2/3", "1/3"]
    assert all(tick.is_integer() for tick in figure.axes[2].get_yticks())
    seconds = figure.axes[3].collections[0].get_offsets()
    assert seconds[:, 1].tolist() == [1.5, 1.5]


def test_every_run_diverged_and_never_reached_draw_without_complaint():
    figure = image(study(a=[None, None], b=[None, None], target=0.1).plot())
    assert legend(figure) == ("mean, n = 0", ["a", "b"])
    image(study(a=[3.0, 4.0], target=0.1).plot())
    image(study(a=[3e200, 4e200], b=[3.0, 4.0]).plot())


def test_many_variants_and_names_that_look_like_formulas():
    runs = [outcome("$x_{", seed, [1.0, 0.001], width=width) for width in range(12) for seed in range(2)]
    figure = image(tg.experiments.Study(runs, ["loss"]).plot())
    styles = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()}
    assert len(styles) == 12
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()][-1] == "12"
    assert legend(figure)[1][-1] == "12: width 11"
    assert figure.axes[0].get_yscale() == "log"
