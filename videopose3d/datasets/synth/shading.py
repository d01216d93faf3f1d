"""Light on the pixels that show a person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from videopose3d.datasets.synth.figure import Figure
from videopose3d.datasets.synth.lights import Lights
from videopose3d.datasets.synth.materials import colour_of
from videopose3d.datasets.synth.things import Array
from videopose3d.datasets.synth.zbuffer import dot, lit


@njit(cache=True)
def _faces_away(a: Any, b: Any, c: Any, view: Any) -> bool:
    """True for a triangle seen from its back (the inside of a sleeve)."""
    e = b - a
    f = c - a
    x = e[1] * f[2] - e[2] * f[1]
    y = e[2] * f[0] - e[0] * f[2]
    z = e[0] * f[1] - e[1] * f[0]
    return bool(x * view[0] + y * view[1] + z * view[2] < 0)


@njit(cache=True)
def _light_up(
    p: Any, n: Any, view: Any, shine: float, sharp: float, wrap: float, directions: Any, colours: Any, axes: Any,
    maps: Any, middle: Any, span: float, total: Any, gloss: Any,
) -> None:  # fmt: skip
    """Fill in the light that falls on a place, and its gloss."""
    size = maps.shape[1]
    half, o = np.zeros(3), np.zeros(3)
    for c in range(3):
        o[c] = p[c] - middle[c] + n[c] * 0.006
    total[:], gloss[:] = 0.0, 0.0
    for s in range(len(directions)):
        facing = dot(n, directions[s])
        soft = (facing + wrap) / ((1 + wrap) * (1 + wrap))
        if soft <= 0:
            continue
        a = (dot(axes[s, 0], o) / span + 0.5) * size
        b = (dot(axes[s, 1], o) / span + 0.5) * size
        light = lit(maps[s], a, b, dot(axes[s, 2], o), 0.006)
        if light <= 0:
            continue
        # Light that travels under the skin is red: the other colours end sooner.
        short = soft * 0.6 + max(facing, 0.0) * 0.4 if wrap > 0 else soft
        total[0] += light * soft * colours[s, 0]
        total[1] += light * short * colours[s, 1]
        total[2] += light * short * colours[s, 2]
        for c in range(3):
            half[c] = directions[s, c] + view[c]
        cosine = dot(n, half) / (np.sqrt(dot(half, half)) + 1e-9)
        if cosine > 0.5 and facing > 0:
            spot = cosine**sharp * (sharp + 8) / 25.0 * light * shine * facing
            for c in range(3):
                gloss[c] += spot * colours[s, c]


@njit(cache=True)
def _shade(
    index: Any, weights: Any, faces: Any, material: Any, vertices: Any, normals: Any, rest: Any, face: Any,
    palette: Any, prints: Any, eye_point: Any, directions: Any, colours: Any, axes: Any, maps: Any, middle: Any,
    span: float,
) -> Any:  # fmt: skip
    height, width = index.shape
    image = np.zeros((height, width, 3), np.float32)
    n, p, q, colour, total = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    view, gloss, second = np.zeros(3), np.zeros(3), np.zeros(3)
    for y in range(height):
        for x in range(width):
            f = index[y, x]
            if f < 0:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            v, w = weights[y, x, 0], weights[y, x, 1]
            u = 1 - v - w
            for c in range(3):
                p[c] = u * vertices[i, c] + v * vertices[j, c] + w * vertices[k, c]
                n[c] = u * normals[i, c] + v * normals[j, c] + w * normals[k, c]
                q[c] = u * rest[i, c] + v * rest[j, c] + w * rest[k, c]
                view[c] = eye_point[c] - p[c]
            view /= np.sqrt(dot(view, view))
            n /= np.sqrt(dot(n, n)) + 1e-12
            if _faces_away(vertices[i], vertices[j], vertices[k], view):
                n *= -1.0
            away = dot(n, view)
            if away < 0.02:
                # At the outline a smooth normal may point behind; bend it back to the edge.
                n -= (away - 0.02) * view
            flat = n.copy()
            shine, sharp, wrap = colour_of(material[f], q, face, palette, prints, n, colour, second)
            n /= np.sqrt(dot(n, n)) + 1e-12
            p += (flat - n) * 0.006  # shadows start above the unbent surface
            _light_up(p, n, view, shine, sharp, wrap, directions, colours, axes, maps, middle, span, total, gloss)
            for c in range(3):
                image[y, x, c] = colour[c] * max(total[c], 0.16) + gloss[c]
    return image


def shade_person(
    index: Any, weights: Any, figure: Figure, vertices: Array, normals: Array, eye_point: Array, lights: Lights,
    shadows: tuple[Array, Any, Array, float],
) -> Any:  # fmt: skip
    """Colour (H, W, 3) of the pixels that show the person.

    Args:
        index: (H, W) face per pixel, from `zbuffer.rasterise`, as are weights (H, W, 2).
        weights: See index.
        figure: The dressed person.
        vertices: (V, 3) posed [m].
        normals: (V, 3) posed.
        eye_point: (3,) camera position [m].
        lights: The lights.
        shadows: Axes and maps of `zbuffer.shadow_maps`, and their middle and span.
    """
    return _shade(
        index, weights, figure.faces, figure.material, vertices, normals, figure.canvas, figure.face, figure.palette,
        figure.prints, eye_point, lights.directions, lights.colours, *shadows,
    )  # fmt: skip
