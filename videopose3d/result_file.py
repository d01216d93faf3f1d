"""The result file: one plain npz (format ``videopose3d/1``) that every command reads and writes.

Keys and shapes are listed in docs/result_file.md. Nothing in it is pickled, and nothing pickled is read.
"""

from __future__ import annotations

import os
from dataclasses import astuple
from fractions import Fraction
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from videopose3d import __version__
from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.files import replacing
from videopose3d.skeleton import skeleton_of
from videopose3d.types import FloatArray, Keypoints2D, Lens, MotionQuality, Poses3D, Result, World

FORMAT = "videopose3d/1"
_NEEDED = ("keypoints_2d", "keypoint_names", "fps", "size")
_NEEDED_3D = ("trajectory", "joint_names")
_WORLD = ("poses_world", "ground", "world_from_camera", "contacts")


def save_result(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the result file, atomically.

    Raises:
        OutputError: The place cannot be written.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **_arrays(result))


def _arrays(result: Result) -> dict[str, Any]:
    kp = result.keypoints
    arrays: dict[str, Any] = {
        "format": FORMAT,
        "keypoints_2d": kp.points.astype(np.float32),
        "keypoints_score": kp.scores.astype(np.float32),
        "boxes": kp.boxes.astype(np.float32),
        "present": kp.present.astype(bool),
        "keypoint_names": np.array(kp.skeleton.joints),
        "fps": np.array([kp.fps.numerator, kp.fps.denominator], np.int64),
        "size": np.array(kp.size, np.int64),
        "source": kp.source,
        "detector": kp.detector,
        "version": __version__,
    }
    if result.poses is not None:
        arrays |= {
            "poses_3d": result.poses.poses.astype(np.float32),
            "trajectory": result.poses.trajectory.astype(np.float32),
            "joint_names": np.array(result.poses.skeleton.joints),
            "parents": np.array(result.poses.skeleton.parents, np.int32),
            "lifter": result.poses.lifter,
        }
    if result.lens is not None:
        arrays |= {
            "camera_matrix": result.lens.matrix.astype(np.float64),
            "distortion": result.lens.distortion.astype(np.float64),
            "camera": result.lens.origin,
        }
    if result.world is not None:
        arrays |= {
            "poses_world": result.world.poses.astype(np.float32),
            "ground": result.world.ground.astype(np.float64),
            "world_from_camera": result.world.world_from_camera.astype(np.float64),
            "contacts": result.world.contacts.astype(bool),
        }
    if result.refinement is not None:
        arrays["refinement"] = np.array([astuple(quality) for quality in result.refinement])
    numbers = {"focal": result.focal, "height": result.height, "focal_35mm": kp.focal_35mm}
    arrays |= {name: np.float64(value) for name, value in numbers.items() if value is not None}
    return arrays


def load_result(path: str | os.PathLike[str]) -> Result:
    """Read a result file; missing optional keys mean score 1 and everyone present.

    Raises:
        InputError: There is no such file.
        FileFormatError: It is not a result file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, fix="Give a result file written by detect, lift or infer.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
            data = {key: npz[key] for key in npz.files}
    except Exception as error:  # a damaged file raises what it likes: of NumPy, zipfile, zlib, ...
        raise _not_ours(path, "not a readable npz file") from error
    needed = list(_NEEDED)
    needed += _NEEDED_3D if "poses_3d" in data else ()
    needed += ("poses_3d", *_WORLD) if "poses_world" in data else ()
    if missing := [key for key in needed if key not in data]:
        raise _not_ours(path, f"no {', '.join(missing)} in it")
    if str(data.get("format", FORMAT)) != FORMAT:
        raise _not_ours(path, f"its format is {data['format']}, this version reads {FORMAT}")
    try:
        return _result(data)
    except (SkeletonMismatchError, AttributeError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise _not_ours(path, f"its arrays do not fit together ({error})") from error


def _result(data: dict[str, np.ndarray[Any, Any]]) -> Result:
    points = data["keypoints_2d"].astype(np.float32)
    seen = np.isfinite(points).all(-1)
    fps = Fraction(index(data["fps"][0]), index(data["fps"][1]))
    size = (index(data["size"][0]), index(data["size"][1]))
    if fps <= 0 or min(size) <= 0:
        raise ValueError(f"{fps} frames per second, {size[0]} x {size[1]} px")
    boxes = data["boxes"].astype(np.float32) if "boxes" in data else boxes_around(points)
    keypoints = Keypoints2D(
        points=points,
        scores=data["keypoints_score"].astype(np.float32) if "keypoints_score" in data else seen.astype(np.float32),
        boxes=boxes,
        present=data["present"].astype(bool) if "present" in data else seen.any(-1),
        skeleton=skeleton_of(data["keypoint_names"].tolist()),
        fps=fps,
        size=size,
        source=str(data.get("source", "")),
        detector=str(data.get("detector", "")),
        focal_35mm=_number(data, "focal_35mm"),
    )
    poses = world = None
    if "poses_3d" in data:
        poses = Poses3D(
            poses=data["poses_3d"].astype(np.float32),
            trajectory=data["trajectory"].astype(np.float32),
            skeleton=skeleton_of(data["joint_names"].tolist()),
            lifter=str(data.get("lifter", "")),
        )
    if "poses_world" in data:
        world = World(
            poses=data["poses_world"].astype(np.float32),
            ground=data["ground"].astype(np.float64),
            world_from_camera=data["world_from_camera"].astype(np.float64),
            contacts=data["contacts"].astype(bool),
        )
    lens = refinement = None
    if "camera_matrix" in data and "distortion" in data:
        matrix, distortion = (data[key].astype(np.float64) for key in ("camera_matrix", "distortion"))
        lens = Lens(matrix, distortion, str(data.get("camera", "")))
    if "refinement" in data:
        before, after = data["refinement"].astype(np.float64).tolist()
        refinement = MotionQuality(*before), MotionQuality(*after)
    return Result(
        keypoints,
        poses,
        focal=_number(data, "focal"),
        height=_number(data, "height"),
        world=world,
        refinement=refinement,
        lens=lens,
    )


def _number(data: dict[str, np.ndarray[Any, Any]], name: str) -> float | None:
    return float(data[name]) if name in data else None


def boxes_around(points: FloatArray) -> FloatArray:
    """(..., 4) x0, y0, x1, y1 [px] of the finite points (..., J, 2); NaN where there are none."""
    low = np.where(np.isnan(points), np.inf, points).min(-2)
    high = np.where(np.isnan(points), -np.inf, points).max(-2)
    boxes: FloatArray = np.concatenate([low, high], -1).astype(np.float32)
    boxes[~np.isfinite(boxes)] = np.nan
    return boxes


def _not_ours(path: Path, why: str) -> FileFormatError:
    return FileFormatError(why, where=path, fix="Give a result file written by videopose3d detect, lift or infer.")
