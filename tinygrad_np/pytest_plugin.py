"""The pytest plugin: a ``gradcheck`` fixture, and a marker of that name that sweeps shapes and dtypes.

pytest loads it by its entry point; nothing in the package imports it.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from tinygrad_np.arguments import floating
from tinygrad_np.checks import GradientError, GradientReport, check_gradients
from tinygrad_np.checks.inputs import Inputs
from tinygrad_np.checks.options import CHOICES
from tinygrad_np.tape import walk

Shape = tuple[int, ...]
Sample = tuple[Shape, np.dtype[Any]]

FLOAT64 = np.dtype(np.float64)
DEFAULTS = {"mode": "auto", "seed": 0}
MARKER = 'gradcheck(shapes=[()], dtypes=["float64"]): run the test and its gradcheck for each shape with each dtype'
TAKEN = pytest.StashKey["GradCheck"]()
EXAMPLE = 'as in @pytest.mark.gradcheck(shapes=[(), (2, 3)], dtypes=["float32", "float64"])'


class GradCheck:
    """What the fixture ``gradcheck`` is: ``check_gradients`` as the command line wants it, and numbers to check at.

    ``shape`` and ``dtype`` are those of the sweep: () and float64 without the marker. ``rng`` is seeded by
    ``seed`` and the test's name, so that neither other tests nor their order change a test's numbers.
    """

    def __init__(self, name: str, mode: str, seed: int, sample: Sample = ((), FLOAT64)) -> None:
        self.mode, self.seed = mode, seed
        self.shape, self.dtype = sample
        self.used = False  # whether numbers were drawn, or anything was checked
        self._rng = np.random.default_rng([seed, crc32(name.encode())])

    @property
    def rng(self) -> np.random.Generator:
        """What all numbers are drawn from."""
        self.used = True
        return self._rng

    def __repr__(self) -> str:
        return f"GradCheck(shape={self.shape}, dtype={self.dtype}, mode={self.mode!r}, seed={self.seed})"

    def __call__(self, f: Callable[..., Any], *inputs: Any, keep_dtype: bool = True, **options: Any) -> GradientReport:
        """``check_gradients(f, *inputs, **options)``, with ``mode`` and ``seed`` of the command line unless given.

        The numbers are found in float64. Where all inputs are of one lower dtype and f is a function of
        Tensors, ``keep_dtype`` holds that its value and its gradients are of that dtype too.

        Raises GradientError, whose text is the report, and what ``check_gradients`` raises.
        """
        __tracebackhide__ = True
        self.used = True
        try:
            report = check_gradients(f, *inputs, **{"mode": self.mode, "seed": self.seed, **options})
            if keep_dtype and options.get("gradient") is None:
                hold_dtype(f, inputs, report.names)
        except GradientError as error:  # without the frames of this library: the report says more than they do
            raise error.with_traceback(None) from None
        return report

    def normal(self, shape: int | Shape | None = None) -> NDArray[Any]:
        """An array of standard normal numbers, of the sweep's dtype, and its shape unless one is given."""
        return np.asarray(self.rng.standard_normal(self.shape if shape is None else shape), self.dtype)

    def uniform(self, low: float, high: float, shape: int | Shape | None = None) -> NDArray[Any]:
        """An array of numbers drawn evenly between ``low`` and ``high``, as for a logarithm or away from a kink."""
        return np.asarray(self.rng.uniform(low, high, self.shape if shape is None else shape), self.dtype)


def hold_dtype(f: Callable[..., Any], inputs: Sequence[Any], names: Sequence[str]) -> None:
    """Raise GradientError if float32 (or float16) inputs, ``names`` in all, give a value or gradients that are not.

    Only dtypes are looked at, so what overflows in float16 does no harm here.
    """
    taken = Inputs(inputs, names, upcast=False)
    dtypes = {array.dtype for array in taken.arrays}
    if len(dtypes) > 1 or (dtype := dtypes.pop()).itemsize >= FLOAT64.itemsize:
        return
    with taken, np.errstate(all="ignore"):
        output = f(*taken.arguments)
        slopes: Any = {} if output._node is None else walk({output._node: np.ones(output.shape, output.dtype)})
    nodes = [(name, tensor._node) for name, tensor in zip(names, taken.tensors) if tensor is not None]
    found = {f"the gradient of {name}": slopes[node].dtype for name, node in nodes if node in slopes}
    for what, other in {"the value of f": output.dtype, **found}.items():
        if other != dtype:
            raise GradientError(
                f"{dtype} in, {other} out: {what} is {other} where the inputs are {dtype}; a NumPy scalar such as "
                "np.sqrt(2) or an array of another dtype takes part; write x.dtype.type(...), or say "
                "keep_dtype=False if that is meant"
            )


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> GradCheck:
    """Check gradients by numbers, at points drawn from a seeded generator: ``gradcheck(f, gradcheck.normal(3))``."""
    item, config = request.node, request.config
    name = f"{item.path.name}::{item.location[2]}"  # not the node id, which changes with where pytest is started
    sample = getattr(request, "param", ((), FLOAT64))
    check = GradCheck(name, config.getoption("gradcheck_mode"), config.getoption("gradcheck_seed"), sample)
    item.stash[TAKEN] = check
    return check


def swept_by(markers: Iterable[tuple[Any, pytest.Mark]]) -> dict[str, Any]:
    """What markers ask for together, each beside the test, class or module that has it: what the closest says holds.

    A class has those of the classes that it is made from too, before its own.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for node, mark in markers:
        if mark.args or not mark.kwargs.keys() <= {"shapes", "dtypes"}:
            given = [*map(repr, mark.args), *[f"{key}={value!r}" for key, value in mark.kwargs.items()]]
            raise ValueError(f"it takes shapes= and dtypes=, got {', '.join(given)}")
        for key, values in mark.kwargs.items():
            owner, before = found.get(key, (node, values))
            if key in found and owner is node and isinstance(node, pytest.Function):
                raise ValueError(f"{key} are given twice, as {before!r} and as {values!r}")
            if owner is node:
                found[key] = node, values
    return {key: values for key, (_, values) in found.items()}


def samples_of(shapes: Any = ((),), dtypes: Any = (FLOAT64,)) -> list[Sample]:
    """Every shape with every dtype; or an error that says what is wrong with them."""
    for key, values in {"shapes": shapes, "dtypes": dtypes}.items():
        if not isinstance(values, (list, tuple)) or not values:
            raise ValueError(f"{key} must be a list with something in it, got {values!r}")
    for shape in shapes:
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"each of shapes must be a tuple of whole numbers, as (), (3,) or (2, 3), got {shape!r}")
    return [(shape, floating(dtype, "each of dtypes")) for shape, dtype in product(shapes, dtypes)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once for every shape with every dtype; a marked class or module sweeps those that can."""
    test = metafunc.definition
    markers = list(test.iter_markers_with_node("gradcheck"))
    if not markers:
        return
    where = f"the marker gradcheck of {test.name}"
    if "gradcheck" not in metafunc.fixturenames:
        if any(node is test for node, _ in markers):
            raise pytest.Collector.CollectError(f"{where} sweeps the fixture of that name; let the test take it")
        return
    try:
        samples = samples_of(**swept_by(markers))
    except (TypeError, ValueError) as error:
        raise pytest.Collector.CollectError(f"{where}: {error}; {EXAMPLE}") from None
    ids = [f"{'x'.join(map(str, shape)) or 'scalar'}-{dtype.name}" for shape, dtype in samples]
    metafunc.parametrize("gradcheck", samples, indirect=True, ids=ids)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --gradcheck-mode and --gradcheck-seed."""
    group = parser.getgroup("gradcheck", "gradient checks (tinygrad_np)")
    group.addoption(
        "--gradcheck-mode",
        choices=CHOICES["mode"],
        default=DEFAULTS["mode"],
        help="look along random directions (fast), at every element (full), or at elements if they are few (auto)",
    )
    group.addoption(
        "--gradcheck-seed", type=_seed, default=DEFAULTS["seed"], metavar="N", help="draw other numbers (default: 0)"
    )


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"a seed is a whole number, 0 or above, got {text!r}")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, for --strict-markers and --markers."""
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the mode and the seed where they are not the usual ones."""
    used = {key: config.getoption(f"gradcheck_{key}") for key in DEFAULTS}
    return None if used == DEFAULTS else "gradcheck: " + ", ".join([f"{key} {value}" for key, value in used.items()])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say below a failure how to come by the same numbers again."""
    report = yield
    if report.failed and (check := item.stash.get(TAKEN, None)) and check.used:
        options = f"--gradcheck-seed={check.seed} --gradcheck-mode=full"
        report.sections.append(("gradcheck", f"{options} draws the same numbers and looks at every element"))
    return report
