"""What others have published for finding people: where it is, how good it is, under which terms.

Files are looked for where ``weights pull``, a user or the library itself has put them, and checked. Nothing is
downloaded unasked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import new as new_hash
from pathlib import Path

from videopose3d.errors import WeightsError
from videopose3d.weights.store import cache_folder

BOXES, KEYPOINTS, BOTH = "boxes", "keypoints", "boxes and keypoints"

TORCHVISION = "https://download.pytorch.org/models/"
DETECTRON2 = "https://dl.fbaipublicfiles.com/detectron2/"
MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models/pose_landmarker/"
OPENMMLAB = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/"

_OTHER_CACHES = {
    "torchvision": ("TORCH_HOME", "~/.cache/torch", "hub/checkpoints"),
    "rtmpose": ("TORCH_HOME", "~/.cache/rtmlib", "hub/checkpoints"),
}
"""Library -> environment variable, folder without it, and where below it the library keeps what it downloads."""


@dataclass(frozen=True)
class Model:
    """A trained network that its authors offer for download.

    Attributes:
        library: Name of the detector that runs it.
        name: As given after the colon: ``torchvision:NAME``.
        finds: `BOXES`, `KEYPOINTS` or `BOTH`.
        url: Of the file.
        check: ``sha256:`` or ``md5:`` and the first digits of the hash; empty where none is published.
        box_ap: Average precision of the boxes on COCO val2017: of all 80 classes for `BOXES`, of people for `BOTH`;
            None where none is published.
        keypoint_ap: Average precision of the keypoints on COCO val2017.
        note: What the figures are of.
    """

    library: str
    name: str
    finds: str
    url: str
    check: str = ""
    box_ap: float | None = None
    keypoint_ap: float | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """Its name for ``--detector``."""
        return f"{self.library}:{self.name}"

    @property
    def sha256(self) -> str:
        """First digits of the SHA-256; empty where none is published."""
        return self.check.removeprefix("sha256:") if self.check.startswith("sha256:") else ""

    @property
    def file(self) -> str:
        """Name of the file; zipped ONNX models have the name of the archive when unpacked."""
        name = self.url.rpartition("/")[2]
        return f"{name.removesuffix('.zip')}.onnx" if name.endswith(".zip") else name


def _torchvision(name: str, file: str, finds: str, box_ap: float, keypoint_ap: float | None = None) -> Model:
    digits = file.removesuffix(".pth").rpartition("-")[2]
    return Model("torchvision", name, finds, TORCHVISION + file, f"sha256:{digits}", box_ap, keypoint_ap)


def _detectron2(name: str, number: int, digits: str, box_ap: float, keypoint_ap: float | None = None) -> Model:
    url = f"{DETECTRON2}{name}/{number}/model_final_{digits}.pkl"
    return Model("detectron2", name, BOTH if keypoint_ap else BOXES, url, f"md5:{digits}", box_ap, keypoint_ap)


def _mediapipe(name: str) -> Model:
    note = "up to 4 people; no AP on COCO is published"
    return Model("mediapipe", name, BOTH, f"{MEDIAPIPE}{name}/float16/latest/{name}.task", note=note)


def _rtmpose(name: str, finds: str, file: str, note: str = "") -> Model:
    return Model("rtmpose", name, finds, OPENMMLAB + file, note=note)


_SEVEN = "trained on seven data sets; trained on COCO and AIC it has AP"
MODELS = (
    _torchvision("keypointrcnn_resnet50_fpn", "keypointrcnn_resnet50_fpn_coco-fc266e95.pth", BOTH, 54.6, 65.0),
    _torchvision("maskrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", BOXES, 47.4),
    _torchvision("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", BOXES, 37.9),
    _torchvision("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", BOXES, 46.7),
    _torchvision("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", BOXES, 37.0),
    _torchvision("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", BOXES, 32.8),
    _torchvision(
        "fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", BOXES, 22.8
    ),
    _detectron2("COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x", 138363331, "997cc7", 56.4, 66.1),
    _detectron2("COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x", 137849621, "a6e10b", 55.4, 65.5),
    _detectron2("COCO-Keypoints/keypoint_rcnn_R_50_FPN_1x", 137261548, "04e291", 53.6, 64.0),
    _detectron2("COCO-Keypoints/keypoint_rcnn_X_101_32x8d_FPN_3x", 139686956, "5ad38f", 57.3, 66.0),
    _detectron2("COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x", 138205316, "a3ec72", 42.9),
    _detectron2("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x", 137849600, "f10217", 41.0),
    _detectron2("COCO-Detection/faster_rcnn_R_101_FPN_3x", 137851257, "f6e8b1", 42.0),
    _detectron2("COCO-Detection/faster_rcnn_R_50_FPN_3x", 137849458, "280758", 40.2),
    _rtmpose("lightweight", BOXES, "yolox_tiny_8xb8-300e_humanart-6f3252f9.zip"),
    _rtmpose(
        "lightweight",
        KEYPOINTS,
        "rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504.zip",
        f"{_SEVEN} 72.2",
    ),
    _rtmpose("balanced", BOXES, "yolox_m_8xb8-300e_humanart-c2c7a14a.zip"),
    _rtmpose(
        "balanced", KEYPOINTS, "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504.zip", f"{_SEVEN} 75.8"
    ),
    _rtmpose("performance", BOXES, "yolox_x_8xb8-300e_humanart-a39d44ed.zip"),
    _rtmpose(
        "performance",
        KEYPOINTS,
        "rtmpose-x_simcc-body7_pt-body7_700e-384x288-71d7b7e9_20230629.zip",
        "trained on seven data sets",
    ),
    _mediapipe("pose_landmarker_full"),
    _mediapipe("pose_landmarker_heavy"),
    _mediapipe("pose_landmarker_lite"),
)


def find_model(library: str, name: str, finds: str = "") -> Model | None:
    """The published model of that name; None where there is none."""
    fits = (model for model in MODELS if (model.library, model.name) == (library, name))
    return next((model for model in fits if finds in ("", model.finds)), None)


def installed(model: Model) -> Path | None:
    """Where the model's file is: in the cache of this package or of the library; None where it is not."""
    folders = [cache_folder()]
    if model.library in _OTHER_CACHES:
        variable, folder, below = _OTHER_CACHES[model.library]
        folders.append(Path(os.environ.get(variable) or folder).expanduser() / below)
    return next((path for folder in folders if (path := folder / model.file).is_file()), None)


def weights_file(model: Model) -> Path:
    """The file of a published model, its hash checked.

    Raises:
        WeightsError: It is not here, or is another file.
    """
    path = installed(model)
    if path is None:
        raise WeightsError(
            "these weights are not here yet", where=model.label, fix=f"Run: videopose3d weights pull {model.label}"
        )
    if not is_published(model, path):
        raise WeightsError(
            f"its hash does not start with {model.check.partition(':')[2]}; it is damaged or another file",
            where=path,
            fix=f"Delete it and download {model.url} again.",
        )
    return path


def is_published(model: Model, path: Path) -> bool:
    """Whether a file has the hash of a published model, where one is published."""
    kind, _, digits = model.check.partition(":")
    if not digits:
        return True
    digest = new_hash(kind, usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error
    return digest.hexdigest().startswith(digits)
