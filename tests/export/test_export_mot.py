from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.export.bodies import body, poses, result, turning
from videopose3d.errors import OutputError
from videopose3d.export import export_result, files_of
from videopose3d.export.mot import coordinates
from videopose3d.export.upright import upright
from videopose3d.skeleton import H36M17

NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result


def read(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Header lines, column names, rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    end = lines.index("endheader")
    rows = [[float(cell) for cell in line.split("\t")] for line in lines[end + 2 :]]
    return lines[:end], lines[end + 1].split("\t"), np.array(rows)


def moving(frames: int = 40) -> list[np.ndarray]:
    """A body that turns and bends everywhere, elbows and knees bent."""
    rng = np.random.default_rng(1)
    speed = rng.uniform(0.5, 2, 20)
    found = []
    for t in range(frames):
        wave = np.sin(speed * t / 6)
        turns = {"trunk": turning("z", -20 * wave[0]) @ turning("x", 15 * wave[1])}
        for n, side in enumerate(("left", "right")):
            turns[f"{side}_hip"] = turning("z", 40 * wave[2 + n]) @ turning("x", 15 * wave[4 + n])
            turns[f"{side}_hip"] = turns[f"{side}_hip"] @ turning("y", 20 * wave[6 + n])
            turns[f"{side}_shoulder"] = turning("z", 60 + 70 * wave[8 + n]) @ turning("x", 30 * wave[10 + n])
            turns[f"{side}_shoulder"] = turns[f"{side}_shoulder"] @ turning("y", 40 * wave[12 + n])
            for joint, bent in (("knee", -40 - 20 * wave[14 + n]), ("elbow", 50 + 30 * wave[16 + n])):
                parent = turns[f"{side}_{'hip' if joint == 'knee' else 'shoulder'}"]
                turns[f"{side}_{joint}"] = parent @ turning("z", bent) @ parent.T
        found.append(body(**turns) @ turning("y", 9 * t).T)
    return found


def played(at: dict[str, np.ndarray], t: int) -> dict[str, np.ndarray]:
    """Directions of the limbs as the model shows the coordinates: turns about z, then x, then y, body-fixed."""

    def turn(names: tuple[str, str, str], mirror: float) -> np.ndarray:
        z, x, y = (at[name][0, t] for name in names)
        return turning("z", z) @ turning("x", mirror * x) @ turning("y", mirror * y)

    pelvis = turn(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), 1)
    torso = pelvis @ turning("y", at["lumbar_rotation"][0, t])
    down = np.array([0, -1.0, 0])
    found = {"spine": pelvis @ -down}
    for side, mirror in (("left", -1.0), ("right", 1.0)):
        s = side[0]
        thigh = pelvis @ turn((f"hip_flexion_{s}", f"hip_adduction_{s}", f"hip_rotation_{s}"), mirror)
        arm = torso @ turn((f"arm_flex_{s}", f"arm_add_{s}", f"arm_rot_{s}"), mirror)
        found[f"{side}_knee"] = thigh @ down
        found[f"{side}_ankle"] = thigh @ turning("z", -at[f"knee_angle_{s}"][0, t]) @ down
        found[f"{side}_elbow"] = arm @ down
        found[f"{side}_wrist"] = arm @ turning("z", at[f"elbow_flex_{s}"][0, t]) @ down
    return found


def test_a_model_that_plays_the_coordinates_shows_the_pose():
    clip = result(poses(*moving()))
    at, points = coordinates(clip), upright(clip)[0]
    for t in range(len(points)):
        for joint, direction in played(at, t).items():
            j = H36M17.index(joint)
            bone = points[t, j] - points[t, H36M17.parents[j]]
            np.testing.assert_allclose(direction, bone / np.linalg.norm(bone), atol=2e-4, err_msg=f"{joint} {t}")
    np.testing.assert_allclose(np.stack([at[f"pelvis_t{a}"][0] for a in "xyz"], -1), points[:, 0])


def test_no_angle_jumps_a_full_turn():
    at = coordinates(result(poses(*moving(60))))
    assert np.ptp(at["pelvis_rotation"]) > 360  # the body turned more than once
    assert max(np.abs(np.diff(value)).max() for name, value in at.items() if "_t" not in name[6:8]) < 60


def test_a_straight_limb_takes_its_turn_from_before_and_after():
    bent = turning("y", 30) @ turning("z", -60)
    at = coordinates(result(poses(body(right_knee=bent), body(), body(right_knee=bent), body())))
    np.testing.assert_allclose(at["hip_rotation_r"][0], [30] * 4, atol=1e-2)
    np.testing.assert_allclose(at["hip_rotation_l"][0], [0] * 4, atol=1e-9)


def test_the_file_has_the_header_of_opensim(tmp_path):
    clip = result(poses(*moving(5)))
    export_result(clip, tmp_path / "out.mot")
    header, names, rows = read(tmp_path / "out.mot")
    expected = coordinates(clip)
    assert header[0] == "Coordinates"
    assert {"version=1", "nRows=5", f"nColumns={len(expected) + 1}", "inDegrees=yes"} <= set(header)
    assert names == ["time", *expected]
    np.testing.assert_allclose(rows[:, 0], np.arange(5) / 30, atol=1e-6)
    np.testing.assert_allclose(rows[:, 1:].T, [value[0] for value in expected.values()], atol=6e-6)


def test_rows_with_a_gap_are_left_out_and_counted(make_result, tmp_path):
    export_result(make_result(), tmp_path / "out.mot")
    header, _, rows = read(tmp_path / "out.mot")
    there = [t for t in range(6) if t not in (NOBODY, UNPLACED)]
    np.testing.assert_allclose(rows[:, 0], np.array(there) * 1001 / 30000, atol=1e-6)
    assert "nRows=4" in header


def test_every_person_has_a_file(make_result, tmp_path):
    clip = make_result()
    export_result(clip, tmp_path / "out.mot")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mot", "out_2.mot"]
    _, _, rows = read(tmp_path / "out_2.mot")
    expected = np.stack(list(coordinates(clip).values()), -1)[1]
    np.testing.assert_allclose(rows[:, 1:], expected, atol=6e-6)
    assert files_of(clip, tmp_path / "out.mot") == [tmp_path / "out.mot", tmp_path / "out_2.mot"]
    (tmp_path / "out.mot").unlink()
    with pytest.raises(OutputError, match="out_2"):
        export_result(clip, tmp_path / "out.mot", overwrite=False)


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (2, 0)])
def test_empty_results_have_no_rows(make_result, tmp_path, people, frames):
    export_result(make_result(people, frames), tmp_path / "out.mot")
    header, names, rows = read(tmp_path / "out.mot")
    assert "nRows=0" in header
    assert len(names) == 23 + 1
    assert not len(rows)
