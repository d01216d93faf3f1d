"""Stories from raw data sets to the files of training: whole or not at all, and readable by everyone."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER
from raw_files import CAMERA_IDS, millimetres, pack, write_cdf, write_dump, write_mat

from videopose3d.datasets.community import read_positions_2d, read_positions_3d
from videopose3d.datasets.load import load_dataset
from videopose3d.datasets.raw.h36m import ACTIONS, SUBJECTS
from videopose3d.datasets.raw.humaneva import FRAMES
from videopose3d.errors import FileFormatError, InputError, OutputError, SkeletonMismatchError
from videopose3d.pipeline import prepare as story
from videopose3d.pipeline.prepare import (
    prepare_custom,
    prepare_h36m,
    prepare_h36m_detections,
    prepare_humaneva,
    prepare_humaneva_detections,
)
from videopose3d.result_file import save_result
from videopose3d.skeleton import COCO17
from videopose3d.types import Keypoints2D, Result

Array = np.ndarray[Any, Any]
DUMPS = FOLDER / "detections"
GOOD_DUMPS = ("single.mp4", "one_frame.mp4", "two each frame.mov", "mixed.mp4")


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# --- Human3.6M


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Two subjects: one unpacked, one in the archive of the makers."""
    root = tmp_path / "downloads"
    for seed, action in enumerate(["Walking", "TakingPhoto 1", "Directions"]):
        write_cdf(root / f"S1/MyPoseFeatures/D3_Positions/{action}.cdf", millimetres(5 + seed, seed))
    packed = [
        write_cdf(tmp_path / f"S11/MyPoseFeatures/D3_Positions/{action}.cdf", millimetres(4, seed))
        for seed, action in enumerate(["Directions", "Directions 1"])
    ]
    pack(root / "Poses_D3_Positions_S11.tgz", tmp_path, packed)
    return root


def test_h36m(downloads: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    done = prepare_h36m(downloads, tmp_path / "data", allow_incomplete=True, progress=lambda *at: seen.append(at))
    assert (
        visible(tmp_path / "data")
        == ["data_2d_h36m_gt.npz", "data_3d_h36m.npz"]
        == sorted(p.name for p in done.outputs)
    )
    assert (done.subjects, done.takes, done.frames) == (("S1", "S11"), 4, 5 + 6 + 7 + 4)
    assert done.remarks[1:6] == ("no S5", "no S6", "no S7", "no S8", "no S9")
    assert done.remarks[0].startswith("S1 lacks Directions (1 of 2), Discussion (0 of 2)")
    assert seen[-1] == ("read", 26, None)

    positions = read_positions_3d(tmp_path / "data" / "data_3d_h36m.npz")
    keypoints, metadata = read_positions_2d(tmp_path / "data" / "data_2d_h36m_gt.npz")
    assert {s: list(a) for s, a in positions.items()} == {
        "S1": ["Directions", "Photo 1", "Walking"],
        "S11": ["Directions 1"],
    }
    np.testing.assert_allclose(positions["S1"]["Photo 1"].reshape(6, 96) * 1000, millimetres(6, 1), rtol=1e-6)
    assert {s: {a: [v.shape for v in k] for a, k in t.items()} for s, t in keypoints.items()} == {
        s: {a: [(len(p), 17, 2)] * 4 for a, p in t.items()} for s, t in positions.items()
    }
    assert (metadata["layout_name"], metadata["num_joints"]) == ("h36m", 17)


def test_the_original_reads_them_too(downloads: Path, tmp_path: Path) -> None:
    prepare_h36m(downloads, tmp_path, allow_incomplete=True)
    with np.load(tmp_path / "data_3d_h36m.npz", allow_pickle=True) as file:
        take = file["positions_3d"].item()["S11"]["Directions 1"]
    assert (take.dtype, take.shape) == (np.float32, (4, 32, 3))
    with np.load(tmp_path / "data_2d_h36m_gt.npz", allow_pickle=True) as file:
        views = file["positions_2d"].item()["S11"]["Directions 1"]
        assert file["metadata"].item()["keypoints_symmetry"] == [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    assert [(view.dtype, view.shape) for view in views] == [(np.float32, (4, 17, 2))] * 4


def test_a_complete_data_set_has_no_remarks(tmp_path: Path) -> None:
    for subject in SUBJECTS:
        for action in ACTIONS:
            for take in ("", " 1"):
                write_cdf(tmp_path / f"in/{subject}/D3_Positions/{action}{take}.cdf", millimetres(1))
    done = prepare_h36m(tmp_path / "in", tmp_path / "data")
    assert (done.takes, done.remarks) == (7 * 30 - 1, ())
    (tmp_path / "in/S7/D3_Positions/Posing.cdf").unlink()
    with pytest.raises(InputError, match=r"incomplete: S7 lacks Posing \(1 of 2\)\. Get the rest, or give --allow-inc"):
        prepare_h36m(tmp_path / "in", tmp_path / "data", overwrite=True)


def test_a_part_is_refused_unless_allowed(downloads: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="incomplete: S1 lacks .*; no S5; no S6; no S7; and 3 more"):
        prepare_h36m(downloads, tmp_path / "data")
    assert visible(tmp_path / "data") == []


@pytest.mark.parametrize("there", ["data_3d_h36m.npz", "data_2d_h36m_gt.npz"])
def test_nothing_is_replaced_unasked(there: str, downloads: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / there).write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        prepare_h36m(downloads, tmp_path / "data", allow_incomplete=True)
    assert visible(tmp_path / "data") == [there]
    assert (tmp_path / "data" / there).read_text() == "mine"
    prepare_h36m(downloads, tmp_path / "data", allow_incomplete=True, overwrite=True)
    read_positions_3d(tmp_path / "data" / "data_3d_h36m.npz")


def test_both_files_or_none(downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(story, "write_positions_2d", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_h36m(downloads, tmp_path / "data", allow_incomplete=True)
    assert visible(tmp_path / "data") == []


def test_the_files_are_a_data_set(downloads: Path, tmp_path: Path) -> None:
    prepare_h36m(downloads, tmp_path, allow_incomplete=True)
    dataset = load_dataset("h36m", "gt", folder=tmp_path)
    assert [(s.subject, s.action) for s in dataset.sequences][::4] == [
        ("S1", "Directions"),
        ("S1", "Photo 1"),
        ("S1", "Walking"),
        ("S11", "Directions 1"),
    ]
    assert all(s.poses is not None for s in dataset.sequences)


# --- detections on Human3.6M


SIZES = [(1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002)]


def write_views(folder: Path, subject: str, action: str, frames: int, **fields: Any) -> list[Array]:
    """Detections of one take in the four cameras."""
    rng = np.random.default_rng(frames)
    views = [rng.uniform(0, 900, (frames + i % 2, 17, 2)).astype(np.float32) for i in range(4)]
    for camera, size, view in zip(CAMERA_IDS, SIZES, views, strict=True):
        write_dump(folder / subject / f"{action}.{camera}.mp4.npz", view, **{"size": size, **fields})
    return views


def test_h36m_detections(downloads: Path, tmp_path: Path) -> None:
    found = tmp_path / "found"
    walking = write_views(found, "S1", "Walking", 5)
    others = [("S1", "TakingPhoto 1", 6), ("S1", "Directions", 9), ("S11", "Directions", 4), ("S11", "Directions 1", 4)]
    for subject, action, frames in [*others, ("S2", "Eating", 3), ("S2", "_ALL", 3), ("S2", "._Eating", 2)]:
        write_views(found, subject, action, frames)
    prepare_h36m(downloads, tmp_path, allow_incomplete=True)
    done = prepare_h36m_detections(found, "mine", tmp_path, layout="h36m17")
    assert [path.name for path in done.outputs] == ["data_2d_h36m_mine.npz"]
    keypoints, metadata = read_positions_2d(done.outputs[0])
    assert [(subject, list(takes)) for subject, takes in keypoints.items()] == [
        ("S1", ["Directions", "Photo 1", "Walking"]),
        ("S2", ["Eating"]),
        ("S11", ["Directions 1"]),
    ]
    for found_view, view in zip(keypoints["S1"]["Walking"], walking, strict=True):
        np.testing.assert_array_equal(found_view, view)
    assert metadata["layout_name"] == "h36m"


def test_soft_argmax_dumps_as_h36m_detections(tmp_path: Path) -> None:
    (tmp_path / "S5").mkdir()
    for camera in CAMERA_IDS:
        shutil.copy(DUMPS / "d1_softargmax_h36m.npz", tmp_path / "S5" / f"Eating.{camera}.mp4.npz")
    with pytest.raises(FileFormatError, match="a video of 1000 x 1002 px, the camera's is 1000 x 1000"):
        prepare_h36m_detections(tmp_path, "ft", tmp_path, layout="h36m17")
    for camera in CAMERA_IDS[1:3]:
        path = tmp_path / "S5" / f"Eating.{camera}.mp4.npz"
        with np.load(path, allow_pickle=True) as file:
            data = {key: file[key] for key in file.files if key != "metadata"}
        np.savez(path, **data)
    prepare_h36m_detections(tmp_path, "ft", tmp_path, layout="h36m17")
    keypoints, _ = read_positions_2d(tmp_path / "data_2d_h36m_ft.npz")
    with np.load(DUMPS / "d1_softargmax_h36m_expected.npz") as expected:
        for view in keypoints["S5"]["Eating"]:
            np.testing.assert_array_equal(view, expected["keypoints"])


def test_detections_that_do_not_fit(downloads: Path, tmp_path: Path) -> None:
    found = tmp_path / "found"
    prepare_h36m(downloads, tmp_path, allow_incomplete=True)
    for action, frames in [("Walking", 4), ("Photo 1", 6), ("Directions", 7)]:
        write_views(found, "S1", action, frames)
    write_views(found, "S11", "Directions 1", 4)

    def refused(error: type[Exception], message: str, **options: Any) -> None:
        with pytest.raises(error, match=message):
            prepare_h36m_detections(found, "bad", tmp_path, **options)
        assert "data_2d_h36m_bad.npz" not in visible(tmp_path)

    refused(InputError, r"Walking\.54138969\.mp4\.npz: 4 frames of detections for 5 of motion capture")
    write_views(found, "S1", "Walking", 5)
    refused(SkeletonMismatchError, "its keypoints are 17 joints, not mpii16. .*--layout", layout="mpii16")
    refused(SkeletonMismatchError, "no joints called 'body25'. There are coco17", layout="body25")
    write_views(found, "S1", "Walking", 5, seen=np.zeros(6, bool))
    refused(InputError, "nobody was detected")
    (found / "S1" / f"Walking.{CAMERA_IDS[2]}.mp4.npz").unlink()
    refused(InputError, "no detections of camera 58860488 beside it")
    for camera in CAMERA_IDS:
        (found / "S1" / f"Walking.{camera}.mp4.npz").unlink(missing_ok=True)
    refused(InputError, "incomplete: no detections of S1 Walking")
    done = prepare_h36m_detections(found, "part", tmp_path, allow_incomplete=True)
    assert done.remarks == ("no detections of S1 Walking",)


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_no_detections(folder: str, tmp_path: Path) -> None:
    for detections in (prepare_h36m_detections,):
        with pytest.raises(InputError, match=r"S1/Walking 1\.54138969\.mp4\.npz"):
            detections(tmp_path / folder, "x", tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", ".x"])
def test_names_are_parts_of_file_names(name: str, tmp_path: Path) -> None:
    for prepare in (prepare_h36m_detections, lambda _, name, to: prepare_custom([DUMPS], name, to)):
        with pytest.raises(InputError, match="a name of letters, digits"):
            prepare(DUMPS, name, tmp_path / "data")
    assert visible(tmp_path) == []


# --- HumanEva


def humaneva_arrays(person: str, action: str, corrupt: slice, joints: int = 15) -> dict[str, Array]:
    frames = FRAMES[person][action][1]
    t = np.arange(frames, dtype=float)
    positions = np.broadcast_to(1000 * t[:, None, None], (frames, joints, 3)).copy()
    positions[corrupt] = np.nan
    return {"poses_3d": positions, "poses_2d": np.broadcast_to(t[:, None, None, None], (frames, 3, joints, 2))}


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    write_mat(tmp_path / "15j" / "S1" / "Box_1.mat", **humaneva_arrays("S1", "Box 1", slice(400, 410)))
    return tmp_path / "15j"


def test_humaneva(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="incomplete: no Train/S1 Walking 1; .* and 22 more"):
        prepare_humaneva(converted, tmp_path)
    done = prepare_humaneva(converted, tmp_path, allow_incomplete=True)
    assert [path.name for path in done.outputs] == ["data_3d_humaneva15.npz", "data_2d_humaneva15_gt.npz"]
    assert done.subjects == ("Train/S1", "Validate/S1")
    positions, (keypoints, metadata) = read_positions_3d(done.outputs[0]), read_positions_2d(done.outputs[1])
    frames = {
        "Train/S1": {"Box 1 chunk0": np.arange(385, 400), "Box 1 chunk2": np.arange(410, 789)},
        "Validate/S1": {"Box 1 chunk0": np.arange(5, 385)},
    }
    assert {s: list(t) for s, t in positions.items()} == {s: list(t) for s, t in frames.items()}
    for subject, takes in frames.items():
        for action, t in takes.items():
            np.testing.assert_allclose(positions[subject][action][:, 3, 1], t)
            for view in keypoints[subject][action]:
                np.testing.assert_allclose(view[:, 14, 0], t)
    assert metadata["layout_name"] == "humaneva15"


def test_humaneva_with_twenty_joints(tmp_path: Path) -> None:
    write_mat(tmp_path / "20j" / "S1" / "Box_1.mat", **humaneva_arrays("S1", "Box 1", slice(0, 0), 20))
    done = prepare_humaneva(tmp_path / "20j", tmp_path, allow_incomplete=True)
    assert [path.name for path in done.outputs] == ["data_3d_humaneva20.npz", "data_2d_humaneva20_gt.npz"]
    write_mat(tmp_path / "20j" / "S2" / "Box_1.mat", **humaneva_arrays("S2", "Box 1", slice(0, 0)))
    with pytest.raises(InputError, match="files of 15 and of 20 joints"):
        prepare_humaneva(tmp_path / "20j", tmp_path, allow_incomplete=True, overwrite=True)


def write_humaneva_views(folder: Path, person: str, action: str, frames: int) -> None:
    """Frame t of every video has its joints at (t, t) px."""
    t = np.arange(frames, dtype=np.float32)
    points = np.broadcast_to(t[:, None, None], (frames, 17, 2))
    for camera in ("C1", "C2", "C3", "BW1"):
        write_dump(folder / person / f"{action}_({camera}).avi.npz", points, size=(640, 480))


def test_humaneva_detections(converted: Path, tmp_path: Path) -> None:
    write_humaneva_views(tmp_path / "found", "S1", "Box_1", 900)
    write_humaneva_views(tmp_path / "found", "S4", "Box_2", 7)
    done = prepare_humaneva_detections(converted, tmp_path / "found", "mine", tmp_path, allow_incomplete=True)
    assert done.outputs[0].name == "data_2d_humaneva15_mine.npz"
    keypoints, metadata = read_positions_2d(done.outputs[0])
    assert metadata["layout_name"] == "coco"
    expected = {  # C1 begins with its frame 57, counted from 1
        ("Train/S1", "Box 1 chunk0"): np.arange(385, 400) + 56,
        ("Unlabeled/Train/S1", "Box 1 chunk1"): np.arange(400, 410) + 56,
        ("Train/S1", "Box 1 chunk2"): np.arange(410, 789) + 56,
        ("Validate/S1", "Box 1 chunk0"): np.arange(5, 385) + 56,
        ("Unlabeled/S4", "Box 2"): np.arange(7),
    }
    found = {(subject, action): views for subject, takes in keypoints.items() for action, views in takes.items()}
    assert found.keys() == expected.keys()
    for take, t in expected.items():
        np.testing.assert_array_equal(found[take][0][:, 5, 0], t)
    np.testing.assert_array_equal(found["Train/S1", "Box 1 chunk0"][2][:, 5, 0], np.arange(385, 400) + 55)


def test_humaneva_videos_that_end_early(converted: Path, tmp_path: Path) -> None:
    write_humaneva_views(tmp_path / "found", "S1", "Box_1", 800)
    with pytest.raises(InputError, match=r"Box_1_\(C1\).avi.npz: 800 frames; Train/S1 Box 1 ends at frame 845"):
        prepare_humaneva_detections(converted, tmp_path / "found", "mine", tmp_path, allow_incomplete=True)
    assert "data_2d_humaneva15_mine.npz" not in visible(tmp_path)


# --- own videos


def test_custom_files_are_those_of_the_original(tmp_path: Path) -> None:
    for clip in GOOD_DUMPS:
        shutil.copy(DUMPS / f"{clip}.npz", tmp_path)
    done = prepare_custom([tmp_path], "mine", tmp_path / "data")
    assert [path.name for path in done.outputs] == ["data_2d_custom_mine.npz"]
    assert (set(done.subjects), done.takes, done.frames) == (set(GOOD_DUMPS), 4, 62)
    with (
        np.load(done.outputs[0], allow_pickle=True) as ours,
        np.load(FOLDER / "data" / "data_2d_custom_fromdump.npz", allow_pickle=True) as theirs,
    ):
        assert sorted(ours.files) == sorted(theirs.files)
        assert ours["metadata"].item() == theirs["metadata"].item()
        found, expected = ours["positions_2d"].item(), theirs["positions_2d"].item()
    assert found.keys() == expected.keys()
    for clip in GOOD_DUMPS:
        assert found[clip].keys() == {"custom"}
        assert isinstance(found[clip]["custom"], list)
        (view,), (golden,) = found[clip]["custom"], expected[clip]["custom"]
        assert view.dtype == golden.dtype
        np.testing.assert_array_equal(view, golden)


def test_result_files_bring_their_frame_rate(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 99, (1, 6, 17, 2)).astype(np.float32)
    scores, boxes = np.ones((1, 6, 17), np.float32), np.zeros((1, 6, 4), np.float32)
    keypoints = Keypoints2D(
        points, scores, boxes, np.ones((1, 6), bool), COCO17, Fraction(30000, 1001), (64, 48), "a/walk.mp4"
    )
    save_result(Result(keypoints), tmp_path / "r.npz")
    prepare_custom([tmp_path / "r.npz", DUMPS / "single.mp4.npz"], "mine", tmp_path)
    metadata = read_positions_2d(tmp_path / "data_2d_custom_mine.npz")[1]
    assert metadata["video_metadata"] == {
        "walk.mp4": {"w": 64, "h": 48, "fps": pytest.approx(29.97003)},
        "single.mp4": {"w": 320, "h": 240},
    }
    (walk, single) = load_dataset("custom", tmp_path / "data_2d_custom_mine.npz").sequences
    np.testing.assert_array_equal(walk.keypoints, points[0])
    assert (single.subject, single.camera.size) == ("single.mp4", (320, 240))


def test_custom_refuses(tmp_path: Path) -> None:
    def refused(error: type[Exception], message: str, *sources: Path, **options: Any) -> None:
        with pytest.raises(error, match=message):
            prepare_custom(sources, "mine", tmp_path / "data", **options)
        assert visible(tmp_path / "data") == []

    (tmp_path / "empty").mkdir()
    single = DUMPS / "single.mp4.npz"
    refused(InputError, "empty: no .npz files in this folder", tmp_path / "empty")
    refused(InputError, "nowhere: no such file", tmp_path / "nowhere")
    refused(InputError, "no files of detections given")
    refused(InputError, r"empty\.mp4\.npz: nobody was detected", single, DUMPS / "empty.mp4.npz")
    shutil.copy(single, tmp_path / "single.mp4.npz")
    refused(InputError, "a second file of the video 'single.mp4'", single, tmp_path / "single.mp4.npz")
    refused(SkeletonMismatchError, "its keypoints are 17 joints, not mpii16", single, layout="mpii16")
    np.savez(tmp_path / "plain.mp4.npz", keypoints=np.zeros((3, 17, 2)))
    refused(FileFormatError, "it does not say how large the video is", tmp_path / "plain.mp4.npz")
