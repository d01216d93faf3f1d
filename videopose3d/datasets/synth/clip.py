"""One synthetic clip: who moves how, where, seen by which camera; its pictures and its exact truth.

Everything is drawn from one seed; the same seed gives the same clip.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.classes import motion_class
from videopose3d.datasets.mocap.library import CMU_SETS, UI_PRMD
from videopose3d.datasets.mocap.motion import Motion
from videopose3d.datasets.synth.body import Body
from videopose3d.datasets.synth.camera import Film
from videopose3d.datasets.synth.clothes import dress
from videopose3d.datasets.synth.draw import Drawing, draw, make_backdrop
from videopose3d.datasets.synth.figure import Figure
from videopose3d.datasets.synth.image import expose
from videopose3d.datasets.synth.lights import Lights, make_lights
from videopose3d.datasets.synth.looks import random_colours, random_outfit, random_shape
from videopose3d.datasets.synth.retarget import retarget
from videopose3d.datasets.synth.scenes import random_film, random_scenery
from videopose3d.datasets.synth.shots import Shot, ShotLimits, random_shot
from videopose3d.datasets.synth.things import Array, Scenery
from videopose3d.datasets.synth.truth import coco_of, h36m_of, shown_by, visibility
from videopose3d.errors import InputError
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Frame

_APART = 0.6
"""People keep their pelvises farther apart than this [m]."""
_KEY_SAMPLES, _SKY_SAMPLES = 4, 9
_SOURCE = "Rendered by videopose3d: bodies of anny 0.6.2 on MakeHuman assets (CC0), moved by motion capture."
_CMU = (
    "Of CMU's motions: the data used in this project was obtained from mocap.cs.cmu.edu. The database was created with "
    "funding from NSF EIA-0196217."
)
_UI_PRMD = "Of UI-PRMD's (names s01 ... s10): Vakanski et al., Data 2018, PDDL 1.0."


@dataclass(frozen=True)
class Cast:
    """What is drawn for a clip.

    Attributes:
        motions: To choose from.
        seconds: Length; shorter where the motion is shorter [s].
        fps: Frame rate [1/s].
        people: Most people at a time; the first is the one the camera looks at.
        hidden: Share of clips with things between camera and people.
        limits: Of the camera.
    """

    motions: Sequence[Motion]
    seconds: float
    fps: float
    people: int = 1
    hidden: float = 0.3
    limits: ShotLimits = ShotLimits()


@dataclass(frozen=True)
class Actor:
    """One person of a clip.

    Attributes:
        body: Its shape.
        shape: `anny`'s phenotype.
        figure: Dressed.
        rotations: (T, J, 3, 3) of its bones.
        heads: (T, J, 3) where the bones start [m].
        joints: (T, 17, 3) Human3.6M joints [m], world axes.
        keypoints: (T, 17, 3) COCO keypoints [m], world axes.
        motion: Name of the motion.
        dataset: Set it is from.
    """

    body: Body
    shape: dict[str, float]
    figure: Figure
    rotations: Array
    heads: Array
    joints: Array
    keypoints: Array
    motion: str
    dataset: str

    def vertices(self, frame: int) -> Array:
        """(V, 3) of the figure at one frame [m]."""
        return self.figure.posed(self.rotations[frame], self.heads[frame], self.body.heads)


@dataclass(frozen=True)
class SynthClip:
    """A clip that can be drawn.

    Attributes:
        actors: The people, the main one first.
        shot: The camera.
        scenery: The place.
        film: What the camera makes of light.
        fps: Frame rate [1/s].
        seed: Of the grain.
    """

    actors: tuple[Actor, ...]
    shot: Shot
    scenery: Scenery
    film: Film
    fps: float
    seed: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.shot.positions)


def plan_clip(cast: Cast, seed: int, number: int) -> SynthClip:
    """Draw the clip of a number.

    Raises:
        InputError: There are no motions.
        MissingDependencyError: The extra [synth] is not installed.
    """
    rng = np.random.default_rng([seed, number])
    main = random_actor(rng, cast, choose_motion(rng, cast.motions))
    frames = len(main.joints)
    shot = random_shot(rng, main.joints, main.body.stature, cast.fps, cast.limits)
    actors = [main]
    for _ in range(rng.integers(0, cast.people) if cast.people > 1 else 0):
        actors += _bystander(rng, cast, actors, shot, frames)
    hidden = bool(rng.random() < cast.hidden)
    return clip_of(tuple(actors), shot, random_film(rng), cast.fps, int(rng.integers(2**31)), hidden)


def clip_of(
    actors: tuple[Actor, ...], shot: Shot, film: Film, fps: float, seed: int, hidden: bool = False
) -> SynthClip:
    """People before a camera, in a place that is drawn from the seed.

    Args:
        actors: The people.
        shot: The camera.
        film: What it makes of light.
        fps: Frame rate [1/s].
        seed: Of the place and of the grain.
        hidden: Put something in the way.
    """
    rng = np.random.default_rng(seed)
    places = np.concatenate([actor.joints[::5].reshape(-1, 3) for actor in actors])
    return SynthClip(actors, shot, random_scenery(rng, places, shot.positions, hidden), film, fps, seed)


def choose_motion(rng: np.random.Generator, motions: Sequence[Motion]) -> Motion:
    """A motion: every class as often, in it by length.

    Raises:
        InputError: There are none.
    """
    if not motions:
        raise InputError("no motions to choose from", fix="Name another --split, or give other motions.")
    classes: dict[str, list[Motion]] = {}
    for motion in motions:
        classes.setdefault(motion_class(motion.name), []).append(motion)
    group = classes[sorted(classes)[rng.integers(len(classes))]]
    lengths = np.array([motion.seconds for motion in group])
    return group[rng.choice(len(group), p=lengths / lengths.sum())]


def random_actor(rng: np.random.Generator, cast: Cast, motion: Motion, frames: int | None = None) -> Actor:
    """Somebody who performs a piece of a motion.

    Args:
        rng: Draws shape, clothes, colours, the piece and where it is headed.
        cast: Length and rate.
        motion: What is done.
        frames: Length; where the motion is too short its last pose is held. By default as ``cast`` says.
    """
    shape = random_shape(rng)
    body = Body(shape)
    figure = dress(body, random_outfit(rng), *random_colours(rng))
    longest = motion.seconds - 1 / motion.fps
    wanted = cast.seconds - 1 / cast.fps if frames is None else (frames - 1) / cast.fps
    start = rng.uniform(0, max(longest - wanted, 0))
    times = np.arange(frames or int(min(wanted, longest) * cast.fps + 1e-6) + 1) / cast.fps + start
    turn = _upright_turn(rng.uniform(-np.pi, np.pi))
    joints, face = (
        _at_times(points, motion.fps, times) @ turn.T for points in (motion.joints_h36m, motion.joints_coco)
    )
    return perform(body, shape, figure, joints, face, cast.fps, motion)


def perform(
    body: Body, shape: dict[str, float], figure: Figure, joints: Array, face: Array, fps: float, motion: Motion
) -> Actor:
    """A dressed body that does a motion; joints and face as in `retarget`."""
    rotations, root = retarget(joints, face, body, fps)
    root = root - np.array([*(root[:, :2].min(0) + root[:, :2].max(0)), 0.0]) / 2
    vertices, heads = body.skin(rotations, root)
    points = body.keypoints(vertices)
    h36m = h36m_of(body, points, rotations, heads)
    coco, named = coco_of(body, points), (motion.name, motion.dataset)
    return Actor(body, shape, figure, rotations, heads.astype(float), h36m, coco, *named)


def moved(actor: Actor, by: Array) -> Actor:
    """The same person somewhere else, by (3,) [m]."""
    parts = (actor.heads + by, actor.joints + by, actor.keypoints + by)
    return Actor(actor.body, actor.shape, actor.figure, actor.rotations, *parts, actor.motion, actor.dataset)


def _bystander(rng: np.random.Generator, cast: Cast, actors: list[Actor], shot: Shot, frames: int) -> list[Actor]:
    """Another person near the first and in view, or nobody where there is no room."""
    other = random_actor(rng, cast, choose_motion(rng, cast.motions), frames)
    view = shot.view(frames // 2)
    ahead = view.rotation[2] * [1, 1, 0]
    ahead /= np.linalg.norm(ahead)
    across = np.array([ahead[1], -ahead[0], 0.0])
    distance = float(np.linalg.norm((actors[0].joints.mean((0, 1)) - view.position)[:2]))
    for _ in range(20):
        by = rng.uniform(-1.6, 1.6) * across + rng.uniform(-min(1.5, distance / 3), 3.5) * ahead
        there = moved(other, actors[0].joints[:, 0].mean(0) * [1, 1, 0] + by)
        near = [np.linalg.norm((there.joints[:, 0] - actor.joints[:, 0])[:, :2], axis=1).min() for actor in actors]
        in_front = min(shot.view(t).to_camera(there.joints[t])[:, 2].min() for t in range(0, frames, 5))
        if min(near) > _APART and in_front > 0.8:
            return [there]
    return []


def _at_times(points: NDArray[Any], fps: float, times: Array) -> Array:
    """(T, J, 3) points of a motion at some times [s], in between by straight lines."""
    where = np.clip(times * fps, 0, len(points) - 1)
    low = np.minimum(where.astype(int), max(len(points) - 2, 0))
    share = (where - low)[:, None, None]
    found: Array = (1 - share) * points[low] + share * points[np.minimum(low + 1, len(points) - 1)]
    return found


def _upright_turn(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class SynthFrame:
    """One picture of a clip.

    Attributes:
        picture: (H, W, 3) RGB.
        visibility: (P, 17) of the COCO keypoints: 0 outside, 1 hidden, 2 seen.
        drawing: Who is where in the picture.
    """

    picture: Frame
    visibility: NDArray[np.uint8]
    drawing: Drawing


def film_clip(clip: SynthClip, frames: Sequence[int] | None = None, *, fine: bool = True) -> Iterator[SynthFrame]:
    """Draw the clip, picture by picture.

    Args:
        clip: What to draw.
        frames: Numbers of the pictures; all by default.
        fine: Draw the place of a camera that stands at twice the size and shrink it.
    """
    rng = np.random.default_rng(clip.seed)
    lights = _lights(clip)
    shows = [shown_by(actor.body, actor.figure.weights, actor.figure.faces) for actor in clip.actors]
    backdrop = None
    for t in range(clip.frames) if frames is None else frames:
        view = clip.shot.view(t)
        if backdrop is None or clip.shot.moves:
            backdrop = make_backdrop(clip.scenery, view, fine=fine and not clip.shot.moves)
        people = [(actor.figure, actor.vertices(t)) for actor in clip.actors]
        drawing = draw(backdrop, view, people, lights, clip.film)
        seen = [
            visibility(actor.keypoints[t], number, shows[number], view, drawing)
            for number, actor in enumerate(clip.actors)
        ]
        yield SynthFrame(expose(drawing.picture, clip.film, rng), np.array(seen, np.uint8), drawing)


def _lights(clip: SynthClip) -> Lights:
    middle = clip.actors[0].joints[:, 0].mean(0)
    strength = clip.scenery.strength * (1.0 if clip.scenery.sun else 0.75)
    return make_lights(clip.scenery, middle, strength, _KEY_SAMPLES, _SKY_SAMPLES)


def clip_truth(clip: SynthClip, visible: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The arrays of a clip's truth file; docs/synth.md lists them.

    Args:
        clip: The clip.
        visible: (P, T, 17) visibility of the keypoints.
    """
    shot, actors = clip.shot, clip.actors
    rotation, position = shot.rotations, shot.positions

    def seen(points: Array) -> Array:
        turned: Array = np.einsum("tab,ptjb->ptja", rotation, points - position[:, None])
        return turned

    joints = seen(np.stack([actor.joints for actor in actors]))
    keypoints = seen(np.stack([actor.keypoints for actor in actors]))
    depth = np.where(keypoints[..., 2:] > 1e-3, keypoints[..., 2:], np.nan)
    names = sorted(actors[0].shape)
    return {
        "poses_3d": (joints - joints[:, :, :1]).astype(np.float32),
        "trajectory": joints[:, :, 0].astype(np.float32),
        "keypoints_2d": (keypoints[..., :2] / depth * shot.focal + np.array(shot.size) / 2).astype(np.float32),
        "keypoints_3d": keypoints.astype(np.float32),
        "visibility": visible,
        "focal": np.float64(shot.focal),
        "center": np.array(shot.size) / 2,
        "camera_rotation": rotation,
        "camera_position": position,
        "camera_kind": np.array(shot.kind),
        "fps": np.array(clip.fps),
        "size": np.array(shot.size, np.int64),
        "height": np.array([actor.body.stature for actor in actors]),
        "shape": np.array([[actor.shape[name] for name in names] for actor in actors]),
        "shape_names": np.array(names),
        "motion": np.array([actor.motion for actor in actors]),
        "motion_class": np.array([motion_class(actor.motion) for actor in actors]),
        "joint_names": np.array(H36M17.joints),
        "keypoint_names": np.array(COCO17.joints),
        "source": np.array(credits_of({actor.dataset for actor in actors})),
    }


def credits_of(datasets: Collection[str]) -> str:
    """What was rendered, and whom to thank for motions of these sets."""
    found = [_SOURCE]
    if not CMU_SETS.isdisjoint(datasets):
        found.append(_CMU)
    if UI_PRMD in datasets:
        found.append(_UI_PRMD)
    return " ".join(found)
