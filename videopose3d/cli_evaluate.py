"""The command ``evaluate``: errors of a lifter on a data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videopose3d.cli_jobs import reported
from videopose3d.cli_options import (
    HELP,
    NameList,
    PathOption,
    config_from,
    data_dir_option,
    json_option,
    keypoints_option,
    options_from,
    overwrite_option,
    quiet_option,
)
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.config import LiftConfig
from videopose3d.errors import WeightsError

if TYPE_CHECKING:
    from videopose3d.lifter.lift import Lifter
    from videopose3d.pipeline.scores import Scores

_FOREIGN = (".bin", ".pth", ".pt", ".ckpt", ".tar")


@click.command(context_settings=HELP)
@click.argument("lifter")
@click.option("--dataset", default="h36m", show_default=True, help="h36m, humaneva15, custom, or a data set file.")
@keypoints_option
@data_dir_option
@click.option("--subjects", type=NameList(), help="Whom to judge, e.g. S9,S11.  [default: the test subjects]")
@click.option("--actions", type=NameList(), help="Beginnings of action names, e.g. Walk,Sit.  [default: all]")
@click.option("--by-subject", is_flag=True, help="A table of every subject, too.")
@click.option("--downsample", type=click.IntRange(1), default=1, show_default=True, help="Judge every n-th frame.")
@click.option(
    "--subset", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True, help="Share of every take."
)
@click.option("--against", type=click.Choice(["paper"]), help="Also print the published errors and the difference.")
@click.option(
    "--layout", type=click.Choice(["auto", "wide", "tall"]), default="auto", help="Actions as columns or rows."
)
@click.option("--csv", "csv_file", type=PathOption, help="Also write the table here.")
@overwrite_option
@json_option
@options_from(LiftConfig, leave_out=("lifter", "smooth", "trajectory"))
@quiet_option
def evaluate(lifter: str, csv_file: Path | None, overwrite: bool, as_json: bool, **options: Any) -> None:
    """Errors of LIFTER (a name or a .safetensors file) on a data set, by the protocols of the paper.

    \b
    videopose3d evaluate h36m.safetensors --keypoints cpn_ft_h36m_dbb
    videopose3d evaluate h36m.safetensors --keypoints cpn_ft_h36m_dbb --against paper --csv table.csv
    videopose3d evaluate eva.safetensors --dataset humaneva15 --keypoints detectron_pt_coco \\
        --actions Walk,Jog,Box --by-subject
    videopose3d evaluate open --keypoints detectron_pt_coco --subjects S9 --actions Walking

    Every frame of every camera counts; nothing is resampled or smoothed, and the predicted root is one of the
    joints. The average is the mean of the actions.
    """
    with reported():
        from videopose3d.files import check_overwrite, replacing

        if csv_file:
            check_overwrite(csv_file, overwrite)
        scores = _evaluate(_loaded(lifter, options["device"], options["precision"]), options)
        if csv_file:
            with replacing(csv_file) as partial:
                partial.write_text(scores.csv(), encoding="utf-8")
        click.echo(_json(scores, options) if as_json else _text(scores, options))


def _loaded(name: str, device: str, precision: str) -> Lifter:
    """The lifter, unless the file is somebody else's checkpoint."""
    if Path(name).suffix.lower() in _FOREIGN and Path(name).is_file():
        raise WeightsError(
            "this is a checkpoint of another program",
            where=name,
            fix=f"Convert it once: videopose3d weights import {name} -o {Path(name).stem}.safetensors",
        )
    from videopose3d.lifter.lift import Lifter

    return Lifter.load(name, device, precision)


def _evaluate(lifter: Lifter, options: dict[str, Any]) -> Scores:
    from videopose3d.datasets import load_dataset
    from videopose3d.pipeline.evaluate import evaluate as run

    progress = ProgressPrinter(lifter.header.name, quiet=options["quiet"])
    scores = run(
        lifter,
        load_dataset(options["dataset"], options["keypoints"], options["data_dir"]),
        options["subjects"],
        options["actions"] or (),
        config_from(LiftConfig, options),
        subset=options["subset"],
        downsample=options["downsample"],
        progress=progress,
    )
    progress.close()
    return scores


def _text(scores: Scores, options: dict[str, Any]) -> str:
    from videopose3d.pipeline.published import against_paper

    show = {"layout": options["layout"], "width": max(40, shutil.get_terminal_size((120, 24)).columns)}
    text = scores.table(by_subject=options["by_subject"], **show)
    if options["against"] is None:
        return text
    return f"{text}\n\n{against_paper(scores, _keypoints(scores, options), **show)}"


def _json(scores: Scores, options: dict[str, Any]) -> str:
    from dataclasses import asdict

    from videopose3d.pipeline.published import find_published

    if options["against"] is None:
        return scores.json()
    found = find_published(scores, _keypoints(scores, options))
    published = {"why_not": found} if isinstance(found, str) else asdict(found)
    return json.dumps({**json.loads(scores.json()), "published": published})


def _keypoints(scores: Scores, options: dict[str, Any]) -> str:
    """The NAME of the 2D keypoints."""
    return Path(options["keypoints"] or "gt").name.removesuffix(".npz").removeprefix(f"data_2d_{scores.dataset}_")
