"""Training windows per second, end to end: making the batch, forward, backward and the step of Adam.

    python benchmarks/train_throughput.py [--batch 1024] [--channels 1024] [--steps 3] [--device cpu] [--compile]

"plain loop" cuts and mirrors every window with NumPy, one by one, and trains the network of strided convolutions in
float32, as the original program does. Ours gathers windows on the device and multiplies matrices, in float32 and in
mixed precision. They take turns in the same run; the numbers are medians after one step to warm up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from videopose3d.calibration import CalibratedCamera
from videopose3d.datasets.sequences import PoseSequence
from videopose3d.datasets.windows import ExampleOrder, IntArray
from videopose3d.lifter.losses import distance
from videopose3d.lifter.model import TemporalModelOneFrame
from videopose3d.pipeline.training.batches import Batches
from videopose3d.skeleton import H36M17
from videopose3d.types import Array

WIDTHS = (3, 3, 3, 3, 3)
EPOCHS, WINDOWS = 80, 3_120_000
"""Of the published Human3.6M training: 1.56 million frames and their mirror images."""
DENSE_BFLOAT16 = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
"""Published peaks without sparsity [FLOP/s]."""

Step = Callable[[], float]
Take = Callable[[], tuple[Tensor, Tensor]]


class StridedConvolutions(TemporalModelOneFrame):
    """The same network written as strided convolutions over (B, C, T)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, J_in, features) to (B, 1, J_out, 3) [m]."""
        h = functional.conv1d(x.flatten(2).transpose(1, 2), self.expand_conv.weight, stride=self.filter_widths[0])
        h = self.drop(self.relu(self.expand_bn(h)))
        for block, width in enumerate(self.filter_widths[1:], start=1):
            residual = h[:, :, width // 2 :: width]
            for i, stride in ((2 * block - 2, width), (2 * block - 1, 1)):
                conv = self.layers_conv[i]
                assert isinstance(conv, torch.nn.Conv1d)
                h = self.drop(self.relu(self.layers_bn[i](functional.conv1d(h, conv.weight, stride=stride))))
            h = residual + h
        out: Tensor = self.shrink(h).transpose(1, 2)
        return out.reshape(len(x), 1, self.joints_out, 3)


def sequences(count: int = 8, frames: int = 3000) -> list[PoseSequence]:
    """Takes of joints that swing."""
    random = np.random.default_rng(0)
    camera = CalibratedCamera("0", (1000, 1000), (1145.0, 1145.0), (512.0, 515.0))
    t = np.arange(frames)[:, None, None] / 50
    takes = []
    for number in range(count):
        poses = (0.3 * np.sin(6 * t + random.uniform(0, 6, (17, 3)))).astype(np.float32)
        poses[:, 0] = 0
        takes.append(PoseSequence("S1", str(number), camera, 500 + 400 * poses[..., :2], poses))
    return takes


def cut_one_by_one(takes: list[PoseSequence], rows: IntArray, pad: int) -> tuple[Array, Array]:
    """Inputs (n, F, 17, 2) and poses (n, 1, 17, 3), window by window."""
    mirror = list(H36M17.mirror)
    inputs, poses = np.empty((len(rows), 2 * pad + 1, 17, 2)), np.empty((len(rows), 1, 17, 3))
    screens = [take.screen for take in takes]
    for i, (sequence, start, end, mirrored) in enumerate(rows):
        screen, truth = screens[sequence], takes[sequence].poses
        assert truth is not None
        low, high = start - pad, end + pad
        inside = screen[max(low, 0) : min(high, len(screen))]
        inputs[i] = np.pad(inside, ((max(0, -low), max(0, high - len(screen))), (0, 0), (0, 0)), "edge")
        poses[i] = truth[start:end]
        if mirrored:
            inputs[i, ..., 0] *= -1
            inputs[i] = inputs[i][:, mirror]
            poses[i, ..., 0] *= -1
            poses[i] = poses[i][:, mirror]
    return inputs, poses


def step(model: torch.nn.Module, take: Take, device: str, *, mixed: bool, fused: bool) -> Step:
    """One step of training; gives its seconds."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, amsgrad=True, fused=fused)

    def run() -> float:
        _wait(device)
        started = time.perf_counter()
        inputs, poses = take()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=mixed):
            predicted = model(inputs)
        loss = distance(predicted.float(), poses)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()
        _wait(device)
        return time.perf_counter() - started

    return run


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def contestants(options: argparse.Namespace) -> dict[str, Step]:
    """Everything that is timed, by name."""
    torch.manual_seed(0)
    device: str = options.device
    takes = sequences()
    plain = StridedConvolutions(17, 2, 17, WIDTHS, channels=options.channels).to(device)
    batches = Batches(takes, (H36M17, H36M17), plain.padding, 2, device)
    orders = [ExampleOrder(batches.examples(augment=True), options.batch) for _ in range(3)]

    def cut() -> tuple[Tensor, Tensor]:
        inputs, poses = cut_one_by_one(takes, orders[0].take(), plain.padding[0])
        return tuple(torch.from_numpy(a.astype(np.float32)).to(device) for a in (inputs, poses))  # type: ignore[return-value]

    def gather(order: ExampleOrder) -> Take:
        def take() -> tuple[Tensor, Tensor]:
            batch = batches.gather(order.take())
            assert batch.poses is not None
            return batch.inputs, batch.poses

        return take

    steps = {"plain loop": step(plain, cut, device, mixed=False, fused=False)}
    for name, order in (("float32", orders[1]), ("bfloat16", orders[2])):
        model: torch.nn.Module = TemporalModelOneFrame(17, 2, 17, WIDTHS, channels=options.channels).to(device)
        if options.compile:
            model = torch.compile(model)  # type: ignore[assignment]
        steps[name] = step(model, gather(order), device, mixed=name == "bfloat16", fused=True)
    return steps


def work_per_window(channels: int) -> float:
    """Floating-point operations of one window, forward and backward (twice the forward)."""
    frames = 81
    total = 2 * frames * WIDTHS[0] * 34 * channels
    for width in WIDTHS[1:]:
        frames //= width
        total += 2 * frames * (width + 1) * channels**2
    return 3.0 * total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--channels", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    steps = contestants(options)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.steps + 1):
        for name, run in steps.items():
            seconds[name].append(run())
    gpu = torch.cuda.get_device_name() if options.device.startswith("cuda") else ""
    peak = next((flops for name, flops in DENSE_BFLOAT16.items() if name in gpu), None)
    baseline = statistics.median(seconds["plain loop"][1:])
    print(
        f"243 frames, {options.channels} channels, batch {options.batch}, {gpu or f'{torch.get_num_threads()} threads'}"
    )
    for name, values in seconds.items():
        middle = statistics.median(values[1:])
        rate = options.batch / middle
        line = f"{name:10} {rate:9.1f} windows/s  {baseline / middle:5.2f}x"
        line += f"  {rate * work_per_window(options.channels) / 1e12:7.2f} TFLOP/s"
        if peak:
            line += f" = {rate * work_per_window(options.channels) / peak:.0%} of bfloat16 peak"
        print(f"{line}  {EPOCHS} epochs of {WINDOWS / 1e6:.2f} M windows: {EPOCHS * WINDOWS / rate / 3600:.1f} h")


if __name__ == "__main__":
    main()
