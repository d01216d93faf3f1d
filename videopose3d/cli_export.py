"""The ``export`` command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from videopose3d.cli_jobs import each
from videopose3d.cli_options import PathOption, json_option, overwrite_option, quiet_option
from videopose3d.cli_progress import ProgressPrinter

view_option = click.option(
    "--view", is_flag=True, help="Open the result in the Rerun viewer: pip install 'videopose3d[rerun]'."
)


@click.command()
@click.argument("result", type=PathOption)
@click.option("-o", "--output", "outputs", type=PathOption, multiple=True, help="File to write, by suffix; repeatable.")
@click.option(
    "--video", help="The video the result was made from: a small copy of it is put into .html and .rrd files."
)
@view_option
@overwrite_option
@json_option
@quiet_option
def export(
    result: Path, outputs: tuple[Path, ...], video: str | None, view: bool, overwrite: bool, **options: Any
) -> None:
    """A RESULT in files that other tools read.

    \b
    videopose3d export clip_3d.npz -o clip.json -o clip.csv
    videopose3d export clip_3d.npz -o clip.bvh -o clip.glb          Blender, Unity, ...
    videopose3d export clip_3d.npz -o clip.trc -o clip.mot          OpenSim; also .c3d
    videopose3d export clip_3d.npz -o clip.angles.csv               joint angles
    videopose3d export clip_3d.npz -o clip.html --video clip.mp4    a player for the browser
    videopose3d export clip_3d.npz -o clip.rrd --video clip.mp4     Rerun; --view opens it at once

    BVH and MOT hold one person each: the second one's file is clip_2.bvh, and so on.
    """
    if not outputs and not view:
        raise click.UsageError("Give -o FILE, or --view.")

    def run(_: Any, __: ProgressPrinter) -> Any:
        from videopose3d.export import check_view, export_result, exporter, files_of, view_result
        from videopose3d.files import check_overwrite
        from videopose3d.result_file import load_result

        if view:
            check_view()
        for path in outputs:
            exporter(path)
            check_overwrite(path, overwrite)
        loaded = load_result(result)
        written = [file for path in outputs for file in files_of(loaded, path)]
        for file in written:
            check_overwrite(file, overwrite)
        for path in outputs:
            export_result(loaded, path, video=video)
        if view:
            view_result(loaded, video)
        return replace(loaded, outputs=tuple(str(path) for path in written))

    if video is not None and not view:
        _check_holders(outputs)
    each([result], run, options, lifts=False)


def _check_holders(outputs: tuple[Path, ...]) -> None:
    """Refuse a video that no output would hold."""
    from videopose3d.export import WITH_VIDEO, holds_video

    if not any(map(holds_video, outputs)):
        raise click.UsageError(f"--video goes into {' and '.join(WITH_VIDEO)} files, and there is none to write.")
