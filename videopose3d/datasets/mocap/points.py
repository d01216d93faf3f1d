"""Files of named points over time: C3D, TRC, and a plain npz.

C3D is read by ezc3d. TRC: OpenSim documentation, "Marker (.trc) Files".
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.rig import Float64
from videopose3d.datasets.raw.packages import package
from videopose3d.errors import FileFormatError, InputError

METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "in": 0.0254, "inch": 0.0254, "inches": 0.0254}
NPZ_KEYS = "names (M,), points (T, M, 3) and fps"
_TRC_HEAD = 5
"""Lines before the rows: what it is, names and values of the header, names and axes of the markers."""


@dataclass(frozen=True)
class Points:
    """Points as a file has them.

    Attributes:
        names: M names.
        places: (T, M, 3) in axes and unit of the file; NaN where lost.
        fps: Frame rate [1/s].
        metres: Metres per unit of length; None where the file does not say.
    """

    names: tuple[str, ...]
    places: Float64
    fps: float
    metres: float | None


def read_points(path: Path) -> Points:
    """The points of a ``.c3d``, ``.trc`` or ``.npz`` file.

    Raises:
        InputError: The file is missing.
        FileFormatError: It is damaged or something else.
        MissingDependencyError: ezc3d, which reads C3D, is not installed.
    """
    if not path.is_file():
        raise InputError("no such file", where=path, fix="Check the path.")
    found = {".c3d": _read_c3d, ".trc": _read_trc, ".npz": _read_npz}[path.suffix.lower()](path)
    if found.places.shape != (len(found.places), len(found.names), 3) or not found.places.size:
        raise FileFormatError(f"{len(found.names)} names, points of shape {found.places.shape}", where=path)
    if not 0 < found.fps < float("inf"):
        raise FileFormatError(f"a frame rate of {found.fps:g}", where=path, fix="Give the true one with --fps.")
    return found


def _read_c3d(path: Path) -> Points:
    ezc3d = package("ezc3d", "reading C3D files", "mocap")
    try:
        data = ezc3d.c3d(str(path))
        group = data["parameters"]["POINT"]
        labels = [key for key in group if key.startswith("LABELS")]  # LABELS2 goes on after 255
        labels.sort(key=lambda key: int(key[6:] or 1))
        names = tuple(name.strip() for key in labels for name in group[key]["value"])
        units = "".join(group["UNITS"]["value"][:1]) if "UNITS" in group else ""
        places = np.array(data["data"]["points"][:3].transpose(2, 1, 0), np.float64)
        fps = float(group["RATE"]["value"][0])
    except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        raise FileFormatError(f"not a C3D file that can be read ({error})", where=path) from error
    places[(places == 0).all(-1)] = np.nan  # what many programs write for a lost marker
    return Points(names, places[:, : len(names)], fps, METRES.get(units.strip().lower()))


def _read_trc(path: Path) -> Points:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    if len(rows) <= _TRC_HEAD or not rows[0][0].startswith("PathFileType"):
        raise FileFormatError("not a TRC file: it does not begin with PathFileType", where=path)
    head = dict(zip(rows[1], rows[2], strict=False))
    names = tuple(cell.strip() for cell in rows[3][2:] if cell.strip())
    width = 3 * len(names)
    try:
        fps = float(head["DataRate"])
        cells = [[*row[2 : 2 + width], *[""] * width][:width] for row in rows[_TRC_HEAD:] if "".join(row).strip()]
        table = np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in cells], np.float64)
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"a number is broken or missing ({error})", where=path) from error
    places = table.reshape(len(cells), len(names), 3)
    return Points(names, places, fps, METRES.get(head.get("Units", "").strip().lower()))


def _read_npz(path: Path) -> Points:
    try:
        with np.load(path, allow_pickle=False) as file:
            data: dict[str, NDArray[Any]] = {
                key: file[key] for key in ("names", "points", "fps", "unit") if key in file
            }
        unit = float(data["unit"]) if "unit" in data else None
        names = tuple(str(name) for name in data["names"].tolist())
        return Points(names, data["points"].astype(np.float64), float(data["fps"]), unit)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            f"neither a motion library nor points ({error})", where=path, fix=f"An .npz of points holds {NPZ_KEYS}."
        ) from error
