"""How good a lifter is on people it was not trained on, seen by virtual cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import CameraConfig, NoiseConfig, Windows, WindowSource, detect, film
from videopose3d.errors import InputError
from videopose3d.lifter.canonical import canonical_input
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.model import TemporalModel
from videopose3d.metrics import mpjpe, p_mpjpe
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import COCO17
from videopose3d.types import Array, FloatArray
from videopose3d.weights.header import LifterHeader

SECONDS_APART = 0.5
CAMERAS = 2
SEED = 20_261_120


@dataclass(frozen=True)
class HeldOutRow:
    """Errors on one set [mm].

    Attributes:
        name: Of the set, or ``all``.
        poses: How many poses were judged.
        perfect, noisy, guess: (MPJPE, P-MPJPE) with perfect 2D, with detector-like 2D, and of the guess that
            every joint is as far away as the pelvis.
    """

    name: str
    poses: int
    perfect: tuple[float, float]
    noisy: tuple[float, float]
    guess: tuple[float, float]


@dataclass(frozen=True)
class HeldOutTable:
    """Errors per set, the last row over all poses; every body scaled to a stature of 1.70 m."""

    rows: tuple[HeldOutRow, ...]

    def figures(self) -> dict[str, float]:
        """The row of all poses as named numbers [mm]."""
        row = self.rows[-1]
        pairs = {"perfect_2d": row.perfect, "noisy_2d": row.noisy, "depth_zero_guess": row.guess}
        return {
            f"{name}_{metric}": round(value, 1)
            for name, pair in pairs.items()
            for metric, value in zip(("mpjpe", "p_mpjpe"), pair, strict=True)
        }

    def table(self) -> str:
        """The table as text, MPJPE / P-MPJPE in mm."""
        lines = [f"{'set':12} {'poses':>7} {'perfect 2D':>15} {'noisy 2D':>15} {'depth-zero guess':>17}"]
        for row in self.rows:
            pairs = [f"{a:6.1f} / {b:5.1f}" for a, b in (row.perfect, row.noisy, row.guess)]
            lines.append(f"{row.name:12} {row.poses:7d} {pairs[0]:>15} {pairs[1]:>15} {pairs[2]:>17}")
        return "\n".join(lines)


def evaluate_held_out(model: TemporalModel, header: LifterHeader, library: MotionLibrary) -> HeldOutTable:
    """Errors of a lifter on every half second of a library, seen by two seeded virtual cameras.

    Raises:
        InputError: The library is empty.
    """
    if len(library) == 0:
        raise InputError("no motions to evaluate on", fix="The library needs a test or validation split.")
    source = WindowSource(library)
    bodies, clips = source.every(SECONDS_APART, model.receptive_field)
    gen = Generator().manual_seed(SEED)
    camera, noise = CameraConfig(), NoiseConfig(clean=0.0)
    names, target, perfect, noisy, guess = [], [], [], [], []
    for _ in range(CAMERAS):
        seen, inside = film(bodies, camera, gen)
        names += [library.motions[clip].dataset for clip in clips.tolist()]
        target.append(seen.target.numpy())
        perfect.append(_predict(model, header, seen))
        guess.append(_flat_guess(seen))
        noisy.append(_predict(model, header, detect(seen, inside, noise, camera.focal_error, gen)))
    arrays = [np.concatenate(a).astype(np.float64) for a in (target, perfect, noisy, guess)]
    return HeldOutTable(tuple(_row(name, np.array(names), arrays) for name in (*library.datasets, "all")))


def _row(name: str, names: NDArray[np.str_], arrays: list[Array]) -> HeldOutRow:
    chosen = np.ones(len(names), bool) if name == "all" else names == name
    target, *predictions = (a[chosen] for a in arrays)
    pairs = [(mpjpe(p, target), p_mpjpe(p, target)) for p in predictions]
    return HeldOutRow(name, len(target), *pairs)


@torch.inference_mode()
def _predict(model: TemporalModel, header: LifterHeader, seen: Windows) -> FloatArray:
    """(N, 17, 3) poses of the middle frames [m], with the mirrored window averaged in."""
    middle = seen.rays.shape[1] // 2
    features, turn = canonical_input(seen.rays, seen.scores, COCO17)
    lifter = Lifter(model, header)
    poses = torch.cat([lifter.run_windows(part)[:, 0] for part in torch.split(features, 512)])
    poses = poses - poses[:, :1]
    out: FloatArray = (poses @ turn[:, middle]).numpy()
    return out


def _flat_guess(seen: Windows) -> FloatArray:
    """(N, 17, 3) the pose parallel to the image at the true distance of the pelvis: knowing no depth at all."""
    rays: Tensor = seen.rays[:, seen.rays.shape[1] // 2]
    joints, _ = coco_to_h36m(rays.numpy(), np.ones(rays.shape[:2], np.float32))
    flat = np.concatenate([joints, np.ones_like(joints[..., :1])], -1) * seen.depth.numpy()[:, None, None]
    guess: FloatArray = flat - flat[:, :1]
    return guess
