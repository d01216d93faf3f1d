from __future__ import annotations

import numpy as np
import pytest

from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.errors import FileFormatError

TEXT = """HIERARCHY
ROOT hip
{{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition {order}
  JOINT arm
  {{
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {{
      OFFSET 5 0 0
    }}
  }}
}}
MOTION
Frames: 2
Frame Time: 0.025
0 0 0  0 0 0  0 0 0
100 0 0  {turn}  90 0 0
"""


def text(order: str = "Zrotation Xrotation Yrotation", turn: str = "0 0 0") -> str:
    return TEXT.format(order=order, turn=turn)


def test_names_parents_rest_and_rate() -> None:
    motion = parse_bvh(text())
    assert motion.names == ("hip", "arm", "arm_end")
    assert motion.parents == (-1, 0, 1)
    assert motion.fps == pytest.approx(40)
    np.testing.assert_array_equal(motion.rest, [[0, 0, 0], [0, 10, 0], [5, 10, 0]])


def test_a_wrong_frame_time_can_be_overruled() -> None:
    assert parse_bvh(text(), fps=60.0).fps == 60


@pytest.mark.parametrize(
    ("order", "turn", "arm"),
    [
        ("Zrotation Xrotation Yrotation", "90 0 0", (90, 0, 0)),  # z turns up (y) to -x
        ("Zrotation Xrotation Yrotation", "0 90 0", (100, 0, 10)),  # x turns y to z
        (
            "Zrotation Xrotation Yrotation",
            "90 90 0",
            (100, 0, 10),
        ),  # Rz Rx: x acts first, then z leaves z alone
        (
            "Xrotation Zrotation Yrotation",
            "90 90 0",
            (90, 0, 0),
        ),  # Rx Rz: z acts first, then x leaves -x alone
        ("Yrotation Xrotation Zrotation", "90 90 0", (110, 0, 0)),  # y to z by x, z to x by y
    ],
)
def test_rotation_channels_multiply_in_the_order_listed(order: str, turn: str, arm: tuple[int, ...]) -> None:
    motion = parse_bvh(text(order, turn))
    np.testing.assert_allclose(motion.positions[1, 0], [100, 0, 0])
    np.testing.assert_allclose(motion.positions[1, 1], arm, atol=1e-12)


def test_the_end_site_turns_with_its_joint() -> None:
    motion = parse_bvh(text())
    np.testing.assert_allclose(motion.positions[0, 2], [5, 10, 0], atol=1e-12)
    np.testing.assert_allclose(motion.positions[1, 2], [100, 15, 0], atol=1e-12)


def test_position_channels_of_a_joint_replace_its_offset() -> None:
    sliding = text().replace("CHANNELS 3 Z", "CHANNELS 4 Yposition Z").replace("0 0 0\n1", "7 0 0 0\n1")
    motion = parse_bvh(sliding.replace("90 0 0\n", "8 90 0 0\n"))
    np.testing.assert_allclose(motion.positions[:, 1], [[0, 7, 0], [100, 8, 0]], atol=1e-12)
    np.testing.assert_array_equal(motion.rest[1], [0, 10, 0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOTION", "", "HIERARCHY or MOTION is missing"),
        ("HIERARCHY", "HIERACHY", "HIERARCHY or MOTION is missing"),
        ("Zrotation", "Zrotatoin", "hierarchy is broken"),
        ("OFFSET 5 0 0", "OFFSET 5 zero 0", "hierarchy is broken"),
        ("}\nMOTION", "MOTION", "unbalanced braces"),
        ("JOINT arm", "ROOT arm", "a second ROOT"),
        ("Frames: 2", "Frames: 3", "expected 3 frames of 9 finite numbers, got 18"),
        ("100 0 0", "100 nan 0", "finite numbers"),
        ("100 0 0", "100 x 0", "a number is broken"),
        ("Frame Time: 0.025", "Frame Time: 0", "a frame time of 0 s is impossible"),
        ("Frame Time", "Frametime", "'Frame Time:' is missing"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(old: str, new: str, message: str) -> None:
    assert old in text()
    with pytest.raises(FileFormatError, match=message) as caught:
        parse_bvh(text().replace(old, new, 1), where="walk.bvh")
    assert str(caught.value).startswith("walk.bvh: ")
    assert caught.value.fix


def test_every_cut_of_a_file_is_refused() -> None:
    whole = text()
    for end in range(0, len(whole) - 8, 7):
        with pytest.raises(FileFormatError):
            parse_bvh(whole[:end])
