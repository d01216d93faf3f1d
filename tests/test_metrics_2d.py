"""Errors of 2D keypoints; OKS and AP against pycocotools."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from golden_files import golden_json

from videopose3d.errors import InputError
from videopose3d.metrics_2d import (
    average_precision,
    box_scale,
    head_scale,
    jitter,
    oks,
    oks_table,
    pck,
    pixel_error,
    sigmas,
    torso_scale,
)
from videopose3d.skeleton import COCO17, H36M17, HUMANEVA15, HUMANEVA20, MPII16


@pytest.fixture(scope="module")
def coco() -> Any:
    return golden_json("coco_oks_ap")


def test_average_precision_equals_pycocotools(coco: Any) -> None:
    found = average_precision(coco["ground_truth"], coco["detections"]).values()
    assert list(found.values()) == pytest.approx(list(coco["stats"].values()), abs=1e-6)


def test_oks_equals_pycocotools(coco: Any) -> None:
    checked = 0
    for image, expected in coco["oks_per_image_rows_dt_sorted_by_score_cols_gt"].items():
        real = [a for a in coco["ground_truth"]["annotations"] if a["image_id"] == int(image)]
        found = [d for d in coco["detections"] if d["image_id"] == int(image)]
        found.sort(key=lambda detection: -detection["score"])
        np.testing.assert_allclose(oks_table(found[:20], real), expected, atol=1e-6)
        checked += np.size(expected)
    assert checked > 40


@pytest.mark.parametrize(
    ("shift", "labelled", "area", "expected"),
    [(5.0, range(17), 20_000, 0.930364), (5.0, range(5, 17), 20_000, 0.975372)],
)
def test_oks_of_the_specification(shift: float, labelled: range, area: float, expected: float) -> None:
    joints = np.random.default_rng(0).uniform(0, 200, (17, 2))
    visible = np.isin(np.arange(17), labelled) * 2
    assert oks(joints + [shift, 0], joints, visible, area) == pytest.approx(expected, abs=1e-6)
    assert oks(joints, joints, visible, area) == 1
    assert oks(joints, joints, np.zeros(17), area) == 0


def test_detections_of_nobody_and_nobody_to_detect(coco: Any) -> None:
    empty = average_precision(coco["ground_truth"], [])
    assert (empty.ap, empty.ar) == (0, 0)
    truth = {**coco["ground_truth"], "annotations": []}
    assert average_precision(truth, coco["detections"]).ap == -1


def test_perfect_detections_are_perfect(coco: Any) -> None:
    people = [a for a in coco["ground_truth"]["annotations"] if a["num_keypoints"] > 0]
    detections = [{"image_id": a["image_id"], "keypoints": a["keypoints"], "score": 0.5} for a in people]
    found = average_precision({**coco["ground_truth"], "annotations": people}, detections)
    assert (found.ap, found.ar) == pytest.approx((1, 1))
    flipped = copy.deepcopy(detections)
    for detection in flipped:
        x, _, _ = points = np.reshape(detection["keypoints"], (-1, 3)).T
        points[0] = x + 500
        detection["keypoints"] = points.T.ravel().tolist()
    assert average_precision({**coco["ground_truth"], "annotations": people}, flipped).ap == 0


def test_crowds_take_any_number_of_detections_and_do_not_count(coco: Any) -> None:
    person = next(a for a in coco["ground_truth"]["annotations"] if a["num_keypoints"] > 0)
    crowd = {**person, "iscrowd": 1}
    other = {**person, "keypoints": (np.reshape(person["keypoints"], (-1, 3)) + [300, 0, 0]).ravel().tolist()}
    truth = {"images": [{"id": person["image_id"]}], "annotations": [crowd, other]}
    in_crowd = {"image_id": person["image_id"], "keypoints": person["keypoints"], "score": 0.9}
    right = {**in_crowd, "keypoints": other["keypoints"], "score": 0.1}
    assert average_precision(truth, [in_crowd, in_crowd, right]).ap == pytest.approx(1)
    assert average_precision({**truth, "annotations": [other]}, [in_crowd, in_crowd, right]).ap < 0.5


@pytest.mark.parametrize(
    ("truth", "detections"),
    [
        ({}, []),
        ({"images": [{"id": 1}], "annotations": []}, [{"image_id": 2, "keypoints": [0] * 51, "score": 1}]),
        ({"images": [{"id": 1}], "annotations": []}, [{"image_id": 1, "keypoints": [0] * 51}]),
    ],
)
def test_files_of_another_form_are_named(truth: Any, detections: Any) -> None:
    with pytest.raises(InputError, match="average precision"):
        average_precision(truth, detections)


def test_constants_by_name() -> None:
    assert sigmas().tolist() == pytest.approx(
        [0.026, *[0.025] * 2, *[0.035] * 2, *[0.079] * 2, *[0.072] * 2, *[0.062] * 2, *[0.107] * 2, *[0.087] * 2]
        + [0.089] * 2
    )
    assert sigmas(MPII16)[12] == 0.179
    assert sigmas(H36M17)[H36M17.index("spine")] == 0.107
    assert len(sigmas(HUMANEVA15)) == 15
    with pytest.raises(InputError, match="humaneva20.*'forearm'"):
        sigmas(HUMANEVA20)


def test_pck_is_the_mean_over_joints() -> None:
    target = np.zeros((4, 2, 2))
    predicted = target.copy()
    predicted[:, 0, 0] = [1, 9, 10, 11]  # exactly the limit is not near
    labelled = np.array([[1, 1], [1, 0], [2, 0], [1, 0]])
    scale = np.full(4, 100.0)
    assert pck(predicted, target, scale, 0.1) == pytest.approx((0.5 + 1) / 2)
    assert pck(predicted, target, scale, 0.1, labelled * [1, 0]) == pytest.approx(0.5)
    assert np.isnan(pck(predicted, target, scale, 0.1, labelled * 0))
    predicted[0] = np.nan
    assert pck(predicted, target, scale, 0.1) == pytest.approx((0.25 + 0.75) / 2)


def test_scales() -> None:
    boxes = np.array([[10.0, 20, 40, 60]])
    assert box_scale(boxes) == [40]
    assert head_scale(boxes) == pytest.approx([30])
    points = np.zeros((1, 17, 2))
    points[0, COCO17.index("left_shoulder")] = 3, 4
    assert torso_scale(points) == [5]


def test_pixels_and_jitter_leave_gaps_out() -> None:
    still = np.zeros((5, 2, 2))
    moved = still + [3, 4]
    moved[1, 0] = np.nan
    assert pixel_error(moved, still) == 5
    assert np.isnan(pixel_error(still * np.nan, still))
    straight = np.arange(5.0)[:, None, None] * np.ones((1, 3, 2))
    assert jitter(straight) == 0
    shaking = straight.copy()
    shaking[::2, :, 0] += 1
    assert jitter(shaking) == pytest.approx(2)
    assert np.isnan(jitter(straight[:2]))
