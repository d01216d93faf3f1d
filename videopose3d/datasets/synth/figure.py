"""A dressed person at rest, and the same person posed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from videopose3d.datasets.synth.things import Array

# Materials, painted on faces.
SKIN, SHIRT, TROUSERS, SHOE, EYE, HAIR = range(6)


@dataclass(frozen=True)
class Outfit:
    """What somebody wears.

    Attributes:
        sleeve: Where sleeves end: 0 at the shoulder, 1 at the elbow, 2 at the wrist.
        legs: Where trousers end: 0 at the hip, 1 at the ankle.
        skirt: A skirt over short trousers.
        hair: 0 bald, 1 short, 2 long.
        loose: How loose the cloth is; 1 is usual.
    """

    sleeve: float = 0.62
    legs: float = 1.0
    skirt: bool = False
    hair: int = 1
    loose: float = 1.0


@dataclass(frozen=True)
class Figure:
    """A dressed person at rest.

    Attributes:
        rest: (V, 3) vertices [m].
        canvas: (V, 3) the same scaled to one stature: where patterns are painted.
        faces: (F, 3)
        material: (F,) SKIN, SHIRT, ...
        keep: (V,) hems: a surface ends where this passes zero.
        face: (6, 3) left eye, right eye, nose, left ear, right ear; (mouth below nose, top of the sole, front of the
            ankle), on the canvas [m].
        weights: (V, J) how much each bone moves each vertex.
        palette: (6, 3) linear base colour of every material.
        prints: (6, 6) print of every material: look of `things`, size of a cell [m], second colour, seed.
    """

    rest: Array
    canvas: Array
    faces: Any
    material: Any
    keep: Array
    face: Array
    weights: Array
    palette: Array
    prints: Array

    def posed(self, rotations: Array, heads: Array, rest_heads: Array) -> Array:
        """(V, 3) vertices of one frame [m], by linear blending.

        Args:
            rotations: (J, 3, 3) turn of every bone away from its rest.
            heads: (J, 3) where the bones start [m].
            rest_heads: (J, 3) where they start at rest [m].
        """
        shift = heads - np.einsum("jab,jb->ja", rotations, rest_heads)
        moves = np.concatenate([rotations.reshape(-1, 9), shift], 1)
        blended = self.weights @ moves
        turned: Array = np.einsum("vab,vb->va", blended[:, :9].reshape(-1, 3, 3), self.rest) + blended[:, 9:]
        return turned
