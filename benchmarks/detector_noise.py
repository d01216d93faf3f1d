"""What a 2D detector makes of people whose every keypoint is known: the errors that training has to imitate.

    videopose3d synth mocap/ -o held_out --clips 40 --seconds 1.6 --seed 11
    python benchmarks/detector_noise.py held_out --detector mediapipe --json docs/detector_noise.json

Reads clips rendered by ``videopose3d synth`` with one person each, runs the detector as the package runs it (frames in
order, no cleaning afterwards), and compares with the COCO keypoints of the truth. Errors are in thousandths of the
person's apparent stature (focal length x stature / distance of the pelvis), offsets in mm of a person of 1.70 m, in
axes forward, outward, up of the part of the body. Detections are kept beside the clips. ``--motions MOTIONS`` adds the
errors that training windows of these motions have, in the same measure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from videopose3d.config import DetectConfig
from videopose3d.datasets.mocap import read_source
from videopose3d.datasets.virtual import CameraConfig, NoiseConfig, WindowSource, detect, film
from videopose3d.detectors import follows_people
from videopose3d.pipeline.detect import DETAILED, clean_tracks
from videopose3d.pipeline.watch import watch
from videopose3d.pipeline.watch_batches import watch_in_batches
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.video import probe

Array = NDArray[Any]
FACE = COCO17.indices([joint for joint in COCO17.joints if joint.partition("_")[2] in ("", "eye", "ear")])
LIMBS = [j for j in range(17) if j not in FACE]
GROUPS = {
    part: [j for j, joint in enumerate(COCO17.joints) if joint.endswith(part)]
    for part in ("nose", "eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}
SEEN = {"seen": 2, "hidden": 1, "outside": 0}
BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.001)
PARENTS = {"elbow": "shoulder", "wrist": "elbow", "knee": "hip", "ankle": "knee"}


@dataclass(frozen=True)
class Seen:
    """One clip: truth and detection. Errors are detected - true, in shares of the apparent stature.

    Attributes:
        error: (T, 17, 2) NaN where the person was not found.
        score: (T, 17)
        state: (T, 17) 0 outside, 1 hidden, 2 seen.
        axes: (T, 17, 3, 2) forward, outward, up of a joint's part of the body in the picture, of unit length in space.
        swapped: (T,) left and right were exchanged.
        kind: Class of the motion.
    """

    error: Array
    score: Array
    state: Array
    axes: Array
    swapped: Array
    kind: str

    @property
    def found(self) -> Array:
        """(T,) the person was found."""
        return np.isfinite(self.error[:, 0, 0])


def detections(video: Path, detector: str, cleaned: bool) -> tuple[Array, Array]:
    """(T, 17, 2) [px] and (T, 17) of the main person."""
    config, info = DetectConfig(detector=detector, parts=1), probe(video)
    label = detector.replace(":", "_").replace("+", "_").replace("/", "_").replace("=", "_")
    kept = video.parent / f"{video.stem}.{label}.{'cleaned' if cleaned else 'raw'}.npy"
    if not kept.exists():
        if follows_people(detector):
            seen = watch(info, config, lambda _: None)
        else:
            seen = watch_in_batches(info, config, lambda _stage, _done: None, DETAILED)
        rows = np.full((len(seen), 17, 3), np.nan)
        for t, people in enumerate(seen):
            if people:
                best = max(people, key=lambda person: float(np.prod(person.box[2:] - person.box[:2])))
                rows[t] = np.concatenate([best.keypoints, best.scores[:, None]], 1)
        np.save(kept.parent / f"{video.stem}.{label}.raw.npy", rows)
        tracks = clean_tracks(seen, info, config)
        rows = np.full((len(seen), 17, 3), np.nan)
        if tracks.people:
            rows = np.concatenate([tracks.points[0], tracks.scores[0, ..., None]], -1)
        np.save(kept.parent / f"{video.stem}.{label}.cleaned.npy", rows)
    found = np.load(kept)
    return found[..., :2], found[..., 2]


def read_clip(video: Path, detector: str, cleaned: bool) -> Seen:
    with np.load(video.with_suffix(".npz"), allow_pickle=False) as file:
        truth = {name: file[name] for name in file.files}
    points, score = detections(video, detector, cleaned)
    frames = min(len(points), truth["poses_3d"].shape[1])
    points, score = points[:frames], score[:frames]
    target = truth["keypoints_2d"][0, :frames].astype(float)
    depth = truth["trajectory"][0, :frames, 2].astype(float)
    unit = truth["focal"] * truth["height"][0] / depth
    mirror = list(COCO17.mirror)
    plain, crossed = (np.linalg.norm(p - target, axis=-1)[:, LIMBS].mean(1) for p in (points, points[:, mirror]))
    swapped = (crossed < 0.6 * plain) & (plain > 0.02 * unit)
    points = np.where(swapped[:, None, None], points[:, mirror], points)
    score = np.where(swapped[:, None], score[:, mirror], score)
    error = (points - target) / unit[:, None, None]
    axes = part_axes(truth["poses_3d"][0, :frames].astype(float), truth["keypoints_3d"][0, :frames].astype(float))
    flat = axes[..., :2] / 1.7  # offsets in metres of somebody of 1.70 m
    return Seen(error, score, truth["visibility"][0, :frames], flat, swapped, str(truth["motion_class"][0]))


def part_axes(poses: Array, keypoints: Array) -> Array:
    """(T, 17, 3, 3) rows forward, outward, up of the part each COCO keypoint belongs to, camera axes."""
    at = {name: poses[:, i] for i, name in enumerate(H36M17.joints)}
    coco = {name: keypoints[:, i] for i, name in enumerate(COCO17.joints)}
    ears = (coco["left_ear"] + coco["right_ear"]) / 2
    left_head = coco["left_ear"] - coco["right_ear"]
    head = (left_head, np.cross(coco["nose"] - ears, left_head))
    hips = (at["left_hip"] - at["right_hip"], at["spine"] - at["pelvis"])
    chest = (at["left_shoulder"] - at["right_shoulder"], at["thorax"] - at["spine"])
    out = []
    for name in COCO17.joints:
        side, _, part = name.partition("_")
        part = part or side
        sign = {"left": 1.0, "right": -1.0}.get(side, 1.0)
        left, up = head if part in ("nose", "eye", "ear") else chest if part in ("shoulder", "elbow", "wrist") else hips
        if part in PARENTS:  # up is along the limb
            up = at[f"{side}_{PARENTS[part]}"] - at[name]
            up = up / np.linalg.norm(up, axis=-1, keepdims=True)
            left = left - np.sum(left * up, -1, keepdims=True) * up
        left = left / np.linalg.norm(left, axis=-1, keepdims=True)
        forward = np.cross(left, up)
        forward = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
        out.append(np.stack([forward, sign * left, np.cross(forward, left)], -2))
    return np.stack(out, 1)


# --- figures


def offsets(clips: Sequence[Seen]) -> Array:
    """(17, 3) constant offsets forward, outward, up [m] of somebody of 1.70 m, from joints that are seen; trimmed."""
    found = np.zeros((17, 3))
    for joint in range(17):
        a = np.concatenate([c.axes[:, joint][use(c, joint)] for c in clips])  # (N, 3, 2)
        e = np.concatenate([c.error[:, joint][use(c, joint)] for c in clips])
        keep = np.ones(len(e), bool)
        for _ in range(5):
            design, wanted = np.swapaxes(a[keep], 1, 2).reshape(-1, 3), e[keep].reshape(-1)
            found[joint] = np.linalg.lstsq(design.T @ design + 1e-9 * np.eye(3), design.T @ wanted, rcond=None)[0]
            rest = np.linalg.norm(e - np.einsum("nab,a->nb", a, found[joint]), axis=1)
            keep = rest < 2.5 * np.median(rest)
    # Left and right alike.
    mirror = list(COCO17.mirror)
    return (found + found[mirror]) / 2


def use(clip: Seen, joint: int) -> Array:
    return clip.found & (clip.state[:, joint] == SEEN["seen"])


def residuals(clips: Sequence[Seen], shift: Array) -> list[Array]:
    return [c.error - np.einsum("tjab,ja->tjb", c.axes, shift) for c in clips]


def spread_table(clips: Sequence[Seen], rest: list[Array]) -> dict[str, Any]:
    """Sizes of the errors without the constant offset, by kind of joint and visibility, in thousandths."""
    table: dict[str, Any] = {}
    for part, joints in GROUPS.items():
        for name, state in SEEN.items():
            e = np.concatenate([r[:, j][c.found & (c.state[:, j] == state)] for c, r in zip(clips, rest, strict=True)
                                for j in joints]) * 1e3  # fmt: skip
            if len(e) < 30:
                continue
            length = np.linalg.norm(e, axis=1)
            table[f"{part}/{name}"] = {
                "n": len(e),
                "robust_sd": 1.4826 * float(np.median(np.abs(e - np.median(e, 0)))),
                "sd": float(e.std()),
                **{f"p{q}": float(np.percentile(length, q)) for q in (50, 75, 90, 95, 99)},
            }
    return table


def time_table(clips: Sequence[Seen], rest: list[Array]) -> dict[str, Any]:
    """How errors of seen joints last: constant in a clip, slow, new in every frame."""
    table: dict[str, Any] = {}
    for part, joints in GROUPS.items():
        means, within, lagged, jumps = [], [], {lag: [] for lag in (1, 2, 3, 5, 8, 12)}, []
        for c, r in zip(clips, rest, strict=True):
            for j in joints:
                e = np.where(use(c, j)[:, None], r[:, j], np.nan) * 1e3
                if np.isfinite(e[:, 0]).sum() < 15 or np.nanmedian(np.linalg.norm(e, axis=1)) > 60:
                    continue
                mean = np.nanmedian(e, 0)
                means.append(mean)
                within.append((e - mean)[np.isfinite(e[:, 0])])
                for lag, pairs in lagged.items():
                    pair = np.stack([(e - mean)[:-lag], (e - mean)[lag:]], 1)
                    pairs.append(pair[np.isfinite(pair).all((1, 2))])
                jumps.append((e[1:-1] - (e[:-2] + e[2:]) / 2)[np.isfinite(e[1:-1] + e[:-2] + e[2:]).all(1)])
        if not within:
            continue
        clip = lambda x: np.clip(x, -60, 60)  # noqa: E731 - tails are told by the percentiles
        inner = clip(np.concatenate(within))
        variance = inner.var()
        table[part] = {
            "between_clips_sd": 1.4826 * float(np.median(np.abs(np.array(means)))),
            "within_clip_sd": float(np.sqrt(variance)),
            "within_clip_robust_sd": 1.4826 * float(np.median(np.abs(inner))),
            "autocorrelation": {
                str(lag): float((clip(np.concatenate(p))[:, 0] * clip(np.concatenate(p))[:, 1]).mean() / variance)
                for lag, p in lagged.items()
            },
            "jitter_robust_sd": 1.4826 * float(np.median(np.abs(np.concatenate(jumps)))) / np.sqrt(1.5),
            "jitter_sd": float(clip(np.concatenate(jumps)).std() / np.sqrt(1.5)),
        }
    return table


def score_tables(clips: Sequence[Seen], rest: list[Array]) -> dict[str, Any]:
    """Score and error: what a score says, and what scores joints get."""
    out: dict[str, Any] = {"bins": {}, "by_state": {}, "by_part_and_state": {}}
    every = {"limbs": LIMBS, "face": FACE, **{p: GROUPS[p] for p in ("wrist", "elbow", "knee", "ankle", "hip")}}
    for name, joints in every.items():
        s = np.concatenate([c.score[c.found][:, joints].ravel() for c in clips])
        e = np.concatenate([np.linalg.norm(r[c.found][:, joints], axis=-1).ravel() for c, r in
                            zip(clips, rest, strict=True)]) * 1e3  # fmt: skip
        rows = []
        for low, high in zip(BINS, BINS[1:], strict=False):
            inside = (s >= low) & (s < high)
            if inside.sum() >= 20:
                errors = {f"p{q}": float(np.percentile(e[inside], q)) for q in (25, 50, 75, 90, 99)}
                rows.append({"score": [low, min(high, 1.0)], "share": float(inside.mean()), **errors})
        out["bins"][name] = rows
    for name, state in SEEN.items():
        for part, joints in {"all": range(17), "limbs": LIMBS, **GROUPS}.items():
            s = np.concatenate([c.score[:, j][c.found & (c.state[:, j] == state)] for c in clips for j in joints])
            if len(s) < 30:
                continue
            row = {"n": len(s), **{f"p{q}": float(np.percentile(s, q)) for q in (1, 5, 10, 25, 50, 75, 90, 95)},
                   "below_0.5": float((s < 0.5).mean()), "below_0.9": float((s < 0.9).mean())}  # fmt: skip
            (out["by_state"] if part in ("all", "limbs") else out["by_part_and_state"])[f"{part}/{name}"] = row
    steps = [np.clip(c.score[c.found], 1e-3, 0.9999) for c in clips if c.found.sum() > 10]
    logits = [np.log(s / (1 - s)) for s in steps]
    out["logit_step_sd"] = float(np.std(np.concatenate([np.diff(x, axis=0)[:, LIMBS].ravel() for x in logits])))
    out["logit_sd"] = float(np.std(np.concatenate([x[:, LIMBS].ravel() for x in logits])))
    return out


def joint_correlation(clips: Sequence[Seen], rest: list[Array]) -> dict[str, float]:
    """Correlation of the errors of neighbouring joints, and of all joints with their mean, where all are seen."""
    found: dict[str, float] = {}
    for part, parent in PARENTS.items():
        pairs = []
        for c, r in zip(clips, rest, strict=True):
            for side in ("left", "right"):
                a, b = COCO17.index(f"{side}_{part}"), COCO17.index(f"{side}_{parent}")
                good = use(c, a) & use(c, b) & (np.linalg.norm(r[:, [a, b]], axis=-1) < 0.06).all(1)
                pairs.append(np.stack([r[good, a].ravel(), r[good, b].ravel()]))
        found[f"{part} with {parent}"] = float(np.corrcoef(np.concatenate(pairs, 1))[0, 1])
    return found


def figures(clips: Sequence[Seen]) -> dict[str, Any]:
    shift = offsets(clips)
    rest = residuals(clips, shift)
    found = np.concatenate([c.found for c in clips])
    gaps = [len(run) for c in clips for run in "".join("x" if f else "." for f in c.found).split("x") if run]
    near = np.concatenate([np.linalg.norm(r[c.found], axis=-1).mean(1) for c, r in zip(clips, rest, strict=True)])
    parts = {
        part: dict(zip(("forward", "outward", "up"), (shift[joints].mean(0) * 1e3).round(1).tolist(), strict=True))
        for part, joints in GROUPS.items()
    }
    return {
        "clips": len(clips), "frames": len(found),
        "missing_frames": float((~found).mean()), "gap_lengths": gaps,
        "swapped_frames": float(np.concatenate([c.swapped for c in clips])[found].mean()),
        "swapped_clips": float(np.mean([c.swapped.any() for c in clips])),
        "elsewhere_frames": float((near > 0.25).mean()),
        "mean_error": float(np.mean(np.concatenate(
            [np.linalg.norm(c.error[c.found][:, LIMBS], axis=-1).ravel() for c in clips])) * 1e3),
        "offset_mm": parts,
        "error": spread_table(clips, rest),
        "time": time_table(clips, rest),
        "scores": score_tables(clips, rest),
        "neighbours": joint_correlation(clips, rest),
    }  # fmt: skip


# --- words


def table(rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


OFFSETS = "Constant offset from COCO's point, mm of a person of 1.70 m:"
SPREADS = "Error without that offset, thousandths of the stature (sd per axis, percentiles of the distance):"
TIMES = (
    "How long errors of seen joints last (25 frames/s; sd per axis in thousandths; correlation after n frames). "
    "Between: the medians of clips; within: around them; new: what the neighbouring frames do not have."
)
SCORES = "Scores of joints that are seen, hidden (by the body or by things), outside the picture:"


def words(detector: str, f: dict[str, Any]) -> str:
    said = (
        f"{f['clips']} clips, {f['frames']} frames. Nobody found in {f['missing_frames']:.1%} of the frames (runs of "
        f"{sorted(f['gap_lengths'])} frames); left and right exchanged in {f['swapped_frames']:.1%} of the frames, "
        f"{f['swapped_clips']:.0%} of the clips; something else than the person in {f['elsewhere_frames']:.1%}. Mean "
        f"error of limb joints {f['mean_error']:.1f} thousandths of the stature, exchanged sides put right."
    )
    offset = [["", "forward", "outward", "up"], *([p, *o.values()] for p, o in f["offset_mm"].items())]
    columns = ("robust_sd", "sd", "p50", "p75", "p90", "p95", "p99")
    spread = [["", "n", *columns], *([k, v["n"], *(f"{v[c]:.1f}" for c in columns)] for k, v in f["error"].items())]
    columns = ("between_clips_sd", "within_clip_sd", "within_clip_robust_sd", "jitter_robust_sd", "jitter_sd")
    lags = list(next(iter(f["time"].values()))["autocorrelation"])
    time = [["", "between", "within", "within, robust", "new, robust", "new", *(f"after {lag}" for lag in lags)]]
    for k, v in f["time"].items():
        time.append([k, *(f"{v[c]:.1f}" for c in columns), *(f"{v['autocorrelation'][lag]:.2f}" for lag in lags)])
    parts = [f"## {detector}", said, OFFSETS, table(offset), SPREADS, table(spread), TIMES, table(time)]
    for name in ("limbs", "face"):
        rows = [["score", "share", "p25", "p50", "p75", "p90", "p99"]]
        for b in f["scores"]["bins"][name]:
            errors = (f"{b[f'p{q}']:.1f}" for q in (25, 50, 75, 90, 99))
            rows.append([f"{b['score'][0]:g}-{b['score'][1]:g}", f"{b['share']:.1%}", *errors])
        parts += [f"What a score says, {name} (error in thousandths):", table(rows)]
    shares = (1, 5, 10, 25, 50, 75, 90, 95)
    rows = [["", "n", *(f"p{q}" for q in shares), "below 0.5"]]
    for k, v in {**f["scores"]["by_state"], **f["scores"]["by_part_and_state"]}.items():
        rows.append([k, v["n"], *(f"{v[f'p{q}']:.3f}" for q in shares), f"{v['below_0.5']:.1%}"])
    neighbours = ", ".join(f"{k} {v:.2f}" for k, v in f["neighbours"].items())
    logit = f"sd {f['scores']['logit_sd']:.2f}, step from frame to frame {f['scores']['logit_step_sd']:.2f}"
    parts += [SCORES, table(rows), f"Correlation of errors of neighbours: {neighbours}. Logit of a score: {logit}."]
    return "\n\n".join(parts) + "\n"


def against_windows(clips: Sequence[Seen], motions: Path) -> str:
    """Errors of the limb joints, sides put right: measured (without the constant offset), and in training windows."""
    rest = residuals(clips, offsets(clips))
    measured = [np.linalg.norm(r[c.found][:, LIMBS], axis=-1) for c, r in zip(clips, rest, strict=True)]
    rows = [["", "mean", *(f"p{q}" for q in (25, 50, 75, 90, 95, 99))]]
    for name, errors in (("measured", np.concatenate(measured)), ("training windows", in_windows(motions))):
        e = errors.ravel() * 1e3
        rows.append([name, *(f"{v:.1f}" for v in (e.mean(), *np.percentile(e, (25, 50, 75, 90, 95, 99))))])
    return table(rows) + "\n"


def in_windows(motions: Path) -> Array:
    """(N, F, 12) errors of limb joints that training puts on two-second windows of the test people."""
    source = WindowSource(read_source(motions).select("test"))
    bodies, _, _ = source.every(2.0, 50)
    gen = torch.Generator().manual_seed(1)
    camera = CameraConfig(focal_error=0.0, focal_guess=0.0)
    perfect, inside = film(bodies, camera, gen)
    noisy = detect(perfect, inside, NoiseConfig(clean=0.0, swapped=0.0, dropped=0.0, missing=0.0), camera, gen)
    unit = 1.7 / perfect.depth.clamp(min=0.3)
    errors: Array = ((noisy.rays - perfect.rays).norm(dim=-1) / unit[:, None, None])[:, :, LIMBS].numpy()
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="Folders of rendered clips, one person each.")
    parser.add_argument("--detector", action="append", help="Detectors (default: mediapipe).")
    parser.add_argument("--cleaned", action="store_true", help="After the package's cleaning, as lifters see it.")
    parser.add_argument("--motions", type=Path, help="Motion capture, to compare with training windows.")
    parser.add_argument("--json", type=Path, help="Write the figures here.")
    parser.add_argument("--page", type=Path, help="Write the tables here.")
    options = parser.parse_args()
    videos = sorted(video for folder in options.folders for video in folder.glob("clip_*.mp4")
                    if video.with_suffix(".npz").exists())  # fmt: skip
    results, pages = {}, []
    for detector in options.detector or ["mediapipe"]:
        clips = [read_clip(video, detector, options.cleaned) for video in videos]
        results[detector] = figures(clips)
        pages.append(words(detector, results[detector]))
        sys.stdout.write(pages[-1])
        if options.motions:
            sys.stdout.write(against_windows(clips, options.motions))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if options.page:
        options.page.write_text("\n".join(pages))


if __name__ == "__main__":
    main()
