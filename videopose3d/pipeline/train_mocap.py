"""Training a lifter on motion capture seen by virtual cameras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import cos, pi, prod
from pathlib import Path
from time import monotonic
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, IterableDataset

from videopose3d.config import MocapTrainConfig
from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import VirtualConfig, WindowSource, detect, film
from videopose3d.errors import InputError, WeightsError
from videopose3d.lifter.canonical import FEATURES, mirror_input, mirror_pose
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.losses import bone_lengths, distance
from videopose3d.lifter.model import TemporalModelOneFrame, TemporalModelWindows
from videopose3d.lifter.weights import build_model, choose_device, save_lifter
from videopose3d.pipeline.checkpoint import TrainState
from videopose3d.pipeline.heldout import SCREEN_FEATURES, HeldOutTable, evaluate_held_out, window_input
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.weights.header import LifterHeader

_DRAWN_TOGETHER = 1024
"""Windows drawn at once."""
_RISE = 200
"""Steps over which the learning rate rises."""


@dataclass(frozen=True)
class TrainProgress:
    """Where a training run is.

    Attributes:
        step, steps: Steps done and to do.
        loss: Mean MPJPE of the last steps [mm].
        rate: Windows per second since the start.
        waiting: Share of the time since the start that the network waited for windows.
    """

    step: int
    steps: int
    loss: float
    rate: float
    waiting: float = 0.0


@dataclass(frozen=True)
class Labels:
    """What the header of the weights says beside numbers.

    Attributes:
        training: Data, settings and version, as text.
        licence: Of the weights.
    """

    training: str = ""
    licence: str = ""


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """All batches from a step on; a resumed run sees what it would have seen.

    The windows of several steps are drawn at once, which takes half the time, with a seed of their own.
    """

    def __init__(self, source: WindowSource, virtual: VirtualConfig, config: MocapTrainConfig, first: int) -> None:
        self.source, self.virtual, self.config, self.first = source, virtual, config, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if torch.utils.data.get_worker_info() is not None:
            torch.set_num_threads(1)
        together = max(1, _DRAWN_TOGETHER // self.config.batch)
        drawn = replace(self.config, batch=self.config.batch * together)
        for start in range(self.first - self.first % together, _steps(self.config), together):
            gen = Generator(self.source.joints.device).manual_seed(self.config.seed * 1_000_003 + start)
            x, y = draw_batch(self.source, self.virtual, drawn, gen)
            for step in range(max(start, self.first), min(start + together, _steps(self.config))):
                part = slice(step - start, None, together)
                yield x[part].contiguous(), y[part].contiguous()


def draw_batch(
    source: WindowSource, virtual: VirtualConfig, config: MocapTrainConfig, gen: Generator
) -> tuple[Tensor, Tensor]:
    """Input and targets of one step, half of them mirrored.

    Returns:
        Features (batch, F + outputs - 1, 17, features), and the poses of the last ``outputs`` frames that the network
        gives, (batch, outputs, 17, 3) [m] in its axes, relative to the pelvis.
    """
    field, frames = prod(config.filter_widths), prod(config.filter_widths) + config.outputs - 1
    first = field - 1 if config.causal else field // 2
    bodies = source.draw(max(1, config.batch // virtual.views), frames, gen)
    features, targets = [], []
    for _ in range(virtual.views):
        perfect, inside = film(bodies, virtual.camera, gen)
        seen = detect(perfect, inside, virtual.noise, virtual.camera, gen)
        x, turn = window_input(seen, config.normalisation)
        y = seen.target[:, first : first + config.outputs]
        features.append(x)
        targets.append(y if turn is None else y @ turn[:, first : first + config.outputs].transpose(-1, -2))
    x, y = torch.cat(features), torch.cat(targets)
    half = torch.nonzero(torch.rand(len(x), generator=gen, device=gen.device) < 0.5)[:, 0]
    x[half], y[half] = mirror_input(x[half], COCO17), mirror_pose(y[half], H36M17)
    return x, y


def train_lifter(
    library: MotionLibrary,
    out: str | os.PathLike[str],
    config: MocapTrainConfig | None = None,
    *,
    virtual: VirtualConfig | None = None,
    start: Lifter | Literal["resume"] | None = None,
    device: str = "auto",
    labels: Labels | None = None,
    report: Callable[[TrainProgress], None] | None = None,
) -> HeldOutTable:
    """Train on the train split, write the weights, and measure them on the held-out people of the test split.

    A checkpoint ``OUT.checkpoint`` is kept beside the output while training and removed at the end.

    Args:
        library: Motions with splits.
        out: The .safetensors file to write.
        config: Sizes, schedule and seed.
        virtual: Bodies, cameras and detector errors.
        start: Weights to start from, of the same network; or ``resume``: go on from the checkpoint, if there is one.
        device: ``auto``, ``cpu`` or ``cuda``.
        labels: Texts for the header.
        report: Called about every hundred steps.

    Raises:
        InputError: The library has no training motions, or none to measure on.
        WeightsError: The checkpoint belongs to another run, or the weights to start from to another network.
    """
    config, virtual = config or MocapTrainConfig(), virtual or VirtualConfig()
    device = choose_device(device)
    motions = library.select("train")
    if len(motions) == 0:
        raise InputError("no motions of the train split in this library", fix="Check the folder or its split.json.")
    held_out = next((part for part in map(library.select, ("test", "validation")) if len(part)), None)
    if held_out is None:
        fix = "Add people who are held out: videopose3d prepare mocap ... --split test."
        raise InputError("no motions of the test or validation split to measure on", fix=fix)
    header = _header(Path(out).stem, config, virtual, labels or Labels())
    checkpoint = Path(f"{os.fspath(out)}.checkpoint")
    if isinstance(start, Lifter):
        _check_start(start.header, header)
    averaged = _fit(motions, config, virtual, device, checkpoint, start, report)
    model = build_model(header).eval()
    model.load_state_dict(averaged, strict=False)
    table = evaluate_held_out(Lifter(model, header), held_out)
    header = replace(header, metrics=table.figures())
    save_lifter(model, header, out, half=True)
    checkpoint.unlink(missing_ok=True)
    return table


def _check_start(given: LifterHeader, wanted: LifterHeader) -> None:
    """Refuse weights of another network."""
    for name in ("filter_widths", "channels", "features", "causal", "normalisation"):
        if (one := getattr(given, name)) != (other := getattr(wanted, name)):
            what = f"its {name.replace('_', ' ')}: {one}, those of this run: {other}"
            raise WeightsError(what, where=given.name, fix="Give the settings that the weights to start from have.")


def _header(name: str, config: MocapTrainConfig, virtual: VirtualConfig, labels: Labels) -> LifterHeader:
    return LifterHeader(
        name=name.removeprefix("lifter_"),
        filter_widths=config.filter_widths,
        channels=config.channels,
        features=_features(config),
        causal=config.causal,
        normalisation=config.normalisation,
        fps_range=virtual.body.rates,
        stature=1.70,
        training=labels.training,
        licence=labels.licence,
    )


def _features(config: MocapTrainConfig) -> int:
    return FEATURES if config.normalisation == "rays" else SCREEN_FEATURES


def _steps(config: MocapTrainConfig) -> int:
    return max(1, config.windows // config.batch)


def _fit(
    motions: MotionLibrary,
    config: MocapTrainConfig,
    virtual: VirtualConfig,
    device: str,
    checkpoint: Path,
    start: Lifter | Literal["resume"] | None,
    report: Callable[[TrainProgress], None] | None,
) -> dict[str, Tensor]:
    """The averaged weights after all steps."""
    torch.manual_seed(config.seed)
    kind = TemporalModelOneFrame if config.outputs == 1 else TemporalModelWindows
    model = kind(
        len(COCO17),
        _features(config),
        len(H36M17),
        config.filter_widths,
        causal=config.causal,
        dropout=config.dropout,
        channels=config.channels,
    ).to(device)
    if isinstance(start, Lifter):
        model.load_state_dict(start.model.state_dict())
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items() if v.is_floating_point()}
    state = TrainState(model, optimizer, averaged, run=f"{config} {virtual}")
    first = state.load(checkpoint) if start == "resume" and checkpoint.exists() else 0
    steps = _steps(config)
    clock = _Clock(config.batch, first, steps, report)
    for step, (x, y) in enumerate(clock.watched(_batches(motions, virtual, config, device, first)), first):
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout of a resumed run equals that of a whole one
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _schedule(step, steps)
        loss = _step(model, optimizer, x.to(device), y.to(device), config)
        _average(averaged, model, min(config.average, (1 + step) / (10 + step)))
        clock.tick(step, loss)
        if (step + 1) % config.save_every == 0 and step + 1 < steps:
            state.save(checkpoint, step + 1)
    return {key: value.cpu() for key, value in averaged.items()}


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then half a cosine."""
    return min(1.0, (step + 1) / min(_RISE, steps)) * (1 + cos(pi * step / steps)) / 2


def _batches(
    motions: MotionLibrary, virtual: VirtualConfig, config: MocapTrainConfig, device: str, first: int
) -> Iterable[tuple[Tensor, Tensor]]:
    """Made on the GPU that trains, or in a process of their own beside the CPU that does."""
    source = WindowSource(motions, virtual.shares_of(motions.datasets), virtual.body, device)
    batches = _Batches(source, virtual, config, first)
    return batches if device != "cpu" else DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4)


class _Clock:
    """Tells about every hundredth step how training goes."""

    def __init__(self, batch: int, first: int, steps: int, report: Callable[[TrainProgress], None] | None) -> None:
        self.batch, self.first, self.steps, self.report = batch, first, steps, report
        self.started, self.waited, self.losses = monotonic(), 0.0, list[Tensor]()

    def watched(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        """The same batches; the time they take is counted."""
        source = iter(batches)
        while True:
            before = monotonic()
            batch = next(source, None)
            self.waited += monotonic() - before
            if batch is None:
                return
            yield batch

    def tick(self, step: int, loss: Tensor) -> None:
        """A step is done."""
        self.losses.append(loss)
        if (step + 1) % 100 and step + 1 < self.steps:
            return
        if self.report:
            mean, seconds = float(torch.stack(self.losses).mean()) * 1000, monotonic() - self.started
            rate = (step + 1 - self.first) * self.batch / seconds
            self.report(TrainProgress(step + 1, self.steps, mean, rate, self.waited / seconds))
        self.losses.clear()


def _step(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, config: MocapTrainConfig
) -> Tensor:
    """One step of the optimizer; the mean distance of the joints [m]."""
    model.train()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(x.device.type, torch.bfloat16):
        predicted = model(x)
    predicted = predicted.float()
    position = distance(predicted, y)
    loss: Tensor = position
    if config.velocity and config.outputs > 1:
        loss = loss + config.velocity * distance(predicted.diff(dim=1), y.diff(dim=1))
    if config.bones:
        loss = loss + config.bones * _bone_error(predicted, y)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return position.detach()


def _bone_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean difference of the bones' lengths [m]."""
    lengths = [bone_lengths(poses.flatten(0, 1)[:, None], H36M17) for poses in (predicted, target)]
    return (lengths[0] - lengths[1]).abs().mean()


def _average(averaged: dict[str, Tensor], model: torch.nn.Module, decay: float) -> None:
    state = model.state_dict()
    for key, value in averaged.items():
        value.lerp_(state[key], 1 - decay)
