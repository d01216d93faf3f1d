from __future__ import annotations

import numpy as np
import pytest
from golden_files import golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from videopose3d.metrics import (
    acceleration_error,
    align,
    mpjpe,
    mpjve,
    n_mpjpe,
    p_mpjpe,
    p_mpjpe_per_frame,
    weighted_mpjpe,
)

patient = settings(deadline=None, max_examples=50)
seeds = st.integers(0, 2**32 - 1)
METRICS = {"mpjpe": mpjpe, "p_mpjpe": p_mpjpe, "n_mpjpe": n_mpjpe, "velocity": mpjve}


def poses(seed, frames=3):
    return np.random.default_rng(seed).normal(0, 0.4, (2, frames, 17, 3))


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("case", ["a", "b", "c"])
@pytest.mark.parametrize("name", METRICS)
def test_metrics_are_the_published_ones(case, name, precision, tolerance):
    arrays = golden("metrics")
    predicted, target = (arrays[f"{case}/{which}"].astype(precision) for which in ("pred", "target"))
    if (case, name) == ("c", "velocity"):
        assert np.isnan(mpjve(predicted, target))  # a single frame has none
        return
    assert METRICS[name](predicted, target) / 1000 == pytest.approx(
        float(arrays[f"{case}_{precision}/{name}"]), rel=tolerance
    )


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_the_weighted_error_is_the_published_one(case, precision, tolerance):
    arrays = golden("metrics")
    predicted, target, weight = (arrays[f"{case}/{which}"].astype(precision) for which in ("pred", "target", "weight"))
    assert weighted_mpjpe(predicted, target, weight) / 1000 == pytest.approx(
        float(arrays[f"{case}_{precision}/weighted_mpjpe"]), rel=tolerance
    )


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_every_frame_is_aligned_alone(case, precision, tolerance):
    arrays = golden("metrics")
    predicted, target = (arrays[f"{case}/{which}"].astype(precision) for which in ("pred", "target"))
    expected = arrays[f"{case}_{precision}/p_mpjpe_per_frame"]
    np.testing.assert_allclose(p_mpjpe_per_frame(predicted, target) / 1000, expected, rtol=tolerance)
    alone = [p_mpjpe(p[None], t[None]) / 1000 for p, t in zip(predicted, target, strict=True)]
    np.testing.assert_allclose(alone, expected, rtol=tolerance)


def test_acceleration_by_hand():
    target = np.zeros((4, 2, 3))
    predicted = target.copy()
    predicted[:, 0, 2] = [0, 0.001, 0.004, 0.009]  # one of two joints gains 2 mm per frame in every frame
    assert acceleration_error(predicted, target) == pytest.approx(1)
    assert mpjve(predicted, target) == pytest.approx((1 + 3 + 5) / 3 / 2)
    steady = np.arange(4.0)[:, None, None] * np.ones((1, 2, 3))
    assert acceleration_error(steady, target) == pytest.approx(0)
    assert np.isnan(acceleration_error(predicted[:2], target[:2]))


def test_metrics_by_hand():
    target = np.zeros((3, 2, 3))
    target[:, 1, 0] = 1
    predicted = target.copy()
    predicted[1, 1] += [0.3, 0.4, 0]  # half a metre, one joint of two, one frame of three
    assert mpjpe(predicted, target) == pytest.approx(500 / 6)
    assert mpjve(predicted, target) == pytest.approx(250)  # off and back, half the joints
    assert n_mpjpe(target * 3, target) == pytest.approx(0)
    assert n_mpjpe(target + 1, target) > 100  # a shift is not taken out


@patient
@given(seeds, st.floats(0.1, 10))
def test_p_mpjpe_does_not_see_a_similarity(seed, scale):
    predicted, target = poses(seed)
    turns = Rotation.random(3, random_state=seed).as_matrix()
    shift = np.random.default_rng(seed).uniform(-5, 5, (3, 1, 3))
    moved = scale * predicted @ turns + shift
    assert p_mpjpe(moved, target) == pytest.approx(p_mpjpe(predicted, target), rel=1e-9)
    assert p_mpjpe(scale * target @ turns + shift, target) == pytest.approx(0, abs=1e-9)


@patient
@given(seeds)
def test_the_alignment_is_the_best_rotation_scipy_finds(seed):
    predicted, target = poses(seed, frames=1)
    if seed % 2:
        predicted[..., 0] *= -1
    p, t = (array[0] - array[0].mean(0) for array in (predicted, target))
    turned = Rotation.align_vectors(t, p)[0].apply(p)
    expected = turned * (turned * t).sum() / (p**2).sum() + target[0].mean(0)
    np.testing.assert_allclose(align(predicted, target)[0], expected, atol=1e-6)


@patient
@given(seeds)
def test_a_mirrored_pose_stays_wrong(seed):
    _, target = poses(seed)
    mirrored = target * [-1, 1, 1]
    aligned = align(mirrored, target)
    assert p_mpjpe(mirrored, target) > 50
    # One more mirroring makes it an exact copy, so what was wrong is the hand and nothing else.
    assert p_mpjpe(aligned * [-1, 1, 1], target) == pytest.approx(0, abs=1e-9)


@patient
@given(seeds, st.floats(0.1, 10))
def test_n_mpjpe_does_not_see_the_scale(seed, scale):
    predicted, target = poses(seed)
    assert n_mpjpe(scale * predicted, target) == pytest.approx(n_mpjpe(predicted, target), rel=1e-9)
    assert n_mpjpe(predicted, target) != pytest.approx(mpjpe(predicted, target))


@pytest.mark.parametrize("metric", METRICS.values())
def test_a_degenerate_frame_does_not_crash(metric):
    predicted, target = poses(0)
    ordinary = metric(predicted[1:], target[1:])
    assert ordinary > 0
    for degenerate in (predicted, target):
        degenerate[0] = 0
        assert np.isfinite(metric(predicted, target))


def test_coinciding_joints_are_only_moved():
    predicted, target = poses(1)
    predicted[0] = [3, 4, 5]
    np.testing.assert_allclose(align(predicted, target)[0], np.broadcast_to(target[0].mean(0), (17, 3)))
