"""The loop: epochs of steps, figures and files after each, and a state that can be taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import Tensor

from videopose3d.config import TrainConfig
from videopose3d.datasets.sequences import PoseDataset
from videopose3d.datasets.windows import ExampleOrder
from videopose3d.errors import InputError
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.model import TemporalModel, TemporalModelOneFrame
from videopose3d.lifter.weights import build_model, save_lifter
from videopose3d.pipeline.training.batches import Batches
from videopose3d.pipeline.training.log import CURVES, EVENTS, LOG, write_log
from videopose3d.pipeline.training.measure import METRES_TO_MM, measure
from videopose3d.pipeline.training.processes import Processes
from videopose3d.pipeline.training.setup import Split, header_of, start_from
from videopose3d.pipeline.training.state import RunState, load_state, save_state
from videopose3d.pipeline.training.steps import Losses, Network, Networks, Objective, batch_norm_momentum
from videopose3d.pipeline.training.stopping import Stopped, stoppable

CHECKPOINT, LAST, BEST = "checkpoint.safetensors", "last.safetensors", "best.safetensors"
SAVE_EVERY = 600.0
"""Seconds between checkpoints inside an epoch."""
_DIVERGED = "the training diverged: the errors of epoch {} are not numbers any more"
_SLOWER = "Lower --learning-rate; the weights of the last finished epoch are kept."
_REPORT_EVERY = 0.5  # s
_DRAW_EVERY = 30.0  # s; a picture takes longer than an epoch of a small set
_UNLABELLED_SEED = 3087  # added to the seed: 1234 becomes the original's 4321


@dataclass(frozen=True)
class TrainStatus:
    """Where a run is, for a progress line.

    Attributes:
        epoch, epochs: The epoch under way, from 1, and how many there are.
        step, steps: Steps done and to do in it.
        loss: Mean pose loss of the epoch so far [mm].
        rate: Windows per second since the start.
        seconds_left: Until the last epoch is done; None where not known yet.
        row: The figures of an epoch that has just ended.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    rate: float
    seconds_left: float | None = None
    row: Mapping[str, float] | None = None


Report = Callable[[TrainStatus], None]


def clear(folder: Path) -> None:
    """Remove what an earlier run left, so that nobody takes its files for those of the new one."""
    kept = (CHECKPOINT, LAST, BEST, LOG, CURVES, "epoch_*.safetensors", f"{EVENTS}/events.out.*")
    for file in [file for pattern in kept for file in folder.glob(pattern)]:
        file.unlink()


class Fit:
    """A run in memory; arguments as `run.train`."""

    def __init__(
        self,
        dataset: PoseDataset,
        folder: Path,
        split: Split,
        config: TrainConfig,
        device: str,
        who: Processes,
        initial: Lifter | None = None,
    ) -> None:
        self.folder, self.who, self.device = folder, who, device
        self.skeletons = (dataset.keypoint_skeleton, dataset.skeleton)
        self.semi = bool(split.unlabelled)
        self.header = header_of(dataset, folder.name, split, config, initial)
        widths, channels = self.header.filter_widths, self.header.channels
        self.config = replace(config, filter_widths=widths, channels=channels, causal=self.header.causal)
        self.identity = {**asdict(self.config), **asdict(split), "data": dataset.source, "processes": who.count}
        del self.identity["epochs"]  # a run may be made longer
        torch.manual_seed(self.config.seed)
        self.networks = Networks(self._network(False), self._network(True) if self.semi else None).to(device)
        if initial is not None:
            start_from(self.networks, initial)
        self.shared = who.share_gradients(self.networks)
        self.optimizer = torch.optim.Adam(self.networks.parameters(), config.learning_rate, amsgrad=True, fused=True)
        self.objective = Objective(self.config, *self.skeletons, self._padding[0], who)
        self.run = RunState(learning_rate=config.learning_rate)
        self._take_data(dataset, split)
        torch.manual_seed(self.config.seed + who.rank)  # of dropout

    @property
    def _padding(self) -> tuple[int, int]:
        return self.networks.pose.padding

    def _network(self, trajectory: bool) -> Network:
        one_frame = self.config.one_frame and self.config.stride == 1 and not self.config.dense
        kind: type[Any] = TemporalModelOneFrame if one_frame else TemporalModel
        network: Network = build_model(self.header, self.config.dropout, trajectory=trajectory, kind=kind)
        return network

    def _take_data(self, dataset: PoseDataset, split: Split) -> None:
        config = self.config

        def takes(subjects: tuple[str, ...], subset: float = 1.0, labelled: bool = True) -> Batches:
            found = dataset.select(
                subjects, split.actions, labelled=labelled, subset=subset, downsample=config.downsample
            )
            kept = found if labelled else [replace(s, poses=None, trajectory=None) for s in found]
            return Batches(kept, self.skeletons, self._padding, self.header.features, self.device)

        self.labelled = takes(split.train, config.subset)
        self.labelled_order = self._order(self.labelled, config.seed)
        self.test = takes(split.test) if split.test and config.validate else None
        self.unlabelled: Batches | None = None
        self.unlabelled_order: ExampleOrder | None = None
        if self.semi:
            self.unlabelled = takes(split.unlabelled, labelled=False)
            self.unlabelled_order = self._order(self.unlabelled, config.seed + _UNLABELLED_SEED)
            if not self.unlabelled.calibrated:
                raise InputError(
                    "training with unlabelled subjects needs the cameras' focal lengths, which are not known here",
                    where=dataset.source or dataset.name,
                    fix="Train without unlabelled subjects, or use a data set with calibrated cameras.",
                )

    def _order(self, data: Batches, seed: int) -> ExampleOrder:
        examples = data.examples(self.config.stride, augment=self.config.augment)
        batch = max(1, self.config.batch // self.config.stride) * self.who.count
        return ExampleOrder(examples, batch, seed)

    # --- the loop

    def fit(self, report: Report) -> None:
        """Train to the last epoch."""
        self._started, self._shown, self._saved, self._windows = monotonic(), 0.0, monotonic(), 0
        self._minutes_before, self._drawn = self.run.minutes, monotonic()
        with stoppable() as stop:
            while self.run.epoch < self.config.epochs:
                self._epoch(report, stop)

    def _epoch(self, report: Report, stop: threading.Event) -> None:
        run, config = self.run, self.config
        run.bn_momentum = batch_norm_momentum(run.epoch, config.epochs)
        self.networks.set_bn_momentum(run.bn_momentum)
        for group in self.optimizer.param_groups:
            group["lr"] = run.learning_rate
        self.shared.train()
        sums = torch.tensor(run.sums, dtype=torch.float64)
        device_sums = torch.zeros(2, device=self.device, dtype=torch.float64)
        for rows in self.labelled_order.rest_of_pass():
            device_sums += self._step(rows)
            if (now := monotonic()) - self._shown > _REPORT_EVERY:
                self._shown = now
                report(self._status(self._checked(sums + device_sums.cpu())))
            if self.who.any(stop.is_set()) or now - self._saved > SAVE_EVERY:
                run.sums = self._total(sums, device_sums)
                self.save()
                if stop.is_set():
                    raise Stopped
        loss, poses = self._total(sums, device_sums)
        done = self._status(self._checked(torch.tensor([loss, poses])))
        row = self._finish_epoch(loss / poses * METRES_TO_MM)
        report(replace(done, row=row))

    def _total(self, before: Tensor, here: Tensor) -> tuple[float, float]:
        """The sums of the epoch under way, of all processes."""
        loss, poses = (before + self.who.sum(here.cpu())).tolist()
        return loss, poses

    def _step(self, rows: Any) -> Tensor:
        """One update of the weights; returns (2,) the pose loss times poses, and poses."""
        batch = self.labelled.gather(self.who.part(rows))
        self.optimizer.zero_grad(set_to_none=True)
        more = self.unlabelled_order.take() if self.unlabelled_order is not None else None  # in warm-up, too
        if more is None or self.unlabelled is None or self.run.epoch < self.config.warmup:
            losses: Losses = self.objective.supervised(self.shared, batch)
        else:
            unlabelled = self.unlabelled.gather(self.who.part(more))
            losses = self.objective.semi_supervised(self.shared, batch, unlabelled)
        losses.total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        poses = len(batch) * self.config.stride
        self._windows += len(rows)
        return torch.stack([losses.terms["pose"].detach() * poses, losses.total.new_tensor(poses)])

    def _checked(self, sums: Tensor) -> Tensor:
        if not isfinite(float(sums[0])):
            raise InputError(_DIVERGED.format(self.run.epoch + 1), where=self.folder, fix=_SLOWER)
        return sums

    def _status(self, sums: Tensor) -> TrainStatus:
        steps = len(self.labelled_order)
        step = steps - self.labelled_order.left
        rate = self._windows / self._seconds()
        left = (self.config.epochs - self.run.epoch) * len(self.labelled_order.examples)
        left -= step * self.labelled_order.batch
        loss = float(sums[0] / sums[1].clamp(min=1)) * METRES_TO_MM
        epoch = min(self.run.epoch + 1, self.config.epochs)
        return TrainStatus(epoch, self.config.epochs, step, steps, loss, rate, max(left, 0) / rate if rate else None)

    # --- what an epoch leaves behind

    def _finish_epoch(self, loss: float) -> dict[str, float]:
        run = self.run
        row: dict[str, float] = {"epoch": run.epoch + 1, "lr": run.learning_rate, "3d_train": loss}
        row |= self._measured() if self.config.validate else {}
        run.minutes = self._minutes_before + self._seconds() / 60
        row |= {"minutes": round(run.minutes, 3), "windows_per_s": round(self._windows / self._seconds(), 1)}
        run.epoch += 1
        run.learning_rate *= self.config.lr_decay
        run.sums = (0.0, 0.0)
        run.history.append(row)
        better = "3d_valid" in row and (run.best is None or row["3d_valid"] < run.best)
        if better:
            run.best = row["3d_valid"]
        if self.who.first:
            self._write_weights(row, better)
            curves = run.epoch == self.config.epochs or monotonic() - self._drawn > _DRAW_EVERY
            write_log(self.folder, run.history, curves=curves, tensorboard=self.config.tensorboard)
            self._drawn = monotonic() if curves else self._drawn
        self.save()
        return row

    def _seconds(self) -> float:
        return max(monotonic() - self._started, 1e-9)

    def _measured(self) -> dict[str, float]:
        """The figures of the original's log: on the training subjects, the test subjects, the unlabelled ones."""
        networks = self.evaluation_networks()
        figures: dict[str, float] = {}
        for data, kinds in (
            (self.labelled, {"3d": "3d_eval", "traj": "traj_eval", "2d": "2d_train_sup"}),
            (self.test, {"3d": "3d_valid", "traj": "traj_valid", "2d": "2d_valid"}),
            (self.unlabelled, {"2d": "2d_train_unsup"}),
        ):
            means = {} if data is None else measure(networks, data, self.skeletons, self.who)
            figures |= {kinds[kind]: value for kind, value in means.items() if kind in kinds}
        if not all(isfinite(value) for value in figures.values()):
            raise InputError(_DIVERGED.format(self.run.epoch + 1), where=self.folder, fix=_SLOWER)
        return figures

    def evaluation_networks(self) -> Networks:
        """The dilated networks with the present weights."""

        def dilated(network: Network, trajectory: bool) -> Network:
            model = build_model(self.header, trajectory=trajectory).to(self.device)
            model.load_state_dict(network.state_dict())
            return model.eval()

        trajectory = self.networks.trajectory
        return Networks(dilated(self.networks.pose, False), None if trajectory is None else dilated(trajectory, True))

    def _write_weights(self, row: Mapping[str, float], better: bool) -> None:
        figures = {name: round(value, 2) for name, value in row.items() if name.startswith(("3d_", "traj_"))}
        header = replace(self.header, metrics={"epoch": row["epoch"], **figures})
        keep = self.config.keep_every
        files = [LAST, *([BEST] if better else [])]
        if keep and int(row["epoch"]) % keep == 0:
            files.append(f"epoch_{int(row['epoch'])}.safetensors")
        for file in files:
            save_lifter(self.networks.pose, header, self.folder / file, trajectory=self.networks.trajectory)

    # --- the state

    def save(self) -> None:
        """Write the checkpoint; every process takes part."""
        self._saved = monotonic()
        random = self.who.gather(_random_state(self.device))
        if self.who.first:
            arrays = {f"random.{rank}": state for rank, state in enumerate(random)}
            arrays["labelled_order"] = torch.from_numpy(self.labelled_order.state())
            if self.unlabelled_order is not None:
                arrays["unlabelled_order"] = torch.from_numpy(self.unlabelled_order.state())
            save_state(self.folder / CHECKPOINT, self.networks, self.optimizer, self.run, self.identity, arrays)

    def load(self) -> None:
        """Go on from the checkpoint.

        Raises:
            WeightsError: It is damaged or of another run.
        """
        self.run, arrays = load_state(self.folder / CHECKPOINT, self.networks, self.optimizer, self.identity)
        self.labelled_order.restore(arrays["labelled_order"].numpy())
        if self.unlabelled_order is not None:
            self.unlabelled_order.restore(arrays["unlabelled_order"].numpy())
        _set_random_state(arrays[f"random.{self.who.rank}"], self.device)


def _random_state(device: str) -> Tensor:
    """The state of torch's generators of this process, as bytes: dropout depends on them."""
    states = [torch.get_rng_state()]
    if device.startswith("cuda"):
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)


def _set_random_state(state: Tensor, device: str) -> None:
    length = len(torch.get_rng_state())
    torch.set_rng_state(state[:length])
    if device.startswith("cuda") and len(state) > length:
        torch.cuda.set_rng_state(state[length:], device)
