from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from strider import CAMERA, FPS, as_poses, seen, to_camera, walk

from videopose3d.metrics import acceleration_error, mpjpe
from videopose3d.types import Poses3D
from videopose3d.world import refine as refining
from videopose3d.world import terms
from videopose3d.world.banded import NormalEquations
from videopose3d.world.place import find_world
from videopose3d.world.quality import quality
from videopose3d.world.refine import refine

JOINTS, STAND = walk()
TRUTH, GROUND = to_camera(JOINTS)


def guessed(joints: np.ndarray = TRUTH, seed: int = 0) -> Poses3D:
    """What a lifter makes of it: poses off by centimetres, mostly in depth, and a path whose depth wavers."""
    rng = np.random.default_rng(seed)
    t = np.arange(len(joints))
    slow = np.stack([np.sin(t / 7 + a) for a in rng.uniform(0, 6, 51)], -1).reshape(-1, 17, 3)
    rough = joints + slow * (0.01, 0.01, 0.04) + rng.normal(0, 0.004, joints.shape)
    path = rough[:, :1] * (1 + 0.02 * np.sin(t / 4))[:, None, None]
    poses = rough - rough[:, :1]
    return Poses3D(poses[None].astype(np.float32), path[None, :, 0].astype(np.float32), as_poses(joints).skeleton)


def refined(poses: Poses3D, joints: np.ndarray = TRUTH) -> tuple[Poses3D, np.ndarray]:
    """The refined motion, and its joints (T, 17, 3) in camera axes."""
    better, world = refine(poses, seen(joints), CAMERA, find_world(poses, FPS))
    places = better.poses[0].astype(np.float64) + better.trajectory[0][:, None]
    turn, shift = world.world_from_camera[:, :3], world.world_from_camera[:, 3]
    np.testing.assert_allclose(world.poses[0], places @ turn.T + shift, atol=1e-4)
    assert np.abs(better.poses[:, :, 0]).max() == 0
    return better, places


def sliding(places: np.ndarray) -> float:
    """Mean way of the truly standing feet from frame to frame [mm]."""
    steps = np.linalg.norm(np.diff(places[:, [6, 3]], axis=0), axis=-1)
    return float(1000 * steps[STAND[1:] & STAND[:-1]].mean())


def test_feet_stay_and_poses_get_better() -> None:
    rough = guessed()
    before = rough.poses[0].astype(np.float64) + rough.trajectory[0][:, None]
    better, after = refined(rough)
    assert sliding(after) < 0.25 * sliding(before)
    truth = TRUTH - TRUTH[:, :1]
    assert mpjpe(better.poses[0], truth) < mpjpe(rough.poses[0], truth)
    assert acceleration_error(after, TRUTH) < 0.5 * acceleration_error(before, TRUTH)
    assert np.linalg.norm(after - TRUTH, axis=-1).mean() < 0.8 * np.linalg.norm(before - TRUTH, axis=-1).mean()


def test_the_figures_say_so() -> None:
    rough = guessed()
    world = find_world(rough, FPS)
    better, _ = refined(rough)
    before, after = (quality(poses, seen(TRUTH), CAMERA, world.contacts) for poses in (rough, better))
    assert after.sliding < 0.25 * before.sliding
    assert after.jitter < 0.5 * before.jitter
    assert after.bones < 0.5 * before.bones
    assert after.reprojection < before.reprojection


def test_figures_of_the_truth() -> None:
    truth = quality(as_poses(TRUTH), seen(TRUTH), CAMERA, STAND[None])
    assert truth.reprojection < 0.01
    assert truth.sliding < 0.01
    assert truth.bones < 10  # shins of the walker give a little
    moved = replace(as_poses(TRUTH), trajectory=(TRUTH[None, :, 0] + (0.01, 0, 0)).astype(np.float32))
    depth = TRUTH[..., 2].mean()
    assert quality(moved, seen(TRUTH), CAMERA, STAND[None]).reprojection == pytest.approx(10 / depth, rel=0.1)
    line = as_poses(np.zeros((5, 17, 3)) + np.array([0, 0, 3]) + np.arange(5)[:, None, None] ** 2 * (0.001, 0, 0))
    figures = quality(line, seen(TRUTH[:5]), CAMERA, np.ones((1, 5, 2), bool))
    assert figures.jitter == pytest.approx(2, rel=1e-3)
    assert figures.sliding == pytest.approx(4, rel=1e-3)  # 1, 3, 5, 7 mm
    nobody = quality(as_poses(TRUTH[:0]), seen(TRUTH[:0]), CAMERA, np.zeros((1, 0, 2), bool))
    assert np.isnan([nobody.reprojection, nobody.sliding, nobody.jitter, nobody.bones]).all()


def test_parts_hardly_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rough = guessed()
    _, whole = refined(rough)
    monkeypatch.setattr(refining, "PART", 40)
    monkeypatch.setattr(refining, "OVERLAP", 20)
    _, parts = refined(rough)
    assert np.linalg.norm(parts - whole, axis=-1).max() < 0.03
    seams = np.linalg.norm(np.diff(parts, 2, axis=0), axis=-1)
    assert seams.max() < 1.5 * np.linalg.norm(np.diff(whole, 2, axis=0), axis=-1).max()


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_clips(frames: int) -> None:
    better, _ = refined(guessed(TRUTH[:frames]), TRUTH[:frames])
    assert np.isfinite(better.poses).all()


def test_gaps_stay_gaps_and_what_has_no_place_stays_as_it_is() -> None:
    rough = guessed()
    rough.poses[0, 50:60] = np.nan
    rough.trajectory[0, 50:62] = np.nan
    better, world = refine(rough, seen(TRUTH), CAMERA, find_world(rough, FPS))
    np.testing.assert_array_equal(np.isnan(better.poses), np.isnan(rough.poses))
    np.testing.assert_array_equal(np.isnan(better.trajectory), np.isnan(rough.trajectory))
    np.testing.assert_array_equal(better.poses[0, 60:62], rough.poses[0, 60:62])
    assert np.isnan(world.poses[0, 50:62]).all()


def test_who_is_not_seen_in_2d_is_still_calmed() -> None:
    rough, nothing = guessed(), seen(TRUTH)
    nothing = replace(nothing, points=np.full_like(nothing.points, np.nan), scores=np.zeros_like(nothing.scores))
    better, _ = refine(rough, nothing, CAMERA, find_world(rough, FPS))
    assert np.isfinite(better.poses).all()
    assert np.linalg.norm(better.poses - rough.poses, axis=-1).mean() < 0.05


def test_somebody_far_below_the_ground_is_left_alone() -> None:
    """On a roof stands one; the other walks in front of the house."""
    low = TRUTH - 3 * GROUND[:3]
    two = replace(
        guessed(),
        poses=np.concatenate([guessed().poses, guessed(low).poses]),
        trajectory=np.concatenate([guessed().trajectory, guessed(low).trajectory]),
    )
    world = replace(find_world(guessed(), FPS), poses=two.poses, contacts=np.stack([STAND, np.zeros_like(STAND)]))
    better, _ = refine(two, seen(TRUTH, low), CAMERA, world)
    places = better.poses[1].astype(np.float64) + better.trajectory[1][:, None]
    assert np.linalg.norm(places - low, axis=-1).mean() < 0.15


def test_what_gets_worse_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def wild(number: float) -> None:
        monkeypatch.setattr(refining, "_refined", lambda stretch, before, body, spreads: before + number)

    rough = guessed()
    world = find_world(rough, FPS)
    for number, kept in ((float("nan"), True), (1.0, True), (0.01, False)):
        wild(number)
        better, _ = refine(rough, seen(TRUTH), CAMERA, world)
        assert np.array_equal(better.trajectory, rough.trajectory) is kept


def dense(equations: NormalEquations) -> np.ndarray:
    """(N, N) the whole matrix."""
    frames, n = len(equations.right), equations.right[0].size
    matrix = np.zeros((frames, n, frames, n))
    for t in range(frames):
        matrix[t, :, t] = equations.within[t].reshape(n, n)
        for away, links in ((1, equations.next), (2, equations.after)):
            if t + away < frames:
                matrix[t, :, t + away] = matrix[t + away, :, t] = np.diag(links[t].ravel())
    return matrix.reshape(frames * n, -1)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7, 8])
def test_banded_systems_are_solved(frames: int) -> None:
    rng = np.random.default_rng(frames)
    equations = NormalEquations(frames, 2)
    half = rng.normal(size=(frames, 6, 6))
    equations.within[:] = (half @ half.transpose(0, 2, 1) + 20 * np.eye(6)).reshape(frames, 2, 3, 2, 3)
    equations.next[:], equations.after[:], equations.right[:] = rng.normal(size=(3, frames, 2, 3))
    expected = np.linalg.solve(dense(equations), equations.right.ravel())
    np.testing.assert_allclose(equations.solve().ravel(), expected, atol=1e-12)


ADDERS = {
    "keypoints": lambda e, x: terms.keypoints(e, x, [0, 2], np.full((4, 2, 2), 0.1), np.ones((4, 2)), 0.5),
    "bones": lambda e, x: terms.bones(e, x, np.array([(0, 1), (1, 2)]), np.array([0.4, 0.5]), 0.5),
    "pose": lambda e, x: terms.pose(e, x, np.zeros((4, 3, 3)), 0, 0.5, 1.0),
    "smoothness": lambda e, x: terms.smoothness(e, x, 1.0, 0.5),
    "standing": lambda e, x: terms.standing(e, x, [1, 2], np.ones((4, 2), bool), 1.0, 0.5),
    "on ground": lambda e, x: terms.on_ground(e, x, [1, 2], np.ones((4, 2), bool), np.array([0, -1.0, 0, 0]), 0.5),
    "above ground": lambda e, x: terms.above_ground(e, x, [1, 2], np.array([0, -1.0, 0, 0]), 0.5),
}


@pytest.mark.parametrize("name", ADDERS)
def test_a_step_along_one_term_makes_it_smaller(name: str) -> None:
    """The force of every term points where its matrix says, and vanishes where the term is fulfilled."""
    places = np.random.default_rng(3).normal(0, 0.4, (4, 3, 3)) + (0, 0.3, 4)
    before, equations = (NormalEquations(4, 3) for _ in range(2))
    ADDERS[name](before, places)
    matrix = dense(before)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9
    before.add_each(np.full((4, 3, 3), 1e-3))
    for _ in range(12):
        equations = NormalEquations(4, 3)
        ADDERS[name](equations, places)
        equations.add_each(np.full((4, 3, 3), 1e-3))
        places = places + equations.solve()
    assert np.abs(equations.right).max() < 0.05 * np.abs(before.right).max()
