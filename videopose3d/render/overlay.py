"""The 2D skeleton on the picture: seen joints solid, uncertain ones faded, guessed ones dashed and hollow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from videopose3d.opencv import cv2
from videopose3d.render.text import tag
from videopose3d.render.theme import DARK, GUESSED, RGB, Theme, bone_sides
from videopose3d.skeleton import Skeleton, side
from videopose3d.types import BoolArray, FloatArray, Frame

_SHIFT = 4
_FACE = ("nose", "eye", "ear", "mouth")
_FADE_STEPS = 3
_SURE = 0.6
_CIRCLE = np.stack([np.cos(np.arange(20) * np.pi / 10), np.sin(np.arange(20) * np.pi / 10)], -1)

Coordinates = NDArray[np.float64]


@dataclass(frozen=True)
class Overlay:
    """Draws people's 2D skeletons.

    Attributes:
        skeleton: Which joints the points are.
        scale: Picture px per keypoint px, (x, y).
        letters: Size of the tags above people's heads [px].
        theme: The colours.
    """

    skeleton: Skeleton
    scale: tuple[float, float] = (1.0, 1.0)
    letters: int = 18
    theme: Theme = DARK

    def draw(self, picture: Frame, points: FloatArray, scores: FloatArray, present: BoolArray) -> None:
        """Draw all people of one frame into ``picture`` (H, W, 3), in place.

        Args:
            picture: (H, W, 3) RGB; may be a view into a larger picture.
            points: (P, J, 2) [px] in the frame the keypoints were found in, NaN where not placed.
            scores: (P, J) confidence 0..1; 0 marks a joint that was guessed.
            present: (P,) False for a person who was interpolated.
        """
        for person in _far_to_near(points):
            self._person(picture, points[person], scores[person], bool(present[person]))
            if len(points) > 1 or not present[person]:
                number = f"{person + 1}" if len(points) > 1 else ""
                note = "" if present[person] else "interpolated"
                self._tag(picture, points[person], " ".join(filter(None, (number, note))))

    def _person(self, picture: Frame, points: FloatArray, scores: FloatArray, seen: bool) -> None:
        placed = np.isfinite(points).all(-1)
        at = points.astype(np.float64) * self.scale - 0.5
        width = _stroke(at[placed], picture.shape[0])
        picture, corner = _around(picture, at[placed], 4 * width)
        if not picture.size:
            return
        at -= corner
        sure = np.clip(np.nan_to_num(scores), 0, 1) * seen
        for opacity, (bones, joints) in self._by_opacity(placed, sure).items():
            layer = picture if opacity >= 1 else picture.copy()
            self._bones(layer, at, bones, width, not seen)
            self._joints(layer, at, joints, width, sure)
            if layer is not picture:
                cv2.addWeighted(layer, opacity, picture, 1 - opacity, 0, dst=picture)

    def _by_opacity(self, placed: BoolArray, sure: FloatArray) -> dict[float, tuple[list[int], list[int]]]:
        """Bones and joints to draw, in a few steps of how certain they are; the faintest first."""
        groups: dict[float, tuple[list[int], list[int]]] = {}
        for bone, (a, b) in enumerate(self.skeleton.bone_indices):
            if placed[a] and placed[b]:
                groups.setdefault(_opacity(min(sure[a], sure[b])), ([], []))[0].append(bone)
        for joint in np.flatnonzero(placed):
            groups.setdefault(_opacity(sure[joint]), ([], []))[1].append(int(joint))
        return dict(sorted(groups.items()))

    def _bones(self, picture: Frame, at: Coordinates, bones: list[int], width: float, dashed: bool) -> None:
        """Outlines below, colours above."""
        rim = max(1, round(width * 0.35))
        strokes = []
        for bone in bones:
            a, b = self.skeleton.bone_indices[bone]
            ends = _dashes(at[a], at[b], width * 2.5) if dashed else np.array([[at[a], at[b]]])
            thickness = max(1, round(width * (0.5 if self._facial[bone] else 1)))
            strokes.append((_fixed(ends), thickness, self.theme.side(self._sides[bone])))
        for ends, thickness, _ in strokes:
            cv2.polylines(picture, list(ends), False, self.theme.outline, thickness + 2 * rim, cv2.LINE_AA, _SHIFT)
        for ends, thickness, colour in strokes:
            cv2.polylines(picture, list(ends), False, colour, thickness, cv2.LINE_AA, _SHIFT)

    def _joints(self, picture: Frame, at: Coordinates, joints: list[int], width: float, sure: FloatArray) -> None:
        """A dot per joint: its side's colour inside a rim, or hollow where it was guessed."""
        for joint in joints:
            name = self.skeleton.joints[joint]
            radius = width * (0.45 if any(part in name for part in _FACE) else 0.95)
            _disc(picture, at[joint], radius + max(1.0, width * 0.3), self.theme.outline)
            _disc(picture, at[joint], radius, self.theme.side(side(name)))
            if sure[joint] <= 0:
                _disc(picture, at[joint], radius * 0.55, self.theme.outline)

    def _tag(self, picture: Frame, points: FloatArray, words: str) -> None:
        """The person's number, or that the frame was guessed, above the head."""
        placed = points[np.isfinite(points).all(-1)]
        x, y = placed[np.argmin(placed[:, 1])] * self.scale
        tag(picture, words, (float(x), float(y)), self.letters, self.theme)

    @cached_property
    def _sides(self) -> list[str]:
        return bone_sides(self.skeleton)

    @cached_property
    def _facial(self) -> list[bool]:
        return [all(any(part in joint for part in _FACE) for joint in bone) for bone in self.skeleton.bones]


def _far_to_near(points: FloatArray) -> list[int]:
    """People with at least one joint, the one who stands highest in the picture (farthest away) first."""
    low = np.where(np.isfinite(points).all(-1), points[..., 1], -np.inf).max(-1, initial=-np.inf)
    return [int(person) for person in np.argsort(low, kind="stable") if np.isfinite(low[person])]


def _opacity(sure: float) -> float:
    """How strongly to draw, in few steps: each one costs a copy of the picture around the person."""
    return GUESSED + (1 - GUESSED) * float(np.ceil(min(1.0, sure / _SURE) * _FADE_STEPS)) / _FADE_STEPS


def _around(picture: Frame, at: Coordinates, margin: float) -> tuple[Frame, Coordinates]:
    """The part of the picture around some points, as a view, and its top-left corner [px]."""
    limit = picture.shape[1::-1]
    low = np.clip(at.min(0) - margin, 0, limit).astype(int)
    high = np.clip(at.max(0) + margin + 1, 0, limit).astype(int)
    return picture[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)


def _stroke(at: Coordinates, height: int) -> float:
    """Width of a bone [px]: in proportion to the person, within bounds set by the picture."""
    tall = float(np.ptp(at, axis=0).max()) if len(at) else 0.0
    return float(np.clip(tall / 50, max(1.2, height / 300), max(2.0, height / 90)))


def _dashes(a: Coordinates, b: Coordinates, dash: float) -> Coordinates:
    """(n, 2, 2) pieces of the line from a to b, drawn and left out in turn."""
    count = max(1, round(float(np.hypot(*(b - a))) / dash / 2))
    starts = np.arange(count) / count
    cuts = np.stack([starts, starts + 0.5 / count], -1)[..., None] + 0.25 / count
    return np.asarray(a + (b - a) * cuts)


def _fixed(at: Coordinates) -> NDArray[np.int32]:
    """Sub-pixel coordinates as OpenCV takes them; far-away points are pulled in so that they fit."""
    fixed: NDArray[np.int32] = np.rint(np.clip(at, -8192, 16384) * (1 << _SHIFT)).astype(np.int32)
    return fixed


def _disc(picture: Frame, centre: Coordinates, radius: float, colour: RGB) -> None:
    cv2.fillConvexPoly(picture, _fixed(centre + radius * _CIRCLE), colour, cv2.LINE_AA, _SHIFT)
