from __future__ import annotations

import csv

import numpy as np
import pytest

from tests.export.ground import grounded
from videopose3d.export import export_result
from videopose3d.skeleton import COCO17, H36M17

NOBODY, GUESSED, UNPLACED = 2, 3, 4  # frames of the first person, see make_result


def read(result, tmp_path) -> list[dict[str, str]]:
    path = tmp_path / "out.csv"
    export_result(result, path)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def joints(row: dict[str, str]) -> np.ndarray:
    cells = [[row[f"{joint}_{axis}_m"] for axis in "xyz"] for joint in H36M17.joints]
    return np.array([[float(cell or "nan") for cell in triple] for triple in cells])


def test_everything_comes_back(make_result, tmp_path):
    result = make_result()
    rows = read(result, tmp_path)
    assert [(int(r["frame"]), int(r["person"])) for r in rows] == [(t, p) for t in range(6) for p in (1, 2)]
    camera = result.poses_3d + result.trajectory[:, :, None]
    for row in rows:
        p, t = int(row["person"]) - 1, int(row["frame"])
        assert float(row["time_s"]) == pytest.approx(t * 1001 / 30000, abs=1e-6)
        assert row["present"] == str(int(result.keypoints.present[p, t]))
        if row["origin"] == "camera":
            np.testing.assert_allclose(joints(row), camera[p, t], atol=6e-6, rtol=0)
        for k, name in enumerate(COCO17.joints):
            found = [float(row[f"{name}_{what}"] or "nan") for what in ("u_px", "v_px", "score")]
            np.testing.assert_allclose(found[:2], result.keypoints_2d[p, t, k], atol=6e-4, rtol=0)
            assert found[2] == pytest.approx(result.keypoints_score[p, t, k], abs=6e-5)
    assert {row["origin"] for row in rows if row["person"] == "2"} == {"camera"}


def test_the_ground_and_what_stands_on_it(make_result, tmp_path):
    result = grounded(make_result())
    rows = read(result, tmp_path)
    for row in rows:
        p, t = int(row["person"]) - 1, int(row["frame"])
        found = [float(row[f"{joint}_world_{axis}_m"] or "nan") for joint in H36M17.joints for axis in "xyz"]
        np.testing.assert_allclose(found, result.world.poses[p, t].ravel(), atol=6e-6, rtol=0)
        assert [int(row[f"contact_{foot}"]) for foot in ("left", "right")] == result.world.contacts[p, t].tolist()
        plane = [float(row[f"ground_{part}"]) for part in ("nx", "ny", "nz", "d_m")]
        np.testing.assert_allclose(plane, result.world.ground, atol=1e-6)
        if row["origin"] == "camera":  # the plane is that of the joints in camera axes
            heights = joints(row) @ plane[:3] + plane[3]
            np.testing.assert_allclose(heights, np.array(found).reshape(17, 3)[:, 2], atol=1e-4)
    assert "contact_left" not in read(make_result(), tmp_path)[0]


def test_a_pose_without_a_place_says_that_it_is_measured_from_the_root(make_result, tmp_path):
    result = make_result()
    row = read(result, tmp_path)[2 * UNPLACED]
    assert row["origin"] == "root"
    np.testing.assert_allclose(joints(row), result.poses_3d[0, UNPLACED], atol=6e-6, rtol=0)


def test_what_is_not_there_is_an_empty_cell(make_result, tmp_path):
    rows = read(make_result(), tmp_path)
    absent = rows[2 * NOBODY]
    assert absent["present"] == "0"
    assert absent["origin"] == absent["pelvis_x_m"] == absent["nose_u_px"] == ""
    assert rows[2 * GUESSED]["present"] == "0"
    assert rows[2 * GUESSED]["pelvis_x_m"]
    assert rows[0]["left_shoulder_u_px"] == ""
    assert rows[0]["nose_u_px"]


def test_no_nan_no_exponents_no_minus_zero(make_result, tmp_path):
    result = make_result()
    result.poses.poses[1, 0] = -1e-9
    result.poses.trajectory[1, 0] = 0.0
    row = read(result, tmp_path)[1]
    assert row["pelvis_x_m"] == "0.0"
    text = (tmp_path / "out.csv").read_text().split("\n", 1)[1]
    assert "nan" not in text
    assert "inf" not in text
    assert "-0.0," not in text


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (2, 0)])
def test_empty_results_have_a_header_and_no_rows_too_many(make_result, tmp_path, people, frames):
    assert len(read(make_result(people, frames), tmp_path)) == people * frames
    assert (tmp_path / "out.csv").read_text().startswith("frame,time_s,person,present,origin,pelvis_x_m,")


def test_a_result_of_the_2d_stage_has_keypoints_only(make_result, tmp_path):
    row = read(make_result(lifted=False), tmp_path)[1]
    assert "pelvis_x_m" not in row
    assert "origin" not in row
    assert row["nose_u_px"]
