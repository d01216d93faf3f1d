"""Joint angles as CSV, in degrees; every definition is in docs/formats/angles.md."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from videopose3d.export.rounding import DEGREES, SECONDS, rounded
from videopose3d.export.upright import levelled
from videopose3d.files import replacing
from videopose3d.joint_angles import joint_angles
from videopose3d.types import Result


def write(result: Result, path: Path) -> None:
    """Write ``path`` as CSV, one row per frame and person; what is not known is an empty cell."""
    angles = joint_angles(levelled(result))
    table = np.stack(list(angles.values()), -1)
    kp = result.keypoints
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["frame", "time_s", "person", "present", *(f"{name}_deg" for name in angles)])
        for frame in range(kp.frames):
            time = round(float(frame / kp.fps), SECONDS)
            for person in range(result.people):
                seen = int(kp.present[person, frame])
                writer.writerow([frame, time, person + 1, seen, *rounded(table[person, frame], DEGREES)])
