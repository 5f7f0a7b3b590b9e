"""``check_gradients``: a function, its gradients and numbers, and one of eight outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_np.checks.directions import Along, along_directions, unseen
from tinygrad_np.checks.dodging import move_from_kinks
from tinygrad_np.checks.elements import every_element
from tinygrad_np.checks.measuring import Measure
from tinygrad_np.checks.options import Options
from tinygrad_np.checks.report import Checked, GradientError, GradientReport, Outcome
from tinygrad_np.checks.slopes import STEP, Array
from tinygrad_np.checks.subject import Subject
from tinygrad_np.checks.taylor import SLIGHT
from tinygrad_np.tape import GraphError

FEW = 64  # elements that mode="auto" looks at one by one
UNSEEN = (
    "the slopes of {} are some {:.2g} beside a tolerance of {:.2g}, so {} is shown of them; scale f, leave out its "
    "constants, choose another point, or give atol="
)
SAME = 1e-12  # a part of f by which two values at one point may differ, as sums in another order do
AGAIN = 8  # calls at the point before anything else is blamed, enough for numbers that are drawn but seldom matter
DODGES = 5  # times that a sample is moved away from kinks before that is given up


class Check:
    """One check of a subject at its point, for one order of derivative."""

    def __init__(self, subject: Subject, options: Options, order: int, notes: Sequence[str] = ()) -> None:
        self.subject, self.options, self.order, self.notes = subject, options, order, list(notes)
        self.measure = Measure(options, np.zeros(()))
        self.claimed: dict[str, list[Array]] = {}
        self.reached: list[bool] = []

    def run(self) -> GradientReport:
        """Look at the function, then at its gradients: along directions if that is enough, else in every element."""
        fault = self._of_the_function() or self._of_the_dtypes()
        if fault is not None:
            return self._report(*fault)
        self.notes += self.subject.unchecked()
        along = along_directions(self.subject, self.measure, self.claimed) if self._is_fast() else None
        if along is None or along.trouble or self.options.mode == "full":
            report = self._of_elements(along)
        else:
            report = self._of_directions(along)
        fault = None if report.right else self._of_repeating(AGAIN)  # numbers that are drawn look like any other fault
        return report if fault is None else self._report(*fault)

    def _of_directions(self, along: Along) -> GradientReport:
        """The report where no direction shows anything wrong."""
        unused = self._unused()
        if unused:
            return self._report(Outcome.UNUSED, unused)
        self._note_unseen(along.unseen)
        return self._report(Outcome.RIGHT, directions=[look.error for look in along.looks])

    def _of_elements(self, along: Along | None) -> GradientReport:
        """The report once every element has been looked at, perhaps because of some trouble along a direction."""
        claimed = [{label: gs[i] for label, gs in self.claimed.items()} for i in range(len(self.subject.names))]
        doubted = along and along.trouble and self.options.method == "taylor"
        if doubted:  # at any scale of f, which atol knows nothing of
            self.measure = Measure(replace(self.options, atol=0.0), self.measure.origin)
        elements = [every_element(self.subject, self.measure, i, c) for i, c in enumerate(claimed)]
        report = self._judged(elements)
        if along and doubted and report.right:
            found = f"{along.trouble}; every element was looked at, and found within the tolerance"
            if along.looks[-1].left > SLIGHT:
                return self._report(Outcome.UNRESOLVED, f"{found}: f is too steep here for the steps of a Taylor test")
            return self._report(Outcome.WRONG, f"the gradient is wrong, if only slightly: {found}", elements=elements)
        if along and along.trouble:
            self.notes.append(f"{along.trouble}; so every element was looked at")
        if report.right:
            slopes = [(np.abs(c.numerical), c.tolerance - self.options.rtol * np.abs(c.numerical)) for c in elements]
            self._note_unseen(unseen(slopes))
        return report

    def _note_unseen(self, inputs: Mapping[int, tuple[float, float]]) -> None:
        """Note inputs of which little is shown, for much that might be claimed of them would have passed."""
        for i, (largest, allowed) in inputs.items():
            if self.options.allow_unused and not any(gs[i].any() for gs in self.claimed.values()):
                continue
            shown = "little" if largest > allowed else "nothing"
            self.notes.append(UNSEEN.format(self.subject.names[i], largest, allowed, shown))

    def _is_fast(self) -> bool:
        """Whether directions are looked at first; gradients of other shapes have no product with one."""
        points = self.subject.point
        if not all(g.shape == x.shape for gs in self.claimed.values() for g, x in zip(gs, points)):
            return False
        if self.options.method == "taylor" or self.options.mode == "fast":
            return True
        return self.options.mode == "auto" and sum(x.size for x in points) > FEW

    def _of_the_function(self) -> tuple[Outcome, str] | None:
        """What keeps any gradient of f from being checked, if something does; if not, what is claimed is noted."""
        subject = self.subject
        output = subject.value()
        origin = subject.terms_of(output)
        self.measure = Measure(self.options, origin)
        if writing := self._of_writing("f"):
            return writing
        for what, array in *zip(subject.names, subject.point), ("f", origin):
            bad = ~np.isfinite(array)
            if bad.any():
                where = f" in {np.count_nonzero(bad)} of {bad.size} elements" if bad.ndim else ""
                return (
                    Outcome.NOT_FINITE,
                    f"{what} is {array[bad].flat[0]}{where}; check the gradient where all is finite",
                )
        try:
            self.claimed, self.reached = subject.claimed(output)
        except GraphError as error:  # as of a rule that gives a gradient of another shape
            return Outcome.WRONG, f"the gradient cannot be computed: {error}"
        return self._of_writing("gradient") or self._of_repeating(1)

    def _of_writing(self, who: str) -> tuple[Outcome, str] | None:
        """Whether an input is no longer what it was."""
        if not (changed := self.subject.changed()):
            return None
        return Outcome.CHANGES_INPUTS, f"{who} writes into its input {', '.join(changed)}; let it write into a copy"

    def _of_repeating(self, times: int) -> tuple[Outcome, str] | None:
        """Whether f gives another value at the same point in so many calls."""
        origin = self.measure.origin
        for _ in range(times):
            again = self.subject.terms()
            if writing := self._of_writing("f"):
                return writing
            if not np.allclose(again, origin, rtol=SAME, atol=0):
                models = [model for model in self.subject.models if hasattr(model, "eval")]
                return Outcome.NOT_DETERMINISTIC, (
                    f"f gave {np.sum(origin):.10g} and then {np.sum(again):.10g} at the same point; "
                    f"{'call model.eval() first if it is Dropout that draws, or else ' if models else ''}draw its "
                    "random numbers outside of it, or from a generator that it makes from a seed in each call"
                )
        return None

    def _of_the_dtypes(self) -> tuple[Outcome, str] | None:
        for label, gs in self.claimed.items():
            for name, g in zip(self.subject.names, gs):
                if g.dtype != np.float64:
                    return Outcome.WRONG, f"the {label} gradient of {name} is {g.dtype} where the input is float64"
        return None

    def _unused(self) -> str:
        """What to say of inputs that neither the gradients nor f's value lead to; nothing if there are none."""
        if self.options.allow_unused:
            return ""
        names = [name for i, name in enumerate(self.subject.names) if not self.reached[i] and self.subject.ignores(i)]
        if not names:
            return ""
        return (
            f"f does not depend on {', '.join(names)}, where nothing is checked then; leave out what it does not use, "
            "or say allow_unused=True"
        )

    def _judged(self, elements: Sequence[Checked]) -> GradientReport:
        """The report once every element has been looked at. What is wrong comes before what is only a kink."""
        if any(checked.wrongs for checked in elements):
            return self._report(Outcome.WRONG, elements=elements)
        if any(checked.kinks.any() for checked in elements):
            return self._report(Outcome.KINK, elements=elements)
        if any(checked.unresolved.any() for checked in elements):
            return self._report(Outcome.UNRESOLVED, elements=elements)
        unused = self._unused()
        return self._report(Outcome.UNUSED if unused else Outcome.RIGHT, unused, elements=elements)

    def _report(self, outcome: Outcome, message: str = "", **found: Any) -> GradientReport:
        subject = self.subject
        return GradientReport(
            outcome,
            tuple(subject.names),
            tuple([x.shape for x in subject.point]),
            self.options.seed,
            self.measure.step,
            subject.calls,
            self.order,
            message=message,
            notes=self.notes,
            **found,
        )


def check_gradients(
    f: Callable[..., Any],
    *inputs: Any,
    gradient: Callable[..., Any] | None = None,
    output_gradient: Any = None,
    order: int = 1,
    mode: str = "auto",
    method: str = "central",
    names: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    step: float | None = None,
    directions: int = 4,
    dodge: bool = False,
    allow_unused: bool = False,
    seed: int = 0,
) -> GradientReport:
    """Raise GradientError unless the gradient of ``f`` is what numbers say; the report of what was looked at if it is.

    **What is checked.** ``f`` gets its ``inputs``: arrays and numbers as float64 Tensors, Tensors that
    require a gradient as they are, models (anything with ``named_parameters``), whose every parameter that
    is not frozen is checked by its name, and lists, tuples and dicts of these. float32 is upcast for the
    time, for differences in float32 prove nothing; data is put back. With ``gradient``, the
    hand-derived function of the same inputs that gives an array for each (or a dict by names), f may
    be any function of arrays, and gets them as arrays; where it also computes with Tensors that you gave it,
    both gradients are checked. A value that is not one number is multiplied by random weights, or by
    ``output_gradient``, and summed. ``order=2`` checks the second derivatives too, as the first
    derivatives of the gradient.

    **How.** ``mode="fast"`` takes ``directions`` random directions of all inputs together and two evaluations for
    each, one more of each input whose gradient is below a tenth of the whole, and one of all elements whose slopes are
    below a thousandth of their input's largest; it looks at every element only if that fails. A wrong part below
    10 ``rtol`` of what it is looked at with passes there. ``"full"`` always looks at every element, ``"auto"`` does up
    to 64 of them. The numbers are central differences,

        ∂f/∂xᵢ ≈ (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ,    hᵢ = ``step``·max(1, |xᵢ|),

    with ``step`` ∛ε = 6·10⁻⁶ unless given; where they contradict the gradient, it is the one at which slopes are
    steadiest, and what f rounds on its way is measured. ``method="complex"`` takes Im f(x + ih) / h of an analytic f
    of arrays, which is exact; ``"taylor"`` fits the order of |f(x + hv) − f(x) − h·g·v|, which is 2 for a right g and
    1 for a wrong one, and needs no tolerance. Else agreement is

        |claimed − numerical| ≤ ``atol`` / max(1, |xᵢ|) + ``rtol``·|numerical| + 4ε·|f| / hᵢ,    ε = 2⁻⁵²,

    whose last term is what differences cannot see: f is rounded to some ε·|f| (Press et al. (2007),
    "Numerical recipes", 5.7). It is 10⁻¹⁰ for an f near 1, but hides a slope of 10⁻³ beside an f of 10⁷.

    **What comes of it.** ``report.outcome`` (that of the error in ``error.report``) is RIGHT; WRONG: elements, shape or
    dtype, with the numbers side by side, a map and what they look like; KINK: f bends within the step,
    as relu at 0, and the gradient lies between the slopes around it, or f ends there, as √x at 0; with ``dodge`` the
    sample is moved away by about 0.01 first; UNRESOLVED: no step gives a steady slope; NOT_FINITE; NOT_DETERMINISTIC;
    CHANGES_INPUTS; UNUSED: no gradient leads to an input, and f is the same wherever it goes, which ``allow_unused``
    lets pass. Inputs whose slopes are all within a hundred times the tolerance are noted.

    >>> import numpy as np, tinygrad_np as tg
    >>> tg.check_gradients(lambda x: np.tanh(x) * x, [0.5, -2.0])
    right: the gradient of x agrees in every element
    (step 6.06e-06, seed 0, 6 evaluations)
    >>> model = tg.nn.Linear(2, 3, rng=0)
    >>> loss = lambda model: tg.softmax_cross_entropy(model(np.ones((4, 2))), np.array([0, 1, 2, 0]))
    >>> tg.check_gradients(loss, model).names
    ('weight', 'bias')
    >>> tg.check_gradients(lambda x: np.sum(x**3), [1.0, 2.0], gradient=lambda x: 3 * x)
    Traceback (most recent call last):
        ...
    tinygrad_np.checks.report.GradientError: the gradient of x is wrong in 1 of 2 elements; worst at index (1,): ...

    Raises TypeError for inputs that are not floating and for a result that is no Tensor, ValueError for
    options and shapes that do not fit.
    """
    options = Options(mode, method, rtol, atol, step, directions, allow_unused, seed, order, dodge)
    with Subject(f, inputs, names, gradient, output_gradient, seed) as subject:
        subject.check_step(step)
        if order > 1 and not subject.autodiff:
            raise ValueError("order=2 needs an f of Tensors; give gradient= as f to check its own derivative")
        report = _checked(subject, options, 1)
        for higher in range(2, order + 1):
            subject = subject.derived()
            report = _checked(subject, replace(options, allow_unused=True), higher)
    return report


def _checked(subject: Subject, options: Options, order: int) -> GradientReport:
    """The report of one order, away from kinks if it may ``dodge`` them; GradientError if anything is wrong."""
    rng = np.random.default_rng([options.seed, 3])
    notes: list[str] = []
    report = Check(subject, options, order).run()
    for _ in range(DODGES if options.dodge else 0):
        if report.outcome is not Outcome.KINK or not (moved := move_from_kinks(subject, report.elements, rng)):
            break
        notes += moved
        report = Check(subject, options, order, notes).run()
    if not report.right:
        raise GradientError(report)
    return report


def numerical_gradient(
    f: Callable[..., Any], *inputs: Any, step: float | None = None
) -> tuple[NDArray[np.float64], ...]:
    """∂f/∂input of a scalar function by central differences: one float64 array for each input, of its shape.

        ∂f/∂xᵢ ≈ (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ,    hᵢ = ``step``·max(1, |xᵢ|)

    ``step`` is ∛ε, 6·10⁻⁶ for ε = 2⁻⁵², by default, which balances truncation (∝ h²) against rounding
    (∝ 1/h) and leaves a relative error near 10⁻¹⁰ (Press et al. (2007), "Numerical recipes", 5.7). ``f``
    gets float64 arrays for arrays, and each Tensor or model as it is, its data changed in place (float32
    in a float64 copy) and put back. It returns one number, as a Tensor, an array or a float.

    Raises TypeError for inputs that are not floating, ValueError for a result that is not one number,
    for a step that is not positive and where there are no inputs.

    >>> import numpy as np
    >>> numerical_gradient(lambda x, y: np.sum(x**2 * y), [1.0, 2.0], [3.0, 4.0])[0].round(6)
    array([ 6., 16.])
    """
    options = Options(step=STEP if step is None else step)
    with Subject(f, inputs, plain=True) as subject:
        subject.check_step(step)
        measure = Measure(options, subject.terms())
        return tuple([every_element(subject, measure, i, {}).numerical for i in range(len(subject.names))])
