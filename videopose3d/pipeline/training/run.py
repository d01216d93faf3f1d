"""A training run on a data set, from the first window to the weights, into one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from videopose3d.config import TrainConfig
from videopose3d.datasets.sequences import PoseDataset
from videopose3d.files import check_folder, check_overwrite
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.weights import choose_device
from videopose3d.pipeline.training.fit import CHECKPOINT, LAST, Fit, Report, clear
from videopose3d.pipeline.training.processes import processes
from videopose3d.pipeline.training.setup import Split


def train(
    dataset: PoseDataset,
    folder: Path,
    split: Split,
    config: TrainConfig | None = None,
    *,
    device: str = "auto",
    initial: Lifter | None = None,
    existing: Literal["refuse", "resume", "overwrite"] = "refuse",
    report: Report | None = None,
) -> Path:
    """Train a lifter on a data set with 3D truth.

    The folder gets ``last.safetensors`` and ``best.safetensors`` (lowest error on the test subjects), every tenth
    epoch's weights, ``log.csv``, training curves, and ``checkpoint.safetensors`` to resume from.

    Args:
        dataset: The data set; its subjects are chosen by ``split``.
        folder: Where everything goes.
        split: Who is trained and tested on.
        config: The settings of the training.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; under ``torchrun`` every process takes a GPU of its own.
        initial: Weights to start from; their architecture replaces the one in ``config``.
        existing: What to do about an earlier run in the folder; ``resume`` also begins a new one if there is none.
        report: Called about twice a second and after every epoch.

    Returns:
        The weights of the last epoch.

    Raises:
        InputError: A subject, an action or the cameras that the training needs are missing.
        WeightsError: The checkpoint is damaged or of another run, or the initial weights do not fit.
        OutputError: There is a run in the folder already, or the folder cannot be written in.
        Stopped: The user stopped it; the checkpoint is written.
    """
    config = config or TrainConfig()
    folder = Path(folder)
    if existing != "resume":
        check_overwrite(folder / CHECKPOINT, existing == "overwrite")
    with processes(choose_device(device)) as (who, own_device):
        run = Fit(dataset, folder, split, config, own_device, who, initial)
        check_folder(folder)
        if existing == "resume" and (folder / CHECKPOINT).exists():
            run.load()
        elif who.first:
            clear(folder)
        run.fit(report or (lambda _: None))
    return folder / LAST
