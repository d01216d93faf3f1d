"""Random people: shapes of bodies, clothes, colours."""

from __future__ import annotations

import numpy as np

from videopose3d.datasets.synth.figure import HAIR, SHIRT, SHOE, SKIN, TROUSERS, Outfit
from videopose3d.datasets.synth.things import BLOBS, BRICKS, CLOUDY, STRIPES, TILES, Array, Colour

_SKINS = ((0.62, 0.40, 0.30), (0.56, 0.335, 0.235), (0.42, 0.25, 0.16), (0.27, 0.145, 0.085), (0.12, 0.062, 0.038))
_HAIRS = ((0.05, 0.03, 0.018), (0.012, 0.01, 0.009), (0.12, 0.07, 0.035), (0.42, 0.29, 0.14), (0.3, 0.3, 0.29),
          (0.22, 0.07, 0.03))  # fmt: skip
_CHILDREN = 0.12
_HEIGHT = (0.37, 0.07)
"""Mean and spread of the phenotype `height`: men of 1.76 m, women of 1.63 m, 8 cm either way (0.5 is 1.89 and 1.78)."""


def random_shape(rng: np.random.Generator) -> dict[str, float]:
    """A body: `anny`'s phenotype, 0 ... 1 each; one in eight is a child."""
    child = rng.random() < _CHILDREN
    age = rng.uniform(0.30, 0.55) if child else rng.choice([0.667, rng.uniform(0.55, 1.0)], p=[0.4, 0.6])
    spread = {name: float(np.clip(rng.normal(0.5, 0.22), 0.02, 0.98)) for name in ("muscle", "weight")}
    return {
        "gender": float(np.clip(rng.choice([0.1, 0.9]) + rng.normal(0, 0.12), 0, 1)),
        "age": float(age),
        **spread,
        "height": float(np.clip(rng.normal(*_HEIGHT), 0.18, 0.58)),
        "proportions": float(rng.uniform(0.2, 0.9)),
    }


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Sleeves, trousers or a skirt, hair."""
    return Outfit(
        sleeve=float(rng.choice([rng.uniform(0.1, 0.3), rng.uniform(0.45, 0.9), rng.uniform(1.4, 1.97)])),
        legs=float(rng.choice([1.0, rng.uniform(0.15, 0.6), rng.uniform(0.7, 0.95)], p=[0.6, 0.25, 0.15])),
        skirt=bool(rng.random() < 0.15),
        hair=int(rng.choice(3, p=[0.08, 0.62, 0.3])),
        loose=float(rng.uniform(0.3, 1.6)),
    )


def random_colours(rng: np.random.Generator) -> tuple[Array, Array]:
    """Palette and prints of `Figure`."""
    palette = np.full((6, 3), 0.6)
    skin = np.array(_SKINS[rng.integers(len(_SKINS))])
    palette[SKIN] = skin * rng.uniform(0.85, 1.15)
    palette[HAIR] = np.array(_HAIRS[rng.integers(len(_HAIRS))]) * rng.uniform(0.8, 1.2)
    prints = np.zeros((6, 6))
    for material, printed in ((SHIRT, 0.45), (TROUSERS, 0.12)):
        palette[material] = random_colour(rng)
        if rng.random() < printed:
            pattern = rng.choice([STRIPES, TILES, BLOBS, CLOUDY, BRICKS])
            prints[material] = [pattern, rng.uniform(0.03, 0.2), *random_colour(rng), rng.integers(100)]
    palette[SHOE] = random_colour(rng)
    return palette, prints


def random_colour(rng: np.random.Generator, low: float = 0.02, high: float = 0.75) -> Colour:
    """Dark colours as often as light ones, pale ones more often than strong ones."""
    value = np.exp(rng.uniform(np.log(low), np.log(high)))
    tint = rng.normal(0, 0.45, 3) * rng.random()
    r, g, b = np.clip(value * np.exp(tint - tint.mean()), 0.01, 0.85)
    return float(r), float(g), float(b)
