from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videopose3d.config import RenderConfig
from videopose3d.errors import VideoPose3DError
from videopose3d.render.compose import Composer, clock, plan
from videopose3d.render.text import counter, stamp, stencil
from videopose3d.render.theme import BACKGROUND, SIDE
from videopose3d.types import Result

SHAPES = [(1920, 1080), (1280, 720), (640, 480), (720, 720), (1080, 1920), (300, 360), (2560, 1080), (48, 48)]


@pytest.mark.parametrize("layout", ["auto", "side", "stack"])
@pytest.mark.parametrize("size", SHAPES)
def test_panels_lie_in_the_picture_and_apart_and_keep_the_videos_shape(size, layout):
    found = plan(size, 720, layout)
    assert found.size[1] <= 720
    assert found.size[0] % 2 == 0
    assert found.size[0] <= 1280
    for x, y, width, height in (found.video, found.scene):
        assert min(x, y) >= 0
        assert x + width <= found.size[0]
        assert y + height <= found.size[1]
    apart_x = found.video[0] + found.video[2] <= found.scene[0]
    apart_y = found.video[1] + found.video[3] <= found.scene[1]
    assert apart_x or apart_y
    _, _, width, height = found.video
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)


@pytest.mark.parametrize("size", SHAPES)
def test_auto_gives_both_panels_room_in_a_window_480_px_wide(size):
    found = plan(size, 720)
    zoom = 480 / found.size[0]
    assert found.scene[2] * zoom >= 170
    assert min(found.video[2:]) * zoom >= 150


def test_only_very_wide_videos_are_stacked():
    assert plan((1920, 1080), 720).scene[1] == 0
    assert plan((2560, 1080), 720).scene[1] > 0


def test_unknown_layout_is_refused():
    with pytest.raises(VideoPose3DError, match="Choose auto, side or stack"):
        plan((100, 100), 100, "diagonal")


def test_without_poses_the_video_fills_the_picture(make_result):
    result = make_result()
    flat = Result(result.keypoints)
    layout = plan((320, 240), 240, scene=False)
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
    for x, y, width, height in (layout.video, layout.scene):
        panel = picture[y : y + height, x : x + width]
        for side in ("left", "right"):
            assert (np.abs(panel - SIDE[side]).max(-1) < 14).sum() > 20


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
    layout = plan((320, 240), 360, scene=lifted)
    composer = Composer(result, layout, RenderConfig())
    picture = composer.draw(0, None, composer.canvas())
    assert (picture != BACKGROUND).any()


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
