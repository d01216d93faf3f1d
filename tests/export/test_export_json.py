from __future__ import annotations

import json

import numpy as np
import pytest

from tests.export.ground import grounded
from videopose3d.export import export_result

NOBODY, GUESSED, UNPLACED = 2, 3, 4  # frames of the first person, see make_result


def read(result, tmp_path):
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    path = tmp_path / "out.json"
    export_result(result, path)
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def numbers(nested) -> np.ndarray:
    return np.array(nested, dtype=object).astype(float)  # None becomes NaN


def test_everything_comes_back(make_result, tmp_path):
    result = make_result()
    data = read(result, tmp_path)
    assert data["fps"] == [30000, 1001]
    assert data["size"] == [1920, 1080]
    assert data["source"] == 'a "b", ü.mp4'
    assert data["frame_count"] == 6
    assert data["joint_names"][0] == "pelvis"
    assert data["parents"][:3] == [-1, 0, 1]
    assert data["keypoint_names"][0] == "nose"
    assert [person["id"] for person in data["people"]] == [1, 2]
    for p, person in enumerate(data["people"]):
        assert [entry["frame"] for entry in person["frames"]] == list(range(6))
        for t, entry in enumerate(person["frames"]):
            assert entry["time"] == pytest.approx(t * 1001 / 30000, abs=1e-6)
            assert entry["present"] == result.keypoints.present[p, t]
            if entry["joints"] is not None:
                np.testing.assert_allclose(numbers(entry["joints"]), result.poses_3d[p, t], atol=6e-6, rtol=0)
                found = numbers(entry["keypoints"])
                np.testing.assert_allclose(found[:, :2], result.keypoints_2d[p, t], atol=6e-4, rtol=0)
                np.testing.assert_allclose(found[:, 2], result.keypoints_score[p, t], atol=6e-5, rtol=0)
                np.testing.assert_allclose(entry["box"], result.keypoints.boxes[p, t], atol=6e-4, rtol=0)
            if entry["root"] is not None:
                np.testing.assert_allclose(entry["root"], result.trajectory[p, t], atol=6e-6, rtol=0)


def test_the_ground_and_what_stands_on_it(make_result, tmp_path):
    result = grounded(make_result())
    data = read(result, tmp_path)
    np.testing.assert_array_equal(data["ground"], result.world.ground)
    np.testing.assert_array_equal(data["world_from_camera"], result.world.world_from_camera)
    assert "z up" in data["axes"]["world"]
    for p, person in enumerate(data["people"]):
        for t, entry in enumerate(person["frames"]):
            assert entry["contacts"] == result.world.contacts[p, t].tolist()
            if entry["joints_world"] is not None:
                np.testing.assert_allclose(numbers(entry["joints_world"]), result.world.poses[p, t], atol=6e-6, rtol=0)
    assert [entry["joints_world"] is None for entry in data["people"][0]["frames"]] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_without_a_ground_its_keys_are_null(make_result, tmp_path):
    data = read(make_result(), tmp_path)
    assert data["ground"] is data["world_from_camera"] is None
    assert {entry[key] for entry in data["people"][0]["frames"] for key in ("joints_world", "contacts")} == {None}


def test_what_is_not_there_is_null_and_nothing_is_shortened(make_result, tmp_path):
    frames = read(make_result(), tmp_path)["people"][0]["frames"]
    absent = frames[NOBODY]
    assert [absent[key] for key in ("root", "joints", "keypoints", "box")] == [None] * 4
    assert not frames[GUESSED]["present"]
    assert frames[GUESSED]["joints"] is not None
    assert frames[UNPLACED]["root"] is None
    assert frames[UNPLACED]["joints"] is not None
    assert frames[0]["keypoints"][5][:2] == [None, None]
    assert len(frames[0]["keypoints"]) == 17


def test_infinity_is_not_written(make_result, tmp_path):
    result = make_result()
    result.keypoints.points[1, 1, 1] = np.inf
    assert read(result, tmp_path)["people"][1]["frames"][1]["keypoints"][1][:2] == [None, None]


def test_one_frame_is_one_line(make_result, tmp_path):
    export_result(make_result(), tmp_path / "out.json")
    lines = (tmp_path / "out.json").read_text().splitlines()
    assert sum('"frame":' in line for line in lines) == 12
    assert max(line.count('"frame":') for line in lines) == 1


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (2, 0)])
def test_empty_results(make_result, tmp_path, people, frames):
    data = read(make_result(people, frames), tmp_path)
    assert len(data["people"]) == people
    assert data["frame_count"] == frames


def test_a_result_of_the_2d_stage_has_no_joints(make_result, tmp_path):
    data = read(make_result(lifted=False), tmp_path)
    assert data["joint_names"] is None
    assert data["people"][1]["frames"][0]["joints"] is None
    assert data["people"][1]["frames"][0]["keypoints"] is not None
