"""How fast CPN-50 at 384x288 finds keypoints, flip test included, and what the faster form changes.

    python benchmarks/cpn_throughput.py [--rounds 3] [--people 8] [--device cpu]

One person per frame. The plain way is the network as it is: float32, one picture and then its mirror image. Against
it `TopDown` in both precisions: batches, batch norms folded, channels last. All take turns in every round; the
quickest round counts. The network has random weights, but its last layer is fitted so that it really finds the dots
of the first pictures; the keypoints of the faster forms are compared with the plain ones [image px].
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import unfold

from videopose3d.detectors.crops import cut, rectangle
from videopose3d.detectors.decoding import merge_flip, windowed_soft_argmax
from videopose3d.detectors.loading import KeypointNetwork
from videopose3d.detectors.networks.cpn import CPN
from videopose3d.detectors.networks.targets import cpn_targets
from videopose3d.detectors.published import RECIPES
from videopose3d.detectors.topdown import TopDown
from videopose3d.skeleton import COCO17
from videopose3d.types import Frame

SIZE = (384, 288)
_COLOURS = [(r, g, b) for r in (0, 120, 240) for g in (0, 120, 240) for b in (0, 120, 240)][1:]


def scenes(people: int) -> tuple[list[Frame], list[np.ndarray], np.ndarray]:
    """Frames with one dotted person each, boxes (1, 4), joints (N, 17, 2) [px]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:720, :960] + 0.5
    frames, boxes, joints = [], [], []
    for _ in range(people):
        points = rng.uniform((380, 160), (580, 560), (17, 2))
        frame = rng.integers(40, 60, (720, 960, 3), np.uint8)
        for (u, v), colour in zip(points, _COLOURS, strict=False):
            frame[(x - u) ** 2 + (y - v) ** 2 < 64] = colour
        frames.append(frame)
        boxes.append(np.array([[370.0, 140, 590, 580]]))
        joints.append(points)
    return frames, boxes, np.stack(joints)


@torch.no_grad()
def fitted(look: TopDown, frames: list[Frame], boxes: list[np.ndarray], joints: np.ndarray) -> None:
    """Give the network's last convolution weights that make blobs at the joints of these frames (ridge regression)."""
    model = look.network.model
    inputs: list[Tensor] = []
    watch = model.refine_net.final_predict[0].register_forward_hook(lambda *args: inputs.append(args[2]))
    normal, wanted = 0.0, 0.0
    for frame, box, points in zip(frames, boxes, joints, strict=True):
        corners = rectangle(box[0], frame.shape[:2], SIZE)
        inside = (points - corners[:2]) / (corners[2:] - corners[:2]) * [SIZE[1], SIZE[0]]
        target = cpn_targets(inside, np.ones(17), (SIZE[0] // 4, SIZE[1] // 4), (9,))[0]
        look.network.model.maps(picture(look, frame, box[0]))
        rows = unfold(inputs.pop(), 3, padding=1)[0].double()
        normal = normal + rows @ rows.T
        wanted = wanted + rows @ torch.from_numpy(target).flatten(1).T.double().to(rows.device)
    watch.remove()
    ridge = 1e-3 * normal.diagonal().mean() * torch.eye(len(normal), dtype=torch.float64, device=normal.device)
    weights = torch.linalg.solve(normal + ridge, wanted).T.float()
    model.refine_net.final_predict[1].weight.copy_(weights.view(17, 256, 3, 3))


def picture(look: TopDown, frame: Frame, box: np.ndarray) -> Tensor:
    """The network's input (1, 3, 384, 288) for one person."""
    crop = cut(frame, rectangle(box, frame.shape[:2], SIZE), SIZE)
    device = next(look.network.model.parameters()).device
    x = torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].float() / 255
    return x - x.new_tensor(look.network.recipe.mean).view(3, 1, 1)


@torch.inference_mode()
def plainly(look: TopDown, frames: list[Frame], boxes: list[np.ndarray]) -> np.ndarray:
    """Keypoints (N, 17, 2) by the network as it is, one picture after the other."""
    found = []
    for frame, box in zip(frames, boxes, strict=True):
        x = picture(look, frame, box[0])
        maps = merge_flip(look.network.model.maps(x), look.network.model.maps(x.flip(3)), COCO17.mirror)
        cells = windowed_soft_argmax(maps)[0].cpu().numpy()
        corners = rectangle(box[0], frame.shape[:2], SIZE)
        found.append(corners[:2] + (cells + 0.5) / (72, 96) * (corners[2:] - corners[:2]) + 0.5)
    return np.stack(found)


def quickest(ways: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Shortest time of every way [s]; they take turns."""
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.manual_seed(0)
    frames, boxes, joints = scenes(given.people)
    network = KeypointNetwork(CPN().eval().to(device), RECIPES["cpn"], SIZE, COCO17, "random")
    looks = {name: TopDown(network, precision=name, batch=given.people) for name in ("float32", "bfloat16")}
    fitted(looks["float32"], frames[:4], boxes[:4], joints[:4])
    plain = plainly(looks["float32"], frames, boxes)
    same = np.stack([people[0].keypoints for people in looks["float32"](frames, boxes)])
    print(f"float32 differs from the plain way by {np.abs(same - plain).max():.4f} px at most")
    ways: dict[str, Callable[[], object]] = {"plain float32, batch 1": lambda: plainly(looks["float32"], frames, boxes)}
    ways |= {f"TopDown {name}": lambda look=look: look(frames, boxes) for name, look in looks.items()}
    seconds = quickest(ways, given.rounds + 1, device)
    slowest = seconds["plain float32, batch 1"]
    print(f"{given.people} people, {torch.get_num_threads()} threads, {device}")
    for name, value in seconds.items():
        print(f"{name:24} {given.people / value:7.2f} frames/s {slowest / value:6.2f}x")
    # The mirror image of a dot has its colour, while a left joint becomes a right one: without the flip test.
    alone = {name: TopDown(network, precision=name, batch=given.people, flip=False) for name in looks}
    found = {name: np.stack([p[0].keypoints for p in look(frames, boxes)]) for name, look in alone.items()}
    corners = rectangle(boxes[0][0], frames[0].shape[:2], SIZE)
    cell = (corners[3] - corners[1]) / 96
    print(f"a cell of the maps is {cell:.1f} image px; on the fitted frames, median and 95 %:")
    for name, keypoints in found.items():
        wrong = np.linalg.norm(keypoints - 0.5 - joints, axis=-1)[:4]
        off = np.linalg.norm(keypoints - found["float32"], axis=-1)[:4]
        print(
            f"{name:10} from the truth {np.median(wrong):.2f} {np.quantile(wrong, 0.95):.2f} px, "
            f"from float32 {np.median(off):.2f} {np.quantile(off, 0.95):.2f} px"
        )


if __name__ == "__main__":
    main()
