"""Losses and target maps of keypoint networks against the original programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_files import golden, golden_json

from videopose3d.detectors.networks.losses import cpn_loss, global_losses, hard_joints_loss, stages_loss
from videopose3d.detectors.networks.targets import cpn_kernels, cpn_targets, gaussian_targets


def loss_arrays() -> dict[str, torch.Tensor]:
    return {key.removeprefix("loss/"): torch.from_numpy(np.asarray(value)) for key, value in golden("cpn_loss").items()}


def test_cpn_losses() -> None:
    a = loss_arrays()
    levels = global_losses(a["global_outputs"], a["targets"], a["visibility"])
    np.testing.assert_allclose(torch.stack(levels), a["global_losses"], rtol=1e-5)
    hard = hard_joints_loss(a["refine_output"], a["targets"][-1], a["visibility"])
    assert float(hard) == pytest.approx(float(a["ohkm"]), rel=1e-5)
    total = cpn_loss(a["global_outputs"], a["refine_output"], a["targets"], a["visibility"])
    assert float(total) == pytest.approx(float(a["total"]), rel=1e-5)


def test_the_hardest_joints_are_per_person_and_unlabelled_ones_are_no_error() -> None:
    errors = torch.arange(1.0, 18).repeat(2, 1)
    maps = errors.sqrt()[..., None, None].expand(2, 17, 3, 2)
    labelled = torch.full((2, 17), 2.0)
    labelled[1, 10:] = 0
    expected = (sum(range(10, 18)) + sum(range(3, 11))) / 2 / 8
    assert float(hard_joints_loss(maps, torch.zeros_like(maps), labelled)) == pytest.approx(expected)


def test_stages_learn_the_same_maps() -> None:
    target, weights = torch.ones(2, 3, 4, 4), torch.tensor([[1.0, 0, 1], [1, 1, 1]])
    assert float(stages_loss([target + 2, target - 1], target, weights)) == pytest.approx((4 + 1) * 5 / 6)


@pytest.mark.parametrize("size", [(256, 192), (384, 288)])
def test_cpn_targets(size: tuple[int, int]) -> None:
    case, expected = f"{size[0]}x{size[1]}", golden("cpn_crop")
    joints = expected[f"{case}/target_joint_crop_xy"]
    kernels = cpn_kernels(size)
    targets = cpn_targets(joints, np.ones(len(joints)), (size[0] // 4, size[1] // 4), kernels)
    for level, kernel in zip(targets, kernels, strict=True):
        np.testing.assert_allclose(level[:8], expected[f"{case}/target_k{kernel}"], atol=1e-3)
        sums = expected[f"{case}/target_k{kernel}_sums"]
        np.testing.assert_allclose(level.sum((1, 2), dtype=float), sums, rtol=1e-6, atol=1e-3)
    cells = expected[f"{case}/target_cell_xy"]
    peaks = np.array([np.unravel_index(level.argmax(), level.shape)[::-1] for level in targets[-1]])
    away = (cells > 2).all(1) & (cells < np.array([size[1], size[0]]) // 4 - 3).all(1)  # from the mirroring borders
    np.testing.assert_array_equal(peaks[away], cells[away])
    assert away.sum() > 5


def test_narrow_cpn_blobs_follow_opencvs_tables() -> None:
    targets = cpn_targets(np.array([[41.0, 50]]), np.ones(1), (24, 20), (9, 7))
    np.testing.assert_allclose(targets[0, 0, 12, 10:16], [255, 216.75, 127.5, 55.25, 17, 0], atol=1e-3)
    np.testing.assert_allclose(targets[1, 0, 12, 10:15], [255, 198.333, 99.167, 28.333, 0], atol=1e-3)


def test_joints_without_label_or_outside_have_empty_maps() -> None:
    joints = np.array([[8.0, 8], [-1, 8], [8, 64], [np.nan, 8], [8, 8]])
    targets = cpn_targets(joints, np.array([2, 2, 2, 2, 0]), (16, 12), (9,))
    assert targets.max((0, 2, 3)).tolist() == [255, 0, 0, 0, 0]
    maps, weights = gaussian_targets(joints * [1, 100], np.array([2, 2, 2, 2, 0]), (16, 12), 4, 2)
    assert weights.tolist() == [0, 0, 0, 0, 0]
    assert maps.max() == 0


@pytest.mark.parametrize("size", [(256, 192), (384, 288)])
def test_cpm_targets(size: tuple[int, int]) -> None:
    case, expected = f"{size[0]}x{size[1]}", golden("cpm_io")
    sigma = golden_json("cpm_io")["cases"][case]["sigma"]
    made = [
        gaussian_targets(joints, visible, (size[0] // 8, size[1] // 8), 8, sigma)
        for joints, visible in zip(expected[f"{case}/keypoints_in_crop"], expected[f"{case}/visible"], strict=True)
    ]
    targets, weights = (np.stack(part) for part in zip(*made, strict=True))
    np.testing.assert_allclose(targets[:3], expected[f"{case}/target_first3"], atol=1e-6)
    np.testing.assert_allclose(targets.sum((2, 3)), expected[f"{case}/target_sums"], rtol=1e-5)
    np.testing.assert_array_equal(weights, expected[f"{case}/target_weights"])
