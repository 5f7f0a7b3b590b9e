"""The shape of the package itself: floors, lazy imports, documentation, sizes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_np as tg

PACKAGE = Path(tg.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in MODULES}

# A module imports from lower floors only, never sideways. Within a floor there are steps where one builds on another:
# checks on gradients, and the modules of optim on each other.
FLOORS = {
    "shapes": 0,
    "numerics": 0.1,
    "recording": 0,
    "saved": 0,
    "tape": 0,
    "anomaly": 0.5,
    "states": 0.5,
    "coverage": 0,
    "operations": 1,
    "rules": 2,
    "protocols": 2,
    "tensor": 3,
}
FLOORS |= {"trees": 0, "graph": 4, "gradients": 4.1, "views": 4.1, "checkpoint": 4.1, "forward": 4.2, "traced": 4.3}
FLOORS |= {"names": 0, "arguments": 0, "targets": 4, "losses": 4.1, "metrics": 4.1}
FLOORS |= {"transforms": 4.4, "fft": 4, "initializers": 4, "pytest_plugin": 6}
FLOORS |= {"nn.description": 4, "nn.summary": 4.1, "nn.module": 5, "nn": 5.1}
FLOORS |= {"checks.patterns": 0.1, "checks.maps": 0, "checks.slopes": 0, "checks.diagnosis": 4, "checks.heatmap": 4}
FLOORS |= {"checks.taylor": 4, "checks.report": 4.1, "checks.measuring": 4.2, "checks.subject": 4.2}
FLOORS |= {"checks.options": 0.1, "checks.inputs": 4, "checks.returned": 4.1, "checks.stacks": 4.3}
FLOORS |= {"checks.dodging": 4.3, "checks.noise": 0.1, "checks.ladder": 0.2, "checks.closer": 0.3}
FLOORS |= {"checks.directions": 4.3, "checks.elements": 4.4, "checks.checker": 4.5, "checks.graph": 4.6, "checks": 4.7}
FLOORS |= {
    "optim.flat": 4.1,
    "optim.hyperparameters": 4.1,
    "optim.wolfe": 4.1,
    "optim.choice": 4.1,
    "optim.schedules": 4.2,
}
FLOORS |= {"optim.parameters": 4.2, "optim.group": 4.2, "optim.state": 4.3, "optim.hooks": 4.3, "optim.averaging": 4.3}
FLOORS |= {"optim.optimizer": 4.4, "optim.adaptive": 4.5, "optim.descent": 4.5, "optim.lbfgs": 4.5, "optim": 4.6}
FLOORS |= {"compiling.native.builder": 6, "compiling.native.cache": 6, "compiling.native.views": 6}
FLOORS |= {"compiling.native.mathematics": 6.1, "compiling.native.instructions": 6.1, "compiling.native.engine": 6.1}
FLOORS |= {"compiling.native.blas": 6.15}
FLOORS |= {"compiling.native.functions": 6.2, "compiling.native.frame": 6.2, "compiling.native.fusion": 6.2}
FLOORS |= {
    "compiling.native.blas": 6.15,
    "compiling.native.listing": 6.2,
    "compiling.native.reducing": 6.3,
    "compiling.native.indexing": 6.3,
}
FLOORS |= {"compiling.native.lowering": 6.4, "compiling.native.kernels": 6.3, "compiling.native.linking": 6.5}
FLOORS |= {"compiling.native.products": 6.4, "compiling.native.emit": 6.5, "compiling.native.binding": 6.6}
FLOORS |= {"compiling.native.headers": 6, "compiling.native.entering": 6.55, "compiling.native.script": 6.5}
FLOORS |= {"compiling.native.results": 6.7, "compiling.native.running": 6.75, "compiling.native.scanning": 6.8}
FLOORS |= {"compiling.native": 6.82}
FLOORS |= {"compiling.program": 0, "compiling.asking": 6, "compiling.symbols": 6.1, "compiling.twins": 6.1}
FLOORS |= {"compiling.noting": 6.2}
FLOORS |= {"compiling.recorder": 6.3, "compiling.places": 6.4, "compiling.state": 6.5, "compiling.fitting": 6.6}
FLOORS |= {"compiling.reach": 6.42, "compiling.surroundings": 6.45}
FLOORS |= {
    "compiling.passes": 6,
    "compiling.text": 6,
    "compiling.source": 6.1,
    "compiling.record": 6.7,
    "compiling.rehearsal": 6.6,
    "compiling.replaying": 6.85,
    "compiling.version": 6.86,
    "compiling.shortcut": 6.7,
    "compiling.scanning": 6,
}
FLOORS |= {"compiling.steps": 6.9, "compiling": 6.95}
FLOORS |= {
    "optim.flat": 4.1,
    "optim.hyperparameters": 4.1,
    "optim.wolfe": 4.1,
    "optim.choice": 4.1,
    "optim.schedules": 4.2,
}
FLOORS |= {"optim.parameters": 4.2, "optim.group": 4.2, "optim.state": 4.3, "optim.hooks": 4.3, "optim.averaging": 4.3}
FLOORS |= {"optim.optimizer": 4.4, "optim.adaptive": 4.5, "optim.descent": 4.5, "optim.lbfgs": 4.5, "optim": 4.6}
FLOORS |= {"saving.errors": 0, "saving.atomic": 0, "saving.structure": 0, "saving.container": 1, "saving.files": 2}
FLOORS |= {"saving": 4}
FLOORS |= {"data.rows": 0.5, "data.labels": 0, "data.finite": 1, "data.batches": 4.1, "data.splitting": 4.1}
FLOORS |= {"data.standardizing": 4.1, "data": 4.2}
FLOORS |= {"training.interruption": 0, "training.progress": 0, "training.rows": 5.2, "training.steps": 5.2}
FLOORS |= {"training.history": 5.2, "training.divergence": 5.3, "training.evaluation": 5.3, "training.callbacks": 5.3}
FLOORS |= {
    "training.arguments": 5.4,
    "training.trials": 5.4,
    "training.fitting": 5.4,
}
# The Trainer and what is built on it stand above compiled steps, which they may be asked to take.
FLOORS |= {"training.compilation": 7, "training.trainer": 7.1, "training": 7.2}
FLOORS |= {"experiments.packages": 0, "experiments.description": 0, "experiments.outcomes": 0}
FLOORS |= {"experiments.columns": 7.9, "experiments.statistics": 1, "experiments.results": 7.91}
FLOORS |= {"experiments.variants": 7.9, "experiments.tables": 7.92, "experiments.figures": 7.92}
FLOORS |= {"experiments.study": 7.93, "experiments.folder": 7.9, "experiments.arguments": 7.91}
FLOORS |= {"experiments.processes": 7.91, "experiments.comparing": 7.94, "experiments": 8}


def relative(path):
    return str(path.relative_to(PACKAGE))


def floor(module):
    """The floor of ``tinygrad_np.name``, or of the package that it belongs to: all families of rules stand on one."""
    name = module.removeprefix("tinygrad_np.")
    return FLOORS[name] if name in FLOORS else FLOORS[name.split(".")[0]]


def imported(tree):
    """Modules of this package that a module imports, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that this test can read them"
            inner = node.module in ("tinygrad_np", "tinygrad_np.rules")
            names = [f"{node.module}.{alias.name}" for alias in node.names] if inner else [node.module]
        else:
            continue
        yield from (name for name in names if name.startswith("tinygrad_np"))


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=relative)
def test_a_module_imports_only_from_lower_floors(path):
    own = floor("tinygrad_np." + relative(path).removesuffix(".py").replace("/", "."))
    for module in imported(TREES[path]):
        assert floor(module) < own, f"{relative(path)} on floor {own} imports {module} on floor {floor(module)}"


@pytest.mark.parametrize("path", list(PACKAGE.glob("*/__init__.py")), ids=relative)
def test_a_package_imports_nothing_but_its_own_modules(path):
    own = f"tinygrad_np.{path.parent.name}"
    assert {module for module in imported(TREES[path]) if not module.startswith(f"{own}.")} == set()


def test_every_family_of_rules_is_imported_or_its_operations_would_not_exist():
    families = {f"tinygrad_np.rules.{path.stem}" for path in (PACKAGE / "rules").glob("*.py")}
    assert set(imported(TREES[PACKAGE / "rules/__init__.py"])) == families - {"tinygrad_np.rules.__init__"}


def test_importing_loads_no_optional_package():
    heavy = ["matplotlib", "sklearn", "scipy", "tqdm", "llvmlite", "hypothesis", "safetensors", "joblib", "distributed"]
    program = f"import sys, tinygrad_np; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", tg.__all__)
def test_every_public_name_is_documented(name):
    assert (getattr(tg, name).__doc__ or "").strip()


def test_the_public_names_are_sorted_and_each_exists():
    assert list(tg.__all__) == sorted(tg.__all__)
    assert all(hasattr(tg, name) for name in tg.__all__)


def code_lines(tree, source):
    """Numbers of the lines of ``tree`` that hold code: not blank, no comment, not part of a docstring."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not is_docstring(node):
            lines |= set(range(node.lineno, node.end_lineno + 1))
    for node in ast.walk(tree):
        if is_docstring(node):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    text = source.splitlines()
    return {i for i in lines if text[i - 1].strip() and not text[i - 1].strip().startswith("#")}


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_lines_of_code_are_counted_without_blank_lines_comments_and_docstrings():
    start = '"""Module."""\n\nx = 1  # kept\n# a comment\n\n'
    source = start + 'def f():\n    """Two\n    lines."""\n    return (\n        x\n    )\n'
    assert code_lines(ast.parse(source), source) == {3, 6, 9, 10, 11}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_file_stays_under_300_lines_of_code(path):
    assert len(code_lines(TREES[path], path.read_text())) < 300


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_function_stays_under_40_lines_of_code(path):
    functions = [n for n in ast.walk(TREES[path]) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = {f.name: len(code_lines(f, path.read_text())) for f in functions}
    assert {name: size for name, size in sizes.items() if size >= 40} == {}
