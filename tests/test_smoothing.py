from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videopose3d.lifter.trajectory import SMOOTHING
from videopose3d.smoothing import one_euro, savitzky_golay, stretches

FPS = Fraction(30)


def parabola(frames):
    t = np.arange(frames)
    return np.stack([0.04 * t - 0.6, 0 * t + 0.2, 4 + 0.001 * t**2], -1)


@pytest.mark.parametrize("frames", [5, 6, 7, 13, 14, 100])
def test_a_parabola_is_left_as_it_is(frames):
    np.testing.assert_allclose(savitzky_golay(parabola(frames), Fraction(25), SMOOTHING), parabola(frames), atol=1e-9)


def test_a_spike_is_spread_over_half_a_second():
    path = np.zeros((51, 3))
    path[25] = 1
    smoothed = savitzky_golay(path, Fraction(25), SMOOTHING)
    touched = np.flatnonzero(np.abs(smoothed[:, 0]) > 1e-9)
    assert touched[-1] - touched[0] + 1 == pytest.approx(SMOOTHING * 25, abs=1)
    assert 0.1 < smoothed[25, 0] < 0.3
    assert smoothed.sum(0) == pytest.approx(np.ones(3))


def test_unknown_frames_stay_unknown_and_touch_nobody():
    path = parabola(40)
    path[[0, 1, 17, 18, 39]] = np.nan
    smoothed = savitzky_golay(path, Fraction(25), SMOOTHING)
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(path))
    known = np.isfinite(path)
    np.testing.assert_allclose(smoothed[known], path[known], atol=0.05)
    np.testing.assert_array_equal(path, np.where(known, parabola(40), np.nan))


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4])
def test_short_paths_are_left_as_they_are(frames):
    path = np.random.default_rng(0).normal(size=(frames, 3))
    np.testing.assert_array_equal(savitzky_golay(path, Fraction(25), SMOOTHING), path)


def test_one_known_frame_is_left_as_it_is():
    path = np.full((20, 3), np.nan)
    path[7] = 1
    np.testing.assert_array_equal(savitzky_golay(path, Fraction(25), SMOOTHING), path)


def test_smoothing_weights_are_those_of_savitzky_and_golay():
    """Their table for a parabola over five points: -3, 12, 17, 12, -3, over 35 (Anal. Chem. 36, 1964)."""
    impulse = np.zeros((11, 1))
    impulse[5] = 35
    smoothed = savitzky_golay(impulse, Fraction(20), 0.2)
    np.testing.assert_allclose(smoothed[3:8, 0], [-3, 12, 17, 12, -3], atol=1e-9)


def test_one_euro_calms_what_stands_still():
    still = np.random.default_rng(0).normal(0, 0.01, (300, 4, 3))
    calm = one_euro(still, FPS, 1, 8)
    assert np.abs(np.diff(calm[30:], axis=0)).mean() < 0.35 * np.abs(np.diff(still[30:], axis=0)).mean()
    assert np.abs(calm[30:]).mean() < 0.6 * np.abs(still[30:]).mean()


def test_one_euro_looks_at_the_past_only():
    path = np.random.default_rng(1).normal(size=(60, 3)).cumsum(0)
    later = path.copy()
    later[40:] += 5
    np.testing.assert_array_equal(one_euro(path, FPS, 1, 8)[:40], one_euro(later, FPS, 1, 8)[:40])
    np.testing.assert_array_equal(one_euro(path, FPS, 1, 8)[0], path[0])


def test_one_euro_follows_the_fast_more_closely():
    run = np.arange(200)[:, None] / 30 * [2.0, 0, 0]  # m, at 2 m/s
    behind = [float((run - one_euro(run, FPS, 1, beta))[-1, 0]) for beta in (0, 2, 8)]
    assert behind[0] == pytest.approx(2 / (2 * np.pi * 1), rel=0.02)  # a low pass lags by its time constant
    assert behind[1] == pytest.approx(2 / (2 * np.pi * 5), rel=0.05)
    assert behind[2] < 0.5 * behind[1]


def test_one_euro_does_not_care_about_axes_or_frame_rate():
    rng = np.random.default_rng(2)
    path = rng.normal(0, 0.02, (100, 2, 3)).cumsum(0)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    np.testing.assert_allclose(one_euro(path @ turn, FPS, 1, 4), one_euro(path, FPS, 1, 4) @ turn, atol=1e-12)
    step = np.repeat([[0.0, 0, 0], [1, 0, 0]], [100, 1000], axis=0)
    slow = one_euro(step[50:200], FPS, 1, 0)[50 + 5, 0]
    assert one_euro(step[:400], FPS * 2, 1, 0)[100 + 10, 0] == pytest.approx(slow, abs=0.05)


def test_one_euro_keeps_gaps():
    path = parabola(40)
    path[[0, 1, 17, 18, 39]] = np.nan
    smoothed = one_euro(path, FPS, 1, 8)
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(path))
    lonely = np.full((5, 3), np.nan)
    lonely[2] = 1
    np.testing.assert_array_equal(one_euro(lonely, FPS, 1, 8), lonely)


def test_runs_of_true():
    assert stretches(np.array([], bool)) == []
    assert stretches(np.array([False, False])) == []
    assert stretches(np.array([True])) == [(0, 1)]
    assert stretches(np.array([True, True, False, True, False, False, True])) == [(0, 2), (3, 4), (6, 7)]
