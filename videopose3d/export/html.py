"""HTML: one page with an interactive 3D player; it needs no network and no other file. See docs/formats/html.md.

The page is ``player/page.html`` with style, script and motion put in. The motion is JSON; its long arrays are base64
of little-endian numbers, so that ten minutes of one person take about three megabytes.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d import __version__
from videopose3d.export.film import small_copy
from videopose3d.export.upright import AXES, Array, lifted, upright
from videopose3d.files import replacing
from videopose3d.types import Result

FORMAT = "videopose3d-player/1"
UNKNOWN = -32768
"""Stands for a coordinate that is not known."""
_LARGEST = 32767
_FINEST = 1e-4
"""Joints are written in steps of this [m], or of what the farthest of them needs to fit 16 bits."""
MAX_SIDE = 480
"""Of the video in the page [px]."""
_PARTS = Path(__file__).parent / "player"


def write(result: Result, path: Path, video: str | os.PathLike[str] | None = None) -> None:
    """Write ``path``; a person without a place in a frame stands between the neighbouring ones.

    Args:
        result: The motion.
        path: The page.
        video: The source of the result; a small copy of it is put beside the motion.

    Raises:
        VideoPose3DError: The result has no 3D stage.
        InputError: The video cannot be read, or is of another shape than the result.
    """
    motion = _motion(result)
    film = b""
    if video is not None and result.keypoints.frames:
        film = small_copy(result, video, MAX_SIDE).contents
        motion["film"] = _film(result)
        motion["facts"] += f" · video {len(film) / 1e6:.2g} MB"
    page = (_PARTS / "page.html").read_text(encoding="utf-8")
    parts = {
        "version": __version__,
        "title": escape(Path(result.keypoints.source).name or "videopose3d"),
        "style": (_PARTS / "player.css").read_text(encoding="utf-8"),
        "script": (_PARTS / "player.js").read_text(encoding="utf-8"),
        "motion": _json(motion),
        "film": b64encode(film).decode("ascii"),
    }
    with replacing(path) as partial:
        partial.write_text("".join(_filled(page, parts)), encoding="utf-8", newline="\n")


def _filled(page: str, parts: dict[str, str]) -> Iterator[str]:
    """The page with every ``{{name}}`` replaced once; what was put in is not looked at again."""
    for number, piece in enumerate(page.split("{{")):
        name, closed, rest = piece.partition("}}")
        yield piece if not number else parts[name] + rest if closed else "{{" + piece


def _json(value: dict[str, Any]) -> str:
    """JSON without ``<``, so that nothing in it can end the script element; there it stands in strings only."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def _motion(result: Result) -> dict[str, Any]:
    poses, kp = lifted(result), result.keypoints
    points = upright(result, fill=True)
    roots = points[:, :, poses.skeleton.index("pelvis")]
    joints = points - roots[:, :, None]
    farthest = float(np.abs(joints[np.isfinite(joints)]).max(initial=0.0))
    unit = max(_FINEST, farthest / _LARGEST)
    return {
        "format": FORMAT,
        "facts": _facts(result),
        "fps": [kp.fps.numerator, kp.fps.denominator],
        "frames": kp.frames,
        "axes": AXES,
        "unit": unit,
        "joints": list(poses.skeleton.joints),
        "bones": [list(bone) for bone in poses.skeleton.bone_indices],
        "people": [
            {
                "id": person + 1,
                "joints": _base64(_steps(joints[person], unit)),
                "roots": _base64(roots[person].astype("<f4")),
                "seen": _base64(kp.present[person].astype("u1")),
                "contacts": _base64(_contacts(result, person)),
            }
            for person in range(result.people)
        ],
    }


def _contacts(result: Result, person: int) -> NDArray[np.uint8]:
    """(T,) 1 where the left foot stands on the ground, and 2 more where the right one does; empty without a ground."""
    if result.world is None:
        return np.zeros(0, np.uint8)
    feet: NDArray[np.uint8] = result.world.contacts[person].astype("u1") @ np.array([1, 2], "u1")
    return feet


def _film(result: Result) -> dict[str, Any]:
    """What is drawn over the video: keypoints in int16 steps of ``unit`` px, scores as parts of 255."""
    kp = result.keypoints
    farthest = float(np.abs(kp.points[np.isfinite(kp.points)]).max(initial=1.0))
    unit = farthest / _LARGEST
    return {
        "size": list(kp.size),
        "unit": unit,
        "joints": list(kp.skeleton.joints),
        "bones": [list(bone) for bone in kp.skeleton.bone_indices],
        "people": [
            {
                "points": _base64(_steps(kp.points[person].astype(np.float64), unit)),
                "scores": _base64(np.round(kp.scores[person].clip(0, 1) * 255).astype("u1")),
            }
            for person in range(result.people)
        ],
    }


def _facts(result: Result) -> str:
    """One line under the title."""
    people = f"{result.people} {'person' if result.people == 1 else 'people'}"
    rate = f"{float(result.fps):.4g} frames/s"
    seconds = f"{float(result.keypoints.frames / result.fps):.1f} s"
    ground = "on the ground" if result.world is not None else "camera taken for level"
    return " · ".join([people, seconds, rate, "metres", ground])


def _steps(joints: Array, unit: float) -> NDArray[np.int16]:
    known = np.isfinite(joints)
    return np.where(known, np.round(np.where(known, joints, 0.0) / unit), UNKNOWN).astype("<i2")


def _base64(array: NDArray[Any]) -> str:
    return b64encode(array.tobytes()).decode("ascii")
