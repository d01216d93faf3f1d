from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from motions import library
from torch import Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import CameraConfig, Windows
from videopose3d.errors import InputError
from videopose3d.lifter.lift import Lifter
from videopose3d.lifter.model import TemporalModel
from videopose3d.metrics import acceleration_error, mpjpe, mpjve, n_mpjpe, p_mpjpe
from videopose3d.pipeline import heldout
from videopose3d.pipeline.heldout import KINDS, errors_of, evaluate_held_out, predict_held_out
from videopose3d.weights.header import LifterHeader

HEADER = LifterHeader("tiny", (3, 3), 8, 4, stature=1.7)


class Zero(TemporalModel):
    """Says that every joint is at the pelvis."""

    def __init__(self) -> None:
        super().__init__(17, 4, 17, (3, 3), channels=8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), x.shape[1] - self.receptive_field + 1, 17, 3)


NOTHING = Lifter(Zero(), HEADER)


def random_lifter() -> Lifter:
    torch.manual_seed(0)
    return Lifter(TemporalModel(17, 4, 17, (3, 3), channels=8).eval(), HEADER)


def held_out() -> MotionLibrary:
    return library().select("test")


def test_an_oracle_has_no_error_and_the_guess_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def know(_lifter: Lifter, seen: Windows, _factor: float) -> np.ndarray:
        return seen.target.numpy()

    monkeypatch.setattr(heldout, "_predict", know)
    for row in evaluate_held_out(NOTHING, held_out()).rows:
        for kind in KINDS[:2]:
            assert row.errors[kind].mpjpe == pytest.approx(0, abs=1e-3)
            assert row.errors[kind].acceleration == pytest.approx(0, abs=1e-3)
        assert row.errors[KINDS[2]].mpjpe > row.errors[KINDS[2]].p_mpjpe > 30


def test_the_error_of_knowing_nothing_is_the_size_of_the_body() -> None:
    errors = evaluate_held_out(NOTHING, held_out()).rows[-1].errors
    assert errors["perfect 2D"] == errors["noisy 2D"]  # the same targets
    assert 300 < errors["perfect 2D"].mpjpe < 700
    assert errors["depth-zero guess"].mpjpe < errors["perfect 2D"].mpjpe
    assert errors["perfect 2D"].bone_variation == 0


def test_errors_are_those_of_metrics() -> None:
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(2, 3, 12, 17, 3)).astype(np.float32)
    whole = errors_of(predicted, target, np.ones((3, 12), bool))
    frames = predicted.reshape(-1, 17, 3).astype(float), target.reshape(-1, 17, 3).astype(float)
    assert whole.mpjpe == pytest.approx(mpjpe(*frames))
    assert whole.p_mpjpe == pytest.approx(p_mpjpe(*frames))
    assert whole.n_mpjpe == pytest.approx(n_mpjpe(*frames))
    per_window = [(mpjve(p, t), acceleration_error(p, t)) for p, t in zip(predicted, target, strict=True)]
    assert (whole.mpjve, whole.acceleration) == pytest.approx(np.mean(per_window, 0), rel=1e-5)
    near_far = np.linalg.norm(predicted[:, :, 2] - predicted[:, :, 1], axis=-1)  # the right thigh
    assert whole.bone_variation > 0.2 * near_far.std() * 1000


def test_frames_that_are_not_there_do_not_count() -> None:
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(2, 3, 12, 17, 3)).astype(np.float32)
    known = np.ones((3, 12), bool)
    known[:, 8:] = False
    assert errors_of(predicted, target, known) == errors_of(predicted[:, :8], target[:, :8], known[:, :8])
    assert np.isnan(errors_of(predicted, target, np.zeros_like(known)).mpjpe)


def test_rows_are_the_sets_and_all_or_any_other_groups() -> None:
    found = predict_held_out(NOTHING, held_out())
    table = found.table()
    assert [row.name for row in table.rows] == ["jump", "ui-prmd", "all"]
    poses = [row.poses for row in table.rows]
    assert poses[0] == 2 * poses[1]
    assert sum(poses[:2]) == poses[2]
    mean = sum(row.poses * row.errors["perfect 2D"].mpjpe for row in table.rows[:2]) / poses[2]
    assert table.rows[2].errors["perfect 2D"].mpjpe == pytest.approx(mean, rel=1e-5)
    middle = float(np.median(found.fov))
    by_view = found.table(lambda _, fov: "wide" if fov > middle else "")
    assert [row.name for row in by_view.rows] == ["wide", "all"]
    assert by_view.rows[0].poses < by_view.rows[1].poses


def test_figures_and_text() -> None:
    table = evaluate_held_out(NOTHING, held_out())
    figures = table.figures()
    assert figures["perfect_2d_mpjpe"] == round(table.rows[-1].errors["perfect 2D"].mpjpe, 1)
    assert figures["depth_zero_guess_p_mpjpe"] == round(table.rows[-1].errors["depth-zero guess"].p_mpjpe, 1)
    assert len(figures) == 18
    lines = table.table().splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["jump", "ui-prmd", "all"]
    assert len({len(line) for line in lines}) == 1


def test_a_network_is_measured_the_same_way_twice_and_with_other_settings_otherwise() -> None:
    lifter = random_lifter()
    first, second = (evaluate_held_out(lifter, held_out()) for _ in range(2))
    assert first == second
    assert first.rows[-1].errors["noisy 2D"] != first.rows[-1].errors["perfect 2D"]
    smoothed = predict_held_out(lifter, held_out(), smoothing=0.25).table().rows[-1].errors["noisy 2D"]
    assert smoothed.acceleration < first.rows[-1].errors["noisy 2D"].acceleration
    wrong = predict_held_out(lifter, held_out(), focal_factor=1.3).table().rows[-1].errors["perfect 2D"]
    assert wrong != first.rows[-1].errors["perfect 2D"]
    near = predict_held_out(lifter, held_out(), camera=CameraConfig(distance=(2.0, 2.1)))
    assert near.table() != first


def test_a_lifter_of_screen_coordinates_is_measured_too() -> None:
    torch.manual_seed(0)
    header = replace(HEADER, normalisation="screen", features=3)
    lifter = Lifter(TemporalModel(17, 3, 17, (3, 3), channels=8).eval(), header)
    assert np.isfinite(evaluate_held_out(lifter, held_out()).rows[-1].errors["noisy 2D"].mpjpe)


def test_nobody_to_measure_on() -> None:
    with pytest.raises(InputError, match="no motions"):
        evaluate_held_out(NOTHING, MotionLibrary(()))
