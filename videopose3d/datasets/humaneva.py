"""HumanEva-I: three cameras without published lenses in the community files, at 60 frames/s.

Subjects are named ``Train/S1``, ``Validate/S1``, ``Unlabeled/Train/S1``, ``Unlabeled/S4``, ...: the last part says
whose cameras they are. Actions are parts of takes, ``Walking 1 chunk0``.
"""

from __future__ import annotations

from functools import lru_cache

from videopose3d.calibration import CalibratedCamera
from videopose3d.datasets.human36m import camera_at

FPS = 60.0
LENSES = tuple(CalibratedCamera(name=name, size=(640, 480)) for name in ("C1", "C2", "C3"))

PLACES = """
S1 | 0.424207  -0.4983646 -0.5802981  0.4847012 |  4062.227    663.2477  1528.397
S1 | 0.6503354 -0.7481602 -0.0919284  0.0941766 |   844.8131 -3805.2092  1504.9929
S1 | 0.0664734 -0.0690535  0.7416416 -0.6639132 |  -797.67377 3916.3174  1433.6602
S2 | 0.4214752 -0.4961493 -0.5838273  0.4851187 |  4112.9121   626.4929  1545.2988
S2 | 0.6501393 -0.7476588 -0.0954617  0.0959808 |   923.574  -3877.9243  1504.5518
S2 | 0.0699353 -0.0712403  0.7421637 -0.662742  |  -781.4915  3838.8853  1444.9929
"""
"""Person, orientation (w, x, y, z), position [mm]; one line per camera. S3 has the cameras of S1, S4 unknown ones."""


@lru_cache
def cameras(subject: str) -> tuple[CalibratedCamera, ...]:
    """The three cameras in the order of the files; without a place for S4."""
    person = subject.rsplit("/", maxsplit=1)[-1]
    person = "S1" if person == "S3" else person
    rows = [line.split("|") for line in PLACES.strip().splitlines()]
    places = [(turn, place) for name, turn, place in rows if name.strip() == person]
    if not places:
        return LENSES
    return tuple(camera_at(lens, turn, place) for lens, (turn, place) in zip(LENSES, places, strict=True))
