"""The 2-3-3 network's training in C: ``epoch.c``, compiled in a temporary directory and called by ctypes."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.epochs import Task, stepping
from benchmarks.training import Array, Contestant

SOURCE = Path(__file__).with_name("epoch.c")
OPTIONS = ("-O3",)


def compiler() -> str | None:
    """The command that compiles C here, if there is one."""
    return shutil.which("cc") or shutil.which("gcc")


def can_train(task: Task) -> bool:
    """Whether ``task`` is what ``epoch.c`` is written for."""
    return (task.sizes, task.batch_size, task.optimizer, task.X.dtype) == (
        (2, 3, 3),
        4,
        "momentum",
        np.dtype(np.float64),
    )


def library() -> ctypes.CDLL:
    """``epoch.c`` as machine code, compiled anew. Raises FileNotFoundError without a compiler."""
    command = compiler()
    if command is None:
        raise FileNotFoundError("no C compiler: neither cc nor gcc is on the PATH")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        target = Path(directory, "epoch.so")
        arguments = [*OPTIONS, "-shared", "-fPIC", str(SOURCE), "-o", str(target), "-lm"]
        subprocess.run([command, *arguments], check=True, capture_output=True)
        return ctypes.CDLL(str(target))


class InC:
    """Training by ``epoch.c``; holds the arrays that it reads and writes by their addresses."""

    def __init__(self, task: Task) -> None:
        if not can_train(task):
            raise ValueError(f"epoch.c trains 2-3-3 in float64 with momentum, got {task.sizes} and {task.optimizer}")
        self.task, weights = task, task.weights()
        self.flat = np.concatenate([w.ravel() for w in weights])
        self.velocity, self.labels, self.loss = np.zeros_like(self.flat), task.y.astype(np.int64), np.empty(1)
        ends = np.cumsum([w.size for w in weights])
        self.views = [self.flat[end - w.size : end].reshape(w.shape) for w, end in zip(weights, ends, strict=True)]
        address, number, count = ctypes.c_void_p, ctypes.c_double, ctypes.c_int64
        self.train = library().train
        self.train.restype = None
        self.train.argtypes = [address, address, number, number, address, address, count, count, address]
        self.state = self.flat.ctypes.data, self.velocity.ctypes.data, task.lr, task.momentum
        self.data = task.X.ctypes.data, self.labels.ctypes.data
        self.place = self.loss.ctypes.data

    def epochs(self, count: int) -> Array:
        """So many epochs in one call: the losses of all minibatches."""
        losses = np.empty(count * self.task.steps)
        self.train(*self.state, *self.data, self.task.steps, count, losses.ctypes.data)
        return losses

    def step(self, x: int, t: int) -> Array:
        """One minibatch, whose rows and labels are at these addresses."""
        self.train(*self.state, x, t, 1, 1, self.place)
        return self.loss

    def parameters(self) -> list[Array]:
        """W₁, b₁, W₂, b₂."""
        return self.views


def scan(task: Task) -> Contestant:
    """All epochs in one call."""
    network = InC(task)
    return Contestant(network.epochs, network.parameters)


def steps(task: Task) -> Contestant:
    """A call for each minibatch."""
    network = InC(task)
    pairs = task.minibatches(task.X, network.labels)
    return stepping(network.step, [(x.ctypes.data, t.ctypes.data) for x, t in pairs], network.parameters)
