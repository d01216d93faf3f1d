"""What a Rerun recording holds: entities and their columns over time. See docs/formats/rerun.md.

World axes: x to the camera's right, y away from it, z up. The only module, with `rrd`, that talks to Rerun.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.export.contacts import FEET
from videopose3d.export.film import Film
from videopose3d.export.upright import Array, camera_pose, levelled, lifted, y_up_to_z_up
from videopose3d.joint_angles import joint_angles
from videopose3d.skeleton import Skeleton, side
from videopose3d.types import BoolArray, FloatArray, Result

# The colours of the rendered video (render/theme.py) and of the player, on a dark ground.
_COLOURS = {"left": (86, 180, 233), "right": (240, 150, 20)}
_PEOPLE = ((236, 239, 244), (0, 178, 130), (214, 140, 186), (240, 228, 66), (230, 110, 70))
_GRID = (90, 98, 112)
_CAMERA = "world/camera"
_ANGLES = {"legs": ("hip_flexion", "knee_flexion"), "arms": ("shoulder_elevation", "elbow_flexion")}
_SHADES = (1.0, 0.65)  # of the two angles of one side


@dataclass(frozen=True)
class Scene:
    """What is shown.

    Attributes:
        result: The motion.
        points: (P, T, J, 3) in world axes [m].
        film: The video; None for none.
    """

    result: Result
    points: Array
    film: Film | None

    @cached_property
    def rerun(self) -> Any:
        """The library, loaded when it is needed."""
        return import_module("rerun")

    @cached_property
    def times(self) -> list[Any]:
        """The one timeline, in seconds and in frames."""
        frames = np.arange(self.result.keypoints.frames)
        seconds = frames / float(self.result.fps)
        return [self.rerun.TimeColumn("time", duration=seconds), self.rerun.TimeColumn("frame", sequence=frames)]

    @property
    def scale(self) -> float:
        """Pixels of the video in the recording per pixel of the source."""
        return self.film.size[0] / self.result.keypoints.size[0] if self.film else 1.0


def log(recording: Any, scene: Scene) -> None:
    """Send everything to a recording."""
    rerun, result = scene.rerun, scene.result
    recording.log("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    recording.log("about", rerun.TextDocument(about(result), media_type="text/markdown"), static=True)
    _log_ground(recording, scene)
    _log_camera(recording, scene)
    if not result.keypoints.frames:
        return
    for person in range(result.people):
        _log_3d(recording, scene, person)
        _log_2d(recording, scene, person)
        _log_contacts(recording, scene, person)
    _log_plots(recording, scene)


def about(result: Result) -> str:
    """Units, axes, names and provenance, as a list in Markdown."""
    poses, kp = lifted(result), result.keypoints
    ground = "found in the clip" if result.world is not None else "put under the feet; the camera is taken for level"
    facts = {
        "source": kp.source,
        "detector": kp.detector,
        "lifter": poses.lifter,
        "frames per second": str(kp.fps),
        "frames": str(kp.frames),
        "3D": "metres; x to the camera's right, y away from it, z up; ground z = 0, origin below the camera",
        "ground": ground,
        "2D": "pixels of the video in this recording, origin top left",
        "angles": "degrees",
        "joints": ", ".join(poses.skeleton.joints),
        "keypoints": ", ".join(kp.skeleton.joints),
    }
    return "\n".join(f"- **{name}**: {value}" for name, value in facts.items() if value)


def _log_ground(recording: Any, scene: Scene) -> None:
    """A line every metre where people are."""
    seen = scene.points[np.isfinite(scene.points).all(-1)][:, :2]
    ends = np.percentile(seen, (1, 99), axis=0) if len(seen) else np.zeros((2, 2))
    (x0, y0), (x1, y1) = np.floor(ends[0] - 1.0), np.ceil(ends[1] + 1.0)
    lines = [((x, y0, 0.0), (x, y1, 0.0)) for x in np.arange(x0, x1 + 1)]
    lines += [((x0, y, 0.0), (x1, y, 0.0)) for y in np.arange(y0, y1 + 1)]
    grid = scene.rerun.LineStrips3D(np.array(lines), colors=_GRID, radii=0.004)
    recording.log("world/ground", grid, static=True)


def _log_camera(recording: Any, scene: Scene) -> None:
    rerun, result = scene.rerun, scene.result
    if (placed := camera_pose(result)) is not None and result.focal:
        turn, place = placed
        axes = y_up_to_z_up((turn * (1.0, -1.0, -1.0)).T).T  # columns: x right, y down, z forward of the camera
        recording.log(_CAMERA, rerun.Transform3D(translation=y_up_to_z_up(place), mat3x3=axes), static=True)
        width, height = scene.film.size if scene.film else result.keypoints.size
        lens = rerun.Pinhole(
            focal_length=result.focal * scene.scale,
            width=width,
            height=height,
            camera_xyz=rerun.ViewCoordinates.RDF,
            image_plane_distance=0.6,
        )
        recording.log(_CAMERA, lens, static=True)
    if scene.film is None:
        return
    asset = rerun.AssetVideo(contents=scene.film.contents, media_type="video/mp4")
    recording.log(f"{_CAMERA}/video", asset, static=True)
    middles = (np.arange(result.keypoints.frames) + 0.5) / float(result.fps)  # of frames, never between two of them
    stamps = rerun.VideoFrameReference.columns_nanos((middles * 1e9).astype(np.int64))
    recording.send_columns(f"{_CAMERA}/video", indexes=scene.times, columns=stamps)


def _log_3d(recording: Any, scene: Scene, person: int) -> None:
    rerun, skeleton = scene.rerun, lifted(scene.result).skeleton
    points, place = scene.points[person], f"world/{_name(person)}"
    _send_joints(recording, scene, f"{place}/joints", rerun.Points3D, points, skeleton, person)
    _send_bones(recording, scene, f"{place}/bones", rerun.LineStrips3D, points, skeleton, person)
    recording.log(f"{place}/joints", rerun.Points3D.from_fields(radii=0.025, show_labels=False), static=True)
    recording.log(f"{place}/bones", rerun.LineStrips3D.from_fields(radii=0.015), static=True)
    root = points[:, skeleton.parents.index(-1)]
    path = root[np.isfinite(root).all(-1)] * (1.0, 1.0, 0.0)
    if len(path) > 1:
        recording.log(f"{place}/path", rerun.LineStrips3D([path], colors=_GRID, radii=0.006), static=True)


def _log_2d(recording: Any, scene: Scene, person: int) -> None:
    rerun, kp = scene.rerun, scene.result.keypoints
    points, place = kp.points[person].astype(np.float64) * scene.scale, f"{_CAMERA}/{_name(person)}"
    _send_joints(recording, scene, f"{place}/keypoints", rerun.Points2D, points, kp.skeleton, person, kp.scores[person])
    _send_bones(recording, scene, f"{place}/bones", rerun.LineStrips2D, points, kp.skeleton, person, kp.scores[person])
    recording.log(f"{place}/keypoints", rerun.Points2D.from_fields(radii=3.0, show_labels=False), static=True)
    recording.log(f"{place}/bones", rerun.LineStrips2D.from_fields(radii=1.5), static=True)


def _send_joints(
    recording: Any,
    scene: Scene,
    place: str,
    kind: Any,
    points: Array,
    skeleton: Skeleton,
    person: int,
    scores: FloatArray | None = None,
) -> None:
    """Known joints (T, J, 2 or 3) with their names, the fainter the lower their scores (T, J)."""
    known: BoolArray = np.isfinite(points).all(-1)
    joint = np.nonzero(known)[1]
    colours = _colours([side(name) for name in skeleton.joints], person)[joint]
    names = np.array(skeleton.joints)[joint].tolist()
    columns = kind.columns(positions=points[known], colors=_faded(colours, scores, known), labels=names)
    recording.send_columns(place, indexes=scene.times, columns=columns.partition(known.sum(-1)))


def _send_bones(
    recording: Any,
    scene: Scene,
    place: str,
    kind: Any,
    points: Array,
    skeleton: Skeleton,
    person: int,
    scores: FloatArray | None = None,
) -> None:
    """Lines between known joints (T, J, 2 or 3), the fainter the lower their scores (T, J)."""
    ends = np.array(skeleton.bone_indices)
    strips = points[:, ends]  # (T, bones, 2, 2 or 3)
    known: BoolArray = np.isfinite(strips).all((-1, -2))
    colours = _colours([skeleton.bone_side(bone) for bone in skeleton.bones], person)[np.nonzero(known)[1]]
    weakest = None if scores is None else scores[:, ends].min(-1)
    columns = kind.columns(strips=strips[known], colors=_faded(colours, weakest, known))
    recording.send_columns(place, indexes=scene.times, columns=columns.partition(known.sum(-1)))


def _log_contacts(recording: Any, scene: Scene, person: int) -> None:
    """A point on the ground under each foot that stands."""
    result, skeleton = scene.result, lifted(scene.result).skeleton
    if result.world is None:
        return
    ankles = scene.points[person][:, skeleton.indices(f"{foot}_ankle" for foot in FEET)] * (1.0, 1.0, 0.0)
    stands = result.world.contacts[person] & np.isfinite(ankles).all(-1)
    colours = np.array([_COLOURS[foot] for foot in FEET], np.uint8)[np.nonzero(stands)[1]]
    columns = scene.rerun.Points3D.columns(positions=ankles[stands], colors=colours).partition(stands.sum(-1))
    place = f"world/{_name(person)}/contacts"
    recording.send_columns(place, indexes=scene.times, columns=columns)
    recording.log(place, scene.rerun.Points3D.from_fields(radii=0.06), static=True)


def _log_plots(recording: Any, scene: Scene) -> None:
    """Angles of the limbs, height of the pelvis and contacts as curves."""
    result = scene.result
    angles = joint_angles(levelled(result))
    for person in range(result.people):
        for part, names in _ANGLES.items():
            for foot in FEET:
                for name, shade in zip(names, _SHADES, strict=True):
                    values = angles[f"{foot}_{name}"][person]
                    colour = tuple(int(shade * value) for value in _COLOURS[foot])
                    _send_curve(recording, scene, f"angles/{part}/{_name(person)}/{foot}_{name}", values, colour)
        root = scene.points[person, :, lifted(result).skeleton.parents.index(-1), 2]
        _send_curve(recording, scene, f"height/{_name(person)}", root, _PEOPLE[person % len(_PEOPLE)])
        if result.world is not None:
            for number, foot in enumerate(FEET):
                stands = result.world.contacts[person, :, number].astype(np.float64)
                _send_curve(recording, scene, f"contacts/{_name(person)}/{foot}", stands, _COLOURS[foot])


def _send_curve(recording: Any, scene: Scene, place: str, values: Array, colour: tuple[int, ...]) -> None:
    """A curve over time (T,), with holes where a value is not known."""
    known: BoolArray = np.isfinite(values)
    columns = scene.rerun.Scalars.columns(scalars=values[known]).partition(known.astype(np.int64))
    recording.send_columns(place, indexes=scene.times, columns=columns)
    label = place.rpartition("/")[2].replace("_", " ")
    recording.log(place, scene.rerun.SeriesLines(colors=colour, names=label), static=True)


def _name(person: int) -> str:
    return f"person_{person + 1}"


def _colours(sides: list[str], person: int) -> NDArray[np.uint8]:
    own = _PEOPLE[person % len(_PEOPLE)]
    return np.array([_COLOURS.get(name, own) for name in sides], np.uint8)


def _faded(colours: NDArray[np.uint8], scores: FloatArray | None, known: BoolArray) -> NDArray[np.uint8]:
    """(N, 4) with transparency for low scores."""
    alpha = np.full(len(colours), 255, np.uint8)
    if scores is not None:
        alpha = (64 + 191 * scores[known].clip(0, 1)).astype(np.uint8)
    return np.concatenate([colours, alpha[:, None]], -1)
