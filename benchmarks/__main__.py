"""The command line: ``python -m benchmarks --help``."""

import argparse
from collections.abc import Sequence

from benchmarks import (
    chain,
    checks,
    compiled,
    experiments,
    growth,
    imports,
    memory,
    operations,
    optimizers,
    step,
    training,
    transforms,
)
from benchmarks.tables import machine

BENCHMARKS = {
    "step": step.run,
    "compiled": compiled.run,
    "growth": growth.run,
    "operations": operations.run,
    "optimizers": optimizers.run,
    "training": training.run,
    "experiments": experiments.run,
    "chain": chain.run,
    "memory": memory.run,
    "transforms": transforms.run,
    "checks": checks.run,
    "import": imports.run,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks that were asked for and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure tinygrad_np side by side.")
    parser.add_argument("benchmark", nargs="?", choices=BENCHMARKS, help="which one; all of them if left out")
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds, whose numbers mean little")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--verbose", action="store_true", help="also list the modules that are slow to import")
    parser.add_argument("--no-peers", action="store_true", help="leave other libraries out")
    options = parser.parse_args(arguments)
    for name in [options.benchmark] if options.benchmark else BENCHMARKS:
        for table in BENCHMARKS[name](options.quick, options.verbose, not options.no_peers):
            print(table.markdown() if options.markdown else table.text(), end="\n\n", flush=True)
    print(machine())


if __name__ == "__main__":
    main()
