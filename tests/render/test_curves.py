from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from videopose3d.render.curves import draw_curves

SUPERVISED = {"3d_train": 60.0, "3d_eval": 40.0, "3d_valid": 50.0}
SEMI = {
    **SUPERVISED,
    **{"traj_eval": 90.0, "traj_valid": 99.0, "2d_train_sup": 0.1, "2d_train_unsup": 0.2, "2d_valid": 0.3},
}


@pytest.mark.parametrize(("figures", "panels"), [(SUPERVISED, 1), (SEMI, 3), ({"3d_train": 5.0}, 1)])
def test_there_is_one_panel_per_kind_of_error(figures, panels, tmp_path):
    history = [{"epoch": epoch, **{k: v / epoch for k, v in figures.items()}} for epoch in range(1, 6)]
    draw_curves(history, tmp_path / "curves.png")
    picture = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"))
    assert picture.shape == (400, 600 * panels, 3)
    colours = {tuple(c) for c in picture.reshape(-1, 3)[::3]}
    drawn = {(31, 119, 180), (255, 127, 14), (44, 160, 44)} & colours  # matplotlib's first three lines
    assert len(drawn) == min(len(figures), 3)
