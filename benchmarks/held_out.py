"""Errors of a lifter on held-out people, seen by virtual cameras.

    python benchmarks/held_out.py MOTIONS [--lifter open] [--split test]

MOTIONS is a folder of motion capture sets or a library made from one (docs/lifter.md). The table is the one that
``videopose3d train`` prints at its end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from videopose3d.datasets.mocap import read_source
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.heldout import evaluate_held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="?")
    parser.add_argument("--lifter", default="open")
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    given = parser.parse_args()
    if given.motions is None:  # `make bench` on a machine without the data
        print("left out: give the folder of motion capture sets")
        return
    library = read_source(given.motions)
    print(evaluate_held_out(Lifter.load(given.lifter, "cpu"), library.select(given.split)).table())


if __name__ == "__main__":
    main()
