"""The 3D scene: floor and view are drawn once by matplotlib; per frame one line collection changes.

The filming camera is taken to be level. The scene is seen from where it stood, turned and raised by
``RenderConfig.azimuth`` and ``elevation``, so that what is left in the video is left in the scene.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D, proj3d
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection
from numpy.typing import NDArray

from videopose3d.config import RenderConfig
from videopose3d.opencv import cv2
from videopose3d.render.agg import DPI, drawn, new_figure
from videopose3d.render.stage import Array, Stage, set_stage
from videopose3d.render.text import stamp, stencil
from videopose3d.render.theme import (
    BACKGROUND,
    DIM_TEXT,
    FLOOR,
    GRID,
    GUESSED,
    OUTLINE,
    RGB,
    SHADOW,
    SIDE,
    TEXT,
    bone_sides,
    tag_size,
    text_size,
)
from videopose3d.skeleton import side
from videopose3d.types import BoolArray, Frame, Poses3D

_BONE = 0.045
_MARGIN = 1.9
_EDGE = 0.35  # m of floor on every side that the panel may cut off


class Scene:
    """A picture of the 3D poses of one clip, from a view that does not change.

    Args:
        poses: The people.
        present: (P, T) False where a person was interpolated; drawn dimmed.
        fps: Frame rate [1/s].
        size: (width, height) of the picture [px].
        config: Where it is seen from.
        letters: Size of letters around the scene [px]; room is left for a line above and below.
    """

    def __init__(
        self,
        poses: Poses3D,
        present: BoolArray,
        fps: Fraction,
        size: tuple[int, int],
        config: RenderConfig,
        letters: int | None = None,
    ) -> None:
        self.stage = set_stage(poses, fps)
        self.size = size
        self.cell = _cell(float(self.stage.half.max()))
        self._present = present
        self._letters = letters or text_size(size[1])
        self._figure, self._axes = _empty_room(self.stage, size, config)
        _fit(self._axes, self.stage, size, margin=_MARGIN * self._letters)
        self._matrix, self._eye = self._axes.get_proj(), _towards_eye(config)
        self._lines = LineCollection([], animated=True, capstyle="round", transform=None, snap=False)
        self._figure.add_artist(self._lines)
        self._buffer, self._background = self._draw_background()
        self._prepare_strokes(poses)

    def draw(self, frame: int, out: Frame) -> None:
        """Draw one frame into ``out`` (h, w, 3), which may be a view into a larger picture."""
        self._buffer[:] = self._background
        points = self.stage.points[:, frame]
        placed = np.flatnonzero(np.isfinite(points).all((-1, -2)))
        strokes = _Strokes()
        if self.stage.follow:
            grid = _grid(self.stage, self.cell, self.stage.drift[frame])
            strokes.add(self._project(grid), 1.0, _GRID)
        if len(placed):
            self._shadows(strokes, points[placed])
            self._bodies(strokes, points[placed], self._present[placed, frame])
        strokes.show(self._lines)
        self._figure.draw_artist(self._lines)
        cv2.cvtColor(self._buffer, cv2.COLOR_RGBA2RGB, dst=out)
        self._labels(out, points, placed)

    def _draw_background(self) -> tuple[Frame, Frame]:
        """The canvas' own (h, w, 4) buffer, and a copy of it with everything that does not move."""
        floor = Poly3DCollection([_corners(self.stage)], facecolors=[_unit(FLOOR)], edgecolors="none")
        self._axes.add_collection3d(floor)
        if not self.stage.follow:
            grid = _grid(self.stage, self.cell, np.zeros(2))
            self._axes.add_collection3d(Line3DCollection(grid, colors=[_GRID], linewidths=_points(1.0)))
        buffer = drawn(self._figure)
        return buffer, buffer.copy()

    def _prepare_strokes(self, poses: Poses3D) -> None:
        """Everything about bones and dots that does not depend on the frame."""
        skeleton = poses.skeleton
        upright = np.array([[*self.stage.centre, 0.5], [*self.stage.centre, 1.5]])
        metre = float(np.ptp(self._project(upright)[:, 1]))
        self._width = float(np.clip(_BONE * metre, 2.2, 9.0))
        joints = [(j, j) for j in range(len(skeleton))]
        sides = bone_sides(skeleton) + [side(joint) for joint in skeleton.joints]
        self._pairs = np.array([*skeleton.bone_indices, *joints])
        self._colours = np.array([_unit(SIDE[s]) for s in sides])
        self._widths = np.array([self._width] * len(skeleton.bones) + [self._width * 1.7] * len(joints))
        self._meets = np.array([[j in bone for bone in skeleton.bone_indices] for j in range(len(skeleton))])

    def _shadows(self, strokes: _Strokes, people: NDArray[np.float32]) -> None:
        bones = people[:, self._pairs].reshape(-1, 2, 3) * (1, 1, 0)
        strokes.add(self._project(bones), self._width * 1.3, _unit(SHADOW))

    def _bodies(self, strokes: _Strokes, people: NDArray[np.float32], seen: BoolArray) -> None:
        """Bones and joints of all people, far ones first, each on its own dark rim."""
        ends = people[:, self._pairs].astype(np.float64)
        depth = ends.mean(-2) @ self._eye
        near = depth - depth.mean(1, keepdims=True)
        bones = self._meets.shape[1]
        depth[:, bones:] = np.where(self._meets, depth[:, None, :bones], -np.inf).max(-1) + 1e-3
        light = np.clip(0.95 + 0.35 * near, 0.7, 1.0) * np.where(seen, 1.0, GUESSED)[:, None]
        colours = _unit(BACKGROUND) + (self._colours - _unit(BACKGROUND)) * light[..., None]
        order = np.argsort(depth.ravel(), kind="stable")
        widths = np.tile(self._widths, len(people))[order]
        rims = np.stack([widths + max(1.6, self._width * 0.5), widths], -1).ravel()
        paints = np.stack([np.tile(_unit(OUTLINE), (len(order), 1)), colours.reshape(-1, 3)[order]], 1)
        strokes.add(self._project(ends.reshape(-1, 2, 3)[order].repeat(2, 0)), rims, paints.reshape(-1, 3))

    def _labels(self, out: Frame, points: NDArray[np.float32], placed: NDArray[np.intp]) -> None:
        if not len(placed):
            mask = stencil("no person", self._letters)
            corner = ((self.size[0] - mask.shape[1]) // 2, (self.size[1] - mask.shape[0]) // 2)
            stamp(out, mask, corner, DIM_TEXT)
        if len(points) > 1:
            for person in placed:
                x, y = self.pixel(points[person][np.argmax(points[person][:, 2])])
                mask = stencil(str(person + 1), tag_size(self._letters))
                above = (round(x) - mask.shape[1] // 2, round(y - self._width - mask.shape[0] * 1.1))
                stamp(out, mask, above, TEXT)

    def pixel(self, point: NDArray[np.float32]) -> tuple[float, float]:
        """(x, y) [px, from the top-left corner] of a point in display axes [m]."""
        x, y = self._project(np.asarray(point, np.float64))
        return float(x), float(self.size[1] - y)

    def _project(self, points: Array) -> Array:
        """(..., 3) display axes [m] -> (..., 2) matplotlib's pixels, from the bottom-left corner."""
        flat = points.reshape(-1, 3)
        x, y, _ = proj3d.proj_transform(flat[:, 0], flat[:, 1], flat[:, 2], self._matrix)
        pixels = self._axes.transData.transform(np.stack([x, y], -1))
        return np.asarray(pixels).reshape(*points.shape[:-1], 2)


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


def _empty_room(stage: Stage, size: tuple[int, int], config: RenderConfig) -> tuple[Figure, Axes3D]:
    """A figure of that size, and 3D axes in true proportions, seen as configured, with nothing in them."""
    figure = new_figure(size, BACKGROUND)
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    assert isinstance(axes, Axes3D)
    axes.set_axis_off()
    axes.patch.set_visible(False)
    low, high = stage.centre - stage.half, stage.centre + stage.half
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(0, stage.height))
    axes.set_box_aspect((*(2 * stage.half), stage.height))
    axes.view_init(elev=config.elevation, azim=config.azimuth - 90)
    return figure, axes


def _fit(axes: Axes3D, stage: Stage, size: tuple[int, int], margin: float) -> None:
    """Move and scale the axes so that the people just fit between the margins [px]; the floor's edge may not."""
    width, height = size
    side_length = min(size)
    axes.set_position((0, 0, side_length / width, side_length / height))
    axes.apply_aspect()
    content = np.concatenate([_corners(stage, _EDGE), _corners(stage, _EDGE, stage.height)])
    x, y, _ = proj3d.proj_transform(*content.T, axes.get_proj())
    pixels = np.asarray(axes.transData.transform(np.stack([x, y], -1)))
    low, high = pixels.min(0), pixels.max(0)
    room = np.array([width * 0.97, height - 2 * margin])
    scale = float((room / (high - low)).min())
    offset = np.array(size) / 2 - scale * (low + high) / 2
    axes.set_position((*(offset / size), side_length * scale / width, side_length * scale / height))
    axes.apply_aspect()


def _corners(stage: Stage, shrink: float = 0.0, height: float = 0.0) -> Array:
    """(4, 3) the floor's corners [m], or of a level ``height`` up that is ``shrink`` smaller on each side."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.column_stack([stage.centre + corners * (stage.half - shrink), np.full(4, height)])


def _cell(half: float) -> float:
    """Side of a grid cell [m]: 0.5, 1, 2, 5, ... so that about ten fit."""
    return next((cell for cell in (0.5, 1.0, 2.0, 5.0, 10.0) if half / cell <= 5), 20.0)


def _grid(stage: Stage, cell: float, drift: Array) -> Array:
    """(n, 2, 3) grid lines, cut at the edge of the floor; n does not depend on ``drift``."""
    lines = []
    for axis in (0, 1):
        half, across = stage.half[axis], stage.half[1 - axis]
        count = int(2 * half / cell) + 1
        first = np.ceil((stage.centre[axis] - half + drift[axis]) / cell) * cell - drift[axis]
        at = first + cell * np.arange(count) - stage.centre[axis]
        reach = np.where(np.abs(at) <= half, across, 0.0)
        ends = np.zeros((count, 2, 3))
        ends[..., axis] = (at + stage.centre[axis])[:, None]
        ends[:, 0, 1 - axis] = stage.centre[1 - axis] - reach
        ends[:, 1, 1 - axis] = stage.centre[1 - axis] + reach
        lines.append(ends)
    return np.concatenate(lines)


def _towards_eye(config: RenderConfig) -> Array:
    """(3,) unit vector from the scene to the viewer; the larger a dot product with it, the nearer."""
    up, around = np.radians([config.elevation, config.azimuth - 90])
    return np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])


def _unit(colour: RGB) -> Array:
    """(3,) matplotlib's 0..1."""
    return np.asarray(colour) / 255


def _points(pixels: Array | float) -> Array:
    """Line widths in matplotlib's points."""
    return np.asarray(pixels) * 72 / DPI


_GRID = _unit(GRID)
