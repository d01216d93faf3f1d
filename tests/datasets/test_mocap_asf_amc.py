from __future__ import annotations

import numpy as np
import pytest
from mocap_texts import LEG_AMC_HEAD, LEG_ASF

from videopose3d.datasets.mocap.asf_amc import parse_amc, parse_asf
from videopose3d.errors import FileFormatError


def leg_end(frame: str, asf: str = LEG_ASF) -> np.ndarray:
    """(3, 3) root, hip and knee of one frame."""
    return parse_amc(f"{LEG_AMC_HEAD}1\n{frame}", parse_asf(asf)).positions[0]


def test_the_skeleton_has_bones_in_order_and_the_cmu_unit() -> None:
    skeleton = parse_asf(LEG_ASF)
    assert skeleton.names == ("root", "hipjoint", "femur")
    assert skeleton.parents == (-1, 0, 1)
    assert skeleton.channels == (("tx", "ty", "tz", "rx", "ry", "rz"), (), ("rx", "rz"))
    assert skeleton.metres == pytest.approx(0.056444, abs=1e-6)
    np.testing.assert_array_equal(skeleton.vectors, [[0, 0, 0], [3, 0, 0], [0, -2, 0]])


@pytest.mark.parametrize(
    ("frame", "knee"),
    [
        ("root 0 0 0 0 0 0\nfemur 0 0", (3, -2, 0)),
        ("root 0 0 0 0 0 0", (3, -2, 0)),  # a bone that is not listed does not turn
        ("root 10 20 30 0 0 0\nfemur 0 0", (13, 18, 30)),
        ("root 0 0 0 0 0 0\nfemur 90 0", (1, 0, 0)),  # about its own x, the world's -z: -y to -x
        ("root 0 0 0 0 0 0\nfemur 0 90", (3, 0, -2)),  # about its own z, the world's x: -y to -z
        ("root 0 0 0 0 0 90\nfemur 0 0", (2, 3, 0)),  # z turns x to y and -y to x
        ("root 0 0 0 90 0 90\nfemur 0 0", (0, 3, -2)),  # XYZ is Rz Ry Rx: x first (-y to -z), then z
    ],
)
def test_worked_by_hand(frame: str, knee: tuple[int, ...]) -> None:
    np.testing.assert_allclose(leg_end(frame)[2], knee, atol=1e-12)


def test_radians_are_understood() -> None:
    asf = LEG_ASF.replace("angle deg", "angle rad").replace("axis 0 90 0", f"axis 0 {np.pi / 2} 0")
    frame = f"root 0 0 0 0 0 0\nfemur {np.pi / 2} 0"
    np.testing.assert_allclose(leg_end(frame, asf)[2], [1, 0, 0], atol=1e-12)


def test_frames_follow_each_other() -> None:
    motion = parse_amc(f"{LEG_AMC_HEAD}1\nroot 1 0 0 0 0 0\n2\nroot 2 0 0 0 0 0\n", parse_asf(LEG_ASF), fps=60.0)
    assert motion.fps == 60
    np.testing.assert_array_equal(motion.positions[:, 0, 0], [1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no frames"),
        ("1\nroot 0 0 0\n", "line 2 .* does not fit the skeleton"),
        ("1\ntail 0 0\n", "line 2 .'tail 0 0'. does not fit"),
        ("root 0 0 0 0 0 0\n", "does not fit"),
        ("1\nfemur 0 x\n", "line 2: could not convert"),
    ],
)
def test_a_damaged_motion_says_which_line(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        parse_amc(text, parse_asf(LEG_ASF), where="01_01.amc")
    assert str(caught.value).startswith("01_01.amc: ")


@pytest.mark.parametrize("missing", [":units", ":root", ":bonedata", ":hierarchy", "direction 0 -1 0", "length 2"])
def test_a_damaged_skeleton_is_refused(missing: str) -> None:
    with pytest.raises(FileFormatError, match="01.asf: the skeleton is broken"):
        parse_asf(LEG_ASF.replace(missing, ""), where="01.asf")
