"""A moving average of the weights that a compiled step keeps, as an eager one does."""

import numpy as np
import pytest

import tinygrad_np as tg
from tests.compiling.steps import Training, batches

DECAYS = {
    "a number": lambda: 0.9,
    "NumPy's": lambda: np.float64(0.9),
    "none": lambda: 0,
    "sooner": lambda: lambda t: min(0.999, (1 + t) / (10 + t)),
    "the mean": lambda: lambda t: (1 + t) / (2 + t),
}


class Averaged(Training):
    """Training whose step takes the weights into an average."""

    def __init__(self, decay):
        super().__init__(tg.optim.Adam)
        self.average = tg.optim.MovingAverage(self.model, decay=decay)

    @property
    def state(self):
        return self.model, self.optimizer, self.average

    def step(self, x, t):
        loss = super().step(x, t)
        self.average.update()
        return loss


def assert_close(ours, theirs, native):
    assert ours.average.updates == theirs.average.updates
    for name, average in theirs.average.averages.items():
        if native is False:
            assert ours.average.averages[name].tobytes() == average.tobytes()
        np.testing.assert_allclose(ours.average.averages[name], average, rtol=1e-12)


@pytest.mark.parametrize("native", [None, False])
@pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)
def test_an_average_is_taken_within_the_step(decay, native):
    ours, theirs = Averaged(decay()), Averaged(decay())
    step = tg.compiled(ours.step, state=ours.state, native=native)
    for x, t in batches(8):
        step(x, t)
        theirs.step(x, t)
        assert_close(ours, theirs, native)
    assert step.explain().endswith("run 6 times")
    x, t = batches(1, rows=12)[0]
    step.scan(x, t, batch_size=4, epochs=2)
    for _ in range(2):
        for i in (0, 4, 8):
            theirs.step(x[i : i + 4], t[i : i + 4])
    assert_close(ours, theirs, native)


@pytest.mark.parametrize("native", [None, False])
def test_a_decay_that_is_set_is_read_at_the_next_step(native):
    ours, theirs = Averaged(0.9), Averaged(0.9)
    step = tg.compiled(ours.step, state=ours.state, native=native)
    for i, (x, t) in enumerate(batches(8)):
        ours.average.decay = theirs.average.decay = 0.9 - 0.1 * (i // 3)
        step(x, t)
        theirs.step(x, t)
        assert_close(ours, theirs, native)
    assert step.explain().endswith("run 6 times")
    ours.average.decay = 1.5
    with pytest.raises(ValueError, match=r"decay must be a number in \[0, 1\), or a function that gives one, got 1\.5"):
        step(x, t)
