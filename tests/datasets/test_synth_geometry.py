"""Synthetic people without drawing any: cameras, places, truth, turns of bones. Needs neither anny nor numba."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from motions import motion

from videopose3d.datasets.mocap.classes import CLASSES, motion_class
from videopose3d.datasets.synth.camera import View, look
from videopose3d.datasets.synth.looks import random_colours, random_shape
from videopose3d.datasets.synth.retarget import blend, limb_turns, rotation_between, smooth
from videopose3d.datasets.synth.scenes import random_scenery
from videopose3d.datasets.synth.shots import DISTANCES, ShotLimits, focal_length, random_shot
from videopose3d.datasets.synth.things import BOX, Surface, thing
from videopose3d.datasets.synth.truth import HIDDEN, OUTSIDE, SEEN, visibility

RNG = np.random.default_rng


def person(frames: int = 10) -> Any:
    """(T, 17, 3) somebody of 1.7 m who moves along x."""
    return motion(frames).joints_h36m + np.arange(frames)[:, None, None] * [0.04, 0.0, 0.0]


@pytest.mark.parametrize(
    ("yaw", "pitch", "ahead", "right"),
    [
        (0, 0, (0, 1, 0), (1, 0, 0)),
        (90, 0, (-1, 0, 0), (0, 1, 0)),
        (0, 90, (0, 0, -1), (1, 0, 0)),
        (180, 0, (0, -1, 0), (-1, 0, 0)),
    ],
)
def test_cameras_look_where_they_should(yaw: float, pitch: float, ahead: Any, right: Any) -> None:
    rotation = look(np.radians(yaw), np.radians(pitch))
    assert np.allclose(rotation[2], ahead)
    assert np.allclose(rotation[0], right)
    assert np.isclose(np.linalg.det(look(0.3, -0.2, 0.1)), 1)


def test_a_known_point_lands_on_its_pixel() -> None:
    view = View(np.array([0.0, -4.0, 1.0]), look(0, 0), 500.0, (640, 480))
    assert np.allclose(view.project(np.array([[0.4, 0.0, 1.0], [0.0, 0.0, 1.8]])), [[370, 240], [320, 140]])
    assert np.isnan(view.project(np.array([0.0, -5.0, 1.0]))).all()
    assert np.allclose(view.scaled(2).project(np.array([0.4, 0.0, 1.0])), [740, 480])


@pytest.mark.parametrize("seed", range(12))
def test_shots_keep_people_in_the_picture(seed: int) -> None:
    joints = person(25)
    shot = random_shot(RNG(seed), joints, 1.7, 25.0, ShotLimits(cut=0.0))
    if np.linalg.norm(shot.positions[0] - joints.mean((0, 1))) > 0.95 * DISTANCES[1]:
        return  # as far away as they go
    pixels = np.stack([shot.view(t).project(joints[t]) for t in range(len(joints))])
    assert (pixels >= 0).all()
    assert (pixels <= shot.size).all()
    assert (shot.positions[:, 2] > 0.05).all()
    assert shot.moves == (np.ptp(shot.rotations, axis=0).max() > 0)


def test_a_field_of_view_and_a_size_can_be_told() -> None:
    shot = random_shot(RNG(0), person(), 1.7, 25.0, ShotLimits(size=(360, 640), fov=60.0))
    assert shot.size == (360, 640)
    assert np.isclose(shot.focal, 320 / np.tan(np.radians(30)))
    assert focal_length(90, (640, 480)) == pytest.approx(320)


def test_everything_is_drawn_from_the_seed() -> None:
    def draw(seed: int) -> list[Any]:
        rng = RNG(seed)
        shot = random_shot(rng, person(), 1.7, 25.0, ShotLimits())
        scenery = random_scenery(rng, person().reshape(-1, 3), shot.positions, hidden=True)
        return [shot.positions, scenery.things, *random_colours(rng), np.array(list(random_shape(rng).values()))]

    assert all(np.array_equal(a, b) for a, b in zip(draw(3), draw(3), strict=True))
    assert not np.array_equal(draw(3)[0], draw(4)[0])


@pytest.mark.parametrize("seed", range(20))
def test_things_keep_away_from_people_and_camera(seed: int) -> None:
    rng, people = RNG(seed), person().reshape(-1, 3)
    shot = random_shot(rng, person(), 1.7, 25.0, ShotLimits())
    scenery = random_scenery(rng, people, shot.positions, hidden=bool(seed % 2))
    assert (scenery.room[:3] <= np.minimum(people.min(0), shot.positions.min(0))).all()
    assert (scenery.room[3:] >= np.maximum(people.max(0), shot.positions.max(0))).all()
    for row in scenery.things[(scenery.things[:, 0] == BOX) & (scenery.things[:, 6] > 0.02)]:
        gap = np.maximum(np.maximum(row[1:3] - people[:, :2], people[:, :2] - row[4:6]), 0)
        assert np.linalg.norm(gap, axis=1).min() > 0.4
        eye = np.maximum(np.maximum(row[1:4] - shot.positions, shot.positions - row[4:7]), 0)
        assert np.linalg.norm(eye, axis=1).min() > 0.3


def test_a_thing_is_a_row_of_numbers() -> None:
    row = thing(BOX, (0, 1, 2, 3, 4, 5), (0.1, 0.2, 0.3), Surface(7, (0.4, 0.5, 0.6), 2.0, 9.0, 1.0))
    assert row.tolist() == [BOX, 0, 1, 2, 3, 4, 5, 7, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 2.0, 9.0, 1.0]


def test_what_can_be_seen() -> None:
    view = View(np.array([0.0, -2.0, 0.0]), look(0, 0), 100.0, (40, 40))
    points = np.zeros((17, 3))  # all in the middle of the picture, 2 m away
    points[0], points[1] = (5, 0, 0), (0, -3, 0)  # beside the picture, behind the camera
    owner, depth = np.zeros((20, 20), np.int8), np.full((20, 20), 1.95)
    drawing: Any = SimpleNamespace(owner=owner, face=np.zeros((20, 20), int), depth=depth, corner=(10, 10), scale=1)
    all_bones = np.ones((17, 1), bool)
    assert visibility(points, 0, all_bones, view, drawing).tolist() == [OUTSIDE, OUTSIDE, *[HIDDEN] * 3, *[SEEN] * 12]
    depth[:] = 1.97  # now the face is near enough to its surface, too
    assert visibility(points, 0, all_bones, view, drawing).tolist() == [OUTSIDE, OUTSIDE, *[SEEN] * 15]
    drawing.face[:] = 7  # somebody else is in front, whose mesh has more faces
    assert (visibility(points, 1, all_bones, view, drawing)[2:] == HIDDEN).all()
    drawing.face[:] = 0
    assert (visibility(points, 0, ~all_bones, view, drawing)[2:] == HIDDEN).all()  # another part of the body is
    depth[:] = 1.5  # a surface far in front of the joints
    assert (visibility(points, 0, all_bones, view, drawing)[2:] == HIDDEN).all()


def test_turns_between_directions_and_between_turns() -> None:
    a, b = np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 0]])
    turn = rotation_between(a, b)
    assert np.allclose(turn @ [1, 0, 0], b)
    assert np.allclose(blend(np.eye(3)[None], turn, 1.0), turn)
    half = blend(np.eye(3)[None], turn, 0.5)
    assert np.allclose(half @ half, turn)


def test_smoothing_keeps_what_is_constant() -> None:
    assert np.allclose(smooth(np.full((9, 3), 2.0), 5), 2.0)


def test_limbs_point_where_the_motion_points() -> None:
    rest = {"Arm": (0.2, 0.0, 1.4), "ForeArm": (0.4, -0.02, 1.2), "Hand": (0.5, -0.15, 1.05)}
    body: Any = SimpleNamespace(heads=np.array(list(rest.values())), index={name: i for i, name in enumerate(rest)})
    points = [np.tile(p, (5, 1)) for p in ((0.0, 0, 1.4), (0.0, -0.3, 1.4), (0.0, -0.3, 1.65))]
    upper, fore = limb_turns(body, np.tile(np.eye(3), (5, 1, 1)), ("Arm", "ForeArm", "Hand"), points, 2)
    first, second = (np.diff(body.heads, axis=0)[i] for i in (0, 1))
    for turn, bone, wanted in ((upper, first, (0, -1, 0)), (fore, second, (0, 0, 1))):
        assert np.allclose(turn @ (bone / np.linalg.norm(bone)), wanted)
        assert np.allclose(np.linalg.det(turn), 1)
    hinge = np.cross(first, second)
    assert np.allclose(upper @ (hinge / np.linalg.norm(hinge)), np.cross((0, -1, 0), (0, 0, 1)))  # no twist


def test_classes_of_motions() -> None:
    names = {
        "kseniia/07/07_01[0:316]": "walking",
        "s07/m01_e03_correct[0:200]": "sitting",
        "s07/m08_e03_correct[0:200]": "other",
        "jump/139_16[0:162]": "floor",
        "train_data_bvh/salsa/01[0:90]": "dancing",
        "train_data_bvh/martial/03[8:900]": "fighting",
        "jump/127_23[0:80]": "floor",
        "jump/127_03[0:80]": "walking",
        "whatever": "other",
    }
    assert {name: motion_class(name) for name in names} == names
    assert set(names.values()) == set(CLASSES)
