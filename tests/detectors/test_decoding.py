"""Maps to joints: the classic decoders as the original programs have them, and soft-argmax that is finer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden_files import golden
from golden_pictures import blobs, cpm_maps, cpn_maps

from videopose3d.detectors.crops import from_cells, region
from videopose3d.detectors.decoding import (
    DECODERS,
    blurred_quarter,
    confidence,
    cpn_scores,
    flip_back,
    hard_argmax,
    merge_flip,
    quarter_step,
    soft_argmax,
    windowed_soft_argmax,
)
from videopose3d.skeleton import COCO17

SIZES = [(256, 192), (384, 288)]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_cpn_decodes_as_the_original(size: tuple[int, int], flip: bool) -> None:
    expected, case = golden("cpn_decode"), f"{size[0]}x{size[1]}"
    height, width = size[0] // 4, size[1] // 4
    maps = cpn_maps(expected[f"{case}/decode_map_params"], height, width)
    np.testing.assert_allclose(maps[0, 0], expected[f"{case}/decode_map_check"], atol=1e-4)
    if flip:
        mirrored = cpn_maps(expected[f"{case}/flip_map_params"], height, width)
        maps = merge_flip(maps, mirrored, COCO17.mirror)
        np.testing.assert_allclose(maps[0, ::4], expected[f"{case}/flip_merged_person0"], atol=1e-4)
    cells, prefix = blurred_quarter(maps), f"{case}/flip_decode" if flip else f"{case}/decode"
    corners = golden("cpn_crop")[f"{case}/crop_rect_test"][:, None]
    np.testing.assert_allclose(
        from_cells(cells.numpy(), corners, (height, width), 0.5), expected[f"{prefix}_xy"], atol=1e-3
    )
    scores = cpn_scores(maps, cells).numpy()
    np.testing.assert_allclose(scores, expected[f"{prefix}_joint_scores"], atol=1e-3)
    people = expected[f"{case}/decode_box_scores"] * scores.mean(1)
    np.testing.assert_allclose(people, expected[f"{prefix}_instance_scores"], atol=1e-3)


@pytest.mark.parametrize(
    ("centre", "sigma", "expected", "score"),
    [
        ((30.3, 40.0), 1.7, (30.25, 40.0), 1.48455),
        ((30.3, 40.4), 1.7, (30.0, 40.25), 1.45767),
        ((0.2, 0.0), 1.7, (1.25, 1.0), 1.25296),
        ((70.9, 95.0), 1.7, (69.75, 94.0), 1.23114),
        ((30.3, 40.4), 3.0, (30.0, 40.25), 1.48621),
    ],
)
def test_cpn_decodes_of_the_specification(centre, sigma, expected, score) -> None:
    maps = torch.from_numpy(blobs(np.array([[centre]]), 96, 72, sigma))
    cells = blurred_quarter(maps)
    assert cells[0, 0].tolist() == pytest.approx(expected, abs=1e-3)
    assert float(cpn_scores(maps, cells)) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_mmpose_decodes_as_the_original(size: tuple[int, int]) -> None:
    expected, case = golden("cpm_io"), f"{size[0]}x{size[1]}"
    height, width = size[0] // 8, size[1] // 8
    maps = cpm_maps(expected[f"{case}/decode_map_params"], height, width)
    np.testing.assert_allclose(maps[1, 0], expected[f"{case}/decode_map_check"], atol=1e-6)
    cells = quarter_step(maps).numpy()
    np.testing.assert_allclose(8 * cells, expected[f"{case}/decode_in_crop_xy"], atol=1e-3)
    np.testing.assert_allclose(maps.amax((2, 3)), expected[f"{case}/decode_scores"], atol=1e-6)
    corners = np.stack([region(box, size) for box in expected[f"{case}/boxes_xyxy"]])[:, None]
    found = from_cells(cells[:5], corners, (height, width), 0)
    np.testing.assert_allclose(found, expected[f"{case}/decode_in_image_xy_first5"], atol=1e-3)
    back = flip_back(maps[1:4], COCO17.mirror, shift=1)
    np.testing.assert_allclose(back[:, ::6], expected[f"{case}/flip_back_shifted_of_maps_1_to_3"], atol=1e-6)
    merged = quarter_step(merge_flip(maps[1:4], maps[1:4], COCO17.mirror, shift=1))
    np.testing.assert_allclose(8 * merged, expected[f"{case}/flip_average_decode_xy"], atol=1e-3)


def test_soft_argmax_equals_the_definition() -> None:
    expected = golden("softargmax")
    logits, maps = (torch.from_numpy(expected[name])[None] for name in ("logits", "maps255"))
    for beta in (0.5, 1.0, 3.0):
        np.testing.assert_allclose(soft_argmax(logits, beta)[0], expected[f"global_beta{beta}"], atol=1e-4)
    np.testing.assert_array_equal(hard_argmax(logits)[0], expected["hard_argmax"])
    for radius, beta in ((4, 10), (3, 20)):
        found = windowed_soft_argmax(maps, radius, beta)[0]
        np.testing.assert_allclose(found, expected[f"window_r{radius}_beta{beta}"], atol=1e-4)
    in_box = from_cells(soft_argmax(logits)[0].numpy(), expected["box_xyxy"], (56, 56), 0.5)
    np.testing.assert_allclose(in_box, expected["global_beta1.0_in_box"], atol=1e-3)


@pytest.mark.parametrize("name", ["window", "softmax", "argmax"])
@pytest.mark.parametrize("cell", [(0, 0), (71, 95), (30, 40), (0, 95), (71, 0)])
def test_one_hot_maps_give_their_cell(name: str, cell: tuple[int, int]) -> None:
    maps = torch.zeros(1, 1, 96, 72)
    maps[0, 0, cell[1], cell[0]] = 60
    shift = DECODERS[name](maps)[0, 0] - torch.tensor(cell)
    border = name == "window" and cell != (30, 40)  # a cropped window is not even; its empty cells weigh exp(-10) each
    assert shift.abs().max() <= (3e-3 if border else 1e-5)


def rms(found: torch.Tensor, centres: np.ndarray) -> float:
    """Root of the mean squared distance [cells]."""
    return float(np.sqrt(((found.numpy() - centres) ** 2).sum(-1).mean()))


@pytest.mark.parametrize("number", [torch.float32, torch.float16])
def test_the_window_is_finer_than_the_maximum_under_noise(number: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform((2, 2), (69, 93), (1, 600, 2))
    noisy = torch.from_numpy(blobs(centres, 96, 72) + rng.normal(0, 5, (1, 600, 96, 72)).astype(np.float32))
    maps = noisy.to(number)
    assert rms(windowed_soft_argmax(maps), centres) <= 0.1
    assert rms(hard_argmax(maps), centres) >= 0.35


@pytest.mark.parametrize("height", [255.0, 1.0, 0.3])
def test_the_window_does_not_depend_on_the_height(height: float) -> None:
    centres = np.array([[[30.3, 40.4], [5.75, 10.1]]])
    maps = torch.from_numpy(blobs(centres, 96, 72, peak=height))
    assert rms(windowed_soft_argmax(maps), centres) < 0.03


def test_decoding_moves_with_the_map() -> None:
    a = torch.from_numpy(blobs(np.array([[[30.3, 40.4]]]), 96, 72))
    b = torch.from_numpy(blobs(np.array([[[35.3, 37.4]]]), 96, 72))
    for name in ("window", "cpn", "mmpose", "hourglass", "argmax"):
        shift = (DECODERS[name](b) - DECODERS[name](a))[0, 0]
        assert shift.tolist() == pytest.approx([5, -3], abs=1e-3), name


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", DECODERS)
def test_large_numbers_do_not_overflow(name: str, number: torch.dtype) -> None:
    maps = torch.full((1, 2, 24, 18), -60000.0, dtype=number)
    maps[0, :, 12, 9] = 60000.0
    assert torch.isfinite(DECODERS[name](maps)).all()


@pytest.mark.parametrize("name", DECODERS)
def test_maps_without_a_peak_give_numbers(name: str) -> None:
    maps = torch.stack([torch.zeros(24, 18), torch.full((24, 18), -3.0), torch.randn(24, 18) - 50])[None]
    assert torch.isfinite(DECODERS[name](maps)).all()


def test_flipping_twice_is_nothing() -> None:
    maps = torch.randn(2, 17, 12, 9)
    assert torch.equal(flip_back(flip_back(maps, COCO17.mirror), COCO17.mirror), maps)
    assert torch.allclose(merge_flip(maps, flip_back(maps, COCO17.mirror), COCO17.mirror), maps)


def test_confidence_is_a_share() -> None:
    maps = torch.tensor([-10.0, 51.0, 300.0])[None, :, None, None].expand(1, 3, 4, 4)
    assert confidence(maps, 255)[0].tolist() == pytest.approx([0, 0.2, 1])
