from __future__ import annotations

import numpy as np
import pytest

from videopose3d.detectors.motion import Motion, damped_boxes


def walking(frames: int = 60, speed: float = 4.0) -> np.ndarray:
    """(T, 4) a box of 80 x 200 px that moves to the right."""
    x = 100 + speed * np.arange(frames)
    return np.stack([x, np.full(frames, 50.0), x + 80, np.full(frames, 250.0)], 1)


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_who_walks_is_expected_farther_on(fps: float) -> None:
    boxes = walking(40, speed=100 / fps)
    motion = Motion(boxes[0])
    for box in boxes[1:30]:
        motion.advance(1 / fps)
        motion.correct(box)
    for _ in range(5):
        motion.advance(1 / fps)
    np.testing.assert_allclose(motion.box, boxes[34], atol=0.02 * 5 * 100 / fps + 1)
    np.testing.assert_allclose(motion.way, [5 * 100 / fps, 0], rtol=0.1, atol=0.5)


def test_who_stands_stays() -> None:
    motion = Motion(walking()[0])
    for _ in range(25):
        motion.advance(1 / 25)
    np.testing.assert_allclose(motion.box, walking()[0])


def test_boxes_shake_less() -> None:
    boxes = walking()
    shaken = boxes + np.random.default_rng(0).normal(0, 5, boxes.shape)
    shaken[20] += 150  # a single wild box
    before = np.abs(shaken - boxes)[np.arange(60) != 20].mean()
    assert np.abs(damped_boxes(shaken) - boxes).mean() < 0.65 * before
    assert np.abs(damped_boxes(shaken) - boxes)[20].max() < 20


def test_steady_boxes_are_left_as_they_are() -> None:
    np.testing.assert_allclose(damped_boxes(walking()), walking(), atol=1e-9)
    gaps = walking()
    gaps[[0, 7, 8, 30]] = np.nan
    np.testing.assert_allclose(damped_boxes(gaps), gaps, atol=1e-9)
    assert damped_boxes(gaps.astype(np.float32)).dtype == np.float32
    assert damped_boxes(np.full((3, 4), np.nan)).shape == (3, 4)
    assert damped_boxes(np.zeros((0, 4))).shape == (0, 4)
