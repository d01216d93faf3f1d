"""Single pictures of synthetic people with boxes and keypoints, for training keypoint networks.

Dressing somebody costs more than drawing a picture, so every look is seen a few times: in other poses, places and
lights, by other cameras.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.synth.clip import Actor, Cast, choose_motion, clip_of, film_clip, moved, random_actor
from videopose3d.datasets.synth.draw import Drawing
from videopose3d.datasets.synth.scenes import random_film
from videopose3d.datasets.synth.shots import Shot, ShotLimits, random_shot
from videopose3d.datasets.synth.things import Array
from videopose3d.types import FloatArray, Frame

PER_LOOK = 8
"""Pictures of the same people."""
PICTURE_SIZES = ((384, 288), (288, 384), (320, 320), (384, 216))
_SECONDS, _FPS = 3.0, 25
_LEAST = 300
"""People of whom fewer pixels are seen are not labelled."""
_FILLING = (0.45, 1.1)


@dataclass(frozen=True)
class LabelledPicture:
    """One picture.

    Attributes:
        picture: (H, W, 3) RGB.
        boxes: (N, 4) x0, y0, x1, y1 around what is seen of people [px].
        joints: (N, 17, 2) COCO keypoints [px].
        visibility: (N, 17) 0 outside, 1 hidden, 2 seen.
        areas: (N,) pixels that show each.
    """

    picture: Frame
    boxes: FloatArray
    joints: FloatArray
    visibility: NDArray[np.uint8]
    areas: FloatArray


def picture_set(cast: Cast, seed: int, look: int) -> Iterator[LabelledPicture]:
    """`PER_LOOK` pictures of one to ``cast.people`` people; those with nobody to be seen are left out.

    Args:
        cast: Motions, number of people, share of hidden ones and limits of the camera.
        seed: Of everything random.
        look: Number of the set.
    """
    rng = np.random.default_rng([seed, look, 1])
    cast = replace(cast, seconds=_SECONDS, fps=_FPS)
    count = int(rng.integers(1, cast.people + 1))
    people = [random_actor(rng, cast, choose_motion(rng, cast.motions)) for _ in range(count)]
    for number in range(PER_LOOK):
        moments = [at_moment(person, int(rng.integers(len(person.joints)))) for person in people]
        size = PICTURE_SIZES[rng.integers(len(PICTURE_SIZES))]
        limits = ShotLimits(size, cast.limits.fov, _FILLING, moving=0.0, cut=cast.limits.cut)
        first = moments[rng.integers(count)]
        shot = random_shot(rng, first.joints, first.body.stature, _FPS, limits)
        actors = (first, *_around(rng, first, [m for m in moments if m is not first], shot))
        hidden = bool(rng.random() < cast.hidden)
        clip = clip_of(actors, shot, random_film(rng), _FPS, seed + look * PER_LOOK + number, hidden)
        [frame] = film_clip(clip, fine=False)
        labelled = _labels(frame.picture, frame.visibility, frame.drawing, actors, shot)
        if len(labelled.boxes):
            yield labelled


def at_moment(actor: Actor, frame: int) -> Actor:
    """The same person in one pose, in the middle of the place."""
    one = slice(frame, frame + 1)
    still = replace(
        actor, rotations=actor.rotations[one], heads=actor.heads[one], joints=actor.joints[one],
        keypoints=actor.keypoints[one],
    )  # fmt: skip
    return moved(still, -actor.joints[frame, 0] * [1, 1, 0])


def _around(rng: np.random.Generator, first: Actor, others: list[Actor], shot: Shot) -> list[Actor]:
    """The others near the first, in front of the camera and not in each other."""
    view, placed = shot.view(0), [first]
    ahead = view.rotation[2] * [1, 1, 0]
    ahead = ahead / np.linalg.norm(ahead)
    across = np.array([ahead[1], -ahead[0], 0.0])
    for other in others:
        for _ in range(20):
            there = moved(other, rng.uniform(-1.3, 1.3) * across + rng.uniform(-0.8, 2.5) * ahead)
            gaps = [np.linalg.norm((there.joints[0, 0] - person.joints[0, 0])[:2]) for person in placed]
            if min(gaps) > 0.45 and view.to_camera(there.joints[0])[:, 2].min() > 0.6:
                placed.append(there)
                break
    return placed[1:]


def _labels(
    picture: Frame, visibility: NDArray[np.uint8], drawing: Drawing, actors: tuple[Actor, ...], shot: Shot
) -> LabelledPicture:
    boxes, areas, kept = [], [], []
    for number in range(len(actors)):
        y, x = np.nonzero(drawing.owner == number)
        if len(x) < _LEAST * drawing.scale**2 or not (visibility[number] > 0).any():
            continue
        corners: Array = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], float)
        boxes.append((corners + np.tile(drawing.corner, 2)) / drawing.scale)
        areas.append(len(x) / drawing.scale**2)
        kept.append(number)
    points = [shot.view(0).project(actors[number].keypoints[0]) for number in kept]
    return LabelledPicture(
        picture,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(points, np.float32).reshape(-1, 17, 2),
        visibility[kept],
        np.array(areas, np.float32),
    )
