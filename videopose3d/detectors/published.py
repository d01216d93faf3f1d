"""Keypoint networks that others have published, and how their inputs and maps are meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videopose3d.detectors.crops import MEAN_COLOUR, Size
from videopose3d.skeleton import COCO17, MPII16, Skeleton

JHMDB15 = Skeleton(
    "jhmdb15",
    (
        "neck", "belly", "head", "right_shoulder", "left_shoulder", "right_hip", "left_hip", "right_elbow",
        "left_elbow", "right_knee", "left_knee", "right_wrist", "left_wrist", "right_ankle", "left_ankle",
    ),
    (
        ("belly", "neck"), ("neck", "head"), ("neck", "right_shoulder"), ("neck", "left_shoulder"),
        ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"), ("belly", "right_hip"), ("belly", "left_hip"), ("right_hip", "right_knee"),
        ("right_knee", "right_ankle"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ),
)  # fmt: skip
"""Joints of the JHMDB data set."""


@dataclass(frozen=True)
class Recipe:
    """How the inputs and maps of a family of networks are meant.

    Attributes:
        family: Its name.
        stride: Input pixels per cell of a map.
        crop: ``rectangle`` or ``region``, the two of `crops`.
        mean, deviation: RGB that is subtracted, and then divided by; colours are 0..1.
        height: Of the blobs it was trained to.
        middle: Where in cell 0 it means, as `crops.from_cells`.
        flip_shift: Cells by which maps of mirrored pictures are moved, as `decoding.merge_flip`.
        decoder: The classic one, a name of `decoding.DECODERS`.
    """

    family: str
    stride: int
    crop: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    height: float
    middle: float
    flip_shift: int
    decoder: str


_CPN_MEAN = (MEAN_COLOUR[0] / 255, MEAN_COLOUR[1] / 255, MEAN_COLOUR[2] / 255)
RECIPES = {
    recipe.family: recipe
    for recipe in (
        Recipe("cpn", 4, "rectangle", _CPN_MEAN, (1, 1, 1), 255, 0.5, 0, "cpn"),
        Recipe("cpm", 8, "region", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1, 0, 1, "mmpose"),
        Recipe("hourglass", 4, "region", (0.4404, 0.4440, 0.4327), (1, 1, 1), 1, 0.5, 0, "hourglass"),
    )
}
"""By family. The hourglass' mean is that of the MPII images."""


@dataclass(frozen=True)
class PublishedNetwork:
    """A keypoint network that its authors offer for download.

    Attributes:
        name: For `load_keypoint_network`.
        family: Of `RECIPES`.
        file: What it is called on the disk.
        url: Where it is.
        sha256: First hexadecimal digits of its hash; empty where none is published.
        input_size: (height, width) [px].
        skeleton: Its joints.
        accuracy: As published, with what it was measured on.
        licence: Of the weights.
    """

    name: str
    family: str
    file: str
    url: str
    sha256: str
    input_size: Size
    skeleton: Skeleton
    accuracy: str
    licence: str


_DRIVE = "https://drive.google.com/uc?id="
_MMPOSE = "https://download.openmmlab.com/mmpose/"
_GPL = "not stated for the weights; the program that they belong to is GPL-3.0"
_APACHE = "Apache-2.0 as published by MMPose"
_COCO = "COCO val2017"


def _cpn(name: str, drive: str, size: Size, accuracy: str) -> PublishedNetwork:
    file = f"{name}.pth.tar"
    return PublishedNetwork(name.lower(), "cpn", file, _DRIVE + drive, "", size, COCO17, accuracy, _GPL)


def _cpm(name: str, path: str, size: Size, skeleton: Skeleton, accuracy: str) -> PublishedNetwork:
    file = path.rpartition("/")[2]
    digest = file.rpartition("-")[2][:8]
    return PublishedNetwork(name, "cpm", file, _MMPOSE + path, digest, size, skeleton, accuracy, _APACHE)


_OLD, _V1 = "top_down/cpm/cpm", "v1/body_2d_keypoint/topdown_heatmap/coco/td-hm_cpm_8xb"
_SMALL, _LARGE, _SQUARE = (256, 192), (384, 288), (368, 368)
_DETECTED = "COCO val2017, detected boxes, flip test"
PUBLISHED = {
    network.name: network
    for network in (
        _cpn("CPN50_256x192", "1pUpU8o6QtgK197vAfCtT5cxokE9p-yuB", _SMALL, f"AP 69.2, {_DETECTED}"),
        _cpn("CPN50_384x288", "1L6Qq-incr2XtptdLJti3Zdf6sr19zs7y", _LARGE, f"AP 72.2, {_DETECTED}"),
        _cpn("CPN101_384x288", "1zFYUsDbFG3xxMoZkSv253QsVD9AF9rv7", _LARGE, f"AP 72.3, {_DETECTED}"),
        _cpm("cpm_coco_256x192", f"{_OLD}_coco_256x192-aa4ba095_20200817.pth", _SMALL, COCO17, f"AP 62.3, {_DETECTED}"),
        _cpm("cpm_coco_384x288", f"{_OLD}_coco_384x288-80feb4bc_20200821.pth", _LARGE, COCO17, f"AP 65.0, {_DETECTED}"),
        _cpm(
            "cpm_coco_256x192_v1", f"{_V1}64-210e_coco-256x192-0e978875_20220920.pth", _SMALL, COCO17,
            f"AP 62.7, {_DETECTED}",
        ),
        _cpm(
            "cpm_coco_384x288_v1", f"{_V1}32-210e_coco-384x288-165487b8_20221011.pth", _LARGE, COCO17,
            f"AP 65.2, {_DETECTED}",
        ),
        _cpm("cpm_mpii_368x368", f"{_OLD}_mpii_368x368-116e62b8_20200822.pth", _SQUARE, MPII16, "PCKh@.5 87.6, MPII"),
        *(
            _cpm(
                f"cpm_jhmdb_sub{part}_368x368", f"{_OLD}_jhmdb_sub{part}_368x368-{digest}_20201122.pth", _SQUARE,
                JHMDB15, f"PCK@.2 {pck}, sub-JHMDB, split {part}",
            )
            for part, digest, pck in ((1, "2d2585c9", 89.5), (2, "fc742f1f", 87.4), (3, "49337155", 92.4))
        ),
    )
}  # fmt: skip
"""By name."""


def recognise(path: Path) -> PublishedNetwork | None:
    """The published network whose file name this is."""
    return next((network for network in PUBLISHED.values() if network.file.lower() == path.name.lower()), None)
