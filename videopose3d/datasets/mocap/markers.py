"""Plug-in-Gait markers to joint centres, whoever recorded them.

Hips: M. Harrington et al., J. Biomech. 40 (2007). Knees and ankles: the chord rule of Plug-in-Gait (R. Davis et al.,
Human Movement Science 10 (1991)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from videopose3d.datasets.mocap.body import Landmarks, body_axes, chin_up, unit
from videopose3d.datasets.mocap.rig import Float64
from videopose3d.skeleton import LIMB_JOINTS

_PLUG_IN_GAIT = """
    LFHD RFHD LBHD RBHD C7 T10 CLAV STRN RBAK
    LSHO LUPA LELB LFRM LWRA LWRB LFIN RSHO RUPA RELB RFRM RWRA RWRB RFIN
    LASI RASI LPSI RPSI LTHI LKNE LTIB LANK LHEE LTOE RTHI RKNE RTIB RANK RHEE RTOE
"""
MARKERS = tuple(_PLUG_IN_GAIT.split())
KNEE_HALF_WIDTH = 0.058
ANKLE_HALF_WIDTH = 0.042
SHOULDER_DROP = 0.17
"""Shoulder centre below the SHO marker, as a part of the distance between both."""
HEAD_BAND_TO_EARS = (-0.010, 0.0, -0.035)
"""From the middle of the head band to the middle between the ears [m], forward, left, up."""
LARGEST_GAP = 25
"""Lost markers are interpolated over gaps up to this many frames."""

_RIGID = (  # markers that keep their distances, so three of them tell the fourth
    ("LASI", "RASI", "LPSI", "RPSI"),
    ("LFHD", "RFHD", "LBHD", "RBHD"),
    ("C7", "T10", "CLAV", "STRN"),
    ("LELB", "LFRM", "LWRA", "LWRB"),
    ("RELB", "RFRM", "RWRA", "RWRB"),
)


def rebuild_lost(markers: Float64) -> Float64:
    """Markers (T, 39, 3) with one lost marker of a rigid four put back from the other three."""
    markers = markers.copy()
    for cluster in _RIGID:
        columns = [MARKERS.index(name) for name in cluster]
        seen = np.isfinite(markers[:, columns, 0])
        whole = markers[seen.all(1)][::10][:, columns]
        if not len(whole):
            continue
        template = _typical(whole)
        for lost in range(4):
            others = [number for number in range(4) if number != lost]
            frames = np.flatnonzero(~seen[:, lost] & seen[:, others].all(1))
            if len(frames):
                known = markers[frames][:, [columns[number] for number in others]]
                markers[frames, columns[lost]] = _carry(template[others], template[lost], known)
    return markers


def fill_gaps(markers: Float64, largest: int = LARGEST_GAP) -> Float64:
    """Markers (T, M, 3) with gaps inside a clip of at most ``largest`` frames bridged by straight lines."""
    markers = markers.copy()
    for column in np.flatnonzero(np.isnan(markers[..., 0]).any(0)):
        seen = np.flatnonzero(np.isfinite(markers[:, column, 0]))
        for before, after in zip(seen, seen[1:], strict=False):
            if 1 < after - before <= largest + 1:
                share = (np.arange(before + 1, after) - before)[:, None] / (after - before)
                ends = markers[before, column], markers[after, column]
                markers[before + 1 : after, column] = (1 - share) * ends[0] + share * ends[1]
    return markers


def marker_landmarks(markers: Float64, pelvis_size: tuple[float, float] | None = None) -> Landmarks:
    """Joint centres of markers (T, 39, 3) [m] of one recording.

    Args:
        markers: NaN where lost. A body without T10 or STRN has no spine in its trunk; of the markers of a wrist one
            is enough.
        pelvis_size: PW, PD [m]: distance of the ASIS, and from their middle to that of the PSIS.
    """
    at = {name: markers[:, number] for number, name in enumerate(MARKERS)}
    hips = _hips(at, pelvis_size)
    points = dict(hips)
    neck = _middle(at["C7"], at["CLAV"])
    trunk = [_middle(at["T10"], at["STRN"])] if seen(at["T10"]) and seen(at["STRN"]) else []
    low = trunk[0] if trunk else (hips["left_hip"] + hips["right_hip"]) / 2
    drop = SHOULDER_DROP * np.nanmedian(np.linalg.norm(at["LSHO"] - at["RSHO"], axis=-1)) * unit(neck - low)
    medial = unit(hips["right_hip"] - hips["left_hip"])
    for s, side in (("L", "left"), ("R", "right")):
        inward = medial if s == "L" else -medial
        knee = _chord(hips[f"{side}_hip"], at[f"{s}KNE"], at[f"{s}THI"], KNEE_HALF_WIDTH, inward)
        points[f"{side}_knee"] = knee
        points[f"{side}_ankle"] = _chord(knee, at[f"{s}ANK"], at[f"{s}TIB"], ANKLE_HALF_WIDTH, inward)
        points[f"{side}_shoulder"] = at[f"{s}SHO"] - drop
        points[f"{side}_elbow"] = at[f"{s}ELB"]
        wrist = [at[name] for name in (f"{s}WRA", f"{s}WRB") if seen(at[name])]
        points[f"{side}_wrist"] = sum(wrist, np.zeros(3)) / max(len(wrist), 1)
    limbs = np.stack([points[joint] for joint in LIMB_JOINTS], 1)
    band, head = _head(at)
    return Landmarks(limbs, np.stack([*trunk, neck], 1), band + head @ np.array(HEAD_BAND_TO_EARS), head)


def seen(points: Float64) -> bool:
    """Some frame of (T, 3) has the marker."""
    return bool(np.isfinite(points[:, 0]).any())


def fixed_bones(body: Landmarks, lengths: Mapping[tuple[str, str], float]) -> Landmarks:
    """The body with limb bones of constant length [m]: directions stay, and the feet stay where they were.

    Args:
        body: Landmarks of one clip.
        lengths: Length by (near joint, far joint), nearer bones first.
    """
    limbs = body.limbs.copy()
    for (near, far), length in lengths.items():
        n, f = LIMB_JOINTS.index(near), LIMB_JOINTS.index(far)
        limbs[:, f] = limbs[:, n] + length * unit(body.limbs[:, f] - body.limbs[:, n])
    feet = [LIMB_JOINTS.index("left_ankle"), LIMB_JOINTS.index("right_ankle")]
    back: Float64 = (body.limbs[:, feet] - limbs[:, feet]).mean(1)
    return Landmarks(limbs, body.trunk, body.ears, body.head).moved(back)


def gaze_pitch(bodies: Iterable[Landmarks]) -> float:
    """Median angle of the head's forward axis above the horizon [degrees]; bands sit tilted on the head."""
    heights = np.concatenate([body.head[:, 2, 0] for body in bodies])
    return float(np.degrees(np.arcsin(np.nanmedian(heights))))


def level_head(body: Landmarks, pitch: float) -> Landmarks:
    """The body with its head band turned down by ``pitch`` [degrees] about its middle."""
    offset = np.array(HEAD_BAND_TO_EARS)
    head = body.head @ chin_up(-pitch)
    return Landmarks(body.limbs, body.trunk, body.ears - body.head @ offset + head @ offset, head)


def median_bones(bodies: Iterable[Landmarks]) -> dict[tuple[str, str], float]:
    """Median limb bone lengths [m] of a recording, the same on the left and on the right."""
    chains = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
    found: dict[tuple[str, str], float] = {}
    bodies = list(bodies)
    for near, far in chains:
        pairs = [(f"{side}_{near}", f"{side}_{far}") for side in ("left", "right")]
        each = [np.linalg.norm(b.limb(n) - b.limb(f), axis=-1) for b in bodies for n, f in pairs]
        found |= dict.fromkeys(pairs, float(np.nanmedian(np.concatenate(each))))
    return found


def _hips(at: Mapping[str, Float64], size: tuple[float, float] | None) -> dict[str, Float64]:
    front, back = (at["LASI"] + at["RASI"]) / 2, (at["LPSI"] + at["RPSI"]) / 2
    y = unit(at["LASI"] - at["RASI"])
    forward = front - back
    x = unit(forward - (forward * y).sum(-1, keepdims=True) * y)
    z = np.cross(x, y)
    wide = float(np.nanmedian(np.linalg.norm(at["LASI"] - at["RASI"], axis=-1)))
    deep = float(np.nanmedian(np.linalg.norm(forward, axis=-1)))
    wide, deep = size or (wide, deep)
    middle = front - (0.24 * deep + 0.0099) * x - (0.30 * wide + 0.0109) * z
    return {"left_hip": middle + (0.33 * wide + 0.0073) * y, "right_hip": middle - (0.33 * wide + 0.0073) * y}


def _head(at: Mapping[str, Float64]) -> tuple[Float64, Float64]:
    """(T, 3) middle of the head band and (T, 3, 3) head axes."""
    band = (at["LFHD"] + at["RFHD"] + at["LBHD"] + at["RBHD"]) / 4
    forward = at["LFHD"] + at["RFHD"] - at["LBHD"] - at["RBHD"]
    left = at["LFHD"] + at["LBHD"] - at["RFHD"] - at["RBHD"]
    return band, body_axes(left, np.cross(forward, left))


def _chord(centre: Float64, marker: Float64, wand: Float64, distance: float, inward: Float64) -> Float64:
    """(T, 3) the next joint centre by the chord rule.

    It lies at ``distance`` from the marker, sees marker and ``centre`` at a right angle, and is in the plane
    of centre, marker and wand, on the far side of the wand. A lost wand is replaced by ``inward``.
    """
    line = centre - marker
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / length
    away = np.where(np.isfinite(wand), marker - wand, inward)
    away = unit(away - (away * line).sum(-1, keepdims=True) * line)
    along = distance**2 / length
    centre_found: Float64 = marker + along * line + np.sqrt(distance**2 - along**2) * away
    return centre_found


def _typical(shapes: Float64) -> Float64:
    """(M, 3) the frame of (T, M, 3) whose distances are nearest to their medians."""
    distances = np.linalg.norm(shapes[:, :, None] - shapes[:, None], axis=-1)
    best: Float64 = shapes[np.abs(distances - np.median(distances, 0)).sum((1, 2)).argmin()]
    return best


def _carry(template: Float64, point: Float64, known: Float64) -> Float64:
    """(T, 3) a point of a rigid template (M, 3), carried to where the others are (T, M, 3), by Kabsch."""
    middle, seen_middle = template.mean(0), known.mean(1)
    u, _, vt = np.linalg.svd(np.einsum("ma,tmb->tab", template - middle, known - seen_middle[:, None]))
    flip = np.ones((len(known), 3))
    flip[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = np.einsum("tab,tb,tbc->tac", u, flip, vt)
    carried: Float64 = seen_middle + np.einsum("a,tac->tc", point - middle, turn)
    return carried


def _middle(back: Float64, front: Float64) -> Float64:
    """(T, 3) middle of two markers; without the front one, the back one moved by the mean difference."""
    half = (front - back) / 2
    seen = half[np.isfinite(half[:, 0])]
    middle: Float64 = back + np.where(np.isfinite(half), half, seen.mean(0) if len(seen) else np.nan)
    return middle
