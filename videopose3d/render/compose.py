"""Panels: where the video and the 3D scene lie in the written picture, and the few words around them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from videopose3d.config import RenderConfig
from videopose3d.errors import VideoPose3DError
from videopose3d.render.overlay import Overlay
from videopose3d.render.scene import Scene
from videopose3d.render.text import counter, stamp, stencil
from videopose3d.render.theme import BACKGROUND, DIM_TEXT, RGB, SIDE, TEXT, tag_size, text_size
from videopose3d.types import Frame, Result

Box = tuple[int, int, int, int]
"""x, y, width, height [px]."""

_WIDEST = 16 / 9
_SCENE_SHARE = 0.375
_SCENE_ASPECT = 1.15
_STACK_FROM = 2.0


@dataclass(frozen=True)
class Layout:
    """Where things lie in the picture.

    Attributes:
        size: (width, height) of the whole picture [px], both even.
        video: The video's panel.
        scene: The 3D scene's panel; None without 3D poses.
    """

    size: tuple[int, int]
    video: Box
    scene: Box | None


def plan(size: tuple[int, int], height: int, layout: str = "auto", *, scene: bool = True) -> Layout:
    """Place the panels of a video of ``size`` (width, height) in a picture at most ``height`` px high.

    Side by side the scene has at least 3/8 of the width, so that both stay legible in a small window, and a
    wide video makes the picture lower instead of leaving bands; ``auto`` stacks only what is wider than 2:1.

    Raises:
        VideoPose3DError: There is no such layout.
    """
    if layout not in ("auto", "side", "stack"):
        raise VideoPose3DError(f"no layout {layout!r}", where="render", fix="Choose auto, side or stack.")
    height = max(64, height // 2 * 2)
    aspect = size[0] / size[1]
    if not scene:
        whole = (_even(min(height * aspect, 4 * height)), height)
        return Layout(whole, _inside((0, 0, *whole), aspect), None)
    if layout == "stack" or (layout == "auto" and aspect > _STACK_FROM):
        half = _even(height / 2)
        width = _even(np.clip(half * aspect, height * 0.6, height * _WIDEST))
        return Layout((width, height), _inside((0, 0, width, half), aspect), (0, half, width, height - half))
    width = _even(min(height * (aspect + 1), height * _WIDEST))
    left = _even(min(height * aspect, width * (1 - _SCENE_SHARE)))
    height = min(height, _even(max(left / aspect, (width - left) * _SCENE_ASPECT)))
    return Layout((width, height), _inside((0, 0, left, height), aspect), (left, 0, width - left, height))


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def _inside(box: Box, aspect: float) -> Box:
    """The largest box of that aspect ratio (to 2 px) inside another, centred."""
    x, y, width, height = box
    w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
    w = width if width - w <= 2 else max(2, w)
    h = height if height - h <= 2 else max(2, h)
    return x + (width - w) // 2, y + (height - h) // 2, w, h


class Composer:
    """Draws the pictures of one result.

    Args:
        result: What to show.
        layout: Where.
        config: How.
    """

    def __init__(self, result: Result, layout: Layout, config: RenderConfig) -> None:
        self.result, self.layout = result, layout
        _, _, width, height = layout.video
        wide, high = result.keypoints.size
        self._letters = text_size(layout.size[1])
        scale = (width / wide, height / high)
        self._overlay = Overlay(result.keypoints.skeleton, scale, tag_size(self._letters))
        self._scene = None
        if layout.scene is not None and result.poses is not None:
            present, fps = result.keypoints.present, result.fps
            self._scene = Scene(result.poses, present, fps, layout.scene[2:], config, self._letters)

    def canvas(self) -> Frame:
        """A new (H, W, 3) picture to draw into, again and again."""
        width, height = self.layout.size
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = BACKGROUND
        return picture

    def draw(self, frame: int, video: Frame | None, out: Frame) -> Frame:
        """Draw one frame of the result into ``out``, which came from ``canvas``, and return it.

        Args:
            frame: Index in the result.
            video: (h, w, 3) picture of the video panel's size; None for a dark panel.
            out: (H, W, 3), overwritten where anything changes.
        """
        kp = self.result.keypoints
        panel = _view(out, self.layout.video)
        panel[:] = BACKGROUND if video is None else video
        self._overlay.draw(panel, kp.points[:, frame], kp.scores[:, frame], kp.present[:, frame])
        if self._scene is not None and self.layout.scene is not None:
            self._scene.draw(frame, _view(out, self.layout.scene))
        self._words(out, frame)
        return out

    def _words(self, out: Frame, frame: int) -> None:
        """Left and right, time, frame and unit, in the scene's corners (on the video without a scene).

        A picture too small for them has none.
        """
        area = _view(out, self.layout.scene or self.layout.video)
        height, width = area.shape[:2]
        if width < 11 * self._letters:
            return
        if self._scene is None:
            area[-round(self._letters * 1.7) :] //= 3
        self._legend(area)
        self._put(area, counter(clock(frame / self.result.fps), self._letters), (1, 1), TEXT)
        if self._scene is not None:
            self._put(area, self._title, (0, 0), DIM_TEXT)
            count = counter(f"{frame + 1}/{self.result.keypoints.frames}", self._letters)
            self._put(area, count, (1, 0), DIM_TEXT)
        elif not self.result.keypoints.placed[:, frame].any():
            self._put(area, stencil("no person", self._letters), (0.5, 1), DIM_TEXT)

    def _legend(self, area: Frame) -> None:
        """Which colour is the person's left, which the right, at the bottom left."""
        shift = 0
        for name in ("left", "right"):
            dot, word = stencil("●", self._letters), stencil(name, self._letters)
            self._put(area, dot, (0, 1), SIDE[name], shift)
            shift += dot.shape[1] + self._letters // 3
            self._put(area, word, (0, 1), TEXT, shift)
            shift += word.shape[1] + round(self._letters * 0.7)

    def _put(self, area: Frame, mask: Frame, at: tuple[float, float], colour: RGB, shift: int = 0) -> None:
        """Stamp words: ``at`` 0 is left and top, 1 right and bottom; ``shift`` px further right."""
        pad = round(self._letters * 0.7), round(self._letters * 0.35)
        room = area.shape[1] - mask.shape[1] - 2 * pad[0], area.shape[0] - mask.shape[0] - 2 * pad[1]
        stamp(area, mask, (pad[0] + round(room[0] * at[0]) + shift, pad[1] + round(room[1] * at[1])), colour)

    @cached_property
    def _title(self) -> Frame:
        assert self._scene is not None
        return stencil(f"3D, grid {self._scene.cell:g} m", self._letters)


def clock(seconds: Fraction) -> str:
    """A time as m:ss.cc."""
    hundredths = int(seconds * 100)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"


def _view(picture: Frame, box: Box) -> Frame:
    x, y, width, height = box
    return picture[y : y + height, x : x + width]
