"""Rotation vectors in csv text (38 joints), as in the ``chaneyddtt`` set.

Format: github.com/chaneyddtt/Convolutional-Sequence-to-Sequence-Model-for-Human-Dynamics. A row is the root
position and one rotation vector [rad] per joint, made for row vectors: p_j = p_parent + offset G_parent,
G_j = M_j G_parent. Transposed this is usual forward kinematics with the rotations turned backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from videopose3d.datasets.mocap.rig import RigMotion, forward_kinematics, rotvec_rotation
from videopose3d.errors import FileFormatError

CMU_UNIT = 0.0254 / 0.45
"""Metres per unit of length in CMU files (inches times 0.45)."""


def parse_rotvec(text: str, skeleton: Mapping[str, Any], fps: float, where: object = None) -> RigMotion:
    """World motion [m] of a file of rotation vectors, y up.

    Args:
        text: Rows of comma separated numbers.
        skeleton: ``names``, ``parents`` and ``offsets`` (J, 3) [m].
        fps: Frame rate [1/s].
        where: Path for messages.

    Raises:
        FileFormatError: A number is broken or a row has another length.
    """
    names = tuple(skeleton["names"])
    width = 3 + 3 * len(names)
    try:
        rows = [
            [float(word) for word in line.strip().strip(",").split(",")] for line in text.split("\n") if line.strip()
        ]
    except ValueError as error:
        raise FileFormatError(f"a number is broken ({error})", where=where) from error
    if not rows or {len(row) for row in rows} != {width}:
        raise FileFormatError(f"expected rows of {width} numbers", where=where, fix="Does the skeleton fit the file?")
    table = np.array(rows)
    local = rotvec_rotation(-table[:, 3:].reshape(len(table), -1, 3))
    root = table[:, :3] * CMU_UNIT
    return forward_kinematics(names, tuple(skeleton["parents"]), np.array(skeleton["offsets"]), local, root, fps)
