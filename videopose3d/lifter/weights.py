"""Lifter networks to and from safetensors files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from videopose3d.errors import DeviceError, WeightsError
from videopose3d.files import replacing
from videopose3d.lifter.model import TemporalModel, TemporalModelOneFrame
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.store import read_header

_TRAJECTORY = "trajectory."
_COUNTER = "num_batches_tracked"


Network = TypeVar("Network", TemporalModel, TemporalModelOneFrame)


def build_model(
    header: LifterHeader,
    dropout: float = 0.0,
    *,
    trajectory: bool = False,
    kind: type[Network] = TemporalModel,  # type: ignore[assignment]
) -> Network:
    """The network that a header describes, with fresh weights.

    Args:
        header: Architecture and joints.
        dropout: Probability of dropping an activation in training.
        trajectory: The network of the root's trajectory instead: the same, with one joint out.
        kind: The dilated network, or its one-frame twin for training.
    """
    return kind(
        len(header.input_skeleton),
        header.features,
        1 if trajectory else len(header.output_skeleton),
        header.filter_widths,
        causal=header.causal,
        dropout=dropout,
        channels=header.channels,
        dense=header.dense,
    )


def save_lifter(
    model: torch.nn.Module,
    header: LifterHeader,
    path: str | os.PathLike[str],
    *,
    trajectory: torch.nn.Module | None = None,
    half: bool = False,
) -> None:
    """Write weights and header atomically.

    Args:
        model: The pose network, dilated or one-frame.
        header: Of both networks; its ``trajectory`` is set here.
        path: The .safetensors file.
        trajectory: The network of the root's trajectory.
        half: Convolutions as float16, which halves the file; batch-norm values stay float32.
    """
    networks = {"": model} | ({_TRAJECTORY: trajectory} if trajectory else {})
    state = {
        prefix + key: (value.half() if half and value.ndim > 1 else value.float()).contiguous()
        for prefix, network in networks.items()
        for key, value in network.state_dict().items()
        if not key.endswith(_COUNTER)
    }
    with replacing(path) as partial:
        partial.write_bytes(save(state, replace(header, trajectory=trajectory is not None).to_metadata()))


def load_lifter(path: Path, device: str = "cpu") -> tuple[TemporalModel, LifterHeader]:
    """The pose network in evaluation mode, in float32 on ``device``, and its header.

    Raises:
        WeightsError: The file is damaged or its tensors do not fit its header.
    """
    header = read_header(path)
    state = {k: v for k, v in _tensors(path).items() if not k.startswith(_TRAJECTORY)}
    return _filled(build_model(header), state, path).to(device), header


def load_trajectory(path: Path, device: str = "cpu") -> TemporalModel | None:
    """The network of the root's trajectory as `load_lifter` gives that of the poses; None where there is none."""
    header = read_header(path)
    if not header.trajectory:
        return None
    state = {k.removeprefix(_TRAJECTORY): v for k, v in _tensors(path).items() if k.startswith(_TRAJECTORY)}
    return _filled(build_model(header, trajectory=True), state, path).to(device)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return {key: value.float() for key, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"not a readable safetensors file ({error})", where=path) from error


def _filled(model: TemporalModel, state: dict[str, Tensor], path: Path) -> TemporalModel:
    expected = {k: v.shape for k, v in model.state_dict().items() if not k.endswith(_COUNTER)}
    for key in sorted(expected.keys() | state.keys()):
        if key not in state or key not in expected or state[key].shape != expected[key]:
            raise WeightsError(f"tensor {key} does not fit the header", where=path, fix="The file is damaged.")
    model.load_state_dict(state, strict=False)
    return model.eval()


def choose_device(name: str) -> str:
    """``auto`` becomes ``cuda`` where there is a usable GPU, else ``cpu``; others are checked.

    Raises:
        DeviceError: The device is not on this machine.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind == "cpu" and not index:
        return name
    if kind != "cuda" or (index and not index.isdigit()):
        raise DeviceError(f"unknown device {name!r}", fix="Use auto, cpu, cuda or cuda:N.")
    if not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count():
        raise DeviceError("this machine has no such GPU", where=name, fix="Use --device cpu or auto.")
    return name
