"""Skin, hair, eyes, cloth and shoes: the colour of a place of a dressed body, in rest coordinates [m].

Patterns are painted where the body is at rest, so that they stick to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from videopose3d.datasets.synth.figure import HAIR, SHIRT, SHOE, SKIN, TROUSERS
from videopose3d.datasets.synth.textures import noise, paint_pattern, smoothstep


@njit(cache=True)
def _cloth(rest: Any, base: Any, print_: Any, scale: float, n: Any, colour: Any, second: Any) -> None:
    """Woven cloth: faint weave, slow change of tone, a print, folds that bend the normal."""
    x, y, z = rest[0], rest[1], rest[2]
    weave = 0.93 + 0.14 * noise(x * 420, y * 420, z * 420)
    tone = 0.96 + 0.08 * noise(x * 9, y * 9, z * 9)
    for k in range(3):
        colour[k], second[k] = base[k], print_[2 + k]
    if print_[0] > 0:
        paint_pattern(int(print_[0]), (x + 0.6 * y) / print_[1], z / print_[1], print_[5], colour, second)
    for k in range(3):
        colour[k] *= weave * tone
    step = 0.004
    here = _folds(x, y, z)
    n[0] -= scale * (_folds(x + step, y, z) - here) / step
    n[1] -= scale * (_folds(x, y + step, z) - here) / step
    n[2] -= scale * (_folds(x, y, z + step) - here) / step


@njit(cache=True)
def _folds(x: float, y: float, z: float) -> float:
    """Height of slanted folds, about 5 cm apart."""
    bend = noise(x * 7 + 3, y * 7, z * 5) * 1.6
    long_one = noise(x * 13 + bend + z * 5, y * 13 + bend, z * 9 - x * 7)
    height: float = long_one * 1.0 + 0.4 * noise(x * 30 + bend, y * 30, z * 24)
    return height


@njit(cache=True)
def _skin_colour(rest: Any, face: Any, tone: Any, hair: Any, colour: Any) -> None:
    """Skin with lips, brows, lash lines and a shaven shade; face holds head points at rest (eyes, nose, ears)."""
    blotch = 0.94 + 0.12 * noise(rest[0] * 60, rest[1] * 60, rest[2] * 60)
    for k in range(3):
        colour[k] = tone[k] * blotch
    eye_l, eye_r, nose = face[0], face[1], face[2]
    eye = eye_l if rest[0] > 0 else eye_r
    side = 1.0 if rest[0] > 0 else -1.0
    dx, dz = (rest[0] - eye[0]) * side, rest[2] - eye[2]
    front = nose[1] + 0.085
    if rest[1] > front:
        return
    # Warmer cheeks.
    warm = np.exp(-(((dx - 0.004) / 0.022) ** 2) - ((dz + 0.036) / 0.018) ** 2)
    colour[1] *= 1 - 0.14 * warm
    colour[2] *= 1 - 0.17 * warm
    brow = dz - 0.0205 + 14.0 * (dx - 0.004) ** 2
    dark = np.exp(-((brow / 0.0042) ** 2)) * smoothstep(-0.024, -0.014, dx) * smoothstep(0.032, 0.018, dx)
    lash = np.exp(-(((dz - 0.0068 + 9 * dx * dx) / 0.0026) ** 2)) * smoothstep(0.021, 0.015, abs(dx))
    dark = max(dark * 0.82, lash * 0.8)
    shadow = 0.16 * np.exp(-((dx / 0.02) ** 2) - (dz / 0.011) ** 2)
    for k in range(3):
        colour[k] = colour[k] * (1 - dark) * (1 - shadow) + hair[k] * 0.7 * dark
    mx, mz = rest[0], rest[2] - (nose[2] - face[5, 0])
    upper = np.exp(-((mx / 0.021) ** 4) - ((mz - 0.0052) / 0.0046) ** 2)
    lower = np.exp(-((mx / 0.018) ** 4) - ((mz + 0.0065) / 0.0062) ** 2)
    lips = min(1.0, upper + lower)
    line = np.exp(-((mx / 0.021) ** 4) - ((mz + 0.0005) / 0.0016) ** 2)
    for k, share in enumerate((0.90, 0.58, 0.58)):
        colour[k] *= 1 - lips * (1 - share)
        colour[k] *= 1 - 0.55 * line
    beard = smoothstep(0.0, -0.03, rest[2] - nose[2]) * 0.10
    for k in range(3):
        colour[k] *= 1 - beard


@njit(cache=True)
def _hair_colour(rest: Any, face: Any, base: Any, n: Any, colour: Any) -> None:
    """Short hair: strands that run from the crown, fine light and dark streaks."""
    ear = 0.5 * (face[3] + face[4])
    dx, dy, dz = rest[0] - ear[0], rest[1] - ear[1] + 0.01, rest[2] - ear[2]
    around = np.arctan2(dx, dy)
    down = np.sqrt(dx * dx + dy * dy)
    strand = noise(around * 34 + 3 * noise(around * 5, dz * 22, 1.0), dz * 26 + down * 12, 2.0)
    lock = noise(around * 11 + 2 * noise(around * 3, dz * 16, 4.0), dz * 13, 5.0)
    light = 0.45 + 0.75 * strand + 0.5 * lock
    for k in range(3):
        colour[k] = base[k] * light
    n[0] += 0.55 * (strand - 0.5) * np.cos(around) + 0.35 * (lock - 0.5)
    n[1] -= 0.55 * (strand - 0.5) * np.sin(around)
    n[2] += 0.35 * (lock - 0.5)


@njit(cache=True)
def _eye_colour(rest: Any, face: Any, colour: Any) -> None:
    """White, iris and pupil by the distance from the eye's axis (it looks along -y)."""
    eye = face[0] if rest[0] > 0 else face[1]
    r = np.sqrt((rest[0] - eye[0]) ** 2 + (rest[2] - eye[2] - 0.0005) ** 2)
    colour[0], colour[1], colour[2] = 0.66, 0.63, 0.60
    if r < 0.0064:
        colour[0], colour[1], colour[2] = 0.10, 0.07, 0.045
    if r < 0.0028:
        colour[:] = 0.012


@njit(cache=True)
def _shoe_colour(rest: Any, face: Any, base: Any, colour: Any) -> None:
    """Light sole, woven upper, laces."""
    if rest[2] < face[5, 1]:
        colour[:] = 0.68
        return
    weave = noise(rest[0] * 200, rest[1] * 200, rest[2] * 200)
    for c in range(3):
        colour[c] = base[c] * (0.92 + 0.16 * weave)
    lace = abs(((rest[1] * 62.0) % 1.0) - 0.5) < 0.16
    if lace and rest[2] > face[5, 1] + 0.035 and rest[1] < face[5, 2]:
        colour[:] = 0.62


@njit(cache=True)
def colour_of(
    material: int, rest: Any, face: Any, palette: Any, prints: Any, n: Any, colour: Any, second: Any
) -> tuple[float, float, float]:
    """Fill in the colour of a place and bend its normal; gives back shine, its sharpness and how soft light wraps.

    Args:
        material: SKIN, SHIRT, ...
        rest: (3,) where the place is at rest [m].
        face: (6, 3) points of face and shoes at rest [m], see `figure.Figure`.
        palette: (6, 3) base colour of every material.
        prints: (6, 6) print of every material: look, size [m], second colour, seed.
        n: (3,) the normal.
        colour: (3,) to be filled.
        second: (3,) scratch.
    """
    if material == SKIN:
        _skin_colour(rest, face, palette[SKIN], palette[HAIR], colour)
        return 0.05, 18.0, 0.22
    if material in (SHIRT, TROUSERS):
        scale = 0.016 if material == SHIRT else 0.013
        _cloth(rest, palette[material], prints[material], scale, n, colour, second)
        if material == TROUSERS:
            colour *= 0.9 + 0.35 * noise(rest[0] * 5, rest[1] * 5, rest[2] * 4)
        return 0.015, 12.0, 0.0
    if material == SHOE:
        _shoe_colour(rest, face, palette[SHOE], colour)
        return 0.05, 20.0, 0.0
    if material == HAIR:
        _hair_colour(rest, face, palette[HAIR], n, colour)
        return 0.06, 14.0, 0.0
    _eye_colour(rest, face, colour)
    return 0.35, 90.0, 0.0
