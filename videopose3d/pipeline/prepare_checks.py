"""What the stories of `prepare` share: where they write, what they report, and what detections must be like."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from videopose3d.datasets.community import Positions3D
from videopose3d.datasets.raw.camera_files import CameraFiles
from videopose3d.detectors.files.single import Detections, read_detections
from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.files import check_overwrite, replacing
from videopose3d.pipeline.detect import Progress
from videopose3d.skeleton import SKELETONS, Skeleton

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Prepared:
    """What a story wrote.

    Attributes:
        outputs: The files.
        subjects: Who (for own videos: the videos).
        takes, frames: How much, cameras not counted.
        remarks: What was left out, as sentences.
        details: What a program may want to know beside, for JSON.
    """

    outputs: tuple[Path, ...]
    subjects: tuple[str, ...]
    takes: int
    frames: int
    remarks: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def outputs_in(folder: PathLike, *names: str, overwrite: bool) -> tuple[Path, ...]:
    """The files to write.

    Raises:
        OutputError: One is there and ``overwrite`` is False.
    """
    paths = tuple(Path(folder, name) for name in names)
    for path in paths:
        check_overwrite(path, overwrite)
    return paths


def checked_name(name: str) -> str:
    """The same name, if it can be a part of a file's name.

    Raises:
        InputError: It cannot.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        raise InputError("a name of letters, digits, _ and - is needed for the keypoints", where=repr(name))
    return name


@contextmanager
def together(outputs: Sequence[Path]) -> Iterator[list[Path]]:
    """Temporary paths that are moved into place when all of them are complete."""
    with ExitStack() as stack:
        yield [stack.enter_context(replacing(path)) for path in outputs]


def counted(items: Iterable[Any], stage: str, progress: Progress | None, frames: Callable[[Any], int]) -> Iterator[Any]:
    """The items, the progress told the frames of all so far."""
    done = 0
    for item in items:
        done += frames(item)
        if progress:
            progress(stage, done, None)
        yield item


def incomplete(missing: Sequence[str], source: PathLike, allowed: bool) -> tuple[str, ...]:
    """The missing as remarks, or an error that names the first of them."""
    if missing and not allowed:
        more = f"; and {len(missing) - 4} more" if len(missing) > 4 else ""
        fix = "Get the rest, or give --allow-incomplete to go without."
        raise InputError(f"incomplete: {'; '.join(missing[:4])}{more}", where=source, fix=fix)
    return tuple(missing)


def lengths_of(positions: Positions3D) -> dict[tuple[str, str], int]:
    """Frames of every (subject, action)."""
    return {(subject, action): len(take) for subject, takes in positions.items() for action, take in takes.items()}


def views_of(files: CameraFiles, skeleton: Skeleton) -> Iterator[tuple[tuple[str, str], list[Detections]]]:
    """((subject, action), detections per camera) of every take."""
    for subject, takes in files.items():
        for action, paths in takes.items():
            views = [read_detections(path) for path in paths]
            for view in views:
                check_joints(view, skeleton)
            yield (subject, action), views


def view_frames(item: tuple[tuple[str, str], list[Detections]]) -> int:
    """Frames of one take of `views_of`."""
    return len(item[1][0].points)


def skeleton_named(layout: str) -> Skeleton:
    """The joints of that name.

    Raises:
        SkeletonMismatchError: There are none.
    """
    if layout not in SKELETONS:
        raise SkeletonMismatchError(f"no joints called {layout!r}", fix=f"There are {', '.join(SKELETONS)}.")
    return SKELETONS[layout]


def check_joints(clip: Detections, skeleton: Skeleton) -> None:
    """Raise SkeletonMismatchError if detections have other joints, or another number of them."""
    if clip.points.shape[1] != len(skeleton) or clip.skeleton not in (None, skeleton):
        found = clip.skeleton.name if clip.skeleton else f"{clip.points.shape[1]} joints"
        fix = f"Name the joints of the files with --layout: {', '.join(SKELETONS)}."
        raise SkeletonMismatchError(f"its keypoints are {found}, not {skeleton.name}", where=clip.source, fix=fix)


def check_sizes(views: Sequence[Detections], sizes: Sequence[tuple[int, int]]) -> None:
    """Raise FileFormatError if a video is not as large as the pictures of its camera, (width, height) [px]."""
    for view, size in zip(views, sizes, strict=True):
        if view.size not in (None, size):
            given = f"{view.size[0]} x {view.size[1]}" if view.size else "?"
            raise FileFormatError(
                f"detections on a video of {given} px, the camera's is {size[0]} x {size[1]}",
                where=view.source,
                fix="Detect in the videos as they were downloaded.",
            )


def check_lengths(views: Sequence[Detections], needed: int) -> None:
    """Raise InputError if detections have fewer frames than needed; a few more are usual."""
    for view in views:
        if len(view.points) < needed:
            raise InputError(
                f"{len(view.points)} frames of detections for {needed} of motion capture",
                where=view.source,
                fix="Detect in the whole video.",
            )


def prepared(
    outputs: tuple[Path, ...], keypoints: Mapping[str, Mapping[str, Any]], remarks: tuple[str, ...]
) -> Prepared:
    """The report of a story that wrote these keypoints."""
    takes = [views for actions in keypoints.values() for views in actions.values()]
    return Prepared(outputs, tuple(keypoints), len(takes), sum(len(views[0]) for views in takes), remarks)
