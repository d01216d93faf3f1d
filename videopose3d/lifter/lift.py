"""2D keypoints of whole clips to 3D poses and root trajectories."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from videopose3d.config import DEFAULT_FOV, LiftConfig
from videopose3d.errors import SkeletonMismatchError
from videopose3d.geometry import (
    Camera,
    camera_from_focal,
    camera_from_fov,
    rays_from_pixels,
    screen_from_pixels,
)
from videopose3d.lifter.canonical import canonical_input, mirror_input, mirror_pose
from videopose3d.lifter.fast import CHUNK, FastNetwork
from videopose3d.lifter.model import TemporalModel
from videopose3d.lifter.rates import at_known_rate, bridged
from videopose3d.lifter.trajectory import root_path, smoothed_path
from videopose3d.lifter.weights import choose_device, load_lifter, load_trajectory
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import COCO17, H36M17, Skeleton
from videopose3d.smoothing import one_euro, savitzky_golay, stretches
from videopose3d.types import Array, FloatArray, Keypoints2D, Poses3D
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.store import find_lifter

logger = logging.getLogger(__name__)

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Lifter:
    """Networks ready to lift sequences.

    Attributes:
        model: The network of the poses, in evaluation mode.
        header: What it takes and gives.
        device: Where it runs.
        trajectory: The network of the root's trajectory, where the weights have one.
        precision: Of whole clips, see `FastNetwork.of`; on a GPU everything but ``float32`` is bfloat16.
    """

    model: TemporalModel
    header: LifterHeader
    device: str = "cpu"
    trajectory: TemporalModel | None = None
    precision: str = "float32"
    _made: dict[tuple[int, int], FastNetwork] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, name: str, device: str = "auto", precision: str = "float32") -> Lifter:
        """Bundled weights by name, or a file.

        Raises:
            WeightsError: There are none, or they are damaged.
            DeviceError: The device is not on this machine.
        """
        device = choose_device(device)
        path = find_lifter(name)
        model, header = load_lifter(path, device)
        return cls(model, header, device, load_trajectory(path, device), precision)

    def lift(
        self,
        points: Array,
        scores: Array,
        camera: Camera,
        size: tuple[int, int],
        fps: float,
        *,
        flip: bool = True,
        chunk: int = CHUNK,
    ) -> FloatArray:
        """Poses of one person over an unbroken stretch, at a frame rate that the network knows.

        Args:
            points: (T, J, 2) [px] in the lifter's input skeleton; any value where the score is 0.
            scores: (T, J) confidence 0..1.
            camera: The camera, for lifters that take rays.
            size: (width, height) of the image [px], for lifters that take screen coordinates.
            fps: Frame rate [1/s].
            flip: Average with the mirrored sequence.
            chunk: Frames computed at once.

        Returns:
            (T, J_out, 3) [m], camera axes, as the network gives them: the root is predicted, too.
        """

        def poses(points: Array, scores: Array) -> FloatArray:
            return self.poses(self._filled(points, scores), camera, size, flip=flip, chunk=chunk)

        return at_known_rate(points, scores, fps, self.header.fps_range, poses)

    def locate(
        self,
        points: Array,
        scores: Array,
        camera: Camera,
        size: tuple[int, int],
        fps: float,
        *,
        flip: bool = True,
        chunk: int = CHUNK,
    ) -> FloatArray:
        """(T, 3) [m] what the trajectory network gives; arguments as `lift`.

        Raises:
            WeightsError: These weights have no trajectory network.
        """

        def roots(points: Array, scores: Array) -> FloatArray:
            features, turn = self.features(self._filled(points, scores), camera, size)
            return _turned_back(self.run_trajectory(features, flip=flip, chunk=chunk)[:, None], turn)[:, 0]

        return at_known_rate(points, scores, fps, self.header.fps_range, roots)

    def poses(
        self, keypoints: Array, camera: Camera, size: tuple[int, int], *, flip: bool = True, chunk: int = CHUNK
    ) -> FloatArray:
        """(T, J_out, 3) [m] in camera axes, the unchanged output for `features` of the same arguments."""
        features, turn = self.features(keypoints, camera, size)
        return _turned_back(self.run(features, flip=flip, chunk=chunk), turn)

    def features(self, keypoints: Array, camera: Camera, size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Network input of keypoints as they are: no joint is filled in, no frame added.

        Args:
            keypoints: (T, J, 2) x, y [px], or (T, J, 3) with the score 0..1. Lifters that take no score do
                without it; those that take rays believe every joint without one.
            camera: The camera, for lifters that take rays.
            size: (width, height) of the image [px], for lifters that take screen coordinates.

        Returns:
            (T, J, features), and for lifters that take rays (T, 3, 3) the turns of `canonical_input`.

        Raises:
            SkeletonMismatchError: The lifter takes scores and there are none.
        """
        points, scores = keypoints[..., :2].astype(np.float32), keypoints[..., 2:].astype(np.float32)
        if self.header.normalisation == "rays":
            rays = torch.from_numpy(rays_from_pixels(points, camera))
            confidence = torch.from_numpy(scores[..., 0]) if scores.size else torch.ones_like(rays[..., 0])
            return canonical_input(rays, confidence, self.header.input_skeleton)
        screen = np.concatenate([screen_from_pixels(points, size), scores], -1)
        if screen.shape[-1] < self.header.features:
            raise SkeletonMismatchError(
                "it takes the score of every joint, and these keypoints have none",
                where=self.header.name,
                fix="Give keypoints with scores, or a lifter of two numbers per joint.",
            )
        return torch.from_numpy(screen[..., : self.header.features]), None

    def _filled(self, points: Array, scores: Array) -> FloatArray:
        """(T, J, 3) detected keypoints with a number everywhere: what was not seen is 0, or bridged for screens."""
        seen = scores > 0
        points = np.where(seen[..., None], points, 0).astype(np.float32)
        if self.header.normalisation == "screen":
            points = bridged(points, seen)
        return np.concatenate([points, scores[..., None].astype(np.float32)], -1)

    @torch.inference_mode()
    def run(self, features: Tensor, *, flip: bool = True, chunk: int = CHUNK) -> Tensor:
        """Network output for every frame of features (T, J_in, F), in chunks that change nothing.

        The clip's ends are padded with copies of the first and last frame.

        Returns:
            (T, J_out, 3) in the network's axes, on the CPU.
        """
        out = self._over_clip(self.model, features, flip, chunk)
        return (out[0] + mirror_pose(out[1], self.header.output_skeleton)) / 2 if flip else out[0]

    @torch.inference_mode()
    def run_windows(self, windows: Tensor, *, flip: bool = True) -> Tensor:
        """Network output of windows (N, T, J_in, F): (N, T - F + 1, J_out, 3), on the CPU."""
        windows = windows.to(self.device)
        out: Tensor = self.model(windows)
        if flip:
            mirrored = self.model(mirror_input(windows, self.header.input_skeleton))
            out = (out + mirror_pose(mirrored, self.header.output_skeleton)) / 2
        return out.cpu()

    @torch.inference_mode()
    def run_trajectory(self, features: Tensor, *, flip: bool = True, chunk: int = CHUNK) -> Tensor:
        """Output of the trajectory network, as `run`: (T, 3).

        Raises:
            WeightsError: These weights have no trajectory network.
        """
        if self.trajectory is None:
            raise self.header.no_trajectory()
        out = self._over_clip(self.trajectory, features, flip, chunk)[:, :, 0]
        return (out[0] + out[1] * out.new_tensor([-1, 1, 1])) / 2 if flip else out[0]

    def _over_clip(self, network: TemporalModel, features: Tensor, flip: bool, chunk: int) -> Tensor:
        """(1 or 2, T, J_out, 3) output for a clip and, with ``flip``, for its mirror image, on the CPU."""
        before, after = network.padding
        padded = features[torch.arange(-before, len(features) + after).clamp(0, len(features) - 1)]
        both = torch.stack([padded, mirror_input(padded, self.header.input_skeleton)] if flip else [padded])
        if self.device == "cpu":
            return self._fast(network, chunk)(both)
        parts = []
        for start in range(0, len(features), chunk):
            part = both[:, start : start + chunk + before + after].to(self.device)
            with torch.autocast("cuda", torch.bfloat16, enabled=self.precision != "float32"):
                parts.append(network(part).float().cpu())
        return torch.cat(parts, 1)

    def _fast(self, network: TemporalModel, chunk: int) -> FastNetwork:
        """The network in the form that is fastest on a CPU, made once."""
        key = id(network), chunk
        if key not in self._made:
            self._made[key] = FastNetwork.of(network, self.precision, chunk)
        return self._made[key]


def _turned_back(poses: Tensor, turn: Tensor | None) -> FloatArray:
    """(T, J, 3) in camera axes; row vectors, so the transpose of the turn undoes it."""
    out: FloatArray = (poses if turn is None else poses @ turn).numpy()
    return out


def lift(keypoints: Keypoints2D, config: LiftConfig | None = None, progress: Progress | None = None) -> Poses3D:
    """3D poses and trajectories of everyone in a clip.

    Every unbroken stretch of a track is lifted alone; frames without a position stay NaN.

    Args:
        keypoints: The 2D stage.
        config: Lifter, device, camera and height.
        progress: Called with the number of frames done so far.

    Raises:
        SkeletonMismatchError: The lifter takes joints that these keypoints do not have.
        WeightsError: The lifter is not to be had, or has no trajectory network and was asked for its trajectory.
    """
    config = config or LiftConfig()
    lifter = Lifter.load(config.lifter, config.device, config.precision)
    if config.trajectory == "network" and lifter.trajectory is None:
        raise lifter.header.no_trajectory()
    keypoints = fit_skeleton(keypoints, lifter.header.input_skeleton, config.lifter)
    joints = len(lifter.header.output_skeleton)
    poses = np.full((keypoints.people, keypoints.frames, joints, 3), np.nan, np.float32)
    trajectory = np.full((keypoints.people, keypoints.frames, 3), np.nan, np.float32)
    done = 0
    for person in range(keypoints.people):
        for start, stop in stretches(keypoints.placed[person]):
            at = person, slice(start, stop)
            poses[at], trajectory[at] = _lift_stretch(lifter, keypoints, at, config)
            done += stop - start
            if progress:
                progress(done)
    return Poses3D(poses, trajectory, lifter.header.output_skeleton, lifter.header.name)


def _lift_stretch(
    lifter: Lifter, keypoints: Keypoints2D, at: tuple[int, slice], config: LiftConfig
) -> tuple[FloatArray, FloatArray]:
    """(T, J, 3) poses with the root at the origin and (T, 3) its path, of one person's frames ``at`` [m]."""
    points, fps, camera = keypoints.points[at], keypoints.fps, camera_of(keypoints.size, config)
    scores = np.where(np.isfinite(points).all(-1), keypoints.scores[at], 0)
    scale = config.height / lifter.header.stature if lifter.header.stature else 1.0
    where = points, scores, camera, keypoints.size, float(fps)
    raw = scale * lifter.lift(*where, flip=config.flip, chunk=config.chunk)
    poses = _smoothed(raw - raw[:, :1], fps, config)
    if config.trajectory == "network":  # the root that the pose network gives belongs to the path
        path = scale * lifter.locate(*where, flip=config.flip, chunk=config.chunk) + raw[:, 0]
        return poses, _smoothed(path, fps, config)
    path = root_path(poses, lifter.header.output_skeleton, points, scores, keypoints.skeleton, camera)
    if config.smooth:
        causal = (config.one_euro_cutoff, config.one_euro_beta) if config.smooth_filter == "one-euro" else None
        path = smoothed_path(path, fps, causal)
    return poses, path.astype(np.float32)


def _smoothed(values: Array, fps: Fraction, config: LiftConfig) -> FloatArray:
    """Values (T, ..., 3) after the filter that is asked for."""
    if config.smooth and config.smooth_filter == "one-euro":
        values = one_euro(values, fps, config.one_euro_cutoff, config.one_euro_beta)
    else:
        values = savitzky_golay(values, fps, config.smooth)
    return values.astype(np.float32)


def camera_of(size: tuple[int, int], config: LiftConfig) -> Camera:
    """The camera that a configuration's focal length or field of view describes for images of that size."""
    if config.focal is not None:
        return camera_from_focal(size, config.focal)
    return camera_from_fov(size, DEFAULT_FOV if config.fov is None else config.fov)


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
    logger.warning("%s takes joints of Human3.6M: the COCO keypoints are converted, which costs accuracy", lifter)
    points, scores = coco_to_h36m(keypoints.points, keypoints.scores)
    return replace(keypoints, points=points, scores=scores, skeleton=H36M17)
