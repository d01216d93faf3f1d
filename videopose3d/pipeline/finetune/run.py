"""A fine-tuning run, from labelled pictures to the weights, into one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from videopose3d.config_finetune import FinetuneConfig
from videopose3d.datasets.coco import LabelledPeople
from videopose3d.errors import SkeletonMismatchError
from videopose3d.files import check_folder, check_overwrite
from videopose3d.lifter.weights import choose_device
from videopose3d.pipeline.finetune.fit import CHECKPOINT, LAST, Fit, Report
from videopose3d.pipeline.finetune.network import start_network
from videopose3d.pipeline.training.log import LOG

TRAIN_ON = {"h36m": ("S1", "S5", "S6", "S7", "S8")}
TEST_ON = {"h36m": ("S9", "S11")}
"""Whom the paper trains and tests on; of other data sets everybody is trained on."""


def split_people(
    people: LabelledPeople,
    train_on: Sequence[str] = (),
    test_on: Sequence[str] = (),
    held_out: LabelledPeople | None = None,
) -> tuple[LabelledPeople, LabelledPeople | None]:
    """Whom to train on, and whom to measure on; None where nobody is held out.

    Args:
        people: Of the data set.
        train_on, test_on: Beginnings of the pictures' names; by default the paper's for Human3.6M, else everybody is
            trained on.
        held_out: Another data set to measure on.

    Raises:
        InputError: A beginning that no picture has.
        SkeletonMismatchError: The people held out have other joints.
    """
    train_on = train_on or TRAIN_ON.get(people.dataset, ())
    train = people.named(train_on) if train_on else people
    if held_out is None:
        test_on = test_on or [p for p in TEST_ON.get(people.dataset, ()) if any(f.startswith(p) for f in people.files)]
        return train, people.named(test_on) if test_on else None
    if held_out.skeleton != people.skeleton:
        what = f"joints {held_out.skeleton.name}, those to learn from {people.skeleton.name}"
        raise SkeletonMismatchError(what, where=held_out.source, fix="Measure on pictures with the same joints.")
    return train, held_out.named(test_on) if test_on else held_out


def finetune(
    train: LabelledPeople,
    folder: Path,
    config: FinetuneConfig | None = None,
    *,
    initial: str = "cpn50_384x288",
    test: LabelledPeople | None = None,
    device: str = "auto",
    existing: Literal["refuse", "resume", "overwrite"] = "refuse",
    report: Report | None = None,
) -> Path:
    """Fine-tune a CPN on people whose boxes are known, its batch norms in training mode.

    The folder gets ``last.safetensors``, which ``--detector BOXES+FILE`` takes, ``log.csv``, and
    ``checkpoint.safetensors`` to resume from.

    Args:
        train: Whom to learn from.
        folder: Where everything goes.
        config: The settings.
        initial: Weights to start from: a file, the name of published ones, or ``random``.
        test: Whom to measure on.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        existing: What to do about an earlier run in the folder; ``resume`` also begins a new one if there is none.
        report: Called about twice a second and after every measurement.

    Returns:
        The weights.

    Raises:
        InputError: A picture cannot be read, or the loss is not finite any more.
        WeightsError: No such weights to start from, or the checkpoint is damaged or of another run.
        SkeletonMismatchError: The last layers are to be kept and are those of other joints.
        OutputError: There is a run in the folder already, or the folder cannot be written in.
        Stopped: The user stopped it; the checkpoint is written.
    """
    config, folder = config or FinetuneConfig(), Path(folder)
    if existing != "resume":
        check_overwrite(folder / CHECKPOINT, existing == "overwrite")
    network = start_network(initial, train.skeleton, config, folder.name)
    if test is not None and len(test) > config.validation_people:
        test = test.select(np.linspace(0, len(test) - 1, config.validation_people).round().astype(np.int64))
    identity = {"data": str(train.source), "initial": initial, "joints": list(train.skeleton.joints)}
    run = Fit(network, train, test, folder, config, choose_device(device), identity)
    check_folder(folder)
    if existing == "resume" and (folder / CHECKPOINT).exists():
        run.load()
    else:
        for name in (CHECKPOINT, LAST, LOG):
            (folder / name).unlink(missing_ok=True)
    run.fit(report or (lambda _: None))
    return folder / LAST
