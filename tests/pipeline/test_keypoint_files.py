"""Files of other 2D tools as clean tracks: size, rate and length of the video, whom to keep, what was not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER, golden

from videopose3d.config import DetectConfig
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.pipeline.detect import clean_tracks, detect, keypoints_of_files
from videopose3d.pipeline.keypoint_files import people_of_video
from videopose3d.skeleton import COCO17, H36M17
from videopose3d.types import Person, VideoInfo

OPENPOSE = FOLDER / "formats" / "openpose_body25"
SIZE, FPS = (640, 640), Fraction(25)


def info(frames: int, size: tuple[int, int] = SIZE, **options: Any) -> VideoInfo:
    return VideoInfo("clip.mp4", *size, fps=FPS, frame_count=frames, **options)


def test_sizes_and_rates_come_from_the_file_or_the_user() -> None:
    custom = FOLDER / "data" / "data_2d_custom_tiny.npz"
    found = keypoints_of_files(custom, clip="clip_a.mp4", fps=FPS)
    assert (found.people, found.fps, found.skeleton) == (1, FPS, COCO17)
    assert found.size[0] > 0
    assert keypoints_of_files(custom, clip="clip_a.mp4", fps=FPS, size=(3000, 2000)).size == (3000, 2000)
    with pytest.raises(InputError, match=r"how many frames per second it has .*Give --video CLIP, or --fps RATE\."):
        keypoints_of_files(custom, clip="clip_a.mp4")
    with pytest.raises(InputError, match=r"Give --video CLIP, or --size WIDTHxHEIGHT and --fps RATE\."):
        keypoints_of_files(OPENPOSE)


def test_tracks_hold_what_the_file_says() -> None:
    expected = golden("formats_expected")
    found = keypoints_of_files(OPENPOSE, size=SIZE, fps=FPS)
    assert (found.frames, found.detector, found.source) == (8, "OpenPose", "clip")
    for person, t in zip(*np.nonzero(found.present), strict=True):
        seen = np.isfinite(found.points[person, t]).all(-1)
        options = [e for e in expected[f"op_frame{t}"] if np.allclose(e[seen, :2], found.points[person, t][seen])]
        assert len(options) == 1 or (~seen | (found.scores[person, t] > 0)).all()


def test_no_sighting_is_used_twice() -> None:
    found = keypoints_of_files(FOLDER / "formats" / "coco_results.json", size=SIZE, fps=FPS)
    people = golden("formats_expected")["people_per_frame"]
    assert (found.present.sum(0) <= people).all()
    assert found.present.any()


@pytest.mark.parametrize("person", ["main", "1", "2", "all"])
def test_whom_to_keep(person: str) -> None:
    everybody = keypoints_of_files(OPENPOSE, size=SIZE, fps=FPS)
    assert everybody.people == 2
    kept = keypoints_of_files(OPENPOSE, DetectConfig(person=person), size=SIZE, fps=FPS)
    which = {"main": [0], "1": [0], "2": [1], "all": [0, 1]}[person]
    np.testing.assert_array_equal(kept.points, everybody.points[which])
    np.testing.assert_array_equal(kept.present, everybody.present[which])


def test_there_is_no_third_person() -> None:
    with pytest.raises(InputError, match=r"no person 3, 2 found. Choose --person all, main, or 1 to 2"):
        keypoints_of_files(OPENPOSE, DetectConfig(person="3"), size=SIZE, fps=FPS)
    for wrong in ("0", "-1", "first", ""):
        with pytest.raises(VideoPose3DError, match="person is"):
            DetectConfig(person=wrong)


def test_frames_at_the_end_have_nobody() -> None:
    found = people_of_video(OPENPOSE, info(20))
    assert [len(people) for people in found.frames] == [1, 2, 2, 0, 1, 3, 1, 2] + [0] * 12


def test_files_of_other_videos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 frames of keypoints for a video of 5. Give the video that the 2D tool"):
        people_of_video(OPENPOSE, info(5))
    dump = FOLDER / "detections" / "single.mp4.npz"
    with pytest.raises(InputError, match="keypoints of a video of 320 x 240 px, this one has 99 x 98"):
        people_of_video(dump, info(12, (99, 98)))
    assert len(people_of_video(OPENPOSE, info(7)).frames) == 7, "containers count badly"


def test_what_may_be_wrong_is_told(caplog: pytest.LogCaptureFixture) -> None:
    people_of_video(FOLDER / "formats" / "coco_results.json", replace(info(20), variable_frame_rate=True))
    assert "numbered from 1000" in caplog.text
    assert "evenly spaced" in caplog.text


def test_a_file_of_nobody_needs_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(InputError, match="nobody in it, and no frames"):
        keypoints_of_files(tmp_path / "a.json", size=SIZE, fps=FPS)


def test_joints_of_human36m(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(9, 99, (30, 17, 2)) + np.arange(17)[:, None] * 20
    np.savez(tmp_path / "a.npz", keypoints=np.repeat(points[:1], 30, 0))
    found = keypoints_of_files(tmp_path / "a.npz", size=SIZE, fps=FPS, layout="h36m17")
    assert (found.skeleton, found.people) == (H36M17, 1)


def test_detect_takes_a_file_instead_of_a_detector(make_video) -> None:
    clip = make_video(name="c.mp4", size=SIZE, frames=12)
    config = DetectConfig(detector="files", keypoints=str(OPENPOSE))
    found = detect(clip, config, told := lambda *_: None)
    assert told
    assert (found.frames, found.size, found.detector) == (12, SIZE, "OpenPose")
    with pytest.raises(VideoPose3DError, match="no file of keypoints given"):
        detect(clip, DetectConfig(detector="files"))


# --- cleaning


def person(x: float, joints: np.ndarray | None = None, score: float = 0.9) -> Person:
    points = np.random.default_rng(0).uniform(0, 100, (17, 2)) + [x, 100] if joints is None else joints
    box = np.concatenate([np.nanmin(points, 0), np.nanmax(points, 0)])
    return Person(np.float32(points), np.where(np.isfinite(points[:, 0]), score, 0).astype(np.float32), np.float32(box))


def test_gaps_are_filled_up_to_a_length_and_marked() -> None:
    seen = [[person(100 + 2 * t), person(400 - t)] for t in range(60)]
    for t in range(10, 20):
        seen[t] = seen[t][:1]  # the second is away for 10 frames, then the first for 20
    for t in range(30, 50):
        seen[t] = seen[t][1:]
    found = clean_tracks(seen, info(60), DetectConfig(max_gap=0.5))
    assert found.people == 2
    second, first = sorted(range(2), key=lambda p: found.points[p, 0, :, 0].mean(), reverse=True)
    np.testing.assert_array_equal(np.flatnonzero(~found.present[second]), range(10, 20))
    np.testing.assert_array_equal(np.flatnonzero(~found.present[first]), range(30, 50))
    assert found.placed[second].all(), "10 frames at 25 per second are short enough"
    np.testing.assert_allclose(found.points[second, 15], person(400 - 15).keypoints, atol=0.01)
    np.testing.assert_array_equal(np.flatnonzero(~found.placed[first]), range(30, 50))
    assert (found.scores[second, 10:20] == np.float32(0.45)).all()


def test_joints_that_were_missed_are_filled_up_to_a_length() -> None:
    whole = [person(100 + 2 * t).keypoints.astype(float) for t in range(40)]
    parts = [points.copy() for points in whole]
    for t in range(5, 10):
        parts[t][3] = np.nan
    for t in range(20, 39):
        parts[t][4] = np.nan
    for t in range(30, 40):
        parts[t][5] = np.nan
    found = clean_tracks([[person(0, points)] for points in parts], info(40), DetectConfig(repair_swaps=False))
    np.testing.assert_allclose(found.points[0, :, 3], np.array(whole)[:, 3], atol=0.01)
    assert (found.scores[0, 5:10, 3] == np.float32(0.45)).all()
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.points[0, :, 4, 0])), range(20, 39))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.points[0, :, 5, 0])), range(30, 40))
    assert found.present.all()


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_nobody_at_all(frames: int) -> None:
    found = clean_tracks([[] for _ in range(frames)], info(frames), DetectConfig(person="main"))
    assert found.points.shape == (0, frames, 17, 2)
    assert found.present.shape == (0, frames)


def test_json_made_here_is_what_is_read(tmp_path: Path) -> None:
    """Two people through a file of OpenPose and back: every joint that it has, to the printed digit."""
    from videopose3d.detectors.files.joints import BODY25

    chosen = BODY25.indices(COCO17.joints)
    bodies = [[person(100 + 3 * t), person(450 - 3 * t)] for t in range(20)]
    for t, people in enumerate(bodies):
        entries = []
        for who in people:
            values = np.zeros((25, 3))
            values[chosen] = np.column_stack([who.keypoints, who.scores])
            entries.append({"person_id": [-1], "pose_keypoints_2d": values.ravel().tolist()})
        (tmp_path / f"x_{t:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": entries}))
    found = keypoints_of_files(tmp_path, DetectConfig(repair_swaps=False), size=SIZE, fps=FPS)
    made = np.array([[who.keypoints for who in people] for people in bodies]).transpose(1, 0, 2, 3)
    order = np.argsort(found.points[:, 0, 0, 0])
    np.testing.assert_allclose(found.points[order], made, atol=1e-4)
