"""The command ``lift``: keypoints of a result file, or of another 2D tool, to 3D poses."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from videopose3d.cli_jobs import one
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
from videopose3d.cli_sources import VIDEO_SUFFIXES
from videopose3d.config import DetectConfig, LiftConfig
from videopose3d.skeleton import COCO17, H36M17

if TYPE_CHECKING:
    from videopose3d.types import Keypoints2D

FASTEST = 1000
"""Frames per second of any camera."""

_OF_THE_DETECTOR = ("detector", "max_side", "parts", "people", "keypoints")
_SAID = ("video", "size", "fps", "clip", "layout")
"""Options about files of other tools, which a result file answers itself."""
_CLEANING = ("min_score", "max_gap", "repair_swaps")
"""Options of the cleaning, which the people of a result file have behind them."""


class PictureSize(click.ParamType):  # type: ignore[type-arg]
    """Width and height [px], as a tuple."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Parse one value of the option."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", value)
        if not match:
            self.fail(f"{value!r} is no size such as 1920x1080.", param, ctx)
        return int(match[1]), int(match[2])


class FrameRate(click.ParamType):  # type: ignore[type-arg]
    """Frames per second, as a fraction."""

    name = "RATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Parse one value of the option."""
        from videopose3d.video.rates import exact_rate

        try:
            rate = Fraction(value)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if not 0 < rate <= FASTEST:
            self.fail(f"{value!r} is no frame rate such as 25, 29.97 or 30000/1001.", param, ctx)
        return rate if "/" in str(value) else exact_rate(float(rate))


@click.command(context_settings=HELP)
@click.argument("keypoints", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=PathOption, required=True, help="Result file (.npz) with the 3D poses.")
@overwrite_option
@click.option("--video", help="The video that the keypoints of another tool are of: its size, rate and length hold.")
@click.option("--size", type=PictureSize(), help="Size of that video, where it is not at hand and the file is silent.")
@click.option("--fps", type=FrameRate(), help="Frame rate of that video, likewise.")
@click.option("--clip", help="Which video of a file that holds several.")
@click.option(
    "--layout",
    type=click.Choice([COCO17.name, H36M17.name]),
    default=COCO17.name,
    show_default=True,
    help="Joints of files that do not say which they have.",
)
@options_from(DetectConfig, leave_out=_OF_THE_DETECTOR)
@options_from(LiftConfig)
@json_option
@quiet_option
def lift(keypoints: Path, output: Path, overwrite: bool, **options: Any) -> None:
    """3D stage alone: poses and trajectory from the KEYPOINTS of a result file, or of another 2D tool.

    \b
    videopose3d lift clip_2d.npz -o clip_3d.npz --height 1.82
    videopose3d lift openpose_folder/ -o clip_3d.npz --video clip.mp4
    videopose3d lift alphapose-results.json -o clip_3d.npz --size 1920x1080 --fps 25

    Files of OpenPose, AlphaPose, MMPose, Detectron, COCO results and data_2d_custom_*.npz are known by their
    content. In these, people are followed and cleaned as in a video; a result file is lifted as it is, or only
    its --person.
    """

    def run(_: Any, progress: ProgressPrinter) -> Any:
        from dataclasses import replace

        from videopose3d.pipeline.lift import lift_keypoints
        from videopose3d.result_file import save_result

        config = config_from(LiftConfig, options)
        result = lift_keypoints(_keypoints(keypoints, options), config, progress)
        save_result(result, output)
        return replace(result, outputs=(str(output),))

    if output.suffix.lower() != ".npz":
        raise click.UsageError(f"{output}: the name must end in .npz.")
    if options["video"] and (options["size"] or options["fps"]):
        raise click.UsageError("--video says size and frame rate itself: leave out --size and --fps.")
    one(keypoints, output, run, options, overwrite=overwrite)


def _keypoints(path: Path, options: dict[str, Any]) -> Keypoints2D:
    """The tracks of a result file as they are, those of another tool's file made and cleaned."""
    from videopose3d.detectors.files.single import is_result
    from videopose3d.errors import InputError
    from videopose3d.pipeline.detect import keypoints_of_files, only
    from videopose3d.result_file import load_result

    config = config_from(DetectConfig, options)
    if is_result(path):
        if said := _given(_SAID):
            raise InputError("a result file says this itself", where=path, fix=f"Leave out {said}.")
        if cleaning := _given(_CLEANING):
            what = "the people of a result file are cleaned already"
            raise InputError(what, where=path, fix=f"Leave out {cleaning}, or detect again with it.")
        return only(load_result(path).keypoints, config.person, path)
    if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
        fix = "Use infer, or detect first and lift what it has written."
        raise InputError("a video, and lift takes keypoints", where=path, fix=fix)
    about = {name: options[name] for name in _SAID}
    return keypoints_of_files(path, config, **about)


def _given(names: tuple[str, ...]) -> str:
    """Those options that the command line names, as it names them."""
    context = click.get_current_context()
    flags = {param.name: param.opts[0] for param in context.command.params}
    flags |= {param.name: param.secondary_opts[0] for param in context.command.params
              if param.secondary_opts and not context.params[param.name or ""]}  # fmt: skip
    typed = (name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return ", ".join(flags[name] for name in typed)
