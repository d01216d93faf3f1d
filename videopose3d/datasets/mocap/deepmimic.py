"""DeepMimic motion clips (json), as in the ``jump`` set.

Format: github.com/xbpeng/DeepMimic, ``Frames`` is a list of frames; each is its duration [s], the root
position [m] and then per joint a quaternion (w, x, y, z), or one angle [rad] about the local z axis for a
hinge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from videopose3d.datasets.mocap.rig import RigMotion, axis_rotation, forward_kinematics, quaternion_rotation
from videopose3d.errors import FileFormatError


def parse_deepmimic(
    text: str, skeleton: Mapping[str, Any], where: object = None, fps: float | None = None
) -> RigMotion:
    """World motion of a DeepMimic clip [m], y up, facing +x at rest.

    Args:
        text: The json text.
        skeleton: ``names``, ``parents``, ``offsets`` (J, 3) [m], ``column_ranges`` (half open, null = fixed).
        where: Path for messages.
        fps: True rate [1/s] where the duration in the file is wrong.

    Raises:
        FileFormatError: Not json, no frames, or frames of another length.
    """
    names, ranges = tuple(skeleton["names"]), skeleton["column_ranges"]
    width = max(span[1] for span in ranges if span)
    try:
        table = np.array(json.loads(text)["Frames"], np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"not a DeepMimic clip ({error})", where=where, fix="It should be json with a list 'Frames'."
        ) from error
    if table.ndim != 2 or table.shape[1] != width or not len(table):
        raise FileFormatError(f"expected frames of {width} numbers, got shape {table.shape}", where=where)
    local = np.broadcast_to(np.eye(3), (len(table), len(names), 3, 3)).copy()
    for joint, span in enumerate(ranges):
        if span and span[1] - span[0] == 1:
            local[:, joint] = axis_rotation("z", table[:, span[0]])
        elif span:
            local[:, joint] = quaternion_rotation(table[:, slice(*span)])
    rate = fps or 1.0 / float(table[0, 0] or 1 / 30)
    return forward_kinematics(
        names, tuple(skeleton["parents"]), np.array(skeleton["offsets"]), local, table[:, 1:4], rate
    )
