"""The loop: steps, figures and files now and then, and a state that can be taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from videopose3d.config_finetune import FinetuneConfig
from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors.loading import KeypointNetwork, save_keypoint_network
from videopose3d.detectors.networks.losses import cpn_loss
from videopose3d.detectors.networks.targets import cpn_kernels
from videopose3d.errors import InputError
from videopose3d.pipeline.finetune.blobs import Blobs
from videopose3d.pipeline.finetune.samples import Feed, Sample
from videopose3d.pipeline.finetune.score import score
from videopose3d.pipeline.training.log import write_log
from videopose3d.pipeline.training.state import RunState, load_state, save_state
from videopose3d.pipeline.training.stopping import Stopped, stoppable

CHECKPOINT, LAST = "checkpoint.safetensors", "last.safetensors"
_REPORT_EVERY = 0.5  # s


@dataclass(frozen=True)
class FinetuneStatus:
    """Where a run is, for a progress line.

    Attributes:
        step, steps: Steps done, and in all.
        loss: Mean since the last figures.
        rate: People per second since the start.
        seconds_left: Until the last step is done.
        row: Figures that were just measured.
    """

    step: int
    steps: int
    loss: float
    rate: float
    seconds_left: float
    row: Mapping[str, float] | None = None


Report = Callable[[FinetuneStatus], None]


class Fit:
    """A run in memory; arguments as `run.finetune`. The epochs of its state are steps."""

    def __init__(
        self,
        network: KeypointNetwork,
        train: LabelledPeople,
        test: LabelledPeople | None,
        folder: Path,
        config: FinetuneConfig,
        device: str,
        identity: Mapping[str, object],
    ) -> None:
        self.network, self.model, self.config = network, network.model.to(device), config
        self.folder, self.device, self.test = folder, torch.device(device), test
        # a quarter to two thirds faster, on CPUs as well
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        size = network.input_size
        self.feed = Feed(train, size, config.batch, config.seed, config.augment, config.workers)
        self.blobs = Blobs(size, cpn_kernels(size), self.device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.run = RunState(learning_rate=config.learning_rate)
        self.identity = {**asdict(replace(config, workers=1)), **identity, "input_size": size, "people": len(train)}
        self.steps = sum(config.steps)

    # --- the loop

    def fit(self, report: Report) -> None:
        """Train to the last step."""
        self._started, self._begun, before = monotonic(), self.run.epoch, self.run.minutes
        shown = 0.0
        batches = self.feed.batches(self.run.epoch, self.steps)
        with stoppable() as stop, closing(batches):
            for samples in batches:
                self._add(self._step(samples))
                self.run.minutes = before + (monotonic() - self._started) / 60
                row = self._figures() if self._due(self.config.validate_every) else None
                if row or (now := monotonic()) - shown > _REPORT_EVERY:
                    shown = monotonic() if row else now
                    report(self._status(row))
                self._keep(stop)

    def _step(self, samples: Sequence[Sample]) -> Tensor:
        """One update of the weights; the loss comes back."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.run.learning_rate = self.learning_rate(self.run.epoch)
        inputs, joints, visibility = self._on_device(samples)
        self.optimizer.zero_grad(set_to_none=True)
        mixed = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            levels, refined = self.model(inputs)
        targets = self.blobs(joints, visibility)
        loss = cpn_loss([maps.float() for maps in levels], refined.float(), targets, visibility)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.run.epoch += 1
        return loss.detach()

    def learning_rate(self, step: int) -> float:
        """Of a step, by its phase."""
        phase = int(np.searchsorted(np.cumsum(self.config.steps), step, side="right"))
        return self.config.learning_rate * self.config.lr_decay**phase

    def _on_device(self, samples: Sequence[Sample]) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs (N, 3, H, W), joints (N, K, 2) [input px] and visibility (N, K)."""

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(one, name) for one in samples])).to(self.device)

        pictures = stacked("picture").permute(0, 3, 1, 2).float() / 255
        pictures = (pictures * stacked("gains")[..., None, None]).clamp(0, 1)
        mean = pictures.new_tensor(self.network.recipe.mean).view(3, 1, 1)
        return pictures - mean, stacked("joints"), stacked("visibility")

    def _add(self, loss: Tensor) -> None:
        total, steps = self.run.sums
        self.run.sums = (total + float(loss), steps + 1)
        if not isfinite(self.run.sums[0]):
            fix = "Lower --learning-rate; the last checkpoint is kept."
            raise InputError(f"the loss of step {self.run.epoch} is not a number any more", where=self.folder, fix=fix)

    def _due(self, every: int) -> bool:
        return self.run.epoch % every == 0 or self.run.epoch == self.steps

    def _status(self, row: Mapping[str, float] | None) -> FinetuneStatus:
        seconds = max(monotonic() - self._started, 1e-9)
        rate = (self.run.epoch - self._begun) / seconds
        loss = row["loss"] if row else self.run.sums[0] / self.run.sums[1]
        left = (self.steps - self.run.epoch) / rate
        return FinetuneStatus(self.run.epoch, self.steps, loss, rate * self.config.batch, left, row)

    # --- what it leaves behind

    def _figures(self) -> dict[str, float]:
        """Measure, and write log and weights."""
        loss, steps = self.run.sums
        row = {"step": float(self.run.epoch), "lr": self.run.learning_rate, "loss": loss / steps}
        if self.test is not None:
            self.model.eval()
            row |= score(self.network, self.test, batch=self.config.batch)
        row["minutes"] = round(self.run.minutes, 3)
        self.run.sums = (0.0, 0.0)
        self.run.history.append(row)
        write_log(self.folder, self.run.history, curves=False)
        said = {name: f"{value:.6g}" for name, value in row.items()}
        people = self.feed.people
        data = f"{people.source}, {len(people)} people; {self.config}"
        more = {"training": data, "licence": self.config.licence, **said}
        save_keypoint_network(self.network, self.folder / LAST, more)
        return row

    def _keep(self, stop: threading.Event) -> None:
        """Write the checkpoint when it is time, or when the user wants to stop."""
        if stop.is_set() or self._due(self.config.save_every):
            self.save()
        if stop.is_set():
            raise Stopped

    def save(self) -> None:
        """Write the checkpoint."""
        save_state(self.folder / CHECKPOINT, self.model, self.optimizer, self.run, self.identity, {})

    def load(self) -> None:
        """Go on from the checkpoint.

        Raises:
            WeightsError: It is damaged or of another run.
        """
        self.run, _ = load_state(self.folder / CHECKPOINT, self.model, self.optimizer, self.identity)
