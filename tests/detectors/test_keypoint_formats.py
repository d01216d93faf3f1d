"""Files of other 2D tools: the golden ones give what is expected of them, others one clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_files import FOLDER, golden

from videopose3d.detectors.files import in_coco, read_people
from videopose3d.detectors.files.joints import BODY25, HALPE26, OPENPOSE18
from videopose3d.detectors.files.sightings import Sightings
from videopose3d.errors import FileFormatError, InputError, SkeletonMismatchError
from videopose3d.skeleton import COCO17, H36M17

FORMATS = FOLDER / "formats"
COUNTS = [1, 2, 2, 0, 1, 3, 1, 2]


def best(sightings: Sightings) -> np.ndarray:
    """(T, J, 3) x, y, score of the person with the best score in every frame; NaN for nobody."""
    joints = len(sightings.skeleton or COCO17)
    out = np.full((len(sightings.frames), joints, 3), np.nan, np.float32)
    for t, people in enumerate(sightings.frames):
        if people:
            person = max(people, key=lambda p: p.score)
            out[t] = np.concatenate([person.keypoints, person.scores[:, None]], 1)
    return out


def counts(sightings: Sightings) -> list[int]:
    return [len(people) for people in sightings.frames]


# --- the golden files


def test_openpose() -> None:
    found = read_people(FORMATS / "openpose_body25")
    assert (found.kind, found.skeleton, found.name, found.offset) == ("OpenPose", BODY25, "clip", 0)
    coco, expected = in_coco(found), golden("formats_expected")
    assert counts(found) == counts(coco) == COUNTS == expected["people_per_frame"].tolist()
    for t, people in enumerate(coco.frames):
        rows = [np.concatenate([np.nan_to_num(p.keypoints), p.scores[:, None]], 1) for p in people]
        np.testing.assert_array_equal(np.reshape(rows, (-1, 17, 3)), expected[f"op_frame{t}"].astype(np.float32))
    missing = np.concatenate([p.keypoints[p.scores == 0] for people in coco.frames for p in people])
    assert len(missing)
    assert np.isnan(missing).all(), "a joint that was not found has no place"


@pytest.mark.parametrize(
    ("file", "kind", "skeleton"),
    [
        ("alphapose_coco17.json", "AlphaPose", COCO17),
        ("alphapose_halpe26.json", "AlphaPose", HALPE26),
        ("coco_results.json", "COCO results", COCO17),
    ],
)
def test_lists_of_people(file: str, kind: str, skeleton: Any) -> None:
    found = read_people(FORMATS / file)
    assert (found.kind, found.skeleton, counts(found)) == (kind, skeleton, COUNTS)
    name = file.removesuffix(".json").replace("coco_results", "coco")
    expected = golden("formats_expected")[f"{name}_best_by_score"].astype(np.float32)
    np.testing.assert_array_equal(best(found), expected)
    coco = in_coco(found)
    assert coco.skeleton == COCO17
    np.testing.assert_array_equal(best(coco), expected[:, :17])
    scores = [p.score for people in found.frames for p in people]
    assert 0 < min(scores) <= max(scores) <= 1


def test_boxes_are_corners() -> None:
    record = next(r for r in json.loads((FORMATS / "coco_results.json").read_text()) if r["image_id"] == 1000)
    x, y, w, h = record["bbox"]
    box = read_people(FORMATS / "coco_results.json").frames[0][0].box
    np.testing.assert_allclose(box, [x, y, x + w, y + h], rtol=1e-6)


@pytest.mark.parametrize("clip", ["mixed.mp4", "two each frame.mov", "single.mp4", "one_frame.mp4"])
def test_detectron_dumps(clip: str) -> None:
    expected = golden("detections_expected")
    found = read_people(FOLDER / "detections" / f"{clip}.npz")
    assert (found.kind, found.skeleton, found.held) == ("Detectron", None, False)
    assert found.size == tuple(expected[f"{clip}/wh"])
    assert counts(found) == expected[f"{clip}/counts"].tolist()
    seen = expected[f"{clip}/counts"] > 0
    np.testing.assert_array_equal(best(found)[seen, :, :2], expected[f"{clip}/keypoints"][seen])
    np.testing.assert_array_equal(best(found)[seen, :, 2], expected[f"{clip}/keypoint_prob_of_best"][seen])


def test_six_rows_and_nobody() -> None:
    assert read_people(FOLDER / "detections" / "d1_softargmax_h36m.npz").held
    assert counts(read_people(FOLDER / "detections" / "empty.mp4.npz")) == [0] * 5


@pytest.mark.parametrize("file", ["data_2d_custom_tiny.npz", "data_2d_custom_tiny_np2.npz"])
def test_custom_keypoints(file: str) -> None:
    path = FOLDER / "data" / file
    with np.load(path, allow_pickle=True) as data:  # made here
        takes, about = data["positions_2d"].item(), data["metadata"].item()["video_metadata"]
    for clip in ("clip_a.mp4", "clip b.mp4"):
        found = read_people(path, clip)
        np.testing.assert_array_equal(best(found)[..., :2], np.float32(takes[clip]["custom"][0]))
        assert (found.name, found.skeleton) == (clip, COCO17)
        assert found.size == (about[clip]["w"], about[clip]["h"])


def test_one_of_several_videos_is_chosen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    takes = {name: {"custom": [rng.uniform(9, 99, (n, 17, 2))]} for name, n in (("a.mp4", 3), ("b.mp4", 5))}
    metadata = {"layout_name": "h36m", "video_metadata": {"b.mp4": {"w": 64, "h": 48, "fps": 29.97}}}
    np.savez(tmp_path / "d.npz", positions_2d=np.array(takes, object), metadata=np.array(metadata, object))
    found = read_people(tmp_path / "d.npz", "b.mp4")
    assert (len(found.frames), found.size, found.skeleton) == (5, (64, 48), H36M17)
    assert float(found.fps or 0) == pytest.approx(29.97, abs=1e-4)
    assert in_coco(found).skeleton == H36M17, "Human3.6M's joints do not hold COCO's"
    with pytest.raises(InputError, match=r"it holds 2 videos. Choose one with --clip: a\.mp4, b\.mp4"):
        read_people(tmp_path / "d.npz")
    with pytest.raises(InputError, match=r"no video 'c\.mp4' in it"):
        read_people(tmp_path / "d.npz", "c.mp4")


# --- MMPose: made after its documentation


POINTS = np.random.default_rng(1).uniform(10, 90, (17, 2)).round(3)
SCORES = np.linspace(0.3, 0.9, 17).round(3)
ONE = {
    "keypoints": POINTS.tolist(),
    "keypoint_scores": SCORES.tolist(),
    "bbox": [[5.0, 6.0, 95.0, 96.0]],
    "bbox_score": 0.8,
}
OLD = {"keypoints": np.column_stack([POINTS, SCORES]).tolist(), "bbox": [5.0, 6.0, 95.0, 96.0, 0.8]}
MMPOSE: dict[str, tuple[Any, list[int]]] = {
    "demo": (
        {"meta_info": {}, "instance_info": [{"frame_id": t + 1, "instances": [ONE] * t} for t in range(3)]},
        [0, 1, 2],
    ),
    "inferencer": ([{"frame_id": t, "instances": [ONE] * (2 - t)} for t in range(3)], [2, 1, 0]),
    "one picture": ([ONE, ONE], [2]),
    "0.x": ([[OLD], [], [OLD, OLD]], [1, 0, 2]),
}


@pytest.mark.parametrize("kind", MMPOSE)
def test_mmpose(kind: str, tmp_path: Path) -> None:
    content, people = MMPOSE[kind]
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = read_people(tmp_path / "a.json")
    assert (found.kind, counts(found), found.skeleton) == ("MMPose", people, COCO17)
    person = next(p for people in found.frames for p in people)
    np.testing.assert_array_equal(person.keypoints, POINTS.astype(np.float32))
    np.testing.assert_array_equal(person.scores, SCORES.astype(np.float32))
    np.testing.assert_array_equal(person.box, [5, 6, 95, 96])
    assert person.score == pytest.approx(0.8)


@pytest.mark.parametrize("joints", [133, 136])
def test_whole_bodies_begin_with_the_body(joints: int, tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(1, 99, (joints, 3)).round(2)
    values[:, 2] = 0.5
    record = {"image_id": "0.jpg", "category_id": 1, "keypoints": values.ravel().tolist(), "score": 0.9}
    (tmp_path / "a.json").write_text(json.dumps([record]))
    person = in_coco(read_people(tmp_path / "a.json")).frames[0][0]
    np.testing.assert_array_equal(person.keypoints, values[:17, :2].astype(np.float32))


def test_openpose_of_the_coco_model(tmp_path: Path) -> None:
    values = np.random.default_rng(3).uniform(1, 99, (18, 3))
    (tmp_path / "x_07_keypoints.json").write_text(
        json.dumps({"people": [{"pose_keypoints_2d": values.ravel().tolist()}]})
    )
    found = read_people(tmp_path)
    assert (found.skeleton, found.offset, len(found.frames)) == (OPENPOSE18, 7, 1)
    person = in_coco(found).frames[0][0]
    for joint in ("nose", "left_wrist", "right_ear", "left_ankle"):
        place = values[OPENPOSE18.index(joint), :2].astype(np.float32)
        np.testing.assert_array_equal(person.keypoints[COCO17.index(joint)], place)


# --- frame numbers


def records(*images: Any) -> list[dict[str, Any]]:
    flat = np.column_stack([POINTS, SCORES]).ravel().tolist()
    return [{"image_id": image, "category_id": 1, "keypoints": flat, "score": 0.9} for image in images]


@pytest.mark.parametrize(
    ("images", "frames", "offset"),
    [
        (("2.jpg", "4.jpg"), [0, 0, 1, 0, 1], 0),
        (("frame_0011.png", "frame_0013.png"), [1, 0, 1], 11),
        ((1007, 1005, 1005), [2, 0, 1], 1005),
    ],
    ids=["AlphaPose counts a video's frames from 0", "pictures in a folder", "COCO ids"],
)
def test_frames_without_people_are_left_out_of_lists(
    images: Any, frames: list[int], offset: int, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(records(*images)))
    found = read_people(tmp_path / "a.json")
    assert (counts(found), found.offset) == (frames, offset)


def test_missing_openpose_frames_are_empty(tmp_path: Path) -> None:
    for number in (0, 2):
        shutil.copy(FORMATS / "openpose_body25" / f"clip_{number:012d}_keypoints.json", tmp_path)
    assert counts(read_people(tmp_path)) == [1, 0, 2]


# --- bad input


BAD: dict[str, tuple[Any, str]] = {
    "text": ("{not json", "not a readable JSON"),
    "number": ("3", "no 2D keypoints of a program known"),
    "deep": ("[" * 100_000, "not a readable JSON"),
    "object": ({"a": 1}, "no 2D keypoints of a program known"),
    "annotations": ({"images": [], "annotations": []}, "COCO annotations, not results"),
    "joints": (records(1)[:1] + [{"image_id": 2, "keypoints": [1, 2, 3] * 5}], r"5, 17 joints per person"),
    "few joints": ([{"image_id": 2, "keypoints": [1, 2, 3] * 5}], "5 joints per person; known are 16, 17, 26"),
    "half a joint": ([{"image_id": 2, "keypoints": [1, 2]}], "its content is not that of"),
    "words": ([{"image_id": 2, "keypoints": ["a", "b", "c"]}], "its content is not that of"),
    "box": ([{**records(1)[0], "bbox": [1, 2]}], "a box of 2 numbers"),
    "name": (records("picture.jpg"), "no frame number in the picture's name 'picture.jpg'"),
    "far apart": (records(1, 10**12), "no frames of one clip"),
    "shares": ([{"image_id": 2, "keypoints": [0.5, 0.25, 0.9] * 17}], "shares of the picture, not pixels"),
    "openpose": ({"people": [{"pose_keypoints_2d": [1, 2, 3]}]}, "1 joints per person; known are 18, 25"),
    "mmpose": ({"instance_info": [{"frame_id": 1}]}, "its content is not that of"),
    "mmpose scores": ([{**ONE, "keypoint_scores": [1.0]}], "17 joints, scores of shape"),
}


@pytest.mark.parametrize("kind", BAD)
def test_other_json_is_one_error(kind: str, tmp_path: Path) -> None:
    content, says = BAD[kind]
    path = tmp_path / "bad.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(FileFormatError, match=says) as caught:
        read_people(path)
    assert "bad.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("file", ["alphapose_coco17.json", "coco_results.json"])
def test_half_a_file_is_one_error(file: str, part: float, tmp_path: Path) -> None:
    data = (FORMATS / file).read_bytes()
    (tmp_path / file).write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileFormatError, match="not a readable JSON"):
        read_people(tmp_path / file)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no numbered"):
        read_people(tmp_path)
    for name in ("a_1_keypoints.json", "b_1_keypoints.json"):
        (tmp_path / name).write_text('{"people": []}')
    with pytest.raises(InputError, match=r"several clips \(a_, b_\)"):
        read_people(tmp_path)
    (tmp_path / "b_1_keypoints.json").unlink()
    (tmp_path / "a_2_keypoints.json").write_text("[]")
    with pytest.raises(FileFormatError, match="not a frame of OpenPose"):
        read_people(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_people(tmp_path / "nothing.json")


def test_numbers_that_are_none_are_joints_not_found(tmp_path: Path) -> None:
    record = records(1)[0]
    record["keypoints"][0], record["score"] = float("nan"), float("nan")
    (tmp_path / "a.json").write_text(json.dumps([record]))
    person = read_people(tmp_path / "a.json").frames[0][0]
    assert np.isnan(person.keypoints[0]).all()
    assert person.scores[0] == 0
    assert np.isfinite(person.box).all()
    assert 0 < person.score <= 1


def test_joints_that_coco_needs(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"image_id": 1, "keypoints": [5.0, 6.0, 0.5] * 16}]))
    with pytest.raises(SkeletonMismatchError, match="mpii16 joints have no nose, left_eye, right_eye"):
        in_coco(read_people(tmp_path / "a.json"))
    np.savez(tmp_path / "a.npz", keypoints=np.ones((4, 15, 2)))
    with pytest.raises(SkeletonMismatchError, match="its people have 15 joints, coco17 has 17"):
        in_coco(read_people(tmp_path / "a.npz"))
