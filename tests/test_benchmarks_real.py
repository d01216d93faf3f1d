"""benchmarks/real_keypoints.py: who is who, how right, and the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import MakeVideo
from stand_in import STANDING, StandIn

from videopose3d.errors import FileFormatError, InputError
from videopose3d.skeleton import COCO17
from videopose3d.types import Frame, Keypoints2D, Person

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import real_keypoints  # noqa: E402
from _real_labels import Label, Labels, read_labels, scatter  # noqa: E402
from _real_page import page  # noqa: E402
from _real_scores import overlap, person_of, score  # noqa: E402

SIZE, FPS = (96, 128), 25


@pytest.fixture(scope="module")
def labels() -> Labels:
    return read_labels()


def truth(labels: Labels) -> np.ndarray:
    return np.stack([label.points for label in labels.people])


def test_labels_are_in_the_coordinates_of_the_package(labels: Labels) -> None:
    stored = json.loads(real_keypoints.LABELS.read_text())["annotations"][0]
    assert len(labels.people) == 60
    np.testing.assert_allclose(labels.people[0].points[0] - 0.5, stored["keypoints"][:2])
    np.testing.assert_allclose(labels.people[0].box[:2] - 0.5, stored["bbox"][:2])
    unlabelled = labels.people[0].visibility == 0
    assert np.isnan(labels.people[0].points[unlabelled]).all()
    assert not np.isnan(labels.people[0].points[~unlabelled]).any()


def test_the_truth_is_all_right(labels: Labels) -> None:
    s = score(labels.people, truth(labels))
    assert (s.people, s.found, s.exchanged) == (60, 60, 0)
    assert (s.near, s.near_hidden, s.about, s.about_hidden) == (1, 1, 1, 1)
    np.testing.assert_allclose([s.oks, s.oks_visible, s.oks_hidden], 1)


def test_who_is_missing_is_wrong_in_all_joints(labels: Labels) -> None:
    found = truth(labels)
    found[30:] = np.nan
    s = score(labels.people, found)
    assert s.found == 30
    assert 0.4 < s.about < 0.6
    assert s.oks == pytest.approx(0.5)


def test_a_joint_that_is_missing_is_wrong_and_the_others_are_not(labels: Labels) -> None:
    found = truth(labels)
    found[:, COCO17.index("left_knee")] = np.nan
    s = score(labels.people, found)
    assert s.found == 60
    assert s.about == pytest.approx(16 / 17)
    assert 0.9 < s.oks < 0.95
    assert score(labels.people, found, [COCO17.index("left_knee")]).about == 0


def test_errors_in_shares_of_the_torso(labels: Labels) -> None:
    found = truth(labels)
    shoulder, hip = COCO17.indices(["left_shoulder", "right_hip"])
    torso = np.linalg.norm(found[:, shoulder] - found[:, hip], axis=1)
    found[:, :, 0] += 0.15 * torso[:, None]
    s = score(labels.people, found)
    assert (s.near, s.about) == (0, 1)


def test_exchanged_sides_are_counted(labels: Labels) -> None:
    found = truth(labels)
    found[:10] = found[:10][:, list(COCO17.mirror)]
    assert 5 <= score(labels.people, found).exchanged <= 10


def tracks(*people: np.ndarray, frame: int = 0) -> Keypoints2D:
    points = np.full((len(people), frame + 1, 17, 2), np.nan, np.float32)
    for n, person in enumerate(people):
        points[n, frame] = person
    boxes = np.full((len(people), frame + 1, 4), np.nan, np.float32)
    present = np.isfinite(points).all((-1, -2))
    return Keypoints2D(points, np.isfinite(points).all(-1) * np.float32(1), boxes, present, COCO17, Fraction(25), SIZE)


def standing(at: tuple[float, float] = (0, 0)) -> np.ndarray:
    return np.array([STANDING[joint] for joint in COCO17.joints]) * SIZE + at


def label_of(points: np.ndarray, frame: int = 0, clip: str = "walk.mp4") -> Label:
    box = np.concatenate([points.min(0), points.max(0)])
    area = float(np.prod(box[2:] - box[:2])) * 0.53
    return Label(clip, frame, "person", box, area, points, np.full(17, 2), np.full((17, 2), np.nan))


def test_the_labelled_person_is_chosen_among_several() -> None:
    wanted, close, other = standing() + 1, standing((8, 0)), standing((200, 0))
    chosen = person_of(tracks(other, close, wanted, frame=3), label_of(standing(), 3))
    np.testing.assert_allclose(chosen, wanted, atol=1e-5)


def test_nobody_is_chosen_who_is_elsewhere_or_in_another_frame() -> None:
    for keypoints in (tracks(standing((60, 0)), frame=3), tracks(standing(), frame=2), tracks(frame=3)):
        assert np.isnan(person_of(keypoints, label_of(standing(), 3))).all()


def test_overlap_of_boxes() -> None:
    square = np.array([0.0, 0, 2, 2])
    assert overlap(square, square) == 1
    assert overlap(square, square + 2) == 0
    assert overlap(square, np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)


def test_the_page_has_all_detectors_clips_and_joints(labels: Labels) -> None:
    nobody = np.full((60, 17, 2), np.nan)
    text = page(labels, {"right": truth(labels), "blind": nobody})
    assert "| right | 60 of 60 | 100.0 | 100.0 |" in text
    assert "| blind | 0 of 60 | 0.0 | 0.0 |" in text
    assert "| pexels_yoga, right | 9 of 9 |" in text
    assert "--detector right --detector blind" in text
    twice, joints, pixels, share = scatter(labels)
    assert (twice, joints > 100) == (8, True)
    assert f"{pixels:.1f} px, {100 * share:.1f} %" in " ".join(text.split())


@pytest.mark.parametrize("text", ["", "{}", '{"images": [], "annotations": [{}]}'])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match="labels"):
        read_labels(path)


# --- the whole way


@pytest.fixture
def clip(make_video: MakeVideo) -> Path:
    return make_video(name="walk.mp4", size=SIZE, frames=12)


def written(labels: Sequence[Label], path: Path) -> Path:
    """A file of labels."""
    content: dict[str, Any] = {"images": [], "annotations": [], "licenses": [], "again": []}
    for n, label in enumerate(labels):
        content["images"].append({"id": n, "file_name": label.clip, "frame": label.frame})
        table = np.column_stack([label.points - 0.5, label.visibility]).round(3)
        x, y, right, low = label.box - 0.5
        box, area = [x, y, right - x, low - y], label.area
        entry = {"image_id": n, "bbox": box, "area": area, "person": "person", "keypoints": table.ravel().tolist()}
        content["annotations"].append(entry)
        content["again"].append({"image_id": n, "keypoints": table[:, :2].ravel().tolist()})
    content["licenses"].append({"clip": "walk.mp4", "credit": "us", "name": "Apache-2.0"})
    path.write_text(json.dumps(content))
    return path


def test_a_clip_is_watched_and_its_frames_are_scored(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    StandIn().install(monkeypatch)
    people = []
    for frame in (3, 9):
        step = 0.05 * np.sin(2 * frame / FPS) * SIZE[0]
        people.append(label_of(standing((step, 0)), frame))
    astray = replace(label_of(standing((300, 0)), 5), person="nobody is there")
    path, out = written([*people, astray], tmp_path / "labels.json"), tmp_path / "page.md"
    argv = ["real_keypoints.py", str(clip.parent), "--labels", str(path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", argv)
    real_keypoints.main()
    text = out.read_text()
    assert "| mediapipe | 2 of 3 | 66.7 | 66.7 |" in text
    assert "| mediapipe | 2 of 2 | 100.0 | 100.0 |" in text
    assert text in capsys.readouterr().out


def test_a_network_looks_into_the_labelled_boxes(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    @contextmanager
    def opened(name: str) -> Iterator[Any]:
        assert name == "cpn.safetensors"

        def add(frames: Sequence[Frame], people: Sequence[Sequence[Person]]) -> list[list[Person]]:
            asked.extend(frame.shape for frame in frames)
            right = standing().astype(np.float32)
            return [[replace(person, keypoints=right) for person in those] for those in people]

        yield add

    monkeypatch.setattr(real_keypoints, "open_keypoints", opened)
    people = [label_of(standing(), frame) for frame in (2, 7)]
    found = real_keypoints.keypoints_of("labels+cpn.safetensors", people, clip.parent)
    np.testing.assert_allclose(found, np.stack([standing()] * 2), atol=1e-4)
    assert asked == [(SIZE[1], SIZE[0], 3)] * 2


def test_folders_of_files_are_not_in_the_page() -> None:
    full = ["mediapipe", "labels+/a/b/net.safetensors", "rtmpose=/a/x.onnx,c/y.onnx", "torchvision:net=d/e.pth"]
    short = ["mediapipe", "labels+net.safetensors", "rtmpose=x.onnx,y.onnx", "torchvision:net=e.pth"]
    assert real_keypoints.named(full) == dict(zip(short, full, strict=True))
    with pytest.raises(InputError, match="two detectors"):
        real_keypoints.named(["labels+a/net.pth", "labels+b/net.pth"])


def test_a_clip_that_is_too_short_is_named(clip: Path) -> None:
    with pytest.raises(InputError, match="no frame 40"):
        real_keypoints.frames_of(clip, [3, 40])


def test_without_clips_it_is_left_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["real_keypoints.py"])
    real_keypoints.main()
    assert "left out" in capsys.readouterr().out
