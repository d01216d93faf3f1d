"""The whole picture of a frame: video, scenes, plots, and the few words around them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from videopose3d.config import RenderConfig
from videopose3d.render.layout import Box, Layout
from videopose3d.render.overlay import Overlay
from videopose3d.render.plots import curves
from videopose3d.render.scene import Scene
from videopose3d.render.stage import Stage, in_one_scale, set_stage
from videopose3d.render.strip import Strip
from videopose3d.render.text import counter, stamp, stencil
from videopose3d.render.theme import RGB, THEMES, tag_size, text_size
from videopose3d.render.truth import Truth
from videopose3d.render.view import View, main_view, second_view
from videopose3d.types import Frame, Poses3D, Result

log = logging.getLogger(__name__)

_LEGEND = ("left", "right")


@dataclass(frozen=True)
class _Panel:
    """A scene in the picture, and what is written at its top left."""

    scene: Scene
    box: Box
    title: Frame


def scenes_of(result: Result, config: RenderConfig, truth: Truth | None = None) -> int:
    """How many 3D scenes a picture of this result has."""
    if result.poses is None or config.layout == "overlay":
        return 0
    return 1 + (second_view(config) is not None) + (truth is not None)


class Composer:
    """Draws the pictures of one result.

    Args:
        result: What to show.
        layout: Where.
        config: How.
        truth: What is really there, for the last scene.
        shown: Frames that the plots and the mean error are about; all of them by default.
    """

    def __init__(
        self,
        result: Result,
        layout: Layout,
        config: RenderConfig,
        truth: Truth | None = None,
        shown: range | None = None,
    ) -> None:
        self.result, self.layout = result, layout
        self._theme = THEMES[config.theme]
        self._letters = text_size(layout.size)
        self._truth, self._shown = truth, shown or range(result.keypoints.frames)
        if layout.video:
            wide, high = result.keypoints.size
            scale = (layout.video[2] / wide, layout.video[3] / high)
            self._overlay = Overlay(result.keypoints.skeleton, scale, tag_size(self._letters), self._theme)
        self._panels: list[_Panel] = []
        self._strips: list[tuple[Strip, Box]] = []
        if result.poses is not None and (layout.scenes or layout.strips):
            self._set_up(result.poses, config)

    def canvas(self) -> Frame:
        """A new (H, W, 3) picture to draw into, again and again."""
        width, height = self.layout.size
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = self._theme.background
        return picture

    def draw(self, frame: int, video: Frame | None, out: Frame) -> Frame:
        """Draw one frame of the result into ``out``, which came from ``canvas``, and return it.

        Args:
            frame: Index in the result.
            video: (h, w, 3) picture of the video panel's size; None for an empty panel.
            out: (H, W, 3), overwritten where anything changes.
        """
        kp = self.result.keypoints
        if self.layout.video:
            panel = _part(out, self.layout.video)
            panel[:] = self._theme.background if video is None else video
            self._overlay.draw(panel, kp.points[:, frame], kp.scores[:, frame], kp.present[:, frame])
        for panel_3d in self._panels:
            panel_3d.scene.draw(frame, _part(out, panel_3d.box))
        for strip, box in self._strips:
            strip.draw(frame, _part(out, box))
        self._words(out, frame)
        return out

    def _set_up(self, poses: Poses3D, config: RenderConfig) -> None:
        """The scenes, and the plots."""
        result, fps = self.result, self.result.fps
        seen = result.keypoints.present
        stage = set_stage(poses, fps, present=seen, world=result.world, follow=config.follow)
        other = None
        if self._truth is not None:
            stage, other = in_one_scale(stage, set_stage(self._truth.poses, fps, follow=stage.follow))
        boxes = iter(self.layout.scenes)
        for view in (main_view(config), second_view(config)):
            if view is not None and (box := next(boxes, None)):
                self._panels.append(self._panel(stage, view, box, view.name))
        if other is not None and (box := next(boxes, None)):
            self._panels.append(self._panel(other, main_view(config), box, "ground truth"))
        error = self._truth.error if self._truth else None
        for names, box in zip(config.plot, self.layout.strips, strict=False):
            found = curves(result, stage, names, error)
            strip = Strip(found, seen.any(0), self._shown, fps, box[2:], self._theme, self._letters)
            self._strips.append((strip, box))
        if not all(strip.named for strip, _ in self._strips):
            log.warning("the plots are too low for the names of their curves: plot less, or raise --picture-height")

    def _panel(self, stage: Stage, view: View, box: Box, name: str) -> _Panel:
        scene = Scene(stage, box[2:], view, self._theme, self._letters)
        return _Panel(scene, box, stencil(name or f"3D, grid {scene.cell:g} m", self._letters))

    def _words(self, out: Frame, frame: int) -> None:
        """Left and right, time, frame and unit, in the main scene's corners (on the video without a scene).

        A picture too small for them has none.
        """
        box = self._panels[0].box if self._panels else self.layout.video
        if box is None:
            return
        area = _part(out, box)
        time = counter(clock(frame / self.result.fps), self._letters)
        if not self._panels:
            if area.shape[1] >= 11 * self._letters:
                self._theme.veil(area[-round(self._letters * 1.7) :])
                self._line(area, 1, self._legend, (time, self._theme.text))
                if not self.result.keypoints.placed[:, frame].any():
                    self._put(area, stencil("no person", self._letters), (0.5, 0.5), self._theme.dim_text)
            return
        count = counter(f"{frame + 1}/{self.result.keypoints.frames}", self._letters)
        self._line(area, 0, [(self._panels[0].title, self._theme.dim_text)], (count, self._theme.dim_text))
        self._line(area, 1, self._legend, (time, self._theme.text))
        for panel in self._panels[1:]:
            self._line(_part(out, panel.box), 0, [(panel.title, self._theme.dim_text)], None)
        if self._truth is not None and len(self._panels) > 1:
            area = _part(out, self._panels[-1].box)
            _ = any(self._line(area, 1, [(said, self._theme.text)], None) for said in self._error(frame))

    @property
    def _legend(self) -> list[tuple[Frame, RGB]]:
        """Which colour is the person's left, which the right."""
        words = []
        for name in _LEGEND:
            words += [(stencil("●", self._letters), self._theme.side(name))]
            words += [(stencil(name, self._letters), self._theme.text)]
        return words

    def _error(self, frame: int) -> Iterator[Frame]:
        """How far the poses are from the truth, now and on average; then in fewer words."""
        assert self._truth is not None
        now, all_of_them = self._truth.error[frame], self._truth.error[self._shown.start : self._shown.stop]
        known = all_of_them[np.isfinite(all_of_them)]
        said = f"{now:.0f}" if np.isfinite(now) else "-"
        yield counter(f"off by {said} mm, mean {known.mean() if len(known) else np.nan:.0f}", self._letters)
        yield counter(f"{said} mm", self._letters)

    def _line(self, area: Frame, at: int, words: list[tuple[Frame, RGB]], last: tuple[Frame, RGB] | None) -> bool:
        """Words at the left of a panel's top (``at`` 0) or bottom (1) and one at its right, if they fit.

        False when not even the left ones do.
        """
        pad, gap = round(self._letters * 0.7), self._letters // 3
        width = sum(mask.shape[1] for mask, _ in words) + gap * (len(words) - 1)
        if width + 2 * pad > area.shape[1]:
            return False
        shift = 0
        for mask, colour in words:
            self._put(area, mask, (0, at), colour, shift)
            shift += mask.shape[1] + gap
        if last and width + last[0].shape[1] + 3 * pad <= area.shape[1]:
            self._put(area, last[0], (1, at), last[1])
        return True

    def _put(self, area: Frame, mask: Frame, at: tuple[float, float], colour: RGB, shift: int = 0) -> None:
        """Stamp words: ``at`` 0 is left and top, 1 right and bottom; ``shift`` px further right."""
        pad = round(self._letters * 0.7), round(self._letters * 0.35)
        room = area.shape[1] - mask.shape[1] - 2 * pad[0], area.shape[0] - mask.shape[0] - 2 * pad[1]
        stamp(area, mask, (pad[0] + round(room[0] * at[0]) + shift, pad[1] + round(room[1] * at[1])), colour)


def clock(seconds: Fraction) -> str:
    """A time as m:ss.cc."""
    hundredths = int(seconds * 100)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"


def _part(picture: Frame, box: Box) -> Frame:
    x, y, width, height = box
    return picture[y : y + height, x : x + width]
