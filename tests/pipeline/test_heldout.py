from __future__ import annotations

import numpy as np
import pytest
import torch
from motions import library
from torch import Tensor

from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.datasets.virtual import Windows
from videopose3d.errors import InputError
from videopose3d.lifter.model import TemporalModel
from videopose3d.pipeline import heldout
from videopose3d.pipeline.heldout import CAMERAS, HeldOutTable, evaluate_held_out
from videopose3d.weights.header import LifterHeader

HEADER = LifterHeader("tiny", (3, 3), 8, 4, stature=1.7)
FIGURES = {f"{kind}_{m}" for kind in ("perfect_2d", "noisy_2d", "depth_zero_guess") for m in ("mpjpe", "p_mpjpe")}


class Zero(TemporalModel):
    """Says that every joint is at the pelvis."""

    def __init__(self) -> None:
        super().__init__(17, 4, 17, (3, 3), channels=8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), x.shape[1] - self.receptive_field + 1, 17, 3)


def held_out() -> MotionLibrary:
    return library().select("test")


def test_an_oracle_has_no_error_and_the_guess_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def know(_model: TemporalModel, _header: LifterHeader, seen: Windows) -> np.ndarray:
        return seen.target.numpy()

    monkeypatch.setattr(heldout, "_predict", know)
    table = evaluate_held_out(Zero(), HEADER, held_out())
    for row in table.rows:
        assert row.perfect == pytest.approx((0, 0), abs=1e-3)
        assert row.noisy == pytest.approx((0, 0), abs=1e-3)
        assert row.guess[0] > row.guess[1] > 30


def test_the_error_of_knowing_nothing_is_the_size_of_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    table = evaluate_held_out(Zero(), HEADER, held_out())
    row = table.rows[-1]
    assert row.perfect[0] == pytest.approx(row.noisy[0])  # the same targets
    assert 300 < row.perfect[0] < 700
    assert row.guess[0] < row.perfect[0]


def test_rows_are_the_sets_and_all() -> None:
    table = evaluate_held_out(Zero(), HEADER, held_out())
    assert [row.name for row in table.rows] == ["jump", "ui-prmd", "all"]
    poses = [row.poses for row in table.rows]
    assert poses == [2 * 4 * CAMERAS, 4 * CAMERAS, 3 * 4 * CAMERAS]  # two seconds each, every half second
    mean = sum(row.poses * row.perfect[0] for row in table.rows[:2]) / poses[2]
    assert table.rows[2].perfect[0] == pytest.approx(mean, rel=1e-5)


def test_figures_and_text() -> None:
    table = evaluate_held_out(Zero(), HEADER, held_out())
    figures = table.figures()
    assert figures.keys() == FIGURES
    assert figures["perfect_2d_mpjpe"] == round(table.rows[-1].perfect[0], 1)
    assert figures["depth_zero_guess_p_mpjpe"] == round(table.rows[-1].guess[1], 1)
    lines = table.table().splitlines()
    assert [line.split()[0] for line in lines] == ["set", "jump", "ui-prmd", "all"]
    assert len({len(line) for line in lines}) == 1
    assert f"{table.rows[-1].perfect[0]:.1f} / {table.rows[-1].perfect[1]:.1f}".replace(" ", "") in lines[-1].replace(
        " ", ""
    )


def test_a_network_is_measured_the_same_way_twice() -> None:
    torch.manual_seed(0)
    model = TemporalModel(17, 4, 17, (3, 3), channels=8).eval()
    first, second = (evaluate_held_out(model, HEADER, held_out()) for _ in range(2))
    assert isinstance(first, HeldOutTable)
    assert first == second
    assert all(np.isfinite(value) for value in first.figures().values())
    assert first.rows[-1].noisy != first.rows[-1].perfect


def test_nobody_to_measure_on() -> None:
    with pytest.raises(InputError, match="no motions"):
        evaluate_held_out(Zero(), HEADER, MotionLibrary(()))
