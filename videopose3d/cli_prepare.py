"""``videopose3d prepare``: raw data sets into the files that training and evaluation read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videopose3d.cli_jobs import reported
from videopose3d.cli_options import (
    HELP,
    PathOption,
    config_from,
    json_option,
    options_from,
    overwrite_option,
    quiet_option,
)
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.config_mocap import MocapConfig
from videopose3d.skeleton import COCO17, SKELETONS

if TYPE_CHECKING:
    from videopose3d.pipeline.prepare_checks import Prepared

SourcePath = click.Path(path_type=Path)

output_option = click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Folder the files go to.",
)
detections_option = click.option(
    "--detections",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with 2D detections on the videos, one file per video.",
)
name_option = click.option("--name", metavar="NAME", help="What the keypoints are called: the end of the file's name.")
layout_option = click.option(
    "--layout",
    type=click.Choice(list(SKELETONS)),
    default=COCO17.name,
    show_default=True,
    help="Which joints the detections have.",
)
incomplete_option = click.option(
    "--allow-incomplete", is_flag=True, help="Go on when subjects or takes are missing, and say which."
)


@click.group(context_settings=HELP)
def prepare() -> None:
    """Turn data sets, detections and motion capture into the files that training and evaluation read."""


@prepare.command("h36m")
@click.argument("source", type=SourcePath, required=False)
@detections_option
@click.option(
    "--videos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the videos, for labelled pictures or, with --detector, for keypoints in them.",
)
@click.option("--detector", metavar="DETECTOR", help="Find the keypoints in --videos with this; see detectors.")
@click.option("--every", type=click.IntRange(1), default=10, show_default=True, help="Pictures: every n-th frame.")
@click.option("--whole-frames", is_flag=True, help="Pictures: all of a frame, not only what is around the person.")
@name_option
@layout_option
@output_option
@incomplete_option
@overwrite_option
@json_option
@quiet_option
def prepare_h36m(
    source: Path | None,
    detections: Path | None,
    videos: Path | None,
    name: str | None,
    layout: str,
    as_json: bool,
    quiet: bool,
    **rest: Any,
) -> None:
    """Human3.6M: SOURCE is the folder of the downloaded files, packed or unpacked, or h36m.zip.

    \b
    videopose3d prepare h36m downloads/
    videopose3d prepare h36m --detections detections/ --name my_detector
    videopose3d prepare h36m --videos downloads/
    videopose3d prepare h36m --videos downloads/ --detector mask_rcnn+cpn --name cpn_pt

    SOURCE gives data_3d_h36m.npz and data_2d_h36m_gt.npz (true keypoints); --detections, a folder of files like
    S1/'Walking 1.54138969.mp4.npz', gives data_2d_h36m_NAME.npz. --videos, a folder of files like
    S1/Videos/'Walking 1.54138969.mp4', gives the folder images_h36m that finetune learns from, or with --detector
    data_2d_h36m_NAME.npz: the same command again goes on where it was stopped.
    """
    detector, every, whole = rest.pop("detector"), rest.pop("every"), rest.pop("whole_frames")
    _check_videos(videos, detector, detections)
    if detector is None:
        _check_named(detections, name)
    elif name is None:
        raise click.UsageError("--detector and --name go together.")
    if source is None and detections is None and videos is None:
        raise click.UsageError("Give SOURCE, or --detections with --name, or both, or --videos.")

    def stories(progress: ProgressPrinter) -> Iterator[Prepared]:
        from videopose3d.pipeline.prepare import prepare_h36m, prepare_h36m_detections

        if source is not None:
            yield prepare_h36m(source, progress=progress, **rest)
        if detections is not None and name is not None:
            yield prepare_h36m_detections(detections, name, layout=layout, progress=progress, **rest)
        if videos is not None and detector is None:
            from videopose3d.pipeline.prepare_videos import extract_h36m

            yield extract_h36m(videos, every=every, whole_frames=whole, progress=progress, **rest)
        elif videos is not None and name is not None:
            from videopose3d.pipeline.prepare_videos import detect_h36m

            yield detect_h36m(videos, detector, name, progress=progress, **rest)

    _run("h36m", stories, as_json, quiet)


@prepare.command("humaneva")
@click.argument("source", type=SourcePath)
@detections_option
@name_option
@layout_option
@output_option
@incomplete_option
@overwrite_option
@json_option
@quiet_option
def prepare_humaneva(
    source: Path, detections: Path | None, name: str | None, layout: str, as_json: bool, quiet: bool, **rest: Any
) -> None:
    """HumanEva-I: SOURCE is the folder of converted MATLAB files, converted_15j or converted_20j.

    \b
    videopose3d prepare humaneva converted_15j/
    videopose3d prepare humaneva converted_15j/ --detections detections/ --name my_detector

    Without --detections this gives data_3d_humaneva15.npz and data_2d_humaneva15_gt.npz; with it, from a folder
    of files like S1/'Walking_1_(C1).avi.npz', data_2d_humaneva15_NAME.npz.
    """
    _check_named(detections, name)

    def stories(progress: ProgressPrinter) -> Iterator[Prepared]:
        from videopose3d.pipeline.prepare import prepare_humaneva, prepare_humaneva_detections

        if detections is None or name is None:
            yield prepare_humaneva(source, progress=progress, **rest)
        else:
            yield prepare_humaneva_detections(source, detections, name, layout=layout, progress=progress, **rest)

    _run("humaneva", stories, as_json, quiet)


@prepare.command("custom")
@click.argument("sources", nargs=-1, required=True, type=SourcePath, metavar="SOURCE...")
@click.option(
    "--name", metavar="NAME", required=True, help="What the keypoints are called: the end of the file's name."
)
@layout_option
@output_option
@overwrite_option
@json_option
@quiet_option
def prepare_custom(sources: tuple[Path, ...], name: str, as_json: bool, quiet: bool, **rest: Any) -> None:
    """Own videos: SOURCE is a file of detections on a video, or a folder of them.

    \b
    videopose3d detect clip.mp4 -o detections/clip.mp4.npz
    videopose3d prepare custom detections/ --name mine

    Files of videopose3d detect and dumps of Detectron are read. This gives data_2d_custom_NAME.npz.
    """

    def stories(progress: ProgressPrinter) -> Iterator[Prepared]:
        from videopose3d.pipeline.prepare import prepare_custom

        yield prepare_custom(sources, name, progress=progress, **rest)

    _run("custom", stories, as_json, quiet)


@prepare.command("mocap")
@click.argument("sources", nargs=-1, required=True, type=SourcePath, metavar="SOURCE...")
@click.option("-o", "--output", type=PathOption, required=True, help="Motion library to write (.npz).")
@options_from(MocapConfig)
@click.option("--strict", is_flag=True, help="A file that cannot be read is an error, not skipped.")
@overwrite_option
@json_option
@quiet_option
def prepare_mocap(
    sources: tuple[Path, ...],
    output: Path,
    strict: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Motion capture: SOURCE is a folder of the open sets, a motion library, a motion file, or a folder of these.

    \b
    videopose3d prepare mocap mocap/ -o library.npz
    videopose3d prepare mocap mocap/ takes/ -o library.npz
    videopose3d prepare mocap takes/ -o train.npz --dataset dance --fps 100
    videopose3d prepare mocap train.npz bob.c3d -o library.npz --split test --subject Bob

    Motion files are .bvh, .amc with its .asf beside it, .c3d and .trc with Plug-in-Gait markers or joint centres, and
    .npz of points (names, points, fps). All motions become one library for train-mocap and synth. Files that cannot
    be read are skipped, and it is said why. C3D needs the extra [mocap]. Joints and markers: docs/lifter.md.
    """
    if output.suffix != ".npz":
        raise click.UsageError(f"{output}: the name must end in .npz.")

    def stories(progress: ProgressPrinter) -> Iterator[Prepared]:
        from videopose3d.pipeline.prepare_mocap import prepare_mocap

        config = config_from(MocapConfig, options)
        yield prepare_mocap(sources, output, config, strict=strict, overwrite=overwrite, progress=progress)

    _run("mocap", stories, as_json, quiet)


def _check_videos(videos: Path | None, detector: str | None, detections: Path | None) -> None:
    if detector is not None and videos is None:
        raise click.UsageError("--detector needs --videos.")
    if detector is not None and detections is not None:
        raise click.UsageError("--detector and --detections contradict each other.")


def _check_named(detections: Path | None, name: str | None) -> None:
    if (detections is None) != (name is None):
        raise click.UsageError("--detections and --name go together.")


def _run(label: str, stories: Callable[[ProgressPrinter], Iterable[Prepared]], as_json: bool, quiet: bool) -> None:
    """Run stories one after the other: files to stdout, remarks to stderr."""
    progress = ProgressPrinter(label, quiet=quiet)
    done: list[Prepared] = []
    with reported():
        try:
            for story in stories(progress):
                progress.close()
                done.append(story)
                _tell(label, story, as_json, quiet)
        except BaseException:
            progress.close(finished=False)
            raise
    if as_json:
        click.echo(json.dumps(_summary(done)))


def _tell(label: str, story: Prepared, as_json: bool, quiet: bool) -> None:
    for remark in () if quiet else story.remarks:
        click.echo(f"{label}: {remark}", err=True)
    for path in () if as_json else story.outputs:
        click.echo(path)


def _summary(done: Sequence[Prepared]) -> dict[str, Any]:
    return {
        "outputs": [str(path) for story in done for path in story.outputs],
        "subjects": list(dict.fromkeys(subject for story in done for subject in story.subjects)),
        "takes": [story.takes for story in done],
        "frames": [story.frames for story in done],
        "remarks": [remark for story in done for remark in story.remarks],
        **{key: value for story in done for key, value in story.details.items()},
    }
