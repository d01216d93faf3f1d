from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videopose3d.errors import VideoPose3DError
from videopose3d.export import export_result
from videopose3d.export.upright import upright

NOBODY, UNPLACED = 2, 4  # frames of the first person, see make_result


def read(path: Path) -> tuple[dict[str, str], list[str], np.ndarray, np.ndarray]:
    """Read a TRC as OpenSim does: a tab ends a cell, an empty one is a gap. Header, markers, time, (T, M, 3) [mm]."""
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert lines[0].split("\t")[:3] == ["PathFileType", "4", "(X/Y/Z)"]
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    names = lines[3].removesuffix("\t").split("\t")
    assert names[:2] == ["Frame#", "Time"]
    assert set(names[3::3] + names[4::3]) <= {""}
    markers = names[2::3]
    assert [c for c in lines[4].split("\t") if c] == [f"{a}{m + 1}" for m in range(len(markers)) for a in "XYZ"]
    assert lines[5] == ""
    rows = [line.removesuffix("\t").split("\t") for line in lines[6:]]
    assert {len(row) for row in rows} <= {2 + 3 * len(markers)}
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    points = np.array([[float(cell or "nan") for cell in row[2:]] for row in rows]).reshape(len(rows), len(markers), 3)
    return header, markers, np.array([float(row[1]) for row in rows]), points


def test_everything_comes_back_in_millimetres(make_result, tmp_path):
    result = make_result()
    export_result(result, tmp_path / "walk.trc")
    header, markers, time, points = read(tmp_path / "walk.trc")
    assert header == {
        "DataRate": "29.97002997", "CameraRate": "29.97002997", "NumFrames": "6", "NumMarkers": "34", "Units": "mm",
        "OrigDataRate": "29.97002997", "OrigDataStartFrame": "1", "OrigNumFrames": "6",
    }  # fmt: skip
    assert markers[:3] == ["Pelvis", "RHip", "RKnee"]
    assert markers[17:19] == ["P2_Pelvis", "P2_RHip"]
    np.testing.assert_allclose(time, np.arange(6) * 1001 / 30000, atol=1e-6)
    expected = np.moveaxis(upright(result), 0, 1).reshape(6, 34, 3) * 1000
    np.testing.assert_allclose(points, expected, atol=0.006, rtol=0)
    assert (tmp_path / "walk.trc").read_text().startswith("PathFileType\t4\t(X/Y/Z)\twalk.trc\n")


def test_a_gap_is_three_empty_cells_and_the_row_keeps_its_length(make_result, tmp_path):
    result = make_result(1)
    result.poses.poses[0, 0, 16, 1] = np.nan  # the last marker: nothing but the tab says that its cells are there
    export_result(result, tmp_path / "gap.trc")
    text = (tmp_path / "gap.trc").read_text()
    _, _, _, points = read(tmp_path / "gap.trc")
    assert np.isnan(points[0, 16]).all()
    assert np.isfinite(points[0, :16]).all()
    assert np.isnan(points[[NOBODY, UNPLACED]]).all()
    assert {line.count("\t") for line in text.split("\n")[6:-1]} == {2 + 3 * 17}
    assert "nan" not in text
    assert "-0.00\t" not in text


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (2, 0)])
def test_empty_results(make_result, tmp_path, people, frames):
    export_result(make_result(people, frames), tmp_path / "out.trc")
    header, markers, time, _ = read(tmp_path / "out.trc")
    assert (len(markers), len(time)) == (17 * people, frames)
    assert (header["NumMarkers"], header["NumFrames"]) == (str(17 * people), str(frames))


def test_a_tab_in_the_name_does_not_shift_the_header(make_result, tmp_path):
    export_result(make_result(), tmp_path / "a\tb.trc")
    assert (tmp_path / "a\tb.trc").read_text().split("\n")[0].split("\t")[3:] == ["a_b.trc"]


@pytest.mark.parametrize("suffix", [".trc", ".c3d", ".angles.csv", ".mot", ".html"])
def test_a_result_of_the_2d_stage_leaves_no_file(make_result, tmp_path, suffix):
    with pytest.raises(VideoPose3DError, match="Lift it first"):
        export_result(make_result(lifted=False), tmp_path / f"out{suffix}")
    assert not list(tmp_path.iterdir())
