"""The errors of a 2D detector."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.cameras import CameraConfig, Windows
from videopose3d.datasets.virtual.rotations import hat_matrix, rand, randn
from videopose3d.skeleton import COCO17


@dataclass(frozen=True)
class NoiseConfig:
    """Errors of a 2D detector. Lengths are shares of the person's stature, shares are of windows.

    Attributes:
        clean: Share of windows without any error.
        steady: Spread of the error that changes within about a quarter of a second.
        jitter: Spread of the error that is new in every frame.
        bias: Spread of the error that is constant over the window.
        outliers: Share of the slow errors that are three times as large.
        occluded: Chance of each limb to be hidden (wrong by four times, low score).
        missing: Share of windows whose legs, or some joints, were not found at all.
        dropped: Share of windows with a gap of some frames, interpolated.
        swapped: Share of windows with left and right exchanged for a few frames.
        blind: Share of windows whose scores are all 1.
    """

    clean: float = 0.2
    steady: float = 0.0075
    jitter: float = 0.0035
    bias: float = 0.006
    outliers: float = 0.08
    occluded: float = 0.05
    missing: float = 0.06
    dropped: float = 0.05
    swapped: float = 0.03
    blind: float = 0.15


_SHARES = {"wrist": 1.6, "elbow": 1.2, "ankle": 1.2, "hip": 1.2, "eye": 0.6, "ear": 0.7, "nose": 0.6}
_NOISE_SCALE = torch.tensor([_SHARES.get(joint.rpartition("_")[2], 1.0) for joint in COCO17.joints])
"""How much harder or easier each joint is than a shoulder or knee."""

_LONGEST_HIDDEN = 75
"""Frames that a limb may be hidden for: seconds."""
_LONGEST_GAP = 16
"""Frames of the longest gap that the pipeline bridges: about half a second."""

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_LIMBS = [
    [COCO17.index(n) for n in names]
    for names in (
        ("left_elbow", "left_wrist"),
        ("right_elbow", "right_wrist"),
        ("left_knee", "left_ankle"),
        ("right_knee", "right_ankle"),
        _FACE,
        ("left_wrist",),
        ("right_wrist",),
        ("left_ankle",),
        ("right_ankle",),
    )
]
_LEGS = [COCO17.index(f"{s}_{j}") for s in ("left", "right") for j in ("knee", "ankle")]
_LOWER = [*_LEGS, COCO17.index("left_hip"), COCO17.index("right_hip")]


def detect(windows: Windows, inside: Tensor, noise: NoiseConfig, camera: CameraConfig, gen: Generator) -> Windows:
    """What a detector and a given or guessed focal length make of perfectly seen windows."""
    rays, count = windows.rays, len(windows.rays)
    noisy = (rand(count, gen=gen) >= noise.clean).float()
    stature = 1.7 / windows.depth * noisy * (randn(count, gen=gen) * 0.5).exp()
    hidden = _hidden(windows.scores.shape, noise, gen) | ~inside
    error = _errors(rays.shape, noise, gen) * (1 + 3 * hidden[..., None]) * stature[:, None, None, None]
    scores = _scores(error, stature, hidden, noisy, gen)
    rays = rays + error
    rays, scores = _swap_sides(rays, scores, noise.swapped, noisy, gen)
    rays, scores = _drop_frames(rays, scores, noise.dropped, noisy, gen)
    scores = scores * _found(count, noise, noisy, gen)[:, None]
    blind = (rand(count, gen=gen) < noise.blind) & (noisy > 0)
    scores = torch.where(blind[:, None, None], (scores > 0).float(), scores)
    focal = _focal_factor(count, camera, gen) ** noisy
    return replace(windows, rays=rays * focal[:, None, None, None], scores=scores)


def _focal_factor(count: int, camera: CameraConfig, gen: Generator) -> Tensor:
    """(N,) true focal length over the one that the user gives or guesses."""
    guessed = (rand(count, gen=gen) < camera.focal_guess).float()
    spread = camera.focal_error + guessed * (camera.guess_error - camera.focal_error)
    return (randn(count, gen=gen) * spread).exp()


def _errors(shape: torch.Size, noise: NoiseConfig, gen: Generator) -> Tensor:
    """(N, F, 17, 2) errors in shares of the stature."""
    count, frames, joints, _ = shape
    scale = _NOISE_SCALE.to(gen.device)
    knots = frames // 5 + 2
    slow = randn(count, knots, joints * 2, gen=gen) * noise.steady
    far = (rand(count, knots, joints, gen=gen) < noise.outliers * scale).float()
    slow = slow * (1 + 2 * far.repeat_interleave(2, -1))
    error = (hat_matrix(frames, knots, gen.device) @ slow).view(count, frames, joints, 2)
    error = error + randn(*shape, gen=gen) * noise.jitter
    error = error + randn(count, 1, joints, 2, gen=gen) * noise.bias
    return error * scale[:, None]


def _spans(count: int, frames: int, longest: int, gen: Generator) -> Tensor:
    """(N, F) one stretch of 1 to ``longest`` frames in every window."""
    length = torch.randint(1, longest + 1, (count, 1), generator=gen, device=gen.device)
    start = torch.randint(1 - longest, frames, (count, 1), generator=gen, device=gen.device)
    at = torch.arange(frames, device=gen.device)
    return (at >= start) & (at < start + length)


def _hidden(shape: torch.Size, noise: NoiseConfig, gen: Generator) -> Tensor:
    """(N, F, 17) joints of occluded limbs."""
    count, frames, joints = shape
    hidden = torch.zeros(shape, dtype=torch.bool, device=gen.device)
    for limb in _LIMBS:
        hit = rand(count, gen=gen) < noise.occluded
        hidden[:, :, limb] |= (hit[:, None] & _spans(count, frames, _LONGEST_HIDDEN, gen))[..., None]
    return hidden


def _scores(error: Tensor, stature: Tensor, hidden: Tensor, noisy: Tensor, gen: Generator) -> Tensor:
    """(N, F, 17) confidences that fall with the error, as a detector's do more or less."""
    relative = error.norm(dim=-1) / (stature + 1e-6)[:, None, None]
    spread = randn(*hidden.shape, gen=gen) * 0.08
    score = (1 - 6 * relative + spread).clamp(0.1, 1)
    low = rand(len(hidden), 1, hidden.shape[2], gen=gen) * 0.6
    score = torch.where(hidden, torch.minimum(score, low + 0.02), score)
    return torch.where(noisy[:, None, None] > 0, score, torch.ones_like(score))


def _swap_sides(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    count, frames = rays.shape[:2]
    hit = (rand(count, gen=gen) < share) & (noisy > 0)
    swap = hit[:, None] & _spans(count, frames, 6, gen)
    mirror = list(COCO17.mirror)
    rays = torch.where(swap[..., None, None], rays[:, :, mirror], rays)
    return rays, torch.where(swap[..., None], scores[:, :, mirror], scores)


def _drop_frames(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    """Interpolate over a gap of up to half the window, as the pipeline does with frames without a person."""
    count, frames = rays.shape[:2]
    length = torch.randint(1, min(frames // 2, _LONGEST_GAP), (count,), generator=gen, device=gen.device)
    start = (rand(count, gen=gen) * (frames - length - 1)).long()
    end = start + length + 1
    hit = torch.nonzero((rand(count, gen=gen) < share) & (noisy > 0))[:, 0]
    at = torch.arange(frames, device=gen.device)
    s, e = start[hit, None], end[hit, None]
    share_of_end = ((at - s) / (e - s)).clamp(0, 1)
    first = rays[hit, start[hit]][:, None]
    last = rays[hit, end[hit]][:, None]
    gap = (at > s) & (at < e)
    rays, scores = rays.clone(), scores.clone()
    rays[hit] = torch.where(gap[..., None, None], torch.lerp(first, last, share_of_end[..., None, None]), rays[hit])
    lower = torch.minimum(scores[hit, start[hit]], scores[hit, end[hit]])[:, None] / 2
    scores[hit] = torch.where(gap[..., None], lower, scores[hit])
    return rays, scores


def _found(count: int, noise: NoiseConfig, noisy: Tensor, gen: Generator) -> Tensor:
    """(N, 17) 1 for joints that were found somewhere in the window, else 0."""
    found = torch.ones(count, len(COCO17), device=gen.device)
    kind = rand(count, gen=gen) / noise.missing
    for joints, low, high in ((_LEGS, 0.0, 0.3), (_LOWER, 0.3, 0.6)):
        rows = torch.nonzero((kind >= low) & (kind < high))[:, 0]
        found[rows[:, None], joints] = 0
    some = rand(count, len(COCO17), gen=gen) < 0.15
    found[((kind >= 0.6) & (kind < 1))[:, None] & some] = 0
    found[noisy == 0] = 1
    return found
