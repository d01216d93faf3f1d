"""What the videos of Human3.6M give: labelled pictures to fine-tune a 2D network on, and its keypoints in all of them.

Every video is read frame by frame; memory does not grow with their number or length.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from videopose3d.config import DetectConfig
from videopose3d.datasets import human36m
from videopose3d.datasets.coco import ANNOTATIONS, IMAGES, Add, writing_coco
from videopose3d.datasets.community import read_positions_2d
from videopose3d.datasets.raw import camera_files, h36m
from videopose3d.detectors import joints_of
from videopose3d.detectors.crops import rectangle
from videopose3d.errors import FileFormatError, InputError, OutputError
from videopose3d.pipeline.detect import Progress, detect
from videopose3d.pipeline.prepare import prepare_h36m_detections
from videopose3d.pipeline.prepare_checks import PathLike, Prepared, checked_name, incomplete, outputs_in, skeleton_named
from videopose3d.pipeline.watch_batches import LAST
from videopose3d.result_file import load_result, save_result
from videopose3d.skeleton import H36M17
from videopose3d.types import FloatArray, Frame, Keypoints2D, Result
from videopose3d.video import probe, read_frames

IMAGES_FOLDER = "images_h36m"
_MARGIN = 0.08  # of a box around the joints, in shares of its longer side: joints lie inside the body
_SEEN = (384, 288), 1.25  # input and enlargement of `rectangle` beyond which fine-tuning looks at nothing
_QUALITY = 95  # of JPEG
_INDEX_TO_MIDDLE = 0.5  # [px]


# --- labelled pictures


def extract_h36m(
    videos: PathLike,
    folder: PathLike = "data",
    *,
    every: int = 10,
    whole_frames: bool = False,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``images_h36m``: pictures from the videos of the four cameras, and the true keypoints as COCO annotations.

    Args:
        videos: Folder with files like ``S1/Videos/Walking 1.54138969.mp4``.
        folder: Where ``data_2d_h36m_gt.npz`` is, and the pictures go.
        every: Take every n-th frame of each video.
        whole_frames: Keep whole pictures, not only what fine-tuning looks at around the person.
        overwrite: Replace pictures that are there.
        allow_incomplete: Do without the videos of some takes.
        progress: Told the frames read so far.

    Raises:
        InputError: No videos or true keypoints, a camera is missing, or a video is too short.
        FileFormatError: A video of another size than the camera's.
        VideoError: A video cannot be read.
        OutputError: The pictures are there already, or cannot be written.
    """
    outputs = outputs_in(folder, IMAGES_FOLDER, overwrite=overwrite)
    truth, _ = read_positions_2d(Path(folder, "data_2d_h36m_gt.npz"))
    files = _videos(videos)
    takes = [(s, a) for s, actions in truth.items() for a in actions if a in files.get(s, {})]
    missing = [f"no video of {s} {a}" for s, actions in truth.items() for a in actions if (s, a) not in takes]
    if not takes:
        raise InputError("no video of a take with true keypoints", where=videos, fix="Prepare those takes first.")
    remarks = incomplete(missing, videos, allow_incomplete)
    done = read = 0
    with _replacing_folder(outputs[0]) as new, writing_coco(new / ANNOTATIONS, H36M17, "h36m") as add:
        for subject, action in takes:
            for camera, video in enumerate(files[subject][action]):
                points = truth[subject][action][camera][..., :2]
                for t, frame in _frames_of(video, len(points), human36m.LENSES[camera].size):
                    read += 1
                    if t % every == 0:
                        name = f"{subject}/{video.stem}/{t:06d}.jpg"
                        done += _write_picture(new / IMAGES, name, frame, points[t], whole_frames, add)
                    if progress:
                        progress("read", read, None)
    subjects = tuple(dict.fromkeys(subject for subject, _ in takes))
    return Prepared(outputs, subjects, len(takes), done, remarks)


def _videos(folder: PathLike) -> dict[str, dict[str, list[Path]]]:
    found = camera_files.camera_files(Path(folder), camera_files.H36M_VIDEOS)
    return h36m.without_damaged({s: {h36m.common_name(a): f for a, f in t.items()} for s, t in found.items()})


def _frames_of(video: Path, count: int, size: tuple[int, int]) -> Iterator[tuple[int, Frame]]:
    """Number and picture of the first frames of a video, all of which have to be there."""
    info = probe(video)
    if info.size != size:
        what = f"{info.width} x {info.height} px, the camera's pictures are {size[0]} x {size[1]}"
        raise FileFormatError(what, where=video, fix="Take the videos as they were downloaded.")
    t = -1
    with closing(read_frames(video, info)) as frames:
        for t, frame in zip(range(count), frames, strict=False):  # noqa: B007 - looked at below
            yield t, frame
    if t + 1 < count:
        raise InputError(f"{t + 1} frames for {count} of motion capture", where=video, fix="Get the video again.")


def _write_picture(folder: Path, name: str, frame: Frame, points: FloatArray, whole: bool, add: Add) -> bool:
    """Write what is needed of a frame and note the person in it; False if nobody is in the picture."""
    from videopose3d.opencv import cv2

    height, width = frame.shape[:2]
    box = box_around(points, (width, height))
    if not (box[:2] < box[2:]).all():
        return False
    x0, y0, x1, y1 = 0, 0, width, height
    if not whole:
        low, high = np.split(rectangle(box, (height, width), *_SEEN), 2)
        (x0, y0), (x1, y1) = low.clip(0).tolist(), np.minimum(high, (width, height)).tolist()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.ascontiguousarray(frame[y0:y1, x0:x1, ::-1])
    if not cv2.imwrite(os.fspath(path), picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
        raise OutputError("the picture cannot be written", where=path, fix="Is the disk full?")
    corner = np.array([x0, y0])
    add(name, (x1 - x0, y1 - y0), box - np.tile(corner, 2), points - corner - _INDEX_TO_MIDDLE)
    return True


def box_around(points: FloatArray, size: tuple[int, int]) -> FloatArray:
    """(4,) x0, y0, x1, y1 [px] of a person whose joints are (J, 2): a little larger, and inside the picture."""
    low, high = points.min(0), points.max(0)
    margin = _MARGIN * (high - low).max()
    box: FloatArray = np.concatenate([low - margin, high + margin]).clip(0, np.tile(size, 2)).astype(np.float32)
    return box


@contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of another when the block ends well, and else is removed."""
    mark = secrets.token_hex(4)
    new, old = (path.with_name(f".{path.name}.{mark}.{word}") for word in ("partial", "old"))
    try:
        new.mkdir(parents=True)
        yield new
        if path.exists():
            path.rename(old)
        new.rename(path)
    except OSError as error:
        what = f"cannot write here ({error.strerror})"
        raise OutputError(what, where=path, fix="Choose another --output.") from error
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


# --- keypoints of a detector


def detect_h36m(
    videos: PathLike,
    detector: str,
    name: str,
    folder: PathLike = "data",
    *,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Run a detector over all videos and write ``data_2d_h36m_NAME.npz``.

    What is found in a video is kept in ``detections_h36m_NAME`` beside it, so that a run that was stopped goes on
    where it was. Of several people the main one counts, and where it is not seen, the next.

    Args:
        videos: Folder with files like ``S1/Videos/Walking 1.54138969.mp4``.
        detector: As for `detect`; a network fine-tuned to other joints gives these.
        name: What the keypoints are called, e.g. ``cpn_ft_h36m_dbb``.
        folder: Where the files go; takes of ``data_3d_h36m.npz``, where that is there, must all have videos.
        overwrite: Replace ``data_2d_h36m_NAME.npz``; what was found in single videos by this detector is used.
        allow_incomplete: Do without the videos of some takes.
        progress: Told the frames of each video.

    Raises:
        InputError: No videos, a camera is missing, nobody is found in a video, or another detector was here before.
        VideoError: A video cannot be read.
        MissingDependencyError: The detector is not installed.
        WeightsError: Its weights are not here.
        OutputError: The file exists, or cannot be written.
    """
    outputs_in(folder, f"data_2d_h36m_{checked_name(name)}.npz", overwrite=overwrite)
    layout = skeleton_named(joints_of(detector).name)
    found = Path(folder, f"detections_h36m_{name}")
    files = [(s, video) for s, takes in _videos(videos).items() for views in takes.values() for video in views]
    for number, (subject, video) in enumerate(files):
        target = found / subject / f"{video.name}.npz"
        if not _found_before(target, detector):
            told = _numbered(progress, f"{subject} {video.stem} ({number + 1}/{len(files)})")
            largest = max(max(lens.size) for lens in human36m.LENSES)
            seen = detect(video, DetectConfig(detector=detector, max_side=largest), told)
            save_result(Result(one_person(seen)), target)
    return prepare_h36m_detections(
        found,
        name,
        folder,
        layout=layout.name,
        overwrite=overwrite,
        allow_incomplete=allow_incomplete,
        progress=progress,
    )


def _found_before(target: Path, detector: str) -> bool:
    if not target.is_file():
        return False
    before = load_result(target).keypoints.detector
    if before != detector:
        fix = f"Give another --name, or delete {target.parent.parent}."
        raise InputError(f"found by {before}, not by {detector}", where=target, fix=fix)
    return True


def _numbered(progress: Progress | None, label: str) -> Progress | None:
    if progress is None:
        return None
    return lambda stage, done, total: progress(label if stage == LAST else f"{label}, {stage}", done, total)


def one_person(keypoints: Keypoints2D) -> Keypoints2D:
    """The main person, and in frames without it the next one that is there, as one track."""
    if keypoints.people < 2:
        return keypoints
    who = np.isfinite(keypoints.points).any((2, 3)).argmax(0)
    frames = np.arange(keypoints.frames)
    names = ("points", "scores", "boxes", "present")
    return replace(keypoints, **{name: getattr(keypoints, name)[who, frames][None] for name in names})
