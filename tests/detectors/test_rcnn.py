"""R-CNNs of torchvision and Detectron2: what the libraries once gave (recorded), through modules that stand for them.

Against the libraries themselves: test_real_libraries.py, where they are installed.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_libraries import (
    CONFIG,
    detectron2_state,
    fake_detectron2,
    fake_torchvision,
    put,
    recording,
    save_weights,
)

from videopose3d.detectors import open_batched, open_boxes, open_detector
from videopose3d.detectors.rcnn import in_boxes, nearby_share, people_in
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError

FRAMES = [np.random.default_rng(i).integers(0, 255, (48, 40, 3)).astype(np.uint8) for i in (0, 1)]
NETWORK = "keypointrcnn_resnet50_fpn"


def expected_keypoints(one, shift):
    """Section 5.2 of the paper, in double precision and joint by joint."""
    points = np.empty((len(one["boxes"]), 17, 2))
    for i, (x0, y0, x1, y1) in enumerate(one["boxes"].astype(float)):
        for j, logits in enumerate(one["logits"][i].astype(float)):
            shares = np.exp(logits - logits.max())
            shares /= shares.sum()
            column, row = (shares.sum(0) * np.arange(56)).sum(), (shares.sum(1) * np.arange(56)).sum()
            points[i, j] = x0 + (column + 0.5) / 56 * (x1 - x0), y0 + (row + 0.5) / 56 * (y1 - y0)
    return points + shift


# --- maps and boxes


def test_a_joint_is_in_the_middle_of_its_cell():
    logits = torch.zeros(1, 17, 56, 56)
    logits[..., 7, 13] = 100
    (person,) = people_in(np.array([[10, 20, 66, 132]]), np.array([0.5]), logits)
    np.testing.assert_allclose(person.keypoints, np.tile([10 + 13.5, 20 + 7.5 * 2], (17, 1)), rtol=1e-6)
    np.testing.assert_allclose(person.scores, 1)
    assert person.keypoints.dtype == person.scores.dtype == person.box.dtype == np.float32


def test_cells_of_maps_that_are_not_square():
    cells = np.array([[[0.0, 0.0], [3.0, 1.0]]])
    points = in_boxes(cells, np.array([[0.0, 0.0, 8.0, 8.0]]), (2, 4))
    np.testing.assert_allclose(points, [[[1, 2], [7, 6]]])


def test_confidence_is_what_lies_around_the_joint():
    logits = torch.full((1, 3, 56, 56), -100.0)
    logits[0, 0, 20, 20] = 0  # all of it
    logits[0, 1, 20, 20] = logits[0, 1, 20, 40] = 0  # half here, half there
    logits[0, 2] = 0  # anywhere
    shares = nearby_share(logits, torch.tensor([[[20.0, 20.0], [20.0, 20.0], [27.0, 27.0]]]))
    np.testing.assert_allclose(shares, [[1, 0.5, 81 / 56**2]], rtol=1e-5)


def test_half_precision_does_not_overflow():
    logits = torch.zeros(1, 17, 56, 56, dtype=torch.float16)
    logits[..., 30, 30] = 60000
    (person,) = people_in(np.array([[0, 0, 56, 56]]), np.array([1.0]), logits)
    np.testing.assert_allclose(person.keypoints, 30.5)


def test_people_come_the_surest_first():
    people = people_in(np.arange(12).reshape(3, 4), np.array([0.2, 0.9, 0.5]))
    assert [p.score for p in people] == pytest.approx([0.9, 0.5, 0.2])
    np.testing.assert_array_equal(people[0].box, [4, 5, 6, 7])
    assert np.isnan(people[0].keypoints).all()
    assert not people[0].scores.any()
    assert people_in(np.empty((0, 4)), np.empty(0), torch.empty(0, 17, 56, 56)) == []


# --- torchvision


@pytest.mark.parametrize("together", [True, False])
def test_torchvision_people_have_soft_argmax_keypoints(together, monkeypatch, tmp_path):
    outputs = recording("torchvision_keypoints")
    built = fake_torchvision(monkeypatch, outputs)
    name = f"torchvision:{save_weights(tmp_path / f'{NETWORK}_mine.pth')}"
    if together:
        with open_batched(name, 0.4, "cpu") as find:
            found = find(FRAMES, [0.0, 0.1])
    else:
        with open_detector(name, 0.4, "cpu") as detect:
            found = [detect(frame, 0.0) for frame in FRAMES]
    for one, people in zip(outputs, found, strict=True):
        (person,) = people
        np.testing.assert_allclose(person.keypoints[None], expected_keypoints(one, 0.5), atol=2e-3)
        np.testing.assert_array_equal(person.box, one["boxes"][0])
        assert person.score == pytest.approx(float(one["scores"][0]))
        assert ((person.scores >= 1e-3) & (person.scores <= 1)).all()
        # torchvision's own are those of the maximum of the enlarged map: never far where the map has one maximum
        cell = (person.box[2:] - person.box[:2]) / 56
        apart = np.abs(person.keypoints - 0.5 - one["keypoints"][0, :, :2]) / cell
        sure = person.scores > 0.85
        assert sure.sum() >= 2
        assert np.median(apart[sure]) < 4
    (net,) = built
    assert net.options["box_score_thresh"] == 0.4
    assert net.options["weights"] is None
    np.testing.assert_allclose(net.seen[1].numpy(), FRAMES[1].transpose(2, 0, 1) / 255, rtol=1e-6)


def test_torchvision_boxes_are_of_people_only(monkeypatch, tmp_path):
    outputs = recording("torchvision_boxes")
    for one in outputs:
        one["labels"][::2] = 18  # a dog
    fake_torchvision(monkeypatch, outputs, "maskrcnn_resnet50_fpn")
    file = save_weights(tmp_path / "any.pth", classes=91, joints=0)
    with open_boxes(f"torchvision:maskrcnn_resnet50_fpn={file}", 0.01, "cpu") as find:
        found = find(FRAMES)
    for one, people in zip(outputs, found, strict=True):
        mine = one["labels"] == 1
        assert mine.sum() >= 1
        np.testing.assert_array_equal(sorted(p.box.tolist() for p in people), sorted(one["boxes"][mine].tolist()))
        assert all(np.isnan(p.keypoints).all() and not p.scores.any() for p in people)


def test_keypoints_are_not_computed_for_boxes(monkeypatch, tmp_path):
    built = fake_torchvision(monkeypatch, recording("torchvision_keypoints"))
    file = save_weights(tmp_path / f"{NETWORK}.pth")
    with open_boxes(f"torchvision:{file}", 0.1, "cpu") as find:
        (people, _) = find(FRAMES)
    assert np.isnan(people[0].keypoints).all()
    assert built[0].roi_heads.keypoint_predictor is None
    assert built[0].roi_heads.mask_head is None


def test_pictures_of_several_sizes_go_one_by_one(monkeypatch, tmp_path):
    built = fake_torchvision(monkeypatch, recording("torchvision_keypoints"))
    file = save_weights(tmp_path / f"{NETWORK}.pth")
    with open_batched(f"torchvision:{file}", 0.1, "cpu") as find:
        assert find([], []) == []
        found = find([FRAMES[0], FRAMES[1][:, ::2]], [0.0, 0.1])
    assert [len(people) for people in found] == [1, 1]
    assert [tuple(picture.shape) for picture in built[0].seen] == [(3, 48, 40), (3, 48, 20)]


@pytest.mark.parametrize(("published", "epsilon"), [(True, 0.0), (False, 1e-5)])
def test_the_published_file_gets_batch_norms_without_epsilon(published, epsilon, monkeypatch, tmp_path):
    built = fake_torchvision(monkeypatch, recording("torchvision_keypoints"))
    monkeypatch.setattr("videopose3d.detectors.torchvision.is_published", lambda _model, _path: published)
    with open_batched(f"torchvision:{save_weights(tmp_path / f'{NETWORK}.pth')}", 0.1, "cpu"):
        assert built[0].bn1.eps == epsilon


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("torchvision:squid", VideoPose3DError, "torchvision has no 'squid'.*keypointrcnn_resnet50_fpn"),
        ("torchvision:__name__", VideoPose3DError, "torchvision has no '__name__'"),
        (f"torchvision:{NETWORK}", WeightsError, f"not here yet.*weights pull torchvision:{NETWORK}"),
        (f"torchvision:{NETWORK}=nowhere.pth", WeightsError, "nowhere.pth: cannot be read"),
        (f"torchvision:{NETWORK}=FOLDER/empty.pth", WeightsError, "the file is empty"),
        (f"torchvision:{NETWORK}=FOLDER/other.pth", WeightsError, "boxes only"),
        (f"torchvision:{NETWORK}=FOLDER/few.pth", WeightsError, "16 joints"),
        (f"torchvision:{NETWORK}=FOLDER/torn.pth", WeightsError, "damaged"),
        (f"torchvision:{NETWORK}=FOLDER/nan.pth", WeightsError, "no numbers"),
        (f"torchvision:{NETWORK}=FOLDER/lacking.pth", WeightsError, "does not fit keypointrcnn"),
        (f"torchvision:{NETWORK}=FOLDER/hostile.pth", WeightsError, "nothing of it was run"),
    ],
)
def test_torchvision_refuses(name, error, says, monkeypatch, tmp_path):
    fake_torchvision(monkeypatch, recording("torchvision_keypoints"))
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "empty.pth").write_bytes(b"")
    save_weights(tmp_path / "other.pth", joints=0)
    save_weights(tmp_path / "few.pth", joints=16)
    whole = save_weights(tmp_path / "whole.pth").read_bytes()
    (tmp_path / "torn.pth").write_bytes(whole[: len(whole) // 2])
    state = torch.load(tmp_path / "whole.pth", weights_only=True)
    torch.save(state | {"bn1.weight": torch.tensor([np.nan])}, tmp_path / "nan.pth")
    del state["bn1.weight"]
    torch.save(state, tmp_path / "lacking.pth")
    torch.save({"a": Hostile(tmp_path / "ran")}, tmp_path / "hostile.pth")
    with pytest.raises(error, match=says), open_detector(name.replace("FOLDER", str(tmp_path)), 0.5, "cpu"):
        pytest.fail("it opened")
    assert not (tmp_path / "ran").exists()


class Hostile:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("problem", "says"), [("missing", "cannot be imported"), ("other torch", "does not fit torch")]
)
def test_torchvision_that_cannot_be_imported_says_what_to_do(problem, says, monkeypatch):
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    if problem == "missing":
        monkeypatch.setitem(sys.modules, "torchvision", None)
    else:
        monkeypatch.setattr(sys, "meta_path", [Broken("torchvision"), *sys.meta_path])
    with pytest.raises(MissingDependencyError, match=says) as error, open_detector("torchvision"):
        pytest.fail("it opened")
    assert "nstall" in error.value.fix


class Broken:
    """Finds a module whose import fails like that of a compiled part for another torch."""

    def __init__(self, name):
        self.name = name

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            raise RuntimeError("operator torchvision::nms does not exist")


# --- Detectron2


@pytest.mark.parametrize("suffix", [".pth", ".pkl"])
def test_detectron2_people_have_soft_argmax_keypoints(suffix, monkeypatch, tmp_path):
    outputs = recording("detectron2_keypoints")
    built = fake_detectron2(monkeypatch, tmp_path, outputs)
    file = save_detectron2(tmp_path / f"model{suffix}")
    with open_batched(f"detectron2:{CONFIG}={file}", 0.4, "cpu") as find:
        found = find(FRAMES, [0.0, 0.1])
    for one, people in zip(outputs, found, strict=True):
        (person,) = people
        np.testing.assert_allclose(person.keypoints[None], expected_keypoints(one, 0.0), atol=2e-3)
        cell = (person.box[2:] - person.box[:2]) / 56
        apart = np.abs(person.keypoints - one["keypoints"][0, :, :2]) / cell
        sure = person.scores > 0.85
        assert sure.sum() >= 2
        assert np.median(apart[sure]) < 4
    (net,) = built
    assert net.config.MODEL.ROI_HEADS.SCORE_THRESH_TEST == 0.4
    assert (net.config.MODEL.DEVICE, net.config.MODEL.WEIGHTS) == ("cpu", "")
    np.testing.assert_array_equal(net.roi_heads.box.weight.detach(), np.ones((2, 2)))
    given = net.seen[0]
    assert (given["height"], given["width"]) == FRAMES[0].shape[:2]
    np.testing.assert_array_equal(given["image"], FRAMES[0][::2, ::2, ::-1].transpose(2, 0, 1))  # BGR, 0..255


def test_detectron2_boxes_are_of_people_only(monkeypatch, tmp_path):
    outputs = [one | {"labels": np.array([i])} for i, one in enumerate(recording("detectron2_keypoints"))]
    fake_detectron2(monkeypatch, tmp_path, outputs)
    file = save_detectron2(tmp_path / "model.pth", joints=0)
    with open_boxes(f"detectron2:COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml={file}", 0.4, "cpu") as find:
        assert [len(people) for people in find(FRAMES)] == [1, 0]


def save_detectron2(path, joints=17, **more):
    state = detectron2_state(joints) | more
    if path.suffix == ".pkl":
        arrays = {key: value.numpy() for key, value in state.items()}
        path.write_bytes(pickle.dumps({"model": arrays, "__author__": "nobody"}))
    else:
        torch.save({"model": state, "iteration": 3}, path)
    return path


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("detectron2:squid", VideoPose3DError, f"Detectron2 has no 'squid'.*{CONFIG}"),
        ("detectron2:COCO-Detection/faster_rcnn_R_50_FPN_3x", VideoPose3DError, "boxes only.*FPN_3x\\+cpn"),
        (f"detectron2:{CONFIG}", WeightsError, f"not here yet.*weights pull detectron2:{CONFIG}"),
        ("detectron2:FOLDER/mine", WeightsError, "no published weights are known"),
        ("detectron2:FOLDER/bad", VideoPose3DError, "not a configuration of Detectron2"),
        (f"detectron2:{CONFIG}=nowhere.pkl", WeightsError, "nowhere.pkl: cannot be read"),
        (f"detectron2:{CONFIG}=FOLDER/hostile.pkl", WeightsError, "nothing was run"),
        (f"detectron2:{CONFIG}=FOLDER/torn.pkl", WeightsError, "damaged"),
        (f"detectron2:{CONFIG}=FOLDER/first.pkl", WeightsError, "first Detectron"),
        (f"detectron2:{CONFIG}=FOLDER/none.pkl", WeightsError, "no weights in it"),
        (f"detectron2:{CONFIG}=FOLDER/few.pth", WeightsError, "16 joints"),
        (f"detectron2:{CONFIG}=FOLDER/more.pth", WeightsError, "tensor roi_heads.more does not fit"),
    ],
)
def test_detectron2_refuses(name, error, says, monkeypatch, tmp_path):
    fake_detectron2(monkeypatch, tmp_path, recording("detectron2_keypoints"))
    monkeypatch.setenv("VIDEOPOSE3D_CACHE", str(tmp_path))
    (tmp_path / "mine.yaml").write_text("MODEL:\n  KEYPOINT_ON: True\n")
    (tmp_path / "bad.yaml").write_text("A: !!python/object/apply:os.system [touch ran]\n")
    (tmp_path / "hostile.pkl").write_bytes(pickle.dumps({"model": Hostile(tmp_path / "ran")}))
    (tmp_path / "torn.pkl").write_bytes(save_detectron2(tmp_path / "whole.pkl").read_bytes()[:200])
    (tmp_path / "first.pkl").write_bytes(pickle.dumps({"blobs": {"conv1_w": np.zeros(1)}}))
    (tmp_path / "none.pkl").write_bytes(pickle.dumps([1, 2]))
    save_detectron2(tmp_path / "few.pth", 16)
    save_detectron2(tmp_path / "more.pth", **{"roi_heads.more": torch.zeros(1)})
    with pytest.raises(error, match=says), open_detector(name.replace("FOLDER", str(tmp_path)), 0.5, "cpu"):
        pytest.fail("it opened")
    assert not (tmp_path / "ran").exists()


def test_a_missing_detectron2_says_how_to_build_it_and_what_to_avoid(monkeypatch):
    monkeypatch.setitem(sys.modules, "detectron2", None)
    with pytest.raises(MissingDependencyError) as error, open_detector("detectron2"):
        pytest.fail("it opened")
    assert "--no-build-isolation git+https://github.com/facebookresearch/detectron2" in error.value.fix
    assert "setuptools>=77.0.3,<82" in error.value.fix


def test_the_model_zoo_of_detectron2_is_not_touched(monkeypatch, tmp_path):
    fake_detectron2(monkeypatch, tmp_path, recording("detectron2_keypoints"))
    put(monkeypatch, "detectron2.engine")
    for module in ("pkg_resources", "detectron2.model_zoo", "detectron2.engine", "detectron2.checkpoint"):
        monkeypatch.setitem(sys.modules, module, None)  # importing one of them fails
    with open_batched(f"detectron2:{CONFIG}={save_detectron2(tmp_path / 'model.pth')}", 0.4, "cpu") as find:
        assert len(find(FRAMES[:1], [0.0])[0]) == 1
