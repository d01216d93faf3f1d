"""Colours and sizes of everything that is drawn, once, so that both panels agree.

Left and right are the sky blue and orange of Okabe and Ito's palette, which every kind of colour vision
tells apart (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

from videopose3d.skeleton import Skeleton, side

RGB = tuple[int, int, int]

SIDE: dict[str, RGB] = {"left": (86, 180, 233), "right": (240, 150, 20), "middle": (236, 239, 244)}
OUTLINE: RGB = (12, 14, 18)
BACKGROUND: RGB = (20, 23, 29)
FLOOR: RGB = (34, 39, 48)
GRID: RGB = (62, 69, 82)
SHADOW: RGB = (17, 19, 24)
TEXT: RGB = (214, 220, 230)
DIM_TEXT: RGB = (136, 146, 162)

GUESSED = 0.5
"""Opacity of a person, or of a joint, that was interpolated and not seen."""


def bone_sides(skeleton: Skeleton) -> list[str]:
    """(bones,) ``left``, ``right``, or ``middle`` for a bone that joins both sides or none."""
    sides = []
    for bone in skeleton.bones:
        found = {side(joint) for joint in bone} - {"middle"}
        sides.append(found.pop() if len(found) == 1 else "middle")
    return sides


def text_size(height: int) -> int:
    """Size of letters [px] in a picture of that height [px]: readable when shown 480 px wide."""
    return max(11, round(height / 31))


def tag_size(letters: int) -> int:
    """Size of the small letters on people [px], beside letters of that size."""
    return max(10, round(letters * 0.8))
