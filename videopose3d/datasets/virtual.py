"""Training windows of people who never existed, seen by cameras that were never there.

Motion capture gives short windows of 3D joints; bodies are varied, parts of different clips mixed, a camera
is placed anywhere around the person, and the 2D joints get the errors of a detector. Everything is drawn
from one ``torch.Generator``, so that a seed gives the same windows on the same machine.

Letters: N windows, F frames in a window, and 34 joints: Human3.6M-17 first, then COCO-17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import pi

import torch
from torch import Generator, Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.skeleton import COCO17, H36M17

CANONICAL_SIZE = 1.58
"""Body size of every window [m]: leg, trunk and head bones in a row, as of a person of 1.70 m."""


@dataclass(frozen=True)
class BodyConfig:
    """How bodies and motions are varied. Angles in degrees.

    Attributes:
        part_mixing: Share of windows with an upper body or arm of another window.
        tilted: Share of windows turned as a whole in any direction (lying, upside down).
        subtree_angle: Spread of the constant turn of trunk, hips, shoulders, elbows and knees.
        bone_spread: Spread of bone lengths, as the logarithm of a factor.
        speed: Range of the factor on the speed of a motion.
        rates: Range of frame rates [1/s].
    """

    part_mixing: float = 0.4
    tilted: float = 0.06
    subtree_angle: Mapping[str, float] = field(
        default_factory=lambda: {"trunk": 10.0, "hip": 12.0, "shoulder": 20.0, "elbow": 18.0, "knee": 8.0}
    )
    bone_spread: float = 0.08
    speed: tuple[float, float] = (0.8, 1.25)
    rates: tuple[float, float] = (20.0, 60.0)


@dataclass(frozen=True)
class CameraConfig:
    """Where virtual cameras stand and what they see.

    Attributes:
        distance: Range of the pelvis' distance, for a person of 1.70 m [m].
        fov: Range of the field of view along the longer side of the image [degrees].
        pitch: Mean and spread of the downward look [degrees].
        roll: Spread of the roll [degrees].
        focal_error: Spread of the log error of the focal length that the user gives.
    """

    distance: tuple[float, float] = (1.5, 12.0)
    fov: tuple[float, float] = (35.0, 90.0)
    pitch: tuple[float, float] = (6.0, 13.0)
    roll: float = 6.0
    focal_error: float = 0.12


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

    clean: float = 0.15
    steady: float = 0.0075
    jitter: float = 0.0035
    bias: float = 0.006
    outliers: float = 0.08
    occluded: float = 0.07
    missing: float = 0.06
    dropped: float = 0.05
    swapped: float = 0.03
    blind: float = 0.15


@dataclass(frozen=True)
class Windows:
    """A batch to learn from.

    Attributes:
        rays: (N, F, 17, 2) slopes of the COCO joints as detected.
        scores: (N, F, 17) confidence, 0 where not found.
        target: (N, 17, 3) Human3.6M joints of the middle frame, root-relative, camera axes [m].
        depth: (N,) distance of the root along the optical axis [m].
    """

    rays: Tensor
    scores: Tensor
    target: Tensor
    depth: Tensor


def _joints(*names: str) -> list[int]:
    """Indices of joints in both halves of the 34."""
    h36m = [H36M17.index(n) for n in names if n in H36M17.joints]
    return h36m + [17 + COCO17.index(n) for n in names if n in COCO17.joints]


_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_PARTS = {
    f"{side}_{part}": _joints(*(f"{side}_{name}" for name in names))
    for side in ("left", "right")
    for part, names in {
        "elbow": ("wrist",),
        "shoulder": ("elbow", "wrist"),
        "knee": ("ankle",),
        "hip": ("knee", "ankle"),
    }.items()
}
_PARTS["trunk"] = _joints(
    "spine", "thorax", "neck", "head", *_FACE,
    *(f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "wrist")),
)  # fmt: skip
_PIVOTS = {part: H36M17.index("pelvis" if part == "trunk" else part) for part in _PARTS}
_ORDER = (*(f"{s}_{p}" for p in ("elbow", "shoulder", "knee", "hip") for s in ("left", "right")), "trunk")

_ANCHORS = [H36M17.index("head" if n in _FACE else n) for n in COCO17.joints]
_NOISE_SCALE = torch.tensor(
    [{"wrist": 1.6, "elbow": 1.2, "ankle": 1.2, "hip": 1.2, "eye": 0.6, "ear": 0.7, "nose": 0.6}.get(n.split("_")[-1], 1.0)
     for n in COCO17.joints]
)  # fmt: skip
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


class WindowSource:
    """Draws windows from a motion library.

    Args:
        library: Motion capture clips.
        shares: How much of a batch comes from each data set; sets not named are left out, and within a set
            every frame is as likely. None takes every frame as it comes.
        body: How bodies and motions are varied; None plays the clips as they are, at 30 frames/s.
    """

    def __init__(
        self, library: MotionLibrary, shares: Mapping[str, float] | None = None, body: BodyConfig | None = None
    ) -> None:
        motions = list(library)
        self.body = body
        self.joints = torch.cat(
            [torch.cat([torch.from_numpy(m.joints_h36m), torch.from_numpy(m.joints_coco)], 1) for m in motions]
        )
        lengths = torch.tensor([len(m.joints_h36m) for m in motions])
        self.clip_end = lengths.cumsum(0)
        self.clip_start = self.clip_end - lengths
        self.clip_fps = torch.tensor([float(m.fps) for m in motions])
        seconds = lengths / self.clip_fps
        per_set: dict[str, float] = {}
        for m, s in zip(motions, seconds.tolist(), strict=True):
            per_set[m.dataset] = per_set.get(m.dataset, 0.0) + s
        share = [1.0 if shares is None else shares.get(m.dataset, 0.0) / per_set[m.dataset] for m in motions]
        self.clip_weight = seconds * torch.tensor(share)

    def draw(self, count: int, frames: int, gen: Generator) -> Tensor:
        """(count, frames, 34, 3) windows, z up, pelvis of the middle frame at the origin."""
        clip = torch.multinomial(self.clip_weight, count, replacement=True, generator=gen)
        at = torch.rand(count, generator=gen)
        step = torch.full((count,), 1 / 30)
        if self.body is not None:
            step = _uniform(count, self.body.speed, gen) / _uniform(count, self.body.rates, gen)
        windows = self._play(clip, at, step, frames)
        if self.body is not None:
            windows = vary_bodies(windows, self.body, gen)
        return normalise_size(windows - windows[:, frames // 2, None, None, 0])

    def every(self, seconds: float, frames: int) -> tuple[Tensor, Tensor]:
        """Windows around moments ``seconds`` apart in every clip, unvaried, at 30 frames/s.

        Returns:
            (N, frames, 34, 3) as `draw`, and (N,) the index of the clip of each.
        """
        clips, shares = [], []
        for clip, fps in enumerate(self.clip_fps.tolist()):
            length = int(self.clip_end[clip] - self.clip_start[clip])
            moments = torch.arange(seconds * fps / 2, max(length, seconds * fps / 2 + 1), seconds * fps)
            clips.append(torch.full((len(moments),), clip))
            shares.append((moments / max(length - 1, 1)).clamp(max=1))
        clip = torch.cat(clips)
        windows = self._play(clip, torch.cat(shares), torch.full((len(clip),), 1 / 30), frames)
        return normalise_size(windows - windows[:, frames // 2, None, None, 0]), clip

    def _play(self, clip: Tensor, at: Tensor, step: Tensor, frames: int) -> Tensor:
        """Windows of clips centred at the shares ``at``, with ``step`` seconds between frames."""
        start, last = self.clip_start[clip], self.clip_end[clip] - 1
        middle = start + at * (last - start)
        offsets = torch.arange(frames) - frames // 2
        when = middle[:, None] + offsets * (step * self.clip_fps[clip])[:, None]
        when = torch.minimum(torch.maximum(when, start[:, None].float()), last[:, None].float())
        low = when.floor().long()
        high = torch.minimum(low + 1, last[:, None])
        return torch.lerp(self.joints[low], self.joints[high], (when - low)[..., None, None])


def vary_bodies(windows: Tensor, config: BodyConfig, gen: Generator) -> Tensor:
    """Windows (N, F, 34, 3) with parts mixed, subtrees turned, bones scaled and some tilted."""
    windows = mix_parts(windows, config.part_mixing, gen)
    windows = turn_subtrees(windows, config.subtree_angle, gen)
    windows = scale_bones(windows, config.bone_spread, gen)
    count = len(windows)
    tilt = _random_rotation(count, gen)
    keep = torch.rand(count, generator=gen) >= config.tilted
    tilt[keep] = torch.eye(3)
    middle = windows[:, windows.shape[1] // 2, None, None, 0]
    return _turn(windows - middle, tilt)


def mix_parts(windows: Tensor, share: float, gen: Generator) -> Tensor:
    """Give a share of the windows the upper body and, apart from that, each arm of other windows.

    A part is carried over in the frame of the body that it hangs on: the upper body in that of the hips and
    trunk, an arm in that of the shoulders and trunk.
    """
    out = windows.clone()
    for part, across in (
        ("trunk", ("right_hip", "left_hip")),
        ("left_shoulder", ("right_shoulder", "left_shoulder")),
        ("right_shoulder", ("right_shoulder", "left_shoulder")),
    ):
        take = torch.nonzero(torch.rand(len(windows), generator=gen) < share / 2)[:, 0]
        donor = windows[torch.randint(len(windows), (len(take),), generator=gen)]
        host = out[take]
        pivot, joints = _PIVOTS[part], _PARTS[part]
        carry = _body_frame(host, across) @ _body_frame(donor, across).transpose(-1, -2)
        moved = (donor[:, :, joints] - donor[:, :, pivot, None]) @ carry.transpose(-1, -2) + host[:, :, pivot, None]
        host[:, :, joints] = moved
        out[take] = host
    return out


def _body_frame(windows: Tensor, across: tuple[str, str]) -> Tensor:
    """(N, F, 3, 3) rotations whose columns point left, up the trunk and forward."""
    right, left = (H36M17.index(n) for n in across)
    up = windows[:, :, H36M17.index("thorax")] - windows[:, :, H36M17.index("pelvis")]
    up = torch.nn.functional.normalize(up, dim=-1)
    side = windows[:, :, left] - windows[:, :, right]
    side = torch.nn.functional.normalize(side - (side * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([side, up, torch.linalg.cross(side, up, dim=-1)], -1)


def turn_subtrees(windows: Tensor, spread: Mapping[str, float], gen: Generator) -> Tensor:
    """Turn each part about the joint it hangs on by a random angle, the same over the window."""
    out = windows.clone()
    for part in _ORDER:
        angle = spread[part.removeprefix("left_").removeprefix("right_")] * pi / 180
        rotation = _rotation_from_vector(torch.randn(len(out), 3, generator=gen) * angle / 3**0.5)
        pivot = out[:, :, _PIVOTS[part], None]
        out[:, :, _PARTS[part]] = _turn(out[:, :, _PARTS[part]] - pivot, rotation) + pivot
    return out


def scale_bones(windows: Tensor, spread: float, gen: Generator) -> Tensor:
    """Bones of other lengths, left and right alike, the COCO points moving with their joints."""
    count = len(windows)
    factor = (torch.randn(count, 17, generator=gen) * spread).clamp(-2.5 * spread, 2.5 * spread).exp()
    factor = (factor + factor[:, list(H36M17.mirror)]) / 2
    old, new = windows[:, :, :17], windows[:, :, :17].clone()
    for joint, parent in enumerate(H36M17.parents):
        if parent >= 0:
            new[:, :, joint] = new[:, :, parent] + (old[:, :, joint] - old[:, :, parent]) * factor[:, None, joint, None]
    coco = windows[:, :, 17:] - old[:, :, _ANCHORS] + new[:, :, _ANCHORS]
    return torch.cat([new, coco], 2)


def normalise_size(windows: Tensor) -> Tensor:
    """Windows (N, F, 34, 3) scaled so that their bodies have `CANONICAL_SIZE`."""
    return windows * (CANONICAL_SIZE / body_size(windows[..., :17, :]).mean(1))[:, None, None, None]


def body_size(poses: Tensor) -> Tensor:
    """(...,) length of leg (mean of both), trunk and head bones in a row of poses (..., 17, 3) [m]."""

    def length(a: str, b: str) -> Tensor:
        return (poses[..., H36M17.index(a), :] - poses[..., H36M17.index(b), :]).norm(dim=-1)

    legs = sum(length(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle")))
    chain = ("pelvis", "spine", "thorax", "neck", "head")
    return legs / 2 + sum(length(a, b) for a, b in zip(chain, chain[1:], strict=False))


def film(windows: Tensor, config: CameraConfig, gen: Generator) -> tuple[Windows, Tensor]:
    """Put a camera in front of every window (N, F, 34, 3).

    Returns:
        The windows as a perfect detector with the true camera would see them, and (N, F, 17) which joints
        lie inside the picture.
    """
    count, frames = windows.shape[:2]
    seen_by_camera = _turn(windows, _camera_rotation(count, config, gen))
    half = (_uniform(count, config.fov, gen) * pi / 360).tan()
    aspect = torch.tensor([9 / 16, 3 / 4, 1.0])[torch.randint(3, (count,), generator=gen)]
    wide = torch.rand(count, generator=gen) < 0.5
    extent = torch.stack([torch.where(wide, half, half * aspect), torch.where(wide, half * aspect, half)], -1)
    slope = (torch.rand(count, 2, generator=gen) * 2 - 1) * 0.8 * extent
    near, far = torch.tensor(config.distance).log()
    depth = (near + (far - near) * torch.rand(count, generator=gen)).exp()
    place = torch.cat([slope, torch.ones(count, 1)], -1) * depth[:, None]
    joints = seen_by_camera + place[:, None, None]
    coco = joints[:, :, 17:]
    rays = coco[..., :2] / coco[..., 2:].clamp(min=0.3)
    inside = (rays.abs() <= extent[:, None, None]).all(-1) & (coco[..., 2] > 0.3)
    middle = seen_by_camera[:, frames // 2, :17]
    target = middle - middle[:, :1]
    return Windows(rays, torch.ones(count, frames, 17), target, depth), inside


def _camera_rotation(count: int, config: CameraConfig, gen: Generator) -> Tensor:
    """(N, 3, 3) from z-up world axes to the axes of a camera that looks at the person from any side."""
    yaw = torch.rand(count, generator=gen) * 2 * pi
    pitch = (config.pitch[0] + torch.randn(count, generator=gen) * config.pitch[1]).clamp(-30, 45) * pi / 180
    roll = torch.randn(count, generator=gen) * config.roll * pi / 180
    level = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return _axis_rotation(roll, 2) @ _axis_rotation(pitch, 0) @ level @ _axis_rotation(yaw, 2)


def detect(windows: Windows, inside: Tensor, noise: NoiseConfig, focal_error: float, gen: Generator) -> Windows:
    """What a detector and a guessed focal length make of perfectly seen windows."""
    rays, count = windows.rays, len(windows.rays)
    noisy = (torch.rand(count, generator=gen) >= noise.clean).float()
    stature = 1.7 / windows.depth * noisy * (torch.randn(count, generator=gen) * 0.5).exp()
    hidden = _hidden(windows.scores.shape, noise, gen) | ~inside
    error = _errors(rays.shape, noise, gen) * (1 + 3 * hidden[..., None]) * stature[:, None, None, None]
    scores = _scores(error, stature, hidden, noisy, gen)
    rays = rays + error
    rays, scores = _swap_sides(rays, scores, noise.swapped, noisy, gen)
    rays, scores = _drop_frames(rays, scores, noise.dropped, noisy, gen)
    scores = scores * _found(count, noise, noisy, gen)[:, None]
    blind = (torch.rand(count, generator=gen) < noise.blind) & (noisy > 0)
    scores = torch.where(blind[:, None, None], (scores > 0).float(), scores)
    focal = (torch.randn(count, generator=gen) * focal_error * noisy).exp()
    return Windows(rays * focal[:, None, None, None], scores, windows.target, windows.depth)


def _errors(shape: torch.Size, noise: NoiseConfig, gen: Generator) -> Tensor:
    """(N, F, 17, 2) errors in shares of the stature."""
    count, frames, joints, _ = shape
    knots = frames // 5 + 2
    slow = torch.randn(count, knots, joints * 2, generator=gen) * noise.steady
    far = (torch.rand(count, knots, joints, generator=gen) < noise.outliers * _NOISE_SCALE).float()
    slow = slow * (1 + 2 * far.repeat_interleave(2, -1))
    error = (_hat_matrix(frames, knots) @ slow).view(count, frames, joints, 2)
    error = error + torch.randn(shape, generator=gen) * noise.jitter
    error = error + torch.randn(count, 1, joints, 2, generator=gen) * noise.bias
    return error * _NOISE_SCALE[:, None]


def _hat_matrix(frames: int, knots: int) -> Tensor:
    """(frames, knots) linear interpolation between evenly spaced knots."""
    position = torch.linspace(0, knots - 1, frames)
    return (1 - (position[:, None] - torch.arange(knots)).abs()).clamp(min=0)


def _spans(count: int, frames: int, longest: int, gen: Generator) -> Tensor:
    """(N, F) one stretch of 1 to ``longest`` frames in every window."""
    length = torch.randint(1, longest + 1, (count, 1), generator=gen)
    start = torch.randint(1 - longest, frames, (count, 1), generator=gen)
    at = torch.arange(frames)
    return (at >= start) & (at < start + length)


def _hidden(shape: torch.Size, noise: NoiseConfig, gen: Generator) -> Tensor:
    """(N, F, 17) joints of occluded limbs."""
    count, frames, joints = shape
    hidden = torch.zeros(shape, dtype=torch.bool)
    for limb in _LIMBS:
        hit = torch.rand(count, generator=gen) < noise.occluded
        hidden[:, :, limb] |= (hit[:, None] & _spans(count, frames, 2 * frames, gen))[..., None]
    return hidden


def _scores(error: Tensor, stature: Tensor, hidden: Tensor, noisy: Tensor, gen: Generator) -> Tensor:
    """(N, F, 17) confidences that fall with the error, as a detector's do more or less."""
    relative = error.norm(dim=-1) / (1.7 / 1.0 * stature / 1.7 + 1e-6)[:, None, None]
    spread = torch.randn(hidden.shape, generator=gen) * 0.08
    score = (1 - 6 * relative + spread).clamp(0.1, 1)
    low = torch.rand(len(hidden), 1, hidden.shape[2], generator=gen) * 0.6
    score = torch.where(hidden, torch.minimum(score, low + 0.02), score)
    return torch.where(noisy[:, None, None] > 0, score, torch.ones_like(score))


def _swap_sides(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    count, frames = rays.shape[:2]
    hit = (torch.rand(count, generator=gen) < share) & (noisy > 0)
    swap = hit[:, None] & _spans(count, frames, 6, gen)
    mirror = list(COCO17.mirror)
    rays = torch.where(swap[..., None, None], rays[:, :, mirror], rays)
    return rays, torch.where(swap[..., None], scores[:, :, mirror], scores)


def _drop_frames(rays: Tensor, scores: Tensor, share: float, noisy: Tensor, gen: Generator) -> tuple[Tensor, Tensor]:
    """Interpolate over a gap of up to half the window, as the pipeline does with frames without a person."""
    count, frames = rays.shape[:2]
    length = torch.randint(1, frames // 2, (count,), generator=gen)
    start = (torch.rand(count, generator=gen) * (frames - length - 1)).long()
    end = start + length + 1
    hit = torch.nonzero((torch.rand(count, generator=gen) < share) & (noisy > 0))[:, 0]
    at = torch.arange(frames)
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
    found = torch.ones(count, len(COCO17))
    kind = torch.rand(count, generator=gen) / noise.missing
    for joints, low, high in ((_LEGS, 0.0, 0.3), (_LOWER, 0.3, 0.6)):
        rows = torch.nonzero((kind >= low) & (kind < high))[:, 0]
        found[rows[:, None], joints] = 0
    some = torch.rand(count, len(COCO17), generator=gen) < 0.15
    found[((kind >= 0.6) & (kind < 1))[:, None] & some] = 0
    found[noisy == 0] = 1
    return found


def _uniform(count: int, bounds: tuple[float, float], gen: Generator) -> Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * torch.rand(count, generator=gen)


def _turn(points: Tensor, rotation: Tensor) -> Tensor:
    """Points (N, F, J, 3) turned by one rotation (N, 3, 3) per window."""
    n, f, j, _ = points.shape
    return (points.reshape(n, f * j, 3) @ rotation.transpose(-1, -2)).view(n, f, j, 3)


def _axis_rotation(angle: Tensor, axis: int) -> Tensor:
    vector = torch.zeros(len(angle), 3)
    vector[:, axis] = angle
    return _rotation_from_vector(vector)


def _rotation_from_vector(vector: Tensor) -> Tensor:
    """(N, 3, 3) by Rodrigues' formula from axis times angle (N, 3) [rad]."""
    angle = vector.norm(dim=-1).clamp(min=1e-8)[:, None, None]
    x, y, z = (vector / angle[..., 0]).unbind(-1)
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
    return torch.eye(3) + angle.sin() * k + (1 - angle.cos()) * (k @ k)


def _random_rotation(count: int, gen: Generator) -> Tensor:
    """(N, 3, 3) uniformly distributed rotations, from normalised quaternions."""
    w, x, y, z = torch.nn.functional.normalize(torch.randn(count, 4, generator=gen), dim=-1).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).view(-1, 3, 3)
