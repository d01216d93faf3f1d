"""Motion in the world against the truth: ground, path, feet, jitter and poses, without and with refinement.

    python benchmarks/world.py MOTIONS [--lifter open] [--out docs/results_world.md]

MOTIONS is a folder of motion capture sets or a library made from one (docs/lifter.md). People of the test split are
seen by virtual cameras that stand still (`_world_clips.py`), with the errors of a detector; the bundled clip is seen by
MediaPipe, where that is installed. Takes one or two minutes of one core. Definitions: docs/world.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from _world_clips import FPS, Clip, clips
from numpy.typing import NDArray

from videopose3d.config import LiftConfig
from videopose3d.datasets.mocap import build_library, load_library
from videopose3d.errors import MissingDependencyError
from videopose3d.files import replacing
from videopose3d.metrics import acceleration_error, mpjpe, mpjve, p_mpjpe
from videopose3d.pipeline.demo import demo_clip, load_truth
from videopose3d.pipeline.detect import detect
from videopose3d.pipeline.lift import lift_keypoints
from videopose3d.skeleton import H36M17
from videopose3d.types import Poses3D, Result
from videopose3d.world.contacts import standing
from videopose3d.world.ground import ANKLE, find_ground, heights
from videopose3d.world.place import ankles, world_axes

Array = NDArray[np.float64]

FEET = H36M17.indices(("left_ankle", "right_ankle"))
TRAVELS = 0.5
"""Somebody who goes less far in a second than this has no direction [m]."""


@dataclass(frozen=True)
class Figures:
    """Of one clip, or means over clips; NaN where there is nothing to measure.

    Attributes:
        mpjpe, p_mpjpe: [mm].
        mpjve: Error of the velocity of joints relative to the pelvis [mm/frame].
        acceleration: Error of the acceleration of joints in space [mm/frame^2].
        jitter: Mean second difference of joints in space [mm/frame^2].
        sliding: Mean way of a foot per frame while it truly stands [mm].
        place: Mean distance of the pelvis from where it is [mm].
        direction: Mean angle between the true and the found way of the pelvis in a second, on the ground [degrees].
        gravity: Angle between the true and the found vertical [degrees].
        height: Mean error of the pelvis' height above the ground [mm].
    """

    mpjpe: float
    p_mpjpe: float
    mpjve: float
    acceleration: float
    jitter: float
    sliding: float
    place: float
    direction: float
    gravity: float
    height: float


HEAD = (
    "| | MPJPE / P-MPJPE [mm] | MPJVE [mm/frame] | feet slide [mm per contact frame] | jitter [mm/frame²] | "
    "acceleration error [mm/frame²] | pelvis off [mm] | direction off [°] | vertical off [°] | height off [mm] |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def row(name: str, f: Figures) -> str:
    """One line below `HEAD`."""
    cells = [
        f"{f.mpjpe:.1f} / {f.p_mpjpe:.1f}", f"{f.mpjve:.1f}", f"{f.sliding:.1f}", f"{f.jitter:.1f}",
        f"{f.acceleration:.1f}", f"{f.place:.0f}", f"{f.direction:.1f}", f"{f.gravity:.1f}", f"{f.height:.0f}",
    ]  # fmt: skip
    return f"| {name} | {' | '.join('' if 'nan' in cell else cell for cell in cells)} |"


def figures(result: Result, joints: Array, ground: Array) -> Figures:
    """Of the main person of a result, against true joints (T, 17, 3) and the true ground in camera axes."""
    assert result.world is not None
    poses = result.poses_3d[0].astype(np.float64)
    path = result.trajectory[0].astype(np.float64)
    space, truth = poses + path[:, None], joints - joints[:, :1]
    stand = truly_standing(joints, ground, result.fps)
    found = result.world.world_from_camera
    return Figures(
        mpjpe=mpjpe(poses, truth),
        p_mpjpe=p_mpjpe(poses, truth),
        mpjve=mpjve(poses, truth),
        acceleration=acceleration_error(space, joints),
        jitter=jitter(space),
        sliding=sliding(space, stand),
        place=1000 * float(np.linalg.norm(path - joints[:, 0], axis=-1).mean()),
        direction=direction(path @ found[:, :3].T, joints[:, 0] @ world_axes(ground)[:, :3].T, float(result.fps)),
        gravity=float(np.degrees(np.arccos(np.clip(result.world.ground[:3] @ ground[:3], -1, 1)))),
        height=1000 * float(np.abs(heights(path, result.world.ground) - heights(joints[:, 0], ground)).mean()),
    )


def of_truth(joints: Array, ground: Array, fps: Fraction) -> Figures:
    """What of `figures` the truth itself has: it slides a little, and moves."""
    nothing = Figures(*[float("nan")] * 10)
    return replace(nothing, jitter=jitter(joints), sliding=sliding(joints, truly_standing(joints, ground, fps)))


def truly_standing(joints: Array, ground: Array, fps: Fraction) -> NDArray[np.bool_]:
    """(T, 2) contacts, as defined for results, from the true places of the feet."""
    feet = joints[:, FEET]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * float(fps)
    return standing(speed[None], heights(feet, ground)[None] - ANKLE)[0]


def sliding(space: Array, stand: NDArray[np.bool_]) -> float:
    both = stand[1:] & stand[:-1]
    way = np.linalg.norm(np.diff(space[:, FEET], axis=0), axis=-1)
    return 1000 * float(way[both].mean()) if both.any() else float("nan")


def jitter(space: Array) -> float:
    return 1000 * float(np.linalg.norm(np.diff(space, 2, axis=0), axis=-1).mean())


def direction(found: Array, true: Array, fps: float) -> float:
    """Mean angle between ways in a second along the ground [degrees], of (T, 3) in world axes."""
    second = round(fps)
    one, other = ((path[second:] - path[:-second])[:, :2] for path in (true, found))
    far = np.linalg.norm(one, axis=-1) > TRAVELS
    if far.sum() < second / 2:
        return float("nan")
    one, other = one[far], other[far]
    lengths = np.linalg.norm(one, axis=-1) * np.maximum(np.linalg.norm(other, axis=-1), 1e-9)
    return float(np.degrees(np.arccos(np.clip((one * other).sum(-1) / lengths, -1, 1))).mean())


def mean(parts: list[Figures]) -> Figures:
    """Over clips, of what each has."""
    values = np.array([astuple(part) for part in parts])
    known = np.isfinite(values)
    sums = np.where(known, values, 0).sum(0)
    return Figures(*np.where(known.any(0), sums / np.maximum(known.sum(0), 1), np.nan).tolist())


def synthetic(seen: list[Clip], lifter: str, single: str | None) -> Iterator[str]:
    """The tables of the virtual cameras."""
    settings: dict[str, dict[str, Any]] = {
        "without": {"refine": False},
        "refined": {},
        "refined, field of view guessed": {"focal": None},
    }
    smoothing: dict[str, dict[str, Any]] = {
        "raw": {"smooth": 0.0, "refine": False},
        "savgol": {"refine": False},
        "one-euro": {"smooth_filter": "one-euro", "refine": False},
    }
    if single:
        smoothing["raw, a lifter of one frame"] = {"smooth": 0.0, "refine": False, "lifter": single}
    found: dict[str, list[Figures]] = {"truth": [of_truth(c.joints, c.ground, c.keypoints.fps) for c in seen]}
    seconds: dict[str, float] = {}
    for name, setting in (settings | smoothing).items():
        started = process_time()
        found[name] = []
        for clip in seen:
            values: dict[str, Any] = {"lifter": lifter, "focal": clip.camera.focal, **setting}
            config = LiftConfig(**values)
            found[name].append(figures(lift_keypoints(clip.keypoints, config), clip.joints, clip.ground))
        seconds[name] = process_time() - started
    frames = sum(len(clip.joints) for clip in seen)
    took = (seconds["refined"] - seconds["without"]) / frames * 300
    yield f"\nOver {len(seen)} clips, {frames} frames; refinement takes {took:.2f} s of one core for 300 frames.\n"
    yield HEAD
    yield from (row(name, mean(found[name])) for name in (*settings, "truth"))
    yield "\nBy set, without / refined:\n"
    yield HEAD
    for dataset in sorted({clip.dataset for clip in seen}):
        of_set = [i for i, clip in enumerate(seen) if clip.dataset == dataset]
        for name in ("without", "refined"):
            yield row(f"{dataset} ({len(of_set)}), {name}", mean([found[name][i] for i in of_set]))
    yield "\nSmoothing alone (`--no-refine`):\n"
    yield HEAD
    yield from (row(name, mean(found[name])) for name in smoothing)


def bundled(lifter: str) -> Iterator[str]:
    """The table of the bundled clip."""
    truth = load_truth()
    joints = truth.poses + truth.trajectory[:, None]
    with demo_clip() as clip:
        try:
            keypoints = detect(clip)
        except MissingDependencyError:
            yield "\n(MediaPipe is not installed: the bundled clip was left out.)"
            return
    true_poses = Poses3D(truth.poses[None].astype(np.float32), truth.trajectory[None].astype(np.float32), H36M17)
    ground, _ = find_ground(true_poses, ankles(true_poses), keypoints.fps)
    yield HEAD
    for name, refine in (("without", False), ("refined", True)):
        result = lift_keypoints(keypoints, LiftConfig(lifter=lifter, refine=refine))
        yield row(name, figures(result, joints, ground))
    yield row("truth", of_truth(joints, ground, keypoints.fps))


PAGE = """# Results: motion in the world

Made by `python benchmarks/world.py MOTIONS`; lifter: `{lifter}`. What a contact is: [world.md](world.md).

| | |
|---|---|
| feet slide | mean way of an ankle per frame while the true foot is in contact |
| jitter | mean second difference of all joints in space; the truth has some, too |
| acceleration error | mean difference of the joints' second differences in space from the true ones |
| pelvis off | mean distance of the pelvis from where it is, nearly all of it in depth |
| direction off | mean angle, from above, between the true and the found way of the pelvis in a second (0.5 m or more) |
| vertical off | angle between the true vertical and the ground's normal |
| height off | mean error of the pelvis' height above the ground |

## Motion capture seen by virtual cameras

People that the lifter was not trained on, scaled to 1.70 m, up to ten seconds at {fps} frames/s, each seen by a camera
that stands still (40 to 80 degrees, looking down 6 degrees on average, spread 13, rolled by 6) and a detector's errors.
The focal length is told, except where that is said to be guessed (60 degrees). What counts how much in the refinement
(a dozen round numbers) was chosen looking at these people and at those of the validation split.
"""
DEMO = """
## The bundled clip, seen by MediaPipe

170 frames; neither the person's height nor the camera is told. The true ground is what our method finds from the true
poses.
"""


def page(seen: list[Clip], lifter: str, single: str | None) -> Iterator[str]:
    """The lines of docs/results_world.md."""
    yield PAGE.format(lifter=lifter, fps=FPS)
    yield from synthetic(seen, lifter, single)
    yield DEMO
    yield from bundled(lifter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="?")
    parser.add_argument("--lifter", default=LiftConfig.lifter)
    parser.add_argument("--single", help="a lifter of one frame, for comparison, as in accuracy.py")
    parser.add_argument("--split", default="test", choices=["train", "validation", "test"])
    parser.add_argument("--clips", type=int, default=14, help="of every set")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.motions is None:  # `make bench` on a machine without the data
        print("left out: give the folder of motion capture sets")
        return
    library = build_library(given.motions) if given.motions.is_dir() else load_library(given.motions)
    lines = []
    seen = list(clips(library.select(given.split), given.clips, seconds=10.0))
    for line in page(seen, given.lifter, given.single):
        print(line, flush=True)
        lines.append(line)
    if given.out:
        with replacing(given.out) as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
