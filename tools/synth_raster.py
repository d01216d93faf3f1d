"""A small renderer for synthetic clips: a ray-cast room, a z-buffered person, soft light from many shadow maps.

World axes: x right, y away from the camera, z up, metres. Colours are linear light until `to_srgb`.
A person is a triangle mesh with one material per face; cloth, skin and hair are procedural in rest coordinates,
so patterns stick to the body. Loops run in numba, on one thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Materials; `synth_clothes` paints faces with these numbers.
SKIN, SHIRT, TROUSERS, SHOE, EYE, HAIR = range(6)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that does not roll.

    Attributes:
        position: (3,) where it stands [m].
        pitch: How far it looks down [rad].
        focal: Focal length [px].
        size: Width and height of the picture [px].
    """

    position: Array
    pitch: float
    focal: float
    size: tuple[int, int]

    @property
    def rotation(self) -> Array:
        """(3, 3) world to camera axes (x right, y down, z forward)."""
        sin, cos = np.sin(self.pitch), np.cos(self.pitch)
        return np.array([[1.0, 0.0, 0.0], [0.0, -sin, -cos], [0.0, cos, -sin]])

    @property
    def center(self) -> Array:
        """(2,) principal point [px]; the origin is the corner of the picture."""
        return np.array(self.size, float) / 2

    def to_camera(self, points: Array) -> Array:
        """(..., 3) world points [m] in camera axes [m]."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: Array) -> Array:
        """(..., 2) pixels of world points (..., 3); pixel i spans [i, i + 1)."""
        p = self.to_camera(points)
        return p[..., :2] / p[..., 2:] * self.focal + self.center

    def scaled(self, factor: int) -> Camera:
        """The same view with ``factor`` times as many pixels each way."""
        width, height = self.size
        return Camera(self.position, self.pitch, self.focal * factor, (width * factor, height * factor))


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


# ---------------------------------------------------------------------------------------------------------------
# Noise and the surroundings


@njit(cache=True)
def _hash(i: int, j: int, k: int) -> float:
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
                total += weight * _hash(i + a, j + b, k + c)
    return total


@njit(cache=True)
def smoothstep(low: float, high: float, x: float) -> float:
    """0 below low, 1 above high, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True)
def _surroundings(z: float, out: Any) -> None:
    """Radiance of the room seen in a direction with upward part z: light ceiling, walls, wooden floor."""
    up = smoothstep(-0.25, 0.9, z)
    down = smoothstep(0.15, -0.9, z)
    out[0] = 0.37 + 0.25 * up - 0.20 * down
    out[1] = 0.35 + 0.28 * up - 0.235 * down
    out[2] = 0.33 + 0.32 * up - 0.265 * down


def make_lights(window: Array, target: Array, strength: float, samples: int = 16, sky: int = 22) -> Lights:
    """Key light from a window plus even light from everywhere.

    Args:
        window: (3, 3) corner and two edges of the window [m].
        target: (3,) the point that is lit [m].
        strength: Irradiance of the whole window at the target.
        samples: Number of key samples, a square number.
        sky: Number of directions of the surroundings.
    """
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
        _surroundings(direction[2], row)
    colours = np.concatenate([np.full((len(key), 3), strength / len(key)) * KEY_COLOUR, radiance * 4 / sky])
    return Lights(np.concatenate([key, around]), colours, len(key))


KEY_COLOUR = np.array([1.0, 0.96, 0.88])


# ---------------------------------------------------------------------------------------------------------------
# The room: boxes, spheres and upright cylinders by ray casting


@njit(cache=True)
def _hit_box(box: Any, o: Any, d: Any) -> tuple[float, int]:
    near, far, axis = -1e9, 1e9, 0
    for k in range(3):
        if abs(d[k]) < 1e-9:
            if o[k] < box[k] or o[k] > box[3 + k]:
                return -1.0, 0
            continue
        a, b = (box[k] - o[k]) / d[k], (box[3 + k] - o[k]) / d[k]
        if a > b:
            a, b = b, a
        if a > near:
            near, axis = a, k
        far = min(far, b)
    if near > far or near < 1e-4:
        return -1.0, 0
    return near, axis


@njit(cache=True)
def _hit_round(shape: Any, o: Any, d: Any, sphere: bool) -> float:
    """Sphere (centre, radius) or upright cylinder wall (foot x y z0, radius, z1)."""
    ox, oy, oz = o[0] - shape[0], o[1] - shape[1], o[2] - shape[2]
    a = d[0] * d[0] + d[1] * d[1] + (d[2] * d[2] if sphere else 0.0)
    b = ox * d[0] + oy * d[1] + (oz * d[2] if sphere else 0.0)
    c = ox * ox + oy * oy + (oz * oz if sphere else 0.0) - shape[3] * shape[3]
    root = b * b - a * c
    if root < 0 or a < 1e-12:
        return -1.0
    for sign in (-1.0, 1.0):
        t = (-b + sign * np.sqrt(root)) / a
        if t > 1e-4:
            z = oz + t * d[2]
            if sphere or (z >= 0 and z <= shape[4] - shape[2]):
                return t
    return -1.0


@njit(cache=True)
def _nearest(things: Any, room: Any, o: Any, d: Any, normal: Any) -> tuple[float, int]:
    """Distance and number of what a ray meets first; -1 … -6 are the room's own walls, normal is filled in."""
    best, what, axis = 1e9, 0, 0
    for k in range(3):
        if abs(d[k]) > 1e-9:
            wall = room[3 + k] if d[k] > 0 else room[k]
            t = (wall - o[k]) / d[k]
            if t < best:
                best, what, axis = t, -(k * 2 + (1 if d[k] > 0 else 0)) - 1, k
    normal[:] = 0.0
    normal[axis] = -1.0 if d[axis] > 0 else 1.0
    for i in range(len(things)):
        kind = things[i, 0]
        if kind == 0:
            t, axis = _hit_box(things[i, 1:7], o, d)
            if 0 < t < best:
                best, what = t, i
                normal[:] = 0.0
                normal[axis] = -1.0 if d[axis] > 0 else 1.0
            continue
        t = _hit_round(things[i, 1:7], o, d, kind == 1)
        if 0 < t < best:
            best, what = t, i
            for k in range(3):
                normal[k] = (o[k] + t * d[k] - things[i, 1 + k]) / things[i, 4]
            if kind == 2:
                normal[2] = 0.0
            if normal[0] * d[0] + normal[1] * d[1] + normal[2] * d[2] > 0:
                normal[:] *= -1.0
    return best, what


@njit(cache=True)
def _blocked(things: Any, o: Any, d: Any, reach: float) -> float:
    """Distance to the first thing within reach, else -1."""
    best = reach
    for i in range(len(things)):
        if things[i, 0] == 0:
            t, _ = _hit_box(things[i, 1:7], o, d)
        else:
            t = _hit_round(things[i, 1:7], o, d, things[i, 0] == 1)
        if 0 < t < best:
            best = t
    return best if best < reach else -1.0


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
    shift = _hash(column, 7, 1) * 1.9
    row = int(np.floor((y + shift) / 1.9))
    tone = _hash(column, row, 3)
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
def _paint(things: Any, what: int, p: Any, n: Any, colour: Any) -> float:
    """Albedo of a point of the room; gives back how much it shines by itself."""
    if what == -5:
        _boards(p[0], p[1], colour)
        return 0.0
    if what < 0:
        mottled = 0.985 + 0.03 * noise(p[0] * 9 + p[1] * 9, p[2] * 9, 1.0)
        colour[0], colour[1], colour[2] = 0.68 * mottled, 0.625 * mottled, 0.52 * mottled
        if what == -6:
            colour[0], colour[1], colour[2] = 0.78, 0.77, 0.75
            return 0.34
        return 0.0
    look = int(things[what, 7])
    for k in range(3):
        colour[k] = things[what, 8 + k]
    if look == 1:
        _wood(p[2] * 0.5 + p[1] * 0.3, p[0] * 0.6, things[what, 11], colour)
        for k in range(3):
            colour[k] *= things[what, 8 + k]
    if look == 2 and n[1] < -0.5:
        u = (p[0] - things[what, 1]) / (things[what, 4] - things[what, 1])
        v = (p[2] - things[what, 3]) / (things[what, 6] - things[what, 3])
        _painting(u, v, things[what, 11], colour)
    if look == 3:
        weave = 0.90 + 0.2 * noise(p[0] * 160, p[1] * 160, 0.5)
        x = min(p[0] - things[what, 1], things[what, 4] - p[0])
        y = min(p[1] - things[what, 2], things[what, 5] - p[1])
        edge = min(x, y)
        stripe = 0.55 if 0.10 < edge < 0.135 or 0.155 < edge < 0.165 else 1.0
        for k in range(3):
            colour[k] *= weave * stripe
    return things[what, 12]


@njit(cache=True)
def _light_point(
    things: Any, window: Any, strength: float, p: Any, n: Any, seed: int, rays: int, key: Any, around: Any
) -> None:
    """Key and surrounding irradiance of a point, by jittered rays; fills the colours key and around."""
    d, radiance = np.zeros(3), np.zeros(3)
    o = p + n * 2e-3
    key[:], around[:] = 0.0, 0.0
    middle = window[0] + 0.5 * (window[1] + window[2])
    side = int(np.sqrt(rays))
    for i in range(rays):
        r1 = ((i % side) + _hash(seed, i, 11)) / side
        r2 = ((i // side) + _hash(seed, i, 12)) / side
        d[:] = window[0] + r1 * window[1] + r2 * window[2] - o
        far = np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
        d[:] /= far
        facing = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
        if facing > 0 and _blocked(things, o, d, far - 0.02) < 0:
            fall = 11.0 / (far * far + 2.0) * min(1.0, 0.35 - d[0])
            key[:] += strength * max(fall, 0.0) * facing / rays
        turn, lift = 2 * np.pi * r1, np.sqrt(r2)
        # A cosine-weighted direction about the normal, by any basis across it.
        a = np.array([0.0, 0.0, 1.0]) if abs(n[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        t1 = np.cross(n, a)
        t1 /= np.sqrt(t1[0] ** 2 + t1[1] ** 2 + t1[2] ** 2)
        t2 = np.cross(n, t1)
        d[:] = lift * np.cos(turn) * t1 + lift * np.sin(turn) * t2 + np.sqrt(1 - r2) * n
        _surroundings(d[2], radiance)
        t = _blocked(things, o, d, 1.2)
        open_part = 1.0 if t < 0 else 0.25 + 0.6 * smoothstep(0.0, 1.2, t)
        around[:] += radiance * open_part / rays
    # Corners of the room are darker and walls grow lighter towards the window.
    near = max(0.3, 1.15 - 0.055 * np.sqrt(((p - middle) ** 2).sum()))
    around[:] *= near


@njit(cache=True)
def cast_room(
    things: Any, room: Any, window: Any, strength: float, view: Any, focal: float, width: int, height: int, rays: int
) -> tuple[Any, Any, Any]:
    """The empty room: light from around and from the window (H, W, 3) each, and where the points lie (H, W, 3).

    Args:
        things: (N, 13) kind, six numbers of its shape, look, colour, seed, own light; see `make_room` of the script.
        room: (6,) lower and upper corner of the room [m].
        window: (3, 3) corner and edges of the window [m].
        strength: Irradiance scale of the window.
        view: (4, 3) camera position, then the rows of its rotation.
        focal: [px]
        width: [px]
        height: [px]
        rays: Rays per pixel for light and shade, a square number.
    """
    ambient = np.zeros((height, width, 3))
    direct = np.zeros((height, width, 3))
    where = np.zeros((height, width, 3))
    normal, colour, key, around = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    normal2, colour2, key2, around2 = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    d = np.zeros(3)
    for y in range(height):
        for x in range(width):
            u, v = (x + 0.5 - width / 2) / focal, (y + 0.5 - height / 2) / focal
            d[:] = u * view[1] + v * view[2] + view[3]
            d[:] /= np.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
            t, what = _nearest(things, room, view[0], d, normal)
            p = view[0] + t * d
            where[y, x] = p
            glow = _paint(things, what, p, normal, colour)
            _light_point(things, window, strength, p, normal, y * width + x, rays, key, around)
            corner = 1.0
            for k in range(3):
                if abs(normal[k]) < 0.5 and what < 0:
                    gap = min(p[k] - room[k], room[3 + k] - p[k])
                    corner *= 0.72 + 0.28 * smoothstep(-0.15, 0.9, gap)
            ambient[y, x] = colour * around * corner + colour * glow
            direct[y, x] = colour * key
            if what == -5:
                # A varnished floor mirrors the room faintly, more so at a flat angle.
                fresnel = 0.03 + 0.45 * (1 - abs(d[2])) ** 5
                d[2] = -d[2]
                t, what = _nearest(things, room, p + normal * 1e-3, d, normal2)
                q = p + t * d
                glow = _paint(things, what, q, normal2, colour2)
                _light_point(things, window, strength, q, normal2, y * width + x, 4, key2, around2)
                ambient[y, x] += fresnel * colour2 * (around2 + key2 + glow)
    return ambient, direct, where


# ---------------------------------------------------------------------------------------------------------------
# The person: z-buffer and shading


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
    depth = np.full((height, width), 1e9, np.float32)
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
def _dot(a: Any, b: Any) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True)
def _lit(depth: Any, x: float, y: float, z: float, bias: float) -> float:
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
                a = _dot(axes[i, 0], p) / span + 0.5
                b = _dot(axes[i, 1], p) / span + 0.5
                lit = _lit(maps[i], a * size, b * size, _dot(axes[i, 2], p), 0.004)
                weight = up * colours[i, 1]
                k = 0 if i < count_key else 2
                sums[k] += weight * lit
                sums[k + 1] += weight
            key[y, x] = sums[0] / max(sums[1], 1e-9)
            ambient[y, x] = sums[2] / max(sums[3], 1e-9)
    return ambient, key


@njit(cache=True)
def _cloth(rest: Any, base: Any, scale: float, n: Any, colour: Any) -> None:
    """Woven cloth: faint weave, slow change of tone, folds that bend the normal."""
    x, y, z = rest[0], rest[1], rest[2]
    weave = 0.93 + 0.14 * noise(x * 420, y * 420, z * 420)
    tone = 0.96 + 0.08 * noise(x * 9, y * 9, z * 9)
    for k in range(3):
        colour[k] = base[k] * weave * tone
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
    return long_one * 1.0 + 0.4 * noise(x * 30 + bend, y * 30, z * 24)


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
def _faces_away(a: Any, b: Any, c: Any, view: Any) -> bool:
    """True for a triangle seen from its back (the inside of a sleeve)."""
    e = b - a
    f = c - a
    x = e[1] * f[2] - e[2] * f[1]
    y = e[2] * f[0] - e[0] * f[2]
    z = e[0] * f[1] - e[1] * f[0]
    return x * view[0] + y * view[1] + z * view[2] < 0


@njit(cache=True)
def shade_person(
    index: Any, weights: Any, faces: Any, material: Any, vertices: Any, normals: Any, rest: Any, face: Any,
    palette: Any, eye_point: Any, directions: Any, colours: Any, axes: Any, maps: Any, middle: Any, span: float,
) -> tuple[Any, Any]:  # fmt: skip
    """Colour (H, W, 3) and cover (H, W) of the pixels that show the person.

    Args:
        index: (H, W) face per pixel, from `rasterise`, as are weights.
        weights: (H, W, 2)
        faces: (F, 3)
        material: (F,) SKIN, SHIRT, ...
        vertices: (V, 3) posed [m].
        normals: (V, 3) posed.
        rest: (V, 3) where the vertices lie at rest [m].
        face: (6, 3) points of face and shoes at rest [m], see `synth_clothes.Figure`.
        palette: (6, 3) base colour of every material.
        eye_point: (3,) camera position [m].
        directions: (L, 3) of the lights.
        colours: (L, 3) of the lights.
        axes: (L, 3, 3) from `shadow_maps`, as are maps, middle and span.
        maps: (L, S, S)
        middle: (3,)
        span: [m]
    """
    height, width = index.shape
    size = maps.shape[1]
    image = np.zeros((height, width, 3))
    cover = np.zeros((height, width))
    n, p, q, colour, total = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    view, half, gloss, o = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
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
            for c in range(3):
                view[c] = eye_point[c] - p[c]
            view /= np.sqrt(_dot(view, view))
            n /= np.sqrt(_dot(n, n)) + 1e-12
            inner = _faces_away(vertices[i], vertices[j], vertices[k], view)
            if inner:
                n *= -1.0
            away = _dot(n, view)
            if away < 0.02:
                # At the outline a smooth normal may point behind; bend it back to the edge.
                n -= (away - 0.02) * view
            for c in range(3):
                o[c] = p[c] - middle[c] + n[c] * 0.006
            m = material[f]
            shine, sharp, wrap = 0.02, 12.0, 0.0
            if m == SKIN:
                _skin_colour(q, face, palette[SKIN], palette[HAIR], colour)
                shine, sharp, wrap = 0.05, 18.0, 0.22
            elif m in (SHIRT, TROUSERS):
                _cloth(q, palette[m], 0.016 if m == SHIRT else 0.013, n, colour)
                if m == TROUSERS:
                    colour *= 0.9 + 0.35 * noise(q[0] * 5, q[1] * 5, q[2] * 4)
                shine = 0.015
            elif m == SHOE:
                if q[2] < face[5, 1]:
                    colour[:] = 0.68
                else:
                    for c in range(3):
                        weave = noise(q[0] * 200, q[1] * 200, q[2] * 200)
                        colour[c] = palette[SHOE, c] * (0.92 + 0.16 * weave)
                    lace = abs(((q[1] * 62.0) % 1.0) - 0.5) < 0.16
                    if lace and q[2] > face[5, 1] + 0.035 and q[1] < face[5, 2]:
                        colour[:] = 0.62
                shine, sharp = 0.05, 20.0
            elif m == EYE:
                _eye_colour(q, face, colour)
                shine, sharp = 0.35, 90.0
            else:
                _hair_colour(q, face, palette[HAIR], n, colour)
                shine, sharp = 0.06, 14.0
            n /= np.sqrt(_dot(n, n)) + 1e-12
            total[:], gloss[:] = 0.0, 0.0
            for s in range(len(directions)):
                facing = _dot(n, directions[s])
                soft = (facing + wrap) / ((1 + wrap) * (1 + wrap))
                if soft <= 0:
                    continue
                a = (_dot(axes[s, 0], o) / span + 0.5) * size
                b = (_dot(axes[s, 1], o) / span + 0.5) * size
                lit = _lit(maps[s], a, b, _dot(axes[s, 2], o), 0.006)
                if lit <= 0:
                    continue
                # Light that travels under the skin is red: the other colours end sooner.
                short = soft * 0.6 + max(facing, 0.0) * 0.4 if wrap > 0 else soft
                total[0] += lit * soft * colours[s, 0]
                total[1] += lit * short * colours[s, 1]
                total[2] += lit * short * colours[s, 2]
                for c in range(3):
                    half[c] = directions[s, c] + view[c]
                cosine = _dot(n, half) / (np.sqrt(_dot(half, half)) + 1e-9)
                if cosine > 0.5 and facing > 0:
                    spot = cosine**sharp * (sharp + 8) / 25.0 * lit * shine * facing
                    for c in range(3):
                        gloss[c] += spot * colours[s, c]
            for c in range(3):
                image[y, x, c] = colour[c] * max(total[c], 0.16) + gloss[c]
            cover[y, x] = 1.0
    return image, cover


def vertex_normals(vertices: Array, faces: Any) -> Array:
    """(V, 3) unit normals, the mean of the faces around each vertex (by area)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(faces[:, k], face_normals[:, axis], len(vertices))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def blur(image: Array, radius: int) -> Array:
    """(H, W) mean over (2 radius + 1)² pixels, done twice so that no box shows."""
    for _ in range(2):
        for axis in (0, 1):
            wide = [(radius + 1, radius) if k == axis else (0, 0) for k in (0, 1)]
            padded = np.pad(image, wide, mode="edge")
            sums = np.cumsum(padded, axis)
            high = np.take(sums, np.arange(2 * radius + 1, padded.shape[axis]), axis)
            low = np.take(sums, np.arange(0, padded.shape[axis] - 2 * radius - 1), axis)
            image = (high - low) / (2 * radius + 1)
    return image


def shrink(image: Array, factor: int) -> Array:
    """Mean of factor x factor pixels."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    return image.reshape(height, factor, width, factor, *image.shape[2:]).mean((1, 3))


def to_srgb(image: Array, exposure: float) -> NDArray[np.uint8]:
    """Linear light to 8-bit sRGB with a soft shoulder for the highlights."""
    x = np.maximum(image * exposure, 0)
    x = x * (1 + x / 6.0) / (1 + x * 0.38)
    x = np.minimum(x, 1)
    low = x <= 0.0031308
    out = np.where(low, 12.92 * x, 1.055 * np.power(np.maximum(x, 1e-9), 1 / 2.4) - 0.055)
    return np.rint(out * 255).astype(np.uint8)
