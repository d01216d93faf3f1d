from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest
import torch
from motions import library, motion
from torch import Generator, Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import (
    CANONICAL_SIZE,
    BodyConfig,
    CameraConfig,
    NoiseConfig,
    Windows,
    WindowSource,
    body_size,
    detect,
    film,
)
from videopose3d.datasets.virtual.bodies import mix_parts, normalise_size, scale_bones, shift_points, turn_subtrees
from videopose3d.datasets.virtual.limbs import body_frame, pose_limbs
from videopose3d.datasets.virtual.occlusion import hidden_by_body
from videopose3d.datasets.virtual.rarity import distances_to_others
from videopose3d.datasets.virtual.rotations import axis_rotation, random_rotation, rotation_from_vector, turn, uniform
from videopose3d.skeleton import COCO17, H36M17

NO_NOISE = {
    "clean": 0.0, "steady": 0.0, "jitter": 0.0, "bias": 0.0, "outliers": 0.0, "occluded": 0.0, "missing": 0.0,
    "dropped": 0.0, "swapped": 0.0, "blind": 0.0,
}  # fmt: skip
"""Every window goes through the whole detector, which makes no error."""

STILL = CameraConfig(moving=0.0)
LEVEL = replace(STILL, pitch=(0.0, 0.0), steep=0.0, roll=0.0)
TRUE_FOCAL = CameraConfig(focal_error=0.0, focal_guess=0.0)
MIDDLE, HEAD, ANKLES = 4, H36M17.index("head"), H36M17.indices(("left_ankle", "right_ankle"))


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.fixture
def source() -> WindowSource:
    return WindowSource(library(), body=BodyConfig())


@pytest.fixture
def plain() -> Tensor:
    """(64, 9, 34, 3) windows of one body as it is, in many poses."""
    return WindowSource(library()).draw(64, 9, seeded())


@pytest.fixture
def exact() -> Tensor:
    """(40, 9, 34, 3) windows of whole frames: no interpolation has changed a bone."""
    clips = [np.concatenate([m.joints_h36m, m.joints_coco], 1) for m in library()]
    return torch.from_numpy(np.stack([clip[start : start + 9] for clip in clips for start in range(0, 50, 10)]))


@pytest.fixture
def filmed(plain: Tensor) -> tuple[Windows, Tensor]:
    windows, visible = film(plain, STILL, seeded(1))
    return windows, torch.ones_like(visible)


def bones(windows: Tensor) -> Tensor:
    """(N, F, 16) lengths of the Human3.6M bones."""
    near, far = zip(*H36M17.bone_indices, strict=True)
    return (windows[:, :, list(far)] - windows[:, :, list(near)]).norm(dim=-1)


# --- rotations


@pytest.mark.parametrize(
    "rotation",
    [
        random_rotation(50, seeded()),
        rotation_from_vector(torch.randn(50, 3, generator=seeded())),
        rotation_from_vector(torch.zeros(3, 3)),
        axis_rotation(torch.linspace(-4, 4, 9), 1),
    ],
    ids=["random", "vector", "none", "axis"],
)
def test_rotations_are_rotations(rotation: Tensor) -> None:
    torch.testing.assert_close(
        rotation @ rotation.transpose(-1, -2), torch.eye(3).expand_as(rotation), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(len(rotation)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("axis", "start", "end"), [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_turns_are_right_handed(axis: int, start: int, end: int) -> None:
    quarter = axis_rotation(torch.tensor([pi / 2]), axis)
    points = torch.eye(3)[start].view(1, 1, 1, 3)
    torch.testing.assert_close(turn(points, quarter)[0, 0, 0], torch.eye(3)[end], atol=1e-6, rtol=0)


def test_uniform_stays_between_its_bounds() -> None:
    values = uniform(1000, (2.0, 5.0), seeded())
    assert 2 <= values.min() < 2.1
    assert 4.9 < values.max() <= 5


# --- windows and bodies


def test_a_seed_gives_the_same_windows(source: WindowSource) -> None:
    def everything(seed: int) -> list[Tensor]:
        gen = seeded(seed)
        bodies = source.draw(16, 9, gen)
        perfect, visible = film(bodies, CameraConfig(), gen)
        seen = detect(perfect, visible, NoiseConfig(), CameraConfig(), gen)
        return [bodies, visible, seen.rays, seen.scores, seen.target, seen.root]

    assert all(torch.equal(a, b) for a, b in zip(everything(3), everything(3), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(everything(3)[2:], everything(4)[2:], strict=True))


@pytest.mark.parametrize("frames", [1, 9, 27])
def test_windows_have_the_size_and_the_middle_asked_for(source: WindowSource, frames: int) -> None:
    windows = source.draw(40, frames, seeded())
    assert windows.shape == (40, frames, 34, 3)
    assert windows.isfinite().all()
    torch.testing.assert_close(windows[:, frames // 2, 0], torch.zeros(40, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(body_size(windows[:, :, :17]).mean(1), torch.full((40,), CANONICAL_SIZE))


def test_body_size_is_leg_trunk_and_head_in_a_row() -> None:
    pose = torch.zeros(17, 3)
    for joint, z in {"left_knee": -1, "left_ankle": -2, "right_knee": -3, "right_ankle": -4}.items():
        pose[H36M17.index(joint), 2] = z
    for number, joint in enumerate(("spine", "thorax", "neck", "head"), start=1):
        pose[H36M17.index(joint), 2] = number
    assert body_size(pose).item() == 3 + 4
    torch.testing.assert_close(
        body_size(normalise_size(pose.repeat(2, 1, 2, 1))[..., :17, :]), torch.full((2, 1), 1.58)
    )


def test_sets_without_a_share_are_not_drawn() -> None:
    far = motion(seed=1, dataset="other")
    clips = MotionLibrary((motion(seed=0), far))
    source = WindowSource(clips, {"jump": 1.0})
    assert drawn(source).tolist() == [pytest.approx(1.0), 0.0]
    even = WindowSource(MotionLibrary((motion(30), motion(90), motion(60, dataset="b"))), {"jump": 0.2, "b": 0.6})
    torch.testing.assert_close(drawn(even), torch.tensor([0.05, 0.15, 0.6]) / 0.8)  # by length within a set


def drawn(source: WindowSource) -> Tensor:
    """(clips,) how often each clip is drawn from."""
    share = torch.diff(source.moment_until, prepend=torch.zeros(1))
    return torch.zeros(len(source.clip_fps)).index_add(0, source.moment_clip, share)


def test_rare_poses_are_drawn_more_often() -> None:
    still, rare = motion(600, seed=3), motion(60, seed=4)
    lying = replace(rare, joints_h36m=rare.joints_h36m[..., [2, 1, 0]], joints_coco=rare.joints_coco[..., [2, 1, 0]])
    clips = MotionLibrary((replace(still, joints_h36m=still.joints_h36m[:1].repeat(600, 0)), lying))
    as_they_come = drawn(WindowSource(clips, body=BodyConfig(rarity=0.0)))
    preferred = drawn(WindowSource(clips, body=BodyConfig(rarity=1.0)))
    torch.testing.assert_close(as_they_come, torch.tensor([10.0, 1.0]) / 11)
    assert preferred[1] > 3 * as_they_come[1]


def test_a_pose_is_as_rare_whichever_way_it_faces_and_however_large() -> None:
    poses = torch.from_numpy(np.concatenate([m.joints_h36m for m in library()]))
    turned = poses @ axis_rotation(torch.tensor([1.0]), 2)[0].T * 1.3 + torch.tensor([1.0, 2.0, 0.0])
    torch.testing.assert_close(distances_to_others(turned), distances_to_others(poses), atol=1e-3, rtol=1e-3)


def test_every_moment_is_visited_at_thirty_frames_per_second() -> None:
    clips = MotionLibrary((motion(120, 60.0, seed=1), motion(45, 30.0, seed=2)))
    windows, clip, known = WindowSource(clips).every(0.5, 3)
    assert known.all()
    assert clip.tolist() == [0] * 4 + [1] * 3
    first = torch.from_numpy(clips.motions[0].joints_h36m)
    expected = first[[13, 15, 17]] - first[15, 0]  # 0.25 s, and 1/30 s to either side
    torch.testing.assert_close(
        windows[0, :, :17] / body_size(windows[0, :, :17]).mean(), expected / body_size(expected).mean()
    )


def test_frames_beyond_the_ends_of_a_clip_are_told() -> None:
    windows, _, known = WindowSource(MotionLibrary((motion(30, 30.0),))).every(2.0, 60)
    assert known.sum() == 30
    frames = torch.nonzero(known[0])[:, 0]
    torch.testing.assert_close(windows[0, 0], windows[0, frames[0]])
    torch.testing.assert_close(windows[0, -1], windows[0, frames[-1]])


def test_random_limbs_keep_their_lengths_and_their_roots(exact: Tensor) -> None:
    posed = pose_limbs(exact, 1.0, seeded())
    torch.testing.assert_close(bones(posed), bones(exact), atol=1e-4, rtol=0)
    trunk = H36M17.indices(("pelvis", "thorax", "head", "left_hip", "right_shoulder"))
    assert torch.equal(posed[:, :, trunk], exact[:, :, trunk])
    wrists = [H36M17.index("left_wrist"), 17 + COCO17.index("left_wrist")]
    assert (posed[:, :, wrists[0]] - exact[:, :, wrists[0]]).norm(dim=-1).mean() > 0.1
    torch.testing.assert_close(
        posed[:, :, wrists[1]] - posed[:, :, wrists[0]],
        exact[:, :, wrists[1]] - exact[:, :, wrists[0]],
        atol=1e-5,
        rtol=0,
    )
    assert torch.equal(pose_limbs(exact, 0.0, seeded()), exact)


def test_random_limbs_bend_as_people_do() -> None:
    """Knees bend backwards: seen from the body, a bent shank is never in front of the line of the thigh."""
    exact = WindowSource(library()).draw(400, 3, seeded())
    posed = pose_limbs(exact, 1.0, seeded())[:, 1]
    axes = body_frame(posed[:, None], ("right_hip", "left_hip"))[:, 0]
    hip, knee, ankle = (posed[:, H36M17.index(f"left_{joint}")] for joint in ("hip", "knee", "ankle"))
    thigh, shank = ((v[:, None] @ axes)[:, 0] for v in (knee - hip, ankle - knee))  # left, up, forward
    flexion = torch.linalg.cross(thigh, shank)[:, 0]  # about the axis to the left: positive is backwards
    assert (flexion > -1e-3).float().mean() > 0.93


def test_points_shift_alike_on_both_sides(exact: Tensor) -> None:
    shifted = shift_points(exact, (0.01, 0.01, 0.01), seeded())
    assert torch.equal(shifted[:, :, :17], exact[:, :, :17])
    for part in ("hip", "shoulder"):
        left, right = ((shifted - exact)[:, :, 17 + COCO17.index(f"{side}_{part}")] for side in ("left", "right"))
        torch.testing.assert_close(left.norm(dim=-1), right.norm(dim=-1), atol=1e-5, rtol=0)
        assert left.norm(dim=-1).mean() > 0.005


def test_mixing_a_share_of_zero_changes_nothing(plain: Tensor) -> None:
    assert torch.equal(mix_parts(plain, 0.0, seeded()), plain)


def test_mixing_parts_keeps_bone_lengths(exact: Tensor) -> None:
    mixed = mix_parts(exact, 2.0, seeded())  # all of them, in each of the three ways
    wrists = COCO17.index("left_wrist") + 17
    assert (mixed[:, :, wrists] - exact[:, :, wrists]).norm(dim=-1).mean() > 0.05
    torch.testing.assert_close(bones(mixed), bones(exact), atol=1e-4, rtol=0)
    legs = H36M17.indices(("pelvis", "left_hip", "left_knee", "left_ankle"))
    assert torch.equal(mixed[:, :, legs], exact[:, :, legs])
    face = [17 + COCO17.index("nose"), HEAD]
    distance = [(w[:, :, face[0]] - w[:, :, face[1]]).norm(dim=-1) for w in (mixed, exact)]
    torch.testing.assert_close(*distance, atol=1e-4, rtol=0)


def test_turning_parts_keeps_bone_lengths(exact: Tensor) -> None:
    turned = turn_subtrees(exact, BodyConfig().subtree_angle, seeded())
    assert not torch.allclose(turned, exact, atol=0.01)
    torch.testing.assert_close(bones(turned), bones(exact), atol=1e-4, rtol=0)
    unturned = turn_subtrees(exact, dict.fromkeys(BodyConfig().subtree_angle, 0.0), seeded())
    torch.testing.assert_close(unturned, exact, atol=1e-5, rtol=0)


def test_scaled_bones_stay_alike_left_and_right_and_over_time(plain: Tensor) -> None:
    factor = bones(scale_bones(plain, 0.1, seeded())) / bones(plain)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor), atol=1e-3, rtol=0)
    names = [far for _, far in H36M17.bones]
    for name in names:
        if name.startswith("left_"):
            other = names.index(name.replace("left_", "right_"))
            torch.testing.assert_close(factor[..., names.index(name)], factor[..., other], atol=1e-3, rtol=0)
    assert 0.02 < factor[:, 0].std() < 0.12
    assert (factor > 0.75).all()
    assert (factor < 1.3).all()


def test_coco_points_follow_scaled_bones(plain: Tensor) -> None:
    scaled = scale_bones(plain, 0.1, seeded())
    for joint in ("left_wrist", "right_ankle"):
        pair = H36M17.index(joint), 17 + COCO17.index(joint)
        torch.testing.assert_close(scaled[:, :, pair[0]], scaled[:, :, pair[1]], atol=1e-5, rtol=0)


# --- cameras


def test_what_a_camera_sees(plain: Tensor) -> None:
    config = CameraConfig()
    windows, visible = film(plain, config, seeded())
    assert windows.rays.shape == (64, 9, 17, 2)
    assert windows.rays.isfinite().all()
    assert torch.equal(windows.scores, torch.ones(64, 9, 17))
    assert torch.equal(windows.target[:, :, 0], torch.zeros(64, 9, 3))
    assert windows.depth.min() >= config.distance[0]
    assert windows.depth.max() <= config.distance[1] * 1.001
    assert ((windows.fov >= config.fov[0]) & (windows.fov <= config.fov[1])).all()
    torch.testing.assert_close(body_size(windows.target), torch.full((64, 9), CANONICAL_SIZE), atol=0.02, rtol=0)
    assert visible.shape == (64, 9, 17)
    assert 0.5 < visible.float().mean() < 1


def test_rays_are_those_of_the_target(plain: Tensor) -> None:
    """The wrists are the same points in both joint sets: their rays must be those of root + target."""
    windows, _ = film(plain, CameraConfig(distance=(5.0, 6.0), moving=1.0), seeded())
    wrists = H36M17.indices(("left_wrist", "right_wrist"))
    seen = windows.rays[:, :, COCO17.indices(("left_wrist", "right_wrist"))]
    joints = windows.target[:, :, wrists] + windows.root[:, :, None]
    torch.testing.assert_close(seen, joints[..., :2] / joints[..., 2:], atol=1e-4, rtol=0)


def test_a_moving_camera_moves_and_is_at_rest_in_the_middle_frame(plain: Tensor) -> None:
    still, moved = (film(plain, replace(LEVEL, moving=share), seeded())[0] for share in (0.0, 1.0))
    torch.testing.assert_close(moved.root[:, MIDDLE], still.root[:, MIDDLE], atol=1e-4, rtol=1e-4)
    apart = (moved.root - still.root).norm(dim=-1)
    assert (apart[:, 0] > apart[:, MIDDLE - 1]).float().mean() > 0.8
    assert apart[:, 0].mean() > 0.01
    lengths = [bones(w.target) for w in (moved, still)]
    torch.testing.assert_close(*lengths, atol=1e-4, rtol=0)


def test_an_arm_behind_the_trunk_and_a_leg_behind_the_other_are_hidden() -> None:
    coco = torch.zeros(1, 1, 17, 3)
    coco[..., 2] = 4.0
    for side, x in (("left", 0.15), ("right", -0.15)):
        for joint, y in (
            ("shoulder", -0.5),
            ("elbow", -0.2),
            ("wrist", 0.0),
            ("hip", 0.0),
            ("knee", 0.4),
            ("ankle", 0.8),
        ):
            coco[0, 0, COCO17.index(f"{side}_{joint}"), :2] = torch.tensor(
                [x * (2 if joint in ("elbow", "wrist") else 1), y]
            )
    assert not hidden_by_body(coco).any()
    behind = coco.clone()
    behind[0, 0, COCO17.index("left_wrist")] = torch.tensor([0.0, -0.2, 4.2])
    behind[0, 0, COCO17.index("right_ankle")] = torch.tensor([0.15, 0.6, 4.2])
    hidden = hidden_by_body(behind)[0, 0]
    assert [COCO17.joints[joint] for joint in torch.nonzero(hidden)[:, 0]] == ["left_wrist", "right_ankle"]
    in_front = behind.clone()
    in_front[..., COCO17.indices(("left_wrist", "right_ankle")), 2] = 3.7
    assert not hidden_by_body(in_front).any()


def test_a_level_camera_sees_people_upright(plain: Tensor) -> None:
    windows, _ = film(plain, LEVEL, seeded())
    up = windows.target[:, MIDDLE, ANKLES].mean(1) - windows.target[:, MIDDLE, HEAD]
    assert (up[:, 1] > 1.2).all()  # y points down: ankles are lower
    seen = windows.rays[:, MIDDLE]
    assert (seen[:, COCO17.index("left_ankle"), 1] > seen[:, COCO17.index("nose"), 1]).all()


@pytest.mark.parametrize(("pitch", "sign"), [(30.0, 1), (-30.0, -1)])
def test_a_camera_that_looks_down_has_the_head_nearer_than_the_feet(plain: Tensor, pitch: float, sign: int) -> None:
    windows, _ = film(plain, replace(LEVEL, pitch=(pitch, 0.0)), seeded())
    down = windows.target[:, MIDDLE, ANKLES].mean(1) - windows.target[:, MIDDLE, HEAD]
    assert (down[:, 1] > 1).all()
    assert (sign * down[:, 2] > 0.2).all()


def test_people_are_seen_from_all_sides(plain: Tensor) -> None:
    windows, _ = film(plain, LEVEL, seeded())
    hips = windows.target[:, MIDDLE]
    across = hips[:, H36M17.index("left_hip")] - hips[:, H36M17.index("right_hip")]
    angle = torch.atan2(across[:, 2], across[:, 0])
    assert torch.histc(angle, 4, -pi, pi).min() >= 8


def test_cameras_do_not_mirror(plain: Tensor) -> None:
    windows, _ = film(plain, CameraConfig(), seeded())
    before, after = plain[:, MIDDLE, :17], windows.target[:, MIDDLE]
    turned = torch.linalg.lstsq(before, after).solution
    assert (torch.linalg.det(turned) > 0).all()


# --- detectors


def detected(windows: Windows, visible: Tensor, camera: CameraConfig = TRUE_FOCAL, **noise: float) -> Windows:
    return detect(windows, visible, NoiseConfig(**{**NO_NOISE, **noise}), camera, seeded(2))


def test_clean_windows_are_left_alone(filmed: tuple[Windows, Tensor]) -> None:
    seen = detect(*filmed, NoiseConfig(clean=1.0), CameraConfig(), seeded())
    assert torch.equal(seen.rays, filmed[0].rays)
    assert torch.equal(seen.scores, filmed[0].scores)
    assert torch.equal(seen.target, filmed[0].target)


def test_without_errors_only_the_scores_vary(filmed: tuple[Windows, Tensor]) -> None:
    seen = detected(*filmed)
    assert torch.equal(seen.rays, filmed[0].rays)
    assert (seen.scores > 0).all()
    assert seen.scores.std() > 0.01


def test_errors_grow_with_the_size_in_the_picture(filmed: tuple[Windows, Tensor]) -> None:
    seen = detected(*filmed, steady=0.01, jitter=0.01, bias=0.01)
    metres = (seen.rays - filmed[0].rays).norm(dim=-1) * filmed[0].depth[:, None, None]
    near = filmed[0].depth < filmed[0].depth.median()
    assert metres[near].mean() == pytest.approx(metres[~near].mean().item(), rel=0.4)
    assert 0.01 < metres.mean() < 0.1


def test_swapped_frames_have_left_and_right_exchanged_of_all_joints_legs_or_arms(
    filmed: tuple[Windows, Tensor],
) -> None:
    seen, mirrored = detected(*filmed, swapped=1.0).rays, filmed[0].rays[:, :, list(COCO17.mirror)]
    kept, swapped = ((seen == other).all(-1) for other in (filmed[0].rays, mirrored))
    assert (kept | swapped).all()
    groups = {"all": range(17), "legs": range(11, 17), "arms": range(5, 11)}
    windows = {name: swapped[:, :, list(joints)].all(-1).any(1) for name, joints in groups.items()}
    share = {name: hit.float().mean().item() for name, hit in windows.items()}
    assert 0.3 < share["all"] < 0.7
    assert share["legs"] > share["all"] < share["arms"]
    long = swapped.all(-1).sum(1).float()
    assert long.max() == 9  # the whole window
    assert (windows["legs"] & ~windows["arms"]).any()


def test_missing_joints_have_no_score(filmed: tuple[Windows, Tensor]) -> None:
    scores = detected(*filmed, missing=1.0).scores
    gone = scores == 0
    assert torch.equal(gone.any(1), gone.all(1))  # for the whole window
    legs = COCO17.indices(("left_knee", "right_knee", "left_ankle", "right_ankle"))
    assert gone[:, 0, legs].all(-1).float().mean() > 0.4
    assert gone.any(1).any(-1).float().mean() > 0.9


def test_dropped_frames_are_bridged(filmed: tuple[Windows, Tensor]) -> None:
    seen = detected(*filmed, dropped=1.0).rays
    changed = (seen != filmed[0].rays).any(-1).any(-1)
    assert changed.any(1).float().mean() > 0.8
    assert not changed[:, [0, -1]].any()
    for window in torch.nonzero(changed.any(1))[:, 0].tolist():
        frames = torch.nonzero(changed[window])[:, 0]
        first, last = int(frames[0]) - 1, int(frames[-1]) + 1
        share = (torch.arange(first, last + 1) - first) / (last - first)
        line = torch.lerp(filmed[0].rays[window, first], filmed[0].rays[window, last], share[:, None, None])
        torch.testing.assert_close(seen[window, first : last + 1], line, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_windows_may_be_as_short_as_one_frame(frames: int) -> None:
    windows, visible = film(WindowSource(library()).draw(32, frames, seeded()), CameraConfig(), seeded())
    seen = detect(windows, visible, NoiseConfig(dropped=1.0), CameraConfig(), seeded())
    assert seen.rays.shape == (32, frames, 17, 2)
    assert seen.rays.isfinite().all()


def test_joints_that_cannot_be_seen_get_low_scores(filmed: tuple[Windows, Tensor]) -> None:
    windows, visible = filmed
    certainty = {"alike": 0.0}
    assert detected(windows, ~visible, steady=0.01, **certainty).scores.max() <= 0.63
    assert detected(windows, visible, **certainty).scores.mean() > 0.9


def test_mediapipes_scores_tell_hidden_wrists_from_seen_ones_and_nothing_of_hips(
    filmed: tuple[Windows, Tensor],
) -> None:
    windows, visible = filmed
    seen, hidden = (detected(windows, v, alike=1.0).scores for v in (visible, ~visible))
    wrists, hips = COCO17.indices(("left_wrist", "right_wrist")), COCO17.indices(("left_hip", "right_hip"))
    assert seen[..., wrists].median() > 0.85
    assert hidden[..., wrists].median() < 0.15
    assert min(seen[..., hips].median(), hidden[..., hips].median()) > 0.99


def test_errors_are_as_large_as_those_measured(filmed: tuple[Windows, Tensor]) -> None:
    """Medians of MediaPipe on rendered people, thousandths of the stature (docs/detector_noise.md)."""
    seen = detect(
        *filmed, NoiseConfig(clean=0.0, missing=0.0, dropped=0.0, swapped=0.0, occluded=0.0), TRUE_FOCAL, seeded()
    )
    error = (seen.rays - filmed[0].rays).norm(dim=-1) * filmed[0].depth[:, None, None] / 1.7 * 1000
    for joint, median in {"shoulder": 9, "elbow": 14, "wrist": 11, "hip": 13, "knee": 10, "ankle": 10}.items():
        at = COCO17.indices((f"left_{joint}", f"right_{joint}"))
        assert error[..., at].median() == pytest.approx(median, rel=0.6), joint


def test_blind_detectors_score_nothing_but_one(filmed: tuple[Windows, Tensor]) -> None:
    assert torch.equal(detected(*filmed, blind=1.0, missing=1.0).scores.unique(), torch.tensor([0.0, 1.0]))


def test_a_wrong_focal_length_scales_all_rays_of_a_window_alike(filmed: tuple[Windows, Tensor]) -> None:
    factor = detected(*filmed, replace(TRUE_FOCAL, focal_error=0.1)).rays / filmed[0].rays
    one = factor[:, :1, :1, :1].expand_as(factor)
    torch.testing.assert_close(factor, one, atol=1e-3, rtol=1e-3)
    assert 0.05 < factor[:, 0, 0, 0].log().std() < 0.2
