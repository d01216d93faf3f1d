"""A stand-in for a 2D detector: a person who walks across every picture, found at once and always alike.

It takes the place of the detectors that need a package and seconds per clip, so that whole commands can be
tested. `calls` says how often it was asked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from videopose3d.detectors import DETECTORS, Detect
from videopose3d.skeleton import COCO17
from videopose3d.types import Frame, Person

STANDING = {
    "nose": (0.50, 0.12), "left_eye": (0.51, 0.10), "right_eye": (0.49, 0.10), "left_ear": (0.53, 0.11),
    "right_ear": (0.47, 0.11), "left_shoulder": (0.58, 0.24), "right_shoulder": (0.42, 0.24),
    "left_elbow": (0.61, 0.38), "right_elbow": (0.39, 0.38), "left_wrist": (0.62, 0.50), "right_wrist": (0.38, 0.50),
    "left_hip": (0.55, 0.52), "right_hip": (0.45, 0.52), "left_knee": (0.55, 0.71), "right_knee": (0.45, 0.71),
    "left_ankle": (0.55, 0.90), "right_ankle": (0.45, 0.90),
}  # fmt: skip
"""Shares of the picture's width and height at which a standing person's joints are seen from the front."""


class StandIn:
    """Finds the person in every picture but those numbered in ``nobody_in``.

    Args:
        nobody_in: Numbers of the pictures without a person; None means that there is nobody at all.
        delay: How long a picture takes [s].
        log: A file that gets a byte for every picture, for a look from another process.
    """

    def __init__(self, nobody_in: Container[int] | None = (), delay: float = 0.0, log: Path | None = None) -> None:
        self.nobody_in, self.delay, self.log = nobody_in, delay, log
        self.calls = 0
        self.opened = 0

    @contextmanager
    def open(self, _min_score: float, **_: object) -> Iterator[Detect]:
        self.opened += 1
        yield self.detect

    def detect(self, frame: Frame, seconds: float) -> list[Person]:
        number, self.calls = self.calls, self.calls + 1
        time.sleep(self.delay)
        if self.log:
            with self.log.open("ab") as file:
                file.write(b".")
        if self.nobody_in is None or number in self.nobody_in:
            return []
        height, width = frame.shape[:2]
        shares = np.array([STANDING[joint] for joint in COCO17.joints])
        shares[:, 0] += 0.05 * np.sin(2 * seconds)  # steps aside, knees and all
        points = (shares * (width, height)).astype(np.float32)
        box = np.concatenate([points.min(0), points.max(0)])
        return [Person(points, np.full(17, 0.9, np.float32), box, 0.9)]

    def register(self) -> None:
        """Take the place of the default detector for the rest of the process."""
        module = ModuleType("videopose3d.detectors.stand_in")
        vars(module)["open_stand_in"] = self.open
        sys.modules[module.__name__] = module
        DETECTORS["mediapipe"] = "stand_in:open_stand_in"

    def install(self, patch: pytest.MonkeyPatch) -> StandIn:
        """Take the place of the default detector for one test."""
        patch.setitem(DETECTORS, "mediapipe", DETECTORS["mediapipe"])
        patch.setitem(sys.modules, "videopose3d.detectors.stand_in", ModuleType("stand_in"))
        self.register()
        return self


RUNNER = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
from stand_in import StandIn

StandIn(delay={delay}, log=Path({log!r})).register()
from videopose3d.cli import main

main()
"""


def write_runner(folder: Path, *, delay: float = 0.0) -> tuple[Path, Path]:
    """A script that is the command line with the stand-in for a detector, and the log of its pictures."""
    script, log = folder / "run.py", folder / "pictures.log"
    script.write_text(RUNNER.format(tests=str(Path(__file__).parent), delay=delay, log=str(log)))
    return script, log
