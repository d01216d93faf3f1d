"""What each part of the training on motion capture is worth: small networks, one change each.

    python benchmarks/ablations.py MOTIONS [--out docs/ablations.md] [--runs FOLDER] [--windows N] [--only NAME]

MOTIONS is a folder of motion capture sets or a library made from one (docs/lifter.md). Every row trains a network of
9 frames and 256 channels, or what the row says, on the train split and measures it on the people of the test split
(`pipeline/heldout.py`). Runs that are finished are kept in FOLDER and not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import torch

from videopose3d.config import MocapTrainConfig
from videopose3d.datasets.mocap import MotionLibrary, read_source
from videopose3d.datasets.virtual import VirtualConfig
from videopose3d.lifter.lift import Lifter
from videopose3d.pipeline.heldout import predict_held_out
from videopose3d.pipeline.train_mocap import TrainProgress, train_lifter

BASE = MocapTrainConfig(filter_widths=(9, 1, 1), channels=256, batch=256, save_every=1_000_000)
SEEDS = (1, 2, 3)
STILL = dict.fromkeys(("trunk", "hip", "shoulder", "elbow", "knee"), 0.0)


@dataclass(frozen=True)
class Row:
    """One network: what differs from the base.

    Attributes:
        name: What the table says.
        config: Fields of `MocapTrainConfig`.
        body, camera, noise: Fields of the virtual world.
        seeds: How often it is trained.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    camera: Mapping[str, Any] = field(default_factory=dict)
    noise: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 1


ROWS = (
    Row("base", seeds=3),
    Row("data: no parts of other clips", body={"part_mixing": 0.0}, seeds=3),
    Row("data: no turned subtrees", body={"subtree_angle": STILL}),
    Row("data: no random bone lengths", body={"bone_spread": 0.0}),
    Row("data: no tilted bodies", body={"tilted": 0.0}),
    Row("data: rare poses not preferred", body={"rarity": 0.0}),
    Row("data: no random arms and legs", body={"random_limbs": 0.0}),
    Row("cameras: standing only", camera={"moving": 0.0}),
    Row("cameras: focal length always nearly right", camera={"focal_guess": 0.0}),
    Row("input: screen coordinates, not rays", config={"normalisation": "screen"}, seeds=3),
    Row("input: no confidences", noise={"blind": 1.0}),
    Row("input: confidences do not tell what is hidden", noise={"alike": 0.0}),
    Row("noise: none", noise={"clean": 1.0}),
    Row("noise: sides never exchanged", noise={"swapped": 0.0}),
    Row("network: 1 frame", config={"filter_widths": (1, 1, 1)}),
    Row("network: 27 frames (9 x 3 x 1)", config={"filter_widths": (9, 3, 1)}),
    Row("network: 512 channels", config={"channels": 512}),
    Row("loss: 8 poses a window, an eighth of the windows", config={"outputs": 8, "velocity": 0.0}),
    Row("loss: the same with velocities", config={"outputs": 8}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--windows", type=int, default=300_000)
    parser.add_argument("--only", action="append", help="Rows whose names begin so.")
    given = parser.parse_args()
    if given.motions is None:  # `make bench` on a machine without the data
        print("left out: give the folder of motion capture sets")
        return
    torch.set_num_threads(1)
    library = read_source(given.motions)
    rows = [row for row in ROWS if not given.only or row.name.startswith(tuple(given.only))]
    given.runs.mkdir(parents=True, exist_ok=True)
    figures = {row.name: [run(row, seed, library, given) for seed in SEEDS[: row.seeds]] for row in rows}
    page = table(figures)
    print(page)
    if given.out:
        given.out.write_text(INTRODUCTION.format(windows=given.windows) + page + "\n", encoding="utf-8")


def run(row: Row, seed: int, library: MotionLibrary, given: argparse.Namespace) -> dict[str, float]:
    """Figures of one network, trained unless it was before."""
    config = replace(BASE, windows=given.windows, seed=seed, **row.config)
    if config.outputs > 1:
        config = replace(config, windows=config.windows // config.outputs, batch=config.batch // config.outputs)
    base = VirtualConfig()
    virtual = replace(
        base,
        body=replace(base.body, **row.body),
        camera=replace(base.camera, **row.camera),
        noise=replace(base.noise, **row.noise),
    )
    stem = "".join(c if c.isalnum() else "-" for c in f"{row.name} {given.windows} {seed}")
    kept = given.runs / f"{stem}.json"
    settings = f"{config} {virtual}"
    if kept.exists() and (known := json.loads(kept.read_text()))["settings"] == settings:
        return dict(known["figures"])
    waiting = [0.0]

    def watch(progress: TrainProgress) -> None:
        waiting[0] = progress.waiting

    started, worked = monotonic(), process_time()
    weights = given.runs / f"{stem}.safetensors"
    train_lifter(library, weights, config, virtual=virtual, device="cpu", report=watch)
    figures = measure(weights, library.select("test"))
    figures |= {"seconds": monotonic() - started, "processor": process_time() - worked, "waiting": waiting[0]}
    kept.write_text(json.dumps({"settings": settings, "figures": figures}))
    print(f"{row.name}, seed {seed}: {figures['noisy_2d_mpjpe']:.1f} mm, {figures['seconds']:.0f} s", flush=True)
    return figures


def measure(weights: Path, test: MotionLibrary) -> dict[str, float]:
    """Errors on the test people; also at places where people are seldom upright, and after smoothing."""
    lifter = Lifter.load(str(weights), "cpu")
    found = predict_held_out(lifter, test)
    figures = found.table().figures()
    rows = {row.name: row for row in found.table().rows}
    figures["cmu_noisy"] = sum(rows[s].errors["noisy 2D"].mpjpe for s in CMU) / len(CMU)
    figures["cmu_perfect"] = sum(rows[s].errors["perfect 2D"].mpjpe for s in CMU) / len(CMU)
    return figures


CMU = ("cyun9601", "jump", "kseniia", "papagina")
COLUMNS = {
    "perfect MPJPE": "perfect_2d_mpjpe",
    "P-MPJPE": "perfect_2d_p_mpjpe",
    "noisy MPJPE": "noisy_2d_mpjpe",
    "noisy P-MPJPE": "noisy_2d_p_mpjpe",
    "noisy MPJVE": "noisy_2d_mpjve",
    "CMU sets, perfect": "cmu_perfect",
    "CMU sets, noisy": "cmu_noisy",
}
INTRODUCTION = """# Ablations: what each part of the training is worth

Written by `python benchmarks/ablations.py MOTIONS --out docs/ablations.md`. Every row is a network of 9 frames
and 256 channels (or what the row says), trained on {windows:,} windows of the train split (1 MPJPE target each) and
measured on the people of the test split through cameras of the full range, MPJPE / P-MPJPE in mm, MPJVE in mm per
frame at 30 frames/s; "CMU sets" is the unweighted mean of the four small sets, whose motions vary most. These
networks are far from the end of training, and a difference below the spread of the three seeds shows nothing. "No
confidences" was trained with scores of 1 and is tested with a detector's.

In short, at 300,000 windows: rays instead of screen coordinates, errors like a detector's, confidences, several frames
(for steadiness) and more channels pay; one pose each of many windows teaches far more than eight poses each of few,
and a loss on velocities makes those steadier. What widens the data (parts of other clips, turned and random limbs,
other bones, tilted bodies) shows no gain so early: the network has not yet learned what is there. Rare poses and tilted
bodies help a little on the CMU sets.

"""


def table(figures: Mapping[str, list[dict[str, float]]]) -> str:
    """The rows as a Markdown table; of several seeds the mean, with the largest distance from it."""
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, runs in figures.items():
        cells = []
        for key in COLUMNS.values():
            values = [run[key] for run in runs]
            mean = sum(values) / len(values)
            spread = f" ± {max(abs(v - mean) for v in values):.1f}" if len(values) > 1 else ""
            cells.append(f"{mean:.1f}{spread}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
