"""Procedural patterns of surfaces: noise, wood, tiles, cloth for walls, skies. Colours are linear light, 0 ... 1.

Loops are compiled by numba, which the extra ``synth`` brings; this module cannot be imported without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from videopose3d.datasets.synth.things import (
    BLOBS,
    BOARDS,
    BRICKS,
    CLOUDY,
    MOTTLED,
    PAINTING,
    PLAIN,
    RUG,
    SKY,
    STRIPES,
    TILES,
    WINDOWS,
    WOOD,
)


@njit(cache=True)
def cell_noise(i: int, j: int, k: int) -> float:
    """A number 0 ... 1 that belongs to a cell."""
    n = (i * 73856093) ^ (j * 19349663) ^ (k * 83492791)
    n = (n ^ (n >> 13)) * 1274126177 & 0x7FFFFFFF
    n = (n ^ (n >> 16)) * 668265263 & 0x7FFFFFFF
    return (n & 0xFFFFF) / 0xFFFFF


@njit(cache=True)
def noise(x: float, y: float, z: float) -> float:
    """Smooth value noise in 0 ... 1 with one cell per unit."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                total += weight * cell_noise(i + a, j + b, k + c)
    return total


@njit(cache=True)
def smoothstep(low: float, high: float, x: float) -> float:
    """0 below low, 1 above high, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True)
def _wood(x: float, y: float, tone: float, colour: Any) -> None:
    """Oak: long grain along y, rings from stretched noise."""
    grain = noise(x * 90, y * 3.0, tone * 7.0)
    rings = noise(x * 22 + 2.5 * noise(x * 6, y * 1.2, tone * 3), y * 0.9, tone * 11.0)
    fine = noise(x * 420, y * 9.0, tone * 5.0)
    light = 0.80 + 0.18 * grain + 0.22 * (rings - 0.5) + 0.14 * (fine - 0.5)
    light *= 0.82 + 0.36 * tone
    colour[0], colour[1], colour[2] = 0.36 * light, 0.215 * light, 0.115 * light


@njit(cache=True)
def _boards(x: float, y: float, colour: Any) -> None:
    """Floor boards 14 cm wide along y with staggered ends."""
    column = int(np.floor(x / 0.14))
    shift = cell_noise(column, 7, 1) * 1.9
    row = int(np.floor((y + shift) / 1.9))
    tone = cell_noise(column, row, 3)
    _wood(x + column * 3.17, y + row * 5.3, tone, colour)
    u = x / 0.14 - column
    v = (y + shift) / 1.9 - row
    edge = min(min(u, 1 - u) * 0.14, min(v, 1 - v) * 1.9)
    dark = 0.35 + 0.65 * smoothstep(0.0004, 0.0026, edge)
    for k in range(3):
        colour[k] *= dark


@njit(cache=True)
def _painting(u: float, v: float, seed: float, colour: Any) -> None:
    """An abstract landscape, u and v in 0 ... 1."""
    hill1 = 0.46 + 0.16 * (noise(u * 3.1, seed, 0.3) - 0.5) + 0.05 * np.sin(u * 5 + seed)
    hill2 = 0.30 + 0.20 * (noise(u * 2.3 + 9, seed, 1.3) - 0.5) - 0.06 * u
    sun = (u - 0.68) ** 2 * 0.55 + (v - 0.72) ** 2
    stroke = 0.88 + 0.24 * noise(u * 16, v * 60, seed)
    colour[0], colour[1], colour[2] = 0.62 - 0.16 * v, 0.50 + 0.02 * v, 0.36 + 0.26 * v
    if sun < 0.008:
        colour[0], colour[1], colour[2] = 0.80, 0.33, 0.12
    if v < hill1:
        colour[0], colour[1], colour[2] = 0.10, 0.24, 0.30
    if v < hill2:
        colour[0], colour[1], colour[2] = 0.055, 0.12, 0.13
    for k in range(3):
        colour[k] *= stroke


@njit(cache=True)
def _rug(x: float, y: float, edge: float, colour: Any) -> None:
    """Woven, with stripes along the border."""
    weave = 0.90 + 0.2 * noise(x * 160, y * 160, 0.5)
    stripe = 0.55 if 0.10 < edge < 0.135 or 0.155 < edge < 0.165 else 1.0
    for k in range(3):
        colour[k] *= weave * stripe


@njit(cache=True)
def _mix(colour: Any, second: Any, share: float) -> None:
    for k in range(3):
        colour[k] += (second[k] - colour[k]) * share


@njit(cache=True)
def _sky(direction: Any, seed: float, colour: Any, second: Any) -> None:
    """From the colour of the horizon to the second colour above, with clouds."""
    up = max(direction[2], 0.0)
    _mix(colour, second, min(1.0, up * 2.2))
    x, y = direction[0] / (up + 0.25), direction[1] / (up + 0.25)
    cloud = (
        0.6 * noise(x * 2 + seed, y * 2, seed) + 0.3 * noise(x * 5, y * 5 + seed, 1.0) + 0.1 * noise(x * 13, y * 13, 2)
    )
    cover = smoothstep(0.45, 0.75, cloud) * 0.8
    for k in range(3):
        colour[k] += (0.9 - colour[k]) * cover


@njit(cache=True)
def _tiles(u: float, v: float, seed: float, colour: Any, second: Any) -> None:
    """Squares of two colours with joints between them."""
    i, j = int(np.floor(u)), int(np.floor(v))
    if (i + j) % 2 == 1:
        _mix(colour, second, 1.0)
    tone = 0.93 + 0.14 * cell_noise(i, j, int(seed))
    edge = min(u - i, 1 - u + i, v - j, 1 - v + j)
    for k in range(3):
        colour[k] *= tone * (0.6 + 0.4 * smoothstep(0.005, 0.02, edge))


@njit(cache=True)
def _bricks(u: float, v: float, seed: float, colour: Any, second: Any) -> None:
    """Bricks of the colour, mortar of the second."""
    row = int(np.floor(v * 3))
    u += 0.5 * (row % 2)
    i = int(np.floor(u))
    tone = 0.75 + 0.5 * cell_noise(i, row, int(seed))
    edge = min(u - i, 1 - u + i, (v * 3 - row) / 3, (1 - v * 3 + row) / 3)
    for k in range(3):
        colour[k] *= tone * (0.9 + 0.2 * noise(u * 30, v * 30, seed))
    _mix(colour, second, 1 - smoothstep(0.015, 0.035, edge))


@njit(cache=True)
def _windows(u: float, v: float, seed: float, colour: Any, second: Any) -> None:
    """A front of a house with rows of windows."""
    i, j = int(np.floor(u)), int(np.floor(v))
    a, b = abs(u - i - 0.5), abs(v - j - 0.5)
    for k in range(3):
        colour[k] *= 0.95 + 0.1 * noise(u * 20, v * 20, seed)
    if a < 0.27 and b < 0.34:
        _mix(colour, second, 1.0)
        light = 0.5 + 1.0 * cell_noise(i, j, int(seed))
        for k in range(3):
            colour[k] *= light if a < 0.24 and b < 0.31 else 1.6


@njit(cache=True)
def paint_pattern(look: int, u: float, v: float, seed: float, colour: Any, second: Any) -> None:
    """Change the colour (3,) of a place u, v of a surface, in cells of the pattern."""
    if look == MOTTLED:
        mottled = 0.985 + 0.03 * noise(u * 9, v * 9, 1.0)
        for k in range(3):
            colour[k] *= mottled
    elif look == TILES:
        _tiles(u, v, seed, colour, second)
    elif look == BRICKS:
        _bricks(u, v, seed, colour, second)
    elif look == STRIPES:
        _mix(colour, second, 1.0 if u - np.floor(u) < 0.5 else 0.0)
    elif look == CLOUDY:
        share = 0.5 * noise(u, v, seed) + 0.3 * noise(u * 3.1, v * 3.1, seed) + 0.2 * noise(u * 11, v * 11, seed)
        _mix(colour, second, share)
        for k in range(3):
            colour[k] *= 0.85 + 0.3 * noise(u * 47, v * 47, seed)
    elif look == BLOBS:
        share = noise(u + 0.7 * noise(u * 2, v * 2, seed), v, seed)
        _mix(colour, second, smoothstep(0.50, 0.56, share))
    elif look == WINDOWS:
        _windows(u, v, seed, colour, second)
    elif look == BOARDS:
        _boards(u, v, colour)


@njit(cache=True)
def paint(thing: Any, p: Any, n: Any, colour: Any, second: Any) -> float:
    """Albedo of the point p with normal n of a thing (its row); gives back how much it shines by itself."""
    look, scale, seed = int(thing[7]), thing[14], thing[15]
    for k in range(3):
        colour[k], second[k] = thing[8 + k], thing[11 + k]
    if abs(n[2]) > 0.7:
        u, v = p[0], p[1]
    elif abs(n[0]) > 0.7:
        u, v = p[1], p[2]
    else:
        u, v = p[0], p[2]
    if look == WOOD:
        _wood(p[2] * 0.5 + p[1] * 0.3, p[0] * 0.6, seed, colour)
        for k in range(3):
            colour[k] *= thing[8 + k]
    elif look == PAINTING:
        if n[1] < -0.5:
            x = (p[0] - thing[1]) / (thing[4] - thing[1])
            y = (p[2] - thing[3]) / (thing[6] - thing[3])
            _painting(x, y, seed, colour)
    elif look == RUG:
        edge = min(p[0] - thing[1], thing[4] - p[0], p[1] - thing[2], thing[5] - p[1])
        _rug(p[0], p[1], edge, colour)
    elif look == SKY:
        _sky(p / (np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) + 1e-9), seed, colour, second)
    elif look != PLAIN:
        paint_pattern(look, u / scale, v / scale, seed, colour, second)
    glow: float = thing[16]
    return glow
