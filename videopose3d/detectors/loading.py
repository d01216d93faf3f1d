"""Keypoint networks from the files that others publish: recognised by their tensors, loaded whole or refused."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from videopose3d.detectors.crops import Size
from videopose3d.detectors.networks.cpm import CPM
from videopose3d.detectors.networks.cpn import CPN
from videopose3d.detectors.networks.hourglass import Hourglass
from videopose3d.detectors.published import JHMDB15, PUBLISHED, RECIPES, PublishedNetwork, Recipe, recognise
from videopose3d.errors import SkeletonMismatchError, WeightsError
from videopose3d.files import replacing
from videopose3d.skeleton import COCO17, MPII16, SKELETONS, Skeleton
from videopose3d.weights.pickled import read_pickled
from videopose3d.weights.store import cache_folder, file_hash

_COUNTER = "num_batches_tracked"
_USUAL = {len(skeleton): skeleton for skeleton in (COCO17, MPII16, JHMDB15)}
_KNOWN = SKELETONS | {JHMDB15.name: JHMDB15}
_SIZES = {"cpm": {16: (368, 368), 15: (368, 368)}, "hourglass": {16: (256, 256)}}  # where there is one size only


@dataclass(frozen=True)
class KeypointNetwork:
    """A network with its weights and what they are for.

    Attributes:
        model: In evaluation mode; ``model.maps`` gives the maps.
        recipe: How its inputs and maps are meant.
        input_size: (height, width) [px].
        skeleton: Its joints.
        name: For messages and results.
    """

    model: CPN | CPM | Hourglass = field(repr=False)
    recipe: Recipe
    input_size: Size
    skeleton: Skeleton
    name: str

    def __post_init__(self) -> None:
        if self.model.joints != len(self.skeleton):
            raise SkeletonMismatchError(
                f"{len(self.skeleton)} joints, but the network has {self.model.joints}", where=self.skeleton.name
            )
        step = 64 if self.recipe.family == "hourglass" else 32 if self.recipe.family == "cpn" else 8
        if any(side % step or side <= 0 for side in self.input_size):
            raise WeightsError(
                f"an input of {self.input_size[0]}x{self.input_size[1]} px", fix=f"Its sides are multiples of {step}."
            )


def load_keypoint_network(
    source: str | os.PathLike[str],
    *,
    input_size: Size | None = None,
    skeleton: Skeleton | None = None,
    device: str | torch.device = "cpu",
) -> KeypointNetwork:
    """A published network by its name (see `published.PUBLISHED`) or any checkpoint file of the same layout.

    Args:
        source: Name or file, also of `save_keypoint_network`; nothing in it is run.
        input_size: (height, width) [px]; by default as the file says, or its name (``...256x192...``).
        skeleton: Its joints; by default as the file says, or the usual ones for their number.
        device: Where the weights go.

    Raises:
        WeightsError: There is no such file, it asks for code to be run, is damaged, is of another network, or is of
            a version that is known to be bad; or nothing says its input size.
        SkeletonMismatchError: It has another number of joints.
    """
    path, known = _find(source)
    state, note = _read(path)
    family, model = _network_of(state, path)
    _load(model, state, path)
    skeleton = skeleton or _noted_skeleton(note, path) or (known.skeleton if known else None)
    skeleton = skeleton or _USUAL.get(model.joints)
    if skeleton is None:
        raise SkeletonMismatchError(f"unknown joints, {model.joints} of them", where=path, fix="Give the skeleton.")
    size = (
        input_size
        or _size_in(note.get("input_size", ""))
        or (known.input_size if known else None)
        or _size_in(path.name)
    )
    size = size or _SIZES.get(family, {}).get(model.joints)
    if size is None:
        raise WeightsError(
            "neither the file nor its name says the size of the network's input",
            where=path,
            fix="Give input_size, e.g. (384, 288), or put 384x288 into the name of the file.",
        )
    name = known.name if known else path.name.partition(".")[0]
    try:
        return KeypointNetwork(model.eval().to(device), RECIPES[family], size, skeleton, name)
    except (SkeletonMismatchError, WeightsError) as error:
        raise type(error)(error.what, where=path, fix=error.fix) from error


def save_keypoint_network(
    network: KeypointNetwork, path: str | os.PathLike[str], more: Mapping[str, str] | None = None
) -> None:
    """Write a network as safetensors, with its joints and input size in the header; whole or not at all.

    Args:
        network: Its weights are written as they are.
        path: The file.
        more: Further entries of the header, e.g. data and licence.
    """
    skeleton = network.skeleton
    note = {
        **(more or {}),
        "family": network.recipe.family,
        "skeleton": skeleton.name,
        "joints": json.dumps(skeleton.joints),
        "bones": json.dumps(skeleton.bones),
        "input_size": f"{network.input_size[0]}x{network.input_size[1]}",
    }
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in network.model.state_dict().items()}
    with replacing(path) as partial:
        partial.write_bytes(save(state, note))


def joints_of_file(source: str | os.PathLike[str]) -> Skeleton | None:
    """The joints that a file of `save_keypoint_network` names, its weights not read; None for other files and names.

    Raises:
        WeightsError: It is damaged.
    """
    path = Path(source)
    if not path.is_file() or not _is_safetensors(path):
        return None
    try:
        with safe_open(path, framework="pt") as tensors:
            return _noted_skeleton(tensors.metadata() or {}, path)
    except SafetensorError as error:
        raise WeightsError(f"not a readable safetensors file ({error})", where=path) from error


# --- the file


def _find(source: str | os.PathLike[str]) -> tuple[Path, PublishedNetwork | None]:
    """The file, and which published network it is; a hash that is published must be that of the file."""
    path = Path(source)
    known = PUBLISHED.get(str(source).lower()) if not path.is_file() else recognise(path)
    if known and not path.is_file():
        path = cache_folder() / known.file
    if not path.is_file():
        if known:
            fix = f"Download {known.url} and put it there."
        else:
            fix = f"Give a checkpoint file or one of: {', '.join(PUBLISHED)}."
        raise WeightsError("no such keypoint network", where=path if known else source, fix=fix)
    if known and known.sha256 and not (digest := file_hash(path)).startswith(known.sha256):
        raise WeightsError(
            f"its hash starts with {digest[:8]} instead of {known.sha256}; it is damaged or another file",
            where=path,
            fix=f"Download it again: {known.url}",
        )
    return path, known


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by the network's own names, and what a file of ours says of it."""
    if not _is_safetensors(path):
        return _state(read_pickled(path).content, path), {}
    try:
        with safe_open(path, framework="pt") as tensors:
            state = {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118 - not a dictionary
            return {key: _exact(tensor) for key, tensor in state.items()}, dict(tensors.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"not a readable safetensors file ({error})", where=path) from error


def _state(content: Any, where: Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint: ``module.`` of data parallel training and ``backbone.`` of MMPose go."""
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise WeightsError("no keypoint network in this file", where=where)
    tensors = {}
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, np.ndarray | np.generic):
            raise WeightsError(f"{str(key)[:60]!r} is no tensor", where=where)
        tensors[key.removeprefix("module.").removeprefix("backbone.")] = _exact(torch.from_numpy(np.array(value)))
    return tensors


def _exact(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _is_safetensors(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(10)[8:] == b'{"'


def _noted_skeleton(note: Mapping[str, str], where: Path) -> Skeleton | None:
    """The joints that a header names, those known here by their own name; None where it names none."""
    known = _KNOWN.get(note.get("skeleton", ""))
    if "joints" not in note:
        return known
    try:
        joints = tuple(str(joint) for joint in json.loads(note["joints"]))
        bones = tuple((str(a), str(b)) for a, b in json.loads(note["bones"]))
        skeleton = Skeleton(note["skeleton"], joints, bones)
        _ = skeleton.bone_indices, skeleton.mirror
    except (KeyError, TypeError, ValueError, RecursionError, SkeletonMismatchError) as error:
        raise WeightsError("the joints in its header cannot be read", where=where, fix="It is damaged.") from error
    return known if known and known.joints == joints else skeleton


def _size_in(text: str) -> Size | None:
    """Height and width from a text with ``256x192`` in it."""
    found = re.search(r"(?<!\d)(\d{2,3})x(\d{2,3})(?!\d)", text)
    return (int(found[1]), int(found[2])) if found else None


# --- the network


def _network_of(state: Mapping[str, Tensor], where: Path) -> tuple[str, CPN | CPM | Hourglass]:
    """The family and an empty network for these tensors, on no device."""
    with torch.device("meta"):
        if "refine_net.final_predict.1.weight" in state:
            _refuse_old_cpn(state, where)
            blocks = [_count(state, rf"resnet\.layer{stage}\.(\d+)\.conv1\.weight") for stage in (1, 2, 3, 4)]
            return "cpn", CPN(blocks, _rows(state, "refine_net.final_predict.1.weight"))
        if "cpm_stages.0.model.0.conv.weight" in state:
            return "cpm", CPM(_rows(state, "stem.9.conv.weight"))
        if "hg.0.hg.0.0.0.conv1.weight" in state:
            return "hourglass", Hourglass(_count(state, r"score\.(\d+)\.weight"), _rows(state, "score.0.weight"))
    some = ", ".join(sorted(state)[:2])
    raise WeightsError(
        f"neither CPN, CPM nor hourglass (its tensors: {some}, ...)", where=where, fix="Other networks are not known."
    )


def _refuse_old_cpn(state: Mapping[str, Tensor], where: Path) -> None:
    fix = f"Take the present file: {PUBLISHED['cpn50_384x288'].url}"
    if any(re.fullmatch(r"global_net\.upsamples\.\d\.1\.bias", key) for key in state):
        raise WeightsError(
            "a CPN from before September 2018: it has biases that later ones do not, and learned from images from "
            "which by mistake almost no mean was subtracted, so that it sees nothing right",
            where=where,
            fix=fix,
        )
    if any(key.startswith("refine_net.cascade.3.") for key in state):
        raise WeightsError(
            "a CPN from before July 2018: its RefineNet has the bottlenecks in reversed order", where=where, fix=fix
        )


def _load(model: nn.Module, state: dict[str, Tensor], where: Path) -> None:
    """Give a network on no device its tensors: all of them, no others, with their shapes, and finite."""
    wanted = model.state_dict()
    complete = {key: torch.zeros((), dtype=torch.long) for key in wanted if key.endswith(_COUNTER)} | state
    for key in sorted(wanted.keys() ^ complete.keys()):
        what = "is missing" if key in wanted else "is too much"
        raise WeightsError(f"not a whole {type(model).__name__}: {key} {what}", where=where)
    for key, tensor in complete.items():
        if tensor.shape != wanted[key].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted[key].shape)}"
            raise WeightsError(f"not a whole {type(model).__name__}: {key} is {shapes}", where=where)
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"tensor {key} holds values that are no numbers", where=where)
    model.load_state_dict(complete, assign=True)


def _rows(state: Mapping[str, Tensor], key: str) -> int:
    """Outputs of a convolution, the joints; what is not there the check will name."""
    return state[key].shape[0] if key in state and state[key].ndim else 1


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    return len({found[1] for key in state if (found := re.fullmatch(pattern, key))})
