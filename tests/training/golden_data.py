"""The sequences and networks of the golden training runs."""

from __future__ import annotations

import numpy as np
from golden_files import FOLDER, golden_json
from golden_nets import fill_rule_d

from videopose3d.calibration import CalibratedCamera
from videopose3d.config import TrainConfig
from videopose3d.datasets import load_dataset
from videopose3d.datasets.sequences import PoseSequence
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.weights import build_model
from videopose3d.pipeline.training.setup import Split
from videopose3d.weights.header import LifterHeader


def camera(intrinsics):
    """A camera of 2x2 pixels, whose screen coordinates are pixels less one."""
    k = [float(v) for v in intrinsics]
    return CalibratedCamera("0", (2, 2), (k[0], k[1]), (k[2] + 1, k[3] + 1), tuple(k[4:7]), tuple(k[7:9]))


def sequence(points, intrinsics, positions=None):
    """A take of keypoints in screen coordinates; the root is the first of the 3D positions."""
    poses = None if positions is None else np.concatenate([np.zeros_like(positions[:, :1]), positions[:, 1:]], 1)
    root = None if positions is None else positions[:, 0]
    return PoseSequence("S1", "Walk", camera(intrinsics), (points + 1).astype(np.float32), poses, root)


def sequences(arrays, kind, count):
    return [
        sequence(arrays[f"{kind}{i}/pos2d"], arrays[f"{kind}{i}/camera"], arrays.get(f"{kind}{i}/pos3d"))
        for i in range(count)
    ]


def human36m(keypoints="gt"):
    return load_dataset("h36m", keypoints, FOLDER / "data")


def start(causal=False, skeleton_in="h36m17"):
    """Networks with the weights that all golden runs start from."""
    header = LifterHeader("start", (3, 3), 16, 2, causal, skeleton_in=skeleton_in, normalisation="screen")
    trajectory = fill_rule_d(build_model(header, trajectory=True), 1.0, 5.0)
    return Lifter(fill_rule_d(build_model(header), 1.0), header, trajectory=trajectory)


RUNS = golden_json("train_runs")["runs"]


def options(name):
    """The original's command line as flag -> value."""
    given, found = RUNS[name]["args"], {}
    for place, word in enumerate(given):
        if word.startswith("-"):
            after = given[place + 1] if place + 1 < len(given) else "-"
            found[word] = True if after.startswith("-") else after
    return found


def config(name):
    o = options(name)
    return TrainConfig(
        epochs=int(o["-e"]),
        batch=int(o["-b"]),
        stride=int(o.get("-s", 1)),
        dropout=0.0,
        causal="--causal" in o,
        augment="-no-da" not in o,
        subset=float(o.get("--subset", 1)),
        downsample=int(o.get("--downsample", 1)),
        lr_decay=float(o.get("-lrd", 0.95)),
        warmup=int(o.get("--warmup", 1)),
        distortion="--linear-projection" not in o,
        bone_length="--no-bone-length" not in o,
        keep_every=1,
    )


def split(name):
    o = options(name)
    hidden = tuple(o["-sun"].split(",")) if "-sun" in o else ()
    return Split(tuple(o["-str"].split(",")), ("S9", "S11"), hidden)
