"""Lifters of the original program and of MMPose in our format."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from videopose3d.errors import WeightsError
from videopose3d.files import replacing
from videopose3d.weights.counts import Architecture, misfit
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.pickled import RandomState, read_pickled

COUNTER = "num_batches_tracked"
State = dict[str, Tensor]


@dataclass(frozen=True)
class ForeignCheckpoint:
    """A checkpoint of another program, under our names.

    Attributes:
        kind: ``videopose3d`` (the original program) or ``mmpose``.
        container: ``zip`` or ``legacy``, the two of PyTorch.
        layout: Where in the file the networks are, in its own words.
        pose: Tensors of the pose network by our names.
        trajectory: Those of the trajectory network; None where there is none.
        epoch: Epochs done; None where the file does not say.
        lr: Learning rate of the next epoch.
        optimizer: State of Adam as plain containers and tensors, in the order of the parameters.
        random_state, random_state_semi: NumPy generators of the labelled and the unlabelled batches.
    """

    kind: str
    container: str
    layout: str
    pose: State
    trajectory: State | None = None
    epoch: int | None = None
    lr: float | None = None
    optimizer: dict[str, Any] | None = None
    random_state: RandomState | None = None
    random_state_semi: RandomState | None = None


def read_checkpoint(path: str | os.PathLike[str]) -> ForeignCheckpoint:
    """A checkpoint of the original program or of MMPose; nothing in it is run.

    Raises:
        WeightsError: It cannot be read, is damaged, holds another network, or asks for code to be run.
    """
    path = Path(path)
    pickled = read_pickled(path)
    content = pickled.content
    if not isinstance(content, dict):
        raise WeightsError(f"it holds a {type(content).__name__} and no lifter", where=path)
    if isinstance(content.get("model_pos"), dict):
        found = _original(content, pickled.container, path)
    else:
        found = _mmpose_or_bare(content, pickled.container, path)
    net = _check(found.pose, path)
    if found.trajectory is not None and _check(found.trajectory, path) != replace(net, joints_out=1):
        raise WeightsError("its trajectory network has another architecture than its pose network", where=path)
    return found


def architecture_of(state: Mapping[str, Any], *, dense: bool | None = None) -> Architecture:
    """The architecture that the tensors of a lifter have.

    Kernels of a dense network grow with the dilation they replace: 3, 7, 19 for the widths 3, 3, 3. Only two
    convolutions of, say, 3 and 7 can be either; they are taken as dense.

    Args:
        state: Arrays or tensors by our names.
        dense: Take it as dense or as dilated, whatever its kernels look like.

    Raises:
        WeightsError: Tensors that every lifter has are missing or have other shapes.
    """
    try:
        channels, inputs, first = state["expand_conv.weight"].shape
        joints_out, rest = divmod(state["shrink.weight"].shape[0], 3)
        blocks = 0
        kernels = [first]
        while f"layers_conv.{2 * blocks}.weight" in state:
            kernels.append(state[f"layers_conv.{2 * blocks}.weight"].shape[2])
            blocks += 1
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise WeightsError(f"these are not the tensors of a lifter ({error})") from error
    if rest or joints_out < 1 or any(kernel % 2 == 0 for kernel in kernels):
        raise WeightsError(f"no lifter has kernels of {kernels} and {3 * joints_out + rest} outputs")
    narrow = _dense_widths(kernels) if dense is None or dense else None
    if dense and narrow is None:
        raise WeightsError(f"kernels of {kernels} are not those of a dense network")
    return Architecture(narrow or tuple(kernels), channels, inputs, joints_out, narrow is not None)


def _dense_widths(kernels: Sequence[int]) -> tuple[int, ...] | None:
    """The widths that dense kernels stand for; None where they cannot be dense, or are the same when dilated."""
    widths, dilation = [kernels[0]], kernels[0]
    for kernel in kernels[1:]:
        reach, rest = divmod(kernel - 1, dilation)
        if rest or reach < 2 or reach % 2:
            return None
        widths.append(reach + 1)
        dilation *= reach + 1
    return tuple(widths) if widths != list(kernels) else None


def write_converted(found: ForeignCheckpoint, header: LifterHeader, output: str | os.PathLike[str]) -> None:
    """Write the networks of a checkpoint as weights of ours, whole or not at all."""
    networks = {"": found.pose, "trajectory.": found.trajectory or {}}
    tensors = {
        prefix + key: tensor.contiguous()
        for prefix, state in networks.items()
        for key, tensor in state.items()
        if not key.endswith(COUNTER)
    }
    with replacing(output) as partial:
        partial.write_bytes(save(tensors, replace(header, trajectory=found.trajectory is not None).to_metadata()))


# --- reading the two kinds


def _original(content: dict[str, Any], container: str, where: Path) -> ForeignCheckpoint:
    trajectory = content.get("model_traj")
    states = [content.get("random_state"), content.get("random_state_semi")]
    return ForeignCheckpoint(
        "videopose3d",
        container,
        "model_pos" + (", model_traj" if trajectory else ""),
        _tensors(content["model_pos"], where),
        _tensors(trajectory, where) if trajectory else None,
        _number(content.get("epoch"), int),
        _number(content.get("lr"), float),
        _as_torch(content["optimizer"]) if isinstance(content.get("optimizer"), dict) else None,
        *(state if isinstance(state, RandomState) else None for state in states),
    )


def _mmpose_or_bare(content: dict[str, Any], container: str, where: Path) -> ForeignCheckpoint:
    state = content.get("state_dict", content)
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise WeightsError("no lifter in this checkpoint", where=where)
    state = {key.removeprefix("module."): value for key, value in state.items()}
    if "expand_conv.weight" in state:
        return ForeignCheckpoint("videopose3d", container, "a bare state_dict", _tensors(state, where))
    head = "keypoint_head" if any(key.startswith("keypoint_head.") for key in state) else "head"
    pose = _mmpose_part(state, "backbone", head)
    if "expand_conv.weight" not in pose:
        some = ", ".join(sorted(state)[:2]) or "none"
        raise WeightsError(f"no lifter in this checkpoint (its tensors: {some}, ...)", where=where)
    trajectory = _mmpose_part(state, "traj_backbone", "traj_head")
    meta = content.get("meta")
    return ForeignCheckpoint(
        "mmpose",
        container,
        f"backbone., {head}." + (" and traj_backbone., traj_head." if trajectory else ""),
        _tensors(pose, where),
        _tensors(trajectory, where) if trajectory else None,
        _number(meta.get("epoch"), int) if isinstance(meta, dict) else None,
    )


def _mmpose_part(state: Mapping[str, Any], backbone: str, head: str) -> dict[str, Any]:
    """Tensors of one network by our names: MMPose counts blocks of two convolutions, we count convolutions."""
    renamed: dict[str, Any] = {}
    for key, value in state.items():
        if key.startswith(f"{head}.conv."):
            renamed[key.replace(f"{head}.conv.", "shrink.", 1)] = value
        elif match := re.fullmatch(rf"{backbone}\.expand_conv\.(conv|bn)\.(\w+)", key):
            renamed[f"expand_{match[1]}.{match[2]}"] = value
        elif match := re.fullmatch(rf"{backbone}\.tcn_blocks\.(\d+)\.conv([12])\.0\.(conv|bn)\.(\w+)", key):
            renamed[f"layers_{match[3]}.{2 * int(match[1]) + int(match[2]) - 1}.{match[4]}"] = value
        elif key.startswith(f"{backbone}."):
            renamed[key] = value  # something no lifter has: the check says so
    return renamed


def _tensors(state: Any, where: Path) -> State:
    tensors: State = {}
    for key, value in state.items() if isinstance(state, dict) else ():
        if not isinstance(key, str) or not isinstance(value, np.ndarray | np.generic):
            raise WeightsError(f"{key!r} is no tensor", where=where)
        tensor = torch.from_numpy(np.array(value))
        tensors[key.removeprefix("module.")] = tensor.float() if tensor.is_floating_point() else tensor
    return tensors


def _check(state: State, where: Path) -> Architecture:
    """The architecture of a lifter of which every tensor is there with its shape, and holds numbers."""
    try:
        net = architecture_of(state)
    except WeightsError as error:
        raise WeightsError(error.what, where=where) from error
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith(COUNTER)}
    if wrong := misfit(shapes, net):
        raise WeightsError(f"not a whole lifter: {wrong}", where=where)
    for key, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"tensor {key} holds values that are no numbers", where=where)
    return net


def _as_torch(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _as_torch(entry) for key, entry in value.items()}
    return type(value)(map(_as_torch, value)) if isinstance(value, list | tuple) else value


def _number(value: Any, kind: type[Any]) -> Any:
    return kind(value) if isinstance(value, int | float | np.number) else None
