"""The names of detectors: ``LIBRARY[:MODEL][=FILE]``, or ``BOXES+KEYPOINTS`` of two of them."""

from __future__ import annotations

from dataclasses import dataclass

SHORT = {
    "mask_rcnn": {
        "detectron2": "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x",
        "torchvision": "maskrcnn_resnet50_fpn_v2",
    },
    "faster_rcnn": {
        "detectron2": "COCO-Detection/faster_rcnn_R_101_FPN_3x",
        "torchvision": "fasterrcnn_resnet50_fpn_v2",
    },
    "keypoint_rcnn": {
        "detectron2": "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x",
        "torchvision": "keypointrcnn_resnet50_fpn",
    },
}
"""Networks that two libraries have: what each calls its best one, in the order in which they are tried."""
BOXES_ONLY = ("mask_rcnn", "faster_rcnn")


@dataclass(frozen=True)
class Name:
    """A detector as the user named it.

    Attributes:
        library: The part before the colon.
        model: A network of the library; empty for its default.
        weights: A file, or two with a comma between them; empty for the published ones.
    """

    library: str
    model: str = ""
    weights: str = ""

    def __str__(self) -> str:
        return self.library + (f":{self.model}" if self.model else "") + (f"={self.weights}" if self.weights else "")


def split(text: str) -> tuple[str, str]:
    """What finds the boxes, and what finds the keypoints in them; empty where the first does it all."""
    boxes, _, keypoints = text.partition("+")
    return boxes.strip(), keypoints.strip()


def parse(text: str) -> Name:
    """``torchvision:MODEL=FILE`` in its parts; a file may stand in the place of the model."""
    named, _, weights = text.partition("=")
    library, _, model = named.partition(":")
    if not weights and model.endswith((".pth", ".pt", ".pkl", ".onnx", ".bin", ".task")):
        model, weights = "", model
    return Name(library.strip(), model.strip(), weights.strip())
