"""The place without people, by ray casting: colour and distance of every pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from videopose3d.datasets.synth.camera import View
from videopose3d.datasets.synth.textures import cell_noise, paint, smoothstep
from videopose3d.datasets.synth.things import BOX, CYLINDER, SPHERE, Array, Scenery


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
                return float(t)
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
        if kind == BOX:
            t, axis = _hit_box(things[i, 1:7], o, d)
            if 0 < t < best:
                best, what = t, i
                normal[:] = 0.0
                normal[axis] = -1.0 if d[axis] > 0 else 1.0
            continue
        t = _hit_round(things[i, 1:7], o, d, kind == SPHERE)
        if 0 < t < best:
            best, what = t, i
            for k in range(3):
                normal[k] = (o[k] + t * d[k] - things[i, 1 + k]) / things[i, 4]
            if kind == CYLINDER:
                normal[2] = 0.0
            if normal[0] * d[0] + normal[1] * d[1] + normal[2] * d[2] > 0:
                normal[:] *= -1.0
    return best, what


@njit(cache=True)
def _blocked(things: Any, o: Any, d: Any, reach: float) -> float:
    """Distance to the first thing within reach, else -1."""
    best = reach
    for i in range(len(things)):
        if things[i, 0] == BOX:
            t, _ = _hit_box(things[i, 1:7], o, d)
        else:
            t = _hit_round(things[i, 1:7], o, d, things[i, 0] == SPHERE)
        if 0 < t < best:
            best = t
    return best if best < reach else -1.0


@njit(cache=True)
def surroundings(around: Any, z: float, out: Any) -> None:
    """Radiance of the place seen in a direction with upward part z: around is that of `Scenery`."""
    up, down = smoothstep(-0.25, 0.9, z), smoothstep(0.15, -0.9, z)
    for k in range(3):
        out[k] = around[0, k] + around[1, k] * up + around[2, k] * down


@njit(cache=True)
def _window_ray(window: Any, o: Any, r1: float, r2: float, d: Any) -> float:
    """Direction d from o to a place of the window, and how far it is."""
    far = 0.0
    for k in range(3):
        d[k] = window[0, k] + r1 * window[1, k] + r2 * window[2, k] - o[k]
        far += d[k] * d[k]
    far = np.sqrt(far)
    for k in range(3):
        d[k] /= far
    return float(far)


@njit(cache=True)
def _from_window(window: Any, sun: bool, d: Any, far: float) -> float:
    """How much of the window's light comes along d from so far."""
    if sun:
        return 1.0
    face = np.cross(window[1], window[2])
    face /= np.sqrt(face[0] ** 2 + face[1] ** 2 + face[2] ** 2)
    towards = -(d[0] * face[0] + d[1] * face[1] + d[2] * face[2])
    return float(max(11.0 / (far * far + 2.0) * min(1.0, 0.35 + towards), 0.0))


@njit(cache=True)
def _light_plainly(
    things: Any, window: Any, strength: float, sun: bool, around: Any, p: Any, n: Any, key: Any, soft: Any
) -> None:
    """Key and surrounding light of a point: one ray to the middle of the window."""
    d = np.zeros(3)
    o = p + n * 2e-3
    far = _window_ray(window, o, 0.5, 0.5, d)
    facing = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
    key[:] = 0.0
    if facing > 0 and _blocked(things, o, d, far - 0.02) < 0:
        key[:] = strength * facing * _from_window(window, sun, d, far)
    surroundings(around, n[2], soft)


@njit(cache=True)
def _light_point(
    things: Any, window: Any, strength: float, sun: bool, around: Any, p: Any, n: Any, seed: int, rays: int, key: Any,
    soft: Any,
) -> None:  # fmt: skip
    """Key and surrounding irradiance of a point, by jittered rays; fills the colours key and soft."""
    if rays < 1:
        _light_plainly(things, window, strength, sun, around, p, n, key, soft)
        return
    d, radiance = np.zeros(3), np.zeros(3)
    o = p + n * 2e-3
    key[:], soft[:] = 0.0, 0.0
    middle = window[0] + 0.5 * (window[1] + window[2])
    side = int(np.sqrt(rays))
    # A cosine-weighted direction about the normal, by any basis across it.
    a = np.array([0.0, 0.0, 1.0]) if abs(n[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    t1 = np.cross(n, a)
    t1 /= np.sqrt(t1[0] ** 2 + t1[1] ** 2 + t1[2] ** 2)
    t2 = np.cross(n, t1)
    for i in range(rays):
        r1 = ((i % side) + cell_noise(seed, i, 11)) / side
        r2 = ((i // side) + cell_noise(seed, i, 12)) / side
        far = _window_ray(window, o, r1, r2, d)
        facing = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
        if facing > 0 and _blocked(things, o, d, far - 0.02) < 0:
            key[:] += strength * _from_window(window, sun, d, far) * facing / rays
        turn, lift = 2 * np.pi * r1, np.sqrt(r2)
        d[:] = lift * np.cos(turn) * t1 + lift * np.sin(turn) * t2 + np.sqrt(1 - r2) * n
        surroundings(around, d[2], radiance)
        t = _blocked(things, o, d, 1.2)
        open_part = 1.0 if t < 0 else 0.25 + 0.6 * smoothstep(0.0, 1.2, t)
        soft[:] += radiance * open_part / rays
    # Walls grow lighter towards the window.
    if not sun:
        soft[:] *= max(0.3, 1.15 - 0.055 * np.sqrt(((p - middle) ** 2).sum()))


@njit(cache=True)
def _row(things: Any, walls: Any, what: int) -> Any:
    return things[what] if what >= 0 else walls[-what - 1]


@njit(cache=True)
def _corners(room: Any, p: Any, normal: Any) -> float:
    """Corners of a room are darker."""
    dark = 1.0
    for k in range(3):
        if abs(normal[k]) < 0.5:
            dark *= 0.72 + 0.28 * smoothstep(-0.15, 0.9, min(p[k] - room[k], room[3 + k] - p[k]))
    return dark


@njit(cache=True)
def _cast(
    things: Any, room: Any, walls: Any, window: Any, strength: float, sun: bool, around: Any, view: Any, focal: float,
    width: int, height: int, rays: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    shape = (height, width, 3)
    ambient, direct, where = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    normal, colour, second, key, soft = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    normal2, d = np.zeros(3), np.zeros(3)
    for y in range(height):
        for x in range(width):
            u, v = (x + 0.5 - width / 2) / focal, (y + 0.5 - height / 2) / focal
            d[:] = u * view[1] + v * view[2] + view[3]
            d[:] /= np.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
            t, what = _nearest(things, room, view[0], d, normal)
            p = view[0] + t * d
            where[y, x] = p
            glow = paint(_row(things, walls, what), p, normal, colour, second)
            if glow >= 1.0:  # a sky is not lit
                ambient[y, x] = colour * glow
                continue
            _light_point(things, window, strength, sun, around, p, normal, y * width + x, rays, key, soft)
            corner = _corners(room, p, normal) if what < 0 and not sun else 1.0
            ambient[y, x] = colour * soft * corner + colour * glow
            direct[y, x] = colour * key
            if what == -5 and rays > 0:
                # A varnished floor mirrors the room faintly, more so at a flat angle.
                fresnel = 0.03 + 0.45 * (1 - abs(d[2])) ** 5
                d[2] = -d[2]
                t, what = _nearest(things, room, p + normal * 1e-3, d, normal2)
                q = p + t * d
                glow = paint(_row(things, walls, what), q, normal2, colour, second)
                _light_point(things, window, strength, sun, around, q, normal2, y * width + x, 4, key, soft)
                ambient[y, x] += fresnel * colour * (soft + key + glow)
    return ambient, direct, where


def cast_scenery(scenery: Scenery, view: View, rays: int = 0) -> tuple[Array, Array, Array]:
    """The empty place: light from around and from the window (H, W, 3) each, and where the points lie (H, W, 3) [m].

    Args:
        scenery: The place.
        view: The camera.
        rays: Rays per pixel for soft light and shade, a square number; 0 takes hard shadows and no mirroring floor.
    """
    frame = np.concatenate([view.position[None], view.rotation])
    width, height = view.size
    parts: tuple[Array, Array, Array] = _cast(
        scenery.things, scenery.room, scenery.walls, scenery.window, scenery.strength, scenery.sun, scenery.around,
        frame, view.focal, width, height, rays,
    )  # fmt: skip
    return parts
