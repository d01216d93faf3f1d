"""From linear light to pictures as cameras give them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from videopose3d.datasets.synth.camera import Film
from videopose3d.datasets.synth.things import Array
from videopose3d.types import Frame

_LEVELS = 4096


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


def shrink(image: Any, factor: int) -> Any:
    """Mean of factor x factor pixels."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    return image.reshape(height, factor, width, factor, *image.shape[2:]).mean((1, 3))


def develop(light: Any, film: Film) -> Any:
    """(H, W, 3) float32 sRGB 0 ... 255 of linear light, with a soft shoulder for the highlights."""
    return _develop(light, np.array(film.balance) * film.exposure, _srgb())


def expose(picture: Any, film: Film, rng: np.random.Generator) -> Frame:
    """(H, W, 3) 8-bit picture of a developed one, with the blur of the lens and the noise of the sensor."""
    if film.blur > 0:
        from videopose3d.opencv import cv2

        picture = cv2.GaussianBlur(picture, (0, 0), film.blur)
    if film.grain > 0:
        grain = rng.standard_normal(picture.shape[:2], np.float32)[..., None] * np.float32(film.grain)
        picture = picture + grain
    frame: Frame = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return frame


@lru_cache(maxsize=1)
def _srgb() -> NDArray[np.float32]:
    x = np.linspace(0, 1, _LEVELS) ** 2  # more steps in the dark
    bright = 1.055 * np.power(np.maximum(x, 1e-9), 1 / 2.4) - 0.055
    return (np.where(x <= 0.0031308, 12.92 * x, bright) * 255).astype(np.float32)


@njit(cache=True)
def _develop(light: Any, factors: Any, table: Any) -> Any:
    height, width = light.shape[:2]
    out = np.empty((height, width, 3), np.float32)
    top = len(table) - 1
    for y in range(height):
        for x in range(width):
            for c in range(3):
                v = max(light[y, x, c] * factors[c], 0.0)
                v = min(v * (1 + v / 6.0) / (1 + v * 0.38), 1.0)
                out[y, x, c] = table[int(np.sqrt(v) * top + 0.5)]
    return out


@njit(cache=True)
def shadowed(ambient: Any, direct: Any, soft: Any, key: Any) -> Any:
    """(H, W, 3) light of the place with people's shadows on it; soft and key (H/2, W/2) are what they leave of it."""
    height, width = ambient.shape[:2]
    out = np.empty((height, width, 3), np.float32)
    last_y, last_x = soft.shape[0] - 1, soft.shape[1] - 1
    for y in range(height):
        j, v = y // 2, 0.25 if y % 2 else -0.25
        j2 = min(max(j + (1 if v > 0 else -1), 0), last_y)
        for x in range(width):
            i, u = x // 2, 0.25 if x % 2 else -0.25
            i2 = min(max(i + (1 if u > 0 else -1), 0), last_x)
            a, b = abs(v), abs(u)
            j1, i1 = min(j, last_y), min(i, last_x)
            w1, w2, w3, w4 = (1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b
            s = w1 * soft[j1, i1] + w2 * soft[j1, i2] + w3 * soft[j2, i1] + w4 * soft[j2, i2]
            k = w1 * key[j1, i1] + w2 * key[j1, i2] + w3 * key[j2, i1] + w4 * key[j2, i2]
            for c in range(3):
                out[y, x, c] = ambient[y, x, c] * s + direct[y, x, c] * k
    return out
