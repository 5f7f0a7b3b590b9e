"""A graph as a table, as DOT and as Mermaid."""

import re

import numpy as np
import pytest

import tinygrad_np as tg

X = np.ones((5, 2))


@pytest.fixture
def model():
    return tg.Sequential(tg.nn.Linear(2, 4, rng=0), tg.nn.Tanh(), tg.nn.Linear(4, 3, rng=0, dtype=np.float64))


@pytest.fixture
def loss(model):
    return tg.softmax_cross_entropy(model(X), np.zeros(5, int))


def cells(text):
    return [re.split(r"\s{2,}", line) for line in text.splitlines()]


def test_the_table_of_a_network(loss, model, capsys):
    tg.graph_summary(loss, model.named_parameters())
    table = cells(capsys.readouterr().out)
    assert table[0] == ["operation", "arguments", "value", "dtype", "bytes kept", "flops"]
    rows = {row[0]: row[1:] for row in table[1:-1] if row[0] != "linear"}
    assert list(rows) == ["0.weight", "0.bias", "2.weight", "2.bias", "tanh", "softmax_cross_entropy"]
    assert rows["0.weight"] == ["(2, 4)", "float64"]
    assert rows["tanh"] == ["(5, 4)", "(5, 4)", "float64", "160", "20"]
    first, second = [row[1:] for row in table if row[0] == "linear"]
    assert first == ["(5, 2) (2, 4) (4,)", "(5, 4)", "float64", "80", "100"]  # 2·5·2·4 + 5·4, and x is kept
    assert second == ["(5, 4) (4, 3) (3,)", "(5, 3)", "float64", "0", "135"]  # its x is the tanh's value
    assert re.fullmatch(r"4 operations on 4 leaves of 216 bytes: \d+ bytes kept, \d+ flops", table[-1][0])


def test_bytes_are_counted_once_and_views_count_for_what_they_keep(capsys):
    x = tg.Tensor(np.ones(100), requires_grad=True)
    c = np.ones(1000)
    y = np.sum(x * c[:100] * c[:100])
    tg.graph_summary(y)
    kept = [row[-2] for row in cells(capsys.readouterr().out) if row[0] == "multiply"]
    assert kept == ["8,000", "0"]


def test_what_moves_elements_costs_no_flops(capsys):
    x = tg.Tensor(np.ones((3, 4)), requires_grad=True)
    tg.graph_summary(np.concatenate([x.T.reshape(3, 4)[0], x[1]]))
    assert [row[-1] for row in cells(capsys.readouterr().out)[2:-1]] == ["0"] * 5


def test_it_prints_where_it_is_told(tmp_path, loss):
    with open(tmp_path / "graph.txt", "w") as file:
        tg.graph_summary(loss, file=file)
    assert "softmax_cross_entropy" in (tmp_path / "graph.txt").read_text()


def edges(text, arrow):
    return [tuple(map(int, pair)) for pair in re.findall(rf"n(\d+) {arrow} n(\d+)", text)]


@pytest.mark.parametrize(("draw", "arrow"), [(tg.to_dot, "->"), (tg.to_mermaid, "-->")])
def test_a_drawing_has_every_node_and_every_edge(draw, arrow):
    x, y = tg.Tensor([1.0], requires_grad=True), tg.Tensor(2.0, requires_grad=True)
    z = x * y
    text = draw(np.exp(z) + z * z, {"x": x, "y": y})
    names = re.findall(r'n\d+[^"\n]*"(\w+)', text)
    assert names == ["x", "y", "multiply", "exp", "multiply", "add"]
    assert edges(text, arrow) == [(0, 2), (1, 2), (2, 3), (2, 4), (2, 4), (3, 5), (4, 5)]


def test_names_with_quotes_and_breaks_stay_within_their_labels():
    x = tg.Tensor([1.0], requires_grad=True)
    name = 'a "b"\\ <c>\n#d'
    assert r'label="a \"b\"\\ <c> #d\n(1,) float64"' in tg.to_dot(np.exp(x), {name: x})
    assert '"a #quot;b#quot;\\ #lt;c> #35;d<br>(1,) float64"' in tg.to_mermaid(np.exp(x), {name: x})


@pytest.mark.parametrize("view", [tg.graph_summary, tg.to_dot, tg.to_mermaid])
def test_a_tensor_without_a_graph_and_a_freed_one_are_refused(view):
    x = tg.Tensor([1.0], requires_grad=True)
    with pytest.raises(tg.GraphError, match="which has no graph"):
        view(tg.Tensor([1.0]))
    with pytest.raises(tg.GraphError, match="which has no graph"):
        view(3.0)
    y = np.exp(x)
    y.backward()
    with pytest.raises(tg.GraphError, match="freed by an earlier backward"):
        view(y)


def test_looking_changes_nothing():
    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(np.exp(x))
    tg.to_dot(y)
    y.backward()
    np.testing.assert_array_equal(x.grad, np.exp(x.data))


@pytest.mark.parametrize("names", [[None], {"w": 3}, ["x"], [tg.Tensor(1.0)]])
def test_names_are_pairs_of_a_name_and_a_tensor(names):
    x = tg.Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"pairs of a name and a Tensor.*model\.named_parameters\(\)"):
        tg.to_dot(np.exp(x), names)


def test_flops_of_contractions(capsys):
    a, b = tg.Tensor(np.ones((3, 4)), requires_grad=True), np.ones((4, 5))
    tg.graph_summary(np.tensordot(np.einsum("ij,jk->ik", a, b), np.ones((3, 5)), 2))
    flops = [row[-1] for row in cells(capsys.readouterr().out) if row[0] in ("sum_of_products", "tensordot")]
    assert flops == ["120", "30"]
