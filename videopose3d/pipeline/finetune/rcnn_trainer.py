"""Detectron2's trainer, told what to start from, watched, and stopped politely."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from torch import Tensor

from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors.detectron2 import fill
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.pipeline.finetune.fit import FinetuneStatus, Report
from videopose3d.pipeline.finetune.rcnn_pictures import registered
from videopose3d.pipeline.training.stopping import Stopped, stoppable

LOG, FIGURES = "log.txt", "metrics.json"
_SEEDS = 2**32


def train(
    cfg: Any,
    people: LabelledPeople,
    state: tuple[Mapping[str, Tensor], Path] | None,
    fresh: Collection[str],
    start: int,
    report: Report,
) -> None:
    """Train to the last step; weights, checkpoints, figures and log go to the configuration's folder.

    Args:
        cfg: The configuration.
        people: Whom to learn from.
        state: Tensors to start from, and their file; None for random ones.
        fresh: Tensors of the network that start anew all the same.
        start: Steps that the last checkpoint in the folder has behind it; 0 to start with ``state``.
        report: Called after every step.

    Raises:
        InputError: The loss is not finite any more.
        WeightsError: The tensors are of another network.
        VideoPose3DError: The trainer fails.
        Stopped: The user stopped it; the checkpoint is written.
    """
    from detectron2.utils.env import seed_all_rng

    folder = Path(cfg.OUTPUT_DIR)
    seed_all_rng((cfg.SEED + start) % _SEEDS)  # a run that is taken up again goes on with other pictures
    with _logged(folder / LOG), registered(people), stoppable() as stop, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's, about itself
        try:
            trainer = _trainer(cfg, stop, report)
            if start:
                trainer.resume_or_load(resume=True)
            elif state is not None:
                fill(trainer.model, *state, fresh)
            trainer.train()
        except VideoPose3DError:
            raise
        except FloatingPointError as error:
            fix = "Lower --learning-rate; the last checkpoint is kept."
            raise InputError("the loss is not a number any more", where=folder, fix=fix) from error
        except Exception as error:  # of a library: a picture it cannot read, no memory left, ...
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
            fix = f"{LOG} says more."
            raise VideoPose3DError(f"Detectron2's trainer failed ({reason})", where=folder, fix=fix) from error


def _trainer(cfg: Any, stop: threading.Event, report: Report) -> Any:
    """Detectron2's, but for TensorBoard's files, and with only the last checkpoint kept."""
    from detectron2.engine import DefaultTrainer
    from detectron2.engine.hooks import PeriodicCheckpointer
    from detectron2.utils.events import CommonMetricPrinter, JSONWriter

    class Trainer(DefaultTrainer):  # type: ignore[misc]
        def build_writers(self) -> list[Any]:
            return [CommonMetricPrinter(self.max_iter), JSONWriter(str(Path(cfg.OUTPUT_DIR, FIGURES)))]

    trainer = Trainer(cfg)
    for hook in trainer._hooks:
        if isinstance(hook, PeriodicCheckpointer):
            hook.max_to_keep = 1
    trainer.register_hooks([_watch(cfg.SOLVER.IMS_PER_BATCH, stop, report)])
    return trainer


def _watch(batch: int, stop: threading.Event, report: Report) -> Any:
    """A hook that reports every step, and leaves a checkpoint when the user wants to stop."""
    from detectron2.engine import HookBase

    class Watch(HookBase):  # type: ignore[misc]
        def before_train(self) -> None:
            self.started, self.begun = monotonic(), self.trainer.iter

        def after_step(self) -> None:
            done, steps = self.trainer.iter + 1, self.trainer.max_iter
            rate = (done - self.begun) / max(monotonic() - self.started, 1e-9)
            latest = self.trainer.storage.latest().get("total_loss", (float("nan"), 0))
            report(FinetuneStatus(done, steps, float(latest[0]), rate * batch, (steps - done) / rate))
            if stop.is_set() and done < steps:
                name = f"model_{self.trainer.iter:07d}"
                self.trainer.checkpointer.save(name, iteration=self.trainer.iter)
                raise Stopped

    return Watch()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """What the library logs goes to a file and nowhere else."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("detectron2", "fvcore")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()
