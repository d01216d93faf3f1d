"""The synthetic pictures, inputs and maps of the golden files of the 2D stage."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def network_input(height: int, width: int) -> Tensor:
    """(1, 3, height, width) waves."""
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    waves = 0.5 * np.sin(0.05 * y + 0.9 * c) * np.cos(0.07 * x + 1.3 * c)
    waves += 0.2 * np.sin(0.011 * x * (y % 17) + 0.3 * c)
    return torch.from_numpy(waves.astype(np.float32))[None]


def picture(height: int, width: int) -> np.ndarray:
    """(height, width, 3) RGB."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    waves = 127.5 + 90 * np.sin(0.021 * x + 1.1 * c) * np.cos(0.017 * y - 0.4 * c)
    return np.floor(waves + 25 * np.sin(0.19 * x + 0.23 * y + c)).astype(np.uint8)


def blobs(centres: np.ndarray, height: int, width: int, sigma: float = 1.7, peak: float = 255.0) -> np.ndarray:
    """Maps (..., height, width) with a blob at x, y of (..., 2)."""
    y, x = np.mgrid[:height, :width]
    squared = (x - centres[..., :1, None]) ** 2 + (y - centres[..., 1:, None]) ** 2
    return (peak * np.exp(-squared / (2 * sigma**2))).astype(np.float32)


def cpn_maps(params: np.ndarray, height: int, width: int) -> Tensor:
    """Maps of cpn_decode from (N, K, 9): two blobs and a wave."""
    cx, cy, s, a, cx2, cy2, s2, r2, noise = (p[..., None, None] for p in np.moveaxis(params.astype(np.float64), -1, 0))
    y, x = np.mgrid[:height, :width]
    first = a * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s**2))
    second = r2 * a * np.exp(-((x - cx2) ** 2 + (y - cy2) ** 2) / (2 * s2**2))
    return torch.from_numpy((255 * (first + second) + noise * np.sin(1.3 * x + 2.1 * y)).astype(np.float32))


def cpm_maps(params: np.ndarray, height: int, width: int) -> Tensor:
    """Maps of cpm_io from (N, K, 5); the first of the first person has nothing above 0."""
    cx, cy, s, a, noise = (p[..., None, None] for p in np.moveaxis(params, -1, 0))
    y, x = np.mgrid[:height, :width]
    maps = a * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s**2)) + noise * np.sin(1.3 * x + 2.1 * y)
    maps[0, 0] = -np.abs(maps[0, 0]) - 0.1
    return torch.from_numpy(maps.astype(np.float32))
