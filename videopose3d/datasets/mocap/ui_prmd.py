"""UI-PRMD: how its markers are stored, and what is known of its people.

Source: A. Vakanski et al., "A Data Set of Human Body Movements for Physical Rehabilitation Exercises", Data
2018, 3(1), 2. Storage: the README beside the files.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from videopose3d.datasets.mocap.body import Landmarks
from videopose3d.datasets.mocap.markers import MARKERS, fill_gaps, marker_landmarks, rebuild_lost
from videopose3d.datasets.mocap.rig import Float64
from videopose3d.errors import FileFormatError

FPS = 100.0
_LOST = -32768
_WIDE_PELVIS = {"s05": (0.290, 0.218)}
"""PW, PD [m] where the ASIS markers sit on soft tissue."""


def decode_markers(stored: NDArray[np.int16], where: object = None) -> Float64:
    """(T, 39, 3) marker positions [m], z up, NaN where lost, from stored second differences (39, 3, T).

    Raises:
        FileFormatError: The array is of another kind.
    """
    if stored.dtype != np.int16 or stored.ndim != 3 or stored.shape[:2] != (len(MARKERS), 3):
        raise FileFormatError(f"expected int16 (39, 3, T), got {stored.dtype} {stored.shape}", where=where)
    for _ in range(2):
        stored = np.cumsum(stored, axis=-1, dtype=np.int16)  # the wrap-around is intended
    markers = stored.transpose(2, 0, 1)
    return np.where(markers == _LOST, np.nan, markers * 1e-4)


def recording_landmarks(clips: Mapping[str, Float64], subject: str) -> dict[str, Landmarks]:
    """Landmarks of the clips of one recording; frames without all landmarks hold NaN.

    Args:
        clips: Markers (T, 39, 3) [m] by clip, all with the markers at the same places of one body.
        subject: Name of the person, for what is known of single ones.
    """
    names = list(clips)
    lengths = np.cumsum([len(clips[name]) for name in names])[:-1]
    markers = rebuild_lost(np.concatenate([clips[name] for name in names]))
    filled = [fill_gaps(part) for part in np.split(markers, lengths)]
    body = marker_landmarks(np.concatenate(filled), _WIDE_PELVIS.get(subject))
    parts = (np.split(values, lengths) for values in (body.limbs, body.trunk, body.ears, body.head))
    return {name: Landmarks(*arrays) for name, arrays in zip(names, zip(*parts, strict=True), strict=True)}
