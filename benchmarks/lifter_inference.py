"""Frames per second of the lifter over one long sequence, with flip averaging.

    python benchmarks/lifter_inference.py [--frames 5000] [--repeats 5] [--memory]

"eager" is the plain float32 network on the whole padded sequence and its mirror image, as the original program
evaluates. All are timed in turns in the same run; the numbers are medians. Differences of poses are from the eager
ones: of the bundled weights on the bundled clip (true keypoints with 2 px of noise), with what they add to its
MPJPE, and of random weights whose outputs spread over 0.3 m, which are no people. ``--memory`` lifts 100,000
frames and reports the peak.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from videopose3d.geometry import camera_from_focal
from videopose3d.lifter.canonical import mirror_input, mirror_pose
from videopose3d.lifter.fast import FastNetwork
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.model import TemporalModel
from videopose3d.metrics import mpjpe
from videopose3d.skeleton import H36M17, Skeleton

SIZES = [((3, 3, 3), 512), ((3, 3, 3), 1024), ((3, 3, 3, 3), 1024), ((3, 3, 3, 3, 3), 1024)]
REDUCED = ("mixed", "bfloat16")

Network = Callable[[Tensor], Tensor]


def flipped(network: Network, padded: Tensor, two: Skeleton = H36M17, three: Skeleton = H36M17) -> Tensor:
    """(T, J, 3) the mean over a sequence and its mirror image."""
    out = network(torch.stack([padded, mirror_input(padded, two)]))
    return (out[0] + mirror_pose(out[1], three)) / 2


def moving(frames: int) -> Tensor:
    """(frames, 17, 2) keypoints that swing about the picture at walking pace, with a little noise."""
    torch.manual_seed(0)
    t = torch.arange(frames)[:, None, None] / 50
    swings = [0.3 / k * torch.sin(2 * torch.pi * k * t + 6 * torch.rand(17, 2)) for k in (0.2, 1, 2)]
    return torch.stack(swings).sum(0) + 0.003 * torch.randn(frames, 17, 2)


@torch.inference_mode()
def random_model(widths: tuple[int, ...], channels: int) -> TemporalModel:
    """Random weights whose poses are as large as people."""
    model = TemporalModel(17, 2, 17, widths, channels=channels).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.load_state_dict({"running_var": torch.rand(channels) / 3 + 0.2}, strict=False)
    spread = model(moving(model.receptive_field + 200)[None]).std((0, 1)).mean()
    model.shrink.weight.mul_(0.3 / spread)
    return model


def timed(networks: dict[str, Network], padded: Tensor, repeats: int) -> dict[str, float]:
    """Median seconds of every network; they take turns, after one turn to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(repeats + 1):
        for name, network in networks.items():
            started = time.perf_counter()
            flipped(network, padded)
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def difference(one: Tensor, other: Tensor) -> float:
    """Mean distance of joints [mm]."""
    return 1000 * float((one - other).norm(dim=-1).mean())


def speed(widths: tuple[int, ...], channels: int, frames: int, repeats: int) -> None:
    model = random_model(widths, channels)
    padded = moving(frames + model.receptive_field - 1)
    fast = {precision: FastNetwork.of(model, precision) for precision in ("float32", *REDUCED)}
    exact = flipped(model, padded)
    away = {name: difference(flipped(network, padded), exact) for name, network in fast.items()}
    seconds = timed({"eager": model, **fast}, padded, repeats)
    print(f"{model.receptive_field} frames, {channels} channels: eager {frames / seconds['eager']:8.0f} frames/s")
    for name in fast:
        ratio = seconds["eager"] / seconds[name]
        print(f"  {name:9} {frames / seconds[name]:8.0f} frames/s  {ratio:5.2f}x   poses differ by {away[name]:.4f} mm")


def accuracy() -> None:
    """What the precision costs with real weights on the bundled clip."""
    with as_file(files("videopose3d.data") / "demo_truth.npz") as path, np.load(path, allow_pickle=False) as npz:
        truth = {key: npz[key] for key in npz.files}
    lifter = Lifter.load("open", "cpu")
    noisy = truth["keypoints_2d"] + np.random.default_rng(0).normal(0, 2, truth["keypoints_2d"].shape)
    keypoints = np.concatenate([noisy, np.full_like(noisy[..., :1], 0.9)], -1).astype(np.float32)
    width, height = (int(n) for n in truth["size"])
    camera = camera_from_focal((width, height), float(truth["focal"]))
    features, turn = lifter.features(keypoints, camera, (width, height))
    before, after = lifter.model.padding
    padded = features[torch.arange(-before, len(features) + after).clamp(0, len(features) - 1)]
    skeletons = lifter.header.input_skeleton, lifter.header.output_skeleton
    scale = float(truth["height"]) / (lifter.header.stature or float(truth["height"]))

    def error(poses: Tensor) -> float:
        turned = poses if turn is None else poses @ turn
        return mpjpe(scale * (turned - turned[:, :1]).numpy().astype(np.float64), truth["poses_3d"].astype(np.float64))

    eager = flipped(lifter.model, padded, *skeletons)
    print(f"bundled weights on the bundled clip: MPJPE {error(eager):.3f} mm with eager float32")
    for precision in ("float32", *REDUCED):
        poses = flipped(FastNetwork.of(lifter.model, precision), padded, *skeletons)
        added = error(poses) - error(eager)
        print(f"  {precision:9} adds {added:+.4f} mm of error; poses differ by {difference(poses, eager):.4f} mm")


def memory(frames: int = 100_000) -> None:
    model = random_model((3, 3, 3, 3, 3), 1024)
    padded = moving(frames + model.receptive_field - 1)
    network = FastNetwork.of(model, "bfloat16")
    started = time.perf_counter()
    flipped(network, padded)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{frames} frames, 243 frames, 1024 channels: {time.perf_counter() - started:.0f} s, peak {peak:.2f} GB")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory:
        memory()
        return
    print(f"one sequence of {options.frames} frames and its mirror image, {options.threads} threads")
    for widths, channels in SIZES:
        speed(widths, channels, options.frames, options.repeats)
    accuracy()


if __name__ == "__main__":
    main()
