"""What is exported comes back as motion for training, joint by joint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motions import motion

from tests.export.ground import grounded, world_from_camera
from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import load_library, load_motion_file
from videopose3d.export import export_result
from videopose3d.pipeline.prepare_mocap import prepare_mocap
from videopose3d.skeleton import H36M17
from videopose3d.types import World


@pytest.mark.parametrize("suffix", [".c3d", ".trc"])
def test_joints_come_back_to_a_tenth_of_a_millimetre(suffix, make_result, tmp_path):
    if suffix == ".c3d":
        pytest.importorskip("ezc3d")
    result = make_result(2, 30)
    z_up = np.stack([motion(30, seed=seed).joints_h36m for seed in (1, 2)])
    camera = z_up[..., [1, 2, 0]] * np.float32([-1, -1, 1])  # x right, y down, z forward of one who looks along x
    camera = camera + np.float32([0, 1.5, 4])
    poses = replace(result.poses, poses=camera - camera[:, :, :1], trajectory=camera[:, :, 0])
    result = grounded(replace(result, poses=poses))
    export_result(result, tmp_path / f"two{suffix}")
    report = prepare_mocap([tmp_path / f"two{suffix}"], tmp_path / "library.npz", MocapConfig(subject="pair"))
    found = load_library(tmp_path / "library.npz").motions
    assert (report.takes, [m.subject for m in found]) == (2, ["pair", "pair/P2"])
    world = result.world.poses
    for person, m in enumerate(found):
        assert m.fps == pytest.approx(30000 / 1001)
        there = world[person] - world[person, :1, :1]
        back = m.joints_h36m - m.joints_h36m[:1, :1]
        errors = [np.abs(turned(back, quarter) - there).max() for quarter in range(4)]
        assert min(errors) < 2e-4  # the vertical of the export is ours, the yaw is one of four


@pytest.fixture
def swinging(make_result):
    """Somebody who swings arms and legs over the ground, seen in all 60 frames but the first 20 and the last 5."""
    result = make_result(1, 60)
    z_up = motion(60, seed=1).joints_h36m[None]
    camera = z_up[..., [1, 2, 0]] * np.float32([-1, -1, 1]) + np.float32([0, 1.5, 4])
    camera[:, :20] = camera[:, 55:] = np.nan
    poses = replace(result.poses, poses=camera - camera[:, :, :1], trajectory=camera[:, :, 0])
    matrix = world_from_camera(pitch=0.0)
    points = (camera @ matrix[:, :3].T + matrix[:, 3]).astype(np.float32)
    world = World(points, np.array([0.0, -1.0, 0.0, 1.5]), matrix, np.zeros((1, 60, 2), bool))
    return replace(result, poses=poses, world=world)


def test_a_bvh_stands_on_the_ground_without_the_poses_it_holds(swinging, tmp_path):
    export_result(swinging, tmp_path / "a.bvh")
    (found,) = load_motion_file(tmp_path / "a.bvh").motions
    assert found.frames == 35
    feet = H36M17.indices(("left_ankle", "right_ankle"))
    height = found.joints_h36m[:, feet, 2] - swinging.world.poses[0, 20:55, feet, 2].T
    assert np.abs(height).max() < 0.025  # that of the ankle of a standing person is 6 to 8 cm


def turned(points: np.ndarray, quarters: int) -> np.ndarray:
    """Points turned about z."""
    for _ in range(quarters):
        points = points[..., [1, 0, 2]] * np.float32([-1, 1, 1])
    return points
