"""Side-by-side measurements of tinygrad_np: ``python -m benchmarks --help``.

One thread, as the networks here are small: a BLAS reads its variable when it is loaded, and so does XLA, so the
variables are set here, which Python runs before the modules of this package import NumPy. A value
that the user set stays.
"""

import os

for _name in ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
