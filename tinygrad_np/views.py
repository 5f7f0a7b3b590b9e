"""A recorded graph to look at: as a table, as Graphviz's DOT, as Mermaid. Text only; no program is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt, prod
from typing import Any, NamedTuple, TextIO

import numpy as np

from tinygrad_np.graph import ancestors, run_again
from tinygrad_np.recording import no_grad
from tinygrad_np.saved import saved_arrays
from tinygrad_np.tape import GraphError, Leaf, Node
from tinygrad_np.tensor import Tensor

Names = Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]

MOVES = ("shape", "joining", "rearranging", "diagonals", "indexing")  # families that compute nothing
PRODUCTS = ("matmul", "dot", "linear")
CONTRACTIONS = ("tensordot", "sum_of_products")


class _Entry(NamedTuple):
    """One node: what it is called, the shapes it was given, its own shape and dtype, what it keeps, what it costs."""

    name: str
    arguments: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kept: int
    flops: int
    parents: tuple[int, ...]
    is_leaf: bool


def graph_summary(output: Tensor, names: Names = (), file: TextIO | None = None) -> None:
    """Print one line for each operation that ``output`` was computed by, oldest first, and the totals.

    A line has the operation, the shapes of its arrays, the shape and dtype of its value, how many bytes
    it keeps for the backward pass, and roughly how many floating-point operations the value took. Bytes
    are those of arrays that no earlier line and no leaf holds. Flops: 2·n·k·m for a product of (n, k) and
    (k, m), 0 for what only moves elements, else one for each element that comes in or goes out, whichever
    are more. The rules are run again to know this, so the graph must not have been freed by backward().

    ``names`` are pairs of a name and a leaf, as ``model.named_parameters()`` gives them. ``file`` is
    sys.stdout by default. Raises GraphError for a Tensor without a graph and for one that was freed.

    >>> import numpy as np, tinygrad_np as tg
    >>> w = tg.Tensor(np.ones((2, 3)), requires_grad=True)
    >>> tg.graph_summary(np.sum(np.tanh(np.ones((4, 2)) @ w)), {"w": w})
    operation  arguments      value   dtype    bytes kept  flops
    w                         (2, 3)  float64
    matmul     (4, 2) (2, 3)  (4, 3)  float64          64     48
    tanh       (4, 3)         (4, 3)  float64          96     12
    sum        (4, 3)         ()      float64           0     12
    3 operations on 1 leaf of 48 bytes: 160 bytes kept, 72 flops
    """
    entries = _entries(output, names)
    rows = [("operation", "arguments", "value", "dtype", "bytes kept", "flops")]
    for e in entries:
        costs = ("", "") if e.is_leaf else (f"{e.kept:,}", f"{e.flops:,}")
        rows.append((e.name, " ".join(map(str, e.arguments)), str(e.shape), str(e.dtype), *costs))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [cell.ljust(w) if i < 4 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip(), file=file)
    leaves = [e for e in entries if e.is_leaf]
    n, m = len(entries) - len(leaves), len(leaves)
    size = sum(prod(e.shape) * e.dtype.itemsize for e in leaves)
    kept, flops = sum(e.kept for e in entries), sum(e.flops for e in entries)
    counted = f"{n} operation{'s' * (n != 1)} on {m} {'leaf' if m == 1 else 'leaves'}"
    print(f"{counted} of {size:,} bytes: {kept:,} bytes kept, {flops:,} flops", file=file)


def to_dot(output: Tensor, names: Names = ()) -> str:
    r"""The graph of ``output`` in Graphviz's DOT language: operations as boxes, leaves as ellipses.

    ``names`` as for ``tg.graph_summary``. Raises GraphError for a Tensor without a graph and for one that
    was freed. Gansner, Koutsofios & North (2015), "Drawing graphs with dot".

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> print(tg.to_dot(np.tanh(x), {"x": x}))
    digraph {
        rankdir=LR
        n0 [shape=ellipse, label="x\n(2,) float64"]
        n1 [shape=box, label="tanh\n(2,) float64"]
        n0 -> n1
    }
    """
    lines = ["digraph {", "    rankdir=LR"]
    entries = _entries(output, names)
    for i, e in enumerate(entries):
        name = e.name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        shape = "ellipse" if e.is_leaf else "box"
        lines.append(f'    n{i} [shape={shape}, label="{name}\\n{e.shape} {e.dtype}"]')
    lines += [f"    n{parent} -> n{i}" for i, e in enumerate(entries) for parent in e.parents]
    return "\n".join([*lines, "}"])


def to_mermaid(output: Tensor, names: Names = ()) -> str:
    """The graph of ``output`` as a Mermaid flowchart, which Markdown pages and notebooks draw by themselves.

    ``names`` as for ``tg.graph_summary``. Raises GraphError for a Tensor without a graph and for one that
    was freed. See https://mermaid.js.org/syntax/flowchart.html.

    >>> import numpy as np, tinygrad_np as tg
    >>> x = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> print(tg.to_mermaid(np.tanh(x), {"x": x}))
    flowchart LR
        n0(["x<br>(2,) float64"])
        n1["tanh<br>(2,) float64"]
        n0 --> n1
    """
    lines = ["flowchart LR"]
    entries = _entries(output, names)
    for i, e in enumerate(entries):
        name = e.name.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace("\n", " ")
        text = f'["{name}<br>{e.shape} {e.dtype}"]'
        lines.append(f"    n{i}{f'({text})' if e.is_leaf else text}")
    lines += [f"    n{parent} --> n{i}" for i, e in enumerate(entries) for parent in e.parents]
    return "\n".join(lines)


def _entries(output: Tensor, names: Names) -> list[_Entry]:
    """The nodes behind ``output``, oldest first; ``parents`` are positions in this list."""
    if not isinstance(output, Tensor) or output._node is None:
        raise GraphError(f"got {output!r}, which has no graph: nothing that it was computed from requires a gradient")
    nodes = ancestors([output._node], ())
    with no_grad():
        values, _ = run_again(nodes, {}, [output])
    called = _names(names)
    seen = {id(_owner(node.data)) for node in nodes if isinstance(node, Leaf)}
    position = {node: i for i, node in enumerate(nodes)}
    entries = []
    for node in nodes:
        arrays = [values[a].data if isinstance(a, Node) else a for a in node.arguments]
        shapes = tuple([a.shape for a in arrays if isinstance(a, (np.ndarray, np.generic))])
        value = values[node].data
        kept = 0
        for owner in map(_owner, saved_arrays(node.derivatives or ())):
            kept += owner.nbytes if id(owner) not in seen else 0
            seen.add(id(owner))
        is_leaf = isinstance(node, Leaf)
        name = called.get(node, "leaf") if is_leaf else node.operation.name
        parents = tuple([position[a] for a in node.arguments if isinstance(a, Node)])
        flops = 0 if is_leaf else _flops(node.operation, shapes, value.shape)
        entries.append(_Entry(name, shapes, value.shape, value.dtype, kept, flops, parents, is_leaf))
    return entries


def _names(names: Any) -> dict[Any, str]:
    """The name of each leaf's node."""
    pairs = list(names.items() if isinstance(names, Mapping) else names)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Tensor)):
            raise TypeError(
                f"names must be pairs of a name and a Tensor, or a dict of them, got {pair!r}; give "
                "model.named_parameters()"
            )
    return {tensor._node: str(name) for name, tensor in pairs}


def _owner(array: Any) -> Any:
    """The array whose memory a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _flops(operation: Any, shapes: tuple[tuple[int, ...], ...], shape: tuple[int, ...]) -> int:
    """Floating-point operations of a value, as far as shapes tell."""
    if operation.rule.__module__.rpartition(".")[2] in MOVES:
        return 0
    if operation.name in CONTRACTIONS and len(shapes) == 2:
        return 2 * isqrt(prod(shapes[0]) * prod(shapes[1]) * prod(shape))  # (n·k)·(k·m)·(n·m) is (n·k·m)²
    if operation.name in PRODUCTS and len(shapes) > 1 and shapes[0]:
        bias = prod(shape) if len(shapes) > 2 else 0
        return 2 * prod(shape) * shapes[0][-1] + bias
    return max([prod(shape), *map(prod, shapes)])
