"""Running an example in this process, and looking at what it wrote."""

import signal
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.image import imread

from examples import program


@dataclass
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """``run(name, *arguments)``: exit status, stdout and stderr of an example."""
    before = signal.getsignal(signal.SIGINT)

    def run(name, *arguments):
        capsys.readouterr()
        status = program.run(name, [str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def check_picture():
    """``check_picture(path)``: a PNG of some size, in several colours, that is fit for a repository."""

    def check(path):
        image = imread(path)
        height, width = image.shape[:2]
        assert 300 <= height <= 1000
        assert 400 <= width <= 1200
        assert len(np.unique(image[..., :3].reshape(-1, 3), axis=0)) > 20
        assert 5_000 < path.stat().st_size < 60_000

    return check
