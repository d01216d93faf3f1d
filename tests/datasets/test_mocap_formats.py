"""DeepMimic json, rotation vectors in csv, and the markers of UI-PRMD."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mocap_texts import encode_markers
from scipy.spatial.transform import Rotation

from videopose3d.datasets.mocap import markers as plug_in_gait
from videopose3d.datasets.mocap import ui_prmd
from videopose3d.datasets.mocap.body import Landmarks, body_axes
from videopose3d.datasets.mocap.deepmimic import parse_deepmimic
from videopose3d.datasets.mocap.rotvec import CMU_UNIT, parse_rotvec
from videopose3d.errors import FileFormatError
from videopose3d.skeleton import LIMB_JOINTS

ARM = {
    "names": ["root", "shoulder", "elbow", "hand"],
    "parents": [-1, 0, 1, 2],
    "offsets": [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]],
    "column_ranges": [[4, 8], [8, 12], [12, 13], None],
}
HALF = float(np.sqrt(0.5))


# --- DeepMimic


def test_deepmimic_worked_by_hand() -> None:
    turned = [0.0, 5, 0, 0, 1, 0, 0, 0, HALF, 0, 0, HALF, np.pi / 2]  # shoulder and elbow a quarter about z
    text = json.dumps({"Loop": "none", "Frames": [[1 / 15, 5, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], turned]})
    motion = parse_deepmimic(text, ARM)
    assert motion.fps == pytest.approx(15)
    np.testing.assert_allclose(motion.positions[0], [[5, 0, 0], [5, 1, 0], [6, 1, 0], [7, 1, 0]])
    np.testing.assert_allclose(motion.positions[1], [[5, 0, 0], [5, 1, 0], [5, 2, 0], [4, 2, 0]], atol=1e-12)
    assert parse_deepmimic(text, ARM, fps=30.0).fps == 30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a DeepMimic clip"),
        ("{}", "not a DeepMimic clip"),
        ("[]", "not a DeepMimic clip"),
        ('{"Frames": []}', "expected frames of 13 numbers"),
        ('{"Frames": [[1, 2]]}', "expected frames of 13 numbers"),
        ('{"Frames": [[1, 2], [1]]}', "not a DeepMimic clip"),
    ],
)
def test_deepmimic_refuses_other_files(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        parse_deepmimic(text, ARM, where="jump.txt")


# --- rotation vectors


def test_rotvec_is_for_row_vectors() -> None:
    """offset @ M with M = Rz(90 degrees) of columns turns +x to -y: the other way round than usual."""
    row = [1 / CMU_UNIT, 0, 0] + [0, 0, 0] + [0, 0, np.pi / 2] + [0] * 6
    motion = parse_rotvec(",".join(map(str, row)) + ",\n", ARM, fps=120.0)
    np.testing.assert_allclose(motion.positions[0], [[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, -1, 0]], atol=1e-12)


@pytest.mark.parametrize("text", ["", "1,2,3\n", "1,x\n"])
def test_rotvec_refuses_other_files(text: str) -> None:
    with pytest.raises(FileFormatError, match=r"walk.txt: (expected rows of 15|a number is broken)"):
        parse_rotvec(text, ARM, fps=120.0, where="walk.txt")


# --- UI-PRMD


def cloud(frames: int, seed: int = 0) -> np.ndarray:
    """(T, 39, 3) a rigid cloud of markers that turns and moves."""
    rng = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(np.linspace(0, 2, frames)[:, None] * [0.3, -0.5, 0.8]).as_matrix()
    return np.einsum("tab,mb->tma", turn, rng.normal(size=(39, 3)) * 0.5) + np.linspace(0, 1, frames)[:, None, None]


def test_decoding_undoes_the_two_differences() -> None:
    markers = cloud(20)
    markers[5:9, 3] = np.nan
    decoded = ui_prmd.decode_markers(encode_markers(markers))
    np.testing.assert_allclose(decoded, markers, atol=5.1e-5)


def test_decoding_refuses_other_arrays() -> None:
    with pytest.raises(FileFormatError, match="expected int16"):
        ui_prmd.decode_markers(np.zeros((38, 3, 4), np.int16), "s01.npz")


def test_a_lost_marker_comes_back_from_its_rigid_neighbours() -> None:
    whole = cloud(40)
    lost = whole.copy()
    for name in ("LASI", "RBHD", "C7", "RWRB"):
        lost[15:, plug_in_gait.MARKERS.index(name)] = np.nan
    np.testing.assert_allclose(plug_in_gait.rebuild_lost(lost), whole, atol=1e-9)
    assert np.isnan(lost).any(), "the argument is left as it was"


def test_two_lost_markers_stay_lost() -> None:
    lost = cloud(40)
    lost[15:, [plug_in_gait.MARKERS.index(name) for name in ("LASI", "RASI")]] = np.nan
    np.testing.assert_array_equal(np.isnan(plug_in_gait.rebuild_lost(lost)), np.isnan(lost))


def test_short_gaps_are_bridged_and_long_ones_and_ends_are_not() -> None:
    line = np.arange(60.0)[:, None, None] * np.ones((1, 1, 3))
    holes = line.copy()
    holes[[0, *range(10, 20), *range(30, 59)]] = np.nan
    filled = plug_in_gait.fill_gaps(holes, largest=10)
    np.testing.assert_allclose(filled[1:30], line[1:30])
    assert np.isnan(filled[0]).all()
    assert np.isnan(filled[30:59]).all()


def test_chord_rule_worked_by_hand() -> None:
    """Hip (0, 0, 5), marker (0, 0, 0) and half width 3: the centre is 1.8 up and 2.4 away from the wand."""
    one = np.ones((1, 1))
    found = plug_in_gait._chord(one * (0, 0, 5), one * (0, 0, 0), one * (0, 7, 2), 3.0, one * (1, 0, 0))
    np.testing.assert_allclose(found, [[0, -2.4, 1.8]], atol=1e-12)
    lost = plug_in_gait._chord(one * (0, 0, 5), one * (0, 0, 0), one * np.nan * np.ones(3), 3.0, one * (1, 0, 0))
    np.testing.assert_allclose(lost, [[2.4, 0, 1.8]], atol=1e-12)


def stretching_body(frames: int = 9) -> Landmarks:
    """A body whose thighs and forearms change their length over time."""
    rng = np.random.default_rng(3)
    limbs = rng.normal(size=(1, 12, 3)) + rng.normal(size=(frames, 12, 3)) * 0.05
    head = np.broadcast_to(np.eye(3), (frames, 3, 3))
    return Landmarks(limbs, rng.normal(size=(frames, 2, 3)), rng.normal(size=(frames, 3)), head)


def test_fixed_bones_keep_directions_and_feet() -> None:
    body = stretching_body()
    lengths = plug_in_gait.median_bones([body])
    fixed = plug_in_gait.fixed_bones(body, lengths)
    for (near, far), length in lengths.items():
        before, after = body.limb(far) - body.limb(near), fixed.limb(far) - fixed.limb(near)
        np.testing.assert_allclose(np.linalg.norm(after, axis=-1), length)
        np.testing.assert_allclose(np.cross(before, after), 0, atol=1e-12)
    feet = [LIMB_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]
    np.testing.assert_allclose(fixed.limbs[:, feet].mean(1), body.limbs[:, feet].mean(1), atol=1e-12)
    assert lengths["left_hip", "left_knee"] == lengths["right_hip", "right_knee"]


def test_a_tilted_head_band_is_levelled() -> None:
    ahead, tilt = np.array([[1.0, 0.0, 0.0]]), np.radians(20)
    up = np.array([[-np.sin(tilt), 0.0, np.cos(tilt)]])
    body = stretching_body(1)
    body = Landmarks(body.limbs, body.trunk, body.ears, body_axes(np.array([[0.0, 1.0, 0.0]]), up))
    assert plug_in_gait.gaze_pitch([body]) == pytest.approx(20)
    np.testing.assert_allclose(plug_in_gait.level_head(body, 20.0).head[:, :, 0], ahead, atol=1e-12)
