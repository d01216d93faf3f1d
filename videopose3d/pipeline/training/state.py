"""The state of a training run in one safetensors file: what an exact resume needs, and no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from videopose3d.errors import WeightsError
from videopose3d.files import replacing

_FORMAT = "videopose3d-training/1"
_KEY = "videopose3d_training"


@dataclass
class RunState:
    """Where a run is, besides its networks and optimizer.

    Attributes:
        epoch: Epochs finished.
        learning_rate: Of the epoch that is next, or under way.
        bn_momentum: Batch-norm momentum of that epoch.
        minutes: Time spent.
        best: Lowest error on the test subjects so far [mm]; None before the first.
        history: One row of figures per finished epoch.
        sums: What the epoch under way has added up: loss times poses, poses.
    """

    epoch: int = 0
    learning_rate: float = 0.0
    bn_momentum: float = 0.1
    minutes: float = 0.0
    best: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    sums: tuple[float, float] = (0.0, 0.0)


def save_state(
    path: Path,
    networks: nn.Module,
    optimizer: torch.optim.Optimizer,
    run: RunState,
    identity: Mapping[str, Any],
    arrays: Mapping[str, Tensor],
) -> None:
    """Write everything atomically.

    Args:
        path: The file.
        networks, optimizer: Their whole states are kept.
        run: Where the run is.
        identity: What tells this run from others, by option; a resume has to agree.
        arrays: Random states and the place in the order of windows, by name.
    """
    tensors = {f"network.{k}": v for k, v in networks.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
    tensors |= {f"array.{k}": v for k, v in arrays.items()}
    text = json.dumps({"format": _FORMAT, "run": vars(run), "identity": identity})
    data = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, {_KEY: text})
    with replacing(path) as partial:
        partial.write_bytes(data)


def load_state(
    path: Path, networks: nn.Module, optimizer: torch.optim.Optimizer, identity: Mapping[str, Any]
) -> tuple[RunState, dict[str, Tensor]]:
    """Put a saved state in place.

    Returns:
        Where the run was, and the arrays it was saved with.

    Raises:
        WeightsError: The file is damaged, or belongs to a run with other settings.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads((file.metadata() or {})[_KEY])
        tensors = load_file(path)
        if said["format"] != _FORMAT:
            raise KeyError("format")
        run = RunState(**said["run"])
        old = said["identity"]
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(
            "not a training checkpoint that can be read", where=path, fix="Train into another folder, or --overwrite."
        ) from error
    other = [name for name, value in json.loads(json.dumps(identity)).items() if old.get(name) != value]
    if other:
        changes = ", ".join(f"{name} was {old.get(name)!r}, is {identity[name]!r}" for name in other[:3])
        raise WeightsError(
            f"this run was begun with other settings ({changes})",
            where=path,
            fix="Give the same options, or train into another folder.",
        )
    try:
        networks.load_state_dict(_under("network.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimizer.", tensors).items():
            index, name = key.split(".", 1)
            state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError, KeyError) as error:
        raise WeightsError("its tensors do not fit the network", where=path, fix="The file is damaged.") from error
    run.sums = (float(run.sums[0]), float(run.sums[1]))
    return run, _under("array.", tensors)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
