"""Lifter networks to and from safetensors files."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from videopose3d.errors import DeviceError, WeightsError
from videopose3d.files import replacing
from videopose3d.lifter.model import TemporalModel
from videopose3d.weights.header import LifterHeader
from videopose3d.weights.store import read_header


def build_model(header: LifterHeader, dropout: float = 0.0) -> TemporalModel:
    """The network that a header describes, with fresh weights."""
    return TemporalModel(
        len(header.input_skeleton),
        header.features,
        len(header.output_skeleton),
        header.filter_widths,
        causal=header.causal,
        dropout=dropout,
        channels=header.channels,
    )


def save_lifter(model: torch.nn.Module, header: LifterHeader, path: str | os.PathLike[str]) -> None:
    """Write weights and header atomically: convolutions as float16, batch-norm values as float32."""
    state = {
        key: value.half() if value.ndim > 1 else value.float()
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    with replacing(path) as partial:
        partial.write_bytes(save({k: v.contiguous() for k, v in state.items()}, header.to_metadata()))


def load_lifter(path: Path, device: str = "cpu") -> tuple[TemporalModel, LifterHeader]:
    """The network in evaluation mode, in float32 on ``device``, and its header.

    Raises:
        WeightsError: The file is damaged or its tensors do not fit its header.
    """
    header = read_header(path)
    model = build_model(header)
    try:
        state = {key: value.float() for key, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"not a readable safetensors file ({error})", where=path) from error
    expected = {k: v.shape for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    for key in sorted(expected.keys() | state.keys()):
        if key not in state or key not in expected or state[key].shape != expected[key]:
            raise WeightsError(f"tensor {key} does not fit the header", where=path, fix="The file is damaged.")
    model.load_state_dict(state, strict=False)
    return model.eval().to(device), header


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
