"""How fast the command line answers: ``--help`` and ``import videopose3d`` against an empty Python.

    python benchmarks/startup.py [--runs 5]

The quickest of several runs of each, in milliseconds, and as a multiple of ``python -c pass``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

EMPTY = "python -c pass"
COMMANDS = {
    EMPTY: ["-c", "pass"],
    "import videopose3d": ["-c", "import videopose3d"],
    "videopose3d --help": ["-m", "videopose3d", "--help"],
    "videopose3d infer --help": ["-m", "videopose3d", "infer", "--help"],
}


def quickest(arguments: list[str], runs: int) -> float:
    """Shortest time that a Python with these arguments takes [s]."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    seconds = {name: quickest(arguments, runs) for name, arguments in COMMANDS.items()}
    for name, value in seconds.items():
        print(f"{name:26} {value * 1000:7.0f} ms  {value / seconds[EMPTY]:5.1f}x")


if __name__ == "__main__":
    main()
