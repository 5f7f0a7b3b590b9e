"""Running an example in this process, and looking at what it wrote."""

from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.image import imread


@dataclass
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """``run(main, *arguments)``: exit status, stdout and stderr of an example."""

    def run(main, *arguments):
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            status = exit_.code
        return Outcome(status, *capsys.readouterr())

    return run


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
