from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from videopose3d.detectors import open_detector
from videopose3d.detectors.mediapipe import MODEL_VARIABLE, open_mediapipe
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.skeleton import BLAZEPOSE33, COCO17

FRAME = np.zeros((200, 400, 3), np.uint8)
LANDMARKS = [
    SimpleNamespace(x=i / 100, y=i / 50, z=0.0, visibility=1.2 - i / 32) for i in range(len(BLAZEPOSE33))
]  # fmt: skip


class Network:
    """Stands in for either of MediaPipe's networks; notes what it is given."""

    def __init__(self, found):
        self.found, self.seen, self.closed = found, [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def process(self, frame):
        self.seen.append(frame)
        return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=self.found) if self.found else None)

    def detect_for_video(self, image, milliseconds):
        self.seen.append((image, milliseconds))
        return SimpleNamespace(pose_landmarks=[self.found] if self.found else [])


def old_mediapipe(network, options):
    def pose(**given):
        options.update(given)
        return network

    return SimpleNamespace(__version__="0.10.21", solutions=SimpleNamespace(pose=SimpleNamespace(Pose=pose)))


def new_mediapipe(network, options):
    def create(given):
        options.update(vars(given))
        return network

    vision = SimpleNamespace(
        PoseLandmarkerOptions=SimpleNamespace,
        PoseLandmarker=SimpleNamespace(create_from_options=create),
        RunningMode=SimpleNamespace(VIDEO="video"),
    )
    return SimpleNamespace(
        __version__="0.10.99",
        tasks=SimpleNamespace(vision=vision, BaseOptions=SimpleNamespace),
        Image=SimpleNamespace,
        ImageFormat=SimpleNamespace(SRGB="srgb"),
    )


@pytest.fixture(params=[old_mediapipe, new_mediapipe])
def fake(request, monkeypatch, tmp_path):
    """A function that puts a fake MediaPipe in place; gives its network and the options it was made with."""

    def make(found=LANDMARKS):
        network, options = Network(found), {}
        monkeypatch.setitem(sys.modules, "mediapipe", request.param(network, options))
        (tmp_path / "pose.task").write_bytes(b"model")
        monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "pose.task"))
        return network, options

    return make


def test_keypoints_are_in_coco_order_and_in_pixels(fake):
    fake()
    with open_mediapipe(0.5) as detect:
        (person,) = detect(FRAME, 0.0)
    assert person.keypoints.shape == (17, 2)
    for joint in COCO17.joints:
        i = BLAZEPOSE33.index(joint)
        np.testing.assert_allclose(person.keypoints[COCO17.index(joint)], [i * 4, i * 4], rtol=1e-6, err_msg=joint)
    # nose, eyes and ears, shoulders, ..., ankles of BlazePose, as its documentation numbers them
    coco = np.array([0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28])
    np.testing.assert_allclose(person.keypoints[:, 0], coco * 4, rtol=1e-6)
    np.testing.assert_allclose(person.box, [0, 0, 28 * 4, 28 * 4], rtol=1e-6)
    assert person.keypoints.dtype == np.float32


def test_visibility_is_the_confidence(fake):
    fake([*LANDMARKS[:28], SimpleNamespace(x=0, y=0, z=0, visibility=-0.1), *LANDMARKS[29:]])
    with open_mediapipe(0.5) as detect:
        (person,) = detect(FRAME, 0.0)
    assert person.scores[0] == 1  # never more
    assert person.scores[9] == pytest.approx(1.2 - 15 / 32)
    assert 0 < person.scores[16] < 0.01  # never none: 0 means not seen
    assert person.score == pytest.approx(person.scores.mean())


def test_nobody_is_nobody(fake):
    fake(found=[])
    with open_mediapipe(0.5) as detect:
        assert detect(FRAME, 0.0) == []
        assert detect(FRAME, 0.04) == []


def test_the_network_is_closed_also_after_a_failure(fake):
    network, _ = fake()

    def interrupted():
        with open_mediapipe(0.5):
            assert not network.closed
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert network.closed


def test_confidences_are_passed_on(fake):
    _, options = fake()
    with open_mediapipe(0.37):
        pass
    assert [value for name, value in options.items() if name.startswith("min_")] == [0.37, 0.37]


def test_the_legacy_network_sees_the_frame(monkeypatch):
    network, options = Network(LANDMARKS), {}
    monkeypatch.setitem(sys.modules, "mediapipe", old_mediapipe(network, options))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)  # its models are inside
    with open_mediapipe(0.5) as detect:
        detect(FRAME, 0.0)
    assert network.seen[-1] is FRAME
    assert options["smooth_landmarks"] is False


def test_the_task_sees_frame_and_time(monkeypatch, tmp_path):
    network, options = Network(LANDMARKS), {}
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(network, options))
    (tmp_path / "pose.task").write_bytes(b"model")
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "pose.task"))
    with open_mediapipe(0.5) as detect:
        for t in range(3):
            detect(FRAME[:, ::2], t / 30)
    assert [milliseconds for _, milliseconds in network.seen] == [0, 33, 67]
    image = network.seen[0][0]
    assert image.image_format == "srgb"
    assert image.data.flags.c_contiguous
    assert image.data.shape == (200, 200, 3)
    assert options["base_options"].model_asset_path == str(tmp_path / "pose.task")
    assert (options["running_mode"], options["num_poses"]) == ("video", 1)


@pytest.mark.parametrize("model", [None, "", "nowhere.task"])
def test_a_task_without_a_model_says_how_to_get_one(monkeypatch, model):
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(Network([]), {}))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    if model is not None:
        monkeypatch.setenv(MODEL_VARIABLE, model)
    with pytest.raises(WeightsError) as error, open_mediapipe(0.5):
        pytest.fail("it opened")
    assert "MediaPipe 0.10.99 carries no pose model" in str(error.value)
    assert MODEL_VARIABLE in error.value.fix


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingDependencyError) as error, open_detector("mediapipe"):
        pytest.fail("it opened")
    assert "pip install 'videopose3d[mediapipe]'" in error.value.fix


def test_an_unknown_detector_names_those_there_are():
    with pytest.raises(VideoPose3DError, match="no detector 'squid'.*mediapipe"):
        open_detector("squid")


def test_a_detector_is_opened_by_name(monkeypatch):
    @contextmanager
    def opener(min_score):
        yield min_score

    monkeypatch.setattr("videopose3d.detectors.mediapipe.open_mediapipe", opener)
    with open_detector("mediapipe", 0.3) as detect:
        assert detect == 0.3


def test_the_real_one_sees_nobody_in_an_empty_room():
    mediapipe = pytest.importorskip("mediapipe", exc_type=ImportError)
    if not hasattr(mediapipe, "solutions"):
        pytest.skip("this MediaPipe carries no model")
    with open_detector("mediapipe") as detect:
        assert detect(np.full((120, 160, 3), 90, np.uint8), 0.0) == []
