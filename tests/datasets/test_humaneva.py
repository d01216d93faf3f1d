from __future__ import annotations

import numpy as np
import pytest
from golden_files import FOLDER

from videopose3d.calibration import camera_to_world
from videopose3d.datasets import load_dataset
from videopose3d.datasets.community import (
    keypoint_metadata,
    read_positions_3d,
    write_positions_2d,
    write_positions_3d,
)
from videopose3d.datasets.humaneva import cameras
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.skeleton import HUMANEVA15, HUMANEVA20

DATA = FOLDER / "data"


def small(folder, joints, name):
    skeleton = {15: HUMANEVA15, 20: HUMANEVA20}[joints]
    rng = np.random.default_rng(0)
    world, seen = rng.normal(size=(6, joints, 3)), [rng.uniform(0, 480, (6, joints, 2))] * 3
    write_positions_3d(folder / f"data_3d_{name}.npz", {"Train/S2": {"Box 1 chunk0": world}})
    write_positions_2d(
        folder / f"data_2d_{name}_own.npz", {"Train/S2": {"Box 1 chunk0": seen}}, keypoint_metadata(skeleton)
    )
    return world


@pytest.mark.parametrize("subject", ["Train/S1", "Validate/S1", "Unlabeled/Train/S1", "Unlabeled/S1", "S1"])
def test_the_last_part_of_the_name_says_whose_cameras(subject):
    assert cameras(subject) == cameras("Train/S1")
    assert cameras(subject.replace("S1", "S3")) == cameras("Train/S1")  # the data set's own fact
    assert cameras(subject.replace("S1", "S2")) != cameras("Train/S1")


def test_the_cameras():
    for subject in ("S1", "S2"):
        for camera in cameras(subject):
            assert np.linalg.norm(camera.orientation) == pytest.approx(1, abs=1e-5)
            assert camera.size == (640, 480)
            assert camera.intrinsics is None
            forward = camera_to_world(np.array([0, 0, 1.0]), np.array(camera.orientation), np.zeros(3))
            assert forward[:2] @ np.array(camera.translation)[:2] < 0  # they look into the middle
    assert [c.name for c in cameras("Unlabeled/S4")] == ["C1", "C2", "C3"]
    assert [c.translation for c in cameras("Unlabeled/S4")] == [None] * 3


def test_the_golden_data_set():
    dataset = load_dataset("humaneva15", "gt", DATA)
    assert dataset.subjects == ("Train/S1", "Train/S2", "Validate/S1", "Validate/S2", "Unlabeled/S4")
    assert (dataset.skeleton, dataset.keypoint_skeleton, dataset.fps) == (HUMANEVA15, HUMANEVA15, 60.0)
    assert len(dataset.sequences) == 3 * (4 * 3 + 1)
    world = read_positions_3d(DATA / "data_3d_humaneva15.npz")
    for s in dataset.select(["Train/S1", "Validate/S2"]):
        assert (s.poses[:, 0] == 0).all()
        place = np.array(s.camera.orientation), np.array(s.camera.translation)
        back = camera_to_world((s.poses + s.trajectory[:, None]).astype(np.float64), *place)
        np.testing.assert_allclose(back, world[s.subject][s.action], atol=5e-6)  # quaternions have 7 digits
    assert len(dataset.select(["Train/S1"], ["Jog", "Walking"])) == 9
    with pytest.raises(InputError, match="no 3D poses of Unlabeled/S4"):
        dataset.select(["Unlabeled/S4"])


@pytest.mark.parametrize("joints", [15, 20])
def test_both_joint_sets(tmp_path, joints):
    world = small(tmp_path, joints, f"humaneva{joints}")
    dataset = load_dataset(f"humaneva{joints}", "own", tmp_path)
    assert len(dataset.skeleton) == len(dataset.keypoint_skeleton) == joints
    bones = np.linalg.norm(world[:, 1:] - world[:, :1], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(dataset.sequences[0].poses[:, 1:], axis=-1), bones, atol=1e-4)


@pytest.mark.parametrize(("joints", "asked"), [(15, 20), (20, 15)])
def test_the_other_joint_set_is_refused(tmp_path, joints, asked):
    small(tmp_path, joints, f"humaneva{asked}")
    complaint = rf"data_3d_humaneva{asked}\.npz: expected {asked} joints, got {joints}.*humaneva{joints}"
    with pytest.raises(SkeletonMismatchError, match=complaint):
        load_dataset(f"humaneva{asked}", "own", tmp_path)
