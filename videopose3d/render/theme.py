"""Colours and sizes of everything that is drawn, once, so that all panels agree.

Left and right are a blue and an orange of Okabe and Ito's palette, which every kind of colour vision tells apart
(https://jfly.uni-koeln.de/color/): the light pair on dark ground, the dark pair on light ground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.skeleton import Skeleton, side
from videopose3d.types import Frame

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """The colours of one look.

    Attributes:
        left, right, middle: Limbs on the person's own left and right side, and what belongs to neither.
        outline: Rim of limbs and joints, on the video and in the scene.
        background: Around everything.
        floor, grid, shadow: Of the 3D scene.
        text, dim_text: Words, and words of less weight.
    """

    left: RGB
    right: RGB
    middle: RGB
    outline: RGB
    background: RGB
    floor: RGB
    grid: RGB
    shadow: RGB
    text: RGB
    dim_text: RGB

    def side(self, name: str) -> RGB:
        """The colour of ``left``, ``right`` or ``middle``."""
        return {"left": self.left, "right": self.right}.get(name, self.middle)

    def veil(self, area: Frame) -> None:
        """Bring a part of a picture (h, w, 3) near the background, in place, so that words on it can be read."""
        area[:] = area // 3 + (np.array(self.background) * 2 // 3).astype(np.uint8)


DARK = Theme(
    left=(86, 180, 233),
    right=(240, 150, 20),
    middle=(236, 239, 244),
    outline=(12, 14, 18),
    background=(20, 23, 29),
    floor=(34, 39, 48),
    grid=(62, 69, 82),
    shadow=(17, 19, 24),
    text=(214, 220, 230),
    dim_text=(136, 146, 162),
)
LIGHT = Theme(
    left=(0, 114, 178),
    right=(213, 94, 0),
    middle=(74, 80, 92),
    outline=(255, 255, 255),
    background=(250, 250, 252),
    floor=(234, 237, 242),
    grid=(196, 203, 213),
    shadow=(207, 212, 221),
    text=(38, 43, 52),
    dim_text=(96, 104, 118),
)
THEMES = {"dark": DARK, "light": LIGHT}
"""By the names that ``RenderConfig.theme`` takes."""

GUESSED = 0.5
"""Opacity of a person, or of a joint, that was interpolated and not seen."""


def bone_sides(skeleton: Skeleton) -> list[str]:
    """(bones,) ``left``, ``right``, or ``middle`` for a bone that joins both sides or none."""
    sides = []
    for bone in skeleton.bones:
        found = {side(joint) for joint in bone} - {"middle"}
        sides.append(found.pop() if len(found) == 1 else "middle")
    return sides


def text_size(size: tuple[int, int]) -> int:
    """Size of letters [px] in a picture of (width, height) [px]: readable when shown 480 px wide."""
    width, height = size
    return max(11, round(max(width / 56, min(width / 48, height / 31))))


def tag_size(letters: int) -> int:
    """Size of the small letters on people and at plots [px], beside letters of that size."""
    return max(10, round(letters * 0.8))


def unit(colour: RGB) -> NDArray[np.floating[Any]]:
    """(3,) the colour in matplotlib's 0..1."""
    return np.asarray(colour) / 255
