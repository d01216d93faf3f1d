"""How good a lifter is on people it has not seen: motion capture held out, seen by virtual cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Generator, Tensor

from videopose3d.datasets.mocap import Motion, MotionLibrary
from videopose3d.datasets.virtual import CameraConfig, NoiseConfig, Windows, WindowSource, detect, film
from videopose3d.errors import InputError
from videopose3d.lifter.canonical import canonical_input
from videopose3d.lifter.lift import Lifter
from videopose3d.metrics import mpjpe, n_mpjpe, p_mpjpe
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.smoothing import savitzky_golay
from videopose3d.types import Array, BoolArray, FloatArray

RATE = Fraction(30)
FRAMES = 64
SEED = 20_261_127
SCREEN_FEATURES = 3
"""x, y and score per joint of lifters that take screen coordinates."""

KINDS = ("perfect 2D", "noisy 2D", "depth-zero guess")


@dataclass(frozen=True)
class Errors:
    """Mean errors of poses relative to the pelvis; everybody is scaled to 1.70 m.

    Attributes:
        mpjpe, p_mpjpe, n_mpjpe: Protocols 1, 2 and 3 [mm].
        mpjve: Error of the velocities [mm/frame].
        acceleration: Error of the accelerations [mm/frame^2].
        bone_variation: Spread of the predicted bones' lengths over 2 seconds, mean of the bones [mm].
    """

    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    acceleration: float
    bone_variation: float


@dataclass(frozen=True)
class HeldOutRow:
    """Errors on one group of windows, by kind of 2D input (a key of `KINDS`)."""

    name: str
    poses: int
    errors: dict[str, Errors]


@dataclass(frozen=True)
class HeldOutTable:
    """Errors per group, the last row over all poses."""

    rows: tuple[HeldOutRow, ...]

    def figures(self) -> dict[str, float]:
        """The row of all poses as named numbers."""
        return {
            f"{kind.lower().replace(' ', '_').replace('-', '_')}_{item.name}": round(getattr(errors, item.name), 1)
            for kind, errors in self.rows[-1].errors.items()
            for item in fields(Errors)
        }

    def table(self) -> str:
        """The table as text: MPJPE / P-MPJPE [mm] and MPJVE [mm/frame]."""
        width = max(12, *(len(row.name) for row in self.rows))
        lines = [f"{'set':{width}} {'poses':>7}" + "".join(f" {kind:>21}" for kind in KINDS)]
        for row in self.rows:
            cells = (f"{e.mpjpe:6.1f} / {e.p_mpjpe:5.1f} {e.mpjve:6.1f}" for e in (row.errors[kind] for kind in KINDS))
            lines.append(f"{row.name:{width}} {row.poses:7d}" + "".join(f" {cell:>21}" for cell in cells))
        return "\n".join(lines)


@dataclass(frozen=True)
class HeldOut:
    """What a lifter says of held-out people, and the truth.

    Attributes:
        motions: (N) which motion every window is from.
        fov: (N,) field of view of its camera [degrees].
        known: (N, T) frames that exist: at the ends of a motion, windows are filled up with its last frame.
        target: (N, T, 17, 3) [m].
        predicted: The same by kind of 2D input.
    """

    motions: list[Motion]
    fov: Array
    known: BoolArray
    target: FloatArray
    predicted: dict[str, FloatArray] = field(repr=False)

    def table(self, group: Callable[[Motion, float], str] | None = None) -> HeldOutTable:
        """Errors by group (default: data set) and, last, over all.

        Args:
            group: Name of the group of a motion and a field of view; "" leaves the window to the last row only.
        """
        names = [group(m, float(fov)) if group else m.dataset for m, fov in zip(self.motions, self.fov, strict=True)]
        chosen = [(name, np.array([n == name for n in names])) for name in dict.fromkeys(names) if name]
        rows = [self._row(name, mask) for name, mask in (*chosen, ("all", np.ones(len(names), bool)))]
        return HeldOutTable(tuple(rows))

    def _row(self, name: str, chosen: BoolArray) -> HeldOutRow:
        known, target = self.known[chosen], self.target[chosen]
        errors = {kind: errors_of(predicted[chosen], target, known) for kind, predicted in self.predicted.items()}
        return HeldOutRow(name, int(known.sum()), errors)


def errors_of(predicted: FloatArray, target: FloatArray, known: BoolArray) -> Errors:
    """Errors of windows (N, T, J, 3) [m] at their known frames (N, T); differences in time where all are known."""
    p, t = predicted.astype(np.float64), target.astype(np.float64)
    frames = p[known], t[known]
    two, three = known[:, 1:] & known[:, :-1], known[:, 2:] & known[:, 1:-1] & known[:, :-2]
    near, far = (list(ends) for ends in zip(*H36M17.bone_indices, strict=True))
    some = known.any(1)
    lengths = np.linalg.norm(p[:, :, far] - p[:, :, near], axis=-1)
    spread = np.nanstd(np.where(known[..., None], lengths, np.nan)[some], axis=1)
    return Errors(
        _of_some(mpjpe, *frames),
        _of_some(p_mpjpe, *frames),
        _of_some(n_mpjpe, *frames),
        _of_some(mpjpe, np.diff(p, axis=1)[two], np.diff(t, axis=1)[two]),
        _of_some(mpjpe, np.diff(p, 2, axis=1)[three], np.diff(t, 2, axis=1)[three]),
        float(spread.mean() * 1000) if spread.size else float("nan"),
    )


def _of_some(metric: Callable[[Array, Array], float], predicted: Array, target: Array) -> float:
    """The metric of what is there [mm]; NaN of nothing."""
    return metric(predicted, target) if target.size else float("nan")


def evaluate_held_out(lifter: Lifter, library: MotionLibrary) -> HeldOutTable:
    """Errors of a lifter by data set; see `predict_held_out`."""
    return predict_held_out(lifter, library).table()


def predict_held_out(
    lifter: Lifter,
    library: MotionLibrary,
    *,
    camera: CameraConfig | None = None,
    noise: NoiseConfig | None = None,
    smoothing: float = 0.0,
    focal_factor: float | None = None,
) -> HeldOut:
    """Let a lifter see every two seconds of a library, at 30 frames/s, each through a seeded virtual camera.

    The ends of windows are padded as the ends of a clip are.

    Args:
        lifter: What to judge.
        library: The motions.
        camera: Where cameras stand.
        noise: Errors of the detector in "noisy 2D", with which goes a wrong focal length.
        smoothing: Length of the parabola that smooths predictions as `LiftConfig.smooth` does [s].
        focal_factor: Also let the focal length be assumed this much too long in perfect and noisy 2D alike.

    Raises:
        InputError: The library is empty.
    """
    if len(library) == 0:
        raise InputError("no motions to evaluate on", fix="The library needs a test or validation split.")
    source = WindowSource(library)
    bodies, clips, known = source.every(FRAMES / float(RATE), FRAMES)
    gen = Generator().manual_seed(SEED)
    camera, noise = camera or CameraConfig(), noise or NoiseConfig(clean=0.0)
    perfect, inside = film(bodies, camera, gen)
    noisy = detect(perfect, inside, noise, camera, gen)
    predicted = {
        kind: _smoothed(_predict(lifter, seen, focal_factor or 1.0), smoothing)
        for kind, seen in zip(KINDS, (perfect, noisy), strict=False)
    }
    predicted[KINDS[2]] = _flat_guess(perfect)
    motions = [library.motions[clip] for clip in clips.tolist()]
    return HeldOut(motions, perfect.fov.numpy(), known.numpy(), perfect.target.numpy(), predicted)


def window_input(seen: Windows, normalisation: str) -> tuple[Tensor, Tensor | None]:
    """Network input (N, F, 17, features) of windows, and for rays the turns (N, F, 3, 3) of `canonical_input`."""
    if normalisation == "rays":
        return canonical_input(seen.rays, seen.scores, COCO17)
    screen = seen.rays / (seen.fov * (np.pi / 360)).tan()[:, None, None, None]
    screen = screen * (seen.scores > 0)[..., None]
    return torch.cat([screen, seen.scores[..., None]], -1), None


@torch.inference_mode()
def _predict(lifter: Lifter, seen: Windows, focal_factor: float) -> FloatArray:
    """(N, T, 17, 3) poses [m], the mirrored windows averaged in."""
    before, after = lifter.model.padding
    at = torch.arange(-before, seen.rays.shape[1] + after).clamp(0, seen.rays.shape[1] - 1)
    features, turn = window_input(replace(seen, rays=seen.rays / focal_factor), lifter.header.normalisation)
    poses = torch.cat([lifter.run_windows(part[:, at]) for part in torch.split(features, 64)])
    poses = poses - poses[:, :, :1]
    whole: FloatArray = (poses if turn is None else poses @ turn).numpy()
    return whole


def _smoothed(poses: FloatArray, seconds: float) -> FloatArray:
    if not seconds:
        return poses
    flat = poses.transpose(1, 0, 2, 3)
    smooth: FloatArray = savitzky_golay(flat, RATE, seconds).astype(np.float32)
    return smooth.transpose(1, 0, 2, 3)


def _flat_guess(seen: Windows) -> FloatArray:
    """(N, T, 17, 3) poses parallel to the image at the true distance of the pelvis: knowing no depth at all."""
    rays = seen.rays.flatten(0, 1)
    joints, _ = coco_to_h36m(rays.numpy(), np.ones(rays.shape[:2], np.float32))
    depth = seen.root[..., 2].reshape(-1, 1, 1).numpy()
    flat = np.concatenate([joints, np.ones_like(joints[..., :1])], -1) * depth
    guess: FloatArray = (flat - flat[:, :1]).reshape(seen.target.shape).astype(np.float32)
    return guess
