"""What is exported comes back as motion for training, joint by joint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motions import motion

from tests.export.ground import grounded
from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import load_library
from videopose3d.export import export_result
from videopose3d.pipeline.prepare_mocap import prepare_mocap


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


def turned(points: np.ndarray, quarters: int) -> np.ndarray:
    """Points turned about z."""
    for _ in range(quarters):
        points = points[..., [1, 0, 2]] * np.float32([-1, 1, 1])
    return points
