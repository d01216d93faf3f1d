"""From named points to bodies: Plug-in-Gait markers, or joint centres, of one or several people.

Markers have the names of Vicon's Plug-in-Gait, full body. Joint centres have the names that exports of this package
have (``RHip``), or others like ``right_hip``, ``hip_r`` and ``RHJC``. What is before the name tells the people apart:
``Ann:LASI``, ``P2_RHip``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.body import (
    H36M_HEAD,
    H36M_NECK,
    NOSE,
    Landmarks,
    body_axes,
    chin_up,
    coco_joints,
    h36m_joints,
    stature_ratio,
    unit,
)
from videopose3d.datasets.mocap.guess import EARS_UP, LEG, THORAX_UP, nearest_unit, sided_forms
from videopose3d.datasets.mocap.markers import (
    MARKERS,
    fill_gaps,
    fixed_bones,
    gaze_pitch,
    level_head,
    marker_landmarks,
    median_bones,
    rebuild_lost,
)
from videopose3d.datasets.mocap.points import Points
from videopose3d.datasets.mocap.rig import Float64
from videopose3d.errors import FileFormatError
from videopose3d.skeleton import H36M17, LIMB_JOINTS
from videopose3d.types import FloatArray

Body = Mapping[str, Float64]
"""Places (T, 3) of one person's points by their names here: ``LASI``, ``right_hip``."""

LARGEST_GAP = 0.25
"""Lost points are interpolated over gaps of at most so long [s]."""
NEAR_FLOOR = 0.1
"""Where the soles come this near to the zero of the file [m], that is the floor."""
_FLOOR_QUANTILE = 0.02
_MARKER_HEIGHT, _ANKLE_HEIGHT = 0.04, 0.07
"""Of markers on a foot, and of ankles, above the sole [m]; ankles: D. Winter's 0.039 of the stature."""
_UPRIGHT = 0.6
"""The vertical is found where feet are so far below the shoulders on average: cosine of the angle to an axis."""
_LEG_RANGE = (0.4, 1.6)
"""Legs of children and of adults, in parts of a usual adult's."""
_ASIS_ABOVE_HIP = 0.1  # [m]

_PELVIS = ("LASI", "RASI", "LPSI", "RPSI")
_HEAD = ("LFHD", "RFHD", "LBHD", "RBHD")
_MEASURED = (*_PELVIS, "LSHO", "RSHO")
"""Their distances are what the places of hips and shoulders follow from."""
_SIDED = ("SHO", "ELB", "KNE", "ANK")
_CENTRES = {"shoulder": "sjc", "elbow": "ejc", "wrist": "wjc", "hip": "hjc", "knee": "kjc", "ankle": "ajc"}
_MIDDLE = ("pelvis", "spine", "thorax", "neck", "head", "nose")


def _known_names() -> dict[str, str]:
    """The name here of everything that is known, by its letters and digits in lower case."""
    names = {name.lower(): name for name in (*MARKERS, "SACR")}
    names |= {name: name for name in _MIDDLE}
    for joint in (*LIMB_JOINTS, "left_ear", "right_ear"):
        side, part = joint.split("_")
        forms = (*sided_forms(side, part), *((side[0] + _CENTRES[part],) if part in _CENTRES else ()))
        names |= dict.fromkeys(forms, joint)
    return names


_KNOWN = _known_names()


class Figure(NamedTuple):
    """One person's joints (G, 17, 3) [m], z up, in the G good frames, and which of the file's (T,) those are."""

    h36m: FloatArray
    coco: FloatArray
    good: NDArray[np.bool_]


def read_figures(
    points: Points, metres: float | None, up: str, detector: str
) -> tuple[dict[str, Figure], tuple[str, ...]]:
    """Everybody in a file, by what is before the names of their points; and why somebody else is left out.

    Args:
        points: Of the file.
        metres: Metres per unit of length; None: what the file says, else what makes the legs most human.
        up: ``auto``, or the file's axis that points up.
        detector: Whose idea of hips and shoulders the COCO points follow.

    Raises:
        FileFormatError: Nobody has all markers or joints, or nobody stands.
    """
    people = _people(points)
    if not people:
        shown = ", ".join(points.names[:12]) + (", ..." if len(points.names) > 12 else "")
        raise FileFormatError(f"no names of markers or joints that are known: {shown}", fix=_FIX)
    figures: dict[str, Figure] = {}
    errors: list[FileFormatError] = []
    for person, found in people.items():
        try:
            build, ends = _scheme(found, person)
            body = _levelled(found, ends, metres or points.metres, up, metres is None)
            figures[person] = build(body, points.fps, detector)
        except FileFormatError as error:
            errors.append(error)
    if not figures:
        raise errors[0]
    return figures, tuple(error.what for error in errors)


def _people(points: Points) -> dict[str, dict[str, Float64]]:
    """Known points that are seen at all, by person and by their name here; of two of one name the first."""
    people: dict[str, dict[str, Float64]] = {}
    for number, label in enumerate(points.names):
        starts = [0, *(match.end() for match in re.finditer(r"[:_. -]", label))]
        for start in starts:
            name = _KNOWN.get(re.sub(r"[^a-z0-9]", "", label[start:].lower()))
            if name is not None and np.isfinite(points.places[:, number]).all(-1).any():
                people.setdefault(label[:start].rstrip(":_. -"), {}).setdefault(name, points.places[:, number])
            if name is not None:
                break
    return people


_FIX = "docs/lifter.md, Motion of your own, lists the markers and joints that are needed."


class _Ends(NamedTuple):
    """Points that tell up and down and how long a leg is."""

    shoulders: tuple[str, str]
    ankles: tuple[str, str]
    leg: tuple[str, str, str]
    leg_length: float
    feet: tuple[str, ...]
    foot_height: float


def _scheme(found: Body, person: str) -> tuple[Callable[[Body, float, str], Figure], _Ends]:
    """How a body is made of these points.

    Raises:
        FileFormatError: Too much is missing for either way; of the way of which more is there, it is listed.
    """
    markers, joints = _missing_markers(found), _missing_joints(found)
    if not markers:
        feet = tuple(name for name in ("LHEE", "RHEE", "LTOE", "RTOE") if name in found)
        ends = _Ends(
            ("LSHO", "RSHO"), ("LANK", "RANK"), ("LASI", "LKNE", "LANK"), LEG + _ASIS_ABOVE_HIP,
            feet or ("LANK", "RANK"), _MARKER_HEIGHT if feet else _ANKLE_HEIGHT,
        )  # fmt: skip
        return _from_markers, ends
    if not joints:
        shoulders, ankles = ("left_shoulder", "right_shoulder"), ("left_ankle", "right_ankle")
        leg = ("left_hip", "left_knee", "left_ankle")
        return _from_joints, _Ends(shoulders, ankles, leg, LEG, ankles, _ANKLE_HEIGHT)
    has_markers = sum(name in found for name in MARKERS) > sum(name not in MARKERS for name in found)
    kind, missing = ("Plug-in-Gait markers", markers) if has_markers else ("joints", joints)
    whose = f" of {person}" if person else ""
    raise FileFormatError(f"{kind}{whose} are missing: {', '.join(missing)}", fix=_FIX)


def _missing_markers(found: Body) -> list[str]:
    """What a full body of Plug-in-Gait needs and has not."""
    pelvis = _PELVIS[:2] if "SACR" in found else _PELVIS
    needed = (*pelvis, *(side + part for part in _SIDED for side in "LR"), "C7", "CLAV")
    missing = [name for name in needed if name not in found]
    missing += [f"{s}WRA or {s}WRB" for s in "LR" if f"{s}WRA" not in found and f"{s}WRB" not in found]
    head = [name for name in _HEAD if name not in found]
    return missing + (head if len(head) > 1 else [])


def _missing_joints(found: Body) -> list[str]:
    missing = [joint for joint in LIMB_JOINTS if joint not in found]
    face = all(part in found for part in ("nose", "left_ear", "right_ear"))
    return missing + ([] if face or "head" in found else ["head, or nose with left_ear and right_ear"])


# --- axes, unit, floor


def _levelled(found: Body, ends: _Ends, metres: float | None, up: str, check: bool) -> dict[str, Float64]:
    """The points in metres, z up, feet on the floor."""
    long = sum(_distance(found[a], found[b]) for a, b in zip(ends.leg, ends.leg[1:], strict=False))
    scale = metres or nearest_unit(long, ends.leg_length)
    if check and not _LEG_RANGE[0] < long * scale / ends.leg_length < _LEG_RANGE[1]:
        what = f"with its unit, {scale:g} m, a leg is {long * scale:.2f} m long"
        raise FileFormatError(what, fix="Give the true one with --unit.")
    world = _to_z_up(_vertical(found, ends) if up == "auto" else up)
    turned = {name: scale * place @ world.T for name, place in found.items()}
    heights = np.stack([turned[name][:, 2] for name in ends.feet])
    soles = np.where(np.isfinite(heights), heights, np.inf).min(0) - ends.foot_height
    floor = float(np.quantile(soles[np.isfinite(soles)], _FLOOR_QUANTILE))
    drop = np.array([0.0, 0.0, floor if abs(floor) > NEAR_FLOOR else 0.0])
    return {name: place - drop for name, place in turned.items()}


def _vertical(found: Body, ends: _Ends) -> str:
    """The signed axis of the file along which the shoulders are above the ankles on average."""
    above = _middle(found, ends.shoulders) - _middle(found, ends.ankles)
    known = np.isfinite(above).all(-1)
    mean = unit(above[known]).mean(0) if known.any() else np.zeros(3)
    axis = int(np.abs(mean).argmax())
    if abs(mean[axis]) < _UPRIGHT:
        raise FileFormatError("nobody stands, so which axis is up is not known", fix="Name it with --up.")
    return ("-" if mean[axis] < 0 else "") + "xyz"[axis]


def _to_z_up(up: str) -> Float64:
    """(3, 3) rotation that brings a signed axis of the file to +z."""
    axis = "xyz".index(up[-1])
    others = [(axis + 1) % 3, (axis + 2) % 3]
    sign = -1.0 if up[0] == "-" else 1.0
    rows = np.eye(3)[[*(others if sign > 0 else others[::-1]), axis]]
    rows[2] *= sign
    return rows


def _middle(found: Body, names: tuple[str, str]) -> Float64:
    return (found[names[0]] + found[names[1]]) / 2


def _distance(a: Float64, b: Float64) -> float:
    lengths = np.linalg.norm(a - b, axis=-1)
    known = lengths[np.isfinite(lengths)]
    return float(np.median(known)) if len(known) else 0.0


# --- Plug-in-Gait markers


def _from_markers(found: Body, fps: float, detector: str) -> Figure:
    frames = len(next(iter(found.values())))
    lost = np.full((frames, 3), np.nan)
    at = dict(found)
    if "SACR" in at:
        at = {"LPSI": at["SACR"], "RPSI": at["SACR"]} | at
    for absent in (name for name in _HEAD if name not in at):  # one of the four at most, and they are a rectangle
        side, end = "R" if absent[0] == "L" else "L", "B" if absent[1] == "F" else "F"
        at[absent] = at[f"{side}{absent[1:]}"] + at[f"{absent[0]}{end}HD"] - at[f"{side}{end}HD"]
    markers = np.stack([at.get(name, lost) for name in MARKERS], 1)
    markers = fill_gaps(rebuild_lost(markers), round(LARGEST_GAP * fps))
    _check_seen(np.isfinite(markers[:, [MARKERS.index(name) for name in _MEASURED]]).all((1, 2)))
    body = marker_landmarks(markers)
    good = body.complete
    _check_seen(good)
    body = body.pick(good)
    body = fixed_bones(body, median_bones([body]))
    body = level_head(body, _head_tilt(body))
    return Figure(h36m_joints(body), coco_joints(body, detector), good)


def _head_tilt(body: Landmarks) -> float:
    """Pitch of the head band [degrees], told from the frames with an upright trunk, in which people look ahead."""
    upright = unit(body.trunk[:, -1] - body.pelvis)[:, 2] > np.cos(np.radians(25))
    return gaze_pitch([body.pick(upright)]) if upright.mean() > 0.5 else 0.0


def _check_seen(good: NDArray[np.bool_]) -> None:
    if not good.any():
        raise FileFormatError("no frame shows all the points that are needed", fix="Fill the gaps first.")


# --- joint centres


def _from_joints(found: Body, fps: float, detector: str) -> Figure:
    """The joints of Human3.6M as they are where all of them are there, else placed like those of other sets."""
    names = list(found)
    filled = fill_gaps(np.stack([found[name] for name in names], 1), round(LARGEST_GAP * fps))
    whole = set(H36M17.joints) <= set(names)
    used = [n for n, name in enumerate(names) if not whole or name in H36M17.joints]
    good = np.isfinite(filled[:, used]).all((1, 2))
    _check_seen(good)
    at = {name: filled[good, number] for number, name in enumerate(names)}
    limbs = np.stack([at[joint] for joint in LIMB_JOINTS], 1)
    nobody = np.zeros((len(limbs), 3))
    trunk = _trunk(at)
    head = np.broadcast_to(np.eye(3), (len(limbs), 3, 3))
    body = Landmarks(limbs, trunk, nobody, head)
    ears, head = (_h36m_head if whole else _head)(at, stature_ratio(body))
    body = Landmarks(limbs, trunk, ears, head)
    h36m = np.stack([at[joint] for joint in H36M17.joints], 1).astype(np.float32) if whole else h36m_joints(body)
    return Figure(h36m, coco_joints(body, detector), good)


def _trunk(at: Body) -> Float64:
    """(T, K, 3) the spine where it is known, and the thorax."""
    shoulders, hips = (_middle(at, (f"left_{part}", f"right_{part}")) for part in ("shoulder", "hip"))
    thorax = at.get("thorax", shoulders + THORAX_UP * unit(shoulders - hips))
    return np.stack([*([at["spine"]] if "spine" in at else []), thorax], 1)


def _h36m_head(at: Body, ratio: float) -> tuple[Float64, Float64]:
    """Middle between the ears and axes of a head of which Human3.6M's two joints are known; it looks ahead."""
    up = unit(at["head"] - at["neck"])
    back, high = np.array(H36M_HEAD)[[0, 2]] - np.array(H36M_NECK)[[0, 2]]
    axes = _facing(at, up) @ chin_up(float(np.degrees(np.arctan2(back, high))))
    return at["head"] - axes @ (np.array(H36M_HEAD) * ratio / 1e3), axes


def _head(at: Body, ratio: float) -> tuple[Float64, Float64]:
    """The same of a head of which some point is known, or nose and ears."""
    if all(part in at for part in ("nose", "left_ear", "right_ear")):
        ears, left = _middle(at, ("left_ear", "right_ear")), at["left_ear"] - at["right_ear"]
        forward = at["nose"] - ears
        tilt = float(np.degrees(np.arctan2(-NOSE[2], NOSE[0])))
        return ears, body_axes(left, np.cross(forward, left)) @ chin_up(tilt)
    shoulders = _middle(at, ("left_shoulder", "right_shoulder"))
    up = unit(at["head"] - shoulders)
    return shoulders + EARS_UP * ratio * up, _facing(at, up)


def _facing(at: Body, up: Float64) -> Float64:
    """(T, 3, 3) axes forward, left, up of a head that looks where the shoulders do."""
    left = at["left_shoulder"] - at["right_shoulder"]
    return body_axes(left - (left * up).sum(-1, keepdims=True) * up, up)
