"""tools/real_clips.py: sheets and figures of lifters on clips."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import MakeVideo
from stand_in import StandIn

from videopose3d.lifter.weights import build_model, save_lifter
from videopose3d.opencv import cv2
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Keypoints2D, Poses3D, Result
from videopose3d.weights.header import LifterHeader

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))

import real_clips  # noqa: E402

SIZE, FRAMES = (96, 128), 12


@pytest.fixture
def clips(make_video: MakeVideo, tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(make_video(name="walk.mp4", size=SIZE, frames=FRAMES), folder / name)
    (folder / "notes.txt").write_text("no clip")
    return folder


@pytest.fixture
def lifter(tmp_path: Path) -> Path:
    header = LifterHeader("tiny", (3, 3), 8, 4, stature=1.7)
    save_lifter(build_model(header), header, tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["real_clips.py", *map(str, words)])
    real_clips.main()


def test_a_sheet_per_clip_and_a_table(
    clips: Path, lifter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = StandIn().install(monkeypatch)
    other, out = tmp_path / "other.safetensors", tmp_path / "sheets"
    shutil.copy(lifter, other)
    words = (clips, "-o", out, "--lifter", lifter, "--lifter", other, "--moments", "2", "--height", "80")
    run(monkeypatch, *words)
    asked = detector.calls
    picture = cv2.imread(str(out / "one.png"))
    assert picture.shape == (28 + 2 * 80, 60 + 4 * 80, 3)
    assert picture[28:, :60].std() > 5
    figures = json.loads((out / "jitter.json").read_text())
    assert list(figures) == ["one", "two"]
    assert figures["one"]["tiny"] == figures["one"]["other"]
    assert figures["one"]["tiny"]["posed"] == 1
    assert figures["one"]["tiny"]["smoothed"] > 0
    text = (out / "jitter.md").read_text()
    assert "| two | other | 100.0 % |" in text
    assert text in capsys.readouterr().out
    run(monkeypatch, *words, "--clip", "two")
    assert detector.calls == asked > 0  # people were found once
    assert list(json.loads((out / "jitter.json").read_text())) == ["two"]


def test_one_lifter_has_two_moments_in_a_row(
    clips: Path, lifter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StandIn().install(monkeypatch)
    run(monkeypatch, clips, "-o", tmp_path, "--lifter", lifter, "--clip", "one", "--moments", "3", "--height", "80")
    assert cv2.imread(str(tmp_path / "one.png")).shape == (28 + 2 * 80, 2 * (60 + 2 * 80), 3)


def test_a_clip_without_people(clips: Path, lifter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(nobody_in=None).install(monkeypatch)
    run(monkeypatch, clips, "-o", tmp_path, "--lifter", lifter, "--clip", "one", "--moments", "1", "--height", "80")
    figures = json.loads((tmp_path / "jitter.json").read_text())["one"]["tiny"]
    assert figures["posed"] == 0
    assert np.isnan(figures["raw"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--clip", "three"], "no clip three"),
        (["--lifter", "open", "--lifter", "open"], "two lifters"),
        (["--lifter", "gone"], "gone"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], said: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StandIn().install(monkeypatch)
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, clips, "-o", tmp_path, *words)


def test_an_empty_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no clips"):
        run(monkeypatch, tmp_path, "-o", tmp_path)


# --- figures


def result(poses: np.ndarray, trajectory: np.ndarray, points: np.ndarray) -> Result:
    people, frames = poses.shape[:2]
    keypoints = Keypoints2D(
        points.astype(np.float32),
        np.ones(points.shape[:3], np.float32),
        np.zeros((people, frames, 4), np.float32),
        np.ones((people, frames), bool),
        COCO17,
        Fraction(25),
        SIZE,
    )
    return Result(keypoints, Poses3D(poses.astype(np.float32), trajectory.astype(np.float32), H36M17))


def test_second_differences() -> None:
    line = np.arange(6.0)[None, :, None, None] * np.ones((1, 6, 17, 3))
    assert real_clips.second_difference(line) == 0
    line[0, 3:, 0, 0] += 1  # one joint of 17 jumps: two of four second differences are one long
    assert real_clips.second_difference(line) == pytest.approx(2 / 4 / 17)
    line[0, 2] = np.nan
    assert real_clips.second_difference(line) == 0
    assert np.isnan(real_clips.second_difference(line[:, :2]))


def test_figures_of_a_pose_that_grows() -> None:
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(17, 3))
    growing = pose * np.array([1, 1.1, 1.2, 1.3])[:, None, None]
    points = np.broadcast_to(rng.uniform(0, 90, (17, 2)), (1, 4, 17, 2)).copy()
    points[0, 2:, :, 0] += 1
    path = np.zeros((1, 4, 3))
    path[0, 3, 2] = 0.5
    same = result(growing[None], path, points)
    figures = real_clips.shaking(same, same)
    assert figures.bones == pytest.approx(np.std([1, 1.1, 1.2, 1.3]) / 1.15, rel=1e-4)
    assert figures.raw == pytest.approx(0, abs=1e-3)
    assert figures.path == pytest.approx(250)
    assert figures.keypoints == pytest.approx(1 / real_clips.extent(points[0]), rel=1e-4)
    half = replace(same, poses=replace(same.poses, poses=same.poses.poses * np.float32(0.5)))
    assert real_clips.shaking(same, half).bones == pytest.approx(figures.bones, rel=1e-4)


def test_moments_are_spread_over_the_frames_with_people() -> None:
    points = np.zeros((1, 20, 17, 2))
    points[0, :10] = np.nan
    keypoints = result(np.zeros((1, 20, 17, 3)), np.zeros((1, 20, 3)), points).keypoints
    assert real_clips.moments_of(keypoints, 4) == [10, 13, 16, 19]
    assert real_clips.moments_of(keypoints, 40) == list(range(10, 20))


def test_people_stand_in_place_side_by_side() -> None:
    path = np.cumsum(np.ones((3, 5, 3)), axis=1)
    path[0, 2:] = np.nan
    still = real_clips.in_place(result(np.zeros((3, 5, 17, 3)), path, np.zeros((3, 5, 17, 2))))
    x = still.trajectory[..., 0]
    np.testing.assert_allclose(x[:, 0], [0, 1.2, 2.4], atol=1e-6)
    np.testing.assert_allclose(x[:, 4], [np.nan, 0, 1.2], atol=1e-6)
    assert (still.trajectory[1:, :, 1:] == (0, 4)).all()
