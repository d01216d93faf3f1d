from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from importlib.resources import as_file, files

import numpy as np
import pytest
from stiff import FPS, dance, joints, result

from tests.export.ground import grounded
from videopose3d.datasets.mocap.bvh import parse_bvh
from videopose3d.datasets.mocap.single import load_motion_file
from videopose3d.errors import OutputError, VideoPose3DError
from videopose3d.export import export_result, files_of
from videopose3d.export.skeletal import rig
from videopose3d.export.upright import upright
from videopose3d.skeleton import H36M17


def read(path) -> tuple[np.ndarray, float]:
    """(T, 17, 3) joints of a BVH file [m], by our importer of motion capture, and its frame rate."""
    motion = parse_bvh(path.read_text(), path)
    at = {bone.at: bone.name for bone in reversed(rig(H36M17))} | {"head": "Head_end"}
    return np.stack([motion.positions[:, motion.index(at[joint])] for joint in H36M17.joints], 1) / 100, motion.fps


def test_stiff_bones_come_back(tmp_path):
    clip = result(joints(dance()))
    export_result(clip, tmp_path / "out.bvh")
    found, fps = read(tmp_path / "out.bvh")
    error = np.linalg.norm(found - upright(clip)[0], axis=-1)
    assert error.max() < 2e-5  # [m]
    assert fps == pytest.approx(float(FPS), rel=1e-10)


def test_the_motion_on_the_ground_is_what_is_written(tmp_path):
    clip = grounded(result(joints(dance())))
    export_result(clip, tmp_path / "out.bvh")
    found, _ = read(tmp_path / "out.bvh")
    world = clip.world.poses[0]
    np.testing.assert_allclose(found, np.stack([world[..., 0], world[..., 2], -world[..., 1]], -1), atol=3e-5)


def test_other_bones_come_back_but_for_their_lengths(tmp_path):
    with as_file(files("videopose3d.data") / "demo_truth.npz") as path, np.load(path) as truth:
        clip = result(truth["poses_3d"] * (1, -1, -1))
    export_result(clip, tmp_path / "out.bvh")
    found, _ = read(tmp_path / "out.bvh")
    want = upright(clip)[0]
    error = np.linalg.norm(found - want, axis=-1)
    assert np.median(error) < 0.005  # [m] though its spine stretches by 16 mm
    assert np.median(error[:, H36M17.indices(["left_ankle", "right_ankle"])]) < 0.003
    assert error.max() < 0.06
    for near, far in H36M17.bone_indices:
        lengths = np.linalg.norm(found[:, far] - found[:, near], axis=-1)
        assert np.ptp(lengths) < 1e-5
        assert lengths[0] == pytest.approx(np.median(np.linalg.norm(want[:, far] - want[:, near], axis=-1)), abs=1e-5)


def test_our_importer_knows_the_joints_the_unit_and_the_upright_rest_pose(tmp_path):
    export_result(result(joints(dance(60))), tmp_path / "out.bvh")
    (motion,) = load_motion_file(tmp_path / "out.bvh").motions
    legs = motion.joints_h36m[:, H36M17.index("left_knee")] - motion.joints_h36m[:, H36M17.index("left_hip")]
    np.testing.assert_allclose(np.linalg.norm(legs, axis=-1), 0.44, atol=1e-3)  # metres
    assert motion.joints_h36m.shape == (60, 17, 3)


def test_another_library_reads_it(tmp_path):
    bvh = pytest.importorskip("bvh")
    clip = result(joints(dance(7)))
    export_result(clip, tmp_path / "out.bvh")
    with (tmp_path / "out.bvh").open() as file:
        other = bvh.Bvh(file.read())
    assert other.nframes == 7
    assert other.frame_time == pytest.approx(float(1 / FPS), abs=1e-12)
    assert set(other.get_joints_names()) == {bone.name for bone in rig(H36M17)}
    assert other.joint_channels("LeftUpLeg") == ["Zrotation", "Xrotation", "Yrotation"]
    assert other.joint_parent("LeftForeArm").name == "LeftArm"
    place = [other.frame_joint_channel(3, "Hips", f"{axis}position") for axis in "XYZ"]
    np.testing.assert_allclose(place, upright(clip)[0, 3, 0] * 100, atol=1e-3)


def test_how_the_file_begins(tmp_path):
    export_result(result(joints(dance(3)), fps=Fraction(25)), tmp_path / "out.bvh")
    lines = (tmp_path / "out.bvh").read_text().splitlines()
    assert lines[:5] == [
        "HIERARCHY",
        "ROOT Hips",
        "{",
        "\tOFFSET 0.0000 0.0000 0.0000",
        "\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
    ]
    assert lines[-6:-3] == ["MOTION", "Frames: 3", "Frame Time: 0.04"]
    assert {len(line.split()) for line in lines[-3:]} == {3 + 3 * 21}
    assert "\tJOINT LHipJoint" in lines
    assert not {"-0.0000", "nan", "inf"} & set(" ".join(lines).split())


def test_everybody_gets_a_file(tmp_path):
    clip = result(joints(dance(9)), joints(dance(9)), joints(dance(9, 1.2)))
    clip.poses.poses[1] = np.nan
    assert files_of(clip, tmp_path / "out.bvh") == [tmp_path / "out.bvh", tmp_path / "out_3.bvh"]
    export_result(clip, tmp_path / "out.bvh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.bvh", "out_3.bvh"]
    for person, name in ((0, "out.bvh"), (2, "out_3.bvh")):
        found, _ = read(tmp_path / name)
        np.testing.assert_allclose(found, upright(clip)[person], atol=2e-5)


def test_the_files_of_others_are_not_replaced_unasked(tmp_path):
    clip = result(joints(dance(2)), joints(dance(2)))
    (tmp_path / "out_2.bvh").write_text("mine")
    with pytest.raises(OutputError, match=r"out_2\.bvh: the file exists already"):
        export_result(clip, tmp_path / "out.bvh", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out_2.bvh"]
    export_result(clip, tmp_path / "out.bvh")
    assert (tmp_path / "out_2.bvh").read_text().startswith("HIERARCHY")


def test_one_file_that_fails_leaves_none(tmp_path):
    (tmp_path / "out_2.bvh").mkdir()
    with pytest.raises(OutputError, match="folder"):
        export_result(result(joints(dance(2)), joints(dance(2))), tmp_path / "out.bvh")
    assert [path.name for path in tmp_path.iterdir()] == ["out_2.bvh"]


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (2, 0)])
def test_nobody_is_an_error(make_result, tmp_path, people, frames):
    with pytest.raises(OutputError, match="nobody was found"):
        export_result(make_result(people, frames), tmp_path / "out.bvh")
    assert not list(tmp_path.iterdir())


def test_gaps_and_noise_give_whole_files(make_result, tmp_path):
    export_result(make_result(), tmp_path / "out.bvh")
    for name in ("out.bvh", "out_2.bvh"):
        motion = parse_bvh((tmp_path / name).read_text())
        assert len(motion.positions) == 6


def test_a_result_of_the_2d_stage_is_an_error(make_result, tmp_path):
    with pytest.raises(VideoPose3DError, match="2D keypoints only"):
        export_result(make_result(lifted=False), tmp_path / "out.bvh")
    assert not list(tmp_path.iterdir())


def test_a_person_without_a_place_stands_on_the_floor(tmp_path):
    clip = result(joints(dance(5)))
    unplaced = replace(clip, poses=replace(clip.poses, trajectory=clip.poses.trajectory * np.nan))
    export_result(unplaced, tmp_path / "out.bvh")
    found, _ = read(tmp_path / "out.bvh")
    np.testing.assert_allclose(found[:, 0, [0, 2]], 0, atol=1e-6)
    assert 0 < found[..., 1].min() < 0.1
