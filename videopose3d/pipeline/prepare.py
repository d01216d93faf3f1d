"""Raw data sets into the files that training and evaluation read; one story per data set.

All files of a story appear together, after everything was read and checked, or none does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from videopose3d.datasets import human36m
from videopose3d.datasets.community import (
    Positions2D,
    Positions3D,
    keypoint_metadata,
    read_positions_3d,
    write_positions_2d,
    write_positions_3d,
)
from videopose3d.datasets.raw import camera_files, h36m, humaneva
from videopose3d.detectors.files.single import Detections, read_detections
from videopose3d.errors import FileFormatError, InputError
from videopose3d.pipeline.detect import Progress
from videopose3d.pipeline.prepare_checks import (
    PathLike,
    Prepared,
    check_joints,
    check_lengths,
    check_sizes,
    checked_name,
    counted,
    incomplete,
    lengths_of,
    outputs_in,
    prepared,
    skeleton_named,
    together,
    view_frames,
    views_of,
)
from videopose3d.skeleton import COCO17, H36M17, SKELETONS, Skeleton
from videopose3d.types import FloatArray

# --- Human3.6M


def prepare_h36m(
    source: PathLike,
    folder: PathLike = "data",
    *,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``data_3d_h36m.npz`` and ``data_2d_h36m_gt.npz``, the projections into the four cameras.

    Args:
        source: Folder or archive of the downloaded files; see ``datasets.raw.h36m``.
        folder: Where the files go.
        overwrite: Replace files that are there.
        allow_incomplete: Take what is there; otherwise all seven subjects with 30 takes each must be.
        progress: Told the frames read so far.

    Raises:
        InputError: Nothing of Human3.6M in the source, or a part of it only.
        FileFormatError: A file is damaged.
        OutputError: The files exist, or cannot be written.
        MissingDependencyError: A package to read the files is not installed.
    """
    outputs = outputs_in(folder, "data_3d_h36m.npz", "data_2d_h36m_gt.npz", overwrite=overwrite)
    everything = h36m.in_order(counted(h36m.read_h36m(Path(source)), "read", progress, lambda t: len(t.positions)))
    remarks = incomplete(h36m.missing_takes(everything), source, allow_incomplete)
    positions = h36m.without_damaged(everything)
    keypoints: Positions2D = {
        subject: {action: h36m.projected(take, subject) for action, take in takes.items()}
        for subject, takes in positions.items()
    }
    with together(outputs) as (file_3d, file_2d):
        write_positions_3d(file_3d, positions)
        write_positions_2d(file_2d, keypoints, keypoint_metadata(H36M17))
    return prepared(outputs, keypoints, remarks)


def prepare_h36m_detections(
    detections: PathLike,
    name: str,
    folder: PathLike = "data",
    *,
    layout: str = COCO17.name,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``data_2d_h36m_NAME.npz`` from detections on the videos.

    Where ``data_3d_h36m.npz`` is in the folder, all its takes must have detections at least as long.

    Args:
        detections: Folder with files like ``S1/Walking 1.54138969.mp4.npz``; see ``detectors.files``.
        name: What the keypoints are called, e.g. ``cpn_ft_h36m_dbb``.
        folder: Where the file goes.
        layout: Which joints the detections have, a name in ``SKELETONS``.
        overwrite: Replace a file that is there.
        allow_incomplete: Do without the detections of some takes.
        progress: Told the frames read so far.

    Raises:
        InputError: No detections, a camera is missing, nobody detected in a video, or too few frames.
        FileFormatError: A file is damaged or of another video size than the camera.
        SkeletonMismatchError: Other joints than the layout has.
        OutputError: The file exists, or cannot be written.
    """
    outputs = outputs_in(folder, f"data_2d_h36m_{checked_name(name)}.npz", overwrite=overwrite)
    skeleton = skeleton_named(layout)
    found = camera_files.camera_files(Path(detections), camera_files.H36M)
    files = h36m.without_damaged({s: {h36m.common_name(a): f for a, f in t.items()} for s, t in found.items()})
    truth = Path(folder, "data_3d_h36m.npz")
    lengths = lengths_of(read_positions_3d(truth)) if truth.is_file() else {}
    missing = [f"no detections of {s} {a}" for s, a in lengths if a not in files.get(s, {})]
    remarks = incomplete(missing, detections, allow_incomplete)
    sizes = [lens.size for lens in human36m.LENSES]
    keypoints: Positions2D = {subject: {} for subject in files}
    for (subject, action), views in counted(views_of(files, skeleton), "read", progress, view_frames):
        check_sizes(views, sizes)
        check_lengths(views, lengths.get((subject, action), 1))
        keypoints[subject][action] = [view.filled() for view in views]
    with together(outputs) as (file,):
        write_positions_2d(file, keypoints, keypoint_metadata(skeleton))
    return prepared(outputs, keypoints, remarks)


# --- HumanEva


def prepare_humaneva(
    source: PathLike,
    folder: PathLike = "data",
    *,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``data_3d_humaneva15.npz`` and ``data_2d_humaneva15_gt.npz`` (or ...20, by the joints of the files).

    Args:
        source: Folder of converted MATLAB files; see ``datasets.raw.humaneva``.
        folder: Where the files go.
        overwrite: Replace files that are there.
        allow_incomplete: Take what is there.
        progress: Told the frames read so far.

    Raises:
        InputError: Nothing of HumanEva in the source, or a part of it only.
        FileFormatError: A file is damaged or of another layout.
        OutputError: The files exist, or cannot be written.
        MissingDependencyError: A package to read the files is not installed.
    """
    takes, remarks, skeleton = _humaneva_takes(source, allow_incomplete, progress)
    names = f"data_3d_{skeleton.name}.npz", f"data_2d_{skeleton.name}_gt.npz"
    outputs = outputs_in(folder, *names, overwrite=overwrite)
    positions: Positions3D = {}
    keypoints: Positions2D = {}
    for take in takes:
        for chunk, frames, sound in take.chunks():
            if sound:
                positions.setdefault(take.subject, {})[chunk] = take.positions[frames]
                keypoints.setdefault(take.subject, {})[chunk] = list(take.points[:, frames])
    with together(outputs) as (file_3d, file_2d):
        write_positions_3d(file_3d, positions)
        write_positions_2d(file_2d, keypoints, keypoint_metadata(skeleton))
    return prepared(outputs, keypoints, remarks)


def prepare_humaneva_detections(
    source: PathLike,
    detections: PathLike,
    name: str,
    folder: PathLike = "data",
    *,
    layout: str = COCO17.name,
    overwrite: bool = False,
    allow_incomplete: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``data_2d_humaneva15_NAME.npz`` from detections on the videos.

    Stretches with sound motion capture become ``Train/S1``, ``Validate/S1``, those with corrupt one
    ``Unlabeled/Train/S1``, and videos without motion capture ``Unlabeled/S1``.

    Args:
        source: As for `prepare_humaneva`: it says where the motion capture is sound.
        detections: Folder with files like ``S1/Walking_1_(C1).avi.npz``; see ``detectors.files``.
        name: What the keypoints are called, e.g. ``detectron_pt_coco``.
        folder: Where the file goes.
        layout: Which joints the detections have, a name in ``SKELETONS``.
        overwrite: Replace a file that is there.
        allow_incomplete: Do without the detections of some takes.
        progress: Told the frames read so far.

    Raises:
        InputError: No detections, a camera is missing, nobody detected in a video, or too few frames.
        FileFormatError: A file is damaged.
        SkeletonMismatchError: Other joints than the layout has.
        OutputError: The file exists, or cannot be written.
    """
    takes, remarks, body = _humaneva_takes(source, allow_incomplete, None)
    outputs = outputs_in(folder, f"data_2d_{body.name}_{checked_name(name)}.npz", overwrite=overwrite)
    skeleton = skeleton_named(layout)
    found = camera_files.camera_files(Path(detections), camera_files.HUMANEVA)
    files = {s: {a.replace("_", " "): f for a, f in actions.items()} for s, actions in found.items()}
    missing = {
        f"no detections of {t.person} {t.action}": None for t in takes if t.action not in files.get(t.person, {})
    }
    remarks += incomplete(list(missing), detections, allow_incomplete)
    keypoints: Positions2D = {}
    for (person, action), views in counted(views_of(files, skeleton), "read", progress, view_frames):
        here = [take for take in takes if (take.person, take.action) == (person, action)]
        for take in here:
            for subject, chunk, parts in _video_chunks(take, views):
                keypoints.setdefault(subject, {})[chunk] = parts
        if not here:
            keypoints.setdefault(f"Unlabeled/{person}", {})[action] = [view.filled() for view in views]
    with together(outputs) as (file,):
        write_positions_2d(file, keypoints, keypoint_metadata(skeleton))
    return prepared(outputs, keypoints, remarks)


def _humaneva_takes(
    source: PathLike, allow_incomplete: bool, progress: Progress | None
) -> tuple[list[humaneva.Take], tuple[str, ...], Skeleton]:
    reading = humaneva.read_humaneva(Path(source))
    takes = list(counted(reading, "read", progress, lambda take: len(take.positions)))
    remarks = incomplete(humaneva.missing_takes(takes), source, allow_incomplete)
    joints = {take.positions.shape[1] for take in takes}
    if len(joints) > 1:
        raise InputError("files of 15 and of 20 joints in one folder", where=source, fix="Name one of the two folders.")
    return takes, remarks, SKELETONS[f"humaneva{joints.pop()}"]


def _video_chunks(take: humaneva.Take, views: Sequence[Detections]) -> Iterator[tuple[str, str, list[FloatArray]]]:
    """Subject, action and keypoints per camera of each chunk of a take."""
    filled = [view.filled() for view in views]
    for chunk, frames, sound in take.chunks():
        parts = []
        for camera, view in enumerate(views):
            there = take.video_frames(camera, frames)
            if there.stop > len(view.points):
                raise InputError(
                    f"{len(view.points)} frames; {take.subject} {take.action} ends at frame {there.stop}",
                    where=view.source,
                    fix="Detect in the whole video.",
                )
            parts.append(filled[camera][there])
        yield take.subject if sound else f"Unlabeled/{take.subject}", chunk, parts


# --- own videos


def prepare_custom(
    sources: Sequence[PathLike],
    name: str,
    folder: PathLike = "data",
    *,
    layout: str = COCO17.name,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write ``data_2d_custom_NAME.npz`` from detections on any videos, each named like its video.

    Args:
        sources: Files of detections, or folders of them; see ``detectors.files``.
        name: What the keypoints are called.
        folder: Where the file goes.
        layout: Which joints the files have that do not say it, a name in ``SKELETONS``.
        overwrite: Replace a file that is there.
        progress: Told the frames read so far.

    Raises:
        InputError: An empty folder, two files of one video, or nobody detected in a video.
        FileFormatError: A file is damaged, or does not say how large its video is.
        SkeletonMismatchError: Other joints than the layout or the other files have.
        OutputError: The file exists, or cannot be written.
    """
    outputs = outputs_in(folder, f"data_2d_custom_{checked_name(name)}.npz", overwrite=overwrite)
    keypoints: Positions2D = {}
    videos: dict[str, dict[str, float]] = {}
    skeleton = None
    for path in _detection_files(sources):
        clip = read_detections(path)
        skeleton = skeleton or clip.skeleton or skeleton_named(layout)
        check_joints(clip, skeleton)
        if clip.name in keypoints:
            fix = "Keep one of them, or rename the video."
            raise InputError(f"a second file of the video {clip.name!r}", where=path, fix=fix)
        if clip.size is None:
            raise FileFormatError("it does not say how large the video is (metadata w, h)", where=path)
        keypoints[clip.name] = {"custom": [clip.filled()]}
        videos[clip.name] = {"w": clip.size[0], "h": clip.size[1]} | ({"fps": clip.fps} if clip.fps else {})
        if progress:
            progress("read", sum(len(take["custom"][0]) for take in keypoints.values()), None)
    with together(outputs) as (file,):
        metadata = keypoint_metadata(skeleton or COCO17) | {"video_metadata": videos}
        write_positions_2d(file, keypoints, metadata)
    return prepared(outputs, keypoints, ())


def _detection_files(sources: Sequence[PathLike]) -> list[Path]:
    found: list[Path] = []
    for source in map(Path, sources):
        inside = sorted(p for p in source.glob("*.npz") if p.is_file() and not p.name.startswith("."))
        if source.is_dir() and not inside:
            raise InputError("no .npz files in this folder", where=source, fix="Give the folder of the detections.")
        found += inside or [source]
    if not found:
        raise InputError("no files of detections given")
    return list(dict.fromkeys(found))
