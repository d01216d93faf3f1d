"""Sets, libraries, files and folders as one library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mocap_texts import LEG_ASF, encode_markers, figure_amc, figure_asf, figure_bvh, standing_markers
from motions import motion
from point_files import joints, markers, write_points

from videopose3d.config_mocap import MocapConfig
from videopose3d.datasets.mocap import MotionLibrary, read_source, read_sources, save_library
from videopose3d.datasets.mocap.markers import MARKERS
from videopose3d.errors import FileFormatError, InputError, MissingDependencyError, VideoPose3DError


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """A folder of motion files of two people, one that nobody can read, and things that are none."""
    root = tmp_path / "takes"
    write_points(root / "ann" / "walk.npz", joints())
    (root / "ann" / "deep").mkdir()
    (root / "ann" / "deep" / "turn.BVH").write_text(figure_bvh(frames=60))
    (root / "bob").mkdir()
    (root / "bob" / "02_01.amc").write_text(figure_amc(60))
    (root / "bob" / "02.asf").write_text(figure_asf())
    (root / "bob" / "broken.bvh").write_text("HIERARCHY")
    (root / "notes.txt").write_text("none")
    (root / ".hidden.bvh").write_text("none")
    return root


def names(library: MotionLibrary) -> list[tuple[str, str, str, str]]:
    return [(m.name, m.dataset, m.subject, m.split) for m in library]


def test_a_folder_gives_names_sets_and_people(takes: Path) -> None:
    found = read_sources([takes])
    assert names(found.library) == [
        ("ann/deep/turn.BVH", "takes", "ann", "train"),
        ("ann/walk.npz[0:40]", "takes", "ann", "train"),
        ("bob/02_01.amc", "takes", "bob", "train"),
    ]
    assert len(found.skipped) == 1
    assert found.skipped[0].startswith(f"{takes}/bob/broken.bvh: HIERARCHY or MOTION is missing")


def test_all_of_it_can_be_said(takes: Path) -> None:
    config = MocapConfig(split="test", subject="Eve", dataset="mine", detector="coco", fps=30.0)
    found = read_sources([takes / "ann"], config).library
    assert names(found) == [("deep/turn.BVH", "mine", "Eve", "test"), ("walk.npz[0:40]", "mine", "Eve", "test")]
    assert (found.detector, {m.fps for m in found}) == ("coco", {30.0})
    with pytest.raises(VideoPose3DError, match="split is 'dev'. Choose one of train"):
        MocapConfig(split="dev")
    with pytest.raises(VideoPose3DError, match="unit is 0"):
        MocapConfig(unit=0.0)
    with pytest.raises(VideoPose3DError, match="unit is inf"):
        MocapConfig(unit=float("inf"))


def test_one_file_is_named_after_itself(takes: Path) -> None:
    assert names(read_sources([takes / "ann" / "walk.npz"]).library) == [("walk.npz[0:40]", "file", "", "train")]


def test_sources_are_joined_and_nothing_is_read_twice(takes: Path, tmp_path: Path) -> None:
    save_library(tmp_path / "a.npz", MotionLibrary((motion(40, split="validation"),)))
    again = [tmp_path / "a.npz", takes / "ann", takes / "ann" / "walk.npz"]
    seen: list[int] = []
    found = read_sources(again, report=seen.append).library
    assert [m.name for m in found] == ["jump/0", "deep/turn.BVH", "walk.npz[0:40]"]
    assert found.motions[0].split == "validation"
    assert seen == np.cumsum([m.frames for m in found]).tolist()


def test_the_open_sets_are_known_by_their_folder(tmp_path: Path) -> None:
    root = tmp_path / "sets"
    (root / "ui-prmd").mkdir(parents=True)
    (root / "cmu").mkdir()
    (root / "split.json").write_text('{"ui-prmd": {"test": ["s01"]}}')
    (root / "cmu" / "clips.csv").write_text("archive,path,note\n")
    (root / "cmu" / "bad_segments.csv").write_text("path,first_frame,last_frame\n")
    (root / "cmu" / "skeletons.json").write_text("{}")
    (root / "ui-prmd" / "bad_clips.csv").write_text("subject,clip,advice\n")
    np.savez(root / "ui-prmd" / "s01.npz", m01_e01=encode_markers(standing_markers(MARKERS, 60)))
    write_points(tmp_path / "own.npz", markers())
    found = read_sources([root, tmp_path / "own.npz"], MocapConfig(subject="me")).library
    assert names(found) == [
        ("s01/m01_e01[0:60]", "ui-prmd", "s01", "test"),
        ("own.npz[0:60]", "file", "me", "train"),
    ]
    (root / "cmu" / "clips.csv").unlink()
    with pytest.raises(FileFormatError, match="clips.csv: cannot be read"):  # a part of the sets is not skipped
        read_sources([root])


def test_libraries_follow_one_detector(tmp_path: Path, takes: Path) -> None:
    save_library(tmp_path / "a.npz", MotionLibrary((motion(40),), "movenet"))
    assert read_sources([takes / "ann", tmp_path / "a.npz"]).library.detector == "movenet"
    with pytest.raises(FileFormatError, match="a.npz: its keypoints follow movenet, the others coco"):
        read_sources([tmp_path / "a.npz"], MocapConfig(detector="coco"))
    assert read_source(tmp_path / "a.npz", detector="coco").detector == "movenet"
    assert read_source(takes / "ann", detector="coco").detector == "coco"


def test_one_source_as_training_takes_it(takes: Path) -> None:
    told: list[str] = []
    found = read_source(takes, split="validation", tell=told.append)
    assert {m.split for m in found} == {"validation"}
    assert [line.partition(": ")[0] for line in told] == [f"skipped {takes}/bob/broken.bvh"]


def test_strict_and_nothing_left(takes: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="broken.bvh"):
        read_sources([takes], strict=True)
    with pytest.raises(FileFormatError, match="broken.bvh: HIERARCHY or MOTION is missing"):
        read_sources([takes / "bob" / "broken.bvh"])
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        read_sources([takes, tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no motion files in this folder.*split.json.*.bvh"):
        read_sources([tmp_path / "empty"])
    save_library(tmp_path / "a.npz", MotionLibrary(()))
    with pytest.raises(InputError, match="a.npz: no motions"):
        read_sources([tmp_path / "a.npz"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (figure_bvh(frames=10), "0.08 s are too short"),
        (figure_bvh(frames=60).replace("95.000000000", "1e400"), "finite numbers"),
    ],
)
def test_files_that_no_library_can_hold(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text(text)
    with pytest.raises(FileFormatError, match=f"a.bvh: .*{says}"):
        read_sources([tmp_path])


def test_a_joint_far_away_is_a_wrong_unit(tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text(figure_bvh(frames=60))
    with pytest.raises(FileFormatError, match=r"a.bvh: a joint is more than 3.2 m from the pelvis.*--unit"):
        read_sources([tmp_path], MocapConfig(unit=0.05))


def test_whatever_a_broken_file_runs_into_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.amc").write_text(figure_amc(60).replace("root 0", "root zero"))
    (tmp_path / "a.asf").write_text(LEG_ASF)
    (tmp_path / "b.npz").write_bytes(b"")
    write_points(tmp_path / "c.npz", {name: p * 0 for name, p in joints().items()})
    write_points(tmp_path / "d.npz", joints())
    found = read_sources([tmp_path])
    assert [m.name for m in found.library] == ["d.npz[0:40]"]
    assert [Path(line.partition(": ")[0]).name for line in found.skipped] == ["a.amc", "b.npz", "c.npz"]


def test_a_missing_package_is_no_reason_to_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    (tmp_path / "a.c3d").touch()
    write_points(tmp_path / "d.npz", joints())
    with pytest.raises(MissingDependencyError, match="mocap"):
        read_sources([tmp_path])
