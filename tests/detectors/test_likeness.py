from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from videopose3d.detectors.likeness import assign, box_overlap, joint_sigmas, keypoint_likeness
from videopose3d.skeleton import COCO17, MPII16


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000), st.booleans())
def test_assignments_cost_as_little_as_possible(rows: int, columns: int, seed: int, ties: bool) -> None:
    cost = np.random.default_rng(seed).normal(size=(rows, columns))
    cost = np.round(cost) if ties else np.where(cost > 0.5, 1000, cost)
    pairs = assign(cost)
    assert len(pairs) == len({r for r, _ in pairs}) == len({c for _, c in pairs}) == min(rows, columns)
    best = linear_sum_assignment(cost)
    assert sum(cost[pair] for pair in pairs) == pytest.approx(cost[best].sum())


def test_nobody_is_assigned_to_nobody() -> None:
    assert assign(np.zeros((0, 3))) == assign(np.zeros((3, 0))) == []


def test_overlap_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [1, 1, 1, 1]], float)
    expected = [[1, 1 / 7, 0, 0], [1 / 7, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(box_overlap(boxes, boxes), expected)


def test_keypoint_likeness_is_cocos() -> None:
    """17 joints moved by 5 px, area 20 000: 0.930364 (pycocotools); without the face 0.975372."""
    points = np.random.default_rng(0).uniform(0, 200, (1, 17, 2))
    moved = points + [3, 4]
    sigmas = joint_sigmas(COCO17)
    areas = np.full((1, 1), 20_000.0)
    assert keypoint_likeness(points, moved, areas, sigmas)[0, 0] == pytest.approx(0.930364, abs=1e-6)
    moved[:, :5] = np.nan
    assert keypoint_likeness(points, moved, areas, sigmas)[0, 0] == pytest.approx(0.975372, abs=1e-6)
    moved[:, :13] = np.nan
    assert np.isnan(keypoint_likeness(points, moved, areas, sigmas)[0, 0]), "four joints say too little"


def test_every_joint_has_a_sigma() -> None:
    sigmas = joint_sigmas(MPII16)
    assert sigmas[MPII16.index("left_wrist")] == 0.062
    assert (sigmas > 0).all()
