"""The 3D scene: floor and view are drawn once by matplotlib; per frame one line collection changes.

The filming camera is taken to be level. The scene is seen from where it stood, turned and raised by a `View`, so that
what is left in the video is left in the scene.
"""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection
from numpy.typing import NDArray

from videopose3d.opencv import cv2
from videopose3d.render.agg import DPI, drawn
from videopose3d.render.stage import Array, Stage
from videopose3d.render.text import stamp, stencil, tag
from videopose3d.render.theme import GUESSED, Theme, bone_sides, tag_size, text_size, unit
from videopose3d.render.view import STEEP, Projection, View, cell_size, corners, grid
from videopose3d.skeleton import Skeleton, side
from videopose3d.types import BoolArray, Frame

_BONE = 0.045
_MARGIN, _TAG = 1.9, 1.8
"""Room above and below for a line of words, and above for the numbers of several people, in letters."""
_FEET = ("left_ankle", "right_ankle")


class Scene:
    """A picture of the 3D poses of one clip, in a room that does not change.

    Args:
        stage: The people on the floor; who was interpolated is dimmed, a foot in contact has a spot under it.
        size: (width, height) of the picture [px].
        view: Where it is seen from.
        theme: The colours.
        letters: Size of letters around the scene [px]; room is left for a line above and below.
    """

    def __init__(
        self,
        stage: Stage,
        size: tuple[int, int],
        view: View,
        theme: Theme,
        letters: int | None = None,
    ) -> None:
        self.stage, self.size, self.view, self.theme = stage, size, view, theme
        self.cell = cell_size(float(stage.half.max()))
        self._letters = letters or text_size(size)
        self._eye = view.towards_eye()
        above = (_MARGIN + (_TAG if len(stage.points) > 1 else 0.0)) * self._letters
        margins = (above, _MARGIN * self._letters)
        self._projection = Projection(stage, size, view, theme.background, margins)
        self._figure = self._projection.figure
        self._floor = PolyCollection([], animated=True, transform=None, facecolors=[unit(theme.floor)], linewidths=0)
        self._lines = LineCollection([], animated=True, capstyle="round", transform=None, snap=False)
        self._figure.add_artist(self._floor)
        self._figure.add_artist(self._lines)
        self._buffer, self._background = self._draw_background()
        self._prepare_strokes(stage.skeleton)

    def draw(self, frame: int, out: Frame) -> None:
        """Draw one frame into ``out`` (h, w, 3), which may be a view into a larger picture."""
        self._buffer[:] = self._background
        turn = self.view.turn(frame, self.stage.fps)
        points = self._projection.turned(self.stage.points[:, frame].astype(np.float64), turn)
        placed = np.flatnonzero(np.isfinite(points).all((-1, -2)))
        strokes = _Strokes()
        if self.view.orbit:
            floor = self._projection.turned(corners(self.stage), turn)
            self._floor.set_verts([self._projection.pixels(floor)])
            self._figure.draw_artist(self._floor)
        if self.stage.follow or self.view.orbit:
            lines = self._projection.turned(grid(self.stage, self.cell, self.stage.drift[frame]), turn)
            strokes.add(self._projection.pixels(lines), 1.0, unit(self.theme.grid))
        if len(placed):
            self._shadows(strokes, points[placed])
            self._marks(strokes, points, placed, frame)
            self._bodies(strokes, points[placed], self.stage.present[placed, frame])
        strokes.show(self._lines)
        self._figure.draw_artist(self._lines)
        cv2.cvtColor(self._buffer, cv2.COLOR_RGBA2RGB, dst=out)
        self._labels(out, points, placed)

    def _draw_background(self) -> tuple[Frame, Frame]:
        """The canvas' own (h, w, 4) buffer, and a copy of it with everything that does not move."""
        axes = self._projection.axes
        if not self.view.orbit:
            floor = Poly3DCollection([corners(self.stage)], facecolors=[unit(self.theme.floor)], edgecolors="none")
            axes.add_collection3d(floor)
        if not (self.stage.follow or self.view.orbit):
            lines = grid(self.stage, self.cell, np.zeros(2))
            axes.add_collection3d(Line3DCollection(lines, colors=[unit(self.theme.grid)], linewidths=_points(1.0)))
        buffer = drawn(self._figure)
        return buffer, buffer.copy()

    def _prepare_strokes(self, skeleton: Skeleton) -> None:
        """Everything about bones and dots that does not depend on the frame."""
        a_metre = np.array([[*self.stage.centre, 0.5], [*self.stage.centre, 1.5]])
        if self.view.elevation > STEEP:
            a_metre = np.array([[*self.stage.centre, 0.5], [*(self.stage.centre + (1, 0)), 0.5]])
        metre = float(np.linalg.norm(np.diff(self._projection.pixels(a_metre), axis=0)))
        self._width = float(np.clip(_BONE * metre, 2.2, 9.0))
        joints = [(j, j) for j in range(len(skeleton))]
        sides = bone_sides(skeleton) + [side(joint) for joint in skeleton.joints]
        self._pairs = np.array([*skeleton.bone_indices, *joints])
        self._colours = np.array([unit(self.theme.side(s)) for s in sides])
        self._widths = np.array([self._width] * len(skeleton.bones) + [self._width * 1.7] * len(joints))
        self._meets = np.array([[j in bone for bone in skeleton.bone_indices] for j in range(len(skeleton))])
        self._feet = skeleton.indices(_FEET) if set(_FEET) <= set(skeleton.joints) else []

    def _shadows(self, strokes: _Strokes, people: Array) -> None:
        bones = people[:, self._pairs].reshape(-1, 2, 3) * (1, 1, 0)
        strokes.add(self._projection.pixels(bones), self._width * 1.3, unit(self.theme.shadow))

    def _marks(self, strokes: _Strokes, points: Array, placed: NDArray[np.intp], frame: int) -> None:
        """A spot on the floor, of the side's colour, under every foot that stands on it."""
        if self.stage.contacts is None or not self._feet:
            return
        for name, foot, stands in zip(_FEET, self._feet, self.stage.contacts[placed, frame].T, strict=True):
            spots = points[placed][stands][:, [foot, foot]] * (1, 1, 0)
            if len(spots):
                colour = (unit(self.theme.side(side(name))) + unit(self.theme.floor)) / 2
                strokes.add(self._projection.pixels(spots), self._width * 3.2, colour)

    def _bodies(self, strokes: _Strokes, people: Array, seen: BoolArray) -> None:
        """Bones and joints of all people, far ones first, each on its own rim."""
        ends = people[:, self._pairs]
        depth = ends.mean(-2) @ self._eye
        near = depth - depth.mean(1, keepdims=True)
        bones = self._meets.shape[1]
        depth[:, bones:] = np.where(self._meets, depth[:, None, :bones], -np.inf).max(-1) + 1e-3
        light = np.clip(0.95 + 0.35 * near, 0.7, 1.0) * np.where(seen, 1.0, GUESSED)[:, None]
        background = unit(self.theme.background)
        colours = background + (self._colours - background) * light[..., None]
        order = np.argsort(depth.ravel(), kind="stable")
        widths = np.tile(self._widths, len(people))[order]
        rims = np.stack([widths + max(1.6, self._width * 0.5), widths], -1).ravel()
        paints = np.stack([np.tile(unit(self.theme.outline), (len(order), 1)), colours.reshape(-1, 3)[order]], 1)
        strokes.add(self._projection.pixels(ends.reshape(-1, 2, 3)[order].repeat(2, 0)), rims, paints.reshape(-1, 3))

    def _labels(self, out: Frame, points: Array, placed: NDArray[np.intp]) -> None:
        if not len(placed):
            mask = stencil("no person", self._letters)
            corner = ((self.size[0] - mask.shape[1]) // 2, (self.size[1] - mask.shape[0]) // 2)
            stamp(out, mask, corner, self.theme.dim_text)
        if len(points) > 1:
            for person in placed:
                top = self.pixel(points[person][np.argmax(points[person][:, 2])])
                tag(out, str(person + 1), top, tag_size(self._letters), self.theme)

    def pixel(self, point: Array | NDArray[np.float32]) -> tuple[float, float]:
        """(x, y) [px, from the top-left corner] of a point in display axes [m], before the scene turns."""
        x, y = self._projection.pixels(np.asarray(point, np.float64))
        return float(x), float(self.size[1] - y)


class _Strokes:
    """Line pieces with widths [px] and colours, in the order they are painted."""

    def __init__(self) -> None:
        self._ends: list[Array] = []
        self._widths: list[Array] = []
        self._colours: list[Array] = []

    def add(self, ends: Array, widths: Array | float, colours: Array) -> None:
        """Append (n, 2, 2) pieces [px]; a piece without length becomes a dot."""
        ends[:, 1, 0] += np.where((ends[:, 0] == ends[:, 1]).all(-1), 0.01, 0.0)
        self._ends.append(ends)
        self._widths.append(np.broadcast_to(widths, len(ends)))
        self._colours.append(np.broadcast_to(colours, (len(ends), 3)))

    def show(self, lines: LineCollection) -> None:
        """Hand everything to matplotlib's artist."""
        lines.set_segments(list(np.concatenate(self._ends)) if self._ends else [])
        if self._ends:
            lines.set(linewidth=_points(np.concatenate(self._widths)))
            lines.set(color=np.concatenate(self._colours))


def _points(pixels: Array | float) -> Array:
    """Line widths in matplotlib's points."""
    return np.asarray(pixels) * 72 / DPI
