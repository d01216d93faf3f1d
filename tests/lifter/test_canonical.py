from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from videopose3d.lifter.canonical import (
    FEATURES,
    canonical_input,
    mirror_input,
    mirror_pose,
    rotation_onto_axis,
)
from videopose3d.skeleton import COCO17, H36M17, SKELETONS

HIPS = COCO17.indices(("left_hip", "right_hip"))
ALL_SEEN = torch.ones(17, dtype=torch.float64)
AXIS = torch.tensor([0.0, 0, 1], dtype=torch.float64)


def person(seed=0, depth=5.0, *, flat=False, one_hip=False):
    """(17, 3) [m] a random person on the optical axis, the middle of the hips exactly on it."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(17, 3, generator=generator, dtype=torch.float64).clamp(-2, 2) * 0.4
    if flat:
        points[:, 2] = 0
    points[HIPS[1]] = points[HIPS[0]] if one_hip else points[HIPS[0]] * torch.tensor([-1, -1, 1])
    points -= points[HIPS].mean(0)
    return points + depth * AXIS


def rays(points):
    return points[..., :2] / points[..., 2:]


def features(points, scores=ALL_SEEN):
    return canonical_input(rays(points), scores, COCO17)[0]


def slopes(count=20, farthest=1.2):
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(count, 2, generator=generator, dtype=torch.float64) * 2 - 1) * farthest


def test_the_rotation_is_one_and_turns_the_ray_onto_the_axis():
    middle = slopes()
    turn = rotation_onto_axis(middle)
    torch.testing.assert_close(turn @ turn.transpose(-1, -2), torch.eye(3, dtype=torch.float64).expand(20, 3, 3))
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(20, dtype=torch.float64))
    ray = torch.cat([middle, torch.ones(20, 1, dtype=torch.float64)], -1)
    torch.testing.assert_close((turn @ (ray / ray.norm(dim=-1, keepdim=True))[..., None])[..., 0], AXIS.expand(20, 3))


def test_it_is_the_smallest_such_rotation():
    middle = slopes()
    ray = torch.cat([middle, torch.ones(20, 1, dtype=torch.float64)], -1)
    for turn, direction in zip(rotation_onto_axis(middle), ray, strict=True):
        angle = np.linalg.norm(Rotation.from_matrix(turn.numpy()).as_rotvec())
        assert angle == pytest.approx(float(torch.arccos(direction[2] / direction.norm())))


def test_where_in_the_picture_somebody_stands_does_not_matter():
    # The camera turns about its centre. With both hips on one ray the middle turns with it exactly.
    straight = person(one_hip=True)
    for middle in slopes():
        turned = straight @ rotation_onto_axis(middle)  # rows: the inverse, from the axis to the ray
        torch.testing.assert_close(rays(turned)[HIPS[0]], middle)
        torch.testing.assert_close(features(turned), features(straight))


def test_it_hardly_matters_with_hips_apart():
    straight = person()
    for middle in slopes(farthest=0.5):
        turned = features(straight @ rotation_onto_axis(middle))
        assert (turned - features(straight)).abs().max() < 0.05
        assert (rays(straight @ rotation_onto_axis(middle)) - rays(straight)).abs().max() > 0.01


def test_the_returned_rotation_is_the_way_back():
    straight, middle = person(one_hip=True), torch.tensor([0.5, -0.3], dtype=torch.float64)
    there = straight @ rotation_onto_axis(middle)
    _, turn = canonical_input(rays(there), ALL_SEEN, COCO17)
    torch.testing.assert_close(there @ turn.T, straight)
    torch.testing.assert_close(straight @ turn, there)


@pytest.mark.parametrize("closer", [0.5, 2.0, 10.0])
def test_distance_and_lens_change_the_size_alone(closer):
    near = features(person(flat=True, depth=3.0))
    far = features(person(flat=True, depth=3.0 * closer))
    torch.testing.assert_close(far[:, :3], near[:, :3])
    torch.testing.assert_close(near[:, 3] - far[:, 3], torch.full_like(near[:, 3], np.log(closer)))


def test_features_are_in_units_of_the_apparent_size():
    out = features(person(1))
    assert out.shape == (17, FEATURES)
    assert float(out[:, :2].square().sum(-1).mean()) == pytest.approx(1)
    assert len(out[:, 3].unique()) == 1
    points = torch.zeros(17, 3, dtype=torch.float64)
    points[:, 2] = 2
    points[::2, 0], points[1::2, 0] = 0.3, -0.3
    points[HIPS, 0] = 0
    # All joints 0.15 from the axis save the two hips on it.
    assert float(features(points)[0, 3]) == pytest.approx(np.log((15 / 17) ** 0.5))


def test_scores_are_passed_on():
    scores = torch.linspace(0.05, 1, 17, dtype=torch.float64)
    out = features(person(), scores)
    torch.testing.assert_close(out[:, 2], scores)
    torch.testing.assert_close(out[:, [0, 1, 3]], features(person())[:, [0, 1, 3]])


def test_joints_not_seen_are_zero_and_have_no_influence():
    scores = ALL_SEEN.clone()
    unseen = COCO17.indices(("nose", "left_wrist"))
    scores[unseen] = 0
    one, other = person(), person()
    other[unseen] = torch.tensor([50.0, -30, 0.1], dtype=torch.float64)
    out = features(one, scores)
    assert (out[unseen, :3] == 0).all()
    assert (out[0, :2] != features(one)[0, :2]).all()
    torch.testing.assert_close(features(other, scores), out)


@pytest.mark.parametrize("missing", [[HIPS[0]], [HIPS[1]], HIPS])
def test_without_both_hips_the_middle_is_that_of_the_joints_seen(missing):
    scores = ALL_SEEN.clone()
    scores[missing] = 0
    points = person(2)
    points[missing] = torch.tensor([9.0, 9, 1], dtype=torch.float64)
    seen = [joint for joint in range(17) if joint not in missing]
    _, turn = canonical_input(rays(points), scores, COCO17)
    torch.testing.assert_close(turn, rotation_onto_axis(rays(points)[seen].mean(0)))


def test_nobody_seen_gives_finite_numbers():
    out = features(person(), torch.zeros(17, dtype=torch.float64))
    assert out.isfinite().all()
    assert (out[:, :3] == 0).all()


@pytest.mark.parametrize("slope", [-1 / 3, -3.0])
def test_a_joint_at_a_right_angle_to_the_person_or_behind_stays_on_its_side(slope):
    picture = torch.zeros(17, 2, dtype=torch.float64)
    picture[:, 0] = torch.linspace(2.9, 3.1, 17, dtype=torch.float64)
    picture[HIPS, 0] = 3.0
    picture[0, 0] = slope
    out, _ = canonical_input(picture, ALL_SEEN, COCO17)
    assert out.isfinite().all()
    assert out[0, 0] < out[1:, 0].min()


def test_batches_are_frames_side_by_side():
    clip = torch.stack([person(seed) + torch.tensor([0.3 * seed, 0.1, 0]) for seed in range(6)])
    scores = torch.rand(6, 17, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scores[scores < 0.3] = 0
    together, turns = canonical_input(rays(clip).reshape(2, 3, 17, 2), scores.reshape(2, 3, 17), COCO17)
    assert together.shape == (2, 3, 17, FEATURES)
    assert turns.shape == (2, 3, 3, 3)
    for t in range(6):
        alone, turn = canonical_input(rays(clip[t]), scores[t], COCO17)
        torch.testing.assert_close(together.flatten(0, 1)[t], alone)
        torch.testing.assert_close(turns.flatten(0, 1)[t], turn)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_mirroring_twice_changes_nothing(skeleton):
    x = torch.randn(2, 3, len(skeleton), 4)
    pose = torch.randn(2, 3, len(skeleton), 3)
    before = x.clone()
    torch.testing.assert_close(mirror_input(mirror_input(x, skeleton), skeleton), x, atol=0, rtol=0)
    torch.testing.assert_close(mirror_pose(mirror_pose(pose, skeleton), skeleton), pose, atol=0, rtol=0)
    torch.testing.assert_close(x, before, atol=0, rtol=0)


def test_mirroring_by_hand():
    pose = torch.arange(17 * 3.0).reshape(17, 3)
    mirrored = mirror_pose(pose, H36M17)
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    torch.testing.assert_close(mirrored[left], pose[right] * torch.tensor([-1.0, 1, 1]))
    torch.testing.assert_close(mirrored[0], pose[0] * torch.tensor([-1.0, 1, 1]))
    x = torch.arange(17 * 4.0).reshape(17, 4)
    torch.testing.assert_close(mirror_input(x, COCO17)[9], x[10] * torch.tensor([-1.0, 1, 1, 1]))


def test_the_mirrored_features_are_the_features_of_the_mirrored_picture():
    there = person() @ rotation_onto_axis(torch.tensor([0.6, -0.2], dtype=torch.float64))
    scores = torch.linspace(0.0, 1, 17, dtype=torch.float64)
    picture = rays(there)[list(COCO17.mirror)] * torch.tensor([-1, 1], dtype=torch.float64)
    direct, _ = canonical_input(picture, scores[list(COCO17.mirror)], COCO17)
    torch.testing.assert_close(mirror_input(features(there, scores), COCO17), direct)
