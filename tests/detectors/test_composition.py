"""The names of detectors, and two of them as one: BOXES+KEYPOINTS."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import numpy as np
import pytest

from videopose3d.detectors import DETECTORS, open_batched, open_boxes, open_detector, open_keypoints, resolve
from videopose3d.detectors.names import SHORT, Name, parse, split
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.skeleton import COCO17
from videopose3d.types import Person

FRAMES = [np.full((8, 9, 3), i, np.uint8) for i in range(3)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("torchvision", Name("torchvision")),
        ("torchvision:a", Name("torchvision", "a")),
        ("torchvision:a=b.pth", Name("torchvision", "a", "b.pth")),
        ("torchvision:b.pth", Name("torchvision", "", "b.pth")),
        ("detectron2:COCO/a=C:\\b.pkl", Name("detectron2", "COCO/a", "C:\\b.pkl")),
        ("rtmpose=a.onnx,b.onnx", Name("rtmpose", "", "a.onnx,b.onnx")),
    ],
)
def test_a_name_is_taken_apart(text, name):
    assert parse(text) == name
    if text != "torchvision:b.pth":
        assert str(name) == text


def test_two_names_are_joined_by_a_plus():
    assert split("mask_rcnn+cpn") == ("mask_rcnn", "cpn")
    assert split("mediapipe") == ("mediapipe", "")
    assert split("a + b+c.pth") == ("a", "b+c.pth")


def boxed(i):
    return Person(np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32), np.full(4, i, np.float32), 0.5)


@pytest.fixture
def parts(monkeypatch):
    """A box detector and a keypoint network that note how they are opened and what they get."""
    notes = []

    @contextmanager
    def boxes(name, min_score, device, boxes_only):
        notes.append(("boxes", str(name), min_score, device, boxes_only))
        yield lambda frames: [[boxed(int(frame.max()))] * int(frame.max()) for frame in frames]
        notes.append("boxes closed")

    @contextmanager
    def keypoints(name, device):
        notes.append(("keypoints", str(name), device))
        yield lambda frames, people: [
            [Person(np.tile(p.box[:2], (17, 1)), np.ones(17, np.float32), p.box, p.score) for p in own]
            for _, own in zip(frames, people, strict=True)
        ]
        notes.append("keypoints closed")

    monkeypatch.setattr("videopose3d.detectors.torchvision.open_torchvision", boxes)
    monkeypatch.setattr("videopose3d.detectors.crop_networks.open_crop_network", keypoints)
    return notes


def test_the_second_finds_the_joints_in_the_boxes_of_the_first(parts):
    with open_batched("torchvision+cpn", 0.3, "cpu") as find:
        found = find(FRAMES, [0.0, 0.1, 0.2])
    assert [len(people) for people in found] == [0, 1, 2]
    np.testing.assert_array_equal(found[2][0].keypoints, 2)
    assert parts[:2] == [("boxes", "torchvision", 0.3, "cpu", True), ("keypoints", "cpn", "cpu")]
    assert parts[2:] == ["keypoints closed", "boxes closed"]


def test_one_frame_at_a_time_gives_the_same(parts):
    with open_batched("torchvision:net=a.pth+cpn", 0.3) as find:
        together = find(FRAMES, [0.0, 0.1, 0.2])
    with open_detector("torchvision:net=a.pth+cpn", 0.3) as detect:
        one_by_one = [detect(frame, 0.0) for frame in FRAMES]
    for some, same in zip(together, one_by_one, strict=True):
        np.testing.assert_array_equal([p.keypoints for p in some], [p.keypoints for p in same])
    assert parts[0] == ("boxes", "torchvision:net=a.pth", 0.3, None, True)


def test_one_detector_alone_finds_keypoints_too(parts):
    with open_batched("torchvision", 0.3):
        assert parts == [("boxes", "torchvision", 0.3, None, False)]


def test_mediapipe_in_batches_sees_every_frame_and_time(monkeypatch):
    seen = []

    @contextmanager
    def opener(min_score, people):
        yield lambda frame, time: seen.append((frame, time)) or [boxed(1)]

    monkeypatch.setattr("videopose3d.detectors.mediapipe.open_mediapipe", opener)
    with open_batched("mediapipe", 0.3) as find:
        assert len(find(FRAMES, [0.0, 0.5, 1.0])) == 3
    assert [time for _, time in seen] == [0.0, 0.5, 1.0]
    assert all(frame is given for (frame, _), given in zip(seen, FRAMES, strict=True))


# --- short names


def available(monkeypatch, *libraries):
    for library in ("torchvision", "detectron2"):
        module = __import__(f"videopose3d.detectors.{library}", fromlist=["import_library"])

        def imported(library=library):
            if library not in libraries:
                raise MissingDependencyError(f"no {library}", where="here", fix=f"Get {library}.")

        monkeypatch.setattr(module, "import_library", imported)


@pytest.mark.parametrize("short", list(SHORT))
def test_a_short_name_is_the_best_of_the_first_library_that_is_there(short, monkeypatch):
    available(monkeypatch, "detectron2", "torchvision")
    assert resolve(Name(short)) == Name("detectron2", SHORT[short]["detectron2"])
    available(monkeypatch, "torchvision")
    assert resolve(Name(short, "", "a.pth")) == Name("torchvision", SHORT[short]["torchvision"], "a.pth")
    available(monkeypatch)
    with pytest.raises(
        MissingDependencyError, match=r"no detectron2 and no torchvision.*Either: Get torchvision\. Or: Get det"
    ):
        resolve(Name(short))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("squid", "no detector 'squid'.*mediapipe, torchvision, detectron2, rtmpose, mask_rcnn\\+cpn"),
        ("squid+cpn", "no detector 'squid'"),
        ("", "no detector ''"),
        ("mask_rcnn", "mask_rcnn finds boxes only.*mask_rcnn\\+cpn"),
        ("faster_rcnn:x", "finds boxes only"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(name, says):
    with pytest.raises(VideoPose3DError, match=says):
        open_detector(name)


def test_mediapipe_gives_no_boxes_to_others():
    with pytest.raises(VideoPose3DError, match="finds no boxes"), open_detector("mediapipe+cpn"):
        pytest.fail("it opened")
    with pytest.raises(VideoPose3DError, match="finds no boxes"):
        open_boxes("mediapipe")


def test_every_detector_has_its_opener():
    for path in DETECTORS.values():
        module, function = path.split(":")
        assert callable(getattr(__import__(f"videopose3d.detectors.{module}", fromlist=[function]), function))


# --- keypoint networks


def test_a_crop_network_gets_the_boxes_and_their_scores(monkeypatch, tmp_path):
    given = {}

    class Network:
        def __init__(self, network, skeleton):
            given.update(network=network, skeleton=skeleton)

        def __call__(self, frames, boxes):
            given["boxes"] = boxes
            return [[Person(boxed(1).keypoints, boxed(1).scores, row[:4], float(row[4])) for row in t] for t in boxes]

    module = sys.modules.get("videopose3d.detectors.crop_networks") or __import__(
        "videopose3d.detectors.crop_networks", fromlist=["TopDown"]
    )
    monkeypatch.setattr(module, "TopDown", Network)
    monkeypatch.setattr(module, "load_keypoint_network", lambda source, device: (source, device))
    with open_keypoints("cpn", "cpu") as add:
        found = add(FRAMES[:2], [[boxed(3)], []])
    assert given["network"] == ("cpn50_384x288", "cpu")
    assert given["skeleton"] is COCO17
    assert [table.shape for table in given["boxes"]] == [(1, 5), (0, 5)]
    np.testing.assert_array_equal(given["boxes"][0], [[3, 3, 3, 3, 0.5]])
    assert found[0][0].score == 0.5
    monkeypatch.setattr(module, "joints_of_file", lambda _source: None)
    for name, source in (("cpn=my.pth", "my.pth"), ("cpm_coco_256x192", "cpm_coco_256x192"), ("a/b.tar", "a/b.tar")):
        with open_keypoints(name, "cpu"):
            assert given["network"][0] == source


def test_an_unknown_keypoint_network_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="cpn50_384x288"), open_keypoints("squid", "cpu"):
        pytest.fail("it opened")
