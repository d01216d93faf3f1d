"""The adapter to rtmlib, with a module that stands for it; the real one: test_real_libraries.py."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from fake_libraries import fake_rtmlib, put

from videopose3d.detectors import open_batched, open_boxes, open_detector, open_keypoints
from videopose3d.detectors.models import MODELS
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.types import Person

FRAME = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
DETS = np.array([[5, 6, 10, 20, 0.5], [1, 2, 3, 4, 0.2], [7, 8, 9, 10, 1.2]], np.float32)  # before scaling
POINTS = np.random.default_rng(1).uniform(0, 50, (3, 17, 2))
SCORES = np.linspace(-0.1, 1.1, 51).reshape(3, 17)


@pytest.fixture
def files(tmp_path):
    for name in ("det.onnx", "pose.onnx"):
        (tmp_path / name).write_bytes(b"model")
    return f"{tmp_path / 'det.onnx'},{tmp_path / 'pose.onnx'}"


def test_people_have_the_boxes_of_one_network_and_the_keypoints_of_the_other(monkeypatch, files, capsys):
    built = fake_rtmlib(monkeypatch, DETS, POINTS, SCORES)
    with open_batched(f"rtmpose={files}", 0.3) as find:
        ((sure, other), again) = find([FRAME, FRAME], [0.0, 0.1])
    np.testing.assert_allclose(sure.box, [14, 16, 18, 20])  # enlarged from what the network sees
    np.testing.assert_allclose(other.box, [10, 12, 20, 40])
    assert [sure.score, other.score] == pytest.approx([1, 0.5])  # not above 1, not those below the threshold
    np.testing.assert_allclose(sure.keypoints, POINTS[0] + 0.5, rtol=1e-6)
    np.testing.assert_allclose(other.scores, np.clip(SCORES[1], 1e-3, 1), rtol=1e-6)
    assert sure.keypoints.dtype == sure.scores.dtype == np.float32
    assert sure.scores.min() == pytest.approx(1e-3)
    assert len(again) == 2
    yolox, rtmpose = built
    assert yolox.model_input_size == (640, 640)
    assert rtmpose.model_input_size == (192, 256)  # width first
    np.testing.assert_array_equal(yolox.seen[0], FRAME[..., ::-1])  # they want BGR
    np.testing.assert_array_equal(rtmpose.seen[0][0], FRAME[..., ::-1])
    assert capsys.readouterr().out == ""


def test_nobody_is_nobody(monkeypatch, files):
    """Without boxes rtmlib takes the whole picture for a person."""
    built = fake_rtmlib(monkeypatch, DETS, POINTS, SCORES)
    with open_detector(f"rtmpose={files}", 1.5) as detect:
        assert detect(FRAME, 0.0) == []
    assert built[1].seen == []


def test_boxes_without_scores_are_sure(monkeypatch, tmp_path, files):
    fake_rtmlib(monkeypatch, np.array([[5, 6, 10, 20, 0.5, 0.1]], np.float32), POINTS, SCORES)  # 6 columns: raw output
    with open_boxes(f"rtmpose={tmp_path / 'det.onnx'}", 0.3) as find:
        (((person,),)) = find([FRAME])
    np.testing.assert_allclose(person.box, [10, 12, 20, 40])
    assert person.score == 1
    assert np.isnan(person.keypoints).all()


def test_it_finds_the_keypoints_in_the_boxes_of_others(monkeypatch, tmp_path, files):
    built = fake_rtmlib(monkeypatch, DETS, POINTS, SCORES)
    boxed = Person(np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32), np.arange(4, dtype=np.float32), 0.7)
    with open_keypoints(f"rtmpose={tmp_path / 'pose.onnx'}") as add:
        ((person,), none) = add([FRAME, FRAME], [[boxed], []])
    assert none == []
    np.testing.assert_allclose(person.keypoints, POINTS[0] + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(person.box, boxed.box)
    assert person.score == 0.7
    assert len(built) == 1


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("rtmpose:slow", VideoPose3DError, "no mode 'slow'.*lightweight, balanced, performance"),
        ("rtmpose", WeightsError, "not here yet.*weights pull rtmpose:balanced"),
        ("rtmpose=FOLDER/det.onnx", VideoPose3DError, "1 file.*where 2 are needed"),
        ("rtmpose=FOLDER/det.onnx,FOLDER/none.onnx", WeightsError, "none.onnx: no such file"),
    ],
)
def test_it_refuses(name, error, says, monkeypatch, tmp_path, files):
    fake_rtmlib(monkeypatch, DETS, POINTS, SCORES)
    for variable in ("VIDEOPOSE3D_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(error, match=says), open_detector(name.replace("FOLDER", str(tmp_path)), 0.5):
        pytest.fail("it opened")


def test_other_joints_are_refused(monkeypatch, files):
    fake_rtmlib(monkeypatch, DETS, POINTS[:, :14], SCORES[:, :14])
    with open_detector(f"rtmpose={files}", 0.3) as detect, pytest.raises(WeightsError, match="14 joints instead of"):
        detect(FRAME, 0.0)


def test_what_onnx_cannot_run_is_refused(monkeypatch, files):
    fake_rtmlib(monkeypatch, DETS, POINTS, SCORES)

    def fail(*_args, **_options):
        raise ValueError("[ONNXRuntimeError] : 7 :\nINVALID_PROTOBUF")

    fail.__name__ = "YOLOX"
    monkeypatch.setattr(sys.modules["rtmlib"], "YOLOX", fail)
    with (
        pytest.raises(WeightsError, match="not a model that ONNX Runtime can run.*7 : INVALID"),
        open_detector(f"rtmpose={files}"),
    ):
        pytest.fail("it opened")


@pytest.mark.parametrize("missing", ["rtmlib", "onnxruntime"])
def test_a_missing_package_says_how_to_get_it(missing, monkeypatch):
    put(monkeypatch, "onnxruntime")
    put(monkeypatch, "rtmlib")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError) as error, open_detector("rtmpose"):
        pytest.fail("it opened")
    assert "pip install --no-deps rtmlib" in error.value.fix


def test_every_mode_has_boxes_and_keypoints():
    modes = [(model.name, model.finds) for model in MODELS if model.library == "rtmpose"]
    assert len(modes) == len(set(modes)) == 6
    assert all(model.file.endswith(".onnx") for model in MODELS if model.library == "rtmpose")
