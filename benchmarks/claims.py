"""The paper's claims, tried on open motion capture in front of the four cameras of Human3.6M.

    python benchmarks/claims.py MOTIONS --work out/claims [--out docs/claims.md]

MOTIONS is a folder of motion capture sets or a library made from one (docs/lifter.md). Every run is trained, judged
on people it has not seen, and kept in the work folder, so that a benchmark that was stopped goes on where it was; the
page is written anew after every run. `_claims_data.py` makes the data, `_claims_page.py` writes the page.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from _claims_data import labelled_few, room
from _claims_page import page

from videopose3d.config import LiftConfig, TrainConfig
from videopose3d.datasets.mocap import MotionLibrary, build_library, load_library
from videopose3d.datasets.sequences import PoseDataset, action_group
from videopose3d.datasets.windows import ExampleOrder
from videopose3d.files import replacing
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.evaluate import evaluate
from videopose3d.pipeline.training.batches import Batches
from videopose3d.pipeline.training.fit import LAST, Fit
from videopose3d.pipeline.training.processes import Processes
from videopose3d.pipeline.training.setup import Split

DROPOUT = 0.1  # the paper's 0.25 is for 1024 channels
RATE, LAST_RATE = 3e-3, 0.05
"""The learning rate of the first epoch, and that of the last one as a share of it."""
WARMUP = 3
"""Epochs without unlabelled people: a root whose depth is still about 0 cannot be projected."""


@dataclass(frozen=True)
class Run:
    """One network.

    Attributes:
        widths: Of the convolutions; their product is the receptive field [frames].
        causal: It sees the past only.
        noisy: Trained and judged on the imitated detector instead of perfect 2D keypoints.
        labels: Share of every take of the labelled few; None labels everybody.
        single: The labelled few are one person, not one of every set.
        unlabelled: The others join in without their 3D poses.
        bone_length, reprojection: Terms of the loss for unlabelled people.
        augment: Trained on mirrored windows, too, and judged with flip averaging.
        seed: Of the weights and of the order of windows, not of the data.
    """

    widths: tuple[int, ...] = (3, 3, 3)
    causal: bool = False
    noisy: bool = True
    labels: float | None = None
    single: bool = False
    unlabelled: bool = False
    bone_length: bool = True
    reprojection: bool = True
    augment: bool = True
    seed: int = 1


@dataclass(frozen=True)
class Effort:
    """How much is trained.

    Attributes:
        channels: Width of the hidden layers; the paper has 1024.
        epochs: Between which the learning rate falls.
        windows: Windows per epoch, drawn from all; of labelled people where there are others.
        batch: Windows per step.
        few_windows, few_batch: The same where few people are labelled.
    """

    channels: int = 128
    epochs: int = 15
    windows: int = 32_000
    batch: int = 128
    few_windows: int = 8_000
    few_batch: int = 64


ONE, F9, F27, F81, F243 = (1, 1, 1), (3, 3), (3, 3, 3), (3,) * 4, (3,) * 5


def few(labels: float, **more: Any) -> Run:
    """A run in which one person of every set is labelled, with so many of the frames."""
    return Run(F9, noisy=False, labels=labels, **more)


def one(labels: float, **more: Any) -> Run:
    """A run in which a single person is labelled, with so many of the frames."""
    return Run(F9, noisy=False, labels=labels, single=True, **more)


RUNS: dict[str, Run] = {
    "1": Run(ONE),
    "27": Run(F27),
    "few 0.1": few(0.1),
    "few 0.1 semi": few(0.1, unlabelled=True),
    "81": Run(F81),
    "few 0.02": few(0.02),
    "few 0.02 semi": few(0.02, unlabelled=True),
    "one 0.1": one(0.1),
    "one 0.1 semi": one(0.1, unlabelled=True),
    "one 0.1 semi no bones": one(0.1, unlabelled=True, bone_length=False),
    "1 perfect": Run(ONE, noisy=False),
    "27 perfect": Run(F27, noisy=False),
    "243": Run(F243),
    "27 causal": Run(F27, causal=True),
    "one 1": one(1.0),
    "one 1 semi": one(1.0, unlabelled=True),
    "27 seed 2": Run(F27, seed=2),
    "1 seed 2": Run(ONE, seed=2),
    "one 0.1 semi no reprojection": one(0.1, unlabelled=True, reprojection=False),
    "one 0.1 seed 2": one(0.1, seed=2),
    "one 0.1 semi seed 2": one(0.1, unlabelled=True, seed=2),
    "243 causal": Run(F243, causal=True),
    "243 perfect": Run(F243, noisy=False),
    "27 no flip": Run(F27, augment=False),
    "81 perfect": Run(F81, noisy=False),
}
"""In the order in which they are worth having."""


class Rooms:
    """The data with perfect and with noisy 2D, made when first asked for."""

    def __init__(self, library: MotionLibrary, seed: int) -> None:
        self.library, self.seed = library, seed
        self._made: dict[bool, tuple[PoseDataset, Split]] = {}

    def get(self, *, noisy: bool) -> tuple[PoseDataset, Split]:
        """The data set and who is who."""
        if noisy not in self._made:
            self._made[noisy] = room(self.library, self.seed, noisy=noisy)
        return self._made[noisy]


class _Order(ExampleOrder):
    """Passes of so many windows: drawn anew from all for every pass, or all repeated where there are too few."""

    def __init__(self, batches: Batches, windows: int, batch: int, seed: int, *, augment: bool) -> None:
        examples = batches.examples(augment=augment)
        self.steps = windows // batch
        super().__init__(np.resize(examples, (max(len(examples), self.steps * batch), 4)), batch, seed)

    def __len__(self) -> int:
        return self.steps


class _Fit(Fit):
    """Training as `pipeline.training.train` does it, in short passes."""

    windows = 0

    def _order(self, data: Batches, seed: int) -> ExampleOrder:
        return _Order(data, self.windows, self.config.batch, seed, augment=self.config.augment)


def carry_out(run: Run, effort: Effort, rooms: Rooms, folder: Path) -> dict[str, Any]:
    """Train one network and judge it; the errors [mm], by set and on average, and the processor time [s]."""
    dataset, split = rooms.get(noisy=run.noisy)
    started = process_time()
    if run.labels is not None:
        split = labelled_few(dataset, split, single=run.single)
    people = split if run.unlabelled else Split(split.train, split.test)
    fit = _fit(run, effort, dataset, people, folder)
    fit.fit(lambda _: None)
    trained = process_time()
    lifter = Lifter.load(str(folder / LAST), "cpu")
    config = LiftConfig(flip=run.augment, chunk=8192)
    scores = evaluate(lifter, dataset, split.test, config=config)
    rows = {row.action: asdict(row) for row in (*scores.overall.rows, scores.average)}
    return {"scores": rows, "train_s": trained - started, "judge_s": process_time() - trained}


def _fit(run: Run, effort: Effort, dataset: PoseDataset, split: Split, folder: Path) -> _Fit:
    config = TrainConfig(
        epochs=effort.epochs,
        batch=effort.batch if run.labels is None else effort.few_batch,
        learning_rate=RATE,
        lr_decay=LAST_RATE ** (1 / max(effort.epochs - 1, 1)),
        dropout=DROPOUT,
        filter_widths=run.widths,
        channels=effort.channels,
        causal=run.causal,
        augment=run.augment,
        subset=1.0 if run.labels is None else run.labels,
        bone_length=run.bone_length,
        reprojection=run.reprojection,
        warmup=WARMUP,
        precision="bfloat16" if run.widths not in (ONE, F9) else "float32",
        seed=1233 + run.seed,
        validate=False,
        keep_every=0,
    )

    class Short(_Fit):
        windows = effort.windows if run.labels is None else effort.few_windows

    return Short(dataset, folder, split, config, "cpu", Processes())


def about(rooms: Rooms, effort: Effort, threads: int) -> dict[str, Any]:
    """What the page says of the data and the machine; kept with the runs."""
    (dataset, split), (noisy, _) = rooms.get(noisy=False), rooms.get(noisy=True)
    off = [
        np.linalg.norm(a.keypoints - b.keypoints, axis=-1).ravel()
        for a, b in zip(dataset.sequences, noisy.sequences, strict=True)
    ]
    tall = np.concatenate([np.ptp(s.keypoints[..., 1], axis=1) for s in dataset.sequences])
    minutes: dict[str, dict[str, float]] = {"train": {}, "test": {}}
    for s in dataset.sequences:
        sets = minutes["train" if s.subject in split.train else "test"]
        name = action_group(s.action)
        sets[name] = sets.get(name, 0.0) + len(s) / dataset.fps / 60 / 4
    return {
        "effort": asdict(effort),
        "seed": rooms.seed,
        "dropout": DROPOUT,
        "rate": [RATE, LAST_RATE],
        "fps": dataset.fps,
        "people": {"train": len(split.train), "test": len(split.test)},
        "labelled": {name: _labelled(dataset, split, single=name == "one") for name in ("few", "one")},
        "minutes": minutes,
        "take_s": float(np.median([len(s) for s in dataset.sequences])) / dataset.fps,
        "tall_px": float(np.median(tall)),
        "noise_px": [float(np.mean(np.concatenate(off))), *np.percentile(np.concatenate(off), [50, 99]).tolist()],
        "machine": f"{processor()}, {threads} thread{'s' * (threads > 1)}",
    }


def _labelled(dataset: PoseDataset, split: Split, *, single: bool) -> dict[str, float]:
    """How many people are labelled, and their minutes of motion."""
    people = labelled_few(dataset, split, single=single).train
    frames = sum(len(s) for s in dataset.sequences if s.subject in people) / 4
    return {"people": len(people), "minutes": frames / dataset.fps / 60}


def processor() -> str:
    """The name of the processor, as far as the machine tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


def kept(path: Path, settings: Mapping[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was kept under the same settings, or what is made now and kept."""
    plain = json.loads(json.dumps(settings))
    if path.exists():
        old: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if old["settings"] == plain:
            return old
    new = {"settings": plain, **make()}
    with replacing(path) as partial:
        partial.write_text(json.dumps(new, indent=1), encoding="utf-8")
    return new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="?")
    parser.add_argument("--work", type=Path, default=Path("out/claims"), help="where runs are kept")
    parser.add_argument("--out", type=Path, help="the page to write, e.g. docs/claims.md")
    for name, value in asdict(Effort()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    parser.add_argument("--seed", type=int, default=1, help="of the data")
    parser.add_argument("--only", action="append", choices=list(RUNS), metavar="NAME", help="this run; repeatable")
    parser.add_argument("--workers", type=int, default=1, help="threads")
    given = parser.parse_args()
    if given.motions is None:  # `make bench` on a machine without the data
        print("left out: give the folder of motion capture sets")
        return
    torch.set_num_threads(given.workers)
    library = build_library(given.motions) if given.motions.is_dir() else load_library(given.motions)
    rooms = Rooms(library, given.seed)
    effort = Effort(**{name: getattr(given, name) for name in asdict(Effort())})
    given.work.mkdir(parents=True, exist_ok=True)
    facts = kept(
        given.work / "about.json",
        {**asdict(effort), "seed": given.seed, "motions": len(library)},
        lambda: about(rooms, effort, given.workers),
    )
    results: dict[str, dict[str, Any]] = {}
    for name, run in RUNS.items():
        path = given.work / f"{name.replace(' ', '_')}.json"
        if given.only and name not in given.only and not path.exists():
            continue
        settings = {**asdict(run), **asdict(effort), "data_seed": given.seed, "motions": len(library)}
        settings |= {"dropout": DROPOUT, "rate": [RATE, LAST_RATE], "warmup": WARMUP}
        folder = given.work / path.stem
        results[name] = kept(path, settings, lambda: carry_out(run, effort, rooms, folder))  # noqa: B023
        average = results[name]["scores"]["average"]
        print(f"{name:28} {average['mpjpe']:6.1f} {average['p_mpjpe']:6.1f} {average['mpjve']:6.2f}", flush=True)
        if given.out is not None:
            with replacing(given.out) as partial:
                partial.write_text(page(facts, results), encoding="utf-8")


if __name__ == "__main__":
    main()
