"""Files of markers and joints as other programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mocap_texts import standing_markers

from videopose3d.datasets.mocap.markers import MARKERS
from videopose3d.skeleton import H36M17


def markers(frames: int = 60, names: tuple[str, ...] = MARKERS) -> dict[str, np.ndarray]:
    """(T, 3) [m] by name of a person who stands and sways; z up, facing +x."""
    return dict(zip(names, np.moveaxis(standing_markers(names, frames), 1, 0), strict=True))


def write_c3d(path: Path, points: dict[str, np.ndarray], *, unit: str = "mm", fps: float = 100.0) -> Path:
    """Write points (T, 3), already in the unit, NaN where lost, with ezc3d."""
    import ezc3d

    file = ezc3d.c3d()
    group = file["parameters"]["POINT"]
    group["RATE"]["value"], group["LABELS"]["value"], group["UNITS"]["value"] = [fps], list(points), [unit]
    places = np.stack(list(points.values()))  # (M, T, 3)
    file["data"]["points"] = np.concatenate([places, np.ones((*places.shape[:2], 1))], -1).transpose(2, 0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.write(str(path))
    return path


def write_points(path: Path, points: dict[str, np.ndarray], fps: float = 100.0, **more: object) -> Path:
    """Write points (T, 3) as an npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, names=list(points), points=np.stack(list(points.values()), 1), fps=fps, **more)
    return path


def joints(frames: int = 40) -> dict[str, np.ndarray]:
    """(T, 3) [m] of the seventeen joints of a person who stands; z up, facing +x."""
    from motions import place

    return {name: np.tile(place(name), (frames, 1)) for name in H36M17.joints}
