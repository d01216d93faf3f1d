"""What stands in a scene: boxes, spheres and upright cylinders, as rows of numbers that the renderer reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[float, float, float]
"""Linear light, 0 ... 1."""

BOX, SPHERE, CYLINDER = range(3)
# Looks of a surface.
PLAIN, WOOD, PAINTING, RUG, BOARDS, MOTTLED, TILES, BRICKS, STRIPES, CLOUDY, BLOBS, SKY, WINDOWS = range(13)


@dataclass(frozen=True)
class Surface:
    """What a surface looks like.

    Attributes:
        look: Its pattern.
        second: The other colour of the pattern.
        scale: Size of a cell of the pattern [m].
        seed: Of the pattern.
        glow: How much it shines by itself; from 1 on no light falls on it.
    """

    look: int = PLAIN
    second: Colour = (0.0, 0.0, 0.0)
    scale: float = 1.0
    seed: float = 0.0
    glow: float = 0.0


def thing(kind: int, shape: tuple[float, ...], colour: Colour, surface: Surface | None = None) -> Array:
    """(17,) the row of one thing.

    Args:
        kind: `BOX` (lower corner, upper corner), `SPHERE` (centre, radius) or `CYLINDER` (foot, radius, top z) [m].
        shape: The numbers of its kind.
        colour: Of its surface.
        surface: Its pattern; plain by default.
    """
    s = surface or Surface()
    return np.array([kind, *shape, *(0.0,) * (6 - len(shape)), s.look, *colour, *s.second, s.scale, s.seed, s.glow])


@dataclass(frozen=True)
class Scenery:
    """A place without people.

    Attributes:
        things: (N, 17) rows of `thing`.
        room: (6,) lower and upper corner of the box around everything [m].
        walls: (6, 17) rows of `thing` whose shape does not matter: walls at low x, high x, low y, high y,
            floor, ceiling.
        window: (3, 3) corner and two edges of what the key light comes from [m].
        strength: Irradiance of the key light.
        sun: The key light does not fall off with distance.
        around: (3, 3) light from all sides: colour at the level of the eye, what is added above and below.
    """

    things: Array
    room: Array
    walls: Array
    window: Array
    strength: float
    sun: bool
    around: Array
