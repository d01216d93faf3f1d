"""The commands that train: on a data set with 2D and 3D, and on motion capture seen by virtual cameras."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from videopose3d import __version__
from videopose3d.cli_jobs import INTERRUPTED, reported
from videopose3d.cli_options import (
    HELP,
    NameList,
    PathOption,
    config_from,
    data_dir_option,
    keypoints_option,
    options_from,
    overwrite_option,
    quiet_option,
)
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.config import MocapTrainConfig, TrainConfig

Names = NameList()


@click.command(context_settings=HELP)
@click.argument("dataset")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for weights, checkpoint, log and curves.",
)
@keypoints_option
@data_dir_option
@click.option("--subjects-train", type=Names, help="Labelled subjects.  [default: the paper's]")
@click.option("--subjects-test", type=Names, help="Subjects to measure on.  [default: the paper's]")
@click.option("--subjects-unlabelled", type=Names, help="Subjects whose 3D is not used: switches unlabelled losses on.")
@click.option("--actions", type=Names, help="Only actions whose names begin so.")
@click.option("--init", "initial", help="Weights to start from: a name or a file; their architecture is taken.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the output folder, if there is one.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier run in the output folder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@options_from(TrainConfig)
@quiet_option
def train(dataset: str, output: Path, keypoints: str | None, data_dir: Path, device: str, **options: Any) -> None:
    """Train a lifter on a DATASET: h36m, humaneva15, humaneva20, or a file of the own format.

    \b
    videopose3d train h36m -o runs/h36m -k cpn_ft_h36m_dbb --filter-widths 3,3,3,3,3 --epochs 80
    videopose3d train h36m -o runs/semi -k gt --subjects-train S1 --subset 0.1 \\
        --subjects-unlabelled S5,S6,S7,S8 --epochs 200 --lr-decay 0.98 --warmup 5 --batch 64
    torchrun --nproc-per-node 4 -m videopose3d train h36m -o runs/four -k gt --precision bfloat16

    Ctrl-C leaves a checkpoint; the same command with --resume goes on, to the same weights. last.safetensors are the
    weights of the last epoch. best.safetensors had the lowest error on the test subjects: a choice that has seen the
    test data, for use and not for reporting. What the original program's flags are called here: docs/training.md.
    """
    from videopose3d.pipeline.training.stopping import Stopped

    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite contradict each other.")
    speaks = os.environ.get("RANK", "0") == "0"  # of several processes that torchrun started, one
    quiet = options["quiet"] or not speaks
    with reported():
        from videopose3d.datasets import load_dataset
        from videopose3d.lifter.lift import Lifter
        from videopose3d.pipeline.evaluate import evaluate
        from videopose3d.pipeline.training.run import train as run

        data = load_dataset(dataset, keypoints, data_dir)
        split = _split(data, options)
        initial = Lifter.load(options["initial"], device) if options["initial"] else None
        _check_initial(initial, options)
        existing: Any = "resume" if options["resume"] else "overwrite" if options["overwrite"] else "refuse"
        printer = _EpochPrinter(output.name, quiet)
        config = config_from(TrainConfig, options)
        try:
            weights = run(
                data, output, split, config, device=device, initial=initial, existing=existing, report=printer
            )
        except Stopped:
            printer.progress.close(finished=False)
            if speaks:
                click.echo(
                    f"Stopped. Go on with the same command and --resume; the checkpoint is in {output}.", err=True
                )
            sys.exit(INTERRUPTED)
        if speaks and split.test:
            last = Lifter.load(str(weights), device)
            click.echo(evaluate(last, data, split.test, split.actions, downsample=config.downsample).table())
        if speaks:
            click.echo(weights)


def _check_initial(initial: Any, options: dict[str, Any]) -> None:
    """Refuse an architecture on the command line that is not that of the initial weights."""
    from click.core import ParameterSource

    context = click.get_current_context()
    for name in ("filter_widths", "channels", "causal", "dense") if initial else ():
        theirs = getattr(initial.header, name)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and options[name] != theirs:
            flag = "--" + name.replace("_", "-")
            raise click.UsageError(f"{flag} contradicts the initial weights, where it is {theirs}.")


def _split(data: Any, options: dict[str, Any]) -> Any:
    """Who is trained and tested on: the paper's subjects unless named."""
    from videopose3d.pipeline.evaluate import default_subjects
    from videopose3d.pipeline.training.setup import Split, default_train_subjects

    test = options["subjects_test"]
    test = default_subjects(data) if test is None else test
    unlabelled = options["subjects_unlabelled"] or ()
    train = options["subjects_train"]
    train = default_train_subjects(data, test, unlabelled) if train is None else train
    return Split(train, test, unlabelled, options["actions"] or ())


class _EpochPrinter:
    """Progress of every epoch, then one line with its figures."""

    def __init__(self, label: str, quiet: bool) -> None:
        self.progress, self._quiet = ProgressPrinter(label, quiet=quiet, unit="steps"), quiet

    def __call__(self, status: Any) -> None:
        whole = _hours(status.seconds_left)
        note = f"loss {status.loss:.1f} mm  {status.rate:.0f} windows/s  {whole} to the last epoch"
        self.progress(f"epoch {status.epoch}/{status.epochs}", status.step, status.steps, note)
        if status.row is not None:
            self.progress.close()
            if not self._quiet:
                shown = {k: v for k, v in status.row.items() if k.startswith(("3d_", "traj_", "2d_"))}
                figures = "  ".join(f"{k} {v:.4f}" if k[:2] == "2d" else f"{k} {v:.1f} mm" for k, v in shown.items())
                click.echo(f"  lr {status.row['lr']:.2e}  {figures}", err=True)


def _hours(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02d} h"


@click.command("train-mocap", context_settings=HELP)
@click.argument("motions", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=PathOption, required=True, help="Weights to write (.safetensors).")
@overwrite_option
@click.option("--init", "initial", help="Weights to start from: a name or a file, of the same network.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint beside the output.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--licence", default="", help="Licence of the weights, for their header.")
@options_from(MocapTrainConfig)
@quiet_option
def train_mocap(
    motions: Path, output: Path, overwrite: bool, device: str, licence: str, quiet: bool, **options: Any
) -> None:
    """Train a lifter on MOTIONS, motion capture seen by virtual cameras.

    \b
    videopose3d train-mocap mocap/ -o lifter.safetensors

    MOTIONS is a folder of the open sets, or a library (.npz) that prepare mocap made, of them and of your own motion.
    """
    from videopose3d.files import check_overwrite

    if output.suffix != ".safetensors":
        raise click.UsageError(f"{output}: the name must end in .safetensors.")
    with reported():
        check_overwrite(output, overwrite)
        from videopose3d.datasets.mocap import read_source
        from videopose3d.lifter.lift import Lifter
        from videopose3d.pipeline.train_mocap import Labels, TrainProgress, train_lifter

        def report(p: TrainProgress) -> None:
            left = (p.steps - p.step) * options["batch"] / p.rate / 60
            if not quiet:
                click.echo(
                    f"step {p.step}/{p.steps}  loss {p.loss:.1f} mm  {p.rate:.0f} windows/s (waiting for them "
                    f"{p.waiting:.0%} of the time)  {left:.0f} min left",
                    err=True,
                )

        library = read_source(motions, tell=lambda line: click.echo(line, err=True))
        config = config_from(MocapTrainConfig, options)
        origin = f", from {initial}" if (initial := options["initial"]) else ""
        start: Any = "resume" if options["resume"] else Lifter.load(initial, device) if initial else None
        labels = Labels(f"train-mocap of videopose3d {__version__}{origin}, {config}", licence)
        table = train_lifter(library, output, config, start=start, device=device, labels=labels, report=report)
        click.echo(table.table())
        click.echo(output)
