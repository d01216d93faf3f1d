from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import FOLDER, golden, golden_json
from golden_nets import checkpoint_lifter, fill_rule_d
from safetensors.torch import load_file, save_file
from scipy.spatial.transform import Rotation
from test_model import fill

from videopose3d.config import LiftConfig
from videopose3d.datasets import load_dataset
from videopose3d.errors import DeviceError, SkeletonMismatchError, VideoPose3DError, WeightsError
from videopose3d.geometry import camera_from_fov, pixels_from_points
from videopose3d.lifter import fast
from videopose3d.lifter.lift import Lifter, fit_skeleton, lift
from videopose3d.lifter.weights import build_model, choose_device, load_lifter, save_lifter
from videopose3d.remap import coco_to_h36m
from videopose3d.skeleton import BLAZEPOSE33, COCO17, H36M17, LIMB_JOINTS
from videopose3d.types import Keypoints2D
from videopose3d.weights.header import LifterHeader

SIZE = (1280, 720)
HEADER = LifterHeader(name="tiny", filter_widths=(3, 3), channels=12, features=4, fps_range=(20.0, 60.0))
SCREEN = replace(HEADER, normalisation="screen", features=2)
H36M_SCREEN = replace(SCREEN, skeleton_in="h36m17")


@pytest.fixture
def weights(tmp_path):
    """A function that writes a lifter with random weights and gives its path."""

    def make(header=HEADER, constant_pose=None, name="lifter"):
        torch.manual_seed(5)
        model = build_model(header)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
        if constant_pose is not None:
            model.shrink.weight.data.zero_()
            model.shrink.bias.data = torch.as_tensor(constant_pose, dtype=torch.float32).flatten()
        save_lifter(model, header, tmp_path / f"{name}.safetensors")
        return str(tmp_path / f"{name}.safetensors")

    return make


def walk(frames=30, seed=0, skeleton=COCO17, people=1, fps=25):
    """Keypoints that wander smoothly through the picture; all seen."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None] / 25
    shape = (people, 1, len(skeleton), 2)
    centre = np.array([640.0, 360]) + rng.uniform(-200, 200, (people, 1, 1, 2))
    points = centre + rng.normal(0, 60, shape) + 40 * np.sin(rng.uniform(1, 4, shape) * t + rng.uniform(0, 6, shape))
    return Keypoints2D(
        points=points.astype(np.float32),
        scores=rng.uniform(0.3, 1, points.shape[:3]).astype(np.float32),
        boxes=np.zeros((people, frames, 4), np.float32),
        present=np.ones((people, frames), bool),
        skeleton=skeleton,
        fps=Fraction(fps),
        size=SIZE,
    )


def part(keypoints, start, stop):
    """The frames from start to stop as a clip of their own."""
    arrays = {name: getattr(keypoints, name)[:, start:stop] for name in ("points", "scores", "boxes", "present")}
    return replace(keypoints, **arrays)


def lifted(keypoints, lifter, **options):
    return lift(keypoints, LiftConfig(**({"lifter": lifter, "device": "cpu", "smooth": 0} | options)))


def poses(keypoints, lifter, **options):
    return lifted(keypoints, lifter, **options).poses


# --- one sequence through the network


@pytest.mark.parametrize(
    ("layout", "skeleton", "pairs"), [("coco", "coco17", "left_eye"), ("h36m", "h36m17", "left_hip")]
)
def test_flip_averaging_is_the_published_one(layout, skeleton, pairs):
    header = LifterHeader("golden", (3, 3, 3), 16, 2, skeleton_in=skeleton, normalisation="screen")
    assert pairs in header.input_skeleton.joints
    lifter = Lifter(fill(build_model(header)), header, trajectory=fill(build_model(header, trajectory=True)))
    t, j, f = np.ogrid[0:33, 0:17, 0:2]
    x, expected = torch.from_numpy(np.sin(0.2 * t + 0.5 * j + 1.3 * f).astype(np.float32)), golden("lifter")
    np.testing.assert_allclose(lifter.run(x), expected[f"tta_{layout}/pose"], atol=1e-5)
    assert (lifter.run(x, flip=False) - lifter.run(x)).abs().max() > 1e-3
    np.testing.assert_allclose(lifter.run_trajectory(x)[:, None], expected[f"tta_{layout}/traj"], atol=1e-5)
    np.testing.assert_allclose(lifter.run_trajectory(x, chunk=5), lifter.run_trajectory(x), atol=1e-6)
    assert (lifter.run_trajectory(x, flip=False) - lifter.run_trajectory(x)).abs().max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunks_change_nothing(weights, chunk, causal):
    path, clip = weights(replace(HEADER, causal=causal)), walk(25)
    np.testing.assert_allclose(poses(clip, path, chunk=chunk), poses(clip, path), atol=1e-5)


def test_no_chunk_is_longer_than_asked_for(weights, monkeypatch):
    lifter, lengths = Lifter.load(weights(), "cpu"), []
    convolve = fast._Convolution.__call__
    monkeypatch.setattr(fast._Convolution, "__call__", lambda self, h: (lengths.append(len(h)), convolve(self, h))[1])
    lifter.run(torch.zeros(50, 17, 4), flip=False, chunk=7)
    assert max(lengths) == 7 + 8


@pytest.mark.parametrize("precision", ["float32", "mixed", "bfloat16", "auto"])
def test_precision_moves_poses_little(weights, precision):
    exact = Lifter.load(weights(), "cpu")
    features = torch.sin(torch.arange(90 * 17 * 4).reshape(90, 17, 4) * 0.37)
    difference = (Lifter.load(weights(), "cpu", precision).run(features) - exact.run(features)).abs().max()
    assert difference < (1e-9 if precision == "float32" else 0.02)
    whole = exact.run_windows(features[None], flip=False)[0]
    before, after = exact.model.padding
    np.testing.assert_allclose(exact.run(features, flip=False)[before : len(features) - after], whole, atol=1e-5)


@pytest.mark.parametrize("header", [HEADER, SCREEN, H36M_SCREEN], ids=["rays", "screen", "h36m"])
def test_a_mirrored_clip_gives_the_mirrored_pose(weights, header):
    path, clip = weights(header), walk(20)
    mirror = list(COCO17.mirror)
    flipped = replace(
        clip, points=(clip.points * [-1, 1] + [SIZE[0], 0])[:, :, mirror].astype(np.float32),
        scores=clip.scores[:, :, mirror],
    )  # fmt: skip
    expected = poses(clip, path)[:, :, list(H36M17.mirror)] * [-1, 1, 1]
    np.testing.assert_allclose(poses(flipped, path), expected, atol=2e-5)
    without = poses(clip, path, flip=False)[:, :, list(H36M17.mirror)] * [-1, 1, 1]
    assert np.abs(poses(flipped, path, flip=False) - without).max() > 1e-2


def test_the_root_is_the_origin(weights):
    result = poses(walk(), weights())
    np.testing.assert_array_equal(result[:, :, 0], 0)
    assert result.std() > 0.01


@pytest.mark.parametrize("fps", [1, 5, 19, 25, 120, Fraction(240000, 1001)])
@pytest.mark.parametrize("frames", [1, 2, 30])
def test_every_frame_gets_a_pose_at_any_rate(weights, fps, frames):
    result = lifted(walk(frames, fps=fps), weights())
    assert result.poses.shape == (1, frames, 17, 3)
    assert result.trajectory.shape == (1, frames, 3)
    assert np.isfinite(result.poses).all()


def test_fast_clips_are_lifted_at_a_rate_the_network_knows(weights):
    path, clip = weights(), walk(31, fps=150)
    result = poses(clip, path)
    for phase in range(3):  # 150 -> 50 frames per second
        slow = replace(
            clip, points=clip.points[:, phase::3], scores=clip.scores[:, phase::3],
            boxes=clip.boxes[:, phase::3], present=clip.present[:, phase::3], fps=Fraction(50),
        )  # fmt: skip
        np.testing.assert_allclose(result[:, phase::3], poses(slow, path), atol=1e-6)


def test_slow_clips_are_lifted_with_frames_in_between(weights):
    path, slow = weights(), walk(9, fps=5)
    when, known = np.arange(33) / 4, np.arange(9)
    points = np.stack([np.interp(when, known, row) for row in slow.points[0].reshape(9, -1).T], -1)
    neighbours = [slow.scores[0, [int(np.floor(t)), int(np.ceil(t))]].min(0) for t in when]
    fast = replace(
        walk(33, fps=20), points=points.reshape(1, 33, 17, 2).astype(np.float32), scores=np.stack(neighbours)[None]
    )
    np.testing.assert_allclose(poses(slow, path), poses(fast, path)[:, ::4], atol=1e-5)


@pytest.mark.parametrize("fps", [5, 120])
def test_a_network_of_one_frame_does_not_see_the_rate(weights, fps):
    path, clip = weights(replace(HEADER, filter_widths=(1, 1))), walk(12)
    clip.points[0, 5, 9], clip.scores[0, 5, 9] = np.nan, 0  # nor does a missing joint reach its neighbours
    np.testing.assert_allclose(poses(replace(clip, fps=Fraction(fps)), path), poses(clip, path), atol=1e-6)


def test_joints_not_seen_do_not_matter(weights):
    path, clip = weights(), walk()
    clip.scores[0, 4:9, 10] = 0
    expected = poses(clip, path)
    clip.points[0, 4:9, 10] = 1e5
    np.testing.assert_array_equal(poses(clip, path), expected)
    clip.points[0, 4:9, 10] = np.nan
    clip.scores[0, 4:9, 10] = 0.9  # without a position there is no confidence
    np.testing.assert_array_equal(poses(clip, path), expected)


def test_the_pose_turns_with_the_ray_of_the_person(weights):
    pose = np.random.default_rng(0).normal(0, 0.3, (17, 3))
    pose[0] = 0
    path, clip = weights(constant_pose=pose), walk(3)
    clip.points[0, :, COCO17.indices(("left_hip", "right_hip"))] = [1100, 200]
    camera = camera_from_fov(SIZE, 60)
    ray = np.array([*(np.array([1100, 200]) - camera.center) / camera.focal, 1])
    axis = np.cross([0, 0, 1], ray)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.arccos(ray[2] / np.linalg.norm(ray)))
    np.testing.assert_allclose(poses(clip, path, flip=False)[0, 1], turn.apply(pose), atol=1e-5)


# --- whole clips


def test_frames_without_a_position_stay_nan_and_cut_the_track(weights):
    path, clip = weights(), walk(40, people=2)
    clip.points[0, [0, 1, 2, 15, 39]] = np.nan
    clip.points[1, 20:] = np.nan
    result = lifted(clip, path)
    for person, parts in ((0, [(3, 15), (16, 39)]), (1, [(0, 20)])):
        inside = np.zeros(40, bool)
        one = replace(clip, **{n: getattr(clip, n)[[person]] for n in ("points", "scores", "boxes", "present")})
        for start, stop in parts:
            alone = lifted(part(one, start, stop), path)
            np.testing.assert_allclose(result.poses[person, start:stop], alone.poses[0], atol=1e-5)
            np.testing.assert_allclose(result.trajectory[person, start:stop], alone.trajectory[0], atol=1e-3)
            inside[start:stop] = True
        assert np.isnan(result.poses[person, ~inside]).all()
        assert np.isnan(result.trajectory[person, ~inside]).all()
        assert np.isfinite(result.poses[person, inside]).all()


def test_interpolated_frames_are_lifted_too(weights):
    clip = walk(10)
    clip.present[0, 4] = False
    assert np.isfinite(poses(clip, weights())).all()


def test_nobody_is_nothing_to_do(weights):
    clip = walk(10)
    nobody = replace(clip, **{n: getattr(clip, n)[:0] for n in ("points", "scores", "boxes", "present")})
    result = lifted(nobody, weights())
    assert result.poses.shape == (0, 10, 17, 3)
    assert result.trajectory.shape == (0, 10, 3)


def test_a_clip_without_anybody_placed_is_nan(weights):
    clip = walk(10)
    clip.points[:] = np.nan
    assert np.isnan(poses(clip, weights())).all()


def test_progress_counts_frames(weights):
    clip, told = walk(20, people=2), []
    clip.points[0, 8] = np.nan
    lift(clip, LiftConfig(lifter=weights(), device="cpu"), told.append)
    assert told == [8, 19, 39]


def test_the_person_is_where_the_picture_says(weights):
    rng = np.random.default_rng(1)
    pose = rng.normal(0, 0.4, (17, 3))
    pose[0] = 0
    t = np.arange(30)
    path = np.stack([0.04 * t - 0.6, 0 * t + 0.2, 4 + 0.001 * t**2], -1)
    clip, camera = walk(30), camera_from_fov(SIZE, 75)
    shown = pixels_from_points(pose + path[:, None], camera)
    clip.points[0][:, COCO17.indices(LIMB_JOINTS)] = shown[:, H36M17.indices(LIMB_JOINTS)]
    result = lifted(clip, weights(SCREEN, constant_pose=pose), flip=False, fov=75)
    np.testing.assert_allclose(result.poses[0], np.broadcast_to(pose, (30, 17, 3)), atol=1e-6)
    np.testing.assert_allclose(result.trajectory[0], path, atol=1e-4)
    focal = lifted(clip, weights(SCREEN, constant_pose=pose), flip=False, focal=camera.focal)
    np.testing.assert_allclose(focal.trajectory[0], path, atol=1e-4)


@pytest.mark.parametrize(("stature", "height", "scale"), [(1.7, 1.7, 1), (1.7, 0.85, 0.5), (None, 0.85, 1)])
def test_the_height_scales_poses_and_trajectory(weights, stature, height, scale):
    pose = np.random.default_rng(1).normal(0, 0.4, (17, 3))
    pose[0] = 0
    clip, header = walk(12), replace(SCREEN, stature=stature)
    shown = pixels_from_points(pose + [0.3, 0.1, 5], camera_from_fov(SIZE, 60))
    clip.points[0][:, COCO17.indices(LIMB_JOINTS)] = shown[H36M17.indices(LIMB_JOINTS)]
    result = lifted(clip, weights(header, constant_pose=pose), flip=False, height=height)
    np.testing.assert_allclose(result.poses[0, 3], pose * scale, atol=1e-6)
    np.testing.assert_allclose(result.trajectory[0, 3], np.array([0.3, 0.1, 5]) * scale, atol=1e-4)


def test_where_it_comes_from_is_noted(weights):
    result = lifted(walk(), weights())
    assert (result.lifter, result.skeleton) == ("tiny", H36M17)


# --- the network's trajectory, and what the original program exports

EXPORTS = golden_json("inference_export")
LEGACY = LifterHeader("legacy", (3, 3), 16, 2, normalisation="screen", fps_range=(1, 1000))


def exported(name):
    """The lifter, take and switches of a golden export."""
    args = EXPORTS[name]["args"]
    given = dict(zip(args, args[1:], strict=False))
    dataset = load_dataset(given.get("-d", "h36m"), given["-k"], FOLDER / "data")
    take = next(
        s for s in dataset.sequences if (s.subject, s.action) == (given["--viz-subject"], given["--viz-action"])
    )
    header = replace(LEGACY, skeleton_in=dataset.keypoint_skeleton.name)
    return checkpoint_lifter(given["--evaluate"], header), take, "-no-tta" not in args


@pytest.mark.parametrize("name", EXPORTS)
def test_poses_are_those_the_original_exports(name):
    lifter, take, flip = exported(name)
    camera = take.camera.pinhole or camera_from_fov(take.camera.size, 60)
    poses = lifter.poses(take.keypoints, camera, take.camera.size, flip=flip, chunk=16)
    assert np.abs(poses[:, 0]).max() > 1e-4  # the root is predicted, too
    if take.poses is None and lifter.trajectory:
        features, _ = lifter.features(take.keypoints, camera, take.camera.size)
        poses = poses + lifter.run_trajectory(features, flip=flip).numpy()[:, None]
    np.testing.assert_allclose(poses, golden("inference_export")[name], atol=1e-5)


@pytest.mark.parametrize("name", ["clip_a.mp4/semi", "mixed.mp4/semi"])
def test_lifting_with_the_networks_trajectory_gives_the_same_places(name, tmp_path):
    lifter, take, _ = exported(name)
    path = str(tmp_path / "semi.safetensors")
    save_lifter(lifter.model, lifter.header, path, trajectory=lifter.trajectory)
    frames = len(take)
    clip = Keypoints2D(
        points=take.keypoints[None], scores=np.ones((1, frames, 17), np.float32),
        boxes=np.zeros((1, frames, 4), np.float32), present=np.ones((1, frames), bool),
        skeleton=COCO17, fps=Fraction(25), size=take.camera.size,
    )  # fmt: skip
    result = lifted(clip, path, trajectory="network", chunk=8)
    np.testing.assert_array_equal(result.poses[0, :, 0], 0)
    places = result.poses[0] + result.trajectory[0][:, None]
    np.testing.assert_allclose(places, golden("inference_export")[name], atol=1e-5)
    solved = lifted(clip, path)
    np.testing.assert_allclose(solved.poses, result.poses, atol=1e-5)
    assert np.nanmax(np.abs(solved.trajectory - result.trajectory)) > 0.1


def test_the_networks_trajectory_at_other_frame_rates(weights, tmp_path):
    header = replace(HEADER, fps_range=(20, 60), stature=1.7)
    model = fill_rule_d(build_model(header))
    path = str(tmp_path / "both.safetensors")
    save_lifter(model, header, path, trajectory=fill_rule_d(build_model(header, trajectory=True), 1.0, 5.0))
    clip = walk(31, fps=100)
    fast = lifted(clip, path, trajectory="network").trajectory
    arrays = {name: getattr(clip, name)[:, ::2] for name in ("points", "scores", "boxes", "present")}
    slow = lifted(replace(clip, **arrays, fps=Fraction(50)), path, trajectory="network").trajectory
    np.testing.assert_allclose(fast[:, ::2], slow, atol=1e-5)
    tall = lifted(clip, path, trajectory="network", height=3.4).trajectory
    np.testing.assert_allclose(tall, 2 * fast, rtol=1e-5)


def test_without_a_trajectory_network_there_is_no_such_trajectory(weights):
    path = weights()
    with pytest.raises(WeightsError, match=r"no trajectory network in these weights\. Use --trajectory solve"):
        lifted(walk(5), path, trajectory="network")
    with pytest.raises(WeightsError, match="no trajectory network"):
        Lifter.load(path, "cpu").run_trajectory(torch.zeros(9, 17, 4))
    with pytest.raises(VideoPose3DError, match="trajectory is 'guess'"):
        LiftConfig(trajectory="guess")


def test_keypoints_of_a_data_set_are_taken_as_they_are(weights):
    points = walk(9).points[0]
    doubtful = np.concatenate([points, np.zeros((9, 17, 1), np.float32)], -1)
    lifter, camera = Lifter.load(weights(SCREEN), "cpu"), camera_from_fov(SIZE, 60)
    given, turn = lifter.features(doubtful, camera, SIZE)
    assert turn is None
    np.testing.assert_array_equal(given, lifter.features(points, camera, SIZE)[0])  # not bridged, score left out
    expected = points / SIZE[0] * 2 - np.array([1, SIZE[1] / SIZE[0]])
    np.testing.assert_allclose(given, expected, atol=1e-6)
    rays = Lifter.load(weights(HEADER), "cpu")
    believed = np.concatenate([points, np.ones((9, 17, 1), np.float32)], -1)
    for a, b in zip(rays.features(points, camera, SIZE), rays.features(believed, camera, SIZE), strict=True):
        np.testing.assert_array_equal(a, b)
    three = Lifter.load(weights(replace(SCREEN, features=3)), "cpu")
    np.testing.assert_array_equal(three.features(doubtful, camera, SIZE)[0][..., 2], 0)
    with pytest.raises(SkeletonMismatchError, match="it takes the score of every joint"):
        three.features(points, camera, SIZE)


# --- skeletons and inputs


@pytest.mark.parametrize("features", [2, 3])
def test_an_h36m_lifter_gets_remapped_coco_keypoints(weights, features):
    path, clip = weights(replace(H36M_SCREEN, features=features)), walk()
    points, scores = coco_to_h36m(clip.points, clip.scores)
    expected = poses(replace(clip, points=points, scores=scores, skeleton=H36M17), path)
    np.testing.assert_array_equal(poses(clip, path), expected)


def test_the_third_feature_is_the_score(weights):
    doubtful = walk()
    doubtful.scores[:] *= 0.5
    with_score, without = weights(replace(SCREEN, features=3), name="three"), weights(SCREEN, name="two")
    np.testing.assert_array_equal(poses(doubtful, without), poses(walk(), without))
    assert np.abs(poses(doubtful, with_score) - poses(walk(), with_score)).max() > 1e-3


def test_a_screen_lifter_sees_screen_coordinates(weights):
    path, clip = weights(SCREEN), walk()
    bigger = replace(clip, points=clip.points * 2, size=(SIZE[0] * 2, SIZE[1] * 2))
    np.testing.assert_allclose(poses(bigger, path), poses(clip, path), atol=1e-5)
    np.testing.assert_array_equal(poses(clip, path, fov=30), poses(clip, path))


def test_remapping_keeps_what_belongs_to_the_clip():
    clip = replace(walk(), source="a.mp4", detector="d")
    out = fit_skeleton(clip, H36M17, "x")
    assert (out.skeleton, out.fps, out.size, out.source, out.detector) == (H36M17, 25, SIZE, "a.mp4", "d")
    assert fit_skeleton(clip, COCO17, "x") is clip


@pytest.mark.parametrize("skeleton", [H36M17, BLAZEPOSE33], ids=lambda s: s.name)
def test_keypoints_of_other_joints_are_refused(weights, skeleton):
    path = weights()
    with pytest.raises(SkeletonMismatchError) as error:
        poses(walk(skeleton=skeleton), path)
    assert f"{path}: it takes coco17 keypoints, these are {skeleton.name}." in str(error.value)


# --- weights


def test_weights_come_back_within_half_precision(weights):
    model, header = load_lifter(weights())
    assert header == HEADER
    assert not model.training
    torch.manual_seed(5)
    original = build_model(HEADER).state_dict()
    for key, value in model.state_dict().items():
        assert not value.is_floating_point() or value.dtype == torch.float32
        if "running" not in key:
            torch.testing.assert_close(value, original[key], atol=1e-3, rtol=1e-3)


def test_saving_what_was_loaded_changes_nothing(weights, tmp_path):
    path = weights(replace(HEADER, stature=1.7, metrics={"mpjpe": 43.2}, training="how", causal=True))
    save_lifter(*load_lifter(path), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == Path(path).read_bytes()


def damaged(path, how):
    """The file at path after ``how(tensors, header)`` had its way with both."""
    tensors, header = load_file(path), HEADER.to_metadata()
    how(tensors, header)
    save_file(tensors, path, header or None)
    return path


def set_header(**fields):
    def how(_tensors, metadata):
        metadata["videopose3d"] = json.dumps(json.loads(metadata["videopose3d"]) | fields)

    return how


def drop_header(*names):
    def how(_tensors, metadata):
        header = json.loads(metadata["videopose3d"])
        metadata["videopose3d"] = json.dumps({key: value for key, value in header.items() if key not in names})

    return how


def test_a_file_saved_again_as_it_was_loads(weights):
    load_lifter(damaged(weights(), lambda *_: None))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (lambda _, header: header.clear(), "no videopose3d header"),
        (lambda _, header: header.update(videopose3d="{"), "header cannot be read"),
        (lambda _, header: header.update(videopose3d="[]"), "header cannot be read"),
        (drop_header("name"), "header cannot be read"),
        (drop_header("filter_widths"), "header cannot be read"),
        (set_header(channels="many"), "header cannot be read"),
        (set_header(fps_range=None), "header cannot be read"),
        (set_header(fps_range=["slow", "fast"]), "header cannot be read"),
        (set_header(filter_widths=[3, 2]), "no network has filters"),
        (set_header(skeleton_in="squid"), "unknown joint set 'squid'"),
        (set_header(normalisation="magic"), "unknown input normalisation 'magic'"),
        (set_header(channels=13), "expand_bn.bias does not fit"),
        (set_header(features=2), "expand_conv.weight does not fit"),
        (set_header(filter_widths=[3, 3, 3]), "does not fit"),
        (lambda tensors, _: tensors.pop("shrink.bias"), "shrink.bias does not fit"),
        (lambda tensors, _: tensors.update(more=torch.zeros(1)), "more does not fit"),
        (lambda tensors, _: tensors.update({"shrink.bias": torch.zeros(50)}), "shrink.bias does not fit"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, how, why):
    path = damaged(weights(), how)
    with pytest.raises(WeightsError) as error:
        Lifter.load(path, "cpu")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_header_of_a_later_version_is_read(weights):
    assert load_lifter(damaged(weights(), set_header(colour="blue")))[1] == HEADER


@pytest.mark.parametrize("content", [b"", b"weights", b"\xff" * 64, None], ids=["empty", "text", "noise", "half"])
def test_a_file_of_another_kind_is_refused(weights, content):
    path = weights()
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[:-100] if content is None else content)
    with pytest.raises(WeightsError, match=r"lifter\.safetensors: not a readable safetensors file"):
        Lifter.load(path, "cpu")


def test_a_lifter_that_is_nowhere_names_what_there_is(tmp_path):
    for name in ("closed", str(tmp_path / "a.safetensors"), str(tmp_path)):
        with pytest.raises(WeightsError, match=r"no such lifter\. Give a \.safetensors file or one of: "):
            Lifter.load(name, "cpu")


# --- devices


@pytest.mark.parametrize("name", ["tpu", "", "cpu:0", "cuda:", "cuda:one", "cuda:-1"])
def test_unknown_devices(name):
    if name == "cuda:" and torch.cuda.is_available():
        pytest.skip("means cuda")
    with pytest.raises(DeviceError, match="auto, cpu|cpu or auto"):
        choose_device(name)


@pytest.mark.parametrize("count", [0, 2])
def test_gpus_are_counted(monkeypatch, count):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert choose_device("auto") == ("cuda" if count else "cpu")
    assert choose_device("cpu") == "cpu"
    for name, number in (("cuda", 0), ("cuda:1", 1), ("cuda:2", 2)):
        if number < count:
            assert choose_device(name) == name
        else:
            with pytest.raises(DeviceError, match=f"{name}: this machine has no such GPU"):
                choose_device(name)


def test_the_device_is_looked_at_before_the_weights():
    with pytest.raises(DeviceError):
        lift(walk(3), LiftConfig(lifter="closed", device="tpu"))


def test_poses_are_smoothed_unless_told_not_to(weights):
    raw = lifted(walk(60), weights(), smooth=0).poses[0]
    smoothed = lifted(walk(60), weights(), smooth=0.25).poses[0]
    assert np.abs(np.diff(smoothed, 2, axis=0)).sum() < np.abs(np.diff(raw, 2, axis=0)).sum()
    assert np.abs(smoothed - raw).max() < np.ptp(raw)


def test_no_smoothing_leaves_poses_and_path_raw_with_either_filter(weights):
    filters = ("savgol", "one-euro")
    raw, same = (lifted(walk(60), weights(), smooth=0, smooth_filter=kind) for kind in filters)
    np.testing.assert_array_equal(raw.poses, same.poses)
    np.testing.assert_array_equal(raw.trajectory, same.trajectory)
    for kind in filters:
        filtered = lifted(walk(60), weights(), smooth=0.5, smooth_filter=kind)
        rough, calm = (np.nansum(np.abs(np.diff(some.trajectory, 2, axis=1))) for some in (raw, filtered))
        assert calm < 0.7 * rough
