from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from tests.export.bodies import body, poses, result, turning
from tests.export.ground import grounded, world_from_camera
from videopose3d.errors import SkeletonMismatchError
from videopose3d.export import export_result
from videopose3d.joint_angles import joint_angles
from videopose3d.skeleton import COCO17
from videopose3d.types import Poses3D

NOBODY, GUESSED, UNPLACED = 2, 3, 4  # frames of the first person, see make_result


def angles(one: np.ndarray, yaw: float = 0.0) -> dict[str, float]:
    return {name: float(value[0, 0]) for name, value in joint_angles(poses(one, yaw=yaw)).items()}


@pytest.mark.parametrize("yaw", [0, 35, 180, 290])
def test_the_straight_body_has_no_angles_wherever_it_looks(yaw):
    np.testing.assert_allclose(list(angles(body(), yaw).values()), 0, atol=1e-3)


TURNED = [  # joint, axis of the body, degrees, what changes
    ("right_hip", "z", 30, {"right_hip_flexion": 30}),
    ("left_hip", "z", -20, {"left_hip_flexion": -20}),
    ("right_hip", "x", -25, {"right_hip_abduction": 25}),
    ("left_hip", "x", 25, {"left_hip_abduction": 25}),
    ("right_knee", "z", -60, {"right_knee_flexion": 60}),
    ("left_elbow", "z", 90, {"left_elbow_flexion": 90}),
    ("right_shoulder", "z", 45, {"right_shoulder_flexion": 45, "right_shoulder_elevation": 45}),
    ("left_shoulder", "z", 170, {"left_shoulder_flexion": 170, "left_shoulder_elevation": 170}),
    ("left_shoulder", "z", 200, {"left_shoulder_flexion": 200, "left_shoulder_elevation": 160}),
    ("left_shoulder", "z", -50, {"left_shoulder_flexion": -50, "left_shoulder_elevation": 50}),
    ("left_shoulder", "x", 60, {"left_shoulder_abduction": 60, "left_shoulder_elevation": 60}),
    ("right_shoulder", "x", -60, {"right_shoulder_abduction": 60, "right_shoulder_elevation": 60}),
]


@pytest.mark.parametrize(("joint", "axis", "degrees", "expected"), TURNED)
@pytest.mark.parametrize("yaw", [0, 120])
def test_a_turned_limb_changes_its_own_angles_only(joint, axis, degrees, expected, yaw):
    found = angles(body(**{joint: turning(axis, degrees)}), yaw)
    np.testing.assert_allclose(list(found.values()), [expected.get(name, 0) for name in found], atol=1e-3)


@pytest.mark.parametrize(
    ("axis", "degrees", "expected"),
    [
        ("z", -40, {"trunk_lean": 40, "trunk_lean_forward": 40}),
        ("z", 15, {"trunk_lean": 15, "trunk_lean_forward": -15}),
        ("x", 20, {"trunk_lean": 20, "trunk_lean_right": 20}),
        ("x", -20, {"trunk_lean": 20, "trunk_lean_right": -20}),
    ],
)
def test_a_leaning_trunk(axis, degrees, expected):
    whole = body() @ turning(axis, degrees).T
    found = {name: value for name, value in angles(whole, 75).items() if name.startswith("trunk")}
    np.testing.assert_allclose(list(found.values()), [expected.get(name, 0) for name in found], atol=1e-3)


def test_shoulders_turned_to_the_left_and_a_bowed_head():
    turned = body()
    names = [i for i, j in enumerate(poses(turned).skeleton.joints) if j.endswith(("shoulder", "elbow", "wrist"))]
    turned[names] = turned[names] @ turning("y", 30).T
    assert angles(turned)["trunk_twist_left"] == pytest.approx(30, abs=1e-3)
    bowed = body()
    bowed[10] = bowed[8] + turning("z", -25) @ (bowed[10] - bowed[8])
    assert angles(bowed)["head_flexion"] == pytest.approx(25, abs=1e-3)


def test_what_cannot_be_told_is_nan_and_nothing_else():
    sideways = angles(body(left_shoulder=turning("x", 85)))
    assert np.isnan(sideways.pop("left_shoulder_flexion"))
    assert sideways["left_shoulder_abduction"] == pytest.approx(85, abs=1e-3)
    assert np.isfinite(list(sideways.values())).all()
    without = body()
    without[3] = np.nan  # right ankle
    found = angles(without)
    assert {name for name, value in found.items() if np.isnan(value)} == {"right_knee_flexion"}
    folded = body()
    folded[6] = folded[5]  # a shin of no length has no direction
    assert np.isnan(angles(folded)["left_knee_flexion"])


def test_the_file_holds_every_person_and_frame(make_result, tmp_path):
    clip = make_result()
    export_result(clip, tmp_path / "out.angles.csv")
    with (tmp_path / "out.angles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["frame"]), int(r["person"])) for r in rows] == [(t, p) for t in range(6) for p in (1, 2)]
    expected = joint_angles(clip.poses)
    assert list(rows[0])[:5] == ["frame", "time_s", "person", "present", "trunk_lean_deg"]
    for row in rows:
        p, t = int(row["person"]) - 1, int(row["frame"])
        got = [float(row[f"{name}_deg"] or "nan") for name in expected]
        np.testing.assert_allclose(got, [value[p, t] for value in expected.values()], atol=6e-4, rtol=0)
    assert rows[2 * NOBODY]["right_knee_flexion_deg"] == ""
    assert rows[2 * GUESSED]["present"] == "0"
    assert rows[2 * UNPLACED]["right_knee_flexion_deg"]  # an angle needs no place


def test_a_camera_that_looks_down_does_not_lean_people(tmp_path):
    level = result(poses(body(trunk=turning("z", -10)), yaw=0))
    down = world_from_camera()[:, :3]
    to_level = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)  # z up to y down
    seen = (level.poses.poses @ (to_level @ down)).astype(np.float32)
    tilted = grounded(replace(level, poses=replace(level.poses, poses=seen)))
    export_result(tilted, tmp_path / "out.angles.csv")
    with (tmp_path / "out.angles.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    expected = {name: float(angle[0, 0]) for name, angle in joint_angles(level.poses).items()}
    assert expected["trunk_lean_forward"] == pytest.approx(10, abs=1e-3)
    np.testing.assert_allclose([float(row[f"{name}_deg"]) for name in expected], list(expected.values()), atol=2e-3)


def test_the_shorter_suffix_is_still_a_table_of_joints(make_result, tmp_path):
    export_result(make_result(), tmp_path / "out.v2.csv")
    assert "pelvis_x_m" in (tmp_path / "out.v2.csv").read_text()
    export_result(make_result(), tmp_path / "angles.csv")
    assert "pelvis_x_m" in (tmp_path / "angles.csv").read_text()


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (2, 0)])
def test_empty_results_have_a_header(make_result, tmp_path, people, frames):
    export_result(make_result(people, frames), tmp_path / "out.angles.csv")
    assert len((tmp_path / "out.angles.csv").read_text().splitlines()) == 1


def test_a_skeleton_without_the_joints_is_named(tmp_path):
    straight = poses(body())
    with pytest.raises(SkeletonMismatchError, match="pelvis"):
        export_result(result(Poses3D(straight.poses, straight.trajectory, COCO17)), tmp_path / "out.angles.csv")
    assert not list(tmp_path.iterdir())
