"""The picture of a gradient's error: what its panels, colours and marks say."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.image import imread

from tinygrad_np.checks.heatmap import heatmap

RNG = np.random.default_rng(0)


def panel(shape, wrong=0.2, kinks=0.1, name="weight"):
    """Errors near 10⁻⁹ where right and from 10⁻³ on where wrong."""
    is_wrong, is_kink = RNG.random(shape) < wrong, RNG.random(shape) < kinks
    error = 10.0 ** np.where(is_wrong, RNG.uniform(-3, 0, shape), RNG.uniform(-10, -8, shape))
    return name, error, np.asarray(is_wrong), np.asarray(is_kink)


def cells(axes):
    """The colours' numbers of a panel, as a table."""
    return axes.collections[0].get_array()


def marks(axes):
    """The (column, row) of each sign of a panel: first of the kinks, then of the wrong elements."""
    return [[tuple(point) for point in scatter.get_offsets().tolist()] for scatter in axes.collections[1:]]


@pytest.mark.parametrize(
    ("shape", "table"),
    [((), (1, 1)), ((5,), (1, 5)), ((3, 3), (3, 3)), ((4, 2, 3), (8, 3)), ((784, 128), (32, 32)), ((100,), (1, 25))],
)
def test_an_input_of_any_shape_is_a_table(shape, table):
    one = panel(shape)
    axes = heatmap([one]).axes[0]
    assert cells(axes).shape == table
    assert axes.get_title() == f"weight\n{shape}: {np.count_nonzero(one[2])} of {one[2].size} wrong"


def test_colours_are_decades_of_the_error_and_the_same_for_all_inputs():
    error = np.array([[1e-7, 0.0, 1.0], [np.nan, np.inf, 1e-30]])
    none = np.zeros((2, 3), bool)
    figure = heatmap([("weight", error, none, none), ("bias", np.array(1e2), np.array(True), np.array(False))])
    weight, bias, bar = figure.axes
    low, high = -10, 2  # twelve decades below the largest
    np.testing.assert_allclose(cells(weight), [[-7, low - 1, 0], [high + 1, high + 1, low]])
    np.testing.assert_allclose(cells(bias), [[2]])
    for axes in (weight, bias):
        assert axes.collections[0].get_clim() == (low, high)
    assert bar.get_ylim() == (low, high)
    assert bar.get_ylabel() == "log₁₀ of the error"


@pytest.mark.parametrize("error", [0.0, np.nan, np.inf, 1.0, 5e-324])
def test_errors_that_are_all_the_same_have_a_scale(error):
    heatmap([("weight", np.full(3, error), np.ones(3, bool), np.zeros(3, bool))]).draw_without_rendering()


def test_marks_are_at_the_elements_and_a_wrong_one_has_one_mark():
    wrong = np.array([[True, False, False], [False, False, True]])
    kinks = np.array([[True, True, False], [False, False, False]])
    axes = heatmap([("weight", np.ones((2, 3)), wrong, kinks)]).axes[0]
    assert marks(axes) == [[(1, 0)], [(0, 0), (2, 1)]]
    assert axes.yaxis_inverted(), "the first row is at the top"
    shapes = {len(scatter.get_paths()[0].vertices) for scatter in axes.collections[1:]}
    assert len(shapes) == 2, "told apart without colours"


def test_one_wrong_element_of_many_is_seen():
    error = np.full((784, 128), 1e-9)
    error[700, 100] = 0.1
    wrong = error > 1e-3
    axes = heatmap([("weight", error, wrong, ~wrong)]).axes[0]
    assert np.argwhere(cells(axes) == -1).tolist() == [[28, 25]]
    assert marks(axes)[1] == [(101.5, 712.0)]
    assert len(marks(axes)[0]) == 32 * 32 - 1
    assert axes.get_xlabel() == "a cell: the worst of up to 25 × 4"


def test_several_inputs_each_have_a_panel_with_its_name():
    shapes = [(3, 3), (784, 128), (5,), (), (0, 3)]
    figure = heatmap([panel(shape, name=f"p{i}") for i, shape in enumerate(shapes)])
    *panels, bar = figure.axes
    assert [axes.get_title().split("\n")[0] for axes in panels] == ["p0", "p1", "p2", "p3", "p4"]
    assert bar.get_title() == ""
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "wrong",
        "not differentiable",
        "error 0",
        "infinite or NaN",
    ]


def test_a_name_is_no_formula():
    heatmap([panel((2, 2), name="$w_{1")]).draw_without_rendering()


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_it_is_written_to_a_path(tmp_path, suffix):
    path = tmp_path / f"error.{suffix}"
    heatmap([panel((3, 3)), panel((3,))], path)
    assert path.stat().st_size > 3000


def test_the_picture_has_the_colours_of_the_errors_at_both_ends(tmp_path):
    error = np.array([[0.0, 1e-9], [1e-2, np.inf]])
    none = np.zeros((2, 2), bool)
    figure = heatmap([("weight", error, none, none)], tmp_path / "error.png")
    image = imread(tmp_path / "error.png")[..., :3]
    axes = figure.axes[0]
    to_pixel = axes.transData.transform
    figure.set_dpi(120)
    figure.draw_without_rendering()

    def brightness(row, column):
        x, y = to_pixel((column, row))
        return image[image.shape[0] - 1 - round(y), round(x)].mean()

    assert brightness(0, 0) == 1
    assert brightness(1, 1) == 0
    assert 1 > brightness(0, 1) > brightness(1, 0) > 0, "the worse the darker"


def test_matplotlib_is_left_as_it_was():
    before = dict(rcParams)
    program = (
        "import sys, numpy as np; from tinygrad_np.checks.heatmap import heatmap; none = np.zeros(2, bool); "
        "heatmap([('w', np.ones(2), none, none)]); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    heatmap([panel((3, 3))])
    assert dict(rcParams) == before


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        heatmap([panel((3, 3))])


def test_without_panels_there_is_no_picture():
    with pytest.raises(ValueError, match="no panels"):
        heatmap([])
