"""How the 3D scene is looked at: a view that holds for the whole clip, and a floor that may turn under it.

Matplotlib's 3D axes give the projection. A camera that circles the scene is a scene that turns before a camera that
stands still, so that fit and projection are found once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D, proj3d

from videopose3d.config import RenderConfig
from videopose3d.render.agg import new_figure
from videopose3d.render.stage import Array, Stage
from videopose3d.render.theme import RGB

Margins = tuple[float, float]
_LIMB = 8  # px, the width of a limb
_EDGE = 0.35  # m of floor on every side that the panel may cut off
STEEP = 45.0
"""Seen from higher up than this the floor, not the people, fills the panel [degrees]."""
_FEW = 5000  # bodies that are looked at for the fit
_TURNS = np.arange(0, 360, 15)
"""Angles for which a turning scene is made to fit [degrees]."""


@dataclass(frozen=True)
class View:
    """From where the scene is seen, relative to the filming camera, which is taken to be level.

    Attributes:
        elevation: From how far above [degrees].
        azimuth: From how far to the side: at 90 the camera's right is nearest [degrees].
        orbit: How fast the viewer goes round [degrees/s].
        name: In words, for the panel; empty for the main view.
    """

    elevation: float
    azimuth: float
    orbit: float = 0.0
    name: str = ""

    def turn(self, frame: int, fps: Fraction) -> float:
        """How far the scene has turned before the viewer at a frame [radians]."""
        return -math.radians(self.orbit * float(frame / fps))

    def towards_eye(self) -> Array:
        """(3,) unit vector from the scene to the viewer; the larger a dot product with it, the nearer."""
        up, around = np.radians([self.elevation, self.azimuth - 90])
        return np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])


_SECOND = {
    "front": View(5.0, 0.0, name="as filmed"),
    "side": View(5.0, 90.0, name="from the side"),
    "back": View(5.0, 180.0, name="from behind"),
    "top": View(90.0, 0.0, name="from above"),
}


def main_view(config: RenderConfig) -> View:
    """The view of the main scene."""
    return View(config.elevation, config.azimuth, config.orbit)


def second_view(config: RenderConfig) -> View | None:
    """The view of the second scene, if there is one."""
    return _SECOND.get(config.second_view)


class Projection:
    """Stage to pixels: matplotlib's 3D axes in a figure of the panel's size, so that the people just fit.

    Args:
        stage: What is looked at.
        size: (width, height) of the panel [px].
        view: From where.
        background: Colour of the panel.
        margins: Room above and below for words [px].

    Attributes:
        figure, axes: Matplotlib's, with nothing in them.
    """

    def __init__(self, stage: Stage, size: tuple[int, int], view: View, background: RGB, margins: Margins) -> None:
        self.figure: Figure = new_figure(size, background)
        axes = self.figure.add_subplot(projection="3d", computed_zorder=False)
        assert isinstance(axes, Axes3D)
        self.axes = axes
        axes.set_axis_off()
        axes.patch.set_visible(False)
        low, high = stage.centre - stage.half, stage.centre + stage.half
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(0, stage.height))
        axes.set_box_aspect((*(2 * stage.half), stage.height))
        axes.view_init(elev=view.elevation, azim=view.azimuth - 90)
        self._centre, self._matrix = stage.centre, axes.get_proj()
        edge = _EDGE if view.elevation < STEEP else 0.0
        content = np.concatenate([corners(stage, edge), corners(stage, edge, stage.height), _joints_inside(stage)])
        turns = np.radians(_TURNS) if view.orbit else [0.0]
        self._fit((self.turned(content, turn) for turn in turns), size, margins)

    def turned(self, points: Array, turn: float) -> Array:
        """Points (..., 3) turned about the middle of the floor by so much [radians]."""
        if not turn:
            return points
        cos, sin = np.cos(turn), np.sin(turn)
        x, y = points[..., 0] - self._centre[0], points[..., 1] - self._centre[1]
        return np.stack([self._centre[0] + cos * x - sin * y, self._centre[1] + sin * x + cos * y, points[..., 2]], -1)

    def pixels(self, points: Array) -> Array:
        """(..., 3) display axes [m] -> (..., 2) matplotlib's pixels, from the bottom-left corner."""
        flat = points.reshape(-1, 3)
        x, y, _ = proj3d.proj_transform(flat[:, 0], flat[:, 1], flat[:, 2], self._matrix)
        pixels = self.axes.transData.transform(np.stack([x, y], -1))
        return np.asarray(pixels).reshape(*points.shape[:-1], 2)

    def _fit(self, contents: Iterable[Array], size: tuple[int, int], margins: Margins) -> None:
        """Move and scale the axes so that points, each (n, 3), just fit between the margins."""
        width, height = size
        side_length = min(size)
        self.axes.set_position((0, 0, side_length / width, side_length / height))
        self.axes.apply_aspect()
        reached = [(pixels.min(0), pixels.max(0)) for pixels in map(self.pixels, contents)]
        low, high = np.min([lowest for lowest, _ in reached], 0), np.max([highest for _, highest in reached], 0)
        above, below = margins
        room = np.array([width * 0.97 - _LIMB, height - above - below])
        scale = float((room / (high - low)).min())
        offset = np.array([width, height - above + below]) / 2 - scale * (low + high) / 2
        self.axes.set_position((*(offset / size), side_length * scale / width, side_length * scale / height))
        self.axes.apply_aspect()


def _joints_inside(stage: Stage) -> Array:
    """(n, 3) all joints of those whose middle is over the floor; those elsewhere are outliers of the path."""
    bodies = stage.points[np.isfinite(stage.points).all((-1, -2))].astype(np.float64)
    bodies = bodies[:: max(1, len(bodies) // _FEW)]
    inside = (np.abs(bodies.mean(1)[:, :2] - stage.centre) <= stage.half).all(-1)
    joints: Array = bodies[inside].reshape(-1, 3)
    return joints


def corners(stage: Stage, shrink: float = 0.0, height: float = 0.0) -> Array:
    """(4, 3) the floor's corners [m], or of a level ``height`` up that is ``shrink`` smaller on each side."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.column_stack([stage.centre + square * (stage.half - shrink), np.full(4, height)])


def cell_size(half: float) -> float:
    """Side of a grid cell [m]: 0.5, 1, 2, 5, ... so that about ten fit across a floor of half that side."""
    return next((cell for cell in (0.5, 1.0, 2.0, 5.0, 10.0) if half / cell <= 5), 20.0)


def grid(stage: Stage, cell: float, drift: Array) -> Array:
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
