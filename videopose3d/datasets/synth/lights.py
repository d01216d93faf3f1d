"""Directional lights on people: samples of a key light, and the light from all sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videopose3d.datasets.synth.cast import surroundings
from videopose3d.datasets.synth.things import Array, Scenery

KEY_COLOUR = np.array([1.0, 0.96, 0.88])


@dataclass(frozen=True)
class Lights:
    """Directional lights of a person: `count_key` samples of the key light first, then its surroundings.

    Attributes:
        directions: (L, 3) unit vectors towards the light.
        colours: (L, 3) irradiance on a surface that faces the light.
        count_key: How many of them belong to the key light.
    """

    directions: Array
    colours: Array
    count_key: int


def make_lights(scenery: Scenery, target: Array, strength: float, samples: int = 16, sky: int = 22) -> Lights:
    """Key light from the window plus the light from everywhere.

    Args:
        scenery: The place.
        target: (3,) the point that is lit [m].
        strength: Irradiance of the whole window at the target.
        samples: Number of key samples, a square number.
        sky: Number of directions of the surroundings.
    """
    window = scenery.window
    side = int(np.sqrt(samples))
    grid = (np.arange(side) + 0.5) / side
    points = window[0] + grid[:, None, None] * window[1] + grid[None, :, None] * window[2]
    key = points.reshape(-1, 3) - target
    key /= np.linalg.norm(key, axis=1, keepdims=True)
    i = np.arange(sky) + 0.5
    z = 1 - 2 * i / sky
    turn = np.pi * (1 + 5**0.5) * i
    flat = np.sqrt(1 - z * z)
    around = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)
    radiance = np.zeros((sky, 3))
    for row, direction in zip(radiance, around, strict=True):
        surroundings(scenery.around, direction[2], row)
    colours = np.concatenate([np.full((len(key), 3), strength / len(key)) * KEY_COLOUR, radiance * 4 / sky])
    return Lights(np.concatenate([key, around]), colours, len(key))
