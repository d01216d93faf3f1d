from __future__ import annotations

import shutil

import numpy as np
import pytest
from golden_files import FOLDER

from videopose3d.calibration import camera_to_world, project
from videopose3d.datasets import load_dataset
from videopose3d.datasets.community import (
    keypoint_metadata,
    read_positions_2d,
    read_positions_3d,
    write_positions_2d,
    write_positions_3d,
)
from videopose3d.datasets.human36m import KEPT, cameras, seventeen_joints
from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.geometry import pixels_from_screen
from videopose3d.skeleton import COCO17, H36M17

DATA = FOLDER / "data"
TRAIN, TEST = ["S1", "S5", "S6", "S7", "S8"], ["S9", "S11"]


@pytest.fixture(scope="module")
def ground_truth():
    return load_dataset("h36m", "gt", DATA)


def small(folder, *, frames=6, views=4, seen=None, joints=32, subject="S1", name="own"):
    """A folder with one take of one subject in both files."""
    rng = np.random.default_rng(0)
    write_positions_3d(folder / "data_3d_h36m.npz", {subject: {"Walk": rng.normal(size=(frames, joints, 3))}})
    keypoints = [rng.uniform(0, 1000, (seen or frames, 17, 2)) for _ in range(views)]
    write_positions_2d(folder / f"data_2d_h36m_{name}.npz", {subject: {"Walk": keypoints}}, keypoint_metadata(H36M17))
    return folder


# --- cameras


def test_cameras_of_everyone_with_3d():
    for subject in (*TRAIN, *TEST):
        rig = cameras(subject)
        assert [c.name for c in rig] == ["54138969", "55011271", "58860488", "60457274"]
        for camera in rig:
            assert np.linalg.norm(camera.orientation) == pytest.approx(1, abs=1e-6)
            # They stand in the corners of a room and look inwards and slightly down.
            x, y, z = camera.translation
            assert 1 < abs(x) < 3
            assert 3 < abs(y) < 6
            assert 1.4 < z < 1.7
            forward = camera_to_world(np.array([0, 0, 1.0]), np.array(camera.orientation), np.zeros(3))
            assert forward @ [x, y, 0] < 0
            assert -0.3 < forward[2] < 0


def test_cameras_of_others_have_no_place():
    for subject in ("S2", "S3", "S4", "S10"):
        assert [c.translation for c in cameras(subject)] == [None] * 4
        assert cameras(subject)[0].intrinsics is not None


def test_the_17_joints():
    positions = np.arange(2 * 32 * 3, dtype=np.float32).reshape(2, 32, 3)
    assert np.array_equal(seventeen_joints(positions)[0, :, 0] / 3, KEPT)
    assert seventeen_joints(positions[:, :17]) is not None
    with pytest.raises(SkeletonMismatchError, match="expected 32 joints .* got 20"):
        seventeen_joints(positions[:, :20])


# --- the golden data set


def test_what_is_in_it(ground_truth):
    assert ground_truth.subjects == (*TRAIN, *TEST)
    assert (ground_truth.skeleton, ground_truth.keypoint_skeleton) == (H36M17, H36M17)
    assert (ground_truth.name, ground_truth.fps, ground_truth.features) == ("h36m", 50.0, 2)
    assert len(ground_truth.sequences) == 4 * (6 * 5 + 4)
    assert [s.camera.name for s in ground_truth.sequences[:5]] == [*(c.name for c in cameras("S1")), "54138969"]
    assert {s.action for s in ground_truth.sequences if s.subject == "S11"} == {
        "Directions 1",
        "Walking",
        "Walking 1",
        "WalkDog 1",
    }


def test_poses_and_trajectory_are_the_mocap_seen_by_the_camera(ground_truth):
    world = read_positions_3d(DATA / "data_3d_h36m.npz")
    for s in ground_truth.sequences[::7]:
        assert s.poses.dtype == s.trajectory.dtype == s.keypoints.dtype == np.float32
        assert (s.poses[:, 0] == 0).all()
        place = np.array(s.camera.orientation), np.array(s.camera.translation)
        back = camera_to_world((s.poses + s.trajectory[:, None]).astype(np.float64), *place)
        np.testing.assert_allclose(back, seventeen_joints(world[s.subject][s.action]), atol=3e-6)


def test_the_projected_poses_are_the_keypoints_that_the_original_projected(ground_truth):
    worst = 0.0
    for s in ground_truth.sequences:
        points = s.poses + s.trajectory[:, None]
        screen = project(points, np.repeat(s.camera.intrinsics[None], len(points), 0))
        worst = max(worst, np.abs(pixels_from_screen(screen, s.camera.size) - s.keypoints).max())
    assert worst < 2e-3  # [px]


def test_detections_of_longer_takes_and_of_a_subject_without_3d():
    dataset = load_dataset("h36m", "detectron_pt_coco", DATA)
    assert dataset.keypoint_skeleton == COCO17
    assert dataset.features == 3
    found, _ = read_positions_2d(DATA / "data_2d_h36m_detectron_pt_coco.npz")
    longer = 0
    for s in dataset.select([*TRAIN, *TEST]):
        view = found[s.subject][s.action][[c.name for c in cameras(s.subject)].index(s.camera.name)]
        longer += len(view) > len(s)
        assert np.array_equal(s.keypoints, view[: len(s)])
        assert len(s.poses) == len(s)
    assert longer > 10
    assert [len(s) for s in dataset.select(["S2"], labelled=False)] == [30] * 4
    with pytest.raises(InputError, match="no 3D poses of S2"):
        dataset.select(["S1", "S2"])


def test_twice_in_one_process(ground_truth):
    again = load_dataset("h36m", "gt", DATA)
    assert np.array_equal(again.sequences[0].poses, ground_truth.sequences[0].poses)


def test_the_projected_motion_capture_where_no_keypoints_are_named(ground_truth):
    assert load_dataset("h36m", folder=DATA).source == ground_truth.source


def test_a_path_instead_of_a_name(tmp_path, ground_truth):
    path = shutil.copy(DATA / "data_2d_h36m_gt.npz", tmp_path / "mine.npz")
    dataset = load_dataset("h36m", path, DATA)
    assert len(dataset.sequences) == len(ground_truth.sequences)
    assert "mine.npz" in dataset.source


# --- files that do not fit together


def test_the_small_folder_is_good(tmp_path):
    dataset = load_dataset("h36m", "own", small(tmp_path))
    assert [len(s) for s in dataset.sequences] == [6] * 4
    assert len(load_dataset("h36m", "own", small(tmp_path, joints=17)).sequences) == 4
    assert [len(s) for s in load_dataset("h36m", "own", small(tmp_path, seen=9)).sequences] == [6] * 4


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"seen": 5}, InputError, "S1 'Walk', camera 54138969: 5 frames of keypoints for 6 of 3D poses"),
        ({"views": 3}, InputError, "S1 'Walk' has keypoints of 3 cameras, there are 4"),
        ({"views": 5}, InputError, "keypoints of 5 cameras, there are 4"),
        ({"subject": "S2"}, InputError, "S2 'Walk', .*: 3D poses of a subject whose cameras' places are not known"),
        ({"joints": 20}, SkeletonMismatchError, r"data_3d_h36m\.npz: expected 32 joints .* got 20"),
        ({"name": "b"}, InputError, r"data_2d_h36m_own\.npz: no such keypoints\. In .* there are b\."),
    ],
)
def test_what_does_not_fit(tmp_path, change, error, complaint):
    with pytest.raises(error, match=complaint):
        load_dataset("h36m", "own", small(tmp_path, **change))


def test_takes_of_one_file_only(tmp_path):
    small(tmp_path)
    positions = read_positions_3d(tmp_path / "data_3d_h36m.npz")
    take = positions["S1"]["Walk"]
    write_positions_3d(tmp_path / "data_3d_h36m.npz", {"S1": {"Walk": take, "Eating": take}})
    with pytest.raises(InputError, match=r"_own\.npz: no keypoints of S1 'Eating', whose 3D .* It has Walk\."):
        load_dataset("h36m", "own", tmp_path)
    write_positions_3d(tmp_path / "data_3d_h36m.npz", {"S1": {"Walk": take}, "S9": {"Walk": take}})
    with pytest.raises(InputError, match=r"_own\.npz: no keypoints of S9, whose 3D poses there are\. It has S1\."):
        load_dataset("h36m", "own", tmp_path)
    write_positions_3d(tmp_path / "data_3d_h36m.npz", {"S1": {}})
    dataset = load_dataset("h36m", "own", tmp_path)
    assert [s.poses for s in dataset.sequences] == [None] * 4


@pytest.mark.parametrize(("kind", "name"), [("2d", "keypoints"), ("3d", "3D poses|trajectory")])
def test_gaps(tmp_path, kind, name):
    small(tmp_path)
    positions = read_positions_3d(tmp_path / "data_3d_h36m.npz")
    keypoints, metadata = read_positions_2d(tmp_path / "data_2d_h36m_own.npz")
    if kind == "3d":
        positions["S1"]["Walk"][4, 3] = np.nan
        write_positions_3d(tmp_path / "data_3d_h36m.npz", positions)
        camera = "54138969"
    else:
        keypoints["S1"]["Walk"][2][4, 3] = np.nan
        write_positions_2d(tmp_path / "data_2d_h36m_own.npz", keypoints, metadata)
        camera = "58860488"
    complaint = rf"S1 'Walk', camera {camera}: the ({name}) of 1 frames are not numbers, the first is frame 4"
    with pytest.raises(InputError, match=complaint):
        load_dataset("h36m", "own", tmp_path)


def test_gaps_after_the_end_of_the_mocap_do_not_matter(tmp_path):
    small(tmp_path, seen=8)
    keypoints, metadata = read_positions_2d(tmp_path / "data_2d_h36m_own.npz")
    keypoints["S1"]["Walk"][0][7] = np.nan
    write_positions_2d(tmp_path / "data_2d_h36m_own.npz", keypoints, metadata)
    assert len(load_dataset("h36m", "own", tmp_path).sequences) == 4


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match=r"data_2d_h36m_gt\.npz: no such keypoints\. There are none in"):
        load_dataset("h36m", None, tmp_path)
    with pytest.raises(InputError, match=r"no such keypoints\. In .* there are detectron_pt_coco, gt\."):
        load_dataset("h36m", "cpn", DATA)
    with pytest.raises(InputError, match=r"data_3d_h36m\.npz: no such file"):
        load_dataset("h36m", DATA / "data_2d_h36m_gt.npz", tmp_path)
    small(tmp_path)
    (tmp_path / "data_3d_h36m.npz").write_bytes(b"PK")
    with pytest.raises(FileFormatError, match=r"data_3d_h36m\.npz: not a readable npz file"):
        load_dataset("h36m", "own", tmp_path)
