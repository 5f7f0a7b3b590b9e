"""The pytest plugin, in runs of pytest of their own."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

PAGE = (Path(__file__).parent.parent / "docs/checking.md").read_text()
SECTION = PAGE.partition("## In your tests\n")[2].partition("\n## ")[0]
HAND_DERIVED, ANOTHER_FRAMEWORK = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
OUTPUT_WRONG, OUTPUT_DTYPE = [block.splitlines() for block in re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)]

HEAD = "import numpy as np, pytest, tinygrad_np as tg\n"
DRAWS = """
    def test_first(gradcheck):
        print("drawn", gradcheck.rng.integers(10**9), gradcheck.normal(2), gradcheck.uniform(1, 2))
"""
WRONG = """
    def test_wrong(gradcheck):
        gradcheck(lambda x: np.sum(x**3), gradcheck.normal(3), gradient=lambda x: 3 * x)
"""


# Warnings are errors, but for the one that says that pytest runs where the library, an installed plugin, is in use.
STRICTLY = ["-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider"]
STRICTLY += ["--strict-markers", "-rA"]


@pytest.fixture
def run(pytester):
    """Run pytest on a file of the given tests."""

    def run(source, *options, file="test_it"):
        pytester.makepyfile(**{file: HEAD + dedent(source)})
        return pytester.runpytest_inprocess(*STRICTLY, *options)

    return run


def drawn(result):
    (line,) = [line for line in result.outlines if line.startswith("drawn")]
    return line


def ended(result):
    """How many tests passed and failed; nothing else may have come of them."""
    outcomes = result.parseoutcomes()
    assert outcomes.keys() <= {"passed", "failed"}
    return outcomes.get("passed", 0), outcomes.get("failed", 0)


class TestFixture:
    def test_checks_at_points_that_it_draws(self, run):
        result = run("""
            def test_right(gradcheck):
                assert isinstance(gradcheck.rng, np.random.Generator)
                assert (gradcheck.shape, gradcheck.dtype) == ((), np.float64)
                assert gradcheck.normal().shape == () and gradcheck.normal((2, 3)).shape == (2, 3)
                x = gradcheck.uniform(2, 3, 100)
                assert ((x >= 2) & (x < 3)).all() and np.ptp(x) > 0.5
                report = gradcheck(lambda x: np.log(x), x, names=["here"])
                assert report.outcome.value == "right" and report.names == ("here",)
        """)
        assert ended(result) == (1, 0)

    def test_takes_models_and_whatever_else_the_check_takes(self, run):
        result = run("""
            def test_model(gradcheck):
                model = tg.nn.Linear(2, 3, rng=0)
                inputs = gradcheck.normal((4, 2))
                report = gradcheck(lambda model: np.tanh(model(inputs)), model)
                assert report.names == ("weight", "bias")
        """)
        assert ended(result) == (1, 0)

    @pytest.mark.parametrize(
        ("options", "mode", "seed"),
        [
            ([], "auto", 0),
            (["--gradcheck-mode=fast"], "fast", 0),
            (["--gradcheck-mode=full", "--gradcheck-seed=7"], "full", 7),
        ],
    )
    def test_mode_and_seed_of_the_command_line_reach_the_check(self, run, options, mode, seed):
        result = run(
            f"""
            def test_it(gradcheck):
                assert (gradcheck.mode, gradcheck.seed) == ({mode!r}, {seed})
                few, many = [gradcheck(lambda x: np.tanh(x), gradcheck.normal(n)) for n in (3, 70)]
                assert few.seed == many.seed == {seed}
                assert bool(few.elements) is {mode != "fast"} and bool(many.elements) is {mode == "full"}
            """,
            *options,
        )
        assert ended(result) == (1, 0)
        header = [line for line in result.outlines if line.startswith("gradcheck:")]
        assert header == ([f"gradcheck: mode {mode}, seed {seed}"] if options else [])

    def test_mode_and_seed_of_a_call_come_first(self, run):
        result = run(
            """
            def test_it(gradcheck):
                report = gradcheck(lambda x: np.tanh(x), gradcheck.normal(3), mode="full", seed=5)
                assert report.elements and report.seed == 5
            """,
            "--gradcheck-mode=fast",
        )
        assert ended(result) == (1, 0)


class TestNumbers:
    def test_are_the_same_whatever_else_runs_and_wherever_from(self, run, pytester, monkeypatch):
        alone = drawn(run(DRAWS))
        others = "\n    def test_{}(gradcheck):\n        gradcheck.normal(5)\n"
        assert drawn(run(others.format("before") + DRAWS + others.format("after"))) == alone
        folder = pytester.mkdir("folder")
        (pytester.path / "test_it.py").rename(folder / "test_it.py")
        assert drawn(pytester.runpytest_inprocess(*STRICTLY)) == alone
        monkeypatch.chdir(folder)
        assert drawn(pytester.runpytest_inprocess(*STRICTLY, "--rootdir=.", "test_it.py")) == alone

    def test_of_another_seed_are_others(self, run):
        assert drawn(run(DRAWS, "--gradcheck-seed=1")) != drawn(run(DRAWS))

    def test_of_every_test_are_its_own(self, run):
        result = run("""
            @pytest.mark.gradcheck(shapes=[(2,), (3,)])
            @pytest.mark.parametrize("again", [1, 2])
            def test_it(gradcheck, again):
                print("integer", gradcheck.rng.integers(10**9))
        """)
        lines = [line for line in result.outlines if line.startswith("integer")]
        assert len(lines) == len(set(lines)) == 4


class TestFailure:
    def test_shows_the_users_line_and_the_report_and_no_frame_of_the_library(self, run):
        result = run(WRONG)
        assert ended(result) == (0, 1)
        result.stdout.fnmatch_lines(
            [
                ">       gradcheck(lambda x: np.sum(x*[*]3), gradcheck.normal(3), gradient=lambda x: 3 [*] x)",
                "E       *GradientError: the gradient of x is wrong in 3 of 3 elements; worst at index *",
                "E * index * hand-derived * numerical",
                "E       (step *, seed 0, * evaluations)",
                "",
                "test_it.py:4: GradientError",
            ]
        )
        result.stdout.no_fnmatch_line("*pytest_plugin.py*")
        result.stdout.no_fnmatch_line("*checker.py*")
        result.stdout.no_fnmatch_line("*During handling*")

    @pytest.mark.parametrize("seed", [0, 11])
    def test_prints_the_seed_that_draws_the_same_numbers(self, run, seed):
        section = ["-* gradcheck -*", f"--gradcheck-seed={seed} --gradcheck-mode=full draws the same numbers and *"]
        result = run(WRONG + DRAWS.replace("print(", "assert not print("), f"--gradcheck-seed={seed}")
        result.stdout.fnmatch_lines(section, consecutive=True)
        assert sum(line.startswith("--gradcheck-seed") for line in result.outlines) == 1

    def test_of_another_kind_prints_it_too_if_the_test_drew_numbers(self, run):
        result = run("""
            @pytest.fixture
            def point(gradcheck):
                return gradcheck.normal(3)
            def test_with(point):
                assert (point == 0).all()
            def test_without():
                assert False
            def test_that_takes_it_and_draws_and_checks_nothing(gradcheck):
                assert gradcheck.shape is None
        """)
        assert ended(result) == (0, 3)
        assert sum(line.startswith("--gradcheck-seed=0") for line in result.outlines) == 1

    def test_in_the_users_function_keeps_its_traceback(self, run):
        result = run("""
            def f(x):
                raise RuntimeError("mine")
            def test_it(gradcheck):
                gradcheck(f, 1.0)
        """)
        result.stdout.fnmatch_lines(
            [">       gradcheck(f, 1.0)", "E       RuntimeError: mine", "test_it.py:4: RuntimeError"]
        )


class TestSweep:
    def test_runs_every_shape_with_every_dtype(self, run):
        result = run("""
            @pytest.mark.gradcheck(shapes=[(), (3,), (2, 3)], dtypes=["float32", np.float64])
            def test_it(gradcheck):
                for x in gradcheck.normal(), gradcheck.uniform(1, 2):
                    assert (x.shape, x.dtype) == (gradcheck.shape, gradcheck.dtype)
                assert gradcheck.normal(7).shape == (7,) and gradcheck.normal(7).dtype == gradcheck.dtype
                gradcheck(lambda x: np.tanh(x), gradcheck.normal())
                print(f"swept [{'x'.join(map(str, gradcheck.shape)) or 'scalar'}-{gradcheck.dtype}]")
        """)
        ids = [f"[{shape}-{dtype}]" for shape in ("scalar", "3", "2x3") for dtype in ("float32", "float64")]
        assert [line.removeprefix("swept ") for line in result.outlines if line.startswith("swept")] == ids
        assert [
            line.partition("test_it.py::test_it")[2] for line in result.outlines if line.startswith("PASSED")
        ] == ids

    def test_of_a_class_is_of_the_tests_that_take_the_fixture(self, run):
        result = run("""
            @pytest.mark.gradcheck(dtypes=["float16", "float32", "float64"])
            class TestIt:
                def test_with(self, gradcheck): pass
                def test_without(self): pass
        """)
        assert ended(result) == (4, 0)

    def test_of_several_markers_is_of_all_that_they_ask_for(self, run):
        result = run("""
            @pytest.mark.gradcheck(dtypes=["float32", "float64"])
            @pytest.mark.gradcheck(shapes=[(2,), (3,)])
            def test_both(gradcheck): pass
            @pytest.mark.gradcheck(shapes=[(2,), (3,)], dtypes=["float32"])
            class TestIt:
                @pytest.mark.gradcheck(dtypes=["float16", "float64"])
                def test_own_first(self, gradcheck): pass
                def test_class(self, gradcheck): pass
        """)
        assert ended(result) == (10, 0)
        both = "test_both[2-float32] test_both[2-float64] test_both[3-float32] test_both[3-float64]"
        own = "test_own_first[2-float16] test_own_first[2-float64] test_own_first[3-float16] test_own_first[3-float64]"
        passed = [line.rpartition("::")[2] for line in result.outlines if line.startswith("PASSED")]
        assert passed == [*both.split(), *own.split(), "test_class[2-float32]", "test_class[3-float32]"]

    def test_of_a_class_comes_before_that_of_the_class_it_is_made_from(self, run):
        result = run("""
            @pytest.mark.gradcheck(shapes=[(2,), (3,)], dtypes=["float32"])
            class Base: pass
            @pytest.mark.gradcheck(dtypes=["float64"])
            class TestIt(Base):
                def test_it(self, gradcheck):
                    assert gradcheck.dtype == np.float64
        """)
        assert ended(result) == (2, 0)

    def test_refuses_parameters_in_the_way_of_pytest(self, run):
        result = run("""
            @pytest.mark.gradcheck(shapes=[(2,), pytest.param((3,), marks=pytest.mark.skip, id="three")])
            def test_it(gradcheck): pass
        """)
        assert "each of shapes must be a tuple of whole numbers" in result.stdout.str()

    def test_refuses_two_markers_of_one_test_that_say_the_same(self, run):
        result = run("""
            @pytest.mark.gradcheck(dtypes=["float32"])
            @pytest.mark.gradcheck(dtypes=["float64"])
            def test_it(gradcheck): pass
        """)
        message = "the marker gradcheck of test_it: dtypes are given twice, as ['float64'] and as ['float32']; as in @"
        assert message in result.stdout.str()
        assert result.ret == pytest.ExitCode.INTERRUPTED

    def test_is_none_without_the_marker(self, run):
        assert "PASSED test_it.py::test_first" in run(DRAWS).outlines

    @pytest.mark.parametrize(
        ("marker", "message"),
        [
            ("shape=[()]", "it takes shapes= and dtypes=, got shape=[()]; as in @pytest.mark.gradcheck("),
            ("[()], dtypes=['float32']", "it takes shapes= and dtypes=, got [()], dtypes=['float32']"),
            ("shapes=[]", "shapes must be a list with something in it, got []"),
            ("dtypes=()", "dtypes must be a list with something in it, got ()"),
            ("dtypes='float32'", "dtypes must be a list with something in it, got 'float32'"),
            ("shapes=(2, 3)", "each of shapes must be a tuple of whole numbers, as (), (3,) or (2, 3), got 2"),
            ("shapes=[(2, -3)]", "each of shapes must be a tuple of whole numbers, as (), (3,) or (2, 3), got (2, -3)"),
            (
                "dtypes=['int64']",
                "each of dtypes must be a floating one, such as np.float32 or np.float64, got 'int64'",
            ),
            (
                "dtypes=['float23']",
                "each of dtypes must be a floating one, such as np.float32 or np.float64, got 'float23'",
            ),
        ],
    )
    def test_refuses_what_it_cannot_sweep(self, run, marker, message):
        result = run(f"""
            @pytest.mark.gradcheck({marker})
            def test_it(gradcheck): pass
        """)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert f"the marker gradcheck of test_it: {message}" in result.stdout.str()
        result.stdout.no_fnmatch_line("*Traceback*")

    def test_refuses_a_test_without_the_fixture(self, run):
        result = run("""
            @pytest.mark.gradcheck(dtypes=["float32"])
            def test_it(): pass
        """)
        message = "the marker gradcheck of test_it sweeps the fixture of that name; let the test take it"
        assert message in result.outlines
        assert result.ret == pytest.ExitCode.INTERRUPTED


class TestDtype:
    """float32 in is float32 out: held by the plugin, for check_gradients looks at float64 only."""

    FUNCTIONS = """
        @tg.operation()
        def leaking(x):
            return x * 1, (lambda g: g.astype(np.float64),)
        def into(x): return np.sum(np.tanh(x)) * np.float64(2)
        def kept(x): return np.sum(np.tanh(x)) * 2.0
    """

    @pytest.mark.parametrize("dtype", ["float16", "float32"])
    @pytest.mark.parametrize(
        ("call", "lost"),
        [
            ("gradcheck(kept, x)", None),
            ("gradcheck(lambda x: x, x)", None),
            ("gradcheck(lambda x: np.exp(x * x + 12), x)", None),  # infinite in float16, which is no matter of dtypes
            ("gradcheck(lambda x: tg.Tensor(np.zeros(2, x.dtype)), x, allow_unused=True)", None),
            ("gradcheck(into, x)", "the value of f"),
            ("gradcheck(leaking, x)", "the gradient of x"),
            ("gradcheck(lambda a, b: a * 2 + leaking(b), x, x)", "the gradient of b"),
            ("gradcheck(lambda parts: into(parts['a'][0]), {'a': [x]})", "the value of f"),
            ("gradcheck(into, tg.Tensor(x, requires_grad=True))", "the value of f"),
            ("gradcheck(into, x[0])", "the value of f"),
            ("gradcheck(into, x, keep_dtype=False)", None),
            ("gradcheck(lambda a, b: into(a) + into(b), x, np.ones(3))", None),
            ("gradcheck(lambda a, b: into(a), x, x, allow_unused=True)", "the value of f"),
            ("gradcheck(into, x, gradient=lambda x: 2 / np.cosh(x) ** 2)", None),
            ("gradcheck(lambda model: into(model(np.ones((2, 2), x.dtype))), "
             "tg.nn.Linear(2, 1, rng=0, dtype=x.dtype))", "the value of f"),
        ],
    )  # fmt: skip
    def test_is_kept(self, run, dtype, call, lost):
        result = run(f"""{self.FUNCTIONS}
        @pytest.mark.gradcheck(shapes=[(3,)], dtypes=["{dtype}"])
        def test_it(gradcheck):
            x = gradcheck.normal()
            {call}
        """)
        assert ended(result) == ((0, 1) if lost else (1, 0))
        if lost:
            result.stdout.fnmatch_lines(
                [f"E  *GradientError: {dtype} in, float64 out: {lost} is float64 where the inputs are {dtype}; *"]
            )
            result.stdout.no_fnmatch_line("*pytest_plugin.py*")

    def test_is_looked_at_in_what_is_checked_of_a_model_which_is_left_as_it_was(self, run):
        result = run(f"""{self.FUNCTIONS}
        def test_it(gradcheck):
            model = tg.Sequential(tg.nn.Linear(2, 3, rng=0, dtype=np.float32), tg.nn.BatchNorm(3, dtype=np.float32))
            model[0].weight.requires_grad = False
            before = model.state_dict()
            inputs = gradcheck.normal((4, 2)).astype(np.float32)
            with pytest.raises(tg.GradientError, match="the gradient of 0.bias is float64"):
                gradcheck(lambda model: np.sum(model(inputs) ** 3) + np.sum(leaking(model[0].bias)), model)
            for name, array in model.state_dict().items():
                np.testing.assert_array_equal(array, before[name])
        """)
        assert ended(result) == (1, 0)

    def test_is_not_looked_at_in_float64(self, run):
        result = run("""
            def test_it(gradcheck):
                calls = []
                def f(x):
                    calls.append(x)
                    return np.tanh(x)
                assert gradcheck(f, gradcheck.normal(3)).evaluations == len(calls)
        """)
        assert ended(result) == (1, 0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--gradcheck-seed=-1", "argument --gradcheck-seed: a seed is a whole number, 0 or above, got '-1'"),
        ("--gradcheck-seed=1.5", "argument --gradcheck-seed: a seed is a whole number, 0 or above, got '1.5'"),
        ("--gradcheck-mode=slow", "argument --gradcheck-mode: invalid choice: 'slow' (choose from *auto*fast*full*)"),
    ],
)
def test_an_option_that_means_nothing_is_a_usage_error(run, option, message):
    result = run(DRAWS, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


def test_the_marker_is_listed(pytester):
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.gradcheck(shapes=*, dtypes=*): run *"]
    )


def test_importing_the_library_imports_neither_the_plugin_nor_pytest():
    program = "import sys, tinygrad_np; print([n for n in ('tinygrad_np.pytest_plugin', 'pytest') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestPage:
    """The test files that docs/checking.md shows, and the output."""

    @pytest.fixture
    def run_file(self, run):
        return partial(run, file="test_gradients")

    def expect(self, result, lines):
        """Find ``lines`` one below the other, ``...`` at the end of one standing for anything."""
        result.stdout.fnmatch_lines([re.sub(r"\.\.\.$", "*", line) for line in lines], consecutive=True)

    def test_passes_as_it_stands(self, run_file):
        assert ended(run_file(HAND_DERIVED)) == (8, 0)
        assert ended(run_file(ANOTHER_FRAMEWORK)) == (1, 0)

    def test_fails_as_it_says_without_the_division(self, run_file):
        result = run_file(HAND_DERIVED.replace("return p / len(z)", "return p"))
        assert ended(result) == (7, 1)
        self.expect(result, OUTPUT_WRONG)

    def test_fails_as_it_says_with_a_scalar_of_numpy(self, run_file):
        result = run_file(HAND_DERIVED.replace("math.sqrt", "np.sqrt"))
        assert ended(result) == (5, 3)
        self.expect(result, OUTPUT_DTYPE)
