"""The errors of a 2D detector."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from videopose3d.datasets.virtual.cameras import CameraConfig, Windows
from videopose3d.datasets.virtual.rotations import hat_matrix, rand, randn
from videopose3d.datasets.virtual.scores import confidences
from videopose3d.skeleton import COCO17


@dataclass(frozen=True)
class NoiseConfig:
    """Errors of a 2D detector. Lengths are shares of the person's stature, shares are of windows.

    The defaults follow MediaPipe on rendered people (docs/detector_noise.md), somewhat widened for other detectors.

    Attributes:
        clean: Share of windows without any error.
        steady: Spread of the error that changes within a few frames.
        jitter: Spread of the error that is new in every frame.
        bias: Spread of the error that is constant over the window.
        outliers: Share of the slow errors that are three times as large; a tenth of these are ten times as large.
        along_limb: Share of a joint's error that the next joint of the limb takes over.
        occluded: Chance of each limb to be hidden by something.
        missing: Share of windows whose legs, or some joints, were not found at all.
        dropped: Share of windows with a gap of some frames, interpolated.
        swapped: Share of windows with left and right exchanged, of all joints, of the legs or of the arms, for a few
            frames or for seconds.
        severity: Spread of the logarithm of how much larger all errors of a window are.
        blind: Share of windows whose scores are all 1.
        alike: Share of the others whose scores mean what MediaPipe's mean.
    """

    clean: float = 0.15
    steady: float = 0.006
    jitter: float = 0.0025
    bias: float = 0.007
    outliers: float = 0.08
    along_limb: float = 0.4
    occluded: float = 0.05
    missing: float = 0.06
    dropped: float = 0.05
    swapped: float = 0.1
    severity: float = 0.65
    blind: float = 0.12
    alike: float = 0.65


_SHARES = {"wrist": 1.4, "elbow": 1.25, "hip": 1.3, "knee": 0.9, "eye": 0.7, "ear": 1.1, "nose": 0.9}
_NOISE_SCALE = torch.tensor([_SHARES.get(joint.rpartition("_")[2], 1.0) for joint in COCO17.joints])
"""How much harder or easier each joint is than a shoulder or ankle."""
_UNSEEN = {"wrist": 2.8, "elbow": 1.9, "hip": 1.8, "knee": 2.2, "ankle": 3.0, "shoulder": 1.5}
_UNSEEN_SCALE = torch.tensor([_UNSEEN.get(joint.rpartition("_")[2], 2.0) for joint in COCO17.joints])
"""How many times larger the error is where the joint cannot be seen."""
_CHAINS = [
    [COCO17.index(f"{side}_{joint}") for joint in chain]
    for side in ("left", "right")
    for chain in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
]

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
_SWAPPED = torch.stack(
    [
        torch.tensor([joint.rpartition("_")[2] in parts for joint in COCO17.joints])
        for parts in (
            {joint.rpartition("_")[2] for joint in COCO17.joints},
            {"hip", "knee", "ankle"},
            {"shoulder", "elbow", "wrist"},
        )
    ]
)
"""Joints of which left and right are exchanged together: all, legs, arms."""
_LEGS = [COCO17.index(f"{s}_{j}") for s in ("left", "right") for j in ("knee", "ankle")]
_LOWER = [*_LEGS, COCO17.index("left_hip"), COCO17.index("right_hip")]


def detect(windows: Windows, visible: Tensor, noise: NoiseConfig, camera: CameraConfig, gen: Generator) -> Windows:
    """What a detector and a given or guessed focal length make of perfectly seen windows."""
    rays, count = windows.rays, len(windows.rays)
    noisy = (rand(count, gen=gen) >= noise.clean).float()
    size = 1.7 / windows.depth.clamp(min=0.3)
    severity = noisy * (randn(count, gen=gen) * noise.severity).exp()
    hidden = _hidden(windows.scores.shape, noise, gen) | ~visible
    error = _errors(rays.shape, noise, gen) * severity[:, None, None, None]
    error = error * (1 + hidden * (_UNSEEN_SCALE.to(gen.device) - 1))[..., None]
    scores = confidences(error.norm(dim=-1), hidden, noise.alike, gen)
    scores = torch.where(noisy[:, None, None] > 0, scores, torch.ones_like(scores))
    rays = rays + error * size[:, None, None, None]
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
    """(N, F, 17, 2) errors of seen joints in shares of the stature."""
    count, frames, joints, _ = shape
    scale = _NOISE_SCALE.to(gen.device)
    knots = frames // 4 + 2
    chance = rand(count, knots, joints, gen=gen) / (noise.outliers * scale + 1e-9)
    tail = 1 + 2 * (chance < 1).float() + 7 * (chance < 0.1).float()
    slow = randn(count, knots, joints, 2, gen=gen) * noise.steady * tail[..., None]
    error = (hat_matrix(frames, knots, gen.device) @ slow.flatten(2)).view(shape)
    error = error + randn(*shape, gen=gen) * noise.jitter + randn(count, 1, joints, 2, gen=gen) * noise.bias
    error = error * scale[:, None]
    for chain in _CHAINS:
        for joint, following in zip(chain, chain[1:], strict=False):
            error[:, :, following] += noise.along_limb * error[:, :, joint]
    return error


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


def _swap_sides(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    """Left and right exchanged: of everything in half of these windows, else of the legs or of the arms."""
    count, frames = rays.shape[:2]
    hit = torch.nonzero((rand(count, gen=gen) < share) & (noisy > 0))[:, 0]
    brief = rand(len(hit), gen=gen)[:, None] < 0.5
    when = torch.where(brief, _spans(len(hit), frames, 6, gen), _spans(len(hit), frames, _LONGEST_HIDDEN, gen))
    kind = rand(len(hit), gen=gen)
    which = _SWAPPED.to(gen.device)[(kind > 0.5).long() + (kind > 0.75).long()]
    swap = when[:, :, None] & which[:, None]
    mirror = list(COCO17.mirror)
    rays, scores = rays.clone(), scores.clone()
    rays[hit] = torch.where(swap[..., None], rays[hit][:, :, mirror], rays[hit])
    scores[hit] = torch.where(swap, scores[hit][:, :, mirror], scores[hit])
    return rays, scores


def _drop_frames(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    """Interpolate over a gap of up to half the window, as the pipeline does with frames without a person."""
    count, frames = rays.shape[:2]
    if frames < 4:  # no room for a gap between two frames
        return rays, scores
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
    kind = rand(count, gen=gen) / (noise.missing + 1e-9)
    for joints, low, high in ((_LEGS, 0.0, 0.3), (_LOWER, 0.3, 0.6)):
        rows = torch.nonzero((kind >= low) & (kind < high))[:, 0]
        found[rows[:, None], joints] = 0
    some = rand(count, len(COCO17), gen=gen) < 0.15
    found[((kind >= 0.6) & (kind < 1))[:, None] & some] = 0
    found[noisy == 0] = 1
    return found
