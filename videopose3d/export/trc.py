"""TRC: marker trajectories for OpenSim [mm], Y up. See docs/formats/trc.md.

Source: OpenSim documentation, "Marker (.trc) Files".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import isnan
from pathlib import Path

import numpy as np

from videopose3d.export.rounding import SECONDS
from videopose3d.export.upright import Array, lifted, markers, upright
from videopose3d.files import replacing
from videopose3d.types import Result

MILLIMETRES = 2
"""Digits behind the point of a length [mm]: a hundredth of a millimetre, as in the other formats."""

_ORIGINAL = ("DataRate", "DataStartFrame", "NumFrames")


def write(result: Result, path: Path) -> None:
    """Write ``path``, one row per frame; a joint that is not known is three empty cells, OpenSim's gap.

    As in OpenSim's own files a tab ends every row of cells: without it the last cell could not be empty.
    """
    poses = lifted(result)
    points = upright(result)
    names = markers(poses.skeleton.joints, result.people)
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for cells in chain(_header(result, names, path.name), _rows(result, points)):
            file.write("\t".join(cells) + "\n")


def _header(result: Result, names: list[str], file_name: str) -> Iterator[list[str]]:
    rate, frames = f"{float(result.fps):.10g}", str(result.keypoints.frames)
    yield ["PathFileType", "4", "(X/Y/Z)", "".join(c if c.isprintable() else "_" for c in file_name)]
    yield ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"] + [f"Orig{word}" for word in _ORIGINAL]
    yield [rate, rate, frames, str(len(names)), "mm", rate, "1", frames]
    yield ["Frame#", "Time", *chain.from_iterable([name, "", ""] for name in names), ""]
    yield ["", "", *(f"{axis}{marker}" for marker in range(1, len(names) + 1) for axis in "XYZ"), ""]
    yield []


def _rows(result: Result, points: Array) -> Iterator[list[str]]:
    for frame in range(result.keypoints.frames):
        time = f"{float(frame / result.fps):.{SECONDS}f}"
        places = np.round(points[:, frame].reshape(-1, 3) * 1000.0, MILLIMETRES) + 0.0  # adding turns -0.0 into 0.0
        places[~np.isfinite(places).all(-1)] = np.nan
        cells = ["" if isnan(number) else f"{number:.{MILLIMETRES}f}" for number in places.ravel().tolist()]
        yield [str(frame + 1), time, *cells, ""]
