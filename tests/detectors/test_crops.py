"""Boxes to pictures of one size, as the original programs make them, and back."""

from __future__ import annotations

import numpy as np
import pytest
from golden_files import golden
from golden_pictures import picture
from hypothesis import given
from hypothesis import strategies as st

from videopose3d.detectors.crops import (
    MEAN_COLOUR,
    cut,
    from_cells,
    rectangle,
    region,
    to_image,
    warp,
    warp_matrix,
)

SIZES = [(256, 192), (384, 288)]
RECTANGLES = [  # image (h, w), box, rectangle; the same at both sizes
    ((1002, 1000), (400, 200, 600, 800), (207, 110, 792, 890)),
    ((480, 640), (10, 20, 110, 420), (-135, -40, 255, 480)),
    ((480, 640), (300, 100, 620, 300), (268, -56, 652, 456)),
    ((1080, 1920), (900.5, 300.25, 1100.75, 1000.5), (659, 195, 1341, 1105)),
    ((480, 640), (0, 0, 640, 480), (-64, -272, 704, 752)),
    ((240, 320), (-5, -5, 40, 300), (-132, -51, 166, 345)),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("image", "box", "expected"), RECTANGLES)
def test_rectangles_of_the_specification(image, box, expected, size) -> None:
    assert tuple(rectangle(np.array(box), image, size)) == expected


@pytest.mark.parametrize("size", SIZES)
def test_cpn_rectangles_are_exact(size: tuple[int, int]) -> None:
    expected, case = golden("cpn_crop"), f"{size[0]}x{size[1]}"
    for mode, extra in (("test", 1.0), ("train", 1.25)):
        found = [
            rectangle(box, tuple(hw), size, extra)
            for box, hw in zip(expected["boxes_xyxy"], expected["image_hw"], strict=True)
        ]
        np.testing.assert_array_equal(found, expected[f"{case}/crop_rect_{mode}"])


@pytest.mark.parametrize("size", SIZES)
def test_cpn_crops_are_byte_identical(size: tuple[int, int]) -> None:
    expected, case, step = golden("cpn_crop"), f"{size[0]}x{size[1]}", size[0] // 16
    pictures = {hw: picture(*hw) for hw in {tuple(hw) for hw in expected["image_hw"]}}
    mean = np.array(MEAN_COLOUR, np.float32) / 255
    for i, hw in enumerate(expected["image_hw"]):
        crop = cut(pictures[tuple(hw)], expected[f"{case}/crop_rect_test"][i], size)
        np.testing.assert_array_equal(crop[::step, ::step], expected[f"{case}/crop{i}_step"])
        values = crop / np.float32(255) - mean
        np.testing.assert_allclose(values.mean((0, 1)), expected[f"{case}/tensor_mean"][i], atol=1e-3)
        assert (values.astype(float) ** 2).sum() == pytest.approx(expected[f"{case}/tensor_sumsq"][i], rel=1e-6)
        if (row := expected.get(f"{case}/tensor{i}_row100")) is not None:
            np.testing.assert_allclose(values[100].T, row, atol=1e-6)


def test_the_mean_colour_fills_what_is_outside() -> None:
    white = np.full((60, 80, 3), 255, np.uint8)
    crop = cut(white, np.array([-100, 0, 100, 60]), (60, 200))
    assert np.unique(crop[:, :99].reshape(-1, 3), axis=0).tolist() == [[123, 116, 103]]
    assert (crop[:, 101:179] == 255).all()
    assert np.unique(cut(white, np.array([200, 200, 240, 230]), (30, 40)).reshape(-1, 3), axis=0).tolist() == [
        [123, 116, 103]
    ]


@pytest.mark.parametrize("size", SIZES)
def test_joints_move_with_the_crop(size: tuple[int, int]) -> None:
    expected, case = golden("cpn_crop"), f"{size[0]}x{size[1]}"
    corners = expected[f"{case}/crop_rect_train"][:, None].astype(float)
    joints, inside = expected[f"{case}/train_joints_in"], expected[f"{case}/train_joints_in_crop"]
    back = from_cells(inside[..., :2], corners, size, 0)
    seen = joints[..., 2] > 0
    np.testing.assert_allclose(back[seen], joints[..., :2][seen], atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_mmpose_regions_and_warps(size: tuple[int, int]) -> None:
    expected, case = golden("cpm_io"), f"{size[0]}x{size[1]}"
    image = picture(480, 640)
    for i, box in enumerate(expected[f"{case}/boxes_xyxy"]):
        corners = region(box, size)
        np.testing.assert_allclose((corners[:2] + corners[2:]) / 2, expected[f"{case}/box_centre"][i])
        np.testing.assert_allclose(corners[2:] - corners[:2], expected[f"{case}/box_scale_padded_aspect"][i], rtol=1e-6)
        np.testing.assert_allclose(warp_matrix(corners, size), expected[f"{case}/warp_matrix"][i], atol=1e-9)
        crop = warp(image, corners, size)
        difference = crop[::16, ::16].astype(int) - expected[f"{case}/crop{i}_step"]
        assert np.abs(difference).max() <= 1


def test_a_warp_outside_the_image_is_black() -> None:
    image = np.full((20, 30, 3), 200, np.uint8)
    assert warp(image, np.array([100.0, 100, 130, 140]), (40, 30)).max() == 0
    assert warp(image, np.array([-30.0, -40, 0, 0]), (40, 30)).max() == 0
    inside = warp(image, np.array([5.0, 5, 20, 15]), (40, 60))
    assert (inside == 200).all()


boxes = st.tuples(st.floats(-300, 700), st.floats(-300, 700), st.floats(0.1, 900), st.floats(0.1, 900)).map(
    lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]])
)


@given(boxes)
def test_any_box_gives_a_picture(box: np.ndarray) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    corners = rectangle(box, (48, 64), (96, 72))
    assert (corners[2:] > corners[:2]).all()
    assert cut(image, corners, (96, 72)).shape == (96, 72, 3)
    assert warp(image, region(box, (96, 72)), (96, 72)).shape == (96, 72, 3)


@given(boxes, st.floats(0, 1), st.floats(0, 1))
def test_image_to_crop_and_back(box: np.ndarray, x: float, y: float) -> None:
    corners = region(box, (256, 192))
    point = corners[:2] + np.array([x, y]) * (corners[2:] - corners[:2])
    matrix = warp_matrix(corners, (256, 192))
    cells = (matrix[:, :2] @ point + matrix[:, 2]) / 4
    np.testing.assert_allclose(from_cells(cells, corners, (64, 48), 0), point, atol=1e-6)


def test_our_pixels_are_intervals() -> None:
    """A pixel that the tools call i is [i, i + 1) here; its middle is i + 0.5."""
    corners = np.array([10.0, 20, 10 + 48, 20 + 64])
    assert to_image(np.array([[3.0, 5]]), corners, (64, 48), 0).tolist() == [[13.5, 25.5]]
    assert from_cells(np.array([[3.0, 5]]), corners, (64, 48), 0.5).tolist() == [[13.5, 25.5]]
