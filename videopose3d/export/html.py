"""HTML: one page with an interactive 3D player; it needs no network and no other file. See docs/export.md.

The page is ``player/page.html`` with style, script and motion put in. The motion is JSON; its long arrays are base64
of little-endian numbers, so that ten minutes of one person take about three megabytes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d import __version__
from videopose3d.export.upright import AXES, Array, lifted, upright
from videopose3d.files import replacing
from videopose3d.types import Result

FORMAT = "videopose3d-player/1"
UNKNOWN = -32768
"""Stands for a coordinate that is not known."""
_LARGEST = 32767
_FINEST = 1e-4
"""Joints are written in steps of this [m], or of what the farthest of them needs to fit 16 bits."""
_PARTS = Path(__file__).parent / "player"


def write(result: Result, path: Path) -> None:
    """Write ``path``; a person without a place in a frame stands between the neighbouring ones."""
    motion = _motion(result)
    page = (_PARTS / "page.html").read_text(encoding="utf-8")
    parts = {
        "version": __version__,
        "title": escape(Path(result.keypoints.source).name or "videopose3d"),
        "style": (_PARTS / "player.css").read_text(encoding="utf-8"),
        "script": (_PARTS / "player.js").read_text(encoding="utf-8"),
        "motion": _json(motion),
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
            }
            for person in range(result.people)
        ],
    }


def _facts(result: Result) -> str:
    """One line under the title."""
    people = f"{result.people} {'person' if result.people == 1 else 'people'}"
    rate = f"{float(result.fps):.4g} frames/s"
    seconds = f"{float(result.keypoints.frames / result.fps):.1f} s"
    return " · ".join([people, seconds, rate, "metres"])


def _steps(joints: Array, unit: float) -> NDArray[np.int16]:
    known = np.isfinite(joints)
    return np.where(known, np.round(np.where(known, joints, 0.0) / unit), UNKNOWN).astype("<i2")


def _base64(array: NDArray[Any]) -> str:
    return b64encode(array.tobytes()).decode("ascii")
