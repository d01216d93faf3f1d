"""JSON: one object, strict (RFC 8259, no NaN), one frame of one person per line. See docs/formats/json.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d import __version__
from videopose3d.export.rounding import METRES, PIXELS, SCORES, SECONDS, rounded
from videopose3d.files import replacing
from videopose3d.types import Result

FORMAT = "videopose3d-json/1"


def write(result: Result, path: Path) -> None:
    """Write ``path``, line by line: the memory does not grow with the clip."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    for key, value in _header(result).items():
        yield f"{'{' if key == 'format' else ''}{_text(key)}: {_text(value)},\n"
    yield '"people": ['
    for person in range(result.people):
        yield f'{"," if person else ""}\n{{"id": {person + 1}, "frames": ['
        for frame in range(result.keypoints.frames):
            yield f"{',' if frame else ''}\n{_text(_frame(result, person, frame))}"
        yield "\n]}"
    yield "\n]}\n"


def _header(result: Result) -> dict[str, Any]:
    kp, poses, world = result.keypoints, result.poses, result.world
    return {
        "format": FORMAT,
        "version": __version__,
        "source": kp.source,
        "detector": kp.detector,
        "lifter": poses.lifter if poses else None,
        "fps": [kp.fps.numerator, kp.fps.denominator],
        "frame_count": kp.frames,
        "size": list(kp.size),
        "focal": result.focal,
        "height": result.height,
        "units": {
            "joints": "m",
            "root": "m",
            "joints_world": "m",
            "keypoints": "px, px, score 0..1",
            "box": "px",
            "time": "s",
        },
        "axes": {
            "3d": "camera: x right, y down, z forward",
            "world": "x to the camera's right, y away from it, z up; ground z = 0, origin straight below the camera",
            "2d": "origin top-left, x right, y down",
        },
        "ground": world.ground.tolist() if world else None,
        "world_from_camera": world.world_from_camera.tolist() if world else None,
        "joint_names": list(poses.skeleton.joints) if poses else None,
        "parents": list(poses.skeleton.parents) if poses else None,
        "keypoint_names": list(kp.skeleton.joints),
    }


def _frame(result: Result, person: int, frame: int) -> dict[str, Any]:
    kp = result.keypoints
    points = rounded(kp.points[person, frame], PIXELS)
    scores = rounded(kp.scores[person, frame], SCORES)
    keypoints = [[*point, score] for point, score in zip(points, scores, strict=True)]
    seen = bool(np.isfinite(kp.points[person, frame]).any())
    entry: dict[str, Any] = {
        "frame": frame,
        "time": round(float(frame / kp.fps), SECONDS),
        "present": bool(kp.present[person, frame]),
        "root": None,
        "joints": None,
        "joints_world": None,
        "contacts": None,
        "keypoints": keypoints if seen else None,
        "box": _or_none(kp.boxes[person, frame], PIXELS),
    }
    if result.poses is not None:
        entry["root"] = _or_none(result.trajectory[person, frame], METRES)
        entry["joints"] = _or_none(result.poses_3d[person, frame], METRES)
    if result.world is not None:
        entry["joints_world"] = _or_none(result.world.poses[person, frame], METRES)
        entry["contacts"] = result.world.contacts[person, frame].tolist()
    return entry


def _or_none(values: NDArray[np.float32], digits: int) -> list[Any] | None:
    """The numbers, or None where not one of them is known."""
    return rounded(values, digits) if np.isfinite(values).any() else None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
