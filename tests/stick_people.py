"""Pictures of stick people whose joints are discs, each of its own colour, as a COCO data set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from videopose3d.datasets.coco import ANNOTATIONS, IMAGES, LabelledPeople, read_coco, writing_coco
from videopose3d.detectors.loading import KeypointNetwork, save_keypoint_network
from videopose3d.detectors.networks.cpn import CPN
from videopose3d.detectors.published import RECIPES
from videopose3d.skeleton import H36M17, Skeleton

STANDING = {  # shares of the box
    "pelvis": (0.50, 0.52), "spine": (0.50, 0.38), "thorax": (0.50, 0.25), "neck": (0.50, 0.15), "head": (0.50, 0.04),
    "right_hip": (0.40, 0.54), "right_knee": (0.34, 0.75), "right_ankle": (0.32, 0.96),
    "right_shoulder": (0.33, 0.27), "right_elbow": (0.18, 0.40), "right_wrist": (0.08, 0.55),
}  # fmt: skip


def colours(count: int) -> list[tuple[int, int, int]]:
    """RGB, all well apart."""
    grid = [(r, g, b) for r in (255, 128, 0) for g in (255, 0, 128) for b in (0, 255, 128)]
    return grid[:count]


def stick_person(random: np.random.Generator, skeleton: Skeleton = H36M17) -> np.ndarray:
    """(J, 2) joints in shares of the box, every limb a little elsewhere."""
    points = []
    for joint in skeleton.joints:
        x, y = STANDING[joint.replace("left_", "right_")]
        points.append((1 - x if joint.startswith("left_") else x, y))
    return np.array(points) + random.uniform(-0.05, 0.05, (len(points), 2))


def draw(random: np.random.Generator, size: int, joints: np.ndarray, skeleton: Skeleton = H36M17) -> np.ndarray:
    """(size, size, 3) RGB: noise, limbs in grey, joints in colour."""
    picture = random.integers(0, 90, (size, size, 3)).astype(np.uint8)
    radius = max(2, round(0.03 * np.ptp(joints[:, 1])))
    for a, b in skeleton.bone_indices:
        cv2.line(picture, *(tuple(np.rint(joints[i]).astype(int).tolist()) for i in (a, b)), (90, 90, 90), radius)
    for point, colour in zip(joints, colours(len(joints)), strict=True):
        cv2.circle(picture, tuple(np.rint(point).astype(int).tolist()), radius, colour, -1)
    return picture


def write_people(folder: Path, count: int, seed: int = 0, size: int = 120, prefix: str = "") -> LabelledPeople:
    """A data set of pictures with one person each."""
    random = np.random.default_rng(seed)
    with writing_coco(folder / ANNOTATIONS, H36M17) as add:
        for number in range(count):
            height = random.uniform(0.6, 0.8) * size
            corner = random.uniform(0.1, 0.2, 2) * size
            joints = corner + stick_person(random) * (0.75 * height, height)
            name = f"{prefix}{number:04d}.png"
            path = folder / IMAGES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), draw(random, size, joints)[..., ::-1])
            box = np.concatenate([corner, corner + (0.75 * height, height)])
            add(name, (size, size), box, joints)
    return read_coco(folder)


def write_network(path: Path, skeleton: Skeleton = H36M17, size: tuple[int, int] = (64, 64)) -> KeypointNetwork:
    """The smallest CPN, with random weights and running statistics unlike new ones, in a file."""
    torch.manual_seed(7)
    model = CPN((1, 1, 1, 1), len(skeleton)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.9, 1.1)
            module.num_batches_tracked.fill_(5)
    network = KeypointNetwork(model, RECIPES["cpn"], size, skeleton, "small")
    save_keypoint_network(network, path)
    return network
