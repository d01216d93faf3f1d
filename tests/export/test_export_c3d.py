"""Files read back by ezc3d, and by c3d, which share nothing with us."""

from __future__ import annotations

import numpy as np
import pytest

from tests.export.ground import grounded
from videopose3d.errors import OutputError
from videopose3d.export import c3d as module
from videopose3d.export import export_result
from videopose3d.export.upright import AXES, markers, upright
from videopose3d.skeleton import H36M17


def expected(result) -> np.ndarray:
    """(T, P * J, 3) [mm]."""
    points = np.moveaxis(upright(result), 0, 1) * 1000
    return points.reshape(len(points), -1, 3)


def test_ezc3d_reads_everything_back(make_result, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    result = make_result(2, 1203)  # more than one piece of frames
    export_result(result, tmp_path / "out.c3d")
    data = ezc3d.c3d(str(tmp_path / "out.c3d"))
    point = {key: entry["value"] for key, entry in data["parameters"]["POINT"].items() if "value" in entry}
    assert point["LABELS"] == markers(H36M17.joints, 2)
    assert point["UNITS"] == ["mm"]
    assert (point["X_SCREEN"], point["Y_SCREEN"]) == (["+X"], ["+Y"])
    assert point["FRAMES"][0] == 1203
    assert point["RATE"][0] == np.float32(30000 / 1001)
    assert data["parameters"]["POINT"]["__METADATA__"]["DESCRIPTION"] == AXES
    assert data["header"]["points"]["first_frame"] == 0  # counted from 0 by ezc3d
    assert data["header"]["points"]["last_frame"] == 1202
    wanted = expected(result)
    got = np.moveaxis(data["data"]["points"][:3], 0, -1).swapaxes(0, 1)
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-3)
    residuals = data["data"]["meta_points"]["residuals"][0].T
    np.testing.assert_array_equal(residuals, np.where(np.isnan(wanted[..., 0]), -1, 0))
    assert np.isnan(got).any()


@pytest.mark.filterwarnings("ignore:No analog data")  # its way of saying that there is none
def test_c3d_reads_the_same(make_result, tmp_path):
    c3d = pytest.importorskip("c3d")
    result = make_result()
    export_result(result, tmp_path / "out.c3d")
    with (tmp_path / "out.c3d").open("rb") as file:
        reader = c3d.Reader(file)
        assert [label.strip() for label in reader.point_labels] == markers(H36M17.joints, 2)
        assert reader.point_rate == pytest.approx(29.97003)
        frames = np.stack([points for _, points, _ in reader.read_frames()])
    wanted = expected(result)
    known = np.isfinite(wanted[..., 0])
    np.testing.assert_allclose(frames[..., :3][known], wanted[known], rtol=1e-6, atol=1e-3)
    assert (frames[..., 3][~known] == -1).all()
    assert (frames[..., 3][known] == 0).all()


@pytest.mark.parametrize(("people", "frames"), [(0, 5), (1, 1), (1, 0), (40, 3)])
def test_sizes_at_the_edges(make_result, tmp_path, people, frames):
    ezc3d = pytest.importorskip("ezc3d")
    export_result(make_result(people, frames), tmp_path / "out.c3d")
    assert (tmp_path / "out.c3d").stat().st_size % 512 == 0
    data = ezc3d.c3d(str(tmp_path / "out.c3d"))
    assert data["data"]["points"].shape[1:] == (17 * people, frames if people else 0)
    point = data["parameters"]["POINT"]
    labels = [name for key in ("LABELS", "LABELS2", "LABELS3") if key in point for name in point[key]["value"]]
    assert labels == markers(H36M17.joints, people)


def events(parameters) -> list[tuple[float, str, str, str]]:
    """Time [s], name, side and person of every event, as the file has them."""
    found = []
    group = parameters["EVENT"]
    for number in ("", *range(2, 9)):
        if f"TIMES{number}" in group:
            minutes, seconds = group[f"TIMES{number}"]["value"]
            texts = [group[f"{key}{number}"]["value"] for key in ("LABELS", "CONTEXTS", "SUBJECTS")]
            found += list(zip((60 * minutes + seconds).tolist(), *texts, strict=True))
    assert group["USED"]["value"].tolist() == [len(found)]
    return found


def test_feet_on_the_ground_are_events(make_result, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    result = grounded(make_result(1, 12))
    result.world.contacts[:] = False
    result.world.contacts[0, :4, 0] = result.world.contacts[0, 3:7, 1] = result.world.contacts[0, 10:, 0] = True
    export_result(result, tmp_path / "out.c3d")
    data = ezc3d.c3d(str(tmp_path / "out.c3d"))
    step = 1001 / 30000
    expected = [
        (3, "Foot Strike", "Right"),
        (4, "Foot Off", "Left"),
        (7, "Foot Off", "Right"),
        (10, "Foot Strike", "Left"),
    ]
    for (time, name, side, person), (frame, *what) in zip(events(data["parameters"]), expected, strict=True):
        assert time == pytest.approx(frame * step, abs=1e-5)
        assert [name, side, person] == [*what, "Person 1"]
    np.testing.assert_allclose(data["data"]["points"][1, 3, 0], result.world.poses[0, 0, 3, 2] * 1000, rtol=1e-5)


def test_many_events_go_on_and_end_where_the_format_does(make_result, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    for frames in (2000, 9000):
        result = grounded(make_result(1, frames))
        export_result(result, tmp_path / "out.c3d")
        found = events(ezc3d.c3d(str(tmp_path / "out.c3d"))["parameters"])
        assert len(found) == min(frames - 1, 8 * 255)
        assert found[-1][0] == pytest.approx((len(found) + 1) // 2 * 2 * 1001 / 30000, abs=0.1)


def test_without_a_ground_there_are_no_events(make_result, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    export_result(make_result(), tmp_path / "out.c3d")
    assert "EVENT" not in ezc3d.c3d(str(tmp_path / "out.c3d"))["parameters"]


def test_a_clip_longer_than_16_bits_keeps_its_length(make_result, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    result = make_result(1, 66000)
    export_result(result, tmp_path / "out.c3d")
    data = ezc3d.c3d(str(tmp_path / "out.c3d"))
    assert data["data"]["points"].shape == (4, 17, 66000)
    low, high = data["parameters"]["TRIAL"]["ACTUAL_END_FIELD"]["value"]
    assert low + 65536 * high == 66000
    np.testing.assert_allclose(data["data"]["points"][:3, :, -1].T, expected(result)[-1], rtol=1e-6, atol=1e-3)


def test_more_points_than_the_format_counts_are_refused(make_result, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 33)
    with pytest.raises(OutputError, match="34 points"):
        export_result(make_result(), tmp_path / "out.c3d")
    assert not list(tmp_path.iterdir())
