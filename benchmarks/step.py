"""How long one eager training step of the 2-3-3 network takes, beside the hand-derived one and other libraries."""

from benchmarks.contestants import Problem, assert_agreement, hand_derived, hand_tuned, ours
from benchmarks.peers import PEERS, missing
from benchmarks.tables import Table, spread, verdict
from benchmarks.timing import interleaved, ratio, summary

GOAL = 1.0
BASELINE, TUNED, OURS = "NumPy, hand-derived", "NumPy, hand-tuned", "tinygrad_np"


def run(quick: bool = False, verbose: bool = False, peers: bool = True) -> list[Table]:
    """Check that all contestants train alike, then time them."""
    problem = Problem.article()
    contestants = {BASELINE: hand_derived(problem), TUNED: hand_tuned(problem), OURS: ours(problem)}
    if peers:
        contestants |= {name: peer.build(problem) for name, peer in PEERS.items() if peer.installed}
    assert_agreement(contestants)
    rounds, steps = (3, 20) if quick else (100, 200)
    seconds = interleaved({name: c.step for name, c in contestants.items()}, rounds, steps)
    table = Table(
        "One training step, 2-3-3 network, float64, batch of 4",
        ["", "µs a step", "times hand-derived", "half of the rounds", "goal", "verdict"],
        notes=[
            f"Medians of {rounds} interleaved rounds of {steps} steps; ratios are taken within each round.",
            f"All had the same losses and parameters in the first 20 steps, to 1e-9. {TUNED}: "
            f"tinygrad_np takes {ratio(seconds[OURS], seconds[TUNED]).median:.2f} times as long.",
        ],
    )
    for name, measured in seconds.items():
        times = ratio(measured, seconds[BASELINE])
        goal = [f"≤ {GOAL}", verdict(times.median, GOAL)] if name == OURS else ["", ""]
        table.rows.append([name, f"{summary(measured).median * 1e6:.1f}", f"{times.median:.2f}", spread(times), *goal])
    if peers:
        table.notes += missing()
    return [table]
