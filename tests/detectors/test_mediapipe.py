from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from videopose3d.detectors import open_detector
from videopose3d.detectors.mediapipe import MODEL_VARIABLE, open_mediapipe
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.pipeline.demo import demo_clip
from videopose3d.skeleton import BLAZEPOSE33, COCO17
from videopose3d.video import read_frames

FRAME = np.zeros((200, 400, 3), np.uint8)
LANDMARKS = [
    SimpleNamespace(x=i / 100, y=i / 50, z=0.0, visibility=1.2 - i / 32) for i in range(len(BLAZEPOSE33))
]  # fmt: skip


class Network:
    """Stands in for either of MediaPipe's networks; notes what it is given. Only the newer one finds the others."""

    def __init__(self, found, others=()):
        self.found, self.others, self.seen, self.closed = found, others, [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def process(self, frame):
        self.seen.append(frame)
        return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=self.found) if self.found else None)

    def reset(self):
        pass

    def detect_for_video(self, image, milliseconds):
        self.seen.append((image, milliseconds))
        return SimpleNamespace(pose_landmarks=[self.found, *self.others] if self.found else [])


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
    assert {value for name, value in options.items() if name.startswith("min_")} == {0.37}
    assert {name.split("_")[-2] for name in options if name.startswith("min_")} >= {"detection", "tracking"}


def test_the_legacy_network_sees_the_frame(monkeypatch):
    network, options = Network(LANDMARKS), {}
    monkeypatch.setitem(sys.modules, "mediapipe", old_mediapipe(network, options))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)  # its models are inside
    with open_mediapipe(0.5) as detect:
        detect(FRAME, 0.0)
    assert network.seen[-1] is FRAME
    assert options["smooth_landmarks"] is False


def test_more_people_are_looked_for_without_those_who_are_known(monkeypatch):
    network = Network(LANDMARKS)
    monkeypatch.setitem(sys.modules, "mediapipe", old_mediapipe(network, {}))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    white = np.full_like(FRAME, 255)
    with open_mediapipe(0.5, people=2) as detect:
        assert len(detect(white, 0.0)) == 1  # the second network finds the same person
    assert network.seen[1] is white
    assert (network.seen[-1] == 255).any()
    assert (network.seen[-1][:112, :112] != 255).all()


def test_the_task_sees_frame_and_time(monkeypatch, tmp_path):
    network, options = Network(LANDMARKS), {}
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(network, options))
    (tmp_path / "pose.task").write_bytes(b"model")
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "pose.task"))
    with open_mediapipe(0.5, people=3) as detect:
        for t in range(3):
            detect(FRAME[:, ::2], t / 30)
    assert [milliseconds for _, milliseconds in network.seen] == [0, 33, 67]
    image = network.seen[0][0]
    assert image.image_format == "srgb"
    assert image.data.flags.c_contiguous
    assert image.data.shape == (200, 200, 3)
    assert options["base_options"].model_asset_path == str(tmp_path / "pose.task")
    assert (options["running_mode"], options["num_poses"]) == ("video", 3)


def test_the_task_gives_everybody(monkeypatch, tmp_path):
    right = [SimpleNamespace(x=one.x + 0.5, y=one.y, z=0.0, visibility=0.3) for one in LANDMARKS]
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(Network(LANDMARKS, [right]), {}))
    (tmp_path / "pose.task").write_bytes(b"model")
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "pose.task"))
    with open_mediapipe(0.5) as detect:
        one, other = detect(FRAME, 0.0)
    np.testing.assert_allclose(other.keypoints - one.keypoints, np.tile([200, 0], (17, 1)), atol=1e-4)
    np.testing.assert_allclose(other.box - one.box, [200, 0, 200, 0], atol=1e-4)
    assert other.score == pytest.approx(0.3)


def test_times_grow_however_fast_the_frames_come(monkeypatch, tmp_path):
    network = Network(LANDMARKS)
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(network, {}))
    (tmp_path / "pose.task").write_bytes(b"model")
    with open_detector(f"mediapipe={tmp_path / 'pose.task'}") as detect:
        for t in range(4):
            detect(FRAME, t / 4000)
    assert [milliseconds for _, milliseconds in network.seen] == [0, 1, 2, 3]


@pytest.fixture
def both(monkeypatch, tmp_path):
    """A MediaPipe with both APIs, as 0.10.21 is, and an empty cache; the options of whichever network was made."""
    old, new = {}, {}
    module = new_mediapipe(Network(LANDMARKS, [LANDMARKS]), new)
    module.solutions = old_mediapipe(Network(LANDMARKS), old).solutions
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    return old, new


@pytest.mark.parametrize("name", ["mediapipe", "mediapipe:pose_landmarker_heavy"])
def test_the_task_is_taken_where_a_model_is_named(both, tmp_path, name):
    old, new = both
    (tmp_path / "pose_landmarker_heavy.task").write_bytes(b"model")
    with open_detector(name) as detect:
        assert len(detect(FRAME, 0.0)) == (2 if ":" in name else 1)
    assert bool(new) == (":" in name) == (not old)
    if new:
        assert new["base_options"].model_asset_path == str(tmp_path / "pose_landmarker_heavy.task")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mediapipe:pose_landmarker_full", "weights pull mediapipe:pose_landmarker_full"),
        ("mediapipe:squid", "no model 'squid'.*pose_landmarker_full, pose_landmarker_heavy, pose_landmarker_lite"),
        ("mediapipe=nowhere.task", "no such pose model"),
        ("mediapipe:nowhere.task", "no such pose model"),
    ],
)
def test_a_model_that_is_not_here(both, name, says):
    with pytest.raises(VideoPose3DError, match=says), open_detector(name):
        pytest.fail("it opened")


def test_a_pulled_model_is_found_the_full_one_first(monkeypatch, tmp_path):
    options = {}
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(Network([]), options))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    for name in ("lite", "full"):
        (tmp_path / f"pose_landmarker_{name}.task").write_bytes(b"model")
        with open_mediapipe(0.5):
            assert options["base_options"].model_asset_path == str(tmp_path / f"pose_landmarker_{name}.task")


def test_a_file_that_is_no_model_is_refused(monkeypatch, tmp_path):
    module = new_mediapipe(Network([]), {})

    def create(_options):
        raise RuntimeError("Unable to open\n zip archive.")

    module.tasks.vision.PoseLandmarker.create_from_options = create
    monkeypatch.setitem(sys.modules, "mediapipe", module)
    (tmp_path / "pose.task").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"no pose model that MediaPipe can run \(Unable to open zip archive\.\)"):
        open_detector(f"mediapipe={tmp_path / 'pose.task'}").__enter__()


def test_a_mediapipe_without_tasks_is_told_to_be_too_old(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mediapipe", old_mediapipe(Network([]), {}))
    (tmp_path / "pose.task").write_bytes(b"model")
    with pytest.raises(MissingDependencyError, match="too old"):
        open_detector(f"mediapipe={tmp_path / 'pose.task'}").__enter__()


@pytest.mark.parametrize("model", [None, ""])
def test_a_task_without_a_model_says_how_to_get_one(monkeypatch, tmp_path, model):
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(Network([]), {}))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    if model is not None:
        monkeypatch.setenv(MODEL_VARIABLE, model)
    with pytest.raises(WeightsError) as error, open_mediapipe(0.5):
        pytest.fail("it opened")
    assert "MediaPipe 0.10.99 carries no pose model" in str(error.value)
    assert MODEL_VARIABLE in error.value.fix
    assert "weights pull mediapipe:pose_landmarker_full" in error.value.fix


def test_a_named_model_that_is_no_file_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", new_mediapipe(Network([]), {}))
    monkeypatch.setenv(MODEL_VARIABLE, "nowhere.task")
    with pytest.raises(WeightsError, match=r"nowhere\.task: no such pose model"), open_mediapipe(0.5):
        pytest.fail("it opened")


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
    def opener(min_score, people):
        yield min_score, people

    monkeypatch.setattr("videopose3d.detectors.mediapipe.open_mediapipe", opener)
    with open_detector("mediapipe", 0.3, people=2) as detect:
        assert detect == (0.3, 2)


def test_the_real_one_refuses_a_file_that_is_no_model(tmp_path):
    pytest.importorskip("mediapipe", exc_type=ImportError)
    (tmp_path / "pose.task").write_bytes(b"no model" * 100)
    with pytest.raises(WeightsError, match="no pose model that MediaPipe can run"):
        open_detector(f"mediapipe={tmp_path / 'pose.task'}").__enter__()


def test_the_real_one_sees_nobody_in_an_empty_room():
    mediapipe = pytest.importorskip("mediapipe", exc_type=ImportError)
    if not hasattr(mediapipe, "solutions"):
        pytest.skip("this MediaPipe carries no model")
    with open_detector("mediapipe") as detect:
        assert detect(np.full((120, 160, 3), 90, np.uint8), 0.0) == []


def test_the_real_one_follows_two_people_side_by_side():
    mediapipe = pytest.importorskip("mediapipe", exc_type=ImportError)
    if not hasattr(mediapipe, "solutions"):
        pytest.skip("this MediaPipe carries no model")
    with demo_clip() as clip:
        frames = [frame for frame, _ in zip(read_frames(clip), range(8), strict=False)]
    with open_detector("mediapipe", people=1) as detect:
        x0, _, x1, _ = detect(frames[0], 0.0)[0].box.astype(int)
    alone = [frame[:, max(x0 - 150, 0) : x1 + 150] for frame in frames]
    width = alone[0].shape[1]
    with open_detector("mediapipe", people=1) as detect:
        single = [detect(np.hstack([frame, frame]), t / 25) for t, frame in enumerate(alone)]
    with open_detector("mediapipe", people=2) as detect:
        found = [detect(np.hstack([frame, frame]), t / 25) for t, frame in enumerate(alone)]
    assert [len(people) for people in single] == [1] * 8
    one, other = found[-1]
    np.testing.assert_array_equal(one.keypoints, single[-1][0].keypoints)
    apart = np.abs(one.keypoints - other.keypoints) - np.array([width, 0])
    assert np.abs(apart).mean() < 0.02 * width
