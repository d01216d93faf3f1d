"""Where the panels lie in the written picture: the video, the 3D scenes, the plots over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from videopose3d.config import CHOICES
from videopose3d.errors import VideoPose3DError

Box = tuple[int, int, int, int]
"""x, y, width, height [px]."""

_WIDEST = 16 / 9
_SCENE_SHARE, _MANY_SHARE = 0.375, 0.5
"""Least share of the width that one or two scenes beside the video have, and that more have."""
_ONE_ROW, _MORE_ROWS = 1.15, 0.7
"""Height of a scene per width, of one beside the video and of several on top of each other."""
_ALONE = 4 / 3
_STACK_FROM = 2.0
_STRIP, _STRIPS = 0.16, 0.5
"""Share of the height that one plot takes, and that all of them may take."""


@dataclass(frozen=True)
class Layout:
    """Where things lie in the picture.

    Attributes:
        size: (width, height) of the whole picture [px], both even.
        video: The video's panel; None where only scenes are shown.
        scenes: Panels of 3D scenes, the main one first.
        strips: Panels of plots over time, across the whole width.
    """

    size: tuple[int, int]
    video: Box | None
    scenes: tuple[Box, ...] = ()
    strips: tuple[Box, ...] = ()


def plan(size: tuple[int, int], height: int, layout: str = "auto", *, scenes: int = 1, strips: int = 0) -> Layout:
    """Place the panels of a video of ``size`` (width, height) in a picture at most ``height`` px high.

    Side by side the scenes have at least 3/8 of the width (three of them half of it), so that all stay legible in a
    small window, and a wide video makes the picture lower instead of leaving bands; ``auto`` stacks only what is
    wider than 2:1.

    Args:
        size: Of the video.
        height: Most that the picture may have [px].
        layout: ``auto``, ``side``, ``stack``, ``scene`` or ``overlay``; without scenes all are ``overlay``.
        scenes: Number of 3D scenes.
        strips: Number of plots, at the bottom.

    Raises:
        VideoPose3DError: There is no such layout.
    """
    known = CHOICES["layout"]
    if layout not in known:
        what = f"Choose {', '.join(known[:-1])} or {known[-1]}."
        raise VideoPose3DError(f"no layout {layout!r}", where="render", fix=what)
    height = max(64, height // 2 * 2)
    strip = _even(height * min(_STRIP, _STRIPS / strips)) if strips else 0
    room, widest, aspect = height - strips * strip, height * _WIDEST, size[0] / size[1]
    if layout == "overlay" or not scenes:
        above = _video_alone(aspect, room)
    elif layout == "scene":
        width = _even(min(room * _ALONE * scenes, widest))
        above = Layout((width, room), None, _grid((0, 0, width, room), 1, scenes, scenes))
    elif layout == "stack" or (layout == "auto" and aspect > _STACK_FROM):
        above = _stacked(aspect, room, widest, scenes)
    else:
        above = _beside(aspect, room, widest, scenes)
    width, top = above.size
    plots = tuple((0, top + strip * number, width, strip) for number in range(strips))
    return Layout((width, top + strip * strips), above.video, above.scenes, plots)


def _video_alone(aspect: float, height: int) -> Layout:
    whole = (_even(min(height * aspect, 4 * height)), height)
    return Layout(whole, _inside((0, 0, *whole), aspect))


def _stacked(aspect: float, height: int, widest: float, scenes: int) -> Layout:
    half = _even(height / 2)
    width = _even(np.clip(half * aspect, height * max(0.6, 0.4 * scenes), widest))
    below = _grid((0, half, width, height - half), 1, scenes, scenes)
    return Layout((width, height), _inside((0, 0, width, half), aspect), below)


def _beside(aspect: float, height: int, widest: float, scenes: int) -> Layout:
    """The arrangement of scenes beside the video in which the smaller side of a scene is largest."""
    plans = []
    for rows in range(1, scenes + 1):
        columns = math.ceil(scenes / rows)
        width = _even(min(height * (aspect + columns), widest))
        left = _even(min(height * aspect, width * (1 - (_SCENE_SHARE if scenes < 3 else _MANY_SHARE))))
        cell = (width - left) / columns
        tall = cell * (_ONE_ROW if rows == 1 else _MORE_ROWS * rows)
        high = min(height, _even(max(left / aspect, tall)))
        boxes = _grid((left, 0, width - left, high), rows, columns, scenes)
        plans.append((min(cell, high / rows), Layout((width, high), _inside((0, 0, left, high), aspect), boxes)))
    return max(plans, key=lambda scored: scored[0])[1]


def _grid(box: Box, rows: int, columns: int, count: int) -> tuple[Box, ...]:
    """The first ``count`` cells of a box, row by row."""
    x, y, width, height = box
    across = [round(width * n / columns) for n in range(columns + 1)]
    down = [round(height * n / rows) for n in range(rows + 1)]
    cells = [
        (x + across[c], y + down[r], across[c + 1] - across[c], down[r + 1] - down[r])
        for r in range(rows)
        for c in range(columns)
    ]
    return tuple(cells[:count])


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def _inside(box: Box, aspect: float) -> Box:
    """The largest box of that aspect ratio (to 2 px) inside another, centred."""
    x, y, width, height = box
    w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
    w = width if width - w <= 2 else max(2, w)
    h = height if height - h <= 2 else max(2, h)
    return x + (width - w) // 2, y + (height - h) // 2, w, h
