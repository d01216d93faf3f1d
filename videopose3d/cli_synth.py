"""``videopose3d synth``: clips of synthetic people with their exact truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from videopose3d.cli_jobs import reported
from videopose3d.cli_options import HELP, config_from, json_option, options_from, overwrite_option, quiet_option
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.config_synth import SynthConfig


@click.command(context_settings=HELP)
@click.argument("motions", type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the clips and their truth.",
)
@overwrite_option
@options_from(SynthConfig)
@json_option
@quiet_option
def synth(motions: Path, folder: Path, overwrite: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Render clips of people who never existed, moved by MOTIONS, with the exact truth beside each clip.

    \b
    videopose3d synth mocap/ -o clips --clips 20 --seed 7
    videopose3d synth mocap/ -o clips --fov 50 --size 640,480 --people 3
    videopose3d synth mocap/ -o pictures --crops 20000 --split train --people 3 --jobs 8

    --crops gives single pictures with boxes and keypoints instead, which finetune cpn learns from. MOTIONS is a folder
    of motion capture sets, a library (.npz) of prepare mocap, a motion file or a folder of them (.bvh, .amc, .c3d,
    .trc). Needs the extra [synth]; the body model makes itself a cache of 0.9 GB in a minute when it is used first.
    """
    progress = ProgressPrinter(folder.name, quiet=quiet, unit="pictures" if options["crops"] else "clips")

    def report(count: int, total: int) -> None:
        progress("render", count, total)

    def tell(line: str) -> None:
        if not quiet:
            click.echo(f"{folder.name}: {line}", err=True)

    with reported():
        from videopose3d.pipeline.synth import synthesise
        from videopose3d.pipeline.synth_pictures import synthesise_pictures

        config = config_from(SynthConfig, options)
        if config.crops:
            annotations = synthesise_pictures(motions, folder, config, overwrite=overwrite, report=report, tell=tell)
            progress.close()
            click.echo(json.dumps({"annotations": str(annotations)}) if as_json else annotations)
            return
        done = synthesise(motions, folder, config, overwrite=overwrite, report=report, tell=tell)
        progress.close()
        if as_json:
            rows = [
                {"video": str(one.video), "truth": str(one.truth), "motion": one.motion, "frames": one.frames,
                 "people": one.people} for one in done
            ]  # fmt: skip
            click.echo(json.dumps(rows))
        else:
            for one in done:
                click.echo(one.video)
