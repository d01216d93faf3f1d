"""From a video to 3D motion: detect, lift, render and export, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from videopose3d.config import DetectConfig, LiftConfig, RenderConfig
from videopose3d.files import check_overwrite
from videopose3d.pipeline.detect import Progress, detect
from videopose3d.pipeline.stages import StageFiles
from videopose3d.types import Keypoints2D, Result


def infer(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    exports: Sequence[str | os.PathLike[str]] = (),
    detection: DetectConfig | None = None,
    lifting: LiftConfig | None = None,
    rendering: RenderConfig | None = None,
    overwrite: bool = True,
    keep_stages: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> Result:
    """3D motion of the person in a video.

    Args:
        source: A video file or URL.
        output: .mp4, .webm or .gif to render; None renders nothing.
        exports: Files to write the result to: .npz, .json, .csv.
        detection, lifting, rendering: Settings of the stages.
        overwrite: Replace files that are there; otherwise refuse before any work.
        keep_stages: Keep the results of finished stages in a hidden folder beside the first output.
        resume: Use such results of an earlier run; implies ``keep_stages``.
        progress: Called as ``progress(stage, done, total)``.

    Returns:
        The result; ``poses_3d`` is (P, T, 17, 3) [m], ``trajectory`` (P, T, 3) [m], ``keypoints_2d``
        (P, T, 17, 2) [px]. P is 0 when nobody was seen.

    Raises:
        VideoPose3DError: Whatever goes wrong, see ``videopose3d.errors``.
    """
    from videopose3d.export import exporter

    detection, lifting = detection or DetectConfig(), lifting or LiftConfig()
    written = [*([output] if output else []), *exports]
    for path in exports:
        exporter(path)
    for path in written:
        check_overwrite(path, overwrite)
    stages = None
    if (keep_stages or resume) and written:
        stages = StageFiles(Path(written[0]).parent, source, resume)

    def finished(stage: str, settings: object, make: Callable[[], Result]) -> Result:
        return stages.finished(stage, settings, make) if stages else make()

    timings: dict[str, tuple[float, int]] = {}
    with _timed(timings, "detect") as count:
        result = finished("detect", detection, lambda: Result(detect(source, detection, progress)))
        keypoints = replace(result.keypoints, source=os.fspath(source))
        count(keypoints.frames)
    with _timed(timings, "lift") as count:
        result = finished("lift", (detection, lifting), lambda: lift_keypoints(keypoints, lifting, progress))
        count(keypoints.frames)
    result = replace(result, keypoints=keypoints)
    if output:
        with _timed(timings, "render") as count:
            _render(result, output, source, rendering, progress)
            count(keypoints.frames)
    with _timed(timings, "export") as count:
        _export(result, exports)
        count(keypoints.frames)
    return replace(result, outputs=tuple(os.fspath(path) for path in written), timings=timings)


def lift_keypoints(
    keypoints: Keypoints2D, config: LiftConfig | None = None, progress: Progress | None = None
) -> Result:
    """The 3D stage alone.

    Raises:
        SkeletonMismatchError: The lifter takes other joints.
        WeightsError: The lifter's weights are missing or damaged.
        DeviceError: The device is not on this machine.
    """
    from videopose3d.lifter.lift import camera_of, lift

    config = config or LiftConfig()
    total = int(keypoints.placed.sum())
    poses = lift(keypoints, config, (lambda done: progress("lift", done, total)) if progress else None)
    return Result(keypoints, poses, focal=camera_of(keypoints.size, config).focal)


def _render(
    result: Result,
    output: str | os.PathLike[str],
    source: str | os.PathLike[str] | None,
    config: RenderConfig | None,
    progress: Progress | None,
) -> None:
    from videopose3d.render.movie import render_video

    total = result.keypoints.frames
    report = (lambda done: progress("render", done, total)) if progress else None
    render_video(result, output, video=source, config=config, progress=report)


def _export(result: Result, exports: Sequence[str | os.PathLike[str]]) -> None:
    from videopose3d.export import export_result

    for path in exports:
        export_result(result, path)


@contextmanager
def _timed(timings: dict[str, tuple[float, int]], stage: str) -> Iterator[Callable[[int], None]]:
    """Note the seconds of a stage and the frames it is told."""
    frames: list[int] = []
    started = monotonic()
    yield frames.append
    timings[stage] = (monotonic() - started, sum(frames))
