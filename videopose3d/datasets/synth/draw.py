"""One picture: the place, its shadows, the people in front of it, and what of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from videopose3d.datasets.synth.camera import Film, View
from videopose3d.datasets.synth.cast import cast_scenery
from videopose3d.datasets.synth.figure import Figure
from videopose3d.datasets.synth.image import blur, develop, shadowed, shrink
from videopose3d.datasets.synth.lights import Lights
from videopose3d.datasets.synth.shading import shade_person
from videopose3d.datasets.synth.things import Array, Scenery
from videopose3d.datasets.synth.zbuffer import NOTHING, rasterise, shade_floor, shadow_maps, vertex_normals

_FLOOR = 0.02
"""Points of the place below this get shadows of people [m]."""


@dataclass(frozen=True)
class Backdrop:
    """The empty place as one camera sees it.

    Attributes:
        ambient: (H, W, 3) light from around.
        direct: (H, W, 3) light from the window.
        where: (H, W, 3) points [m].
        depth: (H, W) along the optical axis [m].
    """

    ambient: Any
    direct: Any
    where: Any
    depth: Any


@dataclass(frozen=True)
class Drawing:
    """A picture and what is where in it.

    Attributes:
        picture: (H, W, 3) float32 sRGB, 0 ... 255.
        owner: (h, w) int8: number of the person a pixel shows, -1 for none, in a part of the picture.
        face: (h, w) int32: which face of the figure.
        depth: (h, w) along the optical axis [m].
        corner: x and y of the part's upper left corner in pixels of ``scale`` per pixel of the picture.
        scale: See corner.
    """

    picture: Any
    owner: Any
    face: Any
    depth: Any
    corner: tuple[int, int]
    scale: int


def make_backdrop(scenery: Scenery, view: View, rays: int = 0, fine: bool = True) -> Backdrop:
    """Cast the place; at twice the size and shrunk if ``fine``."""
    factor = 2 if fine else 1
    parts = cast_scenery(scenery, view.scaled(factor), rays)
    ambient, direct, where = (shrink(part, 2) if fine else part for part in parts)
    depth = (where - view.position) @ view.rotation[2]
    return Backdrop(ambient, direct, where, depth)


def draw(
    backdrop: Backdrop,
    view: View,
    people: list[tuple[Figure, Array]],
    lights: Lights,
    film: Film,
    *,
    scale: int = 2,
    shadow_size: int = 256,
) -> Drawing:
    """Draw posed people into a place.

    Args:
        backdrop: The place as the camera sees it.
        view: The camera.
        people: Figures, and their posed vertices (V, 3) [m].
        lights: The lights on people.
        film: What the camera makes of light.
        scale: People are drawn with so many times the pixels each way, then shrunk.
        shadow_size: Width of shadow maps [px].
    """
    shadows = _shadows(people, lights, shadow_size)
    light = _shadowed(backdrop, lights, shadows)
    fine = view.scaled(scale)
    seen = [_seen(fine, vertices) for _, vertices in people]
    x0, y0, x1, y1 = window = _window(seen, fine.size, scale)
    shape = (y1 - y0, x1 - x0)
    part = (slice(y0 // scale, y1 // scale), slice(x0 // scale, x1 // scale))
    picture = develop(light, film)
    owner, face = np.full(shape, -1, np.int8), np.full(shape, -1, np.int32)
    depth = _enlarged(backdrop.depth[part], scale).astype(np.float32)
    toned = _enlarged(picture[part], scale)
    for number, ((figure, vertices), points) in enumerate(zip(people, seen, strict=True)):
        if points is None:
            continue
        index, weights, near = rasterise(points, figure.faces, figure.keep, True, x0, y0, shape[1], shape[0])
        front = (near < depth) & (near < NOTHING)
        index[~front] = -1
        normals = vertex_normals(vertices, figure.faces)
        colour = shade_person(index, weights, figure, vertices, normals, view.position, lights, shadows)
        # Tone first, then mix: an edge between light and dark stays smooth.
        toned[front] = develop(colour, film)[front]
        owner[front], face[front], depth[front] = number, index[front], near[front]
    if shape[0] and shape[1]:
        picture[part] = shrink(toned, scale) if scale > 1 else toned
    return Drawing(picture, owner, face, depth, (window[0], window[1]), scale)


def _shadows(people: list[tuple[Figure, Array]], lights: Lights, size: int) -> tuple[Array, Any, Array, float]:
    vertices = np.concatenate([points for _, points in people])
    starts = np.cumsum([0, *(len(points) for _, points in people)])
    faces = np.concatenate([figure.faces + start for (figure, _), start in zip(people, starts, strict=False)])
    keep = np.concatenate([figure.keep for figure, _ in people])
    low, high = vertices.min(0), vertices.max(0)
    middle, span = (low + high) / 2, float(np.linalg.norm(high - low)) * 1.05 + 0.1
    axes, maps = shadow_maps(vertices, faces.astype(np.int32), keep, lights, size, middle, span)
    return axes, maps, middle, span


def _shadowed(back: Backdrop, lights: Lights, shadows: tuple[Array, Any, Array, float]) -> Any:
    """(H, W, 3) light of the place with the shadows of people."""
    axes, maps, middle, span = shadows
    where = back.where[::2, ::2]
    near = (where[..., 2] < _FLOOR) & (np.abs(where[..., :2] - middle[:2]) < span + 0.8).all(-1)
    soft, key = shade_floor(where, near, axes, maps, lights.colours, lights.count_key, middle, span)
    return shadowed(back.ambient, back.direct, blur(soft, 2), blur(key, 1))


def _seen(fine: View, vertices: Array) -> Array | None:
    """(V, 3) pixels and depth [m], None for somebody who is not wholly in front of the camera."""
    depth = fine.to_camera(vertices)[:, 2:]
    if depth.min() < 0.05:
        return None
    return np.concatenate([fine.project(vertices), depth], 1)


def _window(seen: list[Array | None], size: tuple[int, int], scale: int) -> tuple[int, int, int, int]:
    """The part of the picture that people cover, in whole pixels of the final picture."""
    there = [points[:, :2] for points in seen if points is not None]
    if not there:
        return 0, 0, 0, 0
    low = np.clip(np.min([points.min(0) for points in there], 0) - 2, 0, size)
    high = np.clip(np.max([points.max(0) for points in there], 0) + 4, 0, size)
    x0, y0 = (int(v) // scale * scale for v in low)
    x1, y1 = (int(v) // scale * scale for v in high)
    return x0, y0, max(x1, x0), max(y1, y0)


def _enlarged(image: Any, factor: int) -> Any:
    return image if factor == 1 else np.repeat(np.repeat(image, factor, 0), factor, 1)
