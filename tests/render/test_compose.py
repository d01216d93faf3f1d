from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from videopose3d.config import RenderConfig
from videopose3d.render.compose import Composer, clock, scenes_of
from videopose3d.render.layout import plan
from videopose3d.render.text import counter, stamp, stencil
from videopose3d.render.theme import DARK, LIGHT
from videopose3d.render.truth import Truth
from videopose3d.skeleton import H36M17
from videopose3d.types import Result


def test_without_poses_the_video_fills_the_picture(make_result):
    result = make_result()
    flat = Result(result.keypoints)
    layout = plan((320, 240), 240, scenes=0)
    assert layout.video == (0, 0, 320, 240)
    composer = Composer(flat, layout, RenderConfig())
    picture = composer.draw(0, np.full((240, 320, 3), 99, np.uint8), composer.canvas())
    assert (picture[2, 2] == 99).all()


def test_the_video_is_shown_unchanged_around_the_person(make_result):
    result = make_result(size=(720, 720))
    layout = plan((720, 720), 360)
    composer = Composer(result, layout, RenderConfig())
    x, y, width, height = layout.video
    video = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    picture = composer.draw(0, video, composer.canvas())
    np.testing.assert_array_equal(picture[y : y + height, x : x + 60], video[:, :60])


def test_both_panels_use_the_same_two_colours(make_result):
    layout = plan((320, 240), 480)
    composer = Composer(make_result(), layout, RenderConfig())
    picture = composer.draw(0, None, composer.canvas()).astype(int)
    for x, y, width, height in (layout.video, layout.scenes[0]):
        panel = picture[y : y + height, x : x + width]
        for side in ("left", "right"):
            assert (np.abs(panel - DARK.side(side)).max(-1) < 14).sum() > 20


def test_a_canvas_is_used_again_without_traces(make_result):
    result = make_result()
    result.keypoints.points[0, 1] = np.nan
    result.poses.poses[0, 1] = np.nan
    composer = Composer(result, plan((320, 240), 240), RenderConfig())
    fresh = composer.draw(1, None, composer.canvas())
    used = composer.canvas()
    composer.draw(0, None, used)
    np.testing.assert_array_equal(composer.draw(1, None, used), fresh)


@pytest.mark.parametrize("lifted", [True, False])
def test_an_empty_result_is_drawn_with_a_note(make_result, lifted):
    empty = make_result(people=0)
    result = empty if lifted else Result(empty.keypoints)
    layout = plan((320, 240), 360, scenes=int(lifted))
    composer = Composer(result, layout, RenderConfig())
    picture = composer.draw(0, None, composer.canvas())
    assert (picture != DARK.background).any()


def test_clock_counts_minutes():
    assert clock(Fraction(0)) == "0:00.00"
    assert clock(Fraction(59_999, 1000)) == "0:59.99"
    assert clock(Fraction(754)) == "12:34.00"


def test_counters_do_not_dance():
    widths = {counter(f"0:0{n}.1{n}", 24).shape for n in range(10)}
    assert len(widths) == 1


def test_stencils_share_a_baseline_and_are_cut_at_the_border():
    assert stencil("left", 20).shape[0] == stencil("g", 20).shape[0]
    picture = np.zeros((10, 10, 3), np.uint8)
    stamp(picture, np.full((4, 4), 255, np.uint8), (-2, 8), (10, 20, 30))
    assert (picture[8:, :2] == (10, 20, 30)).all()
    assert picture[:8].sum() == picture[:, 2:].sum() == 0
    stamp(picture, np.full((4, 4), 255, np.uint8), (50, 50), (10, 20, 30))


# --- several panels


def composer_for(result, config: RenderConfig, truth: Truth | None = None, size=(640, 480)) -> Composer:
    layout = plan(size, 480, config.layout, scenes=scenes_of(result, config, truth), strips=len(config.plot))
    return Composer(result, layout, config, truth)


def panel(picture: np.ndarray, box) -> np.ndarray:
    x, y, width, height = box
    return picture[y : y + height, x : x + width].astype(int)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("layout", ["side", "stack", "scene"])
def test_every_scene_shows_the_person_in_the_themes_colours(make_result, layout, theme):
    result = make_result()
    truth = Truth(result.poses, np.full(6, 12.0))
    name = "dark" if theme is DARK else "light"
    composer = composer_for(result, RenderConfig(layout=layout, theme=name, second_view="side"), truth)
    assert len(composer.layout.scenes) == 3
    picture = composer.draw(0, None, composer.canvas())
    assert tuple(picture[0, -1]) == theme.background
    for box in composer.layout.scenes:
        assert (np.abs(panel(picture, box) - theme.left).max(-1) < 14).sum() > 10
    if composer.layout.video:
        assert (np.abs(panel(picture, composer.layout.video) - theme.right).max(-1) < 14).sum() > 10


def test_the_overlay_alone_has_no_scene_whatever_is_asked_for(make_result):
    result = make_result()
    config = RenderConfig(layout="overlay", second_view="top", plot=("left_knee",))
    composer = composer_for(result, config, Truth(result.poses, np.zeros(6)))
    assert composer.layout.scenes == ()
    assert len(composer.layout.strips) == 1
    composer.draw(0, None, composer.canvas())


def test_truth_and_result_are_drawn_to_one_scale(make_result):
    result, true = make_result(frames=20), make_result(frames=20)
    result.poses.trajectory[0, :, 0] = np.linspace(0, 1.4, 20)  # a larger room
    composer = composer_for(result, RenderConfig(), Truth(true.poses, np.zeros(20)))
    scenes = [p.scene for p in composer._panels]
    assert len(scenes) == 2
    tall = []
    for scene in scenes:
        points = scene.stage.points[0, 10]
        head, foot = (scene.pixel(points[H36M17.index(joint)])[1] for joint in ("head", "left_ankle"))
        tall.append((foot - head) / scene.size[1])
    assert tall[0] == pytest.approx(tall[1], rel=0.05)


def test_the_error_is_written_under_the_truth(make_result):
    result = make_result()
    errors = np.array([12.0, 345.0, np.nan, 5, 5, 5])
    composer = composer_for(result, RenderConfig(), Truth(result.poses, errors))
    pictures = [panel(composer.draw(frame, None, composer.canvas()), composer.layout.scenes[-1]) for frame in (0, 1, 2)]
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[1] != pictures[2]).any()
    rows = np.flatnonzero((pictures[0] != pictures[1]).any((1, 2)))
    assert rows.min() > 0.8 * len(pictures[0])


def test_plots_show_every_name_of_the_configuration(make_result):
    result = make_result(frames=12)
    result.poses.poses[0, :, H36M17.index("left_ankle"), 2] = np.linspace(0, 0.4, 12)
    composer = composer_for(result, RenderConfig(plot=("left_knee,right_knee", "trajectory:z")))
    assert [len(strip._curves) for strip, _ in composer._strips] == [2, 1]
    one, other = (composer.draw(frame, None, composer.canvas()) for frame in (2, 9))
    for _, box in composer._strips:
        assert (panel(one, box) != panel(other, box)).any()


@pytest.mark.parametrize("frames", [6, 12345])
@pytest.mark.parametrize("layout", ["side", "stack", "scene", "overlay"])
@pytest.mark.parametrize("size", [(1280, 720), (720, 720), (360, 640)])
def test_words_lie_in_their_panels_and_apart(make_result, monkeypatch, size, layout, frames):
    result = make_result(frames=6)
    if frames > 6:  # a long clip has long counters
        monkeypatch.setattr(type(result.keypoints), "frames", frames)
    config = RenderConfig(layout=layout, second_view="side", plot=("left_knee",))
    truth = Truth(result.poses, np.full(6, 1234.0))
    layout_ = plan(size, 720, layout, scenes=scenes_of(result, config, truth), strips=1)
    composer = Composer(result, layout_, config, truth, range(6))
    stamped = []

    def note(area, mask, corner, colour, opacity=1.0):
        x, y = corner
        assert x >= 0
        assert y >= 0
        assert x + mask.shape[1] <= area.shape[1]
        assert y + mask.shape[0] <= area.shape[0]
        place = (np.byte_bounds(area)[0], area.shape)
        stamped.append((place, x, y, *mask.shape[::-1]))

    monkeypatch.setattr("videopose3d.render.compose.stamp", note)
    composer.draw(5, None, composer.canvas())
    assert len(stamped) >= 5
    for one, other in combinations(stamped, 2):
        if one[0] == other[0]:
            apart = one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
            apart |= one[2] + one[4] <= other[2] or other[2] + other[4] <= one[2]
            assert apart


def test_plots_too_low_for_names_are_remarked_on(make_result, caplog):
    for plots, said in ((5, 0), (12, 1)):
        caplog.clear()
        config = RenderConfig(plot=("right_knee",) * plots)
        Composer(make_result(), plan((320, 240), 240, strips=plots), config)
        assert len(caplog.messages) == said
    assert "raise --picture-height" in caplog.text
