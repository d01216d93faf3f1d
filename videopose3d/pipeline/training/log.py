"""What a training run writes about itself: a table, curves, and events for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from videopose3d.errors import MissingDependencyError
from videopose3d.files import replacing

LOG, CURVES, EVENTS = "log.csv", "curves.png", "tensorboard"


def write_log(
    folder: Path, history: Sequence[Mapping[str, float]], *, curves: bool = True, tensorboard: bool = False
) -> None:
    """Write ``log.csv`` and, if wanted, ``curves.png`` of all epochs so far and the last one for TensorBoard.

    Raises:
        MissingDependencyError: TensorBoard is wanted and not installed.
    """
    columns = list(dict.fromkeys(name for row in history for name in row))
    with replacing(folder / LOG) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(history)
    if curves and len(history) > 1:
        from videopose3d.render.curves import draw_curves

        with replacing(folder / CURVES) as partial:
            draw_curves(history, partial)
    if tensorboard:
        _write_events(folder / EVENTS, history[-1])


def _write_events(folder: Path, row: Mapping[str, float]) -> None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError(
            "TensorBoard is not installed", where="--tensorboard", fix="Install it: pip install tensorboard."
        ) from error
    epoch = int(row["epoch"])
    with SummaryWriter(str(folder), purge_step=epoch) as writer:
        for name, value in row.items():
            writer.add_scalar(name, value, epoch)
