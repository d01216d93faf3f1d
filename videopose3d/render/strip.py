"""A plot over time under the pictures: the curves are drawn once per page, the cursor moves over them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from videopose3d.opencv import cv2
from videopose3d.render.agg import DPI, drawn, named, new_figure
from videopose3d.render.plots import Curve
from videopose3d.render.stage import Array
from videopose3d.render.text import counter, stamp, stencil
from videopose3d.render.theme import RGB, Theme, tag_size
from videopose3d.types import BoolArray, Frame

PAGE = 30.0
"""A longer clip is shown in pages of this length [s]."""
_LABELS = 1.7
_NUMBERS = 3.6
"""Height of the line of names, and width left of the axis, in letters."""
_LINE_FROM = 4.0
"""A panel lower than this has the names over its curves instead of in a line above them, in letters."""
_INSIDE, _SMALLEST, _NAMED_FROM = 0.35, 8, 14
"""There letters are at most this share of the panel's height, and this large at least [px]; a panel lower than the
last [px] has no names."""
_STYLES = ("-", "--", ":", "-.")


class Strip:
    """One plot.

    Args:
        curves: What it shows, all in one unit.
        present: (T,) False where somebody was interpolated; drawn faint.
        shown: Frames that are drawn.
        fps: Frame rate [1/s].
        size: (width, height) of the panel [px].
        theme: The colours.
        letters: Size of letters around it [px].
    """

    def __init__(
        self,
        curves: Sequence[Curve],
        present: BoolArray,
        shown: range,
        fps: Fraction,
        size: tuple[int, int],
        theme: Theme,
        letters: int,
    ) -> None:
        self._curves, self._present, self._shown, self._fps = list(curves), present, shown, fps
        self._size, self._theme, self._letters = size, theme, tag_size(letters)
        self._length = _page_length(len(shown), fps)
        self._limits = _limits(np.stack([curve.values[shown.start : shown.stop] for curve in curves]))
        self._page, self._picture = -1, np.zeros((0, 0, 3), np.uint8)
        self.named = size[1] >= _NAMED_FROM
        """There is room for the names of the curves."""
        self._line = size[1] >= _LINE_FROM * self._letters
        top, bottom = (round(lines * self._letters) for lines in ((_LABELS, 0.6) if self._line else (0.2, 0.2)))
        left = round(_NUMBERS * self._letters)
        self.box = (left, top, max(2, size[0] - left - self._letters), max(2, size[1] - top - bottom))
        """x, y, width, height of the axes in the panel [px]."""

    def draw(self, frame: int, out: Frame) -> None:
        """Draw the panel at a frame into ``out`` (h, w, 3), which may be a view into a larger picture."""
        page = (frame - self._shown.start) // self._length
        if page != self._page:
            self._page, self._picture = page, self._draw_page(page)
        out[:] = self._picture
        x, y, _, height = self.box
        at = round(self.position(frame, 0.0)[0])
        out[y : y + height, at : at + 2] = self._theme.dim_text
        for curve in self._curves:
            if np.isfinite(curve.values[frame]):
                px, py = (round(16 * v) for v in self.position(frame, float(curve.values[frame])))
                radius = round(16 * max(2.5, self._letters / 5))
                cv2.circle(out, (px, py), radius, self._colour(curve), cv2.FILLED, cv2.LINE_AA, 4)
        if self.named:
            self._names(out, frame)

    def position(self, frame: int, value: float) -> tuple[float, float]:
        """(x, y) [px] in the panel of a value at a frame, on the page that shows the frame."""
        x, y, width, height = self.box
        low, high = self._limits
        along = (frame - self._shown.start) % self._length / max(1, self._length - 1)
        return x + along * (width - 1), y + (high - value) / (high - low) * (height - 1)

    def _draw_page(self, page: int) -> Frame:
        start = self._shown.start + page * self._length
        figure = new_figure(self._size, self._theme.background)
        (x, y, width, height), (wide, high) = self.box, self._size
        axes = figure.add_axes((x / wide, 1 - (y + height) / high, width / wide, height / high))
        frames = np.arange(start, min(start + self._length, self._shown.stop))
        self._dress(axes)
        axes.set(xlim=(start, start + max(1, self._length - 1)), ylim=self._limits)
        second = float(self._fps) * _tick(self._length / float(self._fps))
        axes.set_xticks(np.arange(np.ceil(start / second) * second, start + self._length, second), [])
        for number, curve in enumerate(self._curves):
            seen = np.where(self._present[frames], curve.values[frames], np.nan)
            line: dict[str, Any] = {
                "color": named(self._colour(curve)),
                "linewidth": max(1.5, self._letters / 8) * 72 / DPI,
            }
            axes.plot(frames, curve.values[frames], alpha=0.4, linestyle=_STYLES[number % 4], **line)
            axes.plot(frames, seen, linestyle=_STYLES[number % 4], **line)
        return np.ascontiguousarray(drawn(figure)[..., :3])

    def _dress(self, axes: Axes) -> None:
        """Ticks, grid and frame of the axes."""
        theme, points = self._theme, self._letters * 0.72 * 0.8
        axes.set_facecolor(named(theme.floor))
        axes.yaxis.set_major_locator(MaxNLocator(3 if self.box[3] > 4 * self._letters else 2, min_n_ticks=2))
        axes.tick_params(colors=named(theme.dim_text), labelsize=points, length=0, pad=self._letters / 5)
        axes.grid(color=named(theme.grid), linewidth=0.72)
        for spine in axes.spines.values():
            spine.set_visible(False)

    def _names(self, out: Frame, frame: int) -> None:
        """Every curve's dot, name and present value, above or on the axes; what does not fit is left out."""
        small = max(_SMALLEST, round(_INSIDE * self._size[1]))
        letters = self._letters if self._line else min(self._letters, small)
        gap = letters // 2
        x, y = (self.box[0], round(0.3 * letters)) if self._line else (self.box[0] + gap, self.box[1])
        for curve in self._curves:
            dot, name = stencil("●", letters), stencil(curve.name, letters)
            value = counter(curve.value(frame), letters)
            end = x + dot.shape[1] + name.shape[1] + value.shape[1] + 3 * gap
            if end > self._size[0]:
                return
            if not self._line:
                self._theme.veil(out[y : y + len(name), x - gap : end - gap])
            for mask, colour in ((dot, self._colour(curve)), (name, self._theme.text), (value, self._theme.dim_text)):
                stamp(out, mask, (x, y), colour)
                x += mask.shape[1] + gap
            x += letters

    def _colour(self, curve: Curve) -> RGB:
        return self._theme.side(curve.side)


def _page_length(frames: int, fps: Fraction) -> int:
    """Frames of a page: the whole clip, or equal parts that are not longer than a page may be."""
    pages = max(1, int(np.ceil(frames / (PAGE * 1.5 * float(fps)))))
    return max(1, frames if pages == 1 else round(PAGE * float(fps)))


def _limits(values: Array) -> tuple[float, float]:
    """Lower and upper end of the axis, with a little room."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = 0.06 * (high - low) if high > low else max(0.5 * abs(high), 0.5)
    return low - room, high + room


def _tick(seconds: float) -> float:
    """Distance of the vertical lines [s]."""
    return next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if seconds / step <= 12), 10.0)
