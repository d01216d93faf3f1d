"""Faster, Mask and Keypoint R-CNN of Detectron2: any configuration of its model zoo, or a file.

Detectron2's own ``model_zoo`` and checkpointer are not used: the one needs ``pkg_resources``, which setuptools 82
removed, the other runs what a ``.pkl`` asks for. The configurations lie in the installed package; weights are read
without running anything in them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from videopose3d.detectors.models import find_model, weights_file
from videopose3d.detectors.names import Name
from videopose3d.detectors.rcnn import check_joints, frames_alike, people_in, read_state, usual_device
from videopose3d.errors import FileFormatError, MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.skeleton import COCO17, SKELETONS, Skeleton
from videopose3d.types import Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import FindPeople

DEFAULT = "COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x"
DEFAULT_BOXES = "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x"
INSTALL = (
    "pip install 'setuptools>=77.0.3,<82' wheel ninja, then "
    "pip install --no-build-isolation git+https://github.com/facebookresearch/detectron2"
)
"""No registry has it; built in isolation it does not find torch, and its model zoo fails with setuptools 82."""
_PERSON = 0  # of models of people only, and of COCO's 80 classes
_JOINTS = "roi_heads.keypoint_head.score_lowres.weight"
_NOTE = "# videopose3d "
"""Begins the line of a configuration that says what its weights are for; no key of Detectron2's can."""
_COMPUTED = ("pixel_mean", "pixel_std", "anchor_generator.cell_anchors")  # the configuration has them


@contextmanager
def open_detectron2(
    name: Name, min_score: float = 0.5, device: str | None = None, boxes_only: bool = False
) -> Iterator[FindPeople]:
    """Finds the people in pictures.

    Args:
        name: Configuration and weights; by default Keypoint R-CNN R-101, or Mask R-CNN R-101 for boxes.
        min_score: Score from which on a box is a person, 0..1.
        device: ``cpu`` or ``cuda[:N]``; a GPU where there is one.
        boxes_only: Do not look for keypoints.

    Raises:
        MissingDependencyError: Detectron2 is not installed.
        WeightsError: The weights are not here, damaged, or of another network.
        VideoPose3DError: There is no such configuration.
    """
    library = import_library()
    network = (name.model or (DEFAULT_BOXES if boxes_only else DEFAULT)).removesuffix(".yaml")
    config = configuration(library, network)
    config.MODEL.DEVICE = usual_device(device)
    config.MODEL.ROI_HEADS.SCORE_THRESH_TEST = float(min_score)
    config.MODEL.MASK_ON = False
    if not boxes_only and not config.MODEL.KEYPOINT_ON:
        raise VideoPose3DError("it finds boxes only", where=network, fix=f"Use detectron2:{network}+cpn")
    config.MODEL.KEYPOINT_ON = not boxes_only
    path = _weights(network, name)
    state = read_state(path)
    if not boxes_only:
        check_joints(state, _JOINTS, path, joints_of_model(name))
    yield _finder(_filled(config, state, path), config)


def import_library() -> Any:
    """The module ``detectron2``, with what finding people needs of it.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        import detectron2
        import detectron2.config
        import detectron2.data.transforms
        import detectron2.modeling
    except (ImportError, RuntimeError, OSError) as error:  # the last two: torchvision's compiled part
        reason = " ".join(str(error).split())[:100]
        raise MissingDependencyError(
            f"Detectron2 cannot be imported ({reason})", where="detector detectron2", fix=f"Install it: {INSTALL}"
        ) from error
    return detectron2


def configuration(library: Any, network: str) -> Any:
    """Defaults overlaid by a file of the user's, or one of the model zoo.

    Args:
        library: As `import_library` gives it.
        network: The file or the name, without ``.yaml``.

    Raises:
        VideoPose3DError: There is no such configuration, or it is not one.
    """
    zoo = Path(library.__file__).parent / "model_zoo" / "configs"
    given, own = Path(f"{network}.yaml"), zoo / f"{network}.yaml"
    path = given if given.is_file() else own
    if not path.is_file():
        similar = sorted(p.relative_to(zoo).with_suffix("").as_posix() for p in zoo.glob("*/*rcnn*FPN*.yaml"))
        known = ", ".join(name for name in similar if name.startswith("COCO-")) or "none: the package has no model zoo"
        raise VideoPose3DError(f"Detectron2 has no {network!r}", fix=f"Give a .yaml file or one of: {known}.")
    config = library.config.get_cfg()
    try:
        config.merge_from_file(str(path), allow_unsafe=False)
    except Exception as error:  # of YAML, yacs or Detectron2: an assertion, a key it does not know, ...
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise VideoPose3DError(f"not a configuration of Detectron2 ({reason})", where=path) from error
    config.MODEL.WEIGHTS = ""
    return config


def _weights(network: str, name: Name) -> Path:
    if name.weights:
        return Path(name.weights)
    published = find_model("detectron2", network)
    if published is None:
        raise WeightsError(
            "no published weights are known", where=network, fix=f"Give a file: detectron2:{network}=FILE"
        )
    return weights_file(published)


def _filled(config: Any, state: Mapping[str, Tensor], path: Path) -> Any:
    """The network with the weights; those of branches that are not used are left out."""
    from detectron2.modeling import build_model

    net = build_model(config).eval()
    fill(net, state, path)
    return net


def fill(net: Any, state: Mapping[str, Tensor], path: Path, fresh: Collection[str] = ()) -> None:
    """Give a network its weights.

    Args:
        net: Of `configuration`.
        state: Tensors by name; those of branches that the network lacks are left out.
        path: Where they come from, for messages.
        fresh: Tensors of the network that stay as they are.

    Raises:
        WeightsError: They are of another network.
    """
    wanted = net.state_dict()
    unused = ("roi_heads.mask_", "roi_heads.keypoint_")
    for key in sorted((wanted.keys() | state.keys()) - set(fresh)):
        known = key in wanted and key in state and wanted[key].shape == state[key].shape
        extra = key not in wanted and key.startswith(unused)
        if not known and not extra and not any(word in key for word in _COMPUTED):
            raise WeightsError(
                f"tensor {key} does not fit the configuration",
                where=path,
                fix="Name the configuration it is of: detectron2:CONFIG=FILE",
            )
    kept = {key: value for key, value in state.items() if key in wanted and key not in fresh}
    net.load_state_dict(kept, strict=False)


def note_of(skeleton: Skeleton, **more: object) -> str:
    """The line of a configuration from which `joints_of_model` knows the joints, and whatever else is to be kept."""
    return _NOTE + json.dumps({"name": skeleton.name, "joints": skeleton.joints, "bones": skeleton.bones, **more})


def joints_of_model(name: Name) -> Skeleton:
    """The joints that the configuration's `note_of` names, else COCO's.

    Raises:
        FileFormatError: The note is damaged.
    """
    path = Path(f"{name.model.removesuffix('.yaml')}.yaml")
    if not name.model or not path.is_file():
        return COCO17
    lines = path.read_text("utf-8", errors="replace").splitlines()
    line = next((line for line in lines if line.startswith(_NOTE)), None)
    if line is None:
        return COCO17
    try:
        note = json.loads(line.removeprefix(_NOTE))
        found = Skeleton(str(note["name"]), tuple(note["joints"]), tuple((a, b) for a, b in note["bones"]))
        _ = found.bone_indices, found.mirror
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, VideoPose3DError) as error:
        fix = "It is the line that begins with '# videopose3d'; fine-tuning writes it."
        raise FileFormatError("its note of the joints is damaged", where=path, fix=fix) from error
    known = SKELETONS.get(found.name)
    return known if known and known.joints == found.joints else found


def _finder(net: Any, config: Any) -> FindPeople:
    from detectron2.data.transforms import ResizeShortestEdge

    shortest = config.INPUT.MIN_SIZE_TEST
    enlarge = ResizeShortestEdge([shortest, shortest], config.INPUT.MAX_SIZE_TEST)
    channels = slice(None, None, -1 if config.INPUT.FORMAT == "BGR" else 1)

    def given(frame: Frame) -> dict[str, Any]:
        picture = frame[..., channels]
        picture = enlarge.get_transform(picture).apply_image(picture)
        tensor = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))
        return {"image": tensor, "height": frame.shape[0], "width": frame.shape[1]}

    @torch.inference_mode()
    def find(frames: Sequence[Frame]) -> list[list[Person]]:
        return [_people(found["instances"]) for found in net([given(frame) for frame in frames])]

    return lambda frames: frames_alike(frames, find)


def _people(found: Any) -> list[Person]:
    found = found[found.pred_classes == _PERSON]
    logits = found.pred_keypoint_heatmaps if found.has("pred_keypoint_heatmaps") else None
    return people_in(found.pred_boxes.tensor.cpu().numpy(), found.scores.cpu().numpy(), logits)
