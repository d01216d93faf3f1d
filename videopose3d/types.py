"""The values that travel between stages.

Letters: P people, T frames in time, J joints, H x W image height and width [px], F receptive field.
Units: 2D in px (origin at the image's top-left corner, x right, y down; a pixel spans [i, i + 1)), 3D in
metres in camera axes (x right, y down, z forward), time in seconds, frame rates as ``Fraction``.
NaN means "not there"; an array is never shortened to say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import SkeletonMismatchError, VideoPose3DError
from videopose3d.skeleton import Skeleton

Array = NDArray[np.floating[Any]]
"""Of any precision."""
FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Frame = NDArray[np.uint8]
"""(H, W, 3) RGB picture."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, as it is shown: rotation and sample aspect ratio already applied.

    Attributes:
        source: Path or URL as the user gave it.
        width, height: Size of the upright, square-pixel frame [px].
        fps: Constant rate the frames are read at [1/s].
        frame_count: Frames to expect; None where the container does not say.
        duration: Length [s]; None where unknown.
        start: Time stamp of the first frame [s].
        rotation: Clockwise turn that was applied to the stored frames [degrees]: 0, 90, 180 or 270.
        sample_aspect_ratio: Width / height of a stored pixel.
        variable_frame_rate: The time stamps are not evenly spaced; frames are resampled to ``fps``.
        has_audio: There is a sound track.
        codec, pixel_format: As ffmpeg names them.
        focal_35mm: Focal length that a camera with 35 mm film would have for the same view [mm], where the file says.
    """

    source: str
    width: int
    height: int
    fps: Fraction
    frame_count: int | None = None
    duration: float | None = None
    start: float = 0.0
    rotation: int = 0
    sample_aspect_ratio: Fraction = Fraction(1)
    variable_frame_rate: bool = False
    has_audio: bool = False
    codec: str = ""
    pixel_format: str = ""
    focal_35mm: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) [px]."""
        return self.width, self.height


@dataclass(frozen=True)
class Person:
    """One person in one frame.

    Attributes:
        keypoints: (J, 2) [px], NaN where a joint was not found.
        scores: (J,) confidence 0..1.
        box: (4,) x0, y0, x1, y1 [px].
        score: Confidence of the person 0..1.
    """

    keypoints: FloatArray
    scores: FloatArray
    box: FloatArray
    score: float = 1.0

    def __post_init__(self) -> None:
        joints = len(self.keypoints)
        _check("Person.keypoints", self.keypoints, (joints, 2))
        _check("Person.scores", self.scores, (joints,))
        _check("Person.box", self.box, (4,))


@dataclass(frozen=True)
class Keypoints2D:
    """2D keypoints of all people over a clip.

    Attributes:
        points: (P, T, J, 2) [px], NaN where not seen.
        scores: (P, T, J) confidence 0..1, 0 where not seen.
        boxes: (P, T, 4) x0, y0, x1, y1 [px], NaN where absent.
        present: (P, T) the person was seen in this frame (False where interpolated or absent).
        skeleton: Which joints these are.
        fps: Frame rate [1/s].
        size: (width, height) of the upright frame [px].
        source, detector: Provenance.
        focal_35mm: As `VideoInfo.focal_35mm`.
    """

    points: FloatArray = field(repr=False)
    scores: FloatArray = field(repr=False)
    boxes: FloatArray = field(repr=False)
    present: BoolArray = field(repr=False)
    skeleton: Skeleton
    fps: Fraction
    size: tuple[int, int]
    source: str = ""
    detector: str = ""
    focal_35mm: float | None = None

    def __post_init__(self) -> None:
        people, frames = _leading(self.points)
        _check("Keypoints2D.points", self.points, (people, frames, len(self.skeleton), 2))
        _check("Keypoints2D.scores", self.scores, (people, frames, len(self.skeleton)))
        _check("Keypoints2D.boxes", self.boxes, (people, frames, 4))
        _check("Keypoints2D.present", self.present, (people, frames))

    @property
    def people(self) -> int:
        """P, the number of people."""
        return self.points.shape[0]

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return self.points.shape[1]

    @property
    def placed(self) -> BoolArray:
        """(P, T) frames with a position for the person, seen or interpolated."""
        placed: BoolArray = np.isfinite(self.points).all(-1).any(-1)
        return placed


@dataclass(frozen=True)
class Poses3D:
    """3D poses of all people over a clip.

    Attributes:
        poses: (P, T, J, 3) [m], camera axes, root at the origin; NaN where the person is absent.
        trajectory: (P, T, 3) root in camera coordinates [m]; NaN where unknown.
        skeleton: Which joints these are.
        lifter: Provenance.
    """

    poses: FloatArray = field(repr=False)
    trajectory: FloatArray = field(repr=False)
    skeleton: Skeleton
    lifter: str = ""

    def __post_init__(self) -> None:
        people, frames = _leading(self.poses)
        _check("Poses3D.poses", self.poses, (people, frames, len(self.skeleton), 3))
        _check("Poses3D.trajectory", self.trajectory, (people, frames, 3))


@dataclass(frozen=True)
class World:
    """Motion on the ground, of all people over a clip.

    World axes: right-handed, z up, the ground at z = 0; x to the camera's right, y away from the camera along its
    horizontal viewing direction; the origin on the ground straight below the camera.

    Attributes:
        poses: (P, T, J, 3) joints in world axes [m], not relative to the root; NaN where the place is unknown.
        ground: (4,) the ground in camera axes: unit normal n, pointing up, and offset d [m]; ``n . p + d`` is how high
            a point p is above the ground.
        world_from_camera: (3, 4) [R | t]; a point p [m] in camera axes is at ``R @ p + t`` in world axes.
        contacts: (P, T, 2) the left and the right foot stand on the ground.
    """

    poses: FloatArray = field(repr=False)
    ground: Float64Array
    world_from_camera: Float64Array
    contacts: BoolArray = field(repr=False)

    def __post_init__(self) -> None:
        people, frames, joints = (*self.poses.shape, 0, 0, 0)[:3]
        _check("World.poses", self.poses, (people, frames, joints, 3))
        _check("World.ground", self.ground, (4,))
        _check("World.world_from_camera", self.world_from_camera, (3, 4))
        _check("World.contacts", self.contacts, (people, frames, 2))


@dataclass(frozen=True)
class Lens:
    """How a camera maps its axes to the pixels of the video.

    Attributes:
        matrix: (3, 3) focal lengths and principal point [px], as OpenCV's camera matrix.
        distortion: (5), (8), (12) or (14) coefficients in OpenCV's order: k1 k2 p1 p2 k3 ...; zeros for none.
        origin: Where these numbers come from, in words.
    """

    matrix: Float64Array
    distortion: Float64Array
    origin: str = ""

    def __post_init__(self) -> None:
        _check("Lens.matrix", self.matrix, (3, 3))
        _check("Lens.distortion", self.distortion, (len(self.distortion),))


@dataclass(frozen=True)
class MotionQuality:
    """How well motion agrees with the picture, the ground and itself; smaller is better, NaN where not known.

    Attributes:
        reprojection: Mean distance of the joints' pictures from their keypoints, weighted by the scores [px].
        sliding: Mean way of a foot from frame to frame while it stands [mm].
        jitter: Mean length of the joints' second differences [mm/frame^2].
        bones: Mean standard deviation of the bones' lengths [mm].
    """

    reprojection: float
    sliding: float
    jitter: float
    bones: float


@dataclass(frozen=True)
class Result:
    """What ``infer`` returns and the result file holds: the 2D stage and, once lifted, the 3D one.

    Attributes:
        keypoints: The 2D stage.
        poses: The 3D stage; None before lifting.
        focal: Focal length [px] the trajectory was placed with; None before lifting.
        lens: The camera of the video, with its distortion; None before lifting.
        height: Stature [m] the poses were scaled to; None before lifting, and where the lifter gives the true size.
        outputs: Files written for this result.
        timings: Seconds and frames per stage, as ``{stage: (seconds, frames)}``.
        world: The same motion on the ground; None before lifting and in files of versions that did not have it.
        refinement: How good the motion was before and after it was refined; None where it was not.
    """

    keypoints: Keypoints2D
    poses: Poses3D | None = None
    focal: float | None = None
    height: float | None = None
    outputs: tuple[str, ...] = ()
    timings: dict[str, tuple[float, int]] = field(default_factory=dict)
    world: World | None = None
    refinement: tuple[MotionQuality, MotionQuality] | None = None
    lens: Lens | None = None

    def __post_init__(self) -> None:
        if self.poses is not None:
            _check("Result.poses", self.poses.poses, (*self.keypoints.points.shape[:2], len(self.poses.skeleton), 3))
        if self.world is not None:
            _check("Result.world", self.world.poses, self.poses_3d.shape)

    @property
    def people(self) -> int:
        """P, the number of people; 0 when nobody was seen."""
        return self.keypoints.people

    @property
    def fps(self) -> Fraction:
        """Frame rate [1/s]."""
        return self.keypoints.fps

    @property
    def poses_3d(self) -> FloatArray:
        """(P, T, 17, 3) [m], camera axes, pelvis at the origin; NaN where the person is absent."""
        return self._lifted().poses

    @property
    def trajectory(self) -> FloatArray:
        """(P, T, 3) pelvis in camera coordinates [m]; NaN where unknown."""
        return self._lifted().trajectory

    @property
    def keypoints_2d(self) -> FloatArray:
        """(P, T, 17, 2) [px]; NaN where not seen."""
        return self.keypoints.points

    @property
    def keypoints_score(self) -> FloatArray:
        """(P, T, 17) confidence 0..1."""
        return self.keypoints.scores

    def _lifted(self) -> Poses3D:
        if self.poses is None:
            raise VideoPose3DError(
                "this result has 2D keypoints only", where=self.keypoints.source or None, fix="Lift it first."
            )
        return self.poses


def _leading(array: NDArray[np.generic]) -> tuple[int, int]:
    """P and T of an array that should have them."""
    people, frames = (*array.shape, 0, 0)[:2]
    return people, frames


def _check(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise SkeletonMismatchError(f"expected shape {shape}, got {array.shape}", where=name)
