from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from videopose3d.config import DetectConfig
from videopose3d.pipeline.stages import FOLDER, StageFiles, content_key
from videopose3d.skeleton import COCO17
from videopose3d.types import Keypoints2D, Result


def result(x: float = 1.0) -> Result:
    points = np.full((1, 4, 17, 2), x, np.float32)
    keypoints = Keypoints2D(
        points, np.ones((1, 4, 17), np.float32), np.ones((1, 4, 4), np.float32), np.ones((1, 4), bool), COCO17,
        Fraction(25), (64, 48),
    )  # fmt: skip
    return Result(keypoints)


class Maker:
    """Makes a result and counts how often it was asked."""

    def __init__(self, value: float = 1.0) -> None:
        self.value, self.calls = value, 0

    def __call__(self) -> Result:
        self.calls += 1
        return result(self.value)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"pictures" * 1000)
    return path


def test_the_key_is_of_the_content(video: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(video.read_bytes())
    assert content_key(copy) == content_key(video)
    copy.write_bytes(video.read_bytes() + b".")
    assert content_key(copy) != content_key(video)


def test_the_key_of_a_url_is_of_its_text() -> None:
    assert content_key("http://h/a.mp4") == content_key("http://h/a.mp4") != content_key("http://h/b.mp4")
    assert content_key("https://h/a.mp4?signature=" + "x" * 5000)  # longer than a file name may be


def test_a_finished_stage_is_read_back(video: Path, tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        again = StageFiles(tmp_path, video, reuse=True).finished("detect", DetectConfig(), make)
        np.testing.assert_array_equal(again.keypoints_2d, result().keypoints_2d)
    assert make.calls == 1
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_without_reuse_stages_are_kept_and_not_read(video: Path, tmp_path: Path) -> None:
    StageFiles(tmp_path, video, reuse=False).finished("detect", DetectConfig(), Maker(1))
    second = Maker(2)
    StageFiles(tmp_path, video, reuse=False).finished("detect", DetectConfig(), second)
    assert second.calls == 1
    kept = StageFiles(tmp_path, video, reuse=True).finished("detect", DetectConfig(), Maker(3))
    assert kept.keypoints_2d[0, 0, 0, 0] == 2


@pytest.mark.parametrize("changed", ["stage", "settings", "video"])
def test_another_stage_setting_or_video_is_made_anew(changed: str, video: Path, tmp_path: Path) -> None:
    StageFiles(tmp_path, video, reuse=True).finished("detect", DetectConfig(), Maker())
    if changed == "video":
        video.write_bytes(b"others")
    make = Maker()
    settings = DetectConfig(max_gap=0.1) if changed == "settings" else DetectConfig()
    StageFiles(tmp_path, video, reuse=True).finished("lift" if changed == "stage" else "detect", settings, make)
    assert make.calls == 1


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_made_anew(damage: bytes | None, video: Path, tmp_path: Path) -> None:
    stages = StageFiles(tmp_path, video, reuse=True)
    stages.finished("detect", DetectConfig(), Maker())
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    make = Maker(5)
    assert stages.finished("detect", DetectConfig(), make).keypoints_2d[0, 0, 0, 0] == 5
    assert stages.finished("detect", DetectConfig(), make).keypoints_2d[0, 0, 0, 0] == 5
    assert make.calls == 1


def test_a_stage_that_fails_keeps_nothing(video: Path, tmp_path: Path) -> None:
    def fail() -> Result:
        raise KeyboardInterrupt

    stages = StageFiles(tmp_path, video, reuse=True)
    with pytest.raises(KeyboardInterrupt):
        stages.finished("detect", DetectConfig(), fail)
    assert not (tmp_path / FOLDER).exists()
