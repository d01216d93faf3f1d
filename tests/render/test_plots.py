from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videopose3d.errors import SkeletonMismatchError, VideoPose3DError
from videopose3d.joint_angles import joint_angles
from videopose3d.render.plots import Curve, curves
from videopose3d.render.stage import SOLE, set_stage
from videopose3d.render.strip import PAGE, Strip
from videopose3d.render.theme import DARK
from videopose3d.skeleton import H36M17

SIZE = (400, 100)


def found(result, names, error=None):
    return curves(result, set_stage(result.poses, result.fps), names, error)


@pytest.fixture
def walking(make_result):
    """Two people; the first bends the right knee and walks, to the right, one metre per second."""
    result = make_result(people=2, frames=21)
    ankle = H36M17.index("right_ankle")
    result.poses.poses[0, :, ankle, 2] += np.linspace(0, 0.4, 21)
    result.poses.trajectory[0, :, 0] = np.arange(21) / 10
    return result


def test_an_angle_is_that_of_the_export_and_knows_its_side(walking):
    (knee,) = found(walking, "right_knee")
    np.testing.assert_array_equal(knee.values, joint_angles(walking.poses)["right_knee_flexion"][0])
    assert knee.values[-1] - knee.values[0] > 30
    assert (knee.name, knee.unit, knee.side) == ("right knee flexion", "deg", "right")
    assert knee.value(20) == f"{knee.values[20]:.0f}°"
    assert found(walking, "right_knee@2")[0].values[-1] == pytest.approx(0, abs=1e-3)


def test_coordinates_are_those_of_the_result_file(walking):
    np.testing.assert_allclose(found(walking, "trajectory:x")[0].values, np.arange(21) / 10, atol=1e-6)
    np.testing.assert_allclose(found(walking, "left_wrist:x")[0].values, 0.45, atol=1e-6)
    assert found(walking, "trajectory:z")[0].value(0) == "3.00 m"


def test_heights_are_above_the_floor_and_speeds_in_the_room(walking):
    height = found(walking, "left_ankle:height")[0].values
    np.testing.assert_allclose(height, SOLE, atol=0.01)
    speed = found(walking, "head:speed")[0]
    np.testing.assert_allclose(speed.values, 1.0, atol=1e-4)
    assert speed.unit == "m/s"


def test_the_speed_of_somebody_followed_counts_the_moving_floor(make_result):
    result = make_result(frames=60)
    result.poses.trajectory[0, :, 0] = np.arange(60) / 10
    stage = set_stage(result.poses, result.fps)
    assert stage.follow
    speed = curves(result, stage, "head:speed")[0].values
    np.testing.assert_allclose(speed[8:-8], 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("right_knie", "nothing is called 'right_knie'"),
        ("right_knee,left_wrist:height", "over one axis"),
        ("right_knee@3", "no person '3'"),
        ("left_wrist:colour", "no 'colour'"),
        ("error", "Give the truth"),
        (",", "no name"),
    ],
)
def test_what_cannot_be_plotted_is_said(walking, names, says):
    with pytest.raises(VideoPose3DError, match=says):
        found(walking, names)


def test_an_unknown_joint_is_said(walking):
    with pytest.raises(SkeletonMismatchError, match="no joint named 'tail'"):
        found(walking, "tail:x")


def test_nobody_gives_an_empty_curve(make_result):
    (knee,) = found(make_result(people=0), "right_knee")
    assert np.isnan(knee.values).all()
    assert knee.value(0) == "-°"


# --- the panel


def strip(values, *, frames=None, fps=10, size=SIZE, present=None, side="left") -> Strip:
    values = np.asarray(values, float)
    present = np.ones(len(values), bool) if present is None else present
    shown = frames or range(len(values))
    return Strip([Curve("knee", "deg", values, side)], present, shown, Fraction(fps), size, DARK, 14)


def drawn(panel: Strip, frame: int, size=SIZE) -> np.ndarray:
    out = np.zeros((size[1], size[0], 3), np.uint8)
    panel.draw(frame, out)
    return out.astype(int)


def is_left(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture - DARK.left).max(-1) < 40


@pytest.mark.parametrize("frame", [3, 17, 28])
def test_the_curve_passes_where_its_values_are(frame):
    values = 50 + 40 * np.sin(np.arange(31) / 5)
    panel = strip(values)
    other = 12 if frame != 12 else 20
    x, y = panel.position(frame, values[frame])
    column = is_left(drawn(panel, other))[:, round(x)]
    rows = np.flatnonzero(column)
    assert abs(rows.mean() - y) < 2.5


def test_the_cursor_moves_and_marks_the_value():
    values = np.linspace(0, 100, 31)
    panel = strip(values)
    one, other = drawn(panel, 5), drawn(panel, 25)
    x0, y0, width, height = panel.box
    moved = np.flatnonzero((one != other).any(-1)[y0 + height // 2, x0:])
    assert abs(moved.min() + x0 - panel.position(5, 0)[0]) < 6
    x, y = panel.position(25, values[25])
    assert is_left(other)[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].all()


def test_higher_values_are_higher_and_all_lie_in_the_panel():
    values = np.linspace(-30, 120, 31)
    panel = strip(values)
    ys = [panel.position(frame, value)[1] for frame, value in enumerate(values)]
    assert (np.diff(ys) < 0).all()
    _, top, _, height = panel.box
    assert top <= min(ys) <= max(ys) <= top + height


def test_gaps_are_left_open_and_guessed_frames_are_faint():
    values = np.full(31, 50.0)
    values[10:20] = np.nan
    present = np.ones(31, bool)
    present[22:28] = False
    panel = strip(values, present=present)
    picture = drawn(panel, 0)
    strength = [
        (picture[:, round(panel.position(frame, 0)[0])] - np.array(DARK.floor)).sum(-1).max() for frame in (5, 15, 25)
    ]
    grid = sum(DARK.grid) - sum(DARK.floor)
    assert strength[0] > 2 * strength[2] > 2 * grid
    assert strength[1] <= grid + 5


def test_constant_and_unknown_values_have_an_axis():
    for values in (np.full(31, 7.0), np.full(31, np.nan), np.array([7.0])):
        drawn(strip(values), 0)


def test_a_long_clip_turns_pages_of_one_scale(monkeypatch):
    values = np.linspace(0, 100, 10 * 95)
    panel = strip(values)
    assert panel.position(0, 0)[0] == panel.position(round(PAGE * 10), 0)[0]
    assert panel.position(0, 50)[1] == panel.position(900, 50)[1]
    pages = []
    monkeypatch.setattr(panel, "_draw_page", lambda page: (pages.append(page), np.zeros((100, 400, 3), np.uint8))[1])
    for frame in range(0, 950, 10):
        drawn(panel, frame)
    assert pages == [0, 1, 2, 3]


def test_only_the_frames_shown_are_on_the_axis():
    values = np.arange(100.0)
    panel = strip(values, frames=range(40, 60))
    x0, y0, width, height = panel.box
    assert panel.position(40, 0)[0] == x0
    assert panel.position(59, 0)[0] == pytest.approx(x0 + width - 1)
    assert y0 <= panel.position(40, 59)[1] <= panel.position(40, 40)[1] <= y0 + height


def test_names_that_do_not_fit_are_left_out():
    many = [Curve(f"a rather long name {n}", "deg", np.arange(9.0)) for n in range(5)]
    panel = Strip(many, np.ones(9, bool), range(9), Fraction(10), SIZE, DARK, 14)
    picture = drawn(panel, 3)
    _, top, _, _ = panel.box
    assert (np.abs(picture[: top - 4, -6:] - np.array(DARK.background)).max(-1) == 0).all()


@pytest.mark.parametrize("height", [14, 30, 45, 55, 100])
def test_low_panels_keep_their_names(height):
    panel = strip(np.zeros(9), size=(400, height))
    assert panel.named
    picture = drawn(panel, 3, (400, height))
    words = np.abs(picture - DARK.text).max(-1) < 30
    assert words.any(0)[panel.box[0] :].sum() > 5
    assert words.any(1).sum() <= max(8, 0.5 * height)


def test_a_panel_that_is_too_low_has_no_names():
    panel = strip(np.zeros(9), size=(400, 12))
    assert not panel.named
    assert not (np.abs(drawn(panel, 3, (400, 12)) - DARK.text).max(-1) < 30).any()
