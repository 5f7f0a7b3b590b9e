"""What every test needs: reproducible hypothesis runs, and no test that changes the state of the whole process."""

import gc
import signal
import sys

import numpy as np
import pytest
from hypothesis import settings

from tinygrad_np.recording import current_mode, mode

pytest_plugins = ["pytester"]  # runs of pytest within a test, for those of the plugin

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("reproducible")
# A shell that runs the tests in its background has them ignore Ctrl-C, which some of them send themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)


def global_state():
    """What a test could leave changed for the tests after it, by name."""
    return {
        "NumPy's errstate": np.geterr(),
        "NumPy's global random state": [np.asarray(part).tobytes() for part in np.random.get_state()],  # noqa: NPY002 - the global state, which must not matter
        "NumPy's print options": np.get_printoptions(),
        "whether operations are recorded and watched": current_mode(),
        "whether the garbage collector runs": gc.isenabled(),
    }


@pytest.fixture(autouse=True)
def leaves_global_state_alone():
    """Fail a test that leaks global state, and that test alone: what tests after it rely on is put right."""
    before = global_state()
    yield
    after = global_state()
    mode.set(None)
    gc.enable()
    np.seterr(**before["NumPy's errstate"])
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"the test changed {', '.join(changed)}"


@pytest.fixture
def switching():
    """Threads take turns as often as Python lets them, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
