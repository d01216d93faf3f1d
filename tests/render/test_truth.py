from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.render.truth import load_truth
from videopose3d.result_file import save_result
from videopose3d.skeleton import HUMANEVA15


def test_a_result_file_is_a_truth_and_the_error_is_in_millimetres(make_result, tmp_path):
    result = make_result(people=2, frames=5)
    true = result.poses.poses.copy()
    true[:, 2, 1:, 0] += 0.017
    save_result(replace(result, poses=replace(result.poses, poses=true)), tmp_path / "t.npz")
    truth = load_truth(tmp_path / "t.npz", result.poses)
    np.testing.assert_allclose(truth.error, [0, 0, 17 * 16 / 17, 0, 0], atol=1e-3)
    np.testing.assert_allclose(truth.poses.poses, true)


def test_one_person_a_frame_shorter_or_longer_is_fitted_to_the_result(make_result, tmp_path):
    result = make_result(people=1, frames=6)
    np.savez(tmp_path / "t.npz", poses_3d=result.poses_3d[0, :5])
    truth = load_truth(tmp_path / "t.npz", result.poses)
    assert truth.poses.poses.shape == (1, 6, 17, 3)
    assert np.isnan(truth.poses.trajectory).all()
    np.testing.assert_array_equal(np.isfinite(truth.error), [True] * 5 + [False])
    np.save(tmp_path / "t.npy", np.concatenate([result.poses_3d, result.poses_3d[:, -1:]], 1))
    assert load_truth(tmp_path / "t.npy", result.poses).error.tolist() == [0.0] * 6


def test_the_truth_of_another_clip_is_refused(make_result, tmp_path):
    result, file = make_result(people=1, frames=6), tmp_path / "t.npz"
    for poses in (result.poses_3d[:, :4], np.concatenate([result.poses_3d] * 2, 1)):
        np.savez(file, poses_3d=poses)
        with pytest.raises(InputError, match=f"t.npz: a truth of {poses.shape[1]} frames for a clip of 6"):
            load_truth(file, result.poses)
    for fps in ([25, 1], 25.0, [50]):
        np.savez(file, poses_3d=result.poses_3d, fps=fps)
        with pytest.raises(InputError, match=r"a truth of (25|50) frames per second for a clip of 29.97"):
            load_truth(file, result.poses, Fraction(30000, 1001))
    for fps in ([30000, 1001], 29.97, 30):
        np.savez(file, poses_3d=result.poses_3d, fps=fps)
        assert load_truth(file, result.poses, Fraction(30000, 1001)).error.tolist() == [0.0] * 6
    for fps in ("often", 0, [], [25, 0], np.nan):
        np.savez(file, poses_3d=result.poses_3d, fps=fps)
        with pytest.raises(FileFormatError, match="its fps is no frame rate"):
            load_truth(file, result.poses, Fraction(25))


def test_absolute_poses_are_put_on_their_root(make_result, tmp_path):
    result = make_result(people=1)
    np.savez(tmp_path / "t.npz", poses_3d=result.poses_3d + result.trajectory[:, :, None])
    truth = load_truth(tmp_path / "t.npz", result.poses)
    np.testing.assert_allclose(truth.poses.poses, result.poses_3d, atol=1e-6)
    np.testing.assert_allclose(truth.poses.trajectory, result.trajectory)


def test_people_are_paired_by_where_they_are(make_result, tmp_path):
    result = make_result(people=2)
    result.poses.poses[1] *= 1.3
    np.savez(tmp_path / "t.npz", poses_3d=result.poses_3d[::-1], trajectory=result.trajectory[::-1])
    np.testing.assert_allclose(load_truth(tmp_path / "t.npz", result.poses).error, 0, atol=1e-4)


def test_nobody_found_has_no_error(make_result, tmp_path):
    np.savez(tmp_path / "t.npz", poses_3d=make_result().poses_3d)
    assert np.isnan(load_truth(tmp_path / "t.npz", make_result(people=0).poses).error).all()


def test_what_is_no_truth_is_said(make_result, tmp_path):
    poses = make_result().poses
    with pytest.raises(InputError, match="no such file"):
        load_truth(tmp_path / "none.npz", poses)
    (tmp_path / "t.npz").write_text("words")
    with pytest.raises(FileFormatError, match="not a readable"):
        load_truth(tmp_path / "t.npz", poses)
    np.savez(tmp_path / "t.npz", other=1)
    with pytest.raises(FileFormatError, match="no poses_3d"):
        load_truth(tmp_path / "t.npz", poses)
    np.savez(tmp_path / "t.npz", poses_3d=np.zeros((4, 16, 3)))
    with pytest.raises(FileFormatError, match=r"\(1, 4, 16, 3\)"):
        load_truth(tmp_path / "t.npz", poses)
    np.savez(tmp_path / "t.npz", poses_3d=np.zeros((4, 15, 3)), joint_names=np.array(HUMANEVA15.joints))
    with pytest.raises(SkeletonMismatchError, match="humaneva15"):
        load_truth(tmp_path / "t.npz", poses)
