"""Lifters on real clips: contact sheets to look at, and how much the poses shake.

    python tools/real_clips.py CLIPS -o SHEETS [--lifter A --lifter B] [--clip NAME]...

For every clip of a folder SHEETS gets ``CLIP.png``, moments of it with the 2D keypoints and, for every lifter, the 3D
pose turned a little and from the side, everybody in one place; and ``jitter.md`` and ``jitter.json``, the mean length
of the second differences of the joints. People are found once per clip and kept in SHEETS/.videopose3d, so that other
weights take seconds; delete that folder to have them found anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from videopose3d.config import DetectConfig, LiftConfig, RenderConfig
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.files import replacing
from videopose3d.pipeline.detect import detect
from videopose3d.pipeline.infer import lift_keypoints
from videopose3d.pipeline.stages import StageFiles
from videopose3d.render import Composer, Layout
from videopose3d.render.text import stamp, stencil
from videopose3d.skeleton import Skeleton
from videopose3d.types import Array, Frame, Keypoints2D, Result
from videopose3d.video import open_pictures, read_frames
from videopose3d.weights.store import find_lifter

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
VIEW = RenderConfig(second_view="side")
_HEADER, _TEXT = 28, (235, 235, 235)
_APART, _AWAY = 1.2, 4.0  # m


@dataclass(frozen=True)
class Shaking:
    """What can be measured without a truth; means over people, NaN where there is nothing to measure.

    Attributes:
        posed: Share of the frames with a pose.
        raw, smoothed: Second differences of the joints about the pelvis, not smoothed and by default [mm/frame^2].
        path: The same of the pelvis in the camera's axes, by default.
        bones: Standard deviation of a bone's length over time, mean over bones, by default [share of the mean].
        keypoints: Second differences of the 2D keypoints that were lifted [share of the person's box / frame^2].
    """

    posed: float
    raw: float
    smoothed: float
    path: float
    bones: float
    keypoints: float


# --- figures


def shaking(raw: Result, smoothed: Result) -> Shaking:
    """The figures of one clip, lifted without and with smoothing."""
    poses, path, kp = smoothed.poses_3d, smoothed.trajectory, smoothed.keypoints
    relative = [person / extent(person) for person in kp.points.astype(float) if np.isfinite(extent(person))]
    return Shaking(
        posed=float(np.isfinite(poses).all((-1, -2)).any(0).mean()) if len(poses) else 0.0,
        raw=1000 * second_difference(raw.poses_3d),
        smoothed=1000 * second_difference(poses),
        path=1000 * second_difference(path[:, :, None]),
        bones=bone_variation(poses, smoothed.poses.skeleton) if smoothed.poses else float("nan"),
        keypoints=second_difference(np.stack(relative)) if relative else float("nan"),
    )


def second_difference(points: Array) -> float:
    """Mean length of the second differences over time of (P, T, J, D), where all three frames are there."""
    lengths = np.linalg.norm(np.diff(points.astype(float), 2, axis=1), axis=-1)
    known = np.isfinite(lengths)
    return float(lengths[known].mean()) if known.any() else float("nan")


def extent(points: Array) -> float:
    """The larger side of the box around a person's keypoints (T, J, 2), median over time [px]; NaN if never seen."""
    seen = points[np.isfinite(points).all((-1, -2))]
    return float(np.median(np.ptp(seen, axis=1).max(-1))) if len(seen) else float("nan")


def bone_variation(poses: Array, skeleton: Skeleton) -> float:
    """Standard deviation of the bones' lengths over time by their mean, of (P, T, J, 3); mean over bones and people."""
    near, far = np.array(skeleton.bone_indices).T
    shares = []
    for person in poses.astype(float):
        there = np.isfinite(person).all((-1, -2))
        if there.sum() > 1:
            lengths = np.linalg.norm(person[there][:, near] - person[there][:, far], axis=-1)
            shares.append((lengths.std(0) / lengths.mean(0)).mean())
    return float(np.mean(shares)) if shares else float("nan")


def table(figures: Mapping[str, Mapping[str, Shaking]]) -> str:
    """Markdown: a row per clip and lifter."""
    head = ("clip", "lifter", "frames with poses", "raw", "by default", "path", "bone lengths", "2D")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for clip, lifters in figures.items():
        for lifter, s in lifters.items():
            cells = [clip, lifter, f"{100 * s.posed:.1f} %", f"{s.raw:.2f}", f"{s.smoothed:.2f}", f"{s.path:.1f}"]
            cells += [f"{100 * s.bones:.1f} %", f"{100 * s.keypoints:.2f} %"]
            lines.append("| " + " | ".join(cells) + " |")
    said = (
        "Second differences of the joints about the pelvis, raw and by default, and of the pelvis' path by default "
        "[mm/frame^2]; standard deviation of a bone's length; second differences of the 2D keypoints in shares of the "
        "person's extent in the picture."
    )
    return "\n".join([*lines, "", said, ""])


# --- sheets


def sheet(results: Mapping[str, Result], clip: Path, moments: int, height: int) -> Frame:
    """A picture of moments of a clip, evenly spaced over the frames with people, with the poses of every lifter."""
    first = next(iter(results.values()))
    chosen = moments_of(first.keypoints, moments)
    wide = 2 * round(height * first.keypoints.size[0] / first.keypoints.size[1] / 2)
    panels = []
    for number, result in enumerate(map(in_place, results.values())):
        left = 0 if number else wide
        scenes = tuple((left + n * height, 0, height, height) for n in range(2))
        layout = Layout((left + 2 * height, height), (0, 0, wide, height) if not number else None, scenes)
        panels.append(Composer(result, layout, VIEW))
    rows = []
    for frame, picture in enumerate(read_frames(clip, size=(wide, height))):
        if frame in chosen:
            rows.append(np.hstack([panel.draw(frame, picture, panel.canvas()) for panel in panels]))
    if not rows:
        raise InputError("no frame of it can be shown", where=clip, fix="Is it the clip that was watched?")
    columns = 2 if len(results) == 1 else 1
    rows += [np.zeros_like(rows[0])] * (-len(rows) % columns)
    body = np.vstack([np.hstack(rows[n : n + columns]) for n in range(0, len(rows), columns)])
    header = np.zeros((_HEADER, body.shape[1], 3), np.uint8)
    for number, name in enumerate(results):
        stamp(header, stencil(f"{clip.stem}: {name}", 16), (wide + 2 * height * number + 8, 4), _TEXT)
    return np.vstack([header, body])


def in_place(result: Result) -> Result:
    """The result with everybody standing still, who is seen at once side by side: so that the poses are large."""
    assert result.poses is not None
    there = np.isfinite(result.trajectory).all(-1)
    places = np.zeros_like(result.trajectory)
    places[..., 0] = _APART * (np.cumsum(there, axis=0) - 1)
    places[..., 2] = _AWAY
    places[~there] = np.nan
    return replace(result, poses=replace(result.poses, trajectory=places), world=None)


def moments_of(keypoints: Keypoints2D, count: int) -> list[int]:
    """Frames evenly spaced over those in which somebody is; over all where nobody is in any."""
    frames = np.flatnonzero(keypoints.placed.any(0)) if keypoints.people else np.zeros(0, int)
    frames = frames if len(frames) else np.arange(keypoints.frames)
    at = np.linspace(0, len(frames) - 1, min(count, len(frames)))
    return [int(frame) for frame in frames[np.rint(at).astype(int)]]


# --- the way


def look_at(clip: Path, folder: Path, lifters: Sequence[str], given: argparse.Namespace) -> dict[str, Shaking]:
    """Write the sheet of a clip; the figures of every lifter."""
    print(clip.name, file=sys.stderr)
    config = DetectConfig(detector=given.detector)
    stages = StageFiles(folder, clip, reuse=True)
    found = stages.finished("detect", config, lambda: Result(detect(clip, config)))
    keypoints = replace(found.keypoints, source=str(clip))
    results, figures = {}, {}
    for lifter in lifters:
        smoothed = lift_keypoints(keypoints, LiftConfig(lifter=lifter, fov=given.fov))
        raw = lift_keypoints(keypoints, LiftConfig(lifter=lifter, fov=given.fov, smooth=0))
        results[_name(lifter)] = smoothed
        figures[_name(lifter)] = shaking(raw, smoothed)
    with open_pictures(folder / f"{clip.stem}.png") as writer:
        writer.write(sheet(results, clip, given.moments, given.height))
    return figures


def _name(lifter: str) -> str:
    return Path(lifter).stem


def clips_in(folder: Path, names: Sequence[str]) -> list[Path]:
    """The videos of a folder, or those named (without suffix).

    Raises:
        InputError: There are none.
    """
    clips = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES]
    chosen = [path for path in clips if not names or path.stem in names]
    missing = set(names) - {path.stem for path in clips}
    if missing or not chosen:
        what = f"no clip {sorted(missing)[0]}" if missing else "no clips"
        raise InputError(what, where=folder, fix=f"There are {', '.join(path.stem for path in clips) or 'no videos'}.")
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="folder of the clips")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="SHEETS")
    parser.add_argument("--lifter", action="append", metavar="NAME", help="name or file of weights; may be given again")
    parser.add_argument("--detector", default=DetectConfig.detector)
    parser.add_argument("--clip", action="append", metavar="NAME", help="only this clip; may be given again")
    parser.add_argument("--fov", type=float, default=None)
    parser.add_argument("--moments", type=int, default=12)
    parser.add_argument("--height", type=int, default=300, help="of one moment [px]")
    given = parser.parse_args()
    lifters = given.lifter or [LiftConfig.lifter]
    try:
        if len({_name(lifter) for lifter in lifters}) < len(lifters):
            raise InputError("two lifters of one name", where="--lifter", fix="Rename a file: names tell them apart.")
        for lifter in lifters:
            find_lifter(lifter)
        clips = clips_in(given.clips, given.clip or [])
        given.out.mkdir(parents=True, exist_ok=True)
        figures = {clip.stem: look_at(clip, given.out, lifters, given) for clip in clips}
    except VideoPose3DError as error:
        sys.exit(str(error))
    values = {clip: {name: asdict(s) for name, s in by.items()} for clip, by in figures.items()}
    for name, text in {"jitter.md": table(figures), "jitter.json": json.dumps(values, indent=1)}.items():
        with replacing(given.out / name) as partial:
            partial.write_text(text, encoding="utf-8")
    print(table(figures))


if __name__ == "__main__":
    main()
