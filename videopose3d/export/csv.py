"""CSV: one row per frame and person, units in the column names. See docs/formats/csv.md."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d.export.contacts import FEET
from videopose3d.export.rounding import METRES, PIXELS, SCORES, SECONDS, rounded
from videopose3d.files import replacing
from videopose3d.types import Result

_GROUND = 6
"""Digits behind the point of the ground's normal: ten metres away a thousandth of a millimetre's height."""


def write(result: Result, path: Path) -> None:
    """Write ``path``, row by row: the memory does not grow with the clip."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_columns(result))
        for frame in range(result.keypoints.frames):
            for person in range(result.people):
                table.writerow(_row(result, frame, person))


def _columns(result: Result) -> list[str]:
    columns = ["frame", "time_s", "person", "present"]
    if result.poses is not None:
        columns.append("origin")
        columns += [f"{joint}_{axis}_m" for joint in result.poses.skeleton.joints for axis in "xyz"]
    columns += [f"{name}_{value}" for name in result.keypoints.skeleton.joints for value in ("u_px", "v_px", "score")]
    if result.poses is not None and result.world is not None:
        columns += [f"{joint}_world_{axis}_m" for joint in result.poses.skeleton.joints for axis in "xyz"]
        columns += [f"contact_{foot}" for foot in FEET]
        columns += ["ground_nx", "ground_ny", "ground_nz", "ground_d_m"]
    return columns


def _row(result: Result, frame: int, person: int) -> Iterator[Any]:
    kp = result.keypoints
    yield from (frame, round(float(frame / kp.fps), SECONDS), person + 1, int(kp.present[person, frame]))
    if result.poses is not None:
        origin, joints = _located(result, frame, person)
        yield origin
        yield from rounded(joints.ravel(), METRES)
    points = rounded(kp.points[person, frame], PIXELS)
    scores = rounded(kp.scores[person, frame], SCORES)
    for point, score in zip(points, scores, strict=True):
        yield from (*point, score)
    if result.world is not None:
        yield from rounded(result.world.poses[person, frame].ravel(), METRES)
        yield from result.world.contacts[person, frame].astype(int).tolist()
        yield from rounded(result.world.ground, _GROUND)


def _located(result: Result, frame: int, person: int) -> tuple[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Where (J, 3) joints are [m], and from where that is measured.

    ``camera`` where the trajectory is known, ``root`` (the joints relative to the pelvis) where it is not,
    empty where there is no pose.
    """
    joints = result.poses_3d[person, frame].astype(np.float64)
    root = result.trajectory[person, frame].astype(np.float64)
    if not np.isfinite(joints).any():
        return "", joints
    if not np.isfinite(root).all():
        return "root", joints
    return "camera", joints + root
