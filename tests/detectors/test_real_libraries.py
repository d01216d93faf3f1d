"""The adapters against the libraries themselves, where these are installed: random weights show that nothing is lost.

The default suite has recorded outputs instead (test_rcnn.py). CONTRIBUTING.md says how to set up the libraries.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from videopose3d.detectors import open_batched, open_boxes
from videopose3d.detectors.names import parse

pytestmark = pytest.mark.slow
SCORE = 0.3


def importable(name):
    try:
        return __import__(name)
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"{name}: {' '.join(str(error).split())[:80]}")


def frames(count=2, height=480, width=400):
    random = np.random.default_rng(3)
    coarse = random.integers(0, 255, (count, height // 20, width // 20, 3)).astype(np.uint8)
    return list(coarse.repeat(20, 1).repeat(20, 2))


def lively(net, people_bias, person):
    """Random weights with which activations stay finite, people are found, and maps have one clear maximum."""
    torch.manual_seed(1)
    state = net.state_dict()
    for key, value in state.items():
        if key.endswith(("conv3.norm.weight", "bn3.weight")):
            value.fill_(0.3)
        elif key.endswith(("norm.running_mean", "norm.running_var")) or (".bn" in key and "running" in key):
            value.add_(0.05 * torch.rand_like(value))
        elif key.endswith("stem.conv1.weight"):  # Detectron2's colours are 0..255
            value.div_(60)
        elif key.endswith("cls_score.weight"):
            value.normal_(0, 1.0)
        elif key.endswith("cls_score.bias"):
            value.zero_()
            value[person] = people_bias
        elif key.endswith("score_lowres.weight"):
            value.normal_(0, 4.0)
    return state


def assert_same_people(people, boxes, scores, logits=None, shift=0.0):
    """``people`` are the detections of a library, whose keypoints follow from its logits by the definition."""
    order = np.argsort(-scores, kind="stable")
    np.testing.assert_allclose([p.box for p in people], boxes[order], atol=2e-3)
    np.testing.assert_allclose([p.score for p in people], scores[order], atol=1e-5)
    for person, i in zip(people, order, strict=True) if logits is not None else ():
        cells = np.arange(logits.shape[-1]) + 0.5
        shares = np.exp(logits[i].astype(float) - logits[i].max((1, 2), keepdims=True))
        shares /= shares.sum((1, 2), keepdims=True)
        x, y = (shares.sum(1) * cells).sum(1), (shares.sum(2) * cells).sum(1)
        size = boxes[i, 2:] - boxes[i, :2]
        expected = boxes[i, :2] + np.stack([x, y], 1) / len(cells) * size + shift
        np.testing.assert_allclose(person.keypoints, expected, atol=5e-3)


@pytest.mark.parametrize(
    "network", ["keypointrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn"]
)
def test_torchvision_finds_what_its_own_network_finds(network, tmp_path):
    detection = importable("torchvision").models.detection
    with_keypoints = network.startswith("keypoint")
    net = getattr(detection, network)(weights=None, weights_backbone=None, box_score_thresh=SCORE).eval()
    net.load_state_dict(lively(net, 2.0 if with_keypoints else 6.0, 1))
    file = tmp_path / f"{network}_mine.pth"
    torch.save(net.state_dict(), file)
    logits = []
    if with_keypoints:
        net.roi_heads.keypoint_predictor.register_forward_hook(lambda _n, _i, out: logits.append(out.numpy()))
    pictures = frames()
    name = f"torchvision:{network}={file}"
    opened = open_batched(name, SCORE) if with_keypoints else open_boxes(name, SCORE)
    with opened as find:
        found = find(pictures, [0.0, 0.1]) if with_keypoints else find(pictures)
    for picture, people in zip(pictures, found, strict=True):
        logits.clear()
        with torch.inference_mode():
            (own,) = net([torch.from_numpy(picture).permute(2, 0, 1) / 255])
        person = (own["labels"] == 1).numpy()
        assert person.sum() >= 3
        maps = logits[0][person] if logits else None
        assert_same_people(people, own["boxes"].numpy()[person], own["scores"].numpy()[person], maps, 0.5)
        if with_keypoints:  # and where maps have one maximum, it is where the library says
            hard = own["keypoints"].numpy()[person][..., :2] + 0.5
            size = own["boxes"][:, 2:].numpy()[person] - own["boxes"][:, :2].numpy()[person]
            sure = np.array([p.scores for p in people]) > 0.95
            cells = (
                np.abs(np.array([p.keypoints for p in people]) - hard)[sure] / (size[:, None] / 56).repeat(17, 1)[sure]
            )
            assert np.median(cells) < 1


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
@pytest.mark.parametrize(
    "config", ["COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x", "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x"]
)
def test_detectron2_finds_what_its_own_predictor_finds(config, suffix, tmp_path, monkeypatch):
    library = importable("detectron2")
    monkeypatch.setitem(sys.modules, "pkg_resources", None)  # as with setuptools 82 and newer
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model

    keypoints, named = "Keypoints" in config, suffix == ".pkl"
    path = Path(library.__file__).parent / "model_zoo" / "configs" / f"{config}.yaml"
    if not named:  # a file of the user's instead, for smaller pictures
        base, path = path, tmp_path / "mine.yaml"
        path.write_text(f"_BASE_: {base}\nINPUT:\n  MIN_SIZE_TEST: 400\n")
    cfg = get_cfg()
    cfg.merge_from_file(str(path))
    cfg.MODEL.DEVICE, cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = "cpu", SCORE
    file = tmp_path / f"model{suffix}"
    save_model(lively(build_model(cfg), 2.0 if keypoints else 30.0, 0), file)
    name = f"detectron2:{config if named else path}={file}"
    pictures = frames(1 if named else 2)
    opened = open_batched(name, SCORE, "cpu") if keypoints else open_boxes(name, SCORE, "cpu")
    with opened as find:
        found = find(pictures, [0.0, 0.1][: len(pictures)]) if keypoints else find(pictures)
    predictor = own_predictor(cfg, file)
    for picture, people in zip(pictures, found, strict=True):
        own = predictor(picture[..., ::-1])["instances"]
        own = own[own.pred_classes == 0]
        assert len(own) >= 3
        maps = own.pred_keypoint_heatmaps.numpy() if keypoints else None
        assert_same_people(people, own.pred_boxes.tensor.numpy(), own.scores.numpy(), maps)


def save_model(state, file):
    import pickle

    if file.suffix == ".pkl":  # as the model zoo has them
        content = {"model": {k: v.numpy() for k, v in state.items()}, "__author__": "nobody"}
        file.write_bytes(pickle.dumps(content, protocol=4))
    else:
        torch.save({"model": state, "iteration": 7}, file)


def own_predictor(cfg, file):
    cfg = cfg.clone()
    cfg.MODEL.WEIGHTS = str(file)
    from detectron2.engine.defaults import DefaultPredictor

    return DefaultPredictor(cfg)


# --- fine-tuning with Detectron2's trainer


def small_config(library, folder):
    """The smallest pictures, and proposals enough that some of random weights meet a person."""
    base = Path(library.__file__).parent / "model_zoo" / "configs" / "COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x.yaml"
    path = folder / "small.yaml"
    sizes = "INPUT:\n  MIN_SIZE_TRAIN: (96,)\n  MIN_SIZE_TEST: 96\n"
    path.write_text(f"_BASE_: {base}\n{sizes}MODEL:\n  ROI_HEADS:\n    BATCH_SIZE_PER_IMAGE: 32\n")
    return path


def test_detectron2_trains_from_weights_goes_on_and_finds_its_own_joints(tmp_path, monkeypatch, capsys):
    """17 joints of Human3.6M, not of COCO: the last layers are new, and the detector says whose joints it finds."""
    library = importable("detectron2")
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model
    from stick_people import write_people

    from videopose3d.config_finetune import KeypointRcnnConfig
    from videopose3d.detectors import joints_of
    from videopose3d.detectors.rcnn import read_state
    from videopose3d.pipeline.finetune.keypoint_rcnn import finetune_keypoint_rcnn, new_layers
    from videopose3d.pipeline.training.stopping import Stopped
    from videopose3d.skeleton import H36M17

    path, people, run = small_config(library, tmp_path), write_people(tmp_path / "people", 4), tmp_path / "run"
    cfg = get_cfg()
    cfg.merge_from_file(str(path))
    cfg.MODEL.DEVICE = "cpu"
    before = lively(build_model(cfg), 2.0, 0)
    save_model(before, tmp_path / "start.pth")
    config = KeypointRcnnConfig(steps=(2, 2), batch=2, learning_rate=1e-6, warmup=1, save_every=3, workers=1)
    options = {"network": str(path), "initial": str(tmp_path / "start.pth"), "device": "cpu"}
    seen = []

    def stop_after_two(status):
        seen.append(status)
        if status.step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        finetune_keypoint_rcnn(people, run, config, report=stop_after_two, **options)
    assert [file.name for file in run.glob("*.pth")] == ["model_0000001.pth"]
    weights = finetune_keypoint_rcnn(people, run, config, existing="resume", report=seen.append, **options)
    assert [status.step for status in seen] == [1, 2, 3, 4]
    assert all(np.isfinite(status.loss) for status in seen)
    assert [file.name for file in run.glob("*.pth")] == ["model_final.pth"]
    rates = [json.loads(line)["lr"] for line in (run / "metrics.json").read_text().splitlines()]
    assert rates[-1] == pytest.approx(1e-7)  # the second phase's
    after, fresh = read_state(weights), new_layers(cfg)
    assert len(fresh) == 4
    moved = {key: float((after[key] - before[key]).abs().max()) for key in before if "cell_anchors" not in key}
    assert min(moved[key] for key in fresh if key.endswith("weight")) > 0.01
    assert max(value for key, value in moved.items() if key not in fresh) < 1e-3
    assert moved["roi_heads.box_head.fc1.weight"] > 0  # it learned
    assert moved["backbone.bottom_up.stem.conv1.norm.running_mean"] == 0  # frozen
    name = f"detectron2:{run / 'config.yaml'}={weights}"
    assert joints_of(name) == H36M17
    with open_batched(name, SCORE, "cpu") as find:
        (found,) = find(frames(1), [0.0])
    assert found
    assert all(person.keypoints.shape == (17, 2) for person in found)
    assert finetune_keypoint_rcnn(people, run, config, existing="resume", **options) == weights  # nothing left to do
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("change", "says"), [("large", "not a number"), ("torn", "trainer failed.*log.txt")])
def test_detectron2s_trainer_fails_with_one_line(change, says, tmp_path):
    library = importable("detectron2")
    from stick_people import write_people

    from videopose3d.config_finetune import KeypointRcnnConfig
    from videopose3d.errors import VideoPose3DError
    from videopose3d.pipeline.finetune.keypoint_rcnn import finetune_keypoint_rcnn

    people = write_people(tmp_path / "people", 2)
    if change == "torn":
        for file in people.files:
            (people.folder / file).write_bytes(b"no picture")
    rate = 1e30 if change == "large" else 1e-6
    config = KeypointRcnnConfig(steps=(3,), batch=2, learning_rate=rate, warmup=0, workers=1)
    path = small_config(library, tmp_path)
    with pytest.raises(VideoPose3DError, match=says) as error:
        finetune_keypoint_rcnn(people, tmp_path / "run", config, network=str(path), initial="random", device="cpu")
    assert "\n" not in str(error.value)


# --- rtmlib


def onnx_model(onnx, file, size, outputs):
    """A model that makes each output by a random matrix of the mean colour of its input (1, 3, H, W)."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(5)
    nodes = [helper.make_node("GlobalAveragePool", ["input"], ["mean4"])]
    nodes.append(helper.make_node("Flatten", ["mean4"], ["mean"]))
    constants, infos = [], []
    for name, shape, offset in outputs:
        weight = random.normal(0, 1e-4, (3, int(np.prod(shape)))).astype(np.float32)
        constants += [
            numpy_helper.from_array(weight, f"{name}_w"),
            numpy_helper.from_array(np.asarray(offset), f"{name}_o"),
        ]
        constants.append(numpy_helper.from_array(np.array(shape, np.int64), f"{name}_s"))
        nodes += [
            helper.make_node("MatMul", ["mean", f"{name}_w"], [f"{name}_m"]),
            helper.make_node("Reshape", [f"{name}_m", f"{name}_s"], [f"{name}_r"]),
            helper.make_node("Add", [f"{name}_r", f"{name}_o"], [name]),
        ]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *size])
    graph = helper.make_graph(nodes, "small", [given], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    file.write_bytes(model.SerializeToString())
    return file


def test_rtmlib_finds_what_it_finds_itself(tmp_path, capsys):
    rtmlib, onnx = importable("rtmlib"), importable("onnx")
    boxes = np.array([[[100, 50, 300, 600, 0.9], [10, 20, 90, 200, 0.2], [320, 40, 500, 620, 0.6]]], np.float32)
    yolox = onnx_model(onnx, tmp_path / "det.onnx", (640, 640), [("dets", [1, 3, 5], boxes)])
    simcc = [("x", [1, 17, 384], np.float32(0)), ("y", [1, 17, 512], np.float32(0))]
    pose = onnx_model(onnx, tmp_path / "pose.onnx", (256, 192), simcc)
    pictures = frames()
    with open_batched(f"rtmpose={yolox},{pose}", 0.3) as find:
        found = find(pictures, [0.0, 0.1])
    assert capsys.readouterr().out == ""
    own_boxes = rtmlib.YOLOX(str(yolox), model_input_size=(640, 640))
    own_keypoints = rtmlib.RTMPose(str(pose), model_input_size=(192, 256))
    for picture, people in zip(pictures, found, strict=True):
        bgr = np.ascontiguousarray(picture[..., ::-1])
        expected = own_boxes(bgr)
        points, scores = own_keypoints(bgr, bboxes=expected)
        assert len(people) == len(expected) == 2
        np.testing.assert_allclose([p.box for p in people], expected, rtol=1e-5)
        np.testing.assert_allclose([p.keypoints for p in people], points + 0.5, rtol=1e-5)
        np.testing.assert_allclose([p.scores for p in people], np.clip(scores, 1e-3, 1), rtol=1e-5)
        assert [p.score for p in people] == sorted((p.score for p in people), reverse=True)
    assert parse(f"rtmpose={yolox},{pose}").weights
