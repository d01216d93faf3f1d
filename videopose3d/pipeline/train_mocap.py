"""Training a lifter on motion capture seen by virtual cameras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path
from time import monotonic

import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, IterableDataset

from videopose3d.config import MocapTrainConfig
from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import BodyConfig, CameraConfig, NoiseConfig, WindowSource, detect, film
from videopose3d.errors import InputError
from videopose3d.lifter.canonical import FEATURES, canonical_input, mirror_input, mirror_pose
from videopose3d.lifter.model import TemporalModelOneFrame
from videopose3d.lifter.weights import build_model, choose_device, save_lifter
from videopose3d.pipeline.checkpoint import TrainState
from videopose3d.pipeline.heldout import HeldOutTable, evaluate_held_out
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.weights.header import LifterHeader

SHARES = {
    "ui-prmd": 0.3,
    "papagina": 0.18,
    "cyun9601": 0.18,
    "kseniia": 0.07,
    "chaneyddtt": 0.12,
    "jump": 0.15,
}
"""How much of a batch comes from each set: by variety, not by length."""


@dataclass(frozen=True)
class TrainProgress:
    """Where a training run is.

    Attributes:
        step, steps: Steps done and to do.
        loss: Mean MPJPE of the last steps [mm].
        rate: Windows per second since the start.
    """

    step: int
    steps: int
    loss: float
    rate: float


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless batches; each has a seed of its own, so that a resumed run sees what it would have seen."""

    def __init__(self, source: WindowSource, config: MocapTrainConfig, frames: int, first: int, steps: int) -> None:
        self.source, self.config, self.frames, self.first, self.steps = source, config, frames, first, steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.set_num_threads(1)
        for step in range(self.first, self.steps):
            gen = Generator().manual_seed(self.config.seed * 1_000_003 + step)
            yield draw_batch(self.source, self.config.batch, self.frames, gen)


def draw_batch(source: WindowSource, count: int, frames: int, gen: Generator) -> tuple[Tensor, Tensor]:
    """Features (count, frames, 17, 4) and targets (count, 17, 3) [m] in the turned axes, half of them mirrored."""
    bodies = source.draw(count // 2, frames, gen)
    camera, noise = CameraConfig(), NoiseConfig()
    features, targets = [], []
    for _ in range(2):  # two cameras and detectors look at the same motion: drawing it costs the most
        perfect, inside = film(bodies, camera, gen)
        seen = detect(perfect, inside, noise, camera.focal_error, gen)
        x, turn = canonical_input(seen.rays, seen.scores, COCO17)
        features.append(x)
        targets.append(seen.target @ turn[:, frames // 2].transpose(-1, -2))
    x, y = torch.cat(features), torch.cat(targets)
    half = torch.rand(len(x), generator=gen) < 0.5
    x = torch.where(half[:, None, None, None], mirror_input(x, COCO17), x)
    return x, torch.where(half[:, None, None], mirror_pose(y, H36M17), y)


def train_lifter(
    library: MotionLibrary,
    out: str | os.PathLike[str],
    config: MocapTrainConfig | None = None,
    *,
    device: str = "auto",
    resume: bool = False,
    training: str = "",
    licence: str = "",
    report: Callable[[TrainProgress], None] | None = None,
) -> HeldOutTable:
    """Train on the train split, write the weights, and measure them on the held-out people of the test split.

    A checkpoint ``OUT.checkpoint`` is kept beside the output while training and removed at the end.

    Args:
        library: Motions with splits.
        out: The .safetensors file to write.
        config: Sizes, schedule and seed.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: Go on from the checkpoint, if there is one.
        training, licence: Texts for the header.
        report: Called about every hundred steps.

    Raises:
        InputError: The library has no training motions.
        WeightsError: The checkpoint belongs to another run.
    """
    config = config or MocapTrainConfig()
    device = choose_device(device)
    motions = library.select("train")
    if len(motions) == 0:
        raise InputError("no motions of the train split in this library", fix="Check the folder or its split.json.")
    header = _header(Path(out).stem, config, training, licence)
    checkpoint = Path(f"{os.fspath(out)}.checkpoint")
    averaged = _fit(motions, header, config, device, checkpoint, resume, report)
    model = build_model(header).eval()
    model.load_state_dict(averaged, strict=False)
    test = library.select("test")
    table = evaluate_held_out(model, header, test if len(test) else library.select("validation"))
    header = replace(header, metrics=table.figures())
    save_lifter(model, header, out, half=True)
    checkpoint.unlink(missing_ok=True)
    return table


def _header(name: str, config: MocapTrainConfig, training: str, licence: str) -> LifterHeader:
    return LifterHeader(
        name=name.removeprefix("lifter_"),
        filter_widths=config.filter_widths,
        channels=config.channels,
        features=FEATURES,
        fps_range=BodyConfig().rates,
        stature=1.70,
        training=training,
        licence=licence,
    )


def _fit(
    motions: MotionLibrary,
    header: LifterHeader,
    config: MocapTrainConfig,
    device: str,
    checkpoint: Path,
    resume: bool,
    report: Callable[[TrainProgress], None] | None,
) -> dict[str, Tensor]:
    """The averaged weights after all steps."""
    torch.manual_seed(config.seed)
    model = TemporalModelOneFrame(
        len(COCO17), FEATURES, len(H36M17), config.filter_widths, dropout=config.dropout, channels=config.channels
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items() if v.is_floating_point()}
    state = TrainState(model, optimizer, averaged, run=repr(config))
    first = state.load(checkpoint) if resume and checkpoint.exists() else 0
    steps = max(1, config.windows // config.batch)
    source = WindowSource(motions, _shares(motions), BodyConfig())
    batches = _Batches(source, config, model.receptive_field, first, steps)
    started, loss_sum, shown = monotonic(), 0.0, first
    for step, (x, y) in enumerate(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4), first):
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout of a resumed run equals that of a whole one
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * (1 + cos(pi * step / steps)) / 2
        loss_sum += _step(model, optimizer, x.to(device), y.to(device))
        _average(averaged, model, min(config.average, (1 + step) / (10 + step)))
        if (step + 1) % 100 == 0 or step + 1 == steps:
            if report:
                rate = (step + 1 - first) * config.batch / (monotonic() - started)
                report(TrainProgress(step + 1, steps, loss_sum / (step + 1 - shown) * 1000, rate))
            loss_sum, shown = 0.0, step + 1
        if (step + 1) % config.save_every == 0 and step + 1 < steps:
            state.save(checkpoint, step + 1)
    return {key: value.cpu() for key, value in averaged.items()}


def _shares(motions: MotionLibrary) -> dict[str, float]:
    """`SHARES`, with sets it does not know at the mean of those it knows."""
    return {name: SHARES.get(name, sum(SHARES.values()) / len(SHARES)) for name in motions.datasets}


def _step(model: TemporalModelOneFrame, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    model.train()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(x.device.type, torch.bfloat16):
        predicted = model(x)[:, 0]
    loss = (predicted.float() - y).norm(dim=-1).mean()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def _average(averaged: dict[str, Tensor], model: torch.nn.Module, decay: float) -> None:
    state = model.state_dict()
    for key, value in averaged.items():
        value.lerp_(state[key], 1 - decay)
