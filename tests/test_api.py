"""The package as a library: the public names, and ``infer`` from a video to arrays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import MakeVideo
from stand_in import StandIn

import videopose3d
from videopose3d import (
    DetectConfig,
    InferConfig,
    LiftConfig,
    RenderConfig,
    VideoPose3DError,
    detect,
    export_result,
    infer,
    lift,
    load_result,
    render_video,
    save_result,
)
from videopose3d.errors import InputError, OutputError, WeightsError
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Result
from videopose3d.video import probe

FRAMES = 30
GAP, ABSENT = range(3, 6), range(10, 24)


@pytest.fixture
def clip(make_video: MakeVideo) -> Path:
    return make_video(name="walk.mp4", size=(96, 128), frames=FRAMES)


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(nobody_in={*GAP, *ABSENT}).install(monkeypatch)


def test_public_names_are_there_and_sorted() -> None:
    assert sorted(videopose3d.__all__) == videopose3d.__all__
    assert set(videopose3d._HOMES) == set(videopose3d.__all__)
    for name in videopose3d.__all__:
        assert getattr(videopose3d, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = videopose3d.nonsense


def test_what_infer_returns(clip: Path, finder: StandIn) -> None:
    told: list[tuple[str, int, int | None]] = []
    result = infer(clip, progress=lambda *now: told.append(now))
    assert (result.people, result.fps) == (1, Fraction(25))
    assert result.poses_3d.shape == (1, FRAMES, 17, 3)
    assert result.trajectory.shape == (1, FRAMES, 3)
    assert result.keypoints_2d.shape == (1, FRAMES, 17, 2)
    assert result.keypoints_score.shape == (1, FRAMES, 17)
    assert result.keypoints.boxes.shape == (1, FRAMES, 4)
    assert result.keypoints.present.shape == (1, FRAMES)
    floats = (result.poses_3d, result.trajectory, result.keypoints_2d, result.keypoints_score, result.keypoints.boxes)
    assert {array.dtype for array in floats} == {np.dtype(np.float32)}
    assert result.keypoints.skeleton is COCO17
    assert result.poses is not None
    assert result.poses.skeleton is H36M17
    assert (result.keypoints.source, result.keypoints.size) == (str(clip), (96, 128))
    assert result.focal == pytest.approx(64 / np.tan(np.pi / 6))
    assert result.timings.keys() == {"detect", "lift", "export"}
    assert {frames for _, frames in result.timings.values()} == {FRAMES}
    assert result.outputs == ()
    assert [now for now in told if now[0] == "detect"] == [("detect", n + 1, FRAMES) for n in range(FRAMES)]
    assert told[-1] == ("refine", FRAMES - len(ABSENT), FRAMES - len(ABSENT))


def test_what_is_not_known_is_nan(clip: Path, finder: StandIn) -> None:
    result = infer(clip)
    seen = np.array([t not in GAP and t not in ABSENT for t in range(FRAMES)])
    placed = seen | np.isin(np.arange(FRAMES), GAP)
    np.testing.assert_array_equal(result.keypoints.present[0], seen)
    np.testing.assert_array_equal(np.isfinite(result.keypoints.boxes[0]).all(-1), seen)
    for array in (result.keypoints_2d, result.poses_3d, result.trajectory):
        there = np.isfinite(array[0]).reshape(FRAMES, -1)
        np.testing.assert_array_equal(there.all(-1), placed)
        np.testing.assert_array_equal(there.any(-1), placed)
    assert (result.keypoints_score[0, list(ABSENT)] == 0).all()
    np.testing.assert_allclose(result.keypoints_score[0, list(GAP)], 0.45)
    assert (result.poses_3d[0, placed, 0] == 0).all()  # the pelvis


def test_outputs_are_written(clip: Path, finder: StandIn, tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in ("a.mp4", "a.npz", "a.json", "a.csv")]
    config = InferConfig(render=RenderConfig(picture_height=160))
    result = infer(clip, wanted[0], exports=wanted[1:], config=config)
    assert result.outputs == tuple(str(path) for path in wanted)
    assert result.timings.keys() == {"detect", "lift", "render", "export"}
    assert sorted(tmp_path.iterdir()) == sorted(wanted)
    info = probe(wanted[0])
    assert (info.frame_count, info.height, info.fps) == (FRAMES, 160, 25)
    np.testing.assert_array_equal(load_result(wanted[1]).poses_3d, result.poses_3d)


def test_the_stages_by_hand(clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = InferConfig(DetectConfig(max_gap=0.1), LiftConfig(height=2.0, flip=False), RenderConfig(picture_height=96))
    StandIn(nobody_in=GAP).install(monkeypatch)
    whole = infer(clip, config=config)
    StandIn(nobody_in=GAP).install(monkeypatch)
    result = lift(detect(clip, config.detect), config.lift)
    np.testing.assert_array_equal(result.poses_3d, whole.poses_3d)
    np.testing.assert_array_equal(result.trajectory, whole.trajectory)
    assert np.isnan(result.poses_3d[0, list(GAP)]).all()  # three frames are longer than 0.1 s
    save_result(result, tmp_path / "a.npz")
    render_video(load_result(tmp_path / "a.npz"), tmp_path / "a.gif", config=config.render)
    export_result(result, tmp_path / "a.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "a.gif", "a.csv"}


@pytest.mark.parametrize(
    ("output", "exports", "lifter", "error"),
    [
        ("a.avi", [], "open", OutputError),
        ("a.mp4", ["a.abc"], "open", OutputError),
        ("there.mp4", [], "open", OutputError),
        ("a.mp4", ["there.mp4"], "open", OutputError),
        ("a.mp4", [], "nothing", WeightsError),
    ],
)
def test_what_would_fail_at_the_end_fails_at_once(
    output: str, exports: list[str], lifter: str, error: type[VideoPose3DError], clip: Path, finder: StandIn,
    tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "there.mp4").touch()
    paths = [tmp_path / name for name in exports]
    config = InferConfig(lift=LiftConfig(lifter=lifter))
    with pytest.raises(error):
        infer(clip, tmp_path / output, exports=paths, config=config, overwrite=False)
    assert finder.opened == 0


def test_the_camera_is_that_of_the_phone(make_video: MakeVideo, finder: StandIn, tmp_path: Path) -> None:
    key = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    phone = make_video(name="phone.mov", options=("-movflags", "use_metadata_tags", "-metadata", f"{key}=26"))
    result = infer(phone)
    assert result.focal == pytest.approx(26 / 43.27 * np.hypot(*result.keypoints.size), rel=1e-3)
    assert result.lens is not None
    assert "26 mm" in result.lens.origin
    save_result(Result(result.keypoints), tmp_path / "2d.npz")
    again = lift(load_result(tmp_path / "2d.npz").keypoints)
    np.testing.assert_array_equal(again.trajectory, result.trajectory)
    assert infer(phone, config=InferConfig(lift=LiftConfig(focal=100))).focal == 100


def test_a_lens_bends_what_it_shows(clip: Path, finder: StandIn, tmp_path: Path) -> None:
    """A calibration file moves the person; keypoints stay those of the video."""
    width, height = detect(clip).size
    text = f"""[cam]
size = [{width}, {height}]
matrix = [[90.0, 0, {width / 2 + 10}], [0, 90.0, {height / 2}], [0, 0, 1]]
distortions = [-0.1, 0.02, 0, 0]
"""
    (tmp_path / "calib.toml").write_text(text)
    plain = infer(clip, config=InferConfig(lift=LiftConfig(focal=90)))
    calibrated = infer(clip, config=InferConfig(lift=LiftConfig(calib=str(tmp_path / "calib.toml"))))
    np.testing.assert_array_equal(calibrated.keypoints_2d, plain.keypoints_2d)
    moved = np.nanmean(calibrated.trajectory - plain.trajectory, axis=(0, 1))
    depth = np.nanmean(plain.trajectory[..., 2])
    assert moved[0] == pytest.approx(-10 / 90 * depth, rel=0.3)
    assert calibrated.focal == 90
    with pytest.raises(InputError, match="no such calibration"):
        infer("missing.mp4", config=InferConfig(lift=LiftConfig(calib="none.toml")))


def test_a_taller_person_is_farther_away(clip: Path, finder: StandIn) -> None:
    keypoints = detect(clip)
    small, tall = (lift(keypoints, LiftConfig(height=height)) for height in (1.0, 2.0))
    np.testing.assert_allclose(tall.poses_3d, 2 * small.poses_3d, rtol=1e-5)
    np.testing.assert_allclose(tall.trajectory, 2 * small.trajectory, rtol=1e-3, atol=1e-3)
