"""Make the pictures of docs/gallery.md: contact sheets of every layout and theme, and one of each extra.

    python tools/make_gallery.py --clips CLIPS [--work /tmp/gallery] [--out docs/images]

CLIPS is a folder with the three recordings that the page credits; the fourth clip is the bundled one. Results are
kept in the work folder and used again.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from videopose3d import infer, load_result, save_result
from videopose3d.config import DetectConfig, InferConfig, LiftConfig, RenderConfig
from videopose3d.opencv import cv2
from videopose3d.pipeline.demo import demo_clip, demo_truth
from videopose3d.pipeline.infer import render
from videopose3d.pipeline.lift import lift_keypoints
from videopose3d.types import Frame, Result
from videopose3d.video import open_writer, probe, read_frames

WIDTH = 1200
QUALITY = 76
GAP = 6


@dataclass(frozen=True)
class Clip:
    """One recording, and the part of it that is shown.

    Attributes:
        file: Its name in the folder of clips; empty for the bundled one.
        part: From when to when [s].
        lift: What is known about its camera.
    """

    file: str
    part: tuple[float, float] | None = None
    lift: LiftConfig = LiftConfig()


CLIPS = {
    "demo": Clip(""),
    "jumping": Clip("sports2d_demo.mp4", (0, 5), LiftConfig(focal=2520)),
    "sitting": Clip("bodypose3d_cam0.mp4", None, LiftConfig(focal=901)),
    "walking": Clip("intel_one_by_one.mp4", (50, 62)),
}
SHEETS = {"side": 3, "overlay": 3, "scene": 4, "stack": 5}
"""Layout: pictures in its row."""


def prepared(name: str, clips: Path, work: Path) -> tuple[Path, Result]:
    """The part of a clip as a file, and its result."""
    clip, video, result = CLIPS[name], work / f"{name}.mp4", work / f"{name}.npz"
    if not video.is_file():
        if not clip.file:
            with demo_clip() as bundled:
                shutil.copy(bundled, video)
        elif clip.part is None:
            shutil.copy(clips / clip.file, video)
        else:
            write(video, clips / clip.file, clip.part)
    if not result.is_file():
        config = InferConfig(detect=DetectConfig(parts=1), lift=clip.lift)
        infer(video, exports=[result], config=config)
    return video, load_result(result)


def write(out: Path, source: Path, part: tuple[float, float], hide: slice | None = None) -> None:
    """A part of a video; rows of the picture may be blackened."""
    info = probe(source)
    with open_writer(out, info.size, info.fps, crf=16) as writer:
        for frame in read_frames(source, info, start=part[0], stop=part[1]):
            if hide is not None:
                frame[hide] = 0
            writer.write(frame)


def pictures(result: Result, video: Path, count: int, config: RenderConfig) -> list[Frame]:
    """So many pictures, evenly over the frames with somebody in them."""
    seen = np.flatnonzero(result.keypoints.present.any(0))
    first, last = int(seen[0]), int(seen[-1])
    step = max(1, (last - first) // count)
    config = replace(config, skip=first + step // 2, limit=step * count - step // 2, downsample=step)
    with tempfile.TemporaryDirectory() as folder:
        render(result, Path(folder) / "%03d.png", video, config)
        return [cv2.imread(str(path)) for path in sorted(Path(folder).glob("*.png"))[:count]]


def row(shown: Sequence[Frame], width: int = WIDTH) -> Frame:
    """Pictures of one size side by side, scaled to the width."""
    high, wide = shown[0].shape[:2]
    each = (width - GAP * (len(shown) - 1)) // len(shown)
    scaled = [cv2.resize(p, (each, round(each * high / wide)), interpolation=cv2.INTER_AREA) for p in shown]
    line = np.full((scaled[0].shape[0], width, 3), 128, np.uint8)
    for number, picture in enumerate(scaled):
        line[:, number * (each + GAP) : number * (each + GAP) + each] = picture
    return line


def save(path: Path, rows: Sequence[Frame]) -> None:
    gap = np.full((GAP, rows[0].shape[1], 3), 128, np.uint8)
    sheet = np.concatenate([part for line in rows for part in (line, gap)][:-1])
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    print(f"{path}  {path.stat().st_size // 1024} KiB")


def contact_sheets(name: str, result: Result, video: Path, out: Path) -> None:
    """Every layout in every theme."""
    for theme in ("dark", "light"):
        rows = [
            row(pictures(result, video, count, RenderConfig(layout=layout, theme=theme)))
            for layout, count in SHEETS.items()
        ]
        save(out / f"gallery_{name}_{theme}.jpg", rows)


def extras(result: Result, video: Path, out: Path) -> None:
    """What can be added, with the bundled clip."""
    with demo_truth() as truth:
        plots = ("right_knee,left_knee", "right_wrist:height", "error")
        everything = RenderConfig(second_view="side", truth=str(truth), plot=plots, frame="118")
        one(result, video, out / "gallery_panels_dark.jpg", everything, 960)
        light = replace(everything, theme="light", second_view="top", plot=plots[:1])
        one(result, video, out / "gallery_panels_light.jpg", light, 960)
    orbit = RenderConfig(layout="scene", orbit=60)
    save(out / "gallery_orbit.jpg", [row(pictures(result, video, 5, orbit), 960)])
    kp = result.keypoints
    doubtful, guessed = kp.scores.copy(), np.zeros_like(kp.present)
    doubtful[:, :, kp.skeleton.indices(("left_wrist", "left_elbow", "right_ankle"))] = 0.1
    unseen = [
        replace(result, keypoints=replace(kp, scores=doubtful)),
        replace(result, keypoints=replace(kp, present=guessed)),
    ]
    close = [still(shown, video, RenderConfig(frame="60", layout="overlay"))[60:-40, 340:820] for shown in unseen]
    save(out / "gallery_guessed.jpg", [row(close, 960)])


def still(result: Result, video: Path, config: RenderConfig) -> Frame:
    with tempfile.TemporaryDirectory() as folder:
        render(result, Path(folder) / "a.png", video, config)
        return np.asarray(cv2.imread(str(Path(folder) / "a.png")))


def one(result: Result, video: Path, path: Path, config: RenderConfig, width: int) -> None:
    save(path, [row([still(result, video, config)], width)])


def people(clips: Path, work: Path, out: Path) -> None:
    """Two people: MediaPipe sees one, so it looks again at a picture without him."""
    video, result = work / "jumping.mp4", work / "two.npz"
    if not result.is_file():
        clip = CLIPS["jumping"]
        hidden = slice(0, round(0.48 * probe(video).height))
        write(work / "lower.mp4", clips / clip.file, clip.part or (0, 5), hidden)
        found = [load_result(work / "jumping.npz").keypoints, infer(work / "lower.mp4").keypoints]
        names = ("points", "scores", "boxes", "present")
        both = {name: np.concatenate([getattr(kp, name) for kp in found]) for name in names}
        save_result(lift_keypoints(replace(found[0], **both), clip.lift), result)
    two = load_result(result)
    rows = [row(pictures(two, video, 2, RenderConfig(theme=theme)), 960) for theme in ("dark", "light")]
    save(out / "gallery_people.jpg", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "gallery")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "images")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in CLIPS:
        video, result = prepared(name, options.clips, options.work)
        if name == "demo":
            extras(result, video, options.out)
        contact_sheets(name, result, video, options.out)
    people(options.clips, options.work, options.out)


if __name__ == "__main__":
    main()
