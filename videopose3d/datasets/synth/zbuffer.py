"""Which triangle every pixel shows, and shadows: z-buffers for the camera and for every light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from videopose3d.datasets.synth.lights import Lights
from videopose3d.datasets.synth.things import Array

NOTHING = 1e9
"""Depth where there is nothing [m]."""


@njit(cache=True)
def rasterise(points: Any, faces: Any, keep: Any, perspective: bool, x0: int, y0: int, width: int, height: int) -> Any:
    """What each pixel shows: face (H, W) or -1, two barycentric weights (H, W, 2), depth (H, W).

    Args:
        points: (V, 3) x and y [px] and depth [m].
        faces: (F, 3)
        keep: (V,) a pixel is dropped where this, interpolated, is negative (hems of clothes).
        perspective: Interpolate as a pinhole camera needs it; False for parallel light.
        x0: Left edge of the part to draw [px].
        y0: Upper edge [px].
        width: [px]
        height: [px]
    """
    index = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 2), np.float32)
    depth = np.full((height, width), NOTHING, np.float32)
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ki, kj, kk = keep[i], keep[j], keep[k]
        if ki < 0 and kj < 0 and kk < 0:
            continue
        ax, ay, az = points[i, 0] - x0, points[i, 1] - y0, points[i, 2]
        bx, by, bz = points[j, 0] - x0, points[j, 1] - y0, points[j, 2]
        cx, cy, cz = points[k, 0] - x0, points[k, 1] - y0, points[k, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-12:
            continue
        left, right = int(max(np.ceil(min(ax, bx, cx) - 0.5), 0)), int(min(max(ax, bx, cx) - 0.5, width - 1))
        top, bottom = int(max(np.ceil(min(ay, by, cy) - 0.5), 0)), int(min(max(ay, by, cy) - 0.5, height - 1))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                px, py = x + 0.5, y + 0.5
                v = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
                w = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
                u = 1 - v - w
                if u < 0 or v < 0 or w < 0:
                    continue
                if perspective:
                    z = 1 / (u / az + v / bz + w / cz)
                    u, v, w = u * z / az, v * z / bz, w * z / cz
                else:
                    z = u * az + v * bz + w * cz
                if z >= depth[y, x] or u * ki + v * kj + w * kk < 0:
                    continue
                depth[y, x] = z
                index[y, x] = f
                weights[y, x, 0], weights[y, x, 1] = v, w
    return index, weights, depth


def light_axes(direction: Array) -> Array:
    """(3, 3) rows: two axes across a light and the axis away from it (depth)."""
    up = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    across = np.cross(up, direction)
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(direction, across), -direction])


def shadow_maps(
    vertices: Array, faces: Any, keep: Array, lights: Lights, size: int, middle: Array, span: float
) -> tuple[Array, Any]:
    """Depth seen from every light: axes (L, 3, 3) and maps (L, size, size).

    Args:
        vertices: (V, 3) the person [m].
        faces: (F, 3)
        keep: (V,) see `rasterise`.
        lights: The lights.
        size: Width of a map [px].
        middle: (3,) the point in the middle of the maps [m].
        span: Width of a map [m].
    """
    axes = np.stack([light_axes(direction) for direction in lights.directions])
    maps = np.zeros((len(axes), size, size), np.float32)
    for i, basis in enumerate(axes):
        local = (vertices - middle) @ basis.T
        local[:, :2] = (local[:, :2] / span + 0.5) * size
        maps[i] = rasterise(local, faces, keep, False, 0, 0, size, size)[2]
    return axes, maps


@njit(cache=True)
def dot(a: Any, b: Any) -> float:
    """Product of two vectors (3,)."""
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@njit(cache=True)
def lit(depth: Any, x: float, y: float, z: float, bias: float) -> float:
    """How much of a light reaches a point (map pixels and depth), smooth over 2 x 2 map pixels."""
    size = depth.shape[0]
    x, y = x - 0.5, y - 0.5
    i, j = int(np.floor(x)), int(np.floor(y))
    if i < 0 or j < 0 or i >= size - 1 or j >= size - 1:
        return 1.0
    u, v = x - i, y - j
    z -= bias
    total = 0.0
    if z < depth[j, i]:
        total += (1 - u) * (1 - v)
    if z < depth[j, i + 1]:
        total += u * (1 - v)
    if z < depth[j + 1, i]:
        total += (1 - u) * v
    if z < depth[j + 1, i + 1]:
        total += u * v
    return total


@njit(cache=True)
def shade_floor(
    where: Any, inside: Any, axes: Any, maps: Any, colours: Any, count_key: int, middle: Any, span: float
) -> tuple[Any, Any]:
    """How much light from around and of the key light the person leaves to the floor: (H, W) each, 0 ... 1.

    Args:
        where: (H, W, 3) points of the floor [m].
        inside: (H, W) True where to look.
        axes: (L, 3, 3) from `shadow_maps`, as are maps, middle and span.
        maps: (L, S, S)
        colours: (L, 3) strengths of the lights.
        count_key: Number of key lights, which come first.
        middle: (3,)
        span: [m]
    """
    height, width = inside.shape
    size = maps.shape[1]
    ambient, key = np.ones((height, width)), np.ones((height, width))
    sums, p = np.zeros(4), np.zeros(3)
    for y in range(height):
        for x in range(width):
            if not inside[y, x]:
                continue
            sums[:] = 0.0
            for c in range(3):
                p[c] = where[y, x, c] - middle[c]
            for i in range(len(axes)):
                up = -axes[i, 2, 2]
                if up <= 0.02:
                    continue
                a = dot(axes[i, 0], p) / span + 0.5
                b = dot(axes[i, 1], p) / span + 0.5
                light = lit(maps[i], a * size, b * size, dot(axes[i, 2], p), 0.004)
                weight = up * colours[i, 1]
                k = 0 if i < count_key else 2
                sums[k] += weight * light
                sums[k + 1] += weight
            key[y, x] = sums[0] / max(sums[1], 1e-9)
            ambient[y, x] = sums[2] / max(sums[3], 1e-9)
    return ambient, key


@njit(cache=True)
def vertex_normals(vertices: Any, faces: Any) -> Any:
    """(V, 3) unit normals, the mean of the faces around each vertex (by area)."""
    normals = np.zeros((len(vertices), 3))
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        a0, a1, a2 = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        e0, e1, e2 = vertices[j, 0] - a0, vertices[j, 1] - a1, vertices[j, 2] - a2
        f0, f1, f2 = vertices[k, 0] - a0, vertices[k, 1] - a1, vertices[k, 2] - a2
        x, y, z = e1 * f2 - e2 * f1, e2 * f0 - e0 * f2, e0 * f1 - e1 * f0
        for v in (i, j, k):
            normals[v, 0] += x
            normals[v, 1] += y
            normals[v, 2] += z
    for v in range(len(normals)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + 1e-12
        for c in range(3):
            normals[v, c] /= length
    return normals
