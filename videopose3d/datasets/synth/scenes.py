"""Random places: rooms with furniture, yards and streets, things that stand in the way."""

from __future__ import annotations

import numpy as np

from videopose3d.datasets.synth.camera import Film
from videopose3d.datasets.synth.looks import random_colour
from videopose3d.datasets.synth.things import (
    BLOBS,
    BOARDS,
    BOX,
    BRICKS,
    CLOUDY,
    CYLINDER,
    MOTTLED,
    PAINTING,
    PLAIN,
    RUG,
    SKY,
    SPHERE,
    STRIPES,
    TILES,
    WINDOWS,
    WOOD,
    Array,
    Scenery,
    Surface,
    thing,
)

_LARGEST_ROOM = 9.0
"""Places that reach farther than this are outside [m]."""
_NEAR_PEOPLE, _NEAR_CAMERA = 0.45, 0.35
"""Nothing stands nearer than this to people and camera [m]."""


def random_scenery(rng: np.random.Generator, people: Array, camera: Array, hidden: bool) -> Scenery:
    """A place around people and camera.

    Args:
        rng: Draws it.
        people: (N, 3) points where people are at some time [m].
        camera: (T, 3) where the camera is [m].
        hidden: Put something between camera and people.
    """
    around = np.concatenate([people, camera])
    low, high = around.min(0) - 0.6, around.max(0) + 0.6
    indoors = max(high[:2] - low[:2]) < _LARGEST_ROOM and rng.random() < 0.65
    low[2], high[2] = 0.0, max(high[2] + 0.2, rng.uniform(2.4, 3.2))
    if indoors:
        low[:2] -= rng.uniform(0.1, 2.5, 2)
        high[:2] += rng.uniform(0.1, 2.5, 2)
        walls, loose = _room(rng, low, high)
    else:
        low[:2], high[:2], high[2] = low[:2] - 60, high[:2] + 60, 50.0
        walls, loose = _outside(rng, people)
    eye = camera[len(camera) // 2]
    loose = [row for row in loose if not _blocks(row, people, eye)]
    if hidden:
        loose += _in_the_way(rng, people, camera)
    kept = [row for row in loose if _free(row, people, camera)]
    things = np.array(kept) if kept else np.zeros((0, 17))
    window, strength, light = _light(rng, low, high, indoors, people.mean(0))
    return Scenery(things, np.concatenate([low, high]), walls, window, strength, not indoors, light)


def random_film(rng: np.random.Generator) -> Film:
    """Exposure, white balance, blur and noise of a camera."""
    r, g, b = np.exp(rng.normal(0, 0.06, 3))
    return Film(
        exposure=float(1.05 * np.exp(rng.normal(0, 0.25))),
        balance=(float(r), float(g), float(b)),
        blur=float(max(0.0, rng.normal(0.3, 0.5))),
        grain=float(abs(rng.normal(0, 4.0))),
    )


def _surface(rng: np.random.Generator, looks: list[int], scales: tuple[float, float], glow: float = 0.0) -> Array:
    first, second = random_colour(rng, 0.1), random_colour(rng, 0.1)
    scale, seed = rng.uniform(*scales), float(rng.integers(100))
    return thing(BOX, (), first, Surface(int(rng.choice(looks)), second, scale, seed, glow))


def _room(rng: np.random.Generator, low: Array, high: Array) -> tuple[Array, list[Array]]:
    if rng.random() < 0.6:
        walls = [_surface(rng, [PLAIN, MOTTLED, MOTTLED, STRIPES, CLOUDY], (0.1, 0.6))] * 4
    else:
        walls = [_surface(rng, [PLAIN, MOTTLED, STRIPES, TILES, BRICKS, BLOBS, CLOUDY], (0.1, 0.6)) for _ in range(4)]
    floor = _surface(rng, [BOARDS, TILES, PLAIN, CLOUDY, BRICKS, BLOBS], (0.2, 0.7))
    if floor[7] == BOARDS:
        floor[14] = 1.0
    ceiling = thing(BOX, (), (0.75, 0.74, 0.72), Surface(glow=rng.uniform(0.1, 0.4)))
    loose = [_furniture(rng, low, high) for _ in range(rng.integers(2, 9))]
    loose += [_picture(rng, low, high) for _ in range(rng.integers(0, 5))]
    if rng.random() < 0.4:
        x, y = rng.uniform(low[:2], high[:2])
        loose.append(thing(BOX, (x - 1.2, y - 0.8, 0, x + 1.2, y + 0.8, 0.004), random_colour(rng), Surface(RUG)))
    return np.stack([*walls, floor, ceiling]), loose


def _furniture(rng: np.random.Generator, low: Array, high: Array) -> Array:
    """A box, ball or column, mostly along a wall."""
    wide, deep, tall = rng.uniform(0.3, 1.6), rng.uniform(0.3, 0.7), rng.choice([rng.uniform(0.3, 1.0), 2.0])
    x, y = rng.uniform(low[:2], high[:2])
    if rng.random() < 0.8:
        if rng.random() < 0.5:
            y = rng.choice([low[1] + deep / 2, high[1] - deep / 2])
        else:
            wide, deep = deep, wide
            x = rng.choice([low[0] + wide / 2, high[0] - wide / 2])
    look = int(rng.choice([PLAIN, WOOD, CLOUDY, STRIPES, TILES]))
    style = Surface(look, random_colour(rng), rng.uniform(0.05, 0.4), float(rng.random()))
    colour = (1.1, 1.0, 0.9) if look == WOOD else random_colour(rng)
    kind = rng.choice(3, p=[0.8, 0.08, 0.12])
    if kind == SPHERE:
        return thing(SPHERE, (x, y, deep / 2, deep / 2), colour, style)
    if kind == CYLINDER:
        return thing(CYLINDER, (x, y, 0.0, deep / 3, tall), colour, style)
    return thing(BOX, (x - wide / 2, y - deep / 2, 0, x + wide / 2, y + deep / 2, tall), colour, style)


def _picture(rng: np.random.Generator, low: Array, high: Array) -> Array:
    wide, tall, up = rng.uniform(0.3, 1.4), rng.uniform(0.3, 1.0), rng.uniform(1.0, 1.7)
    look = int(rng.choice([PAINTING, BLOBS, CLOUDY, TILES]))
    style = Surface(look, random_colour(rng), rng.uniform(0.1, 0.5), float(rng.random()))
    x, y = rng.uniform(low[:2], high[:2])
    if rng.random() < 0.5:
        edge = float(rng.choice([low[1] + 0.03, high[1]]))
        shape = (x - wide / 2, edge - 0.03, up, x + wide / 2, edge, up + tall)
    else:
        edge = float(rng.choice([low[0] + 0.03, high[0]]))
        shape = (edge - 0.03, y - wide / 2, up, edge, y + wide / 2, up + tall)
    return thing(BOX, shape, random_colour(rng), style)


def _outside(rng: np.random.Generator, people: Array) -> tuple[Array, list[Array]]:
    horizon = np.array([0.62, 0.70, 0.80]) * rng.uniform(0.7, 1.1)
    zenith = np.array([0.20, 0.36, 0.72]) * rng.uniform(0.6, 1.2)
    sky = thing(BOX, (), tuple(horizon), Surface(SKY, tuple(zenith), 1.0, float(rng.integers(100)), 1.0))
    grass = thing(BOX, (), (0.07, 0.13, 0.03), Surface(CLOUDY, (0.16, 0.2, 0.06), rng.uniform(0.3, 1.5)))
    paved = _surface(rng, [CLOUDY, TILES, BRICKS, CLOUDY], (0.4, 1.2))
    floor = grass if rng.random() < 0.4 else paved
    loose = [_far_thing(rng, people.mean(0)) for _ in range(rng.integers(4, 14))]
    return np.stack([sky, sky, sky, sky, floor, sky]), loose


def _far_thing(rng: np.random.Generator, middle: Array) -> Array:
    """A house, wall, tree trunk with a crown left out, car-like box or hedge around the people."""
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(2.5, 30.0)
    x, y = middle[:2] + far * np.array([np.cos(angle), np.sin(angle)])
    seed = float(rng.integers(100))
    kind = rng.choice(["house", "tree", "hedge", "box"], p=[0.35, 0.25, 0.2, 0.2])
    if kind == "house":
        a, b = rng.uniform(3, 9, 2) * min(1.0, far / 15)
        look = int(rng.choice([WINDOWS, WINDOWS, BRICKS, CLOUDY]))
        front = Surface(look, random_colour(rng, 0.03, 0.3), rng.uniform(0.8, 3.0), seed)
        return thing(BOX, (x - a, y - b, 0, x + a, y + b, rng.uniform(2.5, 14)), random_colour(rng, 0.1), front)
    if kind == "tree":
        bark = Surface(CLOUDY, (0.2, 0.15, 0.1), 0.2, seed)
        return thing(CYLINDER, (x, y, 0.0, rng.uniform(0.08, 0.35), rng.uniform(3, 9)), (0.1, 0.07, 0.05), bark)
    a, b, tall = rng.uniform(0.2, 2.5), rng.uniform(0.2, 1.0), rng.uniform(0.4, 2.2)
    shape = (x - a, y - b, 0, x + a, y + b, tall)
    if kind == "hedge":
        return thing(BOX, shape, (0.03, 0.07, 0.02), Surface(CLOUDY, (0.1, 0.16, 0.05), 0.15, seed))
    look = int(rng.choice([PLAIN, CLOUDY, STRIPES]))
    return thing(BOX, shape, random_colour(rng), Surface(look, random_colour(rng), 0.3))


def _in_the_way(rng: np.random.Generator, people: Array, camera: Array) -> list[Array]:
    """One or two things between the camera and the people that hide a part of them."""
    found = []
    for _ in range(rng.integers(1, 3)):
        eye, middle = camera[len(camera) // 2, :2], people[rng.integers(len(people)), :2]
        across = np.array([eye[1] - middle[1], middle[0] - eye[0]])
        x, y = eye + rng.uniform(0.45, 0.85) * (middle - eye) + rng.normal(0, 0.06) * across
        a, b = rng.uniform(0.1, 0.6, 2)
        style = Surface(int(rng.choice([PLAIN, STRIPES, CLOUDY, TILES, BLOBS])), random_colour(rng), 0.2)
        if rng.random() < 0.3:
            shape: tuple[float, ...] = (x, y, 0.0, rng.uniform(0.04, 0.15), rng.uniform(1.0, 2.4))
            found.append(thing(CYLINDER, shape, random_colour(rng), style))
        else:
            shape = (x - a, y - b, 0, x + a, y + b, rng.uniform(0.3, 1.1))
            found.append(thing(BOX, shape, random_colour(rng), style))
    return found


def _extent(row: Array) -> tuple[Array, Array]:
    """Lower and upper corner of a thing [m]."""
    if row[0] == BOX:
        return row[1:4], row[4:7]
    top = row[5] if row[0] == CYLINDER else row[3] + row[4]
    return row[1:4] - row[4], np.array([row[1] + row[4], row[2] + row[4], top])


def _blocks(row: Array, people: Array, eye: Array) -> bool:
    """True where a thing stands between the camera and some point of the people."""
    way = np.linspace(0.03, 1.0, 24)[:, None, None]
    points = eye + way * (people[:: max(1, len(people) // 60)] - eye)
    return bool(_distance(*_extent(row), points.reshape(-1, 3)).min() < 0.02)


def _free(row: Array, people: Array, camera: Array) -> bool:
    """True where a thing keeps away from people and camera; flat ones may lie under people."""
    low, high = _extent(row)
    if high[2] < 0.02:
        return True
    flat = _distance(low[:2], high[:2], people[:, :2]).min() > _NEAR_PEOPLE
    return bool(flat and _distance(low, high, camera).min() > _NEAR_CAMERA)


def _distance(low: Array, high: Array, points: Array) -> Array:
    away: Array = np.linalg.norm(np.maximum(np.maximum(low - points, points - high), 0), axis=1)
    return away


def _light(
    rng: np.random.Generator, low: Array, high: Array, indoors: bool, middle: Array
) -> tuple[Array, float, Array]:
    """Window, strength and surroundings of `Scenery`."""
    if indoors:
        side = rng.integers(4)
        axis, far = side % 2, low if side < 2 else high
        corner, edge = low.copy(), np.zeros(3)
        corner[axis] = far[axis] + (0.02 if side < 2 else -0.02)
        edge[1 - axis] = rng.uniform(0.8, 2.0) * (1 if side in (0, 3) else -1)
        corner[1 - axis] = middle[1 - axis] + rng.uniform(-2, 2) - edge[1 - axis] / 2
        corner[2] = rng.uniform(0.9, 1.4)
        window = np.stack([corner, edge, [0, 0, rng.uniform(0.8, 1.3)]])
        base = np.array([[0.37, 0.35, 0.33], [0.25, 0.28, 0.32], [-0.20, -0.235, -0.265]])
        return window, float(rng.uniform(0.8, 3.0)), base * rng.uniform(0.7, 1.2)
    turn, lift = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 1.3)
    sun = np.array([np.cos(turn) * np.cos(lift), np.sin(turn) * np.cos(lift), np.sin(lift)])
    across = np.cross(sun, [0.0, 0.0, 1.0])
    width = rng.choice([10.0, 60.0, 400.0])  # 1000 m away: bright sun, haze, clouds
    window = np.stack([middle + 1000 * sun, width * across, width * np.cross(across, sun)])
    grey = rng.uniform(0.2, 0.6)
    base = np.array([[0.9, 0.95, 1.0], [0.5, 0.6, 0.8], [-0.5, -0.55, -0.6]]) * grey
    return window, float(rng.uniform(0.3, 2.2)), base
