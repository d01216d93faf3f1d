from __future__ import annotations

from itertools import combinations

import pytest

from videopose3d.errors import VideoPose3DError
from videopose3d.render.layout import Layout, plan

SHAPES = [(1920, 1080), (1280, 720), (640, 480), (720, 720), (1080, 1920), (300, 360), (2560, 1080), (48, 48)]


def boxes(layout: Layout) -> list[tuple[int, int, int, int]]:
    return [*([layout.video] if layout.video else []), *layout.scenes, *layout.strips]


def apart(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return any(a + size <= b or b + more <= a for a, b, size, more in zip(one, other, one[2:], other[2:], strict=False))


@pytest.mark.parametrize("strips", [0, 1, 4])
@pytest.mark.parametrize("scenes", [0, 1, 2, 3])
@pytest.mark.parametrize("layout", ["auto", "side", "stack", "scene", "overlay"])
@pytest.mark.parametrize("size", SHAPES)
def test_panels_lie_in_the_picture_and_apart_and_keep_the_videos_shape(size, layout, scenes, strips):
    found = plan(size, 720, layout, scenes=scenes, strips=strips)
    assert found.size[1] <= 720
    assert found.size[0] % 2 == found.size[1] % 2 == 0
    assert len(found.scenes) == (0 if layout == "overlay" else scenes)
    assert len(found.strips) == strips
    if found.scenes:
        assert found.size[0] <= 1280
    for x, y, width, height in boxes(found):
        assert min(x, y) >= 0
        assert x + width <= found.size[0]
        assert y + height <= found.size[1]
    assert all(apart(one, other) for one, other in combinations(boxes(found), 2))
    assert (found.video is None) == (layout == "scene" and scenes > 0)
    if found.video:
        _, _, width, height = found.video
        assert width / height == pytest.approx(size[0] / size[1], rel=0.03)


@pytest.mark.parametrize("size", SHAPES)
def test_auto_gives_both_panels_room_in_a_window_480_px_wide(size):
    found = plan(size, 720)
    zoom = 480 / found.size[0]
    assert found.scenes[0][2] * zoom >= 170
    assert min(found.video[2:]) * zoom >= 150


@pytest.mark.parametrize("scenes", [2, 3])
@pytest.mark.parametrize("layout", ["side", "stack", "scene"])
@pytest.mark.parametrize("size", SHAPES)
def test_several_scenes_are_not_slivers(size, layout, scenes):
    found = plan(size, 720, layout, scenes=scenes)
    assert all(width >= 200 and height >= 180 for _, _, width, height in found.scenes)


def test_only_very_wide_videos_are_stacked():
    assert plan((1920, 1080), 720).scenes[0][1] == 0
    assert plan((2560, 1080), 720).scenes[0][1] > 0


def test_stacked_is_for_narrow_screens():
    assert plan((1080, 1920), 720, "stack").size == (432, 720)
    video, scene = (getattr(plan((1280, 720), 720, "stack"), name) for name in ("video", "scenes"))
    assert video == (0, 0, 640, 360)
    assert scene == ((0, 360, 640, 360),)


def test_plots_are_below_everything_and_as_wide():
    found = plan((1280, 720), 720, strips=2)
    below = max(y + height for _, y, _, height in (found.video, *found.scenes))
    assert [box[0] for box in found.strips] == [0, 0]
    assert {box[2] for box in found.strips} == {found.size[0]}
    assert min(box[1] for box in found.strips) >= below
    assert all(100 <= box[3] <= 130 for box in found.strips)


def test_unknown_layout_is_refused():
    with pytest.raises(VideoPose3DError, match="Choose auto, side, stack, scene or overlay"):
        plan((100, 100), 100, "diagonal")
