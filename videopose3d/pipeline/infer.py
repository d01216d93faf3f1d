"""From a video to 3D motion: detect, lift, render and export, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from time import monotonic

from videopose3d.config import InferConfig, LiftConfig, RenderConfig
from videopose3d.errors import OutputError, VideoPose3DError
from videopose3d.files import check_overwrite
from videopose3d.lens import read_lens
from videopose3d.pipeline.detect import Progress, detect
from videopose3d.pipeline.lift import lift_keypoints
from videopose3d.pipeline.stages import StageFiles, content_key, keypoints_key
from videopose3d.types import Result
from videopose3d.video import probe


def infer(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    exports: Sequence[str | os.PathLike[str]] = (),
    config: InferConfig | None = None,
    overwrite: bool = True,
    embed_video: bool = False,
    stages: StageFiles | None = None,
    progress: Progress | None = None,
) -> Result:
    """3D motion of the person in a video.

    Args:
        source: A video file or URL.
        output: .mp4, .webm, .gif, .png, .jpg, or a folder for a picture of every frame; None renders nothing.
        exports: Files to write the result to, in the formats of ``videopose3d.export.FORMATS``.
        config: Settings of the stages.
        overwrite: Replace files that are there; otherwise refuse before any work.
        embed_video: Put a small copy of the video into exports that can hold it (.html, .rrd).
        stages: Where the results of finished stages are kept and taken from; None keeps nothing.
        progress: Called as ``progress(stage, done, total)``.

    Returns:
        The result; ``poses_3d`` is (P, T, 17, 3) [m], ``trajectory`` (P, T, 3) [m], ``keypoints_2d``
        (P, T, 17, 2) [px]. P is 0 when nobody was seen.

    Raises:
        VideoPose3DError: Whatever goes wrong, see ``videopose3d.errors``.
    """
    config = _checked(config or InferConfig())
    _check_outputs(source, output, exports, overwrite)
    if output:
        _check_render(source, output, config.render)
    weights = _check_lifter(config.lift)
    _import_ahead()

    def finished(stage: str, settings: object, make: Callable[[], Result]) -> Result:
        return stages.finished(stage, settings, make) if stages else make()

    timings: dict[str, tuple[float, int]] = {}
    found_by = (config.detect, keypoints_key(config.detect.keypoints)) if config.detect.keypoints else config.detect
    with _timed(timings, "detect") as count:
        result = finished("detect", found_by, lambda: Result(detect(source, config.detect, progress)))
        keypoints = replace(result.keypoints, source=os.fspath(source))
        count(keypoints.frames)
    with _timed(timings, "lift") as count:
        files = [file for file in (weights, config.lift.calib) if stages and file]
        settings = (found_by, config.lift, *(content_key(file) for file in files))
        result = finished("lift", settings, lambda: lift_keypoints(keypoints, config.lift, progress))
        result = replace(result, keypoints=keypoints)
        count(keypoints.frames)
    if output:
        with _timed(timings, "render") as count:
            render(result, output, source, config.render, progress)
            count(keypoints.frames)
    with _timed(timings, "export") as count:
        written = [*([output] if output else []), *_export(result, exports, overwrite, source if embed_video else None)]
        count(keypoints.frames)
    return replace(result, outputs=tuple(os.fspath(path) for path in written), timings=timings)


def _checked(config: object) -> InferConfig:
    if not isinstance(config, InferConfig):
        what = f"config is a {type(config).__name__}"
        raise VideoPose3DError(what, where="infer", fix="Give an InferConfig, for example InferConfig(lift=...).")
    return config


def _import_ahead() -> None:
    """Load the libraries of the later stages while the first one works: they take seconds."""

    def load() -> None:
        for module in ("videopose3d.lifter.lift", "videopose3d.render"):
            with suppress(Exception):  # the stage itself will say what is wrong
                import_module(module)

    Thread(target=load, name="import ahead", daemon=True).start()


def _check_outputs(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    exports: Sequence[str | os.PathLike[str]],
    overwrite: bool,
) -> None:
    """Refuse before the work what would fail after it."""
    from videopose3d.export import exporter
    from videopose3d.video import check_pictures

    for path in exports:
        exporter(path)
    if output:
        _check_video(source, output)
        check_pictures(output, overwrite)
    for path in exports:
        check_overwrite(path, overwrite)
    for path in [*([output] if output else []), *exports]:
        _check_place(Path(path))


def _check_render(source: str | os.PathLike[str], output: str | os.PathLike[str], config: RenderConfig) -> None:
    of_frames = config.frame or config.truth or config.skip or config.limit or config.downsample > 1
    if of_frames or config.plot:  # finding out loads matplotlib
        from videopose3d.render.movie import check_before

        check_before(output, config, probe(source) if of_frames else None)


def _check_place(path: Path) -> None:
    there = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write here ({error.strerror})", where=path, fix="Choose another place with -o or --output-dir."
        ) from error


def _check_video(source: str | os.PathLike[str] | None, output: str | os.PathLike[str]) -> None:
    from videopose3d.video import kind_of

    kind_of(output)
    if source is not None and os.path.exists(source) and os.path.exists(output) and os.path.samefile(source, output):
        raise OutputError("this is the source itself", where=output, fix="Give the result another name.")


def _check_lifter(config: LiftConfig) -> Path:
    """The weight file; the calibration file is looked at, too."""
    from videopose3d.weights.store import find_lifter, read_header

    weights = find_lifter(config.lifter)
    header = read_header(weights)
    if config.trajectory == "network" and not header.trajectory:
        raise header.no_trajectory()
    if config.calib is not None:
        read_lens(config.calib, config.calib_camera)
    if config.device not in ("auto", "cpu"):  # finding out loads torch
        from videopose3d.lifter.weights import choose_device

        choose_device(config.device)
    return weights


def render(
    result: Result,
    output: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    config: RenderConfig | None = None,
    progress: Progress | None = None,
) -> None:
    """The video or picture of a result, with the frames of ``source``, or skeletons on a plain panel.

    Raises:
        VideoPose3DError: What is asked for is not in the result.
        VideoError: ffmpeg cannot read or write.
        OutputError: The place cannot be written.
    """
    from videopose3d.render.movie import frames_shown, render_video

    _check_video(source, output)
    config = config or RenderConfig()
    shown = frames_shown(result, output, config)
    total = shown.stop - shown.start
    report = (lambda done: progress("render", done, total)) if progress else None
    render_video(result, output, video=source, config=config, progress=report)


def _export(
    result: Result,
    exports: Sequence[str | os.PathLike[str]],
    overwrite: bool,
    video: str | os.PathLike[str] | None,
) -> list[Path]:
    """Write the exports; the files there are now."""
    from videopose3d.export import export_result, files_of

    for path in exports:
        export_result(result, path, overwrite=overwrite, video=video)
    return [file for path in exports for file in files_of(result, path)]


@contextmanager
def _timed(timings: dict[str, tuple[float, int]], stage: str) -> Iterator[Callable[[int], None]]:
    """Note the seconds of a stage and the frames it is told."""
    frames: list[int] = []
    started = monotonic()
    yield frames.append
    timings[stage] = (monotonic() - started, sum(frames))
