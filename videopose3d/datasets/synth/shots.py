"""Where the camera of a clip stands, how it moves and what it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videopose3d.datasets.synth.camera import Array, View, look

SIZES = ((640, 480), (640, 360), (480, 480), (480, 640), (360, 640))
"""Width and height of pictures [px] that are drawn where none is given."""
DISTANCES = (1.5, 12.0)
"""Range of the distance from camera to person [m]."""
_LOWEST = 0.12
"""Height of a camera that lies on the floor [m]."""
_MARGIN = 0.03
"""Share of the picture that stays free at its borders."""


@dataclass(frozen=True)
class Shot:
    """A camera over time.

    Attributes:
        positions: (T, 3) [m], world axes.
        rotations: (T, 3, 3) world to camera axes.
        focal: Focal length [px].
        size: Width and height [px].
        kind: ``static``, ``pan``, ``handheld``, ``orbit`` or ``dolly``.
    """

    positions: Array
    rotations: Array
    focal: float
    size: tuple[int, int]
    kind: str

    def view(self, frame: int) -> View:
        """The camera at one frame."""
        return View(self.positions[frame], self.rotations[frame], self.focal, self.size)

    @property
    def moves(self) -> bool:
        """The camera moves."""
        return self.kind != "static"


@dataclass(frozen=True)
class ShotLimits:
    """What shots may be like.

    Attributes:
        size: Width and height [px]; None draws one of `SIZES`.
        fov: Field of view along the longer side [degrees]; None draws 30 ... 100.
        filling: Range of the share of the picture's height that a standing person takes.
        moving: Share of shots with a moving camera.
        cut: Share of shots that are so near that people are partly out of the picture.
        level: No roll and little pitch.
    """

    size: tuple[int, int] | None = None
    fov: float | None = None
    filling: tuple[float, float] = (0.35, 0.95)
    moving: float = 0.35
    cut: float = 0.15
    level: bool = False


def focal_length(fov: float, size: tuple[int, int]) -> float:
    """Focal length [px] of a field of view along the longer side [degrees]."""
    return float(max(size) / 2 / np.tan(np.radians(fov / 2)))


def random_shot(rng: np.random.Generator, joints: Array, stature: float, fps: float, limits: ShotLimits) -> Shot:
    """A camera for a person.

    Args:
        rng: Draws it.
        joints: (T, J, 3) of the person [m].
        stature: Of the person [m].
        fps: Frame rate [1/s].
        limits: What it may be like.
    """
    size = limits.size or SIZES[rng.integers(len(SIZES))]
    fov = limits.fov or float(rng.uniform(30, 100))
    focal = focal_length(fov, size)
    yaw = float(rng.uniform(-np.pi, np.pi))
    tilt = rng.normal(0.04, 0.06) if limits.level else np.clip(rng.normal(0.1, 0.24), -0.52, 0.70)
    roll = 0.0 if limits.level else float(np.clip(rng.normal(0, 0.06), -0.2, 0.2))
    kind = "static"
    if rng.random() < limits.moving:
        kind = str(rng.choice(["pan", "handheld", "orbit", "dolly"]))
    cut = rng.random() < limits.cut
    filling = rng.uniform(1.0, 2.2) if cut else np.exp(rng.uniform(*np.log(limits.filling)))
    distance = float(np.clip(stature * focal / (filling * size[1]), *DISTANCES))
    wander = _wander(rng, len(joints), fps, kind)
    off = rng.uniform(-0.12, 0.12, 2)  # the person need not be in the middle of the picture
    aim = _aims(joints, kind, fps)
    while True:
        positions = _positions(aim, yaw + wander["orbit"], float(tilt), distance + wander["dolly"]) + wander["sway"]
        rotations = _look_at(positions, aim, off, roll, wander["shake"])
        shot = Shot(positions, rotations, focal, size, kind)
        if cut or distance >= DISTANCES[1] or _inside(shot, joints):
            return shot
        distance = min(distance * 1.1, DISTANCES[1])
        off *= 0.9


def _aims(joints: Array, kind: str, fps: float) -> Array:
    """(T, 3) where the camera looks at: the middle of all that happens, or the person when it pans."""
    middle = (joints.min((0, 1)) + joints.max((0, 1))) / 2
    if kind == "static":
        return np.broadcast_to(middle, (len(joints), 3))
    width = max(1, round(fps * 0.4))
    bell = np.hanning(2 * width + 3)[1:-1]
    centre = (joints.min(1) + joints.max(1)) / 2
    padded = np.pad(centre, ((width, width), (0, 0)), mode="edge")
    followed = np.stack([np.convolve(padded[:, k], bell / bell.sum(), "valid") for k in range(3)], 1)
    aims: Array = 0.8 * followed + 0.2 * middle
    return aims


def _wander(rng: np.random.Generator, frames: int, fps: float, kind: str) -> dict[str, Array]:
    """How the camera moves: turn around the person [rad], way to it [m], sway [m], shake [rad]."""
    time = np.arange(frames) / fps
    moves = {"orbit": np.zeros(frames), "dolly": np.zeros(frames)}
    moves |= {"sway": np.zeros((frames, 3)), "shake": np.zeros((frames, 3))}
    if kind == "orbit":
        moves["orbit"] = np.radians(rng.uniform(4, 18) * rng.choice([-1, 1])) * time
    if kind == "dolly":
        moves["dolly"] = rng.uniform(0.1, 0.6) * rng.choice([-1, 1]) * (time - time.mean())
    if kind in ("handheld", "orbit", "dolly"):
        for name, size in (("sway", rng.uniform(0.005, 0.03)), ("shake", np.radians(rng.uniform(0.2, 1.2)))):
            for rate in (0.4, 0.9, 2.1):
                phase, weight = rng.uniform(0, 2 * np.pi, 3), rng.normal(0, size / rate, 3)
                moves[name] = moves[name] + weight * np.sin(2 * np.pi * rate * time[:, None] + phase)
    return moves


def _positions(aim: Array, yaw: Array, pitch: float, distance: Array) -> Array:
    """(T, 3) cameras so far from where they look at, above the floor."""
    distance = np.maximum(distance, DISTANCES[0] * 0.8)
    flat = np.stack([np.sin(yaw), -np.cos(yaw)], -1) * np.cos(pitch)
    place = aim.mean(0) + distance[:, None] * np.concatenate([flat, np.full((len(yaw), 1), np.sin(pitch))], 1)
    place[:, 2] = np.maximum(place[:, 2], _LOWEST)
    positions: Array = place
    return positions


def _look_at(positions: Array, aim: Array, off: Array, roll: float, shake: Array) -> Array:
    """(T, 3, 3) rotations that look at the aim, a little off it [rad], rolled and shaken [rad]."""
    way = aim - positions
    yaw = np.arctan2(-way[:, 0], way[:, 1]) + off[0] + shake[:, 0]
    pitch = -np.arctan2(way[:, 2], np.linalg.norm(way[:, :2], axis=1)) + off[1] + shake[:, 1]
    return look(yaw, pitch, roll + shake[:, 2])


def _inside(shot: Shot, joints: Array) -> bool:
    """True where all joints are in the picture all the time, with some air."""
    size = np.array(shot.size)
    for frame, points in enumerate(joints):
        view = shot.view(frame)
        if view.to_camera(points)[:, 2].min() < 0.3:
            return False
        pixels = view.project(points)
        if (pixels < _MARGIN * size).any() or (pixels > (1 - _MARGIN) * size).any():
            return False
    return True
