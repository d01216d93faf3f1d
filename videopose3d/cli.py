"""The command line: parse, call one pipeline function, print. Everything heavy is imported inside commands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from videopose3d import __version__
from videopose3d.cli_detectors import detectors
from videopose3d.cli_evaluate import evaluate
from videopose3d.cli_export import export, view_option
from videopose3d.cli_finetune import finetune
from videopose3d.cli_jobs import NothingToDo, each, one, reported
from videopose3d.cli_lift import lift
from videopose3d.cli_options import (
    PathOption,
    PictureOption,
    config_from,
    folder_option,
    json_option,
    options_from,
    overwrite_option,
    quiet_option,
)
from videopose3d.cli_prepare import prepare
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.cli_sources import default_outputs, expand_sources
from videopose3d.cli_synth import synth
from videopose3d.cli_train import train, train_mocap
from videopose3d.cli_weights import weights
from videopose3d.config import DetectConfig, InferConfig, LiftConfig, RenderConfig

_PICTURES = ".mp4, .webm, .gif; one .png or .jpg; a folder or frames/%05d.png for all frames."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="videopose3d")
def main() -> None:
    """Turn video into 3D human motion.

    \b
    videopose3d demo                        a bundled clip: does it work here?
    videopose3d infer clip.mp4              clip_3d.mp4 to look at, clip_3d.npz to work with
    videopose3d infer clip.mp4 --export clip.csv --export clip.json

    Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage, 3 nobody found in the video (the
    empty result is still written), 130 interrupted.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "-o",
    "--output",
    type=PictureOption,
    help=f"Video to render: {_PICTURES}  [default: NAME_3d.mp4]",
)
@click.option(
    "--export",
    "exports",
    multiple=True,
    type=PathOption,
    help="Also write this file: .npz, .json, .csv, .bvh, .glb, .trc, .c3d, .mot, .angles.csv, .html or .rrd; "
    "repeatable.",
)
@click.option("--embed-video", is_flag=True, help="Put a small copy of the video into .html and .rrd exports.")
@view_option
@click.option("--no-render", is_flag=True, help="Write the result file only.")
@folder_option
@overwrite_option
@click.option("--resume", is_flag=True, help="Use finished stages of an interrupted run, and skip finished videos.")
@options_from(DetectConfig)
@options_from(LiftConfig)
@options_from(RenderConfig)
@click.option("--profile", is_flag=True, help="Print seconds and frames per second of every stage.")
@json_option
@quiet_option
def infer(
    sources: tuple[str, ...], output: Path | None, exports: tuple[Path, ...], no_render: bool, **options: Any
) -> None:
    """3D motion of the person in every SOURCE: a video file, URL, folder or glob.

    \b
    videopose3d infer clip.mp4
    videopose3d infer clip.mp4 -o walk.gif --export walk.csv
    videopose3d infer videos/ 'more/*.mov' --output-dir results --resume

    Without -o and --export each source gives NAME_3d.mp4 and NAME_3d.npz in the output folder; with them
    just the named files are written.
    """
    from videopose3d.export import check_view

    with reported():
        if options["view"]:
            check_view()
        found = expand_sources(sources)
        if len(found) > 1 and (output or exports):
            raise click.UsageError("-o and --export name one file; for several sources use --output-dir.")
        if no_render and output:
            raise click.UsageError("--no-render and -o contradict each other.")
        jobs: list[tuple[str, Path | None, list[Path]]]
        if output or exports:
            jobs = [(found[0], output, list(exports))]
        else:
            videos = default_outputs(found, options["output_dir"])
            jobs = [
                (source, None if no_render else video, [video.with_suffix(".npz")])
                for source, video in zip(found, videos, strict=True)
            ]
    each(jobs, lambda job, progress: _infer(job, options, progress), options)


def _infer(job: tuple[str, Path | None, list[Path]], options: dict[str, Any], progress: ProgressPrinter) -> Any:
    from videopose3d.export import view_result
    from videopose3d.pipeline.infer import infer as run
    from videopose3d.pipeline.stages import StageFiles, content_key, keypoints_key
    from videopose3d.weights.store import find_lifter

    source, video, exports = job
    outputs = [*([video] if video else []), *exports]
    config = InferConfig(
        config_from(DetectConfig, options), config_from(LiftConfig, options), config_from(RenderConfig, options)
    )
    stages = StageFiles(outputs[0].parent, source, reuse=options["resume"])
    files = keypoints_key(config.detect.keypoints) if config.detect.keypoints else ""
    names = [path.name for path in outputs]
    whole_run = (config, files, content_key(find_lifter(config.lift.lifter)), names, options["embed_video"])
    if stages.is_done(whole_run, outputs) and not options["view"]:
        raise NothingToDo(outputs)
    result = run(
        source,
        video,
        exports=exports,
        config=config,
        overwrite=options["overwrite"] or options["resume"],
        embed_video=options["embed_video"],
        stages=stages,
        progress=progress,
    )
    if result.people:
        stages.set_done(whole_run, outputs)
        if options["view"]:
            view_result(result, source)
    return result


@main.command()
@click.argument("source")
@click.option("-o", "--output", type=PathOption, required=True, help="Result file (.npz) with the 2D keypoints.")
@overwrite_option
@options_from(DetectConfig)
@json_option
@quiet_option
def detect(source: str, output: Path, overwrite: bool, **options: Any) -> None:
    """2D stage alone: the person's keypoints in a video.

    \b
    videopose3d detect clip.mp4 -o clip_2d.npz
    """

    def run(_: Any, progress: ProgressPrinter) -> Any:
        from videopose3d.pipeline.detect import detect as find
        from videopose3d.types import Result

        return _written(Result(find(source, config_from(DetectConfig, options), progress)), output)

    _check_suffix(output, (".npz",))
    one(source, output, run, options, overwrite=overwrite)


main.add_command(lift)


@main.command()
@click.argument("result", type=PathOption)
@click.option("-o", "--output", type=PictureOption, required=True, help=f"Video to write: {_PICTURES}")
@click.option("--video", help="The video the result was made from; without it, skeletons on a plain panel.")
@overwrite_option
@options_from(RenderConfig)
@json_option
@quiet_option
def render(result: Path, output: Path, video: str | None, overwrite: bool, **options: Any) -> None:
    """A video of a RESULT: 2D skeleton on the picture, 3D skeleton beside it.

    \b
    videopose3d render clip_3d.npz -o clip_3d.mp4 --video clip.mp4
    videopose3d render clip_3d.npz -o clip.gif --layout scene --orbit 30 --theme light
    videopose3d render clip_3d.npz -o clip.png --video clip.mp4 --frame 2.5s
    videopose3d render clip_3d.npz -o clip.mp4 --plot right_knee,left_knee --second-view top
    """

    def run(_: Any, progress: ProgressPrinter) -> Any:
        from videopose3d.pipeline.infer import render as draw
        from videopose3d.result_file import load_result

        loaded = load_result(result)
        draw(loaded, output, video, config_from(RenderConfig, options), progress)
        return _with_outputs(loaded, [output])

    with reported():
        from videopose3d.video import check_pictures

        check_pictures(output, overwrite)
    one(result, output, run, options, overwrite=True, lifts=False)


for command in (export, prepare, train, evaluate, finetune, train_mocap, synth, weights, detectors):
    main.add_command(command)


@main.command()
@click.option("-o", "--output", type=PathOption, default=Path("videopose3d_demo.mp4"), show_default=True, help="Video.")
@click.option("--truth/--no-truth", "show_truth", default=True, show_default=True, help="Show the exact truth, too.")
@options_from(RenderConfig, leave_out=("truth",))
@json_option
@quiet_option
def demo(output: Path, show_truth: bool, **options: Any) -> None:
    """The bundled clip from video to 3D, and how far the result is from the truth."""

    def run(_: Any, progress: ProgressPrinter) -> Any:
        from videopose3d.pipeline.demo import run_demo

        done = run_demo(output, progress, config_from(RenderConfig, options), show_truth=show_truth)
        progress.close()
        if not options["as_json"]:
            click.echo(done.report())
        return done.result

    one("demo", output, run, options, overwrite=True)


def _written(result: Any, output: Path) -> Any:
    from videopose3d.result_file import save_result

    save_result(result, output)
    return _with_outputs(result, [output])


def _with_outputs(result: Any, outputs: Sequence[Path]) -> Any:
    from dataclasses import replace

    return replace(result, outputs=tuple(str(path) for path in outputs))


def _check_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        raise click.UsageError(f"{path}: the name must end in {' or '.join(suffixes)}.")
