"""``videopose3d finetune``: keypoint networks of the 2D stage, learned further on labelled pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from videopose3d.cli_jobs import INTERRUPTED, reported
from videopose3d.cli_options import HELP, NameList, config_from, options_from, quiet_option
from videopose3d.cli_progress import ProgressPrinter
from videopose3d.config_finetune import FinetuneConfig, KeypointRcnnConfig

Names = NameList()
Folder = click.Path(path_type=Path, file_okay=False)
Source = click.Path(path_type=Path)


@click.group(context_settings=HELP)
def finetune() -> None:
    """Learn a keypoint network further on labelled pictures."""


@finetune.command("cpn")
@click.argument("data", type=Source)
@click.option("-o", "--output", type=Folder, required=True, help="Folder for weights, checkpoint and log.")
@click.option("--images", type=Folder, help="Folder of the pictures.  [default: images beside the annotations]")
@click.option("--init", "initial", default="cpn50_384x288", show_default=True, help="A CPN to start from, or random.")
@click.option("--train-on", type=Names, help="Only pictures whose names begin so.  [default: the paper's subjects]")
@click.option(
    "--test-on", type=Names, help="Measure on pictures whose names begin so.  [default: the paper's subjects]"
)
@click.option("--validation", type=Source, help="Measure on another data set.")
@click.option("--validation-images", type=Folder, help="Folder of its pictures.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the output folder, if there is one.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier run in the output folder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@options_from(FinetuneConfig)
@quiet_option
def cpn(data: Path, output: Path, device: str, initial: str, **options: Any) -> None:
    """Fine-tune a CPN on DATA: the folder images_h36m of prepare, or a COCO annotation file.

    \b
    videopose3d prepare h36m downloads/ --videos downloads/
    videopose3d finetune cpn data/images_h36m -o runs/cpn_ft --precision bfloat16
    videopose3d finetune cpn person_keypoints_train2017.json --images train2017 -o runs/coco --no-reset-heads

    Boxes are the true ones. Ctrl-C leaves a checkpoint; the same command with --resume goes on. The weights,
    last.safetensors, find people's joints with --detector mask_rcnn+cpn=runs/cpn_ft/last.safetensors.
    """
    from videopose3d.pipeline.training.stopping import Stopped

    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite contradict each other.")
    if options["validation_images"] and not options["validation"]:
        raise click.UsageError("--validation-images needs --validation.")
    with reported():
        from videopose3d.datasets.coco import read_coco
        from videopose3d.pipeline.finetune.run import finetune as run
        from videopose3d.pipeline.finetune.run import split_people

        held_out = read_coco(options["validation"], options["validation_images"]) if options["validation"] else None
        people = read_coco(data, options["images"])
        train, test = split_people(people, options["train_on"] or (), options["test_on"] or (), held_out)
        existing: Any = "resume" if options["resume"] else "overwrite" if options["overwrite"] else "refuse"
        printer = _StepPrinter(output.name, options["quiet"])
        config = config_from(FinetuneConfig, options)
        try:
            weights = run(
                train, output, config, initial=initial, test=test, device=device, existing=existing, report=printer
            )
        except Stopped:
            printer.progress.close(finished=False)
            click.echo(f"Stopped. Go on with the same command and --resume; the checkpoint is in {output}.", err=True)
            sys.exit(INTERRUPTED)
        printer.progress.close()
        click.echo(weights)


@finetune.command("keypoint_rcnn")
@click.argument("data", type=Source)
@click.option("-o", "--output", type=Folder, required=True, help="Folder for weights, checkpoint and log.")
@click.option("--images", type=Folder, help="Folder of the pictures.  [default: images beside the annotations]")
@click.option(
    "--config",
    "network",
    default="COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x",
    show_default=True,
    help="A Keypoint R-CNN of Detectron2's model zoo, or a .yaml file.",
)
@click.option(
    "--init", "initial", default="published", show_default=True, help="Weights to start from: a file, or random."
)
@click.option("--train-on", type=Names, help="Only pictures whose names begin so.  [default: the paper's subjects]")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the output folder, if there is one.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier run in the output folder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@options_from(KeypointRcnnConfig)
@quiet_option
def keypoint_rcnn(data: Path, output: Path, device: str, network: str, initial: str, **options: Any) -> None:
    """Fine-tune a Keypoint R-CNN on DATA with Detectron2's trainer: boxes and joints by one network.

    \b
    videopose3d prepare h36m downloads/ --videos downloads/ --whole-frames
    videopose3d finetune keypoint_rcnn data/images_h36m -o runs/rcnn_ft

    DATA is the folder images_h36m of prepare, or a COCO annotation file. Ctrl-C leaves a checkpoint; the same command
    with --resume goes on. What comes out finds people's joints with
    --detector detectron2:runs/rcnn_ft/config.yaml=runs/rcnn_ft/model_final.pth.
    """
    from videopose3d.pipeline.training.stopping import Stopped

    if options["resume"] and options["overwrite"]:
        raise click.UsageError("--resume and --overwrite contradict each other.")
    with reported():
        from videopose3d.datasets.coco import read_coco
        from videopose3d.pipeline.finetune.keypoint_rcnn import finetune_keypoint_rcnn
        from videopose3d.pipeline.finetune.run import split_people

        people, _ = split_people(read_coco(data, options["images"]), options["train_on"] or ())
        existing: Any = "resume" if options["resume"] else "overwrite" if options["overwrite"] else "refuse"
        printer = _StepPrinter(output.name, options["quiet"], "pictures")
        config = config_from(KeypointRcnnConfig, options)
        try:
            weights = finetune_keypoint_rcnn(
                people,
                output,
                config,
                network=network,
                initial=initial,
                device=device,
                existing=existing,
                report=printer,
            )
        except Stopped:
            printer.progress.close(finished=False)
            click.echo(f"Stopped. Go on with the same command and --resume; the checkpoint is in {output}.", err=True)
            sys.exit(INTERRUPTED)
        printer.progress.close()
        click.echo(weights)


class _StepPrinter:
    """Progress, and a line with the figures whenever they were measured."""

    def __init__(self, label: str, quiet: bool, unit: str = "people") -> None:
        self.progress, self._quiet, self._unit = ProgressPrinter(label, quiet=quiet, unit="steps"), quiet, unit

    def __call__(self, status: Any) -> None:
        note = f"loss {status.loss:.1f}  {status.rate:.0f} {self._unit}/s"
        self.progress("finetune", status.step, status.steps, note)
        if status.row is not None and not self._quiet:
            found = "  ".join(f"{name} {status.row[name]:.3f}" for name in ("pck", "pixels") if name in status.row)
            click.echo(f"  step {status.step}  lr {status.row['lr']:.1e}  loss {status.loss:.1f}  {found}", err=True)
