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
TABLE = """
0      arguments checks.maps checks.slopes compiling.values coverage data.labels experiments.description
       experiments.outcomes experiments.packages names recording saved saving.atomic saving.errors saving.structure
       shapes tape training.interruption training.progress trees
0.1    checks.noise checks.options checks.patterns numerics
0.2    checks.ladder
0.3    checks.closer
0.5    anomaly data.rows states
1      data.finite experiments.statistics operations saving.container
2      protocols rules saving.files
3      tensor
4      checks.diagnosis checks.heatmap checks.inputs checks.taylor fft graph initializers nn.description saving
       targets
4.1    checkpoint checks.report checks.returned data.batches data.splitting data.standardizing gradients losses
       metrics nn.summary optim.choice optim.flat optim.hyperparameters optim.wolfe views
4.2    checks.measuring checks.subject data forward optim.group optim.parameters optim.schedules
4.3    checks.directions checks.dodging checks.stacks optim.averaging optim.hooks optim.state traced
4.4    checks.elements optim.optimizer transforms
4.5    checks.checker optim.adaptive optim.descent optim.lbfgs
4.6    checks.graph optim
4.7    checks
5      nn.module
5.1    nn
5.2    training.history training.rows training.steps
5.3    training.callbacks training.divergence training.evaluation
5.4    training.arguments training.fitting training.trials
6      compiling.errors compiling.holding compiling.native.builder compiling.native.cache
       compiling.native.object_layout compiling.native.scan_loop compiling.native.views compiling.text pytest_plugin
6.1    compiling.native.engine compiling.native.instructions compiling.native.mathematics
       compiling.program compiling.symbols compiling.determinism
6.15   compiling.native.blas compiling.native.buffers compiling.native.entry_point compiling.native.functions
       compiling.headers compiling.native.live_headers compiling.passes
6.2    compiling.native.kernel_function compiling.native.fusion compiling.native.instruction_list
       compiling.native.scalars compiling.recording
6.3    compiling.native.dot compiling.native.indexing compiling.native.loop_nest compiling.native.reductions
       compiling.recorder
6.4    compiling.native.lowering compiling.native.products compiling.places
6.42   compiling.locking compiling.outcome compiling.captures
6.45   compiling.given compiling.signature compiling.environment
6.46   compiling.scenery
6.5    compiling.native.module compiling.native.script compiling.state
6.6    compiling.state_guards compiling.native.binding compiling.dry_run
6.7    compiling.epochs compiling.native.results compiling.record compiling.shortcut
6.75   compiling.native.step
6.8    compiling.native.scan
6.82   compiling.native
6.85   compiling.backends
6.86   compiling.version
6.9    compiling.steps
6.95   compiling
7      training.compilation
7.1    training.trainer
7.2    training
7.9    experiments.columns experiments.folder experiments.variants
7.91   experiments.arguments experiments.processes experiments.results
7.92   experiments.figures experiments.tables
7.93   experiments.study
7.94   experiments.comparing
8      experiments
"""
FLOORS: dict[str, float] = {}
for word in TABLE.split():
    if word[0].isdigit():
        here = float(word)
    else:
        FLOORS[word] = here


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
