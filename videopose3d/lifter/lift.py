"""2D keypoints of whole clips to 3D poses and root trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from videopose3d.config import LiftConfig
from videopose3d.errors import SkeletonMismatchError
from videopose3d.geometry import (
    Camera,
    camera_from_focal,
    camera_from_fov,
    rays_from_pixels,
    screen_from_pixels,
)
from videopose3d.lifter.canonical import canonical_input, mirror_input, mirror_pose
from videopose3d.lifter.model import TemporalModel
from videopose3d.lifter.trajectory import root_trajectory, smooth
from videopose3d.lifter.weights import choose_device, load_lifter
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import COCO17, H36M17, Skeleton
from videopose3d.types import Array, BoolArray, FloatArray, Keypoints2D, Poses3D
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.store import find_lifter

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Lifter:
    """A network ready to lift sequences.

    Attributes:
        model: The network, in evaluation mode.
        header: What it takes and gives.
        device: Where it runs.
    """

    model: TemporalModel
    header: LifterHeader
    device: str = "cpu"

    @classmethod
    def load(cls, name: str, device: str = "auto") -> Lifter:
        """Bundled weights by name, or a file.

        Raises:
            WeightsError: There are none, or they are damaged.
            DeviceError: The device is not on this machine.
        """
        device = choose_device(device)
        model, header = load_lifter(find_lifter(name), device)
        return cls(model, header, device)

    def lift(
        self,
        points: Array,
        scores: Array,
        camera: Camera,
        size: tuple[int, int],
        fps: float,
        *,
        flip: bool = True,
        chunk: int = 2048,
    ) -> FloatArray:
        """Poses of one person over an unbroken stretch.

        Args:
            points: (T, J, 2) [px] in the lifter's input skeleton; any value where the score is 0.
            scores: (T, J) confidence 0..1.
            camera: The camera, for lifters that take rays.
            size: (width, height) of the image [px], for lifters that take screen coordinates.
            fps: Frame rate [1/s].
            flip: Average with the mirrored sequence.
            chunk: Frames computed at once.

        Returns:
            (T, J_out, 3) [m], camera axes, root at the origin.
        """
        slowest, fastest = self.header.fps_range
        if fps < slowest:
            return self._lift_upsampled(points, scores, camera, size, ceil(slowest / fps), flip, chunk)
        skip = max(1, ceil(fps / fastest))
        out = np.empty((len(points), len(self.header.output_skeleton), 3), np.float32)
        for phase in range(min(skip, len(points))):
            at = slice(phase, None, skip)
            out[at] = self._lift_at_rate(points[at], scores[at], camera, size, flip, chunk)
        return out

    def _lift_upsampled(
        self, points: Array, scores: Array, camera: Camera, size: tuple[int, int], factor: int, flip: bool, chunk: int
    ) -> FloatArray:
        """Insert frames by linear interpolation, lift, keep the original ones."""
        when = np.arange((len(points) - 1) * factor + 1) / factor
        low = np.floor(when).astype(int)
        high = np.ceil(when).astype(int)  # of an original frame: itself
        share = (when - low)[:, None].astype(points.dtype)
        points = points[low] * (1 - share[..., None]) + points[high] * share[..., None]
        scores = np.minimum(scores[low], scores[high])
        return self._lift_at_rate(points, scores, camera, size, flip, chunk)[::factor]

    def _lift_at_rate(
        self, points: Array, scores: Array, camera: Camera, size: tuple[int, int], flip: bool, chunk: int
    ) -> FloatArray:
        features, turn = self._features(points, scores, camera, size)
        poses = self.run(features, flip=flip, chunk=chunk)
        if turn is not None:
            poses = poses @ turn  # row vectors: the transpose of the turn undoes it
        poses = poses - poses[:, :1]
        return poses.numpy()

    def _features(
        self, points: Array, scores: Array, camera: Camera, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        seen = scores > 0
        points = np.where(seen[..., None], points, 0).astype(np.float32)
        confidence = torch.from_numpy(np.asarray(scores, np.float32))
        if self.header.normalisation == "rays":
            rays = torch.from_numpy(rays_from_pixels(points, camera))
            return canonical_input(rays, confidence, self.header.input_skeleton)
        screen = torch.from_numpy(screen_from_pixels(_bridged(points, seen), size))
        return (torch.cat([screen, confidence[..., None]], -1) if self.header.features == 3 else screen), None

    @torch.inference_mode()
    def run(self, features: Tensor, *, flip: bool = True, chunk: int = 2048) -> Tensor:
        """Network output for every frame of features (T, J_in, F), in chunks that change nothing.

        The clip's ends are padded with copies of the first and last frame.

        Returns:
            (T, J_out, 3) in the network's axes, on the CPU.
        """
        before, after = self.model.padding
        frames = torch.arange(-before, len(features) + after).clamp(0, len(features) - 1)
        padded = features[frames]
        context = before + after
        windows = (padded[start : start + chunk + context] for start in range(0, len(features), chunk))
        return torch.cat([self.run_windows(window[None], flip=flip)[0] for window in windows])

    @torch.inference_mode()
    def run_windows(self, windows: Tensor, *, flip: bool = True) -> Tensor:
        """Network output of windows (N, T, J_in, F): (N, T - F + 1, J_out, 3), on the CPU."""
        windows = windows.to(self.device)
        out: Tensor = self.model(windows)
        if flip:
            mirrored = self.model(mirror_input(windows, self.header.input_skeleton))
            out = (out + mirror_pose(mirrored, self.header.output_skeleton)) / 2
        return out.cpu()


def _bridged(points: FloatArray, seen: BoolArray) -> FloatArray:
    """(T, J, 2) with unseen joints interpolated over time, for lifters that do not know what unseen means."""
    points, frames = points.copy(), np.arange(len(points))
    for joint in np.flatnonzero(~seen.all(0) & seen.any(0)):
        known = seen[:, joint]
        for axis in (0, 1):
            points[:, joint, axis] = np.interp(frames, frames[known], points[known, joint, axis])
    return points


def lift(keypoints: Keypoints2D, config: LiftConfig | None = None, progress: Progress | None = None) -> Poses3D:
    """3D poses and trajectories of everyone in a clip.

    Every unbroken stretch of a track is lifted alone; frames without a position stay NaN.

    Args:
        keypoints: The 2D stage.
        config: Lifter, device, camera and height.
        progress: Called with the number of frames done so far.

    Raises:
        SkeletonMismatchError: The lifter takes joints that these keypoints do not have.
    """
    config = config or LiftConfig()
    lifter = Lifter.load(config.lifter, config.device)
    keypoints = fit_skeleton(keypoints, lifter.header.input_skeleton, config.lifter)
    camera = camera_of(keypoints.size, config)
    joints = len(lifter.header.output_skeleton)
    poses = np.full((keypoints.people, keypoints.frames, joints, 3), np.nan, np.float32)
    trajectory = np.full((keypoints.people, keypoints.frames, 3), np.nan, np.float32)
    scale = config.height / lifter.header.stature if lifter.header.stature else 1.0
    done = 0
    for person in range(keypoints.people):
        for start, stop in stretches(keypoints.placed[person]):
            points, scores = keypoints.points[person, start:stop], keypoints.scores[person, start:stop]
            scores = np.where(np.isfinite(points).all(-1), scores, 0)
            lifted = scale * lifter.lift(
                points, scores, camera, keypoints.size, float(keypoints.fps), flip=config.flip, chunk=config.chunk
            )
            lifted = smooth(lifted, keypoints.fps, config.smooth).astype(np.float32)
            poses[person, start:stop] = lifted
            trajectory[person, start:stop] = root_trajectory(
                lifted, lifter.header.output_skeleton, points, scores, keypoints.skeleton, camera, keypoints.fps
            )
            done += stop - start
            if progress:
                progress(done)
    return Poses3D(poses, trajectory, lifter.header.output_skeleton, lifter.header.name)


def camera_of(size: tuple[int, int], config: LiftConfig) -> Camera:
    """The camera a configuration describes for images of that size."""
    if config.focal is not None:
        return camera_from_focal(size, config.focal)
    return camera_from_fov(size, config.fov)


def fit_skeleton(keypoints: Keypoints2D, wanted: Skeleton, lifter: str) -> Keypoints2D:
    """Keypoints in the skeleton a lifter takes: unchanged, or COCO remapped to Human3.6M.

    Raises:
        SkeletonMismatchError: There is no way from one to the other.
    """
    if keypoints.skeleton == wanted:
        return keypoints
    if (keypoints.skeleton, wanted) != (COCO17, H36M17):
        raise SkeletonMismatchError(
            f"it takes {wanted.name} keypoints, these are {keypoints.skeleton.name}",
            where=lifter,
            fix="Choose another lifter (videopose3d weights list) or detector.",
        )
    points, scores = coco_to_h36m(keypoints.points, keypoints.scores)
    return Keypoints2D(
        points, scores, keypoints.boxes, keypoints.present, H36M17, keypoints.fps, keypoints.size,
        keypoints.source, keypoints.detector,
    )  # fmt: skip


def stretches(present: BoolArray) -> list[tuple[int, int]]:
    """(start, stop) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
