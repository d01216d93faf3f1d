"""From pixels to 3D on rendered, held-out people: ours, MediaPipe's own 3D, and knowing no depth at all.

    python benchmarks/end_to_end.py MOCAP --folder rendered

Twelve held-out motions, each by one body, filmed by cameras of 40, 60 and 80 degrees from the same side, at such a
distance that the person is as large in every picture. They are rendered once (extra [synth]) and kept in the folder,
as are the detections.
Ours runs with the default settings: body height not told, field of view the default or, in a second row, told; one row
has the true keypoints instead of a detector's. Errors in mm over the twelve limb joints (shoulders to ankles) about the
middle of the hips: MPJPE, P-MPJPE (best similarity of every frame), MPJVE (per frame); ours also over all 17 joints
about the pelvis. Only frames count in which all found the person. The rows "2D right" leave out clips in which the
detector's limb joints are off by more than 5 % of the stature (somebody seen from behind taken for turned round): there
all guess. Heading: mean angle between the true and the found way of the pelvis over half a second, where it is longer
than 10 cm; place: mean distance of the pelvis from where it is, in % of its distance.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _end_to_end_clips import FIELDS, MOTIONS, render_missing
from numpy.typing import NDArray

from videopose3d.config import DetectConfig, LiftConfig
from videopose3d.metrics import mpjpe, mpjve, p_mpjpe
from videopose3d.pipeline.detect import detect
from videopose3d.pipeline.infer import lift_keypoints
from videopose3d.result_file import load_result, save_result
from videopose3d.skeleton import BLAZEPOSE33, COCO17, H36M17, LIMB_JOINTS
from videopose3d.types import Keypoints2D, Result
from videopose3d.video import read_frames

Array = NDArray[Any]
LIMBS = H36M17.indices(LIMB_JOINTS)
HIPS = [LIMB_JOINTS.index(f"{side}_hip") for side in ("left", "right")]
HALF_SECOND, SHORTEST_WAY, RIGHT = 12, 0.10, 0.05
MEDIAPIPE, FLAT, PERFECT = "MediaPipe world", "depth-zero guess", "ours, true 2D, fov told"


def centred(limbs: Array) -> Array:
    middle: Array = limbs - limbs[:, HIPS].mean(1, keepdims=True)
    return middle


def mediapipe_world(video: Path) -> Array:
    """(T, 12, 3) MediaPipe's world landmarks [m], NaN where it found nobody; kept beside the clip."""
    kept = video.with_suffix(".world.npy")
    if not kept.exists():
        import mediapipe

        limbs, poses = BLAZEPOSE33.indices(LIMB_JOINTS), []
        with mediapipe.solutions.pose.Pose(model_complexity=1, smooth_landmarks=False) as network:
            for frame in read_frames(video):
                found = network.process(frame).pose_world_landmarks
                points = [(p.x, p.y, p.z) for p in found.landmark] if found else np.full((33, 3), np.nan)
                poses.append(np.asarray(points)[limbs])
        np.save(kept, np.stack(poses))
    world: Array = np.load(kept)
    return world


def keypoints_of(video: Path, detector: str) -> Keypoints2D:
    """The 2D stage, kept beside the clip; delete ``*.keypoints.npz`` when detectors or cleaning have changed."""
    kept = video.with_suffix(f".{detector.replace('/', '_').replace(':', '_')}.keypoints.npz")
    if not kept.exists():
        save_result(Result(detect(video, DetectConfig(detector=detector, parts=1, person="main"))), kept)
    return load_result(kept).keypoints


def measure(video: Path, fov: int, detectors: list[str], lifter: str) -> dict[str, Any]:
    """Poses of every way of finding them on one clip, and the truth."""
    with np.load(video.with_suffix(".npz"), allow_pickle=False) as file:
        truth = {name: file[name] for name in file.files}
    poses, path = truth["poses_3d"][0].astype(float), truth["trajectory"][0].astype(float)
    found: dict[str, dict[str, Array]] = {}
    for detector in detectors:
        keypoints = keypoints_of(video, detector)
        suffix = "" if len(detectors) == 1 else f" ({detector})"
        for name, degrees in (("ours", LiftConfig().fov), ("ours, fov told", float(fov))):
            found[name + suffix] = ours(keypoints, LiftConfig(lifter=lifter, fov=degrees), len(poses))
        found[FLAT + suffix] = {"limbs": flat(keypoints, truth, len(poses))}
    found[PERFECT] = ours(
        true_keypoints(truth, found_by=keypoints), LiftConfig(lifter=lifter, fov=float(fov)), len(poses)
    )
    found[MEDIAPIPE] = {"limbs": mediapipe_world(video)[: len(poses)]}
    right = error_2d(keypoints, truth) < RIGHT
    kind = str(truth["motion_class"][0])
    return {"found": found, "poses": poses, "path": path, "class": kind, "fov": fov, "right": right}


def error_2d(keypoints: Keypoints2D, truth: dict[str, Array]) -> float:
    """Mean error of the limb joints in shares of the apparent stature."""
    if not keypoints.people:
        return float("inf")
    count = min(keypoints.frames, truth["keypoints_2d"].shape[1])
    chosen = COCO17.indices(LIMB_JOINTS)
    away = (keypoints.points[0, :count] - truth["keypoints_2d"][0, :count])[:, chosen]
    unit = truth["focal"] * truth["height"][0] / truth["trajectory"][0, :count, 2]
    return float(np.nanmean(np.linalg.norm(away, axis=-1) / unit[:, None]))


def true_keypoints(truth: dict[str, Array], found_by: Keypoints2D) -> Keypoints2D:
    """What a detector without any error would have found."""
    points = truth["keypoints_2d"][:1]
    low, high = points.min(2), points.max(2)
    ones = np.ones(points.shape[:3], np.float32)
    boxes = np.concatenate([low, high], -1)
    return replace(found_by, points=points, scores=ones, boxes=boxes, present=ones[..., 0] > 0)


def ours(keypoints: Keypoints2D, config: LiftConfig, frames: int) -> dict[str, Array]:
    nobody = {"all": np.full((frames, 17, 3), np.nan), "path": np.full((frames, 3), np.nan)}
    if keypoints.people:
        result = lift_keypoints(keypoints, config)
        count = min(frames, result.poses_3d.shape[1])
        nobody["all"][:count], nobody["path"][:count] = result.poses_3d[0, :count], result.trajectory[0, :count]
    return {**nobody, "limbs": nobody["all"][:, LIMBS]}


def flat(keypoints: Keypoints2D, truth: dict[str, Array], frames: int) -> Array:
    """(T, 12, 3) the pose parallel to the picture at the true distance of the pelvis, with the true camera."""
    out = np.full((frames, 12, 3), np.nan)
    if keypoints.people:
        count = min(frames, keypoints.frames)
        points = keypoints.points[0, :count][:, COCO17.indices(LIMB_JOINTS)]
        depth = truth["trajectory"][0, :count, 2, None, None]
        out[:count] = np.concatenate(
            [(points - truth["center"]) / truth["focal"] * depth, depth + 0 * points[..., :1]], -1
        )
    return out


def scores(clips: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Errors of every way over some clips, frames weighted alike."""
    out: dict[str, dict[str, float]] = {}
    for name in clips[0]["found"]:
        sums: dict[str, list[tuple[float, float]]] = {}
        for clip in clips:
            seen = np.logical_and.reduce([np.isfinite(f["limbs"]).all((1, 2)) for f in clip["found"].values()])
            for key, value in of_clip(clip, clip["found"][name], seen).items():
                sums.setdefault(key, []).append((value, float(seen.sum())))
        out[name] = {
            key: float(np.average([v for v, _ in pairs], weights=[w for _, w in pairs]))
            for key, pairs in sums.items()
            if sum(w for _, w in pairs)
        }
    return out


def of_clip(clip: dict[str, Any], found: dict[str, Array], seen: Array) -> dict[str, float]:
    values = {"found": float(np.isfinite(found["limbs"]).all((1, 2)).mean())}
    if seen.sum() < 3:
        return values
    pair = centred(found["limbs"][seen]), centred(clip["poses"][seen][:, LIMBS])
    values |= {"mpjpe": mpjpe(*pair), "p_mpjpe": p_mpjpe(*pair), "mpjve": mpjve(*pair)}
    if "all" in found:
        whole = found["all"][seen], clip["poses"][seen]
        values |= {"mpjpe_17": mpjpe(*whole), "p_mpjpe_17": p_mpjpe(*whole)}
        path, true = found["path"][seen], clip["path"][seen]
        values["place"] = float(np.nanmean(np.linalg.norm(path - true, axis=1) / np.linalg.norm(true, axis=1)) * 100)
        ways = [p[HALF_SECOND:] - p[:-HALF_SECOND] for p in (clip["path"], found["path"])]
        lengths = [np.linalg.norm(way, axis=1) for way in ways]
        far = (lengths[0] > SHORTEST_WAY) & np.isfinite(lengths[1])
        if far.any():
            cosine = (ways[0] * ways[1]).sum(1)[far] / (lengths[0] * lengths[1])[far]
            values["heading"] = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())
    return values


COLUMNS = ("mpjpe", "p_mpjpe", "mpjve", "mpjpe_17", "p_mpjpe_17", "place", "heading", "found")


def table(groups: dict[str, dict[str, dict[str, float]]]) -> str:
    """The scores as a table of markdown."""
    heads = ("MPJPE", "P-MPJPE", "MPJVE", "MPJPE 17", "P-MPJPE 17", "place %", "heading deg", "found")
    lines = ["| clips | method | " + " | ".join(heads) + " |", "|" + "---|" * (len(heads) + 2)]
    for group, rows in groups.items():
        for name, row in rows.items():
            cells = [
                f"{row[c]:.2f}" if c == "found" and c in row else f"{row[c]:.1f}" if c in row else "" for c in COLUMNS
            ]
            lines.append(f"| {group} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(mocap: Path, folder: Path, detectors: list[str], lifter: str, count: int = len(MOTIONS)) -> dict[str, Any]:
    """Scores of every field of view, every class of motion and all clips; renders what is missing."""
    wanted = render_missing(folder, mocap, count)
    clips = [measure(video, fov, detectors, lifter) for video, _, fov in wanted]
    groups = {f"{fov} degrees": [c for c in clips if c["fov"] == fov] for fov in FIELDS}
    groups |= {kind: [c for c in clips if c["class"] == kind] for kind in dict.fromkeys(c["class"] for c in clips)}
    groups |= {"2D right": [c for c in clips if c["right"]], "all": clips}
    return {name: scores(group) for name, group in groups.items() if group}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mocap", type=Path, help="Folder of motion capture sets, or a library (.npz) of it.")
    parser.add_argument("--folder", type=Path, default=Path("end_to_end"), help="Keeps the rendered clips.")
    parser.add_argument("--detector", action="append", help="Detectors (default: mediapipe).")
    parser.add_argument("--lifter", default=LiftConfig().lifter, help="Name or file of the lifter.")
    parser.add_argument("--motions", type=int, default=len(MOTIONS), help="Only the first motions.")
    parser.add_argument("--json", type=Path, help="Write the scores here, too.")
    options = parser.parse_args()
    found = run(options.mocap, options.folder, options.detector or ["mediapipe"], options.lifter, options.motions)
    sys.stdout.write(table(found) + "\n")
    for group in ("all", "2D right"):
        for name in ("mpjpe", "p_mpjpe", "mpjve") if group in found else ():
            rows = found[group]
            better = 1 - next(row[name] for key, row in rows.items() if key.startswith("ours")) / rows[MEDIAPIPE][name]
            sys.stdout.write(f"{group}, {name}: ours is {better:.0%} below MediaPipe's world landmarks\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
