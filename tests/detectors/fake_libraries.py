"""Modules that stand for torchvision, Detectron2 and rtmlib, and answer with what the real ones once gave.

That the adapters also fit the real libraries is shown where these are installed: test_real_libraries.py.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from golden_files import FOLDER
from torch import nn

CONFIG = "COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x"


def recording(name):
    """Outputs of a library on two pictures, per picture."""
    with np.load(FOLDER / "detectors" / f"{name}.npz") as npz:
        arrays = {key: npz[key] for key in npz.files}
    return [{key[:-1]: value for key, value in arrays.items() if key.endswith(str(i))} for i in (0, 1)]


def put(monkeypatch, name, **content):
    """A module that ``import name`` finds."""
    module = ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


# --- torchvision


class FakeNetwork(nn.Module):
    """An R-CNN that gives recorded outputs, with the parts of a real one that the adapter touches."""

    def __init__(self, outputs, **options):
        super().__init__()
        self.outputs, self.options, self.seen, self.next = outputs, options, [], 0
        self.bn1 = nn.BatchNorm2d(1)
        self.roi_heads = nn.Module()
        self.roi_heads.box_predictor = nn.Module()
        self.roi_heads.box_predictor.cls_score = nn.Linear(1, options["num_classes"])
        if "logits" in outputs[0]:
            self.roi_heads.keypoint_roi_pool = self.roi_heads.keypoint_head = nn.Identity()
            self.roi_heads.keypoint_predictor = nn.Identity()
            self.roi_heads.keypoint_predictor.kps_score_lowres = nn.ConvTranspose2d(1, 17, 1)

    def forward(self, pictures):
        assert len({picture.shape for picture in pictures}) == 1  # or padding would change what a real one finds
        found = [self.outputs[self.next + i] for i in range(len(pictures))]
        self.seen += pictures
        self.next += len(pictures)
        if getattr(self.roi_heads, "keypoint_predictor", None) is not None:
            self.roi_heads.keypoint_predictor(torch.cat([torch.from_numpy(one["logits"]).float() for one in found]))
        kept = [{key: one[key] for key in ("boxes", "labels", "scores")} for one in found]
        return [{key: torch.from_numpy(value) for key, value in one.items()} for one in kept]


def fake_torchvision(monkeypatch, outputs, network="keypointrcnn_resnet50_fpn"):
    """Put a torchvision in place whose one network gives ``outputs``; the networks that were built come back."""
    built = []

    def build(**options):
        built.append(FakeNetwork(outputs, **options))
        return built[-1]

    build.__name__ = network
    detection = SimpleNamespace(**{network: build})
    put(monkeypatch, "torchvision", models=SimpleNamespace(detection=detection), __version__="0")
    return built


def save_weights(path, classes=2, joints=17):
    """A checkpoint that fits `FakeNetwork`."""
    outputs = [{"logits": None}] if joints else [{}]
    state = FakeNetwork(outputs, num_classes=classes).state_dict()
    if joints:
        state["roi_heads.keypoint_predictor.kps_score_lowres.weight"] = torch.zeros(1, joints, 1, 1)
    torch.save(state, path)
    return path


# --- Detectron2


class FakeInstances:
    """What Detectron2 calls the people of one picture."""

    def __init__(self, one):
        self.pred_boxes = SimpleNamespace(tensor=torch.from_numpy(one["boxes"]))
        self.scores, self.pred_classes = torch.from_numpy(one["scores"]), torch.from_numpy(one["labels"])
        self.one = one
        if "logits" in one:
            self.pred_keypoint_heatmaps = torch.from_numpy(one["logits"]).float()

    def __getitem__(self, chosen):
        return FakeInstances({key: value[chosen.numpy()] for key, value in self.one.items()})

    def has(self, name):
        return hasattr(self, name)


class FakeConfig(SimpleNamespace):
    """Only what the adapter reads and sets, as Detectron2's defaults are."""

    def __init__(self):
        heads = SimpleNamespace(SCORE_THRESH_TEST=0.05)
        model = SimpleNamespace(DEVICE="cuda", ROI_HEADS=heads, MASK_ON=False, KEYPOINT_ON=False, WEIGHTS="x")
        super().__init__(MODEL=model, INPUT=SimpleNamespace(MIN_SIZE_TEST=800, MAX_SIZE_TEST=1333, FORMAT="BGR"))

    def merge_from_file(self, path, allow_unsafe=True):
        assert not allow_unsafe
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "python" in text:
            raise ValueError("could not determine a constructor for the tag")
        self.MODEL.KEYPOINT_ON = "KEYPOINT_ON: True" in text


class FakeRCNN(nn.Module):
    def __init__(self, outputs, config):
        super().__init__()
        self.outputs, self.config, self.seen = outputs, config, []
        self.roi_heads = nn.Module()
        self.roi_heads.box = nn.Linear(2, 2)
        if config.MODEL.KEYPOINT_ON:
            self.roi_heads.keypoint_head = nn.Module()
            self.roi_heads.keypoint_head.score_lowres = nn.ConvTranspose2d(1, 17, 1)

    def forward(self, inputs):
        found = self.outputs[len(self.seen) :][: len(inputs)]
        self.seen += inputs
        kept = (
            ("boxes", "scores", "labels", "logits") if self.config.MODEL.KEYPOINT_ON else ("boxes", "scores", "labels")
        )
        return [{"instances": FakeInstances({key: one[key] for key in kept})} for one in found]


def fake_detectron2(monkeypatch, folder, outputs):
    """Put a Detectron2 in place with one configuration; the networks that were built come back."""
    zoo = folder / "detectron2" / "model_zoo" / "configs"
    for name, text in ((CONFIG, "MODEL:\n  KEYPOINT_ON: True\n"), ("COCO-Detection/faster_rcnn_R_50_FPN_3x", "")):
        (zoo / name).parent.mkdir(parents=True)
        (zoo / f"{name}.yaml").write_text(text)
    built = []

    def build_model(config):
        built.append(FakeRCNN(outputs, config))
        return built[-1]

    def resize(sizes, largest):
        def get_transform(picture):
            assert (sizes, largest) == ([800, 800], 1333)
            return SimpleNamespace(apply_image=lambda image: image[::2, ::2])

        return SimpleNamespace(get_transform=get_transform)

    put(monkeypatch, "detectron2", __file__=str(folder / "detectron2" / "__init__.py"))
    put(monkeypatch, "detectron2.config", get_cfg=FakeConfig)
    put(monkeypatch, "detectron2.modeling", build_model=build_model)
    put(monkeypatch, "detectron2.data")
    put(monkeypatch, "detectron2.data.transforms", ResizeShortestEdge=resize)
    return built


def detectron2_state(joints=17):
    """Weights that fit `FakeRCNN`, with those of a mask branch that is not used."""
    state = {"roi_heads.box.weight": torch.ones(2, 2), "roi_heads.box.bias": torch.zeros(2)}
    state["roi_heads.mask_head.predictor.weight"] = torch.zeros(1)
    state["proposal_generator.anchor_generator.cell_anchors.0"] = torch.zeros(3, 4)
    if joints:
        state["roi_heads.keypoint_head.score_lowres.weight"] = torch.zeros(1, joints, 1, 1)
        state["roi_heads.keypoint_head.score_lowres.bias"] = torch.zeros(joints)
    return state


# --- rtmlib


class FakeOnnx:
    """A network of rtmlib."""

    size = (640, 640)

    def __init__(self, path, backend, device):
        print(f"load {path}")
        self.session = SimpleNamespace(get_inputs=lambda: [SimpleNamespace(shape=[1, 3, *self.size])])
        self.path, self.device, self.seen = path, device, []


def fake_rtmlib(monkeypatch, dets, points, scores):
    """Put an rtmlib in place that finds these boxes (N, 5) before they are scaled, and these keypoints per box."""
    built = []

    class YOLOX(FakeOnnx):
        def preprocess(self, picture):
            self.seen.append(picture)
            return picture, 0.5

        def inference(self, _picture):
            return [dets[None].copy()]

        def postprocess(self, found, ratio):
            return found[0][found[0][:, 0] >= 0][:, :4] / ratio

    class RTMPose(FakeOnnx):
        size = (256, 192)

        def __call__(self, picture, bboxes):
            self.seen.append((picture, bboxes))
            return points[: len(bboxes)], scores[: len(bboxes)]

    def noted(kind):
        def make(*args, **options):
            built.append(kind(*args, **options))
            return built[-1]

        make.__name__ = kind.__name__
        return make

    put(monkeypatch, "onnxruntime")
    put(monkeypatch, "rtmlib", YOLOX=noted(YOLOX), RTMPose=noted(RTMPose))
    return built
