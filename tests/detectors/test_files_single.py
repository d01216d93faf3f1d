"""Detections on videos: the golden dumps of the original program, and files it cannot read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER, golden
from raw_files import write_dump

from videopose3d.detectors.files.single import hold_last, interpolate, read_detections
from videopose3d.errors import FileFormatError, InputError
from videopose3d.result_file import save_result
from videopose3d.skeleton import COCO17
from videopose3d.types import Keypoints2D, Result

DUMPS = FOLDER / "detections"
Array = np.ndarray[Any, Any]


@pytest.mark.parametrize("clip", ["single.mp4", "one_frame.mp4", "two each frame.mov", "mixed.mp4"])
def test_dumps_give_what_the_original_makes_of_them(clip: str) -> None:
    expected = golden("detections_expected")
    found = read_detections(DUMPS / f"{clip}.npz")
    assert found.name == clip
    assert found.size == tuple(expected[f"{clip}/wh"])
    np.testing.assert_array_equal(found.seen, ~expected[f"{clip}/interpolated"])
    np.testing.assert_array_equal(found.filled(), expected[f"{clip}/keypoints"])
    np.testing.assert_array_equal(interpolate(found.boxes), expected[f"{clip}/boxes"])


def test_soft_argmax_dumps_repeat_the_last_pose() -> None:
    found = read_detections(DUMPS / "d1_softargmax_h36m.npz")
    assert found.held
    assert not found.seen.all()
    with np.load(DUMPS / "d1_softargmax_h36m_expected.npz") as expected:
        np.testing.assert_array_equal(found.filled(), expected["keypoints"])


def test_nobody_anywhere_is_an_error() -> None:
    found = read_detections(DUMPS / "empty.mp4.npz")
    assert (found.seen.any(), found.size, len(found.points)) == (False, (320, 240), 5)
    with pytest.raises(InputError, match=r"empty\.mp4\.npz: nobody was detected in any of its 5 frames\. Leave"):
        found.filled()


def test_gaps_by_hand() -> None:
    nan = np.nan
    values = np.array([[nan, nan], [1, 5], [nan, 7], [3, nan], [nan, nan]], np.float32)
    np.testing.assert_array_equal(interpolate(values), [[1, 5], [1, 5], [2, 7], [3, 7], [3, 7]])
    held = np.array([[nan, nan], [1, 5], [nan, nan], [3, 4], [nan, nan]], np.float32)
    np.testing.assert_array_equal(hold_last(held), [[1, 5], [1, 5], [1, 5], [3, 4], [3, 4]])
    values[:, 1] = nan
    with pytest.raises(InputError, match="a joint was not detected in any frame"):
        interpolate(values)


def test_plain_arrays(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 99, (4, 16, 3)).astype(np.float32)
    np.savez(tmp_path / "a.mp4.npz", keypoints=points)
    found = read_detections(tmp_path / "a.mp4.npz")
    assert (found.name, found.size, found.skeleton) == ("a.mp4", None, None)
    np.testing.assert_array_equal(found.filled(), points[..., :2])


def result(people: int, source: str) -> Result:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 99, (people, 6, 17, 2)).astype(np.float32)
    present = np.ones((people, 6), bool)
    present[0, :4] = False
    points[~present] = np.nan
    shape = points.shape[:2]
    boxes = np.zeros((*shape, 4), np.float32)
    scores = np.ones((*shape, 17), np.float32)
    return Result(Keypoints2D(points, scores, boxes, present, COCO17, Fraction(25), (64, 48), source))


@pytest.mark.parametrize(
    ("source", "name"), [("videos/walk.mp4", "walk.mp4"), ("https://a.org/b/c.mov", "c.mov"), ("", "r")]
)
def test_result_files_give_who_was_seen_most(source: str, name: str, tmp_path: Path) -> None:
    made = result(2, source)
    save_result(made, tmp_path / "r.npz")
    found = read_detections(tmp_path / "r.npz")
    assert (found.name, found.size, found.skeleton) == (name, (64, 48), COCO17)
    np.testing.assert_array_equal(found.filled(), made.keypoints.points[1])


def test_gaps_of_result_files_are_bridged(tmp_path: Path) -> None:
    made = result(1, "a.mp4")
    save_result(made, tmp_path / "r.npz")
    filled = read_detections(tmp_path / "r.npz").filled()
    np.testing.assert_array_equal(filled[:4], np.broadcast_to(made.keypoints.points[0, 4], (4, 17, 2)))


def test_nobody_in_a_result_file(tmp_path: Path) -> None:
    nobody = result(1, "a.mp4").keypoints
    arrays = (nobody.points[:0], nobody.scores[:0], nobody.boxes[:0], nobody.present[:0])
    save_result(Result(Keypoints2D(*arrays, COCO17, Fraction(25), (64, 48), "a.mp4")), tmp_path / "r.npz")
    with pytest.raises(InputError, match="nobody was detected"):
        read_detections(tmp_path / "r.npz").filled()


def damaged(kind: str) -> dict[str, Any]:
    with np.load(DUMPS / "single.mp4.npz", allow_pickle=True) as file:
        data = {key: file[key] for key in file.files}
    match kind:
        case "joints":
            data["keypoints"][3, 1] = data["keypoints"][3, 1][:, :, :16]
        case "people":
            data["boxes"][3, 1] = np.zeros((2, 5), np.float32)
        case "rows":
            data["keypoints"][3, 1] = data["keypoints"][3, 1][:, :3]
        case "frames":
            data["boxes"] = data["boxes"][:-1]
        case "nan":
            data["keypoints"][3, 1] = data["keypoints"][3, 1] * np.nan
        case "size":
            data["metadata"] = np.array({"w": 0, "h": 240}, object)
        case "keys":
            data = {"joints": data["boxes"]}
        case "dict":
            data["keypoints"] = np.array({"a": 1}, object)
    return data


@pytest.mark.parametrize("kind", ["joints", "people", "rows", "frames", "nan", "size", "keys", "dict"])
def test_other_arrays_are_one_error(kind: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", **damaged(kind))
    with pytest.raises(FileFormatError, match=r"bad\.npz: "):
        read_detections(tmp_path / "bad.npz")


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_half_a_file_is_one_error(part: float, tmp_path: Path) -> None:
    data = (DUMPS / "mixed.mp4.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileFormatError, match=r"half\.npz"):
        read_detections(tmp_path / "half.npz")


class Attack:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def test_a_pickle_that_does_something_does_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for place in ("metadata", "boxes"):
        data = damaged("") | {place: np.array(Attack(trace), object)}
        np.savez(tmp_path / "evil.npz", **data)
        with pytest.raises(FileFormatError, match="nothing was run"):
            read_detections(tmp_path / "evil.npz")
    assert not trace.exists()
    np.load(tmp_path / "evil.npz", allow_pickle=True)["boxes"]
    assert trace.exists()  # the attack works on who runs it


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_detections(tmp_path / "no.npz")


def test_our_own_dumps_are_read_back(tmp_path: Path) -> None:
    points = np.random.default_rng(2).uniform(0, 900, (5, 17, 2)).astype(np.float32)
    seen = np.array([False, True, True, False, True])
    found = read_detections(write_dump(tmp_path / "x.mp4.npz", points, seen=seen))
    np.testing.assert_array_equal(found.seen, seen)
    np.testing.assert_array_equal(found.filled()[seen], points[seen])
