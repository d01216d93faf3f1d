"""Words on pictures, in matplotlib's own font: drawn once as a stencil, then stamped."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from videopose3d.render.agg import drawn, new_figure
from videopose3d.render.theme import RGB, Theme
from videopose3d.types import Frame


@lru_cache(maxsize=512)
def stencil(text: str, size: int) -> Frame:
    """(h, w) opacity 0..255 of ``text`` in letters of ``size`` px; h is the same for every text."""
    width, height = size * (len(text) + 2), size * 3
    figure = new_figure((width, height), (0, 0, 0))
    figure.text(size / width, 0.5, text, color="white", size=size * 0.72, va="baseline", family="DejaVu Sans")
    mask = drawn(figure)[..., 0]
    baseline = height // 2
    mask = mask[baseline - size : baseline + size // 3]
    columns = np.flatnonzero(mask.any(0))
    if not len(columns):
        return np.zeros((len(mask), size // 3), np.uint8)
    return np.ascontiguousarray(mask[:, columns[0] : columns[-1] + 1])


def counter(text: str, size: int) -> Frame:
    """(h, w) stencil of a text that changes with every frame, put together from single characters."""
    gap = np.zeros((len(stencil("0", size)), max(1, size // 12)), np.uint8)
    parts: list[Frame] = []
    for character in text:
        parts += [_tabular(character, size), gap]
    return np.hstack(parts[:-1]) if parts else gap


@lru_cache(maxsize=512)
def _tabular(character: str, size: int) -> Frame:
    """The stencil of a character; digits are as wide as a zero, so that a counter does not dance."""
    mask = stencil(character, size)
    room = stencil("0", size).shape[1] - mask.shape[1]
    if not character.isdigit() or room <= 0:
        return mask
    return np.pad(mask, ((0, 0), (room // 2, room - room // 2)))


def tag(picture: Frame, words: str, tip: tuple[float, float], size: int, theme: Theme) -> None:
    """Write words of ``size`` px on a veil, above a point (x, y) [px] of a picture (H, W, 3), kept inside it."""
    mask = stencil(words, size)
    height, width = mask.shape
    x = int(np.clip(round(tip[0] - width / 2), 2, max(2, picture.shape[1] - width - 2)))
    y = int(max(2, round(tip[1] - 1.6 * height)))
    pad = height // 5
    theme.veil(picture[max(0, y - pad) : y + height + pad, max(0, x - 2 * pad) : x + width + 2 * pad])
    stamp(picture, mask, (x, y), theme.text)


def stamp(picture: Frame, mask: Frame, corner: tuple[int, int], colour: RGB, opacity: float = 1.0) -> None:
    """Blend ``colour`` into ``picture`` (H, W, 3) through ``mask`` (h, w), the mask's corner at (x, y) [px].

    What lies outside the picture is cut off.
    """
    x, y = corner
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + mask.shape[1], picture.shape[1]), min(y + mask.shape[0], picture.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    alpha = mask[y0 - y : y1 - y, x0 - x : x1 - x, None] * np.float32(opacity / 255)
    area = picture[y0:y1, x0:x1]
    area[:] = np.rint(area + (np.asarray(colour, np.float32) - area) * alpha).astype(np.uint8)
