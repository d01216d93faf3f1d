"""Faster, Mask and Keypoint R-CNN of torchvision: people as boxes, or with keypoints.

Weights are files that are here already: published ones by name, or any checkpoint of such a network. They are
read without running anything in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from videopose3d.detectors.models import find_model, is_published, weights_file
from videopose3d.detectors.names import Name
from videopose3d.detectors.rcnn import check_joints, frames_alike, people_in, read_state, usual_device
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.types import Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import FindPeople

DEFAULT, DEFAULT_BOXES = "keypointrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"
_PERSON = 1  # 0 is the background
_INDEX_TO_MIDDLE = 0.5  # [px] its keypoints are those of COCO, where pixel i is the number i
_CLASSES = "roi_heads.box_predictor.cls_score.weight"
_JOINTS = "roi_heads.keypoint_predictor.kps_score_lowres.weight"
_EPSILON_ZERO = ("keypointrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn")
"""Networks whose published weights are for batch norms that add nothing to the variance."""


@contextmanager
def open_torchvision(
    name: Name, min_score: float = 0.5, device: str | None = None, boxes_only: bool = False
) -> Iterator[FindPeople]:
    """Finds the people in pictures.

    Args:
        name: Network and weights; by default Keypoint R-CNN, or Mask R-CNN for boxes.
        min_score: Score from which on a box is a person, 0..1.
        device: ``cpu`` or ``cuda[:N]``; a GPU where there is one.
        boxes_only: Do not look for keypoints.

    Raises:
        MissingDependencyError: torchvision is not installed, or does not fit torch.
        WeightsError: The weights are not here, damaged, or of another network.
        VideoPose3DError: There is no such network.
    """
    library = import_library()
    path = Path(name.weights) if name.weights else None
    network = name.model or (_network_of(path) if path else "") or (DEFAULT_BOXES if boxes_only else DEFAULT)
    published = find_model("torchvision", network)
    build = getattr(library.models.detection, network, None)
    if published is None and (build is None or "rcnn_" not in network):
        known = (word for word in dir(library.models.detection) if re.fullmatch(r"(faster|mask|keypoint)rcnn_.*", word))
        raise VideoPose3DError(f"torchvision has no {network!r}", fix=f"Choose one of: {', '.join(known)}.")
    if path is None:
        if published is None:
            raise WeightsError("no published weights are known", where=network, fix="Give a file: ...=FILE")
        path = weights_file(published)
    state = read_state(path)
    if not boxes_only:
        check_joints(state, _JOINTS, path)
    net = _filled(build, state, min_score, path)
    if network in _EPSILON_ZERO and published and is_published(published, path):
        _without_epsilon(net)
    _drop_branches(net, keypoints=boxes_only)
    yield _finder(net.to(usual_device(device)), with_keypoints=not boxes_only)


def import_library() -> Any:
    """The module ``torchvision``.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        import torchvision
    except ImportError as error:
        raise MissingDependencyError(
            f"torchvision cannot be imported ({error})",
            where="detector torchvision",
            fix="Install it: pip install 'videopose3d[torchvision]'",
        ) from error
    except (RuntimeError, OSError) as error:  # its compiled part is for another torch
        reason = " ".join(str(error).split())[:100]
        raise MissingDependencyError(
            f"torchvision does not fit torch {torch.__version__} ({reason})",
            where="detector torchvision",
            fix="Install both in one go and of one kind, for CPU or CUDA, as pytorch.org tells for this system.",
        ) from error
    return torchvision


def _network_of(path: Path) -> str:
    """The network that the name of a file begins with, such as that of a published file."""
    found = re.match(r"(?:(?:faster|mask|keypoint)rcnn_\w+?_fpn(?:_v2)?)(?=_coco|-|\.|$)", path.name)
    return found[0] if found else ""


def _filled(build: Any, state: dict[str, Tensor], min_score: float, path: Path) -> Any:
    """The network with the weights; anything that does not fit is refused."""
    if _CLASSES not in state:
        raise WeightsError("these are not the weights of an R-CNN of torchvision", where=path)
    net = build(
        weights=None, weights_backbone=None, num_classes=len(state[_CLASSES]), box_score_thresh=min_score
    ).eval()
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise WeightsError(
            f"it does not fit {build.__name__} ({first[0].strip()[:120]})",
            where=path,
            fix="Name the network it is of: torchvision:NETWORK=FILE",
        ) from error
    return net


def _without_epsilon(net: nn.Module) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 0.0


def _drop_branches(net: Any, keypoints: bool) -> None:
    """Masks are not needed; keypoints neither where another network finds them."""
    for kind in ("mask", "keypoint") if keypoints else ("mask",):
        for part in ("roi_pool", "head", "predictor"):
            setattr(net.roi_heads, f"{kind}_{part}", None)


def _finder(net: Any, with_keypoints: bool) -> FindPeople:
    maps: list[Tensor] = []
    if with_keypoints:  # the logits, before they are reduced to their maxima
        net.roi_heads.keypoint_predictor.register_forward_hook(lambda _net, _given, logits: maps.append(logits))
    device = next(net.parameters()).device

    @torch.inference_mode()
    def find(frames: Sequence[Frame]) -> list[list[Person]]:
        maps.clear()
        pictures = [torch.from_numpy(np.ascontiguousarray(frame)).to(device) for frame in frames]
        found = net([picture.permute(2, 0, 1).float() / 255 for picture in pictures])
        logits = torch.split(maps[0], [len(one["boxes"]) for one in found]) if maps else [None] * len(found)
        return [_people(one, own) for one, own in zip(found, logits, strict=True)]

    return lambda frames: frames_alike(frames, find)


def _people(found: dict[str, Tensor], logits: Tensor | None) -> list[Person]:
    person = found["labels"] == _PERSON
    boxes, scores = found["boxes"][person].cpu().numpy(), found["scores"][person].cpu().numpy()
    return people_in(boxes, scores, None if logits is None else logits[person], _INDEX_TO_MIDDLE)
